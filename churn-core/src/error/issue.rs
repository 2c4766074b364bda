//! The validation report: an issue for every bad value, findings about valid rows, and counts of every table.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::Finding;

/// The four kinds of record a tenant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RecordKind {
    /// Who may leave.
    Customers,
    /// What was due, paid, failed and refunded.
    Payments,
    /// What went wrong and how it was answered.
    Tickets,
    /// What the customer did.
    Activities,
}

impl RecordKind {
    /// All four, in the order in which they are validated and reported.
    pub const ALL: [Self; 4] = [Self::Customers, Self::Payments, Self::Tickets, Self::Activities];

    /// The table's name: `"payments"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Payments => "payments",
            Self::Tickets => "tickets",
            Self::Activities => "activities",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! issue_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// What is wrong with a value. Each has a stable code, the same in all languages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum IssueCode { $($(#[$doc])* $variant,)* }

        impl IssueCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

issue_codes! {
    /// A required column is not there.
    MissingColumn = "missing_column",
    /// Two columns have the same known name once case, blanks, hyphens and camelCase are folded.
    DuplicateColumn = "duplicate_column",
    /// A required value is null or empty.
    MissingValue = "missing_value",
    /// A value has a type its column may not have.
    BadType = "bad_type",
    /// A moment cannot be read or lies outside the years 1 to 9999.
    BadTimestamp = "bad_timestamp",
    /// A number lies outside its range.
    OutOfRange = "out_of_range",
    /// A number is NaN or infinite.
    NotFinite = "not_finite",
    /// A payment status that is not paid, failed, pending or refunded.
    UnknownStatus = "unknown_status",
    /// A ticket priority that is not low, normal, high or urgent.
    UnknownPriority = "unknown_priority",
    /// The same record id twice at the same `known_at`.
    DuplicateId = "duplicate_id",
    /// The same customer version twice.
    DuplicateVersion = "duplicate_version",
    /// An event of a customer that is not in the customers table.
    UnknownCustomer = "unknown_customer",
    /// Something ends before it starts.
    EndsBeforeStart = "ends_before_start",
    /// A pending payment that carries a `settled_at`.
    InconsistentStatus = "inconsistent_status",
    /// More than one currency, and no rate to convert it.
    MixedCurrency = "mixed_currency",
    /// A row of another tenant.
    WrongTenant = "wrong_tenant",
}

impl Serialize for IssueCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for IssueCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One bad value: where it stands and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ValidationIssue {
    /// The table.
    pub table: RecordKind,
    /// 0-based position of the row in what the caller gave (of a CSV file, among the lines behind the header); `None` where
    /// the whole table is meant.
    pub row: Option<u64>,
    /// The column; `None` where the whole row is meant.
    pub column: Option<Arc<str>>,
    /// What is wrong.
    pub code: IssueCode,
    /// The same in words, with the offending value.
    pub message: String,
}

impl ValidationIssue {
    /// An issue with a value, found by a host that keeps records elsewhere.
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

/// Counts of one table. `rows_in = rows_accepted + rows_quarantined` always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableReport {
    /// Rows the caller gave.
    pub rows_in: u64,
    /// Rows that entered the container.
    pub rows_accepted: u64,
    /// Rows set aside.
    pub rows_quarantined: u64,
    /// 0-based positions of the rows set aside, ascending.
    pub quarantined: Vec<u64>,
    /// Accepted events that happened before their customer's first `signed_up_at`.
    pub events_before_sign_up: u64,
}

/// What validation found: counts of every table, an issue for every bad value, and findings about valid rows.
///
/// `Display` shows the counts, the first 20 issues and every finding with its number of rows and examples.
/// [`OnInvalid`](crate::OnInvalid) and [`Finding`] have examples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ValidationReport {
    /// Counts of each table that was given, in the order of [`RecordKind::ALL`].
    pub tables: Vec<(RecordKind, TableReport)>,
    /// Every bad value, ordered by table, then row.
    pub issues: Vec<ValidationIssue>,
    /// What is likely a mistake in rows that are valid, ordered by table, then code. Findings refuse nothing.
    pub findings: Vec<Finding>,
    /// Attributes of customers that do not enter features, each with the reason: the table does not say since when they
    /// are true (see [`StaticAttributes`](crate::StaticAttributes)), or a computed feature has their name.
    pub undated_attributes: Vec<(String, String)>,
}

impl ValidationReport {
    /// Counts of one table; `None` if it was not given.
    pub fn table(&self, kind: RecordKind) -> Option<&TableReport> {
        self.tables
            .iter()
            .find(|(table, _)| *table == kind)
            .map(|(_, report)| report)
    }

    /// Whether no row was refused or set aside. [`findings`](Self::findings) and
    /// [`undated_attributes`](Self::undated_attributes) are about valid rows and do not count.
    pub fn is_clean(&self) -> bool {
        self.issues.is_empty()
    }

    /// Adds the report of other rows of the same tables: counts are summed, issues and findings are joined and sorted.
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

    /// Puts findings in their order: table, code, column.
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
