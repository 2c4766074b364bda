//! The queue of jobs. A worker that claims a job gets a lease, which it must renew. If the lease ends, another worker
//! can claim the job. Attempts are counted when a job is claimed, so an attempt that kills the worker is counted too.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::clock;
use crate::error::Result;
use crate::repositories::ControlPlane;

/// The maximum number of attempts. A job that fails at the last attempt gets the status `dead` and is not tried again.
pub const MOST_ATTEMPTS: i64 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Waiting,
    Running,
    Done,
    Failed,
    Dead,
    Cancelled,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }

    fn of(text: &str) -> Self {
        match text {
            "waiting" => Self::Waiting,
            "running" => Self::Running,
            "done" => Self::Done,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            // This is the status `dead`, because the `CHECK` constraint of the table allows no other text.
            _ => Self::Dead,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Job {
    pub job_id: String,
    pub company_id: String,
    pub kind: String,
    pub payload: String,
    pub status: Status,
    pub attempts: i64,
    pub created_at: i64,
    pub created_by: String,
    pub finished_at: Option<i64>,
    pub lease: Option<String>,
    pub progress: f64,
    pub stage: String,
    pub cancel_requested: bool,
    pub error_code: Option<String>,
    pub error: Option<String>,
    pub result: Option<String>,
}

/// A job to add.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    pub company_id: &'a str,
    pub kind: &'a str,
    /// While the company has an unfinished job with this key, no other job with the same key is added.
    pub unique_key: &'a str,
    pub payload: String,
    pub created_by: &'a str,
}

/// The result of renewing a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    Held,
    CancelRequested,
    /// Another worker has claimed the job, or the job has ended. The worker must discard the job's result.
    Lost,
}

const COLUMNS: &str = "job_id, company_id, kind, payload, status, attempts, created_at, created_by, finished_at, lease,
    progress, stage, cancel_requested, error_code, error, result";

fn job(row: SqliteRow) -> Result<Job> {
    Ok(Job {
        job_id: row.try_get(0)?,
        company_id: row.try_get(1)?,
        kind: row.try_get(2)?,
        payload: row.try_get(3)?,
        status: Status::of(&row.try_get::<String, _>(4)?),
        attempts: row.try_get(5)?,
        created_at: row.try_get(6)?,
        created_by: row.try_get(7)?,
        finished_at: row.try_get(8)?,
        lease: row.try_get(9)?,
        progress: row.try_get(10)?,
        stage: row.try_get(11)?,
        cancel_requested: row.try_get::<i64, _>(12)? == 1,
        error_code: row.try_get(13)?,
        error: row.try_get(14)?,
        result: row.try_get(15)?,
    })
}

impl ControlPlane {
    /// Adds a job. If the company has an unfinished job with the same key, no job is added. Returns the id of the new
    /// or the unfinished job, and whether the job is new.
    pub async fn enqueue(&self, new: &NewJob<'_>, at: i64) -> Result<(String, bool)> {
        const ADD: &str = "
            INSERT INTO jobs (job_id, company_id, kind, unique_key, payload, status, run_at, created_at, created_by)
            VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6, $7)
            ON CONFLICT (company_id, unique_key) WHERE status IN ('waiting', 'running') DO UPDATE
            SET unique_key = excluded.unique_key
            RETURNING job_id";
        let id = clock::random_hex::<16>()?;
        let stored: String = sqlx::query_scalar(ADD)
            .bind(&id)
            .bind(new.company_id)
            .bind(new.kind)
            .bind(new.unique_key)
            .bind(&new.payload)
            .bind(at)
            .bind(new.created_by)
            .fetch_one(&self.pool)
            .await?;
        let is_new = stored == id;
        Ok((stored, is_new))
    }

    /// Claims the next due job. A company has at most one running job, so companies with a running job are skipped.
    /// Companies take turns: the next job is a job of the company that has waited the longest since its last claim.
    pub async fn claim(&self, lease: Duration, at: i64) -> Result<Option<Job>> {
        const BURY: &str = "
            UPDATE jobs
            SET status = 'dead', finished_at = $1, lease = NULL, lease_ends_at = NULL,
                error_code = COALESCE(error_code, 'worker_lost'),
                error = COALESCE(error, 'The worker ended during each attempt.')
            WHERE status = 'running' AND lease_ends_at <= $1 AND attempts >= $2";
        let claim = format!(
            "
            UPDATE jobs
            SET status = 'running', attempts = attempts + 1, claimed_at = $1, lease = $2, lease_ends_at = $3,
                progress = 0, stage = '', error_code = NULL, error = NULL
            WHERE job_id = (
              SELECT j.job_id
              FROM jobs AS j
              WHERE ((j.status = 'waiting' AND j.run_at <= $1) OR (j.status = 'running' AND j.lease_ends_at <= $1))
                AND NOT EXISTS (
                  SELECT 1
                  FROM jobs AS r
                  WHERE r.company_id = j.company_id AND r.status = 'running' AND r.lease_ends_at > $1
                )
              ORDER BY (SELECT COALESCE(MAX(c.claimed_at), 0) FROM jobs AS c WHERE c.company_id = j.company_id),
                j.created_at, j.job_id
              LIMIT 1
            )
            RETURNING {COLUMNS}"
        );
        sqlx::query(BURY)
            .bind(at)
            .bind(MOST_ATTEMPTS)
            .execute(&self.pool)
            .await?;
        let row = sqlx::query(sqlx::AssertSqlSafe(claim))
            .bind(at)
            .bind(clock::random_hex::<16>()?)
            .bind(at + clock::micros(lease))
            .fetch_optional(&self.pool)
            .await?;
        row.map(job).transpose()
    }

    /// Ends all leases. Their workers no longer exist, because only one process at a time can hold the lock file, and
    /// this process holds it.
    pub async fn end_leases(&self) -> Result<u64> {
        let ended = sqlx::query("UPDATE jobs SET lease_ends_at = 0 WHERE status = 'running'")
            .execute(&self.pool)
            .await?;
        Ok(ended.rows_affected())
    }

    /// Renews the lease of a job and stores the job's progress.
    pub async fn beat(&self, job: &Job, progress: f64, stage: &str, lease: Duration, at: i64) -> Result<Beat> {
        const BEAT: &str = "
            UPDATE jobs
            SET lease_ends_at = $3, progress = $4, stage = $5
            WHERE job_id = $1 AND lease = $2 AND status = 'running'
            RETURNING cancel_requested";
        let cancel: Option<i64> = sqlx::query_scalar(BEAT)
            .bind(&job.job_id)
            .bind(&job.lease)
            .bind(at + clock::micros(lease))
            .bind(progress)
            .bind(stage)
            .fetch_optional(&self.pool)
            .await?;
        Ok(match cancel {
            None => Beat::Lost,
            Some(1) => Beat::CancelRequested,
            Some(_) => Beat::Held,
        })
    }

    /// Stores the final status of a claimed job. Returns `false` and stores nothing if the worker has lost the lease.
    pub async fn finish(
        &self,
        job: &Job,
        status: Status,
        error: Option<(&str, &str)>,
        result: Option<&str>,
        at: i64,
    ) -> Result<bool> {
        const FINISH: &str = "
            UPDATE jobs
            SET status = $3, finished_at = $4, lease = NULL, lease_ends_at = NULL, error_code = $5, error = $6,
                result = $7, progress = CASE WHEN $3 = 'done' THEN 1 ELSE progress END
            WHERE job_id = $1 AND lease = $2 AND status = 'running'";
        let ended = sqlx::query(FINISH)
            .bind(&job.job_id)
            .bind(&job.lease)
            .bind(status.as_str())
            .bind(at)
            .bind(error.map(|(code, _)| code))
            .bind(error.map(|(_, message)| message))
            .bind(result)
            .execute(&self.pool)
            .await?;
        Ok(ended.rows_affected() == 1)
    }

    /// Puts a claimed job back into the queue. If `counted` is false, the attempt does not count. Returns `false` if
    /// the worker has lost the lease.
    pub async fn give_back(&self, job: &Job, counted: bool, run_at: i64, error: Option<(&str, &str)>) -> Result<bool> {
        const GIVE_BACK: &str = "
            UPDATE jobs
            SET status = 'waiting', attempts = attempts - $3, run_at = $4, lease = NULL, lease_ends_at = NULL,
                error_code = $5, error = $6
            WHERE job_id = $1 AND lease = $2 AND status = 'running'";
        let back = sqlx::query(GIVE_BACK)
            .bind(&job.job_id)
            .bind(&job.lease)
            .bind(i64::from(!counted))
            .bind(run_at)
            .bind(error.map(|(code, _)| code))
            .bind(error.map(|(_, message)| message))
            .execute(&self.pool)
            .await?;
        Ok(back.rows_affected() == 1)
    }

    /// Cancels a job of a company. A waiting job is cancelled at once. A running job is marked, and its worker stops
    /// it. Returns the job's status; `None` if there is no such job.
    pub async fn cancel(&self, company_id: &str, job_id: &str, at: i64) -> Result<Option<Status>> {
        const CANCEL: &str = "
            UPDATE jobs
            SET cancel_requested = CASE WHEN status = 'running' THEN 1 ELSE cancel_requested END,
                finished_at = CASE WHEN status = 'waiting' THEN $3 ELSE finished_at END,
                status = CASE WHEN status = 'waiting' THEN 'cancelled' ELSE status END
            WHERE company_id = $1 AND job_id = $2
            RETURNING status";
        let status: Option<String> = sqlx::query_scalar(CANCEL)
            .bind(company_id)
            .bind(job_id)
            .bind(at)
            .fetch_optional(&self.pool)
            .await?;
        Ok(status.map(|status| Status::of(&status)))
    }

    /// Returns the newest jobs of a company, newest first.
    pub async fn jobs_of(&self, company_id: &str, limit: i64) -> Result<Vec<Job>> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE company_id = $1 ORDER BY created_at DESC, job_id LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(company_id)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(job).collect()
    }

    pub async fn job(&self, company_id: &str, job_id: &str) -> Result<Option<Job>> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE company_id = $1 AND job_id = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(company_id)
            .bind(job_id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(job).transpose()
    }

    /// Returns the number of unfinished jobs of all companies.
    pub async fn unfinished(&self) -> Result<i64> {
        Ok(
            sqlx::query_scalar("SELECT COUNT(*) FROM jobs WHERE status IN ('waiting', 'running')")
                .fetch_one(&self.pool)
                .await?,
        )
    }
}
