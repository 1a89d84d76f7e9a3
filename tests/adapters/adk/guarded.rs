//! One tool, and what its caller hears.

use std::sync::Arc;
use std::time::Duration;

use adk_core::{ErrorCategory, Tool};
use scopegate_adk::{Guard, Guarded};
use scopegate_core::{DenyCode, Disclosure, Event, Principal, Provision, Reviews};
use scopegate_engine::{CredentialSource, LocalEnforcer, Policy};
use serde_json::{Value, json};

use crate::support::{Pay, context};

const POLICY: &str = "
version: 1
roles:
  - name: payer
    allowed_tools: [pay]
    max_delegation_depth: 2
    parameter_constraints: {pay: [{field: amount, operator: lte, value: 1000}]}
    approval_unless: {pay: [{field: amount, operator: lte, value: 100}]}
  - name: helper
    allowed_tools: [pay]
    parameter_constraints: {pay: [{field: amount, operator: lte, value: 10}]}
";

fn engine() -> LocalEnforcer {
    let policy = POLICY.parse::<Policy>().unwrap_or_else(|error| panic!("{error}"));
    LocalEnforcer::new(policy).expect("a checked policy")
}

fn guard(engine: &LocalEnforcer) -> Guard {
    Guard::opening(engine.clone(), Provision::new("payer", "agent-7"))
}

fn guarded(pay: &Pay, guard: &Guard) -> Arc<dyn Tool> {
    Arc::new(Guarded::new(Arc::new(pay.clone()), guard.clone()))
}

async fn events(engine: &LocalEnforcer) -> Vec<Event> {
    assert!(engine.flush().await);
    engine.records().iter().map(|line| line.record.event).collect()
}

#[tokio::test]
async fn a_call_is_decided_once_also_through_two_guards() {
    for twice in [false, true] {
        let (engine, pay) = (engine(), Pay::default());
        let guard = guard(&engine);
        let mut tool = guarded(&pay, &guard);
        if twice {
            tool = Arc::new(Guarded::new(tool, guard.clone()));
        }
        let ask = async |args: Value| tool.execute(context("ann"), args).await;
        assert_eq!(ask(json!({"memo": "b", "amount": 7})).await.expect("permitted"), json!("paid 7"));
        assert!(ask(json!({"amount": 5000})).await.is_err());
        assert!(ask(json!({"amount": 7.5})).await.is_err(), "the tool itself fails");
        for refused in [json!([7]), json!("{\"amount\": 7}"), Value::Null] {
            assert!(ask(refused).await.is_err());
        }
        assert_eq!(pay.paid(), [7]);
        let denied = Event::Deny(DenyCode::ParameterViolation);
        let expected = [Event::Permit, Event::Ran, denied, Event::Permit, Event::Failed];
        assert_eq!(events(&engine).await[..5], expected);
    }
}

#[tokio::test]
async fn guards_that_differ_each_decide() {
    let (engine, pay) = (engine(), Pay::default());
    let inner = guarded(&pay, &guard(&engine));
    let outer = Guarded::new(inner, guard(&engine));
    outer.execute(context("ann"), json!({"amount": 7})).await.expect("permitted");
    let permits = events(&engine).await.into_iter().filter(|event| *event == Event::Permit).count();
    assert_eq!((pay.paid(), permits), (vec![7], 2));
}

#[tokio::test]
async fn the_model_hears_why_and_the_host_reads_the_code() {
    for (level, told) in [
        (Disclosure::Code, "`pay` was not run (PARAMETER_VIOLATION). "),
        (Disclosure::Reason, "`pay` was not run: `amount` must be at most 1000 (PARAMETER_VIOLATION). "),
    ] {
        let (engine, pay) = (engine(), Pay::default());
        let tool = guarded(&pay, &guard(&engine).disclose(level));
        let error = tool.execute(context("ann"), json!({"amount": 5000})).await.expect_err("denied");
        assert!(error.message.starts_with(told), "{}", error.message);
        assert_eq!((error.code, error.category), ("PARAMETER_VIOLATION", ErrorCategory::InvalidInput));
        assert!(!error.is_retryable(), "the same call again is of no use");
    }
}

#[tokio::test]
async fn held_calls_come_back_or_are_waited_for() {
    let (engine, pay) = (engine(), Pay::default());
    let tool = guarded(&pay, &guard(&engine));
    let held = tool.execute(context("ann"), json!({"amount": 400})).await.expect_err("held");
    let review = engine.pending_reviews().remove(0);
    assert_eq!((held.code, &held.details.metadata["review"]), ("HELD", &json!(review.id)));
    engine.approve(review.id, "dana").await.expect("a pending review");
    tool.execute(context("ann"), json!({"amount": 400})).await.expect("permitted");
    assert!(tool.execute(context("ann"), json!({"amount": 400})).await.is_err(), "one yes, one run");

    let patient = guard(&engine).wait_for_review(engine.clone(), Duration::from_secs(60));
    let tool = guarded(&pay, &patient);
    let person = async {
        loop {
            if let Some(review) =
                engine.pending_reviews().iter().find(|review| review.arguments.contains("500"))
            {
                engine.approve(review.id, "dana").await.expect("a pending review");
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = tokio::join!(tool.execute(context("ann"), json!({"amount": 500})), person);
    assert_eq!(answer.expect("approved"), json!("paid 500"));
    assert_eq!(pay.paid(), [400, 500]);
}

#[tokio::test]
async fn sub_agents_can_only_narrow_and_end_with_their_parent() {
    let (engine, pay) = (engine(), Pay::default());
    let parent = guard(&engine);
    let child = parent.sub_agent(engine.clone(), Provision::new("helper", "h")).expect("a parent");
    let tool = guarded(&pay, &child);
    assert!(tool.execute(context("ann"), json!({"amount": 50})).await.is_err());
    tool.execute(context("ann"), json!({"amount": 5})).await.expect("permitted");
    parent.close().await.expect("an open session");
    assert!(tool.execute(context("ann"), json!({"amount": 5})).await.is_err());
    assert_eq!(pay.paid(), [5]);
}

#[tokio::test]
async fn each_run_is_whoever_the_host_says() {
    let (engine, pay) = (engine(), Pay::default());
    let ann = engine.open(Provision::new("payer", "ann")).expect("a session").session;
    let guard = Guard::from_context(engine.clone(), move |run| {
        (run.user_id() == "ann").then_some(Principal::Session(ann))
    });
    let tool = guarded(&pay, &guard);
    tool.execute(context("ann"), json!({"amount": 7})).await.expect("permitted");
    let error = tool.execute(context("bob"), json!({"amount": 7})).await.expect_err("nobody");
    assert_eq!(error.code, "NO_SESSION");
    assert!(guard.sub_agent(engine, Provision::new("helper", "h")).is_none());
    assert_eq!(pay.paid(), [7]);
}

#[tokio::test]
async fn a_secret_reaches_the_tool_it_is_bound_to() {
    struct Vault;

    impl CredentialSource for Vault {
        fn find(&self, name: &str) -> Option<Arc<str>> {
            (name == "till-key").then(|| "open sesame".into())
        }
    }

    let bound = POLICY.replacen(
        "    max_delegation_depth: 2\n",
        "    allowed_credentials: [till-key]\n    credential_mapping: {pay: till-key}\n",
        1,
    );
    let policy = bound.parse::<Policy>().unwrap_or_else(|error| panic!("{error}"));
    let engine = LocalEnforcer::builder(policy).credentials(Vault).build().expect("a checked policy");
    let pay = Pay::default();
    let tool = guarded(&pay, &guard(&engine));
    tool.execute(context("ann"), json!({"amount": 7})).await.expect("permitted");
    pay.execute(context("ann"), json!({"amount": 8})).await.expect("unguarded");
    assert_eq!(pay.payments(), [(7, Some("open sesame".to_owned())), (8, None)]);
}

#[test]
fn a_guarded_tool_says_of_itself_what_the_tool_says() {
    let pay = Pay::default();
    let tool = guarded(&pay, &guard(&engine()));
    assert_eq!((tool.name(), tool.description()), (pay.name(), pay.description()));
    assert_eq!(tool.declaration(), pay.declaration());
    assert_eq!(tool.enhanced_description(), pay.enhanced_description());
    assert_eq!(tool.parameters_schema(), pay.parameters_schema());
    assert_eq!(tool.response_schema(), pay.response_schema());
    assert_eq!(tool.required_scopes(), pay.required_scopes());
    assert!(tool.is_long_running() && tool.is_builtin() && tool.is_read_only());
    assert!(tool.is_concurrency_safe() && tool.is_agent_delegation());
}
