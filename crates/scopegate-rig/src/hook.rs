//! Every call of one agent's model behind a guard, in one line.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rig_agent::agent::{
    AgentHook, DispatchAction, DispatchEvent, HookContext, OutcomeAction, OutcomeEvent, StepEventKind,
};
use rig_core::effect::{EffectId, EffectKind, Outcome as RigOutcome};
use rig_core::error::{ErrorKind, ErrorReport};
use rig_core::tool::{ToolContext, ToolExecutionError, ToolResult};
use scopegate_core::{Outcome, Permitted, Stopped, ToolCall, Unready};

use crate::guard::Guard;
use crate::handover::{Offer, lock};
use crate::told::{RanWith, outcome};

/// Decides every tool call that an agent's model asks for: `.add_hook(ScopeHook::new(guard))`.
///
/// It is the shortest way in, and the one with gaps. It does not cover:
///
/// - **Direct execution**: `ToolSet::execute`, `ToolServerHandle::execute` and dispatches that other
///   hooks or handlers make on the bus reach no hook.
/// - **Hooks after it that rewrite arguments.** What runs then was not judged. The run is stopped with
///   an error when that has happened, but the call has run. Add this hook last.
/// - **Layers on a tool's handler** that rewrite arguments: these are not seen at all.
/// - **Sub-agents' own calls.** `Agent::into_tool` runs its own hooks: the call of the sub-agent is
///   decided here, its tool calls are not.
/// - **Tools that the model's provider runs** itself: they never come by.
/// - **A bare tool that hands the text of its arguments on**, byte by byte, to a guarded tool of the same
///   name: both run with this hook's one permit.
/// - **Secrets**: a tool that the policy binds a credential to is refused, because a hook cannot hand
///   it over.
///
/// [`guard_tools`](crate::guard_tools) has none of these gaps but the provider's tools, and sees the
/// arguments that run. Both together decide a call once.
#[derive(Clone, Debug)]
pub struct ScopeHook {
    guard: Guard,
}

impl ScopeHook {
    /// A hook for one agent or one run.
    pub fn new(guard: Guard) -> Self {
        Self { guard }
    }

    async fn admit(&self, context: &ToolContext, tool: &str, arguments: &str) -> Result<Offer, Stopped> {
        let (permitted, caller) = self.guard.decide(context, tool, arguments).await?;
        match permitted.credential() {
            Some(credential) => Err(Unready::Credential(credential.name.clone()).into()),
            // A hook is not told which handler the call will reach.
            None => Ok(self.guard.handover.offer(permitted, caller, None)),
        }
    }

    /// Ends a permit that no handler has taken up.
    fn settle(&self, offer: &Offer, event: OutcomeEvent<'_>) -> OutcomeAction {
        let Some(permitted) = offer.withdraw() else { return OutcomeAction::proceed() };
        let (ran, tool) = (outcome(event.outcome), permitted.call().tool.clone());
        let again = judged_again(&permitted, event.context);
        let same = event.tool_args().is_some_and(|arguments| offer.covers(arguments));
        // What a handler judged anew ran with the handler's permit, and ours was for nothing.
        permitted.complete(if same && !again { ran } else { Outcome::Dropped });
        if same || again || ran == Outcome::Dropped || refused(event.outcome) {
            return OutcomeAction::proceed();
        }
        OutcomeAction::stop(format!(
            "a hook rewrote the arguments of `{tool}` after they were judged: add `ScopeHook` after it, \
             or guard the tools themselves"
        ))
    }
}

impl AgentHook for ScopeHook {
    fn name(&self) -> Option<String> {
        Some("scopegate".to_owned())
    }

    fn observes(&self, kind: StepEventKind) -> bool {
        kind == StepEventKind::ToolDispatch
    }

    async fn on_dispatch(&self, run: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
        let EffectKind::ToolCall { name, args } = event.kind else { return DispatchAction::proceed() };
        let mut context = event.context.cloned().unwrap_or_default();
        if self.guard.offers(&context, name, args) {
            // Another hook of this guard has decided.
            return DispatchAction::proceed();
        }
        match self.admit(&context, name, args).await {
            Ok(offer) => {
                let args = offer.arguments();
                Pending::of(run).put(self, event.id, Fate::Offered(offer));
                DispatchAction::patch(EffectKind::ToolCall { name: name.clone(), args })
            }
            Err(stopped) => {
                let error = self.guard.refusal(name, stopped, &mut context);
                let report = ErrorReport::new(ErrorKind::Denied, error.model_feedback().unwrap_or_default());
                Pending::of(run).put(self, event.id, Fate::Refused(error));
                DispatchAction::deny(report)
            }
        }
    }

    async fn on_outcome(&self, run: &HookContext, event: OutcomeEvent<'_>) -> OutcomeAction {
        match Pending::of(run).take(self, event.id) {
            Some(Fate::Offered(offer)) => self.settle(&offer, event),
            // rig knows a denied dispatch as skipped; a refusal has a code as well.
            Some(Fate::Refused(error)) => {
                OutcomeAction::replace(Ok(RigOutcome::ToolResult { result: ToolResult::failed(error) }))
            }
            None => OutcomeAction::proceed(),
        }
    }
}

/// Whether the tool's own handler asked for the same session, because the mark was lost on the way.
fn judged_again(permitted: &Permitted<ToolCall>, context: Option<&ToolContext>) -> bool {
    let ran_with = context.and_then(|context| context.result::<RanWith>().ok().flatten());
    ran_with.is_some_and(|ran_with| ran_with.permit.session == permitted.id().session)
}

fn refused(answer: &Result<RigOutcome, ErrorReport>) -> bool {
    matches!(answer, Ok(RigOutcome::ToolResult { result }) if result.is_refused())
}

/// What became of a dispatch that a hook has decided, until it has an outcome.
enum Fate {
    Offered(Offer),
    Refused(ToolExecutionError),
}

/// The dispatches of one run. They end with it: a permit of a run that was dropped is dropped.
#[derive(Clone, Default)]
struct Pending(Arc<Mutex<HashMap<(usize, EffectId), Fate>>>);

impl Pending {
    fn of(run: &HookContext) -> Self {
        // rig's own read-or-insert lets a concurrent one win.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = lock(&ONE);
        let pad = run.scratchpad();
        pad.get::<Self>().unwrap_or_else(|| {
            let pending = Self::default();
            pad.insert(pending.clone());
            pending
        })
    }

    fn put(&self, hook: &ScopeHook, id: EffectId, fate: Fate) {
        lock(&self.0).insert((hook.number(), id), fate);
    }

    fn take(&self, hook: &ScopeHook, id: EffectId) -> Option<Fate> {
        lock(&self.0).remove(&(hook.number(), id))
    }
}

impl ScopeHook {
    /// Tells the hooks of different guards apart.
    fn number(&self) -> usize {
        Arc::as_ptr(&self.guard.handover) as usize
    }
}
