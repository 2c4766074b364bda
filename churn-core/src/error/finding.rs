//! Findings: likely mistakes in valid records. A finding never causes a row to be refused.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{RecordKind, names};

names! {
    /// The code of a [`Finding`], which identifies its topic. The codes do not change between versions, and they are
    /// the same in Rust, Python and Node.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
    #[derive(PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum FindingCode: "finding" {
        /// A table of payments, tickets or activities has an extra column, which the standard features do not use.
        UnusedColumn = "unused_column",
        /// Events lie before the first `signed_up_at` of their customer.
        BeforeSignUp = "before_sign_up",
        /// Events lie after the end of a spell (an uninterrupted period as a customer) and before the start of the same
        /// customer's next spell, if there is one.
        AfterEnd = "after_end",
        /// Events lie more than 365 days after nearly all other events of their table, so their dates are probably
        /// wrong.
        FarDate = "far_date",
        /// Rows without a record id are equal to another row of the table in every column.
        LikelyDuplicate = "likely_duplicate",
        /// The typical time between two consecutive events of a customer is longer than the horizon of the churn
        /// definition (the length in days of the period in which churn is counted).
        GapExceedsHorizon = "gap_exceeds_horizon",
        /// An attribute has the same value in every row.
        ConstantColumn = "constant_column",
        /// A column has no value in any row.
        EmptyColumn = "empty_column",
        /// One row of a customer states that they have churned, but a later row of the same customer with the same
        /// `signed_up_at` states that they are active again. The later row begins a new spell (an uninterrupted period
        /// as a customer).
        Reactivated = "reactivated",
        /// One row of a customer announced a `churned_at`, but a later row of the same customer removed the
        /// `churned_at` before that time was reached. The cancellation therefore counts as withdrawn.
        Withdrawn = "withdrawn",
        /// Customers have no subscription, although the customers table was built from subscriptions. These customers
        /// were dropped.
        NoSubscription = "no_subscription",
        /// The customers table lacks a column that this library uses, but has an extra column with a name that other
        /// systems use for that column.
        SimilarColumn = "similar_column",
        /// A customer signs up again before their earlier spell (uninterrupted period as a customer) has ended.
        OverlappingSpells = "overlapping_spells",
        /// Most rows of a table became known (`known_at`) long after their events. A feature for a date does not use
        /// rows that became known after that date.
        KnownLate = "known_late",
        /// Some payments have no status, although other payments have one.
        MissingStatus = "missing_status",
        /// Payments have an amount of zero or less, as credit notes do. Each of these rows still counts as a payment.
        NotPositive = "not_positive",
        /// A subscription or a spell (an uninterrupted period as a customer) begins less than two days after the
        /// customer's previous one ended. The gap counts as churn, but is probably an upgrade or a mistake in the dates.
        ShortGap = "short_gap",
        /// A few events lie long before or long after all other events of their table, so the default `observed_from` or
        /// `observed_until` is probably wrong.
        IsolatedDate = "isolated_date",
        /// A table has no event for a long time, although its events are frequent otherwise.
        MissingPeriod = "missing_period",
        /// Dates lie before 1980, for example because a number of seconds was read as milliseconds.
        EarlyDate = "early_date",
        /// Many customers are unknown until long after they signed up, because the first row of each such customer has
        /// a late `valid_from` or `known_at`.
        LateVersion = "late_version",
        /// Customers have a `churned_at` after the end of the history, and no `notice_at`.
        ScheduledEnd = "scheduled_end",
        /// Customer rows state a `notice_at` before their `valid_from`, and the earlier row of the customer has none.
        LateNotice = "late_notice",
        /// Customer rows state a `churned_at` before their `valid_from`, and the earlier row of the customer has none.
        LateEnd = "late_end",
        /// Payments have a status such as `paid`, but no `settled_at`, although the table has this column. These payments
        /// count as pending. Or the table has failed or overdue payments, but no column `settled_at`.
        MissingSettlement = "missing_settlement",
        /// Rows that are written to a store have no id, so a later batch cannot correct them.
        MissingId = "missing_id",
        /// A batch that is written to a store removes the `churned_at` of customers or the `settled_at` of payments.
        /// The batch is probably an older export.
        EndRemoved = "end_removed",
        /// A batch that is written to a store lacks a column that earlier batches of the same table had. In rows that the
        /// batch replaces, the values of the column are lost.
        MissingColumn = "missing_column",
        /// A table begins long after the start of the observed history. For dates before the table begins, the features
        /// of the table state that nothing happened.
        LateStart = "late_start",
        /// A batch that is written to a store has rows with the same key and different values. Only the last of them is
        /// stored.
        ConflictingRows = "conflicting_rows",
    }
}

/// Maximum number of row positions that a finding lists as examples.
pub(crate) const MAX_EXAMPLES: usize = 5;

/// A likely mistake in valid records: where it is, how many rows it affects, and what to do about it.
///
/// ```
/// use churn_core::{FindingCode, Table, TenantRecords};
///
/// let customers = Table::from_json(br#"[{"customer_id": "C-1", "signed_up_at": "2024-01-01"}]"#)?;
/// let payments = Table::from_json(br#"[{"customer_id": "C-1", "due_at": "2024-02-01", "amount": 9.9, "state": "failed"}]"#)?;
/// let (_, report) = TenantRecords::builder("acme").customers(customers).payments(payments).build()?;
///
/// assert!(report.is_clean()); // nothing was refused
/// let finding = &report.findings[0];
/// assert_eq!((finding.code, finding.column.as_deref()), (FindingCode::UnusedColumn, Some("state")));
/// assert!(finding.message.contains("'status'")); // the known column with the nearest name
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The topic of the finding.
    pub code: FindingCode,
    /// The table that the finding is about.
    pub table: RecordKind,
    /// The column that the finding is about; `None` if the finding is about whole rows.
    pub column: Option<Arc<str>>,
    /// Number of affected rows.
    pub rows: u64,
    /// The 0-based input positions of the first affected rows (at most five), in ascending order.
    pub examples: Vec<u64>,
    /// What was found, and what to do about it.
    pub message: String,
}

impl Finding {
    /// Creates a finding about some rows.
    #[doc(hidden)]
    pub fn new(
        code: FindingCode,
        table: RecordKind,
        column: Option<&str>,
        rows: u64,
        examples: Vec<u64>,
        message: impl Into<String>,
    ) -> Self {
        let mut examples = examples;
        examples.sort_unstable();
        examples.truncate(MAX_EXAMPLES);
        Self {
            code,
            table,
            column: column.map(Into::into),
            rows,
            examples,
            message: message.into(),
        }
    }

    /// Adds the row count and the examples of another finding, which must have the same code, table and column.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.rows += other.rows;
        self.examples.extend(&other.examples);
        self.examples.sort_unstable();
        self.examples.truncate(MAX_EXAMPLES);
    }

    /// Whether another finding has the same code, table and column as this finding.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (self.code, self.table, &self.column) == (other.code, other.table, &other.column)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.table)?;
        if let Some(column) = &self.column {
            write!(f, " column '{column}'")?;
        }
        if self.rows > 0 {
            write!(f, ", {} row{}", self.rows, if self.rows == 1 { "" } else { "s" })?;
        }
        if !self.examples.is_empty() {
            let shown: Vec<String> = self.examples.iter().map(ToString::to_string).collect();
            let more = if self.rows > shown.len() as u64 { ", …" } else { "" };
            write!(f, " ({}{more})", shown.join(", "))?;
        }
        write!(f, ": {} ({})", self.message, self.code)
    }
}
