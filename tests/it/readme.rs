//! What the README claims is what the programs say.

use scopegate_engine::Policy;

use std::process::Command;

use crate::cli::{binary, root, scopegate};
use crate::served::{Plane, key};

#[test]
fn its_policy_is_valid() {
    let policy = block("yaml");
    let policy = Policy::from_text(&policy, "README.md").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(policy.roles[0].name, "payer");
}

#[test]
fn its_tables_are_those_of_replay() {
    let readme = readme();
    for suite in ["workspace", "slack"] {
        let (policy, calls) =
            (format!("examples/agentdojo/{suite}.yaml"), format!("examples/agentdojo/{suite}.jsonl"));
        let run = scopegate(&["replay", "--policy", &policy, &calls]);
        run.assert(0, "| injection |", "");
        let (by_tool, tasks) = run.stdout.split_once("\n\n").expect("two tables");
        assert!(
            readme.contains(by_tool.trim()),
            "the README's table of {suite} is not what replay prints:\n{by_tool}"
        );
        for row in tasks.lines().filter(|row| row.starts_with("| user") || row.starts_with("| injection")) {
            let row = format!("| {suite:<9} {row}");
            assert!(readme.contains(&row), "the README lacks {row}");
        }
    }
}

#[test]
fn its_commands_are_those_of_the_program() {
    let readme = readme();
    let help = scopegate(&["--help"]);
    for command in [
        "check", "validate", "explain", "replay", "audit", "schema", "demo", "serve", "mcp", "keys", "roles",
        "sessions", "agents", "reviews", "status",
    ] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "`{command}` is not in the help");
        assert!(readme.contains(command), "`{command}` is not in the README");
    }
}

#[test]
fn its_plane_answers_the_commands_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let plane = Plane::start(folder.path());
    let readme = readme();
    let (_, section) = readme.split_once("## Run a plane").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let shown = section.lines().filter_map(|line| line.strip_prefix("scopegate "));
    let commands: Vec<_> = shown.map(|line| line.split('#').next().unwrap_or_default().trim()).collect();
    assert!(commands.len() > 5, "{commands:?}");
    for command in commands {
        // These go on until they are interrupted, or ask somebody.
        if command.contains("watch") || command.contains("--follow") {
            continue;
        }
        let agreed = if command.starts_with("roles apply") { " --yes" } else { "" };
        let line = format!("exec {} {command}{agreed}", binary().display());
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &line])
            .current_dir(root())
            .env("SCOPEGATE_URL", &plane.url)
            .env("HOME", folder.path());
        let ran = shell.env("SCOPEGATE_API_KEY", key(folder.path(), "dev")).output().expect("a shell");
        let exit = if command.starts_with("roles diff") { 1 } else { 0 };
        assert_eq!(ran.status.code(), Some(exit), "{command}\n{}", String::from_utf8_lossy(&ran.stderr));
    }
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("README.md")
}

/// The first code block of a language.
fn block(language: &str) -> String {
    let readme = readme();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).expect("a block");
    rest.split("```").next().expect("its end").to_owned()
}
