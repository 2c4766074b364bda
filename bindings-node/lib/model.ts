import type { InspectOptions } from 'node:util'
import type { CustomerRecord } from './columns.js'
import { ChurnError } from './errors.js'
import { FeatureMatrix, checkDefinition, forCore, matrixOf, wrapMatrix } from './features.js'
import {
  INSPECT, argument, bytesOf, cached, camelCase, checked, dispose, guard, halfOf, hold, keys, long, native, noMore, pathOf, shown, type Keys,
} from './glue.js'
import { recordsOf, type TenantRecords } from './records.js'
import type { ModelCard, OutOfTime, RiskBands, TrainReport } from './reports.js'
import { ScoreRun, wrapRun } from './run.js'
import type {
  BacktestOptions, CancellationDefinition, Cancellable, CustomerRows, CustomerScore, Explanation, InactivityDefinition, Moment, Moments, RunOptions,
  ScoreOptions, Threads, TrainOptions,
} from './types.js'

type Native = InstanceType<typeof native.Model>

const TRAIN_OPTIONS = keys<TrainOptions>({
  definition: 1, asOf: 1, windows: 1, features: 1, linear: 1, boosting: 1, deepBoosting: 1, forest: 1, seed: 1, maxRows: 1, churnWeight: 1,
  monotoneConstraints: 1, folds: 1, shared: 1, leakage: 1, allowColumns: 1, threads: 1, signal: 1, onProgress: 1,
})
const BACKTEST_OPTIONS = keys<BacktestOptions>({ ...TRAIN_OPTIONS, origins: 1, embargoDays: 1, unseenCustomers: 1 })
const SCORE_OPTIONS = keys<ScoreOptions>({ asOf: 1, threads: 1, signal: 1, onProgress: 1 })
const RUN_OPTIONS = keys<RunOptions>({ threads: 1, signal: 1 })
const CUSTOMER_KEYS = keys<CustomerRows>({ customer: 1, payments: 1, tickets: 1, activities: 1 })

/** Options of {@link ChurnModel.scoreCustomer}. */
export interface ScoreCustomerOptions {
  asOf: Moment
  /** Number of reasons. Default: 5. */
  top?: number
}

const SCORE_CUSTOMER_OPTIONS = keys<ScoreCustomerOptions>({ asOf: 1, top: 1 })

/** Options of {@link ChurnModel.features}. */
export interface ModelFeatureOptions extends Threads, Cancellable {
  asOf: Moments
}

const MODEL_FEATURE_OPTIONS = keys<ModelFeatureOptions>({ asOf: 1, threads: 1, signal: 1 })

function training<T extends TrainOptions>(options: T | null | undefined, known: Keys<T>): T {
  const given = checked(options, known)
  checkDefinition(given.definition)
  return given
}

/**
 * Runs a rolling-origin backtest: for each origin (a test date), a model is trained on what was known then, and tested on the label
 * period that follows. `asOf` restricts the training dates.
 */
export async function backtest(records: TenantRecords, options?: BacktestOptions): Promise<{ folds: OutOfTime[] }> {
  noMore(arguments.length, 2, 'backtest')
  const source = recordsOf(records)
  const given = training(options, BACKTEST_OPTIONS)
  const json = await long(given, (cancel, listener) => native.backtest(source, forCore(given), cancel, listener))
  return { folds: camelCase(JSON.parse(json)) }
}

/** @internal */
export let wrapModel: (model: Native) => ChurnModel

/** A trained model. Immutable. */
export class ChurnModel {
  private constructor(model: Native) {
    if (!(model instanceof native.Model)) {
      throw new ChurnError('use ChurnModel.train, ChurnModel.load or ChurnModel.fromBytes', { code: 'invalid_option' })
    }
    hold(this, model)
  }

  static {
    wrapModel = (model) => new ChurnModel(model)
  }

  /** Trains a model, off the event loop. The same records, options and seed give the same bytes for any number of threads. */
  static async train(records: TenantRecords, options?: TrainOptions): Promise<ChurnModel> {
    noMore(arguments.length, 2, 'train')
    const source = recordsOf(records)
    const given = training(options, TRAIN_OPTIONS)
    return wrapModel(await long(given, (cancel, listener) => native.train(source, forCore(given), cancel, listener)))
  }

  /** Opens a model file from memory. @throws {ChurnError} `artifact_damaged`, `artifact_version`, `artifact_too_large`. */
  static fromBytes(bytes: Uint8Array): ChurnModel {
    return guard(() => wrapModel(native.Model.fromBytes(bytesOf(bytes))))
  }

  /** Opens a model file. Rejects like {@link fromBytes}, or with `io`. */
  static async load(path: string | URL, options?: Cancellable): Promise<ChurnModel> {
    const given = checked(options, { signal: 1 })
    return wrapModel(await long(given, (cancel) => native.load(pathOf(path), cancel)))
  }

  /** Writes the model file, atomically. */
  async save(path: string | URL, options?: Cancellable): Promise<void> {
    const given = checked(options, { signal: 1 })
    await long(given, (cancel) => halfOf<Native>(this).save(pathOf(path), cancel))
  }

  /** The bytes of the model file. Rust, Python and Node write the same bytes. */
  toBytes(): Buffer { return guard(() => halfOf<Native>(this).toBytes()) }

  /** The id of the model: a hash of its content. */
  get id(): string { return cached(this, 'id', () => halfOf<Native>(this).id) }
  /** The tenant whose records the model may score; null for any tenant. */
  get tenant(): string | null { return cached(this, 'tenant', () => halfOf<Native>(this).tenant ?? null) }
  /** Names of the features, in plan order. */
  get featureNames(): readonly string[] { return cached(this, 'featureNames', () => halfOf<Native>(this).featureNames) }
  /** The probabilities at which the risk bands begin. */
  get riskBands(): RiskBands { return cached(this, 'riskBands', () => JSON.parse(halfOf<Native>(this).riskBands)) }
  /** How the model was trained and how well it performs. */
  get report(): TrainReport { return cached(this, 'report', () => camelCase(JSON.parse(halfOf<Native>(this).report))) }

  /** The definition of churn that the model predicts, with defaults filled in. */
  get definition(): Required<CancellationDefinition> | Required<InactivityDefinition> {
    return cached(this, 'definition', () => {
      const [entry] = Object.entries<{ horizon: { days: number; lead: number } }>(JSON.parse(halfOf<Native>(this).definition))
      const [kind, { horizon, ...rest }] = entry!
      return { kind, horizon: horizon.days, lead: horizon.lead, ...camelCase<object>(rest) } as Required<InactivityDefinition>
    })
  }

  /** The model card: what the model is, what it was trained on and how well it performs. */
  card(): ModelCard { return cached(this, 'card', () => camelCase(JSON.parse(halfOf<Native>(this).card()))) }

  /** The model card as Markdown. */
  cardMarkdown(): string { return guard(() => halfOf<Native>(this).cardMarkdown()) }

  /** Scores all eligible customers, off the event loop. */
  async score(records: TenantRecords, options: ScoreOptions): Promise<ScoreRun> {
    noMore(arguments.length, 2, 'score')
    const source = recordsOf(records)
    const given = checked(options, SCORE_OPTIONS)
    return wrapRun(await long(given, (cancel, listener) => halfOf<Native>(this).score(source, given, cancel, listener)))
  }

  /** Scores one customer, on the calling thread. The score is bit-identical to the customer's score in a run. */
  scoreCustomer<C extends CustomerRecord>(rows: CustomerRows<C>, options: ScoreCustomerOptions): CustomerScore {
    noMore(arguments.length, 2, 'scoreCustomer')
    const given = checked(options, SCORE_CUSTOMER_OPTIONS)
    const tables = checked(rows as unknown as CustomerRows, CUSTOMER_KEYS, 'rows')
    const { score, ...rest } = guard(() => halfOf<Native>(this).scoreCustomer(tables, given))
    return { ...score, ...rest } as CustomerScore
  }

  /** Computes the features that this model uses, for all customers at some dates, including customers who have left. */
  async features(records: TenantRecords, options: ModelFeatureOptions): Promise<FeatureMatrix> {
    const source = recordsOf(records)
    const given = checked(options, MODEL_FEATURE_OPTIONS)
    return wrapMatrix(await long(given, (cancel) => halfOf<Native>(this).features(source, given, cancel)))
  }

  /** Calibrated probability of every row of a matrix, which must have this model's features. */
  async predictProba(matrix: FeatureMatrix, options?: RunOptions): Promise<Float64Array> {
    const given = checked(options, RUN_OPTIONS)
    return long(given, (cancel) => halfOf<Native>(this).predictProba(matrixOf(matrix), given, cancel))
  }

  /** Log-odds of every row before calibration. They equal the base value plus the sum of the contributions. */
  async logOdds(matrix: FeatureMatrix, options?: RunOptions): Promise<Float64Array> {
    const given = checked(options, RUN_OPTIONS)
    return long(given, (cancel) => halfOf<Native>(this).logOdds(matrixOf(matrix), given, cancel))
  }

  /** Shapley values of every feature for every row of a matrix, which must have this model's features. */
  async explain(matrix: FeatureMatrix, options?: RunOptions): Promise<Explanation> {
    const given = checked(options, RUN_OPTIONS)
    return long(given, (cancel) => halfOf<Native>(this).explain(matrixOf(matrix), given, cancel))
  }

  /** What `JSON.stringify` writes: the model card. */
  toJSON(): ModelCard { return this.card() }

  /** Frees the memory of the model. Running calls finish; later calls throw. */
  [Symbol.dispose](): void { dispose(this) }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    const { id, tenant, definition, featureNames } = this
    return shown('ChurnModel', { id, tenant, definition, features: featureNames.length }, options)
  }
}

/** @internal */
export const modelOf = (model: unknown): Native => argument<Native>(model, ChurnModel, 'model')
