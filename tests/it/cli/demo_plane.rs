//! `scopegate demo --plane`: the same answers, wherever they are made.

use super::scopegate;

#[test]
fn calls_are_decided_here_and_at_the_plane_as_the_policy_says() {
    let alone = scopegate(&["demo", "--once", "--addr", "127.0.0.1:0", "--output", "json"]);
    let with = scopegate(&["demo", "--plane", "--output", "json"]);
    with.assert(0, "", "");
    let (alone, with) = (alone.json(), with.json());
    assert_eq!(alone.len(), with.len());
    let mut here = 0;
    for (alone, with) in alone.iter().zip(&with) {
        for member in ["kind", "task", "tool", "verdict", "code"] {
            assert_eq!(alone[member], with[member], "{member}: {with}");
        }
        assert!(with["latency_us"].is_u64(), "{with}");
        match with["verdict"].as_str() {
            Some("hold") => assert_eq!(with["decided"], "plane", "{with}"),
            _ => here += usize::from(with["decided"] == "here"),
        }
    }
    // How many depends on how fast the plane lends.
    assert!(here > 0, "none of {} was decided here", with.len());
}

#[test]
fn the_table_adds_up() {
    let run = scopegate(&["demo", "--plane"]);
    run.assert(0, "The plane's log holds", "");
    let calls = |name: &str| -> u64 {
        let row = run.stdout.lines().rev().find(|line| line.starts_with(name)).expect("a row");
        row.split_whitespace().nth(1).and_then(|calls| calls.parse().ok()).expect("a count")
    };
    let kept =
        run.stdout.split("log holds ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a count");
    let kept: u64 = kept.parse().expect("a number");
    // A permit has a record of its outcome besides; a hold that repeats another has one of its own too.
    assert!(kept >= calls("here ") + calls("plane "), "{}", run.stdout);
    assert!(calls("here ") > 0 && calls("plane ") > 0);
}
