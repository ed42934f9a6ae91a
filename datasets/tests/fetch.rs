//! Fetching from servers that are not what they should be. After each fetch the cache folder holds
//! no file but the right one, and at most the beginning of it under another name.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::idx_files::{GOOD, gzip, idx};
use crate::mirror::{Answer, Server};
use narrows_datasets::fetch::{
    Event, FetchOptions, Member, PublicFile, PublicSet, catalogue, fetch, named,
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
        mirrors: mirrors.iter().map(|mirror| mirror.address()).collect(),
        files: vec![PublicFile {
            name: NAME.to_owned(),
            bytes: LENGTH as u64,
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

/// What a server may do wrong again and again, what is said of it, and how often it is asked for
/// that.
fn wrongs() -> Vec<(&'static str, Answer, &'static str, usize)> {
    let mut other = body();
    other[LENGTH / 2] ^= 1;
    vec![
        ("stall", Answer::Stall(0), "sends nothing for 0.2 s after 0 of 200000 bytes", 3),
        ("cut at once", Answer::Cut(0), "closes the connection after 0 of 200000 bytes", 3),
        ("short length", Answer::Offer(LENGTH - 1), "offers 199999 bytes, not 200000", 1),
        ("long length", Answer::Offer(LENGTH + 1), "offers 200001 bytes, not 200000", 1),
        ("huge length", Answer::Offer(usize::MAX), "offers 18446744073709551615 bytes", 1),
        ("empty", Answer::Offer(0), "stops after 0 of 200000 bytes", 3),
        ("one byte wrong", Answer::Bytes(other), "sends other bytes", 1),
        ("endless", Answer::Endless { chunked: false }, "sends more than 200000 bytes", 1),
        ("endless chunks", Answer::Endless { chunked: true }, "sends more than 200000 bytes", 1),
        ("drip", Answer::Drip, "sends less than 1024 bytes in 0.2 s", 3),
        ("drip headers", Answer::DripHeaders, "sends nothing for 0.2 s", 3),
        ("404", Answer::Status(404), "answers 404", 1),
        ("403", Answer::Status(403), "answers 403", 1),
        ("500", Answer::Status(500), "answers 500", 3),
        ("503", Answer::Status(503), "answers 503", 3),
        ("204", Answer::Status(204), "answers 204", 1),
        ("loop", Answer::Redirect(NAME.to_owned()), "too many redirects", 6),
        ("nowhere", Answer::Redirect("http://".to_owned()), "", 1),
        (
            "garbage",
            Answer::Raw(b"\x00\xff\x80 this is no HTTP\r\n\r\n"),
            "does not answer in HTTP",
            1,
        ),
        (
            "other protocol",
            Answer::Raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
            "does not answer in HTTP",
            1,
        ),
        ("nothing", Answer::Raw(b""), "closes the connection", 3),
        ("half a header", Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Le"), "", 1),
        ("bad length", Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n"), "", 1),
        (
            "bad chunk",
            Answer::Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "",
            1,
        ),
    ]
}

#[test]
fn a_bad_server_alone_is_an_error_that_names_it() {
    for (what, answer, says, asked) in wrongs() {
        eprintln!("{what}");
        let (place, server) = (Place::new(), serve(&[answer]));
        place.fail(&[&server], &[says]);
        let requests = server.requests().len();
        if says.is_empty() {
            assert!(requests <= 3, "{what}: asked {requests} times");
        } else {
            assert_eq!(requests, asked, "{what}");
        }
    }
}

#[test]
fn where_one_mirror_is_bad_the_next_is_asked() {
    for (what, answer, ..) in wrongs() {
        eprintln!("{what}");
        let (place, bad, good) = (Place::new(), serve(&[answer]), serve(&[Answer::Right]));
        place.succeed(&[&bad, &good]);
        assert_eq!(good.requests().len(), 1, "{what}");
    }
}

#[test]
fn all_mirrors_are_named_where_all_fail() {
    let (first, second) = (serve(&[Answer::Status(404)]), serve(&[Answer::Status(500)]));
    let mut failures = Vec::new();
    let place = Place::new();
    place.fail(&[&first, &second], &["answers 404", "; ", "answers 500"]);
    let mut note = |event: Event<'_>| {
        if let Event::Failed { problem, .. } = event {
            failures.push(problem.to_owned());
        }
    };
    fetch(&set(&[&first, &second]), &place.options(), &mut note).unwrap_err();
    assert_eq!(failures.len(), 4, "{failures:?}");
    // A port that nobody listens to.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut nobody = set(&[]);
    nobody.mirrors = vec![format!("http://{gone}/")];
    let message = fetch(&nobody, &place.options(), &mut |_| {}).unwrap_err().to_string();
    assert!(message.contains("refuses the connection"), "{message}");
}

/// Its certificate is never seen: what is asked for in TLS is not answered in it.
#[test]
fn a_server_without_tls_is_no_https() {
    let (place, server) =
        (Place::new(), serve(&[Answer::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")]));
    let mut set = set(&[&server]);
    set.mirrors[0] = server.address().replace("http:", "https:");
    let message = fetch(&set, &place.options(), &mut |_| {}).unwrap_err().to_string();
    assert!(message.contains("cannot be fetched: https://127.0.0.1:"), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn an_endless_body_is_cut_off_at_once() {
    for chunked in [false, true] {
        let (place, server) = (Place::new(), serve(&[Answer::Endless { chunked }]));
        place.fail(&[&server], &["sends more than 200000 bytes"]);
        assert!(!place.partial().exists());
        std::thread::sleep(Duration::from_millis(100));
        // What the buffers on the way hold; the server has a gigabyte.
        assert!(server.sent_without_end() < 64 << 20, "{} bytes", server.sent_without_end());
    }
}

#[test]
fn what_was_cut_off_is_continued() {
    let (place, server) =
        (Place::new(), serve(&[Answer::Cut(70_000), Answer::Cut(50_000), Answer::Right]));
    place.succeed(&[&server]);
    assert_eq!(server.ranges(), [None, range(70_000), range(120_000)]);
}

#[test]
fn what_stalled_is_continued() {
    let (place, server) = (Place::new(), serve(&[Answer::Stall(70_000), Answer::Right]));
    place.succeed(&[&server]);
    assert_eq!(server.ranges(), [None, range(70_000)]);
}

#[test]
fn what_one_mirror_began_another_continues() {
    let (first, second) = (serve(&[Answer::Cut(70_000)]), serve(&[Answer::Right]));
    Place::new().succeed(&[&first, &second]);
    assert_eq!((first.ranges(), second.ranges()), (vec![None], vec![range(70_000)]));
}

#[test]
fn a_cut_off_file_stays_for_the_next_process() {
    let place = Place::new();
    place.fail(&[&serve(&[Answer::Cut(70_000), Answer::Status(404)])], &["answers 404"]);
    assert_eq!(fs::metadata(place.partial()).unwrap().len(), 70_000);
    let server = serve(&[Answer::Right]);
    place.succeed(&[&server]);
    assert_eq!(server.ranges(), [range(70_000)]);
}

#[test]
fn where_a_server_cannot_resume_the_file_is_fetched_from_its_beginning() {
    // Each with what it is asked for after the range.
    for (answers, asked) in [
        (vec![Answer::All], vec![]),
        (vec![Answer::Shifted(-1)], vec![None]),
        (vec![Answer::Shifted(1)], vec![None]),
        (vec![Answer::OfAnother], vec![None]),
        (vec![Answer::Status(416), Answer::Right], vec![None]),
        (vec![Answer::Raw(b"HTTP/1.1 206 Partial Content\r\n\r\nabc"), Answer::Right], vec![None]),
        (
            vec![
                Answer::Raw(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 9\r\n\r\n"),
                Answer::Right,
            ],
            vec![None],
        ),
    ] {
        eprintln!("{answers:?}");
        let (place, server) = (Place::new(), serve(&answers));
        place.put_partial(&body()[..70_000]);
        place.succeed(&[&server]);
        assert_eq!(server.ranges(), [vec![range(70_000)], asked].concat());
    }
}

#[test]
fn a_range_that_nobody_asked_for_is_refused() {
    let answer =
        Answer::Raw(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-2/200000\r\n\r\nabc");
    Place::new().fail(&[&serve(&[answer])], &["answers 206"]);
}

#[test]
fn wrong_bytes_of_an_earlier_process_are_no_fault_of_the_server() {
    let (place, server) = (Place::new(), serve(&[Answer::Right]));
    place.put_partial(&[0; 70_000]);
    place.succeed(&[&server]);
    assert_eq!(server.ranges(), [range(70_000), None]);

    let (place, server) = (Place::new(), serve(&[Answer::Right]));
    place.put_partial(&[0; LENGTH]);
    place.succeed(&[&server]);
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn a_partial_file_that_is_too_long_is_begun_anew() {
    let (place, server) = (Place::new(), serve(&[Answer::Right]));
    place.put_partial(&[body(), b"more".to_vec()].concat());
    place.succeed(&[&server]);
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn a_partial_file_that_is_complete_needs_no_server() {
    let (place, server) = (Place::new(), serve(&[Answer::Status(500)]));
    place.put_partial(&body());
    place.succeed(&[&server]);
    assert_eq!(server.ranges(), []);
}

#[test]
fn redirects_are_followed_with_their_range() {
    let goal = serve(&[Answer::Right]);
    let server = serve(&[Answer::Redirect(format!("{}{NAME}", goal.address()))]);
    let place = Place::new();
    place.put_partial(&body()[..70_000]);
    place.succeed(&[&server]);
    assert_eq!(goal.ranges(), [range(70_000)]);
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
    PublicFile { name: name.to_owned(), bytes: bytes.len() as u64, sha256 }
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

const RECORD: usize = 3073;
const BATCHES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// A batch of two records.
fn batch(number: usize) -> Vec<u8> {
    (0..2 * RECORD)
        .map(|i| if i % RECORD == 0 { number as u8 } else { (i + number) as u8 })
        .collect()
}

/// The entries of an archive as CIFAR-10 comes.
fn entries() -> Vec<(String, Vec<u8>)> {
    let inside = |name: &str| format!("cifar-10-batches-bin/{name}");
    let mut entries: Vec<(String, Vec<u8>)> =
        BATCHES.iter().enumerate().map(|(number, name)| (inside(name), batch(number))).collect();
    entries.push((inside("batches.meta.txt"), b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".to_vec()));
    entries.push((inside("readme.html"), b"<html>".to_vec()));
    entries
}

/// A compressed tar file. The names are written as they are: the crate itself refuses those that
/// lead elsewhere.
fn archive(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, &bytes[..]).unwrap();
    }
    gzip(&tar.into_inner().unwrap())
}

fn packed(server: &Server, archive: &[u8]) -> PublicSet {
    let exact = |name: &&str| Member { name: name.to_string(), bytes: 6146..=6146 };
    let names = Member { name: "batches.meta.txt".to_owned(), bytes: 1..=100 };
    PublicSet {
        files: vec![public("packed.tar.gz", archive)],
        members: BATCHES.iter().map(exact).chain([names]).collect(),
        ..set(&[server])
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_archive_is_unpacked_to_a_folder_that_opens() {
    let archive = archive(&entries());
    let (place, server) =
        (Place::new(), Server::new(&[("packed.tar.gz", &archive)], &[Answer::Right]));
    let set = packed(&server, &archive);
    let fetch = |offline| fetch(&set, &FetchOptions { offline, ..place.options() }, &mut |_| {});
    let folder = fetch(false).unwrap();
    let data = open(&folder).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (10, 2));
    assert_eq!(data.train.class_names()[9], "j");
    let expected =
        [&["batches.meta.txt"], &BATCHES[..5], &["lock", "packed.tar.gz", "test_batch.bin"]]
            .concat();
    assert_eq!(names_in(&folder), expected);

    // A member that is damaged comes from the archive again, without a connection.
    fs::write(folder.join(BATCHES[2]), b"short").unwrap();
    fetch(true).unwrap();
    assert_eq!(fs::read(folder.join(BATCHES[2])).unwrap(), batch(2));
    // An archive whose members are there is not missed.
    fs::remove_file(folder.join("packed.tar.gz")).unwrap();
    fetch(true).unwrap();
    fetch(false).unwrap();
    assert_eq!(server.requests().len(), 1);
    // But without them it is.
    fs::remove_file(folder.join(BATCHES[0])).unwrap();
    let message = fetch(true).unwrap_err().to_string();
    assert!(message.contains("packed.tar.gz: is missing"), "{message}");
    fetch(false).unwrap();
    assert_eq!(server.requests().len(), 2);
    assert_eq!(names_in(&folder), expected);
}

#[test]
fn an_archive_reaches_no_other_folder() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut entries = entries();
    let absolute = elsewhere.path().join("test_batch.bin").to_str().unwrap().to_owned();
    for name in ["../test_batch.bin", "a/../../test_batch.bin", &absolute, "../evil"] {
        entries.insert(0, (name.to_owned(), vec![0; 6146]));
    }
    let archive = archive(&entries);
    let (place, server) =
        (Place::new(), Server::new(&[("packed.tar.gz", &archive)], &[Answer::Right]));
    let folder = fetch(&packed(&server, &archive), &place.options(), &mut |_| {}).unwrap();
    assert_eq!(fs::read(folder.join("test_batch.bin")).unwrap(), batch(5));
    assert_eq!(names_in(place.0.path()), ["set"]);
    assert_eq!(names_in(elsewhere.path()), [""; 0]);
}

#[test]
fn an_archive_that_holds_something_else_is_an_error() {
    let mut short = entries();
    short[3].1.pop();
    let mut twice = entries();
    twice.push(twice[0].clone());
    let mut without = entries();
    without.remove(4);
    let whole = archive(&entries());
    let mut bomb = entries();
    bomb.insert(0, ("bomb".to_owned(), vec![0; 64 << 20]));
    for (archive, says) in [
        (archive(&short), "holds data_batch_4.bin with 6145 bytes"),
        (archive(&twice), "holds data_batch_1.bin twice"),
        (archive(&without), "holds no data_batch_5.bin"),
        (archive(&bomb), "is no archive that can be read"),
        (whole[..whole.len() / 2].to_vec(), "is no archive that can be read"),
        (b"no gzip".to_vec(), "is no archive that can be read"),
        (gzip(b"no tar"), "is no archive that can be read"),
    ] {
        let (place, server) =
            (Place::new(), Server::new(&[("packed.tar.gz", &archive)], &[Answer::Right]));
        let error = fetch(&packed(&server, &archive), &place.options(), &mut |_| {}).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with(place.folder().join("packed.tar.gz").to_str().unwrap()),
            "{message}"
        );
        assert!(
            message.contains(says) && !message.contains('\n'),
            "{message:?} does not say {says:?}"
        );
        let left: Vec<String> = names_in(&place.folder());
        assert!(left.iter().all(|name| !name.ends_with("partial")), "{left:?}");
    }
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
            assert!(file.sha256.len() == 64 && file.bytes > 0, "{file:?}");
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
