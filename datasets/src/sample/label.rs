//! Labels: the number of a class, or the mark of a sample without one.

/// The mark of a sample without a label.
pub const UNLABELLED: u16 = u16::MAX;

/// The largest number of classes.
pub const MOST_CLASSES: usize = UNLABELLED as usize;
