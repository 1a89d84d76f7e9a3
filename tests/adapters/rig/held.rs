//! Calls that need a person.

use std::time::Duration;

use rig_core::tool::ToolContext;
use scopegate_core::{Event, Reviews};
use scopegate_rig::{NotRun, ScopeHook};

use crate::support::{POLICY, Till, agent, builder, heard, pays, run, script, server};

#[tokio::test]
async fn a_held_call_comes_back_with_its_review_and_may_be_repeated() {
    let till = Till::new(POLICY);
    let server = server(till.guarded(&till.guard()));
    let mut context = ToolContext::new();
    let held = server.execute("pay", r#"{"amount": 400}"#, &mut context).await;
    let review = till.engine.pending_reviews().remove(0);
    let beside = context.result::<NotRun>().expect("metadata").expect("a refusal");
    assert_eq!((beside.code.as_str(), beside.review), ("HELD", Some(review.id)));
    let told = held.output().as_text().expect("text");
    assert!(told.contains(&review.id.to_string()) && told.contains("exactly the same arguments"), "{told}");

    // Asking again before anybody has looked is the same review; another call is another one.
    server.execute("pay", r#"{"amount": 400}"#, &mut context).await;
    assert_eq!(till.engine.pending_reviews().len(), 1);
    till.engine.approve(review.id, "dana").await.expect("a pending review");
    assert!(server.execute("pay", r#"{ "amount": 400 }"#, &mut context).await.is_success());
    assert!(!server.execute("pay", r#"{"amount": 400}"#, &mut context).await.is_success());
    assert_eq!(till.paid(), [400]);
}

#[tokio::test]
async fn a_held_call_is_waited_for() {
    for hooked in [false, true] {
        let till = Till::new(POLICY);
        let guard = till.guard().wait_for_review(till.engine.clone(), Duration::from_secs(60));
        let model = script([pays(400)]);
        let agent = match hooked {
            false => agent(&model, till.guarded(&guard)),
            true => builder(&model, till.bare()).add_hook(ScopeHook::new(guard)).build(),
        };
        tokio::join!(run(&agent), till.settles_next(true));
        assert_eq!((till.paid(), heard(&model)), (vec![400], vec!["paid 400".to_owned()]));
        assert_eq!(till.events().await, [Event::Hold, Event::Permit, Event::Ran]);
    }
}

#[tokio::test]
async fn a_call_that_a_person_refuses_is_denied() {
    let till = Till::new(POLICY);
    let guard = till.guard().wait_for_review(till.engine.clone(), Duration::from_secs(60));
    let model = script([pays(400)]);
    let agent = agent(&model, till.guarded(&guard));
    tokio::join!(run(&agent), till.settles_next(false));
    let told = heard(&model);
    assert!(told[0].contains("(APPROVAL_REJECTED). Do not ask for this call again."), "{told:?}");
    assert!(till.paid().is_empty());
}

/// Whoever uses a client would wait for an answer before the question.
#[tokio::test(start_paused = true)]
async fn what_is_left_to_whoever_uses_a_client_is_not_waited_for() {
    let till = Till::new(&POLICY.replacen(
        "    approval_unless:",
        "    approval_by: client\n    approval_unless:",
        1,
    ));
    let guard = till.guard().wait_for_review(till.engine.clone(), Duration::from_secs(60));
    let model = script([pays(400)]);
    let started = tokio::time::Instant::now();
    run(&agent(&model, till.guarded(&guard))).await;
    assert_eq!(started.elapsed().as_secs(), 0, "the clock is paused: only a wait takes time");
    assert!(heard(&model)[0].contains("(HELD)."), "{:?}", heard(&model));
    assert!(till.paid().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_the_deadline() {
    let till = Till::new(POLICY);
    let guard = till.guard().wait_for_review(till.engine.clone(), Duration::from_secs(60));
    let model = script([pays(400)]);
    let started = tokio::time::Instant::now();
    run(&agent(&model, till.guarded(&guard))).await;
    assert_eq!(started.elapsed().as_secs(), 60, "the clock is paused: nothing else takes time");
    assert!(heard(&model)[0].contains("(HELD). Review "), "{:?}", heard(&model));
    assert_eq!(till.engine.pending_reviews().len(), 1, "it can still be approved");
}
