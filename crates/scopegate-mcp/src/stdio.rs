//! Serving over a pair of streams, a message a line.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use rmcp::model::{
    CallToolRequest, CallToolRequestMethod, CallToolRequestParams, ClientJsonRpcMessage, ClientRequest,
    ConstString as _, ErrorData, ServerJsonRpcMessage,
};
use rmcp::service::{RoleServer, RunningService, ServerInitializeError};
use rmcp::transport::Transport;
use rmcp::{ServerHandler, ServiceExt};
use scopegate_core::json::MAX_TEXT;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::Mutex;
use tokio_stream::StreamExt;
use tokio_util::codec::{Decoder, FramedRead};

use crate::frame::{Frame, Refused};
use crate::guarded::Guarded;

/// Serves a guarded server on the process's own streams. Standard output belongs to the protocol:
/// write logs elsewhere.
///
/// # Errors
/// [`ServerInitializeError`] when the client went away or did not begin as MCP begins.
pub async fn serve_stdio<H: ServerHandler>(
    server: Guarded<H>,
) -> Result<RunningService<RoleServer, Guarded<H>>, ServerInitializeError> {
    let (read, write) = rmcp::transport::stdio_pipes();
    serve_on(server, read, write).await
}

/// Serves a guarded server on any pair of streams.
///
/// # Errors
/// [`ServerInitializeError`] when the client went away or did not begin as MCP begins.
pub async fn serve_on<H, R, W>(
    server: Guarded<H>,
    read: R,
    write: W,
) -> Result<RunningService<RoleServer, Guarded<H>>, ServerInitializeError>
where
    H: ServerHandler,
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    server.serve(StrictTransport::new(read, write)).await
}

/// A transport of lines that takes only what the strict reader takes, and answers the rest itself.
pub struct StrictTransport<R, W> {
    lines: FramedRead<R, Lines>,
    write: Arc<Mutex<Option<W>>>,
    /// An answer to a message that was refused. Kept here, because receiving may be given up
    /// half-way and taken up again.
    answer: Option<Sending>,
}

type Sending = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

impl<R, W> StrictTransport<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    /// A transport over a pair of streams.
    pub fn new(read: R, write: W) -> Self {
        let lines = FramedRead::new(read, Lines::default());
        Self { lines, write: Arc::new(Mutex::new(Some(write))), answer: None }
    }

    fn sending(
        &self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let write = self.write.clone();
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            let mut write = write.lock().await;
            let write = write.as_mut().ok_or(io::ErrorKind::NotConnected)?;
            write.write_all(&line).await?;
            write.flush().await
        }
    }
}

impl<R, W> Transport<RoleServer> for StrictTransport<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.sending(message)
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if let Some(answer) = &mut self.answer {
                let answered = answer.await;
                self.answer = None;
                answered.ok()?;
            }
            let line = self.lines.next().await?.ok()?;
            match message(line) {
                Ok(message) => return Some(message),
                Err(refused) if refused.answerable => {
                    let answer = ServerJsonRpcMessage::error(refused.error, refused.id);
                    self.answer = Some(Box::pin(self.sending(answer)));
                }
                Err(refused) => tracing::debug!(error = %refused.error, "a message was dropped"),
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.write.lock().await.take();
        Ok(())
    }
}

impl<R, W> std::fmt::Debug for StrictTransport<R, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StrictTransport").finish_non_exhaustive()
    }
}

/// A message, with the frame it was read from.
fn message(line: Line) -> Result<ClientJsonRpcMessage, Box<Refused>> {
    let Line::Text(text) = line else { return Err(too_long()) };
    let frame = Frame::read(text)?;
    let message = call(&frame).or_else(|| serde_json::from_str(&frame.to_json()).ok());
    let mut message = message.ok_or_else(|| {
        let error = ErrorData::invalid_request("not a message of MCP", None);
        Box::new(Refused { id: frame.id(), answerable: frame.method().is_some(), error })
    })?;
    message.insert_extension(frame);
    Ok(message)
}

/// A tool call, which rmcp would find only after it has tried what else a message can be.
fn call(frame: &Frame) -> Option<ClientJsonRpcMessage> {
    if frame.method().as_deref() != Some(CallToolRequestMethod::VALUE) {
        return None;
    }
    let (id, params) = (frame.id()?, frame.params()?);
    let mut params: CallToolRequestParams = serde_json::from_str(&params).ok()?;
    let meta = params.meta.take();
    let mut call = CallToolRequest::new(params);
    if let Some(meta) = meta {
        call.extensions.insert(meta);
    }
    Some(ClientJsonRpcMessage::request(ClientRequest::CallToolRequest(call), id))
}

fn too_long() -> Box<Refused> {
    let why = format!("a message has at most {MAX_TEXT} bytes");
    Box::new(Refused { id: None, answerable: true, error: ErrorData::invalid_request(why, None) })
}

/// A line, without its end.
enum Line {
    Text(Bytes),
    TooLong,
}

/// Cuts a stream into lines and never holds more of one than a message may have.
#[derive(Default)]
struct Lines {
    /// How much of what is held has no end of a line in it.
    seen: usize,
    /// The rest of a line that was too long goes by.
    skipping: bool,
}

impl Decoder for Lines {
    type Item = Line;
    type Error = io::Error;

    fn decode(&mut self, held: &mut BytesMut) -> io::Result<Option<Line>> {
        loop {
            let end = held.iter().skip(self.seen).position(|byte| *byte == b'\n').map(|at| self.seen + at);
            match end {
                Some(end) => {
                    let line = held.split_to(end + 1);
                    self.seen = 0;
                    if std::mem::take(&mut self.skipping) {
                        continue;
                    }
                    let line = line.freeze().slice(..end);
                    if line.len() > MAX_TEXT {
                        return Ok(Some(Line::TooLong));
                    }
                    if !line.iter().all(u8::is_ascii_whitespace) {
                        return Ok(Some(Line::Text(line)));
                    }
                }
                None if self.skipping || held.len() > MAX_TEXT => {
                    let told = std::mem::replace(&mut self.skipping, true);
                    held.advance(held.len());
                    self.seen = 0;
                    return Ok((!told).then_some(Line::TooLong));
                }
                None => {
                    self.seen = held.len();
                    return Ok(None);
                }
            }
        }
    }

    /// What has no end is no message.
    fn decode_eof(&mut self, held: &mut BytesMut) -> io::Result<Option<Line>> {
        let line = self.decode(held)?;
        if line.is_none() {
            held.clear();
        }
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::GetMeta as _;

    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let (mut lines, mut held, mut found) = (Lines::default(), BytesMut::new(), Vec::new());
        for chunk in chunks {
            held.extend_from_slice(chunk);
            while let Ok(Some(line)) = lines.decode(&mut held) {
                found.push(match line {
                    Line::Text(text) => Some(text.to_vec()),
                    Line::TooLong => None,
                });
            }
        }
        found
    }

    #[test]
    fn a_line_comes_whole_however_it_was_cut() {
        let whole = vec![Some(b"{\"a\":1}\r".to_vec()), Some(b"b".to_vec())];
        assert_eq!(lines(&[b"{\"a\":1}\r\n\n  \nb\nrest"]), whole);
        assert_eq!(lines(&[b"{\"a\"", b":1}", b"\r", b"\n\n", b"  \nb", b"\n"]), whole);
    }

    #[test]
    fn a_line_without_an_end_is_told_once_and_not_held() {
        let long = vec![b'x'; MAX_TEXT + 1];
        assert_eq!(lines(&[&long, &long, b"x\nnext\n"]), [None, Some(b"next".to_vec())]);
        let mut ended = long.clone();
        ended.extend_from_slice(b"\nnext\n");
        assert_eq!(lines(&[&ended]), [None, Some(b"next".to_vec())]);
        let (mut lines, mut held) = (Lines::default(), BytesMut::from(long.as_slice()));
        assert!(matches!(lines.decode(&mut held), Ok(Some(Line::TooLong))));
        assert!(held.is_empty());
    }

    #[test]
    fn a_call_is_what_rmcp_makes_of_it() {
        let line =
            |rest: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"tools/call\"{rest}}}");
        for (rest, is_call) in [
            (r#","params":{"name":"pay"}"#, true),
            (r#","params":{"name":"pay","arguments":{"n":1.0,"s":"\u00fc"}},"more":1"#, true),
            (r#","params":{"name":"pay","arguments":null,"_meta":{"progressToken":7,"a/b":{}},"x":1}"#, true),
            (r#","params":{"name":"pay","requestState":"s","inputResponses":{}}"#, true),
            (r#","params":{"name":7}"#, false),
            (r#","params":{"name":"pay","arguments":[]}"#, false),
            ("", false),
        ] {
            let text = line(rest);
            let frame = Frame::read(Bytes::from(text.clone())).unwrap();
            let ours = call(&frame);
            assert_eq!(ours.is_some(), is_call, "{rest}");
            let Some(ours) = ours else { continue };
            let rmcps: ClientJsonRpcMessage = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_value(&ours).unwrap(), serde_json::to_value(&rmcps).unwrap(), "{rest}");
            let meta = |message: &ClientJsonRpcMessage| match message {
                ClientJsonRpcMessage::Request(request) => request.request.get_meta().clone(),
                other => panic!("{other:?}"),
            };
            assert_eq!(format!("{:?}", meta(&ours)), format!("{:?}", meta(&rmcps)), "{rest}");
        }
        let note = line(r#","params":{"name":"pay"}"#).replace("\"id\":\"a\",", "");
        assert!(call(&Frame::read(Bytes::from(note)).unwrap()).is_none());
    }
}
