// Writes lib/columns.ts. The row types come from the list of columns in the Rust library, and the error codes come from
// tests/fixtures/contract.json. Run this script after a build: node scripts/columns.mjs. With --check, the script only
// checks that lib/columns.ts is up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const native = createRequire(import.meta.url)('../native.js')
const target = new URL('../lib/columns.ts', import.meta.url)
const { errors } = JSON.parse(readFileSync(new URL('../../tests/fixtures/contract.json', import.meta.url), 'utf8'))

const TABLES = { customers: 'Customer', payments: 'Payment', tickets: 'Ticket', activities: 'Activity' }
const ALL = { ...TABLES, subscriptions: 'Subscription' }
/** The permitted values of each text column that has a fixed set of values. */
const LITERALS = {
  'payments.status': ['paid', 'failed', 'pending', 'refunded'],
  'tickets.priority': ['low', 'normal', 'high', 'urgent'],
  'subscriptions.interval': ['day', 'week', 'month', 'quarter', 'year'],
}
const TYPES = { id: 'Id', timestamp: 'Moment', number: 'number', text: 'string' }

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

function columns(table) {
  return native.columnsOf(table).map(({ name, type, required, meaning }) => {
    const literals = LITERALS[`${table}.${name}`]?.map((value) => `'${value}'`).join(' | ')
    return { name, required, meaning, type: literals ?? TYPES[type] }
  })
}

function declared(table, kind) {
  const known = columns(table)
  const fields = known.flatMap(({ name, meaning, type }) =>
    [...new Set([name, camel(name)])].map((key) => {
      const text = key === name ? `${meaning}.` : `The other spelling of \`${name}\`.`
      return `  /** ${text} */\n  ${key}?: ${type} | null | undefined`
    }))
  const required = known.filter((column) => column.required).map(({ name, type }) => `Column<'${name}', ${type}>`)
  const own = required.filter((column) => !column.includes("'customer_id'"))
  const noun = kind === 'Customer' ? 'a customer' : kind === 'Activity' ? 'an activity' : `a ${kind.toLowerCase()}`
  const lines = [
    `/** The columns of ${noun}, in snake_case and in camelCase. */`,
    `export interface ${kind}Columns {\n${fields.join('\n')}\n}`,
    '',
    `/** A row of ${table}. Required: ${known.filter((column) => column.required).map(({ name }) => `\`${name}\``).join(', ')}. */`,
    `export type ${kind === 'Customer' ? 'CustomerRecord' : `${kind}Row`} = ${kind}Columns & ${required.join(' & ')}`,
  ]
  if (table in TABLES && kind !== 'Customer') {
    lines.push('', `/** A row of ${table} that is nested in its customer's row, so it needs no \`customer_id\`. */`, `export type Own${kind}Row = ${kind}Columns & ${own.join(' & ')}`)
  }
  return lines.join('\n')
}

const codes = errors.map(({ code }) => `  | '${code}'`).join('\n')
const written = `// Written by scripts/columns.mjs from the column dictionary and the error codes of churn-core. Do not edit.

/**
 * A moment: a valid \`Date\`, or ISO-8601 text such as \`'2024-01-31'\` or \`'2024-01-31T12:30:00Z'\`. A text without a
 * time zone is in UTC.
 */
export type Moment = string | Date

/** An id. A number must be whole, and is converted to its decimal text. */
export type Id = string | number | bigint

/** One of the four tables. */
export type TableName = ${Object.keys(TABLES).map((table) => `'${table}'`).join(' | ')}

/** A name in camelCase. */
export type Camel<S extends string> = S extends \`\${infer Head}_\${infer Tail}\` ? \`\${Head}\${Capitalize<Camel<Tail>>}\` : S

/** A required column, spelled in snake_case or in camelCase. */
export type Column<Name extends string, V> = { [K in Name]: V } | { [K in Camel<Name>]: V }

${Object.entries(ALL).map(([table, kind]) => declared(table, kind)).join('\n\n')}

/** All error codes. They are the same in Rust, Python and Node. */
export type ErrorCode =
${codes}
`

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== written) {
    console.error('lib/columns.ts is not what scripts/columns.mjs writes: run it')
    process.exitCode = 1
  }
} else {
  writeFileSync(target, written)
}
