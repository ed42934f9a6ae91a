//! Exports as Python reads them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::{Folder, exported, packed, undivided, with_labels};
use crate::made_files::idx;
use narrows_datasets::{ExportPart, OpenOptions};

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
        let mut of_labels = idx(8, &[count], &labels(rows));
        of_labels[2] = 0x0c;
        let options = with_labels(&folder.put("labels", &of_labels));
        let data = undivided(&folder.put(name, &idx(8, &[count, 4, 5, 3], bytes)), &options);
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
    let mut floats = idx(8, &[30, 4], &[]);
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
