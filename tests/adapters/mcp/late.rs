//! The proxy before several servers, of which one does not answer, or is gone.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rmcp::model::*;
use rmcp::service::{RequestContext, RoleServer, ServiceExt};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler};
use scopegate_core::{Catalogue, Name};
use scopegate_engine::LocalEnforcer;
use scopegate_mcp::proxy::{CatalogueSink, Endpoint, Fleet, Refused, Server, Tell, Upstream};
use scopegate_mcp::serve_on;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::{Client, House, call, is_error, text};

const ROLE: &str = "
version: 1
roles: [{name: clerk, allowed_mcp_servers: [alpha, beta], allowed_tools: [read@alpha, read@beta]}]
";

/// Long enough for anything that happens at all.
const SOON: Duration = Duration::from_secs(30);

/// A server that lists its tools once it is let.
#[derive(Clone)]
struct Reads(&'static str, watch::Receiver<bool>);

impl ServerHandler for Reads {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let _ = self.1.clone().wait_for(|let_it| *let_it).await;
        Ok(ListToolsResult::with_all_items(vec![Tool::new("read", "Reads.", JsonObject::new())]))
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::success(vec![ContentBlock::text(format!("read at {}", self.0))]).into())
    }
}

/// Serves one over HTTP; its address, and what lets it list.
async fn serve(name: &'static str, listed: bool) -> (String, watch::Sender<bool>) {
    let lets = watch::Sender::new(listed);
    let handler = Reads(name, lets.subscribe());
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(
        move || Ok(handler.clone()),
        sessions,
        StreamableHttpServerConfig::default(),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let app = Router::new().nest_service("/mcp", service);
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, lets)
}

struct Sink(LocalEnforcer);

impl CatalogueSink for Sink {
    fn put(&self, server: &Name, catalogue: Catalogue) -> Result<(), Refused> {
        self.0.put_catalogue(server.clone(), catalogue).map_err(|error| Refused(error.to_string()))
    }
}

/// A client of the proxy before these servers, and what people are told.
async fn client(house: &House, urls: [(&str, &str); 2]) -> (Client, UnboundedReceiver<String>) {
    let (tell, told) = unbounded_channel();
    let servers: Vec<_> = urls
        .into_iter()
        .map(|(name, url)| {
            let tell = tell.clone();
            let tell = Tell::new(move |line| drop(tell.send(line.to_owned())));
            let upstream = Upstream::Endpoint(Endpoint::new(url).expect("an address"));
            Arc::new(Server::new(name, upstream).tell(tell).catalogue_to(Sink(house.engine.clone())))
        })
        .collect();
    let fleet = Fleet::for_one(&servers).expect("two names").patience(Duration::from_millis(300));
    let guarded = house.guard().server_names(Fleet::split).over(fleet);
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        let (read, write) = tokio::io::split(theirs);
        let _ = serve_on(guarded, read, write).await.expect("a client").waiting().await;
    });
    (timeout(SOON, ().serve(ours)).await.expect("nobody waits for one").expect("a server"), told)
}

async fn listed(client: &Client) -> Vec<String> {
    let tools = timeout(SOON, client.list_all_tools()).await.expect("nobody waits for one");
    tools.expect("a list").into_iter().map(|tool| tool.name.to_string()).collect()
}

/// The line that says so comes.
async fn said(told: &mut UnboundedReceiver<String>, words: &str) {
    let comes = async {
        while let Some(line) = told.recv().await {
            if line.contains(words) {
                return;
            }
        }
        panic!("nobody said `{words}`");
    };
    timeout(SOON, comes).await.unwrap_or_else(|_| panic!("`{words}` was not said"));
}

#[tokio::test]
async fn one_that_hangs_hides_nothing_of_the_others_and_comes_back() {
    let house = House::under(ROLE);
    let ((alpha, _open), (beta, lets)) = (serve("alpha", true).await, serve("beta", false).await);
    let (client, mut told) = client(&house, [("alpha", &alpha), ("beta", &beta)]).await;
    for _ in 0..3 {
        assert_eq!(listed(&client).await, ["alpha__read"]);
    }
    let read = timeout(SOON, call(&client, "alpha__read", json!({}))).await.expect("nobody waits for one");
    assert_eq!(text(&read.expect("a result")), "read at alpha");
    said(&mut told, "[beta] does not answer in 300ms").await;
    // What it offers is not known, so nothing of it is permitted.
    let refused = call(&client, "beta__read", json!({})).await.expect("a result");
    assert!(is_error(&refused) && text(&refused).contains("MCP_TOOL_NOT_FOUND"), "{refused:?}");

    lets.send_replace(true);
    said(&mut told, "[beta] answers").await;
    assert_eq!(listed(&client).await, ["alpha__read", "beta__read"]);
    let read = call(&client, "beta__read", json!({})).await.expect("a result");
    assert_eq!(text(&read), "read at beta");
}

#[tokio::test]
async fn one_that_hangs_later_is_left_out_until_it_answers() {
    let house = House::under(ROLE);
    let ((alpha, _open), (beta, lets)) = (serve("alpha", true).await, serve("beta", true).await);
    let (client, mut told) = client(&house, [("alpha", &alpha), ("beta", &beta)]).await;
    assert_eq!(listed(&client).await, ["alpha__read", "beta__read"]);
    lets.send_replace(false);
    assert_eq!(listed(&client).await, ["alpha__read"]);
    said(&mut told, "[beta] does not answer").await;
    // It only does not list: what is known of it may still be called.
    let read = call(&client, "beta__read", json!({})).await.expect("a result");
    assert_eq!(text(&read), "read at beta");
    lets.send_replace(true);
    said(&mut told, "[beta] answers").await;
    assert_eq!(listed(&client).await, ["alpha__read", "beta__read"]);
}

#[tokio::test]
async fn one_that_is_gone_is_left_out_and_all_gone_is_an_error() {
    let house = House::under(ROLE);
    let (alpha, _open) = serve("alpha", true).await;
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        format!("http://{}/mcp", listener.local_addr().expect("an address"))
    };
    let (client, mut told) = client(&house, [("alpha", &alpha), ("beta", &gone)]).await;
    assert_eq!(listed(&client).await, ["alpha__read"]);
    said(&mut told, "[beta] is left out").await;

    let fleet = [("alpha", gone.as_str()), ("beta", gone.as_str())];
    let servers = fleet.map(|(name, url)| {
        Arc::new(Server::new(name, Upstream::Endpoint(Endpoint::new(url).expect("an address"))))
    });
    let guarded = house.guard().server_names(Fleet::split).over(Fleet::for_one(&servers).expect("two names"));
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        let (read, write) = tokio::io::split(theirs);
        let _ = serve_on(guarded, read, write).await;
    });
    assert!(timeout(SOON, ().serve(ours)).await.expect("an answer").is_err());
}
