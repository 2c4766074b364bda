//! The public types for stored score runs, such as queries, pages of scores, and changes between two runs.

use std::collections::BTreeMap;

use churn_core::{Interval, Reason, ReasonValue, RiskBand, Timestamp, names};
use serde::{Deserialize, Serialize};

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
    /// The reasons of the `n` customers with the highest probabilities, where `n` is the value of the field. If the run
    /// is saved with values, the reasons of the `n` customers with the highest values at risk are stored too.
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
        /// The run is shown to users. A query that names no run reads the latest run with this purpose. The history of
        /// a customer contains only scores of runs with this purpose.
        #[default]
        Served = "served",
        /// The run is only for comparison, for example to compare a new model with the model in use. A query reads a
        /// trial run only if the query names this run.
        Trial = "trial",
    }
}

/// Options for saving a run. See [`ScoreStore::save_with`](crate::ScoreStore::save_with).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SaveRun {
    /// When the run is saved.
    pub at: Timestamp,
    /// The customers whose reasons are stored. Default: the 100 customers with the highest probabilities.
    pub reasons: ReasonsFor,
    /// The purpose of the run. Default: [`RunPurpose::Served`].
    pub purpose: RunPurpose,
    /// The value of each customer (such as their yearly revenue), by customer id. The value at risk is the probability
    /// times this value. Default: no values.
    pub values: BTreeMap<String, f64>,
}

impl SaveRun {
    /// Creates options with the given `at`, and with defaults for all other options.
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

    /// Sets the value of each customer (such as their yearly revenue), by customer id.
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
    /// The calibrated probability of churn; `None` if the customer is not scored.
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

/// Filters for [`ScoreStore::high_risk`](crate::ScoreStore::high_risk), the list of the customers with the highest
/// probabilities.
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

/// Filters and order of a score query. See [`ScoreStore::query`](crate::ScoreStore::query).
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

/// The changes between two runs. See [`ScoreStore::changes`](crate::ScoreStore::changes).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunChanges {
    /// Number of customers for each pair of risk bands: the band in the earlier run and the band in the later run. Only
    /// customers who are in both runs are counted.
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
