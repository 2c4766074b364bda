//! Feature plans. A plan is plain data, which can be written as JSON. Each feature of a plan consists of a source
//! table, a filter, the measure of each record, and an aggregation function.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, RecordKind, Result, names};
use crate::features::standard;
use crate::options::{Given, Options, json_methods};
use crate::time::Window;

names! {
    /// The time axis of a feature. A record lies in a window if its time on this axis lies in the window.
    #[derive(Default)]
    #[non_exhaustive]
    pub enum Axis: "axis" {
        /// The event time: `due_at` of a payment, `opened_at` of a ticket or `at` of an activity.
        #[default]
        Event = "event",
        /// The refund time of a payment. Only refunded payments have this time.
        RefundedAt = "refunded_at",
        /// The resolution time of a ticket. Only resolved tickets have this time.
        ResolvedAt = "resolved_at",
        /// The time at which a ticket was reopened. Only reopened tickets have this time.
        ReopenedAt = "reopened_at",
        /// The time at which the satisfaction rating of a ticket became known. Only rated tickets have this time.
        SatisfactionAt = "satisfaction_at",
    }
}

/// A condition on a record. Whether the condition holds depends only on what was known at `as_of`. A filter is a list
/// of conditions that must all hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// A payment that is paid, whether or not it was refunded later.
    Paid,
    /// A payment that failed.
    Failed,
    /// A payment that is neither paid nor failed.
    Pending,
    /// A payment that is settled, which means that it is paid or failed.
    Settled,
    /// A payment that is pending or failed.
    Unpaid,
    /// A ticket that is not resolved.
    Open,
    /// A ticket with a first response.
    Responded,
    /// A ticket of priority high or urgent.
    Urgent,
    /// The text in `column` is one of `values`. The column is a text attribute, or `kind`, `method`, `category` or
    /// `channel`.
    OneOf {
        /// The name of the column.
        column: String,
        /// The accepted texts.
        values: Vec<String>,
    },
    /// The number in `column` is at least `value`. The column is a number attribute, or `amount` (in major units),
    /// `quantity` or `satisfaction`.
    AtLeast {
        /// The name of the column.
        column: String,
        /// The smallest accepted value.
        value: f64,
    },
    /// The number in `column` is at most `value`. The column is a number attribute, or `amount` (in major units),
    /// `quantity` or `satisfaction`.
    AtMost {
        /// The name of the column.
        column: String,
        /// The largest accepted value.
        value: f64,
    },
    /// The bool attribute `column` is equal to `value`.
    Is {
        /// The name of the column.
        column: String,
        /// The required value.
        value: bool,
    },
}

/// The measure of a feature: the value that the feature reads from each record. Records that lack this value are
/// skipped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// The value 1 for every record. This measure is used for counting records.
    #[default]
    #[serde(rename = "one", alias = "count")]
    Count,
    /// The amount of a payment, in major units.
    Amount,
    /// The number of days from the due date of a payment to its settlement. It is 0 if the payment was settled early.
    LateDays,
    /// The number of hours from the opening of a ticket to its resolution.
    ResolutionHours,
    /// The number of hours from the opening of a ticket to the first response.
    FirstResponseHours,
    /// The satisfaction rating of a ticket, from 1 to 5.
    Satisfaction,
    /// The quantity of an activity.
    Quantity,
    /// The kind of an activity. This measure can only be used with [`Function::Distinct`].
    Kind,
    /// The UTC date of the record. This measure can only be used with [`Function::Distinct`].
    Date,
    /// The number of days between a record and the customer's previous record that meets the filter.
    GapDays,
    /// An attribute of the record. In the customers table, the attribute is read from the row that is valid at `as_of`.
    Attribute(String),
    /// The number of days since the current spell (the current uninterrupted period as a customer) began. This measure
    /// can only be used with the customers table.
    TenureDays,
    /// The number of days until the contract renews. This measure can only be used with the customers table.
    DaysToRenewal,
    /// The number of days since the `valid_from` of the row that is valid at `as_of`. This measure can only be used
    /// with the customers table.
    DaysSinceChange,
    /// The number of spells (uninterrupted periods as a customer) before the current one. This measure can only be used
    /// with the customers table.
    EarlierSpells,
    /// The number of days since the latest end of an earlier spell (uninterrupted period as a customer); NaN if no
    /// earlier spell has ended. This measure can only be used with the customers table.
    DaysSinceLastEnd,
    /// The number of days since the first spell (uninterrupted period as a customer) began. This measure can only be
    /// used with the customers table.
    DaysSinceFirstSignUp,
}

/// The aggregation function, which combines the measures of the records in the window into one number. Records are
/// ordered by their time on the time axis. By default, records with the same time are in input order.
/// [`Measure::Count`] cannot be combined with `Mean`, `Max`, `Min`, `Std`, `Last`, `Distinct` or `Value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Function {
    /// The sum of the measures; 0 if there are no records. For [`Measure::Count`], the sum is the number of records.
    Sum,
    /// The arithmetic mean of the measures; NaN if there are no records.
    Mean,
    /// The largest measure; NaN if there are no records.
    Max,
    /// The smallest measure; NaN if there are no records.
    Min,
    /// The sample standard deviation of the measures; NaN if there are fewer than two records.
    Std,
    /// The measure of the last record; NaN if there are no records.
    Last,
    /// The number of distinct measures; 0 if there are no records.
    Distinct,
    /// The sum in the window minus the sum in the preceding window of the same length. For an attribute of customers,
    /// the result is the current value minus the value at the start of the window.
    Change,
    /// The sum in the window, divided by the sum that is expected from the history before the window. The expected sum
    /// is the average sum per day from the first record to the start of the window, times the length of the window in
    /// days. NaN if the time from the first record to the start of the window is shorter than the window.
    #[serde(rename = "versus_usual", alias = "ratio_to_baseline")]
    RatioToBaseline,
    /// Of the records in the window, the share that also meets these conditions; NaN if there are no records.
    Share(Vec<Condition>),
    /// The number of consecutive records that meet these conditions, counted backwards from the last record in the
    /// window; 0 if there are no records.
    Streak(Vec<Condition>),
    /// The number of days from the last record to `as_of`; NaN if there are no records.
    DaysSinceLast,
    /// The number of days from the first record to `as_of`; NaN if there are no records.
    DaysSinceFirst,
    /// The number of days from the last record to `as_of`, divided by the mean number of days between consecutive
    /// records. NaN if there are fewer than two records.
    RecencyRatio,
    /// The value of the measure, without aggregation. This function can only be used with the customers table.
    Value,
    // Model files store the position of a variant, so new variants must be added at the end.
    /// How many due days have passed before the day of `as_of`. A due day is a day on which the next records were
    /// expected. The first due day is one typical gap after the last day with records, and each further due day is one
    /// typical gap later. The typical gap is the median of the latest 12 gaps between days with records. This gap is
    /// counted in calendar months if the records occur on the same day of the month. NaN if fewer than two days have
    /// records.
    PeriodsMissed,
}

impl Function {
    /// The conditions of a `Share` or `Streak`; empty for other functions.
    pub(crate) fn conditions(&self) -> &[Condition] {
        match self {
            Self::Share(conditions) | Self::Streak(conditions) => conditions,
            _ => &[],
        }
    }
}

/// A feature that the user declares.
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
    /// The name of the feature. It must be unique in the plan.
    pub name: String,
    /// The source table.
    pub source: RecordKind,
    /// The filter: a list of conditions that must all hold.
    pub filter: Vec<Condition>,
    /// The time axis, which determines whether a record lies in the window.
    pub axis: Axis,
    /// The measure: the value that is read from each record.
    pub measure: Measure,
    /// The aggregation function.
    pub function: Function,
    /// The length of the window before `as_of` in days, at least 1. With `None`, the window is the whole history.
    pub window: Option<u32>,
}

impl Feature {
    /// Creates a feature that counts all records of a table over the whole history. If the table is the customers
    /// table, the feature is the tenure in days instead.
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

    /// Sets the filter, which is a list of conditions that must all hold. The new filter replaces a filter that was set
    /// before.
    #[must_use]
    pub fn filter(mut self, conditions: impl IntoIterator<Item = Condition>) -> Self {
        self.filter = conditions.into_iter().collect();
        self
    }

    /// Sets the time axis, which determines whether a record lies in the window.
    #[must_use]
    pub fn axis(mut self, axis: Axis) -> Self {
        self.axis = axis;
        self
    }

    /// Sets the measure, which is the value that the feature reads from each record.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }

    /// Sets the aggregation function, which combines the measures of the records into one number.
    #[must_use]
    pub fn function(mut self, function: Function) -> Self {
        self.function = function;
        self
    }

    /// Sets the length of the window before `as_of`, in days.
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
    /// The window lengths of the standard features in days, ascending. If the list is empty, there are no standard
    /// features.
    windows: Vec<Window>,
    /// The features that the user declares, in order.
    #[serde(rename = "features", alias = "own")]
    own: Vec<Feature>,
}

impl Default for FeaturePlan {
    /// The default plan: the standard features over 28, 91, 182 and 364 days.
    fn default() -> Self {
        Self {
            windows: [28, 91, 182, 364].into_iter().filter_map(Window::days).collect(),
            own: vec![],
        }
    }
}

impl FeaturePlan {
    /// Creates a plan that has the standard features over each of these windows. The lengths are in days.
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

    /// Creates a plan without standard features. Add features with [`with`](Self::with).
    pub fn empty() -> Self {
        Self {
            windows: vec![],
            own: vec![],
        }
    }

    /// Adds a declared feature after the standard features. The feature is checked when the plan is used. To check it
    /// earlier, call [`validate`](Self::validate).
    #[must_use]
    pub fn with(mut self, feature: Feature) -> Self {
        self.own.push(feature);
        self
    }

    /// Checks the declared features without records: the parts of each feature must be compatible, and names must be
    /// unique.
    ///
    /// # Errors
    /// `invalid_option` if a feature is not valid or if its name occurs twice. The error names the feature.
    pub fn validate(&self) -> Result<()> {
        self.own.iter().try_for_each(Feature::validate)?;
        let mut names = HashSet::new();
        match self.own.iter().find(|feature| !names.insert(feature.name.as_str())) {
            Some(twice) => Err(taken(&twice.name)),
            None => Ok(()),
        }
    }

    /// The window lengths of the standard features in days, ascending.
    pub fn windows(&self) -> Vec<u32> {
        self.windows.iter().map(|window| window.as_days()).collect()
    }

    /// Returns all features of the plan for records that have these tables and attributes.
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
    /// Reads the options `windows` (lengths in days) and `features` (a list of objects). Each option replaces the
    /// corresponding part of the plan.
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
    /// Reads a feature from the text of a JSON object. `name` and `source` are required. Any other field that is
    /// missing gets the value that [`new`](Self::new) sets. For example, this is the sum of paid amounts in 91 days:
    /// `{"name": "paid_sum_91d", "source": "payments", "filter": ["paid"], "measure": "amount", "window": 91}`.
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
