//! The nearest labelled samples.

use super::{Best, Few, Fitted, Predictor};
use crate::codes::Codes;
use crate::neighbours::{Distance, KS, Neighbours};
use narrows_engine::Context;

#[derive(Debug)]
struct Knn {
    train: Codes,
    labels: Vec<u16>,
    classes: usize,
    distance: Distance,
    k: usize,
}

impl Predictor for Knn {
    fn classify(&self, cx: &Context, x: &Codes) -> Vec<u16> {
        let near = Neighbours::of(cx, x, &self.train, self.k, self.distance, false);
        near.classify(self.k, &self.labels, self.classes)
    }
}

pub(super) fn fit(cx: &Context, few: &Few) -> Option<Fitted> {
    let mut best = Best::new(few);
    for distance in [Distance::Euclidean, Distance::Cosine] {
        let most = KS[KS.len() - 1];
        let near = Neighbours::of(cx, &few.validation, &few.train, most, distance, false);
        for k in KS.into_iter().filter(|k| *k <= few.train.samples()) {
            let predictions = near.classify(k, &few.labels, few.classes);
            let (train, labels) = (few.train.clone(), few.labels.clone());
            let candidate = Knn { train, labels, classes: few.classes, distance, k };
            best.offer(candidate, &predictions, format!("{} k {k}", distance.name()));
        }
    }
    best.into_fitted()
}
