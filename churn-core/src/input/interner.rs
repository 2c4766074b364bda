//! Texts to codes, without an object per text.

use crate::record::Ids;

const EMPTY: u32 = u32::MAX;

/// Texts that are looked for together: the wait for one is that for all.
const AHEAD: usize = 64;

/// The hash of a text: the same on every machine and in every run. Eight bytes at a time, each folded in by the two
/// halves of a 128-bit product.
///
/// Source: the mixing step of wyhash (Wang Yi, public domain).
pub(crate) fn hash(text: &str) -> u64 {
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

/// Both halves of a product.
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// Finds the position of a text among texts that are kept elsewhere: open addressing, linear probing.
#[derive(Clone, Debug, Default)]
struct TextIndex {
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
    /// Brings the slots of some hashes near. No branch hangs on what is there, so that none is waited for alone.
    fn touch(&self, hashes: &[u64]) {
        if let Some(mask) = self.slots.len().checked_sub(1) {
            let slots = hashes
                .iter()
                .map(|&hash| self.slots[tag(hash) as usize & mask].position);
            std::hint::black_box(slots.fold(0, |sum, position| sum ^ position));
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

    /// The position of a text of this hash, which is this one if it is new.
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

/// Gives every new text the next code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interner {
    texts: Ids,
    index: TextIndex,
}

impl Interner {
    /// The code of a text.
    pub(crate) fn code(&mut self, text: &str) -> u32 {
        self.make_room(1);
        self.put(text, hash(text))
    }

    /// The codes of many texts.
    pub(crate) fn codes<'t>(&mut self, mut texts: impl ExactSizeIterator<Item = &'t str>) -> Vec<u32> {
        let mut codes = Vec::with_capacity(texts.len());
        let mut block = Vec::with_capacity(AHEAD);
        let mut hashes = Vec::with_capacity(AHEAD);
        while texts.len() > 0 {
            block.clear();
            block.extend(texts.by_ref().take(AHEAD));
            hashes.clear();
            hashes.extend(block.iter().map(|text| hash(text)));
            self.make_room(block.len());
            self.index.touch(&hashes);
            codes.extend(block.iter().zip(&hashes).map(|(text, &hash)| self.put(text, hash)));
        }
        codes
    }

    fn make_room(&mut self, more: usize) {
        if (self.texts.len() + more) * 2 > self.index.slots.len() {
            self.index.grow((self.texts.len() + more) * 2);
        }
    }

    /// The code of a text for which there is room.
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
    fn gives_equal_texts_equal_codes() {
        let mut interner = Interner::default();
        let texts: Vec<String> = (0..1000).map(|i| format!("text {}", i % 333)).collect();
        let codes: Vec<u32> = texts.iter().map(|text| interner.code(text)).collect();
        assert!(codes.iter().enumerate().all(|(i, &code)| code == i as u32 % 333));
        assert_eq!(interner.code(""), 333);
        let mut again = Interner::default();
        assert_eq!(again.codes(texts.iter().map(String::as_str)), codes);
        assert_eq!(again.code("text 332"), 332);
        let texts = interner.into_texts();
        assert_eq!((texts.len(), texts.get(17), texts.get(333)), (334, "text 17", ""));
    }
}
