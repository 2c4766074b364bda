//! A hash table from customer ids to customer codes. It is optimised for looking up the customers of many events at
//! once.

use crate::error::Result;
use crate::input::interner::{Seed, fold, hash};
use crate::input::reader::PIECE;
use crate::parallel::Workers;
use crate::record::{Ids, MISSING_CODE};

/// Number of ids that are looked up together. The memory accesses of these lookups overlap, which is faster than one
/// lookup after another.
pub(crate) const AHEAD: usize = 64;
/// A hash table of about `PARTS * LARGE` ids or more is divided into `PARTS` parts, which are built in parallel.
const PARTS: usize = 16;
const LARGE: usize = 1 << 10;
/// Ids of at most this number of bytes are stored completely in the hash table.
const SHORT: usize = 24;

/// A hash table from ids to codes, with open addressing and linear probing. Most lookups touch one cache line.
pub(crate) struct Directory {
    /// The parts of the hash table. Their number is a power of two, and all parts have the same number of slots (places
    /// for one entry). At most half of all slots are used. Probing stays within a part and wraps around at the end of
    /// the part, so different threads can build different parts.
    parts: Vec<Vec<Line>>,
    seed: Seed,
}

/// A cache line with two slots (places for one entry each). Probing begins at the first slot of a line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([Slot; 2]);

/// A slot: a place for one entry of the hash table. An entry consists of the key of an id and the code of the id. An
/// empty slot has the code [`MISSING_CODE`].
#[derive(Clone, Copy)]
struct Slot {
    key: Key,
    code: u32,
}

/// The key of an id. For a short id, the key contains all bytes of the id. For a longer id, the key contains a hash,
/// the first bytes and the last bytes of the id.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Key {
    words: [u64; 3],
    length: u32,
}

impl Key {
    fn of(id: &str, seed: &Seed) -> Self {
        let bytes = id.as_bytes();
        let eight = |from: usize| {
            bytes[from..]
                .first_chunk()
                .map_or(0, |eight| u64::from_le_bytes(*eight))
        };
        let four = |from: usize| {
            bytes[from..]
                .first_chunk()
                .map_or(0, |four| u64::from(u32::from_le_bytes(*four)))
        };
        let length = bytes.len();
        // The words that are read from a short id may overlap. Two short ids with the same words and the same length
        // are equal.
        let words = match length {
            0 => [0; 3],
            1..4 => [bytes[0], bytes[length / 2], bytes[length - 1]].map(u64::from),
            4..8 => [four(0), four(length - 4), 0],
            8..16 => [eight(0), eight(length - 8), 0],
            16..=SHORT => [eight(0), eight(8), eight(length - 8)],
            _ => [hash(id, seed), eight(0), eight(length - 8)],
        };
        Self {
            words,
            length: u32::try_from(length).unwrap_or(u32::MAX),
        }
    }

    /// Whether the key belongs to only one id. This is false for a key that contains the hash of a long id.
    pub(crate) fn is_exact(&self) -> bool {
        self.length as usize <= SHORT
    }

    fn place(&self, seed: &Seed) -> usize {
        let [a, b, c] = self.words;
        let [first, second, third, last] = seed.0;
        (fold(a ^ first, b ^ second) ^ fold(c ^ third, u64::from(self.length) ^ last)) as usize
    }
}

impl Directory {
    /// Builds the hash table of distinct ids. The code of an id is its position among the ids.
    pub(crate) fn of(ids: &Ids, workers: &Workers) -> Result<Self> {
        let seed = Seed::of_process();
        let lines = ids.len().next_power_of_two();
        let mut places = vec![0u32; ids.len()];
        workers.chunks_mut(&mut places, PIECE, |start, places| {
            let ids = (start..).map(|code| ids.get(code));
            let pairs = places.iter_mut().zip(ids);
            pairs.for_each(|(place, id)| *place = (Key::of(id, &seed).place(&seed) & (lines - 1)) as u32);
            Ok(())
        })?;
        let mut length = if lines < PARTS * LARGE { lines } else { lines / PARTS };
        let mut counts = vec![0usize; lines / length];
        let shift = length.trailing_zeros();
        places.iter().for_each(|&place| counts[(place >> shift) as usize] += 1);
        // If one part would be too full, the table gets only one part, which contains all slots. Because the seed is
        // random, this is extremely unlikely.
        if counts.iter().any(|&count| count > length + length / 2) {
            length = lines;
        }
        let shift = length.trailing_zeros();
        let parts = workers.map(0..lines / length, |part| {
            let empty = Slot {
                key: Key::default(),
                code: MISSING_CODE,
            };
            let mut lines = vec![Line([empty; 2]); length];
            let of_part = (places.iter().enumerate()).filter(|(_, place)| (**place >> shift) as usize == part);
            for (code, &place) in of_part {
                let at = search(&lines, place as usize & (length - 1), |_| false);
                lines[at / 2].0[at % 2] = Slot {
                    key: Key::of(ids.get(code), &seed),
                    code: code as u32,
                };
            }
            Ok(lines)
        })?;
        Ok(Self { parts, seed })
    }

    /// The key under which this hash table stores an id.
    pub(crate) fn key(&self, id: &str) -> Key {
        Key::of(id, &self.seed)
    }

    /// Looks up the codes of the given keys. An unknown key has the code [`MISSING_CODE`].
    pub(crate) fn look(&self, keys: &[Key], codes: &mut Vec<u32>) {
        // This loop loads the cache line of each key. No branch depends on what the lines contain, so the CPU can load
        // several lines at the same time.
        let first = keys.iter().map(|key| {
            let (part, line) = self.begin(key);
            part[line].0[0].code
        });
        std::hint::black_box(first.fold(0, |sum, code| sum ^ code));
        codes.clear();
        codes.extend(keys.iter().map(|key| self.code(key, |slot| slot.key == *key)));
    }

    /// The code of an id; `None` if the id is unknown.
    pub(crate) fn find(&self, ids: &Ids, id: &str) -> Option<u32> {
        let key = self.key(id);
        let is_it = |slot: &Slot| slot.key == key && (key.is_exact() || ids.get(slot.code as usize) == id);
        Some(self.code(&key, is_it)).filter(|&code| code != MISSING_CODE)
    }

    fn code(&self, key: &Key, is_it: impl Fn(&Slot) -> bool) -> u32 {
        let (part, line) = self.begin(key);
        let at = search(part, line, is_it);
        part[at / 2].0[at % 2].code
    }

    /// The place at which probing for a key begins: a part of the hash table, and the position of a cache line in this
    /// part.
    fn begin(&self, key: &Key) -> (&[Line], usize) {
        let length = self.parts[0].len();
        let place = key.place(&self.seed) & (length * self.parts.len() - 1);
        (&self.parts[place >> length.trailing_zeros()], place & (length - 1))
    }
}

/// The position of the first slot that is free or meets the condition `is_it`. The search starts at the given cache
/// line. There is always a free slot, so the search ends.
fn search(lines: &[Line], line: usize, is_it: impl Fn(&Slot) -> bool) -> usize {
    let mut at = 2 * line;
    loop {
        let slot = &lines[at / 2].0[at % 2];
        if slot.code == MISSING_CODE || is_it(slot) {
            return at;
        }
        at = (at + 1) & (2 * lines.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::interner::FORCED_SEED;

    #[test]
    fn finds_exactly_the_stored_ids() {
        // The ids have lengths close to `SHORT`, the maximum length of an id in a slot. The long ids differ only in the
        // middle.
        let long = |number: usize| format!("{number}-{}-{:05}-{}", "x".repeat(9), number % 7, "y".repeat(9));
        let mut given: Vec<String> = (0..2000).map(|number| format!("cus_{number:x}")).collect();
        given.extend((0..60).map(|length| "é".repeat(length)));
        given.extend((0..60).map(|length| "\0".repeat(length + 1)));
        given.extend((0..500).map(long));
        let ids: Ids = given.iter().collect();
        let directory = Directory::of(&ids, &Workers::inline()).unwrap();
        for (code, id) in given.iter().enumerate() {
            assert_eq!(directory.find(&ids, id), Some(code as u32), "{id}");
        }
        let strangers = ["cus_", "cus_7d0", "éx", "x", "\0x"].map(str::to_owned);
        for id in strangers.into_iter().chain((500..600).map(long)) {
            assert_eq!(directory.find(&ids, &id), None, "{id}");
        }
        let mut codes = vec![];
        let asked = ["cus_11", "nobody", "", "cus_0"].map(|id| directory.key(id));
        directory.look(&asked, &mut codes);
        assert_eq!(codes, [0x11, MISSING_CODE, 2000, 0]);
        let empty = Directory::of(&Ids::default(), &Workers::inline()).unwrap();
        assert_eq!(empty.find(&Ids::default(), "x"), None);
        empty.look(&asked[..1], &mut codes);
        assert_eq!(codes, [MISSING_CODE]);
    }

    #[test]
    fn long_ids_with_equal_keys_are_distinguished() {
        let workers = Workers::inline();
        let long = "a long id that does not fit into a slot";
        let texts: Ids = ["one text", long].into_iter().collect();
        let mut directory = Directory::of(&texts, &workers).unwrap();
        assert_eq!(directory.find(&texts, long), Some(1));
        // The test changes the hash table so that both ids appear to have the same key.
        let key = directory.key(long);
        let seed = directory.seed;
        assert!(!key.is_exact());
        let lines = &mut directory.parts[0];
        lines
            .iter_mut()
            .flat_map(|line| &mut line.0)
            .for_each(|slot| slot.code = MISSING_CODE);
        for code in 0..2 {
            let at = search(lines, key.place(&seed) % lines.len(), |_| false);
            lines[at / 2].0[at % 2] = Slot { key, code };
        }
        assert_eq!(directory.find(&texts, long), Some(1));
        let others: Ids = ["one text", "another"].into_iter().collect();
        assert_eq!(directory.find(&others, long), None);
    }

    #[test]
    fn many_ids_are_found_in_parts_or_in_one_part_if_they_crowd() {
        let workers = crate::parallel::Execution::new().threads(3).workers().unwrap();
        let many: Vec<String> = (0..40_000).map(|number| format!("{number:x}")).collect();
        let lines = many.len().next_power_of_two();
        let seed = Seed([11, 22, 33, 44]);
        FORCED_SEED.set(Some(seed));
        let first_part = |id: &&String| Key::of(id, &seed).place(&seed) & (lines / 2 - 1) < lines / 2 / PARTS;
        let more: Vec<String> = (0..400_000).map(|number| format!("c{number}")).collect();
        let crowd: Vec<String> = more.iter().filter(first_part).take(20_000).cloned().collect();
        for (given, parts) in [(&many, PARTS), (&crowd, 1)] {
            let ids: Ids = given.iter().collect();
            let directory = Directory::of(&ids, &workers).unwrap();
            assert_eq!(directory.parts.len(), parts);
            for (code, id) in given.iter().enumerate() {
                assert_eq!(directory.find(&ids, id), Some(code as u32));
            }
            assert_eq!(directory.find(&ids, "nobody"), None);
        }
        FORCED_SEED.set(None);
    }
}
