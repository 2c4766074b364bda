//! Reasons: the contributions of features to one score.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

use crate::error::names;
use crate::features::{Columns, FeatureColumn};

names! {
    /// Whether a feature raises or lowers a score.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
    pub enum Direction: "direction" {
        /// The feature makes churn more likely.
        Raises = "raises",
        /// The feature makes churn less likely.
        Lowers = "lowers",
    }
}

/// The value of a feature at the date of the score.
///
/// Serde writes the number, the text, or null for a missing value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[non_exhaustive]
pub enum ReasonValue {
    /// The feature is a number.
    Number(f64),
    /// The feature is a text.
    Text(String),
    /// The feature has no value, because its window contains no matching record or because the attribute is missing.
    Missing,
}

impl fmt::Display for ReasonValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                write!(f, "{value:.0}")
            }
            Self::Number(value) if value.abs() >= 100.0 => write!(f, "{value:.0}"),
            Self::Number(value) if value.abs() >= 0.01 => write!(f, "{value:.2}"),
            Self::Number(value) => write!(f, "{value:.3e}"),
            Self::Text(value) => write!(f, "'{}'", crate::error::excerpt(value)),
            Self::Missing => f.write_str("a missing value"),
        }
    }
}

/// The contribution of one feature to one score.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Reason {
    /// The name of the feature.
    pub feature: String,
    /// The value of the feature for the scored customer at the date of the score.
    pub value: ReasonValue,
    /// The Shapley value of the feature: how much the feature adds to the blended log-odds before calibration, compared
    /// with the average training row. A positive contribution raises the risk.
    pub contribution: f64,
    /// Whether the feature raises or lowers the score.
    pub direction: Direction,
    /// The reason in English words, for example `payments paid count, last 28 days: 0 raises the risk`.
    pub text: String,
}

impl Reason {
    fn new(feature: &str, value: ReasonValue, contribution: f64) -> Self {
        let direction = if contribution >= 0.0 {
            Direction::Raises
        } else {
            Direction::Lowers
        };
        let text = format!("{}: {value} {} the risk", in_words(feature), direction.as_str());
        Self {
            feature: feature.to_owned(),
            value,
            contribution,
            direction,
            text,
        }
    }
}

/// The features with the largest absolute contributions to the score of a row, largest first. Features with equal
/// contributions are in the order of the feature plan. Features with a contribution of 0 are omitted.
pub(crate) fn top_reasons(table: Columns<'_>, row: usize, contributions: &[f64], top: usize) -> Vec<Reason> {
    let mut order: Vec<usize> = (0..contributions.len())
        .filter(|&feature| contributions[feature] != 0.0)
        .collect();
    order.sort_by(|&a, &b| {
        contributions[b]
            .abs()
            .partial_cmp(&contributions[a].abs())
            .unwrap_or(Ordering::Equal)
    });
    order.truncate(top);
    order
        .into_iter()
        .map(|feature| {
            Reason::new(
                &table.names[feature],
                value_of(&table.columns[feature], row),
                contributions[feature],
            )
        })
        .collect()
}

fn value_of(column: &FeatureColumn, row: usize) -> ReasonValue {
    match column {
        FeatureColumn::Number(values) if values[row].is_nan() => ReasonValue::Missing,
        FeatureColumn::Number(values) => ReasonValue::Number(values[row]),
        FeatureColumn::Text { codes, levels } => levels
            .get(codes[row] as usize)
            .map_or(ReasonValue::Missing, |level| ReasonValue::Text(level.clone())),
    }
}

/// Formats `payments_paid_count_28d` as "payments paid count, last 28 days".
fn in_words(feature: &str) -> String {
    let window = feature
        .rsplit_once('_')
        .and_then(|(name, last)| Some((name, last.strip_suffix('d')?.parse::<u32>().ok()?)));
    match window {
        Some((name, days)) => format!("{}, last {days} days", name.replace('_', " ")),
        None => feature.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_sentences() {
        let reason = Reason::new("payments_paid_count_28d", ReasonValue::Number(0.0), 0.7);
        assert_eq!(reason.text, "payments paid count, last 28 days: 0 raises the risk");
        let reason = Reason::new("customer_plan", ReasonValue::Text("pro".into()), -0.1);
        assert_eq!(reason.text, "customer plan: 'pro' lowers the risk");
        let reason = Reason::new("payments_gap_days_std_91d", ReasonValue::Missing, 0.2);
        assert!(
            reason.text.ends_with(": a missing value raises the risk"),
            "{}",
            reason.text
        );
        assert_eq!(in_words("customer_add"), "customer add");
    }
}
