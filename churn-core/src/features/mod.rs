//! Computes the features of customers at a point in time, selects the eligible customers, and computes their churn
//! labels.

#[cfg(feature = "arrow")]
mod arrow;
mod block;
mod condition;
mod definition;
mod engine;
mod gap;
mod label;
mod matrix;
mod measure;
mod needs;
mod plan;
mod population;
mod program;
mod resolved;
mod rhythm;
mod series;
mod standard;
#[cfg(test)]
mod tests;
mod validate;
mod values;
mod view;

pub use definition::ChurnDefinition;
pub use engine::{eligible_features, features};
pub(crate) use gap::Gaps;
pub use gap::usual_gap_days;
pub use label::{Label, LabelRule, Labels, labels};
pub(crate) use label::{churned_in_the_end, ends_in_label_period, labels_within, mature_until};
pub(crate) use matrix::Columns;
pub use matrix::{FeatureColumn, FeatureMatrix};
pub use plan::{Axis, Condition, Feature, FeaturePlan, Function, Measure};
pub(crate) use population::{cannot_tell, check, eligible, is_eligible, require_end};
pub use resolved::{FeatureKind, ResolvedPlan};
pub(crate) use rhythm::due_day;
pub(crate) use view::{StreamView, has_column, has_visible_event, tenure_days};
