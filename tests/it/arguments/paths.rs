//! Strings that step aside: `..`, NUL, newlines, encodings, and lengths at the edge.

use serde_json::json;

use super::{ask, guarded};

fn check(operator: &str, value: &str, passing: &[&str], failing: &[&str]) {
    let world = guarded(json!([{"field": "f", "operator": operator, "value": value}]));
    for (list, expected) in [(passing, "PERMIT"), (failing, "PARAMETER_VIOLATION")] {
        for given in list {
            let args = json!({"f": given}).to_string();
            assert_eq!(ask(&world, args), expected, "{given:?} {operator} {value}");
        }
    }
}

#[test]
fn a_path_stays_within() {
    check(
        "path_within",
        "/srv/data",
        &[
            "/srv/data",
            "/srv/data/",
            "/srv/data/a",
            "//srv///data//a",
            "/srv/./data/././a",
            "/srv/data/..a",
            "/srv/data/a..",
            "/srv/data/...",
            "/srv/data/ ",
            "/srv/data/\u{e9}",
            "/srv/data/100%",
            "/srv/data/%20",
            "/srv/data/~",
            "/srv/data/*",
        ],
        &[
            "",
            "/",
            "/srv",
            "/srv/",
            "/srv/dat",
            "/srv/database",
            "/srv/data.bak",
            "srv/data",
            "./srv/data/a",
            "/SRV/data/a",
            "/srv/Data",
            "/srv/data/..",
            "/srv/data/../data/a",
            "/srv/data/../../etc/passwd",
            "/srv/x/../data",
            "/../srv/data",
            "/srv/data/a/..",
            "/srv/data\\a",
            "/srv/data/a\\..\\..\\b",
            "C:\\srv\\data",
            "/srv/data/a\0",
            "/srv/data/\0/../..",
            "/srv/data/a\n",
            "/srv/data\n",
            "\n/srv/data",
            "/srv/data/\t",
            "/srv/data/\u{7f}",
            "/srv/data/\u{1b}[2J",
            "/srv/data/%2e%2e/x",
            "/srv/data/%2E./x",
            "/srv/data/..%2fx",
            "/srv/data/%2Fetc",
            "/srv/data/%5c..",
            "/srv/data/%00",
            "/srv/data/%252e%252e",
            "/srv%2fdata/a",
            "file:///srv/data/a",
            " /srv/data/a",
            "/srv /data",
            "/srv/data /a",
            "~/srv/data",
            "/srv/\u{200b}data/a",
        ],
    );
    check("path_within", "/", &["/", "//", "/etc", "/./a"], &["", "etc", "/..", "/a/../b", "\\", "/\0"]);
}

#[test]
fn a_pattern_matches_the_whole_value() {
    check(
        "regex",
        "[a-z]+",
        &["a", "abc"],
        &[
            "", "A", "a1", "1a", "a b", " a", "a ", "a\n", "\na", "a\nb", "a\0", "\u{e9}", "a\u{301}",
            "\u{212a}",
        ],
    );
    for pattern in ["^[a-z]+$", "\\A[a-z]+\\z", "^(?:[a-z]+)$", "([a-z])+", "^[a-z]+", "[a-z]+$"] {
        check(
            "regex",
            pattern,
            &["abc"],
            &["abc\n", "\nabc", "abc\nabc", "abc\r", "abc\u{2028}", "x abc", "abc1", ""],
        );
    }
    check("regex", "ok|fine", &["ok", "fine"], &["okay", "not ok", "ok\nfine", "okfine"]);
    check("regex", "(?i)ok", &["ok", "OK", "oK"], &["o\u{212a}", "ok "]);
    check("regex", ".*", &["", "a", "\u{e9}"], &["a\nb", "\n"]);
}

#[test]
fn an_anchored_pattern_lets_no_newline_through() {
    for pattern in
        ["^[\\s\\S]*$", "^(a|[^b])*$", "[\\s\\S]*$", "^[\\s\\S]*", "(^a|[\\s\\S]*)", "\\A[\\s\\S]*\\z"]
    {
        check("regex", pattern, &["", "a c"], &["\n", "a\n", "\na", "a\nc"]);
    }
    check("regex", "[\\s\\S]*", &["a\nb"], &[]);
}

#[test]
fn a_pattern_for_paths_lets_no_step_aside_through() {
    for pattern in
        ["/data/.*", "^/data/.*$", "(/data/.*)", "(?:/data/.*)", "(?i)/DATA/.*", "\\/data\\/.*", "/.*"]
    {
        check(
            "regex",
            pattern,
            &["/data/a", "/data/..a", "/data/a..b/c", "/data/a/..."],
            &[
                "/data/..",
                "/data/../x",
                "/data/a/../../x",
                "/data/a\0",
                "/data/a\\b",
                "/data/..\\x",
                "data/a",
            ],
        );
    }
    check("regex", ".*", &["a/b"], &["/a/../b", "/..", "/a\\b", "/a\0"]);
    check("regex", "(x|/data/.*)", &["x", "/data/a"], &["/data/../a"]);
}

#[test]
fn values_have_a_length() {
    let long = |bytes: usize| "a".repeat(bytes);
    check("regex", "a*", &[&long(8192)], &[&long(8193), &long(60_000)]);
    check("regex", "(a|b|ab)*c?", &[&long(8192)], &[&long(8193)]);
    check("regex", "(a*)*b", &[], &[&long(8192)]);
    for (max, passing, failing) in
        [(3, "\u{e9}\u{e9}\u{e9}", "\u{e9}\u{e9}\u{e9}\u{e9}"), (2, "\u{1f600}\u{1f600}", "e\u{301}e")]
    {
        let world = guarded(json!([{"field": "f", "operator": "max_length", "value": max}]));
        assert_eq!(ask(&world, json!({"f": passing}).to_string()), "PERMIT", "{passing:?} of {max}");
        assert_eq!(
            ask(&world, json!({"f": failing}).to_string()),
            "PARAMETER_VIOLATION",
            "{failing:?} of {max}"
        );
    }
}

#[test]
fn texts_compare_by_their_characters_alone() {
    check("eq", "ann", &["ann"], &["Ann", "ann ", "ann\0", "a\u{200b}nn", "\u{430}nn"]);
    check(
        "prefix",
        "https://ok.example/",
        &["https://ok.example/", "https://ok.example/a"],
        &["https://ok.example", "HTTPS://ok.example/", " https://ok.example/", "https://ok.example.evil/"],
    );
    check("contains", "@ok.example", &["a@ok.example", "@ok.example"], &["a@OK.example", "a@ok,example", ""]);
}
