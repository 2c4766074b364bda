// Regression tests of data and arguments that silently gave wrong results in earlier versions. Now, such data and
// arguments give the right result, or an error that names the cause.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { ChurnClassifier, ChurnError, ChurnModel, Store, TenantRecords, backtest, features, labels, partition } from 'churn-core'
import { world } from './world.mjs'

const definition = { kind: 'inactivity', horizon: 60, on: 'payments' }
const small = { definition, folds: 2, windows: [28, 91], boosting: { nTrees: 20, maxLeaves: 4 }, forest: { nTrees: 8, maxDepth: 4 } }
const asOf = '2024-06-01'
const tables = world()
const person = { customerId: 'a', signedUpAt: '2023-01-01' }
const read = (more, customers = [person]) => TenantRecords.fromObjects({ tenant: 'acme', customers, ...more })
let records, model

before(async () => {
  records = read({ ...tables, staticAttributes: 'all' }, tables.customers)
  model = await ChurnModel.train(records, small)
})

const isFault = (details, pattern = /./) => (error) => {
  assert.ok(error instanceof ChurnError, `${error?.stack ?? error}`)
  for (const [key, value] of Object.entries(details)) assert.deepEqual(error[key], value, `${key} of ${error.message}`)
  assert.match(error.message, pattern)
  return true
}

const found = ({ report }) => report.findings.map(({ code, table, column, rows, examples }) => ({ code, table, column, rows, examples }))

test('one far date of any table does not move the end of what was observed', () => {
  const customers = Array.from({ length: 20 }, (_, i) => ({ customerId: `c${i}`, signedUpAt: '2023-01-01' }))
  for (const [table, column, more] of [['payments', 'dueAt', { amount: 1 }], ['tickets', 'openedAt'], ['activities', 'at']]) {
    const events = customers.flatMap(({ customerId }) =>
      Array.from({ length: 12 }, (_, month) => ({ customerId, [column]: `2023-${`${month + 1}`.padStart(2, '0')}-01`, ...more })))
    const plain = read({ [table]: events }, customers)
    const far = read({ [table]: events.with(5, { ...events[5], [column]: '2032-06-01' }) }, customers)
    const name = column.replace('A', '_a')
    assert.deepEqual([plain.report.findings, found(far)], [[], [{ code: 'far_date', table, column: name, rows: 1, examples: [5] }]])
    assert.equal(far.observedUntil, plain.observedUntil)
    const kind = table === 'tickets' ? { kind: 'cancellation' } : { kind: 'inactivity', on: table }
    assert.throws(() => labels(far, { asOf: '2023-12-15', definition: { ...kind, horizon: 60 } }), isFault({ code: 'immature_label', column: 'asOf' }, new RegExp(`row 11 of ${table}`)))
  }
})

test('columns that are not used have the nearest known name', () => {
  const { report } = read({
    payments: [{ customerId: 'a', dueAt: '2023-02-01', amount: 1, state: 'failed' }], tickets: [{ customerId: 'a', openedAt: '2023-02-01', closedAt: '2023-02-02' }],
    activities: [{ customerId: 'a', at: '2023-02-01', type: 'x', count: 3, referrer: 'y' }],
  })
  assert.ok(report.isClean)
  const near = Object.fromEntries(report.findings.filter(({ code }) => code === 'unused_column').map(({ column, message }) => [column, /did you mean '(\w+)'/.exec(message)?.[1]]))
  assert.deepEqual(near, { state: 'status', closedAt: 'resolved_at', type: 'kind', count: 'quantity', referrer: undefined })
})

test('known columns in any spelling', () => {
  for (const name of ['\ufeffstatus', ' Status ', 'STATUS', 'sta_tus']) {
    const payments = ['2023-02-01', '2023-05-01'].map((dueAt) => ({ customerId: 'a', dueAt, amount: 10, [name]: 'failed' }))
    const matrix = features(read({ payments }, [{ 'Customer ID': 'a', 'SIGNED-UP-AT': '2023-01-01' }]), { asOf: '2023-06-01', windows: [182] })
    assert.deepEqual([matrix.column('payments_paid_count_182d')[0], matrix.column('payments_failed_count_182d')[0]], [0, 2], JSON.stringify(name))
  }
})

test('a run names the attributes that the model looks at and that are not there', async () => {
  const { warnings: usual } = await model.score(records, { asOf })
  assert.deepEqual(usual.map(({ code }) => code), ['outcomes_seen_in_training'])
  for (const column of ['plan', 'seats']) {
    for (const other of [{}, { other: 1 }]) {
      const customers = tables.customers.map(({ [column]: value, ...row }) => ({ ...row, ...Object.fromEntries(Object.keys(other).map((key) => [key, value])) }))
      const { warnings } = await model.score(read({ ...tables, customers, staticAttributes: 'all' }, customers), { asOf })
      const missing = warnings.filter(({ code }) => code === 'missing_column')
      assert.deepEqual(missing.map(({ columns }) => columns), [[column]])
      assert.match(missing[0].message, new RegExp(`'${column}' of customers`))
    }
  }
  for (const table of ['tickets', 'activities']) {
    const without = read({ ...tables, [table]: undefined, staticAttributes: 'all' }, tables.customers)
    await assert.rejects(model.score(without, { asOf }), isFault({ code: 'feature_mismatch', table }))
  }
})

test('a run names data that ended before its date', async () => {
  const leaving = tables.customers.map((row, i) => ({ ...row, churned_at: i % 3 ? null : new Date(Date.UTC(2024, i % 12, 5)) }))
  const own = read({ ...tables, customers: leaving }, leaving)
  const contractual = await ChurnModel.train(own, { ...small, definition: { kind: 'cancellation', horizon: 60 } })
  const { warnings } = await contractual.score(own, { asOf: '2025-07-10' })
  const stale = warnings.filter(({ code }) => code === 'stale_data')
  assert.deepEqual(stale.map(({ message }) => /of (\w+) is/.exec(message)?.[1]), ['customers', 'payments', 'tickets', 'activities'])
  assert.ok(stale.every(({ message }) => /2024-1[012]-/.test(message) && message.includes('2025-07-10')))
  for (const late of ['2025-07-10', '2030-01-01', '2010-01-01']) {
    await assert.rejects(model.score(records, { asOf: late }), isFault({ code: 'no_eligible_customers', column: 'asOf' }, new RegExp(`${late}.*2023-01-01 to 2024-11-30`)))
  }
})

test('a misspelt end of customers is named', async () => {
  for (const name of ['churnDate', 'churn_date', 'churnd_at']) {
    const customers = tables.customers.map((row, i) => ({ ...row, [name]: i % 2 ? '2024-01-01' : null }))
    await assert.rejects(
      ChurnModel.train(read({ ...tables, customers }, customers), { ...small, definition: { kind: 'cancellation', horizon: 60 } }),
      isFault({ code: 'single_class', table: 'customers', column: 'churned_at' }, new RegExp(`there is '${name}'`)),
    )
  }
})

test('an end that is null again is a return or a withdrawal', () => {
  const versions = (customerId, churnedAt) => [
    { customerId, signedUpAt: '2022-01-01', validFrom: null, churnedAt, plan: 'x' }, { customerId, signedUpAt: '2022-01-01', validFrom: '2023-03-01', churnedAt: null, plan: 'y' },
  ]
  const own = read({ observedUntil: '2025-01-01', observedFrom: '2022-01-01' }, [...versions('a', '2022-12-01'), ...versions('b', '2023-12-01')])
  assert.deepEqual(found(own), [
    { code: 'reactivated', table: 'customers', column: 'churned_at', rows: 1, examples: [1] }, { code: 'withdrawn', table: 'customers', column: 'churned_at', rows: 1, examples: [3] },
  ])
  const churned = (date) => labels(own, { asOf: date, definition: { kind: 'cancellation', horizon: 90 } }).rows.map((row) => row.churned)
  assert.deepEqual([churned('2022-11-15'), churned('2023-11-15')], [[true, false], [false, false]])
  const matrix = features(own, { asOf: '2023-06-01' })
  assert.deepEqual([...matrix.column('customer_tenure_days')], [92, 516])
  assert.deepEqual([...matrix.column('customer_earlier_spells')], [1, 0])
})

test('events outside of spells and copies are counted with examples', () => {
  const customers = [person, { ...person, customerId: 'b', churnedAt: '2023-06-01' }]
  const payment = { customerId: 'a', dueAt: '2023-02-01', amount: 1 }
  const own = read({ payments: [payment, payment, { ...payment, customerId: 'b', dueAt: '2023-07-01' }], tickets: [{ customerId: 'a', openedAt: '2022-02-01' }] }, customers)
  assert.ok(own.report.isClean)
  assert.deepEqual(found(own), [
    { code: 'after_end', table: 'payments', column: 'due_at', rows: 1, examples: [2] },
    { code: 'likely_duplicate', table: 'payments', column: null, rows: 1, examples: [1] },
    { code: 'before_sign_up', table: 'tickets', column: 'opened_at', rows: 1, examples: [0] },
  ])
})

test('NaN is a missing text or moment, and no number', () => {
  const rows = [{ ...person, region: NaN, churnedAt: NaN }, { ...person, customerId: 'b', region: 'EU' }]
  const own = read({ staticAttributes: 'all' }, rows)
  assert.ok(own.report.isClean)
  assert.deepEqual([...features(own, { asOf: '2024-01-01' }).column('customer_region')], [null, 'EU'])
  for (const [table, column, row] of [['payments', 'amount', { dueAt: '2023-02-01' }], ['tickets', 'satisfaction', { openedAt: '2023-02-01' }], ['activities', 'quantity', { at: '2023-02-01' }]]) {
    assert.throws(() => read({ [table]: [{ customerId: 'a', ...row, [column]: NaN }] }), isFault({ code: 'not_finite', table, row: 0, column }))
  }
})

test('a classifier tells of columns that are not what they seem', async () => {
  const cells = Array.from({ length: 300 }, (_, i) => i % 10 + 0.5)
  const y = cells.map((cell, i) => (cell < 4) === (i % 7 > 0))
  const fit = (values, options) => ChurnClassifier.fit(values.map((c) => ({ c })), y, { leakage: 'allow', ...options })
  const notes = async (values, options) => (await fit(values, options)).report.columnNotes.map(({ code, column }) => [code, column])
  assert.deepEqual(await notes(cells), [])
  for (const texts of [cells.map(String), cells.map(String).with(5, '')]) assert.deepEqual(await notes(texts), [['texts_as_numbers', 'c']])
  for (const word of ['NA', '-', '1,234.50', 'n/a']) assert.deepEqual(await notes(cells.map(String).with(5, word)), [['numbers_as_texts', 'c']], word)
  const codes = cells.map((_, i) => `00${i % 7}`)
  assert.deepEqual(await notes(codes), [['texts_as_numbers', 'c']])
  assert.deepEqual(await notes(codes, { categorical: ['c'] }), [])
  // A column that was empty in training has no influence, so a prediction accepts any value in this column.
  const empty = await ChurnClassifier.fit(cells.map((c) => ({ c, memo: null })), y, { leakage: 'allow' })
  const wanted = await empty.predictProba([{ c: 1.5, memo: null }])
  for (const memo of ['new', 5, true]) assert.deepEqual(await empty.predictProba([{ c: 1.5, memo }]), wanted)
})

test('labels and class weights that cannot be are named', async () => {
  const x = Array.from({ length: 60 }, (_, i) => ({ c: i % 10 }))
  const y = x.map(({ c }) => Number(c < 4))
  const fit = (labels, options) => ChurnClassifier.fit(x, labels, { leakage: 'allow', ...options })
  for (const wrong of [Infinity, -Infinity, NaN, null, undefined, 1n, new Date(), {}]) {
    await assert.rejects(fit(y.with(7, wrong)), isFault({ code: 'invalid_option', column: 'y', row: 7 }), `${wrong}`)
  }
  for (const classWeight of [{ 0: 0, 1: 0 }, [0, 0], { yes: 5 }, { 1: -1 }, { 1: '5' }, new Map([[1, 50]]), new Set([1]), Promise.resolve({ 1: 5 })]) {
    await assert.rejects(fit(y, { classWeight }), isFault({ code: 'invalid_option', column: 'classWeight' }, /class ?weight/i))
  }
})

test('a Map, a Set and a promise are no options', async () => {
  const odd = (object) => [new Map(Object.entries(object)), new Set(Object.keys(object)), Promise.resolve(object)]
  const refused = async (call, column) => assert.rejects(async () => call(), isFault({ code: 'invalid_option', column }, /must be an object/))
  for (const given of odd({ seed: 3 })) {
    await refused(() => ChurnModel.train(records, given), 'options')
    await refused(() => ChurnClassifier.fit([{ c: 1 }, { c: 2 }], [0, 1], given), 'options')
    await refused(() => model.score(records, given), 'options')
    await refused(() => backtest(records, given), 'options')
    await refused(() => features(records, given), 'options')
    await refused(() => labels(records, { asOf, definition: given }), 'definition')
    await refused(() => ChurnModel.train(records, { ...small, boosting: given }), 'boosting')
    await refused(() => ChurnModel.train(records, { ...small, monotoneConstraints: given }), 'monotoneConstraints')
    await refused(() => read({ conversionRates: given }), 'conversionRates')
    await refused(() => TenantRecords.fromObjects(given), 'tables')
    await refused(() => partition(given), 'tables')
  }
})

test('a store refuses what JSON would lose', async () => {
  const store = await Store.open('sqlite::memory:')
  try {
    const acme = store.tenant('acme')
    for (const value of [NaN, Infinity, 1n, new Map([['a', 1]]), new Set([1]), { deep: [NaN] }, { deep: new Map() }, undefined, () => 1]) {
      await assert.rejects(acme.company.set('horizon', value), isFault({ code: 'invalid_option', column: 'value' }))
      if (value === undefined) continue
      await assert.rejects(acme.audit.append({ at: asOf, actor: 'u', action: 'login', details: value }), isFault({ code: 'invalid_option', column: 'details' }))
    }
    await acme.company.set('horizon', { days: 90, from: new Date(0), none: null })
    assert.deepEqual((await acme.company.get()).settings, { horizon: { days: 90, from: '1970-01-01T00:00:00.000Z', none: null } })
  } finally {
    await store.close()
  }
})

test('warnings of a training spell options as JavaScript does', async () => {
  // Of the 400 customers, 120 leave within one period of three days.
  const day = (count) => new Date(Date.UTC(2023, 0, 1 + count))
  const customers = Array.from({ length: 400 }, (_, i) => ({ customerId: `c${i}`, signedUpAt: day(i % 50), churnedAt: i < 120 ? day(330 + i % 3) : i < 240 ? day(100 + 2 * i % 400) : null }))
  const asOf = [150, 210, 270, 325, 390].map(day)
  const own = read({ observedFrom: day(0), observedUntil: day(500) }, customers)
  const trained = await ChurnModel.train(own, { ...small, asOf, definition: { kind: 'cancellation', horizon: 30 } })
  const { report } = trained
  const unusual = report.warnings.filter(({ code }) => code === 'unusual_training_date')
  assert.deepEqual(unusual.map(({ dates }) => dates), [['2023-11-22']])
  assert.match(unusual[0].message, /give asOf without such dates/)
  assert.deepEqual(trained.card().warnings, report.warnings)
  assert.ok(report.warnings.every(({ message }) => !/as_of|observed_/.test(message)))
})

test('a run warns of outcomes that training used, and of built-in columns without values', async () => {
  const last = model.report.trainingDates.at(-1)
  const codes = (run) => run.warnings.map(({ code }) => code)
  assert.ok(codes(await model.score(records, { asOf: last })).includes('outcomes_seen_in_training'))
  const payments = tables.payments.map((row, i) => ({ ...row, settled_at: row.due_at, status: i % 5 ? null : 'failed' }))
  const trained = await ChurnModel.train(read({ ...tables, payments }, tables.customers), small)
  const missing = async (payments) => {
    const run = await trained.score(read({ ...tables, payments }, tables.customers), { asOf })
    return run.warnings.filter(({ code }) => code === 'missing_column').flatMap(({ columns }) => columns)
  }
  assert.deepEqual(await missing(payments), [])
  assert.deepEqual(await missing(payments.map(({ status, ...row }) => row)), ['status'])
})

test('a misspelt key of one customer is a warning', () => {
  const payments = (key) => [{ dueAt: '2024-05-01', amount: 5 }, { dueAt: '2024-05-20', amount: 5, [key]: 'failed' }]
  const rows = (key) => ({ customer: { ...person, plan: 'pro', seats: 1 }, payments: payments(key), tickets: [], activities: [] })
  const columns = (key) => model.scoreCustomer(rows(key), { asOf }).warnings.filter(({ code }) => code === 'unused_column').flatMap(({ columns }) => columns)
  assert.deepEqual([columns('status'), columns('statsu')], [[], ['statsu']])
})

test('columns that seem to leak are allowed only if they exist', async () => {
  await assert.rejects(ChurnModel.train(records, { ...small, allowColumns: ['nope'] }), isFault({ code: 'invalid_option', column: 'allowColumns' }))
})
