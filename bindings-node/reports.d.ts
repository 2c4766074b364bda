// Written by `cargo run -p churn-tests --bin generate_types` from the Rust types; changes here are lost.

/** A coarse class of risk. It depends on how the odds of churn compare with the overall odds at the training dates. */
export type RiskBand = 'low' | 'medium' | 'high' | 'critical'

/** Mean predicted probability and observed churn rate in one risk band. */
export interface BandCalibration {
  /** The risk band. */
  band: RiskBand
  /** The lowest probability of the band. */
  from: number
  /** Number of rows in the band. */
  rows: number
  /** Number of rows that churned. */
  churned: number
  /** Mean predicted probability; `null` if the band has no rows. */
  meanProbability: number | null
  /** Observed churn rate; `null` if the band has no rows. */
  churnRate: number | null
}

/** One bin of a calibration table: rows with similar predictions. */
export interface CalibrationBin {
  /** Total weight of the rows in the bin, which is their number if all weights are 1. */
  rows: number
  /** Mean predicted probability. */
  meanProbability: number
  /** Observed churn rate. */
  churnRate: number
}

/** The lowest probability of each risk band above `low`. */
export interface RiskBands {
  /** The lowest probability of the band `medium`. All lower probabilities are in the band `low`. */
  medium: number
  /** The lowest probability of the band `high`. */
  high: number
  /** The lowest probability of the band `critical`. */
  critical: number
}

/** The calibration method, and how well calibrated each risk band is. */
export interface CardCalibration {
  /** `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`. */
  method: string
  /** The lowest probability of each risk band. */
  riskBands: RiskBands
  /** Mean predicted probability and observed churn rate in each risk band, from out-of-fold predictions. */
  bands: BandCalibration[]
}

/** The observed history. */
export interface CardData {
  /** The start of the observed history. */
  observedFrom: string | null
  /** The end of the observed history. */
  observedUntil: string | null
  /** The training dates of the final model. If a training date is a span of days, this is the last day of the span. */
  trainingDates: string[]
  /** Lengths, in days, of the windows that begin before the observed history at some training date. */
  truncatedWindows: number[]
}

/** The features of a model. */
export interface CardFeatures {
  /** Number of features. */
  count: number
  /** The fingerprint of the feature plan: a hash of the content of the plan. */
  planFingerprint: string
  /** Names of the features in plan order. */
  names: string[]
}

/** Evidence that no training label overlaps the test period: `last_label_end <= test_date`. */
export interface PurgeProof {
  /** The test date. If there are several, the earliest one. */
  testDate: string
  /** The last training date. */
  lastTrainingDate: string
  /** The end of the label period of the last training date. */
  lastLabelEnd: string
  /** The required minimum number of days between the end of the last training label period and the test date. */
  embargoDays: number
  /**
   * Dates that were not used for training (purged) because their label period plus the embargo ends after the test
   * date.
   */
  purgedDates: string[]
}

/** A metric with its 90 % confidence interval, from a bootstrap that resamples whole customers. */
export interface Estimate {
  /** The metric on all rows. */
  value: number
  /** The lower end. */
  low: number
  /** The upper end. */
  high: number
}

/**
 * Metrics of predictions for rows that the base learners were not fitted on. A metric is `null` if it is undefined, for
 * example because all rows have the same label.
 */
export interface Measures {
  /** Number of rows. */
  rows: number
  /** Number of rows that churned. */
  churned: number
  /** Mean predicted probability. */
  meanProbability: number
  /** Area under the ROC curve. A pair of rows with equal predictions counts half. */
  rocAuc: Estimate | null
  /** Average precision. */
  prAuc: Estimate | null
  /** Mean negative log-likelihood. */
  logLoss: Estimate | null
  /** Mean squared error of the probability. */
  brier: Estimate | null
  /**
   * Expected calibration error over ten bins of equal size. Sampling noise makes the error positive even if the
   * predictions are calibrated. The interval is therefore a basic (reflected) bootstrap interval. The interval begins
   * at 0 if sampling noise alone can explain an error of this size.
   */
  calibrationError: Estimate | null
  /**
   * The calibration error that sampling noise alone can cause: the 95th percentile of the expected calibration error in
   * simulations in which these predictions are calibrated.
   */
  calibrationErrorNull95: number | null
  /**
   * Slope of the logistic regression of labels on predicted log-odds. A slope below 1 means that the predictions are
   * too extreme.
   */
  calibrationSlope: Estimate | null
  /** Intercept of the logistic regression of labels on predicted log-odds. */
  calibrationIntercept: Estimate | null
  /**
   * The constant that must be added to all predicted log-odds so that the mean probability equals the churn rate. At a
   * date later than the training dates, it measures drift of the churn rate that the features do not explain. Drift is
   * reported if the interval excludes 0. Predictions are not corrected for drift. `null` for models trained by versions
   * without this metric.
   */
  baseRateShift: Estimate | null
  /** Churn rate among the 10 % of rows with the highest scores, divided by the overall churn rate. */
  topDecileLift: Estimate | null
  /** Calibration table: mean predicted probability and observed churn rate in ten bins of equal size. */
  calibration: CalibrationBin[]
  /**
   * Why the metrics of ranking and calibration are `null` although both labels occur: one label has too few customers
   * for a reliable interval.
   */
  notMeasuredReason: string | null
}

/**
 * Separate measures for active and inactive customers. A customer is active if they have an event in the `horizon` days
 * before the test date. Only events of the table that defines inactivity count.
 *
 * Inactive customers have in effect already churned, so their churn is easy to predict. The measures over all customers
 * are therefore better than the measures over the active customers, who can still be retained.
 */
export interface MeasuresByActivity {
  /** Measures for customers with an event in the `horizon` days before the test date. */
  active: Measures
  /** Measures for customers without such an event. */
  inactive: Measures
}

/** One prediction of an out-of-time test, with the outcome. */
export interface Prediction {
  /** The customer. */
  customerId: string
  /** The prediction time. */
  asOf: string
  /** Predicted probability of churn. */
  probability: number
  /** Whether the customer churned in the label period. */
  churned: boolean
}

/** The result of an out-of-time test. The test dates lie after the label periods of all training dates. */
export interface OutOfTime {
  /** The last test date. */
  testDate: string
  /**
   * All test dates, sorted. By default, the test dates are the days of half a label period, and each customer is scored
   * on one of these days. The result therefore does not depend on a single day of the billing cycle. The measures
   * include the predictions of all test dates. The list is empty in model files of earlier versions, which tested only
   * `testDate`.
   */
  testDates: string[]
  /**
   * The training dates of the tested model. Their label periods all end by the first test date. A training date can be
   * a span of days in which each customer is used on one day (see `ChurnRateAt.first`). The list then contains the last
   * day of the span.
   */
  trainingDates: string[]
  /** Whether every customer was scored by a model that was not trained on any of that customer's rows. */
  unseenCustomers: boolean
  /** Evidence that no training label overlaps the test period. */
  proof: PurgeProof
  /** The metrics of the predictions. */
  measures: Measures
  /**
   * Separate measures for active and inactive customers. `null` if churn is defined by cancellation. Also `null` if
   * `activeWithin` of the churn definition is at most the horizon (by default, they are equal), because then every
   * tested customer is active.
   */
  byActivity: MeasuresByActivity | null
  /**
   * The predictions from which the measures were computed, for plots and custom metrics. Only the tests of a `Backtest`
   * contain them. In the report of a model, the list is empty, because the report is stored in the model file.
   */
  predictions: Prediction[]
}

/** Metrics with confidence intervals. */
export interface CardMetrics {
  /** The out-of-time test; `null` if the history is too short. */
  outOfTime: OutOfTime | null
  /** Why there is no out-of-time test; `null` if there is one. */
  outOfTimeReason: string | null
  /** Cross-validated (out-of-fold) metrics at the training dates. */
  crossValidated: Measures
}

/** The churn rate at a training date. */
export interface ChurnRateAt {
  /** The training date. */
  asOf: string
  /**
   * The first day of the span that ends at `asOf`, if each customer is used on one day of a span. `null` if all
   * customers are used at `asOf`.
   */
  first: string | null
  /** Number of customers. */
  rows: number
  /** Number of customers who churned. */
  churned: number
  /** Observed churn rate. */
  churnRate: number
  /** Mean out-of-fold probability. */
  meanProbability: number
}

/** Counts of the eligible customers at the training dates. A pair is a customer at one training date. */
export interface CardPopulation {
  /** Number of customer-date pairs. */
  rows: number
  /** Number of pairs in which the customer churned. */
  churned: number
  /** Share of pairs in which the customer churned. */
  churnRate: number
  /** The churn rate at each training date. */
  dates: ChurnRateAt[]
  /**
   * Number of excluded pairs, over all training and test dates. A pair is excluded if the customer churned between the
   * date and the start of the label period. It is also excluded if the customer had churned before the date, but this
   * was not known yet at the date.
   */
  excluded: number
  /**
   * Number of pairs, over all training and test dates, that were not used because there were more than `maxRows` pairs.
   */
  subsampled: number
}

/** A base learner of the ensemble. */
export interface MemberReport {
  /** `"linear"`, `"boosting"`, `"deep_boosting"` or `"forest"`. */
  name: string
  /** The weight of the base learner in the blend of log-odds. */
  weight: number
  /** The out-of-fold log-loss of the base learner, before calibration. */
  logLoss: number
}

/** The ensemble that separates one class from all other classes. */
export interface ClassifierPart {
  /** The code of the class. */
  class: number
  /** The members, with their weights. */
  members: MemberReport[]
  /** The calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`. */
  calibration: string
  /** Log-loss of the calibrated blend on out-of-fold predictions. */
  logLoss: number
  /** Area under the ROC curve of out-of-fold predictions. */
  rocAuc: number | null
}

/** A base learner that was requested but dropped. */
export interface DroppedMember {
  /** The name of the member, as in `MemberReport`. */
  name: string
  /** Why the member was dropped. */
  reason: string
}

/** The direction in which the probability may change as a feature grows, if all other features stay equal. */
export type Monotonicity = 'increasing' | 'decreasing'

/** How a column leaks the target. */
export type LeakageEvidence = 'restates_label' | 'only_for_churned' | 'only_for_retained' | 'identifier' | 'reaches_into_label_period'

/** The action that training took in response to a finding. */
export type LeakageAction = 'refused' | 'warned' | 'allowed'

/** A column that leaks the target, with the evidence. */
export interface LeakageFinding {
  /** The column as the caller named it. */
  column: string
  /** The feature that is computed from the column. */
  feature: string
  /** How the column leaks the target. */
  leak: LeakageEvidence
  /**
   * The test statistic, from 0 to 1. For `"restates_label"` and `"reaches_into_label_period"`, it is the fraction of
   * the log-loss that the column alone removes on held-out rows. For the other kinds, it is the fraction of rows that
   * agree with the finding.
   */
  statistic: number
  /**
   * What chance alone would give. If the statistic is a fraction of the log-loss, this is the largest statistic in a
   * permutation test. It may be negative. If the statistic is a fraction of rows, this is the probability that permuted
   * labels agree with the finding equally well. `null` if the test does not use labels.
   */
  byChance: number | null
  /** The evidence in words. */
  evidence: string
  /** The action that training took. */
  action: LeakageAction
}

/** A note about a column of a flat table that may have been read differently than the caller intended. */
export interface ColumnNote {
  /** The name of the column. */
  column: string
  /** The code of the note: `textsAsNumbers`, `numbersAsTexts` or `emptyColumn`. */
  code: string
  /** What was noticed, and what to do about it. */
  message: string
}

/** How a classifier was fitted and how well it performs. The report is part of the model file's metadata. */
export interface ClassifierReport {
  /** Number of training rows. A row that was replaced by copies because of an integer weight counts once per copy. */
  rows: number
  /** Number of training rows of each class, in the order of the class codes. */
  rowsOfClass: number[]
  /**
   * Number of groups. All rows of a group are in the same fold. The groups are the given groups or, if none were given,
   * the single rows. Groups that contain equal rows are merged. `null` if the file was written by a version that did
   * not count groups.
   */
  groups: number | null
  /** The ensembles, one per class. With two classes, there is only the ensemble of the second class. */
  parts: ClassifierPart[]
  /** Members that were requested but are not part of the ensemble. */
  droppedMembers: DroppedMember[]
  /** The monotonic constraints, by column. */
  monotoneConstraints: [string, Monotonicity][]
  /**
   * Columns that appear to leak the target but were used, either because the caller allowed them or because the policy
   * only warns.
   */
  leaks: LeakageFinding[]
  /**
   * Columns that may not have been read as intended: texts that were read as numbers, numbers that were read as texts,
   * and empty columns.
   */
  columnNotes: ColumnNote[]
}

/** Whether a feature raises or lowers a score. */
export type Direction = 'raises' | 'lowers'

/** Options of `GradientBoosting`. */
export interface GradientBoostingOptions {
  /** Number of trees. Default: 200. */
  nTrees?: number
  /** Maximum number of leaves of a tree. Default: 31. */
  maxLeaves?: number
  /** Maximum depth of a tree. Default: 64. */
  maxDepth?: number
  /** Learning rate (shrinkage), by which all leaf values are multiplied. Default: 0.1. */
  learningRate?: number
  /** Minimum number of rows in a leaf. Default: 20. */
  minLeafRows?: number
  /** Minimum sum of the second derivatives (Hessian) of the rows in a leaf. Default: 0.001. */
  minLeafHessian?: number
  /**
   * L1 penalty on leaf values. The sum of the first derivatives of each leaf is soft-thresholded by this number.
   * Default: 0.
   */
  l1?: number
  /** L2 penalty on leaf values. Default: 1. */
  l2?: number
  /** Fraction of the columns that are sampled for each tree, above 0 and at most 1. Default: 1. */
  colsample?: number
  /** Fraction of the rows that are sampled for each tree, above 0 and at most 1. Default: 1. */
  subsample?: number
  /** Maximum number of bins per column, 2 to 255. Default: 255. */
  maxBins?: number
  /**
   * Monotonic constraints, one for each column. With 1, the log-odds never fall if the column grows and all other
   * columns stay the same. With -1, the log-odds never rise. With 0, the column has no constraint. An empty list means
   * that no column has a constraint. Default: empty.
   */
  monotoneConstraints?: number[]
  /**
   * Seed of the sampling of rows and columns. As a part of `EnsembleOptions`, this seed is ignored, and the seed of the
   * training is used instead. Default: 0.
   */
  seed?: number
}

/** A closed interval. The documentation of each function or field with an interval states what the interval means. */
export interface Interval {
  /** The lower end. */
  low: number
  /** The upper end. */
  high: number
}

/** Options of `Logistic`. */
export interface LogisticOptions {
  /**
   * Strength of the L2 penalty, which corresponds to `1 / C` in scikit-learn. The objective is the sum of log-losses
   * plus half of this number times the sum of squared coefficients. The intercept is not penalised. Default: 1.
   */
  l2?: number
  /** Maximum number of iterations. Default: 200. */
  maxIterations?: number
  /**
   * Tolerance of the fit. The fit has converged if every component of the mean gradient is at most this number in
   * absolute value. Default: 1e-8.
   */
  tolerance?: number
}

/** The topic of a `Warning`. Each code is stable and the same in all languages. */
export type WarningCode = 'stale_data' | 'level_outside_training' | 'features_outside_training' | 'missing_column' | 'currency_differs' | 'unused_column' | 'labels_disagree' | 'outcomes_seen_in_training' | 'gap_exceeds_horizon' | 'uniform_training_date' | 'unusual_training_date' | 'no_better_than_chance' | 'level_off' | 'too_few_of_a_class'

/** A problem in a training or a score run that the user should check, although the work continues. */
export interface Warning {
  /** The topic of the warning. */
  code: WarningCode
  /** The problem and what to do about it, in plain English. */
  message: string
  /** The columns or features that the warning concerns; empty if there are none. */
  columns: string[]
  /** The dates that the warning concerns, sorted; empty if there are none. */
  dates: string[]
}

/**
 * A model card (after Mitchell et al., "Model cards for model reporting", 2019).
 *
 * It is computed from the model file alone, so equal files give equal cards, byte for byte.
 */
export interface ModelCard {
  /** The id of the model. It is computed from the content of the model file. */
  modelId: string
  /** The tenant whose records the model may score; `null` if it may score any tenant. */
  tenant: string | null
  /** What the model predicts. */
  definition: object
  /** The observed history. */
  data: CardData
  /** Counts of the eligible customers at the training dates. */
  population: CardPopulation
  /** The features. */
  features: CardFeatures
  /** The metrics of the model. */
  metrics: CardMetrics
  /** The calibration method, and how well calibrated each risk band is. */
  calibration: CardCalibration
  /** The members, with their weights. */
  members: MemberReport[]
  /** Members that were requested but are not part of the ensemble, with the reason. */
  droppedMembers: DroppedMember[]
  /** The monotonic constraints, by feature. */
  monotoneConstraints: [string, Monotonicity][]
  /**
   * Columns that appear to leak the target but were used, either because the caller allowed them or because their
   * finding is only a warning.
   */
  leaks: LeakageFinding[]
  /** Problems with the training dates, the definition or the measures, and what to do about them. */
  warnings: Warning[]
}

/** Options of `RandomForest`. */
export interface RandomForestOptions {
  /** Number of trees. Default: 200. */
  nTrees?: number
  /** Maximum depth of a tree. Default: 12. */
  maxDepth?: number
  /** Minimum number of bootstrap rows in a leaf. Default: 5. */
  minLeafRows?: number
  /**
   * Fraction of the columns that are sampled for each split, above 0 and at most 1. With `null`, the number of sampled
   * columns is the square root of the number of columns. Default: `null`.
   */
  colsample?: number | null
  /**
   * Additive smoothing. Before the log-odds of a leaf are computed, this number of rows with the overall churn rate is
   * added to the leaf. The number must be above 0, so that leaves with only one class have finite log-odds. A larger
   * number moves the log-odds of small leaves closer to the log-odds of the overall churn rate. Default: 2.
   */
  smoothing?: number
  /** Maximum number of bins per column, 2 to 255. Default: 255. */
  maxBins?: number
  /**
   * Seed of the sampling of rows and columns. As a part of `EnsembleOptions`, this seed is ignored, and the seed of the
   * training is used instead. Default: 0.
   */
  seed?: number
}

/** The value of a feature at the date of the score. */
export type ReasonValue = number | string | null

/** The contribution of one feature to one score. */
export interface Reason {
  /** The name of the feature. */
  feature: string
  /** The value of the feature for this customer at this date. */
  value: ReasonValue
  /**
   * The Shapley value of the feature: how much it adds to the blended log-odds, before calibration, compared with the
   * average training row. A value above 0 raises the risk.
   */
  contribution: number
  /** Whether the contribution raises or lowers the score. */
  direction: Direction
  /** The reason in English words: `payments paid count, last 28 days: 0 raises the risk`. */
  text: string
}

/** The score of one customer. */
export interface Score {
  /** The customer's id. */
  customerId: string
  /** Calibrated probability of churn in the label period; `null` if the customer is not scored. */
  probability: number | null
  /** 90 % confidence interval for the churn rate of customers with this score; `null` if the customer is not scored. */
  interval: Interval | null
  /** The risk band that contains the probability; `null` if the customer is not scored. */
  riskBand: RiskBand | null
  /** Whether the customer is scored. */
  status: 'scored' | 'not_enough_evidence'
  /** Why the customer is not scored, in words; `null` if the customer is scored. */
  notScoredReason: string | null
  /**
   * The time by which a score becomes available at the latest, if the customer stays; `null` if the customer is scored
   * or if no such time is known.
   */
  expectedAt: string | null
}

/** How a model was trained and how well it performs. The report is part of the model file's metadata. */
export interface TrainReport {
  /**
   * The training dates of the final model. A training date can be a span of days in which each customer is used on one
   * day (see `ChurnRateAt.first`). The list then contains the last day of the span.
   */
  trainingDates: string[]
  /** Number of customer-date pairs in the training set. */
  rows: number
  /** Number of these pairs in which the customer churned. */
  churned: number
  /**
   * Number of excluded pairs, over all training and test dates. A pair is excluded if the customer churned between the
   * date and the start of the label period. It is also excluded if the customer had churned before the date, but this
   * was not known yet at the date.
   */
  excluded: number
  /**
   * Number of pairs, over all training and test dates, that were not used because there were more than `maxRows` pairs.
   */
  subsampled: number
  /** The start of the observed history. */
  observedFrom: string | null
  /** The end of the observed history. */
  observedUntil: string | null
  /** The observed churn rate and the mean prediction at each training date. */
  dates: ChurnRateAt[]
  /**
   * Lengths, in days, of the windows that begin before the observed history at some training date and are therefore
   * truncated.
   */
  truncatedWindows: number[]
  /**
   * The out-of-time test of another model, which was trained in the same way on earlier dates. `null` if the history is
   * too short for a test.
   */
  outOfTime: OutOfTime | null
  /** Why there is no out-of-time test; `null` if there is one. */
  outOfTimeReason: string | null
  /**
   * Metrics of out-of-fold predictions at the training dates. If the causes or the rate of churn change over time,
   * these metrics are better than the metrics of future predictions.
   */
  crossValidated: Measures
  /** The base learners, with their weights. */
  members: MemberReport[]
  /** Base learners that were requested but dropped. */
  droppedMembers: DroppedMember[]
  /** The monotonic constraints, by feature. */
  monotoneConstraints: [string, Monotonicity][]
  /** The calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`. */
  calibration: string
  /** Mean predicted probability and observed churn rate in each risk band, from out-of-fold predictions. */
  bands: BandCalibration[]
  /**
   * Columns that appear to leak the target but were used, either because the caller allowed them or because their
   * finding is only a warning.
   */
  leaks: LeakageFinding[]
  /** Problems with the training dates, the definition or the measures, and what to do about them. */
  warnings: Warning[]
}
