//! Who asks: sessions that a guard opens, keeps and ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rig_agent::agent::{AgentHook, HookContext, OutcomeAction, OutcomeEvent};
use rig_agent::tool::ToolSet;
use rig_core::tool::ToolContext;
use scopegate_core::{
    AccessRequest, Decision, DenyCode, EnforceError, Enforcer, Event, Outcome, PermitId, Principal,
    PrincipalRef, Provision, ProvisionError, Provisioned, SessionId, Sessions,
};
use scopegate_engine::LocalEnforcer;
use scopegate_rig::{AgentSession, Guard};
use tokio::task::yield_now;

use crate::support::{POLICY, Till, agent, builder, heard, pays, run, script, turns};

/// An enforcer that counts the sessions it opens, and takes its time about it.
#[derive(Clone)]
struct Counting {
    engine: LocalEnforcer,
    opened: Arc<AtomicUsize>,
}

impl Counting {
    fn new(till: &Till) -> Self {
        Self { engine: till.engine.clone(), opened: Arc::default() }
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    fn guard(&self) -> Guard {
        Guard::opening(self.clone(), Provision::new("payer", "agent-7"))
    }
}

#[async_trait]
impl Enforcer for Counting {
    async fn enforce(&self, request: &AccessRequest<'_>) -> Result<Decision, EnforceError> {
        self.engine.enforce(request).await
    }

    fn complete(&self, permit: PermitId, outcome: Outcome) {
        self.engine.complete(permit, outcome);
    }

    async fn visible(&self, principal: PrincipalRef<'_>, tools: &[&str]) -> Result<Vec<bool>, EnforceError> {
        self.engine.visible(principal, tools).await
    }
}

#[async_trait]
impl Sessions for Counting {
    async fn provision(&self, request: Provision) -> Result<Provisioned, ProvisionError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        yield_now().await;
        self.engine.provision(request).await
    }

    async fn child(&self, parent: &Principal, request: Provision) -> Result<Provisioned, ProvisionError> {
        self.engine.child(parent, request).await
    }

    async fn revoke(&self, session: SessionId) -> Result<(), ProvisionError> {
        self.engine.revoke(session).await
    }
}

#[tokio::test]
async fn calls_that_come_first_together_open_one_session() {
    let till = Till::new(POLICY);
    let counting = Counting::new(&till);
    let model = turns([(0..8).map(|_| pays(7)).collect()]);
    let agent = agent(&model, till.guarded(&counting.guard()));
    assert_eq!(counting.opened(), 0, "nobody has called yet");
    let answer = agent.prompt("go").max_turns(3).tool_concurrency(8).run().await;
    assert_eq!(answer.expect("the run ends").output(), "done");
    assert_eq!((till.paid(), counting.opened()), (vec![7; 8], 1));
}

#[tokio::test]
async fn an_expired_session_is_replaced_once_and_a_crowd_shares_the_new_one() {
    let till = Till::new(POLICY);
    let counting = Counting::new(&till);
    let tools = till.guarded(&counting.guard());
    assert!(tools.execute("pay", r#"{"amount": 1}"#, &mut ToolContext::new()).await.is_success());
    till.advance(601);
    let model = turns([(0..4).map(|_| pays(7)).collect()]);
    let answer = agent(&model, tools).prompt("go").max_turns(3).tool_concurrency(4).run().await;
    assert_eq!(answer.expect("the run ends").output(), "done");
    assert_eq!((till.paid(), counting.opened()), (vec![1, 7, 7, 7, 7], 2));
    assert!(till.events().await.contains(&Event::Deny(DenyCode::JwtExpired)));
}

/// Ends every session as soon as a call has run.
struct Revokes(LocalEnforcer);

impl AgentHook for Revokes {
    async fn on_outcome(&self, _: &HookContext, _: OutcomeEvent<'_>) -> OutcomeAction {
        assert!(self.0.flush().await);
        for line in self.0.records() {
            self.0.end(line.record.id.session).expect("a session");
        }
        OutcomeAction::proceed()
    }
}

#[tokio::test]
async fn a_session_that_is_revoked_in_the_middle_of_a_run_ends_the_agent() {
    let till = Till::new(POLICY);
    let counting = Counting::new(&till);
    let tools = till.guarded(&counting.guard());
    let model = script([pays(1), pays(7), pays(8)]);
    run(&builder(&model, tools.clone()).add_hook(Revokes(till.engine.clone())).build()).await;
    // Also once its time would be over anyway.
    till.advance(601);
    let late = script([pays(9)]);
    run(&agent(&late, tools)).await;
    let told = [heard(&model), heard(&late)].concat();
    assert_eq!(told[0], "paid 1");
    assert!(told[1..].iter().all(|told| told.contains("(SESSION_REVOKED).")), "{told:?}");
    assert_eq!((till.paid(), counting.opened()), (vec![1], 1));
}

#[tokio::test]
async fn a_suspended_owner_gets_no_other_session() {
    let till = Till::new(POLICY);
    let counting = Counting::new(&till);
    let tools = till.guarded(&counting.guard());
    assert!(tools.execute("pay", r#"{"amount": 1}"#, &mut ToolContext::new()).await.is_success());
    till.engine.suspend("agent-7");
    let refused = tools.execute("pay", r#"{"amount": 2}"#, &mut ToolContext::new()).await;
    assert_eq!(refused.refusal().and_then(|refusal| refusal.code()), Some("AGENT_SUSPENDED"));
    // One that has none yet is refused as well, and what is wrong is not told.
    let other = till.guarded(&counting.guard());
    let unopened = other.execute("pay", r#"{"amount": 3}"#, &mut ToolContext::new()).await;
    let refusal = unopened.refusal().expect("a refusal");
    assert_eq!(refusal.code(), Some("SESSION_NOT_OPENED"));
    assert!(!refusal.model_feedback().expect("text").contains("agent-7"));
    assert_eq!(till.paid(), [1]);
}

/// What is over is forgotten, but never by whoever opened it: one that somebody wanted to stop would be
/// taken for one whose time was over.
#[tokio::test]
async fn an_agent_that_comes_back_late_goes_on_unless_it_was_stopped() {
    let till = Till::new(POLICY);
    let counting = Counting::new(&till);
    let [idle, revoked] = [till.guarded(&counting.guard()), till.guarded(&counting.guard())];
    let stranger = till.engine.open(Provision::new("payer", "bob")).expect("a session").principal;
    let pay = async |tools: &ToolSet, sum: u64| {
        let arguments = format!(r#"{{"amount": {sum}}}"#);
        let result = tools.execute("pay", &arguments, &mut ToolContext::new()).await;
        result.refusal().and_then(|refusal| refusal.code().map(str::to_owned))
    };
    assert_eq!(pay(&idle, 1).await, None);
    assert!(till.engine.flush().await);
    let idles = till.engine.records()[0].record.id.session;
    assert_eq!(pay(&revoked, 2).await, None);
    assert!(till.engine.flush().await);
    // Records of two sessions have no order among each other.
    let sessions: Vec<_> = till.engine.records().iter().map(|line| line.record.id.session).collect();
    let theirs = sessions.into_iter().find(|id| *id != idles).expect("the other session");
    till.engine.end(theirs).expect("a session");
    till.advance(601 + 3600);
    // Room is made.
    for _ in 0..1024 {
        till.engine.open(Provision::new("payer", "bob")).expect("a session");
    }
    let forgotten = till.guarded(&Guard::new(till.engine.clone(), stranger));
    assert_eq!(pay(&forgotten, 3).await.as_deref(), Some("JWT_INVALID"));
    assert_eq!(pay(&idle, 4).await, None);
    for sum in [5, 6] {
        assert_eq!(pay(&revoked, sum).await.as_deref(), Some("SESSION_REVOKED"));
    }
    assert_eq!((till.paid(), counting.opened()), (vec![1, 2, 4], 3));
    till.engine.suspend("agent-7");
    till.advance(601 + 3600);
    assert_eq!(pay(&idle, 7).await.as_deref(), Some("AGENT_SUSPENDED"));
}

#[tokio::test]
async fn close_ends_the_session_and_opens_no_other() {
    let till = Till::new(POLICY);
    let counting = Counting::new(&till);
    let guard = counting.guard();
    let tools = till.guarded(&guard);
    assert!(tools.execute("pay", r#"{"amount": 1}"#, &mut ToolContext::new()).await.is_success());
    guard.close().await.expect("an open session");
    guard.close().await.expect("twice is fine");
    let after = tools.execute("pay", r#"{"amount": 2}"#, &mut ToolContext::new()).await;
    assert_eq!(after.refusal().and_then(|refusal| refusal.code()), Some("SESSION_REVOKED"));
    let unused = counting.guard();
    unused.close().await.expect("nothing to end");
    let never = till.guarded(&unused).execute("pay", r#"{"amount": 3}"#, &mut ToolContext::new()).await;
    assert_eq!(never.refusal().and_then(|refusal| refusal.code()), Some("SESSION_CLOSED"));
    assert_eq!((till.paid(), counting.opened()), (vec![1], 1));
}

#[tokio::test]
async fn the_last_guard_takes_its_session_with_it() {
    let till = Till::new(POLICY);
    let guard = till.guard();
    let tools = till.guarded(&guard);
    assert!(tools.execute("pay", r#"{"amount": 1}"#, &mut ToolContext::new()).await.is_success());
    assert!(till.engine.flush().await);
    let session = till.engine.records()[0].record.id.session;
    drop(guard);
    yield_now().await;
    assert!(!till.engine.session(session).expect("a session").revoked, "the tools hold a guard too");
    drop(tools);
    yield_now().await;
    assert!(till.engine.session(session).expect("a session").revoked);
}

#[tokio::test]
async fn each_run_is_whoever_its_context_says() {
    let till = Till::new(POLICY);
    let guard = Guard::from_context(till.engine.clone());
    let payer = till.engine.open(Provision::new("payer", "ann")).expect("a session");
    let helper = till.engine.open(Provision::new("helper", "bob")).expect("a session");
    for (session, sum, passes) in [(&payer, 50, true), (&helper, 50, false), (&helper, 5, true)] {
        let model = script([pays(sum)]);
        let mut context = ToolContext::new();
        context.insert(AgentSession(session.session)).expect("JSON");
        // The hook and the tools read the same context.
        let hook = scopegate_rig::ScopeHook::new(guard.clone());
        let agent = builder(&model, till.guarded(&guard)).add_hook(hook).build();
        agent.prompt("go").max_turns(3).tool_context(context.clone()).run().await.expect("the run ends");
        assert_eq!(heard(&model)[0] == format!("paid {sum}"), passes, "{:?}", heard(&model));
        let stored = serde_json::to_string(&context).expect("JSON");
        assert!(!stored.contains(session.token()), "a context is data: no token in it");
    }
    assert_eq!(till.roles().await, ["helper", "helper", "payer"]);
}

#[tokio::test]
async fn a_session_that_nobody_opened_is_nobody() {
    let till = Till::new(POLICY);
    let guard = Guard::from_context(till.engine.clone());
    let mut context = ToolContext::new();
    context.insert(AgentSession(SessionId::from_bits(7))).expect("JSON");
    let result = till.guarded(&guard).execute("pay", r#"{"amount": 7}"#, &mut context).await;
    assert_eq!(result.refusal().and_then(|refusal| refusal.code()), Some("JWT_INVALID"));
    let token = Guard::new(till.engine.clone(), Principal::token("sgs_made_up"));
    let result = till.guarded(&token).execute("pay", r#"{"amount": 7}"#, &mut context).await;
    assert_eq!(result.refusal().and_then(|refusal| refusal.code()), Some("JWT_INVALID"));
    assert!(till.paid().is_empty());
}
