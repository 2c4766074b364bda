//! Score runs (the scores of all customers at one date), with queries, customers' histories, and changes between two
//! runs.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use churn_core::{ChurnModel, Interval, Reason, ReasonValue, RiskBand, ScoreRun, Timestamp, names};
use serde::{Deserialize, Serialize};

use crate::engine::{Access, Arg, Backend, Holds, Row, Stored, Target, TenantTx, to_json};
use crate::error::{Error, ErrorKind, Result};
use crate::records::{check_limit, off_thread, places};
use crate::tenant::TenantStore;

/// Identifies a score run by its date and its model. A score run consists of the scores of all customers at one date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RunId {
    /// The date at which the customers were scored.
    pub as_of: Timestamp,
    /// The id of the model that computed the scores.
    pub model_id: String,
}

/// The customers whose reasons are stored when a run is saved. Computing reasons takes longer than computing scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonsFor {
    /// The reasons of no customer.
    Nobody,
    /// The reasons of the customers with the highest probabilities. The field is the number of these customers. If the
    /// run is saved with values, also the reasons of the same number of customers with the highest values at risk.
    Riskiest(usize),
    /// The reasons of all customers.
    Everybody,
}

/// A stored reason: a feature that raises or lowers the score of a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredReason {
    /// The feature's name.
    pub feature: String,
    /// The feature's value: a number, a text or null.
    pub value: serde_json::Value,
    /// The number that the feature adds to the log-odds of churn.
    pub contribution: f64,
    /// `"raises"` if the feature raises the customer's risk, `"lowers"` if it lowers the risk.
    pub direction: String,
    /// The reason in words.
    pub text: String,
}

impl From<&Reason> for StoredReason {
    fn from(reason: &Reason) -> Self {
        Self {
            feature: reason.feature.clone(),
            value: match &reason.value {
                ReasonValue::Number(value) => (*value).into(),
                ReasonValue::Text(text) => text.as_str().into(),
                _ => serde_json::Value::Null,
            },
            contribution: reason.contribution,
            direction: reason.direction.as_str().to_owned(),
            text: reason.text.clone(),
        }
    }
}

names! {
    /// The purpose of a score run.
    #[derive(Default)]
    pub enum RunPurpose: "purpose" {
        /// The run is shown to users. A query that names no run reads the latest run with this purpose. The history of a
        /// customer contains only scores of runs with this purpose.
        #[default]
        Served = "served",
        /// The run is only for comparison, for example to compare a new model with the model in use. A query reads a
        /// trial run only if the query names this run.
        Trial = "trial",
    }
}

/// Options for saving a run. See [`ScoreStore::save_with`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SaveRun {
    /// When the run is saved.
    pub at: Timestamp,
    /// The customers whose reasons are stored. Default: the 100 customers with the highest probabilities.
    pub reasons: ReasonsFor,
    /// The purpose of the run. Default: [`RunPurpose::Served`].
    pub purpose: RunPurpose,
    /// The value of each customer (such as their yearly revenue), by id. The value at risk is the probability times
    /// this value. Default: no values.
    pub values: BTreeMap<String, f64>,
}

impl SaveRun {
    /// Creates options with this value of `at`, and defaults for all other options.
    pub fn new(at: Timestamp) -> Self {
        Self {
            at,
            reasons: ReasonsFor::Riskiest(100),
            purpose: RunPurpose::Served,
            values: BTreeMap::new(),
        }
    }

    /// Sets the customers whose reasons are stored.
    #[must_use]
    pub fn with_reasons(mut self, reasons: ReasonsFor) -> Self {
        self.reasons = reasons;
        self
    }

    /// Sets the purpose of the run.
    #[must_use]
    pub fn with_purpose(mut self, purpose: RunPurpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Sets the value of each customer (such as their yearly revenue), by id.
    #[must_use]
    pub fn with_values(mut self, values: impl IntoIterator<Item = (String, f64)>) -> Self {
        self.values = values.into_iter().collect();
        self
    }
}

/// The stored score of one customer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StoredScore {
    /// The customer's id.
    pub customer_id: String,
    /// The run that the score belongs to.
    pub run: RunId,
    /// Calibrated probability of churn; `None` if the customer is not scored.
    pub probability: Option<f64>,
    /// The uncertainty interval of the probability; `None` if the model has no intervals.
    pub interval: Option<Interval>,
    /// The risk band of the probability; `None` if the customer is not scored.
    pub risk_band: Option<RiskBand>,
    /// `"scored"`, or `"not_enough_evidence"` if the customer has no probability.
    pub status: String,
    /// Why the customer is not scored; `None` for a scored customer.
    pub not_scored_reason: Option<String>,
    /// For a customer who is not scored, the date by which they are expected to have enough history for a score; `None`
    /// for a scored customer, or if no such date is known.
    pub expected_at: Option<Timestamp>,
    /// The value of the customer, such as their yearly revenue; `None` if the run was saved without a value for them.
    pub value: Option<f64>,
    /// The probability times the value of the customer, if both are known.
    pub value_at_risk: Option<f64>,
    /// The stored reasons, largest contribution first. The list is empty if no reasons were stored for the customer.
    pub reasons: Vec<StoredReason>,
}

/// A summary of a score run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunSummary {
    /// The id of the run.
    pub id: RunId,
    /// When the run was saved.
    pub saved_at: Timestamp,
    /// The purpose of the run.
    pub purpose: RunPurpose,
    /// Number of customers in the run, with or without a probability. These are the eligible customers at the date of
    /// the run.
    pub customers: u64,
    /// Number of customers with a probability.
    pub scored: u64,
    /// The mean of the scored customers' probabilities; `None` if no customer is scored.
    pub mean_probability: Option<f64>,
    /// Number of customers in each risk band, in the order low, medium, high, critical.
    pub bands: [u64; 4],
    /// Two numbers: how many scored customers have a known outcome (whether they churned), and how many of these
    /// churned. Both numbers are updated when outcomes are saved.
    pub outcomes: (u64, u64),
}

/// Filters for [`ScoreStore::high_risk`], the list of the customers with the highest probabilities.
#[derive(Clone, Debug)]
pub struct HighRisk {
    /// The run whose scores are read; `None` for the latest run with the purpose `served`.
    pub run: Option<RunId>,
    /// Only customers with at least this probability.
    pub min_probability: f64,
    /// The maximum number of customers (1 to 10 000).
    pub limit: usize,
    /// The probability and id of the last customer of the previous page; `None` for the first page.
    pub after: Option<(f64, String)>,
}

impl Default for HighRisk {
    /// Returns filters that select the 100 customers with the highest probabilities in the latest run with the purpose
    /// `served`.
    fn default() -> Self {
        Self {
            run: None,
            min_probability: 0.0,
            limit: 100,
            after: None,
        }
    }
}

/// A page of customers, highest probability first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RiskPage {
    /// The scores, highest probability first. Scores with equal probabilities are sorted by customer id.
    pub scores: Vec<StoredScore>,
    /// Pass this value as `after` to read the next page. It is `None` on the last page.
    pub next: Option<(f64, String)>,
}

names! {
    /// The order of the scores in a list. Scores with the same probability or the same value at risk are sorted by
    /// customer id.
    #[derive(Default)]
    pub enum ScoreOrder: "order" {
        /// Highest probability first. Customers who are not scored come last.
        #[default]
        Probability = "probability",
        /// Highest value at risk (probability times value) first. Customers without a value at risk come last.
        ValueAtRisk = "value_at_risk",
    }
}

/// Filters and order of a score query. See [`ScoreStore::query`].
///
/// ```
/// use churn_core::RiskBand;
/// use churn_store::{ScoreOrder, ScoreQuery};
///
/// let query = ScoreQuery { bands: Some(vec![RiskBand::High, RiskBand::Critical]), order: ScoreOrder::ValueAtRisk, ..ScoreQuery::default() };
/// assert_eq!((query.limit, query.scored), (100, None));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreQuery {
    /// The run whose scores are read; `None` for the latest run with the purpose `served`.
    pub run: Option<RunId>,
    /// The order of the scores.
    pub order: ScoreOrder,
    /// Only customers in these risk bands; `None` for all customers.
    pub bands: Option<Vec<RiskBand>>,
    /// Only customers who are scored (`true`), or only customers who are not scored (`false`); `None` for all
    /// customers.
    pub scored: Option<bool>,
    /// Only customers with these ids; `None` for all customers.
    pub customer_ids: Option<Vec<String>>,
    /// Only customers with at least this probability; `None` for all customers.
    pub min_probability: Option<f64>,
    /// The maximum number of customers per page (1 to 10 000).
    pub limit: usize,
    /// The value of `next` from the previous page; `None` for the first page.
    pub after: Option<ScoreCursor>,
    /// Whether to also count all customers that match the query, on all pages together.
    pub total: bool,
}

impl Default for ScoreQuery {
    /// Returns the query for the first 100 customers of the latest run with the purpose `served`, highest probability
    /// first.
    fn default() -> Self {
        Self {
            run: None,
            order: ScoreOrder::Probability,
            bands: None,
            scored: None,
            customer_ids: None,
            min_probability: None,
            limit: 100,
            after: None,
            total: false,
        }
    }
}

/// The position at which a page of scores ends. The next page begins after this position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreCursor {
    /// The sort key of the last customer of the page: the probability, or the value at risk (probability times value).
    pub key: Option<f64>,
    /// The id of the last customer of the page.
    pub customer_id: String,
}

/// A page of scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ScorePage {
    /// The run that the scores belong to.
    pub run: RunId,
    /// The scores in the requested order.
    pub scores: Vec<StoredScore>,
    /// Pass this value as `after` to read the next page. It is `None` on the last page.
    pub next: Option<ScoreCursor>,
    /// The number of all customers that match the query; `None` if it was not requested.
    pub total: Option<u64>,
}

/// The changes between two runs. See [`ScoreStore::changes`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunChanges {
    /// Number of customers for each pair of risk bands: the band in the earlier run and the band in the later run. Only
    /// customers of both runs are counted.
    pub moves: Vec<BandMove>,
    /// Number of customers who are only in the later run.
    pub entered: u64,
    /// Number of customers who are only in the earlier run.
    pub left: u64,
    /// The largest changes of probability, largest first. Only customers who are scored in both runs are included.
    pub largest: Vec<ScoreChange>,
}

/// The number of customers for one pair of risk bands: their band in the earlier run and their band in the later run.
/// The two bands can be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BandMove {
    /// The risk band in the earlier run; `None` for customers who are not scored in that run.
    pub from: Option<RiskBand>,
    /// The risk band in the later run; `None` for customers who are not scored in that run.
    pub to: Option<RiskBand>,
    /// Number of customers with this pair of risk bands.
    pub customers: u64,
}

/// A customer's probability in two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ScoreChange {
    /// The customer's id.
    pub customer_id: String,
    /// The probability in the earlier run.
    pub before: f64,
    /// The probability in the later run.
    pub after: f64,
}

/// The stored score runs of a tenant.
#[derive(Clone, Debug)]
pub struct ScoreStore(pub(crate) TenantStore);

impl ScoreStore {
    /// Stores a run with the purpose `served` in one transaction. Also stores the five main reasons of each customer
    /// that `reasons` selects. If a run with the same date and model is stored already, it is replaced.
    ///
    /// # Errors
    /// See [`save_with`](Self::save_with).
    pub async fn save(&self, model: &ChurnModel, run: &ScoreRun, reasons: ReasonsFor, at: Timestamp) -> Result<RunId> {
        self.save_with(model, run, &SaveRun::new(at).with_reasons(reasons))
            .await
    }

    /// Stores a run in one transaction. If a run with the same date and model is stored already, it is replaced.
    ///
    /// # Errors
    /// `tenant_mismatch` if the run belongs to another tenant; `invalid_option` if another model made the run, or if a
    /// value is not finite or belongs to a customer who is not in the run; `store_unavailable`, `store_not_migrated`.
    pub async fn save_with(&self, model: &ChurnModel, run: &ScoreRun, options: &SaveRun) -> Result<RunId> {
        if run.tenant() != self.0.tenant() {
            let message = format!("the run belongs to another tenant than '{}'", self.0.tenant());
            return Err(Error::new(ErrorKind::TenantMismatch, message));
        }
        if run.model_id() != model.id() {
            return Err(Error::option("model", "the run was made by another model"));
        }
        let (run, own) = (run.clone(), options.clone());
        let rows = off_thread(move || Rows::of(&run, &own)).await??;
        let definition = to_json(model.definition())?;
        let mut tx = self.0.begin_session(Access::Write).await?;
        save(&mut tx, &rows, &definition, options.at).await?;
        tx.commit().await?;
        Ok(rows.id)
    }

    /// Returns at most `limit` runs (1 to 10 000), latest date first. The result includes runs with the purpose
    /// `served` and runs with the purpose `trial`.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn runs(&self, limit: usize) -> Result<Vec<RunSummary>> {
        self.runs_before(None, limit).await
    }

    /// Returns at most `limit` runs (1 to 10 000) whose date is earlier than `before`, latest date first. For the next
    /// page, pass the date of the last run as `before`.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn runs_before(&self, before: Option<Timestamp>, limit: usize) -> Result<Vec<RunSummary>> {
        check_limit(limit)?;
        let mut tx = self.0.begin_session(Access::Read).await?;
        let runs = runs(&mut tx, before, limit).await?;
        tx.rollback().await?;
        Ok(runs)
    }

    /// Returns a page of the customers with the highest probabilities.
    ///
    /// # Errors
    /// `not_found` if the run does not exist, or if there are no runs; `invalid_option`, `store_unavailable`,
    /// `store_not_migrated`.
    pub async fn high_risk(&self, options: &HighRisk) -> Result<RiskPage> {
        let query = ScoreQuery {
            run: options.run.clone(),
            scored: Some(true),
            min_probability: Some(options.min_probability),
            limit: options.limit,
            after: options.after.clone().map(|(key, customer_id)| ScoreCursor {
                key: Some(key),
                customer_id,
            }),
            ..ScoreQuery::default()
        };
        let page = self.query(&query).await?;
        let next = page.next.and_then(|next| Some((next.key?, next.customer_id)));
        Ok(RiskPage {
            scores: page.scores,
            next,
        })
    }

    /// Returns a page of a run's scores, including customers who are not scored.
    ///
    /// # Errors
    /// `not_found` if the run does not exist, or if there are no runs; `invalid_option`, `store_unavailable`,
    /// `store_not_migrated`.
    pub async fn query(&self, query: &ScoreQuery) -> Result<ScorePage> {
        check_limit(query.limit)?;
        let mut tx = self.0.begin_session(Access::Read).await?;
        let page = page(&mut tx, query).await?;
        tx.rollback().await?;
        Ok(page)
    }

    /// Returns the changes from one run to another: how many customers moved between risk bands, and the `limit` (1 to
    /// 10 000) largest changes of probability. If the runs are of different models, a change may be due to the model.
    ///
    /// # Errors
    /// `not_found` if one of the runs does not exist; `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn changes(&self, from: &RunId, to: &RunId, limit: usize) -> Result<RunChanges> {
        check_limit(limit)?;
        let mut tx = self.0.begin_session(Access::Read).await?;
        let changes = changes(&mut tx, from, to, limit).await?;
        tx.rollback().await?;
        Ok(changes)
    }

    /// Returns at most `limit` scores (1 to 10 000) of a customer, latest date first. Only scores from runs with the
    /// purpose `served` are included.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn history(&self, customer_id: &str, limit: usize) -> Result<Vec<StoredScore>> {
        check_limit(limit)?;
        let mut tx = self.0.begin_session(Access::Read).await?;
        let scores = history(&mut tx, customer_id, limit).await?;
        tx.rollback().await?;
        Ok(scores)
    }

    /// Deletes a run and its scores.
    ///
    /// # Errors
    /// `not_found`; `store_unavailable`, `store_not_migrated`.
    pub async fn delete(&self, run: &RunId) -> Result<()> {
        let mut tx = self.0.begin_session(Access::Write).await?;
        match delete(&mut tx, run).await? {
            0 => Err(missing()),
            _ => tx.commit().await,
        }
    }
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such score run")
}

/// A score run, as the columns that are written to the database.
pub(crate) struct Rows {
    id: RunId,
    purpose: RunPurpose,
    rows: usize,
    columns: Vec<Stored>,
    scored: i64,
    mean_probability: Option<f64>,
    bands: [i64; 4],
}

const COLUMNS: [(&str, Holds); 13] = [
    ("model_id", Holds::Text),
    ("as_of", Holds::Int),
    ("customer_id", Holds::Text),
    ("probability", Holds::Number),
    ("interval_low", Holds::Number),
    ("interval_high", Holds::Number),
    ("risk_band", Holds::Text),
    ("status", Holds::Text),
    ("not_scored_reason", Holds::Text),
    ("expected_at", Holds::Int),
    ("value", Holds::Number),
    ("value_at_risk", Holds::Number),
    ("reasons", Holds::Json),
];

const TOP_REASONS: usize = 5;

/// The `top` customers with the highest values at risk. Customers without a value or a probability are left out.
fn most_at_risk<'a>(run: &'a ScoreRun, values: &BTreeMap<String, f64>, top: usize) -> Vec<&'a churn_core::Score> {
    let at_risk = |score: &'a churn_core::Score| {
        let value = values.get(&score.customer_id)?;
        Some((value * score.probability()?, score))
    };
    let mut found: Vec<(f64, &churn_core::Score)> = run.scores().iter().filter_map(at_risk).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.customer_id.cmp(&b.1.customer_id)));
    found.into_iter().take(top).map(|(_, score)| score).collect()
}

impl Rows {
    fn of(run: &ScoreRun, options: &SaveRun) -> Result<Self> {
        let scores = run.scores();
        let explained: HashSet<&str> = match options.reasons {
            ReasonsFor::Nobody => HashSet::new(),
            ReasonsFor::Riskiest(top) => {
                let riskiest = run.riskiest(top);
                let most_at_risk = most_at_risk(run, &options.values, top);
                riskiest
                    .into_iter()
                    .chain(most_at_risk)
                    .map(|score| score.customer_id.as_str())
                    .collect()
            }
            ReasonsFor::Everybody => scores.iter().map(|score| score.customer_id.as_str()).collect(),
        };
        for (customer, value) in &options.values {
            if !value.is_finite() {
                return Err(Error::option(
                    "values",
                    format!("the value of customer '{customer}' is not finite"),
                ));
            }
            if run.score_of(customer).is_err() {
                return Err(Error::option(
                    "values",
                    format!("customer '{customer}' is not in the run"),
                ));
            }
        }
        let model_id: Arc<str> = run.model_id().into();
        let as_of = run.as_of().timestamp();
        let shared: Vec<Arc<str>> = ["low", "medium", "high", "critical", "scored", "not_enough_evidence"]
            .map(Arc::from)
            .to_vec();
        let word = |word: &str| shared.iter().find(|known| known.as_ref() == word).cloned();
        let mut bands = [0; 4];
        let mut sum = 0.0;
        let mut scored = 0;
        let mut kept = vec![];
        for score in scores {
            if let Some(probability) = score.probability() {
                sum += probability;
                scored += 1;
            }
            if let Some(band) = score.risk_band() {
                bands[band as usize] += 1;
            }
            kept.push(match explained.contains(score.customer_id.as_str()) {
                true => {
                    let reasons = run.reasons(&score.customer_id, TOP_REASONS)?;
                    let reasons: Vec<StoredReason> = reasons.iter().map(StoredReason::from).collect();
                    Some(to_json(&reasons)?.into())
                }
                false => None,
            });
        }
        let value = |score: &churn_core::Score| options.values.get(&score.customer_id).copied();
        let texts =
            |of: &dyn Fn(&churn_core::Score) -> Option<Arc<str>>| Stored::Texts(scores.iter().map(of).collect());
        let numbers = |of: &dyn Fn(&churn_core::Score) -> Option<f64>| Stored::Numbers(scores.iter().map(of).collect());
        let columns = vec![
            texts(&|_| Some(Arc::clone(&model_id))),
            Stored::Ints(vec![Some(as_of.as_micros()); scores.len()]),
            texts(&|score| Some(score.customer_id.as_str().into())),
            numbers(&churn_core::Score::probability),
            numbers(&|score| score.interval().map(|interval| interval.low)),
            numbers(&|score| score.interval().map(|interval| interval.high)),
            texts(&|score| score.risk_band().and_then(|band| word(band.as_str()))),
            texts(&|score| word(score.status().as_str())),
            texts(&|score| score.not_scored_reason().map(Arc::from)),
            Stored::Ints(
                scores
                    .iter()
                    .map(|score| score.expected_at().map(Timestamp::as_micros))
                    .collect(),
            ),
            numbers(&value),
            numbers(&|score| Some(score.probability()? * value(score)?)),
            Stored::Texts(kept),
        ];
        Ok(Self {
            id: RunId {
                as_of,
                model_id: run.model_id().to_owned(),
            },
            purpose: options.purpose,
            rows: scores.len(),
            columns,
            scored,
            mean_probability: (scored > 0).then(|| sum / scored as f64),
            bands,
        })
    }

    /// Creates a run that contains a single customer, for the attestation.
    pub(crate) fn single(id: RunId, customer_id: &str, probability: f64) -> Self {
        let text = |text: &str| Stored::Texts(vec![Some(text.into())]);
        let number = |number: f64| Stored::Numbers(vec![Some(number)]);
        Self {
            columns: vec![
                text(&id.model_id),
                Stored::Ints(vec![Some(id.as_of.as_micros())]),
                text(customer_id),
                number(probability),
                number(probability),
                number(probability),
                text("low"),
                text("scored"),
                Stored::Texts(vec![None]),
                Stored::Ints(vec![None]),
                number(10.0),
                number(10.0 * probability),
                Stored::Texts(vec![None]),
            ],
            id,
            purpose: RunPurpose::Served,
            rows: 1,
            scored: 1,
            mean_probability: Some(probability),
            bands: [1, 0, 0, 0],
        }
    }
}

pub(crate) async fn save(tx: &mut TenantTx, rows: &Rows, definition: &str, at: Timestamp) -> Result<()> {
    const RUN: &str = "
        INSERT INTO churn_score_runs (
          tenant_id, model_id, as_of, saved_at, definition, purpose, customers, scored, mean_probability,
          low, medium, high, critical
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    // This call makes concurrent saves of a run execute one after another, because it locks the row of the tenant's
    // company.
    places(tx, 0).await?;
    delete(tx, &rows.id).await?;
    let mut args: Vec<Arg<'_>> = vec![
        rows.id.model_id.as_str().into(),
        Arg::at(rows.id.as_of),
        Arg::at(at),
        definition.into(),
        rows.purpose.as_str().into(),
        (rows.rows as i64).into(),
        rows.scored.into(),
        rows.mean_probability.into(),
    ];
    args.extend(rows.bands.map(Arg::from));
    tx.execute(RUN, &args).await?;
    let target = Target {
        table: "churn_scores",
        columns: &COLUMNS,
        on_conflict: "",
    };
    target
        .write(tx, &rows.columns, rows.rows, |rows| rows.collect())
        .await?;
    count_outcomes(tx, rows.id.as_of).await
}

/// Updates two counts of each run at this date: the known outcomes, and the customers who churned.
pub(crate) async fn count_outcomes(tx: &mut TenantTx, as_of: Timestamp) -> Result<()> {
    const COUNT: &str = "
        UPDATE churn_score_runs AS r
        SET (outcomes, churned) = (
          SELECT COUNT(o.churned), COUNT(CASE WHEN o.churned = 1 THEN 1 END)
          FROM churn_scores AS s
          JOIN churn_outcomes AS o
            ON o.tenant_id = $1 AND o.as_of = r.as_of AND o.definition = r.definition AND o.customer_id = s.customer_id
          WHERE s.tenant_id = $1 AND s.as_of = r.as_of AND s.model_id = r.model_id AND s.probability IS NOT NULL
        )
        WHERE r.tenant_id = $1 AND r.as_of = $2";
    tx.execute(COUNT, &[Arg::at(as_of)]).await?;
    Ok(())
}

pub(crate) async fn delete(tx: &mut TenantTx, run: &RunId) -> Result<u64> {
    const DELETE: &str = "
        DELETE FROM churn_score_runs
        WHERE tenant_id = $1 AND as_of = $2 AND model_id = $3";
    tx.execute(DELETE, &[Arg::at(run.as_of), run.model_id.as_str().into()])
        .await
}

pub(crate) async fn runs(tx: &mut TenantTx, before: Option<Timestamp>, limit: usize) -> Result<Vec<RunSummary>> {
    const RUNS: &str = "
        SELECT as_of, model_id, saved_at, customers, scored, mean_probability, low, medium, high, critical,
          outcomes, churned, purpose
        FROM churn_score_runs
        WHERE tenant_id = $1 AND as_of < $2
        ORDER BY as_of DESC, saved_at DESC, model_id
        LIMIT $3";
    let read = |row: &Row| {
        Ok(RunSummary {
            id: RunId {
                as_of: row.at(0)?,
                model_id: row.text(1)?.to_owned(),
            },
            saved_at: row.at(2)?,
            customers: row.count(3)?,
            scored: row.count(4)?,
            mean_probability: row.float_or_null(5)?,
            bands: [row.count(6)?, row.count(7)?, row.count(8)?, row.count(9)?],
            outcomes: (row.count(10)?, row.count(11)?),
            purpose: row.text(12)?.parse()?,
        })
    };
    let before = before.map_or(i64::MAX, Timestamp::as_micros);
    tx.rows(RUNS, &[before.into(), (limit as i64).into()])
        .await?
        .iter()
        .map(read)
        .collect()
}

const SCORE: &str = "s.customer_id, s.as_of, s.model_id, s.probability, s.risk_band, s.status, s.not_scored_reason,
          s.expected_at, s.reasons, s.interval_low, s.interval_high, s.value, s.value_at_risk";

const BANDS: [RiskBand; 4] = [RiskBand::Low, RiskBand::Medium, RiskBand::High, RiskBand::Critical];

fn band(text: Option<&str>) -> Result<Option<RiskBand>> {
    let Some(text) = text else { return Ok(None) };
    match BANDS.into_iter().find(|band| band.as_str() == text) {
        Some(band) => Ok(Some(band)),
        None => Err(Error::new(
            ErrorKind::StoreDamaged,
            "a stored score has an unknown risk band",
        )),
    }
}

fn score(row: &Row) -> Result<StoredScore> {
    let reasons: Option<Vec<StoredReason>> = row.json(8)?;
    Ok(StoredScore {
        customer_id: row.text(0)?.to_owned(),
        run: RunId {
            as_of: row.at(1)?,
            model_id: row.text(2)?.to_owned(),
        },
        probability: row.float_or_null(3)?,
        risk_band: band(row.text_or_null(4)?)?,
        status: row.text(5)?.to_owned(),
        not_scored_reason: row.text_or_null(6)?.map(str::to_owned),
        expected_at: row.at_or_null(7)?,
        reasons: reasons.unwrap_or_default(),
        interval: match (row.float_or_null(9)?, row.float_or_null(10)?) {
            (Some(low), Some(high)) => Some(Interval::new(low, high)),
            _ => None,
        },
        value: row.float_or_null(11)?,
        value_at_risk: row.float_or_null(12)?,
    })
}

/// Returns the id of the given run if the run exists. If no run is given, returns the id of the latest run with the
/// purpose `served`.
async fn find_run(tx: &mut TenantTx, run: Option<&RunId>) -> Result<RunId> {
    const LATEST: &str = "
        SELECT as_of, model_id
        FROM churn_score_runs
        WHERE tenant_id = $1 AND purpose = 'served'
        ORDER BY as_of DESC, saved_at DESC, model_id
        LIMIT 1";
    const THERE: &str = "
        SELECT as_of, model_id
        FROM churn_score_runs
        WHERE tenant_id = $1 AND as_of = $2 AND model_id = $3";
    let found = match run {
        None => tx.row(LATEST, &[]).await?,
        Some(run) => {
            let args = [Arg::at(run.as_of), run.model_id.as_str().into()];
            tx.row(THERE, &args).await?
        }
    };
    let found = found.ok_or_else(missing)?;
    Ok(RunId {
        as_of: found.at(0)?,
        model_id: found.text(1)?.to_owned(),
    })
}

pub(crate) async fn page(tx: &mut TenantTx, query: &ScoreQuery) -> Result<ScorePage> {
    let run = find_run(tx, query.run.as_ref()).await?;
    let mut args: Vec<Arg<'_>> = vec![Arg::at(run.as_of), Arg::text(run.model_id.clone())];
    let mut conditions = String::new();
    let key = query.order.as_str();
    match query.scored {
        Some(true) => conditions.push_str(" AND s.probability IS NOT NULL"),
        Some(false) => conditions.push_str(" AND s.probability IS NULL"),
        None => {}
    }
    if let Some(bands) = &query.bands {
        let bands: Vec<String> = bands.iter().map(|band| format!("'{}'", band.as_str())).collect();
        match bands.is_empty() {
            true => conditions.push_str(" AND 1 = 0"),
            false => conditions.push_str(&format!(" AND s.risk_band IN ({})", bands.join(", "))),
        }
    }
    if let Some(least) = query.min_probability {
        args.push(Arg::Float(Some(least)));
        conditions.push_str(&format!(" AND s.probability >= ${}", args.len() + 1));
    }
    if let Some(ids) = &query.customer_ids {
        args.push(Arg::text(to_json(ids)?));
        let one_of = match tx.backend() {
            Backend::Sqlite => format!("SELECT value FROM json_each(${})", args.len() + 1),
            Backend::Postgres => format!("SELECT jsonb_array_elements_text(${}::jsonb)", args.len() + 1),
        };
        conditions.push_str(&format!(" AND s.customer_id IN ({one_of})"));
    }
    const WHICH: &str = "s.tenant_id = $1 AND s.as_of = $2 AND s.model_id = $3";
    let total = match query.total {
        false => None,
        true => {
            let sql = format!(
                "
        SELECT COUNT(*)
        FROM churn_scores AS s
        WHERE {WHICH}{conditions}"
            );
            tx.row(&sql, &args).await?.map(|row| row.count(0)).transpose()?
        }
    };
    // The condition `IS NULL` puts nulls last in both databases. If the sort key cannot be null, this condition is left
    // out, so that the database can use an index.
    let never_null =
        query.order == ScoreOrder::Probability && (query.scored == Some(true) || query.min_probability.is_some());
    let order = match never_null {
        true => format!("s.{key} DESC, s.customer_id"),
        false => format!("s.{key} IS NULL, s.{key} DESC, s.customer_id"),
    };
    if let Some(after) = &query.after {
        args.push(Arg::text(after.customer_id.as_str()));
        let id = args.len() + 1;
        match after.key {
            None => conditions.push_str(&format!(" AND s.{key} IS NULL AND s.customer_id > ${id}")),
            Some(last) => {
                args.push(Arg::Float(Some(last)));
                let last = args.len() + 1;
                let null = if never_null {
                    String::new()
                } else {
                    format!(" OR s.{key} IS NULL")
                };
                conditions.push_str(&format!(
                    " AND (s.{key} < ${last} OR (s.{key} = ${last} AND s.customer_id > ${id}){null})"
                ));
            }
        }
    }
    args.push((query.limit as i64 + 1).into());
    let sql = format!(
        "
        SELECT {SCORE}
        FROM churn_scores AS s
        WHERE {WHICH}{conditions}
        ORDER BY {order}
        LIMIT ${}",
        args.len() + 1
    );
    let rows = tx.rows(&sql, &args).await?;
    let mut scores = rows.iter().map(score).collect::<Result<Vec<_>>>()?;
    let more = scores.len() > query.limit;
    scores.truncate(query.limit);
    let next = scores.last().filter(|_| more).map(|score| ScoreCursor {
        key: match query.order {
            ScoreOrder::Probability => score.probability,
            ScoreOrder::ValueAtRisk => score.value_at_risk,
        },
        customer_id: score.customer_id.clone(),
    });
    Ok(ScorePage {
        run,
        scores,
        next,
        total,
    })
}

pub(crate) async fn changes(tx: &mut TenantTx, from: &RunId, to: &RunId, limit: usize) -> Result<RunChanges> {
    const MOVES: &str = "
        SELECT a.risk_band, b.risk_band, COUNT(*)
        FROM churn_scores AS a
        JOIN churn_scores AS b
          ON b.tenant_id = $1 AND b.as_of = $4 AND b.model_id = $5 AND b.customer_id = a.customer_id
        WHERE a.tenant_id = $1 AND a.as_of = $2 AND a.model_id = $3
        GROUP BY a.risk_band, b.risk_band";
    const LARGEST: &str = "
        SELECT a.customer_id, a.probability, b.probability
        FROM churn_scores AS a
        JOIN churn_scores AS b
          ON b.tenant_id = $1 AND b.as_of = $4 AND b.model_id = $5 AND b.customer_id = a.customer_id
        WHERE a.tenant_id = $1 AND a.as_of = $2 AND a.model_id = $3
          AND a.probability IS NOT NULL AND b.probability IS NOT NULL
        ORDER BY ABS(b.probability - a.probability) DESC, a.customer_id
        LIMIT $6";
    const CUSTOMERS: &str = "
        SELECT COUNT(*)
        FROM churn_scores AS s
        WHERE s.tenant_id = $1 AND s.as_of = $2 AND s.model_id = $3";
    let mut counts = [0; 2];
    for (count, run) in counts.iter_mut().zip([from, to]) {
        let run = find_run(tx, Some(run)).await?;
        let args = [Arg::at(run.as_of), Arg::text(run.model_id)];
        *count = tx.row(CUSTOMERS, &args).await?.map_or(Ok(0), |row| row.count(0))?;
    }
    let mut args = vec![
        Arg::at(from.as_of),
        from.model_id.as_str().into(),
        Arg::at(to.as_of),
        to.model_id.as_str().into(),
    ];
    let mut moves = vec![];
    for row in tx.rows(MOVES, &args).await? {
        moves.push(BandMove {
            from: band(row.text_or_null(0)?)?,
            to: band(row.text_or_null(1)?)?,
            customers: row.count(2)?,
        });
    }
    moves.sort_by_key(|own| (own.from.map(|band| band as u8), own.to.map(|band| band as u8)));
    let both: u64 = moves.iter().map(|own| own.customers).sum();
    args.push((limit as i64).into());
    let mut largest = vec![];
    for row in tx.rows(LARGEST, &args).await? {
        largest.push(ScoreChange {
            customer_id: row.text(0)?.to_owned(),
            before: row.float_or_null(1)?.unwrap_or(f64::NAN),
            after: row.float_or_null(2)?.unwrap_or(f64::NAN),
        });
    }
    Ok(RunChanges {
        moves,
        entered: counts[1].saturating_sub(both),
        left: counts[0].saturating_sub(both),
        largest,
    })
}

pub(crate) async fn history(tx: &mut TenantTx, customer_id: &str, limit: usize) -> Result<Vec<StoredScore>> {
    let sql = format!(
        "
        SELECT {SCORE}
        FROM churn_scores AS s
        JOIN churn_score_runs AS r
          ON r.tenant_id = $1 AND r.as_of = s.as_of AND r.model_id = s.model_id AND r.purpose = 'served'
        WHERE s.tenant_id = $1 AND s.customer_id = $2
        ORDER BY s.as_of DESC, s.model_id
        LIMIT $3"
    );
    let rows = tx.rows(&sql, &[customer_id.into(), (limit as i64).into()]).await?;
    rows.iter().map(score).collect()
}
