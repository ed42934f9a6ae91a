//! What is too large is refused before anything is made of it.

mod support;

use narrows_datasets::{Dataset, TrainTest};
use narrows_engine::{Context, Loss};
use narrows_models::{Architecture, Comparison, Method, Pca, Pretraining};
use support::{architecture, training};

/// Four samples of `n` values, two of each class.
fn samples(n: usize) -> TrainTest {
    let labels = Some(vec![0, 1, 0, 1]);
    let half = || Dataset::from_values("wide", vec![0; 4 * n], &[n], 255, labels.clone()).unwrap();
    TrainTest { train: half(), test: half() }
}

#[test]
fn samples_too_long_for_principal_components_are_refused() {
    for (n, fits) in [(4096, true), (4097, false)] {
        let data = samples(n);
        let architecture = Architecture::linear(n, 2);
        let pretraining = Pretraining {
            data: &data,
            architecture: &architecture,
            training: &training(Loss::L2),
            held_out: 0,
            seed: 1,
        };
        let comparison = Comparison {
            data: &data,
            architecture: architecture.clone(),
            pretraining: training(Loss::L2),
            held_out: 0,
            finetuning: training(Loss::cross_entropy()),
            learning_rates: vec![1e-3],
            methods: vec![Method::Scratch],
            labels: 2,
            validation: 2,
            draws: 1,
            seed: 1,
        };
        let fit = || Pca::fit(&Context::new(1).unwrap(), &data.train, &[0, 1], 1).map(|_| ());
        let results =
            [pretraining.check(), comparison.check().map(|_| ()), if fits { Ok(()) } else { fit() }];
        for result in results {
            match result {
                Ok(()) => assert!(fits),
                Err(e) => {
                    let message = e.to_string();
                    assert!(!fits && message.contains("wide: samples of 4097 values"), "{message}");
                    assert!(message.contains("at most 4096: make the images smaller"), "{message}");
                }
            }
        }
    }
}

#[test]
fn a_network_too_large_for_memory_is_refused_by_its_widths() {
    let wide = |width| Architecture { widths: vec![width, width], ..architecture() };
    assert!(wide(16_000).classifier(10).is_ok());
    for result in [wide(16_384).classifier(10), wide(65_536).autoencoder()] {
        let message = result.unwrap_err().to_string();
        assert!(message.contains("the widths [") && message.contains("choose smaller widths"), "{message}");
        assert!(message.contains("more than 268435456"), "{message}");
    }
}
