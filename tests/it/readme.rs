//! What the README claims is what the programs say.

use scopegate_engine::Policy;

use crate::cli::{root, scopegate};

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
    for command in ["check", "validate", "explain", "replay", "audit", "schema", "demo"] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "`{command}` is not in the help");
        assert!(readme.contains(command), "`{command}` is not in the README");
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
