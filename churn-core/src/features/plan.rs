//! Feature plans as data. A feature consists of a source table, a filter, the measure of each record, and an
//! aggregation function.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, RecordKind, Result, names};
use crate::features::standard;
use crate::options::{Given, Options, json_methods};
use crate::time::Window;

names! {
    /// The time axis: which time of a record decides whether a window contains the record.
    #[derive(Default)]
    #[non_exhaustive]
    pub enum Axis: "axis" {
        /// The event time: `due_at` of a payment, `opened_at` of a ticket, `at` of an activity.
        #[default]
        Event = "event",
        /// The refund time of a payment. Only refunded payments have it.
        RefundedAt = "refunded_at",
        /// The resolution time of a ticket. Only resolved tickets have it.
        ResolvedAt = "resolved_at",
        /// The time at which a ticket was reopened. Only reopened tickets have it.
        ReopenedAt = "reopened_at",
        /// The time at which the satisfaction with a ticket became visible. Only rated tickets have it.
        SatisfactionAt = "satisfaction_at",
    }
}

/// A condition on a record, evaluated as of `as_of`. A filter is a list of conditions that must all hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// A payment that is paid, whether or not it was refunded later.
    Paid,
    /// A payment that failed.
    Failed,
    /// A payment that is not settled.
    Pending,
    /// A payment that is settled: paid or failed.
    Settled,
    /// A payment that is pending or failed.
    Unpaid,
    /// A ticket that is not resolved.
    Open,
    /// A ticket with a first response.
    Responded,
    /// A ticket of priority high or urgent.
    Urgent,
    /// The text attribute (or `kind`, `method`, `category`, `channel`) is one of the given texts.
    OneOf {
        /// The column.
        column: String,
        /// The accepted texts.
        values: Vec<String>,
    },
    /// The number attribute (or `amount` in major units, `quantity`, `satisfaction`) is at least the given value.
    AtLeast {
        /// The column.
        column: String,
        /// The smallest accepted value.
        value: f64,
    },
    /// The number attribute (or `amount` in major units, `quantity`, `satisfaction`) is at most the given value.
    AtMost {
        /// The column.
        column: String,
        /// The largest accepted value.
        value: f64,
    },
    /// The bool attribute has the given value.
    Is {
        /// The column.
        column: String,
        /// The required value.
        value: bool,
    },
}

/// The measure: the value that is read from each record. Records that lack this value are skipped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// 1 per record, for counting.
    #[default]
    #[serde(rename = "one", alias = "count")]
    Count,
    /// The amount of a payment, in major units.
    Amount,
    /// The number of days between the due date and the settlement of a payment; 0 if it was settled early.
    LateDays,
    /// Hours from the opening of a ticket to its resolution.
    ResolutionHours,
    /// Hours from the opening of a ticket to the first response.
    FirstResponseHours,
    /// The satisfaction with a ticket, 1 to 5.
    Satisfaction,
    /// The quantity of an activity.
    Quantity,
    /// The kind of an activity; only for counting distinct kinds.
    Kind,
    /// The UTC date of the record; only for counting distinct dates.
    Date,
    /// Days between a record and the previous one.
    GapDays,
    /// An attribute of the record. For customers, an attribute of the visible version.
    Attribute(String),
    /// Customers: days since the current spell began.
    TenureDays,
    /// Customers: days until the contract renews.
    DaysToRenewal,
    /// Customers: days since the `valid_from` of the visible version.
    DaysSinceChange,
    /// Customers: number of spells before the current one.
    EarlierSpells,
    /// Customers: days since the latest end of an earlier spell; NaN if there is none.
    DaysSinceLastEnd,
    /// Customers: days since the first spell began.
    DaysSinceFirstSignUp,
}

/// The aggregation of the measures in the window. "Last" is the latest record on the time axis; among records at the
/// same time, it is the last in input order (by default). [`Measure::Count`] is valid only with counts, shares, streaks
/// and days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Function {
    /// The sum; for [`Measure::Count`], the number of records. It is 0 if there are no records.
    Sum,
    /// The arithmetic mean. This function and those below give NaN if there are no records, unless stated otherwise.
    Mean,
    /// The maximum.
    Max,
    /// The minimum.
    Min,
    /// The sample standard deviation; NaN if there are fewer than two records.
    Std,
    /// The last value.
    Last,
    /// The number of distinct values; 0 if there are no records.
    Distinct,
    /// The sum in the window minus the sum in the preceding window of the same length. For an attribute of customers:
    /// the current value minus the value at the start of the window.
    Change,
    /// The sum in the window, divided by the sum that the earlier history predicts for it. The predicted sum is the sum
    /// before the window, times the length of the window, divided by the time from the first record to the start of the
    /// window. NaN if that time is shorter than the window.
    #[serde(rename = "versus_usual", alias = "ratio_to_baseline")]
    RatioToBaseline,
    /// The share of records that also meet these conditions.
    Share(Vec<Condition>),
    /// The number of consecutive records at the end of the window that meet these conditions.
    Streak(Vec<Condition>),
    /// Days from the last record to `as_of`.
    DaysSinceLast,
    /// Days from the first record to `as_of`.
    DaysSinceFirst,
    /// Days from the last record to `as_of`, divided by the mean gap between records in days.
    RecencyRatio,
    /// The value itself, for features of customers.
    Value,
    // Model files store the position of a variant, so new variants are appended.
    /// The number of times that another record was due on a day before the day of `as_of`. The due days follow from the
    /// typical gap between days with records, which is the median of the latest 12 gaps. It is counted in calendar
    /// months if the records keep to a day of the month. NaN if fewer than two days have records.
    PeriodsMissed,
}

impl Function {
    /// The conditions of a share or streak.
    pub(crate) fn conditions(&self) -> &[Condition] {
        match self {
            Self::Share(conditions) | Self::Streak(conditions) => conditions,
            _ => &[],
        }
    }
}

/// A declared feature.
///
/// ```
/// use churn_core::{Condition, Feature, FeaturePlan, Function, Measure, RecordKind};
///
/// let cards = Feature::new("payments_card_sum_91d", RecordKind::Payments)
///     .filter([Condition::Paid, Condition::OneOf { column: "method".into(), values: vec!["card".into()] }])
///     .measure(Measure::Amount)
///     .function(Function::Sum)
///     .window(91);
/// let plan = FeaturePlan::default().with(cards);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Feature {
    /// The name of the column, unique in the plan.
    pub name: String,
    /// The source table.
    pub source: RecordKind,
    /// The filter: a list of conditions that must all hold.
    pub filter: Vec<Condition>,
    /// The time axis that places records in windows.
    pub axis: Axis,
    /// The measure of each record.
    pub measure: Measure,
    /// The aggregation function.
    pub function: Function,
    /// The length of the window before `as_of` in days, at least 1; `None` for the whole history.
    pub window: Option<u32>,
}

impl Feature {
    /// Creates a feature that counts all records of a table over the whole history. For customers, the feature is their
    /// tenure.
    pub fn new(name: impl Into<String>, source: RecordKind) -> Self {
        let (measure, function) = match source {
            RecordKind::Customers => (Measure::TenureDays, Function::Value),
            _ => (Measure::Count, Function::Sum),
        };
        Self {
            name: name.into(),
            source,
            filter: vec![],
            axis: Axis::Event,
            measure,
            function,
            window: None,
        }
    }

    /// Sets the filter, replacing an earlier one.
    #[must_use]
    pub fn filter(mut self, conditions: impl IntoIterator<Item = Condition>) -> Self {
        self.filter = conditions.into_iter().collect();
        self
    }

    /// Sets the time axis.
    #[must_use]
    pub fn axis(mut self, axis: Axis) -> Self {
        self.axis = axis;
        self
    }

    /// Sets the measure.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }

    /// Sets the aggregation function.
    #[must_use]
    pub fn function(mut self, function: Function) -> Self {
        self.function = function;
        self
    }

    /// Sets the window to the last `days` days.
    #[must_use]
    pub fn window(mut self, days: u32) -> Self {
        self.window = Some(days);
        self
    }
}

/// A feature plan: the standard features over some windows, followed by features that the user declares.
///
/// The name of a standard feature consists of its table, its content and its window. For example,
/// `payments_paid_sum_91d` is the sum of paid amounts in the 91 days before `as_of`, and `customer_seats_change_28d` is
/// the change of the attribute `seats` in 28 days. The set of standard features depends on the tables and attributes of
/// the records; [`resolve`](Self::resolve) lists them.
///
/// ```
/// use churn_core::{FeaturePlan, Table, TenantRecords};
///
/// let customers = Table::from_json(br#"[{"customer_id": "C-1", "signed_up_at": "2024-01-01"}]"#)?;
/// let (records, _) = TenantRecords::builder("acme").customers(customers).payments(Table::new()).build()?;
/// let plan = FeaturePlan::standard(&[28])?.resolve(&records)?;
/// assert_eq!(plan.names()[..3], ["customer_tenure_days", "payments_count_28d", "payments_paid_count_28d"]);
/// let feature = &plan.features()[2];
/// println!("{feature:?}"); // its source, filter, measure, function and window
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeaturePlan {
    /// Windows of the standard features in days, ascending. If empty, there are no standard features.
    windows: Vec<Window>,
    /// The declared features, in order.
    #[serde(rename = "features", alias = "own")]
    own: Vec<Feature>,
}

impl Default for FeaturePlan {
    /// The standard features over 28, 91, 182 and 364 days.
    fn default() -> Self {
        Self {
            windows: [28, 91, 182, 364].into_iter().filter_map(Window::days).collect(),
            own: vec![],
        }
    }
}

impl FeaturePlan {
    /// A plan of the standard features over these windows, in days.
    ///
    /// # Errors
    /// `invalid_option` if there is no window, or if a window is 0.
    pub fn standard(windows: &[u32]) -> Result<Self> {
        let refuse = |why: &str| Error::new(ErrorKind::InvalidOption, why.to_owned()).at(None, None, Some("windows"));
        let mut windows = windows
            .iter()
            .map(|&days| Window::days(days).ok_or_else(|| refuse("a window must be at least 1 day")))
            .collect::<Result<Vec<_>>>()?;
        if windows.is_empty() {
            return Err(refuse("the standard plan needs at least one window"));
        }
        windows.sort_unstable();
        windows.dedup();
        Ok(Self { windows, own: vec![] })
    }

    /// A plan without standard features. Add features with [`with`](Self::with).
    pub fn empty() -> Self {
        Self {
            windows: vec![],
            own: vec![],
        }
    }

    /// Adds a declared feature after the standard ones. It is checked when the plan is used, or by
    /// [`validate`](Self::validate).
    #[must_use]
    pub fn with(mut self, feature: Feature) -> Self {
        self.own.push(feature);
        self
    }

    /// Checks the declared features without records: the parts of each feature must be compatible, and names must be
    /// unique.
    ///
    /// # Errors
    /// `invalid_option`, naming the feature.
    pub fn validate(&self) -> Result<()> {
        self.own.iter().try_for_each(Feature::validate)?;
        let mut names = HashSet::new();
        match self.own.iter().find(|feature| !names.insert(feature.name.as_str())) {
            Some(twice) => Err(taken(&twice.name)),
            None => Ok(()),
        }
    }

    /// Windows of the standard features in days, ascending.
    pub fn windows(&self) -> Vec<u32> {
        self.windows.iter().map(|window| window.as_days()).collect()
    }

    /// All features of the plan for records that have these tables and attributes.
    pub(crate) fn declare(&self, schema: &standard::Schema<'_>) -> Result<Vec<Feature>> {
        let mut features = if self.windows.is_empty() {
            vec![]
        } else {
            standard::features(&self.windows, schema)
        };
        features.extend(self.own.iter().cloned());
        let mut names = HashSet::new();
        match features.iter().find(|feature| !names.insert(feature.name.as_str())) {
            Some(twice) => Err(taken(&twice.name)),
            None => {
                // A plan may come from JSON, so it is validated here.
                features.iter().try_for_each(Feature::validate)?;
                Ok(features)
            }
        }
    }
}

json_methods!(FeaturePlan);

impl Options for FeaturePlan {
    /// Reads `windows` (in days) and `features` (a list of objects). Each replaces the corresponding part of the plan.
    fn read(&mut self, given: &mut Given) -> Result<()> {
        let mut windows = self.windows();
        let mut features: Option<Vec<Value>> = None;
        let replaced = given.has("windows");
        given.set_list("windows", &mut windows)?;
        given.set("features", &mut features)?;
        if let Some(features) = features {
            self.own = features.into_iter().map(feature_from_value).collect::<Result<_>>()?;
        }
        if replaced {
            // A plan may consist of declared features only, without windows.
            self.windows = match windows.is_empty() && !self.own.is_empty() {
                true => vec![],
                false => Self::standard(&windows)?.windows,
            };
        }
        self.validate()
    }
}

impl Feature {
    /// Reads a feature from the text of a JSON object. `name` and `source` are required; every other field defaults to
    /// its value in [`new`](Self::new). Example: `{"name": "card_sum_91d", "source": "payments", "filter": ["paid"],
    /// "measure": "amount", "window": 91}`.
    ///
    /// # Errors
    /// `invalid_option` for an unknown field, a value of the wrong type, or incompatible parts.
    pub fn from_json(json: &str) -> Result<Self> {
        let value = serde_json::from_str(json).map_err(|error| {
            let message = format!("the feature is not valid JSON: {error}");
            Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("features"))
        })?;
        let feature = feature_from_value(value)?;
        feature.validate()?;
        Ok(feature)
    }
}

fn feature_from_value(value: Value) -> Result<Feature> {
    let mut given = Given::new(Some("features"), value)?;
    let (mut name, mut source) = (None::<String>, None::<RecordKind>);
    given.set("name", &mut name)?;
    given.set("source", &mut source)?;
    let name = name.ok_or_else(|| given.wrong("name", "it is missing"))?;
    let source = source.ok_or_else(|| given.wrong("source", "it is missing"))?;
    let mut feature = Feature::new(name, source);
    given.set("filter", &mut feature.filter)?;
    given.set("axis", &mut feature.axis)?;
    given.set("measure", &mut feature.measure)?;
    given.set("function", &mut feature.function)?;
    given.set("window", &mut feature.window)?;
    given.finish()?;
    Ok(feature)
}

fn taken(name: &str) -> Error {
    Error::new(
        ErrorKind::InvalidOption,
        format!(
            "two features are named '{}': rename one, or the column it comes from",
            crate::error::excerpt(name)
        ),
    )
    .at(None, None, Some(name))
}
