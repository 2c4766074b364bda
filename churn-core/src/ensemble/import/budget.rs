//! Bounds the memory of an import by the size of the imported file.

/// The category sets of a model may take this many bytes per byte of its file, plus [`SETS_FLOOR`].
const SETS_PER_BYTE: usize = 16;
const SETS_FLOOR: usize = 16 << 20;

/// The remaining memory for category sets of a model, in 64-bit words.
pub(super) struct Budget(usize);

impl Budget {
    /// The budget for a model file of this many bytes.
    pub(super) fn of(file: usize) -> Self {
        Self((file.saturating_mul(SETS_PER_BYTE).saturating_add(SETS_FLOOR)) / size_of::<u64>())
    }

    /// Reserves words for a set before they are allocated.
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
