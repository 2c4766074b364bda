//! CSV input.

use std::io::Read;

use crate::error::{Error, ErrorKind, Result};
use crate::input::table::{Data, Table, Texts};

impl Table {
    /// Reads CSV (commas, `"` as quote, UTF-8) with a header line.
    ///
    /// Columns are recognised by the names in [`columns_of`](crate::columns_of). If columns have other names, rename
    /// them with [`with_names`](Self::with_names). A column that is not recognised is an attribute. The type of an
    /// attribute is number if all non-empty cells are numbers, bool if all non-empty cells are `true` or `false`, and
    /// text otherwise. An empty cell is null. Empty input gives a table without columns and rows. Values are validated
    /// by [`RecordsBuilder::build`](crate::RecordsBuilder::build), not here.
    ///
    /// ```
    /// use churn_core::{Table, TenantRecords};
    ///
    /// // From a file: Table::from_csv(std::fs::File::open("customers.csv")?)?
    /// let customers = Table::from_csv(&b"id,joined,plan\nC-1,2024-01-01,pro\n"[..])?;
    /// let customers = customers.with_names(["customer_id", "signed_up_at", "plan"])?;
    /// let (records, _) = TenantRecords::builder("acme").customers(customers).build()?;
    /// assert_eq!(records.n_customers(), 1);
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `unreadable_table` if the text is not CSV or not UTF-8, if a row has more or fewer cells than the header, or if
    /// a quote is never closed. The error names the row.
    pub fn from_csv(reader: impl Read) -> Result<Self> {
        Self::csv_batches(reader, usize::MAX)?.read()
    }

    /// Reads CSV like [`from_csv`](Self::from_csv), but in batches of `rows` rows.
    /// [`RecordsBuilder::push`](crate::RecordsBuilder::push) adds such a batch to a builder. The last batch may have
    /// fewer rows. There is at least one batch, even if the file has no rows.
    ///
    /// # Errors
    /// `unreadable_table` if the header is not UTF-8, or if two columns have the same name. `invalid_option` if `rows`
    /// is 0. If a row cannot be read, the iterator returns the error and then ends.
    pub fn csv_batches<R: Read>(reader: R, rows: usize) -> Result<CsvBatches<R>> {
        if rows == 0 {
            let why = "a batch needs at least one row";
            return Err(Error::new(ErrorKind::InvalidOption, why).at(None, None, Some("rows")));
        }
        let quotes = Quotes {
            inner: reader,
            before: Before::Start,
            is_open: false,
        };
        let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(quotes);
        let header = reader.headers().map_err(unreadable)?;
        let mut header: Vec<String> = header.iter().map(str::to_owned).collect();
        if let Some(first) = header.first_mut().filter(|name| name.starts_with('\u{feff}')) {
            first.remove(0);
        }
        let batches = CsvBatches {
            reader,
            header,
            rows,
            read: 0,
            begun: false,
            done: false,
        };
        // Duplicate names are refused before any row is read.
        batches.table(batches.columns())?;
        Ok(batches)
    }
}

/// An iterator over the batches of a CSV table. It is returned by [`Table::csv_batches`].
#[derive(Debug)]
pub struct CsvBatches<R> {
    reader: csv::Reader<Quotes<R>>,
    header: Vec<String>,
    rows: usize,
    /// Number of rows in the batches that have been read so far.
    read: u64,
    begun: bool,
    done: bool,
}

impl<R> CsvBatches<R> {
    fn columns(&self) -> Vec<Texts> {
        self.header.iter().map(|_| Texts::default()).collect()
    }

    fn table(&self, columns: Vec<Texts>) -> Result<Table> {
        let columns = self.header.iter().zip(columns);
        columns.into_iter().try_fold(Table::new(), |table, (name, column)| {
            table.with_data(name, Data::TextFile(column))
        })
    }
}

impl<R: Read> CsvBatches<R> {
    /// Reads the next batch.
    fn read(&mut self) -> Result<Table> {
        let mut columns = self.columns();
        let mut record = csv::StringRecord::new();
        let mut rows = 0;
        while rows < self.rows {
            if !self.reader.read_record(&mut record).map_err(unreadable)? {
                self.done = true;
                if self.reader.get_ref().is_open {
                    return Err(never_closed(self.read.checked_sub(1)));
                }
                break;
            }
            self.read += 1;
            for (column, cell) in columns.iter_mut().zip(&record) {
                column.push(cell);
            }
            rows += 1;
        }
        self.table(columns)
    }
}

impl<R: Read> Iterator for CsvBatches<R> {
    type Item = Result<Table>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = self.read();
        let first = !std::mem::replace(&mut self.begun, true);
        match batch {
            Ok(batch) if batch.n_rows() == 0 && !first => None,
            Ok(batch) => Some(Ok(batch)),
            Err(error) => {
                self.done = true;
                Some(Err(error))
            }
        }
    }
}

/// The error for an opening quote that is never closed. Without this error, one cell would contain the rest of the
/// file.
fn never_closed(row: Option<u64>) -> Error {
    let place = row.map_or("the header".to_owned(), |row| format!("row {row}"));
    let message = format!("the table is not CSV: {place} opens a quote that is never closed");
    Error::new(ErrorKind::UnreadableTable, message).at(None, row, None)
}

/// A reader that passes all bytes through and tracks whether a quoted cell is open. The parser accepts the end of the
/// file as the end of a quoted cell, so a quote that is never closed must be detected here.
#[derive(Debug)]
struct Quotes<R> {
    inner: R,
    before: Before,
    is_open: bool,
}

/// The kind of the previous byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// No byte has been read yet, or only a byte-order mark has been read.
    Start,
    /// The previous byte is a comma or a line break, so the next byte begins a cell.
    Break,
    /// The previous byte is a quote in a quoted cell. It either ends the cell or is the first half of an escaped quote.
    Quote,
    Other,
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for byte in &buffer[..read] {
            self.before = match (byte, self.before, self.is_open) {
                (b'"', Before::Start | Before::Break, false) => {
                    self.is_open = true;
                    Before::Other
                }
                (b'"', Before::Quote, false) => {
                    // Two consecutive quotes are an escaped quote, so the quoted cell continues.
                    self.is_open = true;
                    Before::Other
                }
                (b'"', _, true) => {
                    self.is_open = false;
                    Before::Quote
                }
                (b',' | b'\n' | b'\r', _, false) => Before::Break,
                // A byte-order mark is not part of the first cell.
                (0xef | 0xbb | 0xbf, Before::Start, false) => Before::Start,
                _ => Before::Other,
            };
        }
        Ok(read)
    }
}

fn unreadable(e: csv::Error) -> Error {
    let row = e.position().map(|position| position.record().saturating_sub(1));
    Error::new(ErrorKind::UnreadableTable, format!("the table is not CSV: {e}"))
        .caused_by(e)
        .at(None, row, None)
}
