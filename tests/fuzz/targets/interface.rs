//! The library catches panics of the Arrow crate, but the panic hook of the fuzzer would end the process before the
//! library can catch them. The hook is therefore replaced by a hook that does nothing. A panic that the library does not
//! catch still ends the process.
#![no_main]

libfuzzer_sys::fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |data: &[u8]| {
    if std::panic::catch_unwind(|| churn_fuzz::interface(data)).is_err() {
        std::process::abort();
    }
});
