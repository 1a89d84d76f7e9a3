//! Connections: as many as there is room for, secured where there is TLS, served with deadlines,
//! and closed in good time.

mod pace;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use self::pace::{Activity, Paced};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Longest head, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// Streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;
/// Connections beyond the limit that are told so at a time; more are closed without a word.
const MAX_TURNED_AWAY: usize = 64;
/// How long it may take to turn one away.
const TURN_AWAY: Duration = Duration::from_secs(1);
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncache-control: no-store\r\n\
    content-length: 0\r\nconnection: close\r\n\r\n";

/// What every connection is served with.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) acceptor: Option<TlsAcceptor>,
    pub(crate) router: Router,
    /// Connections at a time.
    pub(crate) most: u32,
}

impl Doors {
    /// Serves until `closed` hangs up, then lets what is under way finish.
    pub(crate) async fn serve(self, listener: TcpListener, mut closed: watch::Receiver<()>) {
        let places = Arc::new(Semaphore::new(self.most as usize));
        let regrets = Arc::new(Semaphore::new(MAX_TURNED_AWAY));
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = closed.changed() => break,
            };
            let Ok((stream, _)) = accepted else {
                // Too many open files: some of them will close.
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            match (places.clone().try_acquire_owned(), regrets.clone().try_acquire_owned()) {
                (Ok(place), _) => {
                    let (doors, closed) = (self.clone(), closed.clone());
                    tokio::spawn(async move {
                        doors.welcome(stream, closed).await;
                        drop(place);
                    });
                }
                (Err(_), Ok(regret)) if self.acceptor.is_none() => {
                    tokio::spawn(async move {
                        let _ = timeout(TURN_AWAY, turn_away(stream)).await;
                        drop(regret);
                    });
                }
                (Err(_), _) => {}
            }
        }
        drop(listener);
        // All places are free again once the last connection is closed.
        let _ = places.acquire_many(self.most).await;
    }

    async fn welcome(self, stream: TcpStream, closed: watch::Receiver<()>) {
        // An answer is one small write; it should not wait for another.
        let _ = stream.set_nodelay(true);
        match self.acceptor {
            None => talk(stream, self.router, closed).await,
            Some(acceptor) => {
                if let Ok(Ok(stream)) = timeout(HANDSHAKE, acceptor.accept(stream)).await {
                    talk(stream, self.router, closed).await;
                }
            }
        }
    }
}

/// Answers for as long as the client talks, at a decent pace, and the plane is open.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    mut closed: watch::Receiver<()>,
) {
    let activity = Arc::new(Activity::default());
    let (router, requests) = (TowerToHyperService::new(router), activity.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let request_under_way = requests.begin(request.version());
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            drop(request_under_way);
            answer
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The stream itself watches over heads: hyper's own limit would also end idle connections.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32);
    let stream = TokioIo::new(Paced::new(stream, activity.clone()));
    let connection = builder.serve_connection(stream, service);
    tokio::pin!(connection);
    tokio::select! {
        // A client that talks nonsense or goes away has had its answer.
        _ = connection.as_mut() => return,
        _ = closed.changed() => {}
        () = activity.idle() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Says that there is no room, and waits for the client to have heard it.
async fn turn_away(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(FULL).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.map(drop)
}
