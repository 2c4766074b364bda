import type { Explanation, RunOptions } from './types.js';
/**
 * Rows of numbers: one row-major array (`cells[row * columns + column]`), or an array of rows. NaN is a missing value.
 * In an array of rows, `null` and `undefined` are missing values too. A category is given as its integer code. Columns
 * are in training order.
 */
export type Matrix = Float64Array | Float32Array | readonly (readonly (number | null | undefined)[] | Float64Array | Float32Array)[];
/**
 * Options of the methods of {@link TreeEnsemble} that take a matrix. If `rows` or `columns` is given, the matrix must
 * have this number of rows or columns.
 */
export interface MatrixOptions extends RunOptions {
    rows?: number;
    columns?: number;
}
/** The number of columns that a matrix must have, or an object with options. */
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
     * Imports an XGBoost model. The argument is the path of the JSON file that `save_model("model.json")` writes, or the
     * JSON itself as text or bytes. This function is synchronous.
     *
     * The supported boosters are `gbtree` and `dart`, and the supported objectives are `binary:logistic` and
     * `reg:logistic`. As in XGBoost, values are rounded to single precision before they are compared with thresholds,
     * even the values of a `Float64Array`. Leaf values are added in double precision. XGBoost adds them in single
     * precision, so its probabilities differ by up to about 1e-6. If the model was trained with early stopping, only the
     * trees up to the best iteration are used.
     *
     * @throws {ChurnError} `import_failed` if the model is invalid or not supported, and `io` if the file cannot be read.
     */
    static fromXgboost(model: string | URL | Uint8Array): TreeEnsemble;
    /**
     * Imports a LightGBM model. The argument is the path of the text file that `save_model` writes, or the text itself as
     * a string or bytes. This function is synchronous.
     *
     * The supported objectives are `binary` and `cross_entropy`. Categorical splits are supported too. Probabilities
     * equal the probabilities of LightGBM, except for rounding differences in the exponential function.
     *
     * @throws {ChurnError} `import_failed` if the model is invalid or not supported, and `io` if the file cannot be read.
     */
    static fromLightgbm(model: string | URL | Uint8Array): TreeEnsemble;
    /**
     * Opens an ensemble from the bytes of an ensemble file, which Rust, Python or Node may have written.
     *
     * @throws {ChurnError} `artifact_damaged`, `artifact_version` or `artifact_too_large` if the bytes cannot be opened.
     */
    static fromBytes(bytes: Uint8Array): TreeEnsemble;
    /** Returns the bytes of an ensemble file. Rust, Python and Node write the same bytes for the same ensemble. */
    toBytes(): Buffer;
    /** Number of trees. */
    get nTrees(): number;
    /** The names of the columns, in training order. */
    get featureNames(): readonly string[];
    /**
     * The scale of leaf values and Shapley values: `'log_odds'`, or `'probability'` if the trees average probabilities.
     */
    get link(): 'log_odds' | 'probability';
    /**
     * Returns the probability of the positive class for each row. The call does not block the event loop, and copies the
     * matrix before it returns. The result of a row does not depend on the number of threads or on the other rows.
     *
     * Rejects with `feature_mismatch` if the number of columns is not `featureNames.length`, and with `cancelled` if the
     * `signal` was aborted.
     */
    predictProba(x: Matrix, shape?: MatrixShape): Promise<Float64Array>;
    /**
     * Returns the contribution of each column to the score of each row: exact path-dependent TreeSHAP (Lundberg et al.,
     * 2020). The base value plus the contributions of a row equals the log-odds of the row's probability. If `link` is
     * `'probability'`, this sum equals the probability itself.
     */
    explain(x: Matrix, shape?: MatrixShape): Promise<Explanation>;
    /** The value that `JSON.stringify` writes for this object: the ensemble without its trees. */
    toJSON(): {
        nTrees: number;
        featureNames: readonly string[];
        link: 'log_odds' | 'probability';
    };
    /** Frees the memory of the trees after all running calls have finished. Later calls throw an error. */
    [Symbol.dispose](): void;
}
