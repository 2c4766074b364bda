//! From accepted rows in the order given to rows sorted by customer, then time, then order given.

use crate::error::Result;
use crate::input::reader::PIECE;
use crate::parallel::Workers;

/// Rows in their final order.
pub(crate) struct Order {
    /// `starts[c]..starts[c + 1]` are the places of customer `c`'s rows.
    pub(crate) starts: Vec<u32>,
    /// The row at each place.
    pub(crate) rows: Vec<u32>,
}

/// Sorts the rows that are not bad by customer, then `key`, then order given. A counting sort by customer, then each
/// customer's rows by themselves: four bytes a row.
pub(crate) fn order<K: Ord>(
    customers: &[u32],
    count: usize,
    bad: &[bool],
    key: impl Fn(u32) -> K + Sync + Send,
    workers: &Workers,
) -> Result<Order> {
    let accepted = || {
        let rows = customers.iter().zip(bad).enumerate();
        rows.filter(|(_, (_, bad))| !**bad)
            .map(|(row, (&customer, _))| (row as u32, customer as usize))
    };
    let mut starts = vec![0u32; count + 1];
    for (_, customer) in accepted() {
        starts[customer + 1] += 1;
    }
    for customer in 0..count {
        starts[customer + 1] += starts[customer];
    }
    workers.check()?;
    let mut next = starts.clone();
    let mut rows = vec![0u32; starts[count] as usize];
    for (row, customer) in accepted() {
        rows[next[customer] as usize] = row;
        next[customer] += 1;
    }
    drop(next);
    let mut parts = customer_parts(&starts, &mut rows);
    workers.map_mut(&mut parts, |_, (starts, rows)| {
        let first = starts.first().map_or(0, |&first| first as usize);
        for own in starts.windows(2) {
            let own = &mut rows[own[0] as usize - first..own[1] as usize - first];
            if !own.is_sorted_by_key(|&row| key(row)) {
                own.sort_by_key(|&row| key(row));
            }
        }
        Ok(())
    })?;
    Ok(Order { starts, rows })
}

/// Cuts rows between customers, into parts of about [`PIECE`] rows.
fn customer_parts<'a>(starts: &'a [u32], mut rows: &'a mut [u32]) -> Vec<(&'a [u32], &'a mut [u32])> {
    let customers = starts.len() - 1;
    let mut parts = vec![];
    let mut first = 0;
    while first < customers {
        let mut last = first + 1;
        while last < customers && ((starts[last] - starts[first]) as usize) < PIECE {
            last += 1;
        }
        let (part, rest) = rows.split_at_mut((starts[last] - starts[first]) as usize);
        parts.push((&starts[first..=last], part));
        rows = rest;
        first = last;
    }
    parts
}

/// The chosen rows of a column, in order.
pub(crate) fn gather<T: Copy + Send + Sync>(column: &[T], rows: &[u32], workers: &Workers) -> Result<Vec<T>> {
    let Some(&any) = column.first() else {
        return Ok(vec![]);
    };
    let mut gathered = vec![any; rows.len()];
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
