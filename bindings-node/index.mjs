import core from './dist/index.js'

export const {
  ChurnClassifier, ChurnError, ChurnModel, FeatureMatrix, ScoreRun, Store, TenantRecords, TenantStore, TreeEnsemble, backtest, columnsOf, features,
  featuresAsync, labels, partition, subscriptionsToCustomers, synthetic,
} = core
export default core
