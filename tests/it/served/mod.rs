//! A plane as a process of its own, and a client that can only talk.

mod client;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

pub(crate) use self::client::{Answer, Client, connect, request};
use crate::cli::binary;

/// A running plane; killed, as by a power cut of the process alone, when dropped.
pub(crate) struct Plane {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) addr: String,
}

impl Plane {
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// A plane with further arguments of `serve`.
    pub(crate) fn start_with(data: &Path, more: &[&str]) -> Self {
        Self::start_in(data, more, |command| command.env("RUST_LOG", "off"))
    }

    /// The same, in an environment of its own.
    pub(crate) fn start_in(
        data: &Path,
        more: &[&str],
        set: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let mut command = Command::new(binary());
        command.args(["--output", "json", "serve", "--addr", "127.0.0.1:0", "--data"]).arg(data).args(more);
        let mut child = set(&mut command).stdout(Stdio::piped()).spawn().expect("the plane starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let told: Value = serde_json::from_str(&line).expect("where it listens");
        let url = told["url"].as_str().expect("a URL").to_owned();
        let addr = url.split("//").last().expect("an address").to_owned();
        Self { child, url, addr }
    }

    /// Another process on the same folder, once this one was killed.
    pub(crate) fn start_again(self, data: &Path) -> Self {
        drop(self);
        Self::start(data)
    }

    pub(crate) fn client(&self, key: &str) -> Client {
        Client::new(&self.addr, key)
    }

    /// Asks the process to end, as a supervisor does.
    pub(crate) fn terminate(&self) {
        signal(&self.child, "-TERM");
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        // SIGKILL: it gets no chance to finish anything.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// A key of the default tenant.
pub(crate) fn key(data: &Path, kind: &str) -> String {
    key_of(data, "default", kind)
}

/// A key of a tenant.
pub(crate) fn key_of(data: &Path, tenant: &str, kind: &str) -> String {
    let args = ["keys", "create", "--tenant", tenant, "--kind", kind, "--data"];
    scopegate(&args, data).trim().to_owned()
}

/// Runs a command on a data folder, which is its last argument; what it says.
pub(crate) fn scopegate(args: &[&str], data: &Path) -> String {
    let ran = Command::new(binary()).args(args).arg(data).output().expect("the command runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("UTF-8")
}

/// A new tenant.
pub(crate) fn tenant(data: &Path, name: &str) {
    scopegate(&["tenants", "create", name, "--data"], data);
}
