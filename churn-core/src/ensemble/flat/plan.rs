//! The layout of small trees (at most [`MOST_LEAVES`] leaves) for the SIMD kernels.
//!
//! A condition is what a split tests. It consists of a feature and either a threshold or a category set. If several
//! splits have the same threshold condition, the condition is evaluated only once for a block of rows. The result is a
//! mask with one bit per row. The bit is 1 if the row goes right at these splits.
//!
//! Each node of a tree has a mask of the rows that reach it. The root has the mask of all rows, and each split divides
//! the mask of its node into one mask for each child. After all splits of the tree, every leaf has the mask of the rows
//! that reach it. The masks of a tree are stored in a list. A position in this list is called a slot.

use super::{Categories, FlatTrees};

/// Number of rows in a block. The rows of a block are scored together.
pub(super) const BLOCK: usize = 256;
/// Maximum number of leaves of a tree in this layout. Larger trees are scored by the module `ranks` or by walking down
/// the trees.
pub(super) const MOST_LEAVES: usize = 64;

/// A bit mask with one bit for each row of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(32))]
pub(super) struct Mask(pub(super) [u16; BLOCK / 16]);

/// The values of one column for all rows of a block.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
#[allow(unreachable_pub)]
pub struct Column<T>(pub(super) [T; BLOCK]);

/// All threshold conditions on one feature.
pub(super) struct Asked {
    pub(super) feature: usize,
    /// The thresholds of this feature's splits that send missing values left, as a range of `Plan::thresholds`.
    pub(super) left: std::ops::Range<usize>,
    /// The thresholds of this feature's splits that send missing values right, as a range of `Plan::thresholds`.
    pub(super) right: std::ops::Range<usize>,
}

/// A condition that tests whether a value is in a category set.
pub(super) struct AskedSet {
    pub(super) feature: usize,
    pub(super) set: Categories,
    pub(super) missing_left: bool,
}

/// A step evaluates one split. `question` is the index of the split's condition. The mask of the rows that reach
/// the split is stored at position `slot`. The step replaces this mask with the mask of the left child, and
/// stores the mask of the right child at the next free position.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) question: u32,
    pub(super) slot: u32,
}

/// A tree. `end` is the index at which its steps end and the steps of the next tree begin. After the last step, each
/// slot (a position in the list of masks) belongs to a leaf. For each slot, `low` and `high` hold the low and the high
/// 32 bits of the `f64` value of this leaf.
pub(super) struct Shape {
    pub(super) end: usize,
    pub(super) low: [u32; MOST_LEAVES],
    pub(super) high: [u32; MOST_LEAVES],
}

/// An ensemble of trees in the layout of the SIMD kernels. Each tree has at most [`MOST_LEAVES`] leaves.
pub(super) struct Plan {
    pub(super) asked: Vec<Asked>,
    pub(super) thresholds: Vec<f64>,
    /// The thresholds that are compared with `f32` values. Each threshold is replaced by the largest `f32` that is not
    /// greater than the threshold.
    pub(super) thresholds_f32: Vec<f32>,
    /// The conditions on category sets. They are evaluated after the conditions on thresholds.
    pub(super) sets: Vec<AskedSet>,
    pub(super) steps: Vec<Step>,
    pub(super) shapes: Vec<Shape>,
}

/// The sort key of a threshold condition: its feature, whether missing values go right, and its threshold as an
/// integer. Conditions are evaluated in the order of their keys.
type Key = (usize, bool, u64);

/// Maps a floating-point number to an integer. A larger number is mapped to a larger integer.
fn ordered(number: f64) -> u64 {
    // Adding 0.0 converts -0.0 to 0.0, so both are mapped to the same integer.
    let bits = (number + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn number_of(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 {
        ordered & !(1 << 63)
    } else {
        !ordered
    })
}

fn floor_f32(number: f64) -> f32 {
    let near = number as f32;
    if f64::from(near) > number {
        near.next_down()
    } else {
        near
    }
}

impl Plan {
    /// Converts an ensemble to this layout. Returns `None` if a tree has more than [`MOST_LEAVES`] leaves.
    pub(super) fn of(ensemble: &FlatTrees) -> Option<Self> {
        let trees = || (0..ensemble.n_trees()).map(|tree| ensemble.tree(tree).nodes);
        if trees().any(|nodes| nodes.len() > 2 * MOST_LEAVES - 1) {
            return None;
        }
        let splits = || trees().flatten().filter(|node| !node.is_leaf());
        let key = |node: &super::Node| -> Key { (node.feature(), !node.missing_left(), ordered(node.number())) };
        let mut keys: Vec<Key> = splits().filter(|node| node.set().is_none()).map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        let thresholds: Vec<f64> = keys.iter().map(|key| number_of(key.2)).collect();
        let mut asked = vec![];
        let mut begin = 0;
        for same in keys.chunk_by(|a, b| a.0 == b.0) {
            let end = begin + same.len();
            let middle = begin + same.partition_point(|key| !key.1);
            asked.push(Asked {
                feature: same[0].0,
                left: begin..middle,
                right: middle..end,
            });
            begin = end;
        }
        let mut plan = Self {
            asked,
            thresholds_f32: thresholds.iter().map(|&threshold| floor_f32(threshold)).collect(),
            thresholds,
            sets: vec![],
            steps: vec![],
            shapes: Vec::with_capacity(ensemble.n_trees()),
        };
        for nodes in trees() {
            let (mut low, mut high) = ([0; MOST_LEAVES], [0; MOST_LEAVES]);
            let mut slots = vec![0u32; nodes.len()];
            let mut taken = 0;
            for (place, node) in nodes.iter().enumerate() {
                let slot = slots[place];
                if node.is_leaf() {
                    let bits = node.number().to_bits();
                    (low[slot as usize], high[slot as usize]) = (bits as u32, (bits >> 32) as u32);
                    continue;
                }
                let question = match node.set() {
                    None => keys.binary_search(&key(node)).ok()?,
                    Some(set) => {
                        plan.sets.push(AskedSet {
                            feature: node.feature(),
                            set: ensemble.categories.get(set)?.clone(),
                            missing_left: node.missing_left(),
                        });
                        keys.len() + plan.sets.len() - 1
                    }
                };
                plan.steps.push(Step {
                    question: question as u32,
                    slot,
                });
                taken += 1;
                slots[node.left()] = slot;
                slots[node.left() + 1] = taken;
            }
            plan.shapes.push(Shape {
                end: plan.steps.len(),
                low,
                high,
            });
        }
        Some(plan)
    }

    /// Number of conditions on thresholds and category sets.
    pub(super) fn questions(&self) -> usize {
        self.thresholds.len() + self.sets.len()
    }
}

impl AskedSet {
    /// Tests which values of a column are in the category set. Returns the mask of the rows that go right.
    pub(super) fn answer<T: super::Input>(&self, column: &Column<T>) -> Mask {
        let mut mask = Mask::default();
        for (row, &value) in column.0.iter().enumerate() {
            let right = self.set.sends_right(value.into(), self.missing_left);
            mask.0[row / 16] |= u16::from(right) << (row % 16);
        }
        mask
    }
}
