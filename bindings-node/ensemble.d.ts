/** Trees of other libraries: scored and explained without the library they came from. */
import type { Cancellable, Explanation, Threads } from './index.js'

/**
 * Rows of numbers: one array, row after row (`cells[row * columns + column]`), or an array of rows. NaN is missing, and so are
 * null and undefined in an array of rows; a category is its code. Columns stand as in training.
 */
export type Matrix =
  | Float64Array
  | Float32Array
  | readonly (readonly (number | null | undefined)[] | Float64Array | Float32Array)[]

/** Of a matrix that is one array: its columns alone, or its shape and how to work on it. It is checked where it is given. */
export type MatrixShape = number | ({ rows?: number; columns?: number } & Threads & Cancellable)

/**
 * A model of two classes made of trees. Immutable.
 *
 * ```js
 * const trees = TreeEnsemble.fromXgboost('model.json')
 * const x = new Float32Array([0.5, NaN, 3.0, 1.5]) // two rows of two columns
 * const probabilities = await trees.predictProba(x, 2)
 * const { contributions, baseValue } = await trees.explain(x, 2)
 * ```
 */
export class TreeEnsemble {
  private constructor()
  /**
   * A model of XGBoost: the path of the JSON file that `save_model("model.json")` writes, or the JSON itself as text or bytes.
   * Answers at once.
   *
   * Boosters `gbtree` and `dart`, objectives `binary:logistic` and `reg:logistic`. Values are rounded to single precision before
   * they are compared, as XGBoost does, in a `Float64Array` too. Leaves are added in double precision, so probabilities differ
   * from XGBoost's by its rounding, about 1e-6. After early stopping the trees up to the best iteration are used.
   *
   * @throws {ChurnError} `import_failed` if it is no such model, or one of a kind that is not taken over; `io`.
   */
  static fromXgboost(model: string | URL | Uint8Array): TreeEnsemble
  /**
   * A model of LightGBM: the path of the text file that `save_model` writes, or the text itself, also as bytes. Answers at once.
   *
   * Objectives `binary` and `cross_entropy`; sets of categories are kept. Scores are LightGBM's but for the last bits of the
   * exponential. All trees in the text are taken.
   *
   * @throws {ChurnError} `import_failed` if it is no such model, or one of a kind that is not taken over; `io`.
   */
  static fromLightgbm(model: string | URL | Uint8Array): TreeEnsemble
  /** Opens what `toBytes` of any host made. @throws {ChurnError} `artifact_damaged`, `artifact_version`, `artifact_too_large`. */
  static fromBytes(bytes: Uint8Array): TreeEnsemble
  /** The bytes of a file of these trees, with all that belongs to them; equal in every host language. */
  toBytes(): Buffer
  /** Number of trees. */
  readonly trees: number
  /** Number of columns that a row must have. */
  readonly columns: number
  /** What leaves, and contributions, add up to; `'probability'` where trees average. */
  readonly link: 'log_odds' | 'probability'
  /**
   * The probability of the second class of every row, off the event loop. The matrix is copied before the call returns. The bits
   * do not depend on threads or on the other rows.
   *
   * Rejects with `feature_mismatch` if the cells are not whole rows of as many columns; `cancelled`.
   */
  predictProba(x: Matrix, shape?: MatrixShape): Promise<Float64Array>
  /**
   * Contributions of every column to every row: exact path-dependent TreeSHAP. With the base value a row's sum to the log-odds of
   * its probability, or, where `link` is `'probability'`, to the probability. Columns are named `x0`, `x1` and so on.
   */
  explain(x: Matrix, shape?: MatrixShape): Promise<Explanation>
}
