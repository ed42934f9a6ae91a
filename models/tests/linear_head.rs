//! A head fitted as a logistic regression on the codes of a frozen encoder.

use crate::support;
use narrows_datasets::{Dataset, Rows, builtin, draw_labels};
use narrows_engine::{Context, Loss, Network, Params, Pass, PassMemory};
use narrows_models::architecture::ENCODER;
use narrows_models::curve::Point;
use narrows_models::{Curve, Goal, Method, Run, Task, Training, Transfer};
use support::{architecture, pretrained, training};

fn prepared(network: &Network) -> Params {
    let mut params = Params::new(network, 3);
    Transfer::Linear.prepare(&mut params, &pretrained(&architecture())).unwrap();
    params
}

/// The probabilities of `rows`, (rows, classes), in f64.
fn probabilities(network: &Network, params: &Params, data: &Dataset, rows: &[u32]) -> Vec<f64> {
    let mut x = vec![0.0; rows.len() * 64];
    data.gather(rows, &mut x).unwrap();
    let mut memory = PassMemory::new(network, rows.len()).unwrap();
    let cx = Context::new(1).unwrap();
    let y = network.forward(&cx, params, &mut memory, &x, Pass::evaluate()).unwrap();
    let mut all = Vec::new();
    for row in y.chunks_exact(10) {
        let sum: f64 = row.iter().map(|z| f64::from(*z).exp()).sum();
        all.extend(row.iter().map(|z| f64::from(*z).exp() / sum));
    }
    all
}

/// At the minimum the bias has no gradient: the mean probability of a class is its share of the
/// samples. And no weight of the encoder moved.
#[test]
fn the_head_is_at_the_minimum() {
    let digits = Dataset::digits();
    let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 100, 50, 1, 0).unwrap();
    let network = architecture().classifier(10).unwrap();
    let settings = Training { ema: 0.9, ..training(Loss::cross_entropy()) };
    let start = prepared(&network);
    for validated in [true, false] {
        let validation = if validated { &draw.validation[..] } else { &[] };
        let task = Task {
            data: &digits,
            train: Rows::Listed(&draw.train),
            validation: Rows::Listed(validation),
            goal: Goal::Classify,
        };
        let cx = Context::new(2).unwrap();
        let mut run = Run::new("linear", &network, start.clone(), task, &settings).unwrap();
        Transfer::Linear.train(&mut run, &cx, &()).unwrap();
        let result = run.into_result();
        assert_eq!(result.history.len(), if validated { 8 } else { 1 });
        // A weaker pull fits better.
        let losses: Vec<f64> = result.history.iter().map(|record| record.train_loss).collect();
        assert!(losses.is_sorted_by(|a, b| a >= b), "{losses:?}");
        let encoder = |params: &Params| params.get("encoder.0.weight").unwrap().to_vec();
        assert_eq!(encoder(&result.params), encoder(&start));
        assert!(result.params.entries().iter().any(|entry| entry.name.starts_with(ENCODER)));

        let found = probabilities(&network, &result.params, &digits, &draw.train);
        let mut labels = vec![0; draw.train.len()];
        digits.gather_labels(&draw.train, &mut labels).unwrap();
        for class in 0..10 {
            let mean = found.iter().skip(class).step_by(10).sum::<f64>() / labels.len() as f64;
            let share = labels.iter().filter(|label| **label as usize == class).count() as f64
                / labels.len() as f64;
            assert!((mean - share).abs() < 1e-4, "class {class}: {mean}, not {share}");
        }
    }
}

/// It has one candidate, whatever the learning rates, and says which strength was chosen.
#[test]
fn a_comparison_fits_it_once_for_each_draw() {
    let data = builtin(1500, 0);
    let finetuning = Training { epochs: 2, batch: 10, ..Training::classifier() };
    let curve = Curve {
        data: &data,
        architecture: architecture(),
        learning_rates: vec![3e-3, 1e-2],
        methods: vec![Method::Transfer(Transfer::Linear)],
        points: vec![Point { labels: 40, validation: 30, finetuning }],
        draws: 2,
        ensemble: 1,
        seed: 1,
    };
    let cx = Context::new(2).unwrap();
    let pretrained = pretrained(&architecture());
    let results = curve.check().unwrap().run(&cx, Some(&pretrained), &[], &(), &|_| Ok(()));
    for result in results.unwrap() {
        assert_eq!(result.epochs, 8);
        let strength = 100.0 / 10_f32.powi(result.best_epoch as i32 - 1);
        assert!((result.lr - strength).abs() <= 1e-6 * strength, "{}", result.lr);
        assert!(result.test_accuracy > 0.3, "{}", result.test_accuracy);
    }
}
