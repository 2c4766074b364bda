import type { ActivityRow, Camel, CustomerColumns, CustomerRecord, Id, Moment, OwnActivityRow, OwnPaymentRow, OwnTicketRow, PaymentRow, TableName, TicketRow } from './columns.js';
import type { Feature } from './feature.js';
import type { GradientBoostingOptions, Monotonicity, RandomForestOptions, Reason, RiskBand, Score as AnyScore } from '../reports.js';
export type { Moment };
/** The value of a customer attribute. */
export type Attribute = string | number | bigint | boolean | null | undefined;
/** A row of customers: the known columns, and your own attributes. */
export type CustomerRow<Attributes extends object = object> = CustomerRecord & Attributes;
type Fold<S> = S extends `${infer Head}_${infer Tail}` ? Fold<`${Head}${Tail}`> : S extends string ? Lowercase<S> : never;
type Folded = Fold<keyof CustomerColumns>;
/**
 * Every key that is not a known column is an attribute. A known column in a spelling other than snake_case or camelCase is a type
 * error.
 */
export type WithAttributes<C> = {
    [K in keyof C]: K extends keyof CustomerColumns ? unknown : Fold<K> extends Folded ? never : Attribute;
};
/** Options of functions that read records. */
export interface RecordOptions {
    /**
     * If rows are invalid, `'refuse'` (default) throws an error with the whole report; `'quarantine'` leaves these rows out and
     * reports them.
     */
    onInvalid?: 'refuse' | 'quarantine';
    /** Start of the observed history. Default: the earliest event. */
    observedFrom?: Moment;
    /** End of the observed history. Default: just after the latest event. */
    observedUntil?: Moment;
    /** Names of attributes without dates that never change, so that today's value is valid for the past. */
    staticAttributes?: 'all' | readonly string[];
    /** The tenant's currency (ISO 4217). Default: the first currency among the payments that has no conversion rate. */
    currency?: string;
    /** For each other currency, the value of one major unit in the tenant's currency. */
    conversionRates?: Readonly<Record<string, number>>;
}
/** Options of records that are read from tables. */
export interface TableOptions extends RecordOptions {
    /** Order of events at the same time: `'given'` (default) keeps the order of the rows, `'content'` sorts by id and then by all values. */
    ties?: 'given' | 'content';
}
/** The event tables as arrays of objects. Leave out a table that you do not have; `[]` means that no such events happened. */
export interface EventTables {
    payments?: readonly PaymentRow[] | null;
    tickets?: readonly TicketRow[] | null;
    activities?: readonly ActivityRow[] | null;
}
/** All tables as arrays of objects. */
export interface ObjectTables<C extends CustomerRecord = CustomerRecord> extends EventTables {
    customers: readonly (C & WithAttributes<C>)[];
}
/** A `Table` of the package `apache-arrow`. */
export interface ArrowTable {
    readonly schema: {
        readonly fields: readonly {
            readonly name: string;
        }[];
    };
    readonly batches: readonly unknown[];
    readonly numRows: number;
}
/** A table as the bytes of an Arrow IPC file or stream, or as a `Table` of `apache-arrow`. */
export type Arrow = Uint8Array | ArrowTable;
/** All tables as Arrow. Column names are snake_case (`due_at`) or camelCase (`dueAt`). */
export interface ArrowTables {
    customers: Arrow;
    payments?: Arrow | null;
    tickets?: Arrow | null;
    activities?: Arrow | null;
}
/** One customer's rows. Event rows without a `customer_id` belong to this customer. */
export interface CustomerRows<C extends CustomerRecord = CustomerRecord> {
    /** The customer's row, or all its versions. */
    customer: (C & WithAttributes<C>) | readonly (C & WithAttributes<C>)[];
    payments?: readonly OwnPaymentRow[] | null;
    tickets?: readonly OwnTicketRow[] | null;
    activities?: readonly OwnActivityRow[] | null;
}
/** A customer churns if `churned_at` lies in the label period. */
export interface CancellationDefinition {
    kind: 'cancellation';
    /** Length of the label period in days. Default: 90. */
    horizon?: number;
    /** Days between `asOf` and the label period. Default: 0. */
    lead?: number;
}
/** A customer churns if they have no paid payment, or no activity, in the label period. */
export interface InactivityDefinition {
    kind: 'inactivity';
    /** Length of the label period in days. Default: 90. */
    horizon?: number;
    /** Days between `asOf` and the label period. Default: 0. */
    lead?: number;
    /** Customers are eligible if they had such an event within this many days before `asOf`. Default: the horizon. */
    activeWithin?: number | null;
    /** The table whose events count. Default: `'payments'`. */
    on?: 'payments' | 'activities';
}
/** What counts as churn. */
export type ChurnDefinition = CancellationDefinition | InactivityDefinition;
/** The progress of a long call. */
export interface Progress {
    /** The current stage, for display. */
    stage: string;
    /** Completed share of the whole call, 0 to 1. It never falls, and is 1 exactly once, at the end. */
    done: number;
}
/** Options of calls that can be cancelled. */
export interface Cancellable {
    /** Cancels the call. Its promise then rejects with a ChurnError with the code `'cancelled'` and the name `'AbortError'`. */
    signal?: AbortSignal | null;
}
/** Options of calls that use several threads. */
export interface Threads {
    /** Number of threads, 1 to 512. Default: the number of cores. Results do not depend on it. */
    threads?: number;
}
/** Options of calls that report progress. */
export interface Reporting {
    /** Called on the event loop. If it throws, the call is cancelled, and the promise rejects with that error. */
    onProgress?: ((progress: Progress) => void) | null;
}
/** One moment or several. */
export type Moments = Moment | readonly Moment[];
/** Options of `features`. */
export interface FeatureOptions extends Threads {
    /** One date or several. */
    asOf: Moments;
    /** Windows of the standard features, in days. Default: 28, 91, 182, 364. */
    windows?: readonly number[];
    /** Your own features, in addition to the standard ones. */
    features?: readonly Feature[];
    /**
     * If given, only customers who are eligible under this definition have rows. Default: every customer who signed up before the
     * date has a row.
     */
    definition?: ChurnDefinition;
}
/** Options of gradient boosting. Monotone constraints are an option of the training. */
export type BoostingOptions = Omit<GradientBoostingOptions, 'monotoneConstraints'>;
/** Options of the random forest. */
export type ForestOptions = RandomForestOptions;
/**
 * What happens to columns that leak the target: `'refuse'` throws an error, `'warn'` uses the columns and reports them, `'allow'`
 * only uses them.
 */
export type LeakagePolicy = 'refuse' | 'warn' | 'allow';
/** Options of `ChurnModel.train`. */
export interface TrainOptions extends Cancellable, Threads, Reporting {
    /** The definition of churn. Default: cancellation within 90 days. */
    definition?: ChurnDefinition;
    /** Training dates, whose label periods must be over. Default: the library chooses such dates. */
    asOf?: Moments;
    /** Windows of the standard features, in days. Default: 28, 91, 182, 364. */
    windows?: readonly number[];
    /** Your own features, in addition to the standard ones. */
    features?: readonly Feature[];
    /** Whether the ensemble has a linear member. Default: true. */
    linear?: boolean;
    /** `false` leaves the gradient boosting out. `nTrees` is a maximum, because early stopping may select fewer trees. */
    boosting?: boolean | BoostingOptions;
    /** A second gradient boosting with deeper trees. Default: true, but false if `boosting` has options or is `false`. */
    deepBoosting?: boolean | BoostingOptions;
    /** `false` leaves the random forest out. */
    forest?: boolean | ForestOptions;
    /** Seed of all random sampling. The same seed gives the same model bytes. Default: 0. */
    seed?: number | bigint;
    /** Maximum number of customer-date pairs. If there are more, whole customers are sampled. Default: 500000. */
    maxRows?: number;
    /** Weight of churned rows in the training of the members. Probabilities stay calibrated. Default: 1. */
    churnWeight?: number;
    /** Features whose effect is monotone. The forest cannot be constrained and is left out. */
    monotoneConstraints?: Readonly<Record<string, Monotonicity>>;
    /** Number of folds for blending and calibration. Default: 5. */
    folds?: number;
    /** Whether the model may score other tenants' records. Default: false. */
    shared?: boolean;
    /** What happens to columns that leak the target. Default: `'refuse'`. */
    leakage?: LeakagePolicy;
    /** Columns that are accepted although they leak the target. */
    allowColumns?: string | readonly string[];
}
/** Options of `backtest`. */
export interface BacktestOptions extends TrainOptions {
    /** The test dates, whose label periods must be over. Default: the last possible dates, at most three, one label period apart. */
    origins?: Moments;
    /** Minimum number of days between the end of the last training label and an origin. Default: 0. */
    embargoDays?: number;
    /** Whether to test only customers who have no training row. Default: false. */
    unseenCustomers?: boolean;
}
/** Options of `model.score`. */
export interface ScoreOptions extends Cancellable, Threads, Reporting {
    asOf: Moment;
}
/** Options of long calls. */
export interface RunOptions extends Threads, Cancellable {
}
/** A score with a calibrated probability. */
export interface Scored extends AnyScore {
    status: 'scored';
    probability: number;
    riskBand: RiskBand;
    notScoredReason: null;
    expectedAt: null;
}
/** The score of a customer who has no probability, with the reason. */
export interface NotScored extends AnyScore {
    status: 'not_enough_evidence';
    probability: null;
    interval: null;
    riskBand: null;
    notScoredReason: string;
}
/** The score of one customer: `status` tells whether the customer has a probability. */
export type Score = Scored | NotScored;
/** A score with its reasons. */
export type CustomerScore = Score & {
    reasons: Reason[];
    asOf: string;
    modelId: string;
};
/** Contributions of every feature to the log-odds of every row. */
export interface Explanation {
    /** Rows x features, row-major: `contributions[row * featureNames.length + feature]`. */
    contributions: Float64Array;
    /** The base value plus the contributions of a row equals the row's log-odds before calibration. */
    baseValue: number;
    rows: number;
    featureNames: string[];
}
/** The label of a customer at a date. */
export interface Label {
    customerId: string;
    asOf: string;
    /** False for an excluded row, which has no label. */
    churned: boolean;
    rule: 'cancelled' | 'not_cancelled' | 'inactive' | 'active' | 'churned_in_lead' | 'churned_before';
    eventAt: string | null;
}
/** A column of the column dictionary. */
export interface ColumnInfo {
    name: string;
    type: 'id' | 'timestamp' | 'number' | 'text';
    required: boolean;
    meaning: string;
}
export type { ActivityRow, Camel, Id, OwnActivityRow, OwnPaymentRow, OwnTicketRow, PaymentRow, TableName, TicketRow };
