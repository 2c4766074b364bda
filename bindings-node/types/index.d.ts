/**
 * Churn prediction from raw customer records: calibrated churn probabilities with reasons.
 *
 * A moment (timestamp) is passed as a `Date` or as ISO-8601 text (`'2011-09-10'`, `'2011-09-10T12:30:00Z'`). A text
 * without a time zone is in UTC. Results contain moments as ISO-8601 text. Row positions are 0-based. If a call fails,
 * the function throws a {@link ChurnError}, or its promise rejects with one.
 *
 * @packageDocumentation
 */
export { ChurnClassifier } from './classifier.js';
export type { ClassLabel, ClassifierReasonsOptions, FitOptions, FlatTable, GroupLabel, OpenOptions } from './classifier.js';
export type * from './columns.js';
export { TreeEnsemble } from './ensemble.js';
export type { Matrix, MatrixOptions, MatrixShape } from './ensemble.js';
export { ChurnError } from './errors.js';
export type { ErrorDetails } from './errors.js';
export type * from './feature.js';
export { FeatureMatrix, features, featuresAsync, labels } from './features.js';
export type { LabelOptions } from './features.js';
export { ChurnModel, backtest } from './model.js';
export type { ModelFeatureOptions, ScoreCustomerOptions } from './model.js';
export { TenantRecords, columnsOf, partition } from './records.js';
export type { Partition } from './records.js';
export type * from './reports.js';
export { ScoreRun } from './run.js';
export type { ReasonsOptions } from './run.js';
export { Store, TenantStore } from './store.js';
export type * from './store.js';
export { subscriptionsToCustomers } from './subscriptions.js';
export type { JoinedCustomerRow, SubscriptionCustomerRow, SubscriptionOptions } from './subscriptions.js';
export { synthetic } from './synthetic.js';
export type { TrueRisk, TruthOptions, World, WorldOptions, WorldTables, WorldTenant } from './synthetic.js';
export type * from './types.js';
