//! Tables with generated rows.

use crate::error::RecordKind;
use crate::input::{Column, Data, IntoTable, RecordsBuilder, Table, Value};

/// One column of a generated table. The equality test compares numbers by their bits, so two missing numbers (NaN)
/// count as equal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WorldColumn {
    /// Texts. An empty text means null.
    Texts(Vec<Box<str>>),
    /// Numbers. NaN means null.
    Numbers(Vec<f64>),
    /// Booleans. `None` means null.
    Bools(Vec<Option<bool>>),
    /// Times in microseconds since 1970-01-01 UTC. `None` means null.
    Moments(Vec<Option<i64>>),
}

impl PartialEq for WorldColumn {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Texts(own), Self::Texts(theirs)) => own == theirs,
            (Self::Numbers(own), Self::Numbers(theirs)) => own
                .iter()
                .map(|value| value.to_bits())
                .eq(theirs.iter().map(|value| value.to_bits())),
            (Self::Bools(own), Self::Bools(theirs)) => own == theirs,
            (Self::Moments(own), Self::Moments(theirs)) => own == theirs,
            _ => false,
        }
    }
}

impl WorldColumn {
    /// Number of values in the column.
    pub fn len(&self) -> usize {
        match self {
            Self::Texts(values) => values.len(),
            Self::Numbers(values) => values.len(),
            Self::Bools(values) => values.len(),
            Self::Moments(values) => values.len(),
        }
    }

    /// Whether the column has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn append(&mut self, other: Self) {
        match (self, other) {
            (Self::Texts(all), Self::Texts(more)) => all.extend(more),
            (Self::Numbers(all), Self::Numbers(more)) => all.extend(more),
            (Self::Bools(all), Self::Bools(more)) => all.extend(more),
            (Self::Moments(all), Self::Moments(more)) => all.extend(more),
            _ => {}
        }
    }

    /// Returns a column with the values at these positions, in the given order. A position may occur several times.
    pub(super) fn pick(&self, rows: &[u32]) -> Self {
        fn picked<T: Clone>(values: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().map(|&row| values[row as usize].clone()).collect()
        }
        match self {
            Self::Texts(values) => Self::Texts(picked(values, rows)),
            Self::Numbers(values) => Self::Numbers(picked(values, rows)),
            Self::Bools(values) => Self::Bools(picked(values, rows)),
            Self::Moments(values) => Self::Moments(picked(values, rows)),
        }
    }

    fn into_data(self) -> Data {
        match self {
            Self::Texts(values) => Data::TextFile(values.into_iter().collect()),
            Self::Numbers(values) => Column::NullableFloats(values).into(),
            Self::Bools(values) => Column::Values(
                values
                    .into_iter()
                    .map(|value| value.map_or(Value::Null, Value::Bool))
                    .collect(),
            )
            .into(),
            Self::Moments(values) => Column::Timestamps(values).into(),
        }
    }
}

/// A generated table: named columns of equal length. The table can be passed to a [`RecordsBuilder`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorldTable {
    pub(super) columns: Vec<(&'static str, WorldColumn)>,
}

impl WorldTable {
    /// The columns in their order in the table, each with its name.
    pub fn columns(&self) -> &[(&'static str, WorldColumn)] {
        &self.columns
    }

    /// The column with this name; `None` if there is no such column.
    pub fn column(&self, name: &str) -> Option<&WorldColumn> {
        self.columns
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, column)| column)
    }

    /// Number of rows in the table.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// Converts the rows to a table for a [`RecordsBuilder`].
    pub fn to_table(&self) -> Table {
        self.clone().into_table()
    }

    pub(super) fn append(&mut self, other: Self) {
        if self.columns.is_empty() {
            *self = other;
            return;
        }
        for ((_, all), (_, more)) in self.columns.iter_mut().zip(other.columns) {
            all.append(more);
        }
    }

    pub(super) fn pick(&self, rows: &[u32]) -> Self {
        let columns = self.columns.iter().map(|(name, column)| (*name, column.pick(rows)));
        Self {
            columns: columns.collect(),
        }
    }
}

impl IntoTable for WorldTable {
    fn into_table(self) -> Table {
        // The columns have distinct names and equal lengths, so no column is refused.
        self.columns.into_iter().fold(Table::new(), |table, (name, column)| {
            table.clone().with_data(name, column.into_data()).unwrap_or(table)
        })
    }
}

/// The four tables with the rows of one tenant, of some of its customers, or of all tenants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorldTables {
    /// The customers table. By default, each row is a dated version of a customer: the state that is valid from a
    /// certain time.
    pub customers: WorldTable,
    /// The payments table.
    pub payments: WorldTable,
    /// The tickets table.
    pub tickets: WorldTable,
    /// The activities table.
    pub activities: WorldTable,
}

impl WorldTables {
    /// The table with the records of this kind.
    pub fn table(&self, kind: RecordKind) -> &WorldTable {
        match kind {
            RecordKind::Customers => &self.customers,
            RecordKind::Payments => &self.payments,
            RecordKind::Tickets => &self.tickets,
            RecordKind::Activities => &self.activities,
        }
    }

    pub(super) fn table_mut(&mut self, kind: RecordKind) -> &mut WorldTable {
        match kind {
            RecordKind::Customers => &mut self.customers,
            RecordKind::Payments => &mut self.payments,
            RecordKind::Tickets => &mut self.tickets,
            RecordKind::Activities => &mut self.activities,
        }
    }

    /// Adds all four tables to a builder. Each table is one batch.
    #[must_use]
    pub fn add_to(self, builder: RecordsBuilder) -> RecordsBuilder {
        builder
            .customers(self.customers)
            .payments(self.payments)
            .tickets(self.tickets)
            .activities(self.activities)
    }

    pub(super) fn append(&mut self, other: Self) {
        self.customers.append(other.customers);
        self.payments.append(other.payments);
        self.tickets.append(other.tickets);
        self.activities.append(other.activities);
    }
}
