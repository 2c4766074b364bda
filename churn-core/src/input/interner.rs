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
    /// Positions, or [`EMPTY`]; a power of two of them, at most half of them taken.
    slots: Vec<u32>,
}

impl TextIndex {
    /// The index of texts that differ from one another.
    pub(crate) fn of(texts: &Ids) -> Self {
        let mut index = Self::default();
        index.grow(texts, texts.len());
        index
    }

    /// The position of a text.
    pub(crate) fn find(&self, texts: &Ids, text: &str) -> Option<u32> {
        self.slot(texts, text).and_then(|slot| match slot {
            Slot::Taken(position) => Some(position),
            Slot::Free(_) => None,
        })
    }

    /// Where a text is, or would be put; `None` while there are no slots.
    fn slot(&self, texts: &Ids, text: &str) -> Option<Slot> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash(text) as usize & mask;
        loop {
            match self.slots[at] {
                EMPTY => return Some(Slot::Free(at)),
                position if texts.get(position as usize) == text => {
                    return Some(Slot::Taken(position));
                }
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// Makes room for `count` texts and takes in those that are there.
    fn grow(&mut self, texts: &Ids, count: usize) {
        self.slots = vec![EMPTY; (count.max(8) * 2).next_power_of_two()];
        for (position, text) in texts.iter().enumerate() {
            if let Some(Slot::Free(at)) = self.slot(texts, text) {
                self.slots[at] = position as u32;
            }
        }
    }
}

enum Slot {
    Taken(u32),
    Free(usize),
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
            self.index.grow(&self.texts, self.texts.len() * 2);
        }
        let code = self.texts.len() as u32;
        match self.index.slot(&self.texts, text) {
            Some(Slot::Taken(code)) => return code,
            Some(Slot::Free(at)) => self.index.slots[at] = code,
            None => {}
        }
        self.texts.push(text);
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
    }
}
