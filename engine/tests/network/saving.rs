//! Parameters in files: every bit comes back, by name, and nothing is lost in silence.

use super::{autoencoder, classifier, params};
use crate::support::bits;
use narrows_engine::{ErrorKind, ParamFile, Params};

#[test]
fn saved_parameters_come_back_with_every_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let network = classifier().build().unwrap();
    let saved = params(&network);
    saved.save(&path).unwrap();
    let mut loaded = Params::new(&network, 9);
    assert_ne!(bits(loaded.values()), bits(saved.values()));
    loaded.load(&path).unwrap();
    for entry in saved.entries() {
        let [got, want] = [&loaded, &saved].map(|p| bits(p.get(&entry.name).unwrap()));
        assert_eq!(got, want, "{}", entry.name);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no partial file is left");
}

#[test]
fn a_file_of_another_network_is_refused_or_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let source = params(&autoencoder().build().unwrap());
    source.save(&path).unwrap();
    let network = classifier().build().unwrap();
    let mut loaded = Params::new(&network, 9);
    let before = bits(loaded.values());

    let error = loaded.load(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    let message = error.to_string();
    assert!(message.contains("model.safetensors: the tensor head."), "{message}");
    assert!(message.contains("is missing, and"), "{message}");
    assert_eq!(bits(loaded.values()), before, "nothing is changed");

    let report = loaded.load_partly(&path).unwrap();
    let section = |names: &[String], section: &str| names.iter().all(|n| n.starts_with(section));
    assert!(!report.loaded.is_empty() && section(&report.loaded, "encoder."), "{report:?}");
    assert!(!report.missing.is_empty() && section(&report.missing, "head."), "{report:?}");
    assert!(!report.unused.is_empty() && section(&report.unused, "decoder."), "{report:?}");
    assert!(report.misshapen.is_empty(), "{report:?}");
    for name in &report.loaded {
        assert_eq!(loaded.get(name).map(bits), source.get(name).map(bits), "{name}");
    }
    assert_eq!(loaded.get("head.0.weight"), Params::new(&network, 9).get("head.0.weight"));
}

#[test]
fn another_shape_is_named_with_both_sides() {
    use narrows_engine::{Network, layers::Linear};
    let params =
        |outputs| Params::new(&Network::builder(2).layer(Linear::new(outputs)).build().unwrap(), 1);
    let (mut ours, file) = (params(3), params(4).to_safetensors(&[("who", "test")]).unwrap());
    let before = bits(ours.values());
    assert_eq!(ParamFile::read(&file).unwrap().metadata("who"), Some("test"));
    let report = ours.copy_from_file(&ParamFile::read(&file).unwrap());
    assert_eq!(report.misshapen[0], "layers.0.weight is F32 [4, 2], expected F32 [3, 2]");
    assert!(report.loaded.is_empty() && report.missing.is_empty() && report.unused.is_empty());
    let message = report.check(false).unwrap_err().to_string();
    assert!(message.ends_with("expected F32 [3, 2], and 1 more do not fit"), "{message}");
    assert_eq!(bits(ours.values()), before);

    let error = ParamFile::read(&file[..file.len() - 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Format);
    assert_eq!(ours.load("/nowhere/at all").unwrap_err().kind(), ErrorKind::Io);
}

/// As two processes may do; each writer's file has a name of its own until it is complete.
#[test]
fn writers_of_one_file_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    // Who takes a fixed name meets another's.
    std::fs::create_dir(path.with_added_extension("partial")).unwrap();
    let network = classifier().build().unwrap();
    let saved = [1, 2, 3].map(|seed| Params::new(&network, seed));
    std::thread::scope(|scope| {
        for params in &saved {
            scope.spawn(|| (0..20).for_each(|_| params.save(&path).unwrap()));
        }
    });
    let mut loaded = Params::new(&network, 9);
    loaded.load(&path).unwrap();
    assert!(saved.iter().any(|params| bits(params.values()) == bits(loaded.values())));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no partial file is left");
}

#[test]
fn zeros_have_the_places_of_fresh_parameters_and_take_all_values_of_a_file() {
    let network = classifier().build().unwrap();
    let saved = params(&network);
    let mut loaded = Params::zeros(&network);
    assert_eq!(loaded.values().len(), saved.values().len());
    assert!(loaded.values().iter().all(|&value| value.to_bits() == 0));
    let file = saved.to_safetensors(&[]).unwrap();
    let file = ParamFile::read(&file).unwrap();
    assert_eq!(loaded.copy_from_file(&file).loaded.len(), saved.entries().len());
    assert_eq!(file.metadata("who"), None);
    let fresh = Params::new(&network, 9);
    for (entry, fresh) in loaded.entries().iter().zip(fresh.entries()) {
        assert_eq!((&entry.name, &entry.range), (&fresh.name, &fresh.range));
        assert_eq!(entry.trainable, fresh.trainable, "{}", entry.name);
        let [got, want] = [&loaded, &saved].map(|p| bits(p.get(&entry.name).unwrap()));
        assert_eq!(got, want, "{}", entry.name);
    }
}
