//! Sorts accepted rows by customer, then by time, then by input order.

use std::ops::Range;

use crate::error::Result;
use crate::input::reader::PIECE;
use crate::parallel::Workers;

/// Accepted rows, sorted by customer, then by a key such as the event time.
pub(crate) struct Order {
    /// The rows of customer `c` are `rows[starts[c]..starts[c + 1]]`.
    pub(crate) starts: Vec<u32>,
    /// The row numbers in sorted order.
    pub(crate) rows: Vec<u32>,
}

impl Order {
    /// The rows of a customer.
    pub(crate) fn rows_of(&self, customer: usize) -> &[u32] {
        &self.rows[self.starts[customer] as usize..self.starts[customer + 1] as usize]
    }

    /// Groups the rows of a customer by time, and returns each group of at least two rows with equal times. `at` are the
    /// times of all sorted rows.
    pub(crate) fn ties<'a>(&'a self, customer: usize, at: &'a [i64]) -> impl Iterator<Item = &'a [u32]> {
        let own = self.starts[customer] as usize..self.starts[customer + 1] as usize;
        let mut start = own.start;
        let together = at[own].chunk_by(|a, b| a == b).map(move |same| {
            let rows = &self.rows[start..start + same.len()];
            start += same.len();
            rows
        });
        together.filter(|rows| rows.len() > 1)
    }
}

/// Number of rows (and customers) after which [`pieces`] begins a new range.
const ROWS_AT_ONCE: usize = 1 << 13;

/// Divides the customers into ranges of about [`ROWS_AT_ONCE`] rows. Work on one range is short even if a few customers
/// have most of the rows, unless a single customer has more rows than that. The rows of customer `c` are
/// `starts[c]..starts[c + 1]`.
fn pieces(starts: &[u32]) -> Vec<Range<usize>> {
    let count = starts.len() - 1;
    let (mut pieces, mut first) = (vec![], 0);
    for customer in 0..count {
        let rows = (starts[customer + 1] - starts[first]) as usize;
        if rows.max(customer + 1 - first) >= ROWS_AT_ONCE || customer + 1 == count {
            pieces.push(first..customer + 1);
            first = customer + 1;
        }
    }
    pieces
}

/// Applies `f` to ranges of customers, in parallel, and returns the results in order. All ranges have about the same
/// number of rows. The rows of customer `c` are `starts[c]..starts[c + 1]`.
pub(crate) fn map_customers<R: Send>(
    starts: &[u32],
    workers: &Workers,
    f: impl Fn(Range<usize>) -> Result<R> + Sync + Send,
) -> Result<Vec<R>> {
    let pieces = pieces(starts);
    workers.map(0..pieces.len(), |piece| f(pieces[piece].clone()))
}

/// Maximum number of groups into which the customers are divided. The rows of one group are sorted together, so the
/// sort accesses only a small range of memory.
const GROUPS: usize = 256;

/// The valid rows of a chunk, sorted by the group of their customer. `rows` contains one pair (customer, row) for each
/// row. `ends` contains, for each group, the position in `rows` at which the group ends.
struct Parted {
    rows: Vec<(u32, u32)>,
    ends: Vec<u32>,
}

/// Sorts the valid rows by customer, then by `key`, then by input order. Chunks of rows are first partitioned into
/// groups of customers. Each group is then sorted independently.
pub(crate) fn order<K: Ord>(
    customers: &[u32],
    count: usize,
    bad: &[bool],
    key: impl Fn(u32) -> K + Sync + Send,
    workers: &Workers,
) -> Result<Order> {
    let together = count.div_ceil(GROUPS).next_power_of_two();
    let groups = count.div_ceil(together);
    let pieces = workers.map_chunks(customers.len(), PIECE, |rows| {
        Ok(Parted::of(
            rows.start,
            &customers[rows.clone()],
            &bad[rows],
            together,
            groups,
        ))
    })?;
    let mut starts = vec![0u32; count + 1];
    let mut rows = vec![0u32; pieces.iter().map(|piece| piece.rows.len()).sum()];
    let (mut parts, mut rest, mut start) = (vec![], rows.as_mut_slice(), 0);
    for (group, ends) in starts[1..].chunks_mut(together).enumerate() {
        let length = pieces.iter().map(|piece| piece.group(group).len()).sum();
        let (own, others) = rest.split_at_mut(length);
        parts.push((start, ends, own));
        (rest, start) = (others, start + length);
    }
    workers.map_mut(&mut parts, |group, (start, ends, own)| {
        let first = group * together;
        let parted = || pieces.iter().flat_map(|piece| piece.group(group));
        parted().for_each(|&(customer, _)| ends[customer as usize - first] += 1);
        // The counts in `ends` become the positions at which the rows of each customer begin. Each position advances as
        // rows are written, and finally marks the end of the customer's rows.
        let mut begin = *start as u32;
        for end in ends.iter_mut() {
            (*end, begin) = (begin, begin + *end);
        }
        for &(customer, row) in parted() {
            let place = &mut ends[customer as usize - first];
            own[*place as usize - *start] = row;
            *place += 1;
        }
        let mut begin = 0;
        for end in ends.iter() {
            let end = *end as usize - *start;
            let rows = &mut own[begin..end];
            if !rows.is_sorted_by_key(|&row| key(row)) {
                match rows.len() <= ROWS_AT_ONCE {
                    true => rows.sort_by_key(|&row| key(row)),
                    false => {
                        let mut sorted = rows.to_vec();
                        workers.sort_by_key(&mut sorted, |&row| key(row))?;
                        rows.copy_from_slice(&sorted);
                    }
                }
            }
            begin = end;
        }
        Ok(())
    })?;
    Ok(Order { starts, rows })
}

impl Parted {
    fn of(first: usize, customers: &[u32], bad: &[bool], together: usize, groups: usize) -> Self {
        let accepted = || {
            let rows = (first as u32..).zip(customers).zip(bad).filter(|(_, bad)| !**bad);
            rows.map(|((row, &customer), _)| (customer, row))
        };
        let mut ends = vec![0u32; groups];
        let shift = together.trailing_zeros();
        for (customer, _) in accepted() {
            ends[(customer >> shift) as usize] += 1;
        }
        let mut begin = 0;
        for end in &mut ends {
            (*end, begin) = (begin, begin + *end);
        }
        let mut rows = vec![(0, 0); begin as usize];
        for (customer, row) in accepted() {
            let place = &mut ends[(customer >> shift) as usize];
            rows[*place as usize] = (customer, row);
            *place += 1;
        }
        Self { rows, ends }
    }

    fn group(&self, group: usize) -> &[(u32, u32)] {
        let start = group.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.rows[start as usize..self.ends[group] as usize]
    }
}

/// Copies the given rows of a column, in the given order.
pub(crate) fn gather<T: Copy + Default + Send + Sync>(column: &[T], rows: &[u32], workers: &Workers) -> Result<Vec<T>> {
    let mut gathered = vec![T::default(); rows.len()];
    workers.chunks_mut(&mut gathered, PIECE, |start, piece| {
        for (value, &row) in piece.iter_mut().zip(&rows[start..]) {
            *value = column[row as usize];
        }
        Ok(())
    })?;
    Ok(gathered)
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_range_of_customers_has_many_rows() {
        // Customer 5 has 100 000 rows, all others have 100. Customers from 30 000 on have none.
        let rows = |customer: usize| match customer {
            5 => 100_000,
            30_000.. => 0,
            _ => 100,
        };
        let mut starts = vec![0u32];
        (0..50_000).for_each(|customer| starts.push(starts[customer] + rows(customer)));
        let pieces = super::pieces(&starts);
        assert_eq!(pieces.iter().map(|piece| piece.len()).sum::<usize>(), 50_000);
        assert!(pieces.windows(2).all(|pair| pair[0].end == pair[1].start));
        for piece in &pieces {
            let own: u32 = piece.clone().filter(|&customer| customer != 5).map(rows).sum();
            assert!(own as usize <= super::ROWS_AT_ONCE + 100, "{piece:?}");
            assert!(piece.len() <= super::ROWS_AT_ONCE, "{piece:?}");
        }
        assert!(super::pieces(&[0]).is_empty());
    }

    use super::*;
    use crate::numeric::SplitMix;
    use crate::parallel::Execution;

    #[test]
    fn sorts_like_a_plain_sort_on_any_number_of_threads() {
        let mut random = SplitMix::new(7, 0);
        for (rows, count) in [(0, 0), (0, 3), (1, 1), (1000, 5), (100_000, 30_000)] {
            let customers: Vec<u32> = (0..rows).map(|_| random.below(count) as u32).collect();
            let at: Vec<i64> = (0..rows).map(|_| random.below(20) as i64).collect();
            let bad: Vec<bool> = (0..rows).map(|_| random.below(10) == 0).collect();
            let mut plain: Vec<u32> = (0..rows as u32).filter(|&row| !bad[row as usize]).collect();
            plain.sort_by_key(|&row| (customers[row as usize], at[row as usize], row));
            for threads in [1, 3] {
                let workers = Execution::new().threads(threads).workers().unwrap();
                let sorted = order(&customers, count, &bad, |row| at[row as usize], &workers).unwrap();
                assert_eq!(sorted.rows, plain);
                assert_eq!(sorted.starts.len(), count + 1);
                assert_eq!(
                    gather(&at, &sorted.rows, &workers).unwrap(),
                    plain.iter().map(|&row| at[row as usize]).collect::<Vec<_>>()
                );
            }
        }
    }
}
