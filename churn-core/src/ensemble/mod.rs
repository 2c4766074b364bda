//! The members of the ensemble, and the one layout that all trees end in.

mod bins;
mod boosting;
mod flat;
mod forest;
mod grow;
mod training;

pub(crate) use boosting::HeldOut;
pub use boosting::{GradientBoosting, GradientBoostingOptions};
pub use flat::{FlatEnsemble, Input};
pub(crate) use flat::{LEAF, Node};
pub use forest::{RandomForest, RandomForestOptions};
pub(crate) use training::{Training, prior_log_odds};
