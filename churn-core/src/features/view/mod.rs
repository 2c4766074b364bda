//! What is known at `as_of`. Feature code sees records only through these views.
//!
//! A view is made for one moment. Everything it hands out happened, and was known, strictly before that moment: a
//! field that became known later reads as not set. A [`Row`] can be made here only, and columns are read by `Row`
//! only, so looking at a record that is not visible does not compile.

mod column;
mod customer;
mod stream;

pub(crate) use column::{ColumnView, Holds, has_column};
pub(crate) use customer::{CustomerView, SpellTruth, tenure_days};
pub(crate) use stream::{PaymentState, StreamView, visible_events};

/// A row that is visible at a view's moment: the key to what the view and its columns tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row(u32);

impl Row {
    /// Positions fit: tables have at most `u32::MAX` rows.
    fn new(position: usize) -> Self {
        Self(position as u32)
    }

    fn position(self) -> usize {
        self.0 as usize
    }
}
