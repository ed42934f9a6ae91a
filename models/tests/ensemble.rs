//! Ensembles: the mean of probabilities, against an f64 loop over logits; and in a comparison.

use crate::support;
use narrows_datasets::{Dataset, Rows, TrainTest, builtin, draw_labels};
use narrows_engine::{Context, Loss, Network, Params, Pass, PassMemory};
use narrows_models::methods::Ensemble;
use narrows_models::methods::Given;
use narrows_models::{Evaluation, Method, Transfer};
use support::{architecture, training};

fn logits(network: &Network, params: &Params, data: &Dataset, rows: &[u32]) -> Vec<f32> {
    let (cx, mut x) = (Context::new(1).unwrap(), vec![0.0; rows.len() * data.sample_len()]);
    data.gather(rows, &mut x).unwrap();
    let mut memory = PassMemory::new(network, rows.len()).unwrap();
    network.forward(&cx, params, &mut memory, &x, Pass::evaluate()).unwrap().to_vec()
}

#[test]
fn the_mean_of_the_probabilities_decides() {
    let (cx, digits) = (Context::new(1).unwrap(), Dataset::digits());
    let rows: Vec<u32> = (100..900).collect();
    let network = architecture().classifier(10).unwrap();
    let members =
        [1, 2, 3].map(|seed| (Params::new(&network, seed), [1.0f32, 0.5, 2.0][seed as usize - 1]));
    let mut ensemble = Ensemble::new(10);
    for (params, temperature) in &members {
        ensemble.add(&cx, &network, params, *temperature, &digits, Rows::Listed(&rows)).unwrap();
    }
    let mut mean = vec![0.0f64; rows.len() * 10];
    for (params, temperature) in &members {
        let logits = logits(&network, params, &digits, &rows);
        for (mean, z) in mean.chunks_exact_mut(10).zip(logits.chunks_exact(10)) {
            let e: Vec<f64> = z.iter().map(|&z| f64::from(z / temperature).exp()).collect();
            let sum: f64 = e.iter().sum();
            mean.iter_mut().zip(e).for_each(|(mean, e)| *mean += e / sum / 3.0);
        }
    }
    let labels = digits.labels().unwrap().unwrap();
    let (mut loss, mut correct) = (0.0, 0);
    let evaluation = ensemble.evaluation();
    for (i, (p, &row)) in mean.chunks_exact(10).zip(&rows).enumerate() {
        let label = usize::from(labels[row as usize]);
        let best = (0..10).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap();
        loss -= p[label].ln() / rows.len() as f64;
        correct += usize::from(best == label);
        assert_eq!(usize::from(evaluation.predictions[i]), best, "row {row}");
        for (c, p) in p.iter().enumerate() {
            assert!(
                (f64::from(ensemble.logits()[i * 10 + c]) - p.ln()).abs() < 1e-4,
                "row {row}, class {c}"
            );
        }
    }
    assert!((evaluation.loss - loss).abs() < 1e-5, "{} {loss}", evaluation.loss);
    assert!((evaluation.accuracy.unwrap() - correct as f64 / 800.0).abs() < 1e-12);

    let other = ensemble.add(&cx, &network, &members[0].0, 1.0, &digits, Rows::Listed(&rows[1..]));
    assert!(other.unwrap_err().to_string().contains("the same samples"));
}

#[test]
fn each_sample_is_handed_over_once() {
    let (cx, digits) = (Context::new(1).unwrap(), Dataset::digits());
    let network = architecture().classifier(10).unwrap();
    let params = Params::new(&network, 1);
    let mut seen = Vec::new();
    let mut take = |logits: &[f32], labels: &[u32]| {
        assert_eq!(logits.len(), labels.len() * 10);
        seen.extend(labels.iter().map(|&label| label as u16));
    };
    Evaluation::of_classifier(&cx, &network, &params, &digits, Rows::all(digits.len()), &mut take)
        .unwrap();
    assert_eq!(seen, digits.labels().unwrap().unwrap());
}

#[test]
fn members_begin_with_the_one_there_is_without_an_ensemble() {
    let TrainTest { train, test } = builtin(500, 0);
    let draw = draw_labels(train.labels().unwrap().unwrap(), 10, 50, 50, 1, 0).unwrap();
    let (cx, finetuning) = (Context::new(1).unwrap(), training(Loss::cross_entropy()));
    let train_with = |ensemble| {
        let given = Given {
            data: &train,
            architecture: &architecture(),
            pretrained: None,
            finetuning: &finetuning,
            learning_rates: &[1e-2],
            ensemble,
        };
        Method::Transfer(Transfer::Scratch)
            .train_one(&cx, &given, &draw, 7, "counted", &())
            .unwrap()
    };
    let (one, three) = (train_with(1), train_with(3));
    assert_eq!((one.others.len(), three.others.len()), (0, 2));
    assert_eq!(one.params.values(), three.params.values());
    let members = [&three.params, &three.others[0], &three.others[1]];
    assert!(
        members[0].values() != members[1].values() && members[1].values() != members[2].values()
    );

    let mut ensemble = Ensemble::new(10);
    for params in members {
        ensemble.add(&cx, &three.network, params, 1.0, &test, Rows::all(test.len())).unwrap();
    }
    let together = three.test(&cx, &test).unwrap();
    assert_eq!(together.predictions, ensemble.evaluation().predictions);
    assert_ne!(together.predictions, one.test(&cx, &test).unwrap().predictions);
}
