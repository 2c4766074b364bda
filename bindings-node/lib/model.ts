import type { InspectOptions } from 'node:util'
import type { CustomerRecord } from './columns.js'
import { ChurnError, warningsOf } from './errors.js'
import { FeatureMatrix, checkDefinition, forCore, matrixOf, wrapMatrix } from './features.js'
import {
  INSPECT, argument, bytesOf, cached, camelCase, checked, dispose, guard, halfOf, hold, keys, long, native, noMore, pathOf, shown, type Keys,
} from './glue.js'
import { recordsOf, type TenantRecords } from './records.js'
import type { ModelCard, OutOfTime, RiskBands, TrainReport } from './reports.js'
import { ScoreRun, parseWarnings, wrapRun } from './run.js'
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
 * Runs a backtest with a rolling origin. For each test date (origin), a model is trained on the data that were known at
 * that date. The model is tested on the label period (the period in which churn is counted) that follows the test date.
 * If the option `asOf` is given, the training dates of each model are taken from this option.
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

/** A trained churn model. It is immutable. */
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

  /**
   * Trains a model without blocking the event loop. Equal records, options and seeds give equal model bytes, for any
   * number of threads.
   */
  static async train(records: TenantRecords, options?: TrainOptions): Promise<ChurnModel> {
    noMore(arguments.length, 2, 'train')
    const source = recordsOf(records)
    const given = training(options, TRAIN_OPTIONS)
    return wrapModel(await long(given, (cancel, listener) => native.train(source, forCore(given), cancel, listener)))
  }

  /**
   * Opens a model from the bytes of a model file.
   *
   * @throws {ChurnError} `artifact_damaged`, `artifact_version` or `artifact_too_large` if the bytes cannot be opened.
   */
  static fromBytes(bytes: Uint8Array): ChurnModel {
    return guard(() => wrapModel(native.Model.fromBytes(bytesOf(bytes))))
  }

  /** Opens a model file. Rejects with the error codes of {@link fromBytes}, or with `io` if the file cannot be read. */
  static async load(path: string | URL, options?: Cancellable): Promise<ChurnModel> {
    const given = checked(options, { signal: 1 })
    return wrapModel(await long(given, (cancel) => native.load(pathOf(path), cancel)))
  }

  /** Writes the model to a file. The write is atomic: other processes see either the old or the complete new file. */
  async save(path: string | URL, options?: Cancellable): Promise<void> {
    const given = checked(options, { signal: 1 })
    await long(given, (cancel) => halfOf<Native>(this).save(pathOf(path), cancel))
  }

  /** Returns the bytes of the model file. Rust, Python and Node write the same bytes for the same model. */
  toBytes(): Buffer { return guard(() => halfOf<Native>(this).toBytes()) }

  /** The id of the model: a hash of its content. */
  get id(): string { return cached(this, 'id', () => halfOf<Native>(this).id) }
  /** The id of the only tenant whose records the model may score. It is null if the model may score any tenant. */
  get tenant(): string | null { return cached(this, 'tenant', () => halfOf<Native>(this).tenant ?? null) }
  /** Names of the features of the model, in the order of the columns of its feature matrix. */
  get featureNames(): readonly string[] { return cached(this, 'featureNames', () => halfOf<Native>(this).featureNames) }
  /** The probabilities at which the risk bands medium, high and critical begin. */
  get riskBands(): RiskBands { return cached(this, 'riskBands', () => JSON.parse(halfOf<Native>(this).riskBands)) }
  /** The training report: how the model was trained and how well it performs. */
  get report(): TrainReport { return cached(this, 'report', () => warningsOf(camelCase<TrainReport>(JSON.parse(halfOf<Native>(this).report)))) }

  /** The definition of churn under which the model was trained, with defaults filled in. */
  get definition(): Required<CancellationDefinition> | Required<InactivityDefinition> {
    return cached(this, 'definition', () => {
      const [entry] = Object.entries<{ horizon: { days: number; lead: number } }>(JSON.parse(halfOf<Native>(this).definition))
      const [kind, { horizon, ...rest }] = entry!
      return { kind, horizon: horizon.days, lead: horizon.lead, ...camelCase<object>(rest) } as Required<InactivityDefinition>
    })
  }

  /** Returns the model card. It describes the model, its training data and its accuracy. */
  card(): ModelCard { return cached(this, 'card', () => warningsOf(camelCase<ModelCard>(JSON.parse(halfOf<Native>(this).card())))) }

  /** Returns the model card as Markdown. */
  cardMarkdown(): string { return guard(() => halfOf<Native>(this).cardMarkdown()) }

  /**
   * Scores all eligible customers at a date, without blocking the event loop. A customer is eligible if they can still
   * churn under the model's definition of churn.
   */
  async score(records: TenantRecords, options: ScoreOptions): Promise<ScoreRun> {
    noMore(arguments.length, 2, 'score')
    const source = recordsOf(records)
    const given = checked(options, SCORE_OPTIONS)
    return wrapRun(await long(given, (cancel, listener) => halfOf<Native>(this).score(source, given, cancel, listener)))
  }

  /**
   * Scores one customer. This method is synchronous. The score is bit-identical to the customer's score in a run over
   * all customers.
   */
  scoreCustomer<C extends CustomerRecord>(rows: CustomerRows<C>, options: ScoreCustomerOptions): CustomerScore {
    noMore(arguments.length, 2, 'scoreCustomer')
    const given = checked(options, SCORE_CUSTOMER_OPTIONS)
    const tables = checked(rows as unknown as CustomerRows, CUSTOMER_KEYS, 'rows')
    const { score, warnings, ...rest } = guard(() => halfOf<Native>(this).scoreCustomer(tables, given))
    return { ...score, ...rest, warnings: parseWarnings(warnings) } as CustomerScore
  }

  /**
   * Computes the features that this model uses, at one or several dates. The matrix has a row for each date and each
   * customer who signed up before the date, including customers who have left.
   */
  async features(records: TenantRecords, options: ModelFeatureOptions): Promise<FeatureMatrix> {
    const source = recordsOf(records)
    const given = checked(options, MODEL_FEATURE_OPTIONS)
    return wrapMatrix(await long(given, (cancel) => halfOf<Native>(this).features(source, given, cancel)))
  }

  /**
   * Returns the calibrated churn probability of each row of a matrix. The matrix must contain the features of this
   * model.
   */
  async predictProba(matrix: FeatureMatrix, options?: RunOptions): Promise<Float64Array> {
    const given = checked(options, RUN_OPTIONS)
    return long(given, (cancel) => halfOf<Native>(this).predictProba(matrixOf(matrix), given, cancel))
  }

  /**
   * Returns the log-odds of churn for each row, before calibration. The log-odds of a row equal the base value of
   * `explain` plus the sum of the row's contributions.
   */
  async logOdds(matrix: FeatureMatrix, options?: RunOptions): Promise<Float64Array> {
    const given = checked(options, RUN_OPTIONS)
    return long(given, (cancel) => halfOf<Native>(this).logOdds(matrixOf(matrix), given, cancel))
  }

  /**
   * Returns the Shapley value of each feature for each row of a matrix, in log-odds before calibration. The matrix must
   * contain the features of this model.
   */
  async explain(matrix: FeatureMatrix, options?: RunOptions): Promise<Explanation> {
    const given = checked(options, RUN_OPTIONS)
    return long(given, (cancel) => halfOf<Native>(this).explain(matrixOf(matrix), given, cancel))
  }

  /** The value that `JSON.stringify` writes for this object: the model card. */
  toJSON(): ModelCard { return this.card() }

  /** Frees the memory of the model after all running calls have finished. Later calls throw an error. */
  [Symbol.dispose](): void { dispose(this) }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    const { id, tenant, definition, featureNames } = this
    return shown('ChurnModel', { id, tenant, definition, features: featureNames.length }, options)
  }
}

/** @internal */
export const modelOf = (model: unknown): Native => argument<Native>(model, ChurnModel, 'model')
