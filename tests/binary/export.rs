//! Models for other programs: what onnxruntime and PyTorch make of them.

use crate::program::{Place, Said, python};
use std::fs;

/// Relative to the largest number.
const TOLERANCE: f64 = 1e-5;
const ROWS: usize = 60;

/// Files, and what narrows itself makes of the data.
#[derive(Default)]
struct Exported {
    /// Name, data and expected numbers of each.
    files: Vec<[String; 3]>,
}

impl Exported {
    /// Exports the model `run` with `options`, `weights` for PyTorch.
    fn add(&mut self, place: &Place, options: &str, data: &str, expected: &str) -> Said {
        let number = self.files.len();
        let (file, options) = match options.strip_suffix("weights") {
            Some(options) => (format!("{number}.safetensors"), options.trim_end()),
            None => (format!("{number}.onnx"), options),
        };
        let said = place.succeed(format!("export run {file} {options}").trim_end());
        self.files.push([file, data.to_owned(), expected.to_owned()]);
        said
    }

    /// All forms of a classifier.
    fn add_all(&mut self, place: &Place, data: &str, orders: &[&str]) {
        for order in orders {
            for fold in ["", " --fold-batch-norm"] {
                self.add(place, &format!("--input-order {order}{fold}"), data, "p.npy");
                let encoder = format!("--layers encoder --input-order {order}{fold}");
                self.add(place, &encoder, data, "z.npy");
            }
        }
        self.add(place, "--probabilities", data, "p.npy");
        self.add(place, "weights", data, "p.npy");
        self.add(place, "--layers encoder weights", data, "z.npy");
        self.add(place, "--fold-batch-norm weights", data, "p.npy");
    }

    /// Compares what other programs make of them.
    fn check(&self, place: &Place) {
        let arguments: Vec<&str> = self.files.iter().flatten().map(String::as_str).collect();
        let Some(errors) = python(place, "export.py", &arguments, "exported models") else {
            return;
        };
        assert_eq!(errors.lines().count(), self.files.len());
        for (error, file) in errors.lines().zip(&self.files) {
            assert!(error.parse::<f64>().unwrap() <= TOLERANCE, "{file:?}: {error}");
        }
    }
}

/// An array of bytes as NumPy has it.
fn npy(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(bytes);
    file
}

/// Images of 9x12 in colour, each class brighter in one of them, and their labels.
fn put_images(place: &Place) {
    let pixel = |i: usize| {
        let (image, channel) = (i / (9 * 12 * 3), i % 3);
        let noise = i.wrapping_mul(2_654_435_761) >> 7;
        (noise % 120 + if image % 3 == channel { 100 } else { 0 }) as u8
    };
    let pixels: Vec<u8> = (0..ROWS * 9 * 12 * 3).map(pixel).collect();
    fs::write(place.path("x.npy"), npy("|u1", &format!("{ROWS}, 9, 12, 3"), &pixels)).unwrap();
    let labels: Vec<u8> = (0..ROWS).map(|i| (i % 3) as u8).collect();
    fs::write(place.path("y.npy"), npy("|u1", &format!("{ROWS},"), &labels)).unwrap();
}

/// A table of numbers, some of them missing, and categories.
fn put_table(place: &Place) {
    let mut text = "size,weight,colour,kind\n".to_owned();
    for i in 0..ROWS {
        let size = if i % 11 == 5 { String::new() } else { format!("{}.5", i * 7 % 31) };
        let colour = ["red", "green", "blue", "white"][i * 5 % 4];
        text += &format!("{size},{},{colour},{}\n", i % 3 * 10 + i % 5, ["a", "b", "c"][i % 3]);
    }
    fs::write(place.path("t.csv"), text).unwrap();
}

const TRAIN: &str = "train --method scratch --labels all --validation 15 --epochs 4 --latent 5";

/// A classifier `run`, and what narrows itself makes of the data: `p.npy` and `z.npy`.
fn trained(place: &Place, data: &str, options: &str) {
    place.succeed(&format!("{TRAIN} {data} {options} --quiet --out run"));
    let rows = data.split(' ').next().unwrap();
    place.succeed(&format!("predict run {rows} --part all --all --out p.npy --quiet"));
    place.succeed(&format!("embed run {rows} --part all --out z.npy --quiet"));
}

#[test]
fn a_classifier_of_tables_predicts_the_same_elsewhere() {
    let place = Place::new();
    put_table(&place);
    trained(&place, "t.csv --target kind", "--widths 16,8");
    let mut exported = Exported::default();
    exported.add_all(&place, "t.csv", &["nchw"]);
    let said = exported.add(&place, "--fold-batch-norm", "t.csv", "p.npy");
    for part in ["(batch, 7): the 7 values of 3 columns", "(batch, 3): logits", "3 folded"] {
        assert!(said.out.contains(part), "{}", said.out);
    }
    exported.check(&place);
}

#[test]
fn classifiers_of_images_predict_the_same_elsewhere() {
    for (model, activation) in [("dense", "elu"), ("conv", "gelu"), ("resnet", "leaky-relu")] {
        let place = Place::new();
        put_images(&place);
        let options = format!("--model {model} --widths 8,12 --activation {activation}");
        trained(&place, "x.npy --labels-file y.npy", &options);
        let mut exported = Exported::default();
        exported.add_all(&place, "x.npy", &["nchw", "nhwc"]);
        exported.check(&place);
        // Without batch norm there is nothing to fold.
        place.succeed(&format!(
            "{TRAIN} x.npy --labels-file y.npy {options} --batch-norm false --quiet --out bare"
        ));
        let said = place.succeed("export bare bare.onnx --fold-batch-norm");
        assert!(said.out.contains("0 folded"), "{}", said.out);
    }
}

#[test]
fn autoencoders_reconstruct_the_same_elsewhere() {
    for (model, objective) in [("dense", "variational"), ("conv", "plain"), ("resnet", "plain")] {
        let place = Place::new();
        put_images(&place);
        place.succeed(&format!(
            "pretrain x.npy --labels-file y.npy --model {model} --objective {objective} --depth 2 \
             --widths 8,6 --latent 5 --epochs 3 --quiet --out run"
        ));
        place.succeed("score run x.npy --part all --out s.npy --quiet");
        place.succeed("embed run x.npy --part all --out z.npy --quiet");
        let mut exported = Exported::default();
        for options in ["", "--fold-batch-norm --input-order nhwc", "weights"] {
            exported.add(&place, options, "x.npy", "s.npy");
            exported.add(&place, &format!("--layers encoder {options}"), "x.npy", "z.npy");
        }
        exported.check(&place);
    }
}

#[test]
fn networks_of_others_make_the_same_features_elsewhere() {
    let place = Place::new();
    let name = "mobilenet_v2";
    if python(&place, "export.py", &["torchvision", name], "exported models").is_none() {
        return;
    }
    let mut exported = Exported::default();
    for options in ["", "--input-order nhwc", "--fold-batch-norm"] {
        let file = format!("{}.onnx", exported.files.len());
        let line = format!("export {name}.pth {file} --arch {name} --image-size 64x48 {options}");
        place.succeed(line.trim_end());
        exported.files.push([file, "x.npy".into(), "z.npy".into()]);
    }
    let file = format!("{name}.safetensors");
    place.succeed(&format!("export {name}.pth {file} --arch {name} --image-size 64x48"));
    exported.files.push([file, "x.npy".into(), "z.npy".into()]);
    // Narrows itself, with the file as its encoder.
    place.succeed("embed 0.onnx x.npy --part all --out own.npy --quiet");
    exported.files.push(["0.onnx".into(), "x.npy".into(), "own.npy".into()]);
    exported.check(&place);
}

#[test]
fn files_and_models_that_do_not_fit_are_refused() {
    let place = Place::new();
    put_table(&place);
    place
        .succeed("pretrain t.csv --target kind --widths 8 --latent 2 --epochs 1 --quiet --out run");
    let refused = |line: &str, why: &str| {
        let said = place.refuse(line);
        assert!(said.err.contains(why), "{}", said.err);
    };
    refused("export run m.pt", "ends in .onnx or .safetensors");
    refused("export run m.onnx --probabilities", "there are no classes");
    refused("export run m.safetensors --input-order nhwc", "--input-order has no effect");
    refused("export run m.onnx --image-size 32", "leave --image-size out");
    refused("export t.csv m.onnx", "is no model");
    refused("export run no/m.onnx", "cannot be written");
    place.succeed("export run m.onnx");
    let before = fs::read(place.path("m.onnx")).unwrap();
    refused("export run m.onnx --layers encoder", "is there already");
    assert_eq!(fs::read(place.path("m.onnx")).unwrap(), before);
    place.succeed("export run m.onnx --layers encoder --force");
    assert!(fs::read(place.path("m.onnx")).unwrap() != before);
    let left = place.listing().into_iter().filter(|name| name.contains("m.onnx")).count();
    assert_eq!(left, 1);
}

#[test]
fn an_encoder_comes_back_from_its_onnx_file() {
    for model in ["conv", "resnet", "dense", "variational"] {
        let place = Place::new();
        put_images(&place);
        if model == "variational" {
            place.succeed(
                "pretrain x.npy --labels-file y.npy --objective variational --widths 8 --latent 5 \
                 --epochs 2 --quiet --out run",
            );
            place.succeed("embed run x.npy --part all --out z.npy --quiet");
        } else {
            let options = format!("--model {model} --widths 8,12");
            trained(&place, "x.npy --labels-file y.npy", &options);
        }
        for options in ["", "--input-order nhwc", "--fold-batch-norm"] {
            let line = format!("export run m.onnx --force --layers encoder {options}");
            place.succeed(line.trim_end());
            place.succeed("embed m.onnx x.npy --part all --out back.npy --quiet");
            let [own, back] = ["z.npy", "back.npy"].map(|file| {
                let bytes = fs::read(place.path(file)).unwrap();
                let values = bytes[bytes.len() - 4 * 5 * ROWS..].chunks_exact(4);
                values.map(|v| f32::from_le_bytes(v.try_into().unwrap())).collect::<Vec<f32>>()
            });
            let largest = own.iter().fold(0.0, |largest: f32, z| largest.max(z.abs()));
            for (own, back) in own.iter().zip(&back) {
                assert!((own - back).abs() <= 1e-5 * largest, "{model} {options}: {own} {back}");
            }
            fs::remove_file(place.path("back.npy")).unwrap();
        }
    }
}
