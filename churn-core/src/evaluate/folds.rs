//! Stratified folds that keep all rows of a customer together.

use crate::numeric::SplitMix;

/// Stratified group k-fold: assigns each row to a fold. `folds` is the number of folds. All rows of a customer are in
/// one fold, and customers who churn are spread evenly over the folds.
///
/// `customers` are the customer codes of the rows, and `churned` are the labels of the rows. The result depends only on
/// the arguments. If the rows outside a fold would all have the same label, the customers are assigned again: customers
/// with rows of both labels first, and then the other customers.
pub(crate) fn grouped_folds(customers: &[u32], churned: &[bool], folds: usize, seed: u64) -> Vec<usize> {
    let count = customers.iter().max().map_or(0, |&most| most as usize + 1);
    // Bit 0 is set if the customer has retained rows, bit 1 if the customer has churned rows.
    let mut labels = vec![0u8; count];
    for (&customer, &churned) in customers.iter().zip(churned) {
        labels[customer as usize] |= if churned { 2 } else { 1 };
    }
    let shuffled = |stream: u64, wanted: &dyn Fn(u8) -> bool| {
        let mut members: Vec<usize> = (0..count).filter(|&customer| wanted(labels[customer])).collect();
        let mut random = SplitMix::new(seed, stream);
        for last in (1..members.len()).rev() {
            members.swap(last, random.below(last + 1));
        }
        members
    };
    let (mut ever, never) = (shuffled(0, &|labels| labels >= 2), shuffled(1, &|labels| labels == 1));
    let folds = folds.max(1);
    let spread = |ever: &[usize], from: usize| {
        let mut fold_of = vec![0usize; count];
        let places = ever.iter().enumerate().chain((from..).zip(&never));
        places.for_each(|(place, &customer)| fold_of[customer] = place % folds);
        fold_of
    };
    let mut fold_of = spread(&ever, 0);
    // If all customers with a label are in one fold, the rows outside this fold lack that label.
    let in_one_fold = |label: u8| {
        let mut of = (0..count).filter(|&customer| labels[customer] & label > 0);
        let first = of.next().map(|customer| fold_of[customer]);
        of.all(|customer| Some(fold_of[customer]) == first)
    };
    if folds > 1 && (in_one_fold(1) || in_one_fold(2)) {
        ever.sort_by_key(|&customer| labels[customer] < 3);
        let both = ever.iter().filter(|&&customer| labels[customer] == 3).count();
        fold_of = spread(&ever, both);
    }
    customers.iter().map(|&customer| fold_of[customer as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_stay_in_one_fold_and_churners_are_spread_evenly() {
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

    #[test]
    fn both_labels_remain_without_any_one_fold() {
        // Each world is a list of customers, and each customer is a list of the labels of their rows. In each world, at
        // least two customers have the label `true`, and at least two have the label `false`.
        let worlds: [&[&[bool]]; 4] = [
            &[&[true, false], &[true, false], &[true]],
            &[&[true, false], &[false], &[true], &[true], &[true]],
            &[&[true], &[true], &[true], &[true], &[true, false], &[true, false]],
            &[&[true, false], &[true, false]],
        ];
        for (world, seed) in worlds.iter().flat_map(|world| (0..20).map(move |seed| (world, seed))) {
            let rows = (0u32..)
                .zip(*world)
                .flat_map(|(customer, labels)| labels.iter().map(move |&label| (customer, label)));
            let (customers, churned): (Vec<u32>, Vec<bool>) = rows.unzip();
            for folds in [2, 3] {
                let fold_of = grouped_folds(&customers, &churned, folds, seed);
                for fold in 0..folds {
                    for label in [true, false] {
                        let kept = (0..churned.len()).any(|row| churned[row] == label && fold_of[row] != fold);
                        assert!(kept, "{world:?}, seed {seed}, {folds} folds: {fold_of:?}");
                    }
                }
            }
        }
    }
}
