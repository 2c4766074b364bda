//! Churn definitions.

use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, ErrorKind, RecordKind, Result};
use crate::options::{Given, Options};
use crate::time::{Horizon, MOST_DAYS};

/// The definition of churn: a customer cancels, or becomes inactive, within the label period. The label period consists
/// of the `horizon` days that begin `lead` days after `as_of`.
///
/// ```
/// use churn_core::{ChurnDefinition, RecordKind};
///
/// // Eligible: customers who paid within the last 180 days. Churned: no paid payment from day 14 to day 104.
/// let definition = ChurnDefinition::inactivity(90, RecordKind::Payments).with_lead(14).active_within(180);
/// assert_eq!((definition.horizon().days, definition.horizon().lead), (90, 14));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChurnDefinition {
    /// Contractual churn: a customer churned if the `churned_at` of their current spell (the current uninterrupted
    /// period as a customer) lies in the label period.
    Cancellation {
        /// The length of the label period, and its distance from `as_of`.
        horizon: Horizon,
    },
    /// Non-contractual churn: a customer churned if the label period contains none of their events that count as
    /// activity. The field `on` states which events count.
    Inactivity {
        /// The length of the label period, and its distance from `as_of`.
        horizon: Horizon,
        /// The length of the activity window in days. A customer is eligible only if they were active within this many
        /// days before `as_of`. By default, the activity window is as long as the label period.
        active_within: Option<u32>,
        /// The table whose events count as activity: `Payments` (only paid payments) or `Activities`.
        on: RecordKind,
    },
}

impl Default for ChurnDefinition {
    /// The default definition: a customer churns if they cancel within 90 days after `as_of`.
    fn default() -> Self {
        Self::cancellation(90)
    }
}

impl ChurnDefinition {
    /// A customer churns if they cancel within this number of days after `as_of`.
    pub fn cancellation(days: u32) -> Self {
        Self::Cancellation {
            horizon: Horizon { days, lead: 0 },
        }
    }

    /// A customer churns if they are inactive for this number of days after `as_of`. If `on` is `Payments`, customers
    /// without a paid payment are inactive. If `on` is `Activities`, customers without an activity are inactive. With
    /// any other value of `on`, the call that uses the definition fails with `invalid_option`.
    pub fn inactivity(days: u32, on: RecordKind) -> Self {
        Self::Inactivity {
            horizon: Horizon { days, lead: 0 },
            active_within: None,
            on,
        }
    }

    /// Sets the number of days between `as_of` and the start of the label period.
    #[must_use]
    pub fn with_lead(mut self, days: u32) -> Self {
        match &mut self {
            Self::Cancellation { horizon } | Self::Inactivity { horizon, .. } => horizon.lead = days,
        }
        self
    }

    /// Sets the length of the activity window. A customer is eligible only if they were active within this many days
    /// before `as_of`. By default, the activity window is as long as the label period. This setting has no effect if
    /// churn is defined by cancellation.
    #[must_use]
    pub fn active_within(mut self, days: u32) -> Self {
        if let Self::Inactivity { active_within, .. } = &mut self {
            *active_within = Some(days);
        }
        self
    }

    /// The length of the label period, and its distance from `as_of`.
    pub fn horizon(&self) -> Horizon {
        match self {
            Self::Cancellation { horizon } | Self::Inactivity { horizon, .. } => *horizon,
        }
    }

    /// The table that determines the end of the observed history: the history ends with the last event of this table.
    /// With `None`, the history ends with the last event of any table. A label is mature if its label period ends at or
    /// before the end of the history.
    pub(crate) fn observed_on(&self) -> Option<RecordKind> {
        match self {
            Self::Cancellation { .. } => None,
            Self::Inactivity { on, .. } => Some(*on),
        }
    }

    /// The number of days of history that must precede a training date.
    pub(crate) fn history_days(&self) -> u32 {
        match self {
            Self::Cancellation { .. } => 28,
            Self::Inactivity { .. } => self.active_days().max(28),
        }
    }

    /// The length of the activity window in days; 0 if churn is defined by cancellation.
    pub(crate) fn active_days(&self) -> u32 {
        match self {
            Self::Cancellation { .. } => 0,
            Self::Inactivity {
                horizon, active_within, ..
            } => active_within.unwrap_or(horizon.days),
        }
    }

    /// Reads a definition from the text of a JSON object: `{"kind": "cancellation", "horizon": 90, "lead": 0}` or
    /// `{"kind": "inactivity", "horizon": 90, "lead": 0, "active_within": 180, "on": "payments"}`. Only `kind` is
    /// required.
    ///
    /// # Errors
    /// `invalid_option` if a field is unknown or has an invalid value. The error names the option.
    pub fn from_json(json: &str) -> Result<Self> {
        let definition = crate::options::from_json(Self::default(), json)?;
        definition.validate()?;
        Ok(definition)
    }

    /// Writes the definition in the form that [`from_json`](Self::from_json) reads.
    pub(crate) fn serialize_as_option<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let horizon = self.horizon();
        let (kind, active_within, on) = match self {
            Self::Cancellation { .. } => ("cancellation", None, None),
            Self::Inactivity { active_within, on, .. } => ("inactivity", *active_within, Some(*on)),
        };
        let option = DefinitionOption {
            kind,
            horizon: horizon.days,
            lead: horizon.lead,
            active_within,
            on,
        };
        option.serialize(serializer)
    }

    /// Sets `active_within` to its default if it is not set. A model file then keeps its meaning even if a later
    /// version of the library changes the default.
    #[must_use]
    pub fn written_out(mut self) -> Self {
        let days = self.active_days();
        if let Self::Inactivity { active_within, .. } = &mut self {
            active_within.get_or_insert(days);
        }
        self
    }

    /// Completes a definition that was read from a model file. If the file has no `active_within`, twice the horizon is
    /// used, because this was the default when such files were written.
    pub(crate) fn of_model_file(mut self) -> Self {
        if let Self::Inactivity {
            horizon, active_within, ..
        } = &mut self
        {
            active_within.get_or_insert(horizon.days.saturating_mul(2));
        }
        self
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
            } => refuse("on", "inactivity must be defined on payments or activities"),
            _ => Ok(()),
        }
    }
}

/// A [`ChurnDefinition`] in the form that it has in JSON options.
#[derive(Serialize)]
struct DefinitionOption {
    kind: &'static str,
    horizon: u32,
    lead: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_within: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<RecordKind>,
}

impl Options for ChurnDefinition {
    fn read(&mut self, given: &mut Given) -> Result<()> {
        let (mut kind, mut horizon, mut lead) = (None::<String>, Self::default().horizon().days, 0);
        given.set("kind", &mut kind)?;
        given.set("horizon", &mut horizon)?;
        given.set("lead", &mut lead)?;
        let definition = match kind.as_deref() {
            Some("cancellation") => {
                if let Some(name) = ["active_within", "on"].into_iter().find(|name| given.has(name)) {
                    return Err(given.wrong(name, "cancellation does not have this option"));
                }
                Self::cancellation(horizon)
            }
            Some("inactivity") => {
                let (mut on, mut active_within) = (RecordKind::Payments, None::<u32>);
                given.set("on", &mut on)?;
                given.set("active_within", &mut active_within)?;
                let definition = Self::inactivity(horizon, on);
                match active_within {
                    Some(days) => definition.active_within(days),
                    None => definition,
                }
            }
            _ => return Err(given.wrong("kind", "it must be 'cancellation' or 'inactivity'")),
        };
        *self = definition.with_lead(lead);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_round_trip_through_json() {
        let given = [
            ChurnDefinition::cancellation(30).with_lead(7),
            ChurnDefinition::inactivity(60, RecordKind::Activities),
            ChurnDefinition::inactivity(60, RecordKind::Payments).active_within(10),
        ];
        for definition in given {
            let mut json = vec![];
            definition
                .serialize_as_option(&mut serde_json::Serializer::new(&mut json))
                .unwrap();
            let json = String::from_utf8(json).unwrap();
            assert_eq!(ChurnDefinition::from_json(&json).unwrap(), definition, "{json}");
        }
        for (json, column) in [
            ("{}", "kind"),
            (r#"{"kind": "gone"}"#, "kind"),
            (r#"{"kind": "cancellation", "on": "payments"}"#, "on"),
            (r#"{"kind": "inactivity", "on": "tickets"}"#, "on"),
            (r#"{"kind": "inactivity", "horizon": 0}"#, "horizon"),
            (r#"{"kind": "inactivity", "within": 10}"#, "within"),
        ] {
            let error = ChurnDefinition::from_json(json).unwrap_err();
            assert_eq!(
                (error.code(), error.column()),
                ("invalid_option", Some(column)),
                "{json}"
            );
        }
    }
}
