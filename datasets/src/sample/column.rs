//! The columns of a table, which give its samples' values a meaning.

use serde::{Deserialize, Serialize};

/// A column of a table: one value of each sample.
///
/// Each is stored as one `f32`: a number less the column's origin, a category as its place among
/// the names, a missing value as NaN. The [`Preparation`](crate::Preparation) makes features of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name in the table's header.
    pub name: String,
    /// The kind of its values.
    #[serde(flatten)]
    pub kind: ColumnKind,
}

/// The kind of a column's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
// Unknown fields are refused here and not above, where every field of the flattened `kind` would be
// one.
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ColumnKind {
    /// Numbers.
    Number {
        /// The number that a stored value is counted from; 0 for most columns. Times, and other
        /// large numbers close to each other, keep their differences by it.
        #[serde(default, skip_serializing_if = "is_zero")]
        origin: i64,
        /// The order of their parts, if the numbers are dates or times: seconds since 1970, in
        /// UTC, or seconds of a day or a duration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dates: Option<Dates>,
        /// They were written with a decimal comma: so are those of other tables.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        comma: bool,
        /// The unit that all of them were written with: `%`, `$`, `kg`. Those of other tables may
        /// leave it out, and have no other.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        unit: String,
    },
    /// One of some names.
    Category {
        /// The names: ascending if all are numbers, else in the order of their bytes.
        names: Vec<String>,
        /// The features that they become.
        encoding: Encoding,
    },
}

impl ColumnKind {
    /// Numbers that are stored as they are.
    pub const NUMBER: ColumnKind =
        ColumnKind::Number { origin: 0, dates: None, comma: false, unit: String::new() };

    /// The number that stored values are counted from.
    pub(crate) fn origin(&self) -> i64 {
        match self {
            ColumnKind::Number { origin, .. } => *origin,
            ColumnKind::Category { .. } => 0,
        }
    }
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(origin: &i64) -> bool {
    *origin == 0
}

/// The order of the parts of dates, or of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dates {
    /// `2021-03-04`
    YearFirst,
    /// `04/03/2021`
    DayFirst,
    /// `03/04/2021`
    MonthFirst,
    /// `14:30`, of hours and minutes
    HoursFirst,
    /// `14:30`, of minutes and seconds
    MinutesFirst,
}

impl Dates {
    /// Tells whether they are times without a date, so that their seconds are not those since 1970.
    pub fn are_times(self) -> bool {
        matches!(self, Dates::HoursFirst | Dates::MinutesFirst)
    }
}

/// The way from a category to numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// A value for each name: 1 for the name of the category, and 0 for the others.
    #[default]
    OneHot,
    /// One value: the place among the names, treated as a number.
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
            (ColumnKind::NUMBER, r#"{"name":"x","kind":"number"}"#),
            (
                ColumnKind::Number {
                    origin: -5,
                    dates: Some(Dates::DayFirst),
                    comma: true,
                    unit: String::new(),
                },
                r#"{"name":"x","kind":"number","origin":-5,"dates":"day-first","comma":true}"#,
            ),
            (
                ColumnKind::Number { origin: 0, dates: None, comma: false, unit: "%".to_owned() },
                r#"{"name":"x","kind":"number","unit":"%"}"#,
            ),
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
