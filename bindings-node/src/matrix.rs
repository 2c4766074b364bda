//! Feature matrices and labels.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array as ArrowFloats, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::ipc::writer::FileWriter;
use churn_core::{AsOf, ChurnDefinition, Execution, FeatureColumn, FeatureMatrix, FeaturePlan, TenantRecords};
use napi::bindgen_prelude::{Buffer, Either, Float64Array, Object, PromiseRaw};
use napi::{Env, Result};
use napi_derive::napi;

use crate::error::{internal, raise};
use crate::options;
use crate::records::Records;
use crate::task::{Cancel, Held, Lane, begin, execution};

/// A feature matrix with one row per customer and date.
#[napi]
pub struct Matrix {
    pub(crate) inner: Held<Arc<FeatureMatrix>>,
}

impl Matrix {
    pub(crate) fn new(matrix: FeatureMatrix) -> Self {
        Self {
            inner: Held::new(Arc::new(matrix)),
        }
    }
}

fn texts<'a>(codes: &'a [u32], levels: &'a [String]) -> impl Iterator<Item = Option<&'a str>> {
    codes.iter().map(|&code| levels.get(code as usize).map(String::as_str))
}

/// Writes columns as an Arrow IPC file.
pub(crate) fn ipc_file(columns: Vec<(&str, ArrayRef)>) -> Result<Buffer> {
    let batch = RecordBatch::try_from_iter(columns).map_err(|error| internal(&error.to_string()))?;
    ipc_of(&batch)
}

/// Writes a record batch as an Arrow IPC file.
pub(crate) fn ipc_of(batch: &RecordBatch) -> Result<Buffer> {
    let write = || {
        let mut writer = FileWriter::try_new(vec![], &batch.schema())?;
        writer.write(batch)?;
        writer.into_inner()
    };
    let bytes = write().map_err(|error: arrow::error::ArrowError| internal(&error.to_string()))?;
    Ok(bytes.into())
}

#[napi]
impl Matrix {
    /// The id of the tenant whose records the matrix was computed from.
    #[napi(getter, catch_unwind)]
    pub fn tenant(&self) -> Result<String> {
        Ok(self.inner.get()?.tenant().to_string())
    }

    /// Number of rows.
    #[napi(getter, catch_unwind)]
    pub fn rows(&self) -> Result<u32> {
        Ok(self.inner.get()?.n_rows() as u32)
    }

    /// Names of the features, in the order of the columns of the matrix.
    #[napi(getter, catch_unwind)]
    pub fn feature_names(&self) -> Result<Vec<String>> {
        Ok(self.inner.get()?.feature_names().to_vec())
    }

    /// The customer id of each row.
    #[napi(getter, catch_unwind)]
    pub fn customer_ids(&self) -> Result<Vec<String>> {
        let matrix = self.inner.get()?;
        Ok((0..matrix.n_rows())
            .map(|row| matrix.customer_id(row).to_owned())
            .collect())
    }

    /// The date of each row.
    #[napi(getter, catch_unwind)]
    pub fn as_of(&self) -> Result<Vec<String>> {
        Ok(self.inner.get()?.as_of().iter().map(ToString::to_string).collect())
    }

    /// Returns the values of one feature. For a numeric feature, the result is a `Float64Array`, in which NaN is a
    /// missing value. For a text feature, the result is an array of strings, in which null is a missing value.
    #[napi(catch_unwind)]
    pub fn column(&self, name: String) -> Result<Either<Float64Array, Vec<Option<String>>>> {
        Ok(match self.inner.get()?.column(&name).map_err(raise)? {
            FeatureColumn::Number(values) => Either::A(Float64Array::new(values.clone())),
            FeatureColumn::Text { codes, levels } => {
                Either::B(texts(codes, levels).map(|text| text.map(str::to_owned)).collect())
            }
            _ => return Err(internal("a column of an unknown kind")),
        })
    }

    /// Returns the matrix as an Arrow IPC file with the columns `customer_id` and `as_of`, and then one column per
    /// feature.
    #[napi(catch_unwind)]
    pub fn to_arrow(&self) -> Result<Buffer> {
        let matrix = self.inner.get()?;
        let ids = StringArray::from_iter_values((0..matrix.n_rows()).map(|row| matrix.customer_id(row)));
        let dates = TimestampMicrosecondArray::from_iter_values(matrix.as_of().iter().map(|date| date.as_micros()));
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("customer_id", Arc::new(ids)),
            ("as_of", Arc::new(dates.with_timezone("UTC"))),
        ];
        for (name, column) in matrix.feature_names().iter().zip(matrix.columns()) {
            let array: ArrayRef = match column {
                FeatureColumn::Number(values) => Arc::new(ArrowFloats::from(values.clone())),
                FeatureColumn::Text { codes, levels } => Arc::new(StringArray::from_iter(texts(codes, levels))),
                _ => return Err(internal("a column of an unknown kind")),
            };
            columns.push((name, array));
        }
        ipc_file(columns)
    }

    /// The approximate amount of memory that this object uses outside V8's heap, in bytes.
    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> Result<i64> {
        let matrix = self.inner.get()?;
        Ok((matrix.n_rows() * (matrix.feature_names().len() + 4) * 8) as i64)
    }

    /// Frees the memory of this object without waiting for the garbage collector.
    #[napi(catch_unwind)]
    pub fn release(&mut self) {
        self.inner.release();
    }
}

fn matrix_of(
    records: &TenantRecords,
    dates: &[AsOf],
    plan: &FeaturePlan,
    definition: Option<&ChurnDefinition>,
    execution: &Execution,
) -> churn_core::Result<Matrix> {
    let matrix = match definition {
        Some(definition) => churn_core::eligible_features(records, dates, plan, definition, execution),
        None => churn_core::features(records, dates, plan, execution),
    };
    matrix.map(Matrix::new)
}

/// Computes the feature matrix of the customers at one or several dates.
#[napi(catch_unwind)]
pub fn features(records: &Records, given: Object<'_>) -> Result<Matrix> {
    let dates = options::required_dates(&given)?;
    let execution = options::threads(&given, Execution::new())?;
    let (plan, definition) = (options::plan(&given)?, options::given_definition(&given)?);
    matrix_of(records.inner.get()?, &dates, &plan, definition.as_ref(), &execution).map_err(raise)
}

/// Computes a feature matrix like `features`, but without blocking the event loop.
#[napi(catch_unwind)]
pub fn features_async<'env>(
    env: &'env Env,
    records: &Records,
    given: Object<'_>,
    cancel: &Cancel,
) -> Result<PromiseRaw<'env, Matrix>> {
    let dates = options::required_dates(&given)?;
    let execution = options::threads(&given, execution(cancel, None))?;
    let (plan, definition) = (options::plan(&given)?, options::given_definition(&given)?);
    let records = Arc::clone(records.inner.get()?);
    begin(env, Lane::Scoring, cancel, move || {
        matrix_of(&records, &dates, &plan, definition.as_ref(), &execution)
    })
}

/// The label of one customer at one date.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct LabelRow {
    /// The id of the customer.
    pub customer_id: String,
    /// The date for which the label was computed.
    pub as_of: String,
    /// Whether the customer churned in the label period. The value is false for an excluded row, which has no label.
    pub churned: bool,
    /// The rule that decided the label, such as `cancelled` or `inactive`.
    pub rule: String,
    /// The time of the cancellation, or of the first event in the label period; null if there is neither.
    pub event_at: Option<String>,
}

/// The rows that have a label, and the excluded rows, which have no label.
#[napi(object, object_from_js = false)]
pub struct LabelRows {
    /// The rows with a label: the customer churned or stayed.
    pub rows: Vec<LabelRow>,
    /// The excluded rows. They have no label, because the customer had already churned before the label period began.
    pub excluded: Vec<LabelRow>,
}

fn label_rows(records: &TenantRecords, labels: &[churn_core::Label]) -> Vec<LabelRow> {
    let rows = labels.iter().map(|label| LabelRow {
        customer_id: records.customer_id(label.customer).unwrap_or_default().to_owned(),
        as_of: label.as_of.to_string(),
        churned: label.churned,
        rule: label.rule.as_str().to_owned(),
        event_at: label.event_at.map(|moment| moment.to_string()),
    });
    rows.collect()
}

/// Computes the labels of the eligible customers at one or several dates.
#[napi(catch_unwind)]
pub fn labels(records: &Records, given: Object<'_>) -> Result<LabelRows> {
    let dates = options::required_dates(&given)?;
    let execution = options::threads(&given, Execution::new())?;
    let definition = options::definition(&given)?;
    let records = records.inner.get()?;
    let labels = churn_core::labels(records, &dates, &definition, &execution).map_err(raise)?;
    Ok(LabelRows {
        rows: label_rows(records, labels.rows()),
        excluded: label_rows(records, labels.excluded()),
    })
}
