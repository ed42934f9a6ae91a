//! Parts of an experiment that are through, on disk: one that was stopped has them when it goes on.

use crate::checkpoint::{Checkpoints, Identity, Manifest};
use crate::error::{Error, ErrorKind, error};
use crate::event::{Event, Observer};
use narrows_engine::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::{fs, io};

/// A part of an experiment. The checkpoints of its runs lie in a folder of its own, until its
/// result is a file beside that.
pub(crate) struct KeptWork<'o> {
    observer: &'o dyn Observer,
    name: String,
    kept: Option<Kept>,
}

/// Where there are checkpoints.
struct Kept {
    /// What the part is.
    identity: Identity,
    /// Those of its runs.
    within: Checkpoints,
}

impl Observer for KeptWork<'_> {
    fn notice(&self, event: &Event<'_>) {
        self.observer.notice(event);
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        self.kept.as_ref().map(|kept| &kept.within)
    }
}

impl<'o> KeptWork<'o> {
    /// The part of that name, which is what `identity` says.
    ///
    /// # Errors
    /// Those of `identity`, which is asked for if there are checkpoints.
    pub fn new(
        observer: &'o dyn Observer,
        name: &str,
        identity: impl FnOnce() -> Result<Identity, Error>,
    ) -> Result<KeptWork<'o>, Error> {
        let kept = observer.checkpoints().map(|checkpoints| {
            Ok::<_, Error>(Kept { identity: identity()?, within: checkpoints.within(name) })
        });
        Ok(KeptWork { observer, name: name.to_string(), kept: kept.transpose()? })
    }

    /// A part of this part.
    pub fn part<'p>(&'p self, name: &str) -> KeptWork<'p> {
        let part = |kept: &Kept| {
            let (identity, within) = (kept.identity.clone(), kept.within.within(name));
            Kept { identity, within }
        };
        KeptWork { observer: self, name: name.to_string(), kept: self.kept.as_ref().map(part) }
    }

    /// Removes all that is kept of its parts and runs.
    ///
    /// # Errors
    /// If that fails.
    pub fn begin_anew(&self) -> Result<(), Error> {
        let Some(Kept { within, .. }) = &self.kept else { return Ok(()) };
        match fs::remove_dir_all(&within.folder) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(error!(Io, "{}: cannot be removed: {e}", within.folder.display()))
            }
            _ => Ok(()),
        }
    }

    /// The result of the part, if it is kept and was asked for. One that is damaged is none.
    ///
    /// # Errors
    /// If it is that of another part, or cannot be read.
    pub fn finished<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let checkpoints = self.observer.checkpoints().filter(|checkpoints| checkpoints.resume);
        let Some((checkpoints, kept)) = checkpoints.zip(self.kept.as_ref()) else {
            return Ok(None);
        };
        let checkpoint = match checkpoints.last(&self.name) {
            Ok((Some(checkpoint), _)) => checkpoint,
            Ok((None, _)) => return Ok(None),
            Err(e) if e.kind() == ErrorKind::Format => return Ok(None),
            Err(e) => return Err(e),
        };
        match checkpoint.manifest().identity.difference(&kept.identity) {
            Some(difference) => Err(checkpoint.unfit(&difference)),
            None => Ok(serde_json::from_value(checkpoint.manifest().state.clone()).ok()),
        }
    }

    /// Keeps the result, in the place of the checkpoints of the part's runs. If that fails, it is
    /// told, and these stay.
    pub fn keep<T: Serialize>(&self, cx: &Context, result: &T) {
        let Some((checkpoints, kept)) = self.observer.checkpoints().zip(self.kept.as_ref()) else {
            return;
        };
        let write = || -> Result<(), Error> {
            let state = serde_json::to_value(result)
                .map_err(|e| error!(Format, "{}: the result cannot be written: {e}", self.name))?;
            let manifest = Manifest {
                run: self.name.clone(),
                step: 0,
                isa: cx.isa().name().to_string(),
                configuration: checkpoints.configuration.clone(),
                identity: kept.identity.clone(),
                state,
            };
            let path = checkpoints.file(&self.name, 0);
            fs::create_dir_all(&checkpoints.folder)
                // A trial can be shorter than the disk takes.
                .and_then(|()| manifest.write_unflushed(&path).map(drop))
                .map_err(|e| Error::of_file(ErrorKind::Io, &path, &format!("cannot save: {e}")))
        };
        match write() {
            // What cannot be removed is in the way of nothing.
            Ok(()) => drop(fs::remove_dir_all(&kept.within.folder)),
            Err(error) => self.observer.notice(&Event::NotSaved { run: &self.name, error: &error }),
        }
    }
}
