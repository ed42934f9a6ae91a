//! Layers within the one in front of them: batch norm, and a cut.
//!
//! ```text
//! behind training: y = gamma (W x + b - mean) / sqrt(var + eps) + beta
//!                    = (s W) x + (b - mean) s + beta,     s = gamma / sqrt(var + eps)
//! ```

use crate::layer_spec::LayerSpec;
use crate::weights::Tensor;
use std::collections::BTreeMap;

/// Takes each batch norm behind a linear layer or a convolution into that layer, in branches too.
/// Dropout, which does nothing behind training, goes. Tells how many were taken in.
pub fn fold(layers: &mut Vec<LayerSpec>, tensors: &mut BTreeMap<String, Tensor>) -> usize {
    let mut folded = 0;
    let mut kept: Vec<LayerSpec> = Vec::with_capacity(layers.len());
    for mut spec in std::mem::take(layers) {
        match &mut spec {
            LayerSpec::Dropout { .. } => continue,
            LayerSpec::Residual { body, shortcut } => {
                folded += fold(body, tensors) + fold(shortcut, tensors);
            }
            LayerSpec::SqueezeExcitation { gate } => folded += fold(gate, tensors),
            LayerSpec::BatchNorm { name, eps, .. } => {
                if let Some(front) = kept.last_mut()
                    && take_in(front, name, *eps, tensors).is_some()
                {
                    folded += 1;
                    continue;
                }
            }
            _ => {}
        }
        kept.push(spec);
    }
    *layers = kept;
    folded
}

/// Takes each cut behind a linear layer into that layer.
pub fn narrow(layers: &mut Vec<LayerSpec>, tensors: &mut BTreeMap<String, Tensor>) {
    let mut kept: Vec<LayerSpec> = Vec::with_capacity(layers.len());
    for spec in std::mem::take(layers) {
        if let (LayerSpec::Narrow { len }, Some(LayerSpec::Linear(front))) =
            (&spec, kept.last_mut())
        {
            front.outputs = *len;
            for parameter in ["weight", "bias"] {
                if let Some(tensor) = tensors.get_mut(&format!("{}.{parameter}", front.name)) {
                    tensor.shape[0] = *len;
                    tensor.values.truncate(tensor.shape.iter().product());
                }
            }
        } else {
            kept.push(spec);
        }
    }
    *layers = kept;
}

/// Takes the batch norm `name` into a layer; `None` if that has no weights to take it in.
fn take_in(
    front: &mut LayerSpec,
    name: &str,
    eps: f32,
    tensors: &mut BTreeMap<String, Tensor>,
) -> Option<()> {
    // The dimension of the weight that is the channels of the output.
    let (layer, bias, dimension) = match front {
        LayerSpec::Linear(spec) => (&spec.name, &mut spec.bias, 0),
        LayerSpec::Conv2d(spec) => (&spec.name, &mut spec.bias, 0),
        LayerSpec::ConvTranspose2d(spec) => (&spec.name, &mut spec.bias, 1),
        _ => return None,
    };
    let of_layer = |parameter: &str| format!("{layer}.{parameter}");
    let [gamma, beta, mean, var] = ["weight", "bias", "running_mean", "running_var"]
        .map(|parameter| format!("{name}.{parameter}"))
        .map(|name| tensors.remove(&name).map_or(Vec::new(), |tensor| tensor.values));
    let scale: Vec<f64> = (gamma.iter().zip(&var))
        .map(|(&gamma, &var)| f64::from(gamma) / (f64::from(var) + f64::from(eps)).sqrt())
        .collect();
    let weight = tensors.get_mut(&of_layer("weight"))?;
    let inner: usize = weight.shape[dimension + 1..].iter().product();
    for (place, value) in weight.values.iter_mut().enumerate() {
        let channel = place / inner % weight.shape[dimension];
        *value = (f64::from(*value) * scale[channel]) as f32;
    }
    let old = tensors.remove(&of_layer("bias"));
    let values: Vec<f32> = (0..scale.len())
        .map(|i| {
            let old = old.as_ref().map_or(0.0, |bias| f64::from(bias.values[i]));
            (f64::from(beta[i]) + (old - f64::from(mean[i])) * scale[i]) as f32
        })
        .collect();
    tensors.insert(of_layer("bias"), Tensor { shape: vec![values.len()], values });
    *bias = true;
    Some(())
}
