//! Enforces the vocabulary of the project. No text file may contain a phrase for which the vocabulary has another term.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The phrases that must not be used. Each phrase is in lower case, and is listed with the term to use instead. A
/// phrase matches only whole words.
const REPLACED: &[(&str, &str)] = &[
    ("the same bits", "bit-identical, deterministic, reproducible"),
    ("held out in turn", "out-of-fold"),
    ("that none of them saw", "out-of-fold"),
    ("rarer class", "minority class"),
    ("know the label", "leak the target"),
    ("knows the label", "leaks the target"),
    ("vouch", "declare static"),
    ("vouches", "declares static"),
    ("vouched", "declared static"),
    ("doubt of the members", "model uncertainty"),
    ("members' own doubt", "model uncertainty"),
    ("what it is worth", "how well it performs"),
    ("taken over", "supported, imported"),
    ("take over", "import"),
    ("takes over", "imports"),
    ("value it may not have", "invalid value"),
    ("nothing of the transaction was kept", "the transaction was rolled back"),
    ("tries to get across", "verifies tenant isolation"),
    ("may come twice", "idempotent"),
    ("where a source stands", "the sync cursor of a source"),
    ("how-many-eth", "the ordinal"),
    ("must not come near", "must beat a permutation test"),
    ("bends more", "is more flexible"),
    ("dealt to folds", "folds are stratified"),
    ("made-up", "synthetic"),
    ("known world", "synthetic tenants with known risk"),
    ("known worlds", "synthetic tenants with known risk"),
    ("rooms", "modules"),
    ("he", "they"),
    ("his", "their"),
    ("him", "them"),
    ("himself", "themselves"),
];

const TEXT: [&str; 12] = [
    "rs", "py", "pyi", "js", "mjs", "ts", "md", "toml", "sh", "sql", "ipynb", "yml",
];

/// The files that may contain these phrases: this file, and the changelog, which names old spellings.
const EXEMPT: [&str; 2] = ["tests/suite/vocabulary.rs", "CHANGELOG.md"];

fn files(root: &Path) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output()
        .expect("git lists files");
    let listed = String::from_utf8(listed.stdout).expect("names are UTF-8");
    let is_text = |name: &&str| name.rsplit('.').next().is_some_and(|end| TEXT.contains(&end));
    listed
        .split('\0')
        .filter(is_text)
        .filter(|name| !EXEMPT.contains(name) && !name.contains("/fixtures/"))
        .map(|name| root.join(name))
        .collect()
}

/// Returns the first replaced phrase that occurs as whole words in a line of lower-case text.
fn phrase_in(line: &str) -> Option<&'static (&'static str, &'static str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    REPLACED.iter().find(|(phrase, _)| {
        line.match_indices(phrase).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + phrase.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
    })
}

#[test]
fn no_replaced_phrase_is_left() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let files = files(root);
    assert!(files.len() > 200, "only {} files were found", files.len());
    let mut found = vec![];
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            if let Some((phrase, instead)) = phrase_in(&line.to_lowercase()) {
                let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
                found.push(format!("{name}:{}: '{phrase}' (write: {instead})", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_phrase_is_found_only_as_words() {
    assert!(phrase_in("the customer and his plan").is_some());
    assert!(phrase_in("this history").is_none());
    assert!(phrase_in("a column that knows the label.").is_some());
}
