//! The sections of models.

/// The section that a transfer copies.
pub const ENCODER: &str = "encoder";
/// The section between the encoder and the rest, if there is one. It has no parameters.
pub(crate) const CODE: &str = "code";
/// The section that turns latent codes back into samples.
pub const DECODER: &str = "decoder";
/// The section that a transfer starts afresh.
pub const HEAD: &str = "head";
