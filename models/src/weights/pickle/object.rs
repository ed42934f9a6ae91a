//! The objects that a pickle makes. They name each other by number, so that cycles do no harm.

use super::global::Global;
use crate::weights::element::Element;
use crate::weights::strided::Layout;
use crate::weights::{MOST_DIMENSIONS, shown};

/// No pickle makes more objects. PyTorch makes about 19 for a tensor.
const MOST_OBJECTS: usize = 1 << 17;

/// The number of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::weights) struct Id(u32);

#[derive(Debug)]
pub(in crate::weights) enum Object<'a> {
    None,
    Bool(bool),
    Integer(i64),
    /// An integer of more than 8 bytes.
    Long(&'a [u8]),
    Float,
    Text(&'a str),
    Tuple(Box<[Id]>),
    List(Vec<Id>),
    /// Keys and values in the order in which they were set, with repetitions.
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Box<StorageId<'a>>),
    Tensor(Box<View>),
}

/// The storage of one or several tensors, elsewhere in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::weights) struct StorageId<'a> {
    pub(in crate::weights) element: Element,
    pub(in crate::weights) key: &'a str,
    /// In values.
    pub(in crate::weights) length: usize,
}

/// A tensor: its storage, and its place there.
#[derive(Clone, Debug)]
pub(in crate::weights) struct View {
    pub(in crate::weights) storage: Id,
    pub(in crate::weights) layout: Layout,
}

impl<'a> Object<'a> {
    /// A little-endian integer of any length, in two's complement.
    pub(super) fn integer(bytes: &'a [u8]) -> Object<'a> {
        if bytes.len() > 8 {
            return Object::Long(bytes);
        }
        let negative = bytes.last().is_some_and(|&last| last >= 0x80);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        Object::Integer(i64::from_le_bytes(whole))
    }

    /// The kind of object, for an error.
    pub(in crate::weights) fn kind(&self) -> &'static str {
        match self {
            Object::None => "None",
            Object::Bool(_) => "a truth value",
            Object::Integer(_) | Object::Long(_) => "an integer",
            Object::Float => "a float",
            Object::Text(_) => "a text",
            Object::Tuple(_) => "a tuple",
            Object::List(_) => "a list",
            Object::Dict(_) => "a dictionary",
            Object::Global(_) => "a class or function",
            Object::Storage(_) => "a storage",
            Object::Tensor(_) => "a tensor",
        }
    }
}

#[derive(Default)]
pub(in crate::weights) struct Objects<'a>(Vec<Object<'a>>);

impl<'a> Objects<'a> {
    pub(super) fn add(&mut self, object: Object<'a>) -> Result<Id, String> {
        if self.0.len() == MOST_OBJECTS {
            return Err(format!(
                "makes more than {MOST_OBJECTS} objects: save the state_dict alone"
            ));
        }
        self.0.push(object);
        Ok(Id(self.0.len() as u32 - 1))
    }

    /// All storages, in the order in which they were named.
    pub(in crate::weights) fn storages(&self) -> impl Iterator<Item = &StorageId<'a>> {
        self.0.iter().filter_map(|object| match object {
            Object::Storage(storage) => Some(&**storage),
            _ => None,
        })
    }

    pub(in crate::weights) fn get(&self, id: Id) -> &Object<'a> {
        &self.0[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Object<'a> {
        &mut self.0[id.0 as usize]
    }

    pub(in crate::weights) fn text(&self, id: Id) -> Result<&'a str, String> {
        match self.get(id) {
            Object::Text(text) => Ok(text),
            other => Err(format!("has {}, where a text is expected", other.kind())),
        }
    }

    pub(super) fn tuple(&self, id: Id) -> Result<&[Id], String> {
        match self.get(id) {
            Object::Tuple(items) => Ok(items),
            other => Err(format!("has {}, where a tuple is expected", other.kind())),
        }
    }

    /// An integer of 0 or more.
    pub(super) fn size(&self, id: Id) -> Result<usize, String> {
        match self.get(id) {
            Object::Integer(size) => {
                usize::try_from(*size).map_err(|_| format!("has the size, stride or offset {size}"))
            }
            other => Err(format!("has {}, where a size is expected", other.kind())),
        }
    }

    pub(super) fn sizes(&self, id: Id) -> Result<Vec<usize>, String> {
        let sizes = self.tuple(id)?;
        if sizes.len() > MOST_DIMENSIONS {
            let count = sizes.len();
            return Err(format!(
                "has a tensor of {count} dimensions: {MOST_DIMENSIONS} are the most"
            ));
        }
        sizes.iter().map(|&size| self.size(size)).collect()
    }

    /// A storage, by the tuple that PyTorch names it with.
    pub(super) fn storage(&self, id: Id) -> Result<StorageId<'a>, String> {
        let (word, class, key, length) = match *self.tuple(id)? {
            // The fourth says on which device it was.
            [word, class, key, _, length] => (word, class, key, length),
            [word, class, key, _, length, view] => match self.get(view) {
                Object::None => (word, class, key, length),
                _ => return Err("has a storage within another: save it by a newer PyTorch".into()),
            },
            _ => return Err("names a storage in an unknown way".into()),
        };
        let word = self.text(word)?;
        if word != "storage" {
            return Err(format!("names {}, where a storage is expected", shown(word)));
        }
        match *self.get(class) {
            Object::Global(Global::Storage(element)) => {
                Ok(StorageId { element, key: self.text(key)?, length: self.size(length)? })
            }
            ref other => Err(format!("has a storage of {}", other.kind())),
        }
    }
}
