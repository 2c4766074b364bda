// Tests of the store in Node: records, models and scores are loaded unchanged, tenants are isolated, and calls can be
// cancelled.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { tableFromArrays, tableToIPC } from 'apache-arrow'
import { ChurnError, ChurnModel, Store, TenantRecords, features, labels } from 'churn-core'
import { world } from './world.mjs'

const tables = world()
const definition = { kind: 'inactivity', horizon: 60, activeWithin: 60, on: 'payments' }
const asOf = '2024-06-01'
const at = new Date('2024-07-01T12:00:00Z')
const folder = mkdtempSync(join(tmpdir(), 'churn-store-'))
const direct = TenantRecords.fromObjects({ tenant: 'acme', staticAttributes: 'all', ...tables })
/**
 * Returns the values of all features of all customers. Numeric features are returned as bytes, so that they can be
 * compared bit for bit.
 */
const bits = (records) => {
  const matrix = features(records, { asOf })
  return matrix.featureNames.map((name) => [name, matrix.column(name)])
    .map(([name, column]) => [name, column instanceof Float64Array ? Buffer.from(column.buffer).toString('base64') : column])
}
let model

before(async () => {
  const small = { boosting: { nTrees: 20, maxLeaves: 4 }, forest: { nTrees: 10, maxDepth: 4 }, folds: 2 }
  model = await ChurnModel.train(direct, { definition, shared: true, ...small })
})
after(() => rmSync(folder, { recursive: true }))

async function fill(tenant, rows = tables) {
  const done = {}
  for (const [name, given] of Object.entries(rows)) done[name] = await tenant[name].upsert(given)
  return done
}

const code = (code, more = {}) => (error) => {
  assert.ok(error instanceof ChurnError, error)
  assert.deepEqual({ code: error.code, ...Object.fromEntries(Object.keys(more).map((key) => [key, error[key]])) }, { code, ...more })
  return true
}

const databases = { file: `sqlite://${folder}/churn.db`, memory: 'sqlite::memory:', postgres: process.env.DATABASE_URL }
for (const [name, url] of Object.entries(databases)) {
  describe(`store in ${name}`, { skip: !url && 'DATABASE_URL names no Postgres' }, () => {
    let store
    /** Makes a new tenant for each test, because the data of earlier tests stay in a Postgres database. */
    const tenant = () => store.tenant(`acme-${randomUUID()}`)
    before(async () => { store = await Store.open(url) })
    after(() => store.close())

    test('loaded records are bit-identical to the given ones', async () => {
      const acme = tenant()
      const done = await fill(acme)
      assert.equal(done.payments.rowsChanged, tables.payments.length)
      const again = await fill(acme)
      assert.deepEqual([again.payments.rowsIn, again.payments.rowsChanged], [tables.payments.length, 0])
      const records = await acme.records({ staticAttributes: 'all' })
      assert.deepEqual(records.customerIds, direct.customerIds)
      assert.deepEqual(bits(records), bits(direct))
      assert.equal(await acme.payments.count(), tables.payments.length)
      assert.equal(await tenant().payments.count(), 0)
    })

    test('a batch in pieces is kept as a whole or not at all', async () => {
      const acme = tenant()
      const pieces = []
      for (let from = 0; from < tables.payments.length; from += 1000) pieces.push(tables.payments.slice(from, from + 1000))
      async function* broken() {
        yield* pieces
        throw new Error('the source went away')
      }
      await assert.rejects(acme.payments.upsertBatches(broken()), /went away/)
      assert.equal(await acme.payments.count(), 0)
      const bad = [tables.payments.slice(0, 7), [{ ...tables.payments[7], due_at: 'soon' }]]
      await assert.rejects(acme.payments.upsertBatches(bad), code('bad_timestamp', { table: 'payments', row: 7, column: 'due_at' }))
      assert.equal(await acme.payments.count(), 0)
      const done = await acme.payments.upsertBatches(pieces)
      assert.deepEqual([done.rowsIn, done.rowsChanged], [tables.payments.length, tables.payments.length])
      await assert.rejects(acme.payments.upsertBatches(7), code('invalid_option', { column: 'batches' }))
    })

    test('Arrow buffers, bad rows, corrections, rows for people', async () => {
      const acme = tenant()
      const arrow = tableToIPC(tableFromArrays({ customer_id: ['C-1', 'C-2'], signed_up_at: ['2024-01-01', '2024-01-02'] }))
      assert.equal((await acme.customers.upsert(Buffer.from(arrow))).rowsChanged, 2)
      const bad = [{ customerId: 'C-3', signedUpAt: 'never' }, { customerId: 4, signedUpAt: at, plan: 'pro' }]
      await assert.rejects(acme.customers.upsert(bad), code('bad_timestamp', { table: 'customers', row: 0, column: 'signed_up_at' }))
      const done = await acme.customers.upsert(bad, { onInvalid: 'quarantine' })
      assert.deepEqual([done.rowsAccepted, done.report.tables.customers.quarantined], [1, [0]])
      const payment = { customerId: 'C-1', paymentId: 'P-1', dueAt: '2024-02-01', amount: 10 }
      await acme.payments.upsert([payment])
      assert.equal((await acme.payments.upsert([{ ...payment, amount: 12.5 }])).rowsChanged, 1)
      const [own] = await acme.payments.ofCustomer('C-1')
      assert.deepEqual([own.amount, own.due_at, own.payment_id], [12.5, '2024-02-01', 'P-1'])
      const first = await acme.customers.page({ limit: 2 })
      assert.deepEqual(first.rows.map((row) => row.customer_id), ['C-1', 'C-2'])
      const { rows: [last], next } = await acme.customers.page({ after: first.next, limit: 2 })
      assert.deepEqual([last.customer_id, last.plan, last.signed_up_at, next], ['4', 'pro', '2024-07-01T12:00:00Z', null])
      assert.equal(await acme.eraseCustomer('C-1'), 2)
      await assert.rejects(acme.customers.upsert('rows'), code('unreadable_table', { table: 'customers' }))
    })

    test('models, scores and outcomes come back', async () => {
      const acme = tenant()
      await fill(acme)
      const records = await acme.records({ staticAttributes: 'all' })
      assert.equal(await acme.models.champion(), null)
      await acme.models.save(model, { at })
      assert.ok((await acme.models.champion()).toBytes().equals(model.toBytes()))
      const [stored] = await acme.models.list()
      assert.deepEqual([stored.id, stored.stage, stored.savedAt], [model.id, 'champion', '2024-07-01T12:00:00Z'])
      assert.deepEqual(stored.card.report, model.report)
      await acme.models.promote(model.id, 'retired')
      assert.equal(await acme.models.champion(), null)
      assert.equal((await acme.models.load(model.id)).id, model.id)

      const run = await model.score(records, { asOf })
      const id = await acme.scores.save(model, run, { at, reasons: 5 })
      assert.deepEqual(id, { asOf, modelId: model.id })
      const page = await acme.scores.highRisk({ limit: 7 })
      const expected = run.riskiest(20)
      const told = ({ customerId, probability, riskBand }) => ({ customerId, probability, riskBand })
      assert.deepEqual(page.scores.map(told), expected.slice(0, 7).map(told))
      assert.deepEqual(page.scores[0].reasons, run.reasons(expected[0].customerId, 5))
      assert.deepEqual([page.scores[6].reasons, page.scores[0].run], [[], id])
      const more = await acme.scores.highRisk({ limit: 13, run, after: page.next })
      assert.deepEqual(more.scores.map(told), expected.slice(7).map(told))
      const [history] = await acme.scores.history(expected[0].customerId)
      assert.equal(history.probability, expected[0].probability)

      const early = await model.score(records, { asOf: '2024-01-01' })
      await acme.scores.save(model, early, { at })
      assert.ok(await acme.outcomes.save(records, { asOf: '2024-01-01', definition }) > 0)
      assert.equal(await acme.outcomes.save(records, { asOf: '2024-01-01', definition }), 0)
      const truth = new Map(labels(records, { asOf: '2024-01-01', definition }).rows.map(({ customerId, churned }) => [customerId, churned]))
      const joined = await acme.outcomes.ofRun(early)
      assert.ok(joined.length > 0 && joined.every(({ customerId, churned }) => truth.get(customerId) === churned))
      assert.equal((await acme.outcomes.ofCustomer(joined[0].customerId))[0].churned, joined[0].churned)
      const [latest, before] = await acme.scores.runs()
      assert.deepEqual([latest.id, latest.outcomes, before.outcomes], [id, 0, joined.length])
      assert.equal(Object.values(latest.bands).reduce((sum, count) => sum + count), latest.scored)
      await acme.scores.delete(run)
      assert.equal((await acme.scores.runs()).length, 1)
      await acme.models.delete(model.id)
      assert.deepEqual(await acme.models.list(), [])
    })

    test('tenants stay apart', async () => {
      const acme = tenant()
      const own = await ChurnModel.train(direct, { definition, boosting: false, forest: false, folds: 2 })
      await assert.rejects(acme.models.save(own, { at }), code('tenant_mismatch'))
      await assert.rejects(acme.outcomes.save(direct, { asOf, definition }), code('tenant_mismatch'))
      const report = await store.attest()
      assert.equal(report.backend, store.backend)
      // In Postgres the attestation fails, because the tests connect as a superuser. Row-level security does not
      // restrict superusers.
      assert.equal(report.passed, store.backend === 'sqlite', report.text)
      if (report.passed) report.signOff()
      else assert.throws(report.signOff, code('not_isolated'))
    })

    test('company, users, keys, cursors and audit', async () => {
      const acme = tenant()
      await acme.company.rename('Acme')
      await acme.company.set('some_horizon', { in_days: 90 })
      assert.deepEqual(await acme.company.get(), { name: 'Acme', settings: { some_horizon: { in_days: 90 } } })
      assert.deepEqual([await acme.company.unset('some_horizon'), await acme.company.unset('some_horizon')], [true, false])
      await acme.users.upsert({ userId: 'u1', email: 'u1@example.com', role: 'owner' })
      const user = { userId: 'u1', email: 'u1@example.com', name: 'Una', role: 'admin' }
      await acme.users.upsert(user)
      assert.deepEqual([await acme.users.list(), await acme.users.get('u1'), await acme.users.get('u2')], [[user], user, null])
      await assert.rejects(acme.users.upsert({ ...user, userId: 'u2' }), code('store_refused'))
      assert.deepEqual([await acme.users.remove('u1'), await acme.users.remove('u1')], [true, false])
      const secret = randomUUID()
      await acme.apiKeys.create('k', secret, { role: 'viewer', at })
      const key = { keyId: 'k', role: 'viewer', createdAt: '2024-07-01T12:00:00Z', revokedAt: null }
      assert.deepEqual(await acme.apiKeys.verify(secret), key)
      await acme.apiKeys.revoke('k', { at: '2024-07-02' })
      assert.deepEqual([await acme.apiKeys.verify(secret), await acme.apiKeys.list()], [null, [{ ...key, revokedAt: '2024-07-02' }]])
      assert.equal(await acme.cursors.get('stripe'), null)
      await acme.cursors.set('stripe', 'evt_1', { at })
      assert.deepEqual(await acme.cursors.get('stripe'), { source: 'stripe', position: 'evt_1', movedAt: '2024-07-01T12:00:00Z' })
      for (const number of [0, 1, 2]) await acme.audit.append({ at, actor: 'una', action: 'login', details: { the_number: number } })
      const page = await acme.audit.page({ limit: 2 })
      assert.deepEqual(page.entries.map((entry) => entry.details.the_number), [0, 1])
      assert.equal((await acme.audit.page({ after: page.next })).entries[0].details.the_number, 2)
    })

    test('the event loop stays free, and an aborted call is taken back', async () => {
      const acme = tenant()
      let ticks = 0
      const timer = setInterval(() => ticks++, 1)
      await acme.payments.upsert(tables.payments)
      await acme.records().catch(code('unknown_customer'))
      clearInterval(timer)
      assert.ok(ticks > 3, `${ticks} ticks`)

      const abort = new AbortController()
      async function* endless() {
        for (let number = 0; ; number++) {
          yield [{ customerId: `E-${number}`, signedUpAt: at }]
          if (number === 3) abort.abort()
          await sleep(1)
        }
      }
      await assert.rejects(acme.customers.upsertBatches(endless(), { signal: abort.signal }), { name: 'AbortError', code: 'cancelled' })
      await assert.rejects(acme.records({ signal: AbortSignal.abort() }), { name: 'AbortError' })
      assert.equal(await acme.customers.count(), 0)
      assert.equal((await acme.customers.upsert(tables.customers)).rowsChanged, tables.customers.length)
    })

    test('errors have codes', async () => {
      const acme = tenant()
      await assert.rejects(acme.models.load('x'), code('not_found'))
      await assert.rejects(acme.scores.highRisk(), code('not_found'))
      const wrong = {
        limit: () => acme.customers.page({ limit: 0 }),
        onInvalid: () => acme.customers.upsert([], { onInvalid: 'ignore' }),
        at: () => acme.models.save(model, {}),
        stage: () => acme.models.save(model, { at, stage: 'king' }),
        model: () => acme.models.save({}, { at }),
        run: () => acme.scores.delete('latest'),
        tenant: () => store.tenant('').customers.count(),
        url: () => Store.open('mysql://x'),
        rows: () => acme.scores.runs({ rows: 3 }),
      }
      for (const [column, call] of Object.entries(wrong)) await assert.rejects(call, code('invalid_option', { column }))
      assert.throws(() => new Store(), code('invalid_option'))
    })
  })
}

test('everything is there after a restart; what is not migrated or not there says so', async () => {
  const url = `sqlite://${folder}/restart.db`
  await assert.rejects((await Store.open(url, { migrate: false })).tenant('acme').customers.count(), code('store_not_migrated'))
  await assert.rejects(Store.open(`sqlite://${folder}/no/such/folder/x.db`), code('store_unavailable'))
  const run = await model.score(direct, { asOf })
  const first = await Store.open(url)
  await fill(first.tenant('acme'))
  await first.tenant('acme').models.save(model, { at })
  await first.tenant('acme').scores.save(model, run, { at })
  await first.close()
  await assert.rejects(first.tenant('acme').customers.count(), code('store_unavailable'))
  const acme = (await Store.open(url, { migrate: false })).tenant('acme')
  const again = await (await acme.models.champion()).score(await acme.records({ staticAttributes: 'all' }), { asOf })
  assert.deepEqual(again.probabilities, run.probabilities)
  assert.equal((await acme.scores.highRisk({ limit: 1 })).scores[0].customerId, run.riskiest(1)[0].customerId)
})

test('worker threads share a database', async () => {
  const url = `sqlite://${folder}/workers.db`
  await (await Store.open(url)).close()
  const work = `
    const { Store } = require('churn-core')
    const { parentPort, workerData: { url, tenant } } = require('node:worker_threads')
    Store.open(url).then(async (store) => {
      const rows = Array.from({ length: 500 }, (_, n) => ({ customerId: n, signedUpAt: '2024-01-01' }))
      await store.tenant(tenant).customers.upsert(rows)
      parentPort.postMessage(await store.tenant(tenant).customers.count())
      await store.close()
    })`
  const counts = ['a', 'b', 'a', 'c'].map((tenant) => new Promise((resolve, reject) => {
    const worker = new Worker(work, { eval: true, workerData: { url, tenant } })
    worker.once('message', resolve).once('error', reject)
  }))
  assert.deepEqual(await Promise.all(counts), [500, 500, 500, 500])
})
