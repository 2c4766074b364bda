// The store: a database with the records, models and scores of many tenants. Calls return promises and do not block the
// event loop. The store reads no clock, so callers pass the current time as `at`.
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

/** Waits for a native call. If the call fails, its error is converted to a ChurnError. */
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
  // JSON.stringify would write null for NaN, and {} for a Map, without an error.
  const written = JSON.stringify(value, (_, inner: unknown) => {
    keyed(inner, name)
    if (typeof inner === 'bigint' || (typeof inner === 'number' && !Number.isFinite(inner))) throw invalid(name, `holds ${inner}, which JSON cannot hold`)
    return inner
  })
  if (written === undefined) throw invalid(name, 'must be a value that JSON can hold')
  return written
}

/**
 * Identifies a score run by its date and its model. A {@link ScoreRun} has both properties and can be passed instead.
 */
export interface RunId {
  asOf: Moment
  modelId: string
}

/** Identifies a stored score run by its date and its model. */
export interface StoredRunId {
  asOf: string
  modelId: string
}

function runIdOf(run: RunId): RunId {
  if (run === null || typeof run !== 'object') throw invalid('run', "must be a ScoreRun, or a run's asOf and modelId")
  return { asOf: run.asOf, modelId: run.modelId }
}

/** Options of an upsert, which adds rows and replaces stored rows that have the same key. */
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
  /** Number of rows that are new, or that replaced a stored row with other values. */
  rowsChanged: number
  /** The validation report, which lists the rows that were left out. */
  report: ValidationReport
}

const upserted = (text: string): Upserted => {
  const result: Upserted = JSON.parse(text)
  return { ...result, report: reportOf(result.report) }
}

/**
 * A stored row. The keys of known columns are in snake_case, attributes have their own names, and timestamps are
 * ISO-8601 texts.
 */
export type StoredRow = Record<string, string | number | boolean | null>

/** Options of a call that reads one page. */
export interface PageOptions {
  /** The value of `next` of the previous page. Without this option, the first page is read. */
  after?: number | null
  /** Maximum number of rows, 1 to 10 000. Default: 1000. */
  limit?: number
}

const PAGE_OPTIONS = keys<PageOptions>({ after: 1, limit: 1 })

/** Options of {@link RecordStore.find}. */
export interface FindOptions {
  /** Selects customers whose id begins with this text. */
  prefix?: string
  /** Selects customers whose text attributes have these values. */
  attributes?: Record<string, string>
  /**
   * If true, selects customers whose current version (dated row) has a `churned_at`. If false, selects customers whose
   * current version has no `churned_at`.
   */
  churned?: boolean | null
  /** The value of `next` of the previous page. Without this option, the first page is read. */
  after?: string | null
  /** Maximum number of customers, 1 to 10 000. Default: 100. */
  limit?: number
}

const FIND_OPTIONS = keys<FindOptions>({ prefix: 1, attributes: 1, churned: 1, after: 1, limit: 1 })

/** Arrays with more rows than this number are read in slices, so that the event loop is not blocked. */
const AT_ONCE = 512

/** One table of a tenant's records, such as payments. */
export class RecordStore<R extends object> {
  readonly name: TableName
  readonly #native: InstanceType<typeof native.NativeRecords>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeRecords>, name: TableName) {
    this.#native = own
    this.name = name
  }

  /**
   * Upserts a batch of rows in one transaction. The rows are objects or Arrow. Objects are read in steps of about 10
   * ms, so do not change the objects before the promise settles.
   *
   * Each row has a key. A new row replaces the stored row with the same key, so a later batch can correct a stored row.
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

  /** Validates a batch as `upsert` would, without storing anything. `report` lists every invalid row. */
  async check(rows: readonly R[] | Arrow, options?: Cancellable): Promise<Upserted> {
    const given = checked(options, { signal: 1 })
    return long(given, async (cancel) => upserted(await this.#native.check({ [this.name]: toBytes(rows, this.name) }, cancel)))
  }

  /**
   * Returns the customers who match the options, sorted by id. Each customer is returned as their current version
   * (dated row). The method reads the customers table, even if this object is another table, such as payments.
   */
  async find(options?: FindOptions): Promise<{ customers: StoredRow[]; next: string | null }> {
    const { attributes = {}, ...given } = checked(options, FIND_OPTIONS)
    const pairs = Object.entries(attributes ?? {}).map(([name, value]) => [name, text(value, 'attributes')])
    return parsed(() => this.#native.find(given, pairs))
  }

  /** Returns the number of customers of the tenant. A customer with several versions (dated rows) is counted once. */
  async countCustomers(): Promise<number> { return called(() => this.#native.countCustomers()) }

  /** Returns the number of rows. A customer or event with several versions has one row for each version. */
  async count(): Promise<number> { return called(() => this.#native.count()) }

  /**
   * Returns a page of rows, in the order in which the rows were first stored. To get the next page, pass `next` as
   * `after`.
   */
  async page(options?: PageOptions): Promise<{ rows: StoredRow[]; next: number | null }> {
    const given = checked(options, PAGE_OPTIONS)
    return parsed(() => this.#native.page(given))
  }

  /** Returns all rows of one customer in this table. {@link ChurnModel.scoreCustomer} accepts these rows. */
  async ofCustomer(customerId: Id): Promise<StoredRow[]> {
    return parsed(() => this.#native.ofCustomer(id(customerId, 'customerId')))
  }
}

/** The customers of a tenant. */
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
  /** The time at which the model is saved. The caller passes it, because the store reads no clock. */
  at: Moment
  /** The stage of the model. Default: `'champion'` (the model in use). */
  stage?: Stage
}

const SAVE_MODEL_OPTIONS = keys<SaveModelOptions>({ at: 1, stage: 1 })

/** The stored models of a tenant. */
export class ModelStore {
  readonly #native: InstanceType<typeof native.NativeModels>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeModels>) { this.#native = own }

  /**
   * Stores a model. A model that is already stored keeps the time at which it was first stored, and gets the new stage.
   * A new champion changes the stage of the previous champion to `'retired'`.
   */
  async save(model: ChurnModel, options: SaveModelOptions): Promise<void> {
    const given = checked(options, SAVE_MODEL_OPTIONS)
    await called(async () => this.#native.save(modelOf(model), given))
  }

  /** Loads a stored model. Rejects with `not_found` if there is no such model. */
  async load(modelId: string): Promise<ChurnModel> {
    return wrapModel(await called(async () => this.#native.load(text(modelId, 'modelId'))))
  }

  /** Loads the champion (the model in use). Returns null if the tenant has no champion. */
  async champion(): Promise<ChurnModel | null> {
    const model = await called(() => this.#native.champion())
    return model ? wrapModel(model) : null
  }

  /** Returns the metadata of a stored model; null if there is no such model. */
  async get(modelId: string): Promise<StoredModel | null> { return camel(async () => this.#native.get(text(modelId, 'modelId'))) }

  /** Changes the stage of a model. A new champion changes the stage of the previous champion to `'retired'`. */
  async promote(modelId: string, stage: Stage = 'champion'): Promise<void> {
    await called(async () => this.#native.promote(text(modelId, 'modelId'), text(stage, 'stage')))
  }

  /** Returns the metadata of all stored models, last saved first. */
  async list(): Promise<StoredModel[]> { return camel(() => this.#native.list()) }

  /** Deletes a model. Scores that were computed with the model are not deleted. */
  async delete(modelId: string): Promise<void> { await called(async () => this.#native.delete(text(modelId, 'modelId'))) }
}

/** A stored score. Its `status` tells whether the customer has a probability. */
export type StoredScore = (Scored | NotScored) & {
  run: StoredRunId
  /** The value of the customer, such as their yearly revenue. It is null if the run was saved without this value. */
  value: number | null
  /** The probability times the value of the customer. It is null if the probability or the value is not known. */
  valueAtRisk: number | null
  /** The stored reasons, largest contribution first. */
  reasons: Reason[]
}

/** The purpose of a stored score run: `'served'` if it is shown to users, `'trial'` if it is for a comparison. */
export type RunPurpose = 'served' | 'trial'

/** A summary of a stored score run. */
export interface RunSummary {
  id: StoredRunId
  savedAt: string
  /**
   * The purpose of the run: `'served'` if it is shown to users, `'trial'` if it is for a comparison. Queries that do not
   * name a run, and {@link ScoreStore.history}, use only runs that are shown to users.
   */
  purpose: RunPurpose
  customers: number
  scored: number
  meanProbability: number | null
  /** Number of customers in each risk band. */
  bands: Record<RiskBand, number>
  /** Number of scored customers whose outcome (whether they churned) is known. */
  outcomes: number
  /** Number of scored customers whose outcome is known and who churned. */
  churned: number
}

/** The last customer of a page of scores. The next page begins after this customer. */
export interface RiskPlace {
  probability: number
  customerId: string
}

/** Options of {@link ScoreStore.save}. */
export interface SaveRunOptions {
  /** The time at which the run is saved. The caller passes it, because the store reads no clock. */
  at: Moment
  /**
   * Number of customers whose reasons are stored: those with the highest probabilities. With `values`, also the same
   * number of customers with the highest values at risk. Default: 100.
   */
  reasons?: number | 'all'
  /**
   * The purpose of the run. A `'served'` run (default) is shown to users. A `'trial'` run is for a comparison: a query
   * returns a trial run only if it names this run.
   */
  purpose?: RunPurpose
  /**
   * The value of each customer (such as their yearly revenue) by id. The value at risk is the probability times this
   * value.
   */
  values?: Record<string, number> | ReadonlyMap<string, number>
}

const SAVE_RUN_OPTIONS = keys<SaveRunOptions>({ at: 1, reasons: 1, purpose: 1, values: 1 })

/** Options of a call that returns a limited number of results. */
export interface LimitOptions {
  /** Maximum number of results. Default: 100. */
  limit?: number
}

const LIMIT_OPTIONS = keys<LimitOptions>({ limit: 1 })

/** Options of {@link ScoreStore.runs}. */
export interface RunsOptions extends LimitOptions {
  /** Selects runs whose date is earlier than this time. */
  before?: Moment | null
}

/** The position at which a page of scores ends. */
export interface ScoreCursor {
  /** The probability or the value at risk (by which the page is sorted) of the last customer of the page. */
  key: number | null
  /** The id of the last customer of the page. */
  customerId: string
}

/** Options of {@link ScoreStore.query}. */
export interface ScoreQuery {
  /** The run whose scores are read. Default: the latest run that is shown to users (purpose `'served'`). */
  run?: RunId | null
  /** The number by which scores are sorted, highest first. Default: `'probability'`. */
  order?: 'probability' | 'value_at_risk'
  /** Selects customers in these risk bands. */
  bands?: readonly RiskBand[]
  /** If true, selects customers who are scored. If false, selects customers who are not scored. */
  scored?: boolean | null
  customerIds?: readonly Id[]
  minProbability?: number
  /** Maximum number of results, 1 to 10 000. Default: 100. */
  limit?: number
  /** The value of `next` of the previous page. Without this option, the first page is read. */
  after?: ScoreCursor | null
  /** Whether the result has `total`, the number of all customers that match the query. Default: false. */
  total?: boolean
}

const SCORE_QUERY = keys<ScoreQuery>({
  run: 1, order: 1, bands: 1, scored: 1, customerIds: 1, minProbability: 1, limit: 1, after: 1, total: 1,
})

/** A page of scores. */
export interface ScorePage {
  run: StoredRunId
  scores: StoredScore[]
  /** Pass this value as `after` to read the next page. It is null on the last page. */
  next: ScoreCursor | null
  /** The number of all customers that match the query. It is null if the query did not ask for the total. */
  total: number | null
}

/** The changes from one run to another. */
export interface RunChanges {
  /**
   * Number of customers for each pair of risk bands: the band in the earlier run (`from`) and in the later run (`to`).
   * A band is null for customers who are not scored in that run.
   */
  moves: { from: RiskBand | null; to: RiskBand | null; customers: number }[]
  /** Number of customers who are only in the later run. */
  entered: number
  /** Number of customers who are only in the earlier run. */
  left: number
  /** The largest changes of a customer's probability from the earlier run to the later one, largest first. */
  largest: { customerId: string; before: number; after: number }[]
}

/** Options of {@link ScoreStore.highRisk}. */
export interface HighRiskOptions {
  /** The run whose scores are read. Default: the latest run that is shown to users (purpose `'served'`). */
  run?: RunId | null
  /** Selects customers with at least this probability. */
  minProbability?: number
  /** Maximum number of results. Default: 100. */
  limit?: number
  /** The value of `next` of the previous page. Without this option, the first page is read. */
  after?: RiskPlace | null
}

const HIGH_RISK_OPTIONS = keys<HighRiskOptions>({ run: 1, minProbability: 1, limit: 1, after: 1 })

/** The stored score runs of a tenant. A score run has the scores of all eligible customers at one date. */
export class ScoreStore {
  readonly #native: InstanceType<typeof native.NativeScores>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeScores>) { this.#native = own }

  /** Stores a run in one transaction. If a run with the same date and model is already stored, it is replaced. */
  async save(model: ChurnModel, run: ScoreRun, options: SaveRunOptions): Promise<StoredRunId> {
    const { values, ...given } = checked(options, SAVE_RUN_OPTIONS)
    const byId = values instanceof Map ? Object.fromEntries(values) : values ?? undefined
    return camel(async () => this.#native.save(modelOf(model), runOf(run), given, byId as object | undefined))
  }

  /** Returns summaries of the latest runs of any purpose, latest date first. */
  async runs(options?: RunsOptions): Promise<RunSummary[]> {
    const given = checked(options, { limit: 1, before: 1 })
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

  /**
   * Returns a page of a run's scores, filtered and sorted as the options say. Customers who are not scored are
   * included.
   */
  async query(options?: ScoreQuery): Promise<ScorePage> {
    const { run, after, customerIds, ...given } = checked(options, SCORE_QUERY)
    const of = run === undefined || run === null ? undefined : runIdOf(run)
    const ids = customerIds && { customerIds: Array.from(customerIds, (own) => id(own, 'customerIds')) }
    return camel(async () => this.#native.query({ ...given, ...ids }, of, after ?? undefined))
  }

  /**
   * Returns the changes from one run to a later run. If the runs are of different models, a change may be due to the
   * model.
   */
  async changes(from: RunId, to: RunId, options?: LimitOptions): Promise<RunChanges> {
    const given = checked(options, LIMIT_OPTIONS)
    return camel(async () => this.#native.changes(runIdOf(from), runIdOf(to), given))
  }

  /** Returns a customer's scores in the runs that are shown to users (purpose `'served'`), latest date first. */
  async history(customerId: Id, options?: LimitOptions): Promise<StoredScore[]> {
    const given = checked(options, LIMIT_OPTIONS)
    return camel(async () => this.#native.history(id(customerId, 'customerId'), given))
  }

  /** Deletes a run and its scores. */
  async delete(run: RunId): Promise<void> { await called(async () => this.#native.delete(runIdOf(run))) }
}

/** A stored probability of a customer, and whether the customer then churned. */
export interface ScoredOutcome {
  customerId: string
  probability: number
  churned: boolean
}

/**
 * A stored outcome: whether a customer churned in the label period (the period after a date, during which churn is
 * counted).
 */
export interface StoredOutcome {
  customerId: string
  asOf: string
  /** Whether the customer churned. It is null for a customer who has no label at this date. */
  churned: boolean | null
  rule: string
  eventAt: string | null
}

/** Options of {@link OutcomeStore.save}. */
export interface OutcomeOptions {
  asOf: Moments
  /** The definition of churn, usually `model.definition`. {@link OutcomeStore.ofRun} reads outcomes of equal definitions. */
  definition: ChurnDefinition
}

const OUTCOME_OPTIONS = keys<OutcomeOptions>({ asOf: 1, definition: 1 })

/** The stored outcomes of customers. An outcome says whether a customer churned in the label period after a date. */
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
    if (given.definition === undefined) {
      throw new ChurnError('give the definition of churn, such as model.definition', { code: 'invalid_option', column: 'definition' })
    }
    checkDefinition(given.definition)
    return called(async () => this.#native.save(recordsOf(records), forFeatures(given)))
  }

  /**
   * Returns the probabilities of a run with the customers' outcomes, sorted by customer id. A customer is included if
   * they have a probability and their outcome under the model's definition of churn is stored.
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
   * Returns the name of the company and all settings. The name is null if no name was set.
   */
  async get(): Promise<{ name: string | null; settings: Record<string, Json> }> { return parsed(() => this.#native.get()) }
  /** Sets the name of the company. */
  async rename(name: string): Promise<void> { await called(async () => this.#native.rename(text(name, 'name'))) }

  /** Stores a setting. The value of the setting may be any JSON value. */
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

  /**
   * Adds a user, or replaces the stored user with the same id. Rejects with `store_refused` if another user has the
   * same email address.
   */
  async upsert(user: UserInput): Promise<void> {
    const given = checked(user, USER_KEYS, 'user')
    await called(async () => this.#native.upsert(given))
  }

  /** Returns the user with this id; null if there is no such user. */
  async get(userId: string): Promise<User | null> { return camel(async () => this.#native.get(text(userId, 'userId'))) }
  /** Returns the user with this email address; null if there is no such user. */
  async byEmail(email: string): Promise<User | null> { return camel(async () => this.#native.byEmail(text(email, 'email'))) }
  /** Returns all users of the tenant. */
  async list(): Promise<User[]> { return camel(() => this.#native.list()) }
  /** Removes a user. Returns whether the user existed. */
  async remove(userId: string): Promise<boolean> { return called(async () => this.#native.remove(text(userId, 'userId'))) }
}

/** An API key without its secret. */
export interface ApiKey {
  keyId: string
  role: Role
  label: string | null
  /** The names of the actions that the key is limited to. With null, the key may do everything that its role may do. */
  scopes: string[] | null
  createdAt: string
  expiresAt: string | null
  usedAt: string | null
  revokedAt: string | null
}

/** Options with the current time. The caller passes the time, because the store reads no clock. */
export interface AtOptions {
  at: Moment
}

const AT_OPTIONS = { at: 1 } as const

/** Options of {@link ApiKeyStore.create}. */
export interface CreateKeyOptions extends AtOptions {
  role: Role
}

/** Options of {@link ApiKeyStore.issue}. */
export interface IssueKeyOptions extends CreateKeyOptions {
  /** A name for the key, which the application shows to users. */
  label?: string | null
  /**
   * The names of the actions that the key is limited to, as the application defines them. Default: everything that the
   * role may do.
   */
  scopes?: readonly string[] | null
  /** When the key expires. Default: never. */
  expiresAt?: Moment | null
}

const ISSUE_OPTIONS = keys<IssueKeyOptions>({ at: 1, role: 1, label: 1, scopes: 1, expiresAt: 1 })

/** The API keys of a tenant. */
export class ApiKeyStore {
  readonly #native: InstanceType<typeof native.NativeApiKeys>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeApiKeys>) { this.#native = own }

  /**
   * Adds an API key. `secret` must contain at least 24 random bytes. Only a hash of the secret is stored. The hash does
   * not protect a secret that can be guessed, so do not use a password as the secret.
   */
  async create(keyId: string, secret: string, options: CreateKeyOptions): Promise<void> {
    const given = checked(options, { role: 1, at: 1 })
    await called(async () => this.#native.create(text(keyId, 'keyId'), text(secret, 'secret'), given))
  }

  /**
   * Adds a key and returns the text that a program sends: `churn_<tenant>_<key id>_<secret>`, with the tenant's id in
   * base32. {@link Store.authenticate} finds the tenant by this text. Generate the secret from at least 16 random
   * bytes, as 24 or more letters and digits. Show the text to the user only once, because only a hash of the secret is
   * stored.
   */
  async issue(keyId: string, secret: string, options: IssueKeyOptions): Promise<string> {
    const given = checked(options, ISSUE_OPTIONS)
    return called(async () => this.#native.issue(text(keyId, 'keyId'), text(secret, 'secret'), given))
  }

  /**
   * Returns the key with this secret. Returns null if there is no such key, or if the key was revoked. This method does
   * not check whether the key has expired.
   */
  async verify(secret: string): Promise<ApiKey | null> { return camel(async () => this.#native.verify(text(secret, 'secret'))) }
  /** Returns all keys of the tenant, including revoked keys. */
  async list(): Promise<ApiKey[]> { return camel(() => this.#native.list()) }

  /** Revokes a key. */
  async revoke(keyId: string, options: AtOptions): Promise<void> {
    const given = checked(options, AT_OPTIONS)
    await called(async () => this.#native.revoke(text(keyId, 'keyId'), given))
  }
}

/** A sync cursor: the position up to which a data source has been read. */
export interface SyncCursor {
  source: string
  position: string
  movedAt: string
}

/** The sync cursors of a tenant (for each data source, the position up to which it has been read). */
export class CursorStore {
  readonly #native: InstanceType<typeof native.NativeCursors>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeCursors>) { this.#native = own }

  /** Returns the sync cursor of a data source; null if no cursor was set. */
  async get(source: string): Promise<SyncCursor | null> { return camel(async () => this.#native.get(text(source, 'source'))) }

  /** Sets the sync cursor of a data source. The application chooses the format of `position`. */
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

/** Options of {@link AuditStore.query}. */
export interface AuditQuery {
  /** Selects entries with this actor. */
  actor?: string | null
  /** Selects entries with this action. */
  action?: string | null
  /** Selects entries with this subject. */
  subject?: string | null
  /** Selects entries at or after this time. */
  since?: Moment | null
  /** Selects entries before this time. */
  until?: Moment | null
  /** Whether the newest entries come first. Default: true. */
  newestFirst?: boolean
  /** The value of `next` of the previous page. Without this option, the first page is read. */
  after?: number | null
  /** Maximum number of entries, 1 to 10 000. Default: 100. */
  limit?: number
}

const AUDIT_QUERY = keys<AuditQuery>({ actor: 1, action: 1, subject: 1, since: 1, until: 1, newestFirst: 1, after: 1, limit: 1 })

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

  /** Returns a page of the entries that match the options. To get the next page, pass `next` as `after`. */
  async query(options?: AuditQuery): Promise<{ entries: AuditEntry[]; next: number | null }> {
    const given = checked(options, AUDIT_QUERY)
    return parsed(async () => this.#native.query(given))
  }
}

/** An argument of {@link TenantStore.execute} and {@link TenantStore.query}. */
export type SqlValue = null | boolean | number | bigint | string | Date

/** A tenant's store whose calls all take part in one transaction. See {@link TenantStore.begin}. */
export type TenantTransaction = Omit<TenantStore, 'begin'>

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
   * Loads all records of the tenant from one snapshot of the database. The result is bit-identical to `TenantRecords`
   * that are made directly from the same rows.
   *
   * Rejects if rows conflict with other rows, for example if a payment belongs to an unknown customer.
   */
  async records(options?: TableOptions & Cancellable): Promise<TenantRecords> {
    const given = checked(options, { ...TABLE_OPTIONS, signal: 1 })
    return wrapRecords(await long(given, (cancel) => halfOf<NativeTenant>(this).records(given, cancel)))
  }

  /**
   * Begins a transaction and passes it to the function `work`. If the promise of `work` resolves, all changes that
   * `work` made through the transaction are committed. If the promise rejects, all of them are rolled back. Returns the
   * result of `work`.
   *
   * A failed call rolls back only its own changes. Until the transaction ends, no other call can write data of the same
   * tenant (in SQLite, of any tenant), so keep transactions short.
   */
  async begin<T>(work: (transaction: TenantTransaction) => T | Promise<T>): Promise<T> {
    if (typeof work !== 'function') throw invalid('work', 'must be a function')
    const own = await called(() => halfOf<NativeTenant>(this).begin())
    let result: T
    try {
      result = await work(wrapTenant(own.tenant()))
    } catch (error) {
      // If the rollback fails too, the error of the rollback is ignored, and the error of `work` is thrown.
      await own.end(false).catch(() => undefined)
      throw error
    }
    await called(() => own.end(true))
    return result
  }

  /**
   * Runs a statement on tables of the application (not of the store). Returns the number of affected rows. `$1` is the
   * tenant's id and must occur in the statement. `args` are the values of `$2`, `$3` and so on.
   *
   * In Postgres, protect the table with the same row-level security policy as the store's tables, and pass its name to
   * {@link Store.attest}. SQLite has no row-level security, so the statement itself must use `$1` to read and
   * change only rows of the tenant.
   */
  async execute(sql: string, args: readonly SqlValue[] = []): Promise<number> {
    if (!Array.isArray(args)) throw invalid('args', 'must be an array')
    return called(async () => halfOf<NativeTenant>(this).execute(text(sql, 'sql'), args, args.length))
  }

  /**
   * Runs a query on tables of the application (not of the store). Returns the rows. `$1` is the tenant's id and must
   * occur in the query. `args` are the values of `$2`, `$3` and so on.
   */
  async query(sql: string, args: readonly SqlValue[] = []): Promise<StoredRow[]> {
    if (!Array.isArray(args)) throw invalid('args', 'must be an array')
    return parsed(async () => halfOf<NativeTenant>(this).query(text(sql, 'sql'), args, args.length))
  }

  /**
   * Returns a number that grows with every change of the tenant's records, models, scores and outcomes. If the number
   * is unchanged, a result that the application cached is still valid.
   */
  async revision(): Promise<number> { return called(() => halfOf<NativeTenant>(this).revision()) }

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

/** The result of {@link Store.attest}. */
export interface Attestation {
  passed: boolean
  backend: 'sqlite' | 'postgres'
  /** The database role of the connection. It is empty for SQLite, which has no roles. */
  role: string
  /** The version of the store's tables in the database. */
  schema: number
  /** The version of this library. */
  library: string
  checks: Check[]
  /** What the attestation does not examine. */
  notExamined: string[]
  /** The SHA-256 hash of all properties above. */
  fingerprint: string
  /** The report as a text that can be printed. */
  text: string
  /** @throws {ChurnError} `not_isolated` unless every check passed. */
  signOff(): void
}

/** The numbers of connections that are idle, reading and writing. */
export interface ConnectionStatistics {
  idle: number
  reading: number
  writing: number
}

/** Options of {@link Store.open}. */
export interface OpenStoreOptions {
  /** Whether to create or update the tables. Default: true. */
  migrate?: boolean
  /** Number of connections for reading. Default: 6. */
  readers?: number
  /** Number of connections for writing in Postgres. Default: 4. */
  writers?: number
  /** Timeout for connecting, in milliseconds. Default: 5000. */
  connectTimeout?: number
  /** How long a call waits for a free connection before it rejects, in milliseconds. Default: 30 000. */
  waitTimeout?: number
  /** How long a statement may run in Postgres before it fails, in milliseconds. Default: the setting of the server. */
  statementTimeout?: number
  /**
   * Maximum size of a SQLite file, in pages of 4096 bytes. A write that would exceed this size rejects with
   * `store_full`. Default: no limit.
   */
  maxPages?: number
}

const OPEN_OPTIONS = keys<OpenStoreOptions>({
  migrate: 1, readers: 1, writers: 1, connectTimeout: 1, waitTimeout: 1, statementTimeout: 1, maxPages: 1,
})

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
   * Rejects with `store_unavailable` if the database cannot be reached, and with `store_newer` if a newer version of
   * this module migrated the database.
   */
  static async open(url: string, options?: OpenStoreOptions): Promise<Store> {
    const { migrate = true, ...given } = checked(options, OPEN_OPTIONS)
    if (!native.openStore) throw new ChurnError('this module was built without the store', { code: 'store_unavailable' })
    if (typeof migrate !== 'boolean') throw invalid('migrate', 'must be true or false')
    return new Store(await called(async () => native.openStore(text(url, 'url'), migrate, given)))
  }

  /** The kind of database: SQLite or Postgres. */
  get backend(): 'sqlite' | 'postgres' { return halfOf<NativeStore>(this).backend as 'sqlite' | 'postgres' }

  /** Creates or updates the tables of the store. Does nothing if they are up to date. */
  async migrate(): Promise<void> { await called(() => halfOf<NativeStore>(this).migrate()) }

  /** Returns the version of the store's tables in the database. It is 0 before the first {@link migrate}. */
  async version(): Promise<number> { return called(() => halfOf<NativeStore>(this).version()) }

  /**
   * Grants a Postgres role the privileges that the application needs, and no others. Call this method with a connection
   * of the role that owns the tables.
   */
  async grantTo(role: string): Promise<void> { await called(async () => halfOf<NativeStore>(this).grantTo(text(role, 'role'))) }

  /** Checks that the database answers. */
  async ping(): Promise<void> { await called(() => halfOf<NativeStore>(this).ping()) }

  /** How many connections are idle, reading and writing now. */
  get connections(): ConnectionStatistics { return JSON.parse(halfOf<NativeStore>(this).connections()) }

  /**
   * Writes a snapshot of a SQLite database to a new file that only its owner can read. Until the snapshot is complete,
   * calls that read continue, and calls that write wait. While the store is open, do not copy the file in any other
   * way. If another SQLite library in the same process opens and closes the file, the locks of the store are released.
   * For Postgres, use continuous archiving or `pg_dump`.
   */
  async backup(path: string): Promise<void> { await called(async () => halfOf<NativeStore>(this).backup(text(path, 'path'))) }

  /**
   * Authenticates an API key from its text, as {@link ApiKeyStore.issue} returned it. Returns the store of the key's
   * tenant, and the key. Returns null if the text is malformed, or if the key is unknown, wrong, revoked or expired at
   * `at`. The result does not reveal which of these cases applies.
   */
  async authenticate(key: string, options: AtOptions): Promise<{ tenant: TenantStore; key: ApiKey } | null> {
    const given = checked(options, AT_OPTIONS)
    const found = await camel<[string, ApiKey] | null>(async () => halfOf<NativeStore>(this).authenticate(text(key, 'key'), given))
    return found && { tenant: this.tenant(found[0]), key: found[1] }
  }

  /**
   * Verifies that tenants are isolated from each other. All changes are rolled back. `hostTables` are the names of the
   * application's tables that {@link TenantStore.execute} and {@link TenantStore.query} use.
   */
  async attest(options?: { hostTables?: readonly string[] }): Promise<Attestation> {
    const { hostTables = [] } = checked(options, { hostTables: 1 })
    const names = Array.from(hostTables, (name) => text(name, 'hostTables'))
    type Report = { passed: boolean; text: string; report: Omit<Attestation, 'passed' | 'text' | 'signOff'> }
    const { passed, text: words, report } = await camel<Report>(() => halfOf<NativeStore>(this).attest(names))
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
