//! An exponential moving average of many values.

use crate::Context;
use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::elementwise;

/// Averages of a smaller size become the value itself: that of what has become 0 would decay into
/// subnormals.
const TINY: f32 = 1e-36;

/// `average += take (values - average)`. An average equal to its value keeps its bits.
///
/// # Panics
/// If the two differ in length.
pub fn moving_average(cx: &Context, average: &mut [f32], values: &[f32], take: f32) {
    assert_eq!(average.len(), values.len(), "an average for each value");
    cx.chunks(average, TASK_LEN, |range, average| {
        take_in(cx.isa(), average, &values[range], take);
    });
}

elementwise! {
    fn take_in(s, average, [value], take: f32) {
        // Rounded twice, so that no instruction set has other bits.
        let next = s.add(average, s.mul(s.splat(take), s.sub(value, average)));
        s.select_gt(s.splat(TINY), s.abs(next), value, next)
    }
}
