//! The members of the ensemble alone, as estimators.
use pyo3::prelude::*;
#[pyclass]
pub(crate) struct GradientBoosting;
#[pyclass]
pub(crate) struct RandomForest;
#[pyclass]
pub(crate) struct Logistic;
