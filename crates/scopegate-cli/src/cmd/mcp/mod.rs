//! `scopegate mcp`: in front of MCP servers that somebody else wrote.

mod decider;
mod listen;
mod listing;
mod pins;
mod proxy;
mod servers;
mod shown;
mod starter;
mod stdio;
mod target;

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Stand in front of an MCP server: every call of a tool is decided before the server sees it
///
/// Starts the server (or connects to it), and is the server for whoever started this: put it into an
/// MCP client's configuration in the place of the server's own command. Tools that the role cannot
/// use are not shown; a call that is denied comes back with a reason that the model can act on.
///
/// A role names its servers: `allowed_mcp_servers: [NAME]`, where NAME is what --server-name says, or
/// else the name of the program. Prompts, resources and completion are judged as the tools
/// `mcp:prompts/get:NAME`, `mcp:resources/read` and `mcp:completion/complete`, or opened to everybody
/// with --open.
///
/// Messages for people go to standard error; standard output belongs to the protocol.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Exit codes: 0 the client hung up, or it was asked to stop; 2 it cannot be started as given; 4 the
server ended

Examples:
  scopegate mcp --policy policy.yaml --role assistant -- npx -y @modelcontextprotocol/server-filesystem /srv/docs
  scopegate mcp --policy policy.yaml --role assistant --server-name time -- mcp-server-time
  scopegate mcp --policy policy.yaml --upstream https://mcp.example.com/mcp --upstream-header Authorization=TOKEN_HEADER
  scopegate mcp --policy policy.yaml --listen 127.0.0.1:8090 -- mcp-server-time
  scopegate mcp --policy policy.yaml --servers servers.yaml
  SCOPEGATE_API_KEY=... scopegate mcp --plane http://127.0.0.1:8080 --role assistant -- mcp-server-time"
)]
pub(crate) struct Mcp {
    #[command(subcommand)]
    beside: Option<Beside>,
    #[command(flatten)]
    proxy: proxy::ProxyArgs,
}

/// What there is to do beside standing in front.
#[derive(Debug, clap::Subcommand)]
enum Beside {
    Pin(Box<pins::PinCommand>),
    Init(Box<starter::Init>),
}

impl Mcp {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        match self.beside {
            None => self.proxy.run(),
            Some(Beside::Pin(pin)) => pin.run(output),
            Some(Beside::Init(init)) => init.run(output),
        }
    }
}
