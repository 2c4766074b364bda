//! Metrics of a set of predictions, with confidence intervals.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::metrics::{CalibrationBin, Estimate, Interval, Metric, Ranked, bootstrap_intervals};
use crate::parallel::Workers;

/// Metrics of predictions. Each row was predicted by a model that was fitted without this row. A metric is `None` if it
/// is undefined, for example because all rows have the same label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Measures {
    /// Number of rows (predictions).
    pub rows: usize,
    /// Number of rows whose customer churned.
    pub churned: usize,
    /// Mean predicted probability over all rows.
    pub mean_probability: f64,
    /// Area under the ROC curve. Each churned row is paired with each retained row. The area is the share of pairs in
    /// which the churned row has the higher prediction. A pair with equal predictions counts half. Random predictions
    /// give 0.5, and a perfect ranking gives 1.
    pub roc_auc: Option<Estimate>,
    /// Average precision, a summary of the precision-recall curve. Random predictions give about the churn rate, and a
    /// perfect ranking gives 1.
    pub pr_auc: Option<Estimate>,
    /// Mean negative log-likelihood of the labels, in nats. Lower is better.
    pub log_loss: Option<Estimate>,
    /// Brier score: the mean squared difference between the predicted probability and the label (0 or 1). Lower is
    /// better.
    pub brier: Option<Estimate>,
    /// Expected calibration error. For each of ten bins of equal size, the absolute difference between the mean
    /// predicted probability and the observed churn rate is computed. The error is the mean of these differences. Lower
    /// is better. Sampling noise makes the error positive even if the predictions are calibrated. The interval is
    /// therefore a basic (reflected) bootstrap interval. The interval begins at 0 if sampling noise alone can explain
    /// an error of this size.
    pub calibration_error: Option<Estimate>,
    /// The calibration error that sampling noise alone can cause: the 95th percentile of the expected calibration error
    /// in simulations. In each simulation, every row churns with its predicted probability.
    #[serde(alias = "calibration_error_by_chance")]
    pub calibration_error_null_95: Option<f64>,
    /// Slope of the logistic regression of labels on predicted log-odds. The slope is 1 if the predictions are
    /// calibrated, and below 1 if they are too extreme.
    pub calibration_slope: Option<Estimate>,
    /// Intercept of the logistic regression of labels on predicted log-odds. The intercept is 0 if the predictions are
    /// calibrated.
    pub calibration_intercept: Option<Estimate>,
    /// The constant that must be added to all predicted log-odds so that the mean probability equals the churn rate. At
    /// a date later than the training dates, this constant measures how much the churn rate has drifted for reasons
    /// that the features do not show. Drift is reported if the confidence interval of the constant excludes 0.
    /// Predictions are not corrected for drift. `None` if the model was trained by a version of this library without
    /// this metric.
    #[serde(default)]
    pub base_rate_shift: Option<Estimate>,
    /// Churn rate among the 10 % of rows with the highest scores, divided by the overall churn rate. Random scores give
    /// about 1.
    pub top_decile_lift: Option<Estimate>,
    /// Calibration table: the mean predicted probability and the observed churn rate in ten bins of equal size, lowest
    /// predictions first.
    pub calibration: Vec<CalibrationBin>,
    /// Why the metrics of ranking and calibration are `None` although both labels occur. The reason is always that one
    /// label has too few customers for a reliable interval.
    #[serde(default)]
    pub not_measured_reason: Option<String>,
}

impl fmt::Display for Measures {
    /// Writes the counts, and then each metric that is not `None`, with its interval, on its own line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, churned, mean) = (self.rows, self.churned, self.mean_probability);
        write!(f, "{rows} rows, {churned} churned; mean probability {mean:.3}")?;
        let metrics = [
            ("ROC AUC", self.roc_auc),
            ("PR AUC", self.pr_auc),
            ("log-loss", self.log_loss),
            ("Brier score", self.brier),
            ("calibration error", self.calibration_error),
            ("calibration slope", self.calibration_slope),
            ("base-rate shift", self.base_rate_shift),
            ("top-decile lift", self.top_decile_lift),
        ];
        for (name, metric) in metrics {
            if let Some(estimate) = metric {
                write!(f, "\n{name:<18} {estimate}")?;
            }
        }
        match &self.not_measured_reason {
            Some(reason) => write!(f, "\nranking and calibration are not measured: {reason}"),
            None => Ok(()),
        }
    }
}

/// Minimum number of customers with each label for which intervals are computed. With fewer customers, a bootstrap
/// repeats the same few customers, and its interval is far too narrow. For example, a single churned customer who is
/// ranked first gives an AUC of 1.000 with the interval 1.000 to 1.000.
const FEWEST_OF_A_CLASS: usize = 10;

/// Returns the reason why ranking and calibration cannot be measured: one label has too few customers. `None` if both
/// labels have enough customers, or if only one label occurs.
fn too_few(churned: &[bool], customers: &[u32]) -> Option<String> {
    let distinct = |wanted: bool| {
        let rows = customers.iter().zip(churned).filter(|(_, churned)| **churned == wanted);
        rows.map(|(customer, _)| customer).collect::<HashSet<_>>().len()
    };
    let (left, stayed) = (distinct(true), distinct(false));
    let (fewest, did) = if left <= stayed {
        (left, "churned")
    } else {
        (stayed, "stayed")
    };
    (1..FEWEST_OF_A_CLASS).contains(&fewest).then(|| {
        let customers = if fewest == 1 { "customer" } else { "customers" };
        format!("only {fewest} {customers} {did}, and an interval needs {FEWEST_OF_A_CLASS}")
    })
}

/// Number of bootstrap replicates for a given number of rows. Large samples need fewer replicates than small samples,
/// because the intervals of large samples are narrow.
fn replicates(rows: usize) -> usize {
    match rows {
        0..20_000 => 400,
        20_000..200_000 => 200,
        _ => 100,
    }
}

const LEVEL: f64 = 0.9;

/// Computes the metrics of predictions. `customers` are the customer codes of the rows. The bootstrap resamples whole
/// customers.
pub(crate) fn measure(
    churned: &[bool],
    probabilities: &[f64],
    customers: &[u32],
    seed: u64,
    workers: &Workers,
) -> Result<Measures> {
    let ranked = Ranked::new(churned, probabilities);
    let log_odds = ranked.log_odds();
    let line = ranked.line(&log_odds, (1.0, 0.0), 50);
    // In a bootstrap replicate, two Newton steps suffice, because they start from the line that was fitted to all rows.
    let again = |ranked: &Ranked| ranked.line(&log_odds, line?, 2);
    let shift = ranked.shift(&log_odds, 0.0).unwrap_or(0.0);
    let log_losses = ranked.log_losses();
    let metrics: [Metric<'_>; 9] = [
        Box::new(Ranked::roc_auc),
        Box::new(Ranked::pr_auc),
        Box::new(|ranked| ranked.mean_of(&log_losses)),
        Box::new(Ranked::brier),
        Box::new(Ranked::calibration_error),
        Box::new(|ranked| ranked.lift_at(0.1)),
        Box::new(|ranked| again(ranked).map(|line| line.0)),
        Box::new(|ranked| again(ranked).map(|line| line.1)),
        Box::new(|ranked| ranked.shift(&log_odds, shift)),
    ];
    let rows = churned.len();
    let draws = replicates(rows);
    let intervals = bootstrap_intervals(&ranked, customers, &metrics, draws, LEVEL, seed, workers)?;
    let not_measured_reason = too_few(churned, customers);
    // Log-loss, Brier score and base-rate shift are averages over all rows, so they are reliable even if one class has
    // few customers. All other metrics depend mainly on the minority class.
    let measured = |metric: usize| not_measured_reason.is_none() || [2, 3, 8].contains(&metric);
    let estimate = |metric: usize| {
        let value = metrics[metric](&ranked).filter(|value| measured(metric) && value.is_finite())?;
        intervals[metric].map(|(low, high)| Estimate {
            value,
            interval: Interval::new(low.min(value), high.max(value)),
        })
    };
    let by_chance = ranked.calibration_error_null_95(draws, seed, workers)?;
    let calibration_error = estimate(4).map(|plain| {
        let value = plain.value;
        let (low, high) = intervals[4].unwrap_or((value, value));
        Estimate {
            value,
            interval: Interval {
                low: if by_chance.is_some_and(|chance| value <= chance) {
                    0.0
                } else {
                    (2.0 * value - high).clamp(0.0, value)
                },
                high: (2.0 * value - low).max(value),
            },
        }
    });
    Ok(Measures {
        rows,
        churned: churned.iter().filter(|&&churned| churned).count(),
        mean_probability: probabilities.iter().sum::<f64>() / rows.max(1) as f64,
        roc_auc: estimate(0),
        pr_auc: estimate(1),
        log_loss: estimate(2),
        brier: estimate(3),
        calibration_error,
        calibration_error_null_95: by_chance,
        calibration_slope: estimate(6),
        calibration_intercept: estimate(7),
        base_rate_shift: estimate(8),
        top_decile_lift: estimate(5),
        calibration: ranked.calibration(),
        not_measured_reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::{SplitMix, ln, sigmoid};

    /// Returns labels, predictions and customer codes. The predictions are slightly too extreme. Each customer has two
    /// rows with a shared random effect.
    fn fresh(customers: usize, seed: u64) -> (Vec<bool>, Vec<f64>, Vec<u32>) {
        let mut random = SplitMix::new(seed, 5);
        let mut bell = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        let (mut churned, mut probabilities, mut codes) = (vec![], vec![], vec![]);
        for customer in 0..customers as u32 {
            let (own, luck) = (bell(), bell());
            for _ in 0..2 {
                let z = 1.2 * own + 0.4 * bell();
                let draw = (1000.0 * bell()).rem_euclid(1.0);
                churned.push(ln(draw / (1.0 - draw)) < 0.8 * z - 1.2 + 0.5 * luck);
                probabilities.push(sigmoid(z - 1.4));
                codes.push(customer);
            }
        }
        (churned, probabilities, codes)
    }

    /// Returns, for each metric, the share of random samples in which the metric's interval contains the true value.
    fn coverage(seeds: u64, customers: usize) -> Vec<(&'static str, f64)> {
        type Figure = (&'static str, fn(&Measures) -> Option<Estimate>);
        const FIGURES: [Figure; 7] = [
            ("roc_auc", |m| m.roc_auc),
            ("pr_auc", |m| m.pr_auc),
            ("log_loss", |m| m.log_loss),
            ("brier", |m| m.brier),
            ("top_decile_lift", |m| m.top_decile_lift),
            ("calibration_slope", |m| m.calibration_slope),
            ("calibration_intercept", |m| m.calibration_intercept),
        ];
        let (churned, probabilities, _) = fresh(1_000_000, 999);
        let ranked = Ranked::new(&churned, &probabilities);
        let line = ranked.line(&ranked.log_odds(), (1.0, 0.0), 50).unwrap();
        let truth = [
            ranked.roc_auc().unwrap(),
            ranked.pr_auc().unwrap(),
            ranked.log_loss().unwrap(),
            ranked.brier().unwrap(),
            ranked.lift_at(0.1).unwrap(),
            line.0,
            line.1,
        ];
        let mut held = [0usize; 7];
        for seed in 0..seeds {
            let (churned, probabilities, codes) = fresh(customers, seed);
            let measures = measure(&churned, &probabilities, &codes, seed, &Workers::inline()).unwrap();
            for ((held, (_, figure)), truth) in held.iter_mut().zip(FIGURES).zip(truth) {
                let estimate = figure(&measures).unwrap();
                *held += usize::from(estimate.interval.contains(truth));
            }
        }
        let share = |held: usize| held as f64 / seeds as f64;
        FIGURES
            .iter()
            .zip(held)
            .map(|((name, _), held)| (*name, share(held)))
            .collect()
    }

    #[test]
    fn intervals_have_about_their_nominal_coverage() {
        for (name, share) in coverage(120, 300) {
            assert!((0.82..=0.97).contains(&share), "{name}: {share}");
        }
    }

    /// This test is slow and is ignored by default. Run it with `cargo test --release -p churn-core --lib -- --ignored
    /// --nocapture ninety_per_cent`.
    #[test]
    #[ignore = "a minute: 1 000 seeds"]
    fn ninety_per_cent_intervals_hold_the_truth_nine_times_in_ten() {
        for (name, share) in coverage(1000, 1000) {
            println!("{name}: {share}");
            assert!((0.88..=0.92).contains(&share), "{name}: {share}");
        }
    }

    #[test]
    fn few_churners_have_no_interval() {
        let probabilities: Vec<f64> = (0..422).map(|row| f64::from(row) / 422.0).collect();
        let customers: Vec<u32> = (0..422).collect();
        let with = |churners: usize| {
            let churned: Vec<bool> = (0..422).map(|row| row >= 422 - churners).collect();
            measure(&churned, &probabilities, &customers, 1, &Workers::inline()).unwrap()
        };
        let few = with(1);
        assert_eq!(
            (few.roc_auc, few.top_decile_lift, few.calibration_slope),
            (None, None, None)
        );
        assert_eq!(
            few.not_measured_reason.as_deref(),
            Some("only 1 customer churned, and an interval needs 10")
        );
        assert!(few.log_loss.is_some() && few.brier.is_some());
        let enough = with(10);
        assert!(enough.roc_auc.is_some() && enough.not_measured_reason.is_none());
    }

    #[test]
    fn the_calibration_error_of_a_calibrated_model_is_within_sampling_noise() {
        let mut random = SplitMix::new(3, 3);
        let probabilities: Vec<f64> = (0..3000).map(|_| 0.5 * random.unit()).collect();
        let churned: Vec<bool> = probabilities.iter().map(|&p| random.unit() < p).collect();
        let codes: Vec<u32> = (0..3000).collect();
        let measures = measure(&churned, &probabilities, &codes, 1, &Workers::inline()).unwrap();
        let error = measures.calibration_error.unwrap();
        assert!(error.value < measures.calibration_error_null_95.unwrap() && error.interval.low == 0.0);
        let slope = measures.calibration_slope.unwrap();
        assert!(slope.interval.contains(1.0), "{slope:?}");
        let off: Vec<f64> = probabilities.iter().map(|p| (p + 0.1).min(1.0)).collect();
        let measures = measure(&churned, &off, &codes, 1, &Workers::inline()).unwrap();
        let error = measures.calibration_error.unwrap();
        assert!(error.interval.low > 0.05 && error.value > measures.calibration_error_null_95.unwrap());
    }
}
