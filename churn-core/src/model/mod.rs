//! Options, models, score runs and reports: the types that users work with.

mod backtest;
mod bands;
mod bytes;
mod calendar;
mod card;
mod churn_model;
mod customer_rows;
mod evidence;
mod fit;
#[cfg(test)]
mod leak_tests;
mod leaks;
mod matrix_file;
mod members;
mod monotone;
mod options;
mod profile;
mod reason;
mod report;
mod report_text;
mod run_file;
mod run_reasons;
mod run_warnings;
mod sample;
mod score;
mod silence;
#[cfg(test)]
mod tests;
mod train;
mod train_warnings;
mod warning;

pub use backtest::{Backtest, BacktestOptions};
pub use bands::{BandCalibration, RiskBand, RiskBands};
pub use card::{CardCalibration, CardData, CardFeatures, CardMetrics, CardPopulation, ModelCard};
pub use churn_model::{ChurnModel, Explanation};
pub use customer_rows::CustomerRows;
pub(crate) use fit::{Scorer, fit};
pub use monotone::Monotonicity;
pub use options::{EnsembleOptions, TrainOptions};
pub(crate) use reason::top_reasons;
pub use reason::{Direction, Reason, ReasonValue};
pub use report::{ChurnRateAt, DroppedMember, MeasuresByActivity, MemberReport, OutOfTime, Prediction, TrainReport};
pub(crate) use sample::Examples;
pub use score::{CustomerScore, Outcome, Score, ScoreRun, ScoreStatus};
pub use warning::{Warning, WarningCode};
