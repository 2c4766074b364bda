//! Compiles a resolved plan for the records of one tenant. Columns are looked up once. Features that use the same
//! records share one [`Series`].

use crate::error::{RecordKind, Result};
use crate::features::condition::Test;
use crate::features::measure::{Code, Float, Integer, RowMeasure};
use crate::features::plan::{Axis, Condition, Feature, Function, Measure};
use crate::features::resolved::{FeatureKind, ResolvedPlan};
use crate::features::view::ColumnView;
use crate::record::TenantRecords;
use crate::time::MICROS_PER_DAY;

/// All features of a plan. Features of event tables are grouped by their series (the set of records that they use).
pub(crate) struct Program<'a> {
    pub(crate) customers: Vec<CustomerOutput<'a>>,
    pub(crate) streams: Vec<StreamProgram<'a>>,
}

/// A feature of customers: the position of its column in the matrix, and the measure that gives its values.
pub(crate) struct CustomerOutput<'a> {
    pub(crate) column: usize,
    pub(crate) measure: CustomerMeasure<'a>,
}

pub(crate) enum CustomerMeasure<'a> {
    TenureDays,
    DaysToRenewal,
    DaysSinceChange,
    EarlierSpells,
    DaysSinceLastEnd,
    DaysSinceFirstSignUp,
    /// A number column. If the records lack the column, the field is `None`, and every value is missing.
    Number(Option<ColumnView<'a>>),
    Text(Option<ColumnView<'a>>),
    /// The change of a number column over a window. The integer is the length of the window in microseconds.
    Change(Option<ColumnView<'a>>, i64),
}

/// All series of one event table. A series is the set of records that several features share.
pub(crate) struct StreamProgram<'a> {
    pub(crate) source: RecordKind,
    pub(crate) series: Vec<Series<'a>>,
}

/// The records of one event table that meet one filter, ordered on one time axis, and all aggregations over these
/// records.
pub(crate) struct Series<'a> {
    pub(crate) source: RecordKind,
    pub(crate) axis: Axis,
    pub(crate) filter: Vec<Test<'a>>,
    pub(crate) groups: Vec<Group<'a>>,
    /// The window lengths of the series in microseconds, ascending.
    pub(crate) spans: Vec<i64>,
    declared: &'a [Condition],
}

/// The features of one series that have the same measure.
pub(crate) struct Group<'a> {
    pub(crate) measure: RowMeasure<'a>,
    pub(crate) outputs: Vec<Output<'a>>,
    /// The distinct lists of conditions that features with the function `Share` or `Streak` in this group use.
    pub(crate) tests: Vec<Vec<Test<'a>>>,
    declared_tests: Vec<&'a [Condition]>,
    declared: (&'a Measure, bool),
}

pub(crate) struct Output<'a> {
    pub(crate) column: usize,
    pub(crate) function: &'a Function,
    /// The index of this feature's conditions in the `tests` of its group; `None` if the function of the feature is
    /// neither `Share` nor `Streak`.
    pub(crate) tests: Option<usize>,
    /// The length of the window in microseconds; 0 for the whole history.
    pub(crate) span: i64,
    /// The index of the window length in the `spans` of the series; `None` for the whole history.
    pub(crate) window: Option<usize>,
    /// For a change: the index of the window length that covers both the window of the feature and the preceding window
    /// of the same length.
    pub(crate) before: Option<usize>,
}

impl<'a> Program<'a> {
    /// Compiles a plan, which means that the columns of its features are looked up in the records.
    ///
    /// The error is `feature_mismatch` if the records lack a table that the plan needs, or if the type of a column
    /// differs from its type when the plan was resolved. If a column is missing, its value is missing in every row.
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
        let series = program.streams.iter_mut().flat_map(|stream| &mut stream.series);
        series.for_each(Series::number_spans);
        Ok(program)
    }

    /// Adds a feature of an event table to the series and the group that match the declaration of the feature. Creates
    /// the series or the group if it does not exist yet.
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
                source: feature.source,
                axis: feature.axis,
                filter: tests(&feature.filter),
                groups: vec![],
                spans: vec![],
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
                tests: vec![],
                declared_tests: vec![],
                declared,
            },
        );
        let conditions = feature.function.conditions();
        let takes_tests = matches!(feature.function, Function::Share(_) | Function::Streak(_));
        let number = takes_tests.then(|| {
            let known = group.declared_tests.iter().position(|known| *known == conditions);
            known.unwrap_or_else(|| {
                group.tests.push(tests(conditions));
                group.declared_tests.push(conditions);
                group.tests.len() - 1
            })
        });
        let span = feature.window.map(|days| i64::from(days) * MICROS_PER_DAY);
        series.spans.extend(span);
        if feature.function == Function::Change {
            series.spans.extend(span.map(|span| span.saturating_mul(2)));
        }
        group.outputs.push(Output {
            column,
            function: &feature.function,
            tests: number,
            span: span.unwrap_or(0),
            window: None,
            before: None,
        });
    }
}

impl Series<'_> {
    /// Assigns an index to each window. This method must be called after all features were added.
    fn number_spans(&mut self) {
        self.spans.sort_unstable();
        self.spans.dedup();
        for output in self.groups.iter_mut().flat_map(|group| &mut group.outputs) {
            let number = |span: i64| self.spans.binary_search(&span).ok();
            if output.span > 0 {
                output.window = number(output.span);
                output.before = number(output.span.saturating_mul(2));
            }
        }
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
            Measure::EarlierSpells => Self::EarlierSpells,
            Measure::DaysSinceLastEnd => Self::DaysSinceLastEnd,
            Measure::DaysSinceFirstSignUp => Self::DaysSinceFirstSignUp,
            Measure::TenureDays => Self::TenureDays,
            // The following measures belong to event tables. A plan is validated before it is compiled, so a feature of
            // customers never has one of these measures.
            Measure::Count
            | Measure::Amount
            | Measure::LateDays
            | Measure::ResolutionHours
            | Measure::FirstResponseHours
            | Measure::Satisfaction
            | Measure::Quantity
            | Measure::Kind
            | Measure::Date
            | Measure::GapDays => Self::Number(None),
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
            Measure::Count => Self::One,
            // The following measures belong to customers. A plan is validated before it is compiled, so a feature of an
            // event table never has one of these measures.
            Measure::TenureDays
            | Measure::DaysToRenewal
            | Measure::DaysSinceChange
            | Measure::EarlierSpells
            | Measure::DaysSinceLastEnd
            | Measure::DaysSinceFirstSignUp => Self::Float(Float::Column(None)),
        }
    }
}
