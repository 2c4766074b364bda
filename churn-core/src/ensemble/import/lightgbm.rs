//! Reads LightGBM's text format.
//!
//! The meaning of the fields was taken from three source files of LightGBM (versions 2 to 4):
//! `include/LightGBM/tree.h`, `src/io/tree.cpp` and `src/boosting/gbdt_model_text.cpp`.

use std::collections::HashMap;
use std::str::FromStr;

use super::super::flat::Categories;
use super::budget::Budget;
use super::layout::{Part, TreeLayout};
use super::{TreeEnsemble, refused};
use crate::error::{Result, excerpt};

/// If the absolute value of a number is at most this limit, LightGBM treats the number as zero (`kZeroThreshold`).
const ZERO: f64 = 1.000_000_018_002_509_5e-35;
const CATEGORICAL: u32 = 1;
const DEFAULT_LEFT: u32 = 2;

/// The `name=value` lines of one part of a LightGBM file: the header or one tree.
struct Fields<'a> {
    /// The name of the part (the header or a tree). Error messages contain this name.
    of: String,
    values: HashMap<&'a str, &'a str>,
}

impl<'a> Fields<'a> {
    fn new(of: String, text: &'a str) -> Self {
        let pairs = text.lines().filter_map(|line| line.trim_end().split_once('='));
        Self {
            of,
            values: pairs.collect(),
        }
    }

    fn text(&self, name: &str) -> Result<&'a str> {
        let found = self.values.get(name).copied();
        found.ok_or_else(|| refused(format!("{} has no {name}", self.of)))
    }

    fn number<T: FromStr>(&self, name: &str) -> Result<T> {
        self.parsed(name, self.text(name)?)
    }

    fn parsed<T: FromStr>(&self, name: &str, text: &str) -> Result<T> {
        let wrong = |_| refused(format!("{}: {name} cannot be {:?}", self.of, excerpt(text)));
        text.trim().parse().map_err(wrong)
    }

    /// Returns the list of numbers in the line `name`. The list must have exactly `count` numbers.
    fn list<T: FromStr>(&self, name: &str, count: usize) -> Result<Vec<T>> {
        let words = self.text(name)?.split_ascii_whitespace();
        let list: Vec<T> = words.map(|word| self.parsed(name, word)).collect::<Result<_>>()?;
        match list.len() {
            n if n == count => Ok(list),
            n => Err(refused(format!("{}: {name} has {n} entries, not {count}", self.of))),
        }
    }
}

pub(super) fn read(text: &str) -> Result<TreeEnsemble> {
    if text.lines().next().map(str::trim_end) != Some("tree") {
        return Err(refused(
            "this is not the text of a LightGBM model: its first line is not 'tree'",
        ));
    }
    let Some((trees, _)) = text.split_once("\nend of trees") else {
        return Err(refused("the text was cut off: it has no 'end of trees'"));
    };
    let mut blocks = trees.split("\nTree=");
    let flags = blocks.next().unwrap_or_default();
    let header = Fields::new("the header".into(), flags);
    match header.text("version")? {
        "v2" | "v3" | "v4" => {}
        other => return Err(refused(format!("version {:?} is not supported", excerpt(other)))),
    }
    for name in ["num_class", "num_tree_per_iteration"] {
        if header.number::<u64>(name)? != 1 {
            return Err(refused(format!(
                "{name} is not 1: models of several classes are not supported"
            )));
        }
    }
    let features = header.number::<usize>("max_feature_idx")?;
    let features = features
        .checked_add(1)
        .ok_or_else(|| refused("max_feature_idx is too large"))?;
    let mut budget = Budget::of(text.len());
    let mut ensemble = TreeEnsemble::begin(0.0, features)?;
    ensemble.scale = scale_of(header.text("objective")?)?;
    for (number, block) in blocks.enumerate() {
        let (own, rest) = block.split_once('\n').unwrap_or((block, ""));
        if own.trim_end().parse() != Ok(number) {
            return Err(refused(format!("tree {number} is missing")));
        }
        ensemble.push(
            number,
            &tree(&Fields::new(format!("tree {number}"), rest), &mut budget)?,
        )?;
    }
    let sizes = header.text("tree_sizes")?.split_ascii_whitespace().count();
    if sizes != ensemble.n_trees() {
        return Err(refused(format!(
            "tree_sizes lists {sizes} trees, but the model has {}",
            ensemble.n_trees()
        )));
    }
    if flags.lines().any(|line| line.trim_end() == "average_output") {
        ensemble.divisor = ensemble.n_trees().max(1) as f64;
    }
    let names = header.text("feature_names").unwrap_or_default();
    ensemble.name_features(names.split_ascii_whitespace().map(str::to_owned).collect(), "Column_");
    ensemble.finish()
}

/// Returns the factor by which the sum of the leaf values is multiplied to get the log-odds. `objective` is the
/// objective of the model in LightGBM's notation.
fn scale_of(objective: &str) -> Result<f64> {
    let mut words = objective.split_ascii_whitespace();
    match words.next() {
        Some("binary") => {}
        Some("cross_entropy" | "xentropy") => return Ok(1.0),
        _ => {
            let message = format!(
                "objective {:?} is not supported: only binary and cross_entropy are",
                excerpt(objective)
            );
            return Err(refused(message));
        }
    }
    let sigmoid = words.find_map(|word| word.strip_prefix("sigmoid:")).unwrap_or("1");
    let wrong = |_| refused(format!("sigmoid cannot be {:?}", excerpt(sigmoid)));
    sigmoid.parse().map_err(wrong)
}

fn tree(fields: &Fields<'_>, budget: &mut Budget) -> Result<TreeLayout> {
    if fields.values.contains_key("is_linear") && fields.number::<u8>("is_linear")? != 0 {
        return Err(refused(format!(
            "{} has linear leaves, which are not supported",
            fields.of
        )));
    }
    let leaves: usize = fields.number("num_leaves")?;
    if leaves == 0 {
        return Err(refused(format!("{} has no leaves", fields.of)));
    }
    let splits = leaves - 1;
    let values: Vec<f64> = fields.list("leaf_value", leaves)?;
    if splits == 0 {
        return Ok(TreeLayout {
            parts: vec![Part::Leaf(values[0])],
            sets: vec![],
            covers: vec![1.0],
        });
    }
    let features: Vec<i64> = fields.list("split_feature", splits)?;
    let thresholds: Vec<f64> = fields.list("threshold", splits)?;
    let decisions: Vec<u32> = fields.list("decision_type", splits)?;
    let left: Vec<i64> = fields.list("left_child", splits)?;
    let right: Vec<i64> = fields.list("right_child", splits)?;
    let sets = sets(fields, budget)?;
    // The list `parts` contains first all splits and then all leaves. In the file, a child that is a leaf is written as
    // `-1 - index`, where `index` is the number of the leaf.
    let place = |child: i64| if child < 0 { splits as i64 - 1 - child } else { child };
    let mut parts = Vec::with_capacity(splits + leaves);
    for split in 0..splits {
        let decision = Decision {
            feature: features[split],
            threshold: thresholds[split],
            kind: decisions[split],
            left: place(left[split]),
            right: place(right[split]),
        };
        let part = decision.part(sets.len());
        parts.push(part.map_err(|why| refused(format!("{}, split {split}: {why}", fields.of)))?);
    }
    parts.extend(values.into_iter().map(Part::Leaf));
    let mut covers: Vec<f64> = fields.list("internal_count", splits)?;
    covers.extend(fields.list::<f64>("leaf_count", leaves)?);
    Ok(TreeLayout { parts, sets, covers })
}

/// Reads the category sets of a tree. A set contains the categories that a split of LightGBM sends to the left child.
fn sets(fields: &Fields<'_>, budget: &mut Budget) -> Result<Vec<Categories>> {
    let count: usize = fields.number("num_cat")?;
    if count == 0 {
        return Ok(vec![]);
    }
    let bounds: Vec<usize> = fields.list("cat_boundaries", count.saturating_add(1))?;
    let words: Vec<u32> = fields.list("cat_threshold", bounds.last().copied().unwrap_or(0))?;
    let sets = bounds.windows(2).map(|ends| {
        let halves = words.get(ends[0]..ends[1]);
        let halves = halves.ok_or_else(|| refused(format!("{}: cat_boundaries are not in order", fields.of)))?;
        let taken = budget.take(halves.len().div_ceil(2));
        taken.map_err(|why| refused(format!("{}: {why}", fields.of)))?;
        let whole = |pair: &[u32]| u64::from(pair[0]) | pair.get(1).map_or(0, |&high| u64::from(high) << 32);
        let words: Vec<u64> = halves.chunks(2).map(whole).collect();
        // LightGBM truncates a value to an integer. Values between -1 and 0 therefore belong to category 0.
        Ok(Categories::new(words, (-1.0f64).next_up()))
    });
    sets.collect()
}

struct Decision {
    feature: i64,
    threshold: f64,
    kind: u32,
    left: i64,
    right: i64,
}

impl Decision {
    fn part(&self, sets: usize) -> std::result::Result<Part, String> {
        let &Self {
            feature,
            threshold,
            kind,
            left,
            right,
        } = self;
        if kind & CATEGORICAL != 0 {
            let exists = threshold >= 0.0 && threshold.fract() == 0.0 && threshold < sets as f64;
            if !exists {
                return Err(format!("there is no set {threshold} of categories"));
            }
            // LightGBM sends values in the set to the left child, and all other values, including missing values, to
            // the right child. The flat layout of this crate sends values in the set to the right child. The two
            // children are therefore swapped.
            return Ok(Part::Set {
                feature,
                set: threshold as usize,
                missing_left: true,
                left: right,
                right: left,
            });
        }
        let default_left = kind & DEFAULT_LEFT != 0;
        let missing_left = match kind >> 2 {
            // The missing type 0 means that the training data had no missing values in the column. LightGBM then treats
            // NaN as 0.
            0 => threshold >= 0.0,
            1 => {
                let alike = if default_left {
                    threshold >= ZERO
                } else {
                    threshold < -ZERO
                };
                if !alike {
                    return Err(
                        "zero counts as missing and goes another way than its neighbours, which is not supported"
                            .into(),
                    );
                }
                default_left
            }
            2 => default_left,
            other => return Err(format!("missing values of type {other} are not supported")),
        };
        Ok(Part::Split {
            feature,
            threshold,
            missing_left,
            left,
            right,
        })
    }
}
