//! The known columns of each table, with their types and meanings.

use crate::error::{RecordKind, names};

names! {
    /// The type of the values in a column.
    #[non_exhaustive]
    pub enum ColumnType: "type" {
        /// An identifier. It is a text or an integer. An integer is converted to its decimal text.
        Id = "id",
        /// A timestamp. It is an ISO-8601 text, or a date or date-time value of the programming language.
        Timestamp = "timestamp",
        /// A finite number.
        Number = "number",
        /// A text.
        Text = "text",
    }
}

/// A column whose name has a fixed meaning. [`columns_of`] lists these known columns. All other columns of a table are
/// attributes, which contain numbers, texts or bools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnSpec {
    /// The name of the column.
    pub name: &'static str,
    /// The type of the values in the column.
    pub column_type: ColumnType,
    /// Whether the column is required. A required column must exist and must not contain nulls.
    pub required: bool,
    /// The meaning of the column in a few words. If null means something other than "unknown", the text also states
    /// what null means.
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

const TENANT: ColumnSpec = optional("tenant_id", Id, "the tenant the row belongs to");
const KNOWN_AT: ColumnSpec = optional(
    "known_at",
    Timestamp,
    "the time at which the row became known. A prediction as of an earlier time does not use the row. Null means that the row was always known",
);

const CUSTOMERS: &[ColumnSpec] = &[
    required("customer_id", Id, "the customer's id"),
    required(
        "signed_up_at",
        Timestamp,
        "when the customer signed up. A row with a later sign-up begins a new spell (an uninterrupted period as a customer)",
    ),
    optional(
        "churned_at",
        Timestamp,
        "when the customer left. Null if they have not left. The last row with the same signed_up_at decides. For a cancellation that is announced for a later time, give notice_at as well",
    ),
    optional(
        "notice_at",
        Timestamp,
        "when the customer announced their cancellation. From then on, a model of cancellation does not score them. Give it in all rows with the same signed_up_at",
    ),
    optional("renews_at", Timestamp, "when the contract renews"),
    optional(
        "valid_from",
        Timestamp,
        "the time since which the row is true. Several rows with the same customer and the same sign-up are versions of one customer. If null, the row is true since sign-up",
    ),
    KNOWN_AT,
    TENANT,
];

const PAYMENTS: &[ColumnSpec] = &[
    required("customer_id", Id, "the customer who pays"),
    required(
        "due_at",
        Timestamp,
        "when the payment was due. This is the time of the event",
    ),
    required(
        "amount",
        Number,
        "the amount in major units (12.34). Zero and negative amounts are valid and count as payments",
    ),
    optional(
        "payment_id",
        Id,
        "the id of the payment. Rows with the same id and different known_at are versions of one payment",
    ),
    optional(
        "settled_at",
        Timestamp,
        "when the payment was paid or failed. Null if neither has happened yet. Without this column, every payment that is not pending is settled on its due date",
    ),
    optional(
        "status",
        Text,
        "paid, failed, pending or refunded. A settled payment without a status is paid",
    ),
    optional(
        "refunded_at",
        Timestamp,
        "when the payment was refunded. If this is null, a refunded payment counts as refunded when it was settled",
    ),
    optional(
        "currency",
        Text,
        "the ISO 4217 code of the currency. Null means the currency of the tenant",
    ),
    optional(
        "method",
        Text,
        "the payment method. The standard features do not use it",
    ),
    KNOWN_AT,
    TENANT,
];

const TICKETS: &[ColumnSpec] = &[
    required("customer_id", Id, "the customer who opened the ticket"),
    required(
        "opened_at",
        Timestamp,
        "when the ticket was opened. This is the time of the event",
    ),
    optional(
        "ticket_id",
        Id,
        "the id of the ticket. Rows with the same id and different known_at are versions of one ticket",
    ),
    optional(
        "first_response_at",
        Timestamp,
        "when the ticket was first answered. Null if it has not been answered",
    ),
    optional(
        "resolved_at",
        Timestamp,
        "when the ticket was resolved. Null if it is open",
    ),
    optional(
        "reopened_at",
        Timestamp,
        "when the ticket was reopened. Null if it was never reopened",
    ),
    optional(
        "priority",
        Text,
        "low, normal, high or urgent. Null means normal. The features about urgent tickets count high and urgent",
    ),
    optional("category", Text, "the category. The standard features do not use it"),
    optional("channel", Text, "the channel. The standard features do not use it"),
    optional(
        "satisfaction",
        Number,
        "the customer's rating from 1 to 5. Null if the ticket was not rated",
    ),
    optional(
        "satisfaction_at",
        Timestamp,
        "when the rating became known. Null means that it became known when the ticket was resolved",
    ),
    KNOWN_AT,
    TENANT,
];

const ACTIVITIES: &[ColumnSpec] = &[
    required("customer_id", Id, "the customer who acts"),
    required(
        "at",
        Timestamp,
        "when the activity happened. This is the time of the event",
    ),
    optional(
        "activity_id",
        Id,
        "the id of the activity. Rows with the same id and different known_at are versions of one activity",
    ),
    optional(
        "kind",
        Text,
        "the kind of activity, such as login or export. Activities with null form a kind of their own. Without this column, all activities are of one kind",
    ),
    optional(
        "quantity",
        Number,
        "the quantity in any unit. A null or a missing column means 1",
    ),
    KNOWN_AT,
    TENANT,
];

const SUBSCRIPTIONS: &[ColumnSpec] = &[
    required("customer_id", Id, "the customer who has the subscription"),
    required("started_at", Timestamp, "when the subscription began"),
    required(
        "price",
        Number,
        "the price of all seats for one interval, in major units",
    ),
    required(
        "interval",
        Text,
        "the billing interval: day, week, month, quarter or year",
    ),
    optional(
        "subscription_id",
        Id,
        "the id of the subscription. Rows with the same id and different known_at are versions of one subscription",
    ),
    optional(
        "ended_at",
        Timestamp,
        "when the subscription ended or will end. Null if no end is known",
    ),
    optional("plan", Text, "the name of the plan"),
    optional("seats", Number, "the number of seats"),
    optional(
        "currency",
        Text,
        "the ISO 4217 code of the currency, which is the same in all rows",
    ),
    KNOWN_AT,
];

/// The columns of the subscriptions table, which [`subscriptions_to_customers`](crate::subscriptions_to_customers)
/// reads. The required columns come first.
///
/// ```
/// let names: Vec<&str> = churn_core::subscription_columns().iter().map(|column| column.name).collect();
/// assert_eq!(names[..4], ["customer_id", "started_at", "price", "interval"]);
/// ```
pub fn subscription_columns() -> &'static [ColumnSpec] {
    SUBSCRIPTIONS
}

/// The known columns of a table. The required columns come first. CSV, JSON and Arrow tables use these names, and
/// [`Customer`](crate::Customer), [`Payment`](crate::Payment), [`Ticket`](crate::Ticket) and
/// [`Activity`](crate::Activity) have fields with these names.
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

/// Known columns that are stored as attributes, in the same way as columns with unknown names.
const KEPT_AS_ATTRIBUTES: [&str; 3] = ["method", "category", "channel"];

/// Whether a column is required. A required column has no nulls.
pub(crate) fn is_required(kind: RecordKind, column: &str) -> bool {
    columns_of(kind)
        .iter()
        .any(|known| known.required && known.name == column)
}

/// Whether a column of a table is stored as an attribute.
pub(crate) fn is_attribute(kind: RecordKind, column: &str) -> bool {
    !is_known(kind, column) || is_text_attribute(kind, column)
}

/// Whether a column is stored as an attribute whose type is always text.
pub(crate) fn is_text_attribute(kind: RecordKind, column: &str) -> bool {
    is_known(kind, column) && KEPT_AS_ATTRIBUTES.contains(&column)
}

/// Whether a column has a known name, spelled exactly as in [`columns_of`].
pub(crate) fn is_known(kind: RecordKind, column: &str) -> bool {
    columns_of(kind).iter().any(|known| known.name == column)
}

/// Normalises a name: removes the byte-order mark, blanks, hyphens and underscores, and ignores case. For example,
/// `Customer ID`, `customer-id`, `customerId` and `CUSTOMER_ID` become equal.
fn fold(name: &str) -> String {
    let letters = name.chars().filter(|letter| !letter.is_whitespace());
    let letters = letters.filter(|letter| !matches!(letter, '-' | '_' | '\u{feff}'));
    letters.flat_map(char::to_lowercase).collect()
}

/// The known column that a name matches after normalisation by [`fold`]; `None` if the name matches no known column.
pub(crate) fn known_name(kind: RecordKind, given: &str) -> Option<&'static str> {
    known_among(columns_of(kind), given)
}

/// The column among `columns` that a name matches after normalisation by [`fold`]; `None` if the name matches none of
/// them.
pub(crate) fn known_among(columns: &'static [ColumnSpec], given: &str) -> Option<&'static str> {
    let folded = fold(given);
    let mut known = columns.iter().map(|column| column.name);
    known.find(|name| *name == given || fold(name) == folded)
}

/// For each known column, the names that other systems use for it. The names are normalised by [`fold`].
const SYNONYMS: &[(RecordKind, &str, &[&str])] = &[
    (
        RecordKind::Customers,
        "customer_id",
        &[
            "id",
            "customer",
            "userid",
            "accountid",
            "clientid",
            "memberid",
            "subscriberid",
        ],
    ),
    (
        RecordKind::Customers,
        "signed_up_at",
        &[
            "createdat",
            "created",
            "createdon",
            "signupdate",
            "signup",
            "joinedat",
            "joindate",
            "startdate",
            "startedat",
            "registeredat",
            "since",
        ],
    ),
    (
        RecordKind::Customers,
        "churned_at",
        &[
            "churndate",
            "churnedon",
            "cancelledat",
            "canceledat",
            "cancelledon",
            "canceledon",
            "endedon",
            "canceldate",
            "cancelleddate",
            "endedat",
            "enddate",
            "terminatedat",
            "leftat",
            "closedat",
            "cancelationdate",
            "cancellationdate",
            "churnat",
            "churned",
            "churntime",
            "cancelat",
        ],
    ),
    (RecordKind::Customers, "notice_at", &["noticedate", "cancelrequestedat"]),
    (
        RecordKind::Customers,
        "renews_at",
        &["renewaldate", "renewalat", "nextrenewal"],
    ),
    (
        RecordKind::Customers,
        "valid_from",
        &["effectivefrom", "effectivedate", "validsince", "dbtvalidfrom"],
    ),
    (
        RecordKind::Payments,
        "customer_id",
        &[
            "userid",
            "accountid",
            "clientid",
            "memberid",
            "subscriberid",
            "customer",
        ],
    ),
    (
        RecordKind::Payments,
        "due_at",
        &[
            "date",
            "duedate",
            "invoicedate",
            "invoicedat",
            "createdat",
            "billedat",
            "paymentdate",
            "invoicedon",
        ],
    ),
    (
        RecordKind::Payments,
        "amount",
        &["price", "total", "value", "sum", "revenue", "amountdue", "amountpaid"],
    ),
    (
        RecordKind::Payments,
        "payment_id",
        &["id", "invoiceid", "invoiceno", "transactionid", "chargeid", "orderid"],
    ),
    (
        RecordKind::Payments,
        "settled_at",
        &["paidat", "paiddate", "paidon", "settlementdate"],
    ),
    (
        RecordKind::Payments,
        "status",
        &["state", "paymentstate", "paymentstatus", "outcome"],
    ),
    (
        RecordKind::Payments,
        "refunded_at",
        &["refunddate", "refundat", "refunded"],
    ),
    (RecordKind::Payments, "method", &["paymentmethod", "paymenttype"]),
    (RecordKind::Payments, "currency", &["ccy", "currencycode", "curr"]),
    (
        RecordKind::Tickets,
        "customer_id",
        &["userid", "accountid", "clientid", "memberid", "requesterid", "customer"],
    ),
    (
        RecordKind::Tickets,
        "opened_at",
        &["createdat", "created", "opened", "date", "submittedat", "opendate"],
    ),
    (RecordKind::Tickets, "ticket_id", &["id", "caseid", "issueid"]),
    (
        RecordKind::Tickets,
        "first_response_at",
        &["firstreplyat", "firstresponse", "respondedat", "answeredat"],
    ),
    (
        RecordKind::Tickets,
        "resolved_at",
        &[
            "closedat",
            "solvedat",
            "closedate",
            "closed",
            "completedat",
            "resolution",
        ],
    ),
    (RecordKind::Tickets, "priority", &["severity", "urgency", "prio"]),
    (RecordKind::Tickets, "category", &["type", "topic", "reason"]),
    (
        RecordKind::Tickets,
        "satisfaction",
        &["csat", "rating", "satisfactionscore", "score"],
    ),
    (
        RecordKind::Activities,
        "customer_id",
        &["userid", "accountid", "clientid", "memberid", "customer"],
    ),
    (
        RecordKind::Activities,
        "at",
        &[
            "timestamp",
            "ts",
            "time",
            "date",
            "occurredat",
            "createdat",
            "eventtime",
            "usagedate",
            "eventdate",
        ],
    ),
    (RecordKind::Activities, "activity_id", &["id", "eventid"]),
    (
        RecordKind::Activities,
        "kind",
        &[
            "type",
            "event",
            "eventtype",
            "eventname",
            "action",
            "featurename",
            "feature",
        ],
    ),
    (
        RecordKind::Activities,
        "quantity",
        &["count", "amount", "value", "usagecount", "units"],
    ),
];

/// The known column that a column with an unknown name most likely stands for. If other systems use the unknown name
/// for a known column, the result is that known column. Otherwise, the result is the known column with the most similar
/// spelling, or `None` if no spelling is similar enough.
pub(crate) fn nearest_known(kind: RecordKind, given: &str) -> Option<&'static str> {
    let synonyms = SYNONYMS.iter().filter(|(table, ..)| *table == kind);
    nearest_among(
        columns_of(kind),
        synonyms.map(|(_, known, names)| (*known, *names)),
        given,
    )
}

fn nearest_among(
    columns: &'static [ColumnSpec],
    mut synonyms: impl Iterator<Item = (&'static str, &'static [&'static str])>,
    given: &str,
) -> Option<&'static str> {
    let folded = fold(given);
    if let Some((known, _)) = synonyms.find(|(_, names)| names.contains(&folded.as_str())) {
        return Some(known);
    }
    let far = folded.chars().count().div_ceil(3);
    let known = columns.iter().map(|column| column.name);
    let near = known.map(|name| (distance(&folded, &fold(name)), name));
    near.filter(|(steps, _)| *steps <= far)
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, name)| name)
}

/// The known column that an attribute most likely stands for. An attribute may have any name, so this function accepts
/// only strong evidence: other systems use the name of the attribute for the known column, or the two names differ by
/// at most one letter.
pub(crate) fn similar_known(kind: RecordKind, given: &str) -> Option<&'static str> {
    let folded = fold(given);
    let is_synonym = |(table, _, names): &&(RecordKind, &str, &[&str])| *table == kind && names.contains(&&*folded);
    let misspelt = || {
        let mut known = columns_of(kind).iter().map(|column| column.name);
        known.find(|name| distance(&folded, &fold(name)) <= 1)
    };
    SYNONYMS
        .iter()
        .find(is_synonym)
        .map(|(_, known, _)| *known)
        .or_else(misspelt)
}

/// For each known column of subscriptions, the names that other systems use for it.
const SUBSCRIPTION_SYNONYMS: [(&str, &[&str]); 5] = [
    (
        "started_at",
        &[
            "start",
            "startdate",
            "startsat",
            "begin",
            "createdat",
            "currentperiodstart",
        ],
    ),
    (
        "ended_at",
        &[
            "end",
            "enddate",
            "endsat",
            "endedon",
            "cancelledat",
            "canceledat",
            "churnedat",
        ],
    ),
    ("price", &["amount", "unitamount", "fee", "mrr"]),
    ("interval", &["period", "billinginterval", "billingperiod", "cycle"]),
    ("seats", &["quantity", "licenses", "users"]),
];

/// The known column of the subscriptions table that a column with an unknown name most likely stands for.
pub(crate) fn nearest_subscription_column(given: &str) -> Option<&'static str> {
    nearest_among(subscription_columns(), SUBSCRIPTION_SYNONYMS.into_iter(), given)
}

/// Returns the first name in `given` that is not a known name and most likely stands for the known column `known`.
pub(crate) fn nearest_given<'a>(
    kind: RecordKind,
    known: &str,
    given: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut extra = given.into_iter().filter(|name| !is_known(kind, name));
    extra.find(|name| nearest_known(kind, name) == Some(known))
}

/// Optimal string alignment distance: the number of edits that turn one text into the other. An edit inserts, deletes
/// or replaces a letter, or swaps two neighbouring letters.
fn distance(a: &str, b: &str) -> usize {
    // Only the first 64 letters of a column name are compared.
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1)
                .min(row[j - 1] + 1)
                .min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_match_in_any_spelling() {
        for given in [
            "customer_id",
            "Customer ID",
            "customer-id",
            "customerId",
            "CUSTOMER_ID",
            "CustomerID",
            "\u{feff}customer_id",
            " customer_id\t",
        ] {
            assert_eq!(
                known_name(RecordKind::Payments, given),
                Some("customer_id"),
                "{given:?}"
            );
        }
        assert_eq!(known_name(RecordKind::Payments, "dueAt"), Some("due_at"));
        assert_eq!(known_name(RecordKind::Payments, "customer"), None);
        assert_eq!(
            known_name(RecordKind::Customers, "amount"),
            None,
            "a column of another table"
        );
    }

    #[test]
    fn an_unknown_name_has_the_nearest_known_one() {
        let nearest = nearest_known;
        assert_eq!(nearest(RecordKind::Tickets, "closed_at"), Some("resolved_at"));
        assert_eq!(nearest(RecordKind::Payments, "state"), Some("status"));
        assert_eq!(nearest(RecordKind::Payments, "stauts"), Some("status"));
        assert_eq!(nearest(RecordKind::Payments, "ammount"), Some("amount"));
        assert_eq!(nearest(RecordKind::Customers, "churn_date"), Some("churned_at"));
        assert_eq!(nearest(RecordKind::Activities, "referrer"), None);
        let given = ["plan", "churn_date", "seats"];
        assert_eq!(
            nearest_given(RecordKind::Customers, "churned_at", given),
            Some("churn_date")
        );
    }
}
