//! A tenant's models.

use churn_store::Stage;
use pyo3::prelude::*;

use super::call::Caller;
use super::{nothing, parsed, plain, reported};
use crate::arguments;
use crate::model::ChurnModel;
use crate::tables::timestamp;

/// A tenant's models: the bytes, what can be read without opening them, and which one serves.
#[pyclass(frozen, module = "churn_core.store")]
pub(crate) struct ModelStore {
    own: churn_store::ModelStore,
    caller: Caller,
}

impl ModelStore {
    pub(crate) fn new(own: churn_store::ModelStore, caller: &Caller) -> Self {
        Self {
            own,
            caller: caller.clone(),
        }
    }
}

#[pymethods]
impl ModelStore {
    /// Keeps a model; ``at`` is when, as you say. One that is there already keeps its first date, and takes the stage:
    /// ``"champion"`` (it serves; a new one retires the old), ``"challenger"`` or ``"retired"``.
    ///
    /// Raises:
    ///     TenantMismatchError: the model is another tenant's.
    #[pyo3(signature = (model, *, at, stage="champion"))]
    fn save(
        &self,
        py: Python<'_>,
        model: &Bound<'_, ChurnModel>,
        at: &Bound<'_, PyAny>,
        stage: &str,
    ) -> PyResult<Py<PyAny>> {
        let (stage, at) = (parsed::<Stage>(py, stage)?, timestamp(at, "at")?);
        let (own, model) = (self.own.clone(), model.get().0.clone());
        let work = async move { Ok(own.save(&model, stage, at).await?) };
        self.caller.call(py, work, nothing)
    }

    /// Opens a model.
    ///
    /// Raises:
    ///     NotFoundError: there is none of this id.
    fn load(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::model_id)] model_id: String,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.load(&model_id).await?) };
        self.caller.call(py, work, |py, model| plain(py, ChurnModel(model)))
    }

    /// Opens the champion; None if there is none.
    fn champion(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.champion().await?) };
        self.caller.call(py, work, |py, model| plain(py, model.map(ChurnModel)))
    }

    /// Gives a model another stage. A new champion retires the old.
    #[pyo3(signature = (model_id, stage="champion"))]
    fn promote(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::model_id)] model_id: String,
        stage: &str,
    ) -> PyResult<Py<PyAny>> {
        let (own, stage) = (self.own.clone(), parsed::<Stage>(py, stage)?);
        let work = async move { Ok(own.promote(&model_id, stage).await?) };
        self.caller.call(py, work, nothing)
    }

    /// What is known of each model without opening it, last saved first.
    fn list(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.list().await?) };
        self.caller
            .call(py, work, |py, models| reported(py, "StoredModel", &models))
    }

    /// Deletes a model; its scores stay.
    fn delete(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::model_id)] model_id: String,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.delete(&model_id).await?) };
        self.caller.call(py, work, nothing)
    }
}
