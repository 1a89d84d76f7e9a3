//! Line 3: the call's own session, a server that every role lists, a tool that the server has.

use scopegate_core::{Catalogue, ClaimedSession, Decision, SessionId};

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
fn a_denial_repeats_no_absurd_name() {
    let world = World::new(POLICY);
    let session = world.open("filer", "ann");
    let long = "é".repeat(50_000);
    let Decision::Deny(denial) = world.decide(&session.principal, &to(&long, "read_file", "{}")) else {
        panic!("not listed")
    };
    assert_eq!(denial.to_string(), format!("MCP server `{}` is not one of the role's", "é".repeat(64)));
}
