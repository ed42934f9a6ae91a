//! One checkpoint: a safetensors file whose metadata has a manifest, which lists each array with
//! its checksum, and the manifest's own checksum.

use super::identity::Identity;
use crate::error::{Error, ErrorKind};
use narrows_datasets::AtomicFile;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The version of the format.
const VERSION: &str = "1";

/// The key of the version among the metadata, and those of the manifest and its checksum.
const VERSION_KEY: &str = "narrows.checkpoint";
const MANIFEST_KEY: &str = "manifest";
const CHECKSUM_KEY: &str = "manifest.crc32";

/// The arrays begin at a multiple of it.
const ALIGNMENT: usize = 8;

/// Everything but the arrays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The name of the run.
    pub run: String,
    /// The steps that it has taken.
    pub step: u64,
    /// The instruction set that took them.
    pub isa: String,
    /// The configuration that the caller has for it.
    pub configuration: String,
    pub identity: Identity,
    /// All numbers that are not in arrays.
    pub state: Value,
}

/// The manifest as it is stored, with the list of arrays.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    manifest: Manifest,
    arrays: Vec<Listed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: String,
    shape: Vec<usize>,
    crc32: u32,
}

/// An array to be written.
#[derive(Debug)]
pub(crate) struct Tensor<'a> {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: &'a [f32],
}

impl Manifest {
    /// Writes the file `path` as a whole or not at all, and returns its length.
    ///
    /// # Errors
    /// If that fails.
    pub fn write(&self, path: &Path, tensors: &[Tensor<'_>]) -> io::Result<u64> {
        self.begin(path, tensors)?.finish()
    }

    /// The same without arrays, and without waiting for the disk: for what is small and takes less
    /// time to compute again than to wait for. Reading finds a file that the disk did not get.
    ///
    /// # Errors
    /// If that fails.
    pub fn write_unflushed(&self, path: &Path) -> io::Result<u64> {
        self.begin(path, &[])?.finish_unflushed()
    }

    fn begin(&self, path: &Path, tensors: &[Tensor<'_>]) -> io::Result<AtomicFile> {
        let header = self.header(tensors)?;
        let mut file = AtomicFile::create(path)?;
        file.write_all(&header)?;
        for tensor in tensors {
            file.write_all(bytemuck::cast_slice(tensor.values))?;
        }
        Ok(file)
    }

    /// All of a file but the arrays, which lie behind it.
    pub(super) fn header(&self, tensors: &[Tensor<'_>]) -> io::Result<Vec<u8>> {
        let listed = |tensor: &Tensor<'_>| Listed {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
            crc32: crc32fast::hash(bytemuck::cast_slice(tensor.values)),
        };
        let arrays = tensors.iter().map(listed).collect();
        let manifest = serde_json::to_string(&Stored { manifest: self.clone(), arrays })?;
        let crc = format!("{:08x}", crc32fast::hash(manifest.as_bytes()));
        let mut header = Map::new();
        let metadata = json!({ VERSION_KEY: VERSION, MANIFEST_KEY: manifest, CHECKSUM_KEY: crc });
        header.insert("__metadata__".to_string(), metadata);
        let mut at = 0;
        for tensor in tensors {
            let end = at + size_of_val(tensor.values);
            let (dtype, shape, offsets) = ("F32", &tensor.shape, [at, end]);
            let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets });
            header.insert(tensor.name.clone(), entry);
            at = end;
        }
        let mut text = Value::Object(header).to_string().into_bytes();
        text.resize(text.len().next_multiple_of(ALIGNMENT), b' ');
        Ok([&(text.len() as u64).to_le_bytes()[..], &text].concat())
    }
}

/// A checkpoint that was read and found complete.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    manifest: Manifest,
    bytes: Vec<u8>,
    arrays: HashMap<String, Range<usize>>,
}

impl Checkpoint {
    /// Reads a checkpoint, and checks that it is complete: each of its bytes counts.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be read, [`ErrorKind::Format`] if it is damaged or none, and
    /// [`ErrorKind::Mismatch`] if it is of another version.
    pub fn read(path: &Path) -> Result<Checkpoint, Error> {
        let cannot = |e: io::Error| {
            Error::of_file(ErrorKind::Io, path, &format!("cannot read the checkpoint: {e}"))
        };
        Checkpoint::from_bytes(path, std::fs::read(path).map_err(cannot)?)
    }

    /// [`Checkpoint::read`] for a file that was read already.
    ///
    /// # Errors
    /// The same.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Checkpoint, Error> {
        match read(&bytes) {
            Ok((manifest, arrays)) => {
                Ok(Checkpoint { path: path.to_path_buf(), manifest, bytes, arrays })
            }
            Err((kind, problem)) => Err(Error::of_file(kind, path, &problem)),
        }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the run that it is of.
    pub fn run(&self) -> &str {
        &self.manifest.run
    }

    /// The steps that the run had taken.
    pub fn step(&self) -> u64 {
        self.manifest.step
    }

    /// The configuration that was [given](super::Checkpoints::configuration) when it was saved.
    pub fn configuration(&self) -> &str {
        &self.manifest.configuration
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Copies the array `name`, which has as many values as `out`.
    ///
    /// # Errors
    /// If there is none, or it has another length.
    pub(crate) fn copy(&self, name: &str, out: &mut [f32]) -> Result<(), Error> {
        let bytes = self.arrays.get(name).map_or(&[][..], |range| &self.bytes[range.clone()]);
        if bytes.len() != size_of_val(out) || !self.arrays.contains_key(name) {
            return Err(self.unfit(&format!("its array {name} is not there, or of another size")));
        }
        for (value, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    /// The error that it does not belong to a training.
    pub(crate) fn unfit(&self, problem: &str) -> Error {
        let problem = format!("the checkpoint does not fit: {problem}: begin in another folder");
        Error::of_file(ErrorKind::Mismatch, &self.path, &problem)
    }
}

type Problem = (ErrorKind, String);

/// The manifest of a complete checkpoint, and the bytes of each array.
fn read(bytes: &[u8]) -> Result<(Manifest, HashMap<String, Range<usize>>), Problem> {
    let damaged = |detail: String| {
        (ErrorKind::Format, format!("the checkpoint is damaged ({detail}): delete it"))
    };
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| damaged(e.to_string()))?;
    let (header, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|e| damaged(e.to_string()))?;
    let of = |key: &str| metadata.metadata().as_ref().and_then(|map| map.get(key));
    let Some(version) = of(VERSION_KEY) else {
        let problem = "a safetensors file, but no checkpoint: give a folder of checkpoints";
        return Err((ErrorKind::Format, problem.to_string()));
    };
    if version != VERSION {
        let problem = format!(
            "the checkpoint is of version {version}, and this program reads version {VERSION}: go \
             on with the program that wrote it"
        );
        return Err((ErrorKind::Mismatch, problem));
    }
    let manifest = of(MANIFEST_KEY).ok_or_else(|| damaged("it has no manifest".to_string()))?;
    let crc = format!("{:08x}", crc32fast::hash(manifest.as_bytes()));
    if of(CHECKSUM_KEY) != Some(&crc) {
        return Err(damaged("the manifest does not fit its checksum".to_string()));
    }
    let Stored { manifest, arrays } =
        serde_json::from_str(manifest).map_err(|e| damaged(e.to_string()))?;
    if tensors.len() != arrays.len() {
        return Err(damaged(format!("{} arrays of {}", tensors.len(), arrays.len())));
    }
    let mut ranges = HashMap::new();
    for Listed { name, shape, crc32 } in arrays {
        let tensor = tensors.tensor(&name).map_err(|e| damaged(e.to_string()))?;
        let info = metadata.info(&name).ok_or_else(|| damaged(format!("{name} is missing")))?;
        let is_listed = tensor.dtype() == safetensors::Dtype::F32
            && tensor.shape() == shape
            && crc32fast::hash(tensor.data()) == crc32;
        if !is_listed {
            return Err(damaged(format!("{name} does not fit its checksum")));
        }
        let (start, end) = info.data_offsets;
        let first = size_of::<u64>() + header;
        ranges.insert(name, first + start..first + end);
    }
    Ok((manifest, ranges))
}
