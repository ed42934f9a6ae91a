//! The models and the data that options name.

use crate::cli::options::data::DataOptions;
use crate::cli::options::foreign::ForeignOptions;
use crate::cli::options::row_output::Part;
use crate::commands::weights;
use crate::error::{Error, bail, ensure};
use crate::output::progress::Progress;
use crate::run::folder;
use narrows_datasets::{Dataset, Opened, Parts, Preparation, Rows, TrainTest};
use narrows_engine::{Network, Params};
use narrows_models::backbones::{Backbone, Imported, Naming};
use narrows_models::model_file::{self, Description};
use narrows_models::weights::{Weights, onnx};
use narrows_models::{Architecture, SampleShape};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The number of test samples among the 1,797 built-in digits.
const BUILTIN_TEST_SAMPLES: usize = 500;
/// Decides that split. It is no option: were it one, a model could be tested on what it had learnt
/// from.
const BUILTIN_SPLIT_SEED: u64 = 0;

/// Is told how many of all images were read.
pub(super) type Counter<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// A model and where it came from.
pub struct Loaded {
    pub path: PathBuf,
    pub description: Description,
    pub network: Network,
    pub params: Params,
}

impl Loaded {
    /// That of the run folder or file `run`.
    pub fn open(run: &Path) -> Result<Loaded, Error> {
        let path = folder::model(run)?;
        let (description, network, params) = model_file::load(&path).map_err(|e| {
            let named = path.extension().is_some_and(|ending| ending == "safetensors");
            let problem = "is no model: RUN, a run folder or a .safetensors file, comes first, and \
                           DATA behind it";
            if named { Error::from(e) } else { Error::at(&path, problem) }
        })?;
        Ok(Loaded { path, description, network, params })
    }

    /// An encoder: that of a run, or one that another program trained, for images of that height
    /// and width (none: of those that it was trained on).
    pub fn open_encoder(
        run: &Path,
        foreign: &ForeignOptions,
        size: Option<(usize, usize)>,
    ) -> Result<Loaded, Error> {
        weights::refuse_name(run)?;
        let size = size.map(|(height, width)| [height, width]);
        let is_onnx = run.is_file() && onnx::is_onnx(run)?;
        if !is_onnx {
            let reason = "--pixel-mean and --pixel-std are for ONNX files: other networks have \
                          their own";
            ensure!(foreign.pixel_mean.is_none() && foreign.pixel_std.is_none(), run, "{reason}");
        }
        let imported = match &foreign.arch {
            _ if is_onnx => Backbone::import_onnx(run, size, foreign.pixels()?, false)?,
            Some(arch) => {
                let path = folder::model(run)?;
                let size = match size {
                    Some(size) => size,
                    None => Backbone::of(arch, Naming::Torchvision)?.size,
                };
                let weights = Weights::open(&path)?;
                Backbone::import(arch, &weights, size, false).map_err(|e| Error::at(&path, e))?
            }
            None => {
                let is_of_pytorch =
                    run.extension().is_some_and(|ending| ending == "pth" || ending == "pt");
                ensure!(
                    !is_of_pytorch || !run.is_file(),
                    run,
                    "holds weights without their network: name it by --arch resnet18, say"
                );
                return Loaded::open(run);
            }
        };
        Loaded::of_foreign(run, imported)
    }

    /// An encoder that another program trained, in the file `path`.
    fn of_foreign(path: &Path, imported: Imported) -> Result<Loaded, Error> {
        let Imported { backbone, params, .. } = &imported;
        let others = imported.beside_classifier();
        if let [first, rest @ ..] = &others[..] {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(" and {more} more tensors"),
            };
            say([format!("{}: {} has no use for {first}{more}", path.display(), backbone.name)]);
        }
        let architecture = Architecture::of_backbone(backbone.clone(), backbone.size)?;
        let network = architecture.encoder_alone()?;
        let dataset = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let description =
            Description { dataset: dataset.unwrap_or_default(), ..Description::of(architecture) };
        let (path, params) = (path.to_path_buf(), params.clone());
        Ok(Loaded { path, description, network, params })
    }
}

/// Opens the data that `options` name, as the model `encoder` sees them if there is one, and puts
/// full paths into `options`, so that the configuration holds in any folder. Skipped images are
/// listed on stderr, and progress is shown there unless `quiet`.
pub fn open(
    encoder: Option<&Loaded>,
    options: &mut DataOptions,
    threads: usize,
    quiet: bool,
) -> Result<TrainTest, Error> {
    let data = match encoder {
        Some(encoder) => open_for(encoder, options, threads, quiet)?.split()?,
        None => {
            let how = options.open_options(threads);
            let open = |path: &Path, progress: &Counter<'_>| {
                narrows_datasets::open_with(path, &how, progress)
            };
            read(options, quiet, |data| data, open)?
        }
    };
    let known = data.train.classes();
    if options.strict
        && data.train.has_labels()
        && let Some(class) = data.test.class_names().get(known)
    {
        bail!(
            "{}: the test has the class {class:?}, which training never saw: leave --strict out to \
             count its samples as wrong",
            data.test.name()
        );
    }
    match &options.against_rest {
        None => Ok(data),
        Some(class) => Ok(data.one_against_rest(class)?),
    }
}

/// Opens the data that `options` name as `model` sees them, not divided yet.
pub fn open_for(
    model: &Loaded,
    options: &mut DataOptions,
    threads: usize,
    quiet: bool,
) -> Result<Parts, Error> {
    let Loaded { path, description, .. } = model;
    // Files from before there was a choice do not say.
    let bytes = Preparation::Bytes { max: u8::MAX };
    let preparation = description.preparation.as_ref().unwrap_or(&bytes);
    let mut how = options.open_options(threads);
    how.table.known = preparation.columns();
    how.table.known_missing = description.missing.clone();
    how.table.known_label = description.label.clone();
    if let SampleShape::Image(shape) = description.architecture.input {
        how.images.known = Some(shape);
    }
    let halves = |TrainTest { train, test }| Parts::Halves(train, test);
    let open =
        |path: &Path, progress: &Counter<'_>| narrows_datasets::open_whole(path, &how, progress);
    let parts = read(options, quiet, halves, open)?;
    let trained = &description.dataset;
    let (data, _) = parts.both();
    let named = options.path.data.is_some();
    if named
        && how.table.known.is_some()
        && data.columns().is_none()
        && data.image_shape().is_some()
    {
        bail!(
            path,
            "the model learnt from {trained}, whose samples are no images, and {} holds some: name \
             data like it",
            data.name()
        );
    }
    let columns = parts.both().0.columns().unwrap_or_default();
    say(preparation.respelled(columns));
    let parts = parts.prepared_like(preparation).map_err(|e| {
        let problem = match options.path.data {
            None => {
                "and the built-in digits are another kind of data: name data like it".to_string()
            }
            // A table has the columns: the error is about one of its values.
            Some(_) if how.table.known.is_some() => return Error::from(e),
            Some(_) => format!("of another kind: {e}: name its like"),
        };
        Error::at(path, format_args!("the model learnt from {trained}, {problem}"))
    })?;
    let (Parts::Whole(data) | Parts::Halves(data, _)) = &parts;
    check_samples(path, description, data)?;
    Ok(parts)
}

/// The samples that [`open_for`] opened, some of their rows alone.
pub struct Chosen {
    pub data: Dataset,
    /// The chosen rows; `None` for all.
    pub rows: Option<Vec<u32>>,
}

impl Chosen {
    /// `part` of `parts`. Rows keep the numbers that they have in the data, or in a half of them.
    pub fn from(parts: Parts, part: Option<Part>) -> Result<Chosen, Error> {
        Ok(match (parts, part) {
            (Parts::Whole(data), None | Some(Part::All)) => Chosen { data, rows: None },
            (Parts::Whole(data), Some(part)) => {
                let (train, test) = Parts::rows(&data)?;
                Chosen { data, rows: Some(if part == Part::Train { train } else { test }) }
            }
            (Parts::Halves(data, _), Some(Part::Train))
            | (Parts::Halves(_, data), None | Some(Part::Test)) => Chosen { data, rows: None },
            (Parts::Halves(data, _), Some(Part::All)) => {
                let problem = "comes in two halves, each with rows of its own: choose one by \
                               --part train or test";
                bail!("{}: {problem}", data.name());
            }
        })
    }

    pub fn rows(&self) -> Rows<'_> {
        match &self.rows {
            Some(rows) => Rows::Listed(rows),
            None => Rows::all(self.data.len()),
        }
    }

    /// The chosen rows as a data set of their own.
    pub fn into_data(self) -> Result<Dataset, Error> {
        Ok(match self.rows {
            Some(rows) => self.data.subset(&rows)?,
            None => self.data,
        })
    }
}

/// The data that `open` finds at the path of `options`, or that `builtin` makes of the digits.
pub(super) fn read<D>(
    options: &mut DataOptions,
    quiet: bool,
    builtin: impl FnOnce(TrainTest) -> D,
    open: impl FnOnce(&Path, &Counter<'_>) -> Result<Opened<D>, narrows_datasets::Error>,
) -> Result<D, Error> {
    let Some(path) = options.path.data.clone() else {
        if let Some(option) = options.reading.for_files()? {
            bail!(
                "--{option} is for data in files, and the built-in digits are none: name a file or \
                 a folder"
            );
        }
        let digits = narrows_datasets::builtin(BUILTIN_TEST_SAMPLES, BUILTIN_SPLIT_SEED);
        return Ok(builtin(digits));
    };
    let path = fetched(&path)?.unwrap_or(path);
    if let Some((folder, file)) = spooled(&path)? {
        // It is removed with the options, when the command ends.
        options.path.spooled = Some(Arc::new(folder));
        return Ok(opened(&file, &Progress::new(quiet), open)?.data);
    }
    let opened = opened(&path, &Progress::new(quiet), open)?;
    options.path.data = Some(full_path(&path)?);
    if let Some(labels) = &mut options.reading.labels_file {
        *labels = full_path(labels)?;
    }
    Ok(opened.data)
}

/// What comes through the pipe `path`, or standard input if that is `-`, in a temporary file, and
/// its folder; `None` for anything that can be read twice.
fn spooled(path: &Path) -> Result<Option<(TempDir, PathBuf)>, Error> {
    let standard = path == Path::new("-");
    if !standard && !is_pipe(path) {
        return Ok(None);
    }
    let copied = || {
        let folder = tempfile::Builder::new().prefix("narrows-").tempdir()?;
        let file = folder.path().join(if standard { "standard input" } else { "pipe" });
        let mut out = std::fs::File::create(&file)?;
        match standard {
            true => std::io::copy(&mut std::io::stdin().lock(), &mut out)?,
            false => std::io::copy(&mut std::fs::File::open(path)?, &mut out)?,
        };
        Ok((folder, file))
    };
    let failed = |e: std::io::Error| Error::at(path, format_args!("cannot be kept to read: {e}"));
    copied().map(Some).map_err(failed)
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}

/// Opens `path` by `open` and shows how far that is. Skipped images and guesses are listed on
/// stderr.
pub fn opened<D>(
    path: &Path,
    progress: &Progress,
    open: impl FnOnce(&Path, &Counter<'_>) -> Result<Opened<D>, narrows_datasets::Error>,
) -> Result<Opened<D>, Error> {
    let opened = open(path, &|done, total| progress.count("images", done, total))?;
    progress.end_count();
    let skipped = opened.skipped.iter().map(|error| format!("skipped {error}"));
    say(skipped.chain(opened.notes.iter().cloned()));
    Ok(opened)
}

/// Says notes about data on stderr. They are no progress, which --quiet turns off.
pub fn say(notes: impl IntoIterator<Item = String>) {
    for note in notes {
        // Where nobody listens, the samples are the same.
        let _ = writeln!(std::io::stderr(), "{note}");
    }
}

/// The folder of the public data set that `data` names, if it is no path that exists.
///
/// # Errors
/// If it names one that was not fetched.
#[cfg(feature = "fetch")]
pub fn fetched(data: &Path) -> Result<Option<PathBuf>, Error> {
    use narrows_datasets::fetch;
    let name = match data.to_str() {
        Some(name) if !data.exists() => name,
        _ => return Ok(None),
    };
    if fetch::named(name).is_err() {
        if name == "-" || name.contains(['/', '\\', '.']) {
            return Ok(None);
        }
        let sets: Vec<String> = fetch::catalogue().into_iter().map(|set| set.name).collect();
        bail!(
            data,
            "there is no such file or folder, and no public data set of that name: check the path, \
             or name one of {}",
            sets.join(", ")
        );
    }
    match fetch::cached(name) {
        Some(folder) => Ok(Some(folder)),
        None => bail!(
            data,
            "there is no such folder, and the public data set was not fetched: run narrows \
                 data fetch {name}"
        ),
    }
}

/// Without a catalogue, no name stands for a data set.
#[cfg(not(feature = "fetch"))]
pub fn fetched(_: &Path) -> Result<Option<PathBuf>, Error> {
    Ok(None)
}

/// That there are no labels where they are needed.
pub fn no_labels(data: &Dataset) -> Error {
    let problem = match data.columns() {
        Some(_) => "there are no labels: name the column that holds them by --target",
        None => "there are no labels",
    };
    Error::new(format!("{}: {problem}", data.name()))
}

pub fn full_path(path: &Path) -> Result<PathBuf, Error> {
    std::fs::canonicalize(path).map_err(|e| Error::at(path, e))
}

/// Refuses a model, at `path`, that is not for such samples.
pub fn check_samples(path: &Path, description: &Description, data: &Dataset) -> Result<(), Error> {
    let (expected, found) = (description.architecture.input, SampleShape::of(data));
    match expected.takes(found) {
        true => Ok(()),
        false => bail!(
            path,
            "the model takes samples of {expected} ({}), but those of {} are {found}: name its \
             data, and the size and channels of images by --image-size and --channels",
            description.dataset,
            data.name()
        ),
    }
}
