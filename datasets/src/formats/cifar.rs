//! The binary batches of CIFAR-10: records without a header.
//!
//! ```text
//! label   red                  green                blue
//! 1 byte  1,024 bytes, 32x32   1,024 bytes          1,024 bytes
//! ```
//!
//! Format: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; its web
//! page.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dataset::Dataset;
use crate::dataset::halves::TrainTest;
use crate::dataset::values::Values;
use crate::error::{At as _, Error, bail};
use crate::files::regular::open_regular;
use crate::preparation::Preparation;

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;
const CLASSES: usize = 10;
const TRAIN: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
const TEST: &str = "test_batch.bin";
const NAMES: &str = "batches.meta.txt";

/// Opens `dir`, called `name`; `None` if it holds none of the six batches. They become
/// channels-last in memory.
pub(crate) fn open(dir: &Path, name: &str) -> Result<Option<TrainTest>, Error> {
    let paths: Vec<PathBuf> = TRAIN.iter().chain([&TEST]).map(|batch| dir.join(batch)).collect();
    if !paths.iter().any(|path| path.exists()) {
        return Ok(None);
    }
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        let missing = missing.file_name().unwrap_or_default().to_string_lossy();
        bail!(dir, "holds batches of CIFAR-10, but no {missing}: put it there");
    }
    let classes = class_names(&dir.join(NAMES))?;
    let (train, test) = paths.split_at(TRAIN.len());
    let half = |paths: &[PathBuf]| read(paths, name, &classes);
    Ok(Some(TrainTest { train: half(train)?, test: half(test)? }))
}

/// The names in `path`, one a line; numbers if there is no such file.
fn class_names(path: &Path) -> Result<Arc<[String]>, Error> {
    if !path.exists() {
        return Ok((0..CLASSES).map(|class| class.to_string()).collect());
    }
    // A few words. A longer file is something else, and not worth the memory.
    let mut text = String::new();
    let file = File::open(path).at(path)?;
    file.take(1 << 16).read_to_string(&mut text).at(path)?;
    let names: Arc<[String]> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    match names.len() {
        CLASSES => Ok(names),
        count => bail!(
            path,
            "names {count} classes, where CIFAR-10 has {CLASSES}, one a line: mend it, or remove it"
        ),
    }
}

fn read(paths: &[PathBuf], name: &str, classes: &Arc<[String]>) -> Result<Dataset, Error> {
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let (file, length) = open_regular(path, "a batch of CIFAR-10")?;
        if length == 0 || !length.is_multiple_of(RECORD as u64) {
            bail!(
                path,
                "has {length} bytes, which are no whole records of {RECORD}: download it again"
            );
        }
        let mut file = BufReader::with_capacity(64 * RECORD, file);
        let mut record = [0; RECORD];
        for row in 0..length / RECORD as u64 {
            file.read_exact(&mut record).at(path)?;
            let [label, planes @ ..] = &record;
            if usize::from(*label) >= CLASSES {
                bail!(
                    path,
                    "record {row} has the label {label}, where CIFAR-10 ends at {}: download it \
                     again",
                    CLASSES - 1
                );
            }
            labels.push(u16::from(*label));
            let (red, rest) = planes.split_at(PLANE);
            let (green, blue) = rest.split_at(PLANE);
            values.extend(red.iter().zip(green).zip(blue).flat_map(|((&r, &g), &b)| [r, g, b]));
        }
    }
    let values = Values::bytes(values, 3 * PLANE);
    let dataset = Dataset::new(
        name.to_owned(),
        values,
        &[SIDE, SIDE, 3],
        Preparation::Bytes { max: u8::MAX },
    );
    let dataset = dataset.at(&paths[0])?;
    Ok(dataset.with_labels(labels.into()).with_class_names(classes.clone()))
}
