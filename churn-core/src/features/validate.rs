//! Checks that the parts of a feature are compatible.

use crate::error::{Error, ErrorKind, RecordKind, Result};
use crate::features::plan::{Axis, Condition, Feature, Function, Measure};
use crate::time::MOST_DAYS;

impl Feature {
    /// Returns `invalid_option`, naming the feature, if its parts are not compatible.
    pub(crate) fn validate(&self) -> Result<()> {
        let why = if self.name.is_empty() {
            "it has no name"
        } else if self.window == Some(0) {
            "its window must be at least 1 day"
        } else if self.window.is_some_and(|days| days > MOST_DAYS) {
            "its window is longer than the years 1 to 9999"
        } else if !self.axis_fits() {
            "its axis is not valid for its source"
        } else if !self.measure_fits() {
            "its measure is not valid for its source"
        } else if !self.function_fits() {
            "its function is not compatible with its source, measure and window"
        } else if self.source == RecordKind::Customers && !(self.filter.is_empty() && self.axis == Axis::Event) {
            "a feature of customers has no filter and no axis"
        } else if !self.conditions().all(|condition| self.condition_fits(condition)) {
            "one of its conditions is not valid for its source"
        } else if !self.conditions().all(has_a_finite_threshold) {
            "one of its conditions compares with a number that is not finite"
        } else {
            return Ok(());
        };
        let message = format!("feature '{}': {why}", crate::error::excerpt(&self.name));
        Err(Error::new(ErrorKind::InvalidOption, message).at(Some(self.source), None, Some(&self.name)))
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.filter.iter().chain(self.function.conditions())
    }

    fn axis_fits(&self) -> bool {
        match self.axis {
            Axis::Event => true,
            Axis::RefundedAt => self.source == RecordKind::Payments,
            Axis::ResolvedAt | Axis::ReopenedAt | Axis::SatisfactionAt => self.source == RecordKind::Tickets,
        }
    }

    fn measure_fits(&self) -> bool {
        match self.measure {
            Measure::Count | Measure::Date | Measure::GapDays => self.source != RecordKind::Customers,
            Measure::Amount | Measure::LateDays => self.source == RecordKind::Payments,
            Measure::ResolutionHours | Measure::FirstResponseHours | Measure::Satisfaction => {
                self.source == RecordKind::Tickets
            }
            Measure::Quantity | Measure::Kind => self.source == RecordKind::Activities,
            Measure::Attribute(_) => true,
            Measure::TenureDays
            | Measure::DaysToRenewal
            | Measure::DaysSinceChange
            | Measure::EarlierSpells
            | Measure::DaysSinceLastEnd
            | Measure::DaysSinceFirstSignUp => self.source == RecordKind::Customers,
        }
    }

    fn function_fits(&self) -> bool {
        let attribute = matches!(self.measure, Measure::Attribute(_));
        if self.source == RecordKind::Customers {
            return match self.function {
                Function::Value => self.window.is_none(),
                Function::Change => attribute && self.window.is_some(),
                _ => false,
            };
        }
        let code = matches!(self.measure, Measure::Kind | Measure::Date);
        match self.function {
            Function::Sum => !code,
            // The measure is 1 for every record, so these functions would carry no information.
            Function::Mean | Function::Max | Function::Min | Function::Std | Function::Last => {
                !code && self.measure != Measure::Count
            }
            Function::Distinct => code || attribute,
            Function::Change | Function::RatioToBaseline => {
                self.window.is_some() && !code && self.measure != Measure::GapDays
            }
            Function::Share(_)
            | Function::Streak(_)
            | Function::DaysSinceLast
            | Function::DaysSinceFirst
            | Function::RecencyRatio
            | Function::PeriodsMissed => self.measure == Measure::Count,
            Function::Value => false,
        }
    }

    fn condition_fits(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Paid | Condition::Failed | Condition::Pending | Condition::Settled | Condition::Unpaid => {
                self.source == RecordKind::Payments
            }
            Condition::Open | Condition::Responded | Condition::Urgent => self.source == RecordKind::Tickets,
            Condition::OneOf { .. } | Condition::AtLeast { .. } | Condition::AtMost { .. } | Condition::Is { .. } => {
                true
            }
        }
    }
}

/// JSON has only finite numbers, so a plan with a NaN or infinite threshold could not be stored.
fn has_a_finite_threshold(condition: &Condition) -> bool {
    match condition {
        Condition::AtLeast { value, .. } | Condition::AtMost { value, .. } => value.is_finite(),
        _ => true,
    }
}
