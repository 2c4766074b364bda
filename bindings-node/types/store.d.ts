import type { CustomerRecord } from './columns.js';
import { ChurnModel } from './model.js';
import { TenantRecords } from './records.js';
import type { Reason, RiskBand, TrainReport, ValidationReport } from './reports.js';
import { ScoreRun } from './run.js';
import type { ActivityRow, Arrow, Cancellable, ChurnDefinition, Id, Moment, Moments, NotScored, PaymentRow, Scored, TableName, TableOptions, TicketRow, WithAttributes } from './types.js';
/**
 * Identifies a score run by its date and its model. A {@link ScoreRun} has both properties and can be passed instead.
 */
export interface RunId {
    asOf: Moment;
    modelId: string;
}
/** Identifies a stored score run by its date and its model. */
export interface StoredRunId {
    asOf: string;
    modelId: string;
}
/** Options of an upsert, which adds rows and replaces stored rows that have the same key. */
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
    /** Number of rows that are new, or that replaced a stored row with other values. */
    rowsChanged: number;
    /** The validation report, which lists the rows that were left out. */
    report: ValidationReport;
}
/**
 * A stored row. The keys of known columns are in snake_case, attributes have their own names, and timestamps are
 * ISO-8601 texts.
 */
export type StoredRow = Record<string, string | number | boolean | null>;
/** Options of a call that reads one page. */
export interface PageOptions {
    /** The value of `next` of the previous page. Without this option, the first page is read. */
    after?: number | null;
    /** Maximum number of rows, 1 to 10 000. Default: 1000. */
    limit?: number;
}
/** Options of {@link RecordStore.find}. */
export interface FindOptions {
    /** Selects customers whose id begins with this text. */
    prefix?: string;
    /** Selects customers whose text attributes have these values. */
    attributes?: Record<string, string>;
    /**
     * If true, selects customers whose current version (dated row) has a `churned_at`. If false, selects customers whose
     * current version has no `churned_at`.
     */
    churned?: boolean | null;
    /** The value of `next` of the previous page. Without this option, the first page is read. */
    after?: string | null;
    /** Maximum number of customers, 1 to 10 000. Default: 100. */
    limit?: number;
}
/** One table of a tenant's records, such as payments. */
export declare class RecordStore<R extends object> {
    #private;
    readonly name: TableName;
    /**
     * Upserts a batch of rows in one transaction. The rows are objects or Arrow. Objects are read in steps of about 10
     * ms, so do not change the objects before the promise settles.
     *
     * Each row has a key. A new row replaces the stored row with the same key, so a later batch can correct a stored row.
     * Repeating an upsert changes nothing. The key of an event with an id is the id and `known_at`. The key of an event
     * without an id consists of all its values. The key of a customer row is `customer_id`, `signed_up_at`, `valid_from`
     * and `known_at`. If `rows` is `[]`, the store records that the table exists and has no rows.
     */
    upsert<Row extends R>(rows: readonly Row[] | Arrow, options?: UpsertOptions): Promise<Upserted>;
    /**
     * Upserts many batches in one transaction, for data that do not fit into memory. If an error occurs, no batch is
     * stored.
     */
    upsertBatches<Row extends R>(batches: AsyncIterable<readonly Row[] | Arrow> | Iterable<readonly Row[] | Arrow>, options?: UpsertOptions): Promise<Upserted>;
    /** Validates a batch as `upsert` would, without storing anything. `report` lists every invalid row. */
    check(rows: readonly R[] | Arrow, options?: Cancellable): Promise<Upserted>;
    /**
     * Returns the customers who match the options, sorted by id. Each customer is returned as their current version
     * (dated row). The method reads the customers table, even if this object is another table, such as payments.
     */
    find(options?: FindOptions): Promise<{
        customers: StoredRow[];
        next: string | null;
    }>;
    /** Returns the number of customers of the tenant. A customer with several versions (dated rows) is counted once. */
    countCustomers(): Promise<number>;
    /** Returns the number of rows. A customer or event with several versions has one row for each version. */
    count(): Promise<number>;
    /**
     * Returns a page of rows, in the order in which the rows were first stored. To get the next page, pass `next` as
     * `after`.
     */
    page(options?: PageOptions): Promise<{
        rows: StoredRow[];
        next: number | null;
    }>;
    /** Returns all rows of one customer in this table. {@link ChurnModel.scoreCustomer} accepts these rows. */
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
/** The metadata of a stored model. */
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
    /** The time at which the model is saved. The caller passes it, because the store reads no clock. */
    at: Moment;
    /** The stage of the model. Default: `'champion'` (the model in use). */
    stage?: Stage;
}
/** The stored models of a tenant. */
export declare class ModelStore {
    #private;
    /**
     * Stores a model. A model that is already stored keeps the time at which it was first stored, and gets the new stage.
     * A new champion changes the stage of the previous champion to `'retired'`.
     */
    save(model: ChurnModel, options: SaveModelOptions): Promise<void>;
    /** Loads a stored model. Rejects with `not_found` if there is no such model. */
    load(modelId: string): Promise<ChurnModel>;
    /** Loads the champion (the model in use). Returns null if the tenant has no champion. */
    champion(): Promise<ChurnModel | null>;
    /** Returns the metadata of a stored model; null if there is no such model. */
    get(modelId: string): Promise<StoredModel | null>;
    /** Changes the stage of a model. A new champion changes the stage of the previous champion to `'retired'`. */
    promote(modelId: string, stage?: Stage): Promise<void>;
    /** Returns the metadata of all stored models, last saved first. */
    list(): Promise<StoredModel[]>;
    /** Deletes a model. Scores that were computed with the model are not deleted. */
    delete(modelId: string): Promise<void>;
}
/** A stored score. Its `status` tells whether the customer has a probability. */
export type StoredScore = (Scored | NotScored) & {
    run: StoredRunId;
    /** The value of the customer, such as their yearly revenue. It is null if the run was saved without this value. */
    value: number | null;
    /** The probability times the value of the customer. It is null if the probability or the value is not known. */
    valueAtRisk: number | null;
    /** The stored reasons, largest contribution first. */
    reasons: Reason[];
};
/** The purpose of a stored score run: `'served'` if it is shown to users, `'trial'` if it is for a comparison. */
export type RunPurpose = 'served' | 'trial';
/** A summary of a stored score run. */
export interface RunSummary {
    id: StoredRunId;
    savedAt: string;
    /**
     * The purpose of the run: `'served'` if it is shown to users, `'trial'` if it is for a comparison. Queries that do not
     * name a run, and {@link ScoreStore.history}, use only runs that are shown to users.
     */
    purpose: RunPurpose;
    customers: number;
    scored: number;
    meanProbability: number | null;
    /** Number of customers in each risk band. */
    bands: Record<RiskBand, number>;
    /** Number of scored customers whose outcome (whether they churned) is known. */
    outcomes: number;
    /** Number of scored customers whose outcome is known and who churned. */
    churned: number;
}
/** The last customer of a page of scores. The next page begins after this customer. */
export interface RiskPlace {
    probability: number;
    customerId: string;
}
/** Options of {@link ScoreStore.save}. */
export interface SaveRunOptions {
    /** The time at which the run is saved. The caller passes it, because the store reads no clock. */
    at: Moment;
    /**
     * Number of customers whose reasons are stored: those with the highest probabilities. With `values`, also the same
     * number of customers with the highest values at risk. Default: 100.
     */
    reasons?: number | 'all';
    /**
     * The purpose of the run. A `'served'` run (default) is shown to users. A `'trial'` run is for a comparison: a query
     * returns a trial run only if it names this run.
     */
    purpose?: RunPurpose;
    /**
     * The value of each customer (such as their yearly revenue) by id. The value at risk is the probability times this
     * value.
     */
    values?: Record<string, number> | ReadonlyMap<string, number>;
}
/** Options of a call that returns a limited number of results. */
export interface LimitOptions {
    /** Maximum number of results. Default: 100. */
    limit?: number;
}
/** Options of {@link ScoreStore.runs}. */
export interface RunsOptions extends LimitOptions {
    /** Selects runs whose date is earlier than this time. */
    before?: Moment | null;
}
/** The position at which a page of scores ends. */
export interface ScoreCursor {
    /** The probability or the value at risk (by which the page is sorted) of the last customer of the page. */
    key: number | null;
    /** The id of the last customer of the page. */
    customerId: string;
}
/** Options of {@link ScoreStore.query}. */
export interface ScoreQuery {
    /** The run whose scores are read. Default: the latest run that is shown to users (purpose `'served'`). */
    run?: RunId | null;
    /** The number by which scores are sorted, highest first. Default: `'probability'`. */
    order?: 'probability' | 'value_at_risk';
    /** Selects customers in these risk bands. */
    bands?: readonly RiskBand[];
    /** If true, selects customers who are scored. If false, selects customers who are not scored. */
    scored?: boolean | null;
    customerIds?: readonly Id[];
    minProbability?: number;
    /** Maximum number of results, 1 to 10 000. Default: 100. */
    limit?: number;
    /** The value of `next` of the previous page. Without this option, the first page is read. */
    after?: ScoreCursor | null;
    /** Whether the result has `total`, the number of all customers that match the query. Default: false. */
    total?: boolean;
}
/** A page of scores. */
export interface ScorePage {
    run: StoredRunId;
    scores: StoredScore[];
    /** Pass this value as `after` to read the next page. It is null on the last page. */
    next: ScoreCursor | null;
    /** The number of all customers that match the query. It is null if the query did not ask for the total. */
    total: number | null;
}
/** The changes from one run to another. */
export interface RunChanges {
    /**
     * Number of customers for each pair of risk bands: the band in the earlier run (`from`) and in the later run (`to`).
     * A band is null for customers who are not scored in that run.
     */
    moves: {
        from: RiskBand | null;
        to: RiskBand | null;
        customers: number;
    }[];
    /** Number of customers who are only in the later run. */
    entered: number;
    /** Number of customers who are only in the earlier run. */
    left: number;
    /** The largest changes of a customer's probability from the earlier run to the later one, largest first. */
    largest: {
        customerId: string;
        before: number;
        after: number;
    }[];
}
/** Options of {@link ScoreStore.highRisk}. */
export interface HighRiskOptions {
    /** The run whose scores are read. Default: the latest run that is shown to users (purpose `'served'`). */
    run?: RunId | null;
    /** Selects customers with at least this probability. */
    minProbability?: number;
    /** Maximum number of results. Default: 100. */
    limit?: number;
    /** The value of `next` of the previous page. Without this option, the first page is read. */
    after?: RiskPlace | null;
}
/** The stored score runs of a tenant. A score run has the scores of all eligible customers at one date. */
export declare class ScoreStore {
    #private;
    /** Stores a run in one transaction. If a run with the same date and model is already stored, it is replaced. */
    save(model: ChurnModel, run: ScoreRun, options: SaveRunOptions): Promise<StoredRunId>;
    /** Returns summaries of the latest runs of any purpose, latest date first. */
    runs(options?: RunsOptions): Promise<RunSummary[]>;
    /**
     * Returns a page with the customers of a run in order of decreasing probability. To get the next page, pass `next` as
     * `after`.
     */
    highRisk(options?: HighRiskOptions): Promise<{
        scores: StoredScore[];
        next: RiskPlace | null;
    }>;
    /**
     * Returns a page of a run's scores, filtered and sorted as the options say. Customers who are not scored are
     * included.
     */
    query(options?: ScoreQuery): Promise<ScorePage>;
    /**
     * Returns the changes from one run to a later run. If the runs are of different models, a change may be due to the
     * model.
     */
    changes(from: RunId, to: RunId, options?: LimitOptions): Promise<RunChanges>;
    /** Returns a customer's scores in the runs that are shown to users (purpose `'served'`), latest date first. */
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
/**
 * A stored outcome: whether a customer churned in the label period (the period after a date, during which churn is
 * counted).
 */
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
    /** The definition of churn, usually `model.definition`. {@link OutcomeStore.ofRun} reads outcomes of equal definitions. */
    definition: ChurnDefinition;
}
/** The stored outcomes of customers. An outcome says whether a customer churned in the label period after a date. */
export declare class OutcomeStore {
    #private;
    /**
     * Computes the churn labels at one or several dates, like the function `labels`, and stores them as outcomes. Returns
     * the number of new or changed outcomes.
     */
    save(records: TenantRecords, options: OutcomeOptions): Promise<number>;
    /**
     * Returns the probabilities of a run with the customers' outcomes, sorted by customer id. A customer is included if
     * they have a probability and their outcome under the model's definition of churn is stored.
     */
    ofRun(run: RunId): Promise<ScoredOutcome[]>;
    /** Returns all stored outcomes of one customer, latest date first. */
    ofCustomer(customerId: Id): Promise<StoredOutcome[]>;
}
/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | {
    readonly [key: string]: Json;
};
/** The name and the settings of a tenant's company. */
export declare class CompanyStore {
    #private;
    /**
     * Returns the name of the company and all settings. The name is null if no name was set.
     */
    get(): Promise<{
        name: string | null;
        settings: Record<string, Json>;
    }>;
    /** Sets the name of the company. */
    rename(name: string): Promise<void>;
    /** Stores a setting. The value of the setting may be any JSON value. */
    set(setting: string, value: Json): Promise<void>;
    /** Removes a setting. Returns whether the setting existed. */
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
    /**
     * Adds a user, or replaces the stored user with the same id. Rejects with `store_refused` if another user has the
     * same email address.
     */
    upsert(user: UserInput): Promise<void>;
    /** Returns the user with this id; null if there is no such user. */
    get(userId: string): Promise<User | null>;
    /** Returns the user with this email address; null if there is no such user. */
    byEmail(email: string): Promise<User | null>;
    /** Returns all users of the tenant. */
    list(): Promise<User[]>;
    /** Removes a user. Returns whether the user existed. */
    remove(userId: string): Promise<boolean>;
}
/** An API key without its secret. */
export interface ApiKey {
    keyId: string;
    role: Role;
    label: string | null;
    /** The names of the actions that the key is limited to. With null, the key may do everything that its role may do. */
    scopes: string[] | null;
    createdAt: string;
    expiresAt: string | null;
    usedAt: string | null;
    revokedAt: string | null;
}
/** Options with the current time. The caller passes the time, because the store reads no clock. */
export interface AtOptions {
    at: Moment;
}
/** Options of {@link ApiKeyStore.create}. */
export interface CreateKeyOptions extends AtOptions {
    role: Role;
}
/** Options of {@link ApiKeyStore.issue}. */
export interface IssueKeyOptions extends CreateKeyOptions {
    /** A name for the key, which the application shows to users. */
    label?: string | null;
    /**
     * The names of the actions that the key is limited to, as the application defines them. Default: everything that the
     * role may do.
     */
    scopes?: readonly string[] | null;
    /** When the key expires. Default: never. */
    expiresAt?: Moment | null;
}
/** The API keys of a tenant. */
export declare class ApiKeyStore {
    #private;
    /**
     * Adds an API key. `secret` must contain at least 24 random bytes. Only a hash of the secret is stored. The hash does
     * not protect a secret that can be guessed, so do not use a password as the secret.
     */
    create(keyId: string, secret: string, options: CreateKeyOptions): Promise<void>;
    /**
     * Adds a key and returns the text that a program sends: `churn_<tenant>_<key id>_<secret>`, with the tenant's id in
     * base32. {@link Store.authenticate} finds the tenant by this text. Generate the secret from at least 16 random
     * bytes, as 24 or more letters and digits. Show the text to the user only once, because only a hash of the secret is
     * stored.
     */
    issue(keyId: string, secret: string, options: IssueKeyOptions): Promise<string>;
    /**
     * Returns the key with this secret. Returns null if there is no such key, or if the key was revoked. This method does
     * not check whether the key has expired.
     */
    verify(secret: string): Promise<ApiKey | null>;
    /** Returns all keys of the tenant, including revoked keys. */
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
/** The sync cursors of a tenant (for each data source, the position up to which it has been read). */
export declare class CursorStore {
    #private;
    /** Returns the sync cursor of a data source; null if no cursor was set. */
    get(source: string): Promise<SyncCursor | null>;
    /** Sets the sync cursor of a data source. The application chooses the format of `position`. */
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
    /** Selects entries with this actor. */
    actor?: string | null;
    /** Selects entries with this action. */
    action?: string | null;
    /** Selects entries with this subject. */
    subject?: string | null;
    /** Selects entries at or after this time. */
    since?: Moment | null;
    /** Selects entries before this time. */
    until?: Moment | null;
    /** Whether the newest entries come first. Default: true. */
    newestFirst?: boolean;
    /** The value of `next` of the previous page. Without this option, the first page is read. */
    after?: number | null;
    /** Maximum number of entries, 1 to 10 000. Default: 100. */
    limit?: number;
}
/** The audit log of a tenant. Entries can be added, but not changed. */
export declare class AuditStore {
    #private;
    /** Adds an entry to the audit log. */
    append(entry: AuditInput): Promise<void>;
    /** Returns a page of entries, oldest first. To get the next page, pass `next` as `after`. */
    page(options?: PageOptions): Promise<{
        entries: AuditEntry[];
        next: number | null;
    }>;
    /** Returns a page of the entries that match the options. To get the next page, pass `next` as `after`. */
    query(options?: AuditQuery): Promise<{
        entries: AuditEntry[];
        next: number | null;
    }>;
}
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
     * `work` made through the transaction are committed. If the promise rejects, all of them are rolled back. Returns the
     * result of `work`.
     *
     * A failed call rolls back only its own changes. Until the transaction ends, no other call can write data of the same
     * tenant (in SQLite, of any tenant), so keep transactions short.
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
    /** How many connections are idle, reading and writing now. */
    get connections(): ConnectionStatistics;
    /**
     * Writes a snapshot of a SQLite database to a new file that only its owner can read. Until the snapshot is complete,
     * calls that read continue, and calls that write wait. While the store is open, do not copy the file in any other
     * way. If another SQLite library in the same process opens and closes the file, the locks of the store are released.
     * For Postgres, use continuous archiving or `pg_dump`.
     */
    backup(path: string): Promise<void>;
    /**
     * Authenticates an API key from its text, as {@link ApiKeyStore.issue} returned it. Returns the store of the key's
     * tenant, and the key. Returns null if the text is malformed, or if the key is unknown, wrong, revoked or expired at
     * `at`. The result does not reveal which of these cases applies.
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
