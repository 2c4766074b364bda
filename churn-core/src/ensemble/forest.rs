//! A random forest whose leaves store smoothed log-odds.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::bins::{Cuts, MAX_BINS, MISSING_BIN};
use super::flat::{FlatTrees, Node};
use super::training::without_weightless;
use super::{Training, prior_log_odds};
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::{SplitMix, logit, sigmoid};
use crate::parallel::{Execution, Workers};

/// Options of [`RandomForest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RandomForestOptions {
    /// Number of trees. Default: 200.
    pub n_trees: usize,
    /// Maximum depth of a tree. Default: 12.
    pub max_depth: usize,
    /// Minimum number of bootstrap rows in a leaf. A row that was drawn several times counts several times. Default: 5.
    pub min_leaf_rows: usize,
    /// Each split considers a random sample of the columns. This number is the size of the sample as a fraction of all
    /// columns, above 0 and at most 1. With `None`, the size of the sample is the square root of the number of columns.
    /// Default: `None`.
    pub colsample: Option<f64>,
    /// Additive smoothing: the number of rows that are added to each leaf before the log-odds of the leaf are computed.
    /// The churn rate of the added rows is the overall churn rate. The number must be above 0, so that leaves with only
    /// one class have finite log-odds. A larger number moves the log-odds of small leaves closer to the log-odds of the
    /// overall churn rate. Default: 2.
    pub smoothing: f64,
    /// Maximum number of bins per column, from 2 to 255. A bin is a range of values that the search for splits does not
    /// divide. Default: 255.
    pub max_bins: usize,
    /// Seed of the random sampling of rows and columns. In [`EnsembleOptions`](crate::EnsembleOptions), this seed is
    /// ignored, and the seed of the whole training run is used instead. Default: 0.
    pub seed: u64,
}

impl Default for RandomForestOptions {
    fn default() -> Self {
        Self {
            n_trees: 200,
            max_depth: 12,
            min_leaf_rows: 5,
            colsample: None,
            smoothing: 2.0,
            max_bins: 255,
            seed: 0,
        }
    }
}

crate::options::plain_options!(RandomForestOptions {
    with_n_trees(n_trees: usize),
    with_max_depth(max_depth: usize),
    with_min_leaf_rows(min_leaf_rows: usize),
    with_colsample(colsample: Option<f64>),
    with_smoothing(smoothing: f64),
    with_max_bins(max_bins: usize),
    with_seed(seed: u64),
});

/// Random forest (Breiman, "Random forests", 2001) whose splits minimise the Gini impurity.
///
/// The value of a leaf is `logit((churned + s p) / (rows + s))`. Here, `rows` is the number of bootstrap rows in the
/// leaf, and `churned` is the number of churned rows among them. `p` is the overall churn rate, and `s` is the option
/// `smoothing`. The log-odds of the forest are the mean of the leaf values over all trees. The model is bit-identical
/// for any number of threads.
///
/// ```
/// use churn_core::Execution;
/// use churn_core::ensemble::{RandomForest, RandomForestOptions};
/// use ndarray::Array2;
///
/// let x = Array2::from_shape_fn((200, 2), |(row, column)| ((row * 7 + column * 3) % 20) as f32);
/// let y: Vec<bool> = x.rows().into_iter().map(|row| row[0] > 9.0).collect();
/// let forest = RandomForest::new(RandomForestOptions::default().with_n_trees(20));
/// let ensemble = forest.fit(x.view(), &y, None, &Execution::default())?;
/// let probabilities = ensemble.predict_proba(x.view(), &Execution::default())?;
/// assert!((0..200).all(|row| (probabilities[row] > 0.5) == y[row]));
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RandomForest {
    options: RandomForestOptions,
}

impl RandomForest {
    /// Creates a learner with these options.
    pub fn new(options: RandomForestOptions) -> Self {
        Self { options }
    }

    /// Trains on a matrix (rows x columns) with one label per row in `churned`. NaN in the matrix is a missing value.
    /// If `weights` are given (one per row), the probability that a row is drawn for a bootstrap sample is proportional
    /// to the weight of the row.
    ///
    /// # Errors
    /// - `single_class` if all rows with positive weight have the same label.
    /// - `too_little_data` if there are no rows.
    /// - `invalid_option` if an option or a weight is not valid, or if the numbers of rows, labels and weights differ.
    /// - `cancelled` if the call was cancelled.
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        churned: &[bool],
        weights: Option<&[f64]>,
        execution: &Execution,
    ) -> Result<FlatTrees> {
        self.fit_on(x, churned, weights, &execution.workers()?)
    }

    pub(crate) fn fit_on(
        &self,
        x: ArrayView2<'_, f32>,
        churned: &[bool],
        weights: Option<&[f64]>,
        workers: &Workers,
    ) -> Result<FlatTrees> {
        self.validate()?;
        let training = Training::new(x.nrows(), churned, weights)?;
        if let Some((x, churned, weights)) = without_weightless(x, &training) {
            return self.fit_on(x.view(), &churned, Some(&weights), workers);
        }
        let options = &self.options;
        let cuts = Cuts::new(x, options.max_bins, workers)?;
        let bins = cuts.by_column(x, workers)?;
        let draw = Draw::new(&training);
        let prior = sigmoid(prior_log_odds(&training));
        let columns = match options.colsample {
            None => (x.ncols() as f64).sqrt().ceil() as usize,
            Some(share) => (x.ncols() as f64 * share).round() as usize,
        };
        let done = AtomicUsize::new(0);
        let trees = workers.map(0..options.n_trees, |number| {
            let grower = TreeGrower {
                cuts: &cuts,
                bins: &bins,
                churned,
                options,
                columns: columns.clamp(1, x.ncols().max(1)),
                prior,
                random: SplitMix::new(options.seed, number as u64),
                workers,
            };
            let tree = grower.grow(&draw)?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            workers.report("forest", done, options.n_trees);
            Ok(tree)
        })?;
        let mut ensemble = FlatTrees::new(0.0, x.ncols());
        for (nodes, covers) in trees {
            ensemble.push(&nodes, &covers);
        }
        Ok(ensemble)
    }

    fn validate(&self) -> Result<()> {
        let options = &self.options;
        let refuse = |name: &str, why: &str| {
            let message = format!("{name} {why}");
            Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some(name)))
        };
        let share = |share: f64| share > 0.0 && share <= 1.0;
        match options {
            _ if options.n_trees == 0 => refuse("n_trees", "must be at least 1"),
            _ if options.max_depth == 0 => refuse("max_depth", "must be at least 1"),
            _ if !(2..=MAX_BINS).contains(&options.max_bins) => refuse("max_bins", "must be from 2 to 255"),
            _ if !(options.smoothing.is_finite() && options.smoothing > 0.0) => {
                refuse("smoothing", "must be a positive number")
            }
            _ if !options.colsample.is_none_or(share) => refuse("colsample", "must be above 0 and at most 1"),
            _ => Ok(()),
        }
    }
}

/// Draws bootstrap samples (random samples with replacement) of the training rows.
struct Draw {
    rows: usize,
    /// For each row, the sum of the weights of this row and of all earlier rows. `None` if the rows have no weights.
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

    /// Draws a bootstrap sample. Returns how many times each row was drawn. There are as many draws as rows.
    fn counts(&self, random: &mut SplitMix, workers: &Workers) -> Result<Vec<u32>> {
        let mut counts = vec![0u32; self.rows];
        for number in 0..self.rows {
            if number % PIECE == 0 {
                workers.check()?;
            }
            let row = match &self.running {
                None => random.below(self.rows),
                Some(running) => {
                    let at = random.unit() * running.last().copied().unwrap_or(0.0);
                    let row = running.partition_point(|&sum| sum <= at);
                    row.min(self.rows - 1)
                }
            };
            counts[row] += 1;
        }
        Ok(counts)
    }
}

/// Number of rows that are processed between two checks for cancellation.
const PIECE: usize = 1 << 18;

/// Two counts in one 64-bit word. The high 32 bits are the number of bootstrap rows, and the low 32 bits are the number
/// of churned rows among them. One addition of two words adds both counts.
type Sums = u64;

fn rows(sums: Sums) -> u64 {
    sums >> 32
}

fn churned(sums: Sums) -> u64 {
    sums & u64::from(u32::MAX)
}

/// The purity of a node: the sum of the squared class counts, divided by the number of rows. The split with the largest
/// sum of the purities of both children has the lowest Gini impurity.
fn purity(sums: Sums) -> f64 {
    let (rows, churned) = (rows(sums) as f64, churned(sums) as f64);
    let stayed = rows - churned;
    (churned * churned + stayed * stayed) / rows
}

/// A row of a bootstrap sample. The lowest bit of `count` is 1 if the row churned. The other bits of `count` state how
/// many times the row was drawn.
#[derive(Clone, Copy)]
struct Drawn {
    row: u32,
    count: u32,
}

impl Drawn {
    fn sums(self) -> Sums {
        let count = u64::from(self.count >> 1);
        (count << 32) | (count * u64::from(self.count & 1))
    }
}

struct TreeGrower<'a> {
    cuts: &'a Cuts,
    /// The bin number of every cell, as one list per column.
    bins: &'a [Vec<u8>],
    churned: &'a [bool],
    options: &'a RandomForestOptions,
    /// Number of columns that are sampled for each split.
    columns: usize,
    prior: f64,
    random: SplitMix,
    workers: &'a Workers,
}

/// A node whose best split has not been found yet.
struct Open {
    node: usize,
    /// The bootstrap rows that reach the node, as a range of the list of all bootstrap rows.
    drawn: Range<usize>,
    depth: usize,
    total: Sums,
}

struct Split {
    gain: f64,
    column: usize,
    bin: u8,
    missing_left: bool,
    left: Sums,
}

impl TreeGrower<'_> {
    /// Grows a tree. Returns its nodes and their covers. The cover of a node is its number of bootstrap rows.
    fn grow(mut self, draw: &Draw) -> Result<(Vec<Node>, Vec<f64>)> {
        let counts = draw.counts(&mut self.random, self.workers)?;
        let mut drawn: Vec<Drawn> = (0u32..)
            .zip(counts.into_iter().zip(self.churned))
            .filter(|(_, (count, _))| *count > 0)
            .map(|(row, (count, &churned))| Drawn {
                row,
                count: (count << 1) | u32::from(churned),
            })
            .collect();
        let total: Sums = drawn.iter().map(|drawn| drawn.sums()).sum();
        let mut aside = vec![Drawn { row: 0, count: 0 }; drawn.len()];
        let mut order: Vec<usize> = (0..self.bins.len()).collect();
        let (mut nodes, mut covers) = (vec![self.leaf(0, total)], vec![rows(total) as f64]);
        // Open nodes are taken from the end of the list. The left child is added last, so it is processed before the
        // right child.
        let mut open = vec![Open {
            node: 0,
            drawn: 0..drawn.len(),
            depth: 0,
            total,
        }];
        while let Some(at) = open.pop() {
            let Some(split) = self.best_split(&drawn[at.drawn.clone()], &at, &mut order)? else {
                continue;
            };
            let lefts = self.sort_out(&split, &mut drawn[at.drawn.clone()], &mut aside);
            let left = nodes.len();
            let middle = at.drawn.start + lefts;
            nodes[at.node] = Node::split(
                split.column as u32,
                self.cuts.threshold(split.column, split.bin),
                split.missing_left,
                left as u32,
            );
            let children = [
                (left, at.drawn.start..middle, split.left),
                (left + 1, middle..at.drawn.end, at.total - split.left),
            ];
            for (node, _, total) in &children {
                nodes.push(self.leaf(*node, *total));
                covers.push(rows(*total) as f64);
            }
            for (node, drawn, total) in children.into_iter().rev() {
                open.push(Open {
                    node,
                    drawn,
                    depth: at.depth + 1,
                    total,
                });
            }
        }
        Ok((nodes, covers))
    }

    /// Sorts the rows of a node by the side to which a split sends them. Rows that go left come first, and the order
    /// within each side is kept. Returns the number of rows that go left.
    fn sort_out(&self, split: &Split, drawn: &mut [Drawn], aside: &mut [Drawn]) -> usize {
        let bins = &self.bins[split.column];
        let (mut lefts, mut rights) = (0, 0);
        for position in 0..drawn.len() {
            let one = drawn[position];
            let goes_left = match bins[one.row as usize] {
                MISSING_BIN => split.missing_left,
                bin => bin <= split.bin,
            };
            // Each row is written to both sides, but only the row count of the correct side is increased. The next row
            // then overwrites the copy on the other side. This avoids a branch.
            drawn[lefts] = one;
            aside[rights] = one;
            lefts += usize::from(goes_left);
            rights += usize::from(!goes_left);
        }
        drawn[lefts..].copy_from_slice(&aside[..rights]);
        lefts
    }

    fn leaf(&self, place: usize, sums: Sums) -> Node {
        let smoothing = self.options.smoothing;
        let rate = (churned(sums) as f64 + smoothing * self.prior) / (rows(sums) as f64 + smoothing);
        Node::leaf(place as u32, logit(rate) / self.options.n_trees as f64)
    }

    fn min_leaf_rows(&self) -> u64 {
        self.options.min_leaf_rows.max(1) as u64
    }

    /// Samples columns at random, and returns the best split of a node on any of these columns. As in Breiman's
    /// implementation, columns that are constant in the node do not count towards the number of sampled columns.
    fn best_split(&mut self, drawn: &[Drawn], at: &Open, order: &mut [usize]) -> Result<Option<Split>> {
        self.workers.check()?;
        let pure = churned(at.total) == 0 || churned(at.total) == rows(at.total);
        let small = rows(at.total) < 2 * self.min_leaf_rows();
        if pure || small || at.depth >= self.options.max_depth {
            return Ok(None);
        }
        let mut best: Option<Split> = None;
        let mut looked = 0;
        for next in 0..order.len() {
            if looked == self.columns {
                break;
            }
            let pick = next + self.random.below(order.len() - next);
            order.swap(next, pick);
            let column = order[next];
            let count = self.cuts.bin_count(column);
            let histogram = self.histogram(column, drawn)?;
            let used = histogram.iter().filter(|&&sums| sums > 0).count();
            looked += usize::from(used > 1);
            let split = self.best_in_column(column, &histogram, count, at.total);
            best = match (best, split) {
                (Some(best), Some(split)) if best.gain >= split.gain => Some(best),
                (best, split) => split.or(best),
            };
        }
        Ok(best)
    }

    /// Returns the counts of rows and of churned rows in each bin of a column. Consecutive rows often fall into the
    /// same bin, and each addition to a bin has to wait for the previous addition. If there are many rows, the rows are
    /// therefore added alternately to two histograms.
    fn histogram(&self, column: usize, drawn: &[Drawn]) -> Result<[Sums; 256]> {
        let (mut histogram, mut other) = ([0; 256], [0; 256]);
        let bins = &self.bins[column];
        for drawn in drawn.chunks(PIECE) {
            self.workers.check()?;
            let (pairs, last) = drawn.as_chunks::<2>();
            for [one, next] in pairs {
                histogram[usize::from(bins[one.row as usize])] += one.sums();
                other[usize::from(bins[next.row as usize])] += next.sums();
            }
            for one in last {
                histogram[usize::from(bins[one.row as usize])] += one.sums();
            }
        }
        for (sums, others) in histogram.iter_mut().zip(other) {
            *sums += others;
        }
        Ok(histogram)
    }

    /// Returns the best split of a node on a column. If several splits are equally good, a split that sends missing
    /// values right is preferred, and then the split with the lowest bin. `count` is the number of bins of the column
    /// without the bin for missing values.
    fn best_in_column(&self, column: usize, histogram: &[Sums; 256], count: usize, total: Sums) -> Option<Split> {
        let least = self.min_leaf_rows();
        let missing = histogram[usize::from(MISSING_BIN)];
        let mut best: Option<Split> = None;
        for missing_left in [false, true] {
            if missing_left && missing == 0 {
                break;
            }
            let mut left = if missing_left { missing } else { 0 };
            // The pass in which missing values go right also tries a split after the last bin. This split sends only
            // missing values to the right child.
            let last = count - usize::from(missing_left || missing == 0);
            for (bin, &sums) in histogram[..last].iter().enumerate() {
                // A split after an empty bin divides the rows in the same way as the split before this bin, so the
                // split after the bin is not tried.
                if sums == 0 {
                    continue;
                }
                left += sums;
                let right = total - left;
                if rows(left) < least {
                    continue;
                }
                if rows(right) < least {
                    break;
                }
                let gain = purity(left) + purity(right) - purity(total);
                if gain > best.as_ref().map_or(LEAST_GAIN, |best| best.gain) {
                    best = Some(Split {
                        gain,
                        column,
                        bin: bin as u8,
                        // If no training row of the node has a missing value, missing values in later data go to the
                        // larger child.
                        missing_left: if missing == 0 {
                            rows(left) >= rows(right)
                        } else {
                            missing_left
                        },
                        left,
                    });
                }
            }
        }
        best
    }
}

/// The minimum amount by which the sum of the children's purities must exceed the purity of the parent (see
/// [`purity`]). Smaller gains are treated as rounding errors.
const LEAST_GAIN: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};
    use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};

    use super::super::synthetic::problem;
    use super::*;
    use crate::ensemble::Tree;
    use crate::metrics::{log_loss, roc_auc};
    use crate::parallel::CancelToken;

    fn quick() -> RandomForestOptions {
        RandomForestOptions {
            n_trees: 40,
            ..Default::default()
        }
    }

    fn fit(options: RandomForestOptions, x: &Array2<f32>, churned: &[bool], weights: Option<&[f64]>) -> FlatTrees {
        let forest = RandomForest::new(options)
            .fit(x.view(), churned, weights, &Execution::new())
            .unwrap();
        forest.validate().unwrap();
        forest
    }

    /// For each row, returns the mean of the probabilities that the trees predict. Other libraries define the output of
    /// a forest as this mean.
    fn mean_probabilities(forest: &FlatTrees, x: &Array2<f32>) -> Vec<f64> {
        let trees = forest.n_trees() as f64;
        let of_row = |cells: ndarray::ArrayView1<'_, f32>| {
            let of_tree = |tree: usize| {
                let nodes = forest.tree(tree).nodes;
                let mut place = 0;
                while !nodes[place].is_leaf() {
                    place = nodes[place].next(f64::from(cells[nodes[place].feature()]));
                }
                sigmoid(nodes[place].number() * trees)
            };
            (0..forest.n_trees()).map(of_tree).sum::<f64>() / trees
        };
        x.rows().into_iter().map(of_row).collect()
    }

    #[test]
    fn is_as_accurate_as_an_independent_forest() {
        let (x, churned) = problem(1, 5000, false);
        let (train, test) = (x.slice(s![..3000, ..]).to_owned(), x.slice(s![3000.., ..]).to_owned());
        let options = RandomForestOptions {
            n_trees: 60,
            max_depth: 10,
            smoothing: 1e-9,
            ..Default::default()
        };
        let forest = fit(options, &train, &churned[..3000], None);
        let labels: Vec<f64> = churned[..3000]
            .iter()
            .map(|&churned| f64::from(u8::from(churned)))
            .collect();
        let parameters = RandomForestRegressorParameters::default()
            .with_n_trees(60)
            .with_max_depth(10)
            .with_min_samples_leaf(5)
            .with_m(3);
        let other = RandomForestRegressor::fit(&train.mapv(f64::from), &labels, parameters).unwrap();
        let theirs = other.predict(&test.mapv(f64::from)).unwrap();
        let ours = mean_probabilities(&forest, &test);
        let in_log_odds = forest.predict_proba(test.view(), &Execution::new()).unwrap();
        let auc = |p: &[f64]| roc_auc(&churned[3000..], p).unwrap();
        let loss = |p: &[f64]| log_loss(&churned[3000..], p).unwrap();
        assert!(auc(&ours) > auc(&theirs) - 0.02, "{} {}", auc(&ours), auc(&theirs));
        assert!(loss(&ours) < loss(&theirs) + 0.02, "{} {}", loss(&ours), loss(&theirs));
        assert!(auc(&in_log_odds) > auc(&theirs) - 0.02, "{}", auc(&in_log_odds));
        assert!(auc(&theirs) > 0.7, "the problem can be learnt");
    }

    #[test]
    fn threads_and_layout_do_not_change_a_bit() {
        let (x, churned) = problem(2, 2000, true);
        let weights: Vec<f64> = (0..2000).map(|row| [1.0, 0.25, 3.0][row % 3]).collect();
        let turned = x.as_standard_layout().into_owned();
        for weights in [None, Some(weights.as_slice())] {
            let by = |x: &Array2<f32>, threads| {
                let execution = Execution::new().threads(threads);
                RandomForest::new(quick())
                    .fit(x.view(), &churned, weights, &execution)
                    .unwrap()
            };
            assert_eq!(by(&x, 1), by(&turned, 3));
        }
    }

    #[test]
    fn leaf_values_match_the_rows_that_reach_them() {
        let (x, churned) = problem(3, 500, true);
        let options = RandomForestOptions {
            n_trees: 3,
            smoothing: 1.5,
            max_depth: 6,
            ..Default::default()
        };
        let forest = fit(options, &x, &churned, None);
        let training = Training::new(500, &churned, None).unwrap();
        let prior = sigmoid(prior_log_odds(&training));
        for tree in 0..3 {
            let mut random = SplitMix::new(0, tree as u64);
            let counts = Draw::new(&training).counts(&mut random, &Workers::inline()).unwrap();
            let Tree { nodes, covers, .. } = forest.tree(tree);
            let mut sums = vec![(0u32, 0u32); nodes.len()];
            for (row, &count) in counts.iter().enumerate() {
                let (mut place, mut depth) = (0, 0);
                while !nodes[place].is_leaf() {
                    place = nodes[place].next(f64::from(x[[row, nodes[place].feature()]]));
                    depth += 1;
                }
                assert!(depth <= 6);
                sums[place].0 += count;
                sums[place].1 += count * u32::from(churned[row]);
            }
            for (place, node) in nodes.iter().enumerate().filter(|(_, node)| node.is_leaf()) {
                let (rows, churned) = (f64::from(sums[place].0), f64::from(sums[place].1));
                assert!(rows >= 5.0 && rows == covers[place]);
                let expected = logit((churned + 1.5 * prior) / (rows + 1.5)) / 3.0;
                assert_eq!(node.number(), expected);
            }
            assert_eq!(covers[0], 500.0);
        }
    }

    #[test]
    fn only_the_seed_changes_the_forest() {
        let (x, churned) = problem(4, 300, true);
        let of = |seed| {
            fit(
                RandomForestOptions {
                    seed,
                    n_trees: 5,
                    ..quick()
                },
                &x,
                &churned,
                None,
            )
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn rows_of_weight_zero_have_no_effect() {
        let (x, churned) = problem(5, 600, true);
        let weights: Vec<f64> = (0..600).map(|row| if row < 400 { 0.5 } else { 0.0 }).collect();
        let kept = x.slice(s![..400, ..]).to_owned();
        assert_eq!(
            fit(quick(), &x, &churned, Some(&weights)),
            fit(quick(), &kept, &churned[..400], Some(&weights[..400]))
        );
    }

    #[test]
    fn rows_are_drawn_in_proportion_to_their_weight() {
        let labels = [true, false, true];
        let training = Training::new(3, &labels, Some(&[1.0, 2.0, 5.0])).unwrap();
        let draw = Draw::new(&training);
        let mut sums = [0; 3];
        for stream in 0..20_000 {
            let counts = draw.counts(&mut SplitMix::new(0, stream), &Workers::inline()).unwrap();
            assert_eq!(counts.iter().sum::<u32>(), 3);
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        for (sum, weight) in sums.iter().zip([1.0, 2.0, 5.0]) {
            assert!((f64::from(*sum) / 60_000.0 - weight / 8.0).abs() < 0.01);
        }
    }

    #[test]
    fn constant_empty_and_infinite_columns_are_accepted() {
        let (x, churned) = problem(6, 400, false);
        let mut awkward = Array2::from_elem((400, 5), 1.0f32);
        awkward.column_mut(1).fill(f32::NAN);
        let bent = |column: usize, high: f32, low: f32| x.column(column).mapv(|v| if v > 0.5 { high } else { low });
        awkward.column_mut(2).assign(&bent(0, f32::INFINITY, f32::NEG_INFINITY));
        awkward.column_mut(3).assign(&bent(1, f32::MAX, f32::MIN));
        awkward.column_mut(4).assign(&bent(2, f32::NAN, 0.0));
        let forest = fit(quick(), &awkward, &churned, None);
        let p = forest.predict_proba(awkward.view(), &Execution::new()).unwrap();
        assert!(p.iter().all(|p| p.is_finite()) && roc_auc(&churned, &p).unwrap() > 0.7);
        // If the matrix has no columns, every tree must be a single leaf.
        let bare = fit(quick(), &Array2::zeros((400, 0)), &churned, None);
        assert_eq!(bare.n_trees(), 40);
        assert_eq!(
            bare.predict_proba(Array2::<f32>::zeros((2, 0)).view(), &Execution::new())
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn invalid_input_has_its_error_code() {
        let x = Array2::<f32>::zeros((2, 1));
        let code = |options: RandomForestOptions, churned: &[bool]| {
            let outcome =
                RandomForest::new(options).fit(x.slice(s![..churned.len(), ..]), churned, None, &Execution::new());
            outcome.err().map(|error| error.code())
        };
        let ok = RandomForestOptions::default;
        assert_eq!(code(ok(), &[true, false]), None);
        assert_eq!(code(ok(), &[true, true]), Some("single_class"));
        assert_eq!(code(ok(), &[true]), Some("single_class"));
        assert_eq!(code(ok(), &[]), Some("too_little_data"));
        for wrong in [
            RandomForestOptions { n_trees: 0, ..ok() },
            RandomForestOptions { max_depth: 0, ..ok() },
            RandomForestOptions { smoothing: 0.0, ..ok() },
            RandomForestOptions {
                colsample: Some(0.0),
                ..ok()
            },
            RandomForestOptions { max_bins: 1, ..ok() },
        ] {
            assert_eq!(code(wrong, &[true, false]), Some("invalid_option"));
        }
    }

    #[test]
    fn cancellation_stops_the_fit() {
        let (x, churned) = problem(7, 1000, false);
        let token = CancelToken::new();
        let inner = token.clone();
        let execution = Execution::new().threads(1).cancelled_by(token).on_progress(move |_| {
            assert!(!inner.is_cancelled(), "no tree may follow");
            inner.cancel();
        });
        let error = RandomForest::default()
            .fit(x.view(), &churned, None, &execution)
            .unwrap_err();
        assert_eq!(error.code(), "cancelled");
    }
}
