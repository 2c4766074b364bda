//! Exact path-dependent TreeSHAP.
//!
//! Lundberg, Erion, Lee, "Consistent individualized feature attribution for tree ensembles", 2018, algorithm 2: for each
//! leaf, the shares of feature subsets that reach it are kept along the path and undone where a feature returns. Time is
//! O(leaves x depth^2) per tree and row, memory O(depth^2).

use ndarray::{Array2, ArrayView2};

use crate::ensemble::{FlatEnsemble, Input, Node};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Workers;

/// Trees deeper than this are not explained: the walk is recursive.
const MOST_DEPTH: usize = 512;
/// Rows explained at a time.
const CHUNK: usize = 16;

/// Contributions of every feature to every row's log-odds (rows x features), and the base value: what the average
/// training row says. For each row they sum to its log-odds.
///
/// # Errors
/// `feature_mismatch` if the matrix has another number of columns; `invalid_option` for a tree deeper than 512;
/// `cancelled`.
pub(crate) fn tree_contributions<T: Input>(
    ensemble: &FlatEnsemble,
    x: ArrayView2<'_, T>,
    workers: &Workers,
) -> Result<(Array2<f64>, f64)> {
    let features = ensemble.features();
    if x.ncols() != features {
        return Err(Error::new(
            ErrorKind::FeatureMismatch,
            format!("the ensemble wants {features} columns and got {}", x.ncols()),
        ));
    }
    let mut base = ensemble.base();
    let mut deepest = 0;
    for tree in 0..ensemble.trees() {
        let (nodes, root) = ensemble.tree(tree);
        deepest = deepest.max(depth(nodes, root));
        base += expectation(nodes, root);
    }
    if deepest > MOST_DEPTH {
        return Err(Error::new(
            ErrorKind::InvalidOption,
            format!("a tree of depth {deepest} is too deep to explain: the limit is {MOST_DEPTH}"),
        ));
    }
    let blocks = workers.map_chunks(x.nrows(), CHUNK, |rows| {
        let mut block = vec![0.0; rows.len() * features];
        let mut walk = Walk {
            nodes: &[],
            cells: vec![],
            contributions: vec![0.0; features],
            path: vec![Step::default(); (deepest + 2) * (deepest + 3) / 2],
        };
        for (row, out) in rows.zip(block.chunks_mut(features.max(1))) {
            workers.check()?;
            walk.cells.clear();
            walk.cells
                .extend(x.row(row).iter().map(|&value| -> f64 { value.into() }));
            walk.contributions.fill(0.0);
            for tree in 0..ensemble.trees() {
                let (nodes, root) = ensemble.tree(tree);
                walk.nodes = nodes;
                walk.visit(
                    root,
                    0,
                    0,
                    Step {
                        zero: 1.0,
                        one: 1.0,
                        ..Step::default()
                    },
                );
            }
            out.copy_from_slice(&walk.contributions);
        }
        Ok(block)
    })?;
    let flat: Vec<f64> = blocks.into_iter().flatten().collect();
    let contributions = Array2::from_shape_vec((x.nrows(), features), flat)
        .map_err(|e| Error::new(ErrorKind::Internal, "contributions lost their shape").caused_by(e))?;
    Ok((contributions, base))
}

/// The mean of a tree's leaves, weighted by cover. Children stand behind their parent.
fn expectation(nodes: &[Node], root: usize) -> f64 {
    let mut open = vec![(root, 1.0)];
    let mut sum = 0.0;
    while let Some((position, share)) = open.pop() {
        let node = &nodes[position];
        if node.is_leaf() {
            sum += share * node.number;
        } else {
            let left = node.left as usize;
            let (left_share, right_share) = shares(nodes, node);
            open.push((left + 1, share * right_share));
            open.push((left, share * left_share));
        }
    }
    sum
}

/// Which part of a node's cover each child has; halves where there is none.
fn shares(nodes: &[Node], node: &Node) -> (f64, f64) {
    let (left, right) = (nodes[node.left as usize].cover, nodes[node.left as usize + 1].cover);
    let sum = left + right;
    if sum > 0.0 {
        (left / sum, right / sum)
    } else {
        (0.5, 0.5)
    }
}

fn depth(nodes: &[Node], root: usize) -> usize {
    let mut open = vec![(root, 0)];
    let mut deepest = 0;
    while let Some((position, depth)) = open.pop() {
        deepest = deepest.max(depth);
        let node = &nodes[position];
        if !node.is_leaf() {
            open.extend([(node.left as usize, depth + 1), (node.left as usize + 1, depth + 1)]);
        }
    }
    deepest
}

/// A split on the path to a node.
#[derive(Clone, Copy, Default)]
struct Step {
    /// Its feature.
    feature: u32,
    /// Share of subsets without the feature that go on.
    zero: f64,
    /// Share with it: 1 if the row goes on, else 0.
    one: f64,
    /// Weight of subsets of this size.
    weight: f64,
}

/// One row's way through the trees.
struct Walk<'a> {
    nodes: &'a [Node],
    cells: Vec<f64>,
    contributions: Vec<f64>,
    /// The paths to all nodes on the way, one behind the other.
    path: Vec<Step>,
}

impl Walk<'_> {
    /// `start` is where the parent's path begins, `length` its length; `step` leads from the parent here.
    fn visit(&mut self, position: usize, start: usize, length: usize, step: Step) {
        // Neither with the feature nor without it does anything come here.
        if step.zero == 0.0 && step.one == 0.0 {
            return;
        }
        // This node's path is the parent's with one step more.
        let from = start + length;
        self.path.copy_within(start..start + length, from);
        let path = &mut self.path[from..=from + length];
        extend(path, step);
        let node = self.nodes[position];
        if node.is_leaf() {
            for index in 1..=length {
                let sum = unwound_sum(path, index);
                let Step { feature, zero, one, .. } = path[index];
                self.contributions[feature as usize] += sum * (one - zero) * node.number;
            }
            return;
        }
        let left = node.left as usize;
        let hot = node.child(self.cells[node.feature as usize]);
        let cold = if hot == left { left + 1 } else { left };
        let (left_share, right_share) = shares(self.nodes, &node);
        let (hot_share, cold_share) = if hot == left {
            (left_share, right_share)
        } else {
            (right_share, left_share)
        };
        let (mut zero, mut one, mut length) = (1.0, 1.0, length + 1);
        // A feature that was split on before: its earlier step is undone and merged into this one.
        if let Some(before) = path[1..]
            .iter()
            .position(|step| step.feature == node.feature)
            .map(|index| index + 1)
        {
            (zero, one) = (path[before].zero, path[before].one);
            unwind(path, before);
            length -= 1;
        }
        self.visit(
            hot,
            from,
            length,
            Step {
                feature: node.feature,
                zero: zero * hot_share,
                one,
                weight: 0.0,
            },
        );
        self.visit(
            cold,
            from,
            length,
            Step {
                feature: node.feature,
                zero: zero * cold_share,
                one: 0.0,
                weight: 0.0,
            },
        );
    }
}

/// Adds a step at the end of a path whose last place is free.
fn extend(path: &mut [Step], step: Step) {
    let depth = path.len() - 1;
    path[depth] = Step {
        weight: if depth == 0 { 1.0 } else { 0.0 },
        ..step
    };
    let size = (depth + 1) as f64;
    for index in (0..depth).rev() {
        path[index + 1].weight += step.one * path[index].weight * (index + 1) as f64 / size;
        path[index].weight = step.zero * path[index].weight * (depth - index) as f64 / size;
    }
}

/// Takes a step out of a path; the last place becomes free.
fn unwind(path: &mut [Step], index: usize) {
    let depth = path.len() - 1;
    let Step { zero, one, .. } = path[index];
    let size = (depth + 1) as f64;
    let mut next = path[depth].weight;
    for at in (0..depth).rev() {
        if one != 0.0 {
            let before = path[at].weight;
            path[at].weight = next * size / ((at + 1) as f64 * one);
            next = before - path[at].weight * zero * (depth - at) as f64 / size;
        } else {
            path[at].weight = path[at].weight * size / (zero * (depth - at) as f64);
        }
    }
    for at in index..depth {
        (path[at].feature, path[at].zero, path[at].one) = (path[at + 1].feature, path[at + 1].zero, path[at + 1].one);
    }
}

/// The sum of weights that a path would have without one of its steps.
fn unwound_sum(path: &[Step], index: usize) -> f64 {
    let depth = path.len() - 1;
    let Step { zero, one, .. } = path[index];
    let size = (depth + 1) as f64;
    let mut next = path[depth].weight;
    let mut sum = 0.0;
    for at in (0..depth).rev() {
        if one != 0.0 {
            let weight = next * size / ((at + 1) as f64 * one);
            sum += weight;
            next = path[at].weight - weight * zero * (depth - at) as f64 / size;
        } else if zero != 0.0 {
            sum += path[at].weight * size / (zero * (depth - at) as f64);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::SplitMix;
    use crate::parallel::Execution;

    /// A random tree of these features; features may return on a path.
    fn random_tree(random: &mut SplitMix, features: usize, depth: usize) -> Vec<Node> {
        let mut nodes = vec![Node::leaf(0.0, 0.0)];
        let mut open = vec![(0usize, 0usize, 1.0 + random.below(50) as f64)];
        while let Some((position, at, cover)) = open.pop() {
            if at == depth || random.below(5) == 0 {
                nodes[position] = Node::leaf(random.unit() * 2.0 - 1.0, cover);
                continue;
            }
            let left = nodes.len();
            let share = if random.below(10) == 0 { 0.0 } else { random.unit() };
            nodes[position] = Node {
                number: random.below(4) as f64,
                cover,
                feature: random.below(features) as u32,
                left: left as u32,
                missing_left: random.below(2) == 0,
            };
            nodes.push(Node::leaf(0.0, 0.0));
            nodes.push(Node::leaf(0.0, 0.0));
            open.push((left, at + 1, cover * share));
            open.push((left + 1, at + 1, cover * (1.0 - share)));
        }
        nodes
    }

    /// What the tree says on average over the features outside the subset.
    fn conditional(nodes: &[Node], position: usize, cells: &[f64], subset: usize) -> f64 {
        let node = &nodes[position];
        if node.is_leaf() {
            return node.number;
        }
        if subset >> node.feature & 1 == 1 {
            return conditional(nodes, node.child(cells[node.feature as usize]), cells, subset);
        }
        let (left, right) = shares(nodes, node);
        left * conditional(nodes, node.left as usize, cells, subset)
            + right * conditional(nodes, node.left as usize + 1, cells, subset)
    }

    fn brute_force(ensemble: &FlatEnsemble, cells: &[f64]) -> Vec<f64> {
        let features = cells.len();
        let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
        let value = |subset: usize| {
            (0..ensemble.trees())
                .map(|tree| ensemble.tree(tree))
                .map(|(nodes, root)| conditional(nodes, root, cells, subset))
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

    #[test]
    fn equals_brute_force_shapley_values_on_200_ensembles() {
        let mut random = SplitMix::new(42, 0);
        for _ in 0..200 {
            let features = 1 + random.below(6);
            let mut ensemble = FlatEnsemble::new(random.unit(), features);
            for _ in 0..1 + random.below(4) {
                let depth = random.below(8);
                ensemble.push(&random_tree(&mut random, features, depth));
            }
            ensemble.validate().unwrap();
            let x = Array2::from_shape_fn((4, features), |_| {
                if random.below(5) == 0 {
                    f64::NAN
                } else {
                    random.below(5) as f64 - 0.5
                }
            });
            let (contributions, base) = tree_contributions(&ensemble, x.view(), &Workers::inline()).unwrap();
            let log_odds = ensemble.log_odds(x.view(), &Workers::inline()).unwrap();
            for (row, log_odds) in log_odds.iter().enumerate() {
                let expected = brute_force(&ensemble, &x.row(row).to_vec());
                for (found, expected) in contributions.row(row).iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-10, "{found} {expected}");
                }
                assert!((contributions.row(row).sum() + base - log_odds).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn threads_and_batches_do_not_change_a_bit() {
        let mut random = SplitMix::new(7, 0);
        let mut ensemble = FlatEnsemble::new(0.1, 5);
        for _ in 0..20 {
            ensemble.push(&random_tree(&mut random, 5, 7));
        }
        let x = Array2::from_shape_fn((100, 5), |_| random.below(5) as f64 - 0.5);
        let (all, _) =
            tree_contributions(&ensemble, x.view(), &Execution::new().threads(3).workers().unwrap()).unwrap();
        for row in 0..100 {
            let (one, _) =
                tree_contributions(&ensemble, x.slice(ndarray::s![row..=row, ..]), &Workers::inline()).unwrap();
            assert_eq!(one.row(0), all.row(row));
        }
    }
}
