import type { CustomerRecord } from './columns.js';
import { FeatureMatrix } from './features.js';
import { type TenantRecords } from './records.js';
import type { ModelCard, OutOfTime, RiskBands, TrainReport } from './reports.js';
import { ScoreRun } from './run.js';
import type { BacktestOptions, CancellationDefinition, Cancellable, CustomerRows, CustomerScore, Explanation, InactivityDefinition, Moment, Moments, RunOptions, ScoreOptions, Threads, TrainOptions } from './types.js';
/** Options of {@link ChurnModel.scoreCustomer}. */
export interface ScoreCustomerOptions {
    asOf: Moment;
    /** Number of reasons. Default: 5. */
    top?: number;
}
/** Options of {@link ChurnModel.features}. */
export interface ModelFeatureOptions extends Threads, Cancellable {
    asOf: Moments;
}
/**
 * Runs a backtest with a rolling origin. For each test date (origin), a model is trained on the data that were known at
 * that date. The model is tested on the label period (the period in which churn is counted) that follows the test date.
 * If the option `asOf` is given, the training dates of each model are taken from this option.
 */
export declare function backtest(records: TenantRecords, options?: BacktestOptions): Promise<{
    folds: OutOfTime[];
}>;
/** A trained churn model. It is immutable. */
export declare class ChurnModel {
    private constructor();
    /**
     * Trains a model without blocking the event loop. Equal records, options and seeds give equal model bytes, for any
     * number of threads.
     */
    static train(records: TenantRecords, options?: TrainOptions): Promise<ChurnModel>;
    /**
     * Opens a model from the bytes of a model file.
     *
     * @throws {ChurnError} `artifact_damaged`, `artifact_version` or `artifact_too_large` if the bytes cannot be opened.
     */
    static fromBytes(bytes: Uint8Array): ChurnModel;
    /** Opens a model file. Rejects with the error codes of {@link fromBytes}, or with `io` if the file cannot be read. */
    static load(path: string | URL, options?: Cancellable): Promise<ChurnModel>;
    /** Writes the model to a file. The write is atomic: other processes see either the old or the complete new file. */
    save(path: string | URL, options?: Cancellable): Promise<void>;
    /** Returns the bytes of the model file. Rust, Python and Node write the same bytes for the same model. */
    toBytes(): Buffer;
    /** The id of the model: a hash of its content. */
    get id(): string;
    /** The id of the only tenant whose records the model may score. It is null if the model may score any tenant. */
    get tenant(): string | null;
    /** Names of the features of the model, in the order of the columns of its feature matrix. */
    get featureNames(): readonly string[];
    /** The probabilities at which the risk bands medium, high and critical begin. */
    get riskBands(): RiskBands;
    /** The training report: how the model was trained and how well it performs. */
    get report(): TrainReport;
    /** The definition of churn under which the model was trained, with defaults filled in. */
    get definition(): Required<CancellationDefinition> | Required<InactivityDefinition>;
    /** Returns the model card. It describes the model, its training data and its accuracy. */
    card(): ModelCard;
    /** Returns the model card as Markdown. */
    cardMarkdown(): string;
    /**
     * Scores all eligible customers at a date, without blocking the event loop. A customer is eligible if they can still
     * churn under the model's definition of churn.
     */
    score(records: TenantRecords, options: ScoreOptions): Promise<ScoreRun>;
    /**
     * Scores one customer. This method is synchronous. The score is bit-identical to the customer's score in a run over
     * all customers.
     */
    scoreCustomer<C extends CustomerRecord>(rows: CustomerRows<C>, options: ScoreCustomerOptions): CustomerScore;
    /**
     * Computes the features that this model uses, at one or several dates. The matrix has a row for each date and each
     * customer who signed up before the date, including customers who have left.
     */
    features(records: TenantRecords, options: ModelFeatureOptions): Promise<FeatureMatrix>;
    /**
     * Returns the calibrated churn probability of each row of a matrix. The matrix must contain the features of this
     * model.
     */
    predictProba(matrix: FeatureMatrix, options?: RunOptions): Promise<Float64Array>;
    /**
     * Returns the log-odds of churn for each row, before calibration. The log-odds of a row equal the base value of
     * `explain` plus the sum of the row's contributions.
     */
    logOdds(matrix: FeatureMatrix, options?: RunOptions): Promise<Float64Array>;
    /**
     * Returns the Shapley value of each feature for each row of a matrix, in log-odds before calibration. The matrix must
     * contain the features of this model.
     */
    explain(matrix: FeatureMatrix, options?: RunOptions): Promise<Explanation>;
    /** The value that `JSON.stringify` writes for this object: the model card. */
    toJSON(): ModelCard;
    /** Frees the memory of the model after all running calls have finished. Later calls throw an error. */
    [Symbol.dispose](): void;
}
