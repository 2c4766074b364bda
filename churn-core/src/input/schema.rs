//! The column dictionary: what each table may hold, and what it means.

use crate::error::RecordKind;

/// What a column's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnType {
    /// Text; integers become their decimal text.
    Id,
    /// A moment: ISO-8601 text, or a moment or date of the host's own type.
    Timestamp,
    /// A finite number.
    Number,
    /// Text.
    Text,
}

/// One column that the library knows. Others are attributes: numbers, texts or bools. See [`columns_of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnSpec {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub column_type: ColumnType,
    /// Whether it must be there, without nulls.
    pub required: bool,
    /// What it means, in a few words; also what a null means where it is not simply unknown.
    pub meaning: &'static str,
}

const fn required(name: &'static str, column_type: ColumnType, meaning: &'static str) -> ColumnSpec {
    ColumnSpec {
        name,
        column_type,
        required: true,
        meaning,
    }
}

const fn optional(name: &'static str, column_type: ColumnType, meaning: &'static str) -> ColumnSpec {
    ColumnSpec {
        name,
        column_type,
        required: false,
        meaning,
    }
}

use ColumnType::{Id, Number, Text, Timestamp};

const TENANT: ColumnSpec = optional("tenant_id", Id, "whose record it is; must be the container's tenant");
const KNOWN_AT: ColumnSpec = optional("known_at", Timestamp, "when the row became known; hidden until then");

const CUSTOMERS: &[ColumnSpec] = &[
    required("customer_id", Id, "who"),
    required(
        "signed_up_at",
        Timestamp,
        "when the spell began; a later one opens a new spell",
    ),
    optional("churned_at", Timestamp, "when the spell ended or will end"),
    optional("notice_at", Timestamp, "when notice was given"),
    optional("renews_at", Timestamp, "when the contract renews"),
    optional(
        "valid_from",
        Timestamp,
        "since when this version of the customer is true; null: since sign-up",
    ),
    KNOWN_AT,
    TENANT,
];

const PAYMENTS: &[ColumnSpec] = &[
    required("customer_id", Id, "whose payment"),
    required("due_at", Timestamp, "when it was due"),
    required("amount", Number, "in major units; zero and negative amounts are valid"),
    optional(
        "payment_id",
        Id,
        "which; rows with one id and different known_at are versions",
    ),
    optional("settled_at", Timestamp, "when it was paid or failed; null: not yet"),
    optional("status", Text, "paid, failed, pending or refunded"),
    optional("refunded_at", Timestamp, "when it was refunded"),
    optional("currency", Text, "ISO 4217 code"),
    optional("method", Text, "how it was paid; kept as an attribute"),
    KNOWN_AT,
    TENANT,
];

const TICKETS: &[ColumnSpec] = &[
    required("customer_id", Id, "whose ticket"),
    required("opened_at", Timestamp, "when it was opened"),
    optional(
        "ticket_id",
        Id,
        "which; rows with one id and different known_at are versions",
    ),
    optional("first_response_at", Timestamp, "when it was first answered"),
    optional("resolved_at", Timestamp, "when it was resolved"),
    optional("reopened_at", Timestamp, "when it was reopened"),
    optional("priority", Text, "low, normal, high or urgent; null: normal"),
    optional("category", Text, "kept as an attribute"),
    optional("channel", Text, "kept as an attribute"),
    optional("satisfaction", Number, "1 to 5"),
    optional(
        "satisfaction_at",
        Timestamp,
        "when the satisfaction became known; null: when resolved",
    ),
    KNOWN_AT,
    TENANT,
];

const ACTIVITIES: &[ColumnSpec] = &[
    required("customer_id", Id, "whose activity"),
    required("at", Timestamp, "when"),
    optional(
        "activity_id",
        Id,
        "which; rows with one id and different known_at are versions",
    ),
    optional("kind", Text, "what kind of activity"),
    optional("quantity", Number, "how much of it; null: 1"),
    KNOWN_AT,
    TENANT,
];

/// The columns that the library knows of a table, required ones first: the names that CSV, JSON and Arrow tables are to
/// have. The fields of [`Customer`](crate::Customer), [`Payment`](crate::Payment), [`Ticket`](crate::Ticket) and
/// [`Activity`](crate::Activity) are the same.
///
/// ```
/// let names: Vec<&str> = churn_core::columns_of(churn_core::RecordKind::Activities).iter().map(|column| column.name).collect();
/// assert_eq!(names[..2], ["customer_id", "at"]);
/// ```
pub fn columns_of(kind: RecordKind) -> &'static [ColumnSpec] {
    match kind {
        RecordKind::Customers => CUSTOMERS,
        RecordKind::Payments => PAYMENTS,
        RecordKind::Tickets => TICKETS,
        RecordKind::Activities => ACTIVITIES,
    }
}

/// Columns that the library knows but keeps as attributes.
const KEPT_AS_ATTRIBUTES: [&str; 3] = ["method", "category", "channel"];

/// Whether a column must be there, without nulls.
pub(crate) fn is_required(kind: RecordKind, column: &str) -> bool {
    columns_of(kind)
        .iter()
        .any(|known| known.required && known.name == column)
}

/// Whether a column of a table is an attribute.
pub(crate) fn is_attribute(kind: RecordKind, column: &str) -> bool {
    !is_known(kind, column) || is_text_attribute(kind, column)
}

/// Whether a column is an attribute that is always text.
pub(crate) fn is_text_attribute(kind: RecordKind, column: &str) -> bool {
    is_known(kind, column) && KEPT_AS_ATTRIBUTES.contains(&column)
}

fn is_known(kind: RecordKind, column: &str) -> bool {
    columns_of(kind).iter().any(|known| known.name == column)
}
