//! Tools that are granted by patterns, and the trust that roles want.

use scopegate_core::{
    AccessRequest, Args, Decision, Enforcer, Name, Principal, Provision, Quick, Role, ToolCall, Trust,
};

use super::LocalEnforcer;
use crate::Policy;

fn engine(roles: &str) -> LocalEnforcer {
    let text = format!("version: 1\nroles:\n{roles}");
    LocalEnforcer::new(Policy::from_text(&text, "policy").unwrap_or_else(|error| panic!("{error}\n{text}")))
        .unwrap()
}

fn open(engine: &LocalEnforcer, role: &str) -> Principal {
    engine.open(Provision::new(role, "ann")).unwrap().principal
}

fn ask(engine: &LocalEnforcer, principal: &Principal, tool: &str, args: &str) -> &'static str {
    let call = ToolCall::new(tool).with_args(Args::parse(args.to_owned()));
    asked(engine, principal, &call)
}

fn asked(engine: &LocalEnforcer, principal: &Principal, call: &ToolCall) -> &'static str {
    let request = AccessRequest::new(principal.as_ref(), call);
    let decision = match engine.try_enforce(&request) {
        Quick::Decided(decision) => decision,
        Quick::Need(_) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(engine.enforce(&request)).unwrap()
        }
    };
    match decision {
        Decision::Permit(_) => "PERMIT",
        Decision::Hold(_) => "HOLD",
        Decision::Deny(denial) => denial.code.as_str(),
    }
}

const ROLES: &str = "
  - {name: base, allowed_actions: ['db:*', 'pay*'], max_rows: 5, min_trust_level: 50,
     parameter_constraints: {pay_all: [{field: amount, operator: lt, value: 10}]}, approval_required: ['db:drop']}
  - {name: r, parent_role_id: base, allowed_tools: [read, pay], allowed_actions: ['r*'],
     denied_actions: ['*secret*'], approval_required: [run]}
";

#[test]
fn a_pattern_grants_with_all_guards_of_the_role_that_says_so() {
    let engine = engine(ROLES);
    for (tool, args, answer) in [
        ("read", "{}", "PERMIT"),
        ("rename", "{}", "PERMIT"), // of the role itself: its parent's guards stay away
        ("run", "{}", "HOLD"),      // a rule of a tool that no role lists
        ("Rename", "{}", "SCOPE_VIOLATION"),
        ("write", "{}", "SCOPE_VIOLATION"),
        ("", "{}", "SCOPE_VIOLATION"),
        ("r", "{}", "PERMIT"),
        ("ru\u{405}h", "{}", "SCOPE_VIOLATION"), // no name, so no tool
        ("r n", "{}", "SCOPE_VIOLATION"),
        ("read_secret", "{}", "ACTION_FORBIDDEN"),
        ("db:list", "{}", "DATA_LIMIT_EXCEEDED"), // of the parent: its guards come along
        ("db:list", r#"{"limit":5}"#, "PERMIT"),
        ("db:drop", r#"{"limit":5}"#, "HOLD"),
        ("pay", "{}", "DATA_LIMIT_EXCEEDED"), // listed here, but the farthest role grants it too
        ("pay_all", r#"{"limit":5}"#, "PARAMETER_VIOLATION"),
        ("pay_all", r#"{"limit":5,"amount":9}"#, "PERMIT"),
    ] {
        let session = engine.open(Provision::new("r", format!("for {tool} {args}"))).unwrap().principal;
        assert_eq!(ask(&engine, &session, tool, args), answer, "{tool} {args}");
    }
    // What a caller says it does is no tool.
    let session = open(&engine, "r");
    let call = ToolCall { action: Some("read".into()), ..ToolCall::new("write") };
    assert_eq!(asked(&engine, &session, &call), "SCOPE_VIOLATION");
}

#[test]
fn what_a_pattern_grants_is_listed_and_explained() {
    let engine = engine(ROLES);
    let session = open(&engine, "r");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let visible =
        runtime.block_on(engine.visible(session.as_ref(), &["db:x", "write", "read_secret", "run"]));
    assert_eq!(visible.unwrap(), [true, false, false, true]);
    let view = engine.explain("r").unwrap();
    let patterns: Vec<_> = view.patterns.iter().map(|view| (&*view.pattern, &*view.granted_by)).collect();
    assert_eq!(patterns, [("db:*", "base"), ("pay*", "base"), ("r*", "r")]);
    let tool = |name: &'static str| engine.explain_tool("r", &Name::new_static(name));
    assert_eq!(tool("db:drop").unwrap().approval, Some(Vec::new()));
    assert_eq!(tool("pay_all").unwrap().constraints, ["`amount` must be less than 10"]);
    assert_eq!(tool("read").unwrap().granted_by, "r");
    assert!(tool("write").is_none());
    assert!(view.guards.last().unwrap().rules.contains(&"the agent must be trusted at least 50".to_owned()));
}

#[test]
fn a_minimum_of_trust_is_counted_for_and_enforced() {
    let engine = engine(ROLES);
    let session = open(&engine, "r");
    let paid = r#"{"limit":5,"amount":1}"#;
    assert_eq!(ask(&engine, &session, "db:list", paid), "PERMIT");
    assert_eq!(ask(&engine, &session, "write", "{}"), "SCOPE_VIOLATION");
    assert_eq!(engine.trust("ann").to_string(), "48.2");
    // The parent wants more for its tools, the role nothing for its own.
    assert_eq!(ask(&engine, &session, "db:list", paid), "TRUST_TOO_LOW");
    assert_eq!(ask(&engine, &session, "write", "{}"), "SCOPE_VIOLATION");
    assert_eq!(ask(&engine, &session, "read", "{}"), "PERMIT");
    // Another role of the same owner starts where it stands, and nobody else does.
    assert_eq!(ask(&engine, &open(&engine, "base"), "db:list", paid), "TRUST_TOO_LOW");
    let other = engine.open(Provision::new("base", "ben")).unwrap().principal;
    assert_eq!(ask(&engine, &other, "db:list", paid), "PERMIT");
}

#[test]
fn trust_is_counted_while_a_role_reads_it() {
    let engine = engine("\n  - {name: r, allowed_tools: [read]}");
    let session = open(&engine, "r");
    assert_eq!(ask(&engine, &session, "write", "{}"), "SCOPE_VIOLATION");
    assert_eq!(engine.trust("ann"), Trust::START); // nobody asks
    let wary = Role { min_trust_level: Some(50), ..Role::new("wary").allow(["read"]) };
    engine.put_role(wary.clone()).unwrap();
    assert_eq!(ask(&engine, &session, "write", "{}"), "SCOPE_VIOLATION");
    assert_eq!(engine.trust("ann").to_string(), "48");
    assert_eq!(ask(&engine, &open(&engine, "wary"), "read", "{}"), "TRUST_TOO_LOW");
    engine.put_role(Role { min_trust_level: None, ..wary }).unwrap();
    assert_eq!(ask(&engine, &open(&engine, "wary"), "read", "{}"), "PERMIT");
    assert_eq!(engine.trust("ann").to_string(), "46"); // the refusal before counted, this permit did not
}
