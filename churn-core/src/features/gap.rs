//! The typical time between two consecutive events of a customer.

use crate::error::RecordKind;
use crate::features::view::{PaymentState, StreamView};
use crate::record::TenantRecords;
use crate::time::MICROS_PER_DAY;

/// The typical gap between the events of a customer in a table, in days. A gap is the number of days from a day with
/// events to the customer's next day with events. The function first computes the median gap of each customer, then the
/// median over all customers. Only paid payments count, and several events on one day count once. `None` if the table
/// was not given, or if no customer has events on two different days.
///
/// If the label period of [`ChurnDefinition::Inactivity`](crate::ChurnDefinition::Inactivity) is shorter than this
/// typical gap, the label period usually ends before the next event of a customer is due. Most customers then count as
/// churned.
///
/// ```
/// use churn_core::{Customer, Payment, RecordKind, TenantRecords, Timestamp, usual_gap_days};
///
/// let day = |month| Timestamp::from_ymd(2023, month, 1).unwrap();
/// let customer = Customer::new("C-1", day(1));
/// let paid = |month| Payment::new("C-1", day(month), 30.0);
/// let payments: Vec<Payment> = (1..=12).map(paid).collect();
/// let (records, _) = TenantRecords::builder("acme").customers([customer]).payments(payments).build()?;
/// assert_eq!(usual_gap_days(&records, RecordKind::Payments), Some(31.0));
/// # Ok::<(), churn_core::Error>(())
/// ```
pub fn usual_gap_days(records: &TenantRecords, kind: RecordKind) -> Option<f64> {
    Gaps::of(records, kind)?.usual_days()
}

/// The gaps between events, for each customer with events on at least two days. A gap is the number of days from a day
/// with events to the customer's next day with events.
pub(crate) struct Gaps {
    /// The median gap of each customer.
    usual: Vec<i64>,
    /// The smallest gap of each customer, in the order of `usual`.
    least: Vec<i64>,
    /// The code of each customer, in the order of `usual` and therefore ascending.
    codes: Vec<u32>,
}

impl Gaps {
    /// Computes the gaps between the events in a table. Returns `None` if the table was not given.
    pub(crate) fn of(records: &TenantRecords, kind: RecordKind) -> Option<Self> {
        // A view at the latest possible time shows all records, whenever they became known.
        let view = StreamView::new(records, kind, i64::MAX)?;
        let mut gaps = Self {
            usual: vec![],
            least: vec![],
            codes: vec![],
        };
        let mut own: Vec<i64> = vec![];
        for customer in 0..records.customers.len() as u32 {
            own.clear();
            let mut before = None;
            view.rows(customer, |at, row| {
                if !matches!(view.payment_state(row), PaymentState::Paid | PaymentState::Refunded) {
                    return;
                }
                let day = at.div_euclid(MICROS_PER_DAY);
                if let Some(before) = before.filter(|before| *before < day) {
                    own.push(day - before);
                }
                before = Some(day);
            });
            gaps.least.extend(own.iter().min());
            gaps.codes.extend(own.first().map(|_| customer));
            gaps.usual.extend(median(&mut own));
        }
        Some(gaps)
    }

    /// The number of customers with events on at least two days.
    pub(crate) fn customers(&self) -> usize {
        self.usual.len()
    }

    /// The median of the median gaps of all customers; `None` if there are no gaps.
    pub(crate) fn usual_days(&self) -> Option<f64> {
        median(&mut self.usual.clone()).map(|days| days as f64)
    }

    /// Whether the smallest gap of a customer is longer than this number of days. `false` for a customer without gaps.
    pub(crate) fn is_longer(&self, customer: u32, days: u32) -> bool {
        let position = self.codes.binary_search(&customer);
        position.is_ok_and(|position| self.least[position] > i64::from(days))
    }

    /// The number of customers whose smallest gap is longer than this number of days.
    pub(crate) fn longer_than(&self, days: u32) -> usize {
        self.least.iter().filter(|least| **least > i64::from(days)).count()
    }
}

/// The median of some values. If the number of values is even, the median is the lower of the two middle values.
fn median(values: &mut [i64]) -> Option<i64> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(middle).1)
}
