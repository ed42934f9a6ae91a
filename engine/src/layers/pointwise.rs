//! A function of one value, applied to each: the part that all activations share.

use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::{Kernel, Simd};
use crate::network::layer::{Backward, Forward, InferenceMap, Layer, Op, Planned};
use crate::{Context, Error, Shape};
use std::fmt::Debug;

/// An activation: `y = f(x)` value by value. Implementing it makes a [`Layer`].
pub trait Pointwise: Copy + Debug + Send + Sync + 'static {
    /// The name in messages.
    const NAME: &'static str;

    /// True if it is `max(x, 0)`.
    const IS_RELU: bool = false;

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

struct ForwardKernel<'a, P> {
    f: P,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl<P: Pointwise> Kernel for ForwardKernel<'_, P> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let y = self.y;
        s.for_each(
            self.x,
            #[inline(always)]
            |i, x| s.store_at(self.f.forward(s, x), y, i),
        );
    }
}

struct BackwardKernel<'a, P> {
    f: P,
    x: &'a [f32],
    y: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl<P: Pointwise> Kernel for BackwardKernel<'_, P> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let BackwardKernel { f, x, y, dy, dx } = self;
        s.for_each(
            x,
            #[inline(always)]
            |i, x| {
                let dx_i = f.backward(s, x, s.load_at(y, i), s.load_at(dy, i));
                s.store_at(dx_i, dx, i);
            },
        );
    }
}

impl<P: Pointwise> Layer for P {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        self.check()?;
        Ok(Planned::new(input.clone(), Each { f: *self }))
    }

    fn is_relu(&self) -> bool {
        P::IS_RELU
    }
}

/// An activation of each value.
#[derive(Debug)]
struct Each<P> {
    f: P,
}

impl<P: Pointwise> Op for Each<P> {
    fn inference_maps<'a>(&self, _: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        P::IS_RELU.then(|| vec![InferenceMap::Relu])
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        cx.chunks(io.y, TASK_LEN, |range, y| {
            cx.isa().run(ForwardKernel { f: self.f, x: &io.x[range], y });
        });
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
        let (x, y, dy) = (&x[range.clone()], &y[range.clone()], &dy[range]);
        cx.isa().run(BackwardKernel { f, x, y, dy, dx });
    });
}
