//! A run and its checkpoints: what it is, its state, and the way back.

use super::super::best::Best;
use super::super::ema::Ema;
use super::super::epochs::Steps;
use super::super::saver::Saver;
use super::super::settings::Training;
use super::super::state::State;
use super::super::task::Task;
use super::{Restart, Run};
use crate::checkpoint::Identity;
use crate::error::Error;
use crate::evaluation::Goal;
use crate::event::{EpochRecord, Observer};
use narrows_engine::{Context, Trainer};

impl Run<'_> {
    /// Goes on from a checkpoint, if there is one and `observer` asks for it, and prepares to save
    /// others, if it has checkpoints.
    pub(super) fn begin_saving<'o>(
        &mut self,
        cx: &Context,
        observer: &'o dyn Observer,
    ) -> Result<Option<Saver<'o>>, Error> {
        let Some((saver, checkpoint)) = Saver::begin(cx, &self.name, observer, || self.identity())?
        else {
            return Ok(None);
        };
        if let Some(checkpoint) = checkpoint {
            let window = self.state().restore(&checkpoint)?;
            self.loader.set_window(window);
            saver.resumed(&checkpoint, &self.state());
        }
        Ok(Some(saver))
    }

    /// The steps of an epoch, and the epochs.
    pub(super) fn size(&self) -> [usize; 2] {
        [self.loader.steps(), self.training.epochs]
    }

    /// The whole state.
    pub(super) fn state(&mut self) -> State<'_> {
        let (size, window) = (self.size(), self.loader.window());
        let Run { trainer, ema, best, history, steps, .. } = self;
        state_of(trainer, ema, best, history, steps, size, window)
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

/// The whole state of a run in these parts of it.
pub(super) fn state_of<'s>(
    trainer: &'s mut Trainer,
    ema: &'s mut Option<Ema>,
    best: &'s mut Option<Best>,
    history: &'s mut Vec<EpochRecord>,
    steps: &'s mut Steps,
    course: [usize; 2],
    window: Option<u64>,
) -> State<'s> {
    State {
        params: &mut trainer.params,
        optimizer: &mut trainer.optimizer,
        average: ema.as_mut(),
        best,
        history,
        steps,
        course,
        window,
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
                Ok(window) => {
                    resumed.loader.set_window(window);
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
