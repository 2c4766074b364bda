//! CSV input.

use std::io::Read;

use crate::error::{Error, ErrorKind, Result};
use crate::input::table::{Data, Table, Texts};

impl Table {
    /// Reads CSV (commas, `"` as quote, UTF-8) with a header line.
    ///
    /// Columns are recognised by the names in [`columns_of`](crate::columns_of); [`with_names`](Self::with_names)
    /// renames columns that have other names. An empty cell is null. Every other column is an attribute. Its type is
    /// the strictest type that all its cells have: number, bool (`true`, `false`) or text. Empty input gives a table
    /// without columns and rows. Values are validated by [`RecordsBuilder::build`](crate::RecordsBuilder::build), not
    /// here.
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
    /// `unreadable_table`, naming the row, if the text is not CSV or not UTF-8, if a row has more or fewer cells than
    /// the header, or if a quote is never closed.
    pub fn from_csv(reader: impl Read) -> Result<Self> {
        Self::csv_batches(reader, usize::MAX)?.read()
    }

    /// Reads CSV like [`from_csv`](Self::from_csv), in batches of `rows` rows, for
    /// [`RecordsBuilder::push`](crate::RecordsBuilder::push). There is at least one batch, even if there are no rows.
    ///
    /// # Errors
    /// `unreadable_table` if the header is not UTF-8, or if two columns have the same name; `invalid_option` if `rows`
    /// is 0. If a row cannot be read, the error is the last item of the iterator.
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

/// An iterator over tables, each with a fixed number of rows. Returned by [`Table::csv_batches`].
#[derive(Debug)]
pub struct CsvBatches<R> {
    reader: csv::Reader<Quotes<R>>,
    header: Vec<String>,
    rows: usize,
    /// Number of rows that have been read.
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
    /// Reads the next rows.
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

/// Passes bytes through and tracks whether a quoted cell is open. This is necessary because the parser accepts the end
/// of the file as the end of a quoted cell.
#[derive(Debug)]
struct Quotes<R> {
    inner: R,
    before: Before,
    is_open: bool,
}

/// What the previous byte was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// The start of the file.
    Start,
    /// The start of a cell.
    Break,
    /// A quote in an open cell. It is either the end of the cell or the first half of an escaped quote.
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
                    // The quote was escaped, so the cell continues.
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
