//! One pass over samples: their values, whatever their order, and the memory that it leaves behind.

use std::fs;
use std::path::{Path, PathBuf};

use narrows_datasets::{
    Access, Dataset, Dtype, Metadata, OpenOptions, Parts, StoreWriter, open_whole,
};

/// A store of bytes, all samples of it one after the other.
fn store(folder: &Path, width: usize, rows: usize) -> (PathBuf, Vec<u8>) {
    let path = fs::canonicalize(folder).unwrap().join("data.narrows");
    let values: Vec<u8> = (0..width * rows).map(|i| (i * 31 % 251) as u8).collect();
    let mut writer = StoreWriter::create(&path, Dtype::U8, &[width], true).unwrap();
    values.chunks(width).for_each(|sample| writer.push_bytes(sample, 0).unwrap());
    writer.finish(&Metadata { classes: vec!["a".into()], ..Metadata::default() }).unwrap();
    (path, values)
}

fn whole(path: &Path, access: Access) -> Dataset {
    let options = OpenOptions { access, ..OpenOptions::default() };
    match open_whole(path, &options, &|_, _| {}).unwrap().data {
        Parts::Whole(data) => data,
        Parts::Halves(..) => panic!("it has no halves"),
    }
}

#[test]
fn samples_in_any_order_are_those_of_the_file() {
    // Pieces of 16 KB hold many samples, one, or less than one.
    for width in [1, 40, 700, 5000, 9000, 16_384, 16_385, 40_000] {
        let folder = tempfile::tempdir().unwrap();
        let rows = 40 + 60_000 / width as u32;
        let (path, values) = store(folder.path(), width, rows as usize);
        let data = whole(&path, Access::Map);
        for order in [
            (0..rows).collect::<Vec<_>>(),
            (0..rows).rev().collect(),
            (0..rows).step_by(7).collect(),
            (0..rows).map(|row| row * 13 % rows).collect(),
            vec![rows - 1],
            vec![3, 3, 4, 4, 2, 3, rows - 1, 0, rows - 2, rows - 1],
            vec![0, rows / 2, rows / 2 + 1, rows - 1],
            vec![],
        ] {
            let expected: Vec<f32> = order
                .iter()
                .flat_map(|&row| &values[row as usize * width..][..width])
                .map(|&value| f32::from(value) / 255.0)
                .collect();
            let mut found = vec![f32::NAN; expected.len()];
            data.gather_in_passing(&order, &mut found).unwrap();
            assert!(found == expected, "samples of {width}, rows {order:?}");
        }
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_an_error() {
    for access in [Access::Map, Access::Read] {
        for length in [100, 1 << 20] {
            let folder = tempfile::tempdir().unwrap();
            let (path, _) = store(folder.path(), 10, 50_000);
            let data = whole(&path, access);
            let mut x = vec![0.0; 10];
            data.gather_in_passing(&[49_999], &mut x).unwrap();
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
            let error = data.gather_in_passing(&[49_999], &mut x).unwrap_err().to_string();
            assert!(error.contains("was changed while it was in use"), "{error}");
        }
    }
}

/// The kilobytes of the maps of a file that are in memory, and count as this process's.
#[cfg(target_os = "linux")]
fn resident(path: &Path) -> u64 {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let (mut ours, mut sum, mut seen) = (false, 0, false);
    for line in maps.lines() {
        if let Some(size) = line.strip_prefix("Rss:") {
            let size = size.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
            sum += if ours { size } else { 0 };
        } else if line.split_whitespace().next().is_some_and(|field| !field.ends_with(':')) {
            ours = line.ends_with(path.to_str().unwrap());
            seen |= ours;
        }
    }
    assert!(seen, "{} is not mapped", path.display());
    sum
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_keep_what_was_passed() {
    let folder = tempfile::tempdir().unwrap();
    let (width, rows) = (80, 100_000_u32);
    let (path, _) = store(folder.path(), width, rows as usize);
    let data = whole(&path, Access::Map);
    let order: Vec<u32> = (0..rows).collect();
    let mut x = vec![0.0; 1000 * width];
    order.chunks(1000).for_each(|rows| data.gather_in_passing(rows, &mut x).unwrap());
    data.labels().unwrap();
    // The header and what the system maps around it.
    assert!(resident(&path) < 256, "{} KB of 8,000", resident(&path));
    // Training keeps the pages, in which it reads the same samples again.
    order.chunks(1000).for_each(|rows| data.gather(rows, &mut x).unwrap());
    assert!(resident(&path) > 7000, "{} KB of 8,000", resident(&path));
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_keep_a_table_that_was_compared_with_what_a_model_learnt_from() {
    let folder = tempfile::tempdir().unwrap();
    let row = |i: u32| format!("{},{},{}\n", i % 17, f64::from(i % 1000) / 8.0, i % 3);
    let text: String = (0..400_000).map(row).collect();
    let path = folder.path().join("table.csv");
    fs::write(&path, format!("a,b,c\n{text}")).unwrap();
    let preparation = narrows_datasets::open(&path).unwrap().train.preparation().clone();
    let data = whole(&path, Access::Map);
    let parts = Parts::Whole(data).prepared_like(&preparation).unwrap();
    let Parts::Whole(data) = parts else { panic!("it has no halves") };
    let cache = fs::canonicalize(folder.path()).unwrap().join(".narrows");
    let store = fs::read_dir(cache).unwrap().next().unwrap().unwrap().path();
    assert_eq!(data.len(), 400_000);
    let all: Vec<u32> = (0..1000).collect();
    data.out_of_range(&all).unwrap();
    assert!(resident(&store) < 512, "{} KB of 4,800", resident(&store));
}
