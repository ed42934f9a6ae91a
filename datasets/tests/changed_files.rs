//! Files that others change in the middle of an epoch: an error or the old values, never a crash
//! and never others.

// On Windows a file that is mapped cannot be cut off.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::made_files::{idx, put};
use narrows_datasets::{
    Access, Dataset, Dtype, Loader, Metadata, OpenOptions, Parts, Rows, StoreWriter, open_whole,
};

/// Above a page, so that what is cut off takes pages along.
const WIDTH: usize = 20_000;
const ROWS: usize = 200;

fn sample(row: usize) -> Vec<u8> {
    (0..WIDTH).map(|at| (row * 13 + at * 7) as u8).collect()
}

fn put_store(folder: &Path) -> PathBuf {
    let path = folder.join("data.narrows");
    let mut writer = StoreWriter::create(&path, Dtype::U8, &[WIDTH], false).unwrap();
    (0..ROWS).for_each(|row| writer.push_bytes(&sample(row), 0).unwrap());
    writer.finish(&Metadata::default()).unwrap();
    path
}

fn put_idx(folder: &Path) -> PathBuf {
    let values: Vec<u8> = (0..ROWS).flat_map(sample).collect();
    put(folder, "data.idx", &idx(0x08, &[ROWS as u32, WIDTH as u32], &values))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    None,
    CutOff,
    Emptied,
    Grown,
    Rewritten,
    Touched,
    Renamed,
    Removed,
}

impl Change {
    fn make(self, path: &Path) {
        let open = || File::options().write(true).open(path).unwrap();
        let length = fs::metadata(path).unwrap().len();
        match self {
            Change::None => {}
            Change::CutOff => open().set_len(length / 3).unwrap(),
            Change::Emptied => open().set_len(0).unwrap(),
            Change::Grown => open().set_len(length + 1).unwrap(),
            Change::Rewritten => {
                let mut file = open();
                file.seek(SeekFrom::Start(5_000)).unwrap();
                file.write_all(&vec![1; 1_000_000]).unwrap();
                // File systems tell times apart by some milliseconds.
                file.set_modified(SystemTime::now() + Duration::from_secs(1)).unwrap();
            }
            Change::Touched => {
                open().set_modified(SystemTime::now() + Duration::from_secs(1)).unwrap()
            }
            Change::Renamed => {
                let other = path.with_extension("other");
                fs::write(&other, vec![2; length as usize]).unwrap();
                fs::rename(other, path).unwrap();
            }
            Change::Removed => fs::remove_file(path).unwrap(),
        }
    }
}

/// Reads epochs until an error, of which the first is changed after some batches; each value is
/// held against what it was.
fn epochs(data: &Dataset, path: &Path, change: Change) -> Result<(), String> {
    let mut loader = Loader::new(data, Rows::all(ROWS), 7, 3);
    let mut x = vec![0.0; 7 * WIDTH];
    for number in 0..2 {
        let mut seen = 0;
        let mut epoch = loader.epoch(number);
        while epoch.advance().map_err(|error| error.to_string())? {
            if number == 0 && seen == 5 {
                change.make(path);
            }
            let x = &mut x[..epoch.rows().len() * WIDTH];
            epoch.gather(x).map_err(|error| error.to_string())?;
            for (&row, x) in epoch.rows().iter().zip(x.chunks(WIDTH)) {
                let expected = sample(row as usize);
                assert!(
                    x.iter().zip(expected).all(|(&x, value)| x == f32::from(value) / 255.0),
                    "row {row}"
                );
            }
            seen += 1;
        }
        assert_eq!(seen, ROWS.div_ceil(7));
    }
    Ok(())
}

#[test]
fn an_epoch_over_a_file_that_changes_is_an_error_or_sees_the_old_one() {
    for put in [put_store, put_idx] {
        for access in [Access::Map, Access::Read] {
            // All at once, and in windows of a block.
            for memory in [1 << 40, 1] {
                for change in [
                    Change::None,
                    Change::CutOff,
                    Change::Emptied,
                    Change::Grown,
                    Change::Rewritten,
                    Change::Touched,
                    Change::Renamed,
                    Change::Removed,
                ] {
                    let folder = tempfile::tempdir().unwrap();
                    let path = put(folder.path());
                    let options = OpenOptions { access, ..OpenOptions::default() };
                    let Parts::Whole(data) = open_whole(&path, &options, &|_, _| {}).unwrap().data
                    else {
                        panic!("it has no halves");
                    };
                    let data = data.with_memory(memory);
                    assert_eq!(Loader::new(&data, Rows::all(ROWS), 7, 3).streams(), memory == 1);
                    let what = format!("{change:?} {access:?} {memory} {path:?}");
                    match (change, epochs(&data, &path, change)) {
                        (Change::None | Change::Renamed | Change::Removed, result) => {
                            assert_eq!(result, Ok(()), "{what}");
                        }
                        (_, Ok(())) => panic!("nothing was noticed: {what}"),
                        (_, Err(error)) => {
                            let start = path.to_str().unwrap();
                            assert!(
                                error.starts_with(start) && error.contains("was changed"),
                                "{what}: {error}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn labels_of_a_store_that_changed_are_an_error() {
    for access in [Access::Map, Access::Read] {
        for change in [Change::CutOff, Change::Emptied, Change::Grown, Change::Rewritten] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("data.narrows");
            let mut writer = StoreWriter::create(&path, Dtype::U8, &[1], true).unwrap();
            (0..600_000).for_each(|row| writer.push_bytes(&[1], row as u16 % 2).unwrap());
            let classes = vec!["a".to_owned(), "b".to_owned()];
            writer.finish(&Metadata { classes, ..Metadata::default() }).unwrap();
            let options = OpenOptions { access, ..OpenOptions::default() };
            let Parts::Whole(data) = open_whole(&path, &options, &|_, _| {}).unwrap().data else {
                panic!("it has no halves");
            };
            change.make(&path);
            let error = data.labels().unwrap_err().to_string();
            assert!(error.contains("was changed"), "{change:?}: {error}");
            assert!(data.subset(&[0]).is_err() && data.gather(&[0], &mut [0.0]).is_err());
        }
    }
}
