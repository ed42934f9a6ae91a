//! The files of checkpoints: disks that fail, how many are kept, and what is told of them.

mod refused;

use crate::support;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Isa, Loss, Optimizer, Params};
use narrows_models::{
    Architecture, Checkpoints, Error, ErrorKind, Event, Goal, Model, Observer, Run, Task, Training,
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
        self.train_on(&Context::new(1).unwrap(), observer)
    }

    fn train_on(&self, cx: &Context, observer: &dyn Observer) -> Result<Vec<u32>, Error> {
        let network = self.architecture.classifier(10).unwrap();
        let task = Task {
            data: &self.digits,
            train: Rows::Listed(&self.rows),
            validation: Rows::Listed(&[40, 41, 42]),
            goal: Goal::Classify,
        };
        let params = Params::new(&network, self.seed);
        let mut run = Run::new("a run", &network, params, task, &self.training)?;
        run.train(cx, observer, |_, _| {})?;
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

/// The first one is thought to take 20 ms, so that a run of less than 2 s has none.
#[test]
fn checkpoints_take_no_more_than_a_hundredth_of_the_time() {
    let (setting, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    let often = Checkpoints { every: Duration::from_nanos(1), ..Checkpoints::new(folder.path()) };
    let watcher = Watcher::new(often, 0);
    setting.train(&watcher).unwrap();
    assert_eq!(watcher.told().saved.len(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The bits are then others, which is told.
#[test]
fn another_instruction_set_goes_on_and_is_told() {
    let Some(isa) = Isa::named("plain").filter(|isa| isa.name() != Isa::best().name()) else {
        return;
    };
    struct Told(Checkpoints, Mutex<Option<String>>);
    impl Observer for Told {
        fn notice(&self, event: &Event<'_>) {
            if let Event::Resumed { other_isa, .. } = event {
                *self.1.lock().unwrap() = other_isa.map(str::to_string);
            }
        }

        fn checkpoints(&self) -> Option<&Checkpoints> {
            Some(&self.0)
        }
    }
    let (setting, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    setting.stop(folder.path(), 5);
    let told = Told(resuming(folder.path()), Mutex::new(None));
    setting.train_on(&Context::with_isa(isa, 1).unwrap(), &told).unwrap();
    assert_eq!(told.1.into_inner().unwrap().as_deref(), Some(Isa::best().name()));
}

#[test]
fn a_run_that_diverges_names_its_last_checkpoint() {
    let (good, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    let decaying = Optimizer::Sgd { momentum: 0.0, nesterov: false, weight_decay: 1e9 };
    let bad = Training { lr: 1e3, optimizer: decaying, clip_norm: None, ..good.training.clone() };
    let setting = Setting { training: bad, ..good };
    let each_step = Checkpoints { every: Duration::ZERO, ..Checkpoints::new(folder.path()) };
    let error = setting.train(&Watcher::new(each_step.clone(), 0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Diverged);
    let last = each_step.files("a run").unwrap().pop().unwrap();
    let expected = format!("; its last checkpoint is {}", last.display());
    assert!(error.to_string().ends_with(&expected), "{error}");
    // Before any.
    assert!(!setting.train(&()).unwrap_err().to_string().contains("checkpoint"));
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
