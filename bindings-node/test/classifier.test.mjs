// Tests of the classifier for flat tables (tables without dates). Its results must equal the results in Rust. The tests
// also cover labels of every type, groups, intervals and errors.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { before, test } from 'node:test'
import { ChurnClassifier, ChurnError } from 'churn-core'
import { bytes, read } from './fixtures.mjs'

// Two rows for each of 150 customers. Whether a customer leaves depends mainly on the column `minutes`.
const rows = Array.from({ length: 300 }, (_, i) => ({ plan: ['pro', 'basic'][i % 2], minutes: ((i >> 1) * 37) % 100, seats: i % 7 ? i % 7 : null }))
const left = rows.map(({ minutes }, i) => (minutes < 40) === ((i >> 1) % 5 > 0))
const groups = rows.map((_, i) => `C-${i >> 1}`)
const isFault = (details) => (error) => {
  assert.ok(error instanceof ChurnError, `${error}`)
  for (const [key, value] of Object.entries(details)) assert.deepEqual(error[key], value, `${key} of ${error.message}`)
  return true
}
let fitted

before(async () => {
  fitted = await ChurnClassifier.fit(rows, left, { groups })
})

test('a model file of Rust says what it said', async () => {
  const said = read('frozen/format-1/classifier.json')
  const model = ChurnClassifier.fromBytes(bytes('frozen/format-1/classifier.churn'))
  const minutes = [...Array.from({ length: 60 }, (_, row) => (row * 37) % 60), null]
  const table = minutes.map((minutes, row) => ({ plan: row === 60 ? 'another' : ['a', 'b', 'b'][row % 3], minutes }))
  assert.equal(model.id, said.id)
  assert.deepEqual([...(await model.predictProba(table))], said.probabilities.flat())
  const { contributions, baseValue } = await model.explain(table)
  assert.deepEqual([[...contributions], baseValue], [said.contributions.flat(), said.base_value])
  assert.equal(model.report.groups, null)
  await assert.rejects(model.predictInterval(table), isFault({ code: 'artifact_version' }))
})

test('labels come back, probabilities add up and lie within their intervals', async () => {
  assert.deepEqual([fitted.classes, fitted.featureNames], [[false, true], ['plan', 'minutes', 'seats']])
  const [probabilities, intervals] = [await fitted.predictProba(rows), await fitted.predictInterval(rows, { threads: 1 })]
  assert.deepEqual([probabilities.length, intervals.length], [600, 600])
  for (let row = 0; row < 300; row++) {
    const [stays, leaves] = probabilities.subarray(2 * row)
    const [low, high] = intervals.subarray(2 * row)
    assert.ok(Math.abs(stays + leaves - 1) < 1e-12 && low <= leaves && leaves <= high && low < high)
  }
  const predicted = await fitted.predict(rows)
  assert.ok(predicted.every((label, row) => label === probabilities[2 * row + 1] > 0.5))
  assert.ok(predicted.filter((label, row) => label === left[row]).length > 210)
  assert.deepEqual([await fitted.predict([]), await fitted.predictProba([])], [[], new Float64Array(0)])
  assert.match(inspect(fitted), /ChurnClassifier/)
})

test('labels of any sort make one model', async () => {
  const named = await ChurnClassifier.fit(rows, left.map((leaves) => (leaves ? 'leaves' : 'a stay')), { groups })
  const numbered = await ChurnClassifier.fit(rows, Uint8Array.from(left), { groups: groups.map((_, i) => i >> 1), threads: 1 })
  assert.deepEqual([named.classes, numbered.classes], [['a stay', 'leaves'], [0, 1]])
  const probabilities = await fitted.predictProba(rows)
  for (const same of [named, numbered]) assert.deepEqual(await same.predictProba(rows), probabilities)
})

test('the report says how it was fitted', async () => {
  const { groups: count, rows: all, rowsOfClass, parts, droppedMembers, monotoneConstraints } = fitted.report
  assert.deepEqual([count, all, rowsOfClass.reduce((sum, own) => sum + own), droppedMembers, monotoneConstraints], [150, 300, 300, [], []])
  assert.ok(parts.length === 1 && parts[0].rocAuc > 0.5 && parts[0].members.length === 4)
  const bound = await ChurnClassifier.fit(rows, left, { groups, monotoneConstraints: { minutes: 'decreasing' } })
  assert.deepEqual(bound.report.monotoneConstraints, [['minutes', 'decreasing']])
  assert.deepEqual(bound.report.droppedMembers.map(({ name }) => name), ['forest'])
  const weighted = await ChurnClassifier.fit(rows, left, { classWeight: 'balanced' })
  assert.equal(weighted.report.parts.length, 1)
})

test('three labels are told apart, each from the rest', async () => {
  const three = await ChurnClassifier.fit(rows, rows.map(({ minutes }) => Math.floor(minutes / 34)), { leakage: 'allow' })
  assert.deepEqual(three.classes, [0, 1, 2])
  assert.equal((await three.predictProba(rows)).length, 900)
  await assert.rejects(three.predictInterval(rows), isFault({ code: 'invalid_option' }))
})

test('reasons are the largest contributions', async () => {
  const { contributions, featureNames } = await fitted.explain(rows)
  assert.deepEqual([contributions.length, featureNames], [900, fitted.featureNames])
  const reasons = await fitted.reasons(rows.slice(0, 2), { top: 2 })
  assert.deepEqual(reasons.map((own) => own.length), [2, 2])
  const largest = Math.max(...contributions.subarray(0, 3).map(Math.abs))
  assert.equal(Math.abs(reasons[0][0].contribution), largest)
})

test('a file opens again with its labels', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'churn-'))
  try {
    await fitted.save(join(folder, 'flat.churn'))
    const [plain, named] = [await ChurnClassifier.load(join(folder, 'flat.churn')), ChurnClassifier.fromBytes(fitted.toBytes(), { classes: ['no', 'yes'] })]
    assert.deepEqual([plain.id, plain.classes, named.classes], [fitted.id, [false, true], ['no', 'yes']])
    assert.deepEqual(await named.predictProba(rows), await fitted.predictProba(rows))
    assert.throws(() => ChurnClassifier.fromBytes(fitted.toBytes(), { classes: ['no'] }), isFault({ code: 'invalid_option', column: 'classes' }))
    assert.throws(() => ChurnClassifier.fromBytes(Buffer.from('no model')), isFault({ code: 'artifact_damaged' }))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what cannot be fitted is named', async () => {
  const faults = [
    [rows, left.with(7, null), {}, { code: 'invalid_option', column: 'y', row: 7 }],
    [rows, left.map(Number).with(3, NaN), {}, { code: 'invalid_option', column: 'y', row: 3 }],
    [rows, left.with(3, 'yes'), {}, { code: 'invalid_option', column: 'y', row: 3 }],
    [rows, left.slice(1), {}, { code: 'invalid_option', column: 'y' }],
    [rows, left, { groups: groups.with(9, undefined) }, { code: 'invalid_option', column: 'groups', row: 9 }],
    [rows, left, { groups: groups.slice(1) }, { code: 'invalid_option', column: 'groups' }],
    [rows, left, { groups: 'all' }, { code: 'invalid_option', column: 'groups' }],
    [rows, left, { sampleWeight: ['1'] }, { code: 'invalid_option', column: 'sampleWeight', row: 0 }],
    [rows, left, { sampleWeight: [1, 2] }, { code: 'invalid_option', column: 'sampleWeight' }],
    [rows, left, { sampleWeight: rows.map((_, row) => (row === 5 ? NaN : 1)) }, { code: 'invalid_option', column: 'sampleWeight', row: 5 }],
    [rows, left, { classWeight: [1, 2, 3] }, { code: 'invalid_option', column: 'classWeight' }],
    [rows, left, { classWeight: 'fair' }, { code: 'invalid_option', column: 'classWeight' }],
    [rows, left, { monotoneConstraints: { plan: 'increasing' } }, { code: 'invalid_option' }],
    [rows, left, { weights: [1] }, { code: 'invalid_option', column: 'weights' }],
    [rows, left, { leakage: 'ignore' }, { code: 'invalid_option' }],
    [rows, left.map(() => true), {}, { code: 'single_class' }],
    ['rows', left, {}, { code: 'invalid_option', column: 'x' }],
    [rows.with(4, 'row'), left, {}, { code: 'invalid_option', column: 'x' }],
    [rows.with(4, { ...rows[4], minutes: Infinity }), left, {}, { code: 'not_finite', row: 4, column: 'minutes' }],
    [rows.map((row, i) => ({ ...row, gone: left[i] })), left, { leakage: 'refuse' }, { code: 'leakage', column: 'gone' }],
  ]
  for (const [x, y, options, details] of faults) await assert.rejects(ChurnClassifier.fit(x, y, options), isFault(details))
  await assert.rejects(fitted.predictProba([{ plan: 'pro' }]), isFault({ code: 'feature_mismatch' }))
  assert.throws(() => new ChurnClassifier(), isFault({ code: 'invalid_option' }))
})

test('a fit can be aborted and tells how far it is', async () => {
  const stop = new AbortController()
  const stopped = ChurnClassifier.fit(rows, left, { signal: stop.signal, onProgress: () => stop.abort() })
  await assert.rejects(stopped, isFault({ code: 'cancelled', name: 'AbortError' }))
  await assert.rejects(ChurnClassifier.fit(rows, left, { signal: AbortSignal.abort() }), isFault({ code: 'cancelled', name: 'AbortError' }))
  const told = []
  await ChurnClassifier.fit(rows, left, { onProgress: ({ done }) => told.push(done) })
  assert.ok(told.length > 0 && told.every((done, i) => done >= (told[i - 1] ?? 0)))
})
