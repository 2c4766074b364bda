//! Warnings: problems that the user should check, although the work continues.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::names;
use crate::time::AsOf;

names! {
    /// The code of a [`Warning`], which identifies its topic. The codes do not change between versions, and they are
    /// the same in Rust, Python and Node.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
    #[non_exhaustive]
    pub enum WarningCode: "warning" {
        /// The date of a score run lies so long after the last event of a table that the data feed has probably
        /// stopped.
        StaleData = "stale_data",
        /// The date of a score run lies after the `observed_until` that the caller set, so the events before this date
        /// are incomplete.
        AfterHistory = "after_history",
        /// The mean predicted probability of a score run is far from the churn rates of all training dates.
        LevelOutsideTraining = "level_outside_training",
        /// In a score run, features have values far outside the values that they had at all training dates.
        FeaturesOutsideTraining = "features_outside_training",
        /// The records lack a column that the model uses, or have no values in a column that had values in training.
        MissingColumn = "missing_column",
        /// The currency of the records differs from the currency of the training data.
        CurrencyDiffers = "currency_differs",
        /// The rows that were given for one customer have a column that the model does not use.
        UnusedColumn = "unused_column",
        /// Most customers who count as churned because of inactivity have no `churned_at` in the label period, although
        /// the records contain `churned_at` values.
        LabelsDisagree = "labels_disagree",
        /// Training used outcomes (who churned and who stayed) of the label period after the scored date. Metrics that
        /// compare the scores with these outcomes are too optimistic.
        OutcomesSeenInTraining = "outcomes_seen_in_training",
        /// For all or some customers, the usual gap between the events that define inactivity is longer than the
        /// horizon, so customers who stay count as churned.
        GapExceedsHorizon = "gap_exceeds_horizon",
        /// At a training date, all customers churned, or no customer churned.
        UniformTrainingDate = "uniform_training_date",
        /// The churn rate of one training date is far from the churn rate of the other training dates.
        UnusualTrainingDate = "unusual_training_date",
        /// The model ranks customers no better than chance.
        NoBetterThanChance = "no_better_than_chance",
        /// At the test date, the mean predicted probability differs significantly from the observed churn rate.
        LevelOff = "level_off",
        /// Too few customers churned, or too few were retained, for a reliable metric. The metric is therefore not
        /// reported.
        TooFewOfAClass = "too_few_of_a_class",
        /// In the 31 days before the date of a score run, a table has far fewer events than in most 31-day periods of
        /// the year before, so a part of the data feed is probably missing.
        FewerEvents = "fewer_events",
        /// Many scored customers have had no event for much longer than ever before, so they have probably left
        /// although they have no `churned_at`.
        SilentCustomers = "silent_customers",
        /// Customers leave on fixed days of the month or of the week, and these days are rarer or more frequent in the
        /// label period of a score run than in those of the training dates. The level of the scores is that of the
        /// training dates.
        CalendarLevel = "calendar_level",
    }
}

/// A problem in a training run or a score run that the user should check, although the work continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Warning {
    /// The topic of the warning.
    pub code: WarningCode,
    /// The problem and what to do about it, in plain English.
    pub message: String,
    /// The columns or features that the warning concerns; empty if there are none.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The dates that the warning concerns, sorted; empty if there are none.
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

    /// Sets the columns or features that the warning concerns.
    pub(crate) fn of_columns(self, columns: Vec<String>) -> Self {
        Self { columns, ..self }
    }

    /// Sets the dates that the warning concerns.
    pub(crate) fn of_dates(self, dates: Vec<AsOf>) -> Self {
        Self { dates, ..self }
    }
}

impl fmt::Display for Warning {
    /// Writes the code of the warning, and then its message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
