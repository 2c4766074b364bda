//! Rate limits. Their token buckets are stored in the database, so that all processes share them and a restart does not
//! reset them.

use std::time::Duration;

use crate::clock;
use crate::error::Result;
use crate::repositories::ControlPlane;

/// A rate limit. It allows `burst` calls at once, and one more call after each interval of length `every`.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub burst: u32,
    pub every: Duration,
}

impl ControlPlane {
    /// Takes one token out of a bucket. Returns `false` if the bucket is empty. The method runs a single statement, so
    /// two concurrent calls never get the same token.
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
