//! Findings about subscriptions.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::error::{Finding, FindingCode, RecordKind};
use crate::input::quality::{Rows, SHORT_GAP};
use crate::record::ALWAYS;

use super::source::Subscription;

/// The finding about subscriptions that have no id and are identical to another subscription of the same customer.
pub(super) fn copies(by_customer: &BTreeMap<Rc<str>, Vec<Subscription>>) -> Option<Finding> {
    let mut copies = Rows::default();
    for subscriptions in by_customer.values() {
        let mut seen = BTreeSet::new();
        for own in subscriptions.iter().filter(|own| own.id.is_none()) {
            let content = (
                own.started_at,
                own.ended_at,
                own.mrr.to_bits(),
                &own.plan,
                own.seats.map(f64::to_bits),
            );
            if !seen.insert((content, own.known_at)) {
                copies.add(own.row as u64);
            }
        }
    }
    let message = "the subscription equals another one of its customer and has no id, and both add to mrr: remove the copy, or give each its subscription_id";
    copies.finding(FindingCode::LikelyDuplicate, RecordKind::Customers, None, message)
}

/// The finding about subscriptions that begin less than two days after the same customer's earlier subscriptions ended.
/// Such gaps occur in exports that state the last day of a subscription instead of its end.
pub(super) fn short_gaps(by_customer: &BTreeMap<Rc<str>, Vec<Subscription>>) -> Option<Finding> {
    let mut short = Rows::default();
    for subscriptions in by_customer.values() {
        let mut sorted: Vec<&Subscription> = subscriptions.iter().collect();
        sorted.sort_by_key(|own| own.started_at);
        let mut ended_at = ALWAYS;
        for own in sorted {
            let gap = own.started_at.saturating_sub(ended_at);
            if (1..SHORT_GAP).contains(&gap) {
                short.add(own.row as u64);
            }
            ended_at = ended_at.max(own.ended_at);
        }
    }
    let message = "the subscription begins less than two days after the customer's previous one ended, which counts as churn and return: if 'ended_at' is the last day or the last moment of a subscription, give the start of the next one instead";
    short.finding(FindingCode::ShortGap, RecordKind::Customers, Some("ended_at"), message)
}
