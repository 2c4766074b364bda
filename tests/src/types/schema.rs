//! Converts JSON schemas to a description of types, from which the Python and TypeScript types are written.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The type of a value in a report or in options.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    /// A date, with or without a time of day, as ISO 8601 text.
    Moment,
    Integer,
    Number,
    Bool,
    /// A JSON object with arbitrary members.
    Object,
    /// The type with this name.
    Named(String),
    List(Box<Kind>),
    Tuple(Vec<Kind>),
    Literals(Vec<String>),
    Union(Vec<Kind>),
    Nullable(Box<Kind>),
}

pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) doc: String,
}

pub(super) enum Shape {
    /// An object with these members.
    Fields(Vec<Field>),
    /// A type without members, such as a union of texts.
    Alias(Kind),
}

pub(super) struct Type {
    pub(super) doc: String,
    pub(super) shape: Shape,
    /// Whether the type contains options of the caller. All members of such a type are optional.
    pub(super) options: bool,
}

/// All types of the reports and options, by name.
pub(super) struct Types(pub(super) BTreeMap<String, Type>);

impl Types {
    pub(super) fn read(definitions: &Map<String, Value>) -> Self {
        let types = definitions.iter().map(|(name, schema)| {
            let shape = match schema.get("properties").and_then(Value::as_object) {
                Some(properties) => Shape::Fields(fields(name, schema, properties)),
                None => Shape::Alias(kind(schema)),
            };
            let of_type = Type {
                doc: doc(schema),
                shape,
                options: name.ends_with("Options"),
            };
            (name.clone(), of_type)
        });
        Self(types.collect())
    }

    /// Returns the types with their names. Each type comes after the types that it uses.
    pub(super) fn in_order(&self) -> Vec<(&str, &Type)> {
        let mut ordered = vec![];
        for name in self.0.keys() {
            self.place(name, &mut ordered);
        }
        ordered.into_iter().map(|name| (name, &self.0[name])).collect()
    }

    fn place<'a>(&'a self, name: &str, ordered: &mut Vec<&'a str>) {
        let (name, of_type) = self
            .0
            .get_key_value(name)
            .unwrap_or_else(|| panic!("no schema of {name}"));
        if ordered.contains(&name.as_str()) {
            return;
        }
        let mut used = vec![];
        match &of_type.shape {
            Shape::Fields(fields) => fields.iter().for_each(|field| names(&field.kind, &mut used)),
            Shape::Alias(kind) => names(kind, &mut used),
        }
        used.into_iter().for_each(|used| self.place(&used, ordered));
        ordered.push(name);
    }
}

fn names(kind: &Kind, used: &mut Vec<String>) {
    match kind {
        Kind::Named(name) => used.push(name.clone()),
        Kind::List(inner) | Kind::Nullable(inner) => names(inner, used),
        Kind::Tuple(inner) | Kind::Union(inner) => inner.iter().for_each(|kind| names(kind, used)),
        Kind::Text | Kind::Moment | Kind::Integer | Kind::Number | Kind::Bool | Kind::Object | Kind::Literals(_) => {}
    }
}

/// Returns the members of an object type, in the order of the fields of the Rust struct. The list `required` of the
/// schema has this order.
fn fields(name: &str, schema: &Value, properties: &Map<String, Value>) -> Vec<Field> {
    let required: Vec<&str> = array(schema, "required").iter().filter_map(Value::as_str).collect();
    assert_eq!(
        required.len(),
        properties.len(),
        "{name} has members that may be absent"
    );
    let field = |member: &str| {
        let schema = properties
            .get(member)
            .unwrap_or_else(|| panic!("{name} has no schema of {member}"));
        Field {
            name: member.to_owned(),
            kind: kind(schema),
            doc: doc(schema),
        }
    };
    required.into_iter().map(field).collect()
}

fn array<'a>(schema: &'a Value, key: &str) -> &'a [Value] {
    schema.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn kind(schema: &Value) -> Kind {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return Kind::Named(reference.rsplit('/').next().unwrap_or_default().to_owned());
    }
    if let Some(literal) = schema.get("const").and_then(Value::as_str) {
        return Kind::Literals(vec![literal.to_owned()]);
    }
    let literals = array(schema, "enum");
    if !literals.is_empty() {
        return Kind::Literals(literals.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    let choices = [array(schema, "anyOf"), array(schema, "oneOf")].concat();
    if !choices.is_empty() {
        return union(choices.iter().map(kind_or_null).collect());
    }
    match schema.get("type") {
        Some(Value::String(name)) => of_name(name, schema),
        Some(Value::Array(names)) => {
            let kinds = names
                .iter()
                .filter_map(Value::as_str)
                .map(|name| (name != "null").then(|| of_name(name, schema)));
            union(kinds.collect())
        }
        _ => panic!("no type: {schema}"),
    }
}

fn kind_or_null(schema: &Value) -> Option<Kind> {
    (schema.get("type").and_then(Value::as_str) != Some("null")).then(|| kind(schema))
}

/// Creates the type that is the union of several types. `None` represents null.
fn union(kinds: Vec<Option<Kind>>) -> Kind {
    let nullable = kinds.contains(&None);
    let mut kinds: Vec<Kind> = kinds.into_iter().flatten().collect();
    let literals: Vec<String> = kinds
        .iter()
        .filter_map(|kind| match kind {
            Kind::Literals(literals) => Some(literals.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let kind = match kinds.len() {
        1 => kinds.remove(0),
        _ if kinds.iter().all(|kind| matches!(kind, Kind::Literals(_))) => Kind::Literals(literals),
        _ => Kind::Union(kinds),
    };
    if nullable { Kind::Nullable(Box::new(kind)) } else { kind }
}

fn of_name(name: &str, schema: &Value) -> Kind {
    match name {
        "string" if schema.get("format").and_then(Value::as_str) == Some("date-time") => Kind::Moment,
        "string" => Kind::Text,
        "integer" => Kind::Integer,
        "number" => Kind::Number,
        "boolean" => Kind::Bool,
        "object" => Kind::Object,
        "array" => match array(schema, "prefixItems") {
            [] => Kind::List(Box::new(kind(&schema["items"]))),
            items => Kind::Tuple(items.iter().map(kind).collect()),
        },
        other => panic!("no type of this name: {other}"),
    }
}

/// Returns the documentation of a type or field. Each paragraph is one line. The syntax of Rust's documentation links
/// is removed.
fn doc(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    // Paragraphs about the serde representation of a type are left out, because this representation does not matter in
    // other languages.
    let paragraphs: Vec<String> = text
        .split("\n\n")
        .filter(|paragraph| !paragraph.starts_with("Serde "))
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    unlinked(&paragraphs.join("\n\n").replace("::", "."))
}

/// Replaces ``[`name`](target)`` and ``[`name`]`` by `` `name` ``.
fn unlinked(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("[`") {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(']').unwrap_or(rest.len());
        plain.push_str(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        if rest.starts_with('(') {
            rest = rest.find(')').map_or("", |end| &rest[end + 1..]);
        }
    }
    plain.push_str(rest);
    plain
}

/// Wraps paragraphs at word boundaries to lines of at most `width` characters. An empty line separates paragraphs.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for (position, paragraph) in text.split("\n\n").enumerate() {
        if position > 0 {
            lines.push(String::new());
        }
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_names_and_lines_are_wrapped() {
        assert_eq!(unlinked("a [`B.c`](x.y) and [`D`]."), "a `B.c` and `D`.");
        assert_eq!(wrapped("one two three\n\nfour", 8), ["one two", "three", "", "four"]);
    }
}
