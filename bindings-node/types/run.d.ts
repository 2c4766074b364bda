import { FeatureMatrix } from './features.js';
import type { Reason, Warning } from './reports.js';
import type { Cancellable, Id, Score } from './types.js';
/** Options of {@link ScoreRun.reasonsOf}. */
export interface ReasonsOptions extends Cancellable {
    /** Number of reasons per customer. Default: 5. */
    top?: number;
}
/** Reads warnings from JSON. */
export declare function parseWarnings(json: string): Warning[];
/** The scores of all eligible customers (those who can still churn) at one date. A run is immutable and iterable. */
export declare class ScoreRun implements Iterable<Score> {
    private constructor();
    /** The id of the tenant whose customers were scored. */
    get tenant(): string;
    /** The date of the scores. */
    get asOf(): string;
    /** The id of the model that computed the scores. */
    get modelId(): string;
    /** The scores of all eligible customers (those who can still churn), sorted by the UTF-8 bytes of the customer id. */
    get scores(): readonly Score[];
    /**
     * The probability of each score, in the order of `scores`. The value is NaN for a customer who has no probability.
     */
    get probabilities(): Float64Array;
    /** The features from which the scores were computed, with one row per score. */
    get matrix(): FeatureMatrix;
    /**
     * Warnings that say how the data of this run differ from the training data. For example, the data are stale, columns
     * are missing, or probabilities or features are outside their range in training.
     */
    get warnings(): readonly Warning[];
    /** Number of scores. */
    get length(): number;
    /** Returns the score at a position. A negative position counts from the end. */
    at(index: number): Score | undefined;
    [Symbol.iterator](): IterableIterator<Score>;
    /**
     * Returns the score of one customer. @throws {ChurnError} `customer_not_found` if the run does not include the
     * customer.
     */
    scoreOf(customerId: Id): Score;
    /**
     * Returns the features that contribute most to a customer's score, largest contribution first. `top` is the number of
     * features.
     */
    reasons(customerId: Id, top?: number): Reason[];
    /**
     * Returns the reasons for the scores of several customers, in the order of `customerIds`. Without `customerIds`, the
     * result has the reasons for all customers of the run. The call does not block the event loop.
     */
    reasonsOf(customerIds?: Iterable<Id> | null, options?: ReasonsOptions): Promise<Reason[][]>;
    /** Returns the scores with the highest probabilities, highest first. `top` is the number of scores. */
    riskiest(top?: number): Score[];
    /**
     * Returns the run as an Arrow IPC file with one row per customer. The columns are `customer_id`, `probability`, `low`
     * and `high` (the bounds of the confidence interval), `risk_band`, `status`, `not_scored_reason`, `expected_at`,
     * `as_of` and `model_id`.
     */
    toArrow(): Buffer;
    /** The value that `JSON.stringify` writes for this object: the scores and the warnings. */
    toJSON(): {
        tenant: string;
        asOf: string;
        modelId: string;
        warnings: readonly Warning[];
        scores: readonly Score[];
    };
    /** Frees the memory of the run after all running calls have finished. Later calls throw an error. */
    [Symbol.dispose](): void;
}
