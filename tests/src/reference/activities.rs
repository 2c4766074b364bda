//! Computes the features of the activities that are visible at a date.

use std::collections::BTreeSet;

use super::{Given, Row, WINDOWS, days, gaps, mean, ratio, vs_usual, within};
use crate::raw::{ActivityRow, DAY};

pub(super) fn put(row: &mut Row, all: &[Given<'_, ActivityRow>], as_of: i64) {
    let activities = || all.iter().map(|event| event.row);
    let times: Vec<i64> = activities().map(|a| a.at).collect();
    let count = |from: i64, to: i64| times.iter().filter(|&&at| from <= at && at < to).count();

    for w in WINDOWS {
        let start = as_of - w * DAY;
        let now = || activities().filter(|a| within(a.at, as_of, w));
        let quantity = now().fold(0.0, |sum, a| sum + a.quantity.unwrap_or(1.0));
        let dates: BTreeSet<i64> = now().map(|a| a.at.div_euclid(DAY)).collect();
        let kinds: BTreeSet<Option<&str>> = now().map(|a| a.kind.as_deref()).collect();
        let (in_window, before) = (count(start, as_of), count(as_of - 2 * w * DAY, start));

        row.put(format!("activities_count_{w}d"), in_window);
        row.put(format!("activities_quantity_sum_{w}d"), quantity);
        row.put(format!("activities_active_days_{w}d"), dates.len());
        row.put(format!("activities_kinds_{w}d"), kinds.len());
        row.put(
            format!("activities_count_change_{w}d"),
            in_window as f64 - before as f64,
        );
        row.put(
            format!("activities_count_vs_usual_{w}d"),
            vs_usual(
                in_window as f64,
                count(i64::MIN, start) as f64,
                times.first().copied(),
                as_of,
                w,
            ),
        );
    }

    let since_last = times.last().map_or(f64::NAN, |&last| days(last, as_of));
    let gap_mean = mean(&gaps(&times), DAY as f64);
    row.put("activities_lifetime_count", all.len());
    row.put("activities_days_since_last", since_last);
    row.put("activities_gap_days_mean", gap_mean);
    row.put("activities_recency_ratio", ratio(since_last, gap_mean));
}
