//! `scopegate agents`: whoever acts under a name, stopped and let go on.

use crate::connection::Connection;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::reveal::reveal;

/// Stop agents of a plane, and let them go on
///
/// An agent is known by the name of its key (`keys create --name`), or else by the key's id; `sessions
/// list` shows it as the owner. Takes a key of kind admin.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate agents suspend invoice-bot
  scopegate agents readmit invoice-bot")]
pub(crate) struct Agents {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Deny every call of an agent, in all its sessions, and open no new one
    Suspend {
        /// The agent
        owner: String,
    },
    /// Judge its calls again, also in sessions that are not over by then
    Readmit {
        /// The agent
        owner: String,
    },
}

impl Agents {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        let told = match &self.action {
            Action::Suspend { owner } => {
                plane.ask(plane.client.suspend(owner))?;
                format!("`{}` is suspended", reveal(owner))
            }
            Action::Readmit { owner } => {
                plane.ask(plane.client.readmit(owner))?;
                format!("`{}` is readmitted", reveal(owner))
            }
        };
        output::message(&told);
        Ok(Exit::Ok)
    }
}
