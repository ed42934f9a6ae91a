//! Parameters in files, by name: safetensors, every tensor F32.

use super::{ParamEntry, Params};
use crate::error::Error;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

/// A complete safetensors file in memory, whose header was read.
#[derive(Debug)]
pub struct ParamFile<'f> {
    header: Metadata,
    /// All tensors.
    bytes: &'f [u8],
}

impl<'f> ParamFile<'f> {
    /// Reads the header. No values are looked at.
    ///
    /// # Errors
    /// If that is no complete safetensors file.
    pub fn read(file: &'f [u8]) -> Result<ParamFile<'f>, Error> {
        let (length, header) = SafeTensors::read_metadata(file)
            .map_err(|e| Error::format(format!("not a complete safetensors file ({e})")))?;
        Ok(ParamFile { header, bytes: &file[size_of::<u64>() + length..] })
    }

    /// The text that the header has for `key` beside the tensors.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.header.metadata().as_ref()?.get(key).map(String::as_str)
    }

    /// The values of a tensor of that name, shape and 32-bit floats, if there is one.
    fn values(&self, name: &str, shape: &[usize]) -> Option<&'f [[u8; 4]]> {
        let found = self.header.info(name)?;
        let (start, end) = found.data_offsets;
        (found.dtype == Dtype::F32 && found.shape == shape)
            .then(|| self.bytes[start..end].as_chunks::<4>().0)
    }
}

/// The tensors of a file, compared with the parameters of a network by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a parameter may be missing"]
#[non_exhaustive]
pub struct LoadReport {
    /// The parameters that the file has values for.
    pub loaded: Vec<String>,
    /// The parameters that the file does not have.
    pub missing: Vec<String>,
    /// The tensors of the file that are no parameter's.
    pub unused: Vec<String>,
    /// The parameters that the file has in another shape or type, and both of these:
    /// `head.0.bias is F32 [10], expected F32 [12]`.
    pub misshapen: Vec<String>,
}

impl LoadReport {
    /// Compares a file with parameters of those entries. No values are read.
    pub fn new(entries: &[ParamEntry], file: &ParamFile<'_>) -> LoadReport {
        let mut report = LoadReport::default();
        for entry in entries {
            let (name, shape) = (&entry.name, &entry.spec.shape);
            match file.header.info(name) {
                None => report.missing.push(name.clone()),
                Some(_) if file.values(name, shape).is_some() => report.loaded.push(name.clone()),
                Some(found) => report.misshapen.push(format!(
                    "{name} is {:?} {:?}, expected F32 {shape:?}",
                    found.dtype, found.shape
                )),
            }
        }
        let ours = |name: &String| entries.iter().any(|entry| entry.name == *name);
        report.unused = file.header.offset_keys();
        report.unused.retain(|name| !ours(name));
        report.unused.sort();
        report
    }

    /// Refuses a file that lacks a parameter or has it in another shape, and, if `strict`, one that
    /// has more.
    ///
    /// # Errors
    /// The message names the first such tensor, and counts the others.
    pub fn check(&self, strict: bool) -> Result<(), Error> {
        let mut problems = self.misshapen.clone();
        problems.extend(self.missing.iter().map(|name| format!("{name} is missing")));
        if strict {
            problems.extend(self.unused.iter().map(|name| format!("{name} is no parameter's")));
        }
        let [first, rest @ ..] = problems.as_slice() else { return Ok(()) };
        let more = match rest.len() {
            0 => String::new(),
            more => format!(", and {more} more do not fit"),
        };
        Err(Error::mismatch(format!("the tensor {first}{more}")))
    }
}

impl Params {
    /// The bytes of a safetensors file of all parameters and running statistics, with `metadata` in
    /// its header.
    ///
    /// # Errors
    /// If the header would be larger than the format allows.
    pub fn to_safetensors(&self, metadata: &[(&str, &str)]) -> Result<Vec<u8>, Error> {
        let pairs = metadata.iter().map(|(key, value)| (key.to_string(), value.to_string()));
        let metadata = (!metadata.is_empty()).then(|| HashMap::from_iter(pairs));
        let bytes: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let tensor = |entry: &ParamEntry| {
            let Range { start, end } = entry.range;
            let bytes = &bytes[size_of::<f32>() * start..size_of::<f32>() * end];
            let tensor = TensorView::new(Dtype::F32, entry.spec.shape.clone(), bytes)?;
            Ok((entry.name.clone(), tensor))
        };
        let tensors: Result<Vec<_>, _> = self.entries.iter().map(tensor).collect();
        tensors
            .and_then(|tensors| safetensors::serialize(tensors, metadata))
            .map_err(|e| Error::format(format!("cannot write the parameters: {e}")))
    }

    /// Takes over the tensors of a file that [`LoadReport::loaded`] names; other parameters keep
    /// their values. All stay frozen or trainable as they were.
    pub fn copy_from_file(&mut self, file: &ParamFile<'_>) -> LoadReport {
        for entry in &self.entries {
            let found = file.values(&entry.name, &entry.spec.shape).unwrap_or_default();
            for (value, bytes) in self.values[entry.range.clone()].iter_mut().zip(found) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        LoadReport::new(&self.entries, file)
    }

    /// Writes a safetensors file, all or nothing: a file beside it, of a name that nobody else has,
    /// is renamed when it is complete and on the disk.
    ///
    /// ```no_run
    /// # use narrows_engine::{Error, Network, Params, layers::Linear};
    /// # fn main() -> Result<(), Error> {
    /// # let network = Network::builder(1).layer(Linear::new(1)).build()?;
    /// # let mut params = Params::new(&network, 1);
    /// params.save("model.safetensors")?;
    /// params.load("model.safetensors")?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes = self.to_safetensors(&[]).map_err(|e| e.within(path.display()))?;
        write_atomically(path, &bytes)
            .map_err(|e| Error::io(format!("{}: cannot save: {e}", path.display())))
    }

    /// Reads all parameters and running statistics from a safetensors file, by name.
    ///
    /// # Errors
    /// If the file cannot be read, is no complete safetensors file, or its tensors are others than
    /// these parameters in name or shape; nothing is changed then.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let (path, file) = read(path.as_ref())?;
        ParamFile::read(&file)
            .and_then(|file| {
                LoadReport::new(&self.entries, &file).check(true)?;
                let _complete = self.copy_from_file(&file);
                Ok(())
            })
            .map_err(|e| e.within(path.display()))
    }

    /// Like [`Params::load`], but for a file that lacks parameters or has more; the report lists
    /// them.
    ///
    /// # Errors
    /// If the file cannot be read or is no complete safetensors file; nothing is changed then.
    pub fn load_partly(&mut self, path: impl AsRef<Path>) -> Result<LoadReport, Error> {
        let (path, file) = read(path.as_ref())?;
        let file = ParamFile::read(&file).map_err(|e| e.within(path.display()))?;
        Ok(self.copy_from_file(&file))
    }
}

/// Writes a file as a whole or not at all.
fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut prefix = path.file_name().unwrap_or_default().to_os_string();
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".partial");
    // Its permissions are those of any new file; a temporary one is its owner's alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    // The name must not say more than the disk holds.
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|e| e.error)
}

/// The bytes of a file.
fn read(path: &Path) -> Result<(&Path, Vec<u8>), Error> {
    let bytes = std::fs::read(path)
        .map_err(|e| Error::io(format!("{}: cannot read: {e}", path.display())))?;
    Ok((path, bytes))
}
