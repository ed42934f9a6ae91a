//! Transfer: a pretrained encoder in a classifier, and what of it may change.

use crate::architecture::ENCODER;
use crate::{Error, Observer, Run};
use narrows_engine::params::Role;
use narrows_engine::{Context, Params};
use serde::{Deserialize, Serialize};

/// How a classifier gets its encoder and trains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A fresh encoder, all of it trained: the baseline.
    Scratch,
    /// The pretrained encoder stays as it is, batch norm included; the head learns.
    Freeze,
    /// Everything learns, the encoder at a tenth of the rate.
    Slow,
    /// Everything learns at the same rate.
    Full,
    /// The head learns first; then the encoder's layers join in, the top one first (Howard and Ruder,
    /// ACL 2018, section 3.3).
    Gradual,
}

/// The encoder's factor on the learning rate in [`Method::Slow`].
pub const SLOW_FACTOR: f32 = 0.1;

impl Method {
    /// All methods, the baseline first, by the names that options and files use.
    pub const ALL: [(&str, Method); 5] = [
        ("scratch", Method::Scratch),
        ("freeze", Method::Freeze),
        ("slow", Method::Slow),
        ("full", Method::Full),
        ("gradual", Method::Gradual),
    ];

    /// The name.
    pub fn name(self) -> &'static str {
        let found = Method::ALL.iter().find(|(_, method)| *method == self);
        found.map_or("unknown", |(name, _)| name)
    }

    /// Makes fresh classifier parameters ready to be trained: copies the encoder, freezes or slows it.
    ///
    /// # Errors
    /// If the encoders differ in shape.
    pub fn prepare(self, params: &mut Params, pretrained: &Params) -> Result<(), Error> {
        if self != Method::Scratch {
            params.copy_from(pretrained, ENCODER)?;
        }
        match self {
            Method::Scratch | Method::Full => {}
            Method::Freeze | Method::Gradual => params.set_trainable(ENCODER, false),
            Method::Slow => params.set_lr_factor(ENCODER, SLOW_FACTOR),
        }
        Ok(())
    }

    /// Trains `run`, whose parameters [`Method::prepare`] made ready, to the end.
    ///
    /// # Errors
    /// As [`Run::train`].
    pub fn train(self, run: &mut Run<'_>, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        let epochs = run.epochs();
        if self == Method::Gradual {
            // Before the second half not everything has had its turn.
            run.patient_until = epochs.div_ceil(2);
        }
        run.train(cx, observer, |done, params| self.before_epoch(done, epochs, params))
    }

    /// Frees what this method frees once `done` of `epochs` epochs are through.
    ///
    /// With `n` blocks in the encoder, gradual unfreezing gives the head and each block an equal share
    /// of the first half of the epochs, but at least the first epoch to the head alone; in the second half
    /// everything learns.
    pub fn before_epoch(self, done: usize, epochs: usize, params: &mut Params) {
        if self == Method::Gradual {
            let blocks = encoder_blocks(params);
            for (i, block) in blocks.iter().rev().enumerate() {
                if done >= ((i + 1) * epochs).div_ceil(2 * blocks.len()) {
                    block.iter().for_each(|layer| params.set_trainable(layer, true));
                }
            }
        }
    }
}

/// The layers of the encoder in blocks: one that has a weight, a residual block as a whole for example, and the batch
/// norm behind it. From the input on.
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
