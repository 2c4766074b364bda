//! Tests non-interference. When one tenant writes, the rows of other tenants, and the results of their queries, must
//! not change. All test tenants use the same ids, so that a statement without a tenant condition affects rows of the
//! wrong tenant.

use churn_core::{
    Activity, AttributeMap, Customer, IntoTable, OnInvalid, Payment, RecordKind, TenantId, Ticket, Timestamp, Value,
};

use crate::attest::Checks;
use crate::engine::{Arg, Backend, TenantTx};
use crate::error::Result;
use crate::records::{
    BatchWriter, CustomerQuery, RecordsOptions, count_customers, count_rows, customer_rows, delete, find,
    given_columns, load_all, page_rows,
};
use crate::tenant::{
    AuditEntry, AuditQuery, NewApiKey, Role, RunId, ScoreOrder, ScoreQuery, ScoreRows, Stage, StoredOutcome, TABLES,
    User, audit, company, erase, models, outcomes, people, scores,
};

/// The id of the tenant that reads and writes.
pub(crate) const A: &str = "churn:attestation:a";
/// The id of another tenant. It sorts before [`A`].
const BEFORE: &str = "churn:attestation:0";
/// The id of another tenant. It sorts after [`A`].
pub(crate) const B: &str = "churn:attestation:b";

const SECRET: &str = "a secret of the attestation, long enough";
const CUSTOMER: &str = "C-1";
const MODEL: &str = "model-1";
const DEFINITION: &str = "definition";

fn day(offset: i64) -> Timestamp {
    Timestamp::EPOCH.plus_days(offset)
}

fn run_id(model: &str) -> RunId {
    RunId {
        as_of: day(50),
        model_id: model.to_owned(),
    }
}

/// Returns an attribute. Its name is always the same. Its type depends on `salt`, which is 0 for tenant `A` and 1 for
/// the other tenants.
fn attribute(salt: i64) -> AttributeMap {
    let value = match salt {
        0 => Value::Text("a text".to_owned()),
        _ => Value::Int(salt),
    };
    [("own".to_owned(), value)].into()
}

/// Writes rows of one tenant to every table. `salt` determines the values of the rows, but not their ids. Tenants with
/// different salts therefore have equal ids and different values.
async fn seed(tx: &mut TenantTx, salt: i64) -> Result<()> {
    let at = day(10 + salt);
    // A tenant with a positive `salt` has three customers, and a tenant with the salt 0 has two.
    let ids: &[&str] = if salt > 0 {
        &["C-1", "C-2", "C-3"]
    } else {
        &["C-1", "C-2"]
    };
    let customers = ids.iter().map(|id| {
        let mut row = Customer::new(*id, day(1)).with_valid_from(at).with_renews_at(at);
        row.attributes = attribute(salt);
        row
    });
    let mut customers: Vec<Customer> = customers.collect();
    // This row has the same key for all tenants. It states that the customer has left only if the salt is positive.
    let mut first = Customer::new(CUSTOMER, day(1)).with_valid_from(day(2));
    first.churned_at = (salt > 0).then(|| day(300));
    customers.push(first);
    // Every tenant stores a customer who has left. Only then does a later batch run the query that counts removed
    // `churned_at` values.
    customers.push(ended_customer());
    upsert(tx, RecordKind::Customers, customers).await?;
    let payment = {
        let mut row = Payment::new(CUSTOMER, at, salt as f64).with_payment_id("P-1");
        row.settled_at = (salt > 0).then_some(at);
        row.attributes = attribute(salt);
        row
    };
    upsert(tx, RecordKind::Payments, vec![payment, settled_payment()]).await?;
    let ticket = {
        let mut row = Ticket::new(CUSTOMER, at).with_ticket_id("T-1");
        row.category = (salt > 0).then(|| "a column of one tenant only".to_owned());
        row.attributes = attribute(salt);
        row
    };
    upsert(tx, RecordKind::Tickets, vec![ticket]).await?;
    let activity = {
        let mut row = Activity::new(CUSTOMER, at).with_activity_id("A-1");
        row.attributes = attribute(salt);
        row
    };
    upsert(tx, RecordKind::Activities, vec![activity]).await?;
    let card = format!("{{\"salt\":{salt}}}");
    models::save_bytes(tx, MODEL, &[salt as u8], &card, Stage::Challenger, at).await?;
    // Each tenant's champion (the model in use) has an id that depends on `salt`.
    let own = format!("a-model-of-{salt}");
    models::save_bytes(tx, &own, &[salt as u8], &card, Stage::Champion, at).await?;
    let probability = 0.1 + 0.1 * salt as f64;
    for model in [MODEL, &own] {
        scores::save(
            tx,
            &ScoreRows::single(run_id(model), CUSTOMER, probability),
            DEFINITION,
            at,
        )
        .await?;
    }
    let outcome = StoredOutcome {
        customer_id: CUSTOMER.to_owned(),
        as_of: day(50),
        churned: Some(salt > 0),
        rule: "cancelled".to_owned(),
        event_at: Some(at),
    };
    outcomes::save(tx, &[outcome], DEFINITION).await?;
    company::rename(tx, &format!("company {salt}")).await?;
    company::set(tx, "setting", &salt.to_string()).await?;
    company::move_cursor(tx, "source", &salt.to_string(), at).await?;
    people::upsert_user(tx, &user(salt)).await?;
    people::create_key(
        tx,
        &NewApiKey::new("key", SECRET, Role::Viewer).with_label(format!("key {salt}")),
        at,
    )
    .await?;
    if salt > 0 {
        // This call increments the tenant's revision, so that it differs from the revision of tenant `A`.
        crate::records::places(tx, 0).await?;
        audit::append(tx, &entry(salt)).await?;
    }
    audit::append(tx, &entry(salt)).await
}

/// Returns a customer who has left.
fn ended_customer() -> Customer {
    let mut row = Customer::new("C-2", day(1)).with_valid_from(day(2));
    row.churned_at = Some(day(300));
    row
}

/// Returns a payment that is settled.
fn settled_payment() -> Payment {
    let mut row = Payment::new(CUSTOMER, day(10), 1.0).with_payment_id("P-2");
    row.settled_at = Some(day(10));
    row
}

fn user(salt: i64) -> User {
    User {
        user_id: "user".to_owned(),
        email: "user@example.com".to_owned(),
        name: Some(format!("user {salt}")),
        role: Role::Viewer,
    }
}

fn entry(salt: i64) -> AuditEntry {
    AuditEntry {
        at: day(salt),
        actor: "user".to_owned(),
        action: format!("action {salt}"),
        subject: None,
        details: serde_json::Value::Null,
    }
}

async fn upsert(tx: &mut TenantTx, kind: RecordKind, rows: impl IntoTable) -> Result<()> {
    BatchWriter::new(kind, OnInvalid::Refuse)
        .write(tx, rows.into_table())
        .await
}

/// Checks rows as an upsert would, without storing them. Returns the findings of this check.
async fn findings(tx: &mut TenantTx, kind: RecordKind, rows: impl IntoTable) -> Result<String> {
    let mut writer = BatchWriter::new(kind, OnInvalid::Refuse);
    writer.check(tx, rows.into_table()).await?;
    let found = writer.done().report.findings;
    let found = found
        .iter()
        .map(|finding| (finding.code, finding.column.as_deref(), finding.rows));
    Ok(format!("{:?}", found.collect::<Vec<_>>()))
}

/// Runs every query of the store. For each query, returns its name and its result as text.
async fn read(tx: &mut TenantTx) -> Result<Vec<(&'static str, String)>> {
    let mut read: Vec<(&'static str, String)> = vec![];
    for kind in RecordKind::ALL {
        let rows = count_rows(tx, kind).await?;
        let page = page_rows(tx, kind, None, 100).await?;
        let customer = customer_rows(tx, kind, CUSTOMER).await?;
        let of_all = |rows: Vec<crate::StoredRecord>| rows.into_iter().map(|row| row.values).collect::<Vec<_>>();
        read.push((
            kind.as_str(),
            format!("{rows} {:?} {:?}", of_all(page.rows), of_all(customer)),
        ));
    }
    let open = Customer::new(CUSTOMER, day(1)).with_valid_from(day(2));
    read.push((
        "removed ends of customers",
        findings(tx, RecordKind::Customers, vec![open, ended_customer()]).await?,
    ));
    let open = Payment::new(CUSTOMER, day(10), 1.0).with_payment_id("P-1");
    read.push((
        "removed ends of payments",
        findings(tx, RecordKind::Payments, vec![open, settled_payment()]).await?,
    ));
    read.push(("the columns given", format!("{:?}", given_columns(tx).await?)));
    let loaded = load_all(tx, &RecordsOptions::default())
        .await?
        .on_invalid(OnInvalid::Quarantine)
        .build();
    read.push(("records", format!("{loaded:?}")));
    read.push(("models", format!("{:?}", models::list(tx).await?)));
    read.push(("model bytes", format!("{:?}", models::artifact(tx, MODEL).await?)));
    read.push(("score runs", format!("{:?}", scores::runs(tx, None, None, 100).await?)));
    for (name, run) in [("scores", None), ("scores of a run", Some(run_id(MODEL)))] {
        for order in [ScoreOrder::Probability, ScoreOrder::ValueAtRisk] {
            let query = ScoreQuery {
                run: run.clone(),
                order,
                customer_ids: Some(vec![CUSTOMER.to_owned()]),
                total: true,
                ..ScoreQuery::default()
            };
            read.push((name, format!("{:?}", scores::page(tx, &query).await?)));
        }
    }
    let query = ScoreQuery {
        run: Some(run_id(MODEL)),
        ..ScoreQuery::default()
    };
    read.push(("all scores of a run", format!("{:?}", scores::page(tx, &query).await?)));
    let query = ScoreQuery {
        run: Some(run_id(MODEL)),
        scored: Some(true),
        min_probability: Some(0.0),
        ..ScoreQuery::default()
    };
    read.push((
        "scores above a probability",
        format!("{:?}", scores::page(tx, &query).await?),
    ));
    // Only the other tenant has a run of this model, so the query must not find the run.
    let query = ScoreQuery {
        run: Some(run_id("a-model-of-1")),
        ..ScoreQuery::default()
    };
    let foreign = scores::page(tx, &query).await.map_err(|error| error.code());
    read.push(("scores of another's run", format!("{foreign:?}")));
    let changes = scores::changes(tx, &run_id(MODEL), &run_id(MODEL), 100).await?;
    read.push(("changes between runs", format!("{changes:?}")));
    let found = find(tx, &CustomerQuery::default()).await?;
    let found: Vec<_> = found.customers.into_iter().map(|row| row.values).collect();
    read.push(("customers found", format!("{found:?}")));
    read.push(("customers counted", format!("{}", count_customers(tx).await?)));
    read.push(("a model", format!("{:?}", models::get(tx, MODEL).await?)));
    read.push(("the champion", format!("{:?}", models::champion_bytes(tx).await?)));
    read.push(("revision", format!("{:?}", crate::tenant::revision(tx).await?)));
    read.push(("a user", format!("{:?}", people::user_by_id(tx, "user").await?)));
    let user = people::user_by_email(tx, "user@example.com").await?;
    read.push(("a user by e-mail", format!("{user:?}")));
    read.push(("a key", format!("{:?}", people::key_with_hash(tx, "key").await?)));
    read.push((
        "score history",
        format!("{:?}", scores::history(tx, CUSTOMER, 100).await?),
    ));
    read.push((
        "outcomes of a run",
        format!("{:?}", outcomes::of_run(tx, &run_id(MODEL)).await?),
    ));
    read.push((
        "outcomes of another's run",
        format!("{:?}", outcomes::of_run(tx, &run_id("a-model-of-1")).await?),
    ));
    read.push((
        "outcomes of a customer",
        format!("{:?}", outcomes::of_customer(tx, CUSTOMER).await?),
    ));
    read.push(("company", format!("{:?}", company::get(tx).await?)));
    read.push(("cursors", format!("{:?}", company::cursor(tx, "source").await?)));
    read.push(("users", format!("{:?}", people::users(tx).await?)));
    read.push(("keys", format!("{:?}", people::keys(tx).await?)));
    read.push((
        "key of a secret",
        format!("{:?}", people::verify_key(tx, SECRET).await?),
    ));
    for newest_first in [true, false] {
        let query = AuditQuery {
            newest_first,
            ..AuditQuery::default()
        };
        read.push(("audit", format!("{:?}", audit::page(tx, &query).await?.entries)));
    }
    Ok(read)
}

/// Returns all rows of a tenant as text.
async fn all_of(tx: &mut TenantTx, tenant: &TenantId) -> Result<Vec<String>> {
    let own = tx.tenant().clone();
    tx.become_other(tenant).await?;
    let mut rows = vec![];
    for table in TABLES {
        let sql = match tx.backend() {
            Backend::Postgres => format!("SELECT r::text FROM {table} AS r WHERE r.tenant_id = $1 ORDER BY 1"),
            Backend::Sqlite => {
                let names = tx
                    .rows(&format!("SELECT name, $1 FROM pragma_table_info('{table}')"), &[])
                    .await?;
                let names = names.iter().map(|row| Ok(format!("quote({})", row.text(0)?)));
                let columns = names.collect::<Result<Vec<_>>>()?.join(" || ',' || ");
                format!("SELECT {columns} FROM {table} WHERE tenant_id = $1 ORDER BY 1")
            }
        };
        for row in tx.rows(&sql, &[]).await? {
            rows.push(format!("{table}: {}", row.text(0)?));
        }
    }
    tx.become_other(&own).await?;
    Ok(rows)
}

pub(crate) async fn run(tx: &mut TenantTx, checks: &mut Checks) -> Result<()> {
    let (a, b) = (TenantId::new(A)?, TenantId::new(B)?);
    seed(tx, 0).await?;
    let before = read(tx).await?;
    for other in [&TenantId::new(BEFORE)?, &b] {
        tx.become_other(other).await?;
        seed(tx, 1).await?;
    }
    let counted = scores::runs(tx, None, None, 100).await?;
    let own = counted.iter().all(|run| run.outcomes == (1, 1));
    checks.add(
        "counting outcomes counts own rows only",
        Some("churn_score_runs"),
        own,
        format!("{counted:?}"),
    );
    tx.become_other(&a).await?;
    for ((name, before), (_, after)) in before.iter().zip(read(tx).await?) {
        let detail = format!("another tenant's rows changed the answer from {before} to {after}");
        checks.add(
            &format!("reading {name} shows own rows only"),
            None,
            *before == after,
            detail,
        );
    }
    let theirs = all_of(tx, &b).await?;
    for table in TABLES {
        let there = theirs.iter().any(|row| row.starts_with(&format!("{table}: ")));
        checks.add(
            "the trial has rows in it",
            Some(table),
            there,
            "the test tenant has no row in this table",
        );
    }
    for number in 0..WRITES {
        let name = write(tx, number).await?;
        let now = all_of(tx, &b).await?;
        let changed: Vec<&String> = theirs.iter().filter(|row| !now.contains(row)).collect();
        let detail = format!("it changed or deleted {changed:?}");
        checks.add(
            &format!("{name} does not change other tenants"),
            None,
            now == theirs,
            detail,
        );
    }
    // Tenant `A` erased its customer and must have no payments any more. Tenant `B` must still have all of its rows.
    let left = tx
        .rows("SELECT COUNT(*) FROM churn_payments WHERE tenant_id = $1", &[])
        .await?;
    let left = left.first().map_or(Ok(0), |row| row.count(0))?;
    checks.add(
        "erasing a customer erases their payments",
        Some("churn_payments"),
        left == 0,
        format!("{left} are left"),
    );
    let given = given_columns(tx).await?;
    let left = RecordKind::ALL.into_iter().filter(|kind| {
        let columns = given.get(kind.as_str()).map(Vec::as_slice).unwrap_or_default();
        columns.iter().any(|name| name == "own")
    });
    let forgotten = left.count() == 0;
    checks.add(
        "attributes of a table without rows are forgotten",
        Some("churn_record_columns"),
        forgotten,
        format!("{given:?}"),
    );
    tx.become_other(&b).await?;
    let swapped = read(tx).await?;
    let empty = swapped
        .iter()
        .filter(|(_, text)| text.starts_with("0 ") || text == "[]" || text == "None");
    let empty: Vec<_> = empty.map(|(name, _)| *name).collect();
    checks.add(
        "the other tenant still has everything",
        None,
        empty.is_empty(),
        format!("nothing left of {empty:?}"),
    );
    tx.become_other(&a).await?;
    // Adds a row for tenant `A`. The statements in `probe.rs` will try to move this row to tenant `B`.
    scores::save(
        tx,
        &ScoreRows::single(run_id(MODEL), CUSTOMER, 0.5),
        DEFINITION,
        day(91),
    )
    .await
}

const WRITES: usize = 15;

/// Runs one write or deletion for the current tenant. `number` selects the operation. The other tenant has rows with
/// the same ids as the current tenant. Returns the name of the operation.
async fn write(tx: &mut TenantTx, number: usize) -> Result<&'static str> {
    let at = day(90);
    Ok(match number {
        0 => {
            let mut payment = Payment::new(CUSTOMER, at, 99.0).with_payment_id("P-1");
            payment.attributes = attribute(0);
            upsert(tx, RecordKind::Payments, vec![payment]).await?;
            "replacing a record"
        }
        1 => {
            models::promote(tx, MODEL, Stage::Champion).await?;
            "promoting a model"
        }
        2 => {
            models::save_bytes(tx, MODEL, &[9], "{}", Stage::Retired, at).await?;
            "saving a model"
        }
        3 => {
            let rows = ScoreRows::single(run_id(MODEL), CUSTOMER, 0.9);
            scores::save(tx, &rows, DEFINITION, at).await?;
            "saving scores"
        }
        4 => {
            scores::delete(tx, &run_id(MODEL)).await?;
            scores::delete(tx, &run_id("a-model-of-1")).await?;
            "deleting a score run"
        }
        5 => {
            let outcome = StoredOutcome {
                customer_id: CUSTOMER.to_owned(),
                as_of: day(50),
                churned: None,
                rule: "churned_in_lead".to_owned(),
                event_at: None,
            };
            outcomes::save(tx, &[outcome], DEFINITION).await?;
            "saving outcomes"
        }
        6 => {
            company::rename(tx, "renamed").await?;
            company::set(tx, "setting", "9").await?;
            "renaming the company"
        }
        7 => {
            company::unset(tx, "setting").await?;
            "forgetting a setting"
        }
        8 => {
            company::move_cursor(tx, "source", "9", at).await?;
            "moving a cursor"
        }
        9 => {
            people::upsert_user(tx, &user(9)).await?;
            "replacing a user"
        }
        10 => {
            people::remove_user(tx, "user").await?;
            "removing a user"
        }
        11 => {
            people::touch_key(tx, "key", at).await?;
            people::revoke_key(tx, "key", at).await?;
            "using and revoking a key"
        }
        12 => {
            audit::append(tx, &entry(9)).await?;
            models::delete(tx, MODEL).await?;
            // Only the other tenant has this model, so the deletion must fail.
            let _ = models::delete(tx, "a-model-of-1").await;
            "deleting a model"
        }
        13 => {
            for kind in RecordKind::ALL {
                delete(
                    tx,
                    kind,
                    &["P-1".to_owned(), "T-1".to_owned(), "A-1".to_owned(), "C-2".to_owned()],
                )
                .await?;
            }
            "deleting records"
        }
        _ => {
            erase(tx, CUSTOMER).await?;
            erase(tx, "C-2").await?;
            "erasing customers"
        }
    })
}

/// Returns the id of tenant `B` as an argument of a statement.
pub(crate) fn other() -> Arg<'static> {
    Arg::text(B)
}
