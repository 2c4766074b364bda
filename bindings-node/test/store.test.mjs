// Tests of the store in Node. Records, models and scores must be loaded unchanged, each tenant must see only their own
// data, and a caller must be able to cancel a call.
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
      await acme.payments.upsert([{ ...payment, paymentId: 7 }, { ...payment, paymentId: 'P-8' }])
      assert.equal(await acme.payments.delete([7, 'P-8', 'unknown']), 2)
      await assert.rejects(acme.payments.delete([' ']), code('invalid_option'))
      await assert.rejects(acme.payments.delete('P-1'), code('invalid_option'))
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
      await assert.rejects(acme.outcomes.save(records, { asOf: '2024-01-01' }), (error) =>
        error.code === 'invalid_option' && error.column === 'definition')
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
      const key = {
        keyId: 'k', role: 'viewer', label: null, scopes: null, createdAt: '2024-07-01T12:00:00Z', expiresAt: null, usedAt: null, revokedAt: null,
      }
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

    test('a transaction stores all of its changes or none', async () => {
      const acme = tenant()
      const count = await acme.begin(async (tx) => {
        await tx.customers.upsert(tables.customers)
        await tx.audit.append({ at, actor: 'ada', action: 'customers.imported' })
        await assert.rejects(tx.execute('DELETE FROM tasks'), code('invalid_option', { column: 'sql' }))
        return tx.customers.count()
      })
      assert.deepEqual([count, await acme.customers.count()], [tables.customers.length, tables.customers.length])
      const revision = await acme.revision()
      let kept
      await assert.rejects(acme.begin(async (tx) => {
        kept = tx
        await tx.payments.upsert(tables.payments)
        throw new Error('the source went away')
      }), /went away/)
      assert.deepEqual([await acme.payments.count(), await acme.revision()], [0, revision])
      await assert.rejects(kept.payments.count(), code('invalid_option', { column: 'transaction' }))
      await assert.rejects(acme.begin('work'), code('invalid_option', { column: 'work' }))
    })

    test('queries of customers, scores, keys and the audit log', async () => {
      const acme = tenant()
      await fill(acme)
      const dry = await acme.payments.check([{ customerId: 'C-1', dueAt: 'soon', amount: 1 }])
      assert.deepEqual([dry.rowsIn, dry.rowsAccepted, dry.rowsChanged, dry.report.issues[0].code], [1, 0, 0, 'bad_timestamp'])
      const ids = [...new Set(tables.customers.map((row) => `${row.customer_id}`))].sort()
      const { customers: [first], next } = await acme.customers.find({ limit: 1 })
      assert.deepEqual([first.customer_id, next, await acme.customers.countCustomers()], [ids[0], ids[0], ids.length])
      assert.deepEqual((await acme.customers.find({ prefix: ids[1], limit: 1 })).customers[0].customer_id, ids[1])

      const records = await acme.records({ staticAttributes: 'all' })
      const [run, other] = [await model.score(records, { asOf }), await model.score(records, { asOf: '2024-05-15' })]
      const values = new Map([...run].map(({ customerId }, place) => [customerId, 100 + place]))
      const id = await acme.scores.save(model, run, { at, values })
      await acme.scores.save(model, other, { at, purpose: 'trial' })
      await acme.models.save(model, { at })
      assert.deepEqual([(await acme.models.get(model.id)).id, await acme.models.get('none')], [model.id, null])
      const query = { order: 'value_at_risk', scored: true, limit: 3 }
      const page = await acme.scores.query({ ...query, total: true })
      const risk = ({ customerId, probability }) => probability * values.get(customerId)
      const expected = [...run].filter((score) => score.probability !== null).sort((a, b) => risk(b) - risk(a)).map(({ customerId }) => customerId)
      assert.deepEqual([page.run, page.total], [id, expected.length])
      assert.deepEqual(page.scores.map(({ customerId }) => customerId), expected.slice(0, 3))
      assert.equal(page.scores[0].valueAtRisk, risk(page.scores[0]))
      const more = await acme.scores.query({ ...query, after: page.next })
      assert.deepEqual(more.scores.map(({ customerId }) => customerId), expected.slice(3, 6))
      const picked = await acme.scores.query({ customerIds: expected.slice(0, 2), bands: ['low', 'medium', 'high', 'critical'] })
      assert.deepEqual(picked.scores.map(({ customerId }) => customerId).sort(), expected.slice(0, 2).sort())
      const changes = await acme.scores.changes(id, other)
      assert.equal(changes.moves.reduce((sum, move) => sum + move.customers, 0) + changes.left, run.scores.length)
      assert.deepEqual((await acme.scores.runs()).map(({ purpose }) => purpose), ['served', 'trial'])
      assert.deepEqual((await acme.scores.runs({ before: asOf })).map(({ purpose }) => purpose), ['trial'])

      await acme.users.upsert({ userId: 'u1', email: 'ada@example.com', role: 'admin' })
      assert.deepEqual([(await acme.users.byEmail('ada@example.com')).userId, await acme.users.byEmail('x@example.com')], ['u1', null])
      const secret = randomUUID().replaceAll('-', '')
      const key = await acme.apiKeys.issue('k1', secret, { at, role: 'viewer', scopes: ['scores:read'], expiresAt: '2024-08-01' })
      const found = await store.authenticate(key, { at: '2024-07-02' })
      assert.deepEqual([found.tenant.tenant, found.key.keyId, found.key.scopes], [acme.tenant, 'k1', ['scores:read']])
      assert.equal(await found.tenant.customers.count(), tables.customers.length)
      assert.deepEqual([await store.authenticate(key, { at: '2024-08-01' }), await store.authenticate('churn_x', { at })], [null, null])
      for (const subject of ['m0', 'm1', 'm2']) await acme.audit.append({ at, actor: 'ada', action: 'model.promoted', subject })
      const newest = await acme.audit.query({ action: 'model.promoted', limit: 1 })
      const older = await acme.audit.query({ action: 'model.promoted', after: newest.next })
      assert.deepEqual([newest, older].map(({ entries }) => entries.map(({ subject }) => subject)), [['m2'], ['m1', 'm0']])
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

test('options, tables of the application, backup', async () => {
  const { DatabaseSync } = await import('node:sqlite').catch(() => ({}))
  const path = join(folder, 'options.db')
  if (DatabaseSync) {
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE tasks (tenant_id TEXT NOT NULL, task_id TEXT NOT NULL, points INTEGER)')
    database.close()
  }
  const store = await Store.open(`sqlite://${path}`, { readers: 2, waitTimeout: 200 })
  await store.ping()
  await store.tenant('a').begin(async (tx) => {
    await tx.company.rename('A')
    assert.equal(store.connections.writing, 1)
    await assert.rejects(store.tenant('b').company.rename('B'), code('store_busy', { retryable: true }))
  })
  if (DatabaseSync) {
    const insert = 'INSERT INTO tasks (tenant_id, task_id, points) VALUES ($1, $2, $3)'
    for (const [name, points] of [['a', 3], ['b', 5]]) assert.equal(await store.tenant(name).begin((tx) => tx.execute(insert, ['t', points])), 1)
    assert.deepEqual(await store.tenant('a').query('SELECT task_id, points FROM tasks WHERE tenant_id = $1'), [{ task_id: 't', points: 3 }])
    assert.deepEqual([(await store.attest()).passed, (await store.attest({ hostTables: ['tasks'] })).passed], [false, true])
  }
  await store.backup(join(folder, 'copy.db'))
  await assert.rejects(store.backup(join(folder, 'copy.db')), code('invalid_option', { column: 'path' }))
  await store.close()
  const copy = await Store.open(`sqlite://${folder}/copy.db`)
  assert.equal((await copy.tenant('a').company.get()).name, 'A')
  await copy.close()
  await assert.rejects(Store.open('sqlite::memory:', { readers: 0 }), code('invalid_option', { column: 'readers' }))
})
