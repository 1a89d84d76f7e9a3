//! Calls that need a person.

use std::time::Duration;

use scopegate_core::{Event, Reviews};

use crate::support::{POLICY, Till, builder, pays, run, script, tools_only, turns};

#[tokio::test]
async fn a_held_call_comes_back_with_its_review_and_may_be_repeated() {
    let till = Till::new(POLICY);
    let model = script([pays(400)]);
    let agent = builder(&model, &till.guard()).add_tool(till.pay()).build().expect("an agent");
    run(&agent).await;
    let review = till.engine.pending_reviews().remove(0);
    let told = model.heard().remove(0);
    assert!(told.contains(&review.id.to_string()) && told.contains("exactly the same arguments"), "{told}");
    till.engine.approve(review.id, "dana").await.expect("a pending review");
    model.again([pays(400), pays(400)]);
    run(&agent).await;
    assert_eq!(till.paid(), [400], "one yes, one run");
}

#[tokio::test]
async fn a_held_call_is_waited_for() {
    for build in [builder, tools_only] {
        let till = Till::new(POLICY);
        let guard = till.guard().wait_for_review(till.engine.clone(), Duration::from_secs(60));
        let model = script([pays(400)]);
        let agent = build(&model, &guard).add_tool(till.pay()).build().expect("an agent");
        tokio::join!(run(&agent), till.settles_next(true));
        assert_eq!(till.paid(), [400]);
        assert!(model.heard()[0].contains("paid 400"), "{:?}", model.heard());
        assert_eq!(till.events().await, [Event::Hold, Event::Permit, Event::Ran]);
    }
}

#[tokio::test]
async fn a_call_that_a_person_refuses_is_denied() {
    let till = Till::new(POLICY);
    let guard = till.guard().wait_for_review(till.engine.clone(), Duration::from_secs(60));
    let model = script([pays(400)]);
    let agent = builder(&model, &guard).add_tool(till.pay()).build().expect("an agent");
    tokio::join!(run(&agent), till.settles_next(false));
    assert!(model.heard()[0].contains("(APPROVAL_REJECTED). Do not ask for this call again."));
    assert!(till.paid().is_empty());
}

/// Calls of one turn wait together, and nobody longer than the deadline.
#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_the_deadline() {
    let till = Till::new(POLICY);
    let guard = till.guard().wait_for_review(till.engine.clone(), Duration::from_secs(60));
    let model = turns([vec![pays(400), pays(500), pays(7)]]);
    let agent = builder(&model, &guard).add_tool(till.pay()).build().expect("an agent");
    let started = tokio::time::Instant::now();
    run(&agent).await;
    assert_eq!(started.elapsed().as_secs(), 60, "the clock is paused: nothing else takes time");
    assert_eq!(till.engine.pending_reviews().len(), 2, "both can still be approved");
    assert_eq!(till.paid(), [7]);
}
