//! Limits the memory that an import may use. The limit depends on the size of the imported file.

/// In total, the category sets of an imported model may use this number of bytes for each byte of the model file, plus
/// [`SETS_FLOOR`] bytes.
const SETS_PER_BYTE: usize = 16;
const SETS_FLOOR: usize = 16 << 20;

/// The memory that the category sets of an imported model may still use, in 64-bit words.
pub(super) struct Budget(usize);

impl Budget {
    /// Creates the budget for a model file. `file` is the size of the file in bytes.
    pub(super) fn of(file: usize) -> Self {
        Self((file.saturating_mul(SETS_PER_BYTE).saturating_add(SETS_FLOOR)) / size_of::<u64>())
    }

    /// Subtracts a number of 64-bit words from the budget, and returns an error if the budget is too small. Callers do
    /// this before they allocate the memory of a category set.
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
