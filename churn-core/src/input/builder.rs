//! Builds a tenant's records from input tables.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, RecordKind, Result, ValidationReport, excerpt, names};
use crate::input::check::Checked;
use crate::input::currency::Exchange;
use crate::input::kept::Pools;
use crate::input::schema::{is_attribute, known_name};
use crate::input::table::{IntoTable, Table};
use crate::input::{activities, customers, event_times, payments, quality, tickets};
use crate::parallel::{Execution, Workers};
use crate::record::{Currency, Customers, StaticAttributes, TenantId, TenantRecords, is_reserved};
use crate::time::Timestamp;

names! {
    /// What happens to invalid rows.
    #[derive(Default)]
    pub enum OnInvalid: "on_invalid" {
        /// If any row is invalid, the build fails. The error carries the whole report.
        #[default]
        Refuse = "refuse",
        /// Invalid rows are quarantined, which means that they are skipped, counted and listed in the report.
        ///
        /// ```
        /// use churn_core::{IssueCode, OnInvalid, RecordKind, Table, TenantRecords};
        ///
        /// let customers = Table::from_csv(&b"customer_id,signed_up_at\nC-1,2024-01-01\n"[..])?;
        /// let payments = Table::from_csv(&b"customer_id,due_at,amount\nC-1,2024-02-01,9.9\nC-1,soon,9.9\nC-7,2024-02-01,1\n"[..])?;
        /// let builder = TenantRecords::builder("acme").customers(customers).payments(payments);
        /// let (records, report) = builder.on_invalid(OnInvalid::Quarantine).build()?;
        ///
        /// assert_eq!(records.n_rows(RecordKind::Payments), Some(1));
        /// let table = report.table(RecordKind::Payments).unwrap();
        /// assert_eq!((table.rows_in, table.quarantined.as_slice()), (3, &[1, 2][..]));
        /// for issue in &report.issues {
        ///     println!("{issue}"); // payments row 1 column 'due_at': 'soon' is not an ISO-8601 date or date-time (bad_timestamp)
        /// }
        /// assert_eq!(report.issues[0].column.as_deref(), Some("due_at"));
        /// assert_eq!((report.issues[1].row, report.issues[1].code), (Some(2), IssueCode::UnknownCustomer));
        /// # Ok::<(), churn_core::Error>(())
        /// ```
        Quarantine = "quarantine",
    }
}

names! {
    /// The order of events that belong to the same customer and have equal times.
    ///
    /// The order affects features such as the last paid amount or the number of consecutive failed payments.
    ///
    /// ```
    /// use churn_core::{Execution, FeatureColumn, FeaturePlan, Table, TenantRecords, Ties, features};
    ///
    /// let last_amount = |payments: &str, ties| -> churn_core::Result<f64> {
    ///     let customers = Table::from_csv(&b"customer_id,signed_up_at\nC-1,2024-01-01\n"[..])?;
    ///     let builder = TenantRecords::builder("acme").customers(customers).payments(Table::from_csv(payments.as_bytes())?);
    ///     let (records, _) = builder.ties(ties).build()?;
    ///     let matrix = features(&records, &["2024-03-01".parse()?], &FeaturePlan::default(), &Execution::new())?;
    ///     Ok(match matrix.column("payments_last_paid_amount")? {
    ///         FeatureColumn::Number(values) => values[0],
    ///         _ => f64::NAN,
    ///     })
    /// };
    /// let one = "customer_id,due_at,amount\nC-1,2024-02-01,5\nC-1,2024-02-01,7\n";
    /// let other = "customer_id,due_at,amount\nC-1,2024-02-01,7\nC-1,2024-02-01,5\n";
    /// assert_eq!((last_amount(one, Ties::Given)?, last_amount(other, Ties::Given)?), (7.0, 5.0));
    /// assert_eq!((last_amount(one, Ties::Content)?, last_amount(other, Ties::Content)?), (7.0, 7.0));
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    #[derive(Default)]
    #[non_exhaustive]
    pub enum Ties: "ties" {
        /// Events with equal times keep their input order.
        #[default]
        Given = "given",
        /// Events with equal times are ordered by id, then by all other values. Their order does not depend on the
        /// order of the rows in the input. The list of quarantined rows, the default currency and the type of an
        /// attribute still depend on the order of the rows in the input.
        Content = "content",
    }
}

/// The options of a builder. If the builder builds the records of several tenants, the options apply to every tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordsOptions {
    on_invalid: OnInvalid,
    observed_from: Option<Timestamp>,
    observed_until: Option<Timestamp>,
    static_attributes: StaticAttributes,
    currency: Option<String>,
    rates: BTreeMap<String, f64>,
    ties: Ties,
    pub(crate) execution: Execution,
}

impl RecordsOptions {
    /// Whether the build fails if any row is invalid.
    pub(crate) fn refuses(&self) -> bool {
        self.on_invalid == OnInvalid::Refuse
    }

    /// Returns the currency and the conversion rates that the caller set, or an error if one of them is invalid.
    fn exchange(&self) -> Result<Exchange> {
        if let Some(code) = self.rates.keys().find(|code| !Currency::is_code(code)) {
            let why = format!("'{}' is not a currency code of three letters (ISO 4217)", excerpt(code));
            return Err(option("conversion_rates", why));
        }
        let wrong = |rate: f64| !(rate.is_finite() && rate > 0.0);
        match self.rates.iter().find(|(_, rate)| wrong(**rate)) {
            Some((code, rate)) => Err(option(
                "conversion_rates",
                format!("the rate {rate} of {} is not a positive number", excerpt(code)),
            )),
            None => Ok(Exchange {
                currency: self.currency.as_deref().map(Currency::new).transpose()?,
                rates: self.rates.clone(),
            }),
        }
    }

    /// Checks that every column that the caller declares static is an attribute or `renews_at`. If the customers table
    /// has no columns, nothing is checked.
    fn static_columns_exist(&self, customers: &[Table]) -> Result<()> {
        let StaticAttributes::Named(names) = &self.static_attributes else {
            return Ok(());
        };
        if customers.iter().all(|table| table.column_names().next().is_none()) {
            return Ok(());
        }
        let is_there = |name: &str| {
            (name == "renews_at" || is_attribute(RecordKind::Customers, name))
                && customers.iter().any(|table| table.has_column(name))
        };
        if let Some(name) = names.iter().find(|name| is_reserved(name)) {
            return Err(option(
                "static_attributes",
                format!("{WHY_RESERVED} 'customer_{name}': rename the column"),
            ));
        }
        match names.iter().find(|name| !is_there(name)) {
            Some(name) => Err(option(
                "static_attributes",
                format!("the customers have no attribute '{}'", excerpt(name)),
            )),
            None => Ok(()),
        }
    }
}

/// Validates every value of the tables of a tenant and builds [`TenantRecords`] from them.
///
/// A table may be given in several batches. The rows of all batches are numbered consecutively.
///
/// ```
/// use churn_core::{Payment, Table, TenantRecords};
///
/// let customers = Table::from_json(br#"[{"customer_id": "C-1", "signed_up_at": "2024-01-01", "seats": 3}]"#)?;
/// let payments = vec![Payment::new("C-1", "2024-02-01".parse()?, 12.5)];
/// let (records, report) = TenantRecords::builder("acme").customers(customers).payments(payments).build()?;
/// assert!(report.is_clean() && records.n_customers() == 1);
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RecordsBuilder {
    /// The tenant; `None` if the given id is blank. Only [`partition`](Self::partition) allows a blank id.
    pub(crate) tenant: Option<TenantId>,
    /// The tables in the order of [`RecordKind::ALL`]; `None` for a table that was not given.
    pub(crate) tables: [Option<Vec<Table>>; 4],
    /// For each table, the distinct texts in the batches that were added by [`push`](Self::push).
    pools: [Pools; 4],
    pub(crate) options: RecordsOptions,
}

impl TenantRecords {
    /// Creates a builder for the records of a tenant. If the id is blank, [`build`](RecordsBuilder::build) returns an
    /// error.
    pub fn builder(tenant: impl AsRef<str>) -> RecordsBuilder {
        RecordsBuilder::of(TenantId::new(tenant).ok())
    }
}

impl RecordsBuilder {
    pub(crate) fn of(tenant: Option<TenantId>) -> Self {
        Self {
            tenant,
            tables: [None, None, None, None],
            pools: Default::default(),
            options: RecordsOptions::default(),
        }
    }

    /// Adds rows of the customers table. This table is required.
    #[must_use]
    pub fn customers(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Customers, rows)
    }

    /// Adds rows of the payments table. An empty table means that there are no payments. If no payments table is
    /// passed, it is not known whether there are payments.
    #[must_use]
    pub fn payments(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Payments, rows)
    }

    /// Adds rows of the tickets table. An empty table means that there are no tickets. If no tickets table is passed,
    /// it is not known whether there are tickets.
    #[must_use]
    pub fn tickets(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Tickets, rows)
    }

    /// Adds rows of the activities table. An empty table means that there are no activities. If no activities table is
    /// passed, it is not known whether there are activities.
    #[must_use]
    pub fn activities(self, rows: impl IntoTable) -> Self {
        self.table(RecordKind::Activities, rows)
    }

    /// Adds a batch of one kind of record after the earlier batches of this kind. [`customers`](Self::customers),
    /// [`payments`](Self::payments), [`tickets`](Self::tickets) and [`activities`](Self::activities) also append to
    /// earlier batches.
    #[must_use]
    pub fn table(mut self, kind: RecordKind, rows: impl IntoTable) -> Self {
        self.tables[kind as usize]
            .get_or_insert_default()
            .push(rows.into_table().with_known_names(kind));
        self
    }

    /// Adds a batch of one kind of record and parses it immediately. Only the parsed columns are kept, and the batch
    /// itself is freed. Use this method for a table that is too large to be in memory together with the records that
    /// are built from it.
    ///
    /// The records and the report are bit-identical to those of a builder that receives the whole table at once. The
    /// rows of all batches are numbered consecutively.
    ///
    /// ```
    /// use churn_core::{RecordKind, Table, TenantRecords};
    ///
    /// let customers = Table::from_csv(&b"customer_id,signed_up_at\nC-1,2024-01-01\n"[..])?;
    /// let mut builder = TenantRecords::builder("acme").customers(customers);
    /// let file = &b"customer_id,due_at,amount\nC-1,2024-02-01,9.9\nC-1,2024-03-01,9.9\n"[..];
    /// for batch in Table::csv_batches(file, 1)? {
    ///     builder.push(RecordKind::Payments, batch?);
    /// }
    /// let (records, report) = builder.build()?;
    /// assert_eq!(report.table(RecordKind::Payments).map(|table| table.rows_accepted), Some(2));
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    pub fn push(&mut self, kind: RecordKind, batch: impl IntoTable) {
        let batch = batch.into_table().with_known_names(kind);
        let batch = self.pools[kind as usize].keep(kind, batch);
        self.tables[kind as usize].get_or_insert_default().push(batch);
    }

    /// Adds all batches of one kind of record, each with [`push`](Self::push). If there are no batches, the
    /// result is the same as for an empty table: the customers have no events of this kind.
    ///
    /// ```
    /// # use churn_core::{RecordKind, Table, TenantRecords};
    /// # let customers = Table::from_csv(&b"customer_id,signed_up_at\nC-1,2024-01-01\n"[..])?;
    /// # let file = &b"customer_id,at\nC-1,2024-02-01\n"[..];
    /// let batches = Table::csv_batches(file, 100_000)?;
    /// let builder = TenantRecords::builder("acme").customers(customers).batches(RecordKind::Activities, batches)?;
    /// # assert!(builder.build()?.1.is_clean());
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// The first error that the iterator `batches` returns. It is converted to an error of this crate.
    pub fn batches<B: IntoTable, E>(
        mut self,
        kind: RecordKind,
        batches: impl IntoIterator<Item = Result<B, E>>,
    ) -> Result<Self>
    where
        Error: From<E>,
    {
        self.tables[kind as usize].get_or_insert_default();
        for batch in batches {
            self.push(kind, batch?);
        }
        Ok(self)
    }

    /// Adds several batches of payments, as [`batches`](Self::batches) does for any kind of record.
    ///
    /// # Errors
    /// The first error that the iterator `batches` returns. It is converted to an error of this crate.
    pub fn payments_batches<B: IntoTable, E>(self, batches: impl IntoIterator<Item = Result<B, E>>) -> Result<Self>
    where
        Error: From<E>,
    {
        self.batches(RecordKind::Payments, batches)
    }

    /// Adds several batches of support tickets, as [`batches`](Self::batches) does for any kind of record.
    ///
    /// # Errors
    /// The first error that the iterator `batches` returns. It is converted to an error of this crate.
    pub fn tickets_batches<B: IntoTable, E>(self, batches: impl IntoIterator<Item = Result<B, E>>) -> Result<Self>
    where
        Error: From<E>,
    {
        self.batches(RecordKind::Tickets, batches)
    }

    /// Adds several batches of activities, as [`batches`](Self::batches) does for any kind of record.
    ///
    /// # Errors
    /// The first error that the iterator `batches` returns. It is converted to an error of this crate.
    pub fn activities_batches<B: IntoTable, E>(self, batches: impl IntoIterator<Item = Result<B, E>>) -> Result<Self>
    where
        Error: From<E>,
    {
        self.batches(RecordKind::Activities, batches)
    }

    /// Completes all batches that were added by [`push`](Self::push). Their distinct texts were collected separately
    /// and are now attached to them. This method must be called before the batches are read.
    pub(crate) fn seal(&mut self) {
        let pools = std::mem::take(&mut self.pools);
        for (table, pool) in self.tables.iter_mut().zip(pools) {
            *table = table.take().map(|batches| pool.seal(batches));
        }
    }

    /// Sets what happens to invalid rows. Default: [`OnInvalid::Refuse`].
    #[must_use]
    pub fn on_invalid(mut self, policy: OnInvalid) -> Self {
        self.options.on_invalid = policy;
        self
    }

    /// Sets the start of the observed history. Default: the time of the earliest event.
    #[must_use]
    pub fn observed_from(mut self, moment: Timestamp) -> Self {
        self.options.observed_from = Some(moment);
        self
    }

    /// Sets the end of the observed history (exclusive). Default: one microsecond after the time of the latest event;
    /// see [`TenantRecords::observed_until`].
    #[must_use]
    pub fn observed_until(mut self, moment: Timestamp) -> Self {
        self.options.observed_until = Some(moment);
        self
    }

    /// Declares which undated attributes never change. An attribute is undated if the records do not state since when
    /// its value has been true. If the attribute never changes, today's value was also true in the past, so the
    /// attribute may be used as a feature.
    #[must_use]
    pub fn static_attributes(mut self, attributes: StaticAttributes) -> Self {
        self.options.static_attributes = match attributes {
            StaticAttributes::Named(names) => {
                let known = |name: String| known_name(RecordKind::Customers, &name).map_or(name, str::to_owned);
                StaticAttributes::Named(names.into_iter().map(known).collect())
            }
            other => other,
        };
        self
    }

    /// Sets the tenant's currency by its ISO 4217 code. By default, the tenant's currency is the first currency in the
    /// payments table for which no conversion rate is set. The amounts of payments without a currency are in the
    /// tenant's currency.
    #[must_use]
    pub fn currency(mut self, code: impl Into<String>) -> Self {
        self.options.currency = Some(code.into());
        self
    }

    /// Sets the conversion rate of another currency. The rate is the value of one major unit of the other currency, in
    /// major units of the tenant's currency. For example, if the tenant's currency is the euro and one dollar is worth
    /// 0.92 euros, call `conversion_rate("USD", 0.92)`.
    #[must_use]
    pub fn conversion_rate(mut self, code: impl AsRef<str>, rate: f64) -> Self {
        self.options
            .rates
            .insert(code.as_ref().trim().to_ascii_uppercase(), rate);
        self
    }

    /// Sets the order of events that belong to the same customer and have equal times. By default, such events keep
    /// their order in the input.
    #[must_use]
    pub fn ties(mut self, ties: Ties) -> Self {
        self.options.ties = ties;
        self
    }

    /// Sets the number of threads, the progress callback and the cancellation token of the build.
    #[must_use]
    pub fn execution(mut self, execution: Execution) -> Self {
        self.options.execution = execution;
        self
    }

    /// Validates all tables and builds the records. The report counts the rows of each table and lists every invalid
    /// value. With [`OnInvalid::Quarantine`], check the report, because quarantined rows do not cause an error.
    ///
    /// # Errors
    /// - With [`OnInvalid::Refuse`], the error has the code of the first invalid value. It names the table, row and
    ///   column of this value, and it carries the whole [`report`](crate::Error::report).
    /// - `invalid_option` if the tenant's id is blank, if there is no customers table, if a static column is neither an
    ///   attribute nor `renews_at`, if a currency code is not three letters, or if a rate is not a positive number.
    /// - `unreadable_table` if a table has more than 2^32 - 2 rows.
    /// - `cancelled` if the call was cancelled.
    pub fn build(mut self) -> Result<(TenantRecords, ValidationReport)> {
        self.seal();
        let workers = self.options.execution.workers()?;
        let refuses = self.options.refuses();
        let (records, report) = self.check_and_build(&workers, true)?;
        match refuses && !report.is_clean() {
            true => Err(Error::refused(report)),
            false => Ok((records, report)),
        }
    }

    /// Checks the options before any row is read. Returns the tenant's currency and the conversion rates.
    pub(crate) fn options_make_sense(&self) -> Result<Exchange> {
        let customers = self.tables[RecordKind::Customers as usize].as_deref();
        let why = "the customers table was not given; it may be empty";
        let customers = customers.ok_or_else(|| option("customers", why))?;
        self.options.static_columns_exist(customers)?;
        self.options.exchange()
    }

    /// Builds records from the accepted rows and reports the issues of all other rows. Invalid rows do not cause an
    /// error here, even if the builder's options state that they should.
    pub(crate) fn check_and_build(self, workers: &Workers, reports: bool) -> Result<(TenantRecords, ValidationReport)> {
        let exchange = self.options_make_sense()?;
        // If the id is blank, the error is the same as that of `TenantId::new`.
        let tenant = &self.tenant.map_or_else(|| TenantId::new(""), Ok)?;
        let ties = self.options.ties;
        let [customers, payments, tickets, activities] = self.tables;
        let customers = customers.unwrap_or_default();
        let mut report = ValidationReport::default();
        let mut done = |checked: Checked| {
            report.tables.push((checked.kind, checked.report));
            report.issues.extend(checked.issues);
            report.findings.extend(checked.findings);
            if reports {
                workers.report("records", report.tables.len(), RecordKind::ALL.len());
            }
        };
        // Each table is freed as soon as it has been read.
        let (known, checked) = customers::clean(customers, tenant, workers)?;
        done(checked);
        let mut currency = exchange.currency(None, &[]);
        let mut clean_payments = |tables: Vec<Table>| {
            let (payments, own, checked) = payments::clean(tables, tenant, &known, &exchange, ties, workers)?;
            currency = own;
            Ok::<_, Error>((payments, checked))
        };
        let payments = payments.map(&mut clean_payments).transpose()?;
        let payments = payments.map(|(table, checked)| {
            done(checked);
            table
        });
        let tickets = tickets
            .map(|tables| tickets::clean(tables, tenant, &known, ties, workers))
            .transpose()?;
        let tickets = tickets.map(|(table, checked)| {
            done(checked);
            table
        });
        let activities = activities
            .map(|tables| activities::clean(tables, tenant, &known, ties, workers))
            .transpose()?;
        let activities = activities.map(|(table, checked)| {
            done(checked);
            table
        });
        report.undated_attributes = undated_attributes(&known.customers, &self.options.static_attributes);
        let mut records = TenantRecords {
            tenant: tenant.clone(),
            currency,
            customers: known.customers,
            payments,
            tickets,
            activities,
            static_attributes: self.options.static_attributes,
            observed_from: self.options.observed_from,
            observed_until: self.options.observed_until,
            spans: [None; 4],
        };
        let mut all_days = vec![];
        for kind in RecordKind::ALL {
            let times = event_times::of_events(&records, kind, workers)?;
            records.spans[kind as usize] = times.span;
            report.findings.extend(times.findings);
            all_days.extend(times.days.map(|days| (kind, days)));
        }
        if let Some(until) = records.observed_until(None) {
            report
                .findings
                .extend(event_times::other_times(&records, until, workers)?);
        }
        if let Some(history) = event_times::history(&records, &all_days) {
            let findings = all_days
                .iter()
                .map(|(kind, days)| event_times::within_history(*kind, days, history));
            report.findings.extend(findings.flatten());
        }
        if let Some(longest_gap) = all_days.iter().map(|(_, days)| days.longest_gap()).min() {
            report.findings.extend(quality::scheduled_ends(&records, longest_gap));
        }
        report.sort_findings();
        Ok((records, report))
    }
}

/// Lists the customer attributes that are not used as features, each with the reason.
fn undated_attributes(customers: &Customers, declared: &StaticAttributes) -> Vec<(String, String)> {
    let own = customers.attributes.iter().map(|attribute| attribute.name.as_str());
    let taken = own.filter(|name| is_reserved(name));
    let taken = taken.map(|name| {
        (
            name.to_owned(),
            format!("{WHY_RESERVED} 'customer_{name}': rename the column"),
        )
    });
    let mut left_out: Vec<(String, String)> = taken.collect();
    if customers.dated {
        return left_out;
    }
    let names = customers
        .attributes
        .iter()
        .map(|attribute| attribute.name.as_str())
        .chain(customers.renews_at.is_some().then_some("renews_at"));
    let untrusted = names
        .filter(|name| !declared.includes(name) && !is_reserved(name))
        .map(|name| (name.to_owned(), WHY_UNTRUSTED.to_owned()));
    left_out.extend(untrusted);
    left_out
}

const WHY_RESERVED: &str = "the library computes a feature with this name,";

const WHY_UNTRUSTED: &str = "the customers table has no 'valid_from' column, so its value is that of today: declare it in static_attributes if it never changes. A model that was trained with it still reads it";

fn option(name: &str, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOption, why).at(None, None, Some(name))
}
