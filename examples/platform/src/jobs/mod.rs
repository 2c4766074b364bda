//! The worker. It claims jobs, runs them, renews their leases, and stores how they ended. When the lease of a job ends,
//! another worker can claim the job.

mod score;
mod seed;
mod train;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use churn_core::{CancelToken, Execution};
use churn_store::TenantStore;
use serde_json::json;
use tokio::sync::watch;

use crate::app::App;
use crate::clock::Clock;
use crate::error::{Problem, Result};
use crate::repositories::ControlPlane;
use crate::repositories::jobs::{Beat, Job, MOST_ATTEMPTS, NewJob, Status};

/// The interval at which a worker renews a job's lease, stores the job's progress, and checks whether a user cancelled
/// the job.
const TICK: Duration = Duration::from_millis(500);

/// The interval at which an idle worker looks for due jobs.
const IDLE: Duration = Duration::from_secs(1);

/// The kinds of jobs that users can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Score,
    Train,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Train => "train",
        }
    }
}

/// Adds a job that a user starts. If the company has an unfinished job of this kind, no job is added. Returns the id of
/// the new or unfinished job.
pub async fn start(
    control: &ControlPlane,
    clock: &Clock,
    company_id: &str,
    kind: Kind,
    account_id: &str,
) -> Result<String> {
    let new = NewJob {
        company_id,
        kind: kind.as_str(),
        unique_key: kind.as_str(),
        payload: json!({}).to_string(),
        created_by: account_id,
    };
    Ok(control.enqueue(&new, clock.micros()).await?.0)
}

/// Everything that the code of a job needs: the application's state, the job itself, and its cancel token.
#[derive(Clone)]
pub struct Context {
    pub app: App,
    pub job: Job,
    pub cancel: CancelToken,
    progress: Arc<Mutex<(f64, &'static str)>>,
}

impl Context {
    pub fn tenant(&self) -> TenantStore {
        self.app.store.tenant(&self.job.company_id)
    }

    /// Reports the progress of the job.
    pub fn at(&self, done: f64, stage: &'static str) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = (done, stage);
    }

    fn progress(&self) -> (f64, &'static str) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the options for a long call of `churn_core`. Cancelling the job cancels the call. The call's progress
    /// from 0 to 1 is reported as the job's progress between `from` and `to`.
    pub fn execution(&self, from: f64, to: f64) -> Execution {
        let context = self.clone();
        Execution::new()
            .threads(self.app.settings.threads)
            .cancelled_by(self.cancel.clone())
            .on_progress(move |progress| context.at(from + (to - from) * progress.done, progress.stage))
    }

    /// # Errors
    /// `cancelled` if the job must stop.
    pub fn check(&self) -> Result<()> {
        match self.cancel.is_cancelled() {
            true => Err(Problem::new(409, "cancelled", "The job was cancelled.")),
            false => Ok(()),
        }
    }
}

/// The reason why a worker stops a job before the job is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    /// A user cancelled the job.
    Cancelled,
    /// The lease ended, and another worker claimed the job.
    Lost,
    /// The process shuts down.
    Shutdown,
}

/// Runs jobs until `stop` becomes `true`. A job that is still running at that time goes back into the queue.
pub async fn work(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let lease = app.settings.lease;
        match app.control.claim(lease, app.clock.micros()).await {
            Ok(Some(job)) => run(&app, job, &mut stop).await,
            Ok(None) => {
                tokio::select! {
                    () = app.job_added.notified() => {}
                    () = tokio::time::sleep(IDLE) => {}
                    _ = stop.changed() => {}
                }
            }
            Err(problem) => {
                tracing::error!(code = problem.code, detail = problem.detail, "no job could be claimed");
                tokio::time::sleep(IDLE).await;
            }
        }
    }
}

/// Runs all due jobs, and returns when no job is due any more.
pub async fn work_off(app: &App) -> Result<()> {
    let (_keep, mut stop) = watch::channel(false);
    while let Some(job) = app.control.claim(app.settings.lease, app.clock.micros()).await? {
        run(app, job, &mut stop).await;
    }
    Ok(())
}

async fn run(app: &App, job: Job, stop: &mut watch::Receiver<bool>) {
    let context = Context {
        app: app.clone(),
        job,
        cancel: CancelToken::new(),
        progress: Arc::new(Mutex::new((0.0, ""))),
    };
    let job = &context.job;
    tracing::info!(
        job = job.job_id,
        kind = job.kind,
        company = job.company_id,
        attempt = job.attempts,
        "job begins"
    );
    let mut work = tokio::spawn(perform(context.clone()));
    let mut why = Stop::No;
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            () = tokio::time::sleep(TICK) => {}
            _ = stop.changed(), if !*stop.borrow() => {}
        }
        let (done, stage) = context.progress();
        let now = app.clock.micros();
        let next = match app.control.beat(job, done, stage, app.settings.lease, now).await {
            Ok(Beat::Held) if *stop.borrow() => Stop::Shutdown,
            Ok(Beat::Held) => Stop::No,
            Ok(Beat::CancelRequested) => Stop::Cancelled,
            Ok(Beat::Lost) => Stop::Lost,
            Err(problem) => {
                tracing::warn!(
                    job = job.job_id,
                    detail = problem.detail,
                    "the lease could not be renewed"
                );
                Stop::No
            }
        };
        if why == Stop::No && next != Stop::No {
            why = next;
            context.cancel.cancel();
        }
    };
    // If the job panics, the job fails, but the worker continues.
    let result = result.unwrap_or_else(|e| Err(Problem::internal(format!("the job panicked: {e}"))));
    match end(app, job, why, result).await {
        Ok(how) => tracing::info!(job = job.job_id, kind = job.kind, how, "job ended"),
        Err(problem) => tracing::error!(
            job = job.job_id,
            detail = problem.detail,
            "how the job ended was not stored"
        ),
    }
}

async fn perform(context: Context) -> Result<String> {
    match context.job.kind.as_str() {
        "score" => score::run(&context).await,
        "train" => train::run(&context).await,
        "seed" => seed::run(&context).await,
        other => Err(Problem::internal(format!("there are no jobs of kind '{other}'"))),
    }
}

/// Stores how a job ended. Returns a short description for the log.
async fn end(app: &App, job: &Job, why: Stop, result: Result<String>) -> Result<&'static str> {
    let (control, now) = (&app.control, app.clock.micros());
    let (kept, how) = match result {
        Ok(result) => (
            control.finish(job, Status::Done, None, Some(&result), now).await?,
            "done",
        ),
        Err(_) if why == Stop::Lost => (false, ""),
        Err(_) if why == Stop::Shutdown => (control.give_back(job, false, now, None).await?, "given back"),
        Err(_) if why == Stop::Cancelled => (
            control.finish(job, Status::Cancelled, None, None, now).await?,
            "cancelled",
        ),
        Err(problem) => {
            tracing::warn!(
                job = job.job_id,
                code = problem.code,
                detail = problem.detail,
                "job failed"
            );
            let error = Some((problem.code, problem.public_detail()));
            // If the data or the options cause the error, the job fails at once, because the error would occur again.
            // After an error of the machine or the database, the job is tried again.
            let again = problem.retryable || problem.status >= 500;
            match (again, job.attempts >= MOST_ATTEMPTS) {
                (false, _) => (control.finish(job, Status::Failed, error, None, now).await?, "failed"),
                (true, true) => (control.finish(job, Status::Dead, error, None, now).await?, "dead"),
                (true, false) => {
                    let wait = 2_000_000i64 << job.attempts.clamp(0, 10);
                    (
                        control.give_back(job, true, now + wait, error).await?,
                        "waits for another attempt",
                    )
                }
            }
        }
    };
    Ok(if kept { how } else { "lost its lease" })
}
