//! The error of a precision, measured.

use super::{Predictor, Workspace};
use crate::error::ensure;
use crate::{Context, Error};

/// The distance of the outputs of two predictors, relative to the root mean square of the
/// reference's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The largest over all outputs.
    pub largest: f64,
    /// The root mean square over all outputs.
    pub rms: f64,
}

impl Predictor {
    /// The distance of this predictor's outputs for x: (batch, input) from those of `reference`,
    /// such as the same network in [`Precision::F32`](super::Precision::F32).
    ///
    /// Both are NaN if an output is not finite, or all of the reference's are 0.
    ///
    /// # Errors
    /// The errors of [`Predictor::predict`], or if the two differ in shape.
    pub fn difference(
        &self,
        reference: &Predictor,
        cx: &Context,
        x: &[f32],
    ) -> Result<Difference, Error> {
        let shapes = [&self.input, &self.output, &reference.input, &reference.output];
        ensure!(
            shapes[..2] == shapes[2..],
            mismatch,
            "cannot compare a predictor from {} to {} with one from {} to {}",
            shapes[0],
            shapes[1],
            shapes[2],
            shapes[3]
        );
        let mut workspace = Workspace::default();
        let mut outputs = |predictor: &Predictor| {
            let mut y = vec![0.0; x.len() / self.input.len() * self.output.len()];
            predictor.predict(cx, &mut workspace, x, &mut y).map(|()| y)
        };
        let (got, want) = (outputs(self)?, outputs(reference)?);
        let rms = |values: &mut dyn Iterator<Item = f64>| {
            (values.map(|v| v * v).sum::<f64>() / want.len() as f64).sqrt()
        };
        let apart =
            || got.iter().zip(&want).map(|(got, want)| (f64::from(*got) - f64::from(*want)).abs());
        let size = rms(&mut want.iter().map(|want| f64::from(*want)));
        // A NaN has to come through.
        let largest = apart().fold(0.0, |largest, d| if d <= largest { largest } else { d });
        let rms = rms(&mut apart());
        let of = |value: f64| if size > 0.0 && rms.is_finite() { value / size } else { f64::NAN };
        Ok(Difference { largest: of(largest), rms: of(rms) })
    }
}
