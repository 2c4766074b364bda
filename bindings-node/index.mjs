import core from './index.js'

export const { ChurnError, ChurnModel, FeatureMatrix, ScoreRun, TenantRecords, features, featuresAsync, labels, partition } = core
export default core
