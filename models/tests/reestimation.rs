//! Running statistics estimated anew, against an obvious f64 loop.

use crate::support;
use narrows_datasets::{Dataset, Loader, Rows, draw_labels};
use narrows_engine::layers::{BatchNorm, Dropout, Linear, Relu};
use narrows_engine::params::Role;
use narrows_engine::{Context, Loss, Network, Params};
use narrows_models::{Goal, Run, Task, Training, reestimate_statistics};
use support::{all, architecture, training};

/// Two batch norms, the second behind the first, with dropout between.
fn network() -> Network {
    let builder =
        Network::builder(64).section("encoder").layer(Linear::new(5)).layer(BatchNorm::default());
    let builder = builder.layer(Relu).layer(Dropout { p: 0.5 }).layer(Linear::new(3));
    builder.section("head").layer(BatchNorm::default()).layer(Linear::new(10)).build().unwrap()
}

/// x: rows of values, through `y = W x + b`.
fn linear(x: &[Vec<f64>], params: &Params, layer: &str) -> Vec<Vec<f64>> {
    let weight = params.get(&format!("{layer}.weight")).unwrap();
    let bias = params.get(&format!("{layer}.bias")).unwrap();
    let row = |x: &Vec<f64>| -> Vec<f64> {
        let product = |(j, b): (usize, &f32)| {
            let w = &weight[j * x.len()..][..x.len()];
            f64::from(*b) + w.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>()
        };
        bias.iter().enumerate().map(product).collect()
    };
    x.iter().map(row).collect()
}

/// The mean, the biased and the unbiased variance of each column.
fn moments(x: &[Vec<f64>]) -> Vec<[f64; 3]> {
    let n = x.len() as f64;
    let column = |j: usize| {
        let mean = x.iter().map(|row| row[j]).sum::<f64>() / n;
        let squares = x.iter().map(|row| (row[j] - mean).powi(2)).sum::<f64>();
        [mean, squares / n, squares / (n - 1.0)]
    };
    (0..x[0].len()).map(column).collect()
}

/// One batch, and several of different lengths; some layers frozen, which makes no difference.
#[test]
fn statistics_are_the_means_of_an_f64_loop() {
    let (digits, network, cx) = (Dataset::digits(), network(), Context::new(2).unwrap());
    for (count, frozen) in [(200, None), (771, None), (771, Some("encoder"))] {
        let mut params = Params::new(&network, 4);
        let noise = |i: usize| 0.2 * (i as f32).sin();
        params.values_mut().iter_mut().enumerate().for_each(|(i, x)| *x += noise(i).abs());
        frozen.into_iter().for_each(|section| params.set_trainable(section, false));
        let before = params.clone();
        let rows = &all(&digits)[..count];
        reestimate_statistics(&cx, &network, &mut params, &digits, Rows::Listed(rows)).unwrap();

        let mut exact = [vec![[0.0; 2]; 5], vec![[0.0; 2]; 3]];
        let mut loader = Loader::new(&digits, Rows::Listed(rows), 256.min(count), 0);
        let mut batches = loader.epoch(0);
        while batches.advance().unwrap() {
            let n = batches.rows().len();
            let mut x = vec![0.0; n * 64];
            batches.gather(&mut x).unwrap();
            let x: Vec<Vec<f64>> =
                x.chunks(64).map(|row| row.iter().map(|x| f64::from(*x)).collect()).collect();
            let z = linear(&x, &before, "encoder.0");
            let first = moments(&z);
            let (gamma, beta) =
                (before.get("encoder.1.weight").unwrap(), before.get("encoder.1.bias").unwrap());
            let normalised = |row: &Vec<f64>| -> Vec<f64> {
                let value = |j: usize| {
                    let [mean, var, _] = first[j];
                    let x_hat = (row[j] - mean) / (var + 1e-5).sqrt();
                    (f64::from(gamma[j]) * x_hat + f64::from(beta[j])).max(0.0)
                };
                (0..5).map(value).collect()
            };
            let hidden: Vec<Vec<f64>> = z.iter().map(normalised).collect();
            let second = moments(&linear(&hidden, &before, "encoder.4"));
            let part = n as f64 / count as f64;
            for (exact, found) in exact.iter_mut().zip([first, second]) {
                for (exact, [mean, _, unbiased]) in exact.iter_mut().zip(found) {
                    exact[0] += part * mean;
                    exact[1] += part * unbiased;
                }
            }
        }
        for (layer, exact) in ["encoder.1", "head.0"].into_iter().zip(&exact) {
            for (which, name) in ["running_mean", "running_var"].into_iter().enumerate() {
                let got = params.get(&format!("{layer}.{name}")).unwrap();
                for (j, (got, exact)) in got.iter().zip(exact).enumerate() {
                    let want = exact[which];
                    let close = (f64::from(*got) - want).abs() < 2e-5 * want.abs().max(1.0);
                    assert!(close, "{count} rows: {layer}.{name}[{j}] is {got}, not {want}");
                }
            }
        }
        for entry in params.entries() {
            let same = params.get(&entry.name) == before.get(&entry.name);
            assert_eq!(same, entry.spec.role != Role::Statistic, "{}", entry.name);
            let trainable =
                before.entries().iter().find(|e| e.name == entry.name).unwrap().trainable;
            assert_eq!(entry.trainable, trainable, "{}", entry.name);
        }
    }
}

#[test]
fn too_few_rows_are_refused_and_without_batch_norm_nothing_happens() {
    let (digits, network, cx) = (Dataset::digits(), network(), Context::new(1).unwrap());
    let mut params = Params::new(&network, 4);
    let before = params.clone();
    for rows in [&[][..], &[3]] {
        let result = reestimate_statistics(&cx, &network, &mut params, &digits, Rows::Listed(rows));
        let message = result.unwrap_err().to_string();
        assert!(message.contains("samples") && !message.contains('\n'), "{message}");
        assert_eq!(params.values(), before.values());
    }
    let plain = Network::builder(64).layer(Linear::new(3)).build().unwrap();
    let mut params = Params::new(&plain, 1);
    let before = params.clone();
    reestimate_statistics(&cx, &plain, &mut params, &digits, Rows::Listed(&[3])).unwrap();
    assert_eq!(params.values(), before.values());
}

/// A run that asks for it ends with the weights of one that does not, and with the statistics of
/// all rows.
#[test]
fn a_run_estimates_the_statistics_of_what_it_keeps() {
    let (digits, cx) = (Dataset::digits(), Context::new(1).unwrap());
    let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 60, 20, 1, 0).unwrap();
    let network = architecture().classifier(10).unwrap();
    let (train, validation) = (Rows::Listed(&draw.train), Rows::Listed(&draw.validation));
    let task = Task { data: &digits, train, validation, goal: Goal::Classify };
    let [mut without, with] = [false, true].map(|reestimate_bn| {
        let settings = Training { reestimate_bn, ..training(Loss::cross_entropy()) };
        let mut run =
            Run::new("test", &network, Params::new(&network, 2), task, &settings).unwrap();
        run.train(&cx, &(), |_, _| {}).unwrap();
        run.trainer.params
    });
    assert_ne!(without.values(), with.values());
    reestimate_statistics(&cx, &network, &mut without, &digits, Rows::all(digits.len())).unwrap();
    assert_eq!(without.values(), with.values());
}
