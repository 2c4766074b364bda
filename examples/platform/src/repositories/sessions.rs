//! Queries for sessions. The table contains only hashes of the cookies' secrets, so nobody can log in with a copy of
//! the database.

use sqlx::Row as _;

use crate::error::Result;
use crate::repositories::ControlPlane;

#[derive(Clone, Debug)]
pub struct Session {
    pub session_hash: String,
    pub account_id: String,
    pub company_id: Option<String>,
    pub seen_at: i64,
    pub ends_at: i64,
}

impl ControlPlane {
    pub async fn add_session(&self, session_hash: &str, account_id: &str, at: i64, ends_at: i64) -> Result<()> {
        const ADD: &str = "
            INSERT INTO sessions (session_hash, account_id, created_at, seen_at, ends_at)
            VALUES ($1, $2, $3, $3, $4)";
        sqlx::query(ADD)
            .bind(session_hash)
            .bind(account_id)
            .bind(at)
            .bind(ends_at)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn session(&self, session_hash: &str) -> Result<Option<Session>> {
        const BY_HASH: &str = "
            SELECT session_hash, account_id, company_id, seen_at, ends_at
            FROM sessions
            WHERE session_hash = $1";
        let row = sqlx::query(BY_HASH)
            .bind(session_hash)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            Ok(Session {
                session_hash: row.try_get(0)?,
                account_id: row.try_get(1)?,
                company_id: row.try_get(2)?,
                seen_at: row.try_get(3)?,
                ends_at: row.try_get(4)?,
            })
        })
        .transpose()
    }

    pub async fn touch_session(&self, session_hash: &str, at: i64) -> Result<()> {
        sqlx::query("UPDATE sessions SET seen_at = $2 WHERE session_hash = $1")
            .bind(session_hash)
            .bind(at)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn choose_company(&self, session_hash: &str, company_id: &str) -> Result<()> {
        sqlx::query("UPDATE sessions SET company_id = $2 WHERE session_hash = $1")
            .bind(session_hash)
            .bind(company_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn end_session(&self, session_hash: &str) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE session_hash = $1")
            .bind(session_hash)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Deletes sessions that have ended or whose last request was before `idle_since`. Also deletes rate-limit buckets
    /// that were not used for a day. Returns the number of deleted sessions.
    pub async fn sweep(&self, at: i64, idle_since: i64) -> Result<u64> {
        let ended = sqlx::query("DELETE FROM sessions WHERE ends_at <= $1 OR seen_at <= $2")
            .bind(at)
            .bind(idle_since)
            .execute(&self.pool)
            .await?;
        sqlx::query("DELETE FROM buckets WHERE updated_at < $1 - 86400000000")
            .bind(at)
            .execute(&self.pool)
            .await?;
        Ok(ended.rows_affected())
    }
}
