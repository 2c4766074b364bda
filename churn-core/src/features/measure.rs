//! What is read of a record, by the type of its arithmetic.

use crate::features::view::{ColumnView, Row, StreamView};
use crate::time::{MICROS_PER_DAY, MICROS_PER_HOUR};

/// A measure with its columns looked up.
#[derive(Clone, Copy)]
pub(crate) enum RowMeasure<'a> {
    /// 1 each.
    One,
    /// The time since the record before it in the series.
    GapDays,
    Integer(Integer),
    Float(Float<'a>),
    /// To be told apart only.
    Code(Code<'a>),
}

/// An exact integer.
#[derive(Clone, Copy)]
pub(crate) enum Integer {
    /// In minor units, `scale` of which are a major one.
    Amount {
        scale: f64,
    },
    LateDays,
    ResolutionHours,
    FirstResponseHours,
}

impl Integer {
    /// What sums are divided by, once.
    pub(crate) fn divisor(self) -> f64 {
        match self {
            Self::Amount { scale } => scale,
            Self::LateDays => MICROS_PER_DAY as f64,
            Self::ResolutionHours | Self::FirstResponseHours => MICROS_PER_HOUR as f64,
        }
    }

    /// `None` if the record has none, or not yet.
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
    /// `None`: these records lack the column.
    Column(Option<ColumnView<'a>>),
}

impl Float<'_> {
    /// `None` if the record has none, or not yet; never NaN.
    pub(crate) fn of(self, view: &StreamView<'_>, row: Row) -> Option<f64> {
        match self {
            Self::Satisfaction => view.satisfaction(row),
            Self::Quantity => view.quantity(row),
            Self::Column(column) => column?.number(row),
        }
    }
}

/// A number that is equal for equal values.
#[derive(Clone, Copy)]
pub(crate) enum Code<'a> {
    /// A missing kind is a kind of its own.
    Kind,
    /// The UTC date of the event time.
    Date,
    /// `None`: these records lack the column.
    Column(Option<ColumnView<'a>>),
}

impl Code<'_> {
    /// `None` if the record has none.
    pub(crate) fn of(self, view: &StreamView<'_>, row: Row) -> Option<i64> {
        match self {
            // The missing kind, which has the greatest code, is -1 here: near the others.
            Self::Kind => view.kind(row).map(|kind| i64::from(kind.cast_signed())),
            Self::Date => Some(view.at(row).div_euclid(MICROS_PER_DAY)),
            Self::Column(column) => column?.code(row),
        }
    }
}
