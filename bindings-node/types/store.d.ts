import type { CustomerRecord } from './columns.js';
import { ChurnModel } from './model.js';
import { TenantRecords } from './records.js';
import type { Reason, RiskBand, TrainReport, ValidationReport } from './reports.js';
import { ScoreRun } from './run.js';
import type { ActivityRow, Arrow, Cancellable, ChurnDefinition, Id, Moment, Moments, NotScored, PaymentRow, Scored, TableName, TableOptions, TicketRow, WithAttributes } from './types.js';
/** Identifies a run by its date and its model. A {@link ScoreRun} also identifies itself. */
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
     * What happens if rows are invalid. With `'refuse'` (default), the call rejects with the whole report, and nothing is
     * stored. With `'quarantine'`, the invalid rows are left out, and the other rows are stored.
     */
    onInvalid?: 'refuse' | 'quarantine';
}
/** The result of an upsert. */
export interface Upserted {
    rowsIn: number;
    rowsAccepted: number;
    /** Number of rows that are new or that replaced a different stored row. */
    rowsChanged: number;
    /** The validation report, which lists the rows that were left out. */
    report: ValidationReport;
}
/**
 * A stored row. The keys of known columns are in snake_case, attributes have their own names, and moments are ISO-8601
 * texts.
 */
export type StoredRow = Record<string, string | number | boolean | null>;
/** Options of a call that reads one page. */
export interface PageOptions {
    /** The `next` of the previous page. Leave it out to read the first page. */
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
     * Upserts a batch of rows in one transaction. The rows are objects or Arrow. Objects are read in slices of about 10
     * ms. Do not change them before the promise settles.
     *
     * Each row has a key. A new row replaces the stored row with the same key, so a later batch can correct it. Repeating
     * an upsert changes nothing. The key of an event with an id is the id and `known_at`. The key of an event without an
     * id consists of all its values. The key of a customer row is `customer_id`, `signed_up_at`, `valid_from` and
     * `known_at`. If `rows` is `[]`, the store records that the table exists and has no rows.
     */
    upsert<Row extends R>(rows: readonly Row[] | Arrow, options?: UpsertOptions): Promise<Upserted>;
    /**
     * Upserts many batches in one transaction, for data that do not fit into memory. If an error occurs, no batch is
     * stored.
     */
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
    /** A page of rows, in the order in which they were first stored. To get the next page, pass `next` as `after`. */
    page(options?: PageOptions): Promise<{
        rows: StoredRow[];
        next: number | null;
    }>;
    /** All rows of one customer, including all versions. `scoreCustomer` accepts them. */
    ofCustomer(customerId: Id): Promise<StoredRow[]>;
}
/** The customers of a tenant. */
export declare class CustomerStore extends RecordStore<CustomerRecord> {
    /** Upserts customers like {@link RecordStore.upsert}. The rows may have attributes. */
    upsert<C extends CustomerRecord>(rows: readonly (C & WithAttributes<C>)[] | Arrow, options?: UpsertOptions): Promise<Upserted>;
}
/**
 * The stage of a stored model. The `'champion'` is the model in use. A tenant has at most one champion. A
 * `'challenger'` is compared with the champion. A `'retired'` model is no longer used.
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
    /** The stage of the model. Default: `'champion'`. */
    stage?: Stage;
}
/** The models of a tenant. */
export declare class ModelStore {
    #private;
    /**
     * Stores a model. A model that is already stored keeps the time at which it was first stored, and gets the new stage.
     * A new champion changes the stage of the previous champion to `'retired'`.
     */
    save(model: ChurnModel, options: SaveModelOptions): Promise<void>;
    /** Loads a stored model. Rejects with `not_found` if there is no such model. */
    load(modelId: string): Promise<ChurnModel>;
    /** Loads the champion, the model in use. The result is null if there is no champion. */
    champion(): Promise<ChurnModel | null>;
    /** The metadata of a stored model; null if there is no such model. */
    get(modelId: string): Promise<StoredModel | null>;
    /** Changes the stage of a model. Default: `'champion'`, which retires the previous champion. */
    promote(modelId: string, stage?: Stage): Promise<void>;
    /** The stored models, last saved first. */
    list(): Promise<StoredModel[]>;
    /** Deletes a model. Its scores are not deleted. */
    delete(modelId: string): Promise<void>;
}
/** A stored score. Its `status` tells whether the customer has a probability. */
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
    /** Number of customers with a known outcome who churned. */
    churned: number;
}
/** The last customer of a page of scores. The next page begins after this customer. */
export interface RiskPlace {
    probability: number;
    customerId: string;
}
/** Options of {@link ScoreStore.save}. */
export interface SaveRunOptions {
    /** The time at which the run is saved, because the store reads no clock. */
    at: Moment;
    /**
     * Number of customers whose reasons are stored. They are the customers with the highest probabilities. Default: 100.
     */
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
    /** The run whose scores are read. Default: the latest run. */
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
    /** Stores a run in one transaction. If a run with the same date and model is already stored, it is replaced. */
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
    /** Deletes a run and its scores. */
    delete(run: RunId): Promise<void>;
}
/** A stored probability of a customer, and whether the customer then churned. */
export interface ScoredOutcome {
    customerId: string;
    probability: number;
    churned: boolean;
}
/** A stored outcome of a customer: whether they churned in the label period after a date. */
export interface StoredOutcome {
    customerId: string;
    asOf: string;
    /** Whether the customer churned. It is null for a customer who has no label at this date. */
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
/** The stored outcomes of a tenant's customers: whether they churned in the label period after a date. */
export declare class OutcomeStore {
    #private;
    /**
     * Computes the churn labels at one or several dates, like the function `labels`, and stores them as outcomes. Returns
     * the number of new or changed outcomes.
     */
    save(records: TenantRecords, options: OutcomeOptions): Promise<number>;
    /** The probabilities of a run with their outcomes under the model's definition of churn, sorted by customer id. */
    ofRun(run: RunId): Promise<ScoredOutcome[]>;
    /** All stored outcomes of one customer, latest date first. */
    ofCustomer(customerId: Id): Promise<StoredOutcome[]>;
}
/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | {
    readonly [key: string]: Json;
};
/** The name and the settings of a tenant's company. */
export declare class CompanyStore {
    #private;
    /** The name of the company and all settings. The name is null and the settings are empty until they are set. */
    get(): Promise<{
        name: string | null;
        settings: Record<string, Json>;
    }>;
    /** Sets the name of the company. */
    rename(name: string): Promise<void>;
    /** Stores a setting. Its value is any JSON value. */
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
    /** The user with this id; null if there is no such user. */
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
/** Options with the time of a change. The caller passes the time, because the store reads no clock. */
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
    /**
     * Adds an API key. `secret` must contain at least 24 random bytes. Only a hash of it is stored. Do not use a password
     * as secret.
     */
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
/** A sync cursor: the position up to which a data source has been read. */
export interface SyncCursor {
    source: string;
    position: string;
    movedAt: string;
}
/** The sync cursors of a tenant's data sources. */
export declare class CursorStore {
    #private;
    /** The sync cursor of a source; null if no cursor was set. */
    get(source: string): Promise<SyncCursor | null>;
    /** Sets the sync cursor of a source. The store does not interpret `position`. */
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
/** An entry to add to the audit log. */
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
    /** A page of entries, oldest first. To get the next page, pass `next` as `after`. */
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
     * Loads all records of the tenant from one snapshot of the database. They are bit-identical to `TenantRecords` that
     * are made from the same rows.
     *
     * Rejects if rows conflict with other rows. For example, a payment belongs to an unknown customer.
     */
    records(options?: TableOptions & Cancellable): Promise<TenantRecords>;
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
     * Rejects with `store_unavailable` if the database cannot be reached, and with `store_newer` if a newer version of this module has
     * migrated it.
     */
    static open(url: string, options?: OpenStoreOptions): Promise<Store>;
    /** The kind of database. */
    get backend(): 'sqlite' | 'postgres';
    /** Creates or updates the tables of the store. Does nothing if they are up to date. */
    migrate(): Promise<void>;
    /** The version of the store's tables in the database. It is 0 before the first {@link migrate}. */
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
    /** Gives access to the data of one tenant. */
    tenant(tenant: Id): TenantStore;
    [Symbol.asyncDispose](): Promise<void>;
    /** The value that `JSON.stringify` writes for this object: the kind of database. */
    toJSON(): {
        backend: 'sqlite' | 'postgres';
    };
}
