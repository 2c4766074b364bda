//! Fits the members, then fits the blend and the calibration to the out-of-fold predictions of the members.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::calibration::Calibrator;
use crate::ensemble::{
    Blend, GradientBoosting, GradientBoostingOptions, HeldOut, Logistic, LogisticOptions, RandomForest,
    RandomForestOptions, choose_l2, select,
};
use crate::error::{Error, ErrorKind, Result};
use crate::evaluate::grouped_folds;
use crate::features::Columns;
use crate::metrics::log_loss;
use crate::model::members::{Inputs, Member};
use crate::model::monotone::Directions;
use crate::model::options::EnsembleOptions;
use crate::model::sample::Examples;
use crate::numeric::{ln, sigmoid};
use crate::parallel::Workers;
use crate::preprocess::FittedPreprocessor;

/// The part of a model that turns a feature matrix into probabilities and contributions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Scorer {
    pub(crate) preprocessor: FittedPreprocessor,
    pub(crate) members: Vec<Member>,
    pub(crate) blend: Blend,
    pub(crate) calibrator: Calibrator,
}

/// Out-of-fold predictions: each row is predicted by members that were not fitted on rows of the same customer (or
/// group).
pub(crate) struct OutOfFold {
    /// Blended log-odds (the weighted sum of the members' log-odds) of every row, before calibration.
    pub(crate) log_odds: Vec<f64>,
    pub(crate) probabilities: Vec<f64>,
    /// The out-of-fold log-loss of each member (base learner), before calibration.
    pub(crate) member_log_loss: Vec<f64>,
}

impl Scorer {
    /// Blended log-odds (the weighted sum of the members' log-odds) of every row, before calibration.
    pub(crate) fn log_odds(&self, table: Columns<'_>, workers: &Workers) -> Result<Vec<f64>> {
        let inputs = Inputs::new(&self.preprocessor, table, workers)?;
        let members = self
            .members
            .iter()
            .map(|member| member.log_odds(&inputs, workers))
            .collect::<Result<Vec<_>>>()?;
        Ok(self.blend.log_odds(&members))
    }

    /// Calibrated probability of churn of every row.
    pub(crate) fn probabilities(&self, table: Columns<'_>, workers: &Workers) -> Result<Vec<f64>> {
        let log_odds = self.log_odds(table, workers)?;
        Ok(log_odds.into_iter().map(|z| self.calibrator.probability(z)).collect())
    }

    /// Checks that the parts of the scorer are consistent with each other and with the given feature names.
    pub(crate) fn validate(&self, names: &[String]) -> Result<()> {
        self.preprocessor.validate(names)?;
        self.members
            .iter()
            .try_for_each(|member| member.check(&self.preprocessor))?;
        let fits = self.blend.is_valid(self.members.len()) && self.calibrator.is_valid();
        if fits {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::ArtifactDamaged,
                "the blend or the calibration is damaged",
            ))
        }
    }

    /// Shapley values for the blended log-odds (rows x features), and the base value.
    pub(crate) fn contributions(&self, table: Columns<'_>, workers: &Workers) -> Result<(Array2<f64>, f64)> {
        let inputs = Inputs::new(&self.preprocessor, table, workers)?;
        let mut total = Array2::zeros((table.rows, table.columns.len()));
        let mut base = 0.0;
        for (member, &weight) in self.members.iter().zip(self.blend.weights()) {
            if weight > 0.0 {
                base += member.add_contributions(weight, &inputs, &self.preprocessor, &mut total, workers)?;
            }
        }
        Ok((total, base))
    }
}

/// Settings that are chosen once and then used whenever the members are fitted, both in the folds and on all rows.
struct FitSettings {
    l2: f64,
    boosting: Option<GradientBoostingOptions>,
    deep_boosting: Option<GradientBoostingOptions>,
}

/// Fits a scorer. `part` holds the progress of the whole training run (from 0 to 1) at the start and at the end of this
/// fit.
pub(crate) fn fit(
    examples: &Examples<'_>,
    options: &EnsembleOptions,
    seed: u64,
    workers: &mut Workers,
    part: (f64, f64),
) -> Result<(Scorer, OutOfFold)> {
    let trees =
        options.boosting.is_some() || options.deep_boosting.is_some() || options.unconstrained_forest().is_some();
    if !options.linear && !trees {
        let message = match options.dropped_members().first() {
            Some(member) => format!("the ensemble has no member but the {}: {}", member.name, member.reason),
            None => "the ensemble has no member".to_owned(),
        };
        return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("ensemble")));
    }
    let weight = options.churn_weight;
    if !(weight.is_finite() && weight > 0.0) {
        let message = format!("churn_weight must be a number above 0, not {weight}");
        return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("churn_weight")));
    }
    let directions = Directions::of(&options.monotone_constraints, examples.table)?;
    let as_given = examples;
    let learning_weights = weighed(examples, weight);
    let examples = &Examples {
        weights: learning_weights.as_deref().or(examples.weights),
        ..*examples
    };
    let rarer = examples.rarer_groups()?;
    if rarer < 2 {
        return Err(Error::new(
            ErrorKind::TooLittleData,
            "only one customer, or group of rows of a flat table, is of the minority class: cross-validation needs at least 2",
        ));
    }
    let folds = options.folds.clamp(2, 20).min(rarer);
    let at = |share: f64| part.0 + (part.1 - part.0) * share;

    workers.part(at(0.0), at(0.15));
    let recipe = settle(examples, options, &directions, folds, seed, workers)?;
    workers.part(at(0.15), at(0.75));
    let fold_of = grouped_folds(examples.groups, examples.churned, folds, seed);
    let hold_out = |fold: usize| {
        let (inside, outside) = split(&fold_of, fold);
        let train = examples.select(&inside);
        let train = train.examples(examples.table.names);
        let preprocessor = FittedPreprocessor::fit(train.table, workers)?;
        let members = fit_members(&train, &preprocessor, options, &directions, &recipe, seed, workers)?;
        let test = examples.select(&outside);
        let inputs = Inputs::new(&preprocessor, test.examples(examples.table.names).table, workers)?;
        let predictions = members
            .iter()
            .map(|member| member.log_odds(&inputs, workers))
            .collect::<Result<Vec<_>>>()?;
        Ok((outside, predictions))
    };
    // The folds of a small sample are fitted in parallel. The folds of a large sample are fitted one by one to limit
    // memory use, because each fit copies its rows.
    let small = examples.churned.len() * examples.table.columns.len() <= SMALL_CELLS;
    let by_fold: Vec<(Vec<usize>, Vec<Vec<f64>>)> = if small {
        workers.map(0..folds, hold_out)?
    } else {
        (0..folds).map(hold_out).collect::<Result<_>>()?
    };
    let mut held_out: Vec<Vec<f64>> = vec![];
    for (rows, predictions) in by_fold {
        held_out.resize(predictions.len(), vec![0.0; examples.churned.len()]);
        for (all, member) in held_out.iter_mut().zip(predictions) {
            rows.iter().zip(member).for_each(|(&row, z)| all[row] = z);
        }
    }

    workers.part(at(0.75), at(1.0));
    let preprocessor = FittedPreprocessor::fit(examples.table, workers)?;
    let members = fit_members(examples, &preprocessor, options, &directions, &recipe, seed, workers)?;
    let linear = members.iter().position(|member| matches!(member, Member::Linear(_)));
    // If churned rows have a higher weight, the members predict log-odds that are too high by a constant. The constant
    // is subtracted before the blend is fitted. It is added to the blended log-odds again before the calibration is
    // fitted, because it is not subtracted at prediction time. Adding it once is correct, because the weights of the
    // blend sum to 1.
    let shift = ln(weight);
    held_out.iter_mut().flatten().for_each(|z| *z -= shift);
    let blend = Blend::fit(&held_out, examples.churned, as_given.weights, linear, workers)?;
    let blended: Vec<f64> = blend.log_odds(&held_out).into_iter().map(|z| z + shift).collect();
    let calibrator = Calibrator::fit(&blended, examples.churned, as_given.weights, &fold_of)?;
    let probabilities = blended.iter().map(|&z| calibrator.probability(z)).collect();
    let member_log_loss = held_out
        .iter()
        .map(|z| log_loss(examples.churned, &z.iter().map(|&z| sigmoid(z)).collect::<Vec<_>>()).unwrap_or(f64::NAN))
        .collect();
    Ok((
        Scorer {
            preprocessor,
            members,
            blend,
            calibrator,
        },
        OutOfFold {
            log_odds: blended,
            probabilities,
            member_log_loss,
        },
    ))
}

/// Multiplies the weight of every churned row by `churn_weight`, for the fit of the members. Returns `None` if
/// `churn_weight` is 1, because no weight changes then.
fn weighed(examples: &Examples<'_>, churn_weight: f64) -> Option<Vec<f64>> {
    let of = |row: usize| examples.weights.map_or(1.0, |weights| weights[row]);
    let rows = 0..examples.churned.len();
    (churn_weight != 1.0).then(|| {
        rows.map(|row| of(row) * if examples.churned[row] { churn_weight } else { 1.0 })
            .collect()
    })
}

/// If a sample has at most this number of cells (rows x columns), its folds are fitted in parallel.
const SMALL_CELLS: usize = 20_000_000;

/// Returns two lists: the indices of the rows outside a fold, and the indices of the rows inside the fold.
fn split(fold_of: &[usize], fold: usize) -> (Vec<usize>, Vec<usize>) {
    (0..fold_of.len()).partition(|&row| fold_of[row] != fold)
}

/// The patience of early stopping: how many trees may be added without improving the log-loss on held-out customers.
/// The higher the learning rate, the smaller the patience.
fn patience(boosting: &GradientBoostingOptions) -> usize {
    ((1.5 / boosting.learning_rate) as usize).clamp(10, 100)
}

/// Chooses the strength of the linear member's penalty, and the number of trees of the boosting members. The values
/// with the lowest loss on held-out customers are chosen.
fn settle(
    examples: &Examples<'_>,
    options: &EnsembleOptions,
    directions: &Directions,
    folds: usize,
    seed: u64,
    workers: &Workers,
) -> Result<FitSettings> {
    let fold_of = grouped_folds(examples.groups, examples.churned, folds, seed ^ 1);
    let preprocessor = FittedPreprocessor::fit(examples.table, workers)?;
    let inputs = Inputs::new(&preprocessor, examples.table, workers)?;
    let l2 = if options.linear {
        choose_l2(inputs.design(), examples.churned, examples.weights, &fold_of, workers)?
    } else {
        1.0
    };
    let (inside, outside) = split(&fold_of, 0);
    let pick = |rows: &[usize]| rows.iter().map(|&row| examples.churned[row]).collect::<Vec<_>>();
    let weigh = |rows: &[usize]| -> Option<Vec<f64>> {
        let weights = examples.weights?;
        Some(rows.iter().map(|&row| weights[row]).collect())
    };
    let (inside_churned, outside_churned) = (pick(&inside), pick(&outside));
    let (inside_weights, outside_weights) = (weigh(&inside), weigh(&outside));
    let (train, test) = if options.boosting.is_some() || options.deep_boosting.is_some() {
        (select(inputs.encoded(), &inside), select(inputs.encoded(), &outside))
    } else {
        Default::default()
    };
    let with_trees = |boosting: &Option<GradientBoostingOptions>| -> Result<Option<GradientBoostingOptions>> {
        let Some(boosting) = boosting else { return Ok(None) };
        let held_out = HeldOut {
            x: test.view(),
            churned: &outside_churned,
            weights: outside_weights.as_deref(),
            patience: patience(boosting),
        };
        let seeded = GradientBoosting::new(GradientBoostingOptions {
            seed,
            monotone_constraints: directions.of_trees(boosting, &preprocessor),
            ..boosting.clone()
        });
        let fitted = seeded.fit_on(
            train.view(),
            &inside_churned,
            inside_weights.as_deref(),
            Some(held_out),
            workers,
        )?;
        Ok(Some(GradientBoostingOptions {
            n_trees: fitted.n_trees().max(1),
            ..boosting.clone()
        }))
    };
    Ok(FitSettings {
        l2,
        boosting: with_trees(&options.boosting)?,
        deep_boosting: with_trees(&options.deep_boosting)?,
    })
}

fn fit_members(
    examples: &Examples<'_>,
    preprocessor: &FittedPreprocessor,
    options: &EnsembleOptions,
    directions: &Directions,
    recipe: &FitSettings,
    seed: u64,
    workers: &Workers,
) -> Result<Vec<Member>> {
    let inputs = Inputs::new(preprocessor, examples.table, workers)?;
    let mut members = vec![];
    if options.linear {
        let logistic = Logistic::new(LogisticOptions {
            l2: recipe.l2,
            ..Default::default()
        });
        members.push(Member::Linear(directions.fit_linear(
            &logistic,
            preprocessor,
            inputs.design(),
            examples,
            workers,
        )?));
    }
    let boost = |boosting: &GradientBoostingOptions| {
        let boosting = GradientBoosting::new(GradientBoostingOptions {
            seed,
            monotone_constraints: directions.of_trees(boosting, preprocessor),
            ..boosting.clone()
        });
        boosting.fit_on(inputs.encoded(), examples.churned, examples.weights, None, workers)
    };
    if let Some(boosting) = &recipe.boosting {
        members.push(Member::Boosting(boost(boosting)?));
    }
    if let Some(boosting) = &recipe.deep_boosting {
        members.push(Member::DeepBoosting(boost(boosting)?));
    }
    if let Some(forest) = options.unconstrained_forest() {
        let forest = RandomForest::new(RandomForestOptions {
            seed: seed ^ 2,
            ..forest.clone()
        });
        members.push(Member::Forest(forest.fit_on(
            inputs.encoded(),
            examples.churned,
            examples.weights,
            workers,
        )?));
    }
    Ok(members)
}
