//! Splits tables that contain rows of several tenants.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, RecordKind, Result, ValidationReport};
use crate::input::builder::RecordsBuilder;
use crate::input::fields::{Field, id};
use crate::input::reader::{PIECE, TableReader};
use crate::input::table::{Cell, Table};
use crate::parallel::Workers;
use crate::record::{MISSING_CODE, TenantId, TenantRecords};

/// The result of [`RecordsBuilder::partition`]: the records of every tenant in the input tables. All row numbers in the
/// reports refer to the input tables.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Partition {
    /// For each tenant, the records and the validation report of the tenant's rows.
    pub tenants: BTreeMap<TenantId, (TenantRecords, ValidationReport)>,
    /// The report of the rows without a tenant. The row counts of this report and of the reports of all tenants add up
    /// to the number of rows in the input.
    pub unassigned: ValidationReport,
    /// For each tenant and table, the positions of the tenant's rows in the input table, ascending.
    pub positions: BTreeMap<TenantId, BTreeMap<RecordKind, Vec<u32>>>,
}

impl RecordsBuilder {
    /// Splits the tables by their `tenant_id` column, and builds the records of each tenant with the options of this
    /// builder. The tenant of this builder is ignored.
    ///
    /// Every row is counted either in the report of one tenant or in the report of rows without a tenant. A tenant that
    /// has events but no customers is included, and its events are reported as `unknown_customer`.
    ///
    /// ```
    /// use churn_core::{Table, TenantRecords};
    ///
    /// let customers = Table::from_json(br#"[{"tenant_id": "a", "customer_id": 1, "signed_up_at": "2024-01-01"},
    ///                                       {"tenant_id": "b", "customer_id": 1, "signed_up_at": "2024-02-01"}]"#)?;
    /// let partition = TenantRecords::builder("all").customers(customers).partition()?;
    /// assert_eq!(partition.tenants.len(), 2);
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`build`](Self::build). With [`OnInvalid::Refuse`](crate::OnInvalid::Refuse), there is a single
    /// error, whose report covers all tenants and the rows without a tenant.
    pub fn partition(mut self) -> Result<Partition> {
        self.seal();
        let workers = self.options.execution.workers()?;
        self.options_make_sense()?;
        let mut split = Split::default();
        let mut unassigned = ValidationReport::default();
        for kind in RecordKind::ALL {
            if let Some(batches) = &self.tables[kind as usize] {
                split_table(kind, batches, &workers, &mut split, &mut unassigned)?;
            }
        }
        let Split { rows: split, positions } = split;
        let split: Vec<(TenantId, Tables)> = split.into_iter().collect();
        let (count, done, progress) = (split.len(), AtomicUsize::new(0), &workers);
        let build = |(tenant, tables): &(TenantId, Tables), workers: &Workers| {
            // If the caller passed a table, the table counts as given for every tenant. A tenant without rows in this
            // table gets an empty table.
            let given = |kind: RecordKind| {
                let batches = self.tables[kind as usize].as_ref()?;
                let mut rows = tables.get(&kind).cloned().unwrap_or_default().into_iter();
                Some(
                    batches
                        .iter()
                        .map(|batch| batch.select(rows.next().unwrap_or_default()))
                        .collect::<Vec<_>>(),
                )
            };
            let mut builder = RecordsBuilder::of(Some(tenant.clone()));
            builder.tables = RecordKind::ALL.map(given);
            builder.options = self.options.clone();
            let built = builder.check_and_build(workers, false)?;
            progress.report("records", done.fetch_add(1, Ordering::Relaxed) + 1, count);
            Ok::<_, Error>(built)
        };
        // Each small tenant is built on one thread, because starting parallel tasks for each of its columns would take
        // longer than the work itself. The work for a large tenant is divided among all threads.
        let rows = |tables: &Tables| tables.values().flatten().map(Vec::len).sum::<usize>();
        let single = workers.single();
        let small = workers.map(0..split.len(), |number| match rows(&split[number].1) < PIECE {
            true => build(&split[number], &single).map(Some),
            false => Ok(None),
        })?;
        let mut tenants = BTreeMap::new();
        for (own, built) in split.into_iter().zip(small) {
            let built = match built {
                Some(built) => built,
                None => build(&own, &workers)?,
            };
            tenants.insert(own.0, built);
        }
        let refuses = self.options.refuses();
        let clean = unassigned.is_clean() && tenants.values().all(|(_, report)| report.is_clean());
        if refuses && !clean {
            let mut report = unassigned;
            tenants.into_values().for_each(|(_, own)| report.merge(own));
            return Err(Error::refused(report));
        }
        Ok(Partition {
            tenants,
            unassigned,
            positions,
        })
    }
}

/// The positions of one tenant's rows in each batch of each table.
type Tables = BTreeMap<RecordKind, Vec<Vec<u32>>>;

/// The positions of the rows of each tenant.
#[derive(Default)]
struct Split {
    /// For each tenant and table, the positions of the tenant's rows in each batch of the table.
    rows: BTreeMap<TenantId, Tables>,
    positions: BTreeMap<TenantId, BTreeMap<RecordKind, Vec<u32>>>,
}

/// Reads the id of a tenant. A blank id counts as missing.
fn tenant_id<'a>(cell: Cell<'a>, buffer: &'a mut String) -> Field<&'a str> {
    Ok(id(cell, buffer)?.filter(|id| !id.trim().is_empty()))
}

fn split_table(
    kind: RecordKind,
    batches: &[Table],
    workers: &Workers,
    split: &mut Split,
    unassigned: &mut ValidationReport,
) -> Result<()> {
    let mut reader = TableReader::new(kind, batches.to_vec(), workers)?;
    reader.require_tenants();
    let tenants = reader.texts("tenant_id", tenant_id)?;
    let given = reader.given();
    let count = tenants.texts().len();
    let mut rows: Vec<Vec<Vec<u32>>> = vec![vec![vec![]; batches.len()]; count];
    let mut positions: Vec<Vec<u32>> = vec![vec![]; count];
    let mut row = 0;
    for (batch, table) in batches.iter().enumerate() {
        for index in 0..table.n_rows() {
            if row % PIECE == 0 {
                workers.check()?;
            }
            let code = tenants.codes[row];
            if code != MISSING_CODE {
                rows[code as usize][batch].push(table.position(index) as u32);
                positions[code as usize].push(given(row) as u32);
            }
            row += 1;
        }
    }
    for ((tenant, rows), positions) in tenants.texts().iter().zip(rows).zip(positions) {
        let tenant = TenantId::new(tenant)?;
        split.rows.entry(tenant.clone()).or_default().insert(kind, rows);
        split.positions.entry(tenant).or_default().insert(kind, positions);
    }
    let mut checked = reader.check.finish(given, workers)?;
    if !checked.issues.is_empty() {
        checked.report.rows_in = checked.report.rows_quarantined;
        checked.report.rows_accepted = 0;
        unassigned.tables.push((kind, checked.report));
        unassigned.issues.extend(checked.issues);
    }
    Ok(())
}
