//! Maps texts to codes. All texts are stored in one buffer, not in separate heap objects.
//!
//! Texts are untrusted input, and an attacker could choose thousands of texts with the same hash. Hashes are therefore
//! seeded once per process by [`RandomState`], so that collisions cannot be predicted. The hashes do not affect
//! results, because codes are assigned in the order of the data. Hashes are used only to find equal texts. The test
//! `no_result_depends_on_the_seed` checks that the seed does not affect results.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use crate::record::Ids;

const EMPTY: u32 = u32::MAX;

/// Number of texts that are looked up together. The memory accesses of these lookups overlap, which is faster than one
/// lookup after another.
const AHEAD: usize = 64;

/// The seed of hashes. It differs between processes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(pub(crate) [u64; 4]);

impl Seed {
    /// The seed of this process.
    pub(crate) fn of_process() -> Self {
        static SEED: LazyLock<Seed> = LazyLock::new(|| {
            let random = RandomState::new();
            Seed(std::array::from_fn(|number| random.hash_one(number)))
        });
        #[cfg(test)]
        if let Some(seed) = FORCED_SEED.get() {
            return seed;
        }
        *SEED
    }
}

#[cfg(test)]
thread_local! {
    /// The seed that a test sets for the current thread. Hash tables that this thread creates use this seed instead of
    /// the seed of the process.
    pub(crate) static FORCED_SEED: std::cell::Cell<Option<Seed>> = const { std::cell::Cell::new(None) };
}

/// The hash of a text. Each step mixes eight bytes into the state by [`fold`].
///
/// The mixing step comes from wyhash (Wang Yi, public domain).
pub(crate) fn hash(text: &str, seed: &Seed) -> u64 {
    let [first, word, state, last_word] = seed.0;
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let begin = first ^ text.len() as u64;
    let hash = words.iter().chain([&last]).fold(begin, |hash, bytes| {
        fold(hash ^ u64::from_le_bytes(*bytes), word ^ hash.rotate_left(32))
    });
    fold(hash ^ state, last_word)
}

/// Multiplies two numbers and combines the upper and lower half of the 128-bit product by exclusive or.
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// A hash index of texts that are stored elsewhere, with open addressing and linear probing.
#[derive(Clone, Debug, Default)]
struct TextIndex {
    /// The slots (places for one entry each). Their number is a power of two, and at most half of them are used.
    slots: Vec<Slot>,
}

/// A slot: a place for one entry of the index. An entry consists of the position of a text and 32 bits of the text's
/// hash (`tag`). A free slot has the position [`EMPTY`]. The search for a text begins at the slot that its tag
/// determines. Texts are compared only if their tags are equal.
#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    position: u32,
}

impl TextIndex {
    /// Loads into the CPU cache the slots at which the searches for these hashes begin. No branch depends on what the
    /// slots contain, so the CPU can load several slots at the same time.
    fn touch(&self, hashes: &[u64]) {
        if let Some(mask) = self.slots.len().checked_sub(1) {
            let slots = hashes
                .iter()
                .map(|&hash| self.slots[tag(hash) as usize & mask].position);
            std::hint::black_box(slots.fold(0, |sum, position| sum ^ position));
        }
    }

    /// Finds the slot that contains `text`, whose hash is `hash`. If the text is new, the result is the free slot in
    /// which it can be stored. `None` if the index has no slots yet.
    fn slot(&self, texts: &Ids, text: &str, hash: u64) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = tag(hash) as usize & mask;
        loop {
            let Slot { tag: known, position } = self.slots[at];
            if position == EMPTY || known == tag(hash) && texts.get(position as usize) == text {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    /// Makes room for `count` texts. The tags of the existing entries determine their new slots, so their texts are not
    /// read again.
    fn grow(&mut self, count: usize) {
        let empty = Slot {
            tag: 0,
            position: EMPTY,
        };
        let slots = (count.max(8) * 2).next_power_of_two();
        let before = std::mem::replace(&mut self.slots, vec![empty; slots]);
        for slot in before.into_iter().filter(|slot| slot.position != EMPTY) {
            let mut at = slot.tag as usize & (slots - 1);
            while self.slots[at].position != EMPTY {
                at = (at + 1) & (slots - 1);
            }
            self.slots[at] = slot;
        }
    }

    /// Returns the stored position of `text`, whose hash is `hash`. If the text is new, it is stored with `position`.
    fn put(&mut self, texts: &Ids, text: &str, hash: u64, position: u32) -> u32 {
        let Some(at) = self.slot(texts, text, hash) else {
            return position;
        };
        let slot = &mut self.slots[at];
        if slot.position == EMPTY {
            let tag = tag(hash);
            *slot = Slot { tag, position };
        }
        slot.position
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Assigns consecutive codes to distinct texts.
#[derive(Clone, Debug)]
pub(crate) struct Interner {
    texts: Ids,
    index: TextIndex,
    seed: Seed,
}

impl Default for Interner {
    fn default() -> Self {
        Self {
            texts: Ids::default(),
            index: TextIndex::default(),
            seed: Seed::of_process(),
        }
    }
}

impl Interner {
    /// Returns the code of a text. A new text gets the next code.
    pub(crate) fn code(&mut self, text: &str) -> u32 {
        self.reserve(1);
        self.put(text, hash(text, &self.seed))
    }

    /// Returns the codes of many texts. A new text gets the next code.
    pub(crate) fn codes<'t>(&mut self, mut texts: impl ExactSizeIterator<Item = &'t str>) -> Vec<u32> {
        let mut codes = Vec::with_capacity(texts.len());
        let mut block = Vec::with_capacity(AHEAD);
        let mut hashes = Vec::with_capacity(AHEAD);
        while texts.len() > 0 {
            block.clear();
            block.extend(texts.by_ref().take(AHEAD));
            hashes.clear();
            hashes.extend(block.iter().map(|text| hash(text, &self.seed)));
            self.reserve(block.len());
            self.index.touch(&hashes);
            codes.extend(block.iter().zip(&hashes).map(|(text, &hash)| self.put(text, hash)));
        }
        codes
    }

    fn reserve(&mut self, more: usize) {
        if (self.texts.len() + more) * 2 > self.index.slots.len() {
            self.index.grow((self.texts.len() + more) * 2);
        }
    }

    /// Returns the code of `text`, whose hash is `hash`. The caller must already have made room for a new text.
    fn put(&mut self, text: &str, hash: u64) -> u32 {
        let next = self.texts.len() as u32;
        let code = self.index.put(&self.texts, text, hash, next);
        if code == next {
            self.texts.push(text);
        }
        code
    }

    /// The texts in the order of their codes.
    pub(crate) fn texts(&self) -> &Ids {
        &self.texts
    }

    /// The texts in the order of their codes.
    pub(crate) fn into_texts(self) -> Ids {
        self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_equal_codes() {
        let mut interner = Interner::default();
        let texts: Vec<String> = (0..1000).map(|i| format!("text {}", i % 333)).collect();
        let codes: Vec<u32> = texts.iter().map(|text| interner.code(text)).collect();
        assert!(codes.iter().enumerate().all(|(i, &code)| code == i as u32 % 333));
        assert_eq!(interner.code(""), 333);
        let mut other = Interner::default();
        assert_eq!(other.codes(texts.iter().map(String::as_str)), codes);
        assert_eq!(other.code("text 332"), 332);
        let texts = interner.into_texts();
        assert_eq!((texts.len(), texts.get(17), texts.get(333)), (334, "text 17", ""));
    }

    /// Creates texts that all have the same hash under a known seed.
    fn colliding(seed: &Seed, count: usize) -> Vec<String> {
        // If the last eight bytes of a text equal the state of the hash just before these bytes, the product in
        // [`fold`] is 0. The hash then does not depend on earlier bytes.
        let [first, ..] = seed.0;
        let mut texts = vec![];
        for number in 0u64.. {
            let head = format!("{number:08}");
            let length = 16u64;
            let state = first ^ length;
            let state = fold(
                state ^ u64::from_le_bytes(head.as_bytes().try_into().unwrap()),
                seed.0[1] ^ state.rotate_left(32),
            );
            if let Ok(cancel) = std::str::from_utf8(&state.to_le_bytes()) {
                texts.push(format!("{head}{cancel}"));
                if texts.len() == count {
                    break;
                }
            }
        }
        texts
    }

    #[test]
    fn collisions_depend_on_the_seed() {
        let known = Seed([1, 2, 3, 4]);
        let texts = colliding(&known, 200);
        let distinct = |seed: &Seed| {
            let hashes: std::collections::HashSet<u64> = texts.iter().map(|text| hash(text, seed)).collect();
            hashes.len()
        };
        assert_eq!(distinct(&known), 1);
        assert_eq!(distinct(&Seed::of_process()), texts.len());
        // Texts with equal hashes still have different codes.
        FORCED_SEED.set(Some(known));
        let codes = Interner::default().codes(texts.iter().map(String::as_str));
        FORCED_SEED.set(None);
        assert_eq!(codes, (0..200).collect::<Vec<u32>>());
    }

    /// Builds records and features from fixed customers and events. All hashes use the given seed.
    fn results(ids: &[String], seed: Seed) -> String {
        use crate::{Column, Execution, FeaturePlan, OnInvalid, StaticAttributes, Table, TenantRecords, Value};
        let texts = |texts: Vec<String>| Column::Values(texts.into_iter().map(Value::Text).collect());
        let day = |day: usize| format!("2024-01-{:02}", 1 + day % 28);
        let table = |columns: Vec<(&str, Vec<String>)>| {
            let with = |table: Table, (name, values)| table.with_column(name, texts(values)).unwrap();
            columns.into_iter().fold(Table::new(), with)
        };
        let count = ids.len();
        let customers = table(vec![
            ("customer_id", ids.to_vec()),
            ("signed_up_at", (0..count).map(day).collect()),
            ("plan", (0..count).map(|row| ids[row % 7].clone()).collect()),
        ]);
        // The rows contain versions, duplicates, events of unknown customers, and invalid values.
        let of = |row: usize| {
            ids.get(row * 31 % (count + 5))
                .cloned()
                .unwrap_or_else(|| format!("nobody {row}"))
        };
        let payments = table(vec![
            (
                "payment_id",
                (0..3 * count).map(|row| ids[row % count].clone()).collect(),
            ),
            ("customer_id", (0..3 * count).map(of).collect()),
            (
                "due_at",
                (0..3 * count)
                    .map(|row| format!("2024-02-{:02}", 1 + row % 28))
                    .collect(),
            ),
            (
                "known_at",
                (0..3 * count)
                    .map(|row| format!("2024-03-{:02}", 1 + row / count % 2))
                    .collect(),
            ),
            ("method", (0..3 * count).map(|row| ids[row % 11].clone()).collect()),
        ]);
        let amount = |row: usize| match row % 50 {
            0 => Value::Text("x".into()),
            _ => Value::Int(row as i64),
        };
        let amounts = Column::Values((0..3 * count).map(amount).collect());
        let payments = payments.with_column("amount", amounts).unwrap();
        FORCED_SEED.set(Some(seed));
        let built = TenantRecords::builder("t")
            .customers(customers)
            .payments(payments)
            .on_invalid(OnInvalid::Quarantine)
            .static_attributes(StaticAttributes::All)
            .execution(Execution::new().threads(1))
            .build();
        FORCED_SEED.set(None);
        let (records, report) = built.unwrap();
        let dates = ["2024-06-01".parse().unwrap()];
        let matrix = crate::features(&records, &dates, &FeaturePlan::default(), &Execution::new().threads(1)).unwrap();
        let codes: Vec<&str> = report.issues.iter().map(|issue| issue.code.as_str()).collect();
        format!("{codes:?} {report:?} {matrix:?}")
    }

    #[test]
    fn no_result_depends_on_the_seed() {
        let known = Seed([5, 6, 7, 8]);
        let mut ids = colliding(&known, 60);
        ids.extend((0..240).map(|number| format!("c{number}")));
        let wanted = results(&ids, Seed([1, 2, 3, 4]));
        for code in ["duplicate_id", "unknown_customer", "bad_type"] {
            assert!(wanted.contains(code), "{code}");
        }
        for seed in [known, Seed([0; 4]), Seed([u64::MAX; 4]), Seed::of_process()] {
            assert_eq!(results(&ids, seed), wanted);
        }
    }
}
