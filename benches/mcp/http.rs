//! Over streamable HTTP, on one connection that is kept.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use scopegate_benches::Result;
use serde_json::{Value, json};

use crate::rounds::{Calls, Way, compare, run};
use crate::{ourselves, proxy};

pub(crate) fn measure(policy: &Path, rounds: usize, calls: usize) -> Result<()> {
    println!("streamable HTTP");
    let mut server = Command::new(ourselves()?).arg("echo-http").stdout(Stdio::piped()).spawn()?;
    let mut port = String::new();
    BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut port)?;
    let server = Running(server);
    let direct = format!("127.0.0.1:{}", port.trim());
    let url = format!("http://{direct}/mcp");
    let gate = proxy(policy, &["--upstream", &url, "--listen", "127.0.0.1:0"])?;
    let (program, args) = gate.split_first().ok_or("no program")?;
    let mut gate = Command::new(program).args(args).stderr(Stdio::piped()).spawn()?;
    let mut told = String::new();
    BufReader::new(gate.stderr.take().ok_or("no errors")?).read_line(&mut told)?;
    let gate = Running(gate);
    let gated = told.split("http://").nth(1).and_then(|rest| rest.split('/').next()).ok_or(told.clone())?;
    let mut ways =
        [Way::new("direct", Session::start(&direct)?), Way::new("scopegate mcp", Session::start(gated)?)];
    run(&mut ways, rounds, calls)?;
    let [direct, gated] = &ways;
    compare(gated, direct);
    drop((server, gate));
    Ok(())
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A client that does no more than it has to.
struct Session {
    host: String,
    session: Option<String>,
    stream: BufReader<TcpStream>,
    body: String,
}

impl Session {
    fn start(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        let stream = BufReader::new(stream);
        let mut session = Self { host: host.to_owned(), session: None, stream, body: String::new() };
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"},
        });
        session.post(&json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello}))?;
        session.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok(session)
    }

    fn post(&mut self, message: &Value) -> Result<()> {
        let (host, body) = (&self.host, message.to_string());
        let session = self.session.as_ref().map(|id| format!("mcp-session-id: {id}\r\n")).unwrap_or_default();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\naccept: application/json, \
             text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\n{session}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.read()
    }

    /// The answer, to its end: of a length, or in chunks.
    fn read(&mut self) -> Result<()> {
        let (mut length, mut chunked, mut line) = (0, false, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                if line.trim_end().is_empty() { break } else { continue }
            };
            match (name.to_ascii_lowercase().as_str(), value.trim()) {
                ("content-length", value) => length = value.parse()?,
                ("transfer-encoding", value) => chunked = value.eq_ignore_ascii_case("chunked"),
                ("mcp-session-id", value) => self.session = Some(value.to_owned()),
                _ => {}
            }
        }
        self.body.clear();
        if !chunked {
            self.stream.by_ref().take(length).read_to_string(&mut self.body)?;
            return Ok(());
        }
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let length = u64::from_str_radix(line.trim_end(), 16)?;
            self.stream.by_ref().take(length + 2).read_to_string(&mut self.body)?;
            if length == 0 {
                return Ok(());
            }
        }
    }
}

impl Calls for Session {
    fn call(&mut self, number: usize) -> Result<()> {
        let params = json!({"name": "echo", "arguments": {"text": "hello", "n": number}});
        self.post(&json!({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}))?;
        match self.body.contains("\"text\":\"hello\"") && !self.body.contains("isError\":true") {
            true => Ok(()),
            false => Err(format!("not what was asked for: {}", self.body).into()),
        }
    }
}
