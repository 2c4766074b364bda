// Tests of custom features, of the options for the ensemble members, and of backtests.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { ChurnError, ChurnModel, TenantRecords, backtest, features, partition } from 'churn-core'
import { world } from './world.mjs'

const definition = { kind: 'inactivity', horizon: 60, activeWithin: 60, on: 'payments' }
const asOf = '2024-06-01'
const tables = world()
let records

before(() => {
  records = TenantRecords.fromObjects({ tenant: 'acme', ...tables, staticAttributes: 'all' })
})

const isFault = (details) => (error) => {
  assert.ok(error instanceof ChurnError, `${error}`)
  for (const [key, value] of Object.entries(details)) assert.deepEqual(error[key], value, `${key} of ${error.message}`)
  return true
}

const own = {
  name: 'big_payments', source: 'payments', filter: ['paid', { atLeast: { column: 'amount', value: 25 } }], window: 91,
}

test('own features stand behind the standard ones', () => {
  const matrix = features(records, { asOf, windows: [28], features: [own, { name: 'urgent_share', source: 'tickets', function: { share: ['urgent'] } }] })
  assert.deepEqual(matrix.featureNames.slice(-2), ['big_payments', 'urgent_share'])
  const end = Date.parse(asOf)
  const id = matrix.customerIds[3]
  const big = tables.payments.filter(({ customer_id, due_at, amount }) =>
    customer_id === id && due_at < end && due_at >= end - 91 * 86_400_000 && amount >= 25)
  assert.equal(matrix.column('big_payments')[3], big.length)
  for (const wrong of [
    { ...own, colour: 'red' }, { ...own, source: 'invoices' }, { ...own, measure: 'price' }, { source: 'payments' },
    { ...own, filter: [{ atLeast: { column: 'amount', values: 1 } }] }, { ...own, name: 'payments_count_28d' },
  ]) {
    assert.throws(() => features(records, { asOf, windows: [28], features: [wrong] }), isFault({ code: 'invalid_option' }))
  }
  assert.throws(() => features(records, { asOf, features: 'all' }), isFault({ code: 'invalid_option', column: 'features' }))
})

test('members of the ensemble', async () => {
  const small = { definition, folds: 2, windows: [28, 91], features: [own], boosting: { nTrees: 20, maxLeaves: 4, learningRate: 0.1 }, forest: { nTrees: 8, maxDepth: 4 } }
  const model = await ChurnModel.train(records, small)
  assert.ok(model.featureNames.includes('big_payments'))
  const names = async (options) => (await ChurnModel.train(records, { ...small, ...options })).report.members.map(({ name }) => name)
  assert.ok(!(await names({ forest: false })).includes('forest'))
  assert.deepEqual(await names({ forest: false, boosting: false }), ['linear'])
  assert.ok(!(await names({ linear: false })).includes('linear'))
  const deep = { nTrees: 10, maxLeaves: 8, learningRate: 0.3 }
  assert.deepEqual(await names({ linear: false, forest: false, boosting: false, deepBoosting: deep }), ['deep_boosting'])
  const train = (options) => ChurnModel.train(records, { ...small, ...options })
  await assert.rejects(train({ boosting: { leafs: 3 } }), isFault({ code: 'invalid_option', column: 'boosting' }))
  await assert.rejects(train({ forest: { nTrees: -1 } }), isFault({ code: 'invalid_option', column: 'forest' }))
  await assert.rejects(train({ forest: { nTrees: 0 } }), isFault({ code: 'invalid_option' }))
  await assert.rejects(train({ deepBoosting: { leafs: 3 } }), isFault({ code: 'invalid_option', column: 'deepBoosting' }))
  const { rows, subsampled } = (await train({ maxRows: 300 })).report
  assert.ok(rows <= 300 && rows < model.report.rows && subsampled > 0)
  assert.notEqual((await train({ churnWeight: 3 })).id, model.id)
  await assert.rejects(train({ churnWeight: -1 }), isFault({ code: 'invalid_option', column: 'churnWeight' }))
  const held = await train({ monotoneConstraints: { payments_lifetime_count: 'decreasing' } })
  assert.deepEqual(held.report.monotoneConstraints, [['payments_lifetime_count', 'decreasing']])
  assert.ok(held.report.droppedMembers.some(({ name }) => name === 'forest'))
  for (const monotoneConstraints of [{ payments_lifetime_count: 'up' }, { payments_lifetime_count: 1 }, ['payments_lifetime_count'], { no_such_feature: 'increasing' }]) {
    await assert.rejects(train({ monotoneConstraints }), isFault({ code: 'invalid_option', column: 'monotoneConstraints' }))
  }
  await assert.rejects(train({ linear: 'yes' }), isFault({ code: 'invalid_option', column: 'linear' }))

  const matrix = await model.features(records, { asOf })
  const [proba, odds, { contributions, baseValue, featureNames }] = await Promise.all([
    model.predictProba(matrix), model.logOdds(matrix, { threads: 1 }), model.explain(matrix),
  ])
  assert.ok(proba.every((p) => p >= 0 && p <= 1) && proba.length === matrix.rows)
  odds.forEach((sum, row) => {
    const parts = contributions.subarray(row * featureNames.length, (row + 1) * featureNames.length)
    assert.ok(Math.abs(parts.reduce((a, b) => a + b, baseValue) - sum) < 1e-9)
  })
})

test('a backtest proves that it did not look ahead', async () => {
  const steps = []
  const options = { definition, folds: 2, boosting: { nTrees: 10, maxLeaves: 4 }, forest: { nTrees: 5, maxDepth: 3 } }
  const { folds } = await backtest(records, { ...options, origins: ['2024-06-01', '2024-02-01'], onProgress: (step) => steps.push(step) })
  assert.deepEqual(folds.map(({ testDate }) => testDate.slice(0, 10)), ['2024-02-01', '2024-06-01'])
  for (const { proof, measures } of folds) {
    assert.ok(Date.parse(proof.lastLabelEnd) <= Date.parse(proof.testDate))
    assert.ok(measures.rows > 50 && measures.rocAuc.low <= measures.rocAuc.high)
  }
  assert.ok(steps.length > 0)
  await assert.rejects(backtest(records, { ...options, origins: '2023-01-10' }), isFault({ code: 'nothing_after_purge' }))
  await assert.rejects(backtest(records, { ...options, signal: AbortSignal.abort() }), isFault({ code: 'cancelled' }))
})

test('a partition tells where the rows stood', () => {
  const customers = ['b', 'a', null, 'b'].map((tenant_id, i) => ({ tenant_id, customer_id: i, signed_up_at: i === 3 ? 'soon' : '2024-01-01' }))
  const { tenants, unassigned, positions } = partition({ customers, onInvalid: 'quarantine' })
  assert.deepEqual([...positions.keys()], ['a', 'b'])
  assert.deepEqual([...positions.get('b').customers], [0, 3])
  assert.ok(positions.get('b').customers instanceof Uint32Array && positions.get('b').payments === undefined)
  assert.equal(unassigned.issues[0].row, 2)
  assert.equal(tenants.get('b').report.issues[0].row, 3)
})
