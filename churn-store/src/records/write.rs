//! Writes batches to the database, with many rows per statement and one transaction per batch.

use churn_core::{IntoTable, OnInvalid, RecordKind, Table, TableReport, ValidationReport};

use crate::engine::{Access, Arg, Holds, Stored, Target, TenantTx};
use crate::error::{Error, ErrorKind, Result};
use crate::records::RecordStore;
use crate::records::door::{Batch, Seen, check, last_of_each, no_zero_byte, read};
use crate::records::layout::{on_conflict, slots, table};

/// The result of an upsert.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Upserted {
    /// Number of given rows.
    pub rows_in: u64,
    /// Number of valid rows: `rows_in` minus the quarantined rows.
    pub rows_accepted: u64,
    /// Number of rows that were new or replaced a different row. It is 0 if the same batch was stored before.
    pub rows_changed: u64,
    /// The issues of the quarantined rows.
    pub report: ValidationReport,
}

/// An upsert in progress, which is one transaction. If it is dropped without [`commit`](Self::commit), it is rolled
/// back.
#[must_use = "nothing is kept without `commit`"]
pub struct Import {
    tx: TenantTx,
    batch: BatchWriter,
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import")
            .field("tenant", self.tx.tenant())
            .field("kind", &self.batch.kind)
            .field("rows_in", &self.batch.done.rows_in)
            .finish_non_exhaustive()
    }
}

impl Import {
    pub(super) async fn begin(records: &RecordStore, policy: OnInvalid) -> Result<Self> {
        let tx = records.tenant.begin(Access::Write).await?;
        Ok(Self {
            tx,
            batch: BatchWriter::new(records.kind, policy),
        })
    }

    /// Writes a chunk of the batch. Rows are numbered across all chunks. After an error the import must be dropped.
    ///
    /// # Errors
    /// See [`RecordStore::upsert`].
    pub async fn write(&mut self, rows: impl IntoTable) -> Result<()> {
        self.batch.write(&mut self.tx, rows.into_table()).await
    }

    /// Commits the transaction: either all chunks are stored or none.
    ///
    /// # Errors
    /// `store_unavailable`, `store_full`.
    pub async fn commit(self) -> Result<Upserted> {
        self.tx.commit().await?;
        Ok(self.batch.done)
    }
}

/// Writes the chunks of a batch in an existing transaction.
pub(crate) struct BatchWriter {
    kind: RecordKind,
    policy: OnInvalid,
    seen: Seen,
    noted: std::collections::HashSet<String>,
    done: Upserted,
}

impl BatchWriter {
    pub(crate) fn new(kind: RecordKind, policy: OnInvalid) -> Self {
        Self {
            kind,
            policy,
            seen: Seen::new(),
            noted: Default::default(),
            done: Upserted::default(),
        }
    }

    pub(crate) async fn write(&mut self, tx: &mut TenantTx, table: Table) -> Result<()> {
        let kind = self.kind;
        let table = table.with_known_names(kind);
        let (policy, offset) = (self.policy, self.done.rows_in);
        let tenant = tx.tenant().clone();
        let mut seen = std::mem::take(&mut self.seen);
        // Converting a large table takes a while, so it does not run on the async threads, which serve all connections.
        let work = move || {
            let (bad, report) = check(kind, &table, &tenant, policy)?;
            let batch = read(kind, &table, &bad, &mut seen)?;
            Ok::<_, Error>((batch, report, table.n_rows() as u64, seen))
        };
        let (batch, report, rows_in, seen) = off_thread(work).await?.map_err(|error| error.moved(offset))?;
        self.seen = seen;
        self.note_columns(tx, &batch).await?;
        self.done.rows_in += rows_in;
        self.done.rows_accepted += batch.rows as u64;
        self.done.rows_changed += put(tx, kind, batch).await?;
        merge(&mut self.done.report, report, offset);
        Ok(())
    }

    /// Records which tables and columns were given, because a column that was never given is not the same as an empty
    /// column.
    async fn note_columns(&mut self, tx: &mut TenantTx, batch: &Batch) -> Result<()> {
        const NOTE: &str = "INSERT INTO churn_record_columns (tenant_id, kind, column_name, place) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, kind, column_name) DO NOTHING";
        let names = std::iter::once("").chain(batch.given.iter().map(String::as_str));
        let new: Vec<&str> = names.filter(|name| !self.noted.contains(*name)).collect();
        if new.is_empty() {
            return Ok(());
        }
        // New columns get sequence numbers, as rows do. Columns that are first stored later have higher numbers.
        let first = places(tx, new.len()).await?;
        for (name, place) in new.into_iter().zip(first..) {
            no_zero_byte("a column's name", name)?;
            tx.execute(NOTE, &[self.kind.as_str().into(), name.into(), place.into()])
                .await?;
            self.noted.insert(name.to_owned());
        }
        Ok(())
    }
}

/// Runs computations outside of the async threads.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::new(ErrorKind::Internal, "the work was given up").caused_by(e))
}

/// Adds the report of a chunk to that of the import. The import has had `offset` rows before this chunk.
fn merge(all: &mut ValidationReport, piece: ValidationReport, offset: u64) {
    for mut issue in piece.issues {
        issue.row = issue.row.map(|row| row + offset);
        all.issues.push(issue);
    }
    for (kind, table) in piece.tables {
        let moved = table.quarantined.iter().map(|row| row + offset);
        match all.tables.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, sum)) => {
                sum.rows_in += table.rows_in;
                sum.rows_accepted += table.rows_accepted;
                sum.rows_quarantined += table.rows_quarantined;
                sum.quarantined.extend(moved);
            }
            None => {
                let mut own: TableReport = table.clone();
                own.quarantined = moved.collect();
                all.tables.push((kind, own));
            }
        }
    }
}

/// Reserves `rows` sequence numbers and returns the first. Other writers of the tenant wait until the transaction ends,
/// so batches cannot interleave.
pub(crate) async fn places(tx: &mut TenantTx, rows: usize) -> Result<i64> {
    const TAKE: &str = "INSERT INTO churn_companies AS t (tenant_id, next_seq) VALUES ($1, $2) ON CONFLICT (tenant_id) DO UPDATE SET next_seq = t.next_seq + excluded.next_seq RETURNING next_seq";
    let row = tx.row(TAKE, &[(rows as i64).into()]).await?;
    let next = row.map_or(Ok(0), |row| row.int(0))?;
    Ok(next - rows as i64 + 1)
}

/// Writes a batch; returns how many rows are new or changed.
async fn put(tx: &mut TenantTx, kind: RecordKind, batch: Batch) -> Result<u64> {
    let first = places(tx, batch.rows).await?;
    let rows = batch.rows;
    let mut columns = batch.columns;
    columns.push(Stored::Ints((0..rows as i64).map(|row| Some(first + row)).collect()));
    let names: Vec<(&str, Holds)> = slots(kind)
        .iter()
        .map(|slot| (slot.name, slot.holds))
        .chain([("seq", Holds::Int)])
        .collect();
    let target = Target {
        table: table(kind),
        columns: &names,
        on_conflict: &on_conflict(kind),
    };
    // Only the last row of each key is written, because a statement must not affect a row twice.
    target
        .write(tx, &columns, rows, |rows| last_of_each(kind, &columns, rows))
        .await
}

/// Creates the row of the company if it does not exist, because other tables refer to it.
pub(crate) async fn ensure_company(tx: &mut TenantTx) -> Result<()> {
    const ENSURE: &str =
        "INSERT INTO churn_companies (tenant_id, next_seq) VALUES ($1, $2) ON CONFLICT (tenant_id) DO NOTHING";
    tx.execute(ENSURE, &[Arg::Int(Some(0))]).await?;
    Ok(())
}
