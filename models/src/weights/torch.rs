//! Files of `torch.save`: a zip file of a pickle and its storages (PyTorch 1.6 and later), or the
//! legacy form, five pickles with the storages behind them.

use super::element::Element;
use super::pickle::{self, Id, Object, Pickle, StorageId};
use super::zip::Zip;
use super::{Weights, shown};
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The number that a legacy file starts with, as a pickle has it.
const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const LEGACY_VERSION: i64 = 1001;
/// The names of a network's state among other things, the best first.
const STATES: [&str; 3] = ["state_dict", "model_state_dict", "model"];
/// Tensors of less than this, of one storage, are rather a fault than tied weights.
const LEAST_LIMIT: usize = 1 << 16;

/// True for the counter of batch norm, which is no weight.
pub(super) fn is_counter(name: &str) -> bool {
    name.rsplit('.').next() == Some("num_batches_tracked")
}

/// The length of the prefix that `DataParallel` puts before all names.
pub(super) fn prefix(names: &[&str]) -> usize {
    const MODULE: &str = "module.";
    let all = !names.is_empty() && names.iter().all(|name| name.starts_with(MODULE));
    if all { MODULE.len() } else { 0 }
}

pub(super) fn read_zip(bytes: &[u8]) -> Result<Weights, String> {
    let zip = Zip::open(bytes)?;
    let mut pickles = zip.names().filter(|n| *n == "data.pkl" || n.ends_with("/data.pkl"));
    let (Some(name), None) = (pickles.next(), pickles.next()) else {
        return Err("is a zip file, but not of torch.save: it has not one data.pkl".into());
    };
    let folder = &name[..name.len() - "data.pkl".len()];
    if let Some(order) = zip.read(&format!("{folder}byteorder"))?
        && *order != *b"little"
    {
        let order = shown(&String::from_utf8_lossy(&order));
        return Err(format!("has the byte order {order}: save it on a little-endian machine"));
    }
    let pickle = zip.read(name)?.unwrap_or_default();
    let pickle = pickle::run(&pickle)?;
    collect(&pickle, bytes.len(), |storage| {
        let name = format!("{folder}data/{}", storage.key);
        zip.read(&name)?.ok_or_else(|| format!("lacks the storage {}", shown(&name)))
    })
}

pub(super) fn read_legacy(bytes: &[u8]) -> Result<Weights, String> {
    let mut at = 0;
    let mut next = || -> Result<Pickle<'_>, String> {
        let pickle = pickle::run(&bytes[at..])?;
        at += pickle.length;
        Ok(pickle)
    };
    let (magic, version, system) = (next()?, next(), next());
    if !matches!(magic.objects.get(magic.root), Object::Long(bytes) if *bytes == LEGACY_MAGIC) {
        return Err("is a pickle, but not of torch.save: save it by torch.save".into());
    }
    let version = version?;
    match version.objects.get(version.root) {
        Object::Integer(LEGACY_VERSION) => {}
        _ => return Err("has another version than 1001: save it by a newer PyTorch".into()),
    }
    check_byte_order(&system?)?;
    let (pickle, keys) = (next()?, next()?);
    let storages = legacy_storages(&pickle, &keys, &bytes[at..])?;
    collect(&pickle, bytes.len(), |storage| match storages.get(storage.key) {
        Some(values) => Ok(Cow::Borrowed(*values)),
        None => Err(format!("lacks the storage {}", shown(storage.key))),
    })
}

fn check_byte_order(system: &Pickle<'_>) -> Result<(), String> {
    let objects = &system.objects;
    let Object::Dict(entries) = objects.get(system.root) else {
        return Err("does not say its byte order: save it anew".into());
    };
    for &(key, value) in entries {
        if objects.text(key) == Ok("little_endian")
            && !matches!(objects.get(value), Object::Bool(true))
        {
            return Err("is big-endian: save it on a little-endian machine".into());
        }
    }
    Ok(())
}

/// The storages behind a legacy file's pickles: for each key its length in values, and the values.
fn legacy_storages<'a>(
    pickle: &Pickle<'_>,
    keys: &Pickle<'a>,
    mut rest: &'a [u8],
) -> Result<HashMap<&'a str, &'a [u8]>, String> {
    let mut elements = HashMap::new();
    for storage in pickle.objects.storages() {
        if elements.insert(storage.key, storage.element).is_some_and(|e| e != storage.element) {
            let key = shown(storage.key);
            return Err(format!("says two types for the storage {key}: save it anew"));
        }
    }
    let Object::List(list) = keys.objects.get(keys.root) else {
        return Err("has no list of its storages: download it again".into());
    };
    let mut storages = HashMap::new();
    for &key in list {
        let key = keys.objects.text(key)?;
        let shown = shown(key);
        let Some(element) = elements.get(key) else {
            return Err(format!("has the storage {shown}, which no tensor uses: save it anew"));
        };
        let cut = || format!("ends within the storage {shown}: download it again");
        let (length, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok();
        let length = length.and_then(|length| length.checked_mul(element.size()));
        let (values, behind) =
            length.and_then(|length| behind.split_at_checked(length)).ok_or_else(cut)?;
        rest = behind;
        if storages.insert(key, values).is_some() {
            return Err(format!("has the storage {shown} twice: save it anew"));
        }
    }
    if !rest.is_empty() {
        let left = rest.len();
        return Err(format!("goes on for {left} bytes behind its storages: download it again"));
    }
    Ok(storages)
}

/// The tensors of the network's state in a pickle of a file of so many bytes.
fn collect<'a, 'p>(
    pickle: &Pickle<'p>,
    file_length: usize,
    read: impl Fn(&StorageId<'p>) -> Result<Cow<'a, [u8]>, String>,
) -> Result<Weights, String> {
    let objects = &pickle.objects;
    let mut weights = Weights::default();
    let (state, place) = state(pickle, &mut weights.left_out);
    let Object::Dict(entries) = objects.get(state) else {
        let kind = objects.get(state).kind();
        return Err(format!("holds {kind}, where a state_dict is expected: save the state_dict"));
    };
    let mut tensors = Vec::new();
    for &(key, value) in entries {
        let name = objects.text(key).map_err(|e| format!("the state of the network {e}"))?;
        match objects.get(value) {
            Object::Tensor(view) => tensors.push((name, view)),
            other => {
                let (name, kind) = (shown(name), other.kind());
                return Err(format!(
                    "{place}the entry {name} is {kind}, where a tensor is expected"
                ));
            }
        }
    }
    let names: Vec<&str> = tensors.iter().map(|(name, _)| *name).collect();
    let prefix = prefix(&names);
    // Tensors may share a storage, but not make much of little.
    let mut left = file_length.max(LEAST_LIMIT);
    let mut storages: HashMap<&str, Cow<'a, [u8]>> = HashMap::new();
    for (name, view) in tensors {
        let name = &name[prefix..];
        let wrong = |problem: String| format!("the tensor {} {problem}", shown(name));
        let Object::Storage(storage) = objects.get(view.storage) else {
            return Err(wrong("has no storage".into()));
        };
        if let Element::Integer(_) = storage.element {
            if is_counter(name) {
                continue;
            }
            return Err(wrong(
                "is of integers, where floats are expected: save it as floats".into(),
            ));
        }
        let values = view.layout.check(storage.length).map_err(wrong)?;
        left = left.checked_sub(values).ok_or_else(|| {
            wrong(format!(
                "would bring the values to more than the file's {file_length} bytes: its tensors \
                 share too much"
            ))
        })?;
        let bytes = match storages.entry(storage.key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(read(storage).map_err(wrong)?),
        };
        // Each tensor has words of its own about the storage.
        if Some(bytes.len()) != storage.length.checked_mul(storage.element.size()) {
            let (bytes, length) = (bytes.len(), storage.length);
            return Err(wrong(format!(
                "has a storage of {bytes} bytes, where {length} values are promised: the file is \
                 damaged; download it again"
            )));
        }
        let tensor = view.layout.clone().gather(storage.element, bytes);
        weights.push(name.into(), tensor)?;
    }
    Ok(weights)
}

/// The dictionary of the network's state, and a word about its place for errors. Entries beside it
/// are left out.
fn state(pickle: &Pickle<'_>, left_out: &mut Vec<String>) -> (Id, String) {
    let objects = &pickle.objects;
    if let Object::Dict(entries) = objects.get(pickle.root) {
        for state in STATES {
            let is_state = |key| objects.text(key) == Ok(state);
            let found = entries.iter().find(|&&(key, _)| is_state(key));
            let Some(&(_, value)) = found else { continue };
            if let Object::Dict(_) = objects.get(value) {
                let names = entries.iter().filter_map(|&(key, _)| objects.text(key).ok());
                left_out.extend(names.filter(|&name| name != state).map(str::to_owned));
                return (value, format!("in {state}, "));
            }
        }
    }
    (pickle.root, String::new())
}
