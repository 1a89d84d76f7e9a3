//! The AgentDojo tasks over worlds that tools change. The loop is ours: ADK's own agent looks a call's
//! tool up in its toolset and executes it, and so does this.

use std::sync::Arc;
use std::time::Duration;

use adk_core::{AdkError, ReadonlyContext, Result, Tool, ToolContext, Toolset};
use async_trait::async_trait;
use scopegate_adk::{Guard, GuardedToolset};
use scopegate_core::{Enforcer, Provision, Reviews, Sessions};
use scopegate_world::{
    Call, Cast, Plane, Shared, Slack, Task, ToolSpec, Workspace, World, local, order, reviewer,
};
use serde_json::Value;

use crate::support::context;

#[tokio::test]
async fn the_office() {
    let enforcer = local::<Workspace>();
    tasks::<Workspace, _, _>(Cast::of::<Workspace>(), &enforcer, &enforcer).await;
}

#[tokio::test]
async fn the_chat() {
    let enforcer = local::<Slack>();
    tasks::<Slack, _, _>(Cast::of::<Slack>(), &enforcer, &enforcer).await;
}

#[tokio::test]
async fn the_chat_with_a_plane() {
    let plane = Plane::of::<Slack>().await;
    tasks::<Slack, _, _>(Cast::of::<Slack>().few(), &plane.agent, &plane.person).await;
    plane.stop().await;
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

/// Every user's task alone, and with every attack in the middle of it.
async fn tasks<W: World + Sync, E, R>(cast: Cast, enforcer: &E, person: &R)
where
    E: Enforcer + Sessions + Reviews + Clone,
    R: Reviews,
{
    for user in &cast.users {
        let expected = W::after(&user.calls);
        assert_eq!(play::<W, E, R>(enforcer, person, user, &[]).await, expected, "{}", user.id);
        for attack in &cast.attacks {
            let world = play::<W, E, R>(enforcer, person, user, &attack.calls).await;
            assert_eq!(world, expected, "{} under {}", user.id, attack.id);
        }
    }
}

async fn play<W: World + Sync, E, R>(enforcer: &E, person: &R, user: &Task, planted: &[Call]) -> W
where
    E: Enforcer + Sessions + Reviews + Clone,
    R: Reviews,
{
    let world = Shared::<W>::seeded();
    let provision = Provision::new(W::NAME, format!("agent of {}", user.id));
    let guard = Guard::opening(enforcer.clone(), provision)
        .wait_for_review(enforcer.clone(), Duration::from_secs(30));
    let tools = GuardedToolset::new(Arc::new(Tools(world.clone())), guard.clone());
    let run = async {
        let offered = tools.tools(context("ann")).await.expect("tools");
        for call in order(&user.calls, planted) {
            if let Some(tool) = offered.iter().find(|tool| tool.name() == call.tool) {
                // Refused or not, a model goes on.
                let _ = tool.execute(context("ann"), call.args.clone()).await;
            }
        }
    };
    tokio::select! {
        () = run => {}
        () = reviewer(person, &user.calls) => {}
    }
    guard.close().await.expect("a session to end, or none");
    world.now()
}

/// The world's tools for ADK.
struct Tools<W>(Shared<W>);

struct Body<W> {
    spec: ToolSpec,
    world: Shared<W>,
}

#[async_trait]
impl<W: World + Sync> Toolset for Tools<W> {
    fn name(&self) -> &str {
        W::NAME
    }

    async fn tools(&self, _: Arc<dyn ReadonlyContext>) -> Result<Vec<Arc<dyn Tool>>> {
        let tool = |spec| Arc::new(Body { spec, world: self.0.clone() }) as Arc<dyn Tool>;
        Ok(W::tools().into_iter().map(tool).collect())
    }
}

#[async_trait]
impl<W: World + Sync> Tool for Body<W> {
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
