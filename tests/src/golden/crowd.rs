//! Generates many customers by a simple rule. The rule is also implemented in Python (`crowd.py`) and in JavaScript
//! (`crowd.mjs`), so the tests of all languages use identical customers.

use churn_core::{
    AsOf, ChurnDefinition, ChurnModel, Execution, RecordKind, StaticAttributes, Table, TenantRecords, TrainOptions,
    Value,
};
use sha2::{Digest, Sha256};

const DAY: i64 = 86_400;
/// The start of the history: 2022-01-01.
const START: i64 = 18_993 * DAY;
/// The number of observed days.
const LENGTH: i64 = 900;
/// The last observed day.
pub const AS_OF: &str = "2024-06-01";

/// A 32-bit linear congruential random generator. It is easy to implement in every language.
struct Rule(u32);

impl Rule {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i64::from(self.0 >> 8) % limit
    }
}

type Rows = Vec<Vec<(&'static str, Value)>>;

/// Generates the rows of `customers` customers. Returns the tables in the order customers, payments, tickets and
/// activities.
pub fn tables(customers: i64) -> [Rows; 4] {
    let mut rule = Rule(42);
    let moment = |seconds: i64| Value::Timestamp((START + seconds) * 1_000_000);
    let word = |words: &[&str], at: i64| Value::Text(words[at as usize].to_owned());
    let [mut people, mut payments, mut tickets, mut activities]: [Rows; 4] = Default::default();
    for number in 0..customers {
        let id = || ("customer_id", Value::Text(format!("K-{number}")));
        let (seats, plan, signed) = (rule.below(20), rule.below(3), rule.below(300));
        let unhappy = rule.below(100) < 35;
        let leaves = if unhappy { signed + 60 + rule.below(500) } else { LENGTH };
        let every = 10 + rule.below(25);
        people.push(vec![
            id(),
            ("signed_up_at", moment(signed * DAY)),
            ("seats", Value::Int(seats)),
            ("plan", word(&["basic", "pro", "größer"], plan)),
        ]);
        let mut day = signed;
        while day < leaves.min(LENGTH) {
            let at = day * DAY + rule.below(DAY);
            let amount = Value::Float(rule.below(10_000) as f64 / 100.0);
            payments.push(vec![id(), ("due_at", moment(at)), ("amount", amount)]);
            if rule.below(2) == 0 {
                let (kind, quantity) = (rule.below(2), rule.below(5));
                let quantity = Value::Float(quantity as f64 / 2.0);
                let kind = word(&["login", "export"], kind);
                activities.push(vec![id(), ("at", moment(at)), ("kind", kind), ("quantity", quantity)]);
            }
            if unhappy && rule.below(6) == 0 {
                let (priority, days, rating) = (rule.below(4), rule.below(20), rule.below(6));
                let resolved = if days == 0 {
                    Value::Null
                } else {
                    moment(at + days * DAY)
                };
                tickets.push(vec![
                    id(),
                    ("opened_at", moment(at)),
                    ("resolved_at", resolved),
                    ("priority", word(&["low", "normal", "high", "urgent"], priority)),
                    (
                        "satisfaction",
                        if rating == 0 { Value::Null } else { Value::Int(rating) },
                    ),
                ]);
            }
            day += every;
        }
    }
    [people, payments, tickets, activities]
}

/// Generates `customers` customers, and builds the library's records from their rows.
pub fn records(customers: i64) -> TenantRecords {
    let mut builder = TenantRecords::builder("crowd").static_attributes(StaticAttributes::All);
    for (kind, rows) in RecordKind::ALL.into_iter().zip(tables(customers)) {
        builder = builder.table(kind, Table::from_values(rows).expect("rows are a table"));
    }
    let (records, report) = builder.build().expect("the crowd is valid");
    assert!(report.is_clean(), "{report}");
    records
}

/// Trains the small model that is stored as a file in the repository (a "frozen" model).
pub fn train() -> ChurnModel {
    let mut options = TrainOptions::default()
        .with_definition(ChurnDefinition::inactivity(45, RecordKind::Payments))
        .with_shared(true);
    options.ensemble.folds = 3;
    options.ensemble.deep_boosting = None;
    if let Some(boosting) = &mut options.ensemble.boosting {
        boosting.n_trees = 30;
        boosting.max_leaves = 8;
    }
    if let Some(forest) = &mut options.ensemble.forest {
        forest.n_trees = 12;
        forest.max_depth = 5;
    }
    ChurnModel::train(&records(600), &options).expect("the crowd can be learnt from")
}

/// Scores all customers, and returns a SHA-256 hash of the results. The hashed bytes are all probabilities, then the
/// base value, and then all contributions, as little-endian doubles.
pub fn fingerprint(model: &ChurnModel, records: &TenantRecords, threads: usize) -> String {
    let execution = Execution::new().threads(threads);
    let as_of: AsOf = AS_OF.parse().expect("a date");
    let run = model
        .score_with(records, as_of, &execution)
        .expect("the crowd can be scored");
    let mut hash = Sha256::new();
    for score in run.scores() {
        hash.update(score.probability().unwrap_or(f64::NAN).to_le_bytes());
    }
    let explanation = model.explain(run.matrix(), &execution).expect("and explained");
    hash.update(explanation.base_value.to_le_bytes());
    for contribution in &explanation.contributions {
        hash.update(contribution.to_le_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
