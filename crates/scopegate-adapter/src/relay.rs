//! How a permit gets from an outer seam to an inner one, so that a call is decided once.
//!
//! Frameworks run a tool in the future in which it was asked for, so what two seams share can be local
//! to that future: the outer one leaves its permit in a [`Run`], the inner one takes the permit of its
//! own desk for its name and these arguments, and asks by itself where there is none. Nobody outside
//! of the future can reach a permit, and none outlives it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scopegate_core::{Name, Outcome, Permitted, ToolCall};

use crate::credential::with_credential;
use crate::desk::Desk;

tokio::task_local! {
    static RUN: Run;
}

/// The permits that wait to be taken up in one future.
#[derive(Clone, Default)]
struct Run(Arc<Mutex<Vec<Offer>>>);

/// Tells a desk and its clones from all others. Not empty, so that no two share a place in memory.
#[derive(Debug)]
pub(crate) struct Mark(#[expect(dead_code, reason = "takes up room")] u8);

impl Default for Mark {
    fn default() -> Self {
        Self(1)
    }
}

struct Offer {
    mark: Arc<Mark>,
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
}

/// Runs an agent, or one turn of it: permits that are [left](Desk::leave) inside stay inside.
pub async fn in_run<F: Future>(agent: F) -> F::Output {
    RUN.scope(Run::default(), agent).await
}

impl Desk {
    /// Leaves a permit for an inner seam that will be given its call. Outside of a [run](in_run) it is
    /// given up, and the inner seam asks by itself.
    pub fn leave(&self, permitted: Permitted<ToolCall>) {
        let offer = self.offer(permitted);
        let _ = RUN.try_with(|run| run.offers().push(offer));
    }

    /// Gives up what was left here and not taken: nobody will come for it any more.
    pub fn clear(&self) {
        let left = RUN.try_with(|run| {
            let mut offers = run.offers();
            let ours = |offer: &Offer| Arc::ptr_eq(&offer.mark, self.mark());
            let (left, others) = offers.drain(..).partition::<Vec<_>, _>(ours);
            *offers = others;
            left
        });
        // Outside of the lock: a permit that is dropped reports to the enforcer.
        drop(left);
    }

    /// Takes the permit that was left for this very call.
    pub(crate) fn take(&self, call: &ToolCall) -> Option<Permitted<ToolCall>> {
        let taken = RUN.try_with(|run| {
            // Arguments that cannot be read were permitted to nobody.
            let arguments = call.args.to_json()?;
            let mut offers = run.offers();
            let ours = |offer: &Offer| Arc::ptr_eq(&offer.mark, self.mark()) && offer.fits(call, &arguments);
            let place = offers.iter().position(ours)?;
            Some(offers.remove(place).permitted)
        });
        taken.ok().flatten()
    }

    /// Runs a permitted tool with its secret, and reports how it went. A seam of this desk inside of
    /// the tool that is given the same call, and nobody else, can take the permit up; then it reports.
    ///
    /// # Errors
    /// What the tool says.
    pub async fn run<A, E>(
        &self,
        permitted: Permitted<ToolCall>,
        tool: impl Future<Output = Result<A, E>>,
    ) -> Result<A, E> {
        let tool = with_credential(permitted.credential().cloned(), tool);
        let run = Run(Arc::new(Mutex::new(vec![self.offer(permitted)])));
        let result = RUN.scope(run.clone(), tool).await;
        let left = run.offers().pop();
        if let Some(offer) = left {
            offer.permitted.complete(if result.is_ok() { Outcome::Ok } else { Outcome::Failed });
        }
        result
    }

    fn offer(&self, permitted: Permitted<ToolCall>) -> Offer {
        Offer { mark: self.mark().clone(), permitted }
    }
}
