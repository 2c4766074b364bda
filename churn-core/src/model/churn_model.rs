//! A trained model.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;

use crate::artifact;
use crate::calibration::Intervals;
use crate::error::{Error, ErrorKind, RecordKind, Result};
use crate::features::{ChurnDefinition, FeatureMatrix, ResolvedPlan, eligible};
use crate::model::bands::RiskBands;
use crate::model::bytes::{self, Metadata};
use crate::model::customer_rows::CustomerRows;
use crate::model::evidence::too_thin;
use crate::model::fit::Scorer;
use crate::model::profile::Profile;
use crate::model::reason::top_reasons;
use crate::model::report::TrainReport;
use crate::model::run_file::{self, RunParts};
use crate::model::run_warnings::{customer_warnings, run_warnings};
use crate::model::score::{CustomerScore, Outcome, Score, ScoreRun};
use crate::parallel::{Execution, Workers};
use crate::record::{TenantId, TenantRecords};
use crate::time::{AsOf, Timestamp};

/// Shapley values: how much each feature adds to the blended log-odds of each row. Blended log-odds are the weighted
/// sum of the log-odds of the ensemble's members. [`ChurnModel::explain`] and
/// [`ChurnClassifier::explain`](crate::ChurnClassifier::explain) return this struct.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// Contributions in log-odds (rows x features). The columns have the order of the feature names. The sum of the
    /// base value and all contributions of a row equals the row's blended log-odds before calibration.
    pub contributions: Array2<f64>,
    /// The expected value of the blended log-odds over the training rows, before calibration.
    pub base_value: f64,
}

/// A trained churn model: the ensemble with its feature plan, preprocessing and calibration. A model is immutable, and
/// cloning it is cheap.
///
/// ```no_run
/// # fn show(records: churn_core::TenantRecords) -> churn_core::Result<()> {
/// use churn_core::{AsOf, ChurnDefinition, ChurnModel, TrainOptions};
///
/// let definition = ChurnDefinition::cancellation(90);
/// let model = ChurnModel::train(&records, &TrainOptions::default().with_definition(definition))?;
/// match &model.report().out_of_time {
///     Some(test) => println!("AUC at {}: {:?}", test.test_date, test.measures.roc_auc),
///     None => println!("no later date to test: {:?}", model.report().out_of_time_reason),
/// }
/// model.save("acme.churn")?;
/// let run = ChurnModel::load("acme.churn")?.score(&records, "2026-01-01".parse::<AsOf>()?)?;
/// println!("{} customers scored", run.scores().len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ChurnModel {
    metadata: Arc<Metadata>,
    plan: Arc<ResolvedPlan>,
    scorer: Arc<Scorer>,
    bytes: Arc<[u8]>,
    id: Arc<str>,
}

impl ChurnModel {
    #[allow(clippy::too_many_arguments, reason = "each is one part of the file")]
    pub(crate) fn assemble(
        tenant: Option<TenantId>,
        definition: ChurnDefinition,
        plan: ResolvedPlan,
        scorer: Scorer,
        bands: RiskBands,
        intervals: Intervals,
        profile: Profile,
        columns: Vec<(RecordKind, String)>,
        currency: Option<String>,
        report: TrainReport,
    ) -> Result<Self> {
        let metadata = Metadata {
            tenant,
            definition,
            feature_names: plan.names().to_vec(),
            plan_fingerprint: plan.fingerprint().to_owned(),
            bands,
            intervals: Some(intervals),
            profile: Some(profile),
            columns,
            currency,
            report,
        };
        // The returned model is read from its file bytes, so it gives the same scores as a saved and reloaded model.
        Self::from_bytes(&bytes::write(&metadata, &plan, &scorer)?)
    }

    /// The bytes of the model file. Training with the same records, options and seed gives the same bytes at any time,
    /// on any machine and for any number of threads.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.to_vec()
    }

    /// Reads a model from the bytes of a model file. Reading untrusted bytes is safe, because the magic number, format,
    /// lengths, checksum and internal consistency are checked before the model is used.
    ///
    /// # Errors
    /// `artifact_damaged` if the bytes are not a model file or are damaged; `artifact_version` if this library version
    /// cannot read the format; `artifact_too_large` if the file is larger than the library accepts.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (metadata, plan, scorer, id) = bytes::read(bytes)?;
        Ok(Self {
            metadata: Arc::new(metadata),
            plan: Arc::new(plan),
            scorer: Arc::new(scorer),
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

    /// The id of the model: the first half of the SHA-256 hash of the model's content, in hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How the model was trained and how well it performs.
    pub fn report(&self) -> &TrainReport {
        &self.metadata.report
    }

    /// The churn definition: what counts as churn, and within which label period.
    pub fn definition(&self) -> &ChurnDefinition {
        &self.metadata.definition
    }

    /// The tenant whose records the model may score; `None` if the model may score any tenant.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.metadata.tenant.as_ref()
    }

    /// Names of the features, in the order of the feature plan.
    pub fn feature_names(&self) -> &[String] {
        &self.metadata.feature_names
    }

    /// The feature plan that training resolved: the list of the features that the tables and columns of the training
    /// records allow.
    pub fn plan(&self) -> &ResolvedPlan {
        &self.plan
    }

    /// The lowest probability of each risk band above `low`.
    pub fn risk_bands(&self) -> RiskBands {
        self.metadata.bands
    }

    /// Scores every eligible customer as of a date. Uses all available threads.
    ///
    /// The run contains only eligible customers. A customer is not eligible if they have not signed up yet or have
    /// already churned at the date. If churn is defined by cancellation, a customer whose future cancellation is
    /// already known is not eligible either. If churn is defined by inactivity, a customer without an event in the
    /// `active_within` days before the date is not eligible either. `as_of` is an [`AsOf`] or a
    /// [`Timestamp`](crate::Timestamp).
    ///
    /// # Errors
    /// `no_eligible_customers` if no customer is eligible; `tenant_mismatch` if the records belong to another tenant;
    /// `feature_mismatch` if the records lack a table that the model needs, or if the type of an attribute differs from
    /// its type in training.
    pub fn score(&self, records: &TenantRecords, as_of: impl Into<AsOf>) -> Result<ScoreRun> {
        self.score_with(records, as_of, &Execution::default())
    }

    /// Scores every eligible customer as of a date, like [`score`](Self::score), with options for threads, progress and
    /// cancellation. These options do not change the result.
    ///
    /// # Errors
    /// The errors of [`score`](Self::score); `cancelled` if the caller cancelled the call.
    pub fn score_with(
        &self,
        records: &TenantRecords,
        as_of: impl Into<AsOf>,
        execution: &Execution,
    ) -> Result<ScoreRun> {
        let mut workers = execution.workers()?;
        let mut run = self.run(records, as_of.into(), &mut workers)?;
        if run.scores.is_empty() {
            return Err(self.nobody_eligible(records, run.as_of));
        }
        run.warnings = run_warnings(&run, records, &self.plan, &self.metadata, &workers)?;
        Ok(run)
    }

    /// Returns the error for a run without eligible customers. The error message contains the dates that the records
    /// cover.
    fn nobody_eligible(&self, records: &TenantRecords, as_of: AsOf) -> Error {
        let shown = |at: Option<Timestamp>| at.map_or_else(|| "nothing".to_owned(), |at| at.to_string());
        let message = format!(
            "no customer is eligible as of {as_of}: none of {} has signed up, is still a customer and was active then. The events range from {} to {}",
            records.n_customers(),
            shown(records.observed_from()),
            shown(records.observed_until(None))
        );
        Error::new(ErrorKind::NoEligibleCustomers, message).at(None, None, Some("as_of"))
    }

    fn run(&self, records: &TenantRecords, as_of: AsOf, workers: &mut Workers) -> Result<ScoreRun> {
        self.admit(records.tenant())?;
        workers.part(0.0, 0.5);
        let rows: Vec<(u32, AsOf)> = eligible(records, as_of, self.definition(), workers)?
            .into_iter()
            .map(|customer| (customer, as_of))
            .collect();
        let matrix = self.plan.evaluate_rows(records, &rows, workers)?;
        workers.part(0.5, 1.0);
        let log_odds = self.scorer.log_odds(matrix.view(), workers)?;
        let shortest = self.plan.windows().first().copied();
        let scores = log_odds.into_iter().enumerate().map(|(row, log_odds)| {
            let thin = too_thin(records, matrix.customers[row], as_of, shortest);
            let customer_id = matrix.customer_id(row).to_owned();
            let outcome = match thin {
                Some(thin) => Outcome::NotScored {
                    reason: thin.reason,
                    expected_at: thin.expected_at,
                },
                None => self.scored(log_odds),
            };
            Score { customer_id, outcome }
        });
        let scores = scores.collect();
        workers.report("scores", 2, 2);
        Ok(self.run_of(as_of, matrix, scores))
    }

    /// The outcome of a customer with the given blended log-odds before calibration.
    fn scored(&self, log_odds: f64) -> Outcome {
        let probability = self.scorer.calibrator.probability(log_odds);
        let intervals = self.metadata.intervals.as_ref();
        Outcome::Scored {
            probability,
            risk_band: self.metadata.bands.band(probability),
            interval: intervals.and_then(|intervals| intervals.of(log_odds, probability)),
        }
    }

    fn run_of(&self, as_of: AsOf, matrix: FeatureMatrix, scores: Vec<Score>) -> ScoreRun {
        ScoreRun {
            scorer: Arc::clone(&self.scorer),
            model_id: Arc::clone(&self.id),
            as_of,
            matrix,
            scores,
            warnings: vec![],
        }
    }

    /// Reads a run from the bytes that [`ScoreRun::to_bytes`] wrote. The run must have been scored by this model.
    /// Reading untrusted bytes is safe.
    ///
    /// # Errors
    /// The errors of [`from_bytes`](Self::from_bytes); `invalid_option` if another model scored the run;
    /// `tenant_mismatch` if the model may not score the tenant of the run.
    pub fn open_run(&self, bytes: &[u8], execution: &Execution) -> Result<ScoreRun> {
        let RunParts {
            as_of,
            matrix,
            mut not_scored,
            warnings,
        } = run_file::read(bytes, self.id(), self.feature_names())?;
        self.admit(&matrix.tenant)?;
        let log_odds = self.scorer.log_odds(matrix.view(), &execution.workers()?)?;
        let scores = log_odds.into_iter().enumerate().map(|(row, log_odds)| Score {
            customer_id: matrix.customer_id(row).to_owned(),
            outcome: not_scored.remove(&row).unwrap_or_else(|| self.scored(log_odds)),
        });
        let scores = scores.collect();
        Ok(ScoreRun {
            warnings,
            ..self.run_of(as_of, matrix, scores)
        })
    }

    /// Scores one customer from the customer's own rows. The score is bit-identical to the customer's score in a run
    /// over all customers.
    ///
    /// Event rows without a `customer_id` belong to the customer. An empty table in [`CustomerRows`] means that the
    /// customer has no events of this kind. A table that is not set means that nothing is known about events of this
    /// kind. Rows at or after `as_of` are not visible. `top` is the maximum number of reasons, as in
    /// [`ScoreRun::reasons`]. If `top` is 0, no reasons are computed, which saves time.
    ///
    /// ```no_run
    /// # fn show(model: churn_core::ChurnModel) -> churn_core::Result<()> {
    /// use churn_core::{AsOf, Customer, CustomerRows, ErrorKind, Payment};
    ///
    /// let customer = Customer::new("C-17", "2024-01-01".parse()?);
    /// let payment = Payment::new("C-17", "2024-02-01".parse()?, 12.5);
    /// let rows = CustomerRows::new([customer]).payments([payment]);
    /// match model.score_customer(rows, "2024-03-01".parse::<AsOf>()?, 3) {
    ///     Ok(answer) => println!("{:?} {:?}", answer.score.probability(), answer.reasons),
    ///     Err(error) if error.kind() == ErrorKind::NotEligible => println!("{error}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The code of the first invalid value if rows are invalid; `not_eligible` if the customer is not eligible at the
    /// date, because they have not signed up yet, have already churned, have a known cancellation, or are already
    /// inactive; `feature_mismatch` if the rows lack a table that the model needs, or if the type of an attribute
    /// differs from its type in training.
    pub fn score_customer(&self, rows: CustomerRows, as_of: impl Into<AsOf>, top: usize) -> Result<CustomerScore> {
        let as_of = as_of.into();
        let currency = self.metadata.currency.as_deref();
        let (records, findings) = rows.into_records(self.tenant(), currency)?;
        let run = self.run(&records, as_of, &mut Workers::inline())?;
        let Some(score) = run.scores.first().cloned() else {
            let id = records.customer_ids().next().unwrap_or_default();
            return Err(Error::new(
                ErrorKind::NotEligible,
                format!(
                    "customer '{}' has no label period to predict as of {as_of}: not signed up yet, churned, cancellation known, or already inactive",
                    crate::error::excerpt(id)
                ),
            ));
        };
        let reasons = if top > 0 && score.probability().is_some() {
            let (contributions, _) = self.scorer.contributions(run.matrix.view(), &Workers::inline())?;
            top_reasons(run.matrix.view(), 0, &contributions.row(0).to_vec(), top)
        } else {
            vec![]
        };
        Ok(CustomerScore {
            score,
            reasons,
            as_of,
            model_id: self.id.to_string(),
            warnings: customer_warnings(&records, &self.plan, &findings),
        })
    }

    /// Computes the Shapley values of all features for every row of a matrix. The matrix must have the features of this
    /// model. [`features`](Self::features) returns such a matrix.
    ///
    /// The contributions of trees are exact path-dependent TreeSHAP values (Lundberg et al., "Consistent individualized
    /// feature attribution for tree ensembles", 2018). For the linear member, a contribution is the coefficient times
    /// the difference between the column's value and its mean in training. The blend is a weighted sum of the members,
    /// so its contributions are the weighted sums of the members' contributions.
    ///
    /// # Errors
    /// `feature_mismatch` if the columns of the matrix differ from the model's features; `tenant_mismatch` if the
    /// matrix belongs to another tenant; `cancelled` if the caller cancelled the call.
    pub fn explain(&self, matrix: &FeatureMatrix, execution: &Execution) -> Result<Explanation> {
        self.admit(matrix.tenant())?;
        let (contributions, base_value) = self.scorer.contributions(matrix.view(), &execution.workers()?)?;
        Ok(Explanation {
            contributions,
            base_value,
        })
    }

    /// Computes the blended log-odds of every row of a matrix, before calibration. The log-odds of a row equal the sum
    /// of the base value and the row's contributions that [`explain`](Self::explain) returns.
    ///
    /// # Errors
    /// The errors of [`explain`](Self::explain).
    pub fn log_odds(&self, matrix: &FeatureMatrix, execution: &Execution) -> Result<Vec<f64>> {
        self.admit(matrix.tenant())?;
        self.scorer.log_odds(matrix.view(), &execution.workers()?)
    }

    /// Computes the calibrated probability of every row of a matrix. The matrix must have the features of this model.
    /// [`features`](Self::features) returns such a matrix.
    ///
    /// # Errors
    /// The errors of [`explain`](Self::explain).
    pub fn predict_proba(&self, matrix: &FeatureMatrix, execution: &Execution) -> Result<Vec<f64>> {
        self.admit(matrix.tenant())?;
        self.scorer.probabilities(matrix.view(), &execution.workers()?)
    }

    /// Computes the features of this model. For each date, the matrix has one row for every customer whose sign-up is
    /// visible at that date, whether or not the customer is eligible. The rows have the same order as in
    /// [`features`](crate::features()).
    ///
    /// The matrix is the input of [`explain`](Self::explain), [`log_odds`](Self::log_odds) and
    /// [`predict_proba`](Self::predict_proba). These methods do not check whether a customer is eligible or has
    /// sufficient history.
    ///
    /// # Errors
    /// The errors of [`score`](Self::score).
    pub fn features(&self, records: &TenantRecords, as_of: &[AsOf], execution: &Execution) -> Result<FeatureMatrix> {
        self.admit(records.tenant())?;
        self.plan.evaluate(records, as_of, &execution.workers()?)
    }

    fn admit(&self, tenant: &TenantId) -> Result<()> {
        match self.tenant() {
            Some(own) if own != tenant => Err(Error::new(
                ErrorKind::TenantMismatch,
                format!("the model belongs to tenant '{own}' and cannot score records of '{tenant}'"),
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for ChurnModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChurnModel")
            .field("id", &self.id)
            .field("definition", &self.metadata.definition)
            .field("features", &self.feature_names().len())
            .finish_non_exhaustive()
    }
}
