//! Records in: plain objects and Arrow.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use churn_core::{CustomerRows, RecordKind, RecordsBuilder, Table, TenantRecords, ValidationReport, Value, columns_of};
use napi::Result;
use napi::bindgen_prelude::{Array, JsValue, Object, Uint8Array, Uint32Array, Unknown};
use napi_derive::napi;

use crate::error::{invalid_option, raise, unreadable};
use crate::options;
use crate::report::validation;
use crate::values::{Cell, Row};

/// The library's columns by their camelCase spelling, for each table.
static SPELLINGS: LazyLock<[HashMap<String, &'static str>; 4]> = LazyLock::new(|| {
    RecordKind::ALL.map(|kind| {
        let names = columns_of(kind).iter().map(|column| column.name);
        names
            .filter(|name| name.contains('_'))
            .map(|name| (camel_case(name), name))
            .collect()
    })
});

fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| {
        let (head, tail) = part.split_at(1.min(part.len()));
        camel + &head.to_ascii_uppercase() + tail
    })
}

/// A row with its columns as the library spells them.
fn spelled(kind: RecordKind, index: u64, row: Row) -> Result<Vec<(String, Value)>> {
    let Row(Some(mut cells)) = row else {
        return Err(unreadable(
            kind,
            Some(index),
            None,
            &format!("row {index} of {kind} is not an object"),
        ));
    };
    let spellings = &SPELLINGS[kind as usize];
    let mut renamed = false;
    for (name, _) in &mut cells {
        if let Some(known) = spellings.get(name.as_str()) {
            *name = (*known).to_owned();
            renamed = true;
        }
    }
    if renamed {
        for (position, (name, _)) in cells.iter().enumerate() {
            if cells[..position].iter().any(|(earlier, _)| earlier == name) {
                let why = format!("row {index} of {kind} has column '{name}' in two spellings");
                return Err(unreadable(kind, Some(index), Some(name), &why));
            }
        }
    }
    Ok(cells)
}

/// A table given as an array of plain objects; `None` where it is undefined or null.
fn objects(given: &Object<'_>, kind: RecordKind) -> Result<Option<Table>> {
    let name = kind.as_str();
    let Some(value) = given.get::<Unknown<'_>>(name)? else {
        return Ok(None);
    };
    if !value.is_array()? {
        return match given.get::<Cell>(name)? {
            None | Some(Cell(Value::Null)) => Ok(None),
            _ => Err(unreadable(
                kind,
                None,
                None,
                &format!("{name} must be an array of objects"),
            )),
        };
    }
    let Some(array) = given.get::<Array<'_>>(name)? else {
        return Ok(None);
    };
    let mut rows = Vec::with_capacity(array.len() as usize);
    for index in 0..array.len() {
        let row = array.get::<Row>(index)?.unwrap_or(Row(None));
        rows.push(spelled(kind, u64::from(index), row)?);
    }
    Table::from_values(rows).map(Some).map_err(raise)
}

/// A table given as the bytes of an Arrow IPC file or stream.
fn ipc(given: &Object<'_>, kind: RecordKind) -> Result<Option<Table>> {
    let name = kind.as_str();
    if let None | Some(Cell(Value::Null)) = given.get::<Cell>(name)? {
        return Ok(None);
    }
    let wrong = |_| {
        unreadable(
            kind,
            None,
            None,
            &format!("{name} must be a Buffer with an Arrow IPC file or stream"),
        )
    };
    let bytes = given.get::<Uint8Array>(name).map_err(wrong)?;
    let table = bytes.map(|bytes| Table::from_ipc(&bytes)).transpose();
    table.map_err(|error| unreadable(kind, None, error.column(), &error.to_string()))
}

/// A table given on its own, as `{ [name]: rows }`.
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

/// All that `TenantRecords.fromObjects`, `fromArrow` and `partition` take.
fn builder(given: &Object<'_>, tenant: &str, read: Reader) -> Result<RecordsBuilder> {
    let mut builder = TenantRecords::builder(tenant);
    for kind in RecordKind::ALL {
        if let Some(table) = read(given, kind)? {
            builder = builder.table(kind, table);
        }
    }
    builder = builder.on_invalid(options::policy(given)?);
    if let Some(moment) = options::moment(given, "observedFrom")? {
        builder = builder.observed_from(moment);
    }
    if let Some(moment) = options::moment(given, "observedUntil")? {
        builder = builder.observed_until(moment);
    }
    builder = builder.static_attributes(options::trusted(given)?);
    if let Some(code) = options::text(given, "currency")? {
        builder = builder.currency(code);
    }
    for (code, rate) in options::rates(given)? {
        builder = builder.conversion_rate(code, rate);
    }
    Ok(builder)
}

fn reader(arrow: bool) -> Reader {
    if arrow { ipc } else { objects }
}

/// The rows of one customer.
pub(crate) fn customer_rows(given: &Object<'_>) -> Result<CustomerRows> {
    let customers = RecordKind::Customers;
    let own = match given.get::<Row>("customer")? {
        Some(row @ Row(Some(_))) => row,
        _ => return Err(unreadable(customers, None, None, "customer must be an object")),
    };
    let own = Table::from_values([spelled(customers, 0, own)?]).map_err(raise)?;
    let mut rows = CustomerRows::new(own);
    for kind in [RecordKind::Payments, RecordKind::Tickets, RecordKind::Activities] {
        if let Some(table) = objects(given, kind)? {
            rows = rows.table(kind, table);
        }
    }
    Ok(rows)
}

/// A column that the library knows.
#[napi(object, object_from_js = false)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// `id`, `timestamp`, `number` or `text`.
    #[napi(js_name = "type")]
    pub column_type: String,
    /// Whether it must be there, without nulls.
    pub required: bool,
    /// What it means.
    pub meaning: String,
}

/// The table of a name.
pub(crate) fn kind_of(table: &str) -> Result<RecordKind> {
    let kind = RecordKind::ALL.into_iter().find(|kind| kind.as_str() == table);
    kind.ok_or_else(|| invalid_option("table", "must be customers, payments, tickets or activities"))
}

/// The columns that the library knows of a table, required ones first.
#[napi(js_name = "columnsOf", catch_unwind)]
pub fn known_columns(table: String) -> Result<Vec<Column>> {
    let columns = columns_of(kind_of(&table)?).iter().map(|column| Column {
        name: column.name.to_owned(),
        column_type: format!("{:?}", column.column_type).to_ascii_lowercase(),
        required: column.required,
        meaning: column.meaning.to_owned(),
    });
    Ok(columns.collect())
}

/// One tenant's records.
#[napi]
pub struct Records {
    pub(crate) inner: Arc<TenantRecords>,
    report: ValidationReport,
}

impl Records {
    pub(crate) fn new((records, report): (TenantRecords, ValidationReport)) -> Self {
        Self {
            inner: Arc::new(records),
            report,
        }
    }
}

#[napi]
impl Records {
    /// Reads and checks one tenant's tables.
    #[napi(factory, catch_unwind)]
    pub fn read(given: Object<'_>, arrow: bool) -> Result<Self> {
        let tenant = options::text(&given, "tenant")?.ok_or_else(|| invalid_option("tenant", "was not given"))?;
        let built = builder(&given, &tenant, reader(arrow))?.build();
        built.map(Self::new).map_err(raise)
    }

    /// Whose they are.
    #[napi(getter, catch_unwind)]
    pub fn tenant(&self) -> String {
        self.inner.tenant().to_string()
    }

    /// Currency code of all amounts.
    #[napi(getter, catch_unwind)]
    pub fn currency(&self) -> Option<String> {
        self.inner.currency().code().map(str::to_owned)
    }

    /// Customer ids, sorted by bytes.
    #[napi(getter, catch_unwind)]
    pub fn customer_ids(&self) -> Vec<String> {
        self.inner.customer_ids().map(str::to_owned).collect()
    }

    /// Rows of a table; null if it was not given.
    #[napi(catch_unwind)]
    pub fn rows(&self, table: String) -> Result<Option<u32>> {
        Ok(self.inner.rows(kind_of(&table)?).map(|rows| rows as u32))
    }

    /// Where the history begins.
    #[napi(getter, catch_unwind)]
    pub fn observed_from(&self) -> Option<String> {
        self.inner.observed_from().map(|moment| moment.to_string())
    }

    /// The end of what was observed.
    #[napi(getter, catch_unwind)]
    pub fn observed_until(&self) -> Option<String> {
        self.inner.observed_until(None).map(|moment| moment.to_string())
    }

    /// What validation found, as JSON.
    #[napi(getter, catch_unwind)]
    pub fn report(&self) -> String {
        validation(&self.report).to_string()
    }
}

/// The records of every tenant found in mixed tables.
#[napi(object, object_from_js = false)]
pub struct Partitioned {
    /// One container per tenant, sorted by id.
    pub tenants: Vec<Records>,
    /// Report on rows that name no tenant, as JSON.
    pub unassigned: String,
    /// Tenant, table, and where its rows stood in the mixed table.
    pub positions: Vec<Positions>,
}

/// Where the rows of a tenant stood in a mixed table.
#[napi(object, object_from_js = false)]
pub struct Positions {
    /// Whose rows.
    pub tenant: String,
    /// Of which table.
    pub table: String,
    /// Ascending.
    pub rows: Uint32Array,
}

/// Splits tables with a `tenant_id` column by tenant.
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
