//! Makes a tenant's records of outside tables.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, RecordKind, Result, ValidationReport};
use crate::input::check::TableCheck;
use crate::input::payments::Exchange;
use crate::input::table::{IntoTable, Table};
use crate::input::{activities, customers, payments, tickets};
use crate::parallel::Execution;
use crate::record::{Currency, StaticAttributes, TenantId, TenantRecords};
use crate::time::Timestamp;

/// What to do with rows that are not valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnInvalid {
    /// One error that carries the whole report.
    #[default]
    Refuse,
    /// The rows are set aside, counted and named in the report.
    Quarantine,
}

/// What holds for all the records of a tenant, or of many.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordsOptions {
    on_invalid: OnInvalid,
    observed_from: Option<Timestamp>,
    observed_until: Option<Timestamp>,
    static_attributes: StaticAttributes,
    currency: Option<String>,
    rates: BTreeMap<String, f64>,
    execution: Execution,
}

impl RecordsOptions {
    /// Whether rows that are not valid make an error.
    pub(crate) fn refuses(&self) -> bool {
        self.on_invalid == OnInvalid::Refuse
    }
}

/// Takes a tenant's tables, checks every value and builds [`TenantRecords`].
///
/// A table may be given in several batches; rows are counted through them.
///
/// ```
/// use churn_core::{Payment, Table, TenantRecords};
///
/// let customers = Table::from_json(br#"[{"customer_id": "C-1", "signed_up_at": "2024-01-01", "seats": 3}]"#)?;
/// let payments = vec![Payment { customer_id: "C-1".into(), due_at: "2024-02-01".parse()?, amount: 12.5, ..Payment::default() }];
/// let (records, report) = TenantRecords::builder("acme").customers(customers).payments(payments).build()?;
/// assert!(report.is_clean() && records.customers() == 1);
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RecordsBuilder {
    pub(crate) tenant: TenantId,
    /// In the order of [`RecordKind::ALL`]; `None`: not given.
    pub(crate) tables: [Option<Vec<Table>>; 4],
    pub(crate) options: RecordsOptions,
}

impl TenantRecords {
    /// Begins the records of a tenant.
    pub fn builder(tenant: impl Into<TenantId>) -> RecordsBuilder {
        RecordsBuilder {
            tenant: tenant.into(),
            tables: [None, None, None, None],
            options: RecordsOptions::default(),
        }
    }
}

impl RecordsBuilder {
    /// Customers; required.
    #[must_use]
    pub fn customers(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Customers, rows)
    }

    /// Payments. Not given is not the same as given and empty.
    #[must_use]
    pub fn payments(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Payments, rows)
    }

    /// Support tickets.
    #[must_use]
    pub fn tickets(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Tickets, rows)
    }

    /// Activities.
    #[must_use]
    pub fn activities(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Activities, rows)
    }

    /// A batch of one kind of record.
    #[must_use]
    pub fn table(mut self, kind: RecordKind, rows: impl IntoTable) -> Self {
        self.tables[kind as usize]
            .get_or_insert_default()
            .push(rows.into_table());
        self
    }

    /// What to do with rows that are not valid. Default: refuse them all.
    #[must_use]
    pub fn on_invalid(mut self, policy: OnInvalid) -> Self {
        self.options.on_invalid = policy;
        self
    }

    /// Where the history begins. Default: the earliest event.
    #[must_use]
    pub fn observed_from(mut self, moment: Timestamp) -> Self {
        self.options.observed_from = Some(moment);
        self
    }

    /// The end of what was observed: nothing at or after it is known to have happened or not. Default: just after the
    /// latest event.
    #[must_use]
    pub fn observed_until(mut self, moment: Timestamp) -> Self {
        self.options.observed_until = Some(moment);
        self
    }

    /// Undated attributes that never change, so that today's value may stand in for the past.
    #[must_use]
    pub fn static_attributes(mut self, attributes: StaticAttributes) -> Self {
        self.options.static_attributes = attributes;
        self
    }

    /// The tenant's currency (ISO 4217). Default: that of the first payment that names one.
    #[must_use]
    pub fn currency(mut self, code: impl Into<String>) -> Self {
        self.options.currency = Some(code.into());
        self
    }

    /// What one major unit of another currency is worth in the tenant's.
    #[must_use]
    pub fn conversion_rate(mut self, code: impl AsRef<str>, rate: f64) -> Self {
        self.options
            .rates
            .insert(code.as_ref().trim().to_ascii_uppercase(), rate);
        self
    }

    /// Threads, progress and cancellation of the build.
    #[must_use]
    pub fn execution(mut self, execution: Execution) -> Self {
        self.options.execution = execution;
        self
    }

    /// Checks everything and builds the records.
    ///
    /// # Errors
    /// If a value is not valid and the policy is to refuse: an error with the code, table, row and column of the first
    /// one, that carries the whole report. `invalid_option` if there is no customers table, a static attribute is not
    /// a column, or a rate is not a positive number. `cancelled`.
    pub fn build(self) -> Result<(TenantRecords, ValidationReport)> {
        let option = |name: &str, why: String| Error::new(ErrorKind::InvalidOption, why).at(None, None, Some(name));
        let options = self.options;
        let refuses = options.refuses();
        let [customer_tables, payment_tables, ticket_tables, activity_tables] = self.tables;
        let customer_tables =
            customer_tables.ok_or_else(|| option("customers", "the customers table was not given".to_owned()))?;
        for table in [
            Some(&customer_tables),
            payment_tables.as_ref(),
            ticket_tables.as_ref(),
            activity_tables.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            if u32::try_from(table.iter().map(Table::rows).sum::<usize>()).is_err() {
                return Err(option(
                    "rows",
                    "a table may not have more than 4 294 967 295 rows".to_owned(),
                ));
            }
        }
        if let Some((code, rate)) = options
            .rates
            .iter()
            .find(|(_, rate)| !(rate.is_finite() && **rate > 0.0))
        {
            return Err(option(
                "conversion_rate",
                format!("the rate {rate} of {code} is not a positive number"),
            ));
        }
        if let StaticAttributes::Named(names) = &options.static_attributes {
            let has_rows = customer_tables.iter().any(|table| table.rows() > 0);
            let absent = names
                .iter()
                .find(|name| !customer_tables.iter().any(|table| table.has_column(name)));
            if let Some(absent) = absent.filter(|_| has_rows) {
                return Err(option(
                    "static_attributes",
                    format!("there is no customers column '{}'", crate::error::excerpt(absent)),
                ));
            }
        }
        let workers = options.execution.workers()?;
        let mut exchange = Exchange {
            currency: options.currency.as_deref().map(Currency::new),
            rates: options.rates,
        };
        let mut checks: Vec<TableCheck> = vec![];
        let mut done = |check: TableCheck| -> Result<()> {
            checks.push(check);
            workers.report("records", checks.len(), 4);
            workers.check()
        };
        let (customers, check) = customers::clean(customer_tables, &self.tenant, &workers)?;
        done(check)?;
        let payments = match payment_tables {
            None => None,
            Some(tables) => {
                let (payments, check) = payments::clean(tables, &self.tenant, &customers, &mut exchange, &workers)?;
                done(check)?;
                Some(payments)
            }
        };
        let tickets = match ticket_tables {
            None => None,
            Some(tables) => {
                let (tickets, check) = tickets::clean(tables, &self.tenant, &customers, &workers)?;
                done(check)?;
                Some(tickets)
            }
        };
        let activities = match activity_tables {
            None => None,
            Some(tables) => {
                let (activities, check) = activities::clean(tables, &self.tenant, &customers, &workers)?;
                done(check)?;
                Some(activities)
            }
        };
        let mut report = ValidationReport::default();
        for check in checks {
            report.tables.push((check.kind, check.report));
            report.issues.extend(check.issues);
        }
        if !customers.dated {
            let why = "the customers table has no 'valid_from' column, so its value is today's: name it in static_attributes if it never changes";
            let names = customers
                .attributes
                .iter()
                .map(|attribute| attribute.name.as_str())
                .chain(customers.renews_at.is_some().then_some("renews_at"));
            report.untrusted_attributes = names
                .filter(|name| !options.static_attributes.includes(name))
                .map(|name| (name.to_owned(), why.to_owned()))
                .collect();
        }
        if refuses && !report.issues.is_empty() {
            return Err(Error::refused(report));
        }
        let records = TenantRecords {
            tenant: self.tenant,
            currency: exchange.settled(),
            customers,
            payments,
            tickets,
            activities,
            static_attributes: options.static_attributes,
            observed_from: options.observed_from,
            observed_until: options.observed_until,
        };
        Ok((records, report))
    }
}
