//! Constants of an ONNX graph (`TensorProto`).

use super::message::Fields;
use super::{Constant, Integers};
use crate::weights::element::Element;
use crate::weights::{MOST_DIMENSIONS, Tensor, count, shown};
use std::borrow::Cow;

/// Integers are shapes and axes: no constant has more of them.
const MOST_INTEGERS: usize = 1 << 12;

/// The types that are read, by their number in ONNX.
fn element(number: i64) -> Result<Element, String> {
    const NAMES: [&str; 17] = [
        "nothing",
        "float",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "int32",
        "int64",
        "texts",
        "bool",
        "float16",
        "double",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bfloat16",
    ];
    Ok(match number {
        1 => Element::F32,
        10 => Element::F16,
        11 => Element::F64,
        16 => Element::Bf16,
        6 => Element::Integer(4),
        7 => Element::Integer(8),
        _ => {
            let name = usize::try_from(number).ok().and_then(|number| NAMES.get(number));
            let name = name.map_or_else(|| format!("type {number}"), ToString::to_string);
            return Err(format!("is of {name}, where floats, int32 or int64 can be read"));
        }
    })
}

/// Reads a constant and its name.
pub(super) fn read(fields: Fields<'_>) -> Result<(String, Constant), String> {
    let (mut name, mut number, mut dims, mut elsewhere) = ("", 0, Vec::new(), false);
    for field in fields {
        let field = field?;
        match field.number {
            1 => field.ints(MOST_DIMENSIONS, &mut dims)?,
            2 => number = field.int()?,
            8 => name = field.text()?,
            13 => elsewhere = true,
            14 => elsewhere |= field.int()? == 1,
            _ => {}
        }
    }
    let wrong = |problem: String| format!("the constant {} {problem}", shown(name));
    if elsewhere {
        return Err(wrong("lies in another file: save the graph with its data within".into()));
    }
    let element = element(number).map_err(wrong)?;
    let shape: Result<Vec<usize>, _> = dims.iter().map(|&length| length.try_into()).collect();
    let values = shape.ok().and_then(|shape| Some((count(&shape)?, shape)));
    let Some((values, shape)) = values else {
        return Err(wrong(format!("has the shape {dims:?}")));
    };
    if let Element::Integer(_) = element
        && values > MOST_INTEGERS
    {
        return Err(wrong(format!("has {values} integers, where {MOST_INTEGERS} are the most")));
    }
    let bytes = bytes(fields, element, values).map_err(wrong)?;
    if values.checked_mul(element.size()) != Some(bytes.len()) {
        let found = bytes.len();
        return Err(wrong(format!(
            "has {found} bytes of values for the shape {shape:?}: the file is damaged; download it \
             again"
        )));
    }
    let constant = match element {
        Element::Integer(size) => {
            let values = bytes.chunks_exact(size).map(integer).collect();
            Constant::Integers(Integers { shape, values })
        }
        _ => Constant::Floats(Tensor { shape, values: element.read(&bytes) }),
    };
    if let Constant::Floats(tensor) = &constant
        && tensor.values.iter().any(|value| value.is_nan())
    {
        return Err(wrong("has values that are NaN".into()));
    }
    Ok((name.to_owned(), constant))
}

/// The bytes of the values: raw, or put together from fields of their type.
fn bytes<'a>(fields: Fields<'a>, element: Element, values: usize) -> Result<Cow<'a, [u8]>, String> {
    let (mut raw, mut typed, mut is_typed) = (None, Vec::new(), false);
    for field in fields {
        let field = field?;
        match (field.number, element) {
            (9, _) => raw = Some(field.bytes()?),
            (4, Element::F32) | (10, Element::F64) => {
                field.floats(&mut typed)?;
                is_typed = true;
            }
            // Halves have their bits in integers.
            (5, Element::F16 | Element::Bf16 | Element::Integer(4)) | (7, Element::Integer(8)) => {
                let size = element.size();
                let add = |int: i64| typed.extend(&int.to_le_bytes()[..size]);
                field.each_int(values, add)?;
                is_typed = true;
            }
            (3..=7 | 10 | 11, _) => {
                return Err("has values of another type than its own: save it anew".into());
            }
            _ => {}
        }
    }
    match raw {
        Some(_) if is_typed => Err("has its values twice: save it anew".into()),
        Some(raw) => Ok(Cow::Borrowed(raw)),
        None => Ok(Cow::Owned(typed)),
    }
}

/// A little-endian integer of 4 or 8 bytes.
fn integer(bytes: &[u8]) -> i64 {
    match bytes.as_array() {
        Some(&eight) => i64::from_le_bytes(eight),
        None => bytes.as_array().map_or(0, |&four| i32::from_le_bytes(four).into()),
    }
}
