//! Layers that exporters write as several operators.

use super::Step;
use crate::layer_spec::{Function, LayerSpec};

/// Numbers of a formula are as good as this.
const CLOSE: f32 = 1e-3;

fn is(x: f32, y: f32) -> bool {
    (x - y).abs() <= CLOSE * y.abs()
}

/// The layers of a chain of steps.
///
/// # Errors
/// If a step belongs to no layer.
pub fn layers(steps: Vec<Step>) -> Result<Vec<LayerSpec>, String> {
    let mut layers = Vec::new();
    let mut rest = &steps[..];
    while let [step, behind @ ..] = rest {
        let (layer, taken) = match (step, behind) {
            // x Phi(x), Phi(x) = (1 + erf(x / sqrt(2))) / 2
            (Step::Gate(gate), [Step::Scale(half), ..]) if is_erf(gate) && is(*half, 0.5) => {
                (Function::Gelu.into(), 2)
            }
            // x relu6(x + 3) / 6
            (Step::Gate(gate), [Step::Scale(sixth), ..])
                if is_relu6_of_x_plus_3(gate) && is(*sixth, 1.0 / 6.0) =>
            {
                (Function::HardSwish.into(), 2)
            }
            (Step::Gate(gate), _) => (gated(gate)?, 1),
            (Step::Sum(a, b), _) => (sum(a, b)?, 1),
            (Step::Layer(layer), _) => (layer.clone(), 1),
            (Step::Add(three), [Step::Layer(clip), Step::Scale(sixth), ..])
                if is(*three, 3.0) && *clip == Function::Relu6.into() && is(*sixth, 1.0 / 6.0) =>
            {
                (Function::HardSigmoid.into(), 3)
            }
            (Step::Add(_), _) => return Err(alone("adds a number")),
            (Step::Scale(_), _) => return Err(alone("multiplies by a number")),
            (Step::Erf, _) => return Err(alone("takes the error function")),
        };
        layers.push(layer);
        rest = &rest[taken..];
    }
    Ok(layers)
}

fn alone(does: &str) -> String {
    format!("holds a node that {does} and is part of no activation that narrows has")
}

fn is_erf(gate: &[Step]) -> bool {
    matches!(gate, [Step::Scale(scale), Step::Erf, Step::Add(one)]
        if is(*scale, std::f32::consts::FRAC_1_SQRT_2) && is(*one, 1.0))
}

fn is_relu6_of_x_plus_3(gate: &[Step]) -> bool {
    matches!(gate, [Step::Add(three), Step::Layer(clip)]
        if is(*three, 3.0) && *clip == Function::Relu6.into())
}

/// x times what the steps make of it.
fn gated(gate: &[Step]) -> Result<LayerSpec, String> {
    let gate = layers(gate.to_vec())?;
    Ok(match &gate[..] {
        [LayerSpec::Activation { function: Function::Sigmoid }] => Function::Silu.into(),
        [LayerSpec::Activation { function: Function::HardSigmoid }] => Function::HardSwish.into(),
        [LayerSpec::GlobalAvgPool, ..] => LayerSpec::SqueezeExcitation { gate },
        _ => {
            return Err("holds a product of two branches that is no squeeze-and-excitation: one \
                        branch has to be the input, the other to begin with its mean"
                .into());
        }
    })
}

fn sum(a: &[Step], b: &[Step]) -> Result<LayerSpec, String> {
    let (a, b) = (layers(a.to_vec())?, layers(b.to_vec())?);
    let (body, shortcut) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    Ok(LayerSpec::Residual { body, shortcut })
}
