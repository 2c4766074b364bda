//! Measures how long it takes to score one customer with a model of default size. The customer has 20 payments and 5
//! tickets, and five reasons are computed.
//!
//! Run it with `cargo bench -p churn-benches --bench one_customer`. `peers/one_customer.py` and
//! `peers/one_customer.mjs` measure the same call in Python and Node.

use std::time::Instant;

use churn_core::{AsOf, ChurnDefinition, ChurnModel, CustomerRows, RecordKind, Table, TrainOptions};
use churn_tests::golden::crowd;

/// Number of measured calls. A tenth as many calls run before them as a warm-up.
const CALLS: usize = 5_000;

fn main() -> churn_core::Result<()> {
    let definition = ChurnDefinition::inactivity(45, RecordKind::Payments);
    let options = TrainOptions::default().with_definition(definition);
    let as_of: AsOf = crowd::AS_OF.parse()?;
    let model = ChurnModel::train(&crowd::records(2_000), &options)?;
    let payments: Vec<String> = (0..20)
        .map(|number| {
            format!(
                r#"{{"due_at": "{}", "amount": {}}}"#,
                day(as_of, number * 15),
                10 + number % 7
            )
        })
        .collect();
    let tickets: Vec<String> = (0..5)
        .map(|number| {
            let (opened, resolved) = (day(as_of, number * 60 + 3), day(as_of, number * 60));
            format!(
                r#"{{"opened_at": "{opened}", "resolved_at": "{resolved}", "priority": "high", "satisfaction": 3}}"#
            )
        })
        .collect();
    let customer = r#"[{"customer_id": "C-1", "signed_up_at": "2023-07-01", "seats": 3, "plan": "pro"}]"#;
    let (payments, tickets) = (format!("[{}]", payments.join(",")), format!("[{}]", tickets.join(",")));
    let mut micros = Vec::with_capacity(CALLS);
    for call in 0..CALLS + CALLS / 10 {
        let start = Instant::now();
        let rows = CustomerRows::new(Table::from_json(customer.as_bytes())?)
            .payments(Table::from_json(payments.as_bytes())?)
            .tickets(Table::from_json(tickets.as_bytes())?)
            .activities(Table::new());
        let answer = model.score_customer(rows, as_of, 5)?;
        let spent = start.elapsed().as_secs_f64() * 1e6;
        assert!(answer.score.probability().is_some() && answer.reasons.len() == 5);
        if call >= CALLS / 10 {
            micros.push(spent);
        }
    }
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| micros[(micros.len() as f64 * share) as usize];
    println!("Rust: p50 {:.0} us, p99 {:.0} us over {CALLS} calls", at(0.5), at(0.99));
    Ok(())
}

/// Returns, as ISO text, the day that lies the given number of days before the last day that the score uses.
fn day(as_of: AsOf, before: i64) -> String {
    as_of.timestamp().plus_days(-1 - before).to_string()
}
