//! Synthetic tenants with known risk: generated tables and their ground truth.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use churn_core::synthetic::{PlantedLeak, TrueRisk, WorldColumn, WorldOptions, WorldTables};
use churn_core::{AsOf, Horizon, RecordKind};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyString};

use crate::arguments;
use crate::errors::{OrRaise, refuse};
use crate::frames::{Frame, Values, datetime, through};
use crate::tables::{dates, timestamp};
use crate::work;

/// A generated table, which `TenantRecords` accepts directly.
#[pyclass(frozen, module = "churn_core.synthetic")]
pub(crate) struct WorldTable {
    tables: Arc<WorldTables>,
    kind: RecordKind,
}

impl WorldTable {
    fn frame(&self) -> Frame {
        let columns = self.tables.table(self.kind).columns().iter();
        let columns = columns.map(|(name, column)| {
            let values = match column {
                WorldColumn::Texts(values) => Values::Texts(
                    values
                        .iter()
                        .map(|text| (!text.is_empty()).then(|| text.to_string()))
                        .collect(),
                ),
                WorldColumn::Numbers(values) => Values::MaybeNumbers(values.clone()),
                WorldColumn::Bools(values) => Values::MaybeBools(values.clone()),
                WorldColumn::Moments(values) => Values::Moments(values.clone()),
                _ => Values::Texts(vec![]),
            };
            ((*name).to_owned(), values)
        });
        Frame(columns.collect())
    }
}

#[pymethods]
impl WorldTable {
    /// Column names, in order.
    #[getter]
    fn columns(&self) -> Vec<&'static str> {
        let columns = self.tables.table(self.kind).columns().iter();
        columns.map(|(name, _)| *name).collect()
    }

    /// A pandas frame.
    fn to_pandas(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.frame().pandas(py)
    }

    /// A polars frame.
    fn to_polars(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_polars")
    }

    /// A pyarrow table.
    fn to_arrow(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_arrow")
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.frame().stream(py, requested_schema)
    }

    fn __len__(&self) -> usize {
        self.tables.table(self.kind).n_rows()
    }

    fn __repr__(&self) -> String {
        format!("<WorldTable {}: {} rows>", self.kind, self.__len__())
    }
}

/// A synthetic tenant. Its rows are generated on first use.
#[pyclass(frozen, module = "churn_core.synthetic")]
#[derive(Clone)]
pub(crate) struct WorldTenant {
    inner: churn_core::synthetic::WorldTenant,
    tables: Arc<OnceLock<Arc<WorldTables>>>,
}

impl WorldTenant {
    fn table(&self, py: Python<'_>, kind: RecordKind) -> PyResult<WorldTable> {
        let tables = match self.tables.get() {
            Some(tables) => Arc::clone(tables),
            None => {
                let made = Arc::new(work::run(py, Some(1), None, |_| self.inner.tables())?);
                Arc::clone(self.tables.get_or_init(|| made))
            }
        };
        Ok(WorldTable { tables, kind })
    }
}

#[pymethods]
impl WorldTenant {
    /// The id, such as ``"t001"``.
    #[getter]
    fn id(&self) -> &str {
        self.inner.id()
    }

    /// The customers, one row per version.
    #[getter]
    fn customers(&self, py: Python<'_>) -> PyResult<WorldTable> {
        self.table(py, RecordKind::Customers)
    }

    /// The payments.
    #[getter]
    fn payments(&self, py: Python<'_>) -> PyResult<WorldTable> {
        self.table(py, RecordKind::Payments)
    }

    /// The tickets.
    #[getter]
    fn tickets(&self, py: Python<'_>) -> PyResult<WorldTable> {
        self.table(py, RecordKind::Tickets)
    }

    /// The activities.
    #[getter]
    fn activities(&self, py: Python<'_>) -> PyResult<WorldTable> {
        self.table(py, RecordKind::Activities)
    }

    /// The start of the history, in UTC.
    #[getter]
    fn observed_from(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        datetime(py, self.inner.observed_from().as_micros())
    }

    /// The end of the simulated time, in UTC. All rows are before it.
    #[getter]
    fn observed_until(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        datetime(py, self.inner.observed_until().as_micros())
    }

    fn __repr__(&self) -> String {
        format!("<WorldTenant '{}'>", self.inner.id())
    }
}

/// The true risks with one row per tenant, date and eligible customer: tenant_id, customer_id, as_of, probability,
/// churned.
#[pyclass(frozen, module = "churn_core.synthetic")]
pub(crate) struct Truth {
    risks: Vec<TrueRisk>,
}

impl Truth {
    fn frame(&self) -> Frame {
        let texts = |of: &dyn Fn(&TrueRisk) -> &str| {
            Values::Texts(self.risks.iter().map(|risk| Some(of(risk).to_owned())).collect())
        };
        let risks = || self.risks.iter();
        Frame(vec![
            ("tenant_id".into(), texts(&|risk| &risk.tenant_id)),
            ("customer_id".into(), texts(&|risk| &risk.customer_id)),
            (
                "as_of".into(),
                Values::Moments(risks().map(|risk| Some(risk.as_of.as_micros())).collect()),
            ),
            (
                "probability".into(),
                Values::Numbers(risks().map(|risk| risk.probability).collect()),
            ),
            ("churned".into(), self.outcomes()),
        ])
    }

    /// The outcomes: plain bools if all label periods are over, otherwise bools and nulls.
    fn outcomes(&self) -> Values {
        let known: Option<Vec<bool>> = self.risks.iter().map(|risk| risk.churned).collect();
        match known {
            Some(known) => Values::Bools(known),
            None => Values::MaybeBools(self.risks.iter().map(|risk| risk.churned).collect()),
        }
    }
}

#[pymethods]
impl Truth {
    /// The true risks, float64.
    #[getter]
    fn probability(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Values::Numbers(self.risks.iter().map(|risk| risk.probability).collect()).into_python(py)
    }

    /// Whether each customer churned in the label period; a list with None if some label period is not over yet.
    #[getter]
    fn churned(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.outcomes().into_python(py)
    }

    /// One column by name.
    fn __getitem__(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
        let column = self.frame().0.into_iter().find(|(known, _)| known == name);
        let (_, values) =
            column.ok_or_else(|| refuse(py, "unknown_feature", "the truth has no such column", Some(name)))?;
        values.into_python(py)
    }

    /// A pandas frame.
    fn to_pandas(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.frame().pandas(py)
    }

    /// A polars frame.
    fn to_polars(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_polars")
    }

    /// A pyarrow table.
    fn to_arrow(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_arrow")
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.frame().stream(py, requested_schema)
    }

    fn __len__(&self) -> usize {
        self.risks.len()
    }

    fn __repr__(&self) -> String {
        format!("<Truth: {} rows>", self.risks.len())
    }
}

/// Synthetic tenants whose customers' true risk is known.
#[pyclass(frozen, module = "churn_core.synthetic")]
pub(crate) struct World {
    inner: churn_core::synthetic::World,
    tenants: Vec<WorldTenant>,
    truth: OnceLock<Py<Truth>>,
}

impl World {
    fn risks(&self, py: Python<'_>, dates: Vec<AsOf>, horizon: Horizon) -> PyResult<Truth> {
        let risks = work::run(py, Some(1), None, |execution| {
            let mut risks = vec![];
            for tenant in self.inner.tenants() {
                for &date in &dates {
                    // If the progress callback raised an exception, the caller gets that exception.
                    if execution.cancel.is_cancelled() {
                        return Ok(risks);
                    }
                    risks.extend(tenant.truth_within(date, horizon)?);
                }
            }
            Ok(risks)
        })?;
        Ok(Truth { risks })
    }
}

#[pymethods]
impl World {
    /// The tenants by id: ``"t001"``, ``"t002"``, ...
    #[getter]
    fn tenants(&self) -> BTreeMap<String, WorldTenant> {
        let tenants = self.tenants.iter();
        tenants
            .map(|tenant| (tenant.inner.id().to_owned(), tenant.clone()))
            .collect()
    }

    /// The true risk of cancellation within 90 days at each of `dates`, and whether the customer did cancel.
    #[getter]
    fn truth(&self, py: Python<'_>) -> PyResult<Py<Truth>> {
        if let Some(truth) = self.truth.get() {
            return Ok(truth.clone_ref(py));
        }
        let horizon = Horizon { days: 90, lead: 0 };
        let truth = Py::new(py, self.risks(py, self.inner.dates(), horizon)?)?;
        Ok(self.truth.get_or_init(|| truth).clone_ref(py))
    }

    /// The true risk of cancellation in another label period, at a date or a list of dates. Each date is a midnight.
    #[pyo3(signature = (as_of, horizon=90, lead=0))]
    fn truth_at(
        &self,
        py: Python<'_>,
        as_of: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::horizon)] horizon: u32,
        #[pyo3(from_py_with = arguments::lead)] lead: u32,
    ) -> PyResult<Truth> {
        self.risks(py, dates(as_of, "as_of")?, Horizon { days: horizon, lead })
    }

    /// Six dates, 45 days apart, latest first. Their label periods of 90 days end before the last event.
    #[getter]
    fn dates(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let dates = self.inner.dates().into_iter();
        dates.map(|date| datetime(py, date.as_micros())).collect()
    }

    /// The tables of all tenants by name, with a ``tenant_id`` column, for `churn.partition`.
    fn mixed(&self, py: Python<'_>) -> PyResult<BTreeMap<&'static str, WorldTable>> {
        let tables = Arc::new(work::run(py, Some(1), None, |_| self.inner.mixed())?);
        let table = |kind: RecordKind| {
            let tables = Arc::clone(&tables);
            (kind.as_str(), WorldTable { tables, kind })
        };
        Ok(RecordKind::ALL.into_iter().map(table).collect())
    }

    fn __repr__(&self) -> String {
        format!("<World: {} tenants>", self.tenants.len())
    }
}

/// The leaks for a name, a list of names or ``"all"``.
fn leaks_of(py: Python<'_>, given: &Bound<'_, PyAny>) -> PyResult<Vec<PlantedLeak>> {
    let names: Vec<String> = match given.cast::<PyString>() {
        Ok(name) if name.to_string_lossy() == "all" => return Ok(PlantedLeak::all().collect()),
        Ok(name) => vec![name.extract()?],
        Err(_) => arguments::names(given, "leaks")?,
    };
    names
        .iter()
        .map(|name| name.parse::<PlantedLeak>().or_raise(py))
        .collect()
}

/// Generates synthetic B2B tenants with known risk. The same seed and options give the same tenants.
///
/// There are ``tenants`` tenants with ``customers`` customers each. Customers sign up, use the product, pay, open
/// tickets, leave and come back, day by day. With the defaults, about 6 % of them cancel within 90 days, and the best
/// possible AUC is about 0.8.
///
/// Other arguments make the data more difficult. ``hidden`` is the standard deviation, in log-odds, of reasons for
/// churn that no record shows. ``drift`` (0 to 1) is how much the reasons for churn change over time.
/// ``base_rate_shift`` is added to the log-odds of churn in the last 182 days. ``duplicates``,
/// ``events_without_customer`` and ``unknown_ids`` (events with the id of another tenant's customer) are shares of
/// rows. With ``dated=False``, customer rows have no versions. ``leaks`` is "all" or a list of names of columns that
/// leak the target (see `leaks`).
///
/// Raises:
///     InvalidOptionError: A number is out of range, or a leak does not exist.
#[pyfunction]
#[pyo3(signature = (seed=0, tenants=3, customers=1000, *, start=None, days=None, initial_customers=None, activities_per_day=None, tickets_per_day=None, billing_days=None, risk=0.0, returning=None, late_known=None, dated=true, hidden=0.0, drift=0.0, base_rate_shift=0.0, duplicates=0.0, events_without_customer=0.0, unknown_ids=0.0, leaks=None, paths=None, threads=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn world(
    py: Python<'_>,
    #[pyo3(from_py_with = arguments::seed)] seed: u64,
    #[pyo3(from_py_with = arguments::tenants)] tenants: usize,
    #[pyo3(from_py_with = arguments::customers)] customers: usize,
    start: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = arguments::days)] days: Option<u32>,
    #[pyo3(from_py_with = arguments::initial_customers)] initial_customers: Option<f64>,
    #[pyo3(from_py_with = arguments::activities_per_day)] activities_per_day: Option<f64>,
    #[pyo3(from_py_with = arguments::tickets_per_day)] tickets_per_day: Option<f64>,
    #[pyo3(from_py_with = arguments::billing_days)] billing_days: Option<u32>,
    #[pyo3(from_py_with = arguments::risk)] risk: f64,
    #[pyo3(from_py_with = arguments::returning)] returning: Option<f64>,
    #[pyo3(from_py_with = arguments::late_known)] late_known: Option<f64>,
    #[pyo3(from_py_with = arguments::dated)] dated: bool,
    #[pyo3(from_py_with = arguments::hidden)] hidden: f64,
    #[pyo3(from_py_with = arguments::drift)] drift: f64,
    #[pyo3(from_py_with = arguments::base_rate_shift)] base_rate_shift: f64,
    #[pyo3(from_py_with = arguments::duplicates)] duplicates: f64,
    #[pyo3(from_py_with = arguments::events_without_customer)] events_without_customer: f64,
    #[pyo3(from_py_with = arguments::unknown_ids)] unknown_ids: f64,
    leaks: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = arguments::paths)] paths: Option<u32>,
    #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
) -> PyResult<World> {
    let mut options = WorldOptions::default();
    if let Some(start) = start {
        options.start = timestamp(start, "start")?;
    }
    options.seed = seed;
    options.tenants = tenants;
    options.customers = customers;
    options.risk = risk;
    options.dated = dated;
    options.hidden = hidden;
    options.drift = drift;
    options.base_rate_shift = base_rate_shift;
    options.duplicates = duplicates;
    options.events_without_customer = events_without_customer;
    options.unknown_ids = unknown_ids;
    options.days = days.unwrap_or(options.days);
    options.initial_customers = initial_customers.unwrap_or(options.initial_customers);
    options.activities_per_day = activities_per_day.unwrap_or(options.activities_per_day);
    options.tickets_per_day = tickets_per_day.unwrap_or(options.tickets_per_day);
    options.billing_days = billing_days.unwrap_or(options.billing_days);
    options.returning = returning.unwrap_or(options.returning);
    options.late_known = late_known.unwrap_or(options.late_known);
    options.paths = paths.unwrap_or(options.paths);
    if let Some(leaks) = leaks {
        options.leaks = leaks_of(py, leaks)?;
    }
    options.execution.threads = threads;
    let inner = churn_core::synthetic::world(&options).or_raise(py)?;
    let tenants = inner.tenants().iter().map(|tenant| WorldTenant {
        inner: tenant.clone(),
        tables: Arc::default(),
    });
    Ok(World {
        tenants: tenants.collect(),
        inner,
        truth: OnceLock::new(),
    })
}

/// The fifty leaks: the name of each and a description of its column.
#[pyfunction]
pub(crate) fn leaks() -> BTreeMap<&'static str, &'static str> {
    PlantedLeak::all().map(|leak| (leak.name(), leak.meaning())).collect()
}
