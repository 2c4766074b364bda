import { type TenantRecords } from './records.js';
import type { Cancellable, ChurnDefinition, FeatureOptions, Label, Moments, Threads } from './types.js';
/** A feature matrix: dates as given, and for each date customers sorted by id. Immutable. */
export declare class FeatureMatrix {
    private constructor();
    get tenant(): string;
    /** Number of rows. */
    get rows(): number;
    /** In plan order. */
    get featureNames(): readonly string[];
    /** The customer of every row. */
    get customerIds(): readonly string[];
    /** The date of every row. */
    get asOf(): readonly string[];
    /**
     * The values of one feature: numbers (NaN where missing), or texts (null where missing).
     *
     * @throws {ChurnError} `unknown_feature`.
     */
    column(name: string): Float64Array | (string | null)[];
    /** An Arrow IPC file: `customer_id`, `as_of`, then the features. */
    toArrow(): Buffer;
    toJSON(): {
        tenant: string;
        rows: number;
        featureNames: readonly string[];
        customerIds: readonly string[];
        asOf: readonly string[];
    };
    /** Frees the memory of the matrix. Calls that are running finish; later ones throw. */
    [Symbol.dispose](): void;
}
/**
 * The features of customers at some dates, on the calling thread. Rows are all customers with a spell that began before the date,
 * also those who have left, unless a `definition` keeps only eligible ones.
 */
export declare function features(records: TenantRecords, options: FeatureOptions): FeatureMatrix;
/** As {@link features}, off the event loop. */
export declare function featuresAsync(records: TenantRecords, options: FeatureOptions & Cancellable): Promise<FeatureMatrix>;
export interface LabelOptions extends Threads {
    asOf: Moments;
    /** Default: cancellation within 90 days. */
    definition?: ChurnDefinition;
}
/**
 * The label of every eligible customer.
 *
 * @throws {ChurnError} `immature_label`: a label period that is not over is never read as "stayed".
 */
export declare function labels(records: TenantRecords, options: LabelOptions): {
    rows: Label[];
    excluded: Label[];
};
