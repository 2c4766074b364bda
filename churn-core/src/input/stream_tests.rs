//! These tests check that batches give the same records as the whole table, and that malicious input is refused before
//! much memory is allocated.

use proptest::prelude::*;
use serde::Serialize;

use super::*;
use crate::error::{Error, RecordKind, ValidationReport};
use crate::record::TenantRecords;
use crate::time::Timestamp;

const CUSTOMERS: &str =
    r#"[{"customer_id": "a", "signed_up_at": "2024-01-01"}, {"customer_id": 7, "signed_up_at": "2024-01-01"}]"#;

type Row = Vec<(&'static str, Value)>;

fn begin(kind: RecordKind) -> RecordsBuilder {
    let builder = TenantRecords::builder("acme").on_invalid(OnInvalid::Quarantine);
    match kind {
        RecordKind::Customers => builder,
        _ => builder.customers(Table::from_json(CUSTOMERS.as_bytes()).unwrap()),
    }
}

fn everything(records: &TenantRecords) -> String {
    let events = (&records.payments, &records.tickets, &records.activities);
    format!("{:?} {events:?} {:?}", records.customers, records.currency)
}

/// Returns the records as debug text, together with the validation report. Tests compare this text instead of floats,
/// because the texts of two NaN values are equal, and the text of -0 differs from that of 0.
fn all_of(builder: RecordsBuilder) -> (String, ValidationReport) {
    let (records, report) = builder.build().unwrap();
    (everything(&records), report)
}

fn values() -> impl Strategy<Value = Value> {
    let texts = prop_oneof![
        Just("a"),
        Just("7"),
        Just("p1"),
        Just("paid"),
        Just(" PENDING"),
        Just("urgent"),
        Just("EUR"),
        Just("euros"),
        Just("acme"),
        Just("2024-01-05"),
        Just("2024-03-01T12:00:00+02:00"),
        Just("0000-00-00"),
        Just("soon"),
        Just(""),
        Just("NaN"),
        Just("-inf"),
        Just("1e3"),
        Just(" 2.5 "),
        Just("true"),
        Just("\u{0}\u{202e}é"),
    ];
    prop_oneof![
        4 => texts.prop_map(|text| Value::Text(text.to_owned())),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => prop_oneof![Just(7i64), Just(i64::MIN), Just(i64::MAX), 0..9i64].prop_map(Value::Int),
        1 => Just(Value::UInt(u64::MAX)),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-0.0), Just(1.005), any::<f64>()].prop_map(Value::Float),
        2 => prop_oneof![Just(i64::MAX), Just(i64::MIN), Just(1_706_745_600_000_000i64)].prop_map(Value::Timestamp),
        1 => Just(Value::Unsupported("a list")),
    ]
}

fn names(kind: RecordKind) -> Vec<&'static str> {
    columns_of(kind)
        .iter()
        .map(|column| column.name)
        .chain(["extra", "more"])
        .collect()
}

proptest! {
    #[test]
    fn batches_equal_the_whole_table(
        rows in proptest::collection::vec(proptest::collection::btree_map(0usize..13, values(), 0..13), 1..14),
        kind in 0usize..4,
        size in 1usize..5,
    ) {
        let kind = RecordKind::ALL[kind];
        let names = names(kind);
        let rows: Vec<Row> = rows.into_iter().map(|row| {
            let mut cells: Row = vec![];
            for (column, value) in row {
                let name = names[column % names.len()];
                if cells.iter().all(|(known, _)| *known != name) {
                    cells.push((name, value));
                }
            }
            cells
        }).collect();
        let whole = all_of(begin(kind).table(kind, Table::from_values(rows.clone()).unwrap()));
        let batches = rows.chunks(size).map(|rows| Table::from_values(rows.to_vec()));
        prop_assert_eq!(&all_of(begin(kind).batches(kind, batches).unwrap()), &whole);
    }

    #[test]
    fn text_batches_equal_the_whole_table(
        rows in proptest::collection::vec(proptest::collection::vec(values(), 13), 0..14),
        kind in 0usize..4,
        size in 1usize..5,
    ) {
        let kind = RecordKind::ALL[kind];
        let names = names(kind);
        let quoted = |value: &Value| match value {
            Value::Text(text) => format!("\"{text}\""),
            Value::Float(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => String::new(),
        };
        let mut text = names.join(",");
        for row in &rows {
            let cells: Vec<String> = row.iter().cycle().take(names.len()).map(quoted).collect();
            text += &format!("\n{}", cells.join(","));
        }
        let whole = all_of(begin(kind).table(kind, Table::from_csv(text.as_bytes()).unwrap()));
        let batches = Table::csv_batches(text.as_bytes(), size).unwrap();
        prop_assert_eq!(&all_of(begin(kind).batches(kind, batches).unwrap()), &whole);
    }
}

#[test]
fn no_batches_are_an_empty_table() {
    let none = || std::iter::empty::<Result<Table, Error>>();
    let (records, _) = begin(RecordKind::Payments)
        .payments_batches(none())
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(records.n_rows(RecordKind::Payments), Some(0));
    assert_eq!(records.n_rows(RecordKind::Tickets), None);
    let header: Vec<Table> = Table::csv_batches(&b"customer_id,at\n"[..], 9)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!((header.len(), header[0].n_rows()), (1, 0));
    assert!(header[0].has_column("at"));
}

#[test]
fn batches_end_with_the_error() {
    let text = &b"customer_id,at\na,2024-01-01\na\na,2024-01-03\n"[..];
    let mut batches = Table::csv_batches(text, 1).unwrap();
    assert_eq!(batches.next().unwrap().unwrap().n_rows(), 1);
    let error = batches.next().unwrap().unwrap_err();
    assert_eq!((error.code(), error.row()), ("unreadable_table", Some(1)));
    assert!(batches.next().is_none());
    let error = begin(RecordKind::Activities)
        .activities_batches(Table::csv_batches(text, 1).unwrap())
        .unwrap_err();
    assert_eq!(error.code(), "unreadable_table");
    assert_eq!(Table::csv_batches(text, 0).unwrap_err().code(), "invalid_option");
    assert_eq!(
        Table::csv_batches(&b"a,a\n"[..], 1).unwrap_err().code(),
        "unreadable_table"
    );
}

#[test]
fn batches_of_many_tenants_are_split() {
    let text = "tenant_id,customer_id,signed_up_at\nx,1,2024-01-01\ny,1,2024-01-02\nx,2,2024-01-03\n";
    let split = |builder: RecordsBuilder| {
        let partition = builder.partition().unwrap();
        let tenants = partition.tenants.iter();
        let tenants = tenants.map(|(tenant, (records, report))| format!("{tenant} {} {report:?}", everything(records)));
        (tenants.collect::<Vec<_>>(), partition.positions)
    };
    let whole = split(TenantRecords::builder("all").customers(Table::from_csv(text.as_bytes()).unwrap()));
    let batches = Table::csv_batches(text.as_bytes(), 1).unwrap();
    let streamed = TenantRecords::builder("all")
        .batches(RecordKind::Customers, batches)
        .unwrap();
    assert_eq!(split(streamed), whole);
}

#[test]
fn a_repeated_key_is_reported() {
    let text = br#"[{"customer_id": 1, "at": "2024-01-01"}, {"customer_id": 1, "at": "2024-01-01", "customer_id": 2}]"#;
    let error = Table::from_json(text).unwrap_err();
    assert_eq!(
        (error.code(), error.row(), error.column()),
        ("unreadable_table", Some(1), Some("customer_id")),
        "{error}"
    );
    let error = Table::from_values([vec![("a", Value::Null), ("a", Value::Null)]]).unwrap_err();
    assert_eq!((error.row(), error.column()), (Some(0), Some("a")));
}

#[test]
fn a_new_key_in_every_row_is_refused_before_it_takes_memory() {
    let rows = |count: usize| {
        let rows: Vec<String> = (0..count).map(|row| format!("{{\"key {row}\":1}}")).collect();
        Table::from_json(format!("[{}]", rows.join(",")).as_bytes())
    };
    assert_eq!(rows(1000).unwrap().column_names().count(), 1000);
    let error = rows(20_000).unwrap_err();
    assert_eq!(error.code(), "unreadable_table", "{error}");
    assert!(error.row().is_some_and(|row| row < 5000), "{error}");
    // The first row has all keys. The 10 000 rows after it have no keys.
    let many: Vec<String> = (0..5000).map(|key| format!("\"key {key}\":1")).collect();
    let text = format!("[{{{}}}{}]", many.join(","), ",{}".repeat(10_000));
    assert_eq!(
        Table::from_json(text.as_bytes()).unwrap_err().code(),
        "unreadable_table"
    );
}

#[test]
fn rows_of_any_type_keep_values_that_json_cannot_represent() {
    #[derive(Serialize)]
    struct Own {
        customer_id: u64,
        due_at: &'static str,
        amount: f64,
        method: Option<&'static str>,
        tags: Vec<u8>,
    }
    let own = |amount| Own {
        customer_id: 7,
        due_at: "2024-02-01",
        amount,
        method: None,
        tags: vec![],
    };
    let table = Table::from_rows(&[own(1.5), own(f64::NAN), own(f64::INFINITY)]).unwrap();
    assert_eq!(
        table.column_names().collect::<Vec<_>>(),
        ["customer_id", "due_at", "amount", "method", "tags"]
    );
    let (_, report) = begin(RecordKind::Payments).payments(table).build().unwrap();
    let found: Vec<_> = report
        .issues
        .iter()
        .map(|issue| (issue.row, issue.code.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (Some(0), "bad_type"),
            (Some(1), "not_finite"),
            (Some(1), "bad_type"),
            (Some(2), "not_finite"),
            (Some(2), "bad_type")
        ]
    );
    let error = Table::from_rows(&[1, 2]).unwrap_err();
    assert_eq!((error.code(), error.row()), ("unreadable_table", Some(0)));
    let typed = vec![Payment::new("a", Timestamp::EPOCH, f64::NAN)];
    let (_, report) = begin(RecordKind::Payments)
        .payments(Table::from_rows(&typed).unwrap())
        .build()
        .unwrap();
    assert_eq!(report.issues[0].code.as_str(), "not_finite");
}

#[test]
fn a_currency_is_three_letters() {
    let build = |currency: &str| {
        let text =
            format!(r#"[{{"customer_id": "a", "due_at": "2024-02-01", "amount": 1, "currency": "{currency}"}}]"#);
        begin(RecordKind::Payments)
            .payments(Table::from_json(text.as_bytes()).unwrap())
            .build()
            .unwrap()
    };
    assert_eq!(build(" eur ").0.currency().code(), Some("EUR"));
    let (records, report) = build("euro");
    assert_eq!(records.currency().code(), None);
    assert_eq!(
        (report.issues[0].code.as_str(), report.issues[0].column.as_deref()),
        ("bad_type", Some("currency"))
    );
    let option = |builder: RecordsBuilder| builder.build().unwrap_err();
    let error = option(begin(RecordKind::Payments).currency("€"));
    assert_eq!((error.code(), error.column()), ("invalid_option", Some("currency")));
    let error = option(begin(RecordKind::Payments).conversion_rate("dollar", 1.1));
    assert_eq!(
        (error.code(), error.column()),
        ("invalid_option", Some("conversion_rates"))
    );
}

#[test]
fn an_attribute_with_the_name_of_a_feature_is_reported() {
    use crate::record::StaticAttributes;
    let text =
        r#"[{"customer_id": 1, "signed_up_at": "2024-01-01", "valid_from": null, "tenure_days": 3, "seats": 1}]"#;
    let build = |attributes| {
        let customers = Table::from_json(text.as_bytes()).unwrap();
        TenantRecords::builder("acme")
            .customers(customers)
            .static_attributes(attributes)
            .build()
    };
    let (_, report) = build(StaticAttributes::None).unwrap();
    assert_eq!(report.undated_attributes.len(), 1);
    assert_eq!(report.undated_attributes[0].0, "tenure_days");
    assert!(report.is_clean());
    let (_, report) = build(StaticAttributes::All).unwrap();
    assert_eq!(report.undated_attributes[0].0, "tenure_days");
    let error = build(StaticAttributes::Named(vec!["tenure_days".into()])).unwrap_err();
    assert_eq!(
        (error.code(), error.column()),
        ("invalid_option", Some("static_attributes"))
    );
}
