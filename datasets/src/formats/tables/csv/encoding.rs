//! Text that is not UTF-8: UTF-16 and Windows-1252, as Excel writes it.

use std::io::{self, Read};

/// The bytes that are decoded at a time.
const PIECE: usize = 32 << 10;
/// The characters of the bytes from 0x80 on that Unicode has elsewhere; `\0` for none.
const HIGH: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘',
    '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];
/// Signs that texts of Windows-1252 may have, beside letters.
const SIGNS: &str = "€‚„…‘’“”–—\u{a0}¡£§«°²³´µ»¿";

/// The encoding of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    Utf8,
    Utf16Little,
    Utf16Big,
    Windows1252,
}

impl Encoding {
    /// That of a text with this `start`, whose last character may be cut off unless it is `whole`.
    /// UTF-16 is told by its byte order mark. Windows-1252 has letters and signs of it, and no
    /// character of UTF-8, as a damaged text would.
    pub(super) fn of(start: &[u8], whole: bool) -> Self {
        match start {
            [0xff, 0xfe, ..] => return Encoding::Utf16Little,
            [0xfe, 0xff, ..] => return Encoding::Utf16Big,
            _ => {}
        }
        let kept = start.iter().rev().take(3).take_while(|byte| !byte.is_ascii()).count();
        let start = if whole { start } else { &start[..start.len() - kept] };
        if str::from_utf8(start).is_ok() || start.contains(&0) {
            return Encoding::Utf8;
        }
        let of_windows = |&byte: &u8| {
            let found = from_windows(byte);
            byte.is_ascii() || found.is_alphabetic() && byte < 0xfd || SIGNS.contains(found)
        };
        let no_utf8 = start.utf8_chunks().all(|chunk| chunk.valid().is_ascii());
        match no_utf8 && start.iter().all(of_windows) {
            true => Encoding::Windows1252,
            false => Encoding::Utf8,
        }
    }

    /// A reader of the text of `reader` in UTF-8.
    pub(super) fn decoded<'a>(self, reader: Box<dyn Read + 'a>) -> Box<dyn Read + 'a> {
        match self {
            Encoding::Utf8 => reader,
            encoding => Box::new(ToUtf8 { reader, encoding, raw: Vec::new(), text: vec![], at: 0 }),
        }
    }

    /// The note that a guess may be wrong.
    pub(super) fn note(self) -> Option<String> {
        (self == Encoding::Windows1252).then(|| {
            "its text is not UTF-8, and is read as Windows-1252: save it as UTF-8 if letters are \
             wrong"
                .to_owned()
        })
    }
}

fn from_windows(byte: u8) -> char {
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        byte => char::from(byte),
    }
}

/// A text in UTF-8, made of one in another encoding.
struct ToUtf8<R> {
    reader: R,
    encoding: Encoding,
    /// The bytes that are read, and not decoded yet.
    raw: Vec<u8>,
    /// Those that are decoded, and handed on up to `at`.
    text: Vec<u8>,
    at: usize,
}

impl<R: Read> ToUtf8<R> {
    /// Decodes the next bytes; `false` at the end.
    fn refill(&mut self) -> io::Result<bool> {
        let before = self.raw.len();
        self.raw.resize(before + PIECE, 0);
        let read = self.reader.read(&mut self.raw[before..])?;
        self.raw.truncate(before + read);
        (self.text, self.at) = (Vec::with_capacity(2 * self.raw.len()), 0);
        let mut push = |character: char| {
            self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        };
        if self.encoding == Encoding::Windows1252 {
            let wrong = self.raw.iter().find(|&&byte| byte > 0 && from_windows(byte) == '\0');
            if let Some(byte) = wrong {
                return Err(damaged(format!("its text has the byte {byte:#04x}")));
            }
            self.raw.drain(..).for_each(|byte| push(from_windows(byte)));
            return Ok(read > 0);
        }
        let pairs = self.raw.as_chunks::<2>().0;
        let unit = match self.encoding {
            Encoding::Utf16Big => u16::from_be_bytes,
            _ => u16::from_le_bytes,
        };
        // Half of a character waits for the other.
        let half = pairs.last().is_some_and(|&pair| (0xd800..0xdc00).contains(&unit(pair)));
        let kept = if half && read > 0 { pairs.len() - 1 } else { pairs.len() };
        for character in char::decode_utf16(pairs[..kept].iter().map(|&pair| unit(pair))) {
            push(character.map_err(|_| damaged("its UTF-16 text is damaged".to_owned()))?);
        }
        self.raw.drain(..2 * kept);
        match read == 0 && !self.raw.is_empty() {
            true => Err(damaged("its UTF-16 text ends within a character".to_owned())),
            false => Ok(read > 0),
        }
    }
}

fn damaged(problem: String) -> io::Error {
    // Of no kind: damaged data of gzip have one.
    io::Error::other(problem + ": save it as UTF-8")
}

impl<R: Read> Read for ToUtf8<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            if !self.refill()? {
                return Ok(0);
            }
        }
        let length = out.len().min(self.text.len() - self.at);
        out[..length].copy_from_slice(&self.text[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that hands on one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let Some((&byte, rest)) = self.0.split_first() else { return Ok(0) };
            (out[0], self.0) = (byte, rest);
            Ok(1)
        }
    }

    fn decoded(bytes: &[u8]) -> io::Result<String> {
        let encoding = Encoding::of(bytes, true);
        let (mut text, mut slow) = (String::new(), String::new());
        encoding.decoded(Box::new(Slow(bytes))).read_to_string(&mut slow)?;
        encoding.decoded(Box::new(bytes)).read_to_string(&mut text)?;
        assert_eq!(text, slow);
        Ok(text)
    }

    #[test]
    fn texts_of_other_encodings_are_the_same_text() {
        let text = "\u{feff}Größe,Käse €,𝄞\n";
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert_eq!(decoded(&little).unwrap(), text);
        assert_eq!(decoded(&big).unwrap(), text);
        let windows = b"Gr\xf6\xdfe,12 \x80,\x93\xc9t\xe9\x94,20\xa0\xb0C\n";
        assert_eq!(decoded(windows).unwrap(), "Größe,12 €,“Été”,20\u{a0}°C\n");
        let long = b"\xe9".repeat(PIECE + 3);
        assert_eq!(decoded(&long).unwrap(), "é".repeat(PIECE + 3));
    }

    #[test]
    fn damaged_texts_are_no_other_encoding() {
        for bytes in [&b"caf\xc3\xa9 \xff"[..], b"a\xe9\0", b"\x81", b"1\xc3,\xa92", b"x\xff", b"a"]
        {
            assert_eq!(Encoding::of(bytes, true), Encoding::Utf8, "{bytes:?}");
        }
        // A character that the piece cuts in two, and one in another encoding.
        assert_eq!(Encoding::of("aé".as_bytes().split_last().unwrap().1, false), Encoding::Utf8);
        assert_eq!(Encoding::of(b"\xe9a\xe9", false), Encoding::Windows1252);
        for bytes in [&b"\xff\xfea\0b"[..], b"\xff\xfe\x00\xd8a\0", b"\xff\xfe\x00\xd8"] {
            assert!(decoded(bytes).unwrap_err().to_string().contains("UTF-16"), "{bytes:?}");
        }
        let mut text = String::new();
        let mut reader = Encoding::Windows1252.decoded(Box::new(&b"\xe9\x81"[..]));
        assert!(reader.read_to_string(&mut text).is_err());
    }
}
