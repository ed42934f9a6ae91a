//! The number of a class, or of none.

/// The label of a sample that has none.
pub const UNLABELLED: u16 = u16::MAX;

/// The most classes that there can be.
pub const MOST_CLASSES: usize = UNLABELLED as usize;
