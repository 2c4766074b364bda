import core from './index.js'

export const {
  ChurnError, ChurnModel, FeatureMatrix, ScoreRun, TenantRecords, backtest, columnsOf, features, featuresAsync, labels, partition, synthetic,
} =
  core
export default core
