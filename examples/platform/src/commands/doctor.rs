//! The command `doctor`. It checks for common problems, and prints one line per check.

use churn_core::Timestamp;

use crate::clock::Clock;
use crate::commands::open;
use crate::config::Settings;
use crate::error::{Problem, Result};

fn line(failures: &mut usize, what: &str, found: Result<String>) {
    match found {
        Ok(detail) => println!("ok      {what}: {detail}"),
        Err(problem) => {
            *failures += 1;
            println!("FAILED  {what}: {} ({})", problem.detail, problem.code);
        }
    }
}

pub(super) async fn doctor(settings: Settings) -> Result<()> {
    let mut failures = 0;
    let now = Clock::default().now();
    let plausible = Timestamp::from_ymd(2026, 1, 1).is_some_and(|earliest| now > earliest);
    let clock = match plausible {
        true => Ok(now.to_string()),
        false => Err(Problem::internal(format!(
            "{now} lies before the release of this program"
        ))),
    };
    line(&mut failures, "clock", clock);
    let mode = match (settings.demo, settings.https) {
        (true, false) => "demo mode over http: cookies without Secure and __Host-",
        (true, true) => "demo mode over https",
        (false, _) => "production over https",
    };
    line(&mut failures, "mode", Ok(mode.to_owned()));
    let listen = match tokio::net::TcpListener::bind(settings.address).await {
        Ok(_) => Ok(format!("{} is free", settings.address)),
        Err(e) => Err(Problem::internal(format!("{}: {e}", settings.address))),
    };
    line(&mut failures, "address", listen);
    match open(settings).await {
        Err(problem) => line(&mut failures, "databases", Err(problem)),
        Ok(alone) => {
            let app = &alone.app;
            let version = app.control.version().await.map(|version| format!("version {version}"));
            line(&mut failures, "control plane", version);
            let version = app.store.version().await.map_err(Problem::from);
            line(
                &mut failures,
                "store",
                version.map(|version| format!("version {version}")),
            );
            let attested = async {
                let attestation = app.store.attest().await?;
                attestation.sign_off()?;
                Ok(format!("{} checks passed", attestation.checks.len()))
            };
            line(&mut failures, "isolation", attested.await);
            let jobs = app.control.unfinished().await.map(|jobs| format!("{jobs} unfinished"));
            line(&mut failures, "jobs", jobs);
            app.close().await;
        }
    }
    match failures {
        0 => Ok(()),
        n => Err(Problem::internal(format!("{n} checks failed"))),
    }
}
