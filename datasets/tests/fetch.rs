//! Fetching from servers that are not what they should be. After each fetch the cache folder holds
//! no file but the right one, and at most the beginning of it under another name.

mod archives;
mod bad_servers;
mod resumed;
mod weights;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::made_files::{gzip, idx};
use crate::mirror::{Answer, Server};
use crate::mnist_files::GOOD;
use narrows_datasets::fetch::{
    Event, FetchOptions, Kind, PublicFile, PublicSet, catalogue, fetch, named,
};
use narrows_datasets::{Error, open};
use sha2::{Digest, Sha256};

const NAME: &str = "file.bin";
const LENGTH: usize = 200_000;
/// Of `body()`, by Python's hashlib: `bytes((i * i + (i >> 8)) % 251 for i in range(200_000))`.
const SHA256: &str = "e89209c01416c65ef9f560df434f36d91ea373305412c817eccc7ac3e5a00712";

fn body() -> Vec<u8> {
    (0..LENGTH).map(|i| ((i * i + (i >> 8)) % 251) as u8).collect()
}

fn serve(answers: &[Answer]) -> Server {
    Server::new(&[(NAME, &body())], answers)
}

/// A cache folder, and what is fetched into it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn options(&self) -> FetchOptions {
        FetchOptions {
            cache: Some(self.0.path().to_owned()),
            connect_timeout: Duration::from_secs(2),
            stall_timeout: Duration::from_millis(200),
            rounds: 3,
            pause: Duration::from_millis(5),
            ..FetchOptions::default()
        }
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("set")
    }

    fn file(&self) -> PathBuf {
        self.folder().join(NAME)
    }

    fn partial(&self) -> PathBuf {
        self.folder().join(format!("{NAME}.partial"))
    }

    /// What an earlier process left.
    fn put_partial(&self, bytes: &[u8]) {
        fs::create_dir_all(self.folder()).unwrap();
        fs::write(self.partial(), bytes).unwrap();
    }

    fn fetch(&self, mirrors: &[&Server]) -> Result<PathBuf, Error> {
        let start = Instant::now();
        let result = fetch(&set(mirrors), &self.options(), &mut |_| {});
        assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
        self.check();
        result
    }

    /// That nothing is there which should not be.
    fn check(&self) {
        let Ok(entries) = fs::read_dir(self.folder()) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            match path.file_name().unwrap().to_str().unwrap() {
                "lock" => {}
                NAME => {
                    assert!(fs::read(&path).unwrap() == body(), "the file is not the right one")
                }
                "file.bin.partial" => {
                    let bytes = fs::read(&path).unwrap();
                    assert!(
                        body().starts_with(&bytes),
                        "{} bytes are no beginning of the file",
                        bytes.len()
                    );
                }
                name => panic!("{name} was left behind"),
            }
        }
    }

    fn succeed(&self, mirrors: &[&Server]) {
        assert_eq!(self.fetch(mirrors).unwrap(), self.folder());
        assert!(self.file().exists() && !self.partial().exists());
    }

    fn fail(&self, mirrors: &[&Server], parts: &[&str]) {
        let message = self.fetch(mirrors).unwrap_err().to_string();
        assert!(message.starts_with(self.file().to_str().unwrap()), "{message}");
        assert!(message.contains("cannot be fetched") && !message.contains('\n'), "{message}");
        assert!(message.ends_with("try again later, or put the file there by hand"), "{message}");
        for mirror in mirrors {
            assert!(message.contains(mirror.address().trim_end_matches('/')), "{message}");
        }
        for part in parts {
            assert!(message.contains(part), "{message:?} does not say {part:?}");
        }
        assert!(!self.file().exists());
    }
}

fn set(mirrors: &[&Server]) -> PublicSet {
    PublicSet {
        name: "set".to_owned(),
        kind: Kind::Data,
        mirrors: mirrors.iter().map(|mirror| mirror.address()).collect(),
        files: vec![PublicFile {
            name: NAME.to_owned(),
            bytes: LENGTH as u64..=LENGTH as u64,
            sha256: SHA256.to_owned(),
        }],
        members: Vec::new(),
    }
}

fn range(from: usize) -> Option<String> {
    Some(format!("bytes={from}-"))
}

#[test]
fn a_good_server_is_asked_once() {
    let (place, server) = (Place::new(), serve(&[Answer::Right]));
    let mut last = 0;
    let mut grows = |event: Event<'_>| {
        let Event::Received { file, done, total } = event else { panic!("{event:?}") };
        assert!(file == NAME && total == LENGTH as u64 && done >= last);
        last = done;
    };
    fetch(&set(&[&server]), &place.options(), &mut grows).unwrap();
    assert_eq!(last, LENGTH as u64);
    place.check();
    // What is there is not fetched again.
    place.succeed(&[&server]);
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn a_file_without_an_announced_length_is_taken() {
    Place::new().succeed(&[&serve(&[Answer::Unannounced(0)])]);
}

#[test]
fn a_wrong_file_is_fetched_again() {
    let mut other = body();
    other[7] ^= 0x80;
    for wrong in [vec![], body()[1..].to_vec(), other] {
        let (place, server) = (Place::new(), serve(&[Answer::Right]));
        fs::create_dir_all(place.folder()).unwrap();
        fs::write(place.file(), &wrong).unwrap();
        place.succeed(&[&server]);
        assert_eq!(server.ranges(), [None]);
    }
}

#[test]
fn offline_no_connection_is_opened() {
    let (place, server) = (Place::new(), serve(&[Answer::Right]));
    let offline = FetchOptions { offline: true, ..place.options() };
    let fetch = || fetch(&set(&[&server]), &offline, &mut |_| {});
    let says = |part: &str| {
        let message = fetch().unwrap_err().to_string();
        assert!(
            message.starts_with(place.file().to_str().unwrap()) && !message.contains('\n'),
            "{message}"
        );
        assert!(message.contains(part) && message.contains("put the file there"), "{message}");
    };
    says("is missing");
    assert!(!place.folder().exists());
    fs::create_dir_all(place.folder()).unwrap();
    fs::write(place.file(), b"another").unwrap();
    says("has 7 bytes, not 200000");
    fs::write(place.file(), vec![0; LENGTH]).unwrap();
    says("has the SHA-256");
    // It is not ours to remove.
    assert_eq!(fs::read(place.file()).unwrap(), vec![0; LENGTH]);
    fs::write(place.file(), body()).unwrap();
    assert_eq!(fetch().unwrap(), place.folder());
    assert_eq!(server.requests(), []);
}

#[test]
fn of_two_fetches_at_once_one_waits() {
    let (place, server) = (Place::new(), serve(&[Answer::InPieces]));
    let options = place.options();
    let waited = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut note = |event: Event<'_>| {
                    if let Event::Waiting { .. } = event {
                        waited.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                };
                fetch(&set(&[&server]), &options, &mut note).unwrap();
            });
        }
    });
    place.check();
    assert_eq!(server.ranges(), [None]);
    assert_eq!(waited.into_inner(), 2);
}

#[test]
fn where_nothing_can_be_written_the_folder_is_named() {
    let (place, server) = (Place::new(), serve(&[Answer::Right]));
    fs::write(place.folder(), b"a file in the way").unwrap();
    let message = fetch(&set(&[&server]), &place.options(), &mut |_| {}).unwrap_err().to_string();
    assert!(message.starts_with(place.folder().to_str().unwrap()), "{message}");
    assert!(!message.contains('\n'), "{message}");
    assert_eq!(server.requests(), []);

    // A folder that has the file's name.
    let (place, server) = (Place::new(), serve(&[Answer::Right]));
    fs::create_dir_all(place.file()).unwrap();
    let message = fetch(&set(&[&server]), &place.options(), &mut |_| {}).unwrap_err().to_string();
    assert!(message.starts_with(place.file().to_str().unwrap()), "{message}");
}

fn public(name: &str, bytes: &[u8]) -> PublicFile {
    let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let length = bytes.len() as u64;
    PublicFile { name: name.to_owned(), bytes: length..=length, sha256 }
}

#[test]
fn files_like_mnists_are_opened_as_they_come() {
    let names = [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];
    let files: Vec<(String, Vec<u8>)> = (names.iter().zip(GOOD))
        .map(|(name, (_, sizes, values))| (format!("{name}.gz"), gzip(&idx(0x08, sizes, values))))
        .collect();
    let served: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let (place, server) = (Place::new(), Server::new(&served, &[Answer::Right]));
    let set = PublicSet {
        files: files.iter().map(|(name, bytes)| public(name, bytes)).collect(),
        ..set(&[&server])
    };
    let folder = fetch(&set, &place.options(), &mut |_| {}).unwrap();
    let data = open(&folder).unwrap();
    assert_eq!(data.train.len(), 5);
    let asked: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, files.iter().map(|(name, _)| format!("/{name}")).collect::<Vec<_>>());
}

#[test]
fn the_catalogue_is_well_formed() {
    let sets = catalogue();
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(names, ["mnist", "fashion-mnist", "kmnist", "cifar10"]);
    for set in &sets {
        assert!(set.mirrors.len() >= 2, "{}", set.name);
        for mirror in &set.mirrors {
            assert!(mirror.starts_with("http") && mirror.ends_with('/'), "{mirror}");
        }
        for file in &set.files {
            assert!(file.sha256.len() == 64 && *file.bytes.start() > 0, "{file:?}");
            assert!(
                file.sha256.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')),
                "{file:?}"
            );
        }
        assert_eq!(named(&set.name).unwrap().files.len(), set.files.len());
    }
    let message = named("imagenet").unwrap_err().to_string();
    assert_eq!(
        message,
        "no public data set is called \"imagenet\": there are mnist, fashion-mnist, kmnist, cifar10"
    );
}
