//! Views of the records as known at `as_of`. Feature code can access records only through these views.
//!
//! A view belongs to one point in time. Everything that it returns happened, and was known, strictly before that time.
//! A field whose value became known later is returned as not set.
//!
//! Only this module can create a [`Row`], and a column can be read only with a `Row`. Code that reads an invisible
//! record therefore does not compile.

mod column;
mod customer;
mod stream;

pub(crate) use column::{ColumnView, Holds, has_column};
pub(crate) use customer::{CustomerView, SpellTruth, tenure_days};
pub(crate) use stream::{PaymentState, StreamView, has_visible_event};

/// A row that is visible at the view's time. The fields and columns of a table are read with such a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row(u32);

impl Row {
    /// Creates a row. Its position fits into 32 bits, because a table has at most `u32::MAX` rows.
    fn new(position: usize) -> Self {
        Self(position as u32)
    }

    fn position(self) -> usize {
        self.0 as usize
    }
}
