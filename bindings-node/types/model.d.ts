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
 * Runs a rolling-origin backtest: for each origin (a test date), a model is trained on what was known then, and tested on the label
 * period that follows. `asOf` restricts the training dates.
 */
export declare function backtest(records: TenantRecords, options?: BacktestOptions): Promise<{
    folds: OutOfTime[];
}>;
/** A trained model. Immutable. */
export declare class ChurnModel {
    private constructor();
    /** Trains a model, off the event loop. The same records, options and seed give the same bytes for any number of threads. */
    static train(records: TenantRecords, options?: TrainOptions): Promise<ChurnModel>;
    /** Opens a model file from memory. @throws {ChurnError} `artifact_damaged`, `artifact_version`, `artifact_too_large`. */
    static fromBytes(bytes: Uint8Array): ChurnModel;
    /** Opens a model file. Rejects like {@link fromBytes}, or with `io`. */
    static load(path: string | URL, options?: Cancellable): Promise<ChurnModel>;
    /** Writes the model file, atomically. */
    save(path: string | URL, options?: Cancellable): Promise<void>;
    /** The bytes of the model file. Rust, Python and Node write the same bytes. */
    toBytes(): Buffer;
    /** The id of the model: a hash of its content. */
    get id(): string;
    /** The tenant whose records the model may score; null for any tenant. */
    get tenant(): string | null;
    /** Names of the features, in plan order. */
    get featureNames(): readonly string[];
    /** The probabilities at which the risk bands begin. */
    get riskBands(): RiskBands;
    /** How the model was trained and how well it performs. */
    get report(): TrainReport;
    /** The definition of churn that the model predicts, with defaults filled in. */
    get definition(): Required<CancellationDefinition> | Required<InactivityDefinition>;
    /** The model card: what the model is, what it was trained on and how well it performs. */
    card(): ModelCard;
    /** The model card as Markdown. */
    cardMarkdown(): string;
    /** Scores all eligible customers, off the event loop. */
    score(records: TenantRecords, options: ScoreOptions): Promise<ScoreRun>;
    /** Scores one customer, on the calling thread. The score is bit-identical to the customer's score in a run. */
    scoreCustomer<C extends CustomerRecord>(rows: CustomerRows<C>, options: ScoreCustomerOptions): CustomerScore;
    /** Computes the features that this model uses, for all customers at some dates, including customers who have left. */
    features(records: TenantRecords, options: ModelFeatureOptions): Promise<FeatureMatrix>;
    /** Calibrated probability of every row of a matrix, which must have this model's features. */
    predictProba(matrix: FeatureMatrix, options?: RunOptions): Promise<Float64Array>;
    /** Log-odds of every row before calibration. They equal the base value plus the sum of the contributions. */
    logOdds(matrix: FeatureMatrix, options?: RunOptions): Promise<Float64Array>;
    /** Shapley values of every feature for every row of a matrix, which must have this model's features. */
    explain(matrix: FeatureMatrix, options?: RunOptions): Promise<Explanation>;
    /** What `JSON.stringify` writes: the model card. */
    toJSON(): ModelCard;
    /** Frees the memory of the model. Running calls finish; later calls throw. */
    [Symbol.dispose](): void;
}
