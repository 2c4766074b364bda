//! The one engine: evaluates a plan for customers at dates, for batches, single customers and training alike.
//!
//! Every row is worked out on its own from the visible records of its customer, in one fixed order, so neither
//! threads nor what else is in the batch can change a bit.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::features::matrix::{FeatureColumn, FeatureMatrix};
use crate::features::plan::{Axis, FeaturePlan};
use crate::features::program::{CustomerMeasure, CustomerOutput, Group, Program, Series, StreamProgram, number_at};
use crate::features::resolved::{FeatureKind, ResolvedPlan};
use crate::features::series::{Point, Values, evaluate};
use crate::features::view::{CustomerView, StreamView};
use crate::parallel::{Execution, Workers};
use crate::record::{AttributeValues, MISSING_CODE, TenantRecords};
use crate::time::{AsOf, MICROS_PER_DAY};

/// Rows worked on at a time.
const CHUNK: usize = 512;

/// The features of every customer at each date: one row per customer with a visible spell, dates as given, then
/// customers sorted by id.
///
/// ```
/// use churn_core::{Execution, FeaturePlan, Table, TenantRecords, features};
///
/// let customers = Table::from_json(br#"[{"customer_id": "C-1", "signed_up_at": "2024-01-01"}]"#)?;
/// let payments = Table::from_json(br#"[{"customer_id": "C-1", "due_at": "2024-02-01", "amount": 12.5}]"#)?;
/// let (records, _) = TenantRecords::builder("acme").customers(customers).payments(payments).build()?;
/// let matrix = features(&records, &["2024-03-01".parse()?], &FeaturePlan::default(), &Execution::default())?;
/// assert_eq!((matrix.rows(), matrix.feature_names()[0].as_str()), (1, "customer_tenure_days"));
/// # Ok::<(), churn_core::Error>(())
/// ```
///
/// # Errors
/// `invalid_option` if the plan does not fit the records; `cancelled`.
pub fn features(
    records: &TenantRecords,
    as_of: &[AsOf],
    plan: &FeaturePlan,
    execution: &Execution,
) -> Result<FeatureMatrix> {
    plan.resolve(records)?.evaluate(records, as_of, &execution.workers()?)
}

impl ResolvedPlan {
    /// The features of every customer with a visible spell, at each date.
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

    /// The features of chosen customers (by code) at chosen dates: a row each, in the order given. A customer of
    /// whom nothing is visible gets an error.
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
                FeatureKind::Number => FeatureColumn::Number(vec![f64::NAN; rows.len()]),
                FeatureKind::Text => FeatureColumn::Text {
                    codes: vec![FeatureColumn::MISSING; rows.len()],
                    levels: levels_of(&program, column),
                },
            })
            .collect();
        let mut chunks = Chunk::split(&mut columns, rows.len());
        workers.map_mut(&mut chunks, |number, chunk| {
            let start = number * CHUNK;
            let mut scratch = Scratch::default();
            for (position, &(customer, as_of)) in rows[start..(start + CHUNK).min(rows.len())].iter().enumerate() {
                program.evaluate(records, customer, as_of, chunk, position, &mut scratch)?;
            }
            Ok(())
        })?;
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
        Some(CustomerMeasure::Text(Some(AttributeValues::Text(text)))) => {
            text.levels.iter().map(str::to_owned).collect()
        }
        _ => vec![],
    }
}

/// The cells of some rows, of all columns: what one piece of work writes to.
struct Chunk<'a> {
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

/// Buffers that are used again for every row.
#[derive(Default)]
struct Scratch {
    visible: Vec<usize>,
    points: Vec<Point>,
    values: Values,
}

impl Program<'_> {
    fn evaluate(
        &self,
        records: &TenantRecords,
        customer: u32,
        as_of: AsOf,
        chunk: &mut Chunk<'_>,
        position: usize,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let moment = as_of.as_micros();
        let Some(view) = CustomerView::new(records, customer, moment) else {
            let id = records.customers.ids.get(customer as usize);
            return Err(Error::new(
                ErrorKind::UnknownCustomer,
                format!(
                    "nothing is known of customer '{}' as of {as_of}",
                    crate::error::excerpt(id)
                ),
            ));
        };
        for output in &self.customers {
            output.evaluate(&view, moment, chunk, position);
        }
        for stream in &self.streams {
            if let Some(view) = StreamView::new(records, stream.source, moment) {
                stream.evaluate(&view, customer, moment, chunk, position, scratch);
            }
        }
        Ok(())
    }
}

impl CustomerOutput<'_> {
    fn evaluate(&self, view: &CustomerView<'_>, as_of: i64, chunk: &mut Chunk<'_>, position: usize) {
        let days = |micros: i64| micros as f64 / MICROS_PER_DAY as f64;
        let value = match &self.measure {
            CustomerMeasure::TenureDays => days(as_of - view.signed_up_at()),
            CustomerMeasure::DaysToRenewal => view.renews_at().map_or(f64::NAN, |renews| days(renews - as_of)),
            CustomerMeasure::DaysSinceChange => days(as_of - view.valid_from()),
            CustomerMeasure::Number(values) => values
                .and_then(|values| number_at(values, view.version()))
                .unwrap_or(f64::NAN),
            CustomerMeasure::Change(values, span) => {
                let before = view.version_before(*span);
                let both = values.zip(before).and_then(|(values, before)| {
                    Some((number_at(values, view.version())?, number_at(values, before)?))
                });
                both.map_or(f64::NAN, |(now, before)| now - before)
            }
            CustomerMeasure::Text(values) => {
                if let Some(AttributeValues::Text(text)) = values {
                    let code = text.codes[view.version()];
                    chunk.code(
                        self.column,
                        position,
                        if code == MISSING_CODE {
                            FeatureColumn::MISSING
                        } else {
                            code
                        },
                    );
                }
                return;
            }
        };
        chunk.number(self.column, position, value);
    }
}

impl StreamProgram<'_> {
    fn evaluate(
        &self,
        view: &StreamView<'_>,
        customer: u32,
        as_of: i64,
        chunk: &mut Chunk<'_>,
        position: usize,
        scratch: &mut Scratch,
    ) {
        scratch.visible.clear();
        scratch.visible.extend(view.rows(customer));
        for series in &self.series {
            series.collect(view, &scratch.visible, &mut scratch.points);
            for group in &series.groups {
                group.evaluate(view, as_of, &scratch.points, &mut scratch.values, chunk, position);
            }
        }
    }
}

impl Series<'_> {
    /// The records of the series, in order on its axis; of equals, in the order in which they were given.
    fn collect(&self, view: &StreamView<'_>, visible: &[usize], points: &mut Vec<Point>) {
        points.clear();
        let on_axis = |row: usize| match self.axis {
            Axis::Event => Some(view.at(row)),
            Axis::RefundedAt => view.refunded_at(row),
            Axis::ResolvedAt => view.resolved_at(row),
            Axis::ReopenedAt => view.reopened_at(row),
            Axis::SatisfactionAt => view.satisfaction_at(row),
        };
        let wanted = visible
            .iter()
            .copied()
            .filter(|&row| self.filter.iter().all(|test| test.holds(view, row)));
        points.extend(wanted.filter_map(|row| on_axis(row).map(|at| Point { at, row })));
        if self.axis != Axis::Event {
            points.sort_unstable_by_key(|point| (point.at, view.given(point.row)));
        }
    }
}

impl Group<'_> {
    fn evaluate(
        &self,
        view: &StreamView<'_>,
        as_of: i64,
        points: &[Point],
        values: &mut Values,
        chunk: &mut Chunk<'_>,
        position: usize,
    ) {
        values.fill(self.measure, view, points);
        for output in &self.outputs {
            chunk.number(
                output.column,
                position,
                evaluate(output, self.measure, view, as_of, points, values),
            );
        }
    }
}
