//! The classifier of flat tables; `classifier.js` keeps its labels.

use std::collections::HashSet;

use churn_core::{ChurnClassifier, ClassWeights, Dataset, Error, Table, Value};
use napi::Result;
use napi::bindgen_prelude::{
    Array, AsyncTask, Buffer, Float64Array, JsValue, Object, Uint8Array, Uint32Array, Unknown,
};
use napi_derive::napi;

use crate::error::{internal, invalid_option, raise};
use crate::model::Contributions;
use crate::options;
use crate::run::ReasonRow;
use crate::task::{Cancel, Listener, Work, begin, execution};
use crate::values::Row;

/// A fitted classifier without its labels.
#[napi]
pub struct Classifier {
    inner: ChurnClassifier,
}

/// The table `x` of an object: rows as plain objects, or the bytes of an Arrow IPC file or stream. The columns of objects, which
/// have no order of their own, stand as in `known`.
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
                &format!("must hold objects, and row {index} is none"),
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

/// A number for each row: weights, codes.
fn numbers<T>(found: Option<T>, what: &str) -> Result<T> {
    found.ok_or_else(|| internal(&format!("there are no {what}")))
}

/// Fits to `x`, `classes` (codes), and, where they are, `groups` (codes), `weights` and `classWeights`.
#[napi(catch_unwind)]
pub fn fit_classifier(
    source: Object<'_>,
    given: Object<'_>,
    cancel: &Cancel,
    listener: Option<Listener>,
) -> Result<AsyncTask<Work<Classifier>>> {
    let mut options = options::classifier(&given, execution(cancel, listener))?;
    if let Some(weights) = source.get::<Float64Array>("classWeights")? {
        options.class_weight = ClassWeights::Given(weights.to_vec());
    }
    let classes = numbers(source.get::<Uint32Array>("classes")?, "classes")?.to_vec();
    let groups = source.get::<Uint32Array>("groups")?.map(|groups| groups.to_vec());
    let weights = source.get::<Float64Array>("weights")?.map(|weights| weights.to_vec());
    let table = table(&source, &[])?;
    Ok(begin(move || {
        let mut dataset = Dataset::new(&table, &classes);
        if let Some(groups) = &groups {
            dataset = dataset.with_groups(groups);
        }
        if let Some(weights) = &weights {
            dataset = dataset.with_weights(weights);
        }
        ChurnClassifier::fit(&dataset, &options).map(|inner| Classifier { inner })
    }))
}

/// Opens a classifier's file.
#[napi(catch_unwind)]
pub fn load_classifier(path: String) -> AsyncTask<Work<Classifier>> {
    begin(move || ChurnClassifier::load(path).map(|inner| Classifier { inner }))
}

#[napi]
impl Classifier {
    /// Opens a classifier's file from memory.
    #[napi(factory, catch_unwind)]
    pub fn from_bytes(bytes: Uint8Array) -> Result<Self> {
        ChurnClassifier::from_bytes(&bytes)
            .map(|inner| Self { inner })
            .map_err(raise)
    }

    /// The file's bytes.
    #[napi(catch_unwind)]
    pub fn to_bytes(&self) -> Buffer {
        self.inner.to_bytes().into()
    }

    /// Writes the file.
    #[napi(catch_unwind)]
    pub fn save(&self, path: String) -> AsyncTask<Work<()>> {
        let model = self.inner.clone();
        begin(move || model.save(path))
    }

    /// Identifies it by its content.
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> String {
        self.inner.id().to_owned()
    }

    /// Number of classes.
    #[napi(getter, catch_unwind)]
    pub fn classes(&self) -> u32 {
        self.inner.classes() as u32
    }

    /// Names of its columns.
    #[napi(getter, catch_unwind)]
    pub fn feature_names(&self) -> Vec<String> {
        self.inner.feature_names().to_vec()
    }

    /// How it was fitted, as JSON.
    #[napi(getter, catch_unwind)]
    pub fn report(&self) -> Result<String> {
        serde_json::to_string(self.inner.report()).map_err(|error| internal(&error.to_string()))
    }

    /// Probability of every class of every row, row after row.
    #[napi(catch_unwind)]
    pub fn predict_proba(
        &self,
        source: Object<'_>,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<AsyncTask<Work<Float64Array>>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, table) = (self.inner.clone(), table(&source, self.inner.feature_names())?);
        Ok(begin(move || {
            model.predict_proba(&table, &execution).map(|found| flat(found.iter()))
        }))
    }

    /// The interval of the second class's probability of every row, row after row.
    #[napi(catch_unwind)]
    pub fn predict_interval(
        &self,
        source: Object<'_>,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<AsyncTask<Work<Float64Array>>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, table) = (self.inner.clone(), table(&source, self.inner.feature_names())?);
        Ok(begin(move || {
            model
                .predict_interval(&table, &execution)
                .map(|found| flat(found.iter()))
        }))
    }

    /// Contributions of every column to every row.
    #[napi(catch_unwind)]
    pub fn explain(
        &self,
        source: Object<'_>,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<AsyncTask<Work<Contributions>>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, table) = (self.inner.clone(), table(&source, self.inner.feature_names())?);
        Ok(begin(move || {
            let told = model.explain(&table, &execution)?;
            Ok(Contributions {
                rows: told.contributions.nrows() as u32,
                contributions: flat(told.contributions.iter()),
                base_value: told.base_value,
                feature_names: model.feature_names().to_vec(),
            })
        }))
    }

    /// For every row the columns that move its score the most.
    #[napi(catch_unwind)]
    pub fn reasons(
        &self,
        source: Object<'_>,
        top: u32,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<AsyncTask<Work<Vec<Vec<ReasonRow>>>>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (model, table) = (self.inner.clone(), table(&source, self.inner.feature_names())?);
        Ok(begin(move || {
            let found = model.reasons(&table, top as usize, &execution)?;
            let rows = found
                .into_iter()
                .map(|row| row.into_iter().map(ReasonRow::from).collect());
            Ok::<_, Error>(rows.collect())
        }))
    }
}

fn flat<'a>(values: impl Iterator<Item = &'a f64>) -> Float64Array {
    Float64Array::new(values.copied().collect())
}
