//! Connections: accepted, secured where there is TLS, served with deadlines, and closed in good time.

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Longest head, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// Streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;

/// Serves until `closed` hangs up, then lets what is under way finish.
pub(crate) async fn serve(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    mut closed: watch::Receiver<()>,
) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = closed.changed() => break,
        };
        let Ok((stream, _)) = accepted else {
            // Too many open files: some of them will close.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // An answer is one small write; it should not wait for another.
        let _ = stream.set_nodelay(true);
        let (router, watcher) = (router.clone(), graceful.watcher());
        match acceptor.clone() {
            None => drop(tokio::spawn(talk(stream, router, watcher))),
            Some(acceptor) => drop(tokio::spawn(async move {
                if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                    talk(stream, router, watcher).await;
                }
            })),
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A client that talks nonsense or goes away has had its answer.
    let _ = watcher.watch(connection.into_owned()).await;
}
