//! Validates payments and converts them to columns.

use crate::error::{FindingCode, IssueCode, RecordKind, Result};
use crate::input::builder::Ties;
use crate::input::check::Checked;
use crate::input::content::Values;
use crate::input::currency::Exchange;
use crate::input::customers::KnownCustomers;
use crate::input::events::EventDraft;
use crate::input::fields::{currency, word};
use crate::input::order::gather;
use crate::input::quality::Rows;
use crate::input::reader::{PIECE, TableReader};
use crate::input::table::Table;
use crate::parallel::Workers;
use crate::record::{Currency, NEVER, PaymentStatus, Payments, TenantId};

/// The status of a payment in the input.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Given {
    /// There is no status column, or the status is null.
    #[default]
    Nothing,
    Paid,
    Failed,
    Pending,
    Refunded,
}

const STATUSES: &[(&str, Given)] = &[
    ("paid", Given::Paid),
    ("failed", Given::Failed),
    ("pending", Given::Pending),
    ("refunded", Given::Refunded),
];

/// Reads the payments table. Returns the accepted payments, their currency, the row counts, and the issues of all other
/// rows.
pub(crate) fn clean(
    batches: Vec<Table>,
    tenant: &TenantId,
    known: &KnownCustomers,
    exchange: &Exchange,
    ties: Ties,
    workers: &Workers,
) -> Result<(Payments, Currency, Checked)> {
    let mut reader = TableReader::new(RecordKind::Payments, batches, workers)?;
    reader.require_columns();
    reader.tenant(tenant)?;
    let events = EventDraft::read(&mut reader, "due_at", "payment_id", known)?;
    let amounts = reader.numbers("amount")?;
    let mut settled_at = reader.moments("settled_at")?;
    let given = reader.values("status", Given::Nothing, |cell| {
        word(cell, IssueCode::UnknownStatus, STATUSES)
    })?;
    let mut refunded_at = reader.moments("refunded_at")?;
    let currencies = match reader.has("currency") {
        true => Some(reader.texts("currency", currency)?),
        false => None,
    };
    reader.rule("status", IssueCode::InconsistentStatus, |row| {
        let inconsistent = given[row] == Given::Pending && settled_at[row] != NEVER;
        inconsistent.then(|| "the payment is pending but has a settled_at".into())
    })?;

    // If there is no `settled_at` column, every payment that is not pending counts as settled on its due date.
    let has_settled_at = reader.has("settled_at");
    workers.chunks_mut(&mut settled_at, PIECE, |start, settled_at| {
        for (index, settled_at) in settled_at.iter_mut().enumerate() {
            if given[start + index] == Given::Pending {
                *settled_at = NEVER;
            } else if !has_settled_at {
                *settled_at = events.at[start + index];
            }
        }
        Ok(())
    })?;
    let outcome = |row: usize| match given[row] {
        _ if settled_at[row] == NEVER => PaymentStatus::Pending,
        Given::Failed => PaymentStatus::Failed,
        _ => PaymentStatus::Paid,
    };
    // Only a paid payment can be refunded.
    workers.chunks_mut(&mut refunded_at, PIECE, |start, refunded_at| {
        for (index, refunded_at) in refunded_at.iter_mut().enumerate() {
            let row = start + index;
            if outcome(row) != PaymentStatus::Paid {
                *refunded_at = NEVER;
            } else if given[row] == Given::Refunded && *refunded_at == NEVER {
                *refunded_at = settled_at[row];
            }
        }
        Ok(())
    })?;
    reader.ends("refunded_at", &refunded_at, "settled_at", &settled_at)?;
    // Most tables have no refunds, and filling a column is much faster than sorting it.
    let has_refunds = refunded_at.iter().any(|&at| at != NEVER);
    let currency = exchange.currency(currencies.as_ref(), reader.check.bad());
    let amounts = exchange.to_minor(&currency, amounts, currencies.as_ref(), &mut reader)?;
    drop(currencies);

    let mut status = vec![PaymentStatus::default(); reader.rows];
    workers.chunks_mut(&mut status, PIECE, |start, status| {
        let rows = start..start + status.len();
        status
            .iter_mut()
            .zip(rows)
            .for_each(|(status, row)| *status = outcome(row));
        Ok(())
    })?;

    let (bad, position) = (reader.check.bad(), reader.given());
    let rows_where =
        |is: &(dyn Fn(usize) -> bool + Sync)| Rows::among(reader.rows, workers, &position, |row| is(row) && !bad[row]);
    let without_status = match given.iter().any(|status| *status != Given::Nothing) {
        true => rows_where(&|row| given[row] == Given::Nothing && settled_at[row] != NEVER)?,
        false => Rows::default(),
    };
    let is_settled = |row: usize| !matches!(given[row], Given::Nothing | Given::Pending);
    // Without a `settled_at` column, training sees no failed or overdue payments before their statuses were exported.
    let unsettled = match !has_settled_at && reader.has("status") {
        true => {
            let settled = (0..reader.rows).filter(|&row| is_settled(row) && !bad[row]);
            let last = settled.map(|row| events.at[row]).max();
            rows_where(&|row| match given[row] {
                Given::Failed => true,
                Given::Pending => last.is_some_and(|last| events.at[row] < last),
                _ => false,
            })?
        }
        false => Rows::default(),
    };
    let without_settlement = rows_where(&|row| is_settled(row) && settled_at[row] == NEVER)?;
    let not_positive = rows_where(&|row| amounts[row] <= 0)?;
    let findings = [
        without_status.finding(
            FindingCode::MissingStatus,
            RecordKind::Payments,
            Some("status"),
            "the payment has no status, although others have one, and counts as paid: give its status",
        ),
        unsettled.finding(
            FindingCode::MissingSettlement,
            RecordKind::Payments,
            Some("settled_at"),
            "the payment failed or is overdue, and the table has no 'settled_at': training takes all earlier payments as settled when they were due, so customers who owe now get wrong scores. Give 'settled_at'",
        ),
        without_settlement.finding(
            FindingCode::MissingSettlement,
            RecordKind::Payments,
            Some("settled_at"),
            "the status says that the payment is settled, but it has no 'settled_at' and counts as pending: give 'settled_at', also of failed payments (the time of the last attempt)",
        ),
        not_positive.finding(
            FindingCode::NotPositive,
            RecordKind::Payments,
            Some("amount"),
            "the amount is zero or less, and the row counts as a payment: leave out credit notes, or give 'refunded_at' of the payment that they reverse",
        ),
    ];

    let values = vec![
        Values::Moments(&amounts),
        Values::Codes(Box::new(|row| status[row] as u8)),
        Values::Moments(&settled_at),
        Values::Moments(&refunded_at),
    ];
    let (events, rows, mut checked) = events.finish(reader, &known.customers, ties, values)?;
    checked.findings.extend(findings.into_iter().flatten());
    let status = gather(&status, &rows, workers)?;
    let gathered = |column: Vec<i64>| gather(&column, &rows, workers);
    let payments = Payments {
        amount: gathered(amounts)?,
        refunded_at: match has_refunds {
            true => gathered(refunded_at)?,
            false => vec![NEVER; rows.len()],
        },
        settled_at: gathered(settled_at)?,
        status,
        events,
    };
    Ok((payments, currency, checked))
}
