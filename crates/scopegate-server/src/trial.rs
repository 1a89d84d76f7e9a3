//! A plane in the test's own process, on a socket of its own: what the wire alone cannot do is done on its
//! enforcer.

use std::path::Path;
use std::sync::Arc;

use reqwest::{Client, Method};
use scopegate_core::{
    AccessRequest, Args, Decision, Enforcer, PrincipalRef, Redemption, ReviewId, SessionId, ToolCall,
};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::domain::Tenant;
use crate::keys::{Kind, Prefix};
use crate::plane::Plane;
use crate::setup::{self, KeyOrder};
use crate::store::{SqliteStore, TenantId};
use crate::{Config, start};

/// The tenant that every store begins with.
const FIRST: &str = "default";

/// A running plane.
pub(crate) struct Trial {
    plane: Arc<Plane>,
    url: String,
    http: Client,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

/// A key of a tenant, made before the plane starts.
pub(crate) fn key(folder: &Path, (tenant, kind, owner): (&str, Kind, &str)) -> String {
    let mut store = SqliteStore::open(folder).expect("the store");
    let now = scopegate_engine::Clock::now(&scopegate_engine::SystemClock::new());
    setup::first_tenant(&mut store, now).expect("a tenant");
    let tenant = TenantId::parse(tenant).expect("an id");
    if tenant.as_str() != FIRST {
        // It may be there.
        let _ = setup::create_tenant(&mut store, tenant.clone(), setup::Dialect::default(), now);
    }
    let order = KeyOrder { tenant, kind, name: Some(owner.to_owned()), prefix: Prefix::Xb, expires_at: None };
    setup::create_key(&mut store, order, now).expect("a key").secret.to_string()
}

impl Trial {
    pub(crate) async fn start(folder: &Path) -> Self {
        let config = Config { addr: ([127, 0, 0, 1], 0).into(), ..Config::new(folder) };
        let started = start(config).await.expect("a plane");
        let (plane, url) = (started.plane(), started.url());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            let ended = async { drop(stopped.await) };
            started.run(ended).await.expect("a good end");
        });
        Self { plane, url, http: Client::new(), stop, running }
    }

    pub(crate) async fn stop(self) {
        // It listens for this until it ends.
        let _ = self.stop.send(());
        self.running.await.expect("no panic");
    }

    pub(crate) fn tenant(&self) -> Arc<Tenant> {
        self.plane.tenant(&TenantId::parse(FIRST).expect("an id")).expect("the tenant")
    }

    /// Asks with a key; status and body.
    pub(crate) async fn ask(&self, key: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).header("x-api-key", key);
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> (u16, Value) {
        self.ask(key, Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, key: &str, path: &str, body: Value) -> (u16, Value) {
        self.ask(key, Method::POST, path, body).await
    }

    /// A role, and whatever else it says; its id.
    pub(crate) async fn role(&self, key: &str, role: Value) -> String {
        let (status, told) = self.post(key, "/mgmt/v1/roles", role).await;
        assert!(status < 300, "{told}");
        let id = told["id"].as_str().or(told["role_id"].as_str());
        id.unwrap_or_else(|| panic!("{told}")).to_owned()
    }

    /// A session of a role.
    pub(crate) async fn session(&self, key: &str, role: &str) -> SessionId {
        let (status, told) = self.post(key, "/v1/provision", json!({ "role_id": role })).await;
        assert_eq!(status, 200, "{told}");
        SessionId::parse(told["session_id"].as_str().expect("an id")).expect("an id")
    }

    /// What a call of a session comes to, whose yes is to be read.
    pub(crate) async fn decide(&self, session: SessionId, amount: u64) -> Decision {
        let call =
            ToolCall::new("pay").with_args(Args::parse(format!(r#"{{"amount":{amount},"to":"ann"}}"#)));
        let request = AccessRequest::new(PrincipalRef::Session(session), &call);
        let request = request.redeemed_by(Redemption::Read);
        self.tenant().enforcer.enforce(&request).await.expect("a decision")
    }

    /// The escalation of a call that waits.
    pub(crate) async fn held(&self, session: SessionId, amount: u64) -> ReviewId {
        match self.decide(session, amount).await {
            Decision::Hold(hold) => hold.review,
            other => panic!("{other:?}"),
        }
    }
}
