//! Score runs: scores with reasons, customers at risk, the history of a customer, and the latest runs.

use std::sync::Arc;

use churn_core::{ChurnModel, Reason, ReasonValue, RiskBand, ScoreRun, Timestamp};
use serde::{Deserialize, Serialize};

use crate::engine::{Access, Arg, Holds, Row, Stored, Target, TenantTx, to_json};
use crate::error::{Error, ErrorKind, Result};
use crate::records::{check_limit, off_thread};
use crate::tenant::TenantStore;

/// Identifies a score run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RunId {
    /// The date of the scores.
    pub as_of: Timestamp,
    /// The id of the model.
    pub model_id: String,
}

/// The customers whose reasons are stored. Reasons are computed when a run is saved; this takes longer than computing
/// the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonsFor {
    /// No customer.
    Nobody,
    /// This many customers with the highest probabilities.
    Riskiest(usize),
    /// All customers.
    Everybody,
}

/// A stored reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredReason {
    /// The feature's name.
    pub feature: String,
    /// The feature's value: a number, a text or null.
    pub value: serde_json::Value,
    /// The contribution of the feature to the blended log-odds.
    pub contribution: f64,
    /// Whether the feature `"raises"` or `"lowers"` the risk.
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

/// The stored score of one customer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StoredScore {
    /// The customer's id.
    pub customer_id: String,
    /// The run of the score.
    pub run: RunId,
    /// Calibrated probability of churn; `None` if the customer is not scored.
    pub probability: Option<f64>,
    /// The band of the probability.
    pub risk_band: Option<RiskBand>,
    /// `"scored"` or `"not_enough_evidence"`.
    pub status: String,
    /// Why the customer is not scored.
    pub evidence: Option<String>,
    /// For a customer who is not scored: the date by which they will have a score.
    pub expected_at: Option<Timestamp>,
    /// The stored reasons, largest first.
    pub reasons: Vec<StoredReason>,
}

/// A summary of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunSummary {
    /// The id of the run.
    pub id: RunId,
    /// When the run was saved, as given by the caller.
    pub saved_at: Timestamp,
    /// Number of eligible customers.
    pub customers: u64,
    /// Number of customers with a probability.
    pub scored: u64,
    /// The mean of the probabilities.
    pub mean_probability: Option<f64>,
    /// Number of customers in each band, in the order low, medium, high, critical.
    pub bands: [u64; 4],
    /// Number of scored customers whose outcome is known, and how many of these churned.
    pub outcomes: (u64, u64),
}

/// Filters of a high-risk list.
#[derive(Clone, Debug)]
pub struct HighRisk {
    /// The run; `None` for the latest one.
    pub run: Option<RunId>,
    /// The minimum probability.
    pub min_probability: f64,
    /// The maximum number of customers (1 to 10 000).
    pub limit: usize,
    /// The probability and id of the last customer of the previous page.
    pub after: Option<(f64, String)>,
}

impl Default for HighRisk {
    /// The 100 customers with the highest probabilities in the latest run.
    fn default() -> Self {
        Self {
            run: None,
            min_probability: 0.0,
            limit: 100,
            after: None,
        }
    }
}

/// A page of customers, sorted by risk.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RiskPage {
    /// Highest risk first; ties are sorted by customer id.
    pub scores: Vec<StoredScore>,
    /// Pass it as `after` for the next page; `None` on the last page.
    pub next: Option<(f64, String)>,
}

/// The score runs of a tenant.
#[derive(Clone, Debug)]
pub struct ScoreStore(pub(crate) TenantStore);

impl ScoreStore {
    /// Saves a run in one transaction, with the five main reasons of the requested customers. Saving the same run again
    /// replaces it.
    ///
    /// # Errors
    /// `tenant_mismatch` if the run belongs to another tenant; `invalid_option` if the run was made by another model;
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn save(&self, model: &ChurnModel, run: &ScoreRun, reasons: ReasonsFor, at: Timestamp) -> Result<RunId> {
        if run.tenant() != self.0.tenant() {
            let message = format!(
                "the run is of tenant '{}' and cannot be kept by '{}'",
                run.tenant(),
                self.0.tenant()
            );
            return Err(Error::new(ErrorKind::TenantMismatch, message));
        }
        if run.model_id() != model.id() {
            return Err(Error::option("model", "the run was made by another model"));
        }
        let run = run.clone();
        let rows = off_thread(move || Rows::of(&run, reasons)).await??;
        let definition = to_json(model.definition())?;
        let mut tx = self.0.begin(Access::Write).await?;
        save(&mut tx, &rows, &definition, at).await?;
        tx.commit().await?;
        Ok(rows.id)
    }

    /// The latest runs, sorted by date with the latest first. At most `limit` runs (1 to 10 000) are returned.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn runs(&self, limit: usize) -> Result<Vec<RunSummary>> {
        check_limit(limit)?;
        let mut tx = self.0.begin(Access::Read).await?;
        let runs = runs(&mut tx, limit).await?;
        tx.rollback().await?;
        Ok(runs)
    }

    /// The customers with the highest probabilities.
    ///
    /// # Errors
    /// `not_found` if the run does not exist, or if there are no runs; `invalid_option`, `store_unavailable`,
    /// `store_not_migrated`.
    pub async fn high_risk(&self, options: &HighRisk) -> Result<RiskPage> {
        check_limit(options.limit)?;
        let mut tx = self.0.begin(Access::Read).await?;
        let page = high_risk(&mut tx, options).await;
        tx.rollback().await?;
        page
    }

    /// A customer's scores, sorted by date with the latest first. At most `limit` scores (1 to 10 000) are returned.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn history(&self, customer_id: &str, limit: usize) -> Result<Vec<StoredScore>> {
        check_limit(limit)?;
        let mut tx = self.0.begin(Access::Read).await?;
        let scores = history(&mut tx, customer_id, limit).await?;
        tx.rollback().await?;
        Ok(scores)
    }

    /// Deletes a run and its scores.
    ///
    /// # Errors
    /// `not_found`; `store_unavailable`, `store_not_migrated`.
    pub async fn delete(&self, run: &RunId) -> Result<()> {
        let mut tx = self.0.begin(Access::Write).await?;
        match delete(&mut tx, run).await? {
            0 => Err(missing()),
            _ => tx.commit().await,
        }
    }
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such score run")
}

/// A run in stored form.
pub(crate) struct Rows {
    id: RunId,
    rows: usize,
    columns: Vec<Stored>,
    scored: i64,
    mean_probability: Option<f64>,
    bands: [i64; 4],
}

const COLUMNS: [(&str, Holds); 9] = [
    ("model_id", Holds::Text),
    ("as_of", Holds::Int),
    ("customer_id", Holds::Text),
    ("probability", Holds::Number),
    ("risk_band", Holds::Text),
    ("status", Holds::Text),
    ("evidence", Holds::Text),
    ("expected_at", Holds::Int),
    ("reasons", Holds::Json),
];

const TOP_REASONS: usize = 5;

impl Rows {
    fn of(run: &ScoreRun, reasons: ReasonsFor) -> Result<Self> {
        let scores = run.scores();
        let explained: std::collections::HashSet<&str> = match reasons {
            ReasonsFor::Nobody => Default::default(),
            ReasonsFor::Riskiest(top) => run
                .riskiest(top)
                .iter()
                .map(|score| score.customer_id.as_str())
                .collect(),
            ReasonsFor::Everybody => scores.iter().map(|score| score.customer_id.as_str()).collect(),
        };
        let model_id: Arc<str> = run.model_id().into();
        let as_of = run.as_of().timestamp();
        let shared: Vec<Arc<str>> = ["low", "medium", "high", "critical", "scored", "not_enough_evidence"]
            .map(Arc::from)
            .to_vec();
        let word = |word: &str| shared.iter().find(|known| known.as_ref() == word).cloned();
        let mut bands = [0; 4];
        let mut sum = 0.0;
        let mut scored = 0;
        let (mut evidence, mut expected_at, mut kept) = (vec![], vec![], vec![]);
        for score in scores {
            if let Some(probability) = score.probability() {
                sum += probability;
                scored += 1;
            }
            if let Some(band) = score.risk_band() {
                bands[band as usize] += 1;
            }
            evidence.push(score.not_scored_reason().map(Arc::from));
            expected_at.push(score.expected_at().map(Timestamp::as_micros));
            kept.push(match explained.contains(score.customer_id.as_str()) {
                true => {
                    let reasons = run.reasons(&score.customer_id, TOP_REASONS)?;
                    let reasons: Vec<StoredReason> = reasons.iter().map(StoredReason::from).collect();
                    Some(to_json(&reasons)?.into())
                }
                false => None,
            });
        }
        let texts =
            |of: &dyn Fn(&churn_core::Score) -> Option<Arc<str>>| Stored::Texts(scores.iter().map(of).collect());
        let columns = vec![
            texts(&|_| Some(Arc::clone(&model_id))),
            Stored::Ints(vec![Some(as_of.as_micros()); scores.len()]),
            texts(&|score| Some(score.customer_id.as_str().into())),
            Stored::Numbers(scores.iter().map(churn_core::Score::probability).collect()),
            texts(&|score| score.risk_band().and_then(|band| word(band.as_str()))),
            texts(&|score| word(score.status().as_str())),
            Stored::Texts(evidence),
            Stored::Ints(expected_at),
            Stored::Texts(kept),
        ];
        Ok(Self {
            id: RunId {
                as_of,
                model_id: run.model_id().to_owned(),
            },
            rows: scores.len(),
            columns,
            scored,
            mean_probability: (scored > 0).then(|| sum / scored as f64),
            bands,
        })
    }

    /// A run that contains a single customer, for the attestation.
    pub(crate) fn single(id: RunId, customer_id: &str, probability: f64) -> Self {
        let text = |text: &str| Stored::Texts(vec![Some(text.into())]);
        Self {
            columns: vec![
                text(&id.model_id),
                Stored::Ints(vec![Some(id.as_of.as_micros())]),
                text(customer_id),
                Stored::Numbers(vec![Some(probability)]),
                text("low"),
                text("scored"),
                Stored::Texts(vec![None]),
                Stored::Ints(vec![None]),
                Stored::Texts(vec![None]),
            ],
            id,
            rows: 1,
            scored: 1,
            mean_probability: Some(probability),
            bands: [1, 0, 0, 0],
        }
    }
}

pub(crate) async fn save(tx: &mut TenantTx, rows: &Rows, definition: &str, at: Timestamp) -> Result<()> {
    const RUN: &str = "INSERT INTO churn_score_runs (tenant_id, model_id, as_of, saved_at, definition, customers, scored, mean_probability, low, medium, high, critical) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    // Concurrent saves of one run are serialized.
    crate::records::places(tx, 0).await?;
    delete(tx, &rows.id).await?;
    let mut args: Vec<Arg<'_>> = vec![
        rows.id.model_id.as_str().into(),
        Arg::at(rows.id.as_of),
        Arg::at(at),
        definition.into(),
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
    Ok(())
}

pub(crate) async fn delete(tx: &mut TenantTx, run: &RunId) -> Result<u64> {
    const DELETE: &str = "DELETE FROM churn_score_runs WHERE tenant_id = $1 AND as_of = $2 AND model_id = $3";
    tx.execute(DELETE, &[Arg::at(run.as_of), run.model_id.as_str().into()])
        .await
}

pub(crate) async fn runs(tx: &mut TenantTx, limit: usize) -> Result<Vec<RunSummary>> {
    const RUNS: &str = "SELECT r.as_of, r.model_id, r.saved_at, r.customers, r.scored, r.mean_probability, r.low, r.medium, r.high, r.critical, COUNT(o.churned), COUNT(CASE WHEN o.churned = 1 THEN 1 END) FROM (SELECT * FROM churn_score_runs WHERE tenant_id = $1 ORDER BY as_of DESC, saved_at DESC, model_id LIMIT $2) AS r LEFT JOIN churn_scores AS s ON s.tenant_id = $1 AND s.as_of = r.as_of AND s.model_id = r.model_id AND s.probability IS NOT NULL LEFT JOIN churn_outcomes AS o ON o.tenant_id = $1 AND o.as_of = r.as_of AND o.definition = r.definition AND o.customer_id = s.customer_id GROUP BY r.as_of, r.model_id, r.saved_at, r.customers, r.scored, r.mean_probability, r.low, r.medium, r.high, r.critical ORDER BY r.as_of DESC, r.saved_at DESC, r.model_id";
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
        })
    };
    tx.rows(RUNS, &[(limit as i64).into()])
        .await?
        .iter()
        .map(read)
        .collect()
}

const SCORE: &str = "customer_id, as_of, model_id, probability, risk_band, status, evidence, expected_at, reasons";

fn score(row: &Row) -> Result<StoredScore> {
    let band = row.text_or_null(4)?.map(str::parse::<RiskBand>).transpose();
    let band = band.map_err(|_| Error::new(ErrorKind::StoreDamaged, "a score has an unknown risk band"))?;
    let reasons: Option<Vec<StoredReason>> = row.json(8)?;
    Ok(StoredScore {
        customer_id: row.text(0)?.to_owned(),
        run: RunId {
            as_of: row.at(1)?,
            model_id: row.text(2)?.to_owned(),
        },
        probability: row.float_or_null(3)?,
        risk_band: band,
        status: row.text(5)?.to_owned(),
        evidence: row.text_or_null(6)?.map(str::to_owned),
        expected_at: row.at_or_null(7)?,
        reasons: reasons.unwrap_or_default(),
    })
}

pub(crate) async fn high_risk(tx: &mut TenantTx, options: &HighRisk) -> Result<RiskPage> {
    const LATEST: &str = "SELECT as_of, model_id FROM churn_score_runs WHERE tenant_id = $1 ORDER BY as_of DESC, saved_at DESC, model_id LIMIT 1";
    const THERE: &str =
        "SELECT as_of, model_id FROM churn_score_runs WHERE tenant_id = $1 AND as_of = $2 AND model_id = $3";
    let found = match &options.run {
        None => tx.row(LATEST, &[]).await?,
        Some(run) => {
            tx.row(THERE, &[Arg::at(run.as_of), run.model_id.as_str().into()])
                .await?
        }
    };
    let found = found.ok_or_else(missing)?;
    let (as_of, model_id) = (found.int(0)?, found.text(1)?.to_owned());
    // Without a cursor, the page starts at probability 2, which is above every probability.
    let (probability, customer_id) = options.after.clone().unwrap_or((2.0, String::new()));
    let sql = format!(
        "SELECT {SCORE} FROM churn_scores WHERE tenant_id = $1 AND as_of = $2 AND model_id = $3 AND probability IS NOT NULL AND probability >= $4 AND (probability < $5 OR (probability = $5 AND customer_id > $6)) ORDER BY probability DESC, customer_id LIMIT $7"
    );
    let args = [
        as_of.into(),
        Arg::text(model_id),
        Arg::Float(Some(options.min_probability)),
        Arg::Float(Some(probability)),
        Arg::text(customer_id),
        (options.limit as i64 + 1).into(),
    ];
    let mut scores = tx
        .rows(&sql, &args)
        .await?
        .iter()
        .map(score)
        .collect::<Result<Vec<_>>>()?;
    let more = scores.len() > options.limit;
    scores.truncate(options.limit);
    let next = scores.last().filter(|_| more);
    let next = next.and_then(|score| Some((score.probability?, score.customer_id.clone())));
    Ok(RiskPage { scores, next })
}

pub(crate) async fn history(tx: &mut TenantTx, customer_id: &str, limit: usize) -> Result<Vec<StoredScore>> {
    let sql = format!(
        "SELECT {SCORE} FROM churn_scores WHERE tenant_id = $1 AND customer_id = $2 ORDER BY as_of DESC, model_id LIMIT $3"
    );
    let rows = tx.rows(&sql, &[customer_id.into(), (limit as i64).into()]).await?;
    rows.iter().map(score).collect()
}
