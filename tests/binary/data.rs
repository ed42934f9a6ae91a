//! `narrows data`: packing, inspecting, dividing, verifying and exporting, through the binary.

use crate::program::{Place, idx, put_folder};
use std::fs;

const TABLE: &str = "\
age,city,label
30,Rome,yes
41,,no
,Paris,
22,Rome,yes
50,Oslo,no
1,Rome,yes
";

/// A place with a table, an MNIST-style folder, an array, and stores, one of them damaged.
fn place() -> Place {
    let place = Place::new();
    fs::write(place.path("table.csv"), TABLE).unwrap();
    put_folder(&place.path("good"), 3, 10);
    fs::write(place.path("array"), idx(&[30, 3, 2], &[7; 180])).unwrap();
    let labels: Vec<u8> = (0..30).map(|i| i % 3).collect();
    fs::write(place.path("array-labels"), idx(&[30], &labels)).unwrap();
    place.succeed("data convert good good.narrows --quiet");
    let mut bytes = fs::read(place.path("good.narrows")).unwrap();
    bytes[4096 + 100] ^= 4;
    fs::write(place.path("damaged.narrows"), bytes).unwrap();
    place
}

#[test]
fn a_table_is_packed_inspected_verified_and_exported() {
    let place = place();
    let said = place.succeed("data convert table.csv table.narrows");
    for part in [
        "6 samples",
        "2 values, float32",
        "5 labelled, 2 classes",
        "2 values\n",
        "Next: narrows compare ",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    // Nothing is left beside the store, and nothing is said twice.
    assert!(
        !place.listing().iter().any(|path| path.contains("scratch") || path.ends_with(".partial"))
    );
    assert!(!place.path(".narrows").exists());
    assert_eq!(said.err, "the column \"label\" is taken for the labels, by its name\n");
    let said = place.succeed("data inspect --verify table.narrows");
    assert!(said.out.contains("every block fits its checksum"), "{}", said.out);
    let said = place.succeed("data inspect --verify table.csv");
    assert!(said.out.contains("the format has no checksums"), "{}", said.out);
    let text = place.succeed("data inspect table.narrows").out;
    for line in [
        "format     store\n",
        "samples    6, not divided into train and test\n",
        "made from  table.csv (delimited text)\n",
        "labels     2 classes, column label, 1 unlabelled\n",
        "age              1           1        28.8          50\n",
        "city             1  Rome 3, Oslo 1, Paris 1\n",
        "yes              3  ########################################\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let json = place.succeed("data inspect table.narrows --json").out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["columns"][0]["mean"], 28.8);
    place.succeed("data convert table.narrows back.csv");
    assert_eq!(place.read("back.csv"), TABLE);
    // The options of tables are those of other commands.
    let said = place.succeed(
        "data convert table.csv table.narrows --force --target none --ignore city --quiet",
    );
    assert!(said.out.contains("none") && said.err.is_empty(), "{}{}", said.out, said.err);
}

#[test]
fn images_are_inspected_with_a_picture_and_exported() {
    let place = place();
    let said = place.succeed("data inspect good --sheet sheet.png");
    assert!(
        said.out.contains("30 to train, 30 to test") && said.out.contains("picture"),
        "{}",
        said.out
    );
    let file = std::io::BufReader::new(fs::File::open(place.path("sheet.png")).unwrap());
    let info = png::Decoder::new(file).read_info().unwrap().info().size();
    // Ten images of 2x3, magnified 16 times, in three lines.
    assert_eq!(info, (10 * (32 + 3) + 3, 3 * (48 + 3) + 3));
    place.succeed("data convert good.narrows out.idx --part test");
    let images = fs::read(place.path("good/t10k-images-idx3-ubyte")).unwrap();
    assert_eq!(fs::read(place.path("out.idx")).unwrap(), images);
    let labels = fs::read(place.path("good/t10k-labels-idx1-ubyte")).unwrap();
    assert_eq!(fs::read(place.path("out-labels.idx")).unwrap(), labels);
}

#[test]
fn a_split_is_repeatable_and_is_opened_as_data() {
    let place = place();
    let split = |out: &str, rest: &str| {
        place.succeed(&format!("data split array {out} --labels-file array-labels{rest}"));
        ["train", "validation", "test"]
            .map(|part| fs::read(place.path(&format!("{out}/{part}.narrows"))).unwrap())
    };
    let (a, b, c) = (split("a", ""), split("b", ""), split("c", " --seed 2"));
    assert_eq!(a, b);
    assert_ne!(a[2][..], c[2][..]);
    let said = place.succeed("data inspect a");
    assert!(said.out.contains("21 to train, 3 to validate, 6 to test"), "{}", said.out);
    place.succeed("pretrain a --epochs 1 --widths 4 --latent 2 --held-out 2 --quiet --out run");
    // None to validate on.
    place.succeed(
        "data split array d --labels-file array-labels --train 0.5 --validation 0 --test 0.5",
    );
    assert!(!place.path("d/validation.narrows").exists());
}

#[test]
fn bad_input_is_refused_in_one_line_and_leaves_nothing() {
    let place = place();
    fs::create_dir(place.path("folder")).unwrap();
    fs::create_dir(place.path("taken")).unwrap();
    fs::write(place.path("taken/train.csv"), TABLE).unwrap();
    fs::write(place.path("taken/test.csv"), TABLE).unwrap();
    fs::write(place.path("text.csv"), "a\n1\n\"2\n").unwrap();
    place.succeed("data convert good.narrows there.npy");
    fs::remove_file(place.path("there.npy")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("loop", place.path("loop")).unwrap();
    let before = place.listing();
    let mut cases: Vec<(&str, &[&str])> = vec![
        // What is read.
        ("data convert missing out.narrows", &["missing: ", "o such file"]),
        ("data convert folder out.narrows", &["folder: is empty; nor is there"]),
        ("data convert text.csv out.narrows", &["text.csv"]),
        (
            "data convert damaged.narrows out.narrows",
            &["damaged.narrows: is damaged: samples 0 to"],
        ),
        ("data inspect missing", &["missing: ", "o such file"]),
        ("data inspect folder", &["folder: is empty; nor is there"]),
        ("data inspect damaged.narrows", &["damaged.narrows: is damaged: samples 0 to"]),
        (
            "data inspect table.csv --sheet sheet.png",
            &["table.csv: samples of the shape [2] are no pictures"],
        ),
        ("data inspect good --sheet folder", &["folder: cannot be written"]),
        ("data inspect --verify missing", &["missing: ", "o such file"]),
        ("data inspect --verify folder", &["folder: is empty; nor is there"]),
        ("data inspect --verify damaged.narrows", &["damaged.narrows: is damaged: samples 0 to"]),
        (
            "data inspect --verify good.narrows --target none",
            &["good.narrows: is a store, which --target"],
        ),
        ("data split missing out", &["missing: ", "o such file"]),
        ("data split damaged.narrows out", &["\"damaged.narrows\": has test samples of its own"]),
        ("data convert damaged.narrows out.npz", &["damaged.narrows: is damaged: samples 0 to"]),
        ("data convert missing out.npy", &["missing: ", "o such file"]),
        // What is written.
        ("data convert good out.narrows --part test", &["out.narrows: a store has all samples"]),
        ("data convert good good.narrows", &["good.narrows: is there already", "--force"]),
        ("data convert good missing/out.narrows", &["missing/out.narrows: cannot be written"]),
        ("data convert good array/out.narrows", &["array/out.narrows: cannot be written"]),
        ("data split array taken", &["taken: holds t", "already"]),
        ("data split array table.csv", &["table.csv"]),
        ("data split array array/out", &["array/out: cannot be made"]),
        ("data convert good folder", &["folder: has no known ending", ".npy, .npz, .csv"]),
        ("data convert good out.xyz", &["out.xyz: has no known ending"]),
        ("data convert good there.npy", &["there-labels.npy: is there already", "--force"]),
        ("data convert table.csv out.idx", &["out.idx: cannot hold floats"]),
        (
            "data convert array out.npy --part test",
            &["\"array\": does not say what is for the test"],
        ),
        // Shares.
        ("data split array out --train 0.8", &["0.8 to train", "do not sum to 1"]),
        ("data split array out --train NaN", &["NaN to train", "do not sum to 1"]),
        ("data split array out --train 1 --validation 0 --test 0", &["set both above 0"]),
        ("data split table.csv out", &["class \"no\" has 2 samples, of which"]),
        ("data split array out --unlabelled away", &["--unlabelled", "train, spread"]),
        // Arguments.
        ("data convert good", &["<OUT>"]),
        ("data convert good out.npy --part some", &["--part", "all, train, test"]),
        ("data convert good out.narrows --image-size 4", &["holds no images in files"]),
    ];
    if cfg!(not(feature = "parquet")) {
        cases.push((
            "data convert good out.parquet",
            &["out.parquet: cannot be written", "--features parquet"],
        ));
    }
    if cfg!(unix) {
        cases.push(("data convert loop out.narrows", &["loop: "]));
        cases.push(("data inspect loop", &["loop: "]));
        cases.push(("data inspect --verify loop", &["loop: "]));
        cases
            .push(("data convert good loop/out.narrows", &["loop/out.narrows: cannot be written"]));
        cases.push(("data split array loop", &["loop: "]));
    }
    for (line, parts) in cases {
        let said = place.run(line);
        assert_eq!(said.code, Some(2), "narrows {line}\n{}", said.err);
        let lines: Vec<&str> =
            said.err.lines().filter(|line| !line.starts_with("the column")).collect();
        assert_eq!(lines.len(), 1, "narrows {line}\n{}", said.err);
        parts.iter().for_each(|part| {
            assert!(lines[0].contains(part), "narrows {line}\n{:?} is not in {}", part, lines[0])
        });
        // What a table is read by stays beside it, as after any opening.
        let after: Vec<String> =
            place.listing().into_iter().filter(|path| !path.contains("/.narrows")).collect();
        assert_eq!(after, before, "narrows {line}");
    }
}
