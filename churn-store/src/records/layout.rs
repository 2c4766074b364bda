//! The columns of the record tables, and the statements that are built from them. All names in these statements come
//! from this file. Values are always passed as arguments.

use churn_core::RecordKind;

use crate::engine::{Backend, Holds};

/// A column of a record table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) name: &'static str,
    pub(crate) holds: Holds,
    /// Whether the column is part of the row's key, which identifies the row.
    pub(crate) key: bool,
}

const fn key(name: &'static str, holds: Holds) -> Slot {
    Slot { name, holds, key: true }
}

const fn slot(name: &'static str, holds: Holds) -> Slot {
    Slot {
        name,
        holds,
        key: false,
    }
}

use Holds::{Int, Json, Number, Text};

const CUSTOMERS: &[Slot] = &[
    key("customer_id", Text),
    key("signed_up_at", Int),
    key("valid_from", Int),
    key("known_at", Int),
    slot("churned_at", Int),
    slot("notice_at", Int),
    slot("renews_at", Int),
    slot("attributes", Json),
];

const PAYMENTS: &[Slot] = &[
    key("payment_id", Text),
    key("content_key", Text),
    key("known_at", Int),
    slot("customer_id", Text),
    slot("due_at", Int),
    slot("amount", Number),
    slot("settled_at", Int),
    slot("status", Text),
    slot("refunded_at", Int),
    slot("currency", Text),
    slot("method", Text),
    slot("attributes", Json),
];

const TICKETS: &[Slot] = &[
    key("ticket_id", Text),
    key("content_key", Text),
    key("known_at", Int),
    slot("customer_id", Text),
    slot("opened_at", Int),
    slot("first_response_at", Int),
    slot("resolved_at", Int),
    slot("reopened_at", Int),
    slot("priority", Text),
    slot("category", Text),
    slot("channel", Text),
    slot("satisfaction", Number),
    slot("satisfaction_at", Int),
    slot("attributes", Json),
];

const ACTIVITIES: &[Slot] = &[
    key("activity_id", Text),
    key("content_key", Text),
    key("known_at", Int),
    slot("customer_id", Text),
    slot("at", Int),
    slot("kind", Text),
    slot("quantity", Number),
    slot("attributes", Json),
];

/// The value that is stored as `known_at` if a row has no `known_at`.
pub(crate) const ALWAYS: i64 = i64::MIN;

/// Returns the columns of a record table, except the two columns that contain the tenant's id and the sequence number.
pub(crate) fn slots(kind: RecordKind) -> &'static [Slot] {
    match kind {
        RecordKind::Customers => CUSTOMERS,
        RecordKind::Payments => PAYMENTS,
        RecordKind::Tickets => TICKETS,
        RecordKind::Activities => ACTIVITIES,
    }
}

/// The tables of all kinds of records.
pub(crate) const RECORD_TABLES: [&str; 4] = ["churn_customers", "churn_payments", "churn_tickets", "churn_activities"];

/// Returns the name of the table for a kind of records.
pub(crate) fn table(kind: RecordKind) -> &'static str {
    RECORD_TABLES[kind as usize]
}

/// Returns the name of the column with the event's id; `None` for customers, which are not events.
pub(crate) fn id_column(kind: RecordKind) -> Option<&'static str> {
    match kind {
        RecordKind::Customers => None,
        _ => slots(kind).first().map(|slot| slot.name),
    }
}

fn names_of(kind: RecordKind) -> String {
    slots(kind).iter().map(|slot| slot.name).collect::<Vec<_>>().join(", ")
}

/// Returns the names of the columns of `churn_customers`, each with a prefix such as `c.`.
pub(crate) fn names(prefix: &str) -> String {
    let names = CUSTOMERS.iter().map(|slot| format!("{prefix}{}", slot.name));
    names.collect::<Vec<_>>().join(", ")
}

/// Returns the `ON CONFLICT` clause for a kind of records. With this clause, a new row replaces the stored row that has
/// the same key, unless all their values are equal.
pub(crate) fn on_conflict(kind: RecordKind) -> String {
    let join = |key: bool, of: &dyn Fn(&str) -> String| {
        let names = slots(kind).iter().filter(|slot| slot.key == key);
        names.map(|slot| of(slot.name)).collect::<Vec<_>>().join(", ")
    };
    let differs = slots(kind).iter().filter(|slot| !slot.key);
    let differs = differs.map(|slot| format!("t.{0} IS DISTINCT FROM excluded.{0}", slot.name));
    format!(
        "
        ON CONFLICT (tenant_id, {}) DO UPDATE
        SET {}
        WHERE {}",
        join(true, &str::to_owned),
        join(false, &|name| format!("{name} = excluded.{name}")),
        differs.collect::<Vec<_>>().join(" OR ")
    )
}

/// Returns the query for all rows of a tenant. The query sorts the rows in the order in which they were first stored.
pub(crate) fn select_all(kind: RecordKind) -> String {
    format!(
        "
        SELECT {}
        FROM {}
        WHERE tenant_id = $1
        ORDER BY seq",
        names_of(kind),
        table(kind)
    )
}

/// Returns the query for a page: a limited number of rows whose sequence number is greater than a given number.
pub(crate) fn select_page(kind: RecordKind) -> String {
    format!(
        "
        SELECT {}, seq
        FROM {}
        WHERE tenant_id = $1 AND seq > $2
        ORDER BY seq
        LIMIT $3",
        names_of(kind),
        table(kind)
    )
}

/// Returns the query for the rows of one customer. The query uses the index on customers. Without `INDEXED BY`, SQLite
/// would use the primary key and read all rows of the tenant.
pub(crate) fn select_customer(kind: RecordKind, backend: Backend) -> String {
    let by = match backend {
        Backend::Sqlite => format!("INDEXED BY {}_of_customer", table(kind)),
        Backend::Postgres => String::new(),
    };
    format!(
        "
        SELECT {}, seq
        FROM {} {by}
        WHERE tenant_id = $1 AND customer_id = $2
        ORDER BY seq",
        names_of(kind),
        table(kind)
    )
}
