//! Scores of customers as of a date.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::error::{self, Error, ErrorKind, names};
use crate::features::FeatureMatrix;
use crate::metrics::Interval;
use crate::model::bands::RiskBand;
use crate::model::fit::Scorer;
use crate::model::reason::{Reason, top_reasons};
use crate::model::warning::Warning;
use crate::parallel::Workers;
use crate::record::TenantId;
use crate::time::{AsOf, Timestamp};

/// The result for one customer: a calibrated probability, or the reason why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The model scored the customer.
    Scored {
        /// Calibrated probability of churn in the label period.
        probability: f64,
        /// The risk band that contains the probability.
        risk_band: RiskBand,
        /// The 90 % confidence interval of the churn rate of customers with this score; see [`Score::interval`].
        interval: Option<Interval>,
    },
    /// The customer has insufficient history for a score.
    NotScored {
        /// Why the customer has no score, in words.
        reason: String,
        /// The time by which the customer will have enough history for a score, unless they churn first; `None` if no
        /// such time is known.
        expected_at: Option<Timestamp>,
    },
}

names! {
    /// Whether a customer is scored or has insufficient history for a score.
    pub enum ScoreStatus: "status" {
        /// The customer has a probability.
        Scored = "scored",
        /// The customer has insufficient history for a score.
        NotScored = "not_enough_evidence",
    }
}

/// The score of one customer.
///
/// Serde writes one flat object, in which every key is present: `{"customer_id": "C-1", "probability": 0.12,
/// "interval": {"low": 0.08, "high": 0.17}, "risk_band": "medium", "status": "scored", "not_scored_reason": null,
/// "expected_at": null}`.
///
/// ```no_run
/// # fn show(score: churn_core::Score) {
/// use churn_core::Outcome;
///
/// match &score.outcome {
///     Outcome::Scored { probability, risk_band, .. } => println!("{}: {probability:.3} {risk_band}", score.customer_id),
///     Outcome::NotScored { reason, .. } => println!("{}: {reason}", score.customer_id),
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Score {
    /// The id of the customer.
    pub customer_id: String,
    /// The probability with its risk band and interval, or the reason why there is none.
    pub outcome: Outcome,
}

impl Score {
    /// Calibrated probability of churn in the label period; `None` if the customer is not scored.
    pub fn probability(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Scored { probability, .. } => Some(probability),
            Outcome::NotScored { .. } => None,
        }
    }

    /// The risk band that contains the probability; `None` if the customer is not scored.
    pub fn risk_band(&self) -> Option<RiskBand> {
        match self.outcome {
            Outcome::Scored { risk_band, .. } => Some(risk_band),
            Outcome::NotScored { .. } => None,
        }
    }

    /// A 90 % confidence interval for the churn rate of customers with this score, if conditions are the same as at the
    /// training dates. The interval always contains the probability of the score. A higher probability has an interval
    /// with higher ends. If more customers are available for calibration, the interval is narrower.
    ///
    /// The interval is computed by a bootstrap (Efron and Tibshirani, 1993): customers are resampled, and the
    /// calibration is fitted to each sample. The interval does not include model (epistemic) uncertainty. If there are
    /// few customers, the interval therefore contains the true rate in fewer than 90 % of cases. The interval is not a
    /// range for the outcome of one customer, and it does not account for drift. `None` if the customer is not scored,
    /// or if the model file was written by a library version without intervals.
    pub fn interval(&self) -> Option<Interval> {
        match self.outcome {
            Outcome::Scored { interval, .. } => interval,
            Outcome::NotScored { .. } => None,
        }
    }

    /// Why the customer is not scored, in words; `None` if the customer is scored.
    pub fn not_scored_reason(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Scored { .. } => None,
            Outcome::NotScored { reason, .. } => Some(reason),
        }
    }

    /// The time by which the customer will have enough history for a score, unless they churn first. `None` if the
    /// customer is scored, or if no such time is known.
    pub fn expected_at(&self) -> Option<Timestamp> {
        match self.outcome {
            Outcome::Scored { .. } => None,
            Outcome::NotScored { expected_at, .. } => expected_at,
        }
    }

    /// Whether the customer is scored or has insufficient history for a score.
    pub fn status(&self) -> ScoreStatus {
        match self.outcome {
            Outcome::Scored { .. } => ScoreStatus::Scored,
            Outcome::NotScored { .. } => ScoreStatus::NotScored,
        }
    }
}

/// The score of one customer.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Score"))]
struct FlatScore<'a> {
    /// The id of the customer.
    customer_id: &'a str,
    /// Calibrated probability of churn in the label period; `None` if the customer is not scored.
    probability: Option<f64>,
    /// 90 % confidence interval for the churn rate of customers with this score. `None` if the customer is not scored,
    /// or if the model file was written by a library version without intervals.
    interval: Option<Interval>,
    /// The risk band that contains the probability; `None` if the customer is not scored.
    risk_band: Option<RiskBand>,
    /// Whether the customer is scored or has insufficient history for a score.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["scored", "not_enough_evidence"])))]
    status: &'static str,
    /// Why the customer is not scored, in words; `None` if the customer is scored.
    not_scored_reason: Option<&'a str>,
    /// The time by which the customer will have enough history for a score, unless they churn first; `None` if the
    /// customer is scored or if no such time is known.
    expected_at: Option<Timestamp>,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Score {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        FlatScore::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        FlatScore::json_schema(generator)
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flat = FlatScore {
            customer_id: &self.customer_id,
            probability: self.probability(),
            interval: self.interval(),
            risk_band: self.risk_band(),
            status: self.status().as_str(),
            not_scored_reason: self.not_scored_reason(),
            expected_at: self.expected_at(),
        };
        flat.serialize(serializer)
    }
}

/// A score run: the scores of all eligible customers of a tenant as of one date, sorted by customer id.
/// [`ChurnModel::score`](crate::ChurnModel::score) returns a score run.
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
///     Ok(score) => println!("{}: {:?}", score.status(), score.probability()),
///     Err(error) => println!("{error}"), // customer_not_found: the customer is not eligible at that date
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
    pub(crate) warnings: Vec<Warning>,
}

impl ScoreRun {
    /// Warnings about this run. The warnings report, for example, stale data, missing columns, and predictions or
    /// features that are outside the range of all training dates. Check the warnings before you act on the scores. The
    /// slice is empty if there are no warnings.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// One score per eligible customer, sorted by the bytes of the customer id.
    pub fn scores(&self) -> &[Score] {
        &self.scores
    }

    /// The date of the scores. The scores use only records before this date.
    pub fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// The id of the model that computed the scores, as [`ChurnModel::id`](crate::ChurnModel::id) returns it.
    pub fn model_id(&self) -> &str {
        &self.model_id
    }

    /// The tenant to which the customers of the run belong.
    pub fn tenant(&self) -> &TenantId {
        &self.matrix.tenant
    }

    /// The features from which the scores were computed, one row per score.
    pub fn matrix(&self) -> &FeatureMatrix {
        &self.matrix
    }

    /// Returns the score of the customer with this id.
    ///
    /// # Errors
    /// `customer_not_found` if the run does not contain the customer, because the id is unknown or the customer was not
    /// eligible at the date.
    pub fn score_of(&self, customer_id: &str) -> error::Result<&Score> {
        self.row_of(customer_id).map(|row| &self.scores[row])
    }

    /// The features with the largest absolute contributions to a customer's score, largest first; at most `top` of
    /// them. Contributions are Shapley values in log-odds before calibration. Each call computes the contributions
    /// again. The result is empty if the customer is not scored.
    ///
    /// # Errors
    /// `customer_not_found` if the run does not contain the customer, because the id is unknown or the customer was not
    /// eligible at the date.
    pub fn reasons(&self, customer_id: &str, top: usize) -> error::Result<Vec<Reason>> {
        let row = self.row_of(customer_id)?;
        if self.scores[row].probability().is_none() {
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

    /// The customers with the highest probabilities, highest first; at most `top` of them. Customers with equal
    /// probabilities are ordered by id. Customers without a probability are omitted.
    pub fn riskiest(&self, top: usize) -> Vec<&Score> {
        let mut order: Vec<&Score> = self
            .scores
            .iter()
            .filter(|score| score.probability().is_some())
            .collect();
        order.sort_by(|a, b| {
            b.probability()
                .partial_cmp(&a.probability())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        order.truncate(top);
        order
    }

    fn row_of(&self, customer_id: &str) -> error::Result<usize> {
        let found = self
            .scores
            .binary_search_by(|score| score.customer_id.as_str().cmp(customer_id));
        found.map_err(|_| {
            let message = format!(
                "customer '{}' was not eligible as of {}",
                error::excerpt(customer_id),
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

/// The score of one customer, with the reasons of the score.
/// [`ChurnModel::score_customer`](crate::ChurnModel::score_customer) returns this struct.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CustomerScore {
    /// The score. It is bit-identical to the score of the same customer in a run over all customers.
    pub score: Score,
    /// The reasons of the score. The reason with the largest absolute contribution comes first.
    pub reasons: Vec<Reason>,
    /// The date of the score. The score uses only records before this date.
    pub as_of: AsOf,
    /// The id of the model that computed the score, as [`ChurnModel::id`](crate::ChurnModel::id) returns it.
    pub model_id: String,
    /// Warnings about columns that the model uses but the rows lack, and about columns of the rows that the model does
    /// not use. A column of either kind may have a misspelt name.
    pub warnings: Vec<Warning>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_flat_objects_with_every_key() {
        let mut score = Score {
            customer_id: "C-1".into(),
            outcome: Outcome::Scored {
                probability: 0.25,
                risk_band: RiskBand::Medium,
                interval: Some(Interval::new(0.125, 0.5)),
            },
        };
        let written = serde_json::to_value(&score).unwrap();
        let expected = serde_json::json!({
            "customer_id": "C-1", "probability": 0.25, "interval": {"low": 0.125, "high": 0.5}, "risk_band": "medium",
            "status": "scored", "not_scored_reason": null, "expected_at": null,
        });
        assert_eq!(written, expected);
        score.outcome = Outcome::NotScored {
            reason: "new".into(),
            expected_at: Timestamp::from_ymd(2024, 3, 1),
        };
        let written = serde_json::to_value(&score).unwrap();
        let expected = serde_json::json!({
            "customer_id": "C-1", "probability": null, "interval": null, "risk_band": null,
            "status": "not_enough_evidence", "not_scored_reason": "new", "expected_at": "2024-03-01",
        });
        assert_eq!(written, expected);
    }
}
