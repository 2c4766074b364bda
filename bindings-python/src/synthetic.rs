//! Synthetic tenants: generated tables, and the true probability of churn of each customer.

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
    /// The names of the columns.
    #[getter]
    fn columns(&self) -> Vec<&'static str> {
        let columns = self.tables.table(self.kind).columns().iter();
        columns.map(|(name, _)| *name).collect()
    }

    /// Returns the table as a pandas frame.
    fn to_pandas(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.frame().pandas(py)
    }

    /// Returns the table as a polars frame.
    fn to_polars(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_polars")
    }

    /// Returns the table as a pyarrow table.
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
    /// The id of the tenant, such as ``"t001"``.
    #[getter]
    fn id(&self) -> &str {
        self.inner.id()
    }

    /// The table of customers. Each row is a version (dated row) of a customer.
    #[getter]
    fn customers(&self, py: Python<'_>) -> PyResult<WorldTable> {
        self.table(py, RecordKind::Customers)
    }

    /// The table of payments.
    #[getter]
    fn payments(&self, py: Python<'_>) -> PyResult<WorldTable> {
        self.table(py, RecordKind::Payments)
    }

    /// The table of tickets.
    #[getter]
    fn tickets(&self, py: Python<'_>) -> PyResult<WorldTable> {
        self.table(py, RecordKind::Tickets)
    }

    /// The table of activities.
    #[getter]
    fn activities(&self, py: Python<'_>) -> PyResult<WorldTable> {
        self.table(py, RecordKind::Activities)
    }

    /// The start of the history, in UTC.
    #[getter]
    fn observed_from(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        datetime(py, self.inner.observed_from().as_micros())
    }

    /// The end of the history, in UTC. All rows are dated before this time.
    #[getter]
    fn observed_until(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        datetime(py, self.inner.observed_until().as_micros())
    }

    fn __repr__(&self) -> String {
        format!("<WorldTenant '{}'>", self.inner.id())
    }
}

/// A table of the true probabilities of churn. It has one row per tenant, date and eligible customer. The columns are
/// ``tenant_id``, ``customer_id``, ``as_of``, ``probability`` (the true probability of churn) and ``churned``.
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

    /// Returns whether each customer churned. An outcome is null if its label period is not over yet.
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
    /// The true probability of churn in the label period for each row, as a float64 array.
    #[getter]
    fn probability(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Values::Numbers(self.risks.iter().map(|risk| risk.probability).collect()).into_python(py)
    }

    /// Whether each customer churned in the label period. This is a bool array, or a list with None for each row whose
    /// label period is not over yet.
    #[getter]
    fn churned(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.outcomes().into_python(py)
    }

    /// Returns the values of the column with this name.
    fn __getitem__(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
        let column = self.frame().0.into_iter().find(|(known, _)| known == name);
        let (_, values) =
            column.ok_or_else(|| refuse(py, "unknown_feature", "the truth has no such column", Some(name)))?;
        values.into_python(py)
    }

    /// Returns the table as a pandas frame.
    fn to_pandas(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.frame().pandas(py)
    }

    /// Returns the table as a polars frame.
    fn to_polars(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_polars")
    }

    /// Returns the table as a pyarrow table.
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

/// Synthetic tenants. The true probability of churn is known for each of their customers.
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
                    // The caller does not get this incomplete list, because `work::run` raises the exception that
                    // cancelled the work.
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
    /// A dict from tenant id (``"t001"``, ``"t002"`` and so on) to the tenant.
    #[getter]
    fn tenants(&self) -> BTreeMap<String, WorldTenant> {
        let tenants = self.tenants.iter();
        tenants
            .map(|tenant| (tenant.inner.id().to_owned(), tenant.clone()))
            .collect()
    }

    /// A table with one row for each date in `dates` and each eligible customer. The table has the true probability
    /// that the customer cancels within 90 days after the date, and whether the customer did cancel.
    #[getter]
    fn truth(&self, py: Python<'_>) -> PyResult<Py<Truth>> {
        if let Some(truth) = self.truth.get() {
            return Ok(truth.clone_ref(py));
        }
        let horizon = Horizon { days: 90, lead: 0 };
        let truth = Py::new(py, self.risks(py, self.inner.dates(), horizon)?)?;
        Ok(self.truth.get_or_init(|| truth).clone_ref(py))
    }

    /// Returns a table of the true probabilities of cancellation in the label period. ``as_of`` is a date or a list of
    /// dates. Each date must be a midnight. The label period begins ``lead`` days after the date and is ``horizon``
    /// days long.
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

    /// Six dates, 45 days apart, latest first. For each date, the next 90 days lie within the history.
    #[getter]
    fn dates(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let dates = self.inner.dates().into_iter();
        dates.map(|date| datetime(py, date.as_micros())).collect()
    }

    /// Returns a dict from table name to a table with the rows of all tenants and a ``tenant_id`` column.
    /// `churn.partition` accepts these tables.
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

/// Converts the argument ``leaks``: the names of the leaks (columns that reveal the label) to add to the tables. The
/// argument is a name, a list of names, or ``"all"``.
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

/// Generates synthetic B2B tenants. The true probability of churn is known for each of their customers. Calls with the
/// same seed and options generate identical tenants.
///
/// Customers sign up, use the product, pay, open tickets, leave and come back, day by day. With the defaults, about 6 %
/// of the customers cancel within 90 days, and the best possible AUC is about 0.8. If an argument is None, its default
/// is used.
///
/// Args:
///     seed: Seed of all random numbers.
///     tenants: Number of tenants.
///     customers: Number of customers of each tenant over the whole history, including those who leave.
///     start: The start of the history, a midnight. Default: 2023-01-02.
///     days: Length of the history in days. Default: 910.
///     initial_customers: Share of customers who signed up before the start of the history. Default: 0.5.
///     activities_per_day: Average number of activities per customer and working day. Default: 0.5.
///     tickets_per_day: Average number of tickets per customer and day. Default: 0.012.
///     billing_days: Number of days between two bills, at least 7. Default: 30.
///     risk: A number that is added to each customer's daily log-odds of leaving. Default: 0.
///     returning: Share of churned customers who come back. Default: 0.1.
///     late_known: Share of rows that become known only some days after the event. Default: 0.02.
///     dated: Whether the customers table has a dated row (version) for each change of a customer's attributes. If
///         False, the table has no ``valid_from``. It then has one row for each spell (uninterrupted period as a
///         customer), and the row contains the attributes at the end of the spell.
///     hidden: Standard deviation of the hidden effects. A hidden effect is a random number per customer that is
///         added to the customer's daily log-odds of leaving and that no record shows. Default: 0.
///     drift: How much the causes of churn change over the history, from 0 (no change) to 1.
///     base_rate_shift: A number that is added to each customer's daily log-odds of leaving in the last 182 days of the
///         history.
///     duplicates: Share of rows that are duplicated.
///     events_without_customer: Share of event rows whose customer does not exist.
///     unknown_ids: Share of event rows that have the id of another tenant's customer.
///     leaks: Names of the leaks (columns that reveal the label) to add to the tables, or ``"all"``. The function
///         `leaks` returns all names.
///     paths: Number of simulated futures from which each true probability is computed. Default: 64.
///     threads: Number of threads. None means one thread per core. The result does not depend on this number.
///
/// Raises:
///     InvalidOptionError: A number is out of range, or ``leaks`` contains an unknown name.
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

/// Returns the fifty leaks that `world` can add to its tables. A leak is a column that reveals the label. The result is
/// a dict from the name of each leak to a description of its column.
#[pyfunction]
pub(crate) fn leaks() -> BTreeMap<&'static str, &'static str> {
    PlantedLeak::all().map(|leak| (leak.name(), leak.meaning())).collect()
}
