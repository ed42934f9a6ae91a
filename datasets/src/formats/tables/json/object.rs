//! One row: an object of JSON.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use foldhash::fast::FixedState;
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error as Message, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::error::Short;

/// The most keys of a file, and the most bytes of all of them.
const MOST_KEYS: usize = 1 << 16;
const MOST_KEY_BYTES: usize = 4 << 20;

/// The columns by their keys.
#[derive(Clone, Default)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    places: HashMap<String, usize, FixedState>,
    bytes: usize,
}

impl Columns {
    /// The place of the column `key`, which is `expected` if the keys have the order of the
    /// columns.
    pub(super) fn find(&self, key: &str, expected: usize) -> Option<usize> {
        match self.names.get(expected) {
            Some(name) if name == key => Some(expected),
            _ => self.places.get(key).copied(),
        }
    }

    /// Adds the column `key`, and returns its place. The error is a problem with the row.
    pub(super) fn add(&mut self, key: &str) -> Result<usize, String> {
        self.bytes += key.len();
        let place = self.names.len();
        if place >= MOST_KEYS || self.bytes > MOST_KEY_BYTES {
            return Err(format!(
                "has the key {}, which is one too many: there may be {MOST_KEYS} of them, of 4 MB \
                 in all",
                Short(key)
            ));
        }
        self.names.push(key.to_owned());
        self.places.insert(key.to_owned(), place);
        Ok(place)
    }
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// The row does not have the key.
    Absent,
    Null,
    Number(f64),
    Text(Cow<'a, str>),
    /// An object, or an array, as errors call it.
    Nested(&'static str),
}

/// Reads the object that `line` is into `values`, at the places that `place` gives its keys, told
/// the place behind that of the key before. The error is a problem with the row.
pub(super) fn read_row<'a>(
    line: &'a [u8],
    place: &mut dyn FnMut(&str, usize) -> Result<usize, String>,
    values: &mut Vec<Value<'a>>,
) -> Result<(), String> {
    values.iter_mut().for_each(|value| *value = Value::Absent);
    if line.first() != Some(&b'{') {
        return Err("holds no object: write one on each line, as {\"key\": 1}".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(line);
    json.deserialize_map(Row { place, values }).and_then(|()| json.end()).map_err(|error| {
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
        let character = error.column();
        match error.classify() {
            Category::Data => text.to_owned(),
            Category::Eof => "ends within an object: write each object on one line".to_owned(),
            _ if has_nan(line) => {
                "holds NaN or Infinity, which are no JSON: write null instead".to_owned()
            }
            _ => format!("is no JSON ({text} at character {character}): mend it, or leave it out"),
        }
    })
}

fn has_nan(line: &[u8]) -> bool {
    ["NaN", "Infinity"].iter().any(|word| memchr::memmem::find(line, word.as_bytes()).is_some())
}

struct Row<'v, 'a> {
    place: &'v mut dyn FnMut(&str, usize) -> Result<usize, String>,
    values: &'v mut Vec<Value<'a>>,
}

impl<'a> Visitor<'a> for Row<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let mut expected = 0;
        while let Some(place) = map.next_key_seed(Key { place: self.place, expected })? {
            if self.values.len() <= place {
                self.values.resize(place + 1, Value::Absent);
            }
            let value = map.next_value_seed(AnyValue)?;
            if self.values[place] != Value::Absent {
                return Err(A::Error::custom(format_args!(
                    "has the key of column {} twice: leave one out",
                    place + 1
                )));
            }
            self.values[place] = value;
            expected = place + 1;
        }
        Ok(())
    }
}

struct Key<'v> {
    place: &'v mut dyn FnMut(&str, usize) -> Result<usize, String>,
    expected: usize,
}

impl<'a> DeserializeSeed<'a> for Key<'_> {
    type Value = usize;

    fn deserialize<D: serde::Deserializer<'a>>(self, json: D) -> Result<usize, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Message>(self, key: &str) -> Result<usize, E> {
        (self.place)(key, self.expected).map_err(E::custom)
    }
}

struct AnyValue;

impl<'a> DeserializeSeed<'a> for AnyValue {
    type Value = Value<'a>;

    fn deserialize<D: serde::Deserializer<'a>>(self, json: D) -> Result<Value<'a>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for AnyValue {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Borrowed(if value { "true" } else { "false" })))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'a>, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'a>, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'a>, E> {
        Ok(Value::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Null)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Value<'a>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Nested("an object"))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Value<'a>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Nested("an array"))
    }
}
