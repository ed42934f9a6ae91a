//! Aligned slabs: the one kind of memory that the engine allocates, and only while planning.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// The floats in a cache line, which is also the widest vector. Ranges that start at a multiple of
/// it are aligned for every ISA.
pub const FLOATS_PER_LINE: usize = 16;

/// Floats that start at a multiple of 64 bytes, zero at first. It derefs to a slice.
///
/// Large slabs come from the system as untouched pages: what is never written takes no memory.
#[derive(Default)]
pub struct Slab {
    // A vector of plain floats, which never grows, and where its first whole cache line starts. A
    // vector of whole lines would need no start, but the standard library clears memory of such an
    // alignment by hand: 11 of the 30 milliseconds before a network of a million parameters took
    // its first step.
    floats: Vec<f32>,
    start: usize,
    len: usize,
}

impl Slab {
    /// `len` zeros.
    pub fn new(len: usize) -> Slab {
        if len == 0 {
            return Slab::default();
        }
        let floats = vec![0.0; len + FLOATS_PER_LINE - 1];
        let start = floats.as_ptr().align_offset(FLOATS_PER_LINE * size_of::<f32>());
        assert!(start < FLOATS_PER_LINE, "floats that cannot be aligned");
        Slab { floats, start, len }
    }

    /// Makes room for at least `len` floats; what it held is lost if it has to grow.
    pub fn ensure(&mut self, len: usize) {
        if self.len < len {
            *self = Slab::new(len);
        }
    }
}

impl Clone for Slab {
    fn clone(&self) -> Slab {
        let mut slab = Slab::new(self.len);
        slab.copy_from_slice(self);
        slab
    }
}

impl Deref for Slab {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.floats[self.start..][..self.len]
    }
}

impl DerefMut for Slab {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.floats[self.start..][..self.len]
    }
}

impl fmt::Debug for Slab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slab({} floats)", self.len)
    }
}

/// Floats of a slab that a thread keeps for the next time, so that what was run before allocates
/// nothing. They go back when dropped.
pub(crate) struct Borrowed {
    slab: Slab,
    len: usize,
    home: &'static LocalKey<Cell<Slab>>,
}

/// `len` floats of any content, of a slab that only grows.
#[inline(always)]
pub(crate) fn borrow(home: &'static LocalKey<Cell<Slab>>, len: usize) -> Borrowed {
    let mut slab = home.take();
    slab.ensure(len);
    Borrowed { slab, len, home }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.home.set(std::mem::take(&mut self.slab));
    }
}

impl Deref for Borrowed {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.slab[..self.len]
    }
}

impl DerefMut for Borrowed {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.slab[..self.len]
    }
}

/// `len` rounded up to whole cache lines.
pub fn padded(len: usize) -> usize {
    len.next_multiple_of(FLOATS_PER_LINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_and_their_clones_are_aligned_zeros_of_their_length() {
        for len in [0, 1, 15, 16, 17, 1000, 1 << 20] {
            let mut slab = Slab::new(len);
            assert!(slab.len() == len && slab.iter().all(|&x| x == 0.0));
            slab.iter_mut().enumerate().for_each(|(i, x)| *x = i as f32);
            let clone = slab.clone();
            assert_eq!(clone[..], slab[..]);
            for slab in [&slab, &clone] {
                assert!(len == 0 || slab.as_ptr().addr() % 64 == 0, "{len}");
            }
        }
    }

    #[test]
    fn a_slab_grows_and_does_not_shrink() {
        let mut slab = Slab::new(3);
        slab[0] = 1.0;
        slab.ensure(2);
        assert_eq!(slab[..], [1.0, 0.0, 0.0]);
        slab.ensure(4);
        assert_eq!(slab[..], [0.0; 4]);
    }
}
