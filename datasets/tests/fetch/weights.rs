//! Files whose publisher tells no more than the start of their SHA-256, or a rounded length.

use super::{LENGTH, Place, body, range, serve, set};
use crate::mirror::{Answer, Server};
use narrows_datasets::Error;
use narrows_datasets::fetch::{Kind, fetch, weights};

/// Fetches a file that is known by so many digits, and by its length to 500 bytes.
fn rounded(place: &Place, server: &Server, digits: usize) -> Result<(), Error> {
    let mut set = set(&[server]);
    set.files[0].sha256.truncate(digits);
    set.files[0].bytes = LENGTH as u64 - 500..=LENGTH as u64 + 500;
    let result = fetch(&set, &place.options(), &mut |_| {});
    place.check();
    result.map(|folder| assert_eq!(folder, place.folder()))
}

fn ends_with_the_file(place: &Place) {
    assert!(place.file().exists() && !place.partial().exists());
}

#[test]
fn the_start_of_a_sha256_tells_the_right_file_from_others() {
    let (place, server) = (Place::new(), serve(&[Answer::Right]));
    rounded(&place, &server, 8).unwrap();
    ends_with_the_file(&place);
    // It is not fetched again.
    rounded(&place, &server, 8).unwrap();
    assert_eq!(server.requests().len(), 1);
    // Another one gets its name no more than where all digits are known.
    let mut other = body();
    other[100_000] ^= 1;
    for digits in [8, 64] {
        let (place, server) = (Place::new(), serve(&[Answer::Bytes(other.clone())]));
        let message = rounded(&place, &server, digits).unwrap_err().to_string();
        assert!(message.contains("cannot be fetched") && message.contains("SHA-256"), "{message}");
        assert!(!place.file().exists());
    }
}

#[test]
fn fewer_than_eight_digits_are_no_check() {
    let (place, server) = (Place::new(), serve(&[Answer::Right]));
    rounded(&place, &server, 7).unwrap_err();
    assert!(!place.file().exists());
}

#[test]
fn a_length_told_rounded_is_kept_to() {
    for length in [LENGTH - 501, LENGTH + 501] {
        let (place, server) = (Place::new(), serve(&[Answer::Offer(length)]));
        let message = rounded(&place, &server, 8).unwrap_err().to_string();
        let offer = format!("offers {length} bytes, not 199500 to 200500");
        assert!(message.contains(&offer), "{message}");
    }
}

#[test]
fn a_file_of_rounded_length_is_continued() {
    // The second is as long as the file might be.
    for have in [70_000, LENGTH - 400] {
        let (place, server) = (Place::new(), serve(&[Answer::Right]));
        place.put_partial(&body()[..have]);
        rounded(&place, &server, 8).unwrap();
        ends_with_the_file(&place);
        assert_eq!(server.ranges(), [range(have)]);
    }
    let (place, server) = (Place::new(), serve(&[Answer::Cut(LENGTH - 300), Answer::Right]));
    rounded(&place, &server, 8).unwrap();
    ends_with_the_file(&place);
}

/// No byte is left to ask for, which servers refuse.
#[test]
fn a_partial_file_of_rounded_length_that_is_complete_needs_no_server() {
    let (place, server) = (Place::new(), serve(&[Answer::Status(416)]));
    place.put_partial(&body());
    rounded(&place, &server, 8).unwrap();
    ends_with_the_file(&place);
    assert!(server.requests().is_empty());
}

#[test]
fn the_weights_are_well_formed() {
    let sets = weights();
    for set in &sets {
        assert_eq!((set.kind, set.files.len(), set.members.len()), (Kind::Weights, 1, 0));
        assert!(set.mirrors.iter().all(|m| m.starts_with("https://") && m.ends_with('/')));
        let file = &set.files[0];
        let (_, digits) = file.name.strip_suffix(".pth").unwrap().rsplit_once('-').unwrap();
        assert!(digits.len() == 8 && file.sha256.starts_with(digits), "{file:?}");
        assert!([8, 64].contains(&file.sha256.len()), "{file:?}");
        assert!(file.sha256.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')), "{file:?}");
    }
    // Exact lengths, as public projects pin them.
    for (name, length) in [
        ("resnet18", 46_830_571),
        ("resnet50", 102_540_417),
        ("mobilenet_v3_small", 10_306_551),
        ("mobilenet_v3_large", 22_132_113),
    ] {
        let bytes = &sets.iter().find(|set| set.name == name).unwrap().files[0].bytes;
        assert!(bytes.contains(&length), "{name}: {bytes:?}");
        assert!(bytes.end() - bytes.start() < 1_100, "{name}: {bytes:?}");
    }
}
