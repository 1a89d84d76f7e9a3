//! Policies and packs of a plane: they stand against calls of every door, at once, and survive the process.

use std::path::Path;

use serde_json::{Value, json};

use crate::served::{Client, Plane, key};

const POLICIES: &str = "/api/v1/enforce/policies";
const PACKS: &str = "/v1/enforce/policy-packs";

/// A plane with a role that may `pay` and `read`, and somebody in it.
struct Bank {
    plane: Plane,
    admin: Client,
    agent: Client,
    jwt: String,
}

impl Bank {
    fn open(data: &Path) -> Self {
        let (admin, agent) = (key(data, "admin"), key(data, "agent"));
        let plane = Plane::start(data);
        let (mut admin, mut agent) = (plane.client(&admin), plane.client(&agent));
        let role = json!({ "name": "clerk", "allowed_tools": ["pay", "read"] });
        assert_eq!(admin.ask("POST", "/mgmt/v1/roles", &role).expect("an answer").0, 201);
        let jwt = agent.provision("clerk").expect("a session");
        Self { plane, admin, agent, jwt }
    }

    /// The same process again, and the same session.
    fn again(self, data: &Path) -> Self {
        let (admin, agent) = (key(data, "admin"), self.agent.key().to_owned());
        let plane = self.plane.start_again(data);
        let (admin, agent) = (plane.client(&admin), plane.client(&agent));
        Self { plane, admin, agent, jwt: self.jwt }
    }

    fn admin(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.admin.ask(method, path, body).expect("an answer")
    }

    fn make(&mut self, policy: &Value) -> String {
        let (status, told) = self.admin("POST", POLICIES, policy);
        assert_eq!((status, &told["ok"]), (201, &json!(true)), "{told}");
        told["policy"]["policy_id"].as_str().expect("an id").to_owned()
    }

    /// The verdict on a call: a word, or the code of a denial.
    fn call(&mut self, tool: &str, args: &Value) -> String {
        let (verdict, told) = self.agent.enforce(&self.jwt, tool, "", args).expect("an answer");
        match told["deny_code"].as_str() {
            Some(code) if !code.is_empty() => code.to_owned(),
            _ => verdict,
        }
    }
}

fn policy(name: &str, kind: &str, decision: &str) -> Value {
    json!({ "name": name, "policy_type": kind, "decision": decision })
}

fn with(mut policy: Value, member: &str, value: Value) -> Value {
    policy[member] = value;
    policy
}

#[test]
fn each_type_of_policy_decides_the_next_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bank = Bank::open(folder.path());
    let days: Vec<u64> = (1..=7).collect();
    for (made, said) in [
        (with(policy("Never pay", "action_type", "block"), "action_types", json!(["pa*"])), "POLICY_DENIED"),
        (with(policy("Ask first", "action_type", "escalate"), "action_types", json!(["pay"])), "pending"),
        (with(policy("Told alone", "action_type", "allow"), "action_types", json!(["pay"])), "allow"),
        (with(policy("Of others", "action_type", "block"), "action_types", json!(["burn"])), "allow"),
        (
            with(
                policy("No accounts", "content_pattern", "block"),
                "conditions",
                json!({ "patterns": ["DE[0-9]{4}"] }),
            ),
            "POLICY_DENIED",
        ),
        (
            with(policy("Closed", "temporal", "block"), "conditions", json!({ "blocked_days": days })),
            "POLICY_DENIED",
        ),
        (with(policy("Newcomers", "threshold", "block"), "trust_threshold", json!(90)), "POLICY_DENIED"),
        (with(policy("Nobodies", "threshold", "block"), "trust_threshold", json!(0.1)), "allow"),
        (
            with(
                policy("At hand", "chain_of_custody", "block"),
                "conditions",
                json!({ "max_chain_depth": 0 }),
            ),
            "allow",
        ),
        (with(policy("Off", "action_type", "block"), "enabled", json!(false)), "allow"),
        (with(policy("Beside", "action_type", "block"), "mode", json!("shadow")), "allow"),
        (with(policy("Absolute", "action_type", "block"), "absolute", json!(true)), "ACTION_FORBIDDEN"),
    ] {
        let id = bank.make(&made);
        assert_eq!(bank.call("pay", &json!({ "to": "DE1234" })), said, "{made}");
        assert_eq!(bank.admin("DELETE", &format!("{POLICIES}/{id}"), &Value::Null).0, 200);
        assert_eq!(bank.call("pay", &json!({ "to": "DE1234" })), "allow", "without {made}");
        assert_eq!(bank.admin("GET", &format!("{POLICIES}/{id}"), &Value::Null).0, 404);
    }
    // No policy grants what no role does.
    bank.make(&policy("Everything", "action_type", "allow"));
    assert_eq!(bank.call("burn", &json!({})), "SCOPE_VIOLATION");
}

#[test]
fn a_policy_is_changed_listed_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bank = Bank::open(folder.path());
    let low = bank.make(&with(policy("Low", "action_type", "escalate"), "priority", json!(-5)));
    let high = bank.make(&with(policy("High", "action_type", "block"), "priority", json!(10)));
    let at = format!("{POLICIES}/{high}");
    assert_eq!(bank.call("pay", &json!({})), "POLICY_DENIED", "the most restrictive wins");
    let change = json!({ "action_types": ["read"], "description": "reading is over" });
    let (status, changed) = bank.admin("PUT", &at, &change);
    assert_eq!((status, &changed["policy"]["name"]), (200, &json!("High")), "{changed}");
    assert_eq!(
        (bank.call("pay", &json!({})), bank.call("read", &json!({}))),
        ("pending".into(), "POLICY_DENIED".into())
    );

    // What cannot be leaves it as it was.
    for bad in [
        json!({ "policy_type": "threshold" }),
        json!({ "trust_threshold": 50 }),
        json!({ "conditions": { "patterns": ["x"] } }),
        json!({ "priority": 1_000_001 }),
        json!({ "action_types": ["r d"] }),
        json!({ "name": "" }),
        json!({ "name": " High" }),
        json!({ "description": "d".repeat(2_001) }),
        json!({ "action_types": vec!["read"; 101] }),
        json!({ "rules": [] }),
    ] {
        let (status, refused) = bank.admin("PUT", &at, &bad);
        assert_eq!((status, &refused["ok"]), (400, &json!(false)), "{bad}: {refused}");
    }
    let (status, taken) = bank.admin("PUT", &at, &json!({ "name": "Low" }));
    assert_eq!((status, &taken["error"]), (409, &json!("there is a policy `Low` already")));
    assert_eq!(bank.admin("POST", POLICIES, &policy("Low", "action_type", "block")).0, 409);
    let (_, told) = bank.admin("GET", &at, &Value::Null);
    assert_eq!(told["policy"], changed["policy"]);
    let (_, listed) = bank.admin("GET", POLICIES, &Value::Null);
    let ids: Vec<&Value> =
        listed["policies"].as_array().expect("policies").iter().map(|one| &one["policy_id"]).collect();
    assert_eq!(ids, [&json!(high), &json!(low)]);
    for row in listed["policies"].as_array().expect("policies") {
        assert_eq!((&row["mode"], &row["enabled"]), (&json!("live"), &json!(true)), "clients read both");
    }

    let mut bank = bank.again(folder.path());
    let (_, kept) = bank.admin("GET", POLICIES, &Value::Null);
    assert_eq!(kept, listed);
    assert_eq!(
        (bank.call("pay", &json!({})), bank.call("read", &json!({}))),
        ("pending".into(), "POLICY_DENIED".into())
    );
}

#[test]
fn what_would_never_bite_is_refused_and_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bank = Bank::open(folder.path());
    let conditions =
        |kind: &str, conditions: Value| with(policy("p", kind, "block"), "conditions", conditions);
    for bad in [
        json!({}),
        json!({ "name": "p", "policy_type": "action_type" }),
        json!({ "name": "p", "decision": "block" }),
        policy("p", "semantic", "block"),
        policy("p", "flow", "block"),
        policy("p", "action_type", "permit"),
        policy("p", "threshold", "block"),
        policy("p", "content_pattern", "block"),
        policy("p", "temporal", "block"),
        policy("p", "chain_of_custody", "block"),
        with(policy("p", "threshold", "block"), "trust_threshold", json!(0)),
        with(policy("p", "threshold", "block"), "trust_threshold", json!(100.5)),
        conditions("content_pattern", json!({ "patterns": ["("] })),
        conditions("content_pattern", json!({ "patterns": ["(?=a)b"] })),
        conditions("content_pattern", json!({ "patterns": ["(a{1000}){1000}"] })),
        conditions("temporal", json!({ "blocked_hours": [24] })),
        conditions("temporal", json!({ "blocked_days": [0] })),
        conditions("temporal", json!({ "blocked_days": [8] })),
        conditions("action_type", json!({ "patterns": ["a"] })),
        conditions("action_type", json!({ "sequence": ["a"] })),
    ] {
        let (status, refused) = bank.admin("POST", POLICIES, &bad);
        assert_eq!((status, &refused["ok"]), (400, &json!(false)), "{bad}: {refused}");
        let why = refused["error"].as_str().expect("why");
        assert!(!why.contains("policies["), "a place in a list that nobody knows: {why}");
    }
    let twice = r#"{"name":"p","policy_type":"action_type","decision":"allow","decision":"block"}"#;
    let answer = bank.admin.exchange(&crate::served::request(
        "POST",
        POLICIES,
        &[("x-scopebound-api-key", bank.admin.key()), ("content-type", "application/json")],
        twice.as_bytes(),
    ));
    assert_eq!(answer.expect("an answer").status, 400);
    let (_, listed) = bank.admin("GET", POLICIES, &Value::Null);
    assert_eq!(listed["total"], 0);
}

#[test]
fn the_shadow_report_counts_what_would_have_been_until_the_policy_is_live() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bank = Bank::open(folder.path());
    let shadow = |name, decision| with(policy(name, "action_type", decision), "mode", json!("shadow"));
    let block = bank.make(&with(shadow("Block", "block"), "action_types", json!(["pay"])));
    let ask = bank.make(&shadow("Ask", "escalate"));
    for (tool, said) in [("pay", "allow"), ("pay", "allow"), ("read", "allow"), ("burn", "SCOPE_VIOLATION")] {
        assert_eq!(bank.call(tool, &json!({})), said, "the shadow changes nothing");
    }
    let report = |bank: &mut Bank, query: &str| {
        let (status, told) = bank.admin("GET", &format!("/v1/enforce/shadow/report{query}"), &Value::Null);
        assert_eq!(status, 200, "{told}");
        told["policies"].as_array().expect("policies").clone()
    };
    let row = |rows: &[Value], id: &str| {
        let row = rows.iter().find(|row| row["policy_id"] == id).expect("a row").clone();
        let counts = ["evaluated", "would_block", "would_escalate", "would_have_changed", "agents_affected"];
        counts.map(|count| row[count].as_u64().expect("a count"))
    };
    let mut bank = bank.again(folder.path());
    let rows = report(&mut bank, "?hours=1");
    assert_eq!(row(&rows, &block), [4, 2, 0, 2, 1]);
    // Where both matched, blocking is what would have changed the answer; what was denied already stays so.
    assert_eq!(row(&rows, &ask), [4, 0, 4, 1, 1]);
    assert_eq!(report(&mut bank, &format!("?policy_id={ask}")).len(), 1);

    let (status, live) = bank.admin("POST", &format!("{POLICIES}/{block}/promote"), &json!({}));
    assert_eq!((status, &live["policy"]["mode"]), (200, &json!("live")));
    assert_eq!(bank.call("pay", &json!({})), "POLICY_DENIED");
    // A permit waits for its record, and so for those before it.
    assert_eq!(bank.call("read", &json!({})), "allow");
    let rows = report(&mut bank, "");
    assert_eq!((rows.len(), row(&rows, &ask)), (1, [6, 0, 6, 2, 1]));
    assert_eq!(bank.admin("POST", &format!("{POLICIES}/{block}/promote"), &json!({})).0, 409);
    assert_eq!(bank.admin("POST", &format!("{POLICIES}/pol_x/promote"), &json!({})).0, 404);
    for bad in ["?hours=0", "?hours=745", "?hours=1e3", "?hours=-1", "?hours=", "?hours=1&hours=2"] {
        assert_eq!(
            bank.admin("GET", &format!("/v1/enforce/shadow/report{bad}"), &Value::Null).0,
            400,
            "{bad}"
        );
    }
    assert_eq!(bank.admin("GET", "/v1/enforce/shadow/report?policy_id=pol_x", &Value::Null).0, 404);
    let mut bank = bank.again(folder.path());
    assert_eq!(bank.call("pay", &json!({})), "POLICY_DENIED", "it stays live");
}

fn pack(version: &str, policies: &[Value]) -> Value {
    json!({ "name": "finance", "version": version, "policy_definitions": policies })
}

fn counts(told: &Value) -> [u64; 4] {
    let count = |name: &str| told["summary"][name].as_u64().unwrap_or_else(|| panic!("{told}"));
    [count("created"), count("updated"), count("removed"), count("unchanged")]
}

#[test]
fn a_pack_is_deployed_changed_and_taken_back_as_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bank = Bank::open(folder.path());
    let pay = with(policy("No payments", "action_type", "block"), "action_types", json!(["pay"]));
    let read = with(policy("No reading", "action_type", "block"), "action_types", json!(["read"]));
    let asked = with(policy("No payments", "action_type", "escalate"), "action_types", json!(["pay"]));
    let both = |bank: &mut Bank| [bank.call("pay", &json!({})), bank.call("read", &json!({}))];

    let (status, tried) =
        bank.admin("POST", &format!("{PACKS}/validate"), &pack("1", &[pay.clone(), read.clone()]));
    assert_eq!((status, &tried["valid"], counts(&tried)), (200, &json!(true), [2, 0, 0, 0]));
    assert_eq!(both(&mut bank), ["allow", "allow"], "it was only tried");
    let (status, first) = bank.admin("POST", PACKS, &pack("1", &[pay.clone(), read.clone()]));
    assert_eq!((status, counts(&first)), (200, [2, 0, 0, 0]), "{first}");
    assert_eq!(both(&mut bank), ["POLICY_DENIED", "POLICY_DENIED"]);

    // The same again, also under another version's name, is no change.
    for version in ["1", "1.0"] {
        let (status, same) = bank.admin("POST", PACKS, &pack(version, &[pay.clone(), read.clone()]));
        assert_eq!((status, counts(&same), &same["pack"]["version"]), (200, [0, 0, 0, 2], &json!("1")));
    }
    let (status, other) = bank.admin("POST", PACKS, &pack("1", std::slice::from_ref(&pay)));
    assert_eq!((status, &other["ok"]), (409, &json!(false)), "{other}");

    let (_, second) = bank.admin("POST", PACKS, &pack("2", &[asked]));
    assert_eq!(counts(&second), [0, 1, 1, 0]);
    assert_ne!(first["pack"]["source_hash"], second["pack"]["source_hash"]);
    assert_eq!(both(&mut bank), ["pending", "allow"]);
    let id = |bank: &mut Bank| {
        let (_, listed) = bank.admin("GET", POLICIES, &Value::Null);
        listed["policies"][0]["policy_id"].as_str().expect("an id").to_owned()
    };
    let of_pack = id(&mut bank);

    // A policy of a pack changes with its pack.
    let at = format!("{POLICIES}/{of_pack}");
    for (method, body) in [("PUT", json!({ "enabled": false })), ("DELETE", Value::Null)] {
        let (status, refused) = bank.admin(method, &at, &body);
        assert_eq!(status, 409, "{refused}");
        assert!(refused["error"].as_str().expect("why").contains("pack `finance`"), "{refused}");
    }

    let mut bank = bank.again(folder.path());
    assert_eq!(
        (both(&mut bank), id(&mut bank)),
        (["pending".to_owned(), "allow".to_owned()], of_pack.clone())
    );
    let (status, back) = bank.admin("POST", &format!("{PACKS}/finance/rollback"), &json!({}));
    assert_eq!((status, &back["pack"]["version"], counts(&back)), (200, &json!("1"), [1, 1, 0, 0]), "{back}");
    assert_eq!(both(&mut bank), ["POLICY_DENIED", "POLICY_DENIED"]);
    assert_eq!(bank.admin("POST", &format!("{PACKS}/finance/rollback"), &json!({})).0, 409, "nothing before");
    let (_, forth) = bank.admin("POST", &format!("{PACKS}/finance/rollback"), &json!({ "to_version": "2" }));
    assert_eq!(forth["pack"]["versions"], json!(["1", "2"]));
    for (name, body, status) in [
        ("finance", json!({ "to_version": "3" }), 409),
        ("finance", json!({ "to_version": 2 }), 400),
        ("finance", json!({ "version": "2" }), 400),
        ("nobody", json!({}), 404),
    ] {
        assert_eq!(bank.admin("POST", &format!("{PACKS}/{name}/rollback"), &body).0, status, "{name} {body}");
    }
}

#[test]
fn a_pack_that_fails_half_way_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bank = Bank::open(folder.path());
    let pay = with(policy("No payments", "action_type", "block"), "action_types", json!(["pay"]));
    bank.admin("POST", PACKS, &pack("1", std::slice::from_ref(&pay)));
    let many: Vec<Value> = (0..257).map(|n| policy(&format!("p{n}"), "action_type", "escalate")).collect();
    for (bad, said) in [
        (
            pack("2", &[policy("First", "action_type", "block"), policy("Second", "threshold", "block")]),
            "[1]",
        ),
        (pack("2", &[pay.clone(), pay.clone()]), "stands here twice"),
        (pack("2", &[json!(7)]), "[0]"),
        (pack("2", &[]), "1 to 256"),
        (pack("2", &many), "1 to 256"),
        (pack("", std::slice::from_ref(&pay)), "`version`"),
        (pack(&"v".repeat(65), std::slice::from_ref(&pay)), "version"),
        (with(pack("2", std::slice::from_ref(&pay)), "name", json!("a b")), "name"),
        (with(pack("2", std::slice::from_ref(&pay)), "force", json!(true)), "`force`"),
    ] {
        let (status, refused) = bank.admin("POST", PACKS, &bad);
        let why = refused["error"].as_str().unwrap_or_else(|| panic!("{refused}"));
        assert_eq!(status, 400, "{refused}");
        assert!(why.contains(said), "{why}");
        let (status, tried) = bank.admin("POST", &format!("{PACKS}/validate"), &bad);
        assert_eq!((status, &tried["valid"], &tried["errors"]), (200, &json!(false), &json!([why])));
    }
    let (_, stands) = bank.admin("GET", &format!("{PACKS}/finance"), &Value::Null);
    assert_eq!((&stands["pack"]["version"], &stands["pack"]["versions"]), (&json!("1"), &json!(["1"])));
    assert_eq!(
        (bank.call("pay", &json!({})), bank.call("read", &json!({}))),
        ("POLICY_DENIED".into(), "allow".into())
    );
}

#[test]
fn a_shadow_policy_of_a_pack_is_turned_live_and_stays_so_until_it_says_something_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bank = Bank::open(folder.path());
    let shadow = with(policy("No payments", "action_type", "block"), "mode", json!("shadow"));
    bank.admin("POST", PACKS, &pack("1", std::slice::from_ref(&shadow)));
    assert_eq!(bank.call("pay", &json!({})), "allow");
    let (_, listed) = bank.admin("GET", POLICIES, &Value::Null);
    let id = listed["policies"][0]["policy_id"].as_str().expect("an id").to_owned();
    assert_eq!(bank.admin("POST", &format!("{POLICIES}/{id}/promote"), &json!({})).0, 200);
    assert_eq!(bank.call("pay", &json!({})), "POLICY_DENIED");
    let mut bank = bank.again(folder.path());
    assert_eq!(bank.call("pay", &json!({})), "POLICY_DENIED");
    let changed = with(shadow, "priority", json!(3));
    bank.admin("POST", PACKS, &pack("2", &[changed]));
    assert_eq!(bank.call("pay", &json!({})), "allow", "it is another policy, and in the shadow");
}

#[test]
fn deploying_at_once_leaves_one_whole_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bank = Bank::open(folder.path());
    let version = |n: u64| {
        let of = |tool: &str| {
            let named = policy(&format!("No {tool}"), "action_type", "block");
            with(with(named, "action_types", json!([tool])), "priority", json!(n))
        };
        pack(&n.to_string(), &[of("pay"), of("read")])
    };
    let admin = bank.admin.key().to_owned();
    std::thread::scope(|scope| {
        for n in 0..12 {
            let mut client = bank.plane.client(&admin);
            let pack = version(n);
            scope.spawn(move || assert_eq!(client.ask("POST", PACKS, &pack).expect("an answer").0, 200));
        }
    });
    let (_, listed) = bank.admin("GET", POLICIES, &Value::Null);
    let listed = listed["policies"].as_array().expect("policies");
    assert_eq!((listed.len(), &listed[0]["priority"]), (2, &listed[1]["priority"]), "{listed:?}");
    let (_, stands) = bank.admin("GET", &format!("{PACKS}/finance"), &Value::Null);
    assert_eq!(stands["pack"]["version"], listed[0]["priority"].to_string());
    assert_eq!(stands["pack"]["versions"].as_array().expect("versions").len(), 12);
}
