//! Who asks: sessions that a guard opens, keeps and ends.

use scopegate_core::{DenyCode, Event, Principal};
use scopegate_swarms::Guard;
use tokio::task::yield_now;

use crate::support::{POLICY, Till, builder, pays, run, script, turns};

async fn sessions(till: &Till) -> Vec<String> {
    assert!(till.engine.flush().await);
    let mut ids: Vec<_> =
        till.engine.records().iter().map(|line| line.record.id.session.to_string()).collect();
    ids.dedup();
    ids
}

#[tokio::test]
async fn calls_that_come_first_together_open_one_session() {
    let till = Till::new(POLICY);
    let model = turns([(0..8).map(|_| pays(7)).collect()]);
    run(&builder(&model, &till.guard()).add_tool(till.pay()).build().expect("an agent")).await;
    assert_eq!((till.paid(), sessions(&till).await.len()), (vec![7; 8], 1));
}

#[tokio::test]
async fn an_expired_session_is_replaced_and_a_crowd_shares_the_new_one() {
    let till = Till::new(POLICY);
    let model = script([pays(1)]);
    let agent = builder(&model, &till.guard()).add_tool(till.pay()).build().expect("an agent");
    run(&agent).await;
    till.advance(601);
    model.again([pays(2), pays(3)]);
    run(&agent).await;
    assert_eq!((till.paid(), sessions(&till).await.len()), (vec![1, 2, 3], 2));
    assert!(till.events().await.contains(&Event::Deny(DenyCode::JwtExpired)));
}

#[tokio::test]
async fn a_revoked_session_ends_the_agent() {
    let till = Till::new(POLICY);
    let model = script([pays(1)]);
    let agent = builder(&model, &till.guard()).add_tool(till.pay()).build().expect("an agent");
    run(&agent).await;
    assert!(till.engine.flush().await);
    let session = till.engine.records()[0].record.id.session;
    till.engine.end(session).expect("a session");
    for late in [0, 601] {
        till.advance(late);
        model.again([pays(7)]);
        run(&agent).await;
        assert!(model.heard().concat().contains("(SESSION_REVOKED)."), "{:?}", model.heard());
    }
    assert_eq!((till.paid(), sessions(&till).await.len()), (vec![1], 1));
}

#[tokio::test]
async fn close_ends_the_session_and_opens_no_other() {
    let till = Till::new(POLICY);
    let (model, guard) = (script([pays(1)]), till.guard());
    let agent = builder(&model, &guard).add_tool(till.pay()).build().expect("an agent");
    run(&agent).await;
    guard.close().await.expect("an open session");
    guard.close().await.expect("twice is fine");
    model.again([pays(2)]);
    run(&agent).await;
    assert!(model.heard().concat().contains("SESSION_REVOKED"), "{:?}", model.heard());
    assert_eq!(till.paid(), [1]);
    let unused = till.guard();
    unused.close().await.expect("nothing to end");
    let never = script([pays(3)]);
    run(&builder(&never, &unused).add_tool(till.pay()).build().expect("an agent")).await;
    assert!(never.heard().concat().contains("SESSION_CLOSED"), "{:?}", never.heard());
}

#[tokio::test]
async fn the_last_guard_takes_its_session_with_it() {
    let till = Till::new(POLICY);
    let model = script([pays(1)]);
    let agent = builder(&model, &till.guard()).add_tool(till.pay()).build().expect("an agent");
    run(&agent).await;
    assert!(till.engine.flush().await);
    let session = till.engine.records()[0].record.id.session;
    assert!(!till.engine.session(session).expect("a session").revoked, "the agent holds its guard");
    drop(agent);
    yield_now().await;
    assert!(till.engine.session(session).expect("a session").revoked);
}

#[tokio::test]
async fn a_session_that_nobody_opened_is_nobody() {
    let till = Till::new(POLICY);
    let guard = Guard::new(till.engine.clone(), Principal::token("sgs_made_up"));
    let model = script([pays(7)]);
    run(&builder(&model, &guard).add_tool(till.pay()).build().expect("an agent")).await;
    assert!(model.offered().is_empty(), "it can call nothing");
    assert!(model.heard()[0].contains("JWT_INVALID"), "{:?}", model.heard());
    assert!(till.paid().is_empty());
}
