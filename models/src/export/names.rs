//! Names for layers.

use crate::layer_spec::LayerSpec;
use std::collections::HashSet;

type Section = (&'static str, Vec<LayerSpec>);

/// The same sections, in which each layer with parameters has a name that no other has: that of
/// the network where it has none, `encoder.3.shortcut.0`.
pub fn named(sections: &[Section]) -> Vec<Section> {
    let mut taken = HashSet::new();
    let mut name_all = |(section, specs): &Section| {
        let mut specs = specs.clone();
        name(section, &mut specs, &mut taken);
        (*section, specs)
    };
    sections.iter().map(&mut name_all).collect()
}

fn name(path: &str, specs: &mut [LayerSpec], taken: &mut HashSet<String>) {
    for (i, spec) in specs.iter_mut().enumerate() {
        let path = format!("{path}.{i}");
        let (name, default) = match spec {
            LayerSpec::Linear(spec) => (&mut spec.name, path),
            LayerSpec::Conv2d(spec) => (&mut spec.name, path),
            LayerSpec::ConvTranspose2d(spec) => (&mut spec.name, path),
            LayerSpec::BatchNorm { name, .. } | LayerSpec::LayerNorm { name, .. } => (name, path),
            // The name is that of its one parameter.
            LayerSpec::LayerScale { name } => (name, format!("{path}.weight")),
            LayerSpec::Residual { body, shortcut } => {
                self::name(&path, body, taken);
                self::name(&format!("{path}.shortcut"), shortcut, taken);
                continue;
            }
            LayerSpec::SqueezeExcitation { gate } => {
                self::name(&path, gate, taken);
                continue;
            }
            _ => continue,
        };
        let wanted = if name.is_empty() { default } else { name.clone() };
        *name = unique(wanted, taken);
    }
}

/// That name, or with a number behind it if it is taken.
pub fn unique(wanted: String, taken: &mut HashSet<String>) -> String {
    let mut name = wanted.clone();
    let mut number = 0;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{wanted}.{number}");
    }
    name
}
