//! `scopegate serve`: runs a plane.

use std::net::SocketAddr;
use std::path::PathBuf;

use scopegate_server::webhook::Guard;
use scopegate_server::{Config, Limits, serve};
use serde_json::json;
use tracing_subscriber::EnvFilter;

use super::data::Data;
use super::tenants::dialect_of;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};

/// Run a plane: decisions over HTTP, with roles, approvals and an audit log
///
/// Speaks the APIs of the Scopebound and Xybern clients, so they run against it unmodified. The first start
/// makes the tenant `default` and prints an admin key, once. Stops on SIGINT and SIGTERM after the
/// requests under way. `RUST_LOG` sets what is logged (`info` unless set), to standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate serve
  scopegate keys create --kind dev        in another terminal; the plane takes it up at once
  scopegate serve --addr 0.0.0.0:8443 --tls-cert chain.pem --tls-key key.pem")]
pub(crate) struct Serve {
    /// Where to listen
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    addr: SocketAddr,
    #[command(flatten)]
    data: Data,
    /// When an answer goes out: once its record is on disk, or before (a crash may then lose up to
    /// a second of records, and every record says so)
    #[arg(long, value_parser = ["durable", "buffered"], default_value = "durable")]
    audit: String,
    /// Certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Listen without TLS where others can connect: only behind something that adds it
    #[arg(long)]
    allow_plaintext: bool,
    /// Let webhooks lead to private addresses and plain http: for development
    #[arg(long)]
    allow_private_webhooks: bool,
    /// Connections at a time; whoever comes later is turned away
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_connections: u32,
    /// Requests answered at a time; more are answered 503 at once
    #[arg(long, value_name = "N", default_value_t = Limits::default().requests, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_requests: u32,
    /// Whose clients the tenant `default` is for; with `xybern` its agents may do whatever nobody forbids, by
    /// a role `xybern-baseline`, which is made once and is yours to change or delete
    #[arg(long, value_parser = ["scopebound", "xybern"], default_value = "scopebound")]
    dialect: String,
    /// How log lines look
    #[arg(long, value_parser = ["text", "json"], default_value = "text")]
    log_format: String,
}

impl Serve {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        log_to_stderr(&self.log_format, "info");
        let config = Config {
            data: self.data.data,
            addr: self.addr,
            buffered: self.audit == "buffered",
            guard: Guard::new(self.allow_private_webhooks),
            allow_plaintext: self.allow_plaintext,
            tls: self.tls_cert.zip(self.tls_key),
            limits: Limits { connections: self.max_connections, requests: self.max_requests },
            dialect: dialect_of(&self.dialect),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.map_err(Failure::no_answer)?.block_on(async {
            let stopped = stopped().map_err(Failure::no_answer)?;
            let started = serve::start(config).await.map_err(Failure::no_answer)?;
            greet(&started, output)?;
            started.run(stopped).await.map_err(Failure::no_answer)?;
            output::message("stopped");
            Ok(Exit::Ok)
        })
    }
}

fn greet(started: &serve::Started, output: &mut Output) -> Result<(), Failure> {
    let url = started.url();
    if output.is_json() {
        output.json(&json!({ "url": url, "admin_key": started.admin_key }))?;
        return output.flush();
    }
    output.line(format!("The plane listens on {url}"))?;
    if let Some(key) = &started.admin_key {
        output.line(format!("Admin key of tenant `default`, shown only now: {key}"))?;
    }
    output.flush()
}

/// `RUST_LOG` says what is logged; `unless_set` if it does not.
pub(super) fn log_to_stderr(format: &str, unless_set: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(unless_set));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Set once, by this command alone.
    let _ = match format {
        "json" => lines.json().try_init(),
        _ => lines.try_init(),
    };
}

/// Ends when the process is asked to stop. From this call on the request is heard, not obeyed blindly.
pub(super) fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    #[cfg(unix)]
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    })
}
