//! Requests of your own shape: an extractor says where the tool, the arguments and the session
//! stand, a refuser how a refusal looks. Here a chat bot's line `/pay amount=40 to=bob`.
//!
//! For HTTP you rarely need this: `Http` is built from `ToolFrom`, `ArgsFrom` and `SessionFrom`,
//! and `ToolFrom::from_fn` reads the name from anywhere in the head.
//!
//! `cargo run -p scopegate-examples --example custom_extractor`

use std::convert::Infallible;
use std::future::{Ready, ready};

use scopegate::{
    Args, Custody, Extract, Fault, Found, LocalEnforcer, Permitted, Policy, Principal, PrincipalRef,
    Provision, Refusal, Refuse, ScopeLayer, Stop, ToolCall,
};
use serde_json::{Map, Value};
use tower::{Layer, Service, ServiceExt, service_fn};

const POLICY: &str = "
version: 1
roles:
  - name: bot
    allowed_tools: [help, pay]
    approval_required: [pay]
    parameter_constraints:
      pay:
        - {field: amount, operator: lte, value: 100}
";

/// A line of chat. Whoever authenticated the connection has put the session there.
struct Line {
    from: Option<Principal>,
    text: &'static str,
}

#[derive(Clone)]
struct Commands;

impl Extract<Line> for Commands {
    type Admitted = Permitted<ToolCall>; // what the bot takes
    type Reading = Ready<Result<(Line, ToolCall), Fault>>;

    fn find(&self, line: &mut Line, call: &mut ToolCall) -> Result<Found, Fault> {
        let mut words = line.text.split_whitespace();
        let tool = words.next().and_then(|word| word.strip_prefix('/')).ok_or(Fault::NoTool)?;
        let mut args = Map::new();
        for (name, value) in words.filter_map(|word| word.split_once('=')) {
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            args.insert(name.to_owned(), value);
        }
        *call = ToolCall::new(tool).with_args(Args::from_value(&Value::Object(args)));
        Ok(Found::Call)
    }

    fn principal<'r>(&'r self, line: &'r Line) -> Result<PrincipalRef<'r>, Fault> {
        line.from.as_ref().map(Principal::as_ref).ok_or(Fault::NoSession)
    }

    /// Never asked: `find` has left nothing unread.
    fn read(&self, _: Line, _: Option<ToolCall>) -> Self::Reading {
        ready(Err(Fault::NoTool))
    }

    fn admit(
        &self,
        _: Line,
        permitted: Permitted<&mut ToolCall>,
    ) -> Result<(Self::Admitted, Custody), Fault> {
        Ok((permitted.into_owned(), Custody::Inner)) // the bot owns the permit and reports its outcome
    }
}

impl Refuse<String, Infallible> for Commands {
    fn refuse(&self, stop: Stop) -> Result<String, Infallible> {
        Ok(match &stop {
            Stop::Refused(Refusal::Held(hold)) => format!("held: review {}", hold.review),
            stop => format!("denied {}: {stop}", stop.code()),
        })
    }
}

/// Runs every command it is given: there is no other way to reach it.
async fn bot(permitted: Permitted<ToolCall>) -> Result<String, Infallible> {
    permitted
        .run(async |call| Ok(format!("permitted: {} {}", call.tool, call.args.to_json().unwrap_or_default())))
        .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let enforcer = LocalEnforcer::new(Policy::from_text(POLICY, "policy.yaml")?)?;
    let session = enforcer.open(Provision::new("bot", "agent-7"))?.principal;
    let mut chat = ScopeLayer::new(enforcer).extract(Commands).layer(service_fn(bot));
    for text in ["/help", "/pay amount=40 to=bob", "/pay amount=4000 to=bob", "/shell rm", "hello"] {
        let line = Line { from: Some(session.clone()), text };
        println!("{text}\n  {}", chat.ready().await?.call(line).await?);
    }
    println!("/help from nobody\n  {}", chat.call(Line { from: None, text: "/help" }).await?);
    Ok(())
}
