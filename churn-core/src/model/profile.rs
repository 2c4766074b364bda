//! The profile of the training data: the typical values of each feature. The profile is stored in the model. The
//! features of later score runs are compared with the profile.

use serde::{Deserialize, Serialize};

use crate::features::{Feature, FeatureColumn, FeatureMatrix, Measure};

/// Maximum number of rows from which a profile is computed. If there are more rows, evenly spaced rows are used. This
/// maximum is large enough for precise quantiles and small enough for a short computation time.
const MOST_ROWS: usize = 20_000;
/// The typical range of a feature extends from the quantile at this fraction to the quantile at 1 minus this fraction.
const TAIL: f64 = 0.01;
/// A feature of a score run counts as outside the training data only if its median lies outside the typical range by
/// more than this multiple of the width of the range.
const SLACK: f64 = 0.5;
/// A feature of a score run counts as outside the training data if its share of missing values in the run and its share
/// of missing values in training differ by more than this number. For a feature with a window, the share depends on
/// where the date lies in the billing cycle, so this number is large. A text feature also counts as outside if more
/// than this share of its distinct texts did not occur in training.
const SHARE: f64 = 0.5;
/// A feature without a window counts as outside the training data if its share of missing values differs by more than
/// this number from the share in training.
const SHARE_OF_LIFETIME: f64 = 0.25;
/// A text feature counts as outside the training data if more than this share of the rows have texts that did not occur
/// in training.
const SHARE_OF_UNSEEN: f64 = 0.25;

/// Some features measure the gaps between events in days. These gaps depend on the lengths of the months. The median of
/// such a feature counts as outside only if its distance from the typical range exceeds this number of days.
const SLACK_OF_GAPS: f64 = 3.0;

/// How far the values of a feature in a score run may lie from its values in training.
pub(crate) struct Limits {
    /// The largest accepted difference between the shares of missing values.
    share: f64,
    /// A median within this distance of the typical range never counts as outside.
    slack: f64,
}

impl Limits {
    /// The limits of a feature of the plan.
    pub(crate) fn of(feature: &Feature) -> Self {
        Self {
            share: if feature.window.is_none() {
                SHARE_OF_LIFETIME
            } else {
                SHARE
            },
            slack: if feature.measure == Measure::GapDays {
                SLACK_OF_GAPS
            } else {
                0.0
            },
        }
    }
}

/// The typical values of one feature in a set of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FeatureProfile {
    /// The share of rows in which the feature has no value.
    missing: f64,
    /// For a numeric feature: the 1st, 50th and 99th percentile; `None` if there are no values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantiles: Option<[f64; 3]>,
    /// For a text feature: the distinct texts (levels) in the data, at most [`LEVELS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    levels: Option<Vec<String>>,
    /// For a text feature: the number of rows with each of the `levels`. Files do not contain it.
    #[serde(skip)]
    rows_of_levels: Vec<u32>,
}

/// A text feature with more levels (distinct texts) than this number is treated as an id or as free text. The levels of
/// such a feature are not stored, because later data always contains new texts.
const LEVELS: usize = 200;

/// The profiles of all features, in the order of the feature plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Profile(Vec<FeatureProfile>);

/// A feature whose values in a score run lie outside the training data, and how these values differ from the training
/// data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outside {
    pub(crate) feature: usize,
    pub(crate) how: String,
}

impl Profile {
    pub(crate) fn of(matrix: &FeatureMatrix) -> Self {
        let step = matrix.customers.len().div_ceil(MOST_ROWS).max(1);
        Self(matrix.columns.iter().map(|column| profile(column, step)).collect())
    }

    /// Whether the profile is valid for a model with this number of features. Profiles are checked because a model file
    /// may come from an untrusted source.
    pub(crate) fn is_valid(&self, features: usize) -> bool {
        self.0.len() == features
            && self.0.iter().all(|profile| {
                (0.0..=1.0).contains(&profile.missing)
                    && (profile.quantiles).is_none_or(|q| q.iter().all(|v| v.is_finite()) && q.is_sorted())
            })
    }

    /// The features whose values in a score run lie far outside their values at all training dates. `limits` returns the
    /// limits of the feature at a position.
    pub(crate) fn outside(&self, run: &Self, limits: impl Fn(usize) -> Limits) -> Vec<Outside> {
        let pairs = self.0.iter().zip(&run.0).enumerate();
        pairs
            .filter_map(|(feature, (trained, run))| {
                trained
                    .outside(run, &limits(feature))
                    .map(|how| Outside { feature, how })
            })
            .collect()
    }
}

impl FeatureProfile {
    fn outside(&self, run: &Self, limits: &Limits) -> Option<String> {
        let percent = |share: f64| (100.0 * share).round();
        if (run.missing - self.missing).abs() > limits.share {
            return Some(format!(
                "missing in {} % of the rows, {} % in training",
                percent(run.missing),
                percent(self.missing)
            ));
        }
        if let (Some([low, _, high]), Some([_, median, _])) = (self.quantiles, run.quantiles) {
            let slack = (SLACK * (high - low)).max(limits.slack);
            if median < low - slack || median > high + slack {
                return Some(format!("median {median:.3}, from {low:.3} to {high:.3} in training"));
            }
        }
        if let (Some(known), Some(found)) = (&self.levels, &run.levels)
            && !known.is_empty()
            && !found.is_empty()
        {
            let (mut unseen, mut unseen_rows) = (0, 0);
            for (level, rows) in found.iter().zip(&run.rows_of_levels) {
                if known.binary_search(level).is_err() {
                    unseen += 1;
                    unseen_rows += rows;
                }
            }
            let rows: u32 = run.rows_of_levels.iter().sum();
            let share = f64::from(unseen_rows) / f64::from(rows.max(1));
            if unseen as f64 > SHARE * found.len() as f64 || share > SHARE_OF_UNSEEN {
                return Some(format!(
                    "{unseen} of {} texts, in {} % of the rows, were not seen in training",
                    found.len(),
                    percent(share)
                ));
            }
        }
        None
    }
}

fn profile(column: &FeatureColumn, step: usize) -> FeatureProfile {
    match column {
        FeatureColumn::Number(values) => {
            let sampled = values.iter().copied().step_by(step);
            let (mut present, mut rows) = (vec![], 0usize);
            for value in sampled {
                rows += 1;
                if value.is_finite() {
                    present.push(value);
                }
            }
            FeatureProfile {
                missing: share_missing(rows, present.len()),
                quantiles: quantiles(&mut present),
                levels: None,
                rows_of_levels: vec![],
            }
        }
        FeatureColumn::Text { codes, levels } => {
            let (mut rows, mut present) = (0usize, 0usize);
            let mut counts = vec![0u32; levels.len()];
            for &code in codes.iter().step_by(step) {
                rows += 1;
                if let Some(count) = counts.get_mut(code as usize) {
                    *count += 1;
                    present += 1;
                }
            }
            let seen: Vec<String> = (levels.iter().zip(&counts))
                .filter(|(_, count)| **count > 0)
                .map(|(level, _)| level.clone())
                .collect();
            counts.retain(|count| *count > 0);
            FeatureProfile {
                missing: share_missing(rows, present),
                quantiles: None,
                levels: (seen.len() <= LEVELS).then_some(seen),
                rows_of_levels: counts,
            }
        }
    }
}

fn share_missing(rows: usize, present: usize) -> f64 {
    if rows == 0 {
        return 0.0;
    }
    (rows - present) as f64 / rows as f64
}

/// Returns the 1st, 50th and 99th percentile. Each percentile is one of the given values, without interpolation.
fn quantiles(values: &mut [f64]) -> Option<[f64; 3]> {
    let last = values.len().checked_sub(1)?;
    let mut at = |share: f64| {
        let position = (share * last as f64).round() as usize;
        *values.select_nth_unstable_by(position, f64::total_cmp).1
    };
    Some([at(TAIL), at(0.5), at(1.0 - TAIL)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Limits = Limits {
        share: SHARE,
        slack: 0.0,
    };
    const LIFETIME: Limits = Limits {
        share: SHARE_OF_LIFETIME,
        slack: 0.0,
    };

    fn numbers(values: impl IntoIterator<Item = f64>) -> FeatureProfile {
        profile(&FeatureColumn::Number(values.into_iter().collect()), 1)
    }

    #[test]
    fn a_run_similar_to_training_is_inside() {
        let trained = numbers((0..1000).map(f64::from));
        assert_eq!(trained.quantiles, Some([10.0, 500.0, 989.0]));
        assert_eq!(trained.outside(&numbers((200..900).map(f64::from)), &WINDOW), None);
        // A shift of this size is normal, because tenure and totals grow between training and the score run.
        assert_eq!(trained.outside(&numbers((700..1400).map(f64::from)), &WINDOW), None);
    }

    #[test]
    fn values_unlike_those_of_training_are_outside() {
        let trained = numbers((0..1000).map(f64::from));
        assert!(
            trained
                .outside(&numbers((2000..3000).map(f64::from)), &WINDOW)
                .is_some()
        );
        assert!(trained.outside(&numbers((0..100).map(|_| f64::NAN)), &WINDOW).is_some());
        // Months differ in length, so the gaps between monthly events differ by up to three days.
        let days = Limits {
            share: SHARE,
            slack: SLACK_OF_GAPS,
        };
        assert_eq!(numbers([1.0; 50]).outside(&numbers([3.5; 50]), &days), None);
        assert!(numbers([1.0; 50]).outside(&numbers([4.5; 50]), &days).is_some());
        // A third of the rows has no value.
        let gaps = numbers((0..900).map(|i| if i % 3 == 0 { f64::NAN } else { f64::from(i) }));
        assert_eq!(trained.outside(&gaps, &WINDOW), None);
        assert!(trained.outside(&gaps, &LIFETIME).is_some());
        // The typical range of a constant feature is its single value.
        assert!(numbers([1.0; 50]).outside(&numbers([0.0; 50]), &WINDOW).is_some());
    }

    #[test]
    fn texts_absent_from_training_are_outside() {
        let texts = |levels: &[&str]| {
            let column = FeatureColumn::Text {
                codes: (0..levels.len() as u32).collect(),
                levels: levels.iter().map(|&level| level.to_owned()).collect(),
            };
            profile(&column, 1)
        };
        assert_eq!(texts(&["basic", "pro"]).outside(&texts(&["pro"]), &WINDOW), None);
        // One of two texts is new. It counts as outside if many rows have it.
        let half_new = |new_rows: usize| {
            let codes = (0..20).map(|row| u32::from(row < new_rows)).collect();
            let levels = vec!["basic".to_owned(), "new".to_owned()];
            profile(&FeatureColumn::Text { codes, levels }, 1)
        };
        assert_eq!(texts(&["basic", "pro"]).outside(&half_new(5), &WINDOW), None);
        assert!(texts(&["basic", "pro"]).outside(&half_new(6), &WINDOW).is_some());
        assert!(
            texts(&["basic", "pro"])
                .outside(&texts(&["Basic", "Pro"]), &WINDOW)
                .is_some()
        );
    }
}
