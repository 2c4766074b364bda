// The store: a database with the records, models and scores of many tenants. Calls return promises and do not block the
// event loop. The store reads no clock, so callers pass the current time as `at`.
import type { InspectOptions } from 'node:util'
import { ChurnError } from './errors.js'
import { INSPECT, checked, halfOf, hold, id, invalid, keys, long, native, shown, text } from './glue.js'
import { TABLE_OPTIONS, TenantRecords, wrapRecords } from './records.js'
import { called, camel, parsed } from './store/calls.js'
import { AT_OPTIONS, ApiKeyStore, AuditStore, CompanyStore, CursorStore, UserStore } from './store/company.js'
import type { ApiKey, AtOptions } from './store/company.js'
import { ModelStore } from './store/models.js'
import { CustomerStore, RecordStore } from './store/records.js'
import type { StoredRow } from './store/records.js'
import { OutcomeStore, ScoreStore } from './store/scores.js'
import type { ActivityRow, Cancellable, Id, PaymentRow, TableOptions, TicketRow } from './types.js'

export type * from './store/company.js'
export type * from './store/models.js'
export type * from './store/records.js'
export type * from './store/scores.js'

type NativeTenant = InstanceType<typeof native.NativeTenant>

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
   * `work` made through the transaction are committed. If the promise rejects, all these changes are rolled back.
   * Returns the result of `work`.
   *
   * A failed call rolls back only its own changes. Until the transaction ends, no other call can write data of the same
   * tenant. In SQLite, no other call can write data of any tenant. Therefore, keep transactions short.
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

/** How many connections are idle, how many are reading, and how many are writing. */
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

  /** How many connections are currently idle, how many are reading, and how many are writing. */
  get connections(): ConnectionStatistics { return JSON.parse(halfOf<NativeStore>(this).connections()) }

  /**
   * Writes a snapshot of a SQLite database to a new file that only its owner can read. Until the snapshot is complete,
   * calls that read continue, and calls that write wait. While the store is open, do not copy the file in any other
   * way. When another SQLite library in the same process closes the file, the operating system releases the locks of
   * the store. For Postgres, use continuous archiving or `pg_dump`.
   */
  async backup(path: string): Promise<void> { await called(async () => halfOf<NativeStore>(this).backup(text(path, 'path'))) }

  /**
   * Authenticates an API key. `key` is the text that {@link ApiKeyStore.issue} returned. Returns the store of the key's
   * tenant, and the key. Returns null if the text is malformed, or if the key is unknown, has a wrong secret, was
   * revoked, or has expired by the time `at`. The result does not reveal which of these cases applies.
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
