//! What keeps a pretrained encoder near what it was: discriminative rates, and the pull towards its
//! weights.

use crate::support;
use narrows_datasets::{Dataset, Rows, draw_labels};
use narrows_engine::{Context, Loss, Params};
use narrows_models::architecture::{ENCODER, HEAD};
use narrows_models::transfer::SLOW_FACTOR;
use narrows_models::{Error, Goal, Run, Task, Training, Transfer};
use support::{architecture, training};

fn pretrained() -> Params {
    Params::new(&architecture().autoencoder().unwrap(), 77)
}

/// Trains by `method`, and hands out what came of it.
fn train(method: Transfer, settings: &Training, anchored: bool) -> Result<Params, Error> {
    let digits = Dataset::digits();
    let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 60, 20, 1, 0).unwrap();
    let network = architecture().classifier(10).unwrap();
    let mut params = Params::new(&network, 3);
    method.prepare(&mut params, &pretrained()).unwrap();
    let (train, validation) = (Rows::Listed(&draw.train), Rows::Listed(&[]));
    let task = Task { data: &digits, train, validation, goal: Goal::Classify };
    let mut run = Run::new(method.name(), &network, params, task, settings)?;
    if anchored {
        method.pull_to_pretrained(&mut run, &pretrained())?;
    }
    method.train(&mut run, &Context::new(1).unwrap(), &())?;
    Ok(run.trainer.params)
}

/// Three blocks: linear 0 with batch norm 1, linear 4 with batch norm 5, the bottleneck 8.
#[test]
fn each_block_learns_slower_than_the_one_above_it() {
    let settings = Training { lr_decay: 0.5, ..training(Loss::cross_entropy()) };
    for (method, top) in [
        (Transfer::Full, 1.0),
        (Transfer::Gradual, 1.0),
        (Transfer::LpFt, 1.0),
        (Transfer::Slow, SLOW_FACTOR),
    ] {
        let params = train(method, &settings, false).unwrap();
        for entry in params.entries() {
            let layer = |name: &str| entry.name.starts_with(&format!("{ENCODER}.{name}."));
            let expected = match () {
                () if layer("8") => top * 0.5,
                () if layer("4") || layer("5") => top * 0.25,
                () if layer("0") || layer("1") => top * 0.125,
                () => 1.0,
            };
            assert_eq!(entry.lr_factor, expected, "{}: {}", method.name(), entry.name);
        }
        assert!(params.entries().iter().any(|entry| entry.name.starts_with(HEAD)));
    }
    let params = train(Transfer::Scratch, &settings, false).unwrap();
    assert!(params.entries().iter().all(|entry| entry.lr_factor == 1.0), "nothing is pretrained");
}

/// The mean square of what the encoder's weights have moved.
fn moved(params: &Params) -> f64 {
    let start = pretrained();
    let weights = params
        .entries()
        .iter()
        .filter(|e| e.name.starts_with(ENCODER) && e.name.ends_with("weight"));
    let squares = weights.filter(|e| e.spec.shape.len() == 2).flat_map(|e| {
        let (now, then) = (params.get(&e.name).unwrap(), start.get(&e.name).unwrap());
        now.iter().zip(then).map(|(a, b)| f64::from(a - b).powi(2)).collect::<Vec<_>>()
    });
    let squares: Vec<f64> = squares.collect();
    squares.iter().sum::<f64>() / squares.len() as f64
}

#[test]
fn a_stronger_pull_leaves_the_encoder_nearer_to_what_it_was() {
    let settings = |l2_sp| Training { l2_sp, epochs: 20, ..training(Loss::cross_entropy()) };
    for method in [Transfer::Full, Transfer::Slow, Transfer::Gradual, Transfer::LpFt] {
        let distances = [0.0, 100.0, 1000.0]
            .map(|l2_sp| moved(&train(method, &settings(l2_sp), true).unwrap()));
        assert!(distances[0] > 1.2 * distances[1], "{}: {distances:?}", method.name());
        assert!(distances[1] > 1.2 * distances[2], "{}: {distances:?}", method.name());
    }
}

#[test]
fn a_fresh_or_frozen_encoder_is_not_pulled() {
    let settings = |l2_sp| Training { l2_sp, ..training(Loss::cross_entropy()) };
    for method in [Transfer::Scratch, Transfer::Freeze] {
        let with = train(method, &settings(100.0), true).unwrap();
        let without = train(method, &settings(0.0), true).unwrap();
        assert_eq!(with.values(), without.values(), "{}", method.name());
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let good = training(Loss::cross_entropy());
    for (bad, expected) in [
        (Training { lr_decay: 0.0, ..good.clone() }, "from block to block"),
        (Training { lr_decay: 1.5, ..good.clone() }, "from block to block"),
        (Training { lr_decay: f32::NAN, ..good.clone() }, "from block to block"),
        (Training { l2_sp: -1.0, ..good.clone() }, "pull towards the pretrained weights"),
        (Training { l2_sp: f32::INFINITY, ..good.clone() }, "pull towards the pretrained weights"),
    ] {
        let message = train(Transfer::Full, &bad, true).unwrap_err().to_string();
        assert!(message.contains(expected) && !message.contains('\n'), "{message}");
    }
    let forgotten = Training { l2_sp: 1.0, ..good };
    let message = train(Transfer::Full, &forgotten, false).unwrap_err().to_string();
    assert!(message.contains("Transfer::pull_to_pretrained"), "{message}");
}
