//! The training rows of a classifier in a canonical order, which does not depend on the order of the input rows.

use std::collections::BTreeMap;

use crate::classifier::groups::{Content, hold_together};
use crate::error::{Error, ErrorKind, Result};
use crate::features::FeatureColumn;

/// If all weights are integers, each row is replaced by as many copies as its weight states. Rows are replaced only if
/// the result has at most this many rows, or at most twice as many rows as the input.
const MOST_REPEATED: usize = 10_000;

/// The training rows, their order and their weights.
pub(crate) struct Order {
    /// Positions of the rows in the input. A row that was replaced by copies occurs once per copy.
    pub(crate) rows: Vec<usize>,
    pub(crate) weights: Option<Vec<f64>>,
    /// The group of each row. Rows of one group are in the same fold.
    pub(crate) groups: Vec<u32>,
}

/// Orders rows by their content, so that a model depends neither on the input order nor on the numbering of groups.
///
/// Rows with weight 0 are dropped. If all weights are integers, and the sum of the weights is not too large (see
/// [`MOST_REPEATED`]), each row is replaced by as many copies as its weight states. A weight of 3 therefore gives the
/// same result as three copies of the row, bit for bit. If rows are not replaced by copies, the weights are scaled to a
/// mean of 1. `given` is the group of each row; `None` if the caller gave no groups.
///
/// # Errors
/// `invalid_option` if a weight is negative or not finite, if no weight is positive, or if the number of groups differs
/// from the number of rows.
pub(crate) fn order(
    columns: &[FeatureColumn],
    labels: &[u32],
    weights: Option<&[f64]>,
    given: Option<&[u32]>,
) -> Result<Order> {
    let refuse = |message: String, row: Option<u64>, column: &'static str| {
        Err(Error::new(ErrorKind::InvalidOption, message).at(None, row, Some(column)))
    };
    if let Some(weights) = weights {
        if weights.len() != labels.len() {
            let message = format!("there are {} rows and {} sample weights", labels.len(), weights.len());
            return refuse(message, None, "sample_weight");
        }
        if let Some(row) = weights
            .iter()
            .position(|weight| !(weight.is_finite() && *weight >= 0.0))
        {
            let message = format!("the sample weight of row {row} is {}", weights[row]);
            return refuse(message, Some(row as u64), "sample_weight");
        }
        if !labels.is_empty() && weights.iter().all(|&weight| weight == 0.0) {
            return refuse("all sample weights are zero".to_owned(), None, "sample_weight");
        }
    }
    if let Some(given) = given.filter(|given| given.len() != labels.len()) {
        let message = format!("there are {} rows and {} groups", labels.len(), given.len());
        return refuse(message, None, "groups");
    }
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    let hashes = hashes(columns, labels.len());
    let mut rows: Vec<usize> = (0..labels.len()).filter(|&row| weight(row) > 0.0).collect();
    rows.sort_by(|&a, &b| {
        let content = (hashes[a], labels[a]).cmp(&(hashes[b], labels[b]));
        content.then(weight(a).total_cmp(&weight(b)))
    });
    let total: f64 = rows.iter().map(|&row| weight(row)).sum();
    if !total.is_finite() {
        let message = "the sample weights are too large to be added".to_owned();
        return refuse(message, None, "sample_weight");
    }
    let whole = rows.iter().all(|&row| weight(row).fract() == 0.0) && total <= MOST_REPEATED.max(2 * rows.len()) as f64;
    // Each element is the position of a row and the weight of the row.
    let mut rows: Vec<(usize, f64)> = if whole {
        let repeated = rows
            .iter()
            .flat_map(|&row| std::iter::repeat_n((row, 1.0), weight(row) as usize));
        repeated.collect()
    } else {
        let mean = total / rows.len() as f64;
        rows.iter().map(|&row| (row, weight(row) / mean)).collect()
    };
    let mut counted = !whole;
    // If a class has only one row, this row is split into two rows, each with half the weight. Without the split, the
    // whole class would be in one fold, and the base learners that predict this fold could not learn the class. If
    // groups are given, the row is not split, because both halves would be in the same fold.
    if given.is_none() {
        let mut of_class: BTreeMap<u32, usize> = BTreeMap::new();
        rows.iter()
            .for_each(|(row, _)| *of_class.entry(labels[*row]).or_default() += 1);
        if of_class.values().any(|&rows| rows == 1) {
            let halves = rows.iter().flat_map(|&(row, weight)| {
                let count = if of_class[&labels[row]] == 1 { 2 } else { 1 };
                std::iter::repeat_n((row, weight / count as f64), count)
            });
            rows = halves.collect();
            counted = true;
        }
    }
    let of = |&(row, weight): &(usize, f64)| Content {
        values: hashes[row],
        label: labels[row],
        weight: weight.to_bits(),
    };
    let contents: Vec<Content> = rows.iter().map(of).collect();
    let given: Option<Vec<u32>> = given.map(|given| rows.iter().map(|&(row, _)| given[row]).collect());
    let (places, groups) = hold_together(&contents, given.as_deref());
    Ok(Order {
        rows: places.iter().map(|&place| rows[place].0).collect(),
        weights: counted.then(|| places.iter().map(|&place| rows[place].1).collect()),
        groups,
    })
}

/// Returns a 128-bit hash of the values of each row.
fn hashes(columns: &[FeatureColumn], rows: usize) -> Vec<u128> {
    let mut hashes: Vec<(u64, u64)> = vec![(0x9E37, 0x79B9); rows];
    for column in columns {
        match column {
            FeatureColumn::Number(values) => {
                for (hash, &value) in hashes.iter_mut().zip(values) {
                    // All NaN values count as the same value. 0 and -0 also count as the same value.
                    let bits = if value.is_nan() {
                        u64::MAX
                    } else {
                        (value + 0.0).to_bits()
                    };
                    *hash = mix(*hash, bits);
                }
            }
            FeatureColumn::Text { codes, levels } => {
                let by_level: Vec<(u64, u64)> = levels
                    .iter()
                    .map(|level| level.bytes().fold((1, 2), |hash, byte| mix(hash, u64::from(byte))))
                    .collect();
                for (hash, &code) in hashes.iter_mut().zip(codes) {
                    let (a, b) = by_level.get(code as usize).copied().unwrap_or((3, 4));
                    *hash = mix(mix(*hash, a), b);
                }
            }
        }
    }
    hashes
        .into_iter()
        .map(|(a, b)| u128::from(a) << 64 | u128::from(b))
        .collect()
}

/// Updates two multiplicative hashes with a value. If one bit of the value changes, about half of the bits of each hash
/// change.
fn mix((a, b): (u64, u64), value: u64) -> (u64, u64) {
    let spread = |hash: u64, factor: u64| {
        let hash = hash.wrapping_mul(factor);
        hash ^ hash >> 29
    };
    (
        spread(a ^ value, 0xD6E8_FEB8_6659_FD93),
        spread(b.wrapping_add(value), 0x9E37_79B9_7F4A_7C15),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(values: &[f64]) -> Vec<FeatureColumn> {
        vec![FeatureColumn::Number(values.to_vec())]
    }

    #[test]
    fn rows_are_ordered_by_content() {
        let forth = order(&columns(&[5.0, 1.0, f64::NAN, 3.0]), &[0, 1, 0, 1], None, None).unwrap();
        let back = order(&columns(&[3.0, f64::NAN, 1.0, 5.0]), &[1, 0, 1, 0], None, None).unwrap();
        let mirrored: Vec<usize> = back.rows.iter().map(|row| 3 - row).collect();
        assert_eq!(forth.rows, mirrored);
        assert!(forth.weights.is_none());
    }

    #[test]
    fn integer_weights_repeat_rows_and_others_are_scaled() {
        let values = columns(&[1.0, 2.0, 3.0]);
        let whole = order(&values, &[0, 1, 1], Some(&[2.0, 0.0, 3.0]), None).unwrap();
        assert_eq!(whole.rows.iter().filter(|row| **row == 0).count(), 2);
        assert_eq!(whole.rows.len(), 5);
        assert!(whole.weights.is_none());
        let values = columns(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        let parts = order(&values, &[0, 1, 1, 0, 1], Some(&[0.25, 0.0, 0.75, 0.5, 0.5]), None).unwrap();
        assert_eq!(parts.rows.len(), 4);
        assert_eq!(parts.weights.unwrap().iter().sum::<f64>(), 4.0);
    }

    #[test]
    fn copies_share_a_fold() {
        let of = |values: &[f64], labels: &[u32]| {
            let order = order(&columns(values), labels, None, None).unwrap();
            let mut groups = vec![0; labels.len()];
            order
                .rows
                .iter()
                .zip(order.groups)
                .for_each(|(&row, group)| groups[row] = group);
            groups
        };
        let groups = of(&[1.0, 2.0, 1.0, 3.0, 4.0], &[0, 1, 0, 1, 0]);
        assert_eq!(groups[0], groups[2]);
        assert_eq!(groups.iter().collect::<std::collections::HashSet<_>>().len(), 4);
        // In the first case, rows with equal values have different labels. In the second case, merging would leave a
        // class with a single group. Nothing is merged in either case.
        for (values, labels) in [
            ([1.0, 1.0, 1.0, 2.0, 3.0], [0, 0, 1, 1, 0]),
            ([1.0, 1.0, 2.0, 3.0, 3.0], [0, 0, 1, 1, 1]),
        ] {
            let groups = of(&values, &labels);
            let apart = groups.iter().collect::<std::collections::HashSet<_>>().len();
            assert_eq!(apart, if labels[1] == labels[2] { 4 } else { 5 }, "{groups:?}");
        }
    }

    #[test]
    fn the_only_row_of_a_class_is_split_in_two() {
        let order = order(&columns(&[1.0, 2.0, 3.0]), &[0, 1, 0], None, None).unwrap();
        assert_eq!(order.rows.iter().filter(|row| **row == 1).count(), 2);
        assert_eq!(order.weights.unwrap().iter().sum::<f64>(), 3.0);
        assert_eq!(order.groups, [0, 1, 2, 3]);
    }

    #[test]
    fn weights_are_checked() {
        let values = columns(&[1.0, 2.0]);
        for weights in [&[0.0, 0.0][..], &[1.0, -1.0], &[1.0, f64::NAN], &[1.0]] {
            assert_eq!(
                order(&values, &[0, 1], Some(weights), None).err().unwrap().code(),
                "invalid_option"
            );
        }
    }
}
