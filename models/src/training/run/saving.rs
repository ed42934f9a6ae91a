//! A run and its checkpoints: what it is, its state, and the way back.

use super::super::ema::Ema;
use super::super::saver::Saver;
use super::super::settings::Training;
use super::super::state::{State, Weights};
use super::super::task::Task;
use super::{Restart, Run};
use crate::checkpoint::Identity;
use crate::error::Error;
use crate::evaluation::Goal;
use crate::event::Observer;
use narrows_engine::{Context, Trainer};

impl Run<'_> {
    /// Goes on from a checkpoint, if there is one and `observer` asks for it, and prepares to save
    /// others, if it has checkpoints.
    pub(super) fn begin_saving<'o>(
        &mut self,
        cx: &Context,
        observer: &'o dyn Observer,
    ) -> Result<Option<Saver<'o>>, Error> {
        let Some((saver, checkpoint)) =
            Saver::begin(cx, &self.progress.run, observer, || self.identity())?
        else {
            return Ok(None);
        };
        if let Some(checkpoint) = checkpoint {
            self.state().restore(&checkpoint)?;
            self.loader.set_window(self.progress.window);
            saver.resumed(&checkpoint, &self.state());
        }
        Ok(Some(saver))
    }

    /// The whole state.
    pub(super) fn state(&mut self) -> State<'_> {
        let Run { progress, trainer, ema, .. } = self;
        State { progress, weights: weights(trainer, ema) }
    }

    /// What this training is, before its first step.
    fn identity(&self) -> Result<Identity, Error> {
        let Task { data, train, validation, goal } = self.task;
        let Run { training, patient_until, restart, .. } = self;
        let (patient_until, restart) = (*patient_until, *restart);
        let settings = Settings { training, goal, patient_until, restart };
        Identity::new(&settings, self.trainer.network(), Some(&self.trainer.params))
            .on(data, &[("training samples", train), ("validation samples", validation)])
    }
}

/// The settings of a run, for its [`Identity`].
#[derive(Debug)]
#[expect(dead_code, reason = "read as text")]
struct Settings<'s> {
    training: &'s Training,
    goal: Goal,
    patient_until: usize,
    restart: Option<Restart>,
}

/// What the steps of a run change, in these parts of it.
pub(super) fn weights<'s>(trainer: &'s mut Trainer, ema: &'s mut Option<Ema>) -> Weights<'s> {
    Weights {
        params: &mut trainer.params,
        optimizer: &mut trainer.optimizer,
        average: ema.as_mut(),
        validated: None,
        shares: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::crafted::{checkpoint, others};
    use crate::{Architecture, Model};
    use narrows_datasets::{Dataset, Rows};
    use narrows_engine::Params;

    /// No numbers of a checkpoint make a run panic, whether it takes them or not.
    #[test]
    fn numbers_that_make_no_sense_are_refused_or_do_no_harm() {
        let (cx, digits) = (Context::new(1).unwrap(), Dataset::digits());
        let architecture = Architecture { widths: vec![], ..Architecture::new(Model::Dense, 64) };
        let architecture = Architecture { latent: 2, ..architecture };
        let network = architecture.classifier(10).unwrap();
        let rows: Vec<u32> = (0..20).collect();
        let task = Task {
            data: &digits,
            train: Rows::Listed(&rows),
            validation: Rows::Listed(&[30, 31]),
            goal: Goal::Classify,
        };
        let training = Training { epochs: 3, batch: 10, ema: 0.9, ..Training::classifier() };
        let new = || Run::new("one", &network, Params::new(&network, 1), task, &training).unwrap();
        let mut run = new();
        (0..2).for_each(|_| run.epoch(&cx, &()).unwrap());
        let state = run.state();
        let (numbers, tensors) = state.saved().unwrap();
        let (mut taken, mut refused) = (0, 0);
        for crafted in others(&numbers) {
            let mut resumed = new();
            match resumed.state().restore(&checkpoint(crafted, &tensors)) {
                Ok(()) => {
                    resumed.loader.set_window(resumed.progress.window);
                    while !resumed.finished() && resumed.epoch(&cx, &()).is_ok() {}
                    taken += 1;
                }
                Err(e) => {
                    assert!(!e.to_string().contains('\n'), "{e}");
                    refused += 1;
                }
            }
        }
        // Losses, times and the like may be any.
        assert!(refused > 300 && taken > 50, "{refused} refused, {taken} taken");
    }
}
