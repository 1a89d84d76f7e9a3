//! A policy file that changes while a session runs: a tighter policy holds from the next call on,
//! and a bad file changes nothing and says where it is bad.
//!
//! `cargo run -p scopegate-examples --example hot_reload`

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use scopegate::{Admission, Args, Gate, LocalEnforcer, Principal, Provision, Refusal, ToolCall};

const WIDE: &str = "\
version: 1
roles:
  - name: clerk
    allowed_tools: [search, pay]
";

const TIGHT: &str = "\
version: 1
roles:
  - name: clerk
    allowed_tools: [search, pay]
    parameter_constraints:
      pay:
        - {field: amount, operator: lte, value: 100}
";

/// Two letters are swapped. A policy that ignored what it does not know would pay anything now.
const BAD: &str = "\
version: 1
roles:
  - name: clerk
    allowed_tools: [search, pay]
    parameter_constraints:
      pay:
        - {field: amount, operator: lte, valeu: 100}
";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("policy.yaml");
    fs::write(&file, WIDE)?;

    let enforcer = LocalEnforcer::from_file(&file)?;
    let agent = enforcer.open(Provision::new("clerk", "agent-7"))?.principal;
    let gate = Gate::new(enforcer.clone());
    println!("wide policy");
    pay(&gate, &agent);

    // Watches until it is dropped. `report` hears of every attempt.
    let (tell, told) = channel();
    let _watch = enforcer.watch(&file, Duration::from_millis(20), move |outcome| {
        let _ = tell.send(outcome);
    })?;
    let patience = Duration::from_secs(10);

    replace(&file, TIGHT)?;
    told.recv_timeout(patience)??;
    println!("reloaded: tight policy");
    pay(&gate, &agent);

    replace(&file, BAD)?;
    match told.recv_timeout(patience)? {
        Err(error) => println!("kept the tight policy: {error}"),
        Ok(()) => return Err("a bad file was taken".into()),
    }
    pay(&gate, &agent);
    Ok(())
}

/// Writes beside and renames, so that nobody reads half a policy.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    fs::write(&beside, text)?;
    fs::rename(beside, file)
}

/// The same call by the same session, every time.
fn pay(gate: &Gate, agent: &Principal) {
    let call = ToolCall::new("pay").with_args(Args::parse(r#"{"amount": 4000}"#));
    match gate.try_admit(agent.as_ref(), call) {
        Admission::Go(permitted) => println!("  permitted: {}", permitted.call().tool),
        Admission::Stop(Refusal::Denied(denial)) => println!("  denied {}: {denial}", denial.code),
        other => println!("  {other:?}"),
    }
}
