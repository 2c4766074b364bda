//! The rows that a classifier learns from, in an order that is their own.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::features::FeatureColumn;

/// Whole weights are taken as that many equal rows as long as there are at most so many, or twice those given.
const MOST_REPEATED: usize = 10_000;

/// Which rows to learn from, in which order, and how much each counts.
pub(crate) struct Order {
    /// Positions in what was given; one that counts several times stands there several times.
    pub(crate) rows: Vec<usize>,
    pub(crate) weights: Option<Vec<f64>>,
    /// Rows of one group are held out together.
    pub(crate) groups: Vec<u32>,
}

/// Orders rows by what they hold, so that a model does not depend on the order in which they were given.
///
/// Rows without weight are left out. Whole weights become repeated rows, so that a weight of 3 is the same, to the bit, as
/// the row three times; other weights are scaled to a mean of 1.
///
/// Equal rows are one group, so that no row is predicted by a member that learnt from its copy. Where rows of equal values
/// differ in their label they are no copies but chance at work, and each is a group of its own; so are all rows where the
/// groups of a class would be fewer than two. The only row of a class counts as two halves: members are held to account on
/// rows held out, and a class that is held out wholly is not learnt.
///
/// # Errors
/// `invalid_option` for a weight that is negative or not finite, or if none is above zero.
pub(crate) fn order(columns: &[FeatureColumn], labels: &[u32], weights: Option<&[f64]>) -> Result<Order> {
    let refuse = |message: String, row: Option<u64>| {
        Err(Error::new(ErrorKind::InvalidOption, message).at(None, row, Some("sample_weight")))
    };
    if let Some(weights) = weights {
        if weights.len() != labels.len() {
            return refuse(
                format!("there are {} rows and {} sample weights", labels.len(), weights.len()),
                None,
            );
        }
        if let Some(row) = weights
            .iter()
            .position(|weight| !(weight.is_finite() && *weight >= 0.0))
        {
            return refuse(
                format!("the sample weight of row {row} is {}", weights[row]),
                Some(row as u64),
            );
        }
        if !labels.is_empty() && weights.iter().all(|&weight| weight == 0.0) {
            return refuse("all sample weights are zero".to_owned(), None);
        }
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
        return refuse("the sample weights are too large to be added".to_owned(), None);
    }
    let equal = rows.iter().all(|&row| weight(row) == 1.0);
    let whole = rows.iter().all(|&row| weight(row).fract() == 0.0) && total <= MOST_REPEATED.max(2 * rows.len()) as f64;
    let mut scaled = None;
    if whole && !equal {
        let repeated = rows
            .iter()
            .flat_map(|&row| std::iter::repeat_n(row, weight(row) as usize));
        rows = repeated.collect();
    } else if !equal {
        let mean = total / rows.len() as f64;
        scaled = Some(rows.iter().map(|&row| weight(row) / mean).collect());
    }
    let single = |class: u32| rows.iter().filter(|&&row| labels[row] == class).count() == 1;
    let mut lonely: Vec<u32> = labels.to_vec();
    lonely.sort_unstable();
    lonely.dedup();
    lonely.retain(|&class| single(class));
    if !lonely.is_empty() {
        let weights = scaled.unwrap_or_else(|| vec![1.0; rows.len()]);
        let halves = rows.iter().zip(weights).flat_map(|(&row, weight)| {
            let count = if lonely.contains(&labels[row]) { 2 } else { 1 };
            std::iter::repeat_n((row, weight / count as f64), count)
        });
        let (halved, weights): (Vec<usize>, Vec<f64>) = halves.unzip();
        rows = halved;
        scaled = Some(weights);
    }
    Ok(Order {
        groups: groups(&rows, &hashes, labels),
        rows,
        weights: scaled,
    })
}

/// The group of each row; `rows` are sorted by hash and label.
fn groups(rows: &[usize], hashes: &[u128], labels: &[u32]) -> Vec<u32> {
    let mut groups: Vec<u32> = Vec::with_capacity(rows.len());
    let mut of_class: BTreeMap<u32, u32> = BTreeMap::new();
    let mut next = 0;
    for equal in rows.chunk_by(|&a, &b| hashes[a] == hashes[b]) {
        let copies = equal.iter().all(|&row| labels[row] == labels[equal[0]]);
        for (place, &row) in equal.iter().enumerate() {
            if place == 0 || !copies {
                *of_class.entry(labels[row]).or_default() += 1;
                next += 1;
            }
            groups.push(next - 1);
        }
    }
    if of_class.values().any(|&groups| groups < 2) {
        return (0..rows.len() as u32).collect();
    }
    groups
}

/// 128 bits of each row's values.
fn hashes(columns: &[FeatureColumn], rows: usize) -> Vec<u128> {
    let mut hashes: Vec<(u64, u64)> = vec![(0x9E37, 0x79B9); rows];
    for column in columns {
        match column {
            FeatureColumn::Number(values) => {
                for (hash, &value) in hashes.iter_mut().zip(values) {
                    // All missing values are one, and so are both zeros.
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

/// Two multiplicative hashes side by side, each spread over all its bits.
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
    fn the_order_is_that_of_the_content() {
        let forth = order(&columns(&[5.0, 1.0, f64::NAN, 3.0]), &[0, 1, 0, 1], None).unwrap();
        let back = order(&columns(&[3.0, f64::NAN, 1.0, 5.0]), &[1, 0, 1, 0], None).unwrap();
        let mirrored: Vec<usize> = back.rows.iter().map(|row| 3 - row).collect();
        assert_eq!(forth.rows, mirrored);
        assert!(forth.weights.is_none());
    }

    #[test]
    fn whole_weights_repeat_and_others_count() {
        let values = columns(&[1.0, 2.0, 3.0]);
        let whole = order(&values, &[0, 1, 1], Some(&[2.0, 0.0, 3.0])).unwrap();
        assert_eq!(whole.rows.iter().filter(|row| **row == 0).count(), 2);
        assert_eq!(whole.rows.len(), 5);
        assert!(whole.weights.is_none());
        let values = columns(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        let parts = order(&values, &[0, 1, 1, 0, 1], Some(&[0.25, 0.0, 0.75, 0.5, 0.5])).unwrap();
        assert_eq!(parts.rows.len(), 4);
        assert_eq!(parts.weights.unwrap().iter().sum::<f64>(), 4.0);
    }

    #[test]
    fn copies_are_held_out_together() {
        let of = |values: &[f64], labels: &[u32]| {
            let order = order(&columns(values), labels, None).unwrap();
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
        // Equal values with different labels, and a class with a single group.
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
    fn the_only_row_of_a_class_is_two_halves() {
        let order = order(&columns(&[1.0, 2.0, 3.0]), &[0, 1, 0], None).unwrap();
        assert_eq!(order.rows.iter().filter(|row| **row == 1).count(), 2);
        assert_eq!(order.weights.unwrap().iter().sum::<f64>(), 3.0);
        assert_eq!(order.groups, [0, 1, 2, 3]);
    }

    #[test]
    fn weights_are_checked() {
        let values = columns(&[1.0, 2.0]);
        for weights in [&[0.0, 0.0][..], &[1.0, -1.0], &[1.0, f64::NAN], &[1.0]] {
            assert_eq!(
                order(&values, &[0, 1], Some(weights)).err().unwrap().code(),
                "invalid_option"
            );
        }
    }
}
