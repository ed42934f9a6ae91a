//! Checkpoints that are damaged, of another version, or of another training.

use super::Setting;
use narrows_datasets::Dataset;
use narrows_engine::Params;
use narrows_models::{Architecture, Checkpoint, ErrorKind, Training};
use std::fs;

/// Each bit and each length of a checkpoint.
#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let (setting, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    let path = setting.stop(folder.path(), 5);
    let whole = fs::read(&path).unwrap();
    assert!(Checkpoint::read(&path).is_ok());
    let refused = |bytes: &[u8], how: &str| {
        let refused = Checkpoint::from_bytes(&path, bytes.to_vec()).expect_err(how);
        assert!(matches!(refused.kind(), ErrorKind::Format | ErrorKind::Mismatch), "{refused}");
        let text = refused.to_string();
        assert!(text.starts_with(&path.display().to_string()) && !text.contains('\n'), "{text}");
    };
    for length in 0..whole.len() {
        refused(&whole[..length], &format!("cut to {length} of {} bytes", whole.len()));
    }
    refused(&[&whole[..], &[0]].concat(), "a byte more");
    let mut bytes = whole.clone();
    for bit in 0..8 * whole.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        refused(&bytes, &format!("bit {bit} flipped"));
        bytes[bit / 8] = whole[bit / 8];
    }
}

#[test]
fn a_file_that_is_none_and_another_version_are_refused() {
    let (setting, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    let path = setting.stop(folder.path(), 5);
    let whole = fs::read(&path).unwrap();
    let key = br#""narrows.checkpoint":"1""#;
    let at = whole.windows(key.len()).position(|bytes| bytes == key).unwrap();
    let mut other = whole.clone();
    other[at + key.len() - 2] = b'7';
    let params = Params::new(&setting.architecture.classifier(10).unwrap(), 1);
    let model = params.to_safetensors(&[]).unwrap();
    for (bytes, expected) in [
        (&other[..], "is of version 7, and this program reads version 1"),
        (&model, "but no checkpoint"),
        (b"{}", "is damaged"),
    ] {
        fs::write(&path, bytes).unwrap();
        let message = setting.resume(folder.path()).0.unwrap_err().to_string();
        assert!(message.contains(expected) && message.starts_with("a run: "), "{message}");
    }
}

#[test]
fn another_training_does_not_go_on_and_is_told_the_difference() {
    let (setting, folder) = (Setting::new(), tempfile::tempdir().unwrap());
    let path = setting.stop(folder.path(), 5);
    let kept = fs::read(&path).unwrap();
    let other_data = {
        let labels = setting.digits.labels().unwrap().unwrap().to_vec();
        let mut x = vec![0.0; setting.digits.len() * 64];
        let rows: Vec<u32> = (0..setting.digits.len() as u32).collect();
        setting.digits.gather(&rows, &mut x).unwrap();
        let same = Dataset::from_floats("digits", x.clone(), &[8, 8, 1], Some(labels.clone()));
        x[0] += 0.5;
        let other = Dataset::from_floats("digits", x, &[8, 8, 1], Some(labels));
        [same.unwrap(), other.unwrap()]
    };
    let good = Setting::new;
    let wider = Architecture { latent: 2, ..good().architecture };
    let of = |training: Training| Setting { training, ..good() };
    let cases = [
        (of(Training { lr: 0.1, ..good().training }), "its settings: `lr: 0.003`; now: `lr: 0.1`"),
        (of(Training { seed: 6, ..good().training }), "`seed: 5`; now: `seed: 6`"),
        (of(Training { epochs: 4, ..good().training }), "`epochs: 3`; now: `epochs: 4`"),
        (Setting { architecture: wider, ..good() }, "its model: `encoder.0: linear"),
        (Setting { seed: 3, ..good() }, "its initial weights: `checksum"),
        (Setting { rows: (1..31).collect(), ..good() }, "its training samples: `30 of checksum"),
        (Setting { rows: (0..29).collect(), ..good() }, "now: `29 of checksum"),
        (Setting { digits: other_data[0].clone(), ..good() }, "its data: `shape: [8, 8]"),
    ];
    for (other, expected) in cases {
        let error = other.resume(folder.path()).0.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch);
        let message = error.to_string();
        assert!(message.contains(expected) && !message.contains('\n'), "{message}");
        assert_eq!(fs::read(&path).unwrap(), kept, "it is left alone");
    }
    // Values alone.
    let [same, other] = other_data.map(|digits| Setting { digits, ..good() });
    let folder = tempfile::tempdir().unwrap();
    same.stop(folder.path(), 5);
    let message = other.resume(folder.path()).0.unwrap_err().to_string();
    assert!(message.contains("its data: `checksum of the values"), "{message}");
    assert!(same.resume(folder.path()).0.is_ok());
}
