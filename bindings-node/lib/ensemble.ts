import { fileURLToPath } from 'node:url'
import type { InspectOptions } from 'node:util'
import { ChurnError } from './errors.js'
import { INSPECT, bytesOf, cached, checked, count, dispose, guard, halfOf, hold, invalid, keys, long, native, shown, text } from './glue.js'
import type { Explanation, RunOptions } from './types.js'

type Native = InstanceType<typeof native.Trees>

/**
 * Rows of numbers: one row-major array (`cells[row * columns + column]`), or an array of rows. NaN is a missing value.
 * In an array of rows, `null` and `undefined` are missing values too. A category is given as its integer code. Columns
 * are in training order.
 */
export type Matrix =
  | Float64Array
  | Float32Array
  | readonly (readonly (number | null | undefined)[] | Float64Array | Float32Array)[]

/**
 * Options of the methods of {@link TreeEnsemble} that take a matrix. If `rows` or `columns` is given, the matrix must
 * have this number of rows or columns.
 */
export interface MatrixOptions extends RunOptions {
  rows?: number
  columns?: number
}

/** The number of columns that a matrix must have, or an object with options. */
export type MatrixShape = number | MatrixOptions

const MATRIX_OPTIONS = keys<MatrixOptions>({ rows: 1, columns: 1, threads: 1, signal: 1 })

/**
 * Decides whether `model` is a path or the content of a model file. Returns a path as a string, and content as bytes.
 */
function source(model: unknown, isContent: (model: string) => boolean): string | Uint8Array {
  if (model instanceof Uint8Array) return model
  if (model instanceof URL && model.protocol === 'file:') return fileURLToPath(model)
  if (typeof model === 'string') return isContent(model) ? Buffer.from(text(model, 'model')) : text(model, 'model')
  throw invalid('model', 'must be a path, a file URL, or the content of the file')
}

const mismatch = (found: number, wanted: number) =>
  new ChurnError(`x has ${found} columns, but the ensemble has ${wanted} features`, { code: 'feature_mismatch', column: 'x' })

/** Converts rows to one row-major array, in which missing cells are NaN. */
function flat(rows: readonly unknown[], columns: number): Float64Array {
  const cells = new Float64Array(rows.length * columns)
  rows.forEach((row, at) => {
    if (!Array.isArray(row) && !(row instanceof Float64Array) && !(row instanceof Float32Array)) {
      throw invalid('x', 'must be a Float64Array, a Float32Array, or an array of rows')
    }
    if (row.length !== columns) throw mismatch(row.length, columns)
    for (let column = 0; column < columns; column++) {
      const cell: unknown = row[column] ?? NaN
      if (typeof cell !== 'number') throw new ChurnError(`column ${column} of row ${at} is not a number`, { code: 'invalid_option', row: at, column: 'x' })
      cells[at * columns + column] = cell
    }
  })
  return cells
}

/** Checks a matrix and its shape. Returns the cells, the number of rows and the options of the call. */
function matrix(x: unknown, shape: MatrixShape | undefined, columns: number): { cells: Float64Array | Float32Array; rows: number; options: MatrixOptions } {
  const options = checked(typeof shape === 'number' ? { columns: shape } : shape, MATRIX_OPTIONS)
  if (options.columns !== undefined && count(options.columns, 'columns') !== columns) throw mismatch(options.columns, columns)
  const cells = Array.isArray(x) ? flat(x, columns) : x
  if (!(cells instanceof Float64Array) && !(cells instanceof Float32Array)) {
    throw invalid('x', 'must be a Float64Array, a Float32Array, or an array of rows')
  }
  const counted = Array.isArray(x) ? x.length : columns === 0 ? 0 : cells.length / columns
  const rows = options.rows === undefined ? counted : count(options.rows, 'rows')
  if (!Number.isInteger(rows) || rows * columns !== cells.length) {
    const wanted = options.rows === undefined ? 'whole rows' : `${rows} rows`
    throw new ChurnError(`x has ${cells.length} cells, which are not ${wanted} of ${columns} columns`, { code: 'feature_mismatch', column: 'x' })
  }
  return { cells, rows, options }
}

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
export class TreeEnsemble {
  private constructor(trees: Native) {
    if (!(trees instanceof native.Trees)) {
      throw new ChurnError('use TreeEnsemble.fromXgboost, TreeEnsemble.fromLightgbm or TreeEnsemble.fromBytes', { code: 'invalid_option' })
    }
    hold(this, trees)
  }

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
  static fromXgboost(model: string | URL | Uint8Array): TreeEnsemble {
    const json = source(model, (content) => content.trimStart().startsWith('{'))
    return guard(() => new TreeEnsemble(native.Trees.fromXgboost(json)))
  }

  /**
   * Imports a LightGBM model. The argument is the path of the text file that `save_model` writes, or the text itself as
   * a string or bytes. This function is synchronous.
   *
   * The supported objectives are `binary` and `cross_entropy`. Categorical splits are supported too. Probabilities
   * equal the probabilities of LightGBM, except for rounding differences in the exponential function.
   *
   * @throws {ChurnError} `import_failed` if the model is invalid or not supported, and `io` if the file cannot be read.
   */
  static fromLightgbm(model: string | URL | Uint8Array): TreeEnsemble {
    // A string with a line break is content, because paths have only one line.
    const content = source(model, (content) => content.includes('\n'))
    return guard(() => new TreeEnsemble(native.Trees.fromLightgbm(content)))
  }

  /**
   * Opens an ensemble from the bytes of an ensemble file, which Rust, Python or Node may have written.
   *
   * @throws {ChurnError} `artifact_damaged`, `artifact_version` or `artifact_too_large` if the bytes cannot be opened.
   */
  static fromBytes(bytes: Uint8Array): TreeEnsemble {
    return guard(() => new TreeEnsemble(native.Trees.fromBytes(bytesOf(bytes))))
  }

  /** Returns the bytes of an ensemble file. Rust, Python and Node write the same bytes for the same ensemble. */
  toBytes(): Buffer { return guard(() => halfOf<Native>(this).toBytes()) }

  /** Number of trees. */
  get nTrees(): number { return cached(this, 'nTrees', () => halfOf<Native>(this).nTrees) }
  /** The names of the columns, in training order. */
  get featureNames(): readonly string[] { return cached(this, 'featureNames', () => halfOf<Native>(this).featureNames) }
  /**
   * The scale of leaf values and Shapley values: `'log_odds'`, or `'probability'` if the trees average probabilities.
   */
  get link(): 'log_odds' | 'probability' { return cached(this, 'link', () => halfOf<Native>(this).link as 'log_odds' | 'probability') }

  /**
   * Returns the probability of the positive class for each row. The call does not block the event loop, and copies the
   * matrix before it returns. The result of a row does not depend on the number of threads or on the other rows.
   *
   * Rejects with `feature_mismatch` if the number of columns is not `featureNames.length`, and with `cancelled` if the
   * `signal` was aborted.
   */
  async predictProba(x: Matrix, shape?: MatrixShape): Promise<Float64Array> {
    const { cells, rows, options } = matrix(x, shape, this.featureNames.length)
    return long(options, (cancel) => halfOf<Native>(this).predictProba(cells, rows, options, cancel))
  }

  /**
   * Returns the contribution of each column to the score of each row: exact path-dependent TreeSHAP (Lundberg et al.,
   * 2020). The base value plus the contributions of a row equals the log-odds of the row's probability. If `link` is
   * `'probability'`, this sum equals the probability itself.
   */
  async explain(x: Matrix, shape?: MatrixShape): Promise<Explanation> {
    const { cells, rows, options } = matrix(x, shape, this.featureNames.length)
    return long(options, (cancel) => halfOf<Native>(this).explain(cells, rows, options, cancel))
  }

  /** The value that `JSON.stringify` writes for this object: the ensemble without its trees. */
  toJSON(): { nTrees: number; featureNames: readonly string[]; link: 'log_odds' | 'probability' } {
    const { nTrees, featureNames, link } = this
    return { nTrees, featureNames, link }
  }

  /** Frees the memory of the trees after all running calls have finished. Later calls throw an error. */
  [Symbol.dispose](): void { dispose(this) }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    return shown('TreeEnsemble', { nTrees: this.nTrees, features: this.featureNames.length, link: this.link }, options)
  }
}
