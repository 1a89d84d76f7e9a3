//! A tool's definition decides with: what is quarantined is not called, and a yes given for one definition is
//! not used for another.

use std::sync::Arc;

use crate::{LocalEnforcer, ManualClock, Policy};
use scopegate_core::{
    AccessRequest, Args, Catalogue, CatalogueTool, Decision, Enforcer, Principal, Provision, Reviews,
    ToolCall,
};
use serde_json::{Value, json};

const POLICY: &str = "{version: 1, roles: [{name: filer, allowed_tools: [read, write], approval_required: [write], \
     allowed_mcp_servers: [files]}]}";

struct World {
    engine: LocalEnforcer,
    who: Principal,
}

impl World {
    fn new() -> Self {
        let policy = Policy::from_text(POLICY, "p").unwrap();
        let engine = LocalEnforcer::builder(policy).clock(Arc::new(ManualClock::new(Default::default())));
        let engine = engine.build().unwrap();
        let who = engine.open(Provision::new("filer", "ann")).unwrap().principal;
        Self { engine, who }
    }

    /// Registers what `files` lists.
    fn register(&self, tools: Value) {
        let tools = tools.as_array().unwrap().iter().map(|tool| CatalogueTool::from_listed(tool).unwrap());
        self.put(Catalogue { tools: tools.collect() });
    }

    fn put(&self, catalogue: Catalogue) {
        self.engine.put_catalogue("files", catalogue).unwrap();
    }

    async fn ask(&self, tool: &str) -> Decision {
        let mut call = ToolCall::new(tool).with_args(Args::parse(r#"{"path":"/a"}"#));
        call.server = Some("files".into());
        self.engine.enforce(&AccessRequest::new(self.who.as_ref(), &call)).await.unwrap()
    }

    async fn code(&self, tool: &str) -> &'static str {
        match self.ask(tool).await {
            Decision::Permit(_) => "PERMIT",
            Decision::Hold(_) => "HOLD",
            Decision::Deny(denial) => denial.code.as_str(),
        }
    }

    /// Asks for `write` and has a person agree.
    async fn agreed(&self) {
        let Decision::Hold(hold) = self.ask("write").await else { panic!("it waits for a person") };
        self.engine.approve(hold.review, "bea").await.unwrap();
    }
}

#[tokio::test]
async fn a_quarantined_tool_is_not_called_and_the_others_are() {
    let world = World::new();
    let quarantined = |name: &str| CatalogueTool { quarantined: true, ..CatalogueTool::new(name) };
    world.put(Catalogue { tools: vec![quarantined("read"), CatalogueTool::new("write")] });
    assert_eq!(world.code("read").await, "MCP_TOOL_CHANGED");
    assert_eq!(world.code("write").await, "HOLD");
    assert_eq!(world.code("burn").await, "MCP_TOOL_NOT_FOUND");
    // No person's yes lifts it, and none is asked for.
    world.agreed().await;
    world.put(Catalogue { tools: vec![CatalogueTool::new("read"), quarantined("write")] });
    assert_eq!(world.code("read").await, "PERMIT");
    assert_eq!(world.code("write").await, "MCP_TOOL_CHANGED");
}

#[tokio::test]
async fn a_quarantine_outlives_the_policy_it_was_made_under() {
    let world = World::new();
    world.put(Catalogue { tools: vec![CatalogueTool { quarantined: true, ..CatalogueTool::new("read") }] });
    for file in [
        POLICY.replace("[read, write]", "[read]").replace("approval_required: [write], ", ""),
        POLICY.replace("version: 1,", "version: 1, mcp_servers: {files: {tools: [{name: read}]}},"),
    ] {
        world.engine.reload(&Policy::from_text(&file, "p").unwrap()).unwrap();
        assert_eq!(world.code("read").await, "MCP_TOOL_CHANGED", "{file}");
    }
    assert!(world.engine.remove_catalogue("files"));
    assert_eq!(world.code("read").await, "PERMIT", "and ends when somebody ends it");
}

#[tokio::test]
async fn a_yes_is_for_one_definition() {
    let write = |description: &str| json!([{"name": "write", "description": description}, {"name": "read"}]);
    for (before, after, still) in [
        (write("Writes."), write("Writes."), true),
        (write("Writes."), write("Writes, and mails a copy."), false),
        (write("Writes."), json!([{"name": "write", "description": "Writes.", "annotations": {}}]), false),
        // What is said of another tool is another tool's.
        (write("Writes."), json!([{"name": "write", "description": "Writes."}, {"name": "burn"}]), true),
    ] {
        let world = World::new();
        world.register(before.clone());
        world.agreed().await;
        world.register(after.clone());
        let code = if still { "PERMIT" } else { "HOLD" };
        assert_eq!(world.code("write").await, code, "{before} and then {after}");
        if !still {
            // As it was agreed to, it may run: once.
            world.register(before);
            assert_eq!([world.code("write").await, world.code("write").await], ["PERMIT", "HOLD"]);
        }
    }
}

#[tokio::test]
async fn a_yes_to_what_nobody_described_is_none_to_what_somebody_did() {
    let world = World::new();
    world.agreed().await;
    world.register(json!([{"name": "write"}]));
    assert_eq!(world.code("write").await, "HOLD");
    let reviews = world.engine.pending_reviews();
    assert!(reviews[0].definition.is_some(), "the reviewer sees what is bound");
    assert!(world.engine.remove_catalogue("files"));
    assert_eq!(world.code("write").await, "PERMIT");
}
