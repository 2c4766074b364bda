//! Tests that the READMEs of the Python and the Node package explain exactly the standard features.

use std::collections::BTreeSet;

use churn_core::{AsOf, Execution, FeaturePlan, Table, TenantRecords, Timestamp, features};

/// The names of the standard features of a tenant that has all tables, a dated attribute `seats`, a renewal date and a
/// returning customer. A window is written as `{w}`, and the attribute as `{attribute}`.
fn standard_features() -> BTreeSet<String> {
    let table = |csv: &str| Table::from_csv(csv.as_bytes()).expect("a table");
    let customers = "customer_id,signed_up_at,churned_at,valid_from,renews_at,seats
a,2023-01-01,2023-06-01,2023-01-01,2023-07-01,1
a,2023-09-01,,2023-09-01,2024-09-01,2
";
    let (records, _) = TenantRecords::builder("t")
        .customers(table(customers))
        .payments(table("customer_id,due_at,amount\na,2023-02-01,5\n"))
        .tickets(table("customer_id,opened_at\na,2023-02-01\n"))
        .activities(table("customer_id,at\na,2023-02-01\n"))
        .build()
        .expect("records");
    let date = AsOf::new("2024-01-01".parse::<Timestamp>().expect("a date"));
    let matrix = features(&records, &[date], &FeaturePlan::default(), &Execution::new()).expect("features");
    let general = |name: &String| {
        let name = [28, 91, 182, 364]
            .iter()
            .find_map(|days| name.strip_suffix(&format!("_{days}d")))
            .map_or(name.clone(), |name| format!("{name}_{{w}}d"));
        name.replace("customer_seats", "customer_{attribute}")
    };
    matrix.feature_names().iter().map(general).collect()
}

/// The table of feature meanings in a README.
fn table_of(readme: &str) -> &str {
    let (_, rest) = readme.split_once("## What the features mean\n").expect("the section");
    rest.split_once("\n## ").map_or(rest, |(own, _)| own)
}

#[test]
fn the_readmes_explain_every_standard_feature() {
    let python = table_of(include_str!("../../bindings-python/README.md"));
    let node = table_of(include_str!("../../bindings-node/README.md"));
    assert_eq!(python, node);
    let cells = python.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = cells.filter_map(|cells| cells.split_once(" |").map(|(names, _)| names));
    let explained: Vec<String> = names
        .flat_map(|names| names.split(", ").map(|name| name.trim_matches('`').to_owned()))
        .collect();
    let known: BTreeSet<String> = explained.iter().cloned().collect();
    assert_eq!(known.len(), explained.len(), "a feature is explained twice");
    assert_eq!(known, standard_features());
}
