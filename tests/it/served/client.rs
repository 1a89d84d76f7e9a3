//! A client that writes its requests by hand, and keeps its connection.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// How long an answer may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    stream: Option<BufReader<TcpStream>>,
    addr: String,
    key: String,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "`{name}` stands twice");
        value
    }

    /// The body; null when it is no JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Reads an answer; `None` when the other side has gone.
    pub(crate) fn read(stream: &mut impl BufRead) -> Option<Self> {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let (mut headers, mut length, mut chunked, mut endless) = (Vec::new(), 0, false, false);
        loop {
            line.clear();
            stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
            if name == "content-length" {
                length = value.parse().ok()?;
            }
            chunked |= (name.as_str(), value.as_str()) == ("transfer-encoding", "chunked");
            endless |= (name.as_str(), value.as_str()) == ("content-type", "text/event-stream");
            headers.push((name, value));
        }
        // Events go on for ever; that they begin is enough.
        let body = if chunked && !endless { chunks(stream)? } else { exactly(length, stream)? };
        Some(Self { status, headers, body })
    }
}

impl Client {
    pub(crate) fn new(addr: &str, key: &str) -> Self {
        Self { stream: None, addr: addr.to_owned(), key: key.to_owned() }
    }

    /// The client's key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// A JSON request with the client's key; `None` when the plane is gone.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let answer = self.send(method, path, &[], body)?;
        Some((answer.status, answer.json()))
    }

    /// The same with further headers, and the whole answer.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Option<Answer> {
        let key = [("x-scopebound-api-key", self.key.clone())];
        let key = key.iter().filter(|(_, key)| !key.is_empty()).map(|(name, key)| (*name, key.as_str()));
        let kind = headers.iter().all(|(name, _)| *name != "content-type");
        let kind = kind.then_some(("content-type", "application/json"));
        let headers: Vec<_> = key.chain(kind).chain(headers.iter().copied()).collect();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.exchange(&request(method, path, &headers, body.as_bytes()))
    }

    /// A request whose body is this text, be it JSON or not.
    pub(crate) fn text(&mut self, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
        let headers = [("x-scopebound-api-key", self.key.as_str()), ("content-type", "application/json")];
        let answer = self.exchange(&request(method, path, &headers, body.as_bytes()))?;
        Some((answer.status, answer.json()))
    }

    /// Sends bytes as they are, and reads one answer.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Option<Answer> {
        if self.stream.is_none() {
            self.stream = Some(BufReader::new(connect(&self.addr)?));
        }
        let stream = self.stream.as_mut()?;
        // A plane that has heard enough answers before all is sent.
        let _ = stream.get_mut().write_all(request);
        let answer = Answer::read(stream);
        if answer.as_ref().is_none_or(|answer| answer.header("connection") == Some("close")) {
            self.stream = None;
        }
        answer
    }

    /// A session's token; `None` when the plane is gone.
    pub(crate) fn provision(&mut self, role: &str) -> Option<String> {
        let (status, answer) = self.ask("POST", "/v1/provision", &json!({ "role_id": role }))?;
        assert_eq!(status, 200, "{answer}");
        Some(answer["jwt"].as_str().expect("a token").to_owned())
    }

    /// The verdict on a call, in a word; `None` when the plane is gone.
    pub(crate) fn enforce(
        &mut self,
        jwt: &str,
        tool: &str,
        call_id: &str,
        args: &Value,
    ) -> Option<(String, Value)> {
        let body = json!({ "jwt": jwt, "tool_name": tool, "call_id": call_id, "call_args": args });
        let (_, answer) = self.ask("POST", "/v1/enforce", &body)?;
        Some((answer["decision"].as_str()?.to_owned(), answer))
    }
}

fn exactly(length: usize, stream: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

/// A body that comes in pieces, each with its length, up to an empty one.
fn chunks(stream: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        body.extend(exactly(length, stream)?);
        exactly(2, stream)?;
        if length == 0 {
            return Some(body);
        }
    }
}

pub(crate) fn connect(addr: &str) -> Option<TcpStream> {
    let stream = TcpStream::connect(addr).ok()?;
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

/// A request, byte for byte.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: plane\r\ncontent-length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    [head.as_bytes(), b"\r\n", body].concat()
}
