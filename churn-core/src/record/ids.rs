//! Texts side by side in one buffer.

/// Many texts in one allocation, reached by position.
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

    /// The position of a text among texts sorted by bytes.
    pub(crate) fn position_in_sorted(&self, text: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle).cmp(text) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
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
