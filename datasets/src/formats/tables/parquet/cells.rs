//! The cells of one batch of rows.
//!
//! | in the file | cell |
//! |---|---|
//! | integers, floats, decimals | the number as `f64`: integers beyond 2^53 are rounded |
//! | booleans | 0 or 1 |
//! | dates | days since 1970-01-01 |
//! | timestamps | seconds since 1970-01-01 00:00, in UTC if they have a time zone |
//! | times of day, durations | seconds |
//! | texts | the text, even one that looks like a number |
//! | dictionaries | their values |
//! | null, NaN, the empty text | missing |
//!
//! Infinity is an error. Lists, structures, maps, unions, intervals and bytes are no cells.

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};

use crate::formats::tables::source::Cell;

/// One column's cells.
pub(crate) enum Cells {
    /// All are missing.
    Missing,
    /// NaN stands for what is missing.
    Numbers(Vec<f64>),
    /// Texts; of any of the three layouts.
    Texts(ArrayRef),
    /// Indices of cells; `None` is missing.
    Dictionary { keys: Vec<Option<usize>>, values: Box<Cells> },
}

/// The first infinite value: its place among the batch's rows.
pub(crate) struct Infinite(pub(crate) usize);

/// What cells of this type would hold, if they cannot be read: "lists" or the like.
pub(crate) fn unreadable(kind: &DataType) -> Option<&'static str> {
    use DataType::*;
    match kind {
        Null | Boolean | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 => None,
        Float16 | Float32 | Float64 => None,
        Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) => None,
        Date32 | Date64 | Timestamp(..) | Time32(_) | Time64(_) | Duration(_) => None,
        Utf8 | LargeUtf8 | Utf8View => None,
        Dictionary(_, values) => match **values {
            Dictionary(..) => Some("dictionaries of dictionaries"),
            ref values => unreadable(values),
        },
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => Some("bytes"),
        List(_) | LargeList(_) | FixedSizeList(..) | ListView(_) | LargeListView(_) => {
            Some("lists")
        }
        Struct(_) => Some("structures"),
        Map(..) => Some("maps"),
        Union(..) => Some("unions"),
        Interval(_) => Some("intervals of a calendar"),
        _ => Some("values of a type that is no number and no text"),
    }
}

impl Cells {
    /// The cells of `array`, whose type [`unreadable`] has nothing against.
    pub(crate) fn new(array: &ArrayRef) -> Result<Self, Infinite> {
        use DataType::*;
        let of_seconds = |unit: &TimeUnit| match unit {
            TimeUnit::Second => 1.0,
            TimeUnit::Millisecond => 1e3,
            TimeUnit::Microsecond => 1e6,
            TimeUnit::Nanosecond => 1e9,
        };
        let numbers = match array.data_type() {
            Utf8 | LargeUtf8 | Utf8View => return Ok(Cells::Texts(array.clone())),
            Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                let keys = dictionary.keys();
                // Of a null the key may be anything, and without values there are only nulls.
                let keys = if dictionary.values().is_empty() {
                    vec![None; keys.len()]
                } else {
                    let indices = dictionary.normalized_keys().into_iter().enumerate();
                    indices.map(|(row, key)| keys.is_valid(row).then_some(key)).collect()
                };
                // An infinite value counts only where a row has it.
                let values = match Cells::new(dictionary.values()) {
                    Ok(values) => values,
                    Err(Infinite(_)) => {
                        let values = raw_floats(dictionary.values());
                        let infinite =
                            |key: Option<usize>| key.is_some_and(|key| values[key].is_infinite());
                        if let Some(row) = keys.iter().position(|&key| infinite(key)) {
                            return Err(Infinite(row));
                        }
                        Cells::Numbers(values)
                    }
                };
                return Ok(Cells::Dictionary { keys, values: Box::new(values) });
            }
            Boolean => {
                let values = array.as_boolean();
                values
                    .iter()
                    .map(|value| value.map_or(f64::NAN, |value| f64::from(u8::from(value))))
                    .collect()
            }
            Int8 => numbers(array.as_primitive::<Int8Type>(), f64::from),
            Int16 => numbers(array.as_primitive::<Int16Type>(), f64::from),
            Int32 => numbers(array.as_primitive::<Int32Type>(), f64::from),
            Int64 => numbers(array.as_primitive::<Int64Type>(), |value| value as f64),
            UInt8 => numbers(array.as_primitive::<UInt8Type>(), f64::from),
            UInt16 => numbers(array.as_primitive::<UInt16Type>(), f64::from),
            UInt32 => numbers(array.as_primitive::<UInt32Type>(), f64::from),
            UInt64 => numbers(array.as_primitive::<UInt64Type>(), |value| value as f64),
            Float16 | Float32 | Float64 => {
                let values = raw_floats(array);
                if let Some(row) = values.iter().position(|value| value.is_infinite()) {
                    return Err(Infinite(row));
                }
                values
            }
            Decimal32(..) => {
                decimals(array.as_primitive::<Decimal32Type>(), |v, row| v.value_as_string(row))
            }
            Decimal64(..) => {
                decimals(array.as_primitive::<Decimal64Type>(), |v, row| v.value_as_string(row))
            }
            Decimal128(..) => {
                decimals(array.as_primitive::<Decimal128Type>(), |v, row| v.value_as_string(row))
            }
            Decimal256(..) => {
                decimals(array.as_primitive::<Decimal256Type>(), |v, row| v.value_as_string(row))
            }
            Date32 => numbers(array.as_primitive::<Date32Type>(), f64::from),
            Date64 => numbers(array.as_primitive::<Date64Type>(), |value| value as f64 / 86_400e3),
            Timestamp(unit, _) => {
                let seconds = |value: i64| value as f64 / of_seconds(unit);
                match unit {
                    TimeUnit::Second => {
                        numbers(array.as_primitive::<TimestampSecondType>(), seconds)
                    }
                    TimeUnit::Millisecond => {
                        numbers(array.as_primitive::<TimestampMillisecondType>(), seconds)
                    }
                    TimeUnit::Microsecond => {
                        numbers(array.as_primitive::<TimestampMicrosecondType>(), seconds)
                    }
                    TimeUnit::Nanosecond => {
                        numbers(array.as_primitive::<TimestampNanosecondType>(), seconds)
                    }
                }
            }
            Time32(TimeUnit::Second) => {
                numbers(array.as_primitive::<Time32SecondType>(), f64::from)
            }
            Time32(_) => numbers(array.as_primitive::<Time32MillisecondType>(), |value| {
                f64::from(value) / 1e3
            }),
            Time64(TimeUnit::Microsecond) => {
                numbers(array.as_primitive::<Time64MicrosecondType>(), |value| value as f64 / 1e6)
            }
            Time64(_) => {
                numbers(array.as_primitive::<Time64NanosecondType>(), |value| value as f64 / 1e9)
            }
            Duration(unit) => {
                let seconds = |value: i64| value as f64 / of_seconds(unit);
                match unit {
                    TimeUnit::Second => {
                        numbers(array.as_primitive::<DurationSecondType>(), seconds)
                    }
                    TimeUnit::Millisecond => {
                        numbers(array.as_primitive::<DurationMillisecondType>(), seconds)
                    }
                    TimeUnit::Microsecond => {
                        numbers(array.as_primitive::<DurationMicrosecondType>(), seconds)
                    }
                    TimeUnit::Nanosecond => {
                        numbers(array.as_primitive::<DurationNanosecondType>(), seconds)
                    }
                }
            }
            // Null; and nothing else, by the contract.
            _ => return Ok(Cells::Missing),
        };
        Ok(Cells::Numbers(numbers))
    }

    /// The cell of one row of the batch.
    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Cells::Missing => Cell::Missing,
            Cells::Numbers(numbers) if numbers[row].is_nan() => Cell::Missing,
            Cells::Numbers(numbers) => Cell::Number(numbers[row]),
            Cells::Texts(texts) if texts.is_null(row) => Cell::Missing,
            Cells::Texts(texts) => {
                let found = match texts.data_type() {
                    DataType::Utf8 => texts.as_string::<i32>().value(row),
                    DataType::LargeUtf8 => texts.as_string::<i64>().value(row),
                    _ => texts.as_string_view().value(row),
                };
                if found.is_empty() { Cell::Missing } else { Cell::Text(found) }
            }
            Cells::Dictionary { keys, values } => match keys[row] {
                Some(key) => values.cell(key),
                None => Cell::Missing,
            },
        }
    }
}

fn numbers<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    number: impl Fn(T::Native) -> f64,
) -> Vec<f64> {
    array.iter().map(|value| value.map_or(f64::NAN, &number)).collect()
}

/// By way of the text, whose conversion rounds correctly at any scale.
fn decimals<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    text: impl Fn(&PrimitiveArray<T>, usize) -> String,
) -> Vec<f64> {
    let number = |row| text(array, row).parse().unwrap_or(f64::NAN);
    (0..array.len()).map(|row| if array.is_valid(row) { number(row) } else { f64::NAN }).collect()
}

/// Floats as they are, infinite ones too.
fn raw_floats(array: &ArrayRef) -> Vec<f64> {
    match array.data_type() {
        DataType::Float16 => numbers(array.as_primitive::<Float16Type>(), f64::from),
        DataType::Float32 => numbers(array.as_primitive::<Float32Type>(), f64::from),
        _ => numbers(array.as_primitive::<Float64Type>(), |value| value),
    }
}
