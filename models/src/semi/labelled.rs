//! Batches of the labelled samples, whose small classes come more often than they are.
//!
//! With n_c samples of class c and n the most that a class has, a sample comes `(n / n_c)^q` times
//! a round, to the nearest whole number: with q = 0 once, with q = 1 so often that all classes come
//! alike, with q = 1/2 the square root of that (sampling by class as compared by Kang et al.,
//! "Decoupling representation and classifier for long-tailed recognition", ICLR 2020,
//! arXiv:1910.09217, whose exponent is 1 - q). A class of two labels is otherwise in so few batches
//! that what is asked of the samples without a label hands its samples over to a neighbour. In
//! these shares, those of `n_c^(1 - q)`, the classes are then expected among the samples without a
//! label.

use crate::error::{Error, error};
use narrows_datasets::{Dataset, Rows, shuffle_into};

/// Batches of always the same size, round after round in another order.
#[derive(Clone, Debug)]
pub(super) struct LabelledBatches {
    /// The rows of a round, as often as they come, and with each its key.
    rows: Vec<[u32; 2]>,
    shares: Vec<f32>,
    seed: u64,
    /// The round that follows.
    round: u64,
    /// The rest of one round and the next one, of which `done` were given out: places in
    /// `rows`.
    order: Vec<u32>,
    done: usize,
    /// The rows of the last batch, and their keys.
    batch: [Vec<u32>; 2],
}

/// Samples and their classes.
pub(super) struct ByClass {
    /// The samples.
    pub rows: Vec<u32>,
    /// The class of each.
    pub classes: Vec<u32>,
    /// The number of samples of each class of the data.
    pub counts: Vec<usize>,
}

impl ByClass {
    /// The samples `rows` and their classes.
    ///
    /// # Errors
    /// If one has no label, or labels cannot be read.
    pub fn of(data: &Dataset, rows: Rows<'_>) -> Result<ByClass, Error> {
        let (mut listed, mut classes) = (vec![0; rows.len()], vec![0; rows.len()]);
        rows.copy_to(0, &mut listed);
        if data.has_labels() {
            data.gather_labels(&listed, &mut classes)?;
        }
        let mut counts = vec![0; data.classes()];
        for (row, class) in listed.iter().zip(&classes) {
            let none = || error!(Data, "row {row} is to be learnt from but has no label");
            *counts.get_mut(*class as usize).ok_or_else(none)? += 1;
        }
        Ok(ByClass { rows: listed, classes, counts })
    }
}

/// A batch of labelled samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LabelledBatch<'a> {
    /// The round that it ends in.
    pub round: u64,
    /// The rows of the data set.
    pub rows: &'a [u32],
    /// A key for each time that a row comes in a round: the row itself the first time.
    pub keys: &'a [u32],
}

impl LabelledBatches {
    /// Batches of `batch` of the samples `rows` of `data`, at most as many as they are.
    ///
    /// # Errors
    /// If one has no label, or labels cannot be read.
    pub fn new(
        data: &Dataset,
        rows: Rows<'_>,
        batch: usize,
        balance: f32,
        seed: u64,
    ) -> Result<LabelledBatches, Error> {
        let ByClass { rows: once, classes, counts } = ByClass::of(data, rows)?;
        let most = counts.iter().copied().max().unwrap_or(0) as f64;
        let times =
            |class: u32| (most / counts[class as usize] as f64).powf(f64::from(balance)).round();
        let mut shares: Vec<f32> = counts
            .iter()
            .map(|n| if *n > 0 { (*n as f32).powf(1.0 - balance) } else { 0.0 })
            .collect();
        let sum: f32 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        let mut rows = Vec::with_capacity(once.len());
        for (&row, &class) in once.iter().zip(&classes) {
            let key = |time: usize| row.wrapping_add((time * data.len()) as u32);
            rows.extend((0..times(class) as usize).map(|time| [row, key(time)]));
        }
        let order = Vec::with_capacity(batch + rows.len());
        let batch = [(); 2].map(|()| vec![0; batch]);
        Ok(LabelledBatches { rows, shares, seed, round: 0, order, done: 0, batch })
    }

    /// The share of each class, before it is rounded to whole samples: (classes), of sum 1.
    pub fn shares(&self) -> &[f32] {
        &self.shares
    }

    /// Goes to where `batches` batches have been given out.
    pub fn seek(&mut self, batches: u64) {
        let given = batches * self.batch[0].len() as u64;
        let of_round = self.rows.len() as u64;
        self.round = given.div_ceil(of_round);
        self.order.clear();
        self.done = 0;
        if let Some(begun) = self.round.checked_sub(1) {
            // The rest of the round that the last batch ended in.
            self.order.resize(self.rows.len(), 0);
            shuffle_into(&mut self.order, self.seed, begun);
            self.done = (given - begun * of_round) as usize;
        }
    }

    /// The next batch. Allocates nothing.
    pub fn next_batch(&mut self) -> LabelledBatch<'_> {
        let [chosen, keys] = &mut self.batch;
        if self.order.len() - self.done < chosen.len() {
            self.order.drain(..self.done);
            self.done = 0;
            let left = self.order.len();
            self.order.resize(left + self.rows.len(), 0);
            shuffle_into(&mut self.order[left..], self.seed, self.round);
            self.round += 1;
        }
        let places = &self.order[self.done..][..chosen.len()];
        self.done += places.len();
        for ((row, key), place) in chosen.iter_mut().zip(&mut *keys).zip(places) {
            [*row, *key] = self.rows[*place as usize];
        }
        LabelledBatch { round: self.round, rows: chosen, keys }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws of each class in 14 rounds, from 18 samples of class 0, 8 of class 1 and 2 of class 2.
    fn shares(balance: f32) -> [usize; 3] {
        let digits = Dataset::digits();
        let labels = digits.labels().unwrap().unwrap();
        let of = |class: u16, n: usize| {
            let labels = labels.iter().enumerate();
            labels.filter(move |(_, label)| **label == class).map(|(row, _)| row as u32).take(n)
        };
        let rows: Vec<u32> = of(0, 18).chain(of(1, 8)).chain(of(2, 2)).collect();
        let mut batches =
            LabelledBatches::new(&digits, Rows::Listed(&rows), 7, balance, 1).unwrap();
        let length = batches.rows.len();
        let expected = [18.0f32, 8.0, 2.0].map(|n| n.powf(1.0 - balance));
        for (share, expected) in
            batches.shares().iter().zip(expected.map(|n| n / expected.iter().sum::<f32>()))
        {
            assert!((share - expected).abs() < 1e-6, "{:?}", batches.shares());
        }
        assert!(batches.shares()[3..].iter().all(|share| *share == 0.0));
        let (mut shares, mut times) = ([0; 3], vec![0; rows.len()]);
        // In batches of 7, whatever a round's length.
        for _ in 0..2 * length {
            for &row in batches.next_batch().rows {
                shares[usize::from(labels[row as usize])] += 1;
                times[rows.iter().position(|of| *of == row).unwrap()] += 1;
            }
        }
        for same in [0..18, 18..26, 26..28] {
            let times = &times[same];
            assert!(times.iter().all(|n| *n == times[0]), "{times:?} with {balance}");
        }
        shares
    }

    #[test]
    fn small_classes_come_more_often_by_the_balance_asked_for() {
        assert_eq!(shares(0.0), [14 * 18, 14 * 8, 14 * 2]);
        // Once, sqrt(2.25) times rounded up, and sqrt(9) times.
        assert_eq!(shares(0.5), [14 * 18, 14 * 16, 14 * 6]);
        assert_eq!(shares(1.0), [14 * 18, 14 * 16, 14 * 18]);
    }

    /// They are augmented by their keys.
    #[test]
    fn no_two_of_a_round_have_the_same_key() {
        let digits = Dataset::digits();
        let labels = digits.labels().unwrap().unwrap();
        let of =
            |class: u16, n| (0..1797).filter(move |row| labels[*row as usize] == class).take(n);
        let rows: Vec<u32> = of(3, 20).chain(of(5, 1)).collect();
        let mut batches = LabelledBatches::new(&digits, Rows::Listed(&rows), 40, 1.0, 1).unwrap();
        let LabelledBatch { rows: chosen, keys, .. } = batches.next_batch();
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 40);
        assert_eq!(chosen.iter().filter(|row| **row == rows[20]).count(), 20);
        assert!(rows.iter().all(|row| keys.contains(row)), "the first time by the row itself");
    }

    #[test]
    fn any_place_is_found_again() {
        let digits = Dataset::digits();
        let rows: Vec<u32> = (0..23).collect();
        for (batch, balance) in [(23, 0.0), (1, 0.0), (7, 0.0), (7, 0.5), (10, 1.0), (16, 0.0)] {
            let new =
                || LabelledBatches::new(&digits, Rows::Listed(&rows), batch, balance, 5).unwrap();
            let mut whole = new();
            for given in 0..60 {
                let mut other = new();
                (0..given % 3).for_each(|_| assert!(!other.next_batch().rows.is_empty()));
                other.seek(given);
                assert_eq!(other.next_batch(), whole.next_batch(), "{batch} {balance} {given}");
                assert_eq!(other.clone().next_batch(), whole.clone().next_batch());
            }
        }
    }

    #[test]
    fn a_sample_without_a_label_is_refused() {
        for (labels, row) in
            [(Some(vec![0, narrows_datasets::UNLABELLED, 1]), "row 1"), (None, "row 0")]
        {
            let data = Dataset::from_floats("three", vec![0.0; 3], &[1], labels).unwrap();
            let refused =
                LabelledBatches::new(&data, Rows::Listed(&[0, 1, 2]), 2, 0.5, 1).unwrap_err();
            let refused = refused.to_string();
            assert!(refused.contains(row) && refused.contains("no label"), "{refused}");
        }
    }

    /// The documented results were measured in this order.
    #[test]
    fn classes_of_a_size_come_in_the_order_of_an_epoch() {
        let digits = Dataset::digits();
        let rows: Vec<u32> = (0..40).collect();
        let mut batches = LabelledBatches::new(&digits, Rows::Listed(&rows), 40, 0.5, 5).unwrap();
        for round in 0..3 {
            let expected = narrows_datasets::shuffled(40, 5, round);
            let (rows, keys) = (&expected[..], &expected[..]);
            assert_eq!(batches.next_batch(), LabelledBatch { round: round + 1, rows, keys });
        }
    }
}
