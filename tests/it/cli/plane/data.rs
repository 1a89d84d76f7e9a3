//! `scopegate keys` and `scopegate tenants`: beside the plane, whether it runs or not.

use serde_json::json;

use super::Desk;

#[test]
fn keys_are_made_listed_and_revoked() {
    let desk = Desk::open();
    let data = desk.data();
    let data = data.to_str().expect("UTF-8");
    let made = desk.run(
        "dev",
        &["keys", "create", "--data", data, "--kind", "admin", "--name", "ann\u{1b}", "--output", "json"],
    );
    made.assert(0, "", "");
    let (id, secret) = (made.json()[0]["id"].clone(), made.json()[0]["secret"].clone());
    let (id, secret) = (id.as_str().expect("an id"), secret.as_str().expect("a secret"));
    desk.run_with(secret, &["roles", "list"]).assert(0, "", "");

    let list = desk.run("dev", &["keys", "list", "--data", data]);
    list.assert(0, id, "");
    list.assert(0, "ann<U+001B>", "");
    assert!(!list.stdout.contains(secret), "no secret is kept");
    let find = |more: &[&str]| {
        let listed = desk.json("dev", &[&["keys", "list", "--data", data], more].concat());
        listed.into_iter().find(|key| key["id"] == id)
    };
    let key = find(&[]).expect("the key");
    assert_eq!(
        (&key["tenant"], &key["kind"], &key["revoked_at"]),
        (&json!("default"), &json!("admin"), &json!(null))
    );
    assert!(find(&["--tenant", "default"]).is_some());

    desk.run("dev", &["keys", "revoke", "--data", data, id]).assert(0, "", "is revoked");
    assert!(find(&[]).expect("the key")["revoked_at"].is_string());
    desk.run("dev", &["keys", "revoke", "--data", data, "nothing"]).assert(2, "", "no key `nothing`");
    desk.run("dev", &["keys", "create", "--data", data, "--kind", "king"]).assert(
        2,
        "",
        "invalid value 'king'",
    );
    let nobody = desk.run("dev", &["keys", "create", "--data", data, "--kind", "dev", "--tenant", "nobody"]);
    nobody.assert(2, "", "no tenant `nobody`; `scopegate tenants list` shows them");
}

/// A running plane looks at what others wrote ten times a second.
#[test]
fn a_revoked_key_is_refused_soon() {
    let desk = Desk::open();
    let data = desk.data();
    let data = data.to_str().expect("UTF-8");
    let made =
        desk.run("dev", &["keys", "create", "--data", data, "--kind", "admin", "--output", "json"]).json();
    let (id, secret) =
        (made[0]["id"].as_str().expect("an id"), made[0]["secret"].as_str().expect("a secret"));
    desk.run_with(secret, &["roles", "list"]).assert(0, "", "");
    desk.run("dev", &["keys", "revoke", "--data", data, id]).assert(0, "", "");
    while desk.run_with(secret, &["roles", "list"]).code == 0 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    desk.run_with(secret, &["roles", "list"]).assert(2, "", "was revoked or has expired");
}

#[test]
fn tenants_are_made_and_used_at_once() {
    let desk = Desk::open();
    let data = desk.data();
    let data = data.to_str().expect("UTF-8");
    desk.run("dev", &["tenants", "create", "--data", data, "acme"]).assert(0, "", "tenant `acme`");
    let made = desk.run("dev", &["keys", "create", "--data", data, "--tenant", "acme", "--kind", "admin"]);
    desk.run_with(made.stdout.trim(), &["roles", "list"]).assert(0, "", "");
    let names: Vec<_> = desk
        .json("dev", &["tenants", "list", "--data", data])
        .iter()
        .map(|tenant| tenant["name"].clone())
        .collect();
    assert_eq!(names, ["default", "acme"]);
    desk.run("dev", &["tenants", "list", "--data", data]).assert(0, "acme", "");
    desk.run("dev", &["tenants", "create", "--data", data, "acme"]).assert(
        2,
        "",
        "there is a tenant `acme` already",
    );
    desk.run("dev", &["tenants", "create", "--data", data, "../x"]).assert(2, "", "cannot name a tenant");
}

#[test]
fn a_key_may_end_by_itself() {
    let desk = Desk::open();
    let data = desk.data();
    let data = data.to_str().expect("UTF-8");
    let make = |expires: &str| {
        desk.run("dev", &["keys", "create", "--data", data, "--kind", "admin", "--expires", expires])
    };
    let made = make("2099-01-31");
    made.assert(0, "", "good until 2099-01-31T00:00:00.000Z; its secret is not shown again");
    desk.run_with(made.stdout.trim(), &["roles", "list"]).assert(0, "", "");
    let short = make("1s");
    short.assert(0, "", "good until ");
    while desk.run_with(short.stdout.trim(), &["roles", "list"]).code == 0 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    desk.run_with(short.stdout.trim(), &["roles", "list"]).assert(2, "", "was revoked or has expired");
    let list = desk.run("dev", &["keys", "list", "--data", data]);
    list.assert(0, "good until 2099-01-31T00:00:00.000Z", "");
    list.assert(0, "expired at ", "");
    let ends: Vec<_> = desk
        .json("dev", &["keys", "list", "--data", data])
        .iter()
        .map(|key| key["expires_at"].clone())
        .collect();
    assert!(ends.contains(&json!("2099-01-31T00:00:00.000Z")) && ends.contains(&json!(null)), "{ends:?}");
    make("2020-01-31").assert(2, "", "--expires lies in the past");
    make("0d").assert(2, "", "--expires lies in the past");
    make("1y").assert(2, "", "a length reads 90d or 12h");
}

#[test]
fn the_next_signing_key_is_ordered_and_published() {
    let desk = Desk::open();
    let data = desk.data();
    let data = data.to_str().expect("UTF-8");
    let ordered = desk.run("dev", &["keys", "rotate-signing", "--data", data]);
    ordered.assert(0, "", "signs session tokens from ");
    let published = || {
        let set =
            desk.plane.client("").ask("GET", "/.well-known/jwks.json", &json!(null)).expect("an answer").1;
        set["keys"].as_array().expect("keys").iter().map(|key| key["kid"].clone()).collect::<Vec<_>>()
    };
    while !published().contains(&json!(ordered.stdout.trim())) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(published().len(), 2, "the last one still verifies");
    let told = &desk.json("dev", &["keys", "rotate-signing", "--data", data])[0];
    assert!(told["id"].is_string() && told["signs_from"].is_string(), "{told}");
}
