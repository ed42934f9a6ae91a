//! Servers that stall, lie, or do not answer.

use std::time::Duration;

use super::{LENGTH, NAME, Place, body, serve, set};
use crate::mirror::Answer;
use narrows_datasets::fetch::{Event, fetch};

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
