//! Policy files as a whole: what is read, what is refused, and that a hostile one costs little.

use scopegate_engine::{LocalEnforcer, Policy};

#[test]
fn documents() {
    for (text, place, message) in [
        ("", "1:1", "unexpected end of input"),
        ("nonsense", "1:1", "expected mapping start"),
        ("[]", "1:1", "expected mapping start"),
        ("roles: []", "1:1", "missing field `version`"),
        (
            "version: 1",
            "1:1",
            "roles: no roles: nothing would be permitted; write `allow_empty: true` if that is meant",
        ),
        ("version: 1\nroles:\n", "2:6", "`roles` has no value; give it one, or leave the line out"),
        (
            "version: 2\nroles: [{name: r}]",
            "1:10",
            "version: policy version 2 is not known; this program reads version 1",
        ),
        (
            "version: 0\nroles: [{name: r}]",
            "1:10",
            "version: policy version 0 is not known; this program reads version 1",
        ),
        (
            "version: 1.0\nroles: [{name: r}]",
            "1:10",
            "invalid type: floating point `1.0`, expected a whole number of at least 0",
        ),
        (
            "version: '1'\nroles: [{name: r}]",
            "1:10",
            "invalid type: string \"1\", expected a whole number of at least 0",
        ),
        ("version: 1\nroles: [{name: r}]\nrole: []", "3:1", "unknown field `role`"),
        ("version: 1\nversion: 1\nroles: [{name: r}]", "2:1", "duplicate mapping key: version"),
        ("version: 1\nroles: [{name: r}]\nroles: [{name: s}]", "3:1", "duplicate mapping key: roles"),
        (
            "version: 1\nroles: [{name: r}]\n---\nversion: 1\nroles: [{name: s}]",
            "4:1",
            "multiple YAML documents detected",
        ),
        ("version: 1\nroles: {name: r}", "2:8", "expected sequence start"),
        ("version: 1\nroles: [r]", "2:9", "expected mapping start"),
        ("version: 1\nroles: [{}]", "2:9", "missing field `name`"),
        (
            "version: 1\nallow_empty: yes\nroles: [{name: r}]",
            "2:14",
            "invalid type: string \"yes\", expected true or false",
        ),
        (
            "version: 1\nroles:\n  - name: r\n   allowed_tools: []",
            "4:4",
            "while parsing a block collection, did not find expected '-' indicator",
        ),
        ("version: 1\nroles:\n\t- name: r", "3:2", "tabs disallowed within this context (block indentation)"),
        (
            "{\"version\": 1, \"roles\": [{\"name\": \"r\", \"name\": \"s\"}]}",
            "1:40",
            "duplicate mapping key: name",
        ),
        (
            "version: 1\nrecords: {file: {folder: x, rotate: 1}}\nroles: [{name: r}]",
            "2:29",
            "unknown field `rotate`, expected one of folder, durability, rotate_bytes",
        ),
        (
            "version: 1\nrecords: {file: {folder: x, durability: maybe}}\nroles: [{name: r}]",
            "2:41",
            "unknown variant `maybe`",
        ),
        ("version: 1\nrecords: {file: {}}\nroles: [{name: r}]", "2:17", "missing field `folder`"),
        ("version: 1\nroles: [*nowhere]", "2:9", "alias references unknown anchor"),
        ("version: 1\nroles: [{<<: {name: r}, allowed: 1}]", "2:25", "unknown field `allowed`"),
    ] {
        let Err(error) = Policy::from_text(text, "p.yaml") else { panic!("this was read:\n{text}") };
        let expected = format!("p.yaml:{place}: {message}");
        assert!(error.to_string().starts_with(&expected), "{error}\n{expected} was expected of\n{text}");
    }
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("p.yaml");
    for (bytes, message) in [
        (&b"version: 1\nroles: [{name: \xff}]"[..], "0:0: cannot be read: "),
        (b"\xff\xfev\0e\0r\0", "0:0: cannot be read: "),
        (b"version: 1\nroles: [{name: a\0b}]", "2:"),
    ] {
        std::fs::write(&file, bytes).expect("a file");
        let error = Policy::from_file(&file).expect_err("a bad file").to_string();
        assert!(error.starts_with(&format!("{}:{message}", file.display())), "{error}");
    }
    for missing in [folder.path().join("none.yaml"), folder.path().to_path_buf()] {
        let error = LocalEnforcer::from_file(&missing).expect_err("no file").to_string();
        assert!(error.starts_with(&format!("{}:0:0: cannot be read: ", missing.display())), "{error}");
    }
}

#[test]
fn a_hostile_document_costs_no_more_than_a_refusal() {
    let bomb: String = (0..30)
        .map(|at| match at {
            0 => "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(),
            at => format!("a{at}: &a{at} [{}]\n", vec![format!("*a{}", at - 1); 9].join(", ")),
        })
        .collect();
    let names = format!("version: 1\nroles:\n  - name: r\n    allowed_tools: &a [{}]\n", "x, ".repeat(1000));
    let copies: String = (0..5000).map(|at| format!("  - {{name: r{at}, allowed_tools: *a}}\n")).collect();
    for (name, text) in [
        ("deep lists", format!("version: 1\nroles: {}", "[".repeat(100_000))),
        ("deep maps", format!("version: 1\nroles: {}", "{a: ".repeat(100_000))),
        (
            "deep blocks",
            format!("version: 1\nroles:\n{}", (1..3000).map(|n| " ".repeat(n) + "a:\n").collect::<String>()),
        ),
        ("deep closed lists", format!("version: 1\nroles: {}{}", "[".repeat(20_000), "]".repeat(20_000))),
        (
            "a deep value",
            format!(
                "version: 1\nroles: [{{name: r, parameter_constraints: {{t: [{{field: a, operator: eq, value: {}1{}}}]}}}}]",
                "[".repeat(20_000),
                "]".repeat(20_000)
            ),
        ),
        ("aliases of aliases", format!("version: 1\n{bomb}roles: [{{name: r, allowed_tools: *a29}}]")),
        ("many copies of a list", names + &copies),
        ("an alias of itself", "version: 1\nroles: &a [*a]".to_owned()),
        ("a merge of itself", "version: 1\nroles:\n  - &a {name: r, <<: *a}".to_owned()),
    ] {
        let began = std::time::Instant::now();
        let read = Policy::from_text(&text, "p.yaml");
        let error = read.err().unwrap_or_else(|| panic!("{name} was read")).to_string();
        assert!(error.len() < 500, "{name}: a message of {} bytes", error.len());
        assert!(began.elapsed().as_secs() < 20, "{name} took {:?}: {error}", began.elapsed());
    }
}

#[test]
fn good_files_are_read() {
    for text in [
        "version: 1\nallow_empty: true",
        "version: 1\nallow_empty: true\nroles: []",
        "version: 1\nroles: [{name: r}]",
        "# a comment\n---\nversion: 1\nroles:\n  - name: r\n    allowed_tools:\n      - a.b:c/d-e_f\n",
        "{\"version\":1,\"roles\":[{\"name\":\"r\",\"denied_actions\":[\"*\"]}]}",
        "version: 1\nroles:\n  - &base {name: a, max_rows: 5}\n  - {<<: *base, name: b}\n",
        "\u{feff}version: 1\nroles: [{name: r}]",
        "version: 1\r\nroles:\r\n  - name: r\r\n",
    ] {
        let read = Policy::from_text(text, "p.yaml").unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(text.parse(), Ok(read), "{text}");
    }
    let error = "version: 2".parse::<Policy>().expect_err("a version of the future");
    assert!(error.to_string().starts_with("policy:1:10: version: "), "{error}");
}
