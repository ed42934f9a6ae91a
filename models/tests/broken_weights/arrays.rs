//! Files of no format, safetensors files, and zip files around good or missing members.

use crate::made_files::{Member, f32s, safetensors, zip};
use crate::pickles::{dict, pickle, tensor, torch_zip};
use crate::{Table, vector};

pub fn add(table: &mut Table) {
    let none = "neither a safetensors file nor";
    table.weights("an empty file", b"", "is empty");
    table.weights("text", b"weights, one a line\n1.0\n", none);
    table.weights("zeros", &[0; 1000], none);
    table.weights("HDF5", b"\x89HDF\r\n\x1a\n\0\0\0\0", none);
    table.weights("a web page", b"\n<!DOCTYPE html><html>", "is a web page");
    table.weights("Git LFS", b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull");
    table.weights("a graph", &vector("graph.onnx"), "is an ONNX graph");

    let one = |dtype: &str, shape: &str, end: usize| {
        format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
    };
    let mut file = |case: &str, text: &str, values: &[u8], says: &str| {
        table.weights(case, &safetensors(text, values), says);
    };
    let damaged = "is no safetensors file, or a damaged one";
    let floats = f32s(&[1.0, 2.0]);
    file("no tensors", "{}", b"", "holds no tensor");
    file("a text that is no JSON", "{\"w\":", b"", damaged);
    file("values cut off", &one("F32", "[2]", 8), &floats[..7], damaged);
    file("values too many", &one("F32", "[2]", 8), &[0; 9], damaged);
    file("a shape of other values", &one("F32", "[3]", 8), &floats, damaged);
    file("an unknown dtype", &one("F31", "[2]", 8), &floats, damaged);
    let huge = "[4294967296, 4294967296, 2]";
    file("a shape that overflows", &one("F32", huge, 8), &floats, damaged);
    let dimensions = "[1,1,1,1,1,1,1,1,2]";
    file("nine dimensions", &one("F32", dimensions, 8), &floats, "has 9 dimensions");
    file("integers", &one("I64", "[1]", 8), &[0; 8], "\"w\" is of I64, where floats are expected");
    file("truth", &one("BOOL", "[8]", 8), &[0; 8], "is of BOOL");
    file("bytes", &one("U8", "[8]", 8), &[0; 8], "is of U8");
    let nan = f32s(&[1.0, f32::NAN]);
    file("NaN", &one("F32", "[2]", 8), &nan, "\"w\" has NaN or infinite values");
    file("infinite as f32", &one("F64", "[1]", 8), &1e300_f64.to_le_bytes(), "infinite");
    let long = one("I8", "[8]", 8).replace('w', &"\\n".repeat(5000));
    file("a long name with line breaks", &long, &floats, "is of I8");
    let two = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                  "b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#;
    file("tensors that overlap", two, &floats, damaged);
    let counter = r#"{"a.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}"#;
    file("counters alone", counter, &[0; 8], "holds no tensor");
    let mut promised = safetensors("{}", b"");
    promised[0] = 200;
    table.weights("a header beyond the end", &promised, damaged);

    let good = pickle(&dict(&[("w", tensor("FloatStorage", "0", 2, 0, &[2], &[1]))]));
    let value = f32s(&[1.0, 2.0]);
    let storage = Member::stored("a/data/0", &value);
    let program = Member::stored("a/data.pkl", &good);
    let file = |members: &[Member]| zip(members);
    let not_torch = "is a zip file, but not of torch.save";
    table.weights("an empty zip", b"PK\x05\x06", none);
    table.weights("a zip without a pickle", &file(std::slice::from_ref(&storage)), not_torch);
    let second = Member::stored("b/data.pkl", &good);
    table.weights("two pickles", &file(&[program.clone(), second, storage.clone()]), not_torch);
    let twice = [program.clone(), storage.clone(), storage.clone()];
    table.weights("a member twice", &file(&twice), "two members of the zip file have the name");
    table.weights(
        "no storage",
        &file(std::slice::from_ref(&program)),
        "lacks the storage \"a/data/0\"",
    );
    let big = Member::stored("a/byteorder", b"big");
    let message = "has the byte order \"big\"";
    table.weights("big-endian", &file(&[program.clone(), storage.clone(), big]), message);
    let wrong = Member { crc: 7, ..storage.clone() };
    table.weights("a checksum", &file(&[program.clone(), wrong]), "its checksum differs");
    let encrypted = Member { flags: 1, ..storage.clone() };
    table.weights("encrypted", &file(&[program.clone(), encrypted]), "is an encrypted zip file");
    let method = Member { method: 14, ..storage.clone() };
    table.weights("LZMA", &file(&[program.clone(), method]), "is compressed by method 14");
    let short = Member::stored("a/data/0", &value[..4]);
    let message = "has a storage of 4 bytes, where 2 values are promised";
    table.weights("a short storage", &file(&[program.clone(), short]), message);
    let long = Member::stored("a/data/0", &[0; 12]);
    table.weights("a long storage", &file(&[program.clone(), long]), "has a storage of 12 bytes");
    let bomb = Member::deflated("a/data/0", &vec![0; 64 << 20]);
    let message = "decompresses to more than 16 times";
    table.weights("a bomb", &file(&[program.clone(), bomb.clone()]), message);
    let lies = Member { length: 8, ..bomb };
    table.weights("a bomb that lies", &file(&[program.clone(), lies]), "its length is not that");
    let noise = Member { data: vec![0xff; 8], ..Member::deflated("a/data/0", &value) };
    table.weights("noise, deflated", &file(&[program.clone(), noise]), "is damaged");
    let mut miscounted = file(&[program, storage]);
    let end = miscounted.len() - 22;
    miscounted[end + 8] = 3;
    miscounted[end + 10] = 3;
    table.weights("a miscounted directory", &miscounted, "where its end says 3");
    let halves = tensor("HalfStorage", "0", 2, 0, &[2], &[1]);
    let nan = torch_zip(&dict(&[("w", halves)]), &0x7e00_3c00_u32.to_le_bytes());
    table.weights("a half that is NaN", &nan, "\"w\" has NaN or infinite values");
}
