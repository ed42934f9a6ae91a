//! The one list of what is tested: a layer, its reference, a shape, a batch and a mode.

pub mod activations;
pub mod blocks;
pub mod convolution;
pub mod pools;

use crate::layers::reference::{self, Reference};
use narrows_engine::gemm::Rectifier;
use narrows_engine::layer::{Layer, Op};
use narrows_engine::layers::{
    BatchNorm, Dropout, GaussianSample, LayerNorm, LayerScale, Linear, Narrow, Normalize, Sparsity,
};
use narrows_engine::params::Role;
use narrows_engine::random::Random;
use narrows_engine::{Mode, Pass, Planned, Shape};

/// What random layers draw with.
pub const SEED: u64 = 7;
pub const POSITION: u64 = 5;
pub const STEP: u64 = 3;

pub struct Case {
    pub kind: String,
    pub op: Box<dyn Op>,
    pub output: Shape,
    pub reference: Box<dyn Reference>,
    pub input: Shape,
    pub batch: usize,
    pub mode: Mode,
    /// The standard deviation of x.
    pub scale: f32,
    /// How many of the values of x are made 0, in percent; with any, whole rows and columns are as
    /// well.
    pub zeros: u64,
}

/// What a case is run on.
pub struct Data {
    pub x: Vec<f32>,
    pub params: Vec<f32>,
    pub dy: Vec<f32>,
    /// What the gradients are added to.
    pub grads: Vec<f32>,
}

impl Case {
    /// The layer in training, on values of deviation 1.
    pub fn new(
        layer: impl Layer,
        reference: impl Reference + 'static,
        batch: usize,
        input: impl Into<Shape>,
    ) -> Case {
        let (kind, input) = (layer.name().to_string(), input.into());
        let Planned { op, output } = layer.plan(&input).unwrap();
        let (reference, mode) = (Box::new(reference), Mode::Train);
        Case { kind, op, output, reference, input, batch, mode, scale: 1.0, zeros: 0 }
    }

    /// With the ReLU behind it taken in, or not.
    pub fn with_relu(mut self, relu: bool) -> Case {
        if relu {
            assert!(self.op.take(Rectifier::Relu), "{} takes in the ReLU behind it", self.kind);
            assert!(!self.op.take(Rectifier::Relu), "{} takes in a second one", self.kind);
            self.kind += " + relu";
        }
        self
    }

    pub fn name(&self) -> String {
        let Case { kind, batch, input, mode, zeros, .. } = self;
        format!("{kind} of {batch} x {input}, {zeros} % zeros, in {mode:?}")
    }

    pub fn pass(&self) -> Pass {
        Pass { mode: self.mode, seed: SEED, step: STEP }
    }

    pub fn output_len(&self) -> usize {
        self.batch * self.output.len()
    }

    pub fn data(&self) -> Data {
        let normal = |purpose, len| {
            let mut v = vec![0.0; len];
            Random::new(11, purpose).fill_normal(
                self.batch as u64,
                self.input.len() as u32,
                &mut v,
            );
            v
        };
        let c = self.input.channels();
        let mut x: Vec<f32> = normal(0, self.batch * self.input.len());
        for (i, x) in x.iter_mut().enumerate() {
            // Columns of different means, and here and there a zero of either sign.
            *x = *x * self.scale + 0.5 * (i % c % 5) as f32;
            *x = match i % 29 {
                5 => 0.0,
                14 => -0.0,
                _ => *x,
            };
        }
        if self.zeros > 0 {
            let features = self.input.len();
            for (i, x) in x.iter_mut().enumerate() {
                let dice = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                if dice % 100 < self.zeros || i / features % 9 == 4 || i % features % 6 == 3 {
                    *x = 0.0;
                }
            }
        }
        let mut params = Vec::new();
        for spec in self.op.params() {
            let values = normal(1 + params.len() as u64, spec.shape.iter().product());
            let spread =
                if spec.role == Role::Weight { 1.0 / (spec.fan_in as f32).sqrt() } else { 0.5 };
            params.extend(values.iter().map(|v| match &*spec.name {
                name if name.ends_with("running_var") => 0.5 + v.abs(),
                _ => spread * v,
            }));
        }
        let grads = normal(1000, params.len());
        Data { x, params, dy: normal(1001, self.output_len()), grads }
    }
}

/// Around the widths of vectors and blocks; the last one is enough work for several tasks.
fn shapes() -> Vec<(usize, usize)> {
    let batches = [1, 2, 3, 31, 33, 65];
    let features = [1, 7, 15, 16, 17, 33, 130];
    let mut shapes: Vec<_> = batches.iter().flat_map(|&b| features.map(|f| (b, f))).collect();
    shapes.push((300, 130));
    shapes
}

fn linear_case(batch: usize, inputs: usize, outputs: usize, bias: bool, relu: bool) -> Case {
    let layer = Linear::new(outputs);
    let layer = if bias { layer } else { layer.without_bias() };
    let reference = reference::linear::Linear { batch, inputs, outputs, bias, relu };
    Case::new(layer, reference, batch, inputs).with_relu(relu)
}

pub fn linear(bias: bool, relu: bool) -> Vec<Case> {
    let outputs = [17, 1, 33, 7, 130, 16, 15, 65];
    let shapes = shapes().into_iter().zip(outputs.into_iter().cycle());
    shapes.map(|((batch, n), outputs)| linear_case(batch, n, outputs, bias, relu)).collect()
}

/// Inputs so full of zeros that they are skipped, and some that are not, around the least that it
/// is done for, at ragged sizes, and across several blocks of k and tasks.
pub fn linear_sparse() -> Vec<Case> {
    let mut cases = Vec::new();
    for (batch, inputs, outputs) in
        [(1, 40, 33), (31, 32, 40), (32, 32, 32), (33, 100, 47), (65, 130, 140), (130, 600, 70)]
    {
        for (i, zeros) in [50, 80, 100].into_iter().enumerate() {
            let case = linear_case(batch, inputs, outputs, i != 1, (batch + i) % 2 == 0);
            cases.push(Case { zeros, ..case });
        }
    }
    cases
}

pub fn batch_norm(relu: bool) -> Vec<Case> {
    let inputs = rows_and_images();
    let case = |mode: Mode, batch: usize, input: &Shape| {
        let (layer, channels, train) =
            (BatchNorm::default(), input.channels(), mode == Mode::Train);
        let (rows, eps) = (batch * input.len() / channels, f64::from(layer.eps));
        let reference = reference::batch_norm::BatchNorm { rows, channels, eps, train, relu };
        let case = Case::new(layer, reference, batch, input.clone()).with_relu(relu);
        Case { mode, scale: 1.5, ..case }
    };
    let modes = [Mode::Train, Mode::Evaluate].into_iter();
    let cases = modes.flat_map(|mode| inputs.iter().map(move |(b, input)| (mode, *b, input)));
    let cases = cases.map(|(mode, batch, input)| case(mode, batch, input));
    cases.filter(|c| c.mode == Mode::Evaluate || c.batch >= c.op.min_train_batch()).collect()
}

/// What evaluation computes, in training.
pub fn batch_norm_of_frozen_statistics(relu: bool) -> Vec<Case> {
    let case = |(batch, input): (usize, Shape)| {
        let layer = BatchNorm::default().with_frozen_statistics();
        let (channels, train) = (input.channels(), false);
        let (rows, eps) = (batch * input.len() / channels, f64::from(layer.eps));
        let reference = reference::batch_norm::BatchNorm { rows, channels, eps, train, relu };
        let case = Case::new(layer, reference, batch, input).with_relu(relu);
        Case { mode: Mode::Train, scale: 1.5, ..case }
    };
    rows_and_images().into_iter().map(case).collect()
}

/// Rows and images, as many channels as a few vectors have, and as pictures have.
fn rows_and_images() -> Vec<(usize, Shape)> {
    let mut inputs: Vec<(usize, Shape)> =
        shapes().into_iter().map(|(b, f)| (b, f.into())).collect();
    for c in [1, 3, 16, 17, 33] {
        inputs.extend([1, 2, 31].map(|batch| (batch, [2, 3, c].into())));
    }
    // More rows than 64 blocks of 32: the blocks grow.
    inputs.push((17, [11, 12, 3].into()));
    inputs
}

pub fn normalize(relu: bool) -> Vec<Case> {
    let case = |(batch, input): (usize, Shape)| {
        let channel = |i: usize| ((0.5 * i as f32).sin(), 0.2 + (i % 7) as f32 * 0.3);
        let (mean, std): (Vec<f32>, Vec<f32>) = (0..input.channels()).map(channel).unzip();
        let f64s = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect();
        let reference =
            reference::channelwise::Normalize { mean: f64s(&mean), std: f64s(&std), relu };
        Case::new(Normalize { mean, std }, reference, batch, input).with_relu(relu)
    };
    rows_and_images().into_iter().map(case).collect()
}

pub fn layer_scale(relu: bool) -> Vec<Case> {
    let case = |(batch, input): (usize, Shape)| {
        let reference = reference::channelwise::LayerScale { channels: input.channels(), relu };
        Case::new(LayerScale { init: 1e-6 }, reference, batch, input).with_relu(relu)
    };
    rows_and_images().into_iter().map(case).collect()
}

/// Also of values that are small against eps, and large.
pub fn layer_norm() -> Vec<Case> {
    let case = |(batch, input): (usize, Shape), scale| {
        let (layer, channels) = (LayerNorm::default(), input.channels());
        let reference = reference::layer_norm::LayerNorm { channels, eps: f64::from(layer.eps) };
        Case { scale, ..Case::new(layer, reference, batch, input) }
    };
    let inputs = rows_and_images().into_iter();
    inputs.flat_map(|input| [1.5, 1e-3, 1e3].map(|scale| case(input.clone(), scale))).collect()
}

pub fn dropout() -> Vec<Case> {
    use reference::dropout::Dropout as Reference;
    let case = |(batch, n): (usize, usize), p, mode| {
        let reference = match mode {
            Mode::Train => Reference::train(p, SEED, POSITION, STEP, batch, n),
            _ => Reference::evaluate(batch, n),
        };
        Case { mode, ..Case::new(Dropout { p }, reference, batch, n) }
    };
    let of_shape = |shape| {
        [
            case(shape, 0.0, Mode::Train),
            case(shape, 0.3, Mode::Train),
            case(shape, 0.9, Mode::Train),
            case(shape, 0.3, Mode::Evaluate),
            case(shape, 0.3, Mode::Estimate),
        ]
    };
    shapes().into_iter().flat_map(of_shape).collect()
}

pub fn narrow() -> Vec<Case> {
    let case = |(i, (batch, n)): (usize, (usize, usize))| {
        let kept = [n, n.div_ceil(2), 1][i % 3];
        Case::new(Narrow { len: kept }, reference::narrow::Narrow { n, kept }, batch, n)
    };
    shapes().into_iter().enumerate().map(case).collect()
}

/// Before, at and after the end of the warm-up, without a divergence, and in evaluation.
pub fn gaussian_samples() -> Vec<Case> {
    let mut cases = Vec::new();
    for (batch, n) in shapes() {
        for (kl_weight, warm_up, share) in
            [(0.7, 10, 0.4), (0.7, STEP + 1, 1.0), (3.0, 0, 1.0), (0.0, 0, 1.0)]
        {
            for (mode, scale) in [(Mode::Train, 1.0), (Mode::Train, 4.0), (Mode::Evaluate, 1.0)] {
                let noise = reference::gaussian_sample::GaussianSample::noise;
                let (noise, share) = match mode {
                    Mode::Train => (noise(SEED, POSITION, STEP, batch, n), share),
                    _ => (vec![0.0; batch * n], 1.0),
                };
                let weight = f64::from(kl_weight) * share / batch as f64;
                let reference = reference::gaussian_sample::GaussianSample { n, noise, weight };
                let layer = GaussianSample { kl_weight, warm_up };
                cases.push(Case { mode, scale, ..Case::new(layer, reference, batch, 2 * n) });
            }
        }
    }
    cases
}

/// With rows of zeros among the others, too.
pub fn sparsity() -> Vec<Case> {
    let case = |(batch, n): (usize, usize), weight: f32, zeros| {
        let of_sample = f64::from(weight) / batch as f64;
        let reference = reference::sparsity::Sparsity { n, weight: of_sample };
        Case { zeros, ..Case::new(Sparsity { weight }, reference, batch, n) }
    };
    shapes().into_iter().flat_map(|shape| [case(shape, 0.5, 0), case(shape, 20.0, 30)]).collect()
}

pub fn all() -> Vec<Case> {
    let cases = [
        linear(true, false),
        linear(false, false),
        linear(true, true),
        linear(false, true),
        linear_sparse(),
        batch_norm(false),
        batch_norm(true),
        activations::all(),
        dropout(),
        narrow(),
        gaussian_samples(),
        sparsity(),
        pools::all(),
        blocks::residuals(),
        blocks::squeeze_excitations(),
        normalize(false),
        normalize(true),
        layer_scale(false),
        layer_scale(true),
        layer_norm(),
    ];
    cases.into_iter().flatten().collect()
}
