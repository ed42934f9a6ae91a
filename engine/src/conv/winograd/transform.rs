//! The weight, transformed.

use super::super::geometry::Conv;
use super::{Kind, weights_len};
use crate::Context;
use crate::hardware::simd::{MAX_LANES, elementwise, kernel};

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
            [Some(a), Some(b), Some(c), Some(d)] => sum_of_4(cx.isa(), out, a, b, c, d),
            [Some(a), Some(b), ..] => sum_of_2(cx.isa(), out, a, b),
            [Some(a), ..] => out.copy_from_slice(a),
            _ => unreachable!("a term without taps"),
        }
    });
    out
}

elementwise! {
    /// out = a + b
    fn sum_of_2(s, out, [a, b]) { s.add(a, b) }

    /// out = a + b + c + d, from the left.
    fn sum_of_4(s, out, [a, b, c, d]) { s.add(s.add(s.add(a, b), c), d) }
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
            transpose(cx.isa(), conv, kind, weight, range.start / width, out);
        });
    }
    all
}

kernel! {
    /// The rows of the transposed weight from that of map channel `first` on.
    fn transpose(s, conv: &Conv, kind: Kind, weight: &[f32], first: usize, out: &mut [f32]) {
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
