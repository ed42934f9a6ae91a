//! Bytes to `f32` in `[0, 1]`: `y[i] = x[i] / max`, correctly rounded, hence the same bits on every
//! ISA.
//!
//! ```text
//! high = f32(1 / max)               low = f32(1 / max - high)
//! y = fma(x, high, x * low)
//! ```
//!
//! 1. A division and not a product with `1 / max`: by 255, the product is off by one unit in the
//!    last place for 126 of the 256 bytes; and other frameworks divide, so that only the division's
//!    numbers compare bit for bit with theirs.
//! 2. The vector paths reach that division with a product and a fused multiply-add, in half the
//!    time of the instruction that divides (100 samples of 784, in cache: 4.7 us with AVX-512 where
//!    it takes 8.9, 5.6 us with AVX2 where it takes 9.3; AMD EPYC). `high + low` is `1 / max` to 48
//!    bits, so that the sum is off by less than 2^-46 of itself before its one rounding; and no
//!    quotient of two bytes comes closer than 2^-33 of itself to a value where rounding changes
//!    direction: such a value is `k / 2^e` with an odd `k` of 25 bits, and `x / max - k / 2^e` is a
//!    multiple of `1 / (max 2^e)` that cannot be zero. A test tries all 65,280 pairs.
//! 3. The end that fills no vector is divided one by one.

#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
#[allow(unsafe_code)]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
#[allow(unsafe_code)]
mod avx512;
#[allow(unsafe_code)]
mod prefetch;

pub(crate) use prefetch::prefetch;

/// `max`, and its reciprocal in two parts.
#[derive(Clone, Copy)]
struct Divisor {
    max: f32,
    /// Unused on the plain path, which divides.
    #[allow(dead_code)]
    high: f32,
    /// Unused on the plain path, which divides.
    #[allow(dead_code)]
    low: f32,
}

impl Divisor {
    fn new(max: u8) -> Self {
        let exact = 1.0 / f64::from(max);
        let high = exact as f32;
        Divisor { max: f32::from(max), high, low: (exact - f64::from(high)) as f32 }
    }
}

/// The instruction sets that there is a path for. Only their detection can build the values inside.
#[derive(Clone, Copy, Debug)]
enum Isa {
    #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
    Avx512(avx512::Avx512),
    #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
    Avx2(avx2::Avx2),
    Plain,
}

impl Isa {
    /// The paths that run here, the fastest first.
    fn available() -> impl Iterator<Item = Isa> {
        [
            #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
            avx512::Avx512::detect().map(Isa::Avx512),
            #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
            avx2::Avx2::detect().map(Isa::Avx2),
            Some(Isa::Plain),
        ]
        .into_iter()
        .flatten()
    }
}

/// A conversion by one `max` on the fastest path that this processor has.
#[derive(Clone, Copy)]
pub(crate) struct Convert {
    divisor: Divisor,
    isa: Isa,
}

impl Convert {
    /// `max` is not zero.
    pub(crate) fn new(max: u8) -> Self {
        Convert { divisor: Divisor::new(max), isa: Isa::available().next().unwrap_or(Isa::Plain) }
    }

    /// `y[i] = x[i] / max`. Panics if the lengths differ.
    pub(crate) fn run(&self, x: &[u8], y: &mut [f32]) {
        assert_eq!(x.len(), y.len());
        match self.isa {
            #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
            Isa::Avx512(isa) => isa.convert(self.divisor, x, y),
            #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
            Isa::Avx2(isa) => isa.convert(self.divisor, x, y),
            Isa::Plain => convert_plain(self.divisor, x, y),
        }
    }
}

fn convert_plain(divisor: Divisor, x: &[u8], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f32::from(x) / divisor.max;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUARD: f32 = -7.5;

    /// Runs `check` on each path. A path that this processor lacks is named, and is a failure where
    /// `NARROWS_REQUIRE_ISA` names it.
    fn on_each_isa(check: impl Fn(Convert)) {
        let mut ran = Vec::new();
        for isa in Isa::available() {
            check(Convert { divisor: Divisor::new(255), isa });
            ran.push(format!("{isa:?}").to_lowercase());
        }
        let required = std::env::var("NARROWS_REQUIRE_ISA").unwrap_or_default();
        for isa in ["plain", "avx2", "avx512"] {
            if !ran.iter().any(|name| name.starts_with(isa)) {
                assert!(
                    !required.split(',').any(|name| name == isa),
                    "{isa} is required, and not there"
                );
                eprintln!("SKIPPED: this processor has no {isa}");
            }
        }
    }

    #[test]
    fn every_quotient_of_two_bytes_is_correctly_rounded() {
        let x: Vec<u8> = (0..=255).collect();
        on_each_isa(|convert| {
            for max in 1..=255 {
                let mut y = [GUARD; 256];
                Convert { divisor: Divisor::new(max), ..convert }.run(&x, &mut y);
                for (&x, y) in x.iter().zip(y) {
                    // Rounded twice, from f64 as well: 53 bits are more than twice 24, which makes
                    // that harmless.
                    let expected = (f64::from(x) / f64::from(max)) as f32;
                    assert_eq!(y.to_bits(), expected.to_bits(), "{x} / {max} on {:?}", convert.isa);
                }
            }
        });
    }

    #[test]
    fn every_length_and_alignment_writes_its_values_and_no_others() {
        let bytes: Vec<u8> = (0..300_u32).map(|i| (i * 89 % 256) as u8).collect();
        on_each_isa(|convert| {
            for length in 0..200 {
                for start in [0, 1, 3, 8, 17, 31] {
                    let x = &bytes[start..start + length];
                    let mut y = [GUARD; 300];
                    convert.run(x, &mut y[start..start + length]);
                    for (i, y) in y.iter().enumerate() {
                        let inside = (start..start + length).contains(&i);
                        let expected = if inside { f32::from(bytes[i]) / 255.0 } else { GUARD };
                        assert_eq!(
                            y.to_bits(),
                            expected.to_bits(),
                            "{:?} {start} {length} {i}",
                            convert.isa
                        );
                    }
                }
            }
        });
    }
}
