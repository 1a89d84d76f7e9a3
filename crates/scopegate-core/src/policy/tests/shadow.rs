//! Policies that only look.

use super::*;

#[test]
fn the_shadow_changes_no_answer_and_says_what_it_would_have_said() {
    let say = |world: &World, call: &ToolCall, answered| {
        world.with(|facts| shadow(facts, call, world.now, answered).map(|pass| pass.record()))
    };
    let both = world(&[shadowed(policy("h", ActionType, Hold)), shadowed(patterns("d", Deny, &["bad"]))]);
    assert_eq!(both.decides(&call("pay", r#"{"x": "bad"}"#)), "permit");
    let record = |decision, changed, triggered: &[&str]| {
        let triggered = triggered.iter().map(|name| (*name).into()).collect();
        Some(Some(Shadowed { decision, changed, triggered }))
    };
    let (good, bad) = (call("pay", "{}"), call("pay", r#"{"x": "bad"}"#));
    assert_eq!(say(&both, &good, Answered::Permitted), record(Hold, true, &["h"]));
    assert_eq!(say(&both, &good, Answered::Agreed), record(Permit, false, &["h"]), "somebody had agreed");
    assert_eq!(say(&both, &good, Answered::Held), record(Hold, false, &["h"]));
    assert_eq!(say(&both, &good, Answered::Denied), record(Deny, false, &["h"]));
    assert_eq!(say(&both, &bad, Answered::Permitted), record(Deny, true, &["h", "d"]));
    assert_eq!(say(&both, &bad, Answered::Held), record(Deny, true, &["h", "d"]));
    let quiet = world(&[shadowed(patterns("d", Deny, &["bad"]))]);
    assert_eq!(say(&quiet, &good, Answered::Permitted), Some(None));
    assert_eq!(quiet.decides(&ToolCall::new("pay")), "permit", "nothing is read for it");
    assert_eq!(say(&world(&[policy("live", ActionType, Hold)]), &good, Answered::Held), None);
}

#[test]
fn the_report_counts_and_keeps_a_few_examples() {
    let world = world(&[shadowed(patterns("d", Deny, &["bad"]))]);
    let mut report = ShadowReport::default();
    let mut add = |call: &ToolCall, answered, number: u64| {
        let session = SessionId::from_bits(number.into());
        let owner: Name = format!("agent-{}", number % 3).into();
        let example = ShadowExample { at: world.now, session, owner, tool: call.tool.clone() };
        world.with(|facts| report.add(&shadow(facts, call, world.now, answered).unwrap(), &example));
    };
    for number in 0..20 {
        add(&call("pay", r#"{"x": "bad"}"#), Answered::Permitted, number);
    }
    add(&call("pay", r#"{"x": "bad"}"#), Answered::Denied, 20);
    add(&call("pay", "{}"), Answered::Permitted, 21);
    add(&ToolCall::new("pay"), Answered::Permitted, 22);
    let counts = report.of("d").unwrap();
    assert_eq!((counts.evaluated, counts.unread, counts.would_deny, counts.would_hold), (23, 1, 21, 0));
    assert_eq!((counts.would_have_changed, counts.agents_affected()), (20, 3));
    let kept: Vec<_> = counts.examples.iter().map(|example| example.session.bits()).collect();
    assert_eq!(kept, (10..20).collect::<Vec<_>>());
    report.retain(|name| name != "d");
    assert!(report.of("d").is_none());
}
