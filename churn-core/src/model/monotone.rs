//! Monotonic constraints of features, and the fit of members that obey these constraints.

use ndarray::ArrayView2;

use crate::ensemble::{GradientBoostingOptions, LinearModel, Logistic};
use crate::error::{Error, ErrorKind, Result, excerpt, names};
use crate::features::{Columns, FeatureColumn};
use crate::model::sample::Examples;
use crate::parallel::Workers;
use crate::preprocess::FittedPreprocessor;

names! {
    /// The direction in which the probability may change as a feature grows, if all other features stay equal.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
    #[non_exhaustive]
    pub enum Monotonicity: "monotone_constraints" {
        /// The probability never falls as the feature grows.
        Increasing = "increasing" | "raises",
        /// The probability never rises as the feature grows.
        Decreasing = "decreasing" | "lowers",
    }
}

/// The constraint of each feature: 1 if the probability may never fall as the feature grows, -1 if the probability may
/// never rise, and 0 if there is no constraint. The list is empty if no feature has a constraint.
pub(crate) struct Directions(Vec<i8>);

impl Directions {
    /// Looks up the constraints of the features of a table.
    ///
    /// # Errors
    /// `invalid_option` if a name in `wanted` is not the name of a numeric feature, or occurs twice.
    pub(crate) fn of(wanted: &[(String, Monotonicity)], table: Columns<'_>) -> Result<Self> {
        if wanted.is_empty() {
            return Ok(Self(vec![]));
        }
        let refuse = |name: &str, why: &str| {
            let message = format!("monotone_constraints: '{}' {why}", excerpt(name));
            Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("monotone_constraints")))
        };
        let mut directions = vec![0; table.columns.len()];
        for (name, direction) in wanted {
            let Some(feature) = table.names.iter().position(|known| known == name) else {
                return refuse(name, "is not a feature");
            };
            if matches!(table.columns[feature], FeatureColumn::Text { .. }) {
                return refuse(name, "is a text feature; monotonic constraints need a number");
            }
            if directions[feature] != 0 {
                return refuse(name, "occurs twice");
            }
            directions[feature] = match direction {
                Monotonicity::Increasing => 1,
                Monotonicity::Decreasing => -1,
            };
        }
        Ok(Self(directions))
    }

    /// The constraints of the columns on which trees are fitted. If no feature has a constraint, the result contains
    /// the constraints of the boosting options.
    pub(crate) fn of_trees(&self, boosting: &GradientBoostingOptions, preprocessor: &FittedPreprocessor) -> Vec<i8> {
        if self.0.is_empty() {
            return boosting.monotone_constraints.clone();
        }
        let sources = preprocessor.encoded_sources().iter();
        sources.map(|&feature| self.0[feature as usize]).collect()
    }

    /// Fits the linear member. Columns whose coefficient has the wrong sign are removed, and the others are fitted
    /// again, until no coefficient has the wrong sign.
    pub(crate) fn fit_linear(
        &self,
        logistic: &Logistic,
        preprocessor: &FittedPreprocessor,
        design: ArrayView2<'_, f64>,
        examples: &Examples<'_>,
        workers: &Workers,
    ) -> Result<LinearModel> {
        let mut model = logistic.fit_on(design, examples.churned, examples.weights, workers)?;
        let bound: Vec<(usize, f64)> = (self.0.iter().enumerate())
            .filter(|(_, direction)| **direction != 0)
            .flat_map(|(feature, &direction)| {
                preprocessor
                    .rising(feature)
                    .map(move |column| (column, f64::from(direction)))
            })
            .collect();
        let mut taken = vec![];
        loop {
            let coefficients = model.coefficients();
            let wrong = |(column, sign): &&(usize, f64)| sign * coefficients[*column] < 0.0;
            let more: Vec<usize> = bound.iter().filter(wrong).map(|(column, _)| *column).collect();
            if more.is_empty() {
                return Ok(model);
            }
            taken.extend(more);
            let mut without = design.to_owned();
            taken.iter().for_each(|&column| without.column_mut(column).fill(0.0));
            model = logistic
                .fit_on(without.view(), examples.churned, examples.weights, workers)?
                .without(&taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FeatureMatrix;
    use crate::model::tests::{day, options, world};
    use crate::model::{ChurnModel, EnsembleOptions, TrainOptions};
    use crate::parallel::Execution;

    /// Lets a single feature grow step by step. Returns the sum of all decreases and the sum of all increases of the
    /// probabilities.
    fn swept(model: &ChurnModel, matrix: &FeatureMatrix, name: &str) -> Result<(f64, f64)> {
        let feature = matrix.names.iter().position(|known| known == name).unwrap();
        let FeatureColumn::Number(values) = &matrix.columns[feature] else {
            panic!("{name} is text")
        };
        let mut steps: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        steps.sort_by(f64::total_cmp);
        steps.dedup();
        assert!(steps.len() > 3, "{name}");
        steps.extend([steps[0] - 1.0, steps[0] - 1e6, steps[steps.len() - 1] + 1e6]);
        steps.sort_by(f64::total_cmp);
        let (mut fallen, mut risen) = (0.0, 0.0);
        let mut before: Option<Vec<f64>> = None;
        for step in steps {
            let mut changed = matrix.clone();
            changed.columns[feature] = FeatureColumn::Number(vec![step; values.len()]);
            let now = model.predict_proba(&changed, &Execution::new())?;
            for (a, b) in before.iter().flatten().zip(&now) {
                fallen += f64::max(a - b, 0.0);
                risen += f64::max(b - a, 0.0);
            }
            before = Some(now);
        }
        Ok((fallen, risen))
    }

    #[test]
    fn the_whole_model_obeys_its_constraints() -> Result<()> {
        let records = world(300, 5).records("acme");
        let train = |monotone: &[(&str, Monotonicity)], linear_alone: bool| {
            let mut options = options(2);
            options.ensemble.deep_boosting = EnsembleOptions::default().deep_boosting.map(|mut boosting| {
                boosting.n_trees = 30;
                boosting
            });
            if linear_alone {
                options.ensemble = EnsembleOptions {
                    boosting: None,
                    deep_boosting: None,
                    forest: None,
                    ..options.ensemble
                };
            }
            options.ensemble.monotone_constraints = monotone
                .iter()
                .map(|(name, direction)| ((*name).to_owned(), *direction))
                .collect();
            ChurnModel::train(&records, &options)
        };
        // Three features have an increasing constraint, and a fourth feature has a decreasing constraint. All other
        // features are unconstrained.
        let wanted = [
            ("tickets_lifetime_count", Monotonicity::Increasing),
            ("payments_lifetime_count", Monotonicity::Increasing),
            ("payments_days_since_last_paid", Monotonicity::Decreasing),
            ("customer_seats", Monotonicity::Increasing),
        ];
        for linear_alone in [false, true] {
            let (free, bound) = (train(&[], linear_alone)?, train(&wanted, linear_alone)?);
            let matrix = bound.features(&records, &[day(500).into()], &Execution::new())?;
            let (mut moved, mut against) = (0.0, 0.0);
            for (name, direction) in wanted {
                let wrong = |(fallen, risen): (f64, f64)| match direction {
                    Monotonicity::Increasing => (fallen, risen),
                    Monotonicity::Decreasing => (risen, fallen),
                };
                let (wrong_way, right_way) = wrong(swept(&bound, &matrix, name)?);
                assert_eq!(wrong_way, 0.0, "{name}");
                moved += right_way;
                against += wrong(swept(&free, &matrix, name)?).0;
            }
            assert!(moved > 1.0 && against > 1.0, "moved {moved}, free against {against}");
            let names: Vec<&str> = bound
                .report()
                .members
                .iter()
                .map(|member| member.name.as_str())
                .collect();
            if linear_alone {
                assert_eq!(names, ["linear"]);
                assert!(bound.report().dropped_members.is_empty());
            } else {
                assert_eq!(names, ["linear", "boosting", "deep_boosting"]);
                assert_eq!(bound.report().dropped_members[0].name, "forest");
                let card = bound.card().to_markdown();
                assert!(
                    card.contains("Dropped: forest, because")
                        && card.contains("may only fall with `payments_days_since_last_paid`")
                );
            }
            assert_eq!(bound.report().monotone_constraints.len(), 4);
        }
        Ok(())
    }

    #[test]
    fn constraints_that_cannot_be_obeyed_are_refused() {
        let records = world(120, 6).records("acme");
        let code = |names: &[&str], forest_alone: bool| {
            let mut options = options(1);
            options.ensemble.monotone_constraints = names
                .iter()
                .map(|name| ((*name).to_owned(), Monotonicity::Increasing))
                .collect();
            if forest_alone {
                options.ensemble = EnsembleOptions {
                    linear: false,
                    boosting: None,
                    ..options.ensemble
                };
            }
            let error = ChurnModel::train(&records, &TrainOptions { ..options }).unwrap_err();
            (error.code(), error.column().map(str::to_owned))
        };
        let wrong = ("invalid_option", Some("monotone_constraints".to_owned()));
        assert_eq!(code(&["unknown_feature"], false), wrong);
        assert_eq!(code(&["customer_plan"], false), wrong);
        assert_eq!(code(&["customer_seats", "customer_seats"], false), wrong);
        assert_eq!(
            code(&["customer_seats"], true),
            ("invalid_option", Some("ensemble".to_owned()))
        );
    }
}
