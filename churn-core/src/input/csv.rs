//! Records in from CSV.

use std::io::Read;

use crate::error::{Error, ErrorKind, Result};
use crate::input::table::{Column, Table};

impl Table {
    /// Reads CSV with a header line. An empty cell is null. A column that the schema does not know is a number, a bool
    /// (`true`, `false`) or text, by what all its cells can be read as.
    ///
    /// # Errors
    /// `unreadable_table` naming the row if the text is not CSV, not UTF-8, or a row has more or fewer cells than the header.
    pub fn from_csv(reader: impl Read) -> Result<Self> {
        let unreadable = |e: csv::Error| {
            let row = e.position().map(|position| position.record().saturating_sub(1));
            Error::new(ErrorKind::UnreadableTable, format!("the table is not CSV: {e}"))
                .caused_by(e)
                .at(None, row, None)
        };
        let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(reader);
        let mut header: Vec<String> = reader
            .headers()
            .map_err(unreadable)?
            .iter()
            .map(str::to_owned)
            .collect();
        if let Some(first) = header.first_mut().filter(|name| name.starts_with('\u{feff}')) {
            first.remove(0);
        }
        let mut columns: Vec<Vec<Box<str>>> = header.iter().map(|_| vec![]).collect();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(unreadable)? {
            for (column, cell) in columns.iter_mut().zip(&record) {
                column.push(cell.into());
            }
        }
        header
            .into_iter()
            .zip(columns)
            .try_fold(Self::new(), |table, (name, column)| {
                table.with_column(name, Column::TextFile(column))
            })
    }
}
