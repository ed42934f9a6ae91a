//! Windows over images, frames around them, and other orders of their values.

use super::super::walk::{Order, Place, Walk};
use crate::layer_spec::{LayerSpec, Padding, PoolSpec};
use crate::weights::onnx::OnnxNode;

/// Height and width of an attribute.
pub fn pair(values: Option<&[i64]>, usual: usize) -> Option<[usize; 2]> {
    match values {
        None => Some([usual; 2]),
        Some(&[height, width]) => Some([height.try_into().ok()?, width.try_into().ok()?]),
        Some(_) => None,
    }
}

impl<'g> Walk<'g> {
    /// The zeros around the image, which no layer has taken in yet.
    pub(super) fn padding(&self, node: &OnnxNode, at: &mut Place) -> Result<Padding, String> {
        let before = std::mem::take(&mut at.padding);
        let own = match node.text("auto_pad") {
            "" | "NOTSET" => match node.ints("pads") {
                None => [0; 4],
                Some(pads) => {
                    let pads: Option<Vec<usize>> =
                        pads.iter().map(|&n| usize::try_from(n).ok()).collect();
                    pads.and_then(|pads| <[usize; 4]>::try_from(pads).ok())
                        .ok_or_else(|| self.wrong(node, "has pads that are not four numbers"))?
                }
            },
            "VALID" => [0; 4],
            "SAME_UPPER" if before == [0; 4] => return Ok(Padding::Same),
            other => {
                let problem = format!("pads by {other}: narrows has NOTSET, VALID and SAME_UPPER");
                return Err(self.wrong(node, &problem));
            }
        };
        Ok(Padding::Sides(std::array::from_fn(|i| own[i] + before[i])))
    }

    pub(super) fn pool(&self, node: &'g OnnxNode, at: &mut Place) -> Result<PoolSpec, String> {
        let kernel = node.ints("kernel_shape").and_then(|kernel| pair(Some(kernel), 1));
        let sizes = pair(node.ints("strides"), 1).zip(pair(node.ints("dilations"), 1));
        let (Some(kernel), Some((stride, [1, 1]))) = (kernel, sizes) else {
            return Err(self.wrong(node, "has a window with gaps, or none for images"));
        };
        if at.order != Order::ChannelsFirst || at.padding != [0; 4] {
            return Err(
                self.wrong(node, "takes a padded image, or one whose channels are not first")
            );
        }
        let padding = self.padding(node, at)?;
        let is_max = node.operator == "MaxPool";
        let include = is_max || padding == Padding::NONE || node.int("count_include_pad", 0) != 0;
        Ok(PoolSpec {
            kernel,
            stride,
            padding,
            ceil_mode: node.int("ceil_mode", 0) != 0,
            count_include_pad: include,
        })
    }

    /// The axes of a node: an attribute, or an input of later versions.
    fn axes(&self, node: &'g OnnxNode) -> Option<Vec<i64>> {
        let given = self.graph.integers.get(node.input(1)).map(|axes| axes.values.clone());
        given.or_else(|| node.ints("axes").map(<[i64]>::to_vec))
    }

    pub(super) fn mean(&self, node: &'g OnnxNode, at: &mut Place) -> Result<LayerSpec, String> {
        let mut axes = self.axes(node).unwrap_or_default();
        axes.iter_mut().filter(|axis| **axis < 0).for_each(|axis| *axis += 4);
        axes.sort_unstable();
        let pixels = match at.order {
            Order::ChannelsFirst => axes == [2, 3],
            Order::ChannelsLast => axes == [1, 2],
            Order::Flat => false,
        };
        if !pixels || at.shape.dims().len() != 3 {
            return Err(self.wrong(node, "is not the mean of each channel over the whole image"));
        }
        if node.int("keepdims", 1) == 0 {
            at.order = Order::Flat;
        }
        Ok(LayerSpec::GlobalAvgPool)
    }

    pub(super) fn pad(&self, node: &'g OnnxNode, at: &mut Place) -> Result<(), String> {
        let given = self.graph.integers.get(node.input(1)).map(|pads| &pads.values[..]);
        let pads = given.or_else(|| node.ints("pads"));
        let value = match node.input(2) {
            "" => node.float("value", 0.0),
            _ => self.constant(node, 2)?.values.first().copied().unwrap_or(0.0),
        };
        let sides = match (at.order, pads) {
            (Order::ChannelsFirst, Some(&[0, 0, top, left, 0, 0, bottom, right]))
            | (Order::ChannelsLast, Some(&[0, top, left, 0, 0, bottom, right, 0])) => {
                Some([top, left, bottom, right])
            }
            _ => None,
        };
        let sides = sides.and_then(|sides| {
            let sides: Vec<usize> = sides.iter().filter_map(|&n| n.try_into().ok()).collect();
            <[usize; 4]>::try_from(sides).ok()
        });
        match sides {
            Some(sides) if value == 0.0 && matches!(node.text("mode"), "" | "constant") => {
                for (padding, side) in at.padding.iter_mut().zip(sides) {
                    *padding += side;
                }
                Ok(())
            }
            _ => Err(self.wrong(node, "is no frame of zeros around an image")),
        }
    }

    pub(super) fn transpose(&self, node: &'g OnnxNode, at: &mut Place) -> Result<(), String> {
        at.order = match (at.order, node.ints("perm")) {
            (Order::ChannelsFirst, Some([0, 2, 3, 1])) => Order::ChannelsLast,
            (Order::ChannelsLast, Some([0, 3, 1, 2])) => Order::ChannelsFirst,
            (_, perm) => {
                let problem = format!("turns dimensions by {:?}", perm.unwrap_or_default());
                return Err(self.wrong(node, &problem));
            }
        };
        Ok(())
    }

    /// An image becomes a row of values, or a single pixel goes from one form to another.
    pub(super) fn reshape(&self, node: &'g OnnxNode, at: &mut Place) -> Result<(), String> {
        let dims = at.shape.dims();
        let channels = *dims.last().expect("a shape has a dimension");
        let is_pixel = dims.iter().product::<usize>() == channels;
        let to: Vec<i64> = match &node.operator[..] {
            "Flatten" if node.int("axis", 1) == 1 => vec![0, -1],
            "Reshape" => self
                .graph
                .integers
                .get(node.input(1))
                .map(|to| to.values.clone())
                .ok_or_else(|| self.wrong(node, "takes a shape that is no constant"))?,
            // To or from a single pixel.
            "Squeeze" if is_pixel => vec![0, -1],
            "Unsqueeze" if is_pixel && self.axes(node).is_some_and(|axes| axes == [2, 3]) => {
                vec![0, -1, 1, 1]
            }
            _ => return Err(self.wrong(node, "turns an image into something else")),
        };
        let is_all = |n: i64| n == -1 || usize::try_from(n).is_ok_and(|n| n == at.shape.len());
        match to[..] {
            [_, n] if is_all(n) => {
                if !is_pixel && at.order == Order::ChannelsFirst && dims.len() == 3 {
                    at.flattened = Some([dims[0], dims[1], dims[2]]);
                }
                at.order = Order::Flat;
            }
            [_, 1, 1, n] if is_pixel && is_all(n) => at.order = Order::ChannelsLast,
            [_, n, 1, 1] if is_pixel && is_all(n) => at.order = Order::ChannelsFirst,
            _ => return Err(self.wrong(node, &format!("turns an image into {to:?}"))),
        }
        Ok(())
    }
}
