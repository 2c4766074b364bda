//! The base learners of the ensemble, the blend of their predictions, and the flat layout in which all trees are stored
//! and scored.

mod bins;
mod blend;
mod boosting;
mod early_stopping;
mod flat;
mod forest;
mod grow;
mod histogram;
mod import;
mod logistic;
#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;
mod training;

pub(crate) use blend::Blend;
pub use boosting::{GradientBoosting, GradientBoostingOptions};
pub(crate) use early_stopping::HeldOut;
#[cfg(test)]
pub(crate) use flat::Node;
pub(crate) use flat::Tree;
pub use flat::{FlatTrees, Input};
pub use forest::{RandomForest, RandomForestOptions};
pub(crate) use import::Read as ReadTrees;
pub use import::{ForeignTree, ForeignTrees, Link, TreeEnsemble};
pub(crate) use logistic::choose_l2;
pub use logistic::{LinearModel, Logistic, LogisticOptions};
pub(crate) use training::{Training, prior_log_odds, select};
