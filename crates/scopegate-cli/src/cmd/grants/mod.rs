//! `scopegate grants`: what agents of a plane hold beside their roles, for a while.

mod breakglass;
mod delegations;
mod show;
mod windows;

use crate::connection::Connection;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// See, open and end what agents hold beside their roles: windows, break-glass, delegations
///
/// A window admits actions that no role of the agent does. A break-glass lifts a missing grant, hours, a minimum of
/// trust and policies that are not absolute, and has to be reviewed by somebody else within a day. A delegation
/// hands on some of what one agent may do, to calls that name it. Opening takes a key of kind admin or
/// breakglass; no agent's key opens anything but a delegation of its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 not (you said no), 2 it cannot be done as given, 4 no answer

Examples:
  scopegate grants windows open agent_3hTq0ZkV9aXcQ1w2 --scope 'migrate:*' --minutes 30 --reason 'the migration'
  scopegate grants breakglass open agent_3hTq0ZkV9aXcQ1w2 --severity critical --justification 'the site is down'
  scopegate grants breakglass stats
  scopegate grants delegations list agent_3hTq0ZkV9aXcQ1w2")]
pub(crate) struct Grants {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, clap::Subcommand)]
enum Kind {
    /// More than an agent's roles, until a time
    #[command(subcommand)]
    Windows(windows::Action),
    /// What an emergency takes, to be reviewed afterwards
    #[command(subcommand)]
    Breakglass(breakglass::Action),
    /// Some of what one agent may do, handed on to another
    #[command(subcommand)]
    Delegations(delegations::Action),
}

impl Grants {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        match self.kind {
            Kind::Windows(action) => action.run(&plane, output),
            Kind::Breakglass(action) => action.run(&plane, output),
            Kind::Delegations(action) => action.run(&plane, output),
        }
    }
}
