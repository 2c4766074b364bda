//! Risk bands: coarse classes of risk.

use serde::{Deserialize, Serialize};

use crate::error::names;
use crate::numeric::{logit, sigmoid};

names! {
    /// A coarse class of risk. The band depends on the ratio of two odds: the customer's odds of churn, p / (1 - p) for
    /// the probability p, and the overall odds of churn at the training dates.
    #[derive(PartialOrd, Ord)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "lowercase"))]
    pub enum RiskBand: "risk_band" {
        /// The predicted probability is below the churn rate at the training dates.
        Low = "low",
        /// The predicted probability is at least the churn rate at the training dates, and the odds of churn are less
        /// than twice the overall odds at the training dates.
        Medium = "medium",
        /// The odds of churn are at least twice, but less than four times, the overall odds at the training dates.
        High = "high",
        /// The odds of churn are at least four times the overall odds at the training dates.
        Critical = "critical",
    }
}

/// The lowest probability of each risk band above `low`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RiskBands {
    /// The lowest probability of the band `medium`. All lower probabilities are in the band `low`.
    pub medium: f64,
    /// The lowest probability of the band `high`.
    pub high: f64,
    /// The lowest probability of the band `critical`.
    pub critical: f64,
}

/// Mean predicted probability and observed churn rate in one risk band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BandCalibration {
    /// The risk band.
    pub band: RiskBand,
    /// The lowest probability that belongs to the band.
    pub from: f64,
    /// Number of rows (customer-date pairs) whose probability is in the band.
    pub rows: usize,
    /// Number of rows whose probability is in the band and whose customer churned.
    pub churned: usize,
    /// Mean predicted probability of the rows in the band; `None` if the band has no rows.
    pub mean_probability: Option<f64>,
    /// Observed churn rate of the rows in the band; `None` if the band has no rows.
    pub churn_rate: Option<f64>,
}

impl RiskBands {
    /// Compares the predicted probabilities in each band with the observed churn. The lowest band comes first.
    pub(crate) fn check(&self, probabilities: &[f64], churned: &[bool]) -> Vec<BandCalibration> {
        let begin = [
            (RiskBand::Low, 0.0),
            (RiskBand::Medium, self.medium),
            (RiskBand::High, self.high),
            (RiskBand::Critical, self.critical),
        ];
        begin
            .into_iter()
            .map(|(band, from)| {
                let (mut rows, mut churners, mut sum) = (0usize, 0usize, 0.0);
                for (&p, &churned) in probabilities.iter().zip(churned) {
                    if self.band(p) == band {
                        rows += 1;
                        churners += usize::from(churned);
                        sum += p;
                    }
                }
                BandCalibration {
                    band,
                    from,
                    rows,
                    churned: churners,
                    mean_probability: (rows > 0).then(|| sum / rows as f64),
                    churn_rate: (rows > 0).then(|| churners as f64 / rows as f64),
                }
            })
            .collect()
    }

    /// Returns the default thresholds for a given churn rate. The band `medium` begins at this rate. The bands `high`
    /// and `critical` begin at twice and at four times the odds of this rate.
    pub(crate) fn around(rate: f64) -> Self {
        let at = |factor: f64| sigmoid(logit(rate) + crate::numeric::ln(factor));
        Self {
            medium: at(1.0),
            high: at(2.0),
            critical: at(4.0),
        }
    }

    /// Returns the risk band that contains a probability.
    pub fn band(&self, probability: f64) -> RiskBand {
        if probability >= self.critical {
            RiskBand::Critical
        } else if probability >= self.high {
            RiskBand::High
        } else if probability >= self.medium {
            RiskBand::Medium
        } else {
            RiskBand::Low
        }
    }

    /// Whether the lowest probabilities of the bands are between 0 and 1 and in ascending order.
    pub(crate) fn is_valid(&self) -> bool {
        0.0 <= self.medium && self.medium <= self.high && self.high <= self.critical && self.critical <= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_follow_the_odds() {
        let bands = RiskBands::around(0.2);
        assert!((bands.high - 1.0 / 3.0).abs() < 1e-12 && (bands.critical - 0.5).abs() < 1e-12);
        assert!(bands.is_valid());
        let shown: Vec<&str> = [0.1, 0.25, 0.4, 0.9].iter().map(|&p| bands.band(p).as_str()).collect();
        assert_eq!(shown, ["low", "medium", "high", "critical"]);
    }
}
