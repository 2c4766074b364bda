//! Validates one batch of a table by the rules of [`TenantRecords`] and returns typed columns. Programs that keep the
//! tables in their own database use this module.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, IssueCode, RecordKind, Result, ValidationIssue, ValidationReport};
use crate::input::builder::OnInvalid;
use crate::input::fields::{
    AttributeType, Field, Problem, attribute_bool, attribute_number, attribute_text, decimal, id, number, text,
    timestamp,
};
use crate::input::schema::{ColumnType, columns_of};
use crate::input::table::{Cell, Column, Table, Value};
use crate::record::{TenantId, TenantRecords};
use crate::time::Timestamp;

/// The values of one column of a [`CheckedBatch`], one for each accepted row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CheckedColumn {
    /// Ids and texts.
    Texts(Vec<Option<Arc<str>>>),
    /// Timestamps in microseconds since 1970-01-01 UTC.
    Timestamps(Vec<Option<i64>>),
    /// Finite numbers.
    Numbers(Vec<Option<f64>>),
    /// The values of a number attribute: [`Value::Int`], [`Value::UInt`], [`Value::Float`] or [`Value::Null`].
    NumberAttribute(Vec<Value>),
    /// The values of a text attribute: [`Value::Text`] or [`Value::Null`].
    TextAttribute(Vec<Value>),
    /// The values of a bool attribute: [`Value::Bool`] or [`Value::Null`].
    BoolAttribute(Vec<Value>),
}

/// The accepted rows of one batch as typed columns, and the report on the other rows. See [`Table::check`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CheckedBatch {
    /// The kind of table.
    pub kind: RecordKind,
    /// Number of accepted rows.
    pub n_rows: usize,
    /// The name and the values of each input column, in input order. The column `tenant_id` is left out.
    pub columns: Vec<(String, CheckedColumn)>,
    /// The rows that were not accepted, with the reasons.
    pub report: ValidationReport,
}

/// Issues that depend on rows of other batches. [`Table::check`] does not report them.
const LATER: [IssueCode; 4] = [
    IssueCode::DuplicateId,
    IssueCode::DuplicateVersion,
    IssueCode::UnknownCustomer,
    IssueCode::MixedCurrency,
];

impl Table {
    /// Validates the table as one batch of a tenant's records, by the rules of [`TenantRecords`], and returns typed
    /// columns. Conflicts with other batches (unknown customers, duplicates, mixed currencies) are not checked.
    ///
    /// An exact decimal `amount` that has more digits than an `f64` can store is reported as `out_of_range`.
    ///
    /// # Errors
    /// With [`OnInvalid::Refuse`], any issue causes an error that carries the whole report. A missing required column
    /// causes such an error with either value of `on_invalid`.
    ///
    /// ```
    /// use churn_core::{CheckedColumn, OnInvalid, RecordKind, Table, TenantId};
    ///
    /// let table = Table::from_csv(&b"customer_id,due_at,amount\nC-1,2024-02-01,9.9\nC-1,soon,1\n"[..])?;
    /// let batch = table.check(RecordKind::Payments, &TenantId::new("acme")?, OnInvalid::Quarantine)?;
    /// assert_eq!((batch.n_rows, batch.report.issues.len()), (1, 1));
    /// assert_eq!(batch.columns[2], ("amount".to_owned(), CheckedColumn::Numbers(vec![Some(9.9)])));
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    pub fn check(self, kind: RecordKind, tenant: &TenantId, on_invalid: OnInvalid) -> Result<CheckedBatch> {
        let table = self.with_known_names(kind);
        let builder = TenantRecords::builder(tenant.clone()).on_invalid(OnInvalid::Quarantine);
        let builder = match kind {
            RecordKind::Customers => builder.customers(table.clone()),
            // The check assumes that every customer id in the table belongs to an existing customer.
            _ => builder.customers(table.named_customers()?).table(kind, table.clone()),
        };
        let (_, mut report) = builder.build()?;
        report.undated_attributes.clear();
        // This function checks a single batch, but findings concern whole tables. They are dropped here, and reported
        // when `TenantRecords` are built from all batches.
        report.findings.clear();
        report.tables.retain(|(table, _)| *table == kind);
        report
            .issues
            .retain(|issue| issue.table == kind && !LATER.contains(&issue.code));
        report.issues.extend(table.inexact_amounts(kind));
        report.issues.sort_by_key(|issue| issue.row);
        // An issue without a row, such as a missing column, concerns the whole table.
        let whole = report.issues.iter().any(|issue| issue.row.is_none());
        if whole || (on_invalid == OnInvalid::Refuse && !report.issues.is_empty()) {
            return Err(Error::refused(report));
        }
        let bad: HashSet<u64> = report.issues.iter().filter_map(|issue| issue.row).collect();
        for (_, counts) in &mut report.tables {
            counts.quarantined = bad.iter().copied().collect();
            counts.quarantined.sort_unstable();
            counts.rows_quarantined = bad.len() as u64;
            counts.rows_accepted = counts.rows_in - counts.rows_quarantined;
        }
        let good: Vec<usize> = (0..table.n_rows())
            .filter(|&row| !bad.contains(&(row as u64)))
            .collect();
        let mut columns = vec![];
        for name in table.column_names().filter(|name| *name != "tenant_id") {
            columns.push((name.to_owned(), table.typed(kind, name, &good)?));
        }
        let n_rows = good.len();
        Ok(CheckedBatch {
            kind,
            n_rows,
            columns,
            report,
        })
    }

    /// Creates a customers table with one row for each customer id that occurs in this table.
    fn named_customers(&self) -> Result<Self> {
        let mut ids: HashSet<String> = HashSet::new();
        let mut buffer = String::new();
        for cell in self.cells("customer_id").into_iter().flatten() {
            if let Ok(Some(id)) = id(cell, &mut buffer)
                && !ids.contains(id)
            {
                ids.insert(id.to_owned());
            }
        }
        let count = ids.len();
        let ids = Column::Values(ids.into_iter().map(Value::Text).collect());
        let signed_up = Column::Timestamps(vec![Some(Timestamp::MIN.as_micros()); count]);
        Table::new()
            .with_column("customer_id", ids)?
            .with_column("signed_up_at", signed_up)
    }

    /// Returns an issue for each exact decimal amount that would change if it were stored as an `f64`.
    fn inexact_amounts(&self, kind: RecordKind) -> Vec<ValidationIssue> {
        let cells = self.cells("amount").filter(|_| kind == RecordKind::Payments);
        let inexact = cells
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(row, cell)| match cell {
                Cell::Decimal(value, scale) if !names_exactly(decimal(value, scale), value, scale) => Some(row as u64),
                _ => None,
            });
        let why = "the amount has more digits than can be stored";
        inexact
            .map(|row| ValidationIssue::new(kind, row, "amount", IssueCode::OutOfRange, why))
            .collect()
    }

    /// Returns the typed values of the column `name` in the rows `rows`. The values are read by the same functions
    /// that [`RecordsBuilder::build`](crate::RecordsBuilder::build) uses.
    fn typed(&self, kind: RecordKind, name: &str, rows: &[usize]) -> Result<CheckedColumn> {
        let Some(column) = self.column(name) else {
            return Err(Error::new(ErrorKind::Internal, "a column vanished"));
        };
        let cells = || rows.iter().map(|&row| (row, column.cell(self.position(row))));
        // The check accepted these rows, so an unreadable value is a bug and not a null.
        let read = |row: usize, problem: Problem| {
            Error::new(ErrorKind::Internal, problem.message).at(Some(kind), Some(row as u64), Some(name))
        };
        let mut buffer = String::new();
        let known = columns_of(kind).iter().find(|known| known.name == name);
        Ok(match known.map(|known| known.column_type) {
            Some(ColumnType::Timestamp) => {
                let values = cells().map(|(row, cell)| timestamp(cell).map_err(|e| read(row, e)));
                CheckedColumn::Timestamps(values.collect::<Result<_>>()?)
            }
            Some(ColumnType::Number) => {
                let values = cells().map(|(row, cell)| number(cell).map_err(|e| read(row, e)));
                CheckedColumn::Numbers(values.collect::<Result<_>>()?)
            }
            Some(of) => {
                // Equal texts share one allocation. Only the first 4096 distinct texts are shared. Most ids are
                // distinct, so a list of all ids would need more memory than sharing saves.
                let mut shared: HashSet<Arc<str>> = HashSet::new();
                let mut values = Vec::with_capacity(rows.len());
                for (row, cell) in cells() {
                    let found: Field<&str> = match of {
                        ColumnType::Id => id(cell, &mut buffer),
                        _ => text(cell, &mut buffer),
                    };
                    values.push(found.map_err(|e| read(row, e))?.map(|text| match shared.get(text) {
                        Some(known) => Arc::clone(known),
                        None => {
                            let own: Arc<str> = text.into();
                            if shared.len() < 4096 {
                                shared.insert(Arc::clone(&own));
                            }
                            own
                        }
                    }));
                }
                CheckedColumn::Texts(values)
            }
            None => match self.attribute_type(name) {
                AttributeType::Number => {
                    let values = cells().map(|(row, cell)| {
                        let number = attribute_number(cell).map_err(|e| read(row, e))?;
                        Ok(match (cell, number) {
                            (_, None) => Value::Null,
                            (Cell::Int(value), _) => Value::Int(value),
                            (Cell::UInt(value), _) => Value::UInt(value),
                            (_, Some(value)) => Value::Float(value),
                        })
                    });
                    CheckedColumn::NumberAttribute(values.collect::<Result<_>>()?)
                }
                AttributeType::Text => {
                    let values = cells().map(|(row, cell)| {
                        let found = attribute_text(cell, &mut buffer);
                        Ok(found
                            .map_err(|e| read(row, e))?
                            .map_or(Value::Null, |text| Value::Text(text.to_owned())))
                    });
                    CheckedColumn::TextAttribute(values.collect::<Result<_>>()?)
                }
                AttributeType::Bool => {
                    let values = cells().map(|(row, cell)| {
                        let found = attribute_bool(cell).map_err(|e| read(row, e))?;
                        Ok(found.map_or(Value::Null, |value| Value::Bool(value == 1)))
                    });
                    CheckedColumn::BoolAttribute(values.collect::<Result<_>>()?)
                }
            },
        })
    }

    /// The type of an attribute column; see [`AttributeType`].
    fn attribute_type(&self, name: &str) -> AttributeType {
        let mut from_file: Option<AttributeType> = None;
        for cell in self.cells(name).into_iter().flatten() {
            let Some(found) = AttributeType::of(cell) else { continue };
            if !matches!(cell, Cell::TextFile(_)) {
                return from_file.unwrap_or(found);
            }
            match from_file {
                _ if found == AttributeType::Text => return found,
                Some(before) if before != found => return AttributeType::Text,
                _ => from_file = Some(found),
            }
        }
        from_file.unwrap_or(AttributeType::Number)
    }
}

/// Whether `value` / 10^`scale` equals the shortest decimal number whose nearest `f64` is `number`.
fn names_exactly(number: f64, value: i128, scale: i8) -> bool {
    let shortest = format!("{:e}", number.abs());
    let Some((digits, exponent)) = shortest.split_once('e') else {
        return false;
    };
    let point = digits.find('.').map_or(0, |at| digits.len() - at - 1);
    let digits: String = digits.chars().filter(|c| *c != '.').collect();
    let Ok(exponent) = exponent.parse::<i32>() else {
        return false;
    };
    // Compares digits x 10^(exponent - point) with value x 10^-scale, both without trailing zeros.
    let bare = |digits: &str, exponent: i32| {
        let kept = digits.trim_end_matches('0');
        let dropped = (digits.len() - kept.len()) as i32;
        (kept.trim_start_matches('0').to_owned(), exponent + dropped)
    };
    let shortest = bare(&digits, exponent - point as i32);
    let given = bare(&value.unsigned_abs().to_string(), -i32::from(scale));
    shortest.0 == given.0 && (shortest.1 == given.1 || given.0.is_empty())
}

#[cfg(test)]
mod tests {
    use super::names_exactly;
    use crate::input::fields::decimal;

    #[test]
    fn decimals_that_a_number_names() {
        for (value, scale, exact) in [
            (0, 2, true),
            (1000, 2, true),
            (-1005, 3, true),
            (123_456_789_012_345, 2, true),
            (12, -3, true),
            // The exact decimal rounds to 1.00. The nearest `f64` is written as 1.005, which rounds to 1.01.
            (1_004_999_999_999_999_999_999, 21, false),
            (123_456_789_012_345_678_901, 2, false),
        ] {
            assert_eq!(
                names_exactly(decimal(value, scale), value, scale),
                exact,
                "{value}e-{scale}"
            );
        }
    }
}
