//! Pretraining: an autoencoder on all samples of the training part, without their labels, beside
//! PCA.

mod pca;

pub use pca::Pca;

use crate::architecture::{Activation, Architecture, SampleShape};
use crate::checked::Checked;
use crate::error::{Error, bail, ensure};
use crate::evaluation::{Evaluation, Goal, Samples};
use crate::event::{EpochRecord, Event, Observer};
use crate::training::{Run, RunResult, Task, Training};
use narrows_datasets::{Augmentation, Augmenter, Dataset, Rows, TrainTest, holdout};
use narrows_engine::{Context, Loss, Network, Params};
use serde::Serialize;
use std::time::Instant;

/// An autoencoder to pretrain, and the settings.
#[derive(Clone, Debug)]
pub struct Pretraining<'a> {
    /// The data; no label is looked at.
    pub data: &'a TrainTest,
    /// The autoencoder.
    pub architecture: &'a Architecture,
    /// The settings of its training, with its [`Objective`](crate::Objective). With
    /// [`Loss::BceWithLogits`] the output has to be a sigmoid: training then takes what goes into
    /// it.
    pub training: &'a Training,
    /// The training samples held out to choose the epoch, unless the data set some off for
    /// [validation](Dataset::validation).
    pub held_out: usize,
    /// Decides the initial weights and what is held out.
    pub seed: u64,
}

/// The reconstruction errors of PCA.
#[derive(Clone, Debug, Serialize)]
pub struct PcaResult {
    /// The number of components.
    pub components: usize,
    /// The mean squared error per value on what it was fitted to.
    pub train_mse: f64,
    /// The same on the test set.
    pub test_mse: f64,
}

/// The reconstruction errors of the autoencoder.
#[derive(Clone, Debug, Serialize)]
pub struct AutoencoderResult {
    /// The length of the code.
    pub latent: usize,
    /// The mean squared error per value on all training samples, as PCA's: those held out are among
    /// them.
    pub train_mse: f64,
    /// The same on the test set.
    pub test_mse: f64,
    /// The wall time of its training.
    pub seconds: f64,
}

/// A pretrained autoencoder.
#[derive(Clone, Debug)]
pub struct Pretrained {
    /// The samples that it trained on.
    pub unlabelled: usize,
    /// PCA with as many components as the code has values.
    pub pca: PcaResult,
    /// Its reconstruction errors.
    pub autoencoder: AutoencoderResult,
    /// Its epochs.
    pub history: Vec<EpochRecord>,
    /// The epoch whose weights these are, from 1 on.
    pub best_epoch: usize,
    /// Its weights.
    pub params: Params,
}

impl<'a> Pretraining<'a> {
    /// The pretraining of an autoencoder on all training samples; the last epoch is kept, and the
    /// seed is that of the training.
    pub fn new(
        data: &'a TrainTest,
        architecture: &'a Architecture,
        training: &'a Training,
    ) -> Pretraining<'a> {
        Pretraining { data, architecture, training, held_out: 0, seed: training.seed }
    }

    /// The name of the run in events.
    pub const RUN: &'static str = "autoencoder";

    /// Refuses what cannot work, before anything is trained.
    ///
    /// # Errors
    /// If a setting makes no sense; the message names it.
    pub fn check(&self) -> Result<Checked<'_, Self>, Error> {
        self.training.check()?;
        Augmenter::new(self.augmentation(), self.data.train.image_shape())?;
        ensure!(
            self.training.objective.is_variational() == self.architecture.variational,
            "the objective variational needs a variational architecture, and the others one \
                 that is not"
        );
        if self.training.loss == Loss::BceWithLogits
            && self.architecture.output != Activation::Sigmoid
        {
            bail!("the loss bce needs a sigmoid output");
        }
        let samples = self.data.train.learnt();
        ensure!(
            self.held_out < samples,
            "holding {} of {samples} training samples out leaves none: hold fewer out",
            self.held_out
        );
        self.trained_network()?;
        Ok(Checked::new(self))
    }

    /// The training samples that choose the epoch, ascending.
    pub(crate) fn held(&self) -> Vec<u32> {
        let train = &self.data.train;
        match train.validation().is_empty() {
            true => holdout(train.len(), self.held_out, self.seed),
            false => train.validation().collect(),
        }
    }

    /// The augmentation of the samples: that of the training, and that of the objective where that
    /// says nothing.
    fn augmentation(&self) -> Augmentation {
        self.training
            .objective
            .corrupting(self.training.augmentation, SampleShape::of(&self.data.train))
    }

    /// The network that is trained. It has the parameters of the autoencoder, but may lack the
    /// output's sigmoid, where the loss takes logits, and have the objective's layer on the code.
    pub(crate) fn trained_network(&self) -> Result<Network, Error> {
        let kept = self.data.train.len().saturating_sub(self.held().len());
        let steps = kept.div_ceil(self.training.batch.max(1)) as u64;
        let on_code = self.training.objective.on_code(self.data.train.sample_len(), steps);
        match self.training.loss {
            Loss::BceWithLogits => {
                let logits = Architecture { output: Activation::None, ..self.architecture.clone() };
                logits.autoencoder_with(on_code)
            }
            _ => self.architecture.autoencoder_with(on_code),
        }
    }

    /// The training of `network`, which is [`trained_network`](Self::trained_network), on all
    /// samples but those `held` out.
    pub(crate) fn training_run<'r>(
        &'r self,
        network: &'r Network,
        held: &'r [u32],
    ) -> Result<Run<'r>, Error> {
        let data = &self.data.train;
        let task = Task {
            data,
            train: Rows::AllBut { of: data.len(), held },
            validation: Rows::Listed(held),
            goal: Goal::Reconstruct,
        };
        let params = Params::new(network, self.seed);
        let training = Training { augmentation: self.augmentation(), ..self.training.clone() };
        Run::new(Pretraining::RUN, network, params, task, &training)
    }
}

impl Checked<'_, Pretraining<'_>> {
    /// Fits PCA, trains the autoencoder, and measures both.
    ///
    /// # Errors
    /// If a loss or a parameter is no longer finite, or the samples cannot be read.
    pub fn run(&self, cx: &Context, observer: &dyn Observer) -> Result<Pretrained, Error> {
        let TrainTest { train, test } = self.data;
        observer.notice(&Event::Stage("principal components"));
        let (all, tests) = (Rows::all(train.learnt()), Rows::all(test.len()));
        let components = self.architecture.latent.min(train.sample_len());
        let pca = || -> Result<PcaResult, Error> {
            let pca = Pca::fit(cx, train, all, components, observer)?;
            let train_mse = pca.mse(cx, train, all, observer)?;
            Ok(PcaResult { components, train_mse, test_mse: pca.mse(cx, test, tests, observer)? })
        };
        let pca = pca().map_err(|e| e.during("principal components"))?;

        let held = self.held();
        let kept = Rows::AllBut { of: train.len(), held: &held };
        let start = Instant::now();
        let network = self.trained_network()?;
        let mut run = self.training_run(&network, &held)?;
        run.train(cx, observer, |_, _| {})?;
        let RunResult { params, history, best_epoch } = run.into_result();
        let seconds = start.elapsed().as_secs_f64();

        let network = self.architecture.autoencoder()?;
        let mse = |data: &Dataset, rows: Rows<'_>| -> Result<f64, Error> {
            let (model, samples) = ((&network, &params), Samples::Rows { data, rows });
            let (goal, take) = (Goal::Reconstruct, &mut |_: &[f32], _: &[u32]| {});
            let evaluation = Evaluation::over(cx, model, &Loss::L2, samples, goal, observer, take)
                .map_err(|e| e.during("the reconstruction errors"))?;
            match evaluation.loss.is_finite() {
                true => Ok(evaluation.loss),
                false => {
                    let (what, when) = ("the reconstruction error", "after the last epoch");
                    let e = narrows_engine::Error::diverged(what, evaluation.loss, when);
                    let place = format_args!("{}: {}", Pretraining::RUN, data.name());
                    Err(e.within(place).into())
                }
            }
        };
        let autoencoder = AutoencoderResult {
            latent: self.architecture.latent,
            train_mse: mse(train, all)?,
            test_mse: mse(test, tests)?,
            seconds,
        };
        Ok(Pretrained { unlabelled: kept.len(), pca, autoencoder, history, best_epoch, params })
    }
}
