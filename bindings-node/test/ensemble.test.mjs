// Tests of trees that another library trained. The predictions must agree with the predictions of that library. They
// must be bit-identical in Rust, Python and Node.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { test } from 'node:test'
import { ChurnError, ChurnModel, TreeEnsemble } from 'churn-core'
import { bytes, read, text } from './fixtures.mjs'

const { x, ...expected } = read('models/expected.json')
const saved = read('models/bits.json')
const cells = Float64Array.from(x.flat(), (cell) => cell ?? NaN)
const file = (name) => `${name}.${name.startsWith('lightgbm') ? 'txt' : 'json'}`
const url = (name) => new URL(`../../tests/fixtures/models/${file(name)}`, import.meta.url)
const load = (name) => (name.startsWith('lightgbm') ? TreeEnsemble.fromLightgbm(url(name)) : TreeEnsemble.fromXgboost(url(name)))
const bits = (numbers) => [...new BigUint64Array(Float64Array.from(numbers).buffer)]

const isFault = (details) => (error) => {
  assert.ok(error instanceof ChurnError, `${error}`)
  for (const [key, value] of Object.entries(details)) assert.deepEqual(error[key], value, `${key} of ${error.message}`)
  return true
}

test('every model has its bits', () => {
  assert.deepEqual(Object.keys(saved).toSorted(), Object.keys(expected).toSorted())
  assert.equal(Object.keys(saved).length, 8)
})

for (const [name, { base_value: base, rows }] of Object.entries(saved)) {
  test(`${name} gives bit-identical results on every host`, async () => {
    const loaded = load(name)
    assert.deepEqual([loaded.nTrees, loaded.featureNames.length, loaded.link], [12, 6, 'log_odds'])
    for (const ensemble of [loaded, TreeEnsemble.fromBytes(loaded.toBytes())]) {
      for (const threads of [1, 2]) {
        assert.deepEqual(bits(await ensemble.predictProba(cells, { threads })), bits(rows.map(({ probability }) => probability)))
        const single = await ensemble.predictProba(new Float32Array(cells), { rows: 60, columns: 6, threads })
        assert.deepEqual(bits(single), bits(rows.map(({ single }) => single)))
        const { contributions, baseValue, featureNames, ...rest } = await ensemble.explain(cells, { threads })
        assert.deepEqual(bits(contributions), bits(rows.flatMap(({ contributions }) => contributions)))
        assert.deepEqual(bits([baseValue]), bits([base]))
        assert.deepEqual([rest, featureNames], [{ rows: 60 }, ['x0', 'x1', 'x2', 'x3', 'x4', 'x5']])
      }
    }
  })

  test(`${name} says what its library says`, async () => {
    // The tolerance is larger for XGBoost, because XGBoost adds leaf values in single precision.
    const tolerance = name.startsWith('xgboost') ? 1e-6 : 1e-13
    const found = await load(name).predictProba(cells, 6)
    assert.equal(found.length, expected[name].probability.length)
    expected[name].probability.forEach((wanted, row) => assert.ok(Math.abs(found[row] - wanted) < tolerance, `row ${row}`))
    const { contributions, baseValue } = await load(name).explain(new Float32Array(cells))
    const single = await load(name).predictProba(new Float32Array(cells))
    for (let row = 0; row < 60; row++) {
      const sum = contributions.subarray(row * 6, row * 6 + 6).reduce((sum, value) => sum + value, baseValue)
      assert.ok(Math.abs(1 / (1 + Math.exp(-sum)) - single[row]) < 1e-12)
    }
  })
}

test('rows, parts of arrays and single rows give bit-identical results', async () => {
  const ensemble = load('xgboost_categories')
  const wanted = bits(await ensemble.predictProba(cells))
  const shifted = new Float64Array([0, ...cells]).subarray(1)
  const undefinedToo = x.map((row) => row.map((cell) => cell ?? undefined))
  const typed = x.map((row) => Float64Array.from(row, (cell) => cell ?? NaN))
  for (const same of [x, undefinedToo, typed, shifted]) assert.deepEqual(bits(await ensemble.predictProba(same)), wanted)
  const alone = await Promise.all(x.map((row) => ensemble.predictProba([row])))
  assert.deepEqual(bits(alone.map(([probability]) => probability)), wanted)
  assert.equal((await ensemble.predictProba([])).length, 0)
  assert.equal((await ensemble.predictProba(new Float64Array(0))).length, 0)
  assert.equal((await ensemble.explain(new Float32Array(0))).rows, 0)
})

test('the array may be changed and given away meanwhile', async () => {
  const ensemble = load('lightgbm_numeric')
  const wanted = await ensemble.predictProba(cells)
  const mine = new Float64Array(cells)
  const asked = ensemble.predictProba(mine)
  mine.fill(0)
  structuredClone(mine.buffer, { transfer: [mine.buffer] })
  assert.deepEqual(await asked, wanted)
})

test('content is taken as well as a path', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trees-'))
  try {
    const lightgbm = text('models/lightgbm_numeric.txt')
    const path = join(folder, 'tree') // The content of a LightGBM file begins with the same word as this path.
    writeFileSync(path, lightgbm)
    for (const given of [lightgbm, Buffer.from(lightgbm), lightgbm.replaceAll('\n', '\r\n'), path]) {
      assert.deepEqual(TreeEnsemble.fromLightgbm(given).toBytes(), load('lightgbm_numeric').toBytes())
    }
    const xgboost = text('models/xgboost_numeric.json')
    for (const given of [xgboost, Buffer.from(xgboost), new Uint8Array(Buffer.from(xgboost)), fileURLToPath(url('xgboost_numeric'))]) {
      assert.deepEqual(TreeEnsemble.fromXgboost(given).toBytes(), load('xgboost_numeric').toBytes())
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what is no model is refused', () => {
  const refused = isFault({ code: 'import_failed' })
  for (const wrong of ['{}', '{', Buffer.alloc(0), Buffer.from('tree'), bytes('models/lightgbm_numeric.txt')]) {
    assert.throws(() => TreeEnsemble.fromXgboost(wrong), refused)
  }
  for (const wrong of ['not\na model', Buffer.from([0xff, 0xfe, 10]), bytes('models/xgboost_numeric.json')]) {
    assert.throws(() => TreeEnsemble.fromLightgbm(wrong), refused)
  }
  for (const make of [TreeEnsemble.fromLightgbm, TreeEnsemble.fromXgboost]) {
    assert.throws(() => make('trees.nowhere'), (error) => error.code === 'io' && error.message.includes('trees.nowhere'))
    for (const wrong of [new URL('https://example.com/model.json'), 7, null, undefined, {}, [1, 2]]) {
      assert.throws(() => make(wrong), isFault({ code: 'invalid_option', column: 'model' }))
    }
  }
  const data = load('lightgbm_categories').toBytes()
  data[data.length >> 1] ^= 1
  assert.throws(() => TreeEnsemble.fromBytes(data), isFault({ code: 'artifact_damaged' }))
  assert.throws(() => TreeEnsemble.fromBytes('bytes'), isFault({ code: 'invalid_option' }))
  assert.throws(() => ChurnModel.fromBytes(load('lightgbm_categories').toBytes()), isFault({ code: 'artifact_damaged' }))
  assert.throws(() => new TreeEnsemble(), isFault({ code: 'invalid_option' }))
})

test('wrong matrices are refused', async () => {
  const ensemble = load('lightgbm_numeric')
  for (const ask of [ensemble.predictProba.bind(ensemble), ensemble.explain.bind(ensemble)]) {
    const mismatch = isFault({ code: 'feature_mismatch' })
    await assert.rejects(ask(cells, 3), mismatch)
    await assert.rejects(ask(cells, { rows: 61 }), mismatch)
    await assert.rejects(ask(new Float64Array(7)), mismatch)
    await assert.rejects(ask([[1, 2]]), mismatch)
    const invalid = isFault({ code: 'invalid_option' })
    for (const wrong of [null, undefined, 5, 'text', new Int32Array(6), [1, 2, 3, 4, 5, 6], [['a', 1, 2, 3, 4, 5]], new ArrayBuffer(48)]) {
      await assert.rejects(ask(wrong), invalid)
    }
    for (const shape of [{ cols: 6 }, { rows: -60 }, { rows: 1.5 }, { columns: '6' }, { threads: 0 }, { threads: -1 }, 'six', NaN]) {
      await assert.rejects(ask(cells, shape), invalid)
    }
  }
})

test('long work can be cancelled', async () => {
  const ensemble = load('lightgbm_numeric')
  await assert.rejects(ensemble.predictProba(cells, { signal: AbortSignal.abort() }), isFault({ code: 'cancelled', name: 'AbortError' }))
  const many = new Float64Array(6 * 200_000)
  const controller = new AbortController()
  const explained = ensemble.explain(many, { signal: controller.signal, threads: 1 })
  setTimeout(() => controller.abort(), 5)
  const begun = performance.now()
  await assert.rejects(explained, isFault({ code: 'cancelled' }))
  assert.ok(performance.now() - begun < 1000)
})

test('an ensemble shows what it is', () => {
  assert.match(inspect(load('xgboost_dart')), /^TreeEnsemble [^]*nTrees: 12[^]*features: 6/)
  assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(load('xgboost_dart')))), ['nTrees', 'featureNames', 'link'])
})
