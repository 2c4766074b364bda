//! Rate limits: token buckets in the database, so that all processes count together and a restart forgets nothing.

use std::time::Duration;

use crate::clock;
use crate::error::Result;
use crate::repositories::ControlPlane;

/// A limit: `burst` at once, and one more per `every`.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub burst: u32,
    pub every: Duration,
}

impl ControlPlane {
    /// Takes one token out of a bucket; `false` if it is empty. One statement, so concurrent calls never share a token.
    pub async fn take(&self, bucket: &str, limit: Limit, at: i64) -> Result<bool> {
        const TAKE: &str = "
            INSERT INTO buckets AS b (bucket, tokens, updated_at, allowed)
            VALUES ($1, $2 - 1, $4, 1)
            ON CONFLICT (bucket) DO UPDATE
            SET allowed = MIN($2, b.tokens + MAX($4 - b.updated_at, 0) / $3) >= 1,
                tokens = MIN($2, b.tokens + MAX($4 - b.updated_at, 0) / $3)
                  - (MIN($2, b.tokens + MAX($4 - b.updated_at, 0) / $3) >= 1),
                updated_at = MAX($4, b.updated_at)
            RETURNING allowed";
        let allowed: i64 = sqlx::query_scalar(TAKE)
            .bind(bucket)
            .bind(f64::from(limit.burst))
            .bind(clock::micros(limit.every) as f64)
            .bind(at)
            .fetch_one(&self.pool)
            .await?;
        Ok(allowed == 1)
    }
}
