//! What each way of transfer takes over, and what of it may change.

use crate::support;
use narrows_datasets::{Dataset, Rows, draw_labels};
use narrows_engine::layers::Linear;
use narrows_engine::params::Role;
use narrows_engine::{Context, Loss, Network, Params};
use narrows_models::architecture::{ENCODER, HEAD};
use narrows_models::{Architecture, Goal, Run, Task, Training, Transfer};
use support::{architecture, pretrained, training};

/// Trains by `method` for a few epochs, and hands out the parameters before and after.
fn train(method: Transfer, epochs: usize) -> (Params, Params) {
    let digits = Dataset::digits();
    let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 60, 20, 1, 0).unwrap();
    let network = architecture().classifier(10).unwrap();
    let mut params = Params::new(&network, 3);
    method.prepare(&mut params, &pretrained(&architecture())).unwrap();
    let before = params.clone();
    let task = Task {
        data: &digits,
        train: Rows::Listed(&draw.train),
        validation: Rows::Listed(&[]),
        goal: Goal::Classify,
    };
    let training = Training { epochs, ..training(Loss::cross_entropy()) };
    let mut run = Run::new(method.name(), &network, params, task, &training).unwrap();
    let cx = Context::new(1).unwrap();
    method.train(&mut run, &cx, &()).unwrap();
    (before, run.trainer.params)
}

/// The names of the parameters below `section` that changed.
fn changed(before: &Params, after: &Params, section: &str) -> Vec<String> {
    let below = before.entries().iter().filter(|e| e.name.starts_with(section));
    below.filter(|e| before.get(&e.name) != after.get(&e.name)).map(|e| e.name.clone()).collect()
}

fn names(params: &Params, section: &str) -> Vec<String> {
    params
        .entries()
        .iter()
        .filter(|e| e.name.starts_with(section))
        .map(|e| e.name.clone())
        .collect()
}

#[test]
fn every_method_but_scratch_starts_from_the_pretrained_encoder() {
    let (pretrained, network) =
        (pretrained(&architecture()), architecture().classifier(10).unwrap());
    let fresh = Params::new(&network, 3);
    for &(name, method) in Transfer::ALL {
        let mut params = fresh.clone();
        method.prepare(&mut params, &pretrained).unwrap();
        let range = params.range(ENCODER);
        assert!(!range.is_empty());
        let expected = if method == Transfer::Scratch { &fresh } else { &pretrained };
        assert_eq!(
            params.values()[range.clone()],
            expected.values()[expected.range(ENCODER)],
            "{name}"
        );
        let head = params.range(HEAD);
        assert_eq!(
            params.values()[head.clone()],
            fresh.values()[head],
            "{name}: the head starts afresh"
        );
    }
}

#[test]
fn every_method_trains_all_of_the_head_and_a_regression_its_last_layer() {
    for &(name, method) in Transfer::ALL {
        let (before, after) = train(method, 3);
        let mut expected = names(&before, HEAD);
        if method == Transfer::Linear {
            expected.drain(..expected.len() - 2);
        }
        assert_eq!(changed(&before, &after, HEAD), expected, "{name}");
    }
}

#[test]
fn all_but_freeze_train_all_of_the_encoder() {
    for method in [Transfer::Scratch, Transfer::Full, Transfer::Slow, Transfer::LpFt] {
        let (before, after) = train(method, 3);
        assert_eq!(changed(&before, &after, ENCODER), names(&before, ENCODER), "{}", method.name());
    }
}

#[test]
fn freeze_changes_no_bit_of_the_encoder_nor_of_its_running_statistics() {
    let (before, after) = train(Transfer::Freeze, 5);
    assert_eq!(changed(&before, &after, ENCODER), Vec::<String>::new());
    let statistics = |e: &&narrows_engine::params::ParamEntry| e.spec.role == Role::Statistic;
    assert!(before.entries().iter().filter(statistics).any(|e| e.name.starts_with(ENCODER)));
}

#[test]
fn slow_moves_the_encoder_at_a_tenth_of_the_rate() {
    let (network, method) = (architecture().classifier(10).unwrap(), Transfer::Slow);
    let mut params = Params::new(&network, 3);
    method.prepare(&mut params, &pretrained(&architecture())).unwrap();
    for entry in params.entries() {
        let expected = if entry.name.starts_with(ENCODER) { 0.1 } else { 1.0 };
        assert_eq!(entry.lr_factor, expected, "{}", entry.name);
    }
}

/// Three blocks (two hidden layers and the bottleneck), freed from the top in the first half of 12
/// epochs.
#[test]
fn gradual_frees_the_encoder_from_the_top() {
    let method = Transfer::Gradual;
    let mut params = Params::new(&architecture().classifier(10).unwrap(), 3);
    method.prepare(&mut params, &pretrained(&architecture())).unwrap();
    let mut free = Vec::new();
    for done in 0..12 {
        method.before_epoch(done, 12, &mut params);
        let layer = |name: &str| {
            let entries = params
                .entries()
                .iter()
                .filter(|e| e.name.starts_with(&format!("{ENCODER}.{name}.")));
            let trainable: Vec<bool> =
                entries.filter(|e| e.spec.role != Role::Statistic).map(|e| e.trainable).collect();
            assert!(!trainable.is_empty() && trainable.iter().all(|t| *t == trainable[0]));
            trainable[0]
        };
        // linear 0, batch norm 1, linear 4, batch norm 5, bottleneck 8
        assert_eq!(layer("0"), layer("1"));
        assert_eq!(layer("4"), layer("5"));
        free.push(usize::from(layer("0")) + usize::from(layer("4")) + usize::from(layer("8")));
        assert!(layer("8") >= layer("4") && layer("4") >= layer("0"), "from the top");
        let head = params.entries().iter().filter(|e| e.name.starts_with(HEAD));
        assert!(head.filter(|e| e.spec.role != Role::Statistic).all(|e| e.trainable));
    }
    assert_eq!(free, [0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3]);
    let (before, after) = train(method, 12);
    assert_eq!(
        changed(&before, &after, ENCODER),
        names(&before, ENCODER),
        "in the end all has learnt"
    );
}

/// However few epochs there are, the head has the first to itself.
#[test]
fn gradual_starts_with_the_head() {
    for epochs in 1..8 {
        let mut params = Params::new(&architecture().classifier(10).unwrap(), 3);
        Transfer::Gradual.prepare(&mut params, &pretrained(&architecture())).unwrap();
        let free = |params: &Params| {
            params.entries().iter().filter(|e| e.name.starts_with(ENCODER) && e.trainable).count()
        };
        Transfer::Gradual.before_epoch(0, epochs, &mut params);
        assert_eq!(free(&params), 0, "{epochs} epochs");
        (1..=epochs.div_ceil(2))
            .for_each(|done| Transfer::Gradual.before_epoch(done, epochs, &mut params));
        assert_eq!(
            free(&params),
            names_of_learning(&params),
            "{epochs} epochs: half of them through"
        );
    }
}

/// How many parameters of the encoder could learn.
fn names_of_learning(params: &Params) -> usize {
    params
        .entries()
        .iter()
        .filter(|e| e.name.starts_with(ENCODER) && e.spec.role != Role::Statistic)
        .count()
}

/// A rate at which nothing changes, so that no epoch is better than the first.
#[test]
fn patience_waits_until_gradual_has_freed_everything() {
    let digits = Dataset::digits();
    let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 60, 20, 1, 0).unwrap();
    let architecture = Architecture { batch_norm: false, ..architecture() };
    let network = architecture.classifier(10).unwrap();
    let pretrained = Params::new(&architecture.autoencoder().unwrap(), 77);
    let task = Task {
        data: &digits,
        train: Rows::Listed(&draw.train),
        validation: Rows::Listed(&draw.validation),
        goal: Goal::Classify,
    };
    let training =
        Training { epochs: 12, patience: 2, lr: 1e-30, ..training(Loss::cross_entropy()) };
    for (method, expected) in
        [(Transfer::Full, 1 + 2), (Transfer::Gradual, 6 + 2), (Transfer::LpFt, 6 + 2)]
    {
        let mut params = Params::new(&network, 3);
        method.prepare(&mut params, &pretrained).unwrap();
        let mut run = Run::new(method.name(), &network, params, task, &training).unwrap();
        method.train(&mut run, &Context::new(1).unwrap(), &()).unwrap();
        assert_eq!((run.best_epoch(), run.history().len()), (1, expected), "{}", method.name());
    }
}

/// A section whose name only begins like the encoder's is none of its blocks.
#[test]
fn the_encoder_is_the_section_of_that_very_name() {
    let builder = Network::builder(4).section(ENCODER).layer(Linear::new(3)).section("encoders");
    let network = builder.layer(Linear::new(2)).build().unwrap();
    let mut params = Params::new(&network, 1);
    params.set_trainable(ENCODER, false).unwrap();
    params.set_trainable("encoders", false).unwrap();
    Transfer::Gradual.before_epoch(2, 4, &mut params);
    let free: Vec<&str> =
        params.entries().iter().filter(|e| e.trainable).map(|e| &e.name[..]).collect();
    assert_eq!(free, ["encoder.0.weight", "encoder.0.bias"]);
}

#[test]
fn an_encoder_of_another_shape_is_refused_by_name() {
    let other = Architecture { widths: vec![24, 17], ..architecture() };
    let other = Params::new(&other.autoencoder().unwrap(), 1);
    let mut params = Params::new(&architecture().classifier(10).unwrap(), 3);
    let before = params.clone();
    let message = Transfer::Full.prepare(&mut params, &other).unwrap_err().to_string();
    assert!(message.contains("encoder.4.weight"), "{message}");
    assert_eq!(params.values(), before.values(), "nothing is copied by halves");
}
