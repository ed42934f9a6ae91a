//! Matrices as views into slices: a start, a shape and two strides.

use crate::hardware::parallel::Split;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;

/// The shape and strides of a matrix.
#[derive(Clone, Copy)]
struct Layout {
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl Layout {
    /// The layout of a contiguous row-major matrix. Panics unless it has `len` elements.
    fn contiguous(len: usize, rows: usize, cols: usize) -> Layout {
        assert!(
            rows.checked_mul(cols) == Some(len),
            "a contiguous {rows} x {cols} matrix does not have {len} elements"
        );
        Layout { rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// Panics unless the matrix lies within `len` floats.
    #[inline(always)]
    fn check_inside(self, len: usize) {
        let Layout { rows, cols, row_stride, col_stride } = self;
        let (Some(down), Some(right)) = (rows.checked_sub(1), cols.checked_sub(1)) else { return };
        let (down, right) = (down.checked_mul(row_stride), right.checked_mul(col_stride));
        let last = down.zip(right).and_then(|(down, right)| down.checked_add(right));
        let last = last.expect("the offsets of a matrix overflow");
        assert!(
            last < len,
            "the last element of a {rows} x {cols} matrix with strides {row_stride} and \
             {col_stride} is number {last}, outside its {len} floats"
        );
    }

    fn transposed(self) -> Layout {
        let Layout { rows, cols, row_stride, col_stride } = self;
        Layout { rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride }
    }

    /// Where element `(i, j)` lies.
    #[inline(always)]
    fn offset(self, i: usize, j: usize) -> usize {
        i * self.row_stride + j * self.col_stride
    }

    /// Where the block starts of `rows` rows from `i` on and `cols` columns from `j` on, and its
    /// layout. The start is 0 if the block is empty.
    #[inline(always)]
    fn block(self, i: usize, rows: usize, j: usize, cols: usize) -> (usize, Layout) {
        let inside = holds(self.rows, i, rows) && holds(self.cols, j, cols);
        assert!(inside, "a block outside its matrix");
        let start = if rows == 0 || cols == 0 { 0 } else { self.offset(i, j) };
        (start, Layout { rows, cols, ..self })
    }
}

/// True if `start..start + len` lies within `0..size`.
#[inline(always)]
fn holds(size: usize, start: usize, len: usize) -> bool {
    len <= size && start <= size - len
}

/// Where part `i` of `count` parts of `0..n` starts, whose lengths differ by one at most. It is `i
/// n / count`, but `i n` may be more than a `usize` holds; `i count` is not, for any product that
/// ends.
#[inline(always)]
pub(super) fn part(i: usize, n: usize, count: usize) -> usize {
    // Small products are not to divide.
    if count == 1 { i * n } else { i * (n / count) + i * (n % count) / count }
}

/// Gives a view what it has from its layout.
macro_rules! layout {
    ($Mat:ident) => {
        impl $Mat<'_> {
            /// The number of rows.
            pub fn rows(&self) -> usize {
                self.layout.rows
            }

            /// The number of columns.
            pub fn cols(&self) -> usize {
                self.layout.cols
            }

            /// The distance of vertical neighbours.
            pub(super) fn row_stride(&self) -> usize {
                self.layout.row_stride
            }

            /// The distance of horizontal neighbours.
            pub(super) fn col_stride(&self) -> usize {
                self.layout.col_stride
            }

            /// Rows and columns exchanged; nothing moves.
            #[must_use]
            pub fn transposed(self) -> Self {
                $Mat { layout: self.layout.transposed(), ..self }
            }
        }

        impl fmt::Debug for $Mat<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Layout { rows, cols, row_stride, col_stride } = self.layout;
                let name = stringify!($Mat);
                write!(f, "{name}({rows} x {cols}, strides {row_stride}, {col_stride})")
            }
        }
    };
}

layout!(MatRef);
layout!(MatMut);

/// A matrix to read: element `(i, j)` lies at `i * row_stride + j * col_stride`.
#[derive(Clone, Copy)]
pub struct MatRef<'a> {
    data: &'a [f32],
    layout: Layout,
}

impl<'a> MatRef<'a> {
    /// A contiguous row-major matrix.
    ///
    /// # Panics
    /// If `data.len() != rows * cols`.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        MatRef { data, layout: Layout::contiguous(data.len(), rows, cols) }
    }

    /// A matrix with any strides, counted in elements; 0 repeats a row or column.
    ///
    /// # Panics
    /// If the last element lies outside `data`.
    pub fn with_strides(
        data: &'a [f32],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Self {
        let layout = Layout { rows, cols, row_stride, col_stride };
        layout.check_inside(data.len());
        MatRef { data, layout }
    }

    /// The storage from element (0, 0) on. It reaches at least to the last element.
    pub(super) fn data(self) -> &'a [f32] {
        self.data
    }

    /// `rows` rows from `i` on, `cols` columns from `j` on.
    pub(super) fn block(self, i: usize, rows: usize, j: usize, cols: usize) -> MatRef<'a> {
        let (start, layout) = self.layout.block(i, rows, j, cols);
        MatRef { data: &self.data[start..], layout }
    }

    /// Element `(i, j)`.
    #[inline(always)]
    pub(super) fn at(self, i: usize, j: usize) -> f32 {
        self.data[self.layout.offset(i, j)]
    }
}

/// A matrix to write: element `(i, j)` lies at `i * row_stride + j * col_stride`, and no two
/// elements at the same place. Storage between the elements is never touched.
pub struct MatMut<'a> {
    // A pointer, since the columns of a matrix can be dealt out to several threads, but not as
    // slices. Invariant, from the constructors on: all elements are inside the borrowed slice and
    // distinct.
    start: NonNull<f32>,
    layout: Layout,
    slice: PhantomData<&'a mut [f32]>,
}

// SAFETY: it stands for a `&mut [f32]` restricted to its elements, and no other view has those.
unsafe impl Send for MatMut<'_> {}

impl<'a> MatMut<'a> {
    /// A contiguous row-major matrix.
    ///
    /// # Panics
    /// If `data.len() != rows * cols`.
    pub fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        Layout::contiguous(data.len(), rows, cols);
        MatMut::with_strides(data, rows, cols, cols.max(1), 1)
    }

    /// A matrix with any strides that keep its elements apart, counted in elements.
    ///
    /// # Panics
    /// If the last element lies outside `data`, or if the strides may put two elements at one
    /// place: one of the strides has to step over all that the other spans.
    pub fn with_strides(
        data: &'a mut [f32],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Self {
        let layout = Layout { rows, cols, row_stride, col_stride };
        layout.check_inside(data.len());
        // No overflow: the larger sums were checked just above.
        let steps_over = |outer: usize, outer_stride: usize, inner: usize, inner_stride: usize| {
            (inner <= 1 || inner_stride >= 1)
                && (outer <= 1 || outer_stride > (inner - 1) * inner_stride)
        };
        assert!(
            rows == 0
                || cols == 0
                || steps_over(rows, row_stride, cols, col_stride)
                || steps_over(cols, col_stride, rows, row_stride),
            "elements of a {rows} x {cols} matrix with strides {row_stride} and {col_stride} may \
             coincide"
        );
        MatMut { start: NonNull::from(data).cast(), layout, slice: PhantomData }
    }

    /// Element (0, 0), for those who check shapes and strides themselves. May dangle if there are
    /// none.
    pub(super) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.start.as_ptr()
    }

    /// `rows` rows from `i` on, `cols` columns from `j` on, for as long as `self` is not used.
    #[inline(always)]
    pub(super) fn block(&mut self, i: usize, rows: usize, j: usize, cols: usize) -> MatMut<'_> {
        let (offset, layout) = self.layout.block(i, rows, j, cols);
        // SAFETY: the offset is 0 or that of an element, which is inside the slice.
        MatMut { start: unsafe { self.start.add(offset) }, layout, ..*self }
    }

    /// The columns `j..j + len` of row `i`.
    ///
    /// # Panics
    /// If they are not in the matrix, or neighbours not side by side in memory.
    #[inline(always)]
    pub(super) fn row(&mut self, i: usize, j: usize, len: usize) -> &mut [f32] {
        let Layout { rows, cols, row_stride, col_stride } = self.layout;
        assert!(i < rows && holds(cols, j, len) && col_stride == 1 && len > 0);
        // SAFETY: the elements `(i, j..j + len)` exist, follow each other, and are ours alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(i * row_stride + j).as_ptr(), len) }
    }

    /// Element `(i, j)`.
    #[inline(always)]
    pub(super) fn at(&mut self, i: usize, j: usize) -> &mut f32 {
        assert!(i < self.layout.rows && j < self.layout.cols);
        // SAFETY: the element exists and is ours alone.
        unsafe { self.start.add(self.layout.offset(i, j)).as_mut() }
    }
}

/// A matrix dealt out by blocks, numbered row of blocks after row of blocks.
pub(super) struct Blocks<'a> {
    /// All of it, of which only the blocks in `range` are ours.
    whole: MatMut<'a>,
    range: Range<usize>,
    down: usize,
    across: usize,
    /// The columns of a block are a multiple of it, but for the last ones.
    unit: usize,
}

impl<'a> Blocks<'a> {
    /// Deals out `c` by `down` x `across` blocks of about equal size, whose widths are multiples of
    /// `unit` where they are not cut by the edge. Some are empty if there are more blocks than
    /// units.
    pub(super) fn new(c: MatMut<'a>, down: usize, across: usize, unit: usize) -> Self {
        Blocks { whole: c, range: 0..down * across, down, across, unit }
    }

    /// The number of blocks.
    pub(super) fn count(&self) -> usize {
        self.range.len()
    }
}

impl<'a> Split for Blocks<'a> {
    type Part = (usize, usize, MatMut<'a>);

    fn split(self, tasks: usize) -> (Self, Self) {
        let Blocks { whole, range, down, across, unit } = self;
        let middle = range.end.min(range.start + tasks);
        // Blocks of different numbers have no element in common, so each part may hand out its own.
        let left =
            Blocks { whole: MatMut { ..whole }, range: range.start..middle, down, across, unit };
        (left, Blocks { whole, range: middle..range.end, down, across, unit })
    }

    /// Its first row and column, and the block.
    fn into_part(self) -> (usize, usize, MatMut<'a>) {
        let mut c = self.whole;
        assert!(!self.range.is_empty());
        let (down, across) = (self.range.start / self.across, self.range.start % self.across);
        let (m, n) = (c.rows(), c.cols());
        let units = n.div_ceil(self.unit);
        let row = |block: usize| part(block, m, self.down);
        let col = |block: usize| part(block, units, self.across).saturating_mul(self.unit).min(n);
        let (i, j) = (row(down), col(across));
        let (rows, cols) = (row(down + 1) - i, col(across + 1) - j);
        let MatMut { start, layout, .. } = c.block(i, rows, j, cols);
        (i, j, MatMut { start, layout, ..c })
    }
}

/// A number of equally distant places: their count and their distance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub count: usize,
    pub stride: usize,
}

/// A matrix to read whose rows come in images and lines, and whose columns come in runs. Row
/// `(image, line, i)` and column `(run, p)` is at `image images.stride + line lines.stride + i
/// rows.stride + run runs.stride + p columns.stride`. One of the strides of rows and columns is 1.
/// Transposed, the columns come in images, runs and columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows<'a> {
    data: &'a [f32],
    images: Steps,
    lines: Steps,
    rows: Steps,
    column_images: Steps,
    runs: Steps,
    columns: Steps,
}

impl<'a> Windows<'a> {
    /// Those of one image.
    ///
    /// # Panics
    /// If an element lies outside `data`, there is none, or neither rows nor columns are
    /// neighbours.
    pub fn new(data: &'a [f32], lines: Steps, rows: Steps, runs: Steps, columns: Steps) -> Self {
        assert!(rows.stride == 1 || columns.stride == 1, "windows of scattered floats");
        let one = Steps { count: 1, stride: 0 };
        let column_images = one;
        Windows { data, images: one, lines, rows, column_images, runs, columns }.with_images(one)
    }

    /// The same in several images, to which the rows belong.
    ///
    /// # Panics
    /// If an element lies outside `data`, or the columns belong to several images.
    pub fn with_images(self, images: Steps) -> Self {
        let Windows { lines, rows, column_images, runs, columns, .. } = self;
        assert!(column_images.count == 1, "images of rows and of columns");
        let last =
            [images, lines, rows, runs, columns].into_iter().try_fold(0usize, |sum, steps| {
                steps.count.checked_sub(1)?.checked_mul(steps.stride)?.checked_add(sum)
            });
        assert!(last.is_some_and(|last| last < self.data.len()), "windows outside their memory");
        Windows { images, ..self }
    }

    /// Rows and columns exchanged; nothing moves.
    pub fn transposed(self) -> Self {
        let Windows { data, images, lines, rows, column_images, runs, columns } = self;
        let (images, column_images) = (column_images, images);
        Windows {
            data,
            images,
            lines: runs,
            rows: columns,
            column_images,
            runs: lines,
            columns: rows,
        }
    }

    /// The memory; images, lines and rows; images, runs and columns within them.
    pub(super) fn parts(self) -> (&'a [f32], [Steps; 3], [Steps; 3]) {
        let Windows { data, images, lines, rows, column_images, runs, columns } = self;
        (data, [images, lines, rows], [column_images, runs, columns])
    }

    /// The columns.
    pub(super) fn cols(self) -> usize {
        self.column_images.count * self.runs.count * self.columns.count
    }
}
