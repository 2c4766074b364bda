//! A resolved plan compiled against one tenant's records: columns looked up once, series shared.

use crate::error::{Error, ErrorKind, RecordKind, Result};
use crate::features::plan::{Axis, Condition, Feature, Function, Measure};
use crate::features::resolved::{FeatureKind, ResolvedPlan};
use crate::features::view::{PaymentState, StreamView};
use crate::record::{Attribute, AttributeValues, Priority, TenantRecords};
use crate::time::{MICROS_PER_DAY, MICROS_PER_HOUR};

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
    /// `None`: the column is absent from these records and reads as missing.
    Number(Option<&'a AttributeValues>),
    Text(Option<&'a AttributeValues>),
    /// Change over so many microseconds.
    Change(Option<&'a AttributeValues>, i64),
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
}

/// The outputs of one series that share a measure.
pub(crate) struct Group<'a> {
    pub(crate) measure: RowMeasure<'a>,
    pub(crate) outputs: Vec<Output<'a>>,
}

pub(crate) struct Output<'a> {
    pub(crate) column: usize,
    pub(crate) function: &'a Function,
    /// The conditions of a share or streak.
    pub(crate) tests: Vec<Test<'a>>,
    /// In days; `None` for the whole history.
    pub(crate) window: Option<u32>,
}

/// A measure of one record: exact integers with what to divide them by once, floats, or codes.
#[derive(Clone, Copy)]
pub(crate) enum RowMeasure<'a> {
    One,
    Amount {
        scale: f64,
    },
    LateDays,
    ResolutionHours,
    FirstResponseHours,
    Satisfaction,
    Quantity,
    Kind,
    Date,
    GapDays,
    /// `None`: the column is absent from these records.
    Attribute(Option<&'a AttributeValues>),
}

impl RowMeasure<'_> {
    /// What exact sums are divided by, where the measure is an integer.
    pub(crate) fn divisor(self) -> Option<f64> {
        match self {
            Self::One => Some(1.0),
            Self::Amount { scale } => Some(scale),
            Self::LateDays | Self::GapDays => Some(MICROS_PER_DAY as f64),
            Self::ResolutionHours | Self::FirstResponseHours => Some(MICROS_PER_HOUR as f64),
            Self::Satisfaction | Self::Quantity | Self::Kind | Self::Date | Self::Attribute(_) => None,
        }
    }

    /// The integer of a record; `None` if the record has none.
    pub(crate) fn integer(self, view: &StreamView<'_>, row: usize) -> Option<i64> {
        match self {
            Self::One => Some(1),
            Self::Amount { .. } => view.amount(row),
            Self::LateDays => view.lateness(row),
            Self::ResolutionHours => view.resolved_at(row).map(|at| at - view.at(row)),
            Self::FirstResponseHours => view.first_response_at(row).map(|at| at - view.at(row)),
            _ => None,
        }
    }

    /// The float of a record; `None` if the record has none.
    pub(crate) fn float(self, view: &StreamView<'_>, row: usize) -> Option<f64> {
        match self {
            Self::Satisfaction => view.satisfaction(row),
            Self::Quantity => view.quantity(row),
            Self::Attribute(Some(values)) => number_at(values, row),
            _ => None,
        }
    }

    /// A code that is equal for equal values.
    pub(crate) fn code(self, view: &StreamView<'_>, row: usize) -> Option<i64> {
        match self {
            Self::Kind => view.kind(row).map(i64::from),
            Self::Date => Some(view.at(row).div_euclid(MICROS_PER_DAY)),
            Self::Attribute(Some(AttributeValues::Text(text))) => Some(text.codes[row])
                .filter(|&code| code != crate::record::MISSING_CODE)
                .map(i64::from),
            Self::Attribute(Some(values)) => number_at(values, row).map(|value| (value + 0.0).to_bits() as i64),
            _ => None,
        }
    }
}

/// A number or bool of an attribute; `None` where missing or text.
pub(crate) fn number_at(values: &AttributeValues, row: usize) -> Option<f64> {
    match values {
        AttributeValues::Number(numbers) => Some(numbers[row]).filter(|number| !number.is_nan()),
        AttributeValues::Bool(bools) => Some(bools[row]).filter(|&bool| bool < 2).map(f64::from),
        AttributeValues::Text(_) => None,
    }
}

/// A condition with its columns looked up.
pub(crate) enum Test<'a> {
    Payment(fn(PaymentState) -> bool),
    Open,
    Responded,
    Urgent,
    /// Whether each code is wanted.
    Kind(Vec<bool>, bool),
    Text(Option<&'a AttributeValues>, Vec<bool>),
    Range(RowMeasure<'a>, f64, f64),
    Is(Option<&'a AttributeValues>, bool),
}

impl Test<'_> {
    pub(crate) fn holds(&self, view: &StreamView<'_>, row: usize) -> bool {
        match self {
            Self::Payment(wanted) => wanted(view.payment_state(row)),
            Self::Open => view.resolved_at(row).is_none(),
            Self::Responded => view.first_response_at(row).is_some(),
            Self::Urgent => view.priority(row).is_some_and(|priority| priority >= Priority::High),
            Self::Kind(wanted, has_kinds) => {
                *has_kinds
                    && view
                        .kind(row)
                        .is_some_and(|code| wanted.get(code as usize).copied().unwrap_or(false))
            }
            Self::Text(Some(AttributeValues::Text(text)), wanted) => {
                wanted.get(text.codes[row] as usize).copied().unwrap_or(false)
            }
            Self::Text(..) => false,
            Self::Range(measure, low, high) => {
                let value = match measure.divisor() {
                    Some(divisor) => measure.integer(view, row).map(|value| value as f64 / divisor),
                    None => measure.float(view, row),
                };
                value.is_some_and(|value| *low <= value && value <= *high)
            }
            Self::Is(values, wanted) => {
                values.and_then(|values| number_at(values, row)) == Some(f64::from(u8::from(*wanted)))
            }
        }
    }
}

impl<'a> Program<'a> {
    /// Compiles a plan. A table that the plan needs and the records lack is `feature_mismatch`, as is a column of
    /// another kind than the plan was resolved with; an absent attribute column reads as missing.
    pub(crate) fn compile(plan: &'a ResolvedPlan, records: &'a TenantRecords) -> Result<Self> {
        plan.require_tables(records, ErrorKind::FeatureMismatch)?;
        let mut program = Self {
            customers: vec![],
            streams: vec![],
        };
        // The declarations of each series, side by side with the compiled ones, to find those that are shared.
        let mut declared: Vec<Vec<(&Feature, Vec<&Measure>)>> = vec![];
        for (column, (feature, &kind)) in plan.features().iter().zip(plan.kinds()).enumerate() {
            if feature.source == RecordKind::Customers {
                program.customers.push(CustomerOutput {
                    column,
                    measure: customer_measure(feature, kind, records)?,
                });
                continue;
            }
            let stream = match program
                .streams
                .iter()
                .position(|stream| stream.source == feature.source)
            {
                Some(stream) => stream,
                None => {
                    program.streams.push(StreamProgram {
                        source: feature.source,
                        series: vec![],
                    });
                    declared.push(vec![]);
                    program.streams.len() - 1
                }
            };
            let (series_list, declared) = (&mut program.streams[stream].series, &mut declared[stream]);
            let series = match declared
                .iter()
                .position(|(other, _)| other.axis == feature.axis && other.filter == feature.filter)
            {
                Some(series) => series,
                None => {
                    series_list.push(Series {
                        axis: feature.axis,
                        filter: tests(&feature.filter, feature, records)?,
                        groups: vec![],
                    });
                    declared.push((feature, vec![]));
                    declared.len() - 1
                }
            };
            let (groups, measures) = (&mut series_list[series].groups, &mut declared[series].1);
            let group = match measures.iter().position(|&measure| *measure == feature.measure) {
                Some(group) => group,
                None => {
                    groups.push(Group {
                        measure: row_measure(feature, records)?,
                        outputs: vec![],
                    });
                    measures.push(&feature.measure);
                    groups.len() - 1
                }
            };
            let further = match &feature.function {
                Function::Share(conditions) | Function::Streak(conditions) => tests(conditions, feature, records)?,
                _ => vec![],
            };
            groups[group].outputs.push(Output {
                column,
                function: &feature.function,
                tests: further,
                window: feature.window.map(|window| window.as_days()),
            });
        }
        Ok(program)
    }
}

fn mismatch(feature: &Feature, column: &str, wanted: &str) -> Error {
    let message = format!(
        "feature '{}' wants column '{column}' of {} to hold {wanted}",
        feature.name, feature.source
    );
    Error::new(ErrorKind::FeatureMismatch, message).at(Some(feature.source), None, Some(column))
}

fn attribute_of<'a>(feature: &Feature, column: &str, records: &'a TenantRecords) -> Option<&'a Attribute> {
    match feature.source {
        RecordKind::Customers => records.customers.attribute(column),
        kind => records.events(kind).and_then(|events| events.attribute(column)),
    }
}

/// An attribute that holds nothing but missing values fits any kind.
fn values_of<'a>(
    feature: &Feature,
    column: &str,
    text: bool,
    records: &'a TenantRecords,
) -> Result<Option<&'a AttributeValues>> {
    let Some(attribute) = attribute_of(feature, column, records) else {
        return Ok(None);
    };
    let (is_text, empty) = match &attribute.values {
        AttributeValues::Text(values) => (true, values.levels.len() == 0),
        AttributeValues::Number(values) => (false, values.iter().all(|value| value.is_nan())),
        AttributeValues::Bool(values) => (false, values.iter().all(|&value| value > 1)),
    };
    if is_text == text {
        Ok(Some(&attribute.values))
    } else if empty {
        Ok(None)
    } else {
        Err(mismatch(feature, column, if text { "text" } else { "numbers" }))
    }
}

fn customer_measure<'a>(
    feature: &Feature,
    kind: FeatureKind,
    records: &'a TenantRecords,
) -> Result<CustomerMeasure<'a>> {
    Ok(match &feature.measure {
        Measure::Attribute(column) => {
            let values = values_of(feature, column, kind == FeatureKind::Text, records)?;
            match (kind, feature.window) {
                (FeatureKind::Text, _) => CustomerMeasure::Text(values),
                (FeatureKind::Number, Some(window)) => {
                    CustomerMeasure::Change(values, i64::from(window.as_days()) * MICROS_PER_DAY)
                }
                (FeatureKind::Number, None) => CustomerMeasure::Number(values),
            }
        }
        Measure::DaysToRenewal => CustomerMeasure::DaysToRenewal,
        Measure::DaysSinceChange => CustomerMeasure::DaysSinceChange,
        _ => CustomerMeasure::TenureDays,
    })
}

fn row_measure<'a>(feature: &Feature, records: &'a TenantRecords) -> Result<RowMeasure<'a>> {
    Ok(match &feature.measure {
        Measure::Amount => RowMeasure::Amount {
            scale: records.currency.scale(),
        },
        Measure::LateDays => RowMeasure::LateDays,
        Measure::ResolutionHours => RowMeasure::ResolutionHours,
        Measure::FirstResponseHours => RowMeasure::FirstResponseHours,
        Measure::Satisfaction => RowMeasure::Satisfaction,
        Measure::Quantity => RowMeasure::Quantity,
        Measure::Kind => RowMeasure::Kind,
        Measure::Date => RowMeasure::Date,
        Measure::GapDays => RowMeasure::GapDays,
        Measure::Attribute(column) => match feature.function {
            Function::Distinct => {
                RowMeasure::Attribute(attribute_of(feature, column, records).map(|attribute| &attribute.values))
            }
            _ => RowMeasure::Attribute(values_of(feature, column, false, records)?),
        },
        _ => RowMeasure::One,
    })
}

fn tests<'a>(conditions: &[Condition], feature: &Feature, records: &'a TenantRecords) -> Result<Vec<Test<'a>>> {
    let one = |condition: &Condition| -> Result<Test<'a>> {
        let number = |column: &str| -> Result<RowMeasure<'a>> {
            Ok(match (feature.source, column) {
                (RecordKind::Payments, "amount") => RowMeasure::Amount {
                    scale: records.currency.scale(),
                },
                (RecordKind::Activities, "quantity") => RowMeasure::Quantity,
                (RecordKind::Tickets, "satisfaction") => RowMeasure::Satisfaction,
                _ => RowMeasure::Attribute(values_of(feature, column, false, records)?),
            })
        };
        Ok(match condition {
            Condition::Paid => Test::Payment(|state| matches!(state, PaymentState::Paid | PaymentState::Refunded)),
            Condition::Failed => Test::Payment(|state| state == PaymentState::Failed),
            Condition::Pending => Test::Payment(|state| state == PaymentState::Pending),
            Condition::Settled => Test::Payment(|state| state != PaymentState::Pending),
            Condition::Unpaid => Test::Payment(|state| matches!(state, PaymentState::Pending | PaymentState::Failed)),
            Condition::Open => Test::Open,
            Condition::Responded => Test::Responded,
            Condition::Urgent => Test::Urgent,
            Condition::OneOf { column, values } => {
                let wanted = |text: &crate::record::TextColumn| {
                    text.levels
                        .iter()
                        .map(|level| values.iter().any(|value| value == level))
                        .collect::<Vec<bool>>()
                };
                if feature.source == RecordKind::Activities && column == "kind" {
                    let kinds = records
                        .activities
                        .as_ref()
                        .and_then(|activities| activities.kind.as_ref());
                    Test::Kind(kinds.map(wanted).unwrap_or_default(), kinds.is_some())
                } else {
                    let found = values_of(feature, column, true, records)?;
                    let codes = match found {
                        Some(AttributeValues::Text(text)) => wanted(text),
                        _ => vec![],
                    };
                    Test::Text(found, codes)
                }
            }
            Condition::AtLeast { column, value } => Test::Range(number(column)?, *value, f64::INFINITY),
            Condition::AtMost { column, value } => Test::Range(number(column)?, f64::NEG_INFINITY, *value),
            Condition::Is { column, value } => Test::Is(values_of(feature, column, false, records)?, *value),
        })
    };
    conditions.iter().map(one).collect()
}
