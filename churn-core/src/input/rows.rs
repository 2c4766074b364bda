//! Typed rows: Rust structs for the rows of each kind of record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::input::table::{Column, IntoTable, Table, Value};
use crate::time::Timestamp;

/// The extra columns of a typed row. Maps the name of each extra column to its value in the row. Example:
/// `[("seats".to_owned(), 3.into())].into()`.
pub type AttributeMap = BTreeMap<String, Value>;

/// Declares the struct of a typed row and its conversion to a table.
macro_rules! typed_row {
    ($(#[$doc:meta])* $name:ident { required { $($(#[$rdoc:meta])* $required:ident: $rtype:ty = $argument:ty,)* } optional { $($(#[$odoc:meta])* $with:ident($optional:ident: $otype:ty),)* } }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$rdoc])* pub $required: $rtype,)*
            $($(#[$odoc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $optional: Option<$otype>,)*
            /// The values of extra columns, by column name. A value is a number, a text or a bool.
            #[serde(flatten)]
            pub attributes: AttributeMap,
        }

        impl $name {
            /// Creates a row from the values of its required columns.
            pub fn new($($required: $argument),*) -> Self {
                Self {
                    $($required: $required.into(),)*
                    $($optional: None,)*
                    attributes: AttributeMap::new(),
                }
            }

            $(
                #[doc = concat!("Sets [`", stringify!($optional), "`](Self::", stringify!($optional), ").")]
                #[must_use]
                pub fn $with(mut self, $optional: impl Into<$otype>) -> Self {
                    self.$optional = Some($optional.into());
                    self
                }
            )*

            /// Adds the value of an extra column.
            #[must_use]
            pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
                self.attributes.insert(name.into(), value.into());
                self
            }
        }

        impl IntoTable for Vec<$name> {
            fn into_table(self) -> Table {
                let rows = self.len();
                if rows == 0 {
                    return Table::new();
                }
                let mut columns: Vec<(String, Vec<Value>)> = vec![];
                $(columns.push((stringify!($required).to_owned(), self.iter().map(|row| Value::from(row.$required.clone())).collect()));)*
                $(if self.iter().any(|row| row.$optional.is_some()) {
                    columns.push((stringify!($optional).to_owned(), self.iter().map(|row| row.$optional.clone().map_or(Value::Null, Value::from)).collect()));
                })*
                let names: std::collections::BTreeSet<&String> = self.iter().flat_map(|row| row.attributes.keys()).collect();
                let typed = columns.len();
                for name in names {
                    // If a typed field and an attribute have the same name, the value of the field is used. Serde
                    // resolves the conflict in the same way when it reads a row.
                    if !columns[..typed].iter().any(|(known, _)| known == name) {
                        columns.push((name.clone(), self.iter().map(|row| row.attributes.get(name).cloned().unwrap_or(Value::Null)).collect()));
                    }
                }
                Table::of_columns(rows, columns.into_iter().map(|(name, values)| (name, Column::Values(values).into())))
            }
        }

        impl IntoTable for &[$name] {
            fn into_table(self) -> Table {
                self.to_vec().into_table()
            }
        }

        impl<const N: usize> IntoTable for [$name; N] {
            fn into_table(self) -> Table {
                Vec::from(self).into_table()
            }
        }
    };
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Timestamp(value.as_micros())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

typed_row! {
    /// A customer, or one version of a customer. A version states what is true of the customer from a point in time on.
    ///
    /// One row per customer is sufficient. If several rows have the same id and different `valid_from`, they are
    /// versions of the customer. A spell is an uninterrupted period as a customer. If the customer left and came back,
    /// a row with a later `signed_up_at` begins the next spell. If a field is `None` in every row, the column of this
    /// field counts as not given.
    ///
    /// ```
    /// use churn_core::{Customer, TenantRecords};
    ///
    /// let customer = Customer::new("C-1", "2024-01-01".parse()?).with_attribute("plan", "pro").with_attribute("seats", 3);
    /// let (records, _) = TenantRecords::builder("acme").customers([customer]).build()?;
    /// assert_eq!(records.n_customers(), 1);
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    Customer {
        required {
            /// The id of the customer. It must not be empty.
            customer_id: String = impl Into<String>,
            /// The start of the spell (the uninterrupted period as a customer). A row of the same customer with a later
            /// `signed_up_at` begins a new spell.
            signed_up_at: Timestamp = Timestamp,
        }
        optional {
            /// The end of the spell (the uninterrupted period as a customer); `None` if it is not known. The end may be
            /// in the future.
            with_churned_at(churned_at: Timestamp),
            /// The time at which the customer gave notice. After this time, the customer is not eligible for a score if
            /// churn is defined by cancellation.
            with_notice_at(notice_at: Timestamp),
            /// The renewal date of the contract.
            with_renews_at(renews_at: Timestamp),
            /// The time since which the values of this row are true. `None` means that the values are true from
            /// `signed_up_at` on. If `valid_from` is `None` in all rows, attributes are undated; see
            /// [`StaticAttributes`](crate::StaticAttributes).
            with_valid_from(valid_from: Timestamp),
            /// The time at which the row became known. Only predictions whose `as_of` is later use the row. `None`
            /// means that the row was always known.
            with_known_at(known_at: Timestamp),
        }
    }
}

typed_row! {
    /// A payment: the amount due, and how it was settled.
    ///
    /// If a field is `None` in every row, the column of this field counts as not given. The meaning of a missing
    /// `settled_at` depends on the other rows. If no row has a `settled_at`, each payment counts as settled on its due
    /// date, unless its status is `pending`. If any row has a `settled_at`, a payment without a `settled_at` counts as
    /// not settled, regardless of its status. Set the status `pending` for payments that are known to be open.
    Payment {
        required {
            /// The id of the customer, as in the customers table.
            customer_id: String = impl Into<String>,
            /// The due date.
            due_at: Timestamp = Timestamp,
            /// The amount in major units (12.34), a finite number. Zero and negative amounts are valid.
            amount: f64 = f64,
        }
        optional {
            /// The id of the payment. Rows with the same id and different `known_at` are versions of one payment. A row
            /// without an id is a separate payment.
            with_payment_id(payment_id: String),
            /// The time at which the payment was paid or failed. [`Payment`] explains what `None` means.
            with_settled_at(settled_at: Timestamp),
            /// The status: `paid`, `failed`, `pending` or `refunded`. `None` means `paid` if the payment is settled.
            with_status(status: String),
            /// The time of the refund. If this time is `None` and the status is `refunded`, the payment counts as
            /// refunded at its settlement time.
            with_refunded_at(refunded_at: Timestamp),
            /// The ISO 4217 currency code; `None` means the tenant's currency.
            with_currency(currency: String),
            /// The payment method.
            with_method(method: String),
            /// The time at which the row became known. Only predictions whose `as_of` is later use the row. `None`
            /// means that the row was always known.
            with_known_at(known_at: Timestamp),
        }
    }
}

typed_row! {
    /// A support ticket.
    Ticket {
        required {
            /// The id of the customer, as in the customers table.
            customer_id: String = impl Into<String>,
            /// The time at which the ticket was opened.
            opened_at: Timestamp = Timestamp,
        }
        optional {
            /// The id of the ticket. Rows with the same id and different `known_at` are versions of one ticket. A row
            /// without an id is a separate ticket.
            with_ticket_id(ticket_id: String),
            /// The time of the first response; `None` if there was no response yet.
            with_first_response_at(first_response_at: Timestamp),
            /// The time at which the ticket was resolved; `None` if it is not resolved.
            with_resolved_at(resolved_at: Timestamp),
            /// The time at which the ticket was reopened; `None` if it was not reopened.
            with_reopened_at(reopened_at: Timestamp),
            /// The priority: `low`, `normal`, `high` or `urgent`. `None` means `normal`.
            with_priority(priority: String),
            /// The category of the ticket.
            with_category(category: String),
            /// The channel through which the ticket was opened.
            with_channel(channel: String),
            /// The customer's satisfaction rating of the ticket, from 1 to 5; `None` if the ticket was not rated.
            with_satisfaction(satisfaction: f64),
            /// The time at which the satisfaction rating became known; `None` means the time at which the ticket was
            /// resolved.
            with_satisfaction_at(satisfaction_at: Timestamp),
            /// The time at which the row became known. Only predictions whose `as_of` is later use the row. `None`
            /// means that the row was always known.
            with_known_at(known_at: Timestamp),
        }
    }
}

typed_row! {
    /// An activity of a customer.
    Activity {
        required {
            /// The id of the customer, as in the customers table.
            customer_id: String = impl Into<String>,
            /// The time of the activity.
            at: Timestamp = Timestamp,
        }
        optional {
            /// The id of the activity. Rows with the same id and different `known_at` are versions of one activity. A
            /// row without an id is a separate activity.
            with_activity_id(activity_id: String),
            /// The kind of activity, such as `login` or `export`. Activities without a kind count as one separate kind.
            with_kind(kind: String),
            /// The quantity: a finite number in any unit. `None` means 1.
            with_quantity(quantity: f64),
            /// The time at which the row became known. Only predictions whose `as_of` is later use the row. `None`
            /// means that the row was always known.
            with_known_at(known_at: Timestamp),
        }
    }
}
