//! Reads the file of a golden case. A golden case is a small tenant with expected results.

use std::fmt;

use churn_core::{
    AsOf, ChurnDefinition, OnInvalid, RecordKind, StaticAttributes, Table, TenantRecords, Timestamp, ValidationReport,
    Value,
};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;

use super::fixture;

/// A row of a table: the names and values of its columns, in the order of the file.
pub(super) struct Row(pub(super) Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut columns = vec![];
                while let Some(column) = map.next_entry()? {
                    columns.push(column);
                }
                Ok(Row(columns))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Row {
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

#[derive(serde::Deserialize)]
struct Tables {
    customers: Option<Vec<Row>>,
    payments: Option<Vec<Row>>,
    tickets: Option<Vec<Row>>,
    activities: Option<Vec<Row>>,
}

impl Tables {
    fn in_order(self) -> [Option<Vec<Row>>; 4] {
        [self.customers, self.payments, self.tickets, self.activities]
    }
}

/// Returns the error with which the library rejects an example. `error` is the entry of an error code in
/// `contract.json`. The entry contains the example.
///
/// # Panics
/// Panics if the library accepts the example.
pub fn refused(error: &Json) -> churn_core::Error {
    let example = &error["refused"];
    let tables: Tables = serde_json::from_value(example["tables"].clone()).expect("tables hold rows");
    let case = Case {
        name: error["code"].to_string(),
        head: serde_json::json!({"tenant": "acme", "options": {}}),
        tables: tables.in_order(),
    };
    case.records().map(|_| ()).expect_err(&case.name)
}

/// A golden case: a small tenant whose results are known.
pub struct Case {
    /// The name of the case. The case's file has this name, and so has its test in every language.
    pub name: String,
    /// The content of the case's file without the tables.
    pub(super) head: Json,
    /// The tables of the case, in the order of [`RecordKind::ALL`]. A table that the file does not contain is `None`.
    pub(super) tables: [Option<Vec<Row>>; 4],
}

/// Reads a number that JSON cannot represent, such as NaN. The file has a special notation for these numbers.
fn special(value: &Json) -> Option<f64> {
    value.get("float")?.as_str()?.parse().ok()
}

/// Returns the number that a JSON value represents, or `None` if the value is not a number.
pub(super) fn number(value: &Json) -> Option<f64> {
    special(value).or(value.as_f64())
}

fn cell(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map_or_else(
            || Value::Float(number.as_f64().expect("a number of 64 bits")),
            Value::Int,
        ),
        Json::String(text) => Value::Text(text.clone()),
        other => Value::Float(special(other).unwrap_or_else(|| panic!("no value of a row: {other}"))),
    }
}

fn texts(value: &Json) -> Vec<String> {
    let texts = value.as_array().expect("a list").iter();
    texts.map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// Parses a timestamp, and returns the number of microseconds since 1970-01-01.
pub(super) fn moment(text: &str) -> i64 {
    text.parse::<Timestamp>()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .as_micros()
}

impl Case {
    /// Reads the file of the golden case with this name.
    pub fn read(name: &str) -> Self {
        let path = fixture(&format!("golden/worlds/{name}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let head: Json = serde_json::from_str(&text).expect("a case is JSON");
        let tables: Tables = serde_json::from_str(&text).expect("tables hold rows");
        Self {
            name: name.to_owned(),
            head,
            tables: tables.in_order(),
        }
    }

    /// Builds the library's records from the tables of this case.
    pub fn records(&self) -> churn_core::Result<(TenantRecords, ValidationReport)> {
        let options = &self.head["options"];
        let text = |name: &str| options[name].as_str();
        let mut builder = TenantRecords::builder(self.head["tenant"].as_str().expect("a tenant"));
        for (kind, rows) in RecordKind::ALL.into_iter().zip(&self.tables) {
            if let Some(rows) = rows {
                let cells = |row: &Row| row.0.iter().map(|(name, value)| (name.clone(), cell(value))).collect();
                let rows: Vec<Vec<(String, Value)>> = rows.iter().map(cells).collect();
                builder = builder.table(kind, Table::from_values(rows)?);
            }
        }
        if text("on_invalid") == Some("quarantine") {
            builder = builder.on_invalid(OnInvalid::Quarantine);
        }
        match &options["static_attributes"] {
            Json::Null => {}
            Json::String(_) => builder = builder.static_attributes(StaticAttributes::All),
            names => builder = builder.static_attributes(StaticAttributes::Named(texts(names))),
        }
        if let Some(until) = text("observed_until") {
            builder = builder.observed_until(until.parse()?);
        }
        if let Some(currency) = text("currency") {
            builder = builder.currency(currency);
        }
        for (code, rate) in options["conversion_rates"].as_object().into_iter().flatten() {
            builder = builder.conversion_rate(code, rate.as_f64().expect("a rate"));
        }
        builder.build()
    }

    /// Returns the dates at which the tests compute features and scores.
    pub fn as_of(&self) -> Vec<AsOf> {
        let dates = texts(&self.head["as_of"]).into_iter();
        dates.map(|date| date.parse().expect("a date")).collect()
    }

    /// Returns the dates at which the tests compute labels.
    pub fn label_as_of(&self) -> Vec<AsOf> {
        let dates = texts(&self.head["label_as_of"]).into_iter();
        dates.map(|date| date.parse().expect("a date")).collect()
    }

    /// Returns the churn definitions of the case as JSON.
    pub fn definitions(&self) -> &[Json] {
        self.head["definitions"].as_array().expect("definitions")
    }

    /// Returns the positions of a table's invalid rows. These rows are invalid on purpose.
    pub fn bad(&self, kind: RecordKind) -> Vec<u64> {
        let rows = self.head["bad"][kind.as_str()].as_array();
        rows.map_or(vec![], |rows| rows.iter().filter_map(Json::as_u64).collect())
    }
}

/// Converts a churn definition from JSON to the library's type.
pub fn definition(given: &Json) -> ChurnDefinition {
    let days = |name: &str| given[name].as_u64().map(|days| days as u32);
    let horizon = days("horizon").expect("a horizon");
    let lead = days("lead").unwrap_or(0);
    if given["kind"] == "cancellation" {
        return ChurnDefinition::cancellation(horizon).with_lead(lead);
    }
    let on = match given["on"].as_str() {
        Some("activities") => RecordKind::Activities,
        _ => RecordKind::Payments,
    };
    let definition = ChurnDefinition::inactivity(horizon, on).with_lead(lead);
    days("active_within").map_or(definition.clone(), |days| definition.active_within(days))
}
