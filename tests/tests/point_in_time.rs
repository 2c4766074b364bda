//! Nothing at or after a date, and nothing known at or after it, changes a bit of what is seen before it.

use churn_tests::future::rewrite;
use churn_tests::library::{bits, matrix, valid_records};
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
            for (a, b) in before.columns().iter().zip(after.columns()) {
                if format!("{a:?}") != format!("{b:?}") {
                    let name = before.columns().iter().position(|c| std::ptr::eq(c, a));
                    let name = name.map(|at| &before.feature_names()[at]);
                    panic!("seed {seed} as of {date}, {name:?}:\n{a:?}\n{b:?}");
                }
            }
            assert!(bits(&before) == bits(&after), "seed {seed} as of {date}");
            let (before, after) = see(date + 100 * DAY);
            noticed_later += usize::from(bits(&before) != bits(&after));
        }
    }
    // The rewriting is not idle: a hundred days later it shows.
    assert!(
        noticed_later > 800,
        "only {noticed_later} rewritten futures were noticed"
    );
}
