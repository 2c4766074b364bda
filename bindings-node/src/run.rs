//! Score runs. A score run contains the scores of all eligible customers of a tenant at one date.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array as ArrowFloats, StringArray, TimestampMicrosecondArray};
use churn_core::{CustomerScore, Reason, ReasonValue, Score, ScoreRun};
use napi::bindgen_prelude::{Buffer, Either3, Float64Array, Null, PromiseRaw};
use napi::{Env, Result};
use napi_derive::napi;

use crate::error::{cancelled, raise, to_json};
use crate::matrix::{Matrix, ipc_file};
use crate::task::{Cancel, Held, Lane, begin_with};

/// A confidence interval of a probability.
#[napi(object, object_from_js = false)]
pub struct Bounds {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// The score of one customer.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct ScoreRow {
    /// The id of the customer.
    pub customer_id: String,
    /// `scored` if the customer has a probability, otherwise `not_enough_evidence`.
    pub status: String,
    /// The probability that the customer churns in the label period; null if the customer is not scored.
    pub probability: Option<f64>,
    /// 90 % confidence interval for the churn rate of customers with this score; null if the customer is not scored.
    pub interval: Option<Bounds>,
    /// The risk band of the probability: `low`, `medium`, `high` or `critical`; null if the customer is not scored.
    pub risk_band: Option<String>,
    /// Why the customer is not scored, in words; null if the customer is scored.
    pub not_scored_reason: Option<String>,
    /// The date by which the customer will have enough history for a score, unless they churn first. It is null if the
    /// customer is scored, or if no such date is known.
    pub expected_at: Option<String>,
}

impl From<&Score> for ScoreRow {
    fn from(score: &Score) -> Self {
        Self {
            customer_id: score.customer_id.clone(),
            status: score.status().to_string(),
            probability: score.probability(),
            interval: score.interval().map(|interval| Bounds {
                low: interval.low,
                high: interval.high,
            }),
            risk_band: score.risk_band().map(|band| band.as_str().to_owned()),
            not_scored_reason: score.not_scored_reason().map(str::to_owned),
            expected_at: score.expected_at().map(|at| at.to_string()),
        }
    }
}

/// The contribution of one feature to a score.
#[napi(object, object_from_js = false)]
pub struct ReasonRow {
    /// The name of the feature.
    pub feature: String,
    /// The value of the feature: a number, a text, or null if it is missing.
    pub value: Either3<f64, String, Null>,
    /// The Shapley value of the feature, in log-odds before calibration.
    pub contribution: f64,
    /// Whether the feature `raises` or `lowers` the risk.
    pub direction: String,
    /// The reason in words.
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

/// The score of one customer, with the reasons for the score.
#[napi(object, object_from_js = false)]
pub struct CustomerScoreRow {
    /// The score.
    pub score: ScoreRow,
    /// The reasons, largest contribution first.
    pub reasons: Vec<ReasonRow>,
    /// The date of the prediction.
    pub as_of: String,
    /// The id of the model.
    pub model_id: String,
    /// The warnings, as JSON.
    pub warnings: String,
}

impl CustomerScoreRow {
    pub(crate) fn new(scored: CustomerScore) -> Result<Self> {
        Ok(Self {
            warnings: to_json(&scored.warnings)?,
            score: ScoreRow::from(&scored.score),
            reasons: scored.reasons.into_iter().map(ReasonRow::from).collect(),
            as_of: scored.as_of.to_string(),
            model_id: scored.model_id,
        })
    }
}

/// A score run: the scores of all eligible customers (those who can still churn) of a tenant at one date.
#[napi]
pub struct Run {
    pub(crate) inner: Held<Arc<ScoreRun>>,
}

impl Run {
    pub(crate) fn new(run: ScoreRun) -> Self {
        Self {
            inner: Held::new(Arc::new(run)),
        }
    }
}

#[napi]
impl Run {
    /// Returns the scores of all eligible customers, sorted by customer id.
    #[napi(catch_unwind)]
    pub fn scores(&self) -> Result<Vec<ScoreRow>> {
        Ok(self.inner.get()?.scores().iter().map(ScoreRow::from).collect())
    }

    /// Returns the probability of each customer, in the order of `scores`. For a customer who is not scored, it is NaN.
    #[napi(catch_unwind)]
    pub fn probabilities(&self) -> Result<Float64Array> {
        let values = self.inner.get()?.scores().iter();
        let values = values.map(|score| score.probability().unwrap_or(f64::NAN));
        Ok(Float64Array::new(values.collect()))
    }

    /// Returns the reasons for one customer's score.
    #[napi(catch_unwind)]
    pub fn reasons(&self, customer_id: String, top: u32) -> Result<Vec<ReasonRow>> {
        let reasons = self.inner.get()?.reasons(&customer_id, top as usize).map_err(raise)?;
        Ok(reasons.into_iter().map(ReasonRow::from).collect())
    }

    /// Returns the reasons for the scores of several customers. The call does not block the event loop.
    #[napi(catch_unwind)]
    pub fn reasons_of<'env>(
        &self,
        env: &'env Env,
        customer_ids: Vec<String>,
        top: u32,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Vec<Vec<ReasonRow>>>> {
        let (run, token) = (Arc::clone(self.inner.get()?), cancel.token.clone());
        begin_with(env, Lane::Scoring, cancel.token.clone(), move || {
            let of_customer = |id: String| {
                if token.is_cancelled() {
                    return Err(cancelled());
                }
                let reasons = run.reasons(&id, top as usize).map_err(raise)?;
                Ok(reasons.into_iter().map(ReasonRow::from).collect())
            };
            customer_ids.into_iter().map(of_customer).collect()
        })
    }

    /// Returns the scores of the customers with the highest probabilities, highest first.
    #[napi(catch_unwind)]
    pub fn riskiest(&self, top: u32) -> Result<Vec<ScoreRow>> {
        let riskiest = self.inner.get()?.riskiest(top as usize);
        Ok(riskiest.into_iter().map(ScoreRow::from).collect())
    }

    /// Returns the score of one customer.
    #[napi(catch_unwind)]
    pub fn score_of(&self, customer_id: String) -> Result<ScoreRow> {
        let score = self.inner.get()?.score_of(&customer_id);
        score.map(ScoreRow::from).map_err(raise)
    }

    /// Returns the features from which the scores were computed, with one row per score.
    #[napi(catch_unwind)]
    pub fn matrix(&self) -> Result<Matrix> {
        Ok(Matrix::new(self.inner.get()?.matrix().clone()))
    }

    /// Returns the scores as an Arrow IPC file with one row per customer.
    #[napi(catch_unwind)]
    pub fn to_arrow(&self) -> Result<Buffer> {
        let run = self.inner.get()?;
        let scores = run.scores();
        let texts = |text: &dyn Fn(&Score) -> Option<String>| -> ArrayRef {
            Arc::new(StringArray::from_iter(scores.iter().map(text)))
        };
        let numbers = |number: &dyn Fn(&Score) -> Option<f64>| -> ArrayRef {
            Arc::new(ArrowFloats::from_iter(scores.iter().map(number)))
        };
        let moments = |moment: &dyn Fn(&Score) -> Option<i64>| -> ArrayRef {
            let moments = TimestampMicrosecondArray::from_iter(scores.iter().map(moment));
            Arc::new(moments.with_timezone("UTC"))
        };
        let as_of = run.as_of().as_micros();
        ipc_file(vec![
            ("customer_id", texts(&|score| Some(score.customer_id.clone()))),
            ("probability", numbers(&Score::probability)),
            ("low", numbers(&|score| score.interval().map(|interval| interval.low))),
            ("high", numbers(&|score| score.interval().map(|interval| interval.high))),
            (
                "risk_band",
                texts(&|score| score.risk_band().map(|band| band.as_str().to_owned())),
            ),
            ("status", texts(&|score| Some(score.status().to_string()))),
            (
                "not_scored_reason",
                texts(&|score| score.not_scored_reason().map(str::to_owned)),
            ),
            (
                "expected_at",
                moments(&|score| score.expected_at().map(|at| at.as_micros())),
            ),
            ("as_of", moments(&|_| Some(as_of))),
            ("model_id", texts(&|_| Some(run.model_id().to_owned()))),
        ])
    }

    /// The date of the scores.
    #[napi(getter, catch_unwind)]
    pub fn as_of(&self) -> Result<String> {
        Ok(self.inner.get()?.as_of().to_string())
    }

    /// The id of the model.
    #[napi(getter, catch_unwind)]
    pub fn model_id(&self) -> Result<String> {
        Ok(self.inner.get()?.model_id().to_owned())
    }

    /// The id of the tenant.
    #[napi(getter, catch_unwind)]
    pub fn tenant(&self) -> Result<String> {
        Ok(self.inner.get()?.tenant().to_string())
    }

    /// The warnings of the run, as JSON. They say how the data of the run differ from the training data.
    #[napi(getter, catch_unwind)]
    pub fn warnings(&self) -> Result<String> {
        to_json(&self.inner.get()?.warnings())
    }

    /// The approximate amount of memory that this object uses outside V8's heap, in bytes.
    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> Result<i64> {
        let run = self.inner.get()?;
        let cells = run.matrix().n_rows() * (run.matrix().feature_names().len() + 16);
        Ok((cells * 8) as i64)
    }

    /// Frees the memory of this object without waiting for the garbage collector.
    #[napi(catch_unwind)]
    pub fn release(&mut self) {
        self.inner.release();
    }
}
