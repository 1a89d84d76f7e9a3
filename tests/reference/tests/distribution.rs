//! How often each answer comes, and how fast.

use scopegate_reference::{Event, Scenario, run, scenario};
use std::collections::BTreeMap;
use std::time::Instant;

const CODES: [&str; 18] = [
    "JWT_INVALID",
    "AGENT_SUSPENDED",
    "SESSION_REVOKED",
    "JWT_EXPIRED",
    "SESSION_EXPIRED",
    "ACTION_FORBIDDEN",
    "SCOPE_VIOLATION",
    "CREDENTIAL_VIOLATION",
    "DELEGATION_DEPTH_EXCEEDED",
    "TIME_VIOLATION",
    "INVALID_ARGUMENTS",
    "ENV_VIOLATION",
    "PARAMETER_VIOLATION",
    "DATA_LIMIT_EXCEEDED",
    "POLICY_DENIED",
    "RATE_LIMIT_EXCEEDED",
    "HOLD",
    "APPROVAL_REJECTED",
];

#[test]
fn every_answer_comes_often_enough() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut calls = 0;
    let mut running = std::time::Duration::ZERO;
    let mut seed = 0;
    while calls < 20_000 {
        let made = scenario(seed);
        let begin = Instant::now();
        let answers = run(&made).expect("a generated policy is readable");
        running += begin.elapsed();
        calls += answers.len();
        for (_, answer) in answers {
            *counts.entry(answer).or_default() += 1;
        }
        seed += 1;
    }
    println!("{calls} calls in {seed} scenarios, {:.0} decisions/s", calls as f64 / running.as_secs_f64());
    for (code, count) in &counts {
        println!("{code:28} {count:6} {:6.2} %", 100.0 * *count as f64 / calls as f64);
    }
    assert!(counts["PERMIT"] * 100 >= calls * 30);
    assert!(counts["HOLD"] * 100 >= calls * 5);
    for code in CODES {
        assert!(counts.get(code).is_some_and(|count| count * 2000 >= calls), "{code}");
    }
}

#[test]
fn a_seed_makes_one_scenario() {
    for seed in 0..50 {
        assert_eq!(format!("{:?}", scenario(seed)), format!("{:?}", scenario(seed)));
        let calls = scenario(seed).events.iter().filter(|event| matches!(event, Event::Call { .. })).count();
        assert!((60..=180).contains(&calls), "{calls}");
    }
}

/// Entries that are for one server alone, taken out of a policy; whether there were any.
fn take_out_entries_of_servers(policy: &mut serde_json::Value) -> bool {
    let mut found = false;
    let mut stays = |name: &str| {
        found |= name.contains('@');
        !name.contains('@')
    };
    for role in policy["roles"].as_array_mut().into_iter().flatten() {
        for member in role.as_object_mut().into_iter().flat_map(|role| role.values_mut()) {
            if let Some(list) = member.as_array_mut() {
                list.retain(|name| name.as_str().is_none_or(&mut stays));
            } else if let Some(map) = member.as_object_mut() {
                map.retain(|name, _| stays(name));
            }
        }
    }
    found
}

#[test]
fn entries_of_one_server_decide_often_enough() {
    let (mut calls, mut permitted, mut refused) = (0, 0, 0);
    for seed in 0..1000 {
        let made = scenario(seed);
        let mut document: serde_json::Value = serde_json::from_str(&made.policy).expect("JSON");
        if !take_out_entries_of_servers(&mut document) {
            continue;
        }
        let without = Scenario { policy: document.to_string(), ..made.clone() };
        let answers = run(&made).expect("readable").into_iter().zip(run(&without).expect("readable"));
        for ((_, with), (_, without)) in answers {
            calls += 1;
            permitted += usize::from(with == "PERMIT" && without != "PERMIT");
            refused += usize::from(with != "PERMIT" && without == "PERMIT");
        }
    }
    println!("{calls} calls under entries of one server: {permitted} permitted by them, {refused} refused");
    assert!(
        calls > 2000 && permitted * 100 >= calls && refused * 400 >= calls,
        "{permitted} {refused} {calls}"
    );
}

/// Takes the patterns that grant out of a policy; whether there were any.
fn take_out_patterns(policy: &mut serde_json::Value) -> bool {
    let roles = policy["roles"].as_array_mut().into_iter().flatten().filter_map(|role| role.as_object_mut());
    roles.filter_map(|role| role.remove("allowed_actions")).count() > 0
}

#[test]
fn patterns_and_entries_of_one_server_decide_together_often_enough() {
    let (mut calls, mut permitted, mut refused) = (0, 0, 0);
    for seed in 0..1000 {
        let made = scenario(seed);
        let document: serde_json::Value = serde_json::from_str(&made.policy).expect("JSON");
        let (mut listed, mut anywhere) = (document.clone(), document);
        if !take_out_patterns(&mut listed) || !take_out_entries_of_servers(&mut anywhere) {
            continue;
        }
        let answers = |policy: String| run(&Scenario { policy, ..made.clone() }).expect("readable");
        let (all, listed, anywhere) =
            (answers(made.policy.clone()), answers(listed.to_string()), answers(anywhere.to_string()));
        for (place, (at, answer)) in all.iter().enumerate() {
            let Event::Call { call, .. } = &made.events[*at] else { panic!("not a call") };
            if call.server.is_none() {
                continue;
            }
            calls += 1;
            let [listed, anywhere] = [&listed, &anywhere].map(|answers| answers[place].1 == "PERMIT");
            // Nothing but a pattern grants it, and an entry of the server stands against it.
            refused += usize::from(*answer != "PERMIT" && anywhere && !listed);
            permitted += usize::from(*answer == "PERMIT" && !listed);
        }
    }
    println!(
        "{calls} calls to servers under both: {permitted} permitted by patterns, {refused} refused by entries"
    );
    assert!(permitted * 50 >= calls && refused * 200 >= calls, "{permitted} {refused} {calls}");
}

#[test]
fn manifests_decide_often_enough() {
    let (mut calls, mut decided, mut passed) = (0, 0, 0);
    for seed in 0..300 {
        let made = scenario(seed);
        let mut document: serde_json::Value = serde_json::from_str(&made.policy).expect("JSON");
        if document.as_object_mut().expect("an object").remove("manifests").is_none() {
            continue;
        }
        let without = Scenario { policy: document.to_string(), ..made.clone() };
        let answers = run(&made).expect("readable").into_iter().zip(run(&without).expect("readable"));
        for ((place, with), (_, without)) in answers {
            let Event::Call { call, .. } = &made.events[place] else { panic!("not a call") };
            calls += 1;
            decided += usize::from(with == "SCOPE_VIOLATION" && without != with);
            passed += usize::from(with == "PERMIT" && call.resource.is_some());
        }
    }
    println!(
        "{calls} calls under manifests: {decided} denied by them, {passed} that name a resource permitted"
    );
    assert!(decided * 100 >= calls && passed * 10 >= calls, "{decided} and {passed} of {calls}");
}
