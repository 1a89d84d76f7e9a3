//! A tower service that takes only permitted calls: without the layer it cannot even be called.
//!
//! `cargo run -p scopegate-examples --example tower_service`

use scopegate::{
    Args, Constraint, LocalEnforcer, Operator, Permitted, Policy, Provision, Role, ScopeLayer, Stop, ToolCall,
};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

/// All tools of this agent. `Permitted` has no public constructor: whoever holds one was admitted.
async fn tools(permitted: Permitted<ToolCall>) -> Result<String, BoxError> {
    // `run` hands over the very arguments that were judged, and reports how it went.
    permitted
        .run(async |call| match &*call.tool {
            "search" => Ok("3 invoices".to_owned()),
            "pay" => Ok(format!("paid {}", call.args.to_json().unwrap_or_default())),
            other => Err(format!("no tool `{other}` here").into()),
        })
        .await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let clerk = Role::new("clerk")
        .allow(["search", "pay"])
        .constrain("pay", Constraint::new("amount", Operator::Lte, 100));
    let enforcer = LocalEnforcer::new(Policy::new([clerk]))?;
    let session = enforcer.open(Provision::new("clerk", "agent-7"))?;

    // Every call through this service is made by this session.
    let mut service = ScopeLayer::native(enforcer.clone(), session.principal).layer(service_fn(tools));

    for (tool, args) in [
        ("search", "{}"),
        ("pay", r#"{"amount": 40}"#),
        ("pay", r#"{"amount": 4000}"#),
        ("pay", r#"{"amount": 40, "amount": 4000}"#), // which one would the tool read?
        ("delete_everything", "{}"),
    ] {
        println!("{tool} {args}");
        let call = ToolCall::new(tool).with_args(Args::parse(args));
        match service.ready().await?.call(call).await {
            Ok(answer) => println!("  permitted: {answer}"),
            Err(error) => match error.downcast_ref::<Stop>() {
                Some(stop) => println!("  denied {}: {stop}", stop.code()),
                None => return Err(error), // the tool itself failed
            },
        }
    }

    println!("on record:");
    enforcer.flush().await;
    for record in enforcer.records() {
        let tool = record.record.tool.as_deref().unwrap_or("-");
        println!("  {} {} {tool}", record.seq, record.record.event.as_str());
    }
    Ok(())
}
