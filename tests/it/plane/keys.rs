//! Keys that end by themselves, and keys of sessions that take turns.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::Timestamp;
use scopegate_engine::{Clock as _, SystemClock};
use scopegate_server::keys::{Kind, Prefix};
use scopegate_server::setup::{self, KeyOrder};
use scopegate_server::store::{SqliteStore, TenantId};
use serde_json::{Value, json};

use crate::served::{Plane, key};

fn now() -> Timestamp {
    SystemClock::new().now()
}

fn expiring(data: &Path, expires_at: Timestamp) -> String {
    let mut store = SqliteStore::beside(data).expect("the store");
    setup::first_tenant(&mut store, now()).expect("a tenant");
    let order = KeyOrder {
        tenant: TenantId::parse("default").expect("a name"),
        kind: Kind::Dev,
        name: None,
        prefix: Prefix::Sb,
        expires_at: Some(expires_at),
    };
    setup::create_key(&mut store, order, now()).expect("a key").secret
}

#[test]
fn a_key_is_good_until_it_expires() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = expiring(folder.path(), now().after(Duration::from_secs(3600)));
    let over = expiring(folder.path(), now());
    let plane = Plane::start(folder.path());
    let status = |key: &str| plane.client(key).ask("GET", "/v1/epoch", &Value::Null).expect("an answer").0;
    assert_eq!((status(&good), status(&over)), (200, 401));
    // Also one that another process makes while the plane runs, and that ends while it does.
    let soon = expiring(folder.path(), now().after(Duration::from_millis(1_500)));
    let mut seen = vec![status(&soon)];
    while *seen.last().expect("a status") == 200 {
        std::thread::sleep(Duration::from_millis(20));
        seen.push(status(&soon));
    }
    assert_eq!((seen[0], seen[seen.len() - 1]), (200, 401));
}

/// The ids of the keys that the plane says verify sessions.
fn published(plane: &Plane) -> Vec<String> {
    let (status, set) =
        plane.client("").ask("GET", "/.well-known/jwks.json", &Value::Null).expect("an answer");
    assert_eq!(status, 200);
    let keys = set["keys"].as_array().expect("keys").iter();
    keys.map(|key| {
        assert_eq!(
            (&key["kty"], &key["crv"], &key["alg"]),
            (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"))
        );
        assert_eq!(key["x"].as_str().map(str::len), Some(43), "32 bytes, and nothing secret: {key}");
        assert_eq!(key.get("d"), None);
        key["kid"].as_str().expect("an id").to_owned()
    })
    .collect()
}

/// The key that a token names.
fn kid(jwt: &str) -> String {
    let header = jwt.split('.').next().expect("a header");
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("an id").to_owned()
}

#[test]
fn a_key_that_signed_for_a_month_is_followed_by_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = SqliteStore::beside(folder.path()).expect("the store");
    let month = 30 * 24 * 3_600;
    setup::first_tenant(&mut store, Timestamp::from_secs(now().secs() - month - 60)).expect("a tenant");
    let plane = Plane::start(folder.path());
    while published(&plane).len() < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(plane);
    assert_eq!(published(&Plane::start(folder.path())).len(), 2, "and that one not yet");
}

#[test]
fn the_next_key_is_published_then_signs_and_the_last_one_still_verifies() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = SqliteStore::beside(folder.path()).expect("the store");
    setup::first_tenant(&mut store, Timestamp::from_secs(now().secs() - 7_200)).expect("a tenant");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start(folder.path());
    let mut client = plane.client(&dev);
    let role = json!({ "name": "r", "allowed_tools": ["t"] });
    assert_eq!(client.ask("POST", "/mgmt/v1/roles", &role).expect("an answer").0, 201);
    let old = client.provision("r").expect("a session");
    let [first] = &published(&plane)[..] else { panic!("one key signs") };
    assert_eq!(kid(&old), *first);

    let mut rotate = |at| setup::rotate_signing_key(&mut store, at).expect("a key").id.to_string();
    let wait_for = |id: &String| {
        while !published(&plane).contains(id) {
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let next = rotate(now());
    wait_for(&next);
    assert_eq!(kid(&client.provision("r").expect("a session")), *first, "it is only published yet");

    // Ordered an hour ago, so its time has come.
    let due = rotate(Timestamp::from_secs(now().secs() - 3_600));
    wait_for(&due);
    let new = client.provision("r").expect("a session");
    assert_eq!(kid(&new), due);
    for jwt in [&old, &new] {
        assert_eq!(client.enforce(jwt, "t", "", &json!({})).expect("a verdict").0, "allow");
    }
    assert_eq!(published(&plane).len(), 3);
}
