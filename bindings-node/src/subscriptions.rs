//! Conversion of a table of subscriptions to a table of customers.

use churn_core::{RecordKind, Table, columns_of, subscriptions_to_customers};
use napi::Result;
use napi::bindgen_prelude::{Buffer, JsValue, Object, Unknown};
use napi_derive::napi;

use crate::error::{bad_type, raise, to_json, unreadable};
use crate::matrix::ipc_of;
use crate::options;
use crate::records::{Source, camel_case, ipc, objects};
use crate::values::{Written, written};

/// A column of the customers table.
#[napi(object, object_from_js = false)]
pub struct CustomerColumn {
    /// The name of the column in camelCase.
    pub name: String,
    /// The values of the column.
    #[napi(ts_type = "Array<boolean | number | bigint | string | null>")]
    pub values: Vec<Written>,
}

/// The customers that were computed from subscriptions. If the subscriptions were given as Arrow, the customers are
/// returned as an Arrow IPC file. Otherwise, they are returned as columns.
#[napi(object, object_from_js = false)]
pub struct SubscriptionCustomers {
    /// The customers as columns; null if they are returned as an Arrow IPC file.
    pub columns: Option<Vec<CustomerColumn>>,
    /// The customers as an Arrow IPC file; null if they are returned as columns.
    pub arrow: Option<Buffer>,
    /// The findings, which describe likely mistakes in the subscriptions, as JSON.
    pub findings: String,
}

/// Reads the table of the kind `source`. The second value of the result is true if the table was given as Arrow bytes,
/// and false if it was given as objects.
fn table(given: &Object<'_>, source: Source) -> Result<Option<(Table, bool)>> {
    let bytes = match given.get::<Unknown<'_>>(source.as_str())? {
        Some(value) => value.is_typedarray()?,
        None => false,
    };
    let table = if bytes {
        ipc(given, source)?
    } else {
        objects(given, source)?
    };
    Ok(table.map(|table| (table, bytes)))
}

/// Converts an object with the properties `subscriptions`, `customers` and `staticAttributes` to the table of
/// customers.
#[napi(js_name = "subscriptionsToCustomers", catch_unwind)]
pub fn customers_of(given: Object<'_>) -> Result<SubscriptionCustomers> {
    let Some((subscriptions, bytes)) = table(&given, Source::Subscriptions)? else {
        return Err(unreadable(None, None, None, "subscriptions are required"));
    };
    let joined = table(&given, RecordKind::Customers.into())?.map(|(table, _)| table);
    let (customers, findings) =
        subscriptions_to_customers(subscriptions, joined, &options::trusted(&given)?).map_err(raise)?;
    let findings = to_json(&findings)?;
    let (columns, arrow) = if bytes {
        let batch = customers.to_record_batch().map_err(raise)?;
        (None, Some(ipc_of(&batch)?))
    } else {
        (Some(columns(&customers)?), None)
    };
    Ok(SubscriptionCustomers {
        columns,
        arrow,
        findings,
    })
}

fn columns(customers: &Table) -> Result<Vec<CustomerColumn>> {
    let known = columns_of(RecordKind::Customers);
    let column = |name: &str| {
        let cells = customers.cells(name).into_iter().flatten();
        let values =
            cells.map(|cell| written(cell).map_err(|what| bad_type(name, &format!("{what} is not supported"))));
        Ok(CustomerColumn {
            name: match known.iter().any(|column| column.name == name) {
                true => camel_case(name),
                false => name.to_owned(),
            },
            values: values.collect::<Result<_>>()?,
        })
    };
    customers.column_names().map(column).collect()
}
