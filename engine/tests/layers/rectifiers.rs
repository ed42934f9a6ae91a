//! A rectifier that a product has taken in, against the product and the rectifier one by one.

use crate::layers::CONTEXTS;
use crate::layers::pytorch::Subject;
use crate::support::normal;
use narrows_engine::gemm::Rectifier;
use narrows_engine::layers::{Conv2d, ConvTranspose2d, Linear};
use narrows_engine::{Layer, Pass, Shape};

/// Layers with a bias, one for each way in which products are computed, and their input.
fn products() -> Vec<(Box<dyn Layer>, Shape)> {
    let depthwise =
        |kernel: usize| Conv2d::new(20, kernel).with_groups(20).with_padding(kernel / 2);
    vec![
        (Box::new(Linear::new(37)), 29.into()),
        (Box::new(Conv2d::new(33, 1)), [9, 7, 20].into()),
        (Box::new(Conv2d::new(40, 3).with_padding(1)), [12, 11, 32].into()),
        (Box::new(Conv2d::new(18, 3).with_stride(2).with_padding(1)), [9, 9, 3].into()),
        (Box::new(depthwise(3)), [9, 7, 20].into()),
        (Box::new(depthwise(3).with_stride(2)), [9, 8, 20].into()),
        (Box::new(depthwise(4)), [9, 8, 20].into()),
        (Box::new(ConvTranspose2d::new(5, 4).with_stride(2).with_padding(1)), [6, 5, 24].into()),
        (Box::new(ConvTranspose2d::new(24, 3).with_padding(1)), [8, 8, 32].into()),
    ]
}

#[test]
fn a_rectifier_within_a_product_is_the_same_as_behind_it() {
    let (mut low, mut high) = (0, 0);
    for (layer, input) in products() {
        let specs = layer.plan(&input).unwrap().op.params();
        let lens = specs.iter().map(|spec| spec.shape.iter().product::<usize>());
        let params = normal(3, lens.sum());
        let output = layer.plan(&input).unwrap().output.len();
        let batch = 3;
        let x: Vec<f32> = normal(4, batch * input.len()).into_iter().map(|x| 3.0 * x).collect();
        let dy = normal(5, batch * output);
        let contexts = CONTEXTS.iter().flatten();
        for cx in contexts {
            for (rectifier, most) in [(Rectifier::Relu, f32::INFINITY), (Rectifier::Relu6, 6.0)] {
                let subject = || Subject::new(cx, &*layer, input.clone(), params.clone());
                let (mut plain, mut fused) = (subject(), subject());
                assert!(fused.op.take(rectifier) && !fused.op.take(Rectifier::Relu6));
                let pass = Pass::train(1, 0);
                let before = plain.pass(pass, &x, &dy).y;
                let slope = |x: f32| if x > 0.0 && x < most { 1.0 } else { 0.0 };
                let through: Vec<f32> =
                    before.iter().zip(&dy).map(|(x, dy)| dy * slope(*x)).collect();
                let expected = plain.pass(pass, &x, &through);
                let found = fused.pass(pass, &x, &dy);
                let name = format!("{} of {input}, {rectifier:?}", layer.name());
                let y: Vec<f32> = before.iter().map(|x| x.clamp(0.0, most)).collect();
                assert_eq!(found.y, y, "y of {name}");
                assert_eq!(found.dx, expected.dx, "dx of {name}");
                assert_eq!(found.grads, expected.grads, "gradients of {name}");
                low += before.iter().filter(|x| **x < 0.0).count();
                high += before.iter().filter(|x| **x > 6.0).count();
            }
        }
    }
    assert!(low > 1000 && high > 1000, "{low} values are negative, {high} above 6");
}
