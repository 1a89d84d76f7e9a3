//! `scopegate explain`: what is left of a role after inheritance.

use std::path::PathBuf;

use comfy_table::{ContentArrangement, Table, presets};
use scopegate_core::{Manifest, Name, PolicyView, ScopeView, ToolView};
use serde::Serialize;

use crate::cmd::check::advice::{manifest_words, policy_words};
use crate::exit::{Exit, Failure};
use crate::output::{Output, width};
use crate::reveal::reveal;
use crate::trial::{Trial, TrialArgs};

/// Show what a role may do, after inheritance
///
/// One line a tool: the role of the chain that grants it, what must hold of its arguments, whether
/// a person must agree, and the credential it is given. Below it, what guards every call, the policies
/// that stand against calls, and the manifests of agents.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate explain --policy examples/agentdojo/slack.yaml
  scopegate explain workspace --policy examples/agentdojo/workspace.yaml")]
pub(crate) struct Explain {
    /// The role; may be left out when the policy has only one
    role: Option<Name>,
    /// The policy file, YAML or JSON
    #[arg(short, long, value_name = "FILE")]
    policy: PathBuf,
}

#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    view: &'a ScopeView,
    #[serde(skip_serializing_if = "<[PolicyView]>::is_empty")]
    policies: &'a [PolicyView],
    #[serde(skip_serializing_if = "<[Manifest]>::is_empty")]
    manifests: &'a [Manifest],
}

impl Explain {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let trial = Trial::open(&TrialArgs { policy: self.policy, role: self.role, at: None })?;
        let (view, policies) = (trial.view()?, trial.policies());
        // The policy was accepted, so they can be sorted.
        let manifests: Vec<_> = trial.policy.manifests.iter().filter_map(|m| m.sorted().ok()).collect();
        if output.is_json() {
            output.json(&Told { view: &view, policies: &policies, manifests: &manifests })?;
        } else {
            tell(&view, output)?;
            tell_policies(&policies, output)?;
            tell_manifests(&manifests, output)?;
        }
        Ok(Exit::Ok)
    }
}

fn tell(view: &ScopeView, output: &mut Output) -> Result<(), Failure> {
    let parents = match &*view.parents {
        [] => String::new(),
        parents => format!(", inherits from {}", parents.join(", ")),
    };
    output.line(format!("role {}{parents}", view.role))?;
    output.line(table(view))?;
    for tool in view.tools.iter().filter(|tool| !tool.output.is_empty()) {
        output.line(format!("the answer of {} is shown:", tool.entry()))?;
        for rule in &tool.output {
            output.line(format!("  {}", reveal(rule)))?;
        }
    }
    for granted in &view.patterns {
        output.line(format!("any tool named {}, granted by {}", granted.pattern, granted.granted_by))?;
    }
    for guards in view.guards.iter().filter(|guards| !guards.rules.is_empty()) {
        output.line(format!("every tool granted by {}:", guards.granted_by))?;
        for rule in &guards.rules {
            output.line(format!("  {}", reveal(rule)))?;
        }
    }
    if !view.forbids.is_empty() {
        output.line(format!("never, whatever grants it: {}", view.forbids.join(", ")))?;
    }
    let depth = match view.delegation_depth {
        0 => "no sub-agents".to_owned(),
        depth => format!("sub-agents {depth} deep"),
    };
    output.line(format!("a session lives {} s; {depth}", view.session_seconds))
}

fn tell_policies(policies: &[PolicyView], output: &mut Output) -> Result<(), Failure> {
    if !policies.is_empty() {
        output.line("policies, whatever role grants a call; the most restrictive that matches wins:")?;
    }
    for policy in policies {
        output.line(reveal(&format!("  {}", policy_words(policy))))?;
    }
    Ok(())
}

fn tell_manifests(manifests: &[Manifest], output: &mut Output) -> Result<(), Failure> {
    for manifest in manifests {
        let agent = reveal(&manifest.agent_id);
        output
            .line(format!("calls of agent {agent} that name a resource have to be in its manifest too:"))?;
        for line in manifest_words(manifest) {
            output.line(format!("  {}", reveal(&line)))?;
        }
        if !manifest.capabilities.is_empty() {
            output.line(format!("  capabilities: {}", reveal(&manifest.capabilities.join(", "))))?;
        }
    }
    Ok(())
}

fn table(view: &ScopeView) -> Table {
    let credentials = view.tools.iter().any(|tool| tool.credential.is_some());
    let columns = if credentials { 5 } else { 4 };
    let header = ["tool", "granted by", "arguments", "a person agrees", "credential"];
    let mut table = Table::new();
    table.load_style(presets::ASCII_FULL);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width().unwrap_or(110));
    table.set_header(header.into_iter().take(columns));
    for tool in &view.tools {
        table.add_row(row(tool).into_iter().take(columns));
    }
    table
}

fn row(tool: &ToolView) -> Vec<String> {
    let lines = |rules: &[String]| rules.iter().map(|rule| reveal(rule)).collect::<Vec<_>>().join("\n");
    let person = match tool.approval.as_deref() {
        _ if tool.forbidden => "never: forbidden".to_owned(),
        None => String::new(),
        Some([]) => "always".to_owned(),
        Some(unless) => format!("unless:\n{}", lines(unless)),
    };
    let credential = tool.credential.clone().unwrap_or_default();
    vec![
        tool.entry().to_string(),
        tool.granted_by.to_string(),
        lines(&tool.constraints),
        person,
        credential.to_string(),
    ]
}
