/**
 * The store: every tenant's records, models and scores in SQLite or Postgres, provably apart.
 *
 * Every call is a promise, off the event loop. The store reads no clock: `at` is when something happened, as you say.
 */
import type {
  ActivityRow, ChurnModel, CustomerRow, ChurnDefinition, Moment, PaymentRow, RecordOptions, RiskBand, Reason, ScoreRun, TenantRecords,
  TicketRow, TrainReport, ValidationReport,
} from './index.js'

/** A database of many tenants. Its data are reached through {@link Store.tenant} alone. */
export class Store {
  private constructor()
  /**
   * Opens a store; makes or updates its tables unless `migrate` is false.
   *
   * `sqlite:///var/churn.db` is an absolute path, `sqlite:churn.db` one from the working directory; the file is made if it is
   * not there. `sqlite::memory:` lives as long as the store. `postgres://user:password@host/database` keeps tenants apart by
   * row-level security: let the owner of the tables migrate, and another role serve ({@link grantTo}).
   *
   * @throws {ChurnError} `store_unavailable`; `store_newer` if a newer version of this module migrated it.
   */
  static open(url: string, options?: { migrate?: boolean }): Promise<Store>
  readonly backend: 'sqlite' | 'postgres'
  /** Makes or updates the tables; does nothing where they are up to date. A host's own migrations are not disturbed. */
  migrate(): Promise<void>
  /** The version of the tables that are there; 0 before the first {@link migrate}. */
  version(): Promise<number>
  /** Postgres: gives the role that serves what it needs, and no more. Call it as the owner of the tables. */
  grantTo(role: string): Promise<void>
  /** Tries to get from one tenant to another, and looks at what keeps them apart. Leaves nothing behind. */
  attest(): Promise<Attestation>
  /** Gives up all connections; what calls after that reject with is `store_unavailable`. */
  close(): Promise<void>
  /** One tenant's part: the only way to data. */
  tenant(tenant: string | number | bigint): TenantStore
}

export interface Check {
  name: string
  /** null for the database or the role. */
  table: string | null
  passed: boolean
  detail: string
}

/** What {@link Store.attest} found. */
export interface Attestation {
  passed: boolean
  backend: 'sqlite' | 'postgres'
  /** The database role that serves; empty in SQLite, which has none. */
  role: string
  schema: number
  library: string
  checks: Check[]
  /** SHA-256 of all of the above. */
  fingerprint: string
  /** The report for people. */
  text: string
  /** @throws {ChurnError} `not_isolated` unless every check passed. */
  signOff(): void
}

/** One tenant's records, models, scores and settings. Sees and changes no other tenant's. */
export class TenantStore {
  private constructor()
  readonly tenant: string
  readonly customers: RecordStore<CustomerRow>
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
  /**
   * All the tenant's records, of one moment: the same bits as if they had been made of what was given.
   *
   * @throws {ChurnError} what only shows beside other rows, such as payments of unknown customers.
   */
  records(options?: RecordOptions & { signal?: AbortSignal }): Promise<TenantRecords>
  /** Deletes all that is kept of one customer; models that learnt from him stay. How many rows were deleted. */
  eraseCustomer(customerId: string | number | bigint): Promise<number>
}

export interface UpsertOptions {
  /** `'refuse'` (default): nothing is kept, and the error carries the whole report. `'quarantine'`: bad rows are set aside. */
  onInvalid?: 'refuse' | 'quarantine'
  /** Aborted, nothing is kept. */
  signal?: AbortSignal
}

/** What became of a batch. */
export interface Upserted {
  rowsIn: number
  rowsAccepted: number
  /** Rows that were new, or replaced one that differed. 0 where the batch was there already. */
  rowsChanged: number
  /** What was wrong with rows set aside. */
  report: ValidationReport
}

/** A row as it is kept: columns by the library's names, attributes by yours; moments as ISO-8601 text. */
export type StoredRow = Record<string, string | number | boolean | null>

/** One table of a tenant's records. */
export interface RecordStore<R> {
  /**
   * Takes a batch in one transaction: objects, or a Buffer with an Arrow IPC file or stream.
   *
   * A row that is there already is replaced where it differs: the same batch twice changes nothing, a late correction replaces.
   * Rows are the same if they have the same id and `known_at`; customers, if they have the same `customer_id`, `signed_up_at`,
   * `valid_from` and `known_at`; rows without an id, if all they hold is the same. So give ids to what may be corrected.
   * `[]` is noted as given and empty.
   */
  upsert(rows: readonly R[] | Uint8Array, options?: UpsertOptions): Promise<Upserted>
  /** Takes a batch piece by piece in one transaction, so that it need not fit into memory: all of it is kept, or none. */
  upsertBatches(
    batches: AsyncIterable<readonly R[] | Uint8Array> | Iterable<readonly R[] | Uint8Array>,
    options?: UpsertOptions,
  ): Promise<Upserted>
  /** Number of rows, versions included. */
  count(): Promise<number>
  /** Rows in the order in which they came in, `limit` of them (1 to 10 000, default 1000). `next` is the next page's `after`. */
  page(options?: { after?: number | null; limit?: number }): Promise<{ rows: StoredRow[]; next: number | null }>
  /** All rows of one customer; what `scoreCustomer` takes. */
  ofCustomer(customerId: string | number | bigint): Promise<StoredRow[]>
}

/** `'champion'` serves, and there is at most one; `'challenger'` is tried beside it; `'retired'` served once. */
export type Stage = 'champion' | 'challenger' | 'retired'

/** What is known of a model without opening it. */
export interface StoredModel {
  id: string
  stage: Stage
  savedAt: string
  card: { definition: unknown; features: string[]; report: TrainReport; shared: boolean }
}

export interface ModelStore {
  /** Keeps a model. One that is there already keeps its first date, and takes the stage. Default: `'champion'`. */
  save(model: ChurnModel, options: { at: Moment; stage?: Stage }): Promise<void>
  /** @throws {ChurnError} `not_found` */
  load(modelId: string): Promise<ChurnModel>
  /** The model that serves; null if there is none. */
  champion(): Promise<ChurnModel | null>
  /** Gives a model another stage. Default: `'champion'`, which retires the old one. */
  promote(modelId: string, stage?: Stage): Promise<void>
  /** Last saved first. */
  list(): Promise<StoredModel[]>
  /** Its scores stay. */
  delete(modelId: string): Promise<void>
}

/** Which run; a {@link ScoreRun} is one too. */
export interface RunId {
  asOf: Moment
  modelId: string
}

/** One customer's answer as it is kept. */
export interface StoredScore {
  customerId: string
  run: { asOf: string; modelId: string }
  /** null where there was not enough evidence: `evidence` says why, `expectedAt` when there will be. */
  probability: number | null
  riskBand: RiskBand | null
  status: 'scored' | 'not_enough_evidence'
  evidence: string | null
  expectedAt: string | null
  /** Those that were kept, largest first. */
  reasons: Reason[]
}

export interface RunSummary {
  id: { asOf: string; modelId: string }
  savedAt: string
  customers: number
  scored: number
  meanProbability: number | null
  /** Customers in each band. */
  bands: Record<RiskBand, number>
  /** Scored customers whose outcome is known, and those of them who churned. */
  outcomes: number
  churned: number
}

/** Behind whom the next page begins. */
export interface RiskPlace {
  probability: number
  customerId: string
}

export interface ScoreStore {
  /**
   * Keeps a run in one transaction, with the five main reasons of the `reasons` riskiest customers (default 100). The same run
   * again replaces itself.
   */
  save(model: ChurnModel, run: ScoreRun, options: { at: Moment; reasons?: number | 'all' }): Promise<{ asOf: string; modelId: string }>
  /** The latest runs, last date first: the tenant's trend. Default: 100. */
  runs(options?: { limit?: number }): Promise<RunSummary[]>
  /** The customers most likely to leave, of the latest run unless one is named. Default: 100. */
  highRisk(options?: {
    run?: RunId | null
    minProbability?: number
    limit?: number
    after?: RiskPlace | null
  }): Promise<{ scores: StoredScore[]; next: RiskPlace | null }>
  /** A customer's scores, last date first. Default: 100. */
  history(customerId: string | number | bigint, options?: { limit?: number }): Promise<StoredScore[]>
  delete(run: RunId): Promise<void>
}

export interface ScoredOutcome {
  customerId: string
  probability: number
  churned: boolean
}

export interface StoredOutcome {
  customerId: string
  asOf: string
  /** null where the label says neither. */
  churned: boolean | null
  rule: string
  eventAt: string | null
}

export interface OutcomeStore {
  /** Works out what became of the customers at these dates, as `labels`, and keeps it. How many were new or changed. */
  save(records: TenantRecords, options: { asOf: Moment | readonly Moment[]; definition?: ChurnDefinition }): Promise<number>
  /** The scores of a run beside what came of them under the model's definition of churn, sorted by customer. */
  ofRun(run: RunId): Promise<ScoredOutcome[]>
  /** Last date first. */
  ofCustomer(customerId: string | number | bigint): Promise<StoredOutcome[]>
}

/** What JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface CompanyStore {
  get(): Promise<{ name: string | null; settings: Record<string, Json> }>
  rename(name: string): Promise<void>
  set(setting: string, value: Json): Promise<void>
  /** Whether it was there. */
  unset(setting: string): Promise<boolean>
}

/** What a user or key may do; what that means is the host's business. */
export type Role = 'viewer' | 'analyst' | 'admin' | 'owner'

export interface User {
  userId: string
  email: string
  name: string | null
  role: Role
}

export interface UserStore {
  /** @throws {ChurnError} `store_refused` if another user has the address. */
  upsert(user: { userId: string; email: string; name?: string | null; role: Role }): Promise<void>
  get(userId: string): Promise<User | null>
  list(): Promise<User[]>
  /** Whether he was there. */
  remove(userId: string): Promise<boolean>
}

/** A program's key, without its secret. */
export interface ApiKey {
  keyId: string
  role: Role
  createdAt: string
  revokedAt: string | null
}

export interface ApiKeyStore {
  /** The secret is yours: at least 24 bytes of randomness, of which only a hash is kept. */
  create(keyId: string, secret: string, options: { role: Role; at: Moment }): Promise<void>
  /** null if there is none, or it was revoked. */
  verify(secret: string): Promise<ApiKey | null>
  list(): Promise<ApiKey[]>
  revoke(keyId: string, options: { at: Moment }): Promise<void>
}

/** How far a source was read, in its own words. */
export interface SyncCursor {
  source: string
  position: string
  movedAt: string
}

export interface CursorStore {
  get(source: string): Promise<SyncCursor | null>
  set(source: string, position: string, options: { at: Moment }): Promise<void>
}

export interface AuditEntry {
  at: string
  actor: string
  action: string
  subject: string | null
  details: Json
}

/** Entries are added, never changed. */
export interface AuditStore {
  append(entry: { at: Moment; actor: string; action: string; subject?: string | null; details?: Json }): Promise<void>
  /** Oldest first, `limit` of them (1 to 10 000, default 1000). `next` is the next page's `after`. */
  page(options?: { after?: number | null; limit?: number }): Promise<{ entries: AuditEntry[]; next: number | null }>
}
