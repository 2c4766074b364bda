//! Collecting what is wrong, row by row, table by table.

use std::sync::Arc;

use crate::error::{IssueCode, RecordKind, TableReport, ValidationIssue};
use crate::input::fields::{Field, Problem};
use crate::input::schema::columns_of;
use crate::input::table::{Column, Table};
use crate::record::{Customers, TenantId};

/// Rows read between two looks at the cancel token.
pub(crate) const CHECK_EVERY: usize = 8192;

/// The issues and counts of one table.
pub(crate) struct TableCheck {
    pub(crate) kind: RecordKind,
    pub(crate) report: TableReport,
    pub(crate) issues: Vec<ValidationIssue>,
}

impl TableCheck {
    pub(crate) fn new(kind: RecordKind, batches: &[Table]) -> Self {
        let rows_in = batches.iter().map(|batch| batch.rows() as u64).sum();
        Self {
            kind,
            report: TableReport {
                rows_in,
                ..TableReport::default()
            },
            issues: vec![],
        }
    }

    /// Reports required columns that no batch has; then every row is set aside and `false` is returned.
    pub(crate) fn has_required_columns(&mut self, batches: &[Table]) -> bool {
        if self.report.rows_in == 0 {
            return true;
        }
        let missing = columns_of(self.kind)
            .iter()
            .filter(|column| column.required && !batches.iter().any(|batch| batch.has_column(column.name)));
        for column in missing {
            let message = format!("the required column '{}' is missing", column.name);
            self.issues.push(ValidationIssue {
                table: self.kind,
                row: None,
                column: Some(column.name.into()),
                code: IssueCode::MissingColumn,
                message,
            });
        }
        if self.issues.is_empty() {
            return true;
        }
        self.report.quarantined = (0..self.report.rows_in).collect();
        false
    }

    /// Begins a row, by its position in what the caller gave.
    pub(crate) fn row(&mut self, position: u64) -> Row<'_> {
        Row {
            check: self,
            position,
            good: true,
        }
    }

    /// Sorts issues and sets aside the rows that have one; counts add up.
    pub(crate) fn finish(&mut self) {
        self.issues.sort_by_key(|issue| issue.row);
        self.report
            .quarantined
            .extend(self.issues.iter().filter_map(|issue| issue.row));
        self.report.quarantined.sort_unstable();
        self.report.quarantined.dedup();
        self.report.rows_quarantined = self.report.quarantined.len() as u64;
        self.report.rows_accepted = self.report.rows_in - self.report.rows_quarantined;
    }
}

/// One row under validation.
pub(crate) struct Row<'a> {
    check: &'a mut TableCheck,
    position: u64,
    good: bool,
}

impl Row<'_> {
    /// Reports something wrong with a column of this row.
    pub(crate) fn wrong(&mut self, column: &str, code: IssueCode, message: impl Into<String>) {
        self.good = false;
        let column: Option<Arc<str>> = Some(column.into());
        self.check.issues.push(ValidationIssue {
            table: self.check.kind,
            row: Some(self.position),
            column,
            code,
            message: message.into(),
        });
    }

    /// The value of an optional field; `None` if null or wrong.
    pub(crate) fn field<T>(&mut self, column: &str, field: Field<T>) -> Option<T> {
        match field {
            Ok(value) => value,
            Err(Problem { code, message }) => {
                self.wrong(column, code, message);
                None
            }
        }
    }

    /// The value of a required field; null is wrong.
    pub(crate) fn required<T>(&mut self, column: &str, field: Field<T>) -> Option<T> {
        if matches!(field, Ok(None)) {
            self.wrong(
                column,
                IssueCode::MissingValue,
                format!("'{column}' is required and has no value"),
            );
        }
        self.field(column, field)
    }

    /// Whether the row is of this tenant, where it says.
    pub(crate) fn tenant(&mut self, column: Option<&Column>, position: usize, tenant: &TenantId) {
        let Some(column) = column else { return };
        let given = self.required("tenant_id", crate::input::fields::id(column.cell(position)));
        if let Some(given) = given.filter(|given| *given != tenant.as_str()) {
            let message = format!(
                "the row is of tenant '{}', the container of '{tenant}'",
                crate::error::excerpt(&given)
            );
            self.wrong("tenant_id", IssueCode::WrongTenant, message);
        }
    }

    /// The code of an event's customer, if he is among the accepted ones.
    pub(crate) fn customer(&mut self, id: &str, customers: &Customers) -> Option<u32> {
        let code = customers.ids.position_in_sorted(id);
        if code.is_none() {
            self.wrong(
                "customer_id",
                IssueCode::UnknownCustomer,
                format!("there is no customer '{}'", crate::error::excerpt(id)),
            );
        }
        code.map(|code| code as u32)
    }

    /// Reports an end before its start.
    pub(crate) fn order(&mut self, column: &str, end: Option<i64>, start_name: &str, start: Option<i64>) {
        if end.zip(start).is_some_and(|(end, start)| end < start) {
            self.wrong(
                column,
                IssueCode::EndsBeforeStart,
                format!("'{column}' lies before '{start_name}'"),
            );
        }
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_good(&self) -> bool {
        self.good
    }
}
