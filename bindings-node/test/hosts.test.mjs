// Tests of properties that Node applications rely on. For example, libuv's thread pool stays free, a process can end
// while work is running, the event loop is not blocked, memory is freed, and errors use JavaScript names.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { before, test } from 'node:test'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Table, tableFromIPC, tableFromJSON, tableToIPC } from 'apache-arrow'
import {
  ChurnClassifier, ChurnError, ChurnModel, ScoreRun, Store, TenantRecords, TreeEnsemble, backtest, features, featuresAsync, labels, partition, synthetic,
} from 'churn-core'
import { tables as crowd } from './crowd.mjs'
import { world } from './world.mjs'

const definition = { kind: 'inactivity', horizon: 60, activeWithin: 60, on: 'payments' }
const small = { definition, folds: 2, windows: [28, 91], boosting: { nTrees: 20, maxLeaves: 4 }, forest: { nTrees: 8, maxDepth: 4 } }
const asOf = '2024-06-01'
const tables = world()
const module = JSON.stringify(createRequire(import.meta.url).resolve('churn-core'))
let records, model, run

before(async () => {
  records = TenantRecords.fromObjects({ tenant: 'acme', ...tables, staticAttributes: 'all' })
  model = await ChurnModel.train(records, small)
  run = await model.score(records, { asOf })
})

const isFault = (details) => (error) => {
  assert.ok(error instanceof ChurnError, `${error?.stack ?? error}`)
  for (const [key, value] of Object.entries(details)) assert.deepEqual(error[key], value, `${key} of ${error.message}`)
  return true
}

const says = (pattern, details = {}) => (error) => isFault(details)(error) && (assert.match(error.message, pattern), true)

test('trainings leave libuv\'s pool to the host', async () => {
  const stop = new AbortController()
  const big = TenantRecords.fromObjects({ tenant: 'crowd', ...crowd(2000) })
  const trainings = Array.from({ length: 6 }, () => ChurnModel.train(big, { definition, signal: stop.signal, threads: 1 }).catch(({ code }) => code))
  await sleep(300)
  const since = performance.now()
  await readFile(new URL(import.meta.url))
  const took = performance.now() - since
  // Training runs are waiting, but this scoring call finishes, because scoring has its own queue.
  await model.score(records, { asOf, threads: 1 })
  stop.abort()
  assert.deepEqual(await Promise.all(trainings), Array(6).fill('cancelled'))
  assert.ok(took < 1000, `a file took ${took} ms`)
})

/**
 * Starts a child process that begins a training run of several minutes and then runs `script`. Returns how and when the
 * process ended.
 */
function child(script) {
  const source = `
    const { ChurnModel, TenantRecords } = require(${module})
    import(${JSON.stringify(new URL('./crowd.mjs', import.meta.url))}).then(({ records }) => {
      const options = { definition: { kind: 'inactivity', horizon: 60, on: 'payments' }, folds: 10, boosting: { nTrees: 2000 } }
      ChurnModel.train(records(3000), options).catch(() => {})
      setTimeout(() => { console.log('begun'); ${script} }, 200)
    })`
  return new Promise((resolve) => {
    const process_ = spawn(process.execPath, ['-e', source], { cwd: new URL('.', import.meta.url), stdio: ['ignore', 'pipe', 'pipe'] })
    let begun = 0
    let errors = ''
    process_.stdout.on('data', () => { begun = performance.now() })
    process_.stderr.on('data', (text) => { errors += text })
    process_.on('exit', (code, signal) => resolve({ code, signal, errors, took: performance.now() - begun }))
  })
}

test('process.exit and uncaught errors end the process at once', async () => {
  const left = await child('process.exit(3)')
  assert.deepEqual([left.code, left.signal], [3, null], left.errors)
  assert.ok(left.took < 3000, `${left.took} ms`)
  const thrown = await child('throw new Error("oops")')
  assert.deepEqual([thrown.code, thrown.signal], [1, null], thrown.errors)
  assert.match(thrown.errors, /oops/)
  assert.ok(thrown.took < 3000, `${thrown.took} ms`)
})

test('a worker with a training can be terminated', async () => {
  const source = `
    const { parentPort } = require('node:worker_threads')
    const { ChurnModel } = require(${module})
    import(${JSON.stringify(new URL('./crowd.mjs', import.meta.url))}).then(({ records }) => {
      ChurnModel.train(records(1000), { definition: { kind: 'inactivity', horizon: 60, on: 'payments' }, boosting: { nTrees: 2000 } }).catch(() => {})
      parentPort.postMessage('begun')
    })`
  const worker = new Worker(source, { eval: true })
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await sleep(50)
  await worker.terminate()
  assert.ok((await model.score(records, { asOf })).length > 0)
})

test('progress ends with 1, once, and is silent after the promise has settled', async () => {
  const steps = []
  let settled = false
  await ChurnModel.train(records, { ...small, onProgress: (step) => steps.push({ ...step, settled }) })
  settled = true
  await sleep(50)
  assert.ok(steps.length > 2 && steps.every((step) => !step.settled))
  assert.deepEqual(steps.filter(({ done }) => done === 1).length, 1)
  assert.equal(steps.at(-1).done, 1)
  const oops = new Error('later')
  await assert.rejects(ChurnModel.train(records, { ...small, onProgress: async () => { throw oops } }), (error) => error === oops)
})

test('large tables are read in slices', async () => {
  const many = { ...tables, payments: Array.from({ length: 30 }, () => tables.payments).flat() }
  const whole = TenantRecords.fromObjects({ tenant: 'acme', ...many })
  const lag = monitorEventLoopDelay({ resolution: 1 })
  await sleep(20)
  lag.enable()
  const sliced = await TenantRecords.fromObjectsAsync({ tenant: 'acme', ...many })
  lag.disable()
  // The test uses the 75th percentile and not the maximum, because a busy machine may pause this process at any time.
  assert.ok(lag.percentile(75) / 1e6 < 50, `${lag.percentile(75) / 1e6} ms`)
  assert.equal(sliced.rows('payments'), whole.rows('payments'))
  const bits = (of) => features(of, { asOf, windows: [28] }).toArrow()
  assert.ok(bits(sliced).equals(bits(whole)))
  assert.deepEqual(sliced.report, whole.report)
  const bad = { tenant: 'acme', ...many, payments: many.payments.with(40_000, { ...many.payments[0], amount: 'x' }) }
  await assert.rejects(TenantRecords.fromObjectsAsync(bad), isFault({ code: 'bad_type', table: 'payments', row: 40_000, column: 'amount' }))
  await assert.rejects(TenantRecords.fromObjectsAsync({ ...bad, signal: AbortSignal.abort() }), isFault({ code: 'cancelled' }))
  await assert.rejects(TenantRecords.fromObjectsAsync({ tenant: 'acme', customers: 'x' }), isFault({ code: 'unreadable_table', table: 'customers' }))
  assert.equal((await TenantRecords.fromObjectsAsync({ tenant: 'a', customers: [], payments: [] })).rows('payments'), 0)
  assert.equal((await TenantRecords.fromObjectsAsync({ tenant: 'a', customers: [] })).rows('payments'), null)

  const store = await Store.open('sqlite::memory:')
  const acme = store.tenant('acme')
  await acme.customers.upsert(tables.customers)
  const rows = tables.payments.map((row, payment_id) => ({ ...row, payment_id }))
  const { rowsIn, rowsChanged } = await acme.payments.upsert(rows)
  assert.deepEqual([rowsIn, rowsChanged, await acme.payments.count()], [rows.length, rows.length, rows.length])
  await assert.rejects(acme.payments.upsert(rows.with(5000, { ...rows[0], amount: null })), isFault({ code: 'missing_value', row: 5000 }))
  await store.close()
})

test('memory is visible to V8, and is freed on dispose', async () => {
  const bytes = model.toBytes()
  // `adjustMemory` returns how much memory the module has reported to V8. `process.memoryUsage()` does not show this
  // number.
  const { adjustMemory } = createRequire(import.meta.url)('../native.js')
  const before = adjustMemory(0)
  const opened = Array.from({ length: 50 }, () => ChurnModel.fromBytes(bytes))
  assert.equal(adjustMemory(0) - before, 50 * bytes.length)
  const [first] = opened
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  await assert.rejects(first.score(records, { asOf }), says(/disposed/, { code: 'invalid_option' }))
  const own = TenantRecords.fromObjects({ tenant: 'a', customers: [{ customerId: 1, signedUpAt: '2024-01-01' }] })
  own[Symbol.dispose]()
  assert.throws(() => features(own, { asOf }), isFault({ code: 'invalid_option' }))
  for (const each of opened) each[Symbol.dispose]()
  assert.ok(adjustMemory(0) <= before + bytes.length)
})

test('results serialise, iterate and are cached', async () => {
  assert.equal(JSON.parse(JSON.stringify(model)).modelId, model.id)
  const written = JSON.parse(JSON.stringify(run))
  assert.deepEqual([written.modelId, written.asOf, written.scores.length], [model.id, run.asOf, run.length])
  assert.equal(JSON.parse(JSON.stringify(records)).rows.customers, 240)
  assert.equal(JSON.parse(JSON.stringify(run.matrix)).rows, run.length)
  assert.deepEqual(JSON.parse(JSON.stringify(new ChurnError('m', { code: 'io' }))), {
    name: 'ChurnError', code: 'io', message: 'm', table: null, row: null, column: null,
  })
  assert.deepEqual([...run], run.scores)
  assert.deepEqual([run.at(0), run.at(-1), run.at(run.length)], [run.scores[0], run.scores.at(-1), undefined])
  for (const [object, getter] of [[model, 'report'], [model, 'featureNames'], [records, 'report'], [records, 'customerIds'], [run, 'scores'], [run, 'matrix']]) {
    assert.equal(object[getter], object[getter], getter)
  }
  assert.throws(() => { model.report.rows = 0 }, TypeError)

  const arrow = tableFromIPC(run.toArrow())
  assert.deepEqual(arrow.schema.fields.map(({ name }) => name).slice(0, 6), ['customer_id', 'probability', 'low', 'high', 'risk_band', 'status'])
  assert.deepEqual([...arrow.getChild('customer_id')], run.scores.map(({ customerId }) => customerId))
  assert.deepEqual([...arrow.getChild('probability')], run.scores.map(({ probability }) => probability))
  assert.deepEqual([...arrow.getChild('low')], run.scores.map(({ interval }) => interval?.low ?? null))

  const ids = run.scores.slice(0, 3).map(({ customerId }) => customerId)
  assert.deepEqual(await run.reasonsOf(ids, { top: 2 }), ids.map((id) => run.reasons(id, 2)))
  assert.equal((await run.reasonsOf()).length, run.length)
  await assert.rejects(run.reasonsOf(['nobody']), isFault({ code: 'customer_not_found' }))
  await assert.rejects(run.reasonsOf(ids, { signal: AbortSignal.abort() }), isFault({ code: 'cancelled' }))
})

test('features keep the eligible customers of a definition', async () => {
  const all = features(records, { asOf, windows: [28] })
  const eligible = features(records, { asOf, windows: [28], definition })
  assert.ok(eligible.rows < all.rows)
  assert.deepEqual(eligible.customerIds, run.scores.map(({ customerId }) => customerId))
  assert.deepEqual((await featuresAsync(records, { asOf, windows: [28], definition })).customerIds, eligible.customerIds)
  assert.throws(() => features(records, { asOf, definition: { kind: 'silence' } }), isFault({ code: 'invalid_option' }))
})

test('a customer is scored from all versions', async () => {
  const versions = tables.customers.flatMap((customer) => [
    { ...customer, valid_from: null, plan: 'basic' }, { ...customer, valid_from: new Date('2024-01-01'), plan: 'pro', seats: 9 },
  ])
  const dated = TenantRecords.fromObjects({ tenant: 'acme', ...tables, customers: versions })
  const trained = await ChurnModel.train(dated, { ...small, shared: true })
  const scored = await trained.score(dated, { asOf })
  const [{ customerId }] = scored.scores
  const own = (rows) => rows.filter((row) => row.customer_id === customerId).map(({ customer_id, ...row }) => row)
  const rows = { payments: own(tables.payments), tickets: own(tables.tickets), activities: own(tables.activities) }
  const customer = versions.filter((row) => row.customer_id === customerId)
  const { reasons, asOf: date, modelId, warnings, ...score } = trained.scoreCustomer({ customer, ...rows }, { asOf })
  assert.deepEqual([score, warnings], [scored.at(0), []])
  assert.equal(reasons.length, 5)
  assert.throws(() => trained.scoreCustomer({ customer: [customer[0], { ...customer[1], customer_id: 'other' }], ...rows }, { asOf }), isFault({ code: 'invalid_option', table: 'customers' }))
  assert.throws(() => trained.scoreCustomer({ customer: [], ...rows }, { asOf }), isFault({ table: 'customers' }))
})

test('Arrow: camelCase columns, Tables, empty buffers', async () => {
  const camel = (row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()), value]))
  const of = (spell) => Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, tableFromJSON(rows.map(spell))]))
  const bits = (of) => features(of, { asOf }).toArrow()
  const wanted = bits(records)
  for (const spell of [(row) => row, camel]) {
    const arrow = of(spell)
    assert.ok(arrow.payments instanceof Table)
    assert.ok(bits(TenantRecords.fromArrow({ tenant: 'acme', ...arrow, staticAttributes: 'all' })).equals(wanted))
    const bytes = Object.fromEntries(Object.entries(arrow).map(([name, table]) => [name, tableToIPC(table, 'stream')]))
    assert.ok(bits(TenantRecords.fromArrow({ tenant: 'acme', ...bytes, staticAttributes: 'all' })).equals(wanted))
  }
  const customers = tableToIPC(tableFromJSON(tables.customers), 'stream')
  const sent = new Uint8Array(customers)
  structuredClone(sent.buffer, { transfer: [sent.buffer] })
  for (const wrong of [{ customers: Buffer.alloc(0) }, { customers: sent }, { customers, payments: Buffer.alloc(0) }]) {
    assert.throws(() => TenantRecords.fromArrow({ tenant: 't', ...wrong }), isFault({ code: 'unreadable_table', table: wrong.payments ? 'payments' : 'customers' }))
  }
})

test('bytes that are no readable Arrow say what they are', () => {
  // pyarrow wrote these Feather files. Each file contains 50 customers. The compression methods are the defaults of
  // pandas and polars.
  const files = {
    lz4: Buffer.from(readFileSync(new URL('data/lz4.feather', import.meta.url))),
    zstd: Buffer.from(readFileSync(new URL('data/zstd.feather', import.meta.url))),
    Parquet: Buffer.from('PAR1\x15\x04'),
    CSV: Buffer.from('customer_id,signed_up_at\nC-1,2024-01-01\n'),
  }
  for (const [name, customers] of Object.entries(files)) {
    assert.throws(() => TenantRecords.fromArrow({ tenant: 't', customers }), says(new RegExp(`customers is .*${name}`), { code: 'unreadable_table', table: 'customers' }))
  }
})

// Texts that are not well-formed: a half of a surrogate pair stands alone at the end, at the start or inside, or the two
// halves are in the wrong order.
const illFormed = { 'high at the end': 'C-\ud800', 'low at the start': '\udc00C', 'high inside': 'C-\ud83d-1', 'wrong order': '\ude00\ud83d' }
for (const [kind, half] of Object.entries(illFormed)) test(`text with a lone surrogate is refused everywhere: ${kind}`, async () => {
  const ok = { customer_id: 'C-1', signed_up_at: '2024-01-01' }
  const read = (more) => () => TenantRecords.fromObjects({ tenant: 't', customers: [ok], ...more })
  assert.throws(read({ tenant: half }), isFault({ code: 'invalid_option', column: 'tenant' }))
  assert.throws(read({ customers: [{ ...ok, customer_id: half }] }), isFault({ code: 'bad_type', table: 'customers', row: 0, column: 'customer_id' }))
  assert.throws(read({ customers: [{ ...ok, plan: half }] }), isFault({ code: 'bad_type', row: 0, column: 'plan' }))
  assert.throws(read({ customers: [{ ...ok, [half]: 1 }] }), isFault({}))
  assert.throws(read({ payments: [{ customer_id: half, due_at: '2024-02-01', amount: 1 }] }), isFault({ code: 'bad_type', table: 'payments', column: 'customer_id' }))
  assert.throws(read({ currency: half }), isFault({ code: 'invalid_option', column: 'currency' }))
  assert.throws(read({ staticAttributes: [half] }), isFault({ code: 'invalid_option', column: 'staticAttributes' }))
  await assert.rejects(TenantRecords.fromObjectsAsync({ tenant: 't', customers: [{ ...ok, customer_id: half }] }), isFault({ code: 'bad_type' }))
  // A text that contains the replacement character U+FFFD is valid.
  assert.deepEqual(TenantRecords.fromObjects({ tenant: 't', customers: [{ ...ok, customer_id: 'C-\ufffd' }] }).customerIds, ['C-\ufffd'])
  for (const call of [
    () => run.scoreOf(half), () => run.reasons(half), () => run.matrix.column(half), () => TreeEnsemble.fromLightgbm(half),
    () => ChurnModel.load(half), () => model.save(half), () => run.reasonsOf([half]),
    () => ChurnModel.train(records, { ...small, allowColumns: half }), () => ChurnModel.train(records, { ...small, monotoneConstraints: { [half]: 'increasing' } }),
    () => ChurnClassifier.fit([{ a: 1 }, { a: 2 }], [half, 'b']), () => model.scoreCustomer({ customer: { ...ok, customer_id: half } }, { asOf }),
  ]) await assert.rejects(async () => call(), isFault({}))
  const store = await Store.open('sqlite::memory:')
  assert.throws(() => store.tenant(half), isFault({ code: 'invalid_option', column: 'tenant' }))
  const acme = store.tenant('acme')
  for (const call of [
    () => acme.customers.upsert([{ ...ok, customer_id: half }]), () => acme.customers.ofCustomer(half), () => acme.company.rename(half),
    () => acme.company.set(half, 1), () => acme.company.set('a', half), () => acme.users.upsert({ userId: half, email: 'a@b.c', role: 'viewer' }),
    () => acme.audit.append({ at: asOf, actor: half, action: 'a' }), () => acme.audit.append({ at: asOf, actor: 'a', action: 'a', details: [half] }),
    () => acme.cursors.set('s', half, { at: asOf }), () => acme.eraseCustomer(half), () => acme.models.load(half),
  ]) await assert.rejects(call, isFault({}))
  await store.close()
})

test('options are checked, and errors spell them as JavaScript does', async () => {
  const train = (options) => ChurnModel.train(records, { ...small, ...options })
  await assert.rejects(train({ threads: 1000 }), isFault({ code: 'invalid_option', column: 'threads' }))
  await assert.rejects(train({ thread: 2 }), says(/did you mean 'threads'/, { column: 'thread' }))
  await assert.rejects(train({ as_of: asOf }), says(/did you mean 'asOf'/))
  await assert.rejects(train({ boosting: { trees: 3 } }), says(/did you mean 'nTrees'/, { column: 'boosting' }))
  await assert.rejects(train({ churnWeight: NaN }), isFault({ code: 'invalid_option', column: 'churnWeight' }))
  await assert.rejects(train({ maxRows: () => 3 }), isFault({ code: 'invalid_option', column: 'maxRows' }))
  await assert.rejects(train({ asOf: [new Date(NaN)] }), isFault({ code: 'invalid_option', column: 'asOf' }))
  await assert.rejects(train({ churnWeight: -1 }), says(/churnWeight/, { column: 'churnWeight' }))
  await assert.rejects(train({ signal: {} }), isFault({ code: 'invalid_option', column: 'signal' }))
  await assert.rejects(train({ onProgress: 'log' }), isFault({ code: 'invalid_option', column: 'onProgress' }))
  const unnamed = TenantRecords.fromObjects({ tenant: 'a', customers: tables.customers }).report.undatedAttributes
  assert.ok(unnamed.length > 0 && unnamed.every(({ reason }) => !reason.includes('static_attributes')), JSON.stringify(unnamed))
  assert.throws(() => labels(records, { asOf: '2030-01-01', definition }), (error) => !/as_of|observed_until/.test(error.message) && error.column === 'asOf')
  // Options in an extra argument are refused. Otherwise, they would be ignored without an error.
  const given = { tenant: 'a', customers: tables.customers }
  for (const call of [
    () => TenantRecords.fromObjects(given, { onInvalid: 'quarantine' }), () => TenantRecords.fromArrow({ tenant: 'a' }, {}), () => partition(given, {}),
    () => features(records, { asOf }, {}), () => labels(records, { asOf }, {}), () => ChurnModel.train(records, small, {}),
    () => model.score(records, { asOf }, {}), () => backtest(records, {}, {}), () => model.scoreCustomer({}, { asOf }, {}),
  ]) await assert.rejects(async () => call(), says(/takes \d argument/, { code: 'invalid_option' }))
  for (const wrong of [[], 'x', 7, new Date(), Buffer.alloc(1)]) await assert.rejects(ChurnModel.train(records, wrong), isFault({ code: 'invalid_option' }))
  assert.throws(() => synthetic.world({ founders: 1 }), isFault({ code: 'invalid_option', column: 'founders' }))
  assert.throws(() => new ScoreRun({}).length, isFault({ code: 'invalid_option' }))
})

test('a classifier names its columns, classes and signal', async () => {
  const rows = Array.from({ length: 120 }, (_, i) => ({ plan: i % 2 ? 'pro' : 'basic', minutes: i % 10 }))
  const y = rows.map(({ minutes }, i) => ((minutes < 4) === (i % 7 > 0) ? 'yes' : 'no'))
  const fitted = await ChurnClassifier.fit(rows, y)
  await assert.rejects(fitted.predictProba([{ plan: 'pro' }]), says(/minutes/, { code: 'feature_mismatch' }))
  await assert.rejects(fitted.predictProba([{ plan: 'pro', minutes: 1, seats: 3 }]), says(/seats/, { code: 'feature_mismatch' }))
  await assert.rejects(fitted.predictProba([{ plan: 'pro', minute: 1 }]), says(/minutes.*minute|minute.*minutes/, { code: 'feature_mismatch' }))
  const weighted = await ChurnClassifier.fit(rows, y, { classWeight: { yes: 5 } })
  assert.equal(weighted.id, (await ChurnClassifier.fit(rows, y, { classWeight: [1, 5] })).id)
  await assert.rejects(ChurnClassifier.fit(rows, y, { classWeight: { maybe: 5 } }), says(/maybe.*no, yes/, { column: 'classWeight' }))
  await assert.rejects(ChurnClassifier.fit(rows, y, { classWeight: 5 }), says(/one for each class/, { column: 'classWeight' }))
  await assert.rejects(ChurnClassifier.fit(rows, y, { signal: {} }), isFault({ code: 'invalid_option', column: 'signal' }))
  // A column that is a copy of the label is refused. ChurnModel also refuses an attribute that is a copy of the label.
  await assert.rejects(ChurnClassifier.fit(rows.map((row, i) => ({ ...row, left: y[i] })), y), isFault({ code: 'leakage', column: 'left' }))
  // All values of a column must have the same type.
  for (const odd of [new Date(), true]) {
    await assert.rejects(ChurnClassifier.fit(rows.with(7, { plan: 'pro', minutes: odd }), y), isFault({ code: 'bad_type', row: 7, column: 'minutes' }))
    await assert.rejects(fitted.predictProba([{ plan: 'pro', minutes: odd }]), isFault({ code: 'bad_type', row: 0, column: 'minutes' }))
  }
  const reopened = ChurnClassifier.fromBytes(fitted.toBytes())
  assert.deepEqual(reopened.classes, ['no', 'yes'])
  assert.deepEqual(await reopened.predict(rows), await fitted.predict(rows))
})
