import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { backend } from './backend.js'

const app = backend()
let base
const definition = { kind: 'inactivity', horizon: 60, activeWithin: 60, on: 'payments' }

/** Customers who pay every two weeks; a third of them stop. */
function tables() {
  const day = (n) => new Date(Date.UTC(2023, 0, 1 + n)).toISOString()
  const customers = Array.from({ length: 200 }, (_, n) => ({ customer_id: `C-${n}`, signed_up_at: day(0) }))
  const payments = customers.flatMap(({ customer_id }, n) => {
    const stops = n % 3 === 0 ? 150 + ((n * 37) % 500) : 700
    return Array.from({ length: Math.ceil((stops - (n % 14)) / 14) }, (_, i) => ({ customer_id, due_at: day((n % 14) + i * 14), amount: 10 + (n % 5) }))
  })
  return { customers, payments }
}

async function call(method, path, body) {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(base + path, { method, headers, body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

async function finished(path) {
  for (;;) {
    const { body } = await call('GET', path)
    if (body.status !== 'running') return body
    await sleep(20)
  }
}

before(async () => { base = await app.listen({ port: 0, host: '127.0.0.1' }) })
after(() => app.close())

test('upload, train in the background, score', async () => {
  const { customers, payments } = tables()
  const upload = await call('PUT', '/tenants/acme/records', { customers, payments })
  assert.equal(upload.status, 201)
  assert.equal(upload.body.report.tables.payments.rowsIn, payments.length)

  assert.equal((await call('POST', '/tenants/acme/score', { asOf: '2024-06-01' })).status, 404)
  assert.equal((await call('POST', '/tenants/acme/training', { definition })).status, 202)
  assert.equal((await call('POST', '/tenants/acme/training', { definition })).status, 409)
  const trained = await finished('/tenants/acme/training')
  assert.equal(trained.status, 'done', JSON.stringify(trained.error))

  const list = await call('GET', '/tenants/acme/riskiest?asOf=2024-06-01&top=3')
  assert.equal(list.body.length, 3)
  const { customerId, probability } = list.body[0]
  const own = (rows) => rows.filter((row) => row.customer_id === customerId)
  const one = await call('POST', '/tenants/acme/score', { customer: own(customers)[0], payments: own(payments), asOf: '2024-06-01', top: 3 })
  assert.equal(one.status, 200)
  assert.equal(one.body.probability, probability)
  assert.deepEqual(one.body.reasons, list.body[0].reasons)
})

test('a training can be stopped', async () => {
  await call('PUT', '/tenants/other/records', tables())
  await call('POST', '/tenants/other/training', { definition })
  await call('DELETE', '/tenants/other/training')
  assert.equal((await finished('/tenants/other/training')).status, 'cancelled')
})

test('bad rows are named', async () => {
  const bad = await call('PUT', '/tenants/bad/records', { customers: [{ customer_id: 'a', signed_up_at: '1/2/24' }] })
  assert.equal(bad.status, 422)
  assert.deepEqual([bad.body.code, bad.body.table, bad.body.row, bad.body.column], ['bad_timestamp', 'customers', 0, 'signed_up_at'])
  assert.equal((await call('GET', '/tenants/nobody/training')).status, 404)
})
