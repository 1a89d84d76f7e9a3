//! A tonic service behind the layer, called by a real gRPC client. The tool is the method path.
//! gRPC bodies are streams and stay unread, so a method whose rules read arguments is refused here
//! (its handler can ask the gate itself, see `Grpc::handler_admits`).
//!
//! `cargo run -p scopegate-examples --example tonic_health`

use scopegate::{Constraint, Grpc, LocalEnforcer, Operator, Policy, Provision, Role, ScopeLayer};
use tonic::Request;
use tonic::transport::{Endpoint, Server, server::TcpIncoming};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

const CHECK: &str = "grpc.health.v1.Health/Check";
const WATCH: &str = "grpc.health.v1.Health/Watch";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let checker = Role::new("checker").allow([CHECK]);
    let watcher = Role::new("watcher")
        .allow([WATCH])
        .constrain(WATCH, Constraint::new("service", Operator::Prefix, "bank."));
    let enforcer = LocalEnforcer::new(Policy::new([checker, watcher]))?;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let (_reporter, health) = tonic_health::server::health_reporter();
    let layer = ScopeLayer::new(enforcer.clone()).extract(Grpc::new());
    let server = Server::builder().layer(layer).add_service(health);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let mut client = HealthClient::new(Endpoint::new(address)?.connect().await?);

    for role in ["checker", "watcher", "nobody"] {
        let token = match role {
            "nobody" => String::new(),
            role => enforcer.open(Provision::new(role, "agent-7"))?.token().to_owned(),
        };
        println!("{role} calls {CHECK}");
        tell(client.check(question(&token)?).await.map(|answer| answer.get_ref().status().as_str_name()));
        println!("{role} calls {WATCH}");
        tell(client.watch(question(&token)?).await.map(|_| "a stream of answers"));
    }
    Ok(())
}

fn question(token: &str) -> Result<Request<HealthCheckRequest>, Box<dyn std::error::Error>> {
    let mut request = Request::new(HealthCheckRequest::default());
    if !token.is_empty() {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
    }
    Ok(request)
}

fn tell(answer: Result<&str, tonic::Status>) {
    match answer {
        Ok(answer) => println!("  permitted: {answer}"),
        Err(status) => {
            // The gRPC code is for people; this one is for programs.
            let code = status.metadata().get("scopegate-code").and_then(|code| code.to_str().ok());
            println!("  denied {}: {} ({:?})", code.unwrap_or("?"), status.message(), status.code());
        }
    }
}
