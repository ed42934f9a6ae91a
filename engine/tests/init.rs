//! Initial values against PyTorch's bounds and standard deviations.

use crate::support;
use narrows_engine::init::Init;
use support::Vectors;

#[test]
fn bounds_and_deviations_are_pytorchs() {
    let vectors = Vectors::open("init");
    let (fan_in, fan_out) = (vectors.number("fan_in") as usize, vectors.number("fan_out") as usize);
    let mut x = vec![0.0; fan_in * fan_out];
    let count = x.len() as f64;
    let uniform =
        |name| (f64::from(vectors.number(name)) / 3f64.sqrt(), f64::from(vectors.number(name)));
    let normal = |name| (f64::from(vectors.number(name)), f64::INFINITY);
    for (init, (std, bound)) in [
        (Init::XavierUniform, uniform("xavier_uniform_bound")),
        (Init::XavierNormal, normal("xavier_normal_std")),
        (Init::HeUniform, uniform("kaiming_uniform_bound")),
        (Init::HeNormal, normal("kaiming_normal_std")),
        (Init::FanInUniform, uniform("linear_default_bound")),
    ] {
        init.fill(fan_in, fan_out, 7, 1, &mut x);
        let largest = x.iter().fold(0.0f64, |largest, x| largest.max(f64::from(x.abs())));
        let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
        let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / count;
        // Of 60,000 draws: the mean strays by std / 245, the deviation by at most std / 346; five
        // times that.
        assert!(mean.abs() < 0.021 * std, "{init:?}: mean {mean}");
        assert!(
            (variance.sqrt() / std - 1.0).abs() < 0.015,
            "{init:?}: {}, not {std}",
            variance.sqrt()
        );
        if bound.is_finite() {
            assert!(largest <= bound * (1.0 + 1e-6), "{init:?}: {largest} is beyond {bound}");
            assert!(largest > 0.999 * bound, "{init:?}: {largest} is far inside {bound}");
        } else {
            // A normal exceeds 3 deviations 160 times here.
            assert!(largest > 3.0 * std, "{init:?}: {largest}");
        }
    }
}
