//! Transfer of the models of images: what each way takes over, and what of it may change, block by
//! block.

use crate::support;
use narrows_datasets::{Dataset, Rows, draw_labels};
use narrows_engine::params::{ParamEntry, Role};
use narrows_engine::{Context, Loss, Params};
use narrows_models::architecture::{ENCODER, HEAD};
use narrows_models::{Architecture, Goal, Model, Run, Task, Training, Transfer};
use support::{IMAGE_MODELS, image_architecture, pretrained, training};

fn prepared(architecture: &Architecture, method: Transfer) -> Params {
    let mut params = Params::new(&architecture.classifier(10).unwrap(), 3);
    method.prepare(&mut params, &pretrained(architecture)).unwrap();
    params
}

/// The names below `section` of the parameters for which `is` holds.
fn names(params: &Params, section: &str, is: impl Fn(&ParamEntry) -> bool) -> Vec<String> {
    let below =
        params.entries().iter().filter(|entry| entry.name.starts_with(&format!("{section}.")));
    below.filter(|entry| is(entry)).map(|entry| entry.name.clone()).collect()
}

#[test]
fn every_method_changes_what_it_should() {
    let digits = Dataset::digits();
    let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 60, 20, 1, 0).unwrap();
    let cx = Context::new(1).unwrap();
    for model in IMAGE_MODELS {
        let architecture = image_architecture(model);
        let network = architecture.classifier(10).unwrap();
        let task = Task {
            data: &digits,
            train: Rows::Listed(&draw.train),
            validation: Rows::Listed(&[]),
            goal: Goal::Classify,
        };
        let settings = Training { epochs: 8, ..training(Loss::cross_entropy()) };
        for &(name, method) in Transfer::ALL {
            let name = format!("{name} of {}", model.name());
            let before = prepared(&architecture, method);
            let source = match method {
                Transfer::Scratch => Params::new(&network, 3),
                _ => pretrained(&architecture),
            };
            let range = before.range(ENCODER);
            assert!(!range.is_empty() && range == source.range(ENCODER));
            assert_eq!(before.values()[range.clone()], source.values()[range.clone()], "{name}");
            let mut run = Run::new(&name, &network, before.clone(), task, &settings).unwrap();
            method.train(&mut run, &cx, &()).unwrap();
            let after = &run.trainer.params;
            let changed = |entry: &ParamEntry| before.get(&entry.name) != after.get(&entry.name);
            let mut expected = names(&before, HEAD, |_| true);
            if method == Transfer::Linear {
                expected.drain(..expected.len() - 2);
            }
            assert_eq!(names(&before, HEAD, changed), expected, "{name}");
            let frozen = matches!(method, Transfer::Freeze | Transfer::Linear);
            let expected = names(&before, ENCODER, |_| !frozen);
            assert_eq!(names(&before, ENCODER, changed), expected, "{name}");
        }
    }
}

#[test]
fn slow_moves_all_of_the_encoder_at_a_tenth_of_the_rate() {
    for model in IMAGE_MODELS {
        let params = prepared(&image_architecture(model), Transfer::Slow);
        let slowed = names(&params, ENCODER, |entry| entry.lr_factor == 0.1);
        assert_eq!(slowed, names(&params, ENCODER, |_| true), "{}", model.name());
        assert!(names(&params, HEAD, |entry| entry.lr_factor != 1.0).is_empty());
    }
}

/// The layers of the encoder that learn, by their numbers.
fn free(params: &Params) -> Vec<usize> {
    let free = names(params, ENCODER, |entry| entry.trainable);
    let mut layers: Vec<usize> =
        free.iter().map(|name| name.split('.').nth(1).unwrap().parse().unwrap()).collect();
    layers.dedup();
    for layer in &layers {
        let of_layer = format!("{ENCODER}.{layer}");
        let all = names(params, &of_layer, |entry| entry.spec.role != Role::Statistic);
        assert_eq!(
            names(params, &of_layer, |entry| entry.trainable),
            all,
            "a layer learns as a whole"
        );
    }
    layers
}

/// From the top, a convolution with the batch norm behind it and a residual block as a whole.
#[test]
fn gradual_frees_block_by_block() {
    // Convolution, batch norm, activation, dropout of each width, then the code; two widths, one of
    // them twice.
    let conv: &[&[usize]] = &[&[16], &[12, 13], &[8, 9], &[4, 5], &[0, 1]];
    // The stem; block, activation, dropout, four times; then the code.
    let resnet: &[&[usize]] = &[&[16], &[13], &[10], &[7], &[4], &[0, 1]];
    for (model, blocks) in [(Model::Conv, conv), (Model::Resnet, resnet)] {
        let architecture = Architecture { depth: 2, ..image_architecture(model) };
        let mut params = prepared(&architecture, Transfer::Gradual);
        // Two epochs a block, and as many epochs as that takes once more.
        let epochs = 4 * blocks.len();
        let mut expected: Vec<usize> = Vec::new();
        for done in 0..epochs {
            Transfer::Gradual.before_epoch(done, epochs, &mut params);
            if done > 0 && done.is_multiple_of(2) && done / 2 <= blocks.len() {
                expected.splice(0..0, blocks[done / 2 - 1].iter().copied());
            }
            assert_eq!(free(&params), expected, "{}, epoch {done}", model.name());
            assert!(
                names(&params, HEAD, |e| e.spec.role != Role::Statistic && !e.trainable).is_empty()
            );
        }
        let all = names(&params, ENCODER, |entry| entry.spec.role != Role::Statistic);
        assert_eq!(names(&params, ENCODER, |entry| entry.trainable), all, "in the end all learns");
    }
}

#[test]
fn an_encoder_of_another_model_is_refused() {
    let mut params = Params::new(&image_architecture(Model::Resnet).classifier(10).unwrap(), 3);
    let message = Transfer::Full
        .prepare(&mut params, &pretrained(&image_architecture(Model::Conv)))
        .unwrap_err();
    assert!(message.to_string().contains("cannot copy 'encoder'"), "{message}");
}
