//! The embedded enforcer from outside: policies in, calls in, answers and records out.

mod bad_constraints;
mod bad_roles;
mod budget;
mod children;
mod credentials;
mod hostile;
mod lent;
mod outcomes;
mod policy_files;
mod rates;
mod rates_kept;
mod record_files;
mod record_queue;
mod reload;
mod restart;
mod review_binding;
mod reviews;
mod sessions;
mod tampering;
mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use scopegate_core::{
    AccessRequest, Args, Decision, Enforcer, Event, Permit, Principal, Provision, Provisioned, Quick, Review,
    Reviews, Timestamp, ToolCall,
};
use scopegate_engine::{LocalBuilder, LocalEnforcer, ManualClock, Policy};

/// A Monday at noon, UTC.
pub(crate) const NOON: Timestamp = Timestamp::from_secs(1_767_614_400);

/// An enforcer and the clock that it reads.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) engine: LocalEnforcer,
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    /// An enforcer of a policy file's text, at [`NOON`].
    pub(crate) fn new(policy: &str) -> Self {
        Self::with(policy, |builder| builder)
    }

    /// The same, put together differently.
    pub(crate) fn with(policy: &str, change: impl FnOnce(LocalBuilder) -> LocalBuilder) -> Self {
        let policy = Policy::from_text(policy, "policy").unwrap_or_else(|error| panic!("{error}"));
        let clock = Arc::new(ManualClock::new(NOON));
        let builder = change(LocalEnforcer::builder(policy).clock(clock.clone()));
        Self { engine: builder.build().expect("a checked policy"), clock }
    }

    pub(crate) fn open(&self, role: &str, owner: &str) -> Provisioned {
        self.engine.open(Provision::new(role, owner)).expect("a session")
    }

    pub(crate) fn child(&self, parent: &Provisioned, role: &str) -> Provisioned {
        self.engine.open_child(&parent.principal, Provision::new(role, "ignored")).expect("a child session")
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The decision, waiting where that is needed.
    pub(crate) fn decide(&self, principal: &Principal, call: &ToolCall) -> Decision {
        let request = AccessRequest::new(principal.as_ref(), call);
        match self.engine.try_enforce(&request) {
            Quick::Decided(decision) => decision,
            Quick::Need(_) => wait(self.engine.enforce(&request)).expect("a local decision"),
        }
    }

    /// The decision in one word: `PERMIT`, `HOLD` or a code.
    pub(crate) fn ask(&self, session: &Provisioned, call: &ToolCall) -> &'static str {
        word(&self.decide(&session.principal, call))
    }

    pub(crate) fn permit(&self, session: &Provisioned, call: &ToolCall) -> Permit {
        match self.decide(&session.principal, call) {
            Decision::Permit(permit) => permit,
            other => panic!("`{}` should be permitted: {other:?}", call.tool),
        }
    }

    /// The only review that waits.
    pub(crate) fn review(&self) -> Review {
        let mut pending = self.engine.pending_reviews();
        assert_eq!(pending.len(), 1, "one review should wait");
        pending.remove(0)
    }

    /// Settles the only review that waits.
    pub(crate) fn settle(&self, approve: bool) {
        let id = self.review().id;
        let settled = match approve {
            true => wait(self.engine.approve(id, "a reviewer")),
            false => wait(self.engine.reject(id, "a reviewer")),
        };
        settled.expect("a pending review");
    }

    /// What has been recorded in memory.
    pub(crate) fn events(&self) -> Vec<Event> {
        assert!(wait(self.engine.flush()), "{:?}", self.engine.record_failure());
        self.engine.records().iter().map(|line| line.record.event).collect()
    }
}

/// A decision in one word.
pub(crate) fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Permit(_) => "PERMIT",
        Decision::Hold(_) => "HOLD",
        Decision::Deny(denial) => denial.code.as_str(),
    }
}

/// A call with arguments as they come over the wire.
pub(crate) fn call(tool: &str, args: impl Into<bytes::Bytes>) -> ToolCall {
    ToolCall::new(tool).with_args(Args::parse(args))
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(future)
}

/// Runs `one` on so many threads that start together, and counts the answers that are `wanted`.
pub(crate) fn race(threads: usize, wanted: &str, one: impl Fn(usize) -> Vec<&'static str> + Sync) -> usize {
    let start = std::sync::Barrier::new(threads);
    let run = |thread| {
        start.wait();
        one(thread).into_iter().filter(|answer| *answer == wanted).count()
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        running.into_iter().map(|thread| thread.join().expect("a thread that does not panic")).sum()
    })
}
