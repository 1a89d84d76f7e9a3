//! Held calls: the life of a review, from the first question to the one run it is good for.

use std::time::Duration;

use scopegate_core::{Decision, Detail, ReviewError, ReviewId, ReviewState, Reviews};

use super::{NOON, World, call, race, wait};

const POLICY: &str = "
version: 1
roles:
  - {name: r, allowed_tools: [pay], approval_required: [pay], approval_ttl_seconds: 60, default_ttl_seconds: 86400}
";

fn asking() -> (World, scopegate_core::Provisioned, scopegate_core::ToolCall) {
    let world = World::new(POLICY);
    let session = world.open("r", "ann");
    (world, session, call("pay", r#"{"to":"x","amount":5}"#))
}

#[test]
fn a_review_goes_from_question_to_one_run() {
    // What happens, and what the next call gets.
    for (name, steps) in [
        ("nobody answers", &[("", "HOLD"), ("", "HOLD")][..]),
        ("a yes is good for one run", &[("", "HOLD"), ("yes", "PERMIT"), ("", "HOLD"), ("", "HOLD")]),
        (
            "each yes is one run",
            &[("", "HOLD"), ("yes", "PERMIT"), ("", "HOLD"), ("yes", "PERMIT"), ("", "HOLD")],
        ),
        ("a no stands", &[("", "HOLD"), ("no", "APPROVAL_REJECTED"), ("", "APPROVAL_REJECTED")]),
        (
            "a no stands until its time is over",
            &[("", "HOLD"), ("no", "APPROVAL_REJECTED"), ("59", "APPROVAL_REJECTED"), ("1", "HOLD")],
        ),
        ("a yes that came to nothing expires", &[("", "HOLD"), ("yes 60", "HOLD"), ("", "HOLD")]),
        ("a yes at the last moment", &[("", "HOLD"), ("yes 59", "PERMIT")]),
        ("a question expires", &[("", "HOLD"), ("60", "HOLD"), ("yes", "PERMIT")]),
    ] {
        let (world, session, pay) = asking();
        for (at, (event, expected)) in steps.iter().enumerate() {
            for word in event.split_whitespace() {
                match word {
                    "yes" => world.settle(true),
                    "no" => world.settle(false),
                    seconds => world.advance(seconds.parse().expect("seconds")),
                }
            }
            assert_eq!(world.ask(&session, &pay), *expected, "{name}: call {at}");
        }
    }
}

#[test]
fn the_same_call_gets_the_same_review_while_it_waits() {
    let (world, session, pay) = asking();
    let hold = |world: &World| match world.decide(&session.principal, &pay) {
        Decision::Hold(hold) => hold,
        other => panic!("{other:?}"),
    };
    let first = hold(&world);
    assert_eq!(NOON.until(first.expires_at), Duration::from_secs(60));
    world.advance(59);
    assert_eq!(hold(&world), first, "asking again does not prolong it");
    world.advance(1);
    assert_ne!(hold(&world).review, first.review, "a new one after the old one expired");
    let review = world.review();
    assert_eq!((&*review.owner, &*review.role, &*review.tool), ("ann", "r", "pay"));
    assert_eq!(review.arguments, r#"{"to":"x","amount":5}"#, "the reviewer sees all arguments");
}

#[test]
fn one_yes_lets_exactly_one_of_fifty_callers_through() {
    let (world, session, pay) = asking();
    assert_eq!(world.ask(&session, &pay), "HOLD");
    world.settle(true);
    let permits = race(50, "PERMIT", |_| (0..3).map(|_| world.ask(&session, &pay)).collect());
    assert_eq!(permits, 1);
    assert_eq!(world.engine.pending_reviews().len(), 1, "the others wait for one new review");
}

#[test]
fn a_review_is_settled_once_and_by_somebody_else() {
    let (world, session, pay) = asking();
    world.ask(&session, &pay);
    let id = world.review().id;
    let try_to = |approve, id, who: &str| match approve {
        true => wait(world.engine.approve(id, who)).map(|review| review.state),
        false => wait(world.engine.reject(id, who)).map(|review| review.state),
    };
    for approve in [true, false] {
        assert_eq!(try_to(approve, id, "ann"), Err(ReviewError::OwnRequest("ann".to_owned())));
        for nameless in ["", " ", "\t\n"] {
            assert_eq!(try_to(approve, id, nameless), Err(ReviewError::Nameless), "{nameless:?}");
        }
        assert_eq!(try_to(approve, ReviewId::from_bits(1), "bob"), Err(ReviewError::Unknown));
    }
    assert_eq!(world.ask(&session, &pay), "HOLD", "nothing of that settled it");
    assert_eq!(try_to(false, id, "bob"), Ok(ReviewState::Rejected));
    assert_eq!(
        try_to(true, id, "eve"),
        Err(ReviewError::Settled(ReviewState::Rejected)),
        "the first answer stands"
    );
    world.advance(60);
    assert_eq!(try_to(true, id, "eve"), Err(ReviewError::Settled(ReviewState::Expired)));
    world.ask(&session, &pay);
    let id = world.review().id;
    assert_eq!(try_to(true, id, "bob"), Ok(ReviewState::Approved));
    assert_eq!(try_to(false, id, "eve"), Err(ReviewError::Settled(ReviewState::Approved)));
    assert_eq!(world.ask(&session, &pay), "PERMIT");
    assert_eq!(try_to(true, id, "bob"), Err(ReviewError::Settled(ReviewState::Consumed)), "used up");
    world.advance(120);
    assert_eq!(
        try_to(true, id, "bob"),
        Err(ReviewError::Settled(ReviewState::Consumed)),
        "used up, long ago"
    );
}

#[test]
fn a_session_may_have_a_hundred_waiting() {
    let world = World::new(POLICY);
    let (session, other) = (world.open("r", "ann"), world.open("r", "ann"));
    let pay = |amount: u32| call("pay", format!(r#"{{"amount":{amount}}}"#));
    for amount in 0..100 {
        assert_eq!(world.ask(&session, &pay(amount)), "HOLD", "{amount}");
    }
    let Decision::Deny(denial) = world.decide(&session.principal, &pay(100)) else { panic!("101 reviews") };
    assert_eq!(denial.code.as_str(), "RATE_LIMIT_EXCEEDED");
    assert_eq!(denial.detail, Detail::Until(NOON.after(Duration::from_secs(60))));
    assert_eq!(world.ask(&session, &pay(7)), "HOLD", "one of the hundred");
    assert_eq!(world.ask(&other, &pay(100)), "HOLD", "another session has its own hundred");
    let one = world.engine.pending_reviews().remove(0).id;
    wait(world.engine.reject(one, "bob")).expect("a pending review");
    assert_eq!(world.ask(&session, &pay(100)), "HOLD", "room for one");
    assert_eq!(world.ask(&session, &pay(101)), "RATE_LIMIT_EXCEEDED");
    world.advance(60);
    assert_eq!(world.ask(&session, &pay(101)), "HOLD", "all have expired");
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_an_answer_or_with_the_time() {
    let (world, session, pay) = asking();
    for (answer, expected) in [
        (Some(true), ReviewState::Approved),
        (Some(false), ReviewState::Rejected),
        (None, ReviewState::Expired),
    ] {
        let Decision::Hold(hold) = world.decide(&session.principal, &pay) else { panic!("not held") };
        let waiting = tokio::spawn({
            let engine = world.engine.clone();
            async move { engine.await_review(hold.review).await }
        });
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!waiting.is_finished(), "nobody has answered yet");
        match answer {
            Some(true) => drop(world.engine.approve(hold.review, "bob").await.expect("pending")),
            Some(false) => drop(world.engine.reject(hold.review, "bob").await.expect("pending")),
            None => world.advance(60),
        }
        let review = waiting.await.expect("no panic").expect("a known review");
        assert_eq!(review.state, expected);
        world.advance(60);
    }
    let unknown = world.engine.await_review(ReviewId::from_bits(1)).await;
    assert_eq!(unknown.err(), Some(ReviewError::Unknown));
}

#[test]
fn reviews_are_listed_as_they_were_opened_also_within_one_tick() {
    let (world, session, _) = asking();
    let hold = |to: usize| {
        let pay = call("pay", format!("{{\"to\":\"{to}\"}}"));
        match world.decide(&session.principal, &pay) {
            Decision::Hold(hold) => hold.review,
            other => panic!("{other:?}"),
        }
    };
    let mut opened: Vec<ReviewId> = (0..40).map(hold).collect();
    world.advance(1);
    opened.extend((40..80).map(hold));
    let listed: Vec<_> = world.engine.pending_reviews().iter().map(|review| review.id).collect();
    assert_eq!(listed, opened);
    let times: Vec<_> = world.engine.pending_reviews().iter().map(|review| review.opened_at).collect();
    assert!(times[39].until(NOON).is_zero() && NOON.until(times[39]) < Duration::from_micros(1));
    assert!(times.iter().all(|at| at.to_string().ends_with(".000Z")), "what is shown is the tick");
}
