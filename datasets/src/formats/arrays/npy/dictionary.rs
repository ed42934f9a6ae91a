//! The Python dictionary in the header of an `.npy` file, in the form that NumPy writes.

/// The entries of the dictionary.
#[derive(Debug, PartialEq)]
pub(crate) struct Entries {
    pub(crate) descr: Descr,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
}

/// The type of the values.
#[derive(Debug, PartialEq)]
pub(crate) enum Descr {
    /// One type, by NumPy's name.
    Name(String),
    /// A list: of fields, each with a name and a type.
    Fields,
}

/// Parses the dictionary. Each of its three keys has to be there once, in any order.
pub(crate) fn parse(text: &[u8]) -> Result<Entries, String> {
    let text = std::str::from_utf8(text).map_err(|_| "it is no text".to_owned())?;
    let mut parser = Parser { text, at: 0 };
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    parser.expect('{')?;
    while !parser.takes('}') {
        let key = parser.string()?;
        parser.expect(':')?;
        let twice = match key {
            // Records are refused, whatever their fields.
            "descr" if parser.peek() == Some('[') => {
                return Ok(Entries {
                    descr: Descr::Fields,
                    fortran_order: false,
                    shape: Vec::new(),
                });
            }
            "descr" => descr.replace(Descr::Name(parser.string()?.to_owned())).is_some(),
            "fortran_order" => fortran_order.replace(parser.truth()?).is_some(),
            "shape" => shape.replace(parser.tuple()?).is_some(),
            _ => return Err(format!("it has the unknown key {}", crate::error::Short(key))),
        };
        if twice {
            return Err(format!("it has the key {key:?} twice"));
        }
        if !parser.takes(',') {
            parser.expect('}')?;
            break;
        }
    }
    if let Some(other) = parser.peek() {
        return Err(format!("it goes on with {other:?} after its end"));
    }
    match (descr, fortran_order, shape) {
        (Some(descr), Some(fortran_order), Some(shape)) => {
            Ok(Entries { descr, fortran_order, shape })
        }
        _ => Err("it lacks one of the keys 'descr', 'fortran_order' and 'shape'".to_owned()),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.at += rest.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn takes(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.at += wanted.len_utf8();
        }
        there
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.takes(wanted) {
            return Ok(());
        }
        match self.peek() {
            Some(other) => {
                Err(format!("it has {other:?} at byte {}, where {wanted:?} is expected", self.at))
            }
            None => Err(format!("it ends where {wanted:?} is expected")),
        }
    }

    /// A text in quotes, without escapes: no name of a type needs any.
    fn string(&mut self) -> Result<&'a str, String> {
        let quote = if self.peek() == Some('"') { '"' } else { '\'' };
        self.expect(quote)?;
        let rest = &self.text[self.at..];
        let end = rest.find(quote).ok_or("a text in it does not end")?;
        let text = &rest[..end];
        if text.contains('\\') {
            return Err("a text in it has a backslash".to_owned());
        }
        self.at += end + quote.len_utf8();
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool, String> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err("'fortran_order' is neither True nor False".to_owned())
    }

    /// `()`, `(5,)`, `(5, 6)` or `(5, 6,)`.
    fn tuple(&mut self) -> Result<Vec<usize>, String> {
        let mut numbers = Vec::new();
        self.expect('(')?;
        while !self.takes(')') {
            self.peek();
            let digits: &str = &self.text[self.at..];
            let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
            let number =
                digits[..end].parse().map_err(|_| "a size in 'shape' is no number that fits")?;
            self.at += end;
            // Python 2 wrote sizes with an L.
            if self.text[self.at..].starts_with('L') {
                self.at += 1;
            }
            numbers.push(number);
            if !self.takes(',') {
                self.expect(')')?;
                if numbers.len() == 1 {
                    return Err("'shape' is a number in brackets, and no tuple".to_owned());
                }
                break;
            }
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_numpy_writes_is_understood() {
        let entries = |shape: &[usize], fortran_order| Entries {
            descr: Descr::Name("<f4".to_owned()),
            fortran_order,
            shape: shape.to_vec(),
        };
        for (text, expected) in [
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }    \n",
                entries(&[3, 4], false),
            ),
            (
                "{'shape': (3L, 4L), 'fortran_order': True, 'descr': '<f4'}\n",
                entries(&[3, 4], true),
            ),
            ("{\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(12,)}", entries(&[12], false)),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", entries(&[], false)),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615,)}",
                entries(&[usize::MAX], false),
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(expected), "{text}");
        }
        let fields =
            parse(b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }").unwrap();
        assert_eq!(fields.descr, Descr::Fields);
    }

    #[test]
    fn anything_else_is_refused() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}";
        for length in 0..good.len() {
            assert!(parse(&good.as_bytes()[..length]).is_err(), "{}", &good[..length]);
        }
        for (text, says) in [
            ("{'descr': '<f4', 'fortran_order': False}", "lacks"),
            ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", "twice"),
            ("{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}", "neither True nor False"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3)}", "no tuple"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}", "no number"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3.0,)}", "where ')' is expected"),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551616,)}",
                "no number",
            ),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': [3]}", "where '(' is expected"),
            ("{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (3,)}", "backslash"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x", "after its end"),
            ("{'more': '<f4', 'fortran_order': False, 'shape': (3,)}", "unknown key \"more\""),
            ("{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (3,)}", "is expected"),
        ] {
            let problem = parse(text.as_bytes()).unwrap_err();
            assert!(problem.contains(says), "{text}: {problem}");
        }
        assert!(parse(&[b'{', 0xff]).is_err());
    }
}
