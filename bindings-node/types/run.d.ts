import { FeatureMatrix } from './features.js';
import type { Reason, Warning } from './reports.js';
import type { Cancellable, Id, Score } from './types.js';
/** Options of {@link ScoreRun.reasonsOf}. */
export interface ReasonsOptions extends Cancellable {
    /** Reasons per customer. Default: 5. */
    top?: number;
}
/** The scores of all eligible customers at one date. A run is immutable and iterable. */
export declare class ScoreRun implements Iterable<Score> {
    private constructor();
    /** The tenant whose customers were scored. */
    get tenant(): string;
    /** The date of the scores. */
    get asOf(): string;
    /** The id of the model of this run. */
    get modelId(): string;
    /** The score of every eligible customer, sorted by the UTF-8 bytes of the id. */
    get scores(): readonly Score[];
    /** The probabilities in the order of `scores`; NaN for customers without a score. */
    get probabilities(): Float64Array;
    /** The features of the scored customers. */
    get matrix(): FeatureMatrix;
    /**
     * How the data of this run differ from the training data: stale data, missing columns, or probabilities or features outside their
     * range in training.
     */
    get warnings(): readonly Warning[];
    /** Number of scores. */
    get length(): number;
    /** The score at a position; a negative position counts from the end. */
    at(index: number): Score | undefined;
    [Symbol.iterator](): IterableIterator<Score>;
    /** The score of one customer. @throws {ChurnError} `customer_not_found` if the run does not include the customer. */
    scoreOf(customerId: Id): Score;
    /** The features that contribute most to a customer's score, largest contribution first. Default: 5 features. */
    reasons(customerId: Id, top?: number): Reason[];
    /** The reasons for the scores of many customers, off the event loop, in the order of the ids. Default: all customers of the run. */
    reasonsOf(customerIds?: Iterable<Id> | null, options?: ReasonsOptions): Promise<Reason[][]>;
    /** The customers with the highest probabilities, highest first. Default: 10 customers. */
    riskiest(top?: number): Score[];
    /**
     * An Arrow IPC file with one row per customer: `customer_id`, `probability`, `low`, `high`, `risk_band`, `status`,
     * `not_scored_reason`, `expected_at`, `as_of`, `model_id`.
     */
    toArrow(): Buffer;
    /** What `JSON.stringify` writes: the scores and the warnings. */
    toJSON(): {
        tenant: string;
        asOf: string;
        modelId: string;
        warnings: readonly Warning[];
        scores: readonly Score[];
    };
    /** Frees the memory of the run. Running calls finish; later calls throw. */
    [Symbol.dispose](): void;
}
