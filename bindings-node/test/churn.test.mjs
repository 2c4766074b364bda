import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { tableFromIPC, tableFromJSON, tableToIPC } from 'apache-arrow'
import { ChurnError, ChurnModel, TenantRecords, columnsOf, features, featuresAsync, labels, partition } from 'churn-core'
import { csv, world } from './world.mjs'

const definition = { kind: 'inactivity', horizon: 60, activeWithin: 60, on: 'payments' }
const asOf = '2024-06-01'
const tables = world()
let records, model, run

before(async () => {
  records = TenantRecords.fromObjects({ tenant: 'acme', ...tables, staticAttributes: 'all' })
  model = await ChurnModel.train(records, { definition, seed: 1 })
  run = await model.score(records, { asOf })
})

const isFault = (details) => (error) => {
  assert.ok(error instanceof ChurnError && error instanceof Error, `${error}`)
  for (const [key, value] of Object.entries(details)) assert.deepEqual(error[key], value, `${key} of ${error.message}`)
  return true
}

test('CommonJS and ESM are one module', () => {
  assert.equal(createRequire(import.meta.url)('churn-core').ChurnError, ChurnError)
})

test('every export has a type, and every table its columns', async () => {
  const { default: all, ...named } = await import('churn-core')
  assert.deepEqual(Object.keys(named).sort(), Object.keys(all).sort())
  const columns = columnsOf('payments')
  assert.deepEqual(columns.filter(({ required }) => required).map(({ name }) => name), ['customer_id', 'due_at', 'amount'])
  assert.throws(() => columnsOf('invoices'), isFault({ code: 'invalid_option', column: 'table' }))
})

test('what callers\' own getters throw comes through', () => {
  const oops = new TypeError('a getter')
  const customers = [{ get customer_id() { throw oops } }]
  assert.throws(() => TenantRecords.fromObjects({ tenant: 't', customers }), (error) => error === oops)
})

test('records, models and runs show themselves', () => {
  assert.match(inspect(records), /^TenantRecords \{\s+tenant: 'acme',\s+customers: 240/)
  assert.match(inspect(model), /^ChurnModel \{/)
  assert.match(inspect(run), /^ScoreRun \{\s+tenant: 'acme'/)
  assert.match(inspect(run.matrix), /^FeatureMatrix \{/)
})

test('records and their report', () => {
  assert.equal(records.tenant, 'acme')
  assert.equal(records.rows('payments'), tables.payments.length)
  assert.deepEqual(records.report.tables.customers, {
    rowsIn: 240, rowsAccepted: 240, rowsQuarantined: 0, quarantined: [], eventsBeforeSignUp: 0,
  })
  assert.equal(TenantRecords.fromObjects({ tenant: 'a', customers: [], payments: [] }).rows('payments'), 0)
  assert.equal(TenantRecords.fromObjects({ tenant: 'a', customers: [], payments: undefined }).rows('payments'), null)
})

test('the doors agree: objects, camelCase, Arrow file, Arrow stream', async () => {
  const camel = (row) => Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()), value]),
  )
  const arrow = (format) => Object.fromEntries(
    Object.entries(tables).map(([name, rows]) => [name, tableToIPC(tableFromJSON(rows), format)]),
  )
  const doors = {
    camelCase: TenantRecords.fromObjects({
      tenant: 'acme', staticAttributes: 'all', ...Object.fromEntries(Object.entries(tables).map(([k, rows]) => [k, rows.map(camel)])),
    }),
    file: TenantRecords.fromArrow({ tenant: 'acme', ...arrow('file'), staticAttributes: 'all' }),
    stream: TenantRecords.fromArrow({ tenant: 'acme', ...arrow('stream'), staticAttributes: 'all' }),
  }
  for (const [door, other] of Object.entries(doors)) {
    const again = await model.score(other, { asOf })
    assert.deepEqual(again.probabilities, run.probabilities, door)
  }
})

test('numbers and bigints as ids become their text; NaN is not null', () => {
  const customers = [{ customerId: 17, signedUpAt: '2024-01-01' }, { customerId: 9007199254740993n, signedUpAt: new Date('2024-01-01') }]
  assert.deepEqual(TenantRecords.fromObjects({ tenant: 't', customers }).customerIds, ['17', '9007199254740993'])
  const payments = [{ customerId: 17, dueAt: '2024-02-01', amount: NaN }]
  assert.throws(() => TenantRecords.fromObjects({ tenant: 't', customers, payments }), isFault({ code: 'not_finite', table: 'payments', row: 0, column: 'amount' }))
})

test('scores: one per eligible customer, sorted, with reasons', () => {
  assert.ok(run.scores.length > 50)
  assert.deepEqual(run.scores.map((score) => score.customerId), run.scores.map((score) => score.customerId).toSorted())
  assert.ok(run.probabilities instanceof Float64Array)
  run.scores.forEach(({ probability, interval, status, riskBand }, row) => {
    assert.equal(status === 'scored', probability !== null)
    assert.equal(riskBand === null, probability === null)
    assert.equal(interval === null, probability === null)
    if (interval !== null) assert.ok(interval.low <= probability && probability <= interval.high)
    assert.ok(Object.is(run.probabilities[row], probability ?? NaN))
  })
  const [first] = run.riskiest(1)
  assert.deepEqual(run.scoreOf(first.customerId), first)
  const reasons = run.reasons(first.customerId, 3)
  assert.equal(reasons.length, 3)
  assert.ok(Math.abs(reasons[0].contribution) >= Math.abs(reasons[2].contribution))
  assert.equal(run.modelId, model.id)
})

test('the card describes the model', async () => {
  const card = model.card()
  assert.equal(card.modelId, model.id)
  assert.deepEqual(card.calibration.bands.map(({ band }) => band), ['low', 'medium', 'high', 'critical'])
  assert.deepEqual(card.leaks, model.report.leaks)
  assert.match(model.cardMarkdown(), /^# Model card /)
  await assert.rejects(ChurnModel.train(records, { definition, leakage: 'perhaps' }), isFault({ code: 'invalid_option', column: 'leakage' }))
})

test('the report is readable', () => {
  const { report } = model
  assert.ok(report.rows > 0 && report.churned > 0 && report.members.length > 0)
  assert.ok(report.crossValidated.rocAuc.value > 0.5)
  assert.deepEqual(model.definition, { kind: 'inactivity', horizon: 60, lead: 0, activeWithin: 60, on: 'payments' })
})

test('threads and a second training do not change a bit', async () => {
  const again = await ChurnModel.train(records, { definition, seed: 1n, threads: 1 })
  assert.ok(again.toBytes().equals(model.toBytes()))
})

test('the score of one customer is bit-identical to the one in the run', () => {
  for (const row of [0, 7, run.scores.length - 1]) {
    const { customerId } = run.scores[row]
    const own = (rows) => rows.filter((row) => row.customer_id === customerId).map(({ customer_id, ...rest }) => rest)
    const customer = tables.customers.find((row) => row.customer_id === customerId)
    const rows = { customer, payments: own(tables.payments), tickets: own(tables.tickets), activities: own(tables.activities) }
    const { reasons, asOf: date, modelId, warnings, ...score } = model.scoreCustomer(rows, { asOf: new Date(asOf), top: 4 })
    assert.deepEqual(score, run.scores[row])
    assert.deepEqual(reasons, run.reasons(customerId, 4))
    assert.deepEqual([date, modelId, warnings], [asOf, model.id, []])
  }
})

test('bytes and files round trip', async () => {
  const copy = ChurnModel.fromBytes(model.toBytes())
  assert.equal(copy.id, model.id)
  assert.deepEqual((await copy.score(records, { asOf })).probabilities, run.probabilities)
  const folder = mkdtempSync(join(tmpdir(), 'churn-'))
  try {
    await model.save(join(folder, 'm.churn'))
    assert.ok((await ChurnModel.load(join(folder, 'm.churn'))).toBytes().equals(model.toBytes()))
    await assert.rejects(ChurnModel.load(join(folder, 'none.churn')), (error) => error.code === 'io' && error.message.includes('none.churn'))
  } finally {
    rmSync(folder, { recursive: true })
  }
  assert.throws(() => ChurnModel.fromBytes(Buffer.from('nonsense')), isFault({ code: 'artifact_damaged' }))
})

test('features and labels', async () => {
  const matrix = features(records, { asOf: [asOf, '2024-03-01'], windows: [28, 91] })
  assert.equal(matrix.customerIds.length, matrix.rows)
  assert.equal(matrix.featureNames[0], 'customer_tenure_days')
  assert.ok(matrix.column('customer_tenure_days') instanceof Float64Array)
  assert.ok(['basic', 'pro'].includes(matrix.column('customer_plan')[0]))
  assert.throws(() => matrix.column('nothing'), isFault({ code: 'unknown_feature' }))
  const table = tableFromIPC(matrix.toArrow())
  assert.deepEqual(table.schema.fields.map((field) => field.name), ['customer_id', 'as_of', ...matrix.featureNames])
  assert.deepEqual([...table.getChild('customer_tenure_days')], [...matrix.column('customer_tenure_days')])
  const later = await featuresAsync(records, { asOf: [asOf, '2024-03-01'], windows: [28, 91] })
  assert.deepEqual(later.toArrow(), matrix.toArrow())
  const { rows, excluded } = labels(records, { asOf: '2024-03-01', definition })
  assert.ok(rows.some((row) => row.churned) && rows.some((row) => !row.churned) && excluded.length === 0)
  assert.throws(() => labels(records, { asOf: '2030-01-01', definition }), isFault({ code: 'immature_label', column: 'asOf' }))
})

test('contributions add up to what the reasons say', async () => {
  const { contributions, baseValue, rows, featureNames } = await model.explain(run.matrix)
  assert.equal(contributions.length, rows * featureNames.length)
  assert.ok(Number.isFinite(baseValue))
  const { customerId } = run.riskiest(1)[0]
  const row = run.scores.findIndex((score) => score.customerId === customerId)
  for (const { feature, contribution } of run.reasons(customerId, 5)) {
    assert.equal(contributions[row * featureNames.length + featureNames.indexOf(feature)], contribution)
  }
})

test('mixed tables are split by tenant', () => {
  const customers = ['a', 'b', null].map((tenant_id) => ({ tenant_id, customer_id: 1, signed_up_at: '2024-01-01' }))
  const { tenants, unassigned } = partition({ customers, onInvalid: 'quarantine' })
  assert.deepEqual([...tenants.keys()], ['a', 'b'])
  assert.equal(unassigned.issues.length, 1)
  assert.throws(() => partition({ customers }), isFault({ code: 'missing_value', column: 'tenant_id', row: 2 }))
})

test('errors name what is wrong', async () => {
  const customers = [{ customer_id: 'a', signed_up_at: '2024-01-01' }, { customer_id: 'b', signed_up_at: '1/2/24' }]
  const read = (more) => () => TenantRecords.fromObjects({ tenant: 't', customers: customers.slice(0, 1), ...more })
  assert.throws(read({ customers }), isFault({ code: 'bad_timestamp', table: 'customers', row: 1, column: 'signed_up_at', name: 'ChurnError' }))
  assert.throws(read({ customers }), (error) => error.report.issues.length === 1 && error.report.tables.customers.rowsIn === 2)
  assert.throws(read({ customers: 'x' }), isFault({ code: 'unreadable_table', table: 'customers' }))
  assert.throws(read({ payments: [{}, 3] }), isFault({ code: 'unreadable_table', table: 'payments', row: 1 }))
  assert.throws(read({ payments: [{ due_at: 1, dueAt: 2 }] }), isFault({ code: 'unreadable_table', table: 'payments', row: 0, column: 'due_at' }))
  assert.throws(read({ customers: [{ customer_id: 'a', signed_up_at: new Date(NaN) }] }), isFault({ code: 'bad_timestamp' }))
  assert.throws(read({ customers: [{ customer_id: ['a'], signed_up_at: '2024-01-01' }] }), isFault({ code: 'bad_type', column: 'customer_id' }))
  assert.throws(read({ tenant: undefined }), isFault({ code: 'invalid_option', column: 'tenant' }))
  assert.throws(read({ onInvalid: 'ignore' }), isFault({ code: 'invalid_option', column: 'onInvalid' }))
  assert.throws(read({ onInvalide: 'refuse' }), isFault({ code: 'invalid_option', column: 'onInvalide' }))
  assert.throws(read({ currency: 3 }), isFault({ code: 'invalid_option', column: 'currency' }))
  const arrow = { tenant: 't', customers: Buffer.from('no') }
  assert.throws(() => TenantRecords.fromArrow(arrow), isFault({ code: 'unreadable_table', table: 'customers' }))
  assert.throws(() => TenantRecords.fromArrow({ tenant: 't', customers: [] }), isFault({ code: 'unreadable_table', table: 'customers' }))

  const train = (options) => ChurnModel.train(records, { definition, ...options })
  await assert.rejects(train({ threads: 0 }), isFault({ code: 'invalid_option', column: 'threads' }))
  await assert.rejects(train({ seed: -1 }), isFault({ code: 'invalid_option', column: 'seed' }))
  await assert.rejects(train({ asOf: 'soon' }), isFault({ code: 'invalid_option', column: 'asOf' }))
  await assert.rejects(train({ asOf: '2030-01-01' }), isFault({ code: 'immature_label' }))
  await assert.rejects(train({ definition: { kind: 'gone' } }), isFault({ code: 'invalid_option', column: 'kind' }))
  await assert.rejects(train({ definition: { ...definition, horizon: 1.5 } }), isFault({ code: 'invalid_option', column: 'horizon' }))
  await assert.rejects(train({ definition: { ...definition, horizons: 1 } }), isFault({ code: 'invalid_option', column: 'horizons' }))
  await assert.rejects(ChurnModel.train({}), isFault({ code: 'invalid_option', column: 'records' }))
  await assert.rejects(model.score(records), isFault({ code: 'invalid_option', column: 'asOf' }))
  await assert.rejects(model.score(TenantRecords.fromObjects({ ...tables, tenant: 'other' }), { asOf }), isFault({ code: 'tenant_mismatch' }))
  assert.throws(() => run.reasons('nobody'), isFault({ code: 'customer_not_found' }))
  assert.throws(() => run.reasons('nobody', -1), isFault({ code: 'invalid_option', column: 'top' }))
  assert.throws(() => model.scoreCustomer({}, { asOf }), isFault({ code: 'unreadable_table', table: 'customers' }))
})

test('Complete Journey: progress, an event loop that stays free, abort', async () => {
  const journey = TenantRecords.fromObjects({
    tenant: 'complete-journey', customers: csv('customers'), payments: csv('payments'), activities: csv('activities'),
    staticAttributes: 'all', observedFrom: '2017-01-01', observedUntil: '2018-01-01',
  })
  const options = { definition: { kind: 'inactivity', horizon: 30, activeWithin: 90, on: 'payments' }, seed: 0 }

  const abort = new AbortController()
  const stopped = ChurnModel.train(journey, { ...options, signal: abort.signal })
  const since = performance.now()
  setTimeout(() => abort.abort(), 100)
  await assert.rejects(stopped, isFault({ code: 'cancelled', name: 'AbortError' }))
  assert.ok(performance.now() - since < 2000)
  await assert.rejects(ChurnModel.train(journey, { ...options, signal: AbortSignal.abort() }), isFault({ code: 'cancelled' }))
  const oops = new Error('from the callback')
  await assert.rejects(ChurnModel.train(journey, { ...options, onProgress: () => { throw oops } }), (error) => error === oops)

  const steps = []
  const lag = monitorEventLoopDelay({ resolution: 1 })
  await sleep(20)
  lag.enable()
  const trained = await ChurnModel.train(journey, { ...options, onProgress: (step) => steps.push(step) })
  lag.disable()
  // The test uses the 99th percentile and not the maximum, because a busy machine may pause this process at any time.
  const worst = lag.percentile(99) / 1e6
  console.log(`event-loop lag while training: p99 ${worst.toFixed(1)} ms, max ${(lag.max / 1e6).toFixed(1)} ms`)
  assert.ok(worst < 20, `${worst} ms`)
  assert.ok(steps.length > 3 && steps.every(({ done }, i) => i === 0 || done >= steps[i - 1].done))
  assert.ok(trained.report.outOfTime.measures.rocAuc.value > 0.7)
  const list = await trained.score(journey, { asOf: '2018-01-01' })
  assert.equal(list.riskiest(10).length, 10)
})

test('the example of the README runs', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, example] = /```js\n([^]*?)```/.exec(readme)
  const folder = mkdtempSync(join(tmpdir(), 'churn-'))
  try {
    const name = JSON.stringify(createRequire(import.meta.url).resolve('churn-core'))
    const script = example.replace("'churn-core'", name)
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: folder, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^C-\d+ [01]\.\d+ \w+ \{ low: .*\n {3}\w+/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
