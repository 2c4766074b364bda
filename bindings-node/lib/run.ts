import type { InspectOptions } from 'node:util'
import { ChurnError, spelled } from './errors.js'
import { FeatureMatrix, wrapMatrix } from './features.js'
import { INSPECT, argument, cached, checked, count, dispose, guard, halfOf, hold, id, invalid, keys, long, native, shown } from './glue.js'
import type { Reason, Warning } from './reports.js'
import type { Cancellable, Id, Score } from './types.js'

type Native = InstanceType<typeof native.Run>

/** Options of {@link ScoreRun.reasonsOf}. */
export interface ReasonsOptions extends Cancellable {
  /** Number of reasons per customer. Default: 5. */
  top?: number
}

const REASONS_OPTIONS = keys<ReasonsOptions>({ top: 1, signal: 1 })

/** @internal */
export let wrapRun: (run: Native) => ScoreRun

/** Reads warnings from JSON. */
export function parseWarnings(json: string): Warning[] {
  const warnings: (Pick<Warning, 'code' | 'message'> & Partial<Warning>)[] = JSON.parse(json)
  return warnings.map(({ code, message, columns = [], dates = [] }) => ({ code, message: spelled(message), columns, dates }))
}

/** The scores of all eligible customers (those who can still churn) at one date. A run is immutable and iterable. */
export class ScoreRun implements Iterable<Score> {
  private constructor(run: Native) {
    if (!(run instanceof native.Run)) throw new ChurnError('use model.score', { code: 'invalid_option' })
    hold(this, run)
  }

  static {
    wrapRun = (run) => new ScoreRun(run)
  }

  /** The id of the tenant whose customers were scored. */
  get tenant(): string { return cached(this, 'tenant', () => halfOf<Native>(this).tenant) }
  /** The date of the scores. */
  get asOf(): string { return cached(this, 'asOf', () => halfOf<Native>(this).asOf) }
  /** The id of the model that computed the scores. */
  get modelId(): string { return cached(this, 'modelId', () => halfOf<Native>(this).modelId) }
  /** The scores of all eligible customers (those who can still churn), sorted by the UTF-8 bytes of the customer id. */
  get scores(): readonly Score[] { return cached(this, 'scores', () => halfOf<Native>(this).scores() as Score[]) }
  /**
   * The probability of each score, in the order of `scores`. The value is NaN for a customer who has no probability.
   */
  get probabilities(): Float64Array { return cached(this, 'probabilities', () => halfOf<Native>(this).probabilities()) }
  /** The features from which the scores were computed, with one row per score. */
  get matrix(): FeatureMatrix { return cached(this, 'matrix', () => wrapMatrix(halfOf<Native>(this).matrix())) }
  /**
   * Warnings that say how the data of this run differ from the training data. For example, the data are stale, columns
   * are missing, or probabilities or features are outside their range in training.
   */
  get warnings(): readonly Warning[] {
    return cached(this, 'warnings', () => parseWarnings(halfOf<Native>(this).warnings))
  }
  /** Number of scores. */
  get length(): number { return this.probabilities.length }

  /** Returns the score at a position. A negative position counts from the end. */
  at(index: number): Score | undefined { return this.scores.at(index) }

  [Symbol.iterator](): IterableIterator<Score> { return this.scores[Symbol.iterator]() }

  /**
   * Returns the score of one customer. @throws {ChurnError} `customer_not_found` if the run does not include the
   * customer.
   */
  scoreOf(customerId: Id): Score {
    return guard(() => halfOf<Native>(this).scoreOf(id(customerId, 'customerId'))) as Score
  }

  /**
   * Returns the features that contribute most to a customer's score, largest contribution first. `top` is the number of
   * features.
   */
  reasons(customerId: Id, top = 5): Reason[] {
    return guard(() => halfOf<Native>(this).reasons(id(customerId, 'customerId'), count(top, 'top'))) as Reason[]
  }

  /**
   * Returns the reasons for the scores of several customers, in the order of `customerIds`. Without `customerIds`, the
   * result has the reasons for all customers of the run. The call does not block the event loop.
   */
  async reasonsOf(customerIds?: Iterable<Id> | null, options?: ReasonsOptions): Promise<Reason[][]> {
    const given = checked(options, REASONS_OPTIONS)
    if (typeof customerIds === 'string') throw invalid('customerIds', 'must be a list of ids')
    const ids = Array.from(customerIds ?? this.scores.map(({ customerId }) => customerId), (customerId) => id(customerId, 'customerIds'))
    const top = count(given.top ?? 5, 'top')
    return long(given, (cancel) => halfOf<Native>(this).reasonsOf(ids, top, cancel)) as Promise<Reason[][]>
  }

  /** Returns the scores with the highest probabilities, highest first. `top` is the number of scores. */
  riskiest(top = 10): Score[] {
    return guard(() => halfOf<Native>(this).riskiest(count(top, 'top'))) as Score[]
  }

  /**
   * Returns the run as an Arrow IPC file with one row per customer. The columns are `customer_id`, `probability`, `low`
   * and `high` (the bounds of the confidence interval), `risk_band`, `status`, `not_scored_reason`, `expected_at`,
   * `as_of` and `model_id`.
   */
  toArrow(): Buffer {
    return guard(() => halfOf<Native>(this).toArrow())
  }

  /** The value that `JSON.stringify` writes for this object: the scores and the warnings. */
  toJSON(): { tenant: string; asOf: string; modelId: string; warnings: readonly Warning[]; scores: readonly Score[] } {
    const { tenant, asOf, modelId, warnings, scores } = this
    return { tenant, asOf, modelId, warnings, scores }
  }

  /** Frees the memory of the run after all running calls have finished. Later calls throw an error. */
  [Symbol.dispose](): void { dispose(this) }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    const { tenant, asOf, modelId, length } = this
    return shown('ScoreRun', { tenant, asOf, modelId, scores: length }, options)
  }
}

/** @internal */
export const runOf = (run: unknown): Native => argument<Native>(run, ScoreRun, 'run')
