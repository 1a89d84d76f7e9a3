//! Secrets that a policy binds to a tool: they reach the permit, and nothing else.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use scopegate_core::{AccessRequest, Enforcer, Gate, Name, Need, Provisioned, Quick};
use scopegate_engine::{CredentialSource, FileCredentials};

use super::{World, call, wait};

const POLICY: &str = "
version: 1
roles:
  - name: r
    allowed_tools: [pay, mail, free]
    allowed_credentials: [bank-key, gone]
    credential_mapping: {pay: bank-key, mail: gone}
  - name: unlisted
    allowed_tools: [pay]
    credential_mapping: {pay: bank-key}
  - name: listed-by-the-parent
    parent_role_id: r
    credential_mapping: {free: bank-key}
  - name: inherits
    parent_role_id: r
";
const SECRET: &str = "s3cr3t-of-the-bank";

/// Secrets that can go away.
#[derive(Clone, Default)]
struct Vault(Arc<Mutex<BTreeMap<Name, Arc<str>>>>);

impl CredentialSource for Vault {
    fn find(&self, name: &str) -> Option<Arc<str>> {
        self.0.lock().unwrap().get(name).cloned()
    }
}

fn vault() -> Vault {
    let vault = Vault::default();
    vault.0.lock().unwrap().insert("bank-key".into(), SECRET.into());
    vault
}

#[test]
fn a_secret_reaches_the_permit_or_nothing_is_permitted() {
    for (role, tool, expected) in [
        ("r", "pay", "PERMIT"),
        ("inherits", "pay", "PERMIT"),
        ("r", "free", "PERMIT"),
        ("r", "mail", "CREDENTIAL_VIOLATION"), // cannot be found
        ("unlisted", "pay", "CREDENTIAL_VIOLATION"),
        ("listed-by-the-parent", "free", "CREDENTIAL_VIOLATION"), // each role lists its own
    ] {
        let world = World::with(POLICY, |builder| builder.credentials(vault()));
        let session = world.open(role, "ann");
        assert_eq!(world.ask(&session, &call(tool, "{}")), expected, "{role} calls {tool}");
        if expected == "PERMIT" {
            let permit = world.permit(&session, &call(tool, "{}"));
            let secret = permit.credential.as_ref().map(|credential| credential.expose_secret());
            assert_eq!(secret, (tool == "pay").then_some(SECRET), "{role} calls {tool}");
        }
    }
}

#[test]
fn without_a_source_there_is_no_secret() {
    let world = World::new(POLICY);
    assert_eq!(world.ask(&world.open("r", "ann"), &call("pay", "{}")), "CREDENTIAL_VIOLATION");
}

#[test]
fn a_secret_that_goes_away_takes_the_permit_with_it() {
    let vault = vault();
    let world = World::with(POLICY, |builder| builder.credentials(vault.clone()));
    let session = world.open("r", "ann");
    assert_eq!(world.ask(&session, &call("pay", "{}")), "PERMIT");
    vault.0.lock().unwrap().clear();
    assert_eq!(world.ask(&session, &call("pay", "{}")), "CREDENTIAL_VIOLATION");
}

#[test]
fn fetching_a_secret_may_wait_so_the_quick_path_does_not() {
    let world = World::with(POLICY, |builder| builder.credentials(vault()));
    let session = world.open("r", "ann");
    let pay = call("pay", "{}");
    let request = AccessRequest::new(session.principal.as_ref(), &pay);
    assert!(matches!(world.engine.try_enforce(&request), Quick::Need(Need::Plane)));
    assert_eq!(world.events(), [], "a need records nothing");
}

/// Decides another call of the same owner on another thread before it gives a secret.
#[derive(Clone, Default)]
struct Meanwhile {
    world: Arc<OnceLock<(World, Provisioned)>>,
    answers: Arc<Mutex<Vec<&'static str>>>,
}

impl CredentialSource for Meanwhile {
    fn find(&self, _: &str) -> Option<Arc<str>> {
        // Nobody has asked yet while the policy is loaded.
        if let Some((world, session)) = self.world.get().cloned() {
            let (told, answer) = channel();
            std::thread::spawn(move || told.send(world.ask(&session, &call("free", "{}"))));
            // The time only ends a test that would hang.
            let answer = answer.recv_timeout(Duration::from_secs(30)).unwrap_or("BLOCKED");
            self.answers.lock().unwrap().push(answer);
        }
        Some(SECRET.into())
    }
}

#[test]
fn no_lock_is_held_while_a_secret_is_fetched() {
    let meanwhile = Meanwhile::default();
    // A limit, so that both calls need the rate accounts of their owner.
    let policy = POLICY.replace("  - name: unlisted", "    rate_limit_per_minute: 2\n  - name: unlisted");
    let world = World::with(&policy, |builder| builder.credentials(meanwhile.clone()));
    let session = world.open("r", "ann");
    assert!(meanwhile.world.set((world.clone(), session.clone())).is_ok());
    let paid = world.ask(&session, &call("pay", "{}"));
    assert_eq!((paid, &**meanwhile.answers.lock().unwrap()), ("PERMIT", &["PERMIT"][..]));
    assert_eq!(world.ask(&session, &call("free", "{}")), "RATE_LIMIT_EXCEEDED", "both were counted");
}

#[test]
fn a_secret_shows_nowhere() {
    let world = World::with(POLICY, |builder| builder.credentials(vault()));
    let session = world.open("r", "ann");
    let pay = call("pay", "{}");
    let decision = world.decide(&session.principal, &pay);
    let permitted = wait(Gate::new(world.engine.clone()).admit(&session.principal, pay)).expect("a permit");
    assert_eq!(permitted.credential().map(|c| c.expose_secret()), Some(SECRET), "the tool gets it");
    let view = serde_json::to_string(&world.engine.explain("r")).expect("a view is JSON");
    world.events();
    let records = world.engine.records();
    let shown = format!("{decision:?} {permitted:?} {:?} {records:?} {view}", world.engine);
    let written = serde_json::to_string(&records).expect("records are JSON");
    for text in [shown, written] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn files_give_secrets_by_plain_names_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().join("vault");
    std::fs::create_dir(&inside).expect("a folder");
    for (file, text) in
        [("vault/key", "abc\n"), ("vault/raw", "a\n\n"), ("outside", "no"), ("vault/.hidden", "no")]
    {
        std::fs::write(folder.path().join(file), text).expect("a file");
    }
    let source = FileCredentials::new(&inside);
    for (name, secret) in [
        ("key", Some("abc")),
        ("raw", Some("a\n")),
        ("missing", None),
        ("../outside", None),
        (".hidden", None),
        ("..", None),
        ("./key", None),
        ("", None),
    ] {
        assert_eq!(source.find(name).as_deref(), secret, "{name:?}");
    }
}
