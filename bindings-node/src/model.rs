//! Trained churn models, training and backtests.

use std::sync::Arc;

use churn_core::{Backtest, ChurnModel, Explanation};
use napi::bindgen_prelude::{Buffer, Float64Array, Object, PromiseRaw, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;

use crate::error::{raise, to_json};
use crate::matrix::Matrix;
use crate::options;
use crate::records::{Records, customer_rows};
use crate::run::{CustomerScoreRow, Run};
use crate::task::{Cancel, Held, Lane, Listener, begin, begin_with, execution};

/// A trained model.
#[napi]
pub struct Model {
    pub(crate) inner: Held<ChurnModel>,
}

impl Model {
    pub(crate) fn new(model: ChurnModel) -> Self {
        Self {
            inner: Held::new(model),
        }
    }
}

/// The contributions (Shapley values) of the features to the scores, with one contribution per row and feature.
#[napi(object, object_from_js = false)]
pub struct Contributions {
    /// The contributions as a row-major array of rows x features.
    pub contributions: Float64Array,
    /// The score before any feature contributes. The contributions of a row are added to this value.
    pub base_value: f64,
    /// Number of rows.
    pub rows: u32,
    /// Names of the features.
    pub feature_names: Vec<String>,
}

impl Contributions {
    pub(crate) fn new(explanation: &Explanation, feature_names: &[String]) -> Self {
        Self {
            rows: explanation.contributions.nrows() as u32,
            contributions: Float64Array::new(explanation.contributions.iter().copied().collect()),
            base_value: explanation.base_value,
            feature_names: feature_names.to_vec(),
        }
    }
}

/// Trains a model.
#[napi(catch_unwind)]
pub fn train<'env>(
    env: &'env Env,
    records: &Records,
    given: Object<'_>,
    cancel: &Cancel,
    #[napi(ts_arg_type = "((step: Progress) => void) | undefined | null")] listener: Option<Listener>,
) -> Result<PromiseRaw<'env, Model>> {
    let training = options::training(&given, execution(cancel, listener))?;
    let records = Arc::clone(records.inner.get()?);
    begin(env, Lane::Training, cancel, move || {
        ChurnModel::train(&records, &training).map(Model::new)
    })
}

/// Runs a backtest. For each of several test dates, a model is trained on the data that were known at the test date.
/// The model is tested on the label period (the period in which churn is counted) that follows the test date. Returns
/// the results as JSON.
#[napi(catch_unwind)]
pub fn backtest<'env>(
    env: &'env Env,
    records: &Records,
    given: Object<'_>,
    cancel: &Cancel,
    #[napi(ts_arg_type = "((step: Progress) => void) | undefined | null")] listener: Option<Listener>,
) -> Result<PromiseRaw<'env, String>> {
    let options = options::backtest(&given, execution(cancel, listener))?;
    let records = Arc::clone(records.inner.get()?);
    begin_with(env, Lane::Training, cancel.token.clone(), move || {
        to_json(&Backtest::run(&records, &options).map_err(raise)?.folds)
    })
}

/// Opens a model file.
#[napi(catch_unwind)]
pub fn load<'env>(env: &'env Env, path: String, cancel: &Cancel) -> Result<PromiseRaw<'env, Model>> {
    begin(env, Lane::Scoring, cancel, move || {
        ChurnModel::load(path).map(Model::new)
    })
}

#[napi]
impl Model {
    /// Opens a model from the bytes of a model file.
    #[napi(factory, catch_unwind)]
    pub fn from_bytes(bytes: Uint8Array) -> Result<Self> {
        ChurnModel::from_bytes(&bytes).map(Self::new).map_err(raise)
    }

    /// Returns the bytes of the model file.
    #[napi(catch_unwind)]
    pub fn to_bytes(&self) -> Result<Buffer> {
        Ok(self.inner.get()?.to_bytes().into())
    }

    /// Writes the model file.
    #[napi(catch_unwind)]
    pub fn save<'env>(&self, env: &'env Env, path: String, cancel: &Cancel) -> Result<PromiseRaw<'env, ()>> {
        let model = self.inner.get()?.clone();
        begin(env, Lane::Scoring, cancel, move || model.save(path))
    }

    /// The id of the model: a hash of its content.
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> Result<String> {
        Ok(self.inner.get()?.id().to_owned())
    }

    /// The id of the only tenant whose records the model may score. It is null if the model may score any tenant.
    #[napi(getter, catch_unwind)]
    pub fn tenant(&self) -> Result<Option<String>> {
        Ok(self.inner.get()?.tenant().map(ToString::to_string))
    }

    /// Names of the features of the model, in the order of the columns of its feature matrix.
    #[napi(getter, catch_unwind)]
    pub fn feature_names(&self) -> Result<Vec<String>> {
        Ok(self.inner.get()?.feature_names().to_vec())
    }

    /// The training report, as JSON.
    #[napi(getter, catch_unwind)]
    pub fn report(&self) -> Result<String> {
        to_json(self.inner.get()?.report())
    }

    /// Returns the model card (a description of the model, its training data and its performance), as JSON.
    #[napi(catch_unwind)]
    pub fn card(&self) -> Result<String> {
        self.inner.get()?.card().to_json().map_err(raise)
    }

    /// Returns the model card (a description of the model, its training data and its performance), as Markdown.
    #[napi(catch_unwind)]
    pub fn card_markdown(&self) -> Result<String> {
        Ok(self.inner.get()?.card().to_markdown())
    }

    /// The lowest probability of each of the risk bands medium, high and critical, as JSON.
    #[napi(getter, catch_unwind)]
    pub fn risk_bands(&self) -> Result<String> {
        to_json(&self.inner.get()?.risk_bands())
    }

    /// The definition of churn under which the model was trained, as JSON. The kind of definition is the key:
    /// `{"inactivity": {...}}`.
    #[napi(getter, catch_unwind)]
    pub fn definition(&self) -> Result<String> {
        to_json(self.inner.get()?.definition())
    }

    /// Scores all customers who are eligible at a date (those who can still churn).
    #[napi(catch_unwind)]
    pub fn score<'env>(
        &self,
        env: &'env Env,
        records: &Records,
        given: Object<'_>,
        cancel: &Cancel,
        #[napi(ts_arg_type = "((step: Progress) => void) | undefined | null")] listener: Option<Listener>,
    ) -> Result<PromiseRaw<'env, Run>> {
        let as_of = options::as_of(&given)?;
        let execution = options::threads(&given, execution(cancel, listener))?;
        let (model, records) = (self.inner.get()?.clone(), Arc::clone(records.inner.get()?));
        begin(env, Lane::Scoring, cancel, move || {
            model.score_with(&records, as_of, &execution).map(Run::new)
        })
    }

    /// Scores one customer from their own rows.
    #[napi(catch_unwind)]
    pub fn score_customer(&self, rows: Object<'_>, given: Object<'_>) -> Result<CustomerScoreRow> {
        let (as_of, top) = (options::as_of(&given)?, options::top(&given, 5)?);
        let score = self.inner.get()?.score_customer(customer_rows(&rows)?, as_of, top);
        CustomerScoreRow::new(score.map_err(raise)?)
    }

    /// Computes the features that the model uses, for the customers at one or several dates.
    #[napi(catch_unwind)]
    pub fn features<'env>(
        &self,
        env: &'env Env,
        records: &Records,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Matrix>> {
        let dates = options::required_dates(&given)?;
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, records) = (self.inner.get()?.clone(), Arc::clone(records.inner.get()?));
        begin(env, Lane::Scoring, cancel, move || {
            model.features(&records, &dates, &execution).map(Matrix::new)
        })
    }

    /// Returns the calibrated churn probability of each row of a matrix.
    #[napi(catch_unwind)]
    pub fn predict_proba<'env>(
        &self,
        env: &'env Env,
        matrix: &Matrix,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Float64Array>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, matrix) = (self.inner.get()?.clone(), Arc::clone(matrix.inner.get()?));
        begin(env, Lane::Scoring, cancel, move || {
            model.predict_proba(&matrix, &execution).map(Float64Array::new)
        })
    }

    /// Returns the log-odds of churn before calibration for each row of a matrix.
    #[napi(catch_unwind)]
    pub fn log_odds<'env>(
        &self,
        env: &'env Env,
        matrix: &Matrix,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Float64Array>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, matrix) = (self.inner.get()?.clone(), Arc::clone(matrix.inner.get()?));
        begin(env, Lane::Scoring, cancel, move || {
            model.log_odds(&matrix, &execution).map(Float64Array::new)
        })
    }

    /// Returns the contribution of each feature to the score of each row.
    #[napi(catch_unwind)]
    pub fn explain<'env>(
        &self,
        env: &'env Env,
        matrix: &Matrix,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Contributions>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, matrix) = (self.inner.get()?.clone(), Arc::clone(matrix.inner.get()?));
        begin(env, Lane::Scoring, cancel, move || {
            let explanation = model.explain(&matrix, &execution)?;
            Ok(Contributions::new(&explanation, matrix.feature_names()))
        })
    }

    /// The approximate amount of memory that this object uses outside V8's heap, in bytes.
    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> Result<i64> {
        Ok(self.inner.get()?.to_bytes().len() as i64)
    }

    /// Frees the memory of this object without waiting for the garbage collector.
    #[napi(catch_unwind)]
    pub fn release(&mut self) {
        self.inner.release();
    }
}
