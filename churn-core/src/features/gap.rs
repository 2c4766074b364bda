//! The typical time between two events of a customer.

use crate::error::RecordKind;
use crate::features::view::{PaymentState, StreamView};
use crate::record::TenantRecords;
use crate::time::MICROS_PER_DAY;

/// The typical number of days between two consecutive days on which a customer has events in a table. It is computed as
/// the median for each customer, then as the median over customers. Only paid payments count, and several events on one
/// day count once. `None` if the table was not given, or if no customer has events on two days.
///
/// If the label period of [`ChurnDefinition::Inactivity`](crate::ChurnDefinition::Inactivity) is shorter than this
/// number, it ends before the next event of most customers is due, so nearly all of them count as churned.
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
    // The view shows everything that ever became known.
    let view = StreamView::new(records, kind, i64::MAX)?;
    let mut usual: Vec<i64> = vec![];
    let mut gaps: Vec<i64> = vec![];
    for customer in 0..records.customers.len() as u32 {
        gaps.clear();
        let mut before = None;
        view.rows(customer, |at, row| {
            if !matches!(view.payment_state(row), PaymentState::Paid | PaymentState::Refunded) {
                return;
            }
            let day = at.div_euclid(MICROS_PER_DAY);
            if let Some(before) = before.filter(|before| *before < day) {
                gaps.push(day - before);
            }
            before = Some(day);
        });
        usual.extend(median(&mut gaps));
    }
    median(&mut usual).map(|days| days as f64)
}

/// The median. For an even number of values, the lower of the two middle ones.
fn median(values: &mut [i64]) -> Option<i64> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(middle).1)
}
