//! A tenant's records and what validation found.

use std::collections::BTreeMap;
use std::sync::Arc;

use churn_core::{Execution, OnInvalid, RecordKind, RecordsBuilder, StaticAttributes};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyString};

use crate::errors::refuse;
use crate::frames::{Frame, Values, datetime, through};
use crate::tables::{table, timestamp};
use crate::work;

/// Counts of one table; ``rows_in == rows_accepted + rows_quarantined``.
#[pyclass(frozen, get_all, module = "churn")]
#[derive(Clone)]
pub(crate) struct TableReport {
    /// Rows that were given.
    rows_in: u64,
    /// Rows that entered the records.
    rows_accepted: u64,
    /// Rows that were set aside.
    rows_quarantined: u64,
    /// 0-based positions of the rows set aside.
    quarantined: Vec<u64>,
    /// Accepted events from before their customer's first sign-up.
    events_before_sign_up: u64,
}

#[pymethods]
impl TableReport {
    fn __repr__(&self) -> String {
        format!(
            "TableReport(rows_in={}, rows_accepted={}, rows_quarantined={})",
            self.rows_in, self.rows_accepted, self.rows_quarantined
        )
    }
}

/// One bad value: where it stands and what is wrong with it.
#[pyclass(frozen, get_all, module = "churn")]
#[derive(Clone)]
pub(crate) struct Issue {
    /// The table: ``"payments"``.
    table: String,
    /// 0-based position of the row in what was given; None where the whole table is meant.
    row: Option<u64>,
    /// The column; None where the whole row is meant.
    column: Option<String>,
    /// Stable name of what is wrong: ``"bad_timestamp"``.
    code: String,
    /// The same in words.
    message: String,
}

#[pymethods]
impl Issue {
    fn __repr__(&self) -> String {
        let row = self.row.map_or(String::new(), |row| format!(" row {row}"));
        let column = self
            .column
            .as_ref()
            .map_or(String::new(), |column| format!(" column '{column}'"));
        format!("<Issue {}{row}{column}: {} ({})>", self.table, self.message, self.code)
    }
}

/// All that validation found.
///
/// >>> records.report.is_clean
/// True
/// >>> records.report.tables["payments"].rows_accepted == len(payments)
/// True
#[pyclass(frozen, module = "churn")]
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
    /// Counts of each table that was given, by name.
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

    /// Every bad value, ordered by table, then row.
    #[getter]
    fn issues(&self) -> Vec<Issue> {
        let issue = |issue: &churn_core::ValidationIssue| Issue {
            table: issue.table.to_string(),
            row: issue.row,
            column: issue.column.as_ref().map(ToString::to_string),
            code: issue.code.to_string(),
            message: issue.message.clone(),
        };
        self.0.issues.iter().map(issue).collect()
    }

    /// Attributes that do not enter features, each with why.
    #[getter]
    fn undated_attributes(&self) -> BTreeMap<String, String> {
        self.0.undated_attributes.iter().cloned().collect()
    }

    /// Whether nothing was wrong.
    #[getter]
    fn is_clean(&self) -> bool {
        self.0.is_clean()
    }

    /// The issues as a pyarrow table: table, row, column, code, message.
    fn to_arrow(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_arrow")
    }

    /// The issues as a polars frame.
    fn to_polars(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_polars")
    }

    /// The issues as a pandas frame.
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
        format!(
            "<table><tr><th>table</th><th>rows in</th><th>accepted</th><th>quarantined</th></tr>{rows}</table><ul>{issues}</ul>"
        )
    }
}

/// Text that is safe in HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// All the records of one tenant, checked and sorted.
///
/// Each table is anything with the Arrow PyCapsule interface (polars, pyarrow, duckdb), a pandas frame, a list of dicts
/// or a dict of columns. ``None`` is a table not given; an empty one is given and empty.
///
/// Raises:
///     ChurnError: a value is not valid and ``on_invalid`` is ``"refuse"``; ``.report`` has them all.
///
/// >>> customers = [{"customer_id": "C-1", "signed_up_at": "2024-01-01", "plan": "pro"}]
/// >>> payments = [{"customer_id": "C-1", "due_at": "2024-02-01", "amount": 12.34}]
/// >>> churn.TenantRecords(tenant="acme", customers=customers, payments=payments)
/// <TenantRecords 'acme': customers=1, payments=1>
/// >>> churn.TenantRecords(tenant="acme", customers=[{"customer_id": "C-1", "signed_up_at": "soon"}])
/// Traceback (most recent call last):
/// ...
/// churn._errors.InvalidRecordsError: customers row 0 column 'signed_up_at': ...
#[pyclass(frozen, module = "churn")]
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
    #[pyo3(signature = (tenant, customers, payments=None, tickets=None, activities=None, *, on_invalid="refuse", observed_until=None, observed_from=None, static_attributes=None, currency=None, conversion_rates=None, threads=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        tenant: &str,
        customers: &Bound<'_, PyAny>,
        payments: Option<&Bound<'_, PyAny>>,
        tickets: Option<&Bound<'_, PyAny>>,
        activities: Option<&Bound<'_, PyAny>>,
        on_invalid: &str,
        observed_until: Option<&Bound<'_, PyAny>>,
        observed_from: Option<&Bound<'_, PyAny>>,
        static_attributes: Option<&Bound<'_, PyAny>>,
        currency: Option<String>,
        conversion_rates: Option<BTreeMap<String, f64>>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let tables = [Some(customers), payments, tickets, activities];
        let options = Options {
            on_invalid,
            observed_until,
            observed_from,
            static_attributes,
            currency,
            conversion_rates,
        };
        let builder = options.builder(py, tenant, tables)?;
        let built = work::run(py, threads, None, move |execution: Execution| {
            builder.execution(execution).build()
        })?;
        Self::wrap(py, built)
    }

    /// Whose records they are.
    #[getter]
    fn tenant(&self) -> &str {
        self.inner.tenant().as_str()
    }

    /// What validation found.
    #[getter]
    fn report(&self, py: Python<'_>) -> Py<ValidationReport> {
        self.report.clone_ref(py)
    }

    /// All customer ids, sorted by their bytes.
    #[getter]
    fn customer_ids(&self) -> Vec<&str> {
        self.inner.customer_ids().collect()
    }

    /// The tenant's currency (ISO 4217), if one was named.
    #[getter]
    fn currency(&self) -> Option<&str> {
        self.inner.currency().code()
    }

    /// Where the history begins, in UTC.
    #[getter]
    fn observed_from(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.inner
            .observed_from()
            .map(|at| datetime(py, at.as_micros()))
            .transpose()
    }

    /// The end of what was observed, in UTC.
    #[getter]
    fn observed_until(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.inner
            .observed_until(None)
            .map(|at| datetime(py, at.as_micros()))
            .transpose()
    }

    /// Number of customers.
    fn __len__(&self) -> usize {
        self.inner.customers()
    }

    fn __repr__(&self) -> String {
        let rows = RecordKind::ALL
            .into_iter()
            .skip(1)
            .filter_map(|kind| Some(format!(", {kind}={}", self.inner.rows(kind)?)));
        format!(
            "<TenantRecords '{}': customers={}{}>",
            self.inner.tenant(),
            self.inner.customers(),
            rows.collect::<String>()
        )
    }

    fn _repr_html_(&self) -> String {
        format!("<b>{}</b>{}", escape(&self.__repr__()), self.report.get()._repr_html_())
    }
}

/// What ``on_invalid`` says.
pub(crate) fn policy(py: Python<'_>, on_invalid: &str) -> PyResult<OnInvalid> {
    match on_invalid {
        "refuse" => Ok(OnInvalid::Refuse),
        "quarantine" => Ok(OnInvalid::Quarantine),
        _ => {
            let why = "on_invalid is 'refuse' or 'quarantine'";
            Err(refuse(py, "invalid_option", why, Some("on_invalid")))
        }
    }
}

/// What ``static_attributes`` says.
pub(crate) fn trusted(names: &Bound<'_, PyAny>) -> PyResult<StaticAttributes> {
    Ok(match names.cast::<PyString>() {
        Ok(all) if all.to_str()? == "all" => StaticAttributes::All,
        Ok(_) => {
            let why = "static_attributes is a list of names or 'all'";
            return Err(refuse(names.py(), "invalid_option", why, Some("static_attributes")));
        }
        Err(_) => StaticAttributes::Named(names.try_iter()?.map(|name| name?.extract()).collect::<PyResult<_>>()?),
    })
}

struct Options<'a, 'py> {
    on_invalid: &'a str,
    observed_until: Option<&'a Bound<'py, PyAny>>,
    observed_from: Option<&'a Bound<'py, PyAny>>,
    static_attributes: Option<&'a Bound<'py, PyAny>>,
    currency: Option<String>,
    conversion_rates: Option<BTreeMap<String, f64>>,
}

impl Options<'_, '_> {
    fn builder(self, py: Python<'_>, tenant: &str, tables: [Option<&Bound<'_, PyAny>>; 4]) -> PyResult<RecordsBuilder> {
        let policy = policy(py, self.on_invalid)?;
        let mut builder = churn_core::TenantRecords::builder(tenant).on_invalid(policy);
        for (kind, given) in RecordKind::ALL.into_iter().zip(tables) {
            if let Some(given) = given.filter(|given| !given.is_none()) {
                builder = builder.table(kind, table(given, kind.as_str())?);
            }
        }
        if let Some(at) = self.observed_until {
            builder = builder.observed_until(timestamp(at, "observed_until")?);
        }
        if let Some(at) = self.observed_from {
            builder = builder.observed_from(timestamp(at, "observed_from")?);
        }
        if let Some(names) = self.static_attributes {
            builder = builder.static_attributes(trusted(names)?);
        }
        if let Some(currency) = self.currency {
            builder = builder.currency(currency);
        }
        for (code, rate) in self.conversion_rates.unwrap_or_default() {
            builder = builder.conversion_rate(code, rate);
        }
        Ok(builder)
    }
}

type Parted = (
    BTreeMap<String, TenantRecords>,
    ValidationReport,
    BTreeMap<String, BTreeMap<&'static str, Vec<u32>>>,
);

/// Splits tables with a ``tenant_id`` column: records by tenant, rows without a tenant, positions.
#[pyfunction]
#[pyo3(signature = (customers, payments=None, tickets=None, activities=None, *, on_invalid="refuse", observed_until=None, observed_from=None, static_attributes=None, currency=None, conversion_rates=None, threads=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn partition(
    py: Python<'_>,
    customers: &Bound<'_, PyAny>,
    payments: Option<&Bound<'_, PyAny>>,
    tickets: Option<&Bound<'_, PyAny>>,
    activities: Option<&Bound<'_, PyAny>>,
    on_invalid: &str,
    observed_until: Option<&Bound<'_, PyAny>>,
    observed_from: Option<&Bound<'_, PyAny>>,
    static_attributes: Option<&Bound<'_, PyAny>>,
    currency: Option<String>,
    conversion_rates: Option<BTreeMap<String, f64>>,
    threads: Option<usize>,
) -> PyResult<Parted> {
    let tables = [Some(customers), payments, tickets, activities];
    let options = Options {
        on_invalid,
        observed_until,
        observed_from,
        static_attributes,
        currency,
        conversion_rates,
    };
    let builder = options.builder(py, "", tables)?;
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
