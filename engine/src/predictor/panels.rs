//! A linear layer's weights in the order in which products read them.
//!
//! Panels of [`RUN`] outputs, one after another, each (inputs, width): an input meets one run of
//! neighbouring weights in each panel, of whole cache lines. The last panel is as wide as needed,
//! in steps of [`STEP`]; surplus outputs are 0. Micro-panels of products, 16 outputs wide, are a
//! tenth slower for a single row. Batches that are not mostly zeros have a copy in f32, packed for
//! the micro-kernel when first asked for.

use crate::Error;
use crate::error::ensure;
use crate::gemm::rows::{Place, RUN, VECTORS, Weight};
use crate::gemm::{MatRef, PackedB, Rectifier};
use crate::hardware::half;
use crate::hardware::memory::Slab;
use crate::hardware::simd::Isa;
use std::fmt;
use std::sync::OnceLock;

/// The widths of the last panel are multiples of it: of the widest vector.
pub(crate) const STEP: usize = 16;

/// The type of a predictor's weights of linear layers. Inputs, sums and outputs are always f32.
///
/// Errors in the codes of the 10,000 MNIST test images by a 784-512-256-64 encoder (batch norm,
/// ReLU; three epochs as an autoencoder), relative to their root mean square: f16 0.00020 (root
/// mean square) and 0.0010 (the largest), int8 0.0068 and 0.034.
/// [`Predictor::difference`](super::Predictor::difference) measures it for other networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// The weights unchanged.
    #[default]
    F32,
    /// Half precision (11 bits), with a power of two for each output that keeps its weights in
    /// range.
    F16,
    /// Integers in -127..=127, with a factor for each output. Inputs are not converted, so nothing
    /// has to be calibrated.
    Int8,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
            Precision::Int8 => "int8",
        })
    }
}

/// A linear layer, with its weights packed.
#[derive(Debug)]
pub(crate) struct Panels {
    pub precision: Precision,
    pub inputs: usize,
    pub outputs: usize,
    /// Numbers of the type of `precision`.
    values: Slab,
    /// All numbers in f32, without their scale, for each ISA that has asked for them.
    packed: Vec<(Isa, OnceLock<PackedB>)>,
    /// (outputs), filled up with ones to whole steps.
    pub scale: Slab,
    /// (outputs), filled up with zeros to whole steps.
    pub bias: Slab,
    pub rectifier: Rectifier,
    /// True if all weights are finite: 0 times an infinity is not 0, and must not be left out.
    pub finite: bool,
}

impl Panels {
    /// Packs weight: (outputs, inputs).
    ///
    /// # Errors
    /// If the precision has no number for a weight.
    pub fn new(
        weight: &[f32],
        bias: &[f32],
        inputs: usize,
        rectifier: Rectifier,
        precision: Precision,
    ) -> Result<Panels, Error> {
        let outputs = bias.len();
        let padded = outputs.next_multiple_of(STEP);
        let finite = weight.iter().all(|w| w.is_finite());
        let mut values = Slab::new((inputs * padded * bytes(precision)).div_ceil(size_of::<f32>()));
        let packed = Isa::available().into_iter().map(|isa| (isa, OnceLock::new())).collect();
        let (mut scale, mut padded_bias) = (Slab::new(padded), Slab::new(padded));
        scale.fill(1.0);
        padded_bias[..outputs].copy_from_slice(bias);
        let row = |j: usize| &weight[j * inputs..][..inputs];
        let largest =
            |j: usize| row(j).iter().filter(|w| w.is_finite()).fold(0f32, |m, w| m.max(w.abs()));
        match precision {
            Precision::F32 => pack(&mut values, inputs, outputs, |j, k| row(j)[k]),
            Precision::F16 => {
                for (j, scale) in scale[..outputs].iter_mut().enumerate() {
                    *scale = power_below(largest(j)) / 2f32.powi(14);
                }
                // Dividing by a power of two is exact.
                pack(&mut values, inputs, outputs, |j, k| {
                    half::from_f32((f64::from(row(j)[k]) / f64::from(scale[j])) as f32)
                });
            }
            Precision::Int8 => {
                ensure!(
                    finite,
                    not_finite,
                    "a weight is not finite: int8 has no such number, f16 has"
                );
                for (j, scale) in scale[..outputs].iter_mut().enumerate() {
                    *scale = (largest(j) / 127.0).max(f32::MIN_POSITIVE);
                }
                pack(&mut values, inputs, outputs, |j, k| {
                    (row(j)[k] / scale[j]).round_ties_even() as i8
                });
            }
        }
        let bias = padded_bias;
        Ok(Panels { precision, inputs, outputs, values, packed, scale, bias, rectifier, finite })
    }

    /// The panels, in the type of `precision`.
    pub fn values<W: Weight>(&self) -> PanelWeights<'_, W> {
        let values = bytemuck::cast_slice(&self.values);
        PanelWeights { values, inputs: self.inputs, outputs: self.outputs }
    }

    /// The weights without their scale, packed for an ISA; allocates when that is asked for first.
    pub fn packed(&self, isa: Isa) -> &PackedB {
        let place = self.packed.iter().find(|(of, _)| *of == isa).expect("an ISA that is there");
        place.1.get_or_init(|| match self.precision {
            Precision::F32 => self.values::<f32>().packed(isa, |w| w),
            Precision::F16 => self.values::<u16>().packed(isa, half::to_f32),
            Precision::Int8 => self.values::<i8>().packed(isa, f32::from),
        })
    }

    pub fn weight_bytes(&self) -> usize {
        self.inputs * self.outputs * bytes(self.precision)
    }
}

/// Weights by panels.
#[derive(Clone, Copy)]
pub(crate) struct PanelWeights<'a, W> {
    pub values: &'a [W],
    inputs: usize,
    outputs: usize,
}

impl<W: Weight> PanelWeights<'_, W> {
    /// Where the outputs from `j` on lie, for inputs from `first` on, and how many vectors to take
    /// at once: a power of two, so that there are few kernels.
    #[inline(always)]
    pub fn place(&self, first: usize, j: usize, lanes: usize) -> (Place, usize) {
        let (start, width) = self.panel(j);
        let place = Place {
            start: start * self.inputs + first * width + (j - start),
            run: self.inputs * RUN,
            row: width,
        };
        // Whole panels lie one run after the other.
        let columns = match width {
            RUN => (self.outputs - start).next_multiple_of(STEP) / RUN * RUN,
            _ => width - (j - start),
        };
        (place, 1 << (columns / lanes).min(VECTORS).ilog2())
    }

    /// The first output of the panel of output `j`, and the panel's width.
    #[inline(always)]
    fn panel(&self, j: usize) -> (usize, usize) {
        let start = j - j % RUN;
        (start, RUN.min((self.outputs - start).next_multiple_of(STEP)))
    }

    /// The same in f32, packed.
    fn packed(&self, isa: Isa, to_f32: impl Fn(W) -> f32) -> PackedB {
        let mut b = Vec::with_capacity(self.inputs * self.outputs);
        for k in 0..self.inputs {
            for j in (0..self.outputs).step_by(RUN) {
                let (start, width) = self.panel(j);
                let row = &self.values[start * self.inputs + k * width..][..width];
                b.extend(row.iter().take(self.outputs - j).map(|w| to_f32(*w)));
            }
        }
        PackedB::new(isa, MatRef::new(&b, self.inputs, self.outputs))
    }
}

fn bytes(precision: Precision) -> usize {
    match precision {
        Precision::F32 => 4,
        Precision::F16 => 2,
        Precision::Int8 => 1,
    }
}

/// The largest power of two that is not above `x`, but at least 2^-112, so that it stays a normal
/// number when divided by 2^14; 1 for 0.
fn power_below(x: f32) -> f32 {
    if x == 0.0 { 1.0 } else { f32::from_bits(x.to_bits() & 0x7f80_0000).max(2f32.powi(-112)) }
}

/// Lays out `weight(output, input)`.
fn pack<W: Weight>(
    values: &mut [f32],
    inputs: usize,
    outputs: usize,
    weight: impl Fn(usize, usize) -> W,
) {
    let out: &mut [W] = bytemuck::cast_slice_mut(values);
    for start in (0..outputs).step_by(RUN) {
        let width = RUN.min((outputs - start).next_multiple_of(STEP));
        let panel = &mut out[start * inputs..][..width * inputs];
        for (k, run) in panel.chunks_exact_mut(width).enumerate() {
            for (j, w) in run.iter_mut().enumerate().take(outputs - start) {
                *w = weight(start + j, k);
            }
        }
    }
}
