//! The AgentDojo tasks over worlds that tools change: what users asked for happens, and nothing that
//! planted text asked for, whatever the model does.

use std::time::Duration;

use futures_util::StreamExt;
use rig_agent::agent::MultiTurnStreamItem;
use rig_agent::tool::ToolSet;
use rig_core::message::ToolName;
use rig_core::test_utils::{MockCompletionModel, MockStreamEvent, mock_final_with_total_tokens};
use rig_core::tool::{DynamicTool, ToolExecutionError, ToolOutput};
use scopegate_core::{Enforcer, Provision, Reviews, Sessions};
use scopegate_rig::{Guard, ScopeHook, guard_tools};
use scopegate_world::{Call, Cast, Plane, Shared, Slack, Task, Workspace, World, local, order, reviewer};
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
    every_task::<Workspace, _>(local::<Workspace>(), Seam::Tools).await;
}

#[tokio::test]
async fn the_office_by_hook() {
    every_task::<Workspace, _>(local::<Workspace>(), Seam::Hook).await;
}

#[tokio::test]
async fn the_chat() {
    every_task::<Slack, _>(local::<Slack>(), Seam::Both).await;
}

#[tokio::test]
async fn the_chat_by_hook() {
    every_task::<Slack, _>(local::<Slack>(), Seam::Hook).await;
}

/// What the tests above would see if nobody stood in between.
#[tokio::test]
async fn unguarded_every_attack_works() {
    async fn check<W: World>() {
        let (Cast { users, attacks }, enforcer) = (Cast::of::<W>(), local::<W>());
        for attack in &attacks {
            let world = play::<W, _, _>(&enforcer, &enforcer, Seam::Nothing, &users[0], &attack.calls).await;
            assert_ne!(world, W::after(&users[0].calls), "{}", attack.id);
        }
    }
    check::<Workspace>().await;
    check::<Slack>().await;
}

/// Calls that a plane lends are decided here, the others there; a person agrees at the plane.
#[tokio::test]
async fn the_office_with_a_plane() {
    let plane = Plane::of::<Workspace>().await;
    tasks::<Workspace, _, _>(Cast::of::<Workspace>().few(), &plane.agent, &plane.person, Seam::Both).await;
    both_decided(&plane);
    plane.stop().await;
}

#[tokio::test]
async fn the_chat_with_a_plane() {
    let plane = Plane::of::<Slack>().await;
    tasks::<Slack, _, _>(Cast::of::<Slack>().few(), &plane.agent, &plane.person, Seam::Tools).await;
    both_decided(&plane);
    plane.stop().await;
}

fn both_decided(plane: &Plane) {
    let counts = plane.agent.counts();
    assert!(counts.here > 0 && counts.by_the_plane > 0 && counts.lost == 0, "{counts:?}");
}

/// Every user's task alone, and with every attack in the middle of it.
async fn every_task<W: World, E>(enforcer: E, seam: Seam)
where
    E: Enforcer + Sessions + Reviews + Clone,
{
    tasks::<W, E, E>(Cast::of::<W>(), &enforcer, &enforcer, seam).await;
}

async fn tasks<W: World, E, R>(cast: Cast, enforcer: &E, person: &R, seam: Seam)
where
    E: Enforcer + Sessions + Reviews + Clone,
    R: Reviews,
{
    for user in &cast.users {
        let expected = W::after(&user.calls);
        assert_eq!(play::<W, E, R>(enforcer, person, seam, user, &[]).await, expected, "{}", user.id);
        for attack in &cast.attacks {
            let world = play::<W, E, R>(enforcer, person, seam, user, &attack.calls).await;
            // Reading is free: what an attack read, it read from the same world.
            assert_eq!(world, expected, "{} under {} through {seam:?}", user.id, attack.id);
        }
    }
}

/// The world after an agent did what the user asked for, and then the rest of its turns what the
/// planted text wants. A person agrees to the user's calls and refuses all others.
async fn play<W: World, E, R>(enforcer: &E, person: &R, seam: Seam, user: &Task, planted: &[Call]) -> W
where
    E: Enforcer + Sessions + Reviews + Clone,
    R: Reviews,
{
    let world = Shared::<W>::seeded();
    let provision = Provision::new(W::NAME, format!("agent of {}", user.id));
    let guard = Guard::opening(enforcer.clone(), provision)
        .wait_for_review(enforcer.clone(), Duration::from_secs(30));
    let tools = tools(&world);
    let model = turns(order(&user.calls, planted).map(|call| vec![(call.tool.clone(), call.args.clone())]));
    let agent = match seam {
        Seam::Nothing => builder(&model, tools).build(),
        Seam::Tools => builder(&model, guard_tools(&tools, &guard).expect("tools")).build(),
        Seam::Hook => builder(&model, tools).add_hook(ScopeHook::new(guard.clone())).build(),
        Seam::Both => {
            let guarded = guard_tools(&tools, &guard).expect("tools");
            builder(&model, guarded).add_hook(ScopeHook::new(guard.clone())).build()
        }
    };
    let run = async {
        let answer = agent.prompt(user.prompt.clone()).max_turns(40).run().await;
        assert_eq!(answer.expect("the run ends").output(), "done", "{}", user.id);
    };
    tokio::select! {
        () = run => {}
        () = reviewer(person, &user.calls) => {}
    }
    guard.close().await.expect("a session to end, or none");
    world.now()
}

/// The world's tools for rig.
fn tools<W: World>(world: &Shared<W>) -> ToolSet {
    let tool = |spec: scopegate_world::ToolSpec| {
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
        let bare = tools(&world);
        let guarded = guard_tools(&bare, &guard).expect("tools");
        let model = streamed(order(&user.calls, &attack.calls));
        let agent = match seam {
            Seam::Nothing => unreachable!("every attack works then"),
            Seam::Tools => builder(&model, guarded).build(),
            Seam::Hook => builder(&model, bare).add_hook(ScopeHook::new(guard)).build(),
            Seam::Both => builder(&model, guarded).add_hook(ScopeHook::new(guard)).build(),
        };
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
