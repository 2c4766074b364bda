//! Rolling-origin backtests. For each origin (test date), a model is trained only on labels that were complete by the
//! origin, and is tested at the origin.

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::evaluate::{DateSpan, choose_dates, purge};
use crate::features::{check, mature_until, require_end};
use crate::model::leaks::find_leaks;
use crate::model::options::TrainOptions;
use crate::model::report::OutOfTime;
use crate::model::sample::Sample;
use crate::model::train::{TestOptions, TestSpans, test_out_of_time, testable};
use crate::options::{Given, Options, builders, json_methods};
use crate::record::TenantRecords;
use crate::time::AsOf;

/// Options of [`Backtest::run`]. In JSON, these options and the options of [`TrainOptions`] are keys of one object.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct BacktestOptions {
    /// How each model is trained. `train.as_of` lists the possible training dates. If it is `None`, training dates are
    /// chosen for each origin from the history before the origin.
    #[serde(flatten)]
    pub train: TrainOptions,
    /// The origins (test dates). Each origin must be mature, that is, its label period must end within the observed
    /// history.
    ///
    /// If `None`, the backtest uses three origins: the last mature date, and the dates that lie one and two label
    /// periods before it. A date is left out if the history before it is too short for training. Each test covers a
    /// span of days that is half a label period long and ends at the test date, and each customer is tested on one day
    /// of this span. If the history is too short for a test over a span, all customers are tested on the test date
    /// itself.
    pub origins: Option<Vec<AsOf>>,
    /// Minimum number of days between the end of the last training label period and each origin (test date). Default:
    /// 0.
    pub embargo_days: u32,
    /// Whether each customer is scored by a model that was not trained on any of that customer's rows. If true, five
    /// models are trained per origin (test date), and each model is tested on the customers whose rows were not used to
    /// train it. If false, which is the default, earlier rows of a tested customer may be in the training set.
    pub unseen_customers: bool,
}

builders!(BacktestOptions {
    with_train(train: TrainOptions),
    with_embargo_days(embargo_days: u32),
    with_unseen_customers(unseen_customers: bool),
});
json_methods!(BacktestOptions);

impl BacktestOptions {
    /// Sets [`origins`](Self::origins).
    #[must_use]
    pub fn with_origins(mut self, dates: impl IntoIterator<Item = impl Into<AsOf>>) -> Self {
        self.origins = Some(dates.into_iter().map(Into::into).collect());
        self
    }
}

impl Options for BacktestOptions {
    fn read(&mut self, given: &mut Given) -> Result<()> {
        self.train.read(given)?;
        if given.has("origins") {
            let mut dates = vec![];
            given.set_list("origins", &mut dates)?;
            self.origins = Some(dates);
        } else {
            given.take("origins");
        }
        given.set("embargo_days", &mut self.embargo_days)?;
        given.set("unseen_customers", &mut self.unseen_customers)
    }
}

/// The result of a backtest: one out-of-time test for each origin (test date).
///
/// ```no_run
/// # fn show(records: churn_core::TenantRecords) -> churn_core::Result<()> {
/// use churn_core::{Backtest, BacktestOptions, ChurnDefinition, TrainOptions};
///
/// let train = TrainOptions::default().with_definition(ChurnDefinition::cancellation(90));
/// let backtest = Backtest::run(&records, &BacktestOptions::default().with_train(train).with_embargo_days(7))?;
/// for fold in &backtest.folds {
///     assert!(fold.proof.holds());
///     println!("{} {:?}", fold.test_date, fold.measures.roc_auc);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Backtest {
    /// One out-of-time test per origin (test date), in chronological order. Each test contains evidence that no
    /// training label period overlaps the test period.
    pub folds: Vec<OutOfTime>,
}

impl Backtest {
    /// Trains and tests one model for each origin (test date).
    ///
    /// # Errors
    /// `nothing_after_purge` if, for one of the origins, the label periods of all training dates end too late; the
    /// errors of [`crate::ChurnModel::train`].
    pub fn run(records: &TenantRecords, options: &BacktestOptions) -> Result<Self> {
        let train = &options.train;
        check(records, &train.definition)?;
        require_end(records, &train.definition)?;
        let mut workers = train.execution.workers()?;
        let horizon = train.definition.horizon();
        let from = records.observed_from();
        let chosen_back_from = |origin: AsOf| {
            from.map_or(vec![], |from| {
                choose_dates(origin, from, horizon, train.definition.history_days())
            })
        };
        let mut origins: Vec<DateSpan> = match &options.origins {
            Some(origins) => origins.iter().copied().map(DateSpan::on).collect(),
            None => {
                let last = mature_until(records, &train.definition).ok_or_else(|| {
                    Error::new(
                        ErrorKind::ImmatureLabel,
                        "nothing was observed: give observed_until, or events",
                    )
                })?;
                let step = i64::from(horizon.days) + i64::from(horizon.lead);
                let days = (0..3).map(|k| last.timestamp().plus_days(-k * step)).map(AsOf::new);
                let mut origins: Vec<DateSpan> = days
                    .filter_map(|origin| {
                        let spans = chosen_back_from(origin);
                        testable(&spans, horizon, options.embargo_days).or_else(|| testable(&spans, horizon, 0))
                    })
                    .collect();
                if origins.is_empty() {
                    origins.push(DateSpan::on(last));
                }
                origins
            }
        };
        origins.sort_unstable();
        origins.dedup();
        let plan = train.plan.resolve(records)?;
        let mut folds = vec![];
        let share = 1.0 / origins.len().max(1) as f64;
        for (position, &origin) in origins.iter().enumerate() {
            let mut dates: Vec<DateSpan> = match &train.as_of {
                Some(dates) => dates.iter().copied().map(DateSpan::on).collect(),
                None => chosen_back_from(origin.last),
            };
            dates.retain(|span| span.last < origin.last);
            dates.sort_unstable();
            dates.dedup();
            dates.push(origin);
            // The purge drops dates whose label periods end after the origin. The `PurgeProof` lists these dates, but
            // their labels are not computed.
            let Some((mut labelled, _)) = purge(&dates, origin, horizon, options.embargo_days) else {
                let message = format!(
                    "no training date has a label period ({} days, lead {}) that ends {} days before the origin {} or earlier",
                    horizon.days,
                    horizon.lead,
                    options.embargo_days,
                    origin.first()
                );
                return Err(Error::new(ErrorKind::NothingAfterPurge, message));
            };
            labelled.push(origin);
            let start = share * position as f64;
            workers.part(start, start + 0.2 * share);
            let sample = Sample::draw(records, &labelled, &train.definition, &plan, train.row_cap(), &workers)?;
            find_leaks(records, &sample, &plan, train, &workers)?;
            folds.push(test_out_of_time(
                records,
                &sample,
                TestSpans {
                    drawn: &labelled,
                    all: &dates,
                },
                train,
                TestOptions {
                    embargo_days: options.embargo_days,
                    unseen_customers: options.unseen_customers,
                    keeps_predictions: true,
                },
                &mut workers,
                (start + 0.2 * share, start + share),
            )?);
        }
        Ok(Self { folds })
    }
}
