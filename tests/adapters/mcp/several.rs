//! Several servers behind one guard, which are not trusted alike: `TOOL@SERVER` in a role.

use std::sync::{Arc, Mutex};

use rmcp::model::*;
use rmcp::service::{RequestContext, RoleServer, ServiceExt};
use rmcp::{ErrorData, ServerHandler};
use scopegate_core::{DenyCode, Event};
use scopegate_mcp::{Guard, serve_on};
use serde_json::json;

use crate::support::{Client, House, beside, call, is_error};

/// A role that may write at one server, and read at both.
const ROLE: &str = "
version: 1
roles:
  - name: clerk
    allowed_mcp_servers: [github, scratch]
    allowed_tools: [create_issue@github, read, 'mcp:prompts/get:greet@github']
    denied_actions: ['read@scratch']
";

/// Both servers as one; what was run has the name that the client uses.
#[derive(Clone, Default)]
struct Both(Arc<Mutex<Vec<String>>>);

impl ServerHandler for Both {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_prompts().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let names = [
            "github__create_issue",
            "scratch__create_issue",
            "evil__create_issue",
            "github__read",
            "scratch__read",
            "create_issue@github",
            "scratch__create_issue@github",
        ];
        let tool = |name: &'static str| Tool::new(name, "Does it.", JsonObject::new());
        Ok(ListToolsResult::with_all_items(names.map(tool).to_vec()))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompt = |name: &str| Prompt::new(name, Some("Greets."), None);
        let names = ["github__greet", "scratch__greet"];
        Ok(ListPromptsResult::with_all_items(names.map(prompt).to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.0.lock().expect("no panic").push(request.name.to_string());
        Ok(CallToolResult::success(vec![ContentBlock::text("done")]).into())
    }
}

fn guard(house: &House) -> Guard {
    house.guard().server_names(|name| {
        let (server, own) = name.split_once("__")?;
        Some((server.into(), own.into()))
    })
}

async fn client(both: &Both, guard: &Guard) -> Client {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let server = guard.over(both.clone());
    tokio::spawn(async move {
        let (read, write) = tokio::io::split(theirs);
        let _ = serve_on(server, read, write).await.expect("a client").waiting().await;
    });
    ().serve(ours).await.expect("a server")
}

#[tokio::test]
async fn a_name_that_is_granted_at_one_server_is_of_no_use_at_another() {
    let (house, both) = (House::under(ROLE), Both::default());
    let client = client(&both, &guard(&house)).await;
    let tools = client.list_all_tools().await.expect("a list");
    let shown: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(shown, ["github__create_issue", "github__read"]);
    let prompts = client.list_all_prompts().await.expect("a list");
    assert_eq!(prompts.iter().map(|prompt| &*prompt.name).collect::<Vec<_>>(), ["github__greet"]);

    for tool in ["github__create_issue", "github__read"] {
        assert!(!is_error(&call(&client, tool, json!({})).await.expect("a result")), "{tool}");
    }
    // What the role cannot use does not exist.
    for tool in [
        "scratch__create_issue",
        "scratch__read",
        "scratch__create_issue@github",
        "github__create_issue@github",
    ] {
        let refused = call(&client, tool, json!({})).await.expect_err(tool);
        assert_eq!(refused.message, "tool not found", "{tool}");
    }
    // That a server is not listed is no secret, whether it is there or not.
    for tool in ["evil__create_issue", "nowhere__create_issue", "create_issue", "create_issue@github"] {
        let refused = call(&client, tool, json!({})).await.expect("a result");
        assert_eq!(beside(&refused)["code"], "MCP_SERVER_UNAUTHORIZED", "{tool}");
    }
    assert_eq!(*both.0.lock().expect("no panic"), ["github__create_issue", "github__read"]);
    let denied = Event::Deny(DenyCode::ScopeViolation);
    assert!(house.events().await.contains(&denied));
}

#[tokio::test]
async fn a_bare_name_is_granted_at_each_server_of_the_list() {
    let house = House::under(&ROLE.replace("create_issue@github", "create_issue"));
    let both = Both::default();
    let client = client(&both, &guard(&house)).await;
    for tool in ["github__create_issue", "scratch__create_issue"] {
        assert!(!is_error(&call(&client, tool, json!({})).await.expect("a result")), "{tool}");
    }
    assert_eq!(both.0.lock().expect("no panic").len(), 2);
}
