import { type TenantRecords } from './records.js';
import type { Cancellable, ChurnDefinition, FeatureOptions, Label, Moments, Threads } from './types.js';
/**
 * An immutable feature matrix with one row per date and customer. Rows are in the order of the given dates, and rows of
 * the same date are sorted by customer id.
 */
export declare class FeatureMatrix {
    private constructor();
    /** The id of the tenant to whom the customers belong. */
    get tenant(): string;
    /** Number of rows. */
    get rows(): number;
    /** Names of the features, in the order of the columns of the matrix. */
    get featureNames(): readonly string[];
    /** The customer id of each row. */
    get customerIds(): readonly string[];
    /** The date of each row. */
    get asOf(): readonly string[];
    /**
     * Returns the values of one feature. For a numeric feature, the result is a `Float64Array`, in which NaN is a missing
     * value. For a text feature, the result is an array of strings, in which null is a missing value.
     *
     * @throws {ChurnError} `unknown_feature` if the matrix has no feature with this name.
     */
    column(name: string): Float64Array | (string | null)[];
    /**
     * Returns the matrix as an Arrow IPC file with the columns `customer_id` and `as_of`, and then one column per
     * feature.
     */
    toArrow(): Buffer;
    /** The value that `JSON.stringify` writes for this object: the names, ids and dates, without the feature values. */
    toJSON(): {
        tenant: string;
        rows: number;
        featureNames: readonly string[];
        customerIds: readonly string[];
        asOf: readonly string[];
    };
    /** Frees the memory of the matrix after all running calls have finished. Later calls throw an error. */
    [Symbol.dispose](): void;
}
/**
 * Computes the features of customers at one or several dates. This function is synchronous. The matrix has a row for
 * each date and each customer who signed up before the date, including customers who have left. If you pass a
 * `definition`, the matrix has rows only for customers who are eligible under this definition of churn.
 */
export declare function features(records: TenantRecords, options: FeatureOptions): FeatureMatrix;
/** Computes a feature matrix like {@link features}, but without blocking the event loop. */
export declare function featuresAsync(records: TenantRecords, options: FeatureOptions & Cancellable): Promise<FeatureMatrix>;
/** Options of {@link labels}. */
export interface LabelOptions extends Threads {
    asOf: Moments;
    /** The definition of churn. Default: cancellation within 90 days. */
    definition?: ChurnDefinition;
}
/**
 * Computes the churn labels of all eligible customers at one or several dates. In the result, `rows` has the labels.
 * `excluded` has the customers who churned before the label period (the period in which churn is counted), and who
 * therefore have no label.
 *
 * @throws {ChurnError} `immature_label` if a label period ends after the end of the observed history. The outcome is
 * then not known.
 */
export declare function labels(records: TenantRecords, options: LabelOptions): {
    rows: Label[];
    excluded: Label[];
};
