//! safetensors: the tensors `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`. Labels are
//! 64-bit integers, as PyTorch wants classes, and come first, so that all is aligned; the names of
//! classes and columns are texts in the metadata.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::Export;
use crate::error::Error;
use crate::files::atomic;
use crate::sample::dtype::Dtype;
use crate::tools::both_halves::ProgressMeter;

/// The length of the header is a multiple of it.
const ALIGNMENT: usize = 8;

pub(super) fn write(
    export: &Export<'_>,
    out: &Path,
    meter: &mut ProgressMeter<'_>,
) -> Result<u64, Error> {
    let arrays = export.arrays();
    let mut header = Map::new();
    let mut metadata = Map::new();
    let mut put_names = |what: &str, names: Vec<&str>| {
        metadata.insert(what.to_owned(), json!(json!(names).to_string()))
    };
    if export.labels.is_some() {
        put_names("classes", export.both.class_names().iter().map(String::as_str).collect());
    }
    if let Some(columns) = &export.both.columns {
        put_names("columns", columns.iter().map(|column| column.name.as_str()).collect());
    }
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), Value::Object(metadata));
    }
    let mut at = 0;
    let mut tensor = |name: String, dtype: &str, size: u64, shape: &[u64]| {
        let end = at + shape.iter().product::<u64>() * size;
        header.insert(name, json!({ "dtype": dtype, "shape": shape, "data_offsets": [at, end] }));
        at = end;
    };
    if export.labels.is_some() {
        for &(ending, halves) in &arrays {
            tensor(format!("y{ending}"), "I64", 8, &export.shape(halves)[..1]);
        }
    }
    for &(ending, halves) in &arrays {
        let dtype = match export.dtype() {
            Dtype::U8 => "U8",
            Dtype::F32 => "F32",
        };
        tensor(format!("x{ending}"), dtype, export.dtype().size() as u64, &export.shape(halves));
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(ALIGNMENT), b' ');

    let mut file = atomic::create(out)?;
    file.put(&(text.len() as u64).to_le_bytes())?;
    file.put(&text)?;
    for &(_, halves) in &arrays {
        export.numbers(halves, |number| file.put(&number.to_le_bytes()))?;
    }
    for &(_, halves) in &arrays {
        export.values(halves, meter, |sample| file.put(sample))?;
    }
    file.complete()
}
