//! Weights from elsewhere: named tensors in the files of PyTorch and safetensors, and [graphs of
//! ONNX](onnx).
//!
//! Nothing in a file is executed. Files are read into memory as a whole, and no more values are
//! made of one than it has bytes.

mod element;
pub mod onnx;
mod pickle;
mod safetensors;
mod strided;
mod torch;
mod zip;

use crate::error::{Error, ErrorKind};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// No file of weights is longer: it is read into memory.
const LONGEST_FILE: u64 = 4 << 30;
/// No tensor has more dimensions.
const MOST_DIMENSIONS: usize = 8;

/// A tensor of a file: contiguous, row-major, in PyTorch's layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The length of each dimension; none for a single number.
    pub shape: Vec<usize>,
    /// The values, the last dimension fastest.
    pub values: Vec<f32>,
}

/// The named tensors of a file, in its order.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    tensors: Vec<(String, Tensor)>,
    /// The place of each name.
    places: HashMap<String, usize>,
    left_out: Vec<String>,
}

impl Weights {
    /// Reads a safetensors file, or one that `torch.save` wrote, of a network's state. The content
    /// tells the format.
    ///
    /// A state within a dictionary, under `state_dict`, `model_state_dict` or `model`, is taken out
    /// of it. The prefix `module.` goes if all names have it. Counters of batches
    /// (`num_batches_tracked`), which are integers, are left out.
    ///
    /// # Errors
    /// If the file cannot be read, is of no such format, is damaged, or holds anything but tensors
    /// of floats; the message is one line that names the file and the tensor.
    pub fn open(path: &Path) -> Result<Weights, Error> {
        let wrong = |problem: String| Error::of_file(ErrorKind::Format, path, &problem);
        read(&read_file(path)?).map_err(wrong)
    }

    /// Weights that were made elsewhere.
    ///
    /// # Errors
    /// If a name occurs twice, or the values of a tensor are not as many as its shape says.
    pub fn from_tensors(
        tensors: impl IntoIterator<Item = (String, Tensor)>,
    ) -> Result<Weights, Error> {
        let mut weights = Weights::default();
        for (name, tensor) in tensors {
            if count(&tensor.shape) != Some(tensor.values.len()) {
                let (values, shape) = (tensor.values.len(), tensor.shape);
                let problem = format!("the tensor {name}: {values} values for the shape {shape:?}");
                return Err(Error::of(ErrorKind::Mismatch, problem));
            }
            weights.push(name, tensor).map_err(|e| Error::of(ErrorKind::Mismatch, e))?;
        }
        Ok(weights)
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        Some(&self.tensors[*self.places.get(name)?].1)
    }

    /// The names, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.iter().map(|(name, _)| &**name)
    }

    /// The names and their tensors, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (&**name, tensor))
    }

    /// The number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// True if there are no tensors.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Names of entries beside the network's state that were not read, such as `optimizer`.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    fn push(&mut self, name: String, tensor: Tensor) -> Result<(), String> {
        if self.places.insert(name.clone(), self.tensors.len()).is_some() {
            return Err(format!("two tensors have the name {}: save it anew", shown(&name)));
        }
        self.tensors.push((name, tensor));
        Ok(())
    }
}

/// The content of a regular file that is not too long.
fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |problem: &str| Error::of_file(ErrorKind::Io, path, problem);
    let unread = |e: std::io::Error| failed(&format!("cannot read the weights: {e}"));
    // Before it is opened: opening a named pipe waits for its writer.
    let metadata = fs::metadata(path).map_err(unread)?;
    if !metadata.is_file() {
        return Err(failed("is no regular file, where a file of weights is expected"));
    }
    if metadata.len() > LONGEST_FILE {
        return Err(failed("has more than 4 GiB, the most for a file of weights"));
    }
    fs::read(path).map_err(unread)
}

fn read(bytes: &[u8]) -> Result<Weights, String> {
    // A header of safetensors may be as long as the first bytes of a pickle say.
    let header = bytes.first_chunk().map_or(u64::MAX, |length| u64::from_le_bytes(*length));
    let fits = header <= bytes.len() as u64 && bytes.get(8) == Some(&b'{');
    let weights = if bytes.starts_with(b"PK\x03\x04") {
        torch::read_zip(bytes)
    } else if fits {
        safetensors::read(bytes)
    } else if bytes.starts_with(&[pickle::PROTO]) {
        torch::read_legacy(bytes)
    } else if bytes.get(8) == Some(&b'{') {
        safetensors::read(bytes)
    } else {
        Err(unknown(bytes))
    }?;
    if weights.is_empty() {
        return Err("holds no tensor: save the state_dict of a network".into());
    }
    for (name, tensor) in weights.iter() {
        if !tensor.values.iter().all(|value| value.is_finite()) {
            let name = shown(name);
            return Err(format!("the tensor {name} has NaN or infinite values: save it anew"));
        }
    }
    Ok(weights)
}

/// The problem of a file that is of no known format.
fn unknown(bytes: &[u8]) -> String {
    let start = bytes.trim_ascii_start();
    if bytes.is_empty() {
        "is empty: download it again".into()
    } else if start.starts_with(b"version https://git-lfs") {
        "is a pointer of Git LFS, not the weights: run git lfs pull".into()
    } else if start.starts_with(b"<") {
        "is a web page, not weights: download the file itself".into()
    } else if onnx::starts_onnx(bytes) {
        "is an ONNX graph, which brings its own architecture: give no other with it".into()
    } else {
        "is neither a safetensors file nor one that torch.save wrote: convert it to safetensors"
            .into()
    }
}

/// The number of values of that shape, if it can be counted.
fn count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1, |product: usize, &length| product.checked_mul(length))
}

/// A name from a file, for an error: not too long.
fn shown(name: &str) -> String {
    const LONGEST: usize = 60;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &name[..end]),
        None => format!("{name:?}"),
    }
}
