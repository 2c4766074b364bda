//! The classifier for flat tables (tables without dates). This module represents classes by integer codes. The
//! TypeScript code in `lib/` converts labels to codes and back.

use std::collections::HashSet;

use churn_core::{ChurnClassifier, ClassLabel, ClassWeights, ClassifierSchema, Dataset, Table, Value};
use napi::bindgen_prelude::{
    Array, Buffer, Either3, Float64Array, JsValue, Object, PromiseRaw, Uint8Array, Uint32Array, Unknown,
};
use napi::{Env, Result};
use napi_derive::napi;

use crate::error::{internal, invalid_option, raise, to_json};
use crate::model::Contributions;
use crate::options;
use crate::run::ReasonRow;
use crate::task::{Cancel, Held, Lane, Listener, begin, execution};
use crate::values::{OneOrMany, Row};

/// A fitted classifier, whose classes are integer codes.
#[napi]
pub struct Classifier {
    inner: Held<ChurnClassifier>,
}

impl Classifier {
    fn new(classifier: ChurnClassifier) -> Self {
        Self {
            inner: Held::new(classifier),
        }
    }
}

/// Reads the property `x` of an object. The property is an array of plain objects, or the bytes of an Arrow IPC file or
/// stream. The order of keys in plain objects has no meaning, so the columns get the order of the names in `known`.
fn table(source: &Object<'_>, known: &[String]) -> Result<Table> {
    let wrong = || {
        invalid_option(
            "x",
            "must be an array of objects, or a Buffer with an Arrow IPC file or stream",
        )
    };
    let Some(x) = source.get::<Unknown<'_>>("x")? else {
        return Err(wrong());
    };
    if x.is_typedarray()? {
        let bytes = source.get::<Uint8Array>("x")?.ok_or_else(wrong)?;
        return Table::from_ipc(&bytes).map_err(raise);
    }
    let array = source.get::<Array<'_>>("x")?.ok_or_else(wrong)?;
    let mut rows = Vec::with_capacity(array.len() as usize);
    for index in 0..array.len() {
        let Some(Row(Some(cells))) = array.get::<Row>(index)? else {
            return Err(invalid_option(
                "x",
                &format!("must contain objects, but row {index} is not one"),
            ));
        };
        rows.push(cells);
    }
    let given: HashSet<&str> = rows.iter().flatten().map(|(name, _)| name.as_str()).collect();
    let present: Vec<String> = (known.iter())
        .filter(|name| given.contains(name.as_str()))
        .cloned()
        .collect();
    let ordered = rows.into_iter().map(|mut cells| {
        let mut row: Vec<(String, Value)> = Vec::with_capacity(cells.len());
        for name in &present {
            let at = cells.iter().position(|(own, _)| own == name);
            row.push((name.clone(), at.map_or(Value::Null, |at| cells.swap_remove(at).1)));
        }
        row.extend(cells);
        row
    });
    Table::from_values(ordered).map_err(raise)
}

/// Returns the value in `found`. If `found` is `None`, returns an internal error that names the missing data (`what`).
fn numbers<T>(found: Option<T>, what: &str) -> Result<T> {
    found.ok_or_else(|| internal(&format!("there are no {what}")))
}

/// Reads the labels of the classes from the property `labels`.
fn labels(source: &Object<'_>) -> Result<Vec<ClassLabel>> {
    let Some(OneOrMany::Many(labels)) = source.get::<OneOrMany>("labels")? else {
        return Err(internal("there are no labels"));
    };
    let labels = labels.into_iter().map(|label| match label {
        Value::Bool(label) => Ok(ClassLabel::Bool(label)),
        Value::Int(label) => Ok(ClassLabel::Number(label as f64)),
        Value::Float(label) => Ok(ClassLabel::Number(label)),
        Value::Text(label) => Ok(ClassLabel::Text(label)),
        _ => Err(internal("a label of an unknown type")),
    });
    labels.collect()
}

/// Checks that the columns of a table have the same types as the columns of the training data.
fn checked(model: &ChurnClassifier, table: &Table) -> churn_core::Result<()> {
    let same = model.feature_names().iter().all(|name| table.has_column(name));
    match model.schema() {
        Some(schema) if same => schema.check(model.feature_names(), table),
        _ => Ok(()), // The prediction itself reports missing columns.
    }
}

/// Fits a classifier. `source` contains the table `x`, the class code of each row (`classes`) and the label of each
/// code (`labels`). It may also contain `groups` (integer codes), `weights` and `classWeights`.
#[napi(catch_unwind)]
pub fn fit_classifier<'env>(
    env: &'env Env,
    source: Object<'_>,
    given: Object<'_>,
    cancel: &Cancel,
    #[napi(ts_arg_type = "((step: Progress) => void) | undefined | null")] listener: Option<Listener>,
) -> Result<PromiseRaw<'env, Classifier>> {
    let mut options = options::classifier(&given, execution(cancel, listener))?;
    if let Some(weights) = source.get::<Float64Array>("classWeights")? {
        options.class_weight = ClassWeights::Given(weights.to_vec());
    }
    let classes = numbers(source.get::<Uint32Array>("classes")?, "classes")?.to_vec();
    let groups = source.get::<Uint32Array>("groups")?.map(|groups| groups.to_vec());
    let weights = source.get::<Float64Array>("weights")?.map(|weights| weights.to_vec());
    let table = table(&source, &[])?;
    let labels = labels(&source)?;
    begin(env, Lane::Training, cancel, move || {
        let schema = ClassifierSchema::new(labels, &table)?;
        let mut dataset = Dataset::new(&table, &classes);
        if let Some(groups) = &groups {
            dataset = dataset.with_groups(groups);
        }
        if let Some(weights) = &weights {
            dataset = dataset.with_weights(weights);
        }
        let fitted = ChurnClassifier::fit(&dataset, &options);
        fitted?.with_schema(schema).map(Classifier::new)
    })
}

/// Opens a classifier file.
#[napi(catch_unwind)]
pub fn load_classifier<'env>(env: &'env Env, path: String, cancel: &Cancel) -> Result<PromiseRaw<'env, Classifier>> {
    begin(env, Lane::Scoring, cancel, move || {
        ChurnClassifier::load(path).map(Classifier::new)
    })
}

#[napi]
impl Classifier {
    /// Opens a classifier from the bytes of a classifier file.
    #[napi(factory, catch_unwind)]
    pub fn from_bytes(bytes: Uint8Array) -> Result<Self> {
        ChurnClassifier::from_bytes(&bytes).map(Self::new).map_err(raise)
    }

    /// Returns the bytes of the classifier file.
    #[napi(catch_unwind)]
    pub fn to_bytes(&self) -> Result<Buffer> {
        Ok(self.inner.get()?.to_bytes().into())
    }

    /// Writes the classifier file.
    #[napi(catch_unwind)]
    pub fn save<'env>(&self, env: &'env Env, path: String, cancel: &Cancel) -> Result<PromiseRaw<'env, ()>> {
        let model = self.inner.get()?.clone();
        begin(env, Lane::Scoring, cancel, move || model.save(path))
    }

    /// The id of the classifier: a hash of its content.
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> Result<String> {
        Ok(self.inner.get()?.id().to_owned())
    }

    /// Number of classes.
    #[napi(getter, catch_unwind)]
    pub fn classes(&self) -> Result<u32> {
        Ok(self.inner.get()?.classes() as u32)
    }

    /// The labels of the classes, in the order of their codes; null if the file does not contain them.
    #[napi(getter, catch_unwind)]
    pub fn labels(&self) -> Result<Option<Vec<Either3<bool, f64, String>>>> {
        let Some(schema) = self.inner.get()?.schema() else {
            return Ok(None);
        };
        let labels = schema.classes.iter().map(|label| match label {
            ClassLabel::Bool(label) => Ok(Either3::A(*label)),
            ClassLabel::Number(label) => Ok(Either3::B(*label)),
            ClassLabel::Text(label) => Ok(Either3::C(label.clone())),
            _ => Err(internal("a label of an unknown type")),
        });
        labels.collect::<Result<_>>().map(Some)
    }

    /// Names of the columns.
    #[napi(getter, catch_unwind)]
    pub fn feature_names(&self) -> Result<Vec<String>> {
        Ok(self.inner.get()?.feature_names().to_vec())
    }

    /// The report on the fit, as JSON: how the classifier was fitted and how well it performs.
    #[napi(getter, catch_unwind)]
    pub fn report(&self) -> Result<String> {
        to_json(self.inner.get()?.report())
    }

    /// Returns the probability of each class for each row, as a row-major array.
    #[napi(catch_unwind)]
    pub fn predict_proba<'env>(
        &self,
        env: &'env Env,
        source: Object<'_>,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Float64Array>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let model = self.inner.get()?.clone();
        let table = table(&source, model.feature_names())?;
        begin(env, Lane::Scoring, cancel, move || {
            checked(&model, &table)?;
            model.predict_proba(&table, &execution).map(|rows| flat(rows.iter()))
        })
    }

    /// Returns, for each row, the lower and the upper bound of a confidence interval. This is an interval for the
    /// share of the second class among rows with the same score.
    #[napi(catch_unwind)]
    pub fn predict_interval<'env>(
        &self,
        env: &'env Env,
        source: Object<'_>,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Float64Array>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let model = self.inner.get()?.clone();
        let table = table(&source, model.feature_names())?;
        begin(env, Lane::Scoring, cancel, move || {
            checked(&model, &table)?;
            (model.predict_interval(&table, &execution)).map(|rows| flat(rows.iter()))
        })
    }

    /// Returns the contribution of each column to the score of each row.
    #[napi(catch_unwind)]
    pub fn explain<'env>(
        &self,
        env: &'env Env,
        source: Object<'_>,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Contributions>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let model = self.inner.get()?.clone();
        let table = table(&source, model.feature_names())?;
        begin(env, Lane::Scoring, cancel, move || {
            checked(&model, &table)?;
            let explanation = model.explain(&table, &execution)?;
            Ok(Contributions::new(&explanation, model.feature_names()))
        })
    }

    /// For each row, returns the columns with the largest contributions to the row's score.
    #[napi(catch_unwind)]
    pub fn reasons<'env>(
        &self,
        env: &'env Env,
        source: Object<'_>,
        top: u32,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Vec<Vec<ReasonRow>>>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let model = self.inner.get()?.clone();
        let table = table(&source, model.feature_names())?;
        begin(env, Lane::Scoring, cancel, move || {
            checked(&model, &table)?;
            let reasons = model.reasons(&table, top as usize, &execution)?;
            let rows = reasons.into_iter();
            Ok(rows.map(|row| row.into_iter().map(ReasonRow::from).collect()).collect())
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

fn flat<'a>(values: impl Iterator<Item = &'a f64>) -> Float64Array {
    Float64Array::new(values.copied().collect())
}
