//! How a permit gets from an outer seam to an inner one, so that a call is decided once.
//!
//! Frameworks run a tool in the future in which it was asked for, so what two seams share can be local
//! to that future: the outer one leaves its permit in a [`Run`] for the seams that stand between it and
//! the tool, the inner one takes the permit of its own desk that was left to it, for whom it asks, its
//! name and these arguments, and asks by itself where there is none. Nobody outside of the future can
//! reach a permit, and none outlives it; a tool's body, and an agent that it runs, can reach none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scopegate_core::{Name, Outcome, PermitId, Permitted, ToolCall};

use crate::caller::Caller;
use crate::credential::with_credential;
use crate::desk::Desk;
use crate::seam::{Mark, Seam, Seams};

tokio::task_local! {
    static RUN: Run;
}

/// The permits that wait to be taken up in one future.
#[derive(Clone, Default)]
struct Run(Arc<Mutex<Vec<Offer>>>);

struct Offer {
    desk: Arc<Mark>,
    /// Whom it was decided for.
    caller: Caller,
    /// Who may take it up.
    seams: Seams,
    permitted: Permitted<ToolCall>,
}

impl Offer {
    /// Whether the permit is for this very call.
    fn fits(&self, call: &ToolCall, arguments: &str) -> bool {
        let permitted = self.permitted.call();
        about(permitted) == about(call)
            && permitted.mcp.is_none()
            && call.mcp.is_none()
            && permitted.args.to_json().as_deref() == Some(arguments)
    }
}

/// All of a call but its arguments, and what it claims about MCP.
fn about(call: &ToolCall) -> (&Name, [Option<&Name>; 4], Option<&[Name]>) {
    let ToolCall { tool, action, resource, env, server, via, args: _, mcp: _ } = call;
    (tool, [action.as_ref(), resource.as_ref(), env.as_ref(), server.as_ref()], via.as_deref())
}

impl Run {
    fn offers(&self) -> MutexGuard<'_, Vec<Offer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, permit: PermitId) -> Option<Offer> {
        let mut offers = self.offers();
        let place = offers.iter().position(|offer| offer.permitted.id() == permit)?;
        Some(offers.remove(place))
    }
}

/// Runs an agent, or one turn of it: permits that are [left](Desk::leave) inside stay inside.
pub async fn in_run<F: Future>(agent: F) -> F::Output {
    RUN.scope(Run::default(), agent).await
}

impl Desk {
    /// Leaves a permit that was decided for this caller to one of these seams, which will be given its
    /// call. Outside of a [run](in_run) it is given up, and the inner seam asks by itself.
    pub fn leave(&self, permitted: Permitted<ToolCall>, caller: &Caller, seams: Seams) {
        let offer = self.offer(permitted, caller, seams);
        let _ = RUN.try_with(|run| run.offers().push(offer));
    }

    /// Gives up what was left here and not taken: nobody will come for it any more.
    pub fn clear(&self) {
        let left = RUN.try_with(|run| {
            let mut offers = run.offers();
            let ours = |offer: &Offer| Arc::ptr_eq(&offer.desk, self.mark());
            let (left, others) = offers.drain(..).partition::<Vec<_>, _>(ours);
            *offers = others;
            left
        });
        // Outside of the lock: a permit that is dropped reports to the enforcer.
        drop(left);
    }

    /// Takes the permit for this very call that was left to this seam, for this caller.
    pub(crate) fn take(&self, seam: &Seam, caller: &Caller, call: &ToolCall) -> Option<Permitted<ToolCall>> {
        let taken = RUN.try_with(|run| {
            // Arguments that cannot be read were permitted to nobody.
            let arguments = call.args.to_json()?;
            let mut offers = run.offers();
            let ours = |offer: &Offer| {
                Arc::ptr_eq(&offer.desk, self.mark())
                    && offer.seams.hold(seam)
                    && offer.caller.is(caller)
                    && offer.fits(call, &arguments)
            };
            let place = offers.iter().position(ours)?;
            Some(offers.remove(place).permitted)
        });
        taken.ok().flatten()
    }

    /// Runs a permitted tool with its secret, and reports how it went. One of these seams that is given
    /// the same call for the same caller can take the permit up, once; then it reports. Without any
    /// seams the tool's body runs, and whatever it calls is decided anew.
    ///
    /// # Errors
    /// What the tool says.
    pub async fn run<A, E>(
        &self,
        permitted: Permitted<ToolCall>,
        caller: &Caller,
        seams: Seams,
        tool: impl Future<Output = Result<A, E>>,
    ) -> Result<A, E> {
        let (id, tool) = (permitted.id(), with_credential(permitted.credential().cloned(), tool));
        let run = Run(Arc::new(Mutex::new(vec![self.offer(permitted, caller, seams)])));
        let result = RUN.scope(run.clone(), tool).await;
        if let Some(offer) = run.remove(id) {
            offer.permitted.complete(if result.is_ok() { Outcome::Ok } else { Outcome::Failed });
        }
        result
    }

    fn offer(&self, permitted: Permitted<ToolCall>, caller: &Caller, seams: Seams) -> Offer {
        Offer { desk: self.mark().clone(), caller: caller.clone(), seams, permitted }
    }
}
