// Measures for how long calls with 200 000 rows block the event loop of Node.
// Usage: node benches/hostile/measure.mjs
import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'

const require = createRequire(new URL('../../bindings-node/', import.meta.url))
const { Store, TenantRecords } = require('./dist/index.js')

const count = 200_000
const customers = Array.from({ length: 5_000 }, (_, i) => ({ customer_id: `c${i}`, signed_up_at: '2022-01-01' }))
const payments = Array.from({ length: count }, (_, i) => ({
  payment_id: `p${i}`, customer_id: `c${i % 5_000}`, due_at: new Date(Date.UTC(2023, 0, 1 + (i % 700))), amount: 1 + (i % 97), method: 'card',
}))

/** Runs a call. Prints its duration and the longest time between two turns of the event loop, in milliseconds. */
async function lag(name, call) {
  let [last, worst, turns, running] = [performance.now(), 0, 0, true]
  const turn = () => {
    const now = performance.now()
    worst = Math.max(worst, now - last)
    last = now
    turns++
    if (running) setImmediate(turn)
  }
  setImmediate(turn)
  const begin = performance.now()
  await call()
  running = false
  await new Promise(setImmediate)
  console.log(`${name}: ${(performance.now() - begin).toFixed(0)} ms, longest block ${worst.toFixed(1)} ms, ${turns} turns`)
}

for (let round = 0; round < 3; round++) {
  await lag('fromObjectsAsync of 200 000 payments', () => TenantRecords.fromObjectsAsync({ tenant: 'acme', customers, payments }))
  const store = await Store.open('sqlite::memory:')
  const acme = store.tenant('acme')
  await acme.customers.upsert(customers)
  await lag('upsert of 200 000 payments', () => acme.payments.upsert(payments))
  await lag('upsert of 200 000 customers', () => acme.customers.upsert(payments.map(({ payment_id, due_at }) => ({ customer_id: payment_id, signed_up_at: due_at, plan: 'a' }))))
  await store.close()
}
