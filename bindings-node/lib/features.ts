import type { InspectOptions } from 'node:util'
import { ChurnError } from './errors.js'
import type { ActivityFeature, CustomerFeature, PaymentFeature, TicketFeature } from './feature.js'
import { INSPECT, argument, cached, checked, dispose, guard, halfOf, hold, invalid, keys, long, native, coreJson, noMore, shown, text, type Keys } from './glue.js'
import { recordsOf, type TenantRecords } from './records.js'
import type {
  BoostingOptions, CancellationDefinition, Cancellable, ChurnDefinition, FeatureOptions, ForestOptions, InactivityDefinition, Label, Moments, Threads,
} from './types.js'

type Native = InstanceType<typeof native.Matrix>

/** @internal */
export let wrapMatrix: (matrix: Native) => FeatureMatrix

/**
 * An immutable feature matrix with one row per date and customer. Rows are in the order of the given dates, and rows of
 * the same date are sorted by customer id.
 */
export class FeatureMatrix {
  private constructor(matrix: Native) {
    if (!(matrix instanceof native.Matrix)) throw new ChurnError('use features or model.features', { code: 'invalid_option' })
    hold(this, matrix)
  }

  static {
    wrapMatrix = (matrix) => new FeatureMatrix(matrix)
  }

  /** The id of the tenant to whom the customers belong. */
  get tenant(): string { return cached(this, 'tenant', () => halfOf<Native>(this).tenant) }
  /** Number of rows. */
  get rows(): number { return cached(this, 'rows', () => halfOf<Native>(this).rows) }
  /** Names of the features, in the order of the columns of the matrix. */
  get featureNames(): readonly string[] { return cached(this, 'featureNames', () => halfOf<Native>(this).featureNames) }
  /** The customer id of each row. */
  get customerIds(): readonly string[] { return cached(this, 'customerIds', () => halfOf<Native>(this).customerIds) }
  /** The date of each row. */
  get asOf(): readonly string[] { return cached(this, 'asOf', () => halfOf<Native>(this).asOf) }

  /**
   * Returns the values of one feature. For a numeric feature, the result is a `Float64Array`, in which NaN is a missing
   * value. For a text feature, the result is an array of strings, in which null is a missing value.
   *
   * @throws {ChurnError} `unknown_feature` if the matrix has no feature with this name.
   */
  column(name: string): Float64Array | (string | null)[] {
    return guard(() => halfOf<Native>(this).column(text(name, 'name'))) as Float64Array | (string | null)[]
  }

  /**
   * Returns the matrix as an Arrow IPC file with the columns `customer_id` and `as_of`, and then one column per
   * feature.
   */
  toArrow(): Buffer {
    return guard(() => halfOf<Native>(this).toArrow())
  }

  /** The value that `JSON.stringify` writes for this object: the names, ids and dates, without the feature values. */
  toJSON(): { tenant: string; rows: number; featureNames: readonly string[]; customerIds: readonly string[]; asOf: readonly string[] } {
    const { tenant, rows, featureNames, customerIds, asOf } = this
    return { tenant, rows, featureNames, customerIds, asOf }
  }

  /** Frees the memory of the matrix after all running calls have finished. Later calls throw an error. */
  [Symbol.dispose](): void { dispose(this) }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    return shown('FeatureMatrix', { tenant: this.tenant, rows: this.rows, features: this.featureNames.length }, options)
  }
}

/** @internal */
export const matrixOf = (matrix: unknown): Native => argument<Native>(matrix, FeatureMatrix, 'matrix')

const DEFINITION_OPTIONS = keys<Omit<CancellationDefinition, 'kind'> & Omit<InactivityDefinition, 'kind'> & { kind: string }>({
  kind: 1, horizon: 1, lead: 1, activeWithin: 1, on: 1,
})

/** @internal */
export function checkDefinition(definition: ChurnDefinition | undefined): void {
  checked(definition as Parameters<typeof checked<Omit<CancellationDefinition, 'kind'> & Omit<InactivityDefinition, 'kind'> & { kind: string }>>[0], DEFINITION_OPTIONS, 'definition')
}

const FEATURE_KEYS = keys<Record<keyof PaymentFeature | keyof TicketFeature | keyof ActivityFeature | keyof CustomerFeature, unknown>>({
  name: 1, source: 1, filter: 1, axis: 1, measure: 1, function: 1, window: 1,
})
const BOOSTING_KEYS = keys<BoostingOptions>({
  nTrees: 1, maxLeaves: 1, maxDepth: 1, learningRate: 1, minLeafRows: 1, minLeafHessian: 1, l1: 1, l2: 1, colsample: 1, subsample: 1, maxBins: 1, seed: 1,
})
const FOREST_KEYS = keys<ForestOptions>({ nTrees: 1, maxDepth: 1, minLeafRows: 1, colsample: 1, smoothing: 1, maxBins: 1, seed: 1 })

/**
 * Checks the keys of nested options. The check happens before the keys are renamed for the Rust library. An error
 * therefore shows a key as the caller wrote it.
 */
function checkNested(options: Readonly<Record<string, unknown>>): void {
  const nested = { boosting: BOOSTING_KEYS, deepBoosting: BOOSTING_KEYS, forest: FOREST_KEYS }
  for (const [name, known] of Object.entries(nested)) {
    if (typeof options[name] === 'object') checked(options[name] as object, known as Keys<object>, name)
  }
  const own = options.features
  if (own === undefined || own === null) return
  if (!Array.isArray(own)) throw invalid('features', 'must be an array of features')
  for (const feature of own) checked(feature as object, FEATURE_KEYS as Keys<object>, 'features')
}

/**
 * @internal Converts options for the Rust library. In the result, `threads` is a number, and `json` is a
 * text with all other options. The keys in this text are the names that the options have in the Rust library.
 */
export function forCore(options: object): object {
  const { threads, signal, onProgress, ...given } = options as Record<string, unknown>
  checkNested(given)
  return { threads, json: coreJson(given) }
}

/**
 * @internal Converts the options of {@link features} for the Rust library. Unlike {@link forCore}, this function does
 * not put the dates and the definition of churn into `json`, because the native calls take them as separate properties.
 */
export function forFeatures({ asOf, threads, definition, windows, features: own }: Partial<FeatureOptions>): object {
  checkNested({ features: own })
  return { asOf, threads, definition: definition && coreJson({ ...definition }), json: coreJson({ windows, features: own }) }
}

const FEATURE_OPTIONS = keys<FeatureOptions>({ asOf: 1, windows: 1, features: 1, threads: 1, definition: 1 })

/**
 * Computes the features of customers at one or several dates. This function is synchronous. The matrix has a row for
 * each date and each customer who signed up before the date, including customers who have left. If you pass a
 * `definition`, the matrix has rows only for customers who are eligible under this definition of churn.
 */
export function features(records: TenantRecords, options: FeatureOptions): FeatureMatrix {
  noMore(arguments.length, 2, 'features')
  const source = recordsOf(records)
  const given = checked(options, FEATURE_OPTIONS)
  checkDefinition(given.definition)
  return guard(() => wrapMatrix(native.features(source, forFeatures(given))))
}

/** Computes a feature matrix like {@link features}, but without blocking the event loop. */
export async function featuresAsync(records: TenantRecords, options: FeatureOptions & Cancellable): Promise<FeatureMatrix> {
  noMore(arguments.length, 2, 'featuresAsync')
  const source = recordsOf(records)
  const given = checked(options, { ...FEATURE_OPTIONS, signal: 1 })
  checkDefinition(given.definition)
  return wrapMatrix(await long(given, (cancel) => native.featuresAsync(source, forFeatures(given), cancel)))
}

/** Options of {@link labels}. */
export interface LabelOptions extends Threads {
  asOf: Moments
  /** The definition of churn. Default: cancellation within 90 days. */
  definition?: ChurnDefinition
}

const LABEL_OPTIONS = keys<LabelOptions>({ asOf: 1, definition: 1, threads: 1 })

/**
 * Computes the churn labels of all eligible customers at one or several dates. In the result, `rows` has the labels.
 * `excluded` has the customers who churned before the label period (the period in which churn is counted), and who
 * therefore have no label.
 *
 * @throws {ChurnError} `immature_label` if a label period ends after the end of the observed history. The outcome is
 * then not known.
 */
export function labels(records: TenantRecords, options: LabelOptions): { rows: Label[]; excluded: Label[] } {
  noMore(arguments.length, 2, 'labels')
  const source = recordsOf(records)
  const given = checked(options, LABEL_OPTIONS)
  checkDefinition(given.definition)
  return guard(() => native.labels(source, forFeatures(given))) as { rows: Label[]; excluded: Label[] }
}
