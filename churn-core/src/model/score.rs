//! Scores of customers as of a date.

use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::features::FeatureMatrix;
use crate::model::bands::RiskBand;
use crate::model::fit::Scorer;
use crate::model::reason::{Reason, top_reasons};
use crate::parallel::Workers;
use crate::record::TenantId;
use crate::time::{AsOf, Timestamp};

/// Whether there was an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScoreStatus {
    /// There is a probability.
    Scored,
    /// The history is too thin to say.
    NotEnoughEvidence {
        /// Why, in words.
        reason: String,
        /// When an answer is expected at the latest, if the customer stays.
        expected_at: Option<Timestamp>,
    },
}

impl ScoreStatus {
    /// `"scored"` or `"not_enough_evidence"`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Scored => "scored",
            Self::NotEnoughEvidence { .. } => "not_enough_evidence",
        }
    }
}

impl std::fmt::Display for ScoreStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One customer's answer.
///
/// Serde writes its fields side by side: `{"customer_id": "C-1", "probability": 0.12, "interval": [0.08, 0.17],
/// "risk_band": "medium", "status": "scored"}`; without enough evidence the three in the middle are null, and `reason` and
/// `expected_at` say more.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Score {
    /// Who.
    pub customer_id: String,
    /// Calibrated probability of churn in the label period; `None` where there is not enough evidence.
    pub probability: Option<f64>,
    /// How sure the calibration is of the probability, which lies between these two: 90 % interval of a bootstrap over customers
    /// for the churn rate of those who score like this one, at dates like those of training. It rises with the probability and
    /// narrows with the customers there were to calibrate by. The doubt of the members themselves is not in it, so with few
    /// customers it holds the truth less often than that; nor is it a bound on one customer's own risk, or on what times
    /// bring. `None` without a probability, and of models made before there were intervals.
    pub interval: Option<[f64; 2]>,
    /// The band of the probability; `None` where there is none.
    pub risk_band: Option<RiskBand>,
    /// Whether there was an answer, and if not why.
    #[serde(flatten)]
    pub status: ScoreStatus,
}

/// The scores of all eligible customers of a tenant as of one date, sorted by customer id. Made by
/// [`ChurnModel::score`](crate::ChurnModel::score).
///
/// ```no_run
/// # use churn_core::{AsOf, ChurnModel, TenantRecords};
/// # fn show(model: ChurnModel, records: TenantRecords, as_of: AsOf) -> churn_core::Result<()> {
/// let run = model.score(&records, as_of)?;
/// for score in run.riskiest(10) {
///     for reason in run.reasons(&score.customer_id, 3)? {
///         println!("{} {:+.2} {}", score.customer_id, reason.contribution, reason.text);
///     }
/// }
/// match run.score_of("C-17") {
///     Ok(score) => println!("{:?}: {}", score.probability, score.status),
///     Err(error) => println!("{error}"), // customer_not_found: he was not eligible at that date
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ScoreRun {
    pub(crate) scorer: Arc<Scorer>,
    pub(crate) model_id: Arc<str>,
    pub(crate) as_of: AsOf,
    pub(crate) matrix: FeatureMatrix,
    pub(crate) scores: Vec<Score>,
}

impl ScoreRun {
    /// One score per eligible customer, sorted by customer id (bytes).
    pub fn scores(&self) -> &[Score] {
        &self.scores
    }

    /// The moment that it was pretended to be.
    pub fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// The id of the model that scored: [`ChurnModel::id`](crate::ChurnModel::id).
    pub fn model_id(&self) -> &str {
        &self.model_id
    }

    /// Whose customers these are.
    pub fn tenant(&self) -> &TenantId {
        &self.matrix.tenant
    }

    /// The features behind the scores, a row per score.
    pub fn matrix(&self) -> &FeatureMatrix {
        &self.matrix
    }

    /// The score of a customer.
    ///
    /// # Errors
    /// `customer_not_found` if the customer was not eligible.
    pub fn score_of(&self, customer_id: &str) -> Result<&Score> {
        self.row_of(customer_id).map(|row| &self.scores[row])
    }

    /// The `top` features that moved a customer's score the most, either way, largest first; empty where there is
    /// not enough evidence. Worked out at each call. Contributions are Shapley values in log-odds before calibration.
    ///
    /// # Errors
    /// `customer_not_found` if the customer was not eligible.
    pub fn reasons(&self, customer_id: &str, top: usize) -> Result<Vec<Reason>> {
        let row = self.row_of(customer_id)?;
        if self.scores[row].probability.is_none() {
            return Ok(vec![]);
        }
        let (contributions, _) = self
            .scorer
            .contributions(self.matrix.select(&[row]).view(), &Workers::inline())?;
        Ok(top_reasons(
            self.matrix.view(),
            row,
            &contributions.row(0).to_vec(),
            top,
        ))
    }

    /// The `top` customers most likely to leave, most likely first; ties by customer id. Those without a probability are not
    /// among them.
    pub fn riskiest(&self, top: usize) -> Vec<&Score> {
        let mut order: Vec<&Score> = self.scores.iter().filter(|score| score.probability.is_some()).collect();
        order.sort_by(|a, b| {
            b.probability
                .partial_cmp(&a.probability)
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        order.truncate(top);
        order
    }

    fn row_of(&self, customer_id: &str) -> Result<usize> {
        let found = self
            .scores
            .binary_search_by(|score| score.customer_id.as_str().cmp(customer_id));
        found.map_err(|_| {
            let message = format!(
                "customer '{}' was not eligible as of {}",
                crate::error::excerpt(customer_id),
                self.as_of
            );
            Error::new(ErrorKind::CustomerNotFound, message)
        })
    }
}

impl std::fmt::Debug for ScoreRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScoreRun")
            .field("tenant", self.tenant())
            .field("as_of", &self.as_of)
            .field("model_id", &self.model_id)
            .field("scores", &self.scores.len())
            .finish()
    }
}

/// One customer's answer with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CustomerScore {
    /// The answer: the same bits as in a run over all customers.
    pub score: Score,
    /// Its reasons, largest first.
    pub reasons: Vec<Reason>,
    /// The moment that it was pretended to be.
    pub as_of: AsOf,
    /// The id of the model that scored: [`ChurnModel::id`](crate::ChurnModel::id).
    pub model_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_written_side_by_side_with_their_status() {
        let mut score = Score {
            customer_id: "C-1".into(),
            probability: Some(0.25),
            interval: Some([0.125, 0.5]),
            risk_band: Some(RiskBand::Medium),
            status: ScoreStatus::Scored,
        };
        let written = serde_json::to_value(&score).unwrap();
        let expected = serde_json::json!({
            "customer_id": "C-1", "probability": 0.25, "interval": [0.125, 0.5], "risk_band": "medium", "status": "scored",
        });
        assert_eq!(written, expected);
        (score.probability, score.interval) = (None, None);
        score.risk_band = None;
        score.status = ScoreStatus::NotEnoughEvidence {
            reason: "new".into(),
            expected_at: Timestamp::from_ymd(2024, 3, 1),
        };
        let written = serde_json::to_value(&score).unwrap();
        let expected = serde_json::json!({
            "customer_id": "C-1", "probability": null, "interval": null, "risk_band": null,
            "status": "not_enough_evidence", "reason": "new", "expected_at": "2024-03-01",
        });
        assert_eq!(written, expected);
    }
}
