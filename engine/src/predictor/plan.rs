//! Planning: layers become stages, merged with their neighbours where that is possible.

use super::panels::{Panels, Precision};
use crate::gemm::Rectifier;
use crate::hardware::simd::elementwise;
use crate::layers::{Relu, Relu6};
use crate::network::layer::{InferenceMap, Layer, Op};
use crate::{Context, Error, Network, Params};
use std::borrow::Cow;
use std::sync::Arc;

/// A step that a block of rows passes through.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The values of a row that come in.
    pub inputs: usize,
    /// The values of a row that go out.
    pub outputs: usize,
    pub map: Map,
}

#[derive(Debug)]
pub(crate) enum Map {
    Linear(Panels),
    Normalise(Normalise),
    /// A layer without inference maps, which runs by its own forward pass.
    Layer {
        op: Arc<dyn Op>,
        position: u64,
        params: Vec<f32>,
    },
}

impl Stage {
    /// The values of a row that come in, go out or are kept within a block.
    pub fn widest(&self) -> usize {
        let within = match &self.map {
            Map::Layer { op, .. } => op.saved_len(1),
            _ => 0,
        };
        self.inputs.max(self.outputs).max(within)
    }

    pub fn weight_bytes(&self) -> usize {
        match &self.map {
            Map::Linear(panels) => panels.weight_bytes(),
            _ => 0,
        }
    }
}

/// A stage while others may still be merged into it.
enum Draft {
    Linear { name: String, weight: Vec<f32>, bias: Vec<f32>, inputs: usize, rectifier: Rectifier },
    Done(Stage),
}

/// The stages of a network, in evaluation.
pub(crate) fn stages(
    network: &Network,
    params: &Params,
    precision: Precision,
) -> Result<Vec<Stage>, Error> {
    network.check_params(params)?;
    let mut drafts: Vec<Draft> = Vec::new();
    let (chain, values) = network.in_evaluation(params);
    for link in &chain.links {
        let values = &values[link.params.clone()];
        let stage = |map| Stage { inputs: link.input.len(), outputs: link.output.len(), map };
        let as_it_is =
            |op, params| Draft::Done(stage(Map::Layer { op, position: link.position, params }));
        let Some(maps) = link.op.inference_maps(values) else {
            drafts.push(as_it_is(link.op.clone(), values.to_vec()));
            continue;
        };
        for map in maps {
            match (map, drafts.last_mut()) {
                (InferenceMap::Linear { weight, bias }, _) => {
                    let outputs = link.output.len();
                    let bias = bias.map_or(vec![0.0; outputs], <[f32]>::to_vec);
                    let (name, weight, inputs) =
                        (link.name.clone(), weight.to_vec(), weight.len() / outputs);
                    drafts.push(Draft::Linear {
                        name,
                        weight,
                        bias,
                        inputs,
                        rectifier: Rectifier::None,
                    });
                }
                (InferenceMap::Normalise { mean, scale, shift }, _) => {
                    let [mean, scale, shift] = [mean, scale, shift].map(Cow::into_owned);
                    let map = Map::Normalise(Normalise {
                        mean,
                        scale,
                        shift,
                        rectifier: Rectifier::None,
                    });
                    let len = link.output.len();
                    drafts.push(Draft::Done(Stage { inputs: len, outputs: len, map }));
                }
                (InferenceMap::Rectify(more), Some(Draft::Linear { rectifier, .. }))
                    if !rectifier.is_there() =>
                {
                    *rectifier = more;
                }
                (
                    InferenceMap::Rectify(more),
                    Some(Draft::Done(Stage { map: Map::Normalise(last), .. })),
                ) if !last.rectifier.is_there() => last.rectifier = more,
                (InferenceMap::Rectify(more), _) => {
                    let planned = match more {
                        Rectifier::Relu6 => Relu6.plan(&link.output)?,
                        _ => Relu.plan(&link.output)?,
                    };
                    drafts.push(as_it_is(planned.op.into(), Vec::new()))
                }
            }
        }
    }
    let finish = |draft| match draft {
        Draft::Done(stage) => Ok(stage),
        Draft::Linear { name, weight, bias, inputs, rectifier } => {
            let panels = Panels::new(&weight, &bias, inputs, rectifier, precision)
                .map_err(|e| e.within(format_args!("layer {name}")))?;
            Ok(Stage { inputs, outputs: bias.len(), map: Map::Linear(panels) })
        }
    };
    drafts.into_iter().map(finish).collect()
}

/// `y = (x - mean) scale + shift` in each channel, and the ReLU of it.
#[derive(Debug)]
pub(crate) struct Normalise {
    mean: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    rectifier: Rectifier,
}

impl Normalise {
    /// x and y: (rows, channels)
    pub fn apply(&self, cx: &Context, x: &[f32], y: &mut [f32]) {
        let Normalise { mean, scale, shift, rectifier } = self;
        let c = mean.len();
        for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
            normalise_row(cx.isa(), y, x, mean, scale, shift, *rectifier);
        }
    }
}

elementwise! {
    fn normalise_row(s, y, [x, mean, scale, shift], rectifier: Rectifier) {
        rectifier.apply(s, s.mul_add(s.sub(x, mean), scale, shift))
    }
}
