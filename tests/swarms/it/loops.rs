//! The AgentDojo tasks over worlds that tools change: what users asked for happens, and nothing that
//! planted text asked for, whatever the model does.

use scopegate_core::{Enforcer, Reviews, Sessions};
use scopegate_swarms::{AgentBuilder, Guard};
use scopegate_world::{
    Scene, Shared, Slack, Stage, ToolSpec, Workspace, World, every_attack_works, every_task, with_a_plane,
};
use serde_json::Value;
use swarms_rs::Agent;
use swarms_rs::agent::SwarmsAgentBuilder;
use swarms_rs::llm::request::ToolDefinition;
use swarms_rs::structs::tool::Tool;

use crate::support::{END, Script, named, turns};

/// Which seams stand around the tools.
#[derive(Clone, Copy, Debug)]
enum Seam {
    Nothing,
    Tools,
    Model,
    Both,
}

#[tokio::test]
async fn the_office() {
    every_task::<Workspace>(Seam::Both).await;
}

#[tokio::test]
async fn the_office_by_tools() {
    every_task::<Workspace>(Seam::Tools).await;
}

#[tokio::test]
async fn the_chat() {
    every_task::<Slack>(Seam::Both).await;
}

#[tokio::test]
async fn the_chat_by_the_model() {
    every_task::<Slack>(Seam::Model).await;
}

#[tokio::test]
async fn unguarded_every_attack_works() {
    every_attack_works::<Workspace>(Seam::Nothing).await;
    every_attack_works::<Slack>(Seam::Nothing).await;
}

#[tokio::test]
async fn the_office_with_a_plane() {
    with_a_plane::<Workspace>(Seam::Both).await;
}

#[tokio::test]
async fn the_chat_with_a_plane() {
    with_a_plane::<Slack>(Seam::Model).await;
}

impl Stage for Seam {
    async fn run<W: World, E>(self, scene: Scene<'_, W, E>)
    where
        E: Enforcer + Sessions + Reviews + Clone,
    {
        let guard = Guard::opening(scene.enforcer.clone(), scene.provision())
            .wait_for_review(scene.enforcer.clone(), Scene::<W, E>::PATIENCE);
        let model = turns(scene.calls().map(|call| vec![(call.tool.clone(), call.args.clone())]));
        let agent = self.agent(&model, &guard, &scene.world);
        agent.run(scene.user.prompt.clone()).await.expect("the run ends");
        assert_eq!(model.asked(), scene.calls().count() + 1, "{}", scene.user.id);
        guard.close().await.expect("a session to end, or none");
    }
}

impl Seam {
    fn agent<W: World>(self, model: &Script, guard: &Guard, world: &Shared<W>) -> Box<dyn Agent> {
        let tools = W::tools().into_iter().map(|spec| Body { spec, world: world.clone() });
        let guarded = || named("agent", AgentBuilder::new(model.clone(), guard.clone()));
        let built = match self {
            Self::Nothing => {
                let swarms =
                    SwarmsAgentBuilder::new_with_model(model.clone()).max_loops(60).add_stop_word(END);
                return Box::new(
                    tools.fold(swarms.disable_task_complete_tool(), |agent, t| agent.add_tool(t)).build(),
                );
            }
            Self::Tools => {
                let builder = named("agent", AgentBuilder::tools_only(model.clone(), guard.clone()));
                tools.fold(builder, AgentBuilder::add_tool).build()
            }
            Self::Model => {
                tools.fold(guarded(), |agent, t| agent.settings(|swarms| swarms.add_tool(t))).build()
            }
            Self::Both => tools.fold(guarded(), AgentBuilder::add_tool).build(),
        };
        Box::new(built.expect("an agent"))
    }
}

/// A tool of the world for swarms.
struct Body<W> {
    spec: ToolSpec,
    world: Shared<W>,
}

impl<W: World> Tool for Body<W> {
    /// Its name is only known when it is made, as with a tool of an MCP server.
    const NAME: &'static str = "";
    type Args = Value;
    type Output = Value;
    type Error = Failed;

    fn name(&self) -> String {
        self.spec.name.clone()
    }

    fn definition(&self) -> ToolDefinition {
        let ToolSpec { name, description, parameters } = self.spec.clone();
        ToolDefinition { name, description, parameters }
    }

    async fn call(&self, args: Value) -> Result<Value, Failed> {
        self.world.call(&self.spec.name, &args).map_err(Failed)
    }
}

/// What the tool says when it cannot do that.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);
