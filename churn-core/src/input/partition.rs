//! Splits tables of many tenants at the door.

use std::collections::BTreeMap;

use crate::error::{Error, IssueCode, RecordKind, Result, ValidationIssue, ValidationReport};
use crate::input::builder::RecordsBuilder;
use crate::input::check::TableCheck;
use crate::input::fields::id;
use crate::record::{TenantId, TenantRecords};

/// The records of every tenant that was found in mixed tables.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Partition {
    /// Each tenant's records, and what validation found in his rows. Rows are numbered within the tenant's own rows of
    /// the table, in the order given; `positions` tells where they stood.
    pub tenants: BTreeMap<TenantId, (TenantRecords, ValidationReport)>,
    /// Rows that name no tenant, by their position in the mixed tables.
    pub unassigned: ValidationReport,
    /// For each tenant and table, the positions of his rows in the mixed table.
    pub positions: BTreeMap<TenantId, BTreeMap<RecordKind, Vec<u32>>>,
}

impl RecordsBuilder {
    /// Splits tables with a `tenant_id` column by tenant and builds each tenant's records with this builder's options;
    /// the builder's own tenant plays no part. Every row ends up in one tenant's report or among the unassigned.
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
    /// As [`build`](Self::build) of any tenant; with the policy to refuse also for a row without a tenant.
    pub fn partition(self) -> Result<Partition> {
        let mut unassigned = ValidationReport::default();
        let mut builders: BTreeMap<TenantId, RecordsBuilder> = BTreeMap::new();
        let mut positions: BTreeMap<TenantId, BTreeMap<RecordKind, Vec<u32>>> = BTreeMap::new();
        let mut split = vec![];
        for kind in RecordKind::ALL {
            let Some(batches) = &self.tables[kind as usize] else {
                continue;
            };
            let mut check = TableCheck::new(kind, &[]);
            let mut given = 0u64;
            for batch in batches {
                let mut rows: BTreeMap<TenantId, Vec<u32>> = BTreeMap::new();
                let column = batch.column("tenant_id");
                if column.is_none() && batch.rows() > 0 {
                    let message = "a table of many tenants needs the column 'tenant_id'".to_owned();
                    check.issues.push(ValidationIssue {
                        table: kind,
                        row: None,
                        column: Some("tenant_id".into()),
                        code: IssueCode::MissingColumn,
                        message,
                    });
                    check.report.quarantined.extend(given..given + batch.rows() as u64);
                }
                for index in 0..batch.rows() {
                    let position = batch.position(index);
                    if let Some(column) = column {
                        let mut row = check.row(given);
                        if let Some(tenant) = row.required("tenant_id", id(column.cell(position))) {
                            rows.entry(TenantId::from(&*tenant)).or_default().push(position as u32);
                            positions
                                .entry(TenantId::from(&*tenant))
                                .or_default()
                                .entry(kind)
                                .or_default()
                                .push(given as u32);
                        }
                    }
                    given += 1;
                }
                split.push((kind, batch, rows));
            }
            check.report.rows_in = (check.issues.iter().filter(|issue| issue.row.is_some()).count()
                + check.report.quarantined.len()) as u64;
            check.finish();
            if !check.issues.is_empty() {
                unassigned.tables.push((kind, check.report));
                unassigned.issues.extend(check.issues);
            }
        }
        for tenant in positions.keys() {
            let mut builder = RecordsBuilder {
                tenant: tenant.clone(),
                tables: [None, None, None, None],
                options: self.options.clone(),
            };
            for (kind, batch, rows) in &split {
                builder = builder.table(*kind, batch.select(rows.get(tenant).cloned().unwrap_or_default()));
            }
            builders.insert(tenant.clone(), builder);
        }
        if self.options.refuses() && !unassigned.issues.is_empty() {
            return Err(Error::refused(unassigned));
        }
        let tenants = builders
            .into_iter()
            .map(|(tenant, builder)| Ok((tenant, builder.build()?)))
            .collect::<Result<_>>()?;
        Ok(Partition {
            tenants,
            unassigned,
            positions,
        })
    }
}
