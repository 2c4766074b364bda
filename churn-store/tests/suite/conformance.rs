//! Tests of records, settings, users, API keys, sync cursors and the audit log. The tests run in every kind of
//! database.

use std::collections::BTreeMap;

use churn_core::{
    Activity, AsOf, Column, Customer, Execution, FeaturePlan, OnInvalid, Payment, RecordKind, StaticAttributes, Table,
    TenantRecords, Ticket, Timestamp, Value, features,
};
use churn_store::{AuditEntry, RecordsOptions, Role, User};

use crate::everywhere;

pub(crate) fn day(offset: i64) -> Timestamp {
    Timestamp::from_ymd(2024, 1, 1).unwrap().plus_days(offset)
}

fn attributes(values: &[(&str, Value)]) -> BTreeMap<String, Value> {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

pub(crate) struct Tables {
    pub(crate) customers: Vec<Customer>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) activities: Vec<Activity>,
}

/// Creates test data: customers with several versions (dated rows), attributes of all types, late corrections, and rows
/// without ids.
pub(crate) fn tables(customers: usize) -> Tables {
    let mut all = Tables {
        customers: vec![],
        payments: vec![],
        tickets: vec![],
        activities: vec![],
    };
    for number in 0..customers {
        let id = format!("C-{number}");
        let n = number as i64;
        for version in 0..1 + n % 3 {
            all.customers.push({
                let mut row = Customer::new(id.clone(), day(n % 50));
                row.churned_at = (n % 5 == 0).then(|| day(n % 50 + 200));
                row.valid_from = (version > 0).then(|| day(n % 50 + version * 30));
                row.known_at = (version > 1).then(|| day(n % 50 + version * 30 + 2));
                row.attributes = attributes(&[
                    ("plan", Value::Text(if n % 2 == 0 { "pro" } else { "basic" }.into())),
                    ("seats", Value::Float(((n * 7919 + version * 17) % 31) as f64 + 0.1)),
                    ("trial", Value::Bool(n * 7919 % 37 < 9)),
                ]);
                row
            });
        }
        for month in 0..6 {
            all.payments.push({
                let mut row = Payment::new(id.clone(), day(n % 50 + 30 * month), 9.995 + month as f64)
                    .with_status(
                        ["paid", "failed", "pending", "refunded"]
                            [if month == 4 { 2 } else { [0, 0, 1, 3][n as usize % 4] }],
                    )
                    .with_method(if n % 3 == 0 { "card" } else { "transfer" })
                    .with_currency("EUR");
                row.payment_id = (month % 2 == 0).then(|| format!("P-{number}-{month}"));
                row.settled_at = (month != 4).then(|| day(n % 50 + 30 * month + n % 4));
                row
            });
        }
        all.payments.push(
            Payment::new(id.clone(), day(n % 50 + 1), 1.5)
                .with_payment_id(format!("P-{number}-0"))
                .with_settled_at(day(n % 50 + 9))
                .with_status("paid")
                .with_known_at(day(n % 50 + 12)),
        );
        all.tickets.push({
            let mut row = Ticket::new(id.clone(), day(n % 50 + 40))
                .with_ticket_id(format!("T-{number}"))
                .with_priority("urgent");
            row.resolved_at = (n % 2 == 0).then(|| day(n % 50 + 43));
            // This column has a number in every row. A missing number would become NaN, which is not equal to itself.
            row.satisfaction = Some((1 + n % 5) as f64);
            row.attributes = attributes(&[("agent", Value::Text(format!("a{}", n % 7)))]);
            row
        });
        for event in 0..4 {
            all.activities.push(
                Activity::new(id.clone(), day(n % 50 + event / 2))
                    .with_kind("login")
                    .with_quantity(0.1 * event as f64),
            );
        }
        // The last two activities are equal in all values.
        all.activities.push(all.activities[all.activities.len() - 1].clone());
    }
    all
}

pub(crate) fn direct(tenant: &str, tables: &Tables) -> TenantRecords {
    TenantRecords::builder(tenant)
        .customers(tables.customers.clone())
        .payments(tables.payments.clone())
        .tickets(tables.tickets.clone())
        .activities(tables.activities.clone())
        .build()
        .unwrap()
        .0
}

pub(crate) async fn store(tenant: &churn_store::TenantStore, tables: &Tables) -> u64 {
    let customers = tenant.customers().upsert(tables.customers.clone()).await.unwrap();
    let payments = tenant.payments().upsert(tables.payments.clone()).await.unwrap();
    let tickets = tenant.tickets().upsert(tables.tickets.clone()).await.unwrap();
    let activities = tenant.activities().upsert(tables.activities.clone()).await.unwrap();
    customers.rows_changed + payments.rows_changed + tickets.rows_changed + activities.rows_changed
}

everywhere!(features_keep_the_order_of_their_columns, world => {
    let table = || {
        let text = |values: [&str; 2]| Column::Values(values.map(|value| Value::Text(value.into())).to_vec());
        [
            ("customer_id", text(["C-1", "C-2"])),
            ("zone", text(["north", "south"])),
            ("signed_up_at", Column::Timestamps(vec![Some(day(0).as_micros()); 2])),
            ("age", Column::Floats(vec![41.0, 17.0])),
            ("plan", text(["pro", "basic"])),
        ]
        .into_iter()
        .fold(Table::new(), |table, (name, column)| table.with_column(name, column).unwrap())
    };
    let acme = world.store.tenant("acme");
    acme.customers().upsert(table()).await.unwrap();
    // A column that is stored later comes after the other columns, even if its name comes before theirs in the
    // alphabet.
    let later = table().with_column("alpha", Column::Floats(vec![1.0, 2.0])).unwrap();
    acme.customers().upsert(later.clone()).await.unwrap();
    let options = RecordsOptions { static_attributes: StaticAttributes::All, ..Default::default() };
    let (kept, _) = acme.records(&options).await.unwrap();
    let (made, _) = TenantRecords::builder("acme").customers(later).static_attributes(StaticAttributes::All).build().unwrap();
    let names = |records: &TenantRecords| {
        let matrix = features(records, &[AsOf::new(day(90))], &FeaturePlan::default(), &Execution::default()).unwrap();
        matrix.feature_names().to_vec()
    };
    assert_eq!(names(&kept), names(&made));
});

everywhere!(loaded_records_equal_the_given_ones, world => {
    let tables = tables(200);
    let acme = world.store.tenant("acme");
    let rows = tables.customers.len() + tables.payments.len() + tables.tickets.len() + tables.activities.len();
    assert_eq!(store(&acme, &tables).await, rows as u64);
    let (records, report) = acme.records(&RecordsOptions::default()).await.unwrap();
    assert!(report.is_clean());
    // The loaded records must be bit-identical to records that are built directly from the same tables.
    assert!(records == direct("acme", &tables));

    // Writing the same batch again changes nothing.
    assert_eq!(store(&acme, &tables).await, 0);
    assert!(acme.records(&RecordsOptions::default()).await.unwrap().0 == records);
});

everywhere!(batches_may_be_split_into_chunks, world => {
    let tables = tables(100);
    let acme = world.store.tenant("acme");
    acme.customers().upsert(tables.customers.clone()).await.unwrap();
    let mut import = acme.activities().import(OnInvalid::Refuse).await.unwrap();
    for piece in tables.activities.chunks(7) {
        import.write(piece).await.unwrap();
    }
    let done = import.commit().await.unwrap();
    assert_eq!((done.rows_in, done.rows_changed), (500, 500));
    // If the same rows arrive in other chunks, they are still recognized as the same rows.
    assert_eq!(acme.activities().upsert(tables.activities.clone()).await.unwrap().rows_changed, 0);
    // An import that is not committed stores nothing.
    let mut import = acme.tickets().import(OnInvalid::Refuse).await.unwrap();
    import.write(tables.tickets.clone()).await.unwrap();
    drop(import);
    assert_eq!(acme.tickets().count().await.unwrap(), 0);
    let (records, _) = acme.records(&RecordsOptions::default()).await.unwrap();
    assert_eq!(records.n_rows(RecordKind::Tickets), None, "never given");
    acme.tickets().upsert(Table::new()).await.unwrap();
    let (records, _) = acme.records(&RecordsOptions::default()).await.unwrap();
    assert_eq!(records.n_rows(RecordKind::Tickets), Some(0), "given and empty");
});

everywhere!(a_single_customer_has_the_same_features_as_among_all, world => {
    let acme = world.store.tenant("acme");
    acme.customers().upsert(tables(2).customers).await.unwrap();
    let due = |id: &str, settled_at| { let mut row = Payment::new(id, day(9), 5.0); row.settled_at = settled_at; row };
    // The customer C-0 has one payment. It is not settled, so none of the rows of C-0 has a settlement time.
    acme.payments().upsert(vec![due("C-0", None), due("C-1", Some(day(10)))]).await.unwrap();
    let rows = acme.payments().of_customer("C-0").await.unwrap();
    assert_eq!(rows[0].values["settled_at"], Value::Null);
    assert!(!rows[0].values.contains_key("refunded_at"), "never given");
    let plan = FeaturePlan::standard(&[28]).unwrap();
    let overdue = |records: &TenantRecords| {
        let matrix = features(records, &[AsOf::new(day(40))], &plan, &Execution::default()).unwrap();
        let row = (0..matrix.n_rows()).find(|&row| matrix.customer_id(row) == "C-0").unwrap();
        let column = matrix.feature_names().iter().position(|name| name == "payments_overdue_count").unwrap();
        matrix.to_ndarray()[[row, column]]
    };
    let (all, _) = acme.records(&RecordsOptions::default()).await.unwrap();
    let table = |rows: Vec<churn_store::StoredRecord>| {
        Table::from_values(rows.into_iter().map(|row| row.values.into_iter().collect())).unwrap()
    };
    let customer = table(acme.customers().of_customer("C-0").await.unwrap());
    let (alone, _) = TenantRecords::builder("acme").customers(customer).payments(table(rows)).build().unwrap();
    assert_eq!((overdue(&all), overdue(&alone)), (1.0, 1.0));
});

everywhere!(a_later_batch_replaces_rows, world => {
    let acme = world.store.tenant("acme");
    acme.customers().upsert(tables(1).customers).await.unwrap();
    let payment = Payment::new("C-0", day(9), 5.0).with_payment_id("P");
    let later = { let mut row = payment.clone(); row.amount = 7.0; row.status = Some("failed".into()); row };
    acme.payments().upsert(vec![payment.clone()]).await.unwrap();
    assert_eq!(acme.payments().upsert(vec![later.clone()]).await.unwrap().rows_changed, 1);
    let stored = acme.payments().of_customer("C-0").await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].values["amount"], Value::Float(7.0));
    assert_eq!(stored[0].values["status"], Value::Text("failed".into()));
    // If several rows of a batch have the same key, the last of them is stored.
    acme.payments().upsert(vec![later, payment]).await.unwrap();
    assert_eq!(acme.payments().of_customer("C-0").await.unwrap()[0].values["amount"], Value::Float(5.0));
    // A row with another `known_at` does not replace the stored row, but is stored as well.
    let version = Payment::new("C-0", day(9), 6.0).with_payment_id("P").with_known_at(day(20));
    acme.payments().upsert(vec![version]).await.unwrap();
    assert_eq!(acme.payments().count().await.unwrap(), 2);
});

everywhere!(invalid_rows_are_refused_or_quarantined, world => {
    let acme = world.store.tenant("acme");
    let mut payments = tables(3).payments;
    payments[4].status = Some("lost".into());
    payments[9].amount = f64::NAN;
    let error = acme.payments().upsert(payments.clone()).await.unwrap_err();
    assert_eq!((error.code(), error.row(), error.column()), ("unknown_status", Some(4), Some("status")));
    assert_eq!(error.report().unwrap().issues.len(), 2);
    assert_eq!(acme.payments().count().await.unwrap(), 0);

    let mut import = acme.payments().import(OnInvalid::Quarantine).await.unwrap();
    import.write(payments[..8].to_vec()).await.unwrap();
    import.write(payments[8..].to_vec()).await.unwrap();
    let done = import.commit().await.unwrap();
    let rows: Vec<_> = done.report.issues.iter().filter_map(|issue| issue.row).collect();
    assert_eq!(rows, [4, 9]);
    assert_eq!((done.rows_in, done.rows_accepted, acme.payments().count().await.unwrap()), (21, 19, 19));

    let zero = vec![Customer::new("a\0b", day(0))];
    assert_eq!(acme.customers().upsert(zero).await.unwrap_err().code(), "bad_type");
    let table = Table::new().with_column("customer_id", Column::Ints(vec![1])).unwrap();
    assert_eq!(acme.customers().upsert(table).await.unwrap_err().code(), "missing_column");
    // Payments of unknown customers are reported when the records are loaded.
    assert_eq!(acme.records(&RecordsOptions::default()).await.unwrap_err().code(), "unknown_customer");
});

everywhere!(options_reach_the_builder, world => {
    let acme = world.store.tenant("acme");
    let customers = vec![{ let mut row = Customer::new("C", day(0)); row.attributes = attributes(&[("plan", Value::Text("pro".into()))]); row }];
    acme.customers().upsert(customers).await.unwrap();
    acme.activities().upsert(vec![Activity::new("C", day(3))]).await.unwrap();
    let options = RecordsOptions { static_attributes: StaticAttributes::All, observed_until: Some(day(50)), tables: Some(vec![RecordKind::Customers]), ..Default::default() };
    let (records, report) = acme.records(&options).await.unwrap();
    assert!(report.undated_attributes.is_empty());
    assert_eq!(records.observed_until(None), Some(day(50)));
    assert_eq!(records.n_rows(RecordKind::Activities), None);
    let matrix = features(&records, &[AsOf::new(day(40))], &FeaturePlan::default(), &Execution::default()).unwrap();
    assert!(matrix.feature_names().iter().any(|name| name == "customer_plan"));
});

everywhere!(pages_follow_the_key, world => {
    let acme = world.store.tenant("acme");
    let tables = tables(30);
    store(&acme, &tables).await;
    let (mut after, mut rows) = (None, vec![]);
    loop {
        let page = acme.payments().page(after, 17).await.unwrap();
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(rows.len(), tables.payments.len());
    assert!(rows.windows(2).all(|pair| pair[0].place < pair[1].place));
    assert_eq!(acme.payments().page(None, 0).await.unwrap_err().code(), "invalid_option");
    assert!(acme.erase_customer("C-7").await.unwrap() > 0);
    let (records, _) = acme.records(&RecordsOptions::default()).await.unwrap();
    assert_eq!(records.n_customers(), 29);
});

everywhere!(a_deleted_record_is_gone_with_all_its_versions, world => {
    let (acme, other) = (world.store.tenant("acme"), world.store.tenant("other"));
    let payments = |known_at: i64| {
        let row = |id: &str| Payment::new("C-1", day(10), 5.0).with_payment_id(id).with_known_at(day(known_at));
        vec![row("P-1"), row("P-2")]
    };
    for tenant in [&acme, &other] {
        tenant.customers().upsert(vec![Customer::new("C-1", day(1)), Customer::new("C-2", day(1))]).await.unwrap();
        tenant.payments().upsert(payments(11)).await.unwrap();
        tenant.payments().upsert(payments(12)).await.unwrap();
        let nameless = Payment::new("C-1", day(20), 7.0);
        tenant.payments().upsert(vec![nameless]).await.unwrap();
    }
    let revision = acme.revision().await.unwrap();
    assert_eq!(acme.payments().delete(&["P-1", "unknown"]).await.unwrap(), 2);
    assert!(acme.revision().await.unwrap() > revision);
    assert_eq!((acme.payments().count().await.unwrap(), other.payments().count().await.unwrap()), (3, 5));
    for blank in ["", " "] {
        assert_eq!(acme.payments().delete(&[blank]).await.unwrap_err().code(), "invalid_option");
    }
    assert_eq!(acme.payments().count().await.unwrap(), 3, "the payment without an id is kept");
    // A withdrawn change is replaced in one transaction.
    let changed = Customer::new("C-1", day(1)).with_valid_from(day(30));
    acme.customers().upsert(vec![changed]).await.unwrap();
    let tx = acme.begin().await.unwrap();
    assert_eq!(tx.customers().delete(&["C-1"]).await.unwrap(), 2);
    tx.customers().upsert(vec![Customer::new("C-1", day(1))]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(acme.customers().of_customer("C-1").await.unwrap().len(), 1);
    let (records, _) = acme.records(&RecordsOptions::default()).await.unwrap();
    assert_eq!(records.n_customers(), 2);
    assert_eq!(acme.tickets().delete(&[] as &[&str]).await.unwrap(), 0);
});

everywhere!(a_tenant_sees_only_itself, world => {
    let (a, b) = (world.store.tenant("a"), world.store.tenant("b"));
    store(&a, &tables(20)).await;
    store(&b, &tables(5)).await;
    assert_eq!(b.customers().count().await.unwrap(), tables(5).customers.len() as u64);
    assert_eq!(world.store.tenant("c").customers().count().await.unwrap(), 0);
    let (records, _) = b.records(&RecordsOptions::default()).await.unwrap();
    assert_eq!(records.n_customers(), 5);
    b.erase_customer("C-1").await.unwrap();
    assert_eq!(a.payments().of_customer("C-1").await.unwrap().len(), 7);
    for id in ["", "a\0", &"x".repeat(501)] {
        assert_eq!(world.store.tenant(id).customers().count().await.unwrap_err().code(), "invalid_option");
    }
});

everywhere!(company_users_keys_cursors_and_audit, world => {
    let acme = world.store.tenant("acme");
    assert_eq!(acme.company().get().await.unwrap(), Default::default());
    acme.company().rename("Acme & Sons").await.unwrap();
    acme.company().set("horizon", &serde_json::json!({"days": 90, "names": ["é", "'"]})).await.unwrap();
    acme.company().set("horizon", &serde_json::json!({"days": 60.5})).await.unwrap();
    let company = acme.company().get().await.unwrap();
    assert_eq!(company.name.as_deref(), Some("Acme & Sons"));
    assert_eq!(company.settings["horizon"], serde_json::json!({"days": 60.5}));
    assert!(acme.company().unset("horizon").await.unwrap());
    assert!(!acme.company().unset("horizon").await.unwrap());

    let user = User { user_id: "u1".into(), email: "u1@acme.example".into(), name: None, role: Role::Analyst };
    acme.users().upsert(&user).await.unwrap();
    acme.users().upsert(&User { role: Role::Owner, ..user.clone() }).await.unwrap();
    assert_eq!(acme.users().get("u1").await.unwrap().unwrap().role, Role::Owner);
    let taken = User { user_id: "u2".into(), ..user.clone() };
    assert_eq!(acme.users().upsert(&taken).await.unwrap_err().code(), "store_refused");
    assert!(acme.users().remove("u1").await.unwrap());
    assert!(acme.users().list().await.unwrap().is_empty());

    let secret = "0123456789abcdef0123456789abcdef";
    assert_eq!(acme.api_keys().create("k", "short", Role::Viewer, day(0)).await.unwrap_err().code(), "invalid_option");
    acme.api_keys().create("k", secret, Role::Viewer, day(0)).await.unwrap();
    assert_eq!(acme.api_keys().verify(secret).await.unwrap().unwrap().key_id, "k");
    assert_eq!(world.store.tenant("other").api_keys().verify(secret).await.unwrap(), None);
    acme.api_keys().revoke("k", day(1)).await.unwrap();
    acme.api_keys().revoke("k", day(2)).await.unwrap();
    assert_eq!(acme.api_keys().verify(secret).await.unwrap(), None);
    assert_eq!(acme.api_keys().list().await.unwrap()[0].revoked_at, Some(day(1)));
    assert_eq!(acme.api_keys().revoke("x", day(1)).await.unwrap_err().code(), "not_found");

    assert_eq!(acme.cursors().get("stripe").await.unwrap(), None);
    acme.cursors().set("stripe", "evt_1", day(1)).await.unwrap();
    acme.cursors().set("stripe", "evt_2", day(2)).await.unwrap();
    assert_eq!(acme.cursors().get("stripe").await.unwrap().unwrap().position, "evt_2");

    for number in 0..5 {
        let entry = AuditEntry { at: day(number), actor: "u1".into(), action: "model.promoted".into(), subject: Some(format!("m{number}")), details: serde_json::json!({"n": number}) };
        acme.audit().append(&entry).await.unwrap();
    }
    let first = acme.audit().page(None, 3).await.unwrap();
    let second = acme.audit().page(first.next, 3).await.unwrap();
    assert_eq!((first.entries.len(), second.entries.len(), second.next), (3, 2, None));
    assert_eq!(second.entries[1].details, serde_json::json!({"n": 4}));
});
