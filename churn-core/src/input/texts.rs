//! Text columns as they are read: a code per row, every distinct text once.

use crate::error::Result;
use crate::input::order::gather;
use crate::parallel::Workers;
use crate::record::{Ids, MISSING_CODE, TextColumn};

/// Codes in the order of first use.
pub(crate) struct TextDraft {
    /// [`MISSING_CODE`] where there is no text.
    pub(crate) codes: Vec<u32>,
    pub(crate) texts: Ids,
}

impl TextDraft {
    pub(crate) fn new(codes: Vec<u32>, texts: Ids) -> Self {
        Self { codes, texts }
    }

    /// The text of a row.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        match self.codes[row] {
            MISSING_CODE => None,
            code => Some(self.texts.get(code as usize)),
        }
    }

    /// The chosen rows, in order; levels sorted by bytes, only those that are used.
    pub(crate) fn gather(self, rows: &[u32], workers: &Workers) -> Result<TextColumn> {
        let mut codes = gather(&self.codes, rows, workers)?;
        drop(self.codes);
        let texts = &self.texts;
        let mut used = vec![false; texts.len()];
        for &code in &codes {
            if let Some(used) = used.get_mut(code as usize) {
                *used = true;
            }
        }
        let mut levels: Vec<u32> = (0..texts.len() as u32).filter(|&code| used[code as usize]).collect();
        workers.sort_by_key(&mut levels, |&code| texts.get(code as usize))?;
        let mut rank = vec![MISSING_CODE; texts.len()];
        for (position, &code) in levels.iter().enumerate() {
            rank[code as usize] = position as u32;
        }
        for code in codes.iter_mut().filter(|code| **code != MISSING_CODE) {
            *code = rank[*code as usize];
        }
        Ok(TextColumn {
            codes,
            levels: levels.iter().map(|&code| texts.get(code as usize)).collect(),
        })
    }
}
