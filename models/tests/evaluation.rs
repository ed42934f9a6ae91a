//! Accuracies, against obvious loops over the predictions.

use crate::support;
use narrows_datasets::{Dataset, Rows, TrainTest, draw_labels};
use narrows_engine::{Context, Loss, Params};
use narrows_models::curve::Point;
use narrows_models::{
    Comparison, Curve, Evaluation, Goal, Method, Metric, Pretraining, Run, Task, Training, Transfer,
};
use support::{all, architecture, training};

/// The digit `one` against the rest.
fn against_rest(one: u16) -> Dataset {
    let digits = Dataset::digits();
    let values: Vec<u8> =
        (0..digits.len()).flat_map(|row| digits.stored_bytes(row).unwrap()).collect();
    let labels =
        digits.labels().unwrap().unwrap().iter().map(|&label| u16::from(label == one)).collect();
    Dataset::from_values("one", values, &[8, 8], 16, Some(labels)).unwrap()
}

/// The mean over the classes seen of the fraction of each that was predicted.
fn balanced(labels: &[u16], predictions: &[u16], classes: u16) -> f64 {
    let mut recalls = Vec::new();
    for class in 0..classes {
        let rows: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] == class).collect();
        if !rows.is_empty() {
            let correct = rows.iter().filter(|&&row| predictions[row] == class).count();
            recalls.push(correct as f64 / rows.len() as f64);
        }
    }
    recalls.iter().sum::<f64>() / recalls.len() as f64
}

#[test]
fn balanced_accuracy_is_the_mean_over_the_classes() {
    let cx = Context::new(1).unwrap();
    let data = against_rest(3);
    let labels = data.labels().unwrap().unwrap();
    let network = architecture().classifier(2).unwrap();
    let loss = Loss::cross_entropy();
    let mut different = 0;
    for seed in 0..8 {
        let params = Params::new(&network, seed);
        // All, of which a tenth is the one; and some of one class alone.
        let zeros: Vec<u32> =
            all(&data).into_iter().filter(|&row| labels[row as usize] == 0).collect();
        for rows in [all(&data), zeros] {
            let found = Evaluation::of(
                &cx,
                &network,
                &params,
                &loss,
                &data,
                Rows::Listed(&rows),
                Goal::Classify,
            )
            .unwrap();
            let of_rows: Vec<u16> = rows.iter().map(|&row| labels[row as usize]).collect();
            let expected = balanced(&of_rows, &found.predictions, 2);
            assert!((found.balanced_accuracy.unwrap() - expected).abs() < 1e-12, "seed {seed}");
            let correct = of_rows.iter().zip(&found.predictions).filter(|(a, b)| a == b).count();
            assert!((found.accuracy.unwrap() - correct as f64 / rows.len() as f64).abs() < 1e-12);
            assert_eq!(found.accuracy_by(Metric::Balanced), found.balanced_accuracy);
            assert_eq!(found.accuracy_by(Metric::Accuracy), found.accuracy);
            different += usize::from(found.accuracy != found.balanced_accuracy);
        }
    }
    assert!(different > 0, "the two would not be told apart");
}

#[test]
fn the_metric_chooses_the_epoch() {
    let cx = Context::new(1).unwrap();
    let data = against_rest(3);
    let rows = all(&data);
    // As they come: a tenth is the one.
    let (train, validation) = (&rows[..100], &rows[100..400]);
    let network = architecture().classifier(2).unwrap();
    let task = Task {
        data: &data,
        train: train.into(),
        validation: validation.into(),
        goal: Goal::Classify,
    };
    for metric in [Metric::Accuracy, Metric::Balanced] {
        let settings = Training { metric, epochs: 12, ..training(Loss::cross_entropy()) };
        let mut run =
            Run::new("metric", &network, Params::new(&network, 1), task, &settings).unwrap();
        let mut after = Vec::new();
        run.train(&cx, &(), |_, params| after.push(params.clone())).unwrap();
        after.push(run.trainer.params.clone());
        // The weights before epoch i + 1 are those that epoch i left; the last epoch's are known if
        // they are the best.
        for record in &run.history()[..11] {
            let params = &after[record.epoch];
            let found = Evaluation::of(
                &cx,
                &network,
                params,
                &settings.loss,
                &data,
                validation.into(),
                Goal::Classify,
            )
            .unwrap();
            let labels: Vec<u16> = validation
                .iter()
                .map(|&row| data.labels().unwrap().unwrap()[row as usize])
                .collect();
            let expected = match metric {
                Metric::Accuracy => found.accuracy.unwrap(),
                Metric::Balanced => balanced(&labels, &found.predictions, 2),
            };
            let recorded = record.validation_accuracy.unwrap();
            assert!((recorded - expected).abs() < 1e-12, "{metric:?}, epoch {}", record.epoch);
        }
        let best = run.history().iter().map(|r| r.validation_accuracy.unwrap()).fold(0.0, f64::max);
        assert_eq!(
            run.history()[run.best_epoch() - 1].validation_accuracy,
            Some(best),
            "{metric:?}"
        );
    }
}

#[test]
fn a_comparison_reports_the_metric_asked_for() {
    let cx = Context::new(2).unwrap();
    let all_of = against_rest(3);
    let rows = all(&all_of);
    let data = TrainTest {
        train: all_of.subset(&rows[..1200]).unwrap(),
        test: all_of.subset(&rows[1200..]).unwrap(),
    };
    let draw = draw_labels(data.train.labels().unwrap().unwrap(), 2, 20, 20, 1, 0).unwrap();
    let ones = draw
        .train
        .iter()
        .filter(|&&row| data.train.labels().unwrap().unwrap()[row as usize] == 1)
        .count();
    assert_eq!(ones, 10, "a draw is balanced over the labels given");
    let (architecture, epoch) = (architecture(), Training { epochs: 1, ..training(Loss::L2) });
    let compared = |metric| {
        let finetuning = Training { epochs: 4, metric, ..training(Loss::cross_entropy()) };
        let comparison = Comparison {
            pretraining: Pretraining {
                data: &data,
                architecture: &architecture,
                training: &epoch,
                held_out: 10,
                seed: 1,
            },
            curve: Curve {
                data: &data,
                architecture: architecture.clone(),
                learning_rates: vec![3e-3],
                methods: [Transfer::Scratch, Transfer::Full].map(Method::Transfer).to_vec(),
                points: vec![Point { labels: 20, validation: 20, finetuning }],
                draws: 3,
                ensemble: 1,
                seed: 1,
            },
            selection: None,
        };
        comparison.check().unwrap().run(&cx, &()).unwrap()
    };
    let plain = compared(Metric::Accuracy);
    assert!(plain.methods.iter().all(|m| m.test_balanced_accuracy.is_none()));
    let balanced = compared(Metric::Balanced);
    let [scratch, full] = &balanced.methods[..] else { panic!("two methods") };
    for method in [scratch, full] {
        assert_eq!(
            method.of_choice().per_draw,
            method.test_balanced_accuracy.as_ref().unwrap().per_draw
        );
        assert_ne!(method.of_choice().per_draw, method.test_accuracy.per_draw);
    }
    let gains =
        full.of_choice().per_draw.iter().zip(&scratch.of_choice().per_draw).map(|(a, b)| a - b);
    assert!(
        (full.gain_over_scratch.as_ref().unwrap().mean - gains.sum::<f64>() / 3.0).abs() < 1e-12
    );
}
