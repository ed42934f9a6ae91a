//! Transfer: a pretrained encoder in a classifier, and what of it may change.

use crate::architecture::ENCODER;
use crate::error::{Error, bail, ensure};
use crate::event::Observer;
use crate::names::named;
use crate::training::{Restart, Run};
use narrows_engine::params::Role;
use narrows_engine::{Context, Params};

named! {
    /// The way in which a classifier gets its encoder and trains it.
    #[non_exhaustive]
    pub enum Transfer {
        /// A fresh encoder, all of it trained: the baseline.
        Scratch = "scratch",
        /// The pretrained encoder stays as it is, batch norm included; the head learns.
        Freeze = "freeze",
        /// The pretrained encoder stays as it is; the head is a logistic regression on its codes,
        /// fitted to the end. The validation labels choose the strength of its L2.
        Linear = "linear",
        /// Everything learns, the encoder at a tenth of the rate.
        Slow = "slow",
        /// Everything learns at the same rate.
        Full = "full",
        /// The head learns first; then the encoder's layers join in, the top one first (Howard and
        /// Ruder, ACL 2018, section 3.3).
        Gradual = "gradual",
        /// The head learns alone in the first half of the epochs, by a schedule of its own; in the
        /// second half everything learns, at a tenth of the rate or the factor of the settings. A
        /// head that fits the encoder pulls it less far from what it learnt (LP-FT: Kumar et al.,
        /// ICLR 2022).
        LpFt = "lp-ft",
    }
}

/// The encoder's factor on the learning rate in [`Transfer::Slow`].
pub const SLOW_FACTOR: f32 = 0.1;

impl Transfer {
    /// Refuses so few epochs that the encoder never learns although the method lets it.
    ///
    /// # Errors
    /// If a method that trains the head first has no epoch for what comes then.
    pub fn check(self, epochs: usize) -> Result<(), Error> {
        match self {
            Transfer::Gradual | Transfer::LpFt if epochs < 2 => {
                let name = self.name();
                bail!(
                    "{name} needs at least 2 epochs, not {epochs}: the first is the head's alone, \
                     as with freeze"
                )
            }
            _ => Ok(()),
        }
    }

    /// Makes fresh classifier parameters ready to be trained: copies the encoder, freezes or slows
    /// it.
    ///
    /// # Errors
    /// If the encoders differ in shape.
    pub fn prepare(self, params: &mut Params, pretrained: &Params) -> Result<(), Error> {
        if self != Transfer::Scratch {
            params.copy_from(pretrained, ENCODER)?;
        }
        match self {
            Transfer::Scratch | Transfer::Full => {}
            Transfer::Freeze | Transfer::Linear | Transfer::Gradual | Transfer::LpFt => {
                params.set_trainable(ENCODER, false)?;
            }
            Transfer::Slow => params.set_lr_factor(ENCODER, SLOW_FACTOR)?,
        }
        Ok(())
    }

    /// Sets up what the settings of `run` ask for, beside its parameters: where its training has
    /// `l2_sp`, the encoder is pulled towards that of `pretrained`. A fresh or a frozen encoder is
    /// not.
    ///
    /// # Errors
    /// If the encoders differ in shape.
    pub fn pull_to_pretrained(self, run: &mut Run<'_>, pretrained: &Params) -> Result<(), Error> {
        let strength = run.training().l2_sp;
        if strength > 0.0 && self.moves_pretrained() {
            let mut start = run.trainer.params.clone();
            start.copy_from(pretrained, ENCODER)?;
            run.trainer.optimizer.pull_to_pretrained(&start, ENCODER, f64::from(strength))?;
        }
        Ok(())
    }

    /// True if a pretrained encoder learns.
    fn moves_pretrained(self) -> bool {
        !matches!(self, Transfer::Scratch | Transfer::Freeze | Transfer::Linear)
    }

    /// Trains `run`, whose parameters [`Transfer::prepare`] made ready, to the end.
    ///
    /// # Errors
    /// The errors of [`Run::train`], or if its settings pull towards an encoder that
    /// [`Transfer::pull_to_pretrained`] was not told.
    pub fn train(
        self,
        run: &mut Run<'_>,
        cx: &Context,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        if self == Transfer::Linear {
            return run.fit_head(cx, observer);
        }
        let epochs = run.epochs();
        let exact = self == Transfer::LpFt && run.training().exact_probe;
        if exact {
            run.begin_at_probe(cx, observer)?;
        }
        let half = if exact { 0 } else { epochs.div_ceil(2) };
        if matches!(self, Transfer::Gradual | Transfer::LpFt) {
            // Before the second half not everything has had its turn.
            run.patient_until = half;
        }
        if self == Transfer::LpFt {
            let rate = run.training().finetuning_factor;
            run.restart = Some(Restart { after: half, rate });
        }
        let (decay, l2_sp) = (run.training().lr_decay, run.training().l2_sp);
        if self.moves_pretrained() {
            ensure!(
                l2_sp <= 0.0 || run.trainer.optimizer.pulls_to_pretrained(),
                "the pull towards pretrained weights needs them: call \
                     Transfer::pull_to_pretrained first"
            );
            self.set_rates(decay, &mut run.trainer.params)?;
        }
        let freed = if exact { epochs } else { 0 };
        run.train(cx, observer, |done, params| self.before_epoch(freed + done, epochs, params))
    }

    /// Gives each block of a pretrained encoder `decay` times the rate of the one above it, the
    /// head being the topmost: with [`Transfer::Slow`] times its factor.
    fn set_rates(self, decay: f32, params: &mut Params) -> Result<(), Error> {
        let mut factor = if self == Transfer::Slow { SLOW_FACTOR } else { 1.0 };
        for block in encoder_blocks(params).iter().rev() {
            factor *= decay;
            for layer in block {
                params.set_lr_factor(layer, factor)?;
            }
        }
        Ok(())
    }

    /// Frees what this method frees once `done` of `epochs` epochs are through.
    ///
    /// With `n` blocks in the encoder, gradual unfreezing gives the head and each block an equal
    /// share of the first half of the epochs, but at least the first epoch to the head alone; in
    /// the second half everything learns, as it does with LP-FT.
    pub fn before_epoch(self, done: usize, epochs: usize, params: &mut Params) {
        let blocks = encoder_blocks(params);
        for (i, block) in blocks.iter().rev().enumerate() {
            let learns = match self {
                Transfer::Gradual => done >= ((i + 1) * epochs).div_ceil(2 * blocks.len()),
                Transfer::LpFt => done >= epochs.div_ceil(2),
                _ => false,
            };
            for layer in block.iter().filter(|_| learns) {
                params.set_trainable(layer, true).expect("a layer of these parameters");
            }
        }
    }
}

/// The layers of the encoder in blocks: one that has a weight, a residual block as a whole for
/// example, and the batch norm behind it. From the input on.
fn encoder_blocks(params: &Params) -> Vec<Vec<String>> {
    let mut blocks: Vec<Vec<String>> = Vec::new();
    for layer in params.entries().chunk_by(|a, b| layer_of(&a.name) == layer_of(&b.name)) {
        let Some(name) = layer_of(&layer[0].name) else { continue };
        if layer.iter().any(|entry| entry.spec.role == Role::Weight) || blocks.is_empty() {
            blocks.push(Vec::new());
        }
        blocks.last_mut().expect("one was pushed").push(name.to_string());
    }
    blocks
}

/// The layer of the encoder that a parameter belongs to, however deep within it: `encoder.3` of
/// `encoder.3.shortcut.0.weight`.
fn layer_of(name: &str) -> Option<&str> {
    let within = name.strip_prefix(ENCODER)?.strip_prefix('.')?;
    let index = within.split('.').next()?;
    Some(&name[..ENCODER.len() + 1 + index.len()])
}
