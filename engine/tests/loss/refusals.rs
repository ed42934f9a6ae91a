//! What a loss refuses, and how it says so.

use super::losses;
use narrows_engine::{Context, Loss, Target};

#[test]
fn what_does_not_fit_is_named_and_leaves_the_gradient_alone() {
    let cx = Context::new(1).unwrap();
    let weighted = Loss::CrossEntropy { smoothing: 0.0, class_weights: Some(vec![1.0; 4]) };
    let (none, values, classes) =
        (Target::Values(&[]), Target::Values(&[0.0; 6]), Target::Classes(&[0, 2]));
    for (loss, batch, y_len, target, dy_len, message) in [
        (Loss::L2, 0, 0, none, 0, "0 values in 0 samples"),
        (Loss::L2, 2, 0, none, 0, "0 values in 2 samples"),
        (Loss::L2, 0, 6, values, 6, "6 values in 0 samples"),
        (Loss::cross_entropy(), 4, 6, classes, 6, "6 values in 4 samples"),
        (Loss::L1, 2, 6, Target::Values(&[0.0; 5]), 6, "has 6 values, the target 5"),
        (Loss::L1, 2, 6, values, 5, "gradient of 6 values cannot go into 5"),
        (Loss::BceWithLogits, 2, 6, classes, 6, "bce needs target values, not classes"),
        (Loss::Huber { delta: 1.0 }, 2, 6, classes, 6, "huber needs target values, not classes"),
        (Loss::cross_entropy(), 2, 6, values, 6, "needs a class for each sample, not values"),
        (Loss::cross_entropy(), 2, 6, Target::Classes(&[0]), 6, "2 samples but 1 classes"),
        (
            Loss::cross_entropy(),
            2,
            6,
            Target::Classes(&[2, 3]),
            6,
            "sample 1 of the batch has class 3, but there are 3 classes",
        ),
        (
            Loss::cross_entropy(),
            2,
            6,
            Target::Classes(&[u32::MAX, 0]),
            6,
            "sample 0 of the batch has class 4294967295",
        ),
        (weighted, 2, 6, classes, 6, "3 classes but 4 class weights"),
    ] {
        let mut dy = vec![77.0; dy_len];
        let error =
            loss.evaluate(&cx, batch, &vec![0.0; y_len], target, Some(&mut dy)).expect_err(message);
        assert!(error.to_string().contains(message), "{error}");
        assert!(dy.iter().all(|g| *g == 77.0), "{message}");
    }
}

#[test]
fn bad_settings_are_named() {
    let cross_entropy = |smoothing, class_weights| Loss::CrossEntropy { smoothing, class_weights };
    for (loss, message) in [
        (Loss::Huber { delta: 0.0 }, "delta"),
        (Loss::Huber { delta: f32::NAN }, "delta"),
        (Loss::Huber { delta: f32::INFINITY }, "delta"),
        (cross_entropy(1.0, None), "smoothing"),
        (cross_entropy(-0.1, None), "smoothing"),
        (cross_entropy(f32::NAN, None), "smoothing"),
        (cross_entropy(0.0, Some(vec![1.0, -1.0])), "class 1"),
        (cross_entropy(0.0, Some(vec![f32::NAN, 1.0])), "class 0"),
        (cross_entropy(0.0, Some(vec![0.0, 0.0])), "positive"),
    ] {
        let error = loss.check().expect_err(message).to_string();
        assert!(error.contains(message), "{loss:?}: {error}");
    }
    for loss in losses(3) {
        loss.check().unwrap();
    }
}
