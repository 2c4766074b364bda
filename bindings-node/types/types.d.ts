import type { ActivityRow, Camel, CustomerColumns, CustomerRecord, Id, Moment, OwnActivityRow, OwnPaymentRow, OwnTicketRow, PaymentRow, TableName, TicketRow } from './columns.js';
import type { Feature } from './feature.js';
import type { GradientBoostingOptions, Monotonicity, RandomForestOptions, Reason, RiskBand, Score as AnyScore } from '../reports.js';
import type { Warning } from './reports.js';
export type { Moment };
/** The value of a customer attribute. */
export type Attribute = string | number | bigint | boolean | null | undefined;
/** A row of the table of customers. It has the known columns and your own attributes. */
export type CustomerRow<Attributes extends object = object> = CustomerRecord & Attributes;
type Fold<S> = S extends `${infer Head}_${infer Tail}` ? Fold<`${Head}${Tail}`> : S extends string ? Lowercase<S> : never;
type Folded = Fold<keyof CustomerColumns>;
/**
 * The type of a customer row with attributes. A key that is not a known column is an attribute. If a key is the name of
 * a known column, but is written in neither snake_case nor camelCase, the key causes a type error.
 */
export type WithAttributes<C> = {
    [K in keyof C]: K extends keyof CustomerColumns ? unknown : Fold<K> extends Folded ? never : Attribute;
};
/** Options of functions that read records. */
export interface RecordOptions {
    /**
     * What happens if rows are invalid. `'refuse'` (default) throws an error that has the complete validation report.
     * `'quarantine'` leaves the invalid rows out and lists them in the report.
     */
    onInvalid?: 'refuse' | 'quarantine';
    /** Start of the observed history (the period that the records cover). Default: the earliest event. */
    observedFrom?: Moment;
    /** End of the observed history (the period that the records cover). Default: just after the latest event. */
    observedUntil?: Moment;
    /**
     * Names of customer attributes that never change, or `'all'`. If the customers have no `valid_from` column, only
     * these attributes enter features, because the current value of any other attribute may differ from its value in the
     * past.
     */
    staticAttributes?: 'all' | readonly string[];
    /**
     * The ISO 4217 code of the tenant's currency. Default: the currency of the first payment whose currency has no
     * conversion rate.
     */
    currency?: string;
    /**
     * The exchange rates of currencies other than `currency`. Each key is a currency code. Its value is the price of one
     * major unit of this currency (such as one euro), in major units of the tenant's currency.
     */
    conversionRates?: Readonly<Record<string, number>>;
}
/** Options of functions that read records from tables. */
export interface TableOptions extends RecordOptions {
    /**
     * Order of events that have the same time. `'given'` (default) keeps the order of the rows. `'content'` sorts by id
     * and then by all values.
     */
    ties?: 'given' | 'content';
}
/**
 * The event tables as arrays of objects. Leave out a table that you do not have. `[]` means that no events of this kind
 * happened.
 */
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
/** All tables as Arrow data. Column names are in snake_case (`due_at`) or camelCase (`dueAt`). */
export interface ArrowTables {
    customers: Arrow;
    payments?: Arrow | null;
    tickets?: Arrow | null;
    activities?: Arrow | null;
}
/** One customer's rows. Event rows without a `customer_id` belong to this customer. */
export interface CustomerRows<C extends CustomerRecord = CustomerRecord> {
    /** The row of the customer, or an array with all versions (dated rows) of the customer. */
    customer: (C & WithAttributes<C>) | readonly (C & WithAttributes<C>)[];
    payments?: readonly OwnPaymentRow[] | null;
    tickets?: readonly OwnTicketRow[] | null;
    activities?: readonly OwnActivityRow[] | null;
}
/**
 * The definition of churn by cancellation: a customer churns if their `churned_at` lies in the label period. The label
 * period is the period after the date of the prediction, during which churn is counted.
 */
export interface CancellationDefinition {
    kind: 'cancellation';
    /** Length in days of the label period. In this period, a customer either churns or stays. Default: 90. */
    horizon?: number;
    /** Number of days between `asOf` (the date of the prediction) and the start of the label period. Default: 0. */
    lead?: number;
}
/**
 * The definition of churn by inactivity: a customer churns if they have no event in the label period. The label period
 * is the period after the date of the prediction, during which churn is counted. An event is a paid payment or an
 * activity, depending on `on`.
 */
export interface InactivityDefinition {
    kind: 'inactivity';
    /** Length in days of the label period. In this period, a customer either churns or stays. Default: 90. */
    horizon?: number;
    /** Number of days between `asOf` (the date of the prediction) and the start of the label period. Default: 0. */
    lead?: number;
    /**
     * A number of days. Only customers who had an event within this number of days before `asOf` (the date of the
     * prediction) are labelled and scored. Default: the value of `horizon`.
     */
    activeWithin?: number | null;
    /** The table whose events show that a customer is active. Default: `'payments'`. */
    on?: 'payments' | 'activities';
}
/** The definition of churn: by cancellation or by inactivity. */
export type ChurnDefinition = CancellationDefinition | InactivityDefinition;
/** The progress of a long call. */
export interface Progress {
    /** The name of the current stage, to show to a user. */
    stage: string;
    /**
     * The share of the whole call that is completed, 0 to 1. The share never falls. The value 1 is reported exactly once,
     * at the end.
     */
    done: number;
}
/** Options of calls that can be cancelled. */
export interface Cancellable {
    /**
     * Cancels the call. The promise then rejects with a ChurnError whose code is `'cancelled'` and whose name is
     * `'AbortError'`.
     */
    signal?: AbortSignal | null;
}
/** Options of calls that use several threads. */
export interface Threads {
    /** Number of threads, 1 to 512. Default: the number of cores. Results do not depend on this number. */
    threads?: number;
}
/** Options of calls that report progress. */
export interface Reporting {
    /**
     * A function that receives the progress of the call. It is called on the event loop. If it throws an error, the call
     * is cancelled, and the promise rejects with this error.
     */
    onProgress?: ((progress: Progress) => void) | null;
}
/** One moment (timestamp) or a list of moments. */
export type Moments = Moment | readonly Moment[];
/** Options of `features`. */
export interface FeatureOptions extends Threads {
    /** One date or a list of dates. */
    asOf: Moments;
    /** Lengths, in days, of the windows of the standard features. Default: 28, 91, 182, 364. */
    windows?: readonly number[];
    /** Your own features, in addition to the standard features. */
    features?: readonly Feature[];
    /**
     * A definition of churn. If it is given, only customers who are eligible under this definition have rows. Otherwise,
     * each customer who signed up before the date has a row.
     */
    definition?: ChurnDefinition;
}
/**
 * Options of a gradient-boosting model. Monotone constraints are not among them, because `monotoneConstraints` is an
 * option of the whole training run.
 */
export type BoostingOptions = Omit<GradientBoostingOptions, 'monotoneConstraints'>;
/** Options of the random forest. */
export type ForestOptions = RandomForestOptions;
/**
 * What happens to columns that leak the target (reveal the label). With `'refuse'`, training fails if an attribute or a
 * column of a flat table leaks. If a feature that is computed from events leaks, it only causes a warning in the
 * report. With `'warn'`, the columns are used, and warnings in the report list them. With `'allow'`, the columns are
 * used, and the report lists them as allowed.
 */
export type LeakagePolicy = 'refuse' | 'warn' | 'allow';
/** Options of `ChurnModel.train`. */
export interface TrainOptions extends Cancellable, Threads, Reporting {
    /** The definition of churn. Default: cancellation within 90 days. */
    definition?: ChurnDefinition;
    /**
     * The training dates. The label period of each date (the period after the date, during which churn is counted) must
     * be over. By default, the library chooses the dates.
     */
    asOf?: Moments;
    /** Lengths, in days, of the windows of the standard features. Default: 28, 91, 182, 364. */
    windows?: readonly number[];
    /** Your own features, in addition to the standard features. */
    features?: readonly Feature[];
    /** Whether the ensemble includes a logistic regression (the linear member). Default: true. */
    linear?: boolean;
    /**
     * Whether the ensemble includes a gradient-boosting model with small trees. An object sets the options of this
     * member. The option `nTrees` is a maximum, because early stopping may select fewer trees. Default: true.
     */
    boosting?: boolean | BoostingOptions;
    /**
     * Whether the ensemble includes a second gradient-boosting model with deeper trees. An object sets the options of
     * this member. Default: true. If `boosting` is `false` or an object, the default is false.
     */
    deepBoosting?: boolean | BoostingOptions;
    /** Whether the ensemble includes a random forest. An object sets the options of this member. Default: true. */
    forest?: boolean | ForestOptions;
    /** Seed of all random sampling. Equal records, options and seeds give equal model bytes. Default: 0. */
    seed?: number | bigint;
    /**
     * Maximum number of training rows (pairs of a customer and a date). If there are more rows, training uses all rows of
     * a sample of the customers. Default: 500000.
     */
    maxRows?: number;
    /**
     * The weight that the training rows of churned customers have when the members of the ensemble are fitted. All other
     * rows have the weight 1. Predicted probabilities stay calibrated. Default: 1.
     */
    churnWeight?: number;
    /**
     * An object with a direction for each constrained feature. With `'increasing'`, a larger value of the feature never
     * lowers the predicted probability. With `'decreasing'`, a larger value never raises the predicted probability. With
     * constraints, the ensemble has no random forest.
     */
    monotoneConstraints?: Readonly<Record<string, Monotonicity>>;
    /**
     * Number of cross-validation folds. The out-of-fold predictions are used to blend the members of the ensemble
     * and to calibrate the blend. Default: 5.
     */
    folds?: number;
    /** Whether the model may score other tenants' records. Default: false. */
    shared?: boolean;
    /** What happens to columns that leak the target (reveal the label). Default: `'refuse'`. */
    leakage?: LeakagePolicy;
    /** Names of columns that are accepted although they leak the target (reveal the label). */
    allowColumns?: string | readonly string[];
}
/** Options of `backtest`. */
export interface BacktestOptions extends TrainOptions {
    /**
     * The test dates. The label period of each date (the period after the date, during which churn is counted) must be
     * over. By default, the last possible dates are used: at most three dates, which lie one label period apart.
     */
    origins?: Moments;
    /**
     * The last label period that is used in training must end at least this number of days before the test date. Default:
     * 0.
     */
    embargoDays?: number;
    /** Whether to test only customers who have no training row. Default: false. */
    unseenCustomers?: boolean;
}
/** Options of `model.score`. */
export interface ScoreOptions extends Cancellable, Threads, Reporting {
    asOf: Moment;
}
/** Options of long calls: the number of threads, and a signal that cancels the call. */
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
/** The score of a customer who has no probability. `notScoredReason` says why. */
export interface NotScored extends AnyScore {
    status: 'not_enough_evidence';
    probability: null;
    interval: null;
    riskBand: null;
    notScoredReason: string;
}
/** The score of one customer. The property `status` tells whether the customer has a probability. */
export type Score = Scored | NotScored;
/** The score of a customer, with the reasons for the score. */
export type CustomerScore = Score & {
    reasons: Reason[];
    asOf: string;
    modelId: string;
    /**
     * Warnings about columns that the model uses but the rows do not have, and about columns of the rows that the model
     * does not use. In both cases, the name of a column may be misspelt.
     */
    warnings: Warning[];
};
/** The contributions (Shapley values) of the features to the scores, with one contribution per row and feature. */
export interface Explanation {
    /** The contributions as a row-major array: `contributions[row * featureNames.length + feature]`. */
    contributions: Float64Array;
    /**
     * The score before any feature contributes. The base value plus the contributions of a row equals the score of the
     * row before calibration.
     */
    baseValue: number;
    rows: number;
    featureNames: string[];
}
/** The label of a customer at a date. */
export interface Label {
    customerId: string;
    asOf: string;
    /** Whether the customer churned in the label period. The value is false for an excluded row, which has no label. */
    churned: boolean;
    rule: 'cancelled' | 'not_cancelled' | 'inactive' | 'active' | 'churned_in_lead' | 'churned_before';
    eventAt: string | null;
}
/** A column that the library recognizes in a table. */
export interface ColumnInfo {
    name: string;
    type: 'id' | 'timestamp' | 'number' | 'text';
    required: boolean;
    meaning: string;
}
export type { ActivityRow, Camel, Id, OwnActivityRow, OwnPaymentRow, OwnTicketRow, PaymentRow, TableName, TicketRow };
