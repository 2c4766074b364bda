//! Support for structs of options: builder methods, and methods that read options from JSON. If the JSON text contains
//! a value for an option, this value replaces the default.
//!
//! The Python and Node bindings pass options as JSON. Names, defaults and error messages are therefore defined only
//! here.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result, excerpt, suggestion};

/// A struct of options that can be read from a JSON object.
pub(crate) trait Options {
    /// Overwrites the options of this struct that have a value in `given`. All other options keep their values.
    fn read(&mut self, given: &mut Given) -> Result<()>;
}

/// Reads options from the text of a JSON object. An option that is not given keeps its value in `defaults`.
pub(crate) fn from_json<T: Options>(defaults: T, json: &str) -> Result<T> {
    let value = serde_json::from_str(json)
        .map_err(|error| invalid("options", format!("the options are not valid JSON: {error}")))?;
    from_value(defaults, value)
}

/// Reads options from a JSON object. An option that is not given, or is null, keeps its value in `defaults`.
pub(crate) fn from_value<T: Options>(mut defaults: T, value: Value) -> Result<T> {
    let mut given = Given::new(None, value)?;
    defaults.read(&mut given)?;
    given.finish()?;
    Ok(defaults)
}

fn invalid(option: &str, message: String) -> Error {
    Error::new(ErrorKind::InvalidOption, message).at(None, None, Some(option))
}

/// The members (pairs of name and value) of a JSON object that contains options. A member is removed when it is read,
/// so any member that remains at the end is an unknown option.
pub(crate) struct Given {
    /// The name of the option that has this object as its value; `None` for the outermost object.
    within: Option<&'static str>,
    members: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Given {
    pub(crate) fn new(within: Option<&'static str>, value: Value) -> Result<Self> {
        let members = match value {
            Value::Object(members) => members,
            Value::Null => Map::new(),
            _ => {
                let name = within.unwrap_or("options");
                return Err(invalid(name, format!("{name} must be an object of options")));
            }
        };
        Ok(Self {
            within,
            members,
            known: vec![],
        })
    }

    /// Removes an option from the JSON object and returns its value; `None` if the option is not given or is null.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// Whether the JSON object contains a value other than null for an option.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// Sets `option` to the value in the JSON object. If there is no value, or if the value is null, `option` is
    /// unchanged.
    pub(crate) fn set<T: DeserializeOwned>(&mut self, name: &'static str, option: &mut T) -> Result<()> {
        if let Some(value) = self.take(name) {
            *option = serde_json::from_value(value).map_err(|error| self.wrong(name, error))?;
        }
        Ok(())
    }

    /// Sets an option whose value is a list, if the JSON object contains a value for it. A single element counts as a
    /// list of one element.
    pub(crate) fn set_list<T: DeserializeOwned>(&mut self, name: &'static str, option: &mut Vec<T>) -> Result<()> {
        if let Some(value) = self.take(name) {
            let list = match value {
                Value::Array(values) => values,
                one => vec![one],
            };
            *option = serde_json::from_value(Value::Array(list)).map_err(|error| self.wrong(name, error))?;
        }
        Ok(())
    }

    /// Sets an option whose value is a struct of options, if the JSON object contains a value for it. `false` switches
    /// the option off, `true` sets it to its default, and an object replaces parts of the default.
    pub(crate) fn set_member<T: Options>(
        &mut self,
        name: &'static str,
        option: &mut Option<T>,
        default: impl FnOnce() -> T,
    ) -> Result<()> {
        match self.take(name) {
            None => {}
            Some(Value::Bool(on)) => *option = on.then(default),
            Some(value) => {
                let mut given = Given::new(Some(name), value)?;
                let mut own = default();
                own.read(&mut given)?;
                given.finish()?;
                *option = Some(own);
            }
        }
        Ok(())
    }

    /// The error for a value that cannot be read. If this object is the value of an outer option, the `column` of the
    /// error is the name of the outer option.
    pub(crate) fn wrong(&self, name: &str, why: impl fmt::Display) -> Error {
        match self.within {
            None => invalid(name, format!("invalid value for option '{name}': {why}")),
            Some(within) => invalid(
                within,
                format!("invalid value for option '{name}' of '{within}': {why}"),
            ),
        }
    }

    /// Returns an error if the JSON object contains an unknown option. All known options must have been read before.
    ///
    /// # Errors
    /// `invalid_option` if an unknown option remains.
    pub(crate) fn finish(self) -> Result<()> {
        let Some(unknown) = self.members.keys().next() else {
            return Ok(());
        };
        let shown = excerpt(unknown);
        let mut message = match self.within {
            None => format!("unknown option '{shown}'"),
            Some(within) => format!("unknown option '{shown}' of '{within}'"),
        };
        message.push_str(&suggestion(unknown, &self.known, "options"));
        Err(invalid(self.within.unwrap_or(&shown), message))
    }
}

/// Generates a `with_` method for each of the given fields.
macro_rules! builders {
    ($options:ty { $($with:ident($field:ident: $kind:ty)),* $(,)? }) => {
        impl $options {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $with(mut self, $field: $kind) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

/// Generates `from_json` and `with_json` for a type that implements [`Options`] and `Default`.
macro_rules! json_methods {
    ($options:ty) => {
        impl $options {
            /// Reads options from the text of a JSON object whose keys are the names of the fields. An option that is
            /// not given, or is null, keeps its default.
            ///
            /// # Errors
            /// `invalid_option` if an option has an unknown name or a value of the wrong type. The error names the
            /// option. For an unknown name, the message suggests the most similar known name.
            pub fn from_json(json: &str) -> $crate::error::Result<Self> {
                Self::default().with_json(json)
            }

            /// Reads options from the text of a JSON object, in the format of [`from_json`](Self::from_json). An option
            /// that is not given, or is null, keeps its current value.
            ///
            /// # Errors
            /// The errors of [`from_json`](Self::from_json).
            pub fn with_json(self, json: &str) -> $crate::error::Result<Self> {
                $crate::options::from_json(self, json)
            }
        }
    };
}

/// Generates the builder methods and the JSON methods of a struct of options. No field of this struct may be a struct
/// of options itself.
macro_rules! plain_options {
    ($options:ident { $($with:ident($field:ident: $kind:ty)),* $(,)? }) => {
        $crate::options::builders!($options { $($with($field: $kind)),* });
        $crate::options::json_methods!($options);

        impl $crate::options::Options for $options {
            fn read(&mut self, given: &mut $crate::options::Given) -> $crate::error::Result<()> {
                // The pattern names every field, so a new field that is missing here causes a compile error.
                let Self { $($field),* } = self;
                $(given.set(stringify!($field), $field)?;)*
                Ok(())
            }
        }
    };
}

pub(crate) use {builders, json_methods, plain_options};

#[cfg(test)]
#[allow(dead_code, unreachable_pub)] // the macro generates public methods
mod tests {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Tree {
        depth: usize,
        share: f64,
    }
    plain_options!(Tree {
        with_depth(depth: usize),
        with_share(share: f64),
    });

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Forest {
        seed: u64,
        names: Vec<String>,
        tree: Option<Tree>,
    }

    impl Options for Forest {
        fn read(&mut self, given: &mut Given) -> Result<()> {
            given.set("seed", &mut self.seed)?;
            given.set_list("names", &mut self.names)?;
            given.set_member("tree", &mut self.tree, || Tree::default().with_depth(7))
        }
    }
    json_methods!(Forest);

    fn read(json: &str) -> Forest {
        Forest::from_json(json).unwrap()
    }

    fn refused(json: &str) -> (String, Option<String>) {
        let error = Forest::from_json(json).unwrap_err();
        assert_eq!(error.code(), "invalid_option");
        (error.to_string(), error.column().map(str::to_owned))
    }

    #[test]
    fn options_override_the_defaults() {
        assert_eq!(read("{}"), Forest::default());
        assert_eq!(read("null"), Forest::default());
        assert_eq!(read(r#"{"seed": null, "tree": null}"#), Forest::default());
        assert_eq!(read(r#"{"seed": 18446744073709551615}"#).seed, u64::MAX);
        assert_eq!(read(r#"{"names": "a"}"#).names, ["a"]);
        assert_eq!(read(r#"{"names": ["a", "b"]}"#).names, ["a", "b"]);
        let tree = |depth, share| Some(Tree { depth, share });
        assert_eq!(read(r#"{"tree": true}"#).tree, tree(7, 0.0));
        assert_eq!(read(r#"{"tree": {"share": 0.5}}"#).tree, tree(7, 0.5));
        let some = read(r#"{"tree": {}}"#);
        assert_eq!(
            some.clone().with_json(r#"{"seed": 1}"#).unwrap(),
            Forest {
                seed: 1,
                ..some.clone()
            }
        );
        assert_eq!(some.with_json(r#"{"tree": false}"#).unwrap().tree, None);
    }

    #[test]
    fn unknown_options_are_refused_with_the_nearest_name() {
        let (message, column) = refused(r#"{"seeds": 1}"#);
        assert_eq!(
            message,
            "unknown option 'seeds'; did you mean 'seed'? known options: seed, names, tree"
        );
        assert_eq!(column.as_deref(), Some("seeds"));
        let (message, column) = refused(r#"{"tree": {"deepness": 1}}"#);
        assert_eq!(
            message,
            "unknown option 'deepness' of 'tree'; known options: depth, share"
        );
        assert_eq!(column.as_deref(), Some("tree"));
        assert!(refused(&format!("{{\"{}\": 1}}", "x".repeat(100_000))).0.len() < 1000);
    }

    #[test]
    fn values_of_another_type_are_refused_by_name() {
        for (json, column) in [
            ("[1]", "options"),
            ("{", "options"),
            (r#"{"seed": -1}"#, "seed"),
            (r#"{"seed": 1.5}"#, "seed"),
            (r#"{"names": [1]}"#, "names"),
            (r#"{"tree": 3}"#, "tree"),
            (r#"{"tree": {"depth": "deep"}}"#, "tree"),
        ] {
            assert_eq!(refused(json).1.as_deref(), Some(column), "{json}");
        }
        assert!(
            refused(r#"{"tree": {"depth": "deep"}}"#)
                .0
                .starts_with("invalid value for option 'depth' of 'tree': ")
        );
    }
}
