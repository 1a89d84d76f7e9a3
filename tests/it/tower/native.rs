//! The layer around services of tool calls.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use scopegate_core::{Args, DenyCode, Gate, Outcome, Permitted, Principal, Refusal, ToolCall};
use scopegate_tower::{AnySession, OneSession, ScopeLayer, Stop};
use tower::limit::ConcurrencyLimitLayer;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

use super::{SESSION, Table, good};

/// A service that may be called only right after it was polled ready, and whose clones are not.
#[derive(Default)]
struct Strict {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false, calls: self.calls.clone() }
    }
}

impl Service<Permitted<ToolCall>> for Strict {
    type Response = String;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<String, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, permitted: Permitted<ToolCall>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been polled ready");
        self.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let tool = permitted.call().tool.to_string();
            permitted.complete(Outcome::Ok);
            Ok(tool)
        })
    }
}

fn pay(args: &'static str) -> ToolCall {
    ToolCall::new("pay").with_args(Args::parse(args))
}

/// The code of a refusal.
fn code(answer: Result<String, BoxError>) -> String {
    match answer {
        Ok(tool) => format!("ran {tool}"),
        Err(error) => error.downcast_ref::<Stop>().map_or(error.to_string(), |stop| stop.code().to_owned()),
    }
}

#[tokio::test]
async fn answers_by_the_decision_and_calls_the_ready_service() {
    for table in [Table::new(), Table::slow()] {
        let strict = Strict::default();
        let mut service = ScopeLayer::native(table.clone(), good()).layer(strict.clone());
        for (call, expected) in [
            (ToolCall::new("read"), "ran read"),
            (pay(r#"{"amount":5}"#), "ran pay"),
            (pay(r#"{"amount":500}"#), "PARAMETER_VIOLATION"),
            (pay(r#"{"amount":5,"amount":5}"#), "INVALID_ARGUMENTS"),
            (ToolCall::new("pay"), "INVALID_ARGUMENTS"),
            (ToolCall::new("rm"), "SCOPE_VIOLATION"),
            (ToolCall::new(""), "SCOPE_VIOLATION"),
            (ToolCall::new("held"), "HELD"),
            (ToolCall::new("limited"), "RATE_LIMIT_EXCEEDED"),
            (ToolCall::new("undecided"), "UNDECIDED"),
        ] {
            let shown = format!("{call:?}");
            let answer = service.ready().await.expect("ready").call(call).await;
            assert_eq!(code(answer), expected, "{shown}");
        }
        assert_eq!(strict.calls.load(Ordering::Relaxed), 2);
        assert_eq!(table.outcomes(), [Outcome::Ok; 2]);
    }
}

#[tokio::test]
async fn refusals_carry_the_gates_answer() {
    let service = ScopeLayer::native(Table::new(), good()).layer(Strict::default());
    let error = service.oneshot(ToolCall::new("rm")).await.expect_err("denied");
    match error.downcast_ref() {
        Some(Stop::Refused(Refusal::Denied(denial))) => assert_eq!(denial.code, DenyCode::ScopeViolation),
        other => panic!("{other:?}"),
    }
    assert_eq!(error.to_string(), "role `clerk` does not allow this tool");
}

#[tokio::test]
async fn each_call_can_say_who_asks() {
    let layer = ScopeLayer::over(Gate::new(Table::new())).extract(AnySession);
    for (principal, expected) in [
        (good(), "ran read"),
        (Principal::Session(SESSION), "ran read"),
        (Principal::token("expired"), "JWT_EXPIRED"),
        (Principal::token(""), "JWT_INVALID"),
    ] {
        let service = layer.layer(Strict::default());
        assert_eq!(code(service.oneshot((principal, ToolCall::new("read"))).await), expected);
    }
    let shared = ScopeLayer::over(Gate::from_arc(Arc::new(Table::new()))).extract(OneSession::new(good()));
    assert_eq!(code(shared.layer(Strict::default()).oneshot(ToolCall::new("read")).await), "ran read");
}

#[tokio::test]
async fn a_reserved_place_is_used_and_given_back() {
    for table in [Table::new(), Table::slow()] {
        let layer = ScopeLayer::native(table, good());
        let mut service = layer.layer(ConcurrencyLimitLayer::new(1).layer(Strict::default()));
        for tool in ["read", "rm", "read", "held", "read"] {
            poll_fn(|cx| service.poll_ready(cx)).await.expect("ready");
            let _ = service.call(ToolCall::new(tool)).await;
        }
        // The one place is held while a call is decided and runs.
        poll_fn(|cx| service.poll_ready(cx)).await.expect("ready");
        let running = service.call(ToolCall::new("read"));
        let mut other = service.clone();
        let waits = poll_fn(|cx| Poll::Ready(other.poll_ready(cx).is_pending())).await;
        assert!(waits);
        drop(running);
        poll_fn(|cx| other.poll_ready(cx)).await.expect("the place is free again");
    }
}

#[tokio::test]
async fn what_the_inner_service_does_is_reported() {
    let table = Table::new();
    let layer = ScopeLayer::native(table.clone(), good());

    let fails =
        |permitted: Permitted<ToolCall>| permitted.run(async |_| Err::<String, BoxError>("broken".into()));
    assert_eq!(code(layer.layer(service_fn(fails)).oneshot(ToolCall::new("read")).await), "broken");
    assert_eq!(table.outcomes(), [Outcome::Failed]);

    let panics = |_: Permitted<ToolCall>| async { panic!("on purpose") };
    let service =
        layer.layer(service_fn(panics)).map_response(|never: std::convert::Infallible| match never {});
    let call = tokio::spawn(service.oneshot(ToolCall::new("read")));
    let _: Result<Result<String, BoxError>, _> = call.await;
    assert_eq!(table.outcomes(), [Outcome::Failed, Outcome::Dropped]);

    let hangs = |permitted: Permitted<ToolCall>| async move {
        let _held = permitted;
        std::future::pending::<Result<String, BoxError>>().await
    };
    let mut call = Box::pin(layer.layer(service_fn(hangs)).oneshot(ToolCall::new("read")));
    assert!(poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await);
    drop(call);
    assert_eq!(table.outcomes().len(), 3);
}

#[tokio::test]
async fn dropped_while_deciding_it_runs_nothing() {
    let (table, strict) = (Table::slow(), Strict::default());
    let service = ScopeLayer::native(table.clone(), good()).layer(strict.clone());
    let mut call = Box::pin(service.oneshot(ToolCall::new("read")));
    assert!(poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await);
    drop(call);
    assert_eq!(strict.calls.load(Ordering::Relaxed), 0);
}
