//! The fast paths allocate nothing: the layer, the strict reader, and the embedded enforcer behind them.

mod engine;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use scopegate_core::json::{Document, Json};
use scopegate_core::{
    AccessRequest, Args, Decision, Denial, DenyCode, EnforceError, Enforcer, Outcome, Permit, PermitId,
    Permitted, Principal, PrincipalRef, Quick, SessionId, ToolCall,
};
use scopegate_tower::{ArgsFrom, Http, ScopeLayer, Stop, ToolFrom};
use tower::{Layer, Service, service_fn};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Permits `read` and denies the rest, without waiting.
struct Fixed;

#[async_trait]
impl Enforcer for Fixed {
    fn try_enforce(&self, request: &AccessRequest<'_>) -> Quick {
        let id = PermitId { session: SessionId::from_bits(1), number: 1 };
        Quick::Decided(match request.call.args.get().and_then(|args| args.pointer("/path")) {
            Some(_) if request.call.tool == "read" => {
                Decision::Permit(Permit { id, obligations: None, credential: None })
            }
            _ => Decision::Deny(Denial::new(DenyCode::ScopeViolation)),
        })
    }

    async fn enforce(&self, _: &AccessRequest<'_>) -> Result<Decision, EnforceError> {
        Err(EnforceError::Conflict)
    }

    fn complete(&self, _: PermitId, outcome: Outcome) {
        assert_eq!(outcome, Outcome::Ok);
    }

    async fn visible(&self, _: PrincipalRef<'_>, _: &[&str]) -> Result<Vec<bool>, EnforceError> {
        Err(EnforceError::Conflict)
    }
}

#[derive(Clone)]
struct Tool;

/// An error that costs nothing.
#[derive(Debug)]
struct Refused(&'static str);

impl From<Stop> for Refused {
    fn from(stop: Stop) -> Self {
        Self(stop.code())
    }
}

impl Service<Permitted<ToolCall>> for Tool {
    type Response = usize;
    type Error = Refused;
    type Future = Ready<Result<usize, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, permitted: Permitted<ToolCall>) -> Self::Future {
        let length = permitted.call().tool.len();
        permitted.complete(Outcome::Ok);
        ready(Ok(length))
    }
}

/// Calls once, counting what the layer and the future allocate.
fn call(
    service: &mut impl Service<ToolCall, Response = usize, Error = Refused>,
    tool: &str,
) -> (u64, String) {
    let call = ToolCall::new(tool).with_args(Args::parse(r#"{"path":"/data/a.csv","lines":10}"#));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(service.poll_ready(cx).is_ready());
    let before = ALLOCATIONS.get();
    let answer = {
        let future = pin!(service.call(call));
        future.poll(cx)
    };
    let spent = ALLOCATIONS.get() - before;
    let answer = match answer {
        Poll::Ready(Ok(length)) => format!("ran {length}"),
        Poll::Ready(Err(Refused(code))) => code.to_owned(),
        Poll::Pending => "pending".to_owned(),
    };
    (spent, answer)
}

#[test]
fn the_native_fast_path_allocates_nothing() {
    let mut service = ScopeLayer::native(Fixed, Principal::token("a.token.of.usual.length")).layer(Tool);
    for _ in 0..1000 {
        assert_eq!(call(&mut service, "read"), (0, "ran 4".to_owned()));
        assert_eq!(call(&mut service, "wire"), (0, "SCOPE_VIOLATION".to_owned()));
    }
}

/// Sixteen values without escapes: what an ordinary call has.
const CALL: &str = r#"{"tool":"read","env":"prod","args":{"path":"/data/ä.csv","lines":10,"from":-1.5e3,
    "wide":true,"until":null,"tags":["a",10.50],"sum":-0.10,"to":{"name":"x"}}}"#;

#[test]
fn reading_allocates_nothing() {
    let before = ALLOCATIONS.get();
    let args = Args::at_pointer(Document::read(CALL).expect("strict JSON"), "/args");
    let path = args.get().and_then(|args| args.pointer("/path")).map(|path| path.get());
    let spent = ALLOCATIONS.get() - before;
    assert!(matches!(path, Some(Json::String(path)) if path == "/data/ä.csv"));
    assert_eq!(spent, 0);
}

#[test]
fn the_http_fast_path_allocates_nothing() {
    let args = ArgsFrom::from_fn(|_| Args::parse(Bytes::from_static(br#"{"path":"/data/a.csv"}"#)));
    let http = Http::new().tool(ToolFrom::name("read")).args(args);
    let handler =
        |_: Request<Full<Bytes>>| ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())));
    let mut service = ScopeLayer::new(Fixed).extract(http).layer(service_fn(handler));
    for _ in 0..1000 {
        let mut request = Request::new(Full::default());
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer a.token"));
        let cx = &mut Context::from_waker(Waker::noop());
        let before = ALLOCATIONS.get();
        let answer = pin!(service.call(request)).poll(cx);
        assert_eq!(ALLOCATIONS.get() - before, 0);
        assert!(matches!(answer, Poll::Ready(Ok(response)) if response.status() == 200));
    }
}

#[test]
fn the_counter_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1_u64)));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}
