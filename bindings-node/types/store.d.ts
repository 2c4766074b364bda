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
}
/** The maximum number of results. */
export interface LimitOptions {
    /** Maximum number of results. Default: 100. */
    limit?: number;
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
    /** The latest runs, last date first. */
    runs(options?: LimitOptions): Promise<RunSummary[]>;
    /** The customers with the highest probabilities. */
    highRisk(options?: HighRiskOptions): Promise<{
        scores: StoredScore[];
        next: RiskPlace | null;
    }>;
    /** A customer's scores, last date first. */
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
/** The time of a change, because the store reads no clock. */
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
    /** Stores a hash of a secret that you generate from at least 24 random bytes. */
    create(keyId: string, secret: string, options: CreateKeyOptions): Promise<void>;
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
}
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
    /** SHA-256 of all properties above. */
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
    /** Verifies that tenants are isolated from each other. All changes are rolled back. */
    attest(): Promise<Attestation>;
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
