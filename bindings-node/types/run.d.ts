import { FeatureMatrix } from './features.js';
import type { Reason } from './reports.js';
import type { Cancellable, Id, Score } from './types.js';
export interface ReasonsOptions extends Cancellable {
    /** Reasons per customer. Default: 5. */
    top?: number;
}
/** The scores of all eligible customers at one date. Immutable; iterates over its scores. */
export declare class ScoreRun implements Iterable<Score> {
    private constructor();
    get tenant(): string;
    get asOf(): string;
    get modelId(): string;
    /** The score of every eligible customer, sorted by id (bytes). */
    get scores(): readonly Score[];
    /** The probabilities in the order of `scores`; NaN where there is none. */
    get probabilities(): Float64Array;
    /** The features of the scored customers. */
    get matrix(): FeatureMatrix;
    /** Number of scores. */
    get length(): number;
    /** The score at a position; a negative one counts from the end. */
    at(index: number): Score | undefined;
    [Symbol.iterator](): IterableIterator<Score>;
    /** @throws {ChurnError} `customer_not_found` if the run has no score of the customer. */
    scoreOf(customerId: Id): Score;
    /** The features that contribute most to a customer's score, largest first. Default: 5. */
    reasons(customerId: Id, top?: number): Reason[];
    /** The reasons of many customers, off the event loop, in the order of the ids. Default: all customers of `scores`. */
    reasonsOf(customerIds?: Iterable<Id> | null, options?: ReasonsOptions): Promise<Reason[][]>;
    /** The customers with the highest probabilities, highest first. Default: 10. */
    riskiest(top?: number): Score[];
    /**
     * An Arrow IPC file with one row per customer: `customer_id`, `probability`, `low`, `high`, `risk_band`, `status`,
     * `not_scored_reason`, `expected_at`, `as_of`, `model_id`.
     */
    toArrow(): Buffer;
    toJSON(): {
        tenant: string;
        asOf: string;
        modelId: string;
        scores: readonly Score[];
    };
    /** Frees the memory of the run. Calls that are running finish; later ones throw. */
    [Symbol.dispose](): void;
}
