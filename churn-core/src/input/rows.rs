//! Typed rows, for hosts that have structs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::input::table::{Column, IntoTable, Table, Value};
use crate::time::Timestamp;

/// Extra columns of a typed row, by name: `[("seats".to_owned(), 3.into())].into()`.
pub type AttributeMap = BTreeMap<String, Value>;

impl Default for Timestamp {
    /// 1970-01-01.
    fn default() -> Self {
        Self::EPOCH
    }
}

/// Declares a typed row and how it becomes a table.
macro_rules! typed_row {
    ($(#[$doc:meta])* $name:ident { required { $($(#[$rdoc:meta])* $required:ident: $rtype:ty,)* } optional { $($(#[$odoc:meta])* $optional:ident: $otype:ty,)* } }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$rdoc])* pub $required: $rtype,)*
            $($(#[$odoc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $optional: Option<$otype>,)*
            /// Extra columns: numbers, texts or bools.
            #[serde(flatten)]
            pub attributes: AttributeMap,
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
                    // A typed field and an attribute of one name: the field wins, as it does when read by serde.
                    if !columns[..typed].iter().any(|(known, _)| known == name) {
                        columns.push((name.clone(), self.iter().map(|row| row.attributes.get(name).cloned().unwrap_or(Value::Null)).collect()));
                    }
                }
                Table::of_columns(rows, columns.into_iter().map(|(name, values)| (name, Column::Values(values))))
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
    /// A customer, or one version of a customer.
    ///
    /// One row per customer is enough. Rows of one id with another `valid_from` are versions, rows with a later
    /// `signed_up_at` are spells: the customer left and came back. A field that is `None` in every row is a column not given.
    ///
    /// ```
    /// use churn_core::{Customer, TenantRecords};
    ///
    /// let customer = Customer {
    ///     customer_id: "C-1".into(),
    ///     signed_up_at: "2024-01-01".parse()?,
    ///     attributes: [("plan".to_owned(), "pro".into()), ("seats".to_owned(), 3.into())].into(),
    ///     ..Customer::default()
    /// };
    /// let (records, _) = TenantRecords::builder("acme").customers([customer]).build()?;
    /// assert_eq!(records.customers(), 1);
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    Customer {
        required {
            /// Who. Not empty.
            customer_id: String,
            /// When the spell began; a later one opens a new spell.
            signed_up_at: Timestamp,
        }
        optional {
            /// When the spell ended or will end; `None` while that is not known.
            churned_at: Timestamp,
            /// When notice was given. From then on the customer is not eligible where cancellation is predicted.
            notice_at: Timestamp,
            /// When the contract renews.
            renews_at: Timestamp,
            /// Since when this version is true; `None`: since sign-up. Without it in any row attributes are undated: see
            /// [`StaticAttributes`](crate::StaticAttributes).
            valid_from: Timestamp,
            /// When the row became known; hidden until then. `None`: known always.
            known_at: Timestamp,
        }
    }
}

typed_row! {
    /// A payment: what was due, and how it ended.
    ///
    /// A field that is `None` in every row is a column not given, which for `settled_at` makes a difference. Given in no
    /// row: a payment settled when it was due, unless its status is `pending`. Given in some: a payment without one is not
    /// settled yet, whatever its status says. Who knows a payment to be open does best to give the status `pending`.
    Payment {
        required {
            /// Whose: the id of a customer that is in the customers table.
            customer_id: String,
            /// When it was due.
            due_at: Timestamp,
            /// In major units (12.34), finite; zero and negative amounts are valid.
            amount: f64,
        }
        optional {
            /// Which. Rows of one id with another `known_at` are versions; of rows without an id each is its own.
            payment_id: String,
            /// When it was paid or failed; `None`: see above.
            settled_at: Timestamp,
            /// `paid`, `failed`, `pending` or `refunded`; `None`: paid, once it is settled.
            status: String,
            /// When it was refunded; `None` for one of status `refunded`: when it was settled.
            refunded_at: Timestamp,
            /// ISO 4217 code; `None`: the tenant's currency.
            currency: String,
            /// How it was paid.
            method: String,
            /// When the row became known; hidden until then. `None`: known always.
            known_at: Timestamp,
        }
    }
}

typed_row! {
    /// A support ticket.
    Ticket {
        required {
            /// Whose: the id of a customer that is in the customers table.
            customer_id: String,
            /// When it was opened.
            opened_at: Timestamp,
        }
        optional {
            /// Which. Rows of one id with another `known_at` are versions; of rows without an id each is its own.
            ticket_id: String,
            /// When it was first answered; `None`: not yet.
            first_response_at: Timestamp,
            /// When it was resolved; `None`: not yet.
            resolved_at: Timestamp,
            /// When it was reopened.
            reopened_at: Timestamp,
            /// `low`, `normal`, `high` or `urgent`; `None`: normal.
            priority: String,
            /// What it was about.
            category: String,
            /// How it came in.
            channel: String,
            /// 1 to 5; `None`: not rated.
            satisfaction: f64,
            /// When the satisfaction became known; `None`: when the ticket was resolved.
            satisfaction_at: Timestamp,
            /// When the row became known; hidden until then. `None`: known always.
            known_at: Timestamp,
        }
    }
}

typed_row! {
    /// Something that a customer did.
    Activity {
        required {
            /// Whose: the id of a customer that is in the customers table.
            customer_id: String,
            /// When.
            at: Timestamp,
        }
        optional {
            /// Which. Rows of one id with another `known_at` are versions; of rows without an id each is its own.
            activity_id: String,
            /// What kind: `login`, `export`. `None` is a kind of its own.
            kind: String,
            /// How much of it, in any unit, finite; `None`: 1.
            quantity: f64,
            /// When the row became known; hidden until then. `None`: known always.
            known_at: Timestamp,
        }
    }
}
