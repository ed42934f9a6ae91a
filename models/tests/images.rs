//! The models of images: their shapes, against what the sizes ask for, and that they learn.

use crate::support;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Loss, Optimizer, Params, Pass, PassMemory};
use narrows_models::{
    Activation, Architecture, Evaluation, Goal, Model, Pretraining, Run, SampleShape, Task,
    Training,
};
use support::{IMAGE_MODELS, all, image_architecture, training};

/// The shapes of all parameters but those of batch norm.
fn weights(architecture: &Architecture) -> Vec<Vec<usize>> {
    let network = architecture.autoencoder().unwrap();
    let entries = network.param_entries();
    let normalises =
        |layer: &str| entries.iter().any(|e| e.name == format!("{layer}.running_mean"));
    let shapes = entries.iter().filter(|e| !normalises(e.name.rsplit_once('.').unwrap().0));
    shapes.map(|e| e.spec.shape.clone()).collect()
}

#[test]
fn each_size_comes_back() {
    for model in IMAGE_MODELS {
        for (height, width) in
            (5..=33).flat_map(|height| (5..=29).map(move |width| (height, width)))
        {
            for (channels, depth) in [(1, 1), (2, 2), (3, 1)] {
                let image = [height, width, channels];
                let widths = vec![2, 3, 2];
                let architecture =
                    Architecture { widths, depth, latent: 4, ..Architecture::new(model, image) };
                let network = architecture.autoencoder().unwrap();
                assert_eq!(network.input().dims(), image);
                assert_eq!(network.output().dims(), image, "{}", model.name());
                assert_eq!(architecture.classifier(5).unwrap().output().dims(), [5]);
            }
        }
    }
}

#[test]
fn images_of_any_size_pass_through() {
    let cx = Context::new(1).unwrap();
    for model in IMAGE_MODELS {
        for image in [[5, 5, 1], [1, 9, 2], [33, 29, 3], [2, 1, 7]] {
            let architecture = Architecture {
                widths: vec![3],
                depth: 2,
                latent: 4,
                ..Architecture::new(model, image)
            };
            let network = architecture.autoencoder().unwrap();
            let params = Params::new(&network, 1);
            let len: usize = image.iter().product();
            let x: Vec<f32> = (0..2 * len).map(|i| (i % 7) as f32 / 7.0).collect();
            let mut memory = PassMemory::new(&network, 2).unwrap();
            for pass in [Pass::evaluate(), Pass::train(1, 0)] {
                let y = network.forward(&cx, &params, &mut memory, &x, pass).unwrap();
                assert_eq!(y.len(), 2 * len);
                assert!(y.iter().all(|y| (0.0..=1.0).contains(y)), "a sigmoid's, {}", model.name());
            }
        }
    }
}

/// The reference models W2 and W3, layer by layer, are the defaults of the model conv.
#[test]
fn the_defaults_are_the_reference_models() {
    let small = Architecture { latent: 64, ..Architecture::new(Model::Conv, [28, 28, 1]) };
    let up = |from: usize, to: usize| vec![3, 3, to, from];
    assert_eq!(small.widths, [16, 32]);
    assert_eq!(
        weights(&small),
        [
            vec![3, 3, 1, 16],
            vec![3, 3, 16, 32],
            vec![64, 1568],
            vec![64],
            vec![1568, 64],
            vec![1568],
            up(32, 16),
            up(16, 1),
            vec![1],
        ]
    );
    let large = Architecture { latent: 128, ..Architecture::new(Model::Conv, [32, 32, 3]) };
    assert_eq!(large.widths, [32, 64, 128]);
    assert_eq!(
        weights(&large),
        [
            vec![3, 3, 3, 32],
            vec![3, 3, 32, 64],
            vec![3, 3, 64, 128],
            vec![128, 2048],
            vec![128],
            vec![2048, 128],
            vec![2048],
            up(128, 64),
            up(64, 32),
            up(32, 3),
            vec![3],
        ]
    );
}

#[test]
fn blocks_beyond_the_first_keep_the_width() {
    let conv = |depth| {
        let widths = vec![4, 6];
        weights(&Architecture {
            widths,
            depth,
            latent: 5,
            ..Architecture::new(Model::Conv, [8, 8, 1])
        })
    };
    let (one, two) = (conv(1), conv(2));
    assert_eq!(two.len(), one.len() + 4);
    // Two more of each width, one in the encoder and one in the decoder.
    for (width, before) in [(4, 0), (6, 0)] {
        let same =
            |shapes: &[Vec<usize>]| shapes.iter().filter(|s| **s == [3, 3, width, width]).count();
        assert_eq!((same(&one), same(&two)), (before, 2), "{width}");
    }
    let dense = |depth| {
        let widths = vec![4, 6];
        weights(&Architecture { widths, depth, latent: 5, ..Architecture::new(Model::Dense, 7) })
    };
    assert_eq!(dense(2)[..4], [vec![4, 7], vec![4, 4], vec![6, 4], vec![6, 6]]);
}

#[test]
fn what_is_no_image_or_too_small_is_refused() {
    for (model, name) in [(Model::Conv, "conv"), (Model::Resnet, "resnet")] {
        let flat = Architecture::new(model, 784);
        let one = Architecture { widths: vec![4], ..Architecture::new(model, [1, 1, 3]) };
        let small = Architecture { widths: vec![4; 4], ..Architecture::new(model, [5, 5, 1]) };
        let none = Architecture { widths: vec![], ..Architecture::new(model, [8, 8, 1]) };
        let zero = Architecture { depth: 0, ..Architecture::new(model, [8, 8, 1]) };
        let endless = Architecture { depth: usize::MAX, ..Architecture::new(model, [8, 8, 1]) };
        let huge =
            Architecture { widths: vec![60_000], ..Architecture::new(model, [4000, 4000, 1]) };
        let overflowing = Architecture::new(model, [usize::MAX, 8, usize::MAX]);
        let empty = Architecture::new(model, [8, 0, 1]);
        for (architecture, expected) in [
            (flat, &format!("the model {name} is for images, but the samples are 784 values")[..]),
            (one, "images of 1x1x3 are too small"),
            (
                small,
                "images of 5x5x1 are too small for the widths [4, 4, 4, 4]: each halves them, and \
                 3 leave",
            ),
            (none, "at least 1 width"),
            (zero, "1 to 64 blocks, not 0"),
            (endless, "1 to 64 blocks"),
            (huge, "choose smaller widths"),
            (overflowing, "cannot be modelled"),
            (empty, "samples of 8x0x1 cannot be modelled"),
        ] {
            for result in [architecture.autoencoder(), architecture.classifier(3)] {
                let message = result.unwrap_err().to_string();
                assert!(
                    message.contains(expected) && !message.contains('\n'),
                    "{expected}: {message}"
                );
            }
        }
    }
}

#[test]
fn a_model_takes_the_images_it_is_for_and_flat_ones_of_as_many_values() {
    let image = SampleShape::Image([4, 6, 1]);
    assert!(image.takes(image) && !image.takes(SampleShape::Image([6, 4, 1])));
    assert!(!image.takes(SampleShape::Flat(24)), "which way round is not known");
    assert!(SampleShape::Flat(24).takes(image) && !SampleShape::Flat(25).takes(image));
    assert_eq!(SampleShape::of(&Dataset::digits()), SampleShape::Image([8, 8, 1]));
}

/// Names do not depend on what is dropped, so that an encoder fits whatever it is fine-tuned with.
#[test]
fn dropout_changes_no_name() {
    for model in IMAGE_MODELS {
        let names = |dropout| {
            let network =
                Architecture { dropout, ..image_architecture(model) }.classifier(10).unwrap();
            network.param_entries().iter().map(|e| e.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(0.0), names(0.3), "{}", model.name());
    }
}

#[test]
fn every_setting_trains() {
    let digits = Dataset::digits();
    let (rows, cx) = (all(&digits), Context::new(1).unwrap());
    let (train, validation) = (&rows[..60], &rows[60..80]);
    for model in IMAGE_MODELS {
        for &(_, activation) in Activation::ALL {
            for (batch_norm, dropout) in [(true, 0.0), (false, 0.2)] {
                let architecture = Architecture {
                    activation,
                    batch_norm,
                    dropout,
                    depth: 2,
                    ..image_architecture(model)
                };
                // Without weight decay, which would change everything.
                let optimizer = Optimizer::adam();
                let settings = Training { epochs: 2, optimizer, ..training(Loss::L2) };
                for (network, goal, loss) in [
                    (architecture.autoencoder().unwrap(), Goal::Reconstruct, Loss::L2),
                    (architecture.classifier(10).unwrap(), Goal::Classify, Loss::cross_entropy()),
                ] {
                    let task = Task {
                        data: &digits,
                        train: train.into(),
                        validation: validation.into(),
                        goal,
                    };
                    let settings = Training { loss, ..settings.clone() };
                    let params = Params::new(&network, 1);
                    let before = params.clone();
                    let mut run = Run::new("settings", &network, params, task, &settings).unwrap();
                    run.train(&cx, &(), |_, _| {}).unwrap();
                    let unchanged = before.entries().iter().filter(|entry| {
                        before.get(&entry.name) == run.trainer.params.get(&entry.name)
                    });
                    let unchanged: Vec<&str> = unchanged.map(|entry| &entry.name[..]).collect();
                    assert!(unchanged.is_empty(), "{architecture:?}: {unchanged:?}");
                }
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let digits = Dataset::digits();
    let rows = all(&digits);
    for model in IMAGE_MODELS {
        let network = image_architecture(model).autoencoder().unwrap();
        let (train, validation) = (&rows[..300], &rows[300..400]);
        let task = Task {
            data: &digits,
            train: train.into(),
            validation: validation.into(),
            goal: Goal::Reconstruct,
        };
        let bits = [1, 2, 3].map(|threads| {
            let settings = Training { epochs: 2, batch: 150, ..training(Loss::L2) };
            let mut run =
                Run::new("bits", &network, Params::new(&network, 1), task, &settings).unwrap();
            run.train(&Context::new(threads).unwrap(), &(), |_, _| {}).unwrap();
            let losses = run.history().iter().map(|r| r.validation_loss.unwrap().to_bits());
            let weights = run.trainer.params.values().iter().map(|x| x.to_bits());
            (losses.collect::<Vec<_>>(), weights.collect::<Vec<_>>())
        });
        assert!(bits[0] == bits[1] && bits[0] == bits[2], "{}", model.name());
    }
}

/// The mean squared error of the mean image, computed the obvious way: what a code of no value
/// could reach.
fn error_of_the_mean(data: &Dataset) -> f64 {
    let (n, len) = (data.len(), data.sample_len());
    let value = |row: usize, i: usize| f64::from(data.stored_bytes(row).unwrap()[i]) / 16.0;
    let mut sum = 0.0;
    for i in 0..len {
        let mean = (0..n).map(|row| value(row, i)).sum::<f64>() / n as f64;
        sum += (0..n).map(|row| (value(row, i) - mean).powi(2)).sum::<f64>();
    }
    sum / (n * len) as f64
}

#[test]
fn an_autoencoder_learns() {
    let digits = Dataset::digits();
    let (rows, cx) = (all(&digits), Context::new(0).unwrap());
    let mean = error_of_the_mean(&digits);
    for model in IMAGE_MODELS {
        let architecture =
            Architecture { widths: vec![8, 16], latent: 10, ..Architecture::new(model, [8, 8, 1]) };
        let network = architecture.autoencoder().unwrap();
        let task = Task {
            data: &digits,
            train: Rows::Listed(&rows),
            validation: Rows::Listed(&[]),
            goal: Goal::Reconstruct,
        };
        let settings = Training { epochs: 10, batch: 32, ..training(Loss::L2) };
        let mut run =
            Run::new("learns", &network, Params::new(&network, 1), task, &settings).unwrap();
        run.train(&cx, &(), |_, _| {}).unwrap();
        let params = &run.trainer.params;
        let found = Evaluation::of(
            &cx,
            &network,
            params,
            &Loss::L2,
            &digits,
            Rows::Listed(&rows),
            Goal::Reconstruct,
        );
        let mse = found.unwrap().loss;
        // Ten principal components leave a quarter of the variance.
        assert!(mse < 0.4 * mean, "{}: {mse} of {mean}", model.name());
    }
}

/// Pretraining, where the network trained with logits has the parameters of the autoencoder.
#[test]
fn logits_can_be_pretrained_on() {
    let data = narrows_datasets::builtin(1500, 0);
    for model in IMAGE_MODELS {
        let architecture = image_architecture(model);
        let training = Training { epochs: 1, ..training(Loss::BceWithLogits) };
        let pretraining = Pretraining {
            data: &data,
            architecture: &architecture,
            training: &training,
            held_out: 9,
            seed: 1,
        };
        let result = pretraining.check().unwrap().run(&Context::new(1).unwrap(), &()).unwrap();
        assert!(
            result.autoencoder.test_mse < 0.3,
            "{}: {}",
            model.name(),
            result.autoencoder.test_mse
        );
    }
}
