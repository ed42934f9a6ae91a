//! Folders of images as data.

use crate::program::Place;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A PNG of 6x5 in a colour of its class, a little darker for each `i`.
fn image(path: &Path, class: usize, i: usize) {
    let mut color = [200_u8 - i as u8; 3];
    color[class] = i as u8;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 5, 6);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&color.repeat(30)).unwrap();
    writer.finish().unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Three classes, of 30 images each.
fn put_images(dir: &Path) {
    for (class, name) in ["cyan", "magenta", "yellow"].iter().enumerate() {
        (0..30).for_each(|i| image(&dir.join(name).join(format!("{i}.png")), class, i));
    }
}

const TINY: &str = "--epochs 2 --widths 8 --latent 2 --held-out 5";

#[test]
fn images_are_learnt_from_in_colour() {
    let place = Place::new();
    put_images(&place.path("inks"));
    let said = place.succeed(&format!("pretrain inks --image-size 4 {TINY} --out run"));
    assert!(said.out.starts_with("inks: 70 unlabelled samples, 15 test samples"), "{}", said.out);
    let config: toml::Table = toml::from_str(&place.read("run/config.toml")).unwrap();
    assert_eq!(config["image-size"].as_str(), Some("4x4"));
    assert_eq!(
        (config["channels"].as_str(), config["skip-bad"].as_bool()),
        (Some("auto"), Some(false))
    );
    assert!(!config.contains_key("against-rest"));
    let bytes = fs::read(place.path("run/reconstructions.png")).unwrap();
    let picture = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    assert_eq!(picture.info().color_type, png::ColorType::Rgb);
    // From the configuration, the same again.
    place.succeed("pretrain --config run/config.toml --out again");
    assert_eq!(
        fs::read(place.path("run/model.safetensors")).unwrap(),
        fs::read(place.path("again/model.safetensors")).unwrap()
    );

    let labels = "--labels 6 --validation 6 --epochs 20 --method full";
    place.succeed(&format!(
        "train --encoder run inks --image-size 4x4 --against-rest magenta {labels} --out \
         tuned"
    ));
    let said =
        place.succeed("evaluate tuned inks --image-size 4 --against-rest magenta --out evaluated");
    let summary = place.json("evaluated/summary.json");
    let of: Vec<u64> =
        summary["classes"].as_array().unwrap().iter().map(|c| c["of"].as_u64().unwrap()).collect();
    assert_eq!(of, [10, 5], "{}", said.out);
    let named = |name: &str| said.out.lines().any(|line| line.trim_start().starts_with(name));
    assert!(named("rest ") && named("magenta "), "{}", said.out);
    // The model knows the size and the channels, unless others are asked for.
    let again = place.succeed("evaluate tuned inks --against-rest magenta");
    assert!(again.err.contains("brought to the size that the model takes, 4x4"), "{}", again.err);
    assert_eq!(again.out.lines().nth(1), said.out.lines().nth(1));
    let said = place.run("evaluate tuned inks --channels grey");
    assert!(
        said.err.contains("samples of 4x4x3") && said.err.contains("--image-size"),
        "{}",
        said.err
    );
    let said = place.run("evaluate tuned inks --image-size 4");
    assert!(said.err.contains("2 classes") && said.err.contains("inks has 3"), "{}", said.err);
    assert!(said.err.contains("--against-rest"), "{}", said.err);
    // The rest is the rest, but of another class.
    let said = place.refuse("evaluate tuned inks --image-size 4 --against-rest cyan");
    let part = "has others, the first \"cyan\"";
    assert!(said.err.contains(part), "{}", said.err);
}

#[test]
fn what_is_wrong_with_images_comes_with_the_option_that_helps() {
    let place = Place::new();
    put_images(&place.path("inks"));
    let refused = |line: &str, parts: &[&str]| {
        let said = place.refuse(&format!("pretrain {TINY} --out new {line}"));
        parts.iter().for_each(|part| assert!(said.err.contains(part), "{part}: {}", said.err));
        assert!(!place.path("new").exists());
    };
    refused("inks --against-rest key", &["no class \"key\"", "\"cyan\", \"magenta\", \"yellow\""]);
    refused("inks --image-size 0", &["--image-size", "1 to 4096", "32x48"]);
    refused("inks --image-size 4x", &["--image-size", "32x48"]);
    refused("inks --channels red", &["--channels", "grey"]);
    refused("--image-size 4", &["--image-size", "name a file or a folder"]);
    refused("--skip-bad", &["--skip-bad", "name a file or a folder"]);
    fs::write(place.path("inks/cyan/1.png"), "").unwrap();
    fs::write(place.path("inks/cyan/2.png"), "text").unwrap();
    refused(
        "inks",
        &["cyan/1.png: is empty; 2 of 90 images cannot be read", "or skip them by --skip-bad"],
    );
    let said = place.succeed(&format!("pretrain inks --skip-bad --quiet {TINY} --out run"));
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", said.err);
    assert_eq!(lines[0], "skipped inks/cyan/1.png: is empty");
    assert!(lines[1].starts_with("skipped inks/cyan/2.png: is none of PNG, JPEG"), "{}", said.err);
    for file in ["inks/cyan/1.png", "inks/cyan/2.png"] {
        fs::remove_file(place.path(file)).unwrap();
    }
    fs::write(place.path("inks/yellow/30.png"), two_pixels()).unwrap();
    refused("inks", &["yellow/30.png: is 1x2, where", "is 6x5: ask for one size by --image-size"]);
    place.succeed(&format!("pretrain inks --image-size 6x5 {TINY} --out sized"));
}

fn two_pixels() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, 2, 1).write_header().unwrap();
    writer.write_image_data(&[1, 2]).unwrap();
    writer.finish().unwrap();
    bytes
}

#[cfg(target_os = "linux")]
#[test]
fn data_that_cannot_be_written_beside_goes_to_the_platforms_cache() {
    let place = Place::new();
    put_images(&place.path("inks"));
    // In the way of the folder, for users too whom no permission stops.
    fs::write(place.path("inks/.narrows"), "").unwrap();
    let run = |out: &str, cache: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
        let line = format!("pretrain {} {TINY} --quiet --out {out}", place.path("inks").display());
        command
            .args(line.split(' '))
            .current_dir(place.path(""))
            .env("XDG_CACHE_HOME", cache)
            .output()
            .unwrap()
    };
    let cache = place.path("cache");
    assert!(run("first", &cache).status.success());
    let kept = || {
        fs::read_dir(cache.join("narrows"))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
    };
    let images: Vec<String> = kept().filter(|name| name.ends_with(".narrows")).collect();
    assert!(images.len() == 1 && images[0].starts_with("inks-"), "{images:?}");
    assert_eq!(kept().count(), 1, "nothing else is left");
    let written = fs::metadata(cache.join("narrows").join(&images[0])).unwrap().modified().unwrap();
    assert!(run("second", &cache).status.success());
    assert_eq!(
        fs::metadata(cache.join("narrows").join(&images[0])).unwrap().modified().unwrap(),
        written
    );
    // Nowhere: they are read all the same, and that is said.
    let output = run("third", &place.path("inks/.narrows"));
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), err.matches('\n').count()), (Some(0), 1), "{err}");
    assert!(err.contains("the data are read anew in each run"), "{err}");
}
