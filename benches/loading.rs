//! A shuffled batch from a file of MNIST's shape, as `f32`: the mapped file and its vector
//! conversion against what one writes first, a seek and a read for each sample and a division for
//! each value.
//!
//! Throughput is in bytes of the file. The file is in the page cache, so that no disk is measured;
//! it is larger than the processor's caches, and the order walks through all of it. What one thread
//! can read of memory at best is measured beside it: a sum over the file from its first byte to its
//! last.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narrows_datasets::{Access, Dataset, Dtype, Metadata, Store, StoreWriter, shuffled};

/// 314 MB.
const SAMPLES: usize = 400_000;
const SAMPLE_LEN: usize = 28 * 28;
const HEADER_LEN: usize = 16;
const BATCH: usize = 100;

fn write_images(folder: &Path) -> PathBuf {
    let path = folder.join("train-images-idx3-ubyte");
    let mut bytes = vec![0, 0, 8, 3];
    bytes.extend([SAMPLES as u32, 28, 28].iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(
        (0..SAMPLES * SAMPLE_LEN).map(|i| ((i as u32).wrapping_mul(2_654_435_761) >> 24) as u8),
    );
    File::create(&path)
        .and_then(|mut file| file.write_all(&bytes))
        .expect("the temporary folder takes 314 MB");
    path
}

/// `out`: (rows, `SAMPLE_LEN`)
fn seek_and_read(file: &mut File, rows: &[u32], out: &mut [f32]) {
    let mut sample = [0; SAMPLE_LEN];
    for (&row, out) in rows.iter().zip(out.chunks_exact_mut(SAMPLE_LEN)) {
        let start = (HEADER_LEN + row as usize * SAMPLE_LEN) as u64;
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.read_exact(&mut sample))
            .expect("the file is whole");
        for (out, &value) in out.iter_mut().zip(&sample) {
            *out = f32::from(value) / 255.0;
        }
    }
}

fn loading(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let path = write_images(folder.path());
    let mapped = Dataset::from_idx("generated", &path, None).expect("the file was just written");
    let values = std::fs::read(&path).expect("the file was just written")[HEADER_LEN..].to_vec();
    let in_memory = Dataset::from_values("generated", values, &[28, 28], 255, None).expect("bytes");
    let mut file = File::open(&path).expect("the file was just written");

    let order = shuffled(SAMPLES, 0, 0);
    let mut out = vec![0.0; BATCH * SAMPLE_LEN];
    let mut expected = out.clone();
    mapped.gather(&order[..BATCH], &mut out).unwrap();
    seek_and_read(&mut file, &order[..BATCH], &mut expected);
    assert_eq!(out, expected, "the two do the same work");

    let mut group = criterion.benchmark_group(format!("loading a batch of {BATCH}x{SAMPLE_LEN}"));
    group.throughput(Throughput::Bytes((BATCH * SAMPLE_LEN) as u64));
    let mut batches = order.chunks_exact(BATCH).cycle();
    let mut next = || batches.next().expect("a cycle has no end");
    group.bench_function("mapped, gather", |b| {
        b.iter(|| mapped.gather(next(), black_box(&mut out)).unwrap())
    });
    group.bench_function("in memory, gather", |b| {
        b.iter(|| in_memory.gather(next(), black_box(&mut out)).unwrap())
    });
    let same = &order[..BATCH];
    group.bench_function("mapped, gather, the same rows", |b| {
        b.iter(|| mapped.gather(black_box(same), black_box(&mut out)).unwrap());
    });
    group.bench_function("seek, read and divide", |b| {
        b.iter(|| seek_and_read(&mut file, next(), black_box(&mut out)));
    });
    group.finish();

    let bytes = std::fs::read(&path).expect("the file was just written");
    let mut group = criterion.benchmark_group("one thread");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(20);
    group.bench_function("reads memory", |b| b.iter(|| sum(black_box(&bytes))));
    group.finish();

    let store = folder.path().join("images.narrows");
    let mut writer =
        StoreWriter::create(&store, Dtype::U8, &[28, 28], false).expect("the folder takes a file");
    for sample in bytes[HEADER_LEN..].chunks_exact(SAMPLE_LEN).take(60_000) {
        writer.push_bytes(sample, 0).expect("the folder takes 47 MB more");
    }
    writer.finish(&Metadata::default()).expect("the folder takes 47 MB more");
    criterion.bench_function("opening a store of 60,000x784", |b| {
        b.iter(|| Store::open(black_box(&store), Access::Map).expect("the file was just written"));
    });
}

/// The sum of all whole words: eight at a time, so that no addition waits for another.
fn sum(bytes: &[u8]) -> u64 {
    let mut sums = [0_u64; 32];
    for words in bytes.as_chunks::<256>().0 {
        for (sum, word) in sums.iter_mut().zip(words.as_chunks().0) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*word));
        }
    }
    sums.iter().fold(0, |all, &sum| all.wrapping_add(sum))
}

criterion_group!(benches, loading);
criterion_main!(benches);
