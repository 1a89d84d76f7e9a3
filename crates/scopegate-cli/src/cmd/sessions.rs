//! `scopegate sessions`: who acts on a plane, and an end to it.

use scopegate_client::{SessionStatus, SessionView};

use crate::connection::{Connection, Plane};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, listing, word};
use crate::reveal::reveal;

/// See and end the sessions of a plane
///
/// Seeing takes a key of kind admin or auditor, ending one of kind admin. Once a session is ended, no call
/// of it or of its sub-agents is permitted any more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate sessions list
  scopegate sessions list --all --owner invoice-bot
  scopegate sessions revoke 9f86d081884c7d659a2feaa0c55ad015 --reason \"odd calls\"")]
pub(crate) struct Sessions {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List those that go on, newest first
    List {
        /// Those that are over too
        #[arg(short, long)]
        all: bool,
        /// Only those of this owner
        #[arg(long)]
        owner: Option<String>,
        /// Only those of this role
        #[arg(long)]
        role: Option<String>,
    },
    /// Show everything about a session
    Show {
        /// Its id
        session: String,
    },
    /// End a session, and those of its sub-agents
    Revoke {
        /// Its id
        session: String,
        /// Why: it is noted with the session
        #[arg(long, value_name = "TEXT", default_value = "MANUAL")]
        reason: String,
    },
}

impl Sessions {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        match self.action {
            Action::List { all, owner, role } => {
                let wanted = |session: &SessionView| {
                    (all || goes_on(session))
                        && owner.as_ref().is_none_or(|owner| session.owner == *owner)
                        && role.as_ref().is_none_or(|role| session.role == *role || session.role_id == *role)
                };
                list(&plane, wanted, output)
            }
            Action::Show { session } => {
                let session = plane.ask(plane.client.get_session(&session))?;
                output.members(&session)?;
                Ok(Exit::Ok)
            }
            Action::Revoke { session, reason } => {
                plane.ask(plane.client.revoke(&session, &reason))?;
                output::message(&format!("session {} is ended", reveal(&session)));
                Ok(Exit::Ok)
            }
        }
    }
}

/// Whether it is not over, or could go on again.
fn goes_on(session: &SessionView) -> bool {
    !matches!(session.status, SessionStatus::Revoked | SessionStatus::Expired | SessionStatus::Ended)
}

fn list(plane: &Plane, wanted: impl Fn(&SessionView) -> bool, output: &mut Output) -> Result<Exit, Failure> {
    let sessions = plane.ask(plane.client.list_sessions())?;
    let mut table = listing(["session", "status", "owner", "role", "for", "ends"]);
    for session in sessions.iter().filter(|session| wanted(session)) {
        if output.is_json() {
            output.json(session)?;
            continue;
        }
        table.add_row([
            reveal(&session.id),
            word(&session.status),
            reveal(&session.owner),
            reveal(&session.role),
            reveal(&session.task_type),
            session.ended_at.unwrap_or(session.expires_at).to_string(),
        ]);
    }
    if !output.is_json() {
        output.page(table)?;
    }
    Ok(Exit::Ok)
}
