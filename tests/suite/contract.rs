//! Tests the error codes. The file `contract.json` lists every error code, with an example that the library must reject
//! with this code. The Python and Node tests read the same file.

use std::collections::BTreeMap;

use churn_core::{ErrorKind, IssueCode, TenantId, TenantRecords};
use churn_tests::golden::{fixture, refused};
use serde_json::Value as Json;

fn contract() -> Vec<Json> {
    let text = std::fs::read_to_string(fixture("contract.json")).expect("the contract");
    let contract: Json = serde_json::from_str(&text).expect("the contract is JSON");
    contract["errors"].as_array().expect("errors").clone()
}

#[test]
fn every_code_is_in_the_contract() {
    let issues = IssueCode::ALL.iter().map(|&code| ErrorKind::InvalidRecords(code));
    let mut kinds: BTreeMap<String, String> = (issues.chain(ErrorKind::ALL.iter().copied()))
        .map(|kind| (kind.code().to_owned(), format!("{kind:?}")))
        .collect();
    for kind in churn_store::ErrorKind::ALL {
        // If both `churn-core` and `churn-store` use a code, the code must have the same meaning in both crates.
        let known = kinds.insert(kind.code().to_owned(), format!("{kind:?}"));
        assert!(known.is_none_or(|known| known == format!("{kind:?}")), "{kind:?}");
    }
    let text = |error: &Json, name: &str| error[name].as_str().expect("a text").to_owned();
    let errors = contract();
    let written: BTreeMap<String, String> = errors
        .iter()
        .map(|error| (text(error, "code"), text(error, "kind")))
        .collect();
    assert_eq!(written, kinds);
    assert_eq!(written.len(), errors.len(), "a code is listed twice");
}

#[test]
fn every_example_is_refused_as_written() {
    let mut seen = 0;
    for error in contract() {
        let Some(example) = error.get("refused") else { continue };
        let found = refused(&error);
        let code = error["code"].as_str().expect("a code");
        assert_eq!(found.code(), code);
        assert_eq!(
            found.table().map(|table| table.as_str()),
            example["table"].as_str(),
            "{code}"
        );
        assert_eq!(found.row(), example["row"].as_u64(), "{code}");
        assert_eq!(found.column(), example["column"].as_str(), "{code}");
        assert!(
            found
                .report()
                .is_some_and(|report| report.issues[0].code.as_str() == code),
            "{code}"
        );
        seen += 1;
    }
    assert_eq!(
        seen,
        IssueCode::ALL.len(),
        "every code of refused records has an example"
    );
}

#[test]
fn a_blank_tenant_is_refused() {
    let error = contract()
        .into_iter()
        .find(|error| error.get("blank_tenants").is_some());
    let error = error.expect("a code with blank tenants");
    let blank = error["blank_tenants"].as_array().expect("texts");
    for tenant in blank.iter().map(|tenant| tenant.as_str().expect("a text")) {
        let customers = Vec::<churn_core::Customer>::new();
        let built = TenantRecords::builder(tenant).customers(customers).build();
        let json = serde_json::to_string(tenant).expect("JSON");
        assert!(serde_json::from_str::<TenantId>(&json).is_err(), "{tenant:?}");
        for found in [TenantId::new(tenant).unwrap_err(), built.unwrap_err()] {
            assert_eq!(Some(found.code()), error["code"].as_str(), "{tenant:?}");
            assert_eq!(found.column(), error["column"].as_str(), "{tenant:?}");
        }
    }
    assert!(!blank.is_empty());
}

#[test]
fn every_code_is_read_as_its_kind() {
    for error in contract() {
        let code = error["code"].as_str().expect("a code");
        let kind: churn_store::ErrorKind = code.parse().expect("a kind");
        assert_eq!((kind.code(), kind.to_string().as_str()), (code, code));
    }
    for kind in ErrorKind::ALL {
        assert_eq!(kind.code().parse::<ErrorKind>().expect("a kind"), *kind);
    }
    let error = "leakege".parse::<churn_store::ErrorKind>().unwrap_err();
    assert_eq!((error.code(), error.column()), ("invalid_option", Some("code")));
    assert!(error.to_string().contains("did you mean 'leakage'?"), "{error}");
}
