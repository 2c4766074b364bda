// Written by `cargo run -p churn-tests --bin generate_types` from the Rust types; changes here are lost.

/**
 * A coarse class of risk. The band depends on the ratio of two odds: the customer's odds of churn, p / (1 - p) for the
 * probability p, and the overall odds of churn at the training dates.
 */
export type RiskBand = 'low' | 'medium' | 'high' | 'critical'

/** Mean predicted probability and observed churn rate in one risk band. */
export interface BandCalibration {
  /** The risk band. */
  band: RiskBand
  /** The lowest probability that belongs to the band. */
  from: number
  /** Number of rows (customer-date pairs) whose probability is in the band. */
  rows: number
  /** Number of rows whose probability is in the band and whose customer churned. */
  churned: number
  /** Mean predicted probability of the rows in the band; `null` if the band has no rows. */
  meanProbability: number | null
  /** Observed churn rate of the rows in the band; `null` if the band has no rows. */
  churnRate: number | null
}

/** One bin of a calibration table: rows with similar predictions. */
export interface CalibrationBin {
  /** Total weight of the rows in the bin. If all weights are 1, this is the number of rows. */
  rows: number
  /** Mean predicted probability of the rows in the bin. */
  meanProbability: number
  /** Observed churn rate of the rows in the bin. */
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
  /** The calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`. */
  method: string
  /** The lowest probability of each risk band above `low`. */
  riskBands: RiskBands
  /**
   * Mean predicted probability and observed churn rate in each risk band. Each prediction comes from a model that was
   * not fitted on the customer's rows (out-of-fold).
   */
  bands: BandCalibration[]
}

/** The observed history (the period that the training records cover) and the training dates. */
export interface CardData {
  /** The start of the period that the training records cover. */
  observedFrom: string | null
  /** The end of the period that the training records cover. */
  observedUntil: string | null
  /**
   * The training dates of the final model. If the model was trained on spans of days instead of single dates, the list
   * contains the last day of each span.
   */
  trainingDates: string[]
  /**
   * Lengths, in days, of the feature windows that are truncated at one or more training dates. A feature with a window
   * uses only the records of the days in this window, which ends at the training date. A window is truncated if it
   * begins before the observed history.
   */
  truncatedWindows: number[]
}

/** The features that a model uses. */
export interface CardFeatures {
  /** Number of features. */
  count: number
  /** The fingerprint of the feature plan: a hash of the content of the plan. */
  planFingerprint: string
  /** Names of the features, in the order of the feature plan. */
  names: string[]
}

/** Evidence that no label period of a training date overlaps the test period: `last_label_end <= test_date`. */
export interface PurgeProof {
  /** The test date. If there are several test dates, this is the earliest one. */
  testDate: string
  /** The latest training date. If the model was trained on spans of days, this is the last day of the latest span. */
  lastTrainingDate: string
  /** The end of the label period of the latest training date. */
  lastLabelEnd: string
  /** The required minimum number of days between `lastLabelEnd` and the test date. */
  embargoDays: number
  /**
   * Dates that were not used for training (purged) because their label period, extended by the embargo, ends after the
   * test date.
   */
  purgedDates: string[]
}

/** A metric with its 90 % confidence interval. The interval comes from a bootstrap that resamples whole customers. */
export interface Estimate {
  /** The value of the metric, computed from all rows. */
  value: number
  /** The lower end of the interval. */
  low: number
  /** The upper end of the interval. */
  high: number
}

/**
 * Metrics of predictions. Each row was predicted by a model that was fitted without this row. A metric is `null` if it
 * is undefined, for example because all rows have the same label.
 */
export interface Measures {
  /** Number of rows (predictions). */
  rows: number
  /** Number of rows whose customer churned. */
  churned: number
  /** Mean predicted probability over all rows. */
  meanProbability: number
  /**
   * Area under the ROC curve. Each churned row is paired with each retained row. The area is the share of pairs in
   * which the churned row has the higher prediction. A pair with equal predictions counts half. Random predictions give
   * 0.5, and a perfect ranking gives 1.
   */
  rocAuc: Estimate | null
  /**
   * Average precision, a summary of the precision-recall curve. Random predictions give about the churn rate, and a
   * perfect ranking gives 1.
   */
  prAuc: Estimate | null
  /** Mean negative log-likelihood of the labels, in nats. Lower is better. */
  logLoss: Estimate | null
  /**
   * Brier score: the mean squared difference between the predicted probability and the label (0 or 1). Lower is better.
   */
  brier: Estimate | null
  /**
   * Expected calibration error. For each of ten bins of equal size, the absolute difference between the mean predicted
   * probability and the observed churn rate is computed. The error is the mean of these differences. Lower is better.
   * Sampling noise makes the error positive even if the predictions are calibrated. The interval is therefore a basic
   * (reflected) bootstrap interval. The interval begins at 0 if sampling noise alone can explain an error of this size.
   */
  calibrationError: Estimate | null
  /**
   * The calibration error that sampling noise alone can cause: the 95th percentile of the expected calibration error in
   * simulations. In each simulation, every row churns with its predicted probability.
   */
  calibrationErrorNull95: number | null
  /**
   * Slope of the logistic regression of labels on predicted log-odds. The slope is 1 if the predictions are calibrated,
   * and below 1 if they are too extreme.
   */
  calibrationSlope: Estimate | null
  /**
   * Intercept of the logistic regression of labels on predicted log-odds. The intercept is 0 if the predictions are
   * calibrated.
   */
  calibrationIntercept: Estimate | null
  /**
   * The constant that must be added to all predicted log-odds so that the mean probability equals the churn rate. At a
   * date later than the training dates, this constant measures how much the churn rate has drifted for reasons that the
   * features do not show. Drift is reported if the confidence interval of the constant excludes 0. Predictions are not
   * corrected for drift. `null` if the model was trained by a version of this library without this metric.
   */
  baseRateShift: Estimate | null
  /**
   * Churn rate among the 10 % of rows with the highest scores, divided by the overall churn rate. Random scores give
   * about 1.
   */
  topDecileLift: Estimate | null
  /**
   * Calibration table: the mean predicted probability and the observed churn rate in ten bins of equal size, lowest
   * predictions first.
   */
  calibration: CalibrationBin[]
  /**
   * Why the metrics of ranking and calibration are `null` although both labels occur. The reason is always that one
   * label has too few customers for a reliable interval.
   */
  notMeasuredReason: string | null
}

/**
 * Separate metrics for active and for inactive customers. A customer is active if they have an event in the `horizon`
 * days before the test date. Only the table that defines inactivity is searched for such events.
 *
 * Inactive customers have in effect already churned, so their churn is easy to predict. The metrics over all customers
 * are therefore too optimistic for the active customers. Only the active customers can still be retained.
 */
export interface MeasuresByActivity {
  /** Metrics for active customers, who have an event in the `horizon` days before the test date. */
  active: Measures
  /** Metrics for inactive customers, who have no event in the `horizon` days before the test date. */
  inactive: Measures
}

/** One prediction of an out-of-time test, with the outcome. */
export interface Prediction {
  /** The id of the customer. */
  customerId: string
  /** The date of the prediction. */
  asOf: string
  /** Predicted probability that the customer churns in the label period after the date. */
  probability: number
  /** Whether the customer churned in the label period after the date. */
  churned: boolean
}

/**
 * The result of an out-of-time test: a model is trained on earlier dates and is tested on later dates. The label
 * periods of all training dates end by the first test date.
 */
export interface OutOfTime {
  /** The last test date. */
  testDate: string
  /**
   * All test dates, sorted. By default, the test dates are all days of a span that is half as long as a label period,
   * and each customer is scored on one of these days. The metrics therefore do not depend on a single day of the
   * billing cycle. The metrics include the predictions of all test dates. The list is empty if an earlier version of
   * this library wrote the model file, because that version tested only `testDate`.
   */
  testDates: string[]
  /**
   * The training dates of the tested model. The label periods of all training dates end by the first test date. If a
   * training date stands for a span of days, each customer is used on one day of the span (see `ChurnRateAt.first`),
   * and this list contains the last day of the span.
   */
  trainingDates: string[]
  /** Whether every customer was scored by a model that was not trained on any of that customer's rows. */
  unseenCustomers: boolean
  /** Evidence that the label periods of all training dates end by the first test date. */
  proof: PurgeProof
  /** The metrics of the predictions at the test dates. */
  measures: Measures
  /**
   * Separate metrics for active and for inactive customers. A customer is active if they have an event in the `horizon`
   * days before the test date. The field is `null` if churn is defined by cancellation, or if one of the two groups is
   * empty. For example, every tested customer is active if `activeWithin` of the churn definition is at most the
   * horizon. By default, `activeWithin` equals the horizon.
   */
  byActivity: MeasuresByActivity | null
  /**
   * The predictions from which the measures were computed, for plots and custom metrics. Only the tests of a `Backtest`
   * contain predictions. In the report of a model, the list is empty, which keeps the model file small.
   */
  predictions: Prediction[]
}

/** The metrics of the model, with confidence intervals. */
export interface CardMetrics {
  /**
   * The out-of-time test: a model is tested on dates that lie after the label periods of its training dates. `null` if
   * the history is too short.
   */
  outOfTime: OutOfTime | null
  /** Why there is no out-of-time test; `null` if there is one. */
  outOfTimeReason: string | null
  /**
   * Cross-validated metrics at the training dates: each prediction comes from a model that was not fitted on the
   * customer's rows (out-of-fold).
   */
  crossValidated: Measures
}

/** The churn rate at a training date. */
export interface ChurnRateAt {
  /** The training date. If each customer is used on one day of a span, this is the last day of the span. */
  asOf: string
  /**
   * The first day of the span that ends at `asOf`, if each customer is used on one day of this span. `null` if all
   * customers are used at `asOf`.
   */
  first: string | null
  /** Number of customers who are used at this training date. */
  rows: number
  /** Number of customers who are used at this training date and churned in the label period after the date. */
  churned: number
  /** Observed churn rate at this training date: `churned` divided by `rows`. */
  churnRate: number
  /**
   * Mean predicted probability of churn. Each prediction comes from a model that was not fitted on the customer's rows
   * (out-of-fold).
   */
  meanProbability: number
}

/** Counts of the eligible customers at the training dates. A customer-date pair is a customer at one training date. */
export interface CardPopulation {
  /** Number of customer-date pairs. */
  rows: number
  /** Number of customer-date pairs in which the customer churned. */
  churned: number
  /** Share of customer-date pairs in which the customer churned. */
  churnRate: number
  /** The churn rate at each training date. */
  dates: ChurnRateAt[]
  /**
   * Number of customer-date pairs that were excluded, over all training and test dates. A pair is excluded if the
   * customer churned between the date and the start of the label period. A pair is also excluded if the customer had
   * churned before the date, but the churn was not known yet at the date.
   */
  excluded: number
  /**
   * Number of customer-date pairs, over all training and test dates, that were not used because there were more than
   * `maxRows` pairs.
   */
  subsampled: number
}

/** A base learner (also called a member) of the ensemble. */
export interface MemberReport {
  /** The name of the base learner: `"linear"`, `"boosting"`, `"deep_boosting"` or `"forest"`. */
  name: string
  /**
   * The weight of the base learner. The ensemble adds up the log-odds of its base learners, each multiplied by its
   * weight. The weights sum to 1.
   */
  weight: number
  /**
   * The out-of-fold log-loss of the base learner, before calibration. Each prediction for a customer (or group) comes
   * from a base learner that was fitted without the rows of this customer (or group). Lower is better.
   */
  logLoss: number
}

/** The ensemble that separates one class from all other classes. */
export interface ClassifierPart {
  /** The code of the class, counted from 0. */
  class: number
  /** The members (base learners) of the ensemble, with their weights. */
  members: MemberReport[]
  /** The calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`. */
  calibration: string
  /**
   * Out-of-fold log-loss of the calibrated predictions: each row is predicted by base learners that were fitted without
   * this row. Lower is better.
   */
  logLoss: number
  /**
   * Area under the ROC curve of the out-of-fold predictions: each row is predicted by base learners that were fitted
   * without this row. Higher is better.
   */
  rocAuc: number | null
}

/** A base learner that was requested but is not part of the ensemble. */
export interface DroppedMember {
  /** The name of the base learner, as in `MemberReport`. */
  name: string
  /** Why the base learner is not part of the ensemble. */
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
  /** The name of the column in the caller's data. */
  column: string
  /** The name of the feature that is computed from the column. */
  feature: string
  /** How the column leaks the target. */
  leak: LeakageEvidence
  /**
   * The test statistic, from 0 to 1. For `"restates_label"` and `"reaches_into_label_period"`, the statistic is the
   * fraction by which the column alone lowers the log-loss on held-out rows, compared with a prediction of the overall
   * churn rate for every row. For the other kinds of leaks, the statistic is the fraction of rows that agree with the
   * finding.
   */
  statistic: number
  /**
   * A comparison with chance. For `"restates_label"` and `"reaches_into_label_period"`, this is the largest statistic
   * in tests with permuted labels. It may be negative. For the other kinds of leaks, this is the probability that
   * permuted labels agree with the finding at least as well as the real labels. `null` if the test does not use labels.
   */
  byChance: number | null
  /** The evidence for the leak, in English words. */
  evidence: string
  /** The action that training took in response to the finding. */
  action: LeakageAction
}

/** A note about a column of a flat table. The column may have been read differently than the caller intended. */
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
  /** Number of training rows. If a row with an integer weight was replaced by copies, each copy counts as a row. */
  rows: number
  /** Number of training rows of each class, in the order of the class codes. */
  rowsOfClass: number[]
  /**
   * Number of groups. All rows of a group are in the same fold. If the caller gave no groups, every row is its own
   * group. Groups that contain equal rows are merged. `null` if the model file was written by a version of the library
   * that did not count groups.
   */
  groups: number | null
  /** The ensembles, one per class. With two classes, there is only the ensemble of the second class. */
  parts: ClassifierPart[]
  /** Members (base learners) that were requested but are not part of the ensemble, with the reason. */
  droppedMembers: DroppedMember[]
  /**
   * The monotonic constraints. Each constraint is a column name and the direction in which the probability may change
   * as the value grows.
   */
  monotoneConstraints: [string, Monotonicity][]
  /**
   * Columns that appear to leak the target but were used. A column leaks the target if it contains information that is
   * not available at prediction time. Each listed column was used because the caller allowed it, or because the policy
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

/**
 * The code of a `Finding`, which identifies its topic. The codes do not change between versions, and they are the same
 * in Rust, Python and Node.
 */
export type FindingCode = 'unused_column' | 'before_sign_up' | 'after_end' | 'far_date' | 'likely_duplicate' | 'gap_exceeds_horizon' | 'constant_column' | 'empty_column' | 'reactivated' | 'withdrawn' | 'no_subscription' | 'similar_column' | 'overlapping_spells' | 'known_late' | 'missing_status' | 'not_positive' | 'short_gap' | 'isolated_date' | 'missing_period' | 'early_date' | 'late_version' | 'scheduled_end' | 'late_notice' | 'late_end' | 'missing_settlement' | 'missing_id' | 'end_removed' | 'missing_column' | 'late_start' | 'conflicting_rows'

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
  /** Minimum number of training rows in a leaf. Default: 20. */
  minLeafRows?: number
  /**
   * Minimum Hessian of a leaf: the sum of the second derivatives of the log-loss over the rows in the leaf. Default:
   * 0.001.
   */
  minLeafHessian?: number
  /**
   * L1 penalty on leaf values. The absolute value of a leaf's gradient (the sum of the first derivatives of the
   * log-loss over its rows) is reduced by this number, but not below 0. Default: 0.
   */
  l1?: number
  /** L2 penalty on leaf values. A larger number makes the leaf values smaller. Default: 1. */
  l2?: number
  /**
   * Each tree uses a random sample of the columns. This number is the size of the sample as a fraction of all columns,
   * above 0 and at most 1. Default: 1.
   */
  colsample?: number
  /**
   * Each tree uses a random sample of the rows. This number is the size of the sample as a fraction of all rows, above
   * 0 and at most 1. Default: 1.
   */
  subsample?: number
  /**
   * Maximum number of bins per column, from 2 to 255. A bin is a range of values that the search for splits does not
   * divide. Default: 255.
   */
  maxBins?: number
  /**
   * Monotonic constraints, one for each column. With 1, the log-odds never fall if the column grows and all other
   * columns stay the same. With -1, the log-odds never rise. With 0, the column has no constraint. An empty list means
   * that no column has a constraint. Default: empty.
   */
  monotoneConstraints?: number[]
  /**
   * Seed of the random sampling of rows and columns. In `EnsembleOptions`, this seed is ignored, and the seed of the
   * whole training run is used instead. Default: 0.
   */
  seed?: number
}

/** A closed interval. The documentation of each function or field with an interval states what the interval means. */
export interface Interval {
  /** The lower end of the interval. */
  low: number
  /** The upper end of the interval. */
  high: number
}

/** Options of `Logistic`. */
export interface LogisticOptions {
  /**
   * Strength of the L2 penalty, which corresponds to `1 / C` in scikit-learn. The fit minimises the sum of the
   * log-losses of all rows plus half of this number times the sum of the squared coefficients. The intercept is not
   * penalised. Default: 1.
   */
  l2?: number
  /** Maximum number of iterations. Default: 200. */
  maxIterations?: number
  /**
   * Tolerance of the fit. The fit ends when every component of the gradient, divided by the number of rows, is at most
   * this number in absolute value. Default: 1e-8.
   */
  tolerance?: number
}

/**
 * The code of a `Warning`, which identifies its topic. The codes do not change between versions, and they are the same
 * in Rust, Python and Node.
 */
export type WarningCode = 'stale_data' | 'after_history' | 'level_outside_training' | 'features_outside_training' | 'missing_column' | 'currency_differs' | 'unused_column' | 'labels_disagree' | 'outcomes_seen_in_training' | 'gap_exceeds_horizon' | 'uniform_training_date' | 'unusual_training_date' | 'no_better_than_chance' | 'level_off' | 'too_few_of_a_class' | 'fewer_events' | 'silent_customers' | 'calendar_level'

/** A problem in a training run or a score run that the user should check, although the work continues. */
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
 * The card is computed from the model file alone, so equal files give byte-identical cards.
 */
export interface ModelCard {
  /** The id of the model. It is computed from the content of the model file. */
  modelId: string
  /** The tenant whose records the model may score; `null` if the model may score any tenant. */
  tenant: string | null
  /** The churn definition: what the model predicts. */
  definition: object
  /** The observed history (the period that the training records cover) and the training dates. */
  data: CardData
  /** Counts of the eligible customers at the training dates. */
  population: CardPopulation
  /** The features that the model uses. */
  features: CardFeatures
  /** The metrics of the model. */
  metrics: CardMetrics
  /** The calibration method, and how well calibrated each risk band is. */
  calibration: CardCalibration
  /** The members (base learners) of the ensemble, with their weights. */
  members: MemberReport[]
  /** Members that were requested but are not part of the ensemble, with the reason. */
  droppedMembers: DroppedMember[]
  /**
   * The monotonic constraints. Each constraint is a feature name and the direction in which the probability may change
   * as the feature grows.
   */
  monotoneConstraints: [string, Monotonicity][]
  /**
   * Columns that appear to leak the target but were used. A column leaks the target if it contains information that is
   * not available at prediction time. Each listed column was used because the caller allowed it, or because its leak is
   * reported only as a warning.
   */
  leaks: LeakageFinding[]
  /**
   * Warnings about the training dates, the churn definition or the metrics. Each warning says what to do about the
   * problem.
   */
  warnings: Warning[]
}

/** Options of `RandomForest`. */
export interface RandomForestOptions {
  /** Number of trees. Default: 200. */
  nTrees?: number
  /** Maximum depth of a tree. Default: 12. */
  maxDepth?: number
  /**
   * Minimum number of bootstrap rows in a leaf. A row that was drawn several times counts several times. Default: 5.
   */
  minLeafRows?: number
  /**
   * Each split considers a random sample of the columns. This number is the size of the sample as a fraction of all
   * columns, above 0 and at most 1. With `null`, the size of the sample is the square root of the number of columns.
   * Default: `null`.
   */
  colsample?: number | null
  /**
   * Additive smoothing: the number of rows that are added to each leaf before the log-odds of the leaf are computed.
   * The churn rate of the added rows is the overall churn rate. The number must be above 0, so that leaves with only
   * one class have finite log-odds. A larger number moves the log-odds of small leaves closer to the log-odds of the
   * overall churn rate. Default: 2.
   */
  smoothing?: number
  /**
   * Maximum number of bins per column, from 2 to 255. A bin is a range of values that the search for splits does not
   * divide. Default: 255.
   */
  maxBins?: number
  /**
   * Seed of the random sampling of rows and columns. In `EnsembleOptions`, this seed is ignored, and the seed of the
   * whole training run is used instead. Default: 0.
   */
  seed?: number
}

/** The value of a feature at the date of the score. */
export type ReasonValue = number | string | null

/** The contribution of one feature to one score. */
export interface Reason {
  /** The name of the feature. */
  feature: string
  /** The value of the feature for the scored customer at the date of the score. */
  value: ReasonValue
  /**
   * The Shapley value of the feature: how much the feature adds to the blended log-odds before calibration, compared
   * with the average training row. A positive contribution raises the risk.
   */
  contribution: number
  /** Whether the feature raises or lowers the score. */
  direction: Direction
  /** The reason in English words, for example `payments paid count, last 28 days: 0 raises the risk`. */
  text: string
}

/** The score of one customer. */
export interface Score {
  /** The id of the customer. */
  customerId: string
  /** Calibrated probability of churn in the label period; `null` if the customer is not scored. */
  probability: number | null
  /**
   * 90 % confidence interval for the churn rate of customers with this score. `null` if the customer is not scored, or
   * if the model file was written by a library version without intervals.
   */
  interval: Interval | null
  /** The risk band that contains the probability; `null` if the customer is not scored. */
  riskBand: RiskBand | null
  /** Whether the customer is scored or has insufficient history for a score. */
  status: 'scored' | 'not_enough_evidence'
  /** Why the customer is not scored, in words; `null` if the customer is scored. */
  notScoredReason: string | null
  /**
   * The time by which the customer will have enough history for a score, unless they churn first; `null` if the
   * customer is scored or if no such time is known.
   */
  expectedAt: string | null
}

/** How a model was trained and how well it performs. The report is part of the model file's metadata. */
export interface TrainReport {
  /**
   * The training dates of the final model. If a training date stands for a span of days, each customer is used on one
   * day of the span (see `ChurnRateAt.first`), and this list contains the last day of the span.
   */
  trainingDates: string[]
  /** Number of rows in the training set. Each row is a pair of a customer and a date. */
  rows: number
  /** Number of training rows in which the customer churned in the label period after the date. */
  churned: number
  /**
   * Number of customer-date pairs that were excluded, over all training and test dates. A pair is excluded if the
   * customer churned between the date and the start of the label period. A pair is also excluded if the customer had
   * churned before the date, but the churn was not known yet at the date.
   */
  excluded: number
  /**
   * Number of customer-date pairs, over all training and test dates, that were not used because there were more than
   * `maxRows` pairs.
   */
  subsampled: number
  /** The start of the observed history, which is the period that the records cover. */
  observedFrom: string | null
  /** The end of the observed history, which is the period that the records cover. */
  observedUntil: string | null
  /** The observed churn rate and the mean predicted probability at each training date. */
  dates: ChurnRateAt[]
  /**
   * Lengths, in days, of the feature windows that are truncated at one or more training dates. A feature with a window
   * uses only the records of the days in this window, which ends at the training date. A window is truncated if it
   * begins before the observed history.
   */
  truncatedWindows: number[]
  /**
   * The out-of-time test. The tested model is not the final model. The tested model was trained with the same options,
   * but only on dates whose label periods end by the first test date. `null` if the history is too short for a test.
   */
  outOfTime: OutOfTime | null
  /** Why there is no out-of-time test; `null` if there is one. */
  outOfTimeReason: string | null
  /**
   * Metrics of out-of-fold predictions at the training dates: each prediction comes from a model that was not fitted on
   * the customer's rows. If the causes or the rate of churn change over time, these metrics are too optimistic for
   * future predictions.
   */
  crossValidated: Measures
  /** The base learners, with their weights. */
  members: MemberReport[]
  /** Base learners that were requested but are not part of the ensemble, with the reason. */
  droppedMembers: DroppedMember[]
  /**
   * The monotonic constraints. Each constraint is a feature name and the direction in which the probability may change
   * as the feature grows.
   */
  monotoneConstraints: [string, Monotonicity][]
  /** The calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`. */
  calibration: string
  /**
   * Mean predicted probability and observed churn rate in each risk band. Each prediction comes from a model that was
   * not fitted on the customer's rows (out-of-fold).
   */
  bands: BandCalibration[]
  /**
   * Columns that appear to leak the target but were used. A column leaks the target if it contains information that is
   * not available at prediction time. Each listed column was used because the caller allowed it, or because its leak is
   * reported only as a warning.
   */
  leaks: LeakageFinding[]
  /**
   * Warnings about the training dates, the churn definition or the metrics. Each warning says what to do about the
   * problem.
   */
  warnings: Warning[]
}
