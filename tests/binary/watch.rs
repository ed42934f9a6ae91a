//! The page of a run in progress, over the loopback.

use crate::program::Place;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A server, ended when it is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(place: &Place, run: &str) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_narrows"))
            .args(["watch", run])
            .current_dir(place.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_string();
        assert!(address.starts_with("127.0.0.1:"), "{line}");
        Server { child, address }
    }

    /// The answer to a request: its first line and headers, and its text.
    fn ask(&self, method: &str, path: &str, host: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_string(), text.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_page_of_a_run_in_progress_is_served_to_this_machine_alone() {
    let place = Place::new();
    place.succeed("pretrain --epochs 3 --widths 8 --latent 2 --out ae --quiet");
    // As the folder is while the run goes on, two epochs from its start.
    fs::rename(place.path("ae/summary.json"), place.path("summary.json")).unwrap();
    let rows: Vec<String> = place.read("ae/metrics.csv").lines().map(str::to_string).collect();
    fs::write(place.path("ae/metrics.csv"), rows[..3].join("\n") + "\n").unwrap();
    let server = Server::start(&place, "ae");

    let (head, page) = server.ask("GET", "/", &server.address);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(page.contains("<b>2</b>") && page.contains("epochs so far"), "{page}");
    assert!(page.contains("http-equiv=\"refresh\""));
    let (head, _) = server.ask("GET", "/", "example.org");
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let (head, _) = server.ask("GET", "/../config.toml", &server.address);
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    let (head, _) = server.ask("POST", "/", &server.address);
    assert!(head.starts_with("HTTP/1.1 405 "), "{head}");

    // A file that is being written is a reason to ask again.
    fs::write(place.path("ae/metrics.csv"), "run,epo").unwrap();
    let (head, text) = server.ask("GET", "/", &server.address);
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("Refresh: 5"), "{head}");
    assert!(text.contains("metrics.csv"), "{text}");

    fs::write(place.path("ae/metrics.csv"), rows.join("\n") + "\n").unwrap();
    fs::rename(place.path("summary.json"), place.path("ae/summary.json")).unwrap();
    let (_, page) = server.ask("GET", "/", &server.address);
    assert!(!page.contains("epochs so far") && !page.contains("http-equiv=\"refresh\""));
}

#[test]
fn what_is_no_run_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path("empty")).unwrap();
    assert!(place.refuse("watch empty").err.contains("empty"));
    assert!(place.refuse("watch nowhere").err.contains("nowhere"));
}
