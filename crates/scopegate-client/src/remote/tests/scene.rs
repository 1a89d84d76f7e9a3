//! An agent of a plane, and clocks that stand still.

use std::sync::Arc;
use std::time::Duration;

use scopegate_core::{
    AccessRequest, Args, Decision, Enforcer, Principal, Provision, Quick, Sessions, Timestamp, ToolCall,
};

use super::super::clocks::{Clocks, ManualClocks};
use super::super::seat::Seat;
use super::super::{Inner, RemoteEnforcer};
use super::plane::{Plane, Way};
use crate::client::Client;
use std::sync::atomic::Ordering;

/// Longer than any lease.
pub(super) const PAST: Duration = Duration::from_secs(5);

/// Clocks that several hold.
#[derive(Clone)]
pub(super) struct Hands(pub(super) Arc<ManualClocks>);

impl Clocks for Hands {
    fn wall(&self) -> Timestamp {
        self.0.wall()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

pub(super) struct Scene {
    pub(super) plane: Plane,
    pub(super) enforcer: RemoteEnforcer,
    pub(super) clocks: Hands,
    pub(super) folder: Arc<tempfile::TempDir>,
    pub(super) who: Principal,
    pub(super) seat: Arc<Seat>,
}

impl Scene {
    /// A session of `clerk`, lent, which nothing follows by itself; with `danger_fail_open` if that is said.
    pub(super) async fn new(open: bool) -> Self {
        Self::with(open, |_| ()).await
    }

    pub(super) async fn with(open: bool, prepare: impl FnOnce(&Plane)) -> Self {
        let clocks = Hands(Arc::new(ManualClocks::new(Timestamp::from_secs(1_800_000_000))));
        let plane = Plane::new(clocks.clone()).await;
        prepare(&plane);
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let enforcer = enforcer(&plane, &clocks, open.then(|| folder.path()));
        let opened = enforcer.provision(Provision::new("clerk", "ann")).await.unwrap();
        let seat = enforcer.inner.seats.find(opened.session).unwrap();
        Self { plane, enforcer, clocks, folder, who: opened.principal, seat }
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.enforcer.inner
    }

    /// The lease is over, and nobody is there.
    pub(super) async fn silence(&self) {
        self.clocks.0.advance(PAST);
        self.plane.die().await;
    }

    pub(super) fn at_once(&self, tool: &'static str) -> Option<&'static str> {
        at_once(&self.enforcer, &self.who, tool)
    }

    pub(super) async fn word(&self, tool: &'static str) -> &'static str {
        word(&self.enforcer, &self.who, tool).await
    }

    /// Asks the plane, which says this; nothing is lent meanwhile.
    pub(super) async fn told(&self, tool: &'static str, way: Way) -> &'static str {
        self.clocks.0.advance(PAST);
        self.plane.turn("scope", Way::Hang);
        self.plane.turn("enforce", way);
        self.word(tool).await
    }
}

pub(super) fn enforcer(plane: &Plane, clocks: &Hands, folder: Option<&std::path::Path>) -> RemoteEnforcer {
    try_enforcer(plane, clocks, folder).unwrap()
}

pub(super) fn try_enforcer(
    plane: &Plane,
    clocks: &Hands,
    folder: Option<&std::path::Path>,
) -> Result<RemoteEnforcer, super::super::RemoteBuildError> {
    let client = Client::builder().url(&plane.url).api_key("sb-agent-x");
    let builder = RemoteEnforcer::builder(client).timeout(Duration::from_millis(300)).clocks(clocks.clone());
    let built = match folder {
        Some(folder) => builder.danger_fail_open(folder),
        None => builder,
    };
    let enforcer = built.build()?;
    // Whatever follows the plane, the test does.
    enforcer.inner.following.store(true, Ordering::Release);
    Ok(enforcer)
}

pub(super) fn at_once(
    enforcer: &RemoteEnforcer,
    who: &Principal,
    tool: &'static str,
) -> Option<&'static str> {
    let call = ToolCall::new(tool).with_args(Args::none());
    match enforcer.try_enforce(&AccessRequest::new(who.as_ref(), &call)) {
        Quick::Decided(decision) => Some(name(&decision)),
        Quick::Need(_) => None,
    }
}

pub(super) async fn word(enforcer: &RemoteEnforcer, who: &Principal, tool: &'static str) -> &'static str {
    let call = ToolCall::new(tool).with_args(Args::none());
    let asked = enforcer.enforce(&AccessRequest::new(who.as_ref(), &call)).await;
    asked.as_ref().map_or("NONE", name)
}

fn name(decision: &Decision) -> &'static str {
    match decision {
        Decision::Permit(_) => "PERMIT",
        Decision::Deny(denial) => denial.code.as_str(),
        Decision::Hold(_) => "HOLD",
    }
}
