//! Writes batches to the database. Each statement writes many rows, and each batch is one transaction.

use std::collections::{BTreeSet, HashMap, HashSet};

use churn_core::{
    Finding, FindingCode, IntoTable, OnInvalid, RecordKind, Table, TableReport, TenantId, ValidationReport,
};

use crate::engine::{Access, Arg, Holds, Row, Stored, Target, TenantTx};
use crate::error::{Error, ErrorKind, Result};
use crate::records::RecordStore;
use crate::records::door::{Batch, Parsed, Seen, conflicts, last_of_each, no_zero_byte, parse};
use crate::records::layout::{id_column, on_conflict, slots, table};
use crate::records::removed::{end_column, removed_ends};
use crate::tenant::{Session, TenantStore};

/// The result of an upsert.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Upserted {
    /// Number of rows in the input.
    pub rows_in: u64,
    /// Number of valid rows: `rows_in` minus the number of quarantined rows (invalid rows that were not stored).
    pub rows_accepted: u64,
    /// Number of rows that are new or that replaced a different stored row. It is 0 if the same batch was stored
    /// before.
    pub rows_changed: u64,
    /// The validation report, which lists the issues of the quarantined rows (invalid rows that were not stored).
    pub report: ValidationReport,
}

/// An upsert of several chunks of rows in one transaction. The transaction begins when the first chunk is written. If
/// the import is dropped without [`commit`](Self::commit), the transaction is rolled back.
#[must_use = "nothing is kept without `commit`"]
pub struct Import {
    tenant: TenantStore,
    tx: Option<Session>,
    batch: BatchWriter,
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import")
            .field("tenant", self.tenant.tenant())
            .field("kind", &self.batch.kind)
            .field("rows_in", &self.batch.done.rows_in)
            .finish_non_exhaustive()
    }
}

impl Import {
    pub(super) fn begin(records: &RecordStore, policy: OnInvalid) -> Self {
        Self {
            tenant: records.tenant.clone(),
            tx: None,
            batch: BatchWriter::new(records.kind, policy),
        }
    }

    async fn session(&mut self) -> Result<&mut Session> {
        if self.tx.is_none() {
            self.tx = Some(self.tenant.begin_session(Access::Write).await?);
        }
        self.tx
            .as_mut()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the import has no transaction"))
    }

    /// Writes a chunk of rows. Row numbers in reports count the rows of all chunks. After an error, the import must be
    /// dropped.
    ///
    /// # Errors
    /// See [`RecordStore::upsert`].
    pub async fn write(&mut self, rows: impl IntoTable) -> Result<()> {
        // The chunk is parsed before the transaction begins, so that other writers do not wait for the parsing.
        let parsed = self.batch.parse(self.tenant.tenant(), rows.into_table()).await?;
        self.session().await?;
        match &mut self.tx {
            Some(tx) => self.batch.put(tx, parsed).await,
            None => Ok(()),
        }
    }

    /// Commits the transaction. If this fails, no chunk is stored.
    ///
    /// # Errors
    /// `store_unavailable`, `store_full`.
    pub async fn commit(mut self) -> Result<Upserted> {
        self.session().await?;
        if let Some(tx) = self.tx {
            tx.commit().await?;
        }
        Ok(self.batch.done())
    }
}

/// A chunk of rows that was parsed and validated.
pub(crate) struct Chunk {
    parsed: Parsed,
    rows: u64,
}

/// Writes the chunks of a batch in a transaction that has already begun.
pub(crate) struct BatchWriter {
    kind: RecordKind,
    policy: OnInvalid,
    seen: Seen,
    noted: HashSet<(String, Option<&'static str>)>,
    /// The stored columns of the table by name. If a column is an attribute, its value type is given too. `None` until
    /// the columns are read from the database.
    types: Option<HashMap<String, Option<String>>>,
    /// The columns that were stored before this import and that no chunk has contained so far.
    missing: BTreeSet<String>,
    /// Number of rows without an id in all chunks so far.
    without_id: u64,
    /// Whether, before this import, the tenant's table had the column that [`end_column`] names. If not, the import
    /// cannot remove any end (a value in this column).
    had_ends: bool,
    /// Number of stored rows whose end was removed so far.
    removed_ends: u64,
    /// Number of rows that conflict with an earlier row of the same chunk (see [`conflicts`]).
    conflicts: u64,
    done: Upserted,
}

impl BatchWriter {
    pub(crate) fn new(kind: RecordKind, policy: OnInvalid) -> Self {
        Self {
            kind,
            policy,
            seen: Seen::new(),
            noted: HashSet::new(),
            types: None,
            missing: BTreeSet::new(),
            without_id: 0,
            had_ends: false,
            removed_ends: 0,
            conflicts: 0,
            done: Upserted::default(),
        }
    }

    pub(crate) async fn write(&mut self, tx: &mut TenantTx, table: Table) -> Result<()> {
        let tenant = tx.tenant().clone();
        let parsed = self.parse(&tenant, table).await?;
        self.put(tx, parsed).await
    }

    /// Parses a chunk on another thread, because parsing a large table takes a long time and would block the thread
    /// that runs async calls.
    async fn parse(&self, tenant: &TenantId, table: Table) -> Result<Chunk> {
        let (kind, offset, tenant, rows) = (self.kind, self.done.rows_in, tenant.clone(), table.n_rows() as u64);
        let parsed = off_thread(move || parse(kind, table, &tenant)).await?;
        let parsed = parsed.map_err(|error| error.moved(offset))?;
        Ok(Chunk { parsed, rows })
    }

    pub(crate) async fn check(&mut self, tx: &mut TenantTx, table: Table) -> Result<()> {
        let tenant = tx.tenant().clone();
        let chunk = self.parse(&tenant, table).await?;
        self.done.rows_in += chunk.rows;
        let batch = self.finish(tx, chunk).await?;
        self.done.rows_accepted += batch.rows as u64;
        merge(&mut self.done.report, batch.report, 0);
        Ok(())
    }

    /// Returns the result of the import. The report has a finding for each stored column that no chunk contained.
    pub(crate) fn done(mut self) -> Upserted {
        if self.done.rows_accepted > 0 {
            let finding = |column: &String| {
                Finding::new(
                    FindingCode::MissingColumn,
                    self.kind,
                    Some(column),
                    self.done.rows_accepted,
                    vec![],
                    "earlier batches had this column and this batch does not: stored rows that the batch replaces lose their values of the column. Give the column, with null where there is no value",
                )
            };
            self.done.report.findings.extend(self.missing.iter().map(finding));
        }
        // If the import lacks the column with the end, it removes every end. The finding about the missing column is
        // then enough.
        let has_ends = end_column(self.kind).is_some_and(|column| !self.missing.contains(column));
        let findings = [
            (
                if has_ends { self.removed_ends } else { 0 },
                FindingCode::EndRemoved,
                end_column(self.kind),
                "the stored row has a value in this column and the new row has none: if the batch is an older export, store the newest export again",
            ),
            (
                self.conflicts,
                FindingCode::ConflictingRows,
                None,
                "an earlier row of the batch has the same key and other values, and only the last of these rows is stored: give each customer and each record once, or give its versions 'valid_from' or 'known_at'",
            ),
            (
                self.without_id,
                FindingCode::MissingId,
                id_column(self.kind),
                "the row has no id, so a later batch cannot correct it: if a value changes, both rows are kept. Give each record its id",
            ),
        ];
        let findings = findings.into_iter().filter(|(rows, ..)| *rows > 0);
        let findings =
            findings.map(|(rows, code, column, message)| Finding::new(code, self.kind, column, rows, vec![], message));
        self.done.report.findings.extend(findings);
        self.done
    }

    async fn finish(&mut self, tx: &mut TenantTx, chunk: Chunk) -> Result<Batch> {
        let (policy, offset) = (self.policy, self.done.rows_in);
        let types = match self.types.take() {
            Some(types) => types,
            None => {
                let types = types_of(tx, self.kind).await?;
                // The empty name is not a column. It is stored to note that the tenant has this table, even if the
                // table has no rows.
                self.missing = types.keys().filter(|name| !name.is_empty()).cloned().collect();
                self.had_ends = end_column(self.kind).is_some_and(|column| self.missing.contains(column));
                types
            }
        };
        let mut seen = std::mem::take(&mut self.seen);
        let work = move || {
            let batch = chunk.parsed.finish(&types, policy, &mut seen)?;
            Ok::<_, Error>((batch, types, seen))
        };
        let (batch, mut types, seen) = off_thread(work).await?.map_err(|error| error.moved(offset))?;
        for (name, of) in &batch.given {
            self.missing.remove(name);
            let known = types.entry(name.clone()).or_default();
            if known.is_none() {
                *known = of.map(str::to_owned);
            }
        }
        (self.types, self.seen) = (Some(types), seen);
        if matches!(self.kind, RecordKind::Payments | RecordKind::Tickets) {
            self.without_id += batch.without_id();
        }
        self.conflicts += conflicts(self.kind, &batch);
        if self.had_ends {
            self.removed_ends += removed_ends(tx, self.kind, &batch).await?;
        }
        Ok(batch)
    }

    async fn put(&mut self, tx: &mut TenantTx, chunk: Chunk) -> Result<()> {
        let (rows, offset) = (chunk.rows, self.done.rows_in);
        let batch = self.finish(tx, chunk).await?;
        self.note_columns(tx, &batch).await?;
        let report = batch.report.clone();
        self.done.rows_in += rows;
        self.done.rows_accepted += batch.rows as u64;
        self.done.rows_changed += put(tx, self.kind, batch).await?;
        merge(&mut self.done.report, report, offset);
        Ok(())
    }

    /// Stores the names of the batch's columns, because a column that no batch contained differs from a column without
    /// values. Also stores the type of each attribute.
    async fn note_columns(&mut self, tx: &mut TenantTx, batch: &Batch) -> Result<()> {
        const NOTE: &str = "
            INSERT INTO churn_record_columns AS t (tenant_id, kind, column_name, place, value_type)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (tenant_id, kind, column_name) DO UPDATE
            SET value_type = excluded.value_type
            WHERE t.value_type IS NULL AND excluded.value_type IS NOT NULL";
        let table = (String::new(), None);
        let names = std::iter::once(&table).chain(&batch.given);
        let new: Vec<&(String, Option<&str>)> = names.filter(|column| !self.noted.contains(*column)).collect();
        if new.is_empty() {
            return Ok(());
        }
        // New columns get sequence numbers from the counter that also numbers rows. A column that is stored later has a
        // higher number.
        let first = places(tx, new.len()).await?;
        for (column, place) in new.iter().zip(first..) {
            let (name, of) = column;
            no_zero_byte("a column's name", name)?;
            let args = [
                self.kind.as_str().into(),
                name.as_str().into(),
                place.into(),
                (*of).into(),
            ];
            tx.execute(NOTE, &args).await?;
        }
        self.noted.extend(new.into_iter().cloned().collect::<Vec<_>>());
        Ok(())
    }
}

/// Returns the stored columns of a tenant's table by name. If a column is an attribute, its value type is given too.
async fn types_of(tx: &mut TenantTx, kind: RecordKind) -> Result<HashMap<String, Option<String>>> {
    const TYPES: &str = "
        SELECT column_name, value_type
        FROM churn_record_columns
        WHERE tenant_id = $1 AND kind = $2";
    let rows = tx.rows(TYPES, &[kind.as_str().into()]).await?;
    let read = |row: &Row| Ok((row.text(0)?.to_owned(), row.text_or_null(1)?.map(str::to_owned)));
    rows.iter().map(read).collect()
}

/// Runs a computation on a thread for blocking work, so that the computation does not block async calls.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::new(ErrorKind::Internal, "the work was given up").caused_by(e))
}

/// Adds the report of a chunk to the report of the import. `offset` is the number of rows before this chunk.
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

/// Reserves `rows` sequence numbers and returns the first of them. Also increments the revision of the tenant's data.
/// Until the transaction ends, other transactions that write for this tenant wait. Their rows therefore get higher
/// numbers.
pub(crate) async fn places(tx: &mut TenantTx, rows: usize) -> Result<i64> {
    const TAKE: &str = "
        INSERT INTO churn_companies AS t (tenant_id, next_seq, revision)
        VALUES ($1, $2, 1)
        ON CONFLICT (tenant_id) DO UPDATE
        SET next_seq = t.next_seq + excluded.next_seq, revision = t.revision + 1
        RETURNING next_seq";
    let row = tx.row(TAKE, &[(rows as i64).into()]).await?;
    let next = row.map_or(Ok(0), |row| row.int(0))?;
    Ok(next - rows as i64 + 1)
}

/// Writes a batch. Returns the number of rows that are new or changed.
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
    // If rows have the same key, only the last of them is written, because a statement must not affect a row twice.
    target
        .write(tx, &columns, rows, |rows| last_of_each(kind, &columns, rows))
        .await
}

/// Creates the row of the tenant's company if the row does not exist. Rows of other tables refer to this row.
pub(crate) async fn ensure_company(tx: &mut TenantTx) -> Result<()> {
    const ENSURE: &str = "
        INSERT INTO churn_companies (tenant_id, next_seq)
        VALUES ($1, $2)
        ON CONFLICT (tenant_id) DO NOTHING";
    tx.execute(ENSURE, &[Arg::Int(Some(0))]).await?;
    Ok(())
}

/// Deletes the stored attribute names of every table in which the tenant has no rows. Otherwise, each of these
/// attributes would be a column of all rows that are stored later.
pub(crate) async fn forget_unused_columns(tx: &mut TenantTx) -> Result<()> {
    for kind in RecordKind::ALL {
        let sql = format!(
            "
        DELETE FROM churn_record_columns
        WHERE tenant_id = $1 AND kind = $2 AND value_type IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM {} AS r WHERE r.tenant_id = $1)",
            table(kind)
        );
        tx.execute(&sql, &[kind.as_str().into()]).await?;
    }
    Ok(())
}
