//! Bounds the memory of an import by the size of the file that is imported.

/// The sets of categories of a model take at most this many bytes for each byte of its file, and [`SETS_FLOOR`] more.
const SETS_PER_BYTE: usize = 16;
const SETS_FLOOR: usize = 16 << 20;

/// Memory that the sets of categories of a model may still take, in words of 64 bits.
pub(super) struct Budget(usize);

impl Budget {
    /// The budget of a file of this many bytes.
    pub(super) fn of(file: usize) -> Self {
        Self((file.saturating_mul(SETS_PER_BYTE).saturating_add(SETS_FLOOR)) / size_of::<u64>())
    }

    /// Takes words for a set, before they are allocated.
    pub(super) fn take(&mut self, words: usize) -> Result<(), String> {
        match self.0.checked_sub(words) {
            Some(rest) => {
                self.0 = rest;
                Ok(())
            }
            None => Err("its sets of categories are too large for the size of the file".into()),
        }
    }
}
