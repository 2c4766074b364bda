//! Generates the types of reports and options in Python and TypeScript from the JSON schemas of the Rust types.
//!
//! `cargo run -p churn-tests --bin generate_types` writes the files that [`files`] returns.

mod python;
mod schema;
mod typescript;

use churn_core::ensemble::{GradientBoostingOptions, LogisticOptions, RandomForestOptions};
use churn_core::{ClassifierReport, ModelCard, OutOfTime, Reason, Score, TrainReport};
use schemars::generate::SchemaSettings;

use schema::Types;

/// Returns a description of the types of reports and options. If `with_scores` is true, the types of scores are
/// included.
fn types(with_scores: bool) -> Types {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.subschema_for::<TrainReport>();
    generator.subschema_for::<OutOfTime>();
    generator.subschema_for::<ClassifierReport>();
    generator.subschema_for::<GradientBoostingOptions>();
    generator.subschema_for::<RandomForestOptions>();
    generator.subschema_for::<LogisticOptions>();
    generator.subschema_for::<churn_core::FindingCode>();
    generator.subschema_for::<churn_core::Interval>();
    generator.subschema_for::<churn_core::RiskBand>();
    generator.subschema_for::<churn_core::RiskBands>();
    if with_scores {
        generator.subschema_for::<ModelCard>();
        generator.subschema_for::<Score>();
        generator.subschema_for::<Reason>();
    }
    Types::read(generator.definitions())
}

/// Returns the generated files. Each element is the path of a file from the root of the repository, and the content of
/// the file.
pub fn files() -> [(&'static str, String); 2] {
    [
        (
            "bindings-python/python/churn_core/_report.py",
            python::write(&types(false)),
        ),
        ("bindings-node/reports.d.ts", typescript::write(&types(true))),
    ]
}
