//! What does not stop the work and should be looked at.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::AsOf;

/// What a [`Warning`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum WarningCode {
    /// The date to be scored lies so far behind the last event of a table that the table seems to have stopped.
    StaleData,
    /// The mean probability of a run is far from the churn rates of all training dates.
    LevelOutsideTraining,
    /// Features have values that no training date came near.
    FeaturesOutsideTraining,
    /// The records lack a column that the model looks at.
    MissingColumn,
    /// The usual gap between the events that inactivity is measured by is longer than the horizon.
    GapExceedsHorizon,
    /// At a training date everybody churned, or nobody did.
    UniformTrainingDate,
    /// At a training date the churn rate is far from that of the other dates.
    UnusualTrainingDate,
    /// The model ranks customers no better than chance.
    NoBetterThanChance,
    /// The predicted level of churn is not the one that was observed on the test date.
    LevelOff,
    /// So few customers churned, or stayed, that a measure cannot be trusted and is not given.
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

/// Something about a training or a run that does not stop it and that should be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Warning {
    /// What it is about.
    pub code: WarningCode,
    /// What was found and what to do, in plain English.
    pub message: String,
    /// The columns or features it is about; empty where it is about none.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The dates it is about, sorted; empty where it is about none.
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

    /// About these columns or features.
    pub(crate) fn of_columns(self, columns: Vec<String>) -> Self {
        Self { columns, ..self }
    }

    /// About these dates.
    pub(crate) fn of_dates(self, dates: Vec<AsOf>) -> Self {
        Self { dates, ..self }
    }
}

impl fmt::Display for Warning {
    /// The code, then the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
