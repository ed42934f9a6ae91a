//! Scores and codes by predictors, against evaluation layer by layer.

use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Params, Pass, PassMemory};
use narrows_models::inference::{embed, score};
use narrows_models::{Architecture, Model};

/// A trained-looking autoencoder: fresh weights, and running statistics that are not those of the
/// start.
fn params(architecture: &Architecture) -> Params {
    let network = architecture.autoencoder().unwrap();
    let mut params = Params::new(&network, 3);
    let digits = Dataset::digits();
    let rows: Vec<u32> = (0..200).collect();
    let mut x = vec![0.0; 200 * 64];
    digits.gather(&rows, &mut x).unwrap();
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(&network, 200).unwrap();
    for step in 0..20 {
        network.forward(&cx, &params, &mut memory, &x, Pass::train(1, step)).unwrap();
        network.update_statistics(&mut params, &memory);
    }
    params
}

#[test]
fn scores_and_codes_are_those_of_the_layers() {
    let digits = Dataset::digits();
    for model in [Model::Dense, Model::Conv] {
        let architecture = Architecture::new(model, [8, 8, 1]);
        let params = params(&architecture);
        let (network, n) = (architecture.autoencoder().unwrap(), 64);
        let rows: Vec<u32> = (0..600).map(|i| i * 7 % 1797).collect();
        let mut x = vec![0.0; rows.len() * n];
        digits.gather(&rows, &mut x).unwrap();
        let cx = Context::new(1).unwrap();
        let mut memory = PassMemory::new(&network, rows.len()).unwrap();
        let y = network.forward(&cx, &params, &mut memory, &x, Pass::evaluate()).unwrap().to_vec();

        for threads in [1, 2] {
            let cx = Context::new(threads).unwrap();
            let mut at = 0;
            score(&cx, &architecture, &params, &digits, Rows::Listed(&rows), |scored| {
                assert_eq!(scored.rows, &rows[at..at + scored.rows.len()]);
                for (score, worst) in scored.scores.iter().zip(scored.worst) {
                    let squares: Vec<f64> = (at * n..(at + 1) * n)
                        .map(|i| (f64::from(x[i]) - f64::from(y[i])).powi(2))
                        .collect();
                    let expected = squares.iter().sum::<f64>() / n as f64;
                    assert!(
                        (f64::from(*score) - expected).abs() < 1e-5 * expected,
                        "{score} {expected}"
                    );
                    let largest = squares.iter().copied().fold(0.0, f64::max);
                    assert!(squares[*worst as usize] > largest * 0.999);
                    at += 1;
                }
                Ok(())
            })
            .unwrap();
            assert_eq!(at, rows.len());

            let encoder = architecture.encoder_alone().unwrap();
            let mut of_encoder = Params::new(&encoder, 9);
            of_encoder.copy_from(&params, "encoder").unwrap();
            let mut memory = PassMemory::new(&encoder, rows.len()).unwrap();
            let codes = encoder
                .forward(&cx, &of_encoder, &mut memory, &x, Pass::evaluate())
                .unwrap()
                .to_vec();
            let mut found = Vec::new();
            embed(&cx, &architecture, &params, &digits, Rows::Listed(&rows), |_, codes| {
                found.extend_from_slice(codes);
                Ok(())
            })
            .unwrap();
            assert_eq!(found.len(), rows.len() * architecture.latent);
            let scale = codes.iter().fold(0.0_f32, |scale, code| scale.max(code.abs()));
            assert!(found.iter().zip(&codes).all(|(a, b)| (a - b).abs() < 1e-5 * scale));
        }
    }
}
