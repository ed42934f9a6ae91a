//! The encoder of W1, which W4 fine-tunes and W5 predicts with.

use narrows_engine::layers::{BatchNorm, Linear, Relu};
use narrows_engine::{Network, NetworkBuilder};

/// The inputs, the hidden layers and the code.
pub const WIDTHS: [usize; 4] = [784, 512, 256, 64];

/// Batch norm and ReLU behind each hidden layer.
pub fn encoder() -> NetworkBuilder {
    let [inputs, first, second, code] = WIDTHS;
    Network::builder(inputs)
        .layer(Linear::new(first))
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Linear::new(second))
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Linear::new(code))
}
