//! The house rules that a reader cannot check at a glance.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::built::root;

/// Which of our crates each of our crates may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("scopegate-core", &[]),
    ("scopegate-engine", &["scopegate-core"]),
    ("scopegate-client", &["scopegate-core", "scopegate-engine"]),
    ("scopegate-tower", &["scopegate-core"]),
    ("scopegate-server", &["scopegate-core", "scopegate-engine"]),
    ("scopegate-mcp", &["scopegate-adapter", "scopegate-core"]),
    ("scopegate-adapter", &["scopegate-core"]),
    ("scopegate-adk", &["scopegate-adapter", "scopegate-core"]),
    ("scopegate-rig", &["scopegate-adapter", "scopegate-core"]),
    ("scopegate-swarms", &["scopegate-adapter", "scopegate-core"]),
    (
        "scopegate",
        &[
            "scopegate-client",
            "scopegate-core",
            "scopegate-engine",
            "scopegate-mcp",
            "scopegate-rig",
            "scopegate-swarms",
            "scopegate-tower",
        ],
    ),
    (
        "scopegate-cli",
        &[
            "scopegate-core",
            "scopegate-engine",
            "scopegate-tower",
            "scopegate-server",
            "scopegate-client",
            "scopegate-mcp",
            "scopegate",
        ],
    ),
];

#[test]
fn crates_import_only_what_the_map_allows() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    for package in
        packages.iter().filter(|p| p["manifest_path"].as_str().is_some_and(|p| p.contains("/crates/")))
    {
        let name = package["name"].as_str().expect("name");
        let (_, allowed) = ARROWS
            .iter()
            .find(|(crate_, _)| *crate_ == name)
            .unwrap_or_else(|| panic!("{name} is not on the map"));
        let ours = package["dependencies"].as_array().expect("dependencies").iter();
        let ours = ours.filter(|d| d["kind"].is_null()).filter_map(|d| d["name"].as_str());
        for dependency in ours.filter(|d| d.starts_with("scopegate")) {
            assert!(allowed.contains(&dependency), "{name} must not import {dependency}");
        }
    }
}

#[test]
fn default_members_hold_one_binary() {
    let metadata = metadata();
    let default = metadata["workspace_default_members"].as_array().expect("default members");
    let packages = metadata["packages"].as_array().expect("packages").iter();
    let binaries: Vec<_> = packages
        .filter(|package| default.contains(&package["id"]))
        .flat_map(|package| package["targets"].as_array().expect("targets"))
        .filter(|target| {
            target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"))
        })
        .filter_map(|target| target["name"].as_str())
        .collect();
    assert_eq!(binaries, ["scopegate"]);
}

#[test]
fn the_core_is_pure() {
    let banned = [
        "std::fs",
        "std::net",
        "std::env",
        "Mutex",
        "RwLock",
        "Instant::now",
        "SystemTime",
        "rand::",
        "println!",
    ];
    for file in sources("crates/scopegate-core/src") {
        let text = std::fs::read_to_string(&file).expect("source");
        let name = file.file_name().and_then(|name| name.to_str()).expect("name");
        for word in banned {
            assert!(!text.contains(word), "{} says {word}", file.display());
        }
        let waits = text.contains("async fn") || text.contains(".await");
        assert!(!waits || ["enforcer.rs", "gate.rs"].contains(&name), "{} waits", file.display());
    }
}

#[test]
fn what_the_plane_does_knows_no_dialect() {
    for file in sources("crates/scopegate-server/src/domain") {
        let text = std::fs::read_to_string(&file).expect("source");
        assert!(!text.contains("dialect::"), "{} imports a dialect", file.display());
    }
}

#[test]
fn rooms_stay_small() {
    for file in sources("crates") {
        let text = std::fs::read_to_string(&file).expect("source");
        let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        let lines =
            code.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count();
        assert!(lines <= 400, "{} has {lines} lines of code", file.display());
    }
}

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let args = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(cargo).args(args).current_dir(root()).output().expect("cargo metadata");
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "tests" && name != "examples") {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                files.push(path);
            }
        }
    }
    files
}
