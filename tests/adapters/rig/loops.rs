//! The AgentDojo tasks over worlds that tools change: what users asked for happens, and nothing that
//! planted text asked for, whatever the model does.

use futures_util::StreamExt;
use rig_agent::Agent;
use rig_agent::agent::MultiTurnStreamItem;
use rig_agent::tool::ToolSet;
use rig_core::message::ToolName;
use rig_core::test_utils::{MockCompletionModel, MockStreamEvent, mock_final_with_total_tokens};
use rig_core::tool::{DynamicTool, ToolExecutionError, ToolOutput};
use scopegate_core::{Enforcer, Provision, Reviews, Sessions};
use scopegate_rig::{Guard, ScopeHook, guard_tools};
use scopegate_world::{
    Call, Scene, Shared, Slack, Stage, ToolSpec, Workspace, World, every_attack_works, every_task, local,
    order, with_a_plane,
};
use serde_json::{Value, json};

use crate::support::{builder, turns};

/// Which seams stand around the tools.
#[derive(Clone, Copy, Debug)]
enum Seam {
    Nothing,
    Tools,
    Hook,
    Both,
}

#[tokio::test]
async fn the_office() {
    every_task::<Workspace>(Seam::Tools).await;
}

#[tokio::test]
async fn the_office_by_hook() {
    every_task::<Workspace>(Seam::Hook).await;
}

#[tokio::test]
async fn the_chat() {
    every_task::<Slack>(Seam::Both).await;
}

#[tokio::test]
async fn the_chat_by_hook() {
    every_task::<Slack>(Seam::Hook).await;
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
    with_a_plane::<Slack>(Seam::Tools).await;
}

impl Stage for Seam {
    async fn run<W: World, E>(self, scene: Scene<'_, W, E>)
    where
        E: Enforcer + Sessions + Reviews + Clone,
    {
        let guard = Guard::opening(scene.enforcer.clone(), scene.provision())
            .wait_for_review(scene.enforcer.clone(), Scene::<W, E>::PATIENCE);
        let model = turns(scene.calls().map(|call| vec![(call.tool.clone(), call.args.clone())]));
        let agent = self.agent(&model, tools(&scene.world), &guard);
        let answer = agent.prompt(scene.user.prompt.clone()).max_turns(40).run().await;
        assert_eq!(answer.expect("the run ends").output(), "done", "{}", scene.user.id);
        guard.close().await.expect("a session to end, or none");
    }
}

impl Seam {
    fn agent(self, model: &MockCompletionModel, tools: ToolSet, guard: &Guard) -> Agent {
        let guarded = || guard_tools(&tools, guard).expect("tools");
        let hook = ScopeHook::new(guard.clone());
        match self {
            Self::Nothing => builder(model, tools).build(),
            Self::Tools => builder(model, guarded()).build(),
            Self::Hook => builder(model, tools).add_hook(hook).build(),
            Self::Both => builder(model, guarded()).add_hook(hook).build(),
        }
    }
}

/// The world's tools for rig.
fn tools<W: World>(world: &Shared<W>) -> ToolSet {
    let tool = |spec: ToolSpec| {
        let (world, name) = (world.clone(), spec.name.clone());
        let body = move |args: Value| {
            let answer = world.call(&name, &args).map(ToolOutput::json).map_err(ToolExecutionError::other);
            Box::pin(async move { answer }) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
        };
        DynamicTool::new(ToolName::new(spec.name).expect("a name"), spec.description, spec.parameters, body)
    };
    ToolSet::from_dynamic_tools(W::tools().into_iter().map(tool).collect())
}

/// Tools that do nothing.
pub(crate) fn tools_named(names: &[&str]) -> ToolSet {
    let tool = |name: &&str| {
        let name = ToolName::new(*name).expect("a name");
        DynamicTool::new(name, "Does nothing.", json!({"type": "object"}), |_| {
            Box::pin(async { Ok(ToolOutput::text("done")) })
        })
    };
    ToolSet::from_dynamic_tools(names.iter().map(tool).collect())
}

/// The same through a streamed run, one attack: the gate does not care how a run is driven.
#[tokio::test]
async fn a_streamed_run() {
    let enforcer = local::<Workspace>();
    let tasks = Workspace::tasks();
    let user = tasks.iter().find(|task| task.id == "user_task_31").expect("a task");
    let attack = tasks.iter().find(|task| task.id == "injection_task_5").expect("an attack");
    for seam in [Seam::Tools, Seam::Hook, Seam::Both] {
        let world = Shared::<Workspace>::seeded();
        let guard = Guard::opening(enforcer.clone(), Provision::new("workspace", "agent-7"));
        let model = streamed(order(&user.calls, &attack.calls));
        let agent = seam.agent(&model, tools(&world), &guard);
        let mut stream = agent.prompt("go").max_turns(20).stream();
        let mut ended = false;
        while let Some(item) = stream.next().await {
            ended |= matches!(item.expect("an item"), MultiTurnStreamItem::FinalResponse(_));
        }
        assert!(ended);
        assert_eq!(world.now(), Workspace::after(&user.calls), "{seam:?}");
    }
}

fn streamed<'c>(calls: impl Iterator<Item = &'c Call>) -> MockCompletionModel {
    let end = || MockStreamEvent::FinalResponse(mock_final_with_total_tokens(1));
    let turn = |(number, call): (usize, &Call)| {
        vec![MockStreamEvent::tool_call(format!("call_{number}_"), &call.tool, call.args.clone()), end()]
    };
    let last = vec![MockStreamEvent::text("done"), end()];
    MockCompletionModel::from_stream_turns(calls.enumerate().map(turn).chain([last]))
}
