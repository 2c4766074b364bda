//! Batches into the database: many rows a statement, one transaction a batch.

use churn_core::{IntoTable, OnInvalid, RecordKind, Table, TableReport, ValidationReport};

use crate::engine::{Access, Arg, Holds, Stored, Target, TenantTx};
use crate::error::{Error, ErrorKind, Result};
use crate::records::RecordStore;
use crate::records::door::{Batch, Seen, check, last_of_each, no_zero_byte, read};
use crate::records::layout::{on_conflict, slots, table};

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Upserted {
    /// Rows that were given.
    pub rows_in: u64,
    /// Rows that were valid; `rows_in` less those set aside.
    pub rows_accepted: u64,
    /// Rows that were new, or replaced one that differed. 0 where the batch was there already.
    pub rows_changed: u64,
    /// What was wrong with the rows set aside.
    pub report: ValidationReport,
}

/// A batch under way: one transaction. Dropped without [`commit`](Self::commit), nothing is kept.
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

    /// Takes a piece of the batch. Rows are numbered through all pieces. After an error the import must be dropped.
    ///
    /// # Errors
    /// As [`RecordStore::upsert`].
    pub async fn write(&mut self, rows: impl IntoTable) -> Result<()> {
        self.batch.write(&mut self.tx, rows.into_table()).await
    }

    /// Keeps what was taken: all of it or, if this fails, none.
    ///
    /// # Errors
    /// `store_unavailable`, `store_full`.
    pub async fn commit(self) -> Result<Upserted> {
        self.tx.commit().await?;
        Ok(self.batch.done)
    }
}

/// Writes the pieces of a batch in a transaction of someone else's.
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
        // Reading a large table takes a while: not on the thread that drives the host's connections.
        let work = move || {
            let (bad, report) = check(kind, &table, &tenant, policy)?;
            let batch = read(kind, &table, &bad, &mut seen)?;
            Ok::<_, Error>((batch, report, table.rows() as u64, seen))
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

    /// Remembers which table and columns were given: not given is not the same as given and empty.
    async fn note_columns(&mut self, tx: &mut TenantTx, batch: &Batch) -> Result<()> {
        const NOTE: &str = "INSERT INTO churn_record_columns (tenant_id, kind, column_name, place) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, kind, column_name) DO NOTHING";
        let names = std::iter::once("").chain(batch.given.iter().map(String::as_str));
        let new: Vec<&str> = names.filter(|name| !self.noted.contains(*name)).collect();
        if new.is_empty() {
            return Ok(());
        }
        // Columns take places among the rows: those that come later have later ones.
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

/// Runs work that computes, beside the threads that wait.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::new(ErrorKind::Internal, "the work was given up").caused_by(e))
}

/// Adds a piece's report to the import's; its rows come after `offset` others.
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

/// The first of `rows` places in the order in which the tenant's rows come in. Holds up other writers of the tenant until the
/// transaction ends, so that their batches follow one another.
pub(crate) async fn places(tx: &mut TenantTx, rows: usize) -> Result<i64> {
    const TAKE: &str = "INSERT INTO churn_companies AS t (tenant_id, next_seq) VALUES ($1, $2) ON CONFLICT (tenant_id) DO UPDATE SET next_seq = t.next_seq + excluded.next_seq RETURNING next_seq";
    let row = tx.row(TAKE, &[(rows as i64).into()]).await?;
    let next = row.map_or(Ok(0), |row| row.int(0))?;
    Ok(next - rows as i64 + 1)
}

/// Writes a batch; returns how many rows were new or changed.
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
    // One statement may not touch a row twice.
    target
        .write(tx, &columns, rows, |rows| last_of_each(kind, &columns, rows))
        .await
}

/// Notes what a repository needs: a company for the tenant.
pub(crate) async fn ensure_company(tx: &mut TenantTx) -> Result<()> {
    const ENSURE: &str =
        "INSERT INTO churn_companies (tenant_id, next_seq) VALUES ($1, $2) ON CONFLICT (tenant_id) DO NOTHING";
    tx.execute(ENSURE, &[Arg::Int(Some(0))]).await?;
    Ok(())
}
