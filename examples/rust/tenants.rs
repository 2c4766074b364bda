//! Trains and tests models of three synthetic tenants with known risk. For each tenant, the program validates the raw
//! rows (including tickets), trains a model and scores the customers. It also compares the measures of the out-of-time
//! test with the measures of an oracle. The oracle predicts the true risks, which are known for synthetic tenants. The
//! program also shows that a model refuses to score another tenant's customers.
//!
//! Usage: `cargo run --release --example tenants -- [CUSTOMERS] [SEED]`

use churn_core::synthetic::{TrueRisk, WorldOptions, world};
use churn_core::{ChurnModel, Error, ErrorKind, Estimate, OutOfTime, TrainOptions, metrics};

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1).map_while(|text| text.parse().ok());
    let customers = arguments.next().unwrap_or(1500);
    let seed = arguments.next().unwrap_or(1);
    let world = world(
        &WorldOptions::default()
            .with_seed(seed as u64)
            .with_tenants(3)
            .with_customers(customers),
    )?;

    let mut models = vec![];
    let mut all_records = vec![];
    for tenant in world.tenants() {
        println!("== {}", tenant.id());
        let (records, report) = tenant.records()?.build()?;
        println!("{report}");

        let model = ChurnModel::train(&records, &TrainOptions::default())?;
        match &model.report().out_of_time {
            Some(test) => beside_the_oracle(test, &tenant.truth(test.test_date)?),
            None => println!("no out-of-time test: {:?}", model.report().out_of_time_reason),
        }

        let run = model.score(&records, tenant.observed_until())?;
        println!("\nmost likely to leave within 90 days of {}:", run.as_of());
        for score in run.riskiest(3) {
            let probability = 100.0 * score.probability().unwrap_or(f64::NAN);
            println!("  {}  {probability:>5.1} %", score.customer_id);
            for reason in run.reasons(&score.customer_id, 2)? {
                println!("    {:+.2}  {}", reason.contribution, reason.text);
            }
        }
        println!();
        models.push(model);
        all_records.push(records);
    }

    // Both tenants have a customer with the id c0000001, but these are different customers.
    let (first, second) = (&world.tenants()[0], &world.tenants()[1]);
    match models[0].score(&all_records[1], second.observed_until()) {
        Err(error) if error.kind() == ErrorKind::TenantMismatch => {
            println!(
                "The model of {} refuses the records of {}: {error}",
                first.id(),
                second.id()
            );
            Ok(())
        }
        Err(error) => Err(error),
        Ok(_) => unreachable!("a model scored another tenant's customers"),
    }
}

fn beside_the_oracle(test: &OutOfTime, truth: &[TrueRisk]) {
    let churned: Vec<bool> = truth.iter().map(|risk| risk.churned == Some(true)).collect();
    let risks: Vec<f64> = truth.iter().map(|risk| risk.probability).collect();
    println!(
        "out of time at {}: {} customers, {} left; trained on labels that end by {}",
        test.test_date, test.measures.rows, test.measures.churned, test.proof.last_label_end
    );
    println!("                     model   90 % interval      oracle");
    let rows = [
        ("AUC", test.measures.roc_auc, metrics::roc_auc(&churned, &risks)),
        ("PR-AUC", test.measures.pr_auc, metrics::pr_auc(&churned, &risks)),
        ("log-loss", test.measures.log_loss, metrics::log_loss(&churned, &risks)),
        ("Brier score", test.measures.brier, metrics::brier(&churned, &risks)),
        (
            "top-decile lift",
            test.measures.top_decile_lift,
            metrics::lift_at(&churned, &risks, 0.1),
        ),
    ];
    for (name, model, oracle) in rows {
        let oracle = oracle.unwrap_or(f64::NAN);
        match model {
            Some(Estimate { value, interval, .. }) => {
                let (low, high) = (interval.low, interval.high);
                println!("  {name:<16} {value:>7.4}   {low:.4} to {high:.4}   {oracle:>7.4}");
            }
            None => println!("  {name:<16}  not defined                   {oracle:>7.4}"),
        }
    }
    let mean = risks.iter().sum::<f64>() / risks.len().max(1) as f64;
    println!(
        "  {:<16} {:>7.4}                      {mean:>7.4}",
        "mean probability", test.measures.mean_probability
    );
}
