//! Tests the golden cases, which are small tenants with expected results. Each case has one test. The Python and Node
//! tests read the same files and use the same test names.

use churn_core::ChurnModel;
use churn_tests::golden::{Case, Expected, crowd, fixture, frozen, same_text, writing};

fn check(name: &str) {
    let case = Case::read(name);
    let expected = Expected::of(&case);
    same_text(&fixture(&format!("golden/expected/{name}.json")), &expected.text());
    let (exact, all) = expected.exact;
    assert!(
        exact * 100 >= all * 95,
        "only {exact} of {all} numbers equal the reference bit for bit"
    );
    for folder in frozen_models() {
        let bytes = std::fs::read(folder.join("model.churn")).expect("a model");
        let model = ChurnModel::from_bytes(&bytes).expect("a model file of an earlier format still loads");
        same_text(
            &folder.join(format!("scores/{name}.json")),
            &frozen::said(&model, &case),
        );
    }
}

/// Returns the folders of the frozen models (model files that are stored in the repository). If the environment
/// variable `CHURN_GOLDEN` is `freeze`, first trains the model of the newest format again.
fn frozen_models() -> Vec<std::path::PathBuf> {
    static READY: std::sync::Once = std::sync::Once::new();
    READY.call_once(|| {
        if std::env::var("CHURN_GOLDEN").is_ok_and(|mode| mode == "freeze") {
            let bytes = crowd::train().to_bytes();
            let folder = fixture(&format!("frozen/format-{}", frozen::format_of(&bytes)));
            std::fs::create_dir_all(folder.join("scores")).expect("the folder can be made");
            std::fs::write(folder.join("model.churn"), bytes).expect("the model can be written");
        }
    });
    frozen::folders()
}

macro_rules! cases {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(stringify!($name)); })*

        #[test]
        fn every_file_is_a_test() {
            let files = std::fs::read_dir(fixture("golden/worlds")).expect("the worlds").map(|file| {
                let path = file.expect("a file").path();
                path.file_stem().expect("a name").to_string_lossy().into_owned()
            });
            let mut files: Vec<String> = files.collect();
            files.sort();
            assert_eq!(files, [$(stringify!($name)),*]);
            assert!(files.len() >= 30);
        }
    };
}

cases! {
    attribute_types before_all before_sign_up cancellations converted_currency customer_versions dst_zone
    empty_is_not_absent failed_streak far_date free_plan half_cents immature integer_ids kinds leap_day many_dates
    moments moved_ticket nan_amount nan_attribute negative_amounts no_events no_minor_unit payment_versions plain
    quantities quarantine rated_later reactivated reactivated_known_late refunds refunds_without_date renewal
    reopened required_columns_only resolved_later returning_customer settled_later sign_up_at_the_date static_named
    tables_not_given thin_history three_digits ties undated_left_out unicode unseen_category versions_known_late
    window_edges withdrawn words
}

/// Tests that the scores and contributions of many customers are bit-identical in every language. In each language, the
/// SHA-256 hash of these results must be the same. The environment variable `CHURN_CROWD` sets the number of customers.
#[test]
fn crowd_is_bit_identical_on_every_host() {
    let customers = std::env::var("CHURN_CROWD").map_or(1000, |text| text.parse().expect("a number of customers"));
    let records = crowd::records(customers);
    for folder in frozen_models() {
        let model = ChurnModel::load(folder.join("model.churn")).expect("a model");
        let one = crowd::fingerprint(&model, &records, 1);
        assert_eq!(crowd::fingerprint(&model, &records, 2), one, "threads change a bit");
        same_text(&folder.join(format!("crowd-{customers}.sha256")), &format!("{one}\n"));
    }
}

/// Tests that a CI run does not write the expected results. A run that writes the results does not compare them.
#[test]
fn nothing_is_written_under_ci() {
    assert!(!(writing() && std::env::var_os("CI").is_some()), "CHURN_GOLDEN is set");
}
