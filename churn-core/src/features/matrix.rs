//! The feature matrix: customers x features.

use std::sync::Arc;

use ndarray::Array2;

use crate::error::{Error, ErrorKind, Result};
use crate::record::{Ids, TenantId};
use crate::time::AsOf;

/// The values of one feature, with one value for each row of the matrix.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FeatureColumn {
    /// Numbers, with NaN for missing values. Bools are 0 and 1.
    Number(Vec<f64>),
    /// Dictionary-encoded texts: a list of distinct texts, and one code for each row.
    Text {
        /// The code of each row: a position in `levels`, or [`FeatureColumn::MISSING`] for a missing value.
        codes: Vec<u32>,
        /// The distinct texts of these rows, sorted by bytes.
        levels: Vec<String>,
    },
}

impl FeatureColumn {
    /// The code that stands for a missing text.
    pub const MISSING: u32 = u32::MAX;

    /// Returns a column with the rows at these positions, in this order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Number(values) => Self::Number(rows.iter().map(|&row| values[row]).collect()),
            Self::Text { codes, levels } => {
                let mut selected = Self::Text {
                    codes: rows.iter().map(|&row| codes[row]).collect(),
                    levels: levels.clone(),
                };
                selected.keep_used_levels();
                selected
            }
        }
    }

    /// Drops levels (distinct texts) that no row has. Otherwise, the levels would reveal texts that became known only
    /// after the date.
    pub(crate) fn keep_used_levels(&mut self) {
        let Self::Text { codes, levels } = self else {
            return;
        };
        let mut used = vec![false; levels.len()];
        for &code in codes.iter().filter(|&&code| code != Self::MISSING) {
            used[code as usize] = true;
        }
        let mut next = 0;
        let new: Vec<u32> = used
            .iter()
            .map(|&used| {
                next += u32::from(used);
                next.wrapping_sub(1)
            })
            .collect();
        for code in codes.iter_mut().filter(|code| **code != Self::MISSING) {
            *code = new[*code as usize];
        }
        let mut used = used.into_iter();
        levels.retain(|_| used.next() == Some(true));
    }
}

/// Named columns of equal length. The columns come from records or from a flat table. They are the input of
/// preprocessing and of the base learners.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns<'a> {
    pub(crate) names: &'a [String],
    pub(crate) columns: &'a [FeatureColumn],
    pub(crate) rows: usize,
}

/// A feature matrix (customers x features), stored by column. Each row contains the feature values of one customer,
/// computed from what was known at the date of the row.
///
/// Rows are in the order of the given dates, and sorted by customer id (bytes) within each date. The matrix stores its
/// tenant, the date of every row and the fingerprint of its feature plan. It is returned by
/// [`features`](crate::features()) (every customer who is known at the date), by
/// [`ScoreRun::matrix`](crate::ScoreRun::matrix) (eligible customers) and by
/// [`ChurnModel::features`](crate::ChurnModel::features). There are three ways to read the matrix: as separate columns
/// ([`columns`](Self::columns)), as one array ([`to_ndarray`](Self::to_ndarray)) or, with the crate feature `arrow`, as
/// a record batch (`into_record_batch`).
///
/// ```
/// use churn_core::{AsOf, Execution, FeatureColumn, FeaturePlan, features};
/// use churn_core::synthetic::{WorldOptions, world};
///
/// let world = world(&WorldOptions::default().with_tenants(1).with_customers(40))?;
/// let (records, _) = world.tenants()[0].records()?.build()?;
/// let dates: [AsOf; 2] = ["2024-06-01".parse()?, "2024-12-01".parse()?];
/// let matrix = features(&records, &dates, &FeaturePlan::standard(&[28, 91])?, &Execution::new())?;
///
/// // Rows of customers with a tenure of at least 91 days.
/// let FeatureColumn::Number(tenure) = matrix.column("customer_tenure_days")? else { unreachable!() };
/// let old: Vec<usize> = (0..matrix.n_rows()).filter(|&row| tenure[row] >= 91.0).collect();
/// let old = matrix.select(&old);
/// let x = old.to_ndarray();
/// assert_eq!(x.dim(), (old.n_rows(), old.n_features()));
/// println!("{} at {}: {}", old.customer_id(0), old.as_of()[0], x[[0, 0]]); // customer, date and first feature of a row
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMatrix {
    pub(crate) tenant: TenantId,
    /// All customer ids of the tenant, sorted. A customer code is a position in this list.
    pub(crate) ids: Arc<Ids>,
    /// The code of each row's customer. The code is a position in `ids`.
    pub(crate) customers: Vec<u32>,
    pub(crate) as_of: Vec<AsOf>,
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<FeatureColumn>,
    /// The fingerprint of the resolved plan: its SHA-256 hash in hex.
    pub(crate) fingerprint: String,
}

impl FeatureMatrix {
    /// The tenant of the customers.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.customers.len()
    }

    /// The number of features.
    pub fn n_features(&self) -> usize {
        self.names.len()
    }

    /// The feature names in plan order.
    pub fn feature_names(&self) -> &[String] {
        &self.names
    }

    /// The customer id of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn customer_id(&self, row: usize) -> &str {
        self.ids.get(self.customers[row] as usize)
    }

    /// The date of every row.
    pub fn as_of(&self) -> &[AsOf] {
        &self.as_of
    }

    /// The columns of the features, in plan order.
    pub fn columns(&self) -> &[FeatureColumn] {
        &self.columns
    }

    /// The column of a feature.
    ///
    /// # Errors
    /// `unknown_feature` if the plan has no feature of this name.
    pub fn column(&self, name: &str) -> Result<&FeatureColumn> {
        let position = self.names.iter().position(|known| known == name);
        position.map(|position| &self.columns[position]).ok_or_else(|| {
            Error::new(
                ErrorKind::UnknownFeature,
                format!("there is no feature '{}'", crate::error::excerpt(name)),
            )
            .at(None, None, Some(name))
        })
    }

    /// The fingerprint (a SHA-256 hash in hex) of the plan that produced the matrix.
    pub fn plan_fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The feature columns, without the customers and dates of the rows.
    pub(crate) fn view(&self) -> Columns<'_> {
        Columns {
            names: &self.names,
            columns: &self.columns,
            rows: self.customers.len(),
        }
    }

    /// Converts the matrix to one array of [`n_rows`](Self::n_rows) x [`feature_names`](Self::feature_names), in row-major
    /// order.
    ///
    /// A missing value is NaN, and a bool is 0 or 1. A text is represented by its position in the `levels` of the
    /// [`FeatureColumn::Text`]. Treat this number as a category, not as a quantity.
    pub fn to_ndarray(&self) -> Array2<f64> {
        let mut array = Array2::zeros((self.n_rows(), self.columns.len()));
        for (column, out) in self.columns.iter().zip(array.columns_mut()) {
            match column {
                FeatureColumn::Number(values) => out.into_iter().zip(values).for_each(|(out, &value)| *out = value),
                FeatureColumn::Text { codes, .. } => out.into_iter().zip(codes).for_each(|(out, &code)| {
                    *out = match code {
                        FeatureColumn::MISSING => f64::NAN,
                        code => f64::from(code),
                    }
                }),
            }
        }
        array
    }

    /// Returns a matrix with the rows at these positions, in this order. A row may occur several times. Levels
    /// (distinct texts) that no selected row has are dropped, so codes may differ from those of the whole matrix.
    ///
    /// # Panics
    /// If a position is out of range.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            tenant: self.tenant.clone(),
            ids: Arc::clone(&self.ids),
            customers: rows.iter().map(|&row| self.customers[row]).collect(),
            as_of: rows.iter().map(|&row| self.as_of[row]).collect(),
            names: self.names.clone(),
            columns: self.columns.iter().map(|column| column.select(rows)).collect(),
            fingerprint: self.fingerprint.clone(),
        }
    }
}

#[cfg(test)]
impl FeatureMatrix {
    /// Two customers at one date, with a number feature and a text feature. The code 0 represents the text `pro`.
    pub(crate) fn of_two(numbers: Vec<f64>, codes: Vec<u32>) -> Self {
        let levels = vec!["pro".to_owned()];
        Self {
            tenant: TenantId::new("acme").unwrap(),
            ids: Arc::new(["a", "b"].into_iter().collect::<Ids>()),
            customers: vec![0, 1],
            as_of: vec!["2024-03-01".parse().unwrap(); 2],
            names: ["x", "y"].map(str::to_owned).to_vec(),
            columns: vec![FeatureColumn::Number(numbers), FeatureColumn::Text { codes, levels }],
            fingerprint: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_has_rows_of_numbers_and_codes() {
        let matrix = FeatureMatrix::of_two([1.5, -2.0].to_vec(), vec![0, FeatureColumn::MISSING]);
        let array = matrix.to_ndarray();
        assert!(array.is_standard_layout() && array.dim() == (2, 2));
        assert_eq!(array.as_slice().unwrap()[..3], [1.5, 0.0, -2.0]);
        assert!(array[[1, 1]].is_nan());
    }

    #[test]
    fn only_levels_that_a_row_has_are_kept() {
        let mut column = FeatureColumn::Text {
            codes: vec![3, FeatureColumn::MISSING, 1, 3],
            levels: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
        };
        column.keep_used_levels();
        let expected = FeatureColumn::Text {
            codes: vec![1, FeatureColumn::MISSING, 0, 1],
            levels: ["b", "d"].map(str::to_owned).to_vec(),
        };
        assert_eq!(column, expected);
    }
}
