//! Chooses an encoding for each feature from training rows.

use crate::features::FeatureColumn;
use crate::numeric::ln_1p;
use crate::preprocess::columns::{EncodedColumn, Encoding};

/// At most this number of levels (distinct texts) of a text feature get their own columns.
const MOST_LEVELS: usize = 16;
/// A level (distinct text) gets its own column only if it occurs in at least `LEAST_ROWS` training rows and in at least
/// the fraction `LEAST_SHARE` of all training rows.
const LEAST_ROWS: usize = 10;
const LEAST_SHARE: f64 = 0.005;

/// The encoded columns of a feature. A numeric feature with the same value in all rows has no encoded column.
pub(crate) fn fit(feature: usize, column: &FeatureColumn) -> Vec<EncodedColumn> {
    let encoded = |encoding| EncodedColumn {
        feature: feature as u32,
        encoding,
    };
    match column {
        FeatureColumn::Number(values) => {
            let first = values.first().copied().unwrap_or(f64::NAN);
            let constant = values
                .iter()
                .all(|value| *value == first || value.is_nan() && first.is_nan());
            if constant {
                vec![]
            } else {
                vec![encoded(Encoding::Number)]
            }
        }
        FeatureColumn::Text { codes, levels } => {
            let mut counts = vec![0usize; levels.len()];
            let mut missing = 0;
            for &code in codes {
                match counts.get_mut(code as usize) {
                    Some(count) => *count += 1,
                    None => missing += 1,
                }
            }
            let least = LEAST_ROWS.max((codes.len() as f64 * LEAST_SHARE) as usize);
            let mut seen: Vec<(&String, usize)> = levels.iter().zip(counts).filter(|(_, count)| *count > 0).collect();
            // The most frequent levels (distinct texts) come first. Levels with equal counts are ordered by their
            // bytes.
            seen.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            let frequent: Vec<String> = seen
                .iter()
                .filter(|(_, count)| *count >= least)
                .take(MOST_LEVELS)
                .map(|(level, _)| (*level).clone())
                .collect();
            let rare = seen.len() - frequent.len();
            let mut columns: Vec<EncodedColumn> = frequent
                .iter()
                .map(|level| encoded(Encoding::Level(level.clone())))
                .collect();
            if rare > 0 {
                let mut known: Vec<(String, f64)> = seen
                    .iter()
                    .map(|(level, count)| ((*level).clone(), ln_1p(*count as f64)))
                    .collect();
                known.sort_by(|a, b| a.0.cmp(&b.0));
                columns.push(encoded(Encoding::Other(frequent)));
                columns.push(encoded(Encoding::Frequency(known)));
            }
            if missing > 0 {
                columns.push(encoded(Encoding::Missing));
            }
            columns
        }
    }
}
