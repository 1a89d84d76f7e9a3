//! The AgentDojo tasks over worlds that tools change. The loop is ours: ADK's own agent looks a call's
//! tool up in its toolset and executes it, and so does this.

use std::sync::Arc;

use adk_core::{AdkError, ReadonlyContext, Result, Tool, ToolContext, Toolset};
use async_trait::async_trait;
use scopegate_adk::{Guard, GuardedToolset};
use scopegate_core::{Enforcer, Provision, Reviews, Sessions};
use scopegate_world::{
    Scene, Shared, Slack, Stage, ToolSpec, Workspace, World, every_attack_works, every_task, local,
    with_a_plane,
};
use serde_json::Value;

use crate::support::context;

/// What stands around the tools.
#[derive(Clone, Copy, Debug)]
enum Seam {
    Nothing,
    Toolset,
}

#[tokio::test]
async fn the_office() {
    every_task::<Workspace>(Seam::Toolset).await;
}

#[tokio::test]
async fn the_chat() {
    every_task::<Slack>(Seam::Toolset).await;
}

#[tokio::test]
async fn unguarded_every_attack_works() {
    every_attack_works::<Workspace>(Seam::Nothing).await;
    every_attack_works::<Slack>(Seam::Nothing).await;
}

#[tokio::test]
async fn the_chat_with_a_plane() {
    with_a_plane::<Slack>(Seam::Toolset).await;
}

#[tokio::test]
async fn what_a_role_can_never_call_is_not_offered() {
    let guard = Guard::opening(local::<Slack>(), Provision::new(Slack::NAME, "agent-7"));
    let tools = GuardedToolset::new(Arc::new(Tools(Shared::<Slack>::seeded())), guard);
    let offered = tools.tools(context("ann")).await.expect("tools");
    let all = Slack::tools().len();
    assert_eq!(offered.len(), all - 1);
    assert!(offered.iter().all(|tool| tool.name() != "remove_user_from_slack"));
}

impl Stage for Seam {
    async fn run<W: World, E>(self, scene: Scene<'_, W, E>)
    where
        E: Enforcer + Sessions + Reviews + Clone,
    {
        let guard = Guard::opening(scene.enforcer.clone(), scene.provision())
            .wait_for_review(scene.enforcer.clone(), Scene::<W, E>::PATIENCE);
        let bare: Arc<dyn Toolset> = Arc::new(Tools(scene.world.clone()));
        let tools = match self {
            Self::Nothing => bare,
            Self::Toolset => Arc::new(GuardedToolset::new(bare, guard.clone())),
        };
        let offered = tools.tools(context("ann")).await.expect("tools");
        for call in scene.calls() {
            if let Some(tool) = offered.iter().find(|tool| tool.name() == call.tool) {
                // Refused or not, a model goes on.
                let _ = tool.execute(context("ann"), call.args.clone()).await;
            }
        }
        guard.close().await.expect("a session to end, or none");
    }
}

/// The world's tools for ADK.
struct Tools<W>(Shared<W>);

struct Body<W> {
    spec: ToolSpec,
    world: Shared<W>,
}

#[async_trait]
impl<W: World> Toolset for Tools<W> {
    fn name(&self) -> &str {
        W::NAME
    }

    async fn tools(&self, _: Arc<dyn ReadonlyContext>) -> Result<Vec<Arc<dyn Tool>>> {
        let tool = |spec| Arc::new(Body { spec, world: self.0.clone() }) as Arc<dyn Tool>;
        Ok(W::tools().into_iter().map(tool).collect())
    }
}

#[async_trait]
impl<W: World> Tool for Body<W> {
    fn name(&self) -> &str {
        &self.spec.name
    }
    fn description(&self) -> &str {
        &self.spec.description
    }
    async fn execute(&self, _: Arc<dyn ToolContext>, args: Value) -> Result<Value> {
        self.world.call(&self.spec.name, &args).map_err(AdkError::tool)
    }
}
