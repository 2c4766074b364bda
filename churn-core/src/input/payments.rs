//! Cleans and validates payments.

use std::collections::BTreeMap;

use crate::error::{IssueCode, RecordKind, Result, excerpt};
use crate::input::assemble::{EventDraft, gather};
use crate::input::attributes::Attributes;
use crate::input::check::{CHECK_EVERY, Row, TableCheck};
use crate::input::fields::{id, number, text, timestamp, word};
use crate::input::table::{Cell, Table};
use crate::parallel::Workers;
use crate::record::{Currency, Customers, NEVER, PaymentStatus, Payments, TenantId};

/// The currency that amounts are turned into, and what others are worth in it.
pub(crate) struct Exchange {
    /// The caller's, else that of the first payment that names one.
    pub(crate) currency: Option<Currency>,
    /// Upper-case codes to what one major unit is worth.
    pub(crate) rates: BTreeMap<String, f64>,
}

impl Exchange {
    /// The tenant's currency as it stands.
    pub(crate) fn settled(&self) -> Currency {
        self.currency.clone().unwrap_or_else(Currency::unnamed)
    }

    /// Minor units of an amount in some currency.
    fn exchange(&mut self, amount: f64, code: Option<&str>, row: &mut Row<'_>) -> Option<i64> {
        let mut amount = amount;
        if let Some(code) = code {
            let own = self.currency.get_or_insert_with(|| Currency::new(code));
            if own.code() != Some(code) {
                let Some(rate) = self.rates.get(code) else {
                    row.wrong(
                        "currency",
                        IssueCode::MixedCurrency,
                        format!(
                            "the payment is in {}, others are in {own}, and there is no rate between them",
                            excerpt(code)
                        ),
                    );
                    return None;
                };
                amount *= rate;
            }
        }
        let minor = self.settled().to_minor(amount);
        if minor.is_none() {
            row.wrong(
                "amount",
                IssueCode::OutOfRange,
                format!("the amount {amount} is beyond 2^53 minor units"),
            );
        }
        minor
    }
}

/// Status as it was given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    Paid,
    Failed,
    Pending,
    Refunded,
}

pub(crate) fn clean(
    batches: Vec<Table>,
    tenant: &TenantId,
    customers: &Customers,
    exchange: &mut Exchange,
    workers: &Workers,
) -> Result<(Payments, TableCheck)> {
    let mut check = TableCheck::new(RecordKind::Payments, &batches);
    let any = |name: &str| batches.iter().any(|batch| batch.has_column(name));
    let has_settled = any("settled_at");
    let mut attributes = Attributes::find(RecordKind::Payments, &batches);
    let mut events = EventDraft::new(any("payment_id"), any("known_at"));
    let (mut amounts, mut statuses, mut settleds, mut refundeds) = (vec![], vec![], vec![], vec![]);
    let mut given = 0u64;
    let complete = check.has_required_columns(&batches);
    for batch in batches.iter().filter(|_| complete) {
        let names = [
            "customer_id",
            "due_at",
            "amount",
            "payment_id",
            "settled_at",
            "status",
            "refunded_at",
            "currency",
            "known_at",
        ];
        let known = names.map(|name| batch.column(name));
        let tenant_column = batch.column("tenant_id");
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
            let customer = customer.and_then(|customer| row.customer(&customer, customers));
            let due_at = row.required(names[1], timestamp(cell(1)));
            let amount = row.required(names[2], number(cell(2)));
            let payment_id = row.field(names[3], id(cell(3)));
            let settled_at = row.field(names[4], timestamp(cell(4)));
            let status = row
                .field(names[5], word(cell(5)))
                .and_then(|status| read_status(&status, &mut row));
            let refunded_at = row.field(names[6], timestamp(cell(6)));
            let currency = row
                .field(names[7], text(cell(7)))
                .map(|code| code.trim().to_ascii_uppercase())
                .filter(|code| !code.is_empty());
            let known_at = row.field(names[8], timestamp(cell(8)));
            if status == Some(Given::Pending) && settled_at.is_some() {
                row.wrong(
                    names[5],
                    IssueCode::InconsistentStatus,
                    "the payment is pending and carries a settled_at",
                );
            }
            let settled = match status {
                Some(Given::Pending) => None,
                _ if has_settled => settled_at,
                _ => due_at,
            };
            let (outcome, refunded) = match status {
                _ if settled.is_none() => (PaymentStatus::Pending, None),
                Some(Given::Failed) => (PaymentStatus::Failed, None),
                Some(Given::Refunded) => (PaymentStatus::Paid, refunded_at.or(settled)),
                _ => (PaymentStatus::Paid, refunded_at),
            };
            row.order(names[6], refunded, "settled_at", settled);
            attributes.check(&extra, position, &mut row);
            let minor = match (row.is_good(), amount) {
                (true, Some(amount)) => exchange.exchange(amount, currency.as_deref(), &mut row),
                _ => None,
            };
            if let (true, Some(customer), Some(due_at), Some(minor)) = (row.is_good(), customer, due_at, minor) {
                events.push(customer, due_at, known_at, payment_id.as_deref(), given);
                amounts.push(minor);
                statuses.push(outcome);
                settleds.push(settled.unwrap_or(NEVER));
                refundeds.push(refunded.unwrap_or(NEVER));
                attributes.push(&extra, position);
            }
            given += 1;
        }
    }
    let (events, rows) = events.assemble(customers, attributes, "payment_id", &mut check, workers);
    let payments = Payments {
        events,
        amount: gather(&amounts, &rows),
        status: gather(&statuses, &rows),
        settled_at: gather(&settleds, &rows),
        refunded_at: gather(&refundeds, &rows),
    };
    Ok((payments, check))
}

fn read_status(status: &str, row: &mut Row<'_>) -> Option<Given> {
    match status {
        "paid" => Some(Given::Paid),
        "failed" => Some(Given::Failed),
        "pending" => Some(Given::Pending),
        "refunded" => Some(Given::Refunded),
        other => {
            row.wrong(
                "status",
                IssueCode::UnknownStatus,
                format!("'{}' is not paid, failed, pending or refunded", excerpt(other)),
            );
            None
        }
    }
}
