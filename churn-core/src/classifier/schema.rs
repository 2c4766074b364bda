//! The schema that a language binding may add to the model file of a classifier. The schema contains the labels of the
//! classes, as the caller of the binding wrote them, and the type of each column.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result, names};
use crate::input::{Cell, Table};

/// The label of a class, in the type that the caller used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ClassLabel {
    /// The label is a boolean.
    Bool(bool),
    /// The label is a number.
    Number(f64),
    /// The label is a text.
    Text(String),
}

names! {
    /// The type of a column's values.
    #[non_exhaustive]
    pub enum FlatType: "type" {
        /// The column has no values.
        Empty = "empty",
        /// The values are numbers.
        Number = "number",
        /// The values are texts.
        Text = "text",
        /// The values are booleans.
        Bool = "bool",
        /// The values are timestamps.
        Timestamp = "timestamp",
    }
}

impl FlatType {
    fn of(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Int(_) | Cell::UInt(_) | Cell::Decimal(..) => Self::Number,
            Cell::Float(value) if !value.is_nan() => Self::Number,
            Cell::Text(_) | Cell::TextFile(_) => Self::Text,
            Cell::Bool(_) => Self::Bool,
            Cell::Timestamp(_) => Self::Timestamp,
            // Unsupported values are ignored here, because the conversion of the table to features refuses them.
            Cell::Null | Cell::Float(_) | Cell::Unsupported(_) => Self::Empty,
        }
    }
}

/// The labels of the classes and the types of the columns. A language binding can store them in the model file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassifierSchema {
    /// The label of each class, in the order of the class codes.
    pub classes: Vec<ClassLabel>,
    /// The type of each column, in the order of the classifier's feature names.
    pub columns: Vec<FlatType>,
}

impl ClassifierSchema {
    /// Creates the schema of a table. All values of a column must have the same type.
    ///
    /// # Errors
    /// `bad_type` if a column holds values of two types. The error names the row and the column.
    pub fn new(classes: Vec<ClassLabel>, table: &Table) -> Result<Self> {
        let names = table.column_names();
        let columns = names
            .map(|name| type_of(table, name, FlatType::Empty))
            .collect::<Result<_>>()?;
        Ok(Self { classes, columns })
    }

    /// Checks that the columns of a table have the same types as in training.
    ///
    /// # Errors
    /// `bad_type` if the type of a value differs from the type of its column in training. The error names the row and
    /// the column.
    pub fn check(&self, feature_names: &[String], table: &Table) -> Result<()> {
        for (name, &known) in feature_names.iter().zip(&self.columns) {
            if known != FlatType::Empty {
                type_of(table, name, known)?;
            }
        }
        Ok(())
    }
}

/// Returns the type of a column. All values must have the type `wanted`. If `wanted` is `Empty`, all values must have
/// the type of the first value.
fn type_of(table: &Table, name: &str, wanted: FlatType) -> Result<FlatType> {
    let mut known = wanted;
    for (row, cell) in table.cells(name).into_iter().flatten().enumerate() {
        let found = FlatType::of(cell);
        if found == FlatType::Empty || found == known {
            continue;
        }
        if known != FlatType::Empty {
            let message = format!(
                "column '{}' holds a {} in row {row}, but its values are of type {}",
                crate::error::excerpt(name),
                found.as_str(),
                known.as_str()
            );
            let kind = ErrorKind::InvalidRecords(crate::error::IssueCode::BadType);
            return Err(Error::new(kind, message).at(None, Some(row as u64), Some(name)));
        }
        known = found;
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Column, Value};

    #[test]
    fn a_column_has_one_type() {
        let column = |values: Vec<Value>| Table::new().with_column("c", Column::Values(values)).unwrap();
        let schema = |values| ClassifierSchema::new(vec![], &column(values));
        let numbers = schema(vec![
            Value::Null,
            Value::Int(1),
            Value::Float(f64::NAN),
            Value::Float(2.5),
        ])
        .unwrap();
        assert_eq!(numbers.columns, [FlatType::Number]);
        assert_eq!(schema(vec![Value::Null]).unwrap().columns, [FlatType::Empty]);
        let mixed = schema(vec![Value::Int(1), Value::Timestamp(0)]).unwrap_err();
        assert_eq!(
            (mixed.code(), mixed.row(), mixed.column()),
            ("bad_type", Some(1), Some("c"))
        );

        let names = ["c".to_owned()];
        assert!(numbers.check(&names, &column(vec![Value::Null, Value::Int(3)])).is_ok());
        for other in [Value::Bool(true), Value::Timestamp(0), Value::Text("3".to_owned())] {
            let error = numbers.check(&names, &column(vec![Value::Int(3), other])).unwrap_err();
            assert_eq!(
                (error.code(), error.row(), error.column()),
                ("bad_type", Some(1), Some("c"))
            );
        }
    }
}
