import type { InspectOptions } from 'node:util'
import { isArrow, toBytes } from './arrow.js'
import { ChurnError } from './errors.js'
import { forCore } from './features.js'
import {
  INSPECT, bytesOf, cached, camelCase, checked, count, dispose, guard, halfOf, hold, invalid, keys, long, native, noMore, pathOf, shown,
} from './glue.js'
import type { ClassifierReport, Monotonicity, Reason } from './reports.js'
import type { Arrow, Cancellable, Explanation, LeakagePolicy, Reporting, RunOptions, Threads } from './types.js'

type Native = InstanceType<typeof native.Classifier>

/**
 * A flat table: Arrow data, or an array with one plain object per row. The keys of an object are the column names.
 * `null`, `undefined` and an absent key are missing values. All values of a column must have the same type: numbers,
 * bigints, strings, booleans or moments (timestamps).
 */
export type FlatTable = readonly object[] | Arrow

/**
 * The label of a row. All labels must have the same type. With two labels, the second in sorted order is the positive
 * class (churned).
 */
export type ClassLabel = string | number | boolean

/** The group of a row, such as a customer id. */
export type GroupLabel = string | number | bigint | boolean

/** Options of {@link ChurnClassifier.fit}. */
export interface FitOptions extends Threads, Cancellable, Reporting {
  /**
   * The weight of each row. If all weights are integers, a weight n has the same effect as repeating the row n times.
   * Otherwise, the weights are scaled to a mean of 1.
   */
  sampleWeight?: readonly number[] | Float64Array | Float32Array
  /**
   * The group of each row. If a customer has several rows, pass the customer ids as groups. All rows of a group are
   * then in the same fold. Without groups, rows of one customer would be in several folds, and the metrics would be too
   * optimistic. The names and the order of the groups have no effect.
   */
  groups?: readonly GroupLabel[] | Int32Array | Uint32Array | Float64Array
  /**
   * The weights of the classes: an object with a weight for each label, or an array in the sorted order of the labels.
   * With class weights, the probabilities are calibrated for a population in which the classes have the weighted
   * frequencies.
   */
  classWeight?: 'balanced' | readonly number[] | Float64Array | Readonly<Record<string, number>>
  /**
   * An object with a direction for each constrained numeric column. With `'increasing'`, a larger value of the column
   * never lowers the predicted probability. With `'decreasing'`, a larger value never raises the predicted probability.
   * With constraints, the ensemble has no random forest.
   */
  monotoneConstraints?: Readonly<Record<string, Monotonicity>>
  /** What happens to columns that leak the target (reveal the label). Default: `'refuse'`. */
  leakage?: LeakagePolicy
  /** Names of columns that are accepted although they leak the target (reveal the label). */
  allowColumns?: string | readonly string[]
  /** Names of columns that are categorical although all their strings are numbers, such as `'0034'`. */
  categorical?: string | readonly string[]
  /** Seed of all random sampling. Equal tables, options and seeds give equal model bytes. Default: 0. */
  seed?: number | bigint
}

const FIT_OPTIONS = keys<FitOptions>({
  sampleWeight: 1, groups: 1, classWeight: 1, monotoneConstraints: 1, leakage: 1, allowColumns: 1, categorical: 1, seed: 1, threads: 1, signal: 1, onProgress: 1,
})
const RUN_OPTIONS = keys<RunOptions>({ threads: 1, signal: 1 })

/** Options of {@link ChurnClassifier.load} and {@link ChurnClassifier.fromBytes}. */
export interface OpenOptions {
  /**
   * Labels that replace the labels in the file. Pass them in the sorted order of the labels that they replace. Files
   * that were written by Rust or Python contain no labels. For such files, the default labels are 0, 1, and so on.
   */
  classes?: readonly ClassLabel[]
}

const OPEN_OPTIONS = keys<OpenOptions>({ classes: 1 })

/** Options of {@link ChurnClassifier.reasons}. */
export interface ClassifierReasonsOptions extends RunOptions {
  /** Number of reasons per row. Default: 5. */
  top?: number
}

const REASONS_OPTIONS = keys<ClassifierReasonsOptions>({ top: 1, threads: 1, signal: 1 })

/** Maps the names of options in the Rust library to their names in this module. */
const NAMES: Readonly<Record<string, string>> = { labels: 'y', sample_weight: 'sampleWeight', class_weight: 'classWeight' }

/** Converts an array or typed array to a plain array. Throws for other values. */
function listed(values: unknown, name: string, what: string, per = 'row'): unknown[] {
  if (Array.isArray(values)) return values
  if (ArrayBuffer.isView(values) && !(values instanceof DataView)) return Array.from(values as unknown as ArrayLike<number>)
  throw invalid(name, `must be an array of ${what}, one for each ${per}`)
}

const missing = (value: unknown) => value === undefined || value === null || Number.isNaN(value)

const order = (labels: ClassLabel[]): ClassLabel[] =>
  typeof labels[0] === 'string' ? labels.sort() : labels.sort((a, b) => Number(a) - Number(b))

/** Returns the sorted distinct labels, and for each row the position of its label in this list. */
function coded(y: unknown): { classes: ClassLabel[]; codes: Uint32Array } {
  const labels = listed(y, 'y', 'labels') as ClassLabel[]
  const type = typeof labels[0]
  labels.forEach((label, row) => {
    if (missing(label)) throw invalid('y', `has no label in row ${row}`, row)
    if (!['boolean', 'number', 'string'].includes(typeof label)) throw invalid('y', `must hold strings, numbers or booleans; row ${row} does not`, row)
    if (typeof label !== type) throw invalid('y', `must hold labels of one type: row ${row} is a ${typeof label} among ${type}s`, row)
    if (typeof label === 'number' && !Number.isFinite(label)) throw invalid('y', `must hold finite numbers; row ${row} does not`, row)
    if (typeof label === 'string' && !label.isWellFormed()) throw invalid('y', `holds a lone surrogate in row ${row}`, row)
  })
  const classes = order([...new Set(labels)])
  const codes = new Map(classes.map((label, code) => [label, code]))
  return { classes, codes: Uint32Array.from(labels, (label) => codes.get(label)!) }
}

/** Converts the group of each row to an integer code. */
function grouped(groups: unknown): Uint32Array | undefined {
  if (groups === undefined || groups === null) return undefined
  const codes = new Map<unknown, number>()
  return Uint32Array.from(listed(groups, 'groups', 'strings or numbers'), (group, row) => {
    if (missing(group)) throw invalid('groups', `has no group in row ${row}`, row)
    if (!['bigint', 'boolean', 'number', 'string'].includes(typeof group)) throw invalid('groups', `must hold strings, numbers or booleans; row ${row} does not`, row)
    if (!codes.has(group)) codes.set(group, codes.size)
    return codes.get(group)!
  })
}

function weights(given: unknown, name: string, per: string): Float64Array | undefined {
  if (given === undefined || given === null) return undefined
  return Float64Array.from(listed(given, name, 'numbers', per), (weight, row) => {
    if (typeof weight !== 'number') throw invalid(name, `must hold numbers; that of ${per} ${row} is not one`, row)
    return weight
  })
}

/** Converts class weights to an array in the order of the classes. */
function classWeights(given: unknown, classes: readonly ClassLabel[]): Float64Array | undefined {
  const found = weightsByClass(given, classes)
  if (found?.length && found.every((weight) => weight === 0)) throw invalid('classWeight', 'is zero for every class')
  return found
}

function weightsByClass(given: unknown, classes: readonly ClassLabel[]): Float64Array | undefined {
  const plain = given !== null && typeof given === 'object' && !Array.isArray(given) && !ArrayBuffer.isView(given)
  if (!plain) return weights(given, 'classWeight', 'class')
  const wanted = classes.map(String)
  for (const label of Object.keys(given)) {
    if (!wanted.includes(label)) throw invalid('classWeight', `names the class '${label}'; the classes are ${wanted.join(', ')}`)
  }
  return weights(wanted.map((label) => (given as Record<string, unknown>)[label] ?? 1), 'classWeight', 'class')
}

/** Checks the type of a table, and converts it for the native module: a `Table` of apache-arrow becomes bytes. */
function table(x: unknown): { x: unknown } {
  if (Array.isArray(x)) return { x }
  if (isArrow(x)) return { x: toBytes(x, 'x') }
  throw invalid('x', 'must be an array of objects, an Arrow Table, or a Buffer with an Arrow IPC file or stream')
}

const isEmpty = (x: unknown) => Array.isArray(x) && x.length === 0

let wrap: (model: Native, classes?: readonly ClassLabel[]) => ChurnClassifier

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
export class ChurnClassifier {
  /** The sorted labels. Strings are sorted by UTF-16 code units, and `false` comes before `true`. */
  readonly classes: readonly ClassLabel[]

  private constructor(model: Native, classes?: readonly ClassLabel[]) {
    if (!(model instanceof native.Classifier)) {
      throw new ChurnError('use ChurnClassifier.fit, ChurnClassifier.load or ChurnClassifier.fromBytes', { code: 'invalid_option' })
    }
    const labels = classes ?? model.labels ?? Array.from({ length: model.classes }, (_, code) => code)
    if (!Array.isArray(labels) || labels.length !== model.classes || new Set(labels).size !== labels.length) {
      throw invalid('classes', `must be ${model.classes} labels, in the order of 'classes' of the fitted classifier`)
    }
    this.classes = Object.freeze([...labels])
    hold(this, model)
  }

  static {
    wrap = (model, classes) => new ChurnClassifier(model, classes)
  }

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
  static async fit(
    x: FlatTable,
    y: readonly ClassLabel[] | Int8Array | Uint8Array | Int32Array | Float64Array,
    options?: FitOptions,
  ): Promise<ChurnClassifier> {
    noMore(arguments.length, 3, 'fit')
    const { sampleWeight, groups, classWeight, ...given } = checked(options, FIT_OPTIONS)
    const { classes, codes } = coded(y)
    const source = {
      ...table(x),
      classes: codes,
      labels: classes,
      groups: grouped(groups),
      weights: weights(sampleWeight, 'sampleWeight', 'row'),
      classWeights: typeof classWeight === 'string' ? undefined : classWeights(classWeight, classes),
    }
    const wanted = forCore({ ...given, leakage: given.leakage ?? 'refuse', classWeight: typeof classWeight === 'string' ? classWeight : undefined })
    try {
      return wrap(await long(given, (cancel, listener) => native.fitClassifier(source, wanted, cancel, listener)), classes)
    } catch (error) {
      if (!(error instanceof ChurnError) || error.code !== 'invalid_option' || error.column === null) throw error
      const { code, table: at, row, column, report, cause } = error
      throw new ChurnError(error.message, { code, table: at, row, column: NAMES[column] ?? column, report, cause })
    }
  }

  /**
   * Opens a classifier from the bytes of a classifier file. Files that were written by Rust or Python do not contain
   * the labels. For such files, pass the labels as `classes`.
   */
  static fromBytes(bytes: Uint8Array, options?: OpenOptions): ChurnClassifier {
    const { classes } = checked(options, OPEN_OPTIONS)
    return guard(() => wrap(native.Classifier.fromBytes(bytesOf(bytes)), classes))
  }

  /**
   * Opens a classifier file. Files that were written by Rust or Python do not contain the labels. For such files, pass
   * the labels as `classes`.
   */
  static async load(path: string | URL, options?: OpenOptions): Promise<ChurnClassifier> {
    const { classes } = checked(options, OPEN_OPTIONS)
    return wrap(await long({}, (cancel) => native.loadClassifier(pathOf(path), cancel)), classes)
  }

  /**
   * Writes the classifier to a file. The write is atomic: other processes see either the old or the complete new file.
   */
  async save(path: string | URL): Promise<void> {
    await long({}, (cancel) => halfOf<Native>(this).save(pathOf(path), cancel))
  }

  /** Returns the bytes of the classifier file. */
  toBytes(): Buffer { return guard(() => halfOf<Native>(this).toBytes()) }

  /** The id of the classifier: a hash of its content. */
  get id(): string { return cached(this, 'id', () => halfOf<Native>(this).id) }
  /** The names of the columns, in the order of the training data. */
  get featureNames(): readonly string[] { return cached(this, 'featureNames', () => halfOf<Native>(this).featureNames) }
  /** The report on how the classifier was fitted and how well it performs. */
  get report(): ClassifierReport { return cached(this, 'report', () => camelCase(JSON.parse(halfOf<Native>(this).report))) }

  /**
   * Returns the calibrated probability of each class for each row. The probability of class `c` in row `r` is at the
   * position `r * classes.length + c` of the array. Rejects with `feature_mismatch` if the columns differ from the
   * columns of the training data. The message names missing and extra columns.
   */
  async predictProba(x: FlatTable, options?: RunOptions): Promise<Float64Array> {
    const given = checked(options, RUN_OPTIONS)
    if (isEmpty(x)) return new Float64Array(0)
    return long(given, (cancel) => halfOf<Native>(this).predictProba(table(x), given, cancel))
  }

  /** Returns the most probable label of each row. */
  async predict(x: FlatTable, options?: RunOptions): Promise<ClassLabel[]> {
    const probabilities = await this.predictProba(x, options)
    const width = this.classes.length
    return Array.from({ length: probabilities.length / width }, (_, row) => {
      const own = probabilities.subarray(row * width, (row + 1) * width)
      return this.classes[own.indexOf(Math.max(...own))]!
    })
  }

  /**
   * Returns, for each row, a 90 % confidence interval for the churn rate of rows with the same score. The array has the
   * lower and the upper bound of the first row, then those of the second row, and so on. This method is available only
   * if there are two classes.
   *
   * Rejects with `artifact_version` if an old version of this module has written the classifier file. Such files
   * contain no intervals.
   */
  async predictInterval(x: FlatTable, options?: RunOptions): Promise<Float64Array> {
    const given = checked(options, RUN_OPTIONS)
    if (isEmpty(x)) return new Float64Array(0)
    return long(given, (cancel) => halfOf<Native>(this).predictInterval(table(x), given, cancel))
  }

  /**
   * Returns the Shapley value of each column for each row, in log-odds before calibration. This method is available
   * only if there are two classes.
   */
  async explain(x: FlatTable, options?: RunOptions): Promise<Explanation> {
    const given = checked(options, RUN_OPTIONS)
    return long(given, (cancel) => halfOf<Native>(this).explain(table(x), given, cancel))
  }

  /**
   * Returns, for each row, the columns that contribute most to the row's score, largest contribution first. This method
   * is available only if there are two classes.
   */
  async reasons(x: FlatTable, options?: ClassifierReasonsOptions): Promise<Reason[][]> {
    const given = checked(options, REASONS_OPTIONS)
    const top = count(given.top ?? 5, 'top')
    if (isEmpty(x)) return []
    return long(given, (cancel) => halfOf<Native>(this).reasons(table(x), top, given, cancel)) as Promise<Reason[][]>
  }

  /** The value that `JSON.stringify` writes for this object: the classifier without its trees. */
  toJSON(): { id: string; classes: readonly ClassLabel[]; featureNames: readonly string[]; report: ClassifierReport } {
    const { id, classes, featureNames, report } = this
    return { id, classes, featureNames, report }
  }

  /** Frees the memory of the classifier after all running calls have finished. Later calls throw an error. */
  [Symbol.dispose](): void { dispose(this) }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    return shown('ChurnClassifier', { id: this.id, classes: this.classes, features: this.featureNames.length }, options)
  }
}
