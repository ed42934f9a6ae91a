//! Networks of inverted residuals: MobileNetV2 (Sandler et al., CVPR 2018, arXiv:1801.04381, table
//! 2), MobileNetV3 (Howard et al., ICCV 2019, arXiv:1905.02244, tables 1 and 2), EfficientNet-B0
//! (Tan and Le, ICML 2019, arXiv:1905.11946, table 1) and its form for small devices, Lite0.
//!
//! ```text
//! block: x -> 1x1 convolution to more channels, depthwise convolution, (squeeze-and-excitation),
//!        1x1 convolution to fewer channels; plus x where size and channels stay
//! ```

use super::{Backbone, IMAGENET, Naming, Pixels, normalize};
use crate::layer_spec::{ConvSpec, Function, LayerSpec, LinearSpec, Padding};

/// A row of a paper's table: so many blocks, of which only the first has the stride.
struct Row {
    blocks: usize,
    kernel: usize,
    stride: usize,
    /// The channels of the depthwise convolution of each block.
    expanded: &'static [usize],
    channels: usize,
    /// The channels between the two layers of squeeze-and-excitation; 0: none.
    squeezed: fn(inputs: usize, expanded: usize) -> usize,
    function: Function,
}

/// The family of a network, which torchvision names modules by.
#[derive(Clone, Copy, PartialEq)]
enum Family {
    V2,
    V3,
    EfficientNet,
}

/// The settings that all layers of a network share.
struct Plan {
    by: Naming,
    family: Family,
    eps: f32,
    momentum: f32,
    same: bool,
    /// The activation of the stem and of the last convolution.
    function: Function,
    /// The last activation of squeeze-and-excitation, and the one before it.
    gate: [Function; 2],
}

fn none(_: usize, _: usize) -> usize {
    0
}

/// A quarter of the expanded channels, a multiple of 8 that is not a tenth less.
fn quarter(_: usize, expanded: usize) -> usize {
    let quarter = expanded / 4;
    let rounded = ((quarter + 4) / 8 * 8).max(8);
    if 10 * rounded < 9 * quarter { rounded + 8 } else { rounded }
}

/// A quarter of the block's input.
fn quarter_of_input(inputs: usize, _: usize) -> usize {
    (inputs / 4).max(1)
}

/// A row of blocks whose channels expand by a factor, `inputs` being those of the first.
macro_rules! row {
    ($blocks:literal, $kernel:literal, $stride:literal, $expanded:expr, $channels:literal,
     $squeezed:ident, $function:ident) => {
        Row {
            blocks: $blocks,
            kernel: $kernel,
            stride: $stride,
            expanded: &$expanded,
            channels: $channels,
            squeezed: $squeezed,
            function: Function::$function,
        }
    };
}

pub(super) fn mobilenet_v2(by: Naming) -> Backbone {
    let rows = [
        row!(1, 3, 1, [32], 16, none, Relu6),
        row!(2, 3, 2, [96, 144], 24, none, Relu6),
        row!(3, 3, 2, [144, 192, 192], 32, none, Relu6),
        row!(4, 3, 2, [192, 384, 384, 384], 64, none, Relu6),
        row!(3, 3, 1, [384, 576, 576], 96, none, Relu6),
        row!(3, 3, 2, [576, 960, 960], 160, none, Relu6),
        row!(1, 3, 1, [960], 320, none, Relu6),
    ];
    let plan = Plan {
        by,
        family: Family::V2,
        eps: 1e-5,
        momentum: 0.1,
        same: false,
        function: Function::Relu6,
        gate: [Function::Relu, Function::Sigmoid],
    };
    let classifier = vec![plan.linear(["classifier.1", "classifier", "_fc"], 1000)];
    plan.network("mobilenet_v2", IMAGENET, 32, &rows, 1280, classifier)
}

fn v3(by: Naming) -> Plan {
    Plan {
        by,
        family: Family::V3,
        // torchvision's and timm's differ.
        eps: if by == Naming::Timm { 1e-5 } else { 1e-3 },
        momentum: if by == Naming::Timm { 0.1 } else { 0.01 },
        same: false,
        function: Function::HardSwish,
        gate: [Function::Relu, Function::HardSigmoid],
    }
}

impl Plan {
    /// The classifier of MobileNetV3, with a hidden layer.
    fn v3_classifier(&self, hidden: usize) -> Vec<LayerSpec> {
        vec![
            self.linear(["classifier.0", "conv_head", "_conv_head"], hidden),
            Function::HardSwish.into(),
            LayerSpec::Dropout { p: 0.2 },
            self.linear(["classifier.3", "classifier", "_fc"], 1000),
        ]
    }
}

pub(super) fn mobilenet_v3_large(by: Naming) -> Backbone {
    let rows = [
        row!(1, 3, 1, [16], 16, none, Relu),
        row!(2, 3, 2, [64, 72], 24, none, Relu),
        row!(3, 5, 2, [72, 120, 120], 40, quarter, Relu),
        row!(4, 3, 2, [240, 200, 184, 184], 80, none, HardSwish),
        row!(2, 3, 1, [480, 672], 112, quarter, HardSwish),
        row!(3, 5, 2, [672, 960, 960], 160, quarter, HardSwish),
    ];
    let plan = v3(by);
    let classifier = plan.v3_classifier(1280);
    plan.network("mobilenet_v3_large", IMAGENET, 16, &rows, 960, classifier)
}

pub(super) fn mobilenet_v3_small(by: Naming) -> Backbone {
    let rows = [
        row!(1, 3, 2, [16], 16, quarter, Relu),
        row!(2, 3, 2, [72, 88], 24, none, Relu),
        row!(3, 5, 2, [96, 240, 240], 40, quarter, HardSwish),
        row!(2, 5, 1, [120, 144], 48, quarter, HardSwish),
        row!(3, 5, 2, [288, 576, 576], 96, quarter, HardSwish),
    ];
    let plan = v3(by);
    let classifier = plan.v3_classifier(1024);
    plan.network("mobilenet_v3_small", IMAGENET, 16, &rows, 576, classifier)
}

pub(super) fn efficientnet_b0(by: Naming) -> Backbone {
    let rows = [
        row!(1, 3, 1, [32], 16, quarter_of_input, Silu),
        row!(2, 3, 2, [96, 144], 24, quarter_of_input, Silu),
        row!(2, 5, 2, [144, 240], 40, quarter_of_input, Silu),
        row!(3, 3, 2, [240, 480, 480], 80, quarter_of_input, Silu),
        row!(3, 5, 1, [480, 672, 672], 112, quarter_of_input, Silu),
        row!(4, 5, 2, [672, 1152, 1152, 1152], 192, quarter_of_input, Silu),
        row!(1, 3, 1, [1152], 320, quarter_of_input, Silu),
    ];
    // The original pads as TensorFlow does; torchvision's and timm's copies were trained anew.
    let original = by == Naming::EfficientNet;
    let plan = Plan {
        by,
        family: Family::EfficientNet,
        eps: if original { 1e-3 } else { 1e-5 },
        momentum: if original { 0.01 } else { 0.1 },
        same: original,
        function: Function::Silu,
        gate: [Function::Silu, Function::Sigmoid],
    };
    let classifier = vec![
        LayerSpec::Dropout { p: 0.2 },
        plan.linear(["classifier.1", "classifier", "_fc"], 1000),
    ];
    plan.network("efficientnet_b0", IMAGENET, 32, &rows, 1280, classifier)
}

pub(super) fn efficientnet_lite0(by: Naming) -> Backbone {
    let rows = [
        row!(1, 3, 1, [32], 16, none, Relu6),
        row!(2, 3, 2, [96, 144], 24, none, Relu6),
        row!(2, 5, 2, [144, 240], 40, none, Relu6),
        row!(3, 3, 2, [240, 480, 480], 80, none, Relu6),
        row!(3, 5, 1, [480, 672, 672], 112, none, Relu6),
        row!(4, 5, 2, [672, 1152, 1152, 1152], 192, none, Relu6),
        row!(1, 3, 1, [1152], 320, none, Relu6),
    ];
    let plan = Plan {
        by,
        family: Family::EfficientNet,
        eps: 1e-3,
        momentum: 0.01,
        same: true,
        function: Function::Relu6,
        gate: [Function::Relu, Function::Sigmoid],
    };
    let classifier = vec![
        LayerSpec::Dropout { p: 0.2 },
        plan.linear(["classifier.1", "classifier", "_fc"], 1000),
    ];
    // (pixel - 127) / 128
    let pixels = Pixels { mean: [127.0 / 255.0; 3], std: [128.0 / 255.0; 3] };
    plan.network("efficientnet_lite0", pixels, 32, &rows, 1280, classifier)
}

impl Plan {
    fn linear(&self, names: [&str; 3], outputs: usize) -> LayerSpec {
        let name = self.by.of(names).into();
        LayerSpec::Linear(LinearSpec { name, ..LinearSpec::new(outputs) })
    }

    /// A convolution and its batch norm.
    fn conv_bn(&self, [conv, bn]: [String; 2], spec: ConvSpec) -> [LayerSpec; 2] {
        let padding = if self.same { Padding::Same } else { spec.padding };
        let conv = ConvSpec { name: conv, padding, bias: false, ..spec };
        let (eps, momentum) = (self.eps, self.momentum);
        [LayerSpec::Conv2d(conv), LayerSpec::BatchNorm { name: bn, eps, momentum, frozen: false }]
    }

    fn network(
        &self,
        name: &str,
        pixels: Pixels,
        stem: usize,
        rows: &[Row],
        last: usize,
        classifier: Vec<LayerSpec>,
    ) -> Backbone {
        let at = |conv: &str, bn: &str| [conv.to_string(), bn.to_string()];
        let names = match self.by {
            Naming::Torchvision => at("features.0.0", "features.0.1"),
            Naming::Timm => at("conv_stem", "bn1"),
            Naming::EfficientNet => at("_conv_stem", "_bn0"),
        };
        let mut features = vec![normalize(pixels)];
        let conv = ConvSpec { stride: [2; 2], ..ConvSpec::new(stem, 3) };
        features.extend(self.conv_bn(names, conv));
        features.push(self.function.into());
        let (mut inputs, mut done) = (stem, 0);
        for (stage, row) in rows.iter().enumerate() {
            for i in 0..row.blocks {
                let stride = if i == 0 { row.stride } else { 1 };
                let names = Names { by: self.by, family: self.family, stage, i, done };
                features.extend(self.block(names, row, [inputs, row.expanded[i], stride]));
                (inputs, done) = (row.channels, done + 1);
            }
        }
        let names = match (self.by, self.family) {
            (Naming::Torchvision, Family::EfficientNet) => {
                [0, 1].map(|i| format!("features.{}.{i}", rows.len() + 1))
            }
            (Naming::Torchvision, _) => [0, 1].map(|i| format!("features.{}.{i}", done + 1)),
            (Naming::Timm, Family::V3) => {
                ["conv", "bn1"].map(|module| format!("blocks.{}.0.{module}", rows.len()))
            }
            (Naming::Timm, _) => at("conv_head", "bn2"),
            (Naming::EfficientNet, _) => at("_conv_head", "_bn1"),
        };
        features.extend(self.conv_bn(names, ConvSpec::new(last, 1)));
        features.push(self.function.into());
        features.push(LayerSpec::GlobalAvgPool);
        Backbone { name: name.into(), size: [224; 2], features, classifier }
    }

    fn block(
        &self,
        names: Names,
        row: &Row,
        [inputs, expanded, stride]: [usize; 3],
    ) -> Vec<LayerSpec> {
        let expands = expanded != inputs;
        let squeezed = (row.squeezed)(inputs, expanded);
        let mut layers = Vec::new();
        if expands {
            layers.extend(self.conv_bn(names.expand(), ConvSpec::new(expanded, 1)));
            layers.push(row.function.into());
        }
        let depthwise = ConvSpec {
            stride: [stride; 2],
            groups: expanded,
            ..ConvSpec::new(expanded, row.kernel)
        };
        layers.extend(self.conv_bn(names.depthwise(expands), depthwise));
        layers.push(row.function.into());
        if squeezed > 0 {
            let [reduce, expand] = names.squeeze(expands);
            let linear =
                |name, outputs| LayerSpec::Linear(LinearSpec { name, ..LinearSpec::new(outputs) });
            layers.push(LayerSpec::SqueezeExcitation {
                gate: vec![
                    LayerSpec::GlobalAvgPool,
                    linear(reduce, squeezed),
                    self.gate[0].into(),
                    linear(expand, expanded),
                    self.gate[1].into(),
                ],
            });
        }
        let project = names.project(expands, squeezed > 0);
        layers.extend(self.conv_bn(project, ConvSpec::new(row.channels, 1)));
        match stride == 1 && inputs == row.channels {
            true => vec![LayerSpec::Residual { body: layers, shortcut: Vec::new() }],
            false => layers,
        }
    }
}

/// The names in one block: the `i`th of a stage, before which `done` others lie.
struct Names {
    by: Naming,
    family: Family,
    stage: usize,
    i: usize,
    done: usize,
}

impl Names {
    fn at(&self, module: &str) -> String {
        let Names { stage, i, done, .. } = self;
        match (self.by, self.family) {
            (Naming::Torchvision, Family::V2) => format!("features.{}.conv.{module}", done + 1),
            (Naming::Torchvision, Family::V3) => format!("features.{}.block.{module}", done + 1),
            (Naming::Torchvision, Family::EfficientNet) => {
                format!("features.{}.{i}.block.{module}", stage + 1)
            }
            (Naming::Timm, _) => format!("blocks.{stage}.{i}.{module}"),
            (Naming::EfficientNet, _) => format!("_blocks.{done}.{module}"),
        }
    }

    fn pair(&self, torchvision: [String; 2], others: [[&str; 2]; 2]) -> [String; 2] {
        match self.by {
            Naming::Torchvision => torchvision.map(|module| self.at(&module)),
            Naming::Timm => others[0].map(|module| self.at(module)),
            Naming::EfficientNet => others[1].map(|module| self.at(module)),
        }
    }

    fn expand(&self) -> [String; 2] {
        self.pair(["0.0", "0.1"].map(String::from), [["conv_pw", "bn1"], ["_expand_conv", "_bn0"]])
    }

    fn depthwise(&self, expands: bool) -> [String; 2] {
        let n = usize::from(expands);
        let timm = ["conv_dw", if expands { "bn2" } else { "bn1" }];
        self.pair([0, 1].map(|i| format!("{n}.{i}")), [timm, ["_depthwise_conv", "_bn1"]])
    }

    fn squeeze(&self, expands: bool) -> [String; 2] {
        let n = 1 + usize::from(expands);
        self.pair(
            [1, 2].map(|i| format!("{n}.fc{i}")),
            [["se.conv_reduce", "se.conv_expand"], ["_se_reduce", "_se_expand"]],
        )
    }

    fn project(&self, expands: bool, squeezes: bool) -> [String; 2] {
        let n = 1 + usize::from(expands) + usize::from(squeezes);
        let torchvision = match self.family {
            Family::V2 => [n.to_string(), (n + 1).to_string()],
            _ => [0, 1].map(|i| format!("{n}.{i}")),
        };
        let timm = if expands { ["conv_pwl", "bn3"] } else { ["conv_pw", "bn2"] };
        self.pair(torchvision, [timm, ["_project_conv", "_bn2"]])
    }
}
