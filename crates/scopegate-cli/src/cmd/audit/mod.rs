//! `scopegate audit`: what was decided.

mod export;
mod key;
mod spanforge;
mod tail;
mod verify;

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Look at the records of decisions
///
/// `verify` works offline, on the record files of a process and on exports of a plane. The rest asks a
/// plane, with a key of kind auditor.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate audit tail --follow
  scopegate audit export --out log.jsonl
  scopegate audit key > log.key
  scopegate audit verify log.jsonl --key log.key")]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Verify(verify::Verify),
    Export(export::Export),
    Tail(tail::Tail),
    Key(key::Key),
}

impl Audit {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        match self.command {
            Command::Verify(verify) => verify.run(output),
            Command::Export(export) => export.run(),
            Command::Tail(tail) => tail.run(output),
            Command::Key(key) => key.run(output),
        }
    }
}
