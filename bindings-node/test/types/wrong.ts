// Wrong uses of the API. This file is compiled but never run. Each wrong use follows a right use; only the right use must compile.
import {
  ChurnClassifier, ChurnError, ChurnModel, FeatureMatrix, ScoreRun, Store, TenantRecords, TenantStore, TreeEnsemble, backtest, columnsOf, features, labels,
  partition, subscriptionsToCustomers, synthetic, type ChurnDefinition, type ErrorCode, type Feature, type PaymentRow, type Score, type TicketRow, type TrainOptions,
} from 'churn-core'

declare const records: TenantRecords
declare const model: ChurnModel
declare const run: ScoreRun
declare const store: Store
declare const acme: TenantStore
declare const score: Score
const at = '2024-01-01'
const customers = [{ customerId: 'a', signedUpAt: at }]

// Columns
// 1. a typo of an optional column
export const paid1: PaymentRow = { customerId: 'a', dueAt: at, amount: 1, settledAt: at }
// @ts-expect-error settledAtt
export const paid1x: PaymentRow = { customerId: 'a', dueAt: at, amount: 1, settledAtt: at }
// 2. a typo of an optional column in snake_case
export const ticket2: TicketRow = { customer_id: 'a', opened_at: at, resolved_at: at }
// @ts-expect-error closed_at
export const ticket2x: TicketRow = { customer_id: 'a', opened_at: at, closed_at: at }
// 3. a typo of a required column
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at }] })
// @ts-expect-error signedUp
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUp: at }] })
// 4. a required column is missing
TenantRecords.fromObjects({ tenant: 't', customers, activities: [{ customerId: 'a', at }] })
// @ts-expect-error no at
TenantRecords.fromObjects({ tenant: 't', customers, activities: [{ customerId: 'a' }] })
// 5. a required column is null
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: 1, method: null }] })
// @ts-expect-error null amount
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: null }] })
// 6. an amount is a number
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: 9.5 }] })
// @ts-expect-error text
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: '9.5' }] })
// 7. statuses
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: 1, status: 'paid' }] })
// @ts-expect-error succeeded
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: 1, status: 'succeeded' }] })
// 8. priorities
TenantRecords.fromObjects({ tenant: 't', customers, tickets: [{ customerId: 'a', openedAt: at, priority: 'urgent' }] })
// @ts-expect-error P1
TenantRecords.fromObjects({ tenant: 't', customers, tickets: [{ customerId: 'a', openedAt: at, priority: 'P1' }] })
// 9. attributes are numbers, strings and booleans
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, plan: 'pro', seats: 3, trial: true, region: null }] })
// @ts-expect-error a list
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, plans: ['pro'] }] })
// 10. a moment under an unknown name is a misspelt column, not an attribute
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, churnedAt: new Date() }] })
// @ts-expect-error leftAt
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, leftAt: new Date() }] })
// 11. a known column that is spelled neither in snake_case nor in camelCase
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, churned_at: at }] })
// @ts-expect-error churnedat
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, churnedat: at }] })

// Rows that are declared as interface or class
interface Invoice { customerId: string; dueAt: Date; amount: number; number: string }
class Client { constructor(readonly customerId: string, readonly signedUpAt: Date, readonly plan: string) {} }
declare const invoices: Invoice[]
declare const clients: Client[]
// 12. an interface
TenantRecords.fromObjects({ tenant: 't', customers: clients, payments: invoices })
// @ts-expect-error invoices are no tickets
TenantRecords.fromObjects({ tenant: 't', customers: clients, tickets: invoices })
// 13. an interface without a required column
interface Partial13 { customerId: string; dueAt: Date }
declare const partial13: Partial13[]
acme.payments.upsert(invoices)
// @ts-expect-error no amount
acme.payments.upsert(partial13)
// 14. a class of customers with attributes of a wrong type
class Wrong14 { constructor(readonly customerId: string, readonly signedUpAt: Date, readonly tags: string[]) {} }
declare const wrong14: Wrong14[]
acme.customers.upsert(clients)
// @ts-expect-error tags is a list
acme.customers.upsert(wrong14)

// Options
// 15. the tenant is required
partition({ customers })
// @ts-expect-error no tenant
TenantRecords.fromObjects({ customers })
// 16. options belong in the same object as the tables
TenantRecords.fromObjects({ tenant: 't', customers, onInvalid: 'quarantine' })
// @ts-expect-error a second argument
TenantRecords.fromObjects({ tenant: 't', customers }, { onInvalid: 'quarantine' })
// 17. onInvalid
TenantRecords.fromArrow({ tenant: 't', customers: new Uint8Array(), onInvalid: 'refuse' })
// @ts-expect-error ignore
TenantRecords.fromArrow({ tenant: 't', customers: new Uint8Array(), onInvalid: 'ignore' })
// 18. staticAttributes
TenantRecords.fromObjects({ tenant: 't', customers, staticAttributes: ['plan'] })
// @ts-expect-error true
TenantRecords.fromObjects({ tenant: 't', customers, staticAttributes: true })
// 19. the name of an option in Python
features(records, { asOf: at, windows: [28] })
// @ts-expect-error as_of
features(records, { as_of: at })
// 20. a date is required
model.score(records, { asOf: at })
// @ts-expect-error no asOf
model.score(records, {})
// 21. a date is not a number
labels(records, { asOf: [at, new Date()] })
// @ts-expect-error milliseconds
labels(records, { asOf: 1704067200000 })
// 22. kinds of definitions
export const definition22: ChurnDefinition = { kind: 'inactivity', horizon: 60, activeWithin: 60, on: 'activities' }
// @ts-expect-error silence
export const definition22x: ChurnDefinition = { kind: 'silence' }
// 23. an option of the other kind of definition
export const definition23: ChurnDefinition = { kind: 'cancellation', lead: 7 }
// @ts-expect-error cancellation has no activeWithin
export const definition23x: ChurnDefinition = { kind: 'cancellation', activeWithin: 3 }
// 24. on
export const definition24: ChurnDefinition = { kind: 'inactivity', on: 'payments' }
// @ts-expect-error tickets
export const definition24x: ChurnDefinition = { kind: 'inactivity', on: 'tickets' }
// 25. leakage
export const options25: TrainOptions = { leakage: 'warn', allowColumns: 'plan' }
// @ts-expect-error ignore
export const options25x: TrainOptions = { leakage: 'ignore' }
// 26. directions
export const options26: TrainOptions = { monotoneConstraints: { seats: 'increasing' } }
// @ts-expect-error raises
export const options26x: TrainOptions = { monotoneConstraints: { seats: 'raises' } }
// 27. options of the trees
export const options27: TrainOptions = { boosting: { nTrees: 50, maxLeaves: 8, subsample: 0.8 }, forest: false }
// @ts-expect-error trees
export const options27x: TrainOptions = { boosting: { trees: 50 } }
// 28. options of backtests are not options of trainings
backtest(records, { origins: [at], embargoDays: 7 })
// @ts-expect-error origins
ChurnModel.train(records, { origins: [at] })
// 29. a signal
ChurnModel.train(records, { signal: new AbortController().signal })
// @ts-expect-error it is a controller, not a signal
ChurnModel.train(records, { signal: new AbortController() })
// 30. progress
ChurnModel.train(records, { onProgress: ({ stage, done }) => console.log(stage, done.toFixed(2)) })
// @ts-expect-error percent
ChurnModel.train(records, { onProgress: ({ percent }) => console.log(percent) })

// Features by source
// 31. conditions of payments
export const feature31: Feature = { name: 'f', source: 'payments', filter: ['failed'], window: 91 }
// @ts-expect-error urgent
export const feature31x: Feature = { name: 'f', source: 'payments', filter: ['urgent'] }
// 32. measures of tickets
export const feature32: Feature = { name: 'f', source: 'tickets', measure: 'resolution_hours', function: 'mean', axis: 'resolved_at' }
// @ts-expect-error amount
export const feature32x: Feature = { name: 'f', source: 'tickets', measure: 'amount', function: 'mean' }
// 33. functions of customers
export const feature33: Feature = { name: 'f', source: 'customers', measure: { attribute: 'seats' }, function: 'change', window: 91 }
// @ts-expect-error a customer has no filter
export const feature33x: Feature = { name: 'f', source: 'customers', filter: ['paid'] }
// 34. a feature has a name
export const feature34: Feature = { name: 'f', source: 'activities', measure: 'kind', function: 'distinct' }
// @ts-expect-error no name
export const feature34x: Feature = { source: 'activities', measure: 'kind', function: 'distinct' }

// Results
// 35. a score narrows by its status
export const probability35: number = score.status === 'scored' ? score.probability : 0
// @ts-expect-error it may be null
export const probability35x: number = score.probability
// 36. a customer who is not scored has a reason
export const reason36: string = score.status === 'not_enough_evidence' ? score.notScoredReason : ''
// @ts-expect-error the reason of a scored customer is null
export const reason36x: string = score.status === 'scored' ? score.notScoredReason : ''
// 37. statuses of scores
export const scored37: boolean = score.status === 'scored'
// @ts-expect-error ok
export const scored37x: boolean = score.status === 'ok'
// 38. intervals have names
export const low38: number | undefined = score.interval?.low
// @ts-expect-error positions
export const low38x: number | undefined = score.interval?.[0]
// 39. a run is a sequence, not an array
for (const each of run) console.log(each.customerId, run.at(-1)?.riskBand, run.length)
// @ts-expect-error filter belongs to run.scores
run.filter(() => true)
// 40. bands and codes
export const band40: boolean = score.riskBand === 'critical'
// @ts-expect-error severe
export const band40x: boolean = score.riskBand === 'severe'
// 41. codes of errors
export const code41: ErrorCode = 'immature_label'
// @ts-expect-error immature
export const code41x: ErrorCode = 'immature'
// 42. cached lists are shared
export const names42: string[] = [...model.featureNames].sort()
// @ts-expect-error sort would change what all callers see
model.featureNames.sort()
// 43. tables
columnsOf('payments')
// @ts-expect-error invoices
columnsOf('invoices')

// Objects are made by their factories
// 44. records
TenantRecords.fromArrow({ tenant: 't', customers: new Uint8Array() })
// @ts-expect-error private
new TenantRecords()
// 45. models
ChurnModel.fromBytes(model.toBytes())
// @ts-expect-error text
ChurnModel.fromBytes('model')
// 46. matrices
export const matrix46: FeatureMatrix = run.matrix
// @ts-expect-error private
new FeatureMatrix()
// 47. the store
acme.models.save(model, { at: new Date(), stage: 'challenger' })
// @ts-expect-error the store reads no clock
acme.models.save(model, {})
// 48. stages
acme.models.promote(model.id, 'retired')
// @ts-expect-error king
acme.models.promote(model.id, 'king')
// 49. users
acme.users.upsert({ userId: 'u', email: 'u@example.com', role: 'viewer' })
// @ts-expect-error no role
acme.users.upsert({ userId: 'u', email: 'u@example.com' })
// 50. ids
store.tenant(17n)
// @ts-expect-error undefined
store.tenant(undefined)
// 51. one customer's event rows inherit the customer
model.scoreCustomer({ customer: [{ customerId: 'a', signedUpAt: at }, { customerId: 'a', signedUpAt: at, validFrom: at }], payments: [{ dueAt: at, amount: 1 }] }, { asOf: at })
// @ts-expect-error customers
model.scoreCustomer({ customers: [{ customerId: 'a', signedUpAt: at }] }, { asOf: at })
// 52. worlds
synthetic.world({ seed: 1, initialCustomers: 0.5 })
// @ts-expect-error founders
synthetic.world({ founders: 0.5 })
// 53. shapes
TreeEnsemble.fromBytes(new Uint8Array()).predictProba(new Float32Array(4), { rows: 2, columns: 2 })
// @ts-expect-error cols
TreeEnsemble.fromBytes(new Uint8Array()).predictProba(new Float32Array(4), { cols: 2 })
// 54. classifiers
ChurnClassifier.fit([{ plan: 'pro' }], ['no'], { classWeight: { no: 2 }, groups: [1], leakage: 'refuse' })
// @ts-expect-error heavy
ChurnClassifier.fit([{ plan: 'pro' }], ['no'], { classWeight: 'heavy' })
// 55. errors
export const row55: number | null = new ChurnError('m', { code: 'io' }).row
// @ts-expect-error line
export const row55x: number | null = new ChurnError('m', { code: 'io' }).line
// 56. intervals of subscriptions
TenantRecords.fromObjects({ tenant: 't', customers: subscriptionsToCustomers([{ customerId: 'a', startedAt: at, price: 30, interval: 'month' }]).customers })
// @ts-expect-error monthly
subscriptionsToCustomers([{ customerId: 'a', startedAt: at, price: 30, interval: 'monthly' }])
// 57. subscriptions in Arrow give customers in Arrow
TenantRecords.fromArrow({ tenant: 't', customers: subscriptionsToCustomers(new Uint8Array()).customers })
// @ts-expect-error a Buffer
TenantRecords.fromObjects({ tenant: 't', customers: subscriptionsToCustomers(new Uint8Array()).customers })
