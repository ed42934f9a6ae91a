//! Data through a pipe, and texts of the table beside its predictions.

use crate::program::Place;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Rows whose class follows the size, with quoted names of several lines.
fn table(rows: usize) -> String {
    let row = |at: usize| {
        let name = if at % 5 == 3 { format!("\"K, {at}\"") } else { format!("0{at}") };
        format!("{name},{},{}\n", 20 * (at % 2) + at % 7, ["a", "b"][at % 2])
    };
    format!("name,size,kind\n{}", (0..rows).map(row).collect::<String>())
}

fn trained(rows: usize) -> Place {
    let place = Place::new();
    fs::write(place.path("t.csv"), table(rows)).unwrap();
    place.succeed(
        "train --method scratch t.csv --target kind --ignore name --labels 30 --validation 10 \
         --widths 8 --latent 2 --epochs 2 --out run --quiet",
    );
    place
}

/// What `narrows` says with `args` when `input` comes through standard input.
fn piped(place: &Place, args: &[&str], input: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_narrows"))
        .args(args)
        .current_dir(place.path(""))
        .env("TMPDIR", place.path("temporary"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
    (ended.status.code(), String::from_utf8(ended.stdout).unwrap())
}

#[test]
fn a_table_may_come_through_standard_input() {
    let place = trained(60);
    let expected = place.succeed("predict run t.csv").out;
    fs::create_dir(place.path("temporary")).unwrap();
    let names = if cfg!(unix) { &["-", "/dev/stdin"][..] } else { &["-"] };
    for name in names {
        let (code, out) = piped(&place, &["predict", "run", name], &table(60));
        assert_eq!((code, &out), (Some(0), &expected), "{name}");
    }
    let left = fs::read_dir(place.path("temporary")).unwrap().count();
    assert_eq!(left, 0, "nothing is left in the folder of temporary files");
}

#[test]
fn predictions_carry_a_column_of_the_table() {
    let place = trained(3000);
    let said = place.succeed("predict run t.csv --id name");
    let mut lines = said.out.lines();
    assert_eq!(lines.next(), Some("row,name,class,probability"));
    let names = table(3000);
    let names = names.lines().skip(1).map(|line| {
        let end = line.rfind(',').and_then(|end| line[..end].rfind(',')).unwrap();
        line[..end].to_owned()
    });
    let mut count = 0;
    for (row, (line, name)) in lines.zip(names).enumerate() {
        assert!(line.starts_with(&format!("{row},{name},")), "{line}");
        count += 1;
    }
    assert_eq!(count, 3000);
    // A column that the model learnt from, and some of the rows, which keep their numbers.
    let said = place.succeed("predict run t.csv --target kind --part test --id size");
    for line in said.out.lines().skip(1) {
        let cells: Vec<usize> = line.split(',').take(2).map(|cell| cell.parse().unwrap()).collect();
        assert_eq!(cells[1], 20 * (cells[0] % 2) + cells[0] % 7, "{line}");
    }
    let said = place.refuse("predict run t.csv --id nam");
    assert!(said.err.contains("has no column \"nam\" to read: "), "{}", said.err);
    assert!(said.err.trim_end().ends_with(": choose by --id"), "{}", said.err);
    place.succeed("data convert t.csv t.narrows --ignore name");
    let said = place.refuse("predict run t.narrows --id name");
    assert!(said.err.contains("are not kept in it: name the table itself"), "{}", said.err);
}
