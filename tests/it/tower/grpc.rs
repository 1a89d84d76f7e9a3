//! The layer around a tonic server, over a socket.

use http::{Request, Response};
use scopegate_core::{Args, Outcome, Principal};
use scopegate_tower::{Grpc, HandlerAdmits, PermitSlot, ScopeLayer, SessionFrom};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::{SESSION, Table};

type Intercept = fn(tonic::Request<()>) -> Result<tonic::Request<()>, Status>;

async fn serve(table: &Table, grpc: Grpc) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let (_reporter, health) = tonic_health::server::health_reporter();
    let server = Server::builder().layer(ScopeLayer::new(table.clone()).extract(grpc)).add_service(health);
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(server.serve_with_incoming(incoming));
    Endpoint::new(format!("http://{addr}")).expect("an address").connect().await.expect("a connection")
}

fn client(channel: &Channel, intercept: Intercept) -> HealthClient<InterceptedService<Channel, Intercept>> {
    HealthClient::with_interceptor(channel.clone(), intercept)
}

fn token(mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
    request.metadata_mut().insert("authorization", "Bearer good-token".parse().expect("metadata"));
    Ok(request)
}

fn expired(mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
    request.metadata_mut().insert("authorization", "Bearer expired".parse().expect("metadata"));
    Ok(request)
}

fn twice(mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
    for _ in 0..2 {
        request.metadata_mut().append("authorization", "Bearer good-token".parse().expect("metadata"));
    }
    Ok(request)
}

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn answers_by_the_decision() {
    for table in [Table::new(), Table::slow()] {
        let channel = serve(&table, Grpc::new()).await;
        assert!(client(&channel, token).check(about("")).await.is_ok());
        // The service ran and failed: trailers-only, and reported as failed.
        let unknown = client(&channel, token).check(about("nobody")).await.expect_err("unknown");
        assert_eq!(unknown.code(), Code::NotFound);
        assert_eq!(table.outcomes(), [Outcome::Ok, Outcome::Failed]);

        let expired = client(&channel, expired).check(about("")).await.expect_err("expired");
        assert_eq!(expired.code(), Code::Unauthenticated);
        assert_eq!(expired.metadata().get("scopegate-code").expect("a code"), "JWT_EXPIRED");
        let nobody = client(&channel, Ok).check(about("")).await.expect_err("no token");
        assert_eq!(nobody.code(), Code::Unauthenticated);
        let twice = client(&channel, twice).check(about("")).await.expect_err("two tokens");
        assert_eq!(twice.code(), Code::InvalidArgument);
        assert_eq!(table.outcomes().len(), 2);
    }
}

#[tokio::test]
async fn arguments_are_not_visible() {
    let table = Table::new();
    let channel = serve(&table, Grpc::new()).await;
    let refused = client(&channel, token).watch(about("")).await.expect_err("refused");
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.message().contains("`grpc.health.v1.Health/Watch`"), "{refused:?}");
    assert!(refused.message().contains("does not check"), "{refused:?}");
    assert!(!refused.message().contains("Grpc::"), "our settings are nothing to a caller: {refused:?}");
    assert!(table.outcomes().is_empty());
}

#[tokio::test]
async fn methods_can_be_named_otherwise() {
    let grpc = |tool: &'static str| Grpc::new().tool(move |_| Some(tool.into()));
    for (tool, code, wait) in [
        ("rm", Code::PermissionDenied, None),
        ("pay", Code::PermissionDenied, None),
        ("limited", Code::ResourceExhausted, Some(85_000..=90_000)),
        ("held", Code::FailedPrecondition, Some(2_000..=2_000)),
        ("unrecorded", Code::Unavailable, Some(1_000..=1_000)),
        ("undecided", Code::Unavailable, Some(1_000..=1_000)),
        ("redacts", Code::Internal, None),
    ] {
        let table = Table::new();
        let channel = serve(&table, grpc(tool)).await;
        let refused = client(&channel, token).check(about("")).await.expect_err("refused");
        assert_eq!(refused.code(), code, "{tool}");
        let pushback = refused.metadata().get("grpc-retry-pushback-ms");
        let pushback = pushback.map(|wait| wait.to_str().expect("text").parse::<u64>().expect("a number"));
        assert_eq!(pushback.is_some(), wait.is_some(), "{tool}");
        assert!(pushback.is_none_or(|given| wait.is_some_and(|wait| wait.contains(&given))), "{tool}");
        assert!(!table.outcomes().contains(&Outcome::Ok), "{tool} ran");
        if tool == "held" {
            assert_eq!(refused.metadata().get("scopegate-review").expect("an id"), &*format!("{:032x}", 5));
        }
    }
    let channel = serve(&Table::new(), Grpc::new().tool(|_| None)).await;
    let refused = client(&channel, token).check(about("")).await.expect_err("refused");
    assert_eq!(refused.code(), Code::PermissionDenied);
}

/// A request as tonic's server passes it to the layer.
fn request(method: &str) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = method.parse().expect("a path");
    request.headers_mut().insert("authorization", "Bearer good-token".parse().expect("a value"));
    request
}

fn status(response: &Response<Body>) -> Option<&str> {
    response.headers().get("grpc-status").and_then(|status| status.to_str().ok())
}

#[tokio::test]
async fn a_handler_can_admit() {
    async fn handler(request: Request<Body>) -> Result<Response<Body>, BoxError> {
        assert!(request.extensions().get::<PermitSlot>().is_none());
        let admits = request.extensions().get::<HandlerAdmits>().cloned().expect("handed on");
        let amount = request.headers().get("amount").and_then(|v| v.to_str().ok()).unwrap_or("{");
        match admits.admit(Args::parse(format!(r#"{{"amount":{amount}}}"#))).await {
            Ok(permitted) => {
                permitted.complete(Outcome::Ok);
                Ok(Response::new(Body::empty()))
            }
            Err(stop) => Ok(Status::from(stop).into_http()),
        }
    }
    let table = Table::new();
    let grpc = Grpc::new().tool(|_| Some("pay".into())).handler_admits("/bank.Transfers/Wire");
    let service = ScopeLayer::new(table.clone()).extract(grpc).layer(service_fn(handler));
    for (amount, expected) in [("5", None), ("500", Some("7")), ("5,\"amount\":6", Some("7"))] {
        let mut request = request("/bank.Transfers/Wire");
        request.headers_mut().insert("amount", amount.parse().expect("a value"));
        let response = service.clone().oneshot(request).await.expect("a response");
        assert_eq!(status(&response), expected, "{amount}");
    }
    assert_eq!(table.outcomes(), [Outcome::Ok], "nothing was asked at the head");

    // Without a credential the handler is not reached; other methods are not handed over.
    let mut nobody = request("/bank.Transfers/Wire");
    nobody.headers_mut().remove("authorization");
    for (request, expected) in [(nobody, "16"), (request("/bank.Transfers/Wire/"), "7")] {
        let response = service.clone().oneshot(request).await.expect("a response");
        assert_eq!(status(&response), Some(expected));
    }
    let other = service.oneshot(request("/bank.Transfers/Wire/")).await.expect("a response");
    assert_eq!(other.headers()["scopegate-code"], "ARGUMENTS_NOT_VISIBLE");
}

#[tokio::test]
async fn the_layer_keeps_a_permit_that_nobody_is_handed() {
    async fn handler(request: Request<Body>) -> Result<Response<Body>, BoxError> {
        assert!(request.extensions().get::<PermitSlot>().is_none());
        Ok(Response::new(Body::empty()))
    }
    let table = Table::new();
    let grpc = Grpc::new().tool(|method| method.strip_prefix("s/").map(Into::into));
    let service = ScopeLayer::new(table.clone()).extract(grpc).layer(service_fn(handler));
    for (method, expected) in [("/s/read", None), ("/s/redacts", Some("13"))] {
        let response = service.clone().oneshot(request(method)).await.expect("a response");
        assert_eq!(status(&response), expected, "{method}");
    }
    assert_eq!(table.outcomes(), [Outcome::Ok, Outcome::Dropped]);
}

#[tokio::test]
async fn the_permit_reaches_the_handler() {
    async fn handler(request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let slot = request.extensions().get::<PermitSlot>().expect("a slot");
        let permitted = slot.take().expect("a permit");
        assert_eq!(permitted.obligations().len(), usize::from(permitted.call().tool == "redacts"));
        permitted.complete(Outcome::Ok);
        Ok(Response::new(Body::empty()))
    }
    let table = Table::new();
    let grpc = Grpc::new()
        .session(SessionFrom::extension())
        .tool(|method| method.strip_prefix("s/").map(Into::into))
        .handler_redacts();
    let service = ScopeLayer::new(table.clone()).extract(grpc).layer(service_fn(handler));
    for (method, expected) in [("/s/read", None), ("/s/redacts", None), ("/t/read", Some("7"))] {
        let mut request = request(method);
        request.extensions_mut().insert(Principal::Session(SESSION));
        let response = service.clone().oneshot(request).await.expect("a response");
        assert_eq!(status(&response), expected, "{method}");
    }
    let bearer_only = service.oneshot(request("/s/read")).await.expect("a response");
    assert_eq!(status(&bearer_only), Some("16"));
    assert_eq!(table.outcomes(), [Outcome::Ok; 2]);
}
