//! One table of broken and hostile files of weights: each is an error of one line that names the
//! file and the fault. Nothing in them is run, and none takes more memory than the file's size and
//! 16 MB.
//!
//! One test, in a process of its own: all memory that is allocated is counted.

mod arrays;
mod graphs;
#[path = "../../../datasets/tests/live_memory/mod.rs"]
mod live_memory;
#[allow(dead_code, reason = "each user of it uses some")]
#[path = "../../../datasets/tests/made_files/mod.rs"]
mod made_files;
mod pickles;

use live_memory::most_live;
use narrows_models::Error;
use narrows_models::weights::Weights;
use narrows_models::weights::onnx::OnnxGraph;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The bytes that may be allocated beside the size of the file.
const ALLOWANCE: usize = 16 << 20;

struct Table {
    folder: tempfile::TempDir,
    cases: usize,
    failures: Vec<String>,
}

fn vector(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/weights");
    fs::read(folder.join(name)).unwrap()
}

impl Table {
    /// A file of these bytes. It is a new one each time: to write into the last one would wait for
    /// the disk.
    fn put(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("weights.file");
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A file of weights, and a part of its error.
    fn weights(&mut self, case: &str, bytes: &[u8], says: &str) {
        self.file(case, bytes, says, |path| Weights::open(path).map(drop));
    }

    /// A graph, and a part of its error.
    fn graph(&mut self, case: &str, bytes: &[u8], says: &str) {
        self.file(case, bytes, says, |path| OnnxGraph::open(path).map(drop));
    }

    fn file(
        &mut self,
        case: &str,
        bytes: &[u8],
        says: &str,
        open: impl Fn(&Path) -> Result<(), Error>,
    ) {
        self.cases += 1;
        let path = self.put(bytes);
        let start = Instant::now();
        let (result, most) = most_live(|| open(&path));
        let mut fail = |problem: String| self.failures.push(format!("{case}: {problem}"));
        if start.elapsed().as_secs() >= 5 {
            fail(format!("took {:?}", start.elapsed()));
        }
        let Err(error) = result else { return fail("is no error".into()) };
        let error = error.to_string();
        if !error.starts_with(&path.display().to_string()) {
            fail(format!("does not name the file: {error}"));
        }
        if error.contains(char::is_control) || error.len() > 700 {
            fail(format!("is not one short line: {error:?}"));
        }
        if !error.contains(says) {
            fail(format!("does not say {says:?}: {error}"));
        }
        if most > bytes.len() + ALLOWANCE {
            fail(format!("{most} bytes for a file of {}", bytes.len()));
        }
    }
}

#[test]
fn broken_weights_are_errors_of_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = Table { folder, cases: 0, failures: Vec::new() };
    arrays::add(&mut table);
    pickles::add(&mut table);
    graphs::add(&mut table);
    println!("{} cases", table.cases);
    assert!(table.failures.is_empty(), "\n{}", table.failures.join("\n"));
    assert!(table.cases >= 100);
    cut_off(&mut table);
    assert!(table.failures.is_empty(), "\n{}", table.failures.join("\n"));
    changed(&mut table);
}

/// Good files that end early, anywhere.
fn cut_off(table: &mut Table) {
    for name in ["zip.pt", "protocol4.pt", "legacy.pt", "state.safetensors"] {
        let bytes = vector(name);
        for length in 0..bytes.len() {
            table.weights(&format!("{name} of {length} bytes"), &bytes[..length], "");
        }
    }
    for name in ["graph.onnx", "inputs.onnx"] {
        let bytes = vector(name);
        for length in 0..bytes.len() {
            table.graph(&format!("{name} of {length} bytes"), &bytes[..length], "");
        }
    }
}

/// A byte that changed is an error, or leaves the other tensors as they are, where there are
/// checksums.
fn changed(table: &mut Table) {
    let whole = vector("zip.pt");
    let good = Weights::open(&table.put(&whole)).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= if at % 2 == 0 { 1 } else { 0x80 };
        let path = table.put(&bytes);
        match Weights::open(&path) {
            Ok(weights) => {
                assert!(weights.iter().eq(good.iter()), "byte {at}");
            }
            Err(error) => assert!(error.to_string().starts_with(&path.display().to_string())),
        }
    }
}
