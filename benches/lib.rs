//! Criterion benches of `churn-core`, one per stage.
