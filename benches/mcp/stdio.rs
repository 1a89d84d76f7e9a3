//! Over standard input and output.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use scopegate_benches::Result;
use serde_json::{Value, json};

use crate::rounds::{Calls, Way, compare, run};
use crate::{ourselves, proxy};

pub(crate) fn measure(policy: &Path, rounds: usize, calls: usize) -> Result<()> {
    println!("stdio");
    let own = ourselves()?;
    let direct = [own.clone(), "echo".to_owned()];
    let bytes = [own.clone(), "relay".to_owned(), own.clone(), "echo".to_owned()];
    let gated = proxy(policy, &["--", &own, "echo"])?;
    let mut ways = [
        Way::new("direct", Session::start(&direct)?),
        Way::new("bytes, two threads", Session::start(&bytes)?),
        Way::new("scopegate mcp", Session::start(&gated)?),
    ];
    run(&mut ways, rounds, calls)?;
    let [direct, bytes, gated] = &ways;
    compare(gated, direct);
    // Goal 19: at most 1.15x.
    compare(gated, bytes);
    Ok(())
}

/// A client that does no more than it has to.
struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: String,
}

impl Session {
    fn start(command: &[String]) -> Result<Self> {
        let (program, args) = command.split_first().ok_or("no program")?;
        let mut command = Command::new(program);
        let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut session = Self { child, input, output, line: String::new() };
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"},
        });
        session.ask(&json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello}))?;
        session.write(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok(session)
    }

    fn write(&mut self, message: &Value) -> Result<()> {
        Ok(self.input.write_all(format!("{message}\n").as_bytes())?)
    }

    fn ask(&mut self, message: &Value) -> Result<()> {
        self.write(message)?;
        self.line.clear();
        self.output.read_line(&mut self.line)?;
        Ok(())
    }
}

impl Calls for Session {
    fn call(&mut self, number: usize) -> Result<()> {
        let params = json!({"name": "echo", "arguments": {"text": "hello", "n": number}});
        self.ask(&json!({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}))?;
        match self.line.contains("\"text\":\"hello\"") && !self.line.contains("isError\":true") {
            true => Ok(()),
            false => Err(format!("not what was asked for: {}", self.line).into()),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Hands bytes to a program and back: what any process between the two costs at least.
pub(crate) fn relay(command: &[String]) -> Result<()> {
    let (program, args) = command.split_first().ok_or("no program")?;
    let mut child = Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (input, output) = (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
    let there = thread::spawn(move || pump(std::io::stdin().lock(), input));
    pump(output, std::io::stdout().lock())?;
    let _ = there.join();
    child.wait()?;
    Ok(())
}

fn pump(mut from: impl Read, mut to: impl Write) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer)?;
        let Some(bytes @ [_, ..]) = buffer.get(..read) else { return Ok(()) };
        to.write_all(bytes)?;
        to.flush()?;
    }
}
