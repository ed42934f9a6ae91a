//! Weights in half precision and as bytes.

use super::support::isas;
use super::{chains, forward, normal, params, predict};
use narrows_engine::layers::{Linear, Relu};
use narrows_engine::predictor::Precision;
use narrows_engine::{Context, Network, Params, Predictor};

/// Close, in proportion to what rounding the weights may cost: each is off by half of the last
/// place, relative to the largest of its output, and the errors add up like noise.
#[test]
fn rounding_costs_as_much_as_it_may() {
    for isa in isas() {
        let cx = Context::with_isa(isa, 1).unwrap();
        for (name, builder) in chains(130, 70, 48) {
            let network = builder.build().unwrap();
            let params = params(&network);
            let exact = Predictor::new(&network, &params).unwrap();
            let x = normal(1, 50 * 130);
            for (precision, largest, rms) in
                [(Precision::F16, 2e-3, 5e-4), (Precision::Int8, 0.1, 0.02)]
            {
                let rounded = Predictor::with_precision(&network, &params, precision).unwrap();
                let d = rounded.difference(&exact, &cx, &x).unwrap();
                let what = format!("{name} in {precision} on {}: {d:?}", isa.name());
                assert!(d.largest <= largest && d.rms <= rms && d.rms <= d.largest, "{what}");
            }
        }
    }
}

/// Weights that the precision has numbers for give the very sums, whatever their size.
#[test]
fn weights_that_fit_are_kept_exactly() {
    let (inputs, outputs) = (19, 35);
    let network = Network::builder(inputs).layer(Linear::new(outputs)).build().unwrap();
    for (precision, most) in [(Precision::F16, 2047), (Precision::Int8, 127)] {
        for scale in [1.0, 2f32.powi(-100), 2f32.powi(60)] {
            let mut params = Params::new(&network, 1);
            for (i, w) in params.get_mut("layers.0.weight").unwrap().iter_mut().enumerate() {
                let integer = if i % inputs == 3 { most } else { (i as i32 * 7919) % (most + 1) };
                // The last output has no weight but 0.
                *w = if i / inputs == outputs - 1 { 0.0 } else { integer as f32 * scale };
            }
            for isa in isas() {
                let cx = Context::with_isa(isa, 1).unwrap();
                let predictor = Predictor::with_precision(&network, &params, precision).unwrap();
                let x: Vec<f32> = (0..7 * inputs).map(|i| (i % 9) as f32 - 4.0).collect();
                assert_eq!(
                    predict(&cx, &predictor, &x),
                    forward(&cx, &network, &params, &x),
                    "{precision} times {scale:e} on {}",
                    isa.name()
                );
            }
        }
    }
}

#[test]
fn a_weight_that_is_not_finite_is_kept_or_refused() {
    let network =
        Network::builder(3).section("a").layer(Linear::new(2)).layer(Relu).build().unwrap();
    let mut params = Params::new(&network, 1);
    params.get_mut("a.0.weight").unwrap().copy_from_slice(&[
        1.0,
        f32::INFINITY,
        2.0,
        1.0,
        1.0,
        1e30,
    ]);
    let cx = Context::new(1).unwrap();
    let half = Predictor::with_precision(&network, &params, Precision::F16).unwrap();
    assert_eq!(predict(&cx, &half, &[1.0, 1.0, 1.0])[0], f32::INFINITY);
    assert!(predict(&cx, &half, &[1.0, 0.0, 1.0])[0].is_nan());
    let large = predict(&cx, &half, &[1.0, 1.0, 1.0])[1];
    assert!((large / 1e30 - 1.0).abs() < 1e-3, "{large:e}");
    let refused =
        Predictor::with_precision(&network, &params, Precision::Int8).unwrap_err().to_string();
    assert!(refused.contains("layer a.0") && refused.contains("int8"), "{refused}");
}

#[test]
fn a_difference_is_relative_to_the_reference() {
    let network = Network::builder(1).layer(Linear::new(2)).build().unwrap();
    let with = |weights: [f32; 2]| {
        let mut params = Params::new(&network, 1);
        params.get_mut("layers.0.weight").unwrap().copy_from_slice(&weights);
        Predictor::new(&network, &params).unwrap()
    };
    let cx = Context::new(1).unwrap();
    // Outputs 3, 4 against 3, 5 and 30, 40 against 30, 50, of root mean square sqrt((9 + 25) / 2)
    // times ...
    let d = with([3.0, 4.0]).difference(&with([3.0, 5.0]), &cx, &[1.0, 10.0]).unwrap();
    let size = ((9.0 + 25.0 + 900.0 + 2500.0) / 4.0f64).sqrt();
    assert!((d.largest - 10.0 / size).abs() < 1e-12, "{d:?}");
    assert!((d.rms - (101.0f64 / 4.0).sqrt() / size).abs() < 1e-12, "{d:?}");
    let same = with([3.0, 4.0]).difference(&with([3.0, 4.0]), &cx, &[1.0]).unwrap();
    assert_eq!((same.largest, same.rms), (0.0, 0.0));
    let lost = with([3.0, f32::NAN]).difference(&with([3.0, 4.0]), &cx, &[1.0]).unwrap();
    assert!(lost.largest.is_nan() && lost.rms.is_nan());
}
