//! Compiled measures. A measure is the value that a feature reads from each record. Measures are grouped by the type of
//! their values: exact integers, floats or codes.

use crate::features::view::{ColumnView, Row, StreamView};
use crate::time::{MICROS_PER_DAY, MICROS_PER_HOUR};

/// A compiled measure: a measure whose columns are already looked up in the records. A measure is the value that a
/// feature reads from each record.
#[derive(Clone, Copy)]
pub(crate) enum RowMeasure<'a> {
    /// The value 1 for every record.
    One,
    /// The time since the previous record that meets the filter of the feature.
    GapDays,
    Integer(Integer),
    Float(Float<'a>),
    /// A measure whose values are represented by integer codes. Such a measure is used only to count distinct values.
    Code(Code<'a>),
}

/// A measure with exact integer values.
#[derive(Clone, Copy)]
pub(crate) enum Integer {
    /// An amount in minor units. One major unit is `scale` minor units.
    Amount {
        scale: f64,
    },
    LateDays,
    ResolutionHours,
    FirstResponseHours,
}

impl Integer {
    /// The number by which the sum of the integers is divided to get the result in the unit of the feature.
    pub(crate) fn divisor(self) -> f64 {
        match self {
            Self::Amount { scale } => scale,
            Self::LateDays => MICROS_PER_DAY as f64,
            Self::ResolutionHours | Self::FirstResponseHours => MICROS_PER_HOUR as f64,
        }
    }

    /// The value of the measure for a record; `None` if the record has no value, or if its value is not known yet.
    pub(crate) fn of(self, view: &StreamView<'_>, row: Row) -> Option<i64> {
        let since_event = |moment: i64| moment - view.at(row);
        match self {
            Self::Amount { .. } => view.amount(row),
            Self::LateDays => view.lateness(row),
            Self::ResolutionHours => view.resolved_at(row).map(since_event),
            Self::FirstResponseHours => view.first_response_at(row).map(since_event),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Float<'a> {
    Satisfaction,
    Quantity,
    /// The values of a number attribute; `None` if the records lack the column.
    Column(Option<ColumnView<'a>>),
}

impl Float<'_> {
    /// The value of the measure for a record; `None` if the record has no value, or if its value is not known yet. The
    /// value is never NaN.
    pub(crate) fn of(self, view: &StreamView<'_>, row: Row) -> Option<f64> {
        match self {
            Self::Satisfaction => view.satisfaction(row),
            Self::Quantity => view.quantity(row),
            Self::Column(column) => column?.number(row),
        }
    }
}

/// A measure whose values are represented by integer codes. Equal values have equal codes.
#[derive(Clone, Copy)]
pub(crate) enum Code<'a> {
    /// The kind of an activity. A missing kind counts as a separate kind.
    Kind,
    /// The UTC date of the event time.
    Date,
    /// The values of an attribute; `None` if the records lack the column.
    Column(Option<ColumnView<'a>>),
}

impl Code<'_> {
    /// The code of the measure's value for a record; `None` if the record has no value.
    pub(crate) fn of(self, view: &StreamView<'_>, row: Row) -> Option<i64> {
        match self {
            // The code of a missing kind is `u32::MAX`. The cast converts it to -1, so that all codes are close
            // together.
            Self::Kind => view.kind(row).map(|kind| i64::from(kind.cast_signed())),
            Self::Date => Some(view.at(row).div_euclid(MICROS_PER_DAY)),
            Self::Column(column) => column?.code(row),
        }
    }
}
