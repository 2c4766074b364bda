//! The models of a tenant in the store.

use churn_store::Stage;
use pyo3::prelude::*;

use super::call::Caller;
use super::{nothing, parsed, plain, reported};
use crate::arguments;
use crate::model::ChurnModel;
use crate::tables::timestamp;

/// The stored models of a tenant.
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
    /// Stores a model. Pass the current time as ``at``, because the store reads no clock. ``stage`` is ``"champion"``
    /// (the model in use), ``"challenger"`` or ``"retired"``. When a model becomes the champion, the stage of the
    /// previous champion becomes ``"retired"``. If the model is already stored, its stage changes, and the time at
    /// which it was first stored is kept.
    ///
    /// Raises:
    ///     TenantMismatchError: The model belongs to another tenant.
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

    /// Loads the model with this id.
    ///
    /// Raises:
    ///     NotFoundError: There is no model with this id.
    fn load(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::model_id)] model_id: String,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.load(&model_id).await?) };
        self.caller.call(py, work, |py, model| plain(py, ChurnModel(model)))
    }

    /// Loads the champion (the model in use). Returns None if the tenant has no champion.
    fn champion(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.champion().await?) };
        self.caller.call(py, work, |py, model| plain(py, model.map(ChurnModel)))
    }

    /// Returns the metadata of a model; None if there is no model with this id.
    fn get(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::model_id)] model_id: String) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.get(&model_id).await?) };
        self.caller
            .call(py, work, |py, model| reported(py, "StoredModel", &model))
    }

    /// Changes the stage of a model. When a model becomes the champion, the stage of the previous champion becomes
    /// ``"retired"``.
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

    /// Returns the metadata of all models. The model that was stored last comes first.
    fn list(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.list().await?) };
        self.caller
            .call(py, work, |py, models| reported(py, "StoredModel", &models))
    }

    /// Deletes a model. Scores that were computed with the model are not deleted.
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
