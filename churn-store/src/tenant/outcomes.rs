//! Stores and reads outcomes. An outcome states whether a customer churned after a past date. It can be read together
//! with the customer's score at this date.

use std::collections::BTreeSet;
use std::sync::Arc;

use churn_core::{ChurnDefinition, Labels, TenantRecords, Timestamp};
use serde::Serialize;

use crate::engine::{Access, Arg, Holds, Row, Stored, Target, TenantTx, to_json};
use crate::error::{Error, ErrorKind, Result};
use crate::tenant::scores::count_outcomes;
use crate::tenant::{RunId, TenantStore};

/// The outcome of one customer at one date: whether they churned in the label period (the time span that follows the
/// date).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StoredOutcome {
    /// The customer's id.
    pub customer_id: String,
    /// The date after which the label period begins.
    pub as_of: Timestamp,
    /// Whether the customer churned; `None` if the customer has no label at this date.
    pub churned: Option<bool>,
    /// The name of the rule that determined the outcome.
    pub rule: String,
    /// The time of the event that determined the outcome: the cancellation, or the first activity in the label period.
    pub event_at: Option<Timestamp>,
}

/// A customer's probability of churn in a past run, and whether the customer churned after this run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ScoredOutcome {
    /// The customer's id.
    pub customer_id: String,
    /// The customer's probability of churn in the run.
    pub probability: f64,
    /// Whether the customer churned in the label period after the run.
    pub churned: bool,
}

/// The stored outcomes of a tenant's customers.
#[derive(Clone, Debug)]
pub struct OutcomeStore(pub(crate) TenantStore);

impl OutcomeStore {
    /// Stores labels as outcomes. If a different outcome is stored already for the same customer, date and churn
    /// definition, it is replaced. Returns the number of outcomes that are new or changed.
    ///
    /// # Errors
    /// `tenant_mismatch` if the records belong to another tenant; `store_unavailable`, `store_not_migrated`.
    pub async fn save(&self, records: &TenantRecords, labels: &Labels, definition: &ChurnDefinition) -> Result<u64> {
        if records.tenant() != self.0.tenant() {
            let message = format!("the records belong to another tenant than '{}'", self.0.tenant());
            return Err(Error::new(ErrorKind::TenantMismatch, message));
        }
        let ids: Vec<Arc<str>> = records.customer_ids().map(Arc::from).collect();
        let labelled = labels.rows().iter().map(|label| (label, Some(label.churned)));
        let excluded = labels.excluded().iter().map(|label| (label, None));
        let mut outcomes = vec![];
        for (label, churned) in labelled.chain(excluded) {
            let customer_id = ids
                .get(label.customer as usize)
                .ok_or_else(|| Error::option("labels", "the labels are not of these records"))?;
            outcomes.push(StoredOutcome {
                customer_id: customer_id.to_string(),
                as_of: label.as_of.timestamp(),
                churned,
                rule: label.rule.as_str().to_owned(),
                event_at: label.event_at,
            });
        }
        // A model file contains `active_within` even if the option has its default value. The text that is stored here
        // contains the option too, because queries compare it with the text of the model file.
        let definition = to_json(&definition.clone().written_out())?;
        let mut tx = self.0.begin_session(Access::Write).await?;
        let changed = save(&mut tx, &outcomes, &definition).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Returns the probability and the outcome of each customer in a run, sorted by customer id. A customer is included
    /// only if they have a probability in the run, and if their outcome is stored for the churn definition of the run's
    /// model.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn of_run(&self, run: &RunId) -> Result<Vec<ScoredOutcome>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let outcomes = of_run(&mut tx, run).await?;
        tx.rollback().await?;
        Ok(outcomes)
    }

    /// Returns all stored outcomes of a customer, latest date first.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn of_customer(&self, customer_id: &str) -> Result<Vec<StoredOutcome>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let outcomes = of_customer(&mut tx, customer_id).await?;
        tx.rollback().await?;
        Ok(outcomes)
    }
}

const COLUMNS: [(&str, Holds); 6] = [
    ("as_of", Holds::Int),
    ("definition", Holds::Text),
    ("customer_id", Holds::Text),
    ("churned", Holds::Int),
    ("rule", Holds::Text),
    ("event_at", Holds::Int),
];

pub(crate) async fn save(tx: &mut TenantTx, outcomes: &[StoredOutcome], definition: &str) -> Result<u64> {
    let definition: Arc<str> = definition.into();
    let columns = [
        Stored::Ints(outcomes.iter().map(|own| Some(own.as_of.as_micros())).collect()),
        Stored::Texts(outcomes.iter().map(|_| Some(Arc::clone(&definition))).collect()),
        Stored::Texts(
            outcomes
                .iter()
                .map(|own| Some(own.customer_id.as_str().into()))
                .collect(),
        ),
        Stored::Ints(outcomes.iter().map(|own| own.churned.map(i64::from)).collect()),
        Stored::Texts(outcomes.iter().map(|own| Some(own.rule.as_str().into())).collect()),
        Stored::Ints(
            outcomes
                .iter()
                .map(|own| own.event_at.map(Timestamp::as_micros))
                .collect(),
        ),
    ];
    let target = Target {
        table: "churn_outcomes",
        columns: &COLUMNS,
        on_conflict: "
        ON CONFLICT (tenant_id, as_of, definition, customer_id) DO UPDATE
        SET churned = excluded.churned, rule = excluded.rule, event_at = excluded.event_at
        WHERE t.churned IS DISTINCT FROM excluded.churned
          OR t.rule <> excluded.rule
          OR t.event_at IS DISTINCT FROM excluded.event_at",
    };
    crate::records::places(tx, 0).await?;
    let changed = target
        .write(tx, &columns, outcomes.len(), |rows| rows.collect())
        .await?;
    let dates: BTreeSet<Timestamp> = outcomes.iter().map(|own| own.as_of).collect();
    for as_of in dates {
        count_outcomes(tx, as_of).await?;
    }
    Ok(changed)
}

pub(crate) async fn of_run(tx: &mut TenantTx, run: &RunId) -> Result<Vec<ScoredOutcome>> {
    const OF_RUN: &str = "
        SELECT s.customer_id, s.probability, o.churned
        FROM churn_score_runs AS r
        JOIN churn_scores AS s
          ON s.tenant_id = $1 AND s.as_of = r.as_of AND s.model_id = r.model_id
        JOIN churn_outcomes AS o
          ON o.tenant_id = $1 AND o.as_of = r.as_of AND o.definition = r.definition AND o.customer_id = s.customer_id
        WHERE r.tenant_id = $1 AND r.as_of = $2 AND r.model_id = $3
          AND s.probability IS NOT NULL AND o.churned IS NOT NULL
        ORDER BY s.customer_id";
    let read = |row: &Row| {
        Ok(ScoredOutcome {
            customer_id: row.text(0)?.to_owned(),
            probability: row.float_or_null(1)?.unwrap_or(f64::NAN),
            churned: row.int(2)? == 1,
        })
    };
    let args = [Arg::at(run.as_of), run.model_id.as_str().into()];
    tx.rows(OF_RUN, &args).await?.iter().map(read).collect()
}

pub(crate) async fn of_customer(tx: &mut TenantTx, customer_id: &str) -> Result<Vec<StoredOutcome>> {
    const OF_CUSTOMER: &str = "
        SELECT customer_id, as_of, churned, rule, event_at
        FROM churn_outcomes
        WHERE tenant_id = $1 AND customer_id = $2
        ORDER BY as_of DESC, definition";
    let read = |row: &Row| {
        Ok(StoredOutcome {
            customer_id: row.text(0)?.to_owned(),
            as_of: row.at(1)?,
            churned: row.int_or_null(2)?.map(|churned| churned == 1),
            rule: row.text(3)?.to_owned(),
            event_at: row.at_or_null(4)?,
        })
    };
    tx.rows(OF_CUSTOMER, &[customer_id.into()])
        .await?
        .iter()
        .map(read)
        .collect()
}
