//! Every function of `math.rs` against f64, over dense grids and special values, on every ISA.

use crate::support;
use narrows_engine::math;
use narrows_engine::simd::{Isa, Kernel, Simd};

/// A vector function, its f64 oracle, and where and how well they have to agree.
trait Function {
    const NAME: &'static str;
    /// The grid.
    const LOW: f64;
    const HIGH: f64;
    /// The largest error in ulp with a fused multiply-add, and without.
    const ULP: [f64; 2];
    fn apply<S: Simd>(s: S, x: S::F) -> S::F;
    fn exact(x: f64) -> f64;
    /// Points that a grid may miss, and what they must give, to the bit.
    const SPECIAL: &'static [(f32, f32)];
}

const INF: f32 = f32::INFINITY;
/// The logarithm of the smallest normal.
const LOG_MIN: f32 = -87.336_55;

macro_rules! functions {
    ($($type:ident: $vector:path, $exact:expr, $low:expr => $high:expr,
       ulp $fused:literal $split:literal, $special:expr;)+) => {
        $(
            struct $type;
            impl Function for $type {
                const NAME: &'static str = stringify!($type);
                const LOW: f64 = $low;
                const HIGH: f64 = $high;
                const ULP: [f64; 2] = [$fused, $split];
                const SPECIAL: &'static [(f32, f32)] = $special;
                #[inline(always)]
                fn apply<S: Simd>(s: S, x: S::F) -> S::F { $vector(s, x) }
                fn exact(x: f64) -> f64 { ($exact)(x) }
            }
        )+
        #[test]
        fn functions_are_as_exact_as_documented() {
            for isa in support::isas() {
                $( check::<$type>(isa); )+
            }
        }
    };
}

functions! {
    Exp: math::exp, f64::exp, -86.9 => 88.7228, ulp 1.0 1.3,
        &[(0.0, 1.0), (-0.0, 1.0), (88.73, INF), (1e4, INF), (INF, INF), (f32::MAX, INF),
          (-87.0, 0.0), (-1e4, 0.0), (-INF, 0.0), (f32::MIN, 0.0)];
    ExpM1Negative: math::exp_m1_negative, f64::exp_m1, -30.0 => 0.0, ulp 1.1 1.1,
        &[(0.0, 0.0), (-1e-30, -1e-30), (-1e-20, -1e-20), (-1e4, -1.0), (-INF, -1.0),
          (f32::MIN, -1.0)];
    Tanh: math::tanh, f64::tanh, -12.0 => 12.0, ulp 2.6 2.6,
        &[(0.0, 0.0), (-0.0, -0.0), (1e-30, 1e-30), (-1e-30, -1e-30), (1e4, 1.0), (-1e4, -1.0),
          (INF, 1.0), (-INF, -1.0), (f32::MAX, 1.0), (f32::MIN, -1.0)];
    Sigmoid: math::sigmoid, |x: f64| 1.0 / (1.0 + (-x).exp()), -86.9 => 30.0, ulp 2.4 2.4,
        &[(0.0, 0.5), (-0.0, 0.5), (1e4, 1.0), (-87.0, 0.0), (-1e4, 0.0), (INF, 1.0), (-INF, 0.0)];
    Log: math::log, f64::ln, 1e-6 => 1e4, ulp 1.5 1.5,
        &[(1.0, 0.0), (INF, INF), (1e-40, LOG_MIN), (0.0, LOG_MIN), (-1.0, LOG_MIN),
          (-INF, LOG_MIN)];
    Softplus: math::softplus, |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p(), -86.9 => 100.0,
        ulp 2.6 2.6,
        &[(100.0, 100.0), (1e30, 1e30), (-87.0, 0.0), (-1e4, 0.0), (INF, INF), (-INF, 0.0)];
}

/// Only an absolute error is promised for it, so it has a test of its own.
struct NormalCdf;

impl Function for NormalCdf {
    const NAME: &'static str = "NormalCdf";
    const LOW: f64 = -16.0;
    const HIGH: f64 = 16.0;
    const ULP: [f64; 2] = [f64::NAN; 2];
    const SPECIAL: &'static [(f32, f32)] = &[
        (0.0, 0.5),
        (-0.0, 0.5),
        (16.0, 1.0),
        (-16.0, 0.0),
        (1e30, 1.0),
        (-1e30, 0.0),
        (INF, 1.0),
        (-INF, 0.0),
    ];
    #[inline(always)]
    fn apply<S: Simd>(s: S, x: S::F) -> S::F {
        math::normal_cdf(s, x)
    }
    /// In the middle by the series 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...), whose terms do not
    /// cancel; in the tails by Laplace's continued fraction phi(x) / (x + 1/(x + 2/(x + ...))).
    /// Abramowitz and Stegun 26.2.11, 14.
    fn exact(x: f64) -> f64 {
        let density = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
        if x.abs() < 3.0 {
            let mut term = x;
            let mut sum = x;
            for k in 1..80 {
                term *= x * x / f64::from(2 * k + 1);
                sum += term;
            }
            return 0.5 + density * sum;
        }
        let tail =
            density / (1..200).rev().fold(x.abs(), |below, k| x.abs() + f64::from(k) / below);
        if x < 0.0 { tail } else { 1.0 - tail }
    }
}

#[test]
fn normal_cdf_is_as_exact_as_documented() {
    // The oracle's two halves against tabulated values: Phi(-1), Phi(2), Phi(-3), Phi(-6).
    for (x, value) in [
        (-1.0, 0.158_655_253_931_457),
        (2.0, 0.977_249_868_051_821),
        (-3.0, 1.349_898_031_630_09e-3),
        (-6.0, 9.865_876_450_376_98e-10),
    ] {
        assert!((NormalCdf::exact(x) / value - 1.0).abs() < 1e-13);
    }
    for isa in support::isas() {
        let x = grid::<NormalCdf>();
        let (mut absolute, mut relative) = (0.0f64, 0.0f64);
        for (&x, y) in x.iter().zip(apply::<NormalCdf>(isa, &x)) {
            let exact = NormalCdf::exact(f64::from(x));
            let error = (f64::from(y) - exact).abs();
            assert!(error < 1.2e-7, "on {}: f({x:e}) = {y:e}, not {exact:e}", isa.name());
            assert!(!y.is_subnormal(), "on {}: f({x:e}) = {y:e}", isa.name());
            absolute = absolute.max(error);
            if (-12.9..0.0).contains(&x) {
                // 10 roundings, and two of the exponential's argument, which weigh as much as it is
                // large.
                let bound = f64::from(f32::EPSILON) * (5.0 + f64::from(x * x) / 2.0);
                assert!(
                    error / exact < bound,
                    "on {}: f({x:e}) = {y:e}, not {exact:e}",
                    isa.name()
                );
                relative = relative.max(error / exact / bound);
            }
        }
        println!(
            "NormalCdf      {:7} {absolute:.2e}; of the relative bound {relative:.2}",
            isa.name()
        );
        check_special::<NormalCdf>(isa);
    }
}

/// `F` of each value, on that ISA, in as many vectors as it takes.
fn apply<F: Function>(isa: Isa, x: &[f32]) -> Vec<f32> {
    struct Apply<'a, F>(&'a [f32], &'a mut [f32], std::marker::PhantomData<F>);
    impl<F: Function> Kernel for Apply<'_, F> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for i in (0..self.0.len()).step_by(S::LANES) {
                s.store_at(F::apply(s, s.load_at(self.0, i)), self.1, i);
            }
        }
    }
    let mut y = vec![f32::NAN; x.len()];
    isa.run(Apply::<F>(x, &mut y, std::marker::PhantomData));
    y
}

/// The distance of neighbouring floats near `x`.
fn ulp(x: f64) -> f64 {
    let bits = (x.abs() as f32).max(f32::MIN_POSITIVE).to_bits();
    f64::from(f32::from_bits(bits + 1)) - f64::from(f32::from_bits(bits))
}

/// A grid over the range, even in x, and the range's part nearest to 0, even in log |x|.
fn grid<F: Function>() -> Vec<f32> {
    let even = (0..=1_000_000).map(|i| (F::LOW + (F::HIGH - F::LOW) * f64::from(i) / 1e6) as f32);
    let small = (0..20_000).map(|i| 10f64.powf(-30.0 + 30.0 * f64::from(i) / 2e4));
    let small = small.flat_map(|x| [x as f32, -x as f32]);
    let inside = |x: &f32| (F::LOW as f32..=F::HIGH as f32).contains(x);
    even.chain(small).filter(inside).collect()
}

fn check<F: Function>(isa: Isa) {
    let bound = F::ULP[usize::from(isa.name() == "plain")];
    let x = grid::<F>();
    let (mut worst, mut at) = (0.0, 0.0);
    for (&x, y) in x.iter().zip(apply::<F>(isa, &x)) {
        let exact = F::exact(f64::from(x));
        let error = (f64::from(y) - exact).abs() / ulp(exact);
        // A NaN fails here too.
        assert!(
            error <= bound,
            "{} on {}: f({x:e}) = {y:e}, not {exact:e}: {error:.2} ulp",
            F::NAME,
            isa.name()
        );
        assert!(!y.is_subnormal(), "{} on {}: f({x:e}) = {y:e}", F::NAME, isa.name());
        if error > worst {
            (worst, at) = (error, x);
        }
    }
    println!("{:14} {:7} {worst:.3} ulp at {at:e}", F::NAME, isa.name());

    check_special::<F>(isa);
}

fn check_special<F: Function>(isa: Isa) {
    for &(x, want) in F::SPECIAL {
        let y = apply::<F>(isa, &[x])[0];
        assert_eq!(
            y.to_bits(),
            want.to_bits(),
            "{} on {}: f({x:e}) = {y:e}, not {want:e}",
            F::NAME,
            isa.name()
        );
    }
    // NaN in any lane stays there.
    let mut x = vec![-0.5; isa.lanes() + 3];
    let usual = apply::<F>(isa, &x)[0];
    for i in 0..x.len() {
        x[i] = f32::NAN;
        for (j, y) in apply::<F>(isa, &x).into_iter().enumerate() {
            let same = if i == j { y.is_nan() } else { y.to_bits() == usual.to_bits() };
            assert!(same, "{} on {}: NaN at {i} gives {y} at {j}", F::NAME, isa.name());
        }
        x[i] = -0.5;
    }
}
