//! The weight, transformed.

use super::super::geometry::Conv;
use super::{Kind, weights_len};
use crate::Context;
use crate::hardware::simd::{Kernel, MAX_LANES, Simd};

/// The weight transformed: kind by kind and term by term, each (image channels, map channels).
pub(super) fn transform<'a>(
    cx: &Context,
    conv: &Conv,
    weight: &[f32],
    scratch: &'a mut [f32],
) -> &'a [f32] {
    let (out, len) = (&mut scratch[..weights_len(conv)], conv.image_channels * conv.map_channels);
    cx.chunks(out, len, |range, out| {
        let term = range.start / len;
        let kind = Kind::all().take_while(|kind| kind.first <= term).last();
        let kind = kind.expect("the first has term 0");
        let mut taps = kind.taps(term - kind.first).map(|tap| &weight[tap * len..][..len]);
        match [taps.next(), taps.next(), taps.next(), taps.next()] {
            [Some(a), Some(b), Some(c), Some(d)] => cx.isa().run(Sum { x: [a, b, c, d], out }),
            [Some(a), Some(b), ..] => cx.isa().run(Sum { x: [a, b], out }),
            [Some(a), ..] => out.copy_from_slice(a),
            _ => unreachable!("a term without taps"),
        }
    });
    out
}

/// `out` = the sum of `x`, all of the same length.
struct Sum<'a, const N: usize> {
    x: [&'a [f32]; N],
    out: &'a mut [f32],
}

impl<const N: usize> Kernel for Sum<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Sum { x, out } = self;
        for i in (0..out.len()).step_by(S::LANES) {
            let mut sum = s.load_at(x[0], i);
            for x in &x[1..] {
                sum = s.add(sum, s.load_at(x, i));
            }
            s.store_at(sum, out, i);
        }
    }
}

/// The same transposed: kind by kind, each (map channels, terms, image channels).
pub(super) fn transform_transposed<'a>(
    cx: &Context,
    conv: &Conv,
    weight: &[f32],
    scratch: &'a mut [f32],
) -> &'a [f32] {
    let all = &mut scratch[..weights_len(conv)];
    let mut rest = &mut *all;
    for kind in Kind::all() {
        let width = kind.terms() * conv.image_channels;
        let out;
        (out, rest) = rest.split_at_mut(width * conv.map_channels);
        // By rows of blocks to transpose.
        cx.chunks(out, MAX_LANES * width, |range, out| {
            let first = range.start / width;
            cx.isa().run(Transposed { conv, kind, weight, first, out });
        });
    }
    all
}

/// The rows of the transposed weight from that of map channel `first` on.
struct Transposed<'a> {
    conv: &'a Conv,
    kind: Kind,
    weight: &'a [f32],
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Transposed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Transposed { conv, kind, weight, first, out } = self;
        let (inputs, outputs) = (conv.image_channels, conv.map_channels);
        let width = kind.terms() * inputs;
        let rows = out.len() / width;
        let (mut block, mut turned) = ([0.0; MAX_LANES * MAX_LANES], [0.0; MAX_LANES * MAX_LANES]);
        for term in 0..kind.terms() {
            let (mut taps, mut count) = ([0; 4], 0);
            for tap in kind.taps(term) {
                (taps[count], count) = (tap, count + 1);
            }
            let taps = &taps[..count];
            for o in (0..rows).step_by(S::LANES) {
                let high = S::LANES.min(rows - o);
                for c in (0..inputs).step_by(S::LANES) {
                    let wide = S::LANES.min(inputs - c);
                    for i in 0..wide {
                        let mut sum = s.splat(0.0);
                        for tap in taps {
                            let row = &weight[(tap * inputs + c + i) * outputs..][..outputs];
                            sum = s.add(sum, s.load_at(row, first + o));
                        }
                        s.store(sum, &mut block[i * S::LANES..]);
                    }
                    let out = &mut out[o * width + term * inputs + c..];
                    if high == S::LANES && wide == S::LANES {
                        s.transpose(&block, S::LANES, out, width);
                        continue;
                    }
                    s.transpose(&block, S::LANES, &mut turned, S::LANES);
                    for i in 0..high {
                        out[i * width..][..wide].copy_from_slice(&turned[i * S::LANES..][..wide]);
                    }
                }
            }
        }
    }
}
