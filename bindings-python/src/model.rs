//! Trained churn models, training and backtests.

use std::path::PathBuf;
use std::sync::Arc;

use churn_core::{
    Backtest, BacktestOptions, ChurnDefinition, CustomerRows, FeatureColumn, LeakagePolicy, Monotonicity, RecordKind,
    TrainOptions,
};
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PySlice, PyType};
use serde::Serialize;

use crate::arguments;
use crate::definition::{Definition, definition_of};
use crate::errors::{OrRaise, refuse};
use crate::features::{FeatureMatrix, json};
use crate::frames::Values;
use crate::records::escape;
use crate::run::{ScoreRun, explanation, warn};
use crate::tables::{Kind, dates, rows_of_one, table, timestamp};
use crate::work;

/// A trained churn model. It is immutable. `save`, `to_bytes` and pickle store the same bytes.
///
/// >>> churn.ChurnModel.from_bytes(model.to_bytes()) == model
/// True
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct ChurnModel(pub(crate) churn_core::ChurnModel);

#[pymethods]
impl ChurnModel {
    /// Trains a model on a tenant's records.
    ///
    /// Args:
    ///     records: The tenant's `TenantRecords`.
    ///     definition: `Cancellation` or `Inactivity`; None means ``Cancellation(horizon=90)``.
    ///     as_of: A training date or a list of dates. The label period of each date (the period after the date, during
    ///         which churn is counted) must be over. With None, training chooses the dates.
    ///     seed: Seed of all random sampling. Equal records, options and seeds give equal models.
    ///     threads: Number of threads. None means one thread per core. The model does not depend on this number.
    ///     progress: True for a progress bar, or a callable ``(stage, share)``.
    ///     plan: The features to use. None means the standard features.
    ///     shared: Whether the model may score the records of other tenants.
    ///     leakage: What happens to columns that leak the target (reveal the label). With ``"refuse"``, a leaking
    ///         attribute raises an error, and a leaking event feature gives a warning in the report. ``"warn"`` only
    ///         gives warnings. ``"allow"`` accepts all columns. The report then lists the leaking columns and marks
    ///         them as allowed.
    ///     allow_columns: Names of columns that are accepted although they leak the target (reveal the label).
    ///     linear: Whether the ensemble includes a logistic regression (the linear member).
    ///     boosting, deep_boosting, forest: Settings of the other members of the ensemble. False leaves the member out.
    ///         A dict sets options of the member: ``n_trees``, ``max_leaves``, ``max_depth``, ``learning_rate``,
    ///         ``min_leaf_rows``, ``l2``, ``colsample``, ``subsample``, ``max_bins``. If ``boosting`` is a dict and
    ///         ``deep_boosting`` is not given, the deep-boosting member is left out.
    ///     max_rows: Maximum number of training rows (pairs of a customer and a date). If there are more
    ///         rows, training uses a sample of the customers, with all rows of these customers.
    ///     folds: Number of folds of the cross-validation (stratified group k-fold).
    ///     churn_weight: The weight that the training rows of churned customers have when the members of the ensemble
    ///         are fitted. All other rows have the weight 1. Predicted probabilities stay calibrated.
    ///     monotone_constraints: A dict from feature to ``"increasing"`` or ``"decreasing"``. With ``"increasing"``, a
    ///         larger value of the feature never lowers the predicted probability. With ``"decreasing"``, a larger
    ///         value never raises the predicted probability. With constraints, the ensemble has no random forest.
    ///
    /// Raises:
    ///     TrainingError: There is too little data or only one class, or a column leaks the target (reveals the
    ///         label).
    ///     InvalidOptionError: An argument has an invalid value. ``.column`` is the name of the argument.
    ///     KeyboardInterrupt: Ctrl-C was pressed. Training stops within a fraction of a second.
    ///
    /// >>> definition = churn.Inactivity(horizon=60, on="payments")
    /// >>> model = churn.ChurnModel.train(records, definition=definition, seed=1, folds=2, forest=False)
    /// >>> model.report.cross_validated.roc_auc.value > 0.5
    /// True
    #[staticmethod]
    #[pyo3(
        signature = (records, definition=None, *, as_of=None, seed=0, threads=None, progress=None, plan=None, shared=false, leakage=LeakagePolicy::Refuse, allow_columns=vec![], linear=true, boosting=None, deep_boosting=None, forest=None, max_rows=500_000, folds=5, churn_weight=1.0, monotone_constraints=vec![]),
        text_signature = "(records, definition=None, *, as_of=None, seed=0, threads=None, progress=None, plan=None, shared=False, leakage='refuse', allow_columns=(), linear=True, boosting=None, deep_boosting=None, forest=None, max_rows=500_000, folds=5, churn_weight=1.0, monotone_constraints=None)"
    )]
    #[allow(clippy::too_many_arguments)]
    fn train(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::records)] records: Arc<churn_core::TenantRecords>,
        definition: Option<Definition>,
        as_of: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::seed)] seed: u64,
        #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::plan)] plan: Option<churn_core::FeaturePlan>,
        #[pyo3(from_py_with = arguments::shared)] shared: bool,
        #[pyo3(from_py_with = arguments::leakage)] leakage: LeakagePolicy,
        #[pyo3(from_py_with = arguments::allow_columns)] allow_columns: Vec<String>,
        #[pyo3(from_py_with = arguments::linear)] linear: bool,
        boosting: Option<&Bound<'_, PyAny>>,
        deep_boosting: Option<&Bound<'_, PyAny>>,
        forest: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::max_rows)] max_rows: usize,
        #[pyo3(from_py_with = arguments::folds)] folds: usize,
        #[pyo3(from_py_with = arguments::churn_weight)] churn_weight: f64,
        #[pyo3(from_py_with = arguments::monotone_constraints)] monotone_constraints: Vec<(String, Monotonicity)>,
    ) -> PyResult<Self> {
        let given = TrainArguments {
            definition,
            as_of,
            seed,
            plan,
            shared,
            leakage,
            allow_columns,
            linear,
            boosting,
            deep_boosting,
            forest,
            max_rows,
            folds,
            churn_weight,
            monotone_constraints,
        };
        let mut options = given.options(py)?;
        let model = work::run(py, threads, progress, move |execution| {
            options.execution = execution;
            churn_core::ChurnModel::train(&records, &options)
        })?;
        warn(py, &model.report().warnings)?;
        Ok(Self(model))
    }

    /// The id of the model: a hash of its content.
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    /// The training report: how the model was trained and how well it performs.
    #[getter]
    fn report(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        reported(py, self.0.report(), "read")
    }

    /// The model card as a dict. It describes the model, its training data and how well it performs.
    #[getter]
    fn card(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let json = self.0.card().to_json().or_raise(py)?;
        Ok(py.import("json")?.getattr("loads")?.call1((json,))?.unbind())
    }

    /// Returns the model card as JSON. The cards of equal models consist of the same bytes.
    fn card_json(&self, py: Python<'_>) -> PyResult<String> {
        self.0.card().to_json().or_raise(py)
    }

    /// Returns the model card as Markdown.
    fn card_markdown(&self) -> String {
        self.0.card().to_markdown()
    }

    /// The definition of churn under which the model was trained: `Cancellation` or `Inactivity`.
    #[getter]
    fn definition(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        definition_of(py, self.0.definition())
    }

    /// The id of the only tenant whose records the model may score. None means that it may score records of any tenant.
    #[getter]
    fn tenant(&self) -> Option<&str> {
        self.0.tenant().map(|tenant| tenant.as_str())
    }

    /// The names of the features of the model, in the order of the columns of its feature matrix.
    #[getter]
    fn feature_names(&self) -> Vec<String> {
        self.0.feature_names().to_vec()
    }

    /// A dict with the lowest probability of each of the risk bands medium, high and critical.
    #[getter]
    fn risk_bands(&self) -> std::collections::BTreeMap<&'static str, f64> {
        let bands = self.0.risk_bands();
        [
            ("medium", bands.medium),
            ("high", bands.high),
            ("critical", bands.critical),
        ]
        .into()
    }

    /// Scores all eligible customers at the date ``as_of`` and returns a `ScoreRun`. A customer is eligible if they can
    /// still churn under the model's definition of churn.
    #[pyo3(signature = (records, as_of, *, threads=None, progress=None))]
    fn score(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::records)] records: Arc<churn_core::TenantRecords>,
        as_of: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<ScoreRun> {
        let (model, records, as_of) = (self.0.clone(), records, timestamp(as_of, "as_of")?);
        let run = work::run(py, threads, progress, move |execution| {
            model.score_with(&records, as_of, &execution)
        })?;
        warn(py, run.warnings())?;
        Ok(ScoreRun::new(run, self.0.clone()))
    }

    /// Scores one customer from their own rows. The score is bit-identical to the customer's score in a run over all
    /// customers.
    ///
    /// ``customer`` is a dict, or a list of dicts if the customer has several versions (dated rows). Event rows need no
    /// ``customer_id``. Pass ``None`` for a table that you do not have, and ``[]`` for a table without rows. Events at
    /// or after ``as_of`` are ignored. ``top`` is the number of reasons.
    ///
    /// Raises:
    ///     NotEligibleError: The customer is not eligible at ``as_of``, for example because they have already churned.
    ///
    /// >>> score = model.score_customer(
    /// ...     customer={"customer_id": "X", "signed_up_at": "2023-05-01", "plan": "pro", "seats": 3.0},
    /// ...     payments=[{"due_at": "2024-02-20", "amount": 12.5}], tickets=[], as_of="2024-03-01")
    /// >>> 0 <= score.probability <= 1, len(score.reasons)
    /// (True, 5)
    #[pyo3(signature = (customer, payments=None, tickets=None, activities=None, *, as_of, top=5))]
    #[allow(clippy::too_many_arguments)]
    fn score_customer(
        &self,
        py: Python<'_>,
        customer: &Bound<'_, PyAny>,
        payments: Option<&Bound<'_, PyAny>>,
        tickets: Option<&Bound<'_, PyAny>>,
        activities: Option<&Bound<'_, PyAny>>,
        as_of: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::top)] top: usize,
    ) -> PyResult<Py<PyAny>> {
        let mut rows = CustomerRows::new(rows_of_one(customer, RecordKind::Customers)?);
        let events = [
            (RecordKind::Payments, payments),
            (RecordKind::Tickets, tickets),
            (RecordKind::Activities, activities),
        ];
        for (kind, given) in events {
            if let Some(given) = given {
                rows = rows.table(kind, table(given, Kind::Records(kind))?);
            }
        }
        let as_of = timestamp(as_of, "as_of")?;
        let answer = py.detach(|| self.0.score_customer(rows, as_of, top)).or_raise(py)?;
        crate::run::answer(py, &answer)
    }

    /// Computes a `FeatureMatrix` with the features that this model uses. `explain` and `predict_proba` accept this
    /// matrix.
    #[pyo3(signature = (records, as_of, *, threads=None))]
    fn features(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::records)] records: Arc<churn_core::TenantRecords>,
        as_of: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
    ) -> PyResult<FeatureMatrix> {
        let (model, records, dates) = (self.0.clone(), records, dates(as_of, "as_of")?);
        let matrix = work::run(py, threads, None, move |execution| {
            model.features(&records, &dates, &execution)
        })?;
        Ok(FeatureMatrix(Arc::new(matrix)))
    }

    /// Returns the Shapley value of each feature for each row of a `FeatureMatrix`, in log-odds before calibration.
    #[pyo3(signature = (matrix, *, threads=None))]
    fn explain(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::matrix)] matrix: Arc<churn_core::FeatureMatrix>,
        #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
    ) -> PyResult<Py<PyAny>> {
        let (model, given) = (self.0.clone(), Arc::clone(&matrix));
        let found = work::run(py, threads, None, move |execution| model.explain(&given, &execution))?;
        let data = values(py, &matrix)?;
        explanation(
            py,
            found.contributions,
            found.base_value,
            data,
            matrix.feature_names().to_vec(),
        )
    }

    /// Returns the calibrated churn probability of each row of a `FeatureMatrix`, as a float64 array.
    #[pyo3(signature = (matrix, *, threads=None))]
    fn predict_proba(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::matrix)] matrix: Arc<churn_core::FeatureMatrix>,
        #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
    ) -> PyResult<Py<PyAny>> {
        let model = self.0.clone();
        let found = work::run(py, threads, None, move |execution| {
            model.predict_proba(&matrix, &execution)
        })?;
        Ok(found.into_pyarray(py).into_any().unbind())
    }

    /// Returns the log-odds of churn for each row of a `FeatureMatrix`, before calibration. The log-odds of a row equal
    /// the base value of `explain` plus the sum of the row's Shapley values.
    #[pyo3(signature = (matrix, *, threads=None))]
    fn log_odds(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::matrix)] matrix: Arc<churn_core::FeatureMatrix>,
        #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
    ) -> PyResult<Py<PyAny>> {
        let model = self.0.clone();
        let found = work::run(py, threads, None, move |execution| model.log_odds(&matrix, &execution))?;
        Ok(found.into_pyarray(py).into_any().unbind())
    }

    /// Writes the model to a file.
    fn save(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::path)] path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.save(path)).or_raise(py)
    }

    /// Opens a model file. The file may have been written by Python, Rust or Node.
    #[staticmethod]
    fn load(py: Python<'_>, #[pyo3(from_py_with = arguments::path)] path: PathBuf) -> PyResult<Self> {
        py.detach(|| churn_core::ChurnModel::load(path)).or_raise(py).map(Self)
    }

    /// Returns the bytes of the model file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_bytes())
    }

    /// Opens a model from the bytes of a model file. Bytes from an untrusted source are safe: invalid bytes raise an
    /// `ArtifactError`.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, #[pyo3(from_py_with = arguments::data)] data: Vec<u8>) -> PyResult<Self> {
        py.detach(|| churn_core::ChurnModel::from_bytes(&data))
            .or_raise(py)
            .map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let kind: Bound<'py, PyType> = slf.get_type();
        Ok((kind.getattr("from_bytes")?, (slf.get().to_bytes(slf.py()),)))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Self>()
            .is_ok_and(|other| other.get().0.id() == self.0.id())
    }

    fn __hash__(&self) -> u64 {
        u64::from_str_radix(&self.0.id()[..self.0.id().len().min(15)], 16).unwrap_or_default()
    }

    fn __repr__(&self) -> String {
        let tenant = self
            .tenant()
            .map_or("any tenant".to_owned(), |tenant| format!("tenant '{tenant}'"));
        format!(
            "<ChurnModel {} of {tenant}: {} features>",
            self.0.id(),
            self.0.feature_names().len()
        )
    }

    fn _repr_html_(&self) -> String {
        let report = self.0.report();
        let (what, measures) = match &report.out_of_time {
            Some(test) => (format!("out of time, {}", test.test_date), &test.measures),
            None => ("cross-validated".to_owned(), &report.cross_validated),
        };
        let figures = [
            ("AUC", measures.roc_auc),
            ("PR-AUC", measures.pr_auc),
            ("Brier score", measures.brier),
            ("top-decile lift", measures.top_decile_lift),
        ];
        let rows = figures.into_iter().filter_map(|(name, estimate)| {
            let estimate = estimate?;
            Some(format!(
                "<tr><th>{name}</th><td>{:.3}</td><td>{:.3} to {:.3}</td></tr>",
                estimate.value, estimate.interval.low, estimate.interval.high
            ))
        });
        format!(
            "<b>{}</b><table><tr><th colspan=3>{what}</th></tr>{}</table>",
            escape(&self.__repr__()),
            rows.collect::<String>()
        )
    }
}

/// The Python arguments from which `options` makes the training options.
struct TrainArguments<'a, 'py> {
    definition: Option<Definition>,
    as_of: Option<&'a Bound<'py, PyAny>>,
    seed: u64,
    plan: Option<churn_core::FeaturePlan>,
    shared: bool,
    leakage: LeakagePolicy,
    allow_columns: Vec<String>,
    linear: bool,
    boosting: Option<&'a Bound<'py, PyAny>>,
    deep_boosting: Option<&'a Bound<'py, PyAny>>,
    forest: Option<&'a Bound<'py, PyAny>>,
    max_rows: usize,
    folds: usize,
    churn_weight: f64,
    monotone_constraints: Vec<(String, Monotonicity)>,
}

impl TrainArguments<'_, '_> {
    fn options(self, py: Python<'_>) -> PyResult<TrainOptions> {
        let mut given = serde_json::json!({
            "linear": self.linear,
            "folds": self.folds,
            "churn_weight": self.churn_weight,
            "monotone_constraints": serde_json::Map::from_iter(
                self.monotone_constraints.into_iter().map(|(name, direction)| (name, direction.as_str().into())),
            ),
            "allow_columns": self.allow_columns,
            "max_rows": self.max_rows,
            "shared": self.shared,
            "seed": self.seed,
        });
        for (name, member) in [
            ("boosting", self.boosting),
            ("deep_boosting", self.deep_boosting),
            ("forest", self.forest),
        ] {
            if let Some(member) = member {
                given[name] = json(member, name)?;
            }
        }
        let mut options = TrainOptions::default()
            .with_leakage(self.leakage)
            .with_plan(self.plan.unwrap_or_default())
            .with_definition(self.definition.map(ChurnDefinition::from).unwrap_or_default());
        options.as_of = self.as_of.map(|at| dates(at, "as_of")).transpose()?;
        options.with_json(&given.to_string()).or_raise(py)
    }
}

/// Runs backtests with a rolling origin. For each test date (origin), a model is trained on the data that were known at
/// that date. The model is tested on the label period (the period after that date, during which churn is counted).
///
/// Args:
///     records: The tenant's `TenantRecords`.
///     definition: `Cancellation` or `Inactivity`.
///     origins: The test dates. The label period of each date (the period after the date, during which churn is
///         counted) must be over. With None, the last possible dates are chosen: at most three dates, which lie one
///         label period apart.
///     embargo_days: The last label period in the training data must end at least this number of days before the
///         origin.
///     unseen_customers: Whether to test only customers who have no training row.
///     as_of: A list of dates. The training dates for each origin are taken from this list. With None, the library
///         chooses training dates before each origin.
///
/// All other arguments have the same meaning as in `ChurnModel.train`.
///
/// Returns:
///     A list with one `OutOfTime` per origin, earliest origin first. The ``proof`` of each `OutOfTime` shows that no
///     training label period overlaps the test period.
///
/// Raises:
///     TrainingError: For some origin, there is no training date whose label period is over at the origin
///         (``nothing_after_purge``).
///
/// >>> (fold,) = churn.backtest(records, definition=churn.Inactivity(horizon=60), origins="2024-03-01", folds=2)
/// >>> fold.proof.last_label_end <= fold.test_date
/// True
#[pyfunction]
#[pyo3(
    signature = (records, definition=None, *, origins=None, embargo_days=0, unseen_customers=false, as_of=None, seed=0, threads=None, progress=None, plan=None, shared=false, leakage=LeakagePolicy::Refuse, allow_columns=vec![], linear=true, boosting=None, deep_boosting=None, forest=None, max_rows=500_000, folds=5, churn_weight=1.0, monotone_constraints=vec![]),
    text_signature = "(records, definition=None, *, origins=None, embargo_days=0, unseen_customers=False, as_of=None, seed=0, threads=None, progress=None, plan=None, shared=False, leakage='refuse', allow_columns=(), linear=True, boosting=None, deep_boosting=None, forest=None, max_rows=500_000, folds=5, churn_weight=1.0, monotone_constraints=None)"
)]
#[allow(clippy::too_many_arguments)]
pub(crate) fn backtest(
    py: Python<'_>,
    #[pyo3(from_py_with = arguments::records)] records: Arc<churn_core::TenantRecords>,
    definition: Option<Definition>,
    origins: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = arguments::embargo_days)] embargo_days: u32,
    #[pyo3(from_py_with = arguments::unseen_customers)] unseen_customers: bool,
    as_of: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = arguments::seed)] seed: u64,
    #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = arguments::plan)] plan: Option<churn_core::FeaturePlan>,
    #[pyo3(from_py_with = arguments::shared)] shared: bool,
    #[pyo3(from_py_with = arguments::leakage)] leakage: LeakagePolicy,
    #[pyo3(from_py_with = arguments::allow_columns)] allow_columns: Vec<String>,
    #[pyo3(from_py_with = arguments::linear)] linear: bool,
    boosting: Option<&Bound<'_, PyAny>>,
    deep_boosting: Option<&Bound<'_, PyAny>>,
    forest: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = arguments::max_rows)] max_rows: usize,
    #[pyo3(from_py_with = arguments::folds)] folds: usize,
    #[pyo3(from_py_with = arguments::churn_weight)] churn_weight: f64,
    #[pyo3(from_py_with = arguments::monotone_constraints)] monotone_constraints: Vec<(String, Monotonicity)>,
) -> PyResult<Py<PyAny>> {
    let given = TrainArguments {
        definition,
        as_of,
        seed,
        plan,
        shared,
        leakage,
        allow_columns,
        linear,
        boosting,
        deep_boosting,
        forest,
        max_rows,
        folds,
        churn_weight,
        monotone_constraints,
    };
    let mut options = BacktestOptions::default()
        .with_train(given.options(py)?)
        .with_embargo_days(embargo_days)
        .with_unseen_customers(unseen_customers);
    options.origins = origins.map(|origins| dates(origins, "origins")).transpose()?;
    let done = work::run(py, threads, progress, move |execution| {
        options.train.execution = execution;
        Backtest::run(&records, &options)
    })?;
    reported(py, &done.folds, "read_folds")
}

/// Converts the values of a matrix to a numpy array of numbers, or of objects if some feature is a text.
fn values(py: Python<'_>, matrix: &churn_core::FeatureMatrix) -> PyResult<Py<PyAny>> {
    let is_text = |column: &FeatureColumn| matches!(column, FeatureColumn::Text { .. });
    let numbers = matrix.to_ndarray().into_pyarray(py);
    if !matrix.columns().iter().any(is_text) {
        return Ok(numbers.into_any().unbind());
    }
    let objects = numbers.call_method1("astype", ("object",))?;
    for (number, column) in matrix.columns().iter().enumerate() {
        if is_text(column) {
            let texts = Values::from(column).into_python(py)?;
            objects.set_item((PySlice::full(py), number), texts)?;
        }
    }
    Ok(objects.unbind())
}

/// Formats a report as text or HTML. ``json`` is the report as JSON, and ``kind`` is the name of its class.
#[pyfunction]
#[pyo3(signature = (kind, json, html=false))]
pub(crate) fn _report_text(py: Python<'_>, kind: &str, json: &str, html: bool) -> PyResult<String> {
    fn read<T: serde::de::DeserializeOwned>(py: Python<'_>, json: &str) -> PyResult<T> {
        serde_json::from_str(json)
            .map_err(|e| refuse(py, "invalid_option", &format!("the report is invalid: {e}"), None))
    }
    Ok(match kind {
        "Estimate" => read::<churn_core::Estimate>(py, json)?.to_string(),
        "Measures" => read::<churn_core::Measures>(py, json)?.to_string(),
        "OutOfTime" => read::<churn_core::OutOfTime>(py, json)?.to_string(),
        _ if html => read::<churn_core::TrainReport>(py, json)?.to_html(),
        _ => read::<churn_core::TrainReport>(py, json)?.to_string(),
    })
}

/// Converts a report to a Python dataclass. `reader` is the name of the Python function that makes the dataclass from
/// JSON.
fn reported(py: Python<'_>, report: &impl Serialize, reader: &str) -> PyResult<Py<PyAny>> {
    let json = serde_json::to_string(report).map_err(|e| refuse(py, "internal", &e.to_string(), None))?;
    Ok(py
        .import("churn_core._report")?
        .getattr(reader)?
        .call1((json,))?
        .unbind())
}
