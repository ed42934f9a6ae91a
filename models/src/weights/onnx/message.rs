//! The wire format of Protocol Buffers: a message is a row of numbered fields.
//!
//! No message is read before it is asked for, so that nested ones cost no stack. The crate
//! `onnx-rs` 0.1.3 follows them as deep as they go: a file of 30 KB overflows the stack.
//!
//! Format: <https://protobuf.dev/programming-guides/encoding>.

/// The fields of a message, in the order of the file.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

/// A field of a message.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) number: u64,
    value: Value<'a>,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Four([u8; 4]),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
}

fn cut_off() -> String {
    "is a damaged ONNX file, or none: a field is cut off; download it again".into()
}

fn number(rest: &mut &[u8]) -> Result<u64, String> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, behind) = rest.split_first().ok_or_else(cut_off)?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err("is a damaged ONNX file, or none: a number is too long; download it again".into())
}

fn chunk<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], String> {
    let (chunk, behind) = rest.split_first_chunk().ok_or_else(cut_off)?;
    *rest = behind;
    Ok(*chunk)
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<Field<'a>, String> {
        let rest = &mut self.0;
        let tag = number(rest)?;
        let value = match tag & 7 {
            0 => Value::Number(number(rest)?),
            1 => Value::Eight(chunk(rest)?),
            2 => {
                let length = usize::try_from(number(rest)?).ok();
                let split = length.and_then(|length| rest.split_at_checked(length));
                let (bytes, behind) = split.ok_or_else(cut_off)?;
                *rest = behind;
                Value::Bytes(bytes)
            }
            5 => Value::Four(chunk(rest)?),
            other => {
                return Err(format!(
                    "is a damaged ONNX file, or none: a field has the type {other}; download it \
                     again"
                ));
            }
        };
        Ok(Field { number: tag >> 3, value })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    fn wrong(&self) -> String {
        let number = self.number;
        format!("is a damaged ONNX file, or none: the field {number} is of another type")
    }

    pub(super) fn bytes(&self) -> Result<&'a [u8], String> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.wrong()),
        }
    }

    pub(super) fn message(&self) -> Result<Fields<'a>, String> {
        self.bytes().map(Fields)
    }

    pub(super) fn text(&self) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes()?)
            .map_err(|_| "is a damaged ONNX file, or none: a text is not UTF-8".into())
    }

    pub(super) fn int(&self) -> Result<i64, String> {
        match self.value {
            Value::Number(number) => Ok(number.cast_signed()),
            _ => Err(self.wrong()),
        }
    }

    pub(super) fn float(&self) -> Result<f32, String> {
        match self.value {
            Value::Four(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(self.wrong()),
        }
    }

    /// Adds the integers of a field that may have many: `most` in all.
    pub(super) fn ints(&self, most: usize, ints: &mut Vec<i64>) -> Result<(), String> {
        self.each_int(most.saturating_sub(ints.len()), |int| ints.push(int))
    }

    /// Takes the integers of a field that may have many, packed or one in each: no more than
    /// `most`.
    pub(super) fn each_int(&self, most: usize, mut take: impl FnMut(i64)) -> Result<(), String> {
        let mut left = most;
        let mut add = |number: u64| {
            left = left.checked_sub(1).ok_or("has more integers than it may have")?;
            take(number.cast_signed());
            Ok::<_, String>(())
        };
        match self.value {
            Value::Number(number) => add(number)?,
            Value::Bytes(mut packed) => {
                while !packed.is_empty() {
                    add(number(&mut packed)?)?;
                }
            }
            _ => return Err(self.wrong()),
        }
        Ok(())
    }

    /// Adds the bytes of floats, little-endian, of a field that may have many.
    pub(super) fn floats(&self, floats: &mut Vec<u8>) -> Result<(), String> {
        match self.value {
            Value::Four(bytes) => floats.extend(bytes),
            Value::Eight(bytes) => floats.extend(bytes),
            Value::Bytes(packed) => floats.extend(packed),
            Value::Number(_) => return Err(self.wrong()),
        }
        Ok(())
    }
}
