import core from './index.js'

export const { ChurnError, ChurnModel, FeatureMatrix, ScoreRun, TenantRecords, columnsOf, features, featuresAsync, labels, partition } =
  core
export default core
