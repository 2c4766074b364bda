//! Computes the features of the tickets that are visible at a date.

use super::{Given, Row, WINDOWS, days, mean, vs_usual, within};
use crate::raw::{DAY, HOUR, TicketRow};

/// Returns the time at which the satisfaction rating of a ticket becomes visible.
fn rated_at(ticket: &TicketRow) -> Option<i64> {
    ticket.satisfaction?;
    ticket.satisfaction_at.or(ticket.resolved_at)
}

pub(super) fn put(row: &mut Row, all: &[Given<'_, TicketRow>], as_of: i64) {
    let tickets = || all.iter().map(|event| event.row);
    let opened = |from: i64, to: i64| {
        let in_time = tickets().filter(|t| from <= t.opened_at && t.opened_at < to);
        in_time.collect::<Vec<_>>()
    };
    let first = tickets().next().map(|t| t.opened_at);
    let past = |moment: Option<i64>| moment.is_some_and(|moment| moment < as_of);

    for w in WINDOWS {
        let start = as_of - w * DAY;
        let now = opened(start, as_of);
        let in_window = |moment: Option<i64>| moment.is_some_and(|moment| within(moment, as_of, w));
        let urgent = now.iter().filter(|t| matches!(t.priority, Some("high" | "urgent")));
        let resolution: Vec<i128> = tickets()
            .filter(|t| in_window(t.resolved_at))
            .filter_map(|t| Some(i128::from(t.resolved_at? - t.opened_at)))
            .collect();
        let response: Vec<i128> = now
            .iter()
            .filter(|t| past(t.first_response_at))
            .filter_map(|t| Some(i128::from(t.first_response_at? - t.opened_at)))
            .collect();
        let ratings: Vec<f64> = tickets()
            .filter(|t| in_window(rated_at(t)))
            .filter_map(|t| t.satisfaction)
            .collect();
        let count_before = opened(as_of - 2 * w * DAY, start).len();
        let count_ever_before = opened(i64::MIN, start).len();

        row.put(format!("tickets_count_{w}d"), now.len());
        row.put(format!("tickets_urgent_count_{w}d"), urgent.count());
        row.put(
            format!("tickets_reopened_count_{w}d"),
            tickets().filter(|t| in_window(t.reopened_at)).count(),
        );
        row.put(format!("tickets_resolved_count_{w}d"), resolution.len());
        row.put(
            format!("tickets_resolution_hours_mean_{w}d"),
            mean(&resolution, HOUR as f64),
        );
        row.put(
            format!("tickets_satisfaction_mean_{w}d"),
            ratings.iter().sum::<f64>() / ratings.len() as f64,
        );
        row.put(
            format!("tickets_first_response_hours_mean_{w}d"),
            mean(&response, HOUR as f64),
        );
        row.put(
            format!("tickets_count_change_{w}d"),
            now.len() as f64 - count_before as f64,
        );
        row.put(
            format!("tickets_count_vs_usual_{w}d"),
            vs_usual(now.len() as f64, count_ever_before as f64, first, as_of, w),
        );
    }

    let open: Vec<&TicketRow> = tickets().filter(|t| !past(t.resolved_at)).collect();
    let since = |moment: Option<i64>| moment.map_or(f64::NAN, |moment| days(moment, as_of));
    // The last rating is the rating that became visible last. If two ratings became visible at the same time, the
    // rating of the ticket that comes later in the input is used.
    let last_rated = all
        .iter()
        .filter(|event| past(rated_at(event.row)))
        .max_by_key(|event| (rated_at(event.row), event.position));

    row.put("tickets_lifetime_count", all.len());
    row.put("tickets_open_count", open.len());
    row.put(
        "tickets_oldest_open_days",
        since(open.iter().map(|t| t.opened_at).min()),
    );
    row.put("tickets_days_since_last", since(tickets().map(|t| t.opened_at).max()));
    row.put(
        "tickets_last_satisfaction",
        last_rated.and_then(|event| event.row.satisfaction).unwrap_or(f64::NAN),
    );
}
