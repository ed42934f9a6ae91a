//! Names, ranges, initial values, and what cannot be planned.

use super::{autoencoder, bits, classifier, encoder};
use narrows_engine::layers::{BatchNorm, Dropout, Linear};
use narrows_engine::params::Role;
use narrows_engine::{Error, Network, Params};

#[test]
fn parameters_are_named_as_in_a_sequential() {
    let network = autoencoder().build().unwrap();
    let entries: Vec<_> =
        network.param_entries().iter().map(|e| (e.name.as_str(), &*e.spec.shape)).collect();
    let expected: [(&str, &[usize]); 12] = [
        ("encoder.0.weight", &[8, 12]),
        ("encoder.0.bias", &[8]),
        ("encoder.1.weight", &[8]),
        ("encoder.1.bias", &[8]),
        ("encoder.1.running_mean", &[8]),
        ("encoder.1.running_var", &[8]),
        ("encoder.4.weight", &[4, 8]),
        ("encoder.4.bias", &[4]),
        ("decoder.0.weight", &[8, 4]),
        ("decoder.0.bias", &[8]),
        ("decoder.2.weight", &[12, 8]),
        ("decoder.2.bias", &[12]),
    ];
    assert_eq!(entries, expected);
    for entry in network.param_entries() {
        assert_eq!(entry.trainable, !entry.name.contains("running"), "{}", entry.name);
        let is_linear_weight = entry.spec.shape.len() == 2;
        assert_eq!(
            entry.spec.role == Role::Weight,
            is_linear_weight,
            "weight decay of {}",
            entry.name
        );
    }
    let trained: usize = expected
        .iter()
        .filter(|(name, _)| !name.contains("running"))
        .map(|(_, s)| s.iter().product::<usize>())
        .sum();
    assert_eq!(Params::new(&network, 1).trainable_len(), trained);
}

#[test]
fn a_section_is_one_range_and_ranges_do_not_overlap() {
    let network = autoencoder().build().unwrap();
    let params = Params::new(&network, 1);
    let entries = params.entries();
    for pair in entries.windows(2) {
        assert!(pair[0].range.end <= pair[1].range.start, "{} and {}", pair[0].name, pair[1].name);
    }
    for entry in entries {
        assert_eq!(entry.range.len(), entry.spec.shape.iter().product::<usize>(), "{}", entry.name);
        // A layer starts on a cache line.
        if entry.name.ends_with(".weight") {
            assert_eq!(entry.range.start % 16, 0, "{}", entry.name);
        }
    }
    assert_eq!(params.range("encoder"), 0..entries[7].range.end);
    assert_eq!(params.range("decoder"), entries[8].range.start..entries[11].range.end);
    assert_eq!(params.range("encoder.1"), entries[2].range.start..entries[5].range.end);
    assert_eq!(params.range("encoder.1.bias"), entries[3].range);
    assert!(params.range("enc").is_empty() && params.range("encoder.10").is_empty());
}

/// Each parameter has a random stream keyed by its name.
#[test]
fn an_encoder_starts_alike_under_any_head() {
    let (with_decoder, with_head) = (autoencoder().build().unwrap(), classifier().build().unwrap());
    let a = Params::new(&with_decoder, 3);
    let b = Params::new(&with_head, 3);
    let bits_of = |p: &Params| bits(&p.values()[p.range("encoder")]);
    assert_eq!(bits_of(&a), bits_of(&b));
    let alone = Params::new(&encoder().build().unwrap(), 3);
    assert_eq!(bits_of(&a), bits_of(&alone));
    assert_eq!(bits(a.values()), bits(Params::new(&with_decoder, 3).values()));
    assert_ne!(bits_of(&a), bits_of(&Params::new(&with_decoder, 4)));
    // Two weights of one shape differ, as their names do.
    let twice = encoder()
        .section("decoder")
        .layer(Linear::new(8))
        .layer(Linear::new(4))
        .layer(Linear::new(8));
    let twice = Params::new(&twice.build().unwrap(), 3);
    assert_ne!(twice.get("decoder.0.weight"), twice.get("decoder.2.weight"));
}

#[test]
fn a_network_that_cannot_be_is_an_error_that_names_the_layer() {
    let message =
        |network: Result<Network, Error>| network.expect_err("cannot be planned").to_string();
    assert!(message(Network::builder(4).build()).contains("0 layers"));
    assert!(message(Network::builder(0).layer(Linear::new(1)).build()).contains("input"));
    let bad = encoder().section("head").layer(Linear::new(3)).layer(Dropout { p: 1.5 }).build();
    assert!(message(bad).contains("head.1"));
}

/// Two parameters of one name could be neither saved nor copied, and a section would be two ranges.
#[test]
fn a_section_that_is_taken_up_again_is_an_error() {
    let again =
        encoder().section("head").layer(Linear::new(3)).section("encoder").layer(Linear::new(3));
    let error = again.build().expect_err("two layers would be encoder.0").to_string();
    assert!(error.contains("'encoder'"), "{error}");
    // Naming the current section again goes on with it.
    let on = encoder().section("encoder").layer(Linear::new(3)).build().unwrap();
    assert_eq!(on.param_entries().last().unwrap().name, "encoder.5.bias");
}

/// Whether a layer does anything is a setting, and must not rename what a checkpoint holds.
#[test]
fn dropout_that_does_nothing_keeps_its_number() {
    let network = |p| {
        let network =
            Network::builder(3).layer(Dropout { p }).layer(Linear::new(2)).layer(Dropout { p });
        network.layer(BatchNorm::default()).build().unwrap()
    };
    let names = |network: Network| -> Vec<_> {
        network.param_entries().iter().map(|e| (e.name.clone(), e.range.clone())).collect()
    };
    assert_eq!(names(network(0.0)), names(network(0.5)));
    assert_eq!(names(network(0.0))[0].0, "layers.1.weight");
}

#[test]
fn images_keep_their_shape_until_a_linear_layer() {
    let network = Network::builder([4, 5, 3])
        .layer(BatchNorm::default())
        .layer(Linear::new(2))
        .build()
        .unwrap();
    assert_eq!(network.input().dims(), [4, 5, 3]);
    assert_eq!(network.output().dims(), [2]);
    let params = Params::new(&network, 1);
    assert_eq!(params.get("layers.0.weight").map(<[f32]>::len), Some(3));
    assert_eq!(params.get("layers.1.weight").map(<[f32]>::len), Some(2 * 60));
    assert_eq!(params.get("layers.2.weight"), None);
}

#[test]
fn copying_an_encoder_transfers_every_bit_and_nothing_else() {
    let (source, target) = (autoencoder().build().unwrap(), classifier().build().unwrap());
    let source = super::params(&source);
    let mut params = Params::new(&target, 77);
    let head = params.range("head");
    let head_before = bits(&params.values()[head.clone()]);
    params.copy_from(&source, "encoder").unwrap();
    for entry in source.entries().iter().filter(|e| e.name.starts_with("encoder")) {
        let (to, from) = (params.get(&entry.name).unwrap(), source.get(&entry.name).unwrap());
        assert_eq!(bits(to), bits(from), "{}", entry.name);
    }
    assert_eq!(bits(&params.values()[head]), head_before);
    // One layer, one parameter.
    let mut params = Params::new(&target, 77);
    params.copy_from(&source, "encoder.1.running_var").unwrap();
    assert_eq!(params.get("encoder.1.running_var"), source.get("encoder.1.running_var"));
    assert_ne!(params.get("encoder.1.running_mean"), source.get("encoder.1.running_mean"));
}

#[test]
fn copying_what_does_not_match_is_an_error_that_names_it_and_changes_nothing() {
    let source = Params::new(&autoencoder().build().unwrap(), 1);
    let other = |hidden, codes| {
        let network = Network::builder(12).section("encoder").layer(Linear::new(hidden));
        let network =
            network.layer(BatchNorm::default()).layer(Linear::new(codes)).build().unwrap();
        Params::new(&network, 2)
    };
    let refused = |mut params: Params, prefix: &str, words: &[&str]| {
        let before = bits(params.values());
        let error = params.copy_from(&source, prefix).expect_err("does not match").to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error} should contain {words:?}");
        assert_eq!(bits(params.values()), before);
    };
    // Another shape, another name, a name that is nowhere.
    refused(other(9, 4), "encoder", &["encoder.0.weight", "[9, 12]", "[8, 12]"]);
    refused(other(8, 4), "encoder", &["encoder.2.weight", "encoder.4.weight"]);
    refused(other(8, 4), "decoder", &["'decoder'"]);
    refused(other(8, 4), "encoder.2", &["encoder.2.weight", "nothing"]);
}
