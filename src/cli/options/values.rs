//! The values that options take: what is refused is refused here, before anything else happens.

use clap::{Args, Command, ValueEnum};
use narrows_models::SampleShape;
use serde::{Serialize, Serializer};
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// The widest layer that can be asked for: beyond it a slip of the keyboard would ask for
/// terabytes.
pub const WIDEST: usize = 65_536;

/// Values separated by commas; `none` for no value at all.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct List<T>(pub Vec<T>);

/// Reads a [`List`], each item by `item`.
pub fn list<T>(
    item: impl Fn(&str) -> Result<T, String> + Clone,
) -> impl Fn(&str) -> Result<List<T>, String> + Clone {
    move |text| {
        if matches!(text, "" | "none") {
            return Ok(List(Vec::new()));
        }
        let mut in_quotes = false;
        let ends = |next: char| {
            in_quotes ^= next == '"';
            next == ',' && !in_quotes
        };
        let items = text
            .split(ends)
            .map(|part| unquoted(part.trim()))
            .map(|part| item(part.trim()).map_err(|e| format!("'{}': {e}", part.trim())));
        items.collect::<Result<Vec<T>, String>>().map(List)
    }
}

/// An item of a list without the quotes around it, which a comma in it needs.
fn unquoted(item: &str) -> &str {
    let inside = item.strip_prefix('"').and_then(|item| item.strip_suffix('"'));
    inside.filter(|inside| inside.contains(',')).unwrap_or(item)
}

/// Reads what `list` reads, unless that is nothing.
pub fn filled<T>(
    list: impl Fn(&str) -> Result<List<T>, String> + Clone,
) -> impl Fn(&str) -> Result<List<T>, String> + Clone {
    move |text| match list(text)? {
        List(items) if items.is_empty() => Err("it must hold at least one value".to_string()),
        items => Ok(items),
    }
}

/// A value that the data and the model choose unless it is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Auto<T = usize> {
    /// To be chosen.
    Auto,
    /// Given, or chosen.
    Given(T),
}

impl<T> Auto<T> {
    /// Puts `chosen` in the place of `auto`, and returns the value.
    pub fn settle(&mut self, chosen: T) -> T
    where
        T: Clone,
    {
        let value = self.clone().or(chosen);
        *self = Auto::Given(value.clone());
        value
    }

    /// The value if it is given, or else `chosen`.
    pub fn or(self, chosen: T) -> T {
        match self {
            Auto::Auto => chosen,
            Auto::Given(n) => n,
        }
    }
}

impl<T: Serialize> Serialize for Auto<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Auto::Auto => serializer.serialize_str("auto"),
            Auto::Given(value) => value.serialize(serializer),
        }
    }
}

/// Reads `auto` or what `value` reads.
pub fn auto<T>(
    value: impl Fn(&str) -> Result<T, String> + Clone,
) -> impl Fn(&str) -> Result<Auto<T>, String> + Clone {
    move |text| {
        if text == "auto" {
            return Ok(Auto::Auto);
        }
        value(text).map(Auto::Given).map_err(|e| format!("{e}, or auto"))
    }
}

/// So many, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelCount {
    /// All there are.
    All,
    /// So many.
    Given(usize),
}

impl Serialize for LabelCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            LabelCount::All => serializer.serialize_str("all"),
            LabelCount::Given(n) => n.serialize(serializer),
        }
    }
}

/// Reads `all` or a whole number within `low..=high`.
pub fn label_count(low: usize, high: usize) -> impl Fn(&str) -> Result<LabelCount, String> + Clone {
    move |text| match text {
        "all" => Ok(LabelCount::All),
        text => count(low, high)(text).map(LabelCount::Given).map_err(|e| format!("{e}, or all")),
    }
}

/// Reads a number for which `holds` is true, as `what` says.
fn number<T: FromStr>(
    text: &str,
    what: impl Display,
    holds: impl Fn(&T) -> bool,
) -> Result<T, String> {
    text.parse().ok().filter(holds).ok_or_else(|| format!("it must be {what}"))
}

/// Reads a whole number within `low..=high`.
pub fn count(low: usize, high: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    let what = format!("a whole number from {low} to {high}");
    move |text| number(text, &what, |n| (low..=high).contains(n))
}

/// Reads a number above 0 and at most 1.
pub fn positive_to_one(text: &str) -> Result<f32, String> {
    number(text, "a number above 0 and at most 1", |x| *x > 0.0 && *x <= 1.0)
}

/// Reads a number from 0 to 1.
pub fn zero_to_one<T: FromStr + Copy + Into<f64>>(text: &str) -> Result<T, String> {
    number(text, "a number from 0 to 1", |x: &T| (0.0..=1.0).contains(&(*x).into()))
}

/// Reads a positive and finite number.
pub fn positive(text: &str) -> Result<f32, String> {
    number(text, "a positive, finite number", |x: &f32| *x > 0.0 && x.is_finite())
}

/// Reads a finite number of at least 0.
pub fn not_negative<T: FromStr + Copy + Into<f64>>(text: &str) -> Result<T, String> {
    let holds = |x: &T| (*x).into() >= 0.0 && (*x).into().is_finite();
    number(text, "a finite number of at least 0", holds)
}

/// Reads a number of at least 0 and below 1.
pub fn fraction(text: &str) -> Result<f32, String> {
    number(text, "a number from 0 up and below 1", |x| (0.0..1.0).contains(x))
}

/// A value, and its text in files.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Written<T> {
    pub text: String,
    #[serde(skip)]
    pub value: T,
}

/// Reads `true` or `false`.
pub fn boolean(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "it must be true or false".to_string())
}

/// Reads a time: `90s`, `10m`, `1.5h`, or seconds without a unit.
pub fn time(text: &str) -> Result<Written<Duration>, String> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, &text[number.len()..]),
        None => (text, "s"),
    };
    let factor = match unit {
        "m" => 60.0,
        "h" => 3600.0,
        _ => 1.0,
    };
    match number.parse::<f64>().map(|n| n * factor) {
        Ok(seconds) if (1.0..=1e7).contains(&seconds) => {
            Ok(Written { text: text.to_string(), value: Duration::from_secs_f64(seconds) })
        }
        _ => Err("it must be a time of at least 1 second, such as 90s, 10m or 2h".to_string()),
    }
}

/// Reads the shape of a sample: `28x28x1`, `28x28` for one channel, or `784`.
pub fn shape(text: &str) -> Result<SampleShape, String> {
    let sizes: Option<Vec<usize>> =
        text.split('x').map(|size| size.parse().ok().filter(|n| *n > 0)).collect();
    match sizes.as_deref() {
        Some(&[values]) => Ok(SampleShape::Flat(values)),
        Some(&[height, width]) => Ok(SampleShape::Image([height, width, 1])),
        Some(&[height, width, channels]) => Ok(SampleShape::Image([height, width, channels])),
        _ => Err("it must be a shape such as 28x28x1, or a number of values".to_string()),
    }
}

/// Reads one of the names in `all`.
pub fn name<T: Copy>(
    all: &[(&'static str, T)],
) -> impl Fn(&str) -> Result<T, String> + Clone + use<T> {
    let all = all.to_vec();
    move |text| match all.iter().find(|(name, _)| *name == text) {
        Some((_, value)) => Ok(*value),
        None => {
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            Err(format!("it must be one of {}", names.join(", ")))
        }
    }
}

/// Reads one of the names in `all`, which files hold.
pub fn named<T: Copy>(
    all: &[(&'static str, T)],
) -> impl Fn(&str) -> Result<Written<T>, String> + Clone + use<T> {
    let name = name(all);
    move |text| Ok(Written { text: text.to_string(), value: name(text)? })
}

/// Reads the name of a variant of `T`.
pub fn variant<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let names: Vec<String> = T::value_variants().iter().map(variant_name).collect();
        format!("it must be one of {}", names.join(", "))
    })
}

/// The name that [`variant`] reads.
pub fn variant_name(variant: &impl ValueEnum) -> String {
    let name = variant.to_possible_value();
    name.map_or(String::new(), |name| name.get_name().to_string())
}

/// The ids of the options of `T`, as the command line knows them.
pub fn ids<T: Args>() -> Vec<String> {
    let all = T::augment_args(Command::new("options"));
    all.get_arguments().map(|option| option.get_id().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::joined;

    #[test]
    fn lists_name_the_item_that_is_wrong() {
        let widths = list(count(1, 100));
        assert_eq!(widths("5, 6"), Ok(List(vec![5, 6])));
        assert_eq!(widths("none"), Ok(List(vec![])));
        assert_eq!(widths("5,0"), Err("'0': it must be a whole number from 1 to 100".to_string()));
        assert!(widths("5,,6").is_err());
        let texts = list(|text: &str| Ok(text.to_owned()));
        let names = ["a", "b, c", "\"", "d\"e"].map(str::to_owned);
        assert_eq!(joined(&names[..2]), "a,\"b, c\"");
        assert_eq!(texts(&joined(&names[..3])), Ok(List(names[..3].to_vec())));
        assert_eq!(texts(&joined(&names[3..])), Ok(List(names[3..].to_vec())));
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for text in ["nan", "NaN", "inf", "-inf", "0", "-1", "", "1e-3x", "1e60"] {
            assert!(positive(text).is_err(), "{text}");
        }
        assert_eq!(positive("1e-3"), Ok(1e-3));
        assert!(fraction("1").is_err() && fraction("-0.1").is_err() && fraction("nan").is_err());
        assert_eq!(shape("28x20x3"), Ok(SampleShape::Image([28, 20, 3])));
        assert_eq!(shape("28x20"), Ok(SampleShape::Image([28, 20, 1])));
        assert_eq!(shape("784"), Ok(SampleShape::Flat(784)));
        for text in ["", "x", "28x", "0", "28x0", "1x2x3x4", "-1", "99999999999999999999"] {
            assert!(shape(text).is_err(), "{text}");
        }
        assert!(not_negative::<f64>("nan").is_err() && not_negative::<f32>("-1").is_err());
    }
}
