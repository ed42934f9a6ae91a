//! Data that decompress to a gigabyte.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder};

use crate::Table;
use crate::made_files::{Member, gzip, idx, npy, zip};

/// A bomb repeats what this many bytes are compressed to, so that it is made quickly.
const PIECE: usize = 16 << 20;
const PIECES: usize = 64;

/// `start` and a gigabyte of `filler`: gzip data of several members, which count as one.
fn gzip_bomb(start: &[u8], filler: u8) -> Vec<u8> {
    [gzip(start), gzip(&vec![filler; PIECE]).repeat(PIECES)].concat()
}

/// A frame of `start` and a gigabyte of `filler`: blocks of 128 KiB, each of which is one byte.
#[cfg(feature = "parquet")]
fn zstd_bomb(start: &[u8], filler: u8) -> Vec<u8> {
    // Its window is of 1 MiB. A block's header has its length, its kind, and the mark of the last.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x50, (start.len() as u8) << 3, 0, 0];
    frame.extend(start);
    let block = |last: u8| [2 | last, 0, 0x10, filler];
    frame.extend(block(0).repeat(PIECES * PIECE / (128 << 10)));
    frame.extend(block(1));
    frame
}

/// A member of `start` and a gigabyte of zeros, whose checksum is wrong.
fn deflate_bomb(start: &[u8]) -> Member {
    // Flushed, but not ended, so that more may follow.
    let deflated = |bytes: &[u8]| {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.flush().unwrap();
        encoder.get_ref().clone()
    };
    let end = [3, 0];
    let data = [&deflated(start)[..], &deflated(&vec![0; PIECE]).repeat(PIECES), &end].concat();
    let length = (start.len() + PIECES * PIECE) as u32;
    Member { method: 8, crc: 1, length, data, ..Member::stored("x.npy", &[]) }
}

pub fn bombs(table: &mut Table) {
    table.bomb("zeros.gz", &gzip_bomb(&[], 0), "is none of");
    let start = [&b"a,b\n"[..], &b"1,2\n".repeat(2000)].concat();
    table.bomb("zeros.csv.gz", &gzip_bomb(&start, 0), "line 2002");
    table.bomb("one-cell.csv.gz", &gzip_bomb(b"a,b\n1,", b'7'), "more than 4 MB");
    table.bomb("commas.csv.gz", &gzip_bomb(b"a,b\n1", b','), "more than 65536 values");
    table.bomb("header.csv.gz", &gzip_bomb(b"", b'x'), "more than 4 MB");
    table.bomb("breaks.csv.gz", &gzip_bomb(b"a,b\n", b'\n'), "has no rows");
    table.bomb("line.jsonl.gz", &gzip_bomb(b"{\"a\":1}\n{", b' '), "line 2 has more than 4 MB");
    table.bomb("row.json.gz", &gzip_bomb(b"[{\"a\":1},{", b' '), "row 2 has more than 4 MB");
    table.bomb("open.json.gz", &gzip_bomb(b"[{\"a\":", b'['), "row 1 has more than 4 MB");
    #[cfg(feature = "parquet")]
    table.bomb("one-cell.csv.zst", &zstd_bomb(b"a,b\n1,", b'7'), "more than 4 MB");
    #[cfg(feature = "parquet")]
    table.bomb("line.jsonl.zst", &zstd_bomb(b"{\"a\":1}\n{", b' '), "line 2 has more than 4 MB");
    table.bomb("lies.idx.gz", &gzip_bomb(&idx(8, &[5, 6], &[]), 0), "it decompresses to more");
    // What the header promises is there, but the checksum is wrong, or the end is missing.
    let mut honest = gzip_bomb(&idx(8, &[1 << 20, 1 << 10], &[]), 0);
    let at = honest.len() - 8;
    honest[at] ^= 1;
    table.bomb("honest.idx.gz", &honest, "is damaged");
    table.bomb("honest-cut.idx.gz", &honest[..at - 1000], "is cut off");

    let honest = deflate_bomb(&npy("|u1", "(1048576, 1024)", &[]));
    table.bomb("honest.npz", &zip(&[honest]), "checksum (CRC-32) differs");
    let fortran = "{'descr': '|u1', 'fortran_order': True, 'shape': (1048576, 1024)}";
    let fortran = deflate_bomb(&crate::made_files::npy_text(fortran, &[]));
    table.bomb("fortran.npz", &zip(&[fortran]), "checksum (CRC-32) differs");
    let lies = deflate_bomb(&npy("|u1", "(4, 6)", &[]));
    table.bomb("lies.npz", &zip(std::slice::from_ref(&lies)), "but its zip entry has");
    let length = npy("|u1", "(4, 6)", &[0; 24]).len() as u32;
    table.bomb("lies-twice.npz", &zip(&[Member { length, ..lies }]), "it decompresses to more");
}
