//! Reads what payments, tickets and activities have in common: the common columns, the versions of each record (rows
//! with the same id and different `known_at`), and the order of rows.

use std::cmp::Ordering;

use crate::error::{FindingCode, IssueCode, RecordKind, Result, excerpt};
use crate::input::attributes::AttributeDrafts;
use crate::input::builder::Ties;
use crate::input::check::{Checked, Found};
use crate::input::content::{Values, compare};
use crate::input::customers::KnownCustomers;
use crate::input::fields::{id, timestamp};
use crate::input::order::{Order, gather, map_customers, order};
use crate::input::quality::{self, Rows};
use crate::input::reader::{PIECE, TableReader};
use crate::parallel::Workers;
use crate::record::{ALWAYS, Customers, Events, NEVER};
use crate::time::MICROS_PER_DAY;

/// Rows that equal another row in every column except the id are reported under two conditions: there are at least
/// `RENAMED_LEAST` such rows, and they make up more than 1 / `RENAMED_SHARE` of the table.
const RENAMED_LEAST: u64 = 10;
const RENAMED_SHARE: u64 = 20;

/// The columns that all event tables (payments, tickets and activities) have. The rows are in the order of the input.
pub(crate) struct EventDraft {
    customers: Vec<u32>,
    pub(crate) at: Vec<i64>,
    known_at: Option<Vec<i64>>,
    attributes: AttributeDrafts,
    id_column: &'static str,
    /// The hashes of the record ids. The hash of a missing id is 0. `None` if the table has no id column.
    ids: Option<Vec<u64>>,
}

impl EventDraft {
    /// Reads the columns that all event tables (payments, tickets and activities) have.
    pub(crate) fn read(
        reader: &mut TableReader<'_>,
        at_column: &'static str,
        id_column: &'static str,
        known: &KnownCustomers,
    ) -> Result<Self> {
        Ok(Self {
            customers: reader.customers(&known.customers.ids, &known.directory)?,
            at: reader.moments(at_column)?,
            known_at: known_at(reader)?,
            attributes: AttributeDrafts::read(reader)?,
            id_column,
            ids: match reader.has(id_column) {
                true => Some(reader.id_hashes(id_column)?),
                false => None,
            },
        })
    }

    /// Reports duplicate records, sorts the accepted rows and completes the check of the table. Returns the sorted
    /// common columns, the accepted rows in sorted order, and the result of the check. The caller sorts the other
    /// columns of the table in the same order as these rows.
    ///
    /// `values` are the columns that only this kind of record has. Their rows are in the order of the input.
    pub(crate) fn finish(
        self,
        mut reader: TableReader<'_>,
        customers: &Customers,
        ties: Ties,
        values: Vec<Values<'_>>,
    ) -> Result<(Events, Vec<u32>, Checked)> {
        let superseded = self.versions(&mut reader)?;
        let workers = reader.workers;
        let mut sorted = order(
            &self.customers,
            customers.len(),
            reader.check.bad(),
            |row| self.at[row as usize],
            workers,
        )?;
        let given = reader.given();
        let mut columns: Vec<Values<'_>> = self.known_at.iter().map(|known| Values::Moments(known)).collect();
        columns.extend(values);
        columns.extend(self.attributes.values());
        // Several activities of one customer on one day are usual, so equal activities are reported only if most event
        // times are more precise than a day.
        let precise = || self.at.iter().filter(|&&at| at % MICROS_PER_DAY != 0).count() * 2 > self.at.len();
        let with_ids = reader.kind() != RecordKind::Activities || precise();
        let at = gather(&self.at, &sorted.rows, workers)?;
        let (copies, renamed) = self.copies(&sorted, &at, &columns, with_ids, &given, workers)?;
        let rank = match ties {
            Ties::Given => None,
            // The times of the sorted rows stay valid, because only rows with equal times change places.
            Ties::Content => Some(self.order_by_content(&reader, &mut sorted, &columns)?),
        };
        drop(columns);
        let Self {
            known_at, attributes, ..
        } = self;
        let Order { starts, rows } = sorted;
        let (kind, names) = (reader.kind(), reader.names().to_vec());
        let mut checked = reader.check.finish(&given, workers)?;
        checked.findings.extend(copies.finding(
            FindingCode::LikelyDuplicate,
            kind,
            None,
            "the row equals another one in every column and has no id: remove the copy, or give each record its id",
        ));
        // Two payments that are equal except for their ids may both be correct, so only a large share of such payments
        // is reported.
        let share = renamed.count() * RENAMED_SHARE;
        let many = renamed.count() >= RENAMED_LEAST && share > rows.len() as u64;
        if many {
            checked.findings.extend(renamed.finding(
                FindingCode::LikelyDuplicate,
                kind,
                Some(self.id_column),
                "the row equals another one in every column but the id: the table may have been given twice with new ids",
            ));
        }
        let early = map_customers(&starts, workers, |all| {
            let early = all.map(|customer| {
                let signed_up_at = customers.signed_up_at[customers.starts[customer] as usize];
                let own = &at[starts[customer] as usize..starts[customer + 1] as usize];
                own.partition_point(|&at| at < signed_up_at) as u64
            });
            Ok(early.sum::<u64>())
        })?;
        checked.report.events_before_sign_up = early.into_iter().sum();
        let known_at = match known_at {
            None => None,
            Some(known) => Some(gather(&known, &rows, workers)?).filter(|known| known.iter().any(|&at| at != ALWAYS)),
        };
        let superseded_at = match superseded {
            None => None,
            Some(superseded) => Some(gather(&superseded, &rows, workers)?),
        };
        let events = Events {
            at,
            known_at,
            superseded_at,
            given: {
                let mut positions = vec![0; rows.len()];
                workers.chunks_mut(&mut positions, PIECE, |start, positions| {
                    let rows = positions.iter_mut().zip(&rows[start..]);
                    rows.for_each(|(position, &row)| *position = given(row as usize) as u32);
                    Ok(())
                })?;
                positions
            },
            rank,
            attributes: attributes.gather(&rows, workers)?,
            starts,
        };
        let has = |name: &str| names.iter().any(|known| &**known == name);
        checked.findings.extend(quality::unused_columns(kind, &events, has));
        checked.findings.extend(quality::known_late(kind, &events));
        Ok((events, rows, checked))
    }

    /// Returns two sets of rows. The first set contains rows without an id that equal an earlier row in every column.
    /// The second set contains rows with an id that equal another row in every column except the id. Versions of one
    /// record are in neither set, because they differ in `known_at`. If `with_ids` is false, the second set is empty.
    /// `at` are the times of the sorted rows.
    fn copies(
        &self,
        sorted: &Order,
        at: &[i64],
        columns: &[Values<'_>],
        with_ids: bool,
        given: &(impl Fn(usize) -> u64 + Sync),
        workers: &Workers,
    ) -> Result<(Rows, Rows)> {
        let nameless = |row: u32| self.ids.as_ref().is_none_or(|ids| ids[row as usize] == 0);
        let pieces = map_customers(&sorted.starts, workers, |customers| {
            let (mut copies, mut renamed) = (Rows::default(), Rows::default());
            for customer in customers {
                for together in sorted.ties(customer, at) {
                    let mut rows: Vec<u32> = together.to_vec();
                    // Among equal rows, the rows without an id come first.
                    workers.sort_by(&mut rows, |&a, &b| {
                        compare(columns, a, b).then_with(|| nameless(b).cmp(&nameless(a)))
                    })?;
                    for (number, pair) in rows.windows(2).enumerate() {
                        if number % PIECE == PIECE - 1 {
                            workers.check()?;
                        }
                        if compare(columns, pair[0], pair[1]).is_ne() {
                            continue;
                        }
                        match nameless(pair[1]) {
                            true => copies.add(given(pair[1] as usize)),
                            false if with_ids => renamed.add(given(pair[1] as usize)),
                            false => {}
                        }
                    }
                }
            }
            Ok((copies, renamed))
        })?;
        let none = (Rows::default(), Rows::default());
        Ok(pieces
            .into_iter()
            .fold(none, |all, piece| (all.0.join(piece.0), all.1.join(piece.1))))
    }

    /// Sorts the rows of each customer by time. Rows of a customer with equal times are sorted by id, then by all other
    /// values. Returns the rank of each row. The rank is the position that the row would have if the rows of its
    /// customer were sorted by id and values alone, without their times.
    fn order_by_content(
        &self,
        reader: &TableReader<'_>,
        sorted: &mut Order,
        columns: &[Values<'_>],
    ) -> Result<Vec<u32>> {
        let by_content = |a: &u32, b: &u32| {
            let ids = || self.id_of(reader, *a).cmp(&self.id_of(reader, *b));
            let ids = if self.ids.is_some() { ids() } else { Ordering::Equal };
            ids.then_with(|| compare(columns, *a, *b))
        };
        let at = |row: u32| self.at[row as usize];
        let workers = reader.workers;
        let pieces = map_customers(&sorted.starts, workers, |customers| {
            let (mut rows, mut ranks) = (vec![], vec![]);
            for customer in customers {
                let own = sorted.rows_of(customer);
                let mut ranked: Vec<u32> = own.to_vec();
                workers.sort_by(&mut ranked, |a, b| by_content(a, b).then_with(|| at(*a).cmp(&at(*b))))?;
                let mut places: Vec<(u32, u32)> = ranked.iter().copied().zip(0..).collect();
                // Rows with the same time are ordered by rank.
                workers.sort_by_key(&mut places, |&(row, rank)| (at(row), rank))?;
                rows.extend(places.iter().map(|&(row, _)| row));
                ranks.extend(places.iter().map(|&(_, rank)| rank));
            }
            Ok((rows, ranks))
        })?;
        let (rows, ranks): (Vec<_>, Vec<_>) = pieces.into_iter().unzip();
        sorted.rows = rows.concat();
        Ok(ranks.concat())
    }

    /// Finds records that have several versions among the valid rows. Returns the time at which each row is superseded
    /// by the next version of its record ([`NEVER`] for the last version), or `None` if no record has several versions.
    /// If two versions of a record have the same `known_at`, they are reported as duplicates.
    fn versions(&self, reader: &mut TableReader<'_>) -> Result<Option<Vec<i64>>> {
        let Some(hashes) = &self.ids else {
            return Ok(None);
        };
        let again = again(reader, hashes)?;
        if again.is_empty() {
            return Ok(None);
        }
        let (bad, workers) = (reader.check.bad(), reader.workers);
        let rows = workers.map_chunks(hashes.len(), PIECE, |rows| {
            let rows = rows.filter(|&row| !bad[row] && again.binary_search(&hashes[row]).is_ok());
            Ok(rows.map(|row| (hashes[row], row as u32)).collect::<Vec<_>>())
        })?;
        let mut rows = rows.concat();
        workers.sort_by_key(&mut rows, |&row| row)?;
        let known_at = |row: u32| {
            let known = self.known_at.as_ref();
            known.map_or(ALWAYS, |known| known[row as usize])
        };
        let column = reader.check.column(self.id_column);
        let mut superseded: Option<Vec<i64>> = None;
        let mut duplicates = vec![];
        for (done, same_hash) in rows.chunk_by(|a, b| a.0 == b.0).enumerate() {
            if done % 4096 == 0 {
                workers.check()?;
            }
            // Different ids can have equal hashes, so the ids themselves are compared.
            let mut versions: Vec<(String, i64, u32)> = Vec::with_capacity(same_hash.len());
            for &(_, row) in same_hash {
                if versions.len() % PIECE == PIECE - 1 {
                    workers.check()?;
                }
                versions.push((self.id_of(reader, row), known_at(row), row));
            }
            let mut order: Vec<usize> = (0..versions.len()).collect();
            workers.sort_by_key(&mut order, |&version| &versions[version])?;
            let mut last: Option<&(String, i64, u32)> = None;
            for (number, version) in order.into_iter().map(|version| &versions[version]).enumerate() {
                if number % PIECE == PIECE - 1 {
                    workers.check()?;
                }
                let (id, known, row) = version;
                match last {
                    Some((before, at, _)) if before == id && at == known => {
                        duplicates.push(Found {
                            row: *row as usize,
                            column,
                            code: IssueCode::DuplicateId,
                            message: format!("'{}' was given before, with the same known_at", excerpt(id)),
                        });
                        continue;
                    }
                    Some((before, _, row)) if before == id => {
                        superseded.get_or_insert_with(|| vec![NEVER; hashes.len()])[*row as usize] = *known;
                    }
                    _ => {}
                }
                last = Some(version);
            }
        }
        reader.check.add(duplicates);
        Ok(superseded)
    }

    fn id_of(&self, reader: &TableReader<'_>, row: u32) -> String {
        let mut buffer = String::new();
        match id(reader.cell(self.id_column, row as usize), &mut buffer) {
            Ok(Some(id)) => id.to_owned(),
            _ => String::new(),
        }
    }
}

/// The time at which each row became known. If a row states no such time, the value is [`ALWAYS`]. The result is `None`
/// if the table has no `known_at` column.
pub(crate) fn known_at(reader: &mut TableReader<'_>) -> Result<Option<Vec<i64>>> {
    match reader.has("known_at") {
        true => Ok(Some(reader.values("known_at", ALWAYS, timestamp)?)),
        false => Ok(None),
    }
}

/// The hashes that occur in more than one valid row, sorted. To find them, the hashes are divided into parts by their
/// leading bits, and each part is sorted on its own.
fn again(reader: &TableReader<'_>, hashes: &[u64]) -> Result<Vec<u64>> {
    let bits = (hashes.len() >> 12).next_power_of_two().ilog2().min(12);
    let part_of = |hash: u64| (hash >> 52) as usize >> (12 - bits);
    let (bad, workers) = (reader.check.bad(), reader.workers);
    let pieces = || hashes.chunks(PIECE).zip(bad.chunks(PIECE));
    let good = |(hashes, bad): (&[u64], &[bool]), each: &mut dyn FnMut(u64)| {
        let good = hashes.iter().zip(bad).filter(|(hash, bad)| **hash != 0 && !**bad);
        good.for_each(|(&hash, _)| each(hash));
        workers.check()
    };
    let mut ends = vec![0usize; 1 << bits];
    pieces().try_for_each(|piece| good(piece, &mut |hash| ends[part_of(hash)] += 1))?;
    let mut count = 0;
    for end in &mut ends {
        (count, *end) = (count + *end, count);
    }
    let mut sorted = vec![0u64; count];
    pieces().try_for_each(|piece| {
        good(piece, &mut |hash| {
            let end = &mut ends[part_of(hash)];
            sorted[*end] = hash;
            *end += 1;
        })
    })?;
    let (mut parts, mut rest, mut start) = (vec![], sorted.as_mut_slice(), 0);
    for end in ends {
        let (part, others) = rest.split_at_mut(end - start);
        parts.push(part);
        (rest, start) = (others, end);
    }
    let again = workers.map_mut(&mut parts, |_, part| {
        part.sort_unstable();
        let twice = part.windows(2).filter(|pair| pair[0] == pair[1]);
        let mut again: Vec<u64> = twice.map(|pair| pair[0]).collect();
        again.dedup();
        Ok(again)
    })?;
    Ok(again.concat())
}
