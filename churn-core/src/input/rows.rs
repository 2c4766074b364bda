//! Typed rows, for hosts that have structs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::input::table::{Column, IntoTable, Table, Value};
use crate::time::Timestamp;

/// Extra columns of a typed row, by name.
pub type AttributeMap = BTreeMap<String, Value>;

impl Default for Timestamp {
    /// 1970-01-01.
    fn default() -> Self {
        Self::EPOCH
    }
}

/// Declares a typed row and how it becomes a table. A field that is `None` in every row is a column not given.
macro_rules! typed_row {
    ($(#[$doc:meta])* $name:ident { required { $($(#[$rdoc:meta])* $required:ident: $rtype:ty,)* } optional { $($(#[$odoc:meta])* $optional:ident: $otype:ty,)* } }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$rdoc])* pub $required: $rtype,)*
            $($(#[$odoc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $optional: Option<$otype>,)*
            /// Extra columns.
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
                for name in names {
                    // A typed field and an attribute of one name: the field wins, as it does when read by serde.
                    if !columns.iter().any(|(known, _)| known == name) {
                        columns.push((name.clone(), self.iter().map(|row| row.attributes.get(name).cloned().unwrap_or(Value::Null)).collect()));
                    }
                }
                columns.into_iter().fold(Table::new(), |table, (name, values)| table.clone().with_column(name, Column::Values(values)).unwrap_or(table))
            }
        }

        impl IntoTable for &[$name] {
            fn into_table(self) -> Table {
                self.to_vec().into_table()
            }
        }
    };
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
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
    /// A customer, or one version of him.
    Customer {
        required {
            /// Who.
            customer_id: String,
            /// When the spell began; a later one opens a new spell.
            signed_up_at: Timestamp,
        }
        optional {
            /// When the spell ended or will end.
            churned_at: Timestamp,
            /// When notice was given.
            notice_at: Timestamp,
            /// When the contract renews.
            renews_at: Timestamp,
            /// Since when this version is true.
            valid_from: Timestamp,
            /// When the row became known.
            known_at: Timestamp,
        }
    }
}

typed_row! {
    /// A payment.
    Payment {
        required {
            /// Whose.
            customer_id: String,
            /// When it was due.
            due_at: Timestamp,
            /// In major units.
            amount: f64,
        }
        optional {
            /// Which.
            payment_id: String,
            /// When it was paid or failed.
            settled_at: Timestamp,
            /// `paid`, `failed`, `pending` or `refunded`.
            status: String,
            /// When it was refunded.
            refunded_at: Timestamp,
            /// ISO 4217 code.
            currency: String,
            /// How it was paid.
            method: String,
            /// When the row became known.
            known_at: Timestamp,
        }
    }
}

typed_row! {
    /// A support ticket.
    Ticket {
        required {
            /// Whose.
            customer_id: String,
            /// When it was opened.
            opened_at: Timestamp,
        }
        optional {
            /// Which.
            ticket_id: String,
            /// When it was first answered.
            first_response_at: Timestamp,
            /// When it was resolved.
            resolved_at: Timestamp,
            /// When it was reopened.
            reopened_at: Timestamp,
            /// `low`, `normal`, `high` or `urgent`.
            priority: String,
            /// What it was about.
            category: String,
            /// How it came in.
            channel: String,
            /// 1 to 5.
            satisfaction: f64,
            /// When the satisfaction became known.
            satisfaction_at: Timestamp,
            /// When the row became known.
            known_at: Timestamp,
        }
    }
}

typed_row! {
    /// Something that a customer did.
    Activity {
        required {
            /// Whose.
            customer_id: String,
            /// When.
            at: Timestamp,
        }
        optional {
            /// Which.
            activity_id: String,
            /// What kind.
            kind: String,
            /// How much of it.
            quantity: f64,
            /// When the row became known.
            known_at: Timestamp,
        }
    }
}
