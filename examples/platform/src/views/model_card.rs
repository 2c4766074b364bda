//! The page section that describes a stored model.

use churn_core::{ChurnDefinition, Estimate, Measures, RecordKind, TrainReport};
use churn_store::StoredModel;

use crate::error::Result;
use crate::views::customer::Field;
use crate::views::format::{Number, moment, short};

pub struct ModelCard {
    pub id: String,
    pub short: String,
    pub stage: &'static str,
    pub saved_at: String,
    pub facts: Vec<Field>,
    /// The date of the out-of-time test. The text is empty if the model has no such test.
    pub tested_at: String,
    pub not_tested: String,
    pub measured: String,
    pub measures: Vec<MeasureLine>,
    pub bins: Vec<BinLine>,
    pub bands: Vec<BandLine>,
    pub members: Vec<MemberLine>,
    pub warnings: Vec<String>,
    pub leaks: Vec<Field>,
}

pub struct MeasureLine {
    pub name: &'static str,
    pub meaning: &'static str,
    pub value: Number,
    pub low: Number,
    pub high: Number,
}

pub struct BinLine {
    pub rows: u64,
    pub predicted: Number,
    pub observed: Number,
}

pub struct BandLine {
    pub band: &'static str,
    pub from: Number,
    pub rows: usize,
    pub churned: usize,
    pub predicted: Option<Number>,
    pub observed: Option<Number>,
}

pub struct MemberLine {
    pub name: String,
    pub weight: Number,
    pub log_loss: Number,
}

fn definition(definition: &ChurnDefinition) -> String {
    let horizon = definition.horizon();
    let lead = match horizon.lead {
        0 => String::new(),
        lead => format!(", from day {lead} on"),
    };
    match definition {
        ChurnDefinition::Cancellation { .. } => format!("cancellation within {} days{lead}", horizon.days),
        ChurnDefinition::Inactivity { on, .. } => {
            let event = if *on == RecordKind::Payments {
                "paid payment"
            } else {
                "activity"
            };
            format!("no {event} within {} days{lead}", horizon.days)
        }
        other => format!("{other:?}"),
    }
}

fn measures(measures: &Measures) -> Vec<MeasureLine> {
    let all: [(_, _, Option<Estimate>); 8] = [
        ("ROC AUC", "ranking: 0.5 is chance, 1 is perfect", measures.roc_auc),
        ("PR AUC", "average precision among the riskiest", measures.pr_auc),
        ("Log-loss", "smaller is better", measures.log_loss),
        (
            "Brier score",
            "mean squared error of the probability; smaller is better",
            measures.brier,
        ),
        (
            "Calibration error",
            "mean distance of predicted and observed rates",
            measures.calibration_error,
        ),
        (
            "Calibration slope",
            "1 is calibrated; below 1 predictions are too extreme",
            measures.calibration_slope,
        ),
        (
            "Base-rate shift",
            "drift of the churn rate in log-odds; 0 is none",
            measures.base_rate_shift,
        ),
        (
            "Top-decile lift",
            "churn rate of the riskiest tenth, as a multiple of the mean",
            measures.top_decile_lift,
        ),
    ];
    all.into_iter()
        .filter_map(|(name, meaning, estimate)| {
            let estimate = estimate?;
            Some(MeasureLine {
                name,
                meaning,
                value: Number::decimal(estimate.value),
                low: Number::decimal(estimate.interval.low),
                high: Number::decimal(estimate.interval.high),
            })
        })
        .collect()
}

impl ModelCard {
    /// # Errors
    /// Returns an error if the stored card (the model's metadata) does not have the format of this version of the
    /// library.
    pub fn new(model: &StoredModel) -> Result<Self> {
        let report: TrainReport = serde_json::from_value(model.card["report"].clone())?;
        let churn: ChurnDefinition = serde_json::from_value(model.card["definition"].clone())?;
        let features = model.card["features"].as_array().map_or(0, Vec::len);
        let test = report.out_of_time.as_ref();
        let tested = test.map_or(&report.cross_validated, |test| &test.measures);
        let field = |name: &str, value: String| Field {
            name: name.to_owned(),
            value,
        };
        let dates = report.training_dates.iter().map(|date| moment(date.timestamp()));
        let until = report.observed_until.map_or(String::new(), moment);
        Ok(Self {
            short: short(&model.id),
            id: model.id.clone(),
            stage: model.stage.as_str(),
            saved_at: moment(model.saved_at),
            facts: vec![
                field("Predicts", definition(&churn)),
                field("Trained on data until", until),
                field("Training dates", dates.collect::<Vec<_>>().join(", ")),
                field(
                    "Training rows",
                    format!("{} customer-dates, {} churned", report.rows, report.churned),
                ),
                field("Features", features.to_string()),
                field("Calibration", report.calibration.clone()),
            ],
            tested_at: test.map_or(String::new(), |test| moment(test.test_date.timestamp())),
            not_tested: report.out_of_time_reason.clone().unwrap_or_default(),
            measured: format!("{} customers, {} churned", tested.rows, tested.churned),
            measures: measures(tested),
            bins: tested
                .calibration
                .iter()
                .map(|bin| BinLine {
                    rows: bin.rows as u64,
                    predicted: Number::percent(bin.mean_probability),
                    observed: Number::percent(bin.churn_rate),
                })
                .collect(),
            bands: report
                .bands
                .iter()
                .map(|band| BandLine {
                    band: band.band.as_str(),
                    from: Number::percent(band.from),
                    rows: band.rows,
                    churned: band.churned,
                    predicted: band.mean_probability.map(Number::percent),
                    observed: band.churn_rate.map(Number::percent),
                })
                .collect(),
            members: report
                .members
                .iter()
                .map(|member| MemberLine {
                    name: member.name.clone(),
                    weight: Number::decimal(member.weight),
                    log_loss: Number::decimal(member.log_loss),
                })
                .collect(),
            warnings: report.warnings.iter().map(|warning| warning.message.clone()).collect(),
            leaks: report
                .leaks
                .iter()
                .map(|leak| field(&leak.column, leak.evidence.as_str().to_owned()))
                .collect(),
        })
    }
}
