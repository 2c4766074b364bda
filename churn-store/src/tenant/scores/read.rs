//! Reads score runs: summaries, pages of scores, histories of customers, and changes between two runs.

use churn_core::{Interval, RiskBand, Timestamp};

use crate::engine::{Arg, Backend, Row, TenantTx, to_json};
use crate::error::{Error, ErrorKind, Result};
use crate::tenant::scores::{
    BandMove, RunChanges, RunId, RunSummary, ScoreChange, ScoreCursor, ScoreOrder, ScorePage, ScoreQuery, StoredReason,
    StoredScore, missing,
};

/// Returns runs, the latest first. Runs with the same date and the same `saved_at` can only differ in their model. Of
/// these runs, the run of the champion comes first.
pub(crate) async fn runs(
    tx: &mut TenantTx,
    before: Option<Timestamp>,
    purpose: Option<&str>,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    const RUNS: &str = "
        SELECT r.as_of, r.model_id, r.saved_at, r.customers, r.scored, r.mean_probability, r.low, r.medium, r.high,
          r.critical, r.outcomes, r.churned, r.purpose
        FROM churn_score_runs AS r
        LEFT JOIN churn_models AS m
          ON m.tenant_id = $1 AND m.model_id = r.model_id
        WHERE r.tenant_id = $1 AND r.as_of < $2 AND r.purpose = COALESCE($3, r.purpose)
        ORDER BY r.as_of DESC, r.saved_at DESC, CASE WHEN m.stage = 'champion' THEN 0 ELSE 1 END, r.model_id
        LIMIT $4";
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
    tx.rows(RUNS, &[before.into(), purpose.into(), (limit as i64).into()])
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
    const THERE: &str = "
        SELECT as_of, model_id
        FROM churn_score_runs
        WHERE tenant_id = $1 AND as_of = $2 AND model_id = $3";
    let Some(run) = run else {
        let latest = runs(tx, None, Some("served"), 1).await?;
        return Ok(latest.into_iter().next().ok_or_else(missing)?.id);
    };
    let args = [Arg::at(run.as_of), run.model_id.as_str().into()];
    let found = tx.row(THERE, &args).await?.ok_or_else(missing)?;
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
    // The condition `IS NULL` puts nulls last in SQLite and in Postgres. If the sort key cannot be null, this condition
    // is left out, so that the database can use an index.
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
