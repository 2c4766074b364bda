//! Tests that files and tables from untrusted sources can neither abort the process nor fill its memory.
//!
//! Each group of inputs runs in a separate process with a limited address space. The process measures its own peak
//! memory. To open or import a file, the library may use at most 32 MiB, plus 32 bytes for each byte of the file. This
//! limit also applies if the file is refused.
//!
//! With `CHURN_NIGHTLY=1`, the tests use 6 000 mutated models of other libraries and 10 000 mutated model files,
//! instead of a few hundred.

#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use churn_core::ensemble::{LinearModel, TreeEnsemble};
use churn_core::{
    ChurnClassifier, ChurnModel, Execution, FeaturePlan, OnInvalid, StaticAttributes, Table, TenantRecords, Value,
    features,
};
use churn_tests::dice::Dice;
use churn_tests::golden::fixture;
use ndarray::Array2;
use sha2::{Digest, Sha256};

const PER_BYTE: usize = 32;
const FLOOR: usize = 32 << 20;
/// The time limit for one input. Code with linear running time is far below this limit, even in a debug build on a busy
/// machine. Code with quadratic running time takes minutes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs one ignored test of this file in a separate process. The address space of the process is limited to `kilobytes`
/// KiB.
fn alone(test: &str, kilobytes: usize) {
    let script =
        format!("ulimit -v {kilobytes}; exec \"$0\" --ignored --exact memory::{test} --nocapture --test-threads=1");
    let program = std::env::current_exe().expect("this test");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(program)
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{}: {said}",
        output.status
    );
    println!("{said}");
}

#[test]
fn hostile_files_stay_within_a_multiple_of_their_size() {
    alone("within_the_promise", 1 << 20);
}

#[test]
fn mutated_models_do_not_abort_a_small_process() {
    alone("mutated_models", 1 << 20);
}

#[test]
fn hostile_tables_neither_fill_nor_stall() {
    alone("tables", 2 << 20);
}

/// Returns the memory of this process in bytes. The field `VmRSS` is the current memory, and `VmHWM` is the peak memory
/// since the last call of [`reset_peak`].
fn memory(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("this process");
    let line = status.lines().find(|line| line.starts_with(field)).expect("a line");
    let kilobytes = line.split_ascii_whitespace().nth(1).expect("a number");
    kilobytes.parse::<usize>().expect("a number") << 10
}

fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("this process");
}

/// Runs some work. Returns the peak memory during the work minus the memory before it, and the duration of the work.
fn measured(work: impl FnOnce()) -> (usize, Duration) {
    reset_peak();
    let before = memory("VmRSS");
    let begin = Instant::now();
    work();
    (memory("VmHWM").saturating_sub(before), begin.elapsed())
}

/// Describes a tree that is a chain of splits. The left child of each split is a leaf, and the right child is the next
/// split.
struct Chain {
    splits: usize,
    /// Every split checks whether its value is this category. With `None`, every split compares its value with a
    /// threshold instead.
    category: Option<usize>,
    columns: usize,
}

impl Chain {
    fn xgboost(&self) -> String {
        let (splits, nodes) = (self.splits, 2 * self.splits + 1);
        // Split number `i` is the node `2 * i`, and its left leaf is the node `2 * i + 1`. The last node is a leaf.
        let list = |value: &dyn Fn(usize) -> String| {
            let values: Vec<String> = (0..nodes).map(value).collect();
            format!("[{}]", values.join(","))
        };
        let is_split = |node: usize| node.is_multiple_of(2) && node < 2 * splits;
        let child = |node: usize, step: usize| {
            if is_split(node) {
                (node + step).to_string()
            } else {
                "-1".into()
            }
        };
        let of_sets = |value: &dyn Fn(usize) -> String| {
            let count = if self.category.is_some() { splits } else { 0 };
            let values: Vec<String> = (0..count).map(value).collect();
            format!("[{}]", values.join(","))
        };
        let category = self.category.unwrap_or(0).to_string();
        format!(
            r#"{{"learner":{{"objective":{{"name":"binary:logistic"}},
            "learner_model_param":{{"base_score":"0.5","num_class":"0","num_feature":"{}"}},
            "gradient_booster":{{"name":"gbtree","model":{{"gbtree_model_param":{{"num_trees":"1"}},"tree_info":[0],"trees":[{{
            "tree_param":{{"num_nodes":"{nodes}"}},"left_children":{},"right_children":{},"split_indices":{},
            "split_conditions":{},"default_left":{},"sum_hessian":{},"split_type":{},
            "categories":{},"categories_nodes":{},"categories_segments":{},"categories_sizes":{}}}]}}}}}}}}"#,
            self.columns,
            list(&|node| child(node, 1)),
            list(&|node| child(node, 2)),
            list(&|_| "0".into()),
            list(&|_| "1".into()),
            list(&|_| "0".into()),
            list(&|_| "1".into()),
            list(&|node| u8::from(self.category.is_some() && is_split(node)).to_string()),
            of_sets(&|_| category.clone()),
            of_sets(&|split| (2 * split).to_string()),
            of_sets(&|split| split.to_string()),
            of_sets(&|_| "1".into()),
        )
    }

    /// Returns the tree in LightGBM's text format. If `words` is not 0, every split checks whether a category is in a
    /// set. All splits share one set. Its categories are the bits of `words` integers.
    fn lightgbm(&self, words: usize) -> String {
        let splits = self.splits;
        let list = |count: usize, value: &dyn Fn(usize) -> String| {
            let values: Vec<String> = (0..count).map(value).collect();
            values.join(" ")
        };
        let constant = |count: usize, text: &str| list(count, &|_| text.to_owned());
        let mut text = format!(
            "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx={}\nobjective=binary sigmoid:1\n\
             tree_sizes=1\n\nTree=0\nnum_leaves={}\nnum_cat={}\n",
            self.columns - 1,
            splits + 1,
            usize::from(words > 0),
        );
        let next = list(splits, &|split| {
            if split + 1 < splits {
                (split + 1).to_string()
            } else {
                format!("-{}", splits + 1)
            }
        });
        for (name, values) in [
            ("split_feature", constant(splits, "0")),
            ("threshold", constant(splits, if words > 0 { "0" } else { "1.5" })),
            ("decision_type", constant(splits, if words > 0 { "1" } else { "2" })),
            ("left_child", list(splits, &|split| format!("-{}", split + 1))),
            ("right_child", next),
            ("leaf_value", constant(splits + 1, "0.1")),
            ("leaf_count", constant(splits + 1, "1")),
            ("internal_count", constant(splits, "1")),
            ("cat_boundaries", format!("0 {words}")),
            ("cat_threshold", constant(words, "7")),
        ] {
            writeln!(text, "{name}={values}").expect("a string");
        }
        text + "\nend of trees\n"
    }
}

/// Creates a model file from the given metadata, the given payload and the correct checksum.
fn file(metadata: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89CHURN\r\n\x01\0\0\0".to_vec();
    bytes.extend((metadata.len() as u32).to_le_bytes());
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(metadata);
    bytes.extend(payload);
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    bytes
}

/// Creates the file of a tree ensemble with one split. The file claims that the ensemble has `columns` columns.
fn claiming(columns: u32) -> Vec<u8> {
    let mut trees = TreeEnsemble::from_lightgbm(
        &Chain {
            splits: 1,
            category: None,
            columns: 1,
        }
        .lightgbm(0),
    )
    .expect("a tree")
    .to_bytes()
    .expect("a small file");
    // The number of columns is the last number of the payload.
    let end = trees.len() - 32;
    trees.truncate(end);
    trees[end - 4..].copy_from_slice(&columns.to_le_bytes());
    let checksum = Sha256::digest(&trees);
    trees.extend(checksum);
    trees
}

/// Returns the metadata of a valid classifier file.
fn classifier_metadata() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/artifact/classifier");
    let bytes = std::fs::read(path).expect("a classifier");
    let length = u32::from_le_bytes(bytes[12..16].try_into().expect("four bytes")) as usize;
    bytes[24..24 + length].to_vec()
}

/// Tries to open the bytes as each kind of file. Makes predictions with the trees and classifiers that can be opened.
fn open(bytes: &[u8]) {
    let one = Execution::new().threads(1);
    if let Ok(trees) = TreeEnsemble::from_bytes(bytes) {
        score(&trees);
    }
    let _ = LinearModel::from_bytes(bytes);
    let _ = ChurnModel::from_bytes(bytes);
    if let Ok(classifier) = ChurnClassifier::from_bytes(bytes) {
        let table = Table::from_values([vec![("minutes", Value::Float(3.5)), ("plan", Value::Text("a".into()))]]);
        let _ = classifier.predict_proba(&table.expect("a row"), &one);
    }
}

fn import(bytes: &[u8]) -> Option<TreeEnsemble> {
    let text = std::str::from_utf8(bytes).ok();
    let trees = TreeEnsemble::from_xgboost(bytes).ok();
    trees.or_else(|| TreeEnsemble::from_lightgbm(text?).ok())
}

/// Scores a few rows. The rows have at most 300 columns, so that the test itself needs little memory if a file claims
/// too many columns.
fn score(trees: &TreeEnsemble) {
    let one = Execution::new().threads(1);
    for rows in [1, 70] {
        let x = Array2::<f64>::zeros((rows, trees.n_features().min(300)));
        let _ = trees.predict_proba(x.view(), &one);
    }
}

#[test]
#[ignore = "runs in a separate process"]
fn within_the_promise() {
    let chain = |splits, category, columns| Chain {
        splits,
        category,
        columns,
    };
    let one = chain(1, Some(16_777_215), 1).xgboost();
    // The payload of a classifier with one feature. It claims that the name of this feature has a length of half a
    // gigabyte.
    let text = [0u64, 1, 1, 1 << 29].map(u64::to_le_bytes).concat();
    let corpus: Vec<(&str, Vec<u8>)> = vec![
        ("one set that reaches far", one.into_bytes()),
        (
            "300 sets that reach far",
            chain(300, Some(16_777_215), 1).xgboost().into_bytes(),
        ),
        (
            "1200 sets that reach far",
            chain(1200, Some(16_777_215), 1).xgboost().into_bytes(),
        ),
        (
            "one category too many",
            chain(1, Some(16_777_216), 1).xgboost().into_bytes(),
        ),
        (
            "20 000 splits on categories",
            chain(20_000, Some(63), 1).xgboost().into_bytes(),
        ),
        (
            "50 000 splits in a chain",
            chain(50_000, None, 1).xgboost().into_bytes(),
        ),
        (
            "columns of XGBoost that nothing uses",
            chain(1, None, 500_000_000).xgboost().into_bytes(),
        ),
        (
            "columns of LightGBM that nothing uses",
            chain(1, None, 500_000_000).lightgbm(0).into_bytes(),
        ),
        (
            "a set shared by 20 000 splits",
            chain(20_000, None, 1).lightgbm(20_000).into_bytes(),
        ),
        ("a file of 134 million columns", claiming(134_217_728)),
        ("a file of four billion columns", claiming(u32::MAX)),
        (
            "a list that lies",
            file(
                br#"{"kind":"linear"}"#,
                &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0],
            ),
        ),
        ("a text that lies", file(&classifier_metadata(), &text)),
    ];
    for (name, bytes) in corpus {
        let allowed = PER_BYTE * bytes.len() + FLOOR;
        let (taken, time) = measured(|| {
            if let Some(trees) = import(&bytes) {
                score(&trees);
            }
            open(&bytes);
        });
        println!("{name}: {} bytes, {taken} taken, {time:?}", bytes.len());
        assert!(
            taken <= allowed,
            "{name}: {} bytes took {taken}, not {allowed}",
            bytes.len()
        );
        assert!(time < PATIENCE, "{name}: {time:?}");
    }
    // These invalid files must be refused with the expected error codes.
    for (bytes, code) in [
        (chain(300, Some(16_777_215), 1).xgboost().into_bytes(), "import_failed"),
        (chain(1, None, 500_000_000).xgboost().into_bytes(), "import_failed"),
    ] {
        assert_eq!(TreeEnsemble::from_xgboost(&bytes).unwrap_err().code(), code);
    }
    assert_eq!(
        TreeEnsemble::from_bytes(&claiming(134_217_728)).unwrap_err().code(),
        "artifact_damaged"
    );
    assert!(TreeEnsemble::from_bytes(&claiming(4)).is_ok());
    // These valid files are similar to the invalid files, but must be imported.
    assert!(import(&chain(1, Some(16_777_215), 1).xgboost().into_bytes()).is_some());
    assert!(import(&chain(20_000, None, 1).lightgbm(20_000).into_bytes()).is_some());
    assert!(import(&chain(20_000, Some(63), 1).xgboost().into_bytes()).is_some());
}

/// Changes a file at a few random places. Each change replaces a byte, flips a bit, inserts digits, overwrites bytes
/// with a number, or removes or repeats a part of the file.
fn mutated(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.below(bytes.len());
        let length = dice.below(64).min(bytes.len() - at);
        match dice.below(6) {
            0 => bytes[at] = dice.below(256) as u8,
            1 => bytes[at] ^= 1 << dice.below(8),
            2 => drop(bytes.splice(at..at, *b"99999999")),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let part = bytes[at..at + length].to_vec();
                drop(bytes.splice(at..at, part));
            }
            _ => {
                let word = [u32::MAX, 1 << 27, 1 << 16, 0][dice.below(4)].to_le_bytes();
                bytes.iter_mut().skip(at).zip(word).for_each(|(byte, new)| *byte = new);
            }
        }
    }
    bytes
}

#[test]
#[ignore = "runs in a separate process"]
fn mutated_models() {
    let nightly = std::env::var_os("CHURN_NIGHTLY").is_some();
    let read = |path: String| std::fs::read(path).expect("a model");
    let names = [
        "lightgbm_categories.txt",
        "lightgbm_numeric.txt",
        "xgboost_categories.json",
        "xgboost_dart.json",
    ];
    let foreign: Vec<Vec<u8>> = names
        .iter()
        .map(|name| read(fixture(&format!("models/{name}")).display().to_string()))
        .collect();
    let names = ["model", "classifier", "trees", "trees_of_categories"];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/artifact");
    let own: Vec<Vec<u8>> = names.iter().map(|name| read(format!("{folder}/{name}"))).collect();
    let mut dice = Dice::new(17);
    let (mut imported, mut refused) = (0, 0);
    for number in 0..if nightly { 6_000 } else { 200 } {
        match import(&mutated(&foreign[number % foreign.len()], &mut dice)) {
            Some(trees) => {
                score(&trees);
                imported += 1;
            }
            None => refused += 1,
        }
    }
    println!("foreign models: {imported} imported, {refused} refused");
    let (mut opened, mut refused) = (0, 0);
    for number in 0..if nightly { 10_000 } else { 300 } {
        // Only the metadata or the payload is mutated. The file is then assembled with the correct lengths and the
        // correct checksum.
        let bytes = &own[number % own.len()];
        let metadata = u32::from_le_bytes(bytes[12..16].try_into().expect("four bytes")) as usize;
        let (metadata, payload) = (&bytes[24..24 + metadata], &bytes[24 + metadata..bytes.len() - 32]);
        let bytes = match number % 5 {
            0 => file(&mutated(metadata, &mut dice), payload),
            _ => file(metadata, &mutated(payload, &mut dice)),
        };
        open(&bytes);
        let fits = ChurnModel::from_bytes(&bytes).is_ok()
            || ChurnClassifier::from_bytes(&bytes).is_ok()
            || TreeEnsemble::from_bytes(&bytes).is_ok();
        *(if fits { &mut opened } else { &mut refused }) += 1;
    }
    println!("model files: {opened} opened, {refused} refused");
}

#[test]
#[ignore = "runs in a separate process"]
fn tables() {
    // Creates a customer row with `columns` attributes.
    let row = |columns: usize| {
        let mut row = vec![
            ("customer_id".to_owned(), Value::Text("a".into())),
            ("signed_up_at".to_owned(), Value::Text("2024-01-01".into())),
        ];
        row.extend((0..columns).map(|column| (format!("attribute_{column}"), Value::Int(column as i64))));
        row
    };
    for (columns, fits) in [(5_000, true), (9_990, true), (40_000, false), (100_000, false)] {
        let begin = Instant::now();
        let customers = Table::from_values([row(columns)]).expect("a table");
        let built = TenantRecords::builder("t")
            .customers(customers)
            .static_attributes(StaticAttributes::All)
            .execution(Execution::new().threads(1))
            .build();
        println!("{columns} attributes: {:?}", begin.elapsed());
        match built {
            Ok(_) => assert!(fits),
            Err(error) => assert_eq!((error.code(), fits), ("unreadable_table", false)),
        }
        assert!(begin.elapsed() < PATIENCE);
    }
    // The table of these rows would need one column for each key, because the rows have no key in common. Such a table
    // must be refused.
    let sparse = (0..100_000).map(|row| vec![(format!("key {row}"), Value::Int(1))]);
    assert_eq!(Table::from_values(sparse).unwrap_err().code(), "unreadable_table");
    // The memory that a table with only invalid rows needs must be proportional to the size of the table.
    let mut csv = String::from("customer_id,due_at,amount\n");
    (0..100_000).for_each(|row| writeln!(csv, "c{row},x,x").expect("a string"));
    let (taken, _) = measured(|| {
        let customers = Table::from_csv(&b"customer_id,signed_up_at\na,2024-01-01\n"[..]).expect("a table");
        let payments = Table::from_csv(csv.as_bytes()).expect("a table");
        let builder = TenantRecords::builder("t").customers(customers).payments(payments);
        let built = builder
            .on_invalid(OnInvalid::Quarantine)
            .execution(Execution::new().threads(1))
            .build();
        let (records, _) = built.expect("no row that is left");
        let date = ["2025-01-01".parse().expect("a date")];
        features(&records, &date, &FeaturePlan::default(), &Execution::new().threads(1)).expect("features");
    });
    println!(
        "a table of {} bytes, every row wrong three times: {taken} taken",
        csv.len()
    );
    assert!(taken <= 64 * csv.len() + FLOOR, "{} bytes took {taken}", csv.len());
}
