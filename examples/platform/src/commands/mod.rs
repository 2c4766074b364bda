//! The command line: `churn-platform [COMMAND]`.

mod doctor;
mod maintain;
mod serve;

pub use serve::{Server, bind};

use std::fs::{File, TryLockError};
use std::process::ExitCode;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Given, Settings};
use crate::error::Problem;

const HELP: &str = "\
A multi-tenant churn prediction platform.

Usage: churn-platform [COMMAND]

  serve              serves the pages, and runs jobs unless worker = false (default)
  worker             runs jobs without serving pages
  seed               creates the demo companies and runs their jobs, then ends
  migrate [ROLE]     creates or updates the tables, and lets a PostgreSQL role use them
  retrain COMPANY    adds a training job for a company
  backup FOLDER      writes snapshots of the SQLite files into a new folder
  attest             verifies that the companies are isolated from each other
  doctor             checks settings, files, databases and clock
  config show        prints the settings and where they come from
  sync               not built yet

Settings: platform.toml and PLATFORM_* variables; see .env.example.
";

/// Runs a command.
pub fn main(arguments: Vec<String>) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        ["sync"] => {
            eprintln!("sync is not built yet: this version imports synthetic records only (churn-platform seed)");
            return ExitCode::from(2);
        }
        [] | ["serve" | "worker" | "seed" | "migrate" | "attest" | "doctor"] => {}
        ["retrain" | "backup" | "migrate", _] | ["config", "show"] => {}
        _ => {
            eprintln!("unknown command: {}\n\n{HELP}", arguments.join(" "));
            return ExitCode::from(2);
        }
    }
    let given = match Given::of_process() {
        Ok(given) => given,
        Err(error) => return refuse(&error),
    };
    if words == ["config", "show"] {
        print!("{}", given.show());
        return match Settings::new(&given) {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => refuse(&error),
        };
    }
    let settings = match Settings::new(&given) {
        Ok(settings) => settings,
        Err(error) => return refuse(&error),
    };
    let logs = tracing_subscriber::fmt().json().with_max_level(settings.log_level);
    logs.with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&error.to_string()),
    };
    let done = runtime.block_on(async {
        match words.as_slice() {
            [] | ["serve"] => serve::serve(settings).await,
            ["worker"] => serve::worker(settings).await,
            ["seed"] => maintain::seed(settings).await,
            ["migrate"] => maintain::migrate(settings, None).await,
            ["migrate", role] => maintain::migrate(settings, Some(role)).await,
            ["retrain", company] => maintain::retrain(settings, company).await,
            ["backup", folder] => maintain::backup(settings, folder).await,
            ["attest"] => maintain::attest(settings).await,
            _ => doctor::doctor(settings).await,
        }
    });
    // If a training run does not react to its cancel token, the process waits two seconds and then ends anyway.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => refuse(&format!("{} ({})", problem.detail, problem.code)),
    }
}

fn refuse(error: &str) -> ExitCode {
    eprintln!("churn-platform: {error}");
    ExitCode::FAILURE
}

/// The application's state, and a lock that excludes other processes. The lock is needed because a SQLite store must be
/// open in one process only.
struct Alone {
    app: App,
    _lock: File,
}

async fn open(settings: Settings) -> Result<Alone, Problem> {
    std::fs::create_dir_all(&settings.data_dir)?;
    let path = settings.data_dir.join("platform.lock");
    let lock = File::create(&path)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let folder = settings.data_dir.display();
            return Err(Problem::internal(format!(
                "another process of the platform uses '{folder}'"
            )));
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let app = App::open(settings, Clock::default()).await?;
    let ended = app.control.end_leases().await?;
    if ended > 0 {
        tracing::info!(jobs = ended, "jobs of a process that ended begin again");
    }
    Ok(Alone { app, _lock: lock })
}
