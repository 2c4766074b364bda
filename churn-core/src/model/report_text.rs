//! The training report as text and HTML. The report contains verdicts in words, the metrics that support the verdicts,
//! the risk bands and the training dates.

use std::fmt::{self, Write as _};

use crate::evaluate::Measures;
use crate::model::bands::BandCalibration;
use crate::model::report::TrainReport;
use crate::model::warning::{Warning, WarningCode};
use crate::numeric::logit;

/// If the odds of two churn rates differ by less than this factor, the difference does not matter for decisions, even
/// if it is statistically significant.
const CLOSE_ODDS: f64 = 1.25;
/// A churn model rarely reaches this AUC unless a column leaks the target.
const TOO_GOOD: f64 = 0.95;

impl TrainReport {
    /// The main metrics of the model: the metrics of the out-of-time test if there is one, otherwise the
    /// cross-validated metrics.
    pub fn measures(&self) -> &Measures {
        self.out_of_time
            .as_ref()
            .map_or(&self.cross_validated, |test| &test.measures)
    }

    /// Whether the model ranks customers better than chance, that is, whether the interval of the AUC lies above 0.5.
    /// `None` if there is no AUC.
    pub fn ranks_better_than_chance(&self) -> Option<bool> {
        self.measures().roc_auc.map(|auc| auc.interval.low > 0.5)
    }

    /// Warnings that follow from the metrics of the model, such as predictions that are no better than chance.
    pub(crate) fn verdicts(&self) -> Vec<Warning> {
        let measures = self.measures();
        let tested = match &self.out_of_time {
            Some(_) => "on the test date",
            None => "in cross-validation",
        };
        let mut found = vec![];
        if let Some(reason) = &measures.not_measured_reason {
            let message = format!(
                "{tested} {reason}: ranking and calibration are not measured. Use more customers, more dates or a longer horizon"
            );
            found.push(Warning::new(WarningCode::TooFewOfAClass, message));
        }
        if let (Some(false), Some(auc)) = (self.ranks_better_than_chance(), measures.roc_auc) {
            let message = format!(
                "{tested} the model ranks customers no better than chance: AUC {}. Do not act on its order; look at the definition and at the records",
                auc
            );
            found.push(Warning::new(WarningCode::NoBetterThanChance, message));
        }
        if is_level_off(measures) == Some(true) {
            // If nearly every customer is ranked correctly, but the mean prediction is far from the churn rate, the
            // ranking may be wrong too.
            let advice = match measures
                .roc_auc
                .filter(|_| self.ranks_better_than_chance() == Some(true))
            {
                Some(auc) if auc.value >= TOO_GOOD => {
                    "the high AUC may be wrong too: look for leaks and missing rows of customers who left"
                }
                Some(_) => "treat probabilities as a ranking, and look at what changed since training",
                None => "look at what changed since training",
            };
            let message = format!(
                "{tested} {} was predicted and {} observed, more than chance explains: {advice}",
                percent(measures.mean_probability),
                percent(rate(measures))
            );
            found.push(Warning::new(WarningCode::LevelOff, message));
        }
        found
    }

    /// The report as an HTML fragment with verdicts, measures and warnings. The fragment contains no scripts or styles.
    pub fn to_html(&self) -> String {
        let mut out = String::from("<table><caption>Training report</caption><tbody>");
        for (name, text) in self.lines() {
            let _ = write!(
                out,
                "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
                escape(name),
                escape(&text)
            );
        }
        out.push_str("</tbody></table>");
        if !self.warnings.is_empty() {
            out.push_str("<ul>");
            for warning in &self.warnings {
                let _ = write!(
                    out,
                    "<li><strong>{}</strong>: {}</li>",
                    warning.code,
                    escape(&warning.message)
                );
            }
            out.push_str("</ul>");
        }
        out
    }

    /// The lines of the report. Each line consists of a topic and a text.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let measures = self.measures();
        let mut lines = vec![("trained on", self.trained_on())];
        lines.push(match (&self.out_of_time, &self.out_of_time_reason) {
            (Some(test), _) => (
                "tested",
                format!(
                    "out of time at {}, {} rows, {} churned ({}); the last training label ended at {}",
                    test.test_date,
                    measures.rows,
                    measures.churned,
                    percent(rate(measures)),
                    test.proof.last_label_end
                ),
            ),
            (None, reason) => (
                "tested",
                format!(
                    "by cross-validation only, {} rows, {} churned ({}); no out-of-time test: {}",
                    measures.rows,
                    measures.churned,
                    percent(rate(measures)),
                    reason.as_deref().unwrap_or("the reason is not recorded")
                ),
            ),
        });
        lines.push(("ranking", ranking(measures)));
        if let Some(split) = self.out_of_time.as_ref().and_then(|test| test.by_activity.as_ref()) {
            for (name, part) in [("active", &split.active), ("inactive", &split.inactive)] {
                let (rows, observed) = (part.rows, percent(rate(part)));
                lines.push((
                    name,
                    format!("{rows} rows, {observed} churned; ranking {}", ranking(part)),
                ));
            }
        }
        lines.push(("level", level(measures)));
        lines.push(("calibration", calibration(measures, &self.calibration)));
        let members: Vec<String> = (self.members.iter())
            .map(|member| format!("{} {:.2}", member.name, member.weight))
            .collect();
        for band in &self.bands {
            lines.push(("risk band", band_text(band)));
        }
        for at in &self.dates {
            let (rows, observed, predicted) = (at.rows, percent(at.churn_rate), percent(at.mean_probability));
            lines.push((
                "churn rate",
                format!("{}: {observed} of {rows} rows, {predicted} predicted", at.as_of),
            ));
        }
        lines.push(("members", members.join(", ")));
        for member in &self.dropped_members {
            lines.push(("dropped", format!("{}: {}", member.name, member.reason)));
        }
        if self.subsampled > 0 {
            lines.push((
                "subsampled",
                format!("{} customer-date pairs were not drawn (max_rows)", self.subsampled),
            ));
        }
        if self.excluded > 0 {
            lines.push((
                "excluded",
                format!(
                    "{} pairs that churned within the lead, or before the date without it being known",
                    self.excluded
                ),
            ));
        }
        if !self.truncated_windows.is_empty() {
            let windows: Vec<String> = self.truncated_windows.iter().map(ToString::to_string).collect();
            lines.push((
                "truncated",
                format!("windows of {} days reach before the history begins", windows.join(", ")),
            ));
        }
        for leak in &self.leaks {
            lines.push(("leakage", leak.to_string()));
        }
        lines
    }

    fn trained_on(&self) -> String {
        let share = percent(self.churned as f64 / self.rows.max(1) as f64);
        let dates = match self.training_dates.as_slice() {
            [] => String::new(),
            [date] => format!(" at {date}"),
            [first, .., last] => format!(" at {} dates from {first} to {last}", self.training_dates.len()),
        };
        format!(
            "{} customer-date pairs, {} churned ({share}){dates}",
            self.rows, self.churned
        )
    }
}

impl fmt::Display for TrainReport {
    /// Writes several lines: the training and test data, the verdicts with their metrics, the dropped members and the
    /// warnings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Training report")?;
        for (name, text) in self.lines() {
            write!(f, "\n  {name:<12} {text}")?;
        }
        for warning in &self.warnings {
            write!(f, "\n  {:<12} {warning}", "warning")?;
        }
        Ok(())
    }
}

fn band_text(band: &BandCalibration) -> String {
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), percent);
    format!(
        "{} from {:.3}: {} rows, {} predicted, {} observed",
        band.band,
        band.from,
        band.rows,
        share(band.mean_probability),
        share(band.churn_rate)
    )
}

fn ranking(measures: &Measures) -> String {
    match (measures.roc_auc, &measures.not_measured_reason) {
        (Some(auc), _) => {
            let verdict = match auc.interval.low > 0.5 {
                true => "better than chance",
                false => "no better than chance",
            };
            let lift = measures.top_decile_lift.map_or_else(String::new, |lift| {
                format!("; the riskiest tenth churns {} times as often as all", lift)
            });
            format!("{verdict}, AUC {}{lift}", auc)
        }
        (None, Some(reason)) => format!("not measured: {reason}"),
        (None, None) => "not measured: all rows have one label".to_owned(),
    }
}

fn level(measures: &Measures) -> String {
    let verdict = match is_level_off(measures) {
        Some(true) => "off",
        Some(false) => "right within chance",
        None => "not measured",
    };
    format!(
        "{verdict}: {} predicted on average, {} observed",
        percent(measures.mean_probability),
        percent(rate(measures))
    )
}

/// Whether two conditions hold: the confidence interval of the base-rate shift excludes 0, and the predicted and
/// observed churn rates differ by enough to matter for decisions.
fn is_level_off(measures: &Measures) -> Option<bool> {
    let shift = measures.base_rate_shift?;
    let least = 0.5 / measures.rows.max(1) as f64;
    let log_odds = |rate: f64| logit(rate.clamp(least, 1.0 - least));
    let apart = (log_odds(measures.mean_probability) - log_odds(rate(measures))).abs();
    Some((shift.interval.low > 0.0 || shift.interval.high < 0.0) && apart > crate::numeric::ln(CLOSE_ODDS))
}

fn calibration(measures: &Measures, method: &str) -> String {
    match (measures.calibration_error, measures.calibration_error_null_95) {
        (Some(error), Some(null)) => {
            let verdict = match error.value <= null {
                true => "within chance",
                false => "worse than chance explains",
            };
            format!(
                "{verdict}, error {:.4} where a calibrated model shows up to {null:.4} ({method})",
                error.value
            )
        }
        _ => format!("not measured ({method})"),
    }
}

fn rate(measures: &Measures) -> f64 {
    measures.churned as f64 / measures.rows.max(1) as f64
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
