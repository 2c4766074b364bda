//! Divides rows into groups. All rows of a group are in the same fold. The result does not depend on the order of the
//! rows.

use std::collections::BTreeMap;

/// The content of a row: its values, its label and its weight, but not its group. A model cannot distinguish rows with
/// the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Content {
    /// A hash of the row's values.
    pub(crate) values: u128,
    pub(crate) label: u32,
    /// The row's weight, as the bits of an `f64`.
    pub(crate) weight: u64,
}

/// Returns the positions of the rows in a canonical order, and the group of each row in this order. Groups are numbered
/// by first occurrence.
///
/// `contents` must be sorted. `given` is the group of each row. If `given` is `None`, every row is its own group.
/// If two groups contain equal rows, the groups are merged, so that no row is predicted by a base learner that was
/// fitted on a copy of the row. Rows with equal values but different labels do not count as copies, because their
/// values evidently do not determine the label. Groups are not merged if a class would then have fewer than two groups.
/// Groups from `given` are also not merged if a merged group would contain more than half of the rows.
///
/// Rows are sorted by content, and rows with equal content are sorted by the content of their groups. Groups with equal
/// content are interchangeable. The result therefore does not depend on the numbering of groups or on the order of
/// equal rows.
pub(crate) fn hold_together(contents: &[Content], given: Option<&[u32]>) -> (Vec<usize>, Vec<u32>) {
    let alone = match given {
        Some(given) => Groups::of(given),
        None => Groups::apart(contents.len()),
    };
    let mut tied = alone.clone();
    let mut start = 0;
    for equal in contents.chunk_by(|a, b| a.values == b.values) {
        if equal.iter().all(|row| row.label == equal[0].label) {
            (1..equal.len()).for_each(|place| tied.tie(start, start + place));
        }
        start += equal.len();
    }
    let most = tied.largest();
    let one_of_most = given.is_some() && 2 * most > contents.len() && most > alone.largest();
    let mut groups = if one_of_most || tied.fewest(contents) < 2 {
        alone
    } else {
        tied
    };
    let rank = groups.ranks(contents);
    let mut order: Vec<usize> = (0..contents.len()).collect();
    order.sort_by_key(|&place| (contents[place], rank[place]));
    let mut numbers: BTreeMap<usize, u32> = BTreeMap::new();
    let groups = order.iter().map(|&place| {
        let next = numbers.len() as u32;
        *numbers.entry(rank[place]).or_insert(next)
    });
    let groups = groups.collect();
    (order, groups)
}

/// Disjoint sets of rows (union-find).
#[derive(Clone)]
struct Groups(Vec<usize>);

impl Groups {
    fn apart(rows: usize) -> Self {
        Self((0..rows).collect())
    }

    fn of(codes: &[u32]) -> Self {
        let mut first: BTreeMap<u32, usize> = BTreeMap::new();
        let places = codes.iter().enumerate();
        Self(
            places
                .map(|(place, &code)| *first.entry(code).or_insert(place))
                .collect(),
        )
    }

    /// The row that represents the group of the row at `place`.
    fn root(&mut self, place: usize) -> usize {
        let mut at = place;
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn tie(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }

    /// Number of rows in the largest group.
    fn largest(&self) -> usize {
        let mut groups = self.clone();
        let mut sizes = vec![0; groups.0.len()];
        (0..groups.0.len()).for_each(|place| sizes[groups.root(place)] += 1);
        sizes.into_iter().max().unwrap_or(0)
    }

    /// Counts, for each class, the groups that contain rows of the class. Returns the smallest count.
    fn fewest(&self, contents: &[Content]) -> usize {
        let mut groups = self.clone();
        let places = contents.iter().enumerate();
        let mut pairs: Vec<(u32, usize)> = places.map(|(place, row)| (row.label, groups.root(place))).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let of_class = pairs.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len);
        of_class.min().unwrap_or(0)
    }

    /// Sorts the groups by content. Returns, for each row, the position of its group in this order.
    fn ranks(&mut self, contents: &[Content]) -> Vec<usize> {
        let mut places: Vec<(usize, usize)> = (0..contents.len()).map(|place| (self.root(place), place)).collect();
        places.sort_unstable();
        let mut held: Vec<&[(usize, usize)]> = places.chunk_by(|a, b| a.0 == b.0).collect();
        let rows = |group: &[(usize, usize)]| group.iter().map(|(_, place)| contents[*place]).collect::<Vec<_>>();
        held.sort_by(|a, b| {
            let first = contents[a[0].1].cmp(&contents[b[0].1]);
            first.then_with(|| rows(a).cmp(&rows(b)))
        });
        let mut rank = vec![0; contents.len()];
        for (position, group) in held.into_iter().enumerate() {
            group.iter().for_each(|(_, place)| rank[*place] = position);
        }
        rank
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn content(values: u128, label: u32) -> Content {
        Content {
            values,
            label,
            weight: 1.0f64.to_bits(),
        }
    }

    /// Returns the sorted contents and their groups. Each element of `rows` consists of a value, a label and a group.
    fn held(rows: &[(u128, u32, u32)], grouped: bool) -> (Vec<Content>, Vec<u32>) {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|(values, label, _)| (*values, *label));
        let contents: Vec<Content> = rows.iter().map(|(values, label, _)| content(*values, *label)).collect();
        let given: Vec<u32> = rows.iter().map(|(.., group)| *group).collect();
        let (order, groups) = hold_together(&contents, grouped.then_some(&given));
        (order.iter().map(|&place| contents[place]).collect(), groups)
    }

    fn count(groups: &[u32]) -> usize {
        groups.iter().collect::<BTreeSet<_>>().len()
    }

    #[test]
    fn copies_merge_groups() {
        // Groups 7 and 8 contain the same row. Groups 5 and 6 have rows with equal values but different labels.
        let rows = [
            (1, 0, 7),
            (2, 1, 7),
            (2, 1, 8),
            (3, 0, 8),
            (4, 0, 5),
            (4, 1, 6),
            (5, 0, 6),
            (6, 1, 5),
        ];
        let (contents, groups) = held(&rows, true);
        let of = |values: u128| groups[contents.iter().position(|row| row.values == values).unwrap()];
        assert_eq!(count(&groups), 3);
        assert!(of(1) == of(2) && of(2) == of(3) && of(3) != of(5) && of(5) != of(6));
    }

    #[test]
    fn copies_do_not_merge_groups_if_too_few_would_remain() {
        // Every group contains the same row, so merging would put all rows into one group.
        let all: Vec<(u128, u32, u32)> = (0..30)
            .map(|row| {
                if row % 3 == 0 {
                    (0, 0, row / 3)
                } else {
                    (row.into(), row % 2, row / 3)
                }
            })
            .collect();
        assert_eq!(count(&held(&all, true).1), 10);
        // One class has only two rows. These two rows are equal and are in different groups.
        let copies = [(1, 1, 0), (1, 1, 1), (2, 0, 2), (3, 0, 3), (4, 0, 4), (5, 0, 4)];
        assert_eq!(count(&held(&copies, true).1), 5);
        // Groups that the caller has passed are never split, even if one group contains all rows of a class.
        let together = [(1, 1, 0), (2, 1, 0), (3, 0, 0), (4, 0, 1), (5, 0, 2)];
        assert_eq!(count(&held(&together, true).1), 3);
    }

    proptest! {
        /// The rows have few distinct values, so that equal rows and equal groups occur.
        #[test]
        fn neither_the_order_nor_the_names_of_groups_matter(
            rows in proptest::collection::vec((0u128..6, 0u32..2, 0u32..8), 1..40),
            turn in any::<u64>(),
            grouped in any::<bool>(),
        ) {
            let found = held(&rows, grouped);
            let mut turned = rows.clone();
            let mut random = crate::numeric::SplitMix::new(turn, 1);
            for last in (1..turned.len()).rev() {
                turned.swap(last, random.below(last + 1));
            }
            let mut names: Vec<u32> = (0..8).collect();
            for last in (1..names.len()).rev() {
                names.swap(last, random.below(last + 1));
            }
            turned.iter_mut().for_each(|(.., group)| *group = names[*group as usize] * 100);
            prop_assert_eq!(&found, &held(&turned, grouped));
        }

        #[test]
        fn given_groups_stay_together(
            rows in proptest::collection::vec((0u128..40, 0u32..2, 0u32..8), 1..60),
        ) {
            let mut sorted = rows.clone();
            sorted.sort();
            let contents: Vec<Content> = sorted.iter().map(|(values, label, _)| content(*values, *label)).collect();
            let given: Vec<u32> = sorted.iter().map(|(.., group)| *group).collect();
            let (order, groups) = hold_together(&contents, Some(&given));
            let mut seen = order.clone();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..rows.len()).collect::<Vec<_>>());
            for (a, &place) in order.iter().enumerate() {
                for (b, &other) in order.iter().enumerate() {
                    prop_assert!(given[place] != given[other] || groups[a] == groups[b]);
                }
            }
            prop_assert!(groups.iter().enumerate().all(|(row, group)| (*group as usize) <= row));
        }
    }
}
