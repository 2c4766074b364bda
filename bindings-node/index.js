'use strict'
// The glue between JavaScript's habits and the native module: errors, AbortSignal, Date, promises. No churn logic here.

const native = require('./native.js')

const INNER = Symbol('native')
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

class ChurnError extends Error {
  constructor(message, { code, table = null, row = null, column = null, report = null, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.table = table
    this.row = row
    this.column = column
    this.report = report
  }

  /** As DOMException does: an aborted call has the name that callers look for. */
  get name() {
    return this.code === 'cancelled' ? 'AbortError' : 'ChurnError'
  }
}

/** What `console.log` shows of an object: its name and a few facts. */
function shown(name, facts, inspect, options) {
  return `${name} ${inspect(facts, options)}`
}

/** The native error as a ChurnError. */
function translate(error) {
  if (error instanceof ChurnError || !(error instanceof Error)) return error
  if (error.message.startsWith('{"churn":')) {
    const { message, ...details } = JSON.parse(error.message).churn
    return new ChurnError(message, details)
  }
  if (error.code === undefined) return error // thrown by the caller's own getter or proxy
  const wrongType = /Expected|InvalidArg|Failed to (convert|get)/.test(`${error.code}`)
  return new ChurnError(error.message, { code: wrongType ? 'invalid_option' : 'internal', cause: error })
}

function guard(call) {
  try {
    return call()
  } catch (error) {
    throw translate(error)
  }
}

/** The native half of an object, if it is one of the class. */
function inner(object, type, name) {
  if (object instanceof type) return object[INNER]
  throw new ChurnError(`${name} must be a ${type.name}`, { code: 'invalid_option', column: name })
}

/** An options object without misspelt keys. */
function checked(options, known) {
  if (options === undefined || options === null) return {}
  if (typeof options !== 'object') throw new ChurnError('options must be an object', { code: 'invalid_option' })
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new ChurnError(`there is no option '${key}'; there are: ${known.join(', ')}`, { code: 'invalid_option', column: key })
    }
  }
  return options
}

/** Runs long work: the signal cancels it, an error in onProgress cancels it and is what the promise rejects with. */
async function long(options, work) {
  const { signal, onProgress } = options
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new ChurnError('onProgress must be a function', { code: 'invalid_option', column: 'onProgress' })
  }
  const cancelled = () => new ChurnError('the work was cancelled', { code: 'cancelled', cause: signal.reason })
  if (signal?.aborted) throw cancelled()
  const cancel = new native.Cancel()
  const abort = () => cancel.cancel()
  let thrown
  const listener = onProgress && ((step) => {
    if (thrown) return
    try {
      onProgress(step)
    } catch (error) {
      thrown = { error }
      cancel.cancel()
    }
  })
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const result = await work(cancel, listener)
    if (thrown) throw thrown.error
    return result
  } catch (error) {
    if (thrown) throw thrown.error
    const translated = translate(error)
    if (translated.code === 'cancelled' && signal?.aborted) throw cancelled()
    throw translated
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/** JSON with its keys in JavaScript's spelling. */
function camelCase(value) {
  if (Array.isArray(value)) return value.map(camelCase)
  if (value === null || typeof value !== 'object') return value
  const camel = (key) => key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [camel(key), camelCase(inner)]))
}

/** Options with nested ones as JSON in the native spelling. */
function nested(options) {
  const snake = (value) => {
    if (Array.isArray(value)) return value.map(snake)
    if (value === null || typeof value !== 'object') return value
    const key = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [key(name), snake(inner)]))
  }
  const given = { ...options }
  for (const name of ['boosting', 'deepBoosting', 'forest', 'features']) {
    if (given[name] === undefined) continue
    if (Array.isArray(given[name])) given[name].forEach((feature) => checked(feature, FEATURE_KEYS))
    given[name] = JSON.stringify(snake(given[name]))
  }
  // Its keys are features: they stay as they are.
  if (given.monotoneConstraints !== undefined) given.monotoneConstraints = JSON.stringify(given.monotoneConstraints)
  return given
}

const FEATURE_KEYS = ['name', 'source', 'filter', 'axis', 'measure', 'function', 'window']
const TABLES = ['customers', 'payments', 'tickets', 'activities']
const RECORD_OPTIONS = [
  'tenant', ...TABLES, 'onInvalid', 'observedFrom', 'observedUntil',
  'staticAttributes', 'currency', 'conversionRates',
]

class TenantRecords {
  constructor(records) {
    if (!(records instanceof native.Records)) {
      throw new ChurnError('use TenantRecords.fromObjects or TenantRecords.fromArrow', { code: 'invalid_option' })
    }
    Object.defineProperty(this, INNER, { value: records })
  }

  static fromObjects(tables) {
    return guard(() => new TenantRecords(native.Records.read(checked(tables, RECORD_OPTIONS), false)))
  }

  static fromArrow(tables) {
    return guard(() => new TenantRecords(native.Records.read(checked(tables, RECORD_OPTIONS), true)))
  }

  get tenant() { return this[INNER].tenant }
  get currency() { return this[INNER].currency ?? null }
  get customerIds() { return this[INNER].customerIds }
  get observedFrom() { return this[INNER].observedFrom ?? null }
  get observedUntil() { return this[INNER].observedUntil ?? null }
  get report() { return JSON.parse(this[INNER].report) }

  rows(table) {
    return guard(() => this[INNER].rows(table) ?? null)
  }

  [INSPECT](depth, options, inspect) {
    const tables = TABLES.map((table) => [table, this.rows(table)])
    return shown('TenantRecords', { tenant: this.tenant, ...Object.fromEntries(tables) }, inspect, options)
  }
}

function columnsOf(table) {
  return guard(() => native.columnsOf(table))
}

function partition(tables) {
  const isBytes = (table) => table instanceof Uint8Array
  return guard(() => {
    const given = checked(tables, RECORD_OPTIONS.slice(1))
    const parts = native.partition(given, isBytes(given.customers))
    const tenants = parts.tenants.map((records) => new TenantRecords(records))
    const positions = new Map(tenants.map((records) => [records.tenant, {}]))
    for (const { tenant, table, rows } of parts.positions) positions.get(tenant)[table] = rows
    return {
      tenants: new Map(tenants.map((records) => [records.tenant, records])),
      unassigned: JSON.parse(parts.unassigned),
      positions,
    }
  })
}

class FeatureMatrix {
  constructor(matrix) {
    Object.defineProperty(this, INNER, { value: matrix })
  }

  get tenant() { return this[INNER].tenant }
  get rows() { return this[INNER].rows }
  get featureNames() { return this[INNER].featureNames }
  get customerIds() { return this[INNER].customerIds }
  get asOf() { return this[INNER].asOf }

  column(name) {
    return guard(() => this[INNER].column(name))
  }

  toArrow() {
    return guard(() => this[INNER].toArrow())
  }

  [INSPECT](depth, options, inspect) {
    const facts = { tenant: this.tenant, rows: this.rows, features: this.featureNames.length }
    return shown('FeatureMatrix', facts, inspect, options)
  }
}

const FEATURE_OPTIONS = ['asOf', 'windows', 'features', 'threads']

function features(records, options) {
  return guard(() => new FeatureMatrix(
    native.features(inner(records, TenantRecords, 'records'), nested(checked(options, FEATURE_OPTIONS))),
  ))
}

async function featuresAsync(records, options) {
  const given = nested(checked(options, [...FEATURE_OPTIONS, 'signal']))
  const matrix = await long(given, (cancel) => native.featuresAsync(inner(records, TenantRecords, 'records'), given, cancel))
  return new FeatureMatrix(matrix)
}

function labels(records, options) {
  const given = checked(options, ['asOf', 'definition', 'threads'])
  checked(given.definition, DEFINITION_OPTIONS)
  return guard(() => native.labels(inner(records, TenantRecords, 'records'), given))
}

class ScoreRun {
  #scores
  #probabilities

  constructor(run) {
    Object.defineProperty(this, INNER, { value: run })
  }

  get tenant() { return this[INNER].tenant }
  get asOf() { return this[INNER].asOf }
  get modelId() { return this[INNER].modelId }
  get matrix() { return new FeatureMatrix(this[INNER].matrix()) }
  get scores() { return (this.#scores ??= this[INNER].scores()) }
  get probabilities() { return (this.#probabilities ??= this[INNER].probabilities()) }

  scoreOf(customerId) {
    return guard(() => this[INNER].scoreOf(String(customerId)))
  }

  reasons(customerId, top = 5) {
    return guard(() => this[INNER].reasons(String(customerId), count(top)))
  }

  riskiest(top = 10) {
    return guard(() => this[INNER].riskiest(count(top)))
  }

  [INSPECT](depth, options, inspect) {
    const facts = { tenant: this.tenant, asOf: this.asOf, modelId: this.modelId, scores: this.probabilities.length }
    return shown('ScoreRun', facts, inspect, options)
  }
}

function count(top) {
  if (Number.isInteger(top) && top >= 0 && top < 2 ** 32) return top
  throw new ChurnError('top must be a whole number, not negative', { code: 'invalid_option', column: 'top' })
}

const DEFINITION_OPTIONS = ['kind', 'horizon', 'lead', 'activeWithin', 'on']
const TRAIN_OPTIONS = [
  'definition', 'asOf', 'windows', 'features', 'linear', 'boosting', 'deepBoosting', 'forest', 'maxRows', 'churnWeight', 'monotoneConstraints',
  'folds', 'shared', 'leakage', 'allowColumns', 'seed', 'threads', 'signal', 'onProgress',
]

function training(options, known) {
  const given = checked(options, known)
  checked(given.definition, DEFINITION_OPTIONS)
  return nested(given)
}

async function backtest(records, options) {
  const given = training(options, [...TRAIN_OPTIONS, 'origins', 'embargoDays', 'unseenCustomers'])
  const source = inner(records, TenantRecords, 'records')
  return { folds: camelCase(JSON.parse(await long(given, (cancel, listener) => native.backtest(source, given, cancel, listener)))) }
}

class ChurnModel {
  constructor(model) {
    if (!(model instanceof native.Model)) {
      throw new ChurnError('use ChurnModel.train, ChurnModel.load or ChurnModel.fromBytes', { code: 'invalid_option' })
    }
    Object.defineProperty(this, INNER, { value: model })
  }

  static async train(records, options) {
    const given = training(options, TRAIN_OPTIONS)
    const source = inner(records, TenantRecords, 'records')
    return new ChurnModel(await long(given, (cancel, listener) => native.train(source, given, cancel, listener)))
  }

  static fromBytes(bytes) {
    if (!(bytes instanceof Uint8Array)) {
      throw new ChurnError('bytes must be a Buffer or Uint8Array', { code: 'invalid_option', column: 'bytes' })
    }
    return guard(() => new ChurnModel(native.Model.fromBytes(bytes)))
  }

  static async load(path) {
    return new ChurnModel(await long({}, () => native.load(pathOf(path))))
  }

  async save(path) {
    await long({}, () => this[INNER].save(pathOf(path)))
  }

  toBytes() {
    return guard(() => this[INNER].toBytes())
  }

  get id() { return this[INNER].id }
  get tenant() { return this[INNER].tenant ?? null }
  get featureNames() { return this[INNER].featureNames }
  get riskBands() { return JSON.parse(this[INNER].riskBands) }
  get report() { return camelCase(JSON.parse(this[INNER].report)) }

  card() {
    return camelCase(JSON.parse(guard(() => this[INNER].card())))
  }

  cardMarkdown() {
    return guard(() => this[INNER].cardMarkdown())
  }

  get definition() {
    const [[kind, { horizon, ...rest }]] = Object.entries(JSON.parse(this[INNER].definition))
    return { kind, horizon: horizon.days, lead: horizon.lead, ...camelCase(rest) }
  }

  async score(records, options) {
    const given = checked(options, ['asOf', 'threads', 'signal', 'onProgress'])
    const source = inner(records, TenantRecords, 'records')
    return new ScoreRun(await long(given, (cancel, listener) => this[INNER].score(source, given, cancel, listener)))
  }

  scoreCustomer(rows, options) {
    const given = checked(options, ['asOf', 'top'])
    return guard(() => {
      const tables = checked(rows, ['customer', 'payments', 'tickets', 'activities'])
      const { score, ...rest } = this[INNER].scoreCustomer(tables, given)
      return { ...score, ...rest }
    })
  }

  async features(records, options) {
    const given = checked(options, ['asOf', 'threads', 'signal'])
    const source = inner(records, TenantRecords, 'records')
    return new FeatureMatrix(await long(given, (cancel) => this[INNER].features(source, given, cancel)))
  }

  async predictProba(matrix, options) {
    const given = checked(options, ['threads', 'signal'])
    const source = inner(matrix, FeatureMatrix, 'matrix')
    return long(given, (cancel) => this[INNER].predictProba(source, given, cancel))
  }

  async logOdds(matrix, options) {
    const given = checked(options, ['threads', 'signal'])
    const source = inner(matrix, FeatureMatrix, 'matrix')
    return long(given, (cancel) => this[INNER].logOdds(source, given, cancel))
  }

  async explain(matrix, options) {
    const given = checked(options, ['threads', 'signal'])
    const source = inner(matrix, FeatureMatrix, 'matrix')
    return long(given, (cancel) => this[INNER].explain(source, given, cancel))
  }

  [INSPECT](depth, options, inspect) {
    const facts = { id: this.id, tenant: this.tenant, definition: this.definition, features: this.featureNames.length }
    return shown('ChurnModel', facts, inspect, options)
  }
}

function pathOf(path) {
  if (typeof path === 'string') return path
  if (path instanceof URL) return require('node:url').fileURLToPath(path)
  throw new ChurnError('path must be a text or a file URL', { code: 'invalid_option', column: 'path' })
}

const WORLD_OPTIONS = [
  'seed', 'tenants', 'customers', 'start', 'days', 'initialCustomers', 'activitiesPerDay', 'ticketsPerDay', 'billingDays', 'risk',
  'returning', 'lateKnown', 'dated', 'hidden', 'drift', 'baseRateShift', 'duplicates', 'eventsWithoutCustomer', 'unknownIds', 'leaks',
  'paths', 'threads',
]

/** Generated tables, made when first asked for: rows as objects, or all four as Arrow IPC files. */
class WorldTables {
  #make
  #made
  #rows = {}

  constructor(make) {
    this.#make = make
  }

  get #tables() {
    return (this.#made ??= guard(this.#make))
  }

  #table(name) {
    return (this.#rows[name] ??= guard(() => {
      const columns = this.#tables.columns(name)
      const rows = Array.from({ length: columns[0]?.values.length ?? 0 }, () => ({}))
      for (const { name: column, values } of columns) {
        const numbers = values instanceof Float64Array
        for (let row = 0; row < rows.length; row++) {
          rows[row][column] = numbers && Number.isNaN(values[row]) ? null : values[row] ?? null
        }
      }
      return rows
    }))
  }

  get customers() { return this.#table('customers') }
  get payments() { return this.#table('payments') }
  get tickets() { return this.#table('tickets') }
  get activities() { return this.#table('activities') }

  toArrow() {
    return guard(() => Object.fromEntries(TABLES.map((name) => [name, this.#tables.arrow(name)])))
  }
}

class WorldTenant extends WorldTables {
  constructor(world, id) {
    super(() => world.tables(id))
    this.id = id
  }
}

class World {
  #truth

  constructor(options) {
    const given = checked(options, WORLD_OPTIONS)
    const world = guard(() => native.SyntheticWorld.make(given))
    Object.defineProperty(this, INNER, { value: world })
    this.tenants = Object.fromEntries(world.tenants.map((id) => [id, new WorldTenant(world, id)]))
  }

  get observedFrom() { return this[INNER].observedFrom }
  get observedUntil() { return this[INNER].observedUntil }
  get dates() { return this[INNER].dates }
  get truth() { return (this.#truth ??= this.truthAt({})) }

  truthAt(options) {
    const given = checked(options, ['asOf', 'horizon', 'lead'])
    const found = guard(() => this[INNER].truth(given))
    return found.customerIds.map((customerId, row) => ({
      tenantId: found.tenantIds[row],
      customerId,
      asOf: found.asOf[row],
      probability: found.probabilities[row],
      churned: found.churned[row] ?? null,
    }))
  }

  mixed() {
    return new WorldTables(() => this[INNER].tables())
  }

  [INSPECT](depth, options, inspect) {
    return shown('World', { tenants: Object.keys(this.tenants), observedUntil: this.observedUntil }, inspect, options)
  }
}

const synthetic = {
  /** The world of some options. */
  world: (options) => new World(options),
  /** The fifty leaks: the name of each and what its column tells. */
  leaks: () => Object.fromEntries(native.leaks()),
}

const { TreeEnsemble } = require('./ensemble.js')({ native, INNER, INSPECT, ChurnError, checked, guard, long, shown })
const { ChurnClassifier } = require('./classifier.js')({
  native, INNER, INSPECT, ChurnError, camelCase, checked, count, guard, long, nested, pathOf, shown,
})
const { Store, TenantStore } = require('./store.js')({
  native, INNER, INSPECT, ChurnError, TenantRecords, ChurnModel, ScoreRun, camelCase, checked, inner, long, shown, translate,
})

module.exports = {
  ChurnClassifier, ChurnError, ChurnModel, TreeEnsemble, FeatureMatrix, ScoreRun, Store, TenantRecords, TenantStore, backtest, columnsOf, features, featuresAsync, labels, partition,
  synthetic,
}
