//! How good a set of predictions is, and how sure that is.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::metrics::{CalibrationBin, Metric, Ranked, bootstrap_intervals};
use crate::parallel::Workers;

/// A figure with its 90 % interval, from a bootstrap that draws whole customers. Where drawing again is biased, as it is
/// upwards for the calibration error, the interval is widened to hold the figure itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure on all rows.
    pub value: f64,
    /// 5th percentile over the replicates.
    pub low: f64,
    /// 95th percentile over the replicates.
    pub high: f64,
}

/// What predictions were worth on rows that no part of the model had seen. A figure that is not defined,
/// as with a single class, is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Measures {
    /// Rows measured.
    pub rows: usize,
    /// Rows that churned.
    pub churned: usize,
    /// Mean predicted probability.
    pub mean_probability: f64,
    /// Area under the ROC curve; ties count half.
    pub roc_auc: Option<Estimate>,
    /// Average precision.
    pub pr_auc: Option<Estimate>,
    /// Mean negative log-likelihood.
    pub log_loss: Option<Estimate>,
    /// Mean squared error of the probability.
    pub brier: Option<Estimate>,
    /// Expected calibration error over ten bins of equal size.
    pub calibration_error: Option<Estimate>,
    /// Churn rate among the tenth with the highest scores, over the churn rate of all.
    pub top_decile_lift: Option<Estimate>,
    /// Predicted against observed, in ten bins of equal size.
    pub calibration: Vec<CalibrationBin>,
}

const REPLICATES: usize = 200;
const LEVEL: f64 = 0.9;

/// Measures predictions; `customers` are the codes by which the bootstrap draws.
pub(crate) fn measure(
    churned: &[bool],
    probabilities: &[f64],
    customers: &[u32],
    seed: u64,
    workers: &Workers,
) -> Result<Measures> {
    let metrics: [Metric; 6] = [
        Ranked::roc_auc,
        Ranked::pr_auc,
        Ranked::log_loss,
        Ranked::brier,
        Ranked::calibration_error,
        |ranked| ranked.lift_at(0.1),
    ];
    let ranked = Ranked::new(churned, probabilities);
    let intervals = bootstrap_intervals(&ranked, customers, &metrics, REPLICATES, LEVEL, seed, workers)?;
    let estimate = |metric: usize| {
        let value = metrics[metric](&ranked).filter(|value| value.is_finite())?;
        intervals[metric].map(|(low, high)| Estimate {
            value,
            low: low.min(value),
            high: high.max(value),
        })
    };
    let rows = churned.len();
    Ok(Measures {
        rows,
        churned: churned.iter().filter(|&&churned| churned).count(),
        mean_probability: probabilities.iter().sum::<f64>() / rows.max(1) as f64,
        roc_auc: estimate(0),
        pr_auc: estimate(1),
        log_loss: estimate(2),
        brier: estimate(3),
        calibration_error: estimate(4),
        top_decile_lift: estimate(5),
        calibration: ranked.calibration(),
    })
}
