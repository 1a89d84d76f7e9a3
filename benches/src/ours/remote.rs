//! A call that the remote enforcer decides with what a plane lent, beside the local enforcer's.

use std::hint::black_box;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use scopegate_client::{Client, Clocks, RemoteEnforcer, RoleDraft, SystemClocks};
use scopegate_core::{
    AccessRequest, Enforcer, Principal, Provision, Quick, Role, Sessions, Timestamp, ToolCall,
};
use scopegate_engine::{Clock, LocalEnforcer, Policy, RecordsSpec, SystemClock};
use scopegate_server::keys::{Kind, Prefix};
use scopegate_server::setup::{self, KeyOrder};
use scopegate_server::store::{SqliteStore, TenantId};
use scopegate_server::{Config, serve};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::agent::{self, permits};
use crate::Result;
use crate::harness::Item;
use crate::workload::{self, Case};

/// Fewer than fit in a lane of the queue, so that neither side waits for its writer.
const RECORDS: u64 = 512;
const ROLE: &str = "unlimited";

pub(super) fn items() -> Vec<Item> {
    let remote =
        Item::refreshed("ours/remote/allow", Remote::new, Remote::ask, permits, (RECORDS, Remote::flush));
    let local =
        Item::refreshed("ours/remote/local", Local::new, Local::ask, permits, (RECORDS, Local::flush));
    vec![remote, local]
}

fn call() -> ToolCall {
    ToolCall::new(workload::PLAIN_TOOL).with_args(agent::call(Case::Allow).args)
}

/// The embedded enforcer, which keeps its records as well.
struct Local {
    enforcer: LocalEnforcer,
    session: Principal,
    call: ToolCall,
    runtime: Runtime,
}

impl Local {
    fn new() -> Result<Self> {
        let mut policy = Policy::new([Role::new(ROLE).allow(workload::tools(3))]);
        policy.records = Some(RecordsSpec::Memory);
        let enforcer = LocalEnforcer::new(policy)?;
        let session = enforcer.open(Provision::new(ROLE, "agent"))?.principal;
        Ok(Self { enforcer, session, call: call(), runtime: runtime()? })
    }

    fn ask(&mut self) -> Quick {
        self.enforcer.try_enforce(&AccessRequest::new(self.session.as_ref(), &self.call))
    }

    fn flush(&mut self) {
        self.runtime.block_on(self.enforcer.flush());
    }
}

/// The remote enforcer, with a plane in this process.
struct Remote {
    enforcer: RemoteEnforcer,
    session: Principal,
    call: ToolCall,
    runtime: Runtime,
    _data: TempDir,
}

impl Remote {
    fn new() -> Result<Self> {
        let (data, runtime) = (tempfile::tempdir()?, runtime()?);
        let key = key(data.path())?;
        let config = Config { addr: ([127, 0, 0, 1], 0).into(), ..Config::new(data.path()) };
        let started = runtime.block_on(serve::start(config))?;
        let client = Client::builder().url(started.url()).api_key(key);
        runtime.spawn(started.run(std::future::pending()));
        let clocks = Stopped::default();
        let enforcer = RemoteEnforcer::builder(client.clone()).clocks(clocks.clone()).build()?;
        let role = RoleDraft::new().with("name", ROLE).with("allowed_tools", json!(workload::tools(3)));
        let opened = runtime.block_on(async {
            client.build()?.create_role(&role).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(
                enforcer.provision(Provision::new(ROLE, "agent")).await?,
            )
        })?;
        clocks.stop();
        Ok(Self { enforcer, session: opened.principal, call: call(), runtime, _data: data })
    }

    fn ask(&mut self) -> Quick {
        self.enforcer.try_enforce(&AccessRequest::new(self.session.as_ref(), &self.call))
    }

    fn flush(&mut self) {
        self.runtime.block_on(self.enforcer.flush());
    }
}

/// The system's clocks until they are stopped; then they are still read, and stand: a lease does not
/// end while something is measured.
#[derive(Clone, Default)]
struct Stopped(Arc<OnceLock<(Timestamp, Duration)>>);

impl Stopped {
    fn stop(&self) {
        let system = SystemClocks::new();
        // Stopped once.
        let _ = self.0.set((system.wall(), system.monotonic()));
    }
}

impl Clocks for Stopped {
    fn wall(&self) -> Timestamp {
        let now = black_box(SystemClocks::new().wall());
        self.0.get().map_or(now, |(wall, _)| *wall)
    }

    fn monotonic(&self) -> Duration {
        let now = black_box(SystemClocks::new().monotonic());
        self.0.get().map_or(now, |(_, monotonic)| *monotonic)
    }
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

fn key(data: &std::path::Path) -> Result<String> {
    let mut store = SqliteStore::open(data)?;
    let now = SystemClock::new().now();
    setup::first_tenant(&mut store, now)?;
    let tenant = TenantId::parse("default")?;
    let order = KeyOrder { tenant, kind: Kind::Dev, name: None, prefix: Prefix::Sb, expires_at: None };
    Ok(setup::create_key(&mut store, order, now)?.secret)
}
