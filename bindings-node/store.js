'use strict'
// The store's glue: repositories whose calls are promises, answers as plain objects. No churn logic here.

const TABLES = ['customers', 'payments', 'tickets', 'activities']
const RECORDS_OPTIONS = [
  'onInvalid', 'observedFrom', 'observedUntil', 'staticAttributes', 'currency', 'conversionRates', 'signal',
]

/** The classes of the store, made of what index.js has. */
module.exports = function store({ native, INNER, INSPECT, ChurnError, TenantRecords, ChurnModel, ScoreRun, camelCase, checked, inner, long, shown, translate }) {
  const wrong = (column, why) => new ChurnError(`${column} ${why}`, { code: 'invalid_option', column })

  function text(value, name) {
    if (typeof value === 'string') return value
    throw wrong(name, 'must be a text')
  }

  /** Ids are texts; whole numbers become their text, as in records. */
  function id(value, name) {
    return Number.isSafeInteger(value) || typeof value === 'bigint' ? String(value) : text(value, name)
  }

  function json(value, name) {
    const written = JSON.stringify(value)
    if (written === undefined) throw wrong(name, 'must be something that JSON can hold')
    return written
  }

  /** Waits for a native call; its error as a ChurnError. */
  async function called(call) {
    try {
      return await call()
    } catch (error) {
      throw translate(error)
    }
  }

  /** The same where the answer is JSON. */
  const told = async (call) => JSON.parse(await called(call))

  const runOf = (run) => {
    if (run === null || typeof run !== 'object') throw wrong('run', "must be a ScoreRun, or a run's asOf and modelId")
    return { asOf: run.asOf, modelId: run.modelId }
  }

  const moments = ({ saved_at: savedAt, ...others }) => ({ savedAt, ...others })

  class Part {
    constructor(part, name) {
      Object.defineProperty(this, INNER, { value: part })
      Object.defineProperty(this, 'name', { value: name })
    }

    [INSPECT](depth, options, inspect) {
      return shown(this.constructor.name, this.name === undefined ? {} : { name: this.name }, inspect, options)
    }
  }

  class RecordStore extends Part {
    async upsert(rows, options) {
      const given = checked(options, ['onInvalid', 'signal'])
      return JSON.parse(await long(given, (cancel) => this[INNER].upsert({ [this.name]: rows }, given, cancel)))
    }

    async upsertBatches(batches, options) {
      const given = checked(options, ['onInvalid', 'signal'])
      if (typeof (batches?.[Symbol.asyncIterator] ?? batches?.[Symbol.iterator]) !== 'function') {
        throw wrong('batches', 'must be iterable')
      }
      return JSON.parse(await long(given, async (cancel) => {
        const batch = await this[INNER].import(given, cancel)
        try {
          for await (const rows of batches) {
            if (given.signal?.aborted) throw new ChurnError('the work was cancelled', { code: 'cancelled' })
            await batch.write({ [this.name]: rows }, cancel)
          }
          return await batch.commit()
        } finally {
          await batch.giveUp()
        }
      }))
    }

    async count() { return called(() => this[INNER].count()) }

    async page(options) {
      const given = checked(options, ['after', 'limit'])
      return told(() => this[INNER].page(given))
    }

    async ofCustomer(customerId) {
      return told(() => this[INNER].ofCustomer(id(customerId, 'customerId')))
    }
  }

  class ModelStore extends Part {
    async save(model, options) {
      const given = checked(options, ['at', 'stage'])
      await called(() => this[INNER].save(inner(model, ChurnModel, 'model'), given))
    }

    async load(modelId) {
      return new ChurnModel(await called(() => this[INNER].load(text(modelId, 'modelId'))))
    }

    async champion() {
      const found = await called(() => this[INNER].champion())
      return found ? new ChurnModel(found) : null
    }

    async promote(modelId, stage = 'champion') {
      await called(() => this[INNER].promote(text(modelId, 'modelId'), text(stage, 'stage')))
    }

    async list() {
      return (await told(() => this[INNER].list())).map(({ card, ...model }) => ({ ...moments(model), card: camelCase(card) }))
    }

    async delete(modelId) { await called(() => this[INNER].delete(text(modelId, 'modelId'))) }
  }

  class ScoreStore extends Part {
    async save(model, run, options) {
      const given = checked(options, ['at', 'reasons'])
      const [of, kept] = [inner(model, ChurnModel, 'model'), inner(run, ScoreRun, 'run')]
      return camelCase(await told(() => this[INNER].save(of, kept, given)))
    }

    async runs(options) {
      const given = checked(options, ['limit'])
      return (await told(() => this[INNER].runs(given))).map((run) => {
        const [low, medium, high, critical] = run.bands
        const [outcomes, churned] = run.outcomes
        return camelCase({ ...run, bands: { low, medium, high, critical }, outcomes, churned })
      })
    }

    async highRisk(options) {
      const { run, after, ...given } = checked(options, ['run', 'minProbability', 'limit', 'after'])
      const of = run === undefined || run === null ? undefined : runOf(run)
      const { scores, next } = await told(() => this[INNER].highRisk(given, of, after ?? undefined))
      return { scores: camelCase(scores), next: next && { probability: next[0], customerId: next[1] } }
    }

    async history(customerId, options) {
      const given = checked(options, ['limit'])
      return camelCase(await told(() => this[INNER].history(id(customerId, 'customerId'), given)))
    }

    async delete(run) { await called(() => this[INNER].delete(runOf(run))) }
  }

  class OutcomeStore extends Part {
    async save(records, options) {
      const given = checked(options, ['asOf', 'definition'])
      checked(given.definition, ['kind', 'horizon', 'lead', 'activeWithin', 'on'])
      return called(() => this[INNER].save(inner(records, TenantRecords, 'records'), given))
    }

    async ofRun(run) { return camelCase(await told(() => this[INNER].ofRun(runOf(run)))) }

    async ofCustomer(customerId) {
      return camelCase(await told(() => this[INNER].ofCustomer(id(customerId, 'customerId'))))
    }
  }

  class CompanyStore extends Part {
    async get() { return told(() => this[INNER].get()) }
    async rename(name) { await called(() => this[INNER].rename(text(name, 'name'))) }
    async set(setting, value) { await called(() => this[INNER].set(text(setting, 'setting'), json(value, 'value'))) }
    async unset(setting) { return called(() => this[INNER].unset(text(setting, 'setting'))) }
  }

  class UserStore extends Part {
    async upsert(user) {
      const given = checked(user, ['userId', 'email', 'role', 'name'])
      await called(() => this[INNER].upsert(given))
    }

    async get(userId) { return camelCase(await told(() => this[INNER].get(text(userId, 'userId')))) }
    async list() { return camelCase(await told(() => this[INNER].list())) }
    async remove(userId) { return called(() => this[INNER].remove(text(userId, 'userId'))) }
  }

  class ApiKeyStore extends Part {
    async create(keyId, secret, options) {
      const given = checked(options, ['role', 'at'])
      await called(() => this[INNER].create(text(keyId, 'keyId'), text(secret, 'secret'), given))
    }

    async verify(secret) { return camelCase(await told(() => this[INNER].verify(text(secret, 'secret')))) }
    async list() { return camelCase(await told(() => this[INNER].list())) }

    async revoke(keyId, options) {
      const given = checked(options, ['at'])
      await called(() => this[INNER].revoke(text(keyId, 'keyId'), given))
    }
  }

  class CursorStore extends Part {
    async get(source) { return camelCase(await told(() => this[INNER].get(text(source, 'source')))) }

    async set(source, position, options) {
      const given = checked(options, ['at'])
      await called(() => this[INNER].set(text(source, 'source'), text(position, 'position'), given))
    }
  }

  class AuditStore extends Part {
    async append(entry) {
      const { details = null, ...given } = checked(entry, ['at', 'actor', 'action', 'subject', 'details'])
      await called(() => this[INNER].append(given, json(details, 'details')))
    }

    async page(options) {
      const given = checked(options, ['after', 'limit'])
      return told(() => this[INNER].page(given))
    }
  }

  class TenantStore {
    constructor(tenant) {
      Object.defineProperty(this, INNER, { value: tenant })
      for (const name of TABLES) this[name] = new RecordStore(tenant.table(name), name)
      this.models = new ModelStore(tenant.models())
      this.scores = new ScoreStore(tenant.scores())
      this.outcomes = new OutcomeStore(tenant.outcomes())
      this.company = new CompanyStore(tenant.company())
      this.users = new UserStore(tenant.users())
      this.apiKeys = new ApiKeyStore(tenant.apiKeys())
      this.cursors = new CursorStore(tenant.cursors())
      this.audit = new AuditStore(tenant.audit())
    }

    get tenant() { return this[INNER].tenant }

    async records(options) {
      const given = checked(options, RECORDS_OPTIONS)
      return new TenantRecords(await long(given, (cancel) => this[INNER].records(given, cancel)))
    }

    async eraseCustomer(customerId) {
      return called(() => this[INNER].eraseCustomer(id(customerId, 'customerId')))
    }

    [INSPECT](depth, options, inspect) {
      return shown('TenantStore', { tenant: this.tenant }, inspect, options)
    }
  }

  class Store {
    constructor(store) {
      if (!native.NativeStore || !(store instanceof native.NativeStore)) {
        throw new ChurnError('use Store.open', { code: 'invalid_option' })
      }
      Object.defineProperty(this, INNER, { value: store })
    }

    static async open(url, options) {
      const { migrate = true } = checked(options, ['migrate'])
      if (!native.openStore) throw new ChurnError('this module was built without the store', { code: 'store_unavailable' })
      if (typeof migrate !== 'boolean') throw wrong('migrate', 'must be true or false')
      return new Store(await called(() => native.openStore(text(url, 'url'), migrate)))
    }

    get backend() { return this[INNER].backend }
    async migrate() { await called(() => this[INNER].migrate()) }
    async version() { return called(() => this[INNER].version()) }
    async grantTo(role) { await called(() => this[INNER].grantTo(text(role, 'role'))) }

    async attest() {
      const { passed, text, report } = await told(() => this[INNER].attest())
      const signOff = () => {
        if (!passed) throw new ChurnError(text, { code: 'not_isolated' })
      }
      return Object.defineProperty({ passed, ...report, text }, 'signOff', { value: signOff })
    }

    async close() { await called(() => this[INNER].close()) }

    tenant(tenant) {
      return new TenantStore(this[INNER].tenant(id(tenant, 'tenant')))
    }

    // Node 20 has the symbol, TypeScript's `await using` the syntax.
    async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
      await this.close()
    }

    [INSPECT](depth, options, inspect) {
      return shown('Store', { backend: this.backend }, inspect, options)
    }
  }

  return { Store, TenantStore }
}
