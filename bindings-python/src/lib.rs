//! The Python module `churn._churn`: converts Python values, delegates to the core, maps errors.

mod classifier;
mod ensemble;
mod errors;
mod features;
mod frames;
mod model;
mod records;
mod synthetic;
mod tables;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _churn {
    #[pymodule_export]
    use crate::classifier::{FlatModel, FlatTable};
    #[pymodule_export]
    use crate::ensemble::{Ensemble, GradientBoosting, Logistic, RandomForest};
    #[pymodule_export]
    use crate::features::{Cancellation, FeatureMatrix, FeaturePlan, Inactivity, Labels, features, labels};
    #[pymodule_export]
    use crate::model::{ChurnModel, Explanation, Reason, Score, ScoreRun};
    #[pymodule_export]
    use crate::records::{Issue, TableReport, TenantRecords, ValidationReport, partition};
    #[pymodule_export]
    use crate::synthetic::{Truth, World, WorldTable, WorldTenant, leaks, world};

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
