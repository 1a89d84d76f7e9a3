//! The documented table: what a plane does, and what becomes of a call that needs it.

use std::time::Duration;

use scopegate_core::Principal;
use serde_json::json;

use super::client::{Agent, PAST};
use super::plane::{Home, Plane};
use super::proxy::{Mode, Proxy};

/// What goes wrong.
enum Fault {
    /// The plane was stopped: its port is dead.
    Stopped,
    /// What stands before it takes no connections.
    Closed,
    Does(Mode),
}

const fn says(answer: &'static str) -> Fault {
    Fault::Does(Mode::Say(answer))
}

/// A client that was lent a scope, and whose lease is over when the fault begins.
struct Scene {
    home: Home,
    plane: Option<Plane>,
    proxy: Proxy,
    journal: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let home = Home::new();
        let plane = home.serve().await;
        let role = json!({ "name": "clerk", "allowed_tools": ["read", "pay"], "approval_required": ["pay"],
            "parameter_constraints": { "read": [
                { "field": "n", "operator": "lt", "value": 5, "when_absent": "allow" }] } });
        plane.role(&home.dev, role).await;
        let proxy = Proxy::before(&plane.url).await;
        Self { home, plane: Some(plane), proxy, journal: tempfile::tempdir().expect("a folder") }
    }

    fn agent(&self, open: bool) -> Agent {
        let folder = self.journal.path();
        Agent::with(&self.proxy.url, &self.home.agent, |builder| {
            if open { builder.danger_fail_open(folder) } else { builder }
        })
    }

    async fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::Stopped => {
                self.plane.take().expect("a plane").stop().await;
                self.proxy.close().await;
            }
            Fault::Closed => self.proxy.close().await,
            Fault::Does(mode) => self.proxy.turn(mode),
        }
    }
}

/// What becomes of `read` while the fault lasts, closed and open.
async fn check(fault: fn() -> Fault, closed: &str, open: &str) {
    for (may_open, expected) in [(false, closed), (true, open)] {
        let mut scene = Scene::new().await;
        let agent = scene.agent(may_open);
        let who = agent.session("clerk").await;
        assert_eq!(agent.at_once(&who, "read", "{}"), Some("PERMIT"));
        scene.begin(fault()).await;
        agent.clocks.advance(PAST);
        assert_eq!(agent.at_once(&who, "read", "{}"), None, "the lease is over");
        assert_eq!(agent.word(&who, "read", "{}").await, expected, "may open: {may_open}");
        // Whatever was said, and whatever the plane does:
        assert_eq!(agent.word(&who, "pay", "{}").await, "NONE", "a person has to agree");
        let outside = agent.word(&who, "write", "{}").await;
        assert!(["NONE", "SCOPE_VIOLATION"].contains(&outside), "{outside}");
        let opened = agent.enforcer.counts().fail_open;
        assert_eq!(opened, u64::from(expected == "PERMIT"));
        if let Some(plane) = scene.plane {
            plane.stop().await;
        }
    }
}

macro_rules! table {
    ($($name:ident: $fault:expr => $closed:literal, $open:literal;)*) => {
        $(#[tokio::test]
        async fn $name() {
            check(|| $fault, $closed, $open).await;
        })*
    };
}

table! {
    // the plane                                                    closed  open
    stopped: Fault::Stopped                                      => "NONE", "PERMIT";
    a_dead_port: Fault::Closed                                   => "NONE", "PERMIT";
    silent_or_half_open: Fault::Does(Mode::Hang)                 => "NONE", "PERMIT";
    slow: Fault::Does(Mode::Slow)                                => "NONE", "PERMIT";
    bad_gateway: says("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n") => "NONE", "PERMIT";
    unavailable: says("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nno!") => "NONE", "PERMIT";
    gateway_timeout: says("HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 0\r\n\r\n") => "NONE", "PERMIT";
    broken_off: says("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"decision\"") => "NONE", "NONE";
    begun_and_no_more: Fault::Does(Mode::Begin("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"decision\"")) => "NONE", "NONE";
    closed_without_a_word: says("")                              => "NONE", "NONE";
    internal_error: says("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n") => "NONE", "NONE";
    no_http: says("SSH-2.0-OpenSSH_9.6\r\n\r\n")                 => "NONE", "NONE";
    no_json: says("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nallow") => "NONE", "NONE";
    no_verdict: says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}") => "NONE", "NONE";
    another_word: says("HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n{\"decision\":\"permit\"}") => "NONE", "NONE";
    an_allow_for_nobody: says("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"decision\":\"allow\"}") => "NONE", "NONE";
    no_content: says("HTTP/1.1 204 No Content\r\n\r\n")          => "NONE", "NONE";
    elsewhere: says("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n") => "NONE", "NONE";
    bad_request: says("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n") => "NONE", "NONE";
    unauthorized: says("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n") => "NONE", "NONE";
    forbidden: says("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n") => "NONE", "NONE";
    not_found: says("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n") => "NONE", "NONE";
    conflict: says("HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n") => "NONE", "NONE";
    too_large: says("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n") => "NONE", "NONE";
    too_many: says("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n") => "NONE", "NONE";
}

/// A client that may decide by itself, and now has to.
async fn on_its_own() -> (Scene, Agent, Principal) {
    let mut scene = Scene::new().await;
    let agent = scene.agent(true);
    let who = agent.session("clerk").await;
    scene.begin(says("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")).await;
    agent.clocks.advance(PAST);
    (scene, agent, who)
}

#[tokio::test]
async fn what_the_plane_answers_is_the_answer() {
    for may_open in [false, true] {
        let mut scene = Scene::new().await;
        let agent = scene.agent(may_open);
        let who = agent.session("clerk").await;
        agent.clocks.advance(PAST);
        let plane = scene.plane.take().expect("a plane");
        assert_eq!(agent.word(&who, "pay", "{}").await, "HOLD");
        assert_eq!(agent.word(&who, "read", "{}").await, "PERMIT");
        let narrowed = json!({ "allowed_tools": ["pay"] });
        assert_eq!(plane.ask(&scene.home.dev, "PUT", "/mgmt/v1/roles/clerk", narrowed).await.0, 200);
        agent.clocks.advance(PAST);
        assert_eq!(agent.word(&who, "read", "{}").await, "SCOPE_VIOLATION", "may open: {may_open}");
        assert_eq!((agent.enforcer.counts().fail_open, agent.enforcer.counts().by_the_plane), (0, 3));
        plane.stop().await;
    }
}

#[tokio::test]
async fn what_a_process_did_not_tell_before_it_ended_the_next_one_tells() {
    let (mut scene, agent, who) = on_its_own().await;
    for _ in 0..7 {
        assert_eq!(agent.word(&who, "read", "{}").await, "PERMIT");
    }
    drop(agent);
    let lock = std::fs::File::open(scene.journal.path().join("lock")).expect("a lock");
    while lock.try_lock().is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await; // what was under way
    }
    lock.unlock().expect("unlocked");
    scene.proxy.turn(Mode::Pass);
    for _ in 0..2 {
        let next = scene.agent(true);
        assert!(next.enforcer.close().await, "all of it was told");
        let plane = scene.plane.as_ref().expect("a plane");
        let events = plane.events(&scene.home.dev).await;
        let marked: Vec<_> = events.iter().filter(|event| event["fail_open"] == true).collect();
        assert_eq!(marked.len(), 7, "once: {events:#?}");
        assert!(marked.iter().all(|event| event["decision"] == "allow" && event["missing"].is_null()));
        assert!(std::fs::read_dir(scene.journal.path()).expect("a folder").all(|file| {
            let file = file.expect("a file");
            file.metadata().expect("its length").len() == 0
        }));
    }
    scene.plane.take().expect("a plane").stop().await;
}

#[tokio::test]
async fn what_was_permitted_without_the_plane_is_bounded_on_disk_and_reported() {
    let (scene, agent, who) = on_its_own().await;
    assert_eq!(agent.word(&who, "read", r#"{"n": 9}"#).await, "PARAMETER_VIOLATION", "constraints hold");
    let mut permits = 0;
    for _ in 0..120 {
        permits += u32::from(agent.word(&who, "read", "{}").await == "PERMIT");
    }
    assert_eq!(permits, 100, "in ten minutes");
    let lines: usize = std::fs::read_dir(scene.journal.path())
        .expect("a folder")
        .map(|file| {
            std::fs::read_to_string(file.expect("a file").path())
                .expect("lines")
                .matches("\"permit\"")
                .count()
        })
        .sum();
    assert_eq!(lines, 100, "each was on disk before it was given out");
    agent.clocks.advance(Duration::from_secs(599));
    assert_eq!(agent.word(&who, "read", "{}").await, "NONE");

    scene.proxy.turn(Mode::Pass);
    assert!(agent.enforcer.close().await, "it is told once the plane is there again");
    let plane = scene.plane.expect("a plane");
    let events = plane.events(&scene.home.dev).await;
    let marked =
        events.iter().filter(|event| event["fail_open"] == true && event["decision"] == "allow").count();
    assert_eq!(marked, 100);
    plane.stop().await;
}

#[tokio::test]
async fn a_session_that_was_ended_is_not_opened_for() {
    let mut scene = Scene::new().await;
    let agent = scene.agent(true);
    let opened =
        scopegate_core::Sessions::provision(&agent.enforcer, scopegate_core::Provision::new("clerk", "ann"));
    let opened = opened.await.expect("a session");
    scopegate_core::Sessions::revoke(&agent.enforcer, opened.session).await.expect("ended");
    scene.begin(Fault::Stopped).await;
    agent.clocks.advance(PAST);
    assert_eq!(agent.word(&opened.principal, "read", "{}").await, "NONE");
    assert_eq!(agent.enforcer.counts().fail_open, 0);
}

#[tokio::test]
async fn after_five_failures_nothing_is_sent_for_thirty_seconds_and_then_one_probe() {
    for (may_open, expected) in [(false, "NONE"), (true, "PERMIT")] {
        let mut scene = Scene::new().await;
        let agent = scene.agent(may_open);
        let who = agent.session("clerk").await;
        scene
            .begin(Fault::Does(Mode::Say("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")))
            .await;
        agent.clocks.advance(PAST);
        for _ in 0..10 {
            assert_eq!(agent.word(&who, "read", "{}").await, expected);
        }
        assert_eq!(scene.proxy.asked(), 5, "then the breaker is open");
        agent.clocks.advance(Duration::from_secs(29));
        assert_eq!(agent.word(&who, "read", "{}").await, expected);
        assert_eq!(scene.proxy.asked(), 5);
        agent.clocks.advance(Duration::from_secs(1));
        assert_eq!(agent.word(&who, "read", "{}").await, expected);
        assert_eq!(scene.proxy.asked(), 6, "one probe, and open again");
        scene.proxy.turn(Mode::Pass);
        agent.clocks.advance(Duration::from_secs(30));
        let opened = agent.enforcer.counts().fail_open;
        assert_eq!(agent.word(&who, "read", "{}").await, "PERMIT");
        assert_eq!(agent.word(&who, "read", "{}").await, "PERMIT");
        assert_eq!(agent.enforcer.counts().fail_open, opened, "by the plane, or by what it lent");
        scene.plane.expect("a plane").stop().await;
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again_and_counted_once() {
    let mut scene = Scene::new().await;
    let agent = scene.agent(false);
    let who = agent.session("clerk").await;
    agent.clocks.advance(PAST);
    for lost in [1, 2] {
        scene.begin(Fault::Does(Mode::Lose(lost))).await;
        assert_eq!(agent.word(&who, "read", "{}").await, "PERMIT", "{lost} lost");
    }
    scene.begin(Fault::Does(Mode::Lose(3))).await;
    assert_eq!(agent.word(&who, "read", "{}").await, "NONE", "three times and no more");
    let plane = scene.plane.expect("a plane");
    let permits =
        plane.events(&scene.home.dev).await.iter().filter(|event| event["decision"] == "allow").count();
    assert_eq!(permits, 3, "each call was decided once");
    plane.stop().await;
}
