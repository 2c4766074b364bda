//! Warnings: problems that do not stop the work and that the user should check.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::AsOf;

/// The topic of a [`Warning`]. Each code is stable and the same in all languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum WarningCode {
    /// The date to be scored is so long after the last event of a table that its data feed seems to have stopped.
    StaleData,
    /// The mean probability of a run is far from the churn rates of all training dates.
    LevelOutsideTraining,
    /// Features have values far outside those of all training dates.
    FeaturesOutsideTraining,
    /// The records lack a column that the model uses.
    MissingColumn,
    /// The typical gap between the events that define inactivity is longer than the horizon.
    GapExceedsHorizon,
    /// At a training date, all customers churned, or none did.
    UniformTrainingDate,
    /// The churn rate of a training date is far from that of the other dates.
    UnusualTrainingDate,
    /// The model ranks customers no better than chance.
    NoBetterThanChance,
    /// The predicted level of churn differs from the observed level at the test date.
    LevelOff,
    /// Too few customers churned, or were retained, for a reliable metric, so it is not reported.
    TooFewOfAClass,
}

impl WarningCode {
    /// The stable code: `"stale_data"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StaleData => "stale_data",
            Self::LevelOutsideTraining => "level_outside_training",
            Self::FeaturesOutsideTraining => "features_outside_training",
            Self::MissingColumn => "missing_column",
            Self::GapExceedsHorizon => "gap_exceeds_horizon",
            Self::UniformTrainingDate => "uniform_training_date",
            Self::UnusualTrainingDate => "unusual_training_date",
            Self::NoBetterThanChance => "no_better_than_chance",
            Self::LevelOff => "level_off",
            Self::TooFewOfAClass => "too_few_of_a_class",
        }
    }
}

impl fmt::Display for WarningCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A problem of a training or a run that does not stop it and that the user should check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Warning {
    /// The topic of the warning.
    pub code: WarningCode,
    /// The problem and what to do about it, in plain English.
    pub message: String,
    /// The columns or features concerned; empty if there are none.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The dates concerned, sorted; empty if there are none.
    #[serde(default)]
    pub dates: Vec<AsOf>,
}

impl Warning {
    pub(crate) fn new(code: WarningCode, message: String) -> Self {
        Self {
            code,
            message,
            columns: vec![],
            dates: vec![],
        }
    }

    /// Sets the columns or features concerned.
    pub(crate) fn of_columns(self, columns: Vec<String>) -> Self {
        Self { columns, ..self }
    }

    /// Sets the dates concerned.
    pub(crate) fn of_dates(self, dates: Vec<AsOf>) -> Self {
        Self { dates, ..self }
    }
}

impl fmt::Display for Warning {
    /// Writes the code, then the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
