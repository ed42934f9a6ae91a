//! Blocks of layers.

use super::{Case, shapes};
use crate::layers::reference;
use crate::layers::reference::linear::Linear as LinearReference;
use narrows_engine::layer::Layer;
use narrows_engine::layers::{GlobalAvgPool, Linear, Residual, Sigmoid, SqueezeExcitation};

/// Linear layers inside, as blocks of one, two and three, about a shortcut of none, one and two.
pub fn residuals() -> Vec<Case> {
    let mut cases = Vec::new();
    for (i, (batch, n)) in shapes().into_iter().enumerate() {
        let hidden = [17, 1, 33, 16][i % 4];
        let chains: [(&[usize], &[usize]); 4] = [
            (&[n], &[]),
            (&[hidden, n], &[]),
            (&[hidden, 5], &[5]),
            (&[7, hidden, 19], &[hidden, 19]),
        ];
        let (body, shortcut) = chains[i / 2 % 4];
        let references = |outputs: &[usize]| -> Vec<LinearReference> {
            let inputs = [n].into_iter().chain(outputs.iter().copied());
            let layer = |(j, (inputs, &outputs)): (usize, (usize, &usize))| LinearReference {
                batch,
                inputs,
                outputs,
                bias: j == 0,
                relu: false,
            };
            inputs.zip(outputs).enumerate().map(layer).collect()
        };
        let layers = |outputs: &[usize]| -> Vec<Box<dyn Layer>> {
            let layer = |(j, &outputs): (usize, &usize)| -> Box<dyn Layer> {
                let layer = Linear::new(outputs);
                Box::new(if j == 0 { layer } else { layer.without_bias() })
            };
            outputs.iter().enumerate().map(layer).collect()
        };
        let relu = i % 3 == 0;
        let reference = reference::residual::Residual {
            body: references(body),
            shortcut: references(shortcut),
            relu,
        };
        let block = Residual::new(layers(body)).with_shortcut(layers(shortcut));
        cases.push(Case::new(block, reference, batch, n).with_relu(relu));
    }
    cases
}

/// Images of one pixel and of many, around the widths of vectors, and enough work for several
/// tasks, which begin in the middle of an image; with one linear layer and with two.
pub fn squeeze_excitations() -> Vec<Case> {
    let images = [
        (1, [1, 1, 1]),
        (2, [1, 1, 17]),
        (3, [2, 3, 1]),
        (1, [2, 2, 3]),
        (2, [1, 3, 5]),
        (31, [3, 2, 16]),
        (2, [5, 4, 33]),
        (33, [4, 4, 7]),
        (1, [40, 41, 16]),
        (3, [33, 30, 20]),
        (5, [7, 7, 130]),
    ];
    let mut cases = Vec::new();
    for (batch, input) in images {
        let [height, width, channels] = input;
        for hidden in [None, Some(1 + channels / 4)] {
            let widths: Vec<usize> =
                [Some(channels), hidden, Some(channels)].into_iter().flatten().collect();
            let layers = widths.windows(2).map(|w| {
                let (inputs, outputs) = (w[0], w[1]);
                LinearReference { batch, inputs, outputs, bias: true, relu: false }
            });
            let reference = reference::squeeze_excitation::SqueezeExcitation {
                batch,
                pixels: height * width,
                channels,
                layers: layers.collect(),
            };
            let mut gate: Vec<Box<dyn Layer>> = vec![Box::new(GlobalAvgPool)];
            for outputs in &widths[1..] {
                gate.push(Box::new(Linear::new(*outputs)));
            }
            gate.push(Box::new(Sigmoid));
            cases.push(Case::new(SqueezeExcitation::new(gate), reference, batch, input));
        }
    }
    cases
}
