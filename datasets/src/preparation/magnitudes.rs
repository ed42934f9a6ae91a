//! Numbers so large that none of a column's others count beside them.
//!
//! Such a number, 3e38 among ages, is a mistake or a mark. Standardised beside it, the others are
//! all the same. It is found by its size: no other number is within a factor of 2^24, which is the
//! precision of a 32-bit float, and at most one in 100 is as large, or it is the only one.

/// The sizes of a column's numbers, in bins of 2^8.
#[derive(Clone, Copy, Debug)]
pub(super) struct Magnitudes {
    bins: [u64; 32],
    zeros: u64,
    /// The largest number, by its size, and the first row that has it.
    largest: f32,
    row: u64,
}

/// The bins that lie empty below a number that is too large: a factor of 2^24.
const GAP: usize = 3;
/// The numbers beside which a single one may be too large.
const FEW: u64 = 10;
/// Beside zeros alone, a number is too large from here on.
const LARGE: f32 = 1e30;

impl Default for Magnitudes {
    fn default() -> Self {
        Magnitudes { bins: [0; 32], zeros: 0, largest: 0.0, row: 0 }
    }
}

impl Magnitudes {
    /// Takes in the finite `value` of a row.
    pub(super) fn push(&mut self, value: f32, row: u64) {
        if value == 0.0 {
            self.zeros += 1;
            return;
        }
        self.bins[(value.to_bits() >> 26 & 31) as usize] += 1;
        if value.abs() > self.largest.abs() {
            (self.largest, self.row) = (value, row);
        }
    }

    /// The largest number and its row, if it is too large.
    pub(super) fn too_large(&self) -> Option<(f32, u64)> {
        let top = self.bins.iter().rposition(|&count| count > 0)?;
        // A bin's neighbour may hold numbers that are close.
        let low = if top > 0 && self.bins[top - 1] > 0 { top - 1 } else { top };
        let (above, below) = (self.bins[low..].iter().sum::<u64>(), &self.bins[..low]);
        let next = below.iter().rposition(|&count| count > 0);
        let others = below.iter().sum::<u64>() + self.zeros;
        let alone = match next {
            Some(next) => low - next > GAP,
            None => self.largest.abs() >= LARGE,
        };
        let rare = 99 * above <= others || above == 1 && others >= FEW;
        (alone && rare).then_some((self.largest, self.row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn too_large(values: &[f32]) -> Option<(f32, u64)> {
        let mut magnitudes = Magnitudes::default();
        (0..).zip(values).for_each(|(row, &value)| magnitudes.push(value, row));
        magnitudes.too_large()
    }

    #[test]
    fn a_number_beside_which_no_other_counts_is_found() {
        let ages: Vec<f32> = (0..119).map(|age| age as f32).collect();
        for wrong in [3e38, -1e38, 1e12] {
            let values = [&ages[..60], &[wrong], &ages[60..]].concat();
            assert_eq!(too_large(&values), Some((wrong, 60)), "{wrong}");
        }
        assert_eq!(too_large(&[vec![0.0; 200], vec![1e38]].concat()), Some((1e38, 200)));
    }

    #[test]
    fn large_numbers_among_others_are_not() {
        let ages: Vec<f32> = (0..200).map(|age| age as f32).collect();
        // Within the precision of the others, or of the others' size.
        for fine in [-9999.0, 1e6, 199.0] {
            assert_eq!(too_large(&[&ages[..], &[fine]].concat()), None, "{fine}");
        }
        // More than one in 100.
        assert_eq!(too_large(&[ages.clone(), vec![1e30; 5]].concat()), None);
        // Counts that are 0 but for one.
        assert_eq!(too_large(&[vec![0.0; 200], vec![1e9]].concat()), None);
        // Of all sizes.
        let sizes: Vec<f32> = (0..120).map(|at| 10_f32.powi(at % 60 - 30)).collect();
        assert_eq!(too_large(&sizes), None);
        assert_eq!(too_large(&[]), None);
        assert_eq!(too_large(&[1e38]), None);
    }
}
