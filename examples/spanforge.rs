//! Manifests from two sides: SpanForge's scope client with its signed records, and tool calls that need a manifest
//! beside their role.
//!
//! `cargo run -p scopegate-examples --example spanforge`

use std::error::Error;
use std::path::{Path, PathBuf};

use scopegate::spanforge::{FileScopeSink, ScopeEnforcer, ScopeQuestion, SigningKey, verify_records};
use scopegate::{AccessRequest, Decision, Enforcer, LocalEnforcer, Policy, Provision, ToolCall};

/// A key of your own comes from `SPANFORGE_SIGNING_KEY`: `SigningKey::from_env()`.
const KEY: &str = "scopegate-test-key-0123456789abcdef";

fn policy(folder: &Path) -> String {
    let records = folder.join("records");
    format!(
        "
version: 1
records: {{file: {{folder: {records:?}}}}}
manifests:
  - agent_id: claims-agent
    capabilities: [claim.read]
    resource_actions: {{claims: [read], \"*\": [list]}}
roles:
  - {{name: clerk, allowed_tools: [read, drop], approval_required: [drop]}}
"
    )
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The tests give a folder, to look at what is left there.
    let own = tempfile::tempdir()?;
    let folder = std::env::args_os().nth(1).map_or(own.path().to_path_buf(), PathBuf::from);
    let enforcer = LocalEnforcer::new(policy(&folder).parse::<Policy>()?)?;

    println!("SpanForge asks the manifest alone:");
    let (key, path) = (SigningKey::new(KEY)?, folder.join("scope.jsonl"));
    let sink = FileScopeSink::open(&path, &key, true)?;
    let scope = ScopeEnforcer::builder(enforcer.clone(), key.clone(), sink).build()?;
    for (agent, resource, action) in [
        ("claims-agent", "claims", "read"),
        ("claims-agent", "claims", "drop"),
        ("claims-agent", "any — déni\u{2028}x\u{85}", "list"),
        ("stranger", "claims", "read"),
    ] {
        let question = ScopeQuestion::new("trace-1", agent, resource, action, "2026-01-02T03:04:05Z");
        let answer = scope.evaluate_with_policy(&question, None)?;
        println!("  {}: {}", answer.outcome, visible(&answer.reason));
    }
    let capability = ScopeQuestion::new("trace-1", "claims-agent", "claims", "read", "2026-01-02T03:04:06Z");
    println!("  {}", scope.evaluate(&capability.with_capability("claim.read"))?.reason);
    let text = std::fs::read_to_string(&path)?;
    let head = verify_records(&key, text.lines(), Some(&scope.head().hmac))?;
    println!("  {} signed records in {} lines", head.records, text.lines().count());

    println!("A tool call needs its role and the manifest:");
    let session = enforcer.open(Provision::new("clerk", "claims-agent"))?;
    for (tool, action, resource) in [
        ("read", "read", "claims"),
        ("read", "write", "claims"),
        ("drop", "list", "logs"),
        ("list", "list", "logs"),
    ] {
        let mut call = ToolCall::new(tool).with_args(scopegate::Args::none());
        (call.action, call.resource) = (Some(action.into()), Some(resource.into()));
        let decision = enforcer.enforce(&AccessRequest::new(session.principal.as_ref(), &call)).await?;
        match decision {
            Decision::Permit(_) => println!("  {tool} {action} {resource}: permitted"),
            Decision::Deny(denial) => {
                println!("  {tool} {action} {resource}: denied {}: {denial}", denial.code)
            }
            Decision::Hold(_) => println!("  {tool} {action} {resource}: held for a person"),
        }
    }
    enforcer.flush().await;
    Ok(())
}

/// The text, with characters that hide or move things written out.
fn visible(text: &str) -> String {
    let quoted = format!("{text:?}");
    quoted.trim_matches('"').to_owned()
}
