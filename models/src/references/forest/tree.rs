//! A tree of a forest.

use crate::codes::Codes;
use narrows_engine::random::Random;
use std::ops::Range;

/// The purpose of its random numbers.
const FOREST: u64 = 0x5eed_0010;

/// A tree: its root is node 0.
#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    /// The classes of all leaves and their shares, leaf by leaf.
    shares: Vec<(u16, f32)>,
}

#[derive(Debug)]
enum Node {
    /// To the first of two nodes where the value of the column is at most the threshold, else to
    /// the one behind it.
    Split { column: u32, threshold: f32, below: u32 },
    /// Its part of the shares.
    Leaf(Range<usize>),
}

/// What a tree grows on.
pub struct Growth<'a> {
    pub x: &'a Codes,
    pub labels: &'a [u16],
    /// The columns to choose a split from.
    pub columns: usize,
    /// The least samples of a leaf.
    pub leaf: usize,
}

/// Random numbers, one after the other.
struct Draws {
    random: Random,
    tree: u64,
    drawn: u32,
}

impl Draws {
    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        let [word, ..] = self.random.words(self.tree, 0, self.drawn);
        self.drawn += 1;
        ((u64::from(word) * n as u64) >> 32) as usize
    }
}

/// The best split of a node so far.
struct Split {
    score: f64,
    column: u32,
    threshold: f32,
}

impl Tree {
    /// Adds the class shares of the leaf of `x`.
    pub fn add_shares(&self, x: &[f32], shares: &mut [f32]) {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Split { column, threshold, below } => {
                    let above = x[*column as usize] > *threshold;
                    at = *below as usize + usize::from(above);
                }
                Node::Leaf(range) => {
                    for (class, share) in &self.shares[range.clone()] {
                        shares[usize::from(*class)] += share;
                    }
                    return;
                }
            }
        }
    }
}

impl Growth<'_> {
    /// Tree number `tree` of `seed`.
    pub fn grow(&self, classes: usize, seed: u64, tree: u64) -> Tree {
        let n = self.labels.len();
        let mut draws = Draws { random: Random::new(seed, FOREST), tree, drawn: 0 };
        let mut rows: Vec<u32> = (0..n).map(|_| draws.below(n) as u32).collect();
        let mut columns: Vec<u32> = (0..self.x.len as u32).collect();
        let mut grown = Tree { nodes: vec![Node::Leaf(0..0)], shares: Vec::new() };
        let (mut open, mut pairs, mut counts) = (vec![(0, 0..n)], Vec::new(), vec![0; classes]);
        while let Some((node, range)) = open.pop() {
            let rows = &mut rows[range.clone()];
            let split = self.split(rows, &mut columns, &mut draws, &mut pairs, classes);
            let Some(Split { column, threshold, .. }) = split else {
                grown.nodes[node] = Node::Leaf(self.leaf(rows, &mut counts, &mut grown.shares));
                continue;
            };
            let is_below = |row: u32| self.x.row(row as usize)[column as usize] <= threshold;
            let mut below = 0;
            for i in 0..rows.len() {
                if is_below(rows[i]) {
                    rows.swap(i, below);
                    below += 1;
                }
            }
            let next = grown.nodes.len();
            grown.nodes[node] = Node::Split { column, threshold, below: next as u32 };
            grown.nodes.extend([Node::Leaf(0..0), Node::Leaf(0..0)]);
            open.push((next, range.start..range.start + below));
            open.push((next + 1, range.start + below..range.end));
        }
        grown
    }

    /// Adds the shares of a leaf.
    fn leaf(&self, rows: &[u32], counts: &mut [u32], shares: &mut Vec<(u16, f32)>) -> Range<usize> {
        let start = shares.len();
        rows.iter().for_each(|&row| counts[usize::from(self.labels[row as usize])] += 1);
        for (class, count) in counts.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            shares.push((class as u16, *count as f32 / rows.len() as f32));
            *count = 0;
        }
        start..shares.len()
    }

    /// The split of `rows` by which the Gini impurity falls most, among columns that are not the
    /// same in all of them; `None` if there is none, or all are of one class.
    fn split(
        &self,
        rows: &[u32],
        columns: &mut [u32],
        draws: &mut Draws,
        pairs: &mut Vec<(f32, u16)>,
        classes: usize,
    ) -> Option<Split> {
        let label = |row: u32| self.labels[row as usize];
        if rows.len() < 2 * self.leaf || rows.iter().all(|&row| label(row) == label(rows[0])) {
            return None;
        }
        let (mut best, mut seen) = (None, 0);
        for i in 0..columns.len() {
            if seen == self.columns {
                break;
            }
            let other = i + draws.below(columns.len() - i);
            columns.swap(i, other);
            let column = columns[i];
            let value = |row: u32| self.x.row(row as usize)[column as usize];
            let first = value(rows[0]);
            if rows.iter().all(|&row| value(row) == first) {
                continue;
            }
            seen += 1;
            pairs.clear();
            pairs.extend(rows.iter().map(|&row| (value(row), label(row))));
            pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            self.best_threshold(pairs, column, classes, &mut best);
        }
        best
    }

    /// Takes the best threshold of a column whose values are in order, if it is better. The sum
    /// over both sides of the squared counts by the number of samples is largest where the impurity
    /// is least.
    fn best_threshold(
        &self,
        pairs: &[(f32, u16)],
        column: u32,
        classes: usize,
        best: &mut Option<Split>,
    ) {
        let mut counts = [vec![0.0; classes], vec![0.0; classes]];
        let mut squares = [0.0; 2];
        for (_, label) in pairs {
            counts[1][usize::from(*label)] += 1.0;
        }
        squares[1] += counts[1].iter().map(|count: &f64| count * count).sum::<f64>();
        for (i, pair) in pairs.windows(2).enumerate() {
            let class = usize::from(pair[0].1);
            squares[0] += 2.0 * counts[0][class] + 1.0;
            squares[1] -= 2.0 * counts[1][class] - 1.0;
            counts[0][class] += 1.0;
            counts[1][class] -= 1.0;
            let (below, above) = (i + 1, pairs.len() - i - 1);
            if pair[0].0 == pair[1].0 || below.min(above) < self.leaf {
                continue;
            }
            let score = squares[0] / below as f64 + squares[1] / above as f64;
            if best.as_ref().is_none_or(|best| score > best.score) {
                // Half of each, so that the sum of two large ones stays finite. Rounded, the middle
                // may be the upper one, which belongs above.
                let middle = 0.5 * pair[0].0 + 0.5 * pair[1].0;
                let threshold = if middle < pair[1].0 { middle } else { pair[0].0 };
                *best = Some(Split { score, column, threshold });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum over both sides of the Gini impurity times the samples, by its definition.
    fn impurity(x: &Codes, labels: &[u16], rows: &[u32], column: usize, threshold: f32) -> f64 {
        let side = |above: bool| {
            let labels: Vec<u16> = rows
                .iter()
                .filter(|row| (x.row(**row as usize)[column] > threshold) == above)
                .map(|row| labels[*row as usize])
                .collect();
            let n = labels.len() as f64;
            let share = |class| labels.iter().filter(|label| **label == class).count() as f64 / n;
            if labels.is_empty() {
                0.0
            } else {
                n * (1.0 - (0..3).map(|c| share(c).powi(2)).sum::<f64>())
            }
        };
        side(false) + side(true)
    }

    #[test]
    fn a_split_is_the_best_of_all() {
        let (len, n) = (4, 60);
        let mut values = vec![0.0; n * len];
        Random::new(1, 2).fill_uniform(0, 0, &mut values);
        // Few values, so that some are equal; and a column that says nothing.
        values.iter_mut().for_each(|x| *x = (*x * 8.0).floor());
        values.chunks_mut(len).for_each(|row| row[3] = 1.0);
        let x = Codes { values, len };
        let labels: Vec<u16> =
            (0..n).map(|i| ((x.row(i)[0] + x.row(i)[1]) as u16 / 2) % 3).collect();
        let rows: Vec<u32> = (0..n as u32).collect();
        let growth = Growth { x: &x, labels: &labels, columns: len, leaf: 1 };
        let mut draws = Draws { random: Random::new(3, 4), tree: 0, drawn: 0 };
        let mut columns: Vec<u32> = (0..len as u32).collect();
        let split = growth.split(&rows, &mut columns, &mut draws, &mut Vec::new(), 3).unwrap();
        let of = |column, threshold| impurity(&x, &labels, &rows, column, threshold);
        let found = of(split.column as usize, split.threshold);
        let all = (0..len).flat_map(|column| (0..7).map(move |t| (column, t as f32 + 0.5)));
        let least = all.map(|(column, t)| of(column, t)).fold(f64::INFINITY, f64::min);
        assert!((found - least).abs() < 1e-9, "{found} {least}");
    }

    #[test]
    fn a_tree_knows_the_samples_it_grew_on() {
        let x = Codes { values: (0..40).map(|i| (i * 7 % 40) as f32).collect(), len: 1 };
        let labels: Vec<u16> = (0..40).map(|i| (i % 3) as u16).collect();
        let growth = Growth { x: &x, labels: &labels, columns: 1, leaf: 1 };
        let (tree, n) = (growth.grow(3, 5, 0), 40);
        let mut draws = Draws { random: Random::new(5, FOREST), tree: 0, drawn: 0 };
        for _ in 0..n {
            let row = draws.below(n);
            let mut shares = [0.0; 3];
            tree.add_shares(x.row(row), &mut shares);
            assert_eq!(shares[usize::from(labels[row])], 1.0);
        }
        // Of leaves of at least 5 samples none is sure of each.
        let tree = Growth { leaf: 5, ..growth }.grow(3, 5, 0);
        assert!(tree.shares.iter().any(|(_, share)| *share < 1.0));
    }
}
