//! From accepted event rows to columns sorted by customer, then time, then order given.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::error::IssueCode;
use crate::input::attributes::Attributes;
use crate::input::check::TableCheck;
use crate::parallel::Workers;
use crate::record::{ALWAYS, Customers, Events, Ids, NEVER};

/// The shared columns of accepted event rows, in order given.
pub(crate) struct EventDraft {
    pub(crate) customer: Vec<u32>,
    pub(crate) at: Vec<i64>,
    known_at: Option<Vec<i64>>,
    given: Vec<u32>,
    /// Ids of the records, where a column was given; the empty text stands for none.
    ids: Option<Ids>,
}

impl EventDraft {
    pub(crate) fn new(has_ids: bool, has_known_at: bool) -> Self {
        Self {
            customer: vec![],
            at: vec![],
            known_at: has_known_at.then(Vec::new),
            given: vec![],
            ids: has_ids.then(Ids::default),
        }
    }

    pub(crate) fn push(&mut self, customer: u32, at: i64, known_at: Option<i64>, id: Option<&str>, given: u64) {
        self.customer.push(customer);
        self.at.push(at);
        if let Some(known) = &mut self.known_at {
            known.push(known_at.unwrap_or(ALWAYS));
        }
        if let Some(ids) = &mut self.ids {
            ids.push(id.unwrap_or_default());
        }
        self.given.push(given as u32);
    }

    /// Finds versions and duplicates, sorts, and counts; returns the columns and the accepted rows in their order.
    pub(crate) fn assemble(
        self,
        customers: &Customers,
        attributes: Attributes,
        id_column: &str,
        check: &mut TableCheck,
        workers: &Workers,
    ) -> (Events, Vec<u32>) {
        let mut superseded: Option<Vec<i64>> = None;
        let mut duplicate = vec![];
        for versions in self.same_ids(workers) {
            let superseded = superseded.get_or_insert_with(|| vec![NEVER; self.at.len()]);
            let mut last: Option<u32> = None;
            for row in versions {
                match last {
                    Some(before) if self.known_at(before) == self.known_at(row) => duplicate.push(row),
                    _ => {
                        if let Some(before) = last {
                            superseded[before as usize] = self.known_at(row);
                        }
                        last = Some(row);
                    }
                }
            }
        }
        duplicate.sort_unstable();
        for &row in &duplicate {
            let id = self.ids.as_ref().map_or("", |ids| ids.get(row as usize));
            let message = format!(
                "'{}' was given before, with the same known_at",
                crate::error::excerpt(id)
            );
            check
                .row(u64::from(self.given[row as usize]))
                .wrong(id_column, IssueCode::DuplicateId, message);
        }
        check.finish();

        let mut order: Vec<(u32, i64, u32)> = self
            .customer
            .iter()
            .zip(&self.at)
            .enumerate()
            .map(|(row, (&customer, &at))| (customer, at, row as u32))
            .collect();
        if !duplicate.is_empty() {
            order.retain(|(_, _, row)| duplicate.binary_search(row).is_err());
        }
        workers.sort_by_key(&mut order, |&key| key);
        let rows: Vec<u32> = order.iter().map(|&(_, _, row)| row).collect();
        let first_sign_up = |customer: u32| customers.signed_up_at[customers.starts[customer as usize] as usize];
        check.report.events_before_sign_up = order
            .iter()
            .filter(|&&(customer, at, _)| at < first_sign_up(customer))
            .count() as u64;
        let events = Events {
            starts: starts(order.iter().map(|&(customer, _, _)| customer), customers.len()),
            at: order.iter().map(|&(_, at, _)| at).collect(),
            known_at: self.known_at.as_ref().map(|known| gather(known, &rows)),
            superseded_at: superseded.map(|superseded| gather(&superseded, &rows)),
            given: gather(&self.given, &rows),
            attributes: attributes.gather(&rows),
        };
        (events, rows)
    }

    fn known_at(&self, row: u32) -> i64 {
        self.known_at.as_ref().map_or(ALWAYS, |known| known[row as usize])
    }

    /// Groups of two and more rows with one id, each sorted by `known_at`, then order given.
    fn same_ids(&self, workers: &Workers) -> Vec<Vec<u32>> {
        let Some(ids) = &self.ids else {
            return vec![];
        };
        let hash = |text: &str| {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            hasher.finish()
        };
        let mut hashed: Vec<(u64, u32)> = ids
            .iter()
            .enumerate()
            .filter(|(_, id)| !id.is_empty())
            .map(|(row, id)| (hash(id), row as u32))
            .collect();
        workers.sort_by_key(&mut hashed, |&key| key);
        let mut groups = vec![];
        for same_hash in hashed.chunk_by(|a, b| a.0 == b.0).filter(|rows| rows.len() > 1) {
            let mut rows: Vec<u32> = same_hash.iter().map(|&(_, row)| row).collect();
            rows.sort_by_key(|&row| (ids.get(row as usize), self.known_at(row), row));
            let same_text = rows.chunk_by(|&a, &b| ids.get(a as usize) == ids.get(b as usize));
            groups.extend(same_text.filter(|rows| rows.len() > 1).map(<[u32]>::to_vec));
        }
        groups
    }
}

/// The chosen rows of a column, in order.
pub(crate) fn gather<T: Copy>(column: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|&row| column[row as usize]).collect()
}

/// Where each customer's rows begin, and the end; `customers` is sorted.
pub(crate) fn starts(customers: impl Iterator<Item = u32>, count: usize) -> Vec<u32> {
    let mut starts = vec![0u32; count + 1];
    for customer in customers {
        starts[customer as usize + 1] += 1;
    }
    for customer in 0..count {
        starts[customer + 1] += starts[customer];
    }
    starts
}
