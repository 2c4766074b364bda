import { ChurnModel } from '../model.js';
import { TenantRecords } from '../records.js';
import type { Reason, RiskBand } from '../reports.js';
import { ScoreRun } from '../run.js';
import type { ChurnDefinition, Id, Moment, Moments, NotScored, Scored } from '../types.js';
/**
 * Identifies a score run by its date and its model. A {@link ScoreRun} has both properties and can be passed instead.
 */
export interface RunId {
    asOf: Moment;
    modelId: string;
}
/** Identifies a stored score run by its date and its model. */
export interface StoredRunId {
    asOf: string;
    modelId: string;
}
/** A stored score. Its `status` tells whether the customer has a probability. */
export type StoredScore = (Scored | NotScored) & {
    run: StoredRunId;
    /** The value of the customer, such as their yearly revenue. It is null if the run was saved without this value. */
    value: number | null;
    /** The probability times the value of the customer. It is null if the probability or the value is not known. */
    valueAtRisk: number | null;
    /** The stored reasons, largest contribution first. */
    reasons: Reason[];
};
/** The purpose of a stored score run: `'served'` if it is shown to users, `'trial'` if it is for a comparison. */
export type RunPurpose = 'served' | 'trial';
/** A summary of a stored score run. */
export interface RunSummary {
    id: StoredRunId;
    savedAt: string;
    /**
     * The purpose of the run: `'served'` if it is shown to users, `'trial'` if it is for a comparison.
     * {@link ScoreStore.history} and queries that do not name a run use only served runs.
     */
    purpose: RunPurpose;
    customers: number;
    scored: number;
    meanProbability: number | null;
    /** Number of customers in each risk band. */
    bands: Record<RiskBand, number>;
    /** Number of scored customers whose outcome (whether they churned) is known. */
    outcomes: number;
    /** Number of scored customers who are known to have churned. */
    churned: number;
}
/** The last customer of a page of scores. The next page begins after this customer. */
export interface RiskPlace {
    probability: number;
    customerId: string;
}
/** Options of {@link ScoreStore.save}. */
export interface SaveRunOptions {
    /** The time at which the run is saved. The caller passes it, because the store reads no clock. */
    at: Moment;
    /**
     * The number n of customers whose reasons are stored. These are the n customers with the highest probabilities. If
     * `values` is given, the reasons of the n customers with the highest values at risk are stored too. Default: 100.
     */
    reasons?: number | 'all';
    /**
     * The purpose of the run. A `'served'` run (default) is shown to users. A `'trial'` run is for a comparison: a query
     * returns a trial run only if the query names the run.
     */
    purpose?: RunPurpose;
    /**
     * The value of each customer (such as their yearly revenue). The keys are ids of customers in the run. The value at
     * risk is the probability times this value.
     */
    values?: Record<string, number> | ReadonlyMap<string, number>;
}
/** Options of a call that returns a limited number of results. */
export interface LimitOptions {
    /** Maximum number of results. Default: 100. */
    limit?: number;
}
/** Options of {@link ScoreStore.runs}. */
export interface RunsOptions extends LimitOptions {
    /** Selects runs whose date is earlier than this time. */
    before?: Moment | null;
}
/** The position at which a page of scores ends. */
export interface ScoreCursor {
    /**
     * The probability or value at risk of the last customer of the page. It is the number by which the page is sorted.
     */
    key: number | null;
    /** The id of the last customer of the page. */
    customerId: string;
}
/** Options of {@link ScoreStore.query}. */
export interface ScoreQuery {
    /** The run whose scores are read. Default: the latest run that is shown to users (purpose `'served'`). */
    run?: RunId | null;
    /** Scores are sorted by this number, highest first. Default: `'probability'`. */
    order?: 'probability' | 'value_at_risk';
    /** Selects customers in these risk bands. */
    bands?: readonly RiskBand[];
    /** If true, selects customers who are scored. If false, selects customers who are not scored. */
    scored?: boolean | null;
    customerIds?: readonly Id[];
    minProbability?: number;
    /** Maximum number of results, 1 to 10 000. Default: 100. */
    limit?: number;
    /** The value that the previous page has in `next`. Without this option, the first page is read. */
    after?: ScoreCursor | null;
    /** Whether the result has `total`, the number of all customers that match the query. Default: false. */
    total?: boolean;
}
/** A page of scores. */
export interface ScorePage {
    run: StoredRunId;
    scores: StoredScore[];
    /** Pass this value as `after` to read the next page. It is null on the last page. */
    next: ScoreCursor | null;
    /** The number of all customers that match the query. It is null if the query did not ask for the total. */
    total: number | null;
}
/** The changes from one run to another. */
export interface RunChanges {
    /**
     * For each pair of risk bands, the number of customers with the band `from` in the earlier run and `to` in the later
     * run. A band is null for customers who are not scored in that run.
     */
    moves: {
        from: RiskBand | null;
        to: RiskBand | null;
        customers: number;
    }[];
    /** Number of customers who are only in the later run. */
    entered: number;
    /** Number of customers who are only in the earlier run. */
    left: number;
    /** The customers whose probability changed most from the earlier run to the later run, largest change first. */
    largest: {
        customerId: string;
        before: number;
        after: number;
    }[];
}
/** Options of {@link ScoreStore.highRisk}. */
export interface HighRiskOptions {
    /** The run whose scores are read. Default: the latest run that is shown to users (purpose `'served'`). */
    run?: RunId | null;
    /** Selects customers with at least this probability. */
    minProbability?: number;
    /** Maximum number of results. Default: 100. */
    limit?: number;
    /** The value that the previous page has in `next`. Without this option, the first page is read. */
    after?: RiskPlace | null;
}
/** The stored score runs of a tenant. A score run has the scores of all eligible customers at one date. */
export declare class ScoreStore {
    #private;
    /** Stores a run in one transaction. If a run with the same date and model is already stored, it is replaced. */
    save(model: ChurnModel, run: ScoreRun, options: SaveRunOptions): Promise<StoredRunId>;
    /** Returns summaries of the latest runs, latest date first. Trial runs are included. */
    runs(options?: RunsOptions): Promise<RunSummary[]>;
    /**
     * Returns a page of a run's customers, highest probability first. To get the next page, pass the value of `next` as
     * `after`.
     */
    highRisk(options?: HighRiskOptions): Promise<{
        scores: StoredScore[];
        next: RiskPlace | null;
    }>;
    /**
     * Returns a page of a run's scores, filtered and sorted as the options say. Customers who are not scored are
     * included.
     */
    query(options?: ScoreQuery): Promise<ScorePage>;
    /**
     * Returns the changes from one run to a later run. If different models computed the two runs, a change may be due to
     * the model.
     */
    changes(from: RunId, to: RunId, options?: LimitOptions): Promise<RunChanges>;
    /** Returns a customer's scores in the runs that are shown to users (purpose `'served'`), latest date first. */
    history(customerId: Id, options?: LimitOptions): Promise<StoredScore[]>;
    /** Deletes a run and its scores. */
    delete(run: RunId): Promise<void>;
}
/** A stored probability of a customer, and whether the customer churned. */
export interface ScoredOutcome {
    customerId: string;
    probability: number;
    churned: boolean;
}
/**
 * A stored outcome: whether a customer churned in the label period (the period after a date, during which churn is
 * counted).
 */
export interface StoredOutcome {
    customerId: string;
    asOf: string;
    /** Whether the customer churned. It is null for a customer who has no label at this date. */
    churned: boolean | null;
    rule: string;
    eventAt: string | null;
}
/** Options of {@link OutcomeStore.save}. */
export interface OutcomeOptions {
    asOf: Moments;
    /**
     * The definition of churn, usually `model.definition`. {@link OutcomeStore.ofRun} finds outcomes only if the
     * definition of the run's model equals this definition.
     */
    definition: ChurnDefinition;
}
/** The stored outcomes of customers. An outcome says whether a customer churned in the label period after a date. */
export declare class OutcomeStore {
    #private;
    /**
     * Computes the churn labels at one or several dates, like the function `labels`, and stores them as outcomes. Returns
     * the number of new or changed outcomes.
     */
    save(records: TenantRecords, options: OutcomeOptions): Promise<number>;
    /**
     * Returns the probabilities of a run with the customers' outcomes, sorted by customer id. A customer is included if
     * they have a probability, and if their outcome under the model's definition of churn is stored.
     */
    ofRun(run: RunId): Promise<ScoredOutcome[]>;
    /** Returns all stored outcomes of one customer, latest date first. */
    ofCustomer(customerId: Id): Promise<StoredOutcome[]>;
}
