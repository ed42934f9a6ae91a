//! The objectives of pretraining: each learns, by the loss that it says, and leaves an encoder that
//! works.

use crate::support;
use narrows_datasets::{Augmentation, Dataset, Rows, TrainTest};
use narrows_engine::{Context, Loss, Params, Schedule};
use narrows_models::model_file::{Description, load, save};
use narrows_models::pretraining::Pretrained;
use narrows_models::{
    Architecture, Model, Objective, Pretraining, SampleShape, Training, Transfer, inference,
};
use support::{architecture, bits, image_architecture, training};

const VARIATIONAL: Objective = Objective::Variational { beta: 1.0, warm_up: 0 };

const ALL: [Objective; 5] = [
    Objective::Plain,
    Objective::Denoising,
    Objective::Masked,
    Objective::Sparse { weight: 0.1 },
    VARIATIONAL,
];

/// The model for an objective.
fn of(objective: Objective, architecture: Architecture) -> Architecture {
    Architecture {
        variational: matches!(objective, Objective::Variational { .. }),
        dropout: 0.0,
        ..architecture
    }
}

fn towards(objective: Objective, loss: Loss) -> Training {
    Training { objective, epochs: 8, lr: 1e-2, clip_norm: None, ..training(loss) }
}

fn pretrain(
    data: &TrainTest,
    architecture: &Architecture,
    training: &Training,
    threads: usize,
) -> Pretrained {
    let pretraining = Pretraining { data, architecture, training, held_out: 50, seed: 1 };
    pretraining.check().unwrap().run(&Context::new(threads).unwrap(), &()).unwrap()
}

/// The latent codes of all rows.
fn codes(architecture: &Architecture, params: &Params, data: &Dataset) -> Vec<f32> {
    let (cx, mut codes) = (Context::new(1).unwrap(), Vec::new());
    inference::embed(&cx, architecture, params, data, Rows::all(data.len()), |_, some| {
        codes.extend_from_slice(some);
        Ok(())
    })
    .unwrap();
    codes
}

#[test]
fn each_objective_lowers_its_loss_with_each_model() {
    let data = narrows_datasets::builtin(900, 0);
    let models =
        [architecture(), image_architecture(Model::Conv), image_architecture(Model::Resnet)];
    for (objective, model) in
        ALL.iter().flat_map(|objective| models.iter().map(move |m| (*objective, m)))
    {
        let architecture = of(objective, model.clone());
        for loss in [Loss::L2, Loss::BceWithLogits] {
            let name = format!("{objective:?}, {}, {}", model.model.name(), loss.name());
            let result = pretrain(&data, &architecture, &towards(objective, loss), 1);
            let [first, last] = [0, 7].map(|epoch| &result.history[epoch]);
            assert!(last.train_loss < 0.95 * first.train_loss, "{name}: {first:?}, then {last:?}");
            let (before, after) = (first.validation_loss.unwrap(), last.validation_loss.unwrap());
            assert!(after < before, "{name}: {before} on others, then {after}");
            assert!(result.autoencoder.test_mse < 0.09, "{name}: {}", result.autoencoder.test_mse);
            let latent = architecture.latent;
            let codes = codes(&architecture, &result.params, &data.test);
            assert_eq!(codes.len(), data.test.len() * latent, "{name}");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let data = narrows_datasets::builtin(1400, 0);
    for objective in ALL {
        let architecture = of(objective, architecture());
        let training = Training { epochs: 2, ..towards(objective, Loss::BceWithLogits) };
        let [one, three] = [1, 3].map(|threads| pretrain(&data, &architecture, &training, threads));
        assert_eq!(bits(&one.params), bits(&three.params), "{objective:?}");
        assert_eq!(
            one.history.last().unwrap().train_loss,
            three.history.last().unwrap().train_loss
        );
    }
}

/// By the loss that is reported, and by how far the codes' distributions are from the standard
/// normal one.
#[test]
fn the_divergence_comes_in_over_the_epochs_of_its_warm_up() {
    let data = narrows_datasets::builtin(1400, 0);
    let architecture = of(VARIATIONAL, architecture());
    let run = |beta, warm_up| {
        let objective = Objective::Variational { beta, warm_up };
        let training = Training {
            schedule: Schedule::Constant,
            lr: 3e-3,
            ..towards(objective, Loss::BceWithLogits)
        };
        pretrain(&data, &architecture, &training, 1)
    };
    let (at_once, slowly, never) = (run(1.0, 0), run(1.0, 6), run(0.0, 0));
    let first = |result: &Pretrained| result.history[0].train_loss;
    assert!(first(&never) < first(&slowly) && first(&slowly) < first(&at_once));
    // Held-out samples always meet the whole of it: what is chosen does not change with the epochs.
    let validation = |result: &Pretrained| result.history[0].validation_loss.unwrap();
    assert!(
        validation(&slowly) > validation(&at_once),
        "little was done against the divergence yet"
    );
    let last = |result: &Pretrained| result.history[7].train_loss;
    assert!((last(&slowly) / last(&at_once) - 1.0).abs() < 0.05, "the end is the same objective");

    let spread = |result: &Pretrained| {
        let codes = codes(&architecture, &result.params, &data.test);
        codes.iter().map(|z| f64::from(z * z)).sum::<f64>() / codes.len() as f64
    };
    assert!(spread(&at_once) < 1.1, "{}: an average of normal codes", spread(&at_once));
    assert!(spread(&never) > 2.0 * spread(&at_once), "{}: nothing holds them", spread(&never));
}

/// The codes that are transferred are the means, with no variance among them: a classifier of such
/// an encoder is fine-tuned, saved and loaded as any other.
#[test]
fn variational_encoders_are_transferred_and_come_back_from_files() {
    let data = narrows_datasets::builtin(1400, 0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for model in [architecture(), image_architecture(Model::Conv)] {
        let architecture = of(VARIATIONAL, model);
        let pretrained = pretrain(
            &data,
            &architecture,
            &Training { epochs: 2, ..towards(VARIATIONAL, Loss::L2) },
            1,
        );
        let classifier = architecture.classifier(10).unwrap();
        let names: Vec<&str> = classifier.param_entries().iter().map(|e| &*e.name).collect();
        assert!(names.contains(&"head.1.weight"), "{names:?}");
        for &(_, method) in Transfer::ALL {
            let mut params = Params::new(&classifier, 1);
            method.prepare(&mut params, &pretrained.params).unwrap();
        }
        let description = Description::autoencoder(architecture.clone(), &data.train);
        save(&path, &pretrained.params, &description).unwrap();
        let (loaded, network, params) = load(&path).unwrap();
        assert_eq!(loaded, description);
        assert_eq!(network.output().len(), 64);
        assert_eq!(
            codes(&loaded.architecture, &params, &data.test),
            codes(&architecture, &pretrained.params, &data.test)
        );
        // Twice as many outputs, and the first half of them is the code.
        let mut bias = params
            .entries()
            .iter()
            .filter(|e| e.name.starts_with("encoder") && e.name.ends_with("bias"));
        assert_eq!(bias.next_back().unwrap().range.len(), 2 * architecture.latent);
    }
}

/// Nothing of the description of other models changed, for the programs of before.
#[test]
fn only_variational_models_say_so() {
    let json = |variational| {
        serde_json::to_string(&Architecture { variational, ..architecture() }).unwrap()
    };
    assert!(!json(false).contains("variational") && json(true).contains(r#""variational":true"#));
}

#[test]
fn corruptions_are_the_objectives_unless_the_training_has_its_own() {
    let (image, flat) = (SampleShape::Image([28, 30, 3]), SampleShape::Flat(9));
    let none = Augmentation::default();
    for objective in [Objective::Plain, Objective::Sparse { weight: 1.0 }, VARIATIONAL] {
        assert_eq!(objective.corrupting(none, image), none);
    }
    let shifted = Augmentation { shift: 2, ..none };
    assert_eq!(
        Objective::Denoising.corrupting(shifted, flat),
        Augmentation { gaussian: 0.5, mask: 0.4, ..shifted }
    );
    assert_eq!(
        Objective::Masked.corrupting(shifted, image),
        Augmentation { mask: 0.75, patch: 4, ..shifted }
    );
    assert_eq!(Objective::Masked.corrupting(none, flat), Augmentation { mask: 0.5, ..none });
    let tiny = SampleShape::Image([3, 8, 1]);
    assert_eq!(Objective::Masked.corrupting(none, tiny).patch, 1);
    let large = Augmentation { patch: 7, ..none };
    assert_eq!(Objective::Masked.corrupting(large, image), Augmentation { mask: 0.75, ..large });
    let noisy = Augmentation { gaussian: 0.3, ..none };
    for objective in [Objective::Denoising, Objective::Masked] {
        assert_eq!(objective.corrupting(noisy, image), noisy);
    }
    // It is what is trained with.
    let data = narrows_datasets::builtin(1400, 0);
    let architecture = of(Objective::Plain, architecture());
    let training = Training { epochs: 1, ..towards(Objective::Masked, Loss::L2) };
    let by_name = pretrain(&data, &architecture, &training, 1);
    let augmentation = Augmentation { mask: 0.75, patch: 1, ..none };
    let by_hand = Training { augmentation, objective: Objective::Plain, ..training };
    assert_eq!(bits(&by_name.params), bits(&pretrain(&data, &architecture, &by_hand, 1).params));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let data = narrows_datasets::builtin(1400, 0);
    let check = |architecture: &Architecture, objective| {
        let training = towards(objective, Loss::L2);
        let pretraining =
            Pretraining { data: &data, architecture, training: &training, held_out: 9, seed: 1 };
        pretraining.check().map(drop).map_err(|e| e.to_string())
    };
    let variational = of(VARIATIONAL, architecture());
    for (architecture, objective, words) in [
        (&architecture(), VARIATIONAL, "variational needs a variational architecture"),
        (&variational, Objective::Plain, "variational needs a variational architecture"),
        (&variational, Objective::Variational { beta: -1.0, warm_up: 0 }, "needs a finite weight"),
        (&architecture(), Objective::Sparse { weight: f32::NAN }, "needs a finite weight"),
    ] {
        let message = check(architecture, objective).unwrap_err();
        assert!(message.contains(words) && !message.contains('\n'), "{message}");
    }
    assert!(check(&variational, VARIATIONAL).is_ok());
}

/// A sparse code has fewer values that are not small, and says so in the loss.
#[test]
fn the_penalty_makes_codes_sparse() {
    let data = narrows_datasets::builtin(900, 0);
    let architecture = of(Objective::Plain, Architecture { latent: 16, ..architecture() });
    let ratio = |weight| {
        let training = Training { epochs: 20, ..towards(Objective::Sparse { weight }, Loss::L2) };
        let result = pretrain(&data, &architecture, &training, 1);
        let codes = codes(&architecture, &result.params, &data.test);
        let of = |z: &[f32]| {
            let (l1, squares): (f32, f32) =
                (z.iter().map(|z| z.abs()).sum(), z.iter().map(|z| z * z).sum());
            f64::from(l1 / (4.0 * squares.sqrt()))
        };
        codes.chunks(16).map(of).sum::<f64>() / data.test.len() as f64
    };
    let (without, with) = (ratio(0.0), ratio(0.1));
    assert!(with < without - 0.2, "{with}, not much below {without}");
}
