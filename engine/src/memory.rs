//! Aligned slabs: the one kind of memory that the engine allocates, and only while planning.

use bytemuck::{Pod, Zeroable};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// A cache line, which is also the widest vector.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; FLOATS_PER_LINE]);

/// The floats in a cache line. Ranges that start at a multiple of it are aligned for every ISA.
pub const FLOATS_PER_LINE: usize = 16;

/// Floats that start at a multiple of 64 bytes, zero at first. It derefs to a slice.
///
/// Large slabs come from the system as untouched pages: what is never written takes no memory.
#[derive(Clone, Default)]
pub struct Slab {
    lines: Vec<Line>,
    len: usize,
}

impl Slab {
    /// `len` zeros.
    pub fn new(len: usize) -> Slab {
        Slab { lines: bytemuck::allocation::zeroed_vec(len.div_ceil(FLOATS_PER_LINE)), len }
    }

    /// Makes room for at least `len` floats; what it held is lost if it has to grow.
    pub fn ensure(&mut self, len: usize) {
        if self.len < len {
            *self = Slab::new(len);
        }
    }
}

impl Deref for Slab {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl DerefMut for Slab {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl fmt::Debug for Slab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slab({} floats)", self.len)
    }
}

/// `len` rounded up to whole cache lines.
pub fn padded(len: usize) -> usize {
    len.next_multiple_of(FLOATS_PER_LINE)
}
