//! A client of a plane under test: its clocks can be moved, and it waits for nothing by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use scopegate_client::{Client, Clocks, RemoteBuilder, RemoteEnforcer, SystemClocks};
use scopegate_core::{
    AccessRequest, Args, Decision, EnforceError, Enforcer, Principal, Provision, Quick, Sessions, Timestamp,
    ToolCall,
};

/// The system's clocks, moved on.
#[derive(Clone, Default)]
pub(super) struct Shifted {
    wall: Arc<AtomicI64>,
    monotonic: Arc<AtomicU64>,
}

impl Shifted {
    /// Moves both, as time does.
    pub(super) fn advance(&self, length: Duration) {
        self.monotonic.fetch_add(length.as_nanos() as u64, Ordering::Relaxed);
        self.set_wall(length.as_nanos() as i64);
    }

    /// Moves the wall clock alone, also back.
    pub(super) fn set_wall(&self, by: i64) {
        self.wall.fetch_add(by, Ordering::Relaxed);
    }
}

impl Clocks for Shifted {
    fn wall(&self) -> Timestamp {
        let now = SystemClocks::new().wall().nanos();
        Timestamp::from_nanos(now.saturating_add_signed(self.wall.load(Ordering::Relaxed)))
    }

    fn monotonic(&self) -> Duration {
        SystemClocks::new().monotonic() + Duration::from_nanos(self.monotonic.load(Ordering::Relaxed))
    }
}

/// Longer than any lease.
pub(super) const PAST: Duration = Duration::from_secs(5);

pub(super) struct Agent {
    pub(super) enforcer: RemoteEnforcer,
    pub(super) clocks: Shifted,
}

impl Agent {
    pub(super) fn new(url: &str, key: &str) -> Self {
        Self::with(url, key, |builder| builder)
    }

    pub(super) fn with(url: &str, key: &str, more: impl FnOnce(RemoteBuilder) -> RemoteBuilder) -> Self {
        let clocks = Shifted::default();
        let client = Client::builder().url(url).api_key(key);
        let builder =
            RemoteEnforcer::builder(client).timeout(Duration::from_millis(500)).clocks(clocks.clone());
        Self { enforcer: more(builder).build().expect("an enforcer"), clocks }
    }

    /// A session of a role.
    pub(super) async fn session(&self, role: &str) -> Principal {
        self.enforcer.provision(Provision::new(role, "ann")).await.expect("a session").principal
    }

    /// The answer that needs no network, if there is one.
    pub(super) fn at_once(&self, who: &Principal, tool: &str, args: &'static str) -> Option<&'static str> {
        let call = ToolCall::new(tool).with_args(Args::parse(args));
        match self.enforcer.try_enforce(&AccessRequest::new(who.as_ref(), &call)) {
            Quick::Decided(decision) => Some(word(&decision)),
            Quick::Need(_) => None,
        }
    }

    /// The answer, wherever it comes from.
    pub(super) async fn ask(
        &self,
        who: &Principal,
        tool: &str,
        args: &str,
    ) -> Result<Decision, EnforceError> {
        let call = ToolCall::new(tool).with_args(Args::parse(args.to_owned()));
        self.enforcer.enforce(&AccessRequest::new(who.as_ref(), &call)).await
    }

    /// The answer in a word: a code, `PERMIT`, `HOLD`, or `NONE`.
    pub(super) async fn word(&self, who: &Principal, tool: &str, args: &str) -> &'static str {
        self.ask(who, tool, args).await.as_ref().map_or("NONE", word)
    }

    /// Waits until a call is answered like this without the network; at most some seconds.
    pub(super) async fn until(&self, who: &Principal, tool: &str, expected: Option<&str>) {
        for _ in 0..500 {
            if self.at_once(who, tool, "{}") == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("`{tool}` is never {expected:?}, but {:?}", self.at_once(who, tool, "{}"));
    }
}

pub(super) fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Permit(_) => "PERMIT",
        Decision::Deny(denial) => denial.code.as_str(),
        Decision::Hold(_) => "HOLD",
    }
}
