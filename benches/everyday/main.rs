//! Measures whether the mean probability is right on every day of the billing cycle. For each of several billing
//! cycles, the program trains a model on synthetic tenants and scores the customers on 31 consecutive days. It then
//! compares the mean probability of each day with the mean true risk.
//!
//! Usage: `cargo run --release -p churn-benches --example everyday -- [ARGUMENTS]`. The arguments are CUSTOMERS, SEEDS,
//! CYCLES, HORIZONS and ACTIVE_WITHIN, in this order. All of them are optional. SEEDS, CYCLES and HORIZONS are
//! comma-separated lists or `all`. For SEEDS, `all` means the seeds 0, 1 and 2. A customer is eligible at a date if
//! they were active in a period that ends at the date and is ACTIVE_WITHIN times as long as the horizon. Without
//! ACTIVE_WITHIN, the default of the churn definition is used.

use std::time::Instant;

use churn_core::{ChurnDefinition, ChurnModel, Error, RecordKind, TrainOptions};
use churn_tests::everyday::{Cycle, Everyday, as_of};

const SEEDS: [u64; 3] = [0, 1, 2];
const HORIZONS: [u32; 6] = [30, 45, 60, 90, 180, 365];

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |at: usize| arguments.get(at).map_or("all", String::as_str);
    let number = |at: usize, default: u64| text(at).parse().unwrap_or(default);
    let listed = |at: usize, name: &str| text(at) == "all" || text(at).split(',').any(|wanted| wanted == name);
    let (customers, active) = (number(0, 10_000) as usize, number(4, 0) as u32);
    println!(
        "| cycle | horizon | seed | rows | days without eligible customers | level, mean | level, worst | worst day: predicted / risk | log-loss above constant, mean | worst | out-of-time AUC | shift | seconds | warnings |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (name, cycle) in Cycle::ALL.iter().filter(|(name, _)| listed(2, name)) {
        for seed in SEEDS.into_iter().filter(|seed| listed(1, &seed.to_string())) {
            let tenant = Everyday::new(*cycle, customers, seed);
            let (past, all) = (tenant.records(tenant.today), tenant.records(tenant.today + 31));
            for horizon in HORIZONS.iter().filter(|days| listed(3, &days.to_string())) {
                let mut definition = ChurnDefinition::inactivity(*horizon, RecordKind::Payments);
                if active > 0 {
                    definition = definition.active_within(active * horizon);
                }
                let options = TrainOptions::default().with_definition(definition).with_seed(seed);
                let start = Instant::now();
                let model = match ChurnModel::train(&past, &options) {
                    Ok(model) => model,
                    Err(error) => {
                        println!("| {name} | {horizon} | {seed} | {error} |");
                        continue;
                    }
                };
                let seconds = start.elapsed().as_secs_f64();
                let (mut figures, mut nobody) = (vec![], 0);
                for day in tenant.days() {
                    match model.score(&all, as_of(day)) {
                        Ok(run) => figures.push((day, tenant.judge(&run, day, i64::from(*horizon)))),
                        // If the billing cycle is longer than the horizon, there are days on which no customer is
                        // eligible, because none has paid recently.
                        Err(error) if error.code() == "no_eligible_customers" => nobody += 1,
                        Err(error) => return Err(error),
                    }
                }
                if figures.is_empty() {
                    println!(
                        "| {name} | {horizon} | {seed} | {} | {nobody} | nobody is eligible on any day |",
                        model.report().rows
                    );
                    continue;
                }
                if std::env::var_os("EVERY_DAY").is_some() {
                    for (day, day_figures) in &figures {
                        println!("    {}: {day_figures:?}", as_of(*day));
                    }
                }
                let count = figures.len() as f64;
                let off = |at: usize| (figures[at].1.predicted - figures[at].1.risk).abs();
                let level = (0..figures.len()).map(off).sum::<f64>() / count;
                let worst = (0..figures.len()).fold(0, |worst, at| if off(at) > off(worst) { at } else { worst });
                let excess = figures.iter().map(|(_, day)| day.excess).sum::<f64>() / count;
                let most = figures.iter().map(|(_, day)| day.excess).fold(f64::MIN, f64::max);
                let report = model.report();
                let value =
                    |estimate: Option<churn_core::Estimate>| estimate.map_or(f64::NAN, |estimate| estimate.value);
                let test = report.out_of_time.as_ref().map(|test| &test.measures);
                println!(
                    "| {name} | {horizon} | {seed} | {} | {nobody} | {level:.4} | {:.4} | {}: {:.3} / {:.3} | {excess:.4} | {most:.4} | {:.3} | {:.2} | {seconds:.1} | {} |",
                    report.rows,
                    off(worst),
                    as_of(figures[worst].0),
                    figures[worst].1.predicted,
                    figures[worst].1.risk,
                    value(test.and_then(|test| test.roc_auc)),
                    value(test.and_then(|test| test.base_rate_shift)),
                    codes(report),
                );
            }
        }
    }
    Ok(())
}

/// Returns the codes of the training report's warnings, and the names of the features with leakage findings.
fn codes(report: &churn_core::TrainReport) -> String {
    let warnings = report.warnings.iter().map(|warning| match warning.dates.len() {
        0 => warning.code.as_str().to_owned(),
        dates => format!("{} ({dates})", warning.code.as_str()),
    });
    let leaks = report.leaks.iter().map(|leak| format!("leak {}", leak.column));
    warnings.chain(leaks).collect::<Vec<_>>().join(", ")
}
