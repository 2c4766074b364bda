//! A resolved plan compiled against one tenant's records: columns looked up once, series shared.

use crate::error::{RecordKind, Result};
use crate::features::condition::Test;
use crate::features::measure::{Code, Float, Integer, RowMeasure};
use crate::features::plan::{Axis, Condition, Feature, Function, Measure};
use crate::features::resolved::{FeatureKind, ResolvedPlan};
use crate::features::view::ColumnView;
use crate::record::TenantRecords;
use crate::time::MICROS_PER_DAY;

/// All features of a plan, grouped by what they look at.
pub(crate) struct Program<'a> {
    pub(crate) customers: Vec<CustomerOutput<'a>>,
    pub(crate) streams: Vec<StreamProgram<'a>>,
}

/// A customer feature: where it goes and what it reads.
pub(crate) struct CustomerOutput<'a> {
    pub(crate) column: usize,
    pub(crate) measure: CustomerMeasure<'a>,
}

pub(crate) enum CustomerMeasure<'a> {
    TenureDays,
    DaysToRenewal,
    DaysSinceChange,
    /// `None`: these records lack the column, so it reads as missing.
    Number(Option<ColumnView<'a>>),
    Text(Option<ColumnView<'a>>),
    /// Change over so many microseconds.
    Change(Option<ColumnView<'a>>, i64),
}

/// The series of one event table.
pub(crate) struct StreamProgram<'a> {
    pub(crate) source: RecordKind,
    pub(crate) series: Vec<Series<'a>>,
}

/// Records that meet one filter, ordered on one axis, and everything that is made of them.
pub(crate) struct Series<'a> {
    pub(crate) axis: Axis,
    pub(crate) filter: Vec<Test<'a>>,
    pub(crate) groups: Vec<Group<'a>>,
    declared: &'a [Condition],
}

/// The outputs of one series that share a measure.
pub(crate) struct Group<'a> {
    pub(crate) measure: RowMeasure<'a>,
    pub(crate) outputs: Vec<Output<'a>>,
    declared: (&'a Measure, bool),
}

pub(crate) struct Output<'a> {
    pub(crate) column: usize,
    pub(crate) function: &'a Function,
    /// The conditions of a share or streak.
    pub(crate) tests: Vec<Test<'a>>,
    /// In days; `None` for the whole history.
    pub(crate) window: Option<u32>,
}

impl<'a> Program<'a> {
    /// Compiles a plan.
    ///
    /// A table that the plan needs and the records lack is `feature_mismatch`, as is a column of another type than the
    /// plan was resolved with. A column that is not there reads as missing in every row.
    pub(crate) fn compile(plan: &'a ResolvedPlan, records: &'a TenantRecords) -> Result<Self> {
        plan.require_tables(records)?;
        plan.require_types(records)?;
        let mut program = Self {
            customers: vec![],
            streams: vec![],
        };
        for (column, (feature, &kind)) in plan.features().iter().zip(plan.kinds()).enumerate() {
            match feature.source {
                RecordKind::Customers => program.customers.push(CustomerOutput {
                    column,
                    measure: CustomerMeasure::new(feature, kind, records),
                }),
                _ => program.add(column, feature, records),
            }
        }
        Ok(program)
    }

    /// A feature of an event table joins the series and the group that declare the same, or opens its own.
    fn add(&mut self, column: usize, feature: &'a Feature, records: &'a TenantRecords) {
        let tests = |conditions: &[Condition]| {
            let test = |condition| Test::new(condition, feature.source, records);
            conditions.iter().map(test).collect::<Vec<_>>()
        };
        let stream = find_or(
            &mut self.streams,
            |stream| stream.source == feature.source,
            || StreamProgram {
                source: feature.source,
                series: vec![],
            },
        );
        let series = find_or(
            &mut stream.series,
            |series| series.axis == feature.axis && series.declared == feature.filter,
            || Series {
                axis: feature.axis,
                filter: tests(&feature.filter),
                groups: vec![],
                declared: &feature.filter,
            },
        );
        let declared = (&feature.measure, feature.function == Function::Distinct);
        let group = find_or(
            &mut series.groups,
            |group| group.declared == declared,
            || Group {
                measure: RowMeasure::new(feature, records),
                outputs: vec![],
                declared,
            },
        );
        group.outputs.push(Output {
            column,
            function: &feature.function,
            tests: tests(feature.function.conditions()),
            window: feature.window,
        });
    }
}

fn find_or<T>(items: &mut Vec<T>, wanted: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let position = items.iter().position(wanted).unwrap_or_else(|| {
        items.push(new());
        items.len() - 1
    });
    &mut items[position]
}

impl<'a> CustomerMeasure<'a> {
    fn new(feature: &Feature, kind: FeatureKind, records: &'a TenantRecords) -> Self {
        match &feature.measure {
            Measure::Attribute(column) => {
                let column = ColumnView::find(records, feature.source, column);
                match (kind, feature.window) {
                    (FeatureKind::Text, _) => Self::Text(column),
                    (FeatureKind::Number, Some(days)) => Self::Change(column, i64::from(days) * MICROS_PER_DAY),
                    (FeatureKind::Number, None) => Self::Number(column),
                }
            }
            Measure::DaysToRenewal => Self::DaysToRenewal,
            Measure::DaysSinceChange => Self::DaysSinceChange,
            _ => Self::TenureDays,
        }
    }
}

impl<'a> RowMeasure<'a> {
    fn new(feature: &Feature, records: &'a TenantRecords) -> Self {
        let scale = records.currency.scale();
        match &feature.measure {
            Measure::Amount => Self::Integer(Integer::Amount { scale }),
            Measure::LateDays => Self::Integer(Integer::LateDays),
            Measure::ResolutionHours => Self::Integer(Integer::ResolutionHours),
            Measure::FirstResponseHours => Self::Integer(Integer::FirstResponseHours),
            Measure::Satisfaction => Self::Float(Float::Satisfaction),
            Measure::Quantity => Self::Float(Float::Quantity),
            Measure::Kind => Self::Code(Code::Kind),
            Measure::Date => Self::Code(Code::Date),
            Measure::GapDays => Self::GapDays,
            Measure::Attribute(column) => {
                let column = ColumnView::find(records, feature.source, column);
                match feature.function {
                    Function::Distinct => Self::Code(Code::Column(column)),
                    _ => Self::Float(Float::Column(column)),
                }
            }
            _ => Self::One,
        }
    }
}
