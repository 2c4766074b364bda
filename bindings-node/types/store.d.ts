import type { CustomerRecord } from './columns.js';
import { ChurnModel } from './model.js';
import { TenantRecords } from './records.js';
import type { Reason, RiskBand, TrainReport, ValidationReport } from './reports.js';
import { ScoreRun } from './run.js';
import type { ActivityRow, Arrow, Cancellable, ChurnDefinition, Id, Moment, Moments, NotScored, PaymentRow, RecordOptions, Scored, TableName, TicketRow, WithAttributes } from './types.js';
/** Identifies a run; a {@link ScoreRun} does, too. */
export interface RunId {
    asOf: Moment;
    modelId: string;
}
/** A run that is stored. */
export interface StoredRunId {
    asOf: string;
    modelId: string;
}
export interface UpsertOptions extends Cancellable {
    /** `'refuse'` (default): nothing is stored, and the error has the whole report. `'quarantine'`: bad rows are set aside. */
    onInvalid?: 'refuse' | 'quarantine';
}
/** The result of an upsert. */
export interface Upserted {
    rowsIn: number;
    rowsAccepted: number;
    /** Rows that were new, or replaced one that differed. */
    rowsChanged: number;
    /** The report on rows that were set aside. */
    report: ValidationReport;
}
/** A stored row: columns in the library's names, attributes in yours; moments as ISO-8601 text. */
export type StoredRow = Record<string, string | number | boolean | null>;
export interface PageOptions {
    /** `next` of the page before. */
    after?: number | null;
    /** 1 to 10 000. Default: 1000. */
    limit?: number;
}
/** One table of a tenant's records. */
export declare class RecordStore<R extends object> {
    #private;
    readonly name: TableName;
    /**
     * Upserts a batch in one transaction: objects, or Arrow. Objects are read in slices of about 10 ms, and must not change before
     * the promise has settled.
     *
     * A row that is stored already is replaced if it differs: the same batch twice changes nothing, a late correction replaces.
     * Rows are the same if they have the same id and `known_at`; customers, if they have the same `customer_id`, `signed_up_at`,
     * `valid_from` and `known_at`; rows without an id, if all their values are equal. `[]` is stored as given and empty.
     */
    upsert<Row extends R>(rows: readonly Row[] | Arrow, options?: UpsertOptions): Promise<Upserted>;
    /** Upserts batches in one transaction, so that they need not fit into memory together: all are stored, or none. */
    upsertBatches<Row extends R>(batches: AsyncIterable<readonly Row[] | Arrow> | Iterable<readonly Row[] | Arrow>, options?: UpsertOptions): Promise<Upserted>;
    /** Number of rows, versions included. */
    count(): Promise<number>;
    /** Rows in the order in which they were stored. `next` is the `after` of the next page. */
    page(options?: PageOptions): Promise<{
        rows: StoredRow[];
        next: number | null;
    }>;
    /** All rows of one customer, for `scoreCustomer`, which takes all versions of a customer. */
    ofCustomer(customerId: Id): Promise<StoredRow[]>;
}
/** The customers of a tenant. */
export declare class CustomerStore extends RecordStore<CustomerRecord> {
    upsert<C extends CustomerRecord>(rows: readonly (C & WithAttributes<C>)[] | Arrow, options?: UpsertOptions): Promise<Upserted>;
}
/** `'champion'` serves, and there is at most one; `'challenger'` is compared with it; `'retired'` served once. */
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
export interface SaveModelOptions {
    /** When the model was saved. */
    at: Moment;
    /** Default: `'champion'`. */
    stage?: Stage;
}
/** The models of a tenant. */
export declare class ModelStore {
    #private;
    /** Stores a model. One that is stored already keeps its first date, and gets the stage. */
    save(model: ChurnModel, options: SaveModelOptions): Promise<void>;
    /** @throws {ChurnError} `not_found`. */
    load(modelId: string): Promise<ChurnModel>;
    /** The model that serves; null if there is none. */
    champion(): Promise<ChurnModel | null>;
    /** Gives a model another stage. Default: `'champion'`, which retires the old one. */
    promote(modelId: string, stage?: Stage): Promise<void>;
    /** Last saved first. */
    list(): Promise<StoredModel[]>;
    /** Deletes a model. Its scores stay. */
    delete(modelId: string): Promise<void>;
}
/** A stored score; `status` says which kind. */
export type StoredScore = (Scored | NotScored) & {
    run: StoredRunId;
    /** Those that were stored, largest first. */
    reasons: Reason[];
};
export interface RunSummary {
    id: StoredRunId;
    savedAt: string;
    customers: number;
    scored: number;
    meanProbability: number | null;
    /** Customers in each band. */
    bands: Record<RiskBand, number>;
    /** Scored customers whose outcome is known. */
    outcomes: number;
    /** Those of `outcomes` who churned. */
    churned: number;
}
/** The place behind which the next page begins. */
export interface RiskPlace {
    probability: number;
    customerId: string;
}
export interface SaveRunOptions {
    /** When the run was saved. */
    at: Moment;
    /** How many of the riskiest customers get their five main reasons stored. Default: 100. */
    reasons?: number | 'all';
}
export interface LimitOptions {
    /** Default: 100. */
    limit?: number;
}
export interface HighRiskOptions {
    /** Default: the latest run. */
    run?: RunId | null;
    minProbability?: number;
    /** Default: 100. */
    limit?: number;
    /** `next` of the page before. */
    after?: RiskPlace | null;
}
/** The score runs of a tenant. */
export declare class ScoreStore {
    #private;
    /** Stores a run in one transaction. The same run again replaces itself. */
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
    delete(run: RunId): Promise<void>;
}
export interface ScoredOutcome {
    customerId: string;
    probability: number;
    churned: boolean;
}
export interface StoredOutcome {
    customerId: string;
    asOf: string;
    /** null for an excluded row. */
    churned: boolean | null;
    rule: string;
    eventAt: string | null;
}
export interface OutcomeOptions {
    asOf: Moments;
    /** Default: cancellation within 90 days. */
    definition?: ChurnDefinition;
}
/** What became of a tenant's customers. */
export declare class OutcomeStore {
    #private;
    /** Computes the labels at some dates, as `labels` does, and stores them. Returns how many were new or changed. */
    save(records: TenantRecords, options: OutcomeOptions): Promise<number>;
    /** The scores of a run beside the outcomes under the model's churn definition, sorted by customer. */
    ofRun(run: RunId): Promise<ScoredOutcome[]>;
    /** Last date first. */
    ofCustomer(customerId: Id): Promise<StoredOutcome[]>;
}
/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | {
    readonly [key: string]: Json;
};
/** Name and settings of a tenant. */
export declare class CompanyStore {
    #private;
    get(): Promise<{
        name: string | null;
        settings: Record<string, Json>;
    }>;
    rename(name: string): Promise<void>;
    set(setting: string, value: Json): Promise<void>;
    /** Returns whether the setting existed. */
    unset(setting: string): Promise<boolean>;
}
/** What a user or key may do; its meaning is up to the host. */
export type Role = 'viewer' | 'analyst' | 'admin' | 'owner';
export interface User {
    userId: string;
    email: string;
    name: string | null;
    role: Role;
}
export interface UserInput {
    userId: string;
    email: string;
    name?: string | null;
    role: Role;
}
/** The users of a tenant. */
export declare class UserStore {
    #private;
    /** @throws {ChurnError} `store_refused` if another user has the address. */
    upsert(user: UserInput): Promise<void>;
    get(userId: string): Promise<User | null>;
    list(): Promise<User[]>;
    /** Returns whether the user existed. */
    remove(userId: string): Promise<boolean>;
}
/** An API key without its secret. */
export interface ApiKey {
    keyId: string;
    role: Role;
    createdAt: string;
    revokedAt: string | null;
}
export interface AtOptions {
    at: Moment;
}
export interface CreateKeyOptions extends AtOptions {
    role: Role;
}
/** The API keys of a tenant. */
export declare class ApiKeyStore {
    #private;
    /** The secret is yours: at least 24 bytes of randomness, of which only a hash is stored. */
    create(keyId: string, secret: string, options: CreateKeyOptions): Promise<void>;
    /** The key of a secret; null if there is none, or it was revoked. */
    verify(secret: string): Promise<ApiKey | null>;
    list(): Promise<ApiKey[]>;
    revoke(keyId: string, options: AtOptions): Promise<void>;
}
/** The position up to which a source was read. */
export interface SyncCursor {
    source: string;
    position: string;
    movedAt: string;
}
/** The sync cursors of a tenant. */
export declare class CursorStore {
    #private;
    get(source: string): Promise<SyncCursor | null>;
    set(source: string, position: string, options: AtOptions): Promise<void>;
}
export interface AuditEntry {
    at: string;
    actor: string;
    action: string;
    subject: string | null;
    details: Json;
}
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
    append(entry: AuditInput): Promise<void>;
    /** Oldest first. `next` is the `after` of the next page. */
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
    get tenant(): string;
    /**
     * All records of the tenant in one consistent read; bit-identical to records made of the same rows.
     *
     * @throws {ChurnError} if rows contradict each other, such as payments of unknown customers.
     */
    records(options?: RecordOptions & Cancellable): Promise<TenantRecords>;
    /** Deletes everything stored about one customer; models trained with these records stay. Returns the number of rows. */
    eraseCustomer(customerId: Id): Promise<number>;
    toJSON(): {
        tenant: string;
    };
}
export interface Check {
    name: string;
    /** null for the database or the role. */
    table: string | null;
    passed: boolean;
    detail: string;
}
/** The result of {@link Store.attest}. */
export interface Attestation {
    passed: boolean;
    backend: 'sqlite' | 'postgres';
    /** The database role that serves; empty in SQLite, which has none. */
    role: string;
    schema: number;
    library: string;
    checks: Check[];
    /** SHA-256 of all of the above. */
    fingerprint: string;
    /** The report for people. */
    text: string;
    /** @throws {ChurnError} `not_isolated` unless every check passed. */
    signOff(): void;
}
export interface OpenStoreOptions {
    /** Whether to create or update the tables. Default: true. */
    migrate?: boolean;
}
/** A database of many tenants. Data are reached only through {@link Store.tenant}. */
export declare class Store {
    private constructor();
    /**
     * Opens a store, and creates or updates its tables unless `migrate` is false.
     *
     * `sqlite:///var/churn.db` is an absolute path, `sqlite:churn.db` one from the working directory; the file is created if it does
     * not exist. `sqlite::memory:` lives as long as the store. `postgres://user:password@host/database` isolates tenants by row-level
     * security: let the owner of the tables migrate, and another role serve ({@link grantTo}).
     *
     * @throws {ChurnError} `store_unavailable`; `store_newer` if a newer version of this module migrated it.
     */
    static open(url: string, options?: OpenStoreOptions): Promise<Store>;
    get backend(): 'sqlite' | 'postgres';
    /** Creates or updates the tables. */
    migrate(): Promise<void>;
    /** The version of the tables; 0 before the first {@link migrate}. */
    version(): Promise<number>;
    /** Postgres: grants a role the rights that serving needs. Call it as the owner of the tables. */
    grantTo(role: string): Promise<void>;
    /** Tests the isolation of tenants; leaves nothing behind. */
    attest(): Promise<Attestation>;
    /** Closes all connections; later calls reject with `store_unavailable`. */
    close(): Promise<void>;
    /** The data of one tenant. */
    tenant(tenant: Id): TenantStore;
    [Symbol.asyncDispose](): Promise<void>;
    toJSON(): {
        backend: 'sqlite' | 'postgres';
    };
}
