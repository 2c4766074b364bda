//! A feature plan is data: what to look at, which of it, what of it, and what to make of it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, RecordKind, Result};
use crate::features::standard;
use crate::options::{Given, Options, json_methods};
use crate::time::Window;

/// Which moment of a record places it in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Axis {
    /// The event time: `due_at`, `opened_at`, `at`.
    #[default]
    Event,
    /// When a payment was refunded. Only refunded ones have it.
    RefundedAt,
    /// When a ticket was resolved. Only resolved ones have it.
    ResolvedAt,
    /// When a ticket was reopened. Only reopened ones have it.
    ReopenedAt,
    /// When the satisfaction with a ticket became visible. Only rated ones have it.
    SatisfactionAt,
}

/// One condition on a record, as it is known at `as_of`. A filter is a list of them, all of which must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// A payment that is paid, refunded since or not.
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
    /// A ticket that was answered.
    Responded,
    /// A ticket of priority high or urgent.
    Urgent,
    /// A text attribute (or `kind`, `method`, `category`, `channel`) is one of these.
    OneOf {
        /// The column.
        column: String,
        /// The texts.
        values: Vec<String>,
    },
    /// A number attribute (or `amount` in major units, `quantity`, `satisfaction`) is at least this.
    AtLeast {
        /// The column.
        column: String,
        /// The least value.
        value: f64,
    },
    /// A number attribute (or `amount` in major units, `quantity`, `satisfaction`) is at most this.
    AtMost {
        /// The column.
        column: String,
        /// The greatest value.
        value: f64,
    },
    /// A bool attribute has this value.
    Is {
        /// The column.
        column: String,
        /// The value.
        value: bool,
    },
}

/// What is looked at in each record. Records that do not have it are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// The record itself: 1 each.
    #[default]
    #[serde(rename = "one", alias = "count")]
    Count,
    /// A payment's amount, in major units.
    Amount,
    /// How late a payment was settled, in days; early is 0.
    LateDays,
    /// Hours from a ticket's opening to its resolution.
    ResolutionHours,
    /// Hours from a ticket's opening to its first answer.
    FirstResponseHours,
    /// The satisfaction with a ticket, 1 to 5.
    Satisfaction,
    /// The quantity of an activity.
    Quantity,
    /// The kind of an activity; only to count distinct ones.
    Kind,
    /// The UTC date of the record; only to count distinct ones.
    Date,
    /// Days between a record and the one before it.
    GapDays,
    /// A column: an attribute of the record, or of the customer's visible version.
    Attribute(String),
    /// Customers: days since the current spell began.
    TenureDays,
    /// Customers: days until the contract renews.
    DaysToRenewal,
    /// Customers: days since the visible version came into force.
    DaysSinceChange,
    /// Customers: number of spells before the current one.
    EarlierSpells,
    /// Customers: days since the latest end of an earlier spell; NaN without one.
    DaysSinceLastEnd,
    /// Customers: days since the first spell began.
    DaysSinceFirstSignUp,
}

/// What is made of the measures in the window. "Last" is the latest on the axis, of equals the one given later.
/// [`Measure::Count`] goes with counts, shares, streaks and days only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Function {
    /// Their sum; of [`Measure::Count`], the count. 0 over no rows.
    Sum,
    /// Their arithmetic mean; NaN over no rows, as in all below unless said.
    Mean,
    /// The greatest.
    Max,
    /// The least.
    Min,
    /// The sample standard deviation; NaN below two.
    Std,
    /// The last.
    Last,
    /// How many different ones; 0 over no rows.
    Distinct,
    /// The sum in the window less the sum in the window of the same length before it. Of a customer's attribute:
    /// the value now less the value a window ago.
    Change,
    /// The sum in the window over what is usual in a window: the sum before it, times the window's length, over the
    /// time from the first record to the window's start. NaN if that time is shorter than the window.
    #[serde(rename = "versus_usual", alias = "ratio_to_baseline")]
    RatioToBaseline,
    /// The share of rows that meet these conditions too.
    Share(Vec<Condition>),
    /// How many rows at the end of the window meet these conditions in a row.
    Streak(Vec<Condition>),
    /// Days from the last row to `as_of`.
    DaysSinceLast,
    /// Days from the first row to `as_of`.
    DaysSinceFirst,
    /// Days from the last row to `as_of`, over the mean gap between rows in days.
    RecencyRatio,
    /// The value itself: for customers.
    Value,
    // Model files hold the position of a variant: new ones come last.
    /// How many times another row was due, by the usual gap between days with rows, on a day that is over by `as_of`: the
    /// median of the latest 12 gaps, in calendar months where the rows keep to a day of the month. NaN below two days.
    PeriodsMissed,
}

impl Function {
    /// Those of a share or streak.
    pub(crate) fn conditions(&self) -> &[Condition] {
        match self {
            Self::Share(conditions) | Self::Streak(conditions) => conditions,
            _ => &[],
        }
    }
}

/// One declared feature.
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
    /// The column's name; unique in a plan.
    pub name: String,
    /// The table it looks at.
    pub source: RecordKind,
    /// Which of its records; all conditions must hold.
    pub filter: Vec<Condition>,
    /// Which moment places a record in the window.
    pub axis: Axis,
    /// What is looked at in each.
    pub measure: Measure,
    /// What is made of it.
    pub function: Function,
    /// Days before `as_of`, at least one; `None` for the whole history.
    pub window: Option<u32>,
}

impl Feature {
    /// A feature that counts all records of a table over the whole history (for customers: their tenure).
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

    /// With these conditions instead of those before.
    #[must_use]
    pub fn filter(mut self, conditions: impl IntoIterator<Item = Condition>) -> Self {
        self.filter = conditions.into_iter().collect();
        self
    }

    /// Placed in the window by this moment.
    #[must_use]
    pub fn axis(mut self, axis: Axis) -> Self {
        self.axis = axis;
        self
    }

    /// Looking at this.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }

    /// Making this of it.
    #[must_use]
    pub fn function(mut self, function: Function) -> Self {
        self.function = function;
        self
    }

    /// Over the last `days` days instead of the whole history.
    #[must_use]
    pub fn window(mut self, days: u32) -> Self {
        self.window = Some(days);
        self
    }
}

/// The features to compute: the standard ones for some windows, and the user's own.
///
/// A standard feature is named by its table, what it says and its window: `payments_paid_sum_91d` is the sum of what was paid
/// in the 91 days before `as_of`, `customer_seats_change_28d` how much the attribute `seats` changed in 28 days. Which ones
/// there are depends on the tables and attributes that were given; [`resolve`](Self::resolve) lists them.
///
/// ```
/// use churn_core::{FeaturePlan, Table, TenantRecords};
///
/// let customers = Table::from_json(br#"[{"customer_id": "C-1", "signed_up_at": "2024-01-01"}]"#)?;
/// let (records, _) = TenantRecords::builder("acme").customers(customers).payments(Table::new()).build()?;
/// let plan = FeaturePlan::standard(&[28])?.resolve(&records)?;
/// assert_eq!(plan.names()[..3], ["customer_tenure_days", "payments_count_28d", "payments_paid_count_28d"]);
/// let feature = &plan.features()[2];
/// println!("{feature:?}"); // what it looks at, which of it, and what it makes of it
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeaturePlan {
    /// Windows of the standard features in days, ascending; none leaves the standard features out.
    windows: Vec<Window>,
    /// The caller's own features, in order.
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
    /// The standard features over these windows, in days.
    ///
    /// # Errors
    /// `invalid_option` if there is no window or one is zero.
    pub fn standard(windows: &[u32]) -> Result<Self> {
        let refuse = |why: &str| Error::new(ErrorKind::InvalidOption, why.to_owned()).at(None, None, Some("windows"));
        let mut windows = windows
            .iter()
            .map(|&days| Window::days(days).ok_or_else(|| refuse("a window of 0 days holds nothing")))
            .collect::<Result<Vec<_>>>()?;
        if windows.is_empty() {
            return Err(refuse("the standard plan needs at least one window"));
        }
        windows.sort_unstable();
        windows.dedup();
        Ok(Self { windows, own: vec![] })
    }

    /// Only the features added with [`with`](Self::with).
    pub fn empty() -> Self {
        Self {
            windows: vec![],
            own: vec![],
        }
    }

    /// Adds a feature of the caller's own behind the standard ones. It is checked where the plan is used, or by
    /// [`validate`](Self::validate).
    #[must_use]
    pub fn with(mut self, feature: Feature) -> Self {
        self.own.push(feature);
        self
    }

    /// Checks the caller's own features without records: that the parts of each fit together, and that names are unique.
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

    /// Windows of the standard features, in days, ascending.
    pub fn windows(&self) -> Vec<u32> {
        self.windows.iter().map(|window| window.as_days()).collect()
    }

    /// All features for records with these tables and attributes.
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
                // A plan may have come from JSON, so nothing is taken on trust.
                features.iter().try_for_each(Feature::validate)?;
                Ok(features)
            }
        }
    }
}

json_methods!(FeaturePlan);

impl Options for FeaturePlan {
    /// `windows` (days) and `features` (a list of objects); each replaces what the plan has of it.
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
            // A plan may consist of the caller's own features alone.
            self.windows = match windows.is_empty() && !self.own.is_empty() {
                true => vec![],
                false => Self::standard(&windows)?.windows,
            };
        }
        self.validate()
    }
}

impl Feature {
    /// Reads a feature from the text of a JSON object. `name` and `source` are required, every other field has the value of
    /// [`new`](Self::new) unless it is given: `{"name": "card_sum_91d", "source": "payments", "filter": ["paid"], "measure":
    /// "amount", "window": 91}`.
    ///
    /// # Errors
    /// `invalid_option` for an unknown field, a value of another type, and parts that do not fit together.
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
