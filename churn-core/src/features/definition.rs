//! What counts as churn.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, RecordKind, Result};
use crate::time::{Horizon, MOST_DAYS};

/// What is predicted: that a customer cancels, or falls silent, within the label period.
///
/// ```
/// use churn_core::{ChurnDefinition, RecordKind};
///
/// // Whoever paid within the last 180 days: will there be no paid payment from day 14 to day 104?
/// let definition = ChurnDefinition::inactivity(90, RecordKind::Payments).with_lead(14).active_within(180);
/// assert_eq!((definition.horizon().days, definition.horizon().lead), (90, 14));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChurnDefinition {
    /// Contractual: the spell's `churned_at` lies in the label period.
    Cancellation {
        /// The label period.
        horizon: Horizon,
    },
    /// Non-contractual: no paid payment, or no activity, in the label period.
    Inactivity {
        /// The label period.
        horizon: Horizon,
        /// Only customers with such an event in this many days before `as_of` are eligible. Default: twice the horizon.
        active_within: Option<u32>,
        /// Payments (paid ones) or activities.
        on: RecordKind,
    },
}

impl Default for ChurnDefinition {
    /// Cancellation within 90 days.
    fn default() -> Self {
        Self::cancellation(90)
    }
}

impl ChurnDefinition {
    /// Cancellation within `days` days.
    pub fn cancellation(days: u32) -> Self {
        Self::Cancellation {
            horizon: Horizon { days, lead: 0 },
        }
    }

    /// No paid payment, or no activity, within `days` days. Customers and tickets are refused where it is used
    /// (`invalid_option`).
    pub fn inactivity(days: u32, on: RecordKind) -> Self {
        Self::Inactivity {
            horizon: Horizon { days, lead: 0 },
            active_within: None,
            on,
        }
    }

    /// With `days` days between `as_of` and the start of the label period.
    #[must_use]
    pub fn with_lead(mut self, days: u32) -> Self {
        match &mut self {
            Self::Cancellation { horizon } | Self::Inactivity { horizon, .. } => horizon.lead = days,
        }
        self
    }

    /// Eligible if active in this many days before `as_of`, instead of twice the horizon; no effect on cancellation.
    #[must_use]
    pub fn active_within(mut self, days: u32) -> Self {
        if let Self::Inactivity { active_within, .. } = &mut self {
            *active_within = Some(days);
        }
        self
    }

    /// The label period.
    pub fn horizon(&self) -> Horizon {
        match self {
            Self::Cancellation { horizon } | Self::Inactivity { horizon, .. } => *horizon,
        }
    }

    /// The table whose end decides maturity; `None` for all of them.
    pub(crate) fn observed_on(&self) -> Option<RecordKind> {
        match self {
            Self::Cancellation { .. } => None,
            Self::Inactivity { on, .. } => Some(*on),
        }
    }

    /// Days of history that a training date should have before it.
    pub(crate) fn history_days(&self) -> u32 {
        match self {
            Self::Cancellation { .. } => 28,
            Self::Inactivity { .. } => self.active_days().max(28),
        }
    }

    /// Days before `as_of` within which a customer must have been active; 0 for cancellation.
    pub(crate) fn active_days(&self) -> u32 {
        match self {
            Self::Cancellation { .. } => 0,
            Self::Inactivity {
                horizon, active_within, ..
            } => active_within.unwrap_or(horizon.days.saturating_mul(2)),
        }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let refuse = |option: &str, why: &str| {
            Err(Error::new(ErrorKind::InvalidOption, why.to_owned()).at(None, None, Some(option)))
        };
        let horizon = self.horizon();
        if [horizon.days, horizon.lead, self.active_days()]
            .into_iter()
            .any(|days| days > MOST_DAYS)
        {
            return refuse(
                "horizon",
                "horizon, lead and active_within may not be longer than the years 1 to 9999",
            );
        }
        if horizon.days == 0 {
            return refuse("horizon", "the horizon must be at least one day");
        }
        match self {
            Self::Inactivity {
                active_within: Some(0), ..
            } => refuse("active_within", "active_within must be at least one day"),
            Self::Inactivity {
                on: RecordKind::Customers | RecordKind::Tickets,
                ..
            } => refuse("on", "inactivity is looked for on payments or activities"),
            _ => Ok(()),
        }
    }
}
