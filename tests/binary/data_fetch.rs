//! Public data sets by name, without ever leaving this machine.

use crate::program::{Place, TINY};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread::JoinHandle;

/// What `narrows` says on stderr, in a place whose cache folder is `caches`, behind the proxy
/// `proxy`.
pub fn fails(place: &Place, proxy: &str, args: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_narrows"));
    program.args(args).current_dir(place.path(".")).env("XDG_CACHE_HOME", place.path("caches"));
    program.env("ALL_PROXY", proxy).env_remove("NO_PROXY").env_remove("no_proxy");
    let output = program.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
    said
}

/// A proxy that is not there.
pub const NOBODY: &str = "http://127.0.0.1:9";

#[test]
fn what_is_wrong_with_a_fetch_is_said_in_one_line() {
    let place = Place::new();
    let cases: [(&[&str], &[&str]); 5] = [
        (&["data", "fetch"], &["<NAME>"]),
        (
            &["data", "fetch", "imagenet"],
            &["\"imagenet\"", "mnist, fashion-mnist, kmnist, cifar10"],
        ),
        (&["data", "fetch", "../mnist"], &["\"../mnist\"", "mnist, fashion-mnist"]),
        (&["data", "fetch", "mnist", "--config", "x"], &["--config"]),
        (
            &["data", "fetch", "mnist", "--offline"],
            &["caches", "train-images-idx3-ubyte.gz: is missing", "offline"],
        ),
    ];
    for (args, parts) in cases {
        let said = fails(&place, NOBODY, args);
        parts
            .iter()
            .for_each(|part| assert!(said.contains(part), "{said:?} does not say {part:?}"));
    }
    assert_eq!(place.listing(), [""; 0]);
    let said = fails(&place, NOBODY, &["data", "fetch", "mnist", "--offline", "--cache", "here"]);
    assert!(said.contains("here/mnist/train-images-idx3-ubyte.gz"), "{said}");
}

#[test]
fn data_alone_shows_what_there_is_below_it() {
    let said = Place::new().succeed("data");
    assert!(said.out.contains("fetch") && said.out.contains("Usage:"), "{}", said.out);
}

/// The help names every set of the catalogue, which it cannot be made from.
#[test]
fn the_help_names_every_set() {
    let said = Place::new().succeed("data fetch --help");
    for set in narrows_datasets::fetch::catalogue() {
        assert!(said.out.contains(&set.name), "{}", said.out);
    }
}

/// The address of a proxy that lets nobody through, and the first lines of so many requests to it.
pub fn closed_proxy(requests: usize) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.unwrap();
            let mut lines =
                BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            asked.push(lines.next().unwrap());
            lines.find(String::is_empty).unwrap();
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
        asked
    });
    (proxy, asked)
}

/// A proxy that lets nobody through: it is asked for each mirror once, and nothing is asked without
/// it.
#[test]
fn a_fetch_goes_through_the_proxy_and_names_each_mirror_that_failed() {
    let place = Place::new();
    let (proxy, asked) = closed_proxy(3);
    let said = fails(&place, &proxy, &["data", "fetch", "kmnist", "--quiet"]);
    for part in ["train-images-idx3-ubyte.gz: cannot be fetched", "put the file there by hand"] {
        assert!(said.contains(part), "{said}");
    }
    let asked = asked.join().unwrap();
    for (mirror, line) in
        narrows_datasets::fetch::named("kmnist").unwrap().mirrors.iter().zip(asked)
    {
        let (scheme, rest) = mirror.split_once("://").unwrap();
        let host = rest.split('/').next().unwrap();
        assert!(said.contains(&format!("{scheme}://{host} ")), "{said}");
        assert!(line.starts_with(&format!("CONNECT {host}:")), "{line}");
    }
}

/// On other systems, the cache folder is not where the variable says.
#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn data_can_be_named_once_it_is_fetched() {
    let place = Place::new();
    let compare = |place: &Place| {
        let args = [&["compare", "--data", "mnist", "--out", "run"], &TINY[..]].concat();
        fails(place, NOBODY, &args)
    };
    let said = compare(&place);
    assert!(said.contains("mnist: ") && said.contains("run narrows data fetch mnist"), "{said}");
    // Of the right lengths: that is what is looked at before they are read.
    let folder = place.path("caches/narrows/datasets/mnist");
    fs::create_dir_all(&folder).unwrap();
    for file in narrows_datasets::fetch::named("mnist").unwrap().files {
        File::create(folder.join(&file.name)).unwrap().set_len(*file.bytes.end()).unwrap();
    }
    let said = compare(&place);
    assert!(said.contains("caches/narrows/datasets/mnist/train-images-idx3-ubyte.gz: "), "{said}");
    // A fetch reads them, too, and is not content with their lengths.
    let said = fails(&place, NOBODY, &["data", "fetch", "mnist", "--offline"]);
    assert!(said.contains("has the SHA-256 "), "{said}");
    // A folder of that name goes before.
    fs::create_dir(place.path("mnist")).unwrap();
    let said = compare(&place);
    assert!(said.contains("mnist: is empty"), "{said}");
}
