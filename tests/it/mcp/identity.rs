//! Line 3: the call's own session, a server that every role lists, a tool that the server has.

use scopegate_core::{Catalogue, ClaimedSession, Decision, SessionId};
use scopegate_engine::Policy;

use super::{claiming, to};
use crate::engine::World;

const POLICY: &str = "
version: 1
mcp_servers:
  warehouse: {tools: [{name: count}, {name: burn}]}
roles:
  - {name: free, allowed_tools: [read_file, count]}
  - name: filer
    allowed_tools: [read_file, summarise, post]
    denied_actions: ['format_*']
    allowed_mcp_servers: [filesystem, erp]
    max_delegation_depth: 2
  - {name: keeper, allowed_tools: [count, steal], allowed_mcp_servers: [warehouse]}
  - {name: inner, allowed_tools: [read_file], allowed_mcp_servers: [erp]}
  - {name: base, allowed_tools: [read_file, list], allowed_mcp_servers: [filesystem, erp]}
  - {name: heir, parent_role_id: base, allowed_tools: [own]}
  - {name: narrow, parent_role_id: base, allowed_tools: [own], allowed_mcp_servers: [erp, github]}
  - {name: torn, parent_role_id: base, allowed_tools: [own], allowed_mcp_servers: [github]}
";

/// What a role answers to calls of a tool on a server.
fn check(role: &str, cases: &[(&str, &str, &str)]) {
    let world = World::new(POLICY);
    let session = world.open(role, "ann");
    for (server, tool, expected) in cases {
        assert_eq!(world.ask(&session, &to(server, tool, "{}")), *expected, "{role}: {tool} on `{server}`");
    }
}

#[test]
fn a_role_that_lists_no_server_has_none() {
    check(
        "free",
        &[
            ("", "read_file", "PERMIT"),
            ("filesystem", "read_file", "MCP_SERVER_UNAUTHORIZED"),
            ("warehouse", "count", "MCP_SERVER_UNAUTHORIZED"),
            ("nowhere", "unknown", "MCP_SERVER_UNAUTHORIZED"),
        ],
    );
}

#[test]
fn a_role_that_lists_servers_wants_one_named_exactly() {
    let wrong = [
        "",
        "github",
        "Filesystem",
        "filesystem ",
        " filesystem",
        "*",
        "files",
        "filesystem\0",
        "FILESYSTEM",
    ];
    for server in wrong {
        for tool in ["read_file", "rm", "format_disk"] {
            check("filer", &[(server, tool, "MCP_SERVER_UNAUTHORIZED")]);
        }
    }
    check("filer", &[("filesystem", "read_file", "PERMIT"), ("erp", "read_file", "PERMIT")]);
}

#[test]
fn a_tool_is_known_to_its_server_or_to_the_role() {
    check(
        "filer",
        &[
            ("filesystem", "rm", "MCP_TOOL_NOT_FOUND"),
            ("filesystem", "Read_file", "MCP_TOOL_NOT_FOUND"),
            ("filesystem", "delete_file", "SCOPE_VIOLATION"),
            ("filesystem", "summarise", "PERMIT"),
            ("erp", "post", "PERMIT"),
            // Nobody has described this server.
            ("erp", "rm", "SCOPE_VIOLATION"),
            // Before what is forbidden anyway.
            ("filesystem", "format_disk", "MCP_TOOL_NOT_FOUND"),
            ("erp", "format_disk", "ACTION_FORBIDDEN"),
        ],
    );
}

#[test]
fn what_is_registered_is_all_there_is() {
    check(
        "keeper",
        &[
            ("warehouse", "count", "PERMIT"),
            ("warehouse", "burn", "SCOPE_VIOLATION"),
            ("warehouse", "steal", "MCP_TOOL_NOT_FOUND"),
            ("warehouse", "other", "MCP_TOOL_NOT_FOUND"),
        ],
    );
}

#[test]
fn a_list_guards_its_own_tools_and_those_from_further_up() {
    check(
        "heir",
        &[
            ("filesystem", "read_file", "PERMIT"),
            ("", "read_file", "MCP_SERVER_UNAUTHORIZED"),
            ("github", "read_file", "MCP_SERVER_UNAUTHORIZED"),
            // Its own tool is guarded by its own list, and it has none.
            ("", "own", "PERMIT"),
            ("filesystem", "own", "MCP_SERVER_UNAUTHORIZED"),
            // A tool that nobody grants is judged as if the farthest role did.
            ("erp", "rm", "SCOPE_VIOLATION"),
            ("", "rm", "MCP_SERVER_UNAUTHORIZED"),
        ],
    );
    check(
        "narrow",
        &[
            ("erp", "read_file", "PERMIT"),
            ("filesystem", "read_file", "MCP_SERVER_UNAUTHORIZED"),
            ("github", "list", "MCP_SERVER_UNAUTHORIZED"),
            ("github", "own", "PERMIT"),
            ("", "own", "MCP_SERVER_UNAUTHORIZED"),
        ],
    );
    check(
        "torn",
        &[
            ("filesystem", "read_file", "MCP_SERVER_UNAUTHORIZED"),
            ("github", "read_file", "MCP_SERVER_UNAUTHORIZED"),
            ("", "read_file", "MCP_SERVER_UNAUTHORIZED"),
            ("github", "own", "PERMIT"),
        ],
    );
}

#[test]
fn every_session_of_a_chain_must_authorise() {
    let world = World::new(POLICY);
    let parent = world.open("filer", "ann");
    let child = world.child(&parent, "inner");
    for (server, tool, expected) in [
        ("erp", "read_file", "PERMIT"),
        ("filesystem", "read_file", "MCP_SERVER_UNAUTHORIZED"),
        ("github", "read_file", "MCP_SERVER_UNAUTHORIZED"),
        ("", "read_file", "MCP_SERVER_UNAUTHORIZED"),
    ] {
        assert_eq!(world.ask(&child, &to(server, tool, "{}")), expected, "{tool} on `{server}`");
    }
    let keeper = world.child(&parent, "keeper");
    assert_eq!(world.ask(&keeper, &to("warehouse", "count", "{}")), "MCP_SERVER_UNAUTHORIZED");
    let free = world.child(&parent, "free");
    assert_eq!(world.ask(&free, &to("", "read_file", "{}")), "MCP_SERVER_UNAUTHORIZED");
    assert_eq!(world.ask(&free, &to("erp", "read_file", "{}")), "MCP_SERVER_UNAUTHORIZED");
}

#[test]
fn a_claimed_session_is_the_tokens_own() {
    let world = World::new(POLICY);
    let parent = world.open("filer", "ann");
    let (child, other) = (world.child(&parent, "inner"), world.open("filer", "ann"));
    let ours = |id| Some(ClaimedSession::Ours(id));
    for (server, tool) in [("erp", "read_file"), ("github", "rm"), ("", "read_file")] {
        for claimed in [
            Some(ClaimedSession::Foreign),
            ours(SessionId::from_bits(0)),
            ours(parent.session),
            ours(other.session),
        ] {
            let call = claiming(to(server, tool, "{}"), claimed, None);
            assert_eq!(
                world.ask(&child, &call),
                "MCP_SESSION_HIJACK",
                "{claimed:?} for {tool} on `{server}`"
            );
        }
    }
    let own = claiming(to("erp", "read_file", "{}"), ours(child.session), None);
    assert_eq!(world.ask(&child, &own), "PERMIT");
    // A session that is over says so first.
    world.engine.end(child.session).expect("a known session");
    let foreign = claiming(own, Some(ClaimedSession::Foreign), None);
    assert_eq!(world.ask(&child, &foreign), "SESSION_REVOKED");
}

#[test]
fn a_registration_is_in_force_for_running_sessions() {
    let world = World::new(POLICY);
    let session = world.open("filer", "ann");
    let (post, read) = (to("erp", "post", "{}"), to("erp", "read_file", "{}"));
    let both = || [world.ask(&session, &post), world.ask(&session, &read)];
    assert_eq!(both(), ["PERMIT"; 2]);
    world.engine.put_catalogue("erp", Catalogue::of(["post"])).expect("a good catalogue");
    assert_eq!(both(), ["PERMIT", "MCP_TOOL_NOT_FOUND"]);
    let twice = Catalogue::of(["read_file", "read_file"]);
    assert!(world.engine.put_catalogue("erp", twice).is_err());
    assert_eq!(both(), ["PERMIT", "MCP_TOOL_NOT_FOUND"], "a bad one changes nothing");
    world.engine.put_catalogue("filesystem", Catalogue::of(["read_file"])).expect("a good catalogue");
    assert_eq!(
        world.ask(&session, &to("filesystem", "summarise", "{}")),
        "MCP_TOOL_NOT_FOUND",
        "no more built-in"
    );
    assert!(world.engine.remove_catalogue("erp"));
    assert!(!world.engine.remove_catalogue("erp"), "once is enough");
    assert_eq!(both(), ["PERMIT"; 2]);
    assert_eq!(world.ask(&session, &to("filesystem", "summarise", "{}")), "MCP_TOOL_NOT_FOUND");
}

#[test]
fn a_registration_outlives_a_reload_and_stands_before_the_file() {
    let catalogue = |tool: &'static str| Catalogue::of([tool]);
    // `erp` is registered while it runs, `crm` by whoever builds it; the file says of `erp` and `wms`.
    let roles =
        "roles: [{name: filer, allowed_tools: [post, read_file], allowed_mcp_servers: [erp, crm, wms]}]";
    let text = |tool: &str| {
        format!(
            "version: 1\n{roles}\nmcp_servers: {{erp: {{tools: [{{name: {tool}}}]}}, wms: {{tools: [{{name: {tool}}}]}}}}"
        )
    };
    let policy = |tool| Policy::from_text(&text(tool), "policy").expect("a policy");
    let world = World::with(&text("read_file"), |builder| builder.mcp_server("crm", catalogue("post")));
    let session = world.open("filer", "ann");
    let offers = |server: &'static str| {
        ["post", "read_file"].map(|tool| world.ask(&session, &to(server, tool, "{}")) == "PERMIT")
    };
    let (post, read_file, neither) = ([true, false], [false, true], [true, true]);
    assert_eq!([offers("erp"), offers("crm"), offers("wms")], [read_file, post, read_file]);
    world.engine.put_catalogue("erp", catalogue("post")).expect("a good catalogue");
    assert_eq!(offers("erp"), post);
    for tool in ["read_file", "post", "read_file"] {
        world.engine.reload(&policy(tool)).expect("a good policy");
        let written = if tool == "post" { post } else { read_file };
        assert_eq!([offers("erp"), offers("crm"), offers("wms")], [post, post, written], "{tool}");
    }
    let silent = Policy::from_text(&format!("version: 1\n{roles}"), "policy").expect("a policy");
    world.engine.reload(&silent).expect("a good policy");
    assert_eq!([offers("erp"), offers("crm"), offers("wms")], [post, post, neither], "nobody describes it");
    // What is forgotten is forgotten, until the file is read again.
    world.engine.reload(&policy("read_file")).expect("a good policy");
    assert!(world.engine.remove_catalogue("erp") && !world.engine.remove_catalogue("erp"));
    assert_eq!(offers("erp"), neither);
    world.engine.reload(&policy("read_file")).expect("a good policy");
    assert_eq!(offers("erp"), read_file);
}

#[test]
fn a_denial_repeats_no_absurd_name() {
    let world = World::new(POLICY);
    let session = world.open("filer", "ann");
    let long = "é".repeat(50_000);
    let Decision::Deny(denial) = world.decide(&session.principal, &to(&long, "read_file", "{}")) else {
        panic!("not listed")
    };
    assert_eq!(denial.to_string(), format!("MCP server `{}` is not one of the role's", "é".repeat(64)));
}
