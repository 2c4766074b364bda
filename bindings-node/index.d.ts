/**
 * Raw customer records in, calibrated churn scores and their reasons out.
 *
 * Moments go in as a `Date` or as ISO-8601 text (`'2011-09-10'`, `'2011-09-10T12:30:00Z'`; without a zone: UTC) and
 * come out as ISO-8601 text. Row positions count from 0. Every function that fails throws a {@link ChurnError}; every
 * promise that fails rejects with one.
 */

/** A moment: ISO-8601 text or a `Date`. */
export type Moment = string | Date

/** One of the four tables. */
export type TableName = 'customers' | 'payments' | 'tickets' | 'activities'

/** A value of a row. `null` and `undefined` mean there is none; NaN and the infinities are told apart from it. */
export type Value = string | number | boolean | bigint | Date | null | undefined

/**
 * A row. Keys are the column names, such as `customer_id` and `due_at`; the library's own columns may also be spelt
 * `customerId` and `dueAt`. Other keys are attributes and keep their spelling. Numbers given as ids become their text.
 */
export interface Row {
  [column: string]: Value
}

/** The keys of a row in both spellings; some columns in one. */
type Spelt<Snake extends string, V> = { [K in Snake | Camel<Snake>]?: V }
type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S
type Id = string | number | bigint | null
type Time = Moment | null

/** Required: `customer_id`, `signed_up_at`. */
export type CustomerRow = Row &
  Spelt<'customer_id' | 'tenant_id', Id> &
  Spelt<'signed_up_at' | 'churned_at' | 'notice_at' | 'renews_at' | 'valid_from' | 'known_at', Time>

/** Required: `due_at`, `amount`, and `customer_id` unless the rows are those of one customer. */
export type PaymentRow = Row &
  Spelt<'customer_id' | 'tenant_id' | 'payment_id', Id> &
  Spelt<'due_at' | 'settled_at' | 'refunded_at' | 'known_at', Time> &
  Spelt<'amount', number | null> &
  Spelt<'status' | 'currency' | 'method', string | null>

/** Required: `opened_at`, and `customer_id` unless the rows are those of one customer. */
export type TicketRow = Row &
  Spelt<'customer_id' | 'tenant_id' | 'ticket_id', Id> &
  Spelt<'opened_at' | 'first_response_at' | 'resolved_at' | 'reopened_at' | 'satisfaction_at' | 'known_at', Time> &
  Spelt<'satisfaction', number | null> &
  Spelt<'priority' | 'category' | 'channel', string | null>

/** Required: `at`, and `customer_id` unless the rows are those of one customer. */
export type ActivityRow = Row &
  Spelt<'customer_id' | 'tenant_id' | 'activity_id', Id> &
  Spelt<'at' | 'known_at', Time> &
  Spelt<'quantity', number | null> &
  Spelt<'kind', string | null>

/** A column that the library knows. */
export interface Column {
  name: string
  type: 'id' | 'timestamp' | 'number' | 'text'
  required: boolean
  meaning: string
}

/** The columns that the library knows of a table, required ones first. */
export function columnsOf(table: TableName): Column[]

export interface RecordOptions {
  /** `'refuse'` (default): one error that carries the whole report. `'quarantine'`: bad rows are set aside and reported. */
  onInvalid?: 'refuse' | 'quarantine'
  /** Where the history begins. Default: the earliest event. */
  observedFrom?: Moment
  /** The end of what was observed. Default: just after the latest event. */
  observedUntil?: Moment
  /** Undated attributes that never change, so that today's value may stand in for the past. */
  staticAttributes?: 'all' | string[]
  /** The tenant's currency (ISO 4217). Default: that of the first payment that names one. */
  currency?: string
  /** What one major unit of another currency is worth in the tenant's. */
  conversionRates?: Record<string, number>
}

/** Tables as arrays of objects. `undefined` = not given, `[]` = given and empty. */
export interface ObjectTables {
  customers: readonly CustomerRow[]
  payments?: readonly PaymentRow[] | null
  tickets?: readonly TicketRow[] | null
  activities?: readonly ActivityRow[] | null
}

/** Tables as Arrow IPC files or streams. */
export interface ArrowTables {
  customers: Uint8Array
  payments?: Uint8Array | null
  tickets?: Uint8Array | null
  activities?: Uint8Array | null
}

export interface TableReport {
  /** `rowsIn = rowsAccepted + rowsQuarantined`. */
  rowsIn: number
  rowsAccepted: number
  rowsQuarantined: number
  /** Positions of the rows set aside, ascending. */
  quarantined: number[]
  /** Accepted events before their customer's first sign-up. */
  eventsBeforeSignUp: number
}

export interface ValidationIssue {
  table: TableName
  /** Position of the row; null where the whole table is meant. */
  row: number | null
  column: string | null
  /** `missing_value`, `bad_timestamp`, `unknown_customer`, ... */
  code: ErrorCode
  message: string
}

export interface ValidationReport {
  isClean: boolean
  /** Counts of the tables that were given. */
  tables: Partial<Record<TableName, TableReport>>
  issues: ValidationIssue[]
  /** Attributes left out of features because nobody knows since when they are true. */
  undatedAttributes: { attribute: string; reason: string }[]
}

/** The checked records of one tenant. Immutable. */
export class TenantRecords {
  private constructor()
  /** @throws {ChurnError} with the code, table, row and column of the first bad value, and the whole report. */
  static fromObjects(tables: { tenant: string } & ObjectTables & RecordOptions): TenantRecords
  /** @throws {ChurnError} as `fromObjects`; `unreadable_table` if a buffer is not Arrow IPC. */
  static fromArrow(tables: { tenant: string } & ArrowTables & RecordOptions): TenantRecords
  readonly tenant: string
  /** ISO 4217 code of all amounts, where one is known. */
  readonly currency: string | null
  /** Sorted by bytes. */
  readonly customerIds: string[]
  readonly observedFrom: string | null
  readonly observedUntil: string | null
  readonly report: ValidationReport
  /** Number of rows of a table; null if it was not given. */
  rows(table: TableName): number | null
}

export interface Partition {
  /** Each tenant's records; rows in their reports are positions in the mixed tables. */
  tenants: Map<string, TenantRecords>
  /** Rows that name no tenant. */
  unassigned: ValidationReport
  /** For each tenant and table, where his rows stood in the mixed table, ascending. */
  positions: Map<string, Partial<Record<TableName, Uint32Array>>>
}

/** Splits tables with a `tenant_id` column by tenant. */
export function partition(tables: (ObjectTables | ArrowTables) & RecordOptions): Partition

/** Churned: the customer's `churned_at` lies in the label period. */
export interface CancellationDefinition {
  kind: 'cancellation'
  /** Length of the label period in days. Default: 90. */
  horizon?: number
  /** Days between `asOf` and the label period. Default: 0. */
  lead?: number
}

/** Churned: no paid payment, or no activity, in the label period. */
export interface InactivityDefinition {
  kind: 'inactivity'
  /** Length of the label period in days. Default: 90. */
  horizon?: number
  /** Days between `asOf` and the label period. Default: 0. */
  lead?: number
  /** Eligible only if active in this many days before `asOf`. Default: the horizon. */
  activeWithin?: number | null
  /** Default: `'payments'`. */
  on?: 'payments' | 'activities'
}

export type ChurnDefinition = CancellationDefinition | InactivityDefinition

export interface Progress {
  /** What is being done, for people. */
  stage: string
  /** Share of the whole call that is done, 0 to 1, never falling. */
  done: number
}

export interface Cancellable {
  /** Stops the call; its promise rejects with a ChurnError of code `'cancelled'` and name `'AbortError'`. */
  signal?: AbortSignal
}

export interface Threads {
  /** Default: as many as the machine offers. The number never changes a result. */
  threads?: number
}

export interface ScoreOptions extends Cancellable, Threads {
  asOf: Moment
  onProgress?: (progress: Progress) => void
}

/** One condition on a record, as it is known at `asOf`. */
export type Condition =
  | 'paid' | 'failed' | 'pending' | 'settled' | 'unpaid' // payments
  | 'open' | 'responded' | 'urgent' // tickets
  | { oneOf: { column: string; values: readonly string[] } }
  | { atLeast: { column: string; value: number } }
  | { atMost: { column: string; value: number } }
  | { is: { column: string; value: boolean } }

/** A feature of your own, as data: which records, which moment of them, what of each, and what to make of it. */
export interface Feature {
  /** The column's name; unique. */
  name: string
  source: TableName
  /** All must hold. Default: none. */
  filter?: readonly Condition[]
  /** The moment that places a record in the window. Default: `'event'`. */
  axis?: 'event' | 'refunded_at' | 'resolved_at' | 'reopened_at' | 'satisfaction_at'
  /** Default: `'one'`, the record itself; for customers `'tenure_days'`. */
  measure?:
    | 'one' | 'amount' | 'late_days' | 'resolution_hours' | 'first_response_hours' | 'satisfaction' | 'quantity'
    | 'kind' | 'date' | 'gap_days' | 'tenure_days' | 'days_to_renewal' | 'days_since_change'
    | { attribute: string }
  /** Default: `'sum'`, of `'one'` the count; for customers `'value'`. */
  function?:
    | 'sum' | 'mean' | 'max' | 'min' | 'std' | 'last' | 'distinct' | 'change' | 'versus_usual'
    | 'days_since_last' | 'days_since_first' | 'recency_ratio' | 'periods_missed' | 'value'
    | { share: readonly Condition[] }
    | { streak: readonly Condition[] }
  /** Days before `asOf`. Default: the whole history. */
  window?: number | null
}

/** Options of the boosted trees; what is not named keeps its default. */
export interface BoostingOptions {
  trees?: number
  leaves?: number
  depth?: number
  learningRate?: number
  minLeafRows?: number
  minLeafHessian?: number
  l1?: number
  l2?: number
  colsample?: number
  subsample?: number
  maxBins?: number
  seed?: number
}

/** Options of the random forest; what is not named keeps its default. */
export interface ForestOptions {
  trees?: number
  depth?: number
  minLeafRows?: number
  colsample?: number | null
  smoothing?: number
  maxBins?: number
  seed?: number
}

export interface TrainOptions extends Cancellable, Threads {
  /** Default: cancellation within 90 days. */
  definition?: ChurnDefinition
  /** Training dates, each of which must be mature. Default: mature dates are chosen. */
  asOf?: Moment | readonly Moment[]
  /** Windows of the standard features, in days. Default: 28, 91, 182, 364. */
  windows?: readonly number[]
  /** Features of your own, behind the standard ones. */
  features?: readonly Feature[]
  /** Whether the linear member takes part. Default: true. */
  linear?: boolean
  /** `false` leaves the boosted trees out. Their number is the most there may be: fewer are chosen on held-out customers. */
  boosting?: boolean | BoostingOptions
  /** Deeper trees that learn faster. `false` leaves them out, and so does `boosting` with options or `false` if nothing is said here. */
  deepBoosting?: boolean | BoostingOptions
  /** `false` leaves the random forest out. */
  forest?: boolean | ForestOptions
  /** The same seed gives the same model bytes. Default: 0. */
  seed?: number | bigint
  /** The most customer-date pairs to learn from: of more, whole customers are drawn. Default: 500000. */
  maxRows?: number
  /** How much a churned row counts while members learn; probabilities stay those of the rows as they are. Default: 1. */
  churnWeight?: number
  /** Features with which the probability may only rise or only fall; leaves the forest out. */
  monotoneConstraints?: Record<string, 'raises' | 'lowers'>
  /** Folds for blending and calibration. Default: 5. */
  folds?: number
  /** Whether the model may score other tenants' records. Default: false. */
  shared?: boolean
  /** What is done about columns that know the label. Default: 'refuse', which refuses attributes and reports features of events. */
  leakage?: 'refuse' | 'warn' | 'allow'
  /** Columns that the caller vouches for. */
  allowColumns?: string | readonly string[]
  /** Called on the event loop. What it throws cancels the call and is what the promise rejects with. */
  onProgress?: (progress: Progress) => void
}

/** A value with its 90 % interval. */
export interface Estimate {
  value: number
  low: number
  high: number
}

export interface Measures {
  rows: number
  churned: number
  meanProbability: number
  rocAuc: Estimate | null
  prAuc: Estimate | null
  logLoss: Estimate | null
  brier: Estimate | null
  calibrationError: Estimate | null
  /** What a perfectly calibrated model with these predictions shows by chance: 95th percentile. */
  calibrationErrorNull95: number | null
  calibrationSlope: Estimate | null
  calibrationIntercept: Estimate | null
  topDecileLift: Estimate | null
  /** What had to be added to the predicted log-odds for their mean to be the churn rate; null of older models. */
  baseRateShift: Estimate | null
  calibration: { rows: number; meanProbability: number; churnRate: number }[]
}

/** A test at a date later than every label it was trained on. */
export interface OutOfTime {
  testDate: string
  trainingDates: string[]
  /** Whether only customers that no training date knew were tested. */
  unseenCustomers: boolean
  /** `lastLabelEnd <= testDate`: no training label could see the test. */
  proof: { testDate: string; lastTrainingDate: string; lastLabelEnd: string; embargoDays: number; purgedDates: string[] }
  measures: Measures
}

export interface TrainReport {
  trainingDates: string[]
  /** Customer-date pairs. */
  rows: number
  churned: number
  excluded: number
  /** Pairs of customers that were not drawn: there were more than `maxRows`. */
  subsampled: number
  observedFrom: string | null
  observedUntil: string | null
  truncatedWindows: number[]
  /** A test at a date later than every training label; null where the history is too short. */
  outOfTime: OutOfTime | null
  outOfTimeReason: string | null
  /** On customers held out in turn, at the training dates. */
  crossValidated: Measures
  /** The churn rate at each training date, beside what was predicted held out; empty of older models. */
  dates: { asOf: string; rows: number; churned: number; churnRate: number; meanProbability: number }[]
  members: { name: string; weight: number; logLoss: number }[]
  droppedMembers: { name: string; reason: string }[]
  /** Features with which the probability may only rise or only fall. */
  monotoneConstraints: [string, 'raises' | 'lowers'][]
  calibration: string
  /** Predicted against observed in each risk band, of customers held out. */
  bands: BandCalibration[]
  /** Columns that seem to know the label and stayed. */
  leaks: LeakageFinding[]
}

export interface BandCalibration {
  band: RiskBand
  from: number
  rows: number
  churned: number
  meanProbability: number | null
  churnRate: number | null
}

export interface LeakageFinding {
  column: string
  feature: string
  leak: 'restates_label' | 'only_for_churned' | 'only_for_retained' | 'identifier' | 'reaches_into_label_period'
  statistic: number
  byChance: number | null
  evidence: string
  action: 'warned' | 'allowed'
}

/** What a model is, what it was made of and what it is worth. */
export interface ModelCard {
  modelId: string
  tenant: string | null
  definition: object
  data: Pick<TrainReport, 'observedFrom' | 'observedUntil' | 'trainingDates' | 'truncatedWindows'>
  population: { rows: number; churned: number; churnRate: number; excluded: number; subsampled: number; dates: TrainReport['dates'] }
  features: { count: number; planFingerprint: string; names: string[] }
  metrics: Pick<TrainReport, 'outOfTime' | 'outOfTimeReason' | 'crossValidated'>
  calibration: { method: string; riskBands: { medium: number; high: number; critical: number }; bands: BandCalibration[] }
  members: TrainReport['members']
  droppedMembers: TrainReport['droppedMembers']
  monotoneConstraints: TrainReport['monotoneConstraints']
  leaks: LeakageFinding[]
}

export type RiskBand = 'low' | 'medium' | 'high' | 'critical'

export interface Score {
  customerId: string
  /** Calibrated probability of churn in the label period; null where there is not enough evidence. */
  probability: number | null
  /**
   * How sure the calibration is of the probability, which lies between these two: 90 % interval for the churn rate of customers
   * who score like this one. It is no bound on one customer's own risk. null if not scored, or by a model of before there were any.
   */
  interval: [number, number] | null
  riskBand: RiskBand | null
  status: 'scored' | 'not_enough_evidence'
  /** Why there is no probability. */
  reason: string | null
  /** When one is expected at the latest, if the customer stays. */
  expectedAt: string | null
}

export interface Reason {
  /** The feature's name. */
  feature: string
  value: number | string | null
  /** What it adds to the log-odds before calibration, against the average training row. */
  contribution: number
  direction: 'raises' | 'lowers'
  /** The same in words. */
  text: string
}

/** The scores of all eligible customers as of one date. */
export class ScoreRun {
  private constructor()
  readonly tenant: string
  readonly asOf: string
  readonly modelId: string
  /** One per eligible customer, sorted by id (bytes). */
  readonly scores: Score[]
  /** The probabilities in the order of `scores`; NaN where there is none. */
  readonly probabilities: Float64Array
  /** The features behind the scores. */
  readonly matrix: FeatureMatrix
  /** @throws {ChurnError} `customer_not_found` if the customer was not eligible. */
  scoreOf(customerId: string | number | bigint): Score
  /** The features that moved the score the most, largest first. Default: 5. */
  reasons(customerId: string | number | bigint, top?: number): Reason[]
  /** The customers most likely to leave, most likely first. Default: 10. */
  riskiest(top?: number): Score[]
}

export interface CustomerScore extends Score {
  reasons: Reason[]
  asOf: string
  modelId: string
}

/** One customer's rows. Event rows without a `customer_id` are his. */
export interface CustomerRows {
  customer: CustomerRow
  payments?: readonly PaymentRow[] | null
  tickets?: readonly TicketRow[] | null
  activities?: readonly ActivityRow[] | null
}

export interface Explanation {
  /** Rows x features, row after row: `contributions[row * featureNames.length + feature]`, in log-odds. */
  contributions: Float64Array
  /** Added to a row's contributions it gives the log-odds before calibration. */
  baseValue: number
  rows: number
  featureNames: string[]
}

/** A trained model. Immutable. */
export class ChurnModel {
  private constructor()
  /** Trains off the event loop. Equal records, options and seed give equal bytes, whatever the number of threads. */
  static train(records: TenantRecords, options?: TrainOptions): Promise<ChurnModel>
  /** @throws {ChurnError} `artifact_damaged`, `artifact_version`, `artifact_too_large`. */
  static fromBytes(bytes: Uint8Array): ChurnModel
  static load(path: string | URL): Promise<ChurnModel>
  save(path: string | URL): Promise<void>
  /** The model file's bytes, equal in every host language. */
  toBytes(): Buffer
  /** Identifies the model by its content. */
  readonly id: string
  /** The tenant whose records it may score; null if any. */
  readonly tenant: string | null
  readonly featureNames: string[]
  readonly definition: Required<CancellationDefinition> | Required<InactivityDefinition>
  /** Probabilities at which the bands begin. */
  readonly riskBands: { medium: number; high: number; critical: number }
  readonly report: TrainReport
  card(): ModelCard
  cardMarkdown(): string
  score(records: TenantRecords, options: ScoreOptions): Promise<ScoreRun>
  /** One customer, at once: the same bits as in a run over all. `top` reasons, default 5. */
  scoreCustomer(rows: CustomerRows, options: { asOf: Moment; top?: number }): CustomerScore
  /** The features as this model sees them. */
  features(
    records: TenantRecords,
    options: { asOf: Moment | readonly Moment[] } & Threads & Cancellable,
  ): Promise<FeatureMatrix>
  /** Calibrated probability of every row of a matrix made by this model's plan. */
  predictProba(matrix: FeatureMatrix, options?: Threads & Cancellable): Promise<Float64Array>
  /** Log-odds of every row before calibration: what contributions and the base value sum to. */
  logOdds(matrix: FeatureMatrix, options?: Threads & Cancellable): Promise<Float64Array>
  /** Contributions of every feature to every row of a matrix made by this model's plan. */
  explain(matrix: FeatureMatrix, options?: Threads & Cancellable): Promise<Explanation>
}

/**
 * Rolling-origin backtest: at each origin, a model that could have been trained then, tested on what came after.
 * `asOf` lists the dates that may train.
 */
export function backtest(
  records: TenantRecords,
  options?: TrainOptions & {
    /** The dates to test, each mature. Default: the last mature ones, one label period apart, at most three. */
    origins?: Moment | readonly Moment[]
    /** Days that must lie between the last training label and an origin. Default: 0. */
    embargoDays?: number
    /** Whether only customers whom no training date knew are tested. Default: false. */
    unseenCustomers?: boolean
  },
): Promise<{ folds: OutOfTime[] }>

/** Customers x features: dates as given, then customers sorted by id. */
export class FeatureMatrix {
  private constructor()
  readonly tenant: string
  readonly rows: number
  /** In plan order. */
  readonly featureNames: string[]
  /** The customer of every row. */
  readonly customerIds: string[]
  /** The date of every row. */
  readonly asOf: string[]
  /** Numbers (NaN where missing), or texts (null where missing). @throws {ChurnError} `unknown_feature`. */
  column(name: string): Float64Array | (string | null)[]
  /** An Arrow IPC file: `customer_id`, `as_of`, then the features. */
  toArrow(): Buffer
}

export interface FeatureOptions extends Threads {
  asOf: Moment | readonly Moment[]
  /** Windows of the standard features, in days. Default: 28, 91, 182, 364. */
  windows?: readonly number[]
  /** Features of your own, behind the standard ones. */
  features?: readonly Feature[]
}

/** The features of every eligible customer, on the calling thread's time. */
export function features(records: TenantRecords, options: FeatureOptions): FeatureMatrix
/** As `features`, off the event loop. */
export function featuresAsync(records: TenantRecords, options: FeatureOptions & Cancellable): Promise<FeatureMatrix>

export interface Label {
  customerId: string
  asOf: string
  /** False for an excluded row, which says neither. */
  churned: boolean
  rule: 'cancelled' | 'not_cancelled' | 'inactive' | 'active' | 'churned_in_lead' | 'churned_before'
  eventAt: string | null
}

/** What became of every eligible customer. @throws {ChurnError} `immature_label`: never read as "stayed". */
export function labels(
  records: TenantRecords,
  options: { asOf: Moment | readonly Moment[]; definition?: ChurnDefinition } & Threads,
): { rows: Label[]; excluded: Label[] }

/** What names a world, to the byte. See `churn_core::synthetic`. */
export interface WorldOptions extends Threads {
  /** Default: 0. */
  seed?: number | bigint
  /** Default: 3. */
  tenants?: number
  /** Customers of each tenant. Default: 1000. */
  customers?: number
  /** Midnight at which the history begins. Default: 2023-01-02. */
  start?: Moment
  /** Days of history. Default: 910. */
  days?: number
  /** Share of customers who signed up before the start. */
  initialCustomers?: number
  activitiesPerDay?: number
  ticketsPerDay?: number
  billingDays?: number
  /** Log-odds added to every day's chance to leave. */
  risk?: number
  /** Share of those who left that come back. */
  returning?: number
  /** Share of rows that become known late. */
  lateKnown?: number
  /** Whether versions of customers are dated. Default: true. */
  dated?: boolean
  /** Standard deviation of reasons that are on no record, in log-odds. */
  hidden?: number
  /** How far effects change over the world, 0 to 1. */
  drift?: number
  /** Log-odds added in the last 182 days. */
  baseRateShift?: number
  /** Share of rows that are there twice. */
  duplicates?: number
  /** Share of event rows whose customer does not exist. */
  eventsWithoutCustomer?: number
  /** Share of event rows that belong to another tenant. */
  unknownIds?: number
  /** Names of columns that know the outcome, or `'all'`. */
  leaks?: 'all' | readonly string[]
  /** Continued lives behind each true risk. */
  paths?: number
}

/** Generated rows, made when first asked for, at once. */
export interface WorldTables {
  readonly customers: CustomerRow[]
  readonly payments: PaymentRow[]
  readonly tickets: TicketRow[]
  readonly activities: ActivityRow[]
  /** The same as Arrow IPC files, for `TenantRecords.fromArrow`. */
  toArrow(): { customers: Buffer; payments: Buffer; tickets: Buffer; activities: Buffer }
}

export interface WorldTenant extends WorldTables {
  readonly id: string
}

/** An eligible customer's true risk at a date. */
export interface TrueRisk {
  tenantId: string
  customerId: string
  asOf: string
  /** Probability that he cancels in the label period, given all that had happened to him before the date. */
  probability: number
  /** Whether he did; null where the label period reaches past the world's end. */
  churned: boolean | null
}

/** Some made-up tenants whose customers' true risk is known. */
export interface World {
  /** By id: `t001`, `t002`, ... */
  readonly tenants: Record<string, WorldTenant>
  readonly observedFrom: string
  /** The end of the world. */
  readonly observedUntil: string
  /** Six dates whose label periods of 90 days are over by the last event, latest first. */
  readonly dates: string[]
  /** The true risk of cancellation within 90 days at each of `dates`. */
  readonly truth: TrueRisk[]
  /** The same at other midnights and for other label periods. Defaults: `dates`, 90, 0. */
  truthAt(options: { asOf?: Moment | readonly Moment[]; horizon?: number; lead?: number }): TrueRisk[]
  /** All tenants' rows, with a `tenant_id`, for `partition`. */
  mixed(): WorldTables
}

/** A known world: made-up B2B tenants, equal in Rust, Python and Node. */
export const synthetic: {
  /** @throws {ChurnError} `invalid_option` if a number makes no sense. */
  world(options?: WorldOptions): World
  /** The fifty leaks: the name of each and what its column tells. */
  leaks(): Record<string, string>
}

/** Every code, equal in Rust, Python and Node; the first ones are those of bad values in records. */
export type ErrorCode =
  | 'missing_column' | 'missing_value' | 'bad_type' | 'bad_timestamp' | 'out_of_range' | 'not_finite'
  | 'unknown_status' | 'unknown_priority' | 'duplicate_id' | 'duplicate_version' | 'unknown_customer'
  | 'ends_before_start' | 'inconsistent_status' | 'mixed_currency' | 'wrong_tenant'
  | 'unreadable_table' | 'tenant_mismatch' | 'invalid_option' | 'immature_label' | 'single_class' | 'too_little_data'
  | 'nothing_after_purge' | 'leakage' | 'feature_mismatch' | 'customer_not_found' | 'not_eligible' | 'no_eligible_customers' | 'unknown_feature'
  | 'cancelled' | 'artifact_damaged' | 'artifact_version' | 'artifact_too_large' | 'import_failed' | 'io'
  | 'store_unavailable' | 'store_busy' | 'store_full' | 'store_newer' | 'store_not_migrated' | 'store_damaged'
  | 'store_refused' | 'not_isolated' | 'not_found' | 'internal'

/** Everything that goes wrong. */
export class ChurnError extends Error {
  constructor(message: string, details?: Partial<Pick<ChurnError, 'code' | 'table' | 'row' | 'column' | 'report'>> & { cause?: unknown })
  /** Stable: match on it. */
  readonly code: ErrorCode
  readonly table: TableName | null
  /** Position of the row at fault. */
  readonly row: number | null
  /** The column, feature or option at fault. */
  readonly column: string | null
  /** The whole report, where records were refused. */
  readonly report: ValidationReport | null
}

export { ChurnClassifier } from './classifier.js'
export type { ClassifierReport, ClassLabel, FitOptions, FlatTable, GroupLabel } from './classifier.js'
export { TreeEnsemble } from './ensemble.js'
export type { Matrix, MatrixShape } from './ensemble.js'
export { Store, TenantStore } from './store.js'
export type {
  ApiKey, ApiKeyStore, Attestation, AuditEntry, AuditStore, Check, CompanyStore, CursorStore, Json, ModelStore, OutcomeStore, RecordStore,
  RiskPlace, Role, RunId, RunSummary, ScoredOutcome, ScoreStore, Stage, StoredModel, StoredOutcome, StoredRow, StoredScore, SyncCursor,
  UpsertOptions, Upserted, User, UserStore,
} from './store.js'
