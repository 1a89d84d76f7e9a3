//! An engine, a server whose tools write down what they ran with, and ways to ask it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use http::HeaderMap;
use rmcp::model::*;
use rmcp::service::{RequestContext, RoleClient, RoleServer, RunningService};
use rmcp::transport::{StreamableHttpClientTransport, StreamableHttpServerConfig};
use rmcp::{ClientLifecycleMode, ClientServiceExt, ErrorData, ServerHandler};
use scopegate_core::{
    Credential, DecisionRecord, Event, PermitId, Principal, Provision, Sessions, Timestamp,
};
use scopegate_engine::{CredentialSource, LocalEnforcer, ManualClock, Policy};
use scopegate_mcp::{Guard, http_service, serve_on};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::net::TcpListener;

/// A Monday at noon, UTC.
const NOON: Timestamp = Timestamp::from_secs(1_767_614_400);

/// Small sums pass, large ones need a person; `wipe` is nobody's.
pub(crate) const POLICY: &str = "
version: 1
roles:
  - name: clerk
    allowed_tools: [pay, look, wait, fail, absent, long, 'mcp:prompts/get:greet', 'mcp:resources/read',
      'mcp:resources/subscribe', 'mcp:tasks/get', 'mcp:completion/complete', 'mcp:acme/reload']
    denied_actions: [fail]
    default_ttl_seconds: 600
    parameter_constraints:
      pay: [{field: amount, operator: lte, value: 1000}]
      'mcp:resources/read': [{field: uri, operator: prefix, value: 'note://open/'}]
      'mcp:resources/subscribe': [{field: uri, operator: prefix, value: 'note://open/'}]
      'mcp:completion/complete': [{field: name, operator: eq, value: greet}]
    approval_unless:
      pay: [{field: amount, operator: lte, value: 100}]
  - name: guest
    allowed_tools: [look]
";

/// An engine, its clock, and what the server ran.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) engine: LocalEnforcer,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) shop: Shop,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::under(POLICY)
    }

    pub(crate) fn under(policy: &str) -> Self {
        // Clients over HTTP want one to be there, also where they need none.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let policy = Policy::from_text(policy, "policy").unwrap_or_else(|error| panic!("{error}"));
        let clock = Arc::new(ManualClock::new(NOON));
        let engine = LocalEnforcer::builder(policy).clock(clock.clone()).credentials(Vault);
        Self { engine: engine.build().expect("a checked policy"), clock, shop: Shop::default() }
    }

    /// A guard with a session of its own.
    pub(crate) fn guard(&self) -> Guard {
        Guard::opening(self.engine.clone(), Provision::new("clerk", "agent-7"))
    }

    pub(crate) async fn principal(&self, role: &str) -> Principal {
        let session = self.engine.provision(Provision::new(role, "agent-7")).await;
        session.expect("a session").principal
    }

    /// What ran, in order.
    pub(crate) fn ran(&self) -> Vec<String> {
        self.shop.ran.lock().expect("no panic").iter().map(|(name, _)| name.clone()).collect()
    }

    /// What ran, with its arguments.
    pub(crate) fn ran_with(&self) -> Vec<(String, Value)> {
        self.shop.ran.lock().expect("no panic").clone()
    }

    /// What has been recorded: events in order, outcomes too.
    pub(crate) async fn events(&self) -> Vec<Event> {
        self.records().await.iter().map(|record| record.event).collect()
    }

    pub(crate) async fn records(&self) -> Vec<DecisionRecord> {
        assert!(self.engine.flush().await, "{:?}", self.engine.record_failure());
        self.engine.records().into_iter().map(|line| line.record).collect()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A client of the guarded server over streams.
    pub(crate) async fn client(&self, guard: &Guard, era: Era) -> Client {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = guard.over(self.shop.clone());
        tokio::spawn(async move {
            let (read, write) = tokio::io::split(theirs);
            let _ = serve_on(server, read, write).await.expect("a client").waiting().await;
        });
        ().serve_with_lifecycle(ours, era.mode()).await.expect("a server")
    }

    /// Somebody who writes lines of their own.
    pub(crate) async fn raw(&self, guard: &Guard) -> Raw {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = guard.over(self.shop.clone());
        tokio::spawn(async move {
            let (read, write) = tokio::io::split(theirs);
            if let Ok(server) = serve_on(server, read, write).await {
                let _ = server.waiting().await;
            }
        });
        let (read, write) = tokio::io::split(ours);
        Raw { lines: BufReader::new(read), write }
    }

    /// The guarded server over HTTP, behind a layer that takes these principals by a secret name.
    pub(crate) async fn http(&self, guard: &Guard, people: Vec<(&'static str, Principal)>) -> Site {
        self.http_with(guard, people, StreamableHttpServerConfig::default()).await
    }

    pub(crate) async fn http_with(
        &self,
        guard: &Guard,
        people: Vec<(&'static str, Principal)>,
        config: StreamableHttpServerConfig,
    ) -> Site {
        let shop = self.shop.clone();
        let service = http_service(guard.clone(), move || Ok(shop.clone()), config);
        let verify = move |mut request: axum::extract::Request, next: axum::middleware::Next| {
            let secret = request.headers().get("authorization").and_then(|secret| secret.to_str().ok());
            let known = people.iter().find(|(name, _)| Some(*name) == secret);
            if let Some((_, principal)) = known.cloned() {
                request.extensions_mut().insert(principal);
            }
            async move { next.run(request).await }
        };
        let app = Router::new().nest_service("/mcp", service).layer(axum::middleware::from_fn(verify));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Site { url }
    }
}

/// How a client begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Era {
    /// 2025-11-25, with a handshake.
    Legacy,
    /// 2026-07-28, without.
    Modern,
}

pub(crate) const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

impl Era {
    fn mode(self) -> ClientLifecycleMode {
        match self {
            Self::Legacy => ClientLifecycleMode::Initialize,
            Self::Modern => {
                ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
            }
        }
    }
}

pub(crate) type Client = RunningService<RoleClient, ()>;

/// Calls a tool.
pub(crate) async fn call(
    client: &Client,
    tool: &'static str,
    args: Value,
) -> Result<CallToolResult, ErrorData> {
    let Value::Object(args) = args else { panic!("arguments are an object") };
    match client.call_tool(CallToolRequestParams::new(tool).with_arguments(args)).await {
        Ok(result) => Ok(result),
        Err(rmcp::ServiceError::McpError(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

pub(crate) fn is_error(result: &CallToolResult) -> bool {
    result.is_error == Some(true)
}

pub(crate) fn text(result: &CallToolResult) -> String {
    let content = serde_json::to_value(&result.content).expect("JSON");
    content[0]["text"].as_str().unwrap_or_default().to_owned()
}

/// What the host finds beside the text.
pub(crate) fn beside(result: &CallToolResult) -> Value {
    let meta = serde_json::to_value(&result.meta).expect("JSON");
    meta[scopegate_mcp::REFUSAL].clone()
}

/// Somebody who writes lines, and reads lines.
pub(crate) struct Raw {
    lines: BufReader<ReadHalf<DuplexStream>>,
    write: WriteHalf<DuplexStream>,
}

impl Raw {
    /// Begins in the old way.
    pub(crate) async fn hello(&mut self) {
        let hello = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
        self.send(&hello.to_string()).await;
        assert_eq!(self.answer().await["id"], "hello");
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    }

    pub(crate) async fn send(&mut self, line: &str) {
        self.write.write_all(format!("{line}\n").as_bytes()).await.expect("an open stream");
    }

    pub(crate) async fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).await.expect("an open stream");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Whatever was sent before this has been looked at when its answer comes.
    pub(crate) async fn ping(&mut self) {
        self.send(r#"{"jsonrpc":"2.0","id":"ping","method":"ping"}"#).await;
        assert_eq!(self.answer().await, json!({"jsonrpc": "2.0", "id": "ping", "result": {}}));
    }
}

/// A server over HTTP.
pub(crate) struct Site {
    pub(crate) url: String,
}

impl Site {
    pub(crate) async fn client(&self, era: Era, secret: &str) -> Client {
        self.try_client(era, secret).await.expect("a server")
    }

    pub(crate) async fn try_client(
        &self,
        era: Era,
        secret: &str,
    ) -> Result<Client, rmcp::service::ClientInitializeError> {
        use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig as Config;
        let mut config = Config::with_uri(self.url.clone());
        let secret = secret.parse().expect("a header value");
        config.custom_headers.insert(http::header::AUTHORIZATION, secret);
        let transport = StreamableHttpClientTransport::from_config(config);
        ().serve_with_lifecycle(transport, era.mode()).await
    }

    /// Posts a body with these headers beside what every client sends.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: impl Into<String>) -> Posted {
        let mut request = reqwest::Client::new()
            .post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.into()).send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Posted { status, headers, body: answer.text().await.expect("text") }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Posted {
    /// The message in the body, whether it came as JSON or as an event.
    pub(crate) fn message(&self) -> Value {
        let mut events = self.body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        let message = events.rfind(|data| data.starts_with('{')).unwrap_or(&self.body);
        serde_json::from_str(message).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn code(&self) -> i64 {
        self.message()["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {self:?}"))
    }
}

/// A call of a tool as a line.
pub(crate) fn calling(tool: &str, args: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool, "arguments": args}})
}

/// What every request of 2026-07-28 says of itself.
pub(crate) fn modern(mut message: Value) -> Value {
    message["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "0"},
    });
    message
}

/// What the policy calls `till-key`.
pub(crate) const SECRET: &str = "open sesame";

struct Vault;

impl CredentialSource for Vault {
    fn find(&self, name: &str) -> Option<Arc<str>> {
        (name == "till-key").then(|| SECRET.into())
    }
}

/// The permit that a call came with, and the secret.
type CameWith = (Option<PermitId>, Option<String>);

/// A server of rmcp, as somebody may have written it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shop {
    ran: Arc<Mutex<Vec<(String, Value)>>>,
    /// The permits and secrets that calls came with.
    pub(crate) came_with: Arc<Mutex<Vec<CameWith>>>,
    /// Told when `wait` has begun.
    pub(crate) waiting: Arc<tokio::sync::Notify>,
}

/// Its tools: two on each page.
const TOOLS: [&str; 6] = ["pay", "look", "wipe", "mcp:resources/read", "wait", "fail"];

impl Shop {
    fn note(&self, what: &str, args: Value) {
        self.ran.lock().expect("no panic").push((what.to_owned(), args));
    }

    pub(crate) fn forget(&self) {
        self.ran.lock().expect("no panic").clear();
    }

    fn tool(name: &'static str) -> Tool {
        let amount = json!({"type": "integer", "x-mcp-header": "Amount"});
        let schema = match name {
            "pay" | "wipe" => json!({"type": "object", "properties": {"amount": amount}}),
            _ => json!({"type": "object"}),
        };
        let Value::Object(schema) = schema else { panic!("a schema is an object") };
        Tool::new(name, "a tool", Arc::new(schema))
    }
}

type Answer<T> = Result<T, ErrorData>;
type Context = RequestContext<RoleServer>;

#[expect(deprecated, reason = "older clients use it")]
impl ServerHandler for Shop {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_completions()
            .enable_logging()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        TOOLS.iter().find(|tool| **tool == name).map(|name| Self::tool(name))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Answer<ListToolsResult> {
        let page = request.and_then(|request| request.cursor).map_or(0, |page| page.parse().expect("ours"));
        let tools = TOOLS.chunks(2).nth(page).unwrap_or_default().iter().map(|name| Self::tool(name));
        let mut result = ListToolsResult::with_all_items(tools.collect());
        result.next_cursor = (page < 2).then(|| (page + 1).to_string());
        result.cache_scope = Some(CacheScope::Public);
        Ok(result)
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: Context) -> Answer<CallToolResponse> {
        let args = request.arguments.map_or(Value::Null, Value::Object);
        if request.name == "long" {
            let now = "2026-01-05T12:00:00Z".to_owned();
            return Ok(CreateTaskResult::new(Task::new(
                "t9".to_owned(),
                TaskStatus::Working,
                now.clone(),
                now,
            ))
            .into());
        }
        if !TOOLS.contains(&&*request.name) {
            return Err(ErrorData::invalid_params("tool not found", None));
        }
        let secret = context.extensions.get::<Credential>().map(|secret| secret.expose_secret().to_owned());
        let permit = context.extensions.get::<PermitId>().copied();
        self.came_with.lock().expect("no panic").push((permit, secret));
        if request.name == "wait" {
            self.waiting.notify_one();
            context.ct.cancelled().await;
            return Err(ErrorData::internal_error("cancelled", None));
        }
        // Fourteen is paid to somebody whom the client has to name.
        if args["amount"] == 14 {
            let Some(said) = request.input_responses else {
                self.note("asked", args);
                let form = json!({"mode": "form", "message": "Who is it?", "requestedSchema": {
                    "type": "object", "properties": {"name": {"type": "string"}}}});
                let form = serde_json::from_value(form).expect("a form");
                let asked = InputRequest::Elicitation(ElicitRequest::new(form));
                let asked = InputRequests::from([("who".to_owned(), asked)]);
                return Ok(InputRequiredResult::new(Some(asked), Some("till 3".to_owned())).into());
            };
            self.note("answered", json!({"state": request.request_state, "said": said}));
        }
        self.note(&request.name, args.clone());
        let said = ContentBlock::text(format!("{} {args}", request.name));
        Ok(match args["amount"].as_u64() {
            Some(13) => CallToolResult::error(vec![said]).into(),
            _ => CallToolResult::success(vec![said]).into(),
        })
    }

    async fn list_prompts(&self, _: Option<PaginatedRequestParams>, _: Context) -> Answer<ListPromptsResult> {
        let prompt = |name: &str| Prompt::new(name, Some("a prompt"), None);
        Ok(ListPromptsResult::with_all_items(vec![prompt("greet"), prompt("secret")]))
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, _: Context) -> Answer<GetPromptResponse> {
        self.note(&format!("prompt {}", request.name), request.arguments.map_or(Value::Null, Value::Object));
        Ok(GetPromptResult::new(vec![]).into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Answer<ListResourcesResult> {
        Ok(ListResourcesResult::with_all_items(vec![Resource::new("note://open/1", "one")]))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Answer<ListResourceTemplatesResult> {
        let template = ResourceTemplate::new("note://open/{id}", "notes");
        Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Answer<ReadResourceResponse> {
        self.note("read", json!(request.uri));
        Ok(ReadResourceResult::new(vec![ResourceContents::text("a note", request.uri)]).into())
    }

    async fn subscribe(&self, request: SubscribeRequestParams, _: Context) -> Answer<()> {
        self.note("subscribe", json!(request.uri));
        Ok(())
    }

    async fn complete(&self, request: CompleteRequestParams, _: Context) -> Answer<CompleteResult> {
        self.note("complete", json!(request.argument.value));
        Ok(CompleteResult::default())
    }

    async fn get_task(&self, request: GetTaskParams, _: Context) -> Answer<GetTaskResult> {
        self.note("task", json!(request.task_id));
        Err(ErrorData::invalid_params("no such task", None))
    }

    async fn on_custom_request(&self, request: CustomRequest, _: Context) -> Answer<CustomResult> {
        self.note(&request.method, request.params.unwrap_or_default());
        Ok(CustomResult::new(json!({"done": true})))
    }

    async fn on_custom_notification(
        &self,
        notification: CustomNotification,
        _: rmcp::service::NotificationContext<RoleServer>,
    ) {
        self.note(&notification.method, notification.params.unwrap_or_default());
    }
}
