//! Writes the types as TypeScript interfaces.

use super::schema::{Kind, Shape, Types, wrapped};

const HEAD: &str = "\
// Written by `cargo run -p churn-tests --bin generate_types` from the Rust types; changes here are lost.

";

pub(super) fn write(types: &Types) -> String {
    let mut out = HEAD.to_owned();
    for (position, (name, of_type)) in types.in_order().into_iter().enumerate() {
        if position > 0 {
            out.push('\n');
        }
        comment(&mut out, &of_type.doc, "");
        match &of_type.shape {
            Shape::Alias(kind) => out.push_str(&format!("export type {name} = {}\n", in_typescript(kind))),
            Shape::Fields(fields) => {
                out.push_str(&format!("export interface {name} {{\n"));
                for field in fields {
                    comment(&mut out, &field.doc, "  ");
                    let optional = if of_type.options { "?" } else { "" };
                    let member = camel(&field.name);
                    out.push_str(&format!("  {member}{optional}: {}\n", in_typescript(&field.kind)));
                }
                out.push_str("}\n");
            }
        }
    }
    out
}

fn comment(out: &mut String, doc: &str, indent: &str) {
    if doc.is_empty() {
        return;
    }
    let doc = in_camel_case(&doc.replace("`None`", "`null`"));
    let one_line = format!("{indent}/** {doc} */\n");
    if one_line.chars().count() <= 121 && !doc.contains('\n') {
        out.push_str(&one_line);
        return;
    }
    out.push_str(&format!("{indent}/**\n"));
    for line in wrapped(&doc, 117 - indent.len()) {
        out.push_str(format!("{indent} * {line}").trim_end());
        out.push('\n');
    }
    out.push_str(&format!("{indent} */\n"));
}

/// Converts names to camelCase if they are in backticks in a documentation text. Texts in quotes are not changed.
fn in_camel_case(doc: &str) -> String {
    let parts = doc.split('`').enumerate().map(|(position, part)| {
        let name = position % 2 == 1 && part.chars().all(|sign| sign.is_alphanumeric() || "_.".contains(sign));
        if name { camel(part) } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("`")
}

fn camel(name: &str) -> String {
    let mut camel = String::new();
    let mut upper = false;
    for sign in name.chars() {
        if sign == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            camel.extend(sign.to_uppercase());
        } else {
            camel.push(sign);
        }
    }
    camel
}

fn in_typescript(kind: &Kind) -> String {
    match kind {
        Kind::Text | Kind::Moment => "string".to_owned(),
        Kind::Integer | Kind::Number => "number".to_owned(),
        Kind::Bool => "boolean".to_owned(),
        Kind::Object => "object".to_owned(),
        Kind::Named(name) => name.clone(),
        Kind::List(inner) => match in_typescript(inner) {
            inner if inner.contains(" | ") => format!("({inner})[]"),
            inner => format!("{inner}[]"),
        },
        Kind::Tuple(inner) => format!("[{}]", joined(inner, ", ")),
        Kind::Union(inner) => joined(inner, " | "),
        Kind::Literals(literals) => {
            let literals: Vec<String> = literals.iter().map(|literal| format!("'{literal}'")).collect();
            literals.join(" | ")
        }
        Kind::Nullable(inner) => format!("{} | null", in_typescript(inner)),
    }
}

fn joined(kinds: &[Kind], by: &str) -> String {
    kinds.iter().map(in_typescript).collect::<Vec<_>>().join(by)
}
