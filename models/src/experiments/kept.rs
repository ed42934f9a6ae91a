//! Parts of an experiment that are through, on disk: one that was stopped has them when it goes on.

use crate::checkpoint::{Checkpoints, Identity, Manifest};
use crate::error::{Error, ErrorKind, error};
use crate::event::{Event, Observer};
use narrows_engine::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;

/// A part of an experiment. The checkpoints of its runs lie in a folder of its own, until its
/// result is a file beside that.
pub(super) struct KeptWork<'o> {
    observer: &'o dyn Observer,
    name: String,
    /// Those of its runs.
    within: Option<Checkpoints>,
}

impl Observer for KeptWork<'_> {
    fn notice(&self, event: &Event<'_>) {
        self.observer.notice(event);
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        self.within.as_ref()
    }
}

impl<'o> KeptWork<'o> {
    /// The part of that name.
    pub fn new(observer: &'o dyn Observer, name: &str) -> KeptWork<'o> {
        let within = observer.checkpoints().map(|checkpoints| checkpoints.within(name));
        KeptWork { observer, name: name.to_string(), within }
    }

    /// The same part, whose runs are another's in each process: they do not go on.
    pub fn whose_runs_begin_anew(mut self) -> KeptWork<'o> {
        if let Some(within) = &mut self.within {
            within.resume = false;
        }
        self
    }

    /// The result of the part, if it is kept and was asked for. One that is damaged is none.
    ///
    /// # Errors
    /// If it is that of another part, or cannot be read.
    pub fn finished<T: DeserializeOwned>(
        &self,
        identity: impl FnOnce() -> Result<Identity, Error>,
    ) -> Result<Option<T>, Error> {
        let Some(checkpoints) = self.observer.checkpoints().filter(|c| c.resume) else {
            return Ok(None);
        };
        let checkpoint = match checkpoints.last(&self.name) {
            Ok((Some(checkpoint), _)) => checkpoint,
            Ok((None, _)) => return Ok(None),
            Err(e) if e.kind() == ErrorKind::Format => return Ok(None),
            Err(e) => return Err(e),
        };
        match checkpoint.manifest().identity.difference(&identity()?) {
            Some(difference) => Err(checkpoint.unfit(&difference)),
            None => Ok(serde_json::from_value(checkpoint.manifest().state.clone()).ok()),
        }
    }

    /// Keeps the result, in the place of the checkpoints of the part's runs. If that fails, it is
    /// told, and these stay.
    pub fn keep<T: Serialize>(
        &self,
        cx: &Context,
        result: &T,
        identity: impl FnOnce() -> Result<Identity, Error>,
    ) {
        let (Some(checkpoints), Some(within)) = (self.observer.checkpoints(), &self.within) else {
            return;
        };
        let kept = identity().and_then(|identity| {
            let state = serde_json::to_value(result)
                .map_err(|e| error!(Format, "{}: the result cannot be written: {e}", self.name))?;
            let manifest = Manifest {
                run: self.name.clone(),
                step: 0,
                isa: cx.isa().name().to_string(),
                configuration: checkpoints.configuration.clone(),
                identity,
                state,
            };
            let path = checkpoints.file(&self.name, 0);
            fs::create_dir_all(&checkpoints.folder)
                // A trial can be shorter than the disk takes.
                .and_then(|()| manifest.write_unflushed(&path))
                .map_err(|e| Error::of_file(ErrorKind::Io, &path, &format!("cannot save: {e}")))
        });
        match kept {
            // What cannot be removed is in the way of nothing.
            Ok(_) => drop(fs::remove_dir_all(&within.folder)),
            Err(error) => self.observer.notice(&Event::NotSaved { run: &self.name, error: &error }),
        }
    }
}
