//! Encoded columns: numeric columns that are computed from features.

use serde::{Deserialize, Serialize};

use crate::features::{Columns, FeatureColumn};
use crate::preprocess::numbers;

/// One encoded column and the feature that it is computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EncodedColumn {
    pub(crate) feature: u32,
    pub(crate) encoding: Encoding,
}

/// How a column is computed from its feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Encoding {
    /// The numeric value of the feature, unchanged.
    Number,
    /// 1 if the text is this level (distinct text), else 0.
    Level(String),
    /// The levels (distinct texts) that were frequent in training. The value is 1 if the row has a text that is not one
    /// of these levels, else 0.
    Other(Vec<String>),
    /// 1 if the text is missing, else 0.
    Missing,
    /// ln(1 + n), where n is the number of training rows with the same text. The list contains each text of the
    /// training rows with this value, and is sorted by text.
    Frequency(Vec<(String, f64)>),
}

impl EncodedColumn {
    /// Computes the encoded column for all rows of a feature matrix. If a number is missing, the result is NaN.
    pub(crate) fn apply(&self, table: Columns<'_>) -> Vec<f64> {
        let column = &table.columns[self.feature as usize];
        let by_text = |value: &dyn Fn(Option<&str>) -> f64| match column {
            FeatureColumn::Text { codes, levels } => {
                let missing = value(None);
                let by_level: Vec<f64> = levels.iter().map(|level| value(Some(level))).collect();
                codes
                    .iter()
                    .map(|&code| by_level.get(code as usize).copied().unwrap_or(missing))
                    .collect()
            }
            FeatureColumn::Number(values) => vec![value(None); values.len()],
        };
        let flag = |yes: bool| f64::from(u8::from(yes));
        match &self.encoding {
            Encoding::Number => numbers(column).map_or_else(|| vec![f64::NAN; table.rows], <[f64]>::to_vec),
            Encoding::Level(wanted) => by_text(&|text| flag(text == Some(wanted))),
            Encoding::Other(frequent) => {
                by_text(&|text| flag(text.is_some_and(|text| frequent.iter().all(|level| level != text))))
            }
            Encoding::Missing => by_text(&|text| flag(text.is_none())),
            Encoding::Frequency(known) => by_text(&|text| {
                text.and_then(|text| known.binary_search_by(|(level, _)| level.as_str().cmp(text)).ok())
                    .map_or(0.0, |position| known[position].1)
            }),
        }
    }

    /// Whether all numbers of the encoding are finite and its levels (distinct texts) are sorted.
    pub(crate) fn is_valid(&self) -> bool {
        match &self.encoding {
            Encoding::Frequency(known) => {
                known.iter().all(|(_, value)| value.is_finite()) && known.is_sorted_by(|a, b| a.0 < b.0)
            }
            _ => true,
        }
    }
}
