//! Enums with stable names. From one list of variants and names, a macro generates `as_str`, `ALL`, `Display`,
//! `FromStr` and the serde implementations.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, EnumAccess, VariantAccess, Visitor};

use crate::error::{Error, ErrorKind, excerpt};

/// The trait of every enum that the macro `names!` declares.
pub trait Named: Copy + 'static {
    /// The name of the Rust type.
    const TYPE: &'static str;
    /// The name of the option, column or field whose values have this type. Error messages contain this name.
    const WHAT: &'static str;
    /// Every variant with its name, in the order of declaration.
    const NAMES: &'static [(Self, &'static str)];
    /// Names that variants had in older versions of the library. Files may still contain these names.
    const ALIASES: &'static [(Self, &'static str)];
    /// The names of all variants, in the order of declaration.
    const TEXTS: &'static [&'static str];

    /// The variant with this name; `None` if there is no such variant.
    fn find(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(_, known)| *known == name)?;
        Some(found.0)
    }
}

/// Parses the name of a variant. The macro `names!` uses this function to implement `FromStr`.
pub fn parse<T: Named>(name: &str) -> Result<T, Error> {
    T::find(name).ok_or_else(|| unknown(T::WHAT, name, T::TEXTS))
}

/// The error for a name that is not one of the known names.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> Error {
    let near = suggestion(name, known, "values");
    let message = format!("invalid value '{}' for {what}{near}", excerpt(name));
    Error::new(ErrorKind::InvalidOption, message).at(None, None, Some(what))
}

/// The last part of the error message for an unknown name, such as `"; did you mean 'refuse'? known values: refuse,
/// warn, allow"`.
pub(crate) fn suggestion(unknown: &str, known: &[&str], what: &str) -> String {
    let near = nearest(unknown, known).map_or_else(|| ";".to_owned(), |near| format!("; did you mean '{near}'?"));
    format!("{near} known {what}: {}", known.join(", "))
}

/// The known name that is most similar to a misspelt name; `None` if more than about a third of the letters differ.
pub(crate) fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    // A text of more than 64 bytes is too long to be a misspelt name.
    if unknown.len() > 64 {
        return None;
    }
    let lower = unknown.to_lowercase();
    let near = known.iter().map(|name| (distance(&lower, name), *name)).min()?;
    (3 * near.0 <= unknown.len().max(3)).then_some(near.1)
}

/// The edit distance of two texts (Levenshtein, 1966): the smallest number of letters that must be inserted, deleted or
/// replaced to turn one text into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(from != *to))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

/// Deserializes a [`Named`] enum. Text formats contain the name of the variant, and binary formats contain its
/// position. An implementation derived by serde would read the same formats, but its error messages would not suggest a
/// name.
pub fn deserialize<'de, T: Named, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_enum(T::TYPE, T::TEXTS, ByName(PhantomData::<T>))
}

struct ByName<T>(PhantomData<T>);

impl<'de, T: Named> Visitor<'de> for ByName<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", T::TEXTS.join(", "))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<T, A::Error> {
        let (Variant(found), access) = data.variant::<Variant<T>>()?;
        access.unit_variant()?;
        Ok(found)
    }
}

/// A variant of an enum, deserialized from its name or from its position in the enum.
struct Variant<T>(T);

impl<'de, T: Named> Deserialize<'de> for Variant<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(ByName(PhantomData::<Variant<T>>))
    }
}

impl<'de, T: Named> Visitor<'de> for ByName<Variant<T>> {
    type Value = Variant<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", T::TEXTS.join(", "))
    }

    fn visit_u64<E: serde::de::Error>(self, position: u64) -> Result<Variant<T>, E> {
        let found = usize::try_from(position).ok().and_then(|at| T::NAMES.get(at));
        let wrong = || E::invalid_value(serde::de::Unexpected::Unsigned(position), &self);
        found.map(|(variant, _)| Variant(*variant)).ok_or_else(wrong)
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Variant<T>, E> {
        let old = || {
            let alias = T::ALIASES.iter().find(|(_, known)| *known == name)?;
            Some(alias.0)
        };
        T::find(name).or_else(old).map(Variant).ok_or_else(|| {
            let near = suggestion(name, T::TEXTS, "values");
            E::custom(format_args!("'{}' is not known{near}", excerpt(name)))
        })
    }
}

/// Declares an enum whose variants have stable names. The names are the same in Rust, Python, Node and files. The macro
/// implements `ALL`, `as_str`, `Display`, `FromStr`, `Serialize` and `Deserialize` for the enum. The error for an
/// unknown name lists all names and suggests the most similar one.
///
/// The text after the name of the enum is the name of the option or column whose values have this type. The names after
/// `|` are from older versions of the library. Only deserialization accepts these older names.
#[doc(hidden)]
#[macro_export]
macro_rules! names {
    (
        $(#[$attribute:meta])*
        pub enum $type:ident: $what:literal {
            $($(#[$variant_attribute:meta])* $variant:ident = $name:literal $(| $alias:literal)*,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type {
            $($(#[$variant_attribute])* $variant,)*
        }

        impl $type {
            /// Every variant, in the order of declaration.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The stable name of the variant. It is the same in all languages.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        #[doc(hidden)]
        impl $crate::private::Named for $type {
            const TYPE: &'static str = stringify!($type);
            const WHAT: &'static str = $what;
            const NAMES: &'static [(Self, &'static str)] = &[$((Self::$variant, $name)),*];
            const ALIASES: &'static [(Self, &'static str)] = &[$($((Self::$variant, $alias),)*)*];
            const TEXTS: &'static [&'static str] = &[$($name),*];
        }

        impl ::std::fmt::Display for $type {
            /// Writes the stable name of the variant.
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::private::Error;

            /// Returns the variant with the given stable name.
            ///
            /// # Errors
            #[doc = concat!("`invalid_option` with column `", $what, "` for any other text.")]
            fn from_str(name: &str) -> ::std::result::Result<Self, Self::Err> {
                $crate::private::parse(name)
            }
        }

        impl $crate::private::Serialize for $type {
            fn serialize<S: $crate::private::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_unit_variant(stringify!($type), *self as u32, self.as_str())
            }
        }

        impl<'de> $crate::private::Deserialize<'de> for $type {
            fn deserialize<D: $crate::private::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::private::deserialize(deserializer)
            }
        }
    };
}

pub(crate) use names;

#[cfg(test)]
#[allow(unreachable_pub)] // the macro declares public enums
mod tests {
    use serde_json::json;

    names! {
        /// Colours.
        pub enum Colour: "colour" {
            /// Red.
            Red = "red",
            /// Green.
            DarkGreen = "dark_green" | "green",
        }
    }

    #[test]
    fn a_name_is_read_and_written() {
        assert_eq!(Colour::ALL.map(Colour::as_str), ["red", "dark_green"]);
        for colour in Colour::ALL {
            assert_eq!(colour.to_string().parse::<Colour>().unwrap(), colour);
            assert_eq!(
                serde_json::from_value::<Colour>(json!(colour.as_str())).unwrap(),
                colour
            );
            assert_eq!(json!(colour), json!(colour.as_str()));
        }
        assert_eq!(format!("{:>5}|{:<5}", Colour::Red, Colour::Red), "  red|red  ");
    }

    #[test]
    fn binary_files_hold_the_position() {
        let config = bincode::config::standard();
        let bytes = bincode::serde::encode_to_vec(Colour::ALL, config).unwrap();
        assert_eq!(bytes, [0, 1]);
        let (read, _): ([Colour; 2], usize) = bincode::serde::decode_from_slice(&bytes, config).unwrap();
        assert_eq!(read, Colour::ALL);
        assert!(bincode::serde::decode_from_slice::<Colour, _>(&[2], config).is_err());
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest() {
        let error = "Dark_gren".parse::<Colour>().unwrap_err();
        assert_eq!((error.code(), error.column()), ("invalid_option", Some("colour")));
        assert_eq!(
            error.to_string(),
            "invalid value 'Dark_gren' for colour; did you mean 'dark_green'? known values: red, dark_green"
        );
        let error = "".parse::<Colour>().unwrap_err().to_string();
        assert_eq!(error, "invalid value '' for colour; known values: red, dark_green");
        let error = serde_json::from_value::<Colour>(json!("rad")).unwrap_err().to_string();
        assert_eq!(
            error,
            "'rad' is not known; did you mean 'red'? known values: red, dark_green"
        );
        assert!(serde_json::from_value::<Colour>(json!(1)).is_err());
    }

    #[test]
    fn older_names_are_read_from_files_alone() {
        assert_eq!(
            serde_json::from_value::<Colour>(json!("green")).unwrap(),
            Colour::DarkGreen
        );
        assert!("green".parse::<Colour>().is_err());
    }
}
