//! Coarse classes of risk.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::numeric::{logit, sigmoid};

/// How urgent a customer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskBand {
    /// Below the usual.
    Low,
    /// Above the usual.
    Medium,
    /// At more than twice the usual odds.
    High,
    /// At more than four times the usual odds.
    Critical,
}

impl RiskBand {
    /// The band's name: `"critical"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for RiskBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The probabilities at which the bands begin; stored in the model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskBands {
    /// Where medium begins.
    pub medium: f64,
    /// Where high begins.
    pub high: f64,
    /// Where critical begins.
    pub critical: f64,
}

/// Predicted against observed in one band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BandCalibration {
    /// The band.
    pub band: RiskBand,
    /// The probability at which it begins.
    pub from: f64,
    /// Rows in it.
    pub rows: usize,
    /// Those that churned.
    pub churned: usize,
    /// What was predicted, on average; `None` without rows.
    pub mean_probability: Option<f64>,
    /// What was observed; `None` without rows.
    pub churn_rate: Option<f64>,
}

impl RiskBands {
    /// Predicted against observed in each band, low first.
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

    /// The usual thresholds of a churn rate: medium from the rate itself, high from twice its odds,
    /// critical from four times its odds.
    pub(crate) fn around(rate: f64) -> Self {
        let at = |factor: f64| sigmoid(logit(rate) + crate::numeric::ln(factor));
        Self {
            medium: at(1.0),
            high: at(2.0),
            critical: at(4.0),
        }
    }

    /// The band of a probability.
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

    /// Whether the thresholds are probabilities in ascending order.
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
