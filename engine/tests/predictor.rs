//! Predictors: what they compute is what the network computes in evaluation.

mod images;
mod precision;
mod sharing;
mod values;

use crate::support::{self, normal, params};
use narrows_engine::layers::{
    BatchNorm, Dropout, Elu, Gelu, LeakyRelu, Linear, Relu, Sigmoid, Tanh,
};
use narrows_engine::predictor::Workspace;
use narrows_engine::{Context, Network, NetworkBuilder, Params, Pass, PassMemory, Predictor};

/// The chains to be tested, from `inputs` values, `hidden` in between, to `outputs`.
fn chains(inputs: usize, hidden: usize, outputs: usize) -> Vec<(&'static str, NetworkBuilder)> {
    let start = || Network::builder(inputs);
    let norm = BatchNorm::default;
    vec![
        ("linear", start().layer(Linear::new(outputs))),
        ("without bias", start().layer(Linear::new(outputs).without_bias())),
        ("linear, relu", start().layer(Linear::new(outputs)).layer(Relu)),
        ("linear, batch norm", start().layer(Linear::new(outputs)).layer(norm())),
        (
            "encoder",
            start()
                .section("encoder")
                .layer(Linear::new(hidden).without_bias())
                .layer(norm())
                .layer(Relu)
                .layer(Dropout { p: 0.3 })
                .section("head")
                .layer(Linear::new(hidden))
                .layer(Relu)
                .layer(Dropout { p: 0.0 })
                .layer(Linear::new(outputs)),
        ),
        ("batch norm first", start().layer(norm()).layer(Linear::new(outputs)).layer(Sigmoid)),
        ("batch norm alone", start().layer(norm()).layer(Relu)),
        ("batch norm last", start().layer(Linear::new(hidden)).layer(Relu).layer(norm())),
        (
            "two batch norms",
            start().layer(Linear::new(outputs)).layer(norm()).layer(norm()).layer(Relu),
        ),
        (
            "relu first and twice",
            start().layer(Relu).layer(Linear::new(outputs)).layer(Relu).layer(Relu),
        ),
        ("dropout alone", start().layer(Dropout { p: 0.5 })),
        (
            "every activation",
            start()
                .layer(Linear::new(hidden))
                .layer(LeakyRelu::default())
                .layer(Linear::new(hidden))
                .layer(Elu::default())
                .layer(norm())
                .layer(Gelu)
                .layer(Tanh)
                .layer(Linear::new(outputs))
                .layer(Sigmoid),
        ),
        // Behind a section's end, as the network cannot.
        (
            "across sections",
            start().section("a").layer(Linear::new(outputs)).section("b").layer(norm()).layer(Relu),
        ),
    ]
}

/// What the network computes in evaluation.
fn forward(cx: &Context, network: &Network, params: &Params, x: &[f32]) -> Vec<f32> {
    let mut memory = PassMemory::new(network, x.len() / network.input().len()).unwrap();
    network.forward(cx, params, &mut memory, x, Pass::evaluate()).unwrap().to_vec()
}

fn predict(cx: &Context, predictor: &Predictor, x: &[f32]) -> Vec<f32> {
    let mut y = vec![f32::NAN; x.len() / predictor.input().len() * predictor.output().len()];
    predictor.predict(cx, &mut Workspace::default(), x, &mut y).unwrap();
    y
}
