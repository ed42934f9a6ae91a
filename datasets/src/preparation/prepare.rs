//! Preparing samples one after the other, from the bytes that are stored.

use std::cell::Cell;

use crate::preparation::Preparation;
use crate::preparation::convert::Convert;

thread_local! {
    /// A sample of floats, kept so that a batch allocates nothing.
    static SAMPLE: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// A [`Preparation`] at work.
pub(crate) enum Prepare<'a> {
    Bytes(Convert),
    Copied,
    /// The values of a sample are needed together.
    Whole {
        preparation: &'a Preparation,
        sample: Vec<f32>,
    },
}

impl<'a> Prepare<'a> {
    /// For samples of `row_bytes` stored bytes.
    pub(crate) fn new(preparation: &'a Preparation, row_bytes: usize) -> Self {
        match preparation {
            Preparation::Bytes { max } => Prepare::Bytes(Convert::new(*max)),
            Preparation::Floats => Prepare::Copied,
            _ => {
                let mut sample = SAMPLE.take();
                sample.resize(row_bytes / size_of::<f32>(), 0.0);
                Prepare::Whole { preparation, sample }
            }
        }
    }

    /// Takes bytes of a sample, from `start` on, and writes the prepared values to `out`, which
    /// holds the whole prepared sample. The last bytes of a sample come last.
    #[inline]
    pub(crate) fn run(&mut self, start: usize, bytes: &[u8], out: &mut [f32]) {
        match self {
            Prepare::Bytes(convert) => convert.run(bytes, &mut out[start..start + bytes.len()]),
            Prepare::Copied => {
                bytemuck::cast_slice_mut::<f32, u8>(out)[start..start + bytes.len()]
                    .copy_from_slice(bytes);
            }
            Prepare::Whole { preparation, sample } => {
                let stored = bytemuck::cast_slice_mut::<f32, u8>(sample);
                stored[start..start + bytes.len()].copy_from_slice(bytes);
                if start + bytes.len() == stored.len() {
                    preparation.apply_floats(sample, out);
                }
            }
        }
    }
}

impl Drop for Prepare<'_> {
    fn drop(&mut self) {
        if let Prepare::Whole { sample, .. } = self {
            SAMPLE.set(std::mem::take(sample));
        }
    }
}
