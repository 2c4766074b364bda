//! The records of a tenant and their validation report.

use std::collections::BTreeMap;
use std::sync::Arc;

use churn_core::{ColumnSpec, Execution, OnInvalid, RecordKind, RecordsBuilder, StaticAttributes};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList, PyString};
use serde::{Deserialize, Serialize};

use crate::arguments;
use crate::frames::{Frame, Values, datetime, through};
use crate::pickles::{Reduced, pickle, unpickle};
use crate::tables::{Kind, table, timestamp};
use crate::work;

/// The row counts of one table after validation. ``rows_in`` is the sum of ``rows_accepted`` and ``rows_quarantined``.
#[pyclass(frozen, get_all, module = "churn_core")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TableReport {
    /// Number of rows that were given.
    rows_in: u64,
    /// Number of rows that were valid and entered the records.
    rows_accepted: u64,
    /// Number of invalid rows that were left out (quarantined).
    rows_quarantined: u64,
    /// 0-based positions of the quarantined rows in the input.
    quarantined: Vec<u64>,
    /// Number of accepted events that happened before the customer's first sign-up.
    events_before_sign_up: u64,
}

#[pymethods]
impl TableReport {
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        pickle(slf, slf.get())
    }

    #[staticmethod]
    fn _restore(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        unpickle(py, data)
    }

    fn __repr__(&self) -> String {
        format!(
            "TableReport(rows_in={}, rows_accepted={}, rows_quarantined={})",
            self.rows_in, self.rows_accepted, self.rows_quarantined
        )
    }
}

/// A validation issue: the position of an invalid value, and what is wrong with this value.
#[pyclass(frozen, get_all, module = "churn_core")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ValidationIssue {
    /// The name of the table, such as ``"payments"``.
    table: String,
    /// 0-based position of the row in the input. None if the issue concerns the whole table.
    row: Option<u64>,
    /// The name of the column. None if the issue concerns the whole row.
    column: Option<String>,
    /// Stable error code, such as ``"bad_timestamp"``.
    code: String,
    /// The error in words.
    message: String,
}

#[pymethods]
impl ValidationIssue {
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        pickle(slf, slf.get())
    }

    #[staticmethod]
    fn _restore(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        unpickle(py, data)
    }

    fn __repr__(&self) -> String {
        let row = self.row.map_or(String::new(), |row| format!(" row {row}"));
        let column = self
            .column
            .as_ref()
            .map_or(String::new(), |column| format!(" column '{column}'"));
        format!(
            "<ValidationIssue {}{row}{column}: {} ({})>",
            self.table, self.message, self.code
        )
    }
}

/// The result of validation: row counts, invalid values, and likely mistakes in valid records.
///
/// >>> records.report.is_clean
/// True
/// >>> records.report.tables["payments"].rows_accepted == len(payments)
/// True
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct ValidationReport(churn_core::ValidationReport);

impl ValidationReport {
    pub(crate) fn new(report: churn_core::ValidationReport) -> Self {
        Self(report)
    }

    fn frame(&self) -> Frame {
        let issues = &self.0.issues;
        let texts = |of: &dyn Fn(&churn_core::ValidationIssue) -> Option<String>| {
            Values::Texts(issues.iter().map(of).collect())
        };
        Frame(vec![
            ("table".into(), texts(&|issue| Some(issue.table.to_string()))),
            (
                "row".into(),
                Values::Counts(issues.iter().map(|issue| issue.row.map(|row| row as i64)).collect()),
            ),
            (
                "column".into(),
                texts(&|issue| issue.column.as_ref().map(ToString::to_string)),
            ),
            ("code".into(), texts(&|issue| Some(issue.code.to_string()))),
            ("message".into(), texts(&|issue| Some(issue.message.clone()))),
        ])
    }
}

#[pymethods]
impl ValidationReport {
    /// A dict from the name of each given table to its row counts.
    #[getter]
    fn tables(&self) -> BTreeMap<&'static str, TableReport> {
        let counts = |table: &churn_core::TableReport| TableReport {
            rows_in: table.rows_in,
            rows_accepted: table.rows_accepted,
            rows_quarantined: table.rows_quarantined,
            quarantined: table.quarantined.clone(),
            events_before_sign_up: table.events_before_sign_up,
        };
        self.0
            .tables
            .iter()
            .map(|(kind, table)| (kind.as_str(), counts(table)))
            .collect()
    }

    /// All invalid values, ordered by table and row.
    #[getter]
    fn issues(&self) -> Vec<ValidationIssue> {
        let issue = |issue: &churn_core::ValidationIssue| ValidationIssue {
            table: issue.table.to_string(),
            row: issue.row,
            column: issue.column.as_ref().map(ToString::to_string),
            code: issue.code.to_string(),
            message: issue.message.clone(),
        };
        self.0.issues.iter().map(issue).collect()
    }

    /// Likely mistakes in valid records, as a list of `Finding`. Findings never cause an error.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        findings(py, &self.0.findings)
    }

    /// A dict of the attributes that do not enter features. Each key is the name of an attribute, and each value is the
    /// reason in words.
    #[getter]
    fn undated_attributes(&self) -> BTreeMap<String, String> {
        self.0.undated_attributes.iter().cloned().collect()
    }

    /// True if there are no issues.
    #[getter]
    fn is_clean(&self) -> bool {
        self.0.is_clean()
    }

    /// Returns the issues as a pyarrow table with the columns ``table``, ``row``, ``column``, ``code`` and ``message``.
    fn to_arrow(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_arrow")
    }

    /// Returns the issues as a polars frame with the same columns as the result of `to_arrow`.
    fn to_polars(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_polars")
    }

    /// Returns the issues as a pandas frame with the same columns as the result of `to_arrow`.
    fn to_pandas(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.frame().pandas(py)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.frame().stream(py, requested_schema)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        pickle(slf, &slf.get().0)
    }

    #[staticmethod]
    fn _restore(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        unpickle(py, data).map(Self)
    }

    fn __repr__(&self) -> String {
        self.0.to_string().trim_end().to_owned()
    }

    fn _repr_html_(&self) -> String {
        let rows = self.0.tables.iter().map(|(kind, table)| {
            format!(
                "<tr><th>{kind}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
                table.rows_in, table.rows_accepted, table.rows_quarantined
            )
        });
        let rows: String = rows.collect();
        let issues: String = self
            .0
            .issues
            .iter()
            .take(20)
            .map(|issue| format!("<li>{}</li>", escape(&issue.to_string())))
            .collect();
        let findings = self.0.findings.iter();
        let findings: String = findings
            .map(|finding| format!("<li>{}</li>", escape(&finding.to_string())))
            .collect();
        format!(
            "<table><tr><th>table</th><th>rows in</th><th>accepted</th><th>quarantined</th></tr>{rows}</table><ul>{issues}{findings}</ul>"
        )
    }
}

/// Escapes the special characters of HTML in a text.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The records of one tenant: customers and, optionally, payments, tickets and activities. The records are validated
/// and sorted.
///
/// Each table is a pandas, polars or pyarrow frame, a duckdb relation, any other object with the Arrow PyCapsule
/// interface, a dict of columns, or a list of rows. A row is a dict, a named tuple, a dataclass, or a row of sqlite3 or
/// SQLAlchemy. ``None`` means that you do not have the table. An empty table means that no such events happened.
/// For example, there are payment features if the payments table is empty, but not if it is None. The index of a
/// pandas frame is not read. Timestamps are ISO 8601 texts, dates or datetimes. A timestamp without a time zone is
/// taken as UTC. In most columns, NaN is a missing value. In ``amount``, ``quantity`` and ``satisfaction``, NaN is the
/// error ``not_finite``. In pandas frames, however, NaN is a missing value in every column.
///
/// Args:
///     tenant: Id of the tenant. Models and scores contain this id.
///     customers: One row per customer, or several dated rows (versions) per customer.
///     payments: One row per payment or invoice.
///     tickets: One row per support ticket.
///     activities: One row per usage event.
///     on_invalid: ``"refuse"`` raises an error if any value is invalid. ``"quarantine"`` leaves invalid rows out and
///         lists them in the report.
///     observed_until: End of the observed history (the period that the records cover). Default: just after the
///         latest event.
///     observed_from: Start of the observed history (the period that the records cover). Default: the earliest event.
///     static_attributes: Names of customer attributes that never change, or ``"all"``. If the customers table has no
///         ``valid_from`` column, only these attributes enter features. The current value of any other attribute may
///         differ from its value in the past.
///     ties: Order of events that have the same time. ``"given"`` keeps the order of the rows. ``"content"`` sorts by
///         id and then by all values.
///     currency: ISO 4217 code of the tenant's currency.
///     conversion_rates: A dict with exchange rates. Each key is the code of a foreign currency, and each value is the
///         price of one unit of the foreign currency in the tenant's currency.
///     threads: Number of threads. None means one thread per core.
///
/// The tables have the following columns. Required columns come first and are written in capitals here, but in lower
/// case in the data. ``churn.columns(table)`` returns the meaning of each column.
///
/// - customers: CUSTOMER_ID, SIGNED_UP_AT, churned_at, notice_at, renews_at, valid_from, known_at, tenant_id
/// - payments: CUSTOMER_ID, DUE_AT, AMOUNT, payment_id, settled_at, status, refunded_at, currency, method, known_at,
///   tenant_id
/// - tickets: CUSTOMER_ID, OPENED_AT, ticket_id, first_response_at, resolved_at, reopened_at, priority, category, channel,
///   satisfaction, satisfaction_at, known_at, tenant_id
/// - activities: CUSTOMER_ID, AT, activity_id, kind, quantity, known_at, tenant_id
///
/// Any other column of the customers table is an attribute. It contains numbers, texts or bools.
///
/// Raises:
///     InvalidRecordsError: A value is invalid and ``on_invalid`` is ``"refuse"``. The ``report`` of the error lists
///         all issues.
///     UnreadableTableError: A table cannot be read. The error concerns the table as a whole, not a single value.
///
/// >>> customers = [{"customer_id": "C-1", "signed_up_at": "2024-01-01", "plan": "pro"}]
/// >>> payments = [{"customer_id": "C-1", "due_at": "2024-02-01", "amount": 12.34}]
/// >>> churn.TenantRecords(tenant="acme", customers=customers, payments=payments)
/// <TenantRecords 'acme': customers=1, payments=1>
/// >>> churn.TenantRecords(tenant="acme", customers=[{"customer_id": "C-1", "signed_up_at": "soon"}])
/// Traceback (most recent call last):
/// ...
/// churn_core.InvalidRecordsError: customers row 0 column 'signed_up_at': ...
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct TenantRecords {
    pub(crate) inner: Arc<churn_core::TenantRecords>,
    report: Py<ValidationReport>,
}

impl TenantRecords {
    pub(crate) fn wrap(
        py: Python<'_>,
        (records, report): (churn_core::TenantRecords, churn_core::ValidationReport),
    ) -> PyResult<Self> {
        Ok(Self {
            inner: Arc::new(records),
            report: Py::new(py, ValidationReport(report))?,
        })
    }
}

#[pymethods]
impl TenantRecords {
    #[new]
    #[pyo3(signature = (tenant, customers, payments=None, tickets=None, activities=None, *, on_invalid="refuse", observed_until=None, observed_from=None, static_attributes=None, ties="given", currency=None, conversion_rates=None, threads=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::tenant)] tenant: String,
        customers: &Bound<'_, PyAny>,
        payments: Option<&Bound<'_, PyAny>>,
        tickets: Option<&Bound<'_, PyAny>>,
        activities: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::on_invalid)] on_invalid: &'static str,
        observed_until: Option<&Bound<'_, PyAny>>,
        observed_from: Option<&Bound<'_, PyAny>>,
        static_attributes: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::ties)] ties: &'static str,
        #[pyo3(from_py_with = arguments::currency)] currency: Option<String>,
        #[pyo3(from_py_with = arguments::conversion_rates)] conversion_rates: Option<BTreeMap<String, f64>>,
        #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
    ) -> PyResult<Self> {
        let tables = [Some(customers), payments, tickets, activities];
        let options = Options {
            on_invalid,
            observed_until,
            observed_from,
            static_attributes,
            ties,
            currency,
            conversion_rates,
        };
        let builder = options.builder(&tenant, tables)?;
        let built = work::run(py, threads, None, move |execution: Execution| {
            builder.execution(execution).build()
        })?;
        Self::wrap(py, built)
    }

    /// The id of the tenant to whom the records belong.
    #[getter]
    fn tenant(&self) -> &str {
        self.inner.tenant().as_str()
    }

    /// The validation report.
    #[getter]
    fn report(&self, py: Python<'_>) -> Py<ValidationReport> {
        self.report.clone_ref(py)
    }

    /// The ids of all customers, sorted by their bytes.
    #[getter]
    fn customer_ids(&self) -> Vec<&str> {
        self.inner.customer_ids().collect()
    }

    /// The ISO 4217 code of the tenant's currency. None if no currency was given.
    #[getter]
    fn currency(&self) -> Option<&str> {
        self.inner.currency().code()
    }

    /// The start of the observed history (the period that the records cover), in UTC.
    #[getter]
    fn observed_from(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.inner
            .observed_from()
            .map(|at| datetime(py, at.as_micros()))
            .transpose()
    }

    /// The end of the observed history (the period that the records cover), in UTC.
    #[getter]
    fn observed_until(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.inner
            .observed_until(None)
            .map(|at| datetime(py, at.as_micros()))
            .transpose()
    }

    /// Number of customers.
    fn __len__(&self) -> usize {
        self.inner.n_customers()
    }

    fn __repr__(&self) -> String {
        let rows = RecordKind::ALL
            .into_iter()
            .skip(1)
            .filter_map(|kind| Some(format!(", {kind}={}", self.inner.n_rows(kind)?)));
        format!(
            "<TenantRecords '{}': customers={}{}>",
            self.inner.tenant(),
            self.inner.n_customers(),
            rows.collect::<String>()
        )
    }

    fn _repr_html_(&self) -> String {
        format!("<b>{}</b>{}", escape(&self.__repr__()), self.report.get()._repr_html_())
    }
}

/// Converts the text `on_invalid` to a policy for invalid rows. `arguments::on_invalid` has already checked the text.
pub(crate) fn policy(on_invalid: &str) -> OnInvalid {
    on_invalid.parse().unwrap_or_default()
}

/// Converts findings to Python objects.
pub(crate) fn findings<'py>(py: Python<'py>, findings: &[churn_core::Finding]) -> PyResult<Bound<'py, PyList>> {
    let class = py.import("churn_core._results")?.getattr("Finding")?;
    let findings = findings.iter().map(|finding| {
        let column = finding.column.as_ref().map(ToString::to_string);
        let (code, table) = (finding.code.as_str(), finding.table.as_str());
        class.call1((
            code,
            table,
            column,
            finding.rows,
            finding.examples.clone(),
            &finding.message,
        ))
    });
    PyList::new(py, findings.collect::<PyResult<Vec<_>>>()?)
}

/// Converts the argument ``static_attributes``.
pub(crate) fn static_attributes(given: &Bound<'_, PyAny>) -> PyResult<StaticAttributes> {
    let name = "static_attributes";
    Ok(match given.cast::<PyString>() {
        Ok(all) if all.to_string_lossy() == "all" => StaticAttributes::All,
        Ok(_) => return Err(arguments::wrong(given, name, "a list of names or 'all'")),
        Err(_) => StaticAttributes::Named(arguments::names(given, name)?),
    })
}

struct Options<'a, 'py> {
    on_invalid: &'a str,
    observed_until: Option<&'a Bound<'py, PyAny>>,
    observed_from: Option<&'a Bound<'py, PyAny>>,
    static_attributes: Option<&'a Bound<'py, PyAny>>,
    ties: &'static str,
    currency: Option<String>,
    conversion_rates: Option<BTreeMap<String, f64>>,
}

impl Options<'_, '_> {
    fn builder(self, tenant: &str, tables: [Option<&Bound<'_, PyAny>>; 4]) -> PyResult<RecordsBuilder> {
        let mut builder = churn_core::TenantRecords::builder(tenant).on_invalid(policy(self.on_invalid));
        for (kind, given) in RecordKind::ALL.into_iter().zip(tables) {
            if let Some(given) = given.filter(|given| !given.is_none()) {
                builder = builder.table(kind, table(given, Kind::Records(kind))?);
            }
        }
        if let Some(at) = self.observed_until {
            builder = builder.observed_until(timestamp(at, "observed_until")?);
        }
        if let Some(at) = self.observed_from {
            builder = builder.observed_from(timestamp(at, "observed_from")?);
        }
        if let Some(names) = self.static_attributes {
            builder = builder.static_attributes(static_attributes(names)?);
        }
        builder = builder.ties(self.ties.parse().unwrap_or_default());
        if let Some(currency) = self.currency {
            builder = builder.currency(currency);
        }
        for (code, rate) in self.conversion_rates.unwrap_or_default() {
            builder = builder.conversion_rate(code, rate);
        }
        Ok(builder)
    }
}

/// Lists the columns that the library recognizes in a table. Each entry has the name and the type of a column, whether
/// the column is required, and the meaning of the column. `churn_core.columns` wraps this function.
#[pyfunction]
pub(crate) fn columns(
    #[pyo3(from_py_with = arguments::table)] table: &'static [ColumnSpec],
) -> Vec<(&'static str, &'static str, bool, &'static str)> {
    let row = |column: &ColumnSpec| {
        let kind = column.column_type.as_str();
        (column.name, kind, column.required, column.meaning)
    };
    table.iter().map(row).collect()
}

type Parted = (
    BTreeMap<String, TenantRecords>,
    ValidationReport,
    BTreeMap<String, BTreeMap<&'static str, Vec<u32>>>,
);

/// Splits tables by tenant, using their ``tenant_id`` column. Returns the records of each tenant, a report on the rows
/// without a tenant, and the positions of each tenant's rows in the input tables.
#[pyfunction]
#[pyo3(signature = (customers, payments=None, tickets=None, activities=None, *, on_invalid="refuse", observed_until=None, observed_from=None, static_attributes=None, ties="given", currency=None, conversion_rates=None, threads=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn partition(
    py: Python<'_>,
    customers: &Bound<'_, PyAny>,
    payments: Option<&Bound<'_, PyAny>>,
    tickets: Option<&Bound<'_, PyAny>>,
    activities: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = arguments::on_invalid)] on_invalid: &'static str,
    observed_until: Option<&Bound<'_, PyAny>>,
    observed_from: Option<&Bound<'_, PyAny>>,
    static_attributes: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = arguments::ties)] ties: &'static str,
    #[pyo3(from_py_with = arguments::currency)] currency: Option<String>,
    #[pyo3(from_py_with = arguments::conversion_rates)] conversion_rates: Option<BTreeMap<String, f64>>,
    #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
) -> PyResult<Parted> {
    let tables = [Some(customers), payments, tickets, activities];
    let options = Options {
        on_invalid,
        observed_until,
        observed_from,
        static_attributes,
        ties,
        currency,
        conversion_rates,
    };
    let builder = options.builder("", tables)?;
    let partition = work::run(py, threads, None, move |execution: Execution| {
        builder.execution(execution).partition()
    })?;
    let tenants = partition
        .tenants
        .into_iter()
        .map(|(tenant, built)| Ok((tenant.to_string(), TenantRecords::wrap(py, built)?)));
    let positions = partition.positions.into_iter().map(|(tenant, tables)| {
        (
            tenant.to_string(),
            tables.into_iter().map(|(kind, rows)| (kind.as_str(), rows)).collect(),
        )
    });
    Ok((
        tenants.collect::<PyResult<_>>()?,
        ValidationReport(partition.unassigned),
        positions.collect(),
    ))
}
