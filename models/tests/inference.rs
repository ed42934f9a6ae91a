//! Scores and codes by predictors, against evaluation layer by layer.

use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Params, Pass, PassMemory};
use narrows_models::inference::{embed, predict, score};
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

/// The kilobytes of the maps of a file that are in memory, and count as this process's.
#[cfg(target_os = "linux")]
fn resident(path: &std::path::Path) -> u64 {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut lines = maps.lines();
    let mut sum = None;
    while lines.any(|line| line.ends_with(path.to_str().unwrap())) {
        let line = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
        *sum.get_or_insert(0) += line.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
    }
    sum.expect("the file is mapped")
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_rows() {
    use narrows_datasets::{Dtype, Metadata, OpenOptions, Parts, StoreWriter, open_whole};
    let folder = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(folder.path()).unwrap().join("data.narrows");
    let mut writer = StoreWriter::create(&path, Dtype::U8, &[8, 8], false).unwrap();
    (0..60_000).for_each(|row| writer.push_bytes(&[row as u8; 64], 0).unwrap());
    writer.finish(&Metadata::default()).unwrap();
    let opened = open_whole(&path, &OpenOptions::default(), &|_, _| {}).unwrap();
    let Parts::Whole(data) = opened.data else { panic!("it has no halves") };
    let architecture = Architecture::new(Model::Dense, [8, 8, 1]);
    let params = params(&architecture);
    let classifier = architecture.classifier(2).unwrap();
    let of_classifier = Params::new(&classifier, 1);
    let cx = Context::new(1).unwrap();
    let rows = Rows::all(data.len());
    let mut passed = [0; 3];
    let [scored, coded, predicted] = &mut passed;
    score(&cx, &architecture, &params, &data, rows, |of| {
        *scored += of.rows.len();
        Ok(())
    })
    .unwrap();
    let count = |sum: &mut usize, rows: &[u32]| *sum += rows.len();
    embed(&cx, &architecture, &params, &data, rows, |rows, _| {
        count(coded, rows);
        Ok(())
    })
    .unwrap();
    predict(&cx, (&classifier, &of_classifier), 1.0, &data, rows, |rows, _| {
        count(predicted, rows);
        Ok(())
    })
    .unwrap();
    assert_eq!(passed, [60_000; 3]);
    // The header and the metadata, and pages that the system maps around them.
    assert!(resident(&path) < 512, "{} KB of 3,840", resident(&path));
}
