//! The command line as a whole. Each command's own arguments stand in its file under `cmd`.

use clap::{Parser, Subcommand};

use crate::cmd;
use crate::output::Format;

/// Decides whether an AI agent may make this tool call, with these arguments, now
///
/// A policy file says what each role may do: which tools, with which arguments, how often, and
/// which calls a person must agree to first. Whatever it does not grant is denied.
#[derive(Debug, Parser)]
#[command(name = "scopegate", version, after_help = EXIT_CODES, arg_required_else_help = true)]
#[command(after_long_help = format!("{FIRST_STEPS}\n\n{EXIT_CODES}\n\n{STREAMS}"))]
pub(crate) struct Args {
    /// How results are printed: for people, or one JSON value a line
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(cmd::check::Check),
    Validate(cmd::validate::Validate),
    Explain(cmd::explain::Explain),
    Replay(cmd::replay::Replay),
    Audit(cmd::audit::Audit),
    Schema(cmd::schema::Schema),
    Demo(cmd::demo::Demo),
    Serve(cmd::serve::Serve),
    Mcp(cmd::mcp::Mcp),
    Keys(cmd::keys::Keys),
    Tenants(cmd::tenants::Tenants),
    Roles(cmd::roles::Roles),
    Grants(cmd::grants::Grants),
    Policies(cmd::policies::Policies),
    Packs(cmd::packs::Packs),
    Servers(cmd::servers::Servers),
    Sessions(cmd::sessions::Sessions),
    Agents(cmd::agents::Agents),
    Decisions(cmd::decisions::Decisions),
    Reviews(cmd::reviews::Reviews),
    Escalations(cmd::escalations::Escalations),
    Status(cmd::status::Status),
}

const EXIT_CODES: &str = "\
Exit codes:
  0  permitted, or all is well
  1  denied, or what was looked at is not as it should be
  2  the command cannot be carried out as given
  3  held: a person has to agree first
  4  no answer, or it could not be delivered; never treat this as a permit";

const FIRST_STEPS: &str = "\
First steps, from the root of the repository:
  scopegate validate examples/agentdojo/workspace.yaml
  scopegate explain --policy examples/agentdojo/workspace.yaml
  scopegate check --policy examples/agentdojo/workspace.yaml \\
      --tool delete_file --args '{\"file_id\": \"13\"}'
  scopegate replay --policy examples/agentdojo/workspace.yaml \\
      examples/agentdojo/workspace.jsonl";

const STREAMS: &str = "Results go to standard output, messages to standard error.";
