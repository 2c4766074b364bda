//! Finds customers by the first characters of their id and by text attributes. Of each customer, only the current
//! version (the latest of the customer's rows) is returned.

use serde::Serialize;

use crate::engine::{Access, Arg, Backend, TenantTx};
use crate::error::{Error, Result};
use crate::records::layout::names;
use crate::records::read::{StoredRecord, check_limit, records};
use crate::records::{RecordStore, no_zero_byte};

/// Filters of a customer query. See [`RecordStore::find`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerQuery {
    /// Only customers whose id begins with this text. An empty text selects all customers.
    pub prefix: String,
    /// Only customers who have all of these text attributes. Each attribute is a pair of name and value.
    pub attributes: Vec<(String, String)>,
    /// Only customers whose current version has a `churned_at` (`true`), or only customers whose current version has
    /// none (`false`). `None` for all customers.
    pub churned: Option<bool>,
    /// The id of the last customer of the previous page; `None` for the first page.
    pub after: Option<String>,
    /// The maximum number of customers per page (1 to 10 000).
    pub limit: usize,
}

impl Default for CustomerQuery {
    /// Returns a query without filters. It reads the first page, with at most 100 customers.
    fn default() -> Self {
        Self {
            prefix: String::new(),
            attributes: vec![],
            churned: None,
            after: None,
            limit: 100,
        }
    }
}

/// A page of customers, sorted by id.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CustomerPage {
    /// The current version of each customer: the last of the customer's rows in the order of `signed_up_at`,
    /// `valid_from` and `known_at`.
    pub customers: Vec<StoredRecord>,
    /// Pass this value as `after` to read the next page. It is `None` on the last page.
    pub next: Option<String>,
}

impl RecordStore {
    /// Returns the current version of each customer that matches a query, sorted by id. This method always reads
    /// customers, even if the [`kind`](Self::kind) of this store is not customers.
    ///
    /// # Errors
    /// `invalid_option` if the limit is out of range or a text contains U+0000; `store_unavailable`,
    /// `store_not_migrated`.
    pub async fn find(&self, query: &CustomerQuery) -> Result<CustomerPage> {
        check_limit(query.limit)?;
        no_zero_byte("prefix", &query.prefix)?;
        no_zero_byte("after", query.after.as_deref().unwrap_or_default())?;
        for (name, value) in &query.attributes {
            no_zero_byte("attributes", name)?;
            no_zero_byte("attributes", value)?;
        }
        if query.attributes.len() > 20 {
            return Err(Error::option("attributes", "a query names at most 20 attributes"));
        }
        let mut tx = self.tenant.begin_session(Access::Read).await?;
        let page = find(&mut tx, query).await?;
        tx.rollback().await?;
        Ok(page)
    }

    /// Returns the number of customers. A customer with several versions (rows) is counted once.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn count_customers(&self) -> Result<u64> {
        let mut tx = self.tenant.begin_session(Access::Read).await?;
        let count = count_customers(&mut tx).await?;
        tx.rollback().await?;
        Ok(count)
    }
}

pub(crate) async fn count_customers(tx: &mut TenantTx) -> Result<u64> {
    const COUNT: &str = "
        SELECT COUNT(DISTINCT customer_id)
        FROM churn_customers
        WHERE tenant_id = $1";
    tx.row(COUNT, &[]).await?.map_or(Ok(0), |row| row.count(0))
}

pub(crate) async fn find(tx: &mut TenantTx, query: &CustomerQuery) -> Result<CustomerPage> {
    // In byte order, this text sorts after every id that begins with the prefix.
    let end = format!("{}\u{10ffff}\u{10ffff}\u{10ffff}", query.prefix);
    let prefix = query.prefix.as_str();
    let mut args: Vec<Arg<'_>> = vec![
        query.after.as_deref().unwrap_or("").into(),
        prefix.into(),
        Arg::text(end),
    ];
    let mut conditions = String::new();
    match query.churned {
        Some(true) => conditions.push_str(" AND c.churned_at IS NOT NULL"),
        Some(false) => conditions.push_str(" AND c.churned_at IS NULL"),
        None => {}
    }
    for (name, value) in &query.attributes {
        args.extend([Arg::from(name.as_str()), Arg::from(value.as_str())]);
        let (name, value) = (args.len(), args.len() + 1);
        conditions.push_str(&match tx.backend() {
            Backend::Sqlite => format!(
                " AND EXISTS (SELECT 1 FROM json_each(c.attributes) AS j WHERE j.key = ${name} AND j.type = 'text' AND j.value = ${value})"
            ),
            Backend::Postgres => format!(" AND c.attributes @> jsonb_build_object(${name}::text, ${value}::text)"),
        });
    }
    args.push((query.limit as i64 + 1).into());
    let columns = names("c.");
    let sql = format!(
        "
        SELECT {columns}, c.seq
        FROM churn_customers AS c
        WHERE c.tenant_id = $1 AND c.customer_id > $2 AND c.customer_id >= $3 AND c.customer_id < $4{conditions}
          AND NOT EXISTS (
            SELECT 1
            FROM churn_customers AS n
            WHERE n.tenant_id = $1 AND n.customer_id = c.customer_id
              AND (n.signed_up_at, n.valid_from, n.known_at) > (c.signed_up_at, c.valid_from, c.known_at)
          )
        ORDER BY c.customer_id
        LIMIT ${}",
        args.len() + 1
    );
    let found = tx.rows(&sql, &args).await?;
    let mut ids = found
        .iter()
        .map(|row| Ok(row.text(0)?.to_owned()))
        .collect::<Result<Vec<_>>>()?;
    let mut customers = records(tx, churn_core::RecordKind::Customers, &found).await?;
    let more = customers.len() > query.limit;
    customers.truncate(query.limit);
    ids.truncate(query.limit);
    let next = ids.pop().filter(|_| more);
    Ok(CustomerPage { customers, next })
}
