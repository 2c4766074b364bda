//! Tree ensembles, which this library or another library trained.

use std::sync::Arc;

use churn_core::Execution;
use churn_core::ensemble::TreeEnsemble;
use napi::bindgen_prelude::{Buffer, Either, Float32Array, Float64Array, Object, PromiseRaw, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use ndarray::{Array2, ArrayView2};

use crate::error::{internal, raise};
use crate::model::Contributions;
use crate::options;
use crate::task::{Cancel, Held, Lane, begin, execution};

/// A model file, given as a path or as the content of the file.
type Given = Either<String, Uint8Array>;

fn content(given: Given) -> churn_core::Result<Vec<u8>> {
    Ok(match given {
        Either::A(path) => churn_core::read_file(&path)?,
        Either::B(bytes) => bytes.to_vec(),
    })
}

/// A copy of the caller's matrix. The copy is needed because the caller may change or transfer the array during the
/// call.
enum Matrix {
    Single(Array2<f32>),
    Double(Array2<f64>),
}

impl Matrix {
    fn new(cells: Either<Float32Array, Float64Array>, rows: u32, columns: usize) -> Result<Self> {
        let shape = (rows as usize, columns);
        let wrong = |_| internal("the matrix has another shape");
        Ok(match cells {
            Either::A(cells) => Self::Single(Array2::from_shape_vec(shape, cells.to_vec()).map_err(wrong)?),
            Either::B(cells) => Self::Double(Array2::from_shape_vec(shape, cells.to_vec()).map_err(wrong)?),
        })
    }
}

/// Makes the names of the columns (`x0`, `x1` and so on) for a model that has no column names.
fn names(columns: usize) -> Vec<String> {
    (0..columns).map(|column| format!("x{column}")).collect()
}

/// A tree ensemble that scores rows and explains the scores.
#[napi]
pub struct Trees {
    inner: Held<Arc<TreeEnsemble>>,
}

impl Trees {
    fn new(made: churn_core::Result<TreeEnsemble>) -> Result<Self> {
        let inner = Held::new(Arc::new(made.map_err(raise)?));
        Ok(Self { inner })
    }
}

#[napi]
impl Trees {
    /// Imports an XGBoost model. The argument is the path of a JSON file, or the JSON itself as bytes.
    #[napi(factory, catch_unwind)]
    pub fn from_xgboost(#[napi(ts_arg_type = "string | Uint8Array")] given: Given) -> Result<Self> {
        Self::new(content(given).and_then(|json| TreeEnsemble::from_xgboost(&json)))
    }

    /// Imports a LightGBM model. The argument is the path of a text file, or the text itself as bytes.
    #[napi(factory, catch_unwind)]
    pub fn from_lightgbm(#[napi(ts_arg_type = "string | Uint8Array")] given: Given) -> Result<Self> {
        // In bytes that are not UTF-8, invalid sequences become replacement characters. The import of a binary file
        // then fails at the first line, with an error that names the expected format.
        Self::new(content(given).and_then(|text| TreeEnsemble::from_lightgbm(&String::from_utf8_lossy(&text))))
    }

    /// Opens an ensemble from its serialized bytes.
    #[napi(factory, catch_unwind)]
    pub fn from_bytes(bytes: Uint8Array) -> Result<Self> {
        Self::new(TreeEnsemble::from_bytes(&bytes))
    }

    /// Serializes the ensemble to bytes.
    #[napi(catch_unwind)]
    pub fn to_bytes(&self) -> Result<Buffer> {
        self.inner.get()?.to_bytes().map(Buffer::from).map_err(raise)
    }

    /// Number of trees.
    #[napi(getter, catch_unwind)]
    pub fn n_trees(&self) -> Result<u32> {
        Ok(self.inner.get()?.n_trees() as u32)
    }

    /// The names of the columns, in training order.
    #[napi(getter, catch_unwind)]
    pub fn feature_names(&self) -> Result<Vec<String>> {
        Ok(names(self.inner.get()?.n_features()))
    }

    /// The scale of leaf values and Shapley values: `log_odds`, or `probability` if the trees average probabilities.
    #[napi(getter, catch_unwind)]
    pub fn link(&self) -> Result<&'static str> {
        Ok(self.inner.get()?.link().as_str())
    }

    /// The approximate amount of memory that this object uses outside V8's heap, in bytes.
    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> Result<i64> {
        Ok(self.inner.get()?.to_bytes().map_err(raise)?.len() as i64)
    }

    /// Frees the memory of this object without waiting for the garbage collector.
    #[napi(catch_unwind)]
    pub fn release(&mut self) {
        self.inner.release();
    }

    /// Returns the probability of the positive class for each row.
    #[napi(catch_unwind)]
    pub fn predict_proba<'env>(
        &self,
        env: &'env Env,
        cells: Either<Float32Array, Float64Array>,
        rows: u32,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Float64Array>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let trees = Arc::clone(self.inner.get()?);
        let matrix = Matrix::new(cells, rows, trees.n_features())?;
        begin(env, Lane::Scoring, cancel, move || {
            let probabilities = match matrix {
                Matrix::Single(x) => trees.predict_proba(x.view(), &execution),
                Matrix::Double(x) => trees.predict_proba(x.view(), &execution),
            };
            probabilities.map(Float64Array::new)
        })
    }

    /// Returns the contribution of each column to the score of each row.
    #[napi(catch_unwind)]
    pub fn explain<'env>(
        &self,
        env: &'env Env,
        cells: Either<Float32Array, Float64Array>,
        rows: u32,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Contributions>> {
        fn explained<T: churn_core::ensemble::Input>(
            trees: &TreeEnsemble,
            x: ArrayView2<'_, T>,
            execution: &Execution,
        ) -> churn_core::Result<Contributions> {
            let (contributions, base_value) = trees.explain(x, execution)?;
            Ok(Contributions {
                contributions: Float64Array::new(contributions.iter().copied().collect()),
                base_value,
                rows: x.nrows() as u32,
                feature_names: names(x.ncols()),
            })
        }
        let execution = options::threads(&given, execution(cancel, None))?;
        let trees = Arc::clone(self.inner.get()?);
        let matrix = Matrix::new(cells, rows, trees.n_features())?;
        begin(env, Lane::Scoring, cancel, move || match matrix {
            Matrix::Single(x) => explained(&trees, x.view(), &execution),
            Matrix::Double(x) => explained(&trees, x.view(), &execution),
        })
    }
}
