//! Trees alone, learned here or by another library.

use std::sync::Arc;

use churn_core::Execution;
use churn_core::ensemble::{Link, TreeEnsemble};
use napi::Result;
use napi::bindgen_prelude::{AsyncTask, Buffer, Either, Float32Array, Float64Array, Object, Uint8Array};
use napi_derive::napi;
use ndarray::{Array2, ArrayView2};

use crate::error::{internal, raise};
use crate::model::Contributions;
use crate::options;
use crate::task::{Cancel, Work, begin, execution};

/// A model as it was given: its path, or its content.
type Given = Either<String, Uint8Array>;

fn content(given: Given) -> churn_core::Result<Vec<u8>> {
    Ok(match given {
        Either::A(path) => {
            std::fs::read(&path).map_err(|error| std::io::Error::new(error.kind(), format!("'{path}': {error}")))?
        }
        Either::B(bytes) => bytes.to_vec(),
    })
}

/// A matrix of the caller's. It is copied once, on his thread: he may change or give away his array while it is worked on.
enum Matrix {
    Single(Array2<f32>),
    Double(Array2<f64>),
}

impl Matrix {
    fn new(cells: Either<Float32Array, Float64Array>, rows: u32, columns: usize) -> Result<Self> {
        let shape = (rows as usize, columns);
        let wrong = |_| internal("the matrix has another shape than was said");
        Ok(match cells {
            Either::A(cells) => Self::Single(Array2::from_shape_vec(shape, cells.to_vec()).map_err(wrong)?),
            Either::B(cells) => Self::Double(Array2::from_shape_vec(shape, cells.to_vec()).map_err(wrong)?),
        })
    }
}

/// Trees that score rows and explain the scores.
#[napi]
pub struct Trees {
    inner: Arc<TreeEnsemble>,
}

impl Trees {
    fn new(made: churn_core::Result<TreeEnsemble>) -> Result<Self> {
        let inner = Arc::new(made.map_err(raise)?);
        Ok(Self { inner })
    }
}

#[napi]
impl Trees {
    /// A model of XGBoost in JSON.
    #[napi(factory, catch_unwind)]
    pub fn from_xgboost(given: Given) -> Result<Self> {
        Self::new(content(given).and_then(|json| TreeEnsemble::from_xgboost(&json)))
    }

    /// A model of LightGBM as text.
    #[napi(factory, catch_unwind)]
    pub fn from_lightgbm(given: Given) -> Result<Self> {
        // What is no text has no text's first line.
        Self::new(content(given).and_then(|text| TreeEnsemble::from_lightgbm(&String::from_utf8_lossy(&text))))
    }

    /// Opens a file of an ensemble from memory.
    #[napi(factory, catch_unwind)]
    pub fn from_bytes(bytes: Uint8Array) -> Result<Self> {
        Self::new(TreeEnsemble::from_bytes(&bytes))
    }

    /// The bytes of such a file.
    #[napi(catch_unwind)]
    pub fn to_bytes(&self) -> Result<Buffer> {
        self.inner.to_bytes().map(Buffer::from).map_err(raise)
    }

    /// Number of trees.
    #[napi(getter, catch_unwind)]
    pub fn trees(&self) -> u32 {
        self.inner.trees() as u32
    }

    /// Number of columns that a row must have.
    #[napi(getter, catch_unwind)]
    pub fn columns(&self) -> u32 {
        self.inner.features() as u32
    }

    /// What leaves add up to.
    #[napi(getter, catch_unwind)]
    pub fn link(&self) -> &'static str {
        match self.inner.link() {
            Link::LogOdds => "log_odds",
            Link::Probability => "probability",
        }
    }

    /// Probability of the second class of every row.
    #[napi(catch_unwind)]
    pub fn predict_proba(
        &self,
        cells: Either<Float32Array, Float64Array>,
        rows: u32,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<AsyncTask<Work<Float64Array>>> {
        let execution = options::threads(&given, execution(cancel, None))?;
        let (trees, matrix) = (
            Arc::clone(&self.inner),
            Matrix::new(cells, rows, self.inner.features())?,
        );
        Ok(begin(move || {
            let found = match matrix {
                Matrix::Single(x) => trees.predict_proba(x.view(), &execution),
                Matrix::Double(x) => trees.predict_proba(x.view(), &execution),
            };
            found.map(Float64Array::new)
        }))
    }

    /// Contributions of every column to every row.
    #[napi(catch_unwind)]
    pub fn explain(
        &self,
        cells: Either<Float32Array, Float64Array>,
        rows: u32,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<AsyncTask<Work<Contributions>>> {
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
                feature_names: (0..x.ncols()).map(|column| format!("x{column}")).collect(),
            })
        }
        let execution = options::threads(&given, execution(cancel, None))?;
        let (trees, matrix) = (
            Arc::clone(&self.inner),
            Matrix::new(cells, rows, self.inner.features())?,
        );
        Ok(begin(move || match matrix {
            Matrix::Single(x) => explained(&trees, x.view(), &execution),
            Matrix::Double(x) => explained(&trees, x.view(), &execution),
        }))
    }
}
