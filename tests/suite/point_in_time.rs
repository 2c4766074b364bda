//! Tests that features at a date use only what was known before this date. The tests rewrite rows whose event happens
//! at or after the date, and rows that become known at or after the date. The features must stay bit-identical.

use churn_core::FeatureMatrix;
use churn_tests::future::{SPELL_COLUMNS, rewrite};
use churn_tests::library::{bits_without, matrix, valid_records};
use churn_tests::raw::DAY;
use churn_tests::worlds::{Shape, world};

#[test]
fn the_future_leaves_the_matrix_byte_equal() {
    let mut noticed_later = 0;
    for seed in 0..400 {
        let world = world(seed, Shape::of_seed(seed));
        let records = valid_records(&world, seed);
        for &date in &world.dates {
            let rewritten = valid_records(&rewrite(&world, date, seed), seed + 1);
            let see = |date| (matrix(&records, &[date], 1), matrix(&rewritten, &[date], 1));
            let (before, after) = see(date);
            let bits = |matrix| bits_without(matrix, &SPELL_COLUMNS);
            assert!(
                bits(&before) == bits(&after),
                "seed {seed} as of {date}: {}",
                first_difference(&before, &after)
            );
            let (before, after) = see(date + 100 * DAY);
            noticed_later += usize::from(bits(&before) != bits(&after));
        }
    }
    // The test checks that the rewritten rows have an effect: a hundred days later, the features must differ.
    assert!(
        noticed_later > 800,
        "only {noticed_later} rewritten futures were noticed"
    );
}

/// Returns the name and the values of the first column in which two matrices differ.
fn first_difference(before: &FeatureMatrix, after: &FeatureMatrix) -> String {
    let named = |matrix: &FeatureMatrix| -> Vec<(String, String)> {
        (matrix.feature_names().iter().zip(matrix.columns()))
            .filter(|(name, _)| !SPELL_COLUMNS.contains(&name.as_str()))
            .map(|(name, column)| (name.clone(), format!("{column:?}")))
            .collect()
    };
    let (before, after) = (named(before), named(after));
    let different = before.iter().zip(&after).find(|(a, b)| a != b);
    different.map_or("names or rows".to_owned(), |(a, b)| format!("{a:?}\n{b:?}"))
}
