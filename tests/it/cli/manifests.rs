//! Manifests on the command line.

use super::{file, scopegate};

const POLICY: &str = r#"
version: 1
manifests:
  - agent_id: ann
    capabilities: [claim.read]
    resource_actions: { claims: [read], "*": [list], empty: [] }
roles:
  - { name: clerk, allowed_tools: [read] }
"#;

#[test]
fn validate_counts_them_and_explain_tells_them() {
    let (_folder, path) = file("policy.yaml", POLICY);
    scopegate(&["validate", &path]).assert(0, "ok (roles: 1, tools: 1, constraints: 0, manifests: 1)\n", "");
    let told = "\
calls of agent ann that name a resource have to be in its manifest too:
  on `claims`: read
  on `empty`: nothing
  on any other resource: list
  capabilities: claim.read
";
    scopegate(&["explain", "--policy", &path]).assert(0, told, "");
    let told = scopegate(&["explain", "--policy", &path, "--output", "json"]).json();
    assert_eq!(told[0]["manifests"][0]["resource_actions"]["claims"][0], "read");
    let (_folder, path) = file("policy.yaml", &POLICY.replace("claims: [read]", "claims: [7]"));
    scopegate(&["validate", &path]).assert(1, "", ":6:34: invalid type: integer `7`, expected a text");
}

#[test]
fn check_asks_for_an_agent() {
    let (_folder, path) = file("policy.yaml", POLICY);
    let check = |agent, action| {
        let args = ["check", "--policy", &path, "--tool", "read", "--resource", "claims", "--agent", agent];
        scopegate(&[&args[..], &["--action", action]].concat())
    };
    check("ann", "read").assert(0, "permit", "");
    check("bob", "drop").assert(0, "permit", "");
    let refused = check("ann", "drop");
    refused.assert(1, "the agent's manifest does not allow `drop` on this resource", "");
    refused.assert(1, "would pass  on `claims`: read\n", "");
}
