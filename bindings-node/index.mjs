import core from './index.js'

export const {
  ChurnClassifier, ChurnError, ChurnModel, TreeEnsemble, FeatureMatrix, ScoreRun, Store, TenantRecords, TenantStore, backtest, columnsOf, features, featuresAsync, labels, partition, synthetic,
} =
  core
export default core
