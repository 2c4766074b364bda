//! Reads the bundled Complete Journey data with a plain CSV reader, without the library.

use std::path::{Path, PathBuf};

use churn_core::{AsOf, StaticAttributes, Table, TenantRecords, Timestamp};

use crate::raw::{
    ActivityRow, ActivityTable, Attribute, AttributeType, CustomerRow, CustomerTable, Decimal, PaymentRow,
    PaymentTable, Statics, World,
};

/// Returns the path of a file of the bundled data.
fn file(name: &str) -> PathBuf {
    let data = "../examples/rust/data/complete_journey";
    Path::new(env!("CARGO_MANIFEST_DIR")).join(data).join(name)
}

/// Reads the header and the rows of a file.
fn read(name: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(file(name)).expect("the data are bundled");
    let owned = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let header = owned(reader.headers().expect("a header"));
    let rows = reader.records().map(|record| owned(&record.expect("a row")));
    let rows = rows.collect();
    (header, rows)
}

/// Parses a timestamp, and returns the number of microseconds since 1970-01-01.
pub fn moment(text: &str) -> i64 {
    text.parse::<Timestamp>().expect("a moment").as_micros()
}

fn decimal(text: &str) -> Decimal {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let units = format!("{whole}{rest}").parse().expect("a decimal");
    Decimal {
        units,
        places: rest.len() as u32,
    }
}

/// Returns the data as plain rows (a "world").
pub fn world() -> World {
    let (header, rows) = read("customers.csv");
    assert_eq!(header[..2], ["customer_id", "signed_up_at"]);
    let customers = CustomerTable {
        columns: vec![],
        attributes: header[2..]
            .iter()
            .map(|name| (name.clone(), AttributeType::Text))
            .collect(),
        rows: rows.into_iter().map(customer).collect(),
    };

    let (header, rows) = read("payments.csv");
    assert_eq!(header, ["payment_id", "customer_id", "due_at", "amount"]);
    let payment = |row: Vec<String>| PaymentRow {
        payment_id: Some(row[0].clone()),
        customer_id: row[1].clone(),
        due_at: moment(&row[2]),
        amount: decimal(&row[3]),
        settled_at: None,
        status: None,
        refunded_at: None,
        currency: None,
        method: None,
        known_at: None,
    };
    let payments = PaymentTable {
        columns: vec!["payment_id"],
        digits: 2,
        rows: rows.into_iter().map(payment).collect(),
    };

    let (header, rows) = read("activities.csv");
    assert_eq!(header, ["customer_id", "at", "kind"]);
    let activity = |row: Vec<String>| ActivityRow {
        activity_id: None,
        customer_id: row[0].clone(),
        at: moment(&row[1]),
        kind: Some(row[2].clone()),
        quantity: None,
        known_at: None,
    };
    let activities = ActivityTable {
        columns: vec!["kind"],
        rows: rows.into_iter().map(activity).collect(),
    };
    World {
        customers,
        payments: Some(payments),
        tickets: None,
        activities: Some(activities),
        statics: Statics::All,
        observed_until: Some(moment("2018-01-01")),
        dates: vec![moment("2017-12-01")],
    }
}

fn customer(row: Vec<String>) -> CustomerRow {
    let text = |text: &String| (!text.is_empty()).then(|| Attribute::Text(text.clone()));
    CustomerRow {
        customer_id: row[0].clone(),
        signed_up_at: moment(&row[1]),
        churned_at: None,
        notice_at: None,
        renews_at: None,
        valid_from: None,
        known_at: None,
        attributes: row[2..].iter().map(text).collect(),
    }
}

/// Returns the Complete Journey data as records that the library has read.
pub fn records() -> TenantRecords {
    let table = |name| Table::from_csv(std::fs::File::open(file(name))?);
    let build = || {
        TenantRecords::builder("complete-journey")
            .customers(table("customers.csv")?)
            .payments(table("payments.csv")?)
            .activities(table("activities.csv")?)
            .static_attributes(StaticAttributes::All)
            .observed_until("2018-01-01".parse::<AsOf>()?.timestamp())
            .build()
    };
    let (records, report) = build().expect("the data are valid");
    assert!(report.is_clean(), "{report}");
    records
}
