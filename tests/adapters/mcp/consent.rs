//! Held calls that the role leaves to whoever uses the client.

use rmcp::transport::StreamableHttpServerConfig;
use scopegate_core::{Args, Consent, DenyCode, Event, Gate, Principal, Refusal, Reviews, Sessions, ToolCall};
use scopegate_engine::Policy;
use scopegate_mcp::{Guard, REFUSAL};
use serde_json::{Value, json};

use crate::support::{House, Raw, calling, modern};

const POLICY: &str = "
version: 1
roles:
  - name: clerk
    allowed_tools: [pay, look]
    approval_by: client
    parameter_constraints:
      pay: [{field: amount, operator: lte, value: 1000}]
    approval_unless:
      pay: [{field: amount, operator: lte, value: 100}]
    approval_required: [look]
";

/// A call from a client that shows forms, perhaps with an answer.
fn asking(tool: &str, args: &Value, answer: Option<(&str, Value)>) -> Value {
    let mut call = modern(calling(tool, args));
    call["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {}});
    if let Some((state, said)) = answer {
        call["params"]["requestState"] = json!(state);
        call["params"]["inputResponses"] = json!({ "scopegate": said });
    }
    call
}

fn yes() -> Value {
    json!({"action": "accept", "content": {"agree": true}})
}

async fn ask(raw: &mut Raw, line: &Value) -> Value {
    raw.send(&line.to_string()).await;
    raw.answer().await
}

/// Asks, and shows the state of the question.
async fn question(raw: &mut Raw, tool: &str, args: &Value) -> String {
    let asked = ask(raw, &asking(tool, args, None)).await;
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    asked["result"]["requestState"].as_str().expect("a state").to_owned()
}

fn refusal(answer: &Value) -> &Value {
    &answer["result"]["_meta"][REFUSAL]["code"]
}

#[tokio::test]
async fn a_yes_runs_what_was_shown_once_and_is_no_review() {
    let house = House::under(POLICY);
    let mut raw = house.raw(&house.guard()).await;
    let args = json!({"amount": 400, "to": "dana\u{202e}"});
    let asked = ask(&mut raw, &asking("pay", &args, None)).await;
    let form = &asked["result"]["inputRequests"]["scopegate"];
    assert_eq!(form["method"], "elicitation/create", "{asked}");
    assert_eq!(form["params"]["message"], r#"May `pay` run with {"amount":400,"to":"dana\u202e"}?"#);
    let state = asked["result"]["requestState"].as_str().expect("a state");
    assert_eq!(house.ran(), [""; 0]);

    let ran = ask(&mut raw, &asking("pay", &args, Some((state, yes())))).await;
    assert!(ran["result"]["isError"] != true && ran["result"]["content"].is_array(), "{ran}");
    assert_eq!(house.ran_with(), [("pay".to_owned(), args.clone())]);
    assert_eq!(house.events().await, [Event::Hold, Event::Permit, Event::Ran]);
    let permit = &house.records().await[1];
    assert_eq!((permit.consent, permit.review), (Some(Consent::Client), None));
    // Nobody is asked to review it any more.
    assert!(house.engine.pending_reviews().is_empty());

    let again = ask(&mut raw, &asking("pay", &args, Some((state, yes())))).await;
    assert_eq!(again["error"]["code"], -32602, "{again}");
    assert_eq!(house.ran(), ["pay"]);
}

#[tokio::test]
async fn anything_but_a_yes_is_a_no_and_ends_the_question() {
    let house = House::under(POLICY);
    let mut raw = house.raw(&house.guard()).await;
    let args = json!({"amount": 400});
    for said in [
        json!({"action": "decline"}),
        json!({"action": "cancel"}),
        json!({"action": "accept"}),
        json!({"action": "accept", "content": {"agree": "true"}}),
        json!(null),
        json!("accept"),
    ] {
        let state = question(&mut raw, "pay", &args).await;
        let declined = ask(&mut raw, &asking("pay", &args, Some((&state, said.clone())))).await;
        assert_eq!(refusal(&declined), "CONSENT_DECLINED", "{said}: {declined}");
        let late = ask(&mut raw, &asking("pay", &args, Some((&state, yes())))).await;
        assert_eq!(late["error"]["code"], -32602, "{said}");
    }
    assert_eq!(house.ran(), [""; 0]);
}

#[tokio::test]
async fn a_yes_is_worth_nothing_for_another_call_or_with_another_state() {
    let house = House::under(POLICY);
    let mut raw = house.raw(&house.guard()).await;
    let args = json!({"amount": 400});
    let others =
        [("pay", json!({"amount": 401})), ("pay", json!({"amount": 400, "to": "x"})), ("look", args.clone())];
    for (tool, other) in others {
        let state = question(&mut raw, "pay", &args).await;
        let refused = ask(&mut raw, &asking(tool, &other, Some((&state, yes())))).await;
        assert_eq!(refused["error"]["code"], -32602, "{tool} {other}");
    }
    let state = question(&mut raw, "pay", &args).await;
    for at in 0..state.len() {
        let mut changed = state.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).expect("text");
        let answer = ask(&mut raw, &asking("pay", &args, Some((&changed, yes())))).await;
        // What does not look like ours is the server's; then the call is simply held.
        let asked = answer["result"]["resultType"] == "input_required";
        assert!(asked || answer["error"]["code"] == -32602, "{changed}: {answer}");
    }
    for state in ["", "scopegate:", "scopegate:0", &state[..20], &state.to_uppercase()] {
        ask(&mut raw, &asking("pay", &args, Some((state, yes())))).await;
    }
    assert_eq!(house.ran(), [""; 0]);
    // None of that has used it up.
    ask(&mut raw, &asking("pay", &args, Some((&state, yes())))).await;
    assert_eq!(house.ran(), ["pay"]);
}

#[tokio::test]
async fn a_yes_belongs_to_the_principal_that_was_asked() {
    let house = House::under(POLICY);
    let people = vec![("a", house.principal("clerk").await), ("b", house.principal("clerk").await)];
    let config = StreamableHttpServerConfig::default().with_json_response(true);
    let site = house.http_with(&Guard::from_http(house.engine.clone()), people, config).await;
    let args = json!({"amount": 400});
    let post = |who: &'static str, line: Value| {
        let headers = [
            ("authorization", who),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "pay"),
            ("mcp-param-amount", "400"),
        ];
        let site = &site;
        async move { site.post(&headers, line.to_string()).await.message() }
    };
    let asked = post("a", asking("pay", &args, None)).await;
    let state = asked["result"]["requestState"].as_str().expect("a state");
    let foreign = post("b", asking("pay", &args, Some((state, yes())))).await;
    assert_eq!(foreign["error"]["code"], -32602, "{foreign}");
    assert_eq!(house.ran(), [""; 0]);
    // Each request has a server of its own; what waits is shared.
    let asked = post("a", asking("pay", &args, None)).await;
    let state = asked["result"]["requestState"].as_str().expect("a state");
    let ran = post("a", asking("pay", &args, Some((state, yes())))).await;
    assert!(ran["result"]["content"].is_array(), "{ran}");
    assert_eq!(house.ran(), ["pay"]);
}

#[tokio::test]
async fn every_round_is_decided_anew() {
    let args = json!({"amount": 400});
    // Somebody else has said no meanwhile.
    let house = House::under(POLICY);
    let mut raw = house.raw(&house.guard()).await;
    let state = question(&mut raw, "pay", &args).await;
    let review = house.engine.pending_reviews().remove(0);
    house.engine.reject(review.id, "dana").await.expect("a pending review");
    let denied = ask(&mut raw, &asking("pay", &args, Some((&state, yes())))).await;
    assert_eq!(refusal(&denied), "APPROVAL_REJECTED", "{denied}");
    assert_eq!(house.ran(), [""; 0]);

    // The policy has changed: to a smaller sum, and to a reviewer.
    for (from, to, code) in [
        ("value: 1000", "value: 200", "PARAMETER_VIOLATION"),
        ("approval_by: client", "approval_by: reviewer", "HELD"),
    ] {
        let house = House::under(POLICY);
        let mut raw = house.raw(&house.guard()).await;
        let state = question(&mut raw, "pay", &args).await;
        let policy = Policy::from_text(&POLICY.replace(from, to), "policy").expect("a policy");
        house.engine.reload(&policy).expect("a sound policy");
        let refused = ask(&mut raw, &asking("pay", &args, Some((&state, yes())))).await;
        assert_eq!(refusal(&refused), code, "{refused}");
        assert_eq!(house.ran(), [""; 0]);
    }

    // The session was revoked.
    let house = House::under(POLICY);
    let principal = house.principal("clerk").await;
    let mut raw = house.raw(&Guard::new(house.engine.clone(), principal)).await;
    let state = question(&mut raw, "pay", &args).await;
    let session = house.records().await[0].id.session;
    house.engine.revoke(session).await.expect("a session");
    let refused = ask(&mut raw, &asking("pay", &args, Some((&state, yes())))).await;
    assert_eq!(refusal(&refused), "SESSION_REVOKED", "{refused}");
    assert_eq!(house.ran(), [""; 0]);
}

#[tokio::test]
async fn who_cannot_be_asked_waits_for_a_reviewer() {
    let long = json!({"amount": 400, "to": "x".repeat(5000)});
    let short = json!({"amount": 400});
    let plain = |args: &Value| modern(calling("pay", args));
    let url = {
        let mut call = plain(&short);
        call["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"elicitation": {"url": {}}});
        call
    };
    // No forms, only links, and more than a form can show.
    for line in [plain(&short), url, asking("pay", &long, None)] {
        let house = House::under(POLICY);
        let mut raw = house.raw(&house.guard()).await;
        assert_eq!(refusal(&ask(&mut raw, &line).await), "HELD");
        let review = house.engine.pending_reviews().remove(0);
        house.engine.approve(review.id, "dana").await.expect("a pending review");
        ask(&mut raw, &line).await;
        assert_eq!(house.ran(), ["pay"]);
        let permit = &house.records().await[1];
        assert_eq!((permit.consent, permit.review), (None, Some(review.id)));
    }
    // A client with a handshake, whatever it can.
    let house = House::under(POLICY);
    let mut raw = house.raw(&house.guard()).await;
    raw.hello().await;
    assert_eq!(refusal(&ask(&mut raw, &calling("pay", &short)).await), "HELD");
}

#[tokio::test]
async fn nobody_is_asked_where_a_reviewer_has_to_agree() {
    for policy in [
        POLICY.replace("approval_by: client", "approval_by: reviewer"),
        POLICY.replace("    approval_by: client\n", ""),
        // A parent that wants a reviewer.
        format!(
            "{POLICY}    parent_role_id: base\n  - name: base\n    allowed_tools: [pay]\n    approval_required: [pay]\n"
        ),
    ] {
        let house = House::under(&policy);
        let mut raw = house.raw(&house.guard()).await;
        let args = json!({"amount": 400});
        let held = ask(&mut raw, &asking("pay", &args, None)).await;
        assert_eq!(refusal(&held), "HELD", "{held}");
        // A yes that nobody asked for.
        let state = format!("scopegate:{:032x}", 0);
        let refused = ask(&mut raw, &asking("pay", &args, Some((&state, yes())))).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");

        // Nor does the engine take one from an adapter.
        let gate = Gate::new(house.engine.clone());
        let principal: Principal = house.principal("clerk").await;
        let call = ToolCall::new("pay").with_args(Args::from_value(&args));
        let held = gate.admit_agreed(&principal, call, Consent::Client).await;
        assert!(matches!(held, Err(Refusal::Held(_))), "{held:?}");
        assert_eq!(house.ran(), [""; 0]);
    }
}

#[tokio::test]
async fn a_consent_lifts_nothing_else() {
    let house = House::under(POLICY);
    let gate = Gate::new(house.engine.clone());
    let principal = house.principal("clerk").await;
    for (tool, args, code) in [
        ("pay", json!({"amount": 5000}), DenyCode::ParameterViolation),
        ("wipe", json!({}), DenyCode::ScopeViolation),
    ] {
        let call = ToolCall::new(tool).with_args(Args::from_value(&args));
        match gate.admit_agreed(&principal, call, Consent::Client).await {
            Err(Refusal::Denied(denial)) => assert_eq!(denial.code, code),
            other => panic!("{other:?}"),
        }
    }
    // A call that needed nobody is not stamped.
    let call = ToolCall::new("pay").with_args(Args::from_value(&json!({"amount": 1})));
    gate.admit_agreed(&principal, call, Consent::Client)
        .await
        .expect("a permit")
        .complete(scopegate_core::Outcome::Ok);
    let records = house.records().await;
    assert!(records.iter().any(|record| record.event == Event::Permit));
    assert!(records.iter().all(|record| record.consent.is_none()));
}

#[test]
fn who_may_agree_is_one_of_two() {
    for by in ["nobody", "Client", "''", "[client]", "true"] {
        let policy = POLICY.replace("approval_by: client", &format!("approval_by: {by}"));
        assert!(Policy::from_text(&policy, "policy").is_err(), "{by}");
    }
}
