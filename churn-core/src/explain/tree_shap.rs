//! Exact path-dependent TreeSHAP (Lundberg, Erion, Lee, "Consistent individualized feature attribution for tree
//! ensembles", 2018). The run time is linear in the size of the tree.
//!
//! Each leaf defines a cooperative game whose players are the features on the path to the leaf. Let `v` be the value of
//! the leaf. A coalition is a subset of these features. A feature in the coalition follows the row: its factor `one` is
//! 1 if the row takes the branch towards the leaf, else 0. A feature outside the coalition is averaged over the
//! training rows: its factor `zero` is the fraction of the training rows at the parent node that takes the branch
//! towards the leaf. The Shapley value is an integral (Owen, "Multilinear extensions of games", 1972):
//!
//! ```text
//! phi_i = v (one_i - zero_i) ∫ ∏_{j≠i} (t one_j + (1 - t) zero_j) dt,  t from 0 to 1
//! ```
//!
//! The integrand is a polynomial. A Gauss-Legendre rule is therefore exact with half as many points as there are
//! features on the path. At each quadrature point, the product is passed down the tree and the sum over leaves is
//! passed up. Each edge therefore adds a single contribution for all leaves below the edge (Yu, Xu et al., "Linear
//! TreeShap", 2022). No large terms cancel, so the result is precise. The code is not recursive, so deep trees cannot
//! overflow the stack. The time per tree and row is O(nodes x points). The memory is O(depth x points).

use ndarray::{Array2, ArrayView2};

use super::quadrature::{Point, gauss_legendre};
use crate::ensemble::{FlatTrees, Input, Tree};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::{Execution, Workers};

/// Number of rows per task. A task computes the Shapley values of its rows.
const CHUNK: usize = 16;
/// Number of quadrature points per pass through a tree. A rule with more points needs several passes through the tree.
const MOST_POINTS_AT_ONCE: usize = 8;
/// Maximum number of points. More points would change the result by less than the rounding error of a sum.
const MOST_POINTS: usize = 256;

impl FlatTrees {
    /// Shapley values of every feature for every row's log-odds (rows x features), and the base value, which is the
    /// expected log-odds over the training rows. For each row, the base value and the contributions sum to the
    /// log-odds.
    ///
    /// # Errors
    /// `feature_mismatch` if the matrix and the trees differ in the number of columns; `cancelled` if the caller
    /// cancelled the call.
    pub fn explain<T: Input>(&self, x: ArrayView2<'_, T>, execution: &Execution) -> Result<(Array2<f64>, f64)> {
        tree_contributions(self, x, &execution.workers()?)
    }
}

/// Computes the result of [`FlatTrees::explain`]. The values of a row are bit-identical for any number of threads and
/// do not depend on the other rows of the matrix.
pub(crate) fn tree_contributions<T: Input>(
    ensemble: &FlatTrees,
    x: ArrayView2<'_, T>,
    workers: &Workers,
) -> Result<(Array2<f64>, f64)> {
    let features = ensemble.n_features();
    ensemble.check_columns(x.ncols())?;
    let trees = (0..ensemble.n_trees()).map(|tree| ensemble.tree(tree));
    let plans: Vec<Plan> = trees.map(|nodes| Plan::new(nodes, features)).collect();
    let base = plans.iter().fold(ensemble.base(), |sum, plan| sum + plan.expectation);
    let most = plans.iter().map(|plan| plan.points).max().unwrap_or(0);
    // The quadrature rule for each number of points that a tree may need.
    let rules: Vec<Vec<Point>> = (0..=most)
        .map(|count| {
            if plans.iter().any(|plan| plan.points == count) {
                gauss_legendre(count)
            } else {
                vec![]
            }
        })
        .collect();
    let blocks = workers.map_chunks(x.nrows(), CHUNK, |rows| {
        let mut block = vec![0.0; rows.len() * features];
        let mut cells = Vec::with_capacity(features);
        let mut last = vec![NONE; features];
        for (row, out) in rows.zip(block.chunks_mut(features.max(1))) {
            cells.clear();
            cells.extend(x.row(row).iter().map(|&value| -> f64 { value.into() }));
            for (tree, plan) in plans.iter().enumerate() {
                workers.check()?;
                let rule = &rules[plan.points];
                let row = Row {
                    tree: ensemble.tree(tree),
                    cells: &cells,
                };
                match plan.points {
                    0 => {}
                    2 => walk::<2>(&row, rule, &mut last, out),
                    4 => walk::<4>(&row, rule, &mut last, out),
                    6 => walk::<6>(&row, rule, &mut last, out),
                    _ => {
                        for points in rule.chunks_exact(MOST_POINTS_AT_ONCE) {
                            walk::<MOST_POINTS_AT_ONCE>(&row, points, &mut last, out);
                        }
                    }
                }
            }
        }
        Ok(block)
    })?;
    let contributions = Array2::from_shape_vec((x.nrows(), features), blocks.concat());
    let contributions = contributions
        .map_err(|e| Error::new(ErrorKind::Internal, "contributions have an unexpected shape").caused_by(e))?;
    Ok((contributions, base))
}

/// The properties of a tree that do not depend on the row.
struct Plan {
    /// Number of quadrature points. The points integrate the polynomial of the longest path exactly, unless an exact
    /// result needs more than [`MOST_POINTS`] points. The number is 0 for a tree that is a single leaf.
    points: usize,
    /// The mean of the leaf values, weighted by cover (the weight of the training rows that reach the leaf).
    expectation: f64,
}

impl Plan {
    /// Computes the plan of a tree. In the list of nodes, children come after their parents.
    fn new(tree: Tree<'_>, features: usize) -> Self {
        let nodes = tree.nodes;
        let mut reached = vec![(0usize, 0.0); nodes.len()];
        if let Some(root) = reached.first_mut() {
            root.1 = 1.0;
        }
        let (mut deepest, mut expectation) = (0, 0.0);
        for (position, node) in nodes.iter().enumerate() {
            let (depth, share) = reached[position];
            if node.is_leaf() {
                deepest = deepest.max(depth);
                expectation += share * node.number();
                continue;
            }
            let left = node.left();
            let (left_share, right_share) = shares(tree, left);
            reached[left] = (depth + 1, share * left_share);
            reached[left + 1] = (depth + 1, share * right_share);
        }
        // A path of n features gives a polynomial of degree n - 1. A rule with k points is exact up to degree 2k - 1,
        // so n/2 points are enough.
        let wanted = deepest.min(features).div_ceil(2);
        let points = if wanted <= MOST_POINTS_AT_ONCE {
            wanted.next_multiple_of(2)
        } else {
            wanted.next_multiple_of(MOST_POINTS_AT_ONCE).min(MOST_POINTS)
        };
        Self { points, expectation }
    }
}

/// The fractions of a node's cover (the weight of the training rows that reach the node) that go to its left and to its
/// right child. `left` is the index of the left child. If the cover is 0, both fractions are 1/2.
fn shares(tree: Tree<'_>, left: usize) -> (f64, f64) {
    let (left, right) = (tree.covers[left], tree.covers[left + 1]);
    let sum = left + right;
    if sum > 0.0 && sum.is_finite() {
        (left / sum, right / sum)
    } else {
        (0.5, 0.5)
    }
}

/// A tree and the row that is passed through it.
struct Row<'a> {
    tree: Tree<'a>,
    cells: &'a [f64],
}

/// The value that marks a feature on which no node of the current path splits.
const NONE: u32 = u32::MAX;

/// A node on the path, with the edge that leads to it. Every array has one value per quadrature point.
struct Frame<const N: usize> {
    node: usize,
    /// Number of children that have been visited so far.
    visited: u8,
    /// The feature on which the parent node splits.
    feature: usize,
    /// The index of the closest earlier frame whose parent node splits on the same feature; `NONE` if there is no such
    /// frame.
    before: u32,
    /// Whether the row follows the path at every split on `feature` between the root and this node.
    one: bool,
    /// A product with one factor for each split on `feature` between the root and this node. The factor is the fraction
    /// of the split's training rows that takes the same branch as the path.
    zero: f64,
    /// The product of the factors `t one + (1 - t) zero` of all features on the path, times the weight of the point.
    product: [f64; N],
    /// The reciprocal of the feature's factor in `product` if `one` is true, otherwise 1.
    inverse: [f64; N],
    /// The value `(one - zero) / factor`, where `factor` is the feature's factor in `product`. The contribution of the
    /// edge is `sum` times this value, summed over the quadrature points.
    pull: [f64; N],
    /// A sum over all leaves below the node. Each leaf adds its value times its `product`.
    sum: [f64; N],
}

/// Adds the contributions of one tree to the result of one row, for the given quadrature points. `last` must contain
/// `NONE` for every feature. After the call, `last` contains `NONE` for every feature again.
fn walk<const N: usize>(row: &Row<'_>, points: &[Point], last: &mut [u32], out: &mut [f64]) {
    let lanes = Lanes::new(points);
    let mut path: Vec<Frame<N>> = vec![Frame {
        node: 0,
        visited: 0,
        feature: 0,
        before: NONE,
        one: true,
        zero: 1.0,
        product: lanes.weight,
        inverse: [1.0; N],
        pull: [0.0; N],
        sum: [0.0; N],
    }];
    while let Some(top) = path.last_mut() {
        let node = row.tree.nodes[top.node];
        if node.is_leaf() {
            top.sum = top.product.map(|product| product * node.number());
        } else if top.visited < 2 {
            let right = usize::from(top.visited);
            top.visited += 1;
            let child = node.left() + right;
            let (left_share, right_share) = shares(row.tree, node.left());
            let share = if right == 0 { left_share } else { right_share };
            let feature = node.feature();
            let hot = child == row.tree.next(top.node, row.cells[feature]);
            let product = top.product;
            let before = last[feature];
            let edge = lanes.edge(product, path.get(before as usize), share, hot);
            let Some((one, zero, product, inverse, pull)) = edge else {
                continue;
            };
            last[feature] = path.len() as u32;
            path.push(Frame {
                node: child,
                visited: 0,
                feature,
                before,
                one,
                zero,
                product,
                inverse,
                pull,
                sum: [0.0; N],
            });
            continue;
        }
        // All leaves below the edge have been visited. The edge adds the contribution of these leaves to its feature,
        // and passes the sum to the parent node.
        let Some(done) = path.pop() else { break };
        let Some(parent) = path.last_mut() else { break };
        for (sum, below) in parent.sum.iter_mut().zip(&done.sum) {
            *sum += below;
        }
        last[done.feature] = done.before;
        let mut due = dot(&done.sum, &done.pull);
        if let Some(before) = path.get(done.before as usize) {
            if !before.one {
                // This edge and the earlier edge of the same feature have equal `pull`, so the contribution that the
                // earlier edge adds for these leaves is already correct.
                continue;
            }
            // The earlier edge of the same feature will add the contribution of these leaves as if this edge did not
            // exist. This contribution is therefore subtracted here.
            due -= dot(&done.sum, &before.pull);
        }
        out[done.feature] += due;
    }
}

/// The quadrature points of one pass, with one array element per point.
struct Lanes<const N: usize> {
    at: [f64; N],
    rest: [f64; N],
    weight: [f64; N],
    /// The `pull` of an edge that the row does not take: `-zero / ((1 - t) zero)`, which equals `-1 / (1 - t)`.
    away: [f64; N],
}

/// The values of `one`, `zero`, `product`, `inverse` and `pull` of an edge, as in `Frame`.
type Edge<const N: usize> = (bool, f64, [f64; N], [f64; N], [f64; N]);

impl<const N: usize> Lanes<N> {
    fn new(points: &[Point]) -> Self {
        let of = |of: fn(&Point) -> f64| std::array::from_fn(|k| points.get(k).map_or(0.0, of));
        Self {
            at: of(|point| point.at),
            rest: of(|point| point.rest),
            weight: of(|point| point.weight),
            away: of(|point| -1.0 / point.rest),
        }
    }

    /// Returns the values of the edge to a child, or `None` if neither the row nor any training row reaches the child.
    fn edge(&self, mut product: [f64; N], before: Option<&Frame<N>>, share: f64, hot: bool) -> Option<Edge<N>> {
        let one = hot && before.is_none_or(|before| before.one);
        let zero = share * before.map_or(1.0, |before| before.zero);
        if !one && zero == 0.0 {
            return None;
        }
        // An earlier split on the same feature is merged into this split, so the factor of the earlier split is removed
        // from the product.
        match before {
            Some(before) if before.one => {
                for (product, inverse) in product.iter_mut().zip(&before.inverse) {
                    *product *= inverse;
                }
            }
            Some(_) => {
                let product = product.map(|product| product * share);
                return Some((one, zero, product, [1.0; N], self.away));
            }
            None => {}
        }
        let (mut inverse, mut pull) = ([1.0; N], self.away);
        if one {
            for k in 0..N {
                let factor = self.at[k] + self.rest[k] * zero;
                inverse[k] = 1.0 / factor;
                pull[k] = (1.0 - zero) * inverse[k];
                product[k] *= factor;
            }
        } else {
            for (product, rest) in product.iter_mut().zip(&self.rest) {
                *product *= rest * zero;
            }
        }
        Some((one, zero, product, inverse, pull))
    }
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    let mut sum = 0.0;
    for k in 0..N {
        sum += a[k] * b[k];
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::Node;
    use crate::numeric::SplitMix;

    /// Returns a random tree that splits on at most `features` different columns. Columns may repeat on a path, and
    /// covers may be zero.
    fn random_tree(random: &mut SplitMix, features: usize, most_depth: usize) -> (Vec<Node>, Vec<f64>) {
        let (mut nodes, mut covers) = (vec![Node::leaf(0, 0.0)], vec![1.0]);
        let mut open = vec![(0usize, 0usize, 1.0 + random.below(50) as f64)];
        while let Some((place, depth, cover)) = open.pop() {
            covers[place] = cover;
            if depth == most_depth || random.below(5) == 0 {
                nodes[place] = Node::leaf(place as u32, random.unit() * 2.0 - 1.0);
                continue;
            }
            let left = nodes.len();
            let share = match random.below(10) {
                0 => 0.0,
                1 => 1.0,
                _ => random.unit(),
            };
            let feature = random.below(features) as u32;
            let threshold = random.below(4) as f64;
            nodes[place] = Node::split(feature, threshold, random.below(2) == 0, left as u32);
            for child in [left, left + 1] {
                nodes.push(Node::leaf(child as u32, 0.0));
                covers.push(0.0);
            }
            open.push((left, depth + 1, cover * share));
            open.push((left + 1, depth + 1, cover * (1.0 - share)));
        }
        (nodes, covers)
    }

    fn random_row(random: &mut SplitMix, features: usize) -> Vec<f64> {
        let cell = |random: &mut SplitMix| match random.below(5) {
            0 => f64::NAN,
            _ => random.below(5) as f64 - 0.5,
        };
        (0..features).map(|_| cell(random)).collect()
    }

    /// Returns the expected output of the tree if only the features in `subset` are known. `subset` has one bit per
    /// feature.
    fn conditional(tree: Tree<'_>, place: usize, cells: &[f64], subset: usize) -> f64 {
        let node = tree.nodes[place];
        if node.is_leaf() {
            return node.number();
        }
        if subset >> node.feature() & 1 == 1 {
            return conditional(tree, node.next(cells[node.feature()]), cells, subset);
        }
        let (left, right) = shares(tree, node.left());
        left * conditional(tree, node.left(), cells, subset) + right * conditional(tree, node.left() + 1, cells, subset)
    }

    fn brute_force(ensemble: &FlatTrees, cells: &[f64]) -> Vec<f64> {
        let features = cells.len();
        let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
        let value = |subset: usize| {
            (0..ensemble.n_trees())
                .map(|tree| conditional(ensemble.tree(tree), 0, cells, subset))
                .sum::<f64>()
        };
        let of_feature = |feature: usize| {
            let without = (0..1usize << features).filter(|subset| subset >> feature & 1 == 0);
            let term = |subset: usize| {
                let size = subset.count_ones() as usize;
                factorial(size) * factorial(features - size - 1) / factorial(features)
                    * (value(subset | 1 << feature) - value(subset))
            };
            without.map(term).sum()
        };
        (0..features).map(of_feature).collect()
    }

    fn explain_row(ensemble: &FlatTrees, cells: &[f64]) -> (Vec<f64>, f64) {
        let x = ArrayView2::from_shape((1, cells.len()), cells).unwrap();
        let (contributions, base) = tree_contributions(ensemble, x, &Workers::inline()).unwrap();
        let log_odds = ensemble.log_odds(x, &Workers::inline()).unwrap()[0];
        let gap = (contributions.sum() + base - log_odds).abs();
        assert!(gap <= 1e-9 * log_odds.abs().max(1.0), "{gap}");
        (contributions.row(0).to_vec(), base)
    }

    #[test]
    fn equals_brute_force_shapley_values_on_200_ensembles() {
        let mut random = SplitMix::new(42, 0);
        for _ in 0..200 {
            let features = 1 + random.below(6);
            let mut ensemble = FlatTrees::new(random.unit(), features);
            for _ in 0..1 + random.below(4) {
                let depth = random.below(9);
                let (nodes, covers) = random_tree(&mut random, features, depth);
                ensemble.push(&nodes, &covers);
            }
            ensemble.validate().unwrap();
            for _ in 0..4 {
                let cells = random_row(&mut random, features);
                let (found, base) = explain_row(&ensemble, &cells);
                let expected = brute_force(&ensemble, &cells);
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-10, "{found} {expected}");
                }
                let trees = (0..ensemble.n_trees()).map(|tree| ensemble.tree(tree));
                let mean: f64 = trees.map(|tree| conditional(tree, 0, &cells, 0)).sum();
                assert!((base - ensemble.base() - mean).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn long_paths_of_many_features_equal_brute_force() {
        let mut random = SplitMix::new(43, 0);
        for _ in 0..3 {
            let mut ensemble = FlatTrees::new(0.0, 13);
            let (nodes, covers) = chain(&mut random, 40, 13);
            ensemble.push(&nodes, &covers);
            let cells = random_row(&mut random, 13);
            let (found, _) = explain_row(&ensemble, &cells);
            for (found, expected) in found.iter().zip(brute_force(&ensemble, &cells)) {
                assert!((found - expected).abs() < 1e-10, "{found} {expected}");
            }
        }
    }

    /// Returns a tree in which the left child of every split is a leaf.
    fn chain(random: &mut SplitMix, depth: usize, features: usize) -> (Vec<Node>, Vec<f64>) {
        let split = |random: &mut SplitMix, number: usize, left: u32| {
            let threshold = random.below(4) as f64;
            let missing_left = random.below(2) == 0;
            Node::split((number % features) as u32, threshold, missing_left, left)
        };
        let mut nodes = vec![split(random, 0, 1)];
        let mut covers = vec![1e6];
        for number in 1..=depth {
            let left = nodes.len() as u32;
            nodes.push(Node::leaf(left, random.unit()));
            nodes.push(if number < depth {
                split(random, number, left + 2)
            } else {
                Node::leaf(left + 1, random.unit())
            });
            let cover = covers[left as usize - 1];
            covers.extend([cover * 0.01, cover * 0.99]);
        }
        (nodes, covers)
    }

    #[test]
    fn the_deepest_trees_do_not_overflow_the_stack() {
        let mut random = SplitMix::new(44, 0);
        let mut ensemble = FlatTrees::new(0.0, 700);
        for depth in [20_000, 1000] {
            let (nodes, covers) = chain(&mut random, depth, 700);
            ensemble.push(&nodes, &covers);
        }
        ensemble.validate().unwrap();
        let cells = random_row(&mut random, 700);
        let on_a_small_stack = std::thread::Builder::new()
            .stack_size(128 << 10)
            .spawn(move || explain_row(&ensemble, &cells));
        on_a_small_stack.unwrap().join().unwrap();
    }

    #[test]
    fn threads_and_batches_do_not_change_a_bit() {
        let mut random = SplitMix::new(7, 0);
        let mut ensemble = FlatTrees::new(0.1, 5);
        for depth in 0..20 {
            let (nodes, covers) = random_tree(&mut random, 5, depth % 8);
            ensemble.push(&nodes, &covers);
        }
        let rows: Vec<f64> = (0..100).flat_map(|_| random_row(&mut random, 5)).collect();
        let x = Array2::from_shape_vec((100, 5), rows).unwrap();
        let (all, base) = ensemble.explain(x.view(), &Execution::new().threads(3)).unwrap();
        for row in 0..100 {
            let (one, base_of_one) = explain_row(&ensemble, &x.row(row).to_vec());
            assert_eq!(one, all.row(row).to_vec());
            assert_eq!(base, base_of_one);
        }
    }

    #[test]
    fn without_trees_or_features_there_is_only_the_base_value() {
        let empty = FlatTrees::new(0.5, 2);
        assert_eq!(explain_row(&empty, &[1.0, 2.0]), (vec![0.0; 2], 0.5));
        let mut constant = FlatTrees::new(0.5, 0);
        constant.push(&[Node::leaf(0, 1.0)], &[0.0]);
        assert_eq!(explain_row(&constant, &[]), (vec![], 1.5));
    }

    #[test]
    fn another_number_of_columns_and_cancelling_are_errors() {
        let ensemble = FlatTrees::new(0.5, 2);
        let x = Array2::<f32>::zeros((5, 3));
        let error = ensemble.explain(x.view(), &Execution::new()).unwrap_err();
        assert_eq!(error.code(), "feature_mismatch");
        let execution = Execution::new().threads(1);
        execution.cancel.cancel();
        let x = Array2::<f32>::zeros((5, 2));
        let error = ensemble.explain(x.view(), &execution).unwrap_err();
        assert_eq!(error.code(), "cancelled");
    }
}
