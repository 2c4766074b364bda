//! Writes the types as Python dataclasses and typed dictionaries.

use super::schema::{Field, Kind, Shape, Type, Types, wrapped};

const HEAD: &str = r#""""Reports and options as typed Python objects.

Written by ``cargo run -p churn-tests --bin generate_types`` from the Rust types; changes here are lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, TypedDict

from ._report_mixins import EstimateMixin, MeasuresMixin, OutOfTimeMixin, TrainReportMixin


def _moment(text: str) -> datetime:
    """Reads an ISO-8601 date or date-time as a moment in UTC."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


def _text(at: datetime) -> str:
    """Writes a moment as the library does. Midnight UTC is written as a date without a time."""
    plain = at.astimezone(timezone.utc).replace(tzinfo=None)
    midnight = plain.replace(hour=0, minute=0, second=0, microsecond=0)
    return plain.date().isoformat() if plain == midnight else f"{plain.isoformat()}Z"
"#;

const TAIL: &str = r#"

def read(text: str) -> TrainReport:
    """Reads the JSON of a training report."""
    return TrainReport.from_dict(json.loads(text))


def read_folds(text: str) -> list[OutOfTime]:
    """Reads the JSON of a backtest's folds."""
    return [OutOfTime.from_dict(fold) for fold in json.loads(text)]


def read_classifier(text: str) -> ClassifierReport:
    """Reads the JSON of a classifier's report."""
    return ClassifierReport.from_dict(json.loads(text))
"#;

/// The generated Python classes that also have hand-written methods. These methods are in `_report_mixins.py`.
const MIXINS: [&str; 4] = ["Estimate", "Measures", "OutOfTime", "TrainReport"];

pub(super) fn write(types: &Types) -> String {
    let mut out = HEAD.to_owned();
    let ordered = types.in_order();
    let structs: Vec<&str> = ordered
        .iter()
        .filter(|(_, of_type)| matches!(of_type.shape, Shape::Fields(_)))
        .map(|(name, _)| *name)
        .collect();
    let mut behind_alias = false;
    for (name, of_type) in &ordered {
        let alias = matches!(of_type.shape, Shape::Alias(_));
        let apart = if alias && behind_alias { "\n" } else { "\n\n" };
        behind_alias = alias;
        match &of_type.shape {
            Shape::Alias(kind) => {
                let line = format!("{name} = {}", in_python(kind));
                // If a union type is too long for one line, each of its literals is written on a separate line.
                let lines = match line.len() > 120 {
                    true => line
                        .replace("Literal[", "Literal[\n    ")
                        .replace(", ", ",\n    ")
                        .replace(']', ",\n]"),
                    false => line,
                };
                out.push_str(&format!("{apart}{lines}\n"));
                docstring(&mut out, &of_type.doc, "");
            }
            Shape::Fields(fields) if of_type.options => options(&mut out, name, of_type, fields),
            Shape::Fields(fields) => dataclass(&mut out, name, of_type, fields, &structs),
        }
    }
    out.push_str(TAIL);
    out
}

fn options(out: &mut String, name: &str, of_type: &Type, fields: &[Field]) {
    out.push_str(&format!("\n\nclass {name}(TypedDict, total=False):\n"));
    docstring(out, &of_type.doc, "    ");
    for field in fields {
        out.push_str(&format!(
            "\n    {}: {}\n",
            python_name(&field.name),
            in_python(&field.kind)
        ));
        docstring(out, &field.doc, "    ");
    }
}

fn dataclass(out: &mut String, name: &str, of_type: &Type, fields: &[Field], structs: &[&str]) {
    let mixin = MIXINS.contains(&name);
    let (decorator, base) = match (mixin, name) {
        (true, "OutOfTime" | "TrainReport") => ("@dataclass(frozen=True, repr=False)", format!("({name}Mixin)")),
        (true, _) => ("@dataclass(frozen=True)", format!("({name}Mixin)")),
        (false, _) => ("@dataclass(frozen=True)", String::new()),
    };
    out.push_str(&format!("\n\n{decorator}\nclass {name}{base}:\n"));
    docstring(out, &of_type.doc, "    ");
    for field in fields {
        out.push_str(&format!(
            "\n    {}: {}\n",
            python_name(&field.name),
            in_python(&field.kind)
        ));
        docstring(out, &field.doc, "    ");
    }
    out.push_str(&format!(
        "\n    @classmethod\n    def from_dict(cls, given: Mapping[str, Any]) -> {name}:\n        \"\"\"Creates the object from a dict that `to_dict` returned.\"\"\"\n        return cls(\n"
    ));
    for field in fields {
        let value = reader(&field.kind, &format!("given[\"{}\"]", field.name), structs);
        out.push_str(&format!("            {}={value},\n", python_name(&field.name)));
    }
    out.push_str("        )\n");
    out.push_str("\n    def to_dict(self) -> dict[str, Any]:\n        \"\"\"Returns the fields as a dict that ``json.dumps`` accepts.\"\"\"\n        return {\n");
    for field in fields {
        let value = writer(&field.kind, &format!("self.{}", python_name(&field.name)), structs);
        out.push_str(&format!("            \"{}\": {value},\n", field.name));
    }
    out.push_str("        }\n");
}

fn docstring(out: &mut String, doc: &str, indent: &str) {
    if doc.is_empty() {
        return;
    }
    let doc = doc.replace('`', "``");
    // If a docstring ends with a quote, a space is written between this quote and the closing quotes.
    let close = if doc.ends_with('"') { " \"\"\"" } else { "\"\"\"" };
    let one_line = format!("{indent}\"\"\"{doc}{close}\n");
    if one_line.chars().count() <= 121 && !doc.contains('\n') {
        out.push_str(&one_line);
        return;
    }
    for (position, line) in wrapped(&doc, 112 - indent.len()).iter().enumerate() {
        let open = if position == 0 { "\"\"\"" } else { "" };
        out.push_str(format!("{indent}{open}{line}").trim_end());
        out.push('\n');
    }
    out.push_str(&format!("{indent}\"\"\"\n"));
}

/// Returns the name of a field in Python. If the name is a Python keyword, an underscore is appended.
fn python_name(name: &str) -> String {
    match name {
        "from" | "class" => format!("{name}_"),
        name => name.to_owned(),
    }
}

fn in_python(kind: &Kind) -> String {
    match kind {
        Kind::Text => "str".to_owned(),
        Kind::Moment => "datetime".to_owned(),
        Kind::Integer => "int".to_owned(),
        Kind::Number => "float".to_owned(),
        Kind::Bool => "bool".to_owned(),
        Kind::Object => "dict[str, Any]".to_owned(),
        Kind::Named(name) => name.clone(),
        Kind::List(inner) => format!("list[{}]", in_python(inner)),
        Kind::Tuple(inner) => format!("tuple[{}]", joined(inner, ", ")),
        Kind::Union(inner) => joined(inner, " | "),
        Kind::Literals(literals) => {
            let literals: Vec<String> = literals.iter().map(|literal| format!("\"{literal}\"")).collect();
            format!("Literal[{}]", literals.join(", "))
        }
        Kind::Nullable(inner) => format!("{} | None", in_python(inner)),
    }
}

fn joined(kinds: &[Kind], by: &str) -> String {
    kinds.iter().map(in_python).collect::<Vec<_>>().join(by)
}

/// Returns whether a parsed JSON value of this type is already the Python value, so that no conversion is needed.
fn is_plain(kind: &Kind, structs: &[&str]) -> bool {
    match kind {
        Kind::Moment | Kind::List(_) | Kind::Tuple(_) => false,
        Kind::Named(name) => !structs.contains(&name.as_str()),
        Kind::Nullable(inner) => is_plain(inner, structs),
        _ => true,
    }
}

/// Returns the Python expression that converts a parsed JSON value to a value of this type.
fn reader(kind: &Kind, value: &str, structs: &[&str]) -> String {
    match kind {
        _ if is_plain(kind, structs) => value.to_owned(),
        Kind::Moment => format!("_moment({value})"),
        Kind::Named(name) => format!("{name}.from_dict({value})"),
        Kind::List(inner) if is_plain(inner, structs) => format!("list({value})"),
        Kind::List(inner) => format!("[{} for item in {value}]", reader(inner, "item", structs)),
        Kind::Tuple(inner) => {
            let items = inner.iter().enumerate();
            let items: Vec<String> = items
                .map(|(position, kind)| reader(kind, &format!("{value}[{position}]"), structs))
                .collect();
            format!("({})", items.join(", "))
        }
        Kind::Nullable(inner) => format!("None if {value} is None else {}", reader(inner, value, structs)),
        other => panic!("{other:?} cannot be read"),
    }
}

/// Returns the Python expression that converts a value of this type to a value that can be written as JSON.
fn writer(kind: &Kind, value: &str, structs: &[&str]) -> String {
    match kind {
        _ if is_plain(kind, structs) => value.to_owned(),
        Kind::Moment => format!("_text({value})"),
        Kind::Named(_) => format!("{value}.to_dict()"),
        Kind::List(inner) if is_plain(inner, structs) => format!("list({value})"),
        Kind::List(inner) => format!("[{} for item in {value}]", writer(inner, "item", structs)),
        Kind::Tuple(_) => format!("list({value})"),
        Kind::Nullable(inner) => format!("None if {value} is None else {}", writer(inner, value, structs)),
        other => panic!("{other:?} cannot be written"),
    }
}
