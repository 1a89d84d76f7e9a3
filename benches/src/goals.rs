//! The goals, as data. Numbers are those of the performance study.

/// A goal: an operation of ours may take this share of a peer's time.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The goal's number, with a letter where it names several peers.
    pub number: &'static str,
    /// What is asked for.
    pub goal: &'static str,
    /// The name of our item.
    pub ours: &'static str,
    /// The name of the peer's.
    pub peer: &'static str,
    /// The most that ours may take, as a share of the peer's.
    pub must: f64,
    /// The share that is hoped for, where one is stated.
    pub stretch: Option<f64>,
}

/// A bar that is no time: it does not depend on what else the machine does.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    /// The goal's number.
    pub number: &'static str,
    /// The name of our item.
    pub item: &'static str,
    /// The most instructions, where the goal states them.
    pub must: Option<f64>,
    /// The instructions that are hoped for.
    pub stretch: Option<f64>,
}

/// The bars for regressions. Besides, none of these may allocate.
pub const BARS: &[Bar] = &[
    Bar { number: "2", item: "ours/constrained/allow", must: Some(4_300.0), stretch: Some(2_150.0) },
    Bar { number: "3", item: "ours/unconstrained/allow", must: Some(1_100.0), stretch: Some(536.0) },
    // 1.1 times what jsonschema takes for the same arguments.
    Bar { number: "5", item: "ours/constraints/allow", must: Some(1_893.0), stretch: None },
    Bar { number: "4", item: "ours/deny_tool", must: None, stretch: None },
    Bar { number: "4", item: "ours/deny_arg", must: None, stretch: None },
    Bar { number: "5", item: "ours/constraints/deny_arg", must: None, stretch: None },
    Bar { number: "6", item: "ours/json/allow", must: None, stretch: None },
    Bar { number: "7", item: "ours/native_layer/unconstrained", must: None, stretch: None },
    Bar { number: "7", item: "ours/native_layer/constrained", must: None, stretch: None },
    Bar { number: "18", item: "ours/recorded/allow", must: None, stretch: None },
];

/// Every goal that is a share of another operation's time.
pub const ROWS: &[Row] = &[
    Row {
        number: "1a",
        goal: "constrained allow, parsed arguments",
        ours: "ours/constrained/allow",
        peer: "cedar/prebuilt/allow",
        must: 1.0 / 25.0,
        stretch: Some(1.0 / 45.0),
    },
    Row {
        number: "1b",
        goal: "constrained allow, parsed arguments",
        ours: "ours/constrained/allow",
        peer: "casbin/cached/allow",
        must: 1.0 / 3.0,
        stretch: None,
    },
    Row {
        number: "client",
        goal: "decided by the remote enforcer with what a plane lent",
        ours: "ours/remote/allow",
        peer: "ours/remote/local",
        must: 1.3,
        stretch: None,
    },
    Row {
        number: "3",
        goal: "unconstrained allow",
        ours: "ours/unconstrained/allow",
        peer: "governor/keyed",
        must: 1.8,
        stretch: Some(0.9),
    },
    Row {
        number: "4",
        goal: "deny an unknown tool",
        ours: "ours/deny_tool",
        peer: "regorus/generic/prebuilt/deny_tool",
        must: 1.0 / 12.0,
        stretch: Some(1.0 / 22.0),
    },
    Row {
        number: "5",
        goal: "constraints alone",
        ours: "ours/constraints/allow",
        peer: "jsonschema/allow",
        must: 1.1,
        stretch: Some(0.75),
    },
    Row {
        number: "6a",
        goal: "whole call from JSON",
        ours: "ours/json/allow",
        peer: "regorus/fixed/json/allow",
        must: 1.0 / 12.0,
        stretch: Some(1.0 / 19.0),
    },
    Row {
        number: "6b",
        goal: "whole call from JSON",
        ours: "ours/json/allow",
        peer: "cedar/json/allow",
        must: 1.0 / 25.0,
        stretch: Some(1.0 / 42.0),
    },
    Row {
        number: "7a",
        goal: "layer over bare service, unconstrained",
        ours: "ours/layer/unconstrained",
        peer: "tower_governor/header",
        must: 1.0,
        stretch: Some(0.6),
    },
    Row {
        number: "7b",
        goal: "layer over bare service, constrained",
        ours: "ours/layer/constrained",
        peer: "tower_governor/header",
        must: 2.0,
        stretch: Some(1.3),
    },
    Row {
        number: "7c",
        goal: "native layer over bare, unconstrained",
        ours: "ours/native_layer/unconstrained",
        peer: "tower_governor/header",
        must: 1.0,
        stretch: Some(0.6),
    },
    Row {
        number: "7d",
        goal: "native layer over bare, constrained",
        ours: "ours/native_layer/constrained",
        peer: "tower_governor/header",
        must: 2.0,
        stretch: Some(1.3),
    },
    Row {
        number: "8",
        goal: "100,000 roles to 1, one role repeated",
        ours: "ours/roles/100000/repeated",
        peer: "ours/roles/1/repeated",
        must: 1.1,
        stretch: Some(1.0),
    },
    Row {
        number: "9",
        goal: "100,000 roles to 1, a random one",
        ours: "ours/roles/100000/random",
        peer: "ours/roles/1/random",
        must: 6.0,
        stretch: Some(3.0),
    },
    Row {
        number: "10",
        goal: "200 tools to 3",
        ours: "ours/tools/200",
        peer: "ours/tools/3",
        must: 1.1,
        stretch: Some(1.0),
    },
    Row {
        number: "18",
        goal: "audit record, asynchronous",
        ours: "ours/audit/record",
        peer: "tokio/mpsc",
        must: 1.2,
        stretch: Some(0.5),
    },
];

#[cfg(all(test, feature = "peers"))]
mod tests {
    #[test]
    fn every_peer_exists_and_answers_rightly() -> crate::Result<()> {
        let items = crate::items();
        for row in super::ROWS {
            let found = crate::harness::Item::find(&items, row.peer);
            assert!(found.is_some(), "goal {} names no item: {}", row.number, row.peer);
        }
        items.iter().try_for_each(|item| (item.setup)().map(drop))
    }
}
