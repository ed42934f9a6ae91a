//! Settings that were checked, once.

use std::ops::Deref;

/// Settings that make sense: their `check` alone makes one, and what they describe is run from it.
/// So everything is checked before anything is trained, and once.
#[derive(Clone, Copy, Debug)]
#[must_use = "settings are checked to be run"]
pub struct Checked<'a, T>(&'a T);

impl<'a, T> Checked<'a, T> {
    pub(crate) fn new(settings: &'a T) -> Checked<'a, T> {
        Checked(settings)
    }
}

impl<T> Deref for Checked<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}
