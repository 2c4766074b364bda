// A backend for many tenants. It stores uploaded records, trains models in the background, and scores customers on
// request. Records, models and scores are saved in a store (a database), so they survive a restart of the backend.
import { ChurnError, ChurnModel, Store } from 'churn-core'
import Fastify from 'fastify'

/** Returns the HTTP status for an error code of the library. */
function statusOf(code) {
  if (code === 'internal' || code === 'io') return 500
  if (code === 'store_busy' || code === 'store_unavailable') return 503
  if (code.startsWith('store_')) return 500
  return code === 'customer_not_found' || code === 'not_found' ? 404 : code === 'not_eligible' ? 409 : 422
}

const TABLES = ['customers', 'payments', 'tickets', 'activities']

export async function backend({ database = 'sqlite::memory:', now = () => new Date(), ...options } = {}) {
  const store = await Store.open(database)
  const app = Fastify({ bodyLimit: 64 * 1024 * 1024, ...options })
  /** The state of each tenant: the loaded model, and the current training run.
   * { model, training: { status, done, error, abort } } */
  const tenants = new Map()
  const atHand = (tenant) => tenants.get(tenant) ?? tenants.set(tenant, {}).get(tenant)

  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof ChurnError)) return reply.status(error.statusCode ?? 500).send({ error: error.message })
    const { code, message, table, row, column, report } = error
    return reply.status(statusOf(code)).send({ code, message, table, row, column, issues: report?.issues.slice(0, 100) })
  })

  const missing = (what) => Object.assign(new Error(what), { statusCode: 404 })

  async function recordsOf({ params: { tenant } }) {
    const kept = store.tenant(tenant)
    if (await kept.customers.count() === 0) throw missing('this tenant has no records')
    const { settings } = await kept.company.get()
    return kept.records({ onInvalid: 'quarantine', ...settings.records })
  }

  /** Returns the champion (the model in use) of a tenant. Only the first call loads the model from the store. */
  async function modelOf({ params: { tenant } }) {
    const own = atHand(tenant)
    own.model ??= await store.tenant(tenant).models.champion()
    if (!own.model) throw missing('this tenant has no model yet')
    return own.model
  }

  // Uploads records. The body is { customers, payments, tickets, activities, onInvalid, staticAttributes, ... }. A row
  // replaces a stored row with the same id. The option `onInvalid` applies to this upload only. All other options are
  // stored as settings of the tenant. They are used later, when the records are loaded from the store.
  app.put('/tenants/:tenant/records', async (request, reply) => {
    const { tenant } = request.params
    const { onInvalid, ...given } = request.body
    const kept = store.tenant(tenant)
    atHand(tenant).training?.abort.abort()
    const upserted = {}
    for (const table of TABLES.filter((table) => given[table])) {
      upserted[table] = await kept[table].upsert(given[table], { onInvalid })
    }
    const reading = Object.fromEntries(Object.entries(given).filter(([name]) => !TABLES.includes(name)))
    await kept.company.set('records', reading)
    await kept.audit.append({ at: now(), actor: request.ip, action: 'records.uploaded' })
    reply.status(201)
    return { customers: await kept.customers.count(), upserted }
  })

  // Starts a training run in the background and returns immediately. The body is { definition, seed, windows }.
  app.post('/tenants/:tenant/training', async (request, reply) => {
    const { tenant } = request.params
    const own = atHand(tenant)
    if (own.training?.status === 'running') return reply.status(409).send({ error: 'training is already running' })
    const training = (own.training = { status: 'running', done: 0, abort: new AbortController() })
    const { definition, seed, windows } = request.body ?? {}
    const { signal } = training.abort
    const train = async (records) => {
      const model = await ChurnModel.train(records, {
        definition, seed, windows, signal, onProgress: ({ done }) => { training.done = done },
      })
      await store.tenant(tenant).models.save(model, { at: now() })
      return model
    }
    const failed = ({ code, message }) => {
      Object.assign(training, { status: code === 'cancelled' ? 'cancelled' : 'failed', error: { code, message } })
    }
    try {
      const records = await recordsOf(request)
      training.ended = train(records).then((model) => {
        own.model = model
        Object.assign(training, { status: 'done', done: 1 })
      }).catch(failed)
    } catch (error) {
      failed(error)
      throw error
    }
    return reply.status(202).send({ status: 'running' })
  })

  app.get('/tenants/:tenant/training', async ({ params: { tenant } }) => {
    const training = tenants.get(tenant)?.training
    // The status of the training run is read before the store is read. If the status is `done`, the store therefore
    // already contains the model.
    const { status = 'done', done = 1, error } = training ?? {}
    const champion = (await store.tenant(tenant).models.list()).find(({ stage }) => stage === 'champion')
    if (!training && !champion) throw missing('no training was started')
    return { status, done, error, modelId: champion?.id, report: champion?.card.report }
  })

  app.delete('/tenants/:tenant/training', async ({ params: { tenant } }, reply) => {
    tenants.get(tenant)?.training?.abort.abort()
    return reply.status(202).send({})
  })

  // Scores one customer from the rows in the request. The body is
  // { customer, payments, tickets, activities, asOf, top }.
  app.post('/tenants/:tenant/score', async (request) => {
    const { asOf, top, ...rows } = request.body ?? {}
    return (await modelOf(request)).scoreCustomer(rows, { asOf, top })
  })

  // Scores all customers and stores the scores. Reasons are stored for the hundred customers with the highest risk. The
  // body is { asOf }.
  app.post('/tenants/:tenant/runs', async (request, reply) => {
    const [model, records] = [await modelOf(request), await recordsOf(request)]
    const run = await model.score(records, { asOf: request.body?.asOf })
    reply.status(201)
    return store.tenant(request.params.tenant).scores.save(model, run, { at: now(), reasons: 100 })
  })

  // Returns a page of the customers with the highest stored risk. To get the next page, pass the `probability` and the
  // `customerId` from the field `next` of the previous page.
  app.get('/tenants/:tenant/riskiest', async ({ params: { tenant }, query: { top = '10', probability, customerId } }) => {
    const after = customerId === undefined ? null : { probability: Number(probability), customerId }
    return store.tenant(tenant).scores.highRisk({ limit: Number(top), after })
  })

  // Returns the stored scores of a customer. The score with the latest date comes first.
  app.get('/tenants/:tenant/customers/:customerId/scores', async ({ params: { tenant, customerId } }) => (
    store.tenant(tenant).scores.history(customerId)
  ))

  app.addHook('onClose', async () => {
    const trainings = [...tenants.values()].flatMap(({ training }) => training ?? [])
    for (const { abort } of trainings) abort.abort()
    await Promise.all(trainings.map(({ ended }) => ended))
    await store.close()
  })
  return app
}
