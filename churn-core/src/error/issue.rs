//! The validation report. It has an issue for every invalid value, findings about valid rows, and row counts for every
//! table.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Finding, names};

names! {
    /// The kinds of records that a tenant has. Each kind has its own table.
    #[derive(PartialOrd, Ord)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "lowercase"))]
    pub enum RecordKind: "table" {
        /// Customers and their spells, which are uninterrupted periods as a customer.
        Customers = "customers",
        /// Payments: the amount due, the due date, and how the payment was settled.
        Payments = "payments",
        /// Support tickets and how they were resolved.
        Tickets = "tickets",
        /// Actions of customers, such as logins or orders.
        Activities = "activities",
    }
}

names! {
    /// The code of an issue: what is wrong with a value. Each code is stable and is the same in all languages.
    #[non_exhaustive]
    pub enum IssueCode: "issue" {
        /// A required column is missing.
        MissingColumn = "missing_column",
        /// Two columns of a table have names that stand for the same column. Names are compared without regard to case,
        /// blanks, hyphens and underscores.
        DuplicateColumn = "duplicate_column",
        /// A required value is null or empty.
        MissingValue = "missing_value",
        /// A value has a type that its column does not accept.
        BadType = "bad_type",
        /// A timestamp cannot be parsed or lies outside the years 1 to 9999.
        BadTimestamp = "bad_timestamp",
        /// A number lies outside the accepted range.
        OutOfRange = "out_of_range",
        /// A number is NaN or infinite.
        NotFinite = "not_finite",
        /// The status of a payment is not `paid`, `failed`, `pending` or `refunded`.
        UnknownStatus = "unknown_status",
        /// The priority of a ticket is not `low`, `normal`, `high` or `urgent`.
        UnknownPriority = "unknown_priority",
        /// Two rows of a table have the same record id and the same `known_at`.
        DuplicateId = "duplicate_id",
        /// Two rows of one customer have equal `signed_up_at`, equal `valid_from` and equal `known_at`.
        DuplicateVersion = "duplicate_version",
        /// An event belongs to a customer who is not in the customers table.
        UnknownCustomer = "unknown_customer",
        /// A time lies before another time that must come first. For example, `churned_at` lies before `signed_up_at`.
        EndsBeforeStart = "ends_before_start",
        /// A pending payment has a `settled_at`.
        InconsistentStatus = "inconsistent_status",
        /// Amounts are in several currencies, and no conversion rate is given.
        MixedCurrency = "mixed_currency",
        /// A row belongs to a tenant other than the tenant whose records are built.
        WrongTenant = "wrong_tenant",
    }
}

/// One invalid value: its location and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ValidationIssue {
    /// The table that contains the value.
    pub table: RecordKind,
    /// 0-based position of the row in the input. In a CSV file, the header line does not count. `None` if the issue is
    /// about the whole table.
    pub row: Option<u64>,
    /// The column that contains the value; `None` if the issue is about the whole row.
    pub column: Option<Arc<str>>,
    /// The code that states what is wrong with the value.
    pub code: IssueCode,
    /// A description of the issue. It contains the invalid value.
    pub message: String,
}

impl ValidationIssue {
    /// Creates an issue about one value. This constructor is for crates that store records and validate them before
    /// this crate does.
    #[doc(hidden)]
    pub fn new(table: RecordKind, row: u64, column: &str, code: IssueCode, message: impl Into<String>) -> Self {
        Self {
            table,
            row: Some(row),
            column: Some(column.into()),
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for ValidationIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.table)?;
        if let Some(row) = self.row {
            write!(f, " row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, " column '{column}'")?;
        }
        write!(f, ": {} ({})", self.message, self.code)
    }
}

/// Row counts of one table. `rows_in` always equals `rows_accepted + rows_quarantined`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TableReport {
    /// Number of rows in the input.
    pub rows_in: u64,
    /// Number of rows that were accepted.
    pub rows_accepted: u64,
    /// Number of quarantined rows. A quarantined row was skipped, because one of its values was invalid.
    pub rows_quarantined: u64,
    /// The 0-based input positions of the quarantined rows, in ascending order.
    pub quarantined: Vec<u64>,
    /// Number of accepted events that happened before the first `signed_up_at` of their customer.
    pub events_before_sign_up: u64,
}

/// The result of validation. It has row counts for every table, an issue for every invalid value, and findings about
/// valid rows.
///
/// `Display` shows the counts, the first 20 issues, and every finding with its number of rows and examples. For code
/// examples, see [`OnInvalid`](crate::OnInvalid) and [`Finding`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ValidationReport {
    /// Row counts of each table in the input, in the order of [`RecordKind::ALL`].
    pub tables: Vec<(RecordKind, TableReport)>,
    /// One issue for every invalid value, ordered by table, then by row.
    pub issues: Vec<ValidationIssue>,
    /// Likely mistakes in valid rows, ordered by table, then by code. A finding never causes a row to be refused.
    pub findings: Vec<Finding>,
    /// The customer attributes that are not used as features, each with the reason. One possible reason is that the
    /// table does not state when the attribute's values became true; see [`StaticAttributes`](crate::StaticAttributes).
    /// The other possible reason is that the library itself computes a feature with the same name.
    pub undated_attributes: Vec<(String, String)>,
}

impl ValidationReport {
    /// The row counts of one table; `None` if the table was not given.
    pub fn table(&self, kind: RecordKind) -> Option<&TableReport> {
        self.tables
            .iter()
            .find(|(table, _)| *table == kind)
            .map(|(_, report)| report)
    }

    /// Whether all rows were accepted. [`findings`](Self::findings) and
    /// [`undated_attributes`](Self::undated_attributes) concern valid rows, so they do not affect the result.
    pub fn is_clean(&self) -> bool {
        self.issues.is_empty()
    }

    /// Adds the report of other rows of the same tables to this report. Counts are summed. Issues and findings are
    /// combined and sorted.
    pub fn merge(&mut self, other: Self) {
        for (kind, table) in other.tables {
            match self.tables.iter_mut().find(|(known, _)| *known == kind) {
                None => self.tables.push((kind, table)),
                Some((_, sum)) => {
                    sum.rows_in += table.rows_in;
                    sum.rows_accepted += table.rows_accepted;
                    sum.rows_quarantined += table.rows_quarantined;
                    sum.quarantined.extend(table.quarantined);
                    sum.quarantined.sort_unstable();
                    sum.events_before_sign_up += table.events_before_sign_up;
                }
            }
        }
        self.tables.sort_by_key(|(kind, _)| *kind);
        self.issues.extend(other.issues);
        self.issues.sort_by_key(|issue| (issue.table, issue.row));
        for finding in other.findings {
            match self.findings.iter_mut().find(|known| known.is_like(&finding)) {
                Some(known) => known.absorb(&finding),
                None => self.findings.push(finding),
            }
        }
        self.sort_findings();
        for attribute in other.undated_attributes {
            if !self.undated_attributes.contains(&attribute) {
                self.undated_attributes.push(attribute);
            }
        }
    }

    /// Sorts findings by table, code and column.
    pub(crate) fn sort_findings(&mut self) {
        self.findings
            .sort_by(|a, b| (a.table, a.code, &a.column).cmp(&(b.table, b.code, &b.column)));
    }
}

impl fmt::Display for ValidationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, table) in &self.tables {
            writeln!(
                f,
                "{kind}: {} rows in, {} accepted, {} quarantined",
                table.rows_in, table.rows_accepted, table.rows_quarantined
            )?;
        }
        for issue in self.issues.iter().take(20) {
            writeln!(f, "  {issue}")?;
        }
        if self.issues.len() > 20 {
            writeln!(f, "  … and {} more", self.issues.len() - 20)?;
        }
        if !self.findings.is_empty() {
            writeln!(f, "findings (nothing is refused because of them):")?;
        }
        for finding in &self.findings {
            writeln!(f, "  {finding}")?;
        }
        for (attribute, reason) in &self.undated_attributes {
            writeln!(f, "  attribute '{attribute}' is left out of features: {reason}")?;
        }
        Ok(())
    }
}
