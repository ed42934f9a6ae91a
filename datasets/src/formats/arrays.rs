//! Arrays of numbers, as IDX, NumPy's and safetensors' files hold them.
//!
//! Each format's file finds the arrays (`header`) and where their values lie (`stored`). Values
//! that cannot stay in the file are converted as they arrive (`decoder`). `names` and `labels` tell
//! samples from labels, and `open` makes a data set of them.

pub(crate) mod decoder;
mod element;
mod header;
pub(crate) mod idx;
mod labels;
mod member;
mod names;
pub(crate) mod npy;
pub(crate) mod npz;
pub(crate) mod open;
pub(crate) mod safetensors;
mod stored;
#[cfg(test)]
mod tests;
