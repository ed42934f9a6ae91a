//! Data packed and exported again: the same bytes that NumPy and others write, or that were there
//! at first.

#[allow(dead_code, reason = "each file of tests uses some of it")]
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::image_files::{noise, put, rgb_png};
use narrows_datasets::{
    Access, ExportPart, Exported, OpenOptions, Packed, Preparation, Store, UNLABELLED, Undivided,
    examples, export, inspect, open_whole, open_with, pack, read_all, verify,
};

/// A folder of this test, removed at the end.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        put(self.path(name), bytes)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// An IDX file of bytes.
fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/exports").join(name)
}

fn undivided(path: &Path, options: &OpenOptions) -> Undivided {
    open_whole(path, options, &|_, _| {}).unwrap()
}

fn with_labels(file: &Path) -> OpenOptions {
    OpenOptions { labels: Some(file.to_owned()), ..OpenOptions::default() }
}

/// Packs `data`, sees that the store is sound, and opens that.
fn packed(data: &Undivided, out: &Path) -> (Packed, Undivided) {
    let mut told = Vec::new();
    let packed = pack(data, out, &mut |done, total| told.push((done, total))).unwrap();
    assert!(told.last().is_some_and(|(done, total)| done == total), "{told:?}");
    assert_eq!(packed.bytes, fs::metadata(out).unwrap().len());
    verify(out, &mut |_, _| {}).unwrap();
    (packed, undivided(out, &OpenOptions::default()))
}

fn exported(data: &Undivided, part: ExportPart, out: &Path) -> Exported {
    let exported = export(data, part, out, &mut |_, _| {}).unwrap();
    assert!(!out.with_added_extension("partial").exists());
    exported
}

#[test]
fn arrays_come_back_as_numpy_wrote_them() {
    for (array, labels) in [
        ("bytes.npy", Some("labels.npy")),
        ("bytes.npy", Some("some-labels.npy")),
        ("bytes.npy", None),
        ("floats.npy", None),
    ] {
        let folder = Folder::new();
        let options =
            labels.map_or_else(OpenOptions::default, |labels| with_labels(&vector(labels)));
        let source = undivided(&vector(array), &options);
        let (packed, store) = packed(&source, &folder.path("store.narrows"));
        assert_eq!((packed.missing, packed.rounded, packed.test), (0, 0, 0));
        for data in [&source, &store] {
            let out = folder.path("out.npy");
            let done = exported(data, ExportPart::All, &out);
            assert_eq!(fs::read(&out).unwrap(), fs::read(vector(array)).unwrap(), "{array}");
            let of_labels = folder.path("out-labels.npy");
            assert_eq!((done.labelled, of_labels.exists()), (labels.is_some(), labels.is_some()));
            assert!(!done.names_lost);
            if let Some(labels) = labels {
                assert_eq!(
                    fs::read(&of_labels).unwrap(),
                    fs::read(vector(labels)).unwrap(),
                    "{labels}"
                );
                fs::remove_file(of_labels).unwrap();
            }
        }
    }
}

#[test]
fn idx_files_come_back_byte_for_byte() {
    let folder = Folder::new();
    let images = idx(&[6, 4, 5], &noise(120, 1));
    let labels = idx(&[6], &[3, 0, 1, 0, 3, 1]);
    let options = with_labels(&folder.put("labels", &labels));
    let source = undivided(&folder.put("images", &images), &options);
    let (_, store) = packed(&source, &folder.path("store.narrows"));
    exported(&store, ExportPart::All, &folder.path("out.idx"));
    assert_eq!(fs::read(folder.path("out.idx")).unwrap(), images);
    assert_eq!(fs::read(folder.path("out-labels.idx")).unwrap(), labels);
}

const TABLE: &str = "\
age,\"eyes, colour\",size,class
30,blue,0.1,yes
,\"a \"\"brown\"\"\",-2.5,
41,,16777215,no
1e-7,blue,-0.0001,yes
-3,green,1e20,no
";

#[test]
fn a_table_comes_back_as_the_text_it_was() {
    let folder = Folder::new();
    let mut options = OpenOptions::default();
    let source = undivided(&folder.put("table.csv", TABLE.as_bytes()), &options);
    let (packed, store) = packed(&source, &folder.path("store.narrows"));
    // 0.1, -0.0001, 1e-7 and 1e20 are between two floats, but read as the same text.
    assert_eq!((packed.train, packed.labelled, packed.missing, packed.rounded), (5, 4, 2, 0));
    exported(&store, ExportPart::All, &folder.path("out.csv"));
    assert_eq!(fs::read_to_string(folder.path("out.csv")).unwrap(), TABLE);
    // It is a whole, which is divided and fitted when it is opened.
    let metadata =
        Store::open(&folder.path("store.narrows"), Access::Map).unwrap().metadata().clone();
    assert_eq!((metadata.normalisation, metadata.label.as_deref()), (None, Some("class")));
    assert_eq!(
        (metadata.provenance.source.as_str(), metadata.provenance.fingerprint),
        ("table.csv", None)
    );
    // A column by which the rows are not told apart has a line for each, too.
    let one = "size\n1\n\"\"\n2\n";
    options.cache = Some(folder.path("cache"));
    let source = undivided(&folder.put("one.csv", one.as_bytes()), &options);
    exported(&source, ExportPart::All, &folder.path("out.csv"));
    assert_eq!(fs::read_to_string(folder.path("out.csv")).unwrap(), one);
}

#[cfg(feature = "parquet")]
#[test]
fn a_table_comes_back_from_parquet() {
    let folder = Folder::new();
    let options = OpenOptions::default();
    let source = undivided(&folder.put("table.csv", TABLE.as_bytes()), &options);
    exported(&source, ExportPart::All, &folder.path("table.parquet"));
    let again = undivided(&folder.path("table.parquet"), &options);
    exported(&again, ExportPart::All, &folder.path("out.csv"));
    assert_eq!(fs::read_to_string(folder.path("out.csv")).unwrap(), TABLE);
    let bytes = undivided(&vector("bytes.npy"), &with_labels(&vector("some-labels.npy")));
    exported(&bytes, ExportPart::All, &folder.path("bytes.parquet"));
    let again = undivided(&folder.path("bytes.parquet"), &options);
    let texts = [(&bytes, "a.csv"), (&again, "b.csv")].map(|(data, name)| {
        exported(data, ExportPart::All, &folder.path(name));
        fs::read_to_string(folder.path(name)).unwrap()
    });
    assert_eq!(texts[0], texts[1]);
}

/// Images of two classes, in halves.
fn put_images(folder: &Folder) -> (PathBuf, Vec<Vec<u8>>) {
    let mut pixels = Vec::new();
    for (i, name) in
        ["train/cat/a", "train/cat/b", "train/dog/a", "test/cat/z", "test/dog/z"].iter().enumerate()
    {
        let values = noise(4 * 5 * 3, i as u32);
        folder.put(&format!("images/{name}.png"), &rgb_png((4, 5), &values));
        pixels.push(values);
    }
    (folder.path("images"), pixels)
}

#[test]
fn images_come_back_by_their_pixels() {
    let folder = Folder::new();
    let (path, pixels) = put_images(&folder);
    let source = undivided(&path, &OpenOptions::default());
    let (packed, store) = packed(&source, &folder.path("store.narrows"));
    assert_eq!(
        (packed.train, packed.test, &packed.shape[..], packed.classes),
        (3, 2, &[4, 5, 3][..], 2)
    );
    for (part, expected) in [
        (ExportPart::All, pixels.concat()),
        (ExportPart::Train, pixels[..3].concat()),
        (ExportPart::Test, pixels[3..].concat()),
    ] {
        let done = exported(&store, part, &folder.path("out.idx"));
        assert_eq!(
            fs::read(folder.path("out.idx")).unwrap(),
            idx(&[done.rows as u32, 4, 5, 3], &expected)
        );
        assert!(done.names_lost, "cat and dog are no numbers");
    }
    assert_eq!(fs::read(folder.path("out-labels.idx")).unwrap(), idx(&[2], &[0, 1]));
    let found = examples(&store.data, 10, 1).unwrap();
    assert_eq!(found, [[(0, 0)], [(0, 2)]]);
}

/// The safetensors format by its description alone.
#[test]
fn safetensors_hold_values_and_labels() {
    let folder = Folder::new();
    let (path, pixels) = put_images(&folder);
    let source = undivided(&path, &OpenOptions::default());
    exported(&source, ExportPart::All, &folder.path("out.safetensors"));
    let bytes = fs::read(folder.path("out.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    assert!(length.is_multiple_of(8));
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let tensor = |name: &str| {
        let place =
            |at: usize| header[name]["data_offsets"][at].as_u64().unwrap() as usize + 8 + length;
        (header[name]["dtype"].clone(), header[name]["shape"].clone(), &bytes[place(0)..place(1)])
    };
    let (dtype, shape, values) = tensor("x_train");
    assert_eq!(
        (dtype, shape, values),
        ("U8".into(), vec![3, 4, 5, 3].into(), &pixels[..3].concat()[..])
    );
    assert_eq!(tensor("x_test").2, pixels[3..].concat());
    let numbers =
        |bytes: &[u8]| Vec::from_iter(bytes.as_chunks().0.iter().map(|&n| i64::from_le_bytes(n)));
    assert_eq!(tensor("y_train").0, "I64");
    assert_eq!(numbers(tensor("y_train").2), [0, 0, 1]);
    assert_eq!(numbers(tensor("y_test").2), [0, 1]);
    assert_eq!(header["__metadata__"]["classes"], "[\"cat\",\"dog\"]");
    assert_eq!(header.as_object().unwrap().len(), 5);
    // All bytes are some tensor's.
    let ends = ["x_train", "x_test", "y_train", "y_test"].map(|name| tensor(name).2.len());
    assert_eq!(ends.iter().sum::<usize>() + 8 + length, bytes.len());
}

/// Halves whose columns and categories come in another order, and one category that is in the test
/// rows alone.
#[test]
fn halves_of_a_table_are_packed_as_they_are_opened() {
    let folder = Folder::new();
    folder.put("halves/train.csv", b"a,b,label\n1,red,x\n2,blue,y\n3,,x\n");
    folder.put("halves/test.csv", b"label,b,a\ny,violet,5\nx,red,\n,blue,7\n");
    let options = OpenOptions::default();
    let source = undivided(&folder.path("halves"), &options);
    let out = folder.path("store.narrows");
    let (packed, _) = packed(&source, &out);
    assert_eq!((packed.train, packed.test, packed.labelled, packed.missing), (3, 3, 5, 2));
    let seen = |path: &Path| {
        let data = open_with(path, &options, &|_, _| {}).unwrap().data;
        [data.train, data.test].map(|half| {
            let rows = Vec::from_iter(0..half.len() as u32);
            let mut out = vec![0.0; half.len() * half.sample_len()];
            half.gather(&rows, &mut out).unwrap();
            (out, half.labels().unwrap().unwrap().to_vec(), half.class_names().to_vec())
        })
    };
    assert_eq!(seen(&folder.path("halves")), seen(&out));
    // a, standardised, twice one-hot, and the mark of what is missing is nowhere: a lacks nothing
    // in training.
    assert_eq!(seen(&out)[1].0.len(), 3 * 3);
    assert_eq!(seen(&out)[1].1, [1, 0, UNLABELLED]);
    let metadata = Store::open(&out, Access::Map).unwrap().metadata().clone();
    assert!(matches!(metadata.normalisation, Some(Preparation::Table(_))));
    exported(&source, ExportPart::Test, &folder.path("out.csv"));
    let text = fs::read_to_string(folder.path("out.csv")).unwrap();
    assert_eq!(text, "a,b,label\n5,violet,y\n,red,x\n7,blue,\n");
    folder.put("halves/test.csv", b"label,b,c\ny,violet,5\nx,red,\n");
    let source = undivided(&folder.path("halves"), &options);
    let error =
        pack(&source, &folder.path("other.narrows"), &mut |_, _| {}).unwrap_err().to_string();
    assert!(error.contains("\"c\" is in the test rows alone"), "{error}");
}

#[test]
fn what_was_inspected_is_what_is_there() {
    let folder = Folder::new();
    let path = folder.put("table.csv", TABLE.as_bytes());
    let source = undivided(&path, &OpenOptions::default());
    let found = inspect(&source, &path, &mut |_, _| {}).unwrap();
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!((found.train, found.test, found.unlabelled), (5, None, 1));
    assert_eq!(found.bytes, TABLE.len() as u64);
    let age = &json["columns"][0];
    assert_eq!(
        (&age["min"], &age["max"], &age["missing"]),
        (&(-3.0).into(), &41.0.into(), &1.into())
    );
    assert_eq!(age["mean"], (30.0 + 41.0 + f64::from(1e-7_f32) - 3.0) / 4.0);
    assert_eq!(json["columns"][1]["categories"][0], serde_json::json!(["blue", 2]));
    assert_eq!(json["columns"][1]["missing"], 1);
    assert_eq!(
        json["labels"]["classes"][1],
        serde_json::json!({ "name": "yes", "train": 2, "test": 0 })
    );
    let source = undivided(&vector("floats.npy"), &OpenOptions::default());
    let values = inspect(&source, &vector("floats.npy"), &mut |_, _| {}).unwrap().values.unwrap();
    assert_eq!(
        (values.count, values.min, values.max),
        (12, f64::from(-1e20_f32), f64::from(f32::MAX))
    );
}

/// A store of which a bit tipped is not packed, exported or read as if nothing had happened, and no
/// file is left of it.
#[test]
fn damage_is_noticed_wherever_a_store_is_read() {
    let folder = Folder::new();
    let options = with_labels(&folder.put("labels", &idx(&[6], &[1, 0, 1, 0, 1, 1])));
    let source = undivided(&folder.put("images", &idx(&[6, 4, 5], &noise(120, 1))), &options);
    let sound = folder.path("sound.narrows");
    packed(&source, &sound);
    let bytes = fs::read(&sound).unwrap();
    let before = [&folder.names()[..], &["damaged.narrows".to_owned()]].concat();
    // A value in the middle, and the second label.
    for at in [4096 + 60, 4096 + 128 + 2] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let path = folder.put("damaged.narrows", &damaged);
        let data = undivided(&path, &OpenOptions::default());
        let out = folder.path("out.narrows");
        let said = [
            pack(&data, &out, &mut |_, _| {}).unwrap_err(),
            export(&data, ExportPart::All, &folder.path("out.npy"), &mut |_, _| {}).unwrap_err(),
            export(&data, ExportPart::All, &folder.path("out.npz"), &mut |_, _| {}).unwrap_err(),
            export(&data, ExportPart::All, &folder.path("out.csv"), &mut |_, _| {}).unwrap_err(),
            export(&data, ExportPart::All, &folder.path("out.idx"), &mut |_, _| {}).unwrap_err(),
            export(&data, ExportPart::All, &folder.path("out.safetensors"), &mut |_, _| {})
                .unwrap_err(),
            read_all(&data, &mut |_, _| {}).unwrap_err(),
            inspect(&data, &path, &mut |_, _| {}).unwrap_err(),
            verify(&path, &mut |_, _| {}).unwrap_err(),
        ];
        for error in said {
            let said = error.to_string();
            assert!(said.contains("damaged.narrows: is damaged: samples 0 to 5"), "{said}");
        }
        let mut after = folder.names();
        after.sort_by_key(|name| before.iter().position(|other| other == name));
        assert_eq!(after, before);
    }
}

#[test]
fn what_a_format_cannot_hold_is_refused() {
    let folder = Folder::new();
    let floats = undivided(&vector("floats.npy"), &OpenOptions::default());
    for (name, part, says) in [
        ("out.idx", ExportPart::All, "out.idx: cannot hold floats"),
        ("out.npy", ExportPart::Test, "\"floats.npy\": does not say what is for the test"),
        ("out.txt", ExportPart::All, "out.txt: says by its ending nothing"),
        ("out", ExportPart::All, "out: says by its ending nothing"),
        ("missing/out.npy", ExportPart::All, "missing/out.npy: cannot be written"),
    ] {
        let error =
            export(&floats, part, &folder.path(name), &mut |_, _| {}).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let both = undivided(&folder.put("a.csv", b"label,y\n1,a\n2,b\n"), &{
        let mut options =
            OpenOptions { cache: Some(folder.path("cache")), ..OpenOptions::default() };
        options.table.label = narrows_datasets::LabelColumn::Absent;
        options
    });
    exported(&both, ExportPart::All, &folder.path("fine.csv"));
    assert_eq!(fs::read_to_string(folder.path("fine.csv")).unwrap(), "label,y\n1,a\n2,b\n");
    assert_eq!(folder.names(), ["a.csv", "cache", "fine.csv"]);
}

/// By NumPy, PyTorch, safetensors and pandas, where Python has them: `NARROWS_PYTHON`, or
/// `python3`.
#[test]
fn python_reads_what_is_exported() {
    let folder = Folder::new();
    let labels = |rows: std::ops::Range<i32>| -> Vec<u8> {
        rows.flat_map(|row| (if row % 10 == 9 { -1 } else { row % 3 }).to_be_bytes()).collect()
    };
    let images: Vec<u8> = (0..30 * 60).map(|i| (i * 7 % 256) as u8).collect();
    // Integers of 32 bits, which can say -1.
    let put = |name: &str, rows: std::ops::Range<i32>, bytes: &[u8]| {
        let count = rows.len() as u32;
        let mut of_labels = idx(&[count], &labels(rows));
        of_labels[2] = 0x0c;
        let options = with_labels(&folder.put("labels", &of_labels));
        let data = undivided(&folder.put(name, &idx(&[count, 4, 5, 3], bytes)), &options);
        packed(&data, &folder.path(&format!("{name}.narrows"))).1
    };
    let all = put("all", 0..30, &images);
    put("train", 0..20, &images[..20 * 60]);
    put("test", 20..30, &images[20 * 60..]);
    for half in ["train", "test"] {
        fs::create_dir_all(folder.path("halves")).unwrap();
        let name = format!("{half}.narrows");
        fs::rename(folder.path(&name), folder.path("halves").join(&name)).unwrap();
    }
    let halves = undivided(&folder.path("halves"), &OpenOptions::default());
    let mut floats = idx(&[30, 4], &[]);
    floats[2] = 0x0d;
    floats.extend((0..120).flat_map(|i| (i as f32 / 7.0).to_be_bytes()));
    let floats = undivided(&folder.put("floats", &floats), &OpenOptions::default());
    let table = b"age,\"eyes, colour\",class\n30,blue,yes\n,\"a \"\"brown\"\"\",\n0.1,,no\n";
    let table = undivided(&folder.put("source.csv", table), &OpenOptions::default());
    for (data, name) in [
        (&all, "images.npy"),
        (&all, "images.idx"),
        (&floats, "floats.npy"),
        (&floats, "floats.safetensors"),
        (&halves, "halves.npz"),
        (&halves, "halves.safetensors"),
        (&table, "table.csv"),
    ] {
        exported(data, ExportPart::All, &folder.path(name));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/read_array_exports.py");
    let python = std::env::var_os("NARROWS_PYTHON").unwrap_or_else(|| "python3".into());
    // Not by a macro: what a test that passes prints by those is not shown.
    let say = |text: &str| _ = writeln!(std::io::stderr(), "{text}");
    match Command::new(&python).arg(script).arg(folder.0.path()).output() {
        Err(error) => say(&format!(
            "SKIPPED: {} cannot be run ({error}): what it reads is NOT CHECKED",
            python.display()
        )),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            said.lines().filter(|line| line.starts_with("SKIPPED")).for_each(say);
            let code = output.status.code();
            assert!(
                matches!(code, Some(0 | 77)),
                "{code:?}\n{said}{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}
