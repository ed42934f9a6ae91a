//! Runs the binary in a folder of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A training so small that it takes a moment.
pub const TINY: [&str; 12] = [
    "--pretrain-epochs",
    "3",
    "--widths",
    "24",
    "--latent",
    "6",
    "--draws",
    "2",
    "--finetune-epochs",
    "4",
    "--finetune-lr",
    "1e-3,3e-3",
];

/// A folder to run in, removed at the end.
pub struct Place(TempDir);

/// What a run of the binary said.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Runs `narrows` with the arguments that `line` holds, separated by spaces; a tilde is a space
    /// within one.
    pub fn run(&self, line: &str) -> Said {
        let args: Vec<String> = line.split(' ').map(|arg| arg.replace('~', " ")).collect();
        self.run_with(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub fn run_with(&self, args: &[&str]) -> Said {
        let program = env!("CARGO_BIN_EXE_narrows");
        let Output { status, stdout, stderr } =
            Command::new(program).args(args).current_dir(self.0.path()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// As [`Place::run`], and it has to go well.
    pub fn succeed(&self, line: &str) -> Said {
        let said = self.run(line);
        assert_eq!(said.code, Some(0), "narrows {line}\n{}", said.err);
        said
    }

    /// As [`Place::run`], and it has to end with an error of one line.
    pub fn refuse(&self, line: &str) -> Said {
        let said = self.run(line);
        let lines = said.err.matches('\n').count();
        assert_eq!((said.code, lines), (Some(2), 1), "narrows {line}\n{}", said.err);
        said
    }

    /// Everything that lies here, by path.
    pub fn listing(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(self.0.path(), &mut found);
        found.sort();
        found
    }
}

fn list(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.display().to_string());
        if path.is_dir() {
            list(&path, found);
        }
    }
}

/// A semi-supervised method of a comparison on a tiny scale.
pub const TINY_SEMI: &str = "--semi-epochs 1 --semi-widths 8 --semi-latent 4";

/// `narrows compare` on a tiny scale, with `rest`.
pub fn tiny_compare(rest: &str) -> String {
    // Without a list of methods there is a semi-supervised one.
    let rest = match rest.contains("--methods") {
        true => rest.to_string(),
        false => format!("{TINY_SEMI} {rest}"),
    };
    format!("compare {} {rest}", TINY.join(" "))
}

/// An IDX file of bytes.
pub fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// Writes an MNIST-style folder of images of 3x2 in `classes` classes, `each` of each class in
/// either half.
pub fn put_folder(dir: &Path, classes: u8, each: usize) {
    std::fs::create_dir_all(dir).unwrap();
    let n = usize::from(classes) * each;
    let labels: Vec<u8> = (0..n).map(|i| (i % usize::from(classes)) as u8).collect();
    let images: Vec<u8> = (0..n * 6).map(|i| (i * 37 % 251) as u8).collect();
    for half in ["train", "t10k"] {
        std::fs::write(
            dir.join(format!("{half}-images-idx3-ubyte")),
            idx(&[n as u32, 3, 2], &images),
        )
        .unwrap();
        std::fs::write(dir.join(format!("{half}-labels-idx1-ubyte")), idx(&[n as u32], &labels))
            .unwrap();
    }
}

/// A program that is running.
pub fn start(place: &Place, line: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_narrows"))
        .args(line.split_whitespace())
        .current_dir(place.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The end of a program, with its exit code.
pub fn end(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a script of `tests/python`, with `NARROWS_PYTHON` or `python3`: what it prints. Where that
/// lacks a package, it says so, and that `what` is not run.
pub fn python(place: &Place, script: &str, arguments: &[&str], what: &str) -> Option<String> {
    let python = std::env::var_os("NARROWS_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let mut command = Command::new(&python);
    let why = match command.arg(script).args(arguments).current_dir(place.path("")).output() {
        Err(error) => error.to_string(),
        Ok(output) if output.status.code() == Some(3) => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            return Some(String::from_utf8(output.stdout).unwrap());
        }
    };
    // Not by a macro: what a test that passes prints by those is not shown.
    let line = format!("SKIPPED: {}: {why}: {what}: NOT RUN", python.display());
    let _ = writeln!(std::io::stderr(), "{line}");
    None
}
