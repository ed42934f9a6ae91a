//! A restricted machine for Python's pickles, of what `torch.save` writes of a network's state.
//!
//! A pickle is a program that builds objects. Python's own machine may call any function in it;
//! this one knows the few names in [`Global`], and builds a description of each tensor for them.
//! It never follows one object into another, so that neither depth nor cycles matter. Opcodes and
//! limits bound its memory.
//!
//! The opcodes: Python's `Lib/pickletools.py`.

mod call;
mod global;
mod object;

pub(super) use object::{Id, Object, Objects, StorageId};

use global::Global;
use std::collections::HashMap;

/// The opcode that a pickle of protocol 2 or later starts with.
pub(super) const PROTO: u8 = 0x80;

/// No pickle has more steps. PyTorch takes about 36 for a tensor.
const MOST_STEPS: usize = 1 << 19;

/// The objects of a pickle.
pub(super) struct Pickle<'a> {
    pub(super) objects: Objects<'a>,
    /// The object that was saved.
    pub(super) root: Id,
    /// The bytes that the pickle takes.
    pub(super) length: usize,
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Objects<'a>,
    stack: Vec<Id>,
    /// The heights of the stack at its marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

/// Runs the pickle at the start of `bytes`.
pub(super) fn run(bytes: &[u8]) -> Result<Pickle<'_>, String> {
    let mut machine = Machine {
        bytes,
        at: 0,
        objects: Objects::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    for _ in 0..MOST_STEPS {
        let at = machine.at;
        let place = |problem: String| format!("its pickle, at byte {at}, {problem}");
        let [opcode] = machine.take().map_err(place)?;
        if opcode == b'.' {
            let root = machine.pop().map_err(place)?;
            return Ok(Pickle { objects: machine.objects, root, length: machine.at });
        }
        machine.step(opcode).map_err(place)?;
    }
    Err(format!("its pickle has more than {MOST_STEPS} steps: save the state_dict alone"))
}

impl<'a> Machine<'a> {
    fn step(&mut self, opcode: u8) -> Result<(), String> {
        let object = match opcode {
            PROTO => {
                let [version] = self.take()?;
                if !(2..=5).contains(&version) {
                    return Err(format!("is of protocol {version}, where 2 to 5 can be read"));
                }
                return Ok(());
            }
            // A frame says how much to read ahead.
            0x95 => return self.take::<8>().map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            b'0' => return self.pop().map(drop),
            b'1' => return self.pop_mark().map(drop),
            b'N' => Object::None,
            0x88 => Object::Bool(true),
            0x89 => Object::Bool(false),
            b'J' => Object::Integer(i32::from_le_bytes(self.take()?).into()),
            b'K' => Object::Integer(u8::from_le_bytes(self.take()?).into()),
            b'M' => Object::Integer(u16::from_le_bytes(self.take()?).into()),
            0x8a => {
                let length = u8::from_le_bytes(self.take()?);
                Object::integer(self.slice(length.into())?)
            }
            b'G' => self.take::<8>().map(|_| Object::Float)?,
            b'X' => self.text_of(|n: [u8; 4]| u32::from_le_bytes(n).into())?,
            0x8c => self.text_of(|n: [u8; 1]| n[0].into())?,
            0x8d => self.text_of(u64::from_le_bytes)?,
            // Texts of Python 2.
            b'T' => self.text_of(|n: [u8; 4]| u32::from_le_bytes(n).into())?,
            b'U' => self.text_of(|n: [u8; 1]| n[0].into())?,
            b')' => Object::Tuple(Box::default()),
            b't' => Object::Tuple(self.pop_mark()?.into()),
            0x85 => self.tuple::<1>()?,
            0x86 => self.tuple::<2>()?,
            0x87 => self.tuple::<3>()?,
            b']' => Object::List(Vec::new()),
            b'}' => Object::Dict(Vec::new()),
            b'a' => {
                let item = self.pop()?;
                return self.append(vec![item]);
            }
            b'e' => {
                let items = self.pop_mark()?;
                return self.append(items);
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                return self.set(&[key, value]);
            }
            b'u' => {
                let items = self.pop_mark()?;
                return self.set(&items);
            }
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                Object::Global(Global::find(module, name)?)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (module, name) = (self.objects.text(module)?, self.objects.text(name)?);
                Object::Global(Global::find(module, name)?)
            }
            b'R' => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let Object::Global(global) = *self.objects.get(function) else {
                    return Err(format!("calls {}", self.objects.get(function).kind()));
                };
                global.call(arguments, &mut self.objects)?
            }
            b'Q' => {
                let id = self.pop()?;
                Object::Storage(Box::new(self.objects.storage(id)?))
            }
            b'b' => {
                // The state of a dictionary is metadata: versions of layers.
                let (_state, object) = (self.pop()?, self.top()?);
                return match self.objects.get(object) {
                    Object::Dict(_) => Ok(()),
                    other => Err(format!("sets the state of {}", other.kind())),
                };
            }
            b'q' => {
                let [index] = self.take()?;
                return self.keep(index.into());
            }
            b'r' => {
                let index = u32::from_le_bytes(self.take()?);
                return self.keep(index);
            }
            0x94 => return self.keep(self.memo.len() as u32),
            b'h' => {
                let [index] = self.take()?;
                return self.recall(index.into());
            }
            b'j' => {
                let index = u32::from_le_bytes(self.take()?);
                return self.recall(index);
            }
            other => {
                return Err(format!(
                    "has the opcode 0x{other:02x}, which no network's state needs: save the \
                     state_dict alone"
                ));
            }
        };
        let id = self.objects.add(object)?;
        self.stack.push(id);
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let taken =
            self.bytes[self.at..].first_chunk().ok_or("ends too early: the file is cut off");
        self.at += N;
        Ok(*taken?)
    }

    fn slice(&mut self, length: u64) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.at..];
        let length = usize::try_from(length).ok().filter(|&length| length <= rest.len());
        let length = length.ok_or("ends too early: the file is cut off")?;
        self.at += length;
        Ok(&rest[..length])
    }

    /// A text behind its length.
    fn text_of<const N: usize>(
        &mut self,
        length: impl Fn([u8; N]) -> u64,
    ) -> Result<Object<'a>, String> {
        let length = length(self.take()?);
        Ok(Object::Text(text(self.slice(length)?)?))
    }

    /// A text that a line break ends.
    fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().take(256).position(|&byte| byte == b'\n');
        let line = self.slice(end.ok_or("has a name without an end")? as u64)?;
        self.at += 1;
        text(line)
    }

    /// The objects above the last mark.
    fn least(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, String> {
        let above = &self.stack[self.least().min(self.stack.len())..];
        above.last().copied().ok_or_else(|| "takes an object that is not there".into())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("closes a list that was not begun")?;
        Ok(self.stack.split_off(mark))
    }

    fn tuple<const N: usize>(&mut self) -> Result<Object<'a>, String> {
        let mut items = [Id::default(); N];
        for item in items.iter_mut().rev() {
            *item = self.pop()?;
        }
        Ok(Object::Tuple(items.into()))
    }

    fn append(&mut self, more: Vec<Id>) -> Result<(), String> {
        let list = self.top()?;
        match self.objects.get_mut(list) {
            Object::List(items) => items.extend(more),
            other => return Err(format!("appends to {}", other.kind())),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), String> {
        let dict = self.top()?;
        let (pairs, []) = items.as_chunks() else {
            return Err("has a key without a value".into());
        };
        match self.objects.get_mut(dict) {
            Object::Dict(entries) => entries.extend(pairs.iter().map(|&[key, value]| (key, value))),
            other => return Err(format!("sets an item of {}", other.kind())),
        }
        Ok(())
    }

    fn keep(&mut self, index: u32) -> Result<(), String> {
        self.memo.insert(index, self.top()?);
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Result<(), String> {
        let kept = self.memo.get(&index);
        self.stack.push(*kept.ok_or("takes an object that was not kept")?);
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "has a text that is not UTF-8".into())
}
