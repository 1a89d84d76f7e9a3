//! Tools: what a client sees of them, and what runs.

use rmcp::model::{CacheScope, ErrorCode, PaginatedRequestParams};
use scopegate_core::{DenyCode, Disclosure, Event};
use scopegate_mcp::Guard;
use serde_json::{Value, json};

use crate::support::{Client, ERAS, Era, House, POLICY, SECRET, beside, call, calling, is_error, text};

/// Over streams and over HTTP, in both eras.
async fn everywhere() -> Vec<(House, Client, String)> {
    let mut clients = Vec::new();
    for era in ERAS {
        let house = House::new();
        let client = house.client(&house.guard(), era).await;
        clients.push((house, client, format!("streams, {era:?}")));
        let house = House::new();
        let site = house.http(&house.guard(), vec![]).await;
        let client = site.client(era, "nobody").await;
        // A client that has not seen a tool cannot know which arguments it has to repeat in headers.
        client.list_all_tools().await.expect("tools");
        clients.push((house, client, format!("HTTP, {era:?}")));
    }
    clients
}

#[tokio::test]
async fn a_list_shows_what_the_role_could_be_permitted() {
    for (_, client, place) in everywhere().await {
        let (mut cursor, mut pages) = (None, Vec::new());
        loop {
            let page = PaginatedRequestParams::default().with_cursor(cursor);
            let page = client.list_tools(Some(page)).await.expect(&place);
            pages.push(page.tools.iter().map(|tool| tool.name.to_string()).collect::<Vec<_>>());
            // The server says that anybody may cache it.
            assert_eq!(page.cache_scope, Some(CacheScope::Private), "{place}");
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        // The second page is empty and leads on; `fail` is denied to everybody.
        assert_eq!(pages, [vec!["pay", "look"], vec![], vec!["wait"]], "{place}");
    }
}

#[tokio::test]
async fn a_permitted_call_runs_with_what_was_judged() {
    for (house, client, place) in everywhere().await {
        let result = call(&client, "pay", json!({"amount": 5, "to": "dana"})).await.expect(&place);
        assert!(!is_error(&result), "{place}: {result:?}");
        assert_eq!(house.ran_with(), [("pay".to_owned(), json!({"amount": 5, "to": "dana"}))], "{place}");
        let failed = call(&client, "pay", json!({"amount": 13})).await.expect(&place);
        assert!(is_error(&failed), "{place}");
        assert_eq!(
            house.events().await,
            [Event::Permit, Event::Ran, Event::Permit, Event::Failed],
            "{place}"
        );
    }
}

#[tokio::test]
async fn a_denied_call_says_why_and_does_not_run() {
    for (house, client, place) in everywhere().await {
        let denied = call(&client, "pay", json!({"amount": 5000})).await.expect(&place);
        assert!(is_error(&denied), "{place}");
        assert_eq!(
            text(&denied),
            "`pay` was not run: `amount` must be at most 1000 (PARAMETER_VIOLATION). \
             Correct the arguments and call it again."
        );
        assert_eq!(beside(&denied), json!({"code": "PARAMETER_VIOLATION", "guidance": "fix_arguments"}));
        assert_eq!(house.events().await, [Event::Deny(DenyCode::ParameterViolation)], "{place}");
        assert_eq!(house.ran(), [""; 0], "{place}");
    }
}

#[tokio::test]
async fn a_hidden_tool_looks_like_one_that_there_is_not() {
    for (house, client, place) in everywhere().await {
        // Ungranted, forbidden, a name that is judged as something else, one the server does not
        // have, and one the role grants and the server does not have.
        for tool in ["wipe", "fail", "mcp:resources/read", "nothing", "absent"] {
            let error = call(&client, tool, json!({"amount": 1})).await.expect_err(tool);
            assert_eq!(error.code, ErrorCode::INVALID_PARAMS, "{place}: {tool}");
            assert_eq!((error.message.as_ref(), &error.data), ("tool not found", &None), "{place}: {tool}");
        }
        assert_eq!(house.ran(), [""; 0], "{place}");
        // What was asked for is recorded all the same.
        let denied = [DenyCode::ScopeViolation, DenyCode::ActionForbidden, DenyCode::ScopeViolation];
        let mut expected: Vec<_> = denied.map(Event::Deny).into();
        expected.extend([Event::Permit, Event::Failed]);
        assert_eq!(house.events().await, expected, "{place}");
    }
}

#[tokio::test]
async fn what_the_model_is_told_can_be_chosen() {
    let house = House::new();
    let client = house.client(&house.guard().disclose(Disclosure::Code), Era::Modern).await;
    let denied = call(&client, "pay", json!({"amount": 5000})).await.expect("a result");
    assert!(text(&denied).starts_with("`pay` was not run (PARAMETER_VIOLATION)."), "{denied:?}");
}

#[tokio::test]
async fn arguments_may_be_absent_or_null_and_nothing_else() {
    let house = House::new();
    let mut raw = house.raw(&house.guard()).await;
    raw.hello().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look"}}"#).await;
    assert_eq!(raw.answer().await["result"]["content"][0]["text"], "look null");
    raw.send(&calling("look", &Value::Null).to_string()).await;
    assert_eq!(raw.answer().await["result"]["content"][0]["text"], "look null");
    for args in [json!([]), json!("x"), json!(1), json!(true)] {
        raw.send(&calling("look", &args).to_string()).await;
        assert_eq!(raw.answer().await["error"]["code"], -32602, "{args}");
    }
    assert_eq!(house.ran(), ["look", "look"]);
}

#[tokio::test]
async fn a_secret_reaches_the_tool_and_nobody_else() {
    let policy = "
version: 1
roles:
  - name: clerk
    allowed_tools: [pay, look]
    allowed_credentials: [till-key]
    credential_mapping: {pay: till-key}
";
    let house = House::under(policy);
    let client = house.client(&house.guard(), Era::Legacy).await;
    let paid = call(&client, "pay", json!({"amount": 1})).await.expect("a result");
    call(&client, "look", json!({})).await.expect("a result");
    let came_with = house.shop.came_with.lock().expect("no panic").clone();
    let secrets: Vec<_> = came_with.iter().map(|(_, secret)| secret.as_deref()).collect();
    assert_eq!(secrets, [Some(SECRET), None]);
    // The permit names the record.
    let permits: Vec<_> = came_with.iter().filter_map(|(permit, _)| *permit).collect();
    assert_eq!(permits.len(), 2);
    let ran = house.records().await.into_iter().find(|record| record.event == Event::Ran);
    assert_eq!(ran.map(|record| record.id), Some(permits[0]));
    assert!(!format!("{paid:?}").contains(SECRET));
}

#[tokio::test]
async fn a_call_that_is_cancelled_reports_that_it_failed() {
    let house = House::new();
    let mut raw = house.raw(&house.guard()).await;
    raw.hello().await;
    raw.send(&calling("wait", &json!({})).to_string()).await;
    house.shop.waiting.notified().await;
    raw.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#).await;
    while house.events().await.len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.events().await, [Event::Permit, Event::Failed]);
}

#[tokio::test]
async fn a_server_is_named_where_roles_and_catalogues_name_it() {
    let policy = "
version: 1
mcp_servers:
  till:
    tools:
      - {name: pay, inputSchema: {type: object, properties: {amount: {type: integer, maximum: 7}}, required: [amount]}}
      - {name: look}
roles:
  - name: clerk
    allowed_tools: [pay, look, wait]
    allowed_mcp_servers: [till]
";
    let house = House::under(policy);
    let client = house.client(&house.guard().server_name("till"), Era::Modern).await;
    call(&client, "pay", json!({"amount": 7})).await.expect("a result");
    for (tool, args, code) in [
        ("pay", json!({"amount": 8}), "MCP_ARGUMENT_SCHEMA_VIOLATION"),
        ("pay", json!({}), "MCP_ARGUMENT_SCHEMA_VIOLATION"),
        // Its catalogue is all that a server has.
        ("wait", json!({}), "MCP_TOOL_NOT_FOUND"),
    ] {
        let denied = call(&client, tool, args).await.expect("a result");
        assert_eq!(beside(&denied)["code"], code);
    }
    assert_eq!(house.ran(), ["pay"]);

    // Under another name, and under none, it is no server of that role.
    for guard in [house.guard().server_name("other"), house.guard()] {
        let client = house.client(&guard, Era::Legacy).await;
        let denied = call(&client, "pay", json!({"amount": 7})).await.expect("a result");
        assert_eq!(beside(&denied)["code"], "MCP_SERVER_UNAUTHORIZED");
    }
    assert_eq!(house.ran(), ["pay"]);
}

#[tokio::test]
async fn a_session_that_is_over_is_said_to_be_over_whatever_was_called() {
    let house = House::under(POLICY);
    let principal = house.principal("clerk").await;
    let client = house.client(&Guard::new(house.engine.clone(), principal), Era::Legacy).await;
    house.advance(601);
    for tool in ["pay", "wipe"] {
        let denied = call(&client, tool, json!({"amount": 1})).await.expect("a result");
        assert_eq!(beside(&denied)["code"], "JWT_EXPIRED", "{tool}");
    }
    // A session of the guard's own is opened anew.
    let client = house.client(&house.guard(), Era::Legacy).await;
    call(&client, "look", json!({})).await.expect("a result");
    house.advance(601);
    assert!(!is_error(&call(&client, "look", json!({})).await.expect("a result")));
    assert_eq!(house.ran(), ["look", "look"]);
}
