//! Layers whose statistics are constants.

use super::LayerSpec;

impl LayerSpec {
    /// Makes constants of the running statistics of batch norms, in blocks as well.
    pub fn freeze_statistics(&mut self) {
        match self {
            LayerSpec::BatchNorm { frozen, .. } => *frozen = true,
            LayerSpec::Residual { body, shortcut } => {
                body.iter_mut().chain(shortcut).for_each(LayerSpec::freeze_statistics);
            }
            LayerSpec::SqueezeExcitation { gate } => {
                gate.iter_mut().for_each(LayerSpec::freeze_statistics);
            }
            _ => {}
        }
    }
}
