//! A plane as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::cli::binary;

/// A running plane; killed, as by a power cut of the process alone, when dropped.
pub(crate) struct Plane {
    child: Child,
    pub(crate) url: String,
}

impl Plane {
    pub(crate) fn start_with(data: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command.args(["--output", "json", "serve", "--addr", "127.0.0.1:0", "--data"]).arg(data).args(more);
        let mut child =
            command.env("RUST_LOG", "off").stdout(Stdio::piped()).spawn().expect("the plane starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let told: Value = serde_json::from_str(&line).expect("where it listens");
        let url = told["url"].as_str().expect("a URL").to_owned();
        Self { child, url }
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        // SIGKILL: it gets no chance to finish anything.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A key of the default tenant.
pub(crate) fn key(data: &Path, kind: &str) -> String {
    key_of(data, "default", kind)
}

/// A key of a tenant.
pub(crate) fn key_of(data: &Path, tenant: &str, kind: &str) -> String {
    let mut command = Command::new(binary());
    command.args(["keys", "create", "--tenant", tenant, "--kind", kind, "--data"]).arg(data);
    let made = command.output().expect("a key");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("UTF-8").trim().to_owned()
}

/// A new tenant.
pub(crate) fn tenant(data: &Path, name: &str) {
    let mut command = Command::new(binary());
    let made = command.args(["tenants", "create", name, "--data"]).arg(data).output().expect("a tenant");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
