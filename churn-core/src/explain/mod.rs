//! Explanations of scores: exact Shapley values in log-odds.

mod imported;
mod linear;
mod quadrature;
mod tree_shap;

pub(crate) use linear::linear_contributions;
pub(crate) use tree_shap::tree_contributions;
