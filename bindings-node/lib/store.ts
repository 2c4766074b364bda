// The store of many tenants. Calls return promises and do not block the event loop. The store reads no clock, so
// callers pass the time as `at`.
import type { InspectOptions } from 'node:util'
import { toBytes } from './arrow.js'
import type { CustomerRecord } from './columns.js'
import { ChurnError, reportOf, translate } from './errors.js'
import { checkDefinition, forFeatures } from './features.js'
import {
  INSPECT, camelCase, checked, halfOf, hold, id, invalid, keyed, keys, long, native, shown, sliced, text,
} from './glue.js'
import { ChurnModel, modelOf, wrapModel } from './model.js'
import { TABLE_OPTIONS, TenantRecords, recordsOf, wrapRecords } from './records.js'
import type { Reason, RiskBand, TrainReport, ValidationReport } from './reports.js'
import { ScoreRun, runOf } from './run.js'
import type {
  ActivityRow, Arrow, Cancellable, ChurnDefinition, Id, Moment, Moments, NotScored, PaymentRow, Scored, TableName, TableOptions,
  TicketRow, WithAttributes,
} from './types.js'

type NativeTenant = InstanceType<typeof native.NativeTenant>

/** Waits for a native call. If the call fails, the error is converted to a ChurnError. */
async function called<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw translate(error)
  }
}

/** Waits for a native call that returns JSON, and parses the JSON. */
const parsed = async <T>(call: () => Promise<string>): Promise<T> => JSON.parse(await called(call))

/** Waits for a native call that returns JSON, parses the JSON, and converts its keys to camelCase. */
const camel = async <T>(call: () => Promise<string>): Promise<T> => camelCase(await parsed(call))

function json(value: unknown, name: string): string {
  // JSON.stringify would silently write null for NaN and {} for a Map, so these values are refused.
  const written = JSON.stringify(value, (_, inner: unknown) => {
    keyed(inner, name)
    if (typeof inner === 'bigint' || (typeof inner === 'number' && !Number.isFinite(inner))) throw invalid(name, `holds ${inner}, which JSON cannot hold`)
    return inner
  })
  if (written === undefined) throw invalid(name, 'must be a value that JSON can hold')
  return written
}

/** The id of a run: the date of the run and the id of its model. A {@link ScoreRun} can be passed as its own id. */
export interface RunId {
  asOf: Moment
  modelId: string
}

/** The id of a stored run: the date of the run and the id of its model. */
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
   * What happens if rows are invalid. With `'refuse'` (default), the call rejects with the whole report, and nothing is
   * stored. With `'quarantine'`, the invalid rows are left out, and the other rows are stored.
   */
  onInvalid?: 'refuse' | 'quarantine'
}

const UPSERT_OPTIONS = keys<UpsertOptions>({ onInvalid: 1, signal: 1 })

/** The result of an upsert. */
export interface Upserted {
  rowsIn: number
  rowsAccepted: number
  /** Number of rows that are new or that replaced a different stored row. */
  rowsChanged: number
  /** The validation report, which lists the invalid rows that were left out. */
  report: ValidationReport
}

const upserted = (text: string): Upserted => {
  const result: Upserted = JSON.parse(text)
  return { ...result, report: reportOf(result.report) }
}

/**
 * A stored row. The keys of known columns are in snake_case, attributes have their own names, and moments are ISO-8601
 * texts.
 */
export type StoredRow = Record<string, string | number | boolean | null>

/** Options of a call that reads one page. */
export interface PageOptions {
  /** The `next` of the previous page. Leave it out to read the first page. */
  after?: number | null
  /** Maximum number of rows, 1 to 10 000. Default: 1000. */
  limit?: number
}

const PAGE_OPTIONS = keys<PageOptions>({ after: 1, limit: 1 })

/** Arrays with more rows than this number are read in slices, so that the event loop is not blocked. */
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
   * Upserts a batch of rows in one transaction: inserts new rows and replaces stored rows. The rows are objects or
   * Arrow. Objects are read in slices of about 10 ms. Do not change them before the promise settles.
   *
   * Each row has a key. A new row replaces the stored row with the same key, so a later batch can correct stored rows.
   * Repeating an upsert changes nothing. The key of an event with an id is the id and `known_at`. The key of an event
   * without an id consists of all its values. The key of a customer row is `customer_id`, `signed_up_at`, `valid_from`
   * and `known_at`. If `rows` is `[]`, the store records that the table exists and has no rows.
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

  /**
   * Upserts many batches in one transaction, for data that do not fit into memory. If an error occurs, no batch is
   * stored.
   */
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

  /** Returns the number of rows. Each version of a customer or event is a row. */
  async count(): Promise<number> { return called(() => this.#native.count()) }

  /**
   * Returns a page of rows, in the order in which they were first stored. To get the next page, pass `next` as `after`.
   */
  async page(options?: PageOptions): Promise<{ rows: StoredRow[]; next: number | null }> {
    const given = checked(options, PAGE_OPTIONS)
    return parsed(() => this.#native.page(given))
  }

  /** Returns all rows of one customer, including all versions. `scoreCustomer` accepts these rows. */
  async ofCustomer(customerId: Id): Promise<StoredRow[]> {
    return parsed(() => this.#native.ofCustomer(id(customerId, 'customerId')))
  }
}

/** The stored table of a tenant's customers. */
export class CustomerStore extends RecordStore<CustomerRecord> {
  /** Upserts customers like {@link RecordStore.upsert}. The rows may have attributes. */
  override async upsert<C extends CustomerRecord>(rows: readonly (C & WithAttributes<C>)[] | Arrow, options?: UpsertOptions): Promise<Upserted> {
    return super.upsert(rows as readonly C[] | Arrow, options)
  }
}

/**
 * The stage of a stored model. The `'champion'` is the model in use. A tenant has at most one champion. A
 * `'challenger'` is compared with the champion. A `'retired'` model is no longer used.
 */
export type Stage = 'champion' | 'challenger' | 'retired'

/** The metadata of a stored model. */
export interface StoredModel {
  id: string
  stage: Stage
  savedAt: string
  card: { definition: unknown; features: string[]; report: TrainReport; shared: boolean }
}

/** Options of {@link ModelStore.save}. */
export interface SaveModelOptions {
  /** The time at which the model is saved. The caller passes this time, because the store reads no clock. */
  at: Moment
  /** The stage of the model. Default: `'champion'`. */
  stage?: Stage
}

const SAVE_MODEL_OPTIONS = keys<SaveModelOptions>({ at: 1, stage: 1 })

/** The models of a tenant. */
export class ModelStore {
  readonly #native: InstanceType<typeof native.NativeModels>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeModels>) { this.#native = own }

  /**
   * Stores a model. A model that is already stored keeps the time at which it was first stored, and gets the new stage.
   * If the model becomes the champion, the stage of the previous champion changes to `'retired'`.
   */
  async save(model: ChurnModel, options: SaveModelOptions): Promise<void> {
    const given = checked(options, SAVE_MODEL_OPTIONS)
    await called(async () => this.#native.save(modelOf(model), given))
  }

  /** Loads a stored model. Rejects with `not_found` if there is no such model. */
  async load(modelId: string): Promise<ChurnModel> {
    return wrapModel(await called(async () => this.#native.load(text(modelId, 'modelId'))))
  }

  /** Loads the champion, the model in use. The result is null if there is no champion. */
  async champion(): Promise<ChurnModel | null> {
    const model = await called(() => this.#native.champion())
    return model ? wrapModel(model) : null
  }

  /**
   * Changes the stage of a model. If the model becomes the champion, the stage of the previous champion changes to
   * `'retired'`.
   */
  async promote(modelId: string, stage: Stage = 'champion'): Promise<void> {
    await called(async () => this.#native.promote(text(modelId, 'modelId'), text(stage, 'stage')))
  }

  /** Returns the metadata of the stored models. The model that was saved last comes first. */
  async list(): Promise<StoredModel[]> { return camel(() => this.#native.list()) }

  /** Deletes a model. The scores that the model computed are not deleted. */
  async delete(modelId: string): Promise<void> { await called(async () => this.#native.delete(text(modelId, 'modelId'))) }
}

/** A stored score of a customer. The property `status` tells whether the customer has a probability. */
export type StoredScore = (Scored | NotScored) & {
  run: StoredRunId
  /** The stored reasons, largest contribution first. */
  reasons: Reason[]
}

/** A summary of a stored run. */
export interface RunSummary {
  id: StoredRunId
  savedAt: string
  customers: number
  scored: number
  meanProbability: number | null
  /** Number of customers in each risk band (low, medium, high and critical). */
  bands: Record<RiskBand, number>
  /** Number of scored customers whose outcome is known. */
  outcomes: number
  /** Number of customers with a known outcome who churned. */
  churned: number
}

/** The position of the last customer of a page of scores. The next page begins after this customer. */
export interface RiskPlace {
  probability: number
  customerId: string
}

/** Options of {@link ScoreStore.save}. */
export interface SaveRunOptions {
  /** The time at which the run is saved. The caller passes this time, because the store reads no clock. */
  at: Moment
  /**
   * Number of customers whose reasons are stored. These are the customers with the highest probabilities. Default: 100.
   */
  reasons?: number | 'all'
}

const SAVE_RUN_OPTIONS = keys<SaveRunOptions>({ at: 1, reasons: 1 })

/** Options of methods that return at most a given number of results. */
export interface LimitOptions {
  /** Maximum number of results. Default: 100. */
  limit?: number
}

const LIMIT_OPTIONS = keys<LimitOptions>({ limit: 1 })

/** Options of {@link ScoreStore.highRisk}. */
export interface HighRiskOptions {
  /** The run whose scores are read. Default: the latest run. */
  run?: RunId | null
  minProbability?: number
  /** Maximum number of results. Default: 100. */
  limit?: number
  /** The `next` of the previous page. Leave it out to read the first page. */
  after?: RiskPlace | null
}

const HIGH_RISK_OPTIONS = keys<HighRiskOptions>({ run: 1, minProbability: 1, limit: 1, after: 1 })

/** The score runs of a tenant. */
export class ScoreStore {
  readonly #native: InstanceType<typeof native.NativeScores>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeScores>) { this.#native = own }

  /**
   * Stores a run in one transaction. If a run with the same date and model is already stored, the new run replaces it.
   */
  async save(model: ChurnModel, run: ScoreRun, options: SaveRunOptions): Promise<StoredRunId> {
    const given = checked(options, SAVE_RUN_OPTIONS)
    return camel(async () => this.#native.save(modelOf(model), runOf(run), given))
  }

  /** Returns summaries of the latest runs, latest date first. */
  async runs(options?: LimitOptions): Promise<RunSummary[]> {
    const given = checked(options, LIMIT_OPTIONS)
    type Row = Omit<RunSummary, 'bands' | 'outcomes'> & { bands: [number, number, number, number]; outcomes: [number, number] }
    return (await camel<Row[]>(() => this.#native.runs(given))).map((run) => {
      const [low, medium, high, critical] = run.bands
      const [outcomes, churned] = run.outcomes
      return { ...run, bands: { low, medium, high, critical }, outcomes, churned }
    })
  }

  /**
   * Returns a page with the customers of a run in order of decreasing probability. To get the next page, pass `next` as
   * `after`.
   */
  async highRisk(options?: HighRiskOptions): Promise<{ scores: StoredScore[]; next: RiskPlace | null }> {
    const { run, after, ...given } = checked(options, HIGH_RISK_OPTIONS)
    const of = run === undefined || run === null ? undefined : runIdOf(run)
    type Page = { scores: unknown; next: [number, string] | null }
    const { scores, next } = await parsed<Page>(async () => this.#native.highRisk(given, of, after ?? undefined))
    return { scores: camelCase(scores), next: next && { probability: next[0], customerId: next[1] } }
  }

  /** Returns the scores of one customer in all runs, latest date first. */
  async history(customerId: Id, options?: LimitOptions): Promise<StoredScore[]> {
    const given = checked(options, LIMIT_OPTIONS)
    return camel(async () => this.#native.history(id(customerId, 'customerId'), given))
  }

  /** Deletes a run and its scores. */
  async delete(run: RunId): Promise<void> { await called(async () => this.#native.delete(runIdOf(run))) }
}

/** A stored churn probability of a customer, and the outcome: whether the customer churned in the label period. */
export interface ScoredOutcome {
  customerId: string
  probability: number
  churned: boolean
}

/** A stored outcome of a customer: whether they churned in the label period after a date. */
export interface StoredOutcome {
  customerId: string
  asOf: string
  /** Whether the customer churned. The value is null for a customer who has no label at this date. */
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

/** The stored outcomes of a tenant's customers: whether they churned in the label period after a date. */
export class OutcomeStore {
  readonly #native: InstanceType<typeof native.NativeOutcomes>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeOutcomes>) { this.#native = own }

  /**
   * Computes the churn labels at one or several dates, like the function `labels`, and stores them as outcomes. Returns
   * the number of new or changed outcomes.
   */
  async save(records: TenantRecords, options: OutcomeOptions): Promise<number> {
    const given = checked(options, OUTCOME_OPTIONS)
    checkDefinition(given.definition)
    return called(async () => this.#native.save(recordsOf(records), forFeatures(given)))
  }

  /**
   * Returns the probabilities of a run with their outcomes under the model's definition of churn, sorted by customer
   * id.
   */
  async ofRun(run: RunId): Promise<ScoredOutcome[]> { return camel(async () => this.#native.ofRun(runIdOf(run))) }

  /** Returns all stored outcomes of one customer, latest date first. */
  async ofCustomer(customerId: Id): Promise<StoredOutcome[]> {
    return camel(async () => this.#native.ofCustomer(id(customerId, 'customerId')))
  }
}

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The name and the settings of a tenant's company. */
export class CompanyStore {
  readonly #native: InstanceType<typeof native.NativeCompany>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeCompany>) { this.#native = own }

  /**
   * Returns the name of the company and all settings. Before they are set, the name is null and the settings are empty.
   */
  async get(): Promise<{ name: string | null; settings: Record<string, Json> }> { return parsed(() => this.#native.get()) }
  /** Sets the name of the company. */
  async rename(name: string): Promise<void> { await called(async () => this.#native.rename(text(name, 'name'))) }

  /** Stores a setting. The value may be any JSON value. */
  async set(setting: string, value: Json): Promise<void> {
    await called(async () => this.#native.set(text(setting, 'setting'), json(value, 'value')))
  }

  /** Removes a setting. Returns whether the setting existed. */
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

/** The properties of a user who is added or replaced. */
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

  /**
   * Adds a user, or replaces the user with this id. Rejects with `store_refused` if another user has this email address.
   */
  async upsert(user: UserInput): Promise<void> {
    const given = checked(user, USER_KEYS, 'user')
    await called(async () => this.#native.upsert(given))
  }

  /** Returns the user with this id, or null if there is no such user. */
  async get(userId: string): Promise<User | null> { return camel(async () => this.#native.get(text(userId, 'userId'))) }
  /** Returns all users of the tenant. */
  async list(): Promise<User[]> { return camel(() => this.#native.list()) }
  /** Removes a user. Returns whether the user existed. */
  async remove(userId: string): Promise<boolean> { return called(async () => this.#native.remove(text(userId, 'userId'))) }
}

/** A stored API key. The secret of the key is not stored. */
export interface ApiKey {
  keyId: string
  role: Role
  createdAt: string
  revokedAt: string | null
}

/** Options with the time of a change. The caller passes the time, because the store reads no clock. */
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

  /**
   * Adds an API key. `secret` must contain at least 24 random bytes. The store keeps only a hash of the secret. Do not
   * use a password as the secret.
   */
  async create(keyId: string, secret: string, options: CreateKeyOptions): Promise<void> {
    const given = checked(options, { role: 1, at: 1 })
    await called(async () => this.#native.create(text(keyId, 'keyId'), text(secret, 'secret'), given))
  }

  /** Returns the key with this secret, or null if there is no such key or if the key was revoked. */
  async verify(secret: string): Promise<ApiKey | null> { return camel(async () => this.#native.verify(text(secret, 'secret'))) }
  /** Returns all keys of the tenant, including revoked ones. */
  async list(): Promise<ApiKey[]> { return camel(() => this.#native.list()) }

  /** Revokes an API key. */
  async revoke(keyId: string, options: AtOptions): Promise<void> {
    const given = checked(options, AT_OPTIONS)
    await called(async () => this.#native.revoke(text(keyId, 'keyId'), given))
  }
}

/** A sync cursor: a text (`position`) that says how far a data source has been read. */
export interface SyncCursor {
  source: string
  position: string
  movedAt: string
}

/** The sync cursors of a tenant's data sources. A sync cursor says how far a source has been read. */
export class CursorStore {
  readonly #native: InstanceType<typeof native.NativeCursors>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeCursors>) { this.#native = own }

  /** Returns the sync cursor of a source, or null if no cursor was set. */
  async get(source: string): Promise<SyncCursor | null> { return camel(async () => this.#native.get(text(source, 'source'))) }

  /**
   * Sets the sync cursor of a source. `position` is a text that says how far the source has been read. The store does
   * not interpret it.
   */
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

/** An entry to add to the audit log. */
export interface AuditInput {
  at: Moment
  actor: string
  action: string
  subject?: string | null
  details?: Json
}

const AUDIT_KEYS = { at: 1, actor: 1, action: 1, subject: 1, details: 1 } as const

/** The audit log of a tenant. Entries can be added, but not changed. */
export class AuditStore {
  readonly #native: InstanceType<typeof native.NativeAudit>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeAudit>) { this.#native = own }

  /** Adds an entry to the audit log. */
  async append(entry: AuditInput): Promise<void> {
    const { details = null, ...given } = checked(entry, AUDIT_KEYS, 'entry')
    await called(async () => this.#native.append(given, json(details, 'details')))
  }

  /** Returns a page of entries, oldest first. To get the next page, pass `next` as `after`. */
  async page(options?: PageOptions): Promise<{ entries: AuditEntry[]; next: number | null }> {
    const given = checked(options, PAGE_OPTIONS)
    return parsed(() => this.#native.page(given))
  }
}

let wrapTenant: (tenant: NativeTenant) => TenantStore

/**
 * The part of a store that belongs to one tenant: records, models, scores and settings. It cannot read or change the
 * data of other tenants.
 */
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
   * Loads all records of the tenant from one snapshot of the database. The result is identical to `TenantRecords` that
   * are made from the stored rows.
   *
   * Rejects if rows conflict with other rows. For example, a payment belongs to an unknown customer.
   */
  async records(options?: TableOptions & Cancellable): Promise<TenantRecords> {
    const given = checked(options, { ...TABLE_OPTIONS, signal: 1 })
    return wrapRecords(await long(given, (cancel) => halfOf<NativeTenant>(this).records(given, cancel)))
  }

  /**
   * Deletes everything that is stored about one customer: records, scores and outcomes. Models that were trained on the
   * customer's records are not deleted. Returns the number of deleted rows.
   */
  async eraseCustomer(customerId: Id): Promise<number> {
    return called(async () => halfOf<NativeTenant>(this).eraseCustomer(id(customerId, 'customerId')))
  }

  /** The value that `JSON.stringify` writes for this object: the tenant's id. */
  toJSON(): { tenant: string } { return { tenant: this.tenant } }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    return shown('TenantStore', { tenant: this.tenant }, options)
  }
}

/** The result of one check of tenant isolation. */
export interface Check {
  name: string
  /** The name of the table; null if the check concerns the database or the role. */
  table: string | null
  passed: boolean
  detail: string
}

/** The result of {@link Store.attest}, which verifies tenant isolation. */
export interface Attestation {
  passed: boolean
  backend: 'sqlite' | 'postgres'
  /** The database role of the connection. It is empty for SQLite, which has no roles. */
  role: string
  schema: number
  library: string
  checks: Check[]
  /** The SHA-256 of all properties above. */
  fingerprint: string
  /** The report as text, for people to read. */
  text: string
  /** Throws if a check failed. @throws {ChurnError} `not_isolated`. */
  signOff(): void
}

/** Options of {@link Store.open}. */
export interface OpenStoreOptions {
  /** Whether to create or update the tables. Default: true. */
  migrate?: boolean
}

const OPEN_OPTIONS = keys<OpenStoreOptions>({ migrate: 1 })

type NativeStore = InstanceType<typeof native.NativeStore>

/** A database with the data of many tenants. The data of a tenant can only be accessed through {@link Store.tenant}. */
export class Store {
  private constructor(store: NativeStore) {
    if (!native.NativeStore || !(store instanceof native.NativeStore)) throw new ChurnError('use Store.open', { code: 'invalid_option' })
    hold(this, store)
  }

  /**
   * Opens a store, and creates or updates its tables unless `migrate` is false.
   *
   * `sqlite:///var/churn.db` is an absolute path, and `sqlite:churn.db` is a path relative to the working directory.
   * The file is created if it does not exist. `sqlite::memory:` is a database in memory, which is deleted when the
   * store is closed. `postgres://user:password@host/database` isolates tenants by row-level security. For this, one
   * role must own the tables and migrate them, and the application must connect with another role
   * (see {@link grantTo}).
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

  /** The kind of database: `'sqlite'` or `'postgres'`. */
  get backend(): 'sqlite' | 'postgres' { return halfOf<NativeStore>(this).backend as 'sqlite' | 'postgres' }

  /** Creates or updates the tables of the store. Does nothing if they are up to date. */
  async migrate(): Promise<void> { await called(() => halfOf<NativeStore>(this).migrate()) }

  /** Returns the version of the store's tables in the database. The version is 0 before the first {@link migrate}. */
  async version(): Promise<number> { return called(() => halfOf<NativeStore>(this).version()) }

  /** Grants a Postgres role the privileges that the application needs, and no others. Call this as the owner of the tables. */
  async grantTo(role: string): Promise<void> { await called(async () => halfOf<NativeStore>(this).grantTo(text(role, 'role'))) }

  /**
   * Verifies that no tenant can read or change the data of another tenant in this database. The check attempts such
   * reads and writes, and checks policies, roles and privileges. All changes are rolled back.
   */
  async attest(): Promise<Attestation> {
    type Report = { passed: boolean; text: string; report: Omit<Attestation, 'passed' | 'text' | 'signOff'> }
    const { passed, text: words, report } = await parsed<Report>(() => halfOf<NativeStore>(this).attest())
    const signOff = () => {
      if (!passed) throw new ChurnError(words, { code: 'not_isolated' })
    }
    return Object.defineProperty({ passed, ...report, text: words }, 'signOff', { value: signOff }) as Attestation
  }

  /** Closes all connections. Later calls reject with `store_unavailable`. */
  async close(): Promise<void> { await called(() => halfOf<NativeStore>(this).close()) }

  /** Gives access to the data of one tenant. */
  tenant(tenant: Id): TenantStore {
    return wrapTenant(halfOf<NativeStore>(this).tenant(id(tenant, 'tenant')))
  }

  async [Symbol.asyncDispose](): Promise<void> { await this.close() }

  /** The value that `JSON.stringify` writes for this object: the kind of database. */
  toJSON(): { backend: 'sqlite' | 'postgres' } { return { backend: this.backend } }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    return shown('Store', { backend: this.backend }, options)
  }
}
