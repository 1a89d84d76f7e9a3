//! Tools of an MCP server, as rig itself puts them into a set, behind a guard. What the server saw is
//! what the server says.

use std::sync::{Arc, Mutex};

use rig_agent::agent::{AgentHook, DispatchAction, DispatchEvent, HookContext};
use rig_agent::tool::ToolSet;
use rig_core::tool::{DynamicTool, ToolContext};
use rig_rmcp::rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientInfo, ContentBlock, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerInfo, Tool,
};
use rig_rmcp::rmcp::service::{RequestContext, RunningService};
use rig_rmcp::rmcp::{ErrorData, RoleClient, RoleServer, ServerHandler, ServiceExt};
use rig_rmcp::tools_from_server;
use scopegate_core::{DenyCode, Event};
use scopegate_rig::{Guard, ScopeHook, guard_tools};
use scopegate_world::pay_schema;
use serde_json::{Value, json};

use crate::support::{POLICY, Till, agent, builder, heard, pays, run, script, server};

/// A server with two tools, of which nobody may use the second. It writes down what reaches it.
#[derive(Clone, Default)]
struct Bank(Arc<Mutex<Vec<(String, Value)>>>);

impl Bank {
    fn saw(&self) -> Vec<(String, Value)> {
        self.0.lock().expect("no panic").clone()
    }

    /// Serves one client in this process. It ends when the client is dropped.
    async fn connect(&self) -> RunningService<RoleClient, ClientInfo> {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let bank = self.clone();
        tokio::spawn(async move {
            let served = bank.serve(theirs).await.expect("a client");
            served.waiting().await
        });
        ClientInfo::default().serve(ours).await.expect("a server")
    }
}

impl ServerHandler for Bank {
    fn get_info(&self) -> ServerInfo {
        ServerInfo::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = pay_schema().as_object().expect("an object").clone();
        let tool = |name: &'static str, words: &'static str| Tool::new(name, words, Arc::new(schema.clone()));
        Ok(ListToolsResult::with_all_items(vec![tool("pay", "Pays."), tool("close", "Closes.")]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        let amount = arguments["amount"].as_u64();
        self.0.lock().expect("no panic").push((request.name.to_string(), arguments));
        match amount {
            Some(13) => Ok(CallToolResult::error(vec![ContentBlock::text("nobody pays thirteen")])),
            amount => Ok(CallToolResult::success(vec![ContentBlock::text(format!("paid {amount:?}"))])),
        }
    }
}

/// The server's tools in a set, by rig's own way, behind the guard.
async fn guarded(client: &RunningService<RoleClient, ClientInfo>, guard: &Guard) -> ToolSet {
    let listed = client.list_all_tools().await.expect("a list");
    let tools = tools_from_server(listed, client.peer()).into_iter();
    let tools = tools.map(|tool| DynamicTool::try_from(tool).expect("a name")).collect();
    guard_tools(&ToolSet::from_dynamic_tools(tools), guard).expect("tools")
}

fn saw(amount: u64) -> (String, Value) {
    ("pay".to_owned(), json!({"amount": amount}))
}

#[tokio::test]
async fn what_is_denied_does_not_reach_the_server() {
    for hooks in [0, 1] {
        let (till, bank) = (Till::new(POLICY), Bank::default());
        let (guard, client) = (till.guard(), bank.connect().await);
        let tools = guarded(&client, &guard).await;
        let model = script([pays(7), pays(5000), ("close", json!({})), pays(13)]);
        let agent = builder(&model, tools);
        run(&(0..hooks).fold(agent, |agent, _| agent.add_hook(ScopeHook::new(guard.clone()))).build()).await;
        assert_eq!(bank.saw(), [saw(7), saw(13)]);
        let denied = |code| Event::Deny(code);
        let expected = [
            Event::Permit,
            Event::Ran,
            denied(DenyCode::ParameterViolation),
            denied(DenyCode::ScopeViolation),
            Event::Permit,
            Event::Failed,
        ];
        assert_eq!(till.events().await, expected, "one decision a call, also through two seams");
        let told = heard(&model).concat();
        for words in ["paid Some(7)", "(PARAMETER_VIOLATION)", "(SCOPE_VIOLATION)"] {
            assert!(told.contains(words), "{told}");
        }
    }
}

#[tokio::test]
async fn what_the_host_executes_itself_is_guarded_too() {
    let (till, bank) = (Till::new(POLICY), Bank::default());
    let client = bank.connect().await;
    let tools = guarded(&client, &till.guard()).await;
    let (server, mut context) = (server(tools.clone()), ToolContext::new());
    assert!(server.execute("pay", r#"{"amount": 7}"#, &mut context).await.is_success());
    assert!(tools.execute("pay", r#"{"amount": 8}"#, &mut context).await.is_success());
    for refused in [r#"{"amount": 5000}"#, r#"{"amount": 7, "amount": 5000}"#, "[7]", "7", "null"] {
        let result = server.execute("pay", refused, &mut context).await;
        assert!(result.is_refused(), "{refused}: {result:?}");
    }
    assert!(server.execute("close", "{}", &mut context).await.is_refused());
    assert_eq!(bank.saw(), [saw(7), saw(8)]);
}

/// What the server gets is what was judged, member by member, and not what stood there before.
#[tokio::test]
async fn the_server_gets_the_judged_arguments() {
    struct Rewrites(u64);

    impl AgentHook for Rewrites {
        async fn on_dispatch(&self, _: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
            DispatchAction::rewrite_tool_args(event.kind, json!({"amount": self.0, "memo": "é \" \u{1F600}"}))
        }
    }

    for (amount, reaches) in [(8, true), (5000, false)] {
        let (till, bank) = (Till::new(POLICY), Bank::default());
        let (guard, client) = (till.guard(), bank.connect().await);
        let agent = builder(&script([pays(7)]), guarded(&client, &guard).await);
        run(&agent.add_hook(ScopeHook::new(guard)).add_hook(Rewrites(amount)).build()).await;
        let rewritten = ("pay".to_owned(), json!({"amount": amount, "memo": "é \" \u{1F600}"}));
        let expected = if reaches { vec![rewritten] } else { vec![] };
        assert_eq!(bank.saw(), expected);
    }
}

#[tokio::test]
async fn a_server_that_is_gone_spends_nothing() {
    let (till, bank) = (Till::new(POLICY), Bank::default());
    let client = bank.connect().await;
    let tools = guarded(&client, &till.guard()).await;
    client.cancel().await.expect("it ends");
    let model = script([pays(7)]);
    run(&agent(&model, tools)).await;
    assert!(bank.saw().is_empty());
    assert!(till.events().await.is_empty(), "nothing was asked for, nothing spent");
    assert!(heard(&model).concat().contains("is not served any more"), "{:?}", heard(&model));
}
