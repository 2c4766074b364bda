//! Zero-copy conversion of a feature matrix to an Arrow record batch.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::datatypes::UInt32Type;
use arrow::error::ArrowError;

use crate::error::{Error, ErrorKind, Result};
use crate::features::matrix::{FeatureColumn, FeatureMatrix};

impl FeatureMatrix {
    /// Converts the matrix to one record batch: `customer_id` (text), `as_of` (microseconds, UTC), then one column per
    /// feature. Number features become `Float64` columns that reuse the memory of the matrix, with NaN for missing
    /// values. Text features become dictionary columns with null for missing values.
    ///
    /// ```
    /// use churn_core::{Execution, FeaturePlan, Table, TenantRecords, features};
    ///
    /// let customers = Table::from_json(br#"[{"customer_id": "C-1", "signed_up_at": "2024-01-01"}]"#)?;
    /// let (records, _) = TenantRecords::builder("acme").customers(customers).build()?;
    /// let matrix = features(&records, &["2024-03-01".parse()?], &FeaturePlan::default(), &Execution::default())?;
    /// let batch = matrix.into_record_batch()?;
    /// assert_eq!(batch.schema().field(2).name(), "customer_tenure_days");
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `feature_mismatch` if the total length of the ids exceeds the limit of Arrow's text columns (2 GiB).
    pub fn into_record_batch(self) -> Result<RecordBatch> {
        let refuse = |e: ArrowError| {
            Error::new(
                ErrorKind::FeatureMismatch,
                format!("the matrix does not fit an Arrow record batch: {e}"),
            )
            .caused_by(e)
        };
        let bytes: usize = (0..self.n_rows()).map(|row| self.customer_id(row).len()).sum();
        if i32::try_from(bytes).is_err() {
            return Err(refuse(ArrowError::OffsetOverflowError(bytes)));
        }
        let ids = (0..self.n_rows()).map(|row| self.customer_id(row));
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
        let as_of = self.as_of.iter().map(|date| date.as_micros());
        let as_of = TimestampMicrosecondArray::from_iter_values(as_of).with_timezone("UTC");
        let mut columns: Vec<(String, ArrayRef)> =
            vec![("customer_id".to_owned(), ids), ("as_of".to_owned(), Arc::new(as_of))];
        for (name, column) in self.names.into_iter().zip(self.columns) {
            let array: ArrayRef = match column {
                FeatureColumn::Number(values) => Arc::new(Float64Array::from(values)),
                FeatureColumn::Text { codes, levels } => {
                    let missing = |code: &u32| (*code != FeatureColumn::MISSING).then_some(*code);
                    let codes: UInt32Array = codes.iter().map(missing).collect();
                    let levels: ArrayRef = Arc::new(StringArray::from(levels));
                    Arc::new(DictionaryArray::<UInt32Type>::try_new(codes, levels).map_err(refuse)?)
                }
            };
            columns.push((name, array));
        }
        RecordBatch::try_from_iter(columns).map_err(refuse)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, ArrayAccessor, AsArray};
    use arrow::datatypes::Float64Type;

    use super::*;

    #[test]
    fn numbers_are_not_copied_and_texts_become_a_dictionary() {
        let numbers = vec![1.5, f64::NAN];
        let memory = numbers.as_ptr();
        let matrix = FeatureMatrix::of_two(numbers, vec![FeatureColumn::MISSING, 0]);
        let batch = matrix.into_record_batch().unwrap();
        let x = batch.column(2).as_primitive::<Float64Type>();
        assert_eq!(x.values().as_ptr(), memory);
        assert!(x.value(1).is_nan() && x.null_count() == 0);
        let y = batch.column(3).as_dictionary::<UInt32Type>();
        assert!(y.is_null(0) && y.downcast_dict::<StringArray>().unwrap().value(0) == "pro");
        assert_eq!(batch.column(0).as_string::<i32>().value(1), "b");
    }
}
