import type { CustomerRecord } from './columns.js';
import { ChurnModel } from './model.js';
import { TenantRecords } from './records.js';
import type { Reason, RiskBand, TrainReport, ValidationReport } from './reports.js';
import { ScoreRun } from './run.js';
import type { ActivityRow, Arrow, Cancellable, ChurnDefinition, Id, Moment, Moments, NotScored, PaymentRow, RecordOptions, Scored, TableName, TicketRow, WithAttributes } from './types.js';
/** Identifies a run by its date and model. You can also pass a {@link ScoreRun}. */
export interface RunId {
    asOf: Moment;
    modelId: string;
}
/** Identifies a stored run. */
export interface StoredRunId {
    asOf: string;
    modelId: string;
}
/** Options of an upsert. */
export interface UpsertOptions extends Cancellable {
    /**
     * If rows are invalid, `'refuse'` (default) stores nothing and throws an error with the whole report; `'quarantine'` leaves these
     * rows out.
     */
    onInvalid?: 'refuse' | 'quarantine';
}
/** The result of an upsert. */
export interface Upserted {
    rowsIn: number;
    rowsAccepted: number;
    /** Number of rows that are new or differ from the stored row. */
    rowsChanged: number;
    /** The report on the rows that were left out. */
    report: ValidationReport;
}
/** A stored row: known columns in snake_case, attributes under their own names, moments as ISO-8601 text. */
export type StoredRow = Record<string, string | number | boolean | null>;
/** Options of paged reads. */
export interface PageOptions {
    /** The `next` of the previous page. */
    after?: number | null;
    /** Maximum number of rows, 1 to 10 000. Default: 1000. */
    limit?: number;
}
/** Options of {@link RecordStore.find}. */
export interface FindOptions {
    /** Only customers whose id begins with this. */
    prefix?: string;
    /** Only customers whose text attributes have these values. */
    attributes?: Record<string, string>;
    /** Only customers whose current version has a `churned_at` (true), or none (false). */
    churned?: boolean | null;
    /** The `next` of the previous page. */
    after?: string | null;
    /** Maximum number of customers, 1 to 10 000. Default: 100. */
    limit?: number;
}
/** One table of a tenant's records. */
export declare class RecordStore<R extends object> {
    #private;
    readonly name: TableName;
    /**
     * Upserts a batch of objects or Arrow in one transaction. Objects are read in slices of about 10 ms. Do not change them before the
     * promise settles.
     *
     * Upserts are idempotent: a stored row is replaced only if it differs. So repeating a batch changes nothing, and a later batch can
     * correct rows. Events with an id are identified by the id and `known_at`, events without an id by all their values, and customer
     * rows by `customer_id`, `signed_up_at`, `valid_from` and `known_at`. `[]` records that the table has no rows.
     */
    upsert<Row extends R>(rows: readonly Row[] | Arrow, options?: UpsertOptions): Promise<Upserted>;
    /** Upserts many batches in one transaction, for data that does not fit into memory. Either all batches are stored or none. */
    upsertBatches<Row extends R>(batches: AsyncIterable<readonly Row[] | Arrow> | Iterable<readonly Row[] | Arrow>, options?: UpsertOptions): Promise<Upserted>;
    /** Validates a batch as `upsert` would, without storing anything. `report` lists every invalid row. */
    check(rows: readonly R[] | Arrow, options?: Cancellable): Promise<Upserted>;
    /** Customers in their current version, sorted by id. The result does not depend on this table. */
    find(options?: FindOptions): Promise<{
        customers: StoredRow[];
        next: string | null;
    }>;
    /** Number of customers, each counted once regardless of versions. */
    countCustomers(): Promise<number>;
    /** Number of rows, including all versions. */
    count(): Promise<number>;
    /** A page of rows, in the order in which they were stored. Pass `next` as `after` for the next page. */
    page(options?: PageOptions): Promise<{
        rows: StoredRow[];
        next: number | null;
    }>;
    /** All rows of one customer, including all versions. `scoreCustomer` accepts them. */
    ofCustomer(customerId: Id): Promise<StoredRow[]>;
}
/** The customers of a tenant. */
export declare class CustomerStore extends RecordStore<CustomerRecord> {
    /** Like {@link RecordStore.upsert}, with attributes. */
    upsert<C extends CustomerRecord>(rows: readonly (C & WithAttributes<C>)[] | Arrow, options?: UpsertOptions): Promise<Upserted>;
}
/**
 * `'champion'` is the model in use (at most one per tenant), a `'challenger'` is compared with it, and a `'retired'` model is no
 * longer used.
 */
export type Stage = 'champion' | 'challenger' | 'retired';
/** A stored model without its trees. */
export interface StoredModel {
    id: string;
    stage: Stage;
    savedAt: string;
    card: {
        definition: unknown;
        features: string[];
        report: TrainReport;
        shared: boolean;
    };
}
/** Options of {@link ModelStore.save}. */
export interface SaveModelOptions {
    /** The time at which the model is saved, because the store reads no clock. */
    at: Moment;
    /** Default: `'champion'`. */
    stage?: Stage;
}
/** The models of a tenant. */
export declare class ModelStore {
    #private;
    /** Stores a model. A model that is already stored keeps the time of its first save and gets the new stage. */
    save(model: ChurnModel, options: SaveModelOptions): Promise<void>;
    /** Loads a stored model. Rejects with `not_found` if there is no such model. */
    load(modelId: string): Promise<ChurnModel>;
    /** The model in use; null if there is none. */
    champion(): Promise<ChurnModel | null>;
    /** The metadata of a stored model; null if there is no such model. */
    get(modelId: string): Promise<StoredModel | null>;
    /** Changes the stage of a model. Default: `'champion'`, which retires the previous champion. */
    promote(modelId: string, stage?: Stage): Promise<void>;
    /** The stored models, last saved first. */
    list(): Promise<StoredModel[]>;
    /** Deletes a model. Its scores stay. */
    delete(modelId: string): Promise<void>;
}
/** A stored score: `status` tells whether the customer has a probability. */
export type StoredScore = (Scored | NotScored) & {
    run: StoredRunId;
    /** The value of the customer, if the run was saved with values. */
    value: number | null;
    /** The probability times the value. */
    valueAtRisk: number | null;
    /** The stored reasons, largest contribution first. */
    reasons: Reason[];
};
/** The purpose of a stored run. */
export type RunPurpose = 'served' | 'trial';
/** A stored run without its scores. */
export interface RunSummary {
    id: StoredRunId;
    savedAt: string;
    /** Histories, and queries that name no run, use served runs. A trial run must be named. */
    purpose: RunPurpose;
    customers: number;
    scored: number;
    meanProbability: number | null;
    /** Number of customers in each risk band. */
    bands: Record<RiskBand, number>;
    /** Number of scored customers whose outcome is known. */
    outcomes: number;
    /** Number of these customers who churned. */
    churned: number;
}
/** The position after which the next page begins. */
export interface RiskPlace {
    probability: number;
    customerId: string;
}
/** Options of {@link ScoreStore.save}. */
export interface SaveRunOptions {
    /** The time at which the run is saved, because the store reads no clock. */
    at: Moment;
    /** Reasons are stored for this many customers, those with the highest risk. Default: 100. */
    reasons?: number | 'all';
    /** `'served'` (default) for a run that is shown to users, `'trial'` for a comparison: queries return it only if they name it. */
    purpose?: RunPurpose;
    /** The value of each customer, by id. The value at risk is the probability times this value. */
    values?: Record<string, number> | ReadonlyMap<string, number>;
}
/** The maximum number of results. */
export interface LimitOptions {
    /** Maximum number of results. Default: 100. */
    limit?: number;
}
/** Options of {@link ScoreStore.runs}. */
export interface RunsOptions extends LimitOptions {
    /** Only runs with an earlier date. */
    before?: Moment | null;
}
/** The position at which a page of scores ends. */
export interface ScoreCursor {
    /** The probability or the value at risk. */
    key: number | null;
    customerId: string;
}
/** Options of {@link ScoreStore.query}. */
export interface ScoreQuery {
    /** Default: the latest served run. */
    run?: RunId | null;
    /** Highest first. Default: `'probability'`. */
    order?: 'probability' | 'value_at_risk';
    bands?: readonly RiskBand[];
    /** Only customers who are scored (true), or who are not (false). */
    scored?: boolean | null;
    customerIds?: readonly Id[];
    minProbability?: number;
    /** Maximum number of results, 1 to 10 000. Default: 100. */
    limit?: number;
    /** The `next` of the previous page. */
    after?: ScoreCursor | null;
    /** Whether to count all customers that match. Default: false. */
    total?: boolean;
}
/** A page of scores. */
export interface ScorePage {
    run: StoredRunId;
    scores: StoredScore[];
    /** Pass it as `after` for the next page; null on the last page. */
    next: ScoreCursor | null;
    /** The number of all customers that match, if it was requested. */
    total: number | null;
}
/** The changes from one run to another. */
export interface RunChanges {
    /** Customers of both runs by risk band before and after; null stands for customers who are not scored. */
    moves: {
        from: RiskBand | null;
        to: RiskBand | null;
        customers: number;
    }[];
    /** Number of customers in the later run only. */
    entered: number;
    /** Number of customers in the earlier run only. */
    left: number;
    /** The largest changes of probability, largest first. */
    largest: {
        customerId: string;
        before: number;
        after: number;
    }[];
}
/** Options of {@link ScoreStore.highRisk}. */
export interface HighRiskOptions {
    /** Default: the latest run. */
    run?: RunId | null;
    minProbability?: number;
    /** Maximum number of results. Default: 100. */
    limit?: number;
    /** The `next` of the previous page. */
    after?: RiskPlace | null;
}
/** The score runs of a tenant. */
export declare class ScoreStore {
    #private;
    /** Stores a run in one transaction. A run with the same date and model is replaced. */
    save(model: ChurnModel, run: ScoreRun, options: SaveRunOptions): Promise<StoredRunId>;
    /** The latest runs of both purposes, last date first. */
    runs(options?: RunsOptions): Promise<RunSummary[]>;
    /** The customers with the highest probabilities. */
    highRisk(options?: HighRiskOptions): Promise<{
        scores: StoredScore[];
        next: RiskPlace | null;
    }>;
    /** The scores of a run in pages, by filters and in an order. */
    query(options?: ScoreQuery): Promise<ScorePage>;
    /** The changes from one run to a later one. If the runs are of different models, a change may be due to the model. */
    changes(from: RunId, to: RunId, options?: LimitOptions): Promise<RunChanges>;
    /** A customer's scores in served runs, last date first. */
    history(customerId: Id, options?: LimitOptions): Promise<StoredScore[]>;
    /** Deletes a run. */
    delete(run: RunId): Promise<void>;
}
/** A score and its outcome. */
export interface ScoredOutcome {
    customerId: string;
    probability: number;
    churned: boolean;
}
/** A stored outcome of a customer. */
export interface StoredOutcome {
    customerId: string;
    asOf: string;
    /** null for a customer who was excluded and so has no outcome. */
    churned: boolean | null;
    rule: string;
    eventAt: string | null;
}
/** Options of {@link OutcomeStore.save}. */
export interface OutcomeOptions {
    asOf: Moments;
    /** The definition of churn. Default: cancellation within 90 days. */
    definition?: ChurnDefinition;
}
/** The observed outcomes of a tenant's customers. */
export declare class OutcomeStore {
    #private;
    /** Computes the labels at some dates, as the function `labels` does, and stores them. Returns the number of new or changed outcomes. */
    save(records: TenantRecords, options: OutcomeOptions): Promise<number>;
    /** The scores of a run with their outcomes under the model's churn definition, sorted by customer id. */
    ofRun(run: RunId): Promise<ScoredOutcome[]>;
    /** The outcomes of one customer, last date first. */
    ofCustomer(customerId: Id): Promise<StoredOutcome[]>;
}
/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | {
    readonly [key: string]: Json;
};
/** The name and the settings of a tenant. */
export declare class CompanyStore {
    #private;
    /** The name and all settings. */
    get(): Promise<{
        name: string | null;
        settings: Record<string, Json>;
    }>;
    /** Sets the name. */
    rename(name: string): Promise<void>;
    /** Sets a setting to a JSON value. */
    set(setting: string, value: Json): Promise<void>;
    /** Removes a setting. Returns whether it existed. */
    unset(setting: string): Promise<boolean>;
}
/** The role of a user or an API key. The application decides what each role may do. */
export type Role = 'viewer' | 'analyst' | 'admin' | 'owner';
/** A stored user. */
export interface User {
    userId: string;
    email: string;
    name: string | null;
    role: Role;
}
/** A user to store. */
export interface UserInput {
    userId: string;
    email: string;
    name?: string | null;
    role: Role;
}
/** The users of a tenant. */
export declare class UserStore {
    #private;
    /** Adds or replaces a user. Rejects with `store_refused` if another user has the email address. */
    upsert(user: UserInput): Promise<void>;
    /** The user with this id; null if there is none. */
    get(userId: string): Promise<User | null>;
    /** The user with this email address; null if there is none. */
    byEmail(email: string): Promise<User | null>;
    /** All users of the tenant. */
    list(): Promise<User[]>;
    /** Removes a user. Returns whether the user existed. */
    remove(userId: string): Promise<boolean>;
}
/** An API key without its secret. */
export interface ApiKey {
    keyId: string;
    role: Role;
    label: string | null;
    /** null means everything that the role may do. */
    scopes: string[] | null;
    createdAt: string;
    expiresAt: string | null;
    usedAt: string | null;
    revokedAt: string | null;
}
/** The time of a change, because the store reads no clock. */
export interface AtOptions {
    at: Moment;
}
/** Options of {@link ApiKeyStore.create}. */
export interface CreateKeyOptions extends AtOptions {
    role: Role;
}
/** Options of {@link ApiKeyStore.issue}. */
export interface IssueKeyOptions extends CreateKeyOptions {
    /** A name for display. */
    label?: string | null;
    /** The scopes that the key is limited to, as the application defines them. Default: everything that the role may do. */
    scopes?: readonly string[] | null;
    /** Default: never. */
    expiresAt?: Moment | null;
}
/** The API keys of a tenant. */
export declare class ApiKeyStore {
    #private;
    /** Stores a hash of a secret that you generate from at least 24 random bytes. */
    create(keyId: string, secret: string, options: CreateKeyOptions): Promise<void>;
    /**
     * Adds a key and returns the text that a program sends: `churn_<tenant>_<key id>_<secret>`, with the tenant's id in base32. {@link
     * Store.authenticate} finds the tenant by this text. Generate the secret from at least 16 random bytes, as 24 or more letters and
     * digits. Show the text once, because only a hash of the secret is stored.
     */
    issue(keyId: string, secret: string, options: IssueKeyOptions): Promise<string>;
    /** The key with this secret; null if there is none or it has been revoked. */
    verify(secret: string): Promise<ApiKey | null>;
    /** All keys of the tenant, including revoked ones. */
    list(): Promise<ApiKey[]>;
    /** Revokes a key. */
    revoke(keyId: string, options: AtOptions): Promise<void>;
}
/** The position up to which a source has been read. */
export interface SyncCursor {
    source: string;
    position: string;
    movedAt: string;
}
/** The sync cursors of a tenant. */
export declare class CursorStore {
    #private;
    /** The cursor of a source; null if there is none. */
    get(source: string): Promise<SyncCursor | null>;
    /** Moves the cursor of a source. */
    set(source: string, position: string, options: AtOptions): Promise<void>;
}
/** A stored entry of the audit log. */
export interface AuditEntry {
    at: string;
    actor: string;
    action: string;
    subject: string | null;
    details: Json;
}
/** An entry for the audit log. */
export interface AuditInput {
    at: Moment;
    actor: string;
    action: string;
    subject?: string | null;
    details?: Json;
}
/** Options of {@link AuditStore.query}. */
export interface AuditQuery {
    actor?: string | null;
    action?: string | null;
    subject?: string | null;
    /** Only entries from this time on. */
    since?: Moment | null;
    /** Only entries before this time. */
    until?: Moment | null;
    /** Default: true. */
    newestFirst?: boolean;
    /** The `next` of the previous page. */
    after?: number | null;
    /** Maximum number of entries, 1 to 10 000. Default: 100. */
    limit?: number;
}
/** The audit log of a tenant. Entries are added, never changed. */
export declare class AuditStore {
    #private;
    /** Appends an entry. */
    append(entry: AuditInput): Promise<void>;
    /** A page of entries, oldest first. Pass `next` as `after` for the next page. */
    page(options?: PageOptions): Promise<{
        entries: AuditEntry[];
        next: number | null;
    }>;
    /** A page of the entries that match, newest first by default. Pass `next` as `after` for the next page. */
    query(options?: AuditQuery): Promise<{
        entries: AuditEntry[];
        next: number | null;
    }>;
}
/** A value of a table of the application. */
export type SqlValue = null | boolean | number | bigint | string | Date;
/** A tenant's data within a transaction. */
export type TenantTransaction = Omit<TenantStore, 'begin'>;
/** One tenant's records, models, scores and settings. It reads and writes no other tenant's data. */
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
     * Loads all records of the tenant in one consistent read. They are bit-identical to records made from the same rows.
     *
     * Rejects if rows contradict each other, for example if there are payments of unknown customers.
     */
    records(options?: RecordOptions & Cancellable): Promise<TenantRecords>;
    /**
     * Runs a function in a transaction of several calls: either all of their changes are stored or none. The changes are committed when
     * the promise of the function resolves, and rolled back when it rejects. Returns the result of the function.
     *
     * A failed call rolls back only its own changes. While the transaction lasts, no other writer of the tenant can proceed (in SQLite, no
     * other writer at all), so keep it short.
     */
    begin<T>(work: (transaction: TenantTransaction) => T | Promise<T>): Promise<T>;
    /**
     * Runs a statement on tables of the application and returns the number of affected rows. `$1` is the tenant and must occur in the
     * statement; `args` are `$2` and following.
     *
     * In Postgres, give the table the policy of the store's tables, and pass its name to {@link Store.attest}. In SQLite, the statement
     * itself is the only safeguard of tenant isolation.
     */
    execute(sql: string, args?: readonly SqlValue[]): Promise<number>;
    /** Runs a query on tables of the application. `$1` is the tenant and must occur in the query; `args` are `$2` and following. */
    query(sql: string, args?: readonly SqlValue[]): Promise<StoredRow[]>;
    /** A counter that increases with every change of the tenant's records, for caches. */
    revision(): Promise<number>;
    /**
     * Deletes everything stored about one customer, except models that were trained on the customer's records. Returns the number of
     * deleted rows.
     */
    eraseCustomer(customerId: Id): Promise<number>;
    /** What `JSON.stringify` writes: the tenant's id. */
    toJSON(): {
        tenant: string;
    };
}
/** The result of one check of the isolation. */
export interface Check {
    name: string;
    /** The table; null if the check concerns the database or the role. */
    table: string | null;
    passed: boolean;
    detail: string;
}
/** The result of {@link Store.attest}. */
export interface Attestation {
    passed: boolean;
    backend: 'sqlite' | 'postgres';
    /** The database role in use; empty for SQLite, which has none. */
    role: string;
    schema: number;
    library: string;
    checks: Check[];
    /** What the attestation does not examine. */
    notExamined: string[];
    /** SHA-256 of all properties above. */
    fingerprint: string;
    /** The report in words. */
    text: string;
    /** @throws {ChurnError} `not_isolated` unless every check passed. */
    signOff(): void;
}
/** The numbers of connections that are idle, reading and writing. */
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
    /** Timeout for a call that waits for a connection, in milliseconds. Default: 30 000. */
    waitTimeout?: number;
    /** Timeout for a statement in Postgres, in milliseconds. Default: that of the server. */
    statementTimeout?: number;
    /** Maximum size of a SQLite file in pages of 4096 bytes; writes beyond it reject with `store_full`. Default: no limit. */
    maxPages?: number;
}
/** A database of many tenants. Their data can only be accessed through {@link Store.tenant}. */
export declare class Store {
    private constructor();
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
    static open(url: string, options?: OpenStoreOptions): Promise<Store>;
    /** The kind of database. */
    get backend(): 'sqlite' | 'postgres';
    /** Creates or updates the tables. */
    migrate(): Promise<void>;
    /** The version of the tables; 0 before the first {@link migrate}. */
    version(): Promise<number>;
    /** Grants a Postgres role the privileges that the application needs, and no others. Call this as the owner of the tables. */
    grantTo(role: string): Promise<void>;
    /** Checks that the database answers. */
    ping(): Promise<void>;
    /** The current numbers of connections. */
    get connections(): ConnectionStatistics;
    /**
     * Writes a snapshot of a SQLite database to a new file that only its owner can read. Readers continue meanwhile, writers wait. Do not
     * copy the file in another way while the store is open: another SQLite library in the same process releases the locks of the store.
     * For Postgres, use continuous archiving or `pg_dump`.
     */
    backup(path: string): Promise<void>;
    /**
     * Authenticates an API key from its text, as {@link ApiKeyStore.issue} returned it. Returns the store of its tenant and the key.
     * Returns null if the text is malformed, or if the key is unknown, wrong, revoked or expired at `at`; these cases cannot be
     * distinguished.
     */
    authenticate(key: string, options: AtOptions): Promise<{
        tenant: TenantStore;
        key: ApiKey;
    } | null>;
    /**
     * Verifies that tenants are isolated from each other. All changes are rolled back. `hostTables` names tables of the application that
     * take part in transactions of tenants.
     */
    attest(options?: {
        hostTables?: readonly string[];
    }): Promise<Attestation>;
    /** Closes all connections; later calls reject with `store_unavailable`. */
    close(): Promise<void>;
    /** The data of one tenant. */
    tenant(tenant: Id): TenantStore;
    [Symbol.asyncDispose](): Promise<void>;
    /** What `JSON.stringify` writes: the kind of database. */
    toJSON(): {
        backend: 'sqlite' | 'postgres';
    };
}
