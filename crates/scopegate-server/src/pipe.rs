//! A body that a blocking thread writes while it is sent: however long it is, little of it is held. A
//! short one is sent at once, so that what goes wrong with it can still be told.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Bytes that are sent at a time.
const PIECE: usize = 64 * 1024;
/// Pieces that may wait for whoever reads them.
const WAITING: usize = 4;
/// How long whoever reads may take over a piece.
const PATIENCE: Duration = Duration::from_secs(30);

/// A part of a body. One that ends without its last part is not whole.
enum Piece {
    More(Bytes),
    Last(Bytes),
}

/// The end that is written to.
pub(crate) struct Pipe {
    sender: mpsc::Sender<Piece>,
    runtime: Handle,
    piece: Vec<u8>,
}

/// The body of what `write` writes.
///
/// # Errors
/// When it fails before there is much of it. Later the body breaks off, so that nobody takes it for whole.
pub(crate) async fn body(
    write: impl FnOnce(&mut Pipe) -> io::Result<()> + Send + 'static,
) -> io::Result<Body> {
    let (sender, mut pieces) = mpsc::channel(WAITING);
    let mut pipe = Pipe { sender, runtime: Handle::current(), piece: Vec::new() };
    let writing = tokio::task::spawn_blocking(move || {
        let written = write(&mut pipe).and_then(|()| {
            let last = Bytes::from(std::mem::take(&mut pipe.piece));
            pipe.send(Piece::Last(last))
        });
        written.inspect_err(|error| tracing::warn!(%error, "a long answer was not finished"))
    });
    match pieces.recv().await {
        Some(Piece::Last(whole)) => Ok(Body::from(whole)),
        Some(first) => Ok(Body::from_stream(stream::unfold((Some(first), pieces), next))),
        None => Err(writing.await.map_err(io::Error::other)?.err().unwrap_or_else(broken)),
    }
}

type Left = (Option<Piece>, mpsc::Receiver<Piece>);

async fn next((first, mut pieces): Left) -> Option<(io::Result<Bytes>, Left)> {
    let piece = match first {
        Some(piece) => Some(piece),
        None => pieces.recv().await,
    };
    match piece {
        Some(Piece::More(bytes)) => Some((Ok(bytes), (None, pieces))),
        Some(Piece::Last(bytes)) if bytes.is_empty() => None,
        Some(Piece::Last(bytes)) => Some((Ok(bytes), (Some(Piece::Last(Bytes::new())), pieces))),
        None => Some((Err(broken()), (None, pieces))),
    }
}

fn broken() -> io::Error {
    io::Error::other("the answer was not finished")
}

impl Pipe {
    fn send(&self, piece: Piece) -> io::Result<()> {
        let sent = self.runtime.block_on(async { timeout(PATIENCE, self.sender.send(piece)).await });
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads any more")),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            let piece = Bytes::from(std::mem::take(&mut self.piece));
            self.send(Piece::More(piece))?;
        }
        Ok(bytes.len())
    }

    /// Nothing is hurried: the last piece goes out when all is written.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_short_body_has_a_length_and_a_long_one_is_whole() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 20 * PIECE] {
            let body = body(move |out| (0..length).try_for_each(|n| out.write_all(&[n as u8])));
            let body = body.await.unwrap();
            assert_eq!(axum::body::HttpBody::size_hint(&body).exact().is_some(), length < PIECE, "{length}");
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            assert!(bytes.iter().copied().eq((0..length).map(|n| n as u8)), "{length}");
        }
    }

    #[tokio::test]
    async fn a_failure_is_told_or_breaks_the_body_off() {
        for length in [0, 1, PIECE - 1] {
            let failed = body(move |out| {
                out.write_all(&vec![0; length])?;
                Err(io::Error::other("no more"))
            });
            assert_eq!(failed.await.unwrap_err().to_string(), "no more");
        }
        let panics = body(|_| panic!("the thread ends"));
        assert!(panics.await.is_err());
        let late = body(|out| {
            out.write_all(&vec![0; PIECE])?;
            Err(io::Error::other("no more"))
        });
        assert!(to_bytes(late.await.unwrap(), usize::MAX).await.is_err());
    }
}
