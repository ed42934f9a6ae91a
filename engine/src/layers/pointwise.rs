//! A function of one value, applied to each: the part that all activations share.

use crate::gemm::Rectifier;
use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::{Simd, elementwise};
use crate::network::layer::{Backward, Forward, InferenceMap, Layer, Op, Planned};
use crate::{Context, Error, Shape};
use std::fmt::Debug;

/// An activation: `y = f(x)` value by value. Implementing it makes a [`Layer`].
pub trait Pointwise: Copy + Debug + Send + Sync + 'static {
    /// The name in messages.
    const NAME: &'static str;

    /// The form in which an op below takes it in; none for most.
    const RECTIFIER: Rectifier = Rectifier::None;

    /// `f(x)`
    fn forward<S: Simd>(self, s: S, x: S::F) -> S::F;

    /// `f'(x) dy`, where `y = f(x)`
    fn backward<S: Simd>(self, s: S, x: S::F, y: S::F, dy: S::F) -> S::F;

    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of its range; the message names it.
    fn check(self) -> Result<(), Error> {
        Ok(())
    }
}

elementwise! {
    /// `y = f(x)`
    fn value<P: Pointwise>(s, y, [x], f: P) { f.forward(s, x) }

    /// `dx = f'(x) dy`
    fn slope<P: Pointwise>(s, dx, [x, y, dy], f: P) { f.backward(s, x, y, dy) }
}

impl<P: Pointwise> Layer for P {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        self.check()?;
        Ok(Planned::new(input.clone(), Each { f: *self }))
    }

    fn rectifier(&self) -> Rectifier {
        P::RECTIFIER
    }
}

/// An activation of each value.
#[derive(Debug)]
struct Each<P> {
    f: P,
}

impl<P: Pointwise> Op for Each<P> {
    fn inference_maps<'a>(&self, _: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        P::RECTIFIER.is_there().then(|| vec![InferenceMap::Rectify(P::RECTIFIER)])
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        cx.chunks(io.y, TASK_LEN, |range, y| value(cx.isa(), y, &io.x[range], self.f));
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        if let Some(dx) = io.dx {
            gradient(self.f, cx, io.x, io.y, io.dy, dx);
        }
    }
}

/// `dx = f'(x) dy`, by tasks.
pub(super) fn gradient<P: Pointwise>(
    f: P,
    cx: &Context,
    x: &[f32],
    y: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) {
    cx.chunks(dx, TASK_LEN, |range, dx| {
        slope(cx.isa(), dx, &x[range.clone()], &y[range.clone()], &dy[range], f);
    });
}
