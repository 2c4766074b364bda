import { type TenantRecords } from './records.js';
import type { Cancellable, ChurnDefinition, FeatureOptions, Label, Moments, Threads } from './types.js';
/** A feature matrix with one row per date and customer, ordered by date (as the dates were given) and then by customer id. Immutable. */
export declare class FeatureMatrix {
    private constructor();
    /** The tenant of the rows. */
    get tenant(): string;
    /** Number of rows. */
    get rows(): number;
    /** Names of the features, in plan order. */
    get featureNames(): readonly string[];
    /** The customer id of every row. */
    get customerIds(): readonly string[];
    /** The date of every row. */
    get asOf(): readonly string[];
    /**
     * The values of one feature: numbers (NaN where missing), or texts (null where missing).
     *
     * @throws {ChurnError} `unknown_feature` if the matrix has no such feature.
     */
    column(name: string): Float64Array | (string | null)[];
    /** An Arrow IPC file: `customer_id`, `as_of`, then the features. */
    toArrow(): Buffer;
    /** What `JSON.stringify` writes: the matrix without its values. */
    toJSON(): {
        tenant: string;
        rows: number;
        featureNames: readonly string[];
        customerIds: readonly string[];
        asOf: readonly string[];
    };
    /** Frees the memory of the matrix. Running calls finish; later calls throw. */
    [Symbol.dispose](): void;
}
/**
 * Computes the features of customers at some dates, on the calling thread. The matrix has a row for every customer who signed up
 * before the date, including customers who have left. With a `definition`, it has rows for the eligible customers only.
 */
export declare function features(records: TenantRecords, options: FeatureOptions): FeatureMatrix;
/** Computes the same matrix as {@link features}, off the event loop. */
export declare function featuresAsync(records: TenantRecords, options: FeatureOptions & Cancellable): Promise<FeatureMatrix>;
/** Options of {@link labels}. */
export interface LabelOptions extends Threads {
    asOf: Moments;
    /** The definition of churn. Default: cancellation within 90 days. */
    definition?: ChurnDefinition;
}
/**
 * The label of every eligible customer.
 *
 * @throws {ChurnError} `immature_label` if a label period is not over, because then the outcome is not known.
 */
export declare function labels(records: TenantRecords, options: LabelOptions): {
    rows: Label[];
    excluded: Label[];
};
