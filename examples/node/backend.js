// A backend for many tenants: records come in as JSON, a model is trained in the background, customers are scored at once.
// Everything lives in memory; a real one would keep records, and `model.toBytes()`, in its own store.
import { ChurnError, ChurnModel, TenantRecords } from 'churn-core'
import Fastify from 'fastify'

/** HTTP status of an error of the library. */
function statusOf(code) {
  if (code === 'internal' || code === 'io') return 500
  return code === 'no_such_customer' ? 404 : code === 'not_eligible' ? 409 : 422
}

export function backend(options = {}) {
  const app = Fastify({ bodyLimit: 64 * 1024 * 1024, ...options })
  /** tenant -> { records, model, training: { status, done, error, abort } } */
  const tenants = new Map()

  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof ChurnError)) return reply.status(error.statusCode ?? 500).send({ error: error.message })
    const { code, message, table, row, column, report } = error
    return reply.status(statusOf(code)).send({ code, message, table, row, column, issues: report?.issues.slice(0, 100) })
  })

  const missing = (what) => Object.assign(new Error(what), { statusCode: 404 })
  const tenantOf = ({ params }) => {
    const tenant = tenants.get(params.tenant)
    if (!tenant) throw missing('no records of this tenant')
    return tenant
  }
  const modelOf = (request) => {
    const { model } = tenantOf(request)
    if (!model) throw missing('no model of this tenant yet')
    return model
  }

  // Upload: { customers, payments, tickets, activities, onInvalid, ... }
  app.put('/tenants/:tenant/records', (request, reply) => {
    const { tenant } = request.params
    const records = TenantRecords.fromObjects({ ...request.body, tenant })
    tenants.get(tenant)?.training?.abort.abort()
    tenants.set(tenant, { records })
    reply.status(201).send({ customers: records.customerIds.length, report: records.report })
  })

  // Train in the background: { definition, seed, ... }; answers at once.
  app.post('/tenants/:tenant/training', (request, reply) => {
    const tenant = tenantOf(request)
    if (tenant.training?.status === 'running') return reply.status(409).send({ error: 'a training is running' })
    const training = (tenant.training = { status: 'running', done: 0, abort: new AbortController() })
    const { definition, seed, windows } = request.body ?? {}
    ChurnModel.train(tenant.records, {
      definition, seed, windows, signal: training.abort.signal, onProgress: ({ done }) => { training.done = done },
    }).then(
      (model) => {
        tenant.model = model
        Object.assign(training, { status: 'done', done: 1 })
      },
      ({ code, message }) => Object.assign(training, { status: code === 'cancelled' ? 'cancelled' : 'failed', error: { code, message } }),
    )
    return reply.status(202).send({ status: training.status })
  })

  app.get('/tenants/:tenant/training', (request) => {
    const { training, model } = tenantOf(request)
    if (!training) throw missing('no training was begun')
    const { status, done, error } = training
    return { status, done, error, modelId: model?.id, report: model?.report }
  })

  app.delete('/tenants/:tenant/training', (request, reply) => {
    tenantOf(request).training?.abort.abort()
    reply.status(202).send({})
  })

  // One customer's rows in, one answer out: { customer, payments, tickets, activities, asOf, top }
  app.post('/tenants/:tenant/score', (request) => {
    const { asOf, top, ...rows } = request.body ?? {}
    return modelOf(request).scoreCustomer(rows, { asOf, top })
  })

  // The customers most likely to leave.
  app.get('/tenants/:tenant/riskiest', async (request) => {
    const { asOf, top = '10' } = request.query
    const run = await modelOf(request).score(tenantOf(request).records, { asOf })
    return run.riskiest(Number(top)).map((score) => ({ ...score, reasons: run.reasons(score.customerId, 3) }))
  })

  app.addHook('onClose', () => {
    for (const { training } of tenants.values()) training?.abort.abort()
  })
  return app
}
