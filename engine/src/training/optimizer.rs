//! Optimisers: what turns gradients into steps.
//!
//! A step is one pass over four slabs (parameters, gradients, two moments), in blocks of fixed
//! size. The trainer makes it layer by layer, right behind each layer's gradient, which saves most
//! of that traffic.

mod adam;
mod anchor;
mod sgd;

use crate::hardware::memory::Slab;
use crate::hardware::parallel::{Chunks, MAX_SUMS};
use crate::hardware::simd::{Isa, Kernel, Simd};
use crate::network::params::{Params, Role};
use crate::{Context, Error};
use anchor::Anchor;
use std::ops::Range;

/// What turns gradients into steps, with the semantics of PyTorch's class of the same name.
///
/// Settings are f64 for the sake of what is computed from them: 1 - 0.999 in f32 is off by 1e-5 of
/// itself. Weight decay reaches weights alone, not biases nor a normalisation's gamma and beta.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// `buffer = momentum buffer + g`, then `p -= lr buffer`.
    Sgd {
        /// How much of the last step's direction goes on; 0 for none.
        momentum: f64,
        /// Steps along `g + momentum buffer` instead (Sutskever et al., ICML 2013).
        nesterov: bool,
        /// `weight_decay p` is added to the gradient.
        weight_decay: f64,
    },
    /// Kingma and Ba, ICLR 2015.
    Adam {
        /// The decay of the gradient's running mean.
        beta1: f64,
        /// The decay of the squared gradient's running mean.
        beta2: f64,
        /// Added to the root of the latter, after its correction.
        eps: f64,
        /// `weight_decay p` is added to the gradient.
        weight_decay: f64,
    },
    /// Adam with the decay apart from the gradient (Loshchilov and Hutter, ICLR 2019).
    AdamW {
        /// As in [`Optimizer::Adam`].
        beta1: f64,
        /// As in [`Optimizer::Adam`].
        beta2: f64,
        /// As in [`Optimizer::Adam`].
        eps: f64,
        /// `p` shrinks by `lr weight_decay p` before each step.
        weight_decay: f64,
    },
}

impl Optimizer {
    /// Plain gradient descent: no momentum, no decay.
    pub fn sgd() -> Optimizer {
        Optimizer::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// Adam with betas 0.9 and 0.999, epsilon 1e-8, no decay.
    pub fn adam() -> Optimizer {
        Optimizer::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 }
    }

    /// AdamW with betas 0.9 and 0.999, epsilon 1e-8, decay 1e-2.
    pub fn adamw() -> Optimizer {
        Optimizer::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 1e-2 }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If one makes no sense; the message names it.
    pub fn check(&self) -> Result<(), Error> {
        let not_negative = |name: &str, value: f64| match value >= 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(Error::setting(format!(
                "the {name} must be finite and not negative, but is {value}"
            ))),
        };
        let below_one = |name: &str, value: f64| match (0.0..1.0).contains(&value) {
            true => Ok(()),
            false => Err(Error::setting(format!(
                "the {name} must be at least 0 and less than 1, but is {value}"
            ))),
        };
        match *self {
            Optimizer::Sgd { momentum, nesterov, weight_decay } => {
                below_one("momentum", momentum)?;
                if nesterov && momentum == 0.0 {
                    return Err(Error::setting("nesterov needs a momentum above 0"));
                }
                not_negative("weight decay", weight_decay)
            }
            Optimizer::Adam { beta1, beta2, eps, weight_decay }
            | Optimizer::AdamW { beta1, beta2, eps, weight_decay } => {
                below_one("beta1", beta1)?;
                below_one("beta2", beta2)?;
                // An epsilon that is 0 as f32 divides 0 by 0 where a gradient has always been 0.
                if !(eps >= f64::from(f32::MIN_POSITIVE) && eps.is_finite()) {
                    return Err(Error::setting(format!(
                        "the epsilon must be positive and finite, but is {eps}"
                    )));
                }
                not_negative("weight decay", weight_decay)
            }
        }
    }

    /// How many moments it keeps for a parameter.
    fn moments(&self) -> usize {
        match *self {
            Optimizer::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Optimizer::Adam { .. } | Optimizer::AdamW { .. } => 2,
        }
    }

    fn weight_decay(&self) -> f64 {
        match *self {
            Optimizer::Sgd { weight_decay, .. }
            | Optimizer::Adam { weight_decay, .. }
            | Optimizer::AdamW { weight_decay, .. } => weight_decay,
        }
    }
}

/// An optimiser at work: its settings, moments and counts. These are all its state; an
/// [anchor](Self::anchor) is a setting.
#[derive(Clone, Debug)]
pub struct OptimizerState {
    optimizer: Optimizer,
    steps: u64,
    /// The updates of each parameter. One that was frozen for a while has had fewer than there were
    /// steps, and Adam's correction of its moments must know: without, the first steps after
    /// freeing a parameter would be three times too long.
    updates: Vec<u64>,
    /// The momentum's buffer, or Adam's mean of gradients; as long as the parameters or empty.
    first: Slab,
    /// Adam's mean of squared gradients.
    second: Slab,
    anchor: Option<Anchor>,
}

/// The values that a task updates: four slabs of it are 256 KiB, and stay in the L2 cache.
const BLOCK: usize = 16 * 1024;

/// Moments of a smaller size become 0: left alone, they would decay into subnormals, which
/// processors compute with a hundred times slower. The root of the second moment is then below
/// 1e-18, nothing beside any usual epsilon.
const TINY: f32 = 1e-36;

impl OptimizerState {
    /// The state before the first step. The settings are taken to be in order: see
    /// [`Optimizer::check`].
    pub fn new(optimizer: Optimizer, params: &Params) -> OptimizerState {
        let slab = |used: bool| Slab::new(if used { params.values().len() } else { 0 });
        OptimizerState {
            optimizer,
            steps: 0,
            updates: vec![0; params.entries().len()],
            first: slab(optimizer.moments() > 0),
            second: slab(optimizer.moments() > 1),
            anchor: None,
        }
    }

    /// The settings.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// From now on pulls the weights below `prefix` towards what they are in `params`, in place of
    /// their decay towards 0: a step first moves each the `lr strength`th part of the way, `lr`
    /// being the parameter's own rate. Li, Grandvalet and Davoine (ICML 2018) add `strength / 2`
    /// times the squared distance to the loss; here the pull stays apart from the gradient, as the
    /// decay of AdamW does, and under SGD without momentum it is the same.
    ///
    /// Biases and normalisations are left alone, and so is what is frozen.
    ///
    /// # Panics
    /// In the next step, if `params` are of another network.
    pub fn anchor(&mut self, params: &Params, prefix: &str, strength: f64) {
        self.anchor = Some(Anchor::new(params, prefix, strength));
    }

    /// Whether weights are pulled towards an [anchor](Self::anchor).
    pub fn is_anchored(&self) -> bool {
        self.anchor.is_some()
    }

    /// The number of steps taken.
    pub fn step_count(&self) -> u64 {
        self.steps
    }

    /// The number of updates of each parameter, in the order of [`Params::entries`]: those steps at
    /// which it was trainable.
    pub fn updates(&self) -> &[u64] {
        &self.updates
    }

    /// The first and the second moments, laid out as [`Params::values`]; empty where the optimiser
    /// has none.
    pub fn moments(&self) -> [&[f32]; 2] {
        [&self.first, &self.second]
    }

    /// Puts back what [`step_count`](Self::step_count), [`updates`](Self::updates) and
    /// [`moments`](Self::moments) once returned, so that the next step is the one that would have
    /// followed.
    ///
    /// # Errors
    /// If they come from another network or kind of optimiser, by their lengths; nothing is changed
    /// then.
    pub fn restore(
        &mut self,
        steps: u64,
        updates: &[u64],
        moments: [&[f32]; 2],
    ) -> Result<(), Error> {
        let expected = [self.updates.len(), self.first.len(), self.second.len()];
        let found = [updates.len(), moments[0].len(), moments[1].len()];
        if found != expected {
            return Err(Error::mismatch(format!(
                "the optimiser's state does not fit: expected {expected:?} counts, first and \
                 second moments, found {found:?}"
            )));
        }
        self.steps = steps;
        self.updates.copy_from_slice(updates);
        self.first.copy_from_slice(moments[0]);
        self.second.copy_from_slice(moments[1]);
        Ok(())
    }

    /// Moves every trainable parameter by its gradient, with learning rate `lr` times the
    /// parameter's own factor. Where `trainable` is false, parameters and moments keep their bits,
    /// and the gradient is not looked at.
    ///
    /// `grads` is laid out as [`Params::values`].
    ///
    /// # Panics
    /// If `grads` or `params` is not as long as the parameters that this state was made for.
    pub fn step(&mut self, cx: &Context, params: &mut Params, grads: &[f32], lr: f32) {
        self.begin_step(params);
        self.update(cx, params, 0..params.values().len(), grads, lr);
    }

    /// Counts a step, and an update of each parameter that is trainable now.
    /// [`update`](Self::update) does them.
    pub(crate) fn begin_step(&mut self, params: &Params) {
        let entries = params.entries();
        assert_eq!(
            self.updates.len(),
            entries.len(),
            "the parameters that the optimiser was made for"
        );
        if self.optimizer.moments() > 0 {
            let len = params.values().len();
            assert_eq!(self.first.len(), len, "the parameters that the optimiser was made for");
        }
        self.steps += 1;
        for (updates, entry) in self.updates.iter_mut().zip(entries) {
            *updates += u64::from(entry.trainable);
        }
    }

    /// The part of a step that concerns `range` of the parameters, given its gradients. Whether a
    /// step is made in one part or in many changes no bit.
    pub(crate) fn update(
        &mut self,
        cx: &Context,
        params: &mut Params,
        range: Range<usize>,
        grads: &[f32],
        lr: f32,
    ) {
        let (entries, values) = params.split_mut();
        assert_eq!(grads.len(), range.len(), "gradients for these parameters");
        let OptimizerState {
            optimizer,
            ref updates,
            ref mut first,
            ref mut second,
            ref anchor,
            ..
        } = *self;
        let isa = cx.isa();
        let chunks = |slab| Chunks::new(cut(slab, range.clone()), BLOCK);
        let slabs = (chunks(values), chunks(first), chunks(second));
        cx.for_each_part(range.len().div_ceil(BLOCK), slabs, |i, (values, first, second)| {
            let grads = &grads[i * BLOCK..][..values.data.len()];
            let mut slabs = Slabs { p: values.data, g: grads, m: first.data, v: second.data };
            let start = range.start + i * BLOCK;
            let end = start + grads.len();
            let touched = entries.partition_point(|e| e.range.end <= start);
            for (entry, &updates) in entries[touched..].iter().zip(&updates[touched..]) {
                if entry.range.start >= end {
                    break;
                }
                if entry.trainable {
                    let part = entry.range.start.max(start)..entry.range.end.min(end);
                    let slabs = slabs.part(part.start - start..part.end - start);
                    let lr = f64::from(lr) * f64::from(entry.lr_factor);
                    let decay = match anchor.as_ref().filter(|anchor| anchor.pulls(entry)) {
                        Some(anchor) => {
                            anchor.pull(isa, part, slabs.p, lr);
                            0.0
                        }
                        None if entry.spec.role == Role::Weight => optimizer.weight_decay(),
                        None => 0.0,
                    };
                    move_along(isa, optimizer, decay, updates, lr, slabs);
                }
            }
        });
    }
}

/// A part of each slab: parameters, gradients, first and second moments. The moments may be empty.
struct Slabs<'a> {
    p: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl Slabs<'_> {
    fn part(&mut self, range: Range<usize>) -> Slabs<'_> {
        Slabs {
            p: cut(self.p, range.clone()),
            g: &self.g[range.clone()],
            m: cut(self.m, range.clone()),
            v: cut(self.v, range),
        }
    }
}

/// A part of a slab that may be empty altogether.
fn cut(slab: &mut [f32], range: Range<usize>) -> &mut [f32] {
    if slab.is_empty() { slab } else { &mut slab[range] }
}

/// Updates a part of one parameter, whose weights decay by `decay`, at its own rate `lr`.
fn move_along(isa: Isa, optimizer: Optimizer, decay: f64, updates: u64, lr: f64, slabs: Slabs<'_>) {
    match optimizer {
        Optimizer::Sgd { momentum: 0.0, .. } => {
            isa.run(sgd::Plain { slabs, lr: lr as f32, decay: decay as f32 });
        }
        Optimizer::Sgd { momentum, nesterov, .. } => {
            let (lr, momentum, decay) = (lr as f32, momentum as f32, decay as f32);
            isa.run(sgd::Momentum { slabs, lr, momentum, nesterov, decay });
        }
        Optimizer::Adam { beta1, beta2, eps, .. } => {
            isa.run(
                adam::Adam::new(slabs, [beta1, beta2], eps, updates, lr)
                    .with_decay_in_gradient(decay),
            );
        }
        Optimizer::AdamW { beta1, beta2, eps, .. } => {
            isa.run(
                adam::Adam::new(slabs, [beta1, beta2], eps, updates, lr).with_decay_apart(decay),
            );
        }
    }
}

/// 0 where `|x| < limit`; a NaN stays.
#[inline(always)]
fn flush<S: Simd>(s: S, x: S::F, limit: S::F) -> S::F {
    s.select_gt(limit, s.abs(x), s.splat(0.0), x)
}

/// What [`flush`] needs to know for a parameter: one that decays is flushed as the moments are,
/// another is left alone.
fn tiny_if(decays: bool) -> f32 {
    if decays { TINY } else { 0.0 }
}

/// Scales `grads` by `max_norm / (norm + 1e-6)`, as PyTorch's `clip_grad_norm_` does, if that is
/// less than 1; otherwise no bit changes. Returns the norm before: the root of the sum of all
/// squares.
///
/// All of `grads` counts, so what belongs to frozen parameters has to be zero;
/// [`Network::backward`](crate::Network::backward) does not touch it where a whole layer is frozen.
/// If the norm is not finite, be it NaN or too large for a sum of squares in f32, gradients become
/// 0 or NaN: ask before using them.
pub fn clip_grad_norm(cx: &Context, grads: &mut [f32], max_norm: f32) -> f64 {
    let block = BLOCK.max(grads.len().div_ceil(MAX_SUMS));
    let blocks = grads.len().div_ceil(block);
    let squares = cx.sum_parts(blocks, Chunks::new(grads, block), |_, grads| {
        cx.isa().run(SumOfSquares(grads.data))
    });
    let norm = squares.sqrt();
    let factor = f64::from(max_norm) / (norm + 1e-6);
    if factor < 1.0 || factor.is_nan() {
        cx.chunks(grads, block, |_, grads| {
            cx.isa().run(Scale(grads, factor as f32));
        });
    }
    norm
}

struct SumOfSquares<'a>(&'a [f32]);

impl Kernel for SumOfSquares<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let mut total = 0.0;
        // Short runs in f32, so that large sums lose nothing; four at a time, so that none waits.
        for run in self.0.chunks(1024) {
            let mut sums = [s.splat(0.0); 4];
            let mut i = 0;
            while i < run.len() {
                for sum in &mut sums {
                    if i < run.len() {
                        let g = s.load_at(run, i);
                        *sum = s.mul_add(g, g, *sum);
                        i += S::LANES;
                    }
                }
            }
            let [a, b, c, d] = sums;
            total += f64::from(s.sum(s.add(s.add(a, b), s.add(c, d))));
        }
        total
    }
}

struct Scale<'a>(&'a mut [f32], f32);

impl Kernel for Scale<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Scale(grads, factor) = self;
        let mut i = 0;
        while i < grads.len() {
            s.store_at(s.mul(s.load_at(grads, i), s.splat(factor)), grads, i);
            i += S::LANES;
        }
    }
}
