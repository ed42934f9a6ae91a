//! The parts of a comparison's time, by counted operations.

use super::compare::Compare;
use super::methods::{MethodName, Time};
use super::prefixed::Named;
use super::pretraining::AutoencoderTraining;
use super::values::Auto;
use crate::error::Error;
use narrows_datasets::Dataset;
use narrows_models::cost::{TRAINING, seconds_per_sample};
use narrows_models::curve::Point;
use narrows_models::{Architecture, Transfer};
use std::time::Duration;

/// The seconds of a semi-supervised training: three minutes for ten draws. The digits inside are a
/// demonstration.
const A_DRAW: f64 = 18.0;
const A_DRAW_OF_DIGITS: f64 = 1.2;
/// Those of a candidate of `--auto`, if there was time.
const A_CANDIDATE: f64 = 180.0;
/// The part of the time that pretraining takes at most, and that semi-supervised methods get at
/// least.
const PRETRAINING: f64 = 1.0 / 3.0;
const SEMI: f64 = 0.25;

impl Compare {
    /// The seconds of the whole command, if there is a limit.
    fn limit(&self) -> Option<f64> {
        let given = match &self.budget {
            Auto::Given(time) => Some(time),
            Auto::Auto => self.auto.as_ref(),
        };
        given.map(|time| time.value.as_secs_f64())
    }

    /// The time of one semi-supervised training.
    pub(super) fn time(
        &mut self,
        train: &Dataset,
        architecture: &Architecture,
        names: &[MethodName],
        points: &[Point],
    ) -> Result<Time, Error> {
        let Some(left) = self.left(train, architecture, names, points)? else {
            let seconds = if self.data.path.data.is_some() { A_DRAW } else { A_DRAW_OF_DIGITS };
            return Ok(Time { seconds, given: false });
        };
        let semi = names.iter().filter(|name| matches!(name, MethodName::Semi(_))).count();
        let trainings = (semi * points.len() * self.labels.draws * self.ensemble).max(1);
        Ok(Time { seconds: left / trainings as f64, given: true })
    }

    /// The time of a candidate of `--auto`, and of all of them with the winner's draws.
    pub fn time_of_choice(
        &mut self,
        train: &Dataset,
        architecture: &Architecture,
        points: &[Point],
    ) -> Result<Option<(Time, Duration)>, Error> {
        let Auto::Given(names) = self.methods.clone() else { return Ok(None) };
        let left = self.left(train, architecture, &names.0, points)?;
        let candidate = Time { seconds: A_CANDIDATE, given: false };
        Ok(left.map(|left| (candidate, Duration::from_secs_f64(left))))
    }

    /// The seconds that pretraining and fine-tuning leave of the limit. Pretraining is shortened
    /// if it would take too much of it.
    fn left(
        &mut self,
        train: &Dataset,
        architecture: &Architecture,
        names: &[MethodName],
        points: &[Point],
    ) -> Result<Option<f64>, Error> {
        let Some(limit) = self.limit() else { return Ok(None) };
        let mut spent = 0.0;
        if self.encoder.is_none() {
            let seed = self.running.seed;
            let training = self.pretraining.clone().resolve(train, architecture, seed);
            let network = architecture.autoencoder()?;
            let per_sample = seconds_per_sample(&network, TRAINING, training.batch);
            let epoch = per_sample * train.learnt() as f64;
            let fits = ((limit * PRETRAINING / epoch) as usize).max(1);
            let epochs = training.epochs.min(fits);
            let options: &mut AutoencoderTraining = self.pretraining.training.options_mut();
            if options.epochs == Auto::Auto && epochs < training.epochs {
                options.epochs = Auto::Given(epochs);
            }
            spent += epoch * options.epochs.or(training.epochs) as f64;
        }
        let network = architecture.classifier(train.classes())?;
        let linear = MethodName::Transfer(Transfer::Linear);
        let is_tuned =
            |name: &&MethodName| matches!(name, MethodName::Transfer(_)) && **name != linear;
        let trainings = names.iter().filter(is_tuned).count() * self.finetune_lr.0.len();
        let trainings = trainings * self.labels.draws * self.ensemble;
        for Point { labels, validation, finetuning } in points {
            let forward = *validation as f64 / *labels as f64;
            let per_sample = seconds_per_sample(&network, TRAINING + forward, finetuning.batch);
            spent += per_sample * (labels * finetuning.epochs * trainings) as f64;
        }
        Ok(Some((limit - spent).max(limit * SEMI)))
    }
}
