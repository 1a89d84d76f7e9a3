//! The commands that ask a running plane.

mod agents;
mod audit;
mod connection;
mod data;
mod decisions;
mod escalations;
mod grants;
mod policies;
mod reviews;
mod roles;
mod servers;
mod sessions;
mod status;
mod terminal;

use std::path::Path;

use scopegate_client::{Call, Client, ClientError, Provision, SessionToken};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{Run, run_in};
use crate::served::{Plane, key};

/// A plane, a key of each kind, and a home without settings.
struct Desk {
    folder: TempDir,
    plane: Plane,
    runtime: Runtime,
}

impl Desk {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let plane = Plane::start(&folder.path().join("data"));
        let runtime = Runtime::new().expect("a runtime");
        Self { folder, plane, runtime }
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
        self.path(name)
    }

    /// A command of whoever holds a new key of this kind.
    fn run(&self, kind: &str, args: &[&str]) -> Run {
        self.run_with(&key(&self.data(), kind), args)
    }

    fn run_with(&self, key: &str, args: &[&str]) -> Run {
        let variables = [("SCOPEGATE_URL", self.plane.url.as_str()), ("SCOPEGATE_API_KEY", key)];
        run_in(self.folder.path(), &variables, args)
    }

    /// What a command prints for programs, when all is well.
    #[track_caller]
    fn json(&self, kind: &str, args: &[&str]) -> Vec<Value> {
        let run = self.run(kind, &[args, &["--output", "json"]].concat());
        run.assert(0, "", "");
        run.json()
    }

    /// The same of a command that also has a message.
    #[track_caller]
    fn json_of(&self, kind: &str, args: &[&str]) -> Vec<Value> {
        self.run(kind, &[args, &["--output", "json"]].concat()).json()
    }

    fn client(&self, kind: &str) -> Client {
        Client::builder().url(&self.plane.url).api_key(key(&self.data(), kind)).build().expect("a client")
    }

    fn wait<T>(&self, asked: impl Future<Output = Result<T, ClientError>>) -> T {
        self.runtime.block_on(asked).expect("an answer")
    }

    /// A role `payer` that may `read`, and `pay` when a person agrees.
    fn payer(&self) {
        let policy =
            "version: 1\nroles: [{name: payer, allowed_tools: [read, pay], approval_required: [pay]}]";
        let policy = self.write("payer.yaml", policy);
        self.run("admin", &["roles", "apply", &policy, "--yes"]).assert(
            0,
            "+ make payer",
            "1 of 1 roles written",
        );
    }

    /// An agent with a session of `payer`.
    fn agent(&self) -> Agent<'_> {
        let client = self.client("agent");
        let session = self.wait(client.provision(&Provision::new("payer")));
        Agent { desk: self, client, session }
    }
}

struct Agent<'a> {
    desk: &'a Desk,
    client: Client,
    session: SessionToken,
}

impl Agent<'_> {
    fn ask(&self, tool: &str, arguments: Value) -> Result<(), ClientError> {
        let call = Call::new(tool, arguments);
        self.desk.runtime.block_on(self.client.enforce(&self.session.token, &call))
    }

    /// The review that a call waits for.
    fn hold(&self, arguments: Value) -> String {
        match self.ask("pay", arguments) {
            Err(ClientError::Pending(pending)) => pending.review,
            other => panic!("{other:?}"),
        }
    }
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).expect("a file")
}
