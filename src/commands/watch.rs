//! `narrows watch`: the page of a run, served to this machine alone while the run goes on.

use crate::cli::options::watch::Watch;
use crate::error::Error;
use crate::report;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use tiny_http::{Header, Method, Request, Response, Server, StatusCode};

pub fn run(options: &Watch) -> Result<String, Error> {
    // A page that cannot be made is told at once, not in a browser.
    report::live(&options.run)?;
    let server = Server::http((Ipv4Addr::LOCALHOST, options.port)).map_err(|e| {
        let port = options.port;
        Error::new(format!("cannot listen on port {port}: {e}: give another one by --port"))
    })?;
    let address = server.server_addr().to_ip();
    let address = address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)));
    // Where nobody listens, the page is served all the same.
    let _ = writeln!(std::io::stdout(), "watch: http://{address}/ (Ctrl-C ends this, not the run)");
    for request in server.incoming_requests() {
        // A browser that goes away before it has its answer is nobody's problem.
        let _ = answer(request, address, options);
    }
    Ok(String::new())
}

/// Answers one request.
fn answer(request: Request, address: SocketAddr, options: &Watch) -> std::io::Result<()> {
    let plain = |code: u16, text: &str| (code, "text/plain; charset=utf-8", text.to_string());
    let host = request.headers().iter().find(|header| header.field.equiv("Host"));
    let host = host.map(|header| header.value.as_str());
    // A page of elsewhere whose name was pointed to this machine asks for that name.
    let is_ours = [address.to_string(), format!("localhost:{}", address.port())]
        .iter()
        .any(|ours| host.is_some_and(|host| host.eq_ignore_ascii_case(ours)));
    let (code, kind, text) = match (is_ours, request.method(), request.url()) {
        (false, ..) => plain(403, "this page is for this machine alone"),
        (_, Method::Get | Method::Head, "/") => match report::live(&options.run) {
            Ok(page) => (200, "text/html; charset=utf-8", page),
            // The run may be about to write the file that is missing: the page comes back to it.
            Err(e) => plain(503, &e.to_string()),
        },
        (_, Method::Get | Method::Head, _) => plain(404, "there is the page / alone"),
        _ => plain(405, "this page is to be read alone"),
    };
    let header = |name: &str, value: &str| {
        Header::from_bytes(name, value).expect("the names and values are plain ASCII")
    };
    let mut response = Response::from_string(text)
        .with_status_code(StatusCode(code))
        .with_header(header("Content-Type", kind))
        .with_header(header("Cache-Control", "no-store"));
    if code == 503 {
        response.add_header(header("Refresh", report::REFRESH));
    }
    request.respond(response)
}
