//! One file from one mirror, once: all of it, or the part that is missing.
//!
//! A server is not trusted: at most the expected length is written, and a range is continued only
//! if it is the one that was asked for.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use ureq::http::{Response, StatusCode, Uri, header};
use ureq::{Agent, Body, Timeout};

use super::FetchOptions;
use super::catalogue::PublicFile;
use crate::error::Error;

/// The bytes that a server has to send within the time that it may be silent. One that sends a byte
/// now and then would keep us for years.
const SLOWEST: u64 = 1024;
/// The bytes that are read at a time.
const PIECE: usize = 1 << 16;

/// The reason why a file did not come.
pub(super) enum Failure {
    /// A problem of this machine, which no other mirror solves.
    Here(Error),
    /// The mirror may do better next time.
    Passing(String),
    /// The mirror is not to be asked again.
    Lasting(String),
}

/// A client with the time limits of `options`. It goes through the proxy that the environment
/// names, but not to this machine itself.
pub(super) fn agent(options: &FetchOptions, url: &str) -> Agent {
    let host =
        url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("narrows/", env!("CARGO_PKG_VERSION")))
        // The checksum is that of the file itself, not of a form that a server makes of it.
        .accept_encoding("identity")
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_send_request(Some(options.stall_timeout))
        .timeout_recv_response(Some(options.stall_timeout))
        .timeout_per_read(Some(options.stall_timeout))
        .max_redirects(5)
        // A connection that broke in one attempt is not to be met again in the next.
        .max_idle_connections(0);
    if matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]") {
        config = config.proxy(None);
    }
    config.build().new_agent()
}

/// The length of `path`, 0 if there is nothing.
pub(super) fn length(path: &Path) -> Result<u64, Failure> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Failure::Here(Error::io(path, error))),
    }
}

/// Removes the file `path`, if it is there.
pub(super) fn discard(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::Here(Error::io(path, error)))
        }
        _ => Ok(()),
    }
}

/// Brings `partial` to the length of `file` from `url`, and tells `progress` its length.
pub(super) fn receive(
    url: &str,
    partial: &Path,
    file: &PublicFile,
    options: &FetchOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Failure> {
    let mut have = length(partial)?;
    let most = *file.bytes.end();
    if have > most {
        discard(partial)?;
        have = 0;
    }
    if have == most && most > 0 {
        return Ok(());
    }
    let agent = agent(options, url);
    let ask = |have: u64| {
        let mut request = agent.get(url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        request.call().map_err(|error| failure(error, options))
    };
    let mut response = ask(have)?;
    let mut start = first_byte(&response, have, file)?;
    if start.is_none() {
        // It cannot go on from there: then from the beginning.
        discard(partial)?;
        response = ask(0)?;
        start = first_byte(&response, 0, file)?;
    }
    let start = start
        .ok_or_else(|| Failure::Lasting("answers with a range that nobody asked for".to_owned()))?;
    append(&mut response, start, partial, file, options, progress)
}

/// The place in the file of the first byte that `response` brings, to a request for all from
/// `have`; `None` if it is not that which was asked for.
fn first_byte(
    response: &Response<Body>,
    have: u64,
    file: &PublicFile,
) -> Result<Option<u64>, Failure> {
    let start = match response.status() {
        StatusCode::OK => 0,
        StatusCode::PARTIAL_CONTENT if have > 0 => match content_range(response) {
            Some((first, total))
                if first == have && total.is_none_or(|total| file.bytes.contains(&total)) =>
            {
                have
            }
            _ => return Ok(None),
        },
        StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => return Ok(None),
        status => {
            let problem = format!("answers {status}");
            let passing = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
            return Err(if passing {
                Failure::Passing(problem)
            } else {
                Failure::Lasting(problem)
            });
        }
    };
    let fits = |length| start.checked_add(length).is_some_and(|all| file.bytes.contains(&all));
    match response.body().content_length() {
        Some(length) if !fits(length) && start > 0 => Ok(None),
        Some(length) if !fits(length) => {
            Err(Failure::Lasting(format!("offers {length} bytes, not {}", file.lengths())))
        }
        _ => Ok(Some(start)),
    }
}

/// The first byte and the length of the whole that a `Content-Range: bytes 5-9/10` names; `*` is no
/// length.
fn content_range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let text = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((first.parse().ok()?, total))
}

/// Writes the body to `partial` from `start` on.
fn append(
    response: &mut Response<Body>,
    start: u64,
    partial: &Path,
    PublicFile { bytes, .. }: &PublicFile,
    options: &FetchOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Failure> {
    let most = *bytes.end();
    let here = |error| Failure::Here(Error::io(partial, error));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(start == 0)
        .open(partial)
        .map_err(here)?;
    file.seek(SeekFrom::Start(start)).map_err(here)?;
    let mut body = response.body_mut().as_reader();
    let mut piece = vec![0; PIECE];
    let mut done = start;
    let mut window = (Instant::now(), start);
    progress(done);
    while let length @ 1.. = read(&mut body, &mut piece, done, most, options)? {
        if length as u64 > most - done {
            drop(file);
            discard(partial)?;
            return Err(Failure::Lasting(format!("sends more than {most} bytes")));
        }
        file.write_all(&piece[..length]).map_err(here)?;
        done += length as u64;
        progress(done);
        let (since, before) = window;
        if since.elapsed() > options.stall_timeout {
            if done < most && done - before < SLOWEST {
                let seconds = in_seconds(options.stall_timeout);
                return Err(Failure::Passing(format!(
                    "sends less than {SLOWEST} bytes in {seconds}"
                )));
            }
            window = (Instant::now(), done);
        }
    }
    match bytes.contains(&done) {
        true => Ok(()),
        false => Err(Failure::Passing(format!("stops after {done} of {most} bytes"))),
    }
}

/// The number of bytes that came, 0 at the end.
fn read(
    body: &mut impl Read,
    piece: &mut [u8],
    done: u64,
    bytes: u64,
    options: &FetchOptions,
) -> Result<usize, Failure> {
    loop {
        match body.read(piece) {
            Ok(length) => return Ok(length),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(match failure(ureq::Error::from(error), options) {
                    Failure::Passing(problem) => {
                        Failure::Passing(format!("{problem} after {done} of {bytes} bytes"))
                    }
                    other => other,
                });
            }
        }
    }
}

/// The meaning of `error`, in a few words.
fn failure(error: ureq::Error, options: &FetchOptions) -> Failure {
    use ureq::Error as E;
    match error {
        E::Timeout(Timeout::Resolve | Timeout::Connect) => Failure::Passing(format!(
            "cannot be reached in {}",
            in_seconds(options.connect_timeout)
        )),
        E::Timeout(_) => {
            Failure::Passing(format!("sends nothing for {}", in_seconds(options.stall_timeout)))
        }
        E::HostNotFound => Failure::Passing("is not found".to_owned()),
        E::ConnectionFailed => Failure::Passing("cannot be reached".to_owned()),
        E::Io(error) => Failure::Passing(match error.kind() {
            io::ErrorKind::UnexpectedEof => "closes the connection".to_owned(),
            io::ErrorKind::ConnectionRefused => "refuses the connection".to_owned(),
            // The standard library has no kind for it.
            _ if error.to_string().starts_with("failed to lookup address") => {
                "is not found: is this machine online?".to_owned()
            }
            _ => error.to_string(),
        }),
        E::Protocol(_) | E::Http(_) | E::LargeResponseHeader(..) => {
            Failure::Lasting("does not answer in HTTP".to_owned())
        }
        other => Failure::Lasting(other.to_string()),
    }
}

/// A duration as text: `30 s`.
fn in_seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
