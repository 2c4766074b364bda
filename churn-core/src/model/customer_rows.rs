//! The rows of one customer, for scoring that customer alone.

use crate::error::{Error, ErrorKind, Finding, RecordKind, Result};
use crate::input::{IntoTable, RecordsBuilder, Table};
use crate::parallel::Execution;
use crate::record::{TenantId, TenantRecords};

/// The rows of one customer, for [`ChurnModel::score_customer`](crate::ChurnModel::score_customer). Event rows without
/// a `customer_id`, or with a null `customer_id`, belong to this customer.
///
/// As in every other input, a column counts as not given if none of the rows has the column. A
/// [`Payment`](crate::Payment) whose `settled_at` is `None` does not have the column `settled_at`. If this is the only
/// payment, the column is therefore not given, and the payment counts as paid. To pass a pending payment, set its
/// status to `pending`, or pass a [`Table`] in which the column `settled_at` is null.
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
    /// Creates the rows of a customer. `customer` contains the customer's rows of the customers table, either as
    /// `[Customer::new(..)]` or as a table. There are several rows if the customer has several versions (states with
    /// different validity dates) or several spells (periods from a sign-up to the following cancellation).
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

    /// Sets the customer's payments. An empty table means that the customer has no payments. Without this call, the
    /// payments table counts as not given.
    #[must_use]
    pub fn payments(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Payments, rows)
    }

    /// Sets the customer's tickets. An empty table means that the customer has no tickets.
    #[must_use]
    pub fn tickets(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Tickets, rows)
    }

    /// Sets the customer's activities. An empty table means that the customer has no activities.
    #[must_use]
    pub fn activities(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Activities, rows)
    }

    /// Sets the customer's rows of one kind. These rows replace rows of the same kind that were set before.
    #[must_use]
    pub fn table(mut self, kind: RecordKind, rows: impl IntoTable) -> Self {
        self.tables[kind as usize] = Some(rows.into_table().with_known_names(kind));
        self
    }

    /// Returns the records of a tenant that has only this customer. `currency` is the code of the currency of all
    /// amounts; `None` if the currency is not known.
    pub(crate) fn into_records(
        self,
        tenant: Option<&TenantId>,
        currency: Option<&str>,
    ) -> Result<(TenantRecords, Vec<Finding>)> {
        let customer = self.tables[0].as_ref().filter(|table| table.n_rows() > 0);
        let customer = customer.ok_or_else(|| {
            Error::new(ErrorKind::InvalidOption, "the customer has no row").at(Some(RecordKind::Customers), None, None)
        })?;
        let id = customer.text_at("customer_id", 0);
        // A single thread is used, because the rows of one customer are read faster than threads are started.
        let tenant = tenant.cloned().unwrap_or_else(TenantId::unnamed);
        let mut builder = RecordsBuilder::of(Some(tenant)).execution(Execution::new().threads(1));
        if let Some(currency) = currency {
            builder = builder.currency(currency);
        }
        for (kind, table) in RecordKind::ALL.into_iter().zip(self.tables) {
            let Some(mut table) = table else { continue };
            if let (Some(id), true) = (&id, kind != RecordKind::Customers && table.n_rows() > 0) {
                table = table.with_ids("customer_id", id)?;
            }
            builder = builder.table(kind, table);
        }
        let (records, report) = builder.build()?;
        if records.n_customers() != 1 {
            return Err(Error::new(
                ErrorKind::InvalidOption,
                format!("one customer was expected, but {} were given", records.n_customers()),
            )
            .at(Some(RecordKind::Customers), None, Some("customer_id")));
        }
        Ok((records, report.findings))
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
        let (records, _) = rows.into_records(None, None).unwrap();
        let rows = RecordKind::ALL.map(|kind| records.n_rows(kind));
        assert_eq!(rows, [Some(1), Some(2), Some(0), Some(1)]);
        let another = CustomerRows::new(table(r#"[{"customer_id": 17, "signed_up_at": "2024-01-01"}]"#))
            .payments(table(r#"[{"customer_id": 18, "due_at": "2024-02-01", "amount": 1}]"#));
        assert_eq!(another.into_records(None, None).unwrap_err().code(), "unknown_customer");
    }
}
