import type { Explanation, RunOptions } from './types.js';
/**
 * Rows of numbers: one row-major array (`cells[row * columns + column]`), or an array of rows. NaN is missing, and so are null and
 * undefined in an array of rows; a category is its code. Columns are in the order of training.
 */
export type Matrix = Float64Array | Float32Array | readonly (readonly (number | null | undefined)[] | Float64Array | Float32Array)[];
/** The shape of a matrix, which is checked where it is given, and options of the call. */
export interface MatrixOptions extends RunOptions {
    rows?: number;
    columns?: number;
}
/** The number of columns, or the shape and options. */
export type MatrixShape = number | MatrixOptions;
/**
 * A tree ensemble for two classes, such as an imported XGBoost or LightGBM model. Immutable.
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
     * Imports a model of XGBoost: the path of a JSON file of `save_model("model.json")`, or the JSON as text or bytes. Synchronous.
     *
     * Supports the boosters `gbtree` and `dart` and the objectives `binary:logistic` and `reg:logistic`. Like XGBoost, it rounds
     * values to single precision before it compares them, also those of a `Float64Array`. It adds leaves in double precision, so
     * probabilities differ from XGBoost's by its rounding, about 1e-6. After early stopping it uses the trees up to the best iteration.
     *
     * @throws {ChurnError} `import_failed` if it is not a valid model, or an unsupported one; `io`.
     */
    static fromXgboost(model: string | URL | Uint8Array): TreeEnsemble;
    /**
     * Imports a model of LightGBM: the path of a text file of `save_model`, or the text itself, also as bytes. Synchronous.
     *
     * Supports the objectives `binary` and `cross_entropy`, and categorical splits. Scores equal LightGBM's up to rounding of the
     * exponential.
     *
     * @throws {ChurnError} `import_failed` if it is not a valid model, or an unsupported one; `io`.
     */
    static fromLightgbm(model: string | URL | Uint8Array): TreeEnsemble;
    /** Opens the bytes of `toBytes` of any language. @throws {ChurnError} `artifact_damaged`, `artifact_version`, `artifact_too_large`. */
    static fromBytes(bytes: Uint8Array): TreeEnsemble;
    /** The bytes of an ensemble file, equal in every language. */
    toBytes(): Buffer;
    /** Number of trees. */
    get nTrees(): number;
    /** Names of the features, in the order of a row's columns. */
    get featureNames(): readonly string[];
    /** The scale on which leaves and contributions add up; `'probability'` if trees are averaged. */
    get link(): 'log_odds' | 'probability';
    /**
     * Probability of the positive class for each row, off the event loop. The matrix is copied before the call returns. Results depend
     * on neither the number of threads nor other rows.
     *
     * Rejects with `feature_mismatch` if the values are not whole rows of `featureNames.length` columns; with `cancelled`.
     */
    predictProba(x: Matrix, shape?: MatrixShape): Promise<Float64Array>;
    /**
     * Contributions of each column for each row by exact path-dependent TreeSHAP (Lundberg et al., 2020). The base value and the
     * contributions of a row sum to the log-odds of its probability, or to the probability if `link` is `'probability'`.
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
