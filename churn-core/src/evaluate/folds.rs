//! Folds that keep all rows of a customer together.

use crate::numeric::SplitMix;

/// The fold of every row: `folds` of them, each customer in one, customers who churn spread evenly.
///
/// `customers` are codes, `churned` the labels of the same rows. Depends on nothing but its arguments.
pub(crate) fn grouped_folds(customers: &[u32], churned: &[bool], folds: usize, seed: u64) -> Vec<usize> {
    let count = customers.iter().max().map_or(0, |&most| most as usize + 1);
    // 0: not among the rows, 1: never churns, 2: churns at some date.
    let mut class = vec![0u8; count];
    for (&customer, &churned) in customers.iter().zip(churned) {
        let class = &mut class[customer as usize];
        *class = (*class).max(if churned { 2 } else { 1 });
    }
    let mut fold_of = vec![0usize; count];
    for (stream, wanted) in [(0, 2u8), (1, 1u8)] {
        let mut members: Vec<usize> = (0..count).filter(|&customer| class[customer] == wanted).collect();
        let mut random = SplitMix::new(seed, stream);
        for last in (1..members.len()).rev() {
            members.swap(last, random.below(last + 1));
        }
        for (position, customer) in members.into_iter().enumerate() {
            fold_of[customer] = position % folds.max(1);
        }
    }
    customers.iter().map(|&customer| fold_of[customer as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_stay_together_and_churners_are_spread() {
        let customers: Vec<u32> = (0..600).map(|row| row % 200).collect();
        let churned: Vec<bool> = customers.iter().map(|c| c % 20 == 0).collect();
        let folds = grouped_folds(&customers, &churned, 5, 7);
        assert_eq!(folds, grouped_folds(&customers, &churned, 5, 7));
        assert_ne!(folds, grouped_folds(&customers, &churned, 5, 8));
        for row in 200..600 {
            assert_eq!(folds[row], folds[row - 200]);
        }
        for fold in 0..5 {
            let positives = (0..200).filter(|&row| folds[row] == fold && churned[row]).count();
            assert_eq!(positives, 2);
        }
    }
}
