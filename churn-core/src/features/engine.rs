//! The feature engine: evaluates a plan for customers at dates. It is used for training, for score runs and for the
//! score of a single customer.
//!
//! Every row is computed only from the visible records of its customer, in a fixed order. The result therefore depends
//! neither on the number of threads nor on the other rows of the matrix.
//!
//! Rows are processed in blocks, and each step is a loop over all rows of a block. The records of a block are stored
//! contiguously, so the records in a time window form a range of positions. The values of a feature are written
//! directly into its column.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::features::block::{Pairs, Visible};
use crate::features::definition::ChurnDefinition;
use crate::features::matrix::{FeatureColumn, FeatureMatrix};
use crate::features::plan::FeaturePlan;
use crate::features::population::eligible;
use crate::features::program::{CustomerMeasure, CustomerOutput, Program, StreamProgram};
use crate::features::resolved::{FeatureKind, ResolvedPlan};
use crate::features::series::Measured;
use crate::features::view::{ColumnView, CustomerView, Row, StreamView};
use crate::parallel::{Execution, Workers};
use crate::record::TenantRecords;
use crate::time::{AsOf, MICROS_PER_DAY};

/// Number of matrix rows that one parallel task computes.
const CHUNK: usize = 512;
/// Maximum number of records in a block. A single row with more records forms a block of its own.
const BLOCK: usize = 1 << 15;
/// Number of tasks between two progress reports.
const WAVE: usize = 128;

/// Computes the features of every customer at each date.
///
/// The matrix has one row for every customer who had signed up before the date and was known at the date. Rows are in
/// the order of the given dates, and sorted by customer id within each date.
///
/// ```
/// use churn_core::{Execution, FeaturePlan, Table, TenantRecords, features};
///
/// let customers = Table::from_json(br#"[{"customer_id": "C-1", "signed_up_at": "2024-01-01"}]"#)?;
/// let payments = Table::from_json(br#"[{"customer_id": "C-1", "due_at": "2024-02-01", "amount": 12.5}]"#)?;
/// let (records, _) = TenantRecords::builder("acme").customers(customers).payments(payments).build()?;
/// let matrix = features(&records, &["2024-03-01".parse()?], &FeaturePlan::default(), &Execution::default())?;
/// assert_eq!((matrix.n_rows(), matrix.feature_names()[0].as_str()), (1, "customer_tenure_days"));
/// # Ok::<(), churn_core::Error>(())
/// ```
///
/// # Errors
/// - `invalid_option` if the plan does not fit the records.
/// - `cancelled` if the call was cancelled.
pub fn features(
    records: &TenantRecords,
    as_of: &[AsOf],
    plan: &FeaturePlan,
    execution: &Execution,
) -> Result<FeatureMatrix> {
    plan.resolve(records)?.evaluate(records, as_of, &execution.workers()?)
}

/// Computes the features of the customers who are eligible under a churn definition at each date. A model with this
/// churn definition scores exactly these customers.
///
/// Rows are in the order of the given dates, and sorted by customer id within each date. Every value is equal to the
/// value that [`features()`] returns for the same customer and date.
///
/// ```
/// use churn_core::{ChurnDefinition, Execution, FeaturePlan, Table, TenantRecords, eligible_features};
///
/// let customers = Table::from_csv(&b"customer_id,signed_up_at,churned_at\nC-1,2024-01-01,2024-02-01\nC-2,2024-01-01,\n"[..])?;
/// let (records, _) = TenantRecords::builder("acme").customers(customers).build()?;
/// let (plan, definition) = (FeaturePlan::default(), ChurnDefinition::cancellation(90));
/// let matrix = eligible_features(&records, &["2024-03-01".parse()?], &plan, &definition, &Execution::new())?;
/// assert_eq!((matrix.n_rows(), matrix.customer_id(0)), (1, "C-2")); // C-1 has churned
/// # Ok::<(), churn_core::Error>(())
/// ```
///
/// # Errors
/// - `invalid_option` if the plan or the definition does not fit the records.
/// - `cancelled` if the call was cancelled.
pub fn eligible_features(
    records: &TenantRecords,
    as_of: &[AsOf],
    plan: &FeaturePlan,
    definition: &ChurnDefinition,
    execution: &Execution,
) -> Result<FeatureMatrix> {
    let (plan, workers) = (plan.resolve(records)?, execution.workers()?);
    let mut rows = vec![];
    for &date in as_of {
        let customers = eligible(records, date, definition, &workers)?;
        rows.extend(customers.into_iter().map(|customer| (customer, date)));
    }
    plan.evaluate_rows(records, &rows, &workers)
}

impl ResolvedPlan {
    /// Computes, at each date, the features of every customer who had signed up before the date and was known at the
    /// date.
    pub(crate) fn evaluate(&self, records: &TenantRecords, as_of: &[AsOf], workers: &Workers) -> Result<FeatureMatrix> {
        let customers = records.customers.len();
        let mut rows = vec![];
        for &date in as_of {
            let visible = workers.map_chunks(customers, 1 << 14, |range| {
                Ok(range
                    .map(|customer| customer as u32)
                    .filter(|&customer| CustomerView::new(records, customer, date.as_micros()).is_some())
                    .collect::<Vec<_>>())
            })?;
            rows.extend(visible.into_iter().flatten().map(|customer| (customer, date)));
        }
        self.evaluate_rows(records, &rows, workers)
    }

    /// Computes the features of given customers at given dates. Each customer is given by their code. The result has
    /// one row for each pair of customer and date, in the given order. If a customer was not known at the date, the
    /// result is an error.
    pub(crate) fn evaluate_rows(
        &self,
        records: &TenantRecords,
        rows: &[(u32, AsOf)],
        workers: &Workers,
    ) -> Result<FeatureMatrix> {
        let program = Program::compile(self, records)?;
        let mut columns: Vec<FeatureColumn> = self
            .kinds()
            .iter()
            .enumerate()
            .map(|(column, kind)| match kind {
                // The operating system provides zeroed memory page by page, when a page is first written. The threads
                // that compute the values therefore share the cost of providing the memory.
                FeatureKind::Number => FeatureColumn::Number(vec![0.0; rows.len()]),
                FeatureKind::Text => FeatureColumn::Text {
                    codes: vec![FeatureColumn::MISSING; rows.len()],
                    levels: levels_of(&program, column),
                },
            })
            .collect();
        let mut chunks = Chunk::split(&mut columns, rows.len());
        let total = chunks.len();
        for (wave, chunks) in chunks.chunks_mut(WAVE).enumerate() {
            workers.map_mut(chunks, |number, chunk| {
                let start = (wave * WAVE + number) * CHUNK;
                let rows = &rows[start..(start + CHUNK).min(rows.len())];
                program.evaluate(records, rows, chunk, workers)
            })?;
            workers.report("features", wave * WAVE + chunks.len(), total);
        }
        columns.iter_mut().for_each(FeatureColumn::keep_used_levels);
        Ok(FeatureMatrix {
            tenant: records.tenant.clone(),
            ids: Arc::clone(&records.customers.ids),
            customers: rows.iter().map(|&(customer, _)| customer).collect(),
            as_of: rows.iter().map(|&(_, as_of)| as_of).collect(),
            names: self.names().to_vec(),
            columns,
            fingerprint: self.fingerprint().to_owned(),
        })
    }
}

fn levels_of(program: &Program<'_>, column: usize) -> Vec<String> {
    let output = program.customers.iter().find(|output| output.column == column);
    match output.map(|output| &output.measure) {
        Some(CustomerMeasure::Text(Some(text))) => text.levels().map(str::to_owned).collect(),
        _ => vec![],
    }
}

/// The part of the matrix that one task computes: some rows of every column.
pub(crate) struct Chunk<'a> {
    columns: Vec<Cells<'a>>,
}

enum Cells<'a> {
    Numbers(&'a mut [f64]),
    Codes(&'a mut [u32]),
}

impl<'a> Chunk<'a> {
    fn split(columns: &'a mut [FeatureColumn], rows: usize) -> Vec<Self> {
        let mut chunks: Vec<Self> = (0..rows.div_ceil(CHUNK))
            .map(|_| Self {
                columns: Vec::with_capacity(columns.len()),
            })
            .collect();
        for column in columns {
            match column {
                FeatureColumn::Number(values) => chunks
                    .iter_mut()
                    .zip(values.chunks_mut(CHUNK))
                    .for_each(|(chunk, cells)| chunk.columns.push(Cells::Numbers(cells))),
                FeatureColumn::Text { codes, .. } => chunks
                    .iter_mut()
                    .zip(codes.chunks_mut(CHUNK))
                    .for_each(|(chunk, cells)| chunk.columns.push(Cells::Codes(cells))),
            }
        }
        chunks
    }

    pub(crate) fn numbers(&mut self, column: usize, rows: Range<usize>) -> Option<&mut [f64]> {
        match &mut self.columns[column] {
            Cells::Numbers(cells) => Some(&mut cells[rows]),
            Cells::Codes(_) => None,
        }
    }

    fn number(&mut self, column: usize, position: usize, value: f64) {
        if let Cells::Numbers(cells) = &mut self.columns[column] {
            cells[position] = value;
        }
    }

    fn code(&mut self, column: usize, position: usize, code: u32) {
        if let Cells::Codes(cells) = &mut self.columns[column] {
            cells[position] = code;
        }
    }
}

impl Program<'_> {
    /// Computes the feature values of the given matrix rows.
    fn evaluate(
        &self,
        records: &TenantRecords,
        rows: &[(u32, AsOf)],
        chunk: &mut Chunk<'_>,
        workers: &Workers,
    ) -> Result<()> {
        for (position, &(customer, as_of)) in rows.iter().enumerate() {
            let moment = as_of.as_micros();
            let Some(view) = CustomerView::new(records, customer, moment) else {
                let id = records.customers.ids.get(customer as usize);
                return Err(Error::new(
                    ErrorKind::CustomerNotFound,
                    format!(
                        "customer '{}' has no visible row as of {as_of}",
                        crate::error::excerpt(id)
                    ),
                ));
            };
            for output in &self.customers {
                output.evaluate(&view, moment, chunk, position);
            }
        }
        let (mut visible, mut measured) = (Visible::default(), Measured::default());
        for stream in &self.streams {
            let mut first = 0;
            while first < rows.len() {
                workers.check()?;
                let end = stream.end_of_block(records, rows, first);
                let pairs = Pairs(&rows[first..end]);
                if visible.take(records, stream.source, pairs) {
                    for series in &stream.series {
                        series.collect(records, &visible, pairs, &mut measured.points);
                        measured.evaluate(series, records, pairs, chunk, first..end);
                    }
                }
                first = end;
            }
        }
        Ok(())
    }
}

impl StreamProgram<'_> {
    /// Returns the end of the block that begins at a given row. A block contains at least one row.
    fn end_of_block(&self, records: &TenantRecords, rows: &[(u32, AsOf)], first: usize) -> usize {
        let mut end = first;
        let mut count = 0;
        while end < rows.len() && (end == first || count <= BLOCK) {
            let (customer, as_of) = rows[end];
            let view = StreamView::new(records, self.source, as_of.as_micros());
            count += view.map_or(0, |view| view.most(customer));
            end += 1;
        }
        end
    }
}

impl CustomerOutput<'_> {
    fn evaluate(&self, view: &CustomerView<'_>, as_of: i64, chunk: &mut Chunk<'_>, position: usize) {
        let days = |micros: i64| micros as f64 / MICROS_PER_DAY as f64;
        let number = |column: Option<ColumnView<'_>>, version: Option<Row>| {
            let number = column.zip(version).and_then(|(column, version)| column.number(version));
            number.unwrap_or(f64::NAN)
        };
        let value = match &self.measure {
            CustomerMeasure::TenureDays => days(as_of - view.spell_start()),
            CustomerMeasure::DaysToRenewal => view.renews_at().map_or(f64::NAN, |renews| days(renews - as_of)),
            CustomerMeasure::DaysSinceChange => days(as_of - view.valid_from()),
            CustomerMeasure::EarlierSpells => view.earlier_spells() as f64,
            CustomerMeasure::DaysSinceLastEnd => view.last_end().map_or(f64::NAN, |end| days(as_of - end)),
            CustomerMeasure::DaysSinceFirstSignUp => days(as_of - view.first_sign_up()),
            CustomerMeasure::Number(column) => number(*column, Some(view.version())),
            CustomerMeasure::Change(column, span) => {
                number(*column, Some(view.version())) - number(*column, view.version_before(*span))
            }
            CustomerMeasure::Text(column) => {
                let code = column.and_then(|column| column.text(view.version()));
                chunk.code(self.column, position, code.unwrap_or(FeatureColumn::MISSING));
                return;
            }
        };
        chunk.number(self.column, position, value);
    }
}
