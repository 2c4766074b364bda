//! A trained model.

use std::sync::Arc;

use churn_core::{Backtest, ChurnModel};
use napi::Result;
use napi::bindgen_prelude::{AsyncTask, Buffer, Float64Array, Object, Uint8Array};
use napi_derive::napi;
use serde_json::Value;

use crate::error::{internal, raise};
use crate::matrix::Matrix;
use crate::options;
use crate::records::{Records, customer_rows};
use crate::run::{CustomerAnswer, Run};
use crate::task::{Cancel, Listener, Work, begin, execution};

/// A trained model.
#[napi]
pub struct Model {
    pub(crate) inner: ChurnModel,
}

/// Contributions of every feature to every row's log-odds.
#[napi(object, object_from_js = false)]
pub struct Contributions {
    /// Rows x features, row after row.
    pub contributions: Float64Array,
    /// What the average training row says.
    pub base_value: f64,
    /// Rows.
    pub rows: u32,
    /// Names of the features.
    pub feature_names: Vec<String>,
}

fn json<T>(value: serde_json::Result<T>) -> Result<T> {
    value.map_err(|error| internal(&error.to_string()))
}

/// Trains a model.
#[napi(catch_unwind)]
pub fn train(
    records: &Records,
    given: Object<'_>,
    cancel: &Cancel,
    listener: Option<Listener>,
) -> Result<AsyncTask<Work<Model>>> {
    let training = options::training(&given, execution(cancel, listener))?;
    let records = Arc::clone(&records.inner);
    Ok(begin(move || {
        ChurnModel::train(&records, &training).map(|inner| Model { inner })
    }))
}

/// Tests models that could have been trained at earlier dates; the folds as JSON.
#[napi(catch_unwind)]
pub fn backtest(
    records: &Records,
    given: Object<'_>,
    cancel: &Cancel,
    listener: Option<Listener>,
) -> Result<AsyncTask<Work<String>>> {
    let options = options::backtest(&given, execution(cancel, listener))?;
    let records = Arc::clone(&records.inner);
    Ok(begin(move || {
        let folds = Backtest::run(&records, &options)?.folds;
        serde_json::to_string(&folds).map_err(|error| std::io::Error::from(error).into())
    }))
}

/// Opens a model file.
#[napi(catch_unwind)]
pub fn load(path: String) -> AsyncTask<Work<Model>> {
    begin(move || ChurnModel::load(path).map(|inner| Model { inner }))
}

#[napi]
impl Model {
    /// Opens a model file from memory.
    #[napi(factory, catch_unwind)]
    pub fn from_bytes(bytes: Uint8Array) -> Result<Self> {
        ChurnModel::from_bytes(&bytes)
            .map(|inner| Self { inner })
            .map_err(raise)
    }

    /// The model file's bytes.
    #[napi(catch_unwind)]
    pub fn to_bytes(&self) -> Buffer {
        self.inner.to_bytes().into()
    }

    /// Writes the model file.
    #[napi(catch_unwind)]
    pub fn save(&self, path: String) -> AsyncTask<Work<()>> {
        let model = self.inner.clone();
        begin(move || model.save(path))
    }

    /// Identifies the model by its content.
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> String {
        self.inner.id().to_owned()
    }

    /// The tenant whose records it may score; null if any.
    #[napi(getter, catch_unwind)]
    pub fn tenant(&self) -> Option<String> {
        self.inner.tenant().map(ToString::to_string)
    }

    /// Names of its features in plan order.
    #[napi(getter, catch_unwind)]
    pub fn feature_names(&self) -> Vec<String> {
        self.inner.feature_names().to_vec()
    }

    /// How it was trained and what it is worth, as JSON.
    #[napi(getter, catch_unwind)]
    pub fn report(&self) -> Result<String> {
        json(serde_json::to_string(self.inner.report()))
    }

    /// The model card, as JSON.
    #[napi(catch_unwind)]
    pub fn card(&self) -> Result<String> {
        self.inner.card().to_json().map_err(raise)
    }

    /// The model card, as Markdown.
    #[napi(catch_unwind)]
    pub fn card_markdown(&self) -> String {
        self.inner.card().to_markdown()
    }

    /// Where its risk bands begin, as JSON.
    #[napi(getter, catch_unwind)]
    pub fn risk_bands(&self) -> Result<String> {
        json(serde_json::to_string(&self.inner.risk_bands()))
    }

    /// What it predicts, as JSON: `{"inactivity": {...}}`.
    #[napi(getter, catch_unwind)]
    pub fn definition(&self) -> Result<String> {
        let value: Value = json(serde_json::to_value(self.inner.definition()))?;
        Ok(value.to_string())
    }

    /// Scores every eligible customer.
    #[napi(catch_unwind)]
    pub fn score(
        &self,
        records: &Records,
        given: Object<'_>,
        cancel: &Cancel,
        listener: Option<Listener>,
    ) -> Result<AsyncTask<Work<Run>>> {
        let as_of = options::as_of(&given)?;
        let execution = options::threads(&given, execution(cancel, listener))?;
        let (model, records) = (self.inner.clone(), Arc::clone(&records.inner));
        Ok(begin(move || {
            model.score_with(&records, as_of, &execution).map(|inner| Run { inner })
        }))
    }

    /// Scores one customer from his own rows.
    #[napi(catch_unwind)]
    pub fn score_customer(&self, rows: Object<'_>, given: Object<'_>) -> Result<CustomerAnswer> {
        let (as_of, top) = (options::as_of(&given)?, options::top(&given, 5)?);
        let answer = self.inner.score_customer(customer_rows(&rows)?, as_of, top);
        answer.map(CustomerAnswer::from).map_err(raise)
    }

    /// The features of every eligible customer at some dates, as this model sees them.
    #[napi(catch_unwind)]
    pub fn features(&self, records: &Records, given: Object<'_>, cancel: &Cancel) -> Result<AsyncTask<Work<Matrix>>> {
        let dates = options::required_dates(&given)?;
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, records) = (self.inner.clone(), Arc::clone(&records.inner));
        Ok(begin(move || {
            model.features(&records, &dates, &execution).map(|matrix| Matrix {
                inner: Arc::new(matrix),
            })
        }))
    }

    /// Calibrated probability of every row of a matrix.
    #[napi(catch_unwind)]
    pub fn predict_proba(
        &self,
        matrix: &Matrix,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<AsyncTask<Work<Float64Array>>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, matrix) = (self.inner.clone(), Arc::clone(&matrix.inner));
        Ok(begin(move || {
            model.predict_proba(&matrix, &execution).map(Float64Array::new)
        }))
    }

    /// Log-odds of every row of a matrix before calibration.
    #[napi(catch_unwind)]
    pub fn log_odds(
        &self,
        matrix: &Matrix,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<AsyncTask<Work<Float64Array>>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, matrix) = (self.inner.clone(), Arc::clone(&matrix.inner));
        Ok(begin(move || {
            model.log_odds(&matrix, &execution).map(Float64Array::new)
        }))
    }

    /// Contributions of every feature to every row.
    #[napi(catch_unwind)]
    pub fn explain(
        &self,
        matrix: &Matrix,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<AsyncTask<Work<Contributions>>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, matrix) = (self.inner.clone(), Arc::clone(&matrix.inner));
        Ok(begin(move || {
            let explanation = model.explain(&matrix, &execution)?;
            Ok(Contributions {
                contributions: Float64Array::new(explanation.contributions.iter().copied().collect()),
                base_value: explanation.base_value,
                rows: matrix.rows() as u32,
                feature_names: matrix.feature_names().to_vec(),
            })
        }))
    }
}
