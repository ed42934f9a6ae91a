//! A web server on the loopback that can misbehave: each connection gets the next of its answers,
//! the last one ever after.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What to do with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// What was asked for, from where it was asked for.
    Right,
    /// The same, in pieces with a pause of 10 ms after each.
    InPieces,
    /// All of it, whatever was asked for.
    All,
    /// The right headers, but other bytes.
    Bytes(Vec<u8>),
    /// So many of the bytes, then nothing, with the connection open.
    Stall(usize),
    /// So many of the bytes, then the end of the connection.
    Cut(usize),
    /// Another length in the headers, then all bytes.
    Offer(usize),
    /// No length at all, and all bytes but so many at the end.
    Unannounced(usize),
    /// No length at all, and bytes without end; or as chunks.
    Endless { chunked: bool },
    /// A byte of the body at a time, 20 ms apart.
    Drip,
    /// A byte of the headers at a time, 20 ms apart.
    DripHeaders,
    /// No more than a status.
    Status(u16),
    /// To this address.
    Redirect(String),
    /// A range that begins so many bytes from where it should.
    Shifted(i64),
    /// A range of a file that is longer.
    OfAnother,
    /// These bytes in place of HTTP.
    Raw(&'static [u8]),
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub path: String,
    /// The value of `Range`.
    pub range: Option<String>,
}

pub struct Server {
    address: String,
    seen: Arc<Mutex<Vec<Request>>>,
    sent: Arc<Mutex<u64>>,
}

impl Server {
    /// Serves `files`, a body for each path, by `answers`.
    pub fn new(files: &[(&str, &[u8])], answers: &[Answer]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let files: HashMap<String, Vec<u8>> =
            files.iter().map(|(name, body)| (format!("/{name}"), body.to_vec())).collect();
        let (files, answers) = (Arc::new(files), answers.to_vec());
        let (seen, sent) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::<Mutex<u64>>::default());
        let (log, count) = (seen.clone(), sent.clone());
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let answer = answers[number.min(answers.len() - 1)].clone();
                let (files, log, count) = (files.clone(), log.clone(), count.clone());
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    // Where the client has left there is nothing more to do.
                    let Some(request) = read_request(&mut stream) else { return };
                    log.lock().unwrap().push(request.clone());
                    let body = files.get(&request.path).map(Vec::as_slice);
                    let _ = answer_to(&mut stream, &request, body, &answer, &count);
                });
            }
        });
        Server { address, seen, sent }
    }

    /// What goes before a file's name.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The ranges that were asked for.
    pub fn ranges(&self) -> Vec<Option<String>> {
        self.requests().into_iter().map(|request| request.range).collect()
    }

    /// How many bytes of endless bodies went out.
    pub fn sent_without_end(&self) -> u64 {
        *self.sent.lock().unwrap()
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let range = lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("range").then(|| value.to_owned())
    });
    Some(Request { path, range })
}

fn answer_to(
    stream: &mut TcpStream,
    request: &Request,
    body: Option<&[u8]>,
    answer: &Answer,
    sent: &Mutex<u64>,
) -> std::io::Result<()> {
    let Some(body) = body else {
        return head(stream, "404 Not Found", &["Content-Length: 0".into()]);
    };
    let asked = request.range.as_deref().map(|range| {
        range
            .strip_prefix("bytes=")
            .and_then(|range| range.strip_suffix('-'))
            .unwrap()
            .parse::<usize>()
            .unwrap()
    });
    let from = asked.unwrap_or(0);
    let length = |bytes: usize| format!("Content-Length: {bytes}");
    let right_head = |stream: &mut TcpStream| match asked {
        None => head(stream, "200 OK", &[length(body.len())]),
        Some(from) if from >= body.len() => head(
            stream,
            "416 Range Not Satisfiable",
            &[length(0), format!("Content-Range: bytes */{}", body.len())],
        ),
        Some(from) => {
            let range = format!("Content-Range: bytes {from}-{}/{}", body.len() - 1, body.len());
            head(stream, "206 Partial Content", &[length(body.len() - from), range])
        }
    };
    let rest = body.get(from..).unwrap_or_default();
    match answer {
        Answer::Right => right_head(stream).and_then(|()| stream.write_all(rest)),
        Answer::InPieces => {
            right_head(stream)?;
            for piece in rest.chunks(body.len().div_ceil(20)) {
                stream.write_all(piece)?;
                thread::sleep(Duration::from_millis(10));
            }
            Ok(())
        }
        Answer::All => {
            head(stream, "200 OK", &[length(body.len())]).and_then(|()| stream.write_all(body))
        }
        Answer::Bytes(bytes) => right_head(stream).and_then(|()| stream.write_all(&bytes[from..])),
        Answer::Stall(bytes) => {
            right_head(stream)?;
            stream.write_all(&rest[..*bytes])?;
            // Until the client has had enough.
            stream.read_exact(&mut [0])
        }
        Answer::Cut(bytes) => right_head(stream).and_then(|()| stream.write_all(&rest[..*bytes])),
        Answer::Offer(bytes) => {
            head(stream, "200 OK", &[length(*bytes)]).and_then(|()| stream.write_all(body))
        }
        Answer::Unannounced(missing) => {
            head(stream, "200 OK", &[])?;
            stream.write_all(&body[..body.len() - missing])
        }
        Answer::Endless { chunked } => {
            let encoding = "Transfer-Encoding: chunked".to_owned();
            head(stream, "200 OK", if *chunked { std::slice::from_ref(&encoding) } else { &[] })?;
            let piece = [b'x'; 1 << 16];
            // An end after all, for a client that has none.
            for _ in 0..1 << 14 {
                if *chunked {
                    stream.write_all(b"10000\r\n")?;
                }
                stream.write_all(&piece)?;
                if *chunked {
                    stream.write_all(b"\r\n")?;
                }
                *sent.lock().unwrap() += piece.len() as u64;
            }
            Ok(())
        }
        Answer::Drip => right_head(stream).and_then(|()| drip(stream, rest)),
        Answer::DripHeaders => {
            drip(stream, &[&b"HTTP/1.1 200 OK\r\nX: "[..], &[b'x'; 1000]].concat())
        }
        Answer::Status(status) => head(stream, &format!("{status} Something"), &[length(0)]),
        Answer::Redirect(to) => head(stream, "302 Found", &[length(0), format!("Location: {to}")]),
        Answer::Shifted(by) => match asked {
            None => right_head(stream).and_then(|()| stream.write_all(rest)),
            Some(from) => {
                let from = from.checked_add_signed(*by as isize).unwrap();
                let range =
                    format!("Content-Range: bytes {from}-{}/{}", body.len() - 1, body.len());
                head(stream, "206 Partial Content", &[length(body.len() - from), range])?;
                stream.write_all(&body[from..])
            }
        },
        Answer::OfAnother => match asked {
            None => right_head(stream).and_then(|()| stream.write_all(rest)),
            Some(from) => {
                let range =
                    format!("Content-Range: bytes {from}-{}/{}", body.len() - 1, body.len() + 1);
                head(stream, "206 Partial Content", &[length(body.len() - from), range])?;
                stream.write_all(rest)
            }
        },
        Answer::Raw(bytes) => stream.write_all(bytes),
    }
}

fn head(stream: &mut TcpStream, status: &str, fields: &[String]) -> std::io::Result<()> {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    stream.write_all(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{fields}\r\n").as_bytes())
}

fn drip(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte])?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
