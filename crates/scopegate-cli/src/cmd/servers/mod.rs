//! `scopegate servers`: what the MCP servers of a plane offer.

mod put;
mod show;

use std::path::PathBuf;

use crate::confirm::change;
use crate::connection::Connection;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::reveal::reveal;

/// See and register what MCP servers offer
///
/// A tool that a registered server does not offer is never permitted there, and arguments have to fit
/// the schema of the tool. Reading takes any key but one for emergencies, writing one of kind admin.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 not (you said no), 2 it cannot be done as given, 4 no answer

Examples:
  scopegate servers list
  scopegate servers put warehouse tools.json
  scopegate servers get warehouse --output json > tools.json")]
pub(crate) struct Servers {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the servers that were registered
    List,
    /// Show the tools of a server; with `--output json` as `put` takes them
    Get {
        /// Its name, as roles list it
        server: String,
    },
    /// Register all that a server offers, in the place of what was registered
    ///
    /// First shows what would change, tool by tool. Running sessions are held to it at once.
    Put {
        /// Its name, as roles list it
        server: String,
        /// What its `tools/list` answers: an object with `tools`, all of them, JSON or YAML; `-` reads
        /// standard input
        file: PathBuf,
        /// Change without asking
        #[arg(short, long)]
        yes: bool,
    },
    /// Forget a server: it then has every tool that a role allows
    Delete {
        /// Its name, as roles list it
        server: String,
        /// Forget it without asking
        #[arg(short, long)]
        yes: bool,
    },
}

impl Servers {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        match self.action {
            Action::List => show::list(&plane, output),
            Action::Get { server } => show::get(&plane, &server, output),
            Action::Put { server, file, yes } => put::put(&plane, &server, &file, yes, output),
            Action::Delete { server, yes } => {
                // Looked at first, so that nobody is asked about a server that is not there.
                let name = reveal(&plane.ask(plane.client.get_server(&server))?.name);
                let question =
                    format!("Forget MCP server `{name}`? It then has every tool that a role allows.");
                change(yes, &question, || {
                    plane.ask(plane.client.delete_server(&server))?;
                    Ok(format!("MCP server `{name}` is forgotten"))
                })
            }
        }
    }
}
