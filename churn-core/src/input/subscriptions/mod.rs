//! Converts a table of subscriptions to a customers table with dated versions (rows that state since when they are
//! true).

mod joined;
mod quality;
mod source;
#[cfg(test)]
mod tests;
mod versions;

use crate::error::{Error, ErrorKind, Finding, RecordKind, Result, excerpt};
use crate::input::reader::MOST_COLUMNS;
use crate::input::table::{Column, IntoTable, Table, Value};
use crate::parallel::{Execution, Workers};
use crate::record::{ALWAYS, NEVER, StaticAttributes};

use joined::Joined;
use quality::{copies, short_gaps};
use source::Source;
use versions::versions;

/// The number of rows of the result must not exceed `MOST_VERSIONS` times the number of rows of the input, plus
/// `SMALL_RESULT`. Later information can contradict all earlier rows, so the number of rows can grow with the square of
/// the input.
const MOST_VERSIONS: usize = 64;
const SMALL_RESULT: usize = 1 << 20;

/// Converts subscriptions to a dated customers table for
/// [`RecordsBuilder::customers`](crate::RecordsBuilder::customers). Each row of the result states since when it is
/// true. The function also returns findings about the input.
///
/// [`subscription_columns`](crate::subscription_columns) lists the columns of the subscriptions table. The result has
/// the columns `customer_id`, `signed_up_at`, `churned_at`, `valid_from` and `mrr`. It also has `known_at`, `plan` and
/// `seats` if the subscriptions table has these columns. The rules are:
///
/// - **Spell.** A spell (an uninterrupted period as a customer) is a series of one customer's subscriptions without
///   gaps: each subscription begins at or before the latest end of the earlier ones. `signed_up_at` is the start of the
///   spell. `churned_at` is the end of the spell, or null if one of its subscriptions has not ended.
/// - **Versions.** Within a spell, a new row starts whenever one of the spell's subscriptions begins or ends.
///   `valid_from` is the time of this change.
/// - **`mrr`.** Monthly recurring revenue: the sum of the monthly prices of all subscriptions that are active at
///   `valid_from`. The monthly price is the price multiplied by 365/12 (daily interval), 52/12 (weekly), 1 (monthly),
///   1/3 (quarterly) or 1/12 (yearly).
/// - **`seats`.** The sum of the seats of all subscriptions that are active at `valid_from`.
/// - **`plan`.** The plan of the active subscription with the largest monthly price. If several active subscriptions
///   have this price, the plan of the one that began last is used. If they also began at the same time, the plan of the
///   one with the largest id is used.
/// - **`known_at`.** Rows with the same `subscription_id` and different `known_at` are versions of one subscription. A
///   later version can contradict rows of the result that were computed from earlier versions. The result then also
///   contains corrected versions of these rows. The `known_at` of a corrected version is the `known_at` of the later
///   version of the subscription.
///
/// If `customers` is given, its attributes are joined to the result by `customer_id`. If `customers` has a `valid_from`
/// column, every row of the result gets the attribute values that are true at the `valid_from` of the row. A spell then
/// also has a row for each time at which an attribute changes. If `customers` has no `valid_from` column, only the
/// attributes that `static_attributes` declares static are joined. The other attributes are dropped, because they hold
/// today's values. `renews_at` is treated like an attribute. A `notice_at` is kept in the spell that contains this
/// time, and is null in all other spells. The columns `signed_up_at`, `churned_at`, `mrr`, `plan` and `seats` of
/// `customers` are not used. Customers without a subscription are dropped.
///
/// ```
/// use churn_core::{StaticAttributes, Table, TenantRecords, subscriptions_to_customers};
///
/// let subscriptions = Table::from_csv(&b"customer_id,started_at,ended_at,price,interval,plan
/// C-1,2024-01-01,2024-04-01,30,month,basic
/// C-1,2024-04-01,,600,year,pro
/// "[..])?;
/// let (customers, findings) = subscriptions_to_customers(subscriptions, None::<Table>, &StaticAttributes::None)?;
/// assert!(findings.is_empty());
/// assert_eq!(customers.n_rows(), 2); // 30 per month from January, 50 per month from April
/// let (records, report) = TenantRecords::builder("acme").customers(customers).build()?;
/// assert!(report.is_clean() && records.n_customers() == 1);
/// # Ok::<(), churn_core::Error>(())
/// ```
///
/// # Errors
/// - `missing_column`, `duplicate_column`, `missing_value`, `bad_type`, `bad_timestamp`, `not_finite`, `out_of_range`,
///   `ends_before_start`, `duplicate_id`, `duplicate_version` or `mixed_currency` for the first invalid value. The
///   error names its row and column.
/// - `unreadable_table` if a table has more than 10 000 columns, or if the result would have more than 64 times as many
///   rows as the input, plus 2^20.
/// - `invalid_option` if `customers` has a `known_at` column, or if a static attribute is not a column of `customers`.
pub fn subscriptions_to_customers(
    subscriptions: impl IntoTable,
    customers: Option<impl IntoTable>,
    static_attributes: &StaticAttributes,
) -> Result<(Table, Vec<Finding>)> {
    subscriptions_to_customers_with(subscriptions, customers, static_attributes, &Execution::new())
}

/// Converts subscriptions to customers, as [`subscriptions_to_customers`] does. `execution` can cancel the call. The
/// call uses only the calling thread, and reports no progress.
///
/// # Errors
/// As [`subscriptions_to_customers`], and `cancelled` if the call is cancelled.
pub fn subscriptions_to_customers_with(
    subscriptions: impl IntoTable,
    customers: Option<impl IntoTable>,
    static_attributes: &StaticAttributes,
    execution: &Execution,
) -> Result<(Table, Vec<Finding>)> {
    let workers = Workers::on_this_thread(execution);
    let subscriptions = subscriptions.into_table();
    not_too_wide("subscriptions", &subscriptions)?;
    let customers = customers.map(IntoTable::into_table);
    if let Some(customers) = &customers {
        not_too_wide("customers", customers)?;
    }
    let n_rows = subscriptions.n_rows() + customers.as_ref().map_or(0, Table::n_rows);
    let source = Source::new(&subscriptions)?;
    let mut findings = source.findings();
    let (has_plan, has_seats, has_known_at) = (source.has("plan"), source.has("seats"), source.has("known_at"));
    let by_customer = source.read(&workers)?;
    findings.extend(copies(&by_customer));
    findings.extend(short_gaps(&by_customer));
    let joined = customers
        .map(|table| Joined::new(table.with_known_names(RecordKind::Customers), static_attributes))
        .transpose()?;
    if let Some(joined) = &joined {
        findings.extend(joined.findings(&by_customer));
    }

    let most_rows = MOST_VERSIONS.saturating_mul(n_rows).saturating_add(SMALL_RESULT);
    let mut rows: Vec<Vec<(String, Value)>> = vec![];
    for (customer, subscriptions) in &by_customer {
        let moments = joined.as_ref().map_or(vec![], |joined| joined.moments(customer));
        let versions = versions(subscriptions, &moments, &workers)?;
        if rows.len() + versions.len() > most_rows {
            let why = format!(
                "the subscriptions of customer '{}' have too many versions: the result would have more than {most_rows} rows",
                excerpt(customer)
            );
            return Err(Error::new(ErrorKind::UnreadableTable, why).at(None, None, Some("known_at")));
        }
        for ((signed_up_at, valid_from), known_at, version) in versions {
            workers.check()?;
            let moment = |at: i64| {
                if at == NEVER || at == ALWAYS {
                    Value::Null
                } else {
                    Value::Timestamp(at)
                }
            };
            let mut row = vec![
                ("customer_id".to_owned(), Value::Text(customer.to_string())),
                ("signed_up_at".to_owned(), moment(signed_up_at)),
                ("churned_at".to_owned(), moment(version.churned_at)),
                ("valid_from".to_owned(), moment(valid_from)),
            ];
            if has_known_at {
                row.push(("known_at".to_owned(), moment(known_at)));
            }
            row.push(("mrr".to_owned(), Value::Float(version.mrr)));
            if has_plan {
                row.push((
                    "plan".to_owned(),
                    version.plan.map_or(Value::Null, |plan| Value::Text(plan.to_string())),
                ));
            }
            if has_seats {
                row.push(("seats".to_owned(), version.seats.map_or(Value::Null, Value::Float)));
            }
            if let Some(joined) = &joined {
                row.extend(joined.values(customer, signed_up_at, valid_from, version.churned_at)?);
            }
            rows.push(row);
        }
    }
    if rows.is_empty() {
        let columns = ["customer_id", "signed_up_at"].map(|name| (name.to_owned(), Column::Values(vec![]).into()));
        return Ok((Table::of_columns(0, columns), findings));
    }
    Ok((Table::from_values(rows)?, findings))
}

/// Refuses a table with more columns than a table of records may have.
fn not_too_wide(name: &str, table: &Table) -> Result<()> {
    let columns = table.column_names().count();
    if columns <= MOST_COLUMNS {
        return Ok(());
    }
    let why = format!("a table of {name} may have at most {MOST_COLUMNS} columns, not {columns}");
    Err(Error::new(ErrorKind::UnreadableTable, why))
}
