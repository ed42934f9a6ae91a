//! A random forest (Breiman, Machine Learning 45, 2001): each tree grows on samples drawn with
//! replacement, and each of its splits is the best of as many columns as the root of their number,
//! drawn at random. The mean of the trees' class shares decides.

mod tree;

use super::{Best, Few, Fitted, Predictor};
use crate::codes::Codes;
use crate::error::Error;
use crate::evaluation::argmax;
use crate::event::Observer;
use narrows_engine::Context;
use tree::{Growth, Tree};

const TREES: usize = 100;
/// The least samples of a leaf to choose from.
const LEAVES: [usize; 2] = [1, 3];

#[derive(Debug)]
struct Forest {
    trees: Vec<Tree>,
    classes: usize,
}

impl Predictor for Forest {
    fn classify(&self, _: &Context, x: &Codes) -> Vec<u16> {
        let mut shares = vec![0.0; self.classes];
        let class = |x: &[f32]| {
            shares.fill(0.0);
            self.trees.iter().for_each(|tree| tree.add_shares(x, &mut shares));
            argmax(&shares) as u16
        };
        x.values.chunks_exact(x.len).map(class).collect()
    }
}

pub(super) fn fit(
    cx: &Context,
    few: &Few,
    observer: &dyn Observer,
) -> Result<Option<Fitted>, Error> {
    let columns = few.train.len.isqrt().max(1);
    let mut best = Best::new(few);
    for leaf in LEAVES {
        let growth = Growth { x: &few.train, labels: &few.labels, columns, leaf };
        let mut forest = Forest { trees: Vec::with_capacity(TREES), classes: few.classes };
        for tree in 0..TREES {
            observer.go_on()?;
            forest.trees.push(growth.grow(few.classes, few.seed, tree as u64));
        }
        let predictions = forest.classify(cx, &few.validation);
        best.offer(forest, &predictions, format!("leaf {leaf}"));
    }
    Ok(best.into_fitted())
}
