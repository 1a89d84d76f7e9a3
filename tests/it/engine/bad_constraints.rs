//! Constraints that cannot be meant, and where the message says they stand.

use super::bad_roles::{check, lines};

/// Bad constraints, which start at 7:11.
fn rules(cases: &[(&str, &str, &str)]) {
    for (rule, place, message) in cases {
        let text = format!(
            "version: 1\nroles:\n  - name: r\n    allowed_tools: [read]\n    parameter_constraints:\n      read:\n        - {rule}\n"
        );
        let here = "roles[0].parameter_constraints.read[0]";
        let message = message.replacen("~", here, usize::from(message.starts_with('~')));
        check(&text, place, &message);
    }
}

#[test]
fn constraints() {
    rules(&[
        ("{field: a}", "7:11", "~: a constraint has either an operator and a value"),
        ("{field: a, operator: eq}", "7:11", "~: a constraint has either an operator and a value"),
        ("{field: a, value: 1}", "7:11", "~: a constraint has either an operator and a value"),
        (
            "{field: a, operator: eq, value: 1, any_of: [{operator: eq, value: 2}]}",
            "7:11",
            "~: a constraint has either an operator and a value",
        ),
        ("{field: a, any_of: []}", "7:11", "~: a constraint has either an operator and a value"),
        ("{field: a, any_of: [{operator: eq}]}", "7:32", "missing field `value`"),
        (
            "{field: a, any_of: [{operator: eq, value: 1}, {operator: lt, value: x}]}",
            "7:79",
            "~.any_of[1].value: the value of `a comparison` must be a number",
        ),
        ("{operator: eq, value: 1}", "7:26", "missing field `field`"),
        ("{field: a, operator: equals, value: 1}", "7:32", "unknown variant `equals`"),
        ("{field: a, operator: eq, value: 1, when_absent: maybe}", "7:59", "unknown variant `maybe`"),
        ("{field: a, operator: eq, value: 1, values: [1]}", "7:46", "unknown field `values`"),
        ("{field: '', operator: eq, value: 1}", "7:19", "~.field: `` is not a field"),
        ("{field: 'a[0]', operator: eq, value: 1}", "7:19", "~.field: `a[0]` is not a field"),
        ("{field: 'a..b', operator: eq, value: 1}", "7:19", "~.field: `a..b` is not a field"),
        (
            "{field: a, operator: eq, value: null}",
            "7:11",
            "~: a constraint has either an operator and a value",
        ),
        (
            "{field: a, operator: eq, value: 9007199254740993}",
            "7:43",
            "~.value: the value of `eq` must be a value other than null",
        ),
        (
            "{field: a, operator: eq, value: .inf}",
            "7:43",
            "non-finite float `.inf` rejected by the configured policy",
        ),
        (
            "{field: a, operator: lt, value: '10'}",
            "7:43",
            "~.value: the value of `a comparison` must be a number",
        ),
        (
            "{field: a, operator: lt, value: 1e400}",
            "7:43",
            "non-finite float `1e400` rejected by the configured policy",
        ),
        (
            "{field: a, operator: gte, value: true}",
            "7:44",
            "~.value: the value of `a comparison` must be a number",
        ),
        ("{field: a, operator: in, value: x}", "7:43", "~.value: the value of `in` must be a list"),
        (
            "{field: a, operator: in, value: [1, null]}",
            "7:43",
            "~.value: the value of `in` must be a value other than null",
        ),
        (
            "{field: a, operator: not_in, value: {a: 1}}",
            "7:47",
            "~.value: the value of `not_in` must be a list",
        ),
        (
            "{field: a, operator: contains, value: null}",
            "7:11",
            "~: a constraint has either an operator and a value",
        ),
        ("{field: a, operator: prefix, value: 1}", "7:47", "~.value: the value of `prefix` must be a string"),
        (
            "{field: a, operator: max_length, value: -1}",
            "7:51",
            "~.value: the value of `max_length` must be a whole number",
        ),
        (
            "{field: a, operator: max_length, value: 1.5}",
            "7:51",
            "~.value: the value of `max_length` must be a whole number",
        ),
        (
            "{field: a, operator: max_length, value: '5'}",
            "7:51",
            "~.value: the value of `max_length` must be a whole number",
        ),
        (
            "{field: a, operator: path_within, value: data}",
            "7:52",
            "~.value: `data` is not an absolute, normalised directory",
        ),
        (
            "{field: a, operator: path_within, value: /data/}",
            "7:52",
            "~.value: `/data/` is not an absolute, normalised directory",
        ),
        (
            "{field: a, operator: path_within, value: /data/../etc}",
            "7:52",
            "~.value: `/data/../etc` is not an absolute, normalised directory",
        ),
        ("{field: a, operator: regex, value: '('}", "7:46", "~.value: pattern refused: unclosed group"),
        ("{field: a, operator: regex, value: 5}", "7:46", "~.value: the value of `regex` must be a string"),
        (
            "{field: a, operator: regex, value: '((?!x).)*'}",
            "7:46",
            "~.value: pattern refused: look-around inside a repetition could take too long",
        ),
        (
            "{field: a, operator: cidr, value: 10.0.0.1/8}",
            "7:45",
            "~.value: `10.0.0.1/8` is not a network such as `10.0.0.0/8`",
        ),
        (
            "{field: a, operator: cidr, value: []}",
            "7:45",
            "~.value: the value of `cidr` must be a network such as `10.0.0.0/8`, or a list of them",
        ),
        (
            "{field: a, operator: url_host, value: [a.com, 'https://b.com']}",
            "7:49",
            "~.value: `https://b.com` is not a host: `example.com`, `*.example.com` for all below it",
        ),
        (
            "{field: a, operator: url_host, value: 5}",
            "7:49",
            "~.value: the value of `url_host` must be a host such as `example.com`, or a list of them",
        ),
        (
            "{field: a, operator: regex, value: '(?s).*'}",
            "7:46",
            "~.value: pattern refused: the only inline flag is `i`",
        ),
        (
            "{field: a, operator: regex, value: '\\p{L}'}",
            "7:46",
            "~.value: pattern refused: Unicode classes are not supported; name the characters",
        ),
        (
            "{field: a, operator: regex, value: '(a)\\1'}",
            "7:46",
            "~.value: pattern refused: back-references are not supported",
        ),
        (
            "{field: a, operator: regex, value: '(a{1000}){1000}'}",
            "7:46",
            "~.value: pattern refused: Compiled regex",
        ),
    ]);
    let long = format!("{{field: a, operator: regex, value: '{}'}}", "a".repeat(513));
    rules(&[(&long, "7:46", "~.value: pattern refused: longer than 512 bytes")]);
    lines(&[
        ("approval_unless: {read: []}", "5:29", "~.approval_unless.read: an empty list"),
        (
            "approval_unless: {read: [{field: a, operator: regex, value: '['}]}",
            "5:65",
            "~.approval_unless.read[0].value: pattern refused: unclosed character class",
        ),
    ]);
}
