//! Definitions of churn.

use churn_core::{ChurnDefinition, RecordKind};
use pyo3::prelude::*;

use crate::arguments;

/// The definition of churn by cancellation: a customer churns if their ``churned_at`` lies in the label period (the
/// period during which churn is counted). The label period begins ``lead`` days after ``as_of`` (the date of the
/// prediction) and is ``horizon`` days long.
///
/// >>> churn.Cancellation(horizon=30, lead=7)
/// Cancellation(horizon=30, lead=7)
#[pyclass(frozen, get_all, eq, from_py_object, module = "churn_core")]
#[derive(Clone, PartialEq)]
pub(crate) struct Cancellation {
    /// Length in days of the label period (the period during which churn is counted).
    horizon: u32,
    /// Number of days between ``as_of`` (the date of the prediction) and the start of the label period.
    lead: u32,
}

#[pymethods]
impl Cancellation {
    #[new]
    #[pyo3(signature = (horizon=90, lead=0))]
    fn new(
        #[pyo3(from_py_with = arguments::horizon)] horizon: u32,
        #[pyo3(from_py_with = arguments::lead)] lead: u32,
    ) -> Self {
        Self { horizon, lead }
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> (Py<PyAny>, (u32, u32)) {
        (slf.get_type().into_any().unbind(), (slf.get().horizon, slf.get().lead))
    }

    fn __repr__(&self) -> String {
        format!("Cancellation(horizon={}, lead={})", self.horizon, self.lead)
    }
}

/// The definition of churn by inactivity: a customer churns if they have no event in the label period. An event is a
/// paid payment (``on="payments"``) or an activity (``on="activities"``).
///
/// The label period begins ``lead`` days after ``as_of`` (the date of the prediction) and is ``horizon`` days long.
/// Only customers who had an event in the ``active_within`` days before ``as_of`` are labelled and scored. By default,
/// ``active_within`` equals ``horizon``.
///
/// >>> churn.Inactivity(horizon=90, on="activities").active_within is None
/// True
#[pyclass(frozen, get_all, eq, from_py_object, module = "churn_core")]
#[derive(Clone, PartialEq)]
pub(crate) struct Inactivity {
    /// Length in days of the label period (the period during which churn is counted).
    horizon: u32,
    /// Number of days between ``as_of`` (the date of the prediction) and the start of the label period.
    lead: u32,
    /// Length in days of the period that ends at ``as_of`` (the date of the prediction). A customer is labelled and
    /// scored only if they had an event in this period. None means that the length equals ``horizon``.
    active_within: Option<u32>,
    /// The table whose events show that a customer is active: ``"payments"`` or ``"activities"``.
    on: String,
}

#[pymethods]
impl Inactivity {
    #[new]
    #[pyo3(signature = (horizon=90, lead=0, active_within=None, on="payments"))]
    fn new(
        #[pyo3(from_py_with = arguments::horizon)] horizon: u32,
        #[pyo3(from_py_with = arguments::lead)] lead: u32,
        #[pyo3(from_py_with = arguments::active_within)] active_within: Option<u32>,
        #[pyo3(from_py_with = arguments::on)] on: &'static str,
    ) -> Self {
        Self {
            horizon,
            lead,
            active_within,
            on: on.to_owned(),
        }
    }

    #[allow(clippy::type_complexity)]
    fn __reduce__(slf: &Bound<'_, Self>) -> (Py<PyAny>, (u32, u32, Option<u32>, String)) {
        let own = slf.get();
        (
            slf.get_type().into_any().unbind(),
            (own.horizon, own.lead, own.active_within, own.on.clone()),
        )
    }

    fn __repr__(&self) -> String {
        let within = self.active_within.map_or("None".to_owned(), |days| days.to_string());
        format!(
            "Inactivity(horizon={}, lead={}, active_within={within}, on='{}')",
            self.horizon, self.lead, self.on
        )
    }
}

pub(crate) enum Definition {
    Cancellation(Cancellation),
    Inactivity(Inactivity),
}

impl<'py> FromPyObject<'_, 'py> for Definition {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(own) = object.cast::<Cancellation>() {
            return Ok(Self::Cancellation(own.get().clone()));
        }
        if let Ok(own) = object.cast::<Inactivity>() {
            return Ok(Self::Inactivity(own.get().clone()));
        }
        Err(arguments::wrong(
            &object,
            "definition",
            "a churn_core.Cancellation or a churn_core.Inactivity",
        ))
    }
}

impl From<Definition> for ChurnDefinition {
    fn from(definition: Definition) -> Self {
        match definition {
            Definition::Cancellation(own) => ChurnDefinition::cancellation(own.horizon).with_lead(own.lead),
            Definition::Inactivity(own) => {
                let on = if own.on == "payments" {
                    RecordKind::Payments
                } else {
                    RecordKind::Activities
                };
                let definition = ChurnDefinition::inactivity(own.horizon, on).with_lead(own.lead);
                own.active_within
                    .map_or(definition.clone(), |days| definition.active_within(days))
            }
        }
    }
}

/// Converts a definition of churn to a Python object.
pub(crate) fn definition_of(py: Python<'_>, definition: &ChurnDefinition) -> PyResult<Py<PyAny>> {
    let period = definition.horizon();
    Ok(match definition {
        ChurnDefinition::Inactivity { active_within, on, .. } => {
            let own = Inactivity {
                horizon: period.days,
                lead: period.lead,
                active_within: *active_within,
                on: on.to_string(),
            };
            Py::new(py, own)?.into_any()
        }
        _ => Py::new(
            py,
            Cancellation {
                horizon: period.days,
                lead: period.lead,
            },
        )?
        .into_any(),
    })
}
