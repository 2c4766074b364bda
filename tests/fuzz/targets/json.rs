#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| churn_fuzz::json(data));
