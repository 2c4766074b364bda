//! Stores the bundled Complete Journey data, trains a model on the stored records, and stores the model and its scores.
//! The program then opens the store again, as after a restart, and loads everything. The scores that it computes with
//! the loaded records and model are bit-identical to the scores before the restart.
//!
//! `cargo run --release --example store` uses a temporary SQLite file. To keep the data, add the URL of a database:
//! `cargo run --release --example store -- sqlite:churn.db`. The URL of a Postgres database has the form
//! `postgres://user:password@host/database`.

use std::error::Error;

use churn_core::{AsOf, ChurnModel, StaticAttributes, TrainOptions};
use churn_examples::journey;
use churn_store::{HighRisk, ReasonsFor, RecordsOptions, Stage, Store, TenantStore};

/// The date of the predictions. The data end on this date, so it is not known who will churn in the next 30 days.
const AS_OF: &str = "2018-01-01";

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match std::env::args().nth(1) {
        Some(url) => runtime.block_on(run(&url)),
        None => {
            let path = std::env::temp_dir().join(format!("churn-store-{}.db", std::process::id()));
            let done = runtime.block_on(run(&format!("sqlite://{}", path.display())));
            for file in ["", "-wal", "-shm"] {
                std::fs::remove_file(format!("{}{file}", path.display())).ok();
            }
            done
        }
    }
}

async fn run(url: &str) -> Result<(), Box<dyn Error>> {
    let store = Store::open(url).await?;
    store.migrate().await?;
    let tenant = store.tenant("complete-journey");
    for (records, file) in [
        (tenant.customers(), "customers.csv"),
        (tenant.payments(), "payments.csv"),
        (tenant.activities(), "activities.csv"),
    ] {
        let first = records.upsert(journey::table(file)?).await?;
        let again = records.upsert(journey::table(file)?).await?;
        println!(
            "{file}: {} rows, {} new; the same batch again changes {}",
            first.rows_in, first.rows_changed, again.rows_changed
        );
    }

    let records = tenant.records(&options()?).await?.0;
    let training = TrainOptions::default().with_definition(journey::definition());
    let model = ChurnModel::train(&records, &training)?;
    let scores = model.score(&records, AS_OF.parse::<AsOf>()?)?;
    let now = AS_OF.parse()?;
    tenant.models().save(&model, Stage::Champion, now).await?;
    tenant
        .scores()
        .save(&model, &scores, ReasonsFor::Riskiest(100), now)
        .await?;
    store.close().await;

    // The store is opened again, as after a restart. From here on, records, model and scores are loaded from the store.
    let store = Store::open(url).await?;
    let tenant = store.tenant("complete-journey");
    let champion = tenant.models().champion().await?.ok_or("no model was stored")?;
    let records = tenant.records(&options()?).await?.0;
    let again = champion.score(&records, AS_OF.parse::<AsOf>()?)?;
    assert_eq!(
        scores.scores(),
        again.scores(),
        "stored records and model give bit-identical scores"
    );
    print_risks(&tenant).await?;
    let report = store.attest().await?.to_string();
    println!("\n{}", report.lines().last().unwrap_or_default());
    store.close().await;
    Ok(())
}

/// Returns the options for loading the records. The example `quickstart` builds its records with the same options.
fn options() -> Result<RecordsOptions, churn_core::Error> {
    Ok(RecordsOptions {
        static_attributes: StaticAttributes::All,
        observed_from: Some("2017-01-01".parse()?),
        observed_until: Some(AS_OF.parse()?),
        ..Default::default()
    })
}

async fn print_risks(tenant: &TenantStore) -> Result<(), Box<dyn Error>> {
    for run in tenant.scores().runs(1).await? {
        let [low, medium, high, critical] = run.bands;
        println!(
            "\nAs of {}: {} households, {low} low, {medium} medium, {high} high, {critical} critical. Highest risk:",
            run.id.as_of, run.scored
        );
    }
    let five = HighRisk {
        limit: 5,
        ..Default::default()
    };
    for score in tenant.scores().high_risk(&five).await?.scores {
        let probability = score.probability.unwrap_or(f64::NAN);
        println!("  household {:<6} {:>5.1} %", score.customer_id, probability * 100.0);
        for reason in score.reasons.iter().take(2) {
            println!("    {:+.2}  {}", reason.contribution, reason.text);
        }
    }
    Ok(())
}
