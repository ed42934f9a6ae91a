//! IDX, NumPy and safetensors files, and files of labels.

use std::fs;

use narrows_datasets::OpenOptions;

use crate::made_files::{Member, f32s, gzip, idx, npy, npy_text, safetensors, zip};
use crate::{Table, noise};

pub fn idx_files(table: &mut Table) {
    let images = idx(8, &[5, 2, 3], &[1; 30]);
    for element in [0, 7, 0x0a, 0x0f, 0xff] {
        table.file(
            &format!("type-{element}.idx"),
            &idx(element, &[5, 2, 3], &[1; 30]),
            "is none of",
        );
    }
    table.file("rank-0.idx", &idx(8, &[], &[1; 30]), "is none of");
    table.file("rank-9.idx", &idx(8, &[1; 9], &[1]), "is none of");
    table.file("rank-5.idx", &idx(8, &[5, 2, 3, 1, 1], &[1; 30]), "has 5 dimensions");
    table.file("header.idx", &images[..9], "ends after 9 bytes, within its header");
    table.file("magic.idx", &[&[0, 1], &images[2..]].concat(), "is none of");
    for (element, size) in [(8, 1), (9, 1), (0x0b, 2), (0x0c, 4), (0x0d, 4), (0x0e, 8)] {
        let name = |what: &str| format!("{what}-{element}.idx");
        let values = vec![0; 6 * size];
        table.file(&name("short"), &idx(element, &[7], &values), "but the file has");
        table.file(&name("long"), &idx(element, &[5], &values), "but the file has");
        table.file(&name("none"), &idx(element, &[0, 6], &[]), "holds nothing");
        table.file(
            &name("huge"),
            &idx(element, &[u32::MAX; 3], &values),
            "more than memory can address",
        );
        table.file(
            &name("large.gz"),
            &gzip(&idx(element, &[1 << 24, 6], &values)),
            "cannot hold that many",
        );
        table.file(&name("cut.gz"), &gzip(&idx(element, &[7], &values)), "it decompresses to");
    }
    let not_finite = [0x3f, 0x80, 0, 0, 0x7f, 0xc0, 0, 0].repeat(4);
    table.file("nan.idx", &idx(0x0d, &[4, 2], &not_finite), "holds NaN at its value 1");
    let whole = gzip(&images);
    table.file("cut.idx.gz", &whole[..whole.len() - 9], "is cut off");
    let mut damaged = whole.clone();
    let crc_at = damaged.len() - 8;
    damaged[crc_at] ^= 1;
    table.file("checksum.idx.gz", &damaged, "is damaged");
    table.file("trailing.idx.gz", &[&whole[..], b"!"].concat(), "download it again");
}

pub fn npy_files(table: &mut Table) {
    let entries = |text: &str| npy_text(text, &[0; 32]);
    table.file(
        "array.npy",
        &entries("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2)"),
        "it ends where",
    );
    table.file("garbage.npy", &entries("import os"), "damaged header");
    table.file("no-text.npy", &npy_text("", &[]), "damaged header");
    table.file(
        "key.npy",
        &entries("{'descr': '<f4', 'order': False, 'shape': (8,)}"),
        "the unknown key",
    );
    table.file("lacks.npy", &entries("{'descr': '<f4', 'shape': (8,)}"), "lacks one of the keys");
    table.file(
        "twice.npy",
        &entries("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (8,)}"),
        "twice",
    );
    table.file(
        "after.npy",
        &entries("{'descr': '<f4', 'fortran_order': False, 'shape': (8,)} + 1"),
        "goes on with",
    );
    table.file(
        "truth.npy",
        &entries("{'descr': '<f4', 'fortran_order': 1, 'shape': (8,)}"),
        "damaged header",
    );
    for (name, shape, says) in [
        ("negative", "(-8,)", "damaged header"),
        ("fraction", "(8.0,)", "damaged header"),
        ("sum", "(4+4,)", "damaged header"),
        ("huge", "(99999999999999999999999,)", "damaged header"),
        ("large", "(4294967296, 4294967296)", "more than memory can address"),
        ("many", "(4294967296, 2)", "but the file has"),
        ("none", "(0, 2)", "holds nothing"),
        ("scalar", "()", "a single number"),
        ("rank", "(2, 2, 2, 1, 1)", "has 5 dimensions"),
        ("deep", "(1, 1, 1, 1, 1, 1, 1, 1, 8)", "9-dimensional"),
        ("less", "(4,)", "but the file has"),
        ("more", "(9,)", "but the file has"),
    ] {
        table.file(&format!("{name}.npy"), &npy("<f4", shape, &[0; 32]), says);
    }
    for (name, descr, says) in [
        ("objects", "|O", "never unpickled"),
        ("texts", "<U8", "holds texts"),
        ("bytes", "|S4", "holds texts"),
        ("complex", "<c8", "complex"),
        ("times", "<M8[ns]", "times"),
        ("long-double", "<f16", "no type of numbers"),
        ("void", "|V4", "no type of numbers"),
        ("native", "=f4", "no type of numbers"),
        ("no-order", "|f4", "no type of numbers"),
        ("no-type", "", "no type of numbers"),
    ] {
        table.file(&format!("{name}.npy"), &npy(descr, "(8,)", &[0; 32]), says);
    }
    let fields = "{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (4,)}";
    table.file("records.npy", &entries(fields), "records of several fields");
    for (major, minor) in [(0, 0), (1, 1), (4, 0), (255, 255)] {
        let mut bytes = npy("<f4", "(8,)", &[0; 32]);
        (bytes[6], bytes[7]) = (major, minor);
        table.file(
            &format!("version-{major}.{minor}.npy"),
            &bytes,
            &format!("version {major}.{minor}"),
        );
    }
    let long = [&b"\x93NUMPY\x02\x00"[..], &u32::MAX.to_le_bytes(), b"{}"].concat();
    table.file("long.npy", &long, "has a header of 4294967295 bytes");
    table.file(
        "not-truth.npy",
        &npy("|b1", "(4, 2)", &[0, 1, 0, 1, 2, 0, 0, 0]),
        "truth value 4 is 2",
    );
    let infinite = f32s(&[0.0, 1.0, 2.0, f32::INFINITY]);
    table.file("infinite.npy", &npy("<f4", "(4, 1)", &infinite), "sample 3 holds inf");
    table.file(
        "beyond.npy",
        &npy("<f8", "(2, 1)", &[1e300_f64, 0.0].map(f64::to_le_bytes).concat()),
        "holds inf",
    );

    // 2^32 rows that are there, as holes.
    let path = table.folder().join("rows.npy");
    fs::write(&path, npy("|u1", "(4294967296, 1)", &[])).unwrap();
    let length = fs::metadata(&path).unwrap().len() + (1 << 32);
    fs::File::options().write(true).open(&path).unwrap().set_len(length).unwrap();
    table.opened(&path, "rows.npy", &OpenOptions::default(), "4294967296");
}

pub fn npz_files(table: &mut Table) {
    let floats = npy("<f4", "(4, 2)", &f32s(&[1.0; 8]));
    let labels = npy("|u1", "(4,)", &[0, 1, 0, 1]);
    let one = |member: Member| zip(&[member]);
    table.file("empty.npz", &zip(&[]), "holds no arrays");
    table.file("other.npz", &one(Member::stored("readme.txt", b"hello")), "holds no arrays");
    table.file("no-zip.npz", b"PK\x03\x04 and no more", "no zip file");
    table.file("labels.npz", &one(Member::stored("y.npy", &labels)), "no samples are found");
    let two = |a, b| zip(&[Member::stored(a, &floats), Member::stored(b, &floats)]);
    table.file("ambiguous.npz", &two("x.npy", "data.npy"), "could both be meant");
    table.file("unknown.npz", &two("a.npy", "b.npy"), "no samples are found among its arrays");
    table.file("twice.npz", &two("x.npy", "x.npy"), "two arrays of the name");
    table.file("halves.npz", &two("x.npy", "x_train.npy"), "halves as well as undivided");
    table.file(
        "test-only.npz",
        &two("x_test.npy", "x_valid.npy"),
        "no samples of the training half",
    );
    let good = Member::stored("x.npy", &floats);
    table.file("locked.npz", &one(Member { flags: 1, ..good.clone() }), "is encrypted");
    table.file(
        "method.npz",
        &one(Member { method: 12, ..good.clone() }),
        "compressed by method 12",
    );
    table.file(
        "checksum.npz",
        &one(Member { crc: 1, ..good.clone() }),
        "checksum (CRC-32) differs",
    );
    let deflated = Member::deflated("x.npy", &floats);
    table.file(
        "checksum-2.npz",
        &one(Member { crc: 1, ..deflated.clone() }),
        "checksum (CRC-32) differs",
    );
    table.file("length.npz", &one(Member { length: 7, ..good.clone() }), "its zip entry says 7");
    table.file(
        "length-2.npz",
        &one(Member { length: u32::MAX, ..deflated.clone() }),
        "its zip entry has 4294967295",
    );
    let mut cut = deflated.clone();
    cut.data.truncate(20);
    table.file("cut.npz", &one(cut), "download it again");
    let noise = Member { data: noise(40), ..deflated };
    table.file("deflate.npz", &one(noise), "array \"x\"");
    table.file(
        "pickle.npz",
        &one(Member::stored("x.npy", &npy("|O", "(1,)", b"\x80\x04."))),
        "never unpickled",
    );
    table.file("member.npz", &one(Member::stored("x.npy", b"no array")), "not NumPy's .npy data");
    let labelled = |labels: &[u8]| zip(&[good.clone(), Member::stored("y.npy", labels)]);
    table.file(
        "count.npz",
        &labelled(&npy("|u1", "(3,)", &[0, 1, 0])),
        "holds 3 labels for 4 samples",
    );
    table.file("one-hot.npz", &labelled(&npy("|u1", "(4, 2)", &[0; 8])), "argmax");
    let halves = zip(&[
        Member::stored("x_train.npy", &floats),
        Member::stored("y_train.npy", &labels),
        Member::stored("x_test.npy", &floats),
        Member::stored("y_test.npy", &npy("|u1", "(3,)", &[0, 1, 7])),
    ]);
    table.file("test.npz", &halves, "holds 3 labels for 4 samples");
    let halves = zip(&[
        Member::stored("x_train.npy", &floats),
        Member::stored("x_val.npy", &npy("<f4", "(4, 3)", &f32s(&[1.0; 12]))),
    ]);
    table.file("validation.npz", &halves, "do not belong together");
    let other = npy("<f4", "(4, 3)", &f32s(&[1.0; 12]));
    let shapes =
        zip(&[Member::stored("x_train.npy", &floats), Member::stored("x_test.npy", &other)]);
    table.file("shapes.npz", &shapes, "do not belong together");
}

pub fn safetensors_files(table: &mut Table) {
    let entry = |name: &str, dtype: &str, shape: &str, offsets: &str| {
        format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{offsets}}}")
    };
    let file = |entries: &[String], values: usize| {
        safetensors(&format!("{{{}}}", entries.join(",")), &vec![0; values])
    };
    let x = |dtype, shape, offsets| file(&[entry("x", dtype, shape, offsets)], 16);
    for (name, bytes, says) in [
        ("json", safetensors("{\"x\": }", &[0; 16]), "damaged header"),
        ("braces", safetensors(&"{\"x\":".repeat(10_000), &[]), "damaged header"),
        ("cut", safetensors("{", &[]), ""),
        ("no-arrays", file(&[], 0), ""),
        ("type", x("F4", "[4]", "[0,16]"), "of the type \"F4\""),
        ("shape", x("F32", "[5]", "[0,16]"), "the file has 16 for it"),
        ("negative", x("F32", "[-4]", "[0,16]"), "damaged header"),
        ("fraction", x("F32", "[4.0]", "[0,16]"), "damaged header"),
        ("huge", x("F32", "[18446744073709551615,4]", "[0,16]"), "more than memory can address"),
        ("none", x("F32", "[0]", "[0,16]"), "holds nothing"),
        ("backwards", x("F32", "[4]", "[16,0]"), "the file is damaged"),
        ("beyond", x("F32", "[8]", "[0,32]"), "the file is damaged"),
        ("gap", x("F32", "[3]", "[4,16]"), "the file is damaged"),
        ("rest", x("F32", "[3]", "[0,12]"), "where its arrays are 12"),
        ("scalar", x("F32", "[]", "[0,4]"), "where its arrays are 4"),
        (
            "overlap",
            file(&[entry("x", "F32", "[3]", "[0,12]"), entry("y", "U8", "[8]", "[8,16]")], 16),
            "the file is damaged",
        ),
        (
            "twice",
            file(&[entry("x", "F32", "[2]", "[0,8]"), entry("x", "F32", "[2]", "[8,16]")], 16),
            "two arrays of the name",
        ),
        (
            "float-labels",
            [
                &safetensors(
                    &format!(
                        "{{{},{}}}",
                        entry("x", "U8", "[2]", "[0,2]"),
                        entry("y", "F32", "[2]", "[2,10]")
                    ),
                    &[0; 2],
                )[..],
                &f32s(&[0.0, 0.5]),
            ]
            .concat(),
            "row 1 has the label 0.5",
        ),
    ] {
        table.file(&format!("{name}.safetensors"), &bytes, says);
    }
    let long = |length: u64| [&length.to_le_bytes()[..], b"{\"x\":1}"].concat();
    table.file("long.safetensors", &long(8), "");
    table.file("longer.safetensors", &long(u64::MAX), "not UTF-8");
}

pub fn side_labels(table: &mut Table) {
    table.labels("count.idx", &idx(8, &[3], &[0, 1, 0]), "holds 3 labels for 4 samples");
    table.labels("texts.npy", &npy("<U1", "(4,)", &[0; 16]), "holds texts");
    table.labels("text.txt", b"0\n1\n0\n1\n", "is no array of labels");
    table.labels("empty.npy", b"", "is no array of labels");
    table.labels("negative.idx", &idx(9, &[4], &[0, 1, 0xfe, 1]), "row 2 has the label -2");
    table.labels("shape.npy", &npy("|u1", "(4, 2)", &[0; 8]), "argmax");
    table.labels(
        "fraction.npy",
        &npy("<f4", "(4,)", &f32s(&[0.0, 1.0, 1.5, 0.0])),
        "row 2 has the label 1.5",
    );
    table.labels(
        "infinite.npy",
        &npy("<f4", "(4,)", &f32s(&[0.0, 1.0, 1.0, f32::INFINITY])),
        "row 3",
    );
    table.labels("cut.idx", &idx(8, &[4], &[0, 1]), "but the file has");
    let folder = table.folder();
    fs::write(folder.join("samples.npy"), npy("|u1", "(70000,)", &[0; 70_000])).unwrap();
    let many: Vec<u8> = (0..70_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(folder.join("many.npy"), npy("<u4", "(70000,)", &many)).unwrap();
    let options = OpenOptions { labels: Some(folder.join("many.npy")), ..OpenOptions::default() };
    table.opened(&folder.join("samples.npy"), "many.npy", &options, "more than 65535 classes");
    let options = OpenOptions { labels: Some(folder.join("missing")), ..OpenOptions::default() };
    table.opened(&folder.join("samples.npy"), "missing", &options, "check the path");
    let options = OpenOptions { labels: Some(folder.clone()), ..OpenOptions::default() };
    table.opened(
        &folder.join("samples.npy"),
        folder.file_name().unwrap().to_str().unwrap(),
        &options,
        "",
    );
    let folder = table.folder();
    fs::write(folder.join("samples.idx"), idx(8, &[4, 2], b"abcdefgh")).unwrap();
    fs::write(folder.join("each-alone.idx"), idx(8, &[4], &[0, 1, 2, 3])).unwrap();
    let options =
        OpenOptions { labels: Some(folder.join("each-alone.idx")), ..OpenOptions::default() };
    table.opened(&folder.join("samples.idx"), "samples.idx", &options, "no class has two of them");
}
