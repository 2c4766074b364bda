//! A random forest whose trees speak in smoothed log-odds.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::ensemble::bins::{BinnedMatrix, MISSING_BIN};
use crate::ensemble::flat::{FlatEnsemble, Node};
use crate::ensemble::{Training, prior_log_odds};
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::{SplitMix, logit, sigmoid};
use crate::parallel::{Execution, Workers};

/// How the forest learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomForestOptions {
    /// Number of trees.
    pub trees: usize,
    /// The deepest a tree may be.
    pub depth: usize,
    /// The fewest rows of a leaf, drawn ones counted as often as drawn.
    pub min_leaf_rows: usize,
    /// Share of the columns that each split may look at; `None` for the square root of their number.
    pub column_share: Option<f64>,
    /// Rows of the churn rate that each leaf is mixed with before it becomes log-odds.
    pub smoothing: f64,
    /// The most bins of a column, 2 to 255.
    pub max_bins: usize,
    /// Seeds the drawing of rows and columns.
    pub seed: u64,
}

impl Default for RandomForestOptions {
    fn default() -> Self {
        Self {
            trees: 200,
            depth: 12,
            min_leaf_rows: 5,
            column_share: None,
            smoothing: 2.0,
            max_bins: 255,
            seed: 0,
        }
    }
}

/// Random forest (Breiman, "Random forests", 2001). Each tree's leaf says `logit((churned + s p) / (rows + s))` with the
/// churn rate `p` and smoothing `s`; the forest's log-odds are the mean over trees.
#[derive(Clone, Debug, Default)]
pub struct RandomForest {
    options: RandomForestOptions,
}

impl RandomForest {
    /// With these options.
    pub fn new(options: RandomForestOptions) -> Self {
        Self { options }
    }

    /// Fits rows x columns (NaN is missing) to labels; with `weights`, rows are drawn in proportion to them.
    ///
    /// # Errors
    /// `single_class`, `too_little_data` without rows, `invalid_option`, `cancelled`.
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        churned: &[bool],
        weights: Option<&[f64]>,
        execution: &Execution,
    ) -> Result<FlatEnsemble> {
        self.fit_on(x, churned, weights, &execution.workers()?)
    }

    pub(crate) fn fit_on(
        &self,
        x: ArrayView2<'_, f32>,
        churned: &[bool],
        weights: Option<&[f64]>,
        workers: &Workers,
    ) -> Result<FlatEnsemble> {
        let options = &self.options;
        let refuse = |name: &str, why: &str| {
            Err(Error::new(ErrorKind::InvalidOption, format!("{name} {why}")).at(None, None, Some(name)))
        };
        match options {
            _ if options.trees == 0 => return refuse("trees", "must be at least 1"),
            _ if !(2..=255).contains(&options.max_bins) => {
                return refuse("max_bins", "must be from 2 to 255");
            }
            _ if !(options.smoothing.is_finite() && options.smoothing > 0.0) => {
                return refuse("smoothing", "must be a positive number");
            }
            _ if options.column_share.is_some_and(|share| !(share > 0.0 && share <= 1.0)) => {
                return refuse("column_share", "must be above 0 and at most 1");
            }
            _ => {}
        }
        let training = Training::new(x.nrows(), churned, weights)?;
        let matrix = BinnedMatrix::new(x, options.max_bins, workers)?;
        let draw = Draw::new(&training);
        let prior = sigmoid(prior_log_odds(&training));
        let columns = match options.column_share {
            None => (matrix.columns() as f64).sqrt().ceil() as usize,
            Some(share) => (matrix.columns() as f64 * share).round() as usize,
        };
        let done = std::sync::atomic::AtomicUsize::new(0);
        let trees = workers.map(0..options.trees, |number| {
            let random = SplitMix::new(options.seed, number as u64);
            let tree = TreeGrower {
                matrix: &matrix,
                churned,
                options,
                columns: columns.clamp(1, matrix.columns().max(1)),
                prior,
                random,
                workers,
            }
            .grow(&draw)?;
            let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            workers.report("forest", done, options.trees);
            Ok(tree)
        })?;
        let mut ensemble = FlatEnsemble::new(0.0, x.ncols());
        for tree in trees {
            ensemble.push(&tree);
        }
        Ok(ensemble)
    }
}

/// Draws rows with replacement.
struct Draw {
    rows: usize,
    /// Running sums of weights, where there are some.
    running: Option<Vec<f64>>,
}

impl Draw {
    fn new(training: &Training<'_>) -> Self {
        let mut sum = 0.0;
        let running = training.weights().map(|weights| {
            let add = |&weight: &f64| {
                sum += weight;
                sum
            };
            weights.iter().map(add).collect()
        });
        Self {
            rows: training.rows(),
            running,
        }
    }

    /// How often each row is drawn, in as many draws as there are rows.
    fn counts(&self, random: &mut SplitMix) -> Vec<u32> {
        let mut counts = vec![0u32; self.rows];
        for _ in 0..self.rows {
            let row = match &self.running {
                None => random.below(self.rows),
                Some(running) => {
                    let at = random.unit() * running.last().copied().unwrap_or(0.0);
                    running.partition_point(|&sum| sum <= at).min(self.rows - 1)
                }
            };
            counts[row] += 1;
        }
        counts
    }
}

/// Sums over rows, as often as they were drawn: rows in the upper half, those that churned in the lower, so that one
/// addition serves both. Draws are as many as rows, fewer than 2^32.
#[derive(Clone, Copy, Default, PartialEq)]
struct Sums(u64);

impl Sums {
    fn of(count: u32, churned: bool) -> Self {
        Self(u64::from(count) << 32 | if churned { u64::from(count) } else { 0 })
    }

    fn rows(self) -> u64 {
        self.0 >> 32
    }

    fn churned(self) -> u64 {
        self.0 & 0xFFFF_FFFF
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    fn minus(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }

    /// What Gini's impurity is measured by: the larger, the purer.
    fn purity(self) -> f64 {
        let (rows, churned) = (self.rows() as f64, self.churned() as f64);
        let stayed = rows - churned;
        (churned * churned + stayed * stayed) / rows
    }
}

struct TreeGrower<'a> {
    matrix: &'a BinnedMatrix,
    churned: &'a [bool],
    options: &'a RandomForestOptions,
    /// Columns that each split looks at.
    columns: usize,
    prior: f64,
    random: SplitMix,
    workers: &'a Workers,
}

/// A row that was drawn, and how often.
#[derive(Clone, Copy)]
struct Drawn {
    row: u32,
    sums: Sums,
}

struct Split {
    gain: f64,
    column: usize,
    bin: u8,
    missing_left: bool,
    left: Sums,
}

impl TreeGrower<'_> {
    fn grow(mut self, draw: &Draw) -> Result<Vec<Node>> {
        let counts = draw.counts(&mut self.random);
        let drawn = (0u32..).zip(counts).filter(|&(_, count)| count > 0);
        let mut drawn: Vec<Drawn> = drawn
            .map(|(row, count)| Drawn {
                row,
                sums: Sums::of(count, self.churned[row as usize]),
            })
            .collect();
        let total = drawn.iter().fold(Sums::default(), |sums, drawn| sums.plus(drawn.sums));
        let mut aside = Vec::with_capacity(drawn.len());
        let mut order: Vec<usize> = (0..self.matrix.columns()).collect();
        let mut histogram = [Sums::default(); 256];
        let mut nodes = vec![self.leaf(total)];
        // Node, its rows, its depth, its sums; the left child is taken first.
        let mut open = vec![(0usize, 0..drawn.len(), 0usize, total)];
        while let Some((node, range, depth, total)) = open.pop() {
            self.workers.check()?;
            let pure = total.churned() == 0 || total.churned() == total.rows();
            if depth >= self.options.depth || pure || total.rows() < 2 * self.options.min_leaf_rows.max(1) as u64 {
                continue;
            }
            let Some(split) = self.best_split(&drawn[range.clone()], total, &mut order, &mut histogram) else {
                continue;
            };
            let bins = self.matrix.column(split.column);
            let goes_left = |drawn: &Drawn| match bins[drawn.row as usize] {
                MISSING_BIN => split.missing_left,
                bin => bin <= split.bin,
            };
            aside.clear();
            let mut kept = range.start;
            for position in range.clone() {
                let row = drawn[position];
                if goes_left(&row) {
                    drawn[kept] = row;
                    kept += 1;
                } else {
                    aside.push(row);
                }
            }
            drawn[kept..range.end].copy_from_slice(&aside);
            let left = nodes.len();
            nodes.push(self.leaf(split.left));
            nodes.push(self.leaf(total.minus(split.left)));
            nodes[node] = Node {
                number: self.matrix.threshold(split.column, split.bin),
                cover: total.rows() as f64,
                feature: split.column as u32,
                left: left as u32,
                missing_left: split.missing_left,
            };
            open.push((left + 1, kept..range.end, depth + 1, total.minus(split.left)));
            open.push((left, range.start..kept, depth + 1, split.left));
        }
        Ok(nodes)
    }

    fn leaf(&self, sums: Sums) -> Node {
        let smoothing = self.options.smoothing;
        let rate = (sums.churned() as f64 + smoothing * self.prior) / (sums.rows() as f64 + smoothing);
        Node::leaf(logit(rate) / self.options.trees as f64, sums.rows() as f64)
    }

    /// The best split over columns drawn at random. As in Breiman's, a column that cannot split costs no draw.
    fn best_split(
        &mut self,
        drawn: &[Drawn],
        total: Sums,
        order: &mut [usize],
        histogram: &mut [Sums; 256],
    ) -> Option<Split> {
        let mut best: Option<Split> = None;
        let mut looked = 0;
        for next in 0..order.len() {
            if looked == self.columns {
                break;
            }
            let pick = next + self.random.below(order.len() - next);
            order.swap(next, pick);
            let column = order[next];
            let count = self.matrix.bin_count(column);
            histogram[..count].fill(Sums::default());
            histogram[usize::from(MISSING_BIN)] = Sums::default();
            let bins = self.matrix.column(column);
            for drawn in drawn {
                let sums = &mut histogram[usize::from(bins[drawn.row as usize])];
                *sums = sums.plus(drawn.sums);
            }
            let split = self.best_in_column(column, &histogram[..count], histogram[usize::from(MISSING_BIN)], total);
            looked +=
                usize::from(histogram[..count].iter().filter(|sums| sums.rows() > 0).count() > 1 || split.is_some());
            if let Some(split) = split.filter(|split| best.as_ref().is_none_or(|best| split.gain > best.gain)) {
                best = Some(split);
            }
        }
        best
    }

    fn best_in_column(&self, column: usize, present: &[Sums], missing: Sums, total: Sums) -> Option<Split> {
        let least = self.options.min_leaf_rows.max(1) as u64;
        let mut best: Option<Split> = None;
        for missing_left in [false, true] {
            if missing_left && missing.rows() == 0 {
                break;
            }
            let mut left = if missing_left { missing } else { Sums::default() };
            for (bin, sums) in present.iter().enumerate() {
                left = left.plus(*sums);
                let last = bin + 1 == present.len();
                if last && (missing_left || missing.rows() == 0) {
                    break;
                }
                if left.rows() < least || sums.rows() == 0 && !last {
                    continue;
                }
                let right = total.minus(left);
                if right.rows() < least {
                    break;
                }
                let gain = left.purity() + right.purity() - total.purity();
                if gain > best.as_ref().map_or(1e-9, |best| best.gain) {
                    let missing_left = if missing.rows() == 0 {
                        left.rows() >= right.rows()
                    } else {
                        missing_left
                    };
                    best = Some(Split {
                        gain,
                        column,
                        bin: bin as u8,
                        missing_left,
                        left,
                    });
                }
            }
        }
        best
    }
}
