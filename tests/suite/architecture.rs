//! Tests the architecture. The modules of `churn-core` must depend on each other in one direction only, and only one of
//! them may use threads. Every top-level folder of the repository must be in a fixed list.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `churn-core`, grouped into layers. The lowest layer is first. A module may use modules of lower
/// layers and of the same layer.
const LAYERS: &[&[&str]] = &[
    &["error", "numeric", "options", "parallel", "time"],
    &["record"],
    &["input"],
    &["synthetic"],
    &["features"],
    &["preprocess"],
    &["metrics"],
    &["leakage"],
    &["ensemble"],
    &["calibration"],
    &["explain"],
    &["artifact"],
    &["evaluate"],
    &["model"],
    &["classifier"],
];

/// The module that contains what exported macros need when they are used in other crates. It belongs to no layer.
const EXPANSION: &str = "private";

const TOP: &[&str] = &[
    "churn-core",
    "churn-store",
    "bindings-python",
    "bindings-node",
    "examples",
    "benches",
    "tests",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// A source file of `churn-core`. `path` is relative to `src`, and `code` contains neither comments nor tests.
struct Source {
    path: String,
    code: String,
}

impl Source {
    /// Returns the module that the file belongs to. For `lib.rs`, this is `lib`.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Returns the number of levels between the crate root and the module.
    fn depth(&self) -> usize {
        let names = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") {
            names - 1
        } else {
            names
        }
    }
}

fn sources() -> Vec<Source> {
    let src = root().join("churn-core/src");
    let mut found = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let below = path.strip_prefix(&src).unwrap();
                let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
                found.push(Source {
                    path: names.join("/"),
                    code: code(&text),
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 20, "only {} sources found", found.len());
    found
}

/// Returns the code of a source file without comments and without items that only tests use.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        if bare.starts_with("#[cfg(test)]") {
            let indent = line.len() - bare.len();
            let end = format!("{}}}", " ".repeat(indent));
            // Items such as `mod tests;` and `use x;` end on the line on which they begin. `mod tests { .. }` ends at
            // its closing brace.
            let item = lines.by_ref().find(|line| !line.trim_start().starts_with("#["));
            if item.is_some_and(|item| item.trim_end().ends_with('{')) {
                lines.by_ref().find(|line| *line == end);
            }
        } else if !bare.starts_with("//") {
            code.push_str(line.split(" // ").next().unwrap_or(line));
            code.push('\n');
        }
    }
    code
}

/// Returns the names of all modules that follow `crate::` in the code. In `crate::{a, b}`, these are the names in
/// braces.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let behind = code.match_indices("crate::").map(|(at, path)| &code[at + path.len()..]);
    for rest in behind {
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let mut level = 0;
        let mut at_start = true;
        for (at, sign) in group.char_indices() {
            match sign {
                '}' if level == 0 => break,
                '{' => level += 1,
                '}' => level -= 1,
                ',' if level == 0 => at_start = true,
                sign if at_start && level == 0 && !sign.is_whitespace() => {
                    names.insert(word(&group[at..]));
                    at_start = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|&sign| sign.is_alphanumeric() || sign == '_')
        .collect()
}

#[test]
fn lower_layers_do_not_import_upper_ones() {
    let mut wrong = Vec::new();
    for source in sources() {
        let module = source.module();
        if module == "lib" {
            continue;
        }
        let Some(own) = layer(module) else {
            wrong.push(format!("{}: the module has no layer", source.path));
            continue;
        };
        let paths = crate_paths(&source.code);
        for used in paths.iter().filter(|path| *path != EXPANSION) {
            match layer(used) {
                Some(other) if other <= own => {}
                Some(_) => wrong.push(format!("{}: {module} uses {used} above it", source.path)),
                None => wrong.push(format!("{}: crate::{used} is not a module", source.path)),
            }
        }
        let upward_path = "super::".repeat(source.depth());
        if source.code.contains(&upward_path) {
            wrong.push(format!("{}: leaves its module with {upward_path}", source.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_crate_lists_its_modules_from_the_lowest_layer_up() {
    let sources = sources();
    let lib = sources.iter().find(|source| source.path == "lib.rs").unwrap();
    let modules = lib.code.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    assert!(modules.eq(LAYERS.iter().copied().flatten().copied()));
}

#[test]
fn threads_live_in_one_module() {
    let thread_words = ["rayon", "thread::spawn", "thread::scope"];
    for source in sources() {
        for word in thread_words {
            let found = source.module() != "parallel" && source.code.contains(word);
            assert!(!found, "{} uses {word}", source.path);
        }
    }
}

#[test]
fn every_folder_is_in_the_plan() {
    // These folders contain build output that git ignores, so the test allows them.
    let left_behind = ["target", "dist", "node_modules"];
    for entry in fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let known = TOP.contains(&name.as_str()) || left_behind.contains(&name.as_str()) || name.starts_with('.');
        assert!(known || !entry.path().is_dir(), "the folder {name} is not in the plan");
    }
}

mod reading {
    use super::*;

    #[test]
    fn finds_names_behind_crate() {
        let names =
            crate_paths("use crate::{error::{Error, Result}, model,\n    time::AsOf};\nlet x = crate::record::NEVER;");
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(names, ["error", "model", "record", "time"]);
    }

    #[test]
    fn leaves_out_comments_and_tests() {
        let text = "//! rayon\nuse a;\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    fn b() {\n    }\n}\nuse c; // d\n#[cfg(test)]\nuse e;\nuse f;\n";
        assert_eq!(code(text), "use a;\nuse c;\nuse f;\n");
    }
}
