//! Collects the issues of a table and counts its rows.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Finding, FindingCode, IssueCode, RecordKind, Result, TableReport, ValidationIssue};
use crate::input::reader::PIECE;
use crate::input::schema::columns_of;
use crate::parallel::Workers;

/// One invalid value: its row, its column and what is wrong with it.
pub(crate) struct Found {
    /// The position of the row among all rows of the table.
    pub(crate) row: usize,
    pub(crate) column: ColumnNumber,
    pub(crate) code: IssueCode,
    pub(crate) message: String,
}

/// The position of a column in the report. Known columns come first, in the order of [`columns_of`]. Attributes follow,
/// in the order in which they were first read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ColumnNumber(u32);

/// Collects the issues of one table and marks the rows that have issues.
pub(crate) struct TableCheck {
    kind: RecordKind,
    columns: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    /// Issues that concern the table as a whole, not a single row.
    whole: Vec<(ColumnNumber, IssueCode, String)>,
    /// Columns that have no value in any row.
    empty: Vec<Arc<str>>,
    found: Vec<Found>,
    bad: Vec<bool>,
}

impl TableCheck {
    pub(crate) fn new(kind: RecordKind, rows: usize) -> Self {
        let columns: Vec<Arc<str>> = columns_of(kind).iter().map(|column| column.name.into()).collect();
        Self {
            kind,
            numbers: columns.iter().cloned().zip(0..).collect(),
            columns,
            whole: vec![],
            empty: vec![],
            found: vec![],
            bad: vec![false; rows],
        }
    }

    /// Returns the position of a column in the report. If the column has no position yet, it gets the next free
    /// position.
    pub(crate) fn column(&mut self, name: &str) -> ColumnNumber {
        if let Some(&number) = self.numbers.get(name) {
            return ColumnNumber(number);
        }
        let (number, name): (u32, Arc<str>) = (self.columns.len() as u32, name.into());
        self.columns.push(name.clone());
        self.numbers.insert(name, number);
        ColumnNumber(number)
    }

    /// Adds an issue that concerns a whole column. The issue makes all rows of the table invalid.
    pub(crate) fn whole_column(&mut self, name: &str, code: IssueCode, message: String) {
        let number = self.column(name);
        self.whole.push((number, code, message));
        self.bad.fill(true);
    }

    /// Marks a column as empty: the column has no value in any row.
    pub(crate) fn empty_column(&mut self, name: &str) {
        self.empty.push(name.into());
    }

    /// Adds invalid values.
    pub(crate) fn add(&mut self, found: impl IntoIterator<Item = Found>) {
        for found in found {
            self.bad[found.row] = true;
            self.found.push(found);
        }
    }

    /// For each row, whether any issue has been added for the row so far.
    pub(crate) fn bad(&self) -> &[bool] {
        &self.bad
    }

    /// Returns the row counts of the table and its issues, which are sorted by row and column. `given` maps a row to
    /// its position in the input.
    ///
    /// # Errors
    /// Returns `cancelled` if the call was cancelled.
    pub(crate) fn finish(mut self, given: impl Fn(usize) -> u64 + Sync, workers: &Workers) -> Result<Checked> {
        let quarantined = workers.map_chunks(self.bad.len(), PIECE, |rows| {
            Ok(rows.filter(|&row| self.bad[row]).map(&given).collect::<Vec<u64>>())
        })?;
        let quarantined = quarantined.concat();
        let mut order: Vec<(usize, ColumnNumber, usize)> = vec![];
        order.extend(
            self.found
                .iter()
                .enumerate()
                .map(|(at, found)| (found.row, found.column, at)),
        );
        workers.sort_by_key(&mut order, |&place| place)?;
        let columns = self.columns;
        let whole = self.whole.into_iter().map(|(column, code, message)| ValidationIssue {
            table: self.kind,
            row: None,
            column: columns.get(column.0 as usize).cloned(),
            code,
            message,
        });
        let mut issues: Vec<ValidationIssue> = whole.collect();
        for (number, &(row, column, at)) in order.iter().enumerate() {
            if number % PIECE == 0 {
                workers.check()?;
            }
            let found = &mut self.found[at];
            issues.push(ValidationIssue {
                table: self.kind,
                row: Some(given(row)),
                column: columns.get(column.0 as usize).cloned(),
                code: found.code,
                message: std::mem::take(&mut found.message),
            });
        }
        let rows_in = self.bad.len() as u64;
        let rows_quarantined = quarantined.len() as u64;
        Ok(Checked {
            kind: self.kind,
            issues,
            findings: self
                .empty
                .iter()
                .map(|column| empty_column(self.kind, column, rows_in))
                .collect(),
            report: TableReport {
                rows_in,
                rows_accepted: rows_in - rows_quarantined,
                rows_quarantined,
                quarantined,
                events_before_sign_up: 0,
            },
        })
    }
}

/// The result of checking one table.
pub(crate) struct Checked {
    pub(crate) kind: RecordKind,
    pub(crate) report: TableReport,
    pub(crate) issues: Vec<ValidationIssue>,
    pub(crate) findings: Vec<Finding>,
}

fn empty_column(kind: RecordKind, column: &str, rows: u64) -> Finding {
    let message = "no row has a value: remove the column, or find out where its values are lost";
    Finding::new(FindingCode::EmptyColumn, kind, Some(column), rows, vec![], message)
}
