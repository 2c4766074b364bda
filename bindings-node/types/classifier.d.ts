import type { ClassifierReport, Monotonicity, Reason } from './reports.js';
import type { Arrow, Cancellable, Explanation, LeakagePolicy, Reporting, RunOptions, Threads } from './types.js';
/**
 * A flat table: Arrow, or an array of plain objects whose keys are columns. null, undefined and an absent key are missing values. All
 * values of a column have one type: numbers, bigints, strings, booleans or moments.
 */
export type FlatTable = readonly object[] | Arrow;
/** The label of a row. All labels have one type. If there are two labels, the second in sorted order is the positive (churned) class. */
export type ClassLabel = string | number | boolean;
/** The group of a row. */
export type GroupLabel = string | number | bigint | boolean;
/** Options of {@link ChurnClassifier.fit}. */
export interface FitOptions extends Threads, Cancellable, Reporting {
    /**
     * The weight of each row. If all weights are integers, a weight n has the effect of n equal rows; otherwise weights are scaled to
     * a mean of 1.
     */
    sampleWeight?: readonly number[] | Float64Array | Float32Array;
    /**
     * The group of each row, such as the customer id if a customer has several rows. All rows of a group share a fold. Without groups,
     * the metrics would then be too optimistic. Results depend on neither the names nor the order of groups.
     */
    groups?: readonly GroupLabel[] | Int32Array | Uint32Array | Float64Array;
    /**
     * The weight of each class, by label or in the sorted order of labels. Probabilities hold for a population with the weighted
     * class frequencies.
     */
    classWeight?: 'balanced' | readonly number[] | Float64Array | Readonly<Record<string, number>>;
    /** Numeric columns whose effect is monotone. The forest cannot be constrained and is left out. */
    monotoneConstraints?: Readonly<Record<string, Monotonicity>>;
    /** What happens to columns that leak the target. Default: `'refuse'`. */
    leakage?: LeakagePolicy;
    /** Columns that are accepted although they leak the target. */
    allowColumns?: string | readonly string[];
    /** Columns to treat as categorical even if all their strings are numbers, such as `'0034'`. */
    categorical?: string | readonly string[];
    /** Seed of all random sampling. The same seed gives the same model bytes. Default: 0. */
    seed?: number | bigint;
}
/** Options of {@link ChurnClassifier.load} and {@link ChurnClassifier.fromBytes}. */
export interface OpenOptions {
    /**
     * Labels that replace the labels in the file, in the order of `classes`. Files from other languages have no labels: their default
     * is 0, 1, and so on.
     */
    classes?: readonly ClassLabel[];
}
/** Options of {@link ChurnClassifier.reasons}. */
export interface ClassifierReasonsOptions extends RunOptions {
    /** Reasons per row. Default: 5. */
    top?: number;
}
/**
 * The same ensemble as {@link ChurnModel}, for flat tables without dates. A customer may have one row or several. A classifier is
 * immutable. It depends on neither the number of threads nor the order of rows, and equals the classifier that Rust and Python fit to
 * the same table. The classifier file includes the labels and the type of each column.
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
     * Rejects with one of these codes:
     *
     * - `single_class`: all rows have the same label.
     * - `too_little_data`: there are too few rows.
     * - `leakage`: a column leaks the target, and the option `leakage` is `'refuse'`.
     * - `invalid_option`: an option is invalid, or a row has no label, weight or group. In the second case, the error has the row.
     * - `cancelled`: the `signal` was aborted.
     *
     * For an invalid value in the table, the error has its code, row and column.
     */
    static fit(x: FlatTable, y: readonly ClassLabel[] | Int8Array | Uint8Array | Int32Array | Float64Array, options?: FitOptions): Promise<ChurnClassifier>;
    /** Opens a classifier file from memory. Only files that were written in Node contain the labels. */
    static fromBytes(bytes: Uint8Array, options?: OpenOptions): ChurnClassifier;
    /** Opens a classifier file from a path. See {@link fromBytes}. */
    static load(path: string | URL, options?: OpenOptions): Promise<ChurnClassifier>;
    /** Writes the classifier file, atomically. */
    save(path: string | URL): Promise<void>;
    /** The bytes of the classifier file. */
    toBytes(): Buffer;
    /** The id of the classifier: a hash of its content. */
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
     * 90 % confidence interval for the churn rate of rows with the same score, as `low, high` for each row (row-major). Available for two
     * classes only.
     *
     * Rejects with `artifact_version` if the file was written by a version without intervals.
     */
    predictInterval(x: FlatTable, options?: RunOptions): Promise<Float64Array>;
    /** Shapley values of each column for each row, in log-odds before calibration. Available for two classes only. */
    explain(x: FlatTable, options?: RunOptions): Promise<Explanation>;
    /** The columns that contribute most to the score of each row, largest contribution first. Available for two classes only. */
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
