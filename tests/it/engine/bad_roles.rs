//! Roles that cannot be meant: each is refused, and the message says where and why.

use scopegate_engine::Policy;

/// One bad policy: the place and the beginning of what is wrong.
pub(super) fn check(text: &str, place: &str, message: &str) {
    let Err(error) = Policy::from_text(text, "p.yaml") else { panic!("this was read:\n{text}") };
    let expected = format!("p.yaml:{place}: {message}");
    assert!(error.to_string().starts_with(&expected), "{error}\n{expected} was expected of\n{text}");
}

/// Bad lines in an otherwise good role, which start at 5:5.
pub(super) fn lines(cases: &[(&str, &str, &str)]) {
    for (line, place, message) in cases {
        let text = format!("version: 1\nroles:\n  - name: r\n    allowed_tools: [read]\n    {line}\n");
        let message = message.replacen("~", "roles[0]", usize::from(message.starts_with('~')));
        check(&text, place, &message);
    }
}

#[test]
fn names() {
    lines(&[
        ("x: 1", "5:5", "unknown field `x` (`scopegate schema` lists all fields)"),
        ("max_row: 1", "5:5", "unknown field `max_row`; did you mean `max_rows`? (`scopegate schema`"),
        ("allowed_tools: [write]", "5:5", "duplicate mapping key: allowed_tools"),
        ("'allowed_tools ': [write]", "5:5", "unknown field `allowed_tools `"),
        ("Allowed_Tools: [write]", "5:5", "unknown field `Allowed_Tools`"),
        ("min_trust_level: 101", "5:22", "~.min_trust_level: 101 is more than 100"),
        ("allowed_actions: ['a b']", "5:23", "~.allowed_actions[0]: `a b` is not a name"),
        ("allowed_actions: ['x*', '']", "5:29", "~.allowed_actions[1]: `` is not a name"),
        ("allowed_actions: ['x*', 'y*@s']", "5:29", "~.allowed_actions[1]: `y*@s` names an MCP server"),
        ("allowed_actions: ['@']", "5:23", "~.allowed_actions[0]: `@` names an MCP server"),
        ("denied_actions: ['a b']", "5:22", "~.denied_actions[0]: `a b` names no tool"),
        ("denied_actions: ['']", "5:22", "~.denied_actions[0]: `` names no tool"),
        ("approval_required: ['r*']", "5:25", "~.approval_required[0]: `r*` has a wildcard"),
        (
            "approval_required: [read, 'rm\\u0000']",
            "5:31",
            "~.approval_required[1]: `rm\\u0000` names no tool",
        ),
        ("approval_required: [\"rm\\u200b\"]", "5:25", "~.approval_required[0]: `rm\u{200b}` names no tool"),
        ("allowed_envs: ['*']", "5:20", "~.allowed_envs[0]: `*` has a wildcard"),
        (
            "parameter_constraints: {'re*': [{field: a, operator: eq, value: 1}]}",
            "5:36",
            "~.parameter_constraints.re*: `re*` has a wildcard",
        ),
        (
            "approval_unless: {'': [{field: a, operator: eq, value: 1}]}",
            "5:27",
            "~.approval_unless.: `` names no tool",
        ),
        ("allowed_mcp_servers: ['*']", "5:27", "~.allowed_mcp_servers[0]: `*` has a wildcard"),
        ("allowed_mcp_servers: [files, 'a b']", "5:34", "~.allowed_mcp_servers[1]: `a b` is not a name"),
        ("mcp_server_rate_limits: {'*': 5}", "5:35", "~.mcp_server_rate_limits.*: `*` has a wildcard"),
        ("credential_mapping: {'*': key}", "5:31", "~.credential_mapping.*: `*` has a wildcard"),
        ("allowed_credentials: ['*']", "5:27", "~.allowed_credentials[0]: `*` has a wildcard"),
        ("parent_role_id: nobody", "5:21", "~.parent_role_id: unknown parent role `nobody`"),
        ("parent_role_id: r", "5:21", "~.parent_role_id: role `r` inherits from itself"),
        (
            "approval_required: [read]\n    approval_unless: {read: [{field: a, operator: eq, value: 1}]}",
            "6:29",
            "~.approval_unless.read: `read` is held by approval_required too",
        ),
    ]);
    for (role, place, message) in [
        ("{name: r, allowed_tools: ['*']}", "2:35", "roles[0].allowed_tools[0]: `*` has a wildcard"),
        ("{name: r, allowed_tools: [a, 'b?']}", "2:38", "roles[0].allowed_tools[1]: `b?` names no tool"),
        ("{name: 'a b'}", "2:16", "roles[0].name: `a b` is not a name"),
        ("{name: ''}", "2:16", "roles[0].name: `` is not a name"),
        ("{name: é}", "2:16", "roles[0].name: `é` is not a name"),
        (&format!("{{name: {}}}", "n".repeat(129)), "2:16", "roles[0].name: `nnnnnnnn"),
        ("{name: r}, {name: s}, {name: r}", "2:38", "roles[2].name: a second role named `r`"),
    ] {
        check(&format!("version: 1\nroles: [{role}]"), place, message);
    }
}

#[test]
fn parents() {
    let chain = |parents: &[(&str, &str)]| {
        let roles =
            parents.iter().map(|(role, parent)| format!("\n  - {{name: {role}, parent_role_id: {parent}}}"));
        format!("version: 1\nroles:\n  - name: top{}", roles.collect::<String>())
    };
    let at = "roles[1].parent_role_id: ";
    check(&chain(&[("a", "nobody")]), "4:31", &format!("{at}unknown parent role `nobody`"));
    check(&chain(&[("a", "a")]), "4:31", &format!("{at}role `a` inherits from itself"));
    check(
        &chain(&[("a", "b"), ("b", "c"), ("c", "a")]),
        "4:31",
        &format!("{at}role `a` inherits from itself"),
    );
    let deep = [
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
        ("d", "e"),
        ("e", "f"),
        ("f", "g"),
        ("g", "h"),
        ("h", "i"),
        ("i", "top"),
    ];
    check(&chain(&deep), "4:31", &format!("{at}more than 8 parents above each other"));
    Policy::from_text(&chain(&deep[1..]), "p.yaml").expect("eight parents are allowed");
}

#[test]
fn numbers() {
    lines(&[
        ("max_rows: -1", "5:15", "invalid type: integer `-1`, expected a whole number of at least 0"),
        (
            "max_rows: 1.5",
            "5:15",
            "invalid type: floating point `1.5`, expected a whole number of at least 0",
        ),
        ("max_rows: 9007199254740992", "5:15", "~.max_rows: 9007199254740992 is more than"),
        ("max_rows: 99999999999999999999999", "5:15", "invalid type: floating point `1"),
        ("max_rows: .nan", "5:15", "non-finite float `.nan` rejected"),
        ("max_rows: many", "5:15", "invalid type: string \"many\", expected a whole number of at least 0"),
        ("max_rows: '10'", "5:15", "invalid type: string \"10\", expected a whole number of at least 0"),
        ("max_rows: \"10\"", "5:15", "invalid type: string \"10\", expected a whole number of at least 0"),
        ("max_rows: !!str 10", "5:21", "invalid type: string \"10\", expected a whole number of at least 0"),
        ("max_rows: '0'", "5:15", "invalid type: string \"0\", expected a whole number of at least 0"),
        ("max_rows: [5]", "5:15", "invalid type: sequence, expected a whole number of at least 0"),
        ("rate_limit_per_minute: 1000001", "5:28", "~.rate_limit_per_minute: 1000001 is more than"),
        ("rate_limit_per_hour: 1000001", "5:26", "~.rate_limit_per_hour: 1000001 is more than"),
        (
            "rate_limit_per_minute: -5",
            "5:28",
            "invalid type: integer `-5`, expected a whole number of at least 0",
        ),
        ("approval_ttl_seconds: 999999999999", "5:27", "~.approval_ttl_seconds: 999999999999 is more than"),
        ("default_ttl_seconds: 999999999999", "5:26", "~.default_ttl_seconds: 999999999999 is more than"),
        ("max_delegation_depth: 9", "5:27", "~.max_delegation_depth: 9 is more than"),
        ("allowed_hours_start: 24", "5:26", "~.allowed_hours_start: `24` is not an hour"),
        ("allowed_hours_end: 25", "5:24", "~.allowed_hours_end: `25` is not an hour"),
        (
            "allowed_hours_start: 9\n    allowed_hours_end: 9",
            "6:24",
            "~.allowed_hours_end: start and end are both 9",
        ),
        ("allowed_days: [0, 7]", "5:23", "~.allowed_days[1]: `7` is not a day"),
        (
            "allowed_days: [mon]",
            "5:20",
            "invalid type: string \"mon\", expected a whole number of at least 0",
        ),
        (
            "allowed_days: [1, '2']",
            "5:23",
            "invalid type: string \"2\", expected a whole number of at least 0",
        ),
        ("env_optional: 1", "5:19", "invalid type: integer `1`, expected true or false"),
        ("rows_optional: 'yes'", "5:20", "invalid type: string \"yes\", expected true or false"),
        ("rows_optional: 'true'", "5:20", "invalid type: string \"true\", expected true or false"),
        ("min_trust_level: '3'", "5:22", "invalid type: string \"3\", expected a whole number of at least 0"),
        (
            "mcp_server_rate_limits: {files: '5'}",
            "5:37",
            "invalid type: string \"5\", expected a whole number of at least 0",
        ),
        (
            "mcp_server_rate_limits: {files: 1000001}",
            "5:37",
            "~.mcp_server_rate_limits.files: 1000001 is more than",
        ),
        ("rate_scope: owner", "5:17", "unknown variant `owner`"),
        ("record_arguments: full", "5:23", "unknown variant `full`"),
    ]);
}

#[test]
fn nulls() {
    lines(&[
        ("max_rows: null", "5:15", "invalid type: nothing, expected a whole number of at least 0"),
        ("max_rows:", "5:13", "invalid type: nothing, expected a whole number of at least 0"),
        ("rate_limit_per_minute: ~", "5:28", "invalid type: nothing, expected a whole number of at least 0"),
        ("approval_unless: {read: null}", "5:29", "`read` has no value; give it one, or leave the line out"),
        // A guard whose lines were all commented out is not "no guard".
        ("allowed_envs:", "5:17", "`allowed_envs` has no value"),
        ("denied_actions: ~", "5:21", "`denied_actions` has no value"),
        ("allowed_mcp_servers:", "5:24", "`allowed_mcp_servers` has no value"),
        ("approval_required: null", "5:24", "`approval_required` has no value"),
        ("parameter_constraints:", "5:26", "`parameter_constraints` has no value"),
        ("parameter_constraints: {read: }", "5:33", "`read` has no value"),
        ("allowed_days: null", "5:19", "`allowed_days` has no value"),
        ("env_optional: null", "5:19", "invalid type: nothing, expected true or false"),
        ("allowed_hours_start: null", "5:26", "invalid type: nothing, expected a whole number of at least 0"),
        ("credential_mapping: {read: null}", "5:32", "cannot deserialize null into string"),
        ("rate_scope: null", "5:17", "unknown variant `null`"),
    ]);
}

#[test]
fn fields_that_are_not_enforced() {
    lines(&[
        (
            "webhook_url: https://example.com",
            "5:18",
            "~.webhook_url: `webhook_url` is not enforced by this version",
        ),
        ("webhook_secret: ''", "5:21", "~.webhook_secret: `webhook_secret` is not enforced by this version"),
    ]);
}
