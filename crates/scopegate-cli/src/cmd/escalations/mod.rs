//! `scopegate escalations`: calls of Xybern's clients that wait for a person.

mod show;

use std::time::Duration;

use scopegate_client::xybern::{
    EscalationFilter, EscalationState, EscalationStatus, EscalationView, Paging, Resolution,
};

use self::show::{row, show};
use crate::confirm::confirm;
use crate::connection::{Connection, Plane};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, listing};

/// See escalated calls, decide on them, and wait for a decision
///
/// A call is shown as it would run: all arguments in full, and whatever could not be seen, or could be taken for
/// something else, spelled out. Deciding takes a key of kind approver; who asked cannot also agree. Whoever asked
/// takes a yes up by waiting for it: the call may then run, once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, or the call may run, 1 you said no, or the call may not run, 2 it cannot be done as given,
3 still waiting, 4 no answer

Examples:
  scopegate escalations list
  scopegate escalations resolve esc_01d5c5a05f2e4bb19a556d6a1f5a3c11 approved --reason \"known payee\"
  scopegate escalations wait esc_01d5c5a05f2e4bb19a556d6a1f5a3c11 --for 600 && ./pay.sh")]
pub(crate) struct Escalations {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List escalations, newest first
    List {
        /// Where they stand; those that were decided are listed for about an hour
        #[arg(long, value_name = "STATUS", default_value = "pending", value_parser = ["pending", "approved", "rejected", "expired", "all"])]
        status: String,
        /// Of this agent alone
        #[arg(long, value_name = "AGENT")]
        agent: Option<String>,
        /// How many at most
        #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=200))]
        last: u64,
    },
    /// Show an escalation in full, also one that was decided; this takes nothing up
    Show {
        /// The id of the escalation
        escalation: String,
    },
    /// Let a call run, once, exactly as it is shown; or refuse it
    Resolve(Resolve),
    /// Wait until an escalation is decided or expires; with the key that asked, this takes a yes up
    Wait {
        /// The id of the escalation
        escalation: String,
        /// For so many seconds
        #[arg(long = "for", value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(0..=604_800))]
        patience: u64,
        /// How often to look, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
        every: u64,
    },
}

#[derive(Debug, clap::Args)]
struct Resolve {
    /// The id of the escalation
    escalation: String,
    /// What you say to it
    resolution: Said,
    /// Why; the agent is shown this
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Decide without being shown the call and asked
    #[arg(short, long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Said {
    Approved,
    Rejected,
}

impl Escalations {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        match self.action {
            Action::List { status, agent, last } => {
                let filter = EscalationFilter::at(status);
                let filter = match agent {
                    Some(agent) => filter.of_agent(agent),
                    None => filter,
                };
                list(&plane, &filter, last, output)
            }
            Action::Show { escalation } => {
                let one = plane.ask(plane.client.xybern().get_escalation(&escalation))?;
                tell(&one, output)?;
                Ok(Exit::Ok)
            }
            Action::Resolve(resolve) => resolve.run(&plane, output),
            Action::Wait { escalation, patience, every } => {
                let (every, patience) = (Duration::from_secs(every), Duration::from_secs(patience));
                let xybern = plane.client.xybern();
                let told = plane.ask(xybern.wait_for_escalation(&escalation, every, patience))?;
                came_to(&told, output)
            }
        }
    }
}

fn list(plane: &Plane, filter: &EscalationFilter, last: u64, output: &mut Output) -> Result<Exit, Failure> {
    let page = plane.ask(plane.client.xybern().list_escalations(filter, Paging::new(1, last)))?;
    let mut table = listing(["escalation", "status", "action", "arguments", "agent", "waits until"]);
    for one in &page.escalations {
        match output.is_json() {
            true => output.json(one)?,
            false => drop(table.add_row(row(one))),
        }
    }
    if !output.is_json() {
        output.page(table)?;
    }
    let shown = page.escalations.len() as u64;
    if shown < page.total {
        output::message(&format!("the newest {shown} of {}", page.total));
    }
    Ok(Exit::Ok)
}

impl Resolve {
    fn run(self, plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
        let (xybern, id) = (plane.client.xybern(), self.escalation.as_str());
        let (resolution, question) = match self.resolution {
            Said::Approved => (Resolution::Approved, "Let this call run, once?"),
            Said::Rejected => (Resolution::Rejected, "Refuse this call?"),
        };
        let one = plane.ask(xybern.get_escalation(id))?;
        if !self.yes && one.status == EscalationState::Pending {
            tell(&one, output)?;
            output.flush()?;
            if !confirm(false, question)? {
                output::message("nothing was decided");
                return Ok(Exit::Denied);
            }
        }
        let decided = plane.ask(xybern.resolve_escalation(id, resolution, self.reason.as_deref()))?;
        if output.is_json() {
            output.json(&decided)?;
        }
        output::message(&format!("{}: {}", decided.escalation_id, decided.status));
        Ok(Exit::Ok)
    }
}

/// An escalation, for whoever looks.
fn tell(one: &EscalationView, output: &mut Output) -> Result<(), Failure> {
    match output.is_json() {
        true => output.json(one),
        false => show(one, output),
    }
}

/// What waiting came to. Only a permit is a success: whoever did not ask for the call is given none.
fn came_to(told: &EscalationStatus, output: &mut Output) -> Result<Exit, Failure> {
    if output.is_json() {
        output.json(told)?;
    }
    let why = told.resolution_reason.as_deref().map(|why| format!(" ({})", crate::reveal::reveal(why)));
    let why = why.unwrap_or_default();
    let (exit, means) = match told.status {
        _ if told.is_permitted() => (Exit::Ok, "the call may run, once"),
        EscalationState::Pending => (Exit::Held, "nobody has decided yet"),
        EscalationState::Approved => (Exit::Denied, "agreed to, and not for this key to run"),
        _ => (Exit::Denied, "the call may not run"),
    };
    output::message(&format!("{}: {means}{why}", told.status));
    Ok(exit)
}
