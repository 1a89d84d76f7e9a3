//! A real plane, killed and crowded: what it acknowledged it keeps, and what may happen once happens once.

mod crowd;
mod kill;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::binary;

/// A running plane; killed, as by a power cut of the process alone, when dropped.
struct Plane {
    child: Child,
    addr: String,
}

impl Plane {
    fn start(data: &Path) -> Self {
        let mut command = Command::new(binary());
        command.args(["--output", "json", "serve", "--addr", "127.0.0.1:0", "--data"]).arg(data);
        let mut child =
            command.env("RUST_LOG", "off").stdout(Stdio::piped()).spawn().expect("the plane starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let told: Value = serde_json::from_str(&line).expect("where it listens");
        let addr = told["url"].as_str().expect("a URL").trim_start_matches("http://").to_owned();
        Self { child, addr }
    }

    fn client(&self, key: &str) -> Client {
        Client { stream: None, addr: self.addr.clone(), key: key.to_owned() }
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        // SIGKILL: it gets no chance to finish anything.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A key of the default tenant.
fn key(data: &Path, kind: &str) -> String {
    let mut command = Command::new(binary());
    let made = command.args(["keys", "create", "--kind", kind, "--data"]).arg(data).output().expect("a key");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("UTF-8").trim().to_owned()
}

/// A client that keeps its connection. `None` when the plane is gone.
struct Client {
    stream: Option<BufReader<TcpStream>>,
    addr: String,
    key: String,
}

impl Client {
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.addr).ok()?;
            stream.set_nodelay(true).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
            self.stream = Some(BufReader::new(stream));
        }
        let answer = self.exchange(method, path, body);
        if answer.is_none() {
            self.stream = None;
        }
        answer
    }

    fn exchange(&mut self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let stream = self.stream.as_mut()?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: plane\r\nx-scopebound-api-key: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        stream.get_mut().write_all(request.as_bytes()).ok()?;
        let (mut line, mut length) = (String::new(), 0);
        stream.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        loop {
            line.clear();
            stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).ok()?;
        Some((status, serde_json::from_slice(&answer).unwrap_or_default()))
    }

    /// A session's token; `None` when the plane is gone.
    fn provision(&mut self, role: &str) -> Option<String> {
        let (status, answer) = self.ask("POST", "/v1/provision", &json!({ "role_id": role }))?;
        assert_eq!(status, 200, "{answer}");
        Some(answer["jwt"].as_str().expect("a token").to_owned())
    }

    /// The verdict on a call, in a word; `None` when the plane is gone.
    fn enforce(&mut self, jwt: &str, tool: &str, call_id: &str, args: &Value) -> Option<(String, Value)> {
        let body = json!({ "jwt": jwt, "tool_name": tool, "call_id": call_id, "call_args": args });
        let (_, answer) = self.ask("POST", "/v1/enforce", &body)?;
        Some((answer["decision"].as_str()?.to_owned(), answer))
    }
}

/// How many times something happened, by its name.
fn count<'a>(names: impl IntoIterator<Item = &'a str>) -> std::collections::HashMap<&'a str, usize> {
    let mut counts = std::collections::HashMap::new();
    names.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}
