import type { InspectOptions } from 'node:util'
import { ChurnError, spelled } from './errors.js'
import { FeatureMatrix, wrapMatrix } from './features.js'
import { INSPECT, argument, cached, checked, count, dispose, guard, halfOf, hold, id, invalid, keys, long, native, shown } from './glue.js'
import type { Reason } from './reports.js'
import type { Cancellable, Id, Score } from './types.js'

type Native = InstanceType<typeof native.Run>

/** Something about a run that should be looked at. */
export interface RunWarning {
  /** Stable: match on it. */
  code: string
  /** What was found, and what to do about it. */
  message: string
  /** The columns or features concerned. */
  columns: readonly string[]
  /** The dates concerned. */
  dates: readonly string[]
}

export interface ReasonsOptions extends Cancellable {
  /** Reasons per customer. Default: 5. */
  top?: number
}

const REASONS_OPTIONS = keys<ReasonsOptions>({ top: 1, signal: 1 })

/** @internal */
export let wrapRun: (run: Native) => ScoreRun

/** The scores of all eligible customers at one date. Immutable; iterates over its scores. */
export class ScoreRun implements Iterable<Score> {
  private constructor(run: Native) {
    if (!(run instanceof native.Run)) throw new ChurnError('use model.score', { code: 'invalid_option' })
    hold(this, run)
  }

  static {
    wrapRun = (run) => new ScoreRun(run)
  }

  get tenant(): string { return cached(this, 'tenant', () => halfOf<Native>(this).tenant) }
  get asOf(): string { return cached(this, 'asOf', () => halfOf<Native>(this).asOf) }
  get modelId(): string { return cached(this, 'modelId', () => halfOf<Native>(this).modelId) }
  /** The score of every eligible customer, sorted by id (bytes). */
  get scores(): readonly Score[] { return cached(this, 'scores', () => halfOf<Native>(this).scores() as Score[]) }
  /** The probabilities in the order of `scores`; NaN where there is none. */
  get probabilities(): Float64Array { return cached(this, 'probabilities', () => halfOf<Native>(this).probabilities()) }
  /** The features of the scored customers. */
  get matrix(): FeatureMatrix { return cached(this, 'matrix', () => wrapMatrix(halfOf<Native>(this).matrix())) }
  /** What training did not see: stale data, a level or features outside the training dates, missing columns. */
  get warnings(): readonly RunWarning[] {
    return cached(this, 'warnings', () => {
      const warnings: (Pick<RunWarning, 'code' | 'message'> & Partial<RunWarning>)[] = JSON.parse(halfOf<Native>(this).warnings)
      return warnings.map(({ code, message, columns = [], dates = [] }) => ({ code, message: spelled(message), columns, dates }))
    })
  }
  /** Number of scores. */
  get length(): number { return this.probabilities.length }

  /** The score at a position; a negative one counts from the end. */
  at(index: number): Score | undefined { return this.scores.at(index) }

  [Symbol.iterator](): IterableIterator<Score> { return this.scores[Symbol.iterator]() }

  /** @throws {ChurnError} `customer_not_found` if the run has no score of the customer. */
  scoreOf(customerId: Id): Score {
    return guard(() => halfOf<Native>(this).scoreOf(id(customerId, 'customerId'))) as Score
  }

  /** The features that contribute most to a customer's score, largest first. Default: 5. */
  reasons(customerId: Id, top = 5): Reason[] {
    return guard(() => halfOf<Native>(this).reasons(id(customerId, 'customerId'), count(top, 'top'))) as Reason[]
  }

  /** The reasons of many customers, off the event loop, in the order of the ids. Default: all customers of `scores`. */
  async reasonsOf(customerIds?: Iterable<Id> | null, options?: ReasonsOptions): Promise<Reason[][]> {
    const given = checked(options, REASONS_OPTIONS)
    if (typeof customerIds === 'string') throw invalid('customerIds', 'must be a list of ids')
    const ids = Array.from(customerIds ?? this.scores.map(({ customerId }) => customerId), (customerId) => id(customerId, 'customerIds'))
    const top = count(given.top ?? 5, 'top')
    return long(given, (cancel) => halfOf<Native>(this).reasonsOf(ids, top, cancel)) as Promise<Reason[][]>
  }

  /** The customers with the highest probabilities, highest first. Default: 10. */
  riskiest(top = 10): Score[] {
    return guard(() => halfOf<Native>(this).riskiest(count(top, 'top'))) as Score[]
  }

  /**
   * An Arrow IPC file with one row per customer: `customer_id`, `probability`, `low`, `high`, `risk_band`, `status`,
   * `not_scored_reason`, `expected_at`, `as_of`, `model_id`.
   */
  toArrow(): Buffer {
    return guard(() => halfOf<Native>(this).toArrow())
  }

  toJSON(): { tenant: string; asOf: string; modelId: string; warnings: readonly RunWarning[]; scores: readonly Score[] } {
    const { tenant, asOf, modelId, warnings, scores } = this
    return { tenant, asOf, modelId, warnings, scores }
  }

  /** Frees the memory of the run. Calls that are running finish; later ones throw. */
  [Symbol.dispose](): void { dispose(this) }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    const { tenant, asOf, modelId, length } = this
    return shown('ScoreRun', { tenant, asOf, modelId, scores: length }, options)
  }
}

/** @internal */
export const runOf = (run: unknown): Native => argument<Native>(run, ScoreRun, 'run')
