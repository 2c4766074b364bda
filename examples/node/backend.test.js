import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { backend } from './backend.js'

const folder = mkdtempSync(join(tmpdir(), 'churn-backend-'))
const database = `sqlite://${folder}/churn.db`
let app
let base
const definition = { kind: 'inactivity', horizon: 60, activeWithin: 60, on: 'payments' }
const asOf = '2024-06-01'

/** Creates customers who pay every two weeks. A third of the customers stop paying. */
function tables() {
  const day = (n) => new Date(Date.UTC(2023, 0, 1 + n)).toISOString()
  const customers = Array.from({ length: 200 }, (_, n) => ({ customer_id: `C-${n}`, signed_up_at: day(0) }))
  const payments = customers.flatMap(({ customer_id }, n) => {
    const stops = n % 3 === 0 ? 150 + ((n * 37) % 500) : 700
    return Array.from({ length: Math.ceil((stops - (n % 14)) / 14) }, (_, i) => (
      { customer_id, payment_id: `P-${n}-${i}`, due_at: day((n % 14) + i * 14), amount: 10 + (n % 5) }
    ))
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

async function start() {
  app = await backend({ database })
  base = await app.listen({ port: 0, host: '127.0.0.1' })
}

before(start)
after(async () => {
  await app.close()
  rmSync(folder, { recursive: true })
})

test('upload, train in the background, score; everything survives a restart', async () => {
  const { customers, payments } = tables()
  const upload = await call('PUT', '/tenants/acme/records', { customers, payments })
  assert.equal(upload.status, 201)
  assert.equal(upload.body.upserted.payments.rowsChanged, payments.length)
  const again = await call('PUT', '/tenants/acme/records', { customers, payments })
  assert.deepEqual([again.body.customers, again.body.upserted.payments.rowsChanged], [200, 0])

  assert.equal((await call('POST', '/tenants/acme/score', { asOf })).status, 404)
  assert.equal((await call('GET', '/tenants/acme/riskiest')).status, 404)
  assert.equal((await call('POST', '/tenants/acme/training', { definition })).status, 202)
  assert.equal((await call('POST', '/tenants/acme/training', { definition })).status, 409)
  const trained = await finished('/tenants/acme/training')
  assert.equal(trained.status, 'done', JSON.stringify(trained.error))

  const run = await call('POST', '/tenants/acme/runs', { asOf })
  assert.deepEqual([run.status, run.body], [201, { asOf, modelId: trained.modelId }])
  const list = await call('GET', '/tenants/acme/riskiest?top=3')
  assert.equal(list.body.scores.length, 3)
  const { customerId, probability, reasons } = list.body.scores[0]
  const next = new URLSearchParams(list.body.next)
  const more = await call('GET', `/tenants/acme/riskiest?top=3&${next}`)
  assert.ok(more.body.scores.every((score) => score.probability <= list.body.scores[2].probability))
  const own = (rows) => rows.filter((row) => row.customer_id === customerId)
  const one = { customer: own(customers)[0], payments: own(payments), asOf, top: 5 }
  const answer = await call('POST', '/tenants/acme/score', one)
  assert.deepEqual([answer.status, answer.body.probability], [200, probability])
  assert.deepEqual(answer.body.reasons, reasons)

  await app.close()
  await start()
  assert.equal((await call('GET', '/tenants/acme/training')).body.modelId, trained.modelId)
  assert.deepEqual((await call('GET', '/tenants/acme/training')).body.report, trained.report)
  assert.deepEqual((await call('GET', '/tenants/acme/riskiest?top=3')).body, list.body)
  assert.deepEqual((await call('POST', '/tenants/acme/score', one)).body, answer.body)
  assert.equal((await call('POST', '/tenants/acme/runs', { asOf })).status, 201)
  const history = await call('GET', `/tenants/acme/customers/${customerId}/scores`)
  assert.deepEqual(history.body.map((score) => score.probability), [probability])
  assert.equal((await call('GET', '/tenants/other/riskiest')).status, 404)
})

test('training can be cancelled', async () => {
  await call('PUT', '/tenants/other/records', tables())
  await call('POST', '/tenants/other/training', { definition })
  await call('DELETE', '/tenants/other/training')
  assert.equal((await finished('/tenants/other/training')).status, 'cancelled')
})

test('invalid rows are reported with table, row and column', async () => {
  const bad = await call('PUT', '/tenants/bad/records', { customers: [{ customer_id: 'a', signed_up_at: '1/2/24' }] })
  assert.equal(bad.status, 422)
  assert.deepEqual([bad.body.code, bad.body.table, bad.body.row, bad.body.column], ['bad_timestamp', 'customers', 0, 'signed_up_at'])
  assert.equal((await call('GET', '/tenants/nobody/training')).status, 404)
  assert.equal((await call('POST', '/tenants/nobody/training', { definition })).status, 404)
})
