//! `scopegate grants windows`.

use scopegate_client::xybern::WindowDraft;

use super::show;
use crate::confirm::change;
use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::reveal::reveal;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// List an agent's windows
    List {
        /// The agent's id
        agent: String,
    },
    /// Show everything about a window
    Show {
        /// Its id
        window: String,
    },
    /// Say which window of an agent admits an action now, if one does
    Check {
        /// The agent's id
        agent: String,
        /// The action
        action: String,
    },
    /// Open a window
    Open {
        /// The agent's id
        agent: String,
        /// Actions that it admits, `*` for any characters; again for each
        #[arg(long = "scope", value_name = "PATTERN", required = true)]
        scopes: Vec<String>,
        /// For how long
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1440))]
        minutes: u64,
        /// What for
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// For so many actions
        #[arg(long, value_name = "N")]
        max_uses: Option<u64>,
    },
    /// Let a window last longer
    Extend {
        /// Its id
        window: String,
        /// By how much
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1440))]
        minutes: u64,
    },
    /// End a window before its time
    Revoke {
        /// Its id
        window: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// End it without asking
        #[arg(short, long)]
        yes: bool,
    },
}

impl Action {
    pub(super) fn run(self, plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
        let xybern = plane.client.xybern();
        match self {
            Self::List { agent } => show::list(&plane.ask(xybern.list_temporal_windows(&agent))?, output),
            Self::Show { window } => show::one(&plane.ask(xybern.get_temporal_window(&window))?, output),
            Self::Check { agent, action } => {
                match plane.ask(xybern.check_temporal_window(&agent, Some(&action)))? {
                    Some(window) => show::one(&window, output),
                    None => {
                        crate::output::message("no window of the agent admits it");
                        Ok(Exit::Denied)
                    }
                }
            }
            Self::Open { agent, scopes, minutes, reason, max_uses } => {
                let mut draft = WindowDraft::default();
                (draft.agent_id, draft.scopes, draft.duration_minutes) = (agent, scopes, minutes);
                (draft.reason, draft.max_uses) = (reason, max_uses);
                show::one(&plane.ask(xybern.create_temporal_window(&draft))?, output)
            }
            Self::Extend { window, minutes } => {
                show::one(&plane.ask(xybern.extend_temporal_window(&window, minutes))?, output)
            }
            Self::Revoke { window, reason, yes } => {
                // Looked at first, so that nobody is asked about a window that is not there.
                let agent = reveal(&plane.ask(xybern.get_temporal_window(&window))?.agent_id);
                change(yes, &format!("End the window of agent `{agent}`?"), || {
                    plane.ask(xybern.revoke_temporal_window(&window, reason.as_deref()))?;
                    Ok(format!("the window of agent `{agent}` is over"))
                })
            }
        }
    }
}
