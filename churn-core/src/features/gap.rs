//! The typical time between two consecutive events of a customer.

use crate::error::RecordKind;
use crate::features::view::{PaymentState, StreamView};
use crate::record::TenantRecords;
use crate::time::MICROS_PER_DAY;

/// The typical number of days between two consecutive days on which a customer has events in a table. The function
/// first computes the median for each customer, then the median over all customers. Only paid payments count, and
/// several events on one day count once. `None` if the table was not given, or if no customer has events on two
/// different days.
///
/// If the label period of [`ChurnDefinition::Inactivity`](crate::ChurnDefinition::Inactivity) is shorter than this
/// number of days, the label period usually ends before the next event of a customer is due. Most customers then count
/// as churned.
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
    let mut usual: Vec<i64> = gaps(records, kind)?.into_iter().map(|gap| gap.usual).collect();
    median(&mut usual).map(|days| days as f64)
}

/// Returns two numbers: the number of customers who have events on at least two different days, and how many of them
/// never had events on two different days that are at most `days` days apart.
pub(crate) fn customers_with_longer_gaps(records: &TenantRecords, kind: RecordKind, days: u32) -> (usize, usize) {
    let gaps = gaps(records, kind).unwrap_or_default();
    let longer = gaps.iter().filter(|gap| gap.least > i64::from(days)).count();
    (gaps.len(), longer)
}

/// The median and the smallest gap of one customer, in days. A gap is the time between two consecutive days with
/// events.
struct Gap {
    /// The median of the gaps.
    usual: i64,
    least: i64,
}

/// The gaps of every customer who has events on at least two different days. `None` if the table was not given.
fn gaps(records: &TenantRecords, kind: RecordKind) -> Option<Vec<Gap>> {
    // A view at the latest possible time shows all records, regardless of when they became known.
    let view = StreamView::new(records, kind, i64::MAX)?;
    let mut found: Vec<Gap> = vec![];
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
        if let (Some(&least), Some(usual)) = (own.iter().min(), median(&mut own.clone())) {
            found.push(Gap { usual, least });
        }
    }
    Some(found)
}

/// The median of some values. If their number is even, it is the lower of the two middle values.
fn median(values: &mut [i64]) -> Option<i64> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(middle).1)
}
