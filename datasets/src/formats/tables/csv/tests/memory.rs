//! Text without end, read in little memory.

use std::io::{self, Read, Seek, SeekFrom};
use std::process::Command;

use super::*;
use crate::formats::tables::layout::Layout;

/// Text that is made while it is read.
struct Endless {
    header: &'static [u8],
    row: &'static [u8],
    length: u64,
    at: u64,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = (out.len() as u64).min(self.length - self.at) as usize;
        for byte in &mut out[..count] {
            let at = self.at as usize;
            *byte = match self.header.get(at) {
                Some(&byte) => byte,
                None => self.row[(at - self.header.len()) % self.row.len()],
            };
            self.at += 1;
        }
        Ok(count)
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        assert_eq!(to, SeekFrom::Start(0));
        self.at = 0;
        Ok(0)
    }
}

/// In kB: the largest so far, and now.
#[cfg(target_os = "linux")]
fn resident() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    (field("VmHWM:"), field("VmRSS:"))
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "measures its process: run by the next test in one of its own"]
fn measured_alone() {
    let path = Path::new("t.csv");
    let options = TableOptions::default();
    let (_, before) = resident();

    let (header, row): (&[u8], &[u8]) =
        (b"a,b,c,d,label\n", b"12.5,red,0.001,,7\n-3,blue,1e6,4,8\n");
    let text =
        Endless { header, row, length: (header.len() + 1_500_000 * row.len()) as u64, at: 0 };
    assert!(text.length > 50_000_000);
    let mut table = CsvTable::from_input(Box::new(text), path, &options).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let layout = Layout::infer(&mut table, path, &options, &pool).unwrap();
    assert_eq!((layout.rows, &layout.missing[..]), (3_000_000, &[0, 0, 0, 1_500_000][..]));
    let mut sum = 0.0;
    let packed = layout.pack(&mut table, &pool, &mut |row, label| {
        sum += f64::from(row[0]) * f64::from(label + 1);
        Ok(())
    });
    packed.unwrap();
    assert_eq!(sum, 1_500_000.0 * (12.5 - 3.0 * 2.0));

    // Rows, names and cells without end.
    for (header, row) in
        [("a,b\n1,", "x"), ("y", "y"), ("a,b\n\"", "\n"), ("a,b\n", ","), ("a", ",a")]
    {
        let mut text =
            Endless { header: header.as_bytes(), row: row.as_bytes(), length: 1 << 28, at: 0 };
        let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
        io::copy(&mut text, &mut bomb).unwrap();
        let error = rows(&bomb.finish().unwrap(), &options).unwrap_err().to_string();
        assert!(error.contains("more than"), "{error}");
    }
    let (most, _) = resident();
    // Some parts for each of two threads; the longest row, and its text.
    assert!(most < before + (24 << 10), "{before} kB became {most} kB");
    eprintln!("{before} kB became {most} kB");
}

#[cfg(target_os = "linux")]
#[test]
fn rows_stream_in_little_memory() {
    let this = std::env::current_exe().unwrap();
    let name = "formats::tables::csv::tests::memory::measured_alone";
    let output =
        Command::new(this).args([name, "--exact", "--ignored", "--nocapture"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
