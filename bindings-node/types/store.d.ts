import { TenantRecords } from './records.js';
import { ApiKeyStore, AuditStore, CompanyStore, CursorStore, UserStore } from './store/company.js';
import type { ApiKey, AtOptions } from './store/company.js';
import { ModelStore } from './store/models.js';
import { CustomerStore, RecordStore } from './store/records.js';
import type { StoredRow } from './store/records.js';
import { OutcomeStore, ScoreStore } from './store/scores.js';
import type { ActivityRow, Cancellable, Id, PaymentRow, TableOptions, TicketRow } from './types.js';
export type * from './store/company.js';
export type * from './store/models.js';
export type * from './store/records.js';
export type * from './store/scores.js';
/** An argument of {@link TenantStore.execute} and {@link TenantStore.query}. */
export type SqlValue = null | boolean | number | bigint | string | Date;
/** A tenant's store whose calls all take part in one transaction. See {@link TenantStore.begin}. */
export type TenantTransaction = Omit<TenantStore, 'begin'>;
/**
 * The part of a store that belongs to one tenant: records, models, scores and settings. It cannot read or change the
 * data of other tenants.
 */
export declare class TenantStore {
    readonly customers: CustomerStore;
    readonly payments: RecordStore<PaymentRow>;
    readonly tickets: RecordStore<TicketRow>;
    readonly activities: RecordStore<ActivityRow>;
    readonly models: ModelStore;
    readonly scores: ScoreStore;
    readonly outcomes: OutcomeStore;
    readonly company: CompanyStore;
    readonly users: UserStore;
    readonly apiKeys: ApiKeyStore;
    readonly cursors: CursorStore;
    readonly audit: AuditStore;
    private constructor();
    /** The tenant's id. */
    get tenant(): string;
    /**
     * Loads all records of the tenant from one snapshot of the database. The result is bit-identical to `TenantRecords`
     * that are made directly from the same rows.
     *
     * Rejects if rows conflict with other rows, for example if a payment belongs to an unknown customer.
     */
    records(options?: TableOptions & Cancellable): Promise<TenantRecords>;
    /**
     * Begins a transaction and passes it to the function `work`. If the promise of `work` resolves, all changes that
     * `work` made through the transaction are committed. If the promise rejects, all these changes are rolled back.
     * Returns the result of `work`.
     *
     * A failed call rolls back only its own changes. Until the transaction ends, no other call can write data of the same
     * tenant. In SQLite, no other call can write data of any tenant. Therefore, keep transactions short.
     */
    begin<T>(work: (transaction: TenantTransaction) => T | Promise<T>): Promise<T>;
    /**
     * Runs a statement on tables of the application (not of the store). Returns the number of affected rows. `$1` is the
     * tenant's id and must occur in the statement. `args` are the values of `$2`, `$3` and so on.
     *
     * In Postgres, protect the table with the same row-level security policy as the store's tables, and pass its name to
     * {@link Store.attest}. SQLite has no row-level security, so the statement itself must use `$1` to read and
     * change only rows of the tenant.
     */
    execute(sql: string, args?: readonly SqlValue[]): Promise<number>;
    /**
     * Runs a query on tables of the application (not of the store). Returns the rows. `$1` is the tenant's id and must
     * occur in the query. `args` are the values of `$2`, `$3` and so on.
     */
    query(sql: string, args?: readonly SqlValue[]): Promise<StoredRow[]>;
    /**
     * Returns a number that grows with every change of the tenant's records, models, scores and outcomes. If the number
     * is unchanged, a result that the application cached is still valid.
     */
    revision(): Promise<number>;
    /**
     * Deletes everything that is stored about one customer: records, scores and outcomes. Models that were trained on the
     * customer's records are not deleted. Returns the number of deleted rows.
     */
    eraseCustomer(customerId: Id): Promise<number>;
    /** The value that `JSON.stringify` writes for this object: the tenant's id. */
    toJSON(): {
        tenant: string;
    };
}
/** The result of one check of tenant isolation. */
export interface Check {
    name: string;
    /** The name of the table; null if the check concerns the database or the role. */
    table: string | null;
    passed: boolean;
    detail: string;
}
/** The result of {@link Store.attest}. */
export interface Attestation {
    passed: boolean;
    backend: 'sqlite' | 'postgres';
    /** The database role of the connection. It is empty for SQLite, which has no roles. */
    role: string;
    /** The version of the store's tables in the database. */
    schema: number;
    /** The version of this library. */
    library: string;
    checks: Check[];
    /** What the attestation does not examine. */
    notExamined: string[];
    /** The SHA-256 hash of all properties above. */
    fingerprint: string;
    /** The report as a text that can be printed. */
    text: string;
    /** @throws {ChurnError} `not_isolated` unless every check passed. */
    signOff(): void;
}
/** How many connections are idle, how many are reading, and how many are writing. */
export interface ConnectionStatistics {
    idle: number;
    reading: number;
    writing: number;
}
/** Options of {@link Store.open}. */
export interface OpenStoreOptions {
    /** Whether to create or update the tables. Default: true. */
    migrate?: boolean;
    /** Number of connections for reading. Default: 6. */
    readers?: number;
    /** Number of connections for writing in Postgres. Default: 4. */
    writers?: number;
    /** Timeout for connecting, in milliseconds. Default: 5000. */
    connectTimeout?: number;
    /** How long a call waits for a free connection before it rejects, in milliseconds. Default: 30 000. */
    waitTimeout?: number;
    /** How long a statement may run in Postgres before it fails, in milliseconds. Default: the setting of the server. */
    statementTimeout?: number;
    /**
     * Maximum size of a SQLite file, in pages of 4096 bytes. A write that would exceed this size rejects with
     * `store_full`. Default: no limit.
     */
    maxPages?: number;
}
/** A database with the data of many tenants. The data of a tenant can only be accessed through {@link Store.tenant}. */
export declare class Store {
    private constructor();
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
    static open(url: string, options?: OpenStoreOptions): Promise<Store>;
    /** The kind of database: SQLite or Postgres. */
    get backend(): 'sqlite' | 'postgres';
    /** Creates or updates the tables of the store. Does nothing if they are up to date. */
    migrate(): Promise<void>;
    /** Returns the version of the store's tables in the database. It is 0 before the first {@link migrate}. */
    version(): Promise<number>;
    /**
     * Grants a Postgres role the privileges that the application needs, and no others. Call this method with a connection
     * of the role that owns the tables.
     */
    grantTo(role: string): Promise<void>;
    /** Checks that the database answers. */
    ping(): Promise<void>;
    /** How many connections are currently idle, how many are reading, and how many are writing. */
    get connections(): ConnectionStatistics;
    /**
     * Writes a snapshot of a SQLite database to a new file that only its owner can read. Until the snapshot is complete,
     * calls that read continue, and calls that write wait. While the store is open, do not copy the file in any other
     * way. When another SQLite library in the same process closes the file, the operating system releases the locks of
     * the store. For Postgres, use continuous archiving or `pg_dump`.
     */
    backup(path: string): Promise<void>;
    /**
     * Authenticates an API key. `key` is the text that {@link ApiKeyStore.issue} returned. Returns the store of the key's
     * tenant, and the key. Returns null if the text is malformed, or if the key is unknown, has a wrong secret, was
     * revoked, or has expired by the time `at`. The result does not reveal which of these cases applies.
     */
    authenticate(key: string, options: AtOptions): Promise<{
        tenant: TenantStore;
        key: ApiKey;
    } | null>;
    /**
     * Verifies that tenants are isolated from each other. All changes are rolled back. `hostTables` are the names of the
     * application's tables that {@link TenantStore.execute} and {@link TenantStore.query} use.
     */
    attest(options?: {
        hostTables?: readonly string[];
    }): Promise<Attestation>;
    /** Closes all connections. Later calls reject with `store_unavailable`. */
    close(): Promise<void>;
    /** Gives access to the data of one tenant. */
    tenant(tenant: Id): TenantStore;
    [Symbol.asyncDispose](): Promise<void>;
    /** The value that `JSON.stringify` writes for this object: the kind of database. */
    toJSON(): {
        backend: 'sqlite' | 'postgres';
    };
}
