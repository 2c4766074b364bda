import type { Explanation, RunOptions } from './types.js';
/**
 * Rows of numbers: one row-major array (`cells[row * columns + column]`), or an array of rows. NaN is a missing value; in an array of
 * rows, null and undefined are missing values too. A category is given as its integer code. Columns are in training order.
 */
export type Matrix = Float64Array | Float32Array | readonly (readonly (number | null | undefined)[] | Float64Array | Float32Array)[];
/** The shape of a matrix and options of the call. `rows` and `columns` are optional; if given, they are checked. */
export interface MatrixOptions extends RunOptions {
    rows?: number;
    columns?: number;
}
/** The number of columns, or an object with the shape and options. */
export type MatrixShape = number | MatrixOptions;
/**
 * A tree ensemble for two classes, such as an imported XGBoost or LightGBM model. An ensemble is immutable.
 *
 * ```js
 * const trees = TreeEnsemble.fromXgboost('model.json')
 * const x = new Float32Array([0.5, NaN, 3.0, 1.5]) // two rows of two columns
 * const probabilities = await trees.predictProba(x, 2)
 * const { contributions, baseValue } = await trees.explain(x, 2)
 * ```
 */
export declare class TreeEnsemble {
    private constructor();
    /**
     * Imports an XGBoost model from the path of the JSON file that `save_model("model.json")` writes, or from the JSON itself as text or
     * bytes. This function is synchronous.
     *
     * The boosters `gbtree` and `dart` and the objectives `binary:logistic` and `reg:logistic` are supported. As in XGBoost, values are
     * rounded to single precision before they are compared, even the values of a `Float64Array`. Leaves are added in double precision.
     * XGBoost adds them in single precision, so its probabilities differ by about 1e-6. If the model was trained with early stopping,
     * only the trees up to its best iteration are used.
     *
     * @throws {ChurnError} `import_failed` if the model is invalid or not supported; `io` if the file cannot be read.
     */
    static fromXgboost(model: string | URL | Uint8Array): TreeEnsemble;
    /**
     * Imports a LightGBM model from the path of the text file that `save_model` writes, or from the text itself (as a string or bytes).
     * This function is synchronous.
     *
     * The objectives `binary` and `cross_entropy` and categorical splits are supported. Scores match LightGBM's except for rounding in
     * the last bits of the exponential function.
     *
     * @throws {ChurnError} `import_failed` if the model is invalid or not supported; `io` if the file cannot be read.
     */
    static fromLightgbm(model: string | URL | Uint8Array): TreeEnsemble;
    /**
     * Opens an ensemble file from memory, which may have been written by Rust, Python or Node. @throws {ChurnError}
     * `artifact_damaged`, `artifact_version`, `artifact_too_large`.
     */
    static fromBytes(bytes: Uint8Array): TreeEnsemble;
    /** The bytes of an ensemble file. Rust, Python and Node write the same bytes. */
    toBytes(): Buffer;
    /** Number of trees. */
    get nTrees(): number;
    /** Names of the features, in the order of the columns. */
    get featureNames(): readonly string[];
    /** The scale on which leaves and contributions add up: `'log_odds'`, or `'probability'` if the trees average probabilities. */
    get link(): 'log_odds' | 'probability';
    /**
     * Probability of the positive class for each row, off the event loop. The matrix is copied before the call returns. A result depends
     * on neither the number of threads nor the other rows.
     *
     * Rejects with `feature_mismatch` if the rows do not have `featureNames.length` columns, and with `cancelled` if the `signal` was
     * aborted.
     */
    predictProba(x: Matrix, shape?: MatrixShape): Promise<Float64Array>;
    /**
     * Contributions of each column for each row by exact path-dependent TreeSHAP (Lundberg et al., 2020). The base value plus the
     * contributions of a row equals the log-odds of the row's probability, or the probability itself if `link` is `'probability'`.
     */
    explain(x: Matrix, shape?: MatrixShape): Promise<Explanation>;
    /** What `JSON.stringify` writes: the ensemble without its trees. */
    toJSON(): {
        nTrees: number;
        featureNames: readonly string[];
        link: 'log_odds' | 'probability';
    };
    /** Frees the memory of the trees. Running calls finish; later calls throw. */
    [Symbol.dispose](): void;
}
