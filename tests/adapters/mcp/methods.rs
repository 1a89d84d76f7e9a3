//! Every method of rmcp's trait is written out: a new one would quietly be answered by its default.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[test]
fn a_guarded_server_writes_out_every_method_of_the_trait() {
    let theirs = read(&rmcp().join("src/handler/server.rs"));
    let theirs =
        methods(between(&theirs, "macro_rules! server_handler_methods", "\npub trait ServerHandler"));
    let ours = read(&root().join("crates/scopegate-mcp/src/guarded.rs"));
    let ours = methods(between(&ours, "ServerHandler for Guarded<H> {", "\n}\n"));
    assert_eq!(theirs.len(), 32, "rmcp has other methods than when this was written: {theirs:?}");
    assert_eq!(ours, theirs);
}

/// The names after `fn`, without those in comments.
fn methods(text: &str) -> BTreeSet<String> {
    let code = text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
    let after = code.filter_map(|line| line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn "));
    after.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to}")).0
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where the source of rmcp lies.
fn rmcp() -> PathBuf {
    let host = output("rustc", &["--print", "host-tuple"]);
    // Without what other machines would need, which nobody has downloaded.
    let host = ["--filter-platform", host.trim()];
    let metadata = [["metadata", "--format-version"], ["1", "--locked"], host].concat();
    let metadata: Value = serde_json::from_str(&output(env!("CARGO"), &metadata)).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    // swarms-rs brings one of its own.
    let ours = |package: &&Value| package["name"] == "rmcp" && package["version"] == "3.9.0";
    let rmcp = packages.iter().find(ours).expect("rmcp 3.9.0");
    Path::new(rmcp["manifest_path"].as_str().expect("a path")).parent().expect("a directory").to_owned()
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(root()).output().expect(program);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
