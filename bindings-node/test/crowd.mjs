// Generates many customers by the rule that tests/src/golden/crowd.rs defines. Rust, Python and Node generate identical
// customers.
import { createHash } from 'node:crypto'
import { TenantRecords } from 'churn-core'

const START = Date.UTC(2022, 0, 1)
const DAY = 86_400
const LENGTH = 900
export const AS_OF = '2024-06-01'

export function tables(customers) {
  let state = 42
  const below = (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 8) % limit
  }
  const moment = (seconds) => new Date(START + seconds * 1000)
  const made = { customers: [], payments: [], tickets: [], activities: [] }
  for (let number = 0; number < customers; number++) {
    const customerId = `K-${number}`
    const seats = below(20)
    const plan = ['basic', 'pro', 'größer'][below(3)]
    const signed = below(300)
    const unhappy = below(100) < 35
    const leaves = unhappy ? signed + 60 + below(500) : LENGTH
    const every = 10 + below(25)
    made.customers.push({ customerId, signedUpAt: moment(signed * DAY), seats, plan })
    for (let day = signed; day < Math.min(leaves, LENGTH); day += every) {
      const at = day * DAY + below(DAY)
      made.payments.push({ customerId, dueAt: moment(at), amount: below(10_000) / 100 })
      if (below(2) === 0) {
        const kind = ['login', 'export'][below(2)]
        made.activities.push({ customerId, at: moment(at), kind, quantity: below(5) / 2 })
      }
      if (unhappy && below(6) === 0) {
        const priority = ['low', 'normal', 'high', 'urgent'][below(4)]
        const days = below(20)
        const satisfaction = below(6) || null
        made.tickets.push({ customerId, openedAt: moment(at), resolvedAt: days ? moment(at + days * DAY) : null, priority, satisfaction })
      }
    }
  }
  return made
}

export const records = (customers) => TenantRecords.fromObjects({ tenant: 'crowd', staticAttributes: 'all', ...tables(customers) })

/**
 * Returns a SHA-256 hash of the numbers in the result: all probabilities, the base value and all contributions. Each
 * number is hashed as eight little-endian bytes.
 */
export async function fingerprint(model, records, threads) {
  const run = await model.score(records, { asOf: AS_OF, threads })
  const { contributions, baseValue } = await model.explain(run.matrix, { threads })
  const hash = createHash('sha256')
  for (const numbers of [run.probabilities, Float64Array.of(baseValue), contributions]) {
    hash.update(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength))
  }
  return hash.digest('hex')
}
