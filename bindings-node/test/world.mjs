// Data for the tests: a small synthetic tenant, and the data set Complete Journey from this repository.
import { readFileSync } from 'node:fs'

const day = 86_400_000

/**
 * Makes customers who pay every two weeks. Some of them stop paying. Customers with tickets stop earlier than others.
 */
export function world(customers = 240) {
  let state = 12345
  const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648
  const start = Date.UTC(2023, 0, 1)
  const tables = { customers: [], payments: [], tickets: [], activities: [] }
  for (let number = 0; number < customers; number++) {
    const id = `C-${number}`
    const unhappy = random() < 0.4
    const signedUp = start + Math.floor(random() * 100) * day
    const leaves = random() < (unhappy ? 0.8 : 0.25) ? signedUp + (150 + random() * 450) * day : Infinity
    tables.customers.push({ customer_id: id, signed_up_at: new Date(signedUp), seats: number % 7, plan: unhappy ? 'basic' : 'pro' })
    for (let at = signedUp; at < Math.min(leaves, start + 700 * day); at += (10 + random() * 8) * day) {
      tables.payments.push({ customer_id: id, due_at: new Date(Math.floor(at)), amount: Math.round(random() * 5000) / 100 })
      if (random() < 0.5) tables.activities.push({ customer_id: id, at: new Date(Math.floor(at)).toISOString(), kind: 'login' })
      if (unhappy && random() < 0.1) tables.tickets.push({ customer_id: id, opened_at: new Date(Math.floor(at)), priority: 'high' })
    }
  }
  return tables
}

/** Reads the rows of a CSV file that has no quoted values. */
export function csv(name) {
  const url = new URL(`../../examples/rust/data/complete_journey/${name}.csv`, import.meta.url)
  const [header, ...lines] = readFileSync(url, 'utf8').trim().split(/\r?\n/).map((line) => line.split(','))
  const numbers = new Set(['amount'])
  const cell = (column, text) => (text === '' ? null : numbers.has(column) ? Number(text) : text)
  return lines.map((cells) => Object.fromEntries(header.map((column, index) => [column, cell(column, cells[index])])))
}
