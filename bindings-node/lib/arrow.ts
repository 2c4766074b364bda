// Converts `Table` objects of the package apache-arrow to bytes of Arrow IPC. The package is loaded only if the caller
// passes such a table.
import { createRequire } from 'node:module'
import { ChurnError } from './errors.js'
import type { TableName } from './columns.js'
import type { ArrowTable } from './types.js'

/** Whether a value is a `Table` of apache-arrow, from any copy or version of the package. */
function isTable(value: unknown): value is ArrowTable {
  const table = value as Partial<ArrowTable> | null | undefined
  return typeof table === 'object' && table !== null && Array.isArray(table.schema?.fields) && Array.isArray(table.batches) && typeof table.numRows === 'number'
}

export const isArrow = (value: unknown): boolean => value instanceof Uint8Array || isTable(value)

/**
 * The part of apache-arrow that this file uses. A process may load several copies of the package, each with its own
 * classes.
 */
interface ArrowPackage {
  tableToIPC(table: object, format: 'stream'): Uint8Array
  Table: new (schema: object, batches: object[]) => object
  RecordBatch: new (schema: object, data: object) => object
  Schema: new (fields: object[]) => object
  Field: new (name: string, type: object, nullable: boolean, metadata: unknown) => object
  Vector: new (data: object[]) => object
  Data: new (type: object, offset: number, length: number, nullCount: number, buffers: unknown[], children: object[], dictionary?: object) => object
}

function arrowPackage(name: string): ArrowPackage {
  for (const place of [process.argv[1], `${process.cwd()}/`, __filename]) {
    if (place === undefined) continue
    try {
      return createRequire(place)('apache-arrow') as ArrowPackage
    } catch {
      continue
    }
  }
  throw new ChurnError(`${name} is a Table, but the package apache-arrow is not found: give tableToIPC(table, 'stream')`, { code: 'unreadable_table' })
}

/** The properties of a table that this file reads. Every copy of the package apache-arrow has these properties. */
interface ForeignType { children?: ForeignField[]; dictionary?: ForeignType; indices?: ForeignType; constructor: { name: string } }
interface ForeignField { name: string; type: ForeignType; nullable: boolean; metadata: unknown }
interface ForeignData {
  type: ForeignType; offset: number; length: number; nullCount: number; valueOffsets: unknown; values: unknown; nullBitmap: unknown; typeIds: unknown
  children: ForeignData[]; dictionary?: { data: ForeignData[] }
}
interface ForeignTable { schema: { fields: ForeignField[] }; batches: { data: ForeignData }[] }

/**
 * Rebuilds a table with the classes of the package `arrow`, because `arrow.tableToIPC` accepts only tables with its own
 * classes. The old and the new table share their buffers.
 */
function adopted(table: ForeignTable, arrow: ArrowPackage, name: string): object {
  const type = (own: ForeignType): object => {
    const same = (arrow as unknown as Record<string, { prototype: object } | undefined>)[own.constructor.name]
    if (!same) throw new ChurnError(`${name} has a column of type ${own.constructor.name}: give tableToIPC(table, 'stream')`, { code: 'unreadable_table' })
    const made: Record<string, unknown> = Object.assign(Object.create(same.prototype), own)
    if (own.children) made['children'] = own.children.map(field)
    if (own.dictionary) made['dictionary'] = type(own.dictionary)
    if (own.indices) made['indices'] = type(own.indices)
    return made
  }
  const field = ({ name, type: of, nullable, metadata }: ForeignField): object => new arrow.Field(name, type(of), nullable, metadata)
  const data = (own: ForeignData): object => new arrow.Data(
    type(own.type), own.offset, own.length, own.nullCount, [own.valueOffsets, own.values, own.nullBitmap, own.typeIds], own.children.map(data),
    own.dictionary && new arrow.Vector(own.dictionary.data.map(data)),
  )
  const schema = new arrow.Schema(table.schema.fields.map(field))
  return new arrow.Table(schema, table.batches.map((batch) => new arrow.RecordBatch(schema, data(batch.data))))
}

/** Converts a `Table` to the bytes of an Arrow IPC stream. Any other value is returned unchanged. */
export function toBytes(value: unknown, name: string): unknown {
  if (!isTable(value)) return value
  const arrow = arrowPackage(name)
  const own = value.constructor === arrow.Table ? value : adopted(value as unknown as ForeignTable, arrow, name)
  return arrow.tableToIPC(own, 'stream')
}

/**
 * Replaces each `Table` of apache-arrow in `tables` by the bytes of an Arrow IPC stream. Other values stay unchanged.
 */
export function arrowTables(tables: object, names: readonly TableName[]): object {
  const given: Record<string, unknown> = { ...tables }
  for (const name of names) given[name] = toBytes(given[name], name)
  return given
}
