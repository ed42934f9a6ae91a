//! The parameters of products and convolutions.

use crate::network::init::Init;
use crate::network::params::{ParamSpec, Role};

/// A weight of that shape and, if there is one, the bias of so many outputs, which starts at 0.
pub(super) fn weight_and_bias(
    shape: Vec<usize>,
    outputs: usize,
    bias: bool,
    init: Init,
    [fan_in, fan_out]: [usize; 2],
) -> Vec<ParamSpec> {
    let spec = |name: &'static str, shape, role, init| ParamSpec {
        name: name.into(),
        shape,
        role,
        init,
        fan_in,
        fan_out,
    };
    let weight = spec("weight", shape, Role::Weight, init);
    let bias = bias.then(|| spec("bias", vec![outputs], Role::Bias, Init::Constant(0.0)));
    [Some(weight), bias].into_iter().flatten().collect()
}
