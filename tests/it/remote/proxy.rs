//! What stands between a client and a plane, and goes wrong when it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What happens to a request.
#[derive(Clone, Debug)]
pub(super) enum Mode {
    /// It is answered by the plane.
    Pass,
    /// It is never answered, and the connection stays.
    Hang,
    /// It is answered by the plane, too late.
    Slow,
    /// It is answered with these bytes, and the connection closed.
    Say(&'static str),
    /// The answer begins with these bytes, and the connection stays.
    Begin(&'static str),
    /// The plane answers, and so many answers are lost on their way.
    Lose(usize),
}

/// A way to a plane.
pub(super) struct Proxy {
    pub(super) url: String,
    mode: Arc<Mutex<Mode>>,
    /// Requests for a verdict that came through.
    asked: Arc<AtomicUsize>,
    running: JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn before(plane: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mode = Arc::new(Mutex::new(Mode::Pass));
        let asked = Arc::new(AtomicUsize::new(0));
        let way = Way {
            plane: plane.trim_start_matches("http://").to_owned(),
            mode: mode.clone(),
            asked: asked.clone(),
        };
        let running = tokio::spawn(async move {
            // They end with it.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let way = way.clone();
                connections.spawn(async move { drop(way.serve(stream).await) });
            }
        });
        Self { url, mode, asked, running }
    }

    pub(super) fn turn(&self, mode: Mode) {
        *self.mode.lock().expect("a mode") = mode;
    }

    /// Takes no connections any more, and ends those that are kept, as a process does that ends.
    pub(super) async fn close(&self) {
        self.running.abort();
        tokio::time::sleep(Duration::from_millis(100)).await; // whoever kept them notices
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

#[derive(Clone)]
struct Way {
    plane: String,
    mode: Arc<Mutex<Mode>>,
    asked: Arc<AtomicUsize>,
}

impl Way {
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        loop {
            let request = message(&mut stream).await?;
            if request.starts_with(b"GET /v1/epoch/events") {
                let mut plane = TcpStream::connect(&self.plane).await?;
                plane.write_all(&request).await?;
                copy_bidirectional(&mut stream, &mut plane).await?;
                return Ok(());
            }
            if request.starts_with(b"POST /v1/enforce") {
                self.asked.fetch_add(1, Ordering::Relaxed);
            }
            match self.next(&request) {
                Mode::Pass => stream.write_all(&self.pass(&request).await?).await?,
                Mode::Hang => std::future::pending().await,
                Mode::Slow => {
                    let answer = self.pass(&request).await?;
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    stream.write_all(&answer).await?;
                }
                Mode::Begin(answer) => {
                    stream.write_all(answer.as_bytes()).await?;
                    std::future::pending().await
                }
                Mode::Say(answer) => {
                    stream.write_all(answer.as_bytes()).await?;
                    return Ok(());
                }
                Mode::Lose(_) => {
                    self.pass(&request).await?;
                    return Ok(());
                }
            }
        }
    }

    /// What happens to this request; only verdicts are lost.
    fn next(&self, request: &[u8]) -> Mode {
        let mut mode = self.mode.lock().expect("a mode");
        match &mut *mode {
            Mode::Lose(left) if *left > 0 && request.starts_with(b"POST /v1/enforce") => {
                *left -= 1;
                Mode::Lose(*left)
            }
            Mode::Lose(_) => Mode::Pass,
            other => other.clone(),
        }
    }

    async fn pass(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut plane = TcpStream::connect(&self.plane).await?;
        plane.write_all(request).await?;
        message(&mut plane).await
    }
}

/// One request or answer, with as much of a body as it says.
async fn message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return Ok(bytes);
            }
        }
        match stream.read(&mut piece).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&piece[..read]),
        }
    }
}
