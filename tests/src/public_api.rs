//! Lists the public API of the Rust crates as text. The text has one block for each public item, with the declaration,
//! the methods and the trait implementations of the item.
//!
//! The API is read from the HTML pages that rustdoc writes. The stable toolchain can write these pages, and they also
//! contain the items that macros generate. Items with `#[doc(hidden)]` are not listed.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of the file in `tests/fixtures` that lists the public API.
pub const FIXTURE: &str = "public_api.txt";

/// The crates whose API is listed. Each element is the name of a crate in Rust code and its name in Cargo.
const CRATES: [(&str, &str); 2] = [("churn_core", "churn-core"), ("churn_store", "churn-store")];

/// Runs rustdoc on the crates and lists their public API.
///
/// # Panics
/// Panics if cargo fails, or if the pages of rustdoc do not have the expected format.
pub fn list() -> String {
    let docs = document();
    let mut listed = String::new();
    for (name, _) in CRATES {
        let folder = docs.join(name);
        let index = read(&folder.join("index.html"));
        for reexport in headers(section(&index, "id=\"reexports\"", "</dl>"), "<code>", "</code>") {
            writeln!(listed, "{name}\n  {reexport}\n").unwrap();
        }
        let all = read(&folder.join("all.html"));
        let mut pages: Vec<&str> = all
            .split("<li><a href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|page| page.ends_with(".html"))
            .collect();
        pages.sort_unstable();
        assert!(pages.len() > 10, "{name} has only {} items", pages.len());
        for page in pages {
            item(&mut listed, name, page, &read(&folder.join(page)));
        }
    }
    listed
}

/// Runs `cargo doc` with the target folder that contains this program. Returns the folder of the HTML pages.
fn document() -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["doc", "--quiet", "--offline", "--no-deps", "--all-features"]);
    for (_, package) in CRATES {
        command.args(["--package", package]);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    assert!(command.current_dir(root).status().expect("cargo runs").success());
    // This program is in the folder `debug` of the target folder, or in `debug/deps` if it is a test. The HTML pages
    // are in the folder `doc`, next to `debug`.
    let program = env::current_exe().expect("the path of this program");
    let docs = program.ancestors().skip(2).map(|folder| folder.join("doc"));
    docs.take(2)
        .find(|docs| docs.join(CRATES[0].0).is_dir())
        .expect("the pages are in the target folder")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Appends the block of one item to the text `listed`.
fn item(listed: &mut String, name: &str, page: &str, html: &str) {
    let (modules, file) = page.rsplit_once('/').unwrap_or(("", page));
    let item = file.split('.').nth(1).expect("a page is named after its kind and item");
    let path: Vec<&str> = [name].into_iter().chain(modules.split('/')).chain([item]).collect();
    let path: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
    writeln!(listed, "{}", path.join("::")).unwrap();
    for declaration in headers(html, "<pre class=\"rust item-decl\"><code>", "</code></pre>").take(1) {
        writeln!(listed, "  {declaration}").unwrap();
    }
    let own = section(html, "id=\"implementations-list\"", "id=\"trait-implementations\"");
    let own = own.split("id=\"synthetic-implementations\"").next().unwrap_or_default();
    for header in headers(own, "<h4 class=\"code-header\">", "</h4>") {
        writeln!(listed, "  {header}").unwrap();
    }
    let traits = section(
        html,
        "id=\"trait-implementations-list\"",
        "id=\"synthetic-implementations\"",
    );
    let mut traits: Vec<String> = headers(traits, "<h3 class=\"code-header\">", "</h3>").collect();
    traits.sort_unstable();
    for header in traits {
        writeln!(listed, "  {header}").unwrap();
    }
    listed.push('\n');
}

/// Returns the part of an HTML text between the mark `from` and the mark `to`. If `to` is missing, the part extends to
/// the end of the text. If `from` is missing, the part is empty.
fn section<'a>(html: &'a str, from: &str, to: &str) -> &'a str {
    let rest = html.split_once(from).map_or("", |(_, rest)| rest);
    rest.split_once(to).map_or(rest, |(section, _)| section)
}

/// Returns the text of every HTML element that has the given opening and closing tags.
fn headers<'a>(html: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = String> + 'a {
    let elements = html.split(open).skip(1);
    elements.map(move |rest| text(rest.split(close).next().unwrap_or_default()))
}

/// Removes the tags of an HTML fragment, and returns its text on one line. The labels of collapsible parts are left
/// out.
fn text(html: &str) -> String {
    let mut plain = String::new();
    for (at, part) in html.split("<summary").enumerate() {
        let part = match at {
            0 => part,
            _ => part.split_once("</summary>").map_or("", |(_, rest)| rest),
        };
        let mut rest = part;
        while let Some((before, tag)) = rest.split_once('<') {
            plain.push_str(before);
            // In the HTML, each Rust attribute is on a separate line. The end of such a line becomes a space.
            if tag.starts_with("/div") {
                plain.push(' ');
            }
            rest = tag.split_once('>').map_or("", |(_, rest)| rest);
        }
        plain.push_str(rest);
    }
    let plain = plain
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace('ⓘ', " ")
        .replace("&amp;", "&");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_labels_are_left_out() {
        let html = "pub fn <a class=\"fn\">at</a>(&amp;self) <details><summary>Show 3</summary>-&gt;\n  u8</details>";
        assert_eq!(text(html), "pub fn at(&self) -> u8");
    }

    #[test]
    fn an_item_has_its_declaration_its_methods_and_its_traits() {
        let html = "<pre class=\"rust item-decl\"><code>pub struct A;</code></pre><div id=\"implementations-list\">\
            <h4 class=\"code-header\">pub fn b()</h4><h2 id=\"trait-implementations\"></h2>\
            <div id=\"trait-implementations-list\"><h3 class=\"code-header\">impl Copy for A</h3>\
            <h4 class=\"code-header\">fn c()</h4><h2 id=\"synthetic-implementations\"></h2>\
            <h3 class=\"code-header\">impl Send for A</h3>";
        let mut listed = String::new();
        item(&mut listed, "crate", "m/struct.A.html", html);
        assert_eq!(
            listed,
            "crate::m::A\n  pub struct A;\n  pub fn b()\n  impl Copy for A\n\n"
        );
    }
}
