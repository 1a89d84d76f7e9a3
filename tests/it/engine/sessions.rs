//! Sessions: how long they live, and everything that ends them.

use std::time::Duration;

use scopegate_core::{
    AccessRequest, Principal, Provision, ProvisionError, Provisioned, SessionId, Timestamp,
};

use super::{NOON, World, call, word};

const POLICY: &str = "
version: 1
roles:
  - {name: minute, allowed_tools: [read], default_ttl_seconds: 60}
  - {name: hour, allowed_tools: [read]}
";

fn lives(role: &str, ttl: Option<Duration>) -> Result<Duration, ProvisionError> {
    let open = World::new(POLICY).engine.open(Provision { ttl, ..Provision::new(role, "ann") });
    open.map(|session| NOON.until(session.expires_at))
}

#[test]
fn a_role_caps_how_long_a_session_lives() {
    let seconds = Duration::from_secs;
    for (role, asked, lived) in [
        ("minute", None, 60),
        ("minute", Some(seconds(1)), 1),
        ("minute", Some(seconds(59)), 59),
        ("minute", Some(seconds(60)), 60),
        ("minute", Some(seconds(61)), 60),
        ("minute", Some(Duration::MAX), 60),
        ("hour", None, 3600),
        ("hour", Some(seconds(86_400)), 3600),
    ] {
        assert_eq!(lives(role, asked), Ok(seconds(lived)), "{role} asked for {asked:?}");
    }
}

#[test]
fn less_than_a_second_is_no_life() {
    for asked in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(999)] {
        assert_eq!(lives("minute", Some(asked)), Err(ProvisionError::Ttl), "{asked:?}");
    }
}

#[test]
fn a_session_ends_at_its_last_nanosecond() {
    let world = World::new(POLICY);
    let session = world.open("minute", "ann");
    let end = session.expires_at.nanos();
    for (at, expected) in
        [(end - 1, "PERMIT"), (end, "JWT_EXPIRED"), (end + 1, "JWT_EXPIRED"), (end * 2, "JWT_EXPIRED")]
    {
        world.clock.set(Timestamp::from_nanos(at));
        let off = i128::from(at) - i128::from(end);
        assert_eq!(world.ask(&session, &call("read", "{}")), expected, "{off} ns after the end");
    }
}

#[test]
fn an_end_that_happened_stays_happened_when_the_clock_steps_back() {
    for before in [1_000_000_000, 1_000_001, 1_000_000, 500_000, 1] {
        let world = World::new(POLICY);
        let session = world.open("minute", "ann");
        let read = call("read", "{}");
        let end = session.expires_at.nanos();
        world.clock.set(Timestamp::from_nanos(end - before));
        assert_eq!(world.ask(&session, &read), "PERMIT", "{before} ns before the end");
        world.clock.set(Timestamp::from_nanos(end));
        assert_eq!(world.ask(&session, &read), "JWT_EXPIRED", "at the end");
        world.clock.set(NOON);
        assert_eq!(
            world.ask(&session, &read),
            "JWT_EXPIRED",
            "revived; last seen {before} ns before its end"
        );
    }
}

#[test]
fn revoking_is_final_and_may_be_repeated() {
    let world = World::new(POLICY);
    let (session, other) = (world.open("minute", "ann"), world.open("minute", "ann"));
    let read = call("read", "{}");
    for _ in 0..2 {
        assert_eq!(world.engine.end(session.session), Ok(()));
        assert_eq!(world.ask(&session, &read), "SESSION_REVOKED");
    }
    assert_eq!(word(&world.decide(&Principal::Session(session.session), &read)), "SESSION_REVOKED");
    assert_eq!(world.ask(&other, &read), "PERMIT", "the owner's other session was not revoked");
    world.advance(60);
    assert_eq!(world.ask(&session, &read), "SESSION_REVOKED", "revoked is never told as expired");
}

#[test]
fn what_is_not_exactly_a_token_is_nobody() {
    let world = World::new(POLICY);
    let session = world.open("minute", "ann");
    let token = session.token().to_owned();
    assert!(token.starts_with("sgs_") && token.len() == 36, "192 bits in base64url");
    for forged in [
        String::new(),
        "sgs_".to_owned(),
        token[..35].to_owned(),
        format!("{token}A"),
        format!(" {token}"),
        format!("{token}\0"),
        token.to_uppercase(),
        token.to_lowercase(),
        token.replace("sgs_", "sgs-"),
        session.session.to_string(),
        "x".repeat(1 << 20),
    ] {
        let shown: String = forged.chars().take(80).collect();
        assert_eq!(
            word(&world.decide(&Principal::token(forged), &call("read", "{}"))),
            "JWT_INVALID",
            "{shown}"
        );
    }
    let stranger = SessionId::from_bits(session.session.bits() ^ 1);
    assert_eq!(word(&world.decide(&Principal::Session(stranger), &call("read", "{}"))), "JWT_INVALID");
    assert_eq!(world.engine.end(stranger), Err(ProvisionError::UnknownSession));
    let unknown = world.engine.open(Provision::new("nobody", "ann"));
    assert_eq!(unknown.err(), Some(ProvisionError::UnknownRole("nobody".into())));
}

#[test]
fn a_suspended_owner_stops_everywhere_until_readmitted() {
    let world = World::new(POLICY);
    let (one, two, other) =
        (world.open("minute", "ann"), world.open("hour", "ann"), world.open("hour", "bob"));
    let read = call("read", "{}");
    world.engine.suspend("ann");
    world.engine.suspend("not yet here");
    for (session, expected) in [(&one, "AGENT_SUSPENDED"), (&two, "AGENT_SUSPENDED"), (&other, "PERMIT")] {
        assert_eq!(world.ask(session, &read), expected);
    }
    for owner in ["ann", "not yet here"] {
        let refused = world.engine.open(Provision::new("hour", owner)).err();
        assert_eq!(refused, Some(ProvisionError::Suspended(owner.into())));
    }
    world.engine.end(one.session).expect("a known session");
    assert_eq!(world.ask(&one, &read), "AGENT_SUSPENDED", "suspension is told first");
    world.engine.readmit("ann");
    assert_eq!(world.ask(&one, &read), "SESSION_REVOKED", "readmitting revives nothing that was revoked");
    assert_eq!(world.ask(&two, &read), "PERMIT");
    world.open("hour", "ann");
}

#[test]
fn there_is_room_for_so_many_sessions_and_no_more() {
    let world = World::with(POLICY, |builder| builder.max_sessions(3));
    let open = || world.engine.open(Provision::new("minute", "ann"));
    let first = open().expect("room");
    for _ in 1..3 {
        open().expect("room");
    }
    assert_eq!(open().err(), Some(ProvisionError::TooMany(3)));
    world.engine.end(first.session).expect("a known session");
    assert_eq!(open().err(), Some(ProvisionError::TooMany(3)), "a revoked session is still remembered");
    world.advance(60 + 3600);
    for _ in 1..3 {
        open().expect("room again: the others ended an hour ago");
    }
    assert_eq!(open().err(), Some(ProvisionError::TooMany(3)), "whoever opened it wants to know of it");
    let Provisioned { principal, handle, .. } = first;
    drop(handle);
    open().expect("nobody does any more");
    assert_eq!(word(&world.decide(&principal, &call("read", "{}"))), "JWT_INVALID", "forgotten");
}

/// Otherwise nobody could tell one that may be replaced from one that somebody wanted to stop.
#[test]
fn what_became_of_a_session_is_known_as_long_as_its_handle_is_held() {
    let world = World::with(POLICY, |builder| builder.max_sessions(3));
    let (expired, revoked) = (world.open("minute", "ann"), world.open("minute", "ann"));
    let dropped = world.open("minute", "ann").principal;
    world.engine.end(revoked.session).expect("a known session");
    world.advance(1_000_000);
    let read = call("read", "{}");
    assert_eq!(word(&world.decide(&dropped, &read)), "JWT_EXPIRED", "room was never needed");
    world.open("minute", "bob");
    assert_eq!(word(&world.decide(&dropped, &read)), "JWT_INVALID");
    assert_eq!(world.ask(&expired, &read), "JWT_EXPIRED");
    assert_eq!(world.ask(&revoked, &read), "SESSION_REVOKED");
    world.engine.suspend("ann");
    assert_eq!(world.ask(&expired, &read), "AGENT_SUSPENDED");
}

#[test]
fn a_token_shows_in_no_debug_output_and_no_record() {
    let world = World::new(POLICY);
    let session = world.open("minute", "ann");
    let read = call("read", "{}");
    let principal = &session.principal;
    let request = AccessRequest::new(principal.as_ref(), &read);
    let decisions = [world.decide(principal, &read), world.decide(principal, &call("rm", "{}"))];
    world.events();
    let records = world.engine.records();
    let engine = &world.engine;
    let shown = format!("{session:?} {principal:?} {request:?} {decisions:?} {records:?} {engine:?}");
    let written = serde_json::to_string(&records).expect("records are JSON");
    for text in [shown, written] {
        assert!(!text.contains("sgs_") && !text.contains(&session.token()[4..]), "{text}");
    }
}
