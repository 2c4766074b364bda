// Measures how long it takes to score one customer with a model of default size. The customer has 20 payments and
// 5 tickets, and five reasons are computed.
// Run it with the release build of the module: `node benches/peers/one_customer.mjs`.
import { ChurnModel } from '../../bindings-node/index.mjs'
import { records } from '../../bindings-node/test/crowd.mjs'

const CALLS = 5_000
const day = (before) => new Date(Date.UTC(2024, 4, 31) - before * 86_400_000).toISOString().slice(0, 10)

const model = await ChurnModel.train(records(2_000), { definition: { kind: 'inactivity', horizon: 45 } })
const customer = { customerId: 'C-1', signedUpAt: '2023-07-01', seats: 3, plan: 'pro' }
const payments = Array.from({ length: 20 }, (_, n) => ({ dueAt: day(n * 15), amount: 10 + (n % 7) }))
const tickets = Array.from({ length: 5 }, (_, n) => ({ openedAt: day(n * 60 + 3), resolvedAt: day(n * 60), priority: 'high', satisfaction: 3 }))

let micros = []
for (let call = 0; call < CALLS + CALLS / 10; call++) {
  const start = performance.now()
  const answer = model.scoreCustomer({ customer, payments, tickets, activities: [] }, { asOf: '2024-06-01' })
  micros.push((performance.now() - start) * 1000)
  if (answer.reasons.length !== 5) throw new Error('not five reasons')
}
micros = micros.slice(CALLS / 10).sort((a, b) => a - b)
console.log(`Node: p50 ${micros[CALLS / 2].toFixed(0)} us, p99 ${micros[(CALLS * 99) / 100].toFixed(0)} us over ${CALLS} calls`)
