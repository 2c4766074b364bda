//! Opens the bytes as each kind of model file. The bytes are opened unchanged, and then again with corrected lengths
//! and a corrected checksum. In this way, the fuzzer also reaches the code that runs after the checks of lengths and
//! checksum.
#![no_main]

use churn_core::ensemble::{TreeEnsemble, LinearModel};
use churn_core::{ChurnClassifier, ChurnModel, CustomerRows, Execution, Table};
use sha2::{Digest, Sha256};

const HEADER: usize = 24;
const CHECKSUM: usize = 32;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    use_model(data);
    let mut mended = data.to_vec();
    if mended.len() >= HEADER + CHECKSUM {
        let content = mended.len() - CHECKSUM;
        let metadata = u32::from_le_bytes(mended[12..16].try_into().expect("four bytes")) as usize;
        if let Some(payload) = content.checked_sub(HEADER + metadata) {
            mended[16..24].copy_from_slice(&(payload as u64).to_le_bytes());
            let checksum = Sha256::digest(&mended[..content]);
            mended[content..].copy_from_slice(&checksum);
            use_model(&mended);
        }
    }
});

fn use_model(bytes: &[u8]) {
    let one = Execution::new().threads(1);
    if let Ok(trees) = TreeEnsemble::from_bytes(bytes) {
        churn_fuzz::score(&trees);
        let written = trees.to_bytes().expect("what was read is no larger");
        assert_eq!(TreeEnsemble::from_bytes(&written).expect("what was written is read"), trees);
    }
    if let Ok(linear) = LinearModel::from_bytes(bytes) {
        assert!(linear.to_bytes().is_ok());
    }
    if let Ok(classifier) = ChurnClassifier::from_bytes(bytes) {
        let table = Table::from_json(br#"[{"minutes":3.5,"plan":"a"}]"#).expect("rows");
        let _ = classifier.predict_proba(&table, &one);
        let _ = classifier.predict_interval(&table, &one);
        let _ = classifier.explain(&table, &one);
    }
    let Ok(model) = ChurnModel::from_bytes(bytes) else {
        return;
    };
    assert_eq!(model.to_bytes().len(), bytes.len());
    let rows = |json: &[u8]| Table::from_json(json).expect("rows");
    let customer = CustomerRows::new(rows(br#"[{"customer_id":"a","signed_up_at":"2024-01-01"}]"#))
        .payments(rows(br#"[{"due_at":"2024-12-01","amount":3.5}]"#));
    let date: churn_core::AsOf = "2025-01-01".parse().expect("a date");
    let _ = model.score_customer(customer, date, 3);
}
