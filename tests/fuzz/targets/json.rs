#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(table) = churn_core::Table::from_json(data) {
        churn_fuzz::everywhere(&table);
    }
});
