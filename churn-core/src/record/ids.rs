//! A list of texts in one buffer.

/// A list of texts that are stored in one buffer and accessed by position.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ids {
    bytes: String,
    ends: Vec<usize>,
}

impl Ids {
    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    /// Appends all texts of another list.
    pub(crate) fn append(&mut self, others: &Self) {
        let start = self.bytes.len();
        self.bytes.push_str(&others.bytes);
        self.ends.extend(others.ends.iter().map(|end| start + end));
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, position: usize) -> &str {
        let start = if position == 0 { 0 } else { self.ends[position - 1] };
        &self.bytes[start..self.ends[position]]
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|position| self.get(position))
    }
}

impl<T: AsRef<str>> FromIterator<T> for Ids {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let mut ids = Self::default();
        for text in texts {
            ids.push(text.as_ref());
        }
        ids
    }
}
