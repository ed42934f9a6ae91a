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
