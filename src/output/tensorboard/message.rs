//! Messages of Protocol Buffers: as much as event files need.
//!
//! A message is its fields one after the other. A field begins with `number << 3 | type`, as a
//! varint: 7 bits a byte, the lowest first, all bytes but the last with the highest bit set.

/// The types of fields.
const VARINT: u64 = 0;
const BITS_64: u64 = 1;
const BYTES: u64 = 2;
const BITS_32: u64 = 5;

/// A message in the making.
#[derive(Clone, Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, number: u64, kind: u64) {
        self.varint(number << 3 | kind);
    }

    /// Adds an integer, or a member of an enumeration.
    pub fn int(mut self, number: u64, value: i64) -> Message {
        self.key(number, VARINT);
        self.varint(value as u64);
        self
    }

    /// Adds a float.
    pub fn float(mut self, number: u64, value: f32) -> Message {
        self.key(number, BITS_32);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Adds a double.
    pub fn double(mut self, number: u64, value: f64) -> Message {
        self.key(number, BITS_64);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Adds bytes, or a text.
    pub fn bytes(mut self, number: u64, value: impl AsRef<[u8]>) -> Message {
        let value = value.as_ref();
        self.key(number, BYTES);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    /// Adds a message.
    pub fn message(self, number: u64, value: &Message) -> Message {
        self.bytes(number, &value.0)
    }

    /// Adds doubles, packed.
    pub fn doubles(self, number: u64, values: &[f64]) -> Message {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(number, bytes)
    }

    /// The message as it is written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_specification() {
        // The examples of the encoding's documentation: 150 as field 1, "testing" as field 2, and
        // the first as field 3.
        let first = Message::default().int(1, 150);
        assert_eq!(first.as_bytes(), [0x08, 0x96, 0x01]);
        let text = Message::default().bytes(2, "testing");
        assert_eq!(text.as_bytes(), b"\x12\x07testing");
        let outer = Message::default().message(3, &first);
        assert_eq!(outer.as_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        // Negative numbers take ten bytes; numbers from 16 on, a key of two.
        let minus = Message::default().int(1, -1);
        assert_eq!(minus.as_bytes(), [8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
        assert_eq!(Message::default().int(16, 0).as_bytes(), [0x80, 0x01, 0]);
        assert_eq!(Message::default().float(2, 1.0).as_bytes(), [0x15, 0, 0, 0x80, 0x3f]);
        let double = Message::default().double(1, -2.0);
        assert_eq!(double.as_bytes(), [0x09, 0, 0, 0, 0, 0, 0, 0, 0xc0]);
        assert_eq!(Message::default().doubles(6, &[1.0, 2.0]).as_bytes()[..2], [0x32, 16]);
    }
}
