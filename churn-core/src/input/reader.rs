//! Reads a table column by column. The batches of a table are read as if they were one table. The rows are divided into
//! chunks of a fixed size, which several threads read in parallel.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, IssueCode, RecordKind, Result, excerpt};
use crate::input::check::{ColumnNumber, Found, TableCheck};
use crate::input::directory::{AHEAD, Directory, Key};
use crate::input::fields::{Field, Problem, id, number, timestamp};
use crate::input::interner::{Interner, Seed, hash};
use crate::input::schema::{columns_of, is_required, known_name, nearest_given};
use crate::input::table::{Cell, Data, Table};
use crate::input::texts::TextDraft;
use crate::parallel::Workers;
use crate::record::{Ids, MISSING_CODE, NEVER, TenantId};

/// Number of rows in a chunk. One thread reads one chunk at a time.
pub(crate) const PIECE: usize = 1 << 15;

/// Maximum number of columns of an input table. Each attribute can become a feature, and column names are searched
/// linearly. The limit therefore bounds memory and time.
pub const MOST_COLUMNS: usize = 10_000;

/// A range of rows in one batch.
#[derive(Clone, Copy)]
struct Piece {
    batch: usize,
    /// The position, within the batch, of the first row of this range. `start` is the position of the same row among
    /// the rows of all batches.
    first: usize,
    start: usize,
    length: usize,
}

/// Buffers for a block of ids that are looked up together.
#[derive(Default)]
struct Looked {
    buffer: String,
    keys: Vec<Key>,
    codes: Vec<u32>,
}

/// Columns that are read twice. They are not freed after the first read. Record ids are read again to compare ids whose
/// hashes are equal. Amounts are read again to convert decimals exactly.
const READ_AGAIN: [&str; 4] = ["payment_id", "ticket_id", "activity_id", "amount"];

/// Reads the batches of one table as one table. A column is freed after it has been read, unless it is in
/// [`READ_AGAIN`].
pub(crate) struct TableReader<'w> {
    kind: RecordKind,
    batches: Vec<Table>,
    /// The column names of all batches, in the order of their first occurrence.
    names: Vec<Arc<str>>,
    seen: HashSet<Arc<str>>,
    pieces: Vec<Piece>,
    pub(crate) rows: usize,
    pub(crate) check: TableCheck,
    pub(crate) workers: &'w Workers,
}

impl<'w> TableReader<'w> {
    /// Creates a reader for the batches of one table.
    pub(crate) fn new(kind: RecordKind, batches: Vec<Table>, workers: &'w Workers) -> Result<Self> {
        let mut names: Vec<Arc<str>> = vec![];
        let mut seen = HashSet::new();
        for name in batches.iter().flat_map(Table::names) {
            if seen.insert(name.clone()) {
                names.push(name.clone());
            }
        }
        if names.len() > MOST_COLUMNS {
            let message = format!(
                "a table of {kind} may have at most {MOST_COLUMNS} columns, not {}",
                names.len()
            );
            return Err(Error::new(ErrorKind::UnreadableTable, message).at(Some(kind), None, None));
        }
        let mut pieces = vec![];
        let mut rows = 0;
        for (batch, table) in batches.iter().enumerate() {
            let pieces_of_batch = (0..table.n_rows()).step_by(PIECE).map(|first| Piece {
                batch,
                first,
                start: rows + first,
                length: PIECE.min(table.n_rows() - first),
            });
            pieces.extend(pieces_of_batch);
            rows += table.n_rows();
        }
        // Positions are 32-bit numbers. The largest 32-bit number is reserved for a missing position.
        let given: usize = batches.iter().map(Table::length).sum();
        if given >= u32::MAX as usize {
            return Err(Error::new(
                ErrorKind::UnreadableTable,
                "a table may not have more than 4 294 967 294 rows",
            )
            .at(Some(kind), None, None));
        }
        Ok(Self {
            kind,
            batches,
            names,
            seen,
            pieces,
            rows,
            check: TableCheck::new(kind, rows),
            workers,
        })
    }

    /// Reports required columns that no batch has, and columns that match the same known name as another column. A
    /// table without columns and rows is a valid empty table.
    pub(crate) fn require_columns(&mut self) {
        let empty = self.names.is_empty() && self.rows == 0;
        for column in columns_of(self.kind) {
            if column.required && !empty && !self.has(column.name) {
                let given = nearest_given(self.kind, column.name, self.names.iter().map(|name| &**name));
                let mut index = self.batches.iter().flat_map(Table::index);
                let is_index = index.any(|name| known_name(self.kind, name) == Some(column.name));
                let message = match given {
                    _ if is_index => {
                        "the required column is missing: it is the data frame's index, which is not a column; call reset_index() first".to_owned()
                    }
                    Some(given) => format!(
                        "the required column is missing; there is '{}': rename it",
                        excerpt(given)
                    ),
                    None => "the required column is missing".to_owned(),
                };
                self.check.whole_column(column.name, IssueCode::MissingColumn, message);
            }
        }
        // Columns were renamed to their known names when the table was added, unless the known name was already in use.
        // A column that matches a known name but has another name is therefore a duplicate.
        for name in self.names.clone() {
            if let Some(known) = known_name(self.kind, &name).filter(|known| *known != &*name) {
                let message = format!(
                    "'{}' also matches '{known}': keep one of the two columns",
                    excerpt(&name)
                );
                self.check.whole_column(known, IssueCode::DuplicateColumn, message);
            }
        }
    }

    /// Reports a missing `tenant_id` column if the table has rows.
    pub(crate) fn require_tenants(&mut self) {
        if self.rows > 0 && !self.has("tenant_id") {
            let message = "the required column is missing".to_owned();
            self.check.whole_column("tenant_id", IssueCode::MissingColumn, message);
        }
    }

    /// Whether any batch has this column.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.seen.contains(name)
    }

    /// The column names of all batches, in the order of their first occurrence.
    pub(crate) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    pub(crate) fn kind(&self) -> RecordKind {
        self.kind
    }

    pub(crate) fn batches(&self) -> &[Table] {
        &self.batches
    }

    /// The batch that contains a row, and the position of the row in this batch.
    pub(crate) fn place(&self, row: usize) -> Option<(usize, usize)> {
        let after = self.pieces.partition_point(|piece| piece.start <= row);
        let piece = self.pieces.get(after.checked_sub(1)?)?;
        let table = &self.batches[piece.batch];
        Some((piece.batch, table.position(piece.first + row - piece.start)))
    }

    /// Returns a function that maps a row of this reader to its position in the input.
    pub(crate) fn given(&self) -> impl Fn(usize) -> u64 + use<> {
        let selected = self.batches.iter().any(Table::is_selection);
        let pieces = if selected { self.pieces.clone() } else { vec![] };
        // The tables are kept without their columns, because only the positions of their rows are needed.
        let mut offset = 0;
        let batches = self.batches.iter().map(|batch| {
            let own = offset;
            offset += batch.length() as u64;
            (own, batch.without_columns())
        });
        let batches: Vec<(u64, Table)> = batches.collect();
        move |row| {
            let after = pieces.partition_point(|piece| piece.start <= row);
            match after.checked_sub(1).and_then(|last| pieces.get(last)) {
                None => row as u64,
                Some(piece) => {
                    let (offset, table) = &batches[piece.batch];
                    offset + table.position(piece.first + row - piece.start) as u64
                }
            }
        }
    }

    /// The value of a column in a row.
    pub(crate) fn cell(&self, name: &str, row: usize) -> Cell<'_> {
        let place = self.place(row);
        place
            .and_then(|(batch, position)| Some(self.batches[batch].column(name)?.cell(position)))
            .unwrap_or(Cell::Null)
    }

    /// Reads every row of a column. `blank` is stored for a missing or invalid value.
    pub(crate) fn values<T: Copy + Default + Send + Sync>(
        &mut self,
        name: &str,
        blank: T,
        read: impl Fn(Cell<'_>) -> Field<T> + Sync + Send,
    ) -> Result<Vec<T>> {
        let read = |cell: Cell<'_>, _: &mut ()| read(cell);
        Ok(self.scan(name, blank, || (), read)?.0)
    }

    /// Reads timestamps, with [`NEVER`] for a missing value.
    pub(crate) fn moments(&mut self, name: &str) -> Result<Vec<i64>> {
        self.values(name, NEVER, timestamp)
    }

    /// Reads finite numbers, with NaN for a missing value.
    pub(crate) fn numbers(&mut self, name: &str) -> Result<Vec<f64>> {
        self.values(name, f64::NAN, number)
    }

    /// Reads texts and stores each distinct text once.
    pub(crate) fn texts(
        &mut self,
        name: &str,
        read: for<'b> fn(Cell<'b>, &'b mut String) -> Field<&'b str>,
    ) -> Result<TextDraft> {
        let start = || (Interner::default(), String::new());
        let code = |cell: Cell<'_>, (interner, buffer): &mut (Interner, String)| {
            Ok(read(cell, buffer)?.map(|text| interner.code(text)))
        };
        let (mut codes, pieces) = self.scan(name, MISSING_CODE, start, code)?;
        // Every chunk has its own codes for texts. These codes are mapped to common codes, which are assigned in the
        // order of the chunks.
        let mut all = Interner::default();
        let mut own: Vec<Vec<u32>> = vec![];
        for (interner, _) in pieces {
            self.workers.check()?;
            own.push(all.codes(interner.texts().iter()));
        }
        if !own.is_empty() {
            let mut parts = self.split(&mut codes);
            self.workers.map_mut(&mut parts, |piece, (_, codes)| {
                for code in codes.iter_mut().filter(|code| **code != MISSING_CODE) {
                    *code = own[piece][*code as usize];
                }
                Ok(())
            })?;
        }
        Ok(TextDraft::new(codes, all))
    }

    /// Reads ids and returns their hashes, with 0 for a missing id.
    pub(crate) fn id_hashes(&mut self, name: &str) -> Result<Vec<u64>> {
        let seed = Seed::of_process();
        let read = |cell: Cell<'_>, buffer: &mut String| Ok(id(cell, buffer)?.map(|id| hash(id, &seed).max(1)));
        Ok(self.scan(name, 0, String::new, read)?.0)
    }

    /// Reads the customer ids of an event table and returns the codes of the customers, with [`MISSING_CODE`] for an id
    /// that is missing or unknown.
    pub(crate) fn customers(&mut self, ids: &Ids, directory: &Directory) -> Result<Vec<u32>> {
        let look = |Looked { buffer, keys, codes }: &mut Looked, cells: &[Cell<'_>]| {
            keys.clear();
            // An invalid id is treated here as the empty id, which no customer has. The invalid id is reported when the
            // cell is read again below.
            keys.extend(cells.iter().map(|&cell| {
                id(cell, buffer)
                    .ok()
                    .flatten()
                    .map_or_else(Key::default, |id| directory.key(id))
            }));
            directory.look(keys, codes);
        };
        let find = |cell: Cell<'_>, within: usize, looked: &mut Looked| {
            let code = looked.codes[within];
            if code != MISSING_CODE && looked.keys[within].is_exact() {
                return Ok(Some(code));
            }
            let Some(text) = id(cell, &mut looked.buffer)? else {
                return Ok(None);
            };
            match directory.find(ids, text) {
                Some(code) => Ok(Some(code)),
                None => Err(Problem::new(
                    IssueCode::UnknownCustomer,
                    format!("there is no customer '{}'", excerpt(text)),
                )),
            }
        };
        Ok(self
            .scan_ahead("customer_id", MISSING_CODE, Looked::default, look, find)?
            .0)
    }

    /// Reports every row that has the id of another tenant.
    pub(crate) fn tenant(&mut self, tenant: &TenantId) -> Result<()> {
        if !self.has("tenant_id") {
            return Ok(());
        }
        let compare = |cell: Cell<'_>, buffer: &mut String| match id(cell, buffer)? {
            Some(given) if given == tenant.as_str() => Ok(Some(())),
            Some(given) => Err(Problem::new(
                IssueCode::WrongTenant,
                format!(
                    "the row belongs to tenant '{}', the records to '{tenant}'",
                    excerpt(given)
                ),
            )),
            None => Ok(None),
        };
        self.scan("tenant_id", (), String::new, compare)?;
        Ok(())
    }

    /// Reads the column `name` chunk by chunk. For each chunk, `start` creates a state, and `read`, which can access
    /// this state, converts every cell. Returns the values of all rows and the states of all chunks.
    fn scan<T: Copy + Default + Send + Sync, S: Send>(
        &mut self,
        name: &str,
        blank: T,
        start: impl Fn() -> S + Sync + Send,
        read: impl Fn(Cell<'_>, &mut S) -> Field<T> + Sync + Send,
    ) -> Result<(Vec<T>, Vec<S>)> {
        self.scan_ahead(name, blank, start, |_, _| (), |cell, _, state| read(cell, state))
    }

    /// Reads a column like [`scan`](Self::scan), but divides each chunk into blocks of cells. For each block, `look` is
    /// first called with all cells of the block. Then `read` is called for each cell, with the index of the cell in the
    /// block.
    fn scan_ahead<T: Copy + Default + Send + Sync, S: Send>(
        &mut self,
        name: &str,
        blank: T,
        start: impl Fn() -> S + Sync + Send,
        look: impl Fn(&mut S, &[Cell<'_>]) + Sync + Send,
        read: impl Fn(Cell<'_>, usize, &mut S) -> Field<T> + Sync + Send,
    ) -> Result<(Vec<T>, Vec<S>)> {
        if !self.has(name) {
            return Ok((vec![blank; self.rows], vec![]));
        }
        // The operating system clears a memory page when a thread first accesses the page. Here, each page is first
        // accessed by the thread that fills it, so several threads clear pages in parallel.
        let mut values = vec![T::default(); self.rows];
        let number = self.check.column(name);
        // If a batch has a tenant column, every row of the batch must name a tenant.
        let required = name == "tenant_id" || is_required(self.kind, name);
        let columns: Vec<Option<&Data>> = self.batches.iter().map(|batch| batch.column(name)).collect();
        let mut parts = self.split(&mut values);
        let scanned = self.workers.map_mut(&mut parts, |_, (piece, values)| {
            values.fill(blank);
            let (mut found, mut any) = (vec![], false);
            let mut state = start();
            let table = &self.batches[piece.batch];
            let column = columns[piece.batch];
            if column.is_none() && !required {
                return Ok((found, any, state));
            }
            let mut cells = Vec::with_capacity(AHEAD);
            for (block, values) in values.chunks_mut(AHEAD).enumerate() {
                let first = block * AHEAD;
                cells.clear();
                match column {
                    Some(column) => {
                        let start = piece.first + first;
                        table.append_cells(column, start..start + values.len(), &mut cells);
                    }
                    None => cells.resize(values.len(), Cell::Null),
                }
                any |= cells
                    .iter()
                    .any(|cell| !cell.is_missing() && !matches!(cell, Cell::Text("") | Cell::TextFile("")));
                look(&mut state, &cells);
                for (within, (value, &cell)) in values.iter_mut().zip(&cells).enumerate() {
                    let mut wrong = |code, message| {
                        found.push(Found {
                            row: piece.start + first + within,
                            column: number,
                            code,
                            message,
                        });
                    };
                    match read(cell, within, &mut state) {
                        Ok(Some(read)) => *value = read,
                        Ok(None) if required => wrong(IssueCode::MissingValue, "a value is required here".to_owned()),
                        Ok(None) => {}
                        Err(Problem { code, message }) => {
                            // A column counts as empty only if it has no value at all, not even an invalid one.
                            any = true;
                            wrong(code, message);
                        }
                    }
                }
            }
            Ok((found, any, state))
        })?;
        let (mut states, mut empty) = (Vec::with_capacity(scanned.len()), self.rows > 0);
        for (found, any, state) in scanned {
            self.check.add(found);
            states.push(state);
            empty &= !any;
        }
        if empty {
            self.check.empty_column(name);
        }
        drop((parts, columns));
        if !READ_AGAIN.contains(&name) {
            self.batches.iter_mut().for_each(|batch| batch.forget(name));
        }
        Ok((values, states))
    }

    /// Divides a slice, which has one value for each row, among the chunks of rows.
    fn split<'v, T>(&self, mut values: &'v mut [T]) -> Vec<(Piece, &'v mut [T])> {
        let mut parts = Vec::with_capacity(self.pieces.len());
        for &piece in &self.pieces {
            let (part, rest) = values.split_at_mut(piece.length);
            parts.push((piece, part));
            values = rest;
        }
        parts
    }

    /// Checks a rule about a column in every row, and reports each row that breaks the rule. `wrong` returns a message
    /// if a row breaks the rule.
    pub(crate) fn rule(
        &mut self,
        column: &str,
        code: IssueCode,
        wrong: impl Fn(usize) -> Option<Cow<'static, str>> + Sync + Send,
    ) -> Result<()> {
        let number: ColumnNumber = self.check.column(column);
        let found = self.workers.map_chunks(self.rows, PIECE, |rows| {
            let found = rows.filter_map(|row| {
                wrong(row).map(|message| Found {
                    row,
                    column: number,
                    code,
                    message: message.into_owned(),
                })
            });
            Ok(found.collect::<Vec<_>>())
        })?;
        self.check.add(found.into_iter().flatten());
        Ok(())
    }

    /// Reports every row in which the end time lies before the start time.
    pub(crate) fn ends(&mut self, column: &str, ends: &[i64], start_column: &str, starts: &[i64]) -> Result<()> {
        self.rule(column, IssueCode::EndsBeforeStart, |row| {
            let (end, start) = (ends[row], starts[row]);
            (start != NEVER && end < start).then(|| format!("'{column}' lies before '{start_column}'").into())
        })
    }
}
