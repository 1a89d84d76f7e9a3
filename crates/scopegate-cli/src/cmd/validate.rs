//! `scopegate validate`: is this a policy, and is it meant?

use std::collections::BTreeSet;
use std::path::PathBuf;

use scopegate_core::{Name, PolicyRule, Role, ToolEntry};
use scopegate_engine::{Policy, PolicyFileError};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;

/// Check policy files
///
/// Prints `ok` and what was counted, or file, line and column of the first problem of each file.
/// Warns of rules that guard a tool which no role grants: mostly a misspelt name.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 all are policies, 1 some are not, 2 a file cannot be read

Examples:
  scopegate validate examples/agentdojo/workspace.yaml
  scopegate validate --output json examples/agentdojo/*.yaml")]
pub(crate) struct Validate {
    /// The policy files, YAML or JSON
    #[arg(required = true, value_name = "POLICY")]
    policies: Vec<PathBuf>,
}

/// What is told of one file.
#[derive(Serialize)]
struct Finding {
    file: String,
    ok: bool,
    #[serde(flatten)]
    detail: Detail,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Detail {
    Policy {
        roles: usize,
        tools: usize,
        constraints: usize,
        policies: usize,
        manifests: usize,
        warnings: Vec<String>,
    },
    Problem {
        line: u64,
        column: u64,
        message: String,
    },
}

impl Validate {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let mut worst = Exit::Ok;
        for path in self.policies {
            let read = Policy::from_file(&path);
            let exit = match &read {
                Ok(_) => Exit::Ok,
                Err(error) if error.line == 0 => Exit::Usage,
                Err(_) => Exit::Denied,
            };
            if worst != Exit::Usage && exit != Exit::Ok {
                worst = exit;
            }
            let file = path.display().to_string();
            let detail = match read {
                Ok(policy) => count(&policy),
                Err(PolicyFileError { line, column, message, .. }) => {
                    Detail::Problem { line, column, message }
                }
            };
            tell(&Finding { file, ok: exit == Exit::Ok, detail }, output)?;
        }
        Ok(worst)
    }
}

fn tell(finding: &Finding, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(finding);
    }
    let file = &finding.file;
    match &finding.detail {
        Detail::Policy { roles, tools, constraints, policies, manifests, warnings } => {
            let mut counts = format!("roles: {roles}, tools: {tools}, constraints: {constraints}");
            if *policies > 0 {
                counts.push_str(&format!(", policies: {policies}"));
            }
            if *manifests > 0 {
                counts.push_str(&format!(", manifests: {manifests}"));
            }
            output.line(reveal(&format!("{file}: ok ({counts})")))?;
            for warning in warnings {
                output::message(&reveal(&format!("{file}: warning: {warning}")));
            }
        }
        Detail::Problem { line: 0, message, .. } => output::message(&reveal(&format!("{file}: {message}"))),
        Detail::Problem { line, column, message } => {
            output::message(&reveal(&format!("{file}:{line}:{column}: {message}")));
        }
    }
    Ok(())
}

fn count(policy: &Policy) -> Detail {
    let granted: BTreeSet<_> = policy.roles.iter().flat_map(|role| &role.allowed_tools).collect();
    let constraints = policy.roles.iter().flat_map(|role| role.parameter_constraints.values());
    let grants = |guard: &Name| {
        let ToolEntry { tool, server } = ToolEntry::read(guard);
        granted.iter().any(|granted| meet(granted, guard))
            || policy.roles.iter().any(|role| role.grants(tool, server))
    };
    let stray = |role: &Role| {
        let tools = guarded(role).filter(|(_, tool)| !grants(tool));
        let warnings = tools.map(|(field, tool)| {
            format!("role `{}`: {field} names `{tool}`, which no role of this file grants", role.name)
        });
        warnings.chain(unlisted(role)).collect::<Vec<_>>()
    };
    Detail::Policy {
        roles: policy.roles.len(),
        tools: granted.len(),
        constraints: constraints.map(Vec::len).sum(),
        policies: policy.policies.len(),
        manifests: policy.manifests.len(),
        warnings: policy
            .roles
            .iter()
            .flat_map(stray)
            .chain(policy.policies.iter().filter_map(idle))
            .collect(),
    }
}

/// Whether two entries can mean the same call.
fn meet(one: &str, other: &str) -> bool {
    let (one, other) = (ToolEntry::read(one), ToolEntry::read(other));
    let same_server = one.server.is_none() || other.server.is_none() || one.server == other.server;
    one.tool == other.tool && same_server
}

/// Grants at MCP servers that the same role keeps its calls from.
fn unlisted(role: &Role) -> impl Iterator<Item = String> {
    let at = role.allowed_tools.iter().filter_map(|entry| Some((entry, ToolEntry::read(entry).server?)));
    let unlisted = at.filter(|(_, server)| role.allowed_mcp_servers.iter().all(|listed| listed != server));
    unlisted.map(|(entry, server)| {
        format!(
            "role `{}`: allowed_tools names `{entry}`, but allowed_mcp_servers does not list `{server}`, so it \
             grants nothing here",
            role.name
        )
    })
}

/// A policy that is not asked.
fn idle(policy: &PolicyRule) -> Option<String> {
    (!policy.enabled).then(|| format!("policy `{}` is switched off: `enabled: false`", policy.name))
}

/// The tools that a role's rules speak of.
fn guarded(role: &Role) -> impl Iterator<Item = (&'static str, &Name)> {
    let constrained = role.parameter_constraints.keys().map(|tool| ("parameter_constraints", tool));
    let required = role.approval_required.iter().map(|tool| ("approval_required", tool));
    let unless = role.approval_unless.keys().map(|tool| ("approval_unless", tool));
    let mapped = role.credential_mapping.keys().map(|tool| ("credential_mapping", tool));
    let redacted = role.redact_output.keys().map(|tool| ("redact_output", tool));
    constrained.chain(required).chain(unless).chain(mapped).chain(redacted)
}
