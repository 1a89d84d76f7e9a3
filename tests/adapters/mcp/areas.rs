//! What a server has beside tools, by the same roles.

use rmcp::ServiceError;
use rmcp::model::*;
use scopegate_core::{DenyCode, Event};
use scopegate_mcp::{Area, Guard, REFUSAL};
use serde_json::json;

use crate::support::{Client, ERAS, Era, House};

fn code<T: std::fmt::Debug>(answer: Result<T, ServiceError>) -> (i32, serde_json::Value) {
    match answer {
        Err(ServiceError::McpError(error)) => {
            let refusal = error.data.map(|data| data[REFUSAL]["code"].clone());
            (error.code.0, refusal.unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}

async fn guest(house: &House, era: Era) -> Client {
    let guard = Guard::new(house.engine.clone(), house.principal("guest").await);
    house.client(&guard, era).await
}

async fn prompt(client: &Client, name: &str) -> Result<GetPromptResult, ServiceError> {
    client.get_prompt(GetPromptRequestParams::new(name)).await
}

async fn read(client: &Client, uri: &str) -> Result<ReadResourceResult, ServiceError> {
    client.read_resource(ReadResourceRequestParams::new(uri)).await
}

#[tokio::test]
async fn prompts_are_granted_by_name() {
    for era in ERAS {
        let house = House::new();
        let client = house.client(&house.guard(), era).await;
        let prompts = client.list_all_prompts().await.expect("prompts");
        assert_eq!(prompts.iter().map(|prompt| prompt.name.as_str()).collect::<Vec<_>>(), ["greet"]);
        prompt(&client, "greet").await.expect("granted");
        assert_eq!(code(prompt(&client, "secret").await), (-32602, json!(null)), "{era:?}");
        assert_eq!(code(prompt(&client, "nothing").await), (-32602, json!(null)), "{era:?}");

        let client = guest(&house, era).await;
        assert_eq!(client.list_all_prompts().await.expect("prompts"), []);
        assert!(prompt(&client, "greet").await.is_err());
        assert_eq!(house.ran(), ["prompt greet"], "{era:?}");
    }
}

#[tokio::test]
async fn resources_are_granted_by_what_holds_of_their_uri() {
    for era in ERAS {
        let house = House::new();
        let client = house.client(&house.guard(), era).await;
        assert_eq!(client.list_all_resources().await.expect("resources").len(), 1);
        assert_eq!(client.list_all_resource_templates().await.expect("templates").len(), 1);
        read(&client, "note://open/1").await.expect("granted");
        let denied = code(read(&client, "note://closed/1").await);
        assert_eq!(denied, (-32600, json!("PARAMETER_VIOLATION")), "{era:?}");

        let client = guest(&house, era).await;
        assert_eq!(client.list_all_resources().await.expect("resources"), []);
        assert_eq!(client.list_all_resource_templates().await.expect("templates"), []);
        let unknown = match era {
            Era::Legacy => -32002,
            Era::Modern => -32602,
        };
        assert_eq!(code(read(&client, "note://open/1").await), (unknown, json!(null)), "{era:?}");
        assert_eq!(house.ran(), ["read"], "{era:?}");
    }
}

#[tokio::test]
async fn subscriptions_completion_and_tasks_are_granted_too() {
    let house = House::new();
    let clerk = house.client(&house.guard(), Era::Legacy).await;
    let guest = guest(&house, Era::Legacy).await;
    let ask = |line: serde_json::Value| line.to_string();
    for (client, line, ran) in [
        (
            &clerk,
            json!({"method": "resources/subscribe", "params": {"uri": "note://open/1"}}),
            Some("subscribe"),
        ),
        (&clerk, json!({"method": "resources/subscribe", "params": {"uri": "note://closed/1"}}), None),
        (&guest, json!({"method": "resources/subscribe", "params": {"uri": "note://open/1"}}), None),
        (&clerk, completing("greet"), Some("complete")),
        (&clerk, completing("secret"), None),
        (&guest, completing("greet"), None),
        (&clerk, json!({"method": "acme/reload", "params": {"a": 1}}), Some("acme/reload")),
        (&clerk, json!({"method": "acme/drop", "params": {"a": 1}}), None),
        (&guest, json!({"method": "acme/reload", "params": {"a": 1}}), None),
    ] {
        let before = house.ran().len();
        let request: ClientRequest = serde_json::from_value(line.clone()).expect("a request");
        let answered = client.send_request(request).await.is_ok();
        assert_eq!(answered, ran.is_some(), "{}", ask(line.clone()));
        assert_eq!(house.ran().get(before).map(String::as_str), ran, "{line}");
    }
    assert!(house.events().await.contains(&Event::Deny(DenyCode::ParameterViolation)));
}

fn completing(prompt: &str) -> serde_json::Value {
    json!({"method": "completion/complete", "params": {
        "ref": {"type": "ref/prompt", "name": prompt}, "argument": {"name": "who", "value": "d"}}})
}

#[tokio::test]
async fn a_task_is_nobodys_who_is_not_granted_tasks() {
    let house = House::new();
    for (role, ran) in [("clerk", true), ("guest", false)] {
        let guard = Guard::new(house.engine.clone(), house.principal(role).await);
        let mut raw = house.raw(&guard).await;
        let mut get = crate::support::modern(
            json!({"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"taskId": "t1"}}),
        );
        let tasks = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        get["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = tasks;
        raw.send(&get.to_string()).await;
        assert_eq!(raw.answer().await["error"]["code"], -32602);
        assert_eq!(house.ran().contains(&"task".to_owned()), ran, "{role}");
        house.shop.forget();
    }
}

#[tokio::test]
async fn a_task_belongs_to_the_principal_whose_call_became_it() {
    let house = House::new();
    let people = vec![("a", house.principal("clerk").await), ("b", house.principal("clerk").await)];
    let site = house.http(&Guard::from_http(house.engine.clone()), people).await;
    let post = |who: &'static str, method: &'static str, params: serde_json::Value| {
        let mut line = crate::support::modern(
            json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params.clone()}),
        );
        let tasks = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        line["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = tasks;
        let name = params["name"].as_str().or(params["taskId"].as_str()).expect("a name").to_owned();
        let site = &site;
        async move {
            let headers = [
                ("authorization", who),
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", method),
                ("mcp-name", &name),
            ];
            site.post(&headers, line.to_string()).await.message()
        }
    };
    // Before there is one, and one that nobody has begun.
    assert_eq!(post("a", "tasks/get", json!({"taskId": "t9"})).await["error"]["message"], "task not found");
    let begun = post("a", "tools/call", json!({"name": "long"})).await;
    assert_eq!((&begun["result"]["resultType"], &begun["result"]["taskId"]), (&json!("task"), &json!("t9")));
    assert_eq!(post("b", "tasks/get", json!({"taskId": "t9"})).await["error"]["message"], "task not found");
    assert_eq!(house.ran(), [""; 0]);
    post("a", "tasks/get", json!({"taskId": "t9"})).await;
    assert_eq!(house.ran(), ["task"]);
    // Somebody else's of the same name makes it nobody's.
    post("b", "tools/call", json!({"name": "long"})).await;
    post("a", "tasks/get", json!({"taskId": "t9"})).await;
    assert_eq!(house.ran(), ["task"]);
}

#[tokio::test]
async fn an_area_is_open_only_where_somebody_said_so() {
    for era in ERAS {
        let house = House::new();
        let guard = Guard::new(house.engine.clone(), house.principal("guest").await);
        let guard = guard.open(Area::Prompts).open(Area::Resources);
        let client = house.client(&guard, era).await;
        assert_eq!(client.list_all_prompts().await.expect("prompts").len(), 2);
        prompt(&client, "secret").await.expect("open");
        assert_eq!(client.list_all_resources().await.expect("resources").len(), 1);
        read(&client, "note://closed/1").await.expect("open");
        // Tools never are, and nothing of it is judged or recorded.
        assert!(crate::support::call(&client, "pay", json!({"amount": 1})).await.is_err());
        assert_eq!(house.ran(), ["prompt secret", "read"], "{era:?}");
        assert_eq!(house.events().await, [Event::Deny(DenyCode::ScopeViolation)]);
    }
}

#[tokio::test]
async fn a_notification_that_is_not_mcps_own_is_judged() {
    let house = House::new();
    let mut raw = house.raw(&house.guard()).await;
    raw.hello().await;
    for method in ["acme/drop", "acme/reload"] {
        raw.send(&json!({"jsonrpc": "2.0", "method": method, "params": {"a": 1}}).to_string()).await;
        raw.ping().await;
    }
    while house.ran().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.ran_with(), [("acme/reload".to_owned(), json!({"a": 1}))]);
}
