//! Pickles: hostile ones, and tensors that are not in their storages.

use crate::made_files::{Member, f32s, zip};
use crate::{Table, vector};
use narrows_models::weights::Weights;

/// A text.
pub fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

fn int(value: i32) -> Vec<u8> {
    [b"J", &value.to_le_bytes()[..]].concat()
}

/// An integer of eight bytes.
fn long(value: i64) -> Vec<u8> {
    [b"\x8a\x08", &value.to_le_bytes()[..]].concat()
}

fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(", &items.concat()[..], b"t"].concat()
}

fn ints(values: &[i64]) -> Vec<u8> {
    tuple(&values.iter().map(|&value| long(value)).collect::<Vec<_>>())
}

pub fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<u8> =
        entries.iter().flat_map(|(name, value)| [text(name), value.clone()].concat()).collect();
    [b"}(", &entries[..], b"u"].concat()
}

/// The tuple that names a storage.
fn storage(class: &str, key: &str, length: i64) -> Vec<u8> {
    let class = format!("c{class}\n").into_bytes();
    [tuple(&[text("storage"), class, text(key), text("cpu"), long(length)]), b"Q".to_vec()].concat()
}

/// A call of `_rebuild_tensor_v2`.
fn rebuild(storage: Vec<u8>, offset: Vec<u8>, shape: Vec<u8>, strides: Vec<u8>) -> Vec<u8> {
    let hooks = b"ccollections\nOrderedDict\n)R".to_vec();
    let arguments = tuple(&[storage, offset, shape, strides, b"\x89".to_vec(), hooks]);
    [b"ctorch._utils\n_rebuild_tensor_v2\n", &arguments[..], b"R"].concat()
}

pub fn tensor(
    class: &str,
    key: &str,
    length: i64,
    offset: i64,
    shape: &[i64],
    strides: &[i64],
) -> Vec<u8> {
    let storage = storage(&format!("torch\n{class}"), key, length);
    rebuild(storage, long(offset), ints(shape), ints(strides))
}

pub fn pickle(body: &[u8]) -> Vec<u8> {
    [b"\x80\x02", body, b"."].concat()
}

/// A file of that pickle and one storage, `0`.
pub fn torch_zip(body: &[u8], values: &[u8]) -> Vec<u8> {
    zip(&[Member::stored("a/data.pkl", &pickle(body)), Member::stored("a/data/0", values)])
}

/// A file of four floats.
fn file(body: &[u8]) -> Vec<u8> {
    torch_zip(body, &f32s(&[1.0, 2.0, 3.0, 4.0]))
}

pub fn add(table: &mut Table) {
    let good = dict(&[("w", tensor("FloatStorage", "0", 4, 0, &[2, 2], &[1, 2]))]);
    assert!(open_good(table, &file(&good)), "the good file, from which the others are made");
    hostile(table);
    misplaced(table);
    legacy(table);
}

fn open_good(table: &Table, bytes: &[u8]) -> bool {
    let weights = Weights::open(&table.put(bytes)).unwrap();
    weights.get("w").unwrap().values == [1.0, 3.0, 2.0, 4.0]
}

fn hostile(table: &mut Table) {
    let witness = table.folder.path().join("witness");
    let command = text(&format!("touch {}", witness.display()));
    let calls = [
        ("os\nsystem", "asks for \"os.system\", which no network's state needs and is not run"),
        ("posix\nsystem", "asks for \"posix.system\""),
        ("builtins\neval", "asks for \"builtins.eval\""),
        ("__builtin__\nexec", "asks for \"__builtin__.exec\""),
        ("subprocess\nPopen", "asks for \"subprocess.Popen\""),
        ("torch\nload", "asks for \"torch.load\""),
        ("torch.storage\n_load_from_bytes", "asks for \"torch.storage._load_from_bytes\""),
        ("collections\nOrderedDict.__init__", "asks for \"collections.OrderedDict.__init__\""),
        ("torch.FloatStorage\n", "asks for \"torch.FloatStorage.\""),
        ("argparse\nNamespace", "asks for \"argparse.Namespace\""),
    ];
    for (global, says) in calls {
        let global_line = format!("c{global}\n").into_bytes();
        let call = [global_line, tuple(std::slice::from_ref(&command)), b"R".to_vec()];
        table.weights(global, &file(&call.concat()), says);
    }
    assert!(!witness.exists());
    let stack_global = [text("os"), text("system"), b"\x93".to_vec()].concat();
    table.weights("a global from the stack", &file(&stack_global), "asks for \"os.system\"");
    let opcodes: [(&str, &[u8], &str); 12] = [
        ("INST", b"(ios\nsystem\n", "has the opcode 0x69"),
        ("OBJ", b"(o", "has the opcode 0x6f"),
        ("NEWOBJ", b"ccollections\nOrderedDict\n)\x81", "has the opcode 0x81"),
        ("EXT1", b"\x82\x01", "has the opcode 0x82"),
        ("PERSID", b"P0\n", "has the opcode 0x50"),
        ("the state of a function", b"ccollections\nOrderedDict\n}b", "sets the state of a class"),
        ("a call of a text", b"U\x01a)R", "calls a text"),
        ("a call with other arguments", b"ccollections\nOrderedDict\nN\x85R", "with 1 arguments"),
        ("a call without a tuple", b"ccollections\nOrderedDict\nNR", "where a tuple is expected"),
        ("protocol 9", b"\x80\x09", "is of protocol 9"),
        ("an empty stack", b"0", "takes an object that is not there"),
        ("below a mark", b"N(\x85", "takes an object that is not there"),
    ];
    for (case, body, says) in opcodes {
        table.weights(case, &file(body), says);
    }
    let broken: [(&str, &[u8], &str); 11] = [
        ("a list that was not begun", b"t", "closes a list that was not begun"),
        ("a memo that is empty", b"h\x05", "takes an object that was not kept"),
        ("a key alone", b"}(Nu", "has a key without a value"),
        ("an item of a list", b"](NNu", "sets an item of a list"),
        ("an appended dictionary", b"}Na", "appends to a dictionary"),
        ("a name without an end", &[b'c'; 1000], "has a name without an end"),
        ("a text that is cut off", b"X\xff\xff\xff\xff", "ends too early"),
        ("a text of 2^63 bytes", b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f", "ends too early"),
        ("a text that is not UTF-8", b"U\x02\xff\xfe", "has a text that is not UTF-8"),
        ("a storage of nothing", b")Q", "names a storage in an unknown way"),
        ("an unknown opcode", b"\xff", "has the opcode 0xff"),
    ];
    for (case, body, says) in broken {
        table.weights(case, &file(body), says);
    }
    let state = "where a state_dict is expected";
    table.weights("a number", &file(b"K\x01"), state);
    // A list that holds itself.
    table.weights("a cycle", &file(b"]q\x00h\x00a"), state);
    let cycle = [&b"}q\x00("[..], &text("w"), b"h\x00u"].concat();
    table.weights("a dictionary in itself", &file(&cycle), "\"w\" is a dictionary");
    let cycle = cycle.iter().map(|&b| if b == b'w' { b'x' } else { b }).collect::<Vec<_>>();
    let cycle = [&cycle[..], b"q\x00(", &text("state_dict"), b"h\x00u"].concat();
    table.weights("a state in itself", &file(&cycle), "where a tensor is expected");

    let depth = b"(".repeat(2_000_000);
    table.weights("marks, two million deep", &file(&depth), "has more than 524288 steps");
    let nested = [b"]".repeat(100_000), b"a".repeat(99_999)].concat();
    table.weights("lists, 100,000 deep", &file(&nested), state);
    let tuples = [b")".to_vec(), b"\x85".repeat(130_000)].concat();
    table.weights("tuples, 130,000 deep", &file(&tuples), state);
    table.weights("objects", &file(&b")".repeat(1_000_000)), "makes more than 131072 objects");
    table.weights("BINPUT", &file(&[b"N", &b"q\x00".repeat(1_000_000)[..]].concat()), "steps");
    let kept: Vec<u8> =
        (0..600_000_u32).flat_map(|n| [b"r", &n.to_le_bytes()[..]].concat()).collect();
    table.weights("LONG_BINPUT", &file(&[b"N", &kept[..]].concat()), "steps");
    table.weights("MEMOIZE", &file(&[b"N", &b"\x94".repeat(1_000_000)[..]].concat()), "steps");
    // Ten times the last list in each, a billion in all.
    let mut bomb = b"]q\x00".to_vec();
    for n in 0..9_u8 {
        bomb.extend([b"](".to_vec(), [b'h', n].repeat(10), vec![b'e', b'q', n + 1]].concat());
    }
    table.weights("a memo bomb", &file(&bomb), state);
    let gets = [b"Nq\x00(".to_vec(), b"h\x00".repeat(1_000_000)].concat();
    table.weights("BINGET", &file(&gets), "steps");
}

fn misplaced(table: &mut Table) {
    let mut one = |case: &str, tensor: Vec<u8>, says: &str| {
        table.weights(case, &file(&dict(&[("w", tensor)])), says);
    };
    let floats = |length, offset, shape: &[i64], strides: &[i64]| {
        tensor("FloatStorage", "0", length, offset, shape, strides)
    };
    let beyond = "the tensor \"w\" reaches beyond its storage of 4 values";
    one("a shape beyond", floats(4, 0, &[5], &[1]), beyond);
    one("a stride beyond", floats(4, 0, &[2], &[4]), beyond);
    one("an offset beyond", floats(4, 4, &[1], &[1]), beyond);
    one("an offset far beyond", floats(4, i64::MAX, &[2], &[1]), beyond);
    one("strides that overflow", floats(4, 0, &[3, 3], &[i64::MAX, i64::MAX]), beyond);
    let size = "has the size, stride or offset -";
    one("a negative stride", floats(4, 3, &[4], &[-1]), size);
    one("a negative offset", floats(4, -1, &[4], &[1]), size);
    one("a negative length", floats(4, 0, &[-4], &[1]), size);
    one("a negative storage", floats(-4, 0, &[4], &[1]), size);
    let huge = [1 << 32, 1 << 32, 2];
    one("a shape that overflows", floats(4, 0, &huge, &[0, 0, 0]), "is too large");
    let much = "would bring the values to more than";
    one("a terabyte of one value", floats(4, 0, &[1 << 40], &[0]), much);
    one("a shape without strides", floats(4, 0, &[2, 2], &[1]), "and the strides [1]");
    one("nine dimensions", floats(4, 0, &[1; 9], &[1; 9]), "has a tensor of 9 dimensions");
    one("a storage of 2^60 values", floats(1 << 60, 0, &[4], &[1]), "has a storage of 16 bytes");
    one("no such storage", tensor("FloatStorage", "7", 4, 0, &[4], &[1]), "\"a/data/7\"");
    one("a path for a key", tensor("FloatStorage", "../0", 4, 0, &[4], &[1]), "lacks the storage");
    let doubles = tensor("DoubleStorage", "0", 4, 0, &[4], &[1]);
    one("another dtype", doubles, "has a storage of 16 bytes, where 4 values are promised");
    one("integers", tensor("LongStorage", "0", 2, 0, &[2], &[1]), "\"w\" is of integers");
    one("truth", tensor("BoolStorage", "0", 16, 0, &[2], &[1]), "\"w\" is of integers");
    one("complex", tensor("ComplexFloatStorage", "0", 2, 0, &[2], &[1]), "asks for \"torch.Comp");
    one("quantised", tensor("QInt8Storage", "0", 16, 0, &[2], &[1]), "asks for \"torch.QInt8");
    let own = storage("collections\nOrderedDict", "0", 4);
    one(
        "a storage of a dictionary",
        rebuild(own, int(0), ints(&[4]), ints(&[1])),
        "has a storage of",
    );
    let text_shape = rebuild(storage("torch\nFloatStorage", "0", 4), int(0), text("4"), ints(&[1]));
    one("a text for a shape", text_shape, "has a text, where a tuple is expected");
    let none = b"N".to_vec();
    one("a tensor of nothing", rebuild(none.clone(), int(0), ints(&[4]), ints(&[1])), "of None");
    one("no tensor", none, "the entry \"w\" is None, where a tensor is expected");
    let good = floats(4, 0, &[4], &[1]);
    let twice = file(&dict(&[("w", good.clone()), ("w", good.clone())]));
    table.weights("a name twice", &twice, "two tensors have the name \"w\"");
    let numbers = [&b"}"[..], &int(3), &good, b"s"].concat();
    table.weights("a number for a name", &file(&numbers), "where a text is expected");
    let promised = "the tensor \"v\" has a storage of 16 bytes, where";
    for other in [
        tensor("FloatStorage", "0", 5, 4, &[1], &[1]),
        tensor("DoubleStorage", "0", 4, 0, &[4], &[1]),
    ] {
        let both = file(&dict(&[("w", good.clone()), ("v", other)]));
        table.weights("two words about a storage", &both, promised);
    }
    // As `torch.save` writes `torch.tensor(...)._neg_view()`.
    let marks = dict(&[("neg", b"\x88".to_vec())]);
    let marked = [&good[..good.len() - 2], &marks, b"tR"].concat();
    table.weights("a negated tensor", &file(&dict(&[("w", marked)])), "a tensor with marks");
    let nested = dict(&[("state_dict", dict(&[("w", int(1))]))]);
    table.weights("a state of numbers", &file(&nested), "in state_dict, the entry \"w\"");
    let names: Vec<String> = (0..20_000).map(|n| format!("w{n}")).collect();
    let shared = floats(4, 0, &[1 << 12], &[0]);
    let call = [&shared[..], b"q\x00"].concat();
    let mut entries = vec![("w", call)];
    entries.extend(names.iter().map(|name| (&**name, b"h\x00".to_vec())));
    table.weights("a tensor 20,000 times", &file(&dict(&entries)), much);
}

fn legacy(table: &mut Table) {
    let whole = vector("legacy.pt");
    let find = |bytes: &[u8]| whole.windows(bytes.len()).position(|w| w == bytes).unwrap();
    let changed = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        bytes
    };
    table.weights("a pickle of another program", &pickle(&dict(&[])), "not of torch.save");
    table.weights("another magic number", &changed(5, 0), "not of torch.save");
    let version = find(&1001_u16.to_le_bytes());
    table.weights("another version", &changed(version, 0), "another version than 1001");
    let order = find(b"little_endian") + b"little_endian".len();
    let order = order + whole[order..].iter().position(|&byte| byte == 0x88).unwrap();
    table.weights("big-endian, legacy", &changed(order, 0x89), "is big-endian");
    table.weights("more behind", &[&whole[..], b"!"].concat(), "goes on for 1 bytes behind");
    let storage = find(b"FloatStorage");
    let mut wrong = whole.clone();
    wrong[storage..storage + 12].copy_from_slice(b"FloutStorage");
    table.weights("an unknown storage", &wrong, "asks for \"torch.FloutStorage\"");
    let call = [&pickle(b"")[..2], b"cos\nsystem\n(X\x02\x00\x00\x00lstR."].concat();
    table.weights("a legacy file that calls", &call, "asks for \"os.system\"");
}
