//! A plane in this process, and requests to it as anyone may write them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use scopegate_core::Timestamp;
use scopegate_server::Config;
use scopegate_server::keys::{Kind, Prefix};
use scopegate_server::setup::{self, KeyOrder};
use scopegate_server::store::{SqliteStore, TenantId};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A folder for a plane, with keys of two tenants.
pub(super) struct Home {
    folder: tempfile::TempDir,
    /// Does everything.
    pub(super) dev: String,
    /// An agent's.
    pub(super) agent: String,
    /// Another agent's of the same tenant.
    pub(super) other_agent: String,
    /// Does everything in another tenant.
    pub(super) foreign: String,
}

impl Home {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = SqliteStore::open(folder.path()).expect("a store");
        let now = Timestamp::from_secs(1_000);
        setup::first_tenant(&mut store, now).expect("a tenant");
        let tenant = |name: &str| TenantId::parse(name).expect("a name");
        setup::create_tenant(&mut store, tenant("elsewhere"), setup::Dialect::Scopebound, now)
            .expect("a tenant");
        let mut key = |place: &str, kind| {
            let order =
                KeyOrder { tenant: tenant(place), kind, name: None, prefix: Prefix::Sb, expires_at: None };
            setup::create_key(&mut store, order, now).expect("a key").secret
        };
        let (dev, agent) = (key("default", Kind::Dev), key("default", Kind::Agent));
        let (other_agent, foreign) = (key("default", Kind::Agent), key("elsewhere", Kind::Dev));
        drop(store);
        Self { folder, dev, agent, other_agent, foreign }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Revokes a key beside the running plane.
    pub(super) fn revoke(&self, secret: &str) {
        let id = scopegate_server::keys::id_of(secret).expect("an id");
        let mut store = SqliteStore::beside(self.path()).expect("the store");
        setup::revoke_key(&mut store, id, Timestamp::from_secs(2_000)).expect("revoked");
    }

    /// A new agent's key that ends by itself.
    pub(super) fn key_until(&self, end: Timestamp) -> String {
        let mut store = SqliteStore::beside(self.path()).expect("the store");
        let order = KeyOrder {
            tenant: TenantId::parse("default").expect("a name"),
            kind: Kind::Agent,
            name: None,
            prefix: Prefix::Sb,
            expires_at: Some(end),
        };
        setup::create_key(&mut store, order, Timestamp::from_secs(1_000)).expect("a key").secret
    }

    /// Changes what the store holds of the sessions of a plane that does not run.
    pub(super) fn tamper(&self, sql: &str, value: impl rusqlite::ToSql) {
        let db = rusqlite::Connection::open(self.path().join("scopegate.db")).expect("the file");
        assert!(db.execute(sql, [value]).expect("changed") > 0);
    }

    pub(super) async fn serve(&self) -> Plane {
        Plane::start(self.path().to_owned(), 0).await
    }
}

/// A running plane.
pub(super) struct Plane {
    pub(super) url: String,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Plane {
    /// On this port; 0 takes any.
    pub(super) async fn start(data: PathBuf, port: u16) -> Self {
        let config = Config { addr: ([127, 0, 0, 1], port).into(), ..Config::new(data) };
        let started = scopegate_server::start(config).await.expect("the plane starts");
        let url = started.url();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            started.run(stopped).await.expect("the plane ends in good order");
        });
        Self { url, stop: Some(stop), running }
    }

    /// Ends it in good order.
    pub(super) async fn stop(mut self) {
        drop(self.stop.take());
        self.running.await.expect("the plane did not panic");
    }

    /// Sends one request on a connection of its own.
    pub(super) async fn ask(&self, key: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, text) = self.send(key, method, path, &body).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The same with a body of any kind.
    pub(super) async fn send(&self, key: &str, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream =
            TcpStream::connect(self.url.trim_start_matches("http://")).await.expect("a connection");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: plane\r\nconnection: close\r\nx-scopebound-api-key: {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut answer));
        read.await.expect("an answer in time").expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        (status, if chunked { joined(body) } else { body.to_owned() })
    }

    /// Writes a role.
    pub(super) async fn role(&self, key: &str, role: Value) {
        let (status, answer) = self.ask(key, "POST", "/mgmt/v1/roles", role).await;
        assert_eq!(status, 201, "{answer}");
    }

    /// Opens a session and asks for its scope.
    pub(super) async fn open(&self, key: &str, role: &str) -> Opened {
        let (status, answer) =
            self.ask(key, "POST", "/v1/provision", json!({ "role_id": role, "scope": true })).await;
        assert_eq!(status, 200, "{answer}");
        let text = |member: &str| answer[member].as_str().expect("a text").to_owned();
        Opened { id: text("session_id"), jwt: text("jwt"), scope: answer["scope"].clone() }
    }

    /// The answer to a call.
    pub(super) async fn enforce(&self, key: &str, jwt: &str, more: Value) -> (u16, Value) {
        let mut body = json!({ "jwt": jwt, "tool_name": "read", "call_args": {} });
        for (member, value) in more.as_object().expect("members") {
            body[member] = value.clone();
        }
        self.ask(key, "POST", "/v1/enforce", body).await
    }

    /// What the log holds, oldest first.
    pub(super) async fn events(&self, key: &str) -> Vec<Value> {
        let path = "/mgmt/v1/audit/export?window_hours=1";
        let (status, answer) = self.ask(key, "GET", path, Value::Null).await;
        assert_eq!(status, 200, "{answer}");
        answer["events"].as_array().expect("events").clone()
    }
}

/// What came in chunks (RFC 9112, section 7.1).
fn joined(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((length, rest)) = chunks.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a length");
        body.push_str(&rest[..length]);
        chunks = rest[length..].trim_start_matches("\r\n");
    }
    body
}

/// A session that was opened by hand.
pub(super) struct Opened {
    pub(super) id: String,
    pub(super) jwt: String,
    pub(super) scope: Value,
}
