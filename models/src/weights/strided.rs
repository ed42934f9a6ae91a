//! Tensors that lie in a storage with strides.

use super::element::Element;
use super::{MOST_DIMENSIONS, Tensor, count};

/// The place of a tensor's values in its storage, in values.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

impl Layout {
    /// That of a tensor with a storage of its own.
    pub(super) fn contiguous(shape: Vec<usize>) -> Layout {
        Layout { offset: 0, strides: row_major(&shape), shape }
    }

    /// The number of values, if the tensor lies within a storage of `length` values.
    pub(super) fn check(&self, length: usize) -> Result<usize, String> {
        let Layout { offset, shape, strides } = self;
        if shape.len() > MOST_DIMENSIONS {
            let dimensions = shape.len();
            return Err(format!(
                "has {dimensions} dimensions, where {MOST_DIMENSIONS} are the most"
            ));
        }
        if strides.len() != shape.len() {
            return Err(format!("has the shape {shape:?} and the strides {strides:?}"));
        }
        let values = count(shape).ok_or_else(|| format!("is too large: its shape is {shape:?}"))?;
        let last = shape.iter().zip(strides).try_fold(*offset, |last, (&size, &stride)| {
            last.checked_add(size.saturating_sub(1).checked_mul(stride)?)
        });
        if values > 0 && last.is_none_or(|last| last >= length) {
            return Err(format!(
                "reaches beyond its storage of {length} values: the shape {shape:?}, the strides \
                 {strides:?}, the offset {offset}"
            ));
        }
        Ok(values)
    }

    /// The tensor, which was checked, of a storage.
    pub(super) fn gather(self, element: Element, storage: &[u8]) -> Tensor {
        let values = count(&self.shape).unwrap_or(0);
        if values == 0 {
            return Tensor { shape: self.shape, values: Vec::new() };
        }
        let size = element.size();
        let contiguous = row_major(&self.shape);
        // The stride of a dimension of one value says nothing.
        let mut dimensions = self.shape.iter().zip(self.strides.iter().zip(&contiguous));
        if dimensions.all(|(&length, (stride, contiguous))| length == 1 || stride == contiguous) {
            let bytes = &storage[self.offset * size..(self.offset + values) * size];
            return Tensor { shape: self.shape, values: element.read(bytes) };
        }
        let mut gathered = Vec::with_capacity(values * size);
        let (mut index, mut at) = (vec![0; self.shape.len()], self.offset);
        for _ in 0..values {
            gathered.extend_from_slice(&storage[at * size..(at + 1) * size]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= index[axis] * self.strides[axis];
                index[axis] = 0;
            }
        }
        Tensor { shape: self.shape, values: element.read(&gathered) }
    }
}

/// The strides of a contiguous tensor.
fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_say_where_values_are() {
        let bytes: Vec<u8> = (0..24).flat_map(|n| (n as f32).to_le_bytes()).collect();
        let shapes: [(&[usize], &[usize], usize); 6] = [
            (&[2, 3], &[3, 1], 4),
            (&[3, 2], &[1, 3], 0),
            (&[2, 2, 2], &[1, 8, 3], 5),
            (&[4, 2], &[0, 2], 1),
            (&[1, 5], &[100_000, 1], 19),
            (&[], &[], 23),
        ];
        for (shape, strides, offset) in shapes {
            let layout = Layout { offset, shape: shape.into(), strides: strides.into() };
            layout.check(24).unwrap();
            let tensor = layout.gather(Element::F32, &bytes);
            // Each value by its index alone.
            let expected: Vec<f32> = (0..tensor.values.len())
                .map(|mut flat| {
                    let mut at = offset;
                    for (&length, &stride) in shape.iter().zip(strides).rev() {
                        at += flat % length * stride;
                        flat /= length;
                    }
                    at as f32
                })
                .collect();
            assert_eq!(tensor.values, expected, "{shape:?} {strides:?}");
        }
    }
}
