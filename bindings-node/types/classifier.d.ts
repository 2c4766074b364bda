import type { ClassifierReport, Monotonicity, Reason } from './reports.js';
import type { Arrow, Cancellable, Explanation, LeakagePolicy, Reporting, RunOptions, Threads } from './types.js';
/**
 * A flat table: an array of plain objects, in which a key is a column and null, undefined and a missing key are missing values; or
 * Arrow. A column holds numbers, bigints, texts, booleans or moments, but only one of these.
 */
export type FlatTable = readonly object[] | Arrow;
/** The label of a row. All labels are of one type; of two, in sorted order, the second is the churned one. */
export type ClassLabel = string | number | boolean;
/** The group of a row. */
export type GroupLabel = string | number | bigint | boolean;
export interface FitOptions extends Threads, Cancellable, Reporting {
    /** A weight for each row. Whole numbers are that many equal rows; others are scaled to a mean of 1. */
    sampleWeight?: readonly number[] | Float64Array | Float32Array;
    /**
     * The group of each row, such as the customer in a panel of dates. Folds keep the rows of a group together; without groups,
     * metrics of several rows per customer are too good. Neither the names of groups nor their order changes a result.
     */
    groups?: readonly GroupLabel[] | Int32Array | Uint32Array | Float64Array;
    /** A weight for each class: by label, or in the sorted order of labels. Probabilities are those of a table with that balance. */
    classWeight?: 'balanced' | readonly number[] | Float64Array | Readonly<Record<string, number>>;
    /** Number columns with a monotone effect; without the forest, which cannot be constrained. */
    monotoneConstraints?: Readonly<Record<string, Monotonicity>>;
    /** What happens to columns that leak the target. Default: `'refuse'`. */
    leakage?: LeakagePolicy;
    /** Columns that leakage checks let through. */
    allowColumns?: string | readonly string[];
    /** Columns that hold categories, whatever their texts spell: `'0034'` stays a text. */
    categorical?: string | readonly string[];
    /** The same seed gives the same bytes. Default: 0. */
    seed?: number | bigint;
}
export interface OpenOptions {
    /** Labels in the place of those in the file, in the order of `classes`. Default for files of other hosts: 0, 1 and so on. */
    classes?: readonly ClassLabel[];
}
export interface ClassifierReasonsOptions extends RunOptions {
    /** Reasons per row. Default: 5. */
    top?: number;
}
/**
 * The ensemble of {@link ChurnModel} for a flat table without dates: one row per customer, or several. Immutable. It depends on
 * neither the number of threads nor the order of rows, and predicts as the one that Rust and Python fit to the same table. Its file
 * also holds the labels and the type of each column.
 *
 * ```js
 * const rows = [], left = [], customers = []
 * for (let i = 0; i < 300; i++) {
 *   rows.push({ plan: i % 2 ? 'pro' : 'basic', minutes: (i * 37) % 100 })
 *   left.push((i * 37) % 100 < 40 && i % 5 > 0)
 *   customers.push(`C-${i >> 1}`)
 * }
 * const classifier = await ChurnClassifier.fit(rows, left, { groups: customers })
 * const probabilities = await classifier.predictProba([{ plan: 'pro', minutes: 3 }]) // of false, of true
 * const [[reason]] = await classifier.reasons([{ plan: 'pro', minutes: 3 }])
 * ```
 */
export declare class ChurnClassifier {
    /** The labels, sorted: texts by UTF-16 units, false before true. */
    readonly classes: readonly ClassLabel[];
    private constructor();
    /**
     * Fits to rows and their labels, off the event loop. The table is copied before the call returns.
     *
     * Rejects with `single_class` or `too_little_data`; `leakage` if a column leaks the target and `leakage` is `'refuse'`;
     * `invalid_option` if labels, weights or groups are not one for each row, or one is missing, with the row; the code of a bad value
     * with row and column; `cancelled`.
     */
    static fit(x: FlatTable, y: readonly ClassLabel[] | Int8Array | Uint8Array | Int32Array | Float64Array, options?: FitOptions): Promise<ChurnClassifier>;
    /** Opens the file of a classifier, with its labels if it was fitted here. */
    static fromBytes(bytes: Uint8Array, options?: OpenOptions): ChurnClassifier;
    /** As {@link fromBytes}, from a path. */
    static load(path: string | URL, options?: OpenOptions): Promise<ChurnClassifier>;
    /** Writes the file. */
    save(path: string | URL): Promise<void>;
    /** The bytes of the file. */
    toBytes(): Buffer;
    /** Identifies the classifier by its content. */
    get id(): string;
    get featureNames(): readonly string[];
    /** How the classifier was fitted, and its metrics. */
    get report(): ClassifierReport;
    /**
     * Calibrated probability of every class of every row: `probabilities[row * classes.length + class]`. Rejects with
     * `feature_mismatch` if the columns differ from those of the fit, and names the missing and the extra ones.
     */
    predictProba(x: FlatTable, options?: RunOptions): Promise<Float64Array>;
    /** The most probable label of each row. */
    predict(x: FlatTable, options?: RunOptions): Promise<ClassLabel[]>;
    /**
     * 90 % interval of the churn rate of rows with each row's score, with two labels: `low, high` of each row, row-major.
     *
     * Rejects with `artifact_version` for files of versions without intervals.
     */
    predictInterval(x: FlatTable, options?: RunOptions): Promise<Float64Array>;
    /** Shapley values of every column for every row, in log-odds before calibration, with two labels. */
    explain(x: FlatTable, options?: RunOptions): Promise<Explanation>;
    /** The columns that contribute most to the score of each row, largest first, with two labels. */
    reasons(x: FlatTable, options?: ClassifierReasonsOptions): Promise<Reason[][]>;
    toJSON(): {
        id: string;
        classes: readonly ClassLabel[];
        featureNames: readonly string[];
        report: ClassifierReport;
    };
    /** Frees the memory of the classifier. Calls that are running finish; later ones throw. */
    [Symbol.dispose](): void;
}
