import core from './index.js'

export const { ChurnError, ChurnModel, FeatureMatrix, ScoreRun, TenantRecords, columnsOf, features, featuresAsync, labels, partition, synthetic } =
  core
export default core
