// Wrong uses of the API. This file is compiled but never run. Each numbered case has a correct use and then a wrong use, which
// must not compile.
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

// Cases about columns
// 1. The name of an optional column must not have a typo.
export const paid1: PaymentRow = { customerId: 'a', dueAt: at, amount: 1, settledAt: at }
// @ts-expect-error There is no column `settledAtt`.
export const paid1x: PaymentRow = { customerId: 'a', dueAt: at, amount: 1, settledAtt: at }
// 2. The name of an optional column in snake_case must not have a typo either.
export const ticket2: TicketRow = { customer_id: 'a', opened_at: at, resolved_at: at }
// @ts-expect-error The column is called `resolved_at`, not `closed_at`.
export const ticket2x: TicketRow = { customer_id: 'a', opened_at: at, closed_at: at }
// 3. The name of a required column must not have a typo.
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at }] })
// @ts-expect-error The column is called `signedUpAt`, not `signedUp`.
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUp: at }] })
// 4. All required columns must be present.
TenantRecords.fromObjects({ tenant: 't', customers, activities: [{ customerId: 'a', at }] })
// @ts-expect-error The required column `at` is missing.
TenantRecords.fromObjects({ tenant: 't', customers, activities: [{ customerId: 'a' }] })
// 5. The value of an optional column may be null, but the value of a required column may not.
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: 1, method: null }] })
// @ts-expect-error The required column `amount` is null.
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: null }] })
// 6. An amount is a number.
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: 9.5 }] })
// @ts-expect-error This amount is a text.
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: '9.5' }] })
// 7. A payment has one of the known statuses.
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: 1, status: 'paid' }] })
// @ts-expect-error There is no status 'succeeded'.
TenantRecords.fromObjects({ tenant: 't', customers, payments: [{ customerId: 'a', dueAt: at, amount: 1, status: 'succeeded' }] })
// 8. A ticket has one of the known priorities.
TenantRecords.fromObjects({ tenant: 't', customers, tickets: [{ customerId: 'a', openedAt: at, priority: 'urgent' }] })
// @ts-expect-error There is no priority 'P1'.
TenantRecords.fromObjects({ tenant: 't', customers, tickets: [{ customerId: 'a', openedAt: at, priority: 'P1' }] })
// 9. Attributes are numbers, strings and booleans.
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, plan: 'pro', seats: 3, trial: true, region: null }] })
// @ts-expect-error The attribute `plans` is a list.
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, plans: ['pro'] }] })
// 10. A Date under an unknown name is an error. The name is probably misspelt, because attributes cannot be Dates.
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, churnedAt: new Date() }] })
// @ts-expect-error There is no column `leftAt`.
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, leftAt: new Date() }] })
// 11. A known column is spelled in snake_case or in camelCase.
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, churned_at: at }] })
// @ts-expect-error `churnedat` is neither of these spellings.
TenantRecords.fromObjects({ tenant: 't', customers: [{ customerId: 'a', signedUpAt: at, churnedat: at }] })

// Cases about rows whose type is an interface or a class
interface Invoice { customerId: string; dueAt: Date; amount: number; number: string }
class Client { constructor(readonly customerId: string, readonly signedUpAt: Date, readonly plan: string) {} }
declare const invoices: Invoice[]
declare const clients: Client[]
// 12. The type of the rows may be an interface.
TenantRecords.fromObjects({ tenant: 't', customers: clients, payments: invoices })
// @ts-expect-error The rows are invoices, not tickets.
TenantRecords.fromObjects({ tenant: 't', customers: clients, tickets: invoices })
// 13. If the type of the rows is an interface, the interface must have the required columns.
interface Partial13 { customerId: string; dueAt: Date }
declare const partial13: Partial13[]
acme.payments.upsert(invoices)
// @ts-expect-error The interface has no `amount`.
acme.payments.upsert(partial13)
// 14. If customers are instances of a class, their attributes must have a supported type.
class Wrong14 { constructor(readonly customerId: string, readonly signedUpAt: Date, readonly tags: string[]) {} }
declare const wrong14: Wrong14[]
acme.customers.upsert(clients)
// @ts-expect-error The attribute `tags` is a list.
acme.customers.upsert(wrong14)

// Cases about options
// 15. The tenant is required, except in `partition`.
partition({ customers })
// @ts-expect-error The tenant is missing.
TenantRecords.fromObjects({ customers })
// 16. Options belong in the same object as the tables.
TenantRecords.fromObjects({ tenant: 't', customers, onInvalid: 'quarantine' })
// @ts-expect-error The options are a second argument.
TenantRecords.fromObjects({ tenant: 't', customers }, { onInvalid: 'quarantine' })
// 17. The option `onInvalid` is 'refuse' or 'quarantine'.
TenantRecords.fromArrow({ tenant: 't', customers: new Uint8Array(), onInvalid: 'refuse' })
// @ts-expect-error There is no value 'ignore'.
TenantRecords.fromArrow({ tenant: 't', customers: new Uint8Array(), onInvalid: 'ignore' })
// 18. The option `staticAttributes` is a list of names or 'all'.
TenantRecords.fromObjects({ tenant: 't', customers, staticAttributes: ['plan'] })
// @ts-expect-error The value is a boolean.
TenantRecords.fromObjects({ tenant: 't', customers, staticAttributes: true })
// 19. Options have camelCase names.
features(records, { asOf: at, windows: [28] })
// @ts-expect-error `as_of` is the name in Python.
features(records, { as_of: at })
// 20. The date of a score run is required.
model.score(records, { asOf: at })
// @ts-expect-error The option `asOf` is missing.
model.score(records, {})
// 21. A date is a text or a Date.
labels(records, { asOf: [at, new Date()] })
// @ts-expect-error This date is a number of milliseconds.
labels(records, { asOf: 1704067200000 })
// 22. A definition of churn has one of the known kinds.
export const definition22: ChurnDefinition = { kind: 'inactivity', horizon: 60, activeWithin: 60, on: 'activities' }
// @ts-expect-error There is no kind 'silence'.
export const definition22x: ChurnDefinition = { kind: 'silence' }
// 23. A definition has only the options of its kind.
export const definition23: ChurnDefinition = { kind: 'cancellation', lead: 7 }
// @ts-expect-error Only the kind 'inactivity' has the option `activeWithin`.
export const definition23x: ChurnDefinition = { kind: 'cancellation', activeWithin: 3 }
// 24. The option `on` is 'payments' or 'activities'.
export const definition24: ChurnDefinition = { kind: 'inactivity', on: 'payments' }
// @ts-expect-error Inactivity cannot be measured by tickets.
export const definition24x: ChurnDefinition = { kind: 'inactivity', on: 'tickets' }
// 25. The option `leakage` has one of the known values.
export const options25: TrainOptions = { leakage: 'warn', allowColumns: 'plan' }
// @ts-expect-error There is no value 'ignore'.
export const options25x: TrainOptions = { leakage: 'ignore' }
// 26. A monotone constraint is 'increasing' or 'decreasing'.
export const options26: TrainOptions = { monotoneConstraints: { seats: 'increasing' } }
// @ts-expect-error There is no direction 'raises'.
export const options26x: TrainOptions = { monotoneConstraints: { seats: 'raises' } }
// 27. The option `boosting` takes an object. Unknown names in this object are errors.
export const options27: TrainOptions = { boosting: { nTrees: 50, maxLeaves: 8, subsample: 0.8 }, forest: false }
// @ts-expect-error The option is called `nTrees`, not `trees`.
export const options27x: TrainOptions = { boosting: { trees: 50 } }
// 28. Some options, such as `origins`, exist only for backtests.
backtest(records, { origins: [at], embargoDays: 7 })
// @ts-expect-error Training has no option `origins`.
ChurnModel.train(records, { origins: [at] })
// 29. The option `signal` is an AbortSignal.
ChurnModel.train(records, { signal: new AbortController().signal })
// @ts-expect-error This is a controller, not its signal.
ChurnModel.train(records, { signal: new AbortController() })
// 30. A progress object has the properties `stage` and `done`.
ChurnModel.train(records, { onProgress: ({ stage, done }) => console.log(stage, done.toFixed(2)) })
// @ts-expect-error There is no property `percent`.
ChurnModel.train(records, { onProgress: ({ percent }) => console.log(percent) })

// Cases about custom features
// 31. A feature of payments may use only the conditions for payments.
export const feature31: Feature = { name: 'f', source: 'payments', filter: ['failed'], window: 91 }
// @ts-expect-error The condition 'urgent' is for tickets.
export const feature31x: Feature = { name: 'f', source: 'payments', filter: ['urgent'] }
// 32. A feature of tickets may use only the measures for tickets.
export const feature32: Feature = { name: 'f', source: 'tickets', measure: 'resolution_hours', function: 'mean', axis: 'resolved_at' }
// @ts-expect-error The measure 'amount' is for payments.
export const feature32x: Feature = { name: 'f', source: 'tickets', measure: 'amount', function: 'mean' }
// 33. A feature of customers has the function 'value' or 'change', and it has no filter.
export const feature33: Feature = { name: 'f', source: 'customers', measure: { attribute: 'seats' }, function: 'change', window: 91 }
// @ts-expect-error This feature of customers has a filter.
export const feature33x: Feature = { name: 'f', source: 'customers', filter: ['paid'] }
// 34. A feature has a name.
export const feature34: Feature = { name: 'f', source: 'activities', measure: 'kind', function: 'distinct' }
// @ts-expect-error The name is missing.
export const feature34x: Feature = { source: 'activities', measure: 'kind', function: 'distinct' }

// Cases about results
// 35. A score has a probability only if its status is 'scored'.
export const probability35: number = score.status === 'scored' ? score.probability : 0
// @ts-expect-error Without a check of the status, the probability may be null.
export const probability35x: number = score.probability
// 36. If a customer is not scored, `notScoredReason` says why.
export const reason36: string = score.status === 'not_enough_evidence' ? score.notScoredReason : ''
// @ts-expect-error If a customer is scored, `notScoredReason` is null.
export const reason36x: string = score.status === 'scored' ? score.notScoredReason : ''
// 37. A score has one of the known statuses.
export const scored37: boolean = score.status === 'scored'
// @ts-expect-error There is no status 'ok'.
export const scored37x: boolean = score.status === 'ok'
// 38. The bounds of an interval have names.
export const low38: number | undefined = score.interval?.low
// @ts-expect-error The bounds cannot be accessed by position.
export const low38x: number | undefined = score.interval?.[0]
// 39. A run is a sequence, but not an array.
for (const each of run) console.log(each.customerId, run.at(-1)?.riskBand, run.length)
// @ts-expect-error Only `run.scores` has the method `filter`.
run.filter(() => true)
// 40. A risk band has one of the known names.
export const band40: boolean = score.riskBand === 'critical'
// @ts-expect-error There is no band 'severe'.
export const band40x: boolean = score.riskBand === 'severe'
// 41. An error code is one of the known codes.
export const code41: ErrorCode = 'immature_label'
// @ts-expect-error There is no code 'immature'.
export const code41x: ErrorCode = 'immature'
// 42. The lists that getters return are read-only, because all callers share them.
export const names42: string[] = [...model.featureNames].sort()
// @ts-expect-error `sort` would change the shared list.
model.featureNames.sort()
// 43. `columnsOf` takes the name of a table.
columnsOf('payments')
// @ts-expect-error There is no table 'invoices'.
columnsOf('invoices')

// Cases about functions that make objects, and about their arguments
// 44. Records are made by `fromObjects` or `fromArrow`.
TenantRecords.fromArrow({ tenant: 't', customers: new Uint8Array() })
// @ts-expect-error The constructor is private.
new TenantRecords()
// 45. A model is opened from bytes.
ChurnModel.fromBytes(model.toBytes())
// @ts-expect-error The argument is a text.
ChurnModel.fromBytes('model')
// 46. Matrices are made by functions of this module.
export const matrix46: FeatureMatrix = run.matrix
// @ts-expect-error The constructor is private.
new FeatureMatrix()
// 47. Saving a model requires the time `at`.
acme.models.save(model, { at: new Date(), stage: 'challenger' })
// @ts-expect-error The time is missing.
acme.models.save(model, {})
// 48. A model has one of the known stages.
acme.models.promote(model.id, 'retired')
// @ts-expect-error There is no stage 'king'.
acme.models.promote(model.id, 'king')
// 49. A user has a role.
acme.users.upsert({ userId: 'u', email: 'u@example.com', role: 'viewer' })
// @ts-expect-error The role is missing.
acme.users.upsert({ userId: 'u', email: 'u@example.com' })
// 50. The id of a tenant is required.
store.tenant(17n)
// @ts-expect-error The id is undefined.
store.tenant(undefined)
// 51. In the rows for `scoreCustomer`, events need no `customerId`, because all rows belong to one customer.
model.scoreCustomer({ customer: [{ customerId: 'a', signedUpAt: at }, { customerId: 'a', signedUpAt: at, validFrom: at }], payments: [{ dueAt: at, amount: 1 }] }, { asOf: at })
// @ts-expect-error The property is called `customer`, not `customers`.
model.scoreCustomer({ customers: [{ customerId: 'a', signedUpAt: at }] }, { asOf: at })
// 52. Unknown names of options for synthetic tenants are errors.
synthetic.world({ seed: 1, initialCustomers: 0.5 })
// @ts-expect-error There is no option `founders`.
synthetic.world({ founders: 0.5 })
// 53. The shape of a matrix has the properties `rows` and `columns`.
TreeEnsemble.fromBytes(new Uint8Array()).predictProba(new Float32Array(4), { rows: 2, columns: 2 })
// @ts-expect-error There is no property `cols`.
TreeEnsemble.fromBytes(new Uint8Array()).predictProba(new Float32Array(4), { cols: 2 })
// 54. The option `classWeight` is 'balanced' or has a weight for each class.
ChurnClassifier.fit([{ plan: 'pro' }], ['no'], { classWeight: { no: 2 }, groups: [1], leakage: 'refuse' })
// @ts-expect-error There is no value 'heavy'.
ChurnClassifier.fit([{ plan: 'pro' }], ['no'], { classWeight: 'heavy' })
// 55. An error has a property `row`.
export const row55: number | null = new ChurnError('m', { code: 'io' }).row
// @ts-expect-error There is no property `line`.
export const row55x: number | null = new ChurnError('m', { code: 'io' }).line
// 56. The price of a subscription has one of the known intervals.
TenantRecords.fromObjects({ tenant: 't', customers: subscriptionsToCustomers([{ customerId: 'a', startedAt: at, price: 30, interval: 'month' }]).customers })
// @ts-expect-error The interval is called 'month', not 'monthly'.
subscriptionsToCustomers([{ customerId: 'a', startedAt: at, price: 30, interval: 'monthly' }])
// 57. If the subscriptions are Arrow data, the customers are Arrow data too.
TenantRecords.fromArrow({ tenant: 't', customers: subscriptionsToCustomers(new Uint8Array()).customers })
// @ts-expect-error The customers are a Buffer, and `fromObjects` takes objects.
TenantRecords.fromObjects({ tenant: 't', customers: subscriptionsToCustomers(new Uint8Array()).customers })
