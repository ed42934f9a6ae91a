//! Known networks and their public weights, without ever leaving this machine.

use crate::data_fetch::{NOBODY, closed_proxy, fails};
use crate::program::Place;
use narrows_datasets::fetch::weights;
use narrows_models::backbones::{Backbone, Naming};

/// The parameters that torchvision and timm tell, less those of the classifiers, and the features.
const NETWORKS: [(&str, &str, &str); 9] = [
    ("resnet18", "11,176,512", "512"),
    ("resnet34", "21,284,672", "512"),
    ("resnet50", "23,508,032", "2,048"),
    ("mobilenet_v2", "2,223,872", "1,280"),
    ("mobilenet_v3_small", "927,008", "576"),
    ("mobilenet_v3_large", "2,971,952", "960"),
    ("efficientnet_b0", "4,007,548", "1,280"),
    ("efficientnet_lite0", "3,371,008", "1,280"),
    ("convnext_tiny", "27,820,128", "768"),
];

#[test]
fn known_networks_are_listed() {
    let said = Place::new().succeed("models");
    let rows: Vec<Vec<&str>> = (said.out.lines().skip(1))
        .map_while(|line| (!line.is_empty()).then(|| line.split_whitespace().collect()))
        .collect();
    assert_eq!(rows.len(), NETWORKS.len(), "{}", said.out);
    for (row, (name, parameters, features)) in rows.iter().zip(NETWORKS) {
        assert_eq!(row[..4], [name, "224x224", parameters, features], "{}", said.out);
    }
    assert!(said.out.ends_with("Next: narrows models fetch resnet18\n"), "{}", said.out);
}

/// The names of the catalogue are those that --arch takes.
#[test]
fn all_known_networks_have_public_weights() {
    let mut sets: Vec<String> = weights().into_iter().map(|set| set.name).collect();
    for name in &sets {
        assert_eq!(&Backbone::of(name, Naming::Torchvision).unwrap().name, name);
    }
    let mut known = NETWORKS.map(|(name, ..)| name);
    sets.sort();
    known.sort();
    assert_eq!(sets, known);
}

#[test]
fn errors_of_a_fetch_of_weights_are_one_line() {
    let place = Place::new();
    let cases: [(&[&str], &[&str]); 4] = [
        (&["models", "fetch"], &["<NAME>"]),
        (&["models", "fetch", "vgg16"], &["no network vgg16", "resnet18, resnet34, resnet50"]),
        (&["models", "fetch", "../resnet18"], &["no network ../resnet18"]),
        (
            &["models", "fetch", "tf_efficientnet_lite0", "--offline", "--cache", "here"],
            &["here/efficientnet_lite0/tf_efficientnet_lite0-0aa007d2.pth: is missing", "offline"],
        ),
    ];
    for (args, parts) in cases {
        let said = fails(&place, NOBODY, args);
        parts
            .iter()
            .for_each(|part| assert!(said.contains(part), "{said:?} does not say {part:?}"));
    }
    assert_eq!(place.listing(), [""; 0]);
}

#[test]
fn weights_are_asked_for_at_their_publisher() {
    for (name, host, file) in [
        ("resnet18", "download.pytorch.org", "resnet18-f37072fd.pth"),
        ("efficientnet_lite0", "github.com", "tf_efficientnet_lite0-0aa007d2.pth"),
    ] {
        let place = Place::new();
        let (proxy, asked) = closed_proxy(1);
        let said = fails(&place, &proxy, &["models", "fetch", name, "--quiet"]);
        for part in [&format!("{file}: cannot be fetched"), host, "put the file there by hand"] {
            assert!(said.contains(part), "{said}");
        }
        let asked = asked.join().unwrap();
        assert!(asked[0].starts_with(&format!("CONNECT {host}:443 ")), "{asked:?}");
    }
}

/// On other systems, the cache folder is not where the variable says.
#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn the_name_of_a_network_is_no_encoder_and_the_error_tells_the_way() {
    use std::fs::{self, File};

    let place = Place::new();
    let lines: [&[&str]; 3] = [
        &["train", "--encoder", "resnet18"],
        &["compare", "--encoder", "resnet18", "--arch", "resnet18"],
        &["embed", "resnet18", "--arch", "resnet18"],
    ];
    for args in lines {
        let said = fails(&place, NOBODY, args);
        let way = "run narrows models fetch resnet18, then --encoder PATH --arch resnet18";
        assert!(said.contains(way), "{said}");
    }
    // Other names are files that are missing, as ever.
    let said = fails(&place, NOBODY, &["train", "--encoder", "resnet19"]);
    assert!(said.contains("there is no such run") && !said.contains("fetch"), "{said}");
    // A file of the right length is there, and named; a fetch reads it.
    let set = weights().into_iter().find(|set| set.name == "resnet18").unwrap();
    let folder = place.path("caches/narrows/models/resnet18");
    fs::create_dir_all(&folder).unwrap();
    let file = File::create(folder.join(&set.files[0].name)).unwrap();
    file.set_len(*set.files[0].bytes.end()).unwrap();
    for args in lines {
        let said = fails(&place, NOBODY, args);
        let way = "caches/narrows/models/resnet18/resnet18-f37072fd.pth --arch resnet18";
        assert!(said.contains(way) && !said.contains("fetch"), "{said}");
    }
    let said = fails(&place, NOBODY, &["models", "fetch", "resnet18", "--offline"]);
    assert!(said.contains("has the SHA-256 "), "{said}");
    // A run of that name goes before.
    fs::create_dir(place.path("resnet18")).unwrap();
    let said = fails(&place, NOBODY, &["train", "--encoder", "resnet18"]);
    assert!(said.contains("resnet18: holds no model.safetensors"), "{said}");
}
