use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::dataset::halves::Parts;
use crate::files::data_file::Access;
use crate::{Dtype, Metadata, Store, StoreWriter, holdout, shuffled};

const WIDTH: usize = 6_250;
const ROWS: usize = 203;

/// A store of samples that begin with their number; 20 of them are a block.
fn numbered(folder: &Path) -> Dataset {
    let path = folder.join("numbered.narrows");
    let mut writer = StoreWriter::create(&path, Dtype::U8, &[WIDTH], false).unwrap();
    for row in 0..ROWS {
        let mut sample = vec![row as u8; WIDTH];
        sample[WIDTH - 1] = 255 - row as u8;
        writer.push_bytes(&sample, 0).unwrap();
    }
    writer.finish(&Metadata::default()).unwrap();
    match Store::open(&path, Access::Map).unwrap().into_parts("numbered").unwrap() {
        Parts::Whole(dataset) => dataset,
        Parts::Halves(..) => panic!("nothing says what the test is"),
    }
}

/// As few batches as possible, whose lengths differ by one row at most.
fn lengths_of(n: usize, batch: usize) -> Vec<usize> {
    let n = if batch == 2 && n > 1 { n / 2 * 2 } else { n };
    let count = n.div_ceil(batch);
    (0..count).map(|at| n / count + usize::from(at < n % count)).collect()
}

/// The rows that [`holdout`] leaves.
fn kept(n: usize, held: &[u32]) -> Vec<u32> {
    (0..n as u32).filter(|row| !held.contains(row)).collect()
}

/// The rows of each batch of an epoch, each sample held against its row.
fn epoch(loader: &mut Loader<'_>, data: &Dataset, number: u64, first: usize) -> Vec<Vec<u32>> {
    let steps = loader.steps();
    let mut epoch = loader.epoch(number);
    let mut all = Vec::new();
    while epoch.advance().unwrap() {
        let rows = epoch.rows().to_vec();
        let mut x = vec![-1.0; rows.len() * data.sample_len()];
        epoch.gather(&mut x).unwrap();
        for (&row, x) in rows.iter().zip(x.chunks(WIDTH)) {
            let number = (first + row as usize) as u8;
            assert!(x[..WIDTH - 1].iter().all(|&value| value == f32::from(number) / 255.0));
            assert_eq!(x[WIDTH - 1], f32::from(255 - number) / 255.0);
        }
        all.push(rows);
    }
    assert_eq!(all.len(), steps);
    all
}

#[test]
fn what_fits_is_shuffled_as_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let data = numbered(folder.path()).with_memory(1 << 30);
    let held = holdout(ROWS, 17, 3);
    let kept = kept(ROWS, &held);
    let mut loader = Loader::new(&data, Rows::AllBut { of: ROWS, held: &held }, 16, 5);
    assert!(!loader.streams());
    for number in 0..2 {
        let order: Vec<u32> =
            shuffled(kept.len(), 5, number).iter().map(|&at| kept[at as usize]).collect();
        let batches = epoch(&mut loader, &data, number, 0);
        assert_eq!(batches.concat(), order);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), lengths_of(186, 16));
    }
}

#[test]
fn what_does_not_fit_comes_in_windows_each_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let whole = numbered(folder.path());
    for memory in [1, 3 << 17, 9 << 17] {
        for (data, first) in [
            (whole.clone(), 0),
            (whole.range(25..ROWS), 25),
            (whole.subset(&Vec::from_iter(7..150)).unwrap(), 7),
        ] {
            let data = data.with_memory(memory);
            let held = holdout(data.len(), 9, 3);
            let kept = kept(data.len(), &held);
            for batch in [1, 2, 16, 45, 200] {
                let mut loader =
                    Loader::new(&data, Rows::AllBut { of: data.len(), held: &held }, batch, 5);
                // 143 samples fit into 1.1 MiB.
                assert_eq!(loader.streams(), memory < 9 << 17 || data.len() * WIDTH > 9 << 17);
                let first_epoch = epoch(&mut loader, &data, 0, first);
                let lengths: Vec<usize> = first_epoch.iter().map(Vec::len).collect();
                assert_eq!(lengths, lengths_of(kept.len(), batch));
                let seen: Vec<u32> = first_epoch.concat();
                let distinct: BTreeSet<u32> = seen.iter().copied().collect();
                assert_eq!(distinct.len(), seen.len());
                assert!(seen.iter().all(|row| kept.contains(row)));
                assert!(seen.len() + usize::from(batch == 2) >= kept.len());
                assert_eq!(epoch(&mut loader.clone(), &data, 0, first), first_epoch);
                assert_ne!(epoch(&mut loader, &data, 1, first), first_epoch);
            }
        }
    }
}

#[test]
fn an_epoch_can_be_left_half_way() {
    let folder = tempfile::tempdir().unwrap();
    let data = numbered(folder.path()).with_memory(2 << 17);
    let mut loader = Loader::new(&data, Rows::all(ROWS), 16, 5);
    for _ in 0..20 {
        assert!(loader.epoch(0).advance().unwrap());
    }
}

#[test]
fn a_damaged_block_is_named() {
    use std::io::{Seek, SeekFrom, Write};
    let folder = tempfile::tempdir().unwrap();
    drop(numbered(folder.path()));
    let path = folder.path().join("numbered.narrows");
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(4096 + 41 * WIDTH as u64 + 5)).unwrap();
    file.write_all(&[99]).unwrap();
    drop(file);
    let Parts::Whole(data) =
        Store::open(&path, Access::Map).unwrap().into_parts("numbered").unwrap()
    else {
        panic!("nothing says what the test is");
    };
    let data = data.with_memory(2 << 17);
    let mut loader = Loader::new(&data, Rows::all(ROWS), 16, 5);
    let mut epoch = loader.epoch(0);
    let error = loop {
        match epoch.advance() {
            Ok(true) => {}
            Ok(false) => panic!("the epoch ended"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(
        error.ends_with(
            "is damaged: samples 40 to 59 do not fit their checksum; pack its source again"
        ),
        "{error}"
    );
}
