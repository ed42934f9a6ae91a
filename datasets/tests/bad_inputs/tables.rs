//! Delimited text, Parquet and Arrow; halves in two files.

use narrows_datasets::{LabelColumn, OpenOptions, TableOptions};

use crate::Table;
use crate::made_files::{gzip, npy};

pub fn delimited_text(table: &mut Table) {
    for (name, text, says) in [
        ("ragged.csv", "a,b\n1,2\n3\n", "line 3 has 1 value, where the header has 2"),
        ("wide.csv", "a,b\n1,2,3\n", "line 2 has 3 values"),
        ("ragged.tsv", "a\tb\n1\t2\n\t\t3\n", "line 3 has 3 values"),
        ("header.csv", "a,b\n", "has no rows"),
        ("blank.csv", "\n\n \n", ""),
        ("twice.csv", "a,b,a\n1,2,3\n", "calls columns 1 and 3 both"),
        ("quote.csv", "a,b\n1,\"2\n3,4\n", "never closed"),
        ("inf.csv", "a,b\n1,2\n3,inf\n5,6\n", "line 3, column \"b\""),
        ("minus-inf.csv", "a,b\n1,2\n-Infinity,4\n", "line 3, column \"a\""),
        ("beyond.csv", "a,b\n1,2\n1e39,4\n", "beyond the range of 32-bit floats"),
        ("missing.csv", "a,b\nNA,NA\n,\n", "has no rows"),
        ("dash.csv", "a,b\n1.5,x\n-,y\n2,x\n", "holds 2 numbers, but also another text \"-\""),
        ("comma.csv", "a,b\n\"0,5\",x\n\"1,5\",y\n", "looks like a number with a decimal comma"),
        ("json.csv", "{\"a\": 1}\n{\"a\": [2]}\n", "line 2, column \"a\": holds an array"),
        ("page.csv", "<!doctype html>\n<html>\n", "holds a web page"),
        ("svm.txt", "1 1:0.5 3:2\n-1 2:1\n", "holds LIBSVM's format"),
        ("one-row.csv", "a,b\n1,2\n", "too few"),
        ("labels.csv", "a,label,class\n1,2,3\n", "may both hold the labels"),
        ("only-label.csv", "label\na\nb\n", "no column left to learn from"),
        ("float-labels.csv", "a,y\n1,0.5\n2,1.25\n", "looks like a target of regression"),
        ("inf-labels.csv", "a,y\n1,1\n2,inf\n", "is not finite, and no class"),
        ("one-each.csv", "a,y\n1,x\n2,z\n", "no class has two of them"),
    ] {
        table.file(name, text.as_bytes(), says);
    }
    table.file("damaged.csv", b"a,b\n1,2\n3,M\xffnchen\n", "line 3");
    table.file("nul.csv", b"a,b\n1,2\n3,\0\n", "is none of");
    let late = [&b"a,b\n"[..], &b"1,2\n".repeat(2000), b"3,\0\n"].concat();
    table.file("late-nul.csv", &late, "line 2002");
    let utf16: Vec<u8> = "\u{feff}a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    table.file("utf-16.csv", &utf16[..utf16.len() - 1], "UTF-16");
    let texts = |count: usize| {
        (0..count).map(|row| format!("{},name {row}\n", row % 9)).collect::<String>()
    };
    let counted: String = (1..=500).map(|row| format!("{row},{}\n", row % 9)).collect();
    table.file("counted.csv", format!("a,b\n{counted}").as_bytes(), "numbers the rows");
    table.file("names.csv", format!("a,b\n{}", texts(500)).as_bytes(), "too many for categories");
    table.file(
        "more-names.csv",
        format!("a,b\n{}", texts(5000)).as_bytes(),
        "more than 1000 different values",
    );
    let classes: String = (0..70_000).map(|row| format!("1,{row}\n")).collect();
    table.file(
        "classes.csv",
        format!("a,y\n{classes}").as_bytes(),
        "more than 65535 different labels",
    );
    let description = "x".repeat(300);
    table.file(
        "description.csv",
        format!("a,b\n1,{description}\n").as_bytes(),
        "too long for a category",
    );
    let columns = vec!["1"; 70_000].join(",");
    table.file("columns.csv", columns.as_bytes(), "more than 65536 values");
    table.file(
        "long.csv",
        format!("a,b\n1,\"{}\n", "x".repeat(5 << 20)).as_bytes(),
        "more than 4 MB",
    );
    let good = b"a,b,label\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n";
    let with = |options: TableOptions| OpenOptions { table: options, ..OpenOptions::default() };
    let default = TableOptions::default;
    let named = |name: &str| LabelColumn::Named(name.to_owned());
    let list = |name: &str| vec![name.to_owned()];
    for (options, says) in [
        (TableOptions { label: named("colour"), ..default() }, "has no column \"colour\""),
        (TableOptions { ignore: list("colour"), ..default() }, "has no column \"colour\""),
        (TableOptions { categorical: list(""), ..default() }, "has no column"),
        (TableOptions { label: named("a"), ignore: list("a"), ..default() }, "and be ignored"),
        (TableOptions { ignore: vec!["a".into(), "b".into()], ..default() }, "no column left"),
    ] {
        table.with("asked.csv", good, &with(options), says);
    }
    let options = OpenOptions { labels: Some("labels.npy".into()), ..OpenOptions::default() };
    table.with("side.csv", good, &options, "whose labels are one of its columns");
    let whole = gzip(&good.repeat(100));
    table.file("cut.csv.gz", &whole[..whole.len() / 2], "is cut off");
    let mut damaged = whole.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    table.file("checksum.csv.gz", &damaged, "");
}

pub fn columnar_files(table: &mut Table) {
    let built_in = cfg!(feature = "parquet");
    let says = |message| if built_in { "" } else { message };
    table.file(
        "table.parquet",
        b"PAR1 and no more PAR1",
        says("is a Parquet file, which this build cannot read"),
    );
    table.file("locked.parquet", b"PARE and no more PARE", says("is an encrypted Parquet file"));
    table.file("table.arrow", b"ARROW1\0\0 and no more", says("is an Arrow file"));
    table.file("stream.arrow", b"\xff\xff\xff\xff\x30\x01\0\0", says("is an Arrow stream"));
}

pub fn halves(table: &mut Table) {
    let train = b"a,y\n1,x\n2,z\n3,x\n4,z\n";
    table.files(&[("train.csv", train)], "has no other half");
    table.files(
        &[("val.csv", b"a,y\n1,x\n2,w\n"), ("train.csv", train), ("test.csv", train)],
        "has the label \"w\", which is none of",
    );
    // Found when the halves are divided, and therefore said of their folder.
    table.whole_folder(
        &[("test.csv", b"b,y\n1,x\n2,x\n"), ("train.csv", train)],
        "has no column \"a\"",
    );
    table.files(&[("test.csv", b"a,y\n"), ("train.csv", train)], "has no rows");
    table.files(&[("test.csv", b""), ("train.csv", train)], "is empty");
    let array = npy("|u1", "(4, 2)", &[0; 8]);
    table.files(
        &[("train.npy", &array), ("train.csv", train), ("test.csv", train)],
        "name one of them",
    );
    table.files(&[("test.npy", &npy("|u1", "(4, 3)", &[0; 12])), ("train.npy", &array)], "");
}
