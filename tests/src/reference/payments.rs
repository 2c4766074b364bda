//! Computes the features of the payments that are visible at a date.

use super::{Given, Row, WINDOWS, days, gaps, mean, ratio, std, vs_usual, within};
use crate::raw::{DAY, Decimal, PaymentRow, PaymentTable};

/// The status of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Paid,
    Failed,
}

/// The fields of a payment as they were known at a date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) due_at: i64,
    pub(super) state: State,
    amount: i128,
    settled_at: i64,
    /// The time of the refund. It is `None` if there is no refund, or if the refund was not known at the date.
    refunded_at: Option<i64>,
}

/// Converts an amount to minor units of the currency (such as cents). Halves are rounded away from zero.
fn minor(amount: Decimal, digits: u32) -> i128 {
    let scaled = i128::from(amount.units) * 10i128.pow(digits);
    let unit = 10i128.pow(amount.places);
    let half_up = (scaled.abs() * 2 + unit) / (2 * unit);
    half_up * scaled.signum()
}

pub(super) fn seen(table: &PaymentTable, visible: &[Given<'_, PaymentRow>], as_of: i64) -> Vec<Seen> {
    let one = |row: &PaymentRow| {
        let status = row.status.unwrap_or("paid");
        let settled_at = match table.columns.contains(&"settled_at") {
            true => row.settled_at,
            false => (status != "pending").then_some(row.due_at),
        };
        let state = match settled_at {
            Some(settled_at) if settled_at < as_of => match status {
                "failed" => State::Failed,
                "paid" | "refunded" => State::Paid,
                other => panic!("a settled payment is {other}"),
            },
            _ => State::Pending,
        };
        let refunded_at = match status {
            "refunded" => row.refunded_at.or(settled_at),
            _ => row.refunded_at,
        };
        Seen {
            due_at: row.due_at,
            state,
            amount: minor(row.amount, table.digits),
            settled_at: settled_at.unwrap_or(i64::MAX),
            refunded_at: refunded_at.filter(|&at| state == State::Paid && at < as_of),
        }
    };
    visible.iter().map(|event| one(event.row)).collect()
}

pub(super) fn put(row: &mut Row, all: &[Seen], digits: u32, as_of: i64) {
    let scale = 10f64.powi(digits as i32);
    let paid: Vec<&Seen> = all.iter().filter(|p| p.state == State::Paid).collect();
    let due = |state: State, from: i64, to: i64| -> Vec<&Seen> {
        let in_time = all.iter().filter(|p| from <= p.due_at && p.due_at < to);
        in_time.filter(|p| p.state == state).collect()
    };
    let sum = |of: &[&Seen]| of.iter().map(|p| p.amount).sum::<i128>();
    let due_times = |of: &[&Seen]| of.iter().map(|p| p.due_at).collect::<Vec<i64>>();

    for w in WINDOWS {
        let start = as_of - w * DAY;
        let paid_now = due(State::Paid, start, as_of);
        let failed_now = due(State::Failed, start, as_of);
        let amounts: Vec<i128> = paid_now.iter().map(|p| p.amount).collect();
        let refunded: Vec<&Seen> = all
            .iter()
            .filter(|p| p.refunded_at.is_some_and(|at| within(at, as_of, w)))
            .collect();
        let late: Vec<i128> = paid_now
            .iter()
            .map(|p| i128::from((p.settled_at - p.due_at).max(0)))
            .collect();
        let paid_before = due(State::Paid, as_of - 2 * w * DAY, start);
        let paid_ever_before = due(State::Paid, i64::MIN, start);
        let gaps = gaps(&due_times(&paid_now));

        row.put(
            format!("payments_count_{w}d"),
            all.iter().filter(|p| within(p.due_at, as_of, w)).count(),
        );
        row.put(format!("payments_paid_count_{w}d"), paid_now.len());
        row.put(format!("payments_failed_count_{w}d"), failed_now.len());
        row.put(format!("payments_refunded_count_{w}d"), refunded.len());
        row.put(format!("payments_refunded_sum_{w}d"), sum(&refunded) as f64 / scale);
        row.put(format!("payments_paid_sum_{w}d"), sum(&paid_now) as f64 / scale);
        row.put(format!("payments_paid_mean_{w}d"), mean(&amounts, scale));
        row.put(
            format!("payments_paid_max_{w}d"),
            amounts.iter().max().map_or(f64::NAN, |&max| max as f64 / scale),
        );
        row.put(format!("payments_paid_std_{w}d"), std(&amounts, scale));
        row.put(
            format!("payments_failed_share_{w}d"),
            ratio(failed_now.len() as f64, (paid_now.len() + failed_now.len()) as f64),
        );
        row.put(format!("payments_late_days_mean_{w}d"), mean(&late, DAY as f64));
        row.put(
            format!("payments_paid_sum_change_{w}d"),
            (sum(&paid_now) - sum(&paid_before)) as f64 / scale,
        );
        row.put(
            format!("payments_paid_sum_vs_usual_{w}d"),
            vs_usual(
                sum(&paid_now) as f64 / scale,
                sum(&paid_ever_before) as f64 / scale,
                paid.first().map(|p| p.due_at),
                as_of,
                w,
            ),
        );
        row.put(format!("payments_gap_days_mean_{w}d"), mean(&gaps, DAY as f64));
        row.put(format!("payments_gap_days_std_{w}d"), std(&gaps, DAY as f64));
    }

    let overdue: Vec<&Seen> = all.iter().filter(|p| p.state == State::Pending).collect();
    let unpaid: Vec<&Seen> = all.iter().filter(|p| p.state != State::Paid).collect();
    let settled: Vec<&Seen> = all.iter().filter(|p| p.state != State::Pending).collect();
    let since = |moment: Option<i64>| moment.map_or(f64::NAN, |moment| days(moment, as_of));
    let since_last = since(paid.last().map(|p| p.due_at));
    let gaps = gaps(&due_times(&paid));
    let gap_mean = mean(&gaps, DAY as f64);

    row.put("payments_lifetime_count", all.len());
    row.put("payments_lifetime_paid_sum", sum(&paid) as f64 / scale);
    row.put("payments_days_since_last_paid", since_last);
    row.put("payments_days_since_first_paid", since(paid.first().map(|p| p.due_at)));
    row.put(
        "payments_last_paid_amount",
        paid.last().map_or(f64::NAN, |p| p.amount as f64 / scale),
    );
    row.put("payments_overdue_count", overdue.len());
    row.put("payments_overdue_sum", sum(&overdue) as f64 / scale);
    row.put("payments_unpaid_count", unpaid.len());
    row.put("payments_unpaid_sum", sum(&unpaid) as f64 / scale);
    row.put(
        "payments_failed_streak",
        settled.iter().rev().take_while(|p| p.state == State::Failed).count(),
    );
    row.put("payments_gap_days_mean", gap_mean);
    row.put("payments_gap_days_std", std(&gaps, DAY as f64));
    row.put("payments_recency_ratio", ratio(since_last, gap_mean));
    row.put("payments_periods_missed", periods_missed(&due_times(&paid), as_of));
}

/// Returns the number of missed payments. A payment is missed if it would have been due after the last paid payment and
/// before the day of `as_of`, had the customer continued to pay with their usual gap. The code checks each day of this
/// period. A usual gap of about 1, 2, 3, 6 or 12 months is counted in calendar months.
fn periods_missed(moments: &[i64], as_of: i64) -> f64 {
    let mut days: Vec<i64> = moments.iter().map(|at| at.div_euclid(DAY)).collect();
    days.dedup();
    if days.len() < 2 {
        return f64::NAN;
    }
    let mut latest: Vec<i64> = days.windows(2).map(|pair| pair[1] - pair[0]).rev().take(12).collect();
    latest.sort_unstable();
    let gap = latest[(latest.len() - 1) / 2];
    let months = match gap {
        28..=31 => 1,
        59..=62 => 2,
        89..=92 => 3,
        181..=184 => 6,
        365..=366 => 12,
        _ => 0,
    };
    let (last, previous) = (days[days.len() - 1], days[days.len() - 2]);
    let date = |day: i64| crate::civil::date(day);
    let ends_month = |day: i64| date(day + 1).2 == 1;
    let monthly = months > 0 && (date(last).2 == date(previous).2 || ends_month(last) || ends_month(previous));
    let on = date(last).2.max(date(previous).2);
    let is_due = |day: i64| {
        if !monthly {
            return (day - last) % gap == 0;
        }
        let ((year, month, of_month), (last_year, last_month, _)) = (date(day), date(last));
        let passed = (year - last_year) * 12 + month - last_month;
        passed > 0 && passed % months == 0 && (of_month == on || of_month < on && ends_month(day))
    };
    (last + 1..as_of.div_euclid(DAY)).filter(|&day| is_due(day)).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_away_from_zero() {
        let cents = |units, places| minor(Decimal { units, places }, 2);
        assert_eq!(cents(1005, 3), 101);
        assert_eq!(cents(-1005, 3), -101);
        assert_eq!(cents(10049, 4), 100);
        assert_eq!(cents(7, 0), 700);
        assert_eq!(cents(0, 3), 0);
        assert_eq!(minor(Decimal { units: -25, places: 1 }, 0), -3);
    }
}
