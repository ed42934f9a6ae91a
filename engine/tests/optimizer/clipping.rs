//! Clipping of the gradients' norm.

use super::single;
use super::support::{self, Vectors, assert_close, bits};
use narrows_engine::optimizer::clip_grad_norm;
use narrows_engine::random::Random;

#[test]
fn clipping_is_pytorchs() {
    let vectors = Vectors::open("optimizers");
    for isa in support::isas() {
        let cx = single(isa);
        for name in ["clip", "clip_below"] {
            let mut grads = vectors.get(&format!("{name}_grads"));
            let norm = clip_grad_norm(&cx, &mut grads, 0.5);
            assert_close(name, &[norm as f32], &[vectors.number(&format!("{name}_norm"))], 1e-6);
            let want = vectors.get(&format!("{name}_clipped"));
            assert_close(name, &grads, &want, 1e-7);
            if name == "clip_below" {
                assert_eq!(bits(&grads), bits(&want));
            }
        }
    }
}

#[test]
fn clipping_covers_every_size() {
    for isa in support::isas() {
        for n in
            (0..4 * isa.lanes() + 2).chain([1023, 1024, 1025, 16_384, 16_385, 70_000, 1_100_000])
        {
            let mut all = vec![77.0; n + 33];
            let grads = &mut all[1..][..n];
            Random::new(4, n as u64).fill_normal(0, 0, grads);
            let before = grads.to_vec();
            let exact = before.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            let norm = clip_grad_norm(&single(isa), grads, 0.01);
            // At most 38 additions in f32 and a product, halved by the root: 20 units of 2^-24.
            assert!(
                (norm - exact).abs() <= 1.2e-6 * exact,
                "{n} on {}: {norm}, not {exact}",
                isa.name()
            );
            let factor = if exact > 0.01 { 0.01 / (exact + 1e-6) } else { 1.0 };
            for (g, before) in grads.iter().zip(&before) {
                let want = f64::from(*before) * factor;
                assert!(
                    (f64::from(*g) - want).abs() <= 1.4e-6 * want.abs(),
                    "{n}: {g}, not {want}"
                );
            }
            assert!(all[0] == 77.0 && all[n + 1..].iter().all(|g| *g == 77.0), "{n}: guards");
        }
        let mut grads = [1.0, f32::NAN, 2.0];
        assert!(clip_grad_norm(&single(isa), &mut grads, 1.0).is_nan());
        assert!(grads.iter().all(|g| g.is_nan()));
    }
}
