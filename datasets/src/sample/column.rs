//! What the values of a table's samples mean.

use serde::{Deserialize, Serialize};

/// A column of a table: one value of each sample.
///
/// Stored, each is one `f32`: a number as it is, a category as its place among the names, and what
/// is missing as NaN. What a model sees of it is the [`Preparation`](crate::Preparation)'s
/// business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// What the column is called: the name in the table's header.
    pub name: String,
    /// What its values are.
    #[serde(flatten)]
    pub kind: ColumnKind,
}

/// What the values of a column are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
// Unknown fields are refused here and not above, where every field of the flattened `kind` would be
// one.
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// One of some names.
    Category {
        /// The names: ascending if all are numbers, else in the order of their bytes.
        names: Vec<String>,
        /// What becomes of them.
        encoding: Encoding,
    },
}

/// How a category becomes numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// A value for each name, 1 for that which it is and 0 for the others.
    #[default]
    OneHot,
    /// One value, the place among the names, treated as a number.
    Ordinal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_stored_as_they_are_and_with_no_other_fields() {
        let names = vec!["a".to_owned(), "b".to_owned()];
        let category = ColumnKind::Category { names, encoding: Encoding::Ordinal };
        for (kind, expected) in [
            (ColumnKind::Number, r#"{"name":"x","kind":"number"}"#),
            (category, r#"{"name":"x","kind":"category","names":["a","b"],"encoding":"ordinal"}"#),
        ] {
            let column = Column { name: "x".to_owned(), kind };
            assert_eq!(serde_json::to_string(&column).unwrap(), expected);
            assert_eq!(serde_json::from_str::<Column>(expected).unwrap(), column);
        }
        let more = r#"{"name":"x","kind":"category","names":[],"encoding":"ordinal","more":1}"#;
        assert!(serde_json::from_str::<Column>(more).is_err());
        assert!(serde_json::from_str::<Column>(r#"{"name":"x","kind":"other"}"#).is_err());
    }
}
