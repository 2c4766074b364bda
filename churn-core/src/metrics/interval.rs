//! Intervals, and estimates with an interval.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A closed interval. The documentation of each function or field with an interval states what the interval means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Interval {
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Interval {
    /// Creates the interval from `low` to `high`.
    pub fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// Whether the value lies in the interval.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The width of the interval: the upper end minus the lower end.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

/// A metric with its 90 % confidence interval. The interval comes from a bootstrap that resamples whole customers.
///
/// Serde writes one flat object: `{"value": 0.81, "low": 0.78, "high": 0.84}`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Estimate {
    /// The value of the metric, computed from all rows.
    pub value: f64,
    /// The 90 % confidence interval of the metric.
    #[serde(flatten)]
    pub interval: Interval,
}

impl fmt::Display for Estimate {
    /// Writes the value and its interval: `0.810 (0.780 to 0.840)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interval { low, high } = self.interval;
        write!(f, "{:.3} ({low:.3} to {high:.3})", self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_round_trip_as_flat_objects() {
        let (value, low, high) = (0.1 + 0.2, 1.0 / 3.0, 0.7);
        let interval = Interval { low, high };
        let estimate = Estimate { value, interval };
        let text = serde_json::to_string(&estimate).unwrap();
        assert_eq!(
            text,
            r#"{"value":0.30000000000000004,"low":0.3333333333333333,"high":0.7}"#
        );
        assert_eq!(serde_json::from_str::<Estimate>(&text).unwrap(), estimate);
        assert!(
            estimate.interval.contains(0.5)
                && !estimate.interval.contains(0.3)
                && Interval::new(1.0, 3.0).width() == 2.0
        );
    }
}
