//! What was judged is what the handler reads.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use http_body::Frame;
use scopegate_core::Outcome;
use scopegate_tower::{Http, ScopeLayer, ToolFrom};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

use super::wire::{Reply, exchange, post, send, serve};
use super::{Table, eventually};

const GOOD: &str = "authorization: Bearer good-token\r\n";
const JSON: &str = "authorization: Bearer good-token\r\ncontent-type: application/json\r\n";

/// Answers with the body it received, and with its headers under `saw-…`.
async fn mirror(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_else(|_| Bytes::from_static(b"(broken)"));
    let mut response = Body::from(body).into_response();
    let headers = response.headers_mut();
    headers.insert("x-ran", "yes".parse().expect("a value"));
    for (name, value) in &parts.headers {
        let name = format!("saw-{name}").parse::<http::HeaderName>().expect("a name");
        headers.append(name, value.clone());
    }
    response
}

fn app(table: &Table, http: Http) -> Router {
    Router::new().route("/{tool}", any(mirror)).layer(ScopeLayer::new(table.clone()).extract(http))
}

#[tokio::test]
async fn the_handler_reads_the_judged_value() {
    let addr = serve(app(&Table::new(), Http::new())).await;
    for (wire, judged) in [
        (r#"{"amount":5}"#, r#"{"amount":5}"#),
        ("\r\n { \"amount\" : 5.0 ,\t\"b\":[ 1 , {} ] } ", r#"{"amount":5.0,"b":[1,{}]}"#),
        (r#"{"\u0061mount":1e1,"n":"\u00e9\/\n"}"#, "{\"amount\":1e1,\"n\":\"\u{e9}/\\n\"}"),
    ] {
        let reply = post(addr, "/pay", wire).await;
        assert_eq!((reply.code().as_str(), reply.body.as_str()), ("ran", judged));
        assert_eq!(reply.header("saw-content-length"), Some(&*judged.len().to_string()));
    }
}

#[tokio::test]
async fn headers_describe_what_is_handed_on() {
    let addr = serve(app(&Table::new(), Http::new())).await;
    let headers = "content-digest: sha-256=:AAAA:\r\nrepr-digest: sha-256=:AAAA:\r\ndigest: a\r\ncontent-md5: a\r\n\
         content-encoding: identity\r\nx-own: kept\r\n";
    let reply = send(addr, "POST /pay", &format!("{JSON}{headers}"), r#"{ "amount": 5 }"#).await;
    assert_eq!(reply.body, r#"{"amount":5}"#);
    for gone in ["content-digest", "repr-digest", "digest", "content-md5", "transfer-encoding", "trailer"] {
        assert_eq!(reply.header(&format!("saw-{gone}")), None, "{gone}");
    }
    assert_eq!(reply.header("saw-x-own"), Some("kept"));

    let chunked = format!(
        "POST /pay HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{JSON}transfer-encoding: chunked\r\n\
         trailer: x-sum\r\n\r\n5\r\n{{\"amo\r\n7\r\nunt\":5}}\r\n0\r\nx-sum: 1\r\n\r\n"
    );
    let reply = exchange(addr, chunked.as_bytes()).await;
    assert_eq!((reply.code().as_str(), reply.body.as_str()), ("ran", r#"{"amount":5}"#));
    assert_eq!(reply.header("saw-content-length"), Some("12"));
    assert_eq!(reply.header("saw-transfer-encoding"), None);
    assert_eq!(reply.header("saw-trailer"), None);
}

#[tokio::test]
async fn an_unjudged_body_streams_through() {
    let addr = serve(app(&Table::new(), Http::new().body_limit(4))).await;
    let body = r#"{ "a": 1, "a": 2 } and more"#;
    let reply = send(addr, "POST /read", &format!("{GOOD}content-digest: kept\r\n"), body).await;
    assert_eq!((reply.code().as_str(), reply.body.as_str()), ("ran", body));
    assert_eq!(reply.header("saw-content-digest"), Some("kept"));
}

#[tokio::test]
async fn every_body_can_be_read_for_handlers_that_run_on_their_permit() {
    let addr = serve(app(&Table::new(), Http::new().always_read())).await;
    let read = async |body| send(addr, "POST /read", JSON, body).await;
    let good = read(r#"{ "a": 1 }"#).await;
    assert_eq!((good.code().as_str(), good.body.as_str()), ("ran", r#"{"a":1}"#));
    let hostile = read(r#"{"a":1,"a":2}"#).await;
    assert_ne!(hostile.code(), "ran");
}

async fn check(headers: &str, body: &str, status: u16, code: &str) -> Reply {
    let table = Table::new();
    let addr = serve(app(&table, Http::new())).await;
    let reply = send(addr, "POST /pay", &format!("{GOOD}{headers}"), body).await;
    let shown: String = body.chars().take(60).collect();
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{headers:?} {shown}");
    assert_eq!(table.outcomes().len(), usize::from(code == "ran"), "{headers:?} {shown}");
    reply
}

#[tokio::test]
async fn only_plain_json_is_judged() {
    let five = r#"{"amount":5}"#;
    for media in ["application/json", "APPLICATION/JSON ; charset=utf-8", "application/vnd.pay+json"] {
        let reply = check(&format!("content-type: {media}\r\n"), five, 200, "ran").await;
        let essence = media.split(';').next().map(str::trim);
        assert_eq!(reply.header("saw-content-type"), essence);
    }
    // Nobody said what it is: after reading we know.
    let reply = check("", five, 200, "ran").await;
    assert_eq!(reply.header("saw-content-type"), Some("application/json"));

    // A form parser would read another amount out of the same bytes.
    let both = r#"{"amount":5,"x":"&amount=5000&"}"#;
    for media in
        ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "application/jsonp", ""]
    {
        check(&format!("content-type: {media}\r\n"), both, 415, "NOT_JSON").await;
    }
    let twice = "content-type: application/json\r\ncontent-type: text/plain\r\n";
    check(twice, five, 415, "NOT_JSON").await;

    for coding in ["gzip", "deflate", "br", "identity, gzip", "x"] {
        let reply = check(&format!("content-encoding: {coding}\r\n"), five, 415, "ENCODED_BODY").await;
        assert_eq!(reply.header("accept-encoding"), Some("identity"));
    }
    check("content-encoding: identity\r\ncontent-encoding: gzip\r\n", five, 415, "ENCODED_BODY").await;
}

#[tokio::test]
async fn hostile_arguments_are_denied_and_unreadable_bodies_refused() {
    let deep = format!("{{\"amount\":5,\"d\":{}{}}}", "[".repeat(40), "]".repeat(40));
    let many = format!("{{\"amount\":5,\"m\":[{}0]}}", "0,".repeat(5000));
    for body in [
        r#"{"amount":5,"amount":5}"#,
        r#"{"amount":5,"\u0061mount":500}"#,
        r#"{"x":{"a":1,"a":1},"amount":5}"#,
        r#"{"amount":5,"n":9007199254740993}"#,
        r#"{"amount":-0}"#,
        r#"{"amount":5,"s":"\ud800"}"#,
        "5",
        "null",
        &deep,
        &many,
    ] {
        check("", body, 403, "INVALID_ARGUMENTS").await;
    }
    for body in ["{", "{\"amount\":5}}", "{\"amount\":05}", "\u{feff}{\"amount\":5}", "amount=5", " "] {
        check("", body, 400, "BODY_REFUSED").await;
    }
    let table = Table::new();
    let addr = serve(app(&table, Http::new())).await;
    let mut request =
        format!("POST /pay HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{JSON}content-length: 3\r\n\r\n")
            .into_bytes();
    request.extend(b"\"\xff\"");
    assert_eq!(exchange(addr, &request).await.code(), "BODY_REFUSED");
}

#[tokio::test]
async fn a_permit_without_its_arguments_runs_nothing() {
    let table = Table::new();
    let addr = serve(app(&table, Http::new())).await;
    assert_eq!(post(addr, "/fickle", r#"{ "a": 1 }"#).await.body, r#"{"a":1}"#);
    assert_eq!(post(addr, "/fickle", r#"{"a":1,"a":2}"#).await.code(), "BODY_REFUSED");
    assert_eq!(table.outcomes(), [Outcome::Ok, Outcome::Dropped]);
}

#[tokio::test]
async fn a_body_ends_at_the_limit() {
    let body = |length: usize| {
        let frame = r#"{"amount":5,"p":[""]}"#.len();
        // Strings are at most 64 KiB, so the padding is space.
        format!(r#"{{"amount":5,"p":[{}""]}}"#, " ".repeat(length - frame))
    };
    let limit = 256 * 1024;
    check("", &body(limit), 200, "ran").await;
    check("", &body(limit + 1), 413, "BODY_TOO_LARGE").await;

    // A length in the head is refused before anything has arrived.
    let addr = serve(app(&Table::new(), Http::new())).await;
    let head = format!(
        "POST /pay HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{JSON}content-length: 1000000\r\n\r\n"
    );
    let begun = tokio::time::Instant::now();
    assert_eq!(exchange(addr, head.as_bytes()).await.code(), "BODY_TOO_LARGE");
    assert!(begun.elapsed() < Duration::from_secs(9));

    // Without one, it counts while reading.
    let addr = serve(app(&Table::new(), Http::new().body_limit(20))).await;
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    for (tail, code) in [("     }", "ran"), ("           }", "BODY_TOO_LARGE")] {
        let request = format!(
            "POST /pay HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{JSON}transfer-encoding: chunked\r\n\r\n{}{}0\r\n\r\n",
            chunk(r#"{"amount":5"#),
            chunk(tail)
        );
        assert_eq!(exchange(addr, request.as_bytes()).await.code(), code);
    }
}

#[tokio::test]
async fn an_empty_body_is_an_empty_object() {
    let reply = check("", "", 403, "PARAMETER_VIOLATION").await;
    assert!(reply.body.contains("at most 100"));
    let empty = format!(
        "POST /pay HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{GOOD}transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    );
    let addr = serve(app(&Table::new(), Http::new())).await;
    assert_eq!(exchange(addr, empty.as_bytes()).await.code(), "PARAMETER_VIOLATION");
}

/// A body that sends its chunks, waiting before each.
struct Drip {
    chunks: Vec<&'static str>,
    each: Duration,
    wait: Pin<Box<tokio::time::Sleep>>,
}

impl Drip {
    fn body(mut chunks: Vec<&'static str>, each: Duration) -> Body {
        chunks.reverse();
        Body::new(Self { chunks, each, wait: Box::pin(tokio::time::sleep(each)) })
    }
}

impl http_body::Body for Drip {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::ready!(self.wait.as_mut().poll(cx));
        let each = self.each;
        self.wait.set(tokio::time::sleep(each));
        Poll::Ready(self.chunks.pop().map(|chunk| Ok(Frame::data(chunk.into()))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_ends_at_the_deadline() {
    for (each, status) in [(2_400, 200), (2_600, 408), (3_600_000, 408)] {
        let table = Table::new();
        let http = Http::new().tool(ToolFrom::name("pay"));
        let body = Drip::body(vec!["{\"amount\"", ":", "5}"], Duration::from_millis(each));
        let request =
            Request::post("/x").header("authorization", "Bearer good-token").body(body).expect("a request");
        let begun = tokio::time::Instant::now();
        let response = app(&table, http).oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), status, "{each}");
        assert!(begun.elapsed() <= Duration::from_secs(10) + Duration::from_millis(2));
        assert_eq!(table.outcomes().len(), usize::from(status == 200));
    }
}

#[tokio::test]
async fn a_client_that_goes_away_runs_nothing() {
    let table = Table::new();
    let addr = serve(app(&table, Http::new())).await;
    let head = format!("POST /pay HTTP/1.1\r\nhost: t\r\n{JSON}content-length: 12\r\n\r\n{{\"amount\"");
    for abrupt in [false, true] {
        let mut stream = TcpStream::connect(addr).await.expect("a connection");
        stream.write_all(head.as_bytes()).await.expect("sent");
        tokio::time::sleep(Duration::from_millis(50)).await;
        if !abrupt {
            // Ends its side, and still listens.
            stream.shutdown().await.expect("shut down");
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
        }
        drop(stream);
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(table.asked().is_empty() && table.outcomes().is_empty());
    // The server is well.
    assert_eq!(post(addr, "/pay", r#"{"amount":5}"#).await.code(), "ran");
    eventually(|| table.outcomes().len() == 1).await;
}
