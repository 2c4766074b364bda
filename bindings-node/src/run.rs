//! Scores out.

use std::sync::Arc;

use churn_core::{CustomerScore, Reason, ReasonValue, Score, ScoreRun};
use napi::Result;
use napi::bindgen_prelude::{Either3, Float64Array, Null};
use napi_derive::napi;

use crate::error::raise;
use crate::matrix::Matrix;

/// One customer's answer.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct ScoreRow {
    /// Who.
    pub customer_id: String,
    /// Probability of churn; null where there is not enough evidence.
    pub probability: Option<f64>,
    /// Between which two the calibration is sure to hold it, at 90 %.
    pub interval: Option<Vec<f64>>,
    /// Its band.
    pub risk_band: Option<String>,
    /// `scored` or `not_enough_evidence`.
    pub status: String,
    /// Why there is no answer.
    pub reason: Option<String>,
    /// When one is expected at the latest.
    pub expected_at: Option<String>,
}

impl From<&Score> for ScoreRow {
    fn from(score: &Score) -> Self {
        Self {
            customer_id: score.customer_id.clone(),
            probability: score.probability(),
            interval: score.interval().map(|interval| vec![interval.low, interval.high]),
            risk_band: score.risk_band().map(|band| band.as_str().to_owned()),
            status: score.status().to_owned(),
            reason: score.not_scored_reason().map(str::to_owned),
            expected_at: score.expected_at().map(|at| at.to_string()),
        }
    }
}

/// One feature's part in a score.
#[napi(object, object_from_js = false)]
pub struct ReasonRow {
    /// The feature.
    pub feature: String,
    /// Its value.
    pub value: Either3<f64, String, Null>,
    /// What it adds to the log-odds.
    pub contribution: f64,
    /// `raises` or `lowers`.
    pub direction: String,
    /// The same in words.
    pub text: String,
}

impl From<Reason> for ReasonRow {
    fn from(reason: Reason) -> Self {
        let value = match reason.value {
            ReasonValue::Number(value) => Either3::A(value),
            ReasonValue::Text(value) => Either3::B(value),
            _ => Either3::C(Null),
        };
        Self {
            feature: reason.feature,
            value,
            contribution: reason.contribution,
            direction: reason.direction.as_str().to_owned(),
            text: reason.text,
        }
    }
}

/// One customer's answer with its reasons.
#[napi(object, object_from_js = false)]
pub struct CustomerAnswer {
    /// The answer.
    pub score: ScoreRow,
    /// Its reasons, largest first.
    pub reasons: Vec<ReasonRow>,
    /// The date.
    pub as_of: String,
    /// The model.
    pub model_id: String,
}

impl From<CustomerScore> for CustomerAnswer {
    fn from(answer: CustomerScore) -> Self {
        Self {
            score: ScoreRow::from(&answer.score),
            reasons: answer.reasons.into_iter().map(ReasonRow::from).collect(),
            as_of: answer.as_of.to_string(),
            model_id: answer.model_id,
        }
    }
}

/// The scores of a tenant's customers as of one date.
#[napi]
pub struct Run {
    pub(crate) inner: ScoreRun,
}

#[napi]
impl Run {
    /// A score per eligible customer, sorted by id.
    #[napi(catch_unwind)]
    pub fn scores(&self) -> Vec<ScoreRow> {
        self.inner.scores().iter().map(ScoreRow::from).collect()
    }

    /// Probabilities alone; NaN where there is none.
    #[napi(catch_unwind)]
    pub fn probabilities(&self) -> Float64Array {
        let values = self
            .inner
            .scores()
            .iter()
            .map(|score| score.probability().unwrap_or(f64::NAN));
        Float64Array::new(values.collect())
    }

    /// Why a customer has his score.
    #[napi(catch_unwind)]
    pub fn reasons(&self, customer_id: String, top: u32) -> Result<Vec<ReasonRow>> {
        let reasons = self.inner.reasons(&customer_id, top as usize).map_err(raise)?;
        Ok(reasons.into_iter().map(ReasonRow::from).collect())
    }

    /// Those most likely to leave.
    #[napi(catch_unwind)]
    pub fn riskiest(&self, top: u32) -> Vec<ScoreRow> {
        self.inner
            .riskiest(top as usize)
            .into_iter()
            .map(ScoreRow::from)
            .collect()
    }

    /// The score of one customer.
    #[napi(catch_unwind)]
    pub fn score_of(&self, customer_id: String) -> Result<ScoreRow> {
        self.inner.score_of(&customer_id).map(ScoreRow::from).map_err(raise)
    }

    /// The features behind the scores.
    #[napi(catch_unwind)]
    pub fn matrix(&self) -> Matrix {
        Matrix {
            inner: Arc::new(self.inner.matrix().clone()),
        }
    }

    /// The date.
    #[napi(getter, catch_unwind)]
    pub fn as_of(&self) -> String {
        self.inner.as_of().to_string()
    }

    /// The model.
    #[napi(getter, catch_unwind)]
    pub fn model_id(&self) -> String {
        self.inner.model_id().to_owned()
    }

    /// Whose customers these are.
    #[napi(getter, catch_unwind)]
    pub fn tenant(&self) -> String {
        self.inner.tenant().to_string()
    }
}
