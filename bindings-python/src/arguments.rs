//! Conversion of Python arguments to Rust values. For each argument, this module has a conversion function with the
//! name of the argument. The error for an invalid value can therefore name the argument.
//!
//! A `#[pyfunction]` names the conversion function in an attribute, such as
//! `#[pyo3(from_py_with = arguments::horizon)]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use churn_core::{
    ColumnSpec, LeakagePolicy, Monotonicity, OnInvalid, RecordKind, Ties, columns_of, subscription_columns,
};
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyFloat, PyInt, PyMapping, PyMemoryView, PyString};

use crate::errors::refuse;
use crate::features::{FeatureMatrix, FeaturePlan};
use crate::records::TenantRecords;

/// An error message shows at most this many characters of the invalid value.
const SHOWN: usize = 60;

/// Makes an `invalid_option` error that says: the argument `name` must be `what`, not `given`.
pub(crate) fn wrong(given: &Bound<'_, PyAny>, name: &str, what: &str) -> PyErr {
    let plain = given.is_none()
        || given.is_instance_of::<PyString>()
        || given.is_instance_of::<PyInt>()
        || given.is_instance_of::<PyFloat>();
    let shown = match given.repr() {
        Ok(text) if plain => {
            let text = text.to_string_lossy().into_owned();
            match text.char_indices().nth(SHOWN) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        }
        _ => match given.get_type().name() {
            Ok(kind) => format!("an object of type {kind}"),
            Err(_) => "an object of another type".to_owned(),
        },
    };
    let message = format!("{name} must be {what}, not {shown}");
    refuse(given.py(), "invalid_option", &message, Some(name))
}

/// Converts a numpy scalar to a Python number. Other values stay unchanged.
fn item<'py>(given: &Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    let scalar = given.hasattr("dtype").unwrap_or(false) && given.hasattr("item").unwrap_or(false);
    match given.call_method0("item") {
        Ok(item) if scalar => item,
        _ => given.clone(),
    }
}

/// Converts an argument that must be a whole number. The number must be at least `least` and must fit into the type
/// `T`.
pub(crate) fn whole<T>(given: &Bound<'_, PyAny>, name: &str, least: i64) -> PyResult<T>
where
    T: for<'a, 'py> FromPyObject<'a, 'py, Error = PyErr> + TryFrom<i64> + PartialOrd,
{
    let number = item(given);
    let refused = || wrong(&number, name, &format!("a whole number of at least {least}"));
    if number.is_instance_of::<PyBool>() || !number.is_instance_of::<PyInt>() {
        return Err(refused());
    }
    match number.extract::<T>() {
        Ok(found) if T::try_from(least).is_ok_and(|least| found >= least) => Ok(found),
        Err(error) if error.is_instance_of::<PyOverflowError>(given.py()) && number.gt(0)? => {
            Err(wrong(&number, name, "a smaller whole number"))
        }
        _ => Err(refused()),
    }
}

/// Converts an argument that must be a finite number.
pub(crate) fn number(given: &Bound<'_, PyAny>, name: &str) -> PyResult<f64> {
    let value = item(given);
    let refused = || wrong(&value, name, "a finite number");
    if value.is_instance_of::<PyBool>() || value.is_instance_of::<PyString>() {
        return Err(refused());
    }
    value
        .extract::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .ok_or_else(refused)
}

/// Converts an argument that must be True or False.
pub(crate) fn flag(given: &Bound<'_, PyAny>, name: &str) -> PyResult<bool> {
    match item(given).cast::<PyBool>() {
        Ok(flag) => Ok(flag.is_true()),
        Err(_) => Err(wrong(given, name, "True or False")),
    }
}

/// Converts an argument that must be a text.
pub(crate) fn text(given: &Bound<'_, PyAny>, name: &str) -> PyResult<String> {
    let found = given.cast::<PyString>().ok().and_then(|text| text.extract().ok());
    found.ok_or_else(|| wrong(given, name, "a text"))
}

/// Converts an id, which is a text or a whole number. A whole number becomes its decimal text, like a whole number in
/// an id column of a table.
pub(crate) fn id(given: &Bound<'_, PyAny>, name: &str) -> PyResult<String> {
    let value = item(given);
    if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        return value.str()?.extract();
    }
    text(&value, name).map_err(|_| wrong(given, name, "an id: a text or a whole number"))
}

/// Converts a text to a value of the enum `T` of `churn-core`. The text must be the name of the value.
fn named<T: FromStr<Err = churn_core::Error>>(given: &Bound<'_, PyAny>, name: &str) -> PyResult<T> {
    text(given, name)?.parse().map_err(|error: churn_core::Error| {
        // The error of `churn-core` names the kind of value. The new error names the argument instead.
        let message = match error.column() {
            Some(what) if what == name => error.to_string(),
            _ => format!("{name}: {error}"),
        };
        refuse(given.py(), "invalid_option", &message, Some(name))
    })
}

/// Converts an argument that must be a positive number of seconds, and at most one day.
#[cfg(feature = "store")]
fn seconds(given: &Bound<'_, PyAny>, name: &str) -> PyResult<f64> {
    let found = number(given, name)?;
    match found > 0.0 && found <= 86_400.0 {
        true => Ok(found),
        false => Err(wrong(given, name, "a number of seconds above 0, at most 86400")),
    }
}

/// Converts a list of ids.
#[cfg(feature = "store")]
fn ids(given: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<String>> {
    if given.is_instance_of::<PyString>() {
        return Ok(vec![id(given, name)?]);
    }
    let items = given.try_iter().map_err(|_| wrong(given, name, "a list of ids"))?;
    items.map(|item| id(&item?, name)).collect()
}

/// Converts a list of texts. A single text becomes a list with one text.
pub(crate) fn names(given: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<String>> {
    if given.is_none() {
        return Ok(vec![]);
    }
    if given.is_instance_of::<PyString>() {
        return Ok(vec![text(given, name)?]);
    }
    let refused = |_| wrong(given, name, "a list of names");
    let listed = given.try_iter().map_err(refused)?;
    listed.map(|one| text(&one.map_err(refused)?, name)).collect()
}

/// Converts the argument ``windows``: a list of window lengths, which are whole numbers of days.
pub(crate) fn windows(given: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    let name = "windows";
    if given.is_instance_of::<PyString>() {
        return Err(wrong(given, name, "a list of days"));
    }
    let listed = given.try_iter().map_err(|_| wrong(given, name, "a list of days"))?;
    let windows: Vec<u32> = listed.map(|days| whole(&days?, name, 1)).collect::<PyResult<_>>()?;
    match windows.as_slice() {
        [] => Err(refuse(
            given.py(),
            "invalid_option",
            "windows must contain at least one window",
            Some(name),
        )),
        _ => Ok(windows),
    }
}

/// Converts an argument with `convert`, unless the argument is `None`. `None` stays `None`.
fn optional<T>(
    given: &Bound<'_, PyAny>,
    convert: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>,
) -> PyResult<Option<T>> {
    if given.is_none() {
        Ok(None)
    } else {
        convert(given).map(Some)
    }
}

/// Converts bytes, a bytearray or a memoryview to a vector of bytes.
pub(crate) fn data(given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let holds_bytes = given.is_instance_of::<PyBytes>()
        || given.is_instance_of::<PyByteArray>()
        || given.is_instance_of::<PyMemoryView>()
        || given.hasattr("__array_interface__")?;
    let bytes = given.py().get_type::<PyBytes>().call1((given,));
    match bytes {
        Ok(bytes) if holds_bytes => Ok(bytes.cast::<PyBytes>()?.as_bytes().to_vec()),
        _ => Err(wrong(given, "data", "bytes, a bytearray or a memoryview")),
    }
}

/// Converts an argument that must be a file-system path.
pub(crate) fn path(given: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    given
        .extract()
        .map_err(|_| wrong(given, "path", "a path: a text or a pathlib.Path"))
}

/// Converts an argument that must be the records of a tenant (`TenantRecords`).
pub(crate) fn records(given: &Bound<'_, PyAny>) -> PyResult<Arc<churn_core::TenantRecords>> {
    match given.cast::<TenantRecords>() {
        Ok(records) => Ok(Arc::clone(&records.get().inner)),
        Err(_) => Err(wrong(given, "records", "a churn_core.TenantRecords")),
    }
}

/// Converts an argument that must be a feature matrix.
pub(crate) fn matrix(given: &Bound<'_, PyAny>) -> PyResult<Arc<churn_core::FeatureMatrix>> {
    match given.cast::<FeatureMatrix>() {
        Ok(matrix) => Ok(Arc::clone(&matrix.get().0)),
        Err(_) => Err(wrong(given, "matrix", "a churn_core.FeatureMatrix")),
    }
}

/// Converts an argument that must be a feature plan or `None`. `None` means the standard plan.
pub(crate) fn plan(given: &Bound<'_, PyAny>) -> PyResult<Option<churn_core::FeaturePlan>> {
    optional(given, |given| match given.cast::<FeaturePlan>() {
        Ok(plan) => Ok(plan.get().0.clone()),
        Err(_) => Err(wrong(given, "plan", "a churn_core.FeaturePlan")),
    })
}

/// Converts the argument ``monotone_constraints``: a dict from feature name to ``"increasing"`` or ``"decreasing"``.
pub(crate) fn monotone_constraints(given: &Bound<'_, PyAny>) -> PyResult<Vec<(String, Monotonicity)>> {
    let name = "monotone_constraints";
    let refused = || wrong(given, name, "a dict from feature to 'increasing' or 'decreasing'");
    if given.is_none() {
        return Ok(vec![]);
    }
    let items = given.cast::<PyMapping>().map_err(|_| refused())?.items()?;
    let pairs = items.iter().map(|item| {
        let (feature, direction): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        Ok((text(&feature, name)?, named(&direction, name)?))
    });
    pairs.collect()
}

/// Converts the argument ``conversion_rates``: a dict from the code of a currency to the value of one unit of this
/// currency, in units of the tenant's currency.
pub(crate) fn conversion_rates(given: &Bound<'_, PyAny>) -> PyResult<Option<BTreeMap<String, f64>>> {
    let name = "conversion_rates";
    optional(given, |given| {
        let rates = given.cast::<PyMapping>();
        let rates = rates.map_err(|_| wrong(given, name, "a dict from currency to rate"))?;
        let rates = rates.items()?;
        let rates = rates.iter().map(|item| {
            let (currency, rate): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            Ok((text(&currency, name)?, number(&rate, name)?))
        });
        rates.collect()
    })
}

/// Converts the argument ``source``: the name of a data source that has a sync cursor.
pub(crate) fn source_name(given: &Bound<'_, PyAny>) -> PyResult<String> {
    text(given, "source")
}

macro_rules! arguments {
    ($($name:ident: $kind:ty = $convert:expr;)*) => {
        $(pub(crate) fn $name(given: &Bound<'_, PyAny>) -> PyResult<$kind> {
            let convert: fn(&Bound<'_, PyAny>, &str) -> PyResult<$kind> = $convert;
            convert(given, stringify!($name))
        })*
    };
}

arguments! {
    // These functions convert arguments that several Python functions have.
    seed: u64 = |given, name| whole(given, name, 0);
    threads: Option<usize> = |given, name| optional(given, |given| whole(given, name, 1));
    tenant: String = text;
    customer_id: String = id;
    top: usize = |given, name| whole(given, name, 0);
    interval: bool = flag;
    reasons: usize = |given, name| whole(given, name, 0);
    // These functions convert arguments that define churn.
    horizon: u32 = |given, name| whole(given, name, 1);
    lead: u32 = |given, name| whole(given, name, 0);
    active_within: Option<u32> = |given, name| optional(given, |given| whole(given, name, 1));
    on: &'static str = |given, name| match named(given, name)? {
        kind @ (RecordKind::Payments | RecordKind::Activities) => Ok(kind.as_str()),
        _ => Err(wrong(given, name, "'payments' or 'activities'")),
    };
    table: &'static [ColumnSpec] = |given, name| match text(given, name)?.as_str() {
        "subscriptions" => Ok(subscription_columns()),
        _ => named(given, name).map(columns_of),
    };
    // These functions convert arguments that define features.
    name: String = text;
    source: RecordKind = named;
    window: Option<u32> = |given, name| optional(given, |given| whole(given, name, 1));
    // These functions convert arguments of functions that read records.
    on_invalid: &'static str = |given, name| named(given, name).map(OnInvalid::as_str);
    ties: &'static str = |given, name| named(given, name).map(Ties::as_str);
    currency: Option<String> = |given, name| optional(given, |given| text(given, name));
    // These functions convert arguments of functions that train models.
    shared: bool = flag;
    leakage: LeakagePolicy = named;
    allow_columns: Vec<String> = names;
    feature_names: Vec<String> = names;
    categorical: Vec<String> = names;
    linear: bool = flag;
    max_rows: usize = |given, name| whole(given, name, 1);
    folds: usize = |given, name| whole(given, name, 2);
    churn_weight: f64 = number;
    embargo_days: u32 = |given, name| whole(given, name, 0);
    unseen_customers: bool = flag;
    // These functions convert arguments of functions that generate synthetic tenants.
    tenants: usize = |given, name| whole(given, name, 0);
    customers: usize = |given, name| whole(given, name, 0);
    days: Option<u32> = |given, name| optional(given, |given| whole(given, name, 1));
    initial_customers: Option<f64> = |given, name| optional(given, |given| number(given, name));
    activities_per_day: Option<f64> = |given, name| optional(given, |given| number(given, name));
    tickets_per_day: Option<f64> = |given, name| optional(given, |given| number(given, name));
    billing_days: Option<u32> = |given, name| optional(given, |given| whole(given, name, 0));
    risk: f64 = number;
    returning: Option<f64> = |given, name| optional(given, |given| number(given, name));
    late_known: Option<f64> = |given, name| optional(given, |given| number(given, name));
    dated: bool = flag;
    hidden: f64 = number;
    drift: f64 = number;
    base_rate_shift: f64 = number;
    duplicates: f64 = number;
    events_without_customer: f64 = number;
    unknown_ids: f64 = number;
    paths: Option<u32> = |given, name| optional(given, |given| whole(given, name, 1));
    // These functions convert arguments of the store.
    limit: usize = |given, name| whole(given, name, 1);
    after: Option<i64> = |given, name| optional(given, |given| whole(given, name, 0));
    min_probability: f64 = number;
    url: String = text;
    migrate: bool = flag;
    model_id: String = text;
    setting: String = text;
    user_id: String = text;
    email: String = text;
    key_id: String = text;
    secret: String = text;
    position: String = text;
    actor: String = text;
    action: String = text;
    subject: Option<String> = |given, name| optional(given, |given| text(given, name));
    of_actor: Option<String> = |given, _| optional(given, |given| text(given, "actor"));
    of_action: Option<String> = |given, _| optional(given, |given| text(given, "action"));
    newest_first: bool = flag;
    label: Option<String> = |given, name| optional(given, |given| text(given, name));
    scopes: Option<Vec<String>> = |given, name| optional(given, |given| names(given, name));
    key_text: String = |given, _| text(given, "text");
    host_tables: Vec<String> = names;
    sql: String = text;
    prefix: String = text;
    bands: Option<Vec<String>> = |given, name| optional(given, |given| names(given, name));
    some_ids: Option<Vec<String>> = |given, _| optional(given, |given| ids(given, "customer_ids"));
    record_ids: Vec<String> = |given, _| ids(given, "ids");
    total: bool = flag;
    readers: Option<u32> = |given, name| optional(given, |given| whole(given, name, 1));
    writers: Option<u32> = |given, name| optional(given, |given| whole(given, name, 1));
    max_pages: Option<u32> = |given, name| optional(given, |given| whole(given, name, 1));
    connect_timeout: Option<f64> = |given, name| optional(given, |given| seconds(given, name));
    wait_timeout: Option<f64> = |given, name| optional(given, |given| seconds(given, name));
    statement_timeout: Option<f64> = |given, name| optional(given, |given| seconds(given, name));
}
