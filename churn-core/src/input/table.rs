//! The input table: named columns of equal length. Every input format is converted to such a table.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, RecordKind, Result, excerpt};
use crate::input::kept::KeptColumn;
use crate::input::schema::known_name;
use crate::record::Ids;

/// One value of a column. The values of one column may have different types.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// The value is missing.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer that is too large for a signed 64-bit integer.
    UInt(u64),
    /// A number. NaN and infinities are not null.
    Float(f64),
    /// A text.
    Text(String),
    /// A timestamp in microseconds since 1970-01-01 UTC. It is invalid outside the years 1 to 9999.
    Timestamp(i64),
    /// A value whose type no column accepts. The text describes the value in messages, for example `"a list"`.
    Unsupported(&'static str),
}

impl Value {
    /// Borrows the value as a cell.
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Bool(value) => Cell::Bool(*value),
            Self::Int(value) => Cell::Int(*value),
            Self::UInt(value) => Cell::UInt(*value),
            Self::Float(value) => Cell::Float(*value),
            Self::Text(value) => Cell::Text(value),
            Self::Timestamp(micros) => Cell::Timestamp(*micros),
            Self::Unsupported(what) => Cell::Unsupported(what),
        }
    }
}

/// The values of an input column.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Column {
    /// Values of any type.
    Values(Vec<Value>),
    /// Integers.
    Ints(Vec<i64>),
    /// Numbers. NaN is a value here, not a null.
    Floats(Vec<f64>),
    /// Numbers. NaN means null here, as in a pandas data frame.
    NullableFloats(Vec<f64>),
    /// Bools.
    Bools(Vec<bool>),
    /// Timestamps in microseconds since 1970-01-01 UTC; `None` is null.
    Timestamps(Vec<Option<i64>>),
}

/// The values of a column. Each variant corresponds to the memory layout of an input format.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// Values in a column that the caller created.
    Plain(Column),
    /// Texts from a text file. An empty text is null. The type of the column is inferred from all its texts.
    TextFile(Texts),
    /// Values that were parsed when their batch was added by [`RecordsBuilder::push`](crate::RecordsBuilder::push).
    Kept(KeptColumn),
    /// Arrow arrays, whose buffers are read in place.
    #[cfg(feature = "arrow")]
    Arrow(crate::input::arrow::ArrowColumn),
}

impl From<Column> for Data {
    fn from(column: Column) -> Self {
        Self::Plain(column)
    }
}

/// A list of texts that are stored in one buffer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Texts(Ids);

impl Texts {
    /// Appends a text.
    #[cfg_attr(not(feature = "csv"), allow(dead_code))]
    pub(crate) fn push(&mut self, text: &str) {
        self.0.push(text);
    }

    /// Number of texts.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The text at a position.
    pub(crate) fn get(&self, position: usize) -> &str {
        self.0.get(position)
    }
}

impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        Self(texts.into_iter().collect())
    }
}

impl Column {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Ints(values) => values.len(),
            Self::Floats(values) | Self::NullableFloats(values) => values.len(),
            Self::Bools(values) => values.len(),
            Self::Timestamps(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at a position.
    fn cell(&self, position: usize) -> Cell<'_> {
        match self {
            Self::Values(values) => values[position].cell(),
            Self::Ints(values) => Cell::Int(values[position]),
            Self::Floats(values) => Cell::Float(values[position]),
            Self::NullableFloats(values) => match values[position] {
                value if value.is_nan() => Cell::Null,
                value => Cell::Float(value),
            },
            Self::Bools(values) => Cell::Bool(values[position]),
            Self::Timestamps(values) => values[position].map_or(Cell::Null, Cell::Timestamp),
        }
    }
}

impl Data {
    /// Number of values in the column.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Plain(column) => column.len(),
            Self::TextFile(values) => values.len(),
            Self::Kept(kept) => kept.len(),
            #[cfg(feature = "arrow")]
            Self::Arrow(array) => array.len(),
        }
    }

    /// Whether the column may contain exact decimals (decimal numbers that were not rounded to a float).
    pub(crate) fn is_decimal(&self) -> bool {
        match self {
            #[cfg(feature = "arrow")]
            Self::Arrow(array) => array.is_decimal(),
            Self::Kept(kept) => kept.is_decimal(),
            _ => false,
        }
    }

    /// The value at a position.
    pub(crate) fn cell(&self, position: usize) -> Cell<'_> {
        match self {
            Self::Plain(column) => column.cell(position),
            Self::TextFile(values) => match values.get(position) {
                "" => Cell::Null,
                text => Cell::TextFile(text),
            },
            Self::Kept(kept) => kept.cell(position),
            #[cfg(feature = "arrow")]
            Self::Arrow(array) => array.cell(position),
        }
    }

    /// Appends the cells (values) in a range of positions to `cells`.
    pub(crate) fn append_cells<'a>(&'a self, positions: Range<usize>, cells: &mut Vec<Cell<'a>>) {
        match self {
            #[cfg(feature = "arrow")]
            Self::Arrow(array) => array.append_cells(positions, cells),
            _ => cells.extend(positions.map(|position| self.cell(position))),
        }
    }
}

/// A value that is borrowed from a column. Columns with different memory layouts all return their values as cells, so
/// validation reads every column in the same way.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cell<'a> {
    /// The value is missing.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer that is too large for a signed 64-bit integer.
    UInt(u64),
    /// A number. NaN and infinities are not null.
    Float(f64),
    /// An exact decimal number: an integer and the number of decimal places. For example, `(1234, 2)` is 12.34.
    Decimal(i128, i8),
    /// A text.
    Text(&'a str),
    /// A text from a text file such as CSV. The text may represent a number or a bool, because a text file stores every
    /// value as text.
    TextFile(&'a str),
    /// A timestamp in microseconds since 1970-01-01 UTC.
    Timestamp(i64),
    /// A value whose type no column accepts. The text describes the value in messages.
    Unsupported(&'static str),
}

impl Cell<'_> {
    /// Whether the value is null or NaN.
    pub(crate) fn is_missing(self) -> bool {
        match self {
            Self::Null => true,
            Self::Float(value) => value.is_nan(),
            _ => false,
        }
    }

    /// The integer value of a decimal without a fraction, such as 7 for 7.00; `None` for any other cell.
    pub fn whole(self) -> Option<i128> {
        let Self::Decimal(value, scale) = self else {
            return None;
        };
        let factor = 10_i128.checked_pow(u32::from(scale.unsigned_abs()))?;
        match scale {
            ..0 => value.checked_mul(factor),
            _ => (value % factor == 0).then_some(value / factor),
        }
    }

    /// Converts the cell to an owned value. A text from a text file becomes an ordinary text.
    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::UInt(value) => Value::UInt(value),
            Self::Float(value) => Value::Float(value),
            Self::Decimal(value, scale) => Value::Float(crate::input::fields::decimal(value, scale)),
            Self::Text(text) | Self::TextFile(text) => Value::Text(text.to_owned()),
            Self::Timestamp(micros) => Value::Timestamp(micros),
            Self::Unsupported(what) => Value::Unsupported(what),
        }
    }
}

/// An input table with the rows of one kind of record. Every input is converted to such a table: JSON, CSV, Arrow,
/// typed rows, and the inputs of the language bindings.
///
/// ```
/// use churn_core::{Column, Table};
///
/// let table = Table::new().with_column("customer_id", Column::Ints(vec![1, 2]))?.with_column("seats", Column::Floats(vec![3.0, 5.0]))?;
/// assert_eq!(table.n_rows(), 2);
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<(Arc<str>, Arc<Data>)>,
    /// Maps each column name to the position of the column. A table may have very many columns, so a linear search
    /// would be slow.
    places: HashMap<Arc<str>, usize>,
    /// Number of rows that the columns contain. If `selection` is set, some of these rows do not belong to the table.
    length: usize,
    /// The positions of the rows that belong to this table; `None` if all rows of the columns belong to this table.
    selection: Option<Arc<Vec<u32>>>,
    /// The names of the index levels of a pandas data frame. The index levels are not read as columns.
    index: Vec<String>,
}

impl Table {
    /// Creates a table without columns or rows. To state that a tenant has no tickets, for example, pass an empty table
    /// of tickets to the builder. If no table is passed, the library does not know whether there are tickets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a table that has rows but no columns.
    pub(crate) fn of_rows(length: usize) -> Self {
        Self {
            length,
            ..Self::default()
        }
    }

    /// Creates a table from columns. Each column must have `length` rows, and the names must be distinct.
    pub(crate) fn of_columns(length: usize, columns: impl IntoIterator<Item = (String, Data)>) -> Self {
        let columns = columns
            .into_iter()
            .map(|(name, column)| (name.into(), Arc::new(column)));
        let mut table = Self {
            columns: columns.collect(),
            length,
            ..Self::default()
        };
        table.index_names();
        table
    }

    /// Builds the map from column names to positions.
    fn index_names(&mut self) {
        let names = self.columns.iter().enumerate();
        self.places = names.map(|(place, (name, _))| (name.clone(), place)).collect();
    }

    /// Sets the names of the index levels of a pandas data frame. Messages about missing columns mention these names.
    #[cfg(feature = "arrow")]
    pub(crate) fn with_index(mut self, index: Vec<String>) -> Self {
        self.index = index;
        self
    }

    /// The names of the index levels of a pandas data frame; empty for other input.
    pub(crate) fn index(&self) -> &[String] {
        &self.index
    }

    /// Appends a column.
    ///
    /// # Errors
    /// `unreadable_table` if the table already has a column with this name, or if the length of the new column differs
    /// from the number of rows of the table.
    pub fn with_column(self, name: impl AsRef<str>, column: Column) -> Result<Self> {
        self.with_data(name.as_ref(), column.into())
    }

    /// Appends a column. Its values may be stored in any memory layout.
    pub(crate) fn with_data(mut self, name: &str, column: Data) -> Result<Self> {
        let refuse = |why: String| Err(Error::new(ErrorKind::UnreadableTable, why).at(None, None, Some(name)));
        if self.has_column(name) {
            return refuse(format!("there are two columns named '{}'", excerpt(name)));
        }
        if !self.columns.is_empty() && column.len() != self.length {
            return refuse(format!(
                "column '{}' has {} rows and the others {}",
                excerpt(name),
                column.len(),
                self.length
            ));
        }
        if u32::try_from(column.len()).is_err() {
            return refuse("a table may not have more than 4 294 967 295 rows".to_owned());
        }
        self.length = column.len();
        let name: Arc<str> = name.into();
        self.places.insert(name.clone(), self.columns.len());
        self.columns.push((name, Arc::new(column)));
        Ok(self)
    }

    /// Renames all columns. The names are given in the order of the columns.
    ///
    /// # Errors
    /// `unreadable_table` if the number of names differs from the number of columns, or if two names are equal.
    pub fn with_names(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self> {
        let names: Vec<Arc<str>> = names.into_iter().map(|name| name.as_ref().into()).collect();
        let distinct: std::collections::HashSet<&str> = names.iter().map(|name| &**name).collect();
        if names.len() != self.columns.len() || distinct.len() != names.len() {
            let message = format!(
                "{} columns cannot have the {} names given, {} of them different",
                self.columns.len(),
                names.len(),
                distinct.len()
            );
            return Err(Error::new(ErrorKind::UnreadableTable, message));
        }
        self.columns
            .iter_mut()
            .zip(names)
            .for_each(|(column, name)| column.0 = name);
        self.index_names();
        Ok(self)
    }

    /// Renames columns to the known names of [`columns_of`](crate::columns_of) if the names differ only in case,
    /// blanks, hyphens or underscores. For example, `Customer ID`, `customer-id` and `customerId` become `customer_id`.
    /// Other columns keep their names. If two columns match the same known name, the second one keeps its name, and
    /// [`RecordsBuilder::build`](crate::RecordsBuilder::build) reports it as `duplicate_column`. The builder applies
    /// this method to every table.
    ///
    /// ```
    /// use churn_core::{RecordKind, Table};
    ///
    /// let table = Table::from_csv(&b"Customer ID,signedUpAt,Plan\nC-1,2024-01-01,pro\n"[..])?.with_known_names(RecordKind::Customers);
    /// assert_eq!(table.column_names().collect::<Vec<_>>(), ["customer_id", "signed_up_at", "Plan"]);
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_known_names(mut self, kind: RecordKind) -> Self {
        for place in 0..self.columns.len() {
            let given = Arc::clone(&self.columns[place].0);
            if let Some(known) = known_name(kind, &given)
                && *known != *given
                && !self.has_column(known)
            {
                let known: Arc<str> = known.into();
                self.places.remove(&given);
                self.places.insert(Arc::clone(&known), place);
                self.columns[place].0 = known;
            }
        }
        self
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.selection.as_ref().map_or(self.length, |selection| selection.len())
    }

    /// Number of rows that the columns contain, including rows that do not belong to this table.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Whether this table contains only some of the rows that its columns contain.
    pub(crate) fn is_selection(&self) -> bool {
        self.selection.is_some()
    }

    /// The column names, in the order of the columns.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| &**name)
    }

    /// Whether there is a column with this name.
    pub fn has_column(&self, name: &str) -> bool {
        self.column(name).is_some()
    }

    /// The values of a column, in row order; `None` if there is no such column. `churn-store` uses this method.
    #[doc(hidden)]
    pub fn cells(&self, name: &str) -> Option<impl ExactSizeIterator<Item = Cell<'_>>> {
        let column = self.column(name)?;
        Some((0..self.n_rows()).map(|row| column.cell(self.position(row))))
    }

    /// The id that a column contains in a row, as a text; `None` if the value is missing or is not an id.
    pub(crate) fn text_at(&self, name: &str, row: usize) -> Option<String> {
        let cell = self.column(name)?.cell(self.position(row));
        let mut buffer = String::new();
        let id = crate::input::fields::id(cell, &mut buffer);
        id.ok().flatten().map(str::to_owned)
    }

    /// The column names, in the order of the columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.columns.iter().map(|(name, _)| name)
    }

    /// Drops the values of a column to free memory. The column can no longer be looked up by its name, but the number
    /// of rows of the table is unchanged.
    pub(crate) fn forget(&mut self, name: &str) {
        if let Some(place) = self.places.remove(name) {
            self.columns[place].1 = Arc::new(Column::Values(vec![]).into());
        }
    }

    /// Returns a table without columns. It has the same number of rows as this table, and each row keeps its position.
    pub(crate) fn without_columns(&self) -> Self {
        Self {
            columns: vec![],
            places: HashMap::new(),
            length: self.length,
            selection: self.selection.clone(),
            index: vec![],
        }
    }

    /// Replaces columns with new columns of the same length. If `map` returns `None` for a column, this column is not
    /// replaced.
    pub(crate) fn map_columns(mut self, mut map: impl FnMut(&str, &Data) -> Option<Data>) -> Self {
        for (name, column) in &mut self.columns {
            if let Some(mapped) = map(name, column) {
                *column = Arc::new(mapped);
            }
        }
        self
    }

    /// Calls `change` for each column that was parsed when its batch was added by
    /// [`RecordsBuilder::push`](crate::RecordsBuilder::push). `change` may modify the column.
    pub(crate) fn map_kept(mut self, mut change: impl FnMut(&str, &mut KeptColumn)) -> Self {
        for (name, column) in &mut self.columns {
            if let Data::Kept(_) = **column
                && let Data::Kept(kept) = Arc::make_mut(column)
            {
                change(name, kept);
            }
        }
        self
    }

    /// Writes `id` to the column `name` in every row without a value in this column. If the column does not exist, it
    /// is added.
    pub(crate) fn with_ids(self, name: &str, id: &str) -> Result<Self> {
        let the_id = || Value::Text(id.to_owned());
        if !self.has_column(name) {
            let all = vec![the_id(); self.length];
            return self.with_column(name, Column::Values(all));
        }
        Ok(self.map_columns(|known, column| {
            let missing = |at: usize| matches!(column.cell(at), Cell::Null | Cell::Text(""));
            if known != name || !(0..column.len()).any(missing) {
                return None;
            }
            let filled = (0..column.len()).map(|at| match missing(at) {
                true => the_id(),
                false => column.cell(at).to_value(),
            });
            Some(Column::Values(filled.collect()).into())
        }))
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Data> {
        let place = self.places.get(name)?;
        Some(&*self.columns[*place].1)
    }

    /// Appends the cells (values) of a column in a range of rows to `cells`.
    pub(crate) fn append_cells<'a>(&self, column: &'a Data, rows: Range<usize>, cells: &mut Vec<Cell<'a>>) {
        match &self.selection {
            None => column.append_cells(rows, cells),
            Some(selection) => cells.extend(selection[rows].iter().map(|&position| column.cell(position as usize))),
        }
    }

    /// The position of a row in the columns, which is also its position in the input.
    pub(crate) fn position(&self, row: usize) -> usize {
        self.selection.as_ref().map_or(row, |selection| selection[row] as usize)
    }

    /// Returns a table that contains only the rows at these positions.
    pub(crate) fn select(&self, positions: Vec<u32>) -> Self {
        Self {
            columns: self.columns.clone(),
            places: self.places.clone(),
            length: self.length,
            selection: Some(Arc::new(positions)),
            index: self.index.clone(),
        }
    }
}

/// A type that can be passed as a table: a [`Table`], or typed rows such as [`Customer`](crate::Customer).
pub trait IntoTable {
    /// Converts the rows to a table.
    fn into_table(self) -> Table;
}

impl IntoTable for Table {
    fn into_table(self) -> Table {
        self
    }
}
