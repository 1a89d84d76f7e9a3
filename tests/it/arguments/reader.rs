//! The strict reader as a caller meets it: one case a line, and the nearest text that is accepted.

use serde_json::json;

use super::{ask, guarded, role};
use crate::engine::World;

const BAD: &str = "INVALID_ARGUMENTS";
const GOOD: &str = "PERMIT";

fn reading() -> World {
    guarded(json!([{"field": "ok", "operator": "eq", "value": true}]))
}

fn check(cases: &[(&str, &str)]) {
    let world = reading();
    for (args, expected) in cases {
        assert_eq!(ask(&world, args.as_bytes().to_vec()), *expected, "{args}");
    }
}

/// Numbers stand in a member that no rule reads.
fn check_numbers(expected: &str, numbers: &[&str]) {
    let world = reading();
    for number in numbers {
        for args in
            [format!(r#"{{"ok":true,"n":{number}}}"#), format!(r#"{{"n":[{{"n":{number}}}],"ok":true}}"#)]
        {
            assert_eq!(ask(&world, args.clone()), expected, "{args}");
        }
    }
}

#[test]
fn a_member_named_twice() {
    check(&[
        (r#"{"ok":true}"#, GOOD),
        (r#"{"ok":true,"ok":true}"#, BAD),
        (r#"{"ok":false,"ok":true}"#, BAD),
        (r#"{"ok":true,"\u006fk":true}"#, BAD),
        (r#"{"\u006f\u006b":true,"o\u006B":false}"#, BAD),
        (r#"{"ok":true,"a":1,"b":2,"a":3}"#, BAD),
        (r#"{"ok":true,"":1,"":2}"#, BAD),
        (r#"{"ok":true,"a/b":1,"a\/b":2}"#, BAD),
        ("{\"ok\":true,\"\u{1f600}\":1,\"\\ud83d\\ude00\":2}", BAD),
        (r#"{"ok":true,"x":{"a":1,"a":1}}"#, BAD),
        (r#"{"ok":true,"x":[[{"y":{"a":1,"\u0061":1}}]]}"#, BAD),
        (r#"{"ok":true,"x":{"a":1},"y":{"a":1},"a":{"x":1}}"#, GOOD),
        (r#"{"ok":true,"x":[{"a":1},{"a":1}]}"#, GOOD),
        ("{\"ok\":true,\"\u{e9}\":1,\"e\u{301}\":2}", GOOD),
    ]);
    // Many members are looked up in another way than few.
    for count in [22, 23, 24, 25, 26, 200] {
        let members: String = (0..count).map(|at| format!(r#","m{at}":{{"z":{at}}}"#)).collect();
        check(&[
            (&format!(r#"{{"ok":true{members}}}"#), GOOD),
            (&format!(r#"{{"ok":true{members},"m0":1}}"#), BAD),
            (&format!(r#"{{"ok":true{members},"\u006d1":1}}"#), BAD),
            (&format!(r#"{{"ok":true{members},"ok":true}}"#), BAD),
            (&format!(r#"{{"ok":true{members},"z":1}}"#), GOOD),
        ]);
    }
}

#[test]
fn numbers_that_another_reader_would_round() {
    check_numbers(
        GOOD,
        &["0", "1.0", "1e2", "0.10", "-1", "9007199254740991", "-9007199254740991", "5e-324", "1E+2"],
    );
    check_numbers(GOOD, &["1.00000000000000000000000000000000000000000000000000000000000000"]);
    check_numbers(
        BAD,
        &[
            "1e400",
            "-1e400",
            "1e-400",
            "1e99999999999999999999",
            "9007199254740992",
            "9007199254740993",
            "-9007199254740993",
            "9007199254740992.0",
            "1e16",
            "0.1000000000000000055511151231257827",
            "3.14159265358979323846",
            "-0",
            "-0.0",
            "-0e5",
            "18446744073709551616",
            "1.000000000000000000000000000000000000000000000000000000000000000",
        ],
    );
}

#[test]
fn what_is_not_json() {
    check_numbers(
        BAD,
        &[
            "NaN",
            "Infinity",
            "-Infinity",
            "nan",
            "01",
            "+1",
            "1.",
            ".5",
            "1e",
            "1e+",
            "0x10",
            "1_000",
            "--1",
            "-",
            "",
            "True",
            "TRUE",
            "tru",
            "nulls",
            "undefined",
            "'x'",
            "x",
            "\"\\x41\"",
            "\"\\u12\"",
            "\"\\u{41}\"",
            "\"a\nb\"",
            "\"a\tb\"",
            "\"a",
        ],
    );
    check(&[
        ("", BAD),
        (" ", BAD),
        ("{", BAD),
        (r#"{"ok":true"#, BAD),
        (r#"{"ok":true}}"#, BAD),
        (r#"{"ok":true}{"ok":true}"#, BAD),
        (r#"{"ok":true} x"#, BAD),
        (r#"{"ok":true,}"#, BAD),
        (r#"{,"ok":true}"#, BAD),
        (r#"{"ok":true;}"#, BAD),
        (r#"{'ok':true}"#, BAD),
        (r#"{ok:true}"#, BAD),
        (r#"{"ok" true}"#, BAD),
        (r#"{"ok":true} // fine"#, BAD),
        (r#"/* fine */{"ok":true}"#, BAD),
        ("\u{feff}{\"ok\":true}", BAD),
        ("{\"ok\":true}\0", BAD),
        ("{\"ok\":true,\u{a0}\"a\":1}", BAD),
        ("\t{ \"ok\"\r\n: true }\n", GOOD),
    ]);
    let world = reading();
    for bytes in [
        &b"{\"ok\":true,\"a\":\"\xff\"}"[..],
        b"{\"ok\":true,\"a\":\"\xc0\xaf\"}",
        b"{\"ok\":true,\"a\":\"\xed\xa0\x80\"}",
        b"{\"ok\":true,\"\xf0\x9f\":1}",
        b"\xff\xfe{\0\"\0",
    ] {
        assert_eq!(ask(&world, bytes), BAD, "{bytes:?}");
    }
}

#[test]
fn half_a_character() {
    for text in
        [r"\ud800", r"\udc00", r"\ud800\ud800", r"\udc00\ud800", r"\ud800x", r"\ud83d\u0041", r"x\ud83d\"]
    {
        check(&[
            (&format!(r#"{{"ok":true,"a":"{text}"}}"#), BAD),
            (&format!(r#"{{"ok":true,"{text}":1}}"#), BAD),
        ]);
    }
    check(&[(r#"{"ok":true,"a":"\ud83d\ude00"}"#, GOOD)]);
}

#[test]
fn arguments_that_are_no_object() {
    for args in ["null", "true", "1", r#""ok""#, "[]", r#"[{"ok":true}]"#, r#"["ok",true]"#, "[true]"] {
        check(&[(args, BAD)]);
    }
}

#[test]
fn more_than_anyone_needs() {
    let nest = |open: &str, close: &str, depth: usize| {
        format!(r#"{{"ok":true,"a":{}1{}}}"#, open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        check(&[
            (&nest(open, close, 31), GOOD),
            (&nest(open, close, 32), BAD),
            (&nest(open, close, 50_000), BAD),
        ]);
    }
    let elements = |count: usize| format!(r#"{{"ok":true,"a":[{}]}}"#, vec!["0"; count].join(","));
    let members = |count: usize| {
        let members: String = (0..count).map(|at| format!(r#","m{at}":0"#)).collect();
        format!(r#"{{"ok":true{members}}}"#)
    };
    let padded = |bytes: usize| r#"{"ok":true}"#.to_owned() + &" ".repeat(bytes - 11);
    let string = |unit: &str, count: usize| format!(r#"{{"ok":true,"a":"{}"}}"#, unit.repeat(count));
    let key = |count: usize| format!(r#"{{"ok":true,"{}":0}}"#, "k".repeat(count));
    for (what, most, over) in [
        ("elements", elements(4094), elements(4095)),
        ("members", members(4095), members(4096)),
        ("bytes", padded(262_144), padded(262_145)),
        ("a string", string("x", 65_536), string("x", 65_537)),
        ("an escaped string", string(r"\n", 65_536), string(r"\n", 65_537)),
        ("a wide string", string("\u{e9}", 32_768), string("\u{e9}", 32_769)),
        ("a name", key(65_536), key(65_537)),
    ] {
        let world = reading();
        assert_eq!(ask(&world, most), GOOD, "{what}: at the limit");
        assert_eq!(ask(&world, over), BAD, "{what}: over it");
    }
}

#[test]
fn whoever_reads_arguments_reads_them_strictly() {
    let rule = json!([{"field": "ok", "operator": "eq", "value": true}]);
    for (fields, sound) in [
        (json!({"parameter_constraints": {"t": rule}}), GOOD),
        (json!({"approval_unless": {"t": rule}}), GOOD),
        (json!({"approval_required": ["t"]}), "HOLD"),
        (json!({"max_rows": 5, "rows_optional": true}), GOOD),
        (json!({"allowed_envs": ["prod"], "env_optional": true}), GOOD),
        (json!({"parent_role_id": "base"}), GOOD),
    ] {
        let world = match fields.get("parent_role_id") {
            None => role(fields.clone()),
            Some(_) => World::new(
                &json!({"version": 1, "roles": [
                    {"name": "r", "allowed_tools": ["t"], "parent_role_id": "base"},
                    {"name": "base", "parameter_constraints": {"t": rule}},
                ]})
                .to_string(),
            ),
        };
        assert_eq!(ask(&world, r#"{"ok":true}"#), sound, "{fields}");
        for bad in [r#"{"ok":true,"ok":true}"#, r#"{"ok":true,"n":1e400}"#, "{", "[]"] {
            assert_eq!(ask(&world, bad), BAD, "{fields}: {bad}");
        }
    }
    // Where no rule reads, nothing is promised about the arguments and nothing is read.
    assert_eq!(ask(&role(json!({})), "{"), GOOD);
}
