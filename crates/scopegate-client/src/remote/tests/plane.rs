//! A plane that answers as it is told to, one connection for each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use scopegate_core::SessionId;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::super::clocks::Clocks;
use super::super::lock;
use super::scene::Hands;

/// What happens to requests for a route.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// This status, with this body.
    Say(u16, String),
    /// The beginning of an answer, and then nothing.
    Begin,
    /// No answer.
    Hang,
    /// The connection ends without an answer.
    Drop,
    /// The same, and nobody is there any more.
    Die,
}

pub(super) fn say(status: u16, body: impl ToString) -> Way {
    Way::Say(status, body.to_string())
}

/// A refusal in a plane's words.
pub(super) fn refuse(status: u16) -> Way {
    say(status, json!({ "error": { "code": "X", "message": "no" } }))
}

pub(super) struct Plane {
    pub(super) url: String,
    pub(super) says: Arc<Mutex<Says>>,
    running: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// What it says unless it is told otherwise, and what it was asked.
pub(super) struct Says {
    clocks: Hands,
    pub(super) incarnation: u64,
    pub(super) counter: u64,
    pub(super) version: u64,
    pub(super) roles: Value,
    pub(super) calls: u64,
    /// How calls are answered, beside their own names.
    pub(super) verdict: Option<(u16, Value)>,
    /// Whether it is silent after the next verdict.
    pub(super) then_hang: bool,
    /// Whether journals are taken up and the answers lost.
    pub(super) lose: bool,
    /// What happens to requests of one session.
    apart: Option<(&'static str, String, Way)>,
    pub(super) ways: HashMap<&'static str, Way>,
    /// Route, path and body of every request.
    pub(super) asked: Vec<(&'static str, String, Value)>,
    /// Journals as they were taken up, by session and kind: batch, number, and the numbers told of.
    pub(super) taken: HashMap<(String, bool), (u64, u64, Vec<u64>)>,
    sessions: u128,
}

impl Plane {
    pub(super) async fn new(clocks: Hands) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let says = Arc::new(Mutex::new(Says {
            clocks,
            incarnation: 7,
            counter: 5,
            version: 1,
            roles: json!([{ "name": "clerk", "allowed_tools": ["read", "pay"], "approval_required": ["pay"] }]),
            calls: 0,
            verdict: None,
            then_hang: false,
            lose: false,
            apart: None,
            ways: HashMap::new(),
            asked: Vec::new(),
            taken: HashMap::new(),
            sessions: 0,
        }));
        let running = Arc::new(Mutex::new(None));
        let (state, handle) = (says.clone(), running.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, state.clone(), handle.clone()));
            }
        });
        *lock(&running) = Some(accepting);
        Self { url, says, running }
    }

    pub(super) fn turn(&self, route: &'static str, way: Way) {
        lock(&self.says).ways.insert(route, way);
    }

    /// The same for one session.
    pub(super) fn turn_session(&self, route: &'static str, session: SessionId, way: Way) {
        lock(&self.says).apart = Some((route, session.to_string(), way));
    }

    pub(super) fn usual(&self, route: &'static str) {
        let mut says = lock(&self.says);
        says.ways.remove(route);
        says.apart = None;
    }

    /// Nobody is there any more.
    pub(super) async fn die(&self) {
        stop(&self.running);
        tokio::task::yield_now().await;
    }

    pub(super) fn asked(&self, route: &str) -> Vec<Value> {
        let says = lock(&self.says);
        says.asked.iter().filter(|(asked, ..)| *asked == route).map(|(.., body)| body.clone()).collect()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        stop(&self.running);
    }
}

fn stop(running: &Mutex<Option<JoinHandle<()>>>) {
    if let Some(running) = lock(running).take() {
        running.abort();
    }
}

async fn serve(mut stream: TcpStream, says: Arc<Mutex<Says>>, running: Arc<Mutex<Option<JoinHandle<()>>>>) {
    let Some((path, body)) = request(&mut stream).await else { return };
    let route = route(&path);
    let way = {
        let mut says = lock(&says);
        says.asked.push((route, path.clone(), body.clone()));
        let apart = says.apart.as_ref().filter(|(of, session, _)| *of == route && path.contains(session));
        match says.ways.get(route).or(apart.map(|(.., way)| way)) {
            Some(way) => way.clone(),
            None => says.usual(route, &path, &body),
        }
    };
    let last = route == "enforce" && std::mem::take(&mut lock(&says).then_hang);
    match way {
        Way::Say(status, body) => {
            let head =
                format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes()).await;
            if last {
                lock(&says).ways.insert("enforce", Way::Hang);
            }
        }
        Way::Begin => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"decision\"").await;
            std::future::pending().await
        }
        Way::Hang => std::future::pending().await,
        Way::Drop => {}
        Way::Die => stop(&running),
    }
}

async fn request(stream: &mut TcpStream) -> Option<(String, Value)> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0) {
            let path = text.split(' ').nth(1)?.to_owned();
            return Some((path, serde_json::from_str(body).unwrap_or(Value::Null)));
        }
    }
}

fn route(path: &str) -> &'static str {
    match path.split('/').skip(1).collect::<Vec<_>>()[..] {
        ["v1", "provision"] => "provision",
        ["v1", "enforce"] => "enforce",
        ["v1", "epoch"] => "epoch",
        ["v1", "epoch", "events"] => "events",
        ["v1", "sessions", _, "scope"] => "scope",
        ["v1", "sessions", _, "rate"] => "rate",
        ["v1", "sessions", _, "journal"] => "journal",
        ["v1", "sessions", _] => "session",
        _ => "other",
    }
}

impl Says {
    fn usual(&mut self, route: &str, path: &str, body: &Value) -> Way {
        let session = path.split('/').nth(3).unwrap_or_default().to_owned();
        let now = self.clocks.wall();
        match route {
            "provision" => {
                self.sessions += 1;
                let id = SessionId::from_bits(self.sessions);
                let expires_at = now.after(std::time::Duration::from_secs(3600));
                let token = format!("a.b.{}", self.sessions);
                say(
                    200,
                    json!({ "jwt": token, "session_id": id, "expires_at": expires_at, "scope": self.scope() }),
                )
            }
            "scope" => say(200, self.scope()),
            "epoch" => {
                say(200, json!({ "incarnation": self.incarnation, "counter": self.counter, "now": now }))
            }
            "rate" => say(200, json!({ "calls": self.calls, "version": self.version })),
            "enforce" => {
                let (status, mut told) =
                    self.verdict.clone().unwrap_or((200, json!({ "decision": "allow", "permit": 1 })));
                told["call_id"] = body["call_id"].clone();
                say(status, told)
            }
            "journal" => self.take(session, body),
            _ => refuse(404),
        }
    }

    fn scope(&self) -> Value {
        json!({ "owner": "ann", "version": self.version, "roles": self.roles, "lease_ms": 5_000,
            "epoch": { "incarnation": self.incarnation, "counter": self.counter }, "now": self.clocks.wall() })
    }

    /// As the plane takes journals up.
    fn take(&mut self, session: String, sent: &Value) -> Way {
        let word = |member: &str| sent[member].as_u64().unwrap();
        let (batch, from, to) = (word("batch"), word("from"), word("to"));
        let first = if sent["fail_open"] == true { 1 << 49 } else { 1 << 48 };
        let key = (session, sent["fail_open"] == true);
        let (before, number, told) = self.taken.entry(key).or_insert((0, first, Vec::new()));
        if batch > *before {
            if from <= *number {
                return refuse(409);
            }
            (*before, *number) = (batch, to.max(*number));
            let entries = sent["entries"].as_array().unwrap().iter();
            told.extend(
                entries.filter(|entry| entry["event"] == "permit").map(|e| e["number"].as_u64().unwrap()),
            );
        } else if batch < *before || to > *number {
            return refuse(409);
        }
        let (before, number) = (*before, *number);
        if self.lose {
            Way::Drop
        } else {
            say(200, json!({ "batch": before, "number": number, "missing": 0 }))
        }
    }
}
