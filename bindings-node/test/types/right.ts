// Right uses of the API. This file is compiled but never run.
import {
  ChurnClassifier, ChurnError, ChurnModel, TreeEnsemble, FeatureMatrix, Store, TenantRecords, TenantStore, backtest, features, labels, partition, subscriptionsToCustomers, synthetic,
  type ClassLabel, type ErrorCode, type Feature, type Finding, type Score, type SubscriptionRow, type TrainOptions, type Upserted,
} from 'churn-core'

export async function typed(signal: AbortSignal): Promise<void> {
  const records: TenantRecords = TenantRecords.fromObjects({
    tenant: 'acme',
    customers: [{ customerId: 1n, signedUpAt: new Date(), plan: 'pro', seats: null }],
    payments: [],
    tickets: undefined,
    onInvalid: 'quarantine',
    staticAttributes: ['plan'],
    conversionRates: { USD: 0.9 },
  })
  TenantRecords.fromArrow({ tenant: 'acme', customers: Buffer.alloc(0) })
  const rowsIn: number | undefined = records.report.tables.payments?.rowsIn
  const options: TrainOptions = {
    definition: { kind: 'inactivity', horizon: 90, activeWithin: 180, on: 'payments' },
    asOf: ['2024-01-01', new Date()],
    seed: 0,
    signal,
    onProgress: ({ stage, done }) => console.log(stage.length + done),
  }
  const model: ChurnModel = await ChurnModel.train(records, options)
  const run = await model.score(records, { asOf: '2011-09-10' })
  const scores: readonly Score[] = run.scores
  const probabilities: Float64Array = run.probabilities
  const text: string = run.reasons('C-17', 5)[0]!.text
  const one = model.scoreCustomer({ customer: { customer_id: 'a', signed_up_at: '2024-01-01' }, payments: [] }, { asOf: new Date() })
  const probability: number | null = one.probability
  const bytes: Buffer = model.toBytes()
  await ChurnModel.fromBytes(bytes).save('m.churn')
  const matrix: FeatureMatrix = features(records, { asOf: '2024-01-01', windows: [28] })
  const column = matrix.column('customer_tenure_days')
  if (column instanceof Float64Array) column.fill(0)
  const churned: boolean = labels(records, { asOf: '2024-01-01', definition: { kind: 'cancellation' } }).rows[0]!.churned
  const tenants: Map<string, TenantRecords> = partition({ customers: [] }).tenants
  const auc: number | undefined = model.report.outOfTime?.measures.rocAuc?.value
  if (model.definition.kind === 'inactivity') console.log(model.definition.activeWithin)
  const { tenants: generated, truth } = synthetic.world({ seed: 1, tenants: 1, leaks: 'all' })
  TenantRecords.fromObjects({ tenant: 't001', customers: generated.t001!.customers, payments: generated.t001!.payments })
  const risk: number | undefined = truth[0]?.probability
  console.log(risk, rowsIn, scores, probabilities, text, probability, churned, tenants, auc)

}

export function code(error: unknown): string | undefined {
  return error instanceof ChurnError ? `${error.code} ${error.table} ${error.row} ${error.column}` : undefined
}

export async function more(records: TenantRecords): Promise<void> {
  const own: Feature = {
    name: 'cards', source: 'payments', filter: ['paid', { oneOf: { column: 'method', values: ['card'] } }], measure: 'amount', function: 'mean', window: 91,
  }
  const model = await ChurnModel.train(records, { features: [own], boosting: { nTrees: 50, learningRate: 0.05 }, forest: false, linear: true })
  const matrix = await model.features(records, { asOf: '2024-01-01' })
  const numbers: Float64Array[] = [await model.predictProba(matrix), await model.logOdds(matrix, { threads: 1 })]
  const { folds } = await backtest(records, { origins: ['2024-01-01'], definition: { kind: 'cancellation' } })
  const auc: number | undefined = folds[0]?.measures.rocAuc?.value
  const rows: Uint32Array | undefined = partition({ customers: [] }).positions.get('a')?.payments
  const known: ErrorCode = 'immature_label'
  console.log(numbers, auc, rows, known)
}

export async function kept(records: TenantRecords, model: ChurnModel, signal: AbortSignal): Promise<void> {
  const store: Store = await Store.open('sqlite::memory:', { migrate: true })
  const acme: TenantStore = store.tenant('acme')
  const { rowsChanged }: Upserted = await acme.payments.upsert([{ customerId: 'a', dueAt: new Date(), amount: 1 }], { signal })
  await acme.customers.upsert(Buffer.alloc(0), { onInvalid: 'quarantine' })
  await acme.tickets.upsertBatches([[{ customerId: 'a', openedAt: '2024-01-01' }]])
  const loaded: TenantRecords = await acme.records({ staticAttributes: 'all', signal })
  await acme.models.save(model, { at: new Date(), stage: 'challenger' })
  const champion: ChurnModel | null = await acme.models.champion()
  const run = await model.score(loaded, { asOf: '2024-01-01' })
  const { modelId } = await acme.scores.save(model, run, { at: '2024-01-02', reasons: 'all' })
  const { scores, next } = await acme.scores.highRisk({ limit: 10, minProbability: 0.5, run })
  await acme.scores.highRisk({ after: next, run: { asOf: new Date(), modelId } })
  const text: string | undefined = scores[0]?.reasons[0]?.text
  const critical: number | undefined = (await acme.scores.runs({ limit: 3 }))[0]?.bands.critical
  const changed: number = await acme.outcomes.save(records, { asOf: '2024-01-01', definition: { kind: 'cancellation' } })
  await acme.company.set('horizon', { days: 90 })
  await acme.users.upsert({ userId: 'u', email: 'u@example.com', role: 'viewer' })
  await acme.audit.append({ at: new Date(), actor: 'u', action: 'login' })
  if (!(await store.attest()).passed) await store.close()
  console.log(rowsChanged, champion, text, critical, changed)
}

export async function trees(signal: AbortSignal): Promise<Float64Array> {
  const ensemble: TreeEnsemble = TreeEnsemble.fromXgboost(Buffer.alloc(0))
  TreeEnsemble.fromLightgbm(new URL('file:///model.txt'))
  TreeEnsemble.fromBytes(ensemble.toBytes())
  const link: 'log_odds' | 'probability' = ensemble.link
  const { contributions, baseValue } = await ensemble.explain(new Float32Array(4), { rows: 2, columns: 2, threads: 1, signal })
  console.log(link, contributions[0], baseValue, await ensemble.predictProba([[1, null], new Float64Array(2)]))
  return ensemble.predictProba(new Float64Array(4), 2)
}

export async function flat(signal: AbortSignal): Promise<ClassLabel[]> {
  const rows = [{ plan: 'pro', seats: null }, { plan: 'basic', seats: 3n }]
  const classifier: ChurnClassifier = await ChurnClassifier.fit(rows, ['no', 'yes'], {
    groups: [1, 2], sampleWeight: [1, 2], classWeight: 'balanced', monotoneConstraints: { seats: 'decreasing' }, leakage: 'refuse', allowColumns: 'plan', signal,
  })
  const count: number | null = classifier.report.groups
  const [low, high]: Float64Array = await classifier.predictInterval(rows, { threads: 1 })
  const text: string | undefined = (await classifier.reasons(rows, { top: 1 }))[0]?.[0]?.text
  console.log(count, low, high, text, (await classifier.explain(Buffer.alloc(0))).baseValue)
  await classifier.save('flat.churn')
  await ChurnClassifier.load(new URL('file:///flat.churn'), { classes: ['no', 'yes'] })
  return classifier.predict(rows)
}

export function subscribed(rows: SubscriptionRow[]): TenantRecords[] {
  const people = [{ customer_id: 'a', country: 'DE', seats: 3 }]
  const { customers, findings } = subscriptionsToCustomers(rows, people, { staticAttributes: ['country'] })
  const wrong: Finding | undefined = findings[0]
  const mrr: number | undefined = customers[0]?.mrr
  const table = subscriptionsToCustomers(Buffer.alloc(0), null, { staticAttributes: 'all' })
  console.log(wrong, mrr)
  return [TenantRecords.fromObjects({ tenant: 'acme', customers }), TenantRecords.fromArrow({ tenant: 'acme', customers: table.customers })]
}
