//! Downloads that were cut off, and are continued.

use std::fs;

use super::{LENGTH, NAME, Place, body, range, serve};
use crate::mirror::Answer;

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
