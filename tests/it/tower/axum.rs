//! The layer around axum routes.

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use scopegate_core::{Args, Outcome, Principal, ToolCall};
use scopegate_tower::{ArgsFrom, Http, PermitSlot, ScopeLayer, SessionFrom, TakenPermit, ToolFrom};

use super::wire::{Reply, post as call, send, serve};
use super::{SESSION, Table};

/// Says that it ran, and with which parameter.
async fn echo(Path(tool): Path<String>) -> Response {
    ([("x-ran", "yes")], tool).into_response()
}

async fn ran() -> Response {
    ([("x-ran", "yes")], "ran").into_response()
}

fn common(table: &Table) -> Router {
    Router::new().route("/tools/{tool}", any(echo)).route_layer(ScopeLayer::new(table.clone()))
}

#[tokio::test]
async fn answers_by_the_decision() {
    for table in [Table::new(), Table::slow()] {
        let addr = serve(common(&table)).await;
        for (tool, body, status, code) in [
            ("read", "", 200, "ran"),
            ("read", "not json at all", 200, "ran"),
            ("pay", r#"{"amount":100}"#, 200, "ran"),
            ("pay", r#"{"amount":101}"#, 403, "PARAMETER_VIOLATION"),
            ("pay", "", 403, "PARAMETER_VIOLATION"),
            ("pay", r#"{"amount":1,"amount":1000}"#, 403, "INVALID_ARGUMENTS"),
            ("pay", "[1]", 403, "INVALID_ARGUMENTS"),
            ("pay", "{\"amount\":", 400, "BODY_REFUSED"),
            ("unheard-of", "", 403, "SCOPE_VIOLATION"),
            ("Read", "", 403, "SCOPE_VIOLATION"),
            ("wrong-env", "", 403, "ENV_VIOLATION"),
            ("limited", "", 429, "RATE_LIMIT_EXCEEDED"),
            ("held", "", 202, "HELD"),
            ("rejected", "", 403, "APPROVAL_REJECTED"),
            ("unrecorded", "", 503, "AUDIT_UNAVAILABLE"),
            ("undecided", "", 503, "UNDECIDED"),
            ("redacts", "", 500, "DUTY_NOT_PERFORMED"),
        ] {
            let reply = call(addr, &format!("/tools/{tool}"), body).await;
            assert_eq!((reply.status, reply.code().as_str()), (status, code), "{tool} {body}: {reply:?}");
            if code != "ran" {
                assert_eq!(reply.header("content-type"), Some("application/problem+json"));
                assert_eq!(reply.header("cache-control"), Some("no-store"));
                assert_eq!(reply.json()["status"], status);
                assert!(!reply.body.contains("the-secret-argument"), "echoes arguments: {reply:?}");
                assert!(!reply.body.contains("10.0.0.1"), "echoes our insides: {reply:?}");
            }
        }
        assert!(table.asked().contains(&("pay".into(), String::new())), "hostile arguments are on record");
    }
}

#[tokio::test]
async fn tells_how_to_go_on() {
    let addr = serve(common(&Table::new())).await;
    let limited = call(addr, "/tools/limited", "").await;
    let wait: u64 = limited.header("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
    assert!((85..=90).contains(&wait), "{wait}");
    assert_eq!(limited.json()["retry_guidance"], "retry_after_60s");
    assert_eq!(limited.json()["severity"], "medium");

    let held = call(addr, "/tools/held", "").await;
    let id = format!("{:032x}", 5);
    assert_eq!(held.header("location"), Some(&*format!("/scopegate/reviews/{id}")));
    assert_eq!(held.header("retry-after"), Some("2"));
    assert_eq!(held.json()["review"]["id"], *id);
    assert_eq!(held.json()["review"]["expires_at"], "2027-01-15T08:00:00.000Z");

    assert_eq!(call(addr, "/tools/undecided", "").await.header("retry-after"), Some("1"));
    assert_eq!(call(addr, "/tools/unrecorded", "").await.header("retry-after"), Some("1"));
    assert_eq!(call(addr, "/tools/unheard-of", "").await.header("retry-after"), None);
}

#[tokio::test]
async fn knows_a_session_or_refuses() {
    let table = Table::new();
    let addr = serve(common(&table)).await;
    let invalid = Some("Bearer error=\"invalid_token\"");
    for (headers, status, code, challenge) in [
        ("", 401, "NO_SESSION", Some("Bearer")),
        ("authorization: Basic Z29vZA==\r\n", 401, "NO_SESSION", Some("Bearer")),
        ("authorization: good-token\r\n", 401, "NO_SESSION", Some("Bearer")),
        ("authorization: Bearer good-token, Bearer x\r\n", 401, "NO_SESSION", Some("Bearer")),
        ("x-agent-id: good-token\r\nx-session: good-token\r\n", 401, "NO_SESSION", Some("Bearer")),
        ("authorization: Bearer bad\r\n", 401, "JWT_INVALID", invalid),
        ("authorization: Bearer expired\r\n", 401, "JWT_EXPIRED", invalid),
        ("authorization: Bearer revoked\r\n", 401, "SESSION_REVOKED", invalid),
        ("authorization: Bearer orphaned\r\n", 401, "SESSION_EXPIRED", invalid),
        ("authorization: Bearer suspended\r\n", 403, "AGENT_SUSPENDED", None),
        (
            "authorization: Bearer good-token\r\nauthorization: Bearer good-token\r\n",
            400,
            "TWO_CREDENTIALS",
            None,
        ),
        ("authorization: Bearer bad\r\nAuthorization: Bearer good-token\r\n", 400, "TWO_CREDENTIALS", None),
        ("AUTHORIZATION: bearer good-token\r\n", 200, "ran", None),
    ] {
        let reply = send(addr, "GET /tools/read", headers, "").await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{headers}");
        assert_eq!(reply.header("www-authenticate"), challenge, "{headers}");
        assert!(!reply.body.contains("good-token"), "echoes the token");
    }
    // A token in the query string is no credential.
    let reply = send(addr, "GET /tools/read?access_token=good-token", "", "").await;
    assert_eq!(reply.code(), "NO_SESSION");
}

#[tokio::test]
async fn the_gate_sees_the_parameter_the_handler_sees() {
    let table = Table::new();
    let addr = serve(common(&table)).await;
    for (path, status, code) in [
        ("/tools/re%61d", 200, "ran"),
        ("/tools/%72%65%61%64", 200, "ran"),
        ("/tools/admin%2Fread", 200, "ran"),
        ("/tools/re%2561d", 403, "SCOPE_VIOLATION"),
        ("/tools/read%00", 403, "SCOPE_VIOLATION"),
        ("/tools/%ff", 400, "NO_TOOL"),
    ] {
        let reply = call(addr, path, "").await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{path}");
        if code == "ran" {
            assert_eq!(reply.body, if path.contains("2F") { "admin/read" } else { "read" }, "{path}");
        }
    }
    let nested = serve(Router::new().nest("/v1", common(&table))).await;
    assert_eq!(call(nested, "/v1/tools/read", "").await.body, "read");
    let long = format!("/tools/{}", "a".repeat(129));
    assert_eq!(call(addr, &long, "").await.code(), "NO_TOOL");
    assert_eq!(table.outcomes(), [Outcome::Ok; 4]);
}

#[tokio::test]
async fn a_route_without_the_parameter_names_the_setting() {
    let table = Table::new();
    let layer = ScopeLayer::new(table.clone());
    let router = Router::new().route("/search", post(ran)).route("/{name}/x", post(ran)).layer(layer);
    let addr = serve(router).await;
    for path in ["/search", "/read/x", "/no-such-route"] {
        let reply = call(addr, path, "").await;
        assert_eq!((reply.status, reply.code().as_str()), (500, "TOOL_NOT_CONFIGURED"), "{path}");
        assert!(reply.body.contains("`tool`") && reply.body.contains("Http::tool"), "{reply:?}");
    }
    assert!(table.asked().is_empty());
    // Who nobody knows learns nothing about routes.
    let stranger = send(addr, "POST /search", "", "").await;
    assert_eq!((stranger.status, stranger.code().as_str()), (401, "NO_SESSION"));

    // Two values of one name: the gate might see one and the handler the other.
    let inner = Router::new().route("/{tool}", any(ran)).layer(ScopeLayer::new(table.clone()));
    let addr = serve(Router::new().nest("/{tool}", inner)).await;
    assert_eq!(call(addr, "/read/rm", "").await.code(), "TOOL_NOT_CONFIGURED");
}

async fn extracted(http: Http, line: &str, body: &str) -> Reply {
    let layer = ScopeLayer::new(Table::new()).extract(http);
    let routes = Router::new().route("/orders/{id}", any(ran)).route("/x", any(ran)).route_layer(layer);
    let addr = serve(routes.layer(from_fn(authenticate))).await;
    let headers = "authorization: Bearer good-token\r\ncontent-type: application/json\r\n";
    send(addr, line, headers, body).await
}

struct ToolName(&'static str);

impl AsRef<str> for ToolName {
    fn as_ref(&self) -> &str {
        self.0
    }
}

/// Stands for an authentication layer.
async fn authenticate(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Principal::Session(SESSION));
    request.extensions_mut().insert(std::sync::Arc::new(String::from("unrelated")));
    request.extensions_mut().insert(Tool(std::sync::Arc::new(ToolName("read"))));
    next.run(request).await
}

#[derive(Clone)]
struct Tool(std::sync::Arc<ToolName>);

impl AsRef<str> for Tool {
    fn as_ref(&self) -> &str {
        (*self.0).as_ref()
    }
}

/// The tool's name, and what the first answer to a call is.
async fn check(http: Http, line: &str, body: &str, status: u16, code: &str) {
    let shown = format!("{http:?} {line} {body}");
    let reply = extracted(http, line, body).await;
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{shown}: {reply:?}");
}

#[tokio::test]
async fn finds_the_tool_where_it_was_told_to() {
    let matched = || Http::new().tool(ToolFrom::matched_path());
    check(matched(), "GET /orders/7", "", 200, "ran").await;
    check(matched(), "DELETE /orders/7", "", 403, "SCOPE_VIOLATION").await;
    assert_eq!(extracted(matched(), "HEAD /orders/7", "").await.status, 403);

    let named = |name: &str| Http::new().tool(ToolFrom::name(name));
    check(named("read"), "GET /x", "", 200, "ran").await;
    check(named("pay"), "POST /x", r#"{"amount":5}"#, 200, "ran").await;
    check(named(""), "POST /x", "", 400, "NO_TOOL").await;

    check(Http::new().tool(ToolFrom::extension::<Tool>()), "GET /x", "", 200, "ran").await;
    let missing = Http::new().tool(ToolFrom::extension::<String>());
    check(missing, "GET /x", "", 500, "TOOL_NOT_CONFIGURED").await;

    let closure = Http::new().tool(ToolFrom::from_fn(|head| {
        head.uri.path().strip_prefix("/orders/").map(|_| ToolCall::new("read"))
    }));
    check(closure.clone(), "GET /orders/7", "", 200, "ran").await;
    check(closure, "GET /x", "", 400, "NO_TOOL").await;

    let pointer = || Http::new().tool(ToolFrom::json_pointer("/tool")).args(ArgsFrom::json_pointer("/args"));
    for (body, status, code) in [
        (r#"{"tool":"read"}"#, 200, "ran"),
        (r#"{"tool":"pay","args":{"amount":5}}"#, 200, "ran"),
        (r#"{"tool":"pay","args":{"amount":500},"amount":5}"#, 403, "PARAMETER_VIOLATION"),
        (r#"{"tool":"pay","amount":5}"#, 403, "PARAMETER_VIOLATION"),
        (r#"{"tool":"pay","args":[5]}"#, 403, "INVALID_ARGUMENTS"),
        (r#"{"tool":"read","tool":"pay"}"#, 400, "BODY_REFUSED"),
        (r#"{"tool":"read","t\u006fol":"pay"}"#, 400, "BODY_REFUSED"),
        (r#"{"tool":"read","Tool":"pay"}"#, 400, "AMBIGUOUS_MEMBER"),
        (r#"{"tool":"pay","args":{"amount":5},"ARGS":{"amount":500}}"#, 400, "AMBIGUOUS_MEMBER"),
        (r#"{"tool":["read"]}"#, 400, "NO_TOOL"),
        (r#"{"args":{}}"#, 400, "NO_TOOL"),
        ("", 400, "NO_TOOL"),
        (r#""read""#, 400, "NO_TOOL"),
        ("read", 400, "BODY_REFUSED"),
    ] {
        check(pointer(), "POST /x", body, status, code).await;
    }
    check(pointer(), "POST /x?tool=read", r#"{"tool":"read"}"#, 400, "QUERY_NOT_JUDGED").await;
}

#[tokio::test]
async fn one_json_rpc_call_and_nothing_else() {
    let request = |inside: &str| format!(r#"{{"jsonrpc":"2.0","id":1,{inside}}}"#);
    let pay = |amount: u32| {
        request(&format!(
            r#""method":"tools/call","params":{{"name":"pay","arguments":{{"amount":{amount}}}}}"#
        ))
    };
    for (body, status, code) in [
        (pay(5), 200, "ran"),
        (pay(500), 403, "PARAMETER_VIOLATION"),
        (request(r#""method":"tools/call","params":{"name":"read"}"#), 200, "ran"),
        (request(r#""method":"tools/call","params":{"name":"pay"}"#), 403, "PARAMETER_VIOLATION"),
        (request(r#""method":"tools/call","params":{"name":"rm"}"#), 403, "SCOPE_VIOLATION"),
        (request(r#""method":"tools/call","params":{"name":"read","name":"pay"}"#), 400, "BODY_REFUSED"),
        (request(r#""method":"tools/list""#), 400, "NOT_A_TOOL_CALL"),
        (request(r#""result":{}"#), 400, "NOT_A_TOOL_CALL"),
        (format!("[{}]", pay(5)), 400, "NOT_A_TOOL_CALL"),
        (format!("[{},{}]", pay(5), pay(500)), 400, "NOT_A_TOOL_CALL"),
        ("[]".to_owned(), 400, "NOT_A_TOOL_CALL"),
        (pay(5).replace(r#""id":1,"#, ""), 400, "NOT_A_TOOL_CALL"),
        (pay(5).replace("2.0", "1.0"), 400, "NOT_A_TOOL_CALL"),
        (format!("{}{}", pay(5), pay(500)), 400, "BODY_REFUSED"),
    ] {
        check(Http::json_rpc(), "POST /x", &body, status, code).await;
    }
}

#[tokio::test]
async fn takes_the_session_from_an_authentication_layer() {
    let http = || Http::new().session(SessionFrom::extension()).tool(ToolFrom::name("read"));
    check(http(), "GET /x", "", 200, "ran").await;
    let layer = ScopeLayer::new(Table::new()).extract(http());
    let addr = serve(Router::new().route("/x", get(ran)).route_layer(layer)).await;
    // Nobody authenticated: the bearer token is not consulted instead.
    assert_eq!(call(addr, "/x", "").await.status, 401);
}

#[tokio::test]
async fn judges_arguments_from_a_closure() {
    let http = || {
        Http::new().tool(ToolFrom::name("pay")).args(ArgsFrom::from_fn(|head| {
            let amount = head.uri.query().and_then(|query| query.strip_prefix("amount="));
            amount.map_or(Args::none(), |amount| Args::parse(format!(r#"{{"amount":{amount}}}"#)))
        }))
    };
    check(http(), "GET /x?amount=5", "", 200, "ran").await;
    check(http(), "GET /x?amount=500", "", 403, "PARAMETER_VIOLATION").await;
    check(http(), "GET /x?amount=5,%22a%22:1", "", 403, "INVALID_ARGUMENTS").await;
    check(http(), "GET /x", "", 403, "PARAMETER_VIOLATION").await;
    let unread = Http::new().tool(ToolFrom::name("pay")).args(ArgsFrom::from_fn(|_| Args::unread()));
    let table = Table::new();
    let layer = ScopeLayer::new(table.clone()).extract(unread);
    let addr = serve(Router::new().route("/x", any(ran)).route_layer(layer)).await;
    assert_eq!(call(addr, "/x", r#"{"amount":5}"#).await.code(), "INVALID_ARGUMENTS");
    assert_eq!(table.asked().len(), 1, "the denial is on record");
}

#[tokio::test]
async fn a_query_is_not_an_argument() {
    let addr = serve(common(&Table::new())).await;
    let reply = call(addr, "/tools/pay?amount=5000", r#"{"amount":5}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "QUERY_NOT_JUDGED"));
    assert!(reply.body.contains("allow_query"));
    assert_eq!(call(addr, "/tools/pay?", r#"{"amount":5}"#).await.code(), "ran");
    assert_eq!(call(addr, "/tools/read?page=2", "").await.code(), "ran");
    let http = Http::new().tool(ToolFrom::name("pay")).allow_query();
    check(http, "POST /x?trace=1", r#"{"amount":5}"#, 200, "ran").await;
}

/// Takes the permit, and answers with the judged arguments.
async fn take(TakenPermit(permitted): TakenPermit) -> String {
    let args = permitted.call().args.to_json().unwrap_or_default();
    permitted.complete(Outcome::Failed);
    args
}

async fn take_twice(first: TakenPermit, _: TakenPermit) -> String {
    first.0.complete(Outcome::Ok);
    "twice".to_owned()
}

async fn slot(request: Request) -> String {
    let slot = request.extensions().get::<PermitSlot>().cloned();
    slot.and_then(|slot| slot.take()).map(|permitted| permitted.call().tool.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn the_permit_reaches_the_handler_once() {
    let table = Table::new();
    let http = Http::new().tool(ToolFrom::name("pay")).hand_permit();
    let routes = Router::new()
        .route("/take", post(take))
        .route("/twice", post(take_twice))
        .route("/slot", post(slot))
        .route_layer(ScopeLayer::new(table.clone()).extract(http))
        .route("/bare", post(take));
    let addr = serve(routes).await;
    let body = "{ \"amount\" : 1.50, \"note\": \"\\u0061\" }";
    let taken = call(addr, "/take", body).await;
    assert_eq!((taken.status, taken.body.as_str()), (200, r#"{"amount":1.50,"note":"a"}"#));
    assert_eq!(table.outcomes(), [Outcome::Failed], "the handler's word counts");

    assert_eq!(call(addr, "/slot", body).await.body, "pay");
    assert_eq!(table.outcomes()[1..], [Outcome::Dropped]);
    for path in ["/twice", "/bare"] {
        let reply = call(addr, path, body).await;
        assert_eq!((reply.status, reply.code().as_str()), (500, "NO_PERMIT"), "{path}");
    }
}

#[tokio::test]
async fn the_permit_is_handed_on_only_where_that_is_set() {
    let table = Table::new();
    let routes = Router::new()
        .route("/take", post(take))
        .route("/slot", post(slot))
        .route("/body", post(|body: String| async { body }))
        .route_layer(ScopeLayer::new(table.clone()).extract(Http::new().tool(ToolFrom::name("pay"))));
    let addr = serve(routes).await;
    let body = "{ \"amount\" : 1.50 }";
    let taken = call(addr, "/take", body).await;
    assert_eq!((taken.status, taken.code().as_str()), (500, "NO_PERMIT"));
    assert!(taken.body.contains("hand_permit"), "{}", taken.body);
    assert_eq!(call(addr, "/slot", body).await.body, "", "no slot");
    assert_eq!(call(addr, "/body", body).await.body, r#"{"amount":1.50}"#, "what was judged");
    assert_eq!(table.outcomes(), [Outcome::Failed, Outcome::Ok, Outcome::Ok]);
}

#[tokio::test]
async fn reports_what_became_of_the_call() {
    async fn fails() -> Response {
        StatusCode::BAD_GATEWAY.into_response()
    }
    async fn redirects() -> Response {
        (StatusCode::SEE_OTHER, [("location", "/")]).into_response()
    }
    async fn panics() -> Response {
        panic!("on purpose")
    }
    async fn hangs() -> Response {
        std::future::pending().await
    }
    for hand in [false, true] {
        let http = Http::new().tool(ToolFrom::name("read"));
        let http = if hand { http.hand_permit() } else { http };
        let table = Table::new();
        let routes = Router::new()
            .route("/ok", post(ran))
            .route("/redirects", post(redirects))
            .route("/fails", post(fails))
            .route("/panics", post(panics))
            .route("/hangs", post(hangs))
            .route_layer(ScopeLayer::new(table.clone()).extract(http));
        let addr = serve(routes).await;
        for path in ["/ok", "/redirects", "/fails"] {
            call(addr, path, "").await;
        }
        assert_eq!(table.outcomes(), [Outcome::Ok, Outcome::Ok, Outcome::Failed]);
        for path in ["/panics", "/hangs"] {
            let gone =
                tokio::time::timeout(std::time::Duration::from_millis(200), call_raw(addr, path)).await;
            assert!(path == "/panics" || gone.is_err());
        }
        super::eventually(|| table.outcomes().len() == 5).await;
        assert_eq!(table.outcomes()[3..], [Outcome::Dropped; 2]);
    }
}

/// Sends a request and reads to the end, which may be no answer at all.
async fn call_raw(addr: std::net::SocketAddr, path: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(addr).await.expect("a connection");
    let request = format!("POST {path} HTTP/1.1\r\nhost: t\r\nauthorization: Bearer good-token\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn duties_are_performed_or_nothing_goes_out() {
    async fn performs(TakenPermit(permitted): TakenPermit) -> Response {
        assert_eq!(permitted.obligations().len(), 1);
        permitted.complete(Outcome::Ok);
        ran().await
    }
    let table = Table::new();
    let http = Http::new().tool(ToolFrom::name("redacts")).handler_redacts();
    let routes = Router::new()
        .route("/performs", post(performs))
        .route("/forgets", post(|| async { "the iban" }))
        .route_layer(ScopeLayer::new(table.clone()).extract(http));
    let addr = serve(routes).await;
    assert_eq!(call(addr, "/performs", "").await.code(), "ran");
    let forgot = call(addr, "/forgets", "").await;
    assert_eq!((forgot.status, forgot.code().as_str()), (500, "DUTY_NOT_PERFORMED"));
    assert!(!forgot.body.contains("the iban"));
    assert_eq!(table.outcomes(), [Outcome::Ok, Outcome::Ok]);

    // Nobody promised to perform duties: the handler does not run.
    let table = Table::new();
    let addr = serve(common(&table)).await;
    assert_eq!(call(addr, "/tools/redacts", "").await.code(), "DUTY_NOT_PERFORMED");
    assert_eq!(table.outcomes(), [Outcome::Dropped]);
}
