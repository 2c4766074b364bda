//! The flat layout, in which all trees of an ensemble are stored and scored. The nodes of all trees form one list.

mod alone;
mod categories;
mod node;
mod plan;
mod ranks;
mod score;
mod simd;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use alone::Alone;
use plan::Plan;
use ranks::Ranked;
use simd::Kernel;

pub(crate) use categories::Categories;
pub(crate) use node::{MOST_FEATURES, Node};
pub use score::Input;

/// An additive ensemble of trees. Each tree contributes the value of the leaf that a row reaches. The log-odds of the
/// row are the sum of a base value and these leaf values. The leaf values are added in tree order in `f64`.
///
/// Deserialisation validates the trees. Every path from a root must stay within the tree and end at a leaf with a
/// finite value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct FlatTrees {
    nodes: Vec<Node>,
    /// For each node, the sum of the weights of the training rows that reached it.
    covers: Vec<f64>,
    /// For each tree, the index of its root in `nodes`. The nodes of a tree end where the nodes of the next tree begin.
    roots: Vec<u64>,
    base: f64,
    features: u32,
    /// The category sets of splits. Trees that this crate trains have no splits on categories, so the sets are stored
    /// in a separate part of the file.
    #[serde(skip)]
    categories: Vec<Categories>,
    /// Other layouts of the same trees for fast scoring. Each layout is computed when it is first used.
    #[serde(skip)]
    prepared: Prepared,
}

/// Layouts of the trees for fast scoring, each computed at most once. They are not cloned: a clone of the ensemble
/// computes them again.
#[derive(Default)]
struct Prepared {
    alone: OnceLock<Option<Alone>>,
    plan: OnceLock<Option<Plan>>,
    ranked: OnceLock<Option<Ranked>>,
}

impl Prepared {
    fn alone(&self, ensemble: &FlatTrees) -> Option<&Alone> {
        self.alone.get_or_init(|| Alone::of(ensemble)).as_ref()
    }

    fn plan(&self, ensemble: &FlatTrees) -> Option<&Plan> {
        self.plan.get_or_init(|| Plan::of(ensemble)).as_ref()
    }

    fn ranked(&self, ensemble: &FlatTrees) -> Option<&Ranked> {
        let with_tops = || Kernel::best().is_some();
        self.ranked.get_or_init(|| Ranked::of(ensemble, with_tops())).as_ref()
    }
}

impl Clone for Prepared {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Prepared layouts are computed from the trees, so they always count as equal. Whether two ensembles are equal depends
/// only on their trees.
impl PartialEq for Prepared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

/// Maximum number of columns after the last column that a tree splits on. Scoring needs memory for every column.
/// Without this limit, a small model file could state a large number of columns, and scoring would use much memory.
const MOST_UNUSED_COLUMNS: usize = 1 << 20;

/// An ensemble as it was read from a file, before validation.
#[derive(Deserialize)]
pub(crate) struct Unchecked {
    nodes: Vec<Node>,
    covers: Vec<f64>,
    roots: Vec<u64>,
    base: f64,
    features: u32,
}

impl Unchecked {
    /// Adds the category sets, which the file stores separately from the trees, and validates the ensemble.
    pub(crate) fn with_sets(self, categories: Vec<Categories>) -> Result<FlatTrees> {
        let ensemble = FlatTrees {
            nodes: self.nodes,
            covers: self.covers,
            roots: self.roots,
            base: self.base,
            features: self.features,
            categories,
            prepared: Prepared::default(),
        };
        ensemble.validate()?;
        Ok(ensemble)
    }
}

impl TryFrom<Unchecked> for FlatTrees {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        read.with_sets(vec![])
    }
}

/// One tree: its nodes and their covers (for each node, the sum of the weights of the training rows that reached it).
/// The root is the first node, and children come after their parents.
#[derive(Clone, Copy)]
pub(crate) struct Tree<'a> {
    pub(crate) nodes: &'a [Node],
    pub(crate) covers: &'a [f64],
    pub(super) categories: &'a [Categories],
}

impl Tree<'_> {
    /// Returns the index of the child to which the node at index `place` sends `value`.
    pub(crate) fn next(&self, place: usize, value: f64) -> usize {
        let node = self.nodes[place];
        match node.set() {
            None => node.next(value),
            Some(set) => node.next_by_set(value, &self.categories[set]),
        }
    }
}

impl FlatTrees {
    /// Creates an ensemble without trees. `features` must be less than [`MOST_FEATURES`].
    pub(crate) fn new(base: f64, features: usize) -> Self {
        Self {
            nodes: vec![],
            covers: vec![],
            roots: vec![],
            base,
            features: features as u32,
            categories: vec![],
            prepared: Prepared::default(),
        }
    }

    /// Appends a set of categories and returns its index.
    pub(crate) fn push_set(&mut self, set: Categories) -> u32 {
        self.categories.push(set);
        self.categories.len() as u32 - 1
    }

    /// The category sets of all splits. A split contains the index of its set.
    pub(crate) fn sets(&self) -> &[Categories] {
        &self.categories
    }

    /// Appends a tree, given by its nodes and their covers.
    pub(crate) fn push(&mut self, nodes: &[Node], covers: &[f64]) {
        self.prepared = Prepared::default();
        self.roots.push(self.nodes.len() as u64);
        self.nodes.extend(nodes);
        self.covers.extend(covers);
    }

    /// The number of trees.
    pub fn n_trees(&self) -> usize {
        self.roots.len()
    }

    /// The number of features that a row must have.
    pub fn n_features(&self) -> usize {
        self.features as usize
    }

    /// The constant that is added to the sum of the leaf values.
    pub(crate) fn base(&self) -> f64 {
        self.base
    }

    /// Shortens the ensemble to its first trees. `trees` is the number of trees that remain.
    pub(crate) fn truncate(&mut self, trees: usize) {
        self.prepared = Prepared::default();
        if let Some(&root) = self.roots.get(trees) {
            self.nodes.truncate(root as usize);
            self.covers.truncate(root as usize);
            self.roots.truncate(trees);
        }
    }

    /// Returns the tree at the given index.
    pub(crate) fn tree(&self, tree: usize) -> Tree<'_> {
        let nodes = self.roots[tree] as usize..self.end(tree);
        Tree {
            nodes: &self.nodes[nodes.clone()],
            covers: &self.covers[nodes],
            categories: &self.categories,
        }
    }

    /// The index in `nodes` that follows the last node of a tree.
    fn end(&self, tree: usize) -> usize {
        self.roots.get(tree + 1).map_or(self.nodes.len(), |&next| next as usize)
    }

    /// Checks that every path through the trees stays within its tree and ends at a leaf with a finite value.
    ///
    /// # Errors
    /// `artifact_damaged` if a tree is not valid.
    pub(crate) fn validate(&self) -> Result<()> {
        match self.damage() {
            None => Ok(()),
            Some(what) => Err(Error::new(
                ErrorKind::ArtifactDamaged,
                format!("the ensemble is damaged: {what}"),
            )),
        }
    }

    /// Returns the first defect of the ensemble, if there is one.
    fn damage(&self) -> Option<&'static str> {
        if !self.base.is_finite() {
            return Some("its base is not a finite number");
        }
        if self.n_features() >= MOST_FEATURES {
            return Some("it has too many features");
        }
        if self.covers.len() != self.nodes.len() {
            return Some("its nodes and covers differ in number");
        }
        if !self.categories.iter().all(Categories::is_valid) {
            return Some("a set of categories has an invalid smallest value");
        }
        let first = self.roots.first().copied();
        if first.unwrap_or(self.nodes.len() as u64) != 0
            || !self.roots.is_sorted_by(|a, b| a < b)
            || self.roots.last().is_some_and(|&root| root >= self.nodes.len() as u64)
        {
            return Some("its trees are not contiguous");
        }
        let used = self.nodes.iter().map(|node| node.feature() + 1).max().unwrap_or(0);
        if self.n_features().saturating_sub(used) > MOST_UNUSED_COLUMNS {
            return Some("it claims far more columns than its trees use");
        }
        (0..self.n_trees()).find_map(|tree| damage_of(self.tree(tree), self.n_features()))
    }
}

/// Returns the first defect of a tree, if there is one. The function checks that every node except the root is the
/// child of exactly one earlier node. In such a tree, every path from the root ends at a leaf.
fn damage_of(tree: Tree<'_>, features: usize) -> Option<&'static str> {
    let Tree {
        nodes,
        covers,
        categories,
    } = tree;
    if !covers.iter().all(|cover| cover.is_finite() && *cover >= 0.0) {
        return Some("a node's cover is not a finite number");
    }
    let mut has_parent = vec![false; nodes.len()];
    for (place, node) in nodes.iter().enumerate() {
        if !node.fits(place, nodes.len(), features, categories.len()) {
            return Some("a node has a child outside its tree, an unknown feature, or a number that is not finite");
        }
        if !node.is_leaf() {
            for child in [node.left(), node.left() + 1] {
                if std::mem::replace(&mut has_parent[child], true) {
                    return Some("a node has two parents");
                }
            }
        }
    }
    match has_parent.iter().skip(1).all(|&has| has) {
        true => None,
        false => Some("a node has no parent"),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, ShapeBuilder, array};
    use proptest::prelude::*;

    use super::*;
    use crate::numeric::SplitMix;
    use crate::parallel::{Execution, Workers};

    fn stump() -> FlatTrees {
        let mut ensemble = FlatTrees::new(0.5, 1);
        let split = Node::split(0, 1.0, true, 1);
        ensemble.push(&[split, Node::leaf(1, -1.0), Node::leaf(2, 2.0)], &[10.0, 4.0, 6.0]);
        ensemble.push(&[Node::leaf(0, 0.25)], &[10.0]);
        ensemble
    }

    /// Creates random trees with up to 31 nodes.
    fn forest(seed: u64, trees: usize, features: usize) -> FlatTrees {
        let mut random = SplitMix::new(seed, 0);
        let mut ensemble = FlatTrees::new(random.unit(), features);
        for _ in 0..trees {
            let mut nodes = vec![Node::leaf(0, random.unit())];
            for _ in 0..random.below(16) {
                let place = random.below(nodes.len());
                if !nodes[place].is_leaf() {
                    continue;
                }
                let left = nodes.len() as u32;
                let feature = random.below(features) as u32;
                let missing_left = random.below(2) == 0;
                nodes[place] = Node::split(feature, random.unit(), missing_left, left);
                nodes.push(Node::leaf(left, random.unit() - 0.5));
                nodes.push(Node::leaf(left + 1, random.unit() - 0.5));
            }
            ensemble.push(&nodes, &vec![1.0; nodes.len()]);
        }
        ensemble.validate().unwrap();
        ensemble
    }

    fn matrix(seed: u64, rows: usize, columns: usize) -> Array2<f32> {
        let mut random = SplitMix::new(seed, 1);
        Array2::from_shape_fn((rows, columns).f(), |_| match random.below(8) {
            0 => f32::NAN,
            1 => f32::INFINITY,
            2 => f32::NEG_INFINITY,
            _ => random.unit() as f32,
        })
    }

    #[test]
    fn rows_reach_their_leaves() {
        let x = array![[1.0f32], [1.5], [f32::NAN], [f32::INFINITY]];
        let log_odds = stump().log_odds(x.view(), &Workers::inline()).unwrap();
        assert_eq!(log_odds, [-0.25, 2.75, -0.25, 2.75]);
        assert_eq!(stump().last_tree(x.view(), &Workers::inline()).unwrap(), [0.25; 4]);
    }

    #[test]
    fn an_f64_just_above_the_threshold_goes_right() {
        let above = 1.0f64.next_up();
        let log_odds = stump().log_odds(array![[1.0], [above]].view(), &Workers::inline());
        assert_eq!(log_odds.unwrap(), [-0.25, 2.75]);
    }

    #[test]
    fn an_empty_ensemble_is_valid() {
        let empty = FlatTrees::new(0.5, 0);
        assert!(empty.validate().is_ok());
        let x = Array2::<f32>::zeros((3, 0));
        assert_eq!(empty.log_odds(x.view(), &Workers::inline()).unwrap(), [0.5; 3]);
        let mut constant = empty;
        constant.push(&[Node::leaf(0, 1.0)], &[1.0]);
        assert_eq!(constant.log_odds(x.view(), &Workers::inline()).unwrap(), [1.5; 3]);
        let none = Array2::<f64>::zeros((0, 0));
        assert!(constant.log_odds(none.view(), &Workers::inline()).unwrap().is_empty());
    }

    #[test]
    fn another_number_of_columns_is_refused() {
        let x = Array2::<f64>::zeros((1, 2));
        let error = stump().log_odds(x.view(), &Workers::inline()).unwrap_err();
        assert_eq!(error.code(), "feature_mismatch");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_row_has_the_same_score_alone_and_in_a_batch(seed: u64, rows in 1usize..700, trees in 0usize..40) {
            let (ensemble, x) = (forest(seed, trees, 5), matrix(seed, rows, 5));
            let three = Execution::new().threads(3).workers().unwrap();
            let all = ensemble.log_odds(x.view(), &three).unwrap();
            prop_assert_eq!(&all, &ensemble.log_odds(x.view(), &Workers::inline()).unwrap());
            let wide = x.mapv(f64::from).as_standard_layout().into_owned();
            prop_assert_eq!(&all, &ensemble.log_odds(wide.view(), &three).unwrap());
            for row in [0, rows / 2, rows - 1] {
                let one = ensemble.log_odds(x.slice(ndarray::s![row..=row, ..]), &Workers::inline());
                prop_assert_eq!(one.unwrap()[0].to_bits(), all[row].to_bits());
                // The expected score is computed by walking down each tree from its root.
                let plain = (0..trees).fold(ensemble.base(), |sum, tree| {
                    let nodes = ensemble.tree(tree).nodes;
                    let mut place = 0;
                    while !nodes[place].is_leaf() {
                        place = nodes[place].next(f64::from(x[[row, nodes[place].feature()]]));
                    }
                    sum + nodes[place].number()
                });
                prop_assert_eq!(plain.to_bits(), all[row].to_bits());
            }
        }
    }

    #[test]
    fn ensembles_round_trip_through_bytes() {
        let ensemble = forest(3, 10, 4);
        let config = bincode::config::standard();
        let bytes = bincode::serde::encode_to_vec(&ensemble, config).unwrap();
        let (read, _): (FlatTrees, usize) = bincode::serde::decode_from_slice(&bytes, config).unwrap();
        assert_eq!(read, ensemble);
    }

    type Damage = fn(&mut FlatTrees);

    #[test]
    fn trees_with_loops_or_indexes_out_of_bounds_are_refused() {
        fn node(e: &mut FlatTrees, place: usize, number: Option<f64>, look: Option<u32>, left: Option<u32>) {
            e.nodes[place] = e.nodes[place].damaged(number, look, left);
        }
        let broken: [Damage; 18] = [
            |e| node(e, 0, None, None, Some(0)),
            |e| node(e, 0, None, None, Some(2)),
            |e| node(e, 0, None, None, Some(u32::MAX)),
            |e| node(e, 0, None, Some(1), None),
            |e| node(e, 0, None, Some(1 << 29), None),
            |e| node(e, 0, Some(f64::NAN), None, None),
            |e| node(e, 1, Some(f64::NAN), None, None),
            |e| node(e, 1, Some(f64::INFINITY), None, None),
            |e| node(e, 1, None, None, Some(0)),
            |e| node(e, 1, None, Some(1 << 30 | 5), None),
            |e| e.nodes[0] = Node::leaf(0, 1.0),
            |e| e.covers[1] = -1.0,
            |e| e.covers.truncate(3),
            |e| e.roots[1] = 9,
            |e| e.roots[0] = 1,
            |e| e.roots.clear(),
            |e| e.base = f64::INFINITY,
            |e| e.features = u32::MAX,
        ];
        let config = bincode::config::standard();
        for (number, damage) in broken.iter().enumerate() {
            let mut ensemble = stump();
            damage(&mut ensemble);
            let error = ensemble.validate().unwrap_err();
            assert_eq!(error.code(), "artifact_damaged", "{number}");
            let bytes = bincode::serde::encode_to_vec(&ensemble, config).unwrap();
            let read = bincode::serde::decode_from_slice::<FlatTrees, _>(&bytes, config);
            assert!(read.is_err(), "{number}");
        }
    }

    #[test]
    fn cancelled_scoring_stops() {
        let execution = Execution::new().threads(2);
        execution.cancel.cancel();
        let x = matrix(1, 1000, 5);
        let error = forest(1, 5, 5).predict_proba(x.view(), &execution);
        assert_eq!(error.unwrap_err().code(), "cancelled");
    }
}
