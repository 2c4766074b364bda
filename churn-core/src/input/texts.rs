//! Text columns of a table that is being read. Every distinct text is stored once, and each row holds the code of its
//! text.

use crate::error::Result;
use crate::input::interner::Interner;
use crate::input::order::gather;
use crate::input::reader::PIECE;
use crate::parallel::Workers;
use crate::record::{Ids, MISSING_CODE, TextColumn};

/// A text column that is being read. Each distinct text gets the next free code when it first occurs.
pub(crate) struct TextDraft {
    /// For each row, the code of its text; [`MISSING_CODE`] if the row has no text.
    pub(crate) codes: Vec<u32>,
    texts: Interner,
}

/// A text that occurs in the selected rows, with its code and its first 16 bytes. Most texts can be compared by these
/// bytes alone.
#[derive(Clone, Copy)]
struct Level {
    first: u128,
    code: u32,
}

impl TextDraft {
    pub(crate) fn new(codes: Vec<u32>, texts: Interner) -> Self {
        Self { codes, texts }
    }

    /// The distinct texts. The code of a text is its position in this list.
    pub(crate) fn texts(&self) -> &Ids {
        self.texts.texts()
    }

    /// The text of a row; `None` if it is missing.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        match self.codes[row] {
            MISSING_CODE => None,
            code => Some(self.texts().get(code as usize)),
        }
    }

    /// Copies the given rows, in the given order. Levels (distinct texts) are sorted by bytes, and levels that no
    /// selected row uses are dropped.
    pub(crate) fn gather(self, rows: &[u32], workers: &Workers) -> Result<TextColumn> {
        let texts = self.texts();
        let mut gathered = gather(&self.codes, rows, workers)?;
        let mut used = vec![false; texts.len()];
        for codes in gathered.chunks(PIECE) {
            workers.check()?;
            for &code in codes {
                if let Some(used) = used.get_mut(code as usize) {
                    *used = true;
                }
            }
        }
        let levels = workers.map_chunks(texts.len(), PIECE, |codes| {
            let used = codes.filter(|&code| used[code]);
            Ok(used.map(|code| Level::of(code, texts)).collect::<Vec<_>>())
        })?;
        let mut levels = levels.concat();
        workers.sort_by(&mut levels, |a, b| {
            let rest = || texts.get(a.code as usize).cmp(texts.get(b.code as usize));
            a.first.cmp(&b.first).then_with(rest)
        })?;
        let mut places = vec![MISSING_CODE; texts.len()];
        workers.check()?;
        for (place, level) in levels.iter().enumerate() {
            places[level.code as usize] = place as u32;
        }
        workers.chunks_mut(&mut gathered, PIECE, |_, codes| {
            for code in codes.iter_mut().filter(|code| **code != MISSING_CODE) {
                *code = places[*code as usize];
            }
            Ok(())
        })?;
        let sorted = workers.map_chunks(levels.len(), PIECE, |range| {
            let texts = levels[range].iter().map(|level| texts.get(level.code as usize));
            Ok(texts.collect::<Ids>())
        })?;
        let mut levels = Ids::default();
        sorted.iter().for_each(|piece| levels.append(piece));
        Ok(TextColumn {
            codes: gathered,
            levels,
        })
    }
}

impl Level {
    fn of(code: usize, texts: &Ids) -> Self {
        let text = texts.get(code).as_bytes();
        let mut first = [0; 16];
        let length = text.len().min(first.len());
        first[..length].copy_from_slice(&text[..length]);
        Self {
            // The first 16 bytes of a text are read as a big-endian number. Such numbers have the same order as the
            // bytes themselves. If two numbers are equal, the texts may still differ in later bytes.
            first: u128::from_be_bytes(first),
            code: code as u32,
        }
    }
}
