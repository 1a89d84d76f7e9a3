//! `scopegate mcp init`: a policy to begin with.

mod policy;
mod template;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use scopegate_core::Name;
use scopegate_core::pin::screen;
use scopegate_engine::Policy;

use super::listing;
use super::target::TargetArgs;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;

/// Write a policy to begin with for an MCP server
///
/// Starts the server, lists its tools and writes a commented policy: tools that the server calls read-only
/// wait for a person, the others stand there commented out, each with its arguments as constraints to fill in.
/// What a server says of its tools is a hint and no more. Of several servers (--servers) each tool is named as
/// that of its own, TOOL@SERVER. With --template, writes a policy that was made for a
/// well-known server instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate mcp init --template filesystem > filesystem.yaml
  scopegate mcp init --server-name time --out time.yaml -- uvx mcp-server-time
  scopegate mcp init --servers servers.yaml --out policy.yaml")]
pub(crate) struct Init {
    /// A policy for a well-known server: database, fetch, filesystem, github or slack
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// The role in the policy
    #[arg(long, value_name = "NAME", default_value = "agent")]
    role: Name,
    /// Write to this file, which must not exist yet, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
}

impl Init {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let text = match &self.template {
            Some(name) => template::find(name).map(str::to_owned).ok_or_else(|| {
                let known: Vec<_> = template::names().collect();
                Failure::usage(format!("no template `{}`; there are {}", reveal(name), known.join(", ")))
            })?,
            None => self.begun_from_list()?,
        };
        // Never written unless it could be read.
        Policy::from_text(&text, "the policy").map_err(Failure::no_answer)?;
        match &self.out {
            None => output.line(text.trim_end())?,
            Some(path) => {
                let failed =
                    |error| Failure::usage(format!("{}: cannot be written: {error}", path.display()));
                let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
                file.write_all(text.as_bytes()).map_err(failed)?;
                output::message(&reveal(&format!(
                    "written to {}; look through it before use",
                    path.display()
                )));
            }
        }
        Ok(Exit::Ok)
    }

    fn begun_from_list(&self) -> Result<String, Failure> {
        let listed = listing::list_each(&self.target)?.into_iter();
        let screened: Vec<_> = listed.map(|listed| (listed.server, screen(None, &listed.tools))).collect();
        Ok(policy::write(&screened, &self.role))
    }
}
