//! What is done with the bytes of each format.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use narrows_datasets::{
    Dataset, ImageOptions, OpenOptions, Opened, Preparation, open_whole, open_with, verify,
};
use narrows_models::tuning::{Journal, Space, State, Values};
use narrows_models::weights::Weights;
use narrows_models::weights::onnx::OnnxGraph;
use narrows_models::{Checkpoint, model_file};

use crate::{NAME, Outcome, Scratch, repair};

/// Something that is read.
pub struct Target {
    /// What it and its folder in the corpus are called.
    pub name: &'static str,
    attempts: fn(&Path, &[u8], &mut Outcome),
    /// Makes checksums fit again, so that more than their check is reached.
    repair: Option<fn(&mut [u8])>,
}

const fn target(name: &'static str, attempts: fn(&Path, &[u8], &mut Outcome)) -> Target {
    Target { name, attempts, repair: None }
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target("idx", array_file),
    target("npy", array_file),
    Target { repair: Some(repair::zip), ..target("npz", file) },
    target("safetensors", file),
    target("csv", file),
    target("json", file),
    Target { repair: Some(repair::store), ..target("store", store) },
    target("cifar", cifar),
    Target {
        repair: Some(repair::png),
        ..target("png", |dir, bytes, outcome| images(dir, ("png", 0), bytes, outcome))
    },
    target("jpeg", |dir, bytes, outcome| images(dir, ("jpg", 512), bytes, outcome)),
    target("bmp", |dir, bytes, outcome| images(dir, ("bmp", 128), bytes, outcome)),
    target("gif", |dir, bytes, outcome| images(dir, ("gif", 2731), bytes, outcome)),
    target("tiff", |dir, bytes, outcome| images(dir, ("tiff", 8256), bytes, outcome)),
    target("webp", |dir, bytes, outcome| images(dir, ("webp", 16_384), bytes, outcome)),
    target("model", model),
    Target { repair: Some(repair::checkpoint), ..target("checkpoint", checkpoint) },
    Target { repair: Some(repair::zip), ..target("pickle", weights) },
    target("weights", weights),
    target("onnx", onnx),
    target("journal", journal),
    target("preparation", preparation),
];

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Target {
    /// Tries `bytes`, and where the format has checksums also what they are with those repaired.
    ///
    /// # Panics
    /// At a finding.
    pub fn run(&self, scratch: &Scratch, bytes: &[u8]) -> Outcome {
        let mut outcome = Outcome::default();
        (self.attempts)(scratch.path(), bytes, &mut outcome);
        if let Some(repair) = self.repair {
            let mut repaired = bytes.to_vec();
            repair(&mut repaired);
            if repaired != bytes {
                (self.attempts)(scratch.path(), &repaired, &mut outcome);
            }
        }
        outcome
    }
}

fn put(path: PathBuf, bytes: &[u8]) -> PathBuf {
    fs::write(&path, bytes).expect("the scratch folder can be written");
    path
}

fn options(dir: &Path) -> OpenOptions {
    let cache = dir.join("cache");
    // What was made for the last input would answer for this one, if its length is the same.
    let _ = fs::remove_dir_all(&cache);
    let images = ImageOptions { threads: 1, cache: Some(cache.clone()), ..ImageOptions::default() };
    OpenOptions { images, cache: Some(cache), ..OpenOptions::default() }
}

/// Opens `path`, whole and divided, and uses what comes of it.
fn open(path: &Path, size: usize, options: &OpenOptions, outcome: &mut Outcome) {
    outcome.attempt(size, || open_whole(path, options, &|_, _| {}).map(drop));
    if let Some(Opened { data, .. }) =
        outcome.attempt(size, || open_with(path, options, &|_, _| {}))
    {
        for half in [data.train, data.test] {
            samples(&half, size, outcome);
        }
    }
}

/// Takes the first and the last samples, if they are not long, and the labels.
fn samples(data: &Dataset, size: usize, outcome: &mut Outcome) {
    const ROWS: usize = 4;
    assert!(!data.is_empty(), "a half without samples");
    let labels = outcome.attempt(size, || data.labels()).flatten();
    if let Some(labels) = labels {
        assert_eq!(labels.len(), data.len());
        let known = |label: u16| {
            usize::from(label) < data.classes() || label == narrows_datasets::UNLABELLED
        };
        assert!(labels.iter().all(|&label| known(label)), "a label without a class");
    }
    if data.sample_len() > 1 << 16 {
        return;
    }
    let last = data.len().saturating_sub(ROWS)..data.len();
    let rows: Vec<u32> = (0..ROWS.min(data.len())).chain(last).map(|row| row as u32).collect();
    let mut out = vec![f32::NAN; rows.len() * data.sample_len()];
    if outcome.attempt(size, || data.gather(&rows, &mut out)).is_some() {
        assert!(out.iter().all(|value| !value.is_nan()), "a model would see NaN");
    }
}

fn file(dir: &Path, bytes: &[u8], outcome: &mut Outcome) {
    let path = put(dir.join(NAME), bytes);
    open(&path, bytes.len(), &options(dir), outcome);
}

/// Also as its own labels.
fn array_file(dir: &Path, bytes: &[u8], outcome: &mut Outcome) {
    file(dir, bytes, outcome);
    let path = dir.join(NAME);
    open(&path, bytes.len(), &OpenOptions { labels: Some(path.clone()), ..options(dir) }, outcome);
}

fn store(dir: &Path, bytes: &[u8], outcome: &mut Outcome) {
    file(dir, bytes, outcome);
    outcome.attempt(bytes.len(), || verify(&dir.join(NAME), &mut |_, _| {}));
}

/// The bytes up to the first record are the names of the classes, and the others the first batch;
/// the other batches are whole.
fn cifar(dir: &Path, bytes: &[u8], outcome: &mut Outcome) {
    const RECORD: usize = 3073;
    let dir = dir.join(NAME);
    let _ = fs::create_dir(&dir);
    let (names, batch) = bytes.split_at(bytes.len() % RECORD);
    let names_path = dir.join("batches.meta.txt");
    let _ = fs::remove_file(&names_path);
    if !names.is_empty() {
        put(names_path, names);
    }
    let good = vec![3; RECORD];
    for number in 2..=5 {
        put(dir.join(format!("data_batch_{number}.bin")), &good);
    }
    put(dir.join("data_batch_1.bin"), batch);
    put(dir.join("test_batch.bin"), &good);
    open(&dir, bytes.len() + 5 * RECORD, &options(&dir), outcome);
}

/// Two times the same image. A decoder may hold a whole picture before it finds the damage, of as
/// many pixels as its format can make of a byte: with its result, up to 8 bytes for each.
fn images(
    dir: &Path,
    (extension, pixels_of_byte): (&str, usize),
    bytes: &[u8],
    outcome: &mut Outcome,
) {
    const MOST_PIXELS: usize = 8192 * 8192;
    let pixels = (pixels_of_byte * bytes.len()).min(MOST_PIXELS);
    let dir = dir.join(NAME);
    let _ = fs::create_dir(&dir);
    for number in 1..=2 {
        put(dir.join(format!("{number}.{extension}")), bytes);
    }
    open(&dir, 2 * bytes.len() + 8 * pixels, &options(&dir), outcome);
}

fn model(dir: &Path, bytes: &[u8], outcome: &mut Outcome) {
    let path = put(dir.join(NAME), bytes);
    outcome.attempt(bytes.len(), || model_file::load(&path));
}

fn checkpoint(dir: &Path, bytes: &[u8], outcome: &mut Outcome) {
    let path = put(dir.join(NAME), bytes);
    outcome.attempt(bytes.len(), || Checkpoint::read(&path));
}

/// Named tensors: in a file of PyTorch, or a safetensors file.
fn weights(dir: &Path, bytes: &[u8], outcome: &mut Outcome) {
    let path = put(dir.join(NAME), bytes);
    let Some(weights) = outcome.attempt(bytes.len(), || Weights::open(&path)) else { return };
    let values: usize = weights.iter().map(|(_, tensor)| tensor.values.len()).sum();
    assert!(values <= bytes.len().max(1 << 16), "{values} values of {} bytes", bytes.len());
    for (name, tensor) in weights.iter() {
        assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>(), "{name}");
        assert!(tensor.values.iter().all(|value| value.is_finite()), "{name}");
        assert_eq!(weights.get(name).map(|other| &other.shape), Some(&tensor.shape));
    }
}

/// A graph, in which each value that is taken was made before.
fn onnx(dir: &Path, bytes: &[u8], outcome: &mut Outcome) {
    let path = put(dir.join(NAME), bytes);
    let Some(graph) = outcome.attempt(bytes.len(), || OnnxGraph::open(&path)) else { return };
    let mut made: HashSet<&str> = graph.initializers.names().collect();
    made.extend(graph.integers.keys().map(String::as_str));
    made.extend(graph.inputs.iter().map(|input| &*input.value));
    for node in &graph.nodes {
        assert!(node.inputs.iter().all(|input| input.is_empty() || made.contains(&**input)));
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            assert!(made.insert(output), "{output} is made twice");
        }
    }
    assert!(graph.outputs.iter().all(|output| made.contains(&*output.value)));
}

/// The journal of a study, which goes on with a trial more, and is then read again.
fn journal(dir: &Path, bytes: &[u8], outcome: &mut Outcome) {
    let path = put(dir.join(NAME), bytes);
    let open = || Journal::open(&path, "fuzz");
    let Some(mut journal) = outcome.attempt(bytes.len(), open) else { return };
    let Some(mut locked) = outcome.attempt(bytes.len(), || journal.lock()) else { return };
    let Some(trials) = locked.study().map(|study| study.trials.len()) else { return };
    assert_eq!(locked.create_trial(&Values::new(), &Space::default(), State::Running), trials);
    locked.report(trials, 1, f64::NAN);
    locked.finish(trials, State::Complete, Some(0.5));
    if outcome.attempt(bytes.len(), || locked.commit()).is_some() {
        let again = Journal::open(&path, "fuzz").expect("it was read before");
        // Not by `==`: a value may be NaN.
        assert_eq!(format!("{:?}", again.study()), format!("{:?}", journal.study()));
        assert_eq!(again.study().map(|study| study.trials.len()), Some(trials + 1));
    }
}

/// A preparation as models and stores have it, in JSON; applied to unusual values.
fn preparation(_: &Path, bytes: &[u8], outcome: &mut Outcome) {
    // To tell it on one line, and shortly, is for the readers of files to see to.
    let told =
        |error: serde_json::Error| error.to_string().escape_debug().take(200).collect::<String>();
    let read = || {
        serde_json::from_slice::<Preparation>(bytes)
            .map_err(|error| format!("{NAME}: {}", told(error)))
    };
    let Some(preparation) = outcome.attempt(bytes.len(), read) else { return };
    let stored = match &preparation {
        Preparation::Bytes { .. } => {
            let mut out = [f32::NAN; 3];
            preparation.apply_bytes(&[0, 1, 255], &mut out);
            return assert!(out.iter().all(|value| value.is_finite()));
        }
        Preparation::Table(table) => table.columns().len(),
        Preparation::Floats | Preparation::Scaled { .. } => 5,
    };
    let mut out = vec![f32::NAN; preparation.features(stored)];
    for value in [0.0, 1.0, -1.0, 1e9, f32::MAX, f32::NAN, f32::INFINITY] {
        preparation.apply_floats(&vec![value; stored], &mut out);
        if let Preparation::Table(_) = preparation {
            assert!(out.iter().all(|value| !value.is_nan()), "a model would see NaN");
        }
    }
    if let Preparation::Table(_) = preparation {
        assert_eq!(preparation.feature_names().len(), out.len());
    }
    let again = serde_json::to_string(&preparation).expect("what was read can be written");
    assert_eq!(serde_json::from_str::<Preparation>(&again).expect("and read again"), preparation);
}
