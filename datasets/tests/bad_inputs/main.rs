//! One table of bad inputs of every kind, opened as a user would: each is an error of one line that
//! names the file and says what its row of the table says, whether the file is mapped or read; none
//! panics, hangs, or allocates more than the file's size and 16 MB. The formats' own tests go
//! deeper.
//!
//! One test, in a process of its own: what is allocated is counted, and another test's would be
//! counted as well.

#![cfg(unix)]

mod arrays;
mod compressed;
mod folders;
#[path = "../live_memory/mod.rs"]
mod live_memory;
#[allow(dead_code, reason = "each user of it uses some")]
#[path = "../made_files/mod.rs"]
mod made_files;
mod stores;
mod tables;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use live_memory::most_live;
use made_files::{Member, f32s, gzip, idx, npy, put, safetensors, store, zip};
use narrows_datasets::{Access, Error, OpenOptions, Opened, open_whole, open_with};

/// What may be allocated beside the size of the file.
const ALLOWANCE: u64 = 16 << 20;

struct Table {
    folder: tempfile::TempDir,
    cases: usize,
    prefixes: usize,
    failures: Vec<String>,
}

impl Table {
    /// An empty folder for the next case.
    fn folder(&mut self) -> PathBuf {
        self.cases += 1;
        let folder = self.folder.path().join(self.cases.to_string());
        fs::create_dir(&folder).unwrap();
        folder
    }

    /// A file of these bytes.
    fn file(&mut self, name: &str, bytes: &[u8], says: &str) {
        self.with(name, bytes, &OpenOptions::default(), says);
    }

    fn with(&mut self, name: &str, bytes: &[u8], options: &OpenOptions, says: &str) {
        let path = put(&self.folder(), name, bytes);
        self.opened(&path, name, options, says);
    }

    /// A file of samples that is good, and one of labels that is not.
    fn labels(&mut self, name: &str, bytes: &[u8], says: &str) {
        let folder = self.folder();
        fs::write(folder.join("samples.idx"), idx(8, &[4, 2], b"abcdefgh")).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
        let options = OpenOptions { labels: Some(folder.join(name)), ..OpenOptions::default() };
        self.opened(&folder.join("samples.idx"), name, &options, says);
    }

    /// A folder of these files; the error names the first.
    fn files(&mut self, files: &[(&str, &[u8])], says: &str) {
        let folder = self.folder_of(files);
        self.opened(&folder, files[0].0, &OpenOptions::default(), says);
    }

    /// A folder of these files, which the error names.
    fn whole_folder(&mut self, files: &[(&str, &[u8])], says: &str) {
        let folder = self.folder_of(files);
        let name = folder.file_name().unwrap().to_str().unwrap();
        self.opened(&folder, name, &OpenOptions::default(), says);
    }

    fn folder_of(&mut self, files: &[(&str, &[u8])]) -> PathBuf {
        let folder = self.folder();
        for (name, bytes) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    /// What is at `path`, mapped and read; the error has to name `names`.
    fn opened(&mut self, path: &Path, names: &str, options: &OpenOptions, says: &str) {
        for access in [Access::Map, Access::Read] {
            let (path, options) = (path.to_owned(), OpenOptions { access, ..options.clone() });
            let size = size_of(if path.is_dir() { &path } else { path.parent().unwrap() });
            self.case(names, says, size, move || {
                // What it holds undivided may be good, or not.
                let _ = open_whole(&path, &options, &|_, _| {});
                use_all(open_with(&path, &options, &|_, _| {})?)
            });
        }
    }

    /// A file that takes long to decompress, and is opened but once: compressed data are never
    /// mapped.
    fn bomb(&mut self, name: &str, bytes: &[u8], says: &str) {
        let path = put(&self.folder(), name, bytes);
        self.case(name, says, bytes.len() as u64, move || {
            open_with(&path, &OpenOptions::default(), &|_, _| {}).and_then(use_all)
        });
    }

    /// Anything that has to fail, of a file of `size` bytes.
    fn case(
        &mut self,
        names: &str,
        says: &str,
        size: u64,
        work: impl FnOnce() -> Result<(), Error> + Send + 'static,
    ) {
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            // A panic drops the sender.
            let (result, most) = most_live(work);
            let _ = sender.send((result.map_err(|error| error.to_string()), most as u64));
        });
        let wrong = match receiver.recv_timeout(Duration::from_secs(60)) {
            Err(mpsc::RecvTimeoutError::Timeout) => "hangs".to_owned(),
            Err(mpsc::RecvTimeoutError::Disconnected) => "panics".to_owned(),
            Ok((Ok(()), _)) => "is taken".to_owned(),
            Ok((Err(error), most)) => {
                let short = error.len() < 400 + 2 * self.folder.path().as_os_str().len();
                match () {
                    () if error.contains(['\n', '\r']) => {
                        format!("has an error of several lines: {error}")
                    }
                    () if !short => format!("has a long error: {error}"),
                    () if !error.contains(names) => format!("is not named: {error}"),
                    () if !error.contains(says) => {
                        format!("has an error that does not say {says:?}: {error}")
                    }
                    () if most > size + ALLOWANCE => {
                        format!("has {most} bytes allocated for {size}, and then: {error}")
                    }
                    () => return drop(thread.join()),
                }
            }
        };
        self.failures.push(format!("case {}, {names:?}: {wrong}", self.cases));
    }

    /// Every prefix of a good file is an error, unless a prefix may be good itself.
    fn cut_off(&mut self, name: &str, whole: &[u8], may_be_good: bool) {
        let folder = self.folder();
        let path = folder.join(name);
        let good = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let (result, most) = most_live(|| {
                std::panic::catch_unwind(|| {
                    open_with(&path, &OpenOptions::default(), &|_, _| {}).and_then(use_all)
                })
            });
            match result {
                Err(_) => Err("panics".to_owned()),
                Ok(Ok(())) => Ok(true),
                Ok(Err(error)) => {
                    let error = error.to_string();
                    let fine =
                        !error.contains('\n') && error.contains(name) && most as u64 <= ALLOWANCE;
                    if fine {
                        Ok(false)
                    } else {
                        Err(format!("allocates {most}, and then: {error}"))
                    }
                }
            }
        };
        if good(whole) != Ok(true) {
            self.failures.push(format!("{name}: the whole file does not open"));
        }
        for length in 0..whole.len() {
            self.prefixes += 1;
            match good(&whole[..length]) {
                Ok(good) if !good || may_be_good => {}
                other => {
                    self.failures.push(format!("{name} cut off after {length} bytes: {other:?}"))
                }
            }
        }
    }
}

/// Takes all samples and labels, as an epoch would.
fn use_all(opened: Opened) -> Result<(), Error> {
    for half in [opened.data.train, opened.data.test] {
        let rows: Vec<u32> = (0..half.len() as u32).collect();
        for rows in rows.chunks(64) {
            half.gather(rows, &mut vec![0.0; rows.len() * half.sample_len()])?;
        }
        half.labels()?;
    }
    Ok(())
}

/// The bytes on the disk, which of a file with holes are few.
fn size_of(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    let own = metadata.len().min(metadata.blocks() * 512);
    if !metadata.is_dir() {
        return own;
    }
    fs::read_dir(path).unwrap().map(|entry| size_of(&entry.unwrap().path())).sum()
}

#[test]
fn every_bad_input_is_an_error_of_one_line_within_the_memory_that_it_warrants() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = Table { folder, cases: 0, prefixes: 0, failures: Vec::new() };
    any_format(&mut table);
    folders::what_is_no_file(&mut table);
    arrays::idx_files(&mut table);
    arrays::npy_files(&mut table);
    arrays::npz_files(&mut table);
    arrays::safetensors_files(&mut table);
    stores::stores(&mut table);
    tables::delimited_text(&mut table);
    tables::columnar_files(&mut table);
    arrays::side_labels(&mut table);
    tables::halves(&mut table);
    folders::mnist_and_cifar(&mut table);
    folders::images(&mut table);
    compressed::bombs(&mut table);
    cut_off(&mut table);
    println!("{} bad inputs, and {} prefixes of good ones", table.cases, table.prefixes);
    assert!(
        table.failures.is_empty(),
        "{} failed:\n{}",
        table.failures.len(),
        table.failures.join("\n")
    );
    assert!(table.cases >= 120, "{} cases are left", table.cases);
}

fn any_format(table: &mut Table) {
    for extension in [
        "idx",
        "gz",
        "npy",
        "npz",
        "safetensors",
        "narrows",
        "csv",
        "tsv",
        "parquet",
        "arrow",
        "bin",
        "png",
    ] {
        table.file(&format!("empty.{extension}"), b"", "is empty");
    }
    table.file("random", &noise(5000), "is none of");
    table.file("zeros", &[0; 100], "begins with the bytes [00, 00, 00, 00]");
    table.file("program", b"\x7fELF\x02\x01\x01\0\0\0", "is none of");
    table.file("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", "no proper PNG");
    let path = table.folder().join("two\nlines.idx");
    fs::write(&path, idx(7, &[2, 2], b"abcd")).unwrap();
    table.opened(&path, "two\\nlines.idx", &OpenOptions::default(), "is none of");
    table.file("one.idx", &idx(8, &[1, 2], b"ab"), "too few");
    let images = narrows_datasets::ImageOptions { size: Some((4, 4)), ..Default::default() };
    table.with("numbers.csv", b"1,2\n3,4\n", &images.into(), "holds no images in files");
}

/// Bytes that follow no pattern.
fn noise(length: u32) -> Vec<u8> {
    (1..=length).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect()
}

fn cut_off(table: &mut Table) {
    let floats = npy("<f4", "(4, 2)", &f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]));
    let labels = npy("|u1", "(4,)", &[0, 1, 0, 1]);
    let members = [Member::stored("x.npy", &floats), Member::deflated("y.npy", &labels)];
    let text = "{\"x\":{\"dtype\":\"F32\",\"shape\":[4,2],\"data_offsets\":[0,32]}}";
    let images = idx(8, &[5, 2, 3], &[1; 30]);
    let csv = b"a,b,label\n1,\"2\",x\n3,4,y\n5,6,x\n7,8,y\n";
    let tsv = b"a\tb\n1\t2\n3\t4\n5\t6\n";
    let store = store(&table.folder().join("made.narrows"));
    table.cut_off("cut.idx", &images, false);
    table.cut_off("cut.idx.gz", &gzip(&images), false);
    table.cut_off("cut.npy", &floats, false);
    table.cut_off("cut.npz", &zip(&members), false);
    table.cut_off("cut.safetensors", &safetensors(text, &[0; 32]), false);
    table.cut_off("cut.narrows", &store, false);
    table.cut_off("cut.csv", csv, true);
    table.cut_off("cut.tsv", tsv, true);
    table.cut_off("cut.csv.gz", &gzip(csv), false);
}
