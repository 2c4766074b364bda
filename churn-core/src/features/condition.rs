//! Compiled conditions: conditions whose columns are already looked up in the records.

use crate::error::RecordKind;
use crate::features::measure::{Float, Integer};
use crate::features::plan::Condition;
use crate::features::view::{ColumnView, PaymentState, Row, StreamView};
use crate::record::{Priority, TenantRecords};

/// A condition that can be evaluated on a record.
pub(crate) enum Test<'a> {
    /// A condition on the state of a payment. Each bit that is set in the number stands for one accepted state.
    Payment(u8),
    Open,
    Responded,
    Urgent,
    /// A condition on a text column. The flags state for each text of the column whether the text is accepted. If the
    /// records lack the column, the first field is `None`, and no record meets the condition.
    OneOf(Option<ColumnView<'a>>, Vec<bool>),
    /// A condition on an amount. The two numbers are the lower and the upper bound of the amount. Both bounds are
    /// inclusive.
    Amount(Integer, f64, f64),
    Number(Float<'a>, f64, f64),
}

impl<'a> Test<'a> {
    pub(crate) fn new(condition: &Condition, source: RecordKind, records: &'a TenantRecords) -> Self {
        let find = |column: &str| ColumnView::find(records, source, column);
        let range = |column: &str, from: f64, to: f64| match (source, column) {
            (RecordKind::Payments, "amount") => {
                let scale = records.currency.scale();
                Self::Amount(Integer::Amount { scale }, from, to)
            }
            (RecordKind::Activities, "quantity") => Self::Number(Float::Quantity, from, to),
            (RecordKind::Tickets, "satisfaction") => Self::Number(Float::Satisfaction, from, to),
            _ => Self::Number(Float::Column(find(column)), from, to),
        };
        let payment = |wanted: &[PaymentState]| Self::Payment(wanted.iter().fold(0, |bits, state| bits | state.bit()));
        match condition {
            Condition::Paid => payment(&[PaymentState::Paid, PaymentState::Refunded]),
            Condition::Failed => payment(&[PaymentState::Failed]),
            Condition::Pending => payment(&[PaymentState::Pending]),
            Condition::Settled => payment(&[PaymentState::Failed, PaymentState::Paid, PaymentState::Refunded]),
            Condition::Unpaid => payment(&[PaymentState::Pending, PaymentState::Failed]),
            Condition::Open => Self::Open,
            Condition::Responded => Self::Responded,
            Condition::Urgent => Self::Urgent,
            Condition::OneOf { column, values } => {
                let found = find(column);
                let wanted = found.map(|found| {
                    let levels = found.levels();
                    levels.map(|level| values.iter().any(|value| value == level)).collect()
                });
                Self::OneOf(found, wanted.unwrap_or_default())
            }
            Condition::AtLeast { column, value } => range(column, *value, f64::INFINITY),
            Condition::AtMost { column, value } => range(column, f64::NEG_INFINITY, *value),
            Condition::Is { column, value } => {
                let value = f64::from(u8::from(*value));
                Self::Number(Float::Column(find(column)), value, value)
            }
        }
    }

    /// Whether a record meets the condition. A record that lacks the tested value does not meet the condition.
    pub(crate) fn holds(&self, view: &StreamView<'_>, row: Row) -> bool {
        match self {
            Self::Payment(wanted) => view.payment_state(row).bit() & wanted != 0,
            Self::Open => view.resolved_at(row).is_none(),
            Self::Responded => view.first_response_at(row).is_some(),
            Self::Urgent => view.priority(row).is_some_and(|priority| priority >= Priority::High),
            Self::OneOf(column, wanted) => column
                .and_then(|column| column.text(row))
                .is_some_and(|code| wanted[code as usize]),
            Self::Amount(amount, from, to) => amount
                .of(view, row)
                .is_some_and(|minor| (*from..=*to).contains(&(minor as f64 / amount.divisor()))),
            Self::Number(number, from, to) => number
                .of(view, row)
                .is_some_and(|number| (*from..=*to).contains(&number)),
        }
    }
}
