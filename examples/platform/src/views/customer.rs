//! The page of one customer.

use askama::Template;
use churn_core::{RecordKind, Value};
use churn_store::{StoredOutcome, StoredRecord, StoredScore};

use crate::views::format::{Number, moment, moment_of, value};
use crate::views::{Layout, Stamp};

/// The maximum number of events on the page. The counts on the page include all events.
const MOST_EVENTS: usize = 60;

#[derive(Template)]
#[template(path = "predictions/customer.html")]
pub struct CustomerPage {
    pub layout: Layout,
    pub stamp: Option<Stamp>,
    pub id: String,
    pub latest: Option<TrendLine>,
    pub not_scored: String,
    pub fields: Vec<Field>,
    pub trend: Vec<TrendLine>,
    pub reasons: Vec<ReasonLine>,
    pub counts: Vec<Field>,
    pub events: Vec<Event>,
    pub more_events: usize,
}

pub struct Field {
    pub name: String,
    pub value: String,
}

pub struct TrendLine {
    pub as_of: String,
    pub model: String,
    pub probability: Option<Number>,
    pub low: Option<Number>,
    pub high: Option<Number>,
    pub band: &'static str,
    pub not_scored: String,
    pub happened: String,
}

pub struct ReasonLine {
    pub text: String,
    pub feature: String,
    pub contribution: Number,
    pub direction: String,
}

pub struct Event {
    at: i64,
    pub when: String,
    pub what: &'static str,
    pub details: String,
}

/// Returns the customer id of a record.
pub fn id_of(record: &StoredRecord) -> String {
    match record.values.get("customer_id") {
        Some(Value::Text(id)) => id.clone(),
        _ => String::new(),
    }
}

/// Returns a field of a record as text. The text is empty if the field has no value.
pub fn shown(record: &StoredRecord, name: &str) -> String {
    match record.values.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(found) => value(found),
    }
}

/// Returns a text with the reason why a customer has no score, and the date by which a score is expected. The text is
/// empty for a scored customer.
pub fn not_scored(score: &StoredScore) -> String {
    let Some(reason) = &score.not_scored_reason else {
        return String::new();
    };
    match score.expected_at {
        Some(at) => format!("{reason} (a score by {})", moment(at)),
        None => reason.clone(),
    }
}

fn time_of(record: &StoredRecord, names: &[&str]) -> i64 {
    let times = names.iter().filter_map(|name| match record.values.get(*name) {
        Some(Value::Timestamp(micros)) => Some(*micros),
        _ => None,
    });
    times.max().unwrap_or(i64::MIN)
}

fn event(what: &'static str, at: i64, record: &StoredRecord, without: &[&str]) -> Event {
    let details: Vec<String> = record
        .values
        .iter()
        .filter(|(name, found)| !without.contains(&name.as_str()) && **found != Value::Null)
        .map(|(name, found)| format!("{name} {}", value(found)))
        .collect();
    Event {
        at,
        when: moment_of(at),
        what,
        details: details.join(", "),
    }
}

/// Returns a text that says whether the customer churned after a score. The text is empty if no outcome is stored for
/// the date of the score.
fn happened(score: &StoredScore, outcomes: &[StoredOutcome]) -> String {
    let outcome = outcomes.iter().find(|outcome| outcome.as_of == score.run.as_of);
    match outcome {
        None => String::new(),
        Some(outcome) => {
            let event = outcome
                .event_at
                .map_or(String::new(), |at| format!(" on {}", moment(at)));
            match outcome.churned {
                Some(true) => format!("churned{event}"),
                Some(false) => "stayed".to_owned(),
                None => format!("not counted ({})", outcome.rule),
            }
        }
    }
}

impl CustomerPage {
    pub fn new(
        layout: Layout,
        stamp: Option<Stamp>,
        id: &str,
        versions: &[StoredRecord],
        events: &[(RecordKind, Vec<StoredRecord>)],
        history: &[StoredScore],
        outcomes: &[StoredOutcome],
    ) -> Self {
        let current = versions
            .iter()
            .max_by_key(|record| ["signed_up_at", "valid_from", "known_at"].map(|name| time_of(record, &[name])));
        let fields = current.map_or(vec![], |record| {
            let fields = record.values.iter().filter(|(name, _)| *name != "customer_id");
            fields
                .map(|(name, found)| Field {
                    name: name.clone(),
                    value: value(found),
                })
                .collect()
        });
        let mut counts = vec![];
        let mut timeline = vec![];
        for record in versions {
            for (name, what) in [
                ("signed_up_at", "signed up"),
                ("notice_at", "gave notice"),
                ("churned_at", "churned"),
            ] {
                let at = time_of(record, &[name]);
                let known = timeline
                    .iter()
                    .any(|event: &Event| event.at == at && event.what == what);
                if at != i64::MIN && !known {
                    timeline.push(Event {
                        at,
                        when: moment_of(at),
                        what,
                        details: String::new(),
                    });
                }
            }
        }
        for (kind, records) in events {
            counts.push(Field {
                name: kind.as_str().to_owned(),
                value: records.len().to_string(),
            });
            let (what, time) = match kind {
                RecordKind::Payments => ("payment", "due_at"),
                RecordKind::Tickets => ("ticket", "opened_at"),
                _ => ("activity", "at"),
            };
            for record in records {
                timeline.push(event(
                    what,
                    time_of(record, &[time]),
                    record,
                    &["customer_id", "known_at", time],
                ));
            }
        }
        timeline.sort_by_key(|event| std::cmp::Reverse(event.at));
        let more_events = timeline.len().saturating_sub(MOST_EVENTS);
        timeline.truncate(MOST_EVENTS);
        let line = |score: &StoredScore| TrendLine {
            as_of: moment(score.run.as_of),
            model: super::format::short(&score.run.model_id),
            probability: score.probability.map(Number::percent),
            low: score.interval.map(|interval| Number::percent(interval.low)),
            high: score.interval.map(|interval| Number::percent(interval.high)),
            band: score.risk_band.map_or("", |band| band.as_str()),
            not_scored: not_scored(score),
            happened: happened(score, outcomes),
        };
        let latest = history.first();
        Self {
            layout,
            stamp,
            id: id.to_owned(),
            latest: latest.filter(|score| score.probability.is_some()).map(line),
            not_scored: latest.map_or("The customer is not in any run.".to_owned(), not_scored),
            fields,
            trend: history.iter().map(line).collect(),
            reasons: latest.map_or(vec![], |score| {
                let reasons = score.reasons.iter();
                reasons
                    .map(|reason| ReasonLine {
                        text: reason.text.clone(),
                        feature: reason.feature.clone(),
                        contribution: Number::signed(reason.contribution),
                        direction: reason.direction.clone(),
                    })
                    .collect()
            }),
            counts,
            events: timeline,
            more_events,
        }
    }
}
