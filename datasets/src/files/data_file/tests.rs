use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use super::*;

const BOTH: [Access; 2] = [Access::Map, Access::Read];
const PAGE: usize = 4096;

/// No byte is 0, so that none looks like what takes the place of bytes that are gone.
fn values(length: usize) -> Vec<u8> {
    (0..length).map(|i| (1 + (i * 31 + i / PAGE) % 251) as u8).collect()
}

/// Long written, so that a file system whose clock is coarse tells a later write from the first.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    writable(&path).set_modified(long_ago()).unwrap();
    path
}

fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn writable(path: &Path) -> File {
    File::options().write(true).open(path).unwrap()
}

fn truncate(path: &Path, length: usize) {
    writable(path).set_len(length as u64).unwrap();
}

/// All that the file has, by [`DataFile::read_at`].
fn read_all(file: &DataFile) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; file.len() as usize];
    file.read_at(0, &mut bytes).map(|()| bytes)
}

#[test]
fn any_bytes_are_read_and_those_behind_the_end_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for length in [0, 1, PAGE - 1, PAGE, PAGE + 1] {
        let expected = values(length);
        let path = put(folder.path(), "values", &expected);
        for access in BOTH {
            let file = DataFile::open(&path, access).unwrap();
            assert_eq!((file.len(), file.path()), (length as u64, path.as_path()));
            assert_eq!(file.mapped(), (access == Access::Map).then_some(&expected[..]));
            for count in [0, 1, 5, PAGE] {
                for at in 0..length + 3 {
                    let mut out = vec![0; count];
                    let read = file.read_at(at as u64, &mut out);
                    match expected.get(at..at + count) {
                        Some(expected) => {
                            assert!(read.is_ok() && out == expected, "{access:?} {at} {count}")
                        }
                        None => assert!(read.is_err(), "{access:?} {at} {count} of {length}"),
                    }
                }
                assert!(file.read_at(u64::MAX, &mut vec![0; count]).is_err());
            }
            file.check().unwrap();
        }
    }
    let file = DataFile::open(&put(folder.path(), "values", &values(1234)), Access::Read).unwrap();
    let message = file.read_at(1230, &mut [0; 5]).unwrap_err().to_string();
    let says = "has 1234 bytes, where 5 were looked for from byte 1230 on: it is cut off or \
                damaged, make it anew";
    assert_eq!(message, format!("{}: {says}", file.path().display()));
}

type Change = fn(&Path, &Path);

/// What may happen to a file, given its path and one beside it that is free.
const HARMLESS: &[(&str, Change)] = &[
    ("nothing", |_, _| {}),
    ("removed", |path, _| fs::remove_file(path).unwrap()),
    ("renamed", |path, other| fs::rename(path, other).unwrap()),
    ("replaced by a rename", |path, other| {
        fs::write(other, "something else").unwrap();
        fs::rename(other, path).unwrap();
    }),
    ("linked to", |path, other| fs::hard_link(path, other).unwrap()),
    ("made read-only", |path, _| {
        let mut permissions = fs::metadata(path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(path, permissions).unwrap();
    }),
    ("read", |path, _| {
        fs::read(path).unwrap();
        writable(path).set_times(FileTimes::new().set_accessed(SystemTime::now())).unwrap();
    }),
];

const LENGTH: usize = 3 * PAGE + 100;

/// Each with what the error says.
const HARMFUL: &[(&str, &str, Change)] = &[
    ("cut off to nothing", "it had 12388 bytes and now has 0", |path, _| truncate(path, 0)),
    ("cut off at a page", "and now has 4096", |path, _| truncate(path, PAGE)),
    // No signal tells of this one: the system fills up the page with zeros.
    ("cut off within its last page", "and now has 12387", |path, _| truncate(path, LENGTH - 1)),
    ("grown", "and now has 12389", |path, _| truncate(path, LENGTH + 1)),
    ("rewritten in place", "it has its old length, but was written to", |path, _| {
        std::io::Write::write_all(&mut writable(path), b"x").unwrap();
    }),
    ("written anew", "it has its old length, but was written to", |path, _| {
        fs::write(path, vec![1; LENGTH]).unwrap();
    }),
    ("touched", "it has its old length, but was written to", |path, _| {
        writable(path).set_modified(SystemTime::now()).unwrap();
    }),
    (
        "replaced in place by an older file",
        "it has its old length, but was written to",
        |path, _| {
            fs::write(path, vec![1; LENGTH]).unwrap();
            writable(path).set_modified(long_ago() - Duration::from_secs(1)).unwrap();
        },
    ),
];

#[test]
fn a_file_that_is_replaced_or_removed_stays_what_it_was() {
    for access in BOTH {
        for (what, change) in HARMLESS {
            let folder = tempfile::tempdir().unwrap();
            let path = put(folder.path(), "values", &values(LENGTH));
            let file = DataFile::open(&path, access).unwrap();
            change(&path, &folder.path().join("other"));
            assert!(read_all(&file).unwrap() == values(LENGTH), "{what}, {access:?}");
            file.check().unwrap_or_else(|error| panic!("{what}, {access:?}: {error}"));
        }
    }
}

#[test]
fn a_file_that_is_changed_is_an_error_and_stays_one() {
    for access in BOTH {
        for (what, says, change) in HARMFUL {
            let folder = tempfile::tempdir().unwrap();
            let path = put(folder.path(), "values", &values(LENGTH));
            let file = DataFile::open(&path, access).unwrap();
            file.check().unwrap();
            change(&path, &folder.path().join("other"));
            // Must not panic; whether it is an error by itself depends.
            let _ = read_all(&file);
            let message = file.check().expect_err(what).to_string();
            assert!(message.contains(says), "{what}, {access:?}: {message}");
            assert!(
                message.starts_with(&format!("{}: ", path.display())) && !message.contains('\n')
            );

            put(folder.path(), "values", &values(LENGTH));
            let message = file.check().expect_err(what).to_string();
            assert!(
                message.contains("either it was changed and put back"),
                "{what}, {access:?}: {message}"
            );
        }
    }
}

#[test]
fn a_read_that_missed_bytes_is_remembered_though_the_file_is_put_back_before_a_check() {
    for access in BOTH {
        let folder = tempfile::tempdir().unwrap();
        let path = put(folder.path(), "values", &values(LENGTH));
        let file = DataFile::open(&path, access).unwrap();
        truncate(&path, PAGE);
        match file.mapped() {
            Some(map) => assert_eq!(map[LENGTH - 1], 0, "zeros take the place of what is gone"),
            None => assert!(file.read_at(PAGE as u64, &mut [0]).is_err()),
        }
        put(folder.path(), "values", &values(LENGTH));
        file.check().expect_err("zeros were read");
        // A file that is opened anew is not to blame.
        let file = DataFile::open(&path, access).unwrap();
        assert!(read_all(&file).unwrap() == values(LENGTH));
        file.check().unwrap();
    }
}

#[test]
fn the_error_says_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "x.bin", &[]);
    truncate(&path, 47_040_016);
    let file = DataFile::open(&path, Access::Map).unwrap();
    truncate(&path, 4096);
    let says = "was changed while it was in use (it had 47040016 bytes and now has 4096): \
                restore it, and start again";
    assert_eq!(file.check().unwrap_err().to_string(), format!("{}: {says}", path.display()));
}

#[test]
fn readers_survive_that_a_file_is_cut_off_beneath_them() {
    let (pages, left) = (64, 10 * PAGE + 5);
    let expected = values(pages * PAGE + 123);
    for access in BOTH {
        let folder = tempfile::tempdir().unwrap();
        let path = put(folder.path(), "values", &expected);
        let file = DataFile::open(&path, access).unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let readers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let mut missed = 0;
                        while !done.load(Ordering::Relaxed) || missed == 0 {
                            for page in 0..=pages {
                                // Of the page that stays in part, that part: nothing but a check
                                // tells of the rest.
                                let mut out = [0; 5];
                                let at = page * PAGE;
                                match file.read_at(at as u64, &mut out) {
                                    Ok(()) => assert!(out == expected[at..at + 5], "page {page}"),
                                    Err(_) => missed += 1,
                                }
                            }
                        }
                    })
                })
                .collect();
            thread::sleep(Duration::from_millis(5));
            truncate(&path, left);
            thread::sleep(Duration::from_millis(20));
            done.store(true, Ordering::Relaxed);
            readers.into_iter().for_each(|reader| reader.join().unwrap());
        });
        let message = file.check().unwrap_err().to_string();
        assert!(message.contains("it had 262267 bytes and now has 40965"), "{message}");
        if let Some(map) = file.mapped() {
            assert!(map[..left] == expected[..left], "what is left is as it was");
            assert!(map[left..].iter().all(|&byte| byte == 0), "and what is gone reads as zeros");
        }
    }
}

#[test]
fn many_maps_come_go_and_break_without_harm_to_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let expected = values(5 * PAGE + 1);
    let stays = DataFile::open(&put(folder.path(), "stays", &expected), Access::Map).unwrap();
    thread::scope(|scope| {
        for thread in 0..6 {
            let (expected, folder, stays) = (&expected, folder.path(), &stays);
            scope.spawn(move || {
                let name = thread.to_string();
                for round in 0..100 {
                    let path = put(folder, &name, expected);
                    let held: Vec<_> = (0..1 + round % 7)
                        .map(|_| DataFile::open(&path, Access::Map).unwrap())
                        .collect();
                    let left = round % 5 * PAGE;
                    truncate(&path, left);
                    for file in &held {
                        let map = file.mapped().expect("there is room for all");
                        assert!(
                            map[..left] == expected[..left]
                                && map[left..].iter().all(|&byte| byte == 0)
                        );
                        file.check().expect_err("cut off");
                    }
                    assert!(stays.mapped() == Some(expected), "the file that is not changed");
                }
            });
        }
    });
    stays.check().unwrap();
}

#[test]
fn advice_may_name_any_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for length in [0, LENGTH] {
        let path = put(folder.path(), "values", &values(length));
        for access in BOTH {
            let file = DataFile::open(&path, access).unwrap();
            for start in [0, 1, PAGE as u64 + 1, LENGTH as u64, u64::MAX] {
                for end in [0, 1, PAGE as u64 + 1, LENGTH as u64 + 1, u64::MAX] {
                    file.will_need(start..end);
                }
            }
            assert!(read_all(&file).unwrap() == values(length));
            file.check().unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_not_a_regular_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let cases = [
        (folder.path(), "is a folder, where a file of data is expected"),
        (&pipe, "is not a regular file"),
        (&socket, "is not a regular file"),
        (Path::new("/dev/zero"), "is not a regular file"),
        (&folder.path().join("missing"), "check the path"),
    ];
    for access in BOTH {
        for (path, says) in cases {
            let message = DataFile::open(path, access).err().unwrap().to_string();
            assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");
            assert!(message.contains(says) && !message.contains('\n'), "{message}");
        }
        let (file, link) =
            (put(folder.path(), "file", b"abc"), folder.path().join(format!("{access:?}")));
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read_all(&DataFile::open(&link, access).unwrap()).unwrap(), b"abc");
    }
}
