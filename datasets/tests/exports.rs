//! Data packed and exported again: the same bytes that NumPy and others write, or that were there
//! at first.

mod python;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use crate::image_files::{noise, put, rgb_png};
use crate::made_files::{idx, names_in};
use narrows_datasets::{
    ExportPart, Exported, OpenOptions, Packed, Undivided, examples, export, inspect, open_whole,
    pack, read_all, verify,
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
        names_in(self.0.path())
    }
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
    let images = idx(8, &[6, 4, 5], &noise(120, 1));
    let labels = idx(8, &[6], &[3, 0, 1, 0, 3, 1]);
    let options = with_labels(&folder.put("labels", &labels));
    let source = undivided(&folder.put("images", &images), &options);
    let (_, store) = packed(&source, &folder.path("store.narrows"));
    exported(&store, ExportPart::All, &folder.path("out.idx"));
    assert_eq!(fs::read(folder.path("out.idx")).unwrap(), images);
    assert_eq!(fs::read(folder.path("out-labels.idx")).unwrap(), labels);
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
            idx(8, &[done.rows as u32, 4, 5, 3], &expected)
        );
        assert!(done.names_lost, "cat and dog are no numbers");
    }
    assert_eq!(fs::read(folder.path("out-labels.idx")).unwrap(), idx(8, &[2], &[0, 1]));
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

/// A store of which a bit tipped is not packed, exported or read as if nothing had happened, and no
/// file is left of it.
#[test]
fn damage_is_noticed_wherever_a_store_is_read() {
    let folder = Folder::new();
    let options = with_labels(&folder.put("labels", &idx(8, &[6], &[1, 0, 1, 0, 1, 1])));
    let source = undivided(&folder.put("images", &idx(8, &[6, 4, 5], &noise(120, 1))), &options);
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
        ("out.txt", ExportPart::All, "out.txt: has no known ending"),
        ("out", ExportPart::All, "out: has no known ending"),
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
