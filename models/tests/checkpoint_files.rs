//! The files of checkpoints: damage, other trainings, disks that fail, and how many are kept.

use crate::support;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Loss, Params};
use narrows_models::{
    Architecture, Checkpoint, Checkpoints, Error, ErrorKind, Event, Goal, Model, Observer, Run,
    Task, Training,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::{bits, training};

/// Asks for a stop after some steps, and writes down what is told of checkpoints.
struct Watcher {
    checkpoints: Checkpoints,
    stop_after: usize,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    steps: usize,
    saved: Vec<PathBuf>,
    not_saved: Vec<String>,
    damaged: Vec<String>,
    resumed_at: Option<u64>,
}

impl Watcher {
    fn new(checkpoints: Checkpoints, stop_after: usize) -> Watcher {
        Watcher { checkpoints, stop_after, told: Mutex::default() }
    }

    fn told(self) -> Told {
        self.told.into_inner().unwrap()
    }
}

impl Observer for Watcher {
    fn notice(&self, event: &Event<'_>) {
        let mut told = self.told.lock().unwrap();
        match event {
            Event::Step { .. } => {
                told.steps += 1;
                if told.steps == self.stop_after {
                    self.checkpoints.stop.store(true, Ordering::Relaxed);
                }
            }
            Event::Saved { path, .. } => told.saved.push(path.to_path_buf()),
            Event::NotSaved { error, .. } => told.not_saved.push(error.to_string()),
            Event::Damaged { error, .. } => told.damaged.push(error.to_string()),
            Event::Resumed { step, .. } => told.resumed_at = Some(*step),
            _ => {}
        }
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        Some(&self.checkpoints)
    }
}

/// A classifier of very few values, of 30 samples, in 9 steps.
struct Setting {
    digits: Dataset,
    architecture: Architecture,
    rows: Vec<u32>,
    training: Training,
    seed: u64,
}

const STEPS: usize = 9;

impl Setting {
    fn new() -> Setting {
        let digits = Dataset::digits();
        let architecture = Architecture {
            widths: vec![],
            latent: 1,
            batch_norm: false,
            ..Architecture::new(Model::Dense, [8, 8, 1])
        };
        let training = Training { epochs: 3, batch: 10, ..training(Loss::cross_entropy()) };
        Setting { digits, architecture, rows: (0..30).collect(), training, seed: 2 }
    }

    fn train(&self, observer: &dyn Observer) -> Result<Vec<u32>, Error> {
        let network = self.architecture.classifier(10).unwrap();
        let task = Task {
            data: &self.digits,
            train: Rows::Listed(&self.rows),
            validation: Rows::Listed(&[40, 41, 42]),
            goal: Goal::Classify,
        };
        let params = Params::new(&network, self.seed);
        let mut run = Run::new("a run", &network, params, task, &self.training)?;
        run.train(&Context::new(1).unwrap(), observer, |_, _| {})?;
        Ok(bits(&run.trainer.params))
    }

    /// Stops after that many steps.
    fn stop(&self, folder: &Path, steps: usize) -> PathBuf {
        let watcher = Watcher::new(Checkpoints::new(folder), steps);
        assert_eq!(self.train(&watcher).unwrap_err().kind(), ErrorKind::Stopped);
        watcher.told().saved.pop().unwrap()
    }

    fn resume(&self, folder: &Path) -> (Result<Vec<u32>, Error>, Told) {
        let watcher = Watcher::new(resuming(folder), 0);
        let result = self.train(&watcher);
        (result, watcher.told())
    }
}

fn resuming(folder: &Path) -> Checkpoints {
    Checkpoints { resume: true, ..Checkpoints::new(folder) }
}

/// Each bit and each length of a checkpoint.
#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let (setting, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    let path = setting.stop(folder.path(), 5);
    let whole = fs::read(&path).unwrap();
    assert!(Checkpoint::read(&path).is_ok());
    let refused = |bytes: &[u8], how: &str| {
        let refused = Checkpoint::from_bytes(&path, bytes.to_vec()).expect_err(how);
        assert!(matches!(refused.kind(), ErrorKind::Format | ErrorKind::Mismatch), "{refused}");
        let text = refused.to_string();
        assert!(text.starts_with(&path.display().to_string()) && !text.contains('\n'), "{text}");
    };
    for length in 0..whole.len() {
        refused(&whole[..length], &format!("cut to {length} of {} bytes", whole.len()));
    }
    refused(&[&whole[..], &[0]].concat(), "a byte more");
    let mut bytes = whole.clone();
    for bit in 0..8 * whole.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        refused(&bytes, &format!("bit {bit} flipped"));
        bytes[bit / 8] = whole[bit / 8];
    }
}

#[test]
fn a_file_that_is_none_and_another_version_are_refused() {
    let (setting, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    let path = setting.stop(folder.path(), 5);
    let whole = fs::read(&path).unwrap();
    let key = br#""narrows.checkpoint":"1""#;
    let at = whole.windows(key.len()).position(|bytes| bytes == key).unwrap();
    let mut other = whole.clone();
    other[at + key.len() - 2] = b'7';
    let params = Params::new(&setting.architecture.classifier(10).unwrap(), 1);
    let model = params.to_safetensors(&[]).unwrap();
    for (bytes, expected) in [
        (&other[..], "is of version 7, and this program reads version 1"),
        (&model, "but no checkpoint"),
        (b"{}", "is damaged"),
    ] {
        fs::write(&path, bytes).unwrap();
        let message = setting.resume(folder.path()).0.unwrap_err().to_string();
        assert!(message.contains(expected) && message.starts_with("a run: "), "{message}");
    }
}

#[test]
fn another_training_does_not_go_on_and_is_told_the_difference() {
    let (setting, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    let path = setting.stop(folder.path(), 5);
    let kept = fs::read(&path).unwrap();
    let other_data = {
        let labels = setting.digits.labels().unwrap().unwrap().to_vec();
        let mut x = vec![0.0; setting.digits.len() * 64];
        let rows: Vec<u32> = (0..setting.digits.len() as u32).collect();
        setting.digits.gather(&rows, &mut x).unwrap();
        let same = Dataset::from_floats("digits", x.clone(), &[8, 8, 1], Some(labels.clone()));
        x[0] += 0.5;
        let other = Dataset::from_floats("digits", x, &[8, 8, 1], Some(labels));
        [same.unwrap(), other.unwrap()]
    };
    let good = Setting::new;
    let wider = Architecture { latent: 2, ..good().architecture };
    let of = |training: Training| Setting { training, ..good() };
    let cases = [
        (of(Training { lr: 0.1, ..good().training }), "its settings: `lr: 0.003`; now: `lr: 0.1`"),
        (of(Training { seed: 6, ..good().training }), "`seed: 5`; now: `seed: 6`"),
        (of(Training { epochs: 4, ..good().training }), "`epochs: 3`; now: `epochs: 4`"),
        (Setting { architecture: wider, ..good() }, "its model: `encoder.0: linear"),
        (Setting { seed: 3, ..good() }, "its initial weights: `checksum"),
        (Setting { rows: (1..31).collect(), ..good() }, "its training samples: `30 of checksum"),
        (Setting { rows: (0..29).collect(), ..good() }, "now: `29 of checksum"),
        (Setting { digits: other_data[0].clone(), ..good() }, "its data: `shape: [8, 8]"),
    ];
    for (other, expected) in cases {
        let error = other.resume(folder.path()).0.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch);
        let message = error.to_string();
        assert!(message.contains(expected) && !message.contains('\n'), "{message}");
        assert_eq!(fs::read(&path).unwrap(), kept, "it is left alone");
    }
    // Values alone.
    let [same, other] = other_data.map(|digits| Setting { digits, ..good() });
    let folder = tempfile::tempdir().unwrap();
    same.stop(folder.path(), 5);
    let message = other.resume(folder.path()).0.unwrap_err().to_string();
    assert!(message.contains("its data: `checksum of the values"), "{message}");
    assert!(same.resume(folder.path()).0.is_ok());
}

/// A disk that is full, as a file in the place of the folder.
#[test]
fn a_run_that_cannot_be_saved_goes_on_and_tries_again() {
    let (setting, place) = (Setting::new(), tempfile::tempdir().unwrap());
    let whole = setting.train(&()).unwrap();
    let folder = place.path().join("checkpoints");
    fs::write(&folder, "in the way").unwrap();
    let each_step = Checkpoints { every: Duration::ZERO, ..Checkpoints::new(&folder) };
    let watcher = Watcher::new(each_step.clone(), 0);
    assert_eq!(setting.train(&watcher).unwrap(), whole);
    let told = watcher.told();
    // Each step and the end.
    assert_eq!((told.not_saved.len(), told.saved.len()), (STEPS + 1, 0));
    assert!(told.not_saved[0].contains("cannot save the checkpoint"), "{}", told.not_saved[0]);
    // A stop says that it could not be saved.
    let error = setting.train(&Watcher::new(each_step.clone(), 4)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("stopped after step 4, not saved"), "{error}");

    // The way is free again after some steps.
    struct Freed(Watcher, PathBuf);
    impl Observer for Freed {
        fn notice(&self, event: &Event<'_>) {
            self.0.notice(event);
            if self.0.told.lock().unwrap().steps == 4 && self.1.is_file() {
                fs::remove_file(&self.1).unwrap();
            }
        }

        fn checkpoints(&self) -> Option<&Checkpoints> {
            self.0.checkpoints()
        }
    }
    each_step.stop.store(false, Ordering::Relaxed);
    let freed = Freed(Watcher::new(each_step, 0), folder.clone());
    assert_eq!(setting.train(&freed).unwrap(), whole);
    let told = freed.0.told();
    assert_eq!((told.not_saved.len(), told.saved.len()), (3, STEPS - 3 + 1));
}

#[test]
fn the_last_ones_are_kept_and_a_damaged_one_gives_way_to_the_one_before() {
    let (setting, place) = (Setting::new(), tempfile::tempdir().unwrap());
    let whole = setting.train(&()).unwrap();
    let steps = |folder: &Path| -> Vec<String> {
        let mut names: Vec<String> = (fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names.iter().map(|name| name.split_once(".step-").unwrap().1.to_string()).collect()
    };
    let watcher = Watcher::new(
        Checkpoints { every: Duration::ZERO, keep: 3, ..Checkpoints::new(place.path()) },
        7,
    );
    // What a killed process left.
    let stem = setting.stop(place.path(), 1).file_name().unwrap().to_string_lossy().into_owned();
    fs::write(place.path().join(format!("{stem}.x.partial")), "").unwrap();
    let error = setting.train(&watcher).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    let files = watcher.checkpoints.files("a run").unwrap();
    assert_eq!(files.last(), watcher.told().saved.last());
    let of = |numbers: &[usize]| -> Vec<String> {
        numbers.iter().map(|n| format!("{n}.safetensors")).collect()
    };
    assert_eq!(steps(place.path()), of(&[5, 6, 7]));

    // The last two are damaged.
    for file in &files[1..] {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() - 1]).unwrap();
    }
    let (result, told) = setting.resume(place.path());
    assert_eq!(result.unwrap(), whole);
    assert_eq!((told.resumed_at, told.damaged.len()), (Some(5), 2));
    assert!(told.damaged[0].contains("step-7") && told.damaged[0].contains("is damaged"));
    assert!(steps(place.path()).contains(&"7.damaged".to_string()));
    // All of them.
    let folder = tempfile::tempdir().unwrap();
    let path = setting.stop(folder.path(), 4);
    fs::write(&path, "").unwrap();
    let (result, _) = setting.resume(folder.path());
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Format);
    assert!(error.to_string().contains("step-4") && path.exists(), "{error}");
}

/// A run from the beginning takes the place of one that was stopped, once it has a checkpoint.
#[test]
fn a_run_from_its_beginning_replaces_what_was_saved() {
    let (setting, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    let later = setting.stop(folder.path(), 7);
    let earlier = setting.stop(folder.path(), 2);
    assert!(earlier.exists() && !later.exists());
    assert_eq!(setting.resume(folder.path()).1.resumed_at, Some(2));
    let checkpoints = resuming(folder.path());
    checkpoints.remove("a run").unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(setting.resume(folder.path()).1.resumed_at.is_none());
    // A stop that was asked for before.
    checkpoints.stop.store(true, Ordering::Relaxed);
    let error = setting.train(&Watcher::new(checkpoints, 0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
}

#[test]
fn the_configuration_comes_back() {
    let (setting, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    let configuration = "lr = 0.003\n# \u{e4} \"quoted\"\n".to_string();
    let checkpoints = Checkpoints { configuration, ..Checkpoints::new(folder.path()) };
    let watcher = Watcher::new(checkpoints.clone(), 3);
    setting.train(&watcher).unwrap_err();
    let (saved, damaged) = checkpoints.last("a run").unwrap();
    let saved = saved.unwrap();
    assert_eq!((saved.step(), saved.run(), damaged.len()), (3, "a run", 0));
    assert_eq!(saved.configuration(), checkpoints.configuration);
    assert!(checkpoints.last("another run").unwrap().0.is_none());
}

/// The order of data that are larger than memory depends on the memory of the first process.
#[test]
fn data_larger_than_memory_come_in_the_same_order() {
    let (folder, rows) = (tempfile::tempdir().unwrap(), 20_000_u32);
    let images = folder.path().join("train-images-idx3-ubyte");
    let labels = folder.path().join("train-labels-idx1-ubyte");
    let header = |kind: u32, sizes: &[u32]| -> Vec<u8> {
        [0x0800 + kind].iter().chain(sizes).flat_map(|n| n.to_be_bytes()).collect()
    };
    let pixels = (0..rows * 64).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
    fs::write(&images, [header(3, &[rows, 8, 8]), pixels.collect()].concat()).unwrap();
    let classes = (0..rows).map(|i| (i * 7 / 3 % 10) as u8);
    fs::write(&labels, [header(1, &[rows]), classes.collect()].concat()).unwrap();
    let open = |memory: u64| {
        Dataset::from_idx("large", &images, Some(&labels)).unwrap().with_memory(memory)
    };

    let network = Setting::new().architecture.classifier(10).unwrap();
    let training = Training { epochs: 2, batch: 2000, ..Setting::new().training };
    let train = |memory: u64, observer: &dyn Observer| -> Result<Vec<u32>, Error> {
        let data = open(memory);
        let train = Rows::all(data.len());
        assert!(narrows_datasets::Loader::new(&data, train, 2000, 0).streams());
        let validation = Rows::Listed(&[]);
        let task = Task { data: &data, train, validation, goal: Goal::Classify };
        let mut run = Run::new("large", &network, Params::new(&network, 1), task, &training)?;
        run.train(&Context::new(1).unwrap(), observer, |_, _| {})?;
        Ok(bits(&run.trainer.params))
    };
    let [little, more] = [600_000, 1_200_000];
    let whole = train(little, &()).unwrap();
    assert_ne!(whole, train(more, &()).unwrap(), "the order has to depend on the memory");
    for stop in [3, 10, 14] {
        let place = tempfile::tempdir().unwrap();
        let first = Watcher::new(Checkpoints::new(place.path()), stop);
        assert_eq!(train(little, &first).unwrap_err().kind(), ErrorKind::Stopped);
        let second = Watcher::new(resuming(place.path()), 0);
        assert_eq!(train(more, &second).unwrap(), whole, "stopped after {stop}");
    }
}
