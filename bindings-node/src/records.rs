//! Conversion of plain objects and Arrow tables to records.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use churn_core::{
    ColumnSpec, CustomerRows, Execution, RecordKind, RecordsBuilder, Table, TenantRecords, ValidationReport, Value,
    columns_of, subscription_columns,
};
use napi::bindgen_prelude::{Array, JsValue, Object, PromiseRaw, Uint8Array, Uint32Array, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use crate::error::{invalid_option, raise, unreadable};
use crate::options;
use crate::report::validation;
use crate::task::{Cancel, Held, Lane, begin_with};
use crate::values::{Cell, Row};

/// The kind of an input table: one of the four kinds of records, or subscriptions.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    Records(RecordKind),
    Subscriptions,
}

impl Source {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Records(kind) => kind.as_str(),
            Self::Subscriptions => "subscriptions",
        }
    }

    fn columns(self) -> &'static [ColumnSpec] {
        match self {
            Self::Records(kind) => columns_of(kind),
            Self::Subscriptions => subscription_columns(),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<RecordKind> for Source {
    fn from(kind: RecordKind) -> Self {
        Self::Records(kind)
    }
}

impl From<Source> for Option<RecordKind> {
    fn from(source: Source) -> Self {
        match source {
            Source::Records(kind) => Some(kind),
            Source::Subscriptions => None,
        }
    }
}

type Spellings = HashMap<String, &'static str>;

/// For each kind of input table, a map from the camelCase name of each column to its name in the library.
static SPELLINGS: LazyLock<([Spellings; 4], Spellings)> = LazyLock::new(|| {
    let of = |source: Source| {
        let names = source.columns().iter().map(|column| column.name);
        let names = names.filter(|name| name.contains('_'));
        names.map(|name| (camel_case(name), name)).collect()
    };
    (RecordKind::ALL.map(|kind| of(kind.into())), of(Source::Subscriptions))
});

pub(crate) fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| {
        let (head, tail) = part.split_at(1.min(part.len()));
        camel + &head.to_ascii_uppercase() + tail
    })
}

/// Converts the name of a column in JavaScript to its name in the library.
fn spelling(source: Source, name: &str) -> &str {
    let known = match source {
        Source::Records(kind) => &SPELLINGS.0[kind as usize],
        Source::Subscriptions => &SPELLINGS.1,
    };
    known.get(name).copied().unwrap_or(name)
}

/// Converts a row from JavaScript. The columns get the names that the library uses.
fn spelled(source: Source, index: u64, row: Row) -> Result<Vec<(String, Value)>> {
    let Row(Some(mut cells)) = row else {
        return Err(unreadable(
            source,
            Some(index),
            None,
            &format!("row {index} of {source} is not an object"),
        ));
    };
    let mut renamed = false;
    for (name, _) in &mut cells {
        let known = spelling(source, name);
        if known != name {
            *name = known.to_owned();
            renamed = true;
        }
    }
    if renamed {
        for (position, (name, _)) in cells.iter().enumerate() {
            if cells[..position].iter().any(|(earlier, _)| earlier == name) {
                let why = format!("row {index} of {source} has column '{name}' in two spellings");
                return Err(unreadable(source, Some(index), Some(name), &why));
            }
        }
    }
    Ok(cells)
}

/// Reads a table that is given as an array of plain objects. The result is `None` if the table is undefined or null.
pub(crate) fn objects(given: &Object<'_>, source: impl Into<Source>) -> Result<Option<Table>> {
    let source = source.into();
    let name = source.as_str();
    let Some(value) = given.get::<Unknown<'_>>(name)? else {
        return Ok(None);
    };
    if !value.is_array()? {
        return match given.get::<Cell>(name)? {
            None | Some(Cell(Value::Null)) => Ok(None),
            _ => Err(unreadable(
                source,
                None,
                None,
                &format!("{name} must be an array of objects"),
            )),
        };
    }
    let Some(array) = given.get::<Array<'_>>(name)? else {
        return Ok(None);
    };
    Table::from_values(slice(&array, source, 0)?).map(Some).map_err(raise)
}

type Cells = Vec<(String, Value)>;

/// Converts the rows of an array, which is one slice of a table. `from` is the row number that the first
/// row of the slice has in the table.
fn slice(array: &Array<'_>, source: Source, from: u64) -> Result<Vec<Cells>> {
    let row = |index: u32| {
        let row = array.get::<Row>(index)?.unwrap_or(Row(None));
        spelled(source, from + u64::from(index), row)
    };
    (0..array.len()).map(row).collect()
}

/// A set of tables that are filled in several steps. Each step appends a slice (some rows) to a table. The event loop
/// can run between two steps.
#[napi]
#[derive(Default)]
pub struct Slices {
    tables: [Option<Vec<Cells>>; 4],
}

#[napi]
impl Slices {
    /// Creates an empty set of tables.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends rows to a table. If the table does not exist, the call creates it, even if `rows` is empty.
    #[napi(catch_unwind)]
    pub fn push(&mut self, table: String, rows: Array<'_>) -> Result<()> {
        let kind = kind_of(&table)?;
        let table = self.tables[kind as usize].get_or_insert_default();
        table.extend(slice(&rows, kind.into(), table.len() as u64)?);
        Ok(())
    }
}

impl Slices {
    /// Takes the rows of one table out of this object.
    #[cfg(feature = "store")]
    pub(crate) fn take(&mut self, kind: RecordKind) -> Vec<Cells> {
        self.tables[kind as usize].take().unwrap_or_default()
    }
}

/// Reads a table that is given as the bytes of an Arrow IPC file or stream.
pub(crate) fn ipc(given: &Object<'_>, source: impl Into<Source>) -> Result<Option<Table>> {
    let source = source.into();
    let name = source.as_str();
    if let None | Some(Cell(Value::Null)) = given.get::<Cell>(name)? {
        return Ok(None);
    }
    let wrong = |_| {
        unreadable(
            source,
            None,
            None,
            &format!("{name} must be a Buffer with an Arrow IPC file or stream"),
        )
    };
    let Some(bytes) = given.get::<Uint8Array>(name).map_err(wrong)? else {
        return Ok(None);
    };
    if bytes.is_empty() {
        let why = format!(
            "{name} is a buffer of 0 bytes (was it transferred?); an empty table is an Arrow file without rows, or []"
        );
        return Err(unreadable(source, None, None, &why));
    }
    let table = Table::from_ipc(&bytes).and_then(|table| {
        let names: Vec<String> = (table.column_names())
            .map(|name| spelling(source, name).to_owned())
            .collect();
        table.with_names(names)
    });
    table.map(Some).map_err(|error| {
        unreadable(
            source,
            None,
            error.column(),
            &why_unreadable(name, &bytes, &error.to_string()),
        )
    })
}

/// Makes the error message for bytes that are not an Arrow table. The message says which other format the bytes
/// probably have.
fn why_unreadable(name: &str, bytes: &[u8], error: &str) -> String {
    let lower = error.to_ascii_lowercase();
    let compression = ["lz4", "zstd"].into_iter().find(|name| lower.contains(name));
    if let Some(compression) = compression {
        return format!(
            "{name} is Arrow compressed with {compression}, which is not supported: write it without compression"
        );
    }
    if bytes.starts_with(b"PAR1") {
        return format!("{name} is a Parquet file, not an Arrow IPC file or stream");
    }
    // The bytes are probably text if they are printable. Both Arrow formats begin with bytes that are not printable.
    let text = bytes
        .iter()
        .take(64)
        .all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..));
    if text && !bytes.starts_with(b"ARROW1") && !bytes.starts_with(&[0xff; 4]) {
        return format!("{name} is text, such as CSV or JSON, not an Arrow IPC file or stream");
    }
    format!("{name} is not a readable Arrow IPC file or stream: {error}")
}

/// Reads one table from an object `{ [name]: rows }`, where `name` is the name of the table.
#[cfg(feature = "store")]
pub(crate) fn lone_table(given: &Object<'_>, kind: RecordKind) -> Result<Table> {
    let table = match given.get::<Unknown<'_>>(kind.as_str())? {
        Some(value) if value.is_typedarray()? => ipc(given, kind)?,
        _ => objects(given, kind)?,
    };
    table.ok_or_else(|| {
        unreadable(
            kind,
            None,
            None,
            &format!("{kind} must be an array of objects or a Buffer"),
        )
    })
}

type Reader = fn(&Object<'_>, RecordKind) -> Result<Option<Table>>;

/// Makes a records builder with the options and tables that were passed to `TenantRecords.fromObjects`, `fromArrow` or
/// `partition`.
fn builder(given: &Object<'_>, tenant: &str, read: Reader) -> Result<RecordsBuilder> {
    let mut builder = configured(given, tenant)?;
    for kind in RecordKind::ALL {
        if let Some(table) = read(given, kind)? {
            builder = builder.table(kind, table);
        }
    }
    Ok(builder)
}

/// Makes a records builder that has the given options but no tables.
fn configured(given: &Object<'_>, tenant: &str) -> Result<RecordsBuilder> {
    let mut builder = TenantRecords::builder(tenant).on_invalid(options::policy(given)?);
    if let Some(moment) = options::moment(given, "observedFrom")? {
        builder = builder.observed_from(moment);
    }
    if let Some(moment) = options::moment(given, "observedUntil")? {
        builder = builder.observed_until(moment);
    }
    builder = builder.static_attributes(options::trusted(given)?);
    if let Some(ties) = options::named(given, "ties")? {
        builder = builder.ties(ties);
    }
    if let Some(code) = options::text(given, "currency")? {
        builder = builder.currency(code);
    }
    for (code, rate) in options::rates(given)? {
        builder = builder.conversion_rate(code, rate);
    }
    Ok(builder)
}

fn reader(arrow: bool) -> Reader {
    if arrow {
        |given, kind| ipc(given, kind)
    } else {
        |given, kind| objects(given, kind)
    }
}

/// Reads the rows of one customer: the versions (dated rows) of the customer, and their events.
pub(crate) fn customer_rows(given: &Object<'_>) -> Result<CustomerRows> {
    let kind = RecordKind::Customers;
    let wrong = || {
        unreadable(
            kind,
            None,
            None,
            "customer must be an object, or an array of the customer's versions",
        )
    };
    let customer = given.get::<Unknown<'_>>("customer")?.ok_or_else(wrong)?;
    let versions = if customer.is_array()? {
        let array = given.get::<Array<'_>>("customer")?.ok_or_else(wrong)?;
        slice(&array, kind.into(), 0)?
    } else {
        match given.get::<Row>("customer")? {
            Some(row @ Row(Some(_))) => vec![spelled(kind.into(), 0, row)?],
            _ => return Err(wrong()),
        }
    };
    let own = Table::from_values(versions).map_err(raise)?;
    let mut rows = CustomerRows::new(own);
    for kind in [RecordKind::Payments, RecordKind::Tickets, RecordKind::Activities] {
        if let Some(table) = objects(given, kind)? {
            rows = rows.table(kind, table);
        }
    }
    Ok(rows)
}

/// A column that the library recognizes.
#[napi(object, object_from_js = false)]
pub struct Column {
    /// The name of the column.
    pub name: String,
    /// The type of the values: `id`, `timestamp`, `number` or `text`.
    #[napi(js_name = "type")]
    pub column_type: String,
    /// Whether the column is required and must not have nulls.
    pub required: bool,
    /// The meaning of the column.
    pub meaning: String,
}

/// Converts the name of a table to the kind of records that the table contains.
pub(crate) fn kind_of(table: &str) -> Result<RecordKind> {
    table.parse().map_err(raise)
}

/// Returns the columns that the library recognizes in a table. Required columns come first.
#[napi(js_name = "columnsOf", catch_unwind)]
pub fn known_columns(table: String) -> Result<Vec<Column>> {
    let source = match table.as_str() {
        "subscriptions" => Source::Subscriptions,
        _ => match kind_of(&table) {
            Ok(kind) => Source::Records(kind),
            Err(_) => {
                let why = "must be customers, payments, tickets, activities or subscriptions";
                return Err(invalid_option("table", why));
            }
        },
    };
    let columns = source.columns().iter().map(|column| Column {
        name: column.name.to_owned(),
        column_type: column.column_type.to_string(),
        required: column.required,
        meaning: column.meaning.to_owned(),
    });
    Ok(columns.collect())
}

/// The validated records of one tenant.
#[napi]
pub struct Records {
    pub(crate) inner: Held<Arc<TenantRecords>>,
    report: ValidationReport,
}

impl Records {
    pub(crate) fn new((records, report): (TenantRecords, ValidationReport)) -> Self {
        Self {
            inner: Held::new(Arc::new(records)),
            report,
        }
    }
}

fn tenant_of(given: &Object<'_>) -> Result<String> {
    options::text(given, "tenant")?.ok_or_else(|| invalid_option("tenant", "is required"))
}

/// Validates the tables of one tenant without blocking the event loop.
#[napi(catch_unwind)]
pub fn read_slices<'env>(
    env: &'env Env,
    rows: &mut Slices,
    given: Object<'_>,
    cancel: &Cancel,
) -> Result<PromiseRaw<'env, Records>> {
    let mut builder =
        configured(&given, &tenant_of(&given)?)?.execution(Execution::new().cancelled_by(cancel.token.clone()));
    let tables = std::mem::take(&mut rows.tables);
    begin_with(env, Lane::Scoring, cancel.token.clone(), move || {
        for (kind, rows) in RecordKind::ALL.into_iter().zip(tables) {
            if let Some(rows) = rows {
                builder = builder.table(kind, Table::from_values(rows).map_err(raise)?);
            }
        }
        builder.build().map(Records::new).map_err(raise)
    })
}

#[napi]
impl Records {
    /// Reads and validates the tables of one tenant.
    #[napi(factory, catch_unwind)]
    pub fn read(given: Object<'_>, arrow: bool) -> Result<Self> {
        let built = builder(&given, &tenant_of(&given)?, reader(arrow))?.build();
        built.map(Self::new).map_err(raise)
    }

    /// The tenant's id.
    #[napi(getter, catch_unwind)]
    pub fn tenant(&self) -> Result<String> {
        Ok(self.inner.get()?.tenant().to_string())
    }

    /// The ISO 4217 code of the currency of all amounts. It is null if the currency is unknown.
    #[napi(getter, catch_unwind)]
    pub fn currency(&self) -> Result<Option<String>> {
        Ok(self.inner.get()?.currency().code().map(str::to_owned))
    }

    /// The ids of all customers, sorted by their UTF-8 bytes.
    #[napi(getter, catch_unwind)]
    pub fn customer_ids(&self) -> Result<Vec<String>> {
        Ok(self.inner.get()?.customer_ids().map(str::to_owned).collect())
    }

    /// Returns the number of rows of a table, or null if the table was not given.
    #[napi(catch_unwind)]
    pub fn rows(&self, table: String) -> Result<Option<u32>> {
        Ok(self.inner.get()?.n_rows(kind_of(&table)?).map(|rows| rows as u32))
    }

    /// The start of the observed history (the period that the records cover).
    #[napi(getter, catch_unwind)]
    pub fn observed_from(&self) -> Result<Option<String>> {
        Ok(self.inner.get()?.observed_from().map(|moment| moment.to_string()))
    }

    /// The end of the observed history (the period that the records cover).
    #[napi(getter, catch_unwind)]
    pub fn observed_until(&self) -> Result<Option<String>> {
        Ok(self.inner.get()?.observed_until(None).map(|moment| moment.to_string()))
    }

    /// The validation report, as JSON.
    #[napi(getter, catch_unwind)]
    pub fn report(&self) -> String {
        validation(&self.report).to_string()
    }

    /// The approximate amount of memory that this object uses outside V8's heap, in bytes.
    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> Result<i64> {
        let records = self.inner.get()?;
        let rows: usize = RecordKind::ALL
            .into_iter()
            .filter_map(|kind| records.n_rows(kind))
            .sum();
        Ok((rows * 80) as i64)
    }

    /// Frees the memory of this object without waiting for the garbage collector.
    #[napi(catch_unwind)]
    pub fn release(&mut self) {
        self.inner.release();
    }
}

/// The result of `partition`, which splits tables that contain the rows of several tenants.
#[napi(object, object_from_js = false)]
pub struct Partitioned {
    /// The records of each tenant, sorted by tenant id.
    pub tenants: Vec<Records>,
    /// The report on rows without a tenant, as JSON.
    pub unassigned: String,
    /// The positions of each tenant's rows in the input tables.
    pub positions: Vec<Positions>,
}

/// The positions of a tenant's rows in one input table.
#[napi(object, object_from_js = false)]
pub struct Positions {
    /// The id of the tenant.
    pub tenant: String,
    /// The name of the table.
    pub table: String,
    /// The 0-based positions of the rows, in ascending order.
    pub rows: Uint32Array,
}

/// Splits tables that contain the rows of many tenants. The column `tenant_id` says to which tenant each row belongs.
#[napi(catch_unwind)]
pub fn partition(given: Object<'_>, arrow: bool) -> Result<Partitioned> {
    let partition = builder(&given, "", reader(arrow))?.partition().map_err(raise)?;
    let positions = partition.positions.into_iter().flat_map(|(tenant, tables)| {
        let of_table = move |(kind, rows): (RecordKind, Vec<u32>)| Positions {
            tenant: tenant.to_string(),
            table: kind.as_str().to_owned(),
            rows: Uint32Array::new(rows),
        };
        tables.into_iter().map(of_table)
    });
    Ok(Partitioned {
        positions: positions.collect(),
        unassigned: validation(&partition.unassigned).to_string(),
        tenants: partition.tenants.into_values().map(Records::new).collect(),
    })
}
