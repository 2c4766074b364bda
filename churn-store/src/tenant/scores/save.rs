//! Writes and deletes score runs, and counts their outcomes.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use churn_core::{ScoreRun, Timestamp};

use crate::engine::{Arg, Holds, Stored, Target, TenantTx, to_json};
use crate::error::{Error, Result};
use crate::records::places;
use crate::tenant::scores::{ReasonsFor, RunId, RunPurpose, SaveRun, StoredReason};

/// A score run in the form of the columns that are written to the database.
pub(crate) struct Rows {
    pub(super) id: RunId,
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

/// Returns at most `top` customers, highest value at risk (probability times value) first. Customers without a value or
/// a probability are left out.
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
    pub(super) fn of(run: &ScoreRun, options: &SaveRun) -> Result<Self> {
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

    /// Creates a run that contains a single customer. Only the attestation of tenant isolation uses this function.
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
    // This call locks the row of the tenant's company. Concurrent calls that save a run therefore run one after
    // another.
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

/// Updates two numbers of each run at this date: how many scored customers have a known outcome (whether they churned),
/// and how many of these churned.
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
