//! Panics of the Arrow library are caught by the door, so the fuzzer's own hook, which ends the process, is set aside; a panic that
//! gets out of the door ends it here.
#![no_main]

libfuzzer_sys::fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |data: &[u8]| {
    let outcome = std::panic::catch_unwind(|| {
        if let Ok(table) = churn_core::Table::from_ipc(data) {
            churn_fuzz::everywhere(&table);
        }
    });
    if outcome.is_err() {
        std::process::abort();
    }
});
