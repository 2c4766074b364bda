//! The JSON of XGBoost.
//!
//! Source of the meaning of every field: XGBoost's `doc/model.schema`, `src/tree/tree_model.cc` and
//! `include/xgboost/tree_model.h`, versions 1.6 to 3.

use serde::Deserialize;

use super::super::flat::Categories;
use super::layout::{Part, TreeLayout, up_to_rounded};
use super::{TreeEnsemble, refused};
use crate::error::{Result, excerpt};
use crate::numeric::ln;

/// Categories end here.
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
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

/// All values are texts.
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
}

#[derive(Deserialize)]
struct ModelParameters {
    num_trees: String,
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

/// `true` or 1, by version.
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
        other => return Err(refused(format!("objective {:?} is not taken over", excerpt(other)))),
    }
    let parameters = &learner.learner_model_param;
    let classes: u64 = number("num_class", &parameters.num_class)?;
    let targets: u64 = parameters
        .num_target
        .as_deref()
        .map_or(Ok(1), |text| number("num_target", text))?;
    if classes > 1 || targets > 1 {
        return Err(refused("models of several classes or targets are not taken over"));
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
            let message = format!("booster {:?} is not taken over, or is incomplete", excerpt(other));
            return Err(refused(message));
        }
    };
    let trees: usize = number("num_trees", &model.gbtree_model_param.num_trees)?;
    let weighed = weights.as_ref().is_none_or(|weights| weights.len() == trees);
    if model.trees.len() != trees || model.tree_info.len() != trees || !weighed {
        return Err(refused(format!(
            "{trees} trees were written and {} are here",
            model.trees.len()
        )));
    }
    if model.tree_info.iter().any(|&class| class != 0) {
        return Err(refused("models of several classes are not taken over"));
    }
    for (at, tree) in model.trees.iter().enumerate() {
        let weight = weights.as_ref().map_or(1.0, |weights| weights[at]);
        let sketch = tree.sketch(weight);
        ensemble.push(at, &sketch.map_err(|why| refused(format!("tree {at}: {why}")))?)?;
    }
    ensemble.finish()
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T> {
    let wrong = |_| refused(format!("{name} cannot be {:?}", excerpt(text)));
    text.parse().map_err(wrong)
}

/// The log-odds of a base score: `5E-1`, or from version 3.1 on `[5E-1]`.
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
    fn sketch(&self, weight: f32) -> std::result::Result<TreeLayout, String> {
        let nodes: usize = self
            .tree_param
            .num_nodes
            .parse()
            .map_err(|_| "num_nodes is not a number")?;
        let vector = self.tree_param.size_leaf_vector.as_deref().unwrap_or("0");
        if !matches!(vector, "0" | "1") {
            return Err("its leaves hold several numbers, which is not taken over".into());
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
        let parts = (0..nodes)
            .map(|node| self.part(node, weight))
            .collect::<std::result::Result<_, _>>()?;
        Ok(TreeLayout {
            parts,
            covers: self.sum_hessian.clone(),
        })
    }

    fn part(&self, node: usize, weight: f32) -> std::result::Result<Part, String> {
        let (left, right) = (self.left_children[node], self.right_children[node]);
        let condition = self.split_conditions[node];
        if left < 0 {
            return Ok(Part::Leaf(f64::from(weight * condition)));
        }
        let feature = self.split_indices[node];
        let missing_left = match self.default_left[node] {
            Flag::Bool(left) => left,
            Flag::Number(left) => left != 0,
        };
        match self.split_type.get(node).copied().unwrap_or(0) {
            // A value goes left if it is below the threshold: up to what comes before it.
            0 if condition.is_nan() => Err(format!("the threshold of node {node} is not a number")),
            0 => Ok(Part::Split {
                feature,
                threshold: up_to_rounded(f64::from(condition.next_down())),
                missing_left,
                left,
                right,
            }),
            1 => Ok(Part::Set {
                feature,
                set: self.set(node)?,
                missing_left,
                left,
                right,
            }),
            other => Err(format!("splits of type {other} are not known")),
        }
    }

    /// The categories that go right at a node.
    fn set(&self, node: usize) -> std::result::Result<Categories, String> {
        let wrong = || format!("the categories of node {node} are not where they should be");
        let at = self
            .categories_nodes
            .iter()
            .position(|&other| other == node)
            .ok_or_else(wrong)?;
        let (&from, &count) =
            (self.categories_segments.get(at).zip(self.categories_sizes.get(at))).ok_or_else(wrong)?;
        let end = from.checked_add(count).ok_or_else(wrong)?;
        let members = self.categories.get(from..end).ok_or_else(wrong)?;
        let mut words = vec![];
        for &member in members {
            if member >= MOST_CATEGORIES {
                return Err(format!("{member} is too large for a category"));
            }
            if words.len() <= member / 64 {
                words.resize(member / 64 + 1, 0u64);
            }
            words[member / 64] |= 1 << (member % 64);
        }
        Ok(Categories::new(words, 0.0))
    }
}
