//! `scopegate replay`: recorded calls through a policy.

mod baseline;
mod summary;
mod trace;

use std::collections::HashMap;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use scopegate_core::{CallDigest, Name, Principal, SessionId};
use serde::{Deserialize, Serialize};

use self::baseline::Baseline;
pub(crate) use self::summary::Summary;
use self::trace::{Recorded, Trace};
use crate::answer::Verdict;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;
use crate::trial::{Trial, TrialArgs};

/// Put recorded calls through a policy
///
/// Each line of the trace is one call: {"tool": "send_email", "args": {...}}, and optionally
/// `kind` and `task` (words to group by), `step`, `action` and `env`. Other members are ignored.
/// Every task is a session of its own, and all of it happens at one point in time, so a rate limit
/// counts the calls of a task as if they came at once. Nobody answers a hold: the call counts as
/// held, and the task goes on with its next call.
///
/// Two tables come out: calls by kind, tool and verdict; and tasks by what stopped them first.
///
/// With --fail-on-widen the verdicts are compared with those of an earlier run. A call that was
/// denied and is now held or permitted, or was held and is now permitted, is named, and the exit
/// code is 1. A call that the earlier run does not know is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 replayed, 1 wider than the baseline, 2 wrong usage or a bad line, 4 no answer

Examples:
  scopegate replay --policy examples/agentdojo/workspace.yaml \\
      examples/agentdojo/workspace.jsonl
  scopegate replay --policy examples/agentdojo/slack.yaml \\
      examples/agentdojo/slack.jsonl --output json > before.jsonl
  scopegate replay --policy examples/agentdojo/slack.yaml \\
      examples/agentdojo/slack.jsonl --fail-on-widen before.jsonl")]
pub(crate) struct Replay {
    #[command(flatten)]
    trial: TrialArgs,
    /// The recorded calls, a JSON object a line; `-` reads standard input
    #[arg(value_name = "CALLS.jsonl")]
    calls: PathBuf,
    /// What an earlier run with `--output json` printed: fail when a call gets a wider verdict now
    #[arg(long, value_name = "BASELINE")]
    fail_on_widen: Option<PathBuf>,
}

/// What `--output json` prints of one call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Replayed {
    /// The line of the trace.
    line: u64,
    #[serde(flatten)]
    name: CallName,
    pub(crate) verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// What makes two calls of two runs the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct CallName {
    kind: Option<String>,
    task: Option<String>,
    step: Option<u64>,
    tool: Name,
    /// SHA-256 of tool, action, environment and arguments; null when the arguments are malformed.
    call: Option<CallDigest>,
}

impl Replayed {
    /// An answer to a call that came from somewhere else than a trace file.
    pub(crate) fn new(
        line: u64,
        task: (String, String, u64),
        tool: Name,
        answer: (Verdict, Option<String>, Option<String>),
    ) -> Self {
        let (kind, task, step) = task;
        let name = CallName { kind: Some(kind), task: Some(task), step: Some(step), tool, call: None };
        let (verdict, code, reason) = answer;
        Self { line, name, verdict, code, reason }
    }

    pub(crate) fn kind(&self) -> &str {
        self.name.kind.as_deref().unwrap_or("-")
    }

    pub(crate) fn task(&self) -> &str {
        self.name.task.as_deref().unwrap_or("-")
    }

    pub(crate) fn tool(&self) -> &str {
        &self.name.tool
    }
}

impl Replay {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let trial = Trial::open(&self.trial)?;
        let baseline = self.fail_on_widen.as_deref().map(Baseline::read).transpose()?;
        let replayed = replay(&trial, Trace::read(&self.calls)?)?;
        if output.is_json() {
            for call in &replayed {
                output.json(call)?;
            }
        } else {
            Summary::of(&replayed).tell(output)?;
        }
        tell_shadow(&trial, output)?;
        match baseline {
            Some(baseline) => compare(baseline, &replayed),
            None => Ok(Exit::Ok),
        }
    }
}

/// What policies in the shadow would have made of the calls. Beside the answers, which are all that stands on
/// standard output as JSON.
fn tell_shadow(trial: &Trial, output: &mut Output) -> Result<(), Failure> {
    for (policy, counts) in trial.shadow().iter() {
        let told = reveal(&format!(
            "shadow policy `{policy}`: looked at {}, would have denied {}, held {}; {} answers would have changed",
            counts.evaluated, counts.would_deny, counts.would_hold, counts.would_have_changed
        ));
        if output.is_json() { output::message(&told) } else { output.line(told)? }
    }
    Ok(())
}

fn replay(trial: &Trial, trace: Trace) -> Result<Vec<Replayed>, Failure> {
    let bar = progress(trace.0.len());
    let mut sessions = HashMap::new();
    let mut replayed = Vec::with_capacity(trace.0.len());
    for recorded in trace.0 {
        let task = (recorded.kind.clone(), recorded.task.clone());
        let next = sessions.len();
        let session = match sessions.entry(task) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                // An owner of its own, so that limits which an owner's sessions share stay apart too.
                entry.insert(trial.session(format!("replay-{next}"))?)
            }
        };
        replayed.push(ask(trial, session, recorded)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(replayed)
}

fn ask(trial: &Trial, session: &Principal, recorded: Recorded) -> Result<Replayed, Failure> {
    let answer = trial.ask(session, &recorded.call)?;
    let nobody = Name::default();
    let call = CallDigest::of(SessionId::from_bits(0), &nobody, &nobody, &recorded.call);
    let Recorded { line, kind, task, step, call: asked } = recorded;
    Ok(Replayed {
        line,
        name: CallName { kind, task, step, tool: asked.tool, call },
        verdict: answer.verdict,
        code: answer.code.map(|code| code.to_string()),
        reason: answer.reason,
    })
}

fn compare(mut baseline: Baseline, replayed: &[Replayed]) -> Result<Exit, Failure> {
    let mut wider = 0;
    for call in replayed {
        let was = baseline.verdict(call)?;
        if call.verdict < was {
            let (line, tool, now) = (call.line, reveal(&call.name.tool), call.verdict);
            let task = reveal(call.name.task.as_deref().unwrap_or("-"));
            output::message(&format!("wider: line {line}, task {task}, `{tool}`: was {was}, is {now}"));
            wider += 1;
        }
    }
    if wider > 0 {
        output::message(&format!(
            "error: {wider} of {} calls got a wider verdict than before",
            replayed.len()
        ));
        return Ok(Exit::Denied);
    }
    if baseline.left() > 0 {
        return Err(Failure::usage(format!(
            "{} calls of the baseline are not in this trace, so nothing is known of them: replay the same \
             trace, or make a new baseline from this one with the old policy",
            baseline.left()
        )));
    }
    output::message(&format!("no wider than the baseline: {} calls compared", replayed.len()));
    Ok(Exit::Ok)
}

/// On standard error, and only where a terminal shows it.
fn progress(calls: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} calls, {eta} left");
    ProgressBar::new(calls as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
