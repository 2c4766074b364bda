/** A classifier of flat tables: a row per customer, or several, columns of any type, a label. */
import type { Cancellable, Explanation, LeakageFinding, Progress, Reason, Threads, TrainReport } from './index.js'

/**
 * Rows as plain objects, in which a key is a column and null, undefined and a missing key are no value; or the bytes of an Arrow IPC
 * file or stream. Numbers, bigints, texts of any number of levels, booleans and moments enter as they are.
 */
export type FlatTable = readonly Record<string, unknown>[] | Uint8Array

/** The label of a row. All are of one sort; of two in sorted order the second is the churned one. */
export type ClassLabel = string | number | boolean

/** Whose a row is. */
export type GroupLabel = string | number | bigint | boolean

export interface FitOptions extends Threads, Cancellable {
  /** A number for each row. Whole numbers are that many equal rows; others are scaled to a mean of 1. */
  sampleWeight?: readonly number[] | Float64Array | Float32Array
  /**
   * Whose each row is, where a customer has several, as in a panel of dates. Rows of one group are never on both sides of a fold; without,
   * members look better than they are. How groups are called, and in which order they come, changes no bit.
   */
  groups?: readonly GroupLabel[] | Int32Array | Uint32Array | Float64Array
  /** A number for each class in sorted order. With weights the probabilities are those of a table with that balance of classes. */
  classWeight?: 'balanced' | readonly number[] | Float64Array
  /** Number columns with which the probability may only rise or only fall. The forest is then left out. */
  monotoneConstraints?: Record<string, 'raises' | 'lowers'>
  /** What is done about columns that know the label. Default `'warn'`: they are in `report.leaks`. */
  leakage?: 'refuse' | 'warn' | 'allow'
  /** Columns that may know the label. */
  allowColumns?: string | readonly string[]
  /** Seeds everything that is drawn. Default 0. */
  seed?: number
  /** Called on the event loop. What it throws cancels the call and is what the promise rejects with. */
  onProgress?: (progress: Progress) => void
}

/** How a classifier was fitted and what it is worth. */
export interface ClassifierReport {
  rows: number
  /** Rows of each class, in sorted order. */
  rowsOfClass: number[]
  /** Groups of rows that were held out together; null in files of before they were counted. */
  groups: number | null
  /** For each class that is told from the rest; with two labels the second alone. */
  parts: {
    class: number
    members: TrainReport['members']
    calibration: string
    /** Both on rows held out in turn. */
    logLoss: number
    rocAuc: number | null
  }[]
  droppedMembers: TrainReport['droppedMembers']
  monotoneConstraints: TrainReport['monotoneConstraints']
  /** Columns that seem to know the label and stayed. */
  leaks: LeakageFinding[]
}

/**
 * The ensemble of `ChurnModel` without dates. Immutable; it does not depend on threads or on the order of rows, and is the one that Rust
 * and Python fit to the same table.
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
export class ChurnClassifier {
  private constructor()
  /**
   * Fits to rows and their labels, off the event loop. The table is copied before the call returns.
   *
   * Rejects with `single_class` or `too_little_data`; `leakage` if a column knows the label and `leakage` is `'refuse'`;
   * `invalid_option` if labels, weights or groups are not one for each row, or one is missing, with the row; a code of a value, with
   * row and column, if no column may hold it; `cancelled`.
   */
  static fit(x: FlatTable, y: readonly ClassLabel[] | Int8Array | Uint8Array | Int32Array | Float64Array, options?: FitOptions): Promise<ChurnClassifier>
  /** Opens the file of a classifier of any host. The file does not hold the labels: without `classes` they are 0, 1 and so on. */
  static load(path: string | URL, options?: { classes?: readonly ClassLabel[] }): Promise<ChurnClassifier>
  /** The same, from memory. @throws {ChurnError} `artifact_damaged`, `artifact_version`, `artifact_too_large`. */
  static fromBytes(bytes: Uint8Array, options?: { classes?: readonly ClassLabel[] }): ChurnClassifier
  save(path: string | URL): Promise<void>
  /** The bytes of its file; equal in every host. */
  toBytes(): Buffer
  /** Identifies it by its content. */
  readonly id: string
  /** The labels, sorted: texts by UTF-16 units, false before true. */
  readonly classes: readonly ClassLabel[]
  readonly featureNames: string[]
  readonly report: ClassifierReport
  /**
   * The calibrated probability of every class of every row: `probabilities[row * classes.length + class]`. Rejects with
   * `feature_mismatch` if the columns are not those of the fit; `cancelled`. So do the others.
   */
  predictProba(x: FlatTable, options?: Threads & Cancellable): Promise<Float64Array>
  /** The most probable label of each row. */
  predict(x: FlatTable, options?: Threads & Cancellable): Promise<ClassLabel[]>
  /**
   * How sure the calibration is of each row's probability of the second label, which lies between the two: `low, high` of each row. A 90 %
   * interval for the churn rate of rows that score like it; of two labels.
   *
   * Rejects with `artifact_version` for a file of before there were intervals.
   */
  predictInterval(x: FlatTable, options?: Threads & Cancellable): Promise<Float64Array>
  /** Contributions of every column to every row, in log-odds before calibration; of two labels. */
  explain(x: FlatTable, options?: Threads & Cancellable): Promise<Explanation>
  /** For every row the columns that move its score the most, either way, largest first; of two labels. Default: five. */
  reasons(x: FlatTable, options?: { top?: number } & Threads & Cancellable): Promise<Reason[][]>
}
