//! A world's policy on a plane in this process: an agent's enforcer, which decides with what the plane
//! lends, and a person's, who may agree.

use scopegate_client::{Client, RemoteEnforcer, RoleDraft};
use scopegate_core::Timestamp;
use scopegate_engine::Policy;
use scopegate_server::Config;
use scopegate_server::keys::{Kind, Prefix};
use scopegate_server::setup::{self, KeyOrder};
use scopegate_server::store::{SqliteStore, TenantId};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::World;

/// A running plane that has the roles of a world.
#[derive(Debug)]
pub struct Plane {
    /// With an agent's key.
    pub agent: RemoteEnforcer,
    /// With a key that does everything.
    pub person: RemoteEnforcer,
    running: JoinHandle<()>,
    stop: oneshot::Sender<()>,
    _data: tempfile::TempDir,
}

impl Plane {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not start, or does not take the world's roles.
    pub async fn of<W: World>() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let (dev, agent) = keys(data.path());
        let config = Config { addr: ([127, 0, 0, 1], 0).into(), ..Config::new(data.path()) };
        let started = scopegate_server::start(config).await.expect("the plane starts");
        let url = started.url();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            started.run(async { drop(stopped.await) }).await.expect("the plane ends in good order");
        });
        let admin = Client::builder().url(&url).api_key(&dev).build().expect("a client");
        let policy = Policy::from_text(&W::policy(), W::NAME).unwrap_or_else(|error| panic!("{error}"));
        for role in &policy.roles {
            let draft = RoleDraft::of(role).expect("a role");
            admin.create_role(&draft).await.expect("the plane takes the role");
        }
        let enforcer = |key: String| RemoteEnforcer::new(&url, key).expect("an enforcer");
        Self { agent: enforcer(agent), person: enforcer(dev), running, stop, _data: data }
    }

    /// Ends it in good order; everything that the agent decided was sent.
    ///
    /// # Panics
    /// When it was not.
    pub async fn stop(self) {
        assert!(self.agent.close().await, "everything was sent");
        self.person.close().await;
        drop(self.stop);
        self.running.await.expect("the plane did not panic");
    }
}

fn keys(data: &std::path::Path) -> (String, String) {
    let mut store = SqliteStore::open(data).expect("a store");
    let now = Timestamp::from_secs(1_000);
    setup::first_tenant(&mut store, now).expect("a tenant");
    let mut key = |kind| {
        let tenant = TenantId::parse("default").expect("a name");
        let order = KeyOrder { tenant, kind, name: None, prefix: Prefix::Sb, expires_at: None };
        setup::create_key(&mut store, order, now).expect("a key").secret
    };
    (key(Kind::Dev), key(Kind::Agent))
}
