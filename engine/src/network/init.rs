//! Initial values of parameters.

use crate::math::random::Random;

/// Initial values of a parameter. `fan_in` and `fan_out` are those of the weight, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// All the same.
    Constant(f32),
    /// Uniform within `sqrt(6 / (fan_in + fan_out))`. Glorot and Bengio, AISTATS 2010, equation 16.
    XavierUniform,
    /// Normal with variance `2 / (fan_in + fan_out)`. The same source, equation 12.
    XavierNormal,
    /// Uniform within `sqrt(6 / fan_in)`, for layers before a ReLU. He et al., ICCV 2015, equation
    /// 10.
    HeUniform,
    /// Normal with variance `2 / fan_in`, for layers before a ReLU. The same source.
    HeNormal,
    /// Uniform within `1 / sqrt(fan_in)`: PyTorch's default for linear layers and their biases.
    FanInUniform,
}

impl Init {
    /// Fills `out` from the stream (`seed`, `purpose`).
    pub fn fill(self, fan_in: usize, fan_out: usize, seed: u64, purpose: u64, out: &mut [f32]) {
        let random = Random::new(seed, purpose);
        let (fan_in, fan_sum) = (fan_in as f32, (fan_in + fan_out) as f32);
        let uniform = |out: &mut [f32], bound: f32| {
            random.fill_uniform(0, 0, out);
            out.iter_mut().for_each(|x| *x = (2.0 * *x - 1.0) * bound);
        };
        let normal = |out: &mut [f32], std: f32| {
            random.fill_normal(0, 0, out);
            out.iter_mut().for_each(|x| *x *= std);
        };
        match self {
            Init::Constant(value) => out.fill(value),
            Init::XavierUniform => uniform(out, (6.0 / fan_sum).sqrt()),
            Init::XavierNormal => normal(out, (2.0 / fan_sum).sqrt()),
            Init::HeUniform => uniform(out, (6.0 / fan_in).sqrt()),
            Init::HeNormal => normal(out, (2.0 / fan_in).sqrt()),
            Init::FanInUniform => uniform(out, (1.0 / fan_in).sqrt()),
        }
    }
}
