//! A decision of the embedded enforcer allocates nothing: permits and denials, whatever the names.

use std::thread::sleep;
use std::time::Duration;

use scopegate_core::{
    AccessRequest, Args, Decision, Enforcer, Outcome, Principal, Provision, Provisioned, Quick, ToolCall,
};
use scopegate_engine::{LocalEnforcer, Policy};

use super::ALLOCATIONS;

/// Names up to 23 bytes stand inline; longer ones are shared.
const SHORT: &str = "pay";
const LONG: &str = "accounting/payments.transfer_money_abroad";

/// Constraints of every kind, limits of both kinds, guards, and records in memory.
fn policy(tool: &str, role: &str) -> String {
    format!(
        "
version: 1
roles:
  - name: {role}
    parent_role_id: base
    allowed_tools: [{tool}, once]
    parameter_constraints:
      {tool}:
        - {{field: amount, operator: lt, value: 1000}}
        - {{field: vendor, operator: regex, value: 'VND-[0-9]{{6}}'}}
        - {{field: memo, operator: regex, value: '(?:[a-z]+ ?|[0-9]+-)*x', when_absent: allow}}
        - {{field: 'lines[*].sku', operator: in, value: [A, B, a-stock-number-that-is-rather-long]}}
        - {{field: file, operator: path_within, value: /srv/invoices}}
        - {{field: to.country, any_of: [{{operator: eq, value: DE}}, {{operator: prefix, value: A}}]}}
    approval_unless: {{{tool}: [{{field: amount, operator: lte, value: 500}}]}}
    denied_actions: ['delete_*', '*.admin']
    allowed_envs: [prod, dev]
    max_rows: 100
    rate_limit_per_minute: 1000000
    rate_limit_per_hour: 1000000
    rate_scope: session
  - {{name: base, allowed_tools: [read], denied_actions: [drop]}}
  - name: caller
    allowed_tools: [{tool}, '{tool}@depot']
    denied_actions: ['drop@warehouse']
    parameter_constraints: {{'{tool}@warehouse': [{{field: amount, operator: lte, value: 500}}]}}
    allowed_mcp_servers: [warehouse, depot]
    mcp_server_rate_limits: {{warehouse: 1000000, '{tool}@warehouse': 1000000}}
    rate_scope: session
  - {{name: limited, allowed_tools: [{tool}], rate_limit_per_hour: 1}}
"
    )
}

const GOOD: &str = r#"{"amount":500,"vendor":"VND-004211","memo":"for 17-x","lines":[{"sku":"A"},{"sku":"a-stock-number-that-is-rather-long"}],"file":"/srv/invoices/2026/a.pdf","to":{"country":"AT"},"env":"prod","limit":10}"#;

fn enforcer(tool: &str, role: &str) -> LocalEnforcer {
    let policy = Policy::from_text(&policy(tool, role), "policy").unwrap_or_else(|error| panic!("{error}"));
    LocalEnforcer::new(policy).expect("a checked policy")
}

/// Decides again and again, and says what the decisions after the first ones allocated.
fn spent(engine: &LocalEnforcer, principal: &Principal, call: &ToolCall, expected: &str) -> u64 {
    let request = AccessRequest::new(principal.as_ref(), call);
    let mut spent = 0;
    for round in 0..300 {
        let before = ALLOCATIONS.get();
        let answer = engine.try_enforce(&request);
        if let Quick::Decided(Decision::Permit(permit)) = &answer {
            engine.complete(permit.id, Outcome::Ok);
        }
        let decided = ALLOCATIONS.get() - before;
        match &answer {
            Quick::Decided(Decision::Permit(_)) => assert_eq!("PERMIT", expected, "{}", call.tool),
            Quick::Decided(Decision::Deny(denial)) => assert_eq!(denial.code.as_str(), expected, "{denial}"),
            other => panic!("{expected} was expected: {other:?}"),
        }
        let before = ALLOCATIONS.get();
        drop(answer);
        let dropped = ALLOCATIONS.get() - before;
        // The first ones may set up what belongs to the thread.
        if round >= 10 {
            spent += decided + dropped;
        }
        if round % 50 == 49 {
            sleep(Duration::from_millis(10)); // the writer makes room in its queue
        }
    }
    spent
}

fn check(tool: &str, role: &str, owner: &str) {
    let engine = enforcer(tool, role);
    let open = |role: &str| engine.open(Provision::new(role, owner)).expect("a session");
    let session = open(role);
    let call = |tool: &str, args: &'static str| ToolCall::new(tool).with_args(Args::parse(args));
    let ask = |what: &str, session: &Provisioned, call: ToolCall, expected: &str| {
        assert_eq!(spent(&engine, &session.principal, &call, expected), 0, "{what}, as {role}");
    };
    ask("a permit", &session, call(tool, GOOD), "PERMIT");
    ask("an inherited permit", &session, call("read", r#"{"env":"dev","limit":1}"#), "PERMIT");
    ask("an unknown tool", &session, call("nobody-knows-it", GOOD), "SCOPE_VIOLATION");
    ask(
        "an unknown tool with a long name",
        &session,
        call("nobody/has/ever.heard_of_this:tool", GOOD),
        "SCOPE_VIOLATION",
    );
    ask(
        "a forbidden tool",
        &session,
        call("delete_everything_there_is_in_the_account", GOOD),
        "ACTION_FORBIDDEN",
    );
    for (what, from, to, expected) in [
        ("a number out of range", "500", "1000", "PARAMETER_VIOLATION"),
        ("a value that does not match", "VND", "VNX", "PARAMETER_VIOLATION"),
        ("a value that no class matches", "17-x", "17-y", "PARAMETER_VIOLATION"),
        ("a path that climbs", "2026/a", "../a", "PARAMETER_VIOLATION"),
        ("an element that is not listed", r#""A""#, r#""C""#, "PARAMETER_VIOLATION"),
        ("a missing field", r#""amount":500,"#, "", "PARAMETER_VIOLATION"),
        ("a field in another case", "amount", "Amount", "PARAMETER_VIOLATION"),
        ("another environment", "prod", "qa", "ENV_VIOLATION"),
        ("too many rows", r#""limit":10"#, r#""limit":101"#, "DATA_LIMIT_EXCEEDED"),
        ("malformed arguments", r#""limit":10"#, r#""limit":1e400"#, "INVALID_ARGUMENTS"),
    ] {
        let call = ToolCall::new(tool).with_args(Args::parse(GOOD.replacen(from, to, 1)));
        ask(what, &session, call, expected);
    }
    let caller = open("caller");
    for (server, expected) in [
        (Some("warehouse"), "PERMIT"),
        (Some("depot"), "PERMIT"),
        (Some("shop"), "MCP_SERVER_UNAUTHORIZED"),
        (None, "MCP_SERVER_UNAUTHORIZED"),
    ] {
        let mut call = call(tool, GOOD);
        call.server = server.map(Into::into);
        ask("an MCP server", &caller, call, expected);
    }
    for (tool, args, expected) in [
        (tool, r#"{"amount":501}"#, "PARAMETER_VIOLATION"),
        ("drop", "{}", "ACTION_FORBIDDEN"),
        ("nobody/has/ever.heard_of_this:tool", "{}", "SCOPE_VIOLATION"),
    ] {
        let mut call = call(tool, args);
        call.server = Some("warehouse".into());
        ask("a tool of one MCP server", &caller, call, expected);
    }
    let limited = open("limited");
    let request = ToolCall::new(tool).with_args(Args::none());
    assert!(matches!(
        engine.try_enforce(&AccessRequest::new(limited.principal.as_ref(), &request)),
        Quick::Decided(Decision::Permit(_))
    ));
    ask("a limit that is reached", &limited, request.clone(), "RATE_LIMIT_EXCEEDED");
    let forged = Principal::token("sgs_00000000000000000000000000000000");
    assert_eq!(spent(&engine, &forged, &request, "JWT_INVALID"), 0, "a forged token");
    engine.end(limited.session).expect("a known session");
    ask("a revoked session", &limited, request, "SESSION_REVOKED");
    let by_id = Principal::Session(session.session);
    assert_eq!(spent(&engine, &by_id, &call(tool, GOOD), "PERMIT"), 0, "an authenticated session");
}

#[test]
fn deciding_allocates_nothing() {
    check(SHORT, "clerk", "ann");
}

#[test]
fn long_names_allocate_nothing_either() {
    check(LONG, "accounting/payments.clerk-of-the-month", "an-agent-with-a-rather-long-name");
}
