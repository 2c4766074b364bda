import type { InspectOptions } from 'node:util'
import { arrowTables, isArrow } from './arrow.js'
import type { CustomerRecord, TableName } from './columns.js'
import { ChurnError, reportOf } from './errors.js'
import {
  INSPECT, argument, cached, checked, dispose, guard, halfOf, hold, keys, long, native, noMore, shown, sliced, text, type Keys,
} from './glue.js'
import type { ValidationReport } from './reports.js'
import type { ArrowTables, Cancellable, ColumnInfo, ObjectTables, RecordOptions, TableOptions } from './types.js'

type Native = InstanceType<typeof native.Records>

const TABLES = ['customers', 'payments', 'tickets', 'activities'] as const

const TABLE_KEYS = { customers: 1, payments: 1, tickets: 1, activities: 1 } as const

const RECORD_OPTIONS = keys<RecordOptions>({
  onInvalid: 1, observedFrom: 1, observedUntil: 1, staticAttributes: 1, currency: 1, conversionRates: 1,
})

/** @internal */
export const TABLE_OPTIONS = keys<TableOptions>({ ...RECORD_OPTIONS, ties: 1 })

const TENANT_KEYS = { tenant: 1, ...TABLE_KEYS, ...TABLE_OPTIONS } as const

/** @internal */
export let wrapRecords: (records: Native) => TenantRecords

/** The validated records of one tenant. A `TenantRecords` is immutable. */
export class TenantRecords {
  private constructor(records: Native) {
    if (!(records instanceof native.Records)) {
      throw new ChurnError('use TenantRecords.fromObjects or TenantRecords.fromArrow', { code: 'invalid_option' })
    }
    hold(this, records)
  }

  static {
    wrapRecords = (records) => new TenantRecords(records)
  }

  /**
   * Reads tables of plain objects. This function blocks the calling thread for about 0.7 s per 100 000 rows. In a
   * server, use {@link fromObjectsAsync}.
   *
   * @throws {ChurnError} with the code, table, row and column of the first invalid value, and with the whole report.
   */
  static fromObjects<C extends CustomerRecord>(tables: { tenant: string } & ObjectTables<C> & TableOptions): TenantRecords {
    noMore(arguments.length, 1, 'fromObjects')
    const given = checked<object>(tables, TENANT_KEYS as Keys<object>, 'tables')
    return guard(() => wrapRecords(native.Records.read(given, false)))
  }

  /**
   * Reads tables like {@link fromObjects}, but without blocking the event loop. Rows are read in slices that take about
   * 5 ms each, and are validated on another thread. Do not change the rows before the promise settles.
   */
  static async fromObjectsAsync<C extends CustomerRecord>(
    tables: { tenant: string } & ObjectTables<C> & TableOptions & Cancellable,
  ): Promise<TenantRecords> {
    noMore(arguments.length, 1, 'fromObjectsAsync')
    const given = checked(tables, { ...TENANT_KEYS, signal: 1 } as Keys<typeof tables>, 'tables')
    text(given.tenant, 'tenant')
    return long(given, async (cancel) => {
      const slices = new native.Slices()
      for (const table of TABLES) {
        const rows: readonly unknown[] | null | undefined = given[table]
        if (rows === undefined || rows === null) continue
        if (!Array.isArray(rows)) throw new ChurnError(`${table} must be an array of objects`, { code: 'unreadable_table', table })
        slices.push(table, [])
        await sliced(rows, given.signal, (slice) => slices.push(table, slice as unknown[]))
      }
      return wrapRecords(await native.readSlices(slices, given, cancel))
    })
  }

  /**
   * Reads Arrow tables. This function is synchronous.
   *
   * @throws {ChurnError} the errors of {@link fromObjects}, and `unreadable_table` if a buffer is not an Arrow IPC file
   * or stream.
   */
  static fromArrow(tables: { tenant: string } & ArrowTables & TableOptions): TenantRecords {
    noMore(arguments.length, 1, 'fromArrow')
    const given = checked<object>(tables, TENANT_KEYS as Keys<object>, 'tables')
    return guard(() => wrapRecords(native.Records.read(arrowTables(given, TABLES), true)))
  }

  /** The tenant's id. */
  get tenant(): string { return cached(this, 'tenant', () => halfOf<Native>(this).tenant) }
  /** The ISO 4217 code of the currency of all amounts. It is null if the currency is unknown. */
  get currency(): string | null { return cached(this, 'currency', () => halfOf<Native>(this).currency ?? null) }
  /** The ids of all customers, sorted by their UTF-8 bytes. */
  get customerIds(): readonly string[] { return cached(this, 'customerIds', () => halfOf<Native>(this).customerIds) }
  /** Start of the observed history (the period that the records cover); null if there are no events. */
  get observedFrom(): string | null { return cached(this, 'observedFrom', () => halfOf<Native>(this).observedFrom ?? null) }
  /** End of the observed history (the period that the records cover); null if there are no events. */
  get observedUntil(): string | null { return cached(this, 'observedUntil', () => halfOf<Native>(this).observedUntil ?? null) }
  /** The validation report. */
  get report(): ValidationReport { return cached(this, 'report', () => reportOf(JSON.parse(halfOf<Native>(this).report))) }

  /** Returns the number of rows of a table, or null if the table was not given. */
  rows(table: TableName): number | null {
    return guard(() => halfOf<Native>(this).rows(text(table, 'table')) ?? null)
  }

  /** The value that `JSON.stringify` writes for this object: the row counts and the report, without the rows. */
  toJSON(): { tenant: string; currency: string | null; observedFrom: string | null; observedUntil: string | null; rows: Record<TableName, number | null>; report: ValidationReport } {
    const { tenant, currency, observedFrom, observedUntil, report } = this
    return { tenant, currency, observedFrom, observedUntil, rows: this.#counts(), report }
  }

  #counts(): Record<TableName, number | null> {
    return Object.fromEntries(TABLES.map((table) => [table, this.rows(table)])) as Record<TableName, number | null>
  }

  /** Frees the memory of the records after all running calls have finished. Later calls throw an error. */
  [Symbol.dispose](): void { dispose(this) }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    return shown('TenantRecords', { tenant: this.tenant, ...this.#counts() }, options)
  }
}

/** @internal */
export const recordsOf = (records: unknown): Native => argument<Native>(records, TenantRecords, 'records')

/** Returns the columns that the library recognizes in a table. Required columns come first. */
export function columnsOf(table: TableName | 'subscriptions'): ColumnInfo[] {
  return guard(() => native.columnsOf(text(table, 'table'))) as ColumnInfo[]
}

/** The result of {@link partition}. */
export interface Partition {
  /**
   * The records of each tenant, by tenant id. A row number in a tenant's report is the position of the row in the input
   * table.
   */
  tenants: Map<string, TenantRecords>
  /** The report on rows without a tenant. */
  unassigned: ValidationReport
  /** For each tenant and table, the positions of the tenant's rows in the input table, in ascending order. */
  positions: Map<string, Partial<Record<TableName, Uint32Array>>>
}

const PARTITION_KEYS = { ...TABLE_KEYS, ...TABLE_OPTIONS } as const

/**
 * Splits tables that contain rows of many tenants into the records of each tenant. The column `tenant_id` contains the
 * tenant of each row. Pass either all tables as arrays of objects, or all tables as Arrow.
 */
export function partition<C extends CustomerRecord>(tables: (ObjectTables<C> | ArrowTables) & TableOptions): Partition {
  noMore(arguments.length, 1, 'partition')
  const given = checked<object>(tables, PARTITION_KEYS as Keys<object>, 'tables') as ArrowTables
  return guard(() => {
    const arrow = isArrow(given.customers)
    const parts = native.partition(arrow ? arrowTables(given, TABLES) : given, arrow)
    const records = parts.tenants.map(wrapRecords)
    const positions: Partition['positions'] = new Map(records.map(({ tenant }) => [tenant, {}]))
    for (const { tenant, table, rows } of parts.positions) positions.get(tenant)![table as TableName] = rows
    return {
      tenants: new Map(records.map((own) => [own.tenant, own])),
      unassigned: reportOf(JSON.parse(parts.unassigned)),
      positions,
    }
  })
}
