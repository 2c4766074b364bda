//! Types that represent a tenant as plain rows (a "world"). Several rows can be versions of the same record. The rows
//! need not be sorted.
//!
//! Timestamps are microseconds since 1970-01-01 UTC. If a table does not have a column, the field of this column is
//! `None` in every row.

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;
/// Microseconds in an hour.
pub const HOUR: i64 = 3_600_000_000;

/// All tables of one tenant. A table is `None` if the tenant does not have it.
#[derive(Clone, Debug)]
pub struct World {
    /// The customers table.
    pub customers: CustomerTable,
    /// The payments table, if it is given.
    pub payments: Option<PaymentTable>,
    /// The tickets table, if it is given.
    pub tickets: Option<TicketTable>,
    /// The activities table, if it is given.
    pub activities: Option<ActivityTable>,
    /// The attributes that are declared static (their values never change).
    pub statics: Statics,
    /// The end of the observed history, if the caller gives it.
    pub observed_until: Option<i64>,
    /// The dates at which tests compute features and labels.
    pub dates: Vec<i64>,
}

/// The undated attributes that are declared static (their values never change).
#[derive(Clone, Debug)]
pub enum Statics {
    /// No attribute is declared static.
    None,
    /// The attributes with these names are declared static.
    Named(Vec<String>),
    /// All attributes are declared static.
    All,
}

impl Statics {
    /// Returns whether the attribute with this column name is declared static.
    pub fn includes(&self, column: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.iter().any(|name| name == column),
            Self::All => true,
        }
    }
}

/// The type of a customer attribute (a column that the library does not know).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// The values are numbers, with or without decimal places.
    Number,
    /// The values are texts.
    Text,
    /// The values are bools.
    Bool,
}

/// One value of a customer attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A bool.
    Bool(bool),
}

/// The customers table.
#[derive(Clone, Debug, Default)]
pub struct CustomerTable {
    /// The names of the optional columns that the table has.
    pub columns: Vec<&'static str>,
    /// The names and types of the attributes (columns that the library does not know).
    pub attributes: Vec<(String, AttributeType)>,
    /// The rows in the given order.
    pub rows: Vec<CustomerRow>,
}

/// One version of a customer: a row of the customers table.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the columns")]
pub struct CustomerRow {
    pub customer_id: String,
    pub signed_up_at: i64,
    pub churned_at: Option<i64>,
    pub notice_at: Option<i64>,
    pub renews_at: Option<i64>,
    pub valid_from: Option<i64>,
    pub known_at: Option<i64>,
    /// One value per attribute of the table.
    pub attributes: Vec<Option<Attribute>>,
}

/// The payments table.
#[derive(Clone, Debug, Default)]
pub struct PaymentTable {
    /// The names of the optional columns that the table has.
    pub columns: Vec<&'static str>,
    /// The number of decimal places of the currency.
    pub digits: u32,
    /// The rows in the given order.
    pub rows: Vec<PaymentRow>,
}

/// A decimal number: `units / 10^places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// All digits of the number as a whole number, with its sign.
    pub units: i64,
    /// The number of decimal places.
    pub places: u32,
}

/// One version of a payment: a row of the payments table.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the columns")]
pub struct PaymentRow {
    pub payment_id: Option<String>,
    pub customer_id: String,
    pub due_at: i64,
    pub amount: Decimal,
    pub settled_at: Option<i64>,
    /// The status: `paid`, `failed`, `pending` or `refunded`.
    pub status: Option<&'static str>,
    pub refunded_at: Option<i64>,
    pub currency: Option<&'static str>,
    pub method: Option<&'static str>,
    pub known_at: Option<i64>,
}

/// The tickets table.
#[derive(Clone, Debug, Default)]
pub struct TicketTable {
    /// The names of the optional columns that the table has.
    pub columns: Vec<&'static str>,
    /// The rows in the given order.
    pub rows: Vec<TicketRow>,
}

/// One version of a ticket: a row of the tickets table.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the columns")]
pub struct TicketRow {
    pub ticket_id: Option<String>,
    pub customer_id: String,
    pub opened_at: i64,
    pub first_response_at: Option<i64>,
    pub resolved_at: Option<i64>,
    pub reopened_at: Option<i64>,
    /// The priority: `low`, `normal`, `high` or `urgent`.
    pub priority: Option<&'static str>,
    pub category: Option<&'static str>,
    pub channel: Option<&'static str>,
    pub satisfaction: Option<f64>,
    pub satisfaction_at: Option<i64>,
    pub known_at: Option<i64>,
}

/// The activities table.
#[derive(Clone, Debug, Default)]
pub struct ActivityTable {
    /// The names of the optional columns that the table has.
    pub columns: Vec<&'static str>,
    /// The rows in the given order.
    pub rows: Vec<ActivityRow>,
}

/// One version of an activity: a row of the activities table.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the columns")]
pub struct ActivityRow {
    pub activity_id: Option<String>,
    pub customer_id: String,
    pub at: i64,
    pub kind: Option<String>,
    pub quantity: Option<f64>,
    pub known_at: Option<i64>,
}

/// The columns that rows of the payments, tickets and activities tables have in common.
pub trait Event {
    /// The id of the record, if it has one.
    fn id(&self) -> Option<&str>;
    /// The id of the customer to whom the event belongs.
    fn customer_id(&self) -> &str;
    /// The time at which the event happened.
    fn at(&self) -> i64;
    /// The time at which the row became known; `None` if it was always known.
    fn known_at(&self) -> Option<i64>;
}

macro_rules! event {
    ($row:ident, $id:ident, $at:ident) => {
        impl Event for $row {
            fn id(&self) -> Option<&str> {
                self.$id.as_deref()
            }
            fn customer_id(&self) -> &str {
                &self.customer_id
            }
            fn at(&self) -> i64 {
                self.$at
            }
            fn known_at(&self) -> Option<i64> {
                self.known_at
            }
        }
    };
}

event!(PaymentRow, payment_id, due_at);
event!(TicketRow, ticket_id, opened_at);
event!(ActivityRow, activity_id, at);
