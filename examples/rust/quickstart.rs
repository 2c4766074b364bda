//! Shows the way from raw records to a retention list. The program trains a model on the bundled Complete Journey data
//! and reports how well the model performs on later dates. It lists the ten households with the highest risk, with
//! reasons, and then saves and reloads the model.

use std::io::IsTerminal;

use churn_core::{ChurnModel, Error, Estimate, Execution, TrainOptions, TrainReport};
use churn_examples::journey;
use indicatif::{ProgressBar, ProgressStyle};

fn main() -> Result<(), Error> {
    let (records, report) = journey::records()?;
    println!("{report}");

    let bar = progress_bar();
    let shown = bar.clone();
    let execution = Execution::new().on_progress(move |progress| {
        shown.set_message(progress.stage);
        shown.set_position((progress.done * 1000.0) as u64);
    });
    let options = TrainOptions::default()
        .with_definition(journey::definition())
        .with_seed(0)
        .with_execution(execution);
    let model = ChurnModel::train(&records, &options)?;
    bar.finish_and_clear();
    print_report(model.report());

    // The data end on this date, so it is not known who will churn in the next 30 days. A retention team would get this
    // list on New Year's Day.
    let run = model.score(&records, "2018-01-01".parse::<churn_core::AsOf>()?)?;
    println!(
        "\nThe ten households most likely to stay away, of {} eligible as of {}:",
        run.scores().len(),
        run.as_of()
    );
    for score in run.riskiest(10) {
        let (probability, band) = (
            score.probability().unwrap_or(f64::NAN),
            score.risk_band().map_or("", |band| band.as_str()),
        );
        println!(
            "\n  household {:<6} {:>5.1} %  {band}",
            score.customer_id,
            probability * 100.0
        );
        for reason in run.reasons(&score.customer_id, 3)? {
            println!("    {:+.2}  {}", reason.contribution, reason.text);
        }
    }

    let path = std::env::temp_dir().join(format!("quickstart-{}.churn", std::process::id()));
    model.save(&path)?;
    let reloaded = ChurnModel::load(&path)?;
    std::fs::remove_file(&path)?;
    let again = reloaded.score(&records, run.as_of())?;
    assert_eq!(
        run.scores(),
        again.scores(),
        "a reloaded model gives bit-identical scores"
    );
    println!(
        "\nModel {} saved, reloaded, scored again: bit-identical ({} bytes).",
        model.id(),
        model.to_bytes().len()
    );
    Ok(())
}

fn print_report(report: &TrainReport) {
    println!(
        "Trained on {} household-dates, {} of them churned, at {} dates.",
        report.rows,
        report.churned,
        report.training_dates.len()
    );
    for member in &report.members {
        println!(
            "  {:<9} weight {:.2}   log-loss {:.4} on held-out households",
            member.name, member.weight, member.log_loss
        );
    }
    let Some(test) = &report.out_of_time else {
        println!(
            "No out-of-time test: {}",
            report.out_of_time_reason.as_deref().unwrap_or("unknown")
        );
        return;
    };
    println!(
        "\nOut of time: {} households at {}, trained on labels that end by {}.",
        test.measures.rows, test.test_date, test.proof.last_label_end
    );
    let measures = [
        ("AUC", test.measures.roc_auc),
        ("PR-AUC", test.measures.pr_auc),
        ("log-loss", test.measures.log_loss),
        ("Brier score", test.measures.brier),
        ("calibration error", test.measures.calibration_error),
        ("top-decile lift", test.measures.top_decile_lift),
    ];
    for (name, estimate) in measures {
        match estimate {
            Some(Estimate { value, interval, .. }) => {
                let (low, high) = (interval.low, interval.high);
                println!("  {name:<18} {value:.4}   90 % interval {low:.4} to {high:.4}");
            }
            None => println!("  {name:<18} not defined"),
        }
    }
    println!(
        "  churn rate {:.1} %, predicted on average {:.1} %",
        100.0 * test.measures.churned as f64 / test.measures.rows as f64,
        100.0 * test.measures.mean_probability
    );
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(1000).with_style(style)
}
