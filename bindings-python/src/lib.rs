//! The native Python module `churn_core._churn_core`. It converts Python values, calls the core, and converts errors.

mod arguments;
mod capsules;
mod classifier;
mod definition;
mod ensemble;
mod errors;
mod features;
mod frames;
mod labels;
mod matrix;
mod model;
mod pickles;
mod records;
mod run;
#[cfg(feature = "store")]
mod store;
mod subscriptions;
mod synthetic;
mod tables;
mod trees;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _churn_core {
    #[pymodule_export]
    use crate::classifier::{FlatModel, FlatTable};
    #[pymodule_export]
    use crate::definition::{Cancellation, Inactivity};
    #[pymodule_export]
    use crate::ensemble::{LinearModel, fit_boosting, fit_forest};
    #[pymodule_export]
    use crate::features::{FeatureMatrix, FeaturePlan, features};
    #[pymodule_export]
    use crate::labels::{Labels, labels};
    #[pymodule_export]
    use crate::model::{_report_text, ChurnModel, backtest};
    #[pymodule_export]
    use crate::records::{TableReport, TenantRecords, ValidationIssue, ValidationReport, columns, partition};
    #[pymodule_export]
    use crate::run::ScoreRun;
    #[pymodule_export]
    use crate::subscriptions::{CustomersTable, subscriptions_to_customers};
    #[pymodule_export]
    use crate::synthetic::{Truth, World, WorldTable, WorldTenant, leaks, world};
    #[pymodule_export]
    use crate::trees::TreeEnsemble;

    #[pymodule_export]
    use crate::work::Canceller;

    #[cfg(feature = "store")]
    #[pymodule_export]
    use crate::store::{
        ApiKeyStore, AuditStore, CompanyStore, CursorStore, ModelStore, OutcomeStore, RecordStore, ScoreStore, Store,
        TenantStore, TenantTransaction, UserStore, open_awaited,
    };

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
