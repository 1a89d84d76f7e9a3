//! The recorded tasks, tools and policies under `examples/agentdojo`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// A tool as it is described to models.
#[derive(Clone, Debug, Deserialize)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
}

/// A task's calls, in order.
#[derive(Clone, Debug)]
pub struct Task {
    /// Whose task it is.
    pub kind: Kind,
    /// Its name in the benchmark.
    pub id: String,
    /// What was asked for, or what the planted text demands.
    pub prompt: String,
    /// What solves it.
    pub calls: Vec<Call>,
}

/// Whose task it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A user asked for it.
    User,
    /// Text that somebody planted asked for it.
    Injection,
}

/// A tool call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub args: Value,
}

#[derive(Deserialize)]
struct Line {
    kind: Kind,
    task: String,
    tool: String,
    args: Value,
    prompt: Option<String>,
}

pub(crate) fn tools(suite: &str) -> Vec<ToolSpec> {
    serde_json::from_str(&file(suite, "tools.json")).expect("tools")
}

pub(crate) fn policy(suite: &str) -> String {
    file(suite, "yaml")
}

pub(crate) fn tasks(suite: &str) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    for line in file(suite, "jsonl").lines() {
        let Line { kind, task: id, tool, args, prompt } = serde_json::from_str(line).expect("a call");
        // The first call of a task has its prompt.
        if let Some(prompt) = prompt {
            tasks.push(Task { kind, id, prompt, calls: Vec::new() });
        }
        tasks.last_mut().expect("a task").calls.push(Call { tool, args });
    }
    tasks
}

fn file(suite: &str, kind: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/agentdojo");
    let path = folder.join(format!("{suite}.{kind}"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
