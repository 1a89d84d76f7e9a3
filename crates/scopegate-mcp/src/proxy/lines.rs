//! A server's standard input and output: a message a line.
//!
//! The pipes are waited for by the runtime itself. Handing lines to threads that wait, as runtimes do
//! with a process's own streams, costs two more switches on each way.

use std::io::{Error, ErrorKind, Result};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ErrorData, JsonRpcMessage, RequestId, ServerJsonRpcMessage};
use rmcp::service::TxJsonRpcMessage;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::called;
use super::told::Tell;

/// The longest line: as long as rmcp lets messages over HTTP be.
const LONGEST: usize = 16 * 1024 * 1024;

/// A server that takes nothing in any more does not hold up its own end for longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The two ends.
pub(crate) struct Lines {
    input: BufReader<ChildStdout>,
    /// What was read of a line: receiving may be given up half-way and taken up again.
    line: Vec<u8>,
    output: Arc<Mutex<Option<ChildStdin>>>,
    server: String,
    tell: Tell,
}

impl Lines {
    /// `server` is whom lines for people are about.
    pub(crate) fn over(
        input: process::ChildStdout,
        output: process::ChildStdin,
        server: &str,
        tell: &Tell,
    ) -> Result<Self> {
        let input = BufReader::with_capacity(64 * 1024, ChildStdout::from_std(input)?);
        let output = Arc::new(Mutex::new(Some(ChildStdin::from_std(output)?)));
        Ok(Self { input, line: Vec::new(), output, server: server.to_owned(), tell: tell.clone() })
    }

    /// The next message; none when there will be no more.
    pub(crate) async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            match bounded_line(&mut self.input, &mut self.line).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.tell.line(&self.server, &error.to_string());
                    return None;
                }
            }
            let message = read(&self.server, &self.tell, &self.line);
            self.line.clear();
            if message.is_some() {
                return message;
            }
        }
    }

    /// Whoever is first to wait for what this returns is first to write.
    pub(crate) fn send(
        &self,
        message: &TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<()>> + Send + 'static + use<> {
        let (line, output) = (serde_json::to_vec(message), self.output.clone());
        async move {
            let mut line = line.map_err(Error::other)?;
            line.push(b'\n');
            let mut output = output.lock().await;
            let output = output.as_mut().ok_or_else(closed)?;
            output.write_all(&line).await?;
            output.flush().await
        }
    }

    /// Hangs up: the server's standard input ends.
    pub(crate) async fn hang_up(&mut self) {
        if let Ok(mut output) = timeout(PATIENCE, self.output.lock()).await {
            *output = None;
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::BrokenPipe, "the server has hung up")
}

/// The message of a line; people are told of lines that hold none.
fn read(server: &str, tell: &Tell, line: &[u8]) -> Option<ServerJsonRpcMessage> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return None;
    }
    if let Some(answer) = called::read(line) {
        return Some(answer);
    }
    let error = match serde_json::from_slice(line) {
        Ok(message) => return Some(message),
        Err(error) => error,
    };
    let shown = String::from_utf8_lossy(line.get(..200).unwrap_or(line)).into_owned();
    tell.line(server, &format!("wrote what is no message ({error}): {shown}"));
    // Whoever waits for this answer is told, rather than left to wait.
    let id = unreadable_answer(line)?;
    let error = ErrorData::internal_error("the server's answer cannot be read", None);
    Some(JsonRpcMessage::error(error, Some(id)))
}

/// The id of an answer that is none by its content.
fn unreadable_answer(line: &[u8]) -> Option<RequestId> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    match value.get("method") {
        Some(_) => None,
        None => serde_json::from_value(value.get("id")?.clone()).ok(),
    }
}

/// Reads on in a line until its end, which is taken off; false when there is no line any more.
async fn bounded_line(input: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> Result<bool> {
    let room = (LONGEST + 1).saturating_sub(line.len());
    input.take(room as u64).read_until(b'\n', line).await?;
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(true);
    }
    match line.len() > LONGEST {
        true => Err(Error::new(ErrorKind::InvalidData, "a line of more than 16 MiB: no more is read")),
        // What broke off is no message.
        false => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_breaks_off_is_no_message() {
        let mut input = &b"{}\n\n{\"id\""[..];
        let (mut lines, mut line) = (Vec::new(), Vec::new());
        while bounded_line(&mut input, &mut line).await.unwrap() {
            lines.push(std::mem::take(&mut line));
        }
        assert_eq!(lines, [b"{}".to_vec(), b"".to_vec()]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_given_up() {
        let mut endless = BufReader::new(tokio::io::repeat(b'x'));
        let mut line = Vec::new();
        let error = bounded_line(&mut endless, &mut line).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn an_answer_that_cannot_be_read_still_ends_the_call() {
        let told = |line: &str| serde_json::to_value(read("s", &Tell::nobody(), line.as_bytes())).unwrap();
        assert_eq!(told("{\"id\": 7, \"result\": 3, \"jsonrpc\": \"1.0\"}")["id"], 7);
        assert_eq!(told("starting...").as_null(), Some(()));
        assert_eq!(told("{\"id\": 7, \"method\": 3}").as_null(), Some(()));
    }
}
