// The store of many tenants. Every call returns a promise and runs off the event loop. The store reads no clock: callers pass `at`.
import type { InspectOptions } from 'node:util'
import { toBytes } from './arrow.js'
import type { CustomerRecord } from './columns.js'
import { ChurnError, reportOf, translate } from './errors.js'
import { checkDefinition, forFeatures } from './features.js'
import {
  INSPECT, camelCase, checked, halfOf, hold, id, invalid, keys, long, native, shown, sliced, text,
} from './glue.js'
import { ChurnModel, modelOf, wrapModel } from './model.js'
import { RECORD_OPTIONS, TenantRecords, recordsOf, wrapRecords } from './records.js'
import type { Reason, RiskBand, TrainReport, ValidationReport } from './reports.js'
import { ScoreRun, runOf } from './run.js'
import type {
  ActivityRow, Arrow, Cancellable, ChurnDefinition, Id, Moment, Moments, NotScored, PaymentRow, RecordOptions, Scored, TableName,
  TicketRow, WithAttributes,
} from './types.js'

type NativeTenant = InstanceType<typeof native.NativeTenant>

/** Waits for a native call and converts its error to a ChurnError. */
async function called<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw translate(error)
  }
}

/** Like `called`, for a call that returns JSON. */
const parsed = async <T>(call: () => Promise<string>): Promise<T> => JSON.parse(await called(call))

/** Like `parsed`, and converts the keys of the JSON to camelCase. */
const camel = async <T>(call: () => Promise<string>): Promise<T> => camelCase(await parsed(call))

function json(value: unknown, name: string): string {
  const written = JSON.stringify(value)
  if (written === undefined) throw invalid(name, 'must be a value that JSON can hold')
  return written
}

/** Identifies a run by its date and model. You can also pass a {@link ScoreRun}. */
export interface RunId {
  asOf: Moment
  modelId: string
}

/** Identifies a stored run. */
export interface StoredRunId {
  asOf: string
  modelId: string
}

function runIdOf(run: RunId): RunId {
  if (run === null || typeof run !== 'object') throw invalid('run', "must be a ScoreRun, or a run's asOf and modelId")
  return { asOf: run.asOf, modelId: run.modelId }
}

/** Options of an upsert. */
export interface UpsertOptions extends Cancellable {
  /**
   * If rows are invalid, `'refuse'` (default) stores nothing and throws an error with the whole report; `'quarantine'` leaves these
   * rows out.
   */
  onInvalid?: 'refuse' | 'quarantine'
}

const UPSERT_OPTIONS = keys<UpsertOptions>({ onInvalid: 1, signal: 1 })

/** The result of an upsert. */
export interface Upserted {
  rowsIn: number
  rowsAccepted: number
  /** Number of rows that are new or differ from the stored row. */
  rowsChanged: number
  /** The report on the rows that were left out. */
  report: ValidationReport
}

const upserted = (text: string): Upserted => {
  const result: Upserted = JSON.parse(text)
  return { ...result, report: reportOf(result.report) }
}

/** A stored row: known columns in snake_case, attributes under their own names, moments as ISO-8601 text. */
export type StoredRow = Record<string, string | number | boolean | null>

/** Options of paged reads. */
export interface PageOptions {
  /** The `next` of the previous page. */
  after?: number | null
  /** Maximum number of rows, 1 to 10 000. Default: 1000. */
  limit?: number
}

const PAGE_OPTIONS = keys<PageOptions>({ after: 1, limit: 1 })

/** Arrays with more rows than this are read in slices. */
const AT_ONCE = 512

/** One table of a tenant's records. */
export class RecordStore<R extends object> {
  readonly name: TableName
  readonly #native: InstanceType<typeof native.NativeRecords>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeRecords>, name: TableName) {
    this.#native = own
    this.name = name
  }

  /**
   * Upserts a batch of objects or Arrow in one transaction. Objects are read in slices of about 10 ms. Do not change them before the
   * promise settles.
   *
   * Upserts are idempotent: a stored row is replaced only if it differs. So repeating a batch changes nothing, and a later batch can
   * correct rows. Events with an id are identified by the id and `known_at`, events without an id by all their values, and customer
   * rows by `customer_id`, `signed_up_at`, `valid_from` and `known_at`. `[]` records that the table has no rows.
   */
  async upsert<Row extends R>(rows: readonly Row[] | Arrow, options?: UpsertOptions): Promise<Upserted> {
    const given = checked(options, UPSERT_OPTIONS)
    return long(given, async (cancel) => {
      if (!Array.isArray(rows) || rows.length <= AT_ONCE) {
        return upserted(await this.#native.upsert({ [this.name]: toBytes(rows, this.name) }, given, cancel))
      }
      const slices = new native.Slices()
      await sliced(rows, given.signal, (slice) => slices.push(this.name, slice as unknown[]))
      return upserted(await this.#native.upsertSlices(slices, given, cancel))
    })
  }

  /** Upserts many batches in one transaction, for data that does not fit into memory. Either all batches are stored or none. */
  async upsertBatches<Row extends R>(
    batches: AsyncIterable<readonly Row[] | Arrow> | Iterable<readonly Row[] | Arrow>,
    options?: UpsertOptions,
  ): Promise<Upserted> {
    const given = checked(options, UPSERT_OPTIONS)
    const iterable = batches as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined
    if (typeof (iterable?.[Symbol.asyncIterator] ?? iterable?.[Symbol.iterator]) !== 'function') throw invalid('batches', 'must be iterable')
    return long(given, async (cancel) => {
      const batch = await this.#native.import(given, cancel)
      try {
        for await (const rows of batches) {
          if (given.signal?.aborted) throw new ChurnError('the call was cancelled', { code: 'cancelled' })
          await batch.write({ [this.name]: toBytes(rows, this.name) }, cancel)
        }
        return upserted(await batch.commit())
      } finally {
        await batch.giveUp()
      }
    })
  }

  /** Number of rows, including all versions. */
  async count(): Promise<number> { return called(() => this.#native.count()) }

  /** A page of rows, in the order in which they were stored. Pass `next` as `after` for the next page. */
  async page(options?: PageOptions): Promise<{ rows: StoredRow[]; next: number | null }> {
    const given = checked(options, PAGE_OPTIONS)
    return parsed(() => this.#native.page(given))
  }

  /** All rows of one customer, including all versions. `scoreCustomer` accepts them. */
  async ofCustomer(customerId: Id): Promise<StoredRow[]> {
    return parsed(() => this.#native.ofCustomer(id(customerId, 'customerId')))
  }
}

/** The customers of a tenant. */
export class CustomerStore extends RecordStore<CustomerRecord> {
  /** Like {@link RecordStore.upsert}, with attributes. */
  override async upsert<C extends CustomerRecord>(rows: readonly (C & WithAttributes<C>)[] | Arrow, options?: UpsertOptions): Promise<Upserted> {
    return super.upsert(rows as readonly C[] | Arrow, options)
  }
}

/**
 * `'champion'` is the model in use (at most one per tenant), a `'challenger'` is compared with it, and a `'retired'` model is no
 * longer used.
 */
export type Stage = 'champion' | 'challenger' | 'retired'

/** A stored model without its trees. */
export interface StoredModel {
  id: string
  stage: Stage
  savedAt: string
  card: { definition: unknown; features: string[]; report: TrainReport; shared: boolean }
}

/** Options of {@link ModelStore.save}. */
export interface SaveModelOptions {
  /** The time at which the model is saved, because the store reads no clock. */
  at: Moment
  /** Default: `'champion'`. */
  stage?: Stage
}

const SAVE_MODEL_OPTIONS = keys<SaveModelOptions>({ at: 1, stage: 1 })

/** The models of a tenant. */
export class ModelStore {
  readonly #native: InstanceType<typeof native.NativeModels>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeModels>) { this.#native = own }

  /** Stores a model. A model that is already stored keeps the time of its first save and gets the new stage. */
  async save(model: ChurnModel, options: SaveModelOptions): Promise<void> {
    const given = checked(options, SAVE_MODEL_OPTIONS)
    await called(async () => this.#native.save(modelOf(model), given))
  }

  /** Loads a stored model. Rejects with `not_found` if there is no such model. */
  async load(modelId: string): Promise<ChurnModel> {
    return wrapModel(await called(async () => this.#native.load(text(modelId, 'modelId'))))
  }

  /** The model in use; null if there is none. */
  async champion(): Promise<ChurnModel | null> {
    const model = await called(() => this.#native.champion())
    return model ? wrapModel(model) : null
  }

  /** Changes the stage of a model. Default: `'champion'`, which retires the previous champion. */
  async promote(modelId: string, stage: Stage = 'champion'): Promise<void> {
    await called(async () => this.#native.promote(text(modelId, 'modelId'), text(stage, 'stage')))
  }

  /** The stored models, last saved first. */
  async list(): Promise<StoredModel[]> { return camel(() => this.#native.list()) }

  /** Deletes a model. Its scores stay. */
  async delete(modelId: string): Promise<void> { await called(async () => this.#native.delete(text(modelId, 'modelId'))) }
}

/** A stored score: `status` tells whether the customer has a probability. */
export type StoredScore = (Scored | NotScored) & {
  run: StoredRunId
  /** The value of the customer, if the run was saved with values. */
  value: number | null
  /** The probability times the value. */
  valueAtRisk: number | null
  /** The stored reasons, largest contribution first. */
  reasons: Reason[]
}

/** A stored run without its scores. */
export interface RunSummary {
  id: StoredRunId
  savedAt: string
  /** Histories, and queries that name no run, use served runs. A trial run must be named. */
  purpose: 'served' | 'trial'
  customers: number
  scored: number
  meanProbability: number | null
  /** Number of customers in each risk band. */
  bands: Record<RiskBand, number>
  /** Number of scored customers whose outcome is known. */
  outcomes: number
  /** Number of these customers who churned. */
  churned: number
}

/** The position after which the next page begins. */
export interface RiskPlace {
  probability: number
  customerId: string
}

/** Options of {@link ScoreStore.save}. */
export interface SaveRunOptions {
  /** The time at which the run is saved, because the store reads no clock. */
  at: Moment
  /** Reasons are stored for this many customers, those with the highest risk. Default: 100. */
  reasons?: number | 'all'
}

const SAVE_RUN_OPTIONS = keys<SaveRunOptions>({ at: 1, reasons: 1 })

/** The maximum number of results. */
export interface LimitOptions {
  /** Maximum number of results. Default: 100. */
  limit?: number
}

const LIMIT_OPTIONS = keys<LimitOptions>({ limit: 1 })

/** Options of {@link ScoreStore.highRisk}. */
export interface HighRiskOptions {
  /** Default: the latest run. */
  run?: RunId | null
  minProbability?: number
  /** Maximum number of results. Default: 100. */
  limit?: number
  /** The `next` of the previous page. */
  after?: RiskPlace | null
}

const HIGH_RISK_OPTIONS = keys<HighRiskOptions>({ run: 1, minProbability: 1, limit: 1, after: 1 })

/** The score runs of a tenant. */
export class ScoreStore {
  readonly #native: InstanceType<typeof native.NativeScores>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeScores>) { this.#native = own }

  /** Stores a run in one transaction. A run with the same date and model is replaced. */
  async save(model: ChurnModel, run: ScoreRun, options: SaveRunOptions): Promise<StoredRunId> {
    const given = checked(options, SAVE_RUN_OPTIONS)
    return camel(async () => this.#native.save(modelOf(model), runOf(run), given))
  }

  /** The latest runs, last date first. */
  async runs(options?: LimitOptions): Promise<RunSummary[]> {
    const given = checked(options, LIMIT_OPTIONS)
    type Row = Omit<RunSummary, 'bands' | 'outcomes'> & { bands: [number, number, number, number]; outcomes: [number, number] }
    return (await camel<Row[]>(() => this.#native.runs(given))).map((run) => {
      const [low, medium, high, critical] = run.bands
      const [outcomes, churned] = run.outcomes
      return { ...run, bands: { low, medium, high, critical }, outcomes, churned }
    })
  }

  /** The customers with the highest probabilities. */
  async highRisk(options?: HighRiskOptions): Promise<{ scores: StoredScore[]; next: RiskPlace | null }> {
    const { run, after, ...given } = checked(options, HIGH_RISK_OPTIONS)
    const of = run === undefined || run === null ? undefined : runIdOf(run)
    type Page = { scores: unknown; next: [number, string] | null }
    const { scores, next } = await parsed<Page>(async () => this.#native.highRisk(given, of, after ?? undefined))
    return { scores: camelCase(scores), next: next && { probability: next[0], customerId: next[1] } }
  }

  /** A customer's scores, last date first. */
  async history(customerId: Id, options?: LimitOptions): Promise<StoredScore[]> {
    const given = checked(options, LIMIT_OPTIONS)
    return camel(async () => this.#native.history(id(customerId, 'customerId'), given))
  }

  /** Deletes a run. */
  async delete(run: RunId): Promise<void> { await called(async () => this.#native.delete(runIdOf(run))) }
}

/** A score and its outcome. */
export interface ScoredOutcome {
  customerId: string
  probability: number
  churned: boolean
}

/** A stored outcome of a customer. */
export interface StoredOutcome {
  customerId: string
  asOf: string
  /** null for a customer who was excluded and so has no outcome. */
  churned: boolean | null
  rule: string
  eventAt: string | null
}

/** Options of {@link OutcomeStore.save}. */
export interface OutcomeOptions {
  asOf: Moments
  /** The definition of churn. Default: cancellation within 90 days. */
  definition?: ChurnDefinition
}

const OUTCOME_OPTIONS = keys<OutcomeOptions>({ asOf: 1, definition: 1 })

/** The observed outcomes of a tenant's customers. */
export class OutcomeStore {
  readonly #native: InstanceType<typeof native.NativeOutcomes>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeOutcomes>) { this.#native = own }

  /** Computes the labels at some dates, as the function `labels` does, and stores them. Returns the number of new or changed outcomes. */
  async save(records: TenantRecords, options: OutcomeOptions): Promise<number> {
    const given = checked(options, OUTCOME_OPTIONS)
    checkDefinition(given.definition)
    return called(async () => this.#native.save(recordsOf(records), forFeatures(given)))
  }

  /** The scores of a run with their outcomes under the model's churn definition, sorted by customer id. */
  async ofRun(run: RunId): Promise<ScoredOutcome[]> { return camel(async () => this.#native.ofRun(runIdOf(run))) }

  /** The outcomes of one customer, last date first. */
  async ofCustomer(customerId: Id): Promise<StoredOutcome[]> {
    return camel(async () => this.#native.ofCustomer(id(customerId, 'customerId')))
  }
}

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The name and the settings of a tenant. */
export class CompanyStore {
  readonly #native: InstanceType<typeof native.NativeCompany>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeCompany>) { this.#native = own }

  /** The name and all settings. */
  async get(): Promise<{ name: string | null; settings: Record<string, Json> }> { return parsed(() => this.#native.get()) }
  /** Sets the name. */
  async rename(name: string): Promise<void> { await called(async () => this.#native.rename(text(name, 'name'))) }

  /** Sets a setting to a JSON value. */
  async set(setting: string, value: Json): Promise<void> {
    await called(async () => this.#native.set(text(setting, 'setting'), json(value, 'value')))
  }

  /** Removes a setting. Returns whether it existed. */
  async unset(setting: string): Promise<boolean> { return called(async () => this.#native.unset(text(setting, 'setting'))) }
}

/** The role of a user or an API key. The application decides what each role may do. */
export type Role = 'viewer' | 'analyst' | 'admin' | 'owner'

/** A stored user. */
export interface User {
  userId: string
  email: string
  name: string | null
  role: Role
}

/** A user to store. */
export interface UserInput {
  userId: string
  email: string
  name?: string | null
  role: Role
}

const USER_KEYS = { userId: 1, email: 1, name: 1, role: 1 } as const

/** The users of a tenant. */
export class UserStore {
  readonly #native: InstanceType<typeof native.NativeUsers>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeUsers>) { this.#native = own }

  /** Adds or replaces a user. Rejects with `store_refused` if another user has the email address. */
  async upsert(user: UserInput): Promise<void> {
    const given = checked(user, USER_KEYS, 'user')
    await called(async () => this.#native.upsert(given))
  }

  /** The user with this id; null if there is none. */
  async get(userId: string): Promise<User | null> { return camel(async () => this.#native.get(text(userId, 'userId'))) }
  /** All users of the tenant. */
  async list(): Promise<User[]> { return camel(() => this.#native.list()) }
  /** Removes a user. Returns whether the user existed. */
  async remove(userId: string): Promise<boolean> { return called(async () => this.#native.remove(text(userId, 'userId'))) }
}

/** An API key without its secret. */
export interface ApiKey {
  keyId: string
  role: Role
  label: string | null
  /** null means everything that the role may do. */
  scopes: string[] | null
  createdAt: string
  expiresAt: string | null
  usedAt: string | null
  revokedAt: string | null
}

/** The time of a change, because the store reads no clock. */
export interface AtOptions {
  at: Moment
}

const AT_OPTIONS = { at: 1 } as const

/** Options of {@link ApiKeyStore.create}. */
export interface CreateKeyOptions extends AtOptions {
  role: Role
}

/** The API keys of a tenant. */
export class ApiKeyStore {
  readonly #native: InstanceType<typeof native.NativeApiKeys>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeApiKeys>) { this.#native = own }

  /** Stores a hash of a secret that you generate from at least 24 random bytes. */
  async create(keyId: string, secret: string, options: CreateKeyOptions): Promise<void> {
    const given = checked(options, { role: 1, at: 1 })
    await called(async () => this.#native.create(text(keyId, 'keyId'), text(secret, 'secret'), given))
  }

  /** The key with this secret; null if there is none or it has been revoked. */
  async verify(secret: string): Promise<ApiKey | null> { return camel(async () => this.#native.verify(text(secret, 'secret'))) }
  /** All keys of the tenant, including revoked ones. */
  async list(): Promise<ApiKey[]> { return camel(() => this.#native.list()) }

  /** Revokes a key. */
  async revoke(keyId: string, options: AtOptions): Promise<void> {
    const given = checked(options, AT_OPTIONS)
    await called(async () => this.#native.revoke(text(keyId, 'keyId'), given))
  }
}

/** The position up to which a source has been read. */
export interface SyncCursor {
  source: string
  position: string
  movedAt: string
}

/** The sync cursors of a tenant. */
export class CursorStore {
  readonly #native: InstanceType<typeof native.NativeCursors>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeCursors>) { this.#native = own }

  /** The cursor of a source; null if there is none. */
  async get(source: string): Promise<SyncCursor | null> { return camel(async () => this.#native.get(text(source, 'source'))) }

  /** Moves the cursor of a source. */
  async set(source: string, position: string, options: AtOptions): Promise<void> {
    const given = checked(options, AT_OPTIONS)
    await called(async () => this.#native.set(text(source, 'source'), text(position, 'position'), given))
  }
}

/** A stored entry of the audit log. */
export interface AuditEntry {
  at: string
  actor: string
  action: string
  subject: string | null
  details: Json
}

/** An entry for the audit log. */
export interface AuditInput {
  at: Moment
  actor: string
  action: string
  subject?: string | null
  details?: Json
}

const AUDIT_KEYS = { at: 1, actor: 1, action: 1, subject: 1, details: 1 } as const

/** The audit log of a tenant. Entries are added, never changed. */
export class AuditStore {
  readonly #native: InstanceType<typeof native.NativeAudit>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeAudit>) { this.#native = own }

  /** Appends an entry. */
  async append(entry: AuditInput): Promise<void> {
    const { details = null, ...given } = checked(entry, AUDIT_KEYS, 'entry')
    await called(async () => this.#native.append(given, json(details, 'details')))
  }

  /** A page of entries, oldest first. Pass `next` as `after` for the next page. */
  async page(options?: PageOptions): Promise<{ entries: AuditEntry[]; next: number | null }> {
    const given = checked(options, PAGE_OPTIONS)
    return parsed(() => this.#native.page(given))
  }
}

let wrapTenant: (tenant: NativeTenant) => TenantStore

/** One tenant's records, models, scores and settings. It reads and writes no other tenant's data. */
export class TenantStore {
  readonly customers: CustomerStore
  readonly payments: RecordStore<PaymentRow>
  readonly tickets: RecordStore<TicketRow>
  readonly activities: RecordStore<ActivityRow>
  readonly models: ModelStore
  readonly scores: ScoreStore
  readonly outcomes: OutcomeStore
  readonly company: CompanyStore
  readonly users: UserStore
  readonly apiKeys: ApiKeyStore
  readonly cursors: CursorStore
  readonly audit: AuditStore

  private constructor(tenant: NativeTenant) {
    if (!native.NativeTenant || !(tenant instanceof native.NativeTenant)) throw new ChurnError('use store.tenant(id)', { code: 'invalid_option' })
    hold(this, tenant)
    this.customers = new CustomerStore(tenant.table('customers'), 'customers')
    this.payments = new RecordStore(tenant.table('payments'), 'payments')
    this.tickets = new RecordStore(tenant.table('tickets'), 'tickets')
    this.activities = new RecordStore(tenant.table('activities'), 'activities')
    this.models = new ModelStore(tenant.models())
    this.scores = new ScoreStore(tenant.scores())
    this.outcomes = new OutcomeStore(tenant.outcomes())
    this.company = new CompanyStore(tenant.company())
    this.users = new UserStore(tenant.users())
    this.apiKeys = new ApiKeyStore(tenant.apiKeys())
    this.cursors = new CursorStore(tenant.cursors())
    this.audit = new AuditStore(tenant.audit())
  }

  static {
    wrapTenant = (tenant) => new TenantStore(tenant)
  }

  /** The tenant's id. */
  get tenant(): string { return halfOf<NativeTenant>(this).tenant }

  /**
   * Loads all records of the tenant in one consistent read. They are bit-identical to records made from the same rows.
   *
   * Rejects if rows contradict each other, for example if there are payments of unknown customers.
   */
  async records(options?: RecordOptions & Cancellable): Promise<TenantRecords> {
    const given = checked(options, { ...RECORD_OPTIONS, signal: 1 })
    return wrapRecords(await long(given, (cancel) => halfOf<NativeTenant>(this).records(given, cancel)))
  }

  /**
   * Deletes everything stored about one customer, except models that were trained on the customer's records. Returns the number of
   * deleted rows.
   */
  async eraseCustomer(customerId: Id): Promise<number> {
    return called(async () => halfOf<NativeTenant>(this).eraseCustomer(id(customerId, 'customerId')))
  }

  /** What `JSON.stringify` writes: the tenant's id. */
  toJSON(): { tenant: string } { return { tenant: this.tenant } }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    return shown('TenantStore', { tenant: this.tenant }, options)
  }
}

/** The result of one check of the isolation. */
export interface Check {
  name: string
  /** The table; null if the check concerns the database or the role. */
  table: string | null
  passed: boolean
  detail: string
}

/** The result of {@link Store.attest}. */
export interface Attestation {
  passed: boolean
  backend: 'sqlite' | 'postgres'
  /** The database role in use; empty for SQLite, which has none. */
  role: string
  schema: number
  library: string
  checks: Check[]
  /** What the attestation does not examine. */
  not_examined: string[]
  /** SHA-256 of all properties above. */
  fingerprint: string
  /** The report in words. */
  text: string
  /** @throws {ChurnError} `not_isolated` unless every check passed. */
  signOff(): void
}

/** Options of {@link Store.open}. */
export interface OpenStoreOptions {
  /** Whether to create or update the tables. Default: true. */
  migrate?: boolean
}

const OPEN_OPTIONS = keys<OpenStoreOptions>({ migrate: 1 })

type NativeStore = InstanceType<typeof native.NativeStore>

/** A database of many tenants. Their data can only be accessed through {@link Store.tenant}. */
export class Store {
  private constructor(store: NativeStore) {
    if (!native.NativeStore || !(store instanceof native.NativeStore)) throw new ChurnError('use Store.open', { code: 'invalid_option' })
    hold(this, store)
  }

  /**
   * Opens a store, and creates or updates its tables unless `migrate` is false.
   *
   * `sqlite:///var/churn.db` is an absolute path, and `sqlite:churn.db` a path relative to the working directory. The file is created
   * if it does not exist. `sqlite::memory:` lives as long as the store object. `postgres://user:password@host/database` isolates
   * tenants by row-level security: let the role that owns the tables migrate, and use another role in the application ({@link
   * grantTo}).
   *
   * Rejects with `store_unavailable` if the database cannot be reached, and with `store_newer` if a newer version of this module has
   * migrated it.
   */
  static async open(url: string, options?: OpenStoreOptions): Promise<Store> {
    const { migrate = true } = checked(options, OPEN_OPTIONS)
    if (!native.openStore) throw new ChurnError('this module was built without the store', { code: 'store_unavailable' })
    if (typeof migrate !== 'boolean') throw invalid('migrate', 'must be true or false')
    return new Store(await called(async () => native.openStore(text(url, 'url'), migrate)))
  }

  /** The kind of database. */
  get backend(): 'sqlite' | 'postgres' { return halfOf<NativeStore>(this).backend as 'sqlite' | 'postgres' }

  /** Creates or updates the tables. */
  async migrate(): Promise<void> { await called(() => halfOf<NativeStore>(this).migrate()) }

  /** The version of the tables; 0 before the first {@link migrate}. */
  async version(): Promise<number> { return called(() => halfOf<NativeStore>(this).version()) }

  /** Grants a Postgres role the privileges that the application needs, and no others. Call this as the owner of the tables. */
  async grantTo(role: string): Promise<void> { await called(async () => halfOf<NativeStore>(this).grantTo(text(role, 'role'))) }

  /** Verifies that tenants are isolated from each other. All changes are rolled back. */
  async attest(): Promise<Attestation> {
    type Report = { passed: boolean; text: string; report: Omit<Attestation, 'passed' | 'text' | 'signOff'> }
    const { passed, text: words, report } = await parsed<Report>(() => halfOf<NativeStore>(this).attest())
    const signOff = () => {
      if (!passed) throw new ChurnError(words, { code: 'not_isolated' })
    }
    return Object.defineProperty({ passed, ...report, text: words }, 'signOff', { value: signOff }) as Attestation
  }

  /** Closes all connections; later calls reject with `store_unavailable`. */
  async close(): Promise<void> { await called(() => halfOf<NativeStore>(this).close()) }

  /** The data of one tenant. */
  tenant(tenant: Id): TenantStore {
    return wrapTenant(halfOf<NativeStore>(this).tenant(id(tenant, 'tenant')))
  }

  async [Symbol.asyncDispose](): Promise<void> { await this.close() }

  /** What `JSON.stringify` writes: the kind of database. */
  toJSON(): { backend: 'sqlite' | 'postgres' } { return { backend: this.backend } }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    return shown('Store', { backend: this.backend }, options)
  }
}
