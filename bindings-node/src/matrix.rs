//! Features and labels.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array as ArrowFloats, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::ipc::writer::FileWriter;
use churn_core::{Execution, FeatureColumn, FeatureMatrix, TenantRecords};
use napi::Result;
use napi::bindgen_prelude::{AsyncTask, Buffer, Either, Float64Array, Object};
use napi_derive::napi;

use crate::error::{internal, raise};
use crate::options;
use crate::records::Records;
use crate::task::{Cancel, Work, begin, execution};

/// Customers x features.
#[napi]
pub struct Matrix {
    pub(crate) inner: Arc<FeatureMatrix>,
}

fn texts<'a>(codes: &'a [u32], levels: &'a [String]) -> impl Iterator<Item = Option<&'a str>> {
    codes.iter().map(|&code| levels.get(code as usize).map(String::as_str))
}

#[napi]
impl Matrix {
    /// Whose customers these are.
    #[napi(getter, catch_unwind)]
    pub fn tenant(&self) -> String {
        self.inner.tenant().to_string()
    }

    /// Number of rows.
    #[napi(getter, catch_unwind)]
    pub fn rows(&self) -> u32 {
        self.inner.rows() as u32
    }

    /// Names in plan order.
    #[napi(getter, catch_unwind)]
    pub fn feature_names(&self) -> Vec<String> {
        self.inner.feature_names().to_vec()
    }

    /// The customer of every row.
    #[napi(getter, catch_unwind)]
    pub fn customer_ids(&self) -> Vec<String> {
        (0..self.inner.rows())
            .map(|row| self.inner.customer_id(row).to_owned())
            .collect()
    }

    /// The date of every row.
    #[napi(getter, catch_unwind)]
    pub fn as_of(&self) -> Vec<String> {
        self.inner.as_of().iter().map(ToString::to_string).collect()
    }

    /// One feature: numbers, NaN where missing, or texts, null where missing.
    #[napi(catch_unwind)]
    pub fn column(&self, name: String) -> Result<Either<Float64Array, Vec<Option<String>>>> {
        Ok(match self.inner.column(&name).map_err(raise)? {
            FeatureColumn::Number(values) => Either::A(Float64Array::new(values.clone())),
            FeatureColumn::Text { codes, levels } => {
                Either::B(texts(codes, levels).map(|text| text.map(str::to_owned)).collect())
            }
            _ => return Err(internal("a column of a kind that is not known")),
        })
    }

    /// The matrix as an Arrow IPC file: `customer_id`, `as_of`, then the features.
    #[napi(catch_unwind)]
    pub fn to_arrow(&self) -> Result<Buffer> {
        let matrix = &self.inner;
        let ids = StringArray::from_iter_values((0..matrix.rows()).map(|row| matrix.customer_id(row)));
        let dates = TimestampMicrosecondArray::from_iter_values(matrix.as_of().iter().map(|date| date.as_micros()));
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("customer_id", Arc::new(ids)),
            ("as_of", Arc::new(dates.with_timezone("UTC"))),
        ];
        for (name, column) in matrix.feature_names().iter().zip(matrix.columns()) {
            let array: ArrayRef = match column {
                FeatureColumn::Number(values) => Arc::new(ArrowFloats::from(values.clone())),
                FeatureColumn::Text { codes, levels } => Arc::new(StringArray::from_iter(texts(codes, levels))),
                _ => return Err(internal("a column of a kind that is not known")),
            };
            columns.push((name, array));
        }
        let write = || {
            let batch = RecordBatch::try_from_iter(columns)?;
            let mut writer = FileWriter::try_new(vec![], &batch.schema())?;
            writer.write(&batch)?;
            writer.into_inner()
        };
        let bytes = write().map_err(|error: arrow::error::ArrowError| internal(&error.to_string()))?;
        Ok(bytes.into())
    }
}

/// The features of every eligible customer at some dates.
#[napi(catch_unwind)]
pub fn features(records: &Records, given: Object<'_>) -> Result<Matrix> {
    let dates = options::required_dates(&given)?;
    let execution = options::threads(&given, Execution::new())?;
    let matrix = churn_core::features(&records.inner, &dates, &options::plan(&given)?, &execution).map_err(raise)?;
    Ok(Matrix {
        inner: Arc::new(matrix),
    })
}

/// As `features`, off the event loop.
#[napi(catch_unwind)]
pub fn features_async(records: &Records, given: Object<'_>, cancel: &Cancel) -> Result<AsyncTask<Work<Matrix>>> {
    let dates = options::required_dates(&given)?;
    let execution = options::threads(&given, execution(cancel, None))?;
    let (records, plan) = (Arc::clone(&records.inner), options::plan(&given)?);
    Ok(begin(move || {
        churn_core::features(&records, &dates, &plan, &execution).map(|matrix| Matrix {
            inner: Arc::new(matrix),
        })
    }))
}

/// What became of one customer after one date.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct LabelRow {
    /// Who.
    pub customer_id: String,
    /// The date.
    pub as_of: String,
    /// Whether he churned.
    pub churned: bool,
    /// Which rule said so.
    pub rule: String,
    /// When it happened.
    pub event_at: Option<String>,
}

/// Labels and what was excluded.
#[napi(object, object_from_js = false)]
pub struct LabelRows {
    /// Churned or retained.
    pub rows: Vec<LabelRow>,
    /// Neither.
    pub excluded: Vec<LabelRow>,
}

fn label_rows(records: &TenantRecords, labels: &[churn_core::Label]) -> Vec<LabelRow> {
    let ids: Vec<&str> = records.customer_ids().collect();
    let rows = labels.iter().map(|label| LabelRow {
        customer_id: ids[label.customer as usize].to_owned(),
        as_of: label.as_of.to_string(),
        churned: label.churned,
        rule: label.rule.as_str().to_owned(),
        event_at: label.event_at.map(|moment| moment.to_string()),
    });
    rows.collect()
}

/// The labels of every eligible customer at some dates.
#[napi(catch_unwind)]
pub fn labels(records: &Records, given: Object<'_>) -> Result<LabelRows> {
    let dates = options::required_dates(&given)?;
    let execution = options::threads(&given, Execution::new())?;
    let definition = options::definition(&given)?;
    let labels = churn_core::labels(&records.inner, &dates, &definition, &execution).map_err(raise)?;
    Ok(LabelRows {
        rows: label_rows(&records.inner, labels.rows()),
        excluded: label_rows(&records.inner, labels.excluded()),
    })
}
