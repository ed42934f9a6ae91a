//! Writes the corpus: small files of each format, good ones and some that nearly are. `cargo run -p
//! narrows-fuzz --example corpus`

use std::fs;
use std::path::Path;
use std::time::Duration;

use narrows_datasets::{
    Column, ColumnKind, Dataset, Dtype, Encoding, Fit, Metadata, Preparation, Rows, StoreWriter,
};
use narrows_engine::{Context, Params};
use narrows_models::model_file::{self, Description};
use narrows_models::tuning::{Direction, Domain, Journal, Parameter, Space, State, Value, Values};
use narrows_models::{
    Architecture, Checkpoints, Event, Goal, Model, Observer, Run, Task, Training,
};

#[allow(dead_code, reason = "each user of it uses some")]
#[path = "../../tests/made_files/mod.rs"]
mod made_files;

use made_files::{Member, f32s, gzip, idx, npy, npy_text, safetensors, zip};

const TABLE: &str = "age,colour,label\n1.5,red,a\n2,green,b\n,red,a\n4,blue,b\n5,green,a\n\
                     6e3,red,b\n7,,\n-8,blue,a\n";

fn main() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let put = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(corpus.join(target)).unwrap();
        fs::write(corpus.join(target).join(name), bytes).unwrap();
    };

    let images = idx(0x08, &[4, 2, 3], b"abcdefghijklmnopqrstuvwx");
    put("idx", "images", &images);
    put("idx", "images.gz", &gzip(&images));
    put("idx", "labels", &idx(0x08, &[6], &[0, 1, 0, 1, 2, 2]));
    put("idx", "signed", &idx(0x09, &[3, 2], &[0, 1, 2, 255, 254, 3]));
    put("idx", "shorts", &idx(0x0b, &[3, 1], &[0, 1, 1, 0, 0xff, 0xff]));
    put("idx", "ints.gz", &gzip(&idx(0x0c, &[3], &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1])));
    put("idx", "floats", &idx(0x0d, &[2, 2], &[0x3f, 0x80, 0, 0].repeat(4)));
    put("idx", "doubles", &idx(0x0e, &[2, 1], &[0x3f, 0xf0, 0, 0, 0, 0, 0, 0].repeat(2)));

    let floats = npy("<f4", "(4, 2)", &f32s(&[0.0, 1.0, 2.0, 3.0, 4.5, 5.0, -6.0, 7.0]));
    let labels = npy("<i8", "(4,)", &[0_i64, 1, 0, -1].map(i64::to_le_bytes).concat());
    put("npy", "floats", &floats);
    put("npy", "labels", &labels);
    put("npy", "bytes", &npy("|u1", "(4, 2, 2)", b"abcdefghijklmnop"));
    put("npy", "truth", &npy("|b1", "(4, 1)", &[0, 1, 1, 0]));
    put("npy", "half", &npy("<f2", "(4,)", &[0, 0x3c, 0, 0x40, 0, 0x44, 0, 0xc0]));
    let fortran = "{'descr': '>f8', 'fortran_order': True, 'shape': (2, 2)}";
    put(
        "npy",
        "fortran",
        &npy_text(fortran, &[1.0_f64, 2.0, 3.0, 4.0].map(f64::to_be_bytes).concat()),
    );
    let records = "{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (1,)}";
    put("npy", "records", &npy_text(records, &[0; 8]));
    put("npy", "objects", &npy("|O", "(2,)", b"\x80\x04K\x01."));

    put(
        "npz",
        "stored",
        &zip(&[Member::stored("x.npy", &floats), Member::stored("y.npy", &labels)]),
    );
    put(
        "npz",
        "deflated",
        &zip(&[Member::deflated("x.npy", &floats), Member::deflated("y.npy", &labels)]),
    );
    let halves = ["x_train.npy", "x_test.npy"].map(|name| Member::stored(name, &floats));
    let of_halves = ["y_train.npy", "y_test.npy"].map(|name| Member::deflated(name, &labels));
    put("npz", "halves", &zip(&[&halves[..], &of_halves[..]].concat()));

    let text = concat!(
        r#"{"x":{"dtype":"F32","shape":[4,2],"data_offsets":[0,32]},"#,
        r#""y":{"dtype":"U8","shape":[4],"data_offsets":[32,36]}}"#,
    );
    let values = [&f32s(&[1.0, -2.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0])[..], &[0, 1, 0, 1]].concat();
    put("safetensors", "labelled", &safetensors(text, &values));
    let text = concat!(
        r#"{"__metadata__":{"a":"b"},"#,
        r#""data":{"dtype":"BF16","shape":[2,2,1],"data_offsets":[0,8]}}"#,
    );
    put("safetensors", "bf16", &safetensors(text, &[0, 0x3f, 0x80, 0x3f, 0, 0x40, 0, 0xc0]));

    put("csv", "table", TABLE.as_bytes());
    put("csv", "table.gz", &gzip(TABLE.as_bytes()));
    put("csv", "table.tsv", TABLE.replace(',', "\t").as_bytes());
    put("csv", "quotes", b"\xef\xbb\xbf\"a;\"\"1\"\"\";b\r\n\"x\ny\";1\r\nz;2\r\nz;3\r\n");
    put("csv", "numbers", b"1|2|3\n4|5|6\n7|nan|9\n?|1e-30|-0\n");
    let lines =
        "{\"a\": 1, \"b\": \"x\\u00e9\", \"label\": true}\n\n{\"label\": false, \"a\": null}\n";
    put("json", "lines", lines.as_bytes());
    put("json", "lines.gz", &gzip(lines.as_bytes()));
    put("json", "array", b"[{\"a\": -2.5e3, \"b\": \"y\"},\n {\"b\": \"z, ]}\", \"a\": 7}]\n");

    stores(&corpus, &put);

    let record = |label: u8| [&[label][..], &[7; 3072]].concat();
    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n";
    put("cifar", "named", &[names.as_bytes(), &record(1), &record(9)].concat());
    put("cifar", "unnamed", &record(0));

    pictures(&put);
    models(&corpus, &put);
    checkpoint(&corpus);
    journals(&corpus, &put);
    weights(&put);
}

fn stores(corpus: &Path, put: &dyn Fn(&str, &str, &[u8])) {
    fs::create_dir_all(corpus.join("store")).unwrap();
    put("store", "bytes", &made_files::store(&corpus.join("store/new")));
    let path = corpus.join("store/table");
    let mut writer = StoreWriter::create(&path, Dtype::F32, &[2], true).unwrap();
    for row in 0..6_u16 {
        if row == 4 {
            writer.test_begins();
        }
        let values = [f32::from(row), if row == 2 { f32::NAN } else { f32::from(row % 2) }];
        writer.push_floats(&values, if row == 1 { u16::MAX } else { row % 2 }).unwrap();
    }
    let columns = columns();
    let classes = vec!["no".to_owned(), "yes".to_owned()];
    let normalisation = Some(fitted(&columns));
    let metadata =
        Metadata { columns: Some(columns), classes, normalisation, ..Metadata::default() };
    writer.finish(&metadata).unwrap();
}

fn columns() -> Vec<Column> {
    let names = vec!["blue".to_owned(), "red".to_owned()];
    vec![
        Column { name: "age".to_owned(), kind: ColumnKind::NUMBER },
        Column {
            name: "colour".to_owned(),
            kind: ColumnKind::Category { names, encoding: Encoding::OneHot },
        },
    ]
}

fn fitted(columns: &[Column]) -> Preparation {
    let mut fit = Fit::new(columns);
    for sample in [[1.0, 0.0], [3.0, 1.0], [f32::NAN, f32::NAN]] {
        fit.push(&sample);
    }
    fit.finish()
}

fn pictures(put: &dyn Fn(&str, &str, &[u8])) {
    use png::{BitDepth, ColorType};
    for (name, color, depth, row) in [
        ("grey", ColorType::Grayscale, BitDepth::Eight, 4),
        ("bits", ColorType::Grayscale, BitDepth::One, 1),
        ("rgb16", ColorType::Rgb, BitDepth::Sixteen, 24),
        ("rgba", ColorType::Rgba, BitDepth::Eight, 16),
        ("palette", ColorType::Indexed, BitDepth::Two, 1),
    ] {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 4, 3);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette((0..12).map(|value| 20 * value).collect::<Vec<u8>>());
            encoder.set_trns(vec![255, 0, 128]);
        }
        let values: Vec<u8> = (0..3 * row as u8).map(|value| value.wrapping_mul(7)).collect();
        encoder.write_header().unwrap().write_image_data(&values).unwrap();
        put("png", name, &bytes);
    }
    let values: Vec<u8> = (0..9 * 10 * 4).map(|value| (value * 3) as u8).collect();
    for (name, color, channels, progressive) in [
        ("grey", jpeg_encoder::ColorType::Luma, 1, false),
        ("rgb", jpeg_encoder::ColorType::Rgb, 3, false),
        ("progressive", jpeg_encoder::ColorType::Rgb, 3, true),
        ("cmyk", jpeg_encoder::ColorType::Cmyk, 4, false),
    ] {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 60);
        encoder.set_progressive(progressive);
        encoder.encode(&values[..90 * channels], 10, 9, color).unwrap();
        put("jpeg", name, &bytes);
    }
    use image::ImageFormat::{Bmp, Gif, Tiff, WebP};
    for (target, format) in [("bmp", Bmp), ("gif", Gif), ("tiff", Tiff), ("webp", WebP)] {
        for (name, color, channels) in
            [("rgb", image::ColorType::Rgb8, 3), ("rgba", image::ColorType::Rgba8, 4)]
        {
            let mut bytes = std::io::Cursor::new(Vec::new());
            let values = &values[..90 * channels];
            image::write_buffer_with_format(&mut bytes, values, 10, 9, color, format).unwrap();
            put(target, name, bytes.get_ref());
        }
    }
}

fn models(corpus: &Path, put: &dyn Fn(&str, &str, &[u8])) {
    for (name, preparation) in [
        ("bytes", Preparation::Bytes { max: 16 }),
        ("floats", Preparation::Floats),
        ("scaled", Preparation::Scaled { shift: -1.0, scale: 0.5 }),
        ("table", fitted(&columns())),
    ] {
        put("preparation", name, serde_json::to_string(&preparation).unwrap().as_bytes());
    }
    fs::create_dir_all(corpus.join("model")).unwrap();
    for (name, model, classes) in [
        ("dense", Model::Dense, None),
        ("classifier", Model::Dense, Some(2)),
        ("conv", Model::Conv, Some(2)),
    ] {
        let architecture = Architecture {
            widths: vec![2],
            latent: 2,
            depth: 1,
            ..Architecture::new(model, [4, 4, 1])
        };
        let preparation = Some(Preparation::Bytes { max: 255 });
        let description = Description { classes, preparation, ..Description::of(architecture) };
        let params = Params::new(&description.network().unwrap(), 1);
        model_file::save(&corpus.join("model").join(name), &params, &description).unwrap();
    }
}

/// A checkpoint after two steps of two epochs each, with the best weights and an average.
fn checkpoint(corpus: &Path) {
    struct Saved(Checkpoints);
    impl Observer for Saved {
        fn notice(&self, _: &Event<'_>) {}

        fn checkpoints(&self) -> Option<&Checkpoints> {
            Some(&self.0)
        }
    }
    let data = Dataset::from_floats("two", vec![0.0, 1.0, 2.0, 3.0], &[1], Some(vec![0, 1, 0, 1]));
    let data = data.unwrap();
    let architecture =
        Architecture { widths: vec![], latent: 1, ..Architecture::new(Model::Dense, 1) };
    let network = architecture.classifier(2).unwrap();
    let (train, validation) = (Rows::Listed(&[0, 1, 2, 3]), Rows::Listed(&[0, 1]));
    let task = Task { data: &data, train, validation, goal: Goal::Classify };
    let training = Training { epochs: 2, batch: 2, ema: 0.5, ..Training::classifier() };
    let mut run = Run::new("run", &network, Params::new(&network, 1), task, &training).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let saved = Saved(Checkpoints { every: Duration::ZERO, ..Checkpoints::new(folder.path()) });
    run.train(&Context::new(1).unwrap(), &saved, |_, _| {}).unwrap();
    let files = saved.0.files("run").unwrap();
    fs::create_dir_all(corpus.join("checkpoint")).unwrap();
    fs::copy(&files[0], corpus.join("checkpoint").join("two-epochs")).unwrap();
}

/// Weights and graphs that PyTorch and ONNX wrote.
fn weights(put: &dyn Fn(&str, &str, &[u8])) {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tests/vectors/weights");
    for (target, file) in [
        ("pickle", "zip.pt"),
        ("pickle", "protocol4.pt"),
        ("pickle", "legacy.pt"),
        ("pickle", "wrapped.pt"),
        ("weights", "state.safetensors"),
        ("onnx", "graph.onnx"),
        ("onnx", "inputs.onnx"),
    ] {
        put(target, file, &fs::read(vectors.join(file)).unwrap());
    }
}

/// A journal of Optuna's, and one of ours with two appends.
fn journals(corpus: &Path, put: &dyn Fn(&str, &str, &[u8])) {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tests/vectors");
    put("journal", "optuna", &fs::read(vectors.join("small.journal")).unwrap());
    put("journal", "ours", b"");
    let mut journal = Journal::open(&corpus.join("journal").join("ours"), "w").unwrap();
    let domain = Domain::Integer { low: 1, high: 9, log: true };
    let space =
        Space { parameters: vec![Parameter { name: "n".into(), domain, conditions: vec![] }] };
    let mut locked = journal.lock().unwrap();
    locked.create_study("s", Direction::Minimize);
    locked.create_trial(&Values::from([("n".into(), Value::Integer(3))]), &space, State::Waiting);
    locked.commit().unwrap();
    let mut locked = journal.lock().unwrap();
    locked.start(0);
    locked.report(0, 2, f64::INFINITY);
    locked.finish(0, State::Pruned, Some(0.5));
    locked.commit().unwrap();
}
