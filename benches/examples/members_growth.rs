//! Measures how the time of each base learner grows with the number of rows, columns, trees and leaves. In each
//! measurement, only one of these dimensions changes. The program prints the seconds of training and of scoring.
//!
//! `cargo run --release -p churn-benches --example members_growth -- [threads] [repeats]` prints a Markdown table of
//! median times. The last column is the slope of the line through the first and the last time on logarithmic axes. A
//! slope of 1 means that the time is proportional to the dimension.

use std::time::Instant;

use churn_core::Execution;
use churn_core::ensemble::{
    GradientBoosting, GradientBoostingOptions, Logistic, LogisticOptions, RandomForest, RandomForestOptions,
};
use ndarray::{Array2, s};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The dimensions of a problem. In a measurement, one dimension changes and the others stay constant.
#[derive(Clone, Copy)]
struct Size {
    rows: usize,
    columns: usize,
    trees: usize,
    leaves: usize,
}

const USUAL: Size = Size {
    rows: 40_000,
    columns: 60,
    trees: 100,
    leaves: 31,
};
const ROWS: [usize; 4] = [10_000, 40_000, 160_000, 640_000];
const COLUMNS: [usize; 4] = [15, 30, 60, 120];
const TREES: [usize; 4] = [25, 50, 100, 200];
const LEAVES: [usize; 4] = [8, 16, 32, 64];

struct Bench {
    x: Array2<f32>,
    churned: Vec<bool>,
    execution: Execution,
    repeats: usize,
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let threads = arguments.next().as_deref().unwrap_or("2").parse()?;
    let repeats = arguments.next().as_deref().unwrap_or("3").parse()?;
    let (x, churned) = table(ROWS[3], COLUMNS[3]);
    let bench = Bench {
        x,
        churned,
        execution: Execution::new().threads(threads),
        repeats,
    };
    let of_rows = ROWS.map(|rows| Size { rows, ..USUAL });
    let of_columns = COLUMNS.map(|columns| Size { columns, ..USUAL });
    let of_trees = TREES.map(|trees| Size { trees, ..USUAL });
    let of_leaves = LEAVES.map(|leaves| Size { leaves, ..USUAL });
    let shown = |values: [usize; 4]| values.map(|value| value.to_string()).join(", ");
    println!(
        "{threads} threads; 40 000 rows, 60 columns, 100 trees, 31 leaves (forest: depth 12) unless stated otherwise; seconds, median of {repeats}\n"
    );
    println!("| member | grows | | | | | slope |\n|---|---|---|---|---|---|---|");
    let sets = [
        (format!("rows: {}", shown(ROWS)), of_rows, ROWS),
        (format!("columns: {}", shown(COLUMNS)), of_columns, COLUMNS),
        (format!("trees: {}", shown(TREES)), of_trees, TREES),
        (format!("leaves: {}", shown(LEAVES)), of_leaves, LEAVES),
    ];
    for (what, sizes, values) in &sets {
        let grows = |name: &str| what.starts_with(name);
        bench.row("boosting, train", what, sizes, values, Bench::train_boosting)?;
        bench.row("boosting, score", what, sizes, values, Bench::score_boosting)?;
        if !grows("leaves") {
            bench.row("forest, train", what, sizes, values, Bench::train_forest)?;
        }
        if grows("rows") || grows("columns") {
            bench.row("linear, train", what, sizes, values, Bench::train_linear)?;
        }
    }
    Ok(())
}

impl Bench {
    fn row(
        &self,
        member: &str,
        what: &str,
        sizes: &[Size; 4],
        values: &[usize; 4],
        run: impl Fn(&Self, Size) -> Outcome<f64>,
    ) -> Outcome<()> {
        let mut medians = vec![];
        for &size in sizes {
            let mut seconds = (0..self.repeats.max(1))
                .map(|_| run(self, size))
                .collect::<Outcome<Vec<f64>>>()?;
            seconds.sort_by(f64::total_cmp);
            medians.push(seconds[seconds.len() / 2]);
        }
        let slope = (medians[3] / medians[0]).log2() / (values[3] as f64 / values[0] as f64).log2();
        let cells: Vec<String> = medians.iter().map(|median| format!("{median:.4}")).collect();
        println!("| {member} | {what} | {} | {slope:.2} |", cells.join(" | "));
        Ok(())
    }

    fn boosting(size: Size) -> GradientBoosting {
        GradientBoosting::new(
            GradientBoostingOptions::default()
                .with_n_trees(size.trees)
                .with_max_leaves(size.leaves),
        )
    }

    fn train_boosting(&self, size: Size) -> Outcome<f64> {
        let x = self.x.slice(s![..size.rows, ..size.columns]);
        let start = Instant::now();
        Self::boosting(size).fit(x, &self.churned[..size.rows], None, &self.execution)?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Measures the time of scoring with boosted trees. The trees are trained on few rows. The time of training and of
    /// preparing the trees for scoring is not included.
    fn score_boosting(&self, size: Size) -> Outcome<f64> {
        let few = self.x.slice(s![..ROWS[0], ..size.columns]);
        let trees = Self::boosting(size).fit(few, &self.churned[..ROWS[0]], None, &self.execution)?;
        let x = self.x.slice(s![..size.rows, ..size.columns]);
        trees.predict_proba(x, &self.execution)?;
        let start = Instant::now();
        trees.predict_proba(x, &self.execution)?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn train_forest(&self, size: Size) -> Outcome<f64> {
        let forest = RandomForest::new(RandomForestOptions::default().with_n_trees(size.trees));
        let x = self.x.slice(s![..size.rows, ..size.columns]);
        let start = Instant::now();
        forest.fit(x, &self.churned[..size.rows], None, &self.execution)?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn train_linear(&self, size: Size) -> Outcome<f64> {
        let x = self.x.slice(s![..size.rows, ..size.columns]).t().mapv(f64::from);
        let linear = Logistic::new(LogisticOptions::default().with_l2(10.0));
        let start = Instant::now();
        linear.fit(x.t(), &self.churned[..size.rows], None, &self.execution)?;
        Ok(start.elapsed().as_secs_f64())
    }
}

/// Creates a matrix with uniformly distributed, integer and mostly-zero columns. Churn depends on five of the columns,
/// and two of these five interact.
fn table(rows: usize, columns: usize) -> (Array2<f32>, Vec<bool>) {
    let mut state = 7u64;
    let mut unit = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32
    };
    // The matrix is in column-major order, like a feature matrix.
    let x = Array2::from_shape_fn((columns, rows), |(column, _)| match column % 4 {
        0 | 1 => unit() * 2.0 - 1.0,
        2 => (unit() * 20.0).floor(),
        _ => (unit() - 0.7).max(0.0),
    })
    .reversed_axes();
    let churned = x
        .rows()
        .into_iter()
        .map(|row| {
            let z = 1.5 * row[0] - row[1] + 0.1 * row[2] + 2.0 * row[0] * row[4] + row[5] - 2.0;
            unit() < 1.0 / (1.0 + (-z).exp())
        })
        .collect();
    (x, churned)
}
