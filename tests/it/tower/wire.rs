//! HTTP/1.1 by hand: a client that can also misbehave.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A response as it stood on the wire.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    /// The value of a header, if it was sent exactly once.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value);
        let first = values.next();
        first.filter(|_| values.next().is_none())
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The code of a problem document, or `ran` when the handler answered.
    pub(super) fn code(&self) -> String {
        if self.header("x-ran").is_some() {
            return "ran".to_owned();
        }
        self.json()["code"].as_str().unwrap_or("no code").to_owned()
    }
}

/// Serves a router on a free port.
pub(super) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

/// Sends these bytes and reads until the server closes.
pub(super) async fn exchange(addr: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
    read.expect("an answer in time")
        .or_else(|error| if bytes.is_empty() { Err(error) } else { Ok(0) })
        .expect("an answer");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

/// A request with further header lines (each ending in `\r\n`) and a body of known length.
pub(super) async fn send(addr: SocketAddr, line: &str, headers: &str, body: &str) -> Reply {
    let length = match body.is_empty() {
        true => String::new(),
        false => format!("content-length: {}\r\n", body.len()),
    };
    let request = format!("{line} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{headers}{length}\r\n{body}");
    exchange(addr, request.as_bytes()).await
}

/// A JSON request with the good token.
pub(super) async fn post(addr: SocketAddr, path: &str, body: &str) -> Reply {
    let headers = "authorization: Bearer good-token\r\ncontent-type: application/json\r\n";
    send(addr, &format!("POST {path}"), headers, body).await
}
