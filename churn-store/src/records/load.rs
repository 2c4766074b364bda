//! Loads rows of the database into Arrow columns, from which `churn_core` builds records.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use churn_core::{
    Column, Execution, OnInvalid, RecordKind, RecordsBuilder, StaticAttributes, Table, TenantRecords, Ties, Timestamp,
    ValidationReport, Value,
};
use futures_util::StreamExt;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use crate::engine::{Access, Holds, Row, TenantTx};
use crate::error::{Error, ErrorKind, Result};
use crate::records::layout::{ALWAYS, Slot, select_all, slots};
use crate::records::write::off_thread;
use crate::tenant::TenantStore;

/// Number of rows that are loaded at a time.
const BATCH: usize = 1 << 16;

/// Options for loading a tenant's records. All of them except `tables` are options of [`churn_core::RecordsBuilder`].
#[derive(Clone, Debug, Default)]
pub struct RecordsOptions {
    /// The tables to load. `None` loads all tables that were ever stored. The table of customers is always loaded.
    pub tables: Option<Vec<RecordKind>>,
    /// What happens to rows that conflict with other rows, such as a payment whose customer is unknown. Default:
    /// refuse.
    pub on_invalid: OnInvalid,
    /// The start of the observed history. Default: the time of the earliest event.
    pub observed_from: Option<Timestamp>,
    /// The end of the observed history (exclusive). Default: one microsecond after the time of the latest event.
    pub observed_until: Option<Timestamp>,
    /// The undated attributes that the caller declares never to change.
    pub static_attributes: StaticAttributes,
    /// The order of a customer's events that have the same time. Default: the order in which the events were first
    /// stored.
    pub ties: Ties,
    /// The ISO 4217 code of the tenant's currency.
    pub currency: Option<String>,
    /// The conversion rates by currency code. The rate of a currency says how much one major unit of it (such as one
    /// dollar) is worth in the tenant's currency.
    pub conversion_rates: BTreeMap<String, f64>,
    /// The number of threads for building records, the callback for progress, and the token for cancellation.
    pub execution: Execution,
}

impl TenantStore {
    /// Loads all records of the tenant from one snapshot of the database, in the order in which rows were first stored.
    /// The loaded records are bit-identical to records that are built directly from the same rows.
    ///
    /// # Errors
    /// See [`churn_core::RecordsBuilder::build`]; `store_unavailable`, `store_not_migrated`.
    pub async fn records(&self, options: &RecordsOptions) -> Result<(TenantRecords, ValidationReport)> {
        let mut tx = self.begin_session(Access::Read).await?;
        let builder = load_all(&mut tx, options).await?;
        tx.rollback().await?;
        let options = options.clone();
        let build = move || {
            let mut builder = builder
                .on_invalid(options.on_invalid)
                .static_attributes(options.static_attributes)
                .ties(options.ties)
                .execution(options.execution);
            if let Some(at) = options.observed_from {
                builder = builder.observed_from(at);
            }
            if let Some(at) = options.observed_until {
                builder = builder.observed_until(at);
            }
            if let Some(currency) = options.currency {
                builder = builder.currency(currency);
            }
            for (code, rate) in options.conversion_rates {
                builder = builder.conversion_rate(code, rate);
            }
            builder.build()
        };
        off_thread(build).await?.map_err(hinted)
    }
}

/// Adds a hint to an error message. The hint says how to handle rows that conflict with other rows.
fn hinted(error: churn_core::Error) -> Error {
    let later = error.report().is_some();
    let error = Error::from(error);
    match later {
        true => {
            let message = format!(
                "{error}; load with on_invalid = quarantine to set such rows aside, or add what is missing (customers, conversion rates)"
            );
            error.with_message(message)
        }
        false => error,
    }
}

/// Reads the tables that the options select, and returns a builder that contains these tables.
pub(crate) async fn load_all(tx: &mut TenantTx, options: &RecordsOptions) -> Result<RecordsBuilder> {
    let mut builder = TenantRecords::builder(tx.tenant().clone());
    let given = given_columns(tx).await?;
    for kind in RecordKind::ALL {
        let wanted = options.tables.as_ref().is_none_or(|tables| tables.contains(&kind));
        let nothing = vec![];
        let columns = match (given.get(kind.as_str()), kind) {
            (Some(columns), _) if wanted || kind == RecordKind::Customers => columns,
            (None, RecordKind::Customers) => &nothing,
            _ => continue,
        };
        builder = load(tx, kind, columns, builder).await?;
    }
    Ok(builder)
}

/// Returns the tables that were ever stored, each with the names of its columns. The names are in the order in which
/// the columns were first stored, because this order determines the order of features.
pub(crate) async fn given_columns(tx: &mut TenantTx) -> Result<BTreeMap<String, Vec<String>>> {
    const GIVEN: &str = "
        SELECT kind, column_name
        FROM churn_record_columns
        WHERE tenant_id = $1
        ORDER BY kind, place, column_name";
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in tx.rows(GIVEN, &[]).await? {
        let columns = given.entry(row.text(0)?.to_owned()).or_default();
        if !row.text(1)?.is_empty() {
            columns.push(row.text(1)?.to_owned());
        }
    }
    Ok(given)
}

async fn load(
    tx: &mut TenantTx,
    kind: RecordKind,
    given: &[String],
    mut builder: RecordsBuilder,
) -> Result<RecordsBuilder> {
    if given.is_empty() {
        return Ok(builder.table(kind, Table::new()));
    }
    let mut columns = Columns::new(kind, given);
    let sql = select_all(kind);
    let mut rows = tx.stream(&sql, &[])?;
    while let Some(row) = rows.next().await {
        columns.push(&row?)?;
        if columns.rows == BATCH {
            builder = builder.table(kind, columns.take()?);
        }
    }
    drop(rows);
    Ok(builder.table(kind, columns.take()?))
}

/// The columns of a batch of records. Rows of the database are appended to these columns.
struct Columns {
    rows: usize,
    /// A column builder for each column that `churn_core` knows by name; `None` for a column that no stored batch
    /// contained.
    known: Vec<Option<Known>>,
    names: Vec<&'static str>,
    attributes: Vec<(String, Attribute)>,
    positions: HashMap<String, usize>,
}

enum Known {
    Text(StringBuilder),
    Moment(TimestampMicrosecondBuilder),
    Number(Float64Builder),
}

impl Columns {
    fn new(kind: RecordKind, given: &[String]) -> Self {
        let slots = slots(kind);
        // The store's internal columns (`content_key` and the JSON column) are not loaded. If a caller's column has one
        // of these names, it is an attribute.
        let own = |slot: &Slot| slot.name != "content_key" && slot.holds != Holds::Json;
        let known = slots.iter().map(|slot| {
            (given.iter().any(|name| name == slot.name) && own(slot)).then(|| match slot.holds {
                Holds::Text => Some(Known::Text(StringBuilder::new())),
                Holds::Int => Some(Known::Moment(TimestampMicrosecondBuilder::new())),
                Holds::Number => Some(Known::Number(Float64Builder::new())),
                Holds::Json => None,
            })?
        });
        let attributes = given
            .iter()
            .filter(|name| !slots.iter().any(|slot| own(slot) && slot.name == *name));
        let attributes: Vec<_> = attributes.map(|name| (name.clone(), Attribute::Nulls(0))).collect();
        let positions = attributes.iter().enumerate();
        Self {
            rows: 0,
            known: known.collect(),
            names: slots.iter().map(|slot| slot.name).collect(),
            positions: positions
                .map(|(position, (name, _))| (name.clone(), position))
                .collect(),
            attributes,
        }
    }

    fn push(&mut self, row: &Row) -> Result<()> {
        for (position, known) in self.known.iter_mut().enumerate() {
            match known {
                None => {}
                // The store writes an empty text as the id of a row that has no id.
                Some(Known::Text(builder)) => {
                    let text = row.text_or_null(position)?;
                    let id = position == 0;
                    builder.append_option(text.filter(|text| !(id && text.is_empty())));
                }
                Some(Known::Moment(builder)) => {
                    let at = row.int_or_null(position)?;
                    builder.append_option(at.filter(|&at| at != ALWAYS));
                }
                Some(Known::Number(builder)) => builder.append_option(row.float_or_null(position)?),
            }
        }
        self.rows += 1;
        if self.attributes.is_empty() {
            return Ok(());
        }
        if let Some(json) = row.json_text(self.names.len() - 1)? {
            let mut reader = serde_json::Deserializer::from_str(json);
            let damaged =
                |e: serde_json::Error| Error::new(ErrorKind::StoreDamaged, "attributes cannot be read").caused_by(e);
            reader.deserialize_map(Object { columns: self }).map_err(damaged)?;
        }
        for (_, attribute) in &mut self.attributes {
            attribute.fill(self.rows);
        }
        Ok(())
    }

    /// Returns a table of the rows that were read since the last call, and empties the columns.
    fn take(&mut self) -> Result<Table> {
        let mut fields = vec![];
        let mut arrays: Vec<ArrayRef> = vec![];
        for (name, known) in self.names.iter().zip(&mut self.known) {
            let array: ArrayRef = match known {
                None => continue,
                Some(Known::Text(builder)) => Arc::new(builder.finish()),
                Some(Known::Moment(builder)) => Arc::new(builder.finish()),
                Some(Known::Number(builder)) => Arc::new(builder.finish()),
            };
            fields.push(Field::new(*name, array.data_type().clone(), true));
            arrays.push(array);
        }
        let mut mixed = vec![];
        for (name, attribute) in &mut self.attributes {
            match std::mem::replace(attribute, Attribute::Nulls(0)) {
                Attribute::Nulls(rows) => {
                    fields.push(Field::new(name.as_str(), DataType::Null, true));
                    arrays.push(arrow::array::new_null_array(&DataType::Null, rows));
                }
                Attribute::Mixed(values) => mixed.push((name.clone(), Column::Values(values))),
                typed => {
                    let array = typed.finish();
                    fields.push(Field::new(name.as_str(), array.data_type().clone(), true));
                    arrays.push(array);
                }
            }
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|e| Error::new(ErrorKind::Internal, "columns of unequal length").caused_by(e))?;
        let mut table = Table::from_record_batch(&batch)?;
        for (name, column) in mixed {
            table = table.with_column(name, column)?;
        }
        Ok(table)
    }
}

/// The values of an attribute. As long as all values have the same type, they are kept in a column of that type.
enum Attribute {
    Nulls(usize),
    Number(Float64Builder),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Mixed(Vec<Value>),
}

enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
}

impl Attribute {
    fn len(&self) -> usize {
        use arrow::array::ArrayBuilder;
        match self {
            Self::Nulls(rows) => *rows,
            Self::Number(builder) => builder.len(),
            Self::Bool(builder) => builder.len(),
            Self::Text(builder) => builder.len(),
            Self::Mixed(values) => values.len(),
        }
    }

    /// Appends nulls until the number of values, including nulls, is `rows`.
    fn fill(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.len());
        match self {
            Self::Nulls(rows) => *rows += missing,
            Self::Number(builder) => builder.append_nulls(missing),
            Self::Bool(builder) => builder.append_nulls(missing),
            Self::Text(builder) => (0..missing).for_each(|_| builder.append_null()),
            Self::Mixed(values) => values.resize(values.len() + missing, Value::Null),
        }
    }

    /// Sets the value in the row at this position.
    fn set(&mut self, row: usize, value: Scalar<'_>) {
        self.fill(row);
        if let Self::Nulls(rows) = *self {
            *self = match value {
                Scalar::Null => return,
                Scalar::Bool(_) => Self::Bool(BooleanBuilder::new()),
                Scalar::Number(_) => Self::Number(Float64Builder::new()),
                Scalar::Text(_) => Self::Text(StringBuilder::new()),
            };
            self.fill(rows);
        }
        match (&mut *self, value) {
            (_, Scalar::Null) => {}
            (Self::Number(builder), Scalar::Number(value)) => builder.append_value(value),
            (Self::Bool(builder), Scalar::Bool(value)) => builder.append_value(value),
            (Self::Text(builder), Scalar::Text(value)) => builder.append_value(value),
            (_, value) => {
                let mut values = std::mem::replace(self, Self::Nulls(0)).into_values();
                values.push(match value {
                    Scalar::Null => Value::Null,
                    Scalar::Bool(value) => Value::Bool(value),
                    Scalar::Number(value) => Value::Float(value),
                    Scalar::Text(value) => Value::Text(value.into_owned()),
                });
                *self = Self::Mixed(values);
            }
        }
    }

    fn into_values(self) -> Vec<Value> {
        use arrow::array::Array;
        match self {
            Self::Nulls(rows) => vec![Value::Null; rows],
            Self::Number(mut builder) => {
                let array = builder.finish();
                array
                    .iter()
                    .map(|value| value.map_or(Value::Null, Value::Float))
                    .collect()
            }
            Self::Bool(mut builder) => {
                let array = builder.finish();
                array
                    .iter()
                    .map(|value| value.map_or(Value::Null, Value::Bool))
                    .collect()
            }
            Self::Text(mut builder) => {
                let array = builder.finish();
                let text = |row| match array.is_null(row) {
                    true => Value::Null,
                    false => Value::Text(array.value(row).to_owned()),
                };
                (0..array.len()).map(text).collect()
            }
            Self::Mixed(values) => values,
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Number(mut builder) => Arc::new(builder.finish()),
            Self::Bool(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
            other => arrow::array::new_null_array(&DataType::Null, other.len()),
        }
    }
}

/// Reads the values of a JSON object into the attribute columns, without allocating an object for each row.
struct Object<'c> {
    columns: &'c mut Columns,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of numbers, texts and bools")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let row = self.columns.rows - 1;
        while let Some(name) = map.next_key_seed(Name)? {
            let value = map.next_value_seed(AnyScalar)?;
            let unknown = || serde::de::Error::custom(format!("'{name}' was never given"));
            let position = *self.columns.positions.get(&*name).ok_or_else(unknown)?;
            self.columns.attributes[position].1.set(row, value);
        }
        Ok(())
    }
}

/// Deserializes the name of a JSON field. A name without escapes is borrowed from the input.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Self::Value, D::Error> {
        match deserializer.deserialize_any(AnyScalar)? {
            Scalar::Text(text) => Ok(text),
            _ => Err(serde::de::Error::custom("a name is a text")),
        }
    }
}

struct AnyScalar;

impl<'de> DeserializeSeed<'de> for AnyScalar {
    type Value = Scalar<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyScalar {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text or a bool")
    }

    fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Self::Value, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Self::Value, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Self::Value, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Self::Value, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }
}
