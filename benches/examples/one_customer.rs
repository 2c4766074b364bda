//! How long one customer takes: records in, score and reasons out.
//!
//! `cargo run --release -p churn-benches --example one_customer -- [calls]`
//!
//! A customer with twenty payments and five tickets; every call checks his rows, builds his records, works out his
//! features and scores them, on the caller's thread.

use std::time::Instant;

use churn_benches::scale::{Size, batches, dates, records};
use churn_core::{
    ChurnModel, Customer, CustomerRows, Execution, FeaturePlan, Payment, TenantRecords, Ticket, Timestamp,
    TrainOptions, Value, features,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let calls: usize = std::env::args().nth(1).as_deref().unwrap_or("10000").parse()?;
    let tenant = records(&batches(Size::of(10_000), 1)?, Execution::new().threads(2))?;
    let plan = FeaturePlan::default();
    let model = ChurnModel::train(&tenant, &TrainOptions::default())?;
    let as_of = dates(1)[0];
    let ago = |days: i64| as_of.timestamp().plus_days(-days);
    let (customer, payments, tickets) = rows(ago);
    let all = || {
        let rows = CustomerRows::new(vec![customer.clone()]);
        let rows = rows.payments(payments.clone()).tickets(tickets.clone());
        rows.activities(churn_core::Table::new())
    };
    report("score, no reasons", calls, || {
        model.score_customer(all(), as_of, 0).map(drop)
    })?;
    report("score and 3 reasons", calls, || {
        model.score_customer(all(), as_of, 3).map(drop)
    })?;
    let one = Execution::new().threads(1);
    let build = || {
        let builder = TenantRecords::builder("scale").customers(vec![customer.clone()]);
        let builder = builder.payments(payments.clone()).tickets(tickets.clone());
        let builder = builder.static_attributes(churn_core::StaticAttributes::All);
        Ok::<_, churn_core::Error>(builder.execution(one.clone()).build()?.0)
    };
    report("of it the records", calls, || build().map(drop))?;
    let his = build()?;
    report("of it the features", calls, || {
        features(&his, &[as_of], &plan, &one).map(drop)
    })?;
    Ok(())
}

fn rows(ago: impl Fn(i64) -> Timestamp) -> (Customer, Vec<Payment>, Vec<Ticket>) {
    let customer_id = "cus_1".to_owned();
    let customer = Customer {
        customer_id: customer_id.clone(),
        signed_up_at: ago(700),
        attributes: [("plan", Value::Text("team".into())), ("seats", Value::Float(7.0))]
            .map(|(name, value)| (name.into(), value))
            .into(),
        ..Default::default()
    };
    let payments = (0..20).map(|month| Payment {
        customer_id: customer_id.clone(),
        due_at: ago(10 + 30 * month),
        settled_at: Some(ago(8 + 30 * month)),
        amount: 49.9,
        status: Some(if month == 3 { "failed" } else { "paid" }.to_owned()),
        ..Default::default()
    });
    let tickets = (0..5).map(|number| Ticket {
        customer_id: customer_id.clone(),
        opened_at: ago(20 + 60 * number),
        resolved_at: Some(ago(18 + 60 * number)),
        priority: Some("high".to_owned()),
        ..Default::default()
    });
    (customer, payments.collect(), tickets.collect())
}

/// Calls many times and prints microseconds.
fn report(what: &str, calls: usize, call: impl Fn() -> churn_core::Result<()>) -> churn_core::Result<()> {
    let mut micros = Vec::with_capacity(calls);
    for number in 0..calls + calls / 10 {
        let start = Instant::now();
        call()?;
        // The first tenth warms up.
        if number >= calls / 10 {
            micros.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    micros.sort_by(f64::total_cmp);
    let quantile = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize];
    println!(
        "{what:<22} p50 {:>8.1} us, p99 {:>8.1} us",
        quantile(0.5),
        quantile(0.99)
    );
    Ok(())
}
