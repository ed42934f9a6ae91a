//! Tables, packed and exported.

use std::fs;
use std::path::Path;

use super::{Folder, exported, packed, undivided, vector};
use narrows_datasets::{
    Access, ExportPart, OpenOptions, Preparation, Store, UNLABELLED, inspect, open_with,
};

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
    let bytes = undivided(&vector("bytes.npy"), &super::with_labels(&vector("some-labels.npy")));
    exported(&bytes, ExportPart::All, &folder.path("bytes.parquet"));
    let again = undivided(&folder.path("bytes.parquet"), &options);
    let texts = [(&bytes, "a.csv"), (&again, "b.csv")].map(|(data, name)| {
        exported(data, ExportPart::All, &folder.path(name));
        fs::read_to_string(folder.path(name)).unwrap()
    });
    assert_eq!(texts[0], texts[1]);
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
    let error = open_with(&folder.path("halves"), &options, &|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("test.csv: has no column \"a\""), "{error}");
    folder.put("halves/test.csv", b"label,a,b,c\ny,1,violet,5\nx,2,red,\n");
    let opened = open_with(&folder.path("halves"), &options, &|_, _| {}).unwrap();
    assert!(opened.notes.iter().any(|note| note.contains("\"c\" is in")), "{:?}", opened.notes);
}

#[test]
fn categories_of_the_test_alone_are_no_inputs() {
    let folder = Folder::new();
    folder.put("halves/train.csv", b"a,b,label\n1,red,x\n2,blue,y\n3,red,x\n");
    folder.put("halves/test.csv", b"a,b,label\n1,violet,x\n2,green,y\n");
    let path = folder.path("halves");
    let found = inspect(&undivided(&path, &OpenOptions::default()), &path, &mut |_, _| {}).unwrap();
    assert_eq!(found.inputs, 3);
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["columns"][1]["categories"].as_array().unwrap().len(), 4);
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
