//! `scopegate decisions`: what was decided on the actions of agents.

use scopegate_client::xybern::{ActionDecision, DecisionQuery, Paging, Word};

use crate::connection::{Connection, Plane};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, listing};
use crate::reveal::reveal;

/// Look for decisions on the actions of agents
///
/// These are actions that were asked for by an agent's id, and whatever else was decided for registered agents;
/// `audit` has the whole log. Takes a key of kind admin, auditor or approver; a key of kind agent sees what it
/// asked for itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 2 it cannot be done as given, 4 no answer

Examples:
  scopegate decisions list --decision block --last 20
  scopegate decisions list --agent agent_3hTq0ZkV9aXcQ1w2
  scopegate decisions show enf_0123456789abcdef0123456789abcdef_7")]
pub(crate) struct Decisions {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List decisions, newest first
    List {
        /// Only those that came to this
        #[arg(long, value_parser = ["allow", "block", "escalate", "terminate"])]
        decision: Option<String>,
        /// Only those on actions of this type
        #[arg(long, value_name = "TYPE")]
        action: Option<String>,
        /// Only those of this agent
        #[arg(long, value_name = "AGENT")]
        agent: Option<String>,
        /// How many, 200 at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=200))]
        last: u64,
    },
    /// Show everything about a decision
    Show {
        /// Its id
        decision: String,
    },
}

impl Decisions {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        match self.action {
            Action::List { decision, action, agent, last } => {
                let mut query = DecisionQuery::default().on(Paging::new(1, last));
                query.decision = decision.as_deref().map(word);
                (query.action_type, query.agent_id) = (action, agent);
                list(&plane, &query, output)
            }
            Action::Show { decision } => {
                output.members(&plane.ask(plane.client.xybern().get_decision(&decision))?)?;
                Ok(Exit::Ok)
            }
        }
    }
}

fn list(plane: &Plane, query: &DecisionQuery, output: &mut Output) -> Result<Exit, Failure> {
    let page = plane.ask(plane.client.xybern().list_decisions(query))?;
    let mut table = listing(["when", "decision", "action", "agent", "trust", "why"]);
    for decision in &page.decisions {
        match output.is_json() {
            true => output.json(decision)?,
            false => drop(table.add_row(row(decision))),
        }
    }
    if !output.is_json() {
        output.page(table)?;
    }
    let (shown, total) = (page.decisions.len() as u64, page.total);
    if shown < total {
        output::message(&format!("the newest {shown} of {total}"));
    }
    Ok(Exit::Ok)
}

fn row(decision: &ActionDecision) -> [String; 6] {
    [
        decision.created_at.to_string(),
        told(decision.decision).to_owned(),
        reveal(&decision.action_type),
        reveal(&decision.agent_id),
        decision.trust_score.map_or_else(|| "-".to_owned(), |trust| trust.to_string()),
        reveal(&decision.reasoning),
    ]
}

fn word(text: &str) -> Word {
    match text {
        "allow" => Word::Allow,
        "block" => Word::Block,
        "escalate" => Word::Escalate,
        "terminate" => Word::Terminate,
        _ => Word::Unknown,
    }
}

fn told(word: Word) -> &'static str {
    match word {
        Word::Allow => "allow",
        Word::Block => "block",
        Word::Escalate => "escalate",
        Word::Terminate => "terminate",
        _ => "?",
    }
}
