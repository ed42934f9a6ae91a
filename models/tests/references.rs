//! References: plain classifiers on the labels of a draw.

use narrows_datasets::{Dataset, builtin};
use narrows_engine::Context;
use narrows_models::references::Fitted;
use narrows_models::{Metric, Reference};

fn fit(reference: Reference, train: &Dataset, labels: usize, threads: usize) -> Fitted {
    let cx = Context::new(threads).unwrap();
    let draw = train.draw_labels(labels, 100, 1, 0).unwrap();
    reference.fit(&cx, train, &draw, (Metric::Accuracy, 7), &()).unwrap()
}

/// At least what scikit-learn has of the digits with 100 labels, less three points; more labels are
/// better; and the same labels give the same.
#[test]
fn each_reference_learns_the_digits() {
    let data = builtin(500, 1);
    let cx = Context::new(1).unwrap();
    for (reference, least) in [
        (Reference::Logistic, 0.86),
        (Reference::Knn, 0.88),
        (Reference::Svm, 0.89),
        (Reference::Forest, 0.84),
    ] {
        let tested = |labels, threads| {
            let fitted = fit(reference, &data.train, labels, threads);
            assert!(fitted.validation_accuracy.is_some_and(|x| x > 0.8), "{reference:?}");
            let test = fitted.test(&cx, &data.test, &()).unwrap();
            assert_eq!((0..10).map(|class| test.of_class(class)).sum::<usize>(), 500);
            (test.accuracy_by(Metric::Accuracy), fitted.chosen)
        };
        let (few, many) = (tested(100, 1), tested(800, 1));
        assert!(
            few.0 > least && many.0 > 0.93 && many.0 > few.0,
            "{reference:?}: {few:?} {many:?}"
        );
        assert_eq!(few, tested(100, 2), "{reference:?}: threads change nothing");
    }
}

/// Two interleaved checkers, which no line tells apart.
#[test]
fn all_but_the_linear_one_see_what_is_not_linear() {
    let n = 600;
    let at = |i: usize| [(i * 7919 % 1000) as f32 / 1000.0, (i * 104_729 % 997) as f32 / 997.0];
    let values: Vec<f32> = (0..n).flat_map(at).collect();
    let labels: Vec<u16> =
        (0..n).map(|i| u16::from((at(i)[0] > 0.5) == (at(i)[1] > 0.5))).collect();
    let data = Dataset::from_floats("checkers", values, &[2], Some(labels)).unwrap();
    let cx = Context::new(1).unwrap();
    let accuracy = |reference| {
        let test = fit(reference, &data, 200, 1).test(&cx, &data, &()).unwrap();
        test.accuracy_by(Metric::Accuracy)
    };
    assert!(accuracy(Reference::Logistic) < 0.65);
    for reference in [Reference::Knn, Reference::Svm, Reference::Forest] {
        assert!(accuracy(reference) > 0.9, "{reference:?}: {}", accuracy(reference));
    }
}

/// Samples that are all alike leave nothing to learn, and no number that is none.
#[test]
fn equal_samples_are_no_fault() {
    let labels = (0..300).map(|i| (i % 3) as u16).collect();
    let data = Dataset::from_floats("equal", vec![0.5; 300 * 4], &[4], Some(labels)).unwrap();
    let cx = Context::new(1).unwrap();
    for (name, reference) in Reference::ALL {
        let fitted = fit(*reference, &data, 30, 1);
        let test = fitted.test(&cx, &data, &()).unwrap().accuracy_by(Metric::Accuracy);
        assert!((test - 1.0 / 3.0).abs() < 0.01, "{name}: {test}");
    }
}
