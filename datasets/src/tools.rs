//! Work on whole data sets: packing, dividing, inspecting and exporting them.

pub(crate) mod both_halves;
pub(crate) mod duplicates;
pub(crate) mod export;
pub(crate) mod inspect;
pub(crate) mod pack;
pub(crate) mod split;
