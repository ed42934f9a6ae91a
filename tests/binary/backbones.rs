//! Encoders of others: weights that PyTorch would save, of a network that is known by its name.

use crate::program::Place;
use narrows_engine::{Context, Params, Pass, PassMemory};
use narrows_models::SampleShape;
use narrows_models::backbones::{Backbone, Naming};
use narrows_models::export::Portable;
use narrows_models::layer_spec::NetworkSpec;
use std::fs;

const NAME: &str = "mobilenet_v3_small";
const SIDE: usize = 40;
const CLASSES: [&str; 3] = ["blue", "green", "red"];

/// The value of a pixel of an image of a class: noise, brighter in the colour of the class.
fn pixel(class: usize, image: usize, at: usize) -> u8 {
    let noise = (image * SIDE * SIDE * 3 + at).wrapping_mul(2_654_435_761) >> 7;
    (noise % 120 + if at % 3 == 2 - class { 100 } else { 0 }) as u8
}

/// Images of three classes in colour, and the file `w.safetensors` of random weights.
fn put(place: &Place) -> (Backbone, Params) {
    for (part, images) in [("train", 0..20), ("test", 20..24)] {
        for (class, name) in CLASSES.iter().enumerate() {
            let folder = place.path(&format!("photos/{part}/{name}"));
            fs::create_dir_all(&folder).unwrap();
            for image in images.clone() {
                let file = fs::File::create(folder.join(format!("{image}.png"))).unwrap();
                let mut encoder = png::Encoder::new(file, SIDE as u32, SIDE as u32);
                encoder.set_color(png::ColorType::Rgb);
                let pixels = (0..SIDE * SIDE * 3).map(|at| pixel(class, image, at));
                let pixels: Vec<u8> = pixels.collect();
                encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
            }
        }
    }
    let backbone = Backbone::of(NAME, Naming::Torchvision).unwrap();
    let input = [SIDE, SIDE, 3];
    let spec = NetworkSpec::new(input).with_section("encoder", backbone.features.clone());
    let params = Params::new(&spec.builder().build().unwrap(), 1);
    let portable = Portable::new(SampleShape::Image(input), &spec, &params);
    fs::write(place.path("w.safetensors"), portable.to_safetensors(vec![]).unwrap()).unwrap();
    (backbone, params)
}

const ENCODER: &str = "w.safetensors --arch mobilenet_v3_small --image-size 40";

/// The codes are what the network makes of the pixels.
#[test]
fn its_codes_are_those_of_the_network() {
    let place = Place::new();
    let (backbone, params) = put(&place);
    place.succeed(&format!("embed {ENCODER} photos --part test --out z.npy --quiet"));
    let network = backbone.network([SIDE, SIDE], false).unwrap();
    let (rows, len) = (12, network.output().len());
    let x: Vec<f32> = (0..rows)
        .flat_map(|row| (0..SIDE * SIDE * 3).map(move |at| pixel(row / 4, 20 + row % 4, at)))
        .map(|byte| f32::from(byte) / 255.0)
        .collect();
    let mut memory = PassMemory::new(&network, rows).unwrap();
    let cx = Context::new(1).unwrap();
    let expected = network.forward(&cx, &params, &mut memory, &x, Pass::evaluate()).unwrap();
    let bytes = fs::read(place.path("z.npy")).unwrap();
    let found = bytes[bytes.len() - 4 * rows * len..].chunks_exact(4);
    let found: Vec<f32> = found.map(|x| f32::from_le_bytes(x.try_into().unwrap())).collect();
    let largest = expected.iter().fold(0.0, |largest: f32, x| largest.max(x.abs()));
    assert!(largest > 0.01, "{largest}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-5 * largest, "{found}, not {expected}");
    }
}

#[test]
fn it_becomes_a_classifier() {
    let place = Place::new();
    put(&place);
    let data = "photos --labels 30 --validation 15";
    place.succeed(&format!("train {data} --encoder {ENCODER} --method linear --quiet --out run"));
    let said = place.succeed("evaluate run photos");
    assert_eq!(place.json("run/summary.json")["method"], "linear", "{}", said.out);
    // The pixels' size is that of the model.
    let said = place.succeed("predict run photos/test/red --quiet");
    let right = said.out.lines().filter(|line| line.contains(",red,")).count();
    assert_eq!(right, 4, "{}", said.out);
    let said = place.succeed("info run");
    for text in [NAME, "minus 0.4850, 0.4560, 0.4060", "divided by 0.2290, 0.2240, 0.2250"] {
        assert!(said.out.contains(text), "{text}: {}", said.out);
    }

    let line = format!("compare {data} --encoder {ENCODER} --draws 2 --finetune-epochs 2");
    let said = place.succeed(&format!("{line} --finetune-lr 0.01 --quiet --out curve"));
    for text in ["scratch ", "linear ", "lp-ft ", "scratch is a conv network of narrows"] {
        assert!(said.out.contains(text), "{text}: {}", said.out);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let place = Place::new();
    put(&place);
    fs::write(place.path("w.pth"), b"not weights").unwrap();
    for (line, text) in [
        ("embed w.pth photos", "name it by --arch"),
        ("embed w.pth photos --arch resnet18", "w.pth"),
        ("embed w.safetensors photos --arch resnet18 --image-size 40", "are missing"),
        ("embed w.safetensors photos --arch resnet19", "--arch"),
        (&format!("train photos --encoder {ENCODER} --method linear --epochs 3"), "no steps"),
        (&format!("tune photos --encoder {ENCODER} --methods linear --trials 2"), "no settings"),
        (&format!("embed {ENCODER} photos --pixel-mean 0,0,0"), "are for ONNX files"),
    ] {
        let said = place.run(line);
        assert!(said.code == Some(2) && said.err.contains(text), "{line}: {}", said.err);
    }
}
