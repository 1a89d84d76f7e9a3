//! A server that asks in the middle of a call hears the answer of whoever it asked, once, and no other.

use serde_json::{Value, json};

use crate::support::{House, Raw, calling, modern};

/// A call from a client that shows forms, perhaps going on with an earlier one.
fn paying(amount: u64, state: Option<&str>, said: Option<Value>) -> Value {
    let mut call = modern(calling("pay", &json!({ "amount": amount })));
    call["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {}});
    if let Some(state) = state {
        call["params"]["requestState"] = json!(state);
    }
    if let Some(said) = said {
        call["params"]["inputResponses"] = said;
    }
    call
}

fn dana() -> Value {
    json!({"who": {"action": "accept", "content": {"name": "dana"}}})
}

async fn ask(raw: &mut Raw, line: &Value) -> Value {
    raw.send(&line.to_string()).await;
    raw.answer().await
}

/// Calls, is asked, and shows what the client holds of the question.
async fn question(raw: &mut Raw) -> String {
    let asked = ask(raw, &paying(14, None, None)).await;
    assert_eq!(asked["result"]["inputRequests"]["who"]["method"], "elicitation/create", "{asked}");
    asked["result"]["requestState"].as_str().expect("a state").to_owned()
}

#[tokio::test]
async fn an_answer_goes_on_with_the_servers_own_state_once() {
    let house = House::new();
    let mut raw = house.raw(&house.guard()).await;
    let state = question(&mut raw).await;
    assert_ne!(state, "till 3", "the client holds nothing that it could use elsewhere");

    let paid = ask(&mut raw, &paying(14, Some(&state), Some(dana()))).await;
    assert!(paid["result"]["content"].is_array(), "{paid}");
    let went_on = json!({"state": "till 3", "said": dana()});
    assert_eq!(house.ran_with()[1], ("answered".to_owned(), went_on));

    let again = ask(&mut raw, &paying(14, Some(&state), Some(dana()))).await;
    assert_eq!(again["error"]["code"], -32602, "{again}");
    assert_eq!(house.ran(), ["asked", "answered", "pay"]);
}

#[tokio::test]
async fn what_was_not_asked_of_this_call_is_not_answered() {
    let house = House::new();
    let mut raw = house.raw(&house.guard()).await;
    let state = question(&mut raw).await;
    let made_up = format!("scopegate-round:{:032x}", 7);
    let stranger = json!({"who": dana()["who"], "amount": {"action": "accept", "content": {"amount": 9999}}});
    for (what, call) in [
        ("an answer to no question", paying(1, None, Some(dana()))),
        ("a state of the server's own", paying(14, Some("till 3"), Some(dana()))),
        ("a state of another call", paying(15, Some(&state), Some(dana()))),
        ("a made-up state", paying(14, Some(&made_up), Some(dana()))),
        ("a state in other letters", paying(14, Some(&state.to_uppercase()), Some(dana()))),
        ("an answer beside the question", paying(14, Some(&state), Some(stranger))),
        ("an empty state", paying(14, Some(""), None)),
    ] {
        let answer = ask(&mut raw, &call).await;
        assert_eq!(answer["error"]["code"], -32602, "{what}: {answer}");
        assert_eq!(house.ran(), ["asked"], "{what}");
    }
    // The question itself still waits.
    ask(&mut raw, &paying(14, Some(&state), Some(dana()))).await;
    assert_eq!(house.ran(), ["asked", "answered", "pay"]);
}

#[tokio::test]
async fn an_answer_is_taken_from_whoever_was_asked() {
    let house = House::new();
    let (one, other) = (house.principal("clerk").await, house.principal("clerk").await);
    let guard = |principal| scopegate_mcp::Guard::new(house.engine.clone(), principal);
    let first = guard(one);
    let state = question(&mut house.raw(&first).await).await;
    let foreign = ask(&mut house.raw(&guard(other)).await, &paying(14, Some(&state), Some(dana()))).await;
    assert_eq!(foreign["error"]["code"], -32602, "{foreign}");
    assert_eq!(house.ran(), ["asked"]);
}
