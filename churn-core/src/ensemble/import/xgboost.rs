//! Reads XGBoost's JSON format.
//!
//! The meaning of the fields was taken from three source files of XGBoost (versions 1.6 to 3): `doc/model.schema`,
//! `src/tree/tree_model.cc` and `include/xgboost/tree_model.h`.

use serde::Deserialize;

use super::super::flat::Categories;
use super::budget::Budget;
use super::layout::{Part, TreeLayout, up_to_rounded};
use super::{TreeEnsemble, refused};
use crate::error::{Result, excerpt};
use crate::numeric::ln;

/// The number that identifies a category must be smaller than this limit.
const MOST_CATEGORIES: usize = 1 << 24;

#[derive(Deserialize)]
struct File {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    gradient_booster: Booster,
    learner_model_param: Parameters,
    objective: Objective,
    #[serde(default)]
    feature_names: Vec<String>,
    #[serde(default)]
    attributes: Attributes,
}

/// The attributes that XGBoost's training stores in the model file.
#[derive(Default, Deserialize)]
struct Attributes {
    best_iteration: Option<String>,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

/// The parameters of a model. In the file, every parameter is a string.
#[derive(Deserialize)]
struct Parameters {
    base_score: String,
    num_class: String,
    num_feature: String,
    #[serde(default)]
    num_target: Option<String>,
}

#[derive(Deserialize)]
struct Booster {
    name: String,
    model: Option<Model>,
    gbtree: Option<Inner>,
    weight_drop: Option<Vec<f32>>,
}

#[derive(Deserialize)]
struct Inner {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    gbtree_model_param: ModelParameters,
    trees: Vec<Tree>,
    tree_info: Vec<i64>,
    /// For each boosting round, the index of its first tree. The last entry is the number of trees. Files of XGBoost
    /// before version 2 do not have this field.
    #[serde(default)]
    iteration_indptr: Vec<usize>,
}

#[derive(Deserialize)]
struct ModelParameters {
    num_trees: String,
    #[serde(default)]
    num_parallel_tree: Option<String>,
}

#[derive(Deserialize)]
struct Tree {
    tree_param: TreeParameters,
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<i64>,
    split_conditions: Vec<f32>,
    default_left: Vec<Flag>,
    sum_hessian: Vec<f64>,
    #[serde(default)]
    split_type: Vec<u8>,
    #[serde(default)]
    categories: Vec<usize>,
    #[serde(default)]
    categories_nodes: Vec<usize>,
    #[serde(default)]
    categories_segments: Vec<usize>,
    #[serde(default)]
    categories_sizes: Vec<usize>,
}

#[derive(Deserialize)]
struct TreeParameters {
    num_nodes: String,
    #[serde(default)]
    size_leaf_vector: Option<String>,
}

/// A flag, which some versions of XGBoost write as `true` and other versions as 1.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Flag {
    Bool(bool),
    Number(u8),
}

pub(super) fn read(json: &[u8]) -> Result<TreeEnsemble> {
    let begin = json.iter().find(|byte| !byte.is_ascii_whitespace());
    if begin != Some(&b'{')
        || json
            .get(1)
            .is_some_and(|byte| matches!(byte, b'L' | b'l' | b'i' | b'I' | b'U'))
    {
        return Err(refused(
            "this is not an XGBoost model in JSON; save it under a name that ends in .json, or with save_raw('json')",
        ));
    }
    let file: File = serde_json::from_slice(json)
        .map_err(|error| refused(format!("this is not an XGBoost model: {error}")).caused_by(error))?;
    let learner = file.learner;
    match learner.objective.name.as_str() {
        "binary:logistic" | "reg:logistic" => {}
        other => return Err(refused(format!("objective {:?} is not supported", excerpt(other)))),
    }
    let parameters = &learner.learner_model_param;
    let classes: u64 = number("num_class", &parameters.num_class)?;
    let targets: u64 = parameters
        .num_target
        .as_deref()
        .map_or(Ok(1), |text| number("num_target", text))?;
    if classes > 1 || targets > 1 {
        return Err(refused("models of several classes or targets are not supported"));
    }
    let base = log_odds(&parameters.base_score)?;
    let mut ensemble = TreeEnsemble::begin(base, number("num_feature", &parameters.num_feature)?)?;
    let booster = learner.gradient_booster;
    let (model, weights) = match (
        booster.name.as_str(),
        booster.model,
        booster.gbtree,
        booster.weight_drop,
    ) {
        ("gbtree", Some(model), _, _) => (model, None),
        ("dart", _, Some(inner), Some(weights)) => (inner.model, Some(weights)),
        (other, ..) => {
            let message = format!("booster {:?} is not supported, or is incomplete", excerpt(other));
            return Err(refused(message));
        }
    };
    let trees: usize = number("num_trees", &model.gbtree_model_param.num_trees)?;
    let weighed = weights.as_ref().is_none_or(|weights| weights.len() == trees);
    if model.trees.len() != trees || model.tree_info.len() != trees || !weighed {
        return Err(refused(format!(
            "num_trees says {trees} trees, but the model has {}",
            model.trees.len()
        )));
    }
    if model.tree_info.iter().any(|&class| class != 0) {
        return Err(refused("models of several classes are not supported"));
    }
    let used = match &learner.attributes.best_iteration {
        None => trees,
        Some(best) => up_to_round(number("best_iteration", best)?, &model)?,
    };
    let mut budget = Budget::of(json.len());
    // To save memory, each tree that was read from the file is dropped as soon as it is converted.
    for (at, tree) in model.trees.into_iter().take(used).enumerate() {
        let weight = weights.as_ref().map_or(1.0, |weights| weights[at]);
        let layout = tree.layout(weight, &mut budget);
        ensemble.push(at, &layout.map_err(|why| refused(format!("tree {at}: {why}")))?)?;
    }
    ensemble.name_features(learner.feature_names, "f");
    ensemble.finish()
}

/// Returns the number of trees in the boosting rounds up to and including `round`. The first round has the number 0.
fn up_to_round(round: usize, model: &Model) -> Result<usize> {
    let per_round: usize = match &model.gbtree_model_param.num_parallel_tree {
        None => 1,
        Some(text) => number("num_parallel_tree", text)?,
    };
    let end = match model.iteration_indptr.as_slice() {
        [] => round
            .checked_add(1)
            .and_then(|rounds| rounds.checked_mul(per_round.max(1))),
        ends => round.checked_add(1).and_then(|next| ends.get(next).copied()),
    };
    end.filter(|&end| end <= model.trees.len())
        .ok_or_else(|| refused(format!("best_iteration is {round}, which the model does not have")))
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T> {
    let wrong = |_| refused(format!("{name} cannot be {:?}", excerpt(text)));
    text.parse().map_err(wrong)
}

/// Converts the base score of a model (the probability before the first tree) to log-odds. XGBoost versions before 3.1
/// write the base score as a text such as `5E-1`. Later versions write a text such as `[5E-1]`.
fn log_odds(text: &str) -> Result<f64> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let base: f32 = number("base_score", inner.unwrap_or(text))?;
    let base = f64::from(base);
    if base > 0.0 && base < 1.0 {
        return Ok(ln(base / (1.0 - base)));
    }
    Err(refused(format!(
        "base_score cannot be {base}: it must lie between 0 and 1"
    )))
}

impl Tree {
    fn layout(self, weight: f32, budget: &mut Budget) -> std::result::Result<TreeLayout, String> {
        let nodes: usize = self
            .tree_param
            .num_nodes
            .parse()
            .map_err(|_| "num_nodes is not a number")?;
        let vector = self.tree_param.size_leaf_vector.as_deref().unwrap_or("0");
        if !matches!(vector, "0" | "1") {
            return Err("its leaves hold several numbers, which is not supported".into());
        }
        let lengths = [
            self.left_children.len(),
            self.right_children.len(),
            self.split_indices.len(),
            self.split_conditions.len(),
            self.default_left.len(),
            self.sum_hessian.len(),
        ];
        let typed = self.split_type.is_empty() || self.split_type.len() == nodes;
        if lengths != [nodes; 6] || !typed || nodes == 0 {
            return Err(format!("its arrays do not all have {nodes} entries"));
        }
        let sets = self.sets(budget)?;
        let parts = (0..nodes)
            .map(|node| self.part(node, weight, &sets))
            .collect::<std::result::Result<_, _>>()?;
        Ok(TreeLayout {
            parts,
            sets: sets.into_iter().map(|(_, set)| set).collect(),
            covers: self.sum_hessian,
        })
    }

    fn part(&self, node: usize, weight: f32, sets: &[(usize, Categories)]) -> std::result::Result<Part, String> {
        let (left, right) = (self.left_children[node], self.right_children[node]);
        let condition = self.split_conditions[node];
        if (left, right) == (-1, -1) {
            return Ok(Part::Leaf(f64::from(weight * condition)));
        }
        if left < 0 || right < 0 {
            return Err(format!("node {node} has the children {left} and {right}"));
        }
        let feature = self.split_indices[node];
        let missing_left = match self.default_left[node] {
            Flag::Bool(left) => left,
            Flag::Number(left) => left != 0,
        };
        match self.split_type.get(node).copied().unwrap_or(0) {
            0 if condition.is_nan() => Err(format!("the threshold of node {node} is not a number")),
            // XGBoost sends only values below the threshold to the left child. In the flat layout, a value that is
            // equal to the threshold also goes to the left child.
            0 => Ok(Part::Split {
                feature,
                threshold: up_to_rounded(f64::from(condition.next_down())),
                missing_left,
                left,
                right,
            }),
            1 => Ok(Part::Set {
                feature,
                set: sets
                    .binary_search_by_key(&node, |(of, _)| *of)
                    .map_err(|_| misplaced(node))?,
                missing_left,
                left,
                right,
            }),
            other => Err(format!("splits of type {other} are not supported")),
        }
    }

    /// Returns the category sets of a tree, each with the index of the node that splits on the set. A set contains the
    /// categories that go right.
    fn sets(&self, budget: &mut Budget) -> std::result::Result<Vec<(usize, Categories)>, String> {
        let count = self.categories_nodes.len();
        if [self.categories_segments.len(), self.categories_sizes.len()] != [count; 2] {
            return Err("its lists of categories differ in length".into());
        }
        // The file contains a number for every category of every set, so all sets together cannot have more categories
        // than the file has bytes.
        let total = self
            .categories_sizes
            .iter()
            .fold(0usize, |sum, &size| sum.saturating_add(size));
        if total > self.categories.len() {
            return Err("its sets of categories overlap".into());
        }
        let mut sets = Vec::with_capacity(count);
        for at in 0..count {
            let node = self.categories_nodes[at];
            let (from, size) = (self.categories_segments[at], self.categories_sizes[at]);
            let members = from.checked_add(size).and_then(|end| self.categories.get(from..end));
            let members = members.ok_or_else(|| misplaced(node))?;
            let largest = members.iter().max().copied();
            if let Some(member) = largest.filter(|&member| member >= MOST_CATEGORIES) {
                return Err(format!("{member} is too large for a category"));
            }
            let length = largest.map_or(0, |member| member / 64 + 1);
            budget.take(length)?;
            let mut words = vec![0u64; length];
            for &member in members {
                words[member / 64] |= 1 << (member % 64);
            }
            sets.push((node, Categories::new(words, 0.0)));
        }
        sets.sort_by_key(|(node, _)| *node);
        if sets.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err("a node has two sets of categories".into());
        }
        Ok(sets)
    }
}

fn misplaced(node: usize) -> String {
    format!("the categories of node {node} are missing or out of range")
}
