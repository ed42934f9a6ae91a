//! Tables are read once: from then on by the store that was made of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use narrows_datasets::{
    Dataset, OpenOptions, Parts, TableOptions, open_whole, pack, pack_table, verify,
};

const TEXT: &str = "a,b,label\n1,x,0\n2,y,1\n3.5,x,\n4,y,1\n";

fn options(cache: Option<&Path>) -> OpenOptions {
    OpenOptions { cache: cache.map(Path::to_owned), ..OpenOptions::default() }
}

fn whole(path: &Path, options: &OpenOptions) -> Dataset {
    match open_whole(path, options, &|_, _| {}).unwrap().data {
        Parts::Whole(data) => data,
        Parts::Halves(..) => panic!("a table has none"),
    }
}

fn first_column(data: &Dataset) -> Vec<f32> {
    let value = |row| f32::from_le_bytes(data.stored_bytes(row).unwrap()[..4].try_into().unwrap());
    (0..data.len()).map(value).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// A test of this file in a process of its own, which is given `path` by that variable.
fn in_own_process(test: &str, variable: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("table_cache::{test}"), "--nocapture"]).env(variable, path);
    command
}

fn assert_was_read(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("it was read"), "{output:?}");
}

fn set_modified(path: &Path, to: SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(to).unwrap();
}

#[test]
fn a_table_is_read_once_until_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.csv");
    fs::write(&path, TEXT).unwrap();
    let expected = [1.0, 2.0, 3.5, 4.0];
    assert_eq!(first_column(&whole(&path, &options(None))), expected);
    let beside = folder.path().join(".narrows");
    let [store] = &files(&beside)[..] else { panic!("one store is made") };
    verify(store, &mut |_, _| {}).unwrap();

    // Other text of the same length and time is noticed, as its bytes are.
    let time = modified(&path);
    fs::write(&path, TEXT.replace("3.5", "9.5")).unwrap();
    set_modified(&path, time);
    assert_eq!(first_column(&whole(&path, &options(None))), [1.0, 2.0, 9.5, 4.0]);
    let written = modified(store);
    whole(&path, &options(None));
    assert_eq!((modified(store), files(&beside).len()), (written, 1));

    // A new time alone makes it another.
    set_modified(&path, time + Duration::from_secs(1));
    assert_eq!(first_column(&whole(&path, &options(None))), [1.0, 2.0, 9.5, 4.0]);
    // And a new length alone.
    fs::write(&path, TEXT.replace("3.5", "10.5")).unwrap();
    set_modified(&path, time + Duration::from_secs(1));
    assert_eq!(first_column(&whole(&path, &options(None))), [1.0, 2.0, 10.5, 4.0]);
    assert_eq!(files(&beside).len(), 1);

    // Other options make another store beside it.
    let table = TableOptions {
        ordinal: vec!["b".to_owned()],
        ignore: vec!["a".to_owned()],
        ..Default::default()
    };
    let ordinal = OpenOptions { table, ..OpenOptions::default() };
    assert_eq!(first_column(&whole(&path, &ordinal)), [0.0, 1.0, 0.0, 1.0]);
    assert_eq!(first_column(&whole(&path, &options(None))), [1.0, 2.0, 10.5, 4.0]);
    assert_eq!(files(&beside).len(), 2);

    // Where it is asked to be, it is.
    let cache = folder.path().join("some/where");
    assert_eq!(first_column(&whole(&path, &options(Some(&cache)))), [1.0, 2.0, 10.5, 4.0]);
    assert_eq!((files(&beside).len(), files(&cache).len()), (2, 1));
    // Of files of one name it keeps each.
    let other = folder.path().join("other/data.csv");
    fs::create_dir(folder.path().join("other")).unwrap();
    fs::write(&other, "a\n7\n8\n").unwrap();
    assert_eq!(first_column(&whole(&other, &options(Some(&cache)))), [7.0, 8.0]);
    assert_eq!(first_column(&whole(&path, &options(Some(&cache)))), [1.0, 2.0, 10.5, 4.0]);
    assert_eq!(files(&cache).len(), 2);
}

#[test]
fn a_table_packed_at_once_is_the_same_store() {
    let folder = tempfile::tempdir().unwrap();
    let (path, cache) = (folder.path().join("data.csv"), folder.path().join("cache"));
    let (one, other) = (folder.path().join("one.narrows"), folder.path().join("other.narrows"));
    for text in [TEXT, "a,b\n0.1234567891,\n2,7\n", "a,label\n1,\n2,\n"] {
        fs::write(&path, text).unwrap();
        let options = options(Some(&cache));
        let data = open_whole(&path, &options, &|_, _| {}).unwrap();
        let expected = pack(&data, &one, &mut |_, _| {}).unwrap();
        let packed = pack_table(&path, &options, &other).unwrap().unwrap();
        assert_eq!(fs::read(&other).unwrap(), fs::read(&one).unwrap());
        assert_eq!(packed.data, expected);
        assert_eq!(
            (packed.name, packed.format, packed.notes),
            (data.name, data.format, data.notes)
        );
    }
    assert!(pack_table(&one, &options(None), &other).unwrap().is_none());
    assert!(pack_table(folder.path(), &options(None), &other).unwrap().is_none());
}

#[test]
fn a_table_that_is_wrong_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.csv");
    let cache = folder.path().join("cache");
    for text in ["a,b\n1,2\n3\n", "a,b\n1,inf\n", "a,b\n", "a\n\"", "a,a\n1,2\n"] {
        fs::write(&path, text).unwrap();
        let error = open_whole(&path, &options(Some(&cache)), &|_, _| {}).unwrap_err().to_string();
        assert!(error.starts_with(path.to_str().unwrap()) && !error.contains('\n'), "{error}");
        assert!(files(&cache).is_empty());
    }
}

#[test]
fn a_damaged_store_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.csv");
    fs::write(&path, TEXT).unwrap();
    let cache = folder.path().join("cache");
    let expected = [1.0, 2.0, 3.5, 4.0];
    assert_eq!(first_column(&whole(&path, &options(Some(&cache)))), expected);
    let store = files(&cache)[0].clone();
    let good = fs::read(&store).unwrap();
    let labels_at = 4096 + 64;
    let damage = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    for bad in [
        Vec::new(),
        b"not a store".to_vec(),
        good[..good.len() - 1].to_vec(),
        vec![0; good.len()],
        damage(20),
        damage(good.len() - 3),
        damage(labels_at),
        damage(labels_at + 8),
    ] {
        fs::write(&store, bad).unwrap();
        let data = whole(&path, &options(Some(&cache)));
        assert_eq!(first_column(&data), expected);
        assert_eq!(data.labels().unwrap(), Some(&[0, 1, u16::MAX, 1][..]));
        verify(&store, &mut |_, _| {}).unwrap();
        assert_eq!(files(&cache), std::slice::from_ref(&store));
    }
}

#[test]
fn many_may_open_the_same_table_at_once() {
    const FILE: &str = "NARROWS_TEST_SHARED_TABLE";
    if let Some(path) = std::env::var_os(FILE) {
        let data = whole(Path::new(&path), &options(None));
        assert_eq!(first_column(&data), (0..5_000).map(|row| 2.0 * row as f32).collect::<Vec<_>>());
        println!("it was read");
        return;
    }
    let text = std::iter::once("a,b\n".to_owned())
        .chain((0..5_000).map(|row| format!("{},{}\n", 2 * row, row % 7)));
    let text: String = text.collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.csv");
    fs::write(&path, text).unwrap();
    let children: Vec<_> = (0..3)
        .map(|_| {
            let mut child = in_own_process("many_may_open_the_same_table_at_once", FILE, &path);
            child.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(whole(&path, &options(None)).len(), 5_000));
        }
    });
    for child in children {
        assert_was_read(&child.wait_with_output().unwrap());
    }
    let [store] = &files(&folder.path().join(".narrows"))[..] else { panic!("one store is left") };
    verify(store, &mut |_, _| {}).unwrap();
}

/// A file where the folder should be stands for a folder that cannot be written, which no test can
/// make where it runs as root.
#[cfg(target_os = "linux")]
#[test]
fn where_it_cannot_be_kept_beside_the_data_it_is_elsewhere() {
    const FILE: &str = "NARROWS_TEST_READ_ONLY";
    if let Some(path) = std::env::var_os(FILE) {
        assert_eq!(first_column(&whole(Path::new(&path), &options(None))), [1.0, 2.0, 3.5, 4.0]);
        println!("it was read");
        return;
    }
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("data.csv");
    fs::write(&path, TEXT).unwrap();
    fs::write(folder.path().join(".narrows"), "in the way").unwrap();
    let opened =
        || in_own_process("where_it_cannot_be_kept_beside_the_data_it_is_elsewhere", FILE, &path);
    let mut written = None;
    for _ in 0..2 {
        assert_was_read(&opened().env("XDG_CACHE_HOME", cache.path()).output().unwrap());
        let [store] = &files(&cache.path().join("narrows"))[..] else {
            panic!("one store is made")
        };
        verify(store, &mut |_, _| {}).unwrap();
        // The second time it is found there.
        assert!(written.replace(modified(store)).is_none_or(|before| before == modified(store)));
    }
    // Nowhere: it is read all the same, and nothing is left.
    let temporary = folder.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let mut nowhere = opened();
    nowhere.env_remove("XDG_CACHE_HOME").env_remove("HOME").env("TMPDIR", &temporary);
    assert_was_read(&nowhere.output().unwrap());
    assert_eq!(files(&temporary), [] as [PathBuf; 0]);
}
