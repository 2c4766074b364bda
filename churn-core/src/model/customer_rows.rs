//! The rows of one customer, for scoring that customer alone.

use crate::error::{Error, ErrorKind, RecordKind, Result};
use crate::input::{IntoTable, RecordsBuilder, Table};
use crate::parallel::Execution;
use crate::record::{TenantId, TenantRecords};

/// The rows of one customer, for [`ChurnModel::score_customer`](crate::ChurnModel::score_customer). Event rows without
/// a `customer_id`, or with a null one, belong to the customer.
///
/// A column that none of the rows has counts as not given, as in every other input. A pending payment therefore needs
/// either the status `pending` or the column `settled_at` (with a null, in a [`Table`]). A single
/// [`Payment`](crate::Payment) whose `settled_at` is `None` counts as paid.
///
/// ```
/// use churn_core::{CustomerRows, Table};
///
/// let rows = CustomerRows::new(Table::from_json(br#"[{"customer_id": "C-17", "signed_up_at": "2024-01-01"}]"#)?)
///     .payments(Table::from_json(br#"[{"due_at": "2024-02-01", "amount": 12.5}]"#)?)
///     .activities(Table::new());
/// # let _ = rows;
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CustomerRows {
    /// The tables in the order of [`RecordKind::ALL`].
    tables: [Option<Table>; 4],
}

impl CustomerRows {
    /// Creates the rows of a customer from the customer's part of the customers table: `[Customer::new(..)]` or a
    /// table. It has several rows if the customer has several versions or spells.
    pub fn new(customer: impl IntoTable) -> Self {
        Self {
            tables: [
                Some(customer.into_table().with_known_names(RecordKind::Customers)),
                None,
                None,
                None,
            ],
        }
    }

    /// Sets the customer's payments. Passing an empty table is not the same as passing no table.
    #[must_use]
    pub fn payments(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Payments, rows)
    }

    /// Sets the customer's tickets.
    #[must_use]
    pub fn tickets(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Tickets, rows)
    }

    /// Sets the customer's activities.
    #[must_use]
    pub fn activities(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Activities, rows)
    }

    /// Sets the customer's rows of one kind, replacing earlier ones.
    #[must_use]
    pub fn table(mut self, kind: RecordKind, rows: impl IntoTable) -> Self {
        self.tables[kind as usize] = Some(rows.into_table().with_known_names(kind));
        self
    }

    /// The records of a tenant that has only this customer.
    pub(crate) fn into_records(self, tenant: Option<&TenantId>) -> Result<TenantRecords> {
        let customer = self.tables[0].as_ref().filter(|table| table.n_rows() > 0);
        let customer = customer.ok_or_else(|| {
            Error::new(ErrorKind::InvalidOption, "the customer has no row").at(Some(RecordKind::Customers), None, None)
        })?;
        let id = customer.text_at("customer_id", 0);
        // Starting threads would take longer than the work.
        let tenant = tenant.cloned().unwrap_or_else(TenantId::unnamed);
        let mut builder = RecordsBuilder::of(Some(tenant)).execution(Execution::new().threads(1));
        for (kind, table) in RecordKind::ALL.into_iter().zip(self.tables) {
            let Some(mut table) = table else { continue };
            if let (Some(id), true) = (&id, kind != RecordKind::Customers && table.n_rows() > 0) {
                table = table.with_ids("customer_id", id)?;
            }
            builder = builder.table(kind, table);
        }
        let (records, _) = builder.build()?;
        if records.n_customers() != 1 {
            return Err(Error::new(
                ErrorKind::InvalidOption,
                format!("one customer was expected, but {} were given", records.n_customers()),
            )
            .at(Some(RecordKind::Customers), None, Some("customer_id")));
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_without_a_customer_id_belong_to_the_customer() {
        let table = |text: &str| Table::from_json(text.as_bytes()).unwrap();
        let rows = CustomerRows::new(table(r#"[{"customer_id": 17, "signed_up_at": "2024-01-01"}]"#))
            .payments(table(
                r#"[{"customer_id": null, "due_at": "2024-02-01", "amount": 1}, {"customer_id": "17", "due_at": "2024-02-01", "amount": 2}]"#,
            ))
            .activities(table(r#"[{"at": "2024-02-01"}]"#))
            .tickets(Table::new());
        let records = rows.into_records(None).unwrap();
        let rows = RecordKind::ALL.map(|kind| records.n_rows(kind));
        assert_eq!(rows, [Some(1), Some(2), Some(0), Some(1)]);
        let another = CustomerRows::new(table(r#"[{"customer_id": 17, "signed_up_at": "2024-01-01"}]"#))
            .payments(table(r#"[{"customer_id": 18, "due_at": "2024-02-01", "amount": 1}]"#));
        assert_eq!(another.into_records(None).unwrap_err().code(), "unknown_customer");
    }
}
