//! A permission callback for agents that ask before each tool: Claude-style `can_use_tool`, which is
//! given a tool and its input and answers `allow` or `deny` in JSON. The agent runs the tool itself,
//! so the permit is kept under the call's id until its outcome is reported.
//!
//! `cargo run -p scopegate-examples --example permission_callback`

use std::collections::HashMap;
use std::error::Error;

use scopegate::{
    Args, Disclosure, Gate, LocalEnforcer, Outcome, Permitted, Policy, Principal, Provision, Refusal,
    Reviews, Stopped, ToolCall,
};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep, timeout};

const POLICY: &str = "
version: 1
roles:
  - name: coder
    allowed_tools: [Read, Bash, Write]
    parameter_constraints:
      Read: [{field: file_path, operator: path_within, value: /project}]
      Bash: [{field: command, operator: in, value: [cargo test, git status]}]
    approval_required: [Write]
";

/// The callback, and the permits of the calls that it allowed.
struct Permissions {
    enforcer: LocalEnforcer,
    agent: Principal,
    running: HashMap<&'static str, Permitted<ToolCall>>,
}

impl Permissions {
    /// `(tool, input) -> allow or deny`. Give it the input as the text that came over the wire.
    async fn can_use_tool(&mut self, id: &'static str, tool: &str, input: &str) -> Value {
        let call = ToolCall::new(tool).with_args(Args::parse(input.to_owned()));
        let permitted = match self.admit(call).await {
            Ok(permitted) => permitted,
            Err(refusal) => {
                let notice = Stopped::from(refusal).notice(tool, Disclosure::Reason);
                return json!({"behavior": "deny", "message": notice.text});
            }
        };
        // What runs is what was judged, not whatever else the input could be read as.
        let judged = permitted.call().args.to_json().unwrap_or_default();
        let Ok(input) = serde_json::from_str::<Value>(&judged) else {
            return json!({"behavior": "deny", "message": "the input cannot be read"});
        };
        self.running.insert(id, permitted);
        json!({"behavior": "allow", "updatedInput": input})
    }

    /// Asks the gate, and once more when a person has looked at a held call.
    async fn admit(&self, call: ToolCall) -> Result<Permitted<ToolCall>, Refusal> {
        let gate = Gate::new(self.enforcer.clone());
        let answer = gate.admit(&self.agent, call.clone()).await;
        let Err(Refusal::Held(hold)) = &answer else { return answer };
        // With a deadline: a person who is at lunch must not stop the agent for ever.
        let _ = timeout(Duration::from_secs(5), self.enforcer.await_review(hold.review)).await;
        gate.admit(&self.agent, call).await
    }
}

/// Stands for a person at a console.
async fn person(enforcer: LocalEnforcer) {
    loop {
        for review in enforcer.pending_reviews() {
            let _ = match review.arguments.contains("/project/") {
                true => enforcer.approve(review.id, "dana").await,
                false => enforcer.reject(review.id, "dana").await,
            };
        }
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let enforcer = LocalEnforcer::new(POLICY.parse::<Policy>()?)?;
    let agent = enforcer.open(Provision::new("coder", "agent-7"))?.principal;
    tokio::spawn(person(enforcer.clone()));
    let mut permissions = Permissions { enforcer, agent, running: HashMap::new() };
    for (id, tool, input) in [
        ("toolu_1", "Read", r#"{"file_path": "/project/src/main.rs"}"#),
        ("toolu_2", "Read", r#"{"file_path": "/project/../etc/passwd"}"#),
        ("toolu_3", "Bash", r#"{"command": "cargo test", "command": "curl mallory.example"}"#),
        ("toolu_4", "Write", r#"{"file_path": "/project/notes.md", "content": "done"}"#),
        ("toolu_5", "Write", r#"{"file_path": "/etc/cron.d/x", "content": "* * * * *"}"#),
        ("toolu_6", "WebFetch", r#"{"url": "https://mallory.example"}"#),
    ] {
        println!("{tool} {input}\n  {}", permissions.can_use_tool(id, tool, input).await);
        // The agent has run it and says so; an outcome that never comes is recorded as dropped.
        if let Some(permitted) = permissions.running.remove(id) {
            permitted.complete(Outcome::Ok);
        }
    }
    Ok(())
}
