//! JSON as Python writes it: with `NaN` and `Infinity`, and with halves of surrogate pairs.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::fmt::Write;

/// Reads a value. A number that is none becomes a text, which [`number`] understands; half a
/// surrogate pair becomes the replacement character.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    let strict = serde_json::from_slice(bytes);
    match (strict, std::str::from_utf8(bytes)) {
        (Err(_), Ok(text)) => serde_json::from_str(&plain(text)),
        (strict, _) => strict,
    }
}

/// The number, if it is one, or one of Python's words.
pub(super) fn number(json: &Json) -> Option<f64> {
    match json.as_str() {
        None => json.as_f64(),
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
    }
}

/// A number as Python reads it.
pub(super) fn write_number(x: f64, out: &mut String) {
    let sign = if x < 0.0 { "-" } else { "" };
    match x {
        _ if x.is_nan() => out.push_str("NaN"),
        _ if x.is_infinite() => out.extend([sign, "Infinity"]),
        // The shortest text that reads back to the same bits, and always that of a float.
        _ => _ = write!(out, "{x:?}"),
    }
}

/// The same JSON without Python's additions.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(['"', 'N', 'I', '-']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let word = ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| rest.starts_with(word));
        let length = match word {
            Some(word) => {
                out.extend(["\"", word, "\""]);
                word.len()
            }
            None if rest.starts_with('"') => string(rest, &mut out),
            None => {
                out.push_str(&rest[..1]);
                1
            }
        };
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// Copies the string at the head of `text`, and returns its length with its quotes.
fn string(text: &str, out: &mut String) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut copied) = (1, 0);
    while at < bytes.len() && bytes[at] != b'"' {
        let pair = (unit(bytes, at), unit(bytes, at + 6));
        at += match pair {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.extend([&text[copied..at], "\\ufffd"]);
                copied = at + 6;
                6
            }
            (Some(_), _) => 6,
            _ if bytes[at] == b'\\' => 2,
            _ => 1,
        };
    }
    // Past the end where the string has none, or within a character behind a backslash.
    let end = (at + 1..bytes.len()).find(|&end| text.is_char_boundary(end)).unwrap_or(bytes.len());
    out.push_str(&text[copied..end]);
    end
}

/// The unit of UTF-16 that an escape stands for.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_are_read_and_written_as_python_does() {
        let read: Json =
            read(br#"{"a":[NaN,Infinity,-Infinity,-1.5,1e-05],"NaN":"-Infinity \" NaN"}"#).unwrap();
        let numbers: Vec<f64> = read["a"].as_array().unwrap().iter().filter_map(number).collect();
        assert!(numbers[0].is_nan());
        assert_eq!(numbers[1..], [f64::INFINITY, f64::NEG_INFINITY, -1.5, 1e-5]);
        assert_eq!(read["NaN"], "-Infinity \" NaN");
        let mut out = String::new();
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2.0, -0.1, 1e300, 5e-324] {
            write_number(x, &mut out);
            out.push(' ');
        }
        assert_eq!(out, "NaN Infinity -Infinity 2.0 -0.1 1e300 5e-324 ");
    }

    #[test]
    fn half_a_pair_is_replaced_and_a_whole_one_kept() {
        let read: Json = read(br#"["\ud83d\ude00 \ud83d \ude00 \\ud83d \u00e4",NaN]"#).unwrap();
        assert_eq!(read[0], "\u{1f600} \u{fffd} \u{fffd} \\ud83d \u{e4}");
    }

    #[test]
    fn broken_texts_are_errors() {
        for text in
            ["\"", "\"\\", "\"\\\u{e4}", "\"\\u12", "\"\\ud800", "-", "N", "[NaN", "\"\u{e4}"]
        {
            assert!(read::<Json>(text.as_bytes()).is_err(), "{text}");
        }
    }
}
