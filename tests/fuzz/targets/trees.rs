//! Imports the bytes as models of other libraries: LightGBM's text format and XGBoost's JSON format.
#![no_main]

use churn_core::ensemble::TreeEnsemble;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(trees) = TreeEnsemble::from_xgboost(data) {
        churn_fuzz::score(&trees);
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(trees) = TreeEnsemble::from_lightgbm(text)
    {
        churn_fuzz::score(&trees);
    }
});
