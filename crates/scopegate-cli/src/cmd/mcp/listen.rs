//! The proxy over streamable HTTP.

use std::env::VarError;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use scopegate_mcp::proxy::{Fleet, HttpConfig};
use scopegate_mcp::{Guard, http_service};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::target::Target;
use crate::exit::{Exit, Failure};
use crate::output;

/// The variable with the token that clients have to show.
const TOKEN: &str = "SCOPEGATE_MCP_TOKEN";

/// How long requests under way may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where clients connect.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Over HTTP")]
pub(crate) struct ListenArgs {
    /// Serve streamable HTTP at /mcp instead of standard input and output; clients show the token in
    /// SCOPEGATE_MCP_TOKEN, if it is set, as `Authorization: Bearer`
    #[arg(long, value_name = "IP:PORT")]
    pub(super) listen: Option<SocketAddr>,
    /// A name under which clients reach it, beside the names of this machine for itself
    #[arg(long, value_name = "HOST", requires = "listen")]
    allow_host: Vec<String>,
    /// A web page that may connect: https://app.example.com; no page may unless it is named
    #[arg(long, value_name = "ORIGIN", requires = "listen")]
    allow_origin: Vec<String>,
    /// Let everybody who can connect from elsewhere act in the role, without a token
    #[arg(long, requires = "listen")]
    allow_anybody: bool,
}

impl ListenArgs {
    pub(crate) async fn serve(
        &self,
        addr: SocketAddr,
        target: &Target,
        guard: &Guard,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Exit, Failure> {
        let token = self.token(addr.ip())?;
        let listener =
            TcpListener::bind(addr).await.map_err(|error| Failure::usage(format!("{addr}: {error}")))?;
        let addr = listener.local_addr().map_err(Failure::no_answer)?;
        let config = self.config();
        let sessions = config.cancellation_token.clone();
        let app = router(target, guard, config)?.layer(middleware::from_fn_with_state(token, admit));
        output::message(&format!("serving MCP at http://{addr}/mcp"));
        let ending = sessions.clone();
        let stop = async move {
            stopped.await;
            // Streams that are open would hold the end up.
            ending.cancel();
        };
        // An answer goes out in pieces, and none waits until the one before was acknowledged.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let serving = axum::serve(listener, app).with_graceful_shutdown(stop);
        tokio::select! {
            served = serving.into_future() => served.map_err(Failure::no_answer)?,
            () = async { sessions.cancelled().await; sleep(PATIENCE).await } => {}
        }
        Ok(Exit::Ok)
    }

    /// On any address but this machine's own, somebody has to say who may act.
    fn token(&self, ip: IpAddr) -> Result<Option<Arc<str>>, Failure> {
        match std::env::var(TOKEN) {
            Ok(token) if token.len() < 16 => {
                Err(Failure::usage(format!("{TOKEN} has less than 16 characters")))
            }
            Ok(token) => Ok(Some(token.into())),
            Err(VarError::NotUnicode(_)) => Err(Failure::usage(format!("{TOKEN} is not UTF-8"))),
            Err(_) if ip.is_loopback() || self.allow_anybody => Ok(None),
            Err(_) => Err(Failure::usage(format!(
                "{ip} can be reached from elsewhere: set {TOKEN} to a token that clients show, or say --allow-anybody"
            ))),
        }
    }

    fn config(&self) -> HttpConfig {
        let mut config = HttpConfig::default();
        config.allowed_hosts.extend(self.allow_host.iter().cloned());
        config.with_allowed_origins(self.allow_origin.iter().cloned()).enforce_origin_validation()
    }
}

fn router(target: &Target, guard: &Guard, config: HttpConfig) -> Result<Router, Failure> {
    let routes = Router::new();
    Ok(match target {
        Target::One(server) => {
            let server = server.clone();
            routes.route_service(
                "/mcp",
                http_service(guard.clone(), move || Ok(server.for_one_of_many()), config),
            )
        }
        Target::Several(servers) => {
            Fleet::for_one_of_many(servers).map_err(Failure::usage)?;
            let servers = servers.clone();
            let each = move || Fleet::for_one_of_many(&servers).map_err(std::io::Error::other);
            routes.route_service("/mcp", http_service(guard.clone(), each, config))
        }
    })
}

/// Whoever shows the token, or anybody where there is none.
async fn admit(State(token): State<Option<Arc<str>>>, request: Request, next: Next) -> Response {
    match token {
        Some(token) if !shows(request.headers(), &token) => {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, challenge, "show the token as `Authorization: Bearer TOKEN`\n")
                .into_response()
        }
        _ => next.run(request).await,
    }
}

/// How long it takes does not depend on where they differ.
fn shows(headers: &HeaderMap, token: &str) -> bool {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(shown), None) = (all.next(), all.next()) else { return false };
    let Some(shown) = shown.as_bytes().strip_prefix(b"Bearer ") else { return false };
    let differ = shown.iter().zip(token.as_bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    shown.len() == token.len() && differ == 0
}
