//! The k-nearest-neighbours probe: the class that most of the nearest labelled samples have.

use super::neighbours::{Distance, Neighbours};
use super::{Few, Probed, Space};
use narrows_engine::Context;

/// The numbers of neighbours to choose from.
const KS: [usize; 6] = [1, 3, 5, 10, 20, 50];

/// By the distance and the number of neighbours that the validation labels choose.
pub(super) fn probe(cx: &Context, space: &Space, few: &Few<'_>) -> Probed {
    let references = space.train.subset(few.train);
    let validation = space.train.subset(few.validation);
    let most = KS[KS.len() - 1];
    let mut best: Option<(f64, Distance, usize)> = None;
    for distance in [Distance::Euclidean, Distance::Cosine] {
        let near = Neighbours::of(cx, &validation, &references, most, distance, false);
        for k in KS.into_iter().filter(|k| *k <= near.k) {
            let score = few.validated(&classify(&near, k, &few.train_labels, few.classes));
            if best.is_none_or(|(other, ..)| score > other) {
                best = Some((score, distance, k));
            }
        }
    }
    let (score, distance, k) = best.unwrap_or((f64::NAN, Distance::Euclidean, 1));
    let near = Neighbours::of(cx, &space.test, &references, k, distance, false);
    let predictions = classify(&near, k, &few.train_labels, few.classes);
    Probed {
        predictions,
        validation: score,
        chosen: format!("{distance} k {k}", distance = distance.name()),
    }
}

/// The class that most of the `k` nearest have; of several, that of the nearest.
pub(super) fn classify(near: &Neighbours, k: usize, labels: &[u16], classes: usize) -> Vec<u16> {
    let queries = near.index.len().checked_div(near.k).unwrap_or(0);
    let mut votes = vec![0; classes];
    let classify = |query| {
        votes.fill(0);
        let classes = || near.row(query).take(k).map(|(index, _)| labels[index]);
        classes().for_each(|class| votes[usize::from(class)] += 1);
        let most = votes.iter().copied().max().unwrap_or(0);
        classes().find(|class| votes[usize::from(*class)] == most).unwrap_or(0)
    };
    (0..queries).map(classify).collect()
}
