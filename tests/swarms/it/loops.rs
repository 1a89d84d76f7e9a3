//! The AgentDojo tasks over worlds that tools change: what users asked for happens, and nothing that
//! planted text asked for, whatever the model does.

use std::time::Duration;

use scopegate_core::{Enforcer, Provision, Reviews, Sessions};
use scopegate_swarms::{AgentBuilder, Guard};
use scopegate_world::{
    Call, Cast, Plane, Shared, Slack, Task, ToolSpec, Workspace, World, local, order, reviewer,
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
    every_task::<Workspace, _>(local::<Workspace>(), Seam::Both).await;
}

#[tokio::test]
async fn the_office_by_tools() {
    every_task::<Workspace, _>(local::<Workspace>(), Seam::Tools).await;
}

#[tokio::test]
async fn the_chat() {
    every_task::<Slack, _>(local::<Slack>(), Seam::Both).await;
}

#[tokio::test]
async fn the_chat_by_the_model() {
    every_task::<Slack, _>(local::<Slack>(), Seam::Model).await;
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
    tasks::<Slack, _, _>(Cast::of::<Slack>().few(), &plane.agent, &plane.person, Seam::Model).await;
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
    let model = turns(order(&user.calls, planted).map(|call| vec![(call.tool.clone(), call.args.clone())]));
    let agent = agent(seam, &model, &guard, &world);
    let run = async {
        agent.run(user.prompt.clone()).await.expect("the run ends");
        assert_eq!(model.asked(), order(&user.calls, planted).count() + 1, "{}", user.id);
    };
    tokio::select! {
        () = run => {}
        () = reviewer(person, &user.calls) => {}
    }
    guard.close().await.expect("a session to end, or none");
    world.now()
}

fn agent<W: World>(seam: Seam, model: &Script, guard: &Guard, world: &Shared<W>) -> Box<dyn Agent> {
    let tools = W::tools().into_iter().map(|spec| Body { spec, world: world.clone() });
    let guarded = || named("agent", AgentBuilder::new(model.clone(), guard.clone()));
    let built = match seam {
        Seam::Nothing => {
            let swarms = SwarmsAgentBuilder::new_with_model(model.clone()).max_loops(60).add_stop_word(END);
            return Box::new(
                tools.fold(swarms.disable_task_complete_tool(), |agent, t| agent.add_tool(t)).build(),
            );
        }
        Seam::Tools => {
            let builder = named("agent", AgentBuilder::tools_only(model.clone(), guard.clone()));
            tools.fold(builder, AgentBuilder::add_tool).build()
        }
        Seam::Model => tools.fold(guarded(), |agent, t| agent.settings(|swarms| swarms.add_tool(t))).build(),
        Seam::Both => tools.fold(guarded(), AgentBuilder::add_tool).build(),
    };
    Box::new(built.expect("an agent"))
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
