//! Exact quantiles of more numbers than memory holds.

/// Finds a quantile of numbers that can be looked at twice, with memory for 65,536 counts: the
/// first pass counts the upper halves of their bits, which order finite numbers as the numbers
/// themselves; the second the lower halves of those that share the upper half of the one looked
/// for.
///
/// `pass` calls its argument with each number; the same ones each time, none of them NaN. The
/// quantile `q`, 0 to 1, is the smallest number that at least the fraction `q` of all are not
/// above, as NumPy's method `inverted_cdf` has it. `None` if there are no numbers.
///
/// # Errors
/// The error of `pass`.
pub fn quantile<E>(
    q: f64,
    mut pass: impl FnMut(&mut dyn FnMut(f32)) -> Result<(), E>,
) -> Result<Option<f32>, E> {
    const HALVES: usize = 1 << 16;
    let mut counts = vec![0_u64; HALVES];
    pass(&mut |number| counts[(ordered(number) >> 16) as usize] += 1)?;
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return Ok(None);
    }
    let rank = ((q * total as f64).ceil() as u64).clamp(1, total);
    let (upper, before) = place(&counts, rank);
    counts.fill(0);
    pass(&mut |number| {
        let bits = ordered(number);
        if (bits >> 16) as usize == upper {
            counts[(bits & 0xffff) as usize] += 1;
        }
    })?;
    let (lower, _) = place(&counts, rank - before);
    Ok(Some(number((upper << 16 | lower) as u32)))
}

/// Where the counts first come to `rank`, and what they come to before that.
fn place(counts: &[u64], rank: u64) -> (usize, u64) {
    let mut before = 0;
    for (at, count) in counts.iter().enumerate() {
        if before + count >= rank {
            return (at, before);
        }
        before += count;
    }
    (counts.len() - 1, before)
}

/// Bits that compare as the number does; both zeros are the same.
fn ordered(number: f32) -> u32 {
    let bits = (number + 0.0).to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

fn number(ordered: u32) -> f32 {
    f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_sorted_numbers() {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from_bits(state)
        };
        for n in [1, 2, 3, 10, 999, 1000] {
            let mut numbers: Vec<f32> =
                std::iter::repeat_with(&mut next).filter(|x| x.is_finite()).take(n).collect();
            numbers.extend([0.0, -0.0, 1.0, 1.0, f32::MAX, f32::MIN_POSITIVE]);
            let found = |q| {
                let pass = |take: &mut dyn FnMut(f32)| -> Result<(), ()> {
                    numbers.iter().for_each(|&number| take(number));
                    Ok(())
                };
                quantile(q, pass).unwrap().unwrap()
            };
            let mut sorted = numbers.clone();
            sorted.sort_by(f32::total_cmp);
            for q in [0.0, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
                let rank = ((q * sorted.len() as f64).ceil() as usize).max(1);
                assert_eq!(found(q), sorted[rank - 1], "{q} of {n}");
            }
        }
        assert_eq!(quantile(0.5, |_| Ok::<(), ()>(())), Ok(None));
    }
}
