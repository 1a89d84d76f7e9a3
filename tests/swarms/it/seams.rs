//! Where seams meet, a call is decided, counted and recorded once; what runs is what was judged.

use scopegate_core::{DenyCode, Event};
use scopegate_swarms::{AgentBuilder, BuildError, Guard, Guarded, GuardedAgent, GuardedDyn};
use serde_json::json;
use swarms_rs::agent::ChatResponse;
use swarms_rs::structs::tool::ToolDyn;

use crate::support::{POLICY, SECRET, Script, Till, builder, pays, run, script, tools_only, turns};

type Build = fn(&Till, &Guard, &Script) -> AgentBuilder<Script>;

/// Which seams stand around the tool.
const SEAMS: [(&str, Build); 7] = [
    ("the model and the tool", |till, guard, model| builder(model, guard).add_tool(till.pay())),
    ("the tool", |till, guard, model| tools_only(model, guard).add_tool(till.pay())),
    ("the model and a tool of no known type", |till, guard, model| {
        builder(model, guard).add_dyn_tool(till.pay())
    }),
    ("a tool of no known type", |till, guard, model| tools_only(model, guard).add_dyn_tool(till.pay())),
    ("the model and the tool, twice", |till, guard, model| {
        builder(model, guard).add_tool(Guarded::new(till.pay(), guard.clone()))
    }),
    ("the tool, twice", |till, guard, model| {
        tools_only(model, guard).add_dyn_tool(GuardedDyn::new(till.pay(), guard.clone()))
    }),
    ("swarms' own builder", |till, guard, model| {
        let pay = Guarded::new(till.pay(), guard.clone());
        builder(model, guard).settings(|swarms| swarms.add_tool(pay))
    }),
];

#[tokio::test]
async fn a_call_is_decided_once_through_any_seams() {
    for (name, build) in SEAMS {
        let till = Till::new(POLICY);
        let model = script([pays(7), pays(5000), pays(13)]);
        let guard = till.guard();
        run(&build(&till, &guard, &model).build().expect("an agent")).await;
        let denied = Event::Deny(DenyCode::ParameterViolation);
        let expected = [Event::Permit, Event::Ran, denied, Event::Permit, Event::Failed];
        assert_eq!(till.paid(), [7], "{name}");
        assert_eq!(till.events().await, expected, "{name}");
    }
}

#[tokio::test]
async fn calls_of_one_turn_keep_their_permits_apart() {
    let till =
        Till::new("{version: 1, roles: [{name: payer, allowed_tools: [pay], rate_limit_per_minute: 5}]}");
    let model = turns([(0..20).map(|number| pays(number % 2 + 1)).collect()]);
    run(&builder(&model, &till.guard()).add_tool(till.pay()).build().expect("an agent")).await;
    assert_eq!(till.paid().len(), 5);
    let events = till.events().await;
    let count = |wanted: Event| events.iter().filter(|event| **event == wanted).count();
    assert_eq!((count(Event::Permit), count(Event::Ran), count(Event::Dropped)), (5, 5, 0), "{events:?}");
    assert_eq!(count(Event::Deny(DenyCode::RateLimitExceeded)), 15, "{events:?}");
}

#[tokio::test]
async fn guards_that_differ_each_decide() {
    let till = Till::new(POLICY);
    let (outer, inner) = (till.guard(), till.guard());
    let pay = Guarded::new(till.pay(), inner);
    let model = script([pays(7)]);
    let agent = builder(&model, &outer).settings(|swarms| swarms.add_tool(pay)).build().expect("an agent");
    run(&agent).await;
    assert_eq!(till.paid(), [7]);
    let permits = till.events().await.into_iter().filter(|event| *event == Event::Permit).count();
    assert_eq!(permits, 2);
}

#[tokio::test]
async fn a_tool_that_the_host_calls_is_guarded_too() {
    let till = Till::new(POLICY);
    let typed = Guarded::new(till.pay(), till.guard());
    let erased = GuardedDyn::new(till.pay(), till.guard());
    for tool in [&typed as &dyn ToolDyn, &erased] {
        assert_eq!(tool.name(), "pay");
        assert!(tool.call(r#"{"amount": 7}"#.to_owned()).await.is_ok());
        for refused in
            [r#"{"amount": 5000}"#, r#"{"amount": 7, "amount": 5000}"#, "[7]", "7", "null", "", "{"]
        {
            let answer = tool.call(refused.to_owned()).await;
            assert!(answer.is_err(), "{refused}: {answer:?}");
        }
    }
    assert_eq!(till.paid(), [7, 7]);
}

/// The tool's own type knows no `note`. Read into it first, nobody would ever have seen one.
#[tokio::test]
async fn what_a_tool_does_not_read_is_judged_too() {
    for (name, build) in SEAMS {
        let till = Till::new(
            "{version: 1, roles: [{name: payer, allowed_tools: [pay], parameter_constraints: {
                pay: [{field: note, operator: eq, value: rent, when_absent: allow}]}}]}",
        );
        let gift = ("pay", json!({"amount": 8, "note": "gift"}));
        let model = script([gift, ("pay", json!({"amount": 7, "note": "rent"})), pays(9)]);
        run(&build(&till, &till.guard(), &model).build().expect("an agent")).await;
        assert_eq!(till.paid(), [7, 9], "{name}");
        assert!(till.events().await.contains(&Event::Deny(DenyCode::ParameterViolation)), "{name}");
    }
}

/// A permit on its way inward is not for another call, also of the same turn and with the same arguments.
#[tokio::test]
async fn one_yes_runs_one_of_two_calls_that_are_the_same() {
    for build in [builder, tools_only] {
        let till =
            Till::new("{version: 1, roles: [{name: payer, allowed_tools: [pay], rate_limit_per_minute: 1}]}");
        let model = turns([vec![pays(7), pays(7), pays(7)]]);
        run(&build(&model, &till.guard()).add_tool(till.pay()).build().expect("an agent")).await;
        assert_eq!(till.paid(), [7]);
    }
}

/// Nothing of a run can be taken up after it, or beside it.
#[tokio::test]
async fn a_permit_that_waits_is_of_no_use_elsewhere() {
    let till = Till::new(
        "{version: 1, roles: [{name: payer, allowed_tools: [pay, other], rate_limit_per_minute: 1}]}",
    );
    let guard = till.guard();
    // The agent has no such tool, so the permit of its call is left over.
    let model = script([pays(7), ("other", json!({}))]);
    let agent = builder(&model, &guard).settings(|swarms| swarms.add_tool(Other)).build().expect("an agent");
    run(&agent).await;
    let pay = Guarded::new(till.pay(), guard);
    let late = ToolDyn::call(&pay, r#"{"amount":7}"#.to_owned()).await;
    assert!(late.is_err_and(|error| error.to_string().contains("RATE_LIMIT_EXCEEDED")));
    assert!(till.paid().is_empty());
    assert_eq!(till.events().await[..2], [Event::Permit, Event::Dropped]);
}

struct Other;

impl swarms_rs::structs::tool::Tool for Other {
    const NAME: &'static str = "other";
    type Args = serde_json::Value;
    type Output = ();
    type Error = std::fmt::Error;

    fn definition(&self) -> swarms_rs::llm::request::ToolDefinition {
        let parameters = json!({"type": "object"});
        swarms_rs::llm::request::ToolDefinition {
            name: "other".into(),
            description: String::new(),
            parameters,
        }
    }

    async fn call(&self, _: serde_json::Value) -> Result<(), std::fmt::Error> {
        Ok(())
    }
}

#[tokio::test]
async fn a_run_that_is_dropped_drops_its_permits() {
    let till = Till::new(POLICY);
    let model = turns([vec![pays(7), pays(400)]]);
    let guard = till.guard().wait_for_review(till.engine.clone(), std::time::Duration::from_secs(60));
    let agent = builder(&model, &guard).add_tool(till.pay()).build().expect("an agent");
    tokio::select! {
        _ = run(&agent) => panic!("nobody looks at the second call"),
        () = async { while till.engine.pending_reviews().is_empty() { tokio::task::yield_now().await } } => {}
    }
    assert!(till.paid().is_empty(), "calls of one turn wait for each other");
    let events = till.events().await;
    assert!(events.contains(&Event::Permit) && events.contains(&Event::Dropped), "{events:?}");
}

#[tokio::test]
async fn runs_of_one_agent_do_not_mix() {
    use swarms_rs::Agent;
    let till = Till::new(POLICY);
    let model = turns((1..=6).map(|amount| vec![pays(amount)]));
    let mut agent = builder(&model, &till.guard()).add_tool(till.pay()).build().expect("an agent");
    let tasks = (0..4).map(|number| format!("task {number}")).collect();
    assert_eq!(agent.run_multiple_tasks(tasks).await.expect("they end").len(), 4);
    let mut paid = till.paid();
    paid.sort_unstable();
    assert_eq!(paid, [1, 2, 3, 4, 5, 6]);
    let events = till.events().await;
    assert!(events.iter().all(|event| matches!(event, Event::Permit | Event::Ran)), "{events:?}");
}

#[tokio::test]
async fn a_secret_reaches_a_guarded_tool_and_no_other() {
    const BOUND: &str = "
version: 1
roles: [{name: payer, allowed_tools: [pay], allowed_credentials: [till-key], credential_mapping: {pay: till-key}}]
";
    let till = Till::new(BOUND);
    let model = script([pays(7)]);
    let agent = builder(&model, &till.guard()).add_tool(till.pay()).build().expect("an agent");
    run(&agent).await;
    assert_eq!(till.payments()[0].secret.as_deref(), Some(SECRET));
    let agent = bare(&till, &model);
    run(&agent).await;
    assert_eq!(till.paid(), [7], "not without its secret");
}

/// The model is guarded, the tool is not.
fn bare(till: &Till, model: &Script) -> GuardedAgent<Script> {
    let pay = till.pay();
    model.again([pays(8)]);
    builder(model, &till.guard()).settings(|swarms| swarms.add_tool(pay)).build().expect("an agent")
}

#[test]
fn guarded_tools_alone_have_to_be_all_that_there_is() {
    let till = Till::new(POLICY);
    let (model, guard) = (script([]), till.guard());
    assert!(tools_only(&model, &guard).add_tool(till.pay()).build().is_ok());
    let behind = tools_only(&model, &guard).add_tool(till.pay()).settings(|swarms| swarms.add_tool(Other));
    assert_eq!(behind.build().err(), Some(BuildError::Unguarded("other".to_owned())));
    let evaluated = AgentBuilder::tools_only(model.clone(), guard.clone()).add_tool(till.pay());
    assert!(evaluated.build().is_ok(), "swarms' own tool that ends a run");
    // A guarded tool cannot be replaced.
    let replaced = tools_only(&model, &guard).add_tool(till.pay());
    let agent = replaced.settings(|swarms| swarms.add_tool(till.pay())).build().expect("an agent");
    model.again([pays(5000)]);
    let answer = tokio::runtime::Runtime::new().expect("a runtime").block_on(agent.chat("go", vec![]));
    assert!(matches!(answer, Ok(ChatResponse::ToolCalls(calls)) if calls[0].result.contains("at most 1000")));
    assert!(till.paid().is_empty());
}
