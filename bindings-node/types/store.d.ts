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
    /** Number of rows. Each version of a customer or event is a row. */
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
    /** Changes the stage of a model. A new champion changes the stage of the previous champion to `'retired'`. */
    promote(modelId: string, stage?: Stage): Promise<void>;
    /** The stored models, last saved first. */
    list(): Promise<StoredModel[]>;
    /** Deletes a model. Its scores are not deleted. */
    delete(modelId: string): Promise<void>;
}
/** A stored score. Its `status` tells whether the customer has a probability. */
export type StoredScore = (Scored | NotScored) & {
    run: StoredRunId;
    /** The stored reasons, largest contribution first. */
    reasons: Reason[];
};
/** A stored run without its scores. */
export interface RunSummary {
    id: StoredRunId;
    savedAt: string;
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
}
/** The maximum number of results. */
export interface LimitOptions {
    /** Maximum number of results. Default: 100. */
    limit?: number;
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
    /** Summaries of the latest runs, latest date first. */
    runs(options?: LimitOptions): Promise<RunSummary[]>;
    /**
     * A page with the customers of a run in order of decreasing probability. To get the next page, pass `next` as
     * `after`.
     */
    highRisk(options?: HighRiskOptions): Promise<{
        scores: StoredScore[];
        next: RiskPlace | null;
    }>;
    /** The scores of one customer in all runs, latest date first. */
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
    /** All users of the tenant. */
    list(): Promise<User[]>;
    /** Removes a user. Returns whether the user existed. */
    remove(userId: string): Promise<boolean>;
}
/** An API key without its secret. */
export interface ApiKey {
    keyId: string;
    role: Role;
    createdAt: string;
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
/** The API keys of a tenant. */
export declare class ApiKeyStore {
    #private;
    /**
     * Adds an API key. `secret` must contain at least 24 random bytes. Only a hash of it is stored. Do not use a password
     * as secret.
     */
    create(keyId: string, secret: string, options: CreateKeyOptions): Promise<void>;
    /** The key with this secret; null if there is no such key, or if it was revoked. */
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
/** The audit log of a tenant. Entries can be added, but not changed. */
export declare class AuditStore {
    #private;
    /** Appends an entry. */
    append(entry: AuditInput): Promise<void>;
    /** A page of entries, oldest first. To get the next page, pass `next` as `after`. */
    page(options?: PageOptions): Promise<{
        entries: AuditEntry[];
        next: number | null;
    }>;
}
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
     * Loads all records of the tenant from one snapshot of the database. They are bit-identical to `TenantRecords` that
     * are made from the same rows.
     *
     * Rejects if rows conflict with other rows. For example, a payment belongs to an unknown customer.
     */
    records(options?: TableOptions & Cancellable): Promise<TenantRecords>;
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
    schema: number;
    library: string;
    checks: Check[];
    /** The SHA-256 of all properties above. */
    fingerprint: string;
    /** The report in words. */
    text: string;
    /** @throws {ChurnError} `not_isolated` unless every check passed. */
    signOff(): void;
}
/** Options of {@link Store.open}. */
export interface OpenStoreOptions {
    /** Whether to create or update the tables. Default: true. */
    migrate?: boolean;
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
    /**
     * Verifies that no tenant can read or change the data of another tenant in this database. It attempts such reads and
     * writes, and checks policies, roles and privileges. All changes are rolled back.
     */
    attest(): Promise<Attestation>;
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
