//! A classifier for flat tables. It fits the same kind of ensemble as `ChurnModel`. A flat table has one or several
//! rows per customer, columns of any type, and a label for each row.

mod bytes;
mod dataset;
mod fit;
#[cfg(test)]
mod group_tests;
mod groups;
mod members;
mod options;
mod report;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;

use crate::artifact;
use crate::classifier::bytes::{Metadata, Parts};
use crate::error::{Error, ErrorKind, Result, excerpt};
use crate::features::{Columns, FeatureColumn};
use crate::input::{Table, read};
use crate::model::{Explanation, Reason, top_reasons};
use crate::parallel::{Execution, Workers};
use crate::record::AttributeValues;

pub use dataset::Dataset;
pub use options::{ClassWeights, ClassifierOptions};
pub use report::{ClassifierPart, ClassifierReport};
pub use schema::{ClassLabel, ClassifierSchema, FlatType};

/// A fitted classifier for flat tables with columns of numbers, texts, bools and timestamps. Values may be missing, and
/// a text column may have any number of distinct texts.
///
/// A classifier has the same preprocessing, members (base learners), cross-fitted blend and calibration as a
/// [`ChurnModel`](crate::ChurnModel), but it does not use dates. The caller must ensure that all values in a row were
/// known before the period that the row's label describes. The result does not depend on the order of rows, the number
/// of threads or the machine. A classifier is immutable, and cloning it is cheap.
///
/// ```
/// use churn_core::{ChurnClassifier, ClassifierOptions, Column, Dataset, Execution, Table, Value};
///
/// let minutes: Vec<f64> = (0..200).map(|row| f64::from(row * 37 % 200)).collect();
/// let plan = (0..200).map(|row| Value::Text(["basic", "pro"][row / 2 % 2].to_owned())).collect();
/// let churned: Vec<bool> = minutes.iter().enumerate().map(|(row, m)| *m < 60.0 && row % 9 > 0).collect();
/// let table = Table::new()
///     .with_column("minutes", Column::Floats(minutes))?
///     .with_column("plan", Column::Values(plan))?;
///
/// let model = ChurnClassifier::fit(&Dataset::new(&table, &churned), &ClassifierOptions::default())?;
/// let probabilities = model.predict_proba(&table, &Execution::default())?;
/// assert_eq!(probabilities.dim(), (200, 2));
/// assert_eq!(ChurnClassifier::from_bytes(&model.to_bytes())?.id(), model.id());
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone)]
pub struct ChurnClassifier {
    metadata: Arc<Metadata>,
    parts: Arc<Parts>,
    bytes: Arc<[u8]>,
    id: Arc<str>,
}

impl ChurnClassifier {
    /// The bytes of the model file. The file has the same container format as the file of a
    /// [`ChurnModel`](crate::ChurnModel).
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.to_vec()
    }

    /// Reads a classifier from the bytes of a model file. Reading untrusted bytes is safe.
    ///
    /// # Errors
    /// `artifact_damaged` if the bytes are damaged, or are not the model file of a classifier; `artifact_version` if
    /// this version of the library cannot read the format; `artifact_too_large` if the file is larger than the library
    /// accepts.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (metadata, parts, id) = bytes::read(bytes)?;
        Ok(Self {
            metadata: Arc::new(metadata),
            parts: Arc::new(parts),
            bytes: bytes.into(),
            id: id.into(),
        })
    }

    /// Writes the model file atomically: a reader sees either the old file or the complete new one.
    ///
    /// # Errors
    /// `io` if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        artifact::save(path.as_ref(), &self.bytes)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// `io` if the file cannot be read; the errors of [`from_bytes`](Self::from_bytes).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_bytes(&artifact::read_file(path)?)
    }

    /// The id of the classifier: the first half of the checksum (SHA-256) of its model file, in hex.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How the classifier was fitted and how well it performs.
    pub fn report(&self) -> &ClassifierReport {
        &self.metadata.report
    }

    /// Names of the columns, in the order that they had in the training table.
    pub fn feature_names(&self) -> &[String] {
        &self.metadata.feature_names
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.metadata.classes
    }

    /// Returns a copy of the classifier to which this schema is added. The schema is stored in the copy's model file,
    /// so the bytes and the id of the copy differ from those of the original.
    ///
    /// # Errors
    /// `invalid_option` if the schema and the classifier differ in the number of classes or columns.
    pub fn with_schema(&self, schema: ClassifierSchema) -> Result<Self> {
        if schema.classes.len() != self.classes() || schema.columns.len() != self.feature_names().len() {
            let message = "the schema and the classifier differ in the number of classes or columns";
            return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("schema")));
        }
        let mut metadata = self.metadata.as_ref().clone();
        metadata.schema = Some(schema);
        Self::from_bytes(&bytes::write(&metadata, &self.parts)?)
    }

    /// The schema (labels of the classes and types of the columns); `None` if [`with_schema`](Self::with_schema) did
    /// not add one.
    pub fn schema(&self) -> Option<&ClassifierSchema> {
        self.metadata.schema.as_ref()
    }

    /// Calibrated probability of every class for every row (rows x classes). With more than two classes, each
    /// class has an ensemble that separates the class from all other classes. The probabilities of a row are then
    /// normalised to a sum of 1.
    ///
    /// # Errors
    /// `feature_mismatch` if the columns of the table differ from those of the training table, or if a column contains
    /// texts but contained numbers in training; `not_finite` if a number is infinite; `cancelled` if the caller
    /// cancelled the call.
    pub fn predict_proba(&self, table: &Table, execution: &Execution) -> Result<Array2<f64>> {
        let workers = execution.workers()?;
        let read = self.read(table, &workers)?;
        let mut probabilities = Array2::zeros((table.n_rows(), self.classes()));
        if let [scorer] = self.parts.scorers.as_slice() {
            for (mut row, p) in probabilities
                .rows_mut()
                .into_iter()
                .zip(scorer.probabilities(read.view(), &workers)?)
            {
                row[0] = 1.0 - p;
                row[1] = p;
            }
            return Ok(probabilities);
        }
        for (class, scorer) in self.parts.scorers.iter().enumerate() {
            let column = probabilities.column_mut(class);
            column
                .into_iter()
                .zip(scorer.probabilities(read.view(), &workers)?)
                .for_each(|(cell, p)| *cell = p);
        }
        for mut row in probabilities.rows_mut() {
            let sum: f64 = row.sum();
            let even = 1.0 / row.len() as f64;
            row.mapv_inplace(|p| if sum > 0.0 { p / sum } else { even });
        }
        Ok(probabilities)
    }

    /// 90 % confidence interval for the probability of the second class, for every row (rows x 2: lower and upper end).
    /// The interval always contains the probability.
    ///
    /// The interval is for the churn rate of all rows with the same score. The interval comes from a bootstrap that
    /// resamples whole groups and fits the calibration again, as in [`Score::interval`](crate::Score::interval). The
    /// interval is not a range for the outcome of one customer, and does not include model (epistemic) uncertainty.
    ///
    /// # Errors
    /// The errors of [`predict_proba`](Self::predict_proba); `invalid_option` with more than two classes;
    /// `artifact_version` if the model file was written by a version of the library that did not store intervals.
    pub fn predict_interval(&self, table: &Table, execution: &Execution) -> Result<Array2<f64>> {
        let workers = execution.workers()?;
        let scorer = self.scorer("have an interval")?;
        let unknown = || {
            Error::new(
                ErrorKind::ArtifactVersion,
                "the model file was written before classifiers had intervals: fit again to have them",
            )
        };
        let intervals = self.metadata.intervals.as_ref().ok_or_else(unknown)?;
        let log_odds = scorer.log_odds(self.read(table, &workers)?.view(), &workers)?;
        let mut found = Array2::zeros((log_odds.len(), 2));
        for (mut row, z) in found.rows_mut().into_iter().zip(log_odds) {
            let probability = scorer.calibrator.probability(z);
            let interval = intervals.of(z, probability).ok_or_else(unknown)?;
            row[0] = interval.low;
            row[1] = interval.high;
        }
        Ok(found)
    }

    /// Shapley values of every column for every row. The Shapley values explain the blended log-odds of the second
    /// class before calibration. They are computed as in [`ChurnModel::explain`](crate::ChurnModel::explain).
    ///
    /// # Errors
    /// The errors of [`predict_proba`](Self::predict_proba); `invalid_option` with more than two classes.
    pub fn explain(&self, table: &Table, execution: &Execution) -> Result<Explanation> {
        let workers = execution.workers()?;
        let read = self.read(table, &workers)?;
        let (contributions, base_value) = self.scorer("be explained")?.contributions(read.view(), &workers)?;
        Ok(Explanation {
            contributions,
            base_value,
        })
    }

    /// Blended log-odds of the second class for every row, before calibration. For each row, this number is the sum of
    /// the base value and the contributions that [`explain`](Self::explain) returns.
    ///
    /// # Errors
    /// The errors of [`explain`](Self::explain).
    pub fn log_odds(&self, table: &Table, execution: &Execution) -> Result<Vec<f64>> {
        let workers = execution.workers()?;
        let read = self.read(table, &workers)?;
        self.scorer("be explained")?.log_odds(read.view(), &workers)
    }

    /// Returns, for every row, the `top` columns whose contributions have the largest absolute values, largest first.
    ///
    /// # Errors
    /// The errors of [`explain`](Self::explain).
    pub fn reasons(&self, table: &Table, top: usize, execution: &Execution) -> Result<Vec<Vec<Reason>>> {
        let workers = execution.workers()?;
        let read = self.read(table, &workers)?;
        let (contributions, _) = self.scorer("be explained")?.contributions(read.view(), &workers)?;
        let rows = contributions.rows().into_iter().enumerate();
        Ok(rows
            .map(|(row, parts)| top_reasons(read.view(), row, &parts.to_vec(), top))
            .collect())
    }

    /// Returns the only ensemble of a classifier with two classes. With more classes, returns `invalid_option`.
    fn scorer(&self, asked: &str) -> Result<&crate::model::Scorer> {
        match self.parts.scorers.as_slice() {
            [scorer] => Ok(scorer),
            _ => Err(Error::new(
                ErrorKind::InvalidOption,
                format!("only two classes can {asked}, not {}", self.classes()),
            )),
        }
    }

    fn read(&self, table: &Table, workers: &Workers) -> Result<FlatColumns> {
        let names: Vec<String> = table.column_names().map(str::to_owned).collect();
        let known = self.feature_names();
        if known != names.as_slice() {
            let listed = |names: Vec<&String>| {
                let shown: Vec<String> = names
                    .iter()
                    .take(10)
                    .map(|name| format!("'{}'", excerpt(name)))
                    .collect();
                match names.len() {
                    0..=10 => shown.join(", "),
                    all => format!("{} and {} more", shown.join(", "), all - 10),
                }
            };
            let missing: Vec<&String> = known.iter().filter(|name| !names.contains(name)).collect();
            let extra: Vec<&String> = names.iter().filter(|name| !known.contains(name)).collect();
            let column = missing.first().or(extra.first()).map(|name| name.as_str());
            let mut parts = vec![];
            if !missing.is_empty() {
                parts.push(format!("columns are missing: {}", listed(missing.clone())));
            }
            if !extra.is_empty() {
                parts.push(format!("columns were not in the fit: {}", listed(extra.clone())));
            }
            let differs = known.iter().zip(&names).find(|(own, other)| own != other);
            let message = match (parts.is_empty(), differs) {
                (true, Some((own, other))) => {
                    format!(
                        "columns are in another order: '{}' was expected and '{}' was given",
                        excerpt(own),
                        excerpt(other)
                    )
                }
                _ => parts.join("; "),
            };
            let column = column.or(differs.map(|(own, _)| own.as_str()));
            return Err(Error::new(ErrorKind::FeatureMismatch, message).at(None, None, column));
        }
        FlatColumns::read(table, names, &self.parts.kinds, workers)
    }
}

impl fmt::Debug for ChurnClassifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChurnClassifier")
            .field("id", &self.id)
            .field("classes", &self.classes())
            .field("features", &self.feature_names().len())
            .finish_non_exhaustive()
    }
}

/// A flat table whose columns were converted to feature columns.
struct FlatColumns {
    names: Vec<String>,
    columns: Vec<FeatureColumn>,
    rows: usize,
}

impl FlatColumns {
    fn read(table: &Table, names: Vec<String>, kinds: &[crate::input::FlatKind], workers: &Workers) -> Result<Self> {
        let columns = read(table, kinds, workers)?.into_iter().map(|values| match values {
            AttributeValues::Number(values) => FeatureColumn::Number(values),
            AttributeValues::Bool(values) => FeatureColumn::Number(
                values
                    .into_iter()
                    .map(|value| if value < 2 { f64::from(value) } else { f64::NAN })
                    .collect(),
            ),
            AttributeValues::Text(text) => FeatureColumn::Text {
                codes: text.codes,
                levels: text.levels.iter().map(str::to_owned).collect(),
            },
        });
        Ok(Self {
            names,
            columns: columns.collect(),
            rows: table.n_rows(),
        })
    }

    fn view(&self) -> Columns<'_> {
        Columns {
            names: &self.names,
            columns: &self.columns,
            rows: self.rows,
        }
    }
}
