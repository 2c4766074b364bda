//! Collecting what is wrong with a table, and counting its rows.

use std::sync::Arc;

use crate::error::{IssueCode, RecordKind, TableReport, ValidationIssue};
use crate::input::schema::columns_of;

/// One bad value.
pub(crate) struct Found {
    /// Among all rows of the table.
    pub(crate) row: usize,
    pub(crate) column: ColumnNumber,
    pub(crate) code: IssueCode,
    pub(crate) message: String,
}

/// A column by its place in the report: known columns as in the dictionary, then attributes in column order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ColumnNumber(u32);

/// The issues of one table, and which of its rows have one.
pub(crate) struct TableCheck {
    kind: RecordKind,
    columns: Vec<Arc<str>>,
    missing: Vec<ColumnNumber>,
    found: Vec<Found>,
    bad: Vec<bool>,
}

impl TableCheck {
    pub(crate) fn new(kind: RecordKind, rows: usize) -> Self {
        Self {
            kind,
            columns: columns_of(kind).iter().map(|column| column.name.into()).collect(),
            missing: vec![],
            found: vec![],
            bad: vec![false; rows],
        }
    }

    /// The number of a column, given now if it has none.
    pub(crate) fn column(&mut self, name: &str) -> ColumnNumber {
        let known = self.columns.iter().position(|known| &**known == name);
        let number = known.unwrap_or_else(|| {
            self.columns.push(name.into());
            self.columns.len() - 1
        });
        ColumnNumber(number as u32)
    }

    /// A required column that is not there: no row can be accepted.
    pub(crate) fn missing_column(&mut self, name: &str) {
        let number = self.column(name);
        self.missing.push(number);
        self.bad.fill(true);
    }

    /// Takes bad values.
    pub(crate) fn add(&mut self, found: impl IntoIterator<Item = Found>) {
        for found in found {
            self.bad[found.row] = true;
            self.found.push(found);
        }
    }

    /// For every row whether something is wrong with it, so far.
    pub(crate) fn bad(&self) -> &[bool] {
        &self.bad
    }

    /// Counts and issues, ordered by row and column; `given` is where a row stood in what the caller gave.
    pub(crate) fn finish(mut self, given: impl Fn(usize) -> u64) -> Checked {
        let quarantined: Vec<u64> = (0..self.bad.len()).filter(|&row| self.bad[row]).map(&given).collect();
        self.found.sort_by_key(|found| (found.row, found.column));
        let columns = self.columns;
        let missing = self.missing.into_iter().map(|column| ValidationIssue {
            table: self.kind,
            row: None,
            column: columns.get(column.0 as usize).cloned(),
            code: IssueCode::MissingColumn,
            message: "the required column is missing".to_owned(),
        });
        let found = self.found.into_iter().map(|found| ValidationIssue {
            table: self.kind,
            row: Some(given(found.row)),
            column: columns.get(found.column.0 as usize).cloned(),
            code: found.code,
            message: found.message,
        });
        let rows_in = self.bad.len() as u64;
        let rows_quarantined = quarantined.len() as u64;
        Checked {
            kind: self.kind,
            issues: missing.chain(found).collect(),
            report: TableReport {
                rows_in,
                rows_accepted: rows_in - rows_quarantined,
                rows_quarantined,
                quarantined,
                events_before_sign_up: 0,
            },
        }
    }
}

/// What was found in one table.
pub(crate) struct Checked {
    pub(crate) kind: RecordKind,
    pub(crate) report: TableReport,
    pub(crate) issues: Vec<ValidationIssue>,
}
