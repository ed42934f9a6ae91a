//! Dividing a number of rows in proportion.

use std::cmp::Reverse;

/// Divides `total` in proportion to `weights` by largest remainders (Hamilton's method). Equal
/// remainders are served in the order of `favoured`.
pub(crate) fn apportion(
    total: usize,
    weights: &[u64],
    favoured: impl IntoIterator<Item = usize>,
) -> Vec<usize> {
    let sum = u128::from(weights.iter().sum::<u64>().max(1));
    let product = |at: usize| total as u128 * u128::from(weights[at]);
    let mut parts: Vec<usize> = (0..weights.len()).map(|at| (product(at) / sum) as usize).collect();
    let missing = total - parts.iter().sum::<usize>();
    let mut order: Vec<usize> = favoured.into_iter().collect();
    order.sort_by_key(|&at| Reverse(product(at) % sum));
    for &at in order.iter().take(missing) {
        parts[at] += 1;
    }
    parts
}
