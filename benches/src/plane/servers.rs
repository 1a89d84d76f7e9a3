//! The servers: each a process of its own, on the first core where `taskset` is there to keep it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::load::Question;
use crate::Result;
use crate::workload::{self, Case};

/// A running server, ended when dropped.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    pub(super) addr: String,
}

impl Server {
    /// Starts a program that says in its first line where it listens.
    fn start(program: &Path, args: &[&str]) -> Result<Self> {
        let pinned = Command::new("taskset").arg("--version").output().is_ok();
        let mut command = if pinned { Command::new("taskset") } else { Command::new(program) };
        if pinned {
            command.args(["-c", "0"]).arg(program);
        }
        command.args(args).env("RUST_LOG", "warn").stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let mut line = String::new();
        let told = process.stdout.take().ok_or("no standard output")?;
        BufReader::new(told).read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line)?;
        let addr = told.pointer("/url").and_then(Value::as_str).ok_or("no address")?;
        Ok(Self { addr: addr.trim_start_matches("http://").to_owned(), process })
    }

    /// A server of this very program.
    pub(super) fn own(name: &str) -> Result<Self> {
        Self::start(&std::env::current_exe()?, &["serve", name])
    }

    /// How much memory it holds, in MiB; 0 where the system does not say.
    pub(super) fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let kib = status.ok().and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().to_owned();
            line.split_whitespace().next()?.parse::<f64>().ok()
        });
        kib.unwrap_or(0.0) / 1024.0
    }

    /// What the workload's call asks of it.
    pub(super) fn question(&self, path: &str, body: &str, expected: &'static str) -> Question {
        let (addr, length) = (self.addr.clone(), body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}"
        );
        Question { addr, request: format!("{head}\r\n\r\n{body}").into_bytes(), expected }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of it is needed any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A plane with the workload's role, and a session in it.
#[derive(Debug)]
pub(super) struct Plane {
    pub(super) server: Server,
    key: String,
    folder: PathBuf,
}

impl Plane {
    pub(super) fn start(audit: &str) -> Result<Self> {
        let program = program()?;
        let folder = std::env::temp_dir().join(format!("scopegate-bench-{}-{audit}", std::process::id()));
        let data = folder.to_str().ok_or("an odd folder")?;
        let serve = ["--output", "json", "serve", "--addr", "127.0.0.1:0", "--audit", audit, "--data", data];
        let server = Server::start(&program, &serve)?;
        let made =
            Command::new(&program).args(["keys", "create", "--kind", "dev", "--data", data]).output()?;
        let key = String::from_utf8(made.stdout)?.trim().to_owned();
        let plane = Self { server, key, folder };
        plane.ask("/mgmt/v1/roles", &role(0), 201)?;
        Ok(plane)
    }

    /// A session's token.
    pub(super) fn provision(&self, role: usize) -> Result<String> {
        let order = json!({ "role_id": workload::role(role), "requested_ttl": 86_400 });
        let session = self.ask("/v1/provision", &order, 200)?;
        Ok(session.pointer("/jwt").and_then(Value::as_str).ok_or("no token")?.to_owned())
    }

    /// The workload's call, in a new session.
    pub(super) fn question(&self) -> Result<Question> {
        let args = workload::arguments(Case::Allow);
        let body =
            json!({ "jwt": self.provision(0)?, "tool_name": workload::CONSTRAINED_TOOL, "call_args": args });
        let mut question = self.server.question("/v1/enforce", &body.to_string(), "\"decision\":\"allow\"");
        let key = format!("\r\nx-scopebound-api-key: {}\r\n\r\n", self.key);
        let text = String::from_utf8(question.request)?;
        question.request = text.replacen("\r\n\r\n", &key, 1).into_bytes();
        Ok(question)
    }

    /// One answer, on a connection of its own.
    pub(super) fn ask(&self, path: &str, body: &Value, expected: u16) -> Result<Value> {
        use std::io::{Read as _, Write as _};
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\nx-scopebound-api-key: {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        let mut stream = std::net::TcpStream::connect(&self.server.addr)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if !answer.starts_with(&format!("HTTP/1.1 {expected} ")) {
            return Err(format!("{path} answers {answer}").into());
        }
        Ok(serde_json::from_str(answer.split_once("\r\n\r\n").unwrap_or_default().1)?)
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The workload's role, as the plane is given it. It may act at any hour, so that the figures do not
/// depend on when they are taken, and as often as it likes: the load would use up any limit.
pub(super) fn role(index: usize) -> Value {
    let constraint = |field, operator, value| json!({ "field": field, "operator": operator, "value": value });
    json!({
        "name": workload::role(index),
        "allowed_tools": workload::tools(3),
        "approval_required": [workload::APPROVAL_TOOL],
        "max_rows": workload::MAX_ROWS,
        "parameter_constraints": { workload::CONSTRAINED_TOOL: [
            constraint("amount", "gt", json!(workload::AMOUNT_ABOVE)),
            constraint("amount", "lt", json!(workload::AMOUNT_BELOW)),
            constraint("currency", "in", json!(workload::CURRENCIES)),
            constraint("method", "eq", json!(workload::METHOD)),
            constraint("memo", "contains", json!(workload::MEMO_PART)),
            constraint("vendor_id", "regex", json!(workload::VENDOR_PATTERN)),
        ] },
    })
}

/// `scopegate`, built in release beside this program.
fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let profile = own.ancestors().nth(2).ok_or("no build directory")?;
    let program = profile.join(format!("scopegate{}", std::env::consts::EXE_SUFFIX));
    match program.exists() {
        true => Ok(program),
        false => Err(format!("{} is not there: `cargo xtask bench` builds it", program.display()).into()),
    }
}

/// Serves until it is killed: `hello`, or an engine of the peers.
///
/// # Errors
/// When there is no such server, or no port.
pub fn serve(name: &str) -> Result<()> {
    let router = match name {
        "hello" => Router::new().route("/", post(hello)),
        #[cfg(feature = "peers")]
        "cedar" => Router::new().route("/", crate::peers::cedar_route()?),
        _ => return Err(format!("no server `{name}`").into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", json!({ "url": format!("http://{}", listener.local_addr()?) }));
        Ok(axum::serve(listener, router).await?)
    })
}

/// Reads the call, and answers without a thought.
async fn hello(Json(_): Json<Value>) -> Json<Value> {
    Json(json!({ "decision": "allow" }))
}
