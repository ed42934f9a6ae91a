//! The cells of one batch of rows.
//!
//! | in the file | cell |
//! |---|---|
//! | integers, floats, decimals | the number as `f64`: integers beyond 2^53 are rounded |
//! | booleans | 0 or 1 |
//! | dates | seconds since 1970-01-01 |
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
    /// NaN is a missing number.
    Numbers(Vec<f64>),
    /// Texts, in any of Arrow's three layouts.
    Texts(ArrayRef),
    /// Indices of cells; `None` is missing.
    Dictionary { keys: Vec<Option<usize>>, values: Box<Cells> },
}

/// The first infinite value: its place among the batch's rows.
pub(crate) struct Infinite(pub(crate) usize);

/// The name of a type whose cells cannot be read: "lists" or the like.
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
    /// The cells of `array`, whose type is none of the [`unreadable`] ones.
    pub(crate) fn new(array: &ArrayRef) -> Result<Self, Infinite> {
        use DataType::*;
        use TimeUnit::*;
        let numbers = match array.data_type() {
            Null => return Ok(Cells::Missing),
            Utf8 | LargeUtf8 | Utf8View => return Ok(Cells::Texts(array.clone())),
            Dictionary(..) => return Cells::dictionary(array),
            Boolean => {
                let number =
                    |value: Option<bool>| value.map_or(f64::NAN, |v| f64::from(u8::from(v)));
                array.as_boolean().iter().map(number).collect()
            }
            Int8 => numbers::<Int8Type>(array, f64::from),
            Int16 => numbers::<Int16Type>(array, f64::from),
            Int32 => numbers::<Int32Type>(array, f64::from),
            Int64 => numbers::<Int64Type>(array, |value| value as f64),
            UInt8 => numbers::<UInt8Type>(array, f64::from),
            UInt16 => numbers::<UInt16Type>(array, f64::from),
            UInt32 => numbers::<UInt32Type>(array, f64::from),
            UInt64 => numbers::<UInt64Type>(array, |value| value as f64),
            Decimal32(..) => decimals::<Decimal32Type>(array, PrimitiveArray::value_as_string),
            Decimal64(..) => decimals::<Decimal64Type>(array, PrimitiveArray::value_as_string),
            Decimal128(..) => decimals::<Decimal128Type>(array, PrimitiveArray::value_as_string),
            Decimal256(..) => decimals::<Decimal256Type>(array, PrimitiveArray::value_as_string),
            Date32 => numbers::<Date32Type>(array, |days| f64::from(days) * 86_400.0),
            Date64 => numbers::<Date64Type>(array, from_millis),
            Timestamp(Second, _) => numbers::<TimestampSecondType>(array, |value| value as f64),
            Timestamp(Millisecond, _) => numbers::<TimestampMillisecondType>(array, from_millis),
            Timestamp(Microsecond, _) => numbers::<TimestampMicrosecondType>(array, from_micros),
            Timestamp(Nanosecond, _) => numbers::<TimestampNanosecondType>(array, from_nanos),
            Time32(Second) => numbers::<Time32SecondType>(array, f64::from),
            Time32(_) => numbers::<Time32MillisecondType>(array, |value| from_millis(value.into())),
            Time64(Microsecond) => numbers::<Time64MicrosecondType>(array, from_micros),
            Time64(_) => numbers::<Time64NanosecondType>(array, from_nanos),
            Duration(Second) => numbers::<DurationSecondType>(array, |value| value as f64),
            Duration(Millisecond) => numbers::<DurationMillisecondType>(array, from_millis),
            Duration(Microsecond) => numbers::<DurationMicrosecondType>(array, from_micros),
            Duration(Nanosecond) => numbers::<DurationNanosecondType>(array, from_nanos),
            // Floats; and nothing else, by the contract.
            _ => {
                let values = raw_floats(array);
                if let Some(row) = values.iter().position(|value| value.is_infinite()) {
                    return Err(Infinite(row));
                }
                values
            }
        };
        Ok(Cells::Numbers(numbers))
    }

    fn dictionary(array: &ArrayRef) -> Result<Self, Infinite> {
        let dictionary = array.as_any_dictionary();
        let keys = dictionary.keys();
        // The key of a null may be anything, and without values there are only nulls.
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
        Ok(Cells::Dictionary { keys, values: Box::new(values) })
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

fn from_millis(value: i64) -> f64 {
    value as f64 / 1e3
}

fn from_micros(value: i64) -> f64 {
    value as f64 / 1e6
}

fn from_nanos(value: i64) -> f64 {
    value as f64 / 1e9
}

/// The numbers of an array of the type `T`; NaN where one is missing.
fn numbers<T: ArrowPrimitiveType>(array: &ArrayRef, number: impl Fn(T::Native) -> f64) -> Vec<f64> {
    let values = array.as_primitive::<T>().iter();
    values.map(|value| value.map_or(f64::NAN, &number)).collect()
}

/// By way of the text, whose conversion rounds correctly at any scale.
fn decimals<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    text: impl Fn(&PrimitiveArray<T>, usize) -> String,
) -> Vec<f64> {
    let array = array.as_primitive::<T>();
    let number = |row| text(array, row).parse().unwrap_or(f64::NAN);
    (0..array.len()).map(|row| if array.is_valid(row) { number(row) } else { f64::NAN }).collect()
}

/// Floats as they are, infinite ones too.
fn raw_floats(array: &ArrayRef) -> Vec<f64> {
    match array.data_type() {
        DataType::Float16 => numbers::<Float16Type>(array, f64::from),
        DataType::Float32 => numbers::<Float32Type>(array, f64::from),
        _ => numbers::<Float64Type>(array, |value| value),
    }
}
