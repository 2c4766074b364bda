//! The synthetic world: its tenants, their rows in batches, and the true risks.

use crate::error::{RecordKind, Result};
use crate::input::RecordsBuilder;
use crate::record::TenantRecords;
use crate::synthetic::faults;
use crate::synthetic::options::WorldOptions;
use crate::synthetic::profile::Trade;
use crate::synthetic::recorder::Recorder;
use crate::synthetic::table::{WorldColumn, WorldTable, WorldTables};
use crate::synthetic::truth::{TrueRisk, true_risks};
use crate::time::{AsOf, Horizon, Timestamp};

/// One thread generates the rows of this number of customers at a time.
const PIECE: usize = 256;
/// The label period for which [`WorldTenant::truth`] computes the true risk: the 90 days after the date. The default
/// options were chosen for this label period.
const HORIZON: Horizon = Horizon { days: 90, lead: 0 };

/// A synthetic world: tenants with known risk. A world stores no rows. It generates rows when they are requested.
#[derive(Clone, Debug)]
pub struct World {
    tenants: Vec<WorldTenant>,
}

/// One tenant of a synthetic world.
#[derive(Clone, Debug)]
pub struct WorldTenant {
    options: WorldOptions,
    trade: Trade,
}

/// Creates a synthetic world from options.
///
/// # Errors
/// `invalid_option` if the value of an option is out of range.
pub fn world(options: &WorldOptions) -> Result<World> {
    options.check()?;
    let tenants = (0..options.tenants).map(|index| WorldTenant {
        options: options.clone(),
        trade: Trade::new(options.seed, index),
    });
    Ok(World {
        tenants: tenants.collect(),
    })
}

impl World {
    /// The tenants, sorted by id.
    pub fn tenants(&self) -> &[WorldTenant] {
        &self.tenants
    }

    /// The tenant with the given id, such as `"t001"`. `None` if there is no such tenant.
    pub fn tenant(&self, id: &str) -> Option<&WorldTenant> {
        self.tenants.iter().find(|tenant| tenant.id() == id)
    }

    /// The start of the simulated history.
    pub fn observed_from(&self) -> Timestamp {
        self.tenants[0].observed_from()
    }

    /// The end of the simulated history (exclusive).
    pub fn observed_until(&self) -> Timestamp {
        self.tenants[0].observed_until()
    }

    /// Six dates for which the true risk can be compared with outcomes. The dates are 45 days apart, latest first. If
    /// the history is short, there are fewer dates. The 90 days after each date lie within the history. If the history
    /// is shorter than 91 days, its start is the only date. If the caller does not set `observed_until`, the first date
    /// in the list is also the default test date of a training run.
    pub fn dates(&self) -> Vec<AsOf> {
        let last = self.observed_until().plus_days(-91);
        let dates = (0..6).map(|step| last.plus_days(-45 * step));
        let from = self.observed_from();
        let dates = dates.filter(|date| *date >= from).map(AsOf::new).collect::<Vec<_>>();
        if dates.is_empty() { vec![AsOf::new(from)] } else { dates }
    }

    /// The true risk (the true probability of cancellation within the 90 days after the date) of every eligible
    /// customer of every tenant.
    ///
    /// # Errors
    /// The errors of [`WorldTenant::truth_within`].
    pub fn truth(&self, as_of: AsOf) -> Result<Vec<TrueRisk>> {
        let risks = self.tenants.iter().map(|tenant| tenant.truth(as_of));
        Ok(risks.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// The rows of all tenants, in one table per kind of record. The tables have a `tenant_id` column and can be passed
    /// to [`RecordsBuilder::partition`].
    ///
    /// # Errors
    /// `cancelled` if the caller cancelled the call.
    pub fn mixed(&self) -> Result<WorldTables> {
        let mut all = WorldTables::default();
        for tenant in &self.tenants {
            let mut tables = tenant.tables()?;
            for kind in RecordKind::ALL {
                let table = tables.table_mut(kind);
                if table.column("tenant_id").is_none() {
                    let ids = vec![Box::from(tenant.id()); table.n_rows()];
                    table.columns.insert(0, ("tenant_id", WorldColumn::Texts(ids)));
                }
            }
            all.append(tables);
        }
        Ok(all)
    }
}

impl WorldTenant {
    /// The id of the tenant.
    pub fn id(&self) -> &str {
        &self.trade.id
    }

    /// The start of the simulated history.
    pub fn observed_from(&self) -> Timestamp {
        self.options.start
    }

    /// The end of the simulated history. No event happens at or after this time.
    pub fn observed_until(&self) -> Timestamp {
        self.options.start.plus_days(i64::from(self.options.days))
    }

    /// Generates all rows of the tenant.
    ///
    /// # Errors
    /// `cancelled` if the caller cancelled the call.
    pub fn tables(&self) -> Result<WorldTables> {
        self.rows_of(0, self.options.customers)
    }

    /// Generates the rows of `size` customers at a time, so that memory use depends only on `size`. Together, the
    /// batches contain the rows of [`tables`](Self::tables).
    pub fn batches(&self, size: usize) -> Batches<'_> {
        Batches {
            tenant: self,
            size: size.max(1),
            next: 0,
        }
    }

    fn rows_of(&self, from: usize, to: usize) -> Result<WorldTables> {
        let workers = self.options.execution.workers()?;
        let made = workers.map_chunks(to - from, PIECE, |customers| {
            let mut recorder = Recorder::new(&self.options, &self.trade);
            for customer in customers {
                recorder.record((from + customer) as u32);
            }
            Ok(recorder.finish())
        })?;
        // An empty recorder returns tables that have columns but no rows. The result therefore has columns even if
        // there are no customers.
        let mut tables = Recorder::new(&self.options, &self.trade).finish();
        made.into_iter().for_each(|more| tables.append(more));
        faults::add(&mut tables, &self.options, &self.trade, from as u32);
        Ok(tables)
    }

    /// Returns a builder without rows. The observed history of this tenant is already set in the builder.
    pub fn empty_records(&self) -> RecordsBuilder {
        TenantRecords::builder(self.id())
            .observed_from(self.observed_from())
            .observed_until(self.observed_until())
    }

    /// Returns a builder with all rows of the tenant. The observed history of the tenant is already set in the builder.
    ///
    /// # Errors
    /// `cancelled` if the caller cancelled the call.
    pub fn records(&self) -> Result<RecordsBuilder> {
        Ok(self.tables()?.add_to(self.empty_records()))
    }

    /// The true risk (the true probability of cancellation within the 90 days after the date) of every eligible
    /// customer, sorted by customer id.
    ///
    /// # Errors
    /// The errors of [`truth_within`](Self::truth_within).
    pub fn truth(&self, as_of: AsOf) -> Result<Vec<TrueRisk>> {
        self.truth_within(as_of, HORIZON)
    }

    /// The true risk of every eligible customer, sorted by customer id. It is the true probability of cancellation in
    /// the label period that `horizon` describes. Customers who leave during the lead (the days between the date
    /// and the start of the label period) are excluded, because they have no label. The risk of all other customers is
    /// the probability of leaving in the label period, given that they do not leave before the label period.
    ///
    /// # Errors
    /// `invalid_option` if the date is not a midnight between the start and the end of the history; `cancelled` if the
    /// caller cancelled the call.
    pub fn truth_within(&self, as_of: AsOf, horizon: Horizon) -> Result<Vec<TrueRisk>> {
        let workers = self.options.execution.workers()?;
        true_risks(&self.options, &self.trade, as_of, horizon, &workers)
    }
}

/// An iterator over a tenant's rows. Each item contains the rows of the next few customers. [`WorldTenant::batches`]
/// returns this iterator.
#[derive(Debug)]
pub struct Batches<'a> {
    tenant: &'a WorldTenant,
    size: usize,
    next: usize,
}

impl Iterator for Batches<'_> {
    type Item = Result<WorldTables>;

    fn next(&mut self) -> Option<Self::Item> {
        let all = self.tenant.options.customers;
        if self.next >= all {
            return None;
        }
        let from = self.next;
        self.next = (from + self.size).min(all);
        Some(self.tenant.rows_of(from, self.next))
    }
}

impl WorldTable {
    /// Serialises the table column by column: the name of each column, followed by its values. Equal tables give equal
    /// bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![];
        for (name, column) in &self.columns {
            bytes.extend(name.as_bytes());
            match column {
                WorldColumn::Texts(values) => values.iter().for_each(|value| {
                    bytes.extend(value.as_bytes());
                    bytes.push(0);
                }),
                WorldColumn::Numbers(values) => {
                    values
                        .iter()
                        .for_each(|value| bytes.extend(value.to_bits().to_le_bytes()));
                }
                WorldColumn::Bools(values) => bytes.extend(values.iter().map(|value| value.map_or(2, u8::from))),
                WorldColumn::Moments(values) => {
                    let micros = values.iter().map(|value| value.unwrap_or(i64::MIN));
                    micros.for_each(|value| bytes.extend(value.to_le_bytes()));
                }
            }
        }
        bytes
    }
}
