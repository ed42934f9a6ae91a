//! The k-nearest-neighbours probe: the class that most of the nearest labelled samples have.

use super::{Few, Probed, Space};
use crate::neighbours::{Distance, KS, Neighbours};
use narrows_engine::Context;

/// By the distance and the number of neighbours that the validation labels choose.
pub(super) fn probe(cx: &Context, space: &Space, few: &Few<'_>) -> Probed {
    let references = space.train.subset(few.train);
    let validation = space.train.subset(few.validation);
    let most = KS[KS.len() - 1];
    let mut best: Option<(f64, Distance, usize)> = None;
    for distance in [Distance::Euclidean, Distance::Cosine] {
        let near = Neighbours::of(cx, &validation, &references, most, distance, false);
        for k in KS.into_iter().filter(|k| *k <= near.k) {
            let score = few.validated(&near.classify(k, &few.train_labels, few.classes));
            if best.is_none_or(|(other, ..)| score > other) {
                best = Some((score, distance, k));
            }
        }
    }
    let (score, distance, k) = best.unwrap_or((f64::NAN, Distance::Euclidean, 1));
    let near = Neighbours::of(cx, &space.test, &references, k, distance, false);
    let predictions = near.classify(k, &few.train_labels, few.classes);
    Probed {
        predictions,
        validation: score,
        chosen: format!("{distance} k {k}", distance = distance.name()),
    }
}
