//! Which algorithm is chosen, that its scratch suffices, and that the three passes belong together.

use super::*;
use crate::hardware::simd::Isa;
use crate::math::random::Random;

struct Case {
    conv: Conv,
    /// Of each direction, on an ISA with a kernel for windows.
    expected: [Algorithm; 3],
}

/// A kernel of that size over an image: `[kernel, stride, padding, dilation]`.
fn case(
    window: [usize; 4],
    image: [usize; 3],
    map_channels: usize,
    groups: usize,
    expected: [Algorithm; 3],
) -> Case {
    let [kernel, stride, padding, dilation] = window.map(Size::from);
    let padding = Padding::Sides(padding.into());
    let window = Window { kernel, stride, padding, dilation };
    let conv = Conv::over(window, &image.into(), map_channels, groups).expect("a convolution");
    Case { conv, expected }
}

fn cases() -> Vec<Case> {
    use Algorithm::*;
    vec![
        case([1, 1, 0, 1], [5, 6, 3], 4, 1, [Pointwise; 3]),
        case([3, 2, 1, 1], [31, 33, 6], 6, 6, [Depthwise; 3]),
        case([3, 1, 1, 1], [29, 29, 3], 4, 1, [Strided, Fold, Strided]),
        case([3, 1, 1, 1], [29, 29, 12], 16, 1, [Strided; 3]),
        case([3, 2, 1, 1], [8, 8, 32], 64, 1, [Winograd; 3]),
        case([3, 2, 1, 1], [15, 16, 32], 32, 1, [Winograd; 3]),
        case([3, 2, 1, 1], [20, 16, 32], 32, 1, [Gathered; 3]),
        case([3, 2, 1, 1], [80, 72, 32], 64, 1, [Winograd, Strided, Winograd]),
        case([3, 2, 2, 2], [47, 45, 12], 8, 1, [Gathered; 3]),
        case([3, 2, 1, 1], [47, 45, 8], 4, 2, [Gathered; 3]),
    ]
}

fn numbers(purpose: u64, len: usize) -> Vec<f32> {
    let mut v = vec![0.0; len];
    Random::new(5, purpose).fill_normal(len as u64, 0, &mut v);
    v
}

fn dot(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

#[test]
fn every_algorithm_is_chosen_for_some_case() {
    let mut chosen = Vec::new();
    for isa in Isa::available() {
        for Case { conv, expected } in cases() {
            for (direction, expected) in Direction::ALL.into_iter().zip(expected) {
                let plain = matches!(isa, Isa::Plain(_)) && expected == Algorithm::Strided;
                let expected = if plain { Algorithm::Gathered } else { expected };
                let algorithm = Choice::of(&conv).get(direction, isa);
                assert_eq!(algorithm, expected, "{direction:?} of {conv:?} on {}", isa.name());
                chosen.push(algorithm);
            }
        }
    }
    use Algorithm::*;
    for algorithm in [Pointwise, Depthwise, Fold, Winograd, Gathered] {
        assert!(chosen.contains(&algorithm), "{algorithm:?}");
    }
}

/// `map . dmap`, `image . dimage` and `weight . dweight` are one sum in three orders: the passes
/// are each other's derivatives. Each gets no more scratch than it asks for.
#[test]
fn passes_belong_together_and_keep_to_their_scratch() {
    const GUARDS: usize = 40;
    let batch = 3;
    for isa in Isa::available() {
        for threads in [1, 2] {
            let cx = Context::with_isa(isa, threads).expect("threads");
            for Case { conv, .. } in cases() {
                let convolution = Convolution::new(conv);
                let with_scratch = |direction: Direction, pass: &mut dyn FnMut(&mut [f32])| {
                    let algorithm = convolution.choice.get(direction, isa);
                    let len = algorithm.scratch_len(&conv, direction, batch);
                    assert!(len <= convolution.scratch_len(batch), "{direction:?} of {conv:?}");
                    let mut scratch = vec![f32::NAN; len + GUARDS];
                    scratch[len..].fill(7.0);
                    pass(&mut scratch[..len]);
                    assert_eq!(scratch[len..], [7.0; GUARDS], "{direction:?} of {conv:?}");
                };
                let image = numbers(1, batch * conv.image_len());
                let dmap = numbers(2, batch * conv.map_len());
                let weight = numbers(3, conv.weight_len());
                let mut map = vec![f32::NAN; dmap.len()];
                let mut dimage = vec![f32::NAN; image.len()];
                let mut dweight = vec![f32::NAN; weight.len()];
                for (direction, from, to) in [
                    (Direction::Forward, &image, &mut map),
                    (Direction::InputGradient, &dmap, &mut dimage),
                ] {
                    with_scratch(direction, &mut |scratch| {
                        let (cx, weight, epilogue) = (&cx, &weight, Epilogue::default());
                        let operands = Operands { cx, from, weight, to, epilogue, scratch };
                        convolution.run(direction, operands);
                    });
                }
                with_scratch(Direction::WeightGradient, &mut |scratch| {
                    let (cx, image, dmap, grad) = (&cx, &image, &dmap, &mut dweight);
                    let accumulate = false;
                    let sums = WeightSums { cx, image, dmap, grad, accumulate, scratch };
                    convolution.weight_gradient(sums);
                });
                let expected = dot(&map, &dmap);
                let bound = 1e-5 * (dot(&map, &map) * dot(&dmap, &dmap)).sqrt();
                for (of, sum) in
                    [("image", dot(&image, &dimage)), ("weight", dot(&weight, &dweight))]
                {
                    assert!(
                        (sum - expected).abs() <= bound,
                        "{of} of {conv:?} on {}: {sum} instead of {expected}",
                        isa.name()
                    );
                }
            }
        }
    }
}
