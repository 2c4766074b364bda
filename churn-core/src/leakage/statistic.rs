//! Measures how well a single column predicts the target, and how well it predicts permuted labels.

use std::collections::HashMap;
use std::ops::Range;

use crate::error::Result;
use crate::features::FeatureColumn;
use crate::numeric::{SplitMix, ln};
use crate::parallel::Workers;

/// Maximum number of bins of a column, not counting the bin of the missing values.
const BINS: usize = 32;
const FOLDS: usize = 5;
/// Number of permutations of the labels.
pub(crate) const PERMUTATIONS: usize = 200;

/// A column whose values are divided into bins, and the bin of every row. The last bin holds the missing values.
pub(crate) struct Binned {
    codes: Vec<u16>,
    bins: usize,
    /// If true, each bin holds a single value, except that a text column has one bin for all infrequent texts. If
    /// false, each bin holds a range of values.
    pub(crate) values: bool,
}

impl Binned {
    /// Sorts numbers and divides them into bins with about the same number of rows. Equal values share a bin. If there
    /// are few distinct values, each value has its own bin.
    pub(crate) fn numbers(values: &[f64]) -> Self {
        let mut present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        present.sort_unstable_by(f64::total_cmp);
        let mut distinct = present.clone();
        distinct.dedup();
        let values_of_their_own = distinct.len() <= BINS;
        let mut edges = if values_of_their_own {
            distinct
        } else {
            (0..BINS).map(|bin| present[bin * present.len() / BINS]).collect()
        };
        edges.dedup();
        let missing = edges.len();
        let code = |value: &f64| match value.is_nan() {
            true => missing,
            false => edges.partition_point(|edge| edge <= value).saturating_sub(1),
        };
        Self {
            codes: values.iter().map(|value| code(value) as u16).collect(),
            bins: missing + 1,
            values: values_of_their_own,
        }
    }

    /// Divides texts into bins: one bin for each of the most frequent texts, and one bin for all other texts.
    pub(crate) fn texts(codes: &[u32], levels: usize) -> Self {
        let mut counts = vec![(0usize, 0usize); levels];
        for (level, count) in counts.iter_mut().enumerate() {
            count.1 = level;
        }
        for &code in codes.iter().filter(|&&code| code != FeatureColumn::MISSING) {
            counts[code as usize].0 += 1;
        }
        counts.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let own: HashMap<u32, u16> = counts
            .iter()
            .take(BINS - 1)
            .enumerate()
            .map(|(bin, &(_, level))| (level as u32, bin as u16))
            .collect();
        let (other, missing) = (own.len() as u16, own.len() as u16 + 1);
        let code = |code: &u32| match *code {
            FeatureColumn::MISSING => missing,
            code => own.get(&code).copied().unwrap_or(other),
        };
        Self {
            codes: codes.iter().map(code).collect(),
            bins: usize::from(missing) + 1,
            values: true,
        }
    }

    /// The number of rows and of churned rows in each bin. The last bin holds the missing values.
    pub(crate) fn counts(&self, churned: &[bool]) -> Vec<(usize, usize)> {
        let mut counts = vec![(0, 0); self.bins];
        for (&code, &churned) in self.codes.iter().zip(churned) {
            let count = &mut counts[usize::from(code)];
            count.0 += 1;
            count.1 += usize::from(churned);
        }
        counts
    }
}

/// The skill of a column: the fraction by which the column lowers the log-loss, compared with predicting the overall
/// churn rate for every row. The skill is 1 if the column predicts the label without error, and 0 or less if the column
/// does not help. The prediction for a row is the churn rate of the row's bin in the other folds. `folds` contains the
/// fold of each row.
pub(crate) fn skill(binned: &Binned, churned: &[bool], folds: &[u8]) -> f64 {
    let mut counts = vec![[(0.0, 0.0); FOLDS]; binned.bins];
    for ((&code, &churned), &fold) in binned.codes.iter().zip(churned).zip(folds) {
        let (rows, positives) = &mut counts[usize::from(code)][usize::from(fold)];
        *rows += 1.0;
        *positives += f64::from(u8::from(churned));
    }
    let mut all = [(0.0, 0.0); FOLDS];
    for bin in &counts {
        for (sum, fold) in all.iter_mut().zip(bin) {
            *sum = (sum.0 + fold.0, sum.1 + fold.1);
        }
    }
    let outside = |by_fold: &[(f64, f64); FOLDS], fold: usize| {
        let others = (0..FOLDS).filter(|&other| other != fold).map(|other| by_fold[other]);
        others.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    let loss = |(rows, positives): (f64, f64), rate: f64| -positives * ln(rate) - (rows - positives) * ln(1.0 - rate);
    let (mut alone, mut with) = (0.0, 0.0);
    for fold in 0..FOLDS {
        let (rows, positives) = outside(&all, fold);
        let base = (positives + 0.5) / (rows + 1.0);
        alone += loss(all[fold], base);
        for bin in counts.iter().filter(|bin| bin[fold].0 > 0.0) {
            let (rows, positives) = outside(bin, fold);
            with += loss(bin[fold], (positives + 0.5 * base) / (rows + 0.5));
        }
    }
    if alone > 0.0 { 1.0 - with / alone } else { 0.0 }
}

/// Returns the fold of every row. All rows of a group (such as a customer) are in one fold.
pub(crate) fn folds(groups: &[u32], seed: u64) -> Vec<u8> {
    let fold = |&group: &u32| SplitMix::new(seed ^ 0x1EAF, u64::from(group)).below(FOLDS) as u8;
    groups.iter().map(fold).collect()
}

/// The largest skill (see `skill`) that the column reaches with permuted labels. There are [`PERMUTATIONS`]
/// permutations. Each one permutes the labels within every stratum (the rows of one date).
pub(crate) fn greatest_by_chance(
    binned: &Binned,
    churned: &[bool],
    folds: &[u8],
    strata: &[Range<usize>],
    seed: u64,
    workers: &Workers,
) -> Result<f64> {
    let draws = workers.map(0..PERMUTATIONS, |draw| {
        let mut random = SplitMix::new(seed, draw as u64);
        let mut shuffled = churned.to_vec();
        for stratum in strata {
            let labels = &mut shuffled[stratum.clone()];
            for last in (1..labels.len()).rev() {
                labels.swap(last, random.below(last + 1));
            }
        }
        Ok(skill(binned, &shuffled, folds))
    })?;
    Ok(draws.into_iter().fold(f64::NEG_INFINITY, f64::max))
}
