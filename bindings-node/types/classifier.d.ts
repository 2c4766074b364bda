import type { ClassifierReport, Monotonicity, Reason } from './reports.js';
import type { Arrow, Cancellable, Explanation, LeakagePolicy, Reporting, RunOptions, Threads } from './types.js';
/**
 * A flat table: Arrow data, or an array with one plain object per row. The keys of an object are the column names.
 * `null`, `undefined` and an absent key are missing values. All values of a column must have the same type: numbers,
 * bigints, strings, booleans or moments (timestamps).
 */
export type FlatTable = readonly object[] | Arrow;
/**
 * The label of a row. All labels must have the same type. With two labels, the second in sorted order is the positive
 * class (churned).
 */
export type ClassLabel = string | number | boolean;
/** The group of a row, such as a customer id. */
export type GroupLabel = string | number | bigint | boolean;
/** Options of {@link ChurnClassifier.fit}. */
export interface FitOptions extends Threads, Cancellable, Reporting {
    /**
     * The weight of each row. If all weights are integers, a weight n has the same effect as repeating the row n times.
     * Otherwise, the weights are scaled to a mean of 1.
     */
    sampleWeight?: readonly number[] | Float64Array | Float32Array;
    /**
     * The group of each row. If a customer has several rows, pass the customer ids as groups. All rows of a group are
     * then in the same fold. Without groups, rows of one customer would be in several folds, and the metrics would be too
     * optimistic. The names and the order of the groups have no effect.
     */
    groups?: readonly GroupLabel[] | Int32Array | Uint32Array | Float64Array;
    /**
     * The weights of the classes: an object with a weight for each label, or an array in the sorted order of the labels.
     * With class weights, the probabilities are calibrated for a population in which the classes have the weighted
     * frequencies.
     */
    classWeight?: 'balanced' | readonly number[] | Float64Array | Readonly<Record<string, number>>;
    /**
     * An object with a direction for each constrained numeric column. With `'increasing'`, a larger value of the column
     * never lowers the predicted probability. With `'decreasing'`, a larger value never raises the predicted probability.
     * With constraints, the ensemble has no random forest.
     */
    monotoneConstraints?: Readonly<Record<string, Monotonicity>>;
    /** What happens to columns that leak the target (reveal the label). Default: `'refuse'`. */
    leakage?: LeakagePolicy;
    /** Names of columns that are accepted although they leak the target (reveal the label). */
    allowColumns?: string | readonly string[];
    /** Names of columns that are categorical although all their strings are numbers, such as `'0034'`. */
    categorical?: string | readonly string[];
    /** Seed of all random sampling. Equal tables, options and seeds give equal model bytes. Default: 0. */
    seed?: number | bigint;
}
/** Options of {@link ChurnClassifier.load} and {@link ChurnClassifier.fromBytes}. */
export interface OpenOptions {
    /**
     * Labels that replace the labels in the file. Pass them in the sorted order of the labels that they replace. Files
     * that were written by Rust or Python contain no labels. For such files, the default labels are 0, 1, and so on.
     */
    classes?: readonly ClassLabel[];
}
/** Options of {@link ChurnClassifier.reasons}. */
export interface ClassifierReasonsOptions extends RunOptions {
    /** Number of reasons per row. Default: 5. */
    top?: number;
}
/**
 * A classifier for flat tables (tables without dates). Its ensemble has the same members as the ensemble of a
 * {@link ChurnModel}. A customer may have one row or several. A classifier is immutable. The fitted classifier does not
 * depend on the number of threads or on the order of the rows. Rust and Python fit an identical classifier to the same
 * table. The classifier file contains the labels and the type of each column.
 *
 * ```js
 * const rows = [], left = [], customers = []
 * for (let i = 0; i < 300; i++) {
 *   rows.push({ plan: i % 2 ? 'pro' : 'basic', minutes: (i * 37) % 100 })
 *   left.push((i * 37) % 100 < 40 && i % 5 > 0)
 *   customers.push(`C-${i >> 1}`)
 * }
 * const classifier = await ChurnClassifier.fit(rows, left, { groups: customers })
 * const probabilities = await classifier.predictProba([{ plan: 'pro', minutes: 3 }]) // [P(false), P(true)]
 * const [[reason]] = await classifier.reasons([{ plan: 'pro', minutes: 3 }])
 * ```
 */
export declare class ChurnClassifier {
    /** The sorted labels. Strings are sorted by UTF-16 code units, and `false` comes before `true`. */
    readonly classes: readonly ClassLabel[];
    private constructor();
    /**
     * Fits a classifier to rows and their labels, without blocking the event loop. The table is copied before the call
     * returns.
     *
     * The promise rejects with one of these codes:
     *
     * - `single_class`: all rows have the same label.
     * - `too_little_data`: there are too few rows.
     * - `leakage`: a column leaks the target (reveals the label), and the option `leakage` is `'refuse'`.
     * - `invalid_option`: an option is invalid, or a row has no label, weight or group. If a row is the cause, `row` is
     *   its position.
     * - `cancelled`: the `signal` was aborted.
     *
     * If a value in the table is invalid, `code` says what is wrong with the value, and `row` and `column` say where the
     * value is.
     */
    static fit(x: FlatTable, y: readonly ClassLabel[] | Int8Array | Uint8Array | Int32Array | Float64Array, options?: FitOptions): Promise<ChurnClassifier>;
    /**
     * Opens a classifier from the bytes of a classifier file. Files that were written by Rust or Python do not contain
     * the labels. For such files, pass the labels as `classes`.
     */
    static fromBytes(bytes: Uint8Array, options?: OpenOptions): ChurnClassifier;
    /**
     * Opens a classifier file. Files that were written by Rust or Python do not contain the labels. For such files, pass
     * the labels as `classes`.
     */
    static load(path: string | URL, options?: OpenOptions): Promise<ChurnClassifier>;
    /**
     * Writes the classifier to a file. The write is atomic: other processes see either the old or the complete new file.
     */
    save(path: string | URL): Promise<void>;
    /** Returns the bytes of the classifier file. */
    toBytes(): Buffer;
    /** The id of the classifier: a hash of its content. */
    get id(): string;
    /** The names of the columns, in the order of the training data. */
    get featureNames(): readonly string[];
    /** The report on how the classifier was fitted and how well it performs. */
    get report(): ClassifierReport;
    /**
     * Returns the calibrated probability of each class for each row. The probability of class `c` in row `r` is at the
     * position `r * classes.length + c` of the array. Rejects with `feature_mismatch` if the columns differ from the
     * columns of the training data. The message names missing and extra columns.
     */
    predictProba(x: FlatTable, options?: RunOptions): Promise<Float64Array>;
    /** Returns the most probable label of each row. */
    predict(x: FlatTable, options?: RunOptions): Promise<ClassLabel[]>;
    /**
     * Returns, for each row, a 90 % confidence interval for the churn rate of rows with the same score. The array has the
     * lower and the upper bound of the first row, then those of the second row, and so on. This method is available only
     * if there are two classes.
     *
     * Rejects with `artifact_version` if an old version of this module has written the classifier file. Such files
     * contain no intervals.
     */
    predictInterval(x: FlatTable, options?: RunOptions): Promise<Float64Array>;
    /**
     * Returns the Shapley value of each column for each row, in log-odds before calibration. This method is available
     * only if there are two classes.
     */
    explain(x: FlatTable, options?: RunOptions): Promise<Explanation>;
    /**
     * Returns, for each row, the columns that contribute most to the row's score, largest contribution first. This method
     * is available only if there are two classes.
     */
    reasons(x: FlatTable, options?: ClassifierReasonsOptions): Promise<Reason[][]>;
    /** The value that `JSON.stringify` writes for this object: the classifier without its trees. */
    toJSON(): {
        id: string;
        classes: readonly ClassLabel[];
        featureNames: readonly string[];
        report: ClassifierReport;
    };
    /** Frees the memory of the classifier after all running calls have finished. Later calls throw an error. */
    [Symbol.dispose](): void;
}
