//! The names of modules in other programs.

/// Who named the modules of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// PyTorch's torchvision.
    Torchvision,
    /// The package timm, by R. Wightman.
    Timm,
    /// The EfficientNets of L. Melas-Kyriazi, from which those of other packages come.
    EfficientNet,
}

impl Naming {
    /// All of them.
    pub const ALL: [Naming; 3] = [Naming::Torchvision, Naming::Timm, Naming::EfficientNet];

    /// Its own of these names.
    pub(super) fn of(self, names: [&str; 3]) -> &str {
        names[self as usize]
    }
}
