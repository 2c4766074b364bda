// The fixtures that all three languages read.
import { readFileSync, readdirSync } from 'node:fs'

const folder = new URL('../../tests/fixtures/', import.meta.url)
const TABLES = ['customers', 'payments', 'tickets', 'activities']

export const text = (path) => readFileSync(new URL(path, folder), 'utf8')
export const bytes = (path) => readFileSync(new URL(path, folder))
export const read = (path) => JSON.parse(text(path))
export const list = (path) => readdirSync(new URL(path, folder)).toSorted()

/** Converts the keys of an object to camelCase. */
export const camel = (object) => Object.fromEntries(
  Object.entries(object).map(([key, value]) => [key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()), value]),
)

/** Reads a value of a row. `{ float: 'NaN' }` stands for a number that JSON cannot represent. */
const value = (given) => (given !== null && typeof given === 'object' ? Number(given.float) : given)

export function readTables(holder) {
  const row = (given) => Object.fromEntries(Object.entries(given).map(([name, cell]) => [name, value(cell)]))
  return Object.fromEntries(TABLES.filter((table) => table in holder).map((table) => [table, holder[table].map(row)]))
}
