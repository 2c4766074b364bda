//! The model card: what a model predicts, what it was trained on and how well it performs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::evaluate::{Measures, PurgeProof};
use crate::features::ChurnDefinition;
use crate::leakage::LeakageFinding;
use crate::metrics::Estimate;
use crate::model::bands::{BandCalibration, RiskBands};
use crate::model::churn_model::ChurnModel;
use crate::model::monotone::Monotonicity;
use crate::model::report::{ChurnRateAt, DroppedMember, MemberReport, OutOfTime};
use crate::model::warning::Warning;
use crate::time::{AsOf, Timestamp};

/// A model card (after Mitchell et al., "Model cards for model reporting", 2019).
///
/// The card is computed from the model file alone, so equal files give byte-identical cards.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ModelCard {
    /// The id of the model. It is computed from the content of the model file.
    pub model_id: String,
    /// The tenant whose records the model may score; `None` if the model may score any tenant.
    pub tenant: Option<String>,
    /// The churn definition: what the model predicts.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub definition: ChurnDefinition,
    /// The observed history (the period that the training records cover) and the training dates.
    pub data: CardData,
    /// Counts of the eligible customers at the training dates.
    pub population: CardPopulation,
    /// The features that the model uses.
    pub features: CardFeatures,
    /// The metrics of the model.
    pub metrics: CardMetrics,
    /// The calibration method, and how well calibrated each risk band is.
    pub calibration: CardCalibration,
    /// The members (base learners) of the ensemble, with their weights.
    pub members: Vec<MemberReport>,
    /// Members that were requested but are not part of the ensemble, with the reason.
    pub dropped_members: Vec<DroppedMember>,
    /// The monotonic constraints. Each constraint is a feature name and the direction in which the probability may
    /// change as the feature grows.
    pub monotone_constraints: Vec<(String, Monotonicity)>,
    /// Columns that appear to leak the target but were used. A column leaks the target if it contains information that
    /// is not available at prediction time. Each listed column was used because the caller allowed it, or because its
    /// leak is reported only as a warning.
    pub leaks: Vec<LeakageFinding>,
    /// Warnings about the training dates, the churn definition or the metrics. Each warning says what to do about the
    /// problem.
    pub warnings: Vec<Warning>,
}

/// The observed history (the period that the training records cover) and the training dates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CardData {
    /// The start of the period that the training records cover.
    pub observed_from: Option<Timestamp>,
    /// The end of the period that the training records cover.
    pub observed_until: Option<Timestamp>,
    /// The training dates of the final model. If the model was trained on spans of days instead of single dates, the list
    /// contains the last day of each span.
    pub training_dates: Vec<AsOf>,
    /// Lengths, in days, of the feature windows that are truncated at one or more training dates. A feature with a
    /// window uses only the records of the days in this window, which ends at the training date. A window is truncated
    /// if it begins before the observed history.
    pub truncated_windows: Vec<u32>,
}

/// Counts of the eligible customers at the training dates. A customer-date pair is a customer at one training date.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CardPopulation {
    /// Number of customer-date pairs.
    pub rows: usize,
    /// Number of customer-date pairs in which the customer churned.
    pub churned: usize,
    /// Share of customer-date pairs in which the customer churned.
    pub churn_rate: f64,
    /// The churn rate at each training date.
    pub dates: Vec<ChurnRateAt>,
    /// Number of customer-date pairs that were excluded, over all training and test dates. A pair is excluded if the
    /// customer churned between the date and the start of the label period. A pair is also excluded if the customer had
    /// churned before the date, but the churn was not known yet at the date.
    pub excluded: usize,
    /// Number of customer-date pairs, over all training and test dates, that were not used because there were more than
    /// `max_rows` pairs.
    pub subsampled: usize,
}

/// The features that a model uses.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CardFeatures {
    /// Number of features.
    pub count: usize,
    /// The fingerprint of the feature plan: a hash of the content of the plan.
    pub plan_fingerprint: String,
    /// Names of the features, in the order of the feature plan.
    pub names: Vec<String>,
}

/// The metrics of the model, with confidence intervals.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CardMetrics {
    /// The out-of-time test: a model is tested on dates that lie after the label periods of its training dates. `None`
    /// if the history is too short.
    pub out_of_time: Option<OutOfTime>,
    /// Why there is no out-of-time test; `None` if there is one.
    pub out_of_time_reason: Option<String>,
    /// Cross-validated metrics at the training dates: each prediction comes from a model that was not fitted on the
    /// customer's rows (out-of-fold).
    pub cross_validated: Measures,
}

/// The calibration method, and how well calibrated each risk band is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CardCalibration {
    /// The calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`.
    pub method: String,
    /// The lowest probability of each risk band above `low`.
    pub risk_bands: RiskBands,
    /// Mean predicted probability and observed churn rate in each risk band. Each prediction comes from a model that
    /// was not fitted on the customer's rows (out-of-fold).
    pub bands: Vec<BandCalibration>,
}

impl ChurnModel {
    /// Returns the model card of this model.
    pub fn card(&self) -> ModelCard {
        let report = self.report();
        ModelCard {
            model_id: self.id().to_owned(),
            tenant: self.tenant().map(ToString::to_string),
            definition: self.definition().clone(),
            data: CardData {
                observed_from: report.observed_from,
                observed_until: report.observed_until,
                training_dates: report.training_dates.clone(),
                truncated_windows: report.truncated_windows.clone(),
            },
            population: CardPopulation {
                rows: report.rows,
                churned: report.churned,
                churn_rate: report.churned as f64 / report.rows.max(1) as f64,
                dates: report.dates.clone(),
                excluded: report.excluded,
                subsampled: report.subsampled,
            },
            features: CardFeatures {
                count: self.feature_names().len(),
                plan_fingerprint: self.plan().fingerprint().to_owned(),
                names: self.feature_names().to_vec(),
            },
            metrics: CardMetrics {
                out_of_time: report.out_of_time.clone(),
                out_of_time_reason: report.out_of_time_reason.clone(),
                cross_validated: report.cross_validated.clone(),
            },
            calibration: CardCalibration {
                method: report.calibration.clone(),
                risk_bands: self.risk_bands(),
                bands: report.bands.clone(),
            },
            members: report.members.clone(),
            dropped_members: report.dropped_members.clone(),
            monotone_constraints: report.monotone_constraints.clone(),
            leaks: report.leaks.clone(),
            warnings: report.warnings.clone(),
        }
    }
}

impl ModelCard {
    /// Returns the card as indented JSON. The keys have the order of the struct's fields.
    ///
    /// # Errors
    /// `internal` if the card cannot be serialised, which is a bug in this library.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map_err(|e| Error::new(ErrorKind::Internal, "the model card cannot be written").caused_by(e))
    }

    /// Returns the card as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        // The result is ignored, because writing to a `String` cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "# Model card {}\n", self.model_id)?;
        writeln!(out, "- predicts: {}", in_words(&self.definition))?;
        writeln!(
            out,
            "- tenant: {}",
            self.tenant.as_deref().map_or("any".to_owned(), code)
        )?;
        let known = |at: Option<Timestamp>| at.map_or("unknown".to_owned(), |at| at.to_string());
        let (from, until) = (known(self.data.observed_from), known(self.data.observed_until));
        writeln!(out, "- data: {from} to {until}")?;
        writeln!(out, "- training dates: {}", listed(&self.data.training_dates))?;
        if !self.data.truncated_windows.is_empty() {
            let windows = listed(&self.data.truncated_windows);
            writeln!(
                out,
                "- windows that reach before the history begins, in days: {windows}"
            )?;
        }
        for warning in &self.warnings {
            writeln!(out, "- warning, {}: {}", warning.code.as_str(), plain(&warning.message))?;
        }
        let people = &self.population;
        writeln!(
            out,
            "- population: {} customer-date pairs, {} churned ({:.2} %), {} excluded, {} subsampled",
            people.rows,
            people.churned,
            100.0 * people.churn_rate,
            people.excluded,
            people.subsampled
        )?;
        writeln!(
            out,
            "- features: {}, plan {}",
            self.features.count, self.features.plan_fingerprint
        )?;

        if !people.dates.is_empty() {
            writeln!(
                out,
                "\n## Churn rate at the training dates\n\n| date | customers | churned | rate | predicted, out of fold |\n|---|---|---|---|---|"
            )?;
        }
        for date in &people.dates {
            writeln!(
                out,
                "| {} | {} | {} | {:.4} | {:.4} |",
                date.first
                    .map_or(date.as_of.to_string(), |first| format!("{first} to {}", date.as_of)),
                date.rows,
                date.churned,
                date.churn_rate,
                date.mean_probability
            )?;
        }

        match (&self.metrics.out_of_time, &self.metrics.out_of_time_reason) {
            (Some(test), _) => {
                match test.test_dates.first().filter(|first| **first < test.test_date) {
                    Some(first) => writeln!(
                        out,
                        "\n## Out of time, at {} to {}\n\nEach customer is tested on one of {} days.\n",
                        first,
                        test.test_date,
                        test.test_dates.len()
                    )?,
                    None => writeln!(out, "\n## Out of time, at {}\n", test.test_date)?,
                }
                writeln!(
                    out,
                    "Trained on {}. {}\n",
                    listed(&test.training_dates),
                    proven(&test.proof)
                )?;
                measures(out, &test.measures)?;
                if let Some(drifted) = test.base_rate_drifted() {
                    let drift = match drifted {
                        true => "The churn rate has drifted from what the features explain",
                        false => "There is no sign that the churn rate has drifted from what the features explain",
                    };
                    writeln!(out, "\n{drift} (base-rate shift, 90 % interval).")?;
                }
            }
            (None, reason) => {
                let reason = reason.as_deref().unwrap_or("not known");
                writeln!(out, "\n## Out of time\n\nNot tested: {reason}.")?;
            }
        }
        writeln!(out, "\n## Cross-validated (out-of-fold), at the training dates\n")?;
        measures(out, &self.metrics.cross_validated)?;

        writeln!(
            out,
            "\n## Calibration\n\nMethod: {}. Out-of-fold predictions, by risk band:\n",
            self.calibration.method
        )?;
        writeln!(
            out,
            "| band | from | rows | churned | predicted | observed |\n|---|---|---|---|---|---|"
        )?;
        for band in &self.calibration.bands {
            let rate = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.4}"));
            writeln!(
                out,
                "| {} | {:.4} | {} | {} | {} | {} |",
                band.band,
                band.from,
                band.rows,
                band.churned,
                rate(band.mean_probability),
                rate(band.churn_rate)
            )?;
        }

        writeln!(
            out,
            "\n## Members\n\n| member | weight | log-loss, out of fold |\n|---|---|---|"
        )?;
        for member in &self.members {
            writeln!(
                out,
                "| {} | {:.4} | {:.5} |",
                member.name, member.weight, member.log_loss
            )?;
        }

        for member in &self.dropped_members {
            writeln!(out, "\nDropped: {}, because {}.", member.name, plain(&member.reason))?;
        }
        for (feature, direction) in &self.monotone_constraints {
            let may = match direction {
                Monotonicity::Increasing => "rise",
                Monotonicity::Decreasing => "fall",
            };
            writeln!(out, "\nThe probability may only {may} with {}.", code(feature))?;
        }

        writeln!(out, "\n## Columns that appear to leak the target\n")?;
        if self.leaks.is_empty() {
            writeln!(out, "None found.")?;
        }
        for leak in &self.leaks {
            let action = serde_json::to_value(leak.action).ok();
            let action = action.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
            writeln!(
                out,
                "- {} ({}), {action}: {}",
                code(&leak.column),
                leak.leak.as_str(),
                leak.evidence
            )?;
        }
        writeln!(out, "\n## Features\n")?;
        for name in &self.features.names {
            writeln!(out, "- {}", code(name))?;
        }
        Ok(())
    }
}

/// Formats a name from the caller's data as Markdown inline code. Backticks and control characters in the name are
/// replaced, so that the name stays on one line and inside the code.
fn code(name: &str) -> String {
    format!("`{}`", plain(name))
}

fn plain(text: &str) -> String {
    let plain = text.chars().map(|c| if c == '`' || c.is_control() { '\'' } else { c });
    plain.collect()
}

fn listed<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn in_words(definition: &ChurnDefinition) -> String {
    let horizon = definition.horizon();
    let lead = match horizon.lead {
        0 => String::new(),
        lead => format!(", {lead} days ahead"),
    };
    match definition.observed_on() {
        None => format!("cancellation within {} days{lead}", horizon.days),
        Some(on) => format!(
            "no {on} within {} days{lead}, of customers with some in the {} days before",
            horizon.days,
            definition.active_days()
        ),
    }
}

fn proven(proof: &PurgeProof) -> String {
    let subsampled = match proof.purged_dates.len() {
        0 => String::new(),
        _ => format!("; purged: {}", listed(&proof.purged_dates)),
    };
    let holds = if proof.holds() { "by" } else { "AFTER" };
    format!(
        "The last training label ended at {}, {holds} the test date{subsampled}.",
        proof.last_label_end
    )
}

fn measures(out: &mut String, measures: &Measures) -> std::fmt::Result {
    writeln!(
        out,
        "{} rows, {} churned, {:.4} predicted on average.\n",
        measures.rows, measures.churned, measures.mean_probability
    )?;
    writeln!(out, "| figure | value | 90 % interval |\n|---|---|---|")?;
    let figures: [(&str, Option<Estimate>); 9] = [
        ("AUC", measures.roc_auc),
        ("PR-AUC", measures.pr_auc),
        ("log-loss", measures.log_loss),
        ("Brier", measures.brier),
        ("top-decile lift", measures.top_decile_lift),
        ("calibration error", measures.calibration_error),
        ("calibration slope", measures.calibration_slope),
        ("calibration intercept", measures.calibration_intercept),
        ("base-rate shift, log-odds", measures.base_rate_shift),
    ];
    for (name, estimate) in figures {
        match estimate {
            Some(Estimate { value, interval }) => {
                writeln!(
                    out,
                    "| {name} | {value:.4} | {:.4} to {:.4} |",
                    interval.low, interval.high
                )?;
            }
            None => writeln!(out, "| {name} | not defined | |")?,
        }
    }
    if let Some(chance) = measures.calibration_error_null_95 {
        writeln!(
            out,
            "| calibration error of a calibrated model, 95th percentile | {chance:.4} | |"
        )?;
    }
    Ok(())
}
