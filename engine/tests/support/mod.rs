//! What several tests share.
// Each test is a crate of its own, and uses a part of this.
#![allow(dead_code)]

use narrows_engine::random::Random;
use narrows_engine::simd::Isa;
use narrows_engine::{Context, Network, Params};
use safetensors::SafeTensors;

/// The ISAs that this processor has. The others are named aloud: a test that did not run is no
/// pass. It is a failure where `NARROWS_REQUIRE_ISA`, a list with commas, names the ISA.
pub fn isas() -> Vec<Isa> {
    let available = Isa::available();
    let required = std::env::var("NARROWS_REQUIRE_ISA").unwrap_or_default();
    for name in required.split(',').filter(|name| !name.is_empty()) {
        assert!(
            available.iter().any(|isa| isa.name() == name),
            "{name} is required, and not there"
        );
    }
    for name in Isa::names() {
        if available.iter().all(|isa| isa.name() != *name) {
            eprintln!("NOT RUN on this machine: {name}");
        }
    }
    available
}

/// A file of reference vectors; `vectors/README.md` says what is in it.
pub struct Vectors(Vec<u8>);

impl Vectors {
    pub fn open(name: &str) -> Vectors {
        let path = format!("{}/tests/vectors/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        Vectors(std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}")))
    }

    /// The tensor's values, row-major.
    pub fn get(&self, name: &str) -> Vec<f32> {
        self.with_shape(name).1
    }

    /// The tensor's only value.
    pub fn number(&self, name: &str) -> f32 {
        let values = self.get(name);
        assert_eq!(values.len(), 1, "{name}");
        values[0]
    }

    /// The tensor's dimensions and values.
    pub fn with_shape(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let file = SafeTensors::deserialize(&self.0).expect("a safetensors file");
        let tensor = file.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(tensor.dtype(), safetensors::Dtype::F32, "{name}");
        let values = tensor
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        (tensor.shape().to_vec(), values)
    }

    /// Samples as the engine lays them out: PyTorch's images (n, channels, height, width) become
    /// (n, height, width, channels), everything else stays.
    pub fn samples(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        self.permuted(name, [0, 2, 3, 1])
    }

    /// A parameter as the engine lays it out: PyTorch's weight of a convolution (out, in / groups,
    /// height, width), or (in, out / groups, height, width) if transposed, becomes (height, width,
    /// second, first), everything else stays.
    pub fn parameter(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        self.permuted(name, [2, 3, 1, 0])
    }

    fn permuted(&self, name: &str, order: [usize; 4]) -> (Vec<usize>, Vec<f32>) {
        let (dims, values) = self.with_shape(name);
        if dims.len() != 4 {
            return (dims, values);
        }
        let to = order.map(|axis| dims[axis]);
        let strides = order.map(|axis| dims[axis + 1..].iter().product::<usize>());
        let mut out = Vec::new();
        for i in 0..to[0] {
            for j in 0..to[1] {
                for k in 0..to[2] {
                    for l in 0..to[3] {
                        out.push(
                            values
                                [i * strides[0] + j * strides[1] + k * strides[2] + l * strides[3]],
                        );
                    }
                }
            }
        }
        (to.to_vec(), out)
    }

    /// The names of all tensors.
    pub fn names(&self) -> Vec<String> {
        let file = SafeTensors::deserialize(&self.0).expect("a safetensors file");
        file.names().into_iter().map(str::to_string).collect()
    }
}

/// Asserts that no value is further from what is wanted than `tolerance` times max(1, its size),
/// the scale that `vectors/README.md` promises 1e-5 on.
pub fn assert_close(what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        // Written so that a NaN fails.
        let close = (got - want).abs() <= tolerance * want.abs().max(1.0);
        assert!(close, "{what}[{i}]: {got:e}, not {want:e}");
    }
}

/// The bits, for comparisons that tell 0 from -0 and one NaN from another.
pub fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// One thread on that ISA.
pub fn single(isa: Isa) -> Context {
    Context::with_isa(isa, 1).expect("one thread")
}

/// Normal numbers, others for each purpose.
pub fn normal(purpose: u64, len: usize) -> Vec<f32> {
    let mut values = vec![0.0; len];
    Random::new(99, purpose).fill_normal(0, 0, &mut values);
    values
}

/// Parameters in general position: biases, gamma, beta and the statistics are not 0 and 1.
pub fn params(network: &Network) -> Params {
    let mut params = Params::new(network, 5);
    let noise = normal(0, params.values().len());
    for (value, noise) in params.values_mut().iter_mut().zip(noise) {
        // Up to 10 % and 0.1 more: variances stay positive.
        *value = *value * (1.0 + 0.1 * noise.tanh()) + 0.1 * noise.tanh().abs();
    }
    params
}
