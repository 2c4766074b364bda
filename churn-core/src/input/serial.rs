//! Reads rows of any type that implements `Serialize`. Values are not converted to JSON first, so values that JSON
//! cannot represent (NaN, infinities) are kept.

use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeStruct};

use crate::error::{Error, ErrorKind, Result};
use crate::input::json::Columns;
use crate::input::table::{Table, Value};

impl Table {
    /// Reads rows of any type that is serialised to named values, such as a struct or a map. Numbers that JSON cannot
    /// represent (NaN, infinities) are kept.
    ///
    /// # Errors
    /// `unreadable_table` if a row is not a struct or a map, or if a row has the same name twice. The error names the
    /// row.
    pub fn from_rows<T: Serialize>(rows: &[T]) -> Result<Self> {
        let mut columns = Columns::default();
        for (number, row) in rows.iter().enumerate() {
            let failed = |Failed(why): Failed| match why {
                Why::Says(why) => {
                    let why = format!("row {number} cannot be serialised: {why}");
                    Error::new(ErrorKind::UnreadableTable, why).at(None, Some(number as u64), None)
                }
                Why::Is(error) => *error,
            };
            row.serialize(Row {
                columns: &mut columns,
                name: String::new(),
            })
            .map_err(failed)?;
            columns.end_row();
        }
        columns.into_table()
    }
}

#[derive(Debug)]
struct Failed(Why);

#[derive(Debug)]
enum Why {
    Says(String),
    Is(Box<Error>),
}

impl Failed {
    fn says<T>(why: &str) -> Result<T, Self> {
        Err(Self(Why::Says(why.to_owned())))
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Why::Says(why) => f.write_str(why),
            Why::Is(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<T: std::fmt::Display>(why: T) -> Self {
        Self(Why::Says(why.to_string()))
    }
}

/// The serializer of one row. The row must be a struct or a map.
struct Row<'a> {
    columns: &'a mut Columns,
    name: String,
}

impl Row<'_> {
    fn set(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Failed> {
        let value = value.serialize(One)?;
        self.columns
            .set(name, value)
            .map_err(|error| Failed(Why::Is(Box::new(error))))
    }
}

macro_rules! not_a_row {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method(self, _: $type) -> Result<(), Failed> { Failed::says(NOT_A_ROW) })*
    };
}

const NOT_A_ROW: &str = "a row must be a struct or a map of named values";

impl ser::Serializer for Row<'_> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Impossible<(), Failed>;
    type SerializeTuple = Impossible<(), Failed>;
    type SerializeTupleStruct = Impossible<(), Failed>;
    type SerializeTupleVariant = Impossible<(), Failed>;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Failed>;

    not_a_row! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
        serialize_unit_struct: &'static str,
    }
    fn serialize_none(self) -> Result<(), Failed> {
        Failed::says(NOT_A_ROW)
    }
    fn serialize_unit(self) -> Result<(), Failed> {
        Failed::says(NOT_A_ROW)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failed> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Failed> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Failed> {
        Failed::says(NOT_A_ROW)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Failed> {
        Failed::says(NOT_A_ROW)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Failed> {
        Failed::says(NOT_A_ROW)
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Failed> {
        Failed::says(NOT_A_ROW)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Failed> {
        Failed::says(NOT_A_ROW)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Failed> {
        Failed::says(NOT_A_ROW)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self, Failed> {
        Ok(self)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Failed> {
        Ok(self)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Failed> {
        Failed::says(NOT_A_ROW)
    }
}

impl SerializeStruct for Row<'_> {
    type Ok = ();
    type Error = Failed;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Failed> {
        self.set(name, value)
    }
    fn end(self) -> Result<(), Failed> {
        Ok(())
    }
}

impl SerializeMap for Row<'_> {
    type Ok = ();
    type Error = Failed;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        self.name = match key.serialize(One)? {
            Value::Text(name) => name,
            Value::Int(name) => name.to_string(),
            Value::UInt(name) => name.to_string(),
            _ => return Failed::says("a name must be a text"),
        };
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        let name = std::mem::take(&mut self.name);
        self.set(&name, value)
    }
    fn end(self) -> Result<(), Failed> {
        Ok(())
    }
}

/// The serializer of one value in a row.
struct One;

/// The serializer of a composite value, such as a list. No column accepts a composite value.
struct Several(&'static str);

macro_rules! scalar {
    ($($method:ident: $type:ty => $value:expr,)*) => {
        $(fn $method(self, value: $type) -> Result<Value, Failed> { Ok($value(value)) })*
    };
}

impl ser::Serializer for One {
    type Ok = Value;
    type Error = Failed;
    type SerializeSeq = Several;
    type SerializeTuple = Several;
    type SerializeTupleStruct = Several;
    type SerializeTupleVariant = Several;
    type SerializeMap = Several;
    type SerializeStruct = Several;
    type SerializeStructVariant = Several;

    scalar! {
        serialize_bool: bool => Value::Bool,
        serialize_i8: i8 => |value| Value::Int(i64::from(value)),
        serialize_i16: i16 => |value| Value::Int(i64::from(value)),
        serialize_i32: i32 => |value| Value::Int(i64::from(value)),
        serialize_i64: i64 => Value::Int,
        serialize_u8: u8 => |value| Value::Int(i64::from(value)),
        serialize_u16: u16 => |value| Value::Int(i64::from(value)),
        serialize_u32: u32 => |value| Value::Int(i64::from(value)),
        serialize_u64: u64 => |value| i64::try_from(value).map_or(Value::UInt(value), Value::Int),
        serialize_f32: f32 => |value| Value::Float(f64::from(value)),
        serialize_f64: f64 => Value::Float,
        serialize_char: char => |value: char| Value::Text(value.to_string()),
        serialize_str: &str => |value: &str| Value::Text(value.to_owned()),
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Value, Failed> {
        Ok(Value::Unsupported("bytes"))
    }
    fn serialize_i128(self, value: i128) -> Result<Value, Failed> {
        Ok(i64::try_from(value).map_or(Value::Unsupported("an integer beyond 64 bits"), Value::Int))
    }
    fn serialize_u128(self, value: u128) -> Result<Value, Failed> {
        match u64::try_from(value) {
            Ok(value) => self.serialize_u64(value),
            Err(_) => Ok(Value::Unsupported("an integer beyond 64 bits")),
        }
    }
    fn serialize_none(self) -> Result<Value, Failed> {
        Ok(Value::Null)
    }
    fn serialize_unit(self) -> Result<Value, Failed> {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Failed> {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Failed> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, Failed> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Failed> {
        Ok(Value::Text(variant.to_owned()))
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Value, Failed> {
        Ok(Value::Unsupported("an object"))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Several, Failed> {
        Ok(Several("a list"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Several, Failed> {
        Ok(Several("a list"))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Several, Failed> {
        Ok(Several("a list"))
    }
    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Several, Failed> {
        Ok(Several("an object"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Several, Failed> {
        Ok(Several("an object"))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Several, Failed> {
        Ok(Several("an object"))
    }
    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Several, Failed> {
        Ok(Several("an object"))
    }
}

macro_rules! several {
    ($($trait:ident { $($method:ident($($argument:ty),*))* })*) => {
        $(impl ser::$trait for Several {
            type Ok = Value;
            type Error = Failed;
            $(fn $method<T: Serialize + ?Sized>(&mut self, $(_: $argument,)* _: &T) -> Result<(), Failed> { Ok(()) })*
            fn end(self) -> Result<Value, Failed> { Ok(Value::Unsupported(self.0)) }
        })*
    };
}

several! {
    SerializeSeq { serialize_element() }
    SerializeTuple { serialize_element() }
    SerializeTupleStruct { serialize_field() }
    SerializeTupleVariant { serialize_field() }
    SerializeMap { serialize_key() serialize_value() }
    SerializeStruct { serialize_field(&'static str) }
    SerializeStructVariant { serialize_field(&'static str) }
}
