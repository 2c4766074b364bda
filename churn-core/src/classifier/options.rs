//! Options of a classifier. Every field has a default.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::error::Result;
use crate::leakage::LeakagePolicy;
use crate::model::EnsembleOptions;
use crate::options::{Given, Options, builders, from_value, json_methods};
use crate::parallel::Execution;

/// The weights of the classes in the fit. In JSON, this is null (equal weights), `"balanced"` or a list of numbers.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum ClassWeights {
    /// Every class has weight 1. Probabilities then reflect the class frequencies of the training table.
    #[default]
    Equal,
    /// All classes have the same total weight. Probabilities are then those of a table with equally many rows of each
    /// class.
    Balanced,
    /// The weight of each class, in the order of the class codes. The weight of each row is multiplied by the weight of
    /// its class.
    Given(Vec<f64>),
}

impl Serialize for ClassWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Equal => serializer.serialize_none(),
            Self::Balanced => serializer.serialize_str("balanced"),
            Self::Given(weights) => weights.serialize(serializer),
        }
    }
}

/// Options of [`ChurnClassifier::fit`](crate::ChurnClassifier::fit). In JSON, the options of [`EnsembleOptions`] are
/// keys of the outer object, next to the other options.
///
/// ```
/// use churn_core::{ClassWeights, ClassifierOptions};
///
/// let options = ClassifierOptions::default().with_seed(7);
/// assert_eq!(options.class_weight, ClassWeights::Equal);
/// let options = ClassifierOptions::from_json(r#"{"class_weight": "balanced", "forest": false}"#)?;
/// assert_eq!(options.class_weight, ClassWeights::Balanced);
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ClassifierOptions {
    /// The members (base learners) of the ensemble, and how their predictions are blended.
    #[serde(flatten)]
    pub ensemble: EnsembleOptions,
    /// The weights of the classes. Default: every class has weight 1.
    pub class_weight: ClassWeights,
    /// What the fit does about columns that leak the target (contain information that is not available at prediction
    /// time). By default, such columns are reported as warnings. Columns are checked only if there are at
    /// least 20 rows of each class.
    pub leakage: LeakagePolicy,
    /// Columns that may be used even if they seem to leak the target. List only columns whose values are known at
    /// prediction time. Default: none.
    pub allow_columns: Vec<String>,
    /// Columns whose values are categories even if the values look like numbers. In such a column, the text `0034`
    /// stays a text. Any other column is read as numbers if all its values are numbers or texts that spell numbers. For
    /// some columns, the choice between numbers and categories is uncertain. These columns are listed in
    /// [`column_notes`](crate::ClassifierReport::column_notes). Default: none.
    pub categorical: Vec<String>,
    /// The seed of all pseudo-random numbers in the fit. The same data, options and seed give the same classifier.
    /// Default: 0.
    pub seed: u64,
    /// How the call runs: its number of threads, progress callback and cancel token. These settings never change the
    /// result.
    #[serde(skip)]
    pub execution: Execution,
}

impl Default for ClassifierOptions {
    fn default() -> Self {
        Self {
            ensemble: EnsembleOptions::default(),
            class_weight: ClassWeights::default(),
            leakage: LeakagePolicy::Warn,
            allow_columns: vec![],
            categorical: vec![],
            seed: 0,
            execution: Execution::default(),
        }
    }
}

builders!(ClassifierOptions {
    with_ensemble(ensemble: EnsembleOptions),
    with_class_weight(class_weight: ClassWeights),
    with_leakage(leakage: LeakagePolicy),
    with_seed(seed: u64),
    with_execution(execution: Execution),
});
json_methods!(ClassifierOptions);

impl ClassifierOptions {
    /// Sets [`allow_columns`](Self::allow_columns).
    #[must_use]
    pub fn with_allow_columns(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allow_columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`categorical`](Self::categorical).
    #[must_use]
    pub fn with_categorical(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.categorical = columns.into_iter().map(Into::into).collect();
        self
    }
}

impl Options for ClassifierOptions {
    fn read(&mut self, given: &mut Given) -> Result<()> {
        self.ensemble.read(given)?;
        if let Some(weight) = given.take("class_weight") {
            self.class_weight = match weight {
                Value::String(name) if name == "balanced" => ClassWeights::Balanced,
                Value::Array(_) => {
                    let weights = serde_json::from_value(weight);
                    ClassWeights::Given(weights.map_err(|error| given.wrong("class_weight", error))?)
                }
                _ => {
                    let why = "it must be 'balanced' or a list of numbers, one for each class";
                    return Err(given.wrong("class_weight", why));
                }
            };
        }
        given.set("leakage", &mut self.leakage)?;
        given.set_list("allow_columns", &mut self.allow_columns)?;
        given.set_list("categorical", &mut self.categorical)?;
        given.set("seed", &mut self.seed)
    }
}

impl<'de> Deserialize<'de> for ClassifierOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        from_value(Self::default(), Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
