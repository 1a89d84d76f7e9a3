//! `scopegate check`: one call against a policy.

pub(crate) mod advice;

use std::io::Read as _;
use std::path::PathBuf;

use scopegate_core::{Args, Name, PolicyView, Review, ToolCall};
use serde::Serialize;
use serde_json::Value;

use crate::answer::{Answer, Verdict};
use crate::exit::{Exit, Failure};
use crate::output::{Output, coloured};
use crate::reveal::reveal;
use crate::trial::{Trial, TrialArgs};

/// Ask a policy about one tool call
///
/// Prints the verdict, the rule that decided, and what would pass. A call that waits for a person
/// is shown as that person would see it. Nothing is recorded and nothing is used up: a rate limit
/// never shows here, and credentials count as available.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 permitted, 1 denied, 2 wrong usage, 3 held for a person, 4 no answer

Examples:
  scopegate check --policy examples/agentdojo/slack.yaml \\
      --tool get_webpage --args '{\"url\": \"www.eve-blog.com\"}'
  scopegate check --policy examples/agentdojo/slack.yaml \\
      --tool get_webpage --args '{\"url\": \"www.true-informations.com\"}'
  scopegate check --policy examples/agentdojo/slack.yaml --approved \\
      --tool send_direct_message --args '{\"recipient\": \"Alice\", \"body\": \"hi\"}'
  echo '{\"url\": \"www.eve-blog.com\"}' | scopegate check \\
      --policy examples/agentdojo/slack.yaml --tool get_webpage --args-file -")]
pub(crate) struct Check {
    #[command(flatten)]
    trial: TrialArgs,
    /// The tool, by the name the policy uses
    #[arg(short, long)]
    tool: Name,
    /// The arguments, a JSON object [default: {}]
    #[arg(short, long, value_name = "JSON", conflicts_with = "args_file")]
    args: Option<String>,
    /// A file with the arguments; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    args_file: Option<PathBuf>,
    /// The environment the call acts in
    #[arg(long)]
    env: Option<Name>,
    /// What is done, where the caller tells it apart from the tool
    #[arg(long)]
    action: Option<Name>,
    /// What it is done to
    #[arg(long)]
    resource: Option<Name>,
    /// The agent that calls, for its manifest
    #[arg(long, default_value = "check")]
    agent: Name,
    /// The MCP server that the call goes to
    #[arg(long)]
    server: Option<Name>,
    /// An agent that handed the call on, nearest first
    #[arg(long, value_name = "AGENT")]
    via: Vec<Name>,
    /// Suppose that a person has agreed to this very call
    #[arg(long)]
    approved: bool,
}

/// Everything that is told of one call.
#[derive(Serialize)]
struct Report {
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    tool: Name,
    role: Name,
    /// The role of the chain that grants the tool.
    granted_by: Option<Name>,
    /// What would pass, or for a permit what it had to pass.
    would_pass: Vec<String>,
    /// What a person who has to agree sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    reviewer_sees: Option<Seen>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// A call as a person sees it before they agree: whatever the review binds, and in full.
#[derive(Serialize)]
struct Seen {
    owner: Name,
    role: Name,
    tool: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<Name>,
    arguments: Value,
}

impl Check {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let trial = Trial::open(&self.trial)?;
        let call = self.call()?;
        let session = trial.session(self.agent.clone())?;
        let mut answer = trial.ask(&session, &call)?;
        let mut notes = Vec::new();
        if let Some(review) = answer.hold.filter(|_| self.approved).and_then(|hold| trial.review(hold)) {
            trial.approve(&review)?;
            answer = trial.ask(&session, &call)?;
            notes.push("supposing that a person agreed to this very call; it may run once".to_owned());
        }
        if let Some(error) = call.args.error().filter(|_| answer.verdict == Verdict::Permit) {
            notes.push(format!("no rule of this call reads its arguments, which are malformed: {error}"));
        }
        notes.extend(in_the_shadow(&trial));
        let exit = answer.verdict.into();
        let matching = trial.matching(&session, &call);
        let report = report(&trial, (&self.agent, &matching), &call, answer, notes)?;
        if output.is_json() {
            output.json(&report)?;
        } else {
            tell(&report, output)?;
        }
        Ok(exit)
    }

    fn call(&self) -> Result<ToolCall, Failure> {
        let text = match (&self.args, &self.args_file) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(path)) => read(path)?,
            (None, None) => b"{}".to_vec(),
        };
        let mut call = ToolCall::new(self.tool.clone()).with_args(Args::parse(text));
        call.env = self.env.clone();
        call.action = self.action.clone();
        call.resource = self.resource.clone();
        call.server = self.server.clone();
        call.via = (!self.via.is_empty()).then(|| self.via.clone().into());
        Ok(call)
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut text))
    };
    let named = |error| Failure::usage(format!("{}: cannot be read: {error}", path.display()));
    read.map(|_| text).map_err(named)
}

fn report(
    trial: &Trial,
    (agent, matching): (&Name, &[PolicyView]),
    call: &ToolCall,
    answer: Answer,
    notes: Vec<String>,
) -> Result<Report, Failure> {
    let view = trial.view()?;
    let tool = trial.view_of(&call.tool, call.server.as_ref());
    let tool = tool.as_ref();
    let review = answer.hold.and_then(|hold| trial.review(hold));
    let lacking = advice::in_manifest(trial, agent, tool, call, &answer);
    let policies = advice::by_policies(matching, &answer);
    let mut would_pass = match (lacking, &policies, answer.verdict) {
        (Some(lacking), ..) => lacking,
        // Nothing else stands against it.
        (None, Some(_), Verdict::Deny) => Vec::new(),
        (None, ..) => advice::would_pass(trial, &view, tool, call, &answer),
    };
    would_pass.extend(policies.into_iter().flatten());
    Ok(Report {
        would_pass,
        verdict: answer.verdict,
        code: answer.code.map(|code| code.as_str()),
        reason: answer.reason,
        tool: call.tool.clone(),
        role: trial.role.clone(),
        granted_by: tool.map(|tool| tool.granted_by.clone()),
        reviewer_sees: review.map(Seen::of).transpose()?,
        notes,
    })
}

/// What policies in the shadow would have made of the call.
fn in_the_shadow(trial: &Trial) -> Vec<String> {
    let report = trial.shadow();
    let would = report.iter().filter(|(_, counts)| counts.would_have_changed > 0).map(|(policy, counts)| {
        let what = if counts.would_deny > 0 { "denied" } else { "held" };
        format!("in the shadow, policy `{policy}` would have {what} it")
    });
    would.collect()
}

impl Seen {
    fn of(review: Review) -> Result<Self, Failure> {
        Ok(Self {
            arguments: serde_json::from_str(&review.arguments).map_err(Failure::no_answer)?,
            owner: review.owner,
            role: review.role,
            tool: review.tool,
            action: review.action,
            resource: review.resource,
            env: review.env,
            server: review.server,
            via: review.via,
        })
    }
}

fn tell(report: &Report, output: &mut Output) -> Result<(), Failure> {
    let code = report.code.map(|code| format!(" {code}")).unwrap_or_default();
    output.line(format!("{}{code}", coloured(report.verdict)))?;
    if let Some(reason) = &report.reason {
        output.line(format!("  why         {}", reveal(reason)))?;
    }
    let granted = match &report.granted_by {
        Some(by) if *by == report.role => format!("granted to role `{by}`"),
        Some(by) => format!("granted to role `{}` by its parent `{by}`", report.role),
        None => format!("not granted to role `{}`", report.role),
    };
    output.line(format!("  tool        `{}`, {granted}", reveal(&report.tool)))?;
    let title = if report.verdict == Verdict::Permit { "rules held" } else { "would pass" };
    block(title, &report.would_pass, output)?;
    if let Some(seen) = &report.reviewer_sees {
        let text = serde_json::to_string_pretty(seen).map_err(Failure::no_answer)?;
        block("they see", &text.lines().map(str::to_owned).collect::<Vec<_>>(), output)?;
    }
    block("note", &report.notes, output)
}

fn block(title: &str, lines: &[String], output: &mut Output) -> Result<(), Failure> {
    for (line, index) in lines.iter().zip(0..) {
        let title = if index == 0 { title } else { "" };
        output.line(format!("  {title:<12}{}", reveal(line)))?;
    }
    Ok(())
}
