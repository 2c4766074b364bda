// Tests that compare results with stored results (golden cases). Every result must be bit-identical to the stored
// result. The tests in Rust and Python use the same stored results, and have the same names as the tests in this file.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChurnError, ChurnModel, TenantRecords, features, labels } from 'churn-core'
import * as crowd from './crowd.mjs'
import { bytes, camel, list, read, readTables, text } from './fixtures.mjs'

const names = list('golden/worlds/').map((file) => file.replace('.json', ''))
const frozen = list('frozen/')

/**
 * Converts each number to its bits. A missing number is null in a fixture, but NaN in a result. Both become the bits of
 * one NaN value.
 */
const bits = (numbers) => [...new BigUint64Array(Float64Array.from(numbers, (number) => (number === null || Number.isNaN(number) ? NaN : number)).buffer)]

const failsWith = (code) => (error) => error instanceof ChurnError && error.code === code

function checkReport({ report }, expected) {
  const counts = expected.tables.map(([name, [rowsIn, rowsAccepted, rowsQuarantined], eventsBeforeSignUp]) => {
    const { quarantined, ...found } = report.tables[name]
    assert.deepEqual(found, { rowsIn, rowsAccepted, rowsQuarantined, eventsBeforeSignUp })
    return name
  })
  assert.deepEqual(Object.keys(report.tables).toSorted(), counts.toSorted())
  assert.deepEqual(report.issues.map(({ table, row, column, code }) => [table, row, column, code]), expected.issues)
  assert.deepEqual(report.undatedAttributes.map(({ attribute }) => attribute), expected.undated_attributes ?? expected.untrusted_attributes)
}

function checkFeatures(records, asOf, expected) {
  const matrix = features(records, { asOf })
  assert.deepEqual(matrix.featureNames, expected.feature_names)
  assert.deepEqual(matrix.customerIds, expected.features.map(([id]) => id))
  assert.deepEqual(matrix.asOf, expected.features.map(([, date]) => date))
  matrix.featureNames.forEach((name, position) => {
    const wanted = expected.features.map(([, , values]) => values[position])
    const found = matrix.column(name)
    if (found instanceof Float64Array) assert.deepEqual(bits(found), bits(wanted), name)
    else assert.deepEqual(found, wanted, name)
  })
}

function checkLabels(records, expected) {
  for (const wanted of expected.labels) {
    const find = () => labels(records, { asOf: wanted.as_of, definition: camel(wanted.definition) })
    if (wanted.error) {
      assert.throws(find, failsWith(wanted.error))
      continue
    }
    const { rows, excluded } = find()
    assert.deepEqual(rows.map(({ customerId, churned, rule, eventAt }) => [customerId, churned, rule, eventAt]), wanted.rows)
    assert.deepEqual(excluded.map(({ customerId, rule }) => [customerId, rule]), wanted.excluded)
  }
}

async function checkScores(records, model, expected) {
  for (const wanted of expected) {
    const asOf = wanted.as_of
    if (wanted.error) {
      await assert.rejects(model.score(records, { asOf }), failsWith(wanted.error))
      continue
    }
    if (wanted.scores.length > 0) {
      const run = await model.score(records, { asOf })
      assert.deepEqual(
        run.scores.map(({ customerId, probability, riskBand, status }) => [customerId, probability, riskBand, status]),
        wanted.scores,
      )
      assert.deepEqual(bits(run.probabilities), bits(wanted.scores.map(([, probability]) => probability)))
    } else {
      await assert.rejects(model.score(records, { asOf }), failsWith('no_eligible_customers'))
    }
    const matrix = await model.features(records, { asOf })
    assert.deepEqual(bits(await model.logOdds(matrix)), bits(wanted.log_odds))
    assert.deepEqual(bits(await model.predictProba(matrix)), bits(wanted.probabilities))
    const { baseValue, contributions } = await model.explain(matrix)
    assert.deepEqual(bits([baseValue]), bits([wanted.base_value]))
    assert.deepEqual(bits(contributions), bits(wanted.contributions.flat()))
  }
}

for (const name of names) {
  test(name, async () => {
    const world = read(`golden/worlds/${name}.json`)
    const expected = read(`golden/expected/${name}.json`)
    const records = TenantRecords.fromObjects({ tenant: world.tenant, ...camel(world.options), ...readTables(world) })
    checkReport(records, expected)
    checkFeatures(records, world.as_of, expected)
    checkLabels(records, expected)
    for (const folder of frozen) {
      const model = ChurnModel.fromBytes(bytes(`frozen/${folder}/model.churn`))
      await checkScores(records, model, read(`frozen/${folder}/scores/${name}.json`))
    }
  })
}

test('all cases are there', () => assert.ok(names.length >= 30 && frozen.length > 0))

// The environment variable CHURN_CROWD sets the number of customers.
test('crowd gives bit-identical results on every host', async () => {
  const customers = Number(process.env.CHURN_CROWD ?? 1000)
  const records = crowd.records(customers)
  for (const folder of frozen) {
    const model = ChurnModel.fromBytes(bytes(`frozen/${folder}/model.churn`))
    const expected = text(`frozen/${folder}/crowd-${customers}.sha256`).trim()
    assert.equal(await crowd.fingerprint(model, records, 1), expected)
    assert.equal(await crowd.fingerprint(model, records, 2), expected)
  }
})
