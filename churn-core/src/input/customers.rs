//! Cleans and validates customers.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{IssueCode, RecordKind, Result};
use crate::input::attributes::Attributes;
use crate::input::check::{CHECK_EVERY, TableCheck};
use crate::input::fields::{id, timestamp};
use crate::input::table::{Cell, Table};
use crate::parallel::Workers;
use crate::record::{ALWAYS, Customers, Ids, NEVER, TenantId};

/// The customers that were accepted, and what was wrong with the others.
pub(crate) fn clean(batches: Vec<Table>, tenant: &TenantId, workers: &Workers) -> Result<(Customers, TableCheck)> {
    let mut check = TableCheck::new(RecordKind::Customers, &batches);
    let dated = batches.iter().any(|batch| batch.has_column("valid_from"));
    let has_renewal = batches.iter().any(|batch| batch.has_column("renews_at"));
    let has_known = batches.iter().any(|batch| batch.has_column("known_at"));
    let mut attributes = Attributes::find(RecordKind::Customers, &batches);
    let mut rows: Vec<Draft> = vec![];
    let mut ids = Ids::default();
    let mut codes: HashMap<Box<str>, u32> = HashMap::new();
    let mut given = 0u64;
    let complete = check.has_required_columns(&batches);
    for batch in batches.iter().filter(|_| complete) {
        let column = |name: &str| batch.column(name);
        let names = [
            "customer_id",
            "signed_up_at",
            "churned_at",
            "notice_at",
            "renews_at",
            "valid_from",
            "known_at",
        ];
        let known = names.map(column);
        let tenant_column = column("tenant_id");
        let extra = attributes.columns_of(batch);
        for index in 0..batch.rows() {
            if index % CHECK_EVERY == 0 {
                workers.check()?;
            }
            let position = batch.position(index);
            let cell = |field: usize| known[field].map_or(Cell::Null, |column| column.cell(position));
            let mut row = check.row(given);
            row.tenant(tenant_column, position, tenant);
            let customer = row.required(names[0], id(cell(0)));
            let signed_up_at = row.required(names[1], timestamp(cell(1)));
            let churned_at = row.field(names[2], timestamp(cell(2)));
            let notice_at = row.field(names[3], timestamp(cell(3)));
            let renews_at = row.field(names[4], timestamp(cell(4)));
            let valid_from = row.field(names[5], timestamp(cell(5)));
            let known_at = row.field(names[6], timestamp(cell(6)));
            row.order(names[2], churned_at, names[1], signed_up_at);
            attributes.check(&extra, position, &mut row);
            if let (true, Some(customer), Some(signed_up_at)) = (row.is_good(), customer, signed_up_at) {
                let code = codes.get(&*customer).copied().unwrap_or_else(|| {
                    let code = ids.len() as u32;
                    ids.push(&customer);
                    codes.insert(customer.into(), code);
                    code
                });
                attributes.push(&extra, position);
                rows.push(Draft {
                    customer: code,
                    signed_up_at,
                    valid_from: valid_from.unwrap_or(signed_up_at),
                    known_at: known_at.unwrap_or(ALWAYS),
                    churned_at: churned_at.unwrap_or(NEVER),
                    notice_at: notice_at.unwrap_or(NEVER),
                    renews_at: renews_at.unwrap_or(NEVER),
                    row: rows.len() as u32,
                    given,
                });
            }
            given += 1;
        }
    }
    drop(codes);

    // A customer's code becomes his rank among all ids, sorted by bytes.
    let mut order: Vec<u32> = (0..ids.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| ids.get(a as usize).cmp(ids.get(b as usize)));
    let mut rank = vec![0u32; ids.len()];
    for (position, &code) in order.iter().enumerate() {
        rank[code as usize] = position as u32;
    }
    for row in &mut rows {
        row.customer = rank[row.customer as usize];
    }
    workers.sort_by_key(&mut rows, |row| {
        (row.customer, row.signed_up_at, row.valid_from, row.known_at, row.given)
    });
    let same = |a: &Draft, b: &Draft| {
        (a.customer, a.signed_up_at, a.valid_from, a.known_at) == (b.customer, b.signed_up_at, b.valid_from, b.known_at)
    };
    let mut kept: Vec<Draft> = Vec::with_capacity(rows.len());
    for row in rows {
        if kept.last().is_some_and(|before| same(before, &row)) {
            let mut checked = check.row(row.given);
            checked.wrong(
                "customer_id",
                IssueCode::DuplicateVersion,
                format!(
                    "this version of customer '{}' was given before: same signed_up_at, valid_from and known_at",
                    crate::error::excerpt(ids.get(order[row.customer as usize] as usize))
                ),
            );
        } else {
            kept.push(row);
        }
    }
    check.finish();

    // The first of equal versions stays, so every customer that was seen still has a row.
    let starts = crate::input::assemble::starts(kept.iter().map(|row| row.customer), ids.len());
    let rows: Vec<u32> = kept.iter().map(|row| row.row).collect();
    let customers = Customers {
        ids: Arc::new(order.iter().map(|&code| ids.get(code as usize)).collect()),
        starts,
        signed_up_at: kept.iter().map(|row| row.signed_up_at).collect(),
        churned_at: kept.iter().map(|row| row.churned_at).collect(),
        notice_at: kept.iter().map(|row| row.notice_at).collect(),
        renews_at: has_renewal.then(|| kept.iter().map(|row| row.renews_at).collect()),
        valid_from: kept.iter().map(|row| row.valid_from).collect(),
        known_at: has_known.then(|| kept.iter().map(|row| row.known_at).collect()),
        dated,
        attributes: attributes.gather(&rows),
    };
    Ok((customers, check))
}

/// An accepted row before it is sorted.
struct Draft {
    customer: u32,
    signed_up_at: i64,
    valid_from: i64,
    known_at: i64,
    churned_at: i64,
    notice_at: i64,
    renews_at: i64,
    /// Its position among the accepted rows.
    row: u32,
    /// Its position in what the caller gave.
    given: u64,
}
