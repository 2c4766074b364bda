// Tests with malicious input. The cases are in tests/fixtures/hostile.json. The tests in Rust and Python read the same
// cases.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { ChurnError, ChurnModel, TenantRecords, features, labels } from 'churn-core'

const CASES = JSON.parse(readFileSync(new URL('../../tests/fixtures/hostile.json', import.meta.url), 'utf8'))
const TABLES = ['customers', 'payments', 'tickets', 'activities']

function cell(given, number) {
  if (typeof given === 'string') return given.replaceAll('{i}', `${number}`)
  if (given?.$number) return Number(given.$number)
  if (given?.$repeat) return given.$repeat[0].repeat(given.$repeat[1])
  return given
}

function rows(given) {
  const columns = (name, value, number) => name === '$columns'
    ? Array.from({ length: value[0] }, (_, column) => [`column ${column}`, cell(value[1], number)])
    : [[name.replaceAll('{i}', `${number}`), cell(value, number)]]
  const row = (cells, number) => Object.fromEntries(Object.entries(cells).flatMap(([name, value]) => columns(name, value, number)))
  if (Array.isArray(given)) return given.map((cells) => row(cells, 0))
  return Array.from({ length: given.$rows }, (_, number) => row(given.row, number))
}

function agrees(expected, value) {
  if (expected === null) return value === null || Number.isNaN(value)
  if (typeof expected === 'string') return value === expected
  return Math.abs(expected - value) <= 1e-9 * Math.abs(expected)
}

const bytewise = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const sorted = (issues) => issues.map((issue) => JSON.stringify(issue)).sort()

async function run(given, then, expect) {
  const options = { tenant: 't' }
  for (const name of TABLES) if (name in given) options[name] = rows(given[name])
  if ('on_invalid' in given) options.onInvalid = given.on_invalid
  if ('static_attributes' in given) options.staticAttributes = given.static_attributes
  const records = TenantRecords.fromObjects(options)
  for (const [table, counts] of Object.entries(expect.tables ?? {})) {
    const found = records.report.tables[table]
    assert.deepEqual([found.rowsIn, found.rowsAccepted, found.rowsQuarantined], counts)
  }
  if (expect.issues) {
    const found = records.report.issues.map(({ table, row, column, code }) => [table, row ?? null, column ?? null, code])
    assert.deepEqual(sorted(found), sorted(expect.issues))
  }
  if (then.features) {
    const matrix = features(records, { asOf: then.features })
    const ids = matrix.customerIds
    if (expect.rows !== undefined) assert.equal(ids.length, expect.rows)
    for (const name of expect.absent ?? []) assert(!matrix.featureNames.includes(name))
    if (expect.features) {
      assert.deepEqual([...ids], Object.keys(expect.features).sort(bytewise))
      for (const [customer, values] of Object.entries(expect.features)) {
        for (const [name, value] of Object.entries(values)) {
          const found = matrix.column(name)[ids.indexOf(customer)]
          assert(agrees(value, found), `${customer} ${name}: ${found}, not ${value}`)
        }
      }
    }
  }
  if (then.labels) {
    const { rows: found } = labels(records, { asOf: then.labels, definition: then.definition })
    if (expect.labels) {
      assert.deepEqual(Object.fromEntries(found.map(({ customerId, churned }) => [customerId, churned])), expect.labels)
    }
  }
  if (then.train) await ChurnModel.train(records, { definition: then.definition })
}

for (const { name, given, then = {}, expect } of CASES) {
  test(name, async () => {
    if (!expect.error) return run(given, then, expect)
    await assert.rejects(run(given, then, {}), (error) => {
      assert(error instanceof ChurnError, error.stack)
      const { code, table, row, column } = expect.error
      assert.equal(error.code, code)
      if (table !== null) assert.deepEqual([error.table, error.row, error.column], [table, row, column])
      return true
    })
  })
}
