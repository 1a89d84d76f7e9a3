//! Whole decisions, as the specification's page puts them: tables of small stories.

use scopegate_reference::{Call, Reference};

/// Monday 2026-01-05 12:00:00 UTC.
const NOON: u64 = 1_767_614_400 * SECOND;
const SECOND: u64 = 1_000_000_000;

fn reference(roles: &str) -> Reference {
    let mut reference = Reference::new(&format!(r#"{{"version":1,"roles":[{roles}]}}"#)).expect(roles);
    reference.set_credentials(&["known"]);
    reference
}

fn call<'a>(tool: &'a str, args: &'a str) -> Call<'a> {
    Call {
        tool,
        action: None,
        env: None,
        resource: None,
        server: None,
        claim: None,
        via: &[],
        schema: None,
        args: args.as_bytes(),
    }
}

/// What the first call of a fresh session of role `r` gets.
fn first(roles: &str, call: &Call, now: u64) -> &'static str {
    let mut reference = reference(roles);
    let session = reference.open("r", "alice", now, 3600);
    reference.decide(Some(session), call, now)
}

#[test]
fn single_guards() {
    let table: &[(&str, &str, &str)] = &[
        // role fields, arguments, answer; the tool is t
        (r#""allowed_tools":["t"]"#, "not json", "PERMIT"),
        (r#""allowed_tools":["T"]"#, "{}", "SCOPE_VIOLATION"),
        (r#""allowed_tools":["t"],"denied_actions":["*"]"#, "{}", "ACTION_FORBIDDEN"),
        (r#""denied_actions":["t*"]"#, "{}", "ACTION_FORBIDDEN"),
        (r#""allowed_actions":["t*"]"#, "{}", "PERMIT"),
        (r#""allowed_actions":["*u","T"]"#, "{}", "SCOPE_VIOLATION"),
        (r#""allowed_actions":["*"],"denied_actions":["t"]"#, "{}", "ACTION_FORBIDDEN"),
        (r#""allowed_actions":["*"],"max_rows":5"#, "{}", "DATA_LIMIT_EXCEEDED"),
        (r#""allowed_actions":["*"],"approval_required":["t"]"#, "{}", "HOLD"),
        (r#""allowed_tools":["t"],"min_trust_level":50"#, "{}", "PERMIT"),
        (r#""allowed_tools":["t"],"min_trust_level":51"#, "{}", "TRUST_TOO_LOW"),
        (r#""min_trust_level":51"#, "{}", "SCOPE_VIOLATION"),
        (r#""allowed_tools":["t"],"denied_actions":["tt","T","*t*t"]"#, "{}", "PERMIT"),
        (r#""allowed_tools":["t"],"credential_mapping":{"t":"known"}"#, "{}", "CREDENTIAL_VIOLATION"),
        (
            r#""allowed_tools":["t"],"credential_mapping":{"t":"known"},"allowed_credentials":["known"]"#,
            "{}",
            "PERMIT",
        ),
        (
            r#""allowed_tools":["t"],"credential_mapping":{"t":"x"},"allowed_credentials":["x"]"#,
            "{}",
            "CREDENTIAL_VIOLATION",
        ),
        (r#""allowed_tools":["t"],"credential_mapping":{"u":"x"}"#, "{}", "PERMIT"),
        (r#""allowed_tools":["t"],"allowed_hours_start":12,"allowed_hours_end":13"#, "{}", "PERMIT"),
        (r#""allowed_tools":["t"],"allowed_hours_start":11,"allowed_hours_end":12"#, "{}", "TIME_VIOLATION"),
        (r#""allowed_tools":["t"],"allowed_hours_start":12,"allowed_hours_end":0"#, "{}", "PERMIT"),
        (r#""allowed_tools":["t"],"allowed_hours_start":22,"allowed_hours_end":13"#, "{}", "PERMIT"),
        (r#""allowed_tools":["t"],"allowed_hours_start":22,"allowed_hours_end":12"#, "{}", "TIME_VIOLATION"),
        (r#""allowed_tools":["t"],"allowed_days":[0]"#, "{}", "PERMIT"),
        (r#""allowed_tools":["t"],"allowed_days":[1,2,3,4,5,6]"#, "{}", "TIME_VIOLATION"),
        (r#""allowed_tools":["t"],"approval_required":["t"]"#, "", "INVALID_ARGUMENTS"),
        (r#""allowed_tools":["t"],"approval_required":["u"]"#, "", "PERMIT"),
        (r#""allowed_tools":["t"],"max_rows":5"#, "", "INVALID_ARGUMENTS"),
        (r#""allowed_tools":["t"],"max_rows":5"#, r#"{}"#, "DATA_LIMIT_EXCEEDED"),
        (r#""allowed_tools":["t"],"max_rows":5"#, r#"{"limit":null}"#, "DATA_LIMIT_EXCEEDED"),
        (r#""allowed_tools":["t"],"max_rows":5,"rows_optional":true"#, r#"{"limit":null}"#, "PERMIT"),
        (
            r#""allowed_tools":["t"],"max_rows":5,"rows_optional":true"#,
            r#"{"Limit":1}"#,
            "DATA_LIMIT_EXCEEDED",
        ),
        (r#""allowed_tools":["t"],"max_rows":5"#, r#"{"limit":5.0}"#, "PERMIT"),
        (r#""allowed_tools":["t"],"max_rows":5"#, r#"{"limit":0.5e1}"#, "PERMIT"),
        (r#""allowed_tools":["t"],"max_rows":5"#, r#"{"limit":4.5}"#, "DATA_LIMIT_EXCEEDED"),
        (r#""allowed_tools":["t"],"max_rows":5"#, r#"{"limit":-1}"#, "DATA_LIMIT_EXCEEDED"),
        (r#""allowed_tools":["t"],"max_rows":5"#, r#"{"limit":"5"}"#, "DATA_LIMIT_EXCEEDED"),
        (r#""allowed_tools":["t"],"max_rows":5"#, r#"{"limit":6}"#, "DATA_LIMIT_EXCEEDED"),
        (r#""allowed_tools":["t"],"max_rows":5"#, r#"{"limit":0}"#, "PERMIT"),
        (
            r#""allowed_tools":["t"],"parameter_constraints":{"t":[{"field":"a","operator":"eq","value":1}]}"#,
            "{}",
            "PARAMETER_VIOLATION",
        ),
        (
            r#""allowed_tools":["t"],"parameter_constraints":{"u":[{"field":"a","operator":"eq","value":1}]}"#,
            "x",
            "PERMIT",
        ),
        (
            r#""allowed_tools":["t"],"approval_unless":{"t":[{"field":"a","operator":"lt","value":5}]}"#,
            r#"{"a":4}"#,
            "PERMIT",
        ),
        (
            r#""allowed_tools":["t"],"approval_unless":{"t":[{"field":"a","operator":"lt","value":5}]}"#,
            r#"{"a":5}"#,
            "HOLD",
        ),
        (
            r#""allowed_tools":["t"],"approval_unless":{"t":[{"field":"a","operator":"lt","value":5}]}"#,
            r#"{}"#,
            "HOLD",
        ),
        // Both: what is required stays required.
        (
            r#""allowed_tools":["t"],"approval_required":["t"],"approval_unless":{"t":[{"field":"a","operator":"lt","value":5}]}"#,
            r#"{"a":4}"#,
            "HOLD",
        ),
        // Environment before parameters before rows.
        (
            r#""allowed_tools":["t"],"allowed_envs":["prod"],"max_rows":1,"parameter_constraints":{"t":[{"field":"a","operator":"eq","value":1}]}"#,
            "{}",
            "ENV_VIOLATION",
        ),
        (
            r#""allowed_tools":["t"],"allowed_envs":["prod"],"max_rows":1,"parameter_constraints":{"t":[{"field":"a","operator":"eq","value":1}]}"#,
            r#"{"env":"prod"}"#,
            "PARAMETER_VIOLATION",
        ),
        (
            r#""allowed_tools":["t"],"allowed_envs":["prod"],"max_rows":1,"parameter_constraints":{"t":[{"field":"a","operator":"eq","value":1}]}"#,
            r#"{"env":"prod","a":1}"#,
            "DATA_LIMIT_EXCEEDED",
        ),
    ];
    for (fields, args, expected) in table {
        assert_eq!(
            first(&format!(r#"{{"name":"r",{fields}}}"#), &call("t", args), NOON),
            *expected,
            "{fields} {args}"
        );
    }
}

#[test]
fn environments() {
    let listed = r#"{"name":"r","allowed_tools":["t"],"allowed_envs":["prod","dev"]}"#;
    let optional = r#"{"name":"r","allowed_tools":["t"],"allowed_envs":["prod"],"env_optional":true}"#;
    let reads = r#"{"name":"r","allowed_tools":["t"],"max_rows":9,"rows_optional":true}"#;
    let both =
        r#"{"name":"r","allowed_tools":["t"],"allowed_envs":["prod"],"max_rows":9,"rows_optional":true}"#;
    let (none, prod) = (None::<&str>, Some("prod"));
    // roles, the deployment's, the call's own, arguments, answer
    let table = [
        (listed, none, none, "{}", "ENV_VIOLATION"),
        (listed, none, none, "", "INVALID_ARGUMENTS"),
        (listed, none, none, r#"{"env":"dev"}"#, "PERMIT"),
        (listed, none, none, r#"{"env":"Dev"}"#, "ENV_VIOLATION"),
        (listed, none, none, r#"{"env":["dev"]}"#, "ENV_VIOLATION"),
        (listed, none, none, r#"{"env":"dev","ENV":null}"#, "ENV_VIOLATION"),
        (listed, none, prod, "", "PERMIT"),
        (listed, none, Some("qa"), "", "ENV_VIOLATION"),
        (listed, none, prod, r#"{"env":"dev"}"#, "ENV_VIOLATION"),
        (listed, prod, none, r#"{"env":"dev"}"#, "ENV_VIOLATION"),
        (listed, Some("qa"), prod, "{}", "ENV_VIOLATION"),
        (listed, prod, Some("qa"), "{}", "ENV_VIOLATION"),
        (optional, none, none, r#"{"env":null}"#, "PERMIT"),
        (optional, none, none, r#"{"Env":"prod"}"#, "ENV_VIOLATION"),
        (optional, none, none, r#"{"env":1}"#, "ENV_VIOLATION"),
        (reads, none, none, r#"{"env":1,"ENV":2}"#, "PERMIT"),
        (reads, prod, none, r#"{"env":"prod","ENV":2}"#, "ENV_VIOLATION"),
        (reads, prod, none, r#"{"env":"dev"}"#, "ENV_VIOLATION"),
        (reads, prod, none, r#"{"env":null}"#, "PERMIT"),
        (reads, none, prod, r#"{"env":1}"#, "ENV_VIOLATION"),
        (both, prod, none, r#"{}"#, "PERMIT"),
        (both, prod, none, r#"{"env":"dev"}"#, "ENV_VIOLATION"),
        (both, prod, none, r#"{"ENV":"prod"}"#, "ENV_VIOLATION"),
    ];
    for (roles, deployment, own, args, expected) in table {
        let mut reference = reference(roles);
        reference.set_env(deployment);
        let session = reference.open("r", "alice", NOON, 60);
        let call = Call { env: own, ..call("t", args) };
        assert_eq!(
            reference.decide(Some(session), &call, NOON),
            expected,
            "{roles} {deployment:?} {own:?} {args}"
        );
    }
}

#[test]
fn chains() {
    let base = r#"{"name":"p","parent_role_id":"g","allowed_tools":["a","b"],"max_rows":5},
        {"name":"g","allowed_tools":["c"],"allowed_days":[1],"parameter_constraints":{"a":[{"field":"x","operator":"eq","value":1}]},
         "denied_actions":["wipe"]}"#;
    // fields of r, tool, arguments, answer
    let table = [
        (r#""allowed_tools":["d"]"#, "d", "", "PERMIT"),
        (r#""allowed_tools":["d"]"#, "b", "{}", "DATA_LIMIT_EXCEEDED"),
        // The farthest member that lists it counts, though the role lists it, too.
        (r#""allowed_tools":["b"]"#, "b", "{}", "DATA_LIMIT_EXCEEDED"),
        (r#""allowed_tools":["b"]"#, "b", r#"{"limit":5}"#, "PERMIT"),
        (r#""allowed_tools":[]"#, "c", r#"{"limit":5}"#, "TIME_VIOLATION"),
        // Tool guards of members beyond it apply.
        (r#""allowed_tools":[]"#, "a", r#"{"limit":5}"#, "PARAMETER_VIOLATION"),
        (r#""allowed_tools":[]"#, "a", r#"{"limit":5,"x":1}"#, "PERMIT"),
        // As do forbids.
        (r#""allowed_tools":["wipe"]"#, "wipe", r#"{}"#, "ACTION_FORBIDDEN"),
        (r#""allowed_tools":[]"#, "e", r#"{}"#, "SCOPE_VIOLATION"),
    ];
    for (fields, tool, args, expected) in table {
        let roles = format!(r#"{{"name":"r","parent_role_id":"p",{fields}}},{base}"#);
        assert_eq!(first(&roles, &call(tool, args), NOON), expected, "{fields} {tool} {args}");
    }
}

#[test]
fn action_is_matched_and_first() {
    let roles = r#"{"name":"r","denied_actions":["rm*"],"allowed_hours_start":1,"allowed_hours_end":2}"#;
    for (action, expected) in
        [(Some("rm -rf"), "ACTION_FORBIDDEN"), (Some("arm"), "SCOPE_VIOLATION"), (None, "SCOPE_VIOLATION")]
    {
        let call = Call { action, ..call("t", "") };
        assert_eq!(first(roles, &call, NOON), expected);
    }
}

#[test]
fn service_and_sub_agents() {
    let roles = r#"{"name":"r","allowed_tools":["t","u"],"max_delegation_depth":1},
        {"name":"s","allowed_tools":["t","v"],"max_delegation_depth":3,"denied_actions":["u"]}"#;
    let mut reference = reference(roles);
    let parent = reference.open("r", "alice", NOON, 60);
    let child = reference.open_child(parent, "s", NOON, 600);
    let grandchild = reference.open_child(child, "s", NOON, 30);
    assert_eq!(reference.decide(None, &call("t", ""), NOON), "JWT_INVALID");
    let mut check = |session, tool, expected| {
        assert_eq!(reference.decide(Some(session), &call(tool, ""), NOON), expected, "{session} {tool}");
    };
    check(child, "t", "PERMIT");
    check(child, "v", "SCOPE_VIOLATION"); // the parent lacks it
    check(child, "u", "ACTION_FORBIDDEN");
    check(parent, "u", "PERMIT");
    check(grandchild, "t", "DELEGATION_DEPTH_EXCEEDED"); // r is its link 2
    check(grandchild, "v", "SCOPE_VIOLATION"); // before depth
    let minute = 60 * SECOND;
    assert_eq!(reference.decide(Some(child), &call("t", ""), NOON + minute - 1), "PERMIT");
    assert_eq!(reference.decide(Some(child), &call("t", ""), NOON + minute), "JWT_EXPIRED");
    reference.revoke(parent);
    assert_eq!(reference.decide(Some(parent), &call("t", ""), NOON + minute), "SESSION_REVOKED");
    // Link after link: the child's own expiry comes before the parent's revocation.
    assert_eq!(reference.decide(Some(child), &call("t", ""), NOON + minute), "JWT_EXPIRED");
    assert_eq!(reference.decide(Some(child), &call("t", ""), NOON), "SESSION_REVOKED");
    reference.remove_role("s");
    assert_eq!(reference.decide(Some(child), &call("t", ""), NOON), "SESSION_EXPIRED");
    reference.suspend("alice");
    assert_eq!(reference.decide(Some(child), &call("t", ""), NOON), "AGENT_SUSPENDED");
}

#[test]
fn rates() {
    // One account for all sessions of owner and role; a sub-agent of the same role spends once.
    let key = r#"{"name":"r","allowed_tools":["t"],"rate_limit_per_minute":3,"max_delegation_depth":1}"#;
    let mut shared = reference(key);
    let a = shared.open("r", "alice", NOON, 600);
    let b = shared.open_child(a, "r", NOON, 600);
    let c = shared.open("r", "bob", NOON, 600);
    let mut got = |session, at| shared.decide(Some(session), &call("t", ""), at);
    for session in [a, b, a] {
        assert_eq!(got(session, NOON), "PERMIT");
    }
    assert_eq!(got(b, NOON), "RATE_LIMIT_EXCEEDED");
    assert_eq!(got(c, NOON), "PERMIT");
    assert_eq!(got(a, NOON + 20 * SECOND - 1), "RATE_LIMIT_EXCEEDED");
    assert_eq!(got(a, NOON + 20 * SECOND), "PERMIT");

    // One account per session under ten times the limit.
    let by_session = r#"{"name":"r","allowed_tools":["t"],"rate_limit_per_hour":1,"rate_scope":"session"}"#;
    let mut each = reference(by_session);
    for n in 0..11 {
        let session = each.open("r", "alice", NOON, 600);
        let expected = if n < 10 { "PERMIT" } else { "RATE_LIMIT_EXCEEDED" };
        assert_eq!(each.decide(Some(session), &call("t", ""), NOON), expected, "{n}");
        assert_eq!(each.decide(Some(session), &call("t", ""), NOON), "RATE_LIMIT_EXCEEDED");
    }

    // Neither a denied nor a held call spends.
    let held = r#"{"name":"r","allowed_tools":["t"],"rate_limit_per_hour":1,"approval_required":["t"]}"#;
    let mut held = reference(held);
    let session = held.open("r", "alice", NOON, 600);
    for args in ["{}", "x", "{}", r#"{"a":1}"#] {
        held.decide(Some(session), &call("t", args), NOON);
    }
    held.resolve(session, &call("t", "{}"), true);
    assert_eq!(held.decide(Some(session), &call("t", "{}"), NOON), "PERMIT");
    // The rate comes before the person: no new review is opened now.
    assert_eq!(held.decide(Some(session), &call("t", "{}"), NOON), "RATE_LIMIT_EXCEEDED");
}

#[test]
fn reviews() {
    let roles = r#"{"name":"r","allowed_tools":["t","u"],"approval_required":["t"],"approval_ttl_seconds":60,"max_delegation_depth":9},
        {"name":"s","allowed_tools":["t"],"approval_unless":{"t":[{"field":"a","operator":"eq","value":1}]},"approval_ttl_seconds":10}"#;
    let mut reference = reference(roles);
    let one = reference.open("r", "alice", NOON, 6000);
    let two = reference.open("r", "alice", NOON, 6000);
    let child = reference.open_child(one, "s", NOON, 6000);
    let at = |seconds: u64| NOON + seconds * SECOND;
    let got = |reference: &mut Reference, session, args: &str, seconds| {
        reference.decide(Some(session), &call("t", args), at(seconds))
    };
    assert_eq!(reference.decide(Some(one), &call("t", r#"{"a":1,"b":2}"#), at(0)), "HOLD");
    assert_eq!(reference.decide(Some(two), &call("t", r#"{"b":2.0,"a":1}"#), at(0)), "HOLD");
    // Approved in another spelling: once, and for the session that asked.
    reference.resolve(one, &call("t", r#"{"b":2e0,"a":1}"#), true);
    assert_eq!(got(&mut reference, one, r#"{"a":1,"b":2,"c":null}"#, 1), "HOLD");
    assert_eq!(got(&mut reference, one, r#"{"a":1,"b":2}"#, 1), "PERMIT");
    assert_eq!(got(&mut reference, two, r#"{"a":1,"b":2}"#, 1), "HOLD");
    assert_eq!(got(&mut reference, one, r#"{"a":1,"b":2}"#, 1), "HOLD");
    reference.resolve(one, &call("t", r#"{"a":1,"b":2}"#), false);
    reference.resolve(one, &call("t", r#"{"a":1,"b":2}"#), true); // too late
    assert_eq!(got(&mut reference, one, r#"{"a":1,"b":2}"#, 60), "APPROVAL_REJECTED");
    assert_eq!(got(&mut reference, one, r#"{"a":1,"b":2}"#, 61), "HOLD");
    // An approval dies with its review.
    reference.resolve(one, &call("t", r#"{"a":1,"b":2}"#), true);
    assert_eq!(got(&mut reference, one, r#"{"a":1,"b":2}"#, 121), "HOLD");
    // The smallest TTL of those that want a person: with a = 1 only the parent link does.
    assert_eq!(got(&mut reference, child, r#"{"a":2}"#, 200), "HOLD");
    assert_eq!(got(&mut reference, child, r#"{"a":1}"#, 200), "HOLD");
    reference.resolve(child, &call("t", r#"{"a":2}"#), false);
    reference.resolve(child, &call("t", r#"{"a":1}"#), false);
    assert_eq!(got(&mut reference, child, r#"{"a":2}"#, 210), "HOLD");
    assert_eq!(got(&mut reference, child, r#"{"a":1}"#, 210), "APPROVAL_REJECTED");
}

#[test]
fn tools_of_one_server() {
    let base = r#"{"name":"p","allowed_tools":["d@erp","e"],"max_rows":5,"allowed_mcp_servers":["erp","b"]}"#;
    let role = r#"{"name":"r","parent_role_id":"p","allowed_mcp_servers":["erp","b"],
        "allowed_tools":["t@erp","u","d","w"],"denied_actions":["u@b","x*@e*"],
        "parameter_constraints":{"u@erp":[{"field":"a","operator":"eq","value":1}]},
        "approval_required":["w@b"],"mcp_server_rate_limits":{"u@erp":1}}"#;
    let table = [
        ("t", Some("erp"), "{}", "PERMIT"),
        ("t", Some("b"), "{}", "SCOPE_VIOLATION"),
        ("t", None, "{}", "MCP_SERVER_UNAUTHORIZED"),
        ("t@erp", Some("erp"), "{}", "SCOPE_VIOLATION"),
        ("t@erp", Some("b"), "{}", "SCOPE_VIOLATION"),
        ("u", Some("b"), "{}", "ACTION_FORBIDDEN"),
        ("u", Some("erp"), "{}", "PARAMETER_VIOLATION"),
        ("u", Some("erp"), r#"{"a":1}"#, "PERMIT"),
        ("w", Some("b"), "{}", "HOLD"),
        ("w", Some("erp"), "", "PERMIT"),
        ("d", Some("b"), "", "PERMIT"),
        ("d", Some("erp"), "{}", "DATA_LIMIT_EXCEEDED"),
        ("xyz", Some("erp"), "{}", "ACTION_FORBIDDEN"),
        ("xyz", Some("b"), "{}", "SCOPE_VIOLATION"),
    ];
    for (tool, server, args, expected) in table {
        let call = Call { server, ..call(tool, args) };
        assert_eq!(first(&format!("{role},{base}"), &call, NOON), expected, "{tool} {server:?} {args}");
    }
    let mut reference = reference(&format!("{role},{base}"));
    let session = reference.open("r", "alice", NOON, 3600);
    let call = Call { server: Some("erp"), ..call("u", r#"{"a":1}"#) };
    assert_eq!(reference.decide(Some(session), &call, NOON), "PERMIT");
    assert_eq!(reference.decide(Some(session), &call, NOON), "MCP_RATE_LIMIT_EXCEEDED");
}

#[test]
fn patterns_beside_tools_of_one_server() {
    let base = r#"{"name":"p","allowed_actions":["d*"],"max_rows":5,"allowed_mcp_servers":["erp","b"]}"#;
    let role = r#"{"name":"r","parent_role_id":"p","allowed_mcp_servers":["erp","b"],
        "allowed_tools":["t@erp","dd@b"],"allowed_actions":["u*"],"denied_actions":["us@b"],
        "parameter_constraints":{"u@erp":[{"field":"a","operator":"eq","value":1}]},"approval_required":["uw@b"]}"#;
    let table = [
        ("t", Some("erp"), "{}", "PERMIT"),
        ("t", Some("b"), "{}", "SCOPE_VIOLATION"),
        ("u", Some("b"), "", "PERMIT"),
        ("u", Some("erp"), "{}", "PARAMETER_VIOLATION"),
        ("u@erp", Some("erp"), "{}", "SCOPE_VIOLATION"),
        ("u", None, "{}", "MCP_SERVER_UNAUTHORIZED"),
        ("us", Some("b"), "{}", "ACTION_FORBIDDEN"),
        ("us", Some("erp"), "{}", "PERMIT"),
        ("uw", Some("b"), "{}", "HOLD"),
        ("uw", Some("erp"), "", "PERMIT"),
        ("dd", Some("b"), "{}", "DATA_LIMIT_EXCEEDED"),
        ("dd", Some("erp"), r#"{"limit":5}"#, "PERMIT"),
    ];
    for (tool, server, args, expected) in table {
        let call = Call { server, ..call(tool, args) };
        assert_eq!(first(&format!("{role},{base}"), &call, NOON), expected, "{tool} {server:?} {args}");
    }
}

#[test]
fn manifests() {
    let policy = r#"{"version":1,"roles":[{"name":"r","allowed_tools":["read","t"]}],"manifests":[
        {"agent_id":"alice","resource_actions":{"claims":["read"],"empty":[],"*":["t","list"]}},
        {"agent_id":"bob","allowed_actions":["read"]},
        {"agent_id":"carol"}]}"#;
    let table = [
        // agent, tool, action, resource, answer
        ("alice", "t", None, None, "PERMIT"),
        ("alice", "read", None, Some("claims"), "PERMIT"),
        ("alice", "t", Some("read"), Some("claims"), "PERMIT"),
        ("alice", "t", None, Some("claims"), "SCOPE_VIOLATION"),
        ("alice", "read", Some("t"), Some("claims"), "SCOPE_VIOLATION"),
        ("alice", "t", None, Some("empty"), "SCOPE_VIOLATION"),
        ("alice", "t", None, Some("other"), "PERMIT"),
        ("alice", "t", None, Some("Claims"), "PERMIT"),
        ("alice", "t", Some("list"), Some("other"), "PERMIT"),
        ("alice", "list", None, Some("other"), "SCOPE_VIOLATION"),
        ("alice", "t", None, Some(""), "SCOPE_VIOLATION"),
        ("alice", "t", Some(""), Some("other"), "SCOPE_VIOLATION"),
        ("bob", "read", None, Some("anything"), "PERMIT"),
        ("bob", "t", None, Some("anything"), "SCOPE_VIOLATION"),
        ("carol", "t", None, None, "PERMIT"),
        ("carol", "t", None, Some("x"), "SCOPE_VIOLATION"),
        ("dave", "t", Some("x"), Some("x"), "PERMIT"),
    ];
    for (agent, tool, action, resource, answer) in table {
        let mut reference = Reference::new(policy).expect("a policy");
        let session = reference.open("r", agent, NOON, 3600);
        let call = Call { action, resource, ..call(tool, "{}") };
        assert_eq!(
            reference.decide(Some(session), &call, NOON),
            answer,
            "{agent} {tool} {action:?} {resource:?}"
        );
        let child = reference.open_child(session, "r", NOON, 3600);
        let child = reference.decide(Some(child), &call, NOON);
        assert!(["SCOPE_VIOLATION", "DELEGATION_DEPTH_EXCEEDED"].contains(&child));
    }
}

/// What the first call of a fresh session gets under these policies; the tool is t, the arguments are `{"a":"bad"}`.
fn under(policies: &str, via: &[String], now: u64) -> &'static str {
    let text =
        format!(r#"{{"version":1,"policies":[{policies}],"roles":[{{"name":"r","allowed_tools":["t"]}}]}}"#);
    let mut reference = Reference::new(&text).expect(policies);
    let session = reference.open("r", "alice", now, 3600);
    reference.decide(Some(session), &Call { via, ..call("t", r#"{"a":"bad"}"#) }, now)
}

#[test]
fn policies() {
    let bob = ["bob".to_string()];
    let none: [String; 0] = [];
    let table: &[(&str, &[String], &str)] = &[
        (r#"{"name":"p","policy_type":"action_type","decision":"deny"}"#, &none, "ACTION_FORBIDDEN"),
        (
            r#"{"name":"p","policy_type":"action_type","decision":"deny","absolute":false}"#,
            &none,
            "POLICY_DENIED",
        ),
        (r#"{"name":"p","policy_type":"action_type","decision":"hold"}"#, &none, "HOLD"),
        (
            r#"{"name":"p","policy_type":"action_type","decision":"hold","action_types":["T","tt"]}"#,
            &none,
            "PERMIT",
        ),
        (r#"{"name":"p","policy_type":"action_type","decision":"deny","mode":"shadow"}"#, &none, "PERMIT"),
        (r#"{"name":"p","policy_type":"action_type","decision":"deny","enabled":false}"#, &none, "PERMIT"),
        (
            r#"{"name":"h","policy_type":"action_type","decision":"hold","priority":9},
               {"name":"d","policy_type":"action_type","decision":"deny","absolute":false}"#,
            &none,
            "POLICY_DENIED",
        ),
        (
            r#"{"name":"p","policy_type":"threshold","decision":"deny","trust_threshold":50.1}"#,
            &none,
            "ACTION_FORBIDDEN",
        ),
        (r#"{"name":"p","policy_type":"threshold","decision":"deny","trust_threshold":50}"#, &none, "PERMIT"),
        (
            r#"{"name":"p","policy_type":"content_pattern","decision":"deny","conditions":{"patterns":["ba"]}}"#,
            &none,
            "POLICY_DENIED",
        ),
        (
            r#"{"name":"p","policy_type":"content_pattern","decision":"deny","conditions":{"patterns":["^b$"]}}"#,
            &none,
            "PERMIT",
        ),
        (
            r#"{"name":"p","policy_type":"content_pattern","decision":"hold","conditions":{"patterns":["\"a\":"]}}"#,
            &none,
            "HOLD",
        ),
        (
            r#"{"name":"p","policy_type":"temporal","decision":"deny","conditions":{"blocked_hours":[12]}}"#,
            &none,
            "ACTION_FORBIDDEN",
        ),
        (
            r#"{"name":"p","policy_type":"temporal","decision":"deny","conditions":{"blocked_hours":[11,13]}}"#,
            &none,
            "PERMIT",
        ),
        (
            r#"{"name":"p","policy_type":"temporal","decision":"deny","conditions":{"blocked_days":[1]}}"#,
            &none,
            "ACTION_FORBIDDEN",
        ),
        (
            r#"{"name":"p","policy_type":"temporal","decision":"deny","conditions":{"blocked_days":[2,7]}}"#,
            &none,
            "PERMIT",
        ),
        (
            r#"{"name":"p","policy_type":"chain_of_custody","decision":"hold","conditions":{"max_chain_depth":0}}"#,
            &none,
            "PERMIT",
        ),
        (
            r#"{"name":"p","policy_type":"chain_of_custody","decision":"hold","conditions":{"max_chain_depth":0}}"#,
            &bob,
            "HOLD",
        ),
        (
            r#"{"name":"p","policy_type":"chain_of_custody","decision":"deny","conditions":{"forbidden_agents":["bob"]}}"#,
            &bob,
            "ACTION_FORBIDDEN",
        ),
        (
            r#"{"name":"p","policy_type":"chain_of_custody","decision":"deny","conditions":{"forbidden_agents":["alice"]}}"#,
            &none,
            "ACTION_FORBIDDEN",
        ),
    ];
    for (policies, via, answer) in table {
        assert_eq!(under(policies, via, NOON), *answer, "{policies}");
    }
}

#[test]
fn trust_moves_by_what_is_answered() {
    let text = r#"{"version":1,"roles":[{"name":"r","allowed_tools":["t","h"],"approval_required":["h"]}]}"#;
    let mut reference = Reference::new(text).expect(text);
    let session = reference.open("r", "alice", NOON, 3600);
    let mut after = |tool, tenths| {
        reference.decide(Some(session), &call(tool, "{}"), NOON);
        assert_eq!(reference.trust("alice"), tenths, "{tool}");
    };
    after("t", 502);
    after("x", 482);
    after("h", 477);
    after("h", 477);
    assert_eq!(reference.trust("bob"), 500);
}
