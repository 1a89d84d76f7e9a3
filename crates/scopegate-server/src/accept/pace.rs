//! The pace of a connection: a head that has begun has to end, and whoever says nothing has to go.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long the head of a request may take; of the first one, from the moment of the connection.
const HEAD: Duration = Duration::from_secs(5);
/// How long a connection may do nothing at least. Clients that keep connections for 60 seconds or
/// less are never cut off just as they ask again.
const IDLE: Duration = Duration::from_secs(75);

/// What a connection has been doing.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
    /// Whether it has frames, which are no heads.
    framed: AtomicBool,
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

impl Activity {
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.framed.store(version == Version::HTTP_2, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// Ends when nothing was asked for some time.
    pub(super) async fn idle(&self) {
        loop {
            let before = self.begun();
            sleep(IDLE).await;
            if self.begun() == before && self.is_quiet() {
                return;
            }
        }
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    fn is_quiet(&self) -> bool {
        self.begun() == self.ended.load(Ordering::Relaxed)
    }

    fn expects_head(&self) -> bool {
        self.is_quiet() && !self.framed.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A stream that fails when a head takes too long.
pub(super) struct Paced<S> {
    stream: S,
    activity: Arc<Activity>,
    /// Requests that had begun when last looked.
    seen: u64,
    /// Runs while a head is expected to end.
    head: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity, seen: 0, head: Some(Box::pin(sleep(HEAD))) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let begun = this.activity.begun();
        if begun != this.seen {
            // The head that was being read has ended.
            (this.seen, this.head) = (begun, None);
        }
        if buffer.filled().len() > before && this.head.is_none() && this.activity.expects_head() {
            this.head = Some(Box::pin(sleep(HEAD)));
        }
        if read.is_pending()
            && let Some(head) = &mut this.head
            && head.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{Instant, advance};

    use super::*;

    /// A connection as the plane sees it, and the client's end.
    fn connected() -> (Paced<DuplexStream>, Arc<Activity>, DuplexStream) {
        let (client, plane) = duplex(1024);
        let activity = Arc::new(Activity::default());
        (Paced::new(plane, activity.clone()), activity, client)
    }

    /// How long a reader waits before it is told that the head took too long.
    async fn patience(paced: &mut Paced<DuplexStream>) -> Duration {
        let began = Instant::now();
        let error = paced.read_exact(&mut [0; 1024]).await.expect_err("too slow");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_is_cut_off() {
        let (mut paced, _activity, _client) = connected();
        assert_eq!(patience(&mut paced).await, HEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_by_drops_has_no_more_time_than_another() {
        let (mut paced, _activity, mut client) = connected();
        let drops = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        assert_eq!(patience(&mut paced).await, HEAD);
        drops.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_head_begins_with_its_first_byte() {
        let (mut paced, activity, mut client) = connected();
        client.write_all(b"first").await.unwrap();
        paced.read_exact(&mut [0; 5]).await.unwrap();
        drop(activity.begin(Version::HTTP_11));
        // Between requests there is no hurry.
        let waiting = tokio::time::timeout(Duration::from_secs(60), paced.read_u8()).await;
        assert!(waiting.is_err());
        client.write_all(b"s").await.unwrap();
        paced.read_u8().await.unwrap();
        assert_eq!(patience(&mut paced).await, HEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_and_frames_are_no_heads() {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let (mut paced, activity, mut client) = connected();
            let under_way = activity.begin(version);
            client.write_all(b"body").await.unwrap();
            paced.read_exact(&mut [0; 4]).await.unwrap();
            if version == Version::HTTP_2 {
                drop(under_way);
                client.write_all(b"ping").await.unwrap();
                paced.read_exact(&mut [0; 4]).await.unwrap();
            }
            assert!(tokio::time::timeout(Duration::from_secs(600), paced.read_u8()).await.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn idle_is_who_asks_nothing_and_waits_for_nothing() {
        let (_paced, activity, _client) = connected();
        let under_way = activity.begin(Version::HTTP_11);
        assert!(tokio::time::timeout(10 * IDLE, activity.idle()).await.is_err());
        drop(under_way);
        advance(Duration::from_secs(1)).await;
        let began = Instant::now();
        activity.idle().await;
        assert_eq!(began.elapsed(), IDLE);
    }
}
