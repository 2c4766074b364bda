import type { ClassifierReport, Monotonicity, Reason } from './reports.js';
import type { Arrow, Cancellable, Explanation, LeakagePolicy, Reporting, RunOptions, Threads } from './types.js';
/**
 * A flat table: Arrow, or an array of plain objects whose keys are columns; null, undefined and an absent key are missing values. A
 * column holds values of one type: numbers, bigints, strings, booleans or moments.
 */
export type FlatTable = readonly object[] | Arrow;
/** The label of a row. All labels are of one type. Of two sorted labels, the second is the positive (churned) class. */
export type ClassLabel = string | number | boolean;
/** The group of a row. */
export type GroupLabel = string | number | bigint | boolean;
/** Options of {@link ChurnClassifier.fit}. */
export interface FitOptions extends Threads, Cancellable, Reporting {
    /** The weight of each row. If all are integers, a weight counts as that many equal rows; otherwise weights are scaled to a mean of 1. */
    sampleWeight?: readonly number[] | Float64Array | Float32Array;
    /**
     * The group of each row, such as the customer in a panel of dates. Folds keep the rows of a group together. Without groups, the
     * metrics of several rows per customer are too optimistic. Results depend on neither the names nor the order of groups.
     */
    groups?: readonly GroupLabel[] | Int32Array | Uint32Array | Float64Array;
    /** The weight of each class, by label or in the sorted order of labels. Probabilities are those of a table with that class balance. */
    classWeight?: 'balanced' | readonly number[] | Float64Array | Readonly<Record<string, number>>;
    /** Numeric columns whose effect is monotone. The forest cannot be constrained and is left out. */
    monotoneConstraints?: Readonly<Record<string, Monotonicity>>;
    /** What happens to columns that leak the target. Default: `'refuse'`. */
    leakage?: LeakagePolicy;
    /** Columns that the leakage checks let through. */
    allowColumns?: string | readonly string[];
    /** Columns to treat as categorical even if their strings look like numbers: `'0034'` stays text. */
    categorical?: string | readonly string[];
    /** The same seed gives the same model bytes. Default: 0. */
    seed?: number | bigint;
}
/** Options of opening a classifier file. */
export interface OpenOptions {
    /** Labels that replace those in the file, in the order of `classes`. Default for files from other languages: 0, 1, and so on. */
    classes?: readonly ClassLabel[];
}
/** Options of {@link ChurnClassifier.reasons}. */
export interface ClassifierReasonsOptions extends RunOptions {
    /** Reasons per row. Default: 5. */
    top?: number;
}
/**
 * The ensemble of {@link ChurnModel} for a flat table without dates: one row per customer, or several. Immutable. It depends on
 * neither the number of threads nor the order of rows, and equals the classifier that Rust and Python fit to the same table. Its
 * file includes the labels and the type of each column.
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
    /** The sorted labels: strings by UTF-16 code units, false before true. */
    readonly classes: readonly ClassLabel[];
    private constructor();
    /**
     * Fits a classifier to rows and their labels, off the event loop. The table is copied before the call returns.
     *
     * Rejects with `single_class` or `too_little_data`; with `leakage` if a column leaks the target and `leakage` is `'refuse'`; with
     * `invalid_option` and the row if a label, weight or group is missing or there is not one for each row; with code, row and column of
     * a bad value; with `cancelled`.
     */
    static fit(x: FlatTable, y: readonly ClassLabel[] | Int8Array | Uint8Array | Int32Array | Float64Array, options?: FitOptions): Promise<ChurnClassifier>;
    /** Opens a classifier file from memory. Labels are in the file if it was written in Node. */
    static fromBytes(bytes: Uint8Array, options?: OpenOptions): ChurnClassifier;
    /** Like {@link fromBytes}, from a path. */
    static load(path: string | URL, options?: OpenOptions): Promise<ChurnClassifier>;
    /** Writes the classifier file, atomically. */
    save(path: string | URL): Promise<void>;
    /** The bytes of the classifier file. */
    toBytes(): Buffer;
    /** The classifier's id: a hash of its content. */
    get id(): string;
    /** Names of the columns, in the order of the fit. */
    get featureNames(): readonly string[];
    /** How the classifier was fitted and how well it performs. */
    get report(): ClassifierReport;
    /**
     * Calibrated probability of each class for each row: `probabilities[row * classes.length + class]`. Rejects with
     * `feature_mismatch` if the columns differ from those of the fit; the message names missing and extra columns.
     */
    predictProba(x: FlatTable, options?: RunOptions): Promise<Float64Array>;
    /** The most probable label of each row. */
    predict(x: FlatTable, options?: RunOptions): Promise<ClassLabel[]>;
    /**
     * 90 % confidence interval for the churn rate of rows with the same score: `low, high` of each row, row-major. For two classes only.
     *
     * Rejects with `artifact_version` if the file was written by a version without intervals.
     */
    predictInterval(x: FlatTable, options?: RunOptions): Promise<Float64Array>;
    /** Shapley values of each column for each row, in log-odds before calibration. For two classes only. */
    explain(x: FlatTable, options?: RunOptions): Promise<Explanation>;
    /** The columns that contribute most to the score of each row, largest first. For two classes only. */
    reasons(x: FlatTable, options?: ClassifierReasonsOptions): Promise<Reason[][]>;
    /** What `JSON.stringify` writes: the classifier without its trees. */
    toJSON(): {
        id: string;
        classes: readonly ClassLabel[];
        featureNames: readonly string[];
        report: ClassifierReport;
    };
    /** Frees the memory of the classifier. Running calls finish; later calls throw. */
    [Symbol.dispose](): void;
}
