//! Runs a case in the engine, with everything around its slices watched.

use crate::layers::cases::{Case, Data, POSITION};
use narrows_engine::Context;
use narrows_engine::layer::{Backward, Forward};
use narrows_engine::memory::Slab;

/// Values that start `offset` floats behind a cache line, between guards.
pub struct Guarded {
    slab: Slab,
    start: usize,
    len: usize,
}

const GUARD: f32 = -1.234_567_8e33;
const GUARDS: usize = 32;

impl Guarded {
    pub fn new(values: &[f32], offset: usize) -> Guarded {
        let (start, len) = (GUARDS + offset, values.len());
        let mut slab = Slab::new(start + len + GUARDS);
        slab.fill(GUARD);
        slab[start..start + len].copy_from_slice(values);
        Guarded { slab, start, len }
    }

    /// NaN, to be overwritten.
    pub fn nan(len: usize, offset: usize) -> Guarded {
        Guarded::new(&vec![f32::NAN; len], offset)
    }

    pub fn get(&self) -> &[f32] {
        &self.slab[self.start..][..self.len]
    }

    pub fn get_mut(&mut self) -> &mut [f32] {
        &mut self.slab[self.start..][..self.len]
    }

    /// The values, after a look at the guards.
    pub fn check(self, what: &str) -> Vec<f32> {
        let around = self.slab[..self.start].iter().chain(&self.slab[self.start + self.len..]);
        assert!(around.into_iter().all(|v| *v == GUARD), "{what}: written outside its slice");
        self.get().to_vec()
    }
}

/// What the engine computed.
pub struct Outcome {
    pub y: Vec<f32>,
    pub dx: Vec<f32>,
    pub grads: Vec<f32>,
    pub penalty: f64,
    /// For the backward pass, and for running statistics.
    pub saved: Vec<f32>,
}

impl Outcome {
    pub fn bits(&self) -> ([Vec<u32>; 3], u64) {
        let values =
            [&self.y, &self.dx, &self.grads].map(|v| v.iter().map(|v| v.to_bits()).collect());
        (values, self.penalty.to_bits())
    }
}

/// Forward, then backward: with dx and gradients, with each alone, which must not change the other,
/// and with gradients that overwrite what was there.
pub fn run(cx: &Context, case: &Case, data: &Data, offset: usize) -> Outcome {
    let Case { op, batch, .. } = case;
    let (pass, batch, name) = (case.pass(), *batch, case.name());
    let x = Guarded::new(&data.x, offset);
    let dy = Guarded::new(&data.dy, offset);
    let params = Guarded::new(&data.params, offset);
    let mut y = Guarded::nan(case.output_len(), offset);
    let mut saved = Guarded::nan(op.saved_len(batch), offset);
    let mut scratch = Guarded::nan(op.scratch_len(batch), offset);
    let penalty = op.forward(
        cx,
        Forward {
            pass,
            position: POSITION,
            batch,
            x: x.get(),
            y: y.get_mut(),
            params: params.get(),
            saved: saved.get_mut(),
            scratch: scratch.get_mut(),
        },
    );
    let mut backward = |with_dx: bool, with_grads: bool, onto: Option<&[f32]>| {
        let mut dx = Guarded::nan(data.x.len(), offset);
        let mut grads = Guarded::new(onto.unwrap_or(&vec![f32::NAN; data.grads.len()]), offset);
        scratch.get_mut().fill(f32::NAN);
        op.backward(
            cx,
            Backward {
                pass,
                position: POSITION,
                batch,
                x: x.get(),
                y: y.get(),
                dy: dy.get(),
                dx: with_dx.then_some(dx.get_mut()),
                params: params.get(),
                grads: with_grads.then_some(grads.get_mut()),
                accumulate: onto.is_some(),
                saved: saved.get(),
                scratch: scratch.get_mut(),
            },
        );
        (dx.check(&format!("dx of {name}")), grads.check(&format!("grads of {name}")))
    };
    let onto = Some(&data.grads[..]);
    let (dx, grads) = backward(true, true, onto);
    let (dx_alone, untouched) = backward(true, false, onto);
    assert_eq!((&dx_alone, &untouched), (&dx, &data.grads), "{name} without gradients");
    let (untouched, grads_alone) = backward(false, true, onto);
    assert!(untouched.iter().all(|v| v.is_nan()) && grads_alone == grads, "{name} without dx");
    let (_, from_zero) = backward(false, true, Some(&vec![0.0; data.grads.len()]));
    let (_, overwritten) = backward(false, true, None);
    assert!(overwritten == from_zero, "{name} onto NaN");

    scratch.check(&format!("scratch of {name}"));
    let saved = saved.check(&format!("what is saved by {name}"));
    Outcome { y: y.check(&format!("y of {name}")), dx, grads, penalty, saved }
}
