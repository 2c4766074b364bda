//! Texts to codes, without an object per text.

use crate::record::Ids;

const EMPTY: u32 = u32::MAX;

/// The hash of a text: the same on every machine and in every run. Eight bytes at a time, each folded in by the two
/// halves of a 128-bit product.
///
/// Source: the mixing step of wyhash (Wang Yi, public domain).
pub(crate) fn hash(text: &str) -> u64 {
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        (product >> 64) as u64 ^ product as u64
    };
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let begin = 0xa076_1d64_78bd_642f ^ text.len() as u64;
    let hash = words.iter().chain([&last]).fold(begin, |hash, word| {
        fold(
            hash ^ u64::from_le_bytes(*word),
            0xe703_7ed1_a0b4_28db ^ hash.rotate_left(32),
        )
    });
    fold(hash ^ 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3)
}

/// Finds the position of a text among texts that are kept elsewhere: open addressing, linear probing.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextIndex {
    /// A power of two of them, at most half of them taken.
    slots: Vec<Slot>,
}

/// Where a text is: its position, or [`EMPTY`], and half of its hash, by which it has its slot and which spares looks at
/// other texts.
#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    position: u32,
}

impl TextIndex {
    /// The index of texts that differ from one another.
    pub(crate) fn of(texts: &Ids) -> Self {
        let mut index = Self::default();
        index.grow(texts.len());
        for (position, text) in texts.iter().enumerate() {
            index.put(texts, text, position as u32);
        }
        index
    }

    /// The position of a text.
    pub(crate) fn find(&self, texts: &Ids, text: &str) -> Option<u32> {
        let at = self.slot(texts, text, hash(text))?;
        Some(self.slots[at].position).filter(|&position| position != EMPTY)
    }

    /// Where the texts of some hashes may be, and brings what is there near: the wait for one text is that for all. `find_at`
    /// takes them as they are, one by one.
    pub(crate) fn look(&self, texts: &Ids, hashes: &[u64], candidates: &mut Vec<u32>) {
        candidates.clear();
        let Some(mask) = self.slots.len().checked_sub(1) else {
            candidates.resize(hashes.len(), EMPTY);
            return;
        };
        candidates.extend(hashes.iter().map(|&hash| {
            let mut at = tag(hash) as usize & mask;
            while self.slots[at].position != EMPTY && self.slots[at].tag != tag(hash) {
                at = (at + 1) & mask;
            }
            self.slots[at].position
        }));
        let touched = candidates.iter().map(|&candidate| match candidate {
            EMPTY => 0,
            candidate => texts.get(candidate as usize).as_bytes().first().copied().unwrap_or(0),
        });
        std::hint::black_box(touched.fold(0, |sum, byte| sum ^ byte));
    }

    /// The position of a text that `look` has given a candidate for.
    pub(crate) fn find_at(&self, candidate: u32, texts: &Ids, text: &str) -> Option<u32> {
        match candidate {
            EMPTY => None,
            candidate if texts.get(candidate as usize) == text => Some(candidate),
            // Another text with half of the hash.
            _ => self.find(texts, text),
        }
    }

    /// Where a text of this hash is, or would be put; `None` while there are no slots.
    fn slot(&self, texts: &Ids, text: &str, hash: u64) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = tag(hash) as usize & mask;
        loop {
            let Slot { tag: own, position } = self.slots[at];
            if position == EMPTY || own == tag(hash) && texts.get(position as usize) == text {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    /// Makes room for `count` texts. Those that are there go by half of their hash: the texts are not looked at again.
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

    /// The position of a text, which is this one if it is new.
    fn put(&mut self, texts: &Ids, text: &str, position: u32) -> u32 {
        let hash = hash(text);
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

/// Gives every new text the next code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interner {
    texts: Ids,
    index: TextIndex,
}

impl Interner {
    /// The code of a text.
    pub(crate) fn code(&mut self, text: &str) -> u32 {
        if self.texts.len() * 2 >= self.index.slots.len() {
            self.index.grow(self.texts.len() * 2);
        }
        let next = self.texts.len() as u32;
        let code = self.index.put(&self.texts, text, next);
        if code == next {
            self.texts.push(text);
        }
        code
    }

    /// The texts in the order of their codes.
    pub(crate) fn into_texts(self) -> Ids {
        self.texts
    }

    /// The texts in the order of their codes.
    pub(crate) fn texts(&self) -> &Ids {
        &self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_equal_texts_equal_codes() {
        let mut interner = Interner::default();
        let texts: Vec<String> = (0..1000).map(|i| format!("text {}", i % 333)).collect();
        let codes: Vec<u32> = texts.iter().map(|text| interner.code(text)).collect();
        assert!(codes.iter().enumerate().all(|(i, &code)| code == i as u32 % 333));
        assert_eq!(interner.code(""), 333);
        let texts = interner.into_texts();
        let index = TextIndex::of(&texts);
        assert_eq!(index.find(&texts, "text 17"), Some(17));
        assert_eq!(index.find(&texts, ""), Some(333));
        assert_eq!(index.find(&texts, "text 333"), None);
        assert_eq!(TextIndex::default().find(&Ids::default(), "x"), None);
        let mut candidates = vec![];
        TextIndex::default().look(&Ids::default(), &[hash("x")], &mut candidates);
        assert_eq!(TextIndex::default().find_at(candidates[0], &Ids::default(), "x"), None);
        let asked = ["text 17", "text 333", "", "text 0"];
        index.look(&texts, &asked.map(hash), &mut candidates);
        for (text, candidate) in asked.into_iter().zip(candidates) {
            assert_eq!(index.find_at(candidate, &texts, text), index.find(&texts, text));
        }
        // What only half of the hash speaks for is looked up in full.
        assert_eq!(index.find_at(5, &texts, "text 17"), Some(17));
        assert_eq!(index.find_at(5, &texts, "text 333"), None);
    }
}
